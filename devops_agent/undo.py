"""Files as they were before a call changed them, kept for each run, and how to get them back."""

import difflib
import json
import os
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

_KEPT_RUNS = 20
_LARGEST, _MOST, _MOST_BYTES = 10 << 20, 200, 100 << 20
_MANIFEST, _LEFT = "manifest.jsonl", "left.json"
_NO_FILES = ("/proc/", "/sys/", "/dev/")


@dataclass(frozen=True)
class Kept:
    """What was at a path: a file, a link, a folder or nothing.

    Attributes:
        path: Where it belongs.
        was: Its mode with its kind, its owner, its group and when it was changed; None if nothing was there.
        copy: The copy of the file; None if it was none.
        link: Where the link pointed; "" if it was none.
        left: What the run left there, as `_seen` tells it; None if that is not known.
    """

    path: Path
    was: tuple[int, int, int, int] | None
    copy: Path | None = None
    link: str = ""
    left: str | None = None

    @property
    def is_changed(self) -> bool:
        """Whether something else is there now; a folder that is new does not count."""
        try:
            now = _status(self.path)
            if self.was is None or now is None:
                return now is not None and not _is_folder(now) if self.was is None else True
            if self.link:
                return not self.path.is_symlink() or str(self.path.readlink()) != self.link
            return now.st_mode != self.was[0] or (self.copy is not None and self._reads_otherwise(now))
        except OSError:  # it cannot be read any more
            return True

    def _reads_otherwise(self, now: os.stat_result) -> bool:
        assert self.copy
        return now.st_size != self.copy.stat().st_size or self.path.read_bytes() != self.copy.read_bytes()

    @property
    def is_folder(self) -> bool:
        """Whether a folder was there."""
        return self.was is not None and stat.S_ISDIR(self.was[0])

    @property
    def is_newer(self) -> bool:
        """Whether it may have been changed after the run."""
        return self.left is None or _seen(self.path) != self.left

    def difference(self) -> str:
        """What getting it back changes, as a unified diff."""
        now, before = _lines(self.path), _lines(self.copy)
        name = str(self.path)
        lines = list(difflib.unified_diff(now, before, name, name, "now", "before", lineterm=""))
        with suppress(OSError):
            mode = _status(self.path)
            if self.was and not self.link and mode and mode.st_mode != self.was[0]:
                lines.append(f"mode {stat.filemode(mode.st_mode)} now, {stat.filemode(self.was[0])} before")
        return "\n".join(lines)

    def restore(self) -> None:
        """Puts it back, in place of what is there.

        Raises:
            OSError: It cannot be written.
        """
        if self.path.parent.resolve() != self.path.parent or (self.is_folder and self.path.is_symlink()):
            raise OSError("a link is in its way")
        if self.was is None:
            self.path.unlink(missing_ok=True)
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.link:
            with tempfile.TemporaryDirectory(dir=self.path.parent) as folder:
                link = Path(folder, "link")
                link.symlink_to(self.link)
                link.replace(self.path)
        elif self.copy:
            self._restore_file(self.copy)
        else:
            self.path.mkdir(exist_ok=True)
            self.path.chmod(stat.S_IMODE(self.was[0]))

    def _restore_file(self, copy: Path) -> None:
        """Writes it beside and moves it, so that no link is followed and no half of it is left."""
        assert self.was
        mode, user, group, changed = self.was
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".undo-")
        file_beside = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(copy.read_bytes())
            with suppress(PermissionError):  # it stays the user's own
                os.chown(name, user, group)
            file_beside.chmod(stat.S_IMODE(mode))
            os.utime(file_beside, ns=(changed, changed))
            file_beside.replace(self.path)
        finally:
            file_beside.unlink(missing_ok=True)


def _status(path: Path) -> os.stat_result | None:
    """What is at a path, a link not followed; None if nothing is.

    Raises:
        OSError: That cannot be told.
    """
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _is_folder(status: os.stat_result) -> bool:
    return stat.S_ISDIR(status.st_mode)


