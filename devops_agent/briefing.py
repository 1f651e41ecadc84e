"""The briefing: what stands behind the task before the first step, made by code.

It comes behind the fixed prompt, so that the engine's prefix cache keeps that.
"""

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from devops_agent import events, grounding, intent, runbook_library, schedules
from devops_agent.forms import compose_service
from devops_agent.forms.compose_service import ComposeService
from devops_agent.forms.computed_edit import computed
from devops_agent.forms.form import FileEdit, Form
from devops_agent.forms.json_edit import JsonEdit
from devops_agent.forms.line_edit import LineEdit, actions
from devops_agent.forms.recipe import RecipeForm, are_apart, form_of, form_of_commands, joined, may_be_joined
from devops_agent.forms.rewrite import Rewrite
from devops_agent.grounding import Ground, repository
from devops_agent.grounding.task_words import CREATES
from devops_agent.limits import makes_exception
from devops_agent.runbook_library import OPTION, Runbook

# Below this a runbook shares a word or two with the task; BM25 has no scale of its own, so it was measured.
_FITS = 5.0
# The stem with which a recipe begins that deletes something.
_REMOVES = "remov"
# What recipes make, by the names that are known when it is there; and a task that wants one more.
_MAKES = {
    "container": re.compile(r"docker run\b.*--name \{container\}"),
    "directory": re.compile(r"^mkdir -p -- \{directory\}", re.MULTILINE),
    "network": re.compile(r"^docker network create \{network\}", re.MULTILINE),
    "volume": re.compile(r"^docker volume create \{volume\}", re.MULTILINE),
}
# Where the task names none of these, a recipe for one is about something else.
_VALUES = {"port": re.compile(r"(?i:\bports?\b)|\b\d{2,5}\b"), "url": re.compile(r"(?i:\burls?\b)|https?:")}
_KINDS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")
# What is to be written is no recipe, whatever it shall do.
_WRITES_SCRIPT = re.compile(r"\b(?:write|create|make)\s+(?:me )?an?\s+(?:\w+\s+)?script\b", re.IGNORECASE)
# What makes an object in the cluster, by the placeholder of its name.
_CREATES_OBJECT = (
    r"create {0}(?: \w+)? \{{{0}\}}|^kind: \w+\nmetadata:\n  name: \{{{0}\}}|kubectl \S+ \S+ run \{{{0}\}}"
)
# That an object itself is to go, and not something in it or on it.
_OF_OBJECT = (
    r"(?!['’]s\b)(?! (?:ports?|keys?|labels?|annotations?|images?|limits?|accounts?|probes?|selectors?"
    r"|quotas?|polic\w+|rules?|entr\w+|values?|env\w*|variables?|volumes?|pods?|containers?|finalizers?|bindings?|roles?"
    r"|logs?|events?|replicas?|history|revisions?)\b)"
)
_DELETED = {
    kind: re.compile(
        r"\b(?:delete|remove|drop|rid of|wipe|purge|decommission|tear down) "
        rf"(?:(?!(?:from|of|in|on|to|with|key|image)\b)[\w-]+ ){{0,3}}?(?:{said})\b{_OF_OBJECT}",
        re.IGNORECASE,
    )
    for kind, said in {
        "job": "job",
        "cronjob": "cron ?job",
        "deployment": "deployment",
        "service": "service",
        "configmap": "config ?map",
        "secret": "secret",
        "ingress": "ingress",
        "pvc": "pvc|claim",
        "namespace": "namespace",
    }.items()
}
# What a task must speak of for a recipe that runs the program.
_PROGRAMS = {
    r"^git ": repository.GIT,
    r"Dockerfile": re.compile(r"\b(?:dockerfile|images?|(?:docker|contain)eri[sz]e|build)\b", re.IGNORECASE),
    r"\bchmod ": re.compile(
        r"\b(?:permissions?|modes?|chmod|execut\w*|run(?:nable)?|read\w*|writ\w*|owner|access\w*|lock|rights?|private"
        r"|start|[0-7]{3,4})\b",
        re.IGNORECASE,
    ),
    r"xargs -0r sha256sum": re.compile(r"\b(?:every\w*|all|each|files)\b", re.IGNORECASE),
    r"(?:live|readi)nessProbe|startupProbe": re.compile(
        r"\bprobes?\b|\bhealth|\b(?:live|readi)ness", re.IGNORECASE
    ),
    r"find \S+ -type f -printf '%s": re.compile(r"\bfiles?\b", re.IGNORECASE),
    r"nodeSelector": re.compile(r"\bnodes?\b|\bselector|\bpin\b", re.IGNORECASE),
    r"kind: LimitRange": re.compile(r"\bdefaults?\b|\blimit ?range|\b(?:each|per) container", re.IGNORECASE),
    r"custom-columns=:metadata.name": re.compile(r"\bnames\b|\blist\b", re.IGNORECASE),
    r"^touch ": re.compile(r"\bempty (?:text )?file\b|\btouch\b", re.IGNORECASE),
    r"^useradd ": re.compile(r"\b(?:new|create|add|make)\b[^.;]{0,20}\b(?:user|account)\b", re.IGNORECASE),
    r"^helm ": re.compile(r"\b(?:helm|charts?)\b", re.IGNORECASE),
    r"\bcrontab ": re.compile(r"\bcron|\bschedul|\bevery\b|\bdaily|\bnight|\bhourly|\bweek", re.IGNORECASE),
    r"^(?:nginx|.*/nginx/)": re.compile(r"\bnginx|\bproxy|\bsite", re.IGNORECASE),
    r"^(?:systemctl|journalctl) ": re.compile(
        r"\b(?:services?|systemd|units?|boot|journal\w*|daemons?|systemctl|timers?|servers?|logs?)\b",
        re.IGNORECASE,
    ),
}
# A task without one of these wants nothing new.
_CREATES = re.compile(
    rf"{CREATES.pattern}|\b(?:another|build|deploy|define|issue|like|prepare|provide|request"
    r"|reserve|store|(?:docker|container)i[sz]e|(?:put|save)\b.*\binto an?|(?:put|set) an?|wants?|as an?)\b",
    re.IGNORECASE,
)
_CREATED = "creat"
# What stands in quotes is a value, and says nothing of what is wanted.
_QUOTED = re.compile(r"[\"“`][^\"”`]{1,80}[\"”`]")
# "# in a stateful set: kubectl …"
_ALTERNATIVE = re.compile(r"^# .*", re.MULTILINE)
_RUNS = re.compile(r"\b(?:run|create|launch|spin up|another|new)\b", re.IGNORECASE)
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
    if told.ground.settled or _WRITES_SCRIPT.search(task):
        return told
    changes, about = told.changes, grounding.field_of(task)
    if told.ground.trouble and not changes:
        return told  # the findings are the answer

    if changes and told.ground.selected:
        return replace(told, form=form_of_commands("Those that are meant", told.ground.selected))
    there = {name for name in (*told.ground.names, *told.ground.kinds) if name not in told.ground.new}
    usable = _usable(runbooks, task, {*known, *there}, there)

    def fitting(text: str) -> Runbook | None:
        # one that changes something is no help with a question, nor the other way round
        return runbook_library.best(usable, text, about, known, _FITS, wanted, changes)

    wanted = _QUOTED.sub(" ", intent.without_negations(task))
    runbook = fitting(wanted)
    mend = next((finding.suggestion for finding in told.ground.trouble if finding.suggestion), "")
    if changes and told.trouble and len(told.ground.mended) == 1:
        path, better = next(iter(told.ground.mended.items()))
        return replace(told, form=Rewrite(path, *better))
    if mend and told.trouble and not (runbook and runbook.only_if_asked):
        return replace(told, form=form_of_commands("", _as_asked(mend, task)))
    own = form_of(runbook, known, task) if runbook else None
    edit = _edit(told.ground, task) if changes else None
    if (
        runbook is None
        or isinstance(edit, Rewrite)
        or (edit and _is_about_file(task, edit.path, told.ground, own))
    ):
        return replace(told, form=edit)
    if runbook.verb == _REMOVES and makes_exception(task):
        return told  # it would take all
    if told.ground.informs and not changes and not (own and own.look):
        return told  # the facts are the answer, and what is still to be filled in leads away from them
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


