"""Grounding: what a task names is looked up before the first step, with read-only commands.

A small model takes a container for a pod, drops a hyphen from a name, and changes what it has not looked at.
So it is told in a few lines what there is, what there is not, and what is wrong with it.
"""

import difflib
import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from devops_agent.diagnosis import certificates, diagnose, docker, mending, text_files
from devops_agent.diagnosis.finding import Finding, listed, telling_lines
from devops_agent.diagnosis.mending import Mended
from devops_agent.diagnosis.objects import Object, Objects, containers, name
from devops_agent.errors import ToolError
from devops_agent.files import read_text
from devops_agent.shell import clean

_KUBERNETES = re.compile(
    r"\b(?:kube\w*|k8s|pods?|deployments?|namespaces?|replicas?|config ?maps?|secrets?|ingress(?:es)?"
    r"|(?:cron ?)?jobs?|rollouts?|roll(?:ed)? back|stateful ?sets?|daemon ?sets?|service ?accounts?|services?"
    r"|svc|deploy(?=/)|crash ?loop\w*|imagepull\w*|errimage\w*|oom ?killed|evicted"
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
    r"\b(?:why|fix|correct(?= (?:the|its|this|that|it)\b)|wrong|fail\w*|crash\w*|\w*backoff"
    r"|broken|repair|restart(?:s|ing)|stuck|pending|evicted"
    r"|not (?:working|ready|running|reachable|start\w*)|(?:ca|do|does|did|has|have|is|are|wo)n?['’]t|cannot"
    r"|unhealthy|(?:is|are|was|were|went|goes) down|refused?|errors?|problems?|trouble|debug"
    r"|denied|diagnos\w+|reason|exits?|(?:oom)?killed)\b",
    re.IGNORECASE,
)
# "in the web deployment" and "from the default storage class" name no namespace.
_OTHER = (
    r"(?i:deploy|pod|serv|config|job|cron|state|daemon|contain|image|app|file|folder|dir|storage|class|port)"
)
_DNS_NAME = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# Where a task names a namespace; the last two may also mean something else, so what they name must exist.
_NAMESPACE = re.compile(
    r"(?<!which )(?<!what )(?<!each )(?<!every )(?<!any )(?<!per )(?<!no )"
    rf"\b(?:(?i:namespace):? |ns )(?:(?:named|called) )?[\"'`]?({_DNS_NAME})(?![\w/])"
    rf"|(?<!\S)(?:-n|--namespace)[ =](?!\d+\b)({_DNS_NAME})\b"
)
_MAYBE_NAMESPACE = re.compile(
    rf"[\"'`]?\b({_DNS_NAME})[\"'`]? namespace\b"
    rf"|\b(?:in|inside|within|from) (?:the )?[\"'`]?({_DNS_NAME})\b(?=[\"'`]?(?:[.,;:?!)]|$| (?!{_OTHER})))"
)
_WORD = re.compile(r"[A-Za-z0-9][\w./:-]*[\w]|[A-Za-z0-9]")
# "deployment/web", but no path
_PARTS = re.compile(r"(?<![\w./~-])[A-Za-z][\w-]*(?:/[a-z0-9][a-z0-9-]*){1,2}(?![\w/])(?!\.\w)")
# What a task calls the kinds whose objects are told by name.
_KINDS = {
    "Deployment": "deploy(?:ment)?",
    "StatefulSet": "stateful ?set|sts",
    "DaemonSet": "daemon ?set",
    "Pod": "pod",
    "Service": "service|svc",
    "ConfigMap": "config ?map",
    "PersistentVolumeClaim": "(?:persistent ?)?(?:volume ?)?claim|pvc",
    "Job": "(?<!cron )job",
    "CronJob": "cron ?job",
    "Ingress": "ingress",
}
_LOGS = re.compile(r"\blogs?\b|\blogged\b|\berrors?\b|\bexceptions?\b|\bwarnings?\b", re.IGNORECASE)
_SECRET = re.compile(r"PASS|SECRET|TOKEN|KEY|CREDENTIAL|AUTH|PRIVATE")
_MOST_LINES = 20
_LONGEST = 300
_MOST_FILES = 30
# "nightly.sh", "./conf/app.ini", "/etc/hosts", "Dockerfile"
_PATH = re.compile(
    r"(?<![\w./:@~-])((?:~|\.{1,2})?/?(?:[\w.-]+/)*(?:[\w-][\w.-]*\.[A-Za-z]\w{0,9}|Dockerfile|Makefile|\.env)"
    r"|/(?:[\w.-]+/)+[\w.-]*\w)(?![\w/])"
)
# Such a task is about the file, not about what is in it.
_NOT_ITS_TEXT = re.compile(
    r"\b(?:apply|build|run|execut\w+|chmod|permissions?|owner\w*|move|rename|copy|delete|compress|archive|pack"
    r"|unpack|extract|size|large\w*|symlink|link)\b",
    re.IGNORECASE,
)
_SHORT_FILE = 1200
_LARGEST_FILE = 200_000


