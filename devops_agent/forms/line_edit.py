"""Editing a file line by line: the model names a line that there is, and what shall become of it.

A small model that writes a file anew leaves out what it was not asked about, and its patterns for sed match
nothing. A line of the file it copies well, and the grammar lets it name no other.
"""

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from devops_agent.diagnosis import text_files
from devops_agent.errors import CallRefused
from devops_agent.forms.form import FileEdit
from devops_agent.grounding import Ground
from devops_agent.grounding.task_words import ADDRESS, PATH
from devops_agent.patterns import regex
from devops_agent.protocol import RECIPE, Call

_MOST_LINES = 60
_LONGEST_LINE = 200
_ALIKE = 0.6
CHANGE, ADD, ADD_BEFORE, APPEND, DELETE = "change", "add after", "add before", "append", "delete"
# What may become of a line, by what a task says; "add" may also mean a word more in a line.
_APPENDS = regex(
    r"\bappend|\b(?:at|to) the (?:very )?end\b"
    r"|\badd (?:the |an? |this |another |one )?(?:[a-z]+ ){0,2}(?:line|entry)\b",
    re.IGNORECASE,
)
_ADDS = regex(r"\b(?:add|insert|put|include|extend|declare)\b", re.IGNORECASE)
# There a line is a pattern of its own, and their order says little.
_LISTS = frozenset({".gitignore", ".dockerignore"})
_BEHIND = regex(r"\b(?:after|below|behind|under|beneath)\b", re.IGNORECASE)
_BEFORE = regex(r"\b(?:before|above|ahead of)\b", re.IGNORECASE)
_CHANGES = regex(
    r"\b(?:change|set|replace|update|bump|rename|uncomment|increase|raise|lower)\b", re.IGNORECASE
)
_DELETES = regex(r"\b(?:delete|remove|drop|get rid)\b|\btake\b(?: [\w.'’-]+){0,4} out\b", re.IGNORECASE)
_TOLD = {
    CHANGE: "text stands in place of line",
    ADD: "text comes behind line as a line of its own",
    ADD_BEFORE: "text comes before line as a line of its own",
    DELETE: "line goes, text is empty",
}


def actions(task: str, path: str = "") -> tuple[str, ...]:
    """What a task may want done with the lines of a file."""
    if Path(path).name == "Dockerfile":
        return (CHANGE, ADD, DELETE)  # each line is a step
    more = [action for action, said in ((ADD, _ADDS), (DELETE, _DELETES)) if said.search(task)]
    if DELETE in more or _CHANGES.search(task):
        return (CHANGE, *more)
    if ADD in more and _BEHIND.search(task):
        return (ADD,)
    if ADD in more and _BEFORE.search(task):
        return (ADD_BEFORE,)
    if _APPENDS.search(task) or (ADD in more and Path(path).name in _LISTS):
        return (APPEND,)
    return (CHANGE, *more)


def patterns_in(task: str, path: str) -> tuple[str, ...]:
    """What a task may want put into a file that lists other files; none where it says no name, or more."""
    if Path(path).name not in _LISTS or re.search(r"[*]|\w/(?!\w)", task):
        return ()
    return tuple(dict.fromkeys(name for name in PATH.findall(task) if name != path))


def _like_there(text: str, told: str) -> tuple[str, ...]:
    """A new line for each address in a text, where those that there are differ in nothing but that."""
    lines = [line for line in text.splitlines() if len(ADDRESS.findall(line)) == 1]
    if len(lines) < 2 or len({ADDRESS.sub("", line) for line in lines}) > 1:
        return ()
    new = [address for address in dict.fromkeys(ADDRESS.findall(told)) if address not in text]
    return tuple(ADDRESS.sub(address, lines[-1]) for address in new)


