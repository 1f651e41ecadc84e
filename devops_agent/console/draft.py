"""The line that is being typed, kept in a file, so that it outlives a process that is killed."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from devops_agent.process_identity import identity

_PREFIX = "draft-"
# Older ones nobody misses.
_DAYS = 7


class Draft:
    """Keeps what is typed at a prompt.

    Args:
        folder: Where the files are; one a process.
        hide: Hides secrets from what is kept.
    """

    def __init__(self, folder: Path, hide: Callable[[str], str] = str) -> None:
        self._path = folder / f"{_PREFIX}{os.getpid()}"
        self._hide = hide

    def keep(self, text: str) -> None:
        """Keeps the line as it is now; nothing of an empty one."""
        with suppress(OSError):  # a full disk costs the draft, not the session
            if not text.strip():
                self._path.unlink(missing_ok=True)
                return
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside = self._path.with_name(f"{self._path.name}.new")
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
                file.write(self._hide(text))
            beside.replace(self._path)

    def recovered(self) -> str:
        """The newest line of a process that is no more, once; "" when there is none."""
        found = ""
        for path in sorted(self._path.parent.glob(f"{_PREFIX}*[0-9]"), key=_age):
            if path == self._path or _runs(path.name.removeprefix(_PREFIX)):
                continue
            with suppress(OSError):
                if _age(path) < _DAYS * 86400:
                    found = path.read_text(encoding="utf-8", errors="replace")
                path.unlink()
            if found:  # the next session gets the next one
                break
        return found


def _age(path: Path) -> float:
    """How many seconds ago a file was written."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return float("inf")


def _runs(pid: str) -> bool:
    return pid.isdecimal() and bool(identity(int(pid)))
