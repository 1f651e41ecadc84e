"""Files as they were before a call changed them, kept for each run, and how to get them back."""

import difflib
import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

_KEPT_RUNS = 20
_LARGEST, _MOST = 10 << 20, 200
_MANIFEST = "manifest.jsonl"


@dataclass(frozen=True)
class Kept:
    """A file as it was.

    Attributes:
        path: Where it belongs.
        copy: Its copy; None if there was no such file.
    """

    path: Path
    copy: Path | None

    @property
    def is_changed(self) -> bool:
        """Whether the file is another one now."""
        now = self.path.read_bytes() if self.path.is_file() else None
        return now != (self.copy.read_bytes() if self.copy else None)

    def difference(self) -> str:
        """What getting it back changes, as a unified diff."""
        now, before = _lines(self.path), _lines(self.copy)
        name = str(self.path)
        return "\n".join(difflib.unified_diff(now, before, name, name, "now", "before", lineterm=""))

    def restore(self) -> None:
        """Puts the file back.

        Raises:
            OSError: It cannot be written.
        """
        if self.copy is None:
            self.path.unlink(missing_ok=True)
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(self.copy.read_bytes())
        self.path.chmod(self.copy.stat().st_mode & 0o7777)


def _lines(path: Path | None) -> list[str]:
    if path is None or not path.is_file():
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


class UndoStore:
    """Keeps the files that a run changes, once each.

    Args:
        folder: Where the runs are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._run: Path | None = None
        self._seen: set[str] = set()

    def start_run(self) -> None:
        """Begins with another run."""
        self._run = None
        self._seen.clear()

    def keep(self, paths: Iterable[str]) -> None:
        """Copies files before they are changed; folders and what is too large are left out."""
        for name in paths:
            path = Path(name)
            with suppress(OSError):  # without a copy the call runs all the same, as it would without undo
                fits = not path.exists() or (path.is_file() and path.stat().st_size <= _LARGEST)
                if fits and name not in self._seen and len(self._seen) < _MOST:
                    self._seen.add(name)
                    self._copy(path)

    def _copy(self, path: Path) -> None:
        run = self._run = self._run or self._new_run()
        copy = run / f"{len(self._seen):03}" if path.is_file() else None
        if copy:
            handle = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(path.read_bytes())
            copy.chmod(path.stat().st_mode & 0o7777)
        entry = json.dumps({"path": str(path), "copy": copy.name if copy else None})
        with (run / _MANIFEST).open("a", encoding="utf-8") as file:
            file.write(entry + "\n")

    def _new_run(self) -> Path:
        run = self.folder / f"{time.time_ns()}-{os.getpid()}"
        run.mkdir(mode=0o700, parents=True)
        for old in self._runs()[:-_KEPT_RUNS]:
            rmtree(old, ignore_errors=True)
        return run

    def _runs(self) -> list[Path]:
        return (
            sorted(path for path in self.folder.glob("*-*") if path.is_dir()) if self.folder.is_dir() else []
        )

    def last(self) -> tuple[Path, list[Kept]] | None:
        """The last run of which a file is another one now, with those files."""
        for run in reversed(self._runs()):
            if changed := [kept for kept in _kept(run) if kept.is_changed]:
                return run, changed
        return None

    def forget(self, run: Path) -> None:
        """Drops the copies of a run."""
        rmtree(run, ignore_errors=True)


def _kept(run: Path) -> list[Kept]:
    found: list[Kept] = []
    with suppress(OSError):
        for line in (run / _MANIFEST).read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, KeyError):  # a line that was cut off
                entry = json.loads(line)
                found.append(Kept(Path(entry["path"]), run / entry["copy"] if entry["copy"] else None))
    return found
