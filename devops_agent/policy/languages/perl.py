"""Perl: a read if it is of the few words that read, and if no text in it holds code."""

import re

from devops_agent.patterns import regex
from devops_agent.policy.languages.analysis import unseen
from devops_agent.policy.verdict import Verdict, read, unknown

_WORDS = frozenset(
    """eof print printf say if unless elsif else and or not my our split join length lc uc ucfirst lcfirst
    sprintf keys values sort foreach for while until next last push pop shift unshift scalar chomp chop
    reverse map grep substr index rindex eq ne lt gt le ge cmp BEGIN END int abs hex oct ord chr exists delete
    defined time localtime gmtime wantarray STDIN STDERR STDOUT F f d x n e return undef exit die warn local
    sqrt""".split()
)
# Behind these words a `/` or a `%` may be an operator.
_BEFORE_OPERATOR = frozenset(
    """time wantarray STDIN STDERR STDOUT F f d x n e shift pop localtime gmtime BEGIN END else next last exit
    return""".split()
)
_NAME = r"(?!(?:ENV|SIG)\b|ARGV\s*\[)\w+"
_SUBSCRIPT = r"(?:\[-?\d+\]|\[\$\w+\]|\{\w+\}|\{\$\w+(?:\[-?\d+\])?\})"
_SCALAR = rf"\$(?:{_NAME}|[&.]|\{{{_NAME}\}}){_SUBSCRIPT}*(?!\w|[\[{{']|->|::)"
_LIST = r"(?!(?:ENV|SIG|ARGV)\b)\w+(?!\w|[\[{']|::)"


def _text(mark: str) -> str:
    """What a text holds: plain variables with plain subscripts, and no code."""
    return rf"(?:\\[\s\S]|{_SCALAR}|@{_LIST}|[^\\$@{re.escape(mark)}])*"


def _pattern(mark: str) -> str:
    return rf"(?:\\[\s\S]|{_SCALAR}|@{_LIST}|\$(?=[)|{re.escape(mark)}])|[^\\$@{re.escape(mark)}])*"


_EDITS = "|".join(
    [
        *(rf"s\{mark}{_pattern(mark)}\{mark}{_text(mark)}\{mark}[gimsxr]*" for mark in "/|#!,"),
        rf"s\{{{_pattern('{}')}\}}\{{{_text('{}')}\}}[gimsxr]*",
        rf"(?:m|qr)/{_pattern('/')}/[gimsx]*",
        r"(?:tr|y)/(?:\\.|[^/\\])*/(?:\\.|[^/\\])*/[cdsr]*",
    ]
)
_TOKEN = regex(
    rf"(?P<space>\s+|#[^\n]*)|(?P<value>'(?:\\[\s\S]|[^\\'])*'|\"{_text(chr(34))}\"|<STDIN>|{_SCALAR}|@{_LIST}"
    rf"|\$#\w+(?!['\w])|\$[/\\,;|!]|0x[\da-fA-F]+|\d+(?:\.\d+)?|(?:{_EDITS})(?!\w))|(?P<hash>%{_LIST})"
    rf"|(?P<word>[A-Za-z_]\w*(?!['\w]))|(?P<operator>\+\+|--|<=>|=~|!~|&&|\|\||=>|\.\.|\*\*"
    r"|(?!->|::)[-+=(){}\[\];,.!>~:^*%&|<?/])"
)
_PATTERN = regex(rf"/{_pattern('/')}/[gimsx]*(?!\w)")
_HIDES_CODE = regex(r"\(\s*\?+[?p]?\{|\(\*+\{|^=[A-Za-z]", re.M)


def perl(text: str) -> Verdict:
    """The effect of a program of Perl."""
    if found := unseen(text, "Perl"):
        return found.verdict
    return unknown("the Perl is not understood") if _HIDES_CODE.search(text) or not _reads(text) else read()


def _reads(text: str) -> bool:
    """Whether each token of it is known, and is where it can only mean one thing."""
    at, expects, before = 0, "term", ""
    while at < len(text):
        match = (_PATTERN if expects == "term" and text[at] == "/" else _TOKEN).match(text, at)
        if match is None:
            return False
        at, token, kind = match.end(), match[0], match.lastgroup or "value"
        if kind == "space":
            continue
        strange = (
            (kind == "word" and token not in _WORDS)
            or (kind == "hash" and expects != "term")
            or (kind == "operator" and token[0] in "*%&|<?/" and token != "<=>" and expects != "operator")
            # `-s /…/` asks for the size of a file
            or (kind == "value" and before == "-" and token[0] in "smyqt")
        )
        if strange:
            return False
        before = token
        if token not in ("++", "--"):
            expects = _expected(kind, token)
    return True


def _expected(kind: str, token: str) -> str:
    """What follows a token: a term, an operator, or either."""
    if kind == "word":
        return "either" if token in _BEFORE_OPERATOR else "term"
    if token == "}":
        return "either"
    return "operator" if kind in ("value", "hash") or token in (")", "]") else "term"
