"""The briefing: what stands behind the task before the first step, made by code.

It comes behind the fixed prompt, so that the engine's prefix cache keeps that.
"""

import os
import re
import shlex
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from devops_agent import (
    events,
    facts,
    file_answers,
    file_wishes,
    followup,
    grounding,
    intent,
    listing,
    schedules,
)
from devops_agent.facts import Facts
from devops_agent.form_finder import FormFinder
from devops_agent.forms.answer_text import AnswerText
from devops_agent.forms.form import FileEdit, Form
from devops_agent.forms.new_script import NewScript
from devops_agent.forms.recipe import RecipeForm, form_of_commands, joined, may_be_joined
from devops_agent.forms.rewrite import Rewrite
from devops_agent.grounding import Ground
from devops_agent.grounding.task_words import IMAGE
from devops_agent.injection import neutral
from devops_agent.listing import Listing
from devops_agent.patterns import regex
from devops_agent.protocol import format_tool_response
from devops_agent.recipe_choice import Weigh, unweighed
from devops_agent.runbook_library import Runbook
from devops_agent.steps import Step
from devops_agent.task_limits import limits_of, makes_exception

# The stem with which a recipe begins that deletes something.
_REMOVES = "remov"
# What is to be written is no recipe, whatever it shall do.
_WRITES_SCRIPT = regex(
    r"\b(?:write|create|make|need|want)\s+(?:me )?an?\s+(?:(?!(?:for|of|in|from|with)\b)[\w-]+\s+){0,4}?"
    r"(?:script|[\w./-]+\.(?:sh|bash|py|pl|rb|js))\b",
    re.IGNORECASE,
)
_LOOKED_UP_WITH = "devops-agent diagnose"
# So many findings are an answer; of more the model picks what is asked for.
_MOST_FINDINGS = 3
_ASKS = regex(r"\b(?:why|what|which|who|whose|when|where|how)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Briefing:
    """What the model is told with its task.

    Attributes:
        ground: What was looked up.
        recipe: The runbook that fits, when it is no form.
        form: The commands of the runbooks that fit, or an edit of the file that is named, for the model to
            fill in.
        whole: Whether the form does each of several things that the task wants.
        covers: Whether the form, and those for what comes later, do all that the task wants.
        wish: What the form is for, in the words of the task, where that is not all that it wants.
        later: What the task wants after that, in its order.
        look: A command that shows at once what the task asks for, or wants found first, when there is one.
        looked: What it showed.
        listing: The plain list, or the facts, that the task asks for, which the command shows.
        known_answer: The answer, where code knows it and the model need not be asked.
        given: Whether the user gave texts with the task.
        changes: Whether the task is done only when something was changed.
        trouble: Whether the task is about something that does not work.
        question: Whether it asks, about what cluster or engine can tell.
    """

    ground: Ground = field(default_factory=Ground)
    recipe: str = ""
    form: Form | None = None
    whole: bool = False
    covers: bool = False
    wish: str = ""
    later: tuple[Step, ...] = ()
    look: str = ""
    looked: str = ""
    listing: Listing | Facts | None = None
    known_answer: str = ""
    given: bool = False
    changes: bool = False
    trouble: bool = False
    question: bool = False

    @property
    def facts(self) -> str:
        """What was looked up."""
        return "\n".join(filter(None, (str(self.ground), self.looked)))

    @property
    def found(self) -> str:
        """What was looked up, and what of a file stands in the form for its edit."""
        edit = None if isinstance(self.form, RecipeForm) else self.form
        return "\n".join(filter(None, (self.facts, edit.description if edit else "")))

    @property
    def answers(self) -> str:
        """The command whose result the facts are, when they may be all that the task asks for; else ""."""
        to_do = self.changes and not self.ground.settled
        if to_do or self.form or self.recipe or not (self.looked or self.ground.informs):
            return ""
        shown = "; ".join(f"cat {name}" for name in self.ground.texts)
        return self.look or shown or ("diff" if self.ground.compared else _LOOKED_UP_WITH)

    @property
    def decided(self) -> bool:
        """Whether the findings are what the task asks for."""
        found = self.question and self.trouble and bool(self.ground.trouble)
        found = found or self.ground.compared
        return bool(self.answers) and (found or bool(self.changes and self.ground.settled))

    def __str__(self) -> str:
        parts = []
        if self.facts:
            parts.append(f"Looked up just now:\n{format_tool_response(self.facts)}")
        if self.form and not self.form.heading:
            parts.append(neutral(self.form.description))
        elif recipe := str(self.form or "") or self.recipe:
            parts.append(f"A recipe that may help:\n{neutral(recipe)}")
        return "\n\n".join(parts)


# Given a task, and what asks the user whether anything may be looked up.
Briefer = Callable[[str, Callable[[], bool]], Briefing]


def none(task: str, may_look_up: Callable[[], bool]) -> Briefing:
    """The briefer that says nothing."""
    return Briefing()


# The end of a command that prints what has most at the top.
_SORTED = regex(r"(\| sort -\w*r\w*(?: -\S+)*) \| head(?: -n)? ?-?\d+$")


def briefer(
    runbooks: Mapping[str, Runbook],
    directory: Path,
    listener: events.Listener,
    ground: bool = True,
    weigh: Weigh = unweighed,
) -> Briefer:
    """A briefer that looks up what a task names, and finds the runbook for it.

    Args:
        runbooks: The runbooks by name.
        directory: The working directory.
        listener: Told what was looked up, and which runbook was found.
        ground: Whether anything is looked up.
        weigh: How the model is asked which of several runbooks is meant.
    """

    def brief(task: str, may_look_up: Callable[[], bool]) -> Briefing:
        plain = listing.of(task) or facts.asked(task, directory)
        if plain and ground and not plain.namespace:
            return Briefing(look=plain.command, listing=plain)
        wanted = ground and grounding.names_something(task, os.environ) and may_look_up()
        found = grounding.look_up(task, directory, os.environ) if wanted else Ground()
        if str(found):
            listener(events.Grounded(str(found)))
        schedule = schedules.cron_of(task) or schedules.only_schedule(task)
        if not schedule and len(stated := schedules.by_clause(task)) > 1:
            found.lines += [f"{clause!r} is {fields} in cron's fields" for clause, fields in stated.items()]
        if schedule and "cron" in task.lower():
            found.lines.append(f"The schedule in cron's fields: {schedule}")
        known = {**found.names, "schedule": schedule} if schedule else dict(found.names)
        if concurrency := schedules.concurrency_of(task):
            known["concurrency"] = concurrency
        if len(new := file_wishes.to_make(task, directory)) == 1:
            known["new_file"] = new[0]
        trouble = grounding.tells_of_trouble(task)
        field = found.about or grounding.field_of(task)
        question = intent.is_question(task) and field != "system"
        told = Briefing(found, changes=intent.asks_for_change(task), trouble=trouble, question=question)
        if plain and not found.missing:
            return replace(told, look=plain.command if ground else "", listing=plain if ground else None)
        told = _with_recipe(told, runbooks, task, known, directory, listener, weigh)
        look = (told.form.look if told.form else "") or told.look
        if intent.asks_for_the_most(task):
            look = _SORTED.sub(r"\1 | head -1", look)
        return replace(told, look=look if ground else "", known_answer=_diagnosis(told, task))

    return brief


def _diagnosis(told: Briefing, task: str) -> str:
    """The findings, or that there are none, where a task asks for no more: a model adds what is not so."""
    if told.ground.fine and told.question and not told.changes:
        return told.ground.fine
    found = told.ground.trouble if told.decided and told.question and not told.ground.compared else []
    is_all = len(_ASKS.findall(task)) <= 1 and len(found) <= _MOST_FINDINGS
    return "\n".join(map(str, found)) if is_all else ""


def _with_recipe(
    told: Briefing,
    runbooks: Mapping[str, Runbook],
    task: str,
    known: Mapping[str, str],
    directory: Path,
    listener: events.Listener,
    weigh: Weigh,
) -> Briefing:
    changes = told.changes
    if told.ground.settled or ((told.ground.trouble or told.ground.fine) and not changes):
        return told  # the findings are the answer
    if _WRITES_SCRIPT.search(task):
        return _with_script(told, task, directory) if changes else told
    if changes and (form := _form_of_findings(told)):
        return replace(told, form=form, later=_build_behind(form, task))
    finder = FormFinder.of(task, runbooks, told.ground, known, changes, directory, weigh)
    answer = file_answers.wanted(task, directory) if changes else None
    if answer and not (answer.command or _writes(finder.form, answer.path)):
        found = FormFinder.of(answer.what, runbooks, told.ground, known, False, directory, weigh).form
        look = found.look if found else ""
        known_already = look or told.ground.informs
        return replace(told, form=AnswerText(answer.path, answer.part) if known_already else None, look=look)
    runbook = finder.runbook
    mend = next((finding.suggestion for finding in told.ground.trouble if finding.suggestion), "")
    if mend and told.trouble and not (runbook and runbook.only_if_asked):
        path = next((name for name in (".dockerignore", "Dockerfile") if name in mend), "")
        mends = form_of_commands("", _as_asked(mend, task))
        return replace(told, form=mends, later=_build_of(path, task, set()))
    form = finder.form
    if runbook is None or not (form is None or isinstance(form, RecipeForm)):
        runbook = None
    elif runbook.verb == _REMOVES and makes_exception(task) and not _spares(runbook, task):
        return told  # it would take all
    elif told.ground.informs and not changes:
        of_names = any(f"{{{name}}}" in runbook.text for name in known)
        if not (form and form.look and of_names):
            # the facts are the answer; what is to be filled in, or tells of all, leads away from them
            return told
    steps = finder.steps
    recipes = [step.form for step in steps if isinstance(step.form, RecipeForm)]
    whole = len(recipes) == len(steps) > 1 and may_be_joined(recipes)
    first = joined(recipes) if whole else steps[0].form
    if runbook:
        listener(events.Notice(f"Runbook: {first.heading if first else runbook.title}"))
    recipe = runbook.recipe(known) if runbook and not form else ""
    told = replace(told, recipe=recipe, form=first, whole=whole, covers=finder.covers, look=finder.look)
    later = tuple(steps[1:]) or _build_behind(first, task)
    return told if whole else replace(told, wish=steps[0].wish, later=later)


def _writes(form: Form | None, path: str) -> bool:
    """Whether a form writes a file."""
    commands = form.template if isinstance(form, RecipeForm) else ""
    return path in commands or getattr(form, "path", "") == path


def _spares(runbook: Runbook, task: str) -> bool:
    return runbook.spares_one and len(limits_of(task).excepted) == 1


# "build it as api:2", "docker build -t api:2 . fails"
_BUILT_AS = regex(
    rf"\b(?:re)?build\b[^.;]*? (?:as|tagged|named|called|-t) (?:an? |the )?(?:image )?[\"'`]?{IMAGE.pattern}",
    re.IGNORECASE,
)


def _build_behind(form: Form | None, task: str) -> tuple[Step, ...]:
    """The build of the image that a task names, behind the Dockerfile or .dockerignore that it changes."""
    path = form.path if isinstance(form, RecipeForm | FileEdit | Rewrite) else ""
    based = set()
    if isinstance(form, RecipeForm):
        based = {line.split()[1] for line in form.template.splitlines() if line.startswith("FROM ")}
    return _build_of(path, task, based)


def _build_of(path: str, task: str, based: Collection[str]) -> tuple[Step, ...]:
    """The build of the image that a task names and that is none of those on which it is based."""
    path = str(Path(path).with_name("Dockerfile")) if Path(path).name == ".dockerignore" else path
    if not path or not followup.build_of(path, task):
        return ()
    images = set(_BUILT_AS.findall(task)) or {*IMAGE.findall(intent.core(task))}.difference(based)
    if len(images) != 1:
        return ()
    image = images.pop()
    build = form_of_commands("Build a docker image", followup.build_of(path, task, image))
    return (Step(f"build it as {image}", build),)


# "… and run it", but not "run it as a service" or "run it with 3"
_RUNS_SCRIPT = regex(
    r"\b(?:and|then|,) (?:then )?(?:run|execute|start) (?:it|the script|that)"
    r"(?: (?:once|now|and (?:show|tell|give) me (?:the|its) (?:output|result)))?"
    r"\s*(?:[.!]|,? (?:and|then)\b|$)",
    re.IGNORECASE,
)
_INTERPRETERS = {".sh": "bash", ".bash": "bash", ".py": "python3"}


def _with_script(told: Briefing, task: str, directory: Path) -> Briefing:
    """The form for the one script that a task wants written, and behind it what makes that run."""
    made = [path for path in file_wishes.to_make(task, directory) if Path(path).suffix in _INTERPRETERS]
    if len(made) != 1:
        return told
    (path,) = made
    quoted, steps = shlex.quote(path), []
    if re.search(rf"\bexecutable\b|\bchmod\b|\brun (?:it as )?\.?/?{re.escape(path)}", task):
        runs = form_of_commands("Make the script executable", f"chmod +x {quoted}")
        steps.append(Step(f"make {path} executable", runs))
    if _RUNS_SCRIPT.search(task):
        runs = form_of_commands("Run the script", f"{_INTERPRETERS[Path(path).suffix]} {quoted}")
        steps.append(Step(f"run {path}", runs))
    return replace(told, form=NewScript(path), later=tuple(steps))


def _form_of_findings(told: Briefing) -> Form | None:
    """The form that what was looked up comes to: what is meant of several things, or a file put right."""
    if told.ground.selected:
        return form_of_commands("Those that are meant", told.ground.selected)
    if told.trouble and len(told.ground.mended) == 1:
        ((path, better),) = told.ground.mended.items()
        return Rewrite(path, *better)
    return None


_SETS_PORT = regex(r"(docker run .*?-p )\d+(?=:)")
_PORT = regex(r"\b(?:use|with) (?:the )?(?:free )?(?:host )?port (\d{2,5})\b")
_SETS_IMAGE = regex(r"( set image \S+ [^\s=]+=)\S+")


def _as_asked(mend: str, task: str) -> str:
    """A suggestion with the image or host port that the task names, in place of what was found by itself."""
    ports = set(_PORT.findall(task)) if mend.count(" -p ") == 1 else set()
    for sets, named in ((_SETS_IMAGE, set(IMAGE.findall(task))), (_SETS_PORT, ports)):
        mend = sets.sub(rf"\g<1>{named.pop()}", mend) if len(named) == 1 else mend
    return mend
