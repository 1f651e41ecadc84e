"""A stored session as a document, as a shell script, and as a runbook."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime

from devops_agent import shell_script
from devops_agent.ansi import plain
from devops_agent.errors import UsageError
from devops_agent.patterns import regex
from devops_agent.session_store import Stored, StoredStep, StoredTurn
from devops_agent.terminal import call_line

_BASH, _WRITE = "bash", "write_file"
# What only looks at something for the model, and would do nothing in a script.
_LEFT_OUT = ("read_file", "get_env")
_MARKUP = regex(r"([\\`*_{}\[\]<>#|~&!])")
_HEADING = 120
_EFFECTS = {"destructive": "destroys", "change": "changes", "unknown": "may change something"}
_PART = "\n\n"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def one_line(text: str) -> str:
    """A text in one line, without what would control a terminal."""
    return plain(" ".join(text.split()))


def when(moment: float) -> str:
    """A time in seconds since the epoch, as a local date and time."""
    return datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M")


# --- a document -------------------------------------------------------------------------------------------


def markdown(stored: Stored) -> str:
    """The session as Markdown, in which nothing that it holds can be taken for Markdown of its own."""
    facts = {"Session": stored.id, "Started": when(stored.started), "Directory": stored.directory}
    listed = "\n".join(
        f"- {name}: {_code(value)}" for name, value in {**facts, "Model": stored.model}.items()
    )
    parts = [f"# {_escaped(stored.title)}", listed, *(part for turn in stored.turns for part in _turn(turn))]
    if stored.cut_off:
        parts.append(f"⚠️ {_escaped(stored.cut_off)}")
    return _PART.join(parts) + "\n"


def _turn(turn: StoredTurn) -> Iterator[str]:
    heading = one_line(turn.task)
    cut = len(heading) > _HEADING
    yield f"## {turn.number}. {_escaped(heading[:_HEADING])}{'…' if cut else ''}"
    if cut or "\n" in turn.task.strip():
        yield _fenced(turn.task)
    for step in turn.steps:
        yield from _step(step)
    if turn.ended is not None:
        yield _answer(turn)


def _step(step: StoredStep) -> Iterator[str]:
    if step.tool == _BASH and isinstance(command := step.arguments.get("command"), str):
        yield _fenced(command, "bash")
    elif step.tool == _WRITE and isinstance(content := step.arguments.get("content"), str):
        yield f"Write {_code(str(step.arguments.get('path')))}:"
        yield _fenced(content)
    else:
        yield _fenced(call_line(step.tool, step.arguments))
    title = outcome(step)
    if step.shown.strip():
        yield f"<details><summary>{_escaped(title)}</summary>"
        yield _fenced(step.shown)
        yield "</details>"
    else:
        yield _escaped(title)


def outcome(step: StoredStep) -> str:
    """How a call ended, in a few words."""
    comment = f" ({one_line(step.comment)})" if step.comment else ""
    if step.decision == "rejected":
        return f"Rejected{comment}"
    if step.ended is None:
        return "Cut off" if step.ran else "Not run"
    if not step.ran:
        return "Not run"
    if step.exit_code is not None:
        failed = ", failed" if not step.ok and not step.exit_code else ""
        return f"Exit code {step.exit_code}{failed}"
    return "Done" if step.ok else "Failed"


def _answer(turn: StoredTurn) -> str:
    mark, answer = "✅" if turn.ok else "❌", turn.answer.strip()
    if "\n" in answer:
        return f"{mark}{_PART}{_fenced(answer)}"
    return f"{mark} {_escaped(answer)}".rstrip()


def _fenced(text: str, kind: str = "text") -> str:
    """A text in a fence that is longer than any in it."""
    runs = re.findall(r"`{3,}", text)
    fence = "`" * max([3, *(len(run) + 1 for run in runs)])
    return f"{fence}{kind}\n{plain(text).rstrip(chr(10))}\n{fence}"


def _code(text: str) -> str:
    text = one_line(text)
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}" if text else ""


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", one_line(text))


# --- a script ---------------------------------------------------------------------------------------------


def script(stored: Stored) -> str:
    """A shell script of the commands that ran and succeeded, as they ran; what did not is a comment.

    Files get a newline at their end. Hidden secrets are variables that have to be set.
    """
    told = (
        stored.title,
        f"Session {stored.id} of {when(stored.started)}, in {stored.directory}",
        "Each command as it ran; what failed or did not run is a comment.",
    )
    head = ["#!/usr/bin/env bash", *(shell_script.comment(one_line(text)) for text in told)]
    parts = [part for turn in stored.turns for part in _turn_of_script(turn)]
    return _PART.join(["\n".join([*head, "set -euo pipefail"]), *_secrets(stored), *parts]) + "\n"


def _secrets(stored: Stored) -> list[str]:
    """The variables that have to be set, which are asked for before anything runs."""
    steps = (step for turn in stored.turns for step in turn.steps)
    used = {number for step in steps if _statement(step) and step.succeeded for number in _hidden(step)}
    lines = [
        f': "${{HIDDEN_{number}:?set it to what the session showed as [hidden-{number}]}}"'
        for number in sorted(used)
    ]
    told = "# The secrets of the session are not in here. Set these variables before you run it."
    return ["\n".join([told, *lines])] if lines else []


def _hidden(step: StoredStep) -> Iterator[int]:
    for value in step.arguments.values():
        yield from (int(found[1]) for found in shell_script.HIDDEN.finditer(str(value)))


def _turn_of_script(turn: StoredTurn) -> Iterator[str]:
    yield shell_script.comment(f"--- {turn.number}. {plain(turn.task.strip())}")
    for step in turn.steps:
        if step.tool not in _LEFT_OUT:
            yield _step_of_script(step)
    if turn.ended is not None:
        mark = "✅" if turn.ok else "❌"
        yield shell_script.comment(f"{mark} {plain(turn.answer.strip())}")


def _step_of_script(step: StoredStep) -> str:
    statement = _statement(step)
    if statement is None or not step.succeeded:
        shown = call_line(step.tool, step.arguments) if step.tool != _BASH else _command(step)
        return shell_script.comment(f"{outcome(step)}:\n  " + plain(shown).replace("\n", "\n  "))
    return f"{shell_script.comment(_EFFECTS.get(step.effect, 'reads'))}\n{statement}"


def _command(step: StoredStep) -> str:
    return str(step.arguments.get("command", ""))


def _statement(step: StoredStep) -> str | None:
    """What does it in a script; None for what is neither a command nor a file."""
    if step.tool == _BASH and _command(step).strip():
        return shell_script.statement(_command(step))
    if step.tool == _WRITE:
        given = step.arguments
        return shell_script.file(str(given.get("path", "")), str(given.get("content", "")))
    return None


# --- a runbook --------------------------------------------------------------------------------------------


def runbook(stored: Stored, title: str) -> str:
    """A runbook of the commands that changed something and succeeded.

    What has a name in the session, such as a namespace, becomes a placeholder, and so does a secret.

    Args:
        stored: The session.
        title: What it does.

    Raises:
        UsageError: There is no title, or no such command.
    """
    title = one_line(title)
    turns = [turn for turn in stored.turns if any(step.changes and step.succeeded for step in turn.steps)]
    if not title:
        raise UsageError("A runbook needs a title: say in a few words what it does.")
    if not turns:
        raise UsageError("Nothing here changed something and succeeded, so there is no runbook in it.")
    phrases = [_without(one_line(turn.task), turn.names) for turn in turns]
    parts = [f"# {title}", f"When: {', '.join(dict.fromkeys(phrases))}"]
    commands: list[str] = []
    for turn in turns:
        for step in filter(lambda each: each.changes and each.succeeded, turn.steps):
            if step.tool == _WRITE:
                parts += [*_block(commands), *_written(step, turn.names)]
                commands = []
            elif step.tool == _BASH:
                commands.append(_templated(_command(step).strip("\n").removeprefix("set -e\n"), turn.names))
    return _PART.join([*parts, *_block(commands)]) + "\n"


def _block(commands: list[str]) -> list[str]:
    kept = [command for command in commands if not _ends_block(command)]
    return ["```bash\n" + "\n".join(kept) + "\n```"] if kept else []


def _written(step: StoredStep, names: Mapping[str, str]) -> list[str]:
    path = one_line(_templated(str(step.arguments.get("path", "")), names))
    content = _templated(str(step.arguments.get("content", "")), names).rstrip("\n")
    if _ends_block(content):
        return [f"Pitfall: {path} is needed too; its text cannot be given here."]
    return [f"Write {path}:", f"```\n{content}\n```"]


def _ends_block(text: str) -> bool:
    return re.search(r"^```", text, re.MULTILINE) is not None


def _named(names: Mapping[str, str]) -> dict[str, str]:
    """The values that stand for something, with its name; numbers and single letters stand for anything."""
    return {
        value: name
        for name, value in names.items()
        if re.fullmatch(r"[a-z_]+", name) and len(value) > 1 and not value.isdigit()
    }


def _pattern(values: Mapping[str, str]) -> "re.Pattern[str]":
    longest_first = sorted(values, key=len, reverse=True)
    return re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, longest_first)) or '(?!)'})(?![\w-]|\.\w)")


def _templated(text: str, names: Mapping[str, str]) -> str:
    """A text with placeholders for what has a name, and for secrets."""
    values = _named(names)
    text = _pattern(values).sub(lambda found: f"{{{values[found[0]]}}}", text)
    seen = list(dict.fromkeys(found[0] for found in shell_script.HIDDEN.finditer(text)))
    for letter, hidden in zip(_LETTERS, seen, strict=False):
        text = text.replace(hidden, f"{{secret_{letter}}}" if len(seen) > 1 else "{secret}")
    return plain(text)


def _without(task: str, names: Mapping[str, str]) -> str:
    """A task without the names in it, which say nothing of what is wanted."""
    return one_line(_pattern(_named(names)).sub("", task)) or task


def as_json(stored: Stored) -> str:
    """The session as one JSON object in a line."""
    return json.dumps({**asdict(stored), "cut_off": stored.cut_off}, ensure_ascii=False)
