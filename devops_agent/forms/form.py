"""What all forms have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devops_agent.grounding import Ground
from devops_agent.protocol import RECIPE, Call


class Form(ABC):
    """A form; to the model it is a tool, of which there is one at a time."""

    name = RECIPE

    @property
    def heading(self) -> str:
        """What it does; "" for what was told already."""
        return ""

    @property
    def look(self) -> str:
        """The commands, when there is nothing to fill in and they leave everything as it is; else ""."""
        return ""

    @property
    @abstractmethod
    def description(self) -> str:
        """How the model is told to use it."""

    @property
    @abstractmethod
    def inputs(self) -> dict[str, dict[str, Any]]:
        """The fields as a tool's inputs."""

    def given(self, facts: str) -> "Form":
        """The form when that was found which the task wants found first."""
        return self

    def is_done_by(self, call: Call) -> bool:
        """Whether another call did the same already."""
        return False

    @abstractmethod
    def call(self, values: Mapping[str, Any], task: str, ground: Ground) -> Call:
        """The call that it comes to when it is filled in.

        Args:
            values: What the model gave for its fields.
            task: The task.
            ground: What was looked up for it.

        Raises:
            CallRefused: The values do not fit; the text tells the model why.
        """

    def __str__(self) -> str:
        return self.description


@dataclass(frozen=True)
class FileEdit(Form):
    """A form that changes a file.

    Attributes:
        path: The file.
        text: Its text.
    """

    path: str
    text: str

    @abstractmethod
    def drops(self, content: str) -> int:
        """How many of its parts another text of the file leaves out, when those are too many; else 0."""
