"""The search for runbooks, measured on tasks whose right runbooks are known: seconds; minutes with a model.

python -m benchmarks search                      # by the words alone
python -m benchmarks search --model FILE.gguf    # and by the model, as in a run
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from devops_agent import intent, runbook_library
from devops_agent.form_finder import FormFinder
from devops_agent.grounding import Ground
from devops_agent.recipe_choice import Weigh, unweighed

_FILE = Path(__file__).with_name("searches.tsv")
# No names are looked up here, and there are no files.
_NOWHERE = Path("/nonexistent")
RIGHT, OTHER, MISSED, NEEDLESS, NONE = (
    "the right one",
    "another one",
    "none, though there is one",
    "one, though none is right",
    "none, and rightly so",
)


def load() -> list[tuple[frozenset[str], str]]:
    """The names of the right runbooks for each task, and the task."""
    lines = [line for line in _FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    cells = [line.partition("\t") for line in lines]
    return [(frozenset(filter(None, names.split(","))), task) for names, _, task in cells]


def outcomes(weigh: Weigh = unweighed) -> Iterator[tuple[str, str, str]]:
    """For each task what the search came to, the name of the runbook that it found, and the task."""
    runbooks = runbook_library.load()
    for right, task in load():
        changes = intent.asks_for_change(task)
        found = FormFinder.of(task, runbooks, Ground(), {}, changes, _NOWHERE, weigh).runbook
        yield _outcome(found.name if found else "", right), found.name if found else "", task


def _outcome(found: str, right: frozenset[str]) -> str:
    if not found:
        return MISSED if right else NONE
    if found in right:
        return RIGHT
    return OTHER if right else NEEDLESS


def summary(found: list[str]) -> str:
    """How often the search came to what."""
    counts = Counter(found)
    return "\n".join(f"{counts[each]:4} {each}" for each in (RIGHT, OTHER, MISSED, NEEDLESS, NONE))
