"""What the agent is doing, in a line or a few, for who waits for it."""

import time
from collections.abc import Sequence
from textwrap import wrap

from devops_agent import events, protocol
from devops_agent.symbols import Symbols

_LAST_LINES = 3
_LONGEST = 1000
_LONGEST_COMMAND = 36
_SAID = {"answer": "answering", "command": "writing a command", "path": "writing a file"}


class Working:
    """Follows the events of a run and tells what goes on now.

    Args:
        signs: Those of the terminal.
    """

    def __init__(self, signs: Symbols) -> None:
        self._signs = signs
        self._started = time.monotonic()
        self._what = "thinking..."
        self._below: Sequence[str] = ()

    def follow(self, event: events.Event) -> None:
        """Takes note of an event."""
        match event:
            case events.Waiting(what):
                self._start(f"{what}...")
            case events.ThinkingStarted():
                self._start("thinking...")
            case events.PromptRead(done, total) if total:
                self._what = (
                    f"reading the prompt {100 * done // total}%..." if done < total else "thinking..."
                )
            case events.ReplyGrew(text):
                self._reply(text)
            case events.ToolCalled(name, arguments):
                command = " ".join(str(next(iter(arguments.values()), "")).split())
                self._start(f"running {_shortened(command)}..." if name == "bash" else f"{name}...")
            case events.OutputGrew(text):
                self._below = _last_lines(text)
            case events.Progress():
                self._start(str(event), keep=True)
            case _:
                pass

    def lines(self, width: int) -> Sequence[str]:
        """The lines now, for so many columns."""
        seconds = time.monotonic() - self._started
        frames = self._signs.spinner
        frame = frames[int(seconds * 10) % len(frames)]
        wrapped = [row for line in self._below for row in wrap(line, max(width - 4, 8)) or [""]]
        return [f"{frame} {self._what} {seconds:.0f}s", *(f"  {row}" for row in wrapped[-_LAST_LINES:])]

    def _start(self, what: str, keep: bool = False) -> None:
        if not keep or self._what.partition(":")[0] != what.partition(":")[0]:
            self._started = time.monotonic()
        self._what, self._below = what, ()

    def _reply(self, text: str) -> None:
        kind, said = protocol.so_far(text)
        self._what = f"{_SAID.get(kind, 'thinking')}..."
        self._below = _last_lines(said)


def _last_lines(text: str) -> Sequence[str]:
    lines = [line.expandtabs() for line in text[-_LONGEST:].splitlines() if line.strip()]
    return lines[-_LAST_LINES:]


def _shortened(text: str) -> str:
    """The text in a length that leaves room for the seconds on a narrow terminal."""
    return text if len(text) <= _LONGEST_COMMAND else text[:_LONGEST_COMMAND].rstrip()
