"""What becomes of what the user typed and a command printed, whatever happens: the table of docs/session.md.

Each test brings the real program to the prompt, into the model's thinking, to a question or into a command,
lets something happen, and looks for both again: on the screen, in the store, in the next request.
"""

import json
import os
import resource
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from console import CTRL_C, PROMPT, Console
from fake_ollama import FakeOllama, Reply, call

from conftest import ROOT
from devops_agent.process_identity import identity

Start = Callable[..., Console]
TASK, PRINTED, TYPED = "show the state", "printed so far", "what is there?"
WHERE = ("prompt", "thinking", "approval", "command")
_SCRIPTS = {
    "prompt": (call("final_answer", answer="Nothing."),),
    "thinking": (call("bash", command=f"echo {PRINTED}"), Reply("<tool_call>", hang=True)),
    "approval": (call("bash", command=f"echo {PRINTED}"), call("bash", command="touch made")),
    "command": (call("bash", command=f"echo {PRINTED}; echo $$ > pid; exec sleep 300"),),
}


class Stage:
    """A session in which something has been typed and, but for the prompt, printed."""

    def __init__(self, where: str, start: Start, ollama: FakeOllama, home: Path) -> None:
        self.where, self.start, self.ollama, self.home = where, start, ollama, home
        ollama.script(*_SCRIPTS[where])
        self.console = start(*(("-a", "--no-grounding") if where == "approval" else ()))
        self.console.wait_for(PROMPT)
        if where != "prompt":
            self.console.type(f"{TASK}\r")
        getattr(self, f"_reach_{where}")()

    def _reach_prompt(self) -> None:
        self.console.type(TYPED)
        self.console.shows(f"> {TYPED}\n")

    def _reach_thinking(self) -> None:
        self.console.wait_for(lambda: len(self.ollama.chats) == 2)
        self._type_ahead()

    def _reach_approval(self) -> None:
        self.console.wait_for("Approve this tool call? [y/n]: ")
        self.console.type("y\r")
        self.console.wait_for("Approve this tool call? [y/n]: ")
        self.console.type("n\r")
        self.console.wait_for("Optional feedback")
        self.console.type(TYPED)
        self.console.shows(f"to skip): {TYPED}")

    def _reach_command(self) -> None:
        self.console.shows(f"  {PRINTED}\n")
        self._type_ahead()
        self.console.wait_for(lambda: PRINTED in self.stored("SELECT output FROM steps"))

    def _type_ahead(self) -> None:
        self.console.type(TYPED)
        drafts = self.home / ".data/devops-agent/drafts"
        self.console.wait_for(lambda: TYPED in [path.read_text() for path in drafts.glob("draft-*[0-9]")])

    def stored(self, query: str) -> str:
        """What a query finds in the store, as text."""
        with suppress(sqlite3.Error), closing(sqlite3.connect(self._database)) as db:
            return str(db.execute(query).fetchall())
        return ""

    @property
    def _database(self) -> Path:
        return self.home / ".data/devops-agent/sessions.db"

    @property
    def history(self) -> str:
        return (self.home / ".devops_agent_history").read_text()

    def fill_disk(self) -> None:
        """Lets no file grow any more."""
        if not hasattr(resource, "prlimit"):
            pytest.skip("this system has no prlimit, with which a disk is full for one process")
        hard = resource.prlimit(self.console.process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self.console.process.pid, resource.RLIMIT_FSIZE, (0, hard))

    def follow_up(self, typed: str = "what was seen?\r") -> str:
        """Does another task, and gives all that the model is told with it."""
        before = len(self.ollama.chats)
        self.ollama.script(call("bash", command="true"), call("final_answer", answer="The end."))
        self.console.type(typed)
        self.console.wait_for(lambda: len(self.ollama.chats) > before)
        self._allow()
        self.console.wait_for("The end.")
        return "\n".join(each["content"] for each in self.ollama.chats[before]["messages"])

    def _allow(self) -> None:
        if self.where == "approval" and "--continue" not in self.console.process.args:
            self.console.wait_for("Approve this tool call? [y/n]: ")
            self.console.type("y\r")

    def take_up(self) -> None:
        """Starts the program again; what ran is ended first."""
        if self.where == "command" and Path("pid").exists():
            with suppress(ProcessLookupError):
                os.kill(int(Path("pid").read_text()), 9)
        self.console = self.start(*(() if self.where == "prompt" else ("--continue",)))