@dataclass
class Ground:
    """What was found.

    Attributes:
        lines: What the model is told.
        informs: Whether it tells of things that the task names, so that it may hold the answer.
        trouble: What is wrong with them.
        namespace: The one namespace that the task names and that exists.
        missing: What the task names and is not there, in a sentence; "" when all is there.
        variables: The environment variables that the task names, with their values.
        mended: What would put broken files right that the task names.
        texts: The texts of short files that the task names and is about.
        names: Names of things that exist, by the placeholder of runbooks that they fill.
    """

    lines: list[str] = field(default_factory=list)
    informs: bool = False
    trouble: list[Finding] = field(default_factory=list)
    missing: str = ""
    namespace: str = ""
    names: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    mended: dict[str, Mended] = field(default_factory=dict)

    def __str__(self) -> str:
        # half a command would be run as it stands
        told = [line if line.startswith("  try: ") else line[:_LONGEST] for line in self.lines[:_MOST_LINES]]
        return "\n".join(told + [f"{name} is:\n{text.rstrip()}" for name, text in self.texts.items()])


def names_something(task: str, environ: Mapping[str, str]) -> bool:
    """Whether a task names anything that can be looked up."""
    return bool(
        _FILES.search(task)
        or _CERTIFICATES.search(task)
        or _PATH.search(task)
        or _steps(task)
        or _variables_of(task, environ)
    )


def tells_of_trouble(task: str) -> bool:
    """Whether a task is about something that does not work."""
    return bool(_TROUBLE.search(task))


def field_of(task: str) -> str:
    """What a task is about, by its words: `kubernetes`, `docker` or `system`."""
    if _KUBERNETES_FIRST.search(task):
        return "kubernetes"
    if _DOCKER.search(task):
        return "docker"
    return "kubernetes" if _KUBERNETES.search(task) and not _PATH.search(task) else "system"


def look_up(task: str, directory: Path, environ: Mapping[str, str]) -> Ground:
    """Looks up what a task names; takes a second at most where cluster and engine answer at once."""
    ground = Ground()
    ground.variables = _variables_of(task, environ)
    ground.lines += [f"Environment variable {name} is {value}" for name, value in ground.variables.items()]
    if _FILES.search(task):
        ground.lines += _files(task, directory)
    ground.names.update(_values(task, directory))
    _read_named(task, directory, ground)
    if _CERTIFICATES.search(task):
        ends = _certificates(task, directory)
        ground.lines += ends
        ground.informs = ground.informs or bool(ends)
    with ThreadPoolExecutor() as pool:
        for part in pool.map(lambda step: _tried(step, task), _steps(task)):
            ground.lines += (line for text in part.lines for line in clean(text).splitlines())
            ground.informs = ground.informs or part.informs
            ground.trouble += part.trouble
            ground.missing = ground.missing or part.missing
            ground.namespace = ground.namespace or part.namespace
            ground.names = {**part.names, **ground.names}
    return ground


