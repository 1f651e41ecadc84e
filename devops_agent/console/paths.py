"""The files and programs whose names begin with what was typed."""

import heapq
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

# Nobody looks through more.
_MOST = 200


def files(typed: str) -> Sequence[str]:
    """The paths that begin with what was typed, as one would go on typing them; folders end with a slash.

    A path is relative to the working directory, absolute, or below `~`. What cannot be read has no files.
    """
    if typed == "~":
        return ["~/"]
    folder, slash, start = typed.rpartition("/")
    found = heapq.nsmallest(_MOST, _entries(Path(folder + slash), start))
    return [f"{folder}{slash}{name}{'/' if is_folder else ''}" for name, is_folder in found]


def programs(start: str, environ: Mapping[str, str]) -> Sequence[str]:
    """The programs on PATH whose names begin so."""
    folders = [Path(folder) for folder in environ.get("PATH", "").split(os.pathsep) if folder]
    found = {
        name
        for folder in folders
        for name, is_folder in _entries(folder, start)
        if not is_folder and os.access(folder / name, os.X_OK)
    }
    return heapq.nsmallest(_MOST, found)


def _entries(folder: Path, start: str) -> Iterator[tuple[str, bool]]:
    """The names in a folder that begin so, and whether each is a folder; hidden ones only after a dot."""
    with suppress(OSError, ValueError, RuntimeError), os.scandir(folder.expanduser()) as entries:
        for entry in entries:
            hidden = entry.name.startswith(".")
            if entry.name.startswith(start) and hidden == start.startswith(".") and entry.name.isprintable():
                yield entry.name, _is_folder(entry)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
