"""Editing a configuration file value by value: the model names a setting that there is, and its new value.

Brackets, quotes and depths are what a small model gets wrong; so it writes none, and all else stays.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from devops_agent.config_values import Setting, commented_out, key_of, settings_of, words_of
from devops_agent.errors import CallRefused
from devops_agent.forms.form import FileEdit
from devops_agent.forms.stated_settings import NO_VALUE, are_like, stated
from devops_agent.grounding import Ground
from devops_agent.grounding.task_words import has_word
from devops_agent.patterns import regex
from devops_agent.policy.placeholders import placeholder
from devops_agent.protocol import RECIPE, Call

_MOST = 80
_MOST_TOLD = 16
_MOST_MEANT = 6
_SETS = regex(r"\b(?:to|=|as|from)\s", re.IGNORECASE)
_LONGEST = 80
# Where a setting is, and not which one it is.
_WHERE = regex(r"\b(?:of|in|for|under|below|at) (?:(?! to |,| and ).)*", re.IGNORECASE)
_VALUE = regex(r"\bto [\"'`]?\S+", re.IGNORECASE)
# Parts of a path that say nothing of which it is.
_ANY_PART = frozenset(
    """location server http upstream spec template default config settings service program match host
 user""".split()
)
_CLAUSES = regex(r"[,;]\s|\s\(|\)|[.!?]\s|\band (?=please|do(?:n['’]t| not)|leave|keep)|\bbut\b")
_STAYS = regex(
    r"\b(?:stays?|keeps?(?! \w+ing\b)|do not|don['’]t|not|leave|except|without|others?|never)\b",
    re.IGNORECASE,
)
_SWITCHES = {"false": "true", "off": "on", "no": "yes"}
_ENABLES = regex(r"\b(?:enable|activate|allow|permit|turn (?:\S+ )?on|switch (?:\S+ )?on)\b", re.IGNORECASE)
_DISABLES = regex(
    r"\b(?:disable|deactivate|forbid|disallow|turn (?:\S+ )?off|switch (?:\S+ )?off)\b", re.IGNORECASE
)
# A value that a task states: in quotes, or as one word behind "to", or a figure behind "of"; and what may not
# be taken for one.
_STATED = regex(
    r"(?:(?:\bto|\bof(?=\s+[\"'`]?\d))\s+|=\s*)(?:\"([^\"]+)\"|'([^']+)'|`([^`]+)`|([^\s\"'`,;()]+))(?:\s+(\S+))?",
    re.IGNORECASE,
)
# What may follow a value; another word belongs to it: "to production values".
_BEHIND_VALUE = regex(
    r"(?:and|or|in|for|on|of|at|by|from|with|within|under|below|inside|instead|please|now|then|again|so|as"
    r"|everywhere|there|here|but|while|because|since|until|after|before)\W*",
    re.IGNORECASE,
)
_UNITS = regex(
    r"(?:milli|micro)?seconds?|minutes?|hours?|days?|weeks?|months?|[kmgt]i?b|(?:kilo|mega|giga)bytes?|gigs?"
    r"|percent|times|more|less|items?|lines?|or|per",
    re.IGNORECASE,
)
_COMPUTED = regex(
    r"\b(?:by|doubl\w+|twice|hal[fv]\w*|tripl\w+|plus|more|less|next|append\w*|prefix\w*|suffix\w*|appropriate"
    r"|sensible|suitable|instead)\b",
    re.IGNORECASE,
)
_COMMENTED = " (commented out)"
# What makes a change depend on something, or turns it round.
_DEPENDS = regex(
    r"\b(?:if|unless|provided|when(?:ever)?|once|until|assuming|in case|as long as|undo|revert|script)\b",
    re.IGNORECASE,
)
# What needs no quotes in TOML: numbers, switches, dates, lists and tables.
_LITERAL = regex(r"[+-]?[\d_.]+(?:e[+-]?\d+)?|true|false|\d{4}-\d\d-\d\d.*|\[.*\]|\{.*\}", re.IGNORECASE)


@dataclass(frozen=True)
class SettingEdit(FileEdit):
    """A configuration file whose values the model may replace.

    Attributes:
        task: What the user wants: settings that it speaks of are told.
        whole: All that the user wants, which may tell where that setting is.
    """

    task: str = ""
    whole: str = ""

    @cached_property
    def settings(self) -> dict[str, Setting]:
        """The settings that may be changed: those that the task speaks of, or all where it names none."""
        words, comments = _words(_wanted(self.task)), self._commented.items()
        named = {setting: place for setting, place in comments if _words(key_of(setting)) <= words}
        found = self._in_force | named
        meant = _meant(found, self.task, self.path, self.whole) or list(self._in_force)
        return {setting: found[setting] for setting in meant[:_MOST]}

    @property
    def is_needed(self) -> bool:
        """Whether the task names a key that stands in several places, or just settings that there are."""
        words = _words(_wanted(self.task))
        keys = Counter(map(key_of, self._in_force))
        if any(times > 1 and _words(key) & words for key, times in keys.items()):
            return True
        meant = [_words(key_of(setting)) for setting in self.settings]
        fully = bool(_SETS.search(self.task)) and all(key <= words for key in meant)
        nearly = all(len(key & words) > 1 for key in meant)
        return (fully or nearly) and 0 < len(meant) <= _MOST_MEANT

    @property
    def description(self) -> str:
        """How the model is told to use it."""
        if self._filled:
            told = " and ".join(f"{setting} becomes {value}" for setting, value in self._filled.items())
            return f'To change {self.path}, call "{RECIPE}" with no arguments: {told}.'
        lines = [
            f"{setting} = {self.text[place.start : place.end][:_LONGEST]}{_COMMENTED if place.mark else ''}"
            for setting, place in list(self.settings.items())[:_MOST_TOLD]
        ]
        return (
            f'To change {self.path}, call "{RECIPE}" with setting (one of those below) and value (the new '
            "one). All else stays; call it once for each setting.\n" + "\n".join(lines)
        )

    @property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """The fields as a tool's inputs; none where the task leaves nothing to choose."""
        if self._filled:
            return {}
        values = self._stated
        value = {"enum": values} if values else {"format": "line"}
        return {
            "setting": {"type": "string", "description": "setting", "enum": list(self.settings)},
            "value": {"type": "string", "description": "value", **value},
        }

    @cached_property
    def _filled(self) -> dict[str, str]:
        """The new values by their settings, where the task says nothing that code does not understand."""
        if _DEPENDS.search(f"{self.task} {self.whole}"):
            return {}
        values = stated(self.task, self.path, self.text, self._all)
        new = {setting: values[setting] for setting in self._all if setting in values}
        changed = {setting: value for setting, value in new.items() if not self._is(setting, value)}
        return changed or new

    def _is(self, setting: str, value: str) -> bool:
        place = self._all[setting]
        return place.mark is None and self.text[place.start : place.end] == value

    @cached_property
    def _in_force(self) -> dict[str, Setting]:
        return settings_of(self.path, self.text)

    @cached_property
    def _commented(self) -> dict[str, Setting]:
        return commented_out(self.path, self.text)

    @cached_property
    def _all(self) -> dict[str, Setting]:
        """All settings of the file, as they stand in it, also those in comments."""
        found = self._in_force | self._commented
        return dict(sorted(found.items(), key=lambda each: each[1].start))

    @property
    def _stated(self) -> list[str]:
        """The new values, when the task states each as it is to stand in the file; else none.

        A small model shortens `#ops-prod` to the `#ops` that there is.
        """
        wanted = _wanted(self.task)
        if any(said.search(wanted) for said in (_COMPUTED, _ENABLES, _DISABLES)):
            return []
        values: list[str] = []
        for match in _STATED.finditer(wanted):
            quoted, bare, next_word = match[1] or match[2] or match[3], match[4] or "", match[5] or ""
            value = quoted or bare.rstrip(".?!:")
            ends = not value.isalpha() or value != bare or _BEHIND_VALUE.fullmatch(next_word)
            says_more = _UNITS.fullmatch(next_word) or (next_word and not ends)
            if not quoted and (NO_VALUE.fullmatch(value) or says_more):
                return []
            values.append(value)
        values = [value for value in dict.fromkeys(values) if value and value != self.path]
        olds = [self.text[place.start : place.end] for place in self.settings.values()]
        told_each = len(olds) <= len(values)
        return values if told_each and all(are_like(values, old) for old in olds) else []

    def drops(self, content: str) -> int:
        """How many of its settings another text of the file leaves out."""
        # an entry of a list may have another name
        lost = len(self._in_force) - len(settings_of(self.path, content))
        return max(lost, 0)

    def call(self, values: Mapping[str, Any], task: str, ground: Ground) -> Call:
        """The call that writes the file with the value changed.

        Raises:
            CallRefused: The file has no such setting, or it has that value already.
        """
        wanted = self._filled or {str(values.get("setting", "")): str(values.get("value", ""))}
        text = self.text
        # from the last one on, for a new value moves all that stands behind it
        for setting, value in reversed(wanted.items()):
            text = self._with(text, setting, value, task)
        return Call("write_file", {"path": self.path, "content": text})

    def _is_spoken_of(self, setting: str, task: str) -> bool:
        """Whether a task that names settings as they are spelt speaks of this one too."""
        keys = {key for key in map(key_of, self._all) if "_" in key}
        if not any(has_word(task, key) for key in keys):
            return True
        said = r"[\W_]*".join(map(re.escape, re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", key_of(setting))))
        return bool(re.search(said, task, re.IGNORECASE))

    def _with(self, text: str, setting: str, value: str, task: str) -> str:
        """A text with the new value of a setting; behind it, others may have been changed before."""
        place = self._all.get(setting)
        if place is None:
            raise CallRefused(f"{self.path} has no setting {setting!r}. {self.description}")
        if not self._is_spoken_of(setting, task):
            raise CallRefused(f"The task does not speak of {setting}. If all it names is done, answer.")
        if (stand_in := placeholder(value)) and stand_in not in task:
            raise CallRefused(f"{stand_in} stands for a value. Give the real one, as the task has it.")
        old = self.text[place.start : place.end]
        value = _switched(old, key_of(setting), self.task) or value if value == old else value
        new = _written(_unquoted(value), place.quote, self.path)
        new = new[1:-1] if place.quote else new
        if new == old and not place.mark:
            raise CallRefused(f"{setting} in {self.path} is {value} already.")
        mark, behind = place.mark or (place.start, place.start)
        return f"{text[:mark]}{text[behind : place.start]}{new}{text[place.end :]}"


def names_setting(path: str, text: str, wish: str) -> bool:
    """Whether a wish says two words of the name of a setting, as "root logins" of `PermitRootLogin`."""
    words = _words(wish)
    settings = settings_of(path, text) | commented_out(path, text)
    return any(len(_words(key_of(setting)) & words) > 1 for setting in settings)


def _words(text: str) -> set[str]:
    return {word for word in words_of(text) if len(word) > 1}


def _meant(settings: Iterable[str], task: str, path: str, whole: str = "") -> list[str]:
    """Those of the settings that a task speaks of; of several of one name the one whose path fits it best."""
    wanted = _wanted(task)
    in_file = rf"\b(?:in|of|from|to) (?:the file )?{re.escape(path)}|{re.escape(path)}"
    wanted = re.sub(in_file, " ", wanted, flags=re.IGNORECASE)
    words = _words(wanted)
    # "the channel of the receiver ops to X" changes no receiver, and no X
    changed = _words(_VALUE.sub(" ", _WHERE.sub(" ", wanted)))
    keys = {key for key in map(key_of, settings) if _words(key) & changed}
    keys = keys or {key for key in map(key_of, settings) if _words(key) & words}
    shared = {key: len(_words(key) & words) for key in keys}
    keys = {key for key in keys if _words(key) <= words} or {
        key for key in keys if shared[key] == max(shared.values())
    }
    places = words | _words(_wanted(whole))
    fits = {
        setting: (*_fit(setting, words), *_fit(setting, places))
        for setting in settings
        if key_of(setting) in keys
    }
    best = {key: max(fit for setting, fit in fits.items() if key_of(setting) == key) for key in keys}
    return [setting for setting, fit in fits.items() if fit == best[key_of(setting)]]


def _wanted(task: str) -> str:
    """A task without its clauses that say what is to stay."""
    return " ".join(clause for clause in _CLAUSES.split(task) if not _STAYS.search(clause))


def _fit(setting: str, words: set[str]) -> tuple[int, float, int]:
    """How well a path fits the words of a task: by the places that they name, and the share of its parts."""
    parts = [_words(part) for part in re.split(r" > |[.\[\]]|\s#", setting)]
    telling = [part - _ANY_PART for part in parts if not all(word.isdigit() for word in part)]
    telling = [part for part in telling if part]
    named = [part for part in telling if part <= words]
    places = set().union(*(part for part in named if part != _words(key_of(setting))))
    return len(places), len(named) / max(len(telling), 1), -len(parts)


def _switched(old: str, key: str, task: str) -> str:
    """The other value of a switch, when the task wants it switched; "" when it is none."""
    named = [clause for clause in _CLAUSES.split(task) if _words(key) <= _words(clause)]
    on, off = (any(map(said.search, named)) for said in (_ENABLES, _DISABLES))
    if on and not off:
        return _SWITCHES.get(old, "")
    return {new: before for before, new in _SWITCHES.items()}.get(old, "") if off and not on else ""


def _unquoted(value: str) -> str:
    quoted = re.fullmatch(r"([\"'])(.*)\1", value)
    return quoted[2] if quoted else value


def _written(value: str, quote: str, path: str) -> str:
    """A value as it is to stand in the file, with its quotes if it has any."""
    if quote == '"':
        return json.dumps(value, ensure_ascii=False)
    if quote:
        return f"'{value.replace(quote, quote * 2)}'"
    if path.endswith(".json"):
        return _as_json(value)
    if path.endswith((".yaml", ".yml")):
        return _as_yaml(value)
    if path.endswith(".toml"):
        return value if _LITERAL.fullmatch(value) else json.dumps(value, ensure_ascii=False)
    return value.rstrip(";") if path.endswith(".conf") else value


def _as_json(value: str) -> str:
    try:
        return json.dumps(json.loads(value), ensure_ascii=False)
    except ValueError:
        return json.dumps(value, ensure_ascii=False)


def _as_yaml(value: str) -> str:
    """A value without quotes where YAML reads it as it is."""
    import yaml

    try:
        read = yaml.safe_load(f"x: {value}")["x"]
    except (yaml.YAMLError, TypeError, KeyError):
        read = None
    plain = read is not None and not isinstance(read, dict | list) and "#" not in value
    return value if plain else json.dumps(value, ensure_ascii=False)