@pytest.fixture(params=WHERE)
def stage(request: pytest.FixtureRequest, start: Start, ollama: FakeOllama, home: Path) -> Iterator[Stage]:
    stage = Stage(request.param, start, ollama, home)
    yield stage
    with suppress(OSError, ValueError):
        os.kill(int(Path("pid").read_text()), 9)


def test_ctrl_c(stage: Stage) -> None:
    stage.console.type(CTRL_C)
    if stage.where == "prompt":
        stage.console.shows("\n>\n")
        assert f"+{TYPED}\n" in stage.history
        return
    stage.console.wait_for("Interrupted.")
    stage.console.shows(f"> {TYPED}\n")
    assert f"{PRINTED}\n" in stage.console.screen
    told = stage.follow_up("\r")
    for part in (TASK, PRINTED, TYPED):
        assert part in told
    assert PRINTED in stage.stored("SELECT output FROM steps")
    assert f"+{TASK}\n" in stage.history


def test_kill_9(stage: Stage) -> None:
    stage.console.kill()
    stage.take_up()
    if stage.where == "approval":  # its half of a line stood in the terminal itself
        stage.console.wait_for(f'"{TASK}" was cut off after step 1, bash {{echo {PRINTED}}}, had ended.')
        stage.console.wait_for(PROMPT)
        told = stage.follow_up()
    else:
        stage.console.shows(f"> {TYPED}\n")
        if stage.where != "prompt":
            assert f'"{TASK}" was cut off' in stage.console.screen
        told = stage.follow_up("\r")
        assert TYPED in told
    if stage.where != "prompt":
        assert TASK in told
        assert PRINTED in told or PRINTED in stage.stored("SELECT output FROM steps")
        assert f"+{TASK}\n" in stage.history


@pytest.mark.parametrize("how", ["the window is closed", "kill -HUP"])
def test_sighup(how: str, stage: Stage) -> None:
    if how == "kill -HUP":
        stage.console.process.send_signal(1)
    else:
        stage.console.hang_up()
    assert stage.console.process.wait(30) == 130
    stage.take_up()
    if stage.where == "approval" and how != "kill -HUP":  # the system drops what stands in a closed terminal
        stage.console.wait_for(PROMPT)
        told = stage.follow_up()
    else:
        stage.console.shows(f"> {TYPED}\n")
        told = stage.follow_up("\r")
        assert TYPED in told
    if stage.where != "prompt":
        assert TASK in told
        assert PRINTED in told
        assert PRINTED in stage.stored("SELECT output FROM steps")
        assert stage.stored("SELECT answer FROM turns WHERE number = 1") == "[('Interrupted.',)]"


def test_a_full_disk(stage: Stage) -> None:
    """The session goes on without its memory on disk, which is said once; its own memory has everything."""
    stage.fill_disk()
    console = stage.console
    if stage.where == "prompt":
        told = stage.follow_up("\r")
        assert TYPED in told
        assert console.screen.count("This session is not kept: ") == 1
        assert console.screen.count("The history cannot be written: File too large.") == 1
        return
    if stage.where == "approval":
        stage.ollama.script(call("final_answer", answer="Not made."))
        console.type("\r")
        console.wait_for("Not made.")
    else:
        console.type(CTRL_C)
        console.wait_for("Interrupted.")
    console.wait_for(PROMPT)
    if stage.where == "approval":
        assert f"User comment: {TYPED}" in stage.follow_up()
    else:
        console.shows(f"> {TYPED}\n")
        told = stage.follow_up("\r")
        assert TYPED in told
        assert TASK in told
        assert PRINTED in told
    assert f"{PRINTED}\n" in console.screen
    assert console.screen.count("This session is not kept: ") == 1
    assert "Traceback" not in console.screen


def test_the_end_of_ollama(stage: Stage) -> None:
    stage.ollama.die()
    console = stage.console
    if stage.where == "command":
        console.type(CTRL_C)
        console.wait_for("Interrupted.")
    else:
        console.type({"prompt": "\r", "approval": "\r"}.get(stage.where, ""))
        console.wait_for("devops-agent: ")
    console.wait_for(PROMPT)
    with FakeOllama(port=stage.ollama.port) as again:
        stage.ollama = again
        if stage.where in ("thinking", "command"):
            console.shows(f"> {TYPED}\n")
            told = stage.follow_up("\r")
        else:
            told = stage.follow_up()
    assert TYPED in told
    if stage.where != "prompt":
        assert TASK in told
        assert PRINTED in told
        assert f"{PRINTED}\n" in console.screen
        assert PRINTED in stage.stored("SELECT output FROM steps")
    assert "Traceback" not in console.screen


