"""The keyboard while the agent works: what is typed meanwhile is kept for the next prompt, and not shown."""

import os
import re
import select
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from devops_agent.patterns import regex

_LOCAL_MODES = 3
_READ = 4096
_LINE = re.compile(rb"[^\r\n]*[\r\n]?")
_CONTROL = regex(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|.)|[\x00-\x09\x0b-\x1f\x7f]")
_Result = TypeVar("_Result")


class Keyboard:
    """A terminal's keys between two prompts.

    Args:
        descriptor: The terminal.
        keep: Told of all that was typed for the next prompt, whenever there is more, so that it can be kept.
    """

    def __init__(self, descriptor: int, keep: Callable[[str], None] = lambda text: None) -> None:
        self._descriptor = descriptor
        self._keep = keep
        self._cooked: list[Any] | None = None
        self._typed = b""
        self._wake = os.pipe()
        self._listener: threading.Thread | None = None

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """While the agent works: keys are not echoed; Ctrl-C still interrupts, and costs no other key."""
        try:
            self._cooked = termios.tcgetattr(self._descriptor)
        except termios.error:  # no terminal
            yield
            return
        try:
            self._listen()
            yield
        finally:
            self._end_listening()
            self._set(self._cooked)
            self._cooked = None

    def asking(self, ask: Callable[[], _Result]) -> _Result:
        """Asks a question on the terminal; what was typed before is no answer to it, and is kept.

        Of an answer that Ctrl-C cuts off what was typed is kept too.
        """
        if self._cooked is None:
            return ask()
        self._end_listening()
        modes = [*self._cooked]
        modes[_LOCAL_MODES] |= termios.NOFLSH
        self._set(modes)
        try:
            return ask()
        finally:
            self._listen()

    def add(self, keys: bytes) -> None:
        """Keeps keys that somebody else has read, for the next prompt."""
        self._typed += keys

    def take(self) -> str:
        """What was typed for the next prompt, up to the first Enter; the rest waits for the one after it."""
        line = _LINE.match(self._typed)
        typed = line.group() if line else b""
        self._typed = self._typed[len(typed) :]
        return typed.decode("utf-8", errors="replace")

    def _listen(self) -> None:
        assert self._cooked is not None
        modes = [*self._cooked]
        modes[_LOCAL_MODES] &= ~(termios.ECHO | termios.ICANON)
        modes[_LOCAL_MODES] |= termios.NOFLSH
        self._set(modes)
        if self._typed:
            self._tell()
        self._listener = threading.Thread(target=self._read, daemon=True)
        self._listener.start()

    def _end_listening(self) -> None:
        if self._listener is not None:
            os.write(self._wake[1], b".")
            self._listener.join()
            self._listener = None

    def _read(self) -> None:
        """Reads the keys until it is to end, and then those that were pressed before."""
        watched = [self._descriptor, self._wake[0]]
        while ready := select.select(watched, [], [])[0]:
            if self._descriptor in ready:
                try:
                    typed = os.read(self._descriptor, _READ)
                except OSError:
                    typed = b""
                if not typed:  # a terminal that was closed
                    watched = [self._wake[0]]
                    continue
                self._typed += typed
                self._tell()
            elif self._wake[0] in ready:
                os.read(self._wake[0], 1)
                return

    def _tell(self) -> None:
        typed = self._typed.decode("utf-8", errors="replace")
        self._keep(_CONTROL.sub("", typed.replace("\r", "\n")).strip())

    def _set(self, modes: list[Any]) -> None:
        with suppress(termios.error):  # a terminal that was closed
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, modes)
