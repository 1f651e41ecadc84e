"""Whether a command only reads, whether it waits for others, and whether its exit code is an answer."""

import shlex
from functools import lru_cache

from devops_agent.policy.classify import classify
from devops_agent.policy.lookup import Machine
from devops_agent.policy.shell_text import Segment, is_on, parse_call, segments
from devops_agent.policy.verdict import Effect


@lru_cache(maxsize=2048)
def is_read(command: str) -> bool:
    """Whether the command certainly changes nothing."""
    return bool(command.strip()) and classify(command, Machine()).effect is Effect.READ


def reads(segment: Segment) -> bool:
    """Whether this simple command changes nothing."""
    if not segment.words or segment.targets:
        return False
    assigned = "".join(f"{name}=x " for name in segment.assigned)
    return is_read(f"{assigned}{shlex.join(segment.words)}")


_WAITS = (("sleep", ""), ("kubectl", "wait"), ("kubectl", "rollout status"))


def waits_for_others(command: str) -> bool:
    """Whether time passes in which what was read before may have changed."""
    return any(parse_call(segment.words)[:2] in _WAITS for segment in segments(command))


_ANSWERS = frozenset("grep egrep fgrep zgrep rg pgrep diff cmp test [ which type".split())


def answers_with_exit_code(command: str, exit_code: int) -> bool:
    """Whether the exit code of a line is an answer ("no match", "inactive") and not a failure."""
    found = segments(command)
    # `grep -q x f && echo yes`: a code other than 0 is that of grep.
    while len(found) > 1 and found[-1].operator == "&&" and found[-1].name in ("echo", "printf", "true"):
        found.pop()
    return bool(found) and answers(found[-1], exit_code)


def answers(segment: Segment, exit_code: int) -> bool:
    """Whether the exit code of this simple command is an answer."""
    program, verb, flags, _ = parse_call(segment.words)
    if program == "systemctl" and verb in ("is-active", "is-enabled", "is-failed"):
        return 1 <= exit_code <= 4
    asks = (
        program in _ANSWERS
        or (program == "git" and verb == "diff" and is_on(flags, "--exit-code --quiet"))
        or (program == "kubectl" and verb in ("diff", "auth can-i"))
        or (program == "command" and is_on(flags, "-v -V"))
    )
    return asks and exit_code == 1