def _steps(task: str) -> list[Callable[[str], Ground]]:
    steps: list[Callable[[str], Ground]] = []
    if _KUBERNETES.search(task) and shutil.which("kubectl"):
        steps.append(_cluster)
    if _DOCKER.search(task) and shutil.which("docker"):
        steps.append(_engine)
    return steps


def _tried(step: Callable[[str], Ground], task: str) -> Ground:
    try:
        return step(task)
    except (LookupError, TypeError, ValueError, AttributeError):
        return Ground()  # an answer of another shape than ours; without the help the task goes on


def _words(task: str) -> set[str]:
    parts = {part for path in _PARTS.findall(task) for part in path.split("/")}
    return {word.strip(".,:;").lower() for word in _WORD.findall(task)} | parts


# --- Kubernetes -------------------------------------------------------------------------------------------


def _cluster(task: str) -> Ground:
    spaces = diagnose.namespaces()
    if not spaces:
        return Ground()
    named = _namespaces(task, spaces)
    there = [space for space in named if space in spaces]
    if len(there) < len(named) and not _CREATES.search(task):
        missing = next(space for space in named if space not in spaces)
        told = f"There is no namespace {missing} (there are: {listed(spaces, 15)})."
        return Ground([told], informs=True, missing=told)
    there += _mentioned(task, spaces)
    objects = diagnose.read_namespace(there[0] if there else diagnose.current_namespace())
    if not objects.items.keys() - {"Node", "StorageClass"}:
        return Ground()  # it could not be read: each namespace holds a config map at least
    ground = _of_namespace(task, objects, bool(there))
    ground.namespace = named[0] if len(named) == 1 and named[0] in spaces else ""
    return ground


def _namespaces(task: str, there: Sequence[str]) -> list[str]:
    """The namespaces that the task names as such."""
    named = [first or second for first, second in _NAMESPACE.findall(task)]
    maybe = [first or second for first, second in _MAYBE_NAMESPACE.findall(task)]
    named = [word for word in named if word in there or word not in _NO_NAMES]
    named += [word for word in maybe if word in there]
    return list(dict.fromkeys(named))


def _mentioned(task: str, spaces: Iterable[str]) -> list[str]:
    """Namespaces whose names stand in the task, though not as the name of an object."""
    objects = {wanted for kind in _KINDS for wanted in _wanted(kind, task)}
    words = _words(task) - objects - {"default"}
    return [space for space in spaces if space in words]


def _of_namespace(task: str, objects: Objects, named: bool) -> Ground:
    """What the task means in a namespace; nothing when it names neither the namespace nor an object."""
    words, space = _words(task), objects.namespace
    items = _without_echoes(
        [item for kind in _KINDS for item in objects.all(kind) if name(item).lower() in words]
    )
    missing = list(_missing(task, objects, only_near=not (named or items)))
    if not (named or items or missing):
        return Ground()
    ground = Ground([f"namespace {space}: {_describe(objects, item)}" for item in items], bool(items))
    ground.lines += missing
    ground.missing, ground.informs = next(iter(missing), ""), bool(items or (missing and named))
    if named or items:
        findings = _relevant(task, objects, items)
        if _LOGS.search(task):
            findings = [*_in_logs(task, objects, items), *findings]
        ground.lines += map(str, findings)
        ground.trouble = findings
    if named and not items:
        ground.lines += _overview(objects)
    ground.names = _names(objects, items, space)
    return ground


# A number, a code or a quoted text that somebody looks for in logs: "A-48213", "E1042".
_NEEDLE = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{4,}\b(?![.:/])")
_QUOTED = re.compile(r"[\"“'`]([^\"”'`]{3,80})[\"”'`]")
_MOST_PODS = 20
_LOG_LINES = 3


