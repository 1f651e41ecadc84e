"""Why an image cannot be built, as far as its Dockerfile and .dockerignore tell."""

import difflib
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from devops_agent.diagnosis.finding import Finding
from devops_agent.files import text_if_readable
from devops_agent.patterns import regex

_INSTRUCTIONS = (
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL"
    " USER VOLUME WORKDIR"
).split()
_INSTRUCTION = regex(r"\s*([A-Za-z]+)(?:\s+(.*))?$", re.DOTALL)
_HEREDOC = regex(r"<<-?[\"']?(\w+)[\"']?")
_GLOB = regex(r"[*?\[]")
_CONTINUED = regex(r"\\\s*$")


def findings(directory: Path) -> list[Finding]:
    """What is wrong with the Dockerfile of a folder, with a command that mends it where one can be told."""
    text = text_if_readable(directory / "Dockerfile")
    if not text:
        return []
    ignored = (text_if_readable(directory / ".dockerignore") or "").splitlines()
    return [each for at, line in _instructions(text) for each in _of_line(at, line, directory, ignored)]


def _instructions(text: str) -> Iterator[tuple[int, str]]:
    """The instructions with the numbers of their first lines; what stands in here-documents is none."""
    lines = list(enumerate(text.splitlines(), 1))
    while lines:
        at, line = lines.pop(0)
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        while lines and _CONTINUED.search(line):
            following = lines.pop(0)[1]
            line = line if following.lstrip()[:1] in ("", "#") else _CONTINUED.sub(" ", line) + following
        for end in _HEREDOC.findall(line):
            while lines and lines.pop(0)[1].strip() != end:
                pass
        yield at, line


def _of_line(at: int, line: str, directory: Path, ignored: Sequence[str]) -> Iterator[Finding]:
    said = _INSTRUCTION.match(line)
    name, rest = (said[1].upper(), said[2] or "") if said else ("", "")
    where, words = f"Dockerfile, line {at}", line.split()
    if name not in _INSTRUCTIONS:
        if near := difflib.get_close_matches(name, _INSTRUCTIONS, 1, 0.6):
            cause = f"there is no instruction {words[0]}; {near[0]} is meant"
            yield Finding(where, cause, "", f"sed -i '{at}s/{words[0]}/{near[0]}/' Dockerfile")
    elif name in ("CMD", "ENTRYPOINT") and rest.lstrip().startswith("[") and not _is_list(rest):
        cause = f'{name} {rest.strip()} is no list, which has double quotes, as ["a", "b"]: it runs as a text'
        yield Finding(where, cause)
    elif name in ("COPY", "ADD"):
        for source in _sources(rest):
            yield from _of_source(at, source, directory, ignored)


def _is_list(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except ValueError:
        return False


def _sources(rest: str) -> list[str]:
    """What is copied out of the folder: not from another stage or address, and no text of the Dockerfile."""
    try:
        words = json.loads(rest) if _is_list(rest) else shlex.split(rest)
    except ValueError:
        return []
    flags = [word for word in words if word.startswith("--")]
    if any(flag.startswith("--from") for flag in flags) or "<<" in rest:
        return []
    sources = [word for word in words if not word.startswith("--")][:-1]
    return [word for word in sources if "$" not in word and ":/" not in word and not word.startswith("git@")]


def _of_source(at: int, source: str, directory: Path, ignored: Sequence[str]) -> Iterator[Finding]:
    where, name = f"Dockerfile, line {at}", source.removeprefix("./").strip("/")
    if _GLOB.search(name) or not name or name == ".":
        return
    if not (directory / name).exists():
        there = [str(path.relative_to(directory)) for path in (directory / name).parent.glob("*")]
        near = difflib.get_close_matches(name, there, 1, 0.8)
        mend = f"sed -i {shlex.quote(f'{at}s#{re.escape(name)}#{near[0]}#')} Dockerfile" if near else ""
        meant = f"; {near[0]} is" if near else ""
        yield Finding(where, f"{source} is to be copied and is not in this folder{meant}", "", mend)
    elif by := excluded_by(name, ignored):
        cause = f"{name} is to be copied and is there, but the line {by!r} of .dockerignore leaves it out"
        yield Finding(where, cause, "", lets_in(name))


def excluded_by(name: str, lines: Sequence[str]) -> str:
    """The line of .dockerignore that leaves a file out; "" when none does.

    Args:
        name: The file, as seen from the folder of the image.
        lines: The lines of the file; of several that fit the last one counts.
    """
    last = ""
    for line in map(str.strip, lines):
        pattern = line.removeprefix("!").strip("/")
        if pattern and not line.startswith("#") and re.fullmatch(f"{_translated(pattern)}(?:/.*)?", name):
            last = line
    return "" if last.startswith("!") else last


def lets_in(name: str) -> str:
    """The command that lets a file into an image which .dockerignore leaves out."""
    return f"sed -i -e '$a\\' .dockerignore; echo {shlex.quote(f'!{name}')} >> .dockerignore"


def _translated(pattern: str) -> str:
    """A pattern of .dockerignore as a regular expression: https://docs.docker.com/build/concepts/context/"""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.sub(r"\*\*/|\*\*|\*|\?|[^*?]+", lambda part: parts.get(part[0], re.escape(part[0])), pattern)
