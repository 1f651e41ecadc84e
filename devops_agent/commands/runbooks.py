"""`devops-agent runbooks`: those that there are, and new ones."""

import re
from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from devops_agent import export, runbook_library
from devops_agent.errors import UsageError
from devops_agent.session_store import Stored


def runbooks_command(arguments: Namespace, folders: Sequence[Path], out: TextIO) -> None:
    """Lists, shows, searches or adds runbooks.

    Args:
        arguments: `action`, and what it takes: `name`, `words` or `file`.
        folders: The user's folder and others with runbooks.
        out: Where they are printed.

    Raises:
        UsageError: There is no such runbook, or the file is none.
    """
    runbooks = runbook_library.load(folders)
    if arguments.action == "list":
        _print_titles(runbooks.values(), out)
    elif arguments.action == "show":
        if arguments.name not in runbooks:
            raise UsageError(f"There is no runbook {arguments.name}. See devops-agent runbooks list.")
        print(runbooks[arguments.name].text.rstrip(), file=out)
    elif arguments.action == "search":
        _print_titles((r for r, _ in runbook_library.search(runbooks, " ".join(arguments.words))), out)
    elif arguments.action == "add":
        print(f"Added {_added(Path(arguments.file), folders[0])}", file=out)


def _print_titles(runbooks: Iterable[runbook_library.Runbook], out: TextIO) -> None:
    for runbook in runbooks:
        print(f"{runbook.name:32} {runbook.title}", file=out)


def save(stored: Stored, name: str, folder: Path) -> Path:
    """Makes a runbook of what a session did, and gives its file.

    Raises:
        UsageError: The name is none, there is such a file, or nothing was done that it could hold.
    """
    if not re.fullmatch(r"[\w][\w .-]{0,60}", name):
        raise UsageError("Name the runbook: /runbook save scale-web.")
    text = export.runbook(stored, re.sub(r"[-_.]+", " ", name).strip().capitalize())
    stem = re.sub(r"\s+", "-", name.lower())
    return _written(folder / f"{stem}.md", text, "The session did nothing that a runbook could hold.")


def _added(path: Path, folder: Path) -> Path:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from error
    problem = f"{path} has no title. Its first line must be: # What it does"
    return _written(folder / f"{path.stem}.md", text, problem)


def _written(target: Path, text: str, problem: str) -> Path:
    if not runbook_library.parse(target.stem, text):
        raise UsageError(problem)
    if target.exists():
        raise UsageError(f"{target} exists already. Remove it first, or choose another name.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}.") from error
    return target
