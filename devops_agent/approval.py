"""Asking the user before a tool runs."""

import json
import sys
import termios
from collections.abc import Callable, Mapping
from typing import Any

Approver = Callable[[str, Mapping[str, Any]], tuple[bool, str]]


def ask_user_approval(tool: str, arguments: Mapping[str, Any]) -> tuple[bool, str]:
    """Shows a call and asks for y or n.

    Returns:
        Whether the user approved, and a comment for the agent. Without anybody to answer it is a no.
    """
    shown = _visible(json.dumps(dict(arguments), indent=2, ensure_ascii=False, default=str))
    shown = shown.replace("\n", "\n   ")
    _forget_typed_ahead()
    _say(f"\n🔧 Tool call requested:\n   Tool: {tool}\n   Arguments: {shown}\n\n")
    while True:
        answer = _ask("Approve this tool call? [y/n]: ")
        if answer is None:
            return False, "nobody is there to approve it"
        if answer.lower() in ("y", "yes"):
            return True, ""
        if answer.lower() in ("n", "no"):
            return False, _ask("Optional feedback for the agent (press Enter to skip): ") or ""


def _forget_typed_ahead() -> None:
    """What was typed before the question was there is no answer to it."""
    if sys.stdin.isatty():
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def _visible(text: str) -> str:
    """What would move the cursor or turn the direction of writing is shown by its number instead."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\u{ord(c):04x}" for c in text)


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def _ask(question: str) -> str | None:
    """One line of the standard input, or None at its end."""
    _say(question)
    line = sys.stdin.readline()
    if not line:
        _say("\n")
        return None
    return line.strip()
