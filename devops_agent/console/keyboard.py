"""The keyboard while the agent works: what is typed meanwhile is kept for the next prompt, and not shown."""

import os
import select
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

_LOCAL_MODES = 3
_READ = 4096
_Result = TypeVar("_Result")


class Keyboard:
    """A terminal's keys between two prompts.

    Args:
        descriptor: The terminal.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._cooked: list[Any] | None = None
        self._typed = b""

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """While the agent works: keys are not echoed; Ctrl-C still interrupts."""
        try:
            self._cooked = termios.tcgetattr(self._descriptor)
        except termios.error:  # no terminal
            yield
            return
        try:
            self._be_quiet()
            yield
        finally:
            self._typed += self._pending()
            self._set(self._cooked)
            self._cooked = None

    def asking(self, ask: Callable[[], _Result]) -> _Result:
        """Asks a question on the terminal; what was typed before is no answer to it, and is kept."""
        if self._cooked is None:
            return ask()
        self._typed += self._pending()
        self._set(self._cooked)
        try:
            return ask()
        finally:
            self._be_quiet()

    def take(self) -> str:
        """What was typed since the last prompt."""
        typed, self._typed = self._typed, b""
        return typed.decode("utf-8", errors="replace")

    def _be_quiet(self) -> None:
        assert self._cooked is not None
        modes = [*self._cooked]
        modes[_LOCAL_MODES] &= ~(termios.ECHO | termios.ICANON)
        self._set(modes)

    def _set(self, modes: list[Any]) -> None:
        with suppress(termios.error):  # a terminal that was closed
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, modes)

    def _pending(self) -> bytes:
        """The keys that were pressed and not read."""
        found = b""
        with suppress(OSError):
            while select.select([self._descriptor], [], [], 0)[0]:
                read = os.read(self._descriptor, _READ)
                if not read:
                    break
                found += read
        return found
