"""Until when certificates in files are valid."""

import subprocess
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path

from devops_agent.patterns import regex

_SECONDS = 5
_MOST = 20
_SUFFIXES = frozenset({".crt", ".pem", ".cer"})
_END = regex(r"notAfter=(.*)")
_NAME = regex(r"CN ?= ?([^,/\n]+)")


def in_files(paths: Iterable[Path]) -> list[Path]:
    """Those of the files, and of the files in the folders, that may hold a certificate."""
    every = [each for path in paths for each in (sorted(path.iterdir()) if path.is_dir() else [path])]
    return [path for path in every if path.suffix in _SUFFIXES and path.is_file()][:_MOST]


def expiries(paths: Sequence[Path], now: datetime) -> list[str]:
    """A line for each certificate, the one that ends first at the top.

    Args:
        paths: The files.
        now: From when the days are counted.
    """
    found = sorted((end, path, subject) for path in paths for end, subject in _read(path))
    return [
        f"{path}: certificate of {subject}, {_ends((end - now).days)}, on {end:%Y-%m-%d}"
        for end, path, subject in found
    ]


def _ends(days: int) -> str:
    return f"expired {-days} days ago" if days < 0 else f"expires in {days} days"


def _read(path: Path) -> list[tuple[datetime, str]]:
    try:
        done = subprocess.run(
            ["openssl", "x509", "-in", str(path), "-noout", "-enddate", "-subject"],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    end, name = _END.search(done.stdout), _NAME.search(done.stdout)
    if not end:
        return []
    date = datetime.strptime(end[1].strip(), "%b %d %H:%M:%S %Y %Z").replace(tzinfo=timezone.utc)
    return [(date, name[1].strip() if name else "no name")]
