"""Grounding: what a task names is looked up before the first step, with read-only commands.

A small model takes a container for a pod, drops a hyphen from a name, and changes what it has not looked at.
So it is told in a few lines what there is, what there is not, and what is wrong with it.
"""

import difflib
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from devops_agent.diagnosis import diagnose, docker
from devops_agent.diagnosis.finding import Finding, listed, telling_lines
from devops_agent.diagnosis.objects import Object, Objects, containers, name

_KUBERNETES = re.compile(
    r"\b(?:kube\w*|k8s|pods?|deployments?|namespaces?|replicas?|config ?maps?|secrets?|ingress(?:es)?"
    r"|(?:cron ?)?jobs?|rollouts?|roll(?:ed)? back|statefulsets?|daemonsets?|service ?accounts?|services?"
    r"|(?:persistent ?)?volume claims?|pvcs?|liveness|readiness|network polic(?:y|ies)|hpa|autoscal\w+"
    r"|nodes?|quotas?)\b",
    re.IGNORECASE,
)
# Of these words nothing but Kubernetes has the meaning.
_KUBERNETES_FIRST = re.compile(
    r"\b(?:kube\w*|k8s|pods?|deployments?|namespaces?|config ?maps?|ingress(?:es)?|statefulsets?|daemonsets?"
    r"|service ?accounts?|pvcs?|helm)\b",
    re.IGNORECASE,
)
_DOCKER = re.compile(
    r"\b(?:docker|containers?|images?|compose|dockerfile|volumes?|networks?)\b", re.IGNORECASE
)
_FILES = re.compile(
    r"\b(?:files?|folders?|director(?:y|ies)|dockerfile|compose|build|script|here|app(?:lication)?"
    r"|repo(?:sitory)?|git)\b",
    re.IGNORECASE,
)
_TROUBLE = re.compile(
    r"\b(?:why|fix|wrong|fail\w*|crash\w*|broken|repair|restart(?:s|ing)|stuck|pending|not (?:working|ready"
    r"|start\w*)|can(?:'|no)t|cannot|doesn't|hasn't|unhealthy|down|refused?|error|problem|trouble|debug"
    r"|diagnos\w+|reason|exits?|killed)\b",
    re.IGNORECASE,
)
_NAMESPACE = re.compile(r"(?:\bnamespace |(?<!\S)-n )([a-z0-9][a-z0-9-]*)")
_WORD = re.compile(r"[A-Za-z0-9][\w./:-]*[\w]|[A-Za-z0-9]")
# What a task calls the kinds whose objects are told by name.
_KINDS = {
    "Deployment": "deployment",
    "StatefulSet": "statefulset",
    "DaemonSet": "daemonset",
    "Pod": "pod",
    "Service": "service",
    "ConfigMap": "config ?map",
    "PersistentVolumeClaim": "(?:persistent ?)?(?:volume ?)?claim|pvc",
    "Job": "job",
    "CronJob": "cron ?job",
    "Ingress": "ingress",
}
_LOGS = re.compile(r"\blogs?\b|\blogged\b|\berrors?\b|\bexceptions?\b|\bwarnings?\b", re.IGNORECASE)
_SECRET = re.compile(r"PASS|SECRET|TOKEN|KEY|CREDENTIAL|AUTH|PRIVATE")
_MOST_LINES = 14
_LONGEST = 300
_MOST_FILES = 30


@dataclass
class Ground:
    """What was found.

    Attributes:
        lines: What the model is told.
        informs: Whether it tells of things that the task names, so that it may hold the answer.
        namespace: The one namespace that the task names and that exists.
        variables: The environment variables that the task names, with their values.
        names: Names of things that exist, by the placeholder of runbooks that they fill.
    """

    lines: list[str] = field(default_factory=list)
    informs: bool = False
    namespace: str = ""
    names: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return "\n".join(line[:_LONGEST] for line in self.lines[:_MOST_LINES])


def field_of(task: str) -> str:
    """What a task is about, by its words: `kubernetes`, `docker` or `system`."""
    if _KUBERNETES_FIRST.search(task):
        return "kubernetes"
    return "docker" if _DOCKER.search(task) else "kubernetes" if _KUBERNETES.search(task) else "system"


def look_up(task: str, directory: Path, environ: Mapping[str, str]) -> Ground:
    """Looks up what a task names; takes a second at most where cluster and engine answer at once."""
    ground = Ground()
    steps = []
    if _KUBERNETES.search(task) and shutil.which("kubectl"):
        steps.append(_cluster)
    if _DOCKER.search(task) and shutil.which("docker"):
        steps.append(_engine)
    ground.variables = _variables_of(task, environ)
    ground.lines += [f"Environment variable {name} is {value}" for name, value in ground.variables.items()]
    if _FILES.search(task):
        ground.lines += _files(task, directory)
    with ThreadPoolExecutor() as pool:
        for part in pool.map(lambda step: step(task), steps):
            ground.lines += part.lines
            ground.informs = ground.informs or part.informs
            ground.namespace = ground.namespace or part.namespace
            ground.names.update(part.names)
    return ground


