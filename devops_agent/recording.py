"""Writes a session down while it runs: each task, and each step before it is run."""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from devops_agent import events
from devops_agent.errors import UsageError
from devops_agent.outputs import ends
from devops_agent.pace import Pace
from devops_agent.process_identity import identity, is_running
from devops_agent.session_database import (
    NewerDatabase,
    connect,
    explained,
    is_broken,
    move_aside,
    transaction,
)

MOST_CHARACTERS = 200_000
_TITLE = 200
# How often what a command has printed is written at most, and which part of the time that may take.
_GROWTH_SECONDS, _GROWTH_SHARE = 0.5, 0.1

Hide = Callable[[str], str]
Warn = Callable[[str], None]


class Remembered(Protocol):
    """What the model is told of a turn in those that follow."""

    @property
    def task(self) -> str:
        """The task, with what it referred to in its place."""

    @property
    def messages(self) -> Sequence[Mapping[str, str]]:
        """The messages of the conversation."""

    @property
    def names(self) -> Mapping[str, str]:
        """The names of things that were spoken of, by kind."""

    @property
    def commands(self) -> Sequence[str]:
        """The commands that ran."""


def new_id() -> str:
    """An id for a session: 8 hexadecimal digits."""
    return os.urandom(4).hex()


class Recording:
    """A listener that keeps what happens in a session. It never raises, whatever the disk does.

    When something cannot be written, that is told once, and nothing more is kept.

    Args:
        path: The database.
        session: The id of the session.
        directory: Where it began.
        model: The name of the model.
        hide: Hides the secrets of a text.
        warn: Told in a line when the session cannot be kept.
        is_new: Whether the session has yet to be made, which the first task does.
    """

    def __init__(
        self,
        path: Path,
        session: str,
        directory: str,
        model: str,
        hide: Hide = str,
        warn: Warn = lambda text: None,
        is_new: bool = True,
    ) -> None:
        self._path = path
        self._id = session
        self._directory = directory
        self._model = model
        self._hide = hide
        self._warn = warn
        self._is_new = is_new
        self._is_lost = self._is_closed = False
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.RLock()  # a warning comes back as an event
        self._turn: int | None = None
        self._step: int | None = None
        self._steps = 0
        self._decision = ("", "")
        self._pace = Pace(_GROWTH_SECONDS, _GROWTH_SHARE)
        self._unwritten = ""  # what a step has printed, until it is written

    @property
    def id(self) -> str:
        """The id under which the session is kept; "" when it cannot be."""
        return "" if self._is_lost else self._id

    def __call__(self, event: events.Event) -> None:
        """Writes down what happened."""
        with self._lock:
            match event:
                case events.Started(task):
                    self._write(lambda db: self._start_turn(db, task))
                case events.Approved(_, _, _, approved, comment):
                    self._decision = ("approved" if approved else "rejected", comment)
                case events.ToolCalled():
                    self._write(lambda db: self._start_step(db, event))
                case events.OutputGrew(text):
                    self._grow(text)
                case events.Observed():
                    self._write(lambda db: self._end_step(db, event))
                case events.Answered(text, ok, exit_code):
                    self._write(lambda db: self._end_turn(db, text, ok, exit_code))
                case events.Failed(text, exit_code):
                    self._write(lambda db: self._end_turn(db, text, False, exit_code))

    def runs_on(self, model: str) -> None:
        """Notes the model, which is not known before the first task is given."""
        with self._lock:
            if model and model != self._model:
                self._model = model
                statement = "UPDATE sessions SET model = ? WHERE id = ?"
                self._write(lambda db: db.execute(statement, (_storable(model), self._id)))

    def take_up(self) -> None:
        """Makes this process the one that writes a session which is there.

        Raises:
            UsageError: Another process still does.
        """
        with self._lock:
            try:
                self._write(self._claim)
            except UsageError:
                self._disconnect()
                raise

    def _claim(self, db: sqlite3.Connection) -> None:
        writer = "SELECT pid, process FROM sessions WHERE id = ? AND ended IS NULL"
        for pid, process in db.execute(writer, (self._id,)).fetchall():
            if pid != os.getpid() and is_running(pid, process or ""):
                raise UsageError(
                    f"Session {self._id} is still running, in process {pid}. Leave it there first."
                )
        claim = "UPDATE sessions SET ended = NULL, pid = ?, process = ? WHERE id = ?"
        db.execute(claim, (*_own_process(), self._id))

    def remember(self, turn: Remembered) -> None:
        """Keeps with the last task what the model is told of it later."""
        told = [self._json(each) for each in (turn.messages, turn.names, turn.commands)]
        values = (*told, self._text(turn.task), self._turn)
        statement = "UPDATE turns SET messages = ?, names = ?, commands = ?, understood = ? WHERE id = ?"
        with self._lock:
            self._write(lambda db: db.execute(statement, values))

    def close(self) -> None:
        """Marks the session as ended. What happens after that is not kept."""
        with self._lock:
            if not self._is_new:
                self._write(self._end)
            self._is_closed = True
            self._disconnect()

    def _end(self, db: sqlite3.Connection) -> None:
        db.execute("UPDATE sessions SET ended = ? WHERE id = ?", (time.time(), self._id))

    def _write(self, work: Callable[[sqlite3.Connection], Any]) -> None:
        if self._is_lost or self._is_closed:
            return
        try:
            if self._connection is None:
                self._connection = self._connected()
            with transaction(self._connection) as connection:
                work(connection)
        except (sqlite3.Error, OSError, NewerDatabase) as error:
            self._turn_off(error)

    def _connected(self) -> sqlite3.Connection:
        try:
            return connect(self._path)
        except sqlite3.DatabaseError as error:
            if not is_broken(error):
                raise
            if moved := move_aside(self._path):
                self._warn(f"The file of sessions was broken ({error}). It is kept as {moved}.")
            return connect(self._path)

    def _turn_off(self, error: Exception) -> None:
        self._is_lost = True
        self._disconnect()
        told = explained(error, self._path)
        if is_broken(error):
            with suppress(sqlite3.Error, OSError):
                if moved := move_aside(self._path):
                    told = f"{error}. The file of sessions is kept as {moved}; the next one begins anew."
        self._warn(f"This session is not kept: {told}")

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    # --- what is written ----------------------------------------------------------------------------------

    def _start_turn(self, db: sqlite3.Connection, task: str) -> None:
        now, task = time.time(), self._text(task)
        if self._is_new:
            self._new_session(db, task, now)
        numbers = "SELECT coalesce(max(number), 0) + 1 FROM turns WHERE session = ?"
        values = (self._id, *db.execute(numbers, (self._id,)).fetchone(), task, now)
        turn = db.execute("INSERT INTO turns (session, number, task, started) VALUES (?, ?, ?, ?)", values)
        db.execute("UPDATE sessions SET updated = ? WHERE id = ?", (now, self._id))
        self._is_new = False
        self._turn, self._step, self._steps, self._decision = turn.lastrowid, None, 0, ("", "")

    def _new_session(self, db: sqlite3.Connection, task: str, now: float) -> None:
        while db.execute("SELECT 1 FROM sessions WHERE id = ?", (self._id,)).fetchone():
            self._id = new_id()
        title = " ".join(task.split())[:_TITLE]
        named = (_storable(self._directory), _storable(self._model), title)
        db.execute(
            """INSERT INTO sessions (id, started, updated, directory, model, title, pid, process)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            (self._id, now, now, *named, *_own_process()),
        )

    def _start_step(self, db: sqlite3.Connection, called: events.ToolCalled) -> None:
        if self._turn is None:
            return
        decision, comment = self._decision
        values = (self._turn, self._steps + 1, called.name, self._json(called.arguments), called.effect)
        step = db.execute(
            """INSERT INTO steps (turn, number, tool, arguments, effect, started, decision, comment)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            (*values, time.time(), decision, self._text(comment)),
        )
        self._step, self._decision = step.lastrowid, ("", "")
        self._steps += 1
        self._pace, self._unwritten = Pace(_GROWTH_SECONDS, _GROWTH_SHARE), ""

    def _grow(self, text: str) -> None:
        self._unwritten = text
        if self._step is not None and self._pace.is_due:
            self._pace.run(lambda: self._write(self._write_growth))

    def _write_growth(self, db: sqlite3.Connection) -> None:
        if self._unwritten:
            output = self._text(self._unwritten)
            db.execute("UPDATE steps SET output = ? WHERE id = ?", (output, self._step))
        self._unwritten = ""

    def _end_step(self, db: sqlite3.Connection, seen: events.Observed) -> None:
        if self._step is None:
            return
        texts = (self._text(seen.output), self._text(seen.text))
        db.execute(
            "UPDATE steps SET ended = ?, exit_code = ?, ok = ?, output = ?, text = ? WHERE id = ?",
            (time.time(), seen.exit_code, seen.ok, *texts, self._step),
        )
        self._step = None

    def _end_turn(self, db: sqlite3.Connection, answer: str, ok: bool, exit_code: int) -> None:
        if self._turn is None:
            return
        now = time.time()
        if self._step is not None:
            self._write_growth(db)
        # a step of which nothing was seen was refused on its way
        db.execute("UPDATE steps SET ended = ?, ok = 0 WHERE turn = ? AND ended IS NULL", (now, self._turn))
        db.execute(
            "UPDATE turns SET ended = ?, answer = ?, ok = ?, exit_code = ? WHERE id = ?",
            (now, self._text(answer), ok, int(exit_code), self._turn),
        )
        db.execute("UPDATE sessions SET updated = ? WHERE id = ?", (now, self._id))
        self._step = None

    def _text(self, text: str) -> str:
        """A text as it is kept: without secrets, and of one that is too long the head and the tail."""
        return _storable(ends(self._hide(text), MOST_CHARACTERS))

    def _json(self, value: Any) -> str:
        return json.dumps(events.with_texts(value, self._hide), default=str)


def _own_process() -> tuple[int, str]:
    return os.getpid(), identity(os.getpid())


def _storable(text: str) -> str:
    """The text without the halves of characters that SQLite takes for no text."""
    return text.encode("utf-8", errors="replace").decode()
