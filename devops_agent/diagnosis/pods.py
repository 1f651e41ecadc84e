"""Why pods do not run: images, settings, crashes, probes, permissions. Before that: `scheduling.py`."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from devops_agent.diagnosis import scheduling
from devops_agent.diagnosis.finding import (
    Finding,
    blank,
    exit_code_meaning,
    listed,
    one_line,
    telling_lines,
)
from devops_agent.diagnosis.objects import (
    HOLDERS,
    Object,
    Objects,
    adds_keys,
    containers,
    is_over,
    name,
    part,
    statuses,
)
from devops_agent.patterns import regex

_BAD_IMAGE = frozenset(
    "ImagePullBackOff ErrImagePull InvalidImageName ErrImageNeverPull ImageInspectError".split()
)
_BAD_START = frozenset("RunContainerError CreateContainerError StartError ContainerCannotRun".split())
# What a container waits for while all goes well.
_EXPECTED = frozenset(("", "ContainerCreating", "PodInitializing"))
_RECENT = timedelta(minutes=10)
_STARTING = timedelta(seconds=60)


def analyze(objects: Objects) -> Iterator[Finding]:
    """A finding for each container in trouble; one for the pod when no container tells why."""
    for pod in objects.all("Pod"):
        yield from _findings(objects, pod)


def _findings(objects: Objects, pod: Object) -> Iterator[Finding]:
    status = part(pod, "status")
    if status.get("phase") == "Succeeded":
        return
    if unscheduled := scheduling.unschedulable(objects, pod):
        yield unscheduled
        return
    if leaving := scheduling.stuck_deletion(objects, pod):
        yield leaving
    found = [f for f in (_container(objects, pod, *one) for one in statuses(pod)) if f]
    if not found and (mount := scheduling.not_set_up(objects, pod)):
        found = [mount]
    if not found and status.get("reason"):
        cause = f"it was stopped: {status['reason']}."
        found = [Finding(f"pod {name(pod)}", cause, one_line(status.get("message") or ""))]
    yield from found


# --- containers -------------------------------------------------------------------------------------------


def crashed(pod: Object) -> Iterator[tuple[str, bool]]:
    """The containers whose log tells why they ended, and whether it is the log of the run before."""
    for status, _ in statuses(pod):
        current = part(status, "state")
        if "terminated" in current:
            if part(current, "terminated").get("exitCode"):
                yield status["name"], False
        elif part(status, "lastState", "terminated"):
            yield status["name"], True
        elif "running" in current and not status.get("ready", True):
            yield status["name"], False


def running(pod: Object) -> Iterator[str]:
    """The containers that run and are ready."""
    for status, init in statuses(pod):
        if not init and status.get("ready") and "running" in part(status, "state"):
            yield status["name"]


def _container(objects: Objects, pod: Object, status: Object, init: bool) -> Finding | None:
    subject = f"pod {name(pod)}, {'init ' if init else ''}container {status['name']}"
    state = part(status, "state")
    waiting = part(state, "waiting")
    reason, message = waiting.get("reason") or "", waiting.get("message") or ""
    if reason in _BAD_IMAGE:
        return _image(objects, pod, status, subject, message)
    if reason == "CreateContainerConfigError":
        return _config(objects, subject, message)
    ended = part(state, "terminated") or part(status, "lastState", "terminated")
    if "running" not in state and (reason in _BAD_START or ended.get("reason") in _BAD_START):
        # in a CrashLoopBackOff the waiting message tells of the back-off only
        return _start(subject, message if reason in _BAD_START else ended.get("message") or message)
    if ended and _is_news(objects, status, ended):
        restarts = not state.get("terminated")
        if finding := _end(objects, pod, status, subject, ended, restarts):
            return finding
    if reason not in _EXPECTED:
        return Finding(subject, f"it does not start: {reason}.", one_line(message))
    if "running" in state and not init and not status.get("ready", True):
        return _not_ready(objects, pod, status, subject)
    return _forbidden(objects, pod, status, subject)


def _is_news(objects: Objects, status: Object, ended: Object) -> bool:
    """Whether an end still matters: a container that has been up since then for long has recovered."""
    if "running" not in part(status, "state") or not status.get("ready", True):
        return True
    return _age(objects, ended.get("finishedAt"), _RECENT) < _RECENT


def _age(objects: Objects, moment: str | None, unknown: timedelta) -> timedelta:
    if not moment:
        return unknown
    return objects.read_at - datetime.fromisoformat(moment.replace("Z", "+00:00"))


def _log(objects: Objects, pod: Object, status: Object) -> str:
    return telling_lines(objects.logs.get((name(pod), status["name"]), ""))


def _container_of(pod: Object, wanted: str) -> dict[str, Any]:
    return next((dict(c) for c in containers(part(pod, "spec")) if c["name"] == wanted), {})


# --- images -----------------------------------------------------------------------------------------------


def _image(objects: Objects, pod: Object, status: Object, subject: str, message: str) -> Finding:
    image = str(_container_of(pod, status["name"]).get("image") or status.get("image", ""))
    failures = objects.warnings(pod, "Failed", status["name"])
    told = next((m for m in failures if "pull" in m.lower()), message)
    known = _known_tags(objects, image)
    tags = f" Tags of it on the nodes: {listed(known)}." if known else ""
    better = f"{_repository(image)}:{known[-1]}" if known else "{image}"
    target = objects.workload(pod)
    try_ = f"kubectl -n {objects.namespace} set image {target} {status['name']}={better}"
    return Finding(subject, f"the image {image} {_why_not_pulled(told)}.{tags}", one_line(told), try_)


def _why_not_pulled(told: str) -> str:
    if re.search(r"not found|manifest unknown|does not exist", told):
        return "does not exist in the registry (wrong name or tag?)"
    if re.search(r"unauthori[sz]ed|authentication|denied|forbidden", told, re.IGNORECASE):
        return "may not be pulled: the registry asks for credentials, or there is no such repository"
    if re.search(r"invalid reference|couldn't parse|InvalidImageName", told, re.IGNORECASE):
        return "is no valid image name"
    if re.search(r"no such host|dial tcp|timeout|i/o timeout|TLS handshake", told):
        return "cannot be pulled: its registry cannot be reached"
    if "ErrImageNeverPull" in told or "Never" in told:
        return "is not on the node, and imagePullPolicy Never forbids to pull it"
    return "cannot be pulled"


def _repository(image: str) -> str:
    path, slash, last = image.partition("@")[0].rpartition("/")
    return path + slash + last.partition(":")[0]  # a colon before the last slash is the registry's port


def _known_tags(objects: Objects, image: str) -> list[str]:
    repository, known = _repository(image), set()
    for node in objects.all("Node"):
        for entry in part(node, "status", "images"):
            for full in entry.get("names") or ():
                there = _repository(full)
                if "@" not in full and full != image and f"/{there}".endswith(f"/{repository}"):
                    known.add(full[len(there) + 1 :])
    return sorted(known - {image[len(repository) + 1 :], ""})


# --- settings and start -----------------------------------------------------------------------------------


def _config(objects: Objects, subject: str, message: str) -> Finding:
    space = objects.namespace
    if missing := scheduling.missing_object(objects, message):
        kind, absent, create = missing
        there = objects.there_are(HOLDERS[kind])
        return Finding(subject, f"the {kind} {absent} does not exist in {space}{there}.", message, create)
    if match := re.search(r"couldn't find key (\S+) in (ConfigMap|Secret) \S+?/([\w.-]+)", message):
        key, kind, holder = match.groups()
        has = f" (it has: {listed(objects.keys(kind, holder))})"
        cause = f"the {kind.lower()} {holder} has no key {key}{'' if objects.lacks(kind, holder) else has}."
        return Finding(subject, cause, message, adds_keys(space, kind, holder, [key]))
    return Finding(subject, "its configuration is wrong.", one_line(message))


def _start(subject: str, message: str) -> Finding:
    if match := re.search(r'exec: \\?"([^"\\]+)\\?": (.+?)(?:: unknown)?$', message):
        return Finding(subject, f"its command {match[1]!r} cannot be started: {match[2]}.", one_line(message))
    return Finding(subject, "it cannot be started.", one_line(message))


# --- ends -------------------------------------------------------------------------------------------------


def _end(
    objects: Objects, pod: Object, status: Object, subject: str, ended: Object, restarts: bool
) -> Finding | None:
    code, count = int(ended.get("exitCode") or 0), status.get("restartCount") or 0
    again = f" ({count} restarts)" if restarts and count else ""
    if ended.get("reason") == "OOMKilled":
        return _out_of_memory(objects, pod, status, subject, f"{again}", code)
    if restarts and code in (0, 137, 143) and (killed := _killed(objects, pod, status, subject, again)):
        return killed
    if code == 0 and part(status, "state", "waiting").get("reason") != "CrashLoopBackOff":
        return None
    if forbidden := _forbidden(objects, pod, status, subject):
        return forbidden
    log = _log(objects, pod, status)
    cause = f"{'crashes' if restarts else 'failed'} with {exit_code_meaning(code)}{again}."
    return Finding(
        subject,
        cause,
        f"log: {log}" if log else "its log is empty",
        _set_what_it_asks(objects, pod, status, log),
    )


_VARIABLE = "([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"
_ASKS_FOR = regex(
    rf"\b{_VARIABLE}\b[\"'`]? (?:environment variable )?(?:is |was |must be |has to be |not )*"
    r"(?:set|required|missing|undefined|empty|given|provided|defined)\b"
    r"|(?:missing|required|undefined|unset|without|no|set)(?: required)?(?: environment| env)?"
    rf"(?: variable| var)?s?:? [\"'`$]?{_VARIABLE}\b"
)


def _set_what_it_asks(objects: Objects, pod: Object, status: Object, log: str) -> str:
    """What sets the environment variable that a container's log asks for."""
    match, target = _ASKS_FOR.search(log), objects.workload(pod)
    if not match or target.startswith("pod/"):
        return ""
    variable = match[1] or match[2]
    return f"kubectl -n {objects.namespace} set env {target} -c {status['name']} {variable}={blank(variable)}"


