"""The smallest change that lets a broken text file be read again: a guess, checked with its own grammar.

What a person would try at the line that the parser names: another indentation, a comma, the word that closes
a block. A change that does not make the whole file readable is not suggested.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from devops_agent.diagnosis import text_files
from devops_agent.patterns import regex

_LINE = regex(r"\bline (\d+)")
_CLOSES = {"if": "fi", "case": "esac", "for": "done", "while": "done", "until": "done", "select": "done"}
_WORD = regex(r"\s*(?:\w+=\S*\s+)?(if|case|for|while|until|select|fi|esac|done)\b")
_NEAR = 3


class Mended(NamedTuple):
    """A file's text with the change, and the change in words."""

    text: str
    change: str


def mended(path: Path, text: str) -> Mended | None:
    """A text of the file that can be read; None when no small change gives one.

    Args:
        path: The file; its suffix tells the grammar.
        text: Its text.
    """
    wrong = text_files.trouble(path, text)
    found = _LINE.search(wrong)
    if not wrong:
        return None
    lines = text.splitlines()
    number = min(int(found[1]) if found else len(lines), len(lines))
    for changed, change in _candidates(path, lines, number - 1):
        candidate = "\n".join(changed) + "\n"
        if not text_files.trouble(path, candidate):
            return Mended(candidate, change)
    return None


def _candidates(path: Path, lines: list[str], at: int) -> Iterator[tuple[list[str], str]]:
    suffix = path.suffix.lower()
    if suffix in (".yaml", ".yml"):
        yield from _yaml(lines, at)
    elif suffix == ".json":
        yield from _json(lines, at)
    elif suffix in (".sh", ".bash", ""):
        yield from _shell(lines)


def _yaml(lines: list[str], at: int) -> Iterator[tuple[list[str], str]]:
    for index in [at, *(near for step in range(1, _NEAR) for near in (at - step, at + step))]:
        if not 0 <= index < len(lines) or not lines[index].strip():
            continue
        line = lines[index]
        if "\t" in line:
            yield _with(lines, index, line.expandtabs(2))
        if (spaced := re.sub(r"^(\s*(?:- )?[\w.-]+):(?=[^\s/:])", r"\1: ", line)) != line:
            yield _with(lines, index, spaced)
        if re.fullmatch(r"\s*(?:- )?[\w.-]+", line):
            yield _with(lines, index, f"{line}:")
        if (opened := re.match(r"(\s*(?:- )?[\w.-]+: *)([\"'])([^\"']*)$", line)) is not None:
            yield _with(lines, index, f"{line}{opened[2]}")
        for indent in dict.fromkeys(_indents(lines, index)):
            if indent != _indent(line):
                yield _with(lines, index, " " * indent + line.strip())


def _indents(lines: list[str], index: int) -> Iterator[int]:
    """The indentations that the line may have, the likeliest first: that of the lines around it."""
    around = [*lines[index + 1 : index + 2], *lines[max(index - 4, 0) : index][::-1]]
    for line in around:
        if line.strip():
            yield _indent(line)
            if line.rstrip().endswith(":"):
                yield _indent(line) + 2


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _json(lines: list[str], at: int) -> Iterator[tuple[list[str], str]]:
    for index in (at - 1, at):
        if 0 <= index < len(lines):
            bare = lines[index].rstrip()
            yield _with(lines, index, bare.rstrip(",") if bare.endswith(",") else f"{bare},")
    for closing in ("}", "]", "}}"):
        yield [*lines, closing], f'"{closing}" is added at the end'


def _shell(lines: list[str]) -> Iterator[tuple[list[str], str]]:
    """Closes the block that is still open where another one ends, or at the end of the file."""
    opened: list[tuple[str, int]] = []
    for index, line in enumerate(lines):
        word = (_WORD.match(line) or ("", ""))[1]
        if word in _CLOSES:
            if not re.search(rf"\b{_CLOSES[word]}\b\s*(?:[;&|#].*)?$", line):
                opened.append((word, index))
        elif word and opened:
            inner, start = opened.pop()
            if _CLOSES[inner] != word:
                yield _closed(lines, index, inner, start)
                return
    for inner, start in opened[::-1]:
        yield _closed(lines, len(lines), inner, start)


def _closed(lines: list[str], index: int, word: str, start: int) -> tuple[list[str], str]:
    indent = text_files.indent(lines[start])
    text = f"{indent}{_CLOSES[word]}"
    return (
        [*lines[:index], text, *lines[index:]],
        f'"{_CLOSES[word]}" is put before line {index + 1}, for the {word} of line {start + 1}',
    )


def _with(lines: list[str], index: int, line: str) -> tuple[list[str], str]:
    return [*lines[:index], line, *lines[index + 1 :]], f'line {index + 1} becomes "{line}"'