def _in_order(forms: Sequence[RecipeForm], own: RecipeForm | None) -> Sequence[RecipeForm]:
    """What a task wants thing by thing, when the form that fits the whole task best is one of them."""
    if own is None:
        return []
    each: list[RecipeForm] = []
    for form in forms:
        each += [form] if are_apart([*each, form]) else []
    return each if own in each else [own]


def _usable(
    runbooks: Mapping[str, Runbook], task: str, known: Collection[str], there: Collection[str]
) -> dict[str, Runbook]:
    """The runbooks without those that make what is there already, or are about what a task does not name."""
    makes = [] if _RUNS.search(task) else [makes for name, makes in _MAKES.items() if name in there]
    makes += [re.compile(_CREATES_OBJECT.format(name), re.MULTILINE) for name in there]
    deletes = [kind for kind, said in _DELETED.items() if not said.search(task)]
    makes += [re.compile(rf" delete {kind} \{{") for kind in deletes]
    no_new = not _CREATES.search(task)
    foreign = [runs for runs, said in _PROGRAMS.items() if not said.search(task)]
    unsaid = [name for name, said in _VALUES.items() if not said.search(task)]
    if "namespace" in known:
        unsaid += [kind.lower() for kind in _KINDS if not grounding.speaks_of(kind, task)]
    strange = [f"{{{name}}}" for name in unsaid if name not in known]

    def fits(text: str) -> bool:
        needed = OPTION.sub("", _ALTERNATIVE.sub("", text))
        return not any(placeholder in needed for placeholder in strange)

    def suits(runbook: Runbook) -> bool:
        if runbook.own and no_new and runbook.verb == _CREATED:
            return False
        foreign_ones = foreign if runbook.own else ()
        return not any(re.search(runs, runbook.text, re.MULTILINE) for runs in foreign_ones)

    return {
        name: runbook
        for name, runbook in runbooks.items()
        if suits(runbook)
        and not any(pattern.search(runbook.text) for pattern in makes)
        and fits(runbook.text)
    }


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


