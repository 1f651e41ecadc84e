"""`devops-agent undo`: the files of the last run, as they were."""

from argparse import Namespace
from collections.abc import Callable
from typing import TextIO

from devops_agent.errors import UsageError
from devops_agent.redaction import Redactor
from devops_agent.undo import Kept, UndoStore


def undo_command(arguments: Namespace, store: UndoStore, out: TextIO, ask: Callable[[str], bool]) -> None:
    """Shows what the last run changed in files, and gets them back.

    Args:
        arguments: `yes`, for no question.
        store: The files as they were.
        out: Where it is shown.
        ask: Asks a question whose answer is yes or no.

    Raises:
        UsageError: There is nothing to undo, nobody to ask, or a file cannot be written.
    """
    hide = Redactor()
    found = store.last()
    if found is None:
        raise UsageError("There is nothing to undo: no run has changed a file that is different now.")
    run, files = found
    newer = [kept for kept in files if kept.is_newer]
    for kept in files:
        what = "to be removed, for it was not there before" if kept.was is None else "to be as it was before"
        what += "; it was changed after the run" if kept in newer else ""
        print(f"{kept.path}: {what}\n{hide(kept.difference())}", file=out)
    out.flush()
    if arguments.yes:
        files = [kept for kept in files if kept not in newer]
    elif not ask(f"Restore {len(files)} file{'s' * (len(files) > 1)}? [y/n]: "):
        print("Nothing was restored.", file=out)
        return
    failed = [f"{kept.path} cannot be restored: {error}." for kept in files if (error := _restored(kept))]
    if failed:
        raise UsageError(" ".join(failed))
    if arguments.yes and newer:
        names = ", ".join(str(kept.path) for kept in newer)
        print(
            f"Left as it is: {names}. Without --yes, undo asks for what was changed after the run.", file=out
        )
        return
    store.forget(run)
    print("Restored.", file=out)


def _restored(kept: Kept) -> str:
    """Restores a file; why that failed, or ""."""
    try:
        kept.restore()
    except OSError as error:
        return error.strerror or str(error)
    return ""
