"""The real program on a pseudo-terminal, and what a person sees on it."""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from unicodedata import combining, east_asian_width

ROOT = Path(__file__).resolve().parents[1]
PROMPT = "\x1b[?2004h"  # what prompt_toolkit writes when it begins to read a line
UP, DOWN, TAB, CTRL_C, CTRL_D, CTRL_R, CTRL_Z = "\x1b[A", "\x1b[B", "\t", "\x03", "\x04", "\x12", "\x1a"
ALT_ENTER = "\x1b\r"

_CODE = re.compile(r"\x1b\[([?>]?)([\d;]*)([A-Za-z])|\x1b[^\[]|[\x00-\x1f\x7f]|[^\x00-\x1f\x1b\x7f]+")
_UNFINISHED = re.compile(r"\x1b(\[[?>]?[\d;]*)?\Z")


class Screen:
    """The rows of a terminal, those that scrolled out included, as the usual terminals show them.

    It knows what the program and prompt_toolkit send: moves of the cursor, what erases, and line feeds. A row
    that is too long for a narrower screen is wrapped anew, as in most terminals.
    """

    def __init__(self, rows: int, columns: int) -> None:
        self.height, self.columns = rows, columns
        self._rows: list[list[str]] = [[]]
        self._goes_on = [False]  # whether a row is the rest of the one above it
        self._row = self._column = 0
        self._wraps = True
        self._held = ""
        self.replies: list[str] = []  # of a terminal that is asked where its cursor is

    @property
    def text(self) -> str:
        """All rows, those that were wrapped in one piece."""
        rows = zip(map("".join, self._rows), [*self._goes_on[1:], False], strict=True)
        return "".join(row if goes_on else f"{row.rstrip()}\n" for row, goes_on in rows)

    def feed(self, text: str) -> None:
        text = self._held + text
        held = _UNFINISHED.search(text)
        self._held = held.group() if held else ""
        for found in _CODE.finditer(text[: len(text) - len(self._held)]):
            if found[3]:
                self._control(found[1], [int(each or 0) for each in found[2].split(";")], found[3])
            elif found.group().isprintable():
                for character in found.group():
                    self._put(character)
            else:
                self._key(found.group())

    def resize(self, rows: int, columns: int) -> None:
        cursor = sum(map(len, self._rows[: self._row])) + self._column
        whole: list[list[str]] = []
        for row, goes_on in zip(self._rows, self._goes_on, strict=True):
            whole[-1:] = [[*whole[-1], *row]] if goes_on else [*whole[-1:], row]
        self.height, self.columns, self._rows, self._goes_on = rows, columns, [], []
        for line in whole:
            starts = range(0, max(len(line), 1), columns)
            self._rows += [line[start : start + columns] for start in starts]
            self._goes_on += [start > 0 for start in starts]
        self._row = 0
        while cursor > len(self._rows[self._row]) and self._row + 1 < len(self._rows):
            cursor -= len(self._rows[self._row])
            self._row += 1
        self._column = cursor

    def _put(self, character: str) -> None:
        width = 0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1
        if self._column + width > self.columns:
            if self._wraps:
                self._feed_line(goes_on=True)
                self._column = 0
            else:
                self._column = self.columns - width
        row = self._rows[self._row]
        row += [" "] * (self._column + width - len(row))
        row[self._column : self._column + width] = [character, *[""] * (width - 1)][:width]
        self._column += width

    def _feed_line(self, goes_on: bool = False) -> None:
        self._row += 1
        if self._row == len(self._rows):
            self._rows.append([])
            self._goes_on.append(goes_on)

    def _key(self, key: str) -> None:
        match key:
            case "\n":
                self._feed_line()
            case "\r":
                self._column = 0
            case "\b":
                self._column = max(0, self._column - 1)

    def _control(self, mark: str, numbers: Sequence[int], letter: str) -> None:
        count, top = numbers[0] or 1, max(0, len(self._rows) - self.height)
        match mark + letter:
            case "A":
                self._row = max(top, self._row - count)
            case "B":
                self._row = min(len(self._rows) - 1, self._row + count)
            case "C":
                self._column = min(self.columns - 1, self._column + count)
            case "D":
                self._column = max(0, self._column - count)
            case "J" | "K":
                self._erase(numbers[0], letter == "J")
            case "H":
                self._row, self._column = min(top + count - 1, len(self._rows) - 1), numbers[-1:][0] or 1
                self._column -= 1
            case "n":
                self.replies.append(f"\x1b[{self._row - top + 1};{self._column + 1}R")
            case "?h" | "?l" if 7 in numbers:
                self._wraps = letter == "h"

    def _erase(self, which: int, below: bool) -> None:
        if which == 2:
            top = max(0, len(self._rows) - self.height)
            self._rows[top:] = [[] for _ in self._rows[top:]]
            return
        del self._rows[self._row][self._column :]
        if below:
            del self._rows[self._row + 1 :], self._goes_on[self._row + 1 :]