def _words(task: str) -> set[str]:
    return {word.strip(".,:;").lower() for word in _WORD.findall(task)}


# --- Kubernetes -------------------------------------------------------------------------------------------


def _cluster(task: str) -> Ground:
    spaces = [line.rpartition("/")[2] for line in diagnose.run("kubectl", "get", "ns", "-o", "name").split()]
    if not spaces:
        return Ground()
    named = next((n for n in _NAMESPACE.findall(task) if n not in _NO_NAMES), "")
    ground = Ground()
    if named and named not in spaces and not _CREATES.search(task):
        ground.lines.append(f"There is no namespace {named} (there are: {listed(spaces, 15)}).")
        ground.informs = True
        return ground
    words = _words(task)
    space = named if named in spaces else next((s for s in spaces if s in words), "default")
    explicit = space in words
    objects = diagnose.read_namespace(space)
    ground.namespace = space if explicit else ""
    found = [(kind, item) for kind in _KINDS for item in objects.all(kind) if name(item).lower() in words]
    found = _without_echoes(found)
    if not explicit and not found:
        return Ground()
    ground.informs = bool(found)
    ground.lines += [f"namespace {space}: {_describe(objects, item)}" for _, item in found]
    ground.lines += _missing(task, objects)
    ground.lines += [str(finding) for finding in _relevant(task, objects, [item for _, item in found])]
    if not found:
        ground.lines += _overview(objects)
    ground.names = _names(objects, [item for _, item in found], space)
    return ground


def _without_echoes(found: Sequence[tuple[str, Object]]) -> list[tuple[str, Object]]:
    """Drops what has the same name only by the way: config maps when a workload has that name too."""
    workloads = {name(item) for kind, item in found if kind in ("Deployment", "StatefulSet", "DaemonSet")}
    return [(kind, item) for kind, item in found if kind != "ConfigMap" or name(item) not in workloads]


def _describe(objects: Objects, item: Object) -> str:
    kind, spec, status = item["kind"], item.get("spec", {}), item.get("status", {})
    text = f"{kind.lower()} {name(item)}"
    if kind in ("Deployment", "StatefulSet"):
        ready = f"{status.get('readyReplicas', 0)} of {spec.get('replicas', 1)} ready"
        images = ", ".join(f"{c['name']} = {c['image']}" for c in containers(spec["template"]["spec"]))
        return f"{text}: {ready}; containers: {images}{_variables(spec['template']['spec'])}"
    if kind == "Pod":
        owner = objects.workload(item)
        by = f", of {owner}" if not owner.startswith("pod/") else ""
        images = ", ".join(f"{c['name']} = {c['image']}" for c in containers(spec))
        return f"{text}: {status.get('phase')}{by}; containers: {images}"
    if kind == "Service":
        ports = ", ".join(f"{p['port']}→{p.get('targetPort', p['port'])}" for p in spec.get("ports", ()))
        selector = ",".join(f"{k}={v}" for k, v in (spec.get("selector") or {}).items())
        return f"{text}: {spec.get('type')}, ports {ports}, selector {selector or 'none'}"
    if kind == "ConfigMap":
        return f"{text}: keys {listed(item.get('data') or ())}"
    if kind == "PersistentVolumeClaim":
        size = spec["resources"]["requests"].get("storage")
        return f"{text}: {status.get('phase')}, {size}, storage class {spec.get('storageClassName')}"
    if kind == "CronJob":
        return f"{text}: schedule {spec['schedule']}, suspended: {bool(spec.get('suspend'))}"
    return text


def _variables(pod_spec: Object) -> str:
    names = [v["name"] for c in containers(pod_spec) for v in c.get("env", ())]
    return f"; variables: {listed(names)}" if names else ""


def _missing(task: str, objects: Objects) -> Iterator[str]:
    """Names that the task gives to a kind and that no object of the kind has."""
    for kind, called in _KINDS.items():
        pattern = rf"\b(?:{called}) (?:named |called )?([a-z0-9][a-z0-9.-]*[a-z0-9])\b"
        for wanted in re.findall(pattern, task, re.IGNORECASE):
            there = objects.names(kind)
            if wanted in there or wanted.lower() in _NO_NAMES or _CREATES.search(task):
                continue
            near = difflib.get_close_matches(wanted, there, 1, 0.75)
            meant = f" Did the user mean {near[0]}?" if near else ""
            noun = re.sub(r"\W.*", "", kind.lower())
            space = objects.namespace
            yield f"There is no {noun} {wanted} in namespace {space} (there are: {listed(there)}).{meant}"


_CREATES = re.compile(r"\b(?:create|add|make|new|need|run|start|write|set up|expose)\b", re.IGNORECASE)
_NO_NAMES = frozenset(
    """in on of from to with and or the a an is are has have that this which it its for by at as be was
 does doesn't can can't cannot account accounts policy limit probe budget name named called needs should
 must will keeps stays object template selector port ports disruption claim spec status manually first
 again now""".split()
)


