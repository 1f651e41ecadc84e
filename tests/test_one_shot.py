"""One task, from scripts: JSON lines, pipes, files, places, and how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from child import Child
from fake_ollama import FakeOllama, Reply, call

from conftest import ROOT, Python

SECONDS = 40
DOCUMENT = ROOT / "docs" / "json-events.md"
DONE = call("final_answer", answer="Done.")
FULL = Path("/dev/full")

Agent = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def shell(ollama: FakeOllama) -> Agent:
    """Runs a line of bash in which `agent` is the program."""

    def run(line: str) -> Any:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "OLLAMA_HOST": ollama.url}
        return subprocess.run(
            ["bash", "-c", f'agent() {{ "{sys.executable}" -m devops_agent "$@"; }}; {line}'],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            start_new_session=True,
        )

    return run


def lines_of(out: str) -> list[dict[str, Any]]:
    """The events, each of which is an object of this version, as documented."""
    told = [json.loads(line) for line in out.splitlines()]
    for event in told:
        assert event.pop("v") == 1
        assert set(event) == {"type", *FIELDS[event["type"]]}, event
    return told


def _documented() -> Mapping[str, Sequence[str]]:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| .* \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    found = {kind: re.findall(r"`([a-z_]+)`", re.sub(r"\([^)]*\)", "", fields)) for kind, fields in rows}
    return {kind: fields for kind, fields in found.items() if fields}


FIELDS = _documented()


def _until(condition: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(SECONDS * 20):
        if condition():
            return
        waiting.wait(0.05)
    raise AssertionError("it did not come")


# --- JSON -------------------------------------------------------------------------------------------------


def test_each_kind_of_event_is_as_documented(ollama: FakeOllama, agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("one\n")
    ollama.script(
        Reply('<think>Look first.</think><tool_call>{"name": "bash", "arguments": {"command": "echo one"}}'),
        Reply("no call at all"),
        call("bash", command="rm notes.txt"),
        call("final_answer", answer="It was not removed."),
    )
    result = agent("--json", "Remove the file notes.txt")
    told = lines_of(result.stdout)
    assert result.stderr == ""
    assert told[0]["type"] == "start"
    assert {event["type"] for event in told} == set(FIELDS) - {"error"}
    assert told[0]["task"] == "Remove the file notes.txt"
    assert re.fullmatch("[0-9a-f]{8}", told[0]["session"])
    assert (told[-1]["type"], told[-1]["exit_code"], told[-1]["ok"]) == ("answer", result.returncode, False)
    [observed] = [
        event for event in told if event["type"] == "observation" and event["exit_code"] is not None
    ]
    assert (observed["text"], observed["exit_code"], observed["ok"]) == ("one", 0, True)
    [refused] = [event for event in told if event["type"] == "approval"]
    assert (refused["approved"], refused["effect"]) == (False, "destructive")


def test_the_session_of_the_first_line_is_the_one_that_is_kept(ollama: FakeOllama, agent: Agent) -> None:
    ollama.script(call("bash", command="echo one"), DONE)
    [first, *_] = lines_of(agent("--json", "task").stdout)
    shown = agent("sessions", "show", first["session"])
    assert (shown.returncode, "1. task" in shown.stdout) == (0, True)


def test_json_tells_no_secret(ollama: FakeOllama, agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "app.env").write_text("DB_PASSWORD=kX82-mQ7vLp\n")
    ollama.script(call("bash", command="cat app.env"), DONE)
    result = agent("--json", "show app.env with API_TOKEN=typed-Secret-77 in it")
    lines_of(result.stdout)
    assert "kX82" not in result.stdout + result.stderr
    assert "typed-Secret" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--json", "--nonsense", "task"], "--nonsense"),
        (["--nonsense", "task", "--json"], "--nonsense"),
        (["--json", "-q", "task"], "contradict"),
        (["--json"], "No task given"),
        (["--json", "--cwd", "/nowhere/at/all", "task"], "--cwd"),
        (["--json", "-f", "missing.txt"], "missing.txt"),
        (["--json", "--timeout", "0", "task"], "imeout"),
        (["--json", "--resume", "abcdef12", "task"], "There are no sessions yet"),
    ],
)
def test_the_one_line_of_a_wrong_usage_is_an_error(arguments: list[str], told: str, agent: Agent) -> None:
    result = agent(*arguments)
    [event] = lines_of(result.stdout)
    assert (result.returncode, event["type"], event["exit_code"]) == (2, "error", 2)
    assert told in event["text"]
    assert result.stderr == ""


def test_behind_the_end_of_the_flags_json_is_a_word_of_the_task(python: Python) -> None:
    result = python("-m", "devops_agent", "--nonsense", "--", "explain", "--json")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("devops-agent: unrecognized arguments: --nonsense.")


def test_without_an_engine_the_last_line_is_the_error(python: Python) -> None:
    result = python("-m", "devops_agent", "--json", "task", env={"OLLAMA_HOST": "127.0.0.1:1"})
    told = lines_of(result.stdout)
    assert [event["type"] for event in told] == ["start", "error"]
    assert (result.returncode, told[-1]["exit_code"], result.stderr) == (3, 3, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("where", ["thinking", "command"])
def test_an_interruption_is_the_last_line(
    number: signal.Signals, where: str, ollama: FakeOllama, child: Callable[..., Child], tmp_path: Path
) -> None:
    command = call("bash", command="echo early; echo up > up; sleep 300")
    ollama.script(Reply("<tool_call>", hang=True) if where == "thinking" else command)
    started = child("--json", "--yes", "task")
    _until((tmp_path / "up").exists if where == "command" else lambda: bool(ollama.chats))
    started.process.send_signal(number)
    code, out, err = started.end()
    told = lines_of(out)
    assert (code, told[-1]) == (130, {"type": "error", "text": "Interrupted.", "exit_code": 130})
    assert err == ""
    assert [event["type"] for event in told].count("error") == 1


# --- what is printed where --------------------------------------------------------------------------------


def test_quiet_prints_the_answer_alone(ollama: FakeOllama, agent: Agent) -> None:
    ollama.script(call("bash", command="echo one"), call("final_answer", answer="One line."))
    result = agent("-q", "task")
    assert (result.returncode, result.stdout, result.stderr) == (0, "One line.\n", "")


def test_quiet_still_says_why_there_is_no_answer(python: Python) -> None:
    result = python("-m", "devops_agent", "-q", "task", env={"OLLAMA_HOST": "127.0.0.1:1"})
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (3, "", 1)
    assert result.stderr.startswith("devops-agent: ")


@pytest.mark.parametrize("flags", ["--json", "", "-q"])
def test_a_reader_that_leaves_early_is_no_traceback(flags: str, ollama: FakeOllama, shell: Agent) -> None:
    ollama.script(*[call("bash", command=f"echo {number}; sleep 0.2") for number in range(3)], DONE)
    result = shell(f"agent {flags} task | head -n 1 >/dev/null; echo ${{PIPESTATUS[0]}}")
    assert result.stdout.strip() in ("0", "1")
    assert "Traceback" not in result.stderr
    assert "Exception" not in result.stderr


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("flags", ["--json", "", "-q"])
def test_a_full_standard_output_is_one_line_and_exit_code_1(
    flags: str, ollama: FakeOllama, shell: Agent
) -> None:
    ollama.script(call("bash", command="echo one"), DONE)
    result = shell(f"agent {flags} task > /dev/full")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert re.search(r"devops-agent: The \w+ cannot be written: No space left on device\.\n\Z", result.stderr)


@pytest.mark.parametrize("flags", ["--json", ""])
def test_a_closed_standard_output_is_no_traceback(flags: str, ollama: FakeOllama, shell: Agent) -> None:
    ollama.script(call("bash", command="echo one"), DONE)
    result = shell(f"agent {flags} task >&-")
    assert (result.returncode, "Traceback" in result.stderr) == (0, False)


# --- standard input ---------------------------------------------------------------------------------------


def _data(ollama: FakeOllama) -> str:
    """The result of the call as which the model is given the data."""
    first = ollama.chats[0]["messages"]
    assert [message["role"] for message in first[-2:]] == ["assistant", "user"], first
    assert "/dev/stdin" in first[-2]["content"]
    return str(first[-1]["content"])


def test_a_task_comes_through_a_pipe(ollama: FakeOllama, shell: Agent) -> None:
    ollama.script(call("bash", command="echo one"), DONE)
    result = shell('echo "list the files" | agent')
    assert (result.returncode, result.stdout) == (0, "✅ Done.\n")
    assert ollama.chats[0]["messages"][-1]["content"] == "list the files"


def test_data_is_the_result_of_a_call_without_its_secrets(ollama: FakeOllama, shell: Agent) -> None:
    ollama.script(call("final_answer", answer="The image cannot be pulled."))
    said = "Name: web\\nReason: ImagePullBackOff\\nDB_PASSWORD=kX82-mQ7vLp\\n"
    result = shell(f"printf '{said}' | agent 'what is wrong here?'")
    assert (result.returncode, result.stdout) == (0, "✅ The image cannot be pulled.\n")
    data = _data(ollama)
    assert "/dev/stdin is:\nName: web\nReason: ImagePullBackOff\nDB_PASSWORD=[hidden-1]" in data
    assert "kX82" not in json.dumps(ollama.chats) + result.stderr


def test_data_keeps_within_the_budget(ollama: FakeOllama, shell: Agent) -> None:
    ollama.script(call("final_answer", answer="Many lines."))
    assert shell("seq 200000 | agent 'what is wrong here?'").returncode == 0
    data = _data(ollama)
    assert len(data) < 5000
    assert "\n1\n2\n" in data
    assert "\n200000" in data
    assert "left out" in data


def test_a_slow_producer_is_waited_for(ollama: FakeOllama, shell: Agent) -> None:
    ollama.script(call("final_answer", answer="Five."))
    result = shell("for n in 1 2 3 4 5; do echo line $n; sleep 0.4; done | agent 'what is wrong here?'")
    assert result.returncode == 0
    assert "line 1\nline 2\nline 3\nline 4\nline 5" in _data(ollama)


def test_a_producer_that_never_ends_is_cut(ollama: FakeOllama, shell: Agent) -> None:
    ollama.script(call("final_answer", answer="No end."))
    result = shell("yes nothing | tr n '\\0' | agent 'what is wrong here?'")
    assert result.returncode == 0
    assert "Standard input did not end: what came so far is used.\n" in result.stderr
    assert len(json.dumps(ollama.chats[0])) < 40_000


def test_a_pipe_that_says_nothing_is_left_out_after_a_second(ollama: FakeOllama, agent: Agent) -> None:
    ollama.script(call("bash", command="echo one"), DONE)
    reading, writing = os.pipe()
    try:
        result = agent("list the files", stdin=reading)
    finally:
        os.close(reading)
        os.close(writing)
    assert "Standard input gave nothing in time and was left out" in result.stderr
    assert result.stdout == "✅ Done.\n"
    assert ollama.chats[0]["messages"][-1]["content"] == "list the files"


@pytest.mark.parametrize("line", ["agent 'list the files' < /dev/null", "agent 'list the files' <&-"])
def test_no_standard_input_is_no_data_and_no_notice(line: str, ollama: FakeOllama, shell: Agent) -> None:
    ollama.script(call("bash", command="echo one"), DONE)
    result = shell(line)
    assert (result.returncode, "tandard input" in result.stderr) == (0, False)
    assert ollama.chats[0]["messages"][-1]["content"] == "list the files"


def test_no_stdin_leaves_the_pipe_alone(ollama: FakeOllama, shell: Agent) -> None:
    ollama.script(call("bash", command="echo one"), DONE)
    result = shell("printf 'first\\nsecond\\n' | { agent --no-stdin 'list the files'; cat; }")
    assert result.stdout == "✅ Done.\nfirst\nsecond\n"
    assert ollama.chats[0]["messages"][-1]["content"] == "list the files"


def test_a_file_with_the_task_leaves_standard_input_for_data(
    ollama: FakeOllama, shell: Agent, tmp_path: Path
) -> None:
    (tmp_path / "task.txt").write_text("what is wrong here?\n")
    ollama.script(call("final_answer", answer="Nothing."))
    assert shell("echo 'Reason: OOMKilled' | agent -f task.txt").returncode == 0
    assert "Reason: OOMKilled" in _data(ollama)


# --- places -----------------------------------------------------------------------------------------------


def test_it_works_in_the_folder_that_is_named(ollama: FakeOllama, agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "sub folder").mkdir()
    ollama.script(call("bash", command="touch made"), DONE)
    assert agent("--cwd", "sub folder", "--yes", "touch the file made").returncode == 0
    assert (tmp_path / "sub folder" / "made").exists()


KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "prod",
    "contexts": [
        {"name": name, "context": {"cluster": name, "user": "me", "namespace": "default"}}
        for name in ("prod", "lab")
    ],
    "clusters": [{"name": name, "cluster": {"server": f"https://{name}:6443"}} for name in ("prod", "lab")],
    "users": [{"name": "me", "user": {}}],
}


@pytest.fixture
def kubectl(tmp_path: Path) -> Mapping[str, str]:
    """An environment whose `kubectl` tells the files that it is given."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "kubectl"
    program.write_text(
        '#!/bin/sh\necho "$*" >> "$HOME/asked"\nIFS=:\nfor file in $KUBECONFIG; do cat "$file"; done\n'
    )
    program.chmod(0o755)
    config = tmp_path / "kubeconfig"
    config.write_text(json.dumps(KUBECONFIG))
    return {"PATH": f"{program.parent}:{os.environ['PATH']}", "KUBECONFIG": str(config)}


