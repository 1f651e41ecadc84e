"""What every test gets: a home, a working directory and an environment of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # for plain `pytest` as for `python -m pytest`

from child import Child  # noqa: E402
from console import Console  # noqa: E402
from fake_ollama import FakeOllama  # noqa: E402

_KEPT = "DEVOPS_AGENT_TEST_MODEL"
_REMOVED = ("OLLAMA_HOST", "REQUIRE_APPROVAL", "SMOLAGENTS_LOG_LEVEL", "NO_COLOR")

# By how much longer than alone something may take where other tests keep the other cores busy.
PATIENCE = 1 if os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1") == "1" else 4

Python = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def _isolated(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        own = name.startswith("DEVOPS_AGENT_") and name != _KEPT
        if own or name in _REMOVED or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("DEVOPS_AGENT_KEEP_ALIVE", "0")  # no engine outlives its test
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for kind in ("CONFIG", "CACHE", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(home / f".{kind.lower()}"))
    monkeypatch.chdir(tmp_path)
    # nobody is asked, also where the tests run on a terminal
    monkeypatch.setattr("devops_agent.approval._TTY", home / "no-terminal")


@pytest.fixture
def home() -> Path:
    """The home directory of this test."""
    return Path(os.environ["HOME"])


@pytest.fixture
def python() -> Python:
    """Runs this Python in the test's working directory, with the project importable."""

    def run(*arguments: str, env: dict[str, str] | None = None, **kwargs: Any) -> Any:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **(env or {})}
        if "input" not in kwargs:
            kwargs.setdefault("stdin", subprocess.DEVNULL)
        kwargs.setdefault("start_new_session", True)  # without the terminal on which the tests may run
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False, **kwargs
        )

    return run


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    """A fake of Ollama on a free port of the loopback."""
    with FakeOllama() as server:
        yield server


@pytest.fixture
def agent(ollama: FakeOllama, python: Python) -> Python:
    """Runs the program, whose requests go to the fake."""

    def run(*arguments: str, **kwargs: Any) -> Any:
        env = {"OLLAMA_HOST": ollama.url, **kwargs.pop("env", {})}
        return python("-m", "devops_agent", *arguments, env=env, **kwargs)

    return run


@pytest.fixture
def child(ollama: FakeOllama) -> Iterator[Callable[..., Child]]:
    """Starts the program as a child that lives on; the arguments are those of `Child` behind its first."""
    started: list[Child] = []

    def begin(*arguments: str, **given: Any) -> Child:
        started.append(Child(ollama.url, *arguments, **given))
        return started[-1]

    yield begin
    for each in started:
        each.process.kill()
        each.process.communicate()


@pytest.fixture
def start(ollama: FakeOllama) -> Iterator[Callable[..., Console]]:
    """Starts the program on a pseudo-terminal; the arguments are those of `Console` behind its first."""
    started: list[Console] = []

    def begin(*arguments: str, **given: Any) -> Console:
        started.append(Console(ollama.url, *arguments, **given))
        return started[-1]

    yield begin
    for console in started:
        console.destroy()


@pytest.fixture
def console(start: Callable[..., Console]) -> Console:
    """A session on a pseudo-terminal."""
    return start()
