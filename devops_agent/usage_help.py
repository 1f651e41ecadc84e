"""Help at the point of failure: what the installed tool itself says of a flag or field that it does not know.

A small model that invents a flag invents the next one after it, unless it is shown those that there are.
"""

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

from devops_agent.diagnosis import image_build
from devops_agent.diagnosis.diagnose import run
from devops_agent.diagnosis.finding import listed
from devops_agent.files import text_if_readable
from devops_agent.patterns import regex

_SEE = regex(r"(?:See|Run) '((?:kubectl|docker|helm)(?: [a-z][a-z-]*)*) --help'")
_FLAG = regex(r"unknown (?:shorthand )?flag: (?:'\w' in )?(-{1,2}[\w-]+)")
_FIELD = regex(r'(\w+) in version .*?unknown field "([\w.\[\]-]+)"')
_NO_DOCKERFILE = regex(r"unable to prepare context: .*?lstat (\S+)/Dockerfile: no such file")
_NOT_COPIED = regex(
    r"(?:excluded by \.dockerignore: (?:stat )?|failed to compute cache key:.*?\"?/)([\w./-]+?)\"?:"
)
_TRY = "\n  try: "
_USAGE = regex(r"^Usage: *\n? *(\S.*)$", re.MULTILINE)
_FLAGS = regex(r"(?<![\w-])--[a-z][a-z-]+")
_FIELDS = regex(r"^  (\w+)\t", re.MULTILINE)


def mend(text: str) -> str:
    """The command that a hint suggests; "" when there is none."""
    return text.partition(_TRY)[2]


def hint(output: str) -> str:
    """The usage line, and what is spelt like the unknown flag or field; "" when the failure is another one.

    Args:
        output: What a command that failed has printed.
    """
    if match := _FIELD.search(output):
        return _of_field(match[1].lower(), match[2])
    if match := _NO_DOCKERFILE.search(output):
        return f"There is no Dockerfile in {match[1]}. Build where it is: docker build -t NAME ."
    if match := _NOT_COPIED.search(output):
        return _of_ignored(match[1])
    see, flag = _SEE.search(output), _FLAG.search(output)
    return _of_flag(see[1], flag[1]) if see and flag else ""


def _of_ignored(path: str) -> str:
    """Why a file does not come into an image: the line of .dockerignore that leaves it out."""
    name = path.removeprefix("/")
    lines = (text_if_readable(".dockerignore") or "").splitlines()
    by = image_build.excluded_by(name, lines) if Path(name).exists() else ""
    if not by:
        return ""
    told = f"{name} is there, but the line {by!r} of .dockerignore leaves it out."
    return f"{told}{_TRY}{image_build.lets_in(name)}"


def _of_flag(command: str, flag: str) -> str:
    text = run(*command.split(), "--help")
    usage, known = _USAGE.search(text), sorted(set(_FLAGS.findall(text)))
    near = difflib.get_close_matches(flag, known, 3, 0.5)
    told = [f"{command} has no flag {flag}."]
    told += [f"Like it: {listed(near)}."] if near else [f"It has: {listed(known, 25)}."] if known else []
    told += [f"Usage: {usage[1]}"] if usage else []
    return " ".join(told)


def _of_field(kind: str, path: str) -> str:
    where, wrong = _parent(kind, path)
    known = _fields(where)
    if not known:
        return ""
    near = _near(wrong, known)
    meant = f" Is {near} meant?" if near else ""
    return f"{where} has no field {wrong}.{meant} It has: {listed(known, 40)}."


def near_field(kind: str, path: str) -> str:
    """The field of a kind of object that is spelt almost like one that it does not have; "" for none.

    Args:
        kind: The kind, in small letters.
        path: Where the unknown field stands, such as `spec.template.spec.containers[0].prots`.
    """
    where, wrong = _parent(kind, path)
    return _near(wrong, _fields(where))


def _parent(kind: str, path: str) -> tuple[str, str]:
    *above, wrong = re.sub(r"\[\d+\]", "", path).split(".")
    return ".".join([kind, *above]), wrong


def _near(wrong: str, known: Sequence[str]) -> str:
    return next(iter(difflib.get_close_matches(wrong, known, 1, 0.6)), "")


def _fields(where: str) -> list[str]:
    return _FIELDS.findall(run("kubectl", "explain", where))