def _in_logs(task: str, objects: Objects, items: Sequence[Object]) -> list[Finding]:
    """The lines with what a task looks for in the logs of the workloads and pods that it names."""
    known = {objects.namespace, *(name(item) for kind in _KINDS for item in objects.all(kind))}
    needles = [text for text in (*_QUOTED.findall(task), *_NEEDLE.findall(task)) if text not in known]
    wanted = {f"{item['kind'].lower()}/{name(item)}" for item in items}
    pods = [
        pod
        for pod in objects.all("Pod")
        if not wanted or {objects.workload(pod), f"pod/{name(pod)}"} & wanted
    ]
    if not needles:
        return []
    with ThreadPoolExecutor() as pool:
        logs = pool.map(lambda pod: _pod_log(objects.namespace, name(pod)), pods[:_MOST_PODS])
        found = [
            (name(pod), [line for line in log.splitlines() if any(needle in line for needle in needles)])
            for pod, log in zip(pods, logs, strict=False)
        ]
    return [
        Finding(f"pod {pod}", f"its log says: {' / '.join(lines[-_LOG_LINES:])}")
        for pod, lines in found
        if lines
    ]


def _pod_log(namespace: str, pod: str) -> str:
    return diagnose.run("kubectl", "-n", namespace, "logs", pod, "--all-containers", "--tail=5000")


def _without_echoes(items: Sequence[Object]) -> list[Object]:
    """Drops what has the same name only by the way: config maps when a workload has that name too."""
    workloads = {name(item) for item in items if item["kind"] in ("Deployment", "StatefulSet", "DaemonSet")}
    return [item for item in items if item["kind"] != "ConfigMap" or name(item) not in workloads]


def _describe(objects: Objects, item: Object) -> str:
    kind, spec, status = item["kind"], item.get("spec", {}), item.get("status", {})
    text = f"{kind.lower()} {name(item)}"
    if kind in ("Deployment", "StatefulSet"):
        ready = f"{status.get('readyReplicas', 0)} of {spec.get('replicas', 1)} ready"
        images = ", ".join(f"{c['name']} = {c.get('image')}" for c in containers(spec["template"]["spec"]))
        return f"{text}: {ready}; containers: {images}{_variables(spec['template']['spec'])}"
    if kind == "Pod":
        owner = objects.workload(item)
        by = f", of {owner}" if not owner.startswith("pod/") else ""
        images = ", ".join(f"{c['name']} = {c.get('image')}" for c in containers(spec))
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


def _wanted(kind: str, task: str) -> list[str]:
    """The names that the task gives to a kind."""
    pattern = (
        rf"\b(?i:{_KINDS[kind]})(?:/| (?i:named |called )?)[\"'`]?"
        r"([a-z0-9][a-z0-9.-]{0,251}[a-z0-9]|[a-z0-9])(?![\w/]|[:-]\S)"
    )
    return list(dict.fromkeys(re.findall(pattern, task)))


def _missing(task: str, objects: Objects, only_near: bool) -> Iterator[str]:
    """Names that the task gives to a kind and that no object of the kind has."""
    for kind in () if _CREATES.search(task) else _KINDS:
        there = objects.names(kind)
        for wanted in _wanted(kind, task)[:3]:
            if wanted in there or wanted in _NO_NAMES:
                continue
            near = difflib.get_close_matches(wanted, there, 1, 0.75)
            if not near and (only_near or _VERB_FORM.fullmatch(wanted)):
                continue
            meant = f" Did the user mean {near[0]}?" if near else ""
            what = f"There is no {kind.lower()} {wanted} in namespace {objects.namespace}"
            yield f"{what} (there are: {listed(there)}).{meant}"


