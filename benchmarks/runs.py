"""Runs: tasks times repeats, appended to a file of JSON lines, resumed where they stopped."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from benchmarks.agents import Agent, Outcome
from benchmarks.stage import StageError, staged
from benchmarks.tasks import Task


@dataclass(frozen=True)
class Session:
    """Under what circumstances runs were made: a line of a results file before them."""

    date: str
    commit: str
    machine: str
    versions: dict[str, str]
    command: str


@dataclass(frozen=True)
class Run:
    """One run of a task: a line of a results file.

    Attributes:
        why: What the judge found missing; of a run that could not be staged, why.
        staged: False when the stage could not be set: the run says nothing about the agent.
        false_claim: The task is not done, and the answer says that it is.
        levers: Those that were at work, when they were watched.
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
    why: str = ""
    staged: bool = True
    levers: Sequence[str] = ()


def read(path: Path) -> list[Run]:
    """The runs of a file; none when there is no file."""
    names = {f.name for f in fields(Run)}
    return [Run(**{k: v for k, v in line.items() if k in names}) for line in _lines(path) if "task" in line]


def sessions(path: Path) -> list[Session]:
    """The sessions in which the runs of a file were made."""
    return [Session(**line["session"]) for line in _lines(path) if "session" in line]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.is_file():
        yield from (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line)


def _append(path: Path, line: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def run_all(
    tasks: Sequence[Task],
    agents: Mapping[str, Agent],
    repeats: int,
    context: str,
    out: Path,
    session: Session | None = None,
    share: bool = False,
) -> Iterator[Run]:
    """Runs what the file does not hold yet, and appends each run to it as soon as it is done.

    Several agents take turns on each task, so that what slows the machine slows them all. With `share` they
    stand on one stage, which is for those that change nothing.
    """
    done = {(run.agent, run.task, run.repeat) for run in read(out) if run.staged}
    groups = [list(agents)] if share else [[name] for name in agents]
    for repeat in range(repeats):
        for task in tasks:
            for group in groups:
                missing = {name: agents[name] for name in group if (name, task.name, repeat) not in done}
                for run in _run(task, missing, repeat, context, out.with_suffix(".logs")) if missing else ():
                    if session:
                        _append(out, {"session": asdict(session)})
                        session = None
                    _append(out, asdict(run))
                    yield run


def _run(task: Task, agents: Mapping[str, Agent], repeat: int, context: str, logs: Path) -> Iterator[Run]:
    try:
        with staged(task, repeat, context) as stage:
            for name, agent in agents.items():
                outcome = agent(stage)
                passed, why = stage.judge(outcome.answer)
                _keep(
                    logs / re.sub(r"[^\w.-]+", "_", name) / f"{task.name}-{repeat}.log", outcome, passed, why
                )
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
                    why=re.sub(rf"{re.escape(str(Path.home()))}(?=/)", "~", why),
                    levers=outcome.levers,
                )
    except StageError as error:
        for name in agents:
            yield replace(_blank(task, name, repeat), why=str(error), staged=False)


def _keep(path: Path, outcome: Outcome, passed: bool, why: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"{outcome.log}\n--- answer\n{outcome.answer}\n--- {'passed' if passed else f'failed {why}'}\n",
        encoding="utf-8",
    )


def _blank(task: Task, agent: str, repeat: int) -> Run:
    return Run(agent, task.name, task.split, sorted(task.tags), repeat)
