"""Asking the user before a tool runs, on the terminal, also when the standard input is a pipe."""

import json
import os
import sys
import termios
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from devops_agent.ansi import visible
from devops_agent.errors import UsageError
from devops_agent.symbols import ascii_text, speaks_unicode

_TTY = Path("/dev/tty")
_ASKING = threading.Lock()
_COLOURS = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}
_KEYS = "y yes · n no, with a word to the agent · a always for this in this session · e edit · ? explain"


@dataclass(frozen=True)
class Question:
    """What the user is asked about a call.

    Attributes:
        tool: The tool.
        arguments: Its arguments.
        effect: What the call does: read, change, destructive or unknown.
        note: What is asked for, in a sentence, where it is no call of a tool; there is nothing to comment on.
        rule: Why it is judged so.
        part: The part of a command that decided.
        target: Where it works, such as a Kubernetes context.
        caution: Why a call is asked for that would run otherwise.
        preview: Tells what would happen: objects, a diff, sizes; it only looks.
    """

    tool: str
    arguments: Mapping[str, Any]
    effect: str = ""
    note: str = ""
    rule: str = ""
    part: str = ""
    target: str = ""
    caution: str = ""
    preview: Callable[[], str] = lambda: ""


class Answer(NamedTuple):
    """What the user said."""

    approved: bool
    comment: str = ""
    always: bool = False  # also for calls of the same kind in this session
    command: str | None = None  # in place of the one that was asked for


Approver = Callable[[Question], Answer]


@contextmanager
def _terminal() -> Iterator[tuple[TextIO, TextIO]]:
    """What the user types and what the user sees.

    Raises:
        OSError: There is no terminal.
    """
    encoding = sys.stderr.encoding or None
    # two questions at once would read each other's answers
    with (
        _ASKING,
        _TTY.open("r", encoding="utf-8", errors="replace") as keys,
        _TTY.open("w", encoding=encoding, errors="replace") as screen,
    ):
        # what was typed before the question was there is no answer to it
        with suppress(termios.error):
            termios.tcflush(keys.fileno(), termios.TCIFLUSH)
        yield keys, screen


def somebody_is_there() -> bool:
    """Whether there is a terminal on which a question can be asked."""
    try:
        with _TTY.open("r"), _TTY.open("w"):
            return True
    except OSError:
        return False


def ask_user_approval(question: Question) -> Answer:
    """Shows a call and what it would do, and asks.

    Returns:
        What the user answered. Without anybody to answer it is a no.
    """
    try:
        with _terminal() as (keys, screen):
            return ask(question, keys, screen, colour=not os.environ.get("NO_COLOR"))
    except OSError:
        return Answer(False, "nobody is there to approve it")


def confirms(question: str) -> bool:
    """Asks for y or n on the terminal.

    Raises:
        UsageError: There is none.
    """
    try:
        with _terminal() as (keys, screen):
            return (_read(question, keys, screen) or "").lower() in ("y", "yes")
    except OSError as error:
        raise UsageError(
            "Nothing was done: nobody is there to confirm it. With --yes it is not asked."
        ) from error


def ask(question: Question, keys: TextIO, screen: TextIO, colour: bool = False) -> Answer:
    """Asks on a terminal that is open."""
    _say(screen, _shown(question, colour))
    while True:
        typed = _read("Approve this tool call? [y/n]: ", keys, screen)
        match typed if typed is None else typed.lower():
            case None:
                return Answer(False, "nobody is there to approve it")
            case "y" | "yes":
                return Answer(True)
            case "n" | "no" if question.note:
                return Answer(False)
            case "n" | "no":
                comment = _read("Optional feedback for the agent (press Enter to skip): ", keys, screen)
                return Answer(False, comment or "")
            case "a" | "always" if question.effect:
                return Answer(True, always=True)
            case "e" | "edit" if "command" in question.arguments:
                if command := _edited(str(question.arguments["command"]), keys, screen):
                    return Answer(True, command=command)
            case "?" if question.effect:
                _say(screen, _explained(question))
            case _:
                pass


def _shown(question: Question, colour: bool) -> str:
    arguments = json.dumps(dict(question.arguments), indent=2, ensure_ascii=False, default=str)
    shown = visible(arguments).replace("\n", "\n   ")
    lines = [f"\n🔧 Tool call requested:\n   Tool: {question.tool}\n   Arguments: {shown}"]
    if question.note:
        lines.append(f"   {question.note}")
    if question.effect:
        why = f" ({question.rule})" if question.rule else ""
        lines.append(f"   Effect: {question.effect}{why}")
    if question.caution:
        lines.append(f"   Careful: {question.caution}")
    if question.target:
        lines.append(f"   Where: {question.target}")
    if preview := question.preview().rstrip():
        lines_shown = map(_coloured if colour else str, visible(preview).split("\n"))
        lines.append("   " + "\n   ".join(lines_shown))
    if question.effect:
        lines.append(f"   {_KEYS}")
    return "\n".join(lines) + "\n\n"


def _coloured(line: str) -> str:
    """A line of a diff in its colour."""
    colour = _COLOURS.get(line[:1], "")
    return f"{colour}{line}\x1b[0m" if colour else line


def _explained(question: Question) -> str:
    meaning = {
        "read": "it leaves every state as it was",
        "change": "one further command undoes it",
        "destructive": "it removes, overwrites, ends or exposes something",
        "unknown": "what it does is not known before it runs, so it is treated like destructive",
    }.get(question.effect, "")
    part = f"   The part that decides: {visible(question.part)}\n" if question.part else ""
    return f"   {question.effect}: {meaning}.\n{part}   Rule: {question.rule or 'none'}\n"


def _say(screen: TextIO, text: str) -> None:
    encoding = getattr(screen, "encoding", None) or "utf-8"
    screen.write(text if speaks_unicode(encoding, os.environ) else ascii_text(text, encoding))
    screen.flush()


def _edited(command: str, keys: TextIO, screen: TextIO) -> str:
    """A command as the user changes it; "" for none."""
    if not keys.isatty():
        return _read("Command: ", keys, screen) or ""
    # not before it is needed: its import takes a tenth of a second
    from prompt_toolkit import PromptSession
    from prompt_toolkit.input import create_input
    from prompt_toolkit.output.vt100 import Vt100_Output

    session: PromptSession[str] = PromptSession(
        input=create_input(keys), output=Vt100_Output.from_pty(screen, term=os.environ.get("TERM"))
    )
    try:
        return session.prompt("Command: ", default=command).strip()
    except (EOFError, KeyboardInterrupt):
        return ""


def _read(question: str, keys: TextIO, screen: TextIO) -> str | None:
    """One line, or None at the end of the input."""
    _say(screen, question)
    line = keys.readline()
    if not line:
        _say(screen, "\n")
        return None
    return line.strip()
