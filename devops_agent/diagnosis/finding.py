"""A finding: one cause with its evidence."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from devops_agent.patterns import regex


@dataclass(frozen=True)
class Finding:
    """One cause of trouble.

    Attributes:
        subject: What has the trouble, such as `pod web-1` or `container cache`.
        cause: What is wrong, in one sentence.
        evidence: What shows it: a log line, an event, a field.
        suggestion: A command that would mend it, or the next thing to look at, with `{placeholders}` for
            what is not known; "" when there is none.
    """

    subject: str
    cause: str
    evidence: str = ""
    suggestion: str = ""

    def __str__(self) -> str:
        lines = [f"{self.subject}: {self.cause}"]
        lines += [f"  evidence: {self.evidence}"] if self.evidence else []
        lines += [f"  try: {self.suggestion}"] if self.suggestion else []
        return "\n".join(lines)


def blank(key: str) -> str:
    """The placeholder for the value of a setting."""
    return f"{{{re.sub(r'[^a-z]+', '_', key.lower()).strip('_') or 'value'}}}"


# What a process ends with, by shells, Docker and the kernel: https://tldp.org/LDP/abs/html/exitcodes.html
_EXIT_CODES = {
    0: "it ended by itself, without an error",
    126: "its command cannot be executed",
    127: "its command was not found",
    134: "it aborted (SIGABRT)",
    137: "it was killed (SIGKILL)",
    139: "it crashed (segmentation fault)",
    143: "it was asked to stop (SIGTERM)",
}


def exit_code_meaning(code: int) -> str:
    """What an exit code says: `exit code 127: its command was not found`."""
    meaning = _EXIT_CODES.get(code)
    if meaning is None and 128 < code < 160:
        meaning = f"it was ended by signal {code - 128}"
    return f"exit code {code}: {meaning}" if meaning else f"exit code {code}"


_TELLING = regex(
    r"fatal|panic|error|exception|fail|denied|forbidden|refused|cannot|can't|could not|unable|not found"
    r"|no such|not set|missing|required|invalid|must be|timed? ?out|emerg|killed|segfault|undefined"
    r"|unknown|unexpected|unsupported|unrecognized|expired|mismatch|corrupt|abort|conflict|is a directory",
    re.IGNORECASE,
)
_COLOURS = regex(r"\x1b\[[0-9;]*m")
_LONGEST = 240


def telling_lines(log: str, most: int = 2) -> str:
    """The newest lines of a log that speak of trouble; of a log without such lines, its last one."""
    lines = [line.strip() for line in _COLOURS.sub("", log).splitlines() if line.strip()]
    telling = list(dict.fromkeys(line for line in lines if _TELLING.search(line))) or lines[-1:]
    return " / ".join(line[:_LONGEST] for line in telling[-most:])


def speaks_of_trouble(log: str) -> str:
    """The newest lines of a log that speak of trouble; "" when none does."""
    return telling_lines(log) if _TELLING.search(log) else ""


def one_line(text: str) -> str:
    """A message without its line breaks, at a readable length."""
    return " ".join(text.split())[:_LONGEST]


def listed(names: Iterable[str], most: int = 8) -> str:
    """Names with commas between them; `none` when there are none."""
    found = sorted(set(names))
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return (", ".join(found[:most]) + more) or "none"
