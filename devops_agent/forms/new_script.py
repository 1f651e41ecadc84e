"""Writing a script: the model gives its text alone, lest it does at once what the script shall do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devops_agent.errors import CallRefused
from devops_agent.forms.form import Form
from devops_agent.grounding import Ground
from devops_agent.patterns import regex
from devops_agent.protocol import RECIPE, Call

# "FILE= backups/$DATE.gz": an assignment with a space too much, which would run the file as a program.
_SPACED = regex(
    r"^([ \t]*(?:export |local )?[A-Za-z_]\w*=)[ \t]+(?=\S*[/$\"'\d])([^\s;|&]+)[ \t]*$", re.MULTILINE
)


@dataclass(frozen=True)
class NewScript(Form):
    """A script that a task wants written.

    Attributes:
        path: Its file, which is not there yet.
    """

    path: str

    @property
    def description(self) -> str:
        """How the model is told to use it."""
        return (
            f'To write {self.path}, call "{RECIPE}" with content: the whole script, from its #! line on. '
            "What it is to do is done when it is run, and not now."
        )

    @property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """The text as a tool's input."""
        return {"content": {"type": "string", "description": "the whole script"}}

    def is_done_by(self, call: Call) -> bool:
        """Whether another call wrote the file already."""
        return call.name == "write_file" and call.arguments.get("path") == self.path

    def call(self, values: Mapping[str, Any], task: str, ground: Ground) -> Call:
        """The call that writes the script.

        Raises:
            CallRefused: The text is empty, or has no line that names its interpreter.
        """
        content = _SPACED.sub(r"\1\2", str(values.get("content", "")))
        if not content.startswith("#!") or len(content.splitlines()) < 2:
            raise CallRefused(f"{self.path} needs its whole text: the #! line, then the commands.")
        return Call("write_file", {"path": self.path, "content": content.rstrip("\n") + "\n"})
