"""Adding a service to a compose file: the model gives its values, code puts it where it belongs.

A small model that writes such a file anew loses services, and gets the depth of a line wrong.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devops_agent.diagnosis import text_files
from devops_agent.errors import CallRefused
from devops_agent.forms.form import FileEdit
from devops_agent.grounding import Ground
from devops_agent.patterns import regex
from devops_agent.protocol import RECIPE, Call

_WANTED = regex(
    r"\b(?:add|append|include|insert|extend)\b(?:(?! (?:to|for|of|in) ).){0,40}\bservice\b", re.IGNORECASE
)
_FILE = regex(r"(?:.*/)?(?:docker-)?compose[\w.-]*\.ya?ml")
_STEP = "  "
# What a service has, and what the task must speak of for it to be asked for.
_LISTS = {
    "ports": regex(r"\bports?\b|\d:\d", re.IGNORECASE),
    "volumes": regex(r"\bvolumes?\b|\bdata\b|\bmount", re.IGNORECASE),
    "environment": regex(r"=|\benv|\bvariables?\b|\bset to\b|\bpassword\b", re.IGNORECASE),
    "depends_on": regex(r"\bdepends?\b|\bneeds\b|\bafter\b|\brequires\b", re.IGNORECASE),
    "needed_by": regex(r"\bdepends?\b|\bneeds?\b|\bafter it\b|\brequires?\b|\bbefore\b", re.IGNORECASE),
}
_TOLD = {
    "ports": 'list of "HOST:CONTAINER"',
    "volumes": 'list of "VOLUME:PATH"',
    "environment": 'list of "KEY=VALUE"',
    "depends_on": "list of services that start before it",
    "needed_by": "list of services that start after it",
}


def wanted(task: str, path: str) -> bool:
    """Whether a task wants a service added to that compose file."""
    return bool(_FILE.fullmatch(path) and _WANTED.search(task))


@dataclass(frozen=True)
class ComposeService(FileEdit):
    """A compose file to which the model may add a service.

    Attributes:
        task: What the user wants, which decides what is asked for.
    """

    task: str = ""

    @property
    def _asked(self) -> list[str]:
        return [name for name, cue in _LISTS.items() if cue.search(self.task)]

    @property
    def description(self) -> str:
        """How the model is told to use it."""
        more = "".join(f", {name} ({_TOLD[name]})" for name in self._asked)
        return (
            f'To add a service to {self.path}, call "{RECIPE}" with service (its name), image{more}, '
            "as the task has them; leave out what it does not name. All else in the file stays."
        )

    @property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """The fields as a tool's inputs."""
        return {
            "service": {"type": "string", "description": "its name", "format": "name"},
            "image": {"type": "string", "description": "its image", "format": "image"},
            **{name: {"type": "array", "description": _TOLD[name], "nullable": True} for name in self._asked},
        }

    def drops(self, content: str) -> int:
        """How many services another text of the file leaves out."""
        return len(_services(self.text).keys() - _services(content).keys())

    def call(self, values: Mapping[str, Any], task: str, ground: Ground) -> Call:
        """The call that writes the file with the service in it.

        Raises:
            CallRefused: There is a service of that name, or the file is not one to which it can be added.
        """
        service, there = str(values.get("service", "")), _services(self.text)
        if service in there:
            raise CallRefused(f"{self.path} has a service {service} already.")
        if not service or not values.get("image"):
            raise CallRefused(f"The name or the image of the service is missing. {self.description}")
        lists = {name: _list(values.get(name)) for name in _LISTS}
        lists["depends_on"] = [name for name in lists["depends_on"] if name in there]
        needed_by = [name for name in lists.pop("needed_by") if name in there]
        lines = self.text.splitlines()
        start = _after(lines, "services")
        margin = _margin(lines, start)
        new = [f"{margin}{service}:", *(margin + _STEP + line for line in _body(str(values["image"]), lists))]
        at = _end(lines, start)
        lines[at:at] = new
        for name in needed_by:
            _depend(lines, name, service, margin)
        for volume in _named(lists["volumes"]):
            _declare(lines, volume)
        content = "\n".join(lines) + "\n"
        if wrong := text_files.trouble(Path(self.path), content):
            raise CallRefused(f"That would break {self.path}, so nothing was written: {wrong}")
        return Call("write_file", {"path": self.path, "content": content})


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value or ()]


def _services(text: str) -> dict[str, Any]:
    import yaml  # slow, and seldom needed

    try:
        return dict(yaml.safe_load(text)["services"])
    except (yaml.YAMLError, TypeError, KeyError, ValueError):
        return {}


def _body(image: str, lists: Mapping[str, list[str]]) -> Iterator[str]:
    yield f"image: {image}"
    for name, values in lists.items():
        if values:
            yield f"{name}:"
            quoted = name in ("ports", "environment")
            yield from (f"{_STEP}- {json.dumps(value) if quoted else value}" for value in values)


def _after(lines: list[str], key: str) -> int:
    """The line behind a key of the first level.

    Raises:
        CallRefused: There is no such key.
    """
    for at, line in enumerate(lines):
        if re.match(rf"{key}:\s*(?:#.*)?$", line):
            return at + 1
        if line.startswith(f"{key}:"):
            break
    raise CallRefused(f"The file has no section {key!r} to which something can be added.")


def _end(lines: list[str], start: int, depth: int = 0) -> int:
    """The line behind the last one of the block that begins there and is deeper than that."""
    end = start
    for at in range(start, len(lines)):
        line = lines[at]
        if line.strip() and len(text_files.indent(line)) <= depth and not line.lstrip().startswith("- "):
            break
        end = at + 1 if line.strip() else end
    return end


def _margin(lines: list[str], start: int) -> str:
    """How deep the lines of a block stand that begins there."""
    first = next((line for line in lines[start:] if line.strip()), "")
    return text_files.indent(first) or _STEP


def _depend(lines: list[str], service: str, on: str, margin: str) -> None:
    """Lets a service start after another one."""
    start = next((at for at, line in enumerate(lines) if line.rstrip() == f"{margin}{service}:"), -1)
    if start < 0:
        return
    end = _end(lines, start + 1, len(margin))
    inner = _margin(lines, start + 1)
    listed = next((at for at in range(start, end) if lines[at].strip() == "depends_on:"), -1)
    if listed < 0 and any(line.strip().startswith("depends_on:") for line in lines[start:end]):
        raise CallRefused(f"The depends_on of {service} stands in one line; change that line instead.")
    if listed < 0:
        lines[end:end] = [f"{inner}depends_on:", f"{inner}{_STEP}- {on}"]
        return
    first, item = lines[listed + 1], _margin(lines, listed + 1)
    at = _end(lines, listed + 1, len(inner))
    lines[at:at] = (
        [f"{item}- {on}"]
        if first.lstrip().startswith("- ")
        else [f"{item}{on}:", f"{item}{_STEP}condition: service_started"]
    )


def _named(volumes: list[str]) -> list[str]:
    """The volumes that have a name, and are no folders of the host."""
    return [name for volume in volumes if (name := volume.partition(":")[0]) and name[0] not in "./~$"]


def _declare(lines: list[str], volume: str) -> None:
    """Declares a named volume, once."""
    if not any(line.startswith("volumes:") for line in lines):
        lines += ["", "volumes:"]
    start = _after(lines, "volumes")
    end = _end(lines, start)
    if not any(re.match(rf"\s+{re.escape(volume)}:", line) for line in lines[start:end]):
        lines.insert(end, f"{_margin(lines, start)}{volume}:")
