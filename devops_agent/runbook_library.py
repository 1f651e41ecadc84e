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
_PLACEHOLDER = re.compile(r"(?<![$\w{])\{([a-z_]+)\}")
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

    def recipe(self, names: Mapping[str, str]) -> str:
        """What the model is told: without the words for the search, with the names that are known."""
        body = _WHEN.sub("", self.text).strip()
        body = re.sub(r"\n{2,}", "\n", body).replace("# ", "", 1)
        return _PLACEHOLDER.sub(lambda match: names.get(match[1], match[0]), body)


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


def best(runbooks: Mapping[str, Runbook], text: str, at_least: float) -> Runbook | None:
    """The runbook for a task, when one fits well enough."""
    found = search(runbooks, text, 1)
    return found[0][0] if found and found[0][1] >= at_least else None
