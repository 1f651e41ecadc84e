"""Sessions: what is kept of them, what a crash leaves, and what happens when they cannot be kept."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import ROOT
from devops_agent import process_identity, recording, session_database
from devops_agent.errors import UsageError
from devops_agent.events import Answered, Approved, Event, Failed, Notice, Observed, OutputGrew, Started
from devops_agent.events import ToolCalled as Called
from devops_agent.recording import Recording
from devops_agent.session_database import MIGRATIONS, connect
from devops_agent.session_store import SessionStore

LOOK = Called("bash", {"command": "kubectl get pods"}, "read")
SEEN = Observed("web Running", output="web Running\n", exit_code=0, ok=True)
CHANGE = Called("bash", {"command": "kubectl apply -f x.yaml"}, "change")


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Closes what a test leaves open, as the end of a process does."""
    opened: list[sqlite3.Connection] = []

    def connect_and_note(path: Path) -> sqlite3.Connection:
        opened.append(connect(path))
        return opened[-1]

    monkeypatch.setattr(recording, "connect", connect_and_note)
    yield
    for connection in opened:
        connection.close()


@pytest.fixture
def path(home: Path) -> Path:
    return home / "data/sessions.db"


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def store(path: Path, warnings: list[str]) -> SessionStore:
    return SessionStore(path, warn=warnings.append)


def play(record: Recording, *happened: Event) -> Recording:
    for event in happened:
        record(event)
    return record


def kept(store: SessionStore, task: str = "Show the pods", directory: str = "/shop") -> str:
    """A session that ended."""
    record = play(store.start(directory, "m"), Started(task), LOOK, SEEN, Answered("One pod.", True))
    record.close()
    return record.id


# --- what is kept -----------------------------------------------------------------------------------------


def test_a_session_is_kept_with_its_tasks_and_steps(store: SessionStore) -> None:
    record = store.start(Path("/shop"), "qwen")
    play(record, Started("Show the pods"), LOOK, SEEN, Answered("One pod.", True))
    play(record, Started("Apply it"), CHANGE, Observed("no", "error\n", 1, 0.1, False), Failed("Broke.", 3))
    record.close()
    found = store.load(record.id)
    assert (found.directory, found.model, found.title) == ("/shop", "qwen", "Show the pods")
    assert found.started <= found.updated <= (found.ended or 0) <= time.time()
    assert found.cut_off == ""
    first, second = found.turns
    assert (first.number, first.task, first.answer) == (1, "Show the pods", "One pod.")
    assert (first.ok, first.exit_code) == (True, 0)
    assert (second.number, second.answer, second.ok, second.exit_code) == (2, "Broke.", False, 3)
    [step] = second.steps
    assert (step.tool, step.arguments) == ("bash", {"command": "kubectl apply -f x.yaml"})
    assert (step.effect, step.exit_code, step.ok, step.output) == ("change", 1, False, "error\n")


def test_without_a_task_nothing_is_kept(store: SessionStore, path: Path) -> None:
    store.start("/shop", "m").close()
    assert not path.parent.exists()
    assert store.list() == ()
    assert store.newest() is None


def test_what_the_user_said_to_a_call_is_kept_with_it(store: SessionStore) -> None:
    record = play(
        store.start("/shop", "m"),
        Started("Apply it"),
        Approved("bash", {}, "change", False, "not there"),
        Called("bash", {"command": "rm x"}),
        Observed("User rejected this tool call."),
        LOOK,
        SEEN,
    )
    rejected, look = store.load(record.id).turns[0].steps
    assert (rejected.decision, rejected.comment, rejected.ran, rejected.succeeded) == (
        "rejected",
        "not there",
        False,
        False,
    )
    assert (look.decision, look.comment, look.succeeded) == ("", "", True)


