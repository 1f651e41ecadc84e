"""A shell command that the user runs from a session, `!command`: on the terminal, as in a shell."""

import fcntl
import os
import pty
import shutil
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from typing import TextIO

from devops_agent.outputs import clean

_READ = 65536
_MOST = 4 << 20


def run(command: str, out: TextIO) -> tuple[str, int]:
    """Runs a command with the keyboard and the screen, and gives what it printed, and its exit code.

    Args:
        command: The command line.
        out: Where its output goes when there is no terminal.
    """
    if not sys.stdin.isatty():
        return _run_without_terminal(command, out)
    printed = bytearray()
    is_sized = False

    def read(descriptor: int) -> bytes:
        nonlocal is_sized
        if not is_sized:
            is_sized = True
            _size(descriptor)
        chunk = os.read(descriptor, _READ)
        printed.extend(chunk)
        del printed[:-_MOST]
        return chunk

    sys.stdout.flush()
    status = pty.spawn(["bash", "-c", command], read)
    return clean(printed.decode("utf-8", errors="replace")), os.waitstatus_to_exitcode(status)


def _run_without_terminal(command: str, out: TextIO) -> tuple[str, int]:
    nobody, pipe = subprocess.DEVNULL, subprocess.PIPE
    done = subprocess.run(["bash", "-c", command], stdin=nobody, stdout=pipe, stderr=subprocess.STDOUT)
    output = clean(done.stdout.decode("utf-8", errors="replace"))
    print(output, end="", file=out, flush=True)
    return output, done.returncode


def _size(descriptor: int) -> None:
    """Gives a pseudo-terminal the size of the real one."""
    columns, rows = shutil.get_terminal_size()
    with suppress(OSError):
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
