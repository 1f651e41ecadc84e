"""Figures of a table that a task asks for: sums, averages, extremes and counts."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from devops_agent.files import text_if_readable
from devops_agent.grounding.task_words import PATH, has_word
from devops_agent.patterns import regex

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_LARGEST = 5_000_000
_NUMBER = regex(r"-?\d{1,15}(?:\.\d{1,10})?")
_NAME = regex(r"[A-Za-z_][\w .()/%-]*")
_SUMS = regex(
    r"\b(?:sums?|totals?|add(?:s|ed)? up|adding up|altogether|overall|in all|how much)\b", re.IGNORECASE
)
_AVERAGES = regex(r"\b(?:averages?|mean|avg)\b", re.IGNORECASE)
_HIGHEST = regex(r"\b(?:most|highest|largest|biggest|max(?:imum)?|greatest)\b", re.IGNORECASE)
_LOWEST = regex(r"\b(?:least|lowest|smallest|cheapest|min(?:imum)?|fewest)\b", re.IGNORECASE)
_COUNTS = regex(r"\b(?:how many|number of|counts?)\b", re.IGNORECASE)
# What restricts the rows in a way that is not understood here.
_RESTRICTS = regex(
    r"\b(?:not|except|excluding|without|other than|but|than|over|under|above|below|at (?:least|most)|between"
    r"|since|before|after|until|unique|distinct|different|both|first|last)\b|n['’]t\b|[<>]",
    re.IGNORECASE,
)
_MOST_GROUPS = 20


@dataclass(frozen=True)
class _Table:
    name: str
    columns: Sequence[str]
    rows: Sequence[Mapping[str, str]]

    @property
    def numeric(self) -> list[str]:
        return [each for each in self.columns if all(_NUMBER.fullmatch(row[each]) for row in self.rows)]


def figures(task: str, directory: Path) -> list[str]:
    """The figures that a task asks for of the tables that it names; none where it restricts them otherwise.

    Args:
        task: The task.
        directory: The working directory.
    """
    if _RESTRICTS.search(task):
        return []
    tables = [_read(directory, named) for named in dict.fromkeys(PATH.findall(task))]
    return [line for table in tables if table for line in _figures(task, table)]


def _read(directory: Path, named: str) -> _Table | None:
    separator = _SEPARATORS.get(Path(named).suffix.lower())
    text = text_if_readable(directory / named, _LARGEST) if separator else None
    if not separator or not text:
        return None
    try:
        header, *rows = [
            row for row in csv.reader(io.StringIO(text), delimiter=separator, strict=True) if row
        ]
    except (csv.Error, ValueError):
        return None
    columns = [cell.strip() for cell in header]
    is_table = len(set(columns)) == len(columns) > 1 and all(map(_NAME.fullmatch, columns))
    if not is_table or not rows or any(len(row) != len(columns) for row in rows):
        return None
    return _Table(named, columns, [dict(zip(columns, map(str.strip, row), strict=True)) for row in rows])


def _figures(task: str, table: _Table) -> Iterator[str]:
    numeric = table.numeric
    wanted = [column for column in numeric if _speaks_of(task, column)]
    if not wanted and len(numeric) == 1 and not _COUNTS.search(task):
        wanted = numeric
    rows, where = _chosen(task, table)
    if not rows:
        return
    by = [column for column in table.columns if column not in numeric and _groups_by(task, column)]
    if len(by) == 1 and any(asked.search(task) for asked in (_SUMS, _AVERAGES, _COUNTS)):
        yield from _grouped(task, table.name, wanted, by[0], rows, where)
        return
    if _COUNTS.search(task):
        yield f"{table.name} has {len(rows)} rows{where}"
    for column in wanted:
        values = [Decimal(row[column]) for row in rows]
        of = f"of {column} in {table.name}{where} ({len(rows)} rows)"
        if _SUMS.search(task):
            yield f"sum {of}: {sum(values)}"
        if _AVERAGES.search(task):
            yield f"average {of}: {_average(values)}"
        for word, pattern, value in (("highest", _HIGHEST, max(values)), ("lowest", _LOWEST, min(values))):
            if pattern.search(task):
                names = [row[table.columns[0]] for row in rows if Decimal(row[column]) == value]
                yield f"{word} {column} in {table.name}{where}: {value}, of {', '.join(names[:_MOST_GROUPS])}"


def _chosen(task: str, table: _Table) -> tuple[Sequence[Mapping[str, str]], str]:
    """The rows with the values that a task names, and how they are told."""
    rows, told = table.rows, []
    about = PATH.sub(" ", task)
    for column in table.columns:
        if column in table.numeric:
            continue
        cells = {row[column] for row in table.rows}
        named = sorted(cell for cell in cells if len(cell) > 1 and has_word(about, cell))
        if named and not (len(named) == len(cells) > 1):
            rows = [row for row in rows if row[column] in named]
            told.append(f"{column} is {' or '.join(named)}")
    return rows, f" where {' and '.join(told)}" if told else ""


def _grouped(
    task: str, name: str, wanted: Sequence[str], by: str, rows: Sequence[Mapping[str, str]], where: str
) -> Iterator[str]:
    groups: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        groups.setdefault(row[by], []).append(row)
    if len(groups) > _MOST_GROUPS:
        return
    if _COUNTS.search(task):
        told = ", ".join(f"{group} {len(each)}" for group, each in groups.items())
        yield f"rows of {name}{where} by {by}: {told}"
    averages = bool(_AVERAGES.search(task)) and not _SUMS.search(task)
    for column in wanted:
        values = {group: [Decimal(row[column]) for row in each] for group, each in groups.items()}
        of = {group: _average(each) if averages else sum(each) for group, each in values.items()}
        told = ", ".join(f"{group} {value}" for group, value in of.items())
        yield f"{'average' if averages else 'sum'} of {column} in {name}{where} by {by}: {told}"


def _speaks_of(task: str, column: str) -> bool:
    parts = [part for part in re.split(r"[\W_]+", column) if part]
    return has_word(task, column) or (len(parts) > 1 and all(has_word(task, part) for part in parts))


def _groups_by(task: str, column: str) -> bool:
    return bool(
        re.search(rf"\b(?:per|by|(?:for|of|in) (?:each|every)) {re.escape(column)}\b", task, re.IGNORECASE)
    )


def _average(values: Sequence[Decimal]) -> Decimal:
    return round(sum(values, Decimal()) / len(values), 2)
