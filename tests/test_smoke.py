"""Six tasks of the benchmark that need neither Docker nor a cluster, done by the real model.

DEVOPS_AGENT_TEST_MODEL names its GGUF file; smaller models than the default one do fewer of them.
"""

import os
import shlex
import sys
from pathlib import Path

import pytest

from benchmarks import agents, report, runs, tasks
from conftest import ROOT

_MODEL = os.environ.get("DEVOPS_AGENT_TEST_MODEL", "")
# Another processor rounds otherwise, and now and then the model takes another word.
_AT_LEAST = 5


@pytest.mark.skipif(not _MODEL, reason="DEVOPS_AGENT_TEST_MODEL names no GGUF file")
def test_the_real_model_does_the_smoke_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    model = ("--backend", "llama-cpp", "--model-path", str((ROOT / _MODEL).resolve()))
    command = ("env", "DEVOPS_AGENT_KEEP_ALIVE=0", sys.executable, "-m", "devops_agent", *model)
    agent = agents.other(shlex.join([*command, "--", "{prompt}"]))
    suite = tasks.select(tasks.load(), "smoke")
    done = list(runs.run_all(suite, {"devops-agent": agent}, 1, "none", tmp_path / "runs.jsonl"))
    assert len(done) == 6
    assert sum(run.passed for run in done) >= _AT_LEAST, report.failures(done)
