"""Regular expressions that are compiled when they are first used.

There are hundreds in this package, of which a run needs a part; to compile all of them takes longer than
anything else at the start of the process.
"""

import re
from collections.abc import Iterable
from typing import Any, cast

from devops_agent import pattern_cache

_METHODS = ("findall", "finditer", "fullmatch", "match", "search", "split", "sub")


class _Later:
    def __init__(self, text: str, flags: int) -> None:
        self._arguments = text, flags

    def __getattr__(self, name: str) -> Any:
        if name == "_arguments":  # of a copy that is being made
            raise AttributeError(name)
        if name == "_compiled":
            self._compiled = pattern_cache.compiled(*self._arguments)
            for method in _METHODS:  # from now on they are found without this function
                setattr(self, method, getattr(self._compiled, method))
            return self._compiled
        return getattr(self._compiled, name)


def regex(text: str, flags: int = 0) -> re.Pattern[str]:
    """The regular expression of a constant: what `re.compile` gives, only later.

    Args:
        text: As `re.compile` takes it; a mistake in it is found at the first use.
        flags: Of `re`.
    """
    return cast("re.Pattern[str]", _Later(text, flags))


ORDINALS = tuple("first second third fourth fifth sixth seventh eighth ninth tenth".split())
# What may stand before a wish and says nothing.
LEAD = r"(?:(?:please|first|then|now|and) )*"
# What stands where a name may stand, and is none.
NO_NAME = frozenset(
    """it them this that these those both all everything anything something each there here current same
 parent root home working temp temporary another other new sub subfolder subdirectory folder
 directory disk place somewhere well newline comment comments version versions hash hashes dependency
 dependencies package packages requirements entry entries line lines pattern patterns file files""".split()
)


def said_in_full(patterns: Iterable[re.Pattern[str]], wish: str) -> re.Match[str] | None:
    """The match of the first of some patterns that a wish fits from its first word to its last."""
    bare = wish.strip(" .!")
    return next(filter(None, (pattern.fullmatch(bare) for pattern in patterns)), None)


def without(text: str, match: re.Match[str]) -> str:
    """A text without what a pattern found in it."""
    return f"{text[: match.start()]} {text[match.end() :]}"
