"""A shell command that the user runs from a session, `!command`: on the terminal, as in a shell."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TextIO

from devops_agent.columns import size_of
from devops_agent.outputs import clean

_READ = 65536
_MOST = 4 << 20
# So many bytes of its end are told, once in so many seconds.
_TOLD, _TOLD_EVERY = 16 << 10, 1.0
# How often it is looked whether the command has ended, in seconds.
_LOOK_EVERY = 0.05
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def run(
    command: str,
    out: TextIO,
    grew: Callable[[str], None] = lambda text: None,
    unread: Callable[[bytes], None] = lambda keys: None,
) -> tuple[str, int]:
    """Runs a command with the keyboard and the screen, and gives what it printed, and its exit code.

    Args:
        command: The command line.
        out: Where its output goes when there is no terminal.
        grew: Told of the end of what it has printed so far.
        unread: Told of the keys that it did not read.
    """
    if not sys.stdin.isatty():
        return _run_without_terminal(command, out)
    sys.stdout.flush()
    with _Output(grew) as output, ExitStack() as stack:
        controller, terminal = pty.openpty()
        stack.callback(os.close, controller)
        stack.callback(os.close, terminal)
        stack.enter_context(_sized(controller))
        pid = os.fork()
        if pid == 0:
            _become(command, terminal)
        stack.enter_context(_raw(sys.stdin.fileno()))
        code = _connected(pid, controller, output)
        if keys := _unread(terminal):
            unread(keys)
    return output.text, code


def _become(command: str, terminal: int) -> None:
    """Makes this process the command, on a terminal of its own."""
    try:
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
        for descriptor in range(3):
            os.dup2(terminal, descriptor)
        for number in _IGNORED_BY_PYTHON:
            signal.signal(number, signal.SIG_DFL)
        os.execvp("bash", ["bash", "-c", command])
    finally:
        os._exit(127)


def _connected(pid: int, controller: int, output: "_Output") -> int:
    """Copies keys and output until the command has ended, and gives its exit code."""
    keys, status = sys.stdin.fileno(), None
    watched = [keys, controller]
    while True:
        ready = select.select(watched, [], [], 0 if status is not None else _LOOK_EVERY)[0]
        if controller in ready:
            output.add(os.read(controller, _READ))
        elif status is not None:
            return os.waitstatus_to_exitcode(status)
        if keys in ready and status is None:
            typed = os.read(keys, _READ)
            _write(controller, typed)
            watched = watched if typed else [controller]  # the end of a terminal that was closed
        if status is None:
            ended, found = os.waitpid(pid, os.WNOHANG)
            status = found if ended else None


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _unread(terminal: int) -> bytes:
    """The keys that are still to be read from a terminal."""
    modes = termios.tcgetattr(terminal)
    modes[3] &= ~(termios.ICANON | termios.ECHO)
    modes[6][termios.VMIN], modes[6][termios.VTIME] = 0, 0
    termios.tcsetattr(terminal, termios.TCSANOW, modes)
    return os.read(terminal, _READ)


@contextmanager
def _raw(terminal: int) -> Iterator[None]:
    """Each key is passed on as it is, Ctrl-C too; what was typed before is not lost."""
    before = termios.tcgetattr(terminal)
    tty.setraw(terminal, termios.TCSADRAIN)
    try:
        yield
    finally:
        with suppress(termios.error):  # a terminal that was closed
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextmanager
def _sized(controller: int) -> Iterator[None]:
    """Gives a pseudo-terminal the size of the real one, now and whenever that changes."""
    before: Any = signal.signal(signal.SIGWINCH, lambda *_: _copy_size(controller))
    _copy_size(controller)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def _copy_size(controller: int) -> None:
    columns, rows = size_of(sys.stdout)
    with suppress(OSError):
        fcntl.ioctl(controller, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class _Output:
    """Shows what a command prints, and keeps it; the end of it is told once a second, while there is more.

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
        """Shows and keeps a piece."""
        self._printed += chunk
        del self._printed[:-_MOST]
        self._is_told = False
        _write(sys.stdout.fileno(), chunk)

    @property
    def text(self) -> str:
        """All of it, as text without terminal codes."""
        return _text(bytes(self._printed))

    def _watch(self) -> None:
        while not self._is_over.wait(_TOLD_EVERY):
            self._tell()

    def _tell(self) -> None:
        if not self._is_told:
            self._is_told = True
            self._grew(_text(bytes(self._printed[-_TOLD:])))


def _text(printed: bytes) -> str:
    return clean(printed.decode("utf-8", errors="replace"))


def _run_without_terminal(command: str, out: TextIO) -> tuple[str, int]:
    nobody, pipe = subprocess.DEVNULL, subprocess.PIPE
    done = subprocess.run(["bash", "-c", command], stdin=nobody, stdout=pipe, stderr=subprocess.STDOUT)
    output = _text(done.stdout)
    print(output, end="", file=out, flush=True)
    return output, done.returncode
