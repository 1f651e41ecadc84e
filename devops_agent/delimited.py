"""Tables in text files: their separators by the endings of their names, and their rows."""

import csv
import io
from pathlib import Path

SEPARATORS = {".csv": ",", ".tsv": "\t"}


def separator_of(path: str) -> str:
    """What stands between the cells of a file; "" when it is no table by its name."""
    return SEPARATORS.get(Path(path).suffix.lower(), "")


def rows_of(path: str, text: str) -> list[list[str]]:
    """The rows of a table that is one by its name, its header first; none when they differ in length."""
    separator = separator_of(path)
    if not separator:
        return []
    try:
        read = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
        rows = [row for row in read if row]
    except csv.Error:
        return []
    return rows if all(len(row) == len(rows[0]) for row in rows) else []