@dataclass(frozen=True)
class LineEdit(FileEdit):
    """A file whose lines the model may change.

    Attributes:
        actions: What may become of a line.
        texts: What a new line may be, where the task names that; none for any.
    """

    actions: Sequence[str] = (CHANGE,)
    texts: Sequence[str] = ()

    @property
    def lines(self) -> list[str]:
        """The lines that can be named: those that are there once."""
        count = Counter(self.text.splitlines())
        lines = [line for line, times in count.items() if times == 1 and line.strip()]
        return [line for line in lines if len(line) <= _LONGEST_LINE][:_MOST_LINES]

    def given(self, facts: str) -> "LineEdit":
        """The form when that was found which the task wants found first: of an address one that was."""
        texts = self.texts or (self.actions == (APPEND,) and _like_there(self.text, facts))
        return replace(self, texts=texts or ())

    @property
    def description(self) -> str:
        """How the model is told to use it."""
        start = f'To change {self.path}, call "{RECIPE}" with '
        if self.actions == (APPEND,):
            return f"{start}text (the new line), which is put behind its last line."
        if self.actions == (CHANGE,):
            return (
                f"{start}old_line (the line to change, as it is now) and "
                "new_line (the same line as it shall be). All other lines stay; call it once for each line."
            )
        if len(self.actions) == 1:
            return f"{start}line (as it is now) and text: {_TOLD[self.actions[0]]}. All other lines stay."
        told = ", ".join(f'"{action}": {_TOLD[action]}' for action in self.actions)
        return f"{start}action ({told}), line (as it is now) and text. All other lines stay."

    @property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """The fields as a tool's inputs."""
        if self.actions == (APPEND,):
            known = {"enum": list(self.texts)} if self.texts else {}
            return {"text": {"type": "string", "description": "the new line", **known}}
        if self.actions == (CHANGE,):
            return {
                "old_line": {"type": "string", "description": "the line now", "enum": self.lines},
                "new_line": {"type": "string", "description": "the line afterwards", "format": "line"},
            }
        fields: dict[str, dict[str, Any]] = {
            "action": {"type": "string", "description": "what to do", "enum": list(self.actions)},
            "line": {"type": "string", "description": "the line now", "enum": self.lines},
            "text": {"type": "string", "description": "the new text"},
        }
        return {name: spec for name, spec in fields.items() if name != "action" or len(self.actions) > 1}

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
        adds = ADD in self.actions and not (_CHANGES.search(task) or _DELETES.search(task))
        lines = self._edited({name: str(value) for name, value in values.items()}, adds)
        content = "\n".join(lines) + "\n"
        if wrong := text_files.broken_by(Path(self.path), self.text, content):
            raise CallRefused(f"Nothing was changed, for then {self.path} would be broken: {wrong}")
        return Call("write_file", {"path": self.path, "content": content})

    def _edited(self, values: Mapping[str, str], adds: bool) -> list[str]:
        """The lines of the file afterwards; where the task only adds, no line goes for one unlike it."""
        lines = self.text.splitlines()
        action = self.actions[0] if len(self.actions) == 1 else values.get("action", CHANGE)
        text = values.get("new_line", values.get("text", "")).rstrip("\n")
        if action == APPEND:
            if (text := text.rstrip()) and text in lines:
                raise CallRefused(f"{self.path} has the line {text!r} already. Give the new one.")
            return [*lines, *text.split("\n")]
        line = values.get("old_line", values.get("line", ""))
        if action == CHANGE:
            text = self._only_change(text)
            line = self._meant(text, line)
            action = ADD if adds and text and not _is_made_of(text, line) else CHANGE
        if line not in self.lines:
            raise CallRefused(f"{self.path} has no line {line!r}. {self.description}")
        at = lines.index(line)
        if action == DELETE:
            return lines[:at] + lines[at + 1 :]
        new = text.split("\n")
        if action in (ADD, ADD_BEFORE):
            new = [each for each in _indented(new, line) if each != line]
            new = [line, *new] if action == ADD else [*new, line]
        if new == [line]:
            raise CallRefused(
                f"{line!r} is in {self.path} already. If that is all that the task asks for, "
                "answer that it is so already; else give the changed line."
            )
        return lines[:at] + new + lines[at + 1 :]

    def _only_change(self, text: str) -> str:
        """Of several lines the one that changes a line of the file; the others stand there already."""
        there = self.text.splitlines()
        new = [line for line in text.split("\n") if line not in there]
        bare = [line.strip() for line in self.lines]
        changes = len(new) == 1 and difflib.get_close_matches(new[0].strip(), bare, 1, _ALIKE)
        return new[0] if changes else text

    def _meant(self, text: str, line: str) -> str:
        """The line that is most like its new text: small models give the right text and a wrong line."""
        if line in self.lines and difflib.SequenceMatcher(None, line, text).ratio() >= _ALIKE:
            return line
        near = difflib.get_close_matches(text, self.lines, 1, _ALIKE) if "\n" not in text else []
        return near[0] if near else line


def _is_made_of(text: str, line: str) -> bool:
    """Whether a text is a line with some of it changed, or more put into it."""
    alike = difflib.SequenceMatcher(None, line.strip(), text.strip()).ratio() >= _ALIKE
    return alike or line.strip() in text


def _indented(new: list[str], line: str) -> list[str]:
    """New lines at the depth of the line before them, when they are given without any."""
    depth = text_files.indent(line)
    bare = bool(depth) and not new[0][:1].isspace() and new[0] != line
    return [f"{depth}{each}" for each in new] if bare else new