_CREATES = re.compile(r"\b(?:create|add|make|new|need|run|start|write|set up|expose)\b", re.IGNORECASE)
# What follows the word for a kind and is no name.
_NO_NAMES = frozenset(
    """in on of from to with without and or but nor the a an is are was were has have had that this these
 those which who what where when while how why whose it its for by at as be been so if then than not no never
 only also still just does doesn't do don't did can can't cannot could may might must needs need should
 will would won't isn't keeps keep kept stays stay goes go gets get fails fail crashes crash restarts
 restart runs run starts start stops stop exits exit ends dies hangs waits wait works work uses use shows
 show says say logs log listens returns answers sends reads writes takes holds lacks comes came seems
 looks became becomes remains points selects matches mounts pulls responds belongs exists finishes finish
 ran began depends refuses account accounts policy policies limit limits probe probes budget budgets
 disruption name names named called object objects template templates selector selectors port ports claim
 claims spec specs status statuses manually first last again now today yesterday here there up down out
 back over after before between during under per all any each every some both one two three many more
 most other another new old same label labels annotation annotations event events image images replica
 replicas resource resources memory cpu disk volume volumes network networks security context rollout
 rollouts revision revisions history strategy manifest manifests file files yaml json definition
 configuration config settings setting environment variables variable command commands container
 containers pod pods deployment deployments service services endpoint endpoints address ip type types
 count counts number list phase state health key keys value values data owner node nodes namespace
 namespaces quota quotas secret secrets schedule schedules because since until via into onto inside
 within against behind about like right wrong properly correctly successfully always often sometimes once
 twice forever fine ok okay ready unready healthy unhealthy stuck pending unavailable""".split()
)
_VERB_FORM = re.compile(r"[a-z]+(?:ing|ed|ly)")


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
    words, of_cluster = _words(task), _KUBERNETES.search(task)
    inspected, logs = diagnose.read_containers()
    named = [c for c in inspected if docker.name(c).lower() in words]
    ground = Ground([_container_line(c) for c in named], bool(named))
    if missing := _missing_container(task, {docker.name(c) for c in inspected}):
        ground.lines.append(missing)
        ground.missing, ground.informs = missing, True
    if _LOGS.search(task):
        ground.trouble = [finding for c in named if (finding := _logged(docker.name(c)))]
    findings = list(docker.analyze(inspected, logs))
    about = {docker.name(c) for c in named}
    chosen = [f for f in findings if diagnose.subject_of(f)[1] in about]
    if not chosen and _TROUBLE.search(task) and not of_cluster:
        chosen = findings
    ground.trouble += chosen[:3]
    ground.lines += map(str, ground.trouble)
    if len(named) == 1:
        ground.names["container"] = docker.name(named[0])
    if not of_cluster and re.search(r"\b(?:image|build|dockerfile|run)\b", task, re.IGNORECASE):
        printed = diagnose.run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split()
        if images := [image for image in printed if "<none>" not in image]:
            ground.lines.append(f"Images on this machine: {listed(images, 12)}")
    return ground


def _logged(container: str) -> Finding | None:
    said = telling_lines(diagnose.container_log(container, 5000), 4)
    return Finding(f"container {container}", f"lines about trouble in its log: {said}") if said else None


def _container_line(container: Object) -> str:
    state = container["State"]
    ports = [
        f"{entry.get('HostPort')}→{port.partition('/')[0]}"
        for port, entries in (container["HostConfig"].get("PortBindings") or {}).items()
        for entry in entries or ()
    ]
    networks = listed(container["NetworkSettings"].get("Networks") or ())
    published = f", published ports {listed(ports)}" if ports else ""
    mounts = [
        f"{mount.get('Type', 'mount')} {mount.get('Name') or mount.get('Source')} at {mount['Destination']}"
        for mount in container.get("Mounts") or ()
    ]
    mounted = f", mounts {listed(mounts)}" if mounts else ""
    image = container["Config"]["Image"]
    return (
        f"docker container {docker.name(container)}: {state['Status']}, image {image}, "
        f"networks {networks}{published}{mounted}"
    )


def _missing_container(task: str, there: set[str]) -> str:
    # without any container the engine may just not have answered
    if not there or _KUBERNETES.search(task) or re.search(r"\b(?:create|run|new)\b", task, re.IGNORECASE):
        return ""
    pattern = r"\bcontainers? (?:named |called )?[\"'`]?([a-z0-9][\w.-]*[a-z0-9])\b"
    match = re.search(pattern, task, re.IGNORECASE)
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


_CERTIFICATES = re.compile(r"\b(?:certificates?|certs?|tls|ssl)\b", re.IGNORECASE)


