"""README.md, read as a user would: each command in it is typed, each file that it names is there."""

import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from console import Console
from fake_ollama import FakeOllama, call

from conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
# What needs a host that the tests cannot reach.
NOT_RUN = {
    "git clone": "the repository's host",
    "curl -fsSL": "the same; test_install.py runs that script through a pipe",
    "docker run": "the image's registry; tests/image/build builds it",
    "hf download": "Hugging Face",
    "ollama create": "an Ollama with the file of the model",
}
# What is run by what runs this.
ITSELF = ("./run-tests",)
# Where there is nothing yet, and nobody to ask, a command ends with another exit code than 0.
EXIT_CODES = {
    "devops-agent -a": 4,  # nobody is there to approve
    "devops-agent --context": 1,  # the model that is played changes nothing
    "devops-agent diagnose": 2,  # no cluster
    "devops-agent undo": 2,  # nothing was changed
    "devops-agent tune": 3,  # no model yet
    "devops-agent doctor": 1,  # it lacks much
}
SESSION = "devops-agent"
# All that it knows is a context.
KUBECTL = """\
case "$*" in
    "config view"*) echo '{"contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}]}' ;;
    *) exit 1 ;;
esac"""


def commands() -> Iterator[str]:
    """The commands of README.md, as they stand in its blocks for a shell."""
    for kind, block in re.findall(r"^```(bash|console)\n(.*?)^```", README, re.MULTILINE | re.DOTALL):
        joined = block.replace("\\\n", " ")
        for line in joined.splitlines():
            is_typed = kind == "bash" or line.startswith("$ ")
            command = re.sub(r"\s{2,}#.*", "", line.removeprefix("$ ")).strip()
            if is_typed and command:
                yield " ".join(command.split())


def beginning(command: str) -> str:
    """That beginning under which a command stands in the tables above."""
    return next((each for each in (*NOT_RUN, *EXIT_CODES) if command.startswith(each)), "")


TYPED = [each for each in commands() if beginning(each) not in NOT_RUN and each not in ITSELF]


def test_all_but_five_are_typed() -> None:
    left_out = [each for each in commands() if beginning(each) in NOT_RUN]
    assert len(left_out) == len(NOT_RUN) <= 5
    assert len(TYPED) > 20


@pytest.fixture
def machine(tmp_path: Path, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch, home: Path) -> FakeOllama:
    """A machine with the agent on its PATH, and with what the commands name."""
    (tmp_path / "bin").mkdir()
    for path in (tmp_path / "bin/devops-agent", tmp_path / "devops-agent"):
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m devops_agent "$@"\n')
        path.chmod(0o755)
    for name, told in {"kubectl": KUBECTL, "pip": f'exec "{sys.executable}" -m pip "$@"'}.items():
        path = tmp_path / f"bin/{name}"
        path.write_text(f"#!/bin/sh\n{told}\n")
        path.chmod(0o755)
    (home / "shop").mkdir()
    (home / "shop/task.txt").write_text("Check disk usage\n")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    ollama.script(call("bash", command="echo fine"), call("final_answer", answer="All is fine."))
    return ollama


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("command", [each for each in TYPED if each != SESSION])
def test_each_command_does_what_it_is_there_for(command: str) -> None:
    ran = subprocess.run(
        ["bash", "-c", command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )
    assert ran.returncode == EXIT_CODES.get(beginning(command), 0), ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.usefixtures("machine")
def test_without_a_task_it_is_a_session(console: Console) -> None:
    assert SESSION in TYPED
    console.task("exit")
    assert console.close() == 0


def test_it_is_short_and_names_what_is_there() -> None:
    assert len(README.splitlines()) < 250
    for target in re.findall(r"\]\(((?!https?:)[^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_its_figures_are_those_of_the_documents_that_have_them() -> None:
    told = {
        name: (ROOT / f"docs/{name}.md").read_text(encoding="utf-8") for name in ("benchmarks", "performance")
    }
    for figure in re.findall(r"\b\d+%", README.partition("## How good")[2].partition("\n## ")[0]):
        assert figure in told["benchmarks"], figure
    for figure in re.findall(r"\b(\d\.\d\d) times", README):
        assert figure in told["performance"], figure


def test_the_comparison_is_that_of_the_runs_that_are_kept() -> None:
    runs: dict[str, list[dict[str, Any]]] = {}
    for line in (ROOT / "benchmarks/results/gptme.jsonl").read_text(encoding="utf-8").splitlines():
        if "task" in (run := json.loads(line)):
            runs.setdefault(run["agent"], []).append(run)
    for agent, done in runs.items():
        passed, seconds = (
            sum(run["passed"] for run in done),
            statistics.median(run["seconds"] for run in done),
        )
        row = rf"^\| {re.escape(agent)}[^|]* \| {passed} of {len(done)} \| {seconds:.0f} \|$"
        assert re.search(row, README, re.MULTILINE), row


def test_the_tree_is_told_of_as_it_is() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no clone")
    there = {name.partition("/")[0] for name in listed.stdout.splitlines()}
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rows = text.partition("## What lies where")[2].partition("\n## ")[0]
    first = "".join(re.findall(r"^\| (.*?) \|", rows, re.MULTILINE))
    assert {name.rstrip("/") for name in re.findall(r"`([^`]+)`", first)} == there


@pytest.mark.parametrize("name", ["Cannot connect to Ollama", "Model not found"])
def test_the_messages_of_its_troubleshooting_are_those_that_are_printed(name: str) -> None:
    assert f"**{name}**" in README
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "ollama_backend.py",))
    assert name in code