def _out_of_memory(
    objects: Objects, pod: Object, status: Object, subject: str, again: str, code: int
) -> Finding:
    limit = part(_container_of(pod, status["name"]), "resources", "limits").get("memory")
    why = f"its memory limit is {limit}" if limit else "it has no memory limit, so the node had none left"
    raise_it = (
        f"kubectl -n {objects.namespace} set resources {objects.workload(pod)} -c {status['name']} "
        "--limits=memory={memory}"
    )
    cause = f"it ran out of memory (OOMKilled){again}: {why}."
    return Finding(subject, cause, f"exit code {code}, reason OOMKilled", raise_it)


def _killed(objects: Objects, pod: Object, status: Object, subject: str, again: str) -> Finding | None:
    """A finding when it was the kubelet that ended the container, for a probe that failed."""
    for told in objects.warnings(pod, "Unhealthy", status["name"]):
        for kind in ("liveness", "startup"):
            if told.lower().startswith(kind):
                probe, hint = _probe(_container_of(pod, status["name"]), f"{kind}Probe", told)
                cause = f"its {kind} probe ({probe}) fails, so it is killed{again}.{hint}"
                return Finding(subject, cause, one_line(told), _mend_probe(objects, pod, status, kind, told))
    return None


# --- probes -----------------------------------------------------------------------------------------------


