"""Escape codes of terminals: the few colours that read well on every one, and none of others."""

from devops_agent.patterns import regex

BOLD, DIM, RED, GREEN, YELLOW, CYAN = (f"\x1b[{code}m" for code in (1, 2, 31, 32, 33, 36))
RESET = "\x1b[0m"
CODE = regex(r"\x1b\[[0-9;]*m")

# What moves the cursor, changes the terminal, or turns the direction of writing.
_CONTROL = regex(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """A text without what would control a terminal."""
    return _CONTROL.sub("", text)


def visible(text: str) -> str:
    """What would control a terminal, or takes no room on it, is shown by its number instead."""
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\u{ord(c):04x}" for c in text)


def painted(text: str, style: str) -> str:
    """The text in a style; as it is where either is empty."""
    return f"{style}{text}{RESET}" if text and style else text
