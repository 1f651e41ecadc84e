"""The file in which sessions are kept: its tables, who may read it, and what becomes of one that is broken.

With a write-ahead log nothing that was committed is lost when the process is killed; when the power fails,
the last moments may be.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

FILE = "sessions.db"
BUSY_SECONDS = 2.0
# The log and its index have names of their own beside the file.
_BESIDE = ("-wal", "-shm")

# Each step takes a database to the next version. Add steps, and never change one that was released.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE sessions (
            id TEXT PRIMARY KEY, started REAL NOT NULL, updated REAL NOT NULL, ended REAL,
            directory TEXT NOT NULL, model TEXT NOT NULL, title TEXT NOT NULL, pid INTEGER, process TEXT)""",
        "CREATE INDEX sessions_updated ON sessions (updated)",
        "CREATE INDEX sessions_directory ON sessions (directory, updated)",
        """CREATE TABLE turns (
            id INTEGER PRIMARY KEY, session TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
            number INTEGER NOT NULL, task TEXT NOT NULL, started REAL NOT NULL, ended REAL,
            answer TEXT NOT NULL DEFAULT '', ok INTEGER, exit_code INTEGER,
            names TEXT NOT NULL DEFAULT '{}', messages TEXT NOT NULL DEFAULT '[]',
            commands TEXT NOT NULL DEFAULT '[]', UNIQUE (session, number))""",
        """CREATE TABLE steps (
            id INTEGER PRIMARY KEY, turn INTEGER NOT NULL REFERENCES turns ON DELETE CASCADE,
            number INTEGER NOT NULL, tool TEXT NOT NULL, arguments TEXT NOT NULL, effect TEXT NOT NULL,
            started REAL NOT NULL, ended REAL, exit_code INTEGER, ok INTEGER,
            output TEXT NOT NULL DEFAULT '', text TEXT NOT NULL DEFAULT '',
            decision TEXT NOT NULL DEFAULT '', comment TEXT NOT NULL DEFAULT '', UNIQUE (turn, number))""",
    ),
    ("ALTER TABLE turns ADD COLUMN understood TEXT NOT NULL DEFAULT ''",),
)


class NewerDatabase(Exception):
    """The file was written by a newer version of this program, which alone knows its tables."""


def connect(path: Path) -> sqlite3.Connection:
    """Opens the file, makes it where there is none, and takes one of an older version to this one.

    Raises:
        NewerDatabase: It is of a newer version, and was left alone.
        OSError, sqlite3.Error: It cannot be opened or written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _keep_private(path)
    connection = _connected(path)
    try:
        if _version(connection) < len(MIGRATIONS):
            with _alone(path.parent):
                _migrate(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """What is done in it is committed as a whole or not at all."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def is_broken(error: BaseException) -> bool:
    """Whether an error means that the file is no database, or a damaged one."""
    # the subclasses are about locks, space, permissions and mistakes in the SQL
    return type(error) is sqlite3.DatabaseError


def move_aside(path: Path) -> Path | None:
    """Gives a broken file another name, under which nothing of it is lost.

    Returns:
        Where it is now; None when it is sound, as after another process has done the same.

    Raises:
        OSError, sqlite3.Error: It cannot be moved.
    """
    with _alone(path.parent):
        if _is_sound(path):
            return None
        numbers = range(1, len(list(path.parent.iterdir())) + 2)
        names = (path.with_name(f"{path.name}.broken-{number}") for number in numbers)
        target = next(name for name in names if not name.exists())
        # the log first: a new file beside an old log would be given what stands in it
        for suffix in (*_BESIDE, ""):
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(target.with_name(target.name + suffix))
        return target


def explained(error: BaseException, path: Path) -> str:
    """Why the file cannot be used and what to do, in a line."""
    if isinstance(error, NewerDatabase):
        return f"{path} is of a newer version of devops-agent. Update devops-agent to use it."
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return f"{reason} ({path}). {_advice(error)}"


def _advice(error: BaseException) -> str:
    text = str(error)
    if is_broken(error):
        return "The next task that is done moves it aside and begins a new one."
    if "locked" in text:
        return "Close the program that holds it open."
    if "full" in text or "I/O" in text:
        return "Make room on that disk."
    return "Make it writable, or set XDG_DATA_HOME to a folder that is."


def _keep_private(path: Path) -> None:
    """Makes the file one that the user alone can read; SQLite gives the same mode to those beside it.

    A file that is there is not opened: closing it would end the locks of other connections to it.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        for each in (path, *(path.with_name(path.name + suffix) for suffix in _BESIDE)):
            with suppress(FileNotFoundError, PermissionError):
                if each.stat().st_mode & 0o077:
                    each.chmod(0o600)


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise NewerDatabase
    return version


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only a file without tables takes it
    connection.execute("PRAGMA journal_mode = WAL")
    for number, step in enumerate(MIGRATIONS, 1):
        with transaction(connection):
            if _version(connection) < number:
                for statement in step:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")


def _is_sound(path: Path) -> bool:
    try:
        with closing(_connected(path)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.DatabaseError as error:
        return not is_broken(error)  # of what is locked nothing is known


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps other processes from making, changing or moving the file, which SQLite's own locks do not."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise sqlite3.OperationalError("the folder is locked") from error
            time.sleep(0.01)
        except OSError:  # a file system without such locks
            return
