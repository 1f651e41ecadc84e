"""Reads what there is, and has the analyzers look at it.

To add an analyzer: write a function from `Objects` to findings, and put it into `ANALYZERS`, in the order in
which they should speak.
"""

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from devops_agent.diagnosis import docker, listening, pods, services, storage, workloads
from devops_agent.diagnosis.finding import Finding, listed, one_line
from devops_agent.diagnosis.objects import (
    Object,
    Objects,
    claims,
    labels,
    name,
    owners,
    part,
    selects,
    template_labels,
)

ANALYZERS: tuple[Callable[[Objects], Iterator[Finding]], ...] = (
    pods.analyze,
    storage.analyze,
    workloads.analyze,
    services.analyze,
    workloads.quotas,
)

_KINDS = (
    "pods,replicasets.apps,deployments.apps,statefulsets.apps,daemonsets.apps,services,configmaps,"
    "persistentvolumeclaims,jobs.batch,cronjobs.batch,resourcequotas,horizontalpodautoscalers.autoscaling,"
    "ingresses.networking.k8s.io,networkpolicies.networking.k8s.io,events"
)
_CLUSTER_KINDS = "nodes,storageclasses"
_SECRET_KEYS = (
    '{{range .items}}{{.metadata.name}}{{range $key, $value := .data}} {{$key}}{{end}}{{"\\n"}}{{end}}'
)
_LOG_LINES = 40
_MOST_LOGS, _LOGS_OF_ONE, _MOST_CONTAINERS = 8, 2, 20
_RECENT = "10m"
# The read of one namespace; the first answer of a far cluster may take seconds.
_SECONDS = 10


def run(*command: str, directory: Path | None = None) -> str:
    """What a read-only command prints; "" when it fails or is not installed."""
    return read(*command, directory=directory)[0]


def read(*command: str, directory: Path | None = None, given: str = "") -> tuple[str, str]:
    """What a read-only command prints, and what it complains about when it fails.

    Args:
        command: The program and its arguments.
        directory: Where it runs.
        given: Its standard input.
    """
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            input=given,
            cwd=directory,
        )
    except FileNotFoundError:
        return "", f"{command[0]} is not installed"
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", f"{command[0]} does not answer: {error}"
    return done.stdout, done.stderr if done.returncode else ""


# --- Kubernetes -------------------------------------------------------------------------------------------


def unreachable(namespace: str) -> str:
    """Why a namespace cannot be diagnosed, in half a sentence; "" when it can, or when nobody may know."""
    found, complaint = read("kubectl", "get", "namespace", namespace, "-o", "name")
    if found or "(Forbidden)" in complaint:
        return ""
    if "(NotFound)" not in complaint:
        return f"no cluster can be reached ({one_line((complaint.splitlines() or ['no answer'])[-1])})"
    return f"there are the namespaces {listed(namespaces(), 20)}"


def engine_answers() -> bool:
    """Whether there is a Docker engine that answers."""
    return bool(run("docker", "version", "--format", "{{.Server.Version}}").strip())


def namespaces() -> list[str]:
    """The names of the cluster's namespaces; none when they may not be listed."""
    printed = run("kubectl", "get", "ns", "-o", "name").split()
    return [line.partition("/")[2] for line in printed if line.startswith("namespace/")]


def current_namespace() -> str:
    """The one in which kubectl works when it is told none."""
    path = "jsonpath={.contexts[0].context.namespace}"
    return run("kubectl", "config", "view", "--minify", "-o", path).strip() or "default"


def read_namespace(namespace: str) -> Objects:
    """Reads a namespace: its objects, the nodes and storage classes, and the logs that may tell more."""
    objects = Objects(namespace)
    in_it = ("kubectl", "-n", namespace, "get")
    with ThreadPoolExecutor() as pool:
        everything = pool.submit(read, *in_it, _KINDS, "-o", "json")
        cluster = pool.submit(read, "kubectl", "get", _CLUSTER_KINDS, "-o", "json")
        secrets = pool.submit(read, *in_it, "secrets", "-o", f"go-template={_SECRET_KEYS}")
        for (answer, complaint), kinds in ((everything.result(), _KINDS), (cluster.result(), _CLUSTER_KINDS)):
            found = _items(answer)
            objects.add(found or ())
            objects.unread |= _unread(kinds, complaint, found is None)
        keys, complaint = secrets.result()
        if not complaint:
            objects.secrets = {words[0]: set(words[1:]) for words in map(str.split, keys.splitlines())}
        wanted = list(_wanted_logs(objects))
        for (pod, container, _), log in zip(
            wanted, pool.map(lambda w: _log(namespace, *w), wanted), strict=True
        ):
            objects.logs[pod, container] = log
    return objects


