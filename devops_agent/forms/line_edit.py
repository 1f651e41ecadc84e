"""Editing a file line by line: the model names a line that there is, and what shall stand in its place.

A small model that writes a file anew leaves out what it was not asked about, and its patterns for sed match
nothing. A line of the file it copies well, and the grammar lets it name no other.
"""

import difflib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devops_agent.diagnosis import text_files
from devops_agent.errors import CallRefused
from devops_agent.forms.form import FileEdit
from devops_agent.grounding import Ground
from devops_agent.protocol import RECIPE, Call

_MOST_LINES = 60
_LONGEST_LINE = 200
_ALIKE = 0.6


@dataclass(frozen=True)
class LineEdit(FileEdit):
    """A file whose lines the model may replace."""

    @property
    def lines(self) -> list[str]:
        """The lines that can be named: those that are there once."""
        count = Counter(self.text.splitlines())
        lines = [line for line, times in count.items() if times == 1 and line.strip()]
        return [line for line in lines if len(line) <= _LONGEST_LINE][:_MOST_LINES]

    @property
    def description(self) -> str:
        """How the model is told to use it."""
        return (
            f'To change {self.path}, call "{RECIPE}" with old_line (the line to change, as it is now) and '
            "new_line (the same line as it shall be; several lines to insert some). All other lines stay."
        )

    @property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """The fields as a tool's inputs."""
        return {
            "old_line": {"type": "string", "description": "the line now", "enum": self.lines},
            "new_line": {"type": "string", "description": "the line afterwards"},
        }

    def drops(self, content: str) -> int:
        """How many of its lines another text of the file leaves out, when those are most of them; else 0."""
        kept = set(content.splitlines())
        lost = [line for line in self.lines if line not in kept]
        return len(lost) if len(lost) * 2 > len(self.lines) else 0

    def call(self, values: Mapping[str, Any], task: str, ground: Ground) -> Call:
        """The call that writes the file with the line changed.

        Raises:
            CallRefused: The file has no such line, it would stay as it is, or break its own grammar.
        """
        text = str(values.get("new_line", "")).rstrip("\n")
        text = self._only_change(text)
        line = self._meant(text, str(values.get("old_line", "")))
        if line not in self.lines:
            raise CallRefused(f"{self.path} has no line {line!r}. {self.description}")
        if text == line:
            raise CallRefused(f"That leaves {self.path} as it is. Give the changed line as new_line.")
        lines = self.text.splitlines()
        lines[lines.index(line)] = text
        content = "\n".join(lines) + "\n"
        wrong = text_files.trouble(Path(self.path), content)
        if wrong and not text_files.trouble(Path(self.path), self.text):
            raise CallRefused(f"Nothing was changed, for then {self.path} would be broken: {wrong}")
        return Call("write_file", {"path": self.path, "content": content})

    def _only_change(self, text: str) -> str:
        """Of several lines the one that changes a line of the file; the others stand there already."""
        there = self.text.splitlines()
        new = [line for line in text.split("\n") if line not in there]
        bare = [line.strip() for line in self.lines]
        changes = len(new) == 1 and difflib.get_close_matches(new[0].strip(), bare, 1, _ALIKE)
        return new[0] if changes else text

    def _meant(self, text: str, line: str) -> str:
        """The line that is most like its new text: small models give the right text and a wrong line."""
        near = difflib.get_close_matches(text, self.lines, 1, _ALIKE) if "\n" not in text else []
        return near[0] if near else line
