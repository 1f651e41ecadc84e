"""Recipes as forms: the model gives the values, code writes the command or the file.

A small model drops a bracket of the JSON in `kubectl patch -p '…'` and invents fields of manifests. It copies
values well. So the commands of a runbook are a template, the model fills in what is not known yet, held to
these fields, and what runs is shown as the command that it is.
"""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from devops_agent.constraints import FORMATS
from devops_agent.errors import CallRefused
from devops_agent.files import is_file
from devops_agent.forms.fields import CUES, FORMAT_OF, IS_THERE, NUMBERS, PAIRS, PATHS
from devops_agent.forms.form import Form
from devops_agent.grounding import Ground
from devops_agent.grounding.task_words import IMAGE, given_name, has_word
from devops_agent.patterns import regex
from devops_agent.policy import effects
from devops_agent.protocol import RECIPE, Call
from devops_agent.runbook_library import OPTION, PLACEHOLDER, Runbook, with_all_options

# "Create an ingress for a service"
_MADE = regex(r"Create an? ((?:cron |persistent volume )?[a-z]+|config map)\b")
_PORT = "port"
_BLOCK = regex(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# "as user nobody", "under the user ID 10001"
_AS_USER = regex(
    r"\b(?:as|under) (?:the )?(?:user(?:[ -]?id)?|uid) [\"'`]?"
    r"((?!(?:that|which|who|with|named|called|of|and|in|not|on|for|by|is)\b)[\w-]+)",
    re.IGNORECASE,
)
# What is given once for each pair, such as --from-literal={key}={value}, or -e {key}={value}.
_PAIR = regex(
    r"(?P<before>(?:(?<!\S)--?[a-z][a-z-]* )?\S*?)(?P<quote>['\"]?)\{key\}=\{value\}(?P=quote)(?=\s|$)"
)
# Commands that look are several ways to see something, for the model to choose among; those that change
# something are steps.
_MOST_LOOKS = 2
_WRITTEN = regex(r" > \{(file|output)\}")
_MOST_STEPS = 3
_EACH_COUNTS = "set -e\n"
# JSON and whole manifests, from which a small model takes words into its fields.
_MISLEADS = regex(r'[\[{]"|<<')
# A file that a recipe writes: its name, and its text in the block behind it.
_FILE = regex(r"^Write (\S+):\n\n```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
# In a here-document, and in a file, a value stands as it is.
_HERE = "<<"


@dataclass(frozen=True)
class RecipeForm(Form):
    """The commands of a runbook with the fields that the model fills.

    Attributes:
        title: What it does; "" for what was told with a finding.
        template: The commands.
        fields: The fields' kinds by name: `string`, `integer` or `array`.
        optional: Those that may be left out, and with them what stands in square brackets around them.
        path: The file that the template is the text of; "" when it is commands.
    """

    title: str
    template: str
    fields: Mapping[str, str]
    optional: frozenset[str] = frozenset()
    path: str = ""

    @property
    def heading(self) -> str:
        """What it does."""
        return self.title

    def __str__(self) -> str:
        """What the model is told of it."""
        if _MISLEADS.search(self.template):
            return f"{self.title}\n{self.description}"
        commands = with_all_options(self.template.removeprefix(_EACH_COUNTS))
        return f"{self.title}\n```{self.path or 'bash'}\n{commands}\n```\n{self.description}"

    @property
    def look(self) -> str:
        """The commands, when nothing is to be filled in and they leave everything as it is; else ""."""
        return self.template if not (self.fields or self.path) and effects.is_read(self.template) else ""

    def call(self, values: Mapping[str, Any], task: str, ground: Ground) -> Call:
        """The call that does it with these values.

        Raises:
            CallRefused: A value is missing, or a pair is none.
        """
        if self.path and PAIRS in self.optional and ground.variables and not values.get(PAIRS):
            values = {**values, PAIRS: [f"{name}={value}" for name, value in ground.variables.items()]}
        if isinstance(pairs := values.get(PAIRS), list) and pairs:
            values = {**values, PAIRS: _spoken_of(list(map(str, pairs)), task, ground)}
        for name in IS_THERE & values.keys():
            if values[name] and not is_file(Path(str(values[name]))):
                raise CallRefused(f"There is no file {values[name]}. Give {name} as it is here.")
            others = {str(value) for other, value in values.items() if other in IS_THERE - {name}}
            if values[name] and (has_word(self.template, str(values[name])) or str(values[name]) in others):
                raise CallRefused(f"{values[name]} stands in it already. Give another file as {name}.")
        # the file that is written is none of those that it speaks of
        values = {name: value for name, value in values.items() if not self.path or value != self.path}
        values = self._with_own_names(values, task, ground)
        if _IN_SHELL in self.template:
            values["command"] = _without_shell(str(values.get("command") or ""))
        # what lies in the directory may go into a file, and no container's port into a command
        text = render(self, values, f"{task}\n{ground}" if self.path else task)
        if self.path:
            return Call("write_file", {"path": self.path, "content": text})
        return Call("bash", {"command": text})

    def is_done_by(self, call: Call) -> bool:
        """Whether a command has each of these in it, with nothing left to fill in, or writes the file."""
        if self.path:
            return call.arguments.get("path") == self.path
        command = str(call.arguments.get("command", ""))
        lines = self.template.removeprefix(_EACH_COUNTS).splitlines()
        return not self.fields and all(line in command for line in lines)

    def has_room_for(self, wish: str) -> bool:
        """Whether each number of a wish stands in the commands, or may be the value of a field."""
        told = with_all_options(self.template)
        for number in _NUMBER.findall(_DURATION.sub(" ", _EXAMPLE.sub(" ", wish))):
            there = re.search(rf"(?<![\w.]){re.escape(number)}(?![\w])", told)
            if not there and not any(_takes(name, kind, number) for name, kind in self.fields.items()):
                return False
        return True

    def has_room_for_file(self, path: str) -> bool:
        """Whether a file that a task names stands in the commands, or may be the value of a field."""
        named = path.rstrip("/") in f"{self.path}\n{self.template}"
        texts = [name for name, kind in self.fields.items() if kind == "string"]
        return named or any(name in PATHS or FORMAT_OF.get(name, "") in ("", "path") for name in texts)

    def _with_own_names(self, values: Mapping[str, Any], task: str, ground: Ground) -> dict[str, Any]:
        """The values without the names of things that are there, where the task wants something new."""
        made = _MADE.match(self.title)
        if not made:
            return dict(values)
        kept = {}
        kind = made[1].replace(" ", "")
        if kind in values and (given := given_name(task, made[1])):
            values = {**values, kind: given}
        for field, value in values.items():
            name = rf"(?<![\w-]){re.escape(str(value))}(?![\w-])"
            own = field in self.optional or field == kind
            listed = own and value and re.search(rf"\b{field}s?:? [^\n;]*?{name}", str(ground))
            if not listed or has_word(task, str(value)):
                kept[field] = value
            elif field not in self.optional:
                raise CallRefused(
                    f"{field} {value} is there already. Call it by the name that the task gives it."
                )
        return kept

    @property
    def description(self) -> str:
        """What it does, and with which arguments: how the model is told to use it."""
        told = {name: f"{name} ({_told(name, kind)})" for name, kind in self.fields.items()}
        what = ", ".join(text for name, text in told.items() if name not in self.optional)
        how = f"with {what}, as the task has them" if what else "with no arguments"
        more = ", ".join(text for name, text in told.items() if name in self.optional)
        how += f", and only if the task asks for it {more}" if more else ""
        then = f"{self.path} is then written" if self.path else "the command then runs"
        return f'To do this, call "{RECIPE}" {how}: {then} with these values.'

    @property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """The fields as a tool's inputs."""
        return {
            name: {
                "type": kind,
                "description": name,
                "format": FORMAT_OF.get(name, ""),
                "nullable": name in self.optional,
            }
            for name, kind in self.fields.items()
        }


def _spoken_of(pairs: list[str], task: str, ground: Ground) -> list[str]:
    """The pairs without those that nobody speaks of, and whose values stand nowhere.

    Raises:
        CallRefused: None is left.
    """
    parts = {pair: pair.partition("=") for pair in pairs}
    known = f"{task}\n{ground}"
    told = [
        pair
        for pair, (name, _, value) in parts.items()
        if not value or has_word(task, name) or value in known
    ]
    if not told:
        raise CallRefused(f"Nobody asks for {pairs[0]}. Give only the pairs that the task wants.")
    return told


def _told(name: str, kind: str) -> str:
    if name == PAIRS:
        return 'list of "KEY=VALUE"'
    if name == "schedule":
        return "minute hour day month weekday"
    return "number" if kind == "integer" else FORMAT_OF.get(name, "text")


# "14", "512Mi", "172.30.0.0/24", "3:30", but not "2nd" or "v1.2"
_NUMBER = regex(r"(?<![\w.:/@=#+-])\d(?:[\d.:/-]*\d)?(?!(?:st|nd|rd|th)\b)(?:[A-Za-z]{1,3}\b|%)?(?![\w:/=-])")


# "it has been down for 3 hours"
_DURATION = regex(
    r"\b(?:for|since|in the last) (?:about )?\d+ (?:second|minute|hour|day|week)s?\b", re.IGNORECASE
)


# "named like 2024-03"
_EXAMPLE = regex(r"\b(?:named|called) (?:like|such as|e\.g\.|for example) [\"'`]?\d\S*", re.IGNORECASE)


# A command that runs in a shell already.
_IN_SHELL = "sh -c '{command}'"


def _without_shell(command: str) -> str:
    """A command without the shell that it brings along: `echo hi` of `sh -c "echo hi"`."""
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    return words[2] if words[:2] in (["sh", "-c"], ["bash", "-c"]) and len(words) == 3 else command


def _takes(name: str, kind: str, number: str) -> bool:
    """Whether a field may hold a number that a task has."""
    form = FORMAT_OF.get(name, "")
    if kind == "integer":
        return bool(re.fullmatch(r"\d+(?:%|[smhd])?", number))
    if form in ("", "schedule"):
        return name not in PATHS
    return form not in ("name", "image", "path") and bool(re.match(FORMATS[form][0], number))


def form_of(runbook: Runbook, names: Mapping[str, str], task: str = "") -> RecipeForm | None:
    """The form of a runbook; None when it is no one thing to do.

    Args:
        runbook: The runbook.
        names: What is known already, and is filled in.
        task: The task: options of which it says nothing are left out.
    """
    blocks = _BLOCK.findall(runbook.text)
    if file := _FILE.search(runbook.text):
        path = _filled(file[1], names, _HERE)
        if PLACEHOLDER.search(path):
            return None  # which file it is to be, the task tells
        if len(blocks) > 1 and not runbook.own:
            return None  # the file is not all that the user's runbook does
        return form_of_commands(runbook.title, _filled(_chosen(file[2], names, task), names, _HERE), path)
    if [kind for kind, _ in blocks] != ["bash"]:
        return None
    # alternatives are comments
    lines = [line for line in blocks[0][1].splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        return None
    most = _MOST_STEPS if runbook.changes and not effects.is_read(lines[0]) else _MOST_LOOKS
    if len(lines) > most and not any("<<" in line for line in lines):
        return None
    written = {name: names["new_file"] for name in _written("\n".join(lines)) if "new_file" in names}
    template = _filled(_chosen("\n".join(lines), names, task), {**names, **written})
    if len(lines) > 1 and "<<" not in lines[0]:
        template = f"{_EACH_COUNTS}{template}"
    return form_of_commands(runbook.title, _with_value(template, task))


def _written(commands: str) -> list[str]:
    """The placeholder of the one file that commands write; none where they write several, or none."""
    found = dict.fromkeys(_WRITTEN.findall(commands))
    return list(found) if len(found) == 1 else []


def _with_value(template: str, task: str) -> str:
    """The commands with the number or image of the task, where they lack nothing else and it has no other."""
    left = _names_in(template)
    if len(left) != 1 or OPTION.search(template):
        return template
    said: list[str] = []
    if left[0] in NUMBERS:
        said = _NUMBER.findall(_DURATION.sub(" ", task))
    elif left[0] == "run_as":
        said = _AS_USER.findall(task)
    elif FORMAT_OF.get(left[0]) == "image":
        said = IMAGE.findall(task)
    is_one = len(said) == 1 and (said[0].isdigit() or left[0] not in NUMBERS)
    is_free = is_one and not has_word(PLACEHOLDER.sub(" ", template), said[0])
    return _filled(template, {left[0]: said[0]}) if is_free else template


def form_of_commands(title: str, commands: str, path: str = "") -> RecipeForm:
    """The form of commands, or of the text of a file, whose placeholders are to be filled in."""
    needed = _names_in(OPTION.sub("", commands))
    names = dict.fromkeys([*needed, *_names_in(commands)])
    kinds = {PAIRS: "array", **dict.fromkeys(NUMBERS, "integer")}
    fields = {name: kinds.get(name, "string") for name in names}
    return RecipeForm(title, commands, fields, frozenset(names) - frozenset(needed), path)


def _names_in(commands: str) -> list[str]:
    """The fields that commands have."""
    commands = with_all_options(commands)
    pairs = [PAIRS] if _PAIR.search(commands) else []
    return pairs + PLACEHOLDER.findall(_PAIR.sub("", commands))


def are_apart(forms: Sequence[RecipeForm]) -> bool:
    """Whether the forms do different things, so that one may follow the other."""
    heads = [_heads(form) for form in forms]
    return len(set().union(*heads)) == sum(map(len, heads))


def _heads(form: RecipeForm) -> set[str]:
    """With what its commands begin, which tells what they do; or the file that it writes."""
    if form.path:
        return {form.path}
    lines = form.template.removeprefix(_EACH_COUNTS).splitlines()
    words = [re.sub(r" -n \S+", "", line).split() for line in lines]
    # in a container, the command that is meant comes later
    return {" ".join(each[: 6 if each[:2] == ["docker", "exec"] else 3]) for each in words}


def may_be_joined(forms: Sequence[RecipeForm]) -> bool:
    """Whether one form can stand for them: what has the same name in two of them names the same object."""
    shared = {name for a, b in combinations(forms, 2) for name in a.fields.keys() & b.fields.keys()}
    apart = are_apart(forms) and not any(form.path for form in forms)
    return apart and all(FORMAT_OF.get(name) in ("name", "image") for name in shared - {_PORT})


def joined(forms: Sequence[RecipeForm]) -> RecipeForm:
    """One form for a task of several parts; what has the same name in two of them is the same thing."""
    template = "\n".join(form.template.removeprefix(_EACH_COUNTS) for form in forms)
    return form_of_commands("; ".join(form.title for form in forms), f"{_EACH_COUNTS}{template}")


def render(form: RecipeForm, values: Mapping[str, Any], task: str = "") -> str:
    """The commands with the values in them, quoted for where they stand.

    Args:
        form: The form.
        values: What the model gave for its fields.
        task: The task: an option of whose values it says nothing is left out.

    Raises:
        CallRefused: A value is missing, or a pair is none.
    """
    chosen = OPTION.sub(lambda match: _option(match, values, task), form.template)
    chosen = "\n".join(map(str.rstrip, chosen.split("\n"))) if chosen != form.template else chosen
    form = form_of_commands(form.title, chosen, form.path)
    if missing := [name for name in form.fields if _is_missing(values, name)]:
        raise CallRefused(f"The argument {missing[0]!r} is missing. {form.description}")
    pairs = values.get(PAIRS, ())
    if not isinstance(pairs, list | tuple):
        pairs = [pairs]
    for pair in pairs:
        if "=" not in str(pair):
            raise CallRefused(f'{pair!r} is no pair. Give {PAIRS} as a list such as ["KEY=VALUE"].')
    words = [str(pair) if form.path else shlex.quote(str(pair)) for pair in pairs]
    template = _PAIR.sub(lambda match: " ".join(match["before"] + word for word in words), form.template)
    if form.path:
        return "".join(line for line in _filled(template, values, _HERE).splitlines(True) if line.strip())
    return _filled(template, values)


def _chosen(text: str, names: Mapping[str, str], task: str) -> str:
    """A template without the options that the task has no cue for, and with those whose values are known."""

    def choice(option: "re.Match[str]") -> str:
        fields = _names_in(option[1])
        cues = [CUES[name] for name in fields if name in CUES]
        if cues and task and not any(re.search(cue, task, re.IGNORECASE) for cue in cues):
            return ""
        return f"{option[1]}{option[2]}" if names.keys() >= set(fields) else option[0]

    chosen = OPTION.sub(choice, text)
    return chosen if chosen == text else "\n".join(map(str.rstrip, chosen.split("\n")))


def _option(option: "re.Match[str]", values: Mapping[str, Any], task: str) -> str:
    """The option when one of its values stands in the task, or nothing."""
    text, space = option.groups()
    given = [values[name] for name in _names_in(text) if not _is_missing(values, name)]
    words = {word for value in given for word in re.findall(r"[\w.]{2,}|\d", str(value))}
    words.update(re.findall(r"\b\d+\b", PLACEHOLDER.sub(" ", text)))  # a value that is known already
    asked = any(re.search(rf"(?<!\w){re.escape(word)}(?!\d)", task, re.IGNORECASE) for word in words)
    return f"{text}{space}" if asked or (given and not task) else ""


def _is_missing(values: Mapping[str, Any], name: str) -> bool:
    return not values.get(name) and values.get(name) != 0


def _filled(template: str, values: Mapping[str, Any], quote: str = "") -> str:
    parts: list[str] = []
    end = 0
    for match in PLACEHOLDER.finditer(template):
        between = template[end : match.start()]
        quote = _quote_after(between, quote)
        value = values.get(match[1])
        parts += [between, match[0] if value is None else _quoted(str(value), quote, template, match)]
        end = match.end()
    return "".join([*parts, template[end:]])


def _quote_after(text: str, quote: str) -> str:
    """The shell quote that is open behind a text; here-documents count as quotes of their own."""
    if quote == _HERE or re.search(r"<<-?'?\w+'?[^\n]*\n", text):
        ended = re.search(r"^EOF$", text, re.MULTILINE) if quote == _HERE else None
        return "" if ended else _HERE
    for char in re.sub(r"\\.", "", text):
        if quote == char:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
    return quote


def _quoted(value: str, quote: str, template: str, match: "re.Match[str]") -> str:
    if quote == _HERE:
        return value
    if quote == "'":
        in_json = template[match.start() - 1] == '"' and template[match.end() : match.end() + 1] == '"'
        inner = json.dumps(value, ensure_ascii=False)[1:-1] if in_json else value
        return inner.replace("'", "'\\''")
    if quote == '"':
        return re.sub(r'(["$`\\])', r"\\\1", value)
    return value if re.fullmatch(r"[\w@%+=:,./-]+", value) else shlex.quote(value)
