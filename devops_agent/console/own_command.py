"""A shell command that the user runs from a session, `!command`: on the terminal, as in a shell."""

import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

from devops_agent.outputs import clean

_READ = 65536
_MOST = 4 << 20
# So many bytes of its end are told, once in so many seconds.
_TOLD, _TOLD_EVERY = 16 << 10, 1.0


def run(command: str, out: TextIO, grew: Callable[[str], None] = lambda text: None) -> tuple[str, int]:
    """Runs a command with the keyboard and the screen, and gives what it printed, and its exit code.

    Args:
        command: The command line.
        out: Where its output goes when there is no terminal.
        grew: Told of the end of what it has printed so far.
    """
    if not sys.stdin.isatty():
        return _run_without_terminal(command, out)
    with _Output(grew) as output, _Size() as size:

        def read(descriptor: int) -> bytes:
            size.follow(descriptor)
            chunk = os.read(descriptor, _READ)
            output.add(chunk)
            return chunk

        sys.stdout.flush()
        status = pty.spawn(["bash", "-c", command], read)
    return output.text, os.waitstatus_to_exitcode(status)


class _Output:
    """What a command has printed; the end of it is told once a second, while there is more.

    Args:
        grew: Told of it.
    """

    def __init__(self, grew: Callable[[str], None]) -> None:
        self._grew = grew
        self._printed = bytearray()
        self._is_told = True
        self._is_over = threading.Event()

    def __enter__(self) -> "_Output":
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._is_over.set()
        if kind is not None:
            self._tell()

    def add(self, chunk: bytes) -> None:
        self._printed += chunk
        del self._printed[:-_MOST]
        self._is_told = False

    @property
    def text(self) -> str:
        return _text(bytes(self._printed))

    def _watch(self) -> None:
        while not self._is_over.wait(_TOLD_EVERY):
            self._tell()

    def _tell(self) -> None:
        if not self._is_told:
            self._is_told = True
            self._grew(_text(bytes(self._printed[-_TOLD:])))


class _Size:
    """Gives a pseudo-terminal the size of the real one, also when that changes."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._before: Any = None

    def __enter__(self) -> "_Size":
        self._before = signal.signal(signal.SIGWINCH, lambda *_: self._copy())
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGWINCH, self._before)

    def follow(self, descriptor: int) -> None:
        """Keeps the size of this one."""
        if self._descriptor is None:
            self._descriptor = descriptor
            self._copy()

    def _copy(self) -> None:
        columns, rows = shutil.get_terminal_size()
        if self._descriptor is not None:
            with suppress(OSError):
                size = struct.pack("HHHH", rows, columns, 0, 0)
                fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, size)


def _text(printed: bytes) -> str:
    return clean(printed.decode("utf-8", errors="replace"))


def _run_without_terminal(command: str, out: TextIO) -> tuple[str, int]:
    nobody, pipe = subprocess.DEVNULL, subprocess.PIPE
    done = subprocess.run(["bash", "-c", command], stdin=nobody, stdout=pipe, stderr=subprocess.STDOUT)
    output = _text(done.stdout)
    print(output, end="", file=out, flush=True)
    return output, done.returncode
