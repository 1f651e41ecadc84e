"""Escape codes of terminals: the few colours of which every terminal has a readable form."""

import re

BOLD, DIM, RED, GREEN, YELLOW, CYAN = (f"\x1b[{code}m" for code in (1, 2, 31, 32, 33, 36))
RESET = "\x1b[0m"
CODE = re.compile(r"\x1b\[[0-9;]*m")


def painted(text: str, style: str) -> str:
    """The text in a style; as it is where either is empty."""
    return f"{style}{text}{RESET}" if text and style else text
