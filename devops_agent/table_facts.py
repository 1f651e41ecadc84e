"""Tables that small models misread, rewritten as one sentence a row.

A 1.5B model takes the total of the memory for the size of the disk when both tables stand in one output.
To add a table: write a function from command and line block to sentences, and put it into `_TABLES`.
"""

import re
from collections.abc import Callable, Sequence

from devops_agent.folding import fold
from devops_agent.patterns import regex

_PSEUDO = regex(r"^(?:tmpfs|devtmpfs|udev|overlay|shm|none|efivarfs|squashfs|rootfs|/dev/loop\d+)$")
_DF_HEADER = regex(
    r"^Filesystem\s+(?:Type\s+)?(\S+)\s+Used\s+Avail(?:able)?\s+(?:Use%|Capacity)\s+Mounted on$"
)
_DF_ROW = regex(
    r"^(\S+(?: \S+)*?)\s+(?:[a-z\d]\S*\s+)?"
    r"(\d\S*|-)\s+(-?\d\S*|-)\s+(-?\d\S*|-)\s+(\d+%|-)\s+(/.*)$"
)
_FREE_HEADER = regex(r"^\s+total\s+used\s+free\s+shared\s+buff/cache\s+available$")
_FREE_ROW = regex(r"^(Mem|Swap):\s+(\S+)\s+(\S+)\s+(\S+)(?:\s+\S+\s+\S+\s+(\S+))?$")
_PS_HEADER = regex(r"^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES$")
_PS_ROW = regex(r'^([0-9a-f]{12}) {2,}(\S+) {2,}".*?" {2,}\S.*? {2,}(\S.*?) {2,}(?:(\S.*?) {2,})?(\S+)$')
_EMPTY_TABLE = regex(r"^[A-Z][A-Z/()%-]*(?: [A-Z/()%-]+)*(?: {2,}[A-Z/()%-]+(?: [A-Z/()%-]+)*)+\s*$")
_LS_HEADER = regex(r"^total \d[\d.]*[KMGT]?$")
_LS_ROW = regex(r"^([bcdlps-])[rwxsStT-]{9}\S? +\d+ .* (\S+)$")
_FREE_FLAGS = regex(r"\bfree\s+((?:-\S+\s*)*)")
_FREE_UNITS = (
    (regex(r"(?<!\S)(?:-\w*m|--mebi)"), " MiB"),
    (regex(r"(?<!\S)(?:-\w*g|--gibi)"), " GiB"),
    (regex(r"(?<!\S)(?:-\w*b|--bytes)"), " bytes"),
)


def for_model(command: str, text: str) -> str:
    """The output of a command as the model reads it best."""
    return fold(from_tables(command, text))


def from_tables(command: str, text: str) -> str:
    """Rewrites the known tables in the output of a command; everything else stays as it is."""
    if _EMPTY_TABLE.match(text):
        return f"{text}\n(no rows: there are none)"
    lines = text.split("\n")
    result: list[str] = []
    at = 0
    while at < len(lines):
        table = next(((row, say) for header, row, say in _TABLES if header.match(lines[at])), None)
        if table is None:
            result.append(lines[at])
            at += 1
            continue
        row, say = table
        start, at = at, at + 1
        rows: list[re.Match[str]] = []
        while at < len(lines) and (match := row.match(lines[at])):
            rows.append(match)
            at += 1
        result += say(command, lines[start], rows) if rows else [lines[start]]
    return "\n".join(result)


def _disks(command: str, header: str, rows: Sequence[re.Match[str]]) -> list[str]:
    heading = _DF_HEADER.match(header)
    unit = f" ({heading[1]})" if heading and heading[1] != "Size" else ""
    # the root of a container is an overlay, and somebody may ask for a tmpfs by its name
    real = [row for row in rows if row[6] == "/" or not _PSEUDO.match(row[1])] or rows
    shown = [
        f"Disk {mount}: {percent} used, {used} of {size}{unit} used, {available} available."
        for _, size, used, available, percent, mount in (row.groups() for row in real)
    ]
    left_out = len(rows) - len(real)
    return shown + ([f"({left_out} tmpfs, overlay and the like left out)"] if left_out else [])


def _memory(command: str, header: str, rows: Sequence[re.Match[str]]) -> list[str]:
    flags = " ".join(_FREE_FLAGS.findall(command))
    unit = next((unit for flag, unit in _FREE_UNITS if flag.search(flags)), " KiB")
    sentences = []
    for name, total, used, free, available in (row.groups() for row in rows):
        suffix = unit if total.isdigit() else ""
        if name == "Swap":
            none = total.rstrip("B") == "0" and suffix != " GiB"  # rounded down
            sentences.append("Swap: none." if none else f"Swap: {used}{suffix} of {total}{suffix} used.")
        else:
            more = f", {available}{suffix} available" if available else ""
            sentences.append(
                f"Memory: {total}{suffix} total, {used}{suffix} used, {free}{suffix} free{more}."
            )
    return sentences


def _containers(command: str, header: str, rows: Sequence[re.Match[str]]) -> list[str]:
    # with the id in front of it, a small model takes that for the name
    return [
        f"Container {name}: image {image}, {status}{', ports ' + ports if ports else ''} (id {number})."
        for number, image, status, ports, name in (row.groups() for row in rows)
    ]


def _files(command: str, header: str, rows: Sequence[re.Match[str]]) -> list[str]:
    # the total is one of blocks, and a small model takes it for the number of files
    real = [row for row in rows if row[2] not in (".", "..")]
    folders = sum(row[1] == "d" for row in real)
    counts = [f"{len(real) - folders} files", f"{folders} folders"]
    return [*(row[0] for row in real), f"({', '.join(counts)})" if real else "(nothing is in it)"]


_Say = Callable[[str, str, Sequence[re.Match[str]]], list[str]]
_TABLES: tuple[tuple[re.Pattern[str], re.Pattern[str], _Say], ...] = (
    (_DF_HEADER, _DF_ROW, _disks),
    (_PS_HEADER, _PS_ROW, _containers),
    (_FREE_HEADER, _FREE_ROW, _memory),
    (_LS_HEADER, _LS_ROW, _files),
)
