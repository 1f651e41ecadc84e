"""Edits of files that code can work out from the task: times, versions, networks, comments.

A small model takes 4:15 for minute 4, and 1.9.2 for the next minor version after 1.9.1.
"""

import ipaddress
import re
from collections.abc import Callable
from contextlib import suppress

from devops_agent import schedules
from devops_agent.forms.rewrite import Rewrite

_CRON_LINE = re.compile(r"(\s*)((?:[\d*/,-]+\s+){4}[\dA-Za-z*/,-]+)(\s+\S.*)")
_VERSION = re.compile(
    r"^(?P<before>[\"']?version[\"']?\s*[:=]\s*[\"']?v?)(?P<version>\d+\.\d+\.\d+)(?![\w.+-])", re.IGNORECASE
)
_BUMPS = re.compile(r"\b(?:bump|increase|increment|raise|update|set|next)\b", re.IGNORECASE)
_LEVEL = re.compile(r"\b(major|minor|patch)\b", re.IGNORECASE)
_NETWORK = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}/\d{1,2}(?![\d.])")
_ADDRESS = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_DELETES_LINES = re.compile(r"\b(?:delete|remove|drop)\b[^.;]*\b(?:lines?|entr(?:y|ies))\b", re.IGNORECASE)
_COMMENTS = re.compile(r"\b(?:(?P<un>uncomment)|comment(?: [^.;]{1,40})? out)\b", re.IGNORECASE)
_COMMENT = re.compile(r"^(\s*)((?:#|//|;) ?)?(.*)$")
_QUOTED = re.compile(r"[\"“'`]([^\"”'`]{2,80})[\"”'`]")
_LEVELS = ("major", "minor", "patch")


def computed(path: str, text: str, task: str) -> Rewrite | None:
    """The edit of a file that a task states in other words than the file has it; None when there is none.

    Args:
        path: The file.
        text: Its text.
        task: The task.
    """
    for rule in _RULES:
        lines = text.splitlines(keepends=True)
        if new := rule(lines, task):
            change = ", ".join(_told(index + 1, line.strip()) for index, line in new.items())
            return Rewrite(path, "".join(new.get(index, line) for index, line in enumerate(lines)), change)
    return None


def _told(number: int, line: str) -> str:
    return f'line {number} becomes "{line}"' if line else f"line {number} goes"


def _schedules(lines: list[str], task: str) -> dict[int, str]:
    """The lines of a crontab whose command a clause of the task names beside the times that it wants."""
    found: dict[int, str] = {}
    stated = schedules.by_clause(task)
    for clause, fields in stated.items():
        for index, line in enumerate(lines):
            cron = _CRON_LINE.fullmatch(line.rstrip("\n"))
            if cron and _names(clause, cron[3]):
                found[index] = f"{cron[1]}{fields}{cron[3]}\n"
    return found if len(found) == len(stated) else {}


def _names(clause: str, command: str) -> bool:
    """Whether a clause speaks of a command, by the name of its program or script, with its ending or not."""
    program = command.split()[0].rpartition("/")[2]
    stem = program.partition(".")[0]
    return bool(re.search(rf"(?<![\w.-]){re.escape(stem)}(?:\.\w+)?(?![\w-])", clause, re.IGNORECASE))


def _next_version(lines: list[str], task: str) -> dict[int, str]:
    """The line with the version, raised by the level that the task names."""
    level = _LEVEL.findall(task)
    at = [index for index, line in enumerate(lines) if _VERSION.match(line.strip())]
    if len(at) != 1 or len(level) != 1 or not (_BUMPS.search(task) and "version" in task.lower()):
        return {}
    line = lines[at[0]]
    match = _VERSION.search(line.strip())
    assert match is not None
    numbers = [int(number) for number in match["version"].split(".")]
    raised = _LEVELS.index(level[0].lower())
    new = [*numbers[:raised], numbers[raised] + 1, *[0] * (2 - raised)]
    return {at[0]: line.replace(match["version"], ".".join(map(str, new)), 1)}


def _of_network(lines: list[str], task: str) -> dict[int, str]:
    """The lines with an address of the network whose lines are to go."""
    networks = _NETWORK.findall(task)
    if len(networks) != 1 or not _DELETES_LINES.search(task):
        return {}
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
    words = set(re.findall(r"[\w.-]*\w", task))
    found: dict[int, str] = {}
    for index, line in enumerate(lines):
        indent, mark, text = _COMMENT.findall(line.rstrip("\n"))[0]
        said = " ".join(text.split()).rstrip(" ;,")
        first = re.split(r"[\s=:]", said, maxsplit=1)[0]
        if bool(mark) == bool(asked["un"]) and said and (said in quoted if quoted else first in words):
            found[index] = f"{indent}{text}\n" if mark else f"{indent}#{text}\n"
    return found if len(found) == 1 else {}


def _addresses(line: str) -> list[ipaddress.IPv4Address]:
    found = []
    for text in _ADDRESS.findall(line):
        with suppress(ValueError):  # 300.1.2.3
            found.append(ipaddress.IPv4Address(text))
    return found


_RULES: tuple[Callable[[list[str], str], dict[int, str]], ...] = (
    _schedules,
    _next_version,
    _of_network,
    _comments,
)
