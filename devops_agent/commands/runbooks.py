"""`devops-agent runbooks`: those that there are, and new ones."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from devops_agent import runbook_library
from devops_agent.errors import UsageError


def runbooks_command(words: Sequence[str], folders: Sequence[Path], out: TextIO) -> None:
    """Lists, shows, searches or adds runbooks.

    Raises:
        UsageError: An unknown action or runbook, or a file that is none.
    """
    action, arguments = (words[0], words[1:]) if words else ("list", ())
    runbooks = runbook_library.load(folders)
    if action == "list" and not arguments:
        _print_titles(runbooks.values(), out)
    elif action == "show" and len(arguments) == 1:
        if arguments[0] not in runbooks:
            raise UsageError(f"There is no runbook {arguments[0]}. See devops-agent runbooks list.")
        print(runbooks[arguments[0]].text.rstrip(), file=out)
    elif action == "search" and arguments:
        _print_titles((r for r, _ in runbook_library.search(runbooks, " ".join(arguments))), out)
    elif action == "add" and len(arguments) == 1:
        print(f"Added {_added(Path(arguments[0]), folders[0])}", file=out)
    else:
        raise UsageError("Use: devops-agent runbooks [list | show NAME | search WORDS | add FILE.md]")


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
