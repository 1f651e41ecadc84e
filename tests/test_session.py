"""A session: its engine that loads in the background, its modes, its memory, also in another process."""

import json
import os
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from child import Child
from fake_ollama import FakeOllama, Reply, call
from replies import answer, sh

from agent import DevOpsAgent, bash, write_file
from conftest import Python
from devops_agent.errors import EngineUnreachable, ExitCode, UsageError
from devops_agent.events import Answered, Event, Failed, Notice, ReplyGrew, Started
from devops_agent.gate import Gate
from devops_agent.redaction import Redactor
from devops_agent.scripted import ScriptedModel
from devops_agent.session import Session
from devops_agent.session_store import SessionStore
from devops_agent.settings import Settings
from devops_agent.shell import Shell

PASSWORD = "kX82-mQ7vLp"
SECONDS = 30


class Made:
    """A session whose model is scripted, and what it told.

    Attributes:
        models: The models that were loaded, the newest last.
        holds: Set by a test; a maker waits for it.
    """

    def __init__(self, path: Path, *replies: str | BaseException, **settings: Any) -> None:
        self.replies = iter(replies)
        self.told: list[Event] = []
        self.models: list[ScriptedModel] = []
        self.failures: list[Exception] = []
        self.begun, self.holds = threading.Event(), threading.Event()
        self.holds.set()
        self.session = Session(Settings(**settings), self._make, self.told.append)
        self.session.store = SessionStore(path, lambda text: self.session.redactor(text))
        self.session.begin()

    def _make(self, session: Session) -> DevOpsAgent:
        wanted = session.settings.model
        self.begun.set()
        assert self.holds.wait(SECONDS)
        if self.failures:
            raise self.failures.pop(0)
        model = ScriptedModel(self.replies)
        model.model_id = wanted
        self.models.append(model)
        session.model = wanted
        return DevOpsAgent(
            tools=[bash, write_file],
            model=model,
            listener=session.tell,
            redactor=session.redactor,
            gate=Gate(session.modes, redactor=session.redactor),
            shell=Shell(timeout=SECONDS),
            conversation=session.conversation,
        )

    def texts(self, kind: type[Event]) -> list[str]:
        return [event.text for event in self.told if isinstance(event, kind)]

    @property
    def requests(self) -> list[Any]:
        return [request for model in self.models for request in model.requests]


@pytest.fixture
def path(home: Path) -> Path:
    return home / ".data" / "devops-agent" / "sessions.db"


# --- the engine -------------------------------------------------------------------------------------------


def test_the_first_task_waits_for_what_loads_in_the_background(path: Path) -> None:
    made = Made(path, sh("echo one"), answer("One."))
    made.session.warm_up()
    made.session.warm_up()
    assert made.session.do("task") is ExitCode.DONE
    assert (len(made.models), made.texts(Answered)) == (1, ["One."])


def test_a_failure_that_was_announced_is_tried_again_with_the_task(path: Path) -> None:
    """The user may have started the engine meanwhile."""
    made = Made(path, sh("echo one"), answer("One."))
    made.failures = [EngineUnreachable("No engine. Start one.")]
    made.session.warm_up(announces=True)
    _until(lambda: made.texts(Notice) == ["No engine. Start one."])
    assert made.session.do("task") is ExitCode.DONE
    assert made.texts(Failed) == []


def test_a_failure_that_the_task_waits_for_is_said_once_and_the_session_goes_on(path: Path) -> None:
    made = Made(path, sh("echo one"), answer("One."))
    made.failures = [EngineUnreachable("No engine. Start one.")]
    made.session.warm_up()
    assert made.session.do("first") is ExitCode.ENGINE
    assert [str(e) for e in made.told].count("No engine. Start one.") <= 1
    assert made.texts(Failed) == ["No engine. Start one."]
    assert made.texts(Notice) == []
    assert made.session.do("second") is ExitCode.DONE


