"""What a task names in a Kubernetes cluster, and what is wrong with it."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from devops_agent.diagnosis import diagnose
from devops_agent.diagnosis.finding import Finding, listed
from devops_agent.diagnosis.objects import Object, Objects, containers, name, port_pairs
from devops_agent.grounding import inventory
from devops_agent.grounding.ground import Ground
from devops_agent.grounding.task_words import (
    ASKS_WHY_DOWN,
    CREATES,
    KINDS,
    LOGS,
    NO_NAMES,
    speaks_of,
    tells_of_trouble,
    words_of,
)
from devops_agent.patterns import regex

# "in the web deployment" and "from the default storage class" name no namespace.
_OTHER = (
    r"(?i:deploy|pod|serv|config|job|cron|state|daemon|contain|image|app|file|folder|dir|storage|class|port)"
)
_DNS_NAME = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# Where a task names a namespace; the last two may also mean something else, so what they name must exist.
_NAMESPACE = regex(
    r"(?<!which )(?<!what )(?<!each )(?<!every )(?<!any )(?<!per )(?<!no )"
    rf"\b(?:(?i:namespace):? |ns )(?:(?:named|called) )?[\"'`]?({_DNS_NAME})(?![\w/])"
    rf"|(?<!\S)(?:-n|--namespace)[ =](?!\d+\b)({_DNS_NAME})\b"
)
_MAYBE_NAMESPACE = regex(
    rf"[\"'`]?\b({_DNS_NAME})[\"'`]? namespace\b"
    rf"|\b(?:in|inside|within|from) (?:the )?[\"'`]?({_DNS_NAME})\b(?=[\"'`]?(?:[.,;:?!)]|$| (?!{_OTHER})))"
)
# A number, a code or a quoted text that somebody looks for in logs: "A-48213", "E1042".
_NEEDLE = regex(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{4,}\b(?![.:/])")
_QUOTED = regex(r"[\"“'`]([^\"”'`]{3,80})[\"”'`]")
# What runbooks call a kind, where that is not its own name.
_PLACEHOLDERS = {"PersistentVolumeClaim": "pvc"}
_MOST_PODS = 20
_MOST_PODS_TOLD = 8
_LOG_LINES = 3
_VERB_FORM = regex(r"[a-z]+(?:ing|ed|ly)")


def in_cluster(task: str) -> Ground:
    spaces = diagnose.namespaces()
    if not spaces:
        return Ground()
    named = _namespaces(task, spaces)
    there = [space for space in named if space in spaces]
    if len(there) < len(named) and not CREATES.search(task):
        missing = next(space for space in named if space not in spaces)
        told = f"There is no namespace {missing} (there are: {listed(spaces, 15)})."
        return Ground([told], informs=True, missing=told)
    there += _mentioned(task, spaces)
    objects = diagnose.read_namespace(there[0] if there else _meant(task))
    if not objects.items.keys() - {"Node", "StorageClass"}:
        return Ground()  # it could not be read: each namespace holds a config map at least
    ground = _of_namespace(task, objects, bool(there))
    ground.namespace = named[0] if len(named) == 1 and named[0] in spaces else ""
    return ground


def _namespaces(task: str, there: Sequence[str]) -> list[str]:
    """The namespaces that the task names as such."""
    named = [first or second for first, second in _NAMESPACE.findall(task)]
    maybe = [first or second for first, second in _MAYBE_NAMESPACE.findall(task)]
    named = [word for word in named if word in there or word not in NO_NAMES]
    named += [word for word in maybe if word in there]
    return list(dict.fromkeys(named))


_ENDS = regex(
    r"\b(?:delet|remov|drop|wip|purg|drain|evict|kill|tear|get rid|uninstall|replac|decommission|stop|shut"
    r"|suspend|terminat|destroy|undeploy|retire|clear|prun|clean)",
    re.IGNORECASE,
)


def _meant(task: str) -> str:
    """The namespace of what is named, when it is only there; else the one where kubectl works."""
    current = diagnose.current_namespace()
    if _ENDS.search(task):
        return current  # what is to go is where kubectl looks for it, or nowhere
    having = inventory.namespaces_with(words_of(task))
    if current in having or len(having) != 1 or next(iter(having)).startswith("kube-"):
        return current
    return having.pop()


def _mentioned(task: str, spaces: Iterable[str]) -> list[str]:
    """Namespaces whose names stand in the task, though not as the name of an object."""
    objects = {wanted for kind in KINDS for wanted in _wanted(kind, task)}
    words = words_of(task) - objects - {"default"}
    return [space for space in spaces if space in words]


def _of_namespace(task: str, objects: Objects, named: bool) -> Ground:
    """What the task means in a namespace; nothing when it names neither the namespace nor an object."""
    words, space = words_of(task), objects.namespace
    items = _without_echoes(
        [item for kind in KINDS for item in objects.all(kind) if name(item).lower() in words]
    )
    secrets = _secrets(task, objects)
    missing = list(_missing(task, objects, only_near=not (named or items or secrets)))
    if not (named or items or secrets or missing):
        return Ground()
    told = [*items, *_pods_of(task, objects, items)]
    ground = Ground([f"namespace {space}: {_describe(objects, item)}" for item in told], bool(items))
    ground.lines += (
        f"namespace {space}: secret {each}: keys {listed(keys)}" for each, keys in secrets.items()
    )
    ground.lines += missing
    ground.missing, ground.informs = next(iter(missing), ""), bool(items or (missing and named))
    if named or items:
        found = diagnose.diagnose_objects(objects)
        findings = _relevant(task, objects, items, found)
        if LOGS.search(task):
            findings = [*_in_logs(task, objects, items), *findings]
        ground.lines += map(str, findings)
        ground.trouble = findings
        ground.informs = ground.informs or bool(findings)
        running = [
            item for item in items if item["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "Pod")
        ]
        if len(running) == 1 and ASKS_WHY_DOWN.search(task) and not _about(objects, running[0], found):
            ground.fine = _fine(objects, running[0])
    if named and not items:
        ground.lines += _overview(objects)
    there, wanted = _names(objects, items, space), _new_names(task, objects)
    ground.names, ground.new = {**wanted, **there}, wanted.keys() - there.keys()
    if len(secrets) == 1:
        ((ground.names["secret"], keys),) = secrets.items()
        if len(said := [key for key in keys if key.lower() in words]) == 1:
            ground.names["secret_key"] = said[0]
    return ground


def _pods_of(task: str, objects: Objects, items: Sequence[Object]) -> list[Object]:
    """The pods of the workloads that are named, for a task that speaks of pods."""
    if not speaks_of("Pod", task):
        return []
    of = {f"{item['kind'].lower()}/{name(item)}" for item in items}
    pods = [pod for pod in objects.all("Pod") if objects.workload(pod) in of and pod not in items]
    return pods[:_MOST_PODS_TOLD]


def _secrets(task: str, objects: Objects) -> dict[str, list[str]]:
    """The keys of the secrets that a task names as such."""
    if not re.search(r"\bsecrets?\b", task, re.IGNORECASE):
        return {}
    words = words_of(task)
    return {each: sorted(keys) for each, keys in (objects.secrets or {}).items() if each.lower() in words}


def _in_logs(task: str, objects: Objects, items: Sequence[Object]) -> list[Finding]:
    """The lines with what a task looks for in the logs of the workloads and pods that it names."""
    known = {objects.namespace, *(name(item) for kind in KINDS for item in objects.all(kind))}
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
        ports = ", ".join(port_pairs(spec))
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
        rf"\b(?i:{KINDS[kind]})(?:/| (?i:named |called )?)[\"'`]?"
        r"([a-z0-9][a-z0-9.-]{0,251}[a-z0-9]|[a-z0-9])(?![\w/]|[:-]\S)"
    )
    return list(dict.fromkeys(re.findall(pattern, task)))


# "the broken deployment"
_NO_NAME = regex(
    r"(?:broken|whole|current|default|existing|complete|old(?:er|est)?|new(?:er|est)?|latest|other|right|wrong|kube\w*"
    r"|docker|front|back|main|local|remote|single|own|failing|bad|good|first|second|third|next|previous|entire"
    r"|headless|nightly|daily|hourly|stateful|persistent|public|internal|external|\w*(?:ed|ing|ly|ous|ive|al))"
)


def _done_to(kind: str, task: str, objects: Objects) -> list[str]:
    """The names that stand before their kind: "restart the payments deployment"."""
    pattern = (
        r"\b(?i:restart|scale|delete|remove|expose|update|stop|describe|patch|label|annotate|pause|resume"
        rf"|suspend)\b (?:the |our |my )?[\"'`]?({_DNS_NAME})[\"'`]? (?i:{KINDS[kind]})\b"
        r"(?=[.,;!?]|$| (?:in|please)\b)"
    )
    found = [word for word in re.findall(pattern, task) if not _NO_NAME.fullmatch(word)]
    if not found or words_of(task) & {each.lower() for each in objects.names(kind)}:
        return []
    everything = json.dumps([objects.all(each) for each in ("Deployment", "StatefulSet", "DaemonSet", "Pod")])
    return [word for word in found if word not in everything]


def _missing(task: str, objects: Objects, only_near: bool) -> Iterator[str]:
    """Names that the task gives to a kind and that no object of the kind has."""
    for kind in () if CREATES.search(task) else KINDS:
        there = objects.names(kind)
        for wanted in [*_wanted(kind, task), *_done_to(kind, task, objects)][:3]:
            if wanted in there or wanted in NO_NAMES:
                continue
            near = difflib.get_close_matches(wanted, there, 1, 0.75)
            if not near and (only_near or _is_verb(wanted, kind, task)):
                continue
            meant = f" Did the user mean {near[0]}?" if near else ""
            what = f"There is no {kind.lower()} {wanted} in namespace {objects.namespace}"
            yield f"{what} (there are: {listed(there)}).{meant}"


def _is_verb(word: str, kind: str, task: str) -> bool:
    """Whether a word behind a kind tells what it does: "a pod running …", but not "as deployment landing"."""
    one = rf"\b(?:an?|the|my|our|each|every|any|this|all|no|which|what)\s+(?:\w+\s+)?{KINDS[kind]}s?\s+{word}"
    return bool(_VERB_FORM.fullmatch(word) and re.search(one, task, re.IGNORECASE))


def _about(objects: Objects, item: Object, found: Sequence[Finding]) -> list[Finding]:
    return list(diagnose.about(objects, found, item["kind"].lower(), name(item)))


def _relevant(
    task: str, objects: Objects, items: Iterable[Object], found: Sequence[Finding]
) -> list[Finding]:
    chosen = [finding for item in items for finding in _about(objects, item, found)]
    if not chosen and tells_of_trouble(task):
        chosen = list(found)
    return list(dict.fromkeys(chosen))[:4]


_RUN = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Pod"})


def _fine(objects: Objects, item: Object) -> str:
    """That an object runs, in a sentence; "" when any of its pods is not ready, or was started again."""
    subject = f"{item['kind'].lower()}/{name(item)}"
    pods = [pod for pod in objects.all("Pod") if subject in (objects.workload(pod), f"pod/{name(pod)}")]
    statuses = [each for pod in pods for each in pod.get("status", {}).get("containerStatuses", ())]
    ready = bool(statuses) and all(each.get("ready") and not each.get("restartCount") for each in statuses)
    wanted = 1 if item["kind"] == "Pod" else item.get("spec", {}).get("replicas", 1)
    if not ready or len(pods) < wanted:
        return ""
    return f"It runs, and no trouble was found. namespace {objects.namespace}: {_describe(objects, item)}"


def _overview(objects: Objects) -> Iterator[str]:
    for kind in ("Deployment", "StatefulSet", "Job", "CronJob", "Service"):
        names = objects.names(kind)
        if names:
            yield f"namespace {objects.namespace}: {kind.lower()}s: {listed(names)}"
    loose = [name(pod) for pod in objects.all("Pod") if not pod["metadata"].get("ownerReferences")]
    if loose:
        yield f"namespace {objects.namespace}: pods without owner: {listed(loose)}"


def _new_names(task: str, objects: Objects) -> dict[str, str]:
    """The names that a task gives to what it wants made."""
    names = {}
    for kind in KINDS if CREATES.search(task) else ():
        wanted = [w for w in _wanted(kind, task) if w not in NO_NAMES and not _is_verb(w, kind, task)]
        if len(wanted) == 1 and wanted[0] not in objects.names(kind):
            names[_PLACEHOLDERS.get(kind, kind.lower())] = wanted[0]
    return names


def _names(objects: Objects, items: Iterable[Object], space: str) -> dict[str, str]:
    names = {"namespace": space}
    for item in items:
        key = _PLACEHOLDERS.get(item["kind"], item["kind"].lower())
        names.setdefault(key, name(item))
        template = item.get("spec", {}).get("template", {}).get("spec", item.get("spec", {}))
        inside = containers(template)
        if len(inside) == 1:
            names.setdefault("container", inside[0]["name"])
    return names
