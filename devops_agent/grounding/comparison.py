"""How two files or containers differ that a task compares: by their settings."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from devops_agent import intent
from devops_agent.config_values import MOST, settings_of
from devops_agent.diagnosis.finding import listed
from devops_agent.files import text_if_readable
from devops_agent.grounding.task_words import PATH
from devops_agent.patterns import regex
from devops_agent.policy.variables import is_secret_name

COMPARES = regex(
    r"\b(?:compar\w+|diff|differ\w*|only in one|(?:missing|lacks?|absent)\b.*\b(?:in|from)|in both)\b",
    re.IGNORECASE,
)
_ONLY_KEYS = regex(r"\bwhich (?:keys|settings|variables)\b|\bonly in one\b|\bmissing\b", re.IGNORECASE)
_LARGEST = 200_000
_MOST = 20
_LONGEST = 60


def compared(task: str, directory: Path) -> Iterator[str]:
    """What is only in one of the two files that a task compares, and what is different in them."""
    if not COMPARES.search(task) or intent.asks_for_change(task):
        return
    named = dict.fromkeys(PATH.findall(task))
    texts = {word: text for word in named if (text := text_if_readable(directory / word, _LARGEST))}
    if len(texts) != 2:
        return
    (one, text), (other, other_text) = texts.items()
    values, other_values = _values(one, text), _values(other, other_text)
    if not (values and other_values) or MOST in (len(values), len(other_values)):
        return  # no settings, or not all of them
    for path, here, there in ((one, values, other_values), (other, other_values, values)):
        only = [setting for setting in here if setting not in there]
        yield f"only in {path}: {listed(only, _MOST) if only else 'nothing'}"
    if _ONLY_KEYS.search(task):
        return
    different = [each for each, value in values.items() if other_values.get(each, value) != value]
    told = _side_by_side(different, values, other_values)
    yield f"in both, with different values: {told or 'nothing'}"


def differences(one: Mapping[str, str], other: Mapping[str, str], names: tuple[str, str]) -> str:
    """How two things differ, in a sentence.

    Args:
        one: The settings of the first.
        other: Those of the second.
        names: How the two are called.
    """
    found = [key for key in dict.fromkeys((*one, *other)) if one.get(key) != other.get(key)]
    told = _side_by_side(found, one, other) or "nothing that was looked at"
    return f"{names[0]} / {names[1]} differ in: {told}"


def _side_by_side(settings: Sequence[str], one: Mapping[str, str], other: Mapping[str, str]) -> str:
    """Settings with both values, of secrets only the names; "" when there are none."""
    told = [
        each if is_secret_name(each) else f"{each} ({_shown(one.get(each))} / {_shown(other.get(each))})"
        for each in settings
    ]
    return listed(told, _MOST) if told else ""


def _values(path: str, text: str) -> dict[str, str]:
    places = settings_of(path, text)
    return {setting: text[place.start : place.end] for setting, place in places.items()}


def _shown(value: str | None) -> str:
    return re.sub(r"://[^/\s@]+@", "://…@", "none" if value is None else value)[:_LONGEST]