def _items(answer: str) -> list[Object] | None:
    try:
        return list(json.loads(answer)["items"])
    except (ValueError, KeyError, TypeError):
        return None


def _unread(kinds: str, complaint: str, failed: bool) -> set[str]:
    """The plurals that kubectl could not list: it goes on after one that is forbidden."""
    if failed:
        return {kind.partition(".")[0] for kind in kinds.split(",")}
    return set(re.findall(r'cannot list resource "(\w+)"', complaint))


def _wanted_logs(objects: Objects) -> Iterator[tuple[str, str, str]]:
    """Whose logs are read, and how: of each workload's containers two that crashed, or one that runs.

    A container that runs may log that the API server refuses it, which nothing else shows.
    """
    newest = sorted(
        objects.all("Pod"), key=lambda p: str(p["metadata"].get("creationTimestamp")), reverse=True
    )
    ended = [(p, c, "--previous" if before else "") for p in newest for c, before in pods.crashed(p)]
    running = [(p, c, f"--since={_RECENT}") for p in newest for c in pods.running(p)]
    for some, of_each in ((ended, _LOGS_OF_ONE), (running, 1)):
        seen: dict[tuple[str, str], int] = defaultdict(int)
        for pod, container, which in some:
            seen[objects.workload(pod), container] += 1
            if seen[objects.workload(pod), container] <= of_each and len(seen) <= _MOST_LOGS:
                yield name(pod), container, which


def _log(namespace: str, pod: str, container: str, which: str) -> str:
    command = ["kubectl", "-n", namespace, "logs", pod, "-c", container, "--tail", str(_LOG_LINES)]
    if not which or which.startswith("--since"):
        return run(*command, *filter(None, [which]))
    # between two crashes the log of the one before may be gone, and this is what is printed instead of it
    for attempt in ([which], [], [which]):
        log = run(*command, *attempt)
        if log and not log.startswith("unable to retrieve container logs"):
            return log
    return ""


def diagnose_objects(objects: Objects) -> list[Finding]:
    """All findings about a namespace; those that pods of one workload share are told once."""
    found = [finding for analyzer in ANALYZERS for finding in analyzer(objects)]
    return list(_told_once(objects, found))


def _told_once(objects: Objects, found: Iterable[Finding]) -> Iterator[Finding]:
    groups: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for finding in found:
        kind, its_name = subject_of(finding)
        pod = objects.find("Pod", its_name) if kind == "pod" else None
        rest = finding.subject.partition(",")[2]
        groups[objects.workload(pod) if pod else finding.subject, rest, _shape(finding)].append(finding)
    for (workload, rest, _), same in groups.items():
        first = same[0]
        if len(same) > 1 and "/" in workload:
            kind, _, its_name = workload.partition("/")
            more = f"{kind} {its_name} ({len(same)} pods){',' + rest if rest else ''}"
            first = replace(first, subject=more)
        yield first


def _shape(finding: Finding) -> str:
    """A cause without its figures, which differ between the pods of a workload."""
    return "".join(c for c in finding.cause if not c.isdigit())


def subject_of(finding: Finding) -> tuple[str, str]:
    """The kind and the name of what a finding is about."""
    words = finding.subject.partition(",")[0].split()
    return words[0], words[1]


def not_looked_at(objects: Objects) -> list[Finding]:
    """That a part of the namespace could not be read, so that nobody takes it for healthy."""
    unread = objects.unread | (set() if objects.secrets is not None else {"secrets"})
    cause = f"this could not be read, so it was not looked at: {listed(unread, 20)}."
    return [Finding(f"namespace {objects.namespace}", cause)] if unread else []


def about(objects: Objects, found: Iterable[Finding], kind: str, wanted: str) -> list[Finding]:
    """The findings about an object, and about what it is made of and depends on."""
    related = _related(objects, kind, wanted)
    return [finding for finding in found if subject_of(finding) in related]


