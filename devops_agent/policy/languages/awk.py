"""Programs of awk: the files they write and the commands they run."""

from collections.abc import Iterator, Sequence

from devops_agent.patterns import regex
from devops_agent.policy.languages.analysis import Analysis, Part, feeds, reads, unseen
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import read, unknown

_TOKEN = regex(
    r'(?P<string>"(?:\\[\s\S]|[^"\\\n])*")|(?P<comment>#[^\n]*)|(?P<word>[A-Za-z_]\w*)|(?P<number>[\d.]+)'
    r"|(?P<space>[ \t\r]+|\\\r?\n)|(?P<mark>\|\||&&|>>|\+\+|--|[<>!=]=|\|&|[^\"\\])"
)
_REGEX = regex(r"/(?:\\[^\n]|[^/\\\n])*/")
_BRACKETS = regex(r"\[\^?\]?(?:\\.|\[:\w+:\]|(?!\[:)[^\]\\])*\]|\\.")
_DIVIDES = regex(r"[\w)\].\"]$|\+\+|--")
_BEFORE_REGEX = frozenset("print printf return in else do case".split())
_AMBIGUOUS = frozenset("$ getline length next nextfile exit delete BEGIN END BEGINFILE ENDFILE".split())
_CONDITIONS = frozenset("if while for switch".split())
_GOES_ON = frozenset([",", "&&", "||", "?", ":"])
_BEGINS = frozenset(["{", "}", ";", "\n", "=", "!", "&&", "||", "while", "if"])


class _NotAwk(Exception):
    """A program that is no awk, or that awks read in different ways."""


def awk(text: str) -> Analysis:
    """What a program of awk does."""
    if found := unseen(text, "a program of awk"):
        return found
    try:
        tokens = list(_tokens(text))
    except _NotAwk:
        return Analysis(unknown("the program of awk is not understood"))
    if "@" in tokens or "/inet" in text:
        return Analysis(unknown("awk loads or calls what is not known"))
    secret = not {"ENVIRON", "SYMTAB"}.isdisjoint(tokens)
    return Analysis(read(secret=secret), tuple(_parts(tokens)))


def _parts(tokens: Sequence[str]) -> Iterator[Part]:
    depth, prints = 0, False
    for at, token in enumerate(tokens):
        after = tokens[at + 1 : at + 4]
        if token in ("(", "["):
            depth += 1
        elif token in (")", "]"):
            depth -= 1
        elif token in ("print", "printf"):
            prints, depth = True, 0
        elif token in (";", "{", "}") or (token == "\n" and tokens[at - 1] not in _GOES_ON):
            prints = False
        elif token == "system":
            yield Part("runs", _literal(after[1:], (")",)) if after[:1] == ["("] else UNSEEN)
        elif token in ("|", "|&"):
            yield Part("runs", _before(tokens, at)) if after[:1] == ["getline"] else feeds(_literal(after))
        elif token == "<" and "getline" in tokens[max(0, at - 2) : at]:
            yield reads(_literal(after[:1]))
        elif token in (">", ">>") and prints and depth == 0:
            yield Part("writes" if token == ">" else "appends", _literal(after))


def _literal(tokens: Sequence[str], ends: Sequence[str] = ("", ";", "}", "\n", ")")) -> str:
    """The string that is there, if it is a string alone; the names of streams are files too."""
    first, after = (*tokens, "", "")[:2]
    return first[1:-1] if first[:1] == '"' and after in ends and "\\" not in first else UNSEEN


def _before(tokens: Sequence[str], at: int) -> str:
    """The command that stands before `| getline`, if it is a string alone."""
    last = at - 1
    while last > 0 and tokens[last] == ")":
        last -= 1
    first = last - 1
    while first >= 0 and tokens[first] == "(":
        first -= 1
    return _literal(tokens[last : last + 1]) if first < 0 or tokens[first] in _BEGINS else UNSEEN


def _tokens(text: str) -> Iterator[str]:
    at, before, opened = 0, "", [""]
    while at < len(text):
        if text[at] == "/" and _begins_regex(before):
            match = _REGEX.match(text, at)
            # whether a `/` in brackets ends it depends on the awk
            if match is None or "[" in _BRACKETS.sub("", match[0]):
                raise _NotAwk
            at, before = match.end(), '""'
            yield before
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            raise _NotAwk
        at, token = match.end(), match[0]
        if match.lastgroup in ("space", "comment"):
            continue
        yield token
        if token == "(":
            opened.append(before)
        elif token == ")" and len(opened) > 1 and opened.pop() in _CONDITIONS:
            token = ";"
        before = token


def _begins_regex(before: str) -> bool:
    """Whether a `/` behind a token begins a regular expression, and does not divide."""
    if before in _AMBIGUOUS:
        raise _NotAwk
    return before in _BEFORE_REGEX or not _DIVIDES.search(before)
