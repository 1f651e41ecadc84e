"""Changing a file in a way that code knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devops_agent.forms.form import Form
from devops_agent.grounding import Ground
from devops_agent.protocol import RECIPE, Call


@dataclass(frozen=True)
class Rewrite(Form):
    """A file with a change that is known already.

    Attributes:
        path: The file.
        text: Its text afterwards.
        change: The change in words.
        before: Its text before; "" when that is not known.
        made_from: Other files, of which it is made.
    """

    path: str
    text: str
    change: str
    before: str = ""
    made_from: tuple[str, ...] = ()

    def fits(self, text: str | None) -> bool:
        """Whether the file still has the text that the change was made for."""
        return not self.before or text == self.before

    @property
    def description(self) -> str:
        """How the model is told to use it."""
        return f'To change {self.path}, call "{RECIPE}" with no arguments: {self.change}.'

    @property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """The fields as a tool's inputs: none."""
        return {}

    def call(self, values: Mapping[str, Any], task: str, ground: Ground) -> Call:
        """The call that writes the file with the change."""
        return Call("write_file", {"path": self.path, "content": self.text})
