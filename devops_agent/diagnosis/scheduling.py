"""Why a pod's containers are not even started: no node, volumes, the network; and why it does not go away."""

import re
from datetime import datetime, timedelta

from devops_agent.diagnosis.finding import Finding, blank, listed, one_line
from devops_agent.diagnosis.objects import (
    HOLDERS,
    Object,
    Objects,
    asked_keys,
    claims,
    conditions,
    containers,
    name,
    part,
)

_PATIENCE = timedelta(minutes=2)


def unschedulable(objects: Objects, pod: Object) -> Finding | None:
    """A finding when no node takes the pod."""
    condition = next(conditions(pod, "PodScheduled", "False"), None)
    if condition is None or part(pod, "status").get("phase") not in (None, "Pending"):
        return None
    message = condition.get("message") or ""
    why = _no_claim(objects, pod, message) or _no_room(objects, pod, message) or _no_fit(pod, message)
    mend = _mend_placement(objects, pod, message)
    return Finding(f"pod {name(pod)}", f"it is Pending: {why}", one_line(message), mend)


def _mend_placement(objects: Objects, pod: Object, message: str) -> str:
    """What would let a node take the pod, as far as its own workload decides that."""
    target = objects.workload(pod)
    if target.startswith("pod/"):
        return ""  # where a pod may run cannot be changed afterwards
    if match := re.search(r"Insufficient (cpu|memory)", message):
        less = f"set resources {target} --requests={match[1]}={{{match[1]}}}"
        return f"kubectl -n {objects.namespace} {less}"
    if part(pod, "spec", "nodeSelector") and re.search("selector|affinity", message):
        patch = '[{"op":"remove","path":"/spec/template/spec/nodeSelector"}]'
        return f"kubectl -n {objects.namespace} patch {target} --type=json -p '{patch}'"
    return ""


def _no_claim(objects: Objects, pod: Object, message: str) -> str:
    if match := re.search(r'persistentvolumeclaim "([\w.-]+)" not found', message):
        there = objects.there_are("PersistentVolumeClaim")
        return f"its volume claim {match[1]} does not exist{there}."
    if "unbound immediate PersistentVolumeClaims" in message:
        found = [objects.find("PersistentVolumeClaim", claim) for claim in claims(pod)]
        unbound = [name(c) for c in found if c and part(c, "status").get("phase") != "Bound"]
        which = f"the volume claim {listed(unbound)}" if unbound else "a volume claim"
        return f"{which}, which it mounts, is not bound."
    if "volume node affinity" in message:
        return "its volume lies on a node that it cannot run on."
    return ""


def _no_room(objects: Objects, pod: Object, message: str) -> str:
    match = re.search(r"Insufficient ([\w./-]+)", message)
    if not match:
        return ""
    resource = match[1].rstrip(".")
    requests = [part(c, "resources", "requests").get(resource) for c in containers(part(pod, "spec"))]
    asked = " + ".join(filter(None, requests)) or "?"
    has = [str(part(node, "status", "allocatable").get(resource, "0")) for node in objects.all("Node")]
    in_all = f" (a node has {listed(has)} in all)" if has else ""
    return f"it requests {asked} {resource}, and no node has that free{in_all}."


def _no_fit(pod: Object, message: str) -> str:
    selector = part(pod, "spec", "nodeSelector")
    if selector and re.search("selector|affinity", message):
        wanted = listed(f"{key}={value}" for key, value in selector.items())
        return f"its nodeSelector asks for {wanted}, and no node has that label."
    if match := re.search(r"untolerated taint(?:\(s\)| \{([^}]*)\})?", message):
        which = f"the taint {match[1].strip().rstrip(':')}" if match[1] else "a taint"
        return f"the nodes have {which}, which it does not tolerate."
    for word, why in (
        ("topology spread", "no node fits its topology spread constraints."),
        ("affinity", "no node fits its affinity rules."),
        ("unschedulable", "the nodes are cordoned (unschedulable)."),
        ("free ports", "its host port is taken on every node."),
        ("Too many pods", "the nodes run as many pods as they may."),
    ):
        if word in message:
            return why
    return "no node takes it."


def missing_object(objects: Objects, message: str) -> tuple[str, str, str] | None:
    """The kind and name of a config map or secret that is not found, and what would create it."""
    match = re.search(r'(configmap|secret) "?([\w.-]+)"? not found', message)
    if not match:
        return None
    kind, missing = match.groups()
    create = f"{kind} generic" if kind == "secret" else kind
    keys = asked_keys(objects, HOLDERS[kind], missing)
    pairs = " ".join(f"--from-literal={key}={blank(key)}" for key in keys) or "--from-literal={key}={value}"
    return kind, missing, f"kubectl -n {objects.namespace} create {create} {missing} {pairs}"


def not_set_up(objects: Objects, pod: Object) -> Finding | None:
    """A finding when a volume or the network keeps the pod from starting.

    Events outlive what they tell of, so only a pod that still waits is looked at.
    """
    if part(pod, "status").get("phase") not in (None, "Pending"):
        return None
    subject = f"pod {name(pod)}"
    told = next(iter(objects.warnings(pod, "FailedMount")), "")
    if missing := missing_object(objects, told):
        kind, absent, create = missing
        there = objects.there_are(HOLDERS[kind])
        cause = f"it cannot start: the {kind} {absent}, which it mounts, does not exist{there}."
        return Finding(subject, cause, one_line(told), create)
    for reason, cause in (
        ("FailedAttachVolume", "a volume cannot be attached to its node."),
        ("FailedMount", "a volume cannot be mounted."),
        ("FailedCreatePodSandBox", "its network cannot be set up."),
    ):
        if told := next(iter(objects.warnings(pod, reason)), ""):
            return Finding(subject, cause, one_line(told))
    return None


def stuck_deletion(objects: Objects, pod: Object) -> Finding | None:
    """A finding when a pod should have been gone for minutes."""
    since = pod["metadata"].get("deletionTimestamp")
    if not since or objects.read_at - datetime.fromisoformat(since.replace("Z", "+00:00")) < _PATIENCE:
        return None
    finalizers = listed(part(pod, "metadata", "finalizers"))
    why = f"its finalizers {finalizers} keep it" if finalizers != "none" else "its node does not answer"
    return Finding(f"pod {name(pod)}", f"it is being deleted since {since}: {why}.")
