"""Repairs: small slips in a command that code can mend without a doubt. What was mended is shown.

To add one: write a function from a command and what is known to a command, and put it into `REPAIRS`.
"""

import re
from collections.abc import Callable

from devops_agent.grounding import Ground

_KUBECTL = re.compile(r"(?:(?<=^)|(?<=[;&|(]\s)|(?<=[;&|(]))kubectl(?=\s)")
_HAS_NAMESPACE = re.compile(r"(?<!\S)(?:-n|--namespace|-A|--all-namespaces)(?![\w-])")
_OF_NO_NAMESPACE = re.compile(
    r"kubectl\s+(?:version|config|cluster-info|api-resources|api-versions|explain|completion|options|help)\b"
    r"|kubectl\s+\w+\s+(?:ns|namespaces?|nodes?|no|pv|persistentvolumes?|storageclass(?:es)?|sc)\b"
)


def in_the_named_namespace(command: str, ground: Ground) -> str:
    """Adds the namespace that the task names to a kubectl command without one."""
    if not ground.namespace or _HAS_NAMESPACE.search(command) or _OF_NO_NAMESPACE.search(command):
        return command
    return _KUBECTL.sub(f"kubectl -n {ground.namespace}", command)


REPAIRS: tuple[Callable[[str, Ground], str], ...] = (in_the_named_namespace,)


def repaired(command: str, ground: Ground) -> str:
    """The command with its slips mended; the same text when there were none."""
    for repair in REPAIRS:
        command = repair(command, ground)
    return command