def _not_ready(objects: Objects, pod: Object, status: Object, subject: str) -> Finding | None:
    container = _container_of(pod, status["name"])
    told = next(
        (
            m
            for m in objects.warnings(pod, "Unhealthy", status["name"])
            if m.startswith(("Readiness", "Startup"))
        ),
        "",
    )
    kind = "startup" if told.startswith("Startup") else "readiness"
    since = part(status, "state", "running").get("startedAt")
    is_starting = not told and _age(objects, since, _STARTING) < _STARTING
    if is_starting or is_over(pod) or f"{kind}Probe" not in container:
        return None
    probe, hint = _probe(container, f"{kind}Probe", told)
    log = _log(objects, pod, status)
    more = f" / log: {log}" if log and "refused" not in told else ""
    cause = f"it runs but is not ready: its {kind} probe ({probe}) fails.{hint}"
    evidence = (one_line(told) + more).removeprefix(" / ")
    return Finding(subject, cause, evidence, _mend_probe(objects, pod, status, kind, told))


def _mend_probe(objects: Objects, pod: Object, status: Object, kind: str, told: str) -> str:
    """What lets a probe ask the right port or path, as far as its failure tells."""
    target, names = objects.workload(pod), [c["name"] for c in part(pod, "spec", "containers")]
    container = _container_of(pod, status["name"])
    how = next((how for how in ("httpGet", "tcpSocket") if part(container, f"{kind}Probe", how)), "")
    if target.startswith("pod/") or status["name"] not in names or not how:
        return ""
    at = f"/spec/template/spec/containers/{names.index(status['name'])}/{kind}Probe/{how}"
    if "connection refused" in told:
        declared = [port.get("containerPort") for port in part(container, "ports")]
        asked = part(container, f"{kind}Probe", how).get("port")
        right = declared[0] if len(declared) == 1 and declared[0] != asked else "{port}"
        change = f'{{"op":"replace","path":"{at}/port","value":{right}}}'
    elif "statuscode: 404" in told:
        change = f'{{"op":"replace","path":"{at}/path","value":"{{http_path}}"}}'
    else:
        return ""
    return f"kubectl -n {objects.namespace} patch {target} --type=json -p '[{change}]'"


