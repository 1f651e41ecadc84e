"""How much room a text takes on a terminal."""

import os
import re
import shutil
from contextlib import suppress
from typing import TextIO
from unicodedata import east_asian_width

from devops_agent.ansi import CODE, RESET


def size_of(terminal: TextIO) -> os.terminal_size:
    """The columns and lines that a terminal has now; those of COLUMNS and LINES where it is none."""
    with suppress(OSError, ValueError):
        size = os.get_terminal_size(terminal.fileno())
        if size.columns > 0 and size.lines > 0:
            return size
    return shutil.get_terminal_size()


def columns_of(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if "\t" in text:
        text = text.expandtabs(8)
    return len(text) if text.isascii() else sum(map(_column, text))


def _column(character: str) -> int:
    return 2 if east_asian_width(character) in "WF" else 1


def cut(line: str, start: int, end: int) -> str:
    """The part of a line between two columns, with the colour that it has there.

    A character that takes two columns is left out where only one of them is between.
    """
    line = line.expandtabs(8)
    if "\x1b" not in line and line.isascii():
        return line[start:end]
    column, style = 0, ""
    kept: list[str] = []
    for part in re.split(f"({CODE.pattern})", line):
        if CODE.fullmatch(part):
            style = "" if part == RESET else style + part
            if start <= column < end and kept:
                kept.append(part)
            continue
        for character in part:
            if start <= column and column + _column(character) <= end:
                kept.append(character if kept else style + character)
            column += _column(character)
    text = "".join(kept)
    return text + RESET if "\x1b" in text else text
