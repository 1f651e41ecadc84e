"""The command line's arguments. Nothing heavy is imported here, so that `--help` answers at once."""

import argparse
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from devops_agent import parsers
from devops_agent.errors import UsageError
from devops_agent.parsers import PROGRAM, SUBCOMMANDS, ParseFailed
from devops_agent.settings import Settings


@dataclass(frozen=True)
class Invocation:
    """What the command line asks for.

    Attributes:
        subcommand: The arguments of a subcommand, its name as `subcommand`; None for a task or a session.
        task: What to do; None when it stands in `file`, or none was given.
        file: Where the task stands.
        interactive: Whether a session was asked for.
        directory: Where to work.
        namespace: The Kubernetes namespace.
        context: The Kubernetes context.
        stdin: Whether the standard input may be read.
        json: Whether JSON is printed.
        quiet: Whether only the answer is printed.
        color: "auto", "always" or "never".
        resume: The id of the session to go on with; "" where none was named.
        continue_: Whether to go on with the newest session.
        settings: Each setting by its name, None when not set.
    """

    subcommand: argparse.Namespace | None = None
    task: str | None = None
    file: Path | None = None
    interactive: bool = False
    directory: Path | None = None
    namespace: str | None = None
    context: str | None = None
    stdin: bool = True
    json: bool = False
    quiet: bool = False
    color: str = parsers.COLORS[0]
    resume: str | None = None
    continue_: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


def parse(argv: Sequence[str] | None = None) -> Invocation:
    """Reads the arguments.

    Raises:
        UsageError: An unknown flag, a value that is none, flags that contradict each other, or prose behind
            the name of a subcommand.
        SystemExit: After --help and --version.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    return _subcommand(words) if words[:1] and words[0] in SUBCOMMANDS else _task(words)


def asks_for_json(argv: Sequence[str] | None = None) -> bool:
    """Whether a task is to be told in JSON, also where the arguments are wrong otherwise."""
    words = list(sys.argv[1:] if argv is None else argv)
    is_task = words[:1] != [] and words[0] not in SUBCOMMANDS
    return is_task and "--json" in words[: words.index("--") if "--" in words else None]


# --- a subcommand -----------------------------------------------------------------------------------------


def _subcommand(words: Sequence[str]) -> Invocation:
    name, *rest = words
    if not rest and name in parsers.DEFAULT_ACTIONS:
        rest = [parsers.DEFAULT_ACTIONS[name]]
    if name == "policy":
        rest = _with_command_apart(rest)
    try:
        given = parsers.subcommand_parser(name).parse_args(rest)
    except ParseFailed as error:
        prose = not any(word.startswith("-") for word in words)
        forced = f" To give these words as a task: {PROGRAM} -- {shlex.join(words)}" if prose else ""
        message = f"{PROGRAM} {name}: {error}. Usage: {error.usage}{forced}"
        raise UsageError(_one_line(message)) from error
    return Invocation(
        given,
        namespace=getattr(given, "namespace", None),
        context=getattr(given, "context", None),
    )


def _with_command_apart(words: list[str]) -> list[str]:
    """The words of `policy`, with "--" before a command that is given word by word, for its own flags."""
    at = next((i for i, word in enumerate(words[1:], 1) if not word.startswith("-")), len(words))
    is_quoted = at == len(words) or any(character.isspace() for character in words[at])
    if is_quoted or "--" in words[:at]:
        return words
    return [*words[:at], "--", *words[at:]]


def _one_line(text: str) -> str:
    return " ".join(text.split())


# --- a task -----------------------------------------------------------------------------------------------

_SETTINGS = frozenset(each.name for each in fields(Settings))
_CONTRADICTIONS = (
    ("interactive", "task", "--interactive takes no task."),
    ("interactive", "file", "--interactive takes no task."),
    ("file", "task", "--file holds the task, so no other can be given."),
    ("json", "quiet", "--json and --quiet contradict each other."),
    ("json", "interactive", "--json is for one task, not for --interactive."),
    ("resume", "continue_", "--resume and --continue contradict each other."),
)


def _task(argv: Sequence[str]) -> Invocation:
    end = argv.index("--") if "--" in argv else len(argv)
    try:
        # parse_intermixed_args would read what stands behind "--" as flags
        given = vars(parsers.main_parser().parse_intermixed_args(_with_resume_apart(argv[:end])))
    except ParseFailed as error:
        raise UsageError(_one_line(f"{error}. See {PROGRAM} --help.")) from error
    words = given.pop("task")
    _check_words(words)
    given["task"] = _joined([*words, *argv[end + 1 :]])
    for one, other, told in _CONTRADICTIONS:
        if _is_given(given[one]) and _is_given(given[other]):
            raise UsageError(f"{told} Leave one of them out.")
    directory, file = given.pop("cwd"), given.pop("file")
    return Invocation(
        directory=_path("--cwd", directory),
        file=_path("--file", file),
        settings={name: given.pop(name) for name in _SETTINGS & set(given)},
        **given,
    )


def _with_resume_apart(words: Sequence[str]) -> list[str]:
    """The words, with an id joined to `--resume`, so that any other word behind it is one of the task."""
    apart: list[str] = []
    for word in words:
        # a shorter one has a digit, for "add" and "dead" are words
        is_id = apart[-1:] == ["--resume="] and re.fullmatch(r"[0-9a-f]{8}|(?=\D*\d)[0-9a-f]{3,7}", word)
        if is_id:
            apart[-1] += word
        else:
            apart.append("--resume=" if word == "--resume" else word)
    return apart


def _check_words(words: Sequence[str]) -> None:
    # argparse takes -5 for a number and so for a part of the task
    if unknown := [word for word in words if re.fullmatch(r"-[\d.]\S*", word)]:
        raise UsageError(f"unrecognized arguments: {' '.join(unknown)}. See {PROGRAM} --help.")
    if words[:1] and words[0] in SUBCOMMANDS:
        name = words[0]
        raise UsageError(
            f"A subcommand stands before its flags: {PROGRAM} {name} … (see {PROGRAM} {name} --help). "
            f"For a task that begins with this word: {PROGRAM} [flags] -- {_one_line(shlex.join(words))}"
        )


def _joined(words: Sequence[str]) -> str | None:
    task = " ".join(words).strip()
    if words and not task:
        raise UsageError('The task is empty. Say what to do: devops-agent "Check disk usage".')
    return task or None


def _is_given(value: object) -> bool:
    return value is not None and value is not False


def _path(flag: str, value: str | None) -> Path | None:
    if value is None:
        return None
    if not value.strip() or "\0" in value:
        raise UsageError(f"{flag}: {value!r} is no path. Name one.")
    try:
        return Path(value).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{flag}: {value}: there is no such user. Name another path.") from error