@pytest.mark.parametrize("how", ["kill -9", "the window is closed"])
def test_what_an_own_command_had_printed_is_kept(
    how: str, start: Start, ollama: FakeOllama, home: Path
) -> None:
    ollama.script(call("bash", command="true"), call("final_answer", answer="The end."))
    console = start()
    console.task(f"!echo {PRINTED}; echo $$ > pid; exec sleep 300")
    database = home / ".data/devops-agent/sessions.db"

    def is_kept() -> bool:
        with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as db:
            return PRINTED in str(db.execute("SELECT output FROM steps").fetchall())
        return False

    console.wait_for(is_kept)
    if how == "kill -9":
        console.kill()
    console.hang_up()
    console.process.wait(30)
    console = start("--continue")
    console.wait_for(PROMPT)
    console.type("what was seen?\r")
    console.wait_for("The end.")
    told = "\n".join(each["content"] for each in ollama.chats[0]["messages"])
    assert f"!echo {PRINTED}" in told
    assert told.count(PRINTED) >= 2
    # nobody may have waited for it yet, which kill counts as running
    console.wait_for(lambda: not identity(int(Path("pid").read_text())))


# --- the embedded engine, played by a script --------------------------------------------------------------

_WORKER = """
import json, os, pathlib, sys, time
def say(reply): print(json.dumps(reply), flush=True)
say({"loaded": True})
replies = json.loads(pathlib.Path("replies.json").read_text())
for line in sys.stdin:
    asked = json.loads(line)
    if "stop" in asked:
        continue
    if "prepare" in asked:
        say({"id": asked["id"], "end": True})
        continue
    if "logprobs" in asked["request"]:
        reply = ""
    else:
        told = pathlib.Path("told.jsonl")
        number = len(told.read_text().splitlines()) if told.exists() else 0
        with told.open("a") as file:
            file.write(json.dumps(asked["request"]["messages"]) + chr(10))
        reply = replies[min(number, len(replies) - 1)]
    if reply == "die":
        os.abort()
    if reply == "hang":
        time.sleep(600)
    if reply == "die when told":
        while not os.path.exists("die"):
            time.sleep(0.05)
        os.abort()
    reply = reply.removeprefix(asked["request"]["messages"][-1]["content"])  # what it was begun with
    chunk = {"choices": [{"delta": {"content": reply}, "finish_reason": None}]}
    say({"id": asked["id"], "chunk": chunk})
    say({"id": asked["id"], "end": True})
"""
_PROGRAM = """
import sys
from pathlib import Path
from devops_agent.engines import llama_process
llama_process.WORKER = Path("worker.py")
from devops_agent.__main__ import main
sys.exit(main())
"""


def embedded(start: Start, *replies: Reply | str) -> Console:
    """A session with an embedded engine that says this."""
    texts = [reply if isinstance(reply, str) else reply.text.rstrip() for reply in replies]
    Path("replies.json").write_text(json.dumps(texts))
    Path("worker.py").write_text(_WORKER)
    Path("model.gguf").touch()
    program = (sys.executable, "-c", _PROGRAM, "--backend", "llama-cpp", "--model-path", "model.gguf")
    return start(program=program, PYTHONPATH=str(ROOT))


def told_last() -> str:
    return Path("told.jsonl").read_text().splitlines()[-1]


def test_an_embedded_engine_that_dies_while_it_thinks_is_started_again(start: Start) -> None:
    console = embedded(
        start, call("bash", command=f"echo {PRINTED}"), "die when told", call("final_answer", answer="Seen.")
    )
    console.task(TASK)
    console.wait_for(lambda: Path("told.jsonl").exists() and told_last().count(PRINTED) > 1)
    console.type(TYPED)
    Path("die").touch()
    console.wait_for("It is started again.")
    console.wait_for("Seen.")
    assert PRINTED in told_last()
    console.shows(f"> {TYPED}\n")


def test_an_embedded_engine_that_dies_again_ends_the_task_and_not_the_session(start: Start) -> None:
    end = call("final_answer", answer="Seen.")
    console = embedded(
        start, call("bash", command=f"echo {PRINTED}"), "die", "die", call("bash", command="true"), end
    )
    console.task(TASK)
    console.wait_for("devops-agent: The embedded engine died (SIGABRT)")
    console.task("what was seen?")
    console.wait_for("Seen.")
    for part in (TASK, PRINTED, "what was seen?"):
        assert part in told_last()
