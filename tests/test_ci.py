"""What CI runs, with stand-ins for the agent and the tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from devops_agent.folders import cache_folder
from devops_agent.model_file import DEFAULT_MODEL


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of `.ci/run` whose task states that a disk is 26% full, as df does, and whose tests all pass."""
    path = tmp_path / "clone"
    (path / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci/run", path / ".ci/run")
    scripts = {
        "devops-agent": "echo '26% of the disk is used.'",
        "run-tests": 'echo "model: $DEVOPS_AGENT_TEST_MODEL"',
        ".venv/bin/python": f'exec "{sys.executable}" "$@"',
        "bin/df": "echo Use%; echo 26%",
    }
    for name, line in scripts.items():
        script = path / name
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(f"#!/bin/sh\n{line}\n")
        script.chmod(0o755)
    return path


def last_line(clone: Path, **env: str) -> str:
    search = f"{clone / 'bin'}:{os.environ['PATH']}"
    result = subprocess.run(
        [clone / ".ci/run"],
        env={**os.environ, "PATH": search, "PYTHONPATH": str(ROOT), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.splitlines()[-1]


def test_the_tests_run_the_model_that_the_task_has_fetched(clone: Path) -> None:
    model = cache_folder(os.environ) / "models" / DEFAULT_MODEL.name
    model.parent.mkdir(parents=True)
    model.touch()
    assert last_line(clone, DEVOPS_AGENT_TEST_MODEL="") == f"model: {model}"


def test_a_model_that_is_named_wins(clone: Path) -> None:
    (clone / "small.gguf").touch()
    assert last_line(clone, DEVOPS_AGENT_TEST_MODEL="small.gguf") == "model: small.gguf"


def test_without_a_model_its_tests_are_skipped(clone: Path) -> None:
    assert last_line(clone, DEVOPS_AGENT_TEST_MODEL="") == "model: "
