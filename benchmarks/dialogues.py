"""Dialogues: tasks of two or three turns, typed into one session; judged as tasks are, after the last turn.

A file of `dialogues/` is one of `tasks/` with `turns` in place of `prompt`. The judge is given the last
answer of the session.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import agents, tasks
from benchmarks.agents import Agent, Outcome
from benchmarks.stage import Stage
from benchmarks.tasks import Task

FOLDER = Path(__file__).resolve().parent / "dialogues"
_ANSWERED = re.compile(r"^(✅|❌) ?", re.MULTILINE)
_GOODBYE = "Goodbye!"


def load(folder: Path = FOLDER) -> list[Task]:
    """All dialogues, by name; the prompt of each is its turns, a line each.

    Raises:
        ValueError: A dialogue is malformed; the text says which and how.
    """
    return tasks.load(folder)


def agent(arguments: Sequence[str]) -> Agent:
    """DevOps Agent from this clone, as one session whose standard input has the turns.

    Args:
        arguments: For its command line, such as `--backend llama-cpp`.
    """
    command = [str(agents.ROOT / "devops-agent"), "--verbose", "--yes", *arguments, "--interactive"]

    def run(stage: Stage) -> Outcome:
        return last_answer(agents.run_command(command, stage, typed=f"{stage.prompt}\n"))

    return run


def last_answer(outcome: Outcome) -> Outcome:
    """What came of a whole session, with its last answer and whether that was one of success."""
    told = outcome.answer.rstrip().removesuffix(_GOODBYE)
    answers = list(_ANSWERED.finditer(told))
    if not answers:
        return replace(outcome, answer="", exit_code=outcome.exit_code or 1)
    code = outcome.exit_code or (0 if answers[-1][1] == "✅" else 1)
    return replace(outcome, answer=told[answers[-1].end() :].strip(), exit_code=code)