def _relevant(task: str, objects: Objects, items: Iterable[Object]) -> list[Finding]:
    found = diagnose.diagnose_objects(objects)
    chosen = [
        finding
        for item in items
        for finding in diagnose.about(objects, found, item["kind"].lower(), name(item))
    ]
    if not chosen and _TROUBLE.search(task):
        chosen = found
    return list(dict.fromkeys(chosen))[:4]


def _overview(objects: Objects) -> Iterator[str]:
    for kind in ("Deployment", "StatefulSet", "Job", "CronJob", "Service"):
        names = objects.names(kind)
        if names:
            yield f"namespace {objects.namespace}: {kind.lower()}s: {listed(names)}"
    loose = [name(pod) for pod in objects.all("Pod") if not pod["metadata"].get("ownerReferences")]
    if loose:
        yield f"namespace {objects.namespace}: pods without owner: {listed(loose)}"


def _names(objects: Objects, items: Iterable[Object], space: str) -> dict[str, str]:
    names = {"namespace": space}
    for item in items:
        key = {"PersistentVolumeClaim": "pvc"}.get(item["kind"], item["kind"].lower())
        names.setdefault(key, name(item))
        template = item.get("spec", {}).get("template", {}).get("spec", item.get("spec", {}))
        inside = containers(template)
        if len(inside) == 1:
            names.setdefault("container", inside[0]["name"])
    return names


# --- Docker and files -------------------------------------------------------------------------------------


def _engine(task: str) -> Ground:
    words = _words(task)
    inspected, logs = diagnose.read_containers()
    named = [c for c in inspected if docker.name(c).lower() in words]
    ground = Ground()
    ground.informs = bool(named)
    ground.lines += [_container_line(c) for c in named]
    missing = _missing_container(task, {docker.name(c) for c in inspected})
    ground.lines += [missing] if missing else []
    if _LOGS.search(task):
        ground.lines += [line for c in named if (line := _log_line(docker.name(c)))]
    findings = list(docker.analyze(inspected, logs))
    about = {docker.name(c) for c in named}
    chosen = [f for f in findings if diagnose.subject_of(f)[1] in about]
    if not chosen and _TROUBLE.search(task) and not _KUBERNETES.search(task):
        chosen = findings
    ground.lines += [str(finding) for finding in chosen[:3]]
    if len(named) == 1:
        ground.names["container"] = docker.name(named[0])
    if re.search(r"\b(?:image|build|dockerfile|run)\b", task, re.IGNORECASE) and not _KUBERNETES.search(task):
        images = diagnose.run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split()
        ground.lines.append(f"Images on this machine: {listed((i for i in images if '<none>' not in i), 12)}")
    return ground


def _log_line(container: str) -> str:
    said = telling_lines(diagnose.run("sh", "-c", 'docker logs --tail 5000 "$0" 2>&1', container), 4)
    return f"lines about trouble in the log of {container}: {said}" if said else ""


def _container_line(container: Object) -> str:
    state = container["State"]
    ports = [
        f"{entry.get('HostPort')}→{port.partition('/')[0]}"
        for port, entries in (container["HostConfig"].get("PortBindings") or {}).items()
        for entry in entries or ()
    ]
    networks = listed(container["NetworkSettings"].get("Networks") or ())
    published = f", published ports {listed(ports)}" if ports else ""
    return (
        f"container {docker.name(container)}: {state['Status']}, image {container['Config']['Image']}, "
        f"networks {networks}{published}"
    )


def _missing_container(task: str, there: set[str]) -> str:
    if _KUBERNETES.search(task) or re.search(r"\b(?:create|run|new)\b", task, re.IGNORECASE):
        return ""
    match = re.search(r"\bcontainers? (?:named |called )?([a-z0-9][\w.-]*[a-z0-9])\b", task, re.IGNORECASE)
    if not match or match[1] in there or match[1].lower() in _NO_NAMES or "-" not in match[1]:
        return ""
    return f"There is no container {match[1]} (there are: {listed(there)})."


def _files(task: str, directory: Path) -> Iterator[str]:
    here = _names_in(directory)
    if here:
        yield f"Files here: {listed(here, _MOST_FILES)}"
    words = _words(task)
    for folder in [each for each in here if each.endswith("/") and each.rstrip("/").lower() in words][:2]:
        yield f"Files in {folder}: {listed(_names_in(directory / folder), _MOST_FILES)}"


def _names_in(directory: Path) -> list[str]:
    try:
        return sorted(f"{p.name}/" if p.is_dir() else p.name for p in directory.iterdir())
    except OSError:
        return []


def _variables_of(task: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that a task names and that are set; none that may hold a secret."""
    named = dict.fromkeys(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", task))
    return {name: environ[name] for name in named if environ.get(name) and not _SECRET.search(name)}
