"""Reads an object as small models write JSON: Python literals, single quotes, raw newlines, trailing commas.

It closes brackets that are missing at the very end of the text, and nothing else: an unfinished string is
an error, for half a command must never run, and so is a quote inside a string that is not escaped.
"""

import math
from typing import Any

from devops_agent.patterns import regex

MAX_DEPTH = 32

_SPACE = regex(r"[\s﻿]*")
_NUMBER = regex(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_PLAIN = regex(r"[^\\\"']+")
_WORD = regex(r"[A-Za-z_][\w-]*")
_LITERALS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "/": "/", "\\": "\\", '"': '"', "'": "'"}
_HEX4 = regex(r"[0-9a-fA-F]{4}")
_END = regex(r"\Z|```|</\w+>")


class LenientError(ValueError):
    """The text is not an object, not even leniently."""


class UnfinishedError(LenientError):
    """The text ends inside a string."""


def read_object(text: str, start: int, close_at_end: bool = True) -> tuple[dict[str, Any], int]:
    """Reads the object that begins at `start`.

    Args:
        text: The whole reply.
        start: Index of its opening brace.
        close_at_end: Whether brackets that are missing at the end of the text may be assumed.

    Returns:
        The object and the index behind it.

    Raises:
        LenientError: When there is no such object.
    """
    reader = _Reader(text, start, close_at_end)
    value = reader.value(0)
    if not isinstance(value, dict):
        raise LenientError("not an object")
    return value, reader.at


class _Reader:
    def __init__(self, text: str, at: int, close_at_end: bool) -> None:
        self.text = text
        self.at = at
        self.close_at_end = close_at_end

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise LenientError("nested too deeply")
        char = self._peek()
        if char == "{":
            return self._object(depth)
        if char == "[":
            return self._array(depth)
        if char and char in "\"'":
            return self._string()
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            if len(number[0]) > 300 or math.isinf(float(number[0])):
                raise LenientError("a number is too large")
            return float(number[0]) if number[1] or number[2] else int(number[0])
        return self._literal()

    def _object(self, depth: int) -> dict[str, Any]:
        self.at += 1
        result: dict[str, Any] = {}
        while not self._closes("}", bool(result) or depth < 2):
            key = self._key()
            if self._peek() != ":":
                raise LenientError(f"no colon behind the key {key!r}")
            self.at += 1
            if key in result:
                raise LenientError(f"the key {key!r} stands twice")
            result[key] = self.value(depth + 1)
            self._comma("}")
        return result

    def _array(self, depth: int) -> list[Any]:
        self.at += 1
        result: list[Any] = []
        while not self._closes("]", bool(result) or depth < 2):
            result.append(self.value(depth + 1))
            self._comma("]")
        return result

    def _peek(self) -> str:
        space = _SPACE.match(self.text, self.at)
        assert space is not None
        self.at = space.end()
        return self.text[self.at : self.at + 1]

    def _closes(self, bracket: str, begun: bool) -> bool:
        if self._peek() == bracket:
            self.at += 1
            return True
        return begun and self._ended()

    def _ended(self) -> bool:
        """Whether nothing of the object is left: the end of the text, a closing tag or fence."""
        return self.close_at_end and bool(_END.match(self.text, self.at))

    def _comma(self, bracket: str) -> None:
        char = self._peek()
        if char == ",":
            self.at += 1
        elif char != bracket and not self._ended():
            raise LenientError(f"{char!r} where a comma or {bracket!r} belongs")

    def _key(self) -> str:
        char = self._peek()
        if char and char in "\"'":
            return self._string()
        word = _WORD.match(self.text, self.at)
        if not word:
            raise LenientError("a key is missing")
        self.at = word.end()
        return word[0]

    def _literal(self) -> Any:
        word = _WORD.match(self.text, self.at)
        if not word or word[0] not in _LITERALS:
            raise LenientError("a value is missing")
        self.at = word.end()
        return _LITERALS[word[0]]

    def _string(self) -> str:
        quote = self.text[self.at]
        if self.text.startswith(quote * 3, self.at):
            quote *= 3
        self.at += len(quote)
        parts: list[str] = []
        while True:
            if plain := _PLAIN.match(self.text, self.at):
                parts.append(plain[0])
                self.at = plain.end()
            char = self.text[self.at : self.at + 1]
            if not char:
                raise UnfinishedError("a string is not finished")
            if self.text.startswith(quote, self.at):
                self.at += len(quote)
                return "".join(parts)
            self.at += 1
            parts.append(self._escape() if char == "\\" else char)

    def _escape(self) -> str:
        char = self.text[self.at : self.at + 1]
        self.at += 1
        if char == "u" and (code := _HEX4.match(self.text, self.at)):
            self.at += 4
            return self._surrogates(int(code[0], 16))
        # an unknown escape is a backslash that the model forgot to double, as in "grep \d+"
        return _ESCAPES.get(char, "\\" + char)

    def _surrogates(self, high: int) -> str:
        if 0xD800 <= high < 0xDC00 and self.text.startswith("\\u", self.at):
            low = _HEX4.match(self.text, self.at + 2)
            if low and 0xDC00 <= int(low[0], 16) < 0xE000:
                self.at += 6
                return chr(0x10000 + ((high - 0xD800) << 10) + int(low[0], 16) - 0xDC00)
        return "\ufffd" if 0xD800 <= high < 0xE000 else chr(high)
