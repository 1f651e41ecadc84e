"""The agent as its users see it: its tools, the agent itself, and both together on whole tasks.

Run it with `pytest test_agent.py -v`; it needs no model and no network. The parts are tested in `tests/`.
"""

import io
import json
import os
import stat
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from fake_ollama import FakeOllama, Reply
from smolagents import ToolCallingAgent, tool

from agent import DevOpsAgent, OllamaChat, ask_user_approval, bash, get_env, read_file, write_file
from conftest import ROOT
from devops_agent.approval import Answer, Question
from devops_agent.errors import CallRefused, ExitCode, ToolError
from devops_agent.scripted import ScriptedModel
from devops_agent.shell import Shell

TOOLS = [read_file, write_file, bash, get_env]


def call(name: str, **arguments: Any) -> str:
    """A reply of a model."""
    body = json.dumps({"name": name, "arguments": arguments})
    return f"<tool_call>\n{body}\n</tool_call>"


def scripted(*replies: str, **settings: Any) -> DevOpsAgent:
    """An agent whose model says what it is told to."""
    return DevOpsAgent(tools=TOOLS, model=ScriptedModel(replies), instructions="Be brief.", **settings)


def results(agent: DevOpsAgent) -> list[str]:
    """What the model read as the results of its calls."""
    messages = agent.model.requests[-1][2:]
    texts = [message["content"] for message in messages if message["role"] == "user"]
    return [text.partition("\n")[2].partition("\n</tool_response>")[0] for text in texts]


