"""The tables of kubectl, docker and helm in colour: the header, and what is well or not in a row."""

import re
from dataclasses import dataclass

from devops_agent.ansi import GREEN, RED, YELLOW, painted
from devops_agent.patterns import regex

_WORD = r"[A-Z%/][A-Z0-9%/._-]*(?:\([A-Za-z]+\))?"
_NAME = regex(rf"{_WORD}(?: {_WORD})*")
_HEADER = regex(rf"{_NAME.pattern}(?:(?: {{2,}}|\t[ \t]*){_NAME.pattern})+[ \t]*$")
# One of them is in every table of these programs; other lines of capitals are no header.
_KNOWN = frozenset(
    "NAME NAMES NAMESPACE STATUS STATE READY IMAGE REPOSITORY DRIVER REASON RESOURCE SERVICE REPLICAS".split()
) | {"CONTAINER ID", "NETWORK ID", "VOLUME NAME", "LAST SEEN"}
_STATES = ("STATUS", "STATE", "PHASE")
_COUNTS = ("READY", "REPLICAS")

_GOOD = frozenset(
    "running completed complete succeeded bound ready active up available healthy deployed true".split()
)
_UNDER_WAY = frozenset(
    "pending containercreating podinitializing terminating created restarting paused released waiting"
    " removing progressing suspended uninstalling".split()
)
_BAD = frozenset(
    "error failed oomkilled evicted notready unknown lost dead degraded exited unhealthy false"
    " invalidimagename containerstatusunknown deadlineexceeded nodelost".split()
)
_BAD_FORMS = regex(r"err|image|.*(?:error|backoff|failed|cannotrun)$")
_EXITED = regex(r"(?:exited|restarting) \((\d+)\)")
_RATIO = regex(r"(\d+)/(\d+)$")


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, and where it starts and ends in each row."""

    name: str
    start: int
    end: int | None


def columns(line: str) -> tuple[Column, ...]:
    """The columns of which the line is the header; none where it is no header."""
    if not _HEADER.match(line):
        return ()
    found = list(_NAME.finditer(line))
    if not any(each.group() in _KNOWN for each in found):
        return ()
    ends = [each.start() for each in found[1:]]
    return tuple(
        Column(each.group(), each.start(), end) for each, end in zip(found, [*ends, None], strict=True)
    )


def coloured_row(row: str, table: tuple[Column, ...]) -> str:
    """The row with the colours of its states and counts."""
    state = next((_state(_cell(row, each)) for each in table if each.name in _STATES), None)
    for column in reversed(table):  # so that the places of those before it stay
        cell = _cell(row, column)
        if style := _style(column.name, cell, state):
            start, end = column.start, column.start + len(cell)
            row = row[:start] + painted(cell, style) + row[end:]
    return row


def _cell(row: str, column: Column) -> str:
    """What stands in the column; nothing where the row is not aligned with the header."""
    aligned = column.start == 0 or row[column.start - 1 : column.start].isspace()
    cell = row[column.start : column.end].rstrip() if aligned else ""
    return "" if cell[:1].isspace() else cell


def _style(name: str, cell: str, state: str | None) -> str:
    if not cell:
        return ""
    if name in _STATES:
        return _state(cell)
    if name in _COUNTS:
        return _count(cell, state)
    return YELLOW if (name, cell) == ("TYPE", "Warning") else ""


def _state(cell: str) -> str:
    """The colour of a state such as `Running`, `Init:0/1`, `Up 3 hours (unhealthy)`; "" for no colour."""
    text = cell.lower().removeprefix("init:")
    if ended := _EXITED.match(text):
        return RED if int(ended[1]) else ""
    if "(unhealthy)" in text:
        return RED
    if any(mark in text for mark in ("(health: starting)", "(paused)", "schedulingdisabled")):
        return YELLOW
    word = re.split(r"[ ,(]", text, maxsplit=1)[0]
    if word in _BAD or _BAD_FORMS.match(word):
        return RED
    if word in _UNDER_WAY or word.startswith("pending-") or _RATIO.match(word):
        return YELLOW
    return GREEN if word in _GOOD else ""


def _count(cell: str, state: str | None) -> str:
    """The colour of `1/1`, `0/3`, `True`; a pod that has ended is not meant to be ready."""
    ratio = _RATIO.match(cell)
    if not ratio:
        return _state(cell) if cell in ("True", "False", "Unknown") else ""
    there, wanted = int(ratio[1]), int(ratio[2])
    if there == wanted:
        return GREEN if wanted else ""
    if state == GREEN and not there:
        return YELLOW
    return RED if not there and state in (None, RED) else YELLOW
