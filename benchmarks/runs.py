"""Runs: tasks times repeats, appended to a file of JSON lines, resumed where they stopped."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from benchmarks.agents import Agent
from benchmarks.stage import StageError, staged
from benchmarks.tasks import Task

_KEPT_OF_ANSWER = 600


@dataclass(frozen=True)
class Run:
    """One run of a task: a line of a results file.

    Attributes:
        why: What the judge found missing; of a run that could not be staged, why.
        staged: False when the stage could not be set: the run says nothing about the agent.
        false_claim: The task is not done, and the answer says that it is.
    """

    agent: str
    task: str
    split: str
    tags: list[str]
    repeat: int
    passed: bool = False
    false_claim: bool = False
    exit_code: int = 0
    seconds: float = 0.0
    steps: int | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    runbook: bool = False
    answer: str = ""
    why: str = ""
    staged: bool = True


def read(path: Path) -> list[Run]:
    """The runs of a file; none when there is no file."""
    if not path.is_file():
        return []
    names = {f.name for f in fields(Run)}
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line)
    return [Run(**{k: v for k, v in line.items() if k in names}) for line in lines]


def run_all(
    tasks: Sequence[Task], agents: dict[str, Agent], repeats: int, context: str, out: Path
) -> Iterator[Run]:
    """Runs what the file does not hold yet, and appends each run to it as soon as it is done.

    Several agents share a stage, one after the other: that is for those that change nothing.
    """
    done = {(run.agent, run.task, run.repeat) for run in read(out) if run.staged}
    out.parent.mkdir(parents=True, exist_ok=True)
    for repeat in range(repeats):
        for task in tasks:
            missing = {n: a for n, a in agents.items() if (n, task.name, repeat) not in done}
            if not missing:
                continue
            for run in _run(task, missing, repeat, context, out.with_suffix(".logs")):
                with out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(run), ensure_ascii=False) + "\n")
                yield run


def _run(task: Task, agents: dict[str, Agent], repeat: int, context: str, logs: Path) -> Iterator[Run]:
    try:
        with staged(task, repeat, context) as stage:
            for name, agent in agents.items():
                outcome = agent(stage)
                passed, why = stage.judge(outcome.answer)
                if outcome.log:
                    of_agent = logs / re.sub(r"[^\w.-]+", "_", name)
                    of_agent.mkdir(parents=True, exist_ok=True)
                    (of_agent / f"{task.name}-{repeat}.log").write_text(outcome.log, encoding="utf-8")
                yield replace(
                    _blank(task, name, repeat),
                    passed=passed,
                    false_claim=not passed and outcome.claims_success,
                    exit_code=outcome.exit_code,
                    seconds=round(outcome.seconds, 1),
                    steps=outcome.steps,
                    tokens_in=outcome.tokens_in,
                    tokens_out=outcome.tokens_out,
                    runbook=outcome.runbook,
                    answer=outcome.answer.strip()[:_KEPT_OF_ANSWER],
                    why=why,
                )
    except StageError as error:
        for name in agents:
            yield replace(_blank(task, name, repeat), why=str(error), staged=False)


def _blank(task: Task, agent: str, repeat: int) -> Run:
    return Run(agent, task.name, task.split, sorted(task.tags), repeat)
