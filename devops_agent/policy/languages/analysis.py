"""What a program inside of a command does: a verdict, and the parts that are looked at by themselves."""

import shlex
from typing import NamedTuple

from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Verdict, unknown

LONGEST = 20_000  # characters; a longer program is not looked at


class Part(NamedTuple):
    """Something that a script does: it writes a file or runs a text in a shell."""

    does: str  # "writes", "appends", "runs"
    text: str


class Analysis(NamedTuple):
    """What a script does besides, and the parts that have to be looked at."""

    verdict: Verdict
    parts: tuple[Part, ...] = ()


def reads(path: str) -> Part:
    """A file that is read, which may hold secrets."""
    return Part("runs", f"cat -- {shlex.quote(path)}")


def feeds(command: str) -> Part:
    """A command that gets what is only known at run time as its standard input."""
    return Part("runs", f"cat | {{ {command}\n}}")


def unseen(text: str, language: str) -> Analysis | None:
    """The analysis of a program that is only known at run time, or that is too long to be looked at."""
    if UNSEEN in text:
        return Analysis(unknown(f"runs {language} that is only known at run time"))
    if len(text) > LONGEST:
        return Analysis(unknown(f"runs more {language} than is looked at"))
    return None
