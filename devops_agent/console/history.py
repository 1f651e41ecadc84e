"""What the user typed in earlier sessions, in the form of prompt_toolkit's own history files."""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from prompt_toolkit.history import FileHistory

# In characters: what was pasted beyond that is no line to be typed again.
_LONGEST = 20_000


class History(FileHistory):
    """Keeps each line in a file, and never raises: what cannot be written is lost, and told once.

    Args:
        path: The file; it is made where it is missing, for its owner alone.
        hide: Takes secrets out of a line before it is stored.
        warn: Is told once, in one line, that the history cannot be kept.
    """

    def __init__(self, path: Path, hide: Callable[[str], str], warn: Callable[[str], None]) -> None:
        super().__init__(str(path))
        self._path = path
        self._hide = hide
        self._warn = warn
        self._warned = False

    def load_history_strings(self) -> Iterable[str]:
        """The stored lines, the newest first."""
        try:
            if self._path.is_file():  # a pipe would be waited for
                return list(super().load_history_strings())
        except OSError as error:
            self._complain("read", error)
        return []

    def store_string(self, string: str) -> None:
        """Adds a line to the file, in one write, so that two sessions do not mix theirs."""
        if len(string) > _LONGEST:
            return
        try:
            self._append(_entry(self._hide(string)))
        except OSError as error:
            self._complain("written", error)

    def entries(self, limit: int = 20, words: str = "") -> list[str]:
        """The newest lines in which each of the words stands, without secrets; the newest last.

        Args:
            limit: How many at most.
            words: Words with blanks between; "" for any line.
        """
        wanted = words.lower().split()
        known: Sequence[str] = self._loaded_strings if self._loaded else list(self.load_history_strings())
        found = dict.fromkeys(line for line in known if all(word in line.lower() for word in wanted))
        return [self._hide(line) for line in list(found)[: max(limit, 0)]][::-1]

    def _append(self, entry: bytes) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK
        descriptor = os.open(self._path, flags, 0o600)
        try:
            _make_private(descriptor)
            written = os.write(descriptor, entry)
        finally:
            os.close(descriptor)
        if written < len(entry):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _complain(self, what: str, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            why = error.strerror or str(error)
            self._warn(
                f"The history cannot be {what}: {why}. Look at {self._path}; the session goes on without."
            )


def _make_private(descriptor: int) -> None:
    """Takes the rights of others away from a file of an earlier version; never from /dev/null."""
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode) and mode & 0o077:
        with suppress(OSError):  # somebody else's file
            os.fchmod(descriptor, 0o600)


def _entry(line: str) -> bytes:
    lines = "".join(f"+{each}\n" for each in line.split("\n"))
    return f"\n# {datetime.now()}\n{lines}".encode(errors="replace")