class TestTools:
    """Each tool by itself, on real files and commands."""

    def test_read_file_returns_the_text(self) -> None:
        Path("hosts").write_text("127.0.0.1 localhost\n::1 ip6-localhost\n")
        assert read_file(path="hosts") == "127.0.0.1 localhost\n::1 ip6-localhost\n"

    def test_read_file_of_what_is_not_there_says_so(self) -> None:
        with pytest.raises(ToolError, match=r"^missing\.txt does not exist"):
            read_file(path="missing.txt")

    def test_read_file_of_a_directory_says_how_to_list_it(self) -> None:
        with pytest.raises(ToolError, match=r"is a directory\. List it with bash: ls -la"):
            read_file(path=".")

    def test_read_file_cuts_a_long_file_and_says_so(self) -> None:
        Path("long.log").write_text("a line of the log\n" * 10_000)
        text = read_file(path="long.log")
        assert len(text) < 5000
        assert "left out" in text

    def test_write_file_makes_the_file_and_its_directories(self) -> None:
        assert write_file(path="deploy/web/Dockerfile", content="FROM nginx\n") == (
            "Wrote 11 bytes to deploy/web/Dockerfile"
        )
        assert Path("deploy/web/Dockerfile").read_text() == "FROM nginx\n"

    def test_write_file_replaces_the_text_and_keeps_the_mode(self) -> None:
        script = Path("run.sh")
        script.write_text("an older and longer text")
        script.chmod(0o750)
        write_file(path="run.sh", content="true\n")
        assert script.read_text() == "true\n"
        assert stat.S_IMODE(script.stat().st_mode) == 0o750
        assert [file.name for file in Path().iterdir()] == ["run.sh"]

    def test_write_file_and_read_file_agree_on_every_character(self) -> None:
        text = 'tab\t "quotes" \\n größe 漢字 🐳\n\n  indented'
        write_file(path="~/text", content=text)
        assert read_file(path="~/text") == text

    def test_write_file_where_nothing_can_be_written_says_why(self) -> None:
        with pytest.raises(ToolError, match="is a directory"):
            write_file(path=".", content="x")
        Path("file").touch()
        with pytest.raises(ToolError, match="cannot be written"):
            write_file(path="file/below", content="x")

    def test_bash_returns_stdout_and_stderr(self) -> None:
        assert bash(command="echo out; echo err >&2") == "out\nerr"

    def test_bash_runs_a_whole_command_line(self) -> None:
        assert bash(command="for n in 3 1 2; do echo $n; done | sort | tr '\\n' ' '") == "1 2 3 "

    def test_bash_shows_the_exit_code_of_a_failure(self) -> None:
        assert bash(command="echo no; exit 3") == "no\nExit code: 3"

    def test_bash_without_output_says_so(self) -> None:
        assert bash(command="touch made") == "Done, no output."
        assert Path("made").exists()

    def test_bash_does_not_wait_for_input(self) -> None:
        assert bash(command="read -r line; echo \"got '$line'\"") == "got ''"

    def test_bash_ends_at_its_time_limit(self) -> None:
        started = time.monotonic()
        with Shell(timeout=1).active():
            shown = bash(command="echo started; sleep 60")
        assert time.monotonic() - started < 10
        assert shown == "started\nTimed out: killed after 1 seconds.\nExit code: 143"

    @pytest.mark.parametrize(
        "command", ["mkfs.ext4 /dev/no-such-disk", "dd if=/dev/null of=/dev/no-such-disk"]
    )
    def test_bash_never_runs_what_destroys_the_machine(self, command: str) -> None:
        """Commands that would do no harm if they ran; the whole list is tested without running anything."""
        with pytest.raises(CallRefused, match=r"^Refused: ") as refused:
            bash(command=command)
        assert refused.value.never

    def test_bash_does_not_start_what_waits_for_a_person(self) -> None:
        with pytest.raises(CallRefused, match="use kubectl patch or apply -f FILE") as refused:
            bash(command="kubectl edit deployment web")
        assert not refused.value.never

    def test_get_env_returns_the_value(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCKER_USER", "kitten")
        assert get_env(key="DOCKER_USER") == "The value is: kitten"

    def test_get_env_of_what_is_not_set_says_so(self) -> None:
        assert get_env(key="NOT_SET_ANYWHERE") == "The environment variable NOT_SET_ANYWHERE is not set."

    def test_get_env_tells_an_empty_value_from_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EMPTY", "")
        assert get_env(key="EMPTY") == "The value is: "

    @pytest.mark.parametrize("one", TOOLS, ids=lambda one: one.name)
    def test_every_tool_describes_itself_briefly(self, one: Any) -> None:
        """The model reads each word, with every task."""
        assert one.name and one.output_type == "string"
        assert 0 < len(one.description) < 120
        assert all(0 < len(spec["description"]) < 40 for spec in one.inputs.values())


def typed(text: str, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A user who types this on the terminal; returns what the terminal shows."""
    keys, screen = io.StringIO(text), io.StringIO()
    monkeypatch.setattr("devops_agent.approval._terminal", lambda: nullcontext((keys, screen)))
    there = Path(os.environ["HOME"], "terminal")
    there.touch()
    monkeypatch.setattr("devops_agent.approval._TTY", there)
    return screen


class TestAgent:
    """The agent's making, its settings, and the question before a call."""

    def test_it_is_made_of_tools_a_model_and_instructions(self) -> None:
        model = OllamaChat(model="qwen3-devops")
        agent = DevOpsAgent(
            tools=[read_file, write_file, bash, get_env], model=model, instructions="Be brief."
        )
        assert isinstance(agent, ToolCallingAgent)
        assert agent.model is model
        assert agent.instructions == "Be brief."

    def test_it_has_five_tools(self) -> None:
        assert list(scripted().tools) == ["read_file", "write_file", "bash", "get_env", "final_answer"]

    def test_it_is_neither_verbose_nor_asks_by_default(self) -> None:
        agent = scripted()
        assert agent.verbose is False
        assert agent.require_approval is False

    def test_verbose_mode(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Prompts and raw replies are shown, and not on the standard output."""
        agent = scripted(call("bash", command="echo hi"), call("final_answer", answer="Done."), verbose=True)
        assert agent.verbose is True
        agent.run("Say hi")
        out, err = capsys.readouterr()
        assert "You do the user's task on this machine by calling tools." in err
        assert '{"name": "bash", "arguments": {"command": "echo hi"}}' in err
        assert "<tool_call>" not in out

    def test_without_verbose_nothing_is_shown(self, capsys: pytest.CaptureFixture[str]) -> None:
        scripted(call("bash", command="echo hi"), call("final_answer", answer="Done.")).run("Say hi")
        assert capsys.readouterr() == ("", "")

    def test_a_tool_of_your_own_is_used_like_the_others(self) -> None:
        @tool
        def my_tool(arg: str) -> str:
            """Turn it around.

            Args:
                arg: What to turn around.
            """
            return arg[::-1]

        model = ScriptedModel([call("my_tool", arg="olleh"), call("final_answer", answer="hello")])
        agent = DevOpsAgent(tools=[*TOOLS, my_tool], model=model, instructions="")
        assert agent.run("Turn olleh around") == "hello"
        assert results(agent) == ["The value is: hello"]
        assert "- my_tool(arg): Turn it around." in model.requests[0][0]["content"]

    def test_an_approved_call_runs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        screen = typed("y\n", monkeypatch)
        agent = scripted(
            call("write_file", path="a.txt", content="x"),
            call("final_answer", answer="Done."),
            require_approval=True,
        )
        assert agent.run("Write a.txt") == "Done."
        assert Path("a.txt").read_text() == "x"
        shown = screen.getvalue()
        assert "🔧 Tool call requested:\n   Tool: write_file\n" in shown
        assert shown.count("Approve this tool call? [y/n]: ") == 1
        assert agent.evidence.exit_code() is ExitCode.DONE

    def test_a_rejected_call_does_not_run_and_the_model_reads_the_comment(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Path("app.log").touch()
        typed("n\nToo dangerous, just list them first\ny\n", monkeypatch)
        agent = scripted(
            call("bash", command="rm -f *.log"),
            call("final_answer", answer="There is app.log."),  # by what was listed then
            require_approval=True,
        )
        assert agent.run("Delete all log files") == "There is app.log."
        rejected, listed = results(agent)
        assert rejected.startswith(
            "User rejected this tool call. User comment: Too dangerous, just list them first\n"
        )
        assert listed.endswith(" app.log")
        assert Path("app.log").exists()
        assert agent.evidence.exit_code() is ExitCode.DONE

    def test_when_all_is_rejected_the_run_ends_as_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        typed("n\n\n", monkeypatch)
        agent = scripted(
            call("bash", command="touch a"),
            call("final_answer", answer="You rejected it."),
            require_approval=True,
        )
        assert agent.run("Make a") == "You rejected it."
        assert results(agent) == ["User rejected this tool call."]
        assert agent.evidence.exit_code() is ExitCode.REFUSED

    def test_where_nobody_can_be_asked_nothing_runs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        typed("", monkeypatch)
        assert ask_user_approval(Question("bash", {"command": "ls"})) == Answer(
            False, "nobody is there to approve it"
        )
        agent = scripted(
            call("bash", command="touch a"), call("final_answer", answer="Rejected."), require_approval=True
        )
        agent.run("Make a")
        assert not Path("a").exists()

    def test_approval_is_not_asked_for_when_it_is_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        typed("n\n", monkeypatch)
        agent = scripted(call("bash", command="touch a"), call("final_answer", answer="Done."))
        assert agent.run("Make a") == "Done."


class TestIntegration:
    """Whole tasks: several tools, one after the other."""

    def test_write_then_read_then_count(self) -> None:
        agent = scripted(
            call("write_file", path="list.txt", content="web\nshop\ndb\n"),
            call("read_file", path="list.txt"),
            call("bash", command="wc -l < list.txt"),
            call("final_answer", answer="list.txt has 3 lines: web, shop, db."),
        )
        assert agent.run("Write three names to list.txt and count them") == (
            "list.txt has 3 lines: web, shop, db."
        )
        assert results(agent) == ["Wrote 12 bytes to list.txt", "web\nshop\ndb", "The value is: 3"]
        assert agent.evidence.exit_code() is ExitCode.DONE

    def test_create_a_dockerfile_then_check_that_it_exists(self) -> None:
        agent = scripted(
            call("write_file", path="Dockerfile", content='FROM busybox\nCMD ["date"]\n'),
            call("bash", command="ls Dockerfile"),
            call("final_answer", answer="Dockerfile exists."),
        )
        agent.run("Create a Dockerfile, then check if it exists")
        assert Path("Dockerfile").read_text() == 'FROM busybox\nCMD ["date"]\n'
        assert results(agent)[1] == "The value is: Dockerfile"

    def test_an_environment_variable_goes_into_a_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCKER_USER", "kitten")
        agent = scripted(
            call("get_env", key="DOCKER_USER"),
            call("write_file", path="Dockerfile", content="FROM kitten/base\n"),
            call("bash", command='grep -c "$DOCKER_USER" Dockerfile'),
            call("final_answer", answer="The Dockerfile is based on kitten/base."),
        )
        agent.run("Get DOCKER_USER from environment and create a Dockerfile using it")
        assert results(agent) == ["The value is: kitten", "Wrote 17 bytes to Dockerfile", "The value is: 1"]
        assert agent.evidence.exit_code() is ExitCode.DONE

    def test_a_failure_is_seen_and_corrected(self) -> None:
        agent = scripted(
            call("bash", command="cp web.yaml backup/"),
            call("final_answer", answer="web.yaml was copied."),
            call("bash", command="mkdir backup && echo 'kind: Pod' > web.yaml && cp web.yaml backup/"),
            call("final_answer", answer="web.yaml was copied to backup."),
        )
        assert agent.run("Copy web.yaml to backup") == "web.yaml was copied to backup."
        assert Path("backup/web.yaml").read_text() == "kind: Pod\n"
        copied, claimed, corrected = results(agent)
        assert copied.endswith("Exit code: 1")
        assert claimed.startswith("Error: bash {cp web.yaml backup/} failed")
        assert corrected == "Done, no output.\nweb.yaml has 1 line now:\nkind: Pod"
        assert agent.evidence.exit_code() is ExitCode.DONE

    def test_success_is_not_taken_from_the_models_word(self) -> None:
        agent = scripted(
            call("bash", command="cp web.yaml backup/"),
            call("final_answer", answer="Copied."),
            call("final_answer", answer="Really, it is copied."),
        )
        agent.run("Copy web.yaml to backup")
        assert agent.evidence.exit_code() is ExitCode.FAILED

    def test_a_model_that_stumbles_still_gets_there(self) -> None:
        agent = scripted(
            "Let me see.",
            call("bash", command="cat <file_name>"),
            '```json\n{"name": "bash", "arguments": {"command": "ls"}}\n```',
            call("bash", command="ls") + call("final_answer", answer="Nothing."),
            call("final_answer", answer="The directory is empty."),
        )
        assert agent.run("What is in this directory?") == "The directory is empty."
        assert [text.split(".")[0] for text in results(agent)] == [
            "Error: Your reply holds no tool call",
            "Error: <file_name> is a placeholder",
            "Done, no output",
            "Error: You made this call already; its result is above",
        ]

    def test_two_tasks_of_one_agent_know_nothing_of_each_other(self) -> None:
        agent = scripted(
            call("bash", command="echo one"),
            call("final_answer", answer="One."),
            call("bash", command="echo one"),
            call("final_answer", answer="Two."),
        )
        assert [agent.run("First"), agent.run("Second")] == ["One.", "Two."]
        assert [len(request) for request in agent.model.requests] == [2, 4, 2, 4]

    def test_with_ollama(self) -> None:
        """Over HTTP, from the first request to the answer."""
        # bare objects: the schema that each request carries leaves no room for tags or thoughts
        with FakeOllama(
            Reply('{"name": "write_file", "arguments": {"path": "a.txt", "content": "größe\\n"}}'),
            Reply('{"name": "bash", "arguments": {"command": "cat a.txt"}}'),
            Reply('{"name": "final_answer", "arguments": {"answer": "a.txt says größe."}}'),
        ) as ollama:
            model = OllamaChat(model="qwen3-devops", endpoint=f"{ollama.url}/api/chat")
            agent = DevOpsAgent(tools=TOOLS, model=model, instructions="The files are in German.")
            assert agent.run("Write größe to a.txt and show it") == "a.txt says größe."
            sent = [chat["messages"] for chat in ollama.chats]
            assert all("format" in chat for chat in ollama.chats)
        assert Path("a.txt").read_text(encoding="utf-8") == "größe\n"
        assert [len(messages) for messages in sent] == [2, 4, 6]
        assert sent[2][:4] == sent[1]
        assert sent[0][0]["content"].endswith("The files are in German.")
        assert "The value is: größe" in sent[2][-1]["content"]

    def test_on_the_command_line(self) -> None:
        """`python agent.py`, in a process of its own, as a user starts it."""
        with FakeOllama(
            Reply(call("bash", command="echo kitten")), Reply(call("final_answer", answer="It says kitten."))
        ) as ollama:
            done = subprocess.run(
                [sys.executable, str(ROOT / "agent.py"), "Say kitten"],
                env={**os.environ, "OLLAMA_HOST": ollama.url, "PYTHONUTF8": "1"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        assert "It says kitten." in done.stdout
        assert "kitten" in done.stderr