def _probe(container: Object, kind: str, told: str) -> tuple[str, str]:
    """What a probe asks, and what its failure tells."""
    probe = part(container, kind)
    ports = [str(port.get("containerPort")) for port in part(container, "ports")]
    declared = f" The container declares port {listed(ports)}." if ports else ""
    hint = ""
    if "connection refused" in told:
        hint = " Nothing listens on that port."
    elif "statuscode: 404" in told:
        hint = " There is no such path."
    elif "context deadline exceeded" in told or "imeout" in told:
        hint = f" There is no answer within {probe.get('timeoutSeconds', 1)} s."
    return _probe_text(probe), hint + declared


def _probe_text(probe: Object) -> str:
    if http := probe.get("httpGet"):
        return f"HTTP GET {http.get('path', '/')} on port {http.get('port')}"
    if tcp := probe.get("tcpSocket"):
        return f"TCP port {tcp.get('port')}"
    if run := probe.get("exec"):
        return "command " + " ".join(part(run, "command"))
    return "gRPC" if "grpc" in probe else "none"


# --- permissions ------------------------------------------------------------------------------------------

_FORBIDDEN = regex(
    r'User "system:serviceaccount:([\w-]+):([\w.-]+)" cannot (\w+) resource "([\w./-]+)"'
    r'(?: in API group "([\w.-]*)")?(?: in the namespace "([\w-]+)")?'
)


def _forbidden(objects: Objects, pod: Object, status: Object, subject: str) -> Finding | None:
    """A finding when the API server refuses a container, by the newest line of its log that says so."""
    log = objects.logs.get((name(pod), status["name"]), "").replace('\\"', '"')
    matches = list(_FORBIDDEN.finditer(log))
    if not matches:
        return None
    match = matches[-1]
    space, account, verb, resource, group, where = match.groups()
    there = f" in namespace {where}" if where else " in the whole cluster"
    role, bound = ("role", "rolebinding") if where else ("clusterrole", "clusterrolebinding")
    in_space = f"kubectl -n {where}" if where else "kubectl"
    verbs = "get,list,watch" if verb in ("get", "list", "watch") else verb
    its_name, kind = f"{account}-{resource.partition('/')[0]}", f"{resource}.{group}" if group else resource
    create = (
        f"{in_space} create {role} {its_name} --verb={verbs} --resource={kind} && "
        f"{in_space} create {bound} {its_name} --{role}={its_name} --serviceaccount={space}:{account}"
    )
    cause = f"its service account {account} may not {verb} {resource}{there} (RBAC)."
    return Finding(subject, cause, one_line(match[0]), create)
