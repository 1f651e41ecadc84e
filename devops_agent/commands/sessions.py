"""`devops-agent sessions`: what was done before, to look at, to take along, or to remove."""

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from devops_agent import approval, export
from devops_agent.ansi import plain
from devops_agent.columns import columns_of, cut, size_of
from devops_agent.errors import UsageError
from devops_agent.session_store import SessionStore, Stored, StoredStep, StoredTurn, Summary
from devops_agent.terminal import call_line

_LIMIT = 20
_SHOWN_LINES = 20
_UNITS = ((86400, "day", "days"), (3600, "hour", "hours"), (60, "min", "min"))
_FORMATS = {"markdown": export.markdown, "script": export.script}


def sessions_command(arguments: argparse.Namespace, path: Path, out: TextIO) -> None:
    """Lists, shows, exports or deletes sessions.

    Args:
        arguments: `action` (list, show, export or delete) and what belongs to it: `limit`, `json`, `id`,
            `format`, `output`, `ids`, `all`, `yes`.
        path: The database.
        out: Where it is printed.

    Raises:
        UsageError: There is no such session, or a file is in the way.
    """
    store, given = SessionStore(path), vars(arguments)
    match given.get("action") or "list":
        case "show":
            _show(store.load(given["id"]), bool(given.get("json")), out)
        case "export":
            form, output = given.get("format") or "markdown", given.get("output")
            _export(store.load(given["id"]), form, output, out)
        case "delete":
            _delete(store, given.get("ids") or (), bool(given.get("all")), bool(given.get("yes")), out)
        case _:
            limit = given.get("limit")
            _list(store.list(_LIMIT if limit is None else limit), bool(given.get("json")), out)


# --- list -------------------------------------------------------------------------------------------------


def _list(found: Sequence[Summary], as_json: bool, out: TextIO) -> None:
    width = size_of(out).columns if out.isatty() else 0
    for each in found:
        print(json.dumps(asdict(each), ensure_ascii=False) if as_json else _line(each, width), file=out)
    if not found and not as_json:
        print("There are no sessions yet.", file=out)


def _line(summary: Summary, width: int) -> str:
    """A session in a line of so many columns; 0 for as many as it takes."""
    mark = "[running] " if summary.is_running else "[cut off] " if summary.is_cut_off else ""
    turns = f"{summary.turns} turn{'s' * (summary.turns != 1)}"
    directory = _short(export.one_line(summary.directory))
    line = f"{summary.id}  {ago(time.time() - summary.updated):<12}  {turns:>8}  {directory:<24}  {mark}"
    return _cut(line + export.one_line(summary.title), width)


def ago(seconds: float) -> str:
    """How long ago something was, as one says it."""
    for size, one, many in _UNITS:
        if (count := int(seconds // size)) >= 1:
            return f"{count} {one if count == 1 else many} ago"
    return "just now"


def _short(directory: str) -> str:
    home = os.environ.get("HOME", "").rstrip("/")
    return f"~{directory[len(home) :]}" if home and f"{directory}/".startswith(f"{home}/") else directory


def _cut(line: str, width: int) -> str:
    """The beginning of a line that has room in so many columns."""
    return line if not width or columns_of(line) <= width else f"{cut(line, 0, width - 1)}…"


# --- show -------------------------------------------------------------------------------------------------


def _show(stored: Stored, as_json: bool, out: TextIO) -> None:
    if as_json:
        print(export.as_json(stored), file=out)
        return
    state = "running" if stored.is_running else f"last used {ago(time.time() - stored.updated)}"
    told = f"{stored.id}, begun {export.when(stored.started)}, {state}, in {stored.directory}, {stored.model}"
    print(export.one_line(told), file=out)
    for turn in stored.turns:
        _show_turn(turn, out)
    if stored.cut_off:
        print(f"\n⚠️  {plain(stored.cut_off)}", file=out)


def _show_turn(turn: StoredTurn, out: TextIO) -> None:
    print(f"\n{turn.number}. {plain(turn.task.strip())}", file=out)
    for step in turn.steps:
        _show_step(step, out)
    if turn.ended is not None:
        print(f"{'✅' if turn.ok else '❌'} {plain(turn.answer.strip())}", file=out)


def _show_step(step: StoredStep, out: TextIO) -> None:
    effect = f"  [{step.effect}]" if step.changes else ""
    print(f"   {plain(call_line(step.tool, step.arguments))}{effect}", file=out)
    lines = plain(step.shown.rstrip()).split("\n")
    left_out = len(lines) - _SHOWN_LINES
    if left_out > 1:
        half = _SHOWN_LINES // 2
        lines = [*lines[:half], f"[{left_out} lines left out; export has them]", *lines[-half:]]
    for line in filter(None, [*lines, f"({export.outcome(step)})"]):
        print(f"      {line}", file=out)


# --- export and delete ------------------------------------------------------------------------------------


def _export(stored: Stored, form: str, output: str | None, out: TextIO) -> None:
    text = _FORMATS[form](stored)
    if output is None:
        print(text, end="", file=out)
        return
    mode = 0o777 if form == "script" else 0o666
    try:
        handle = os.open(Path(output).expanduser(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{output} exists already. Choose another name, or remove it first.") from error
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: no such user behind a tilde
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UsageError(
            f"{output} cannot be written: {reason}. Name a file in a folder of yours."
        ) from error
    print(f"Wrote {output}", file=out)


def _delete(store: SessionStore, ids: Sequence[str], every: bool, unasked: bool, out: TextIO) -> None:
    if bool(ids) == every:
        raise UsageError("Name the sessions to delete, or use --all: devops-agent sessions delete ID...")
    if every:
        found = store.list(None)
        ids = [each.id for each in found if not each.is_running]
        if running := len(found) - len(ids):
            print(f"Left alone: {_counted(running)} still running.", file=out, flush=True)
    if not ids:
        print("There is no session to delete.", file=out)
        return
    question = f"Delete {_counted(len(ids))}? [y/n]: "
    if len(ids) > 1 and not unasked and not approval.confirms(question):
        print("Nothing was deleted.", file=out)
        return
    print(f"Deleted {_counted(store.delete(ids))}.", file=out)


def _counted(number: int) -> str:
    return f"{number} session{'s' * (number != 1)}"
