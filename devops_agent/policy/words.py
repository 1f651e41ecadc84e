"""The words of shell text, as the grammar's tree has them: quotes, expansions, substitutions."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from tree_sitter import Node

from devops_agent.patterns import regex
from devops_agent.policy.syntax import Block, NotShell, Redirection, Simple, Variable, Word

MAX_DEPTH = 60
# `${x@P}` runs what is in a value, `${X:=…}` sets a variable.
_ODD_EXPANSION = regex(r"\$\{[^}]*@P\}|\$\{\w+:?=")
_BRACES = regex(r"\{[^\s{}]*(?:,|\.\.)|\{[^{}]*\{")
_GLOB = regex(r"[*?\[]|[@+!]\(")


@dataclass
class WordReader(ABC):
    """Reads words; the commands in them are read by who reads statements."""

    source: str
    depth: int = 0

    @abstractmethod
    def block(self, node: Node, kind: str) -> Block:
        """The statements among the children of a node."""

    @abstractmethod
    def redirection(self, node: Node) -> Redirection:
        """A redirection."""

    @abstractmethod
    def parsed(self, text: str) -> Block:
        """The statements of a text within this one."""

    def text(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte]

    def word(self, node: Node) -> Word:
        pieces: list[str | Variable | None] = []
        runs: list[Block] = []
        self._collect(node, pieces, runs, quoted=False)
        raw = self.text(node)
        bare = "".join(self._bare(node))
        expands = bool(_BRACES.search(bare) or _GLOB.search(bare)) or _has_braces(node)
        return Word(_merged(pieces), raw, expands, tuple(runs))

    def _bare(self, node: Node) -> Iterator[str]:
        """The text outside of quotes and expansions."""
        if node.type in ("word", "extglob_pattern", "regex"):
            yield re.sub(r"\\[\s\S]", "", self.text(node))
        elif node.type == "concatenation":
            for child in node.children:
                yield from self._bare(child)

    def _collect(
        self, node: Node, pieces: list[str | Variable | None], runs: list[Block], quoted: bool
    ) -> None:
        kind, text = node.type, self.text(node)
        if kind in ("word", "extglob_pattern", "regex", "test_operator", "variable_name", "number") or (
            not node.is_named
        ):
            bare = re.sub(r"\\[\s\S]", "", text)
            if re.search(r"\s", bare):
                raise NotShell("a part of it is not understood")
            pieces.append(re.sub(r"\\(\n|[\s\S])", lambda found: found[1].strip("\n"), text))
            if re.search(r"\$.|`", bare):
                pieces.append(None)  # a parameter that the grammar overlooks
        elif kind == "raw_string":
            pieces.append(text[1:-1])
        elif kind == "ansi_c_string":
            pieces.append(_ansi_c(text[2:-1]))
        elif kind == "string":
            self._string(node, pieces, runs)
        elif kind == "simple_expansion":
            name = text[1:]
            pieces.append(Variable(name, quoted) if re.fullmatch(r"[A-Za-z_]\w*|[\d@*]", name) else None)
        elif kind == "expansion":
            if _ODD_EXPANSION.match(text):
                raise NotShell("an expansion that runs or sets something")
            named = re.match(r"\$\{!?([A-Za-z_]\w*|[\d@*])(\}$)?", text)
            pieces.append(Variable(named[1], quoted, whole=bool(named[2])) if named else None)
            self._inside(node, runs)
        elif kind == "process_substitution":
            pieces.append("/dev/fd/63")
            runs.append(self.block(node, "subshell"))
        elif kind == "command_substitution":
            pieces.append(None)
            if text.startswith("`"):
                runs.append(self.parsed(re.sub(r"\\([\\`$])", r"\1", text[1:-1])))
            elif re.match(r"\$\(\s*<[^<(]", text):
                runs.append(self._read_file(node))
            else:
                runs.append(self.block(node, "subshell"))
        elif kind == "concatenation":
            for child, following in zip_longest(node.children, node.children[1:]):
                if following and self.text(child).endswith("$"):
                    raise NotShell("a part of it is not understood")
                self._collect(child, pieces, runs, quoted)
        else:
            pieces.append(None)
            self._inside(node, runs)

    def _read_file(self, node: Node) -> Block:
        """`$(< FILE)`, which prints a file."""
        redirections = [self.redirection(child) for child in node.children if child.type == "file_redirect"]
        command = Simple((), (), tuple(redirections), self.text(node))
        return Block("subshell", (command,), raw=self.text(node))

    def _string(self, node: Node, pieces: list[str | Variable | None], runs: list[Block]) -> None:
        """A string in double quotes: what the grammar leaves out between its children is part of it."""
        end = node.start_byte + 1
        last = node.children[-1]
        for child in node.children[1:]:
            between = self.source[end : child.start_byte]
            if child == last:
                pieces.append(_unquoted(self.source[end : node.end_byte - 1]))
            elif child.type == "string_content" or not child.is_named:
                pieces.append(_unquoted(between + self.text(child)))
            else:
                pieces.append(_unquoted(between))
                self._collect(child, pieces, runs, quoted=True)
            end = child.end_byte

    def _inside(self, node: Node, runs: list[Block]) -> None:
        """The commands that run inside an expansion, an arithmetic expression or an array."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotShell("it is nested too deep")
        for child in node.children:
            if child.type in ("command_substitution", "process_substitution"):
                self._collect(child, [], runs, quoted=True)
            else:
                self._inside(child, runs)
        self.depth -= 1


def joined(first: Word, second: Word) -> Word:
    """Two words that touch, as one."""
    if first.raw.endswith("$"):
        raise NotShell("a part of it is not understood")
    expands = first.expands or second.expands or bool(_BRACES.search(first.raw + second.raw))
    pieces = _merged([*first.pieces, *second.pieces])
    return Word(pieces, first.raw + second.raw, expands, (*first.runs, *second.runs))


def _has_braces(node: Node) -> bool:
    return node.type == "brace_expression" or any(child.type == "brace_expression" for child in node.children)


def _merged(pieces: Sequence[str | Variable | None]) -> tuple[str | Variable | None, ...]:
    joined: list[str | Variable | None] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if isinstance(piece, str) and isinstance(last, str):
            joined[-1] = last + piece
        else:
            joined.append(piece)
    return tuple(joined)


def _unquoted(text: str) -> str:
    """What text between double quotes stands for."""
    return re.sub(r'\\([$`"\\\n])', lambda found: found[1].strip("\n"), text)


_ESCAPES = dict(zip("abeEfnrtv\\'\"?", "\a\b\x1b\x1b\f\n\r\t\v\\'\"?", strict=True))
_ESCAPE = regex(r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|([\s\S]))")


def _ansi_c(text: str) -> str | None:
    """What `$'…'` stands for; None where that is not known for sure."""
    known = True

    def plain(found: re.Match[str]) -> str:
        nonlocal known
        digits = found[1] or found[2] or found[3]
        if digits or found[4]:
            code = int(digits, 16) if digits else int(found[4], 8)
            known = known and 0 < code < 0x11_0000 and not 0x7F < code < 0x100
            return chr(code) if known else ""
        known = known and found[5] in _ESCAPES
        return _ESCAPES.get(found[5], "")

    plain_text = _ESCAPE.sub(plain, text)
    return plain_text if known else None
