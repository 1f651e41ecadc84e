"""Lines at the bottom of the screen that are redrawn while something goes on, above which text scrolls."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TextIO

from devops_agent.ansi import CODE
from devops_agent.columns import columns_of, cut

_SECONDS = 0.1
_CLEAR_BELOW = "\r\x1b[J"

Draw = Callable[[], Sequence[str]]


class LiveRegion:
    """Redraws lines ten times a second from a thread of its own, until it is stopped.

    It hides no cursor and changes no mode: a process that is killed leaves a terminal as it should be.

    Args:
        stream: The terminal.
        width: Tells its columns now; longer lines are cut, for a line that wraps cannot be redrawn.
    """

    def __init__(self, stream: TextIO, width: Callable[[], int]) -> None:
        self._stream = stream
        self._width = width
        self._lock = threading.Lock()
        self._draw: Draw | None = None
        self._drawn: Sequence[str] = ()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, draw: Draw) -> None:
        """Shows what `draw` returns from now on."""
        with self._lock:
            self._draw = draw
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        self._wake.set()

    def stop(self) -> None:
        """Removes the lines."""
        with self._lock:
            self._draw = None
            self._wake.clear()
            self._clear()

    def say(self, text: str) -> None:
        """Writes above the lines."""
        with self._lock:
            self._clear()
            self._write(f"{text}\n")

    def _clear(self) -> None:
        if self._drawn:
            self._write(self._to_the_first())
            self._drawn = ()

    def _to_the_first(self) -> str:
        """Goes up to the first line and erases; a terminal that became narrower has wrapped the lines."""
        width = max(1, self._width())
        rows = sum(max(1, -(-columns_of(CODE.sub("", line)) // width)) for line in self._drawn)
        return (f"\x1b[{rows - 1}A" if rows > 1 else "") + _CLEAR_BELOW

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):  # a terminal that was closed: all the rest goes on
            self._stream.write(text)
            self._stream.flush()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            with self._lock:
                self._show()
            threading.Event().wait(_SECONDS)

    def _show(self) -> None:
        if self._draw is None:
            return
        width = max(1, self._width() - 1)
        lines = [cut(line, 0, width) for line in self._draw()]
        self._write(self._to_the_first() + "\n".join(lines))
        self._drawn = lines