def test_context_and_namespace_count_for_the_run_and_the_users_file_stays(
    kubectl: Mapping[str, str], ollama: FakeOllama, agent: Agent
) -> None:
    before = Path(kubectl["KUBECONFIG"]).read_text()
    ollama.script(call("bash", command="kubectl get pods; kubectl config view | head -n 1"), DONE)
    result = agent("--context", "lab", "-n", "shop", "-v", "list the pods there", env=dict(kubectl))
    assert result.returncode == 0
    seen = result.stderr
    assert re.search(r'"?current-context"?: "?lab', seen)
    assert re.search(r'"?namespace"?: "?shop', seen)
    assert Path(kubectl["KUBECONFIG"]).read_text() == before


def test_a_context_that_is_none_is_one_line_and_exit_code_2(kubectl: Mapping[str, str], agent: Agent) -> None:
    result = agent("--context", "lba", "list the pods", env=dict(kubectl))
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "lba" in result.stderr


# --- exit codes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "task", "replies", "code"),
    [
        ([], "list the files", [call("bash", command="ls"), DONE], 0),
        (["--yes"], "create the folder x/y", [call("bash", command="mkdir x/y")] + [DONE] * 6, 1),
        (["--max-steps", "2"], "list the files", [call("bash", command=f"echo {n}") for n in range(3)], 1),
        (["--max-steps", "none"], "list the files", [DONE], 2),
        ([], "list the files", [Reply(status=500, error="out of memory")], 3),
        (["--read-only"], "touch made", [call("bash", command="touch made")] + [DONE] * 6, 4),
        (["--yes"], "delete everything", [call("bash", command="rm -rf /")] + [DONE] * 6, 4),
    ],
    ids=["done", "failed", "steps", "usage", "engine", "mode", "never"],
)
def test_the_exit_code_is_that_of_the_readme(
    flags: list[str], task: str, replies: list[Reply], code: int, ollama: FakeOllama, agent: Agent
) -> None:
    ollama.script(*replies)
    result = agent(*flags, task)
    assert result.returncode == code, result.stderr
    assert f"| {code} |" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "Traceback" not in result.stderr
