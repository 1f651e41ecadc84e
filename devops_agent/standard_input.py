"""The standard input as data of a task, or as the task itself, read while the engine starts."""

import math
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
        self._stream = stream  # as long as it is there, nothing else gets its descriptor
        descriptor = _descriptor(stream)
        self._descriptor = -1 if descriptor is None else descriptor
        self._state = threading.Condition()
        self._head, self._tail, self._left_out = bytearray(), bytearray(), 0
        self._last = 0.0  # when the last bytes came, 0 before the first
        self._ended = descriptor is None
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
        return self._wait(lambda: max(began, self._last) + seconds, began + _LONGEST)

    def whole(self, seconds: float = 1.0) -> str:
        """All that comes until its end, as `finish` gives it, however long that takes.

        Args:
            seconds: How long it waits for the first bytes.
        """
        began = time.monotonic()
        return self._wait(lambda: math.inf if self._last else began + seconds, math.inf)

    def _wait(self, patience: Callable[[], float], longest: float) -> str:
        """What came until the end, or until one of these times."""
        with self._state:
            while not self._ended:
                now = time.monotonic()
                # on a busy machine, what has come may not have been read yet
                if now >= longest or (now >= patience() and not self._is_ready(0)):
                    break
                self._state.wait(max(_LOOK_EVERY, min(patience(), longest, now + _LONGEST) - now))
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
        while not self._stopped and not self._ended:
            if not self._is_ready(_LOOK_EVERY) or self._stopped:
                continue
            try:
                chunk = os.read(self._descriptor, _CHUNK)
            except BlockingIOError:
                continue
            except OSError:
                chunk = b""
            with self._state:
                if not self._stopped:
                    self._take(chunk)
                    self._state.notify_all()

    def _is_ready(self, seconds: float) -> bool:
        """Whether there is something to read, be it the end, within so many seconds."""
        try:
            return bool(select.select([self._descriptor], [], [], seconds)[0])
        except (OSError, ValueError):
            return True  # it was closed, which reading it says too

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
