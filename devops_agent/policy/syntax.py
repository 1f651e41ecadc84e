"""The syntax of shell text: the few forms that matter.

A text is a tree of blocks with simple commands as its leaves. Words keep apart what is written and what is
only known at run time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

# What stands for text that is only known at run time; no shell text may hold it.
UNSEEN = "\0"


class NotShell(ValueError):
    """The text cannot be parsed, or not for sure as bash would."""


class Variable(NamedTuple):
    """A parameter whose value takes its place, or a part of it: `$NAME`, `${NAME}`, `${NAME:0:3}`."""

    name: str
    quoted: bool
    whole: bool = True


@dataclass(frozen=True)
class Word:
    """A word. Its pieces are text, variables, and None for what else is only known at run time."""

    pieces: tuple[str | Variable | None, ...]
    raw: str
    expands: bool = False  # by a glob or by braces, to words that do not stand there
    runs: tuple["Block", ...] = ()  # the commands whose output takes their place

    @property
    def text(self) -> str:
        """The text, with UNSEEN where it is only known at run time."""
        return "".join(piece if isinstance(piece, str) else UNSEEN for piece in self.pieces)

    @property
    def variables(self) -> list[str]:
        return [piece.name for piece in self.pieces if isinstance(piece, Variable)]


@dataclass(frozen=True)
class Redirection:
    """A redirection: to or from a file, or, behind `<<` and `<<<`, the text that is fed in."""

    operator: str
    target: Word


@dataclass(frozen=True)
class Simple:
    """A simple command."""

    words: tuple[Word, ...]
    assigned: tuple[tuple[str, Word], ...]
    redirections: tuple[Redirection, ...]
    raw: str


@dataclass(frozen=True)
class Block:
    """Commands that belong together: a list, and, or, pipe, subshell, group, branch, loop or function."""

    kind: str
    children: tuple["Block | Simple", ...] = ()
    redirections: tuple[Redirection, ...] = ()
    words: tuple[Word, ...] = ()  # the values of a loop, of a case, of a test
    names: tuple[str, ...] = ()  # the name of a function; the variable of a loop
    raw: str = ""


def nodes(node: Block | Simple) -> Iterator[Block | Simple]:
    """Every block and simple command, those in substitutions included."""
    words = [*node.words, *(redirection.target for redirection in node.redirections)]
    if isinstance(node, Simple):
        words += [value for _, value in node.assigned]
    for block in [block for word in words for block in word.runs]:
        yield from nodes(block)
    for child in node.children if isinstance(node, Block) else ():
        yield from nodes(child)
    yield node


def commands(node: Block | Simple) -> Iterator[Simple]:
    """Every simple command."""
    return (each for each in nodes(node) if isinstance(each, Simple))


def loops(node: Block | Simple) -> Iterator[Block]:
    """Every loop."""
    return (each for each in nodes(node) if isinstance(each, Block) and each.kind == "loop")