class Console:
    """The agent on a pseudo-terminal.

    Args:
        host: Where Ollama answers; "" for nowhere.
        *arguments: Those of the command line.
        size: Rows and columns.
        program: What is run instead of `python -m devops_agent`.
        environment: More variables; None takes one away.
    """

    def __init__(
        self,
        host: str,
        *arguments: str,
        size: tuple[int, int] = (24, 80),
        program: Sequence[str] = (sys.executable, "-m", "devops_agent"),
        **environment: str | None,
    ) -> None:
        self.controller, terminal = pty.openpty()
        self._screen = Screen(*size)
        self._lock = threading.Lock()
        self.seen = ""
        self._at = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        variables: dict[str, str | None] = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONUTF8": "1",
            "OLLAMA_HOST": host or None,
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
            **environment,
        }
        self.process = subprocess.Popen(
            [*program, *arguments],
            env={name: value for name, value in variables.items() if value is not None},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            preexec_fn=_take_terminal,
        )
        os.close(terminal)
        self._is_closed = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def type(self, text: str) -> None:
        os.write(self.controller, text.encode())

    def task(self, text: str) -> None:
        """Types a line when the prompt is there, and Enter."""
        self.wait_for(PROMPT)
        self.type(f"{text}\r")

    def wait_for(self, text: str | Callable[[], bool], seconds: float = 30) -> None:
        """Waits until a text was sent, behind the one waited for before, or a condition holds."""
        deadline = time.monotonic() + seconds
        while not (text in self.seen[self._at :] if isinstance(text, str) else text()):
            assert time.monotonic() < deadline, (
                f"{text!r} did not come:\n{self.screen}\n{self.seen[-2000:]!r}"
            )
            time.sleep(0.02)
        if isinstance(text, str):
            self._at = self.seen.index(text, self._at) + len(text)

    @property
    def screen(self) -> str:
        """What stands on the screen, and what scrolled out of it."""
        with self._lock:
            return self._screen.text

    def shows(self, text: str) -> None:
        """Waits until a text stands on the screen, whatever was sent to bring it there."""
        self.wait_for(lambda: text in self.screen)

    def resize(self, rows: int, columns: int) -> None:
        """The window gets another size; its content is wrapped anew at once, and the program hears of it."""
        with self._lock:
            self._screen.resize(rows, columns)
            fcntl.ioctl(self.controller, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        while not self._is_closed.is_set():
            if select.select([self.controller], [], [], 0.02)[0]:
                try:
                    read = os.read(self.controller, 65536)
                except OSError:  # on Linux when nobody has the terminal open any more
                    break
                self._take(self._decoder.decode(read))

    def _take(self, text: str) -> None:
        with self._lock:
            self.seen += text
            self._screen.feed(text)
            replies, self._screen.replies = self._screen.replies, []
        self.type("".join(replies))

    def kill(self) -> None:
        """kill -9, as one's own child: waits until it is gone, with what it started left alone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self) -> int:
        """Waits for the end, and gives the exit code."""
        try:
            code = self.process.wait(60)
            self._reader.join(2)  # what was written last
            return code
        finally:
            self.destroy()

    def hang_up(self) -> None:
        """The window is closed."""
        self._is_closed.set()
        self._reader.join()
        os.close(self.controller)

    def destroy(self) -> None:
        self.process.kill()
        self.process.wait()
        if not self._is_closed.is_set():
            self.hang_up()


def _take_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
