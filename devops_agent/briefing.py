"""The briefing: what stands behind the task before the first step, made by code.

It comes behind the fixed prompt, so that the engine's prefix cache keeps that.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from devops_agent import events, grounding, intent, runbook_library, schedules
from devops_agent.forms.file_edits import edit_of, is_about_file
from devops_agent.forms.form import Form
from devops_agent.forms.recipe import RecipeForm, are_apart, form_of, form_of_commands, joined, may_be_joined
from devops_agent.forms.rewrite import Rewrite
from devops_agent.grounding import Ground
from devops_agent.limits import makes_exception
from devops_agent.runbook_library import Runbook
from devops_agent.suitability import suitable

# Below this a runbook shares a word or two with the task; BM25 has no scale of its own, so it was measured.
_FITS = 5.0
# The stem with which a recipe begins that deletes something.
_REMOVES = "remov"
# What is to be written is no recipe, whatever it shall do.
_WRITES_SCRIPT = re.compile(r"\b(?:write|create|make)\s+(?:me )?an?\s+(?:\w+\s+)?script\b", re.IGNORECASE)
# What stands in quotes is a value, and says nothing of what is wanted.
_QUOTED = re.compile(r"[\"“`][^\"”`]{1,80}[\"”`]")
_LOOKED_UP_WITH = "devops-agent diagnose"


@dataclass(frozen=True)
class Briefing:
    """What the model is told with its task.

    Attributes:
        ground: What was looked up.
        recipe: The runbook that fits, when it is no form.
        form: The commands of the runbooks that fit, or an edit of the file that is named, for the model to
            fill in.
        whole: Whether the form does each of several things that the task wants.
        later: The forms of what the task wants after that, in its order.
        look: A command that shows at once what the task asks for, when there is one.
        looked: What it showed.
        changes: Whether the task is done only when something was changed.
        trouble: Whether the task is about something that does not work.
        question: Whether it asks, about what cluster or engine can tell.
    """

    ground: Ground = field(default_factory=Ground)
    recipe: str = ""
    form: Form | None = None
    whole: bool = False
    later: tuple[Form, ...] = ()
    look: str = ""
    looked: str = ""
    changes: bool = False
    trouble: bool = False
    question: bool = False

    @property
    def facts(self) -> str:
        """What was looked up."""
        return "\n".join(filter(None, (str(self.ground), self.looked)))

    @property
    def answers(self) -> str:
        """The command whose result the facts are, when they may be all that the task asks for; else ""."""
        to_do = self.changes and not self.ground.settled
        if to_do or self.form or self.recipe or not (self.looked or self.ground.informs):
            return ""
        return self.look or "; ".join(f"cat {name}" for name in self.ground.texts) or _LOOKED_UP_WITH

    @property
    def decided(self) -> bool:
        """Whether the findings are what the task asks for."""
        found = self.question and self.trouble and bool(self.ground.trouble)
        return bool(self.answers) and (found or bool(self.changes and self.ground.settled))

    def __str__(self) -> str:
        parts = []
        if self.facts:
            parts.append(f"Looked up just now:\n{self.facts}")
        if self.form and not self.form.heading:
            parts.append(self.form.description)
        elif recipe := str(self.form or "") or self.recipe:
            parts.append(f"A recipe that may help:\n{recipe}")
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
        if not schedule and len(stated := schedules.by_clause(task)) > 1:
            found.lines += [f"{clause!r} is {fields} in cron's fields" for clause, fields in stated.items()]
        known = {**found.names, "schedule": schedule} if schedule else found.names
        trouble = grounding.tells_of_trouble(task)
        question = intent.is_question(task) and grounding.field_of(task) != "system"
        told = Briefing(found, changes=intent.asks_for_change(task), trouble=trouble, question=question)
        told = _with_recipe(told, runbooks, task, known, listener)
        return replace(told, look=told.form.look) if ground and told.form else told

    return brief


def _with_recipe(
    told: Briefing,
    runbooks: Mapping[str, Runbook],
    task: str,
    known: Mapping[str, str],
    listener: events.Listener,
) -> Briefing:
    changes = told.changes
    if told.ground.settled or _WRITES_SCRIPT.search(task) or (told.ground.trouble and not changes):
        return told  # the findings are the answer
    if changes and (form := _form_of_findings(told)):
        return replace(told, form=form)
    wanted = _QUOTED.sub(" ", intent.without_negations(task))
    there = {name for name in (*told.ground.names, *told.ground.kinds) if name not in told.ground.new}
    usable, about = suitable(runbooks, task, {*known, *there}, there), grounding.field_of(task)

    def fitting(text: str) -> Runbook | None:
        # one that changes something is no help with a question, nor the other way round
        return runbook_library.best(usable, text, about, known, _FITS, wanted, changes)

    runbook = fitting(wanted)
    mend = next((finding.suggestion for finding in told.ground.trouble if finding.suggestion), "")
    if mend and told.trouble and not (runbook and runbook.only_if_asked):
        return replace(told, form=form_of_commands("", _as_asked(mend, task)))
    own = form_of(runbook, known, task) if runbook else None
    edit = edit_of(told.ground, task) if changes else None
    if runbook is None or (edit and is_about_file(task, edit, told.ground, own)):
        return replace(told, form=edit)
    if runbook.verb == _REMOVES and makes_exception(task):
        return told  # it would take all
    of_names = any(f"{{{name}}}" in runbook.text for name in known)
    if told.ground.informs and not changes and not (own and own.look and of_names):
        # the facts are the answer; what is to be filled in, or tells of all there is, leads away from them
        return told
    wishes = [wish for wish in intent.wishes(wanted) if intent.asks_for_change(wish)]
    parts = [
        None if part and part.only_if_asked and not (part is runbook or part.is_asked_by(wish)) else part
        for wish, part in zip(wishes, map(fitting, wishes), strict=True)
    ]
    forms = [form for part in parts if part and (form := form_of(part, known, task))]
    whole = runbook in parts and len(parts) == len(forms) == len(set(parts)) > 1 and may_be_joined(forms)
    order = [joined(forms)] if whole else _in_order(forms, own)
    listener(events.Notice(f"Runbook: {order[0].title if order else runbook.title}"))
    form = order[0] if order else None
    return replace(told, recipe=runbook.recipe(known), form=form, whole=whole, later=tuple(order[1:]))


def _form_of_findings(told: Briefing) -> Form | None:
    """The form that what was looked up comes to: what is meant of several things, or a file put right."""
    if told.ground.selected:
        return form_of_commands("Those that are meant", told.ground.selected)
    if told.trouble and len(told.ground.mended) == 1:
        ((path, better),) = told.ground.mended.items()
        return Rewrite(path, *better)
    return None


def _in_order(forms: Sequence[RecipeForm], own: RecipeForm | None) -> Sequence[RecipeForm]:
    """What a task wants thing by thing, when the form that fits the whole task best is one of them."""
    if own is None:
        return []
    each: list[RecipeForm] = []
    for form in forms:
        each += [form] if are_apart([*each, form]) else []
    return each if own in each else [own]


_IMAGE = re.compile(r"(?<![\w/:.-])(?=[\w./-]*[a-z])((?:[\w.-]+(?::\d+)?/)*[\w.-]+:(?!//)[\w.-]*\w)")
_SETS_PORT = re.compile(r"(docker run .*?-p )\d+(?=:)")
_PORT = re.compile(r"\b(?:use|with) (?:the )?(?:free )?(?:host )?port (\d{2,5})\b")
_SETS_IMAGE = re.compile(r"( set image \S+ [^\s=]+=)\S+")


def _as_asked(mend: str, task: str) -> str:
    """A suggestion with the image or host port that the task names, in place of what was found by itself."""
    ports = set(_PORT.findall(task)) if mend.count(" -p ") == 1 else set()
    for sets, named in ((_SETS_IMAGE, set(_IMAGE.findall(task))), (_SETS_PORT, ports)):
        mend = sets.sub(rf"\g<1>{named.pop()}", mend) if len(named) == 1 else mend
    return mend


def folders(config: Path, directory: Path) -> Sequence[Path]:
    """Where a user's and a project's own runbooks lie; the later count more."""
    return (config / "runbooks", directory / ".devops-agent" / "runbooks")
