"""The standard input as data of a task, or as the task itself, read while the engine starts."""

import os
import select
import threading
import time
from collections.abc import Callable
from typing import TextIO

LIMIT = 1_000_000  # bytes that are kept, half of them from the start
_LONGEST = 10.0
_LOOK_EVERY = 0.1
_CHUNK = 65536


class Reader:
    """Reads a stream from a thread of its own, which never keeps the process from ending.

    Args:
        stream: The standard input; one that is closed or has no descriptor counts as empty.
    """

    def __init__(self, stream: TextIO) -> None:
        self._descriptor = _descriptor(stream)
        self._state = threading.Condition()
        self._head, self._tail, self._left_out = bytearray(), bytearray(), 0
        self._last = 0.0  # when the last bytes came, 0 before the first
        self._ended = self._descriptor is None
        self._stopped = False

    def start(self) -> "Reader":
        """Begins to read."""
        if not self._ended:
            threading.Thread(target=self._read, daemon=True).start()
        return self

    def finish(self, seconds: float = 1.0) -> str:
        """What came, decoded and without NULs; of more than `LIMIT` bytes the start and the end.

        Args:
            seconds: How long it waits for the first bytes, and then for further ones; 10 s in all.
        """
        began = time.monotonic()
        return self._wait(lambda: min(max(began, self._last) + seconds, began + _LONGEST))

    def whole(self, seconds: float = 1.0) -> str:
        """All that comes until its end, as `finish` gives it, however long that takes.

        Args:
            seconds: How long it waits for the first bytes.
        """
        began = time.monotonic()
        return self._wait(lambda: None if self._last else began + seconds)

    def _wait(self, until: Callable[[], float | None]) -> str:
        with self._state:
            while not self._ended:
                limit, now = until(), time.monotonic()
                if limit is not None and now >= limit:
                    break
                self._state.wait(None if limit is None else limit - now)
            self._stopped = True
            return _text(self._head, self._left_out, self._tail)

    @property
    def notice(self) -> str:
        """After `finish`: what the user should know about what was left out, in one line; "" for nothing."""
        if not self._ended and not self._head:
            return "Standard input gave nothing in time and was left out (--no-stdin does not wait for it)."
        if not self._ended:
            return "Standard input did not end: what came so far is used."
        if self._left_out:
            return f"Standard input is too long: {self._left_out:,} bytes from its middle were left out."
        return ""

    def _read(self) -> None:
        while not self._stopped:
            try:
                chunk = self._next()
            except BlockingIOError:
                continue
            except (OSError, ValueError):
                chunk = b""
            if chunk is None:
                continue
            with self._state:
                if not self._stopped:
                    self._take(chunk)
                    self._state.notify_all()
            if not chunk:
                return

    def _next(self) -> bytes | None:
        """The next bytes, none at the end; None when there are none yet."""
        assert self._descriptor is not None
        readable, _, _ = select.select([self._descriptor], [], [], _LOOK_EVERY)
        return os.read(self._descriptor, _CHUNK) if readable else None

    def _take(self, chunk: bytes) -> None:
        self._last, self._ended = time.monotonic(), not chunk
        half = LIMIT // 2
        room = half - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        over = len(self._tail) - half
        if over > 0:
            self._left_out += over
            del self._tail[:over]


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None


def _text(head: bytearray, left_out: int, tail: bytearray) -> str:
    marker = f"\n[… {left_out:,} bytes left out …]\n".encode() if left_out else b""
    return (head + marker + tail).decode("utf-8", errors="replace").replace("\0", "")
