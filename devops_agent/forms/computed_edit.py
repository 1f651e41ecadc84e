"""Edits of files that code can work out from the task: times, versions, networks, comments.

A small model takes 4:15 for minute 4, and 1.9.2 for the next minor version after 1.9.1.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from devops_agent import file_wishes, intent, schedules
from devops_agent.files import text_if_readable
from devops_agent.forms.rewrite import Rewrite
from devops_agent.grounding.task_words import ADDRESS, NO_NAMES
from devops_agent.patterns import regex
from devops_agent.task_limits import makes_exception

_CRON_LINE = regex(r"(\s*)((?:[\d*/,-]+\s+){4}[\dA-Za-z*/,-]+)(\s+\S.*)")
_VERSION = regex(
    r"^(?P<before>[\"']?version[\"']?\s*[:=]\s*[\"']?v?)(?P<version>\d+\.\d+\.\d+)(?![\w.+-])", re.IGNORECASE
)
_ANY_LEVEL = regex(r"\b(?:major|minor|patch)\b", re.IGNORECASE)
_LEVEL = regex(r"\b(?:bump|increase|increment|raise|next)\b[^.;]*?\b(major|minor|patch)\b", re.IGNORECASE)
# A version that is stated, or one before.
_OTHER_VERSION = regex(r"\d\.\d|\b(?:previous|back|down|keep)\b", re.IGNORECASE)
# What is wanted of a job other than that it runs at these times.
_OTHER_WISH = regex(
    r"\b(?:remove|delete|drop|no longer|stop|add|comment|disable)\b|\bfrom (?:\d|midnight|noon)",
    re.IGNORECASE,
)
# Names of scripts that are also what one says of any job.
_VERBS = frozenset("run job cron main script test check clean update send start".split())
_SHORT = 3
_NETWORK = regex(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}/\d{1,2}(?![\d.])")
_DELETES_LINES = regex(r"\b(?:delete|remove|drop)\b[^.;]*\b(?:lines|entries)\b", re.IGNORECASE)
_EXCEPTS = regex(r"\b(?:not|except|but|other than|outside|only)\b|n['’]t\b", re.IGNORECASE)
_COMMENTS = regex(r"\b(?:(?P<un>uncomment)|comment(?: [\w.\"'-]+){0,2} out)\b", re.IGNORECASE)
_COMMENT = regex(r"^(\s*)((?:#|;) ?)?(.*)$")
_SECTION = regex(r"\b(?:section|block|stanza)\b", re.IGNORECASE)
_NAMED = r"\[[\w. :\"/-]+\]"
_SECTION_NAME = regex(_NAMED)
_SECTION_HEAD = regex(r"\s*\[\[?[^\]]+\]\]?\s*(?:[#;].*)?$")
_REMOVES_SECTION = regex(
    r"(?:(?:please|then|and|so|also) )*(?:remove|delete|drop) (?:(?:the|whole|entire|complete|this|that) )*"
    rf"(?:(?:section|block|stanza) )?(?:{_NAMED}(?: (?:section|block|stanza))?|it|(?:section|block|stanza))"
    r"(?:,? (?:from|in|out of) (?:the )?(?:file )?[\w./-]+"
    r"|,? (?:and|with) (?:everything|all) (?:that is )?in it"
    r"| please| completely| altogether)*[\s.!,]*\Z",
    re.IGNORECASE,
)
# What else "it" may be than a section.
_SMALLER = regex(r"\b(?:lines?|keys?|comments?|values?|settings?|entr(?:y|ies)|options?|if)\b", re.IGNORECASE)
# "the other jobs keep running"
_OTHERS_STAY = regex(
    r",?\s*(?:and )?\b(?:all )?(?:the )?others?(?: \w+)? (?:keep|stay|remain|go on|run|must"
    r"|have to|should)\b[^.;]*",
    re.IGNORECASE,
)
# By which a task means another line than the one that it names.
_OTHERS = regex(
    r"\b(?:below|above|before|after|behind|others?|all|every|each|only|not|except)\b|n['’]t\b", re.IGNORECASE
)
_OTHER_COMMENTS = frozenset(
    ".js .mjs .ts .jsx .tsx .c .h .cpp .go .java .rs .sql .css .html .xml .lua .json".split()
)
_QUOTED = regex(r"[\"“'`]([^\"”'`]{2,80})[\"”'`]")
# "change it from X to Y", "replace X with Y", "point everything that uses X to Y"
_VALUE = r"[\"'`]?(?P<{0}>[^\s\"'`,;]*[^\s\"'`,;.:?!])[\"'`]?"
_SWAPS = (
    regex(
        rf"\b(?:change|switch|update|set)\b(?: [\w.-]+){{0,5}}?"
        rf" from {_VALUE.format('old')} to {_VALUE.format('new')}",
        re.IGNORECASE,
    ),
    regex(rf"\breplace {_VALUE.format('old')} (?:with|by) {_VALUE.format('new')}", re.IGNORECASE),
)
_MOVES_ALL = regex(
    rf"\bpoint (?:everything|all (?:the )?(?:entries|lines|places|references|urls?|hosts?))\b[^;]*?"
    rf" to {_VALUE.format('new')}",
    re.IGNORECASE,
)
_EVERYWHERE = regex(
    r"\b(?:everything|everywhere|wherever|every occurrence|all (?:the )?(?:entries|lines|places|references"
    r"|occurrences|urls?|hosts?))\b(?! else)",
    re.IGNORECASE,
)
_PLACE = regex(r"\A\s*(?:(?:please|then|and|now) )*(?:in (?:the file )?\S+,? )?", re.IGNORECASE)
_PART = regex(r"\[|\b(?:sections?|blocks?|parts?|stanzas?|other|stays?|without)\b", re.IGNORECASE)
_ADDS_TOO = regex(
    r"\b(?:add|append|insert|remove|delete|copy|copies|except|but (?:not|leave)|only)\b", re.IGNORECASE
)
# Hosts, addresses and the like: a number, a version or a word alone may stand for many things.
_TELLING = regex(r"(?!v?\d+(?:\.\d+){0,2}$)[\w-]+[.:/@][\w-]")


def computed(path: str, text: str, task: str) -> Rewrite | None:
    """The edit of a file that a task states in other words than the file has it; None when there is none.

    Args:
        path: The file.
        text: Its text.
        task: The task.
    """
    lines = text.splitlines(keepends=True)
    for rule in _RULES if Path(path).suffix.lower() not in _OTHER_COMMENTS else _RULES[:-1]:
        # a line may have the name of its own file
        if new := rule(lines, task.replace(path, " ") if rule is _comments else task):
            change = ", ".join(_told(index + 1, line.strip()) for index, line in new.items())
            text_after = "".join(new.get(index, line) for index, line in enumerate(lines))
            return Rewrite(path, text_after, change, text)
    return None


def _told(number: int, line: str) -> str:
    return f'line {number} becomes "{line}"' if line else f"line {number} goes"


def _schedules(lines: list[str], task: str) -> dict[int, str]:
    """The lines of a crontab whose command a clause of the task names beside the times that it wants."""
    stated = {} if _OTHER_WISH.search(task) else schedules.by_clause(task)
    jobs = [
        (index, job) for index, line in enumerate(lines) if (job := _CRON_LINE.fullmatch(line.rstrip("\n")))
    ]
    found: dict[int, str] = {}
    for clause, fields in stated.items():
        meant = [(index, job) for index, job in jobs if _names(clause, job[3])]
        if len(meant) != 1:
            return {}
        index, job = meant[0]
        found[index] = f"{job[1]}{fields}{job[3]}\n"
    return found if len(found) == len(stated) else {}


def _names(clause: str, command: str) -> bool:
    """Whether a clause speaks of a command, by the name of its program or script, with its ending or not."""
    program = command.split()[0].rpartition("/")[2]
    stem = program.partition(".")[0]
    said = program if len(stem) < _SHORT or stem.lower() in NO_NAMES | _VERBS else stem
    return bool(re.search(rf"(?<![\w.-]){re.escape(said)}(?:\.\w+)?(?![\w-])", clause, re.IGNORECASE))


def _next_version(lines: list[str], task: str) -> dict[int, str]:
    """The line with the version, raised by the level that the task names."""
    level = [] if _OTHER_VERSION.search(task) or len(_ANY_LEVEL.findall(task)) > 1 else _LEVEL.findall(task)
    at = [(index, match) for index, line in enumerate(lines) if (match := _VERSION.match(line.strip()))]
    if len(at) != 1 or len(level) != 1 or "version" not in task.lower():
        return {}
    index, match = at[0]
    raised = file_wishes.next_version(match["version"], level[0].lower())
    return {index: lines[index].replace(match["version"], raised, 1)}


def _of_network(lines: list[str], task: str) -> dict[int, str]:
    """The lines with an address of the network whose lines are to go."""
    networks = _NETWORK.findall(task)
    if len(networks) != 1 or not _DELETES_LINES.search(task) or _EXCEPTS.search(task):
        return {}
    if any(networks[0] in line for line in lines):
        return {}  # as a line of its own
    try:
        network = ipaddress.ip_network(networks[0])
    except ValueError:
        return {}
    return {index: "" for index, line in enumerate(lines) if any(map(network.__contains__, _addresses(line)))}


def _comments(lines: list[str], task: str) -> dict[int, str]:
    """The line that the task wants put into a comment, or out of one."""
    asked = _COMMENTS.search(task)
    if asked is None:
        return {}
    quoted = [" ".join(text.split()) for text in _QUOTED.findall(task)]
    words = {word for word in re.findall(r"[\w./-]*\w", task) if word.lower() not in NO_NAMES}
    found: dict[int, str] = {}
    speaks: dict[int, str] = {}
    telling = {word for word in words if _TELLING.match(word)}
    rest = _OTHERS_STAY.sub(" ", task)
    telling = set() if _OTHERS.search(rest) or makes_exception(rest) else telling
    for index, line in enumerate(lines):
        indent, mark, text = _COMMENT.findall(line.rstrip("\n"))[0]
        said = " ".join(text.split()).rstrip(" ;,")
        if bool(mark) != bool(asked["un"]) or not said:
            continue
        new = f"{indent}{text}\n" if mark else f"{indent}#{text}\n"
        first = re.split(r"[\s=:]", said, maxsplit=1)[0]
        if said in quoted if quoted else first in words:
            found[index] = new
        if any(_whole(word).search(text) for word in telling):
            speaks[index] = new
    found = found or ({} if quoted else speaks)
    return found if len(found) == 1 else {}


def _section(lines: list[str], task: str) -> dict[int, str]:
    """The lines of the section that the task wants gone: "Remove the section [legacy] from app.ini"."""
    wishes = [wish for wish in intent.wishes(task) if _REMOVES_SECTION.match(wish)]
    named = _SECTION_NAME.findall(task)
    if len(wishes) != 1 or len(named) != 1 or not _SECTION.search(task):
        return {}
    if makes_exception(task) or _SMALLER.search(task):
        return {}
    heads = [index for index, line in enumerate(lines) if _SECTION_HEAD.match(line)]
    begins = [index for index in heads if re.split("[#;]", lines[index])[0].strip() == named[0]]
    if len(begins) != 1:
        return {}
    end = next((index for index in heads if index > begins[0]), len(lines))
    while end < len(lines) and lines[end - 1].lstrip().startswith(("#", ";")):
        end -= 1  # what is said of the section behind it
    return dict.fromkeys(range(begins[0], end), "")


def _replaced(lines: list[str], task: str) -> dict[int, str]:
    """The lines with a value that the task wants to be another one, when it is clear which are meant."""
    if makes_exception(task) or intent.without_negations(task) != task or _PART.search(task):
        return {}
    wishes = [_PLACE.sub("", wish, count=1) for wish in intent.wishes(task)]
    swaps = [match for pattern in _SWAPS for wish in wishes if (match := pattern.match(wish))]
    pairs = {(match["old"], match["new"]) for match in swaps}
    for match in filter(None, map(_MOVES_ALL.match, wishes)) if not pairs else ():
        words = {word.strip(".,;:!?\"'`") for word in task.split()} - {match["new"]}
        pairs |= {(old, match["new"]) for old in words if _TELLING.match(old) and _places(lines, old)}
    if len(pairs) != 1 or _ADDS_TOO.search(task):
        return {}
    old, new = pairs.pop()
    places = _places(lines, old)
    several = len(places) > 1 or any(len(_whole(old).findall(lines[index])) > 1 for index in places)
    if not _TELLING.match(old) or (several and not _EVERYWHERE.search(task)):
        return {}
    return {index: _whole(old).sub(lambda _: new, lines[index]) for index in places}


def left_behind(task: str, before: Mapping[Path, str]) -> str:
    """Where a value still stands that a task wants changed everywhere, in a sentence; "" if nowhere.

    Args:
        task: The task.
        before: The texts of the files in which one place of it was changed, before that.
    """
    for path, text in before.items() if _EVERYWHERE.search(task) else ():
        lines = (text_if_readable(path) or "").splitlines()
        gone, new = set(text.splitlines()) - set(lines), " ".join(set(lines) - set(text.splitlines()))
        words = {word for line in gone for word in re.findall(r"[\w.:/@-]*\w", line)}
        parts = words | {part for word in words for part in re.split(r"[:/@]+", word)}
        for old in sorted(each for each in parts if _TELLING.match(each) and _whole(each).search(task)):
            if (places := _places(lines, old)) and not _whole(old).search(new):
                return f"{path} still has {old} in {lines[places[0]].strip()!r}."
    return ""


def _whole(value: str) -> "re.Pattern[str]":
    return re.compile(rf"(?<![\w.-]){re.escape(value)}(?![\w-]|\.\w)")


def _places(lines: list[str], value: str) -> list[int]:
    return [index for index, line in enumerate(lines) if _whole(value).search(line)]


def _addresses(line: str) -> list[ipaddress.IPv4Address]:
    found = []
    for text in ADDRESS.findall(line):
        with suppress(ValueError):  # 300.1.2.3
            found.append(ipaddress.IPv4Address(text))
    return found


# The last one knows only of comments that begin with "#".
_RULES: tuple[Callable[[list[str], str], dict[int, str]], ...] = (
    _schedules,
    _next_version,
    _of_network,
    _section,
    _replaced,
    _comments,
)