def test_ctrl_c_while_the_engine_loads_ends_the_task_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made(path, sh("echo one"), answer("One."))
    made.holds.clear()

    def interrupt(event: Event) -> None:
        made.told.append(event)
        if type(event).__name__ == "Waiting":
            raise KeyboardInterrupt

    made.session.listener = interrupt
    assert made.session.do("first") is ExitCode.INTERRUPTED
    made.session.listener = made.told.append
    made.holds.set()
    assert made.session.do("second") is ExitCode.DONE
    assert len(made.models) == 1


def test_a_model_chosen_while_another_loads_is_the_one_that_is_used(path: Path) -> None:
    made = Made(path, sh("echo one"), answer("One."), model="first")
    made.holds.clear()
    made.session.warm_up()
    assert made.begun.wait(SECONDS)
    made.session.change(model="second")
    made.holds.set()
    made.session.do("task")
    assert made.requests == [m for model in made.models if model.model_id == "second" for m in model.requests]
    assert made.session.model == "second"


def test_another_model_is_loaded_with_the_next_task_and_knows_the_turns_before(path: Path) -> None:
    made = Made(path, sh("echo one"), answer("One."), sh("echo two"), answer("Two."), model="first")
    made.session.do("task one")
    made.session.change(model="second")
    assert len(made.models) == 1
    made.session.do("task two")
    assert [model.model_id for model in made.models] == ["first", "second"]
    first, second = made.models
    assert second.requests[0][: len(first.requests[-1])] == first.requests[-1]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT model FROM sessions").fetchall() == [("second",)]


def test_a_mode_counts_from_the_next_call_on(path: Path) -> None:
    made = Made(path, *[sh("touch made"), answer("It could not be made.")] * 2, sh("touch made"), answer())
    made.holds.clear()
    made.session.warm_up()
    assert made.begun.wait(SECONDS)
    made.session.change(read_only=True)
    made.holds.set()
    assert made.session.do("touch the file made") is ExitCode.REFUSED
    made.session.change(read_only=False)
    made.session.change(read_only=True)
    assert made.session.do("touch the file made") is ExitCode.REFUSED
    assert not Path("made").exists()
    made.session.change(read_only=False)
    assert made.session.do("touch the file made") is ExitCode.DONE
    assert Path("made").exists()


def test_one_redactor_alone_gives_names(path: Path) -> None:
    session, found = Made(path).session, set[int]()
    start = threading.Barrier(8)

    def take() -> None:
        start.wait(SECONDS)
        found.add(id(session.redactor))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert len(found) == 1


# --- memory -----------------------------------------------------------------------------------------------


def test_clear_begins_a_new_session_and_forgets(path: Path) -> None:
    made = Made(path, sh("echo one"), answer("One."), sh("echo two"), answer("Two."))
    made.session.do("task one")
    made.session.clear()
    made.session.do("task two")
    assert "task one" not in json.dumps(made.requests[-1])
    listed = made.session.store.list() if made.session.store else ()
    assert [(each.title, each.turns) for each in listed] == [("task two", 1), ("task one", 1)]
    assert [each.is_running for each in listed] == [True, False]


def test_a_task_that_never_reached_the_model_leaves_the_turn_before_alone(path: Path) -> None:
    made = Made(path, sh("echo one"), answer("One."), sh("echo three"), answer("Three."))
    made.session.do("task one")
    made.session.change(model="gone")
    made.failures = [EngineUnreachable("No engine.")]
    assert made.session.do("task two") is ExitCode.ENGINE
    made.session.do("task three")
    sent, id = made.requests[-1], made.session.recording.id if made.session.recording else ""
    made.session.close()
    again = Made(path, sh("echo four"), answer("Four."))
    assert [turn.task for turn in again.session.resume(id).turns] == ["task one", "task two", "task three"]
    again.session.do("task four")
    assert again.requests[0][: len(sent)] == sent


