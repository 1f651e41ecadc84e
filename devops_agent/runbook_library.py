"""Runbooks: short recipes in Markdown, of which the one that fits a task is put behind it.

Those of this package lie in `runbooks/`; a user's own in `~/.config/devops-agent/runbooks/`, and a project's
in `.devops-agent/runbooks/`. Of two with the same file name the more special one counts.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

_OWN = Path(__file__).resolve().parent / "runbooks"
# SQLite's bm25() is negative, the better the lower; the title counts more than the words of `When:`.
_SEARCH = """SELECT name, bm25(runbook, 0, 3.0, 1.0) AS score FROM runbook WHERE runbook MATCH ?
 ORDER BY score LIMIT ?"""
_WHEN = re.compile(r"^When: *(.+)$", re.MULTILINE)
# Only at the top: in a code block, "# " begins a comment.
_TITLE = re.compile(r"\s*# +(\S.*)")
# The more words, the slower; and a pasted log says nothing more about the task.
_MOST_WORDS = 200
PLACEHOLDER = re.compile(r"(?<![$\w{])\{([a-z_]+)\}")
_KNOWN_NAME = 1.3
# Words that say nothing about what a task is.
_COMMON = frozenset(
    """a an and are as at be by can could do does for from get give has have how i if in into is it its me
 my of on one or our please should so some than that the their them then there these they this to up us
 want we what when where which who why will with would you your s t""".split()
)


@dataclass(frozen=True)
class Runbook:
    """A recipe.

    Attributes:
        name: The stem of its file.
        title: What it does, as a user would ask for it.
        when: Words that users use for it.
        text: The whole Markdown.
    """

    name: str
    title: str
    when: str
    text: str

    @property
    def field(self) -> str:
        """What it is about, by the programs that it runs: `kubernetes`, `docker` or `system`."""
        if re.search(r"\b(?:kubectl|helm)\b", self.text):
            return "kubernetes"
        return "docker" if re.search(r"^(?:docker |```dockerfile)", self.text, re.MULTILINE) else "system"

    def recipe(self, names: Mapping[str, str]) -> str:
        """What the model is told: without the words for the search, with the names that are known."""
        body = _WHEN.sub("", self.text).strip()
        body = re.sub(r"\n{2,}", "\n", body).replace("# ", "", 1)
        return PLACEHOLDER.sub(lambda match: names.get(match[1], match[0]), body)


def load(folders: Iterable[Path] = ()) -> dict[str, Runbook]:
    """All runbooks by name: this package's, then those of the folders, in whose order later ones count more.

    Files without a title, and those that cannot be read, are left out.
    """
    return {runbook.name: runbook for folder in (_OWN, *folders) for runbook in _in(folder)}


def _in(folder: Path) -> Iterator[Runbook]:
    try:
        paths = sorted(path for path in folder.glob("*.md") if path.is_file())
    except OSError:
        return
    for path in paths:
        try:
            runbook = parse(path.stem, path.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue
        if runbook:
            yield runbook


def parse(name: str, text: str) -> Runbook | None:
    """Reads a runbook; None when it has no title."""
    text = text.lstrip("\ufeff")
    title, when = _TITLE.match(text), _WHEN.search(text)
    return Runbook(name, title[1].strip(), when[1] if when else "", text) if title else None


def search(runbooks: Mapping[str, Runbook], text: str, most: int = 5) -> list[tuple[Runbook, float]]:
    """The runbooks that fit a text best, with their scores; the higher the better."""
    found = dict.fromkeys(re.findall(r"[a-z0-9]{2,}", text.lower()))
    words = [word for word in found if word not in _COMMON][:_MOST_WORDS]
    if not words:
        return []
    with closing(sqlite3.connect(":memory:")) as index:
        index.execute(
            "CREATE VIRTUAL TABLE runbook USING fts5(name UNINDEXED, title, words, tokenize=porter)"
        )
        rows = [(r.name, r.title, r.when) for r in runbooks.values()]
        index.executemany("INSERT INTO runbook VALUES (?, ?, ?)", rows)
        query = " OR ".join(f'"{word}"' for word in words)
        return [(runbooks[name], -score) for name, score in index.execute(_SEARCH, (query, most))]


def best(
    runbooks: Mapping[str, Runbook], text: str, field: str, names: Mapping[str, str], at_least: float
) -> Runbook | None:
    """The runbook for a task, when one of its field fits well enough.

    Args:
        runbooks: The runbooks.
        text: The task.
        field: What the task is about: `kubernetes`, `docker` or `system`.
        names: The names that are known; a runbook that has a use for them is preferred.
        at_least: The lowest score that counts.
    """
    of_field = {name: runbook for name, runbook in runbooks.items() if runbook.field == field}
    stems = {_stem(word) for word in re.findall(r"[a-z0-9]{2,}", text.lower())}
    found = [(r, score * _KNOWN_NAME ** _uses(r, names)) for r, score in search(of_field, text, 4)]
    for runbook, score in sorted(found, key=lambda pair: -pair[1]):
        title = {_stem(w) for w in re.findall(r"[a-z0-9]{2,}", runbook.title.lower()) if w not in _COMMON}
        if score >= at_least and len(title & stems) * 2 >= len(title):
            return runbook
    return None


def _uses(runbook: Runbook, names: Mapping[str, str]) -> bool:
    kinds = names.keys() - {"namespace", "container"}
    return any(f"{{{kind}}}" in runbook.text for kind in kinds)


def _stem(word: str) -> str:
    """Enough of a word to find its other forms: `limits`, `limit`; `scaling`, `scale`; `logged`, `log`."""
    return re.sub(r"([b-df-hj-np-tv-z])\1$", r"\1", re.sub(r"(?:ings?|ed|es|e|s)$", "", word))
