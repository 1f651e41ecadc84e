"""What was done in a session, done again: by its script, and by the runbook that was made of it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_ollama import FakeOllama, call

from conftest import Python

PAGE = "<h1>It's Größe 5</h1>\n  $HOME `date`\n"
TASK = "Publish the landing page into the folder site"


@pytest.fixture
def agent(ollama: FakeOllama, python: Python) -> Callable[..., Any]:
    """Runs the program, whose requests go to the fake."""

    def run(*arguments: str, **kwargs: Any) -> Any:
        return python("-m", "devops_agent", *arguments, env={"OLLAMA_HOST": ollama.url}, **kwargs)

    return run


@pytest.fixture
def typed(ollama: FakeOllama, agent: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """A session in which files were made, looked at, and missed; then some lines are typed."""

    def play(*lines: str) -> Any:
        folder = tmp_path / "first"
        folder.mkdir()
        ollama.script(
            call("bash", command="mkdir -p site && cp /no/such/page site/"),
            call("write_file", path="site/index.html", content=PAGE),
            call("bash", command="printf '%s\n' one two > site/list.txt; wc -l < site/list.txt"),
            call("bash", command="echo API_KEY=kX82-mQ7vLp > site/app.env"),
            call("final_answer", answer="The page is published."),
            call("bash", command="sed -i.bak s/two/three/ site/list.txt && rm site/list.txt.bak"),
            call("final_answer", answer="The list is changed."),
        )
        tasks = (TASK, "Replace the word two by three in the list of the folder site")
        text = "".join(f"{line}\n" for line in (*tasks, *lines))
        return agent("--cwd", str(folder), "--yes", "-i", input=text)

    return play


def test_the_script_of_a_session_does_the_same_in_another_folder(
    typed: Callable[..., Any], tmp_path: Path
) -> None:
    ended = typed("/export script ../again.sh", "/export script ../again.sh")
    assert ended.returncode == 0
    assert "Wrote ../again.sh" in ended.stdout
    assert "../again.sh exists already. Choose another name, or remove it first." in ended.stderr
    script = tmp_path / "again.sh"
    assert script.stat().st_mode & 0o100
    text = script.read_text()
    assert "kX82" not in text
    assert "# --- 1. Publish the landing page into the folder site" in text
    assert "# ✅ The list is changed." in text
    second = tmp_path / "second"
    second.mkdir()
    asked = subprocess.run(["bash", script], cwd=second, capture_output=True, text=True)
    assert asked.returncode != 0
    assert "HIDDEN_1: set it to what the session showed as [hidden-1]" in asked.stderr
    assert not list(second.iterdir())
    env = {"PATH": "/usr/bin:/bin", "HIDDEN_1": "kX82-mQ7vLp"}
    ran = subprocess.run(["bash", script], cwd=second, capture_output=True, text=True, env=env)
    assert (ran.returncode, ran.stderr) == (0, "")
    first = tmp_path / "first"
    assert _files(second) == _files(first)
    assert (second / "site" / "index.html").read_text() == PAGE
    assert (second / "site" / "list.txt").read_text() == "one\nthree\n"


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_document_of_a_session_is_the_one_of_the_command(
    typed: Callable[..., Any], agent: Callable[..., Any], tmp_path: Path
) -> None:
    typed("/export markdown ../session.md")
    document = (tmp_path / "session.md").read_text()
    for part in (TASK, "cp /no/such/page site/", "Exit code 1", "The list is changed.", "[hidden-1]"):
        assert part in document
    assert "kX82" not in document
    [listed] = [json.loads(line) for line in agent("sessions", "list", "--json").stdout.splitlines()]
    exported = agent("sessions", "export", listed["id"]).stdout
    assert exported == document


def test_a_runbook_of_a_session_is_listed_and_offered_for_the_task(
    typed: Callable[..., Any], ollama: FakeOllama, agent: Callable[..., Any], home: Path
) -> None:
    ended = typed("/runbook save publish-landing-page", "/runbook save publish-landing-page", "/runbook save")
    path = home / ".config" / "devops-agent" / "runbooks" / "publish-landing-page.md"
    assert f"Saved as {path}" in ended.stdout
    assert f"{path} exists already." in ended.stderr
    assert "Name the runbook: /runbook save scale-web." in ended.stderr
    text = path.read_text()
    assert "Write site/index.html:" in text
    assert "kX82" not in text
    assert "cp /no/such/page" not in text
    listed = agent("runbooks", "list").stdout
    assert "publish-landing-page             Publish landing page" in listed.splitlines()
    before = len(ollama.chats)
    ollama.script(call("final_answer", answer="It was not published."))
    again = agent("--max-steps", "1", TASK)
    assert "Runbook: Publish landing page\n" in again.stderr
    first = json.dumps(ollama.chats[before], ensure_ascii=False)
    assert "site/list.txt" in first


def test_a_session_that_changed_nothing_makes_no_runbook_and_no_traceback(
    ollama: FakeOllama, agent: Callable[..., Any]
) -> None:
    ollama.script(call("bash", command="ls"), call("final_answer", answer="Nothing."))
    ended = agent("-i", input="/export\nlist the files\n/runbook save nothing\n/export nonsense\n")
    assert ended.returncode == 0
    assert [line for line in ended.stderr.splitlines() if line.startswith("devops-agent: ")] == [
        "devops-agent: There is no task in this session yet.",
        "devops-agent: Nothing here changed something and succeeded, so there is no runbook in it.",
        "devops-agent: 'nonsense' is no form. Use /export markdown or /export script, and a file.",
    ]
