"""Finds the form for a task, and for each of the things that it wants."""

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from devops_agent import (
    grounding,
    intent,
    recipe_choice,
    runbook_library,
)
from devops_agent.files import is_folder
from devops_agent.forms import in_full
from devops_agent.forms.file_edits import edit_of, is_about_file, is_in_file
from devops_agent.forms.form import FileEdit, Form
from devops_agent.forms.recipe import RecipeForm, are_apart, form_of
from devops_agent.forms.rewrite import Rewrite
from devops_agent.forms.selected_files import selection_of
from devops_agent.grounding import Ground
from devops_agent.grounding.files import values_of
from devops_agent.grounding.task_words import PATH
from devops_agent.patterns import LEAD, regex
from devops_agent.recipe_choice import Weigh, unweighed
from devops_agent.runbook_library import Runbook
from devops_agent.steps import Step
from devops_agent.suitability import suiting

# Below this a runbook shares a word or two with the task; BM25 has no scale of its own, so it was measured.
_FITS = 5.0
# From here on asking the model changed 5 of 30 in benchmarks/searches.tsv, three of them for the worse and
# one for the better, so that it need not be asked.
_FITS_SURELY = 9.5
_FINDS = regex(
    r"\s*(?:first |please )*(?:find|count|determine|work out|look up|get|see|check)\b", re.IGNORECASE
)
# What may restrict a wish: a file, a condition, an exception.
_RESTRICTS = regex(
    r"[\w-]\.\w|[*/]|\b(?:if|unless|when|only|need|import|keep|kept|stay|touch|without|except|not|never|skip"
    r"|leav|still|want|must)|n['’]t\b",
    re.IGNORECASE,
)
# Why something may go.
_NOT_NEEDED = regex(
    r"\b(?:is|are)(?:n['’]t| not| no longer) (?:needed|used|in use)(?: any ?more)?\b", re.IGNORECASE
)
_CONDITION = regex(
    r"\b(?:if|unless(?![ -](?:it is |it's |manually )?stop)|provided|in case)\b", re.IGNORECASE
)
# "Start it. Before that, stop the old one."
_TURNS_ROUND = regex(
    r"\b(?:before(?:hand| that| this| doing)|but first|the old (?:one|container|image|file))\b"
    r"|(?<=\s)first[\s.!]*$",
    re.IGNORECASE,
)
# What a container is given when it is run.
_OF_CONTAINER = regex(
    r"\bhealth ?check|\b(?:mount|limit|publish|expose|map|pass|bind|attach|join|label|restart|env\w*)\b"
    r"|\bvariable|\b(?:set|give|put|add|use|name|call)\b[^.;]*\b(?:it|its|container)\b",
    re.IGNORECASE,
)
_SAVES_IT = regex(
    r"\b(?:save|write|store|put) (?:it|that|them|the (?:result|rest|output|lines))\b", re.IGNORECASE
)
_COUNTS = regex(r"\b(?:how many|number of|count)\b", re.IGNORECASE)
_RANKS = regex(
    r"\b(?:most|least|fewest|top|highest|lowest|biggest|largest|smallest|busiest)\b", re.IGNORECASE
)
_SPARES = regex(r"\b(?:touch|except|keep|without|skip|leave|spare)\b", re.IGNORECASE)
_KEEPS_FOLDER = regex(
    r",? (?:but|and) (?:keep|leave) (?:the )?(?:empty )?(?:folder|directory)(?: itself)?(?=[\s.]*$)",
    re.IGNORECASE,
)
# What is looked at behind each change anyway.
_ASSURES = regex(
    r"\s*(?:make sure|ensure|verify|check|confirm|wait)\b.*\b(?:rollout|rolled out|ready|running|up|healthy"
    r"|works?|went through|succeed\w*|complete\w*|finish\w*)\b",
    re.IGNORECASE,
)
_PRONOUN = regex(r"\b(?:it|its|them|their|that|this|these|those|both)\b", re.IGNORECASE)
_IT = regex(r"\bit\b", re.IGNORECASE)
_MAKES_KIND = regex(
    rf"{LEAD}(?:create|make|add|set up) (?:an? |the )?(?:new )?(?:docker |kubernetes )?"
    r"(secret|config ?map|volume|network|service account|persistent volume claim|pvc)\b",
    re.IGNORECASE,
)
_ANYWHERE = frozenset({"namespace", "schedule"})
# With what the forms begin after which something is gone.
_ENDS = ("Delete", "Remove", "Discard")


