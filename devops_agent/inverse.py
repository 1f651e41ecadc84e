"""The task that takes back what a command has changed: what "undo it" means."""

import re
from collections.abc import Callable, Sequence

from devops_agent.policy.shell_text import Call, parse_call, segments
from devops_agent.subjects import Row, Subject, of_command

_UNDO = re.compile(
    r"(?:(?:.*[.,;!]\s*)?(?:please |just |can you )?)(?:undo|revert|take back|roll back)"
    r"(?: (?:it|that|this|the last (?:change|step|one)|what you did|your last change))?"
    r"(?: again)?(?:,? please)?\s*[.!]*"
    r"|(?:.*[.,;!]\s*)?(?:take|roll|put) (?:it|that) back\s*[.!]*",
    re.IGNORECASE | re.DOTALL,
)
_OPPOSITE = {"stop": "Start", "start": "Stop", "pause": "Unpause", "unpause": "Pause"}


def asks_to_undo(task: str) -> bool:
    """Whether a task only asks to take back what was done before it."""
    return bool(_UNDO.fullmatch(task.strip()))


def inverse(commands: Sequence[str], rows: Sequence[Row]) -> str:
    """The task that takes back the one change of a turn; "" where it had several, or none that is known.

    Args:
        commands: The commands of the turn that changed something.
        rows: What was there before, as it was looked up.
    """
    try:
        calls = [parse_call(segment.words) for command in commands for segment in segments(command)]
    except ValueError:  # no shell text
        return ""
    calls = [call for call in calls if call.program in ("kubectl", "docker")]
    about = [each for command in commands for each in of_command(command)]
    if len(calls) != 1 or not about:
        return ""
    (call,) = calls
    take_back = _KUBECTL if call.program == "kubectl" else _DOCKER
    find = take_back.get(call.verb) or take_back.get(call.verb.split()[0])
    return find(call, about[0], rows) if find else ""


def _rolled_back(call: Call, subject: Subject, rows: Sequence[Row]) -> str:
    return f"Roll back {subject} to its revision before"


def _deleted(call: Call, subject: Subject, rows: Sequence[Row]) -> str:
    return f"Delete {subject}"


def _exposed(call: Call, subject: Subject, rows: Sequence[Row]) -> str:
    name = call.flags.get("--name", subject.name)
    return f"Delete {Subject('service', name, subject.namespace)}"


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
    return f"Remove the {call.verb} {pairs[0].partition('=')[0]} of {subject}"


def _renamed(call: Call, subject: Subject, rows: Sequence[Row]) -> str:
    return f"Rename container {call.operands[-1]} to {call.operands[0]}"


def _reversed(call: Call, subject: Subject, rows: Sequence[Row]) -> str:
    return f"{_OPPOSITE[call.verb]} {subject}" if len(call.operands) == 1 else ""


_Find = Callable[[Call, Subject, Sequence[Row]], str]
_KUBECTL: dict[str, _Find] = {
    **dict.fromkeys(("set", "patch"), _rolled_back),
    **dict.fromkeys(("create", "run"), _deleted),
    "expose": _exposed,
    "scale": _scaled,
    **dict.fromkeys(("label", "annotate"), _unlabelled),
}
_DOCKER: dict[str, _Find] = {
    "run": _deleted,
    "rename": _renamed,
    **dict.fromkeys(_OPPOSITE, _reversed),
}