def _paths_in(task: str) -> list[str]:
    """The words of a task that may be paths."""
    return [word for word in dict.fromkeys(re.findall(r"[\w./~-]*[\w/]", task)) if len(word) < _LONGEST]


def _is_named_folder(word: str, task: str, directory: Path) -> bool:
    said = "/" in word or re.search(rf"\b(?:folder|directory) {re.escape(word)}\b", task)
    try:
        return bool(said) and (directory / Path(word).expanduser()).is_dir()
    except (OSError, RuntimeError):  # too long, or the home of nobody
        return False


def _certificates(task: str, directory: Path) -> list[str]:
    """Until when the certificates are valid that a task names, or that lie in a folder that it names."""
    named = [directory / word for word in _paths_in(task)]
    try:
        paths = certificates.in_files([path for path in named if path.exists()] or [directory])
    except OSError:
        return []
    ends = certificates.expiries(paths, datetime.now(timezone.utc))
    return [line.removeprefix(f"{directory}/") for line in ends]


_PORT = re.compile(r"\bport:? (\d{2,5})\b", re.IGNORECASE)
_HTTP_PATH = re.compile(r"(?<!\S)[\"'`]?(/[\w./?=&-]*?)[\"'`]?(?=[,;:!?]|\.?(?:\s|$))")
_WORD_SOUGHT = re.compile(r"\bword:? [\"'`]?([\w.-]*\w)")
_HERE = re.compile(r"\b(?:current|this|working) (?:directory|folder)\b", re.IGNORECASE)


def _values(task: str, directory: Path) -> Iterator[tuple[str, str]]:
    """Values that a task states as clearly as names: a port, a word to look for, a folder."""
    for field_name, pattern in (("port", _PORT), ("word", _WORD_SOUGHT), ("http_path", _HTTP_PATH)):
        if len(found := set(pattern.findall(task))) == 1:
            yield field_name, found.pop()
    folders = [word for word in _paths_in(task) if _is_named_folder(word, task, directory)]
    if len(folders) == 1:
        yield "directory", folders[0]
    elif not folders and _HERE.search(task):
        yield "directory", "."


def _read_named(task: str, directory: Path, ground: Ground) -> None:
    """What is wrong with the files that a task names, and their texts when they are short."""
    for named in dict.fromkeys(_PATH.findall(task)):
        path = directory / named
        try:
            text = read_text(str(path)) if path.is_file() and path.stat().st_size <= _LARGEST_FILE else ""
        except (OSError, ToolError):
            continue
        if not text:
            continue
        ground.names.setdefault("file", named)
        if better := mending.mended(path, text):
            ground.mended[named] = better
        for finding in _wrong_with(named, path, text, task):
            ground.trouble.append(finding)
            ground.lines += str(finding).splitlines()
        if len(text) <= _SHORT_FILE and not _NOT_ITS_TEXT.search(task):
            ground.texts[named] = text
            ground.informs = True


def _wrong_with(named: str, path: Path, text: str, task: str) -> Iterator[Finding]:
    if wrong := text_files.trouble(path, text):
        yield Finding(named, wrong)
    if text.startswith("#!") and _TROUBLE.search(task) and not os.access(path, os.X_OK):
        mode = f"{path.stat().st_mode & 0o777:o}"
        yield Finding(named, f"it is not executable (mode {mode})", "", f"chmod +x {shlex.quote(named)}")


def _names_in(directory: Path) -> list[str]:
    try:
        with os.scandir(directory) as entries:  # which tells folders without a look at each file
            names = [f"{e.name}/" if e.is_dir(follow_symlinks=False) else e.name for e in entries]
    except OSError:
        return []
    return sorted("".join(c if c.isprintable() else "?" for c in name) for name in names)


def _variables_of(task: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that a task names and that are set; none that may hold a secret."""
    named = dict.fromkeys(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", task))
    return {name: environ[name] for name in named if environ.get(name) and not _SECRET.search(name)}
