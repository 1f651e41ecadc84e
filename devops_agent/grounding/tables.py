"""Figures of a table that a task asks for: sums, averages, extremes and counts."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from devops_agent import intent
from devops_agent.delimited import rows_of, separator_of
from devops_agent.files import text_if_readable
from devops_agent.grounding.task_words import NO_NAMES, PATH, has_word
from devops_agent.patterns import regex

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
# What says nothing of which rows are meant; any other word may.
_FILLERS = frozenset(
    """a add adding added all altogether amount an and are as at average avg be by calculate cell column
 columns compute cost costs could count counts csv do does each entries every fewest figure file find
 for from get give greatest has have having highest how i in is it largest least lowest many max
 maximum me mean min minimum most much number numbers of on our out over overall please row rows show
 smallest biggest cheapest sum sums table tell that the their them there these they this those to
 together total totals up us value values want was what which who with work you your can per line
 lines record records""".split()
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
    """The figures that a task asks for of the tables that it names; none where a word is not understood.

    Args:
        task: The task.
        directory: The working directory.
    """
    told: list[str] = []
    for wish in intent.wishes(task):
        for named in dict.fromkeys(PATH.findall(wish)):
            if table := _read(directory, named):
                told += _figures(wish, table)
    return told


def _read(directory: Path, named: str) -> _Table | None:
    text = text_if_readable(directory / named, _LARGEST) if separator_of(named) else None
    header, *rows = rows_of(named, text or "") or [[]]
    columns = [cell.strip() for cell in header]
    is_table = len(set(columns)) == len(columns) > 1 and all(map(_NAME.fullmatch, columns))
    if not is_table or not rows:
        return None
    return _Table(named, columns, [dict(zip(columns, map(str.strip, row), strict=True)) for row in rows])


def _figures(task: str, table: _Table) -> Iterator[str]:
    rows, where, values = _chosen(task, table)
    if not rows or not _is_understood(task, table, values):
        return
    by = [column for column in table.columns if _groups_by(task, column)]
    numeric = [column for column in table.numeric if column not in by]
    wanted = [column for column in numeric if _speaks_of(task, column)]
    if not wanted and len(numeric) == 1 and not _COUNTS.search(task):
        wanted = numeric
    if by:
        if len(by) == 1 and any(asked.search(task) for asked in (_SUMS, _AVERAGES, _COUNTS)):
            yield from _grouped(task, table.name, wanted, by[0], rows, where)
        return
    if _COUNTS.search(task):
        yield f"{table.name} has {len(rows)} rows{where}"
    for column in wanted:
        figures = [Decimal(row[column]) for row in rows]
        of = f"of {column} in {table.name}{where} ({len(rows)} rows)"
        extremes = (("highest", _HIGHEST, max(figures)), ("lowest", _LOWEST, min(figures)))
        if any(pattern.search(task) for _, pattern, _ in extremes):
            names = _names(task, table, rows)
            for word, pattern, value in extremes if names else ():
                if pattern.search(task):
                    those = [name for name, figure in zip(names, figures, strict=True) if figure == value]
                    told = ", ".join(those[:_MOST_GROUPS])
                    yield f"{word} {column} in {table.name}{where}: {value}, of {told}"
            return
        if _SUMS.search(task):
            yield f"sum {of}: {sum(figures)}"
        if _AVERAGES.search(task):
            yield f"average {of}: {_average(figures)}"


def _names(task: str, table: _Table, rows: Sequence[Mapping[str, str]]) -> list[str]:
    """By what the rows are told apart: the column that is asked for, or the first; none where it repeats."""
    asked = [
        each for each in table.columns if re.search(rf"\bwhich {re.escape(each)}\b", task, re.IGNORECASE)
    ]
    names = [row[(asked or table.columns)[0]] for row in rows]
    is_name = asked or table.columns[0] not in table.numeric
    return names if is_name and len(set(names)) == len(names) else []


def _is_understood(task: str, table: _Table, values: Collection[str]) -> bool:
    """Whether each word is one of the table, or says nothing of which rows are meant."""
    left = PATH.sub(" ", task)
    for known in sorted((*table.columns, *values), key=len, reverse=True):
        left = re.sub(rf"(?<![\w-]){re.escape(known)}(?![\w-])", " ", left, flags=re.IGNORECASE)
    stem = Path(table.name).stem.lower()
    about = {stem, stem.removesuffix("s"), f"{stem}s"}
    parts = {part for column in table.columns if _speaks_of(task, column) for part in _parts(column)}
    words = {word.lower() for word in re.findall(r"[\w'’.-]*\w", left)}
    return words <= _FILLERS | about | parts


def _chosen(task: str, table: _Table) -> tuple[Sequence[Mapping[str, str]], str, list[str]]:
    """The rows with the values that a task names, how they are told, and those values."""
    rows, told, values = table.rows, [], []
    about = PATH.sub(" ", task).lower()
    for column in table.columns:
        if column in table.numeric:
            continue
        cells = {row[column] for row in table.rows if row[column].lower() not in NO_NAMES | _FILLERS}
        named = sorted(cell for cell in cells if len(cell) > 1 and has_word(about, cell.lower()))
        if named:
            rows = [row for row in rows if row[column] in named]
            told.append(f"{column} is {' or '.join(named)}")
            values += named
    return rows, f" where {' and '.join(told)}" if told else "", values


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
    parts = _parts(column)
    return has_word(task, column) or (len(parts) > 1 and all(has_word(task, part) for part in parts))


def _parts(column: str) -> list[str]:
    return [part.lower() for part in re.split(r"[\W_]+", column) if part]


def _groups_by(task: str, column: str) -> bool:
    return bool(
        re.search(rf"\b(?:per|by|(?:for|of|in) (?:each|every)) {re.escape(column)}\b", task, re.IGNORECASE)
    )


def _average(values: Sequence[Decimal]) -> Decimal:
    return round(sum(values, Decimal()) / len(values), 2)
