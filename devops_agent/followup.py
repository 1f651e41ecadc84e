"""Checks after a change: code looks at what a command changed, and tells the model how it stands.

Small models take "deployment.apps/web scaled" for the end of the task. What counts is whether the pods run.
"""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from devops_agent.diagnosis import diagnose, docker
from devops_agent.diagnosis.objects import Object

# How long a rollout is waited for; and how long trouble is given to pass, as a first failed probe does.
_ROLLOUT_SECONDS = 40.0
_PATIENCE_SECONDS = 8.0
_POLL_SECONDS = 1.0
_CHANGED = re.compile(
    r"^(?P<kind>[a-z]+)(?:\.[\w.]+)?/(?P<name>\S+) "
    r"(?:created|configured|scaled|patched|edited|restarted|rolled back|resumed|image updated|env updated"
    r"|resource requirements updated|replaced)$",
    re.MULTILINE,
)
_NAMESPACE = re.compile(r"(?<!\S)(?:-n|--namespace)(?:[= ]+)([a-z0-9][a-z0-9-]*)")
_ROLLED_OUT = frozenset({"deployment", "statefulset", "daemonset"})
_CONTAINER_ID = re.compile(r"^([0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True)
class Check:
    """What was seen after a change.

    Attributes:
        text: What the model is told.
        ok: False when what was changed does not work.
    """

    text: str
    ok: bool


_MANIFEST = re.compile(r"^apiVersion: *\S+$", re.MULTILINE)


def is_manifest(path: str, content: str) -> bool:
    """Whether a file that was written describes objects for `kubectl apply`."""
    return path.endswith((".yaml", ".yml", ".json")) and bool(_MANIFEST.search(content))


def after(command: str, output: str) -> Check | None:
    """Looks at what a successful command changed; None when there is nothing to look at."""
    checks = list(_checks(command, output))
    if not checks:
        return None
    return Check("\n".join(check.text for check in checks), all(check.ok for check in checks))


def _checks(command: str, output: str) -> Iterator[Check]:
    if "kubectl" in command:
        match = _NAMESPACE.search(command)
        for changed in list(_CHANGED.finditer(output))[:3]:
            if changed["kind"] in _ROLLED_OUT:
                yield _rolled_out(changed["kind"], changed["name"], match[1] if match else "default")
            elif changed["kind"] == "pod":
                yield _started(changed["name"], match[1] if match else "default")
    if re.search(r"\bdocker (?:container )?run\b", command):
        for started in _CONTAINER_ID.findall(output)[:3]:
            yield _runs(started)


# --- Kubernetes -------------------------------------------------------------------------------------------


def _rolled_out(kind: str, name: str, namespace: str) -> Check:
    started = time.monotonic()
    while True:
        item = _get(kind, name, namespace)
        if item is None:
            return Check(f"Checked: {kind} {name} cannot be read in namespace {namespace}.", False)
        done, state = _rollout_state(item)
        if done:
            return Check(f"Checked: {kind} {name} in namespace {namespace}: {state}.", True)
        waited = time.monotonic() - started
        if waited > _PATIENCE_SECONDS and (trouble := _trouble(kind, name, namespace)):
            return Check(f"Checked: {kind} {name}: {state}.\n{trouble}", False)
        if waited > _ROLLOUT_SECONDS:
            return Check(f"Checked: {kind} {name}: still {state} after {waited:.0f} seconds.", False)
        time.sleep(_POLL_SECONDS)


def _rollout_state(item: Object) -> tuple[bool, str]:
    spec, status = item["spec"], item.get("status", {})
    if item["kind"] == "DaemonSet":
        wanted, updated = status.get("desiredNumberScheduled", 0), status.get("updatedNumberScheduled", 0)
        ready, total = status.get("numberReady", 0), wanted
    else:
        wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
        ready, total = status.get("readyReplicas", 0), status.get("replicas", 0)
    seen = status.get("observedGeneration", 0) >= item["metadata"]["generation"]
    return seen and updated == ready == total == wanted, f"{min(updated, ready)} of {wanted} pods ready"


def _started(name: str, namespace: str) -> Check:
    started = time.monotonic()
    while True:
        pod = _get("pod", name, namespace)
        if pod is None:
            return Check(f"Checked: pod {name} cannot be read in namespace {namespace}.", False)
        phase = pod.get("status", {}).get("phase")
        statuses = pod.get("status", {}).get("containerStatuses", ())
        if phase == "Succeeded" or (phase == "Running" and all(s["ready"] for s in statuses)):
            return Check(f"Checked: pod {name} in namespace {namespace}: {phase}.", True)
        waited = time.monotonic() - started
        if (waited > _PATIENCE_SECONDS or phase == "Failed") and (
            trouble := _trouble("pod", name, namespace)
        ):
            return Check(f"Checked: pod {name}: {phase}.\n{trouble}", False)
        if waited > _ROLLOUT_SECONDS:
            return Check(f"Checked: pod {name}: still {phase} after {waited:.0f} seconds.", False)
        time.sleep(_POLL_SECONDS)


def _get(kind: str, name: str, namespace: str) -> dict[str, Any] | None:
    try:
        return dict(json.loads(diagnose.run("kubectl", "-n", namespace, "get", kind, name, "-o", "json")))
    except ValueError:
        return None


def _trouble(kind: str, name: str, namespace: str) -> str:
    objects = diagnose.read_namespace(namespace)
    found = diagnose.about(objects, diagnose.diagnose_objects(objects), kind, name)
    of_pods = [f for f in found if not f.subject.startswith("service ")]
    return "\n".join(map(str, of_pods[:2]))


# --- Docker -----------------------------------------------------------------------------------------------


def _runs(container: str) -> Check:
    time.sleep(_POLL_SECONDS)  # what fails mostly fails in its first second
    try:
        (inspected,) = json.loads(diagnose.run("docker", "inspect", container))
    except ValueError:  # with --rm it may be gone
        return Check("Checked: the container has ended and was removed.", True)
    state, name = inspected["State"], docker.name(inspected)
    if state["Status"] == "running":
        return Check(f"Checked: container {name} is running.", True)
    _, logs = diagnose.read_containers([name])
    found = [f for f in docker.analyze([inspected], logs) if diagnose.subject_of(f)[1] == name]
    if not found:
        return Check(f"Checked: container {name} has ended, exit code {state.get('ExitCode')}.", True)
    return Check("\n".join(["Checked:", *map(str, found)]), False)