# "Put a comment into app.ini", "Change app.ini so that"
_INTO_FILE = (
    r"\b(?:add|set|change|put|insert|append|update|bump|replace|edit|modify|adjust|extend|uncomment|comment"
    r"|enable|disable|remove|delete|increase|raise|lower|turn|switch|rename)\b[^.;]*?"
    r"(?:\b(?:to|in|into|from|of)\s+(?:the\s+|my\s+|our\s+)?(?:file\s+)?|\s(?:the\s+)?)[\"'`]?"
)


# "Convert config.yaml to config.json": a file is made of another, which stays as it is.
_MAKES_ANOTHER = re.compile(
    r"\b(?:convert|split|generate|render|mask)\b|\bsave (?:\w+ )?as\b|\bwith the same keys\b", re.IGNORECASE
)


def _is_about_file(task: str, path: str, ground: Ground, recipe: RecipeForm | None) -> bool:
    """Whether a task wants the text of that file changed, other than by a recipe that does so."""
    if recipe and recipe.path:
        kinds = {Path(each).suffix.replace(".yml", ".yaml") for each in (recipe.path, path)}
        return len(kinds) == 1  # it would write another file of the kind
    if recipe and path in recipe.template:
        return False
    in_cluster = ground.namespace or ground.names.keys() & {"deployment", "pod", "service"}
    return not in_cluster and _wants_changed(task, path)


def _wants_changed(task: str, path: str) -> bool:
    return bool(re.search(_INTO_FILE + re.escape(path), task, re.IGNORECASE))


def _edit(ground: Ground, task: str) -> FileEdit | Rewrite | None:
    """An edit of the one short file that the task names, or wants changed among several."""
    several = {path: text for path, text in ground.texts.items() if len(text.splitlines()) > 1}
    meant = [path for path in several if len(several) == 1 or _wants_changed(task, path)]
    if len(meant) != 1:
        return None
    path, text = meant[0], several[meant[0]]
    if _MAKES_ANOTHER.search(task):
        return None
    if known := computed(path, text, task):
        return known
    if compose_service.wanted(task, path):
        return ComposeService(path, text, task)
    by_value, by_line = JsonEdit(path, text), LineEdit(path, text, actions(task, path))
    if path.endswith(".json") and len(by_value.settings) > 1:
        return by_value
    return by_line if len(by_line.lines) > 1 else None


def folders(config: Path, directory: Path) -> Sequence[Path]:
    """Where a user's and a project's own runbooks lie; the later count more."""
    return (config / "runbooks", directory / ".devops-agent" / "runbooks")
