"""The briefing: what stands behind the task before the first step, made by code.

It comes behind the fixed prompt, so that the engine's prefix cache keeps that.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devops_agent import events, grounding, runbook_library, schedules
from devops_agent.grounding import Ground
from devops_agent.recipes import Form, form_of
from devops_agent.runbook_library import Runbook

# Below this a runbook shares a word or two with the task; BM25 has no scale of its own, so it was measured.
_FITS = 9.0


@dataclass(frozen=True)
class Briefing:
    """What the model is told with its task.

    Attributes:
        ground: What was looked up.
        recipe: The runbook that fits.
        form: Its commands as a form.
    """

    ground: Ground = field(default_factory=Ground)
    recipe: str = ""
    form: Form | None = None

    def __str__(self) -> str:
        parts = []
        if facts := str(self.ground):
            parts.append(f"Looked up just now:\n{facts}")
        if self.recipe:
            how = f"\n{self.form.description}" if self.form else ""
            parts.append(f"A recipe that may help:\n{self.recipe}{how}")
        return "\n\n".join(parts)


# Given a task, and what asks the user whether anything may be looked up.
Briefer = Callable[[str, Callable[[], bool]], Briefing]


def none(task: str, may_look_up: Callable[[], bool]) -> Briefing:
    """The briefer that says nothing."""
    return Briefing()


def briefer(
    runbooks: Mapping[str, Runbook], directory: Path, listener: events.Listener, ground: bool = True
) -> Briefer:
    """A briefer that looks up what a task names, and finds the runbook for it."""

    def brief(task: str, may_look_up: Callable[[], bool]) -> Briefing:
        wanted = ground and grounding.names_something(task, os.environ) and may_look_up()
        found = grounding.look_up(task, directory, os.environ) if wanted else Ground()
        if str(found):
            listener(events.Grounded(str(found)))
        schedule = schedules.cron_of(task)
        known = {**found.names, "schedule": schedule} if schedule else found.names
        runbook = runbook_library.best(runbooks, task, grounding.field_of(task), known, _FITS)
        if runbook is None:
            return Briefing(found)
        listener(events.Notice(f"Runbook: {runbook.title}"))
        return Briefing(found, runbook.recipe(known), form_of(runbook, known))

    return brief


def folders(config: Path, directory: Path) -> Sequence[Path]:
    """Where a user's and a project's own runbooks lie; the later count more."""
    return (config / "runbooks", directory / ".devops-agent" / "runbooks")
