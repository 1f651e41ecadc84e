"""The parser of shell text: tree-sitter's grammar of bash, whose tree is read as the forms of the syntax."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from devops_agent.patterns import regex
from devops_agent.policy.syntax import Block, NotShell, Redirection, Simple, Word
from devops_agent.policy.words import MAX_DEPTH, WordReader, joined

_MAX_LENGTH = 50_000
# Characters that bash and the grammar part words at differently.
_STRANGE = regex(r"[\x00-\x08\x0b-\x1f\x7f\x85\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f\u2060\u3000\ufeff]")
_QUOTED = regex(r"\\.|(['\"])(?:(?<=')[^']*'|(?<=\")(?:\\.|[^\"\\])*\")", re.DOTALL)
_BROKEN = regex(r"[\ud800-\udfff]")
_BEYOND_ASCII = regex(r"[^\x00-\x7f]")
# Bash runs what stands in the subscript of a value when it computes with it, though it is quoted.
_RUNS_IN_ARITHMETIC = regex(r"\w\[[^\]]*(\$\(|`)")
_ARITHMETIC = regex(
    r"\(\(|\$\[|\blet\b|\bdeclare\b|\btypeset\b|\bread\b|\bunset\b|\s-(eq|ne|lt|gt|le|ge|v)\s"
    r"|\$\{\w+(\[|:[^-+=?])"
)


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
    if re.search(r"(?:\S|\\[ \t])\\\n\S|\\[ \t](?:#|\s|$)", text):
        # the grammar parts or drops a word there, which for bash is one
        raise NotShell("a line is continued within a word")
    if re.search(r"\$\$['\"$]", text if re.search("#|<<", text) else _QUOTED.sub(r"\1\1", text)):
        raise NotShell("a process number touches a quote")
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


class _Reader(WordReader):
    # --- statements ---------------------------------------------------------------------------------------

    def block(self, node: Node, kind: str) -> Block:
        """The statements among the children of a node."""
        children: list[Block | Simple] = []
        for child in node.children:
            if found := self.statement(child):
                children.append(found)
            elif child.type == "&" and children:  # in the background it runs in a shell of its own
                children[-1] = Block("subshell", (children[-1],), raw=children[-1].raw)
        words = tuple(self.word(child) for child in node.children if child.type in _WORDS)
        return Block(kind, tuple(children), (), words, raw=self.text(node))

    def statement(self, node: Node) -> "Block | Simple | None":
        """A statement; None for what is none: punctuation, a comment, a word."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
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
                words[-1] = joined(words[-1], self.word(child))
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
        word = self._inner(f': "{quoted}"')
        return Redirection("<<", word)

    # --- tests --------------------------------------------------------------------------------------------

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

    # --- texts within the text ----------------------------------------------------------------------------

    def parsed(self, text: str) -> Block:
        return _Reader(text, self.depth + 1).block(_root(text), "subshell")

    def _inner(self, text: str) -> Word:
        """The only operand of a command."""
        block = self.parsed(text)
        command = block.children[0] if block.children else None
        if len(block.children) != 1 or not isinstance(command, Simple) or len(command.words) != 2:
            raise NotShell("a here-document is not understood")
        return command.words[1]


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
