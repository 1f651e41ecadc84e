"""Whether the last change of a command line succeeded, where the exit code of the line is that of another.

`rmdir x; ls`, `docker build . | tail -n 1` and `kubectl apply -f x || echo failed` exit with 0 all the same.
What bash noted on the way tells more.
"""

from collections.abc import Sequence
from typing import NamedTuple

from devops_agent.policy.effects import answers, reads
from devops_agent.policy.shell_text import PIPES, Segment, segments

_NO_COMMANDS = frozenset("done fi esac } for case select".split())
_NO_CHANGES = frozenset("exit return break continue set trap wait read export".split())
_SIGPIPE = 141


class Step(NamedTuple):
    """What bash noted before it ran a command, and once more at its end."""

    depth: int  # of subshells
    codes: tuple[int, ...]  # the exit codes of the pipeline before it
    command: str


def hides_failure(command: str) -> bool:
    """Whether the last change in it may fail while the whole ends with exit code 0."""
    found = _commands(command)
    changes = _last_changes(found)
    if not changes:
        return False
    _, end = _pipeline(found, changes[0])
    behind = [segment.operator for segment in found[end:]]
    # in the background, to start it was all
    return behind[:1] != ["&"] and (changes[0] < end - 1 or any(each not in ("&&", "$(") for each in behind))


def hidden_failure(command: str, steps: Sequence[Step]) -> str:
    """The last change with its exit code, or what kept it from running; "" when it succeeded."""
    found = _commands(command)
    failures = (_failure(found, at, steps) for at in _last_changes(found))
    return next(filter(None, failures), "")


def _failure(found: Sequence[Segment], at: int, steps: Sequence[Step]) -> str:
    while (code := _exit_code(found, at, steps)) is None and at > 0 and found[at].operator == "&&":
        at -= 1
    cut_short = code == _SIGPIPE and _pipeline(found, at)[1] > at + 1  # by `head`, which had enough
    if not code or cut_short or answers(found[at], code):
        return ""
    return f"{' '.join(found[at].words)[:100]} failed with exit code {code}"


def _commands(command: str) -> list[Segment]:
    return [each for each in segments(command) if each.words and each.name not in _NO_COMMANDS]


def _last_changes(found: Sequence[Segment]) -> list[int]:
    """Where the last change is; in a pipeline there may be several, as in `docker build . | tee log`."""
    changes = [at for at, each in enumerate(found) if not reads(each) and each.name not in _NO_CHANGES]
    start = _pipeline(found, changes[-1])[0] if changes else 0
    return [at for at in changes if at >= start]


def _pipeline(found: Sequence[Segment], at: int) -> tuple[int, int]:
    """Where the pipeline of a command begins and ends."""
    start, end = at, at + 1
    while start > 0 and found[start].operator in PIPES:
        start -= 1
    while end < len(found) and found[end].operator in PIPES:
        end += 1
    return start, end


def _exit_code(found: Sequence[Segment], at: int, steps: Sequence[Step]) -> int | None:
    """That of a command when it ran last; None if it did not run, or nothing was noted after it."""
    start, end = _pipeline(found, at)
    ran = next((n for n in reversed(range(len(steps))) if _runs(steps[n], found[at])), len(steps))
    behind = [step for step in steps[ran + 1 :] if step.depth == steps[ran].depth]
    behind = behind or [step for step in steps[ran + 1 :] if step.depth < steps[ran].depth]
    piped = list(found[at + 1 : end])
    for step in behind:
        if piped and _runs(step, piped[0]):  # noted before the pipeline ended
            piped.pop(0)
        elif len(step.codes) == end - start:
            return step.codes[at - start]
        else:
            return step.codes[0] if len(step.codes) == 1 else 0  # it was in a group, or a group was piped
    return None


def _runs(step: Step, segment: Segment) -> bool:
    return any(each.words == segment.words for each in segments(step.command))
