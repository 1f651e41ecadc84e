"""The tasks: what is asked, what must be there before, and what is judged afterwards."""

import hashlib
import string
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

FOLDER = Path(__file__).resolve().parent / "tasks"
TAGS = frozenset(
    {"docker", "kubernetes", "files", "system", "multi-step", "diagnose", "negative", "everyday", "smoke"}
)
# Names as people give them. Which ones a run gets is decided by task and repeat, so that the three repeats of
# a task are three prompts, and every state of the agent is asked the same.
NAMESPACES = (
    "shop payments billing orders team-a staging web-prod inventory media search crm reports checkout "
    "analytics logistics backend data-lab game-eu blog intranet"
).split()
APPS = (
    "web api cart-api frontend user-service image-resizer mailer gateway catalog order-worker auth-proxy "
    "invoice-api feed notifier price-cache landing docs-site quote-engine chat sync-agent"
).split()


@dataclass(frozen=True)
class Task:
    """One task of the benchmark. The scripts are bash, with the functions of lib.sh.

    Attributes:
        name: The stem of its file.
        prompt: What the user asks, with $NS, $APP, $APP2 and $PORT; of a dialogue its `turns`, a line each.
        verify: Judges the end state, or the facts in the answer; exit code 0 is a pass.
        solution: Does the task; its output is the answer. It shows that the task can be done and is judged
            rightly.
        files: What lies in the working directory.
        environment: Variables that the agent sees.
    """

    name: str
    prompt: str
    verify: str
    solution: str
    tags: frozenset[str]
    setup: str = ""
    cleanup: str = ""
    files: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def split(self) -> str:
        """`dev`, on which the agent may be tuned, or `test`."""
        return ("dev", "test")[hashlib.sha256(self.name.encode()).digest()[0] % 2]

    @property
    def is_negative(self) -> bool:
        """Whether the honest answer is the pass: impossible, forbidden, or done already."""
        return "negative" in self.tags

    def needs(self, service: str) -> bool:
        """Whether the task uses `docker` or `kubernetes`."""
        return service in self.tags

    def names(self, repeat: int) -> dict[str, str]:
        """The names of one run."""
        digest = hashlib.sha256(f"{self.name}/{repeat}".encode()).digest()
        app = digest[1] % len(APPS)
        return {
            "NS": NAMESPACES[digest[0] % len(NAMESPACES)],
            "APP": APPS[app],
            "APP2": APPS[(app + 1 + digest[2] % (len(APPS) - 1)) % len(APPS)],
        }

    def filled(self, text: str, names: dict[str, str]) -> str:
        """A text with the names of a run in it."""
        return string.Template(text).safe_substitute(names)


def load(folder: Path = FOLDER) -> list[Task]:
    """All tasks, by name.

    Raises:
        ValueError: A task is malformed; the text says which and how.
    """
    return [_read(path) for path in sorted(folder.glob("*.yaml"))]


def _read(path: Path) -> Task:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    tags = frozenset(content.pop("tags", ()))
    if not tags or tags - TAGS:
        raise ValueError(f"{path.name}: tags must be of {sorted(TAGS)}, found {sorted(tags)}")
    try:
        if "turns" in content:
            content["prompt"] = "\n".join(content.pop("turns"))
        return Task(name=path.stem, tags=tags, **content)
    except TypeError as error:
        raise ValueError(f"{path.name}: {error}") from error


def select(tasks: Iterable[Task], suite: str) -> list[Task]:
    """The tasks of a suite: `all`, `dev`, `test`, a tag, or names and tags with commas between them.

    Raises:
        ValueError: No task is in the suite.
    """
    wanted = suite.split(",")
    chosen = [t for t in tasks if {"all", t.split, t.name, *t.tags} & set(wanted)]
    if not chosen:
        raise ValueError(f"No task is in the suite {suite!r}. Suites: all, dev, test, a tag, or task names.")
    return chosen
