"""Where a user's folders are. It is read before anything heavy is imported."""

from collections.abc import Mapping, Sequence
from pathlib import Path


def home_folder(environ: Mapping[str, str]) -> Path:
    """The user's home directory."""
    return Path(environ.get("HOME") or Path.home())


def xdg_folder(environ: Mapping[str, str], name: str, fallback: str) -> Path:
    """An XDG folder; the specification has a path that is not absolute ignored."""
    chosen = Path(environ.get(name, ""))
    return chosen if chosen.is_absolute() else home_folder(environ) / fallback


def data_folder(environ: Mapping[str, str]) -> Path:
    """Where this program keeps what is the user's: the audit log and the files before they were changed."""
    return xdg_folder(environ, "XDG_DATA_HOME", ".local/share") / "devops-agent"


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where this program keeps what it can fetch or make again; the models are in `models/` below it."""
    return xdg_folder(environ, "XDG_CACHE_HOME", ".cache") / "devops-agent"


def runbook_folders(config: Path, directory: Path) -> Sequence[Path]:
    """Where a user's and a project's own runbooks lie; the later count more."""
    return (config / "runbooks", directory / ".devops-agent" / "runbooks")
