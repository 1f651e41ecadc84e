"""`devops-agent runbooks`: those that there are, and new ones."""

from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from devops_agent import runbook_library
from devops_agent.errors import UsageError


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


def _added(path: Path, folder: Path) -> Path:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from error
    target = folder / f"{path.stem}.md"
    if not runbook_library.parse(path.stem, text):
        raise UsageError(f"{path} has no title. Its first line must be: # What it does")
    if target.exists():
        raise UsageError(f"{target} exists already. Remove it first, or choose another name.")
    folder.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return target