def test_what_the_model_is_told_of_a_turn_is_given_back(store: SessionStore) -> None:
    record = play(store.start("/shop", "m"), Started("Show the pods"), Answered("One.", True))
    messages = ({"role": "user", "content": "Show the pods"},)
    commands = ("kubectl get po",)
    record.remember(
        SimpleNamespace(task="Show the pod web", messages=messages, names={"pod": "web"}, commands=commands)
    )
    [turn] = store.load(record.id).turns
    assert (turn.task, turn.understood) == ("Show the pods", "Show the pod web")
    assert (turn.messages, turn.names, turn.commands) == (messages, {"pod": "web"}, ("kubectl get po",))


def test_no_secret_is_kept(path: Path) -> None:
    store = SessionStore(path, hide=lambda text: text.replace("s3cret", "[hidden-1]"))
    record = play(
        store.start("/shop", "m"),
        Started("Log in with s3cret"),
        Approved("bash", {}, "change", True, "s3cret"),
        Called("bash", {"command": "login s3cret", "more": ["s3cret"]}, "change"),
        OutputGrew("s3cret"),
    )
    assert store.load(record.id).turns[0].steps[0].output == "[hidden-1]"
    play(record, Observed("s3cret", "s3cret"), Answered("s3cret", True))
    told = [{"content": "s3cret"}]
    record.remember(SimpleNamespace(task="s3cret", messages=told, names={"a": "s3cret"}, commands=["s3cret"]))
    [turn] = store.load(record.id).turns
    assert turn.task == "Log in with [hidden-1]"
    assert turn.steps[0].arguments == {"command": "login [hidden-1]", "more": ["[hidden-1]"]}
    files = b"".join(each.read_bytes() for each in path.parent.iterdir())
    assert b"s3cret" not in files


def test_of_a_long_output_head_and_tail_are_kept(store: SessionStore) -> None:
    output = "a" * 150_000 + "b" * 150_000
    record = play(store.start("/shop", "m"), Started("Read it"), LOOK, Observed("", output, 0))
    [step] = store.load(record.id).turns[0].steps
    assert step.output == f"{'a' * 100_000}\n[100000 characters not kept]\n{'b' * 100_000}"


def test_broken_characters_are_kept_as_well_as_can_be(store: SessionStore) -> None:
    record = play(store.start("/\udcff", "m"), Started("a\udcffb\0c"), LOOK, Observed("\udcff", "\udcff", 0))
    [turn] = store.load(record.id).turns
    assert turn.task == "a?b\0c"
    assert turn.steps[0].output == "?"


