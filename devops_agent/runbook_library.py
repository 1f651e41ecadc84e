"""Runbooks: short recipes in Markdown, of which the one that fits a task is put behind it.

Those of this package lie in `runbooks/`; a user's own in `~/.config/devops-agent/runbooks/`, and a project's
in `.devops-agent/runbooks/`. Of two files with the same name the more special one counts. A file may hold
several runbooks, each of which begins with its title.
"""

import math
import re
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

from devops_agent import intent
from devops_agent.patterns import regex

_OWN = Path(__file__).resolve().parent / "runbooks"
# SQLite's bm25() is negative, the better the lower; the title counts more than the words of `When:`.
_SEARCH = """SELECT name, bm25(runbook, 0, 3.0, 1.0) AS score FROM runbook WHERE runbook MATCH ?
 ORDER BY score LIMIT ?"""
_FOR_SEARCH = regex(r"^(When|Needs|Unless|Spares): *(.+)$", re.MULTILINE)
_TITLE = regex(r"\s*# +(\S.*)")
# Where a runbook begins. In a code block, "# " begins a comment: what stands in one is skipped.
_FENCED = regex(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_BEGINS = regex(r"^# +(?=\S)", re.MULTILINE)
# The more words, the slower; and a pasted log says nothing more about the task.
_MOST_WORDS = 200
PLACEHOLDER = regex(r"(?<![$%\w{])\{(?!(?:print|end|else)\})([a-z_]+)\}")
# A part of a command that may be left out, such as [-p {port}:{target_port}].
OPTION = regex(r"(?<=\s)\[(?=[^\s\[{\"'])([^\[\]]*\{[a-z_]+\}[^\[\]]*)\](?=\s|$)( ?)")
_OF_DOCKER = regex(r"^docker |Dockerfile|\bcompose\.ya?ml|\.dockerignore", re.MULTILINE)
_KNOWN_NAME = 1.3
# What begins with the word with which a recipe begins most likely means it.
_ASKED = 1.5
# Said of one thing only, so that little else need be said.
_SAYS_ALL = frozenset({"commit"})
_CANDIDATES = 20
# These are known with most tasks, and say nothing of what it is about.
_ANYWHERE = frozenset({"namespace", "container"})
# Of the words of a title, or of a phrase of `When:`, so much must be in a task.
_TITLE_COVERED, _PHRASE_COUNTS = 0.45, 0.8
# A word with a weight below this is in a third of all titles; what one word alone must make up of a title.
_SAYS_LITTLE, _ALONE = 1.1, 0.6
# BM25 gives little to short tasks, which say all there is to say in three words.
_SHORT = 3.0
# What a recipe that begins with one of these does: it looks, and changes nothing; or that is for its title to
# say. Any other word is one for a change.
_ONLY_LOOKS = frozenset("compar count list resolv search show validat what".split())
_EITHER = frozenset("check find read run test".split())
# A recipe that begins with one of these is only for a task that says so.
_ONLY_IF_ASKED = frozenset(
    """remov stop suspend paus taint drain cordon uncordon restart kill free discard forbid deny limit
 rollback resum push merg lock mov""".split()
)
# What a task must say, in one way or another, for a recipe that begins with the word.
_SAID = {
    verb: regex(said)
    for verb, said in {
        "build": r"\b(?:re)?build(?! (?:arg|context|cache))|packag|(?:contain|dock)eri|\bmake\b.*\bimage",
        "start": r"stopp|again|exit|\b(?:down|back)\b"
        r"|\bstart (?:the |my )?(?:docker )?(?:container )?[\w.-]+ ?(?:container ?)?(?:$|[.,;!?]|please)",
        "commit": r"\bcommit",
        "restor": r"\b(?:restor|recover|bring|get|undo|revert|back|check ?out|undelet|reset|rescue)",
        "pack": r"(?s)\A(?!.*\bout of (?:\S+ )?\S+\.(?:t?gz|tar|zip|[xb]z2?)\b(?!.*\bpack\b))"
        r".*\b(?:pack|tar(?!\.)|tarball|archive(?!s\b)|compress|bundle|zip|back ?up)(?!.*\bout of\b)",
        "extract": r"\b(?:extract|unpack|untar|get|take|restore|pull|fish|out of)\b",
        "sort": r"\bsort",
        "tag": r"(?s)\A(?!.*\b(?:remov|delet|drop|untag)\w* (?:(?:all|the|other|old) )*tags\b)"
        r".*(?:\b(?:re)?tag(?!ged)|\bname)",
        "compres": r"\bg?zip|compress",
        "renam": r"\b(?:renam|mov|call|end in|ought to be)",
        "scal": r"\A(?!.*\b(?:automatic\w*|auto-?scal\w*|hpa|by itself)\b)",
        "chang": r"\b(?:chang|set|sett|updat|switch|edit|modif|rais|lower|bump|adjust|limit|increas|decreas"
        r"|reduc|make|chmod|chown|mov|put|give|fix|correct|renam|amend|reword|resiz|grant|run|need|should|cap)",
        "copy": r"\b(?:cop(?:y|ies)|clone|duplicate|put|pull|fetch|get|bring|take|back ?up|\w+load)\b",
        "mak": r"\b(?:chmod|read|private|executable|run|start|small|shrink|reduc|slim|siz|fat|big|large"
        r"|write)",
        "label": r"\A(?!.*\b(?:remov|delet|drop|strip|tak\w+ off)).*\b(?:label|tag|mark|stamp)",
        "expos": r"\b(?:expos|reach|publish|service|node ?port|open)",
        "writ": r"\b(?:writ|creat|sav|stor|put|list|record|dump|keep|note)",
    }.items()
}
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
        name: The stem of its file, with a number when it is not the first there.
        title: What it does, as a user would ask for it.
        when: Words that users use for it.
        text: The whole Markdown.
        own: Whether it comes with this package.
    """

    name: str
    title: str
    when: str
    text: str
    own: bool = True

    @cached_property
    def needs(self) -> tuple[frozenset[str], ...]:
        """Stems of words of which one group has to be in a task; () where it needs none."""
        return self._groups("Needs")

    @cached_property
    def unless(self) -> tuple[frozenset[str], ...]:
        """Those of which none may be in it."""
        return self._groups("Unless")

    @property
    def spares_one(self) -> bool:
        """Whether it spares the one thing that a task excepts."""
        return _for_search(self.text).get("Spares") == "one"

    def _groups(self, key: str) -> tuple[frozenset[str], ...]:
        groups = _for_search(self.text).get(key, "").split(",")
        return tuple(frozenset(_stems(group)) for group in groups if group.strip())

    @cached_property
    def field(self) -> str:
        """What it is about, by the programs that it runs: `kubernetes`, `docker` or `system`."""
        if re.search(r"\b(?:kubectl|helm)\b", self.text):
            return "kubernetes"
        return "docker" if _OF_DOCKER.search(self.text) else "system"

    @cached_property
    def changes(self) -> bool:
        """Whether it does something, by its title; else it only looks."""
        if self.own and self.verb not in _EITHER:
            return self.verb not in _ONLY_LOOKS
        return intent.asks_for_change(self.title)

    @cached_property
    def verb(self) -> str:
        """The stem of the first word of its title."""
        return next((_stem(word) for word in _spoken(self.title)), "")

    def is_asked_by(self, wish: str) -> bool:
        """Whether a wish begins with the word with which its title begins."""
        return next((_stem(word) for word in _spoken(wish)), "") == self.verb

    @property
    def only_if_asked(self) -> bool:
        """Whether it is only for a task that asks for it in so many words."""
        return self.verb in _ONLY_IF_ASKED

    def recipe(self, names: Mapping[str, str]) -> str:
        """What the model is told: without the words for the search, with the names that are known."""
        body = _FOR_SEARCH.sub("", self.text).strip()
        body = re.sub(r"\n{2,}", "\n", body).replace("# ", "", 1)
        return PLACEHOLDER.sub(lambda match: names.get(match[1], match[0]), with_all_options(body))


def with_all_options(commands: str) -> str:
    """Commands with each of their options."""
    return OPTION.sub(r"\1\2", commands)


def load(folders: Iterable[Path] = ()) -> dict[str, Runbook]:
    """All runbooks by name: this package's, then those of the folders, in whose order later ones count more.

    Files without a title, and those that cannot be read, are left out.
    """
    files = {stem: found for folder in (_OWN, *folders) for stem, found in _in(folder)}
    return {runbook.name: runbook for found in files.values() for runbook in found}


def _in(folder: Path) -> Iterator[tuple[str, list[Runbook]]]:
    try:
        paths = sorted(path for path in folder.glob("*.md") if path.is_file())
    except OSError:
        return
    for path in paths:
        try:
            read = parse(path.stem, path.read_text(encoding="utf-8", errors="replace"))
            found = [replace(runbook, own=folder == _OWN) for runbook in read]
        except OSError:
            continue
        if found:
            yield path.stem, found


def parse(name: str, text: str) -> list[Runbook]:
    """Reads the runbooks of a file; none when it does not begin with a title.

    Args:
        name: The stem of the file.
        text: Its text.
    """
    text = text.lstrip("\ufeff")
    if not _TITLE.match(text):
        return []
    visible = _FENCED.sub(lambda block: " " * len(block[0]), text)
    starts = [match.start() for match in _BEGINS.finditer(visible)]
    parts = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return [
        _runbook(f"{name}-{number}" if number > 1 else name, part) for number, part in enumerate(parts, 1)
    ]


def _runbook(name: str, text: str) -> Runbook:
    title = _TITLE.match(text)
    assert title is not None
    return Runbook(name, title[1].strip(), _for_search(text).get("When", ""), text)


def _for_search(text: str) -> dict[str, str]:
    """What a runbook says for the search alone, by the word that it begins with."""
    return dict(reversed(_FOR_SEARCH.findall(text)))


def search(
    runbooks: Mapping[str, Runbook], text: str, most: int = 5, names: Collection[str] = ()
) -> list[tuple[Runbook, float]]:
    """The runbooks that fit a text best, with their scores; the higher the better.

    Args:
        runbooks: The runbooks.
        text: What is wanted.
        most: How many to return.
        names: Words that are names of things, and tell nothing of what is wanted.
    """
    rows = [(r.name, " ".join(_spoken(r.title)), " ".join(_spoken(r.when))) for r in runbooks.values()]
    known = {word for _, title, when in rows for word in f"{title} {when}".split()}
    words = [word for word in dict.fromkeys(_asked(text, known, names)) if word not in _COMMON][:_MOST_WORDS]
    if not words:
        return []
    with closing(sqlite3.connect(":memory:")) as index:
        index.execute(
            "CREATE VIRTUAL TABLE runbook USING fts5(name UNINDEXED, title, words, tokenize=porter)"
        )
        index.executemany("INSERT INTO runbook VALUES (?, ?, ?)", rows)
        query = " OR ".join(f'"{word}"' for word in words)
        return [(runbooks[name], -score) for name, score in index.execute(_SEARCH, (query, most))]


def best(
    runbooks: Mapping[str, Runbook],
    text: str,
    field: str,
    names: Mapping[str, str],
    at_least: float,
    task: str = "",
    changes: bool | None = None,
) -> tuple[Runbook | None, float]:
    """The runbook for a task, when one of its field fits well enough, and how well; the higher the better.

    Args:
        runbooks: The runbooks.
        text: The task, or a part of it.
        field: What the task is about: `kubernetes`, `docker` or `system`.
        names: The names that are known; a runbook that has a use for them is preferred.
        at_least: The lowest score that counts, by BM25 and the share of its title that the task has.
        task: The whole task, when the text is a part of it.
        changes: Whether it has to change something; None for either. For a question only titles count:
            looking at things a model does well by itself.
    """
    of_field = {
        name: runbook
        for name, runbook in runbooks.items()
        if runbook.field == field and (changes is None or runbook.changes == changes)
    }
    what = said_of(task or text)
    known = {word for each in of_field.values() for word in _spoken(f"{each.title} {each.when}")}
    # of a question about a container nobody says that it is one of docker's
    said = "" if changes else field
    told = _stems(f"{_without_names(what, known)} {said} {' '.join(names.keys() - _ANYWHERE)}")
    weights = _weights(of_field.values())
    found: list[tuple[float, Runbook, float]] = []
    for runbook, score in search(of_field, text, _CANDIDATES, names.values()):
        if not may_mean(what, runbook):
            continue
        title, when = _stems(runbook.title), runbook.when if changes else ""
        phrases = [stems for phrase in when.split(",") if len(stems := _stems(phrase)) > 1]
        of_title = _covered(title, told, weights, _ALONE if changes else 1.0)
        of_phrases = [_PHRASE_COUNTS * _covered(stems, told, weights) for stems in phrases]
        covered = max([of_title, *of_phrases])
        fit = (score + _SHORT) * covered
        asked_by = runbook.is_asked_by(text)
        enough = _TITLE_COVERED * (0.7 if asked_by and runbook.verb in _SAYS_ALL else 1.0)
        fit *= _ASKED if asked_by else 1.0
        if covered >= enough and fit >= at_least:
            found.append((fit * _KNOWN_NAME ** _uses(runbook, names), runbook, fit))
    return max(found, key=lambda each: each[0])[1:] if found else (None, 0.0)


def said_of(task: str) -> str:
    """What a task says is wanted, and not where."""
    return _WHERE.sub(" ", task.lower())


def may_mean(what: str, runbook: Runbook) -> bool:
    """Whether what a task says has the words without which a runbook is never meant."""
    if runbook.only_if_asked and runbook.verb not in _stems_asked(what):
        return False
    if runbook.needs or runbook.unless:
        there = _stems(what)
        if runbook.needs and not any(map(there.issuperset, runbook.needs)):
            return False
        if any(map(there.issuperset, runbook.unless)):
            return False
    said = _SAID.get(runbook.verb) if runbook.own else None
    return not said or bool(said.search(what))


@lru_cache(maxsize=16)  # it is the same for all runbooks
def _stems_asked(what: str) -> frozenset[str]:
    # "stopped containers" are none to stop, and "it is moving" asks for nothing
    return frozenset(_stem(word) for word in _spoken(what) if not word.endswith(("ed", "ing")))


def _weights(runbooks: Collection[Runbook]) -> dict[str, float]:
    """How telling a word is: the fewer titles have it, the more."""
    counts = Counter(stem for runbook in runbooks for stem in _stems(runbook.title))
    return {stem: math.log((1 + len(runbooks)) / count) for stem, count in counts.items()}


def _covered(
    stems: Collection[str], told: Collection[str], weights: Mapping[str, float], alone: float = _ALONE
) -> float:
    """Which share of words a task has; 0 when it is one word by chance, less than `alone` of them."""
    rare = max(weights.values(), default=1.0)
    weight = {stem: weights.get(stem, rare) for stem in stems}
    shared = [stem for stem in stems if stem in told]
    share = sum(weight[stem] for stem in shared) / (sum(weight.values()) or 1.0)
    telling = [stem for stem in shared if weight[stem] > _SAYS_LITTLE]
    return share if len(telling) > 1 or share >= alone else 0.0


# What is said in several ways, in one of them.
_SPELLED = (
    (r"config ?map", "configmap"),
    (r"cron ?job", "cronjob"),
    (r"(?:stateful ?set|sts)\b", "statefulset"),
    (r"daemon ?set", "daemonset"),
    (r"service ?account", "serviceaccount"),
    (r"(?:(?:persistent )?volume ?claim|pvc)(?=s?\b)", "pvc"),
    (r"network ?polic(?:y|ies)", "networkpolicy"),
    (r"load ?balancer", "loadbalancer"),
    (r"health ?check", "healthcheck"),
    (r"set ?up (?=an? |another )", "create "),
    (r"set ?up\b", "setup"),
    (r"deploy\b(?=/)", "deployment"),
    (r"(?:i|we) (?:need|want) (?:an?|another)\b", "create a"),
    (r"needs (?:an?|another)\b", "add a"),
    (r"(?:start|launch|spin up|bring up) (?=an? |another |one )", "run "),
    (r"(?:start|launch|run|spin up|bring up) (?=[\w./-]*[a-z][\w./-]*:[\w.-]*\d)", "run container "),
    (r"(?:start|launch|run) (?:it|that|them) (?=as |on |with |in the background)", "run container "),
    (r"make (?:me )?(?=an? |another |one )", "create "),
    (r"commit (?:both|them|these|those|everything)\b", "commit all changes"),
    (r"dedup(?:e|licate)\b", "remove repeated lines"),
    (r"certs?\b", "certificate"),
    (r"write (?=an? |another |one )", "create "),
    (r"director(?:y|ies)\b", "folder"),
    (r"biggest\b", "largest"),
    (r"(?<=\s\.)[a-z0-9]{1,5} files?\b", "extension files"),
    (r"below\b", "in"),
    (r"trigger\b", "run"),
    (r"(?:right now|immediately|at once)\b", "now"),
    (r"(?:delet|eras|drop)(?=e\b|ing\b|\b)", "remov"),
    (r"get rid of\b", "remove"),
    (r"throw(?:ing)? away\b", "discard"),
    (
        r"(?:undo|revert) (?:the |this )?(?:last |latest )?(?:rollout|deployment|release|upgrade)",
        "rollback",
    ),
    (r"roll(?=(?:\s+\S+){0,5}?\s+back\b)", "rollback"),
    (r"(?:go |get |return )?back to the (?=previous|last|old|earlier)", "rollback "),
    (r"set (?=[a-z]\w*_\w+=)", "set environment variable "),
    (r"upgrade\b", "update"),
    (r"env(?:ironment)? var(?:iable)?(?=s?\b)", "environment variable"),
)
_SPELLINGS = tuple((regex(rf"\b{said}"), spelling) for said, spelling in _SPELLED)
_SPELLED_OTHERWISE = regex(rf"\b(?:{'|'.join(said for said, _ in _SPELLED)})")
# "in namespace shop" says where, not what.
_WHERE = regex(
    r"\b(?:in|from|of|to|into|within|for) (?:the )?(?:(?:namespace|ns) [\w-]+|(?!namespace\b)\S+ namespace\b)"
)


@lru_cache(2048)  # each of the runbooks is asked for several times
def _spoken(text: str) -> Sequence[str]:
    """The words of a text, in one spelling."""
    text = text.lower()
    if _SPELLED_OTHERWISE.search(text):
        for pattern, spelling in _SPELLINGS:
            text = pattern.sub(spelling, text)
    return tuple(re.findall(r"[a-z0-9]{2,}", text))


def _stems(text: str) -> set[str]:
    """The stems of the words of a text that say something."""
    return {_stem(word) for word in _spoken(text) if word not in _COMMON}


def _asked(text: str, known: Collection[str], names: Collection[str]) -> Iterator[str]:
    """The words of a task that say what is wanted: without names, paths, images and other values."""
    kept = []
    for word in _WHERE.sub(" ", text.lower()).split():
        bare = word.strip(".,:;!?()'\"`")
        if bare not in names and _is_no_name(bare, known):
            kept.append(bare)
    yield from _spoken(" ".join(kept))


def _without_names(text: str, known: Collection[str]) -> str:
    """A text without words such as `image-resizer`, which are names and speak of no image."""
    return " ".join(word for word in text.split() if _is_no_name(word, known))


def _is_no_name(word: str, known: Collection[str]) -> bool:
    """Whether a word is one, or is made of words that are known."""
    parts = re.findall(r"[a-z0-9]{2,}", word)
    return len(parts) < 2 or all(part in known for part in parts)


def _uses(runbook: Runbook, names: Mapping[str, str]) -> int:
    """For how many kinds of names that are known it has a use: the namespace, and two objects."""
    objects = names.keys() - _ANYWHERE
    in_namespace = "namespace" in names and "{namespace}" in runbook.text
    return in_namespace + min(sum(f"{{{kind}}}" in runbook.text for kind in objects), 2)


def _stem(word: str) -> str:
    """Enough of a word to find its other forms: `limits`, `limit`; `scaling`, `scale`; `logged`, `log`."""
    word = re.sub(r"ie[sd]$", "y", word)
    return re.sub(r"([b-df-hj-np-tv-z])\1$", r"\1", re.sub(r"(?:ings?|ed|es|e|s)$", "", word))
