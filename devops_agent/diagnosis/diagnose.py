"""Reads what there is, and has the analyzers look at it.

To add an analyzer: write a function from `Objects` to findings, and put it into `ANALYZERS`, in the order in
which they should speak.
"""

import json
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from devops_agent.diagnosis import docker, pods, services, storage, workloads
from devops_agent.diagnosis.finding import Finding
from devops_agent.diagnosis.objects import Object, Objects, labels, name, owners, selects

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
_SECRET_KEYS = (
    '{{range .items}}{{.metadata.name}}{{range $key, $value := .data}} {{$key}}{{end}}{{"\\n"}}{{end}}'
)
_LOG_LINES = "40"
# The read of one namespace; the first answer of a far cluster may take seconds.
_SECONDS = 10


def run(*command: str) -> str:
    """What a read-only command prints; "" when it fails or is not installed."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


# --- Kubernetes -------------------------------------------------------------------------------------------


def read_namespace(namespace: str) -> Objects:
    """Reads a namespace: its objects, the nodes and storage classes, and the logs of what crashed."""
    objects = Objects(namespace)
    in_it = ("kubectl", "-n", namespace, "get")
    with ThreadPoolExecutor() as pool:
        everything = pool.submit(run, *in_it, _KINDS, "-o", "json")
        cluster = pool.submit(run, "kubectl", "get", "nodes,storageclasses", "-o", "json")
        secrets = pool.submit(run, *in_it, "secrets", "-o", f"go-template={_SECRET_KEYS}")
        for answer in (everything.result(), cluster.result()):
            objects.add(_items(answer))
        objects.secrets = {
            words[0]: set(words[1:]) for words in map(str.split, secrets.result().splitlines())
        }
        wanted = [
            (name(pod), container, before)
            for pod in objects.all("Pod")
            for container, before in pods.crashed(pod)
        ]
        for (pod, container, _), log in zip(
            wanted, pool.map(lambda w: _log(namespace, *w), wanted), strict=True
        ):
            objects.logs[pod, container] = log
    return objects


def _items(answer: str) -> list[Object]:
    try:
        return list(json.loads(answer)["items"])
    except (ValueError, KeyError):
        return []


def _log(namespace: str, pod: str, container: str, before: bool) -> str:
    command = ["kubectl", "-n", namespace, "logs", pod, "-c", container, "--tail", _LOG_LINES]
    log = run(*command, "--previous") if before else run(*command)
    return log or (run(*command) if before else "")


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


def about(objects: Objects, found: Iterable[Finding], kind: str, wanted: str) -> list[Finding]:
    """The findings about an object, and about what it is made of and depends on."""
    related = _related(objects, kind, wanted)
    return [finding for finding in found if subject_of(finding) in related]


def _related(objects: Objects, kind: str, wanted: str) -> set[tuple[str, str]]:
    related = {(kind, wanted)}
    item = next(
        (
            i
            for known in objects.items
            for i in objects.all(known)
            if (known.lower(), name(i)) == (kind, wanted)
        ),
        None,
    )
    if item is None:
        return related
    its_pods = _pods_of(objects, item)
    for pod in its_pods:
        related.add(("pod", name(pod)))
        workload, _, its_name = objects.workload(pod).partition("/")
        related.add((workload, its_name))
        related |= {(ref["kind"].lower(), ref["name"]) for ref in owners(pod)}
        for volume in pod["spec"].get("volumes", ()):
            if claim := volume.get("persistentVolumeClaim"):
                related.add(("persistentvolumeclaim", claim["claimName"]))
    template = item["spec"].get("template", {}).get("metadata", {}).get("labels") or labels(item)
    for service in objects.all("Service"):
        selector = service["spec"].get("selector")
        if (selector and selects(selector, template)) or wanted in name(service):
            related.add(("service", name(service)))
    related |= {("job", name(job)) for job in objects.owned_by("Job", item)}
    return related


def _pods_of(objects: Objects, item: Object) -> list[Object]:
    if item["kind"] == "Pod":
        return [item]
    if item["kind"] == "Service":
        selector = item["spec"].get("selector") or {}
        return [p for p in objects.all("Pod") if selector and selects(selector, labels(p))]
    if item["kind"] == "PersistentVolumeClaim":
        return [
            pod
            for pod in objects.all("Pod")
            for volume in pod["spec"].get("volumes", ())
            if (volume.get("persistentVolumeClaim") or {}).get("claimName") == name(item)
        ]
    return objects.owned_by("Pod", item)


# --- Docker -----------------------------------------------------------------------------------------------


def read_containers(wanted: Sequence[str] = ()) -> tuple[list[Any], dict[str, str]]:
    """What `docker inspect` says of the containers, and the logs of those in trouble.

    Args:
        wanted: Whose logs are read in any case.
    """
    ids = run("docker", "ps", "-aq").split()
    if not ids:
        return [], {}
    try:
        inspected = json.loads(run("docker", "inspect", *ids))
    except ValueError:
        return [], {}
    names = [docker.name(c) for c in inspected if docker.in_trouble(c) or docker.name(c) in wanted]
    with ThreadPoolExecutor() as pool:
        return inspected, dict(zip(names, pool.map(_container_log, names), strict=True))


def _container_log(container: str) -> str:
    # docker logs keeps the two streams apart, and what went wrong is mostly on stderr
    return run("sh", "-c", 'docker logs --tail "$1" "$2" 2>&1', "sh", _LOG_LINES, container)
