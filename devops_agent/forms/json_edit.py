"""Editing a JSON file value by value: the model names a setting that there is, and its new value.

Brackets and commas are what a small model gets wrong; so it writes none, and all else in the file stays.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from devops_agent.errors import CallRefused
from devops_agent.forms.form import FileEdit
from devops_agent.grounding import Ground
from devops_agent.protocol import RECIPE, Call

_MOST = 80
_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"


@dataclass(frozen=True)
class JsonEdit(FileEdit):
    """A JSON file whose values the model may replace."""

    @property
    def settings(self) -> dict[str, tuple[int, int]]:
        """Where the values stand in the text, by their paths, as `services.web.port`; none when broken."""
        try:
            return dict(list(_values(self.text, _skip(self.text, 0), ""))[:_MOST])
        except (ValueError, IndexError):
            return {}

    @property
    def description(self) -> str:
        """How the model is told to use it."""
        example = next(iter(self.settings), "")
        return (
            f'To change {self.path}, call "{RECIPE}" with setting (the path of the value to change, such as '
            f'"{example}") and value (the new one). All else stays.'
        )

    @property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """The fields as a tool's inputs."""
        return {
            "setting": {"type": "string", "description": "setting", "enum": list(self.settings)},
            "value": {"type": "string", "description": "value"},
        }

    def drops(self, content: str) -> int:
        """How many of its settings another text of the file leaves out."""
        return len(self.settings.keys() - JsonEdit(self.path, content).settings.keys())

    def call(self, values: Mapping[str, Any], task: str, ground: Ground) -> Call:
        """The call that writes the file with the value changed.

        Raises:
            CallRefused: The file has no such setting, or it has that value already.
        """
        setting, value = str(values.get("setting", "")), str(values.get("value", ""))
        if setting not in self.settings:
            raise CallRefused(f"{self.path} has no setting {setting!r}. {self.description}")
        start, end = self.settings[setting]
        new = _like(value, self.text[start:end])
        if new == self.text[start:end]:
            raise CallRefused(f"{setting} in {self.path} is {value} already.")
        content = f"{self.text[:start]}{new}{self.text[end:]}"
        return Call("write_file", {"path": self.path, "content": content})


def _like(value: str, old: str) -> str:
    """A value as JSON: a text where a text stood, else what it says."""
    if not old.startswith('"'):
        try:
            return json.dumps(json.loads(value))
        except ValueError:
            pass
    return json.dumps(value, ensure_ascii=False)


def _values(text: str, at: int, path: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """The simple values of the JSON value that begins there."""
    if text[at] not in "{[":
        yield path, (at, _DECODER.raw_decode(text, at)[1])
        return
    is_object, number = text[at] == "{", 0
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        name = str(number)
        if is_object:
            name, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)  # behind the colon
        yield from _values(text, at, f"{path}.{name}" if path else name)
        at = _skip(text, _DECODER.raw_decode(text, at)[1])
        number += 1
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at