def test_growing_output_is_written_now_and_then(store: SessionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(recording.time, "monotonic", lambda: now)
    record = play(store.start("/shop", "m"), Started("Build it"), CHANGE)

    def output() -> str:
        return store.load(record.id).turns[0].steps[0].output

    record(OutputGrew("1"))
    record(OutputGrew("1 2"))
    assert output() == "1"
    now += 0.6
    record(OutputGrew("1 2 3"))
    assert output() == "1 2 3"


def test_writing_what_grows_takes_a_tenth_of_the_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0

    def slow(text: str) -> str:
        nonlocal now
        now += 1.0
        return text

    monkeypatch.setattr(recording.time, "monotonic", lambda: now)
    store = SessionStore(path, hide=slow)
    record = play(store.start("/shop", "m"), Started("Build it"), CHANGE, OutputGrew("1"))
    now += 8.0
    record(OutputGrew("2"))
    assert store.load(record.id).turns[0].steps[0].output == "1"
    now += 1.0
    record(OutputGrew("3"))
    assert store.load(record.id).turns[0].steps[0].output == "3"


def test_what_a_command_had_printed_at_last_is_kept_when_it_is_interrupted(store: SessionStore) -> None:
    record = play(store.start("/shop", "m"), Started("Build it"), CHANGE, OutputGrew("1"))
    play(record, OutputGrew("1 2"), Failed("Interrupted.", 130))
    (turn,) = store.load(record.id).turns
    assert turn.steps[0].output == "1 2"


def test_only_the_user_can_read_it(store: SessionStore, path: Path) -> None:
    record = play(store.start("/shop", "m"), Started("Show the pods"))
    assert path.parent.stat().st_mode & 0o777 == 0o700
    names = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    assert names == dict.fromkeys(("sessions.db", "sessions.db-wal", "sessions.db-shm"), 0o600)
    path.chmod(0o644)
    record.close()
    kept(store)
    assert path.stat().st_mode & 0o777 == 0o600


# --- finding them again -----------------------------------------------------------------------------------


def test_the_newest_come_first(store: SessionStore) -> None:
    ids = [kept(store, f"Task\n{number}") for number in range(3)]
    assert [each.id for each in store.list(2)] == [ids[2], ids[1]]
    again = play(store.resume(ids[0]), Started("More"))
    first = store.list()[0]
    assert (first.id, first.title, first.turns, first.is_running) == (ids[0], "Task 0", 2, True)
    again.close()
    assert [(each.is_running, each.is_cut_off) for each in store.list()] == [
        (False, True),
        *[(False,) * 2] * 2,
    ]


def test_the_newest_of_a_directory_is_preferred(store: SessionStore) -> None:
    there, elsewhere = kept(store, directory="/shop"), kept(store, directory="/bank")
    assert store.newest("/shop") == there
    assert store.newest(Path("/farm")) == elsewhere
    assert store.newest() == elsewhere


def test_the_newest_are_found_without_a_scan(store: SessionStore, path: Path) -> None:
    kept(store)
    with closing(connect(path)) as db:
        for statement in (
            "SELECT * FROM sessions ORDER BY updated DESC LIMIT 20",
            "SELECT id FROM sessions WHERE directory = '/' ORDER BY updated DESC LIMIT 1",
            "SELECT * FROM turns WHERE session = 'a' ORDER BY number DESC LIMIT 1",
            "SELECT * FROM steps WHERE turn = 1 ORDER BY number",
            "SELECT id FROM sessions WHERE id GLOB '1a2*' ORDER BY id",
        ):
            plan = str(db.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall())
            assert "INDEX" in plan
            assert "TEMP B-TREE" not in plan


@pytest.fixture
def named(path: Path) -> Callable[[str], None]:
    def make(session: str) -> None:
        play(Recording(path, session, "/shop", "m"), Started("Show the pods")).close()

    return make


def test_the_beginning_of_an_id_is_enough(store: SessionStore, named: Callable[[str], None]) -> None:
    for session in ("abc00001", "abd00002", "abd00003"):
        named(session)
    assert store.load("ABC").id == "abc00001"
    assert store.load(" abd00002 ").id == "abd00002"
    with pytest.raises(UsageError, match="begin with abd: abd00002, abd00003"):
        store.load("abd")


@pytest.mark.parametrize(
    ("given", "told"),
    [("ab", "is no id"), ("xyz", "is no id"), ("", "is no id"), ("123%", "is no id"), ("123", "no session")],
)
def test_an_id_that_is_none(given: str, told: str, store: SessionStore) -> None:
    play(Recording(store.path, "aaaaaaaa", "/", "m"), Started("x")).close()
    with pytest.raises(UsageError, match=told):
        store.load(given)


def test_an_id_is_taken_once(path: Path, store: SessionStore) -> None:
    first, second = (
        play(Recording(path, "aaaaaaaa", "/shop", "m"), Started("Show the pods")) for _ in range(2)
    )
    assert first.id != second.id
    assert len(store.list()) == 2


def test_without_a_file_there_is_no_session(store: SessionStore, path: Path) -> None:
    with pytest.raises(UsageError, match="There are no sessions yet"):
        store.load("abc")
    assert not path.exists()


def test_new_tasks_follow_those_of_a_session_that_goes_on(store: SessionStore) -> None:
    session = kept(store)
    record = store.resume(session[:5])
    assert record.id == session
    play(record, Started("Delete them"), Answered("No.", False, 1)).close()
    turns = store.load(session).turns
    assert [(turn.number, turn.task) for turn in turns] == [(1, "Show the pods"), (2, "Delete them")]
    assert len(turns[0].steps) == 1


def test_a_session_that_was_deleted_is_gone(store: SessionStore, path: Path) -> None:
    first, second = kept(store, "A rare phrase"), kept(store)
    assert store.delete([first[:4], first]) == 1
    assert [each.id for each in store.list()] == [second]
    with closing(connect(path)) as db:
        assert db.execute("SELECT count(*) FROM turns").fetchone()[0] == 1
        assert db.execute("SELECT count(*) FROM steps").fetchone()[0] == 1
        assert b"A rare phrase" not in b"".join(each.read_bytes() for each in path.parent.iterdir())


def test_of_several_sessions_all_or_none_are_deleted(store: SessionStore) -> None:
    session = kept(store)
    running = play(store.start("/shop", "m"), Started("Build it"))
    with pytest.raises(UsageError, match=f"Still running: {running.id}"):
        store.delete([session, running.id])
    with pytest.raises(UsageError, match="There is no session 00000000"):
        store.delete([session, "00000000"])
    assert len(store.list()) == 2


# --- other processes --------------------------------------------------------------------------------------

CHILD = """
import sys, time
from pathlib import Path
from devops_agent.events import *
from devops_agent.session_store import SessionStore

store = SessionStore(Path(sys.argv[1]), warn=lambda text: print("WARNING", text, flush=True))
record = store.start("/shop", "m")
"""
START = "record(Started('Apply it'))\n"
STEP = "record(ToolCalled('bash', {'command': 'kubectl apply -f x.yaml'}, 'change'))\n"
GROWN = "record(OutputGrew('created a\\ncreated b\\n'))\n"
END = "record(Observed('created', 'created\\n', 0))\n"
WAIT = "print(record.id, flush=True); time.sleep(60)\n"


@pytest.fixture
def child(path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts a process that records."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *more: str, **options: Any) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD + code, str(path), *more],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
            **options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


@pytest.mark.parametrize(
    ("code", "told", "output"),
    [
        (START, '"Apply it" was cut off before its first step.', None),
        (
            START + STEP + GROWN,
            '"Apply it" was cut off while bash {kubectl apply -f x.yaml} was running: '
            "what that came to is not known.",
            "created a\ncreated b\n",
        ),
        (
            START + STEP + END,
            '"Apply it" was cut off after step 1, bash {kubectl apply -f x.yaml}, had ended.',
            "created\n",
        ),
        (START + STEP + END + "record(Answered('Done.', True))\n", "", "created\n"),
    ],
    ids=["before a step", "in a step", "between steps", "between tasks"],
)
def test_what_was_written_survives_a_kill(
    code: str,
    told: str,
    output: str | None,
    child: Callable[..., "subprocess.Popen[str]"],
    store: SessionStore,
) -> None:
    process = child(code + WAIT)
    assert process.stdout
    session = process.stdout.readline().strip()
    assert store.load(session).is_running
    assert store.load(session).cut_off == ""
    process.send_signal(signal.SIGKILL)
    process.wait()
    found = store.load(session)
    assert not found.is_running
    assert found.cut_off == told
    assert [step.output for step in found.turns[0].steps] == ([output] if output else [])
    assert store.list()[0].is_cut_off == bool(told)
    store.resume(session).close()
    assert store.load(session).cut_off == told


def test_a_session_that_runs_elsewhere_is_not_taken(
    child: Callable[..., "subprocess.Popen[str]"], store: SessionStore
) -> None:
    process = child(START + WAIT)
    assert process.stdout
    session = process.stdout.readline().strip()
    with pytest.raises(UsageError, match=f"{session} is still running, in process {process.pid}"):
        store.resume(session)
    with pytest.raises(UsageError, match="Still running"):
        store.delete([session])
    process.kill()
    process.wait()
    assert play(store.resume(session), Started("Go on")).id == session


def test_processes_that_write_at_once_lose_nothing(
    child: Callable[..., "subprocess.Popen[str]"], store: SessionStore
) -> None:
    code = """
slowest = 0
for number in range(15):
    for event in (Started(str(number)), ToolCalled('bash'), Observed('x', 'x', 0), Answered('y', True)):
        began = time.monotonic()
        record(event)
        slowest = max(slowest, time.monotonic() - began)
record.close()
print(slowest)
"""
    told = [process.communicate(timeout=60)[0] for process in [child(code) for _ in range(3)]]
    assert "WARNING" not in "".join(told)
    assert max(map(float, told)) < 2 * session_database.BUSY_SECONDS
    found = [store.load(each.id) for each in store.list()]
    assert [[turn.task for turn in each.turns] for each in found] == [list(map(str, range(15)))] * 3
    assert all(len(turn.steps) == 1 and turn.ok for each in found for turn in each.turns)


def test_a_number_that_another_process_has_now_does_not_run() -> None:
    own = process_identity.identity(os.getpid())
    assert own
    assert process_identity.is_running(os.getpid(), own)
    assert not process_identity.is_running(os.getpid(), f"{own}0")
    assert not process_identity.is_running(None, own)
    assert not process_identity.is_running(2**22 + 1, own)


def test_without_proc_ps_tells_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process_identity, "_PROC", tmp_path)
    own = process_identity.identity(os.getpid())
    assert own.count(":") == 2
    assert process_identity.is_running(os.getpid(), own)
    assert process_identity.identity(2**22 + 1) == ""


# --- when they cannot be kept -----------------------------------------------------------------------------


def everything(record: Recording) -> None:
    play(record, Started("Apply it"), CHANGE, OutputGrew("a"), SEEN, Notice("x"), Answered("Done.", True))
    record.remember(SimpleNamespace(task="", messages=[], names={}, commands=[]))
    record.close()


def test_a_place_that_cannot_be_written_is_told_once(tmp_path: Path, warnings: list[str]) -> None:
    (tmp_path / "file").touch()
    record = SessionStore(tmp_path / "file/sessions.db", warn=warnings.append).start("/shop", "m")
    everything(record)
    [told] = warnings
    assert told.startswith("This session is not kept: ")
    assert told.endswith("Make it writable, or set XDG_DATA_HOME to a folder that is.")
    assert record.id == ""


def test_a_warning_that_comes_back_as_an_event_is_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    record: Recording
    record = SessionStore(tmp_path / "file/x.db", warn=lambda text: record(Notice(text))).start("/", "m")
    everything(record)
    assert record.id == ""


def test_a_full_disk_ends_the_recording_alone(
    child: Callable[..., "subprocess.Popen[str]"], store: SessionStore
) -> None:
    session = kept(store)
    limit = store.path.stat().st_size + 100_000
    code = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
    fill = "for _ in range(30): record(Observed('', 'x' * 150_000, 0)); " + STEP
    told = child(code + START + STEP + fill + "record.close(); print('end', repr(record.id))").communicate()[
        0
    ]
    first, *rest = told.splitlines()
    assert first.startswith("WARNING This session is not kept: ")
    assert first.endswith("Make room on that disk.")
    assert rest == ["end ''"]
    assert store.load(session).turns[0].answer == "One pod."
    assert len(store.list()) == 2


def test_a_lock_is_waited_for_so_long_and_once(
    store: SessionStore, path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_database, "BUSY_SECONDS", 0.3)
    kept(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        everything(store.start("/shop", "m"))
        assert 0.3 <= time.monotonic() - began < 2.0
    assert warnings == [
        f"This session is not kept: database is locked ({path}). Close the program that holds it open."
    ]


def test_a_session_goes_on_unkept_where_it_cannot_be_written(
    store: SessionStore, path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_database, "BUSY_SECONDS", 0.1)
    session = kept(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        everything(store.resume(session))
    assert len(warnings) == 1


@pytest.mark.parametrize("damage", ["text", "header"])
def test_a_broken_file_is_kept_under_another_name(
    damage: str, store: SessionStore, path: Path, warnings: list[str]
) -> None:
    kept(store)
    content = path.read_bytes()
    broken = b"no database at all" if damage == "text" else b"x" * 100 + content[100:]
    for name in ("sessions.db.broken-1", "sessions.db.broken-2"):
        path.write_bytes(broken)
        with pytest.raises(UsageError, match="The sessions cannot be used: file is not a database"):
            store.list()
        warnings.clear()
        session = kept(store)
        assert path.with_name(name).read_bytes() == broken
        assert [each.id for each in store.list()] == [session]
        [told] = warnings
        assert told.endswith(f"It is kept as {path.with_name(name)}.")


def test_a_page_that_is_broken_ends_the_recording_and_the_next_begins_anew(
    store: SessionStore, path: Path, warnings: list[str]
) -> None:
    for _ in range(5):
        kept(store)
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    for page in range(1, len(content) // size):
        content[page * size : (page + 1) * size] = b"\xaa" * size
    path.write_bytes(content)
    everything(store.start("/shop", "m"))
    [told] = warnings
    assert "sessions.db.broken-1" in told
    assert path.with_name("sessions.db.broken-1").read_bytes() == bytes(content)
    session = kept(store)
    assert [each.id for each in store.list()] == [session]


def test_a_sound_file_is_not_moved(store: SessionStore, path: Path) -> None:
    kept(store)
    assert session_database.move_aside(path) is None
    assert len(store.list()) == 1


# --- versions ---------------------------------------------------------------------------------------------


def schema(path: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()


@pytest.mark.parametrize("version", range(len(MIGRATIONS) + 1))
def test_a_file_of_each_version_comes_to_this_one(version: int, path: Path, store: SessionStore) -> None:
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in (each for step in MIGRATIONS[:version] for each in step):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {version}")
    session = kept(store)
    assert [each.id for each in store.list()] == [session]
    connect(fresh := path.with_name("fresh.db")).close()
    assert schema(path) == schema(fresh)


def test_a_migration_keeps_what_is_there(
    store: SessionStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = kept(store)
    added = "ALTER TABLE sessions ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'"
    monkeypatch.setattr(session_database, "MIGRATIONS", (*MIGRATIONS, (added,)))
    assert store.load(session).turns[0].answer == "One pod."
    with closing(connect(path)) as db:
        assert db.execute("SELECT id, mood FROM sessions").fetchall() == [(session, "calm")]


def test_a_migration_that_fails_changes_nothing(
    store: SessionStore, path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = kept(store)
    before = schema(path)
    with monkeypatch.context() as patch:
        step = ("CREATE TABLE moods (mood TEXT)", "ALTER TABLE missing ADD COLUMN mood TEXT")
        patch.setattr(session_database, "MIGRATIONS", (*MIGRATIONS, step))
        everything(store.start("/shop", "m"))
    assert len(warnings) == 1
    assert schema(path) == before
    assert [each.id for each in store.list()] == [session]


def test_a_file_of_a_newer_version_is_left_alone(
    store: SessionStore, path: Path, warnings: list[str]
) -> None:
    kept(store)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = path.read_bytes()
    everything(store.start("/shop", "m"))
    assert warnings == [
        f"This session is not kept: {path} is of a newer version of devops-agent. "
        "Update devops-agent to use it."
    ]
    with pytest.raises(UsageError, match="of a newer version"):
        store.list()
    assert path.read_bytes() == before
    assert json.dumps(sorted(each.name for each in path.parent.iterdir())).count("broken") == 0
