"""Files that were deleted while a process has them open, so that their space is not free: from /proc."""

import re
import stat
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from devops_agent.diagnosis.finding import Finding
from devops_agent.patterns import regex

# "df says full but du finds nothing", "the space of the deleted log is not freed"
MEANT = regex(
    r"\bdf\b.*\bdu\b|\bdu\b.*\bdf\b"
    r"|\bspace of\b[^;]*\b(?:deleted|removed)\b"
    r"|\b(?:deleted|removed|rm)\b[^;]*\b(?:space|disk full)\b"
    r"|\b(?:space|disk)\b[^;]*\bfull[^;]*\b(?:deleted|removed|rm)\b"
    r"|\bdeleted (?:but )?(?:still )?(?:open|held)\b|\bopen (?:but )?deleted\b"
    r"|\bprocess(?:es)?\b[^.;]*\b(?:holds?|holding|keeps?|keeping)\b[^.;]*\bspace\b",
    re.IGNORECASE | re.DOTALL,
)
_DELETED = " (deleted)"
_MOST = 3
_MIB = 1 << 20
_LEAST = _MIB // 10


def findings(folder: Path | None, proc: Path = Path("/proc")) -> list[Finding]:
    """The processes that hold the most space of deleted files.

    Args:
        folder: Only of its file system; None for all.
        proc: Where the processes are listed.
    """
    try:
        device = None if folder is None else folder.stat().st_dev
        folders = [each for each in proc.iterdir() if each.name.isdigit()]
    except OSError:
        return []
    held: defaultdict[Path, dict[int, tuple[str, int]]] = defaultdict(dict)
    for process in folders:
        for inode, name, size in _deleted(process, device):
            held[process][inode] = (name, size)
    sums = {process: sum(size for _, size in files.values()) for process, files in held.items()}
    most = sorted((process for process, size in sums.items() if size >= _LEAST), key=lambda each: -sums[each])
    return [_told(process, held[process], sums[process]) for process in most[:_MOST]]


def _deleted(process: Path, device: int | None) -> Iterator[tuple[int, str, int]]:
    """The deleted regular files that a process has open: inode, path, bytes on the disk."""
    try:
        links = list((process / "fd").iterdir())
    except OSError:  # it has ended, or is another user's
        return
    for link in links:
        try:
            target, found = str(link.readlink()), link.stat()
        except OSError:
            continue
        # those in memory are of no disk
        of_disk = stat.S_ISREG(found.st_mode) and not target.startswith(("/memfd:", "/dev/shm/", "/SYSV"))
        if target.endswith(_DELETED) and not found.st_nlink and of_disk and device in (None, found.st_dev):
            yield found.st_ino, target.removesuffix(_DELETED), found.st_blocks * 512


def _told(process: Path, files: dict[int, tuple[str, int]], size: int) -> Finding:
    try:
        name = (process / "comm").read_text().strip()
    except OSError:
        name = "?"
    largest, _ = max(files.values(), key=lambda each: each[1])
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return Finding(
        f"process {process.name} ({name})",
        f"it holds {size / _MIB:.1f} MiB of deleted files that it still has open: {largest}{more}; "
        "the space is free when it closes them or ends",
    )
