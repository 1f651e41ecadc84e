"""Why pods do not run: waiting reasons, exit codes, scheduling, volumes, probes, permissions."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from devops_agent.diagnosis.finding import Finding, exit_code_meaning, listed, one_line, telling_lines
from devops_agent.diagnosis.objects import (
    Object,
    Objects,
    conditions,
    containers,
    name,
    statuses,
)

_BAD_IMAGE = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"})
_RECENT = timedelta(minutes=10)
_BAD_START = frozenset({"RunContainerError", "CreateContainerError", "StartError", "ContainerCannotRun"})


def analyze(objects: Objects) -> Iterator[Finding]:
    """One finding for each pod in trouble, or two when a log tells more."""
    for pod in objects.all("Pod"):
        found = list(_findings(objects, pod))
        yield from found


def _findings(objects: Objects, pod: Object) -> Iterator[Finding]:
    phase = pod.get("status", {}).get("phase")
    if phase == "Succeeded":
        return
    if phase == "Pending" and (unscheduled := _unschedulable(objects, pod)):
        yield unscheduled
        return
    reported = False
    for status, init in statuses(pod):
        finding = _container(objects, pod, status, init)
        if finding:
            reported = True
            yield finding
    if not reported and (mount := _mount(objects, pod)):
        reported = True
        yield mount
    if not reported and pod.get("status", {}).get("reason"):
        status_ = pod["status"]
        yield Finding(f"pod {name(pod)}", f"{status_['reason']}", one_line(status_.get("message", "")))


# --- containers -------------------------------------------------------------------------------------------


def crashed(pod: Object) -> Iterator[tuple[str, bool]]:
    """The containers whose log tells why they ended, and whether it is the log of the run before."""
    for status, _ in statuses(pod):
        current, last = status.get("state", {}), status.get("lastState", {})
        if "terminated" in current:
            if current["terminated"].get("exitCode"):
                yield status["name"], False
        elif "terminated" in last:
            yield status["name"], True
        elif "running" in current and not status.get("ready", True):
            yield status["name"], False


def _container(objects: Objects, pod: Object, status: Object, init: bool) -> Finding | None:
    subject = f"pod {name(pod)}, {'init ' if init else ''}container {status['name']}"
    state = status.get("state", {})
    waiting = state.get("waiting") or {}
    reason = waiting.get("reason", "")
    if reason in _BAD_IMAGE:
        return _image(objects, pod, status, subject, waiting.get("message", ""))
    if reason == "CreateContainerConfigError":
        return _config(objects, subject, waiting.get("message", ""))
    ended = state.get("terminated") or status.get("lastState", {}).get("terminated")
    if reason in _BAD_START or (ended and ended.get("reason") in _BAD_START):
        return _start(subject, waiting.get("message") or ended["message"])
    if ended and (reason == "CrashLoopBackOff" or ended.get("exitCode")) and _is_news(objects, status, ended):
        return _crash(objects, pod, status, subject, ended, restarts=not state.get("terminated"))
    if "running" in state and not init and not status.get("ready", True):
        return _not_ready(objects, pod, status, subject)
    return None


def _is_news(objects: Objects, status: Object, ended: Object) -> bool:
    """Whether an end still matters: a container that has been up since then for long has recovered."""
    if "running" not in status.get("state", {}) or not status.get("ready", True):
        return True
    finished = ended.get("finishedAt")
    if not finished:
        return False
    return objects.read_at - datetime.fromisoformat(finished.replace("Z", "+00:00")) < _RECENT


def _image(objects: Objects, pod: Object, status: Object, subject: str, message: str) -> Finding:
    image = str(_container_of(pod, status["name"]).get("image") or status.get("image", ""))
    told = next((m for m in objects.warnings(pod, "Failed") if "pull" in m.lower()), message)
    what = "cannot be pulled"
    if re.search(r"not found|manifest unknown|does not exist", told):
        what = "does not exist in the registry (wrong name or tag?)"
    elif re.search(r"unauthori[sz]ed|authentication|denied|forbidden", told, re.IGNORECASE):
        what = "may not be pulled: the registry asks for credentials, or there is no such repository"
    elif re.search(r"invalid reference|couldn't parse", told, re.IGNORECASE):
        what = "is no valid image name"
    elif re.search(r"no such host|dial tcp|timeout|i/o", told):
        what = "cannot be pulled: its registry cannot be reached"
    known = _known_tags(objects, image)
    tags = f" Tags of it on the nodes: {listed(known)}." if known else ""
    better = f"{image.partition(':')[0]}:{known[-1]}" if known else "IMAGE:TAG"
    target = objects.workload(pod)
    try_ = f"kubectl -n {objects.namespace} set image {target} {status['name']}={better}"
    return Finding(subject, f"the image {image} {what}.{tags}", one_line(told), try_)


def _known_tags(objects: Objects, image: str) -> list[str]:
    repository = image.rpartition(":")[0] or image
    known = []
    for node in objects.all("Node"):
        for entry in node.get("status", {}).get("images", ()):
            for full in entry.get("names") or ():
                path, _, tag = full.rpartition(":")
                if "@" not in full and path.endswith(f"/{repository}") and tag != image.rpartition(":")[2]:
                    known.append(tag)
    return sorted(set(known))


def _config(objects: Objects, subject: str, message: str) -> Finding:
    space = objects.namespace
    if match := re.search(r'(configmap|secret) "?([\w.-]+)"? not found', message):
        kind, missing = match.groups()
        there = objects.names("ConfigMap") if kind == "configmap" else objects.secrets or ()
        create = f"{kind} generic" if kind == "secret" else kind
        return Finding(
            subject,
            f"the {kind} {missing} does not exist in {space} (there are: {listed(there)}).",
            message,
            f"kubectl -n {space} create {create} {missing} --from-literal=KEY=VALUE",
        )
    if match := re.search(r"couldn't find key (\S+) in (ConfigMap|Secret) \S+?/([\w.-]+)", message):
        key, kind, holder = match.groups()
        cause = (
            f"the {kind.lower()} {holder} has no key {key} (it has: {listed(_keys(objects, kind, holder))})."
        )
        add = (
            f'{{"stringData":{{"{key}":"VALUE"}}}}' if kind == "Secret" else f'{{"data":{{"{key}":"VALUE"}}}}'
        )
        return Finding(
            subject, cause, message, f"kubectl -n {space} patch {kind.lower()} {holder} -p '{add}'"
        )
    return Finding(subject, "its configuration is wrong.", one_line(message))


def _keys(objects: Objects, kind: str, holder: str) -> set[str]:
    if kind == "Secret":
        return (objects.secrets or {}).get(holder, set())
    found = objects.find("ConfigMap", holder)
    return set(found.get("data") or ()) if found else set()


def _start(subject: str, message: str) -> Finding:
    if match := re.search(r'exec: \\?"([^"\\]+)\\?": (.+?)(?:: unknown)?$', message):
        return Finding(subject, f"its command {match[1]!r} cannot be started: {match[2]}.", one_line(message))
    return Finding(subject, "it cannot be started.", one_line(message))


def _crash(
    objects: Objects, pod: Object, status: Object, subject: str, ended: Object, restarts: bool
) -> Finding:
    code = int(ended.get("exitCode", 0))
    count = status.get("restartCount", 0)
    again = f" ({count} restarts)" if restarts and count else ""
    log = telling_lines(objects.logs.get((name(pod), status["name"]), ""))
    if ended.get("reason") == "OOMKilled":
        limit = (
            _container_of(pod, status["name"]).get("resources", {}).get("limits", {}).get("memory", "none")
        )
        return Finding(
            subject,
            f"it ran out of memory (OOMKilled){again}: its memory limit is {limit}.",
            f"exit code {code}, reason OOMKilled",
            f"kubectl -n {objects.namespace} set resources {objects.workload(pod)} -c {status['name']} "
            "--limits=memory=SIZE",
        )
    unhealthy = next((m for m in objects.warnings(pod, "Unhealthy") if m.startswith("Liveness")), "")
    if unhealthy and code in (0, 137, 143):
        probe = _probe_text(_container_of(pod, status["name"]), "livenessProbe")
        return Finding(
            subject, f"its liveness probe ({probe}) fails, so it is killed{again}.", one_line(unhealthy)
        )
    if forbidden := _forbidden(objects, log):
        return Finding(subject, forbidden.cause, log, forbidden.suggestion)
    kind = "crashes" if restarts else "failed"
    return Finding(
        subject,
        f"{kind} with {exit_code_meaning(code)}{again}.",
        f"log: {log}" if log else "its log is empty",
    )


def _not_ready(objects: Objects, pod: Object, status: Object, subject: str) -> Finding | None:
    unhealthy = next((m for m in objects.warnings(pod, "Unhealthy") if m.startswith("Readiness")), "")
    container = _container_of(pod, status["name"])
    log = telling_lines(objects.logs.get((name(pod), status["name"]), ""))
    if not unhealthy or "readinessProbe" not in container:
        return None
    probe = _probe_text(container, "readinessProbe")
    ports = [str(port["containerPort"]) for port in container.get("ports", ())]
    declared = f" The container declares port {listed(ports)}." if ports else ""
    hint = ""
    if "connection refused" in unhealthy:
        hint = " Nothing listens on that port."
    elif "statuscode: 404" in unhealthy:
        hint = " There is no such path."
    return Finding(
        subject,
        f"it runs but is not ready: its readiness probe ({probe}) fails.{hint}{declared}",
        one_line(unhealthy) + (f" / log: {log}" if log and "refused" not in unhealthy else ""),
    )


def _probe_text(container: Object, kind: str) -> str:
    probe = container.get(kind, {})
    if http := probe.get("httpGet"):
        return f"HTTP GET {http.get('path', '/')} on port {http['port']}"
    if tcp := probe.get("tcpSocket"):
        return f"TCP port {tcp['port']}"
    if run := probe.get("exec"):
        return "command " + " ".join(run.get("command", ()))
    return "gRPC" if "grpc" in probe else "none"


def _container_of(pod: Object, wanted: str) -> dict[str, Any]:
    return next((dict(c) for c in containers(pod["spec"]) if c["name"] == wanted), {})


_FORBIDDEN = re.compile(
    r'User "system:serviceaccount:([\w-]+):([\w.-]+)" cannot (\w+) resource "([\w./-]+)"'
    r'(?: in API group "([\w.-]*)")?(?: in the namespace "([\w-]+)")?'
)


def _forbidden(objects: Objects, log: str) -> Finding | None:
    match = _FORBIDDEN.search(log.replace('\\"', '"'))
    if not match:
        return None
    space, account, verb, resource, _, where = match.groups()
    there = f" in namespace {where}" if where else " in the whole cluster"
    role = f"{account}-{resource.partition('/')[0]}"
    target = where or objects.namespace
    create = (
        f"kubectl -n {target} create role {role} --verb=get,list,watch --resource={resource} && "
        f"kubectl -n {target} create rolebinding {role} --role={role} --serviceaccount={space}:{account}"
    )
    cause = f"its service account {account} may not {verb} {resource}{there} (RBAC)."
    return Finding("", cause, suggestion=create)


# --- before the containers --------------------------------------------------------------------------------


def _unschedulable(objects: Objects, pod: Object) -> Finding | None:
    condition = next((c for c in conditions(pod, "PodScheduled") if c["status"] == "False"), None)
    if condition is None:
        return None
    message = condition.get("message", "")
    why = _why_unschedulable(objects, pod, message)
    return Finding(f"pod {name(pod)}", f"it is Pending: {why}", one_line(message))


def _why_unschedulable(objects: Objects, pod: Object, message: str) -> str:
    if match := re.search(r'persistentvolumeclaim "([\w.-]+)" not found', message):
        claims = listed(objects.names("PersistentVolumeClaim"))
        return f"its volume claim {match[1]} does not exist (there are: {claims})."
    if "unbound immediate PersistentVolumeClaims" in message:
        return "a volume claim that it mounts is not bound."
    if match := re.search(r"Insufficient ([\w./-]+)", message):
        asked = [
            quantity
            for c in containers(pod["spec"])
            if (quantity := c.get("resources", {}).get("requests", {}).get(match[1]))
        ]
        has = [n.get("status", {}).get("allocatable", {}).get(match[1], "?") for n in objects.all("Node")]
        wants = f"it requests {' + '.join(asked) or '?'} {match[1]}"
        return f"{wants}, and no node has that free (a node has {listed(has)} in all)."
    selector = pod["spec"].get("nodeSelector")
    if selector and re.search("selector|affinity", message):
        wanted = listed(f"{k}={v}" for k, v in selector.items())
        return f"its nodeSelector asks for {wanted}, and no node has that label."
    if "affinity" in message:
        return "no node fits its affinity rules."
    if "taint" in message:
        return "the nodes have a taint that it does not tolerate."
    return "no node takes it."


def _mount(objects: Objects, pod: Object) -> Finding | None:
    told = next(iter(objects.warnings(pod, "FailedMount")), "")
    if match := re.search(r'(configmap|secret) "([\w.-]+)" not found', told):
        kind, missing = match.groups()
        create = f"{kind} generic" if kind == "secret" else kind
        return Finding(
            f"pod {name(pod)}",
            f"it cannot start: the {kind} {missing}, which it mounts, does not exist in {objects.namespace}.",
            one_line(told),
            f"kubectl -n {objects.namespace} create {create} {missing} --from-literal=KEY=VALUE",
        )
    if told:
        return Finding(f"pod {name(pod)}", "a volume cannot be mounted.", one_line(told))
    sandbox = next(iter(objects.warnings(pod, "FailedCreatePodSandBox")), "")
    return (
        Finding(f"pod {name(pod)}", "its network cannot be set up.", one_line(sandbox)) if sandbox else None
    )
