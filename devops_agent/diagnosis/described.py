"""What `kubectl describe pod` says of a pod that does not run, read from its text.

A small model takes for granted that a pod is broken when it is asked why, and makes up a cause.
"""

import re
from collections.abc import Iterator

from devops_agent.diagnosis.finding import Finding
from devops_agent.patterns import regex

_FIELD = regex(r"^(Name|Namespace|Status): +(\S+)", re.MULTILINE)
_CONTAINERS = regex(r"^(?:Init )?Containers:\n((?: .*\n)+)", re.MULTILINE)
_CONTAINER = regex(r"^  (\S+):\n((?:    .*\n?)+)", re.MULTILINE)
_WARNING = regex(r"^ +Warning +\S+ +\S+(?: \(x\d+ over \S+\))? +\S+ +(.+)$", re.MULTILINE)
_STATE = regex(
    r"^    (State|Last State): +(\w+)\n(?:      Reason: +(\S+)\n)?(?:      Exit Code: +(\d+))?", re.MULTILINE
)


def answer(text: str) -> str:
    """Why the pod that a text describes does not run, or that it runs; "" for any other text."""
    fields = dict(_FIELD.findall(text))
    containers = [each for block in _CONTAINERS.findall(text) for each in _CONTAINER.findall(block)]
    if len(_FIELD.findall(text)) != 3 or not containers or len(fields) != 3:
        return ""
    pod = f"pod {fields['Name']} in namespace {fields['Namespace']}"
    warnings = list(dict.fromkeys(_WARNING.findall(text)))
    found = [cause for name, block in containers for cause in _causes(name, block)]
    if found:
        return "\n".join(str(Finding(pod, cause, max(warnings, key=len, default=""))) for cause in found)
    if warnings:
        return str(Finding(pod, f"its status is {fields['Status']}", max(warnings, key=len)))
    ready = all(re.search(r"^    Ready: +True", block, re.MULTILINE) for _, block in containers)
    if ready and fields["Status"] == "Running":
        return f"By that text it does run: {pod} is running, and its containers are ready."
    return ""


def _causes(name: str, block: str) -> Iterator[str]:
    """What keeps a container from running, by its state and the one before."""
    states = {which: (state, reason, code) for which, state, reason, code in _STATE.findall(block)}
    state, reason, code = states.get("State", ("", "", ""))
    if state == "Waiting" and reason not in ("PodInitializing", "ContainerCreating"):
        before = states.get("Last State", ("", "", ""))
        ended = f"; before, it ended with exit code {before[2]} ({before[1]})" if before[2] else ""
        yield f"container {name} waits: {reason or 'no reason is told'}{ended}"
    elif state == "Terminated" and code not in ("", "0"):
        yield f"container {name} ended with exit code {code} ({reason})"
