"""Writing what was found into a file: the model gives the text alone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devops_agent.forms.form import Form
from devops_agent.grounding import Ground
from devops_agent.protocol import RECIPE, Call


@dataclass(frozen=True)
class AnswerText(Form):
    """A file that is to have what a task wants found.

    Attributes:
        path: Its path.
        what: What it is to have, in the words of the task.
    """

    path: str
    what: str

    @property
    def description(self) -> str:
        """How the model is told to use it."""
        return (
            f'To write {self.path}, call "{RECIPE}" with content: only the text that the file is to have: '
            f"{self.what}. Several things stand on a line each."
        )

    @property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """The text as a tool's input."""
        return {"content": {"type": "string", "description": "the text of the file"}}

    def is_done_by(self, call: Call) -> bool:
        """Whether another call wrote the file already."""
        sent = re.search(
            rf"> *[\"']?{re.escape(self.path)}(?![\w./-])", str(call.arguments.get("command", ""))
        )
        return bool(sent) or (call.name == "write_file" and call.arguments.get("path") == self.path)

    def call(self, values: Mapping[str, Any], task: str, ground: Ground) -> Call:
        """The call that writes the file."""
        return Call(
            "write_file", {"path": self.path, "content": f"{str(values.get('content', '')).strip()}\n"}
        )
