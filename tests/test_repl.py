"""The interactive session, with a pipe and on a real pseudo-terminal."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from console import PROMPT, Console
from fake_ollama import FakeOllama, Reply, call

from conftest import ROOT, Python
from devops_agent.console import greeting, repl
from devops_agent.console.commands import Commands
from devops_agent.console.prompt import Abandoned
from devops_agent.errors import ExitCode
from devops_agent.kube_context import Overlay
from devops_agent.session import Run
from devops_agent.symbols import symbols
from devops_agent.terminal import Terminal

BANNER = (
    "🤖 DevOps Agent - Interactive Mode\nType your task and press Enter. Type 'exit' or 'quit' to leave.\n\n"
)


class Typed:
    """A person who types lines; an exception stands for Ctrl-C or Ctrl-D."""

    def __init__(self, *lines: str | type[BaseException]) -> None:
        self.lines = list(lines)

    def __call__(self) -> str:
        line = self.lines.pop(0)
        if isinstance(line, str):
            return line
        raise line


class FakeSession:
    """Notes what it is asked to do."""

    def __init__(self) -> None:
        self.tasks: list[str] = []
        self.data: list[Mapping[str, str]] = []
        self.own_commands: list[tuple[str, str, int]] = []

    def redactor(self, text: str) -> str:
        return text.replace("hunter22", "[hidden-1]")

    def do(self, task: str, data: Callable[[], Mapping[str, str]]) -> ExitCode:
        self.tasks.append(task)
        self.data.append(data())
        return ExitCode.INTERRUPTED if task == "interrupted" else ExitCode.DONE

    def own(self, command: str, run: Run) -> int:
        output, exit_code = run(lambda text: None)
        self.own_commands.append((command, output, exit_code))
        return exit_code


class Played:
    """A session with what was typed and shown."""

    def __init__(self, *lines: str | type[BaseException]) -> None:
        self.session, out = FakeSession(), io.StringIO()
        self.failures: list[str] = []
        session: Any = self.session
        terminal, overlay = Terminal(out, out), Overlay({})
        commands = Commands(session, terminal, out, overlay, lambda words, out: None, [])
        repl.Repl(session, Typed(*lines), commands, out, self.failures.append).run()
        self.shown = out.getvalue()


def test_the_greeting() -> None:
    assert greeting.banner(symbols(True), approval=False) + "\n\n" == BANNER
    assert greeting.banner(symbols(True), approval=True) == (
        "🤖 DevOps Agent - Interactive Mode\n"
        "⚠️  Approval mode enabled - you'll be asked to approve each tool call\n"
        "Type your task and press Enter. Type 'exit' or 'quit' to leave."
    )


@pytest.mark.parametrize("end", ["exit", "quit", "q", "EXIT", "  Quit  ", "/exit", EOFError])
def test_it_says_goodbye(end: str | type[BaseException]) -> None:
    played = Played(end)
    assert (played.session.tasks, played.shown) == ([], "Goodbye!\n")


def test_each_line_is_a_task_and_empty_lines_are_none() -> None:
    lines = ("list pods", "", "   ", "  exit the pod  ", "quit the vi", EOFError, "not read")
    assert Played(*lines).session.tasks == ["list pods", "exit the pod", "quit the vi"]


@pytest.mark.parametrize("word", ["help", "?", "HELP", "/help"])
def test_help_lists_the_words_and_keys(word: str) -> None:
    played = Played(word, "q")
    assert played.session.tasks == []
    shown = ("/kube [CONTEXT][/NAMESPACE]", "/export", "/clear")
    for part in shown if word == "/help" else ("help, ?", "exit, quit, q", "Ctrl-D", "Ctrl-C", *shown):
        assert part in played.shown


def test_ctrl_c_at_the_prompt_goes_on_and_twice_leaves() -> None:
    played = Played(KeyboardInterrupt, "list pods", KeyboardInterrupt, "not read")
    assert played.session.tasks == ["list pods"]
    assert played.shown == "Ctrl-C once more leaves.\nGoodbye!\n"


def test_ctrl_c_right_after_an_interrupted_task_leaves() -> None:
    assert Played("interrupted", KeyboardInterrupt, "not read").session.tasks == ["interrupted"]


class WithText(Abandoned):
    def __init__(self) -> None:
        super().__init__(had_text=True)


def test_ctrl_c_on_a_line_with_text_only_gives_up_the_line() -> None:
    played = Played(WithText, WithText, "list pods", EOFError)
    assert (played.session.tasks, played.shown) == (["list pods"], "Goodbye!\n")


def test_a_slash_that_begins_a_path_is_part_of_a_task() -> None:
    assert Played("/etc/hosts: what is in it?", EOFError).session.tasks == ["/etc/hosts: what is in it?"]


def test_an_unknown_command_names_the_nearest() -> None:
    played = Played("/exprot", "/nonsense", EOFError)
    assert played.failures == [
        "There is no command /exprot. See /export.",
        "There is no command /nonsense. See /help.",
    ]


def test_the_name_of_a_command_alone_is_no_task() -> None:
    played = Played("clear", "Undo", "show pods", EOFError)
    assert played.session.tasks == ["show pods"]
    assert played.failures == [
        "A task has more words. The command is /clear.",
        "A task has more words. The command is /undo.",
    ]


def test_a_command_of_the_users_own_is_shown_and_kept() -> None:
    played = Played("!echo one; exit 3", "!", EOFError)
    assert played.session.own_commands == [("echo one; exit 3", "one\n", 3)]
    assert played.shown == "one\nExit code: 3\nGoodbye!\n"
    assert played.failures == ["Write the command behind the mark: !kubectl get pods."]


def test_a_file_comes_with_the_task_without_its_secrets(tmp_path: Path) -> None:
    (tmp_path / "my app.yaml").write_text("password: hunter22\n")
    (tmp_path / "a.txt").write_text("text\n")
    played = Played(
        'compare @"my app.yaml" with @a.txt, please', "mail @here me@a.txt", "see @b.txt", EOFError
    )
    assert played.session.tasks == ["compare my app.yaml with a.txt, please", "mail @here me@a.txt"]
    assert played.session.data[0] == {"my app.yaml": "password: [hidden-1]\n", "a.txt": "text\n"}
    assert played.session.data[1] == {}
    assert played.failures == ["b.txt does not exist. Look for it with bash: ls"]


def test_lines_of_a_pipe_are_read_until_its_end() -> None:
    read = repl.stream_reader(io.StringIO("one\ntwo"))
    assert [read(), read()] == ["one\n", "two"]
    with pytest.raises(EOFError):
        read()


# --- the process ------------------------------------------------------------------------------------------


def test_tasks_of_a_pipe_are_done_one_after_the_other_and_know_of_each_other(
    ollama: FakeOllama, python: Python
) -> None:
    ollama.script(
        call("bash", command="echo one"),
        call("final_answer", answer="First."),
        call("bash", command="echo two"),
        call("final_answer", answer="Second."),
    )
    result = python(
        "-m", "devops_agent", "--interactive", input="task one\n\ntask two\n", env={"OLLAMA_HOST": ollama.url}
    )
    assert (result.returncode, result.stdout) == (0, BANNER + "✅ First.\n✅ Second.\nGoodbye!\n")
    assert [len(body["messages"]) for body in ollama.chats] == [2, 4, 6, 8]
    assert ollama.chats[2]["messages"][:4] == ollama.chats[1]["messages"]
    assert ollama.chats[2]["messages"][-1] == {"role": "user", "content": "task two"}
    assert ollama.paths().count("GET /api/tags") == 1


def test_an_engine_that_fails_ends_the_task_and_not_the_session(ollama: FakeOllama, python: Python) -> None:
    ollama.script(
        Reply(status=500, error="out of memory"),
        call("bash", command="echo two"),
        call("final_answer", answer="Second."),
    )
    result = python("-m", "devops_agent", "-i", input="one\ntwo\n", env={"OLLAMA_HOST": ollama.url})
    assert (result.returncode, result.stdout) == (0, BANNER + "✅ Second.\nGoodbye!\n")
    assert f"devops-agent: Ollama at {ollama.url} failed: out of memory.\n" in result.stderr


# --- a pseudo-terminal ------------------------------------------------------------------------------------


def test_a_session_on_a_terminal(console: Console, ollama: FakeOllama, home: Path) -> None:
    """Ctrl-C at the prompt, a task, Ctrl-C while the model thinks and in a command, history, Ctrl-D."""
    ollama.script(
        call("bash", command="echo one"),
        call("final_answer", answer="First."),
        Reply("<tool_call>", hang=True),
        call("bash", command="sleep 300"),
        call("bash", command="echo four"),
        call("final_answer", answer="Fourth."),
    )
    console.wait_for(PROMPT)
    assert "Type your task and press Enter" in console.seen
    console.type("half a li")
    console.wait_for("li")
    console.type("\x03")
    console.wait_for(PROMPT)
    console.type("first task\r")
    console.wait_for("✅ First.")
    assert "bash {echo one}" in console.seen
    console.wait_for(PROMPT)
    console.type("second task\r")
    console.wait_for("thinking... ")
    console.wait_for(lambda: len(ollama.chats) == 3)
    console.type("\x03")
    console.wait_for("devops-agent: Interrupted.")
    console.wait_for(PROMPT)
    console.type("third task\r")
    console.wait_for("bash {sleep 300}")
    console.type("\x03")
    console.wait_for("devops-agent: Interrupted.")
    console.wait_for(PROMPT)
    console.type("fourth task\r")
    console.wait_for("✅ Fourth.")
    sent = ollama.chats[-2]["messages"]
    tasks = [m["content"] for m in sent if m["role"] == "user" and not m["content"].startswith("<")]
    assert tasks == ["first task", "second task", "third task", "fourth task"]
    assert sum("Not done: interrupted." in m["content"] for m in sent) == 2
    console.wait_for(PROMPT)
    console.type("\x04")
    console.wait_for("Goodbye!")
    assert console.close() == 0
    history = home / ".devops_agent_history"
    assert [line for line in history.read_text().splitlines() if line.startswith("+")] == [
        "+half a li",
        "+first task",
        "+second task",
        "+third task",
        "+fourth task",
    ]
    assert history.stat().st_mode & 0o777 == 0o600


def test_the_up_key_brings_a_task_of_an_earlier_session(
    ollama: FakeOllama, home: Path, request: pytest.FixtureRequest
) -> None:
    (home / ".devops_agent_history").write_text("\n# 2026-01-01 10:00:00\n+task of yesterday\n")
    ollama.script(call("bash", command="echo one"), call("final_answer", answer="First."))
    console: Console = request.getfixturevalue("console")
    console.wait_for(PROMPT)
    console.type("\x1b[A")
    console.wait_for("task of yesterday")
    console.type("\r")
    console.wait_for("✅ First.")
    assert ollama.chats[0]["messages"][1]["content"] == "task of yesterday"
    console.type("exit\r")
    console.wait_for("Goodbye!")
    assert console.close() == 0


def test_a_home_that_cannot_be_written_costs_the_history_and_not_the_session(
    home: Path, request: pytest.FixtureRequest
) -> None:
    (home / ".devops_agent_history").mkdir()
    console: Console = request.getfixturevalue("console")
    console.wait_for(PROMPT)
    console.type("exit\r")
    console.wait_for("Goodbye!")
    assert console.close() == 0


def pid_of_the_command(console: Console, path: Path) -> int:
    """Starts a task whose command writes its process id there."""
    console.type("a task\r")
    console.wait_for(lambda: path.exists() and bool(path.read_text()))
    return int(path.read_text())


@pytest.mark.parametrize("running", [False, True])
def test_sigterm_ends_the_session_and_its_command(
    running: bool, console: Console, ollama: FakeOllama, tmp_path: Path
) -> None:
    ollama.script(call("bash", command="echo $$ > pid; sleep 300"))
    console.wait_for(PROMPT)
    pid = pid_of_the_command(console, tmp_path / "pid") if running else 0
    console.process.send_signal(signal.SIGTERM)
    console.wait_for("devops-agent: Interrupted.")
    assert console.close() == 130
    if running:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_terminal_that_is_closed_ends_the_session_and_its_command(
    console: Console, ollama: FakeOllama, tmp_path: Path
) -> None:
    ollama.script(call("bash", command="echo $$ > pid; sleep 300"))
    console.wait_for(PROMPT)
    pid = pid_of_the_command(console, tmp_path / "pid")
    console.hang_up()
    assert console.process.wait(10) == 130
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


_WRITES_AS_IT_LEAVES = """
import signal, sys, time
from devops_agent import __main__ as program
from devops_agent.console import console

def interact(*_):
    try:
        print("here", flush=True)
        signal.pause()
    finally:
        time.sleep(0.3)
        print("the rest", flush=True)

console.interact = interact
sys.exit(program.main())
"""


def test_what_cannot_be_written_to_a_closed_terminal_is_no_failure(start: Callable[..., Console]) -> None:
    console = start(program=(sys.executable, "-c", _WRITES_AS_IT_LEAVES))
    console.wait_for("here")
    console.hang_up()
    assert console.process.wait(30) == 130


def test_with_nohup_a_closed_terminal_ends_nothing(ollama: FakeOllama) -> None:
    ollama.script(call("bash", command="kill -HUP $PPID; sleep 0.2"), call("final_answer", answer="Done."))
    result = subprocess.run(
        ["nohup", sys.executable, "-m", "devops_agent", "--yes", "x"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OLLAMA_HOST": ollama.url, "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, "✅ Done.\n")