def test_what_it_refers_to_is_known_after_a_resume(path: Path) -> None:
    made = Made(path, call_file("notes.txt"), answer("Written."), sh("echo x >> notes.txt"), answer("Done."))
    made.session.do("Write a file notes.txt with the line one")
    made.session.do("add a line x to it")
    id = made.session.recording.id if made.session.recording else ""
    made.session.close()
    again = Made(path)
    again.session.resume(id)
    before, after = made.session.conversation, again.session.conversation
    assert [turn.task for turn in after.turns] == [turn.task for turn in before.turns]
    assert "notes.txt" in after.turns[-1].task
    assert after.resolved("what is in it?") == before.resolved("what is in it?")
    assert [turn.fact for turn in after.turns] == [turn.fact for turn in before.turns]


def call_file(name: str) -> str:
    return f'<tool_call>\n{{"name": "write_file", "arguments": {{"path": "{name}", "content": "one\\n"}}}}\n'


def test_a_session_that_is_this_one_is_not_resumed(path: Path) -> None:
    made = Made(path, sh("echo one"), answer("One."), sh("echo two"), answer("Two."))
    made.session.do("task one")
    assert made.session.recording
    with pytest.raises(UsageError, match="is this one"):
        made.session.resume(made.session.recording.id)
    made.session.do("task two")
    assert made.session.store
    assert [(each.turns, each.is_running) for each in made.session.store.list()] == [(2, True)]


def test_a_name_of_an_earlier_process_gets_no_other_value() -> None:
    redactor = Redactor()
    assert redactor("PASSWORD=first-value-1") == "PASSWORD=[hidden-1]"
    redactor.number_behind("it showed [hidden-1] and [hidden-4]")
    assert redactor.restored("[hidden-1] [hidden-4]") == "[hidden-1] [hidden-4]"
    assert redactor("PASSWORD=first-value-1") == "PASSWORD=[hidden-5]"
    assert redactor("PASSWORD=second-value-2") == "PASSWORD=[hidden-6]"
    assert redactor.restored("[hidden-5]") == "first-value-1"


def test_a_resumed_session_does_not_take_the_names_of_this_one(path: Path) -> None:
    Path("a.env").write_text("DB_PASSWORD=value-of-yesterday-1\n")
    Path("b.env").write_text("DB_PASSWORD=value-of-today-2\n")
    first = Made(path, sh("cat a.env"), answer("It is [hidden-1]."))
    first.session.do("Show a.env")
    id = first.session.recording.id if first.session.recording else ""
    first.session.close()
    second = Made(
        path, sh("cat b.env"), answer("Shown."), sh("echo got [hidden-1] > out; cat out"), answer("Done.")
    )
    second.session.do("Show b.env")
    second.session.resume(id)
    assert "[hidden-1]" in json.dumps(second.session.conversation.messages([]))
    second.session.do("Write it to out")
    assert "value-of-today-2" not in Path("out").read_text()


# --- secrets that the user typed --------------------------------------------------------------------------


def test_what_the_user_typed_reaches_the_model_and_not_the_store(path: Path) -> None:
    task = f"Write a file app.yaml with the line password: {PASSWORD}"
    content = json.dumps(f"password: {PASSWORD}\n")
    write = (
        f'<tool_call>\n{{"name": "write_file", "arguments": {{"path": "app.yaml", "content": {content}}}}}'
    )
    made = Made(path, write, answer(f"The password is {PASSWORD}."))
    made.session.do(task)
    assert task in made.requests[0][-1]["content"]
    assert Path("app.yaml").read_text() == f"password: {PASSWORD}\n"
    made.session.close()
    assert PASSWORD not in _everything(path)
    assert isinstance(made.told[0], Started)
    assert PASSWORD not in made.told[0].task


def test_of_a_secret_that_the_model_is_writing_no_part_is_shown(path: Path) -> None:
    told: list[Event] = []
    redactor = Redactor()
    from devops_agent.events import hiding

    tell, said = hiding(told.append, redactor), f'{{"command": "echo password={PASSWORD} > app.env"}}'
    for end in range(len(said) + 1):
        tell(ReplyGrew(said[:end]))
    shown = [event.text for event in told if isinstance(event, ReplyGrew)]
    assert not [text for text in shown if PASSWORD[:4] in text or PASSWORD[-4:] in text]
    assert redactor(f"password={PASSWORD}") == "password=[hidden-1]"


