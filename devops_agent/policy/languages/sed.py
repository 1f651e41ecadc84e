"""Scripts of sed: the files they write and the commands they run."""

import re

from devops_agent.patterns import regex
from devops_agent.policy.languages.analysis import Analysis, Part, reads, unseen
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import read, unknown

_GAP = regex(r"[\s;]*")
_COUNT = regex(r"\s*(?:\d+(?:~\d+)?|\$|[+~]\d+)")
_BETWEEN = regex(r"[IM\s]*,?\s*")
_NEGATION = regex(r"[!\s]*")
_LINE = regex(r"[^\n]*")
_ADDED = regex(r"(?:\\[\s\S]|[^\n\\])*\\?")
_LABEL = regex(r"[ \t]*[\w.-]*[ \t]*(?=[;\n}]|$)")
_NUMBER = regex(r"[ \t]*\d*")
_FLAGS = regex(r"[gpiImM\de \t]*")
_BRACKET = regex(r"\[\^?\]?(?:\[:\w+:\]|\[[.=][^\n\]]*[.=]\]|(?!\[[:.=])[^\]\n])*\]")


def sed(text: str) -> Analysis:
    """What a script of sed does."""
    if found := unseen(text, "a script of sed"):
        return found
    parts: list[Part] = []
    at = _after_addresses(text, 0)
    while at is not None and at < len(text):
        at = _command(text, at, parts)
        at = None if at is None else _after_addresses(text, at)
    return Analysis(unknown("the script of sed is not understood") if at is None else read(), tuple(parts))


def _command(text: str, at: int, parts: list[Part]) -> int | None:
    """Where a command ends, or None if it is not understood; what it writes or runs goes to the parts."""
    letter, at = text[at], at + 1
    if letter in "{}=dDgGhHnNpPxzF":
        return at
    if letter in "qQlL":
        return _end(_NUMBER, text, at)
    if letter in "aic":
        return _end(_ADDED, text, at)
    if letter in ":btT":
        label = _LABEL.match(text, at)
        return label.end() if label else None
    if letter in "rRwWe#":
        end = _end(_LINE, text, at)
        _enter(letter, text[at:end].strip(), parts)
        return end
    return _substitution(letter, text, at, parts) if letter in "sy" else None


def _enter(letter: str, words: str, parts: list[Part]) -> None:
    """The file or the command that the rest of a line names."""
    if letter in "wW":
        parts.append(Part("writes", words))
    elif letter in "rR":
        parts.append(reads(words))
    elif letter == "e":
        parts.append(Part("runs", words or UNSEEN))


def _after_addresses(text: str, at: int) -> int | None:
    """Where a command begins behind its addresses, or None if they are not understood."""
    at = _end(_GAP, text, at)
    for _ in range(2):
        end: int | None = at
        if match := _COUNT.match(text, at):
            end = match.end()
        elif text[at : at + 1] == "/":
            end = _regex(text, at + 1, "/")
        elif text[at : at + 1] == "\\":
            end = _regex(text, at + 2, text[at + 1 : at + 2])
        if end is None:
            return None
        at = _end(_BETWEEN if end > at else _GAP, text, end)
    return _end(_NEGATION, text, at)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _regex(text: str, at: int, mark: str) -> int | None:
    """The end of a regular expression, behind its mark; a mark in brackets is none."""
    if not mark or mark in "\\\n[":
        return None
    while at < len(text):
        if text[at] == mark:
            return at + 1
        bracket = _BRACKET.match(text, at) if text[at] == "[" else None
        if text[at] == "[" and not bracket:
            return None
        at = bracket.end() if bracket else at + (2 if text[at] == "\\" else 1)
    return None


def _literal(text: str, at: int, mark: str) -> int | None:
    """The end of a replacement, behind its mark."""
    while at < len(text):
        if text[at] == mark:
            return at + 1
        at += 2 if text[at] == "\\" else 1
    return None


def _substitution(letter: str, text: str, at: int, parts: list[Part]) -> int | None:
    """`s/…/…/FLAGS` and `y/…/…/`."""
    mark = text[at : at + 1]
    first = (_regex if letter == "s" else _literal)(text, at + 1, mark) if mark else None
    end = _literal(text, first, mark) if first and mark not in "\\\n" else None
    if end is None or letter == "y":
        return end
    after = _end(_FLAGS, text, end)
    if "e" in text[end:after]:
        parts.append(Part("runs", UNSEEN))
    following = text[after : after + 1]
    if following == "w":
        return _command(text, after, parts)
    return after if following in ("", ";", "\n", "}", "#") else None