def _related(objects: Objects, kind: str, wanted: str) -> set[tuple[str, str]]:
    related = {(kind, wanted)}
    items = [item for known in objects.items if known.lower() == kind for item in objects.all(known)]
    item = next((item for item in items if name(item) == wanted), None)
    if item is None:
        return related
    for backend in services.backends(item) if kind == "ingress" else ():
        related |= {("service", backend["name"])} | _related(objects, "service", backend["name"])
    target = part(item, "spec", "scaleTargetRef")
    if target and target.get("kind") != item["kind"]:
        related |= _related(objects, str(target.get("kind")).lower(), str(target.get("name")))
    for pod in _pods_of(objects, item):
        related |= {("pod", name(pod)), _subject(objects.workload(pod))}
        related |= {(ref["kind"].lower(), ref["name"]) for ref in owners(pod)}
        related |= {("persistentvolumeclaim", claim) for claim in claims(pod)}
    related |= {("job", name(job)) for job in objects.owned_by("Job", item)}
    return related | set(_in_front(objects, item))


def _subject(workload: str) -> tuple[str, str]:
    kind, _, its_name = workload.partition("/")
    return kind, its_name


def _in_front(objects: Objects, item: Object) -> Iterator[tuple[str, str]]:
    """The services and autoscalers of a workload; a service that selects nothing is known by its name."""
    its_name, its_labels = name(item), template_labels(item)
    has_pods = item["kind"] == "Pod" or "template" in part(item, "spec")
    for service in objects.all("Service") if has_pods else ():
        selector = part(service, "spec", "selector")
        if (selector and selects(selector, its_labels)) or f"{name(service)}-".startswith(f"{its_name}-"):
            yield "service", name(service)
    for scaler in objects.all("HorizontalPodAutoscaler"):
        target = part(scaler, "spec", "scaleTargetRef")
        if (target.get("kind"), target.get("name")) == (item["kind"], its_name):
            yield "horizontalpodautoscaler", name(scaler)


def _pods_of(objects: Objects, item: Object) -> list[Object]:
    if item["kind"] == "Pod":
        return [item]
    if item["kind"] == "Service":
        selector = part(item, "spec", "selector")
        return [p for p in objects.all("Pod") if selector and selects(selector, labels(p))]
    if item["kind"] == "PersistentVolumeClaim":
        return [pod for pod in objects.all("Pod") if name(item) in claims(pod)]
    return objects.owned_by("Pod", item)


# --- Docker -----------------------------------------------------------------------------------------------


def read_containers(wanted: Sequence[str] = ()) -> tuple[list[Any], dict[str, str]]:
    """What `docker inspect` says of the containers, and the logs of those in trouble.

    Args:
        wanted: Whose logs are read in any case.
    """
    ids = run("docker", "ps", "-aq").split()  # newest first
    if not ids:
        return [], {}
    inspected = _inspected(ids)
    troubled = [docker.name(c) for c in inspected if docker.in_trouble(c)]
    names = [*troubled[:_MOST_CONTAINERS], *(docker.name(c) for c in inspected if docker.name(c) in wanted)]
    with ThreadPoolExecutor() as pool:
        return inspected, dict(zip(names, pool.map(container_log, names), strict=True))


def _inspected(ids: Sequence[str]) -> list[Any]:
    try:
        found = list(json.loads(run("docker", "inspect", *ids)))
    except (ValueError, TypeError):
        return []
    published = [
        c for c in found if part(c, "HostConfig", "PortBindings") and part(c, "State").get("Running")
    ]
    for container in published:
        container["Listening"] = listening.ports(
            str(container.get("Id")), int(container["State"].get("Pid") or 0)
        )
    if unknown := [c for c in published if c["Listening"] is None]:
        template = "{{.Id}} {{range $port, $_ := .Config.ExposedPorts}}{{$port}} {{end}}"
        images = {str(c["Image"]) for c in unknown if c.get("Image")}
        lines = run("docker", "image", "inspect", "-f", template, *images).splitlines()
        exposed = {words[0]: words[1:] for words in map(str.split, lines) if words}
        for container in unknown:
            container["Exposed"] = exposed.get(str(container.get("Image")), [])
    return found


def container_log(container: str, lines: int = _LOG_LINES) -> str:
    """The last lines of a container's log."""
    # docker logs keeps the two streams apart, and what went wrong is mostly on stderr
    return run("sh", "-c", 'docker logs --tail "$1" "$2" 2>&1', "sh", str(lines), container)


def exposed_ports(image: str) -> list[str]:
    """The TCP ports that a local image exposes; none when it is not there."""
    printed = run("docker", "image", "inspect", "-f", "{{json .Config.ExposedPorts}}", image)
    return sorted(re.findall(r'"(\d+)/tcp"', printed))
