"""The syntax of shell text: what tree-sitter's grammar of bash finds in it, as the few forms that matter.

A text is a tree of blocks with simple commands as its leaves. Words keep apart what is written and what is
only known at run time.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise, zip_longest
from typing import NamedTuple

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

# What stands for text that is only known at run time; no shell text may hold it.
UNSEEN = "\0"
_MAX_LENGTH, _MAX_DEPTH = 50_000, 60
# Characters that bash and the grammar part words at differently.
_STRANGE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f\x85\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f\u2060\u3000\ufeff]"
)
_BROKEN = re.compile(r"[\ud800-\udfff]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
# Bash runs what stands in the subscript of a value when it computes with it, though it is quoted.
_RUNS_IN_ARITHMETIC = re.compile(r"\w\[[^\]]*(\$\(|`)")
_ARITHMETIC = re.compile(
    r"\(\(|\$\[|\blet\b|\bdeclare\b|\btypeset\b|\bread\b|\bunset\b|\s-(eq|ne|lt|gt|le|ge|v)\s"
    r"|\$\{\w+(\[|:[^-+=?])"
)
# `${x@P}` runs what is in a value, `${X:=…}` sets a variable.
_ODD_EXPANSION = re.compile(r"\$\{[^}]*@P\}|\$\{\w+:?=")
_BRACES = re.compile(r"\{[^\s{}]*(?:,|\.\.)|\{[^{}]*\{")
_GLOB = re.compile(r"[*?\[]|[@+!]\(")


class NotShell(ValueError):
    """The text cannot be parsed, or not for sure as bash would."""


class Variable(NamedTuple):
    """A parameter whose value takes its place: `$NAME` or `${NAME}`."""

    name: str
    quoted: bool


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


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bash.language()))


def parse(text: str) -> Block:
    """The commands of a text.

    Raises:
        NotShell: The text is no valid bash, too long, nested too deep, or has characters that part words
            here and not there.
    """
    if len(text) > _MAX_LENGTH:
        raise NotShell("it is too long")
    if _STRANGE.search(text):
        raise NotShell("it has invisible characters")
    if re.search(r"(?:\S|\\[ \t])\\\n\S|\$\$['\"$]|\\[ \t]#", text):
        # the grammar parts the word there, which for bash is one
        raise NotShell("a line is continued within a word")
    if _RUNS_IN_ARITHMETIC.search(text) and _ARITHMETIC.search(text):
        raise NotShell("arithmetic may run a command in it")
    if _BROKEN.search(text):
        raise NotShell("it has broken characters")
    return _Reader(text).block(_root(text), "list")


def _root(text: str) -> Node:
    """The root of the tree, whose offsets count characters: for bash, all beyond ASCII are parts of words.

    The grammar's scanner reads beyond its tables for some of them, and ends the process.
    """
    root = _parser().parse(_BEYOND_ASCII.sub("%", text).encode()).root_node
    if root.has_error:
        raise NotShell("it is no valid bash")
    return root


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


_LISTS = ("program", "do_group", "compound_statement", "elif_clause", "else_clause", "case_item")
_KINDS = {
    "subshell": "subshell",
    "compound_statement": "group",
    "pipeline": "pipe",
    "if_statement": "branch",
    "case_statement": "branch",
    "while_statement": "loop",
    "for_statement": "loop",
    "c_style_for_statement": "loop",
}
_WORDS = frozenset(
    """word number string raw_string ansi_c_string translated_string concatenation simple_expansion
    expansion command_substitution process_substitution arithmetic_expansion brace_expression
    extglob_pattern regex test_operator array variable_name string_content special_variable_name""".split()
)
_EXPRESSIONS = frozenset(
    """binary_expression unary_expression ternary_expression parenthesized_expression postfix_expression
    subscript""".split()
)
_REDIRECTIONS = ("file_redirect", "heredoc_redirect", "herestring_redirect")
_HERE_DOCUMENT = ("heredoc_start", "heredoc_body", "heredoc_end")


@dataclass
class _Reader:
    source: str
    depth: int = 0

    def text(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte]

    # --- statements ---------------------------------------------------------------------------------------

    def block(self, node: Node, kind: str) -> Block:
        """The statements among the children of a node."""
        children = [found for child in node.children if (found := self.statement(child))]
        words = tuple(self.word(child) for child in node.children if child.type in _WORDS)
        return Block(kind, tuple(children), (), words, raw=self.text(node))

    def statement(self, node: Node) -> "Block | Simple | None":
        """A statement; None for what is none: punctuation, a comment, a word."""
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise NotShell("it is nested too deep")
        found = self._statement(node)
        self.depth -= 1
        return found

    def _statement(self, node: Node) -> "Block | Simple | None":
        kind = node.type
        if not node.is_named or kind in ("comment", *_REDIRECTIONS, *_HERE_DOCUMENT) or kind in _WORDS:
            return None
        if kind in ("command", "declaration_command", "unset_command"):
            return self.simple(node)
        if kind in ("variable_assignment", "variable_assignments"):
            return Simple((), self._assignments(node), (), self.text(node))
        if kind == "list":
            return self._and_or(node)
        if kind == "redirected_statement":
            return self._redirected(node)
        if kind == "function_definition":
            return self._function(node)
        if kind == "test_command" or kind in _EXPRESSIONS:
            words, raw = tuple(self._operands(node)), self.text(node)
            # in single brackets, a comparison by > is a redirection
            redirections = self._compared(node) if kind == "test_command" and raw[:2] != "[[" else []
            return Block("group", redirections=tuple(redirections), words=words, raw=raw)
        if kind == "for_statement":
            variable = node.child_by_field_name("variable")
            words = tuple(self.word(each) for each in node.children_by_field_name("value"))
            names = (self.text(variable),) if variable else ()
            return replace(self.block(node, "loop"), words=words, names=names)
        if kind == "negated_command" or kind in _LISTS:
            return self.block(node, _KINDS.get(kind, "list"))
        if kind in _KINDS:
            return self.block(node, _KINDS[kind])
        raise NotShell(f"{kind.replace('_', ' ')} is not understood")

    def _and_or(self, node: Node) -> Block:
        children = [found for child in node.children if (found := self.statement(child))]
        operator = next((child.type for child in node.children if child.type in ("&&", "||")), ";")
        return Block({"&&": "and", "||": "or"}.get(operator, "list"), tuple(children), raw=self.text(node))

    def _function(self, node: Node) -> Block:
        name = node.child_by_field_name("name")
        bodies = [child for child in node.children if child != name and child.is_named]
        children = [found for child in bodies if (found := self.statement(child))]
        redirections = [self.redirection(child) for child in bodies if child.type in _REDIRECTIONS]
        names = (self.word(name).text,) if name else ()
        if any(self._behind_file(child) for child in bodies):
            raise NotShell("words behind a function")
        return Block("function", tuple(children), tuple(redirections), names=names, raw=self.text(node))

    def _redirected(self, node: Node) -> "Block | Simple":
        """A statement with redirections; a here-document holds what stands behind its start in the line."""
        body = node.child_by_field_name("body")
        statement = self.statement(body) if body else None
        redirections: list[Redirection] = []
        extra: list[Word] = []
        following: list[tuple[str, Block | Simple]] = []
        for child in node.children:
            if child.type in _REDIRECTIONS:
                redirections.append(self.redirection(child))
                extra += self._behind_file(child)
                if child.type == "heredoc_redirect":
                    self._behind(child, redirections, extra, following)
        raw = self.text(node)
        first = _with_redirections(statement or Simple((), (), (), raw), redirections, extra, raw)
        for operator, block in following:
            first = Block(operator, (first, block), raw=raw)
        return first

    def _behind(
        self,
        node: Node,
        redirections: list[Redirection],
        extra: list[Word],
        following: list[tuple[str, "Block | Simple"]],
    ) -> None:
        operator = ";"
        for child in node.children:
            if child.type in _REDIRECTIONS:
                redirections.append(self.redirection(child))
                extra += self._behind_file(child)
                if child.type == "heredoc_redirect":
                    self._behind(child, redirections, extra, following)
            elif child.type in ("&&", "||", "|", "|&", ";"):
                operator = child.type
            elif child.type == "pipeline" and operator == ";":
                for part in child.children:
                    if found := self.statement(part):
                        following.append(("pipe", found))
            elif child.type in _WORDS:
                extra.append(self.word(child))
            elif found := self.statement(child):
                kinds = {"&&": "and", "||": "or", "|": "pipe", "|&": "pipe"}
                following.append((kinds.get(operator, "list"), found))

    # --- simple commands ----------------------------------------------------------------------------------

    def simple(self, node: Node) -> Simple:
        words: list[Word] = []
        assigned: list[tuple[str, Word]] = []
        redirections: list[Redirection] = []
        declares = node.type != "command"
        end = node.start_byte
        joins = False
        for child in node.children:
            kind = child.type
            gap = self.source[end : child.start_byte]
            if re.sub(r"\\\n|[ \t]", "", gap):
                raise NotShell("a part of it is not understood")
            # what touches is one word for bash, also where the grammar sees two
            is_word = kind not in ("variable_assignment", *_REDIRECTIONS)
            joins, touches = is_word, joins and is_word and not gap and bool(words)
            end = child.end_byte
            if kind == "$" and self.source[end : end + 1] == '"':
                raise NotShell("a string to be translated")
            if touches:
                words[-1] = _one(words[-1], self.word(child))
            elif kind == "command_name":
                words.append(self.word(child.children[0]))
            elif kind == "variable_assignment":
                found = self._assignments(child)
                assigned += found
                if declares:
                    words.append(Word((self.text(child),), self.text(child)))
            elif kind in _REDIRECTIONS:
                redirections.append(self.redirection(child))
                words += self._behind_file(child)
            elif kind == "subshell":
                raise NotShell("a subshell as an argument")
            else:
                words.append(self.word(child))
        return Simple(tuple(words), tuple(assigned), tuple(redirections), self.text(node))

    def _assignments(self, node: Node) -> tuple[tuple[str, Word], ...]:
        if node.type == "variable_assignments":
            return tuple(each for child in node.children for each in self._assignments(child))
        if node.type != "variable_assignment":
            return ()
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        target = self.word(name) if name else Word((None,), "")
        plain = (
            name is not None
            and name.type == "variable_name"
            and "+=" not in self.source[name.end_byte : name.end_byte + 2]
        )
        word = self.word(value) if value else Word(("",), "")
        if not plain or (value is not None and value.type == "array"):
            word = Word((None,), word.raw, runs=(*target.runs, *word.runs))
        return ((target.raw.partition("[")[0], word),)

    def redirection(self, node: Node) -> Redirection:
        if node.type == "heredoc_redirect":
            return self._here_document(node)
        if node.type == "herestring_redirect":
            word = self.word(node.children[-1])
            return Redirection("<<<", word)
        target = node.child_by_field_name("destination")
        operator = next((child.type for child in node.children if not child.is_named), ">")
        word = self.word(target) if target else Word(("",), "")
        return Redirection(operator, word)

    def _behind_file(self, node: Node) -> list[Word]:
        """The words behind the file of a redirection, which belong to the command."""
        if node.type != "file_redirect":
            return []
        return [self.word(each) for each in node.children_by_field_name("destination")[1:]]

    def _here_document(self, node: Node) -> Redirection:
        start = next(child for child in node.children if child.type == "heredoc_start")
        body = next((child for child in node.children if child.type == "heredoc_body"), None)
        text = self.text(body) if body else ""
        if re.search(r"['\"\\]", self.text(start)):
            return Redirection("<<", Word((text,), ""))
        # like a string in double quotes, in which double quotes mean nothing; the grammar overlooks backticks
        quoted = re.sub(r'\\([\s\S])|"', lambda found: found[0] if found[1] else '\\"', text)
        word = _inner(f': "{quoted}"', self.depth)
        return Redirection("<<", word)

    # --- words --------------------------------------------------------------------------------------------

    def word(self, node: Node) -> Word:
        pieces: list[str | Variable | None] = []
        runs: list[Block] = []
        self._collect(node, pieces, runs, quoted=False)
        raw = self.text(node)
        bare = "".join(self._bare(node))
        expands = bool(_BRACES.search(bare) or _GLOB.search(bare)) or _has_braces(node)
        return Word(_joined(pieces), raw, expands, tuple(runs))

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
            pieces.append(Variable(name, quoted) if re.fullmatch(r"[A-Za-z_]\w*", name) else None)
        elif kind == "expansion":
            if _ODD_EXPANSION.match(text):
                raise NotShell("an expansion that runs or sets something")
            plain = re.fullmatch(r"\$\{([A-Za-z_]\w*)\}", text)
            pieces.append(Variable(plain[1], quoted) if plain else None)
            self._inside(node, runs)
        elif kind == "process_substitution":
            pieces.append("/dev/fd/63")
            runs.append(self.block(node, "subshell"))
        elif kind == "command_substitution":
            pieces.append(None)
            if text.startswith("`"):
                runs.append(_parsed(re.sub(r"\\([\\`$])", r"\1", text[1:-1]), self.depth))
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
        if self.depth > _MAX_DEPTH:
            raise NotShell("it is nested too deep")
        for child in node.children:
            if child.type in ("command_substitution", "process_substitution"):
                self._collect(child, [], runs, quoted=True)
            else:
                self._inside(child, runs)
        self.depth -= 1

    def _compared(self, node: Node) -> list[Redirection]:
        found: list[Redirection] = []
        for child, right in pairwise(node.children):
            if child.type in (">", "<"):
                found.append(Redirection(child.type, self.word(right)))
            found += self._compared(child)
        return found

    def _operands(self, node: Node) -> Iterator[Word]:
        for child in node.children:
            if child.type in _WORDS:
                yield self.word(child)
            elif child.is_named:
                yield from self._operands(child)


def _one(first: Word, second: Word) -> Word:
    """Two words that touch, as one."""
    if first.raw.endswith("$"):
        raise NotShell("a part of it is not understood")
    expands = first.expands or second.expands or bool(_BRACES.search(first.raw + second.raw))
    pieces = _joined([*first.pieces, *second.pieces])
    return Word(pieces, first.raw + second.raw, expands, (*first.runs, *second.runs))


def _has_braces(node: Node) -> bool:
    return node.type == "brace_expression" or any(child.type == "brace_expression" for child in node.children)


def _joined(pieces: Sequence[str | Variable | None]) -> tuple[str | Variable | None, ...]:
    joined: list[str | Variable | None] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if isinstance(piece, str) and isinstance(last, str):
            joined[-1] = last + piece
        else:
            joined.append(piece)
    return tuple(joined)


def _with_redirections(
    node: "Block | Simple", redirections: Sequence[Redirection], words: Sequence[Word], raw: str
) -> "Block | Simple":
    """A statement with redirections and the words among them; those of `A && B` are those of B."""
    if isinstance(node, Simple):
        every = (*node.redirections, *redirections)
        return Simple((*node.words, *words), node.assigned, every, raw or node.raw)
    if node.kind in ("and", "or", "pipe", "list") and node.children:
        last = _with_redirections(node.children[-1], redirections, words, raw)
        return replace(node, children=(*node.children[:-1], last))
    if words:
        raise NotShell("words behind a redirection")
    return replace(node, redirections=(*node.redirections, *redirections))


def _unquoted(text: str) -> str:
    """What text between double quotes stands for."""
    return re.sub(r'\\([$`"\\\n])', lambda found: found[1].strip("\n"), text)


def _inner(text: str, depth: int) -> Word:
    """The only operand of a command."""
    block = _parsed(text, depth)
    command = block.children[0] if block.children else None
    if len(block.children) != 1 or not isinstance(command, Simple) or len(command.words) != 2:
        raise NotShell("a here-document is not understood")
    return command.words[1]


def _parsed(text: str, depth: int) -> Block:
    return _Reader(text, depth + 1).block(_root(text), "subshell")


_ESCAPES = dict(zip("abeEfnrtv\\'\"?", "\a\b\x1b\x1b\f\n\r\t\v\\'\"?", strict=True))
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|([\s\S]))"
)


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
