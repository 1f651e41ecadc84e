"""The sessions that were kept: listed, read, deleted, taken up again."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devops_agent.errors import UsageError
from devops_agent.patterns import regex
from devops_agent.process_identity import is_running
from devops_agent.recording import Hide, Recording, Warn, new_id
from devops_agent.session_database import FILE, NewerDatabase, connect, explained, transaction
from devops_agent.terminal import call_line

__all__ = ["FILE", "Recording", "SessionStore", "Stored", "StoredStep", "StoredTurn", "Summary"]

_ID = regex(r"[0-9a-f]{3,8}")
_WRITE_FILE = "write_file"


@dataclass(frozen=True)
class Summary:
    """A session in a list. Times are seconds since the epoch.

    Attributes:
        id: 8 hexadecimal digits.
        started: When its first task was given.
        updated: When its last task was given or answered.
        directory: Where it began.
        model: The name of the model.
        title: Its first task, in one line.
        turns: How many tasks it has.
        is_running: Whether the process that writes it still runs.
        is_cut_off: Whether its last task has no end, and will have none.
    """

    id: str
    started: float
    updated: float
    directory: str
    model: str
    title: str
    turns: int
    is_running: bool
    is_cut_off: bool


@dataclass(frozen=True)
class StoredStep:
    """A call of a tool.

    Attributes:
        tool: The tool.
        arguments: Its arguments, without secrets.
        effect: read, change, destructive or unknown; "" for what did not run.
        started: When it began, in seconds since the epoch.
        ended: When it ended; None if it did not.
        exit_code: Of its command; None for what did not run, did not end or has none.
        ok: Whether it succeeded; None if it did not end.
        output: What its command printed, or what it had printed when it was cut off.
        text: What was shown of it.
        decision: "approved" or "rejected" when it was asked for, else "".
        comment: What the user said to that.
    """

    tool: str
    arguments: Mapping[str, Any]
    effect: str
    started: float
    ended: float | None
    exit_code: int | None
    ok: bool | None
    output: str
    text: str
    decision: str
    comment: str

    @property
    def ran(self) -> bool:
        """Whether it was run, be it not to its end."""
        return bool(self.effect) or self.exit_code is not None

    @property
    def succeeded(self) -> bool:
        """Whether it was run, ended, and did so without a failure."""
        return self.ran and bool(self.ok) and not self.exit_code

    @property
    def changes(self) -> bool:
        """Whether it is more than a look."""
        return self.effect not in ("", "read")

    @property
    def shown(self) -> str:
        """What is shown of what it gave: the whole output, where there is one."""
        return self.output or self.text


@dataclass(frozen=True)
class StoredTurn:
    """A task and what came of it.

    Attributes:
        number: Its place in the session, from 1.
        task: The task, as it was typed.
        started: When it was given, in seconds since the epoch.
        ended: When it was answered or failed; None if it was cut off or is being done.
        answer: The answer, or why there is none.
        ok: Whether it was done; None without an end.
        exit_code: What the process returned for it, or would have; None without an end.
        names: The names of things that were spoken of, by kind.
        messages: What the model is told of it in the turns that follow.
        commands: The commands that ran.
        steps: The calls, in their order.
        understood: The task with what it referred to in its place; "" where that is not kept.
    """

    number: int
    task: str
    started: float
    ended: float | None
    answer: str
    ok: bool | None
    exit_code: int | None
    names: Mapping[str, str]
    messages: tuple[dict[str, str], ...]
    commands: tuple[str, ...]
    steps: tuple[StoredStep, ...]
    understood: str = ""


@dataclass(frozen=True)
class Stored:
    """A whole session; the attributes that it shares with `Summary` are the same.

    Attributes:
        ended: When it was left; None if it is running or was cut off.
        turns: Its tasks, in their order.
    """

    id: str
    started: float
    updated: float
    ended: float | None
    directory: str
    model: str
    title: str
    is_running: bool
    turns: tuple[StoredTurn, ...]

    @property
    def cut_off(self) -> str:
        """What was going on when the session was cut off, in a sentence; "" if it was not, or still runs."""
        last = self.turns[-1] if self.turns else None
        if self.is_running or last is None or last.ended is not None:
            return ""
        task = f'"{" ".join(last.task.split())}"'
        if not last.steps:
            return f"{task} was cut off before its first step."
        step = last.steps[-1]
        call = " ".join(call_line(step.tool, step.arguments).split())
        if step.ended is None:
            return f"{task} was cut off while {call} was running: what that came to is not known."
        return f"{task} was cut off after step {len(last.steps)}, {call}, had ended."


@dataclass(frozen=True)
class SessionStore:
    """The file of sessions. What cannot be read or written is a UsageError, but for a recording.

    Attributes:
        path: The file, `FILE` in the folder of the user's data.
        hide: Hides the secrets of a text that is recorded.
        warn: Told in a line when a session cannot be recorded.
    """

    path: Path
    hide: Hide = str
    warn: Warn = field(default=lambda text: None)

    def start(self, directory: Path | str, model: str) -> Recording:
        """A recording of a new session, which its first task begins."""
        return Recording(self.path, new_id(), str(directory), model, self.hide, self.warn)

    def resume(self, id: str) -> Recording:
        """A recording that goes on with a session; its new tasks follow those that it has.

        Raises:
            UsageError: There is no such session, or it is still running in another process.
        """
        with self._opened() as db:
            row = _row(db, _resolved(db, id))
        named = row["id"], row["directory"], row["model"]
        recording = Recording(self.path, *named, self.hide, self.warn, is_new=False)
        recording.take_up()
        return recording

    def list(self, limit: int | None = 20) -> Sequence[Summary]:
        """The sessions that were used last, the newest first: so many, or all.

        Raises:
            UsageError: The limit is less than 1.
        """
        if limit is not None and limit < 1:
            raise UsageError(f"{limit} is no number of sessions. Use one greater than 0.")
        if not self._exists():
            return ()
        rows = """SELECT *, (SELECT count(*) FROM turns WHERE session = sessions.id) AS turns,
            (SELECT ended IS NULL FROM turns WHERE session = sessions.id ORDER BY number DESC LIMIT 1) AS open
            FROM sessions ORDER BY updated DESC LIMIT ?"""
        with self._opened() as db:
            return [_summary(row) for row in db.execute(rows, (-1 if limit is None else limit,))]

    def newest(self, directory: Path | str | None = None) -> str | None:
        """The id of the session that was used last: of those that began in a directory, else of all."""
        if not self._exists():
            return None
        there = "SELECT id FROM sessions WHERE directory = ? ORDER BY updated DESC LIMIT 1"
        anywhere = "SELECT id FROM sessions ORDER BY updated DESC LIMIT 1"
        with self._opened() as db:
            row = db.execute(there, (str(directory),)).fetchone() or db.execute(anywhere).fetchone()
        return row["id"] if row else None

    def load(self, id: str) -> Stored:
        """A whole session.

        Args:
            id: Its id, or at least 3 digits with which no other begins.

        Raises:
            UsageError: There is no such session.
        """
        with self._opened() as db:
            row = _row(db, _resolved(db, id))
            turns = db.execute("SELECT * FROM turns WHERE session = ? ORDER BY number", (row["id"],))
            told = tuple(_turn(db, turn) for turn in turns.fetchall())
        names = ("id", "started", "updated", "ended", "directory", "model", "title")
        return Stored(**{name: row[name] for name in names}, is_running=_is_running(row), turns=told)

    def delete(self, ids: Sequence[str]) -> int:
        """Removes sessions with all that was kept of them, and tells how many.

        Raises:
            UsageError: One is not there or still running; then none is removed.
        """
        with self._opened() as db:
            db.execute("PRAGMA secure_delete = ON")
            with transaction(db):
                chosen = dict.fromkeys(_resolved(db, id) for id in ids)
                running = [id for id in chosen if _is_running(_row(db, id))]
                if running:
                    raise UsageError(f"Still running: {', '.join(running)}. Leave it first.")
                db.executemany("DELETE FROM sessions WHERE id = ?", [(id,) for id in chosen])
            db.execute("PRAGMA incremental_vacuum").fetchall()
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return len(chosen)

    def _exists(self) -> bool:
        try:
            return self.path.exists()
        except OSError as error:  # its folder may not be looked at
            raise self._trouble(error) from error

    def _trouble(self, error: Exception) -> UsageError:
        return UsageError(f"The sessions cannot be used: {explained(error, self.path)}")

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        if not self._exists():
            raise UsageError("There are no sessions yet.")
        try:
            with closing(connect(self.path)) as connection:
                connection.row_factory = sqlite3.Row
                yield connection
        except (sqlite3.Error, OSError, NewerDatabase) as error:
            raise self._trouble(error) from error


def _resolved(db: sqlite3.Connection, id: str) -> str:
    """The whole id.

    Raises:
        UsageError: None begins so, or several do.
    """
    start = id.strip().lower()
    if not _ID.fullmatch(start):
        raise UsageError(f"{id!r} is no id of a session: that is 3 to 8 of the digits 0-9 and a-f.")
    rows = db.execute("SELECT id FROM sessions WHERE id GLOB ? ORDER BY id LIMIT 4", (f"{start}*",))
    found: Sequence[str] = [row[0] for row in rows]
    if not found:
        raise UsageError(f"There is no session {id}. See devops-agent sessions list.")
    if len(found) > 1:
        more = ", …" if len(found) > 3 else ""
        raise UsageError(f"Several sessions begin with {id}: {', '.join(found[:3])}{more}. Give more digits.")
    return found[0]


def _row(db: sqlite3.Connection, id: str) -> sqlite3.Row:
    row: sqlite3.Row = db.execute("SELECT * FROM sessions WHERE id = ?", (id,)).fetchone()
    return row


def _is_running(row: sqlite3.Row) -> bool:
    return row["ended"] is None and is_running(row["pid"], row["process"] or "")


def _summary(row: sqlite3.Row) -> Summary:
    running = _is_running(row)
    names = ("id", "started", "updated", "directory", "model", "title", "turns")
    given = {name: row[name] for name in names}
    return Summary(**given, is_running=running, is_cut_off=bool(row["open"]) and not running)


def _turn(db: sqlite3.Connection, row: sqlite3.Row) -> StoredTurn:
    rows = db.execute("SELECT * FROM steps WHERE turn = ? ORDER BY number", (row["id"],))
    names = ("number", "task", "started", "ended", "answer", "exit_code", "understood")
    return StoredTurn(
        **{name: row[name] for name in names},
        ok=_truth(row["ok"]),
        names=json.loads(row["names"]),
        messages=tuple(json.loads(row["messages"])),
        commands=tuple(json.loads(row["commands"])),
        steps=tuple(map(_step, rows)),
    )


def _step(row: sqlite3.Row) -> StoredStep:
    names = ("tool", "effect", "started", "ended", "exit_code", "output", "text", "decision", "comment")
    given = {name: row[name] for name in names}
    return StoredStep(**given, arguments=json.loads(row["arguments"]), ok=_truth(row["ok"]))


def _truth(value: int | None) -> bool | None:
    return None if value is None else bool(value)
