"""Tells a process from a later one that has the same number."""

import os
import subprocess
from pathlib import Path

_PROC = Path("/proc")
_BOOT = _PROC / "sys/kernel/random/boot_id"
_STATE, _STARTED = 0, 19  # of the fields behind the name in /proc/PID/stat, proc_pid_stat(5)
_ENDED = ("Z", "X")


def identity(pid: int) -> str:
    """When a process was started, to tell it from others; "" when it does not run."""
    if not _PROC.joinpath("self/stat").exists():
        return _told_by_ps(pid)
    try:
        stat = _PROC.joinpath(str(pid), "stat").read_text(encoding="utf-8", errors="replace")
        fields = stat.rpartition(")")[2].split()
        return "" if fields[_STATE] in _ENDED else f"{_boot()}{fields[_STARTED]}"
    except (OSError, IndexError):
        return ""


def is_running(pid: int | None, known: str) -> bool:
    """Whether the process that had this number and identity still runs."""
    return bool(pid and known) and identity(pid or 0) == known


def _boot() -> str:
    """What changes with each start of the machine: the times of processes are counted from there."""
    try:
        return f"{_BOOT.read_text().strip()} "
    except OSError:
        return ""


def _told_by_ps(pid: int) -> str:
    """The same without /proc, as on macOS."""
    try:
        ran = subprocess.run(
            ["ps", "-o", "stat=,lstart=", "-p", str(pid)],
            capture_output=True,
            text=True,
            timeout=2,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    state, _, started = ran.stdout.strip().partition(" ")
    return "" if state.startswith(_ENDED) else " ".join(started.split())