def _seen(path: Path) -> str:
    """By what a change of a file is noticed without reading it."""
    try:
        now = _status(path)
    except OSError:
        return "unknown"
    if now is None or _is_folder(now):
        return "nothing" if now is None else "folder"
    return f"{now.st_mode:o} {now.st_size} {now.st_mtime_ns}"


def _lines(path: Path | None) -> list[str]:
    with suppress(OSError):
        if path and path.is_file():
            return path.read_text(encoding="utf-8", errors="replace").splitlines()
    return []


class UndoStore:
    """Keeps the files that a run changes, once each.

    Args:
        folder: Where the runs are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._run: Path | None = None
        self._paths: list[Path] = []
        self._bytes = 0

    def start_run(self) -> None:
        """Begins with another run."""
        self._run = None
        self._paths = []
        self._bytes = 0

    def keep(self, paths: Iterable[str], folders: Iterable[str] = ()) -> None:
        """Copies files before they are changed, and whole folders; what is too large is left out."""
        for path in map(_absolute, paths):
            with suppress(OSError):  # without a copy the call runs all the same, as it would without undo
                self._keep(path)
        for folder in map(_absolute, folders):
            with suppress(OSError):
                self._keep_folder(folder)

    def _keep(self, path: Path, folder: bool = False) -> None:
        status = _status(path)
        if path in self._paths or len(self._paths) >= _MOST or f"{path}/".startswith(_NO_FILES):
            return
        if status and stat.S_ISLNK(status.st_mode):
            self._enter(path, status, link=str(path.readlink()))
            self._keep(path.resolve())
        elif status and stat.S_ISREG(status.st_mode):
            if status.st_size <= min(_LARGEST, _MOST_BYTES - self._bytes):
                self._enter(path, status, path.read_bytes())
        elif status is None or (folder and _is_folder(status)):
            self._enter(path, status)

    def _keep_folder(self, folder: Path) -> None:
        """Keeps a folder as a whole, or not at all."""
        if folder.is_symlink():
            self._keep(folder)
            return
        found: list[Path] = []
        for place, folders, files in os.walk(folder, topdown=False, onerror=_fails):
            links = [name for name in folders if Path(place, name).is_symlink()]
            found += [Path(place, name) for name in (*files, *links)] + [Path(place)]
            if len(found) > _MOST - len(self._paths):
                return
        size = sum(path.lstat().st_size for path in found)
        if size <= min(_LARGEST, _MOST_BYTES - self._bytes):
            for path in found:
                self._keep(path, folder=True)

    def _enter(
        self, path: Path, status: os.stat_result | None, content: bytes | None = None, link: str = ""
    ) -> None:
        run = self._run = self._run or self._new_run()
        name = f"{len(self._paths) + 1:03}"
        if content is not None:
            handle = os.open(run / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            self._bytes += len(content)
        was = status and (status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns)
        entry = {"path": str(path), "was": was, "copy": None if content is None else name, "link": link}
        with (run / _MANIFEST).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        self._paths.append(path)

    def settle(self) -> None:
        """Notes what a call has left of the files, to tell it from what comes later."""
        if self._run:
            left = json.dumps({str(path): _seen(path) for path in self._paths})
            with suppress(OSError):
                (self._run / _LEFT).write_text(left, encoding="utf-8")

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


def _absolute(name: str) -> Path:
    """The path with no link in its folders."""
    path = Path(name).absolute()
    return path.parent.resolve() / path.name if path.name not in ("", "..") else path.resolve()


def _fails(error: OSError) -> None:
    raise error


def _kept(run: Path) -> Iterator[Kept]:
    left: Mapping[str, Any] = {}
    with suppress(OSError, ValueError):
        left = json.loads((run / _LEFT).read_text(encoding="utf-8"))
    with suppress(OSError):
        for line in (run / _MANIFEST).read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, KeyError):  # a line that was cut off
                entry = json.loads(line)
                path, was = entry["path"], entry["was"]
                copy = run / entry["copy"] if entry["copy"] else None
                yield Kept(Path(path), tuple(was) if was else None, copy, entry["link"], left.get(path))
