"""The task that takes back what a command has changed: what "undo it" means."""

import re
from collections.abc import Callable, Sequence

from devops_agent.dialogue.subjects import WORKLOADS, Row, Subject, of_command
from devops_agent.patterns import regex
from devops_agent.policy import effects
from devops_agent.policy.shell_text import Call, parse_call, segments

# What may stand before it: "oops, that was a mistake."
_SAID = r"no|oops|ouch|sorry|hm+|wait|ok|okay|ah|oh|please|(?:that|this|it) was(?: \w+){1,4}?"
_LEAD = rf"(?:(?:{_SAID})\b[\s.,;!:-]*)*"
_UNDO = regex(
    rf"{_LEAD}(?:(?:undo|revert|roll back|take back)(?: (?:it|that|this|the last (?:change|step|one)"
    r"|what you did|your last change))?|(?:take|roll|put) (?:it|that) back)(?:,? (?:again|please))*\s*[.!]*",
    re.IGNORECASE,
)
_ADDED = {"label": "label", "annotate": "annotation"}
_OPPOSITE = {"stop": "Start", "start": "Stop", "pause": "Unpause", "unpause": "Pause"}


def asks_to_undo(task: str) -> bool:
    """Whether a task only asks to take back what was done before it."""
    return bool(_UNDO.fullmatch(task.strip()))


def inverse(commands: Sequence[str], rows: Sequence[Row]) -> str:
    """The task that takes back the one change of a turn; "" where it had several, or none that is known.

    Args:
        commands: What changed something in the turn.
        rows: What was there before, as it was looked up.
    """
    try:
        ran = [segment for command in commands for segment in segments(command)]
    except ValueError:  # no shell text
        return ""
    calls = [parse_call(segment.words) for segment in ran if not effects.reads(segment)]
    about = [each for command in commands for each in of_command(command)]
    if len(calls) != 1 or len(about) != 1 or calls[0].program not in _TAKES_BACK:
        return ""
    (call,), by_verb = calls, _TAKES_BACK[calls[0].program]
    find = by_verb.get(call.verb) or by_verb.get(call.verb.split()[0])
    return find(call, about[0], rows) if find else ""


def _rolled_back(call: Call, subject: Subject, rows: Sequence[Row]) -> str:
    return f"Roll back {subject} to its revision before" if subject.kind in WORKLOADS else ""


def _deleted(call: Call, subject: Subject, rows: Sequence[Row]) -> str:
    return f"Delete {subject}"


def _exposed(call: Call, subject: Subject, rows: Sequence[Row]) -> str:
    name = call.flags.get("--name", subject.name)
    return f"Delete {Subject('service', name, subject.namespace)}" if name else ""


def _scaled(call: Call, subject: Subject, rows: Sequence[Row]) -> str:
    for row in rows:
        count = re.match(r"\d+ of (\d+) ready", row.text)
        if row.subject == subject and count:
            return f"Scale {subject} to {count[1]} replicas"
    return ""


def _unlabelled(call: Call, subject: Subject, rows: Sequence[Row]) -> str:
    pairs = [word for word in call.operands if "=" in word]
    if len(pairs) != 1 or "--overwrite" in call.flags:
        return ""
    return f"Remove the {_ADDED[call.verb]} {pairs[0].partition('=')[0]} of {subject}"


def _renamed(call: Call, subject: Subject, rows: Sequence[Row]) -> str:
    return f"Rename container {call.operands[-1]} to {call.operands[0]}"


def _reversed(call: Call, subject: Subject, rows: Sequence[Row]) -> str:
    return f"{_OPPOSITE[call.verb]} {subject}"


_Find = Callable[[Call, Subject, Sequence[Row]], str]
_TAKES_BACK: dict[str, dict[str, _Find]] = {
    "kubectl": {
        "set": _rolled_back,
        **dict.fromkeys(("create", "run"), _deleted),
        "expose": _exposed,
        "scale": _scaled,
        **dict.fromkeys(_ADDED, _unlabelled),
    },
    "docker": {"run": _deleted, "rename": _renamed, **dict.fromkeys(_OPPOSITE, _reversed)},
}