@dataclass(frozen=True)
class FormFinder:
    """Finds the form for a task, and for each of the things that it wants.

    Attributes:
        task: The task.
        runbooks: All runbooks by name.
        suits: Tells of a runbook whether the task may mean it.
        ground: What was looked up for it.
        known: Names by the placeholder of runbooks that they fill.
        changes: Whether it is done only when something was changed.
        directory: The working directory.
        weigh: How the model is asked which of several runbooks is meant.
    """

    task: str
    runbooks: Mapping[str, Runbook]
    suits: Callable[[Runbook], bool]
    ground: Ground
    known: Mapping[str, str]
    changes: bool
    directory: Path
    weigh: Weigh = unweighed

    @classmethod
    def of(
        cls,
        task: str,
        runbooks: Mapping[str, Runbook],
        ground: Ground,
        known: Mapping[str, str],
        changes: bool,
        directory: Path,
        weigh: Weigh = unweighed,
    ) -> "FormFinder":
        """The finder for a task."""
        there = {name for name in (*ground.names, *ground.kinds) if name not in ground.new}
        suits = suiting(task, {*known, *there}, there, directory)
        return cls(task, runbooks, suits, ground, known, changes, directory, weigh)

    @cached_property
    def runbook(self) -> Runbook | None:
        """The runbook for the task, or for the first of the things that it wants and that have one."""
        return None if self._stated else next(filter(None, map(self._fitting, self.wishes)), None)

    @cached_property
    def _found(self) -> dict[str, Runbook | None]:
        """The runbooks that were found, by what the task wants."""
        return {}

    def _fitting(self, wish: str) -> Runbook | None:
        """The runbook for one of the things that the task wants."""
        if wish not in self._found:
            self._found[wish] = self._runbook(self._resolved(wish), self.task, self.changes)
        return self._found[wish]

    def _resolved(self, wish: str) -> str:
        """A wish with the kind of what the one before it makes in place of "it"."""
        at = self.wishes.index(wish)
        made = _MAKES_KIND.match(self.wishes[at - 1]) if at else None
        return _IT.sub(f"the {made[1]}", wish, count=1) if made else wish

    @cached_property
    def _stated(self) -> Form | None:
        """The form for what the words of the task, or of its first wish, say in full."""
        # it understands all of the task or none
        if selected := selection_of(self.task, (), self.changes, self.directory):
            return selected
        return self._in_full(self.wishes[0], ()) or self._in_full_beside_questions

    def _runbook(self, wish: str, task: str, changes: bool) -> Runbook | None:
        about = self.ground.about or grounding.field_of(self.task)
        bare, what, ruled_out = intent.core(wish), intent.core(task), grounding.rules_out(wish)
        said = runbook_library.said_of(what)
        # one that changes something is no help with a question, nor the other way round
        usable = {
            name: runbook
            for name, runbook in self.runbooks.items()
            if runbook.changes == changes
            and (wish == self.task or runbook.field == about)
            and runbook.field != ruled_out
            and runbook_library.may_mean(said, runbook)
            and self.suits(runbook)
        }
        first, fit = runbook_library.best(usable, bare, about, self.known, _FITS, what, changes)
        if fit >= _FITS_SURELY:
            return first
        near = runbook_library.search(usable, bare, recipe_choice.MOST, self.known.values())
        found = [each for each, score in near if score >= _FITS]
        if first and first not in found:
            found = [first, *found[: recipe_choice.MOST - 1]]
        counts = _COUNTS.search(wish) and not _RANKS.search(wish)
        if counting := [each for each in found if counts and each.title.startswith("Count ")]:
            found, first = counting, first if first in counting else counting[0]
        index = recipe_choice.chosen(
            self.weigh, wish, [each.title for each in found], found.index(first) if first else None
        )
        return None if index is None else found[index]

    @property
    def look(self) -> str:
        """The command that finds what a task wants to know before a change; "" when there is none."""
        asked = [wish for wish in intent.wishes(self.task) if _FINDS.match(wish)] if self.changes else []
        first = next(iter(asked), "")
        if not first or intent.asks_for_change(first):
            return ""
        runbook = self._runbook(first, first, False)
        form = form_of(runbook, self.known, first) if runbook else None
        return form.look if form else ""

    @cached_property
    def wishes(self) -> Sequence[str]:
        """What the task wants changed, thing by thing; at least the task itself."""
        wishes = [each for each in intent.wishes(self.task) if intent.tells_to(each)]
        wishes = [each for each in wishes if not _ASSURES.match(each)]
        several = self.changes and len(wishes) > 1 and not self._is_in_halves
        return wishes if several else [self.task]

    @cached_property
    def _is_in_halves(self) -> bool:
        """Whether the task is one thing in two halves: "convert it and save it as"."""
        return self.changes and in_full.is_one(self.task, self.directory)

    @cached_property
    def form(self) -> Form | None:
        """The form for the whole task."""
        if self._stated:
            return self._stated
        runbook = self.runbook
        alone = len(self.wishes) == 1
        known = self.known
        if not alone:
            known = next((self._known_to(wish) for wish in self.wishes if self._fitting(wish)), known)
        own = self._form_of(runbook, known)
        if own and self.changes and alone and not own.has_room_for(self.task):
            own = None
        edit = edit_of(self.ground, self.task, self.directory) if self.changes else None
        return edit if edit and (runbook is None or is_about_file(self.task, edit, self.ground, own)) else own

    @cached_property
    def steps(self) -> Sequence[Step]:
        """What the task wants thing by thing, when its own form is that of one of them; else that."""
        form = self.form
        each: list[Step] = []
        for wish in self.wishes if len(self.wishes) > 1 else ():
            own = self._of_wish(wish, [step.form for step in each])
            # nothing goes by a form behind what may not have been done
            risky = own and own.heading.startswith(_ENDS) and not all(step.form for step in each)
            each.append(Step(wish, None if risky else own))
        found = [step.form for step in each if step.form]
        is_one = len(found) == len(each) > 0 and (
            any(isinstance(form, RecipeForm) for form in found) or not any(form.inputs for form in found)
        )
        is_one = is_one or bool(each and each[0].form and not each[0].form.inputs)
        is_one = is_one or any(form and _same(form, other) for other in found)
        return each if is_one else [Step("", form)]

    @property
    def covers(self) -> bool:
        """Whether the steps are all that the task wants: each thing has a form, and nothing else is said."""
        # an edit that the model fills in may be one of several
        sure = [
            isinstance(step.form, RecipeForm) or (step.form and not step.form.inputs) for step in self.steps
        ]
        left = self.task
        for number, wish in enumerate(self.wishes):
            if self._in_full(wish, self.wishes[:number]):
                left = left.replace(wish, " ")  # each word of it is understood
        if any(not _is_in(path, [step.form for step in self.steps]) for path in PATH.findall(left)):
            return False
        if len(sure) != len(self.wishes) or not all(sure) or _CONDITION.search(self.task):
            return False
        if _TURNS_ROUND.search(self.task):
            return False
        beside = [each for each in intent.wishes(self.task) if not intent.tells_to(each)]
        asks = any(intent.is_question(each) and not _ASSURES.match(each) for each in beside)
        return not (asks or intent.asks_to_tell(self.task)) or self._is_in_halves

    def _of_wish(self, wish: str, before: Sequence[Form | None]) -> Form | None:
        told = self.wishes[: self.wishes.index(wish)]
        if self._tells_all and (selected := selection_of(wish, told, self.changes, self.directory)):
            return selected
        if stated := self._in_full(wish, told) or in_full.commit_of(wish, told, before):
            return stated
        fits = self._fitting(wish)
        if fits and fits.only_if_asked and not fits.is_asked_by(wish):
            fits = None
        own = self._form_of(fits, self._known_to(wish))
        edit = edit_of(self.ground, wish, self.directory, self.task)
        if edit and is_in_file(wish, edit) and (own is None or is_about_file(wish, edit, self.ground, own)):
            return edit
        if own is None or fits is None or not own.has_room_for(wish):
            return None
        if not all(own.has_room_for_file(path) for path in PATH.findall(wish)):
            return None
        earlier = [form for form in before if isinstance(form, RecipeForm)]
        # what was found for another wish
        double = not fits.is_asked_by(wish) and not are_apart([*earlier, own])
        return None if double else own

    def _form_of(self, runbook: Runbook | None, known: Mapping[str, str]) -> RecipeForm | None:
        """The form of a runbook; none that deletes at once on a condition, which only the model can judge."""
        form = form_of(runbook, known, self.task) if runbook else None
        ends = form and not form.inputs and form.heading.startswith(_ENDS)
        return None if ends and _CONDITION.search(self.task) else form

    def _in_full(self, wish: str, told: Sequence[str]) -> Form | None:
        """The form for a wish that says all of it, where nothing else in the task may restrict it."""
        if not self.changes or _CONDITION.search(self.task) or _TURNS_ROUND.search(self.task):
            return None
        if wish not in self._named:
            self._named[wish] = in_full.form_of(wish, told, self.directory)
        form = self._named[wish]
        if form and form.heading == in_full.RUNS and self._says_more_of_it(wish):
            return None
        in_place = isinstance(form, Rewrite) and form.path in form.made_from
        if in_place and wish != self.task and _SAVES_IT.search(self.task):
            return None  # it goes elsewhere
        ends = form and form.heading.startswith(_ENDS)
        return None if ends and not (self._tells_all or self._spares_another(wish, form)) else form

    def _spares_another(self, wish: str, form: Form | None) -> bool:
        """Whether all that a task says beside its wishes is of another folder than the one that goes."""
        if not isinstance(form, RecipeForm) or form.heading != in_full.DELETES_FOLDER or _SPARES.search(wish):
            return False
        name = shlex.split(form.template)[-1]
        beside = [each for each in intent.wishes(self.task) if each not in self.wishes]
        others = {word for each in beside for word in re.findall(r"[\w./-]*\w", each)}
        others = {word for word in others if word != name and is_folder(self.directory / word)}
        return all(
            not (_RESTRICTS.search(_NOT_NEEDED.sub(" ", each)) or _SPARES.search(each))
            or (not _has(each, name) and any(_has(each, other) for other in others))
            for each in beside
        )

    def _says_more_of_it(self, wish: str) -> bool:
        """Whether the task says more of a container than the wish that runs it: all is given at once."""
        beside = self.task.replace(wish, " ")
        return wish != self.task and bool(_OF_CONTAINER.search(beside))

    @cached_property
    def _named(self) -> dict[str, Form | None]:
        """The forms for what wishes say in full."""
        return {}

    @property
    def _in_full_beside_questions(self) -> Form | None:
        """The form for the one thing to do of a task that asks something too, where that says all of it."""
        said = intent.wishes(self.task)
        wishes = [each for each in said if intent.tells_to(each)]
        beside = [each for each in said if each not in wishes]
        alone = len(wishes) == 1 and beside and all(map(intent.is_question, beside))
        return self._in_full(wishes[0], ()) if alone else None

    @property
    def _tells_all(self) -> bool:
        """Whether nothing that a task says beside its wishes may restrict them."""
        alone = len(self.wishes) == 1  # and then that is all of the task
        beside = [] if alone else [each for each in intent.wishes(self.task) if each not in self.wishes]
        return not any(_RESTRICTS.search(each) and not intent.is_question(each) for each in beside) and not (
            _CONDITION.search(self.task) or _SPARES.search(_KEEPS_FOLDER.sub(" ", self.task))
        )

    def _known_to(self, wish: str) -> Mapping[str, str]:
        """The names that a wish means: not those that only another one of its kind has."""
        if _PRONOUN.search(wish):
            return {**self.known, **dict(values_of(wish, self.directory))}
        same = [
            each for each in self.wishes if each is not wish and intent.verb_of(each) == intent.verb_of(wish)
        ]
        others = " ".join(same)
        known = {
            kind: name
            for kind, name in self.known.items()
            if kind in _ANYWHERE or _has(wish, name) or not _has(others, name)
        }
        named = set(PATH.findall(wish))
        if len(named) == 1 and known.get("file") not in {None, *named}:
            known["file"] = named.pop()  # which the wishes before make
        return known | dict(values_of(wish, self.directory))


def _has(text: str, name: str) -> bool:
    return bool(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text, re.IGNORECASE))


def _is_in(path: str, forms: Sequence[Form | None]) -> bool:
    """Whether a file of the task has its place in one of the forms."""
    for form in forms:
        if isinstance(form, RecipeForm) and form.has_room_for_file(path):
            return True
        if isinstance(form, FileEdit | Rewrite) and Path(form.path) == Path(path):
            return True
        if isinstance(form, Rewrite) and path in form.made_from:
            return True
    return False


def _same(form: Form, other: Form | None) -> bool:
    """Whether they do the same; of a file there is one edit, whichever changes of its lines it allows."""
    edits = [each.path for each in (form, other) if isinstance(each, FileEdit)]
    return form == other or (len(edits) == 2 and edits[0] == edits[1])
