"""The agents on the stage: DevOps Agent, any other command, and the null agents that do nothing."""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.levers import AT_WORK
from benchmarks.stage import Stage

ROOT = Path(__file__).resolve().parent.parent
TASK_SECONDS = 600

_EXCHANGE = re.compile(r"^--- [\d.]+ s, prompt (\d+|\?) tokens \((\d+|\?) cached\), output (\d+|\?)", re.M)
_RUNBOOK = re.compile(r"^Runbook: ", re.M)
_AT_WORK = re.compile(rf"^{re.escape(AT_WORK)}(.+)$", re.M)
# What an answer says when it does not claim success. Wide on purpose: a false claim counts twice.
_ADMITS = re.compile(
    r"\bnot\b|n't\b|\bno\b|\bnone\b|cannot|unable|fail|error|denied|forbidden|impossible|missing|refuse|unknown"
    r"|invalid|already|without success",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Outcome:
    """What an agent did with a task. None where an agent does not tell.

    Attributes:
        log: What the agent wrote on stderr.
        tokens_in: Prompt tokens that were evaluated, those from the prefix cache left out.
        levers: Those that were at work, when they were watched.
    """

    answer: str
    exit_code: int
    seconds: float
    steps: int | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    runbook: bool = False
    log: str = ""
    levers: tuple[str, ...] = ()

    @property
    def claims_success(self) -> bool:
        """Whether a reader would take the task for done."""
        return self.exit_code == 0 and bool(self.answer.strip()) and not _ADMITS.search(self.answer)


Agent = Callable[[Stage], Outcome]


def devops_agent(arguments: Sequence[str], without: str | None = None) -> Agent:
    """DevOps Agent from this clone.

    Args:
        arguments: For its command line, such as `--backend llama-cpp`.
        without: The lever that is taken away; "" for none, while it is watched which are at work.
    """
    start = [str(ROOT / "devops-agent")]
    if without is not None:
        lever = [without] if without else []
        start = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "benchmarks.levers", *lever, "--"]
    command = [*start, "--verbose", "--yes", *arguments]

    def run(stage: Stage) -> Outcome:
        return run_command([*command, "--", stage.prompt], stage)

    return run


def other(template: str) -> Agent:
    """Any other command; the word `{prompt}` in it is replaced."""
    words = shlex.split(template)

    def run(stage: Stage) -> Outcome:
        return run_command([word.replace("{prompt}", stage.prompt) for word in words], stage)

    return run


def silent(stage: Stage) -> Outcome:
    """Does nothing and says nothing."""
    return Outcome("", 0, 0.0)


def echo(stage: Stage) -> Outcome:
    """Does nothing and repeats the prompt."""
    return Outcome(stage.prompt, 0, 0.0)


def boaster(stage: Stage) -> Outcome:
    """Does nothing and claims success."""
    return Outcome("Done. The task was completed successfully and everything is running now.", 0, 0.0)


NULL_AGENTS = {"silent": silent, "echo": echo, "boaster": boaster}


def run_command(command: list[str], stage: Stage, typed: str = "") -> Outcome:
    """Runs a command on the stage.

    Args:
        command: The words of its command line.
        stage: The stage.
        typed: What it finds on its standard input.
    """
    started = time.monotonic()
    with _file() as keys, _file() as out, _file() as err:
        keys.write(typed)
        keys.seek(0)
        run = subprocess.Popen(
            command,
            cwd=stage.cwd,
            env=stage.env,
            stdin=keys,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            code = run.wait(TASK_SECONDS)
        except subprocess.TimeoutExpired:
            code = 124
        finally:
            _kill(run)
        seconds = time.monotonic() - started
        out.seek(0)
        err.seek(0)
        return _outcome(out.read(), err.read(), code, seconds)


def _file() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")


def _kill(run: "subprocess.Popen[bytes]") -> None:
    if run.poll() is None:
        os.killpg(run.pid, signal.SIGTERM)
        try:
            run.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()


def _outcome(answer: str, log: str, code: int, seconds: float) -> Outcome:
    exchanges = _EXCHANGE.findall(log)
    levers = tuple(_AT_WORK.findall(log))
    if not exchanges:
        return Outcome(answer, code, seconds, log=log, levers=levers)
    prompt, cached, output = (
        sum(int(count) for count in counts if count != "?") for counts in zip(*exchanges, strict=True)
    )
    return Outcome(
        answer,
        code,
        seconds,
        len(exchanges),
        prompt - cached,
        output,
        bool(_RUNBOOK.search(log)),
        log,
        levers,
    )
