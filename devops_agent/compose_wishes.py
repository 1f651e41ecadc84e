"""A compose file that a wish wants of services which it describes in full."""

import json
import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from devops_agent.container_wishes import NAME, to_run
from devops_agent.patterns import LEAD, regex

# "a compose file with a web service from nginx:1.25 on port 8091 and a cache service from redis:7"
_COMPOSES = regex(
    rf"{LEAD}(?:create|write|make|generate)(?: me)? (?:an? |the )?(?:new )?"
    r"(?:docker[ -])?compose (?:file|set-?up)"
    r"(?: (?:called |named )?[\"'`]?(?P<file>[\w.-]+\.ya?ml)[\"'`]?)?(?: here)?"
    r" (?:with|for|of|containing|that (?:has|runs|starts)) (?P<services>.+)\Z",
    re.IGNORECASE,
)
_NEXT_SERVICE = regex(
    r"(?:,? and|,) (?=(?:an? |the )?(?:service [\w\"'`]|[\"'`]?[\w.-]+[\"'`]? service\b))", re.IGNORECASE
)
_SERVICE = regex(
    rf"\A(?:an? |the )?(?:service (?:called |named )?{NAME}|{NAME.replace('<name>', '<before>')} service)"
    r"(?: from| using| based on| of| running| with)(?: the image)? ",
    re.IGNORECASE,
)


def to_compose(wish: str, directory: Path) -> tuple[str, str] | None:
    """The compose file that a wish wants of services which it describes in full, and its text."""
    match = _COMPOSES.match(wish.strip(" .!"))
    path = (match["file"] or "docker-compose.yml") if match else ""
    if match is None or "$" in wish or os.path.lexists(directory / path):
        return None
    lines, volumes, names = ["services:"], [], set()
    for clause in _NEXT_SERVICE.split(match["services"]):
        said = _SERVICE.match(clause)
        words = shlex.split(to_run(f"run a container from {clause[said.end() :]}", directory)) if said else []
        if said is None or not words:
            return None
        service = _service(words[3:])
        if service is None:
            return None
        name = said["name"] or said["before"]
        if name in names:
            return None
        names.add(name)
        lines += [f"  {name}:", *(f"    {line}" for line in service)]
        volumes += [line.partition(":")[0][4:] for line in service if re.match(r"  - [\w.-]*\w:/", line)]
    if volumes:
        lines += ["volumes:", *(f"  {name}:" for name in dict.fromkeys(volumes))]
    return path, "\n".join([*lines, ""])


_LISTS = {
    "-p": "ports",
    "-e": "environment",
    "-v": "volumes",
    "--label": "labels",
    "--env-file": "env_file",
}
_VALUES = {
    "--restart": "restart",
    "--memory": "mem_limit",
    "--cpus": "cpus",
    "--user": "user",
    "--hostname": "hostname",
}


def _service(words: Sequence[str]) -> list[str] | None:
    """The lines of a service for what stands behind `docker run -d`; None where compose says it otherwise."""
    lists: dict[str, list[str]] = {}
    values: dict[str, str] = {}
    at = 0
    while words[at].startswith("-"):
        option, value = words[at : at + 2]
        value = value.replace("$PWD/", "./")
        if option in _LISTS:
            quoted = json.dumps(value) if option in ("-p", "-e", "--label") else value
            lists.setdefault(_LISTS[option], []).append(f"  - {quoted}")
        elif option in _VALUES:
            values[_VALUES[option]] = json.dumps(value)
        elif option != "--memory-swap":
            return None
        at += 2
    image, *command = words[at:]
    lines = [f"image: {image}", *(f"{key}: {value}" for key, value in values.items())]
    lines += [f"command: {json.dumps(command)}"] if command else []
    for key, items in lists.items():
        lines += [f"{key}:", *items]
    return lines
