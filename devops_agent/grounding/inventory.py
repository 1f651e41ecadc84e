"""What runs here, by name: for a task that names a thing and does not say what it is.

"restart web" is about the engine or the cluster, by where there is something called web.
"""

import re
from concurrent.futures import ThreadPoolExecutor

from devops_agent.diagnosis import diagnose
from devops_agent.grounding.task_words import NO_NAMES, words_of
from devops_agent.patterns import regex

_KINDS = (
    "deployments,statefulsets,daemonsets,pods,services,jobs,cronjobs,horizontalpodautoscalers"
    ",ingresses,pvc,configmaps"
)
# The cluster's own namespaces.
_OWN = "kube-"
_NAMES = "custom-columns=:metadata.namespace,:metadata.name"
# What is done to a thing of one of them only, where both have one of that name.
_MEANT = {
    "kubernetes": regex(
        r"\b(?:scale|replicas?|roll(?:out|ed)?|suspend|hpa|expose|grow|expand)\b", re.IGNORECASE
    ),
    "docker": regex(
        r"\b(?:(?:un)?pause|attach|exited|restart polic(?:y|ies)|ip|mounts?|publish|rename)\b", re.IGNORECASE
    ),
}


def fields_of_names(task: str) -> frozenset[str]:
    """Where there is something that a task names: `docker`, `kubernetes`, or both."""
    words = words_of(task) - NO_NAMES
    with ThreadPoolExecutor() as pool:
        engine, cluster = pool.submit(_on_engine), pool.submit(_in_cluster)
        there = {
            "docker": engine.result(),
            "kubernetes": {name for space, name in cluster.result() if not space.startswith(_OWN)},
        }
    fields = frozenset(field for field, names in there.items() if words & names)
    meant = frozenset(field for field in fields if _MEANT[field].search(task))
    return meant or fields


def namespaces_with(words: set[str]) -> set[str]:
    """The namespaces in which something has one of these words for its name."""
    return {space for space, name in _in_cluster() if name in words - NO_NAMES}


def _on_engine() -> set[str]:
    listed = diagnose.run("docker", "ps", "-a", "--format", "{{.Names}}").split()
    listed += diagnose.run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split()
    return {each.lower() for each in listed}


def _in_cluster() -> set[tuple[str, str]]:
    printed = diagnose.run("kubectl", "get", _KINDS, "-A", "--no-headers", "-o", _NAMES)
    pairs = (line.split() for line in printed.splitlines())
    return {(pair[0], pair[1]) for pair in pairs if len(pair) == 2}