def _everything(path: Path) -> str:
    """Every column of every table, and the bytes of the files."""
    with closing(sqlite3.connect(path)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [str(row) for name in names for row in db.execute(f"SELECT * FROM {name}")]
    files = [each.read_bytes().decode(errors="replace") for each in path.parent.glob("sessions.db*")]
    return "\n".join([*rows, *files])


def _until(condition: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(SECONDS * 20):
        if condition():
            return
        waiting.wait(0.05)
    raise AssertionError("it did not come")


# --- processes --------------------------------------------------------------------------------------------


def _sent(ollama: FakeOllama) -> list[Any]:
    return [body["messages"] for body in ollama.chats]


def _user_texts(messages: Sequence[Any]) -> list[str]:
    return [m["content"] for m in messages if m["role"] == "user" and not m["content"].startswith("<")]


def test_each_request_extends_the_one_before_also_across_processes(
    ollama: FakeOllama, agent: Callable[..., Any]
) -> None:
    replies = [
        (call("bash", command=f"echo {n}"), call("final_answer", answer=f"It is {n}.")) for n in range(4)
    ]
    ollama.script(*(reply for pair in replies for reply in pair))
    agent("-i", input="first task\nsecond task\n")
    agent("--continue", "third task")
    last = agent("--continue", "fourth task")
    assert (last.returncode, last.stdout) == (0, "✅ It is 3.\n")
    assert "3 tasks, the last: third task" in last.stderr
    assert len(_sent(ollama)) == 8
    for shorter, longer in pairwise(_sent(ollama)):
        assert json.dumps(longer[: len(shorter)]) == json.dumps(shorter)
    assert _user_texts(_sent(ollama)[-1]) == ["first task", "second task", "third task", "fourth task"]


def test_continue_takes_the_newest_session_of_the_folder(
    ollama: FakeOllama, agent: Callable[..., Any], tmp_path: Path
) -> None:
    ollama.script(call("bash", command="echo x"), *[call("final_answer", answer="Done.")] * 3)
    for name in ("here", "elsewhere"):
        (tmp_path / name).mkdir()
        ollama.script(call("bash", command="echo x"), call("final_answer", answer="Done."))
        agent("--cwd", name, f"task {name}")
    ollama.script(call("bash", command="echo x"), call("final_answer", answer="Done."))
    result = agent("--cwd", "here", "--continue", "another task")
    assert "the last: task here" in result.stderr
    assert _user_texts(_sent(ollama)[-1]) == ["task here", "another task"]


def test_there_is_nothing_to_continue(agent: Callable[..., Any]) -> None:
    result = agent("--continue", "task")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == ("devops-agent: There is no session to go on with. See devops-agent sessions.\n")


def test_no_engine_is_said_once_and_ends_a_task_with_exit_code_3(python: Python) -> None:
    result = python("-m", "devops_agent", "task", env={"OLLAMA_HOST": "127.0.0.1:1"})
    assert (result.returncode, result.stdout) == (3, "")
    assert [line for line in result.stderr.splitlines() if "127.0.0.1:1" in line] == (
        result.stderr.splitlines()[-1:]
    )


def test_no_engine_ends_a_task_and_not_the_session(python: Python) -> None:
    result = python("-m", "devops_agent", "-i", input="one\n!echo own\n", env={"OLLAMA_HOST": "127.0.0.1:1"})
    assert result.returncode == 0
    assert result.stdout.endswith("\nown\nGoodbye!\n")
    assert result.stderr.count("127.0.0.1:1") == 1


def test_a_session_that_was_killed_says_what_was_cut_off_and_goes_on(
    ollama: FakeOllama, child: Callable[..., Child], agent: Callable[..., Any], tmp_path: Path
) -> None:
    ollama.script(
        call("bash", command="echo early; echo $$ > pid; sleep 300"),
        call("bash", command="echo two"),
        call("final_answer", answer="Two."),
    )
    waiting = child("--yes", "wait for it", stdin=subprocess.PIPE)
    pid = tmp_path / "pid"
    _until(lambda: pid.exists() and bool(pid.read_text()))
    os.killpg(waiting.process.pid, signal.SIGKILL)
    os.killpg(int(pid.read_text()), signal.SIGKILL)
    waiting.end()
    result = agent("--continue", "what is there?")
    assert result.returncode == 0
    assert '"wait for it" was cut off while bash {echo early; echo $$ > pid; sleep 300} was running' in (
        result.stderr
    )
    assert _user_texts(ollama.chats[-1]["messages"]) == ["wait for it", "what is there?"]
    assert "it was cut off" in json.dumps(ollama.chats[-1]["messages"])


def test_a_session_that_runs_in_another_process_is_refused(
    ollama: FakeOllama, child: Callable[..., Child], agent: Callable[..., Any]
) -> None:
    ollama.script(call("bash", command="echo one"), call("final_answer", answer="One."))
    open_one = child("-i", stdin=subprocess.PIPE)
    open_one.type("task one")
    assert open_one.process.stdout
    for line in open_one.process.stdout:
        if "One." in line:
            break
    refused = agent("--continue", "task two")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"is still running, in process {open_one.process.pid}. Leave it there first.\n" in refused.stderr
    open_one.end()
    ollama.script(call("bash", command="echo two"), call("final_answer", answer="Two."))
    assert agent("--continue", "task two").stdout == "✅ Two.\n"


def test_two_processes_at_once_keep_both_their_sessions(
    ollama: FakeOllama, child: Callable[..., Child], path: Path
) -> None:
    ollama.script(call("final_answer", answer="There is nothing."))
    children = [child("-i", "--max-steps", "2", stdin=subprocess.PIPE) for _ in range(2)]
    for each in children:
        for number in range(3):
            each.type(f"say hello {number}")
    ended = [each.end() for each in children]
    assert [code for code, _, _ in ended] == [0, 0]
    assert not [err for _, _, err in ended if "not kept" in err]
    listed = SessionStore(path).list()
    assert [(each.turns, each.is_running) for each in listed] == [(3, False), (3, False)]


def test_no_file_keeps_what_was_typed_as_a_secret(
    ollama: FakeOllama, agent: Callable[..., Any], home: Path, path: Path
) -> None:
    task = f"set password={PASSWORD} in a file app.env"
    ollama.script(
        call("bash", command=f"echo password={PASSWORD} > app.env"), call("final_answer", answer="Done.")
    )
    ran = agent("-i", "--yes", input=f"{task}\n/export\n/export script\n/history\n")
    assert ran.returncode == 0
    assert PASSWORD in json.dumps(ollama.chats[0]["messages"])
    assert Path("app.env").read_text() == f"password={PASSWORD}\n"
    assert PASSWORD not in ran.stdout + ran.stderr
    assert "set password=[hidden-1] in a file app.env" in ran.stdout
    assert PASSWORD not in _everything(path)
    kept = [each for each in home.rglob("*") if each.is_file()]
    assert not [each for each in kept if PASSWORD.encode() in each.read_bytes()]


def test_a_reply_that_dies_in_the_middle_is_a_turn_that_is_resumed(
    ollama: FakeOllama, agent: Callable[..., Any]
) -> None:
    ollama.script(call("bash", command="echo one"), Reply("<tool", error="llama runner has terminated"))
    assert agent("first task").returncode == 3
    ollama.script(call("bash", command="echo two"), call("final_answer", answer="Two."))
    assert agent("--continue", "second task").returncode == 0
    assert _user_texts(ollama.chats[-1]["messages"]) == ["first task", "second task"]
