"""Why traffic does not arrive: selectors, ports, endpoints, ingresses, network policies."""

from collections.abc import Iterator

from devops_agent.diagnosis.finding import Finding, listed
from devops_agent.diagnosis.objects import (
    Object,
    Objects,
    containers,
    is_over,
    is_ready,
    labels,
    name,
    owners,
    part,
    selects,
    selects_by,
    template_labels,
)


def analyze(objects: Objects) -> Iterator[Finding]:
    """Findings about services, ingresses and policies."""
    for service in objects.all("Service"):
        yield from _service(objects, service)
    for ingress in objects.all("Ingress"):
        yield from _ingress(objects, ingress)
    for policy in objects.all("NetworkPolicy"):
        yield from _policy(objects, policy)


def _service(objects: Objects, service: Object) -> Iterator[Finding]:
    spec = part(service, "spec")
    selector = spec.get("selector")
    subject = f"service {name(service)}"
    if spec.get("type") == "LoadBalancer" and not part(service, "status", "loadBalancer", "ingress"):
        yield Finding(subject, "it waits for an external address, which nothing in the cluster gives it.")
    if not selector or spec.get("type") == "ExternalName" or "pods" in objects.unread:
        return
    pods = [pod for pod in objects.all("Pod") if selects(selector, labels(pod)) and not is_over(pod)]
    if not pods:
        yield _no_pods(objects, service, subject, selector)
        return
    for port in part(spec, "ports"):
        if finding := _port(objects, service, subject, port, pods):
            yield finding
            return
    if not any(map(is_ready, pods)):
        yield Finding(subject, f"none of its {len(pods)} pods is ready, so it has no endpoints.")


def _no_pods(objects: Objects, service: Object, subject: str, selector: dict[str, str]) -> Finding:
    wanted = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    near = _nearest(objects, service, selector)
    if near is None:
        return Finding(subject, f"its selector {wanted} matches no pod.", "it has no endpoints")
    kind, its_name, its_labels = near
    if selects(selector, its_labels):  # the selector is right; why there are no pods is told of the workload
        return Finding(subject, f"{kind} {its_name}, which it selects, has no pods.", "it has no endpoints")
    have = ",".join(f"{key}={value}" for key, value in sorted(its_labels.items()))
    drop = {key: "null" for key in selector if key not in its_labels}
    right = {key: f'"{value}"' for key, value in its_labels.items() if key in selector} or {
        key: f'"{value}"' for key, value in its_labels.items()
    }
    inner = ",".join(f'"{key}":{value}' for key, value in {**drop, **right}.items())
    patch = (
        f"kubectl -n {objects.namespace} patch service {name(service)} "
        f'-p \'{{"spec":{{"selector":{{{inner}}}}}}}\''
    )
    cause = f"its selector {wanted} matches no pod; the pods of {kind} {its_name} have the labels {have}."
    return Finding(subject, cause, "it has no endpoints", patch)


def _nearest(
    objects: Objects, service: Object, selector: dict[str, str]
) -> tuple[str, str, dict[str, str]] | None:
    """The workload that the service was most likely meant for: by name, then by labels in common."""
    candidates = [
        (item["kind"].lower(), name(item), template_labels(item))
        for kind in ("Deployment", "StatefulSet", "DaemonSet")
        for item in objects.all(kind)
    ]
    candidates += [
        ("pod", name(pod), labels(pod)) for pod in objects.all("Pod") if not owners(pod) and not is_over(pod)
    ]
    service_name = name(service)

    def likeness(candidate: tuple[str, str, dict[str, str]]) -> tuple[int, int, int]:
        _, its_name, its_labels = candidate
        same = sum(its_labels.get(key) == value for key, value in selector.items())
        return (
            int(its_name in service_name or service_name in its_name),
            same,
            sum(key in its_labels for key in selector),
        )

    best = max(candidates, key=likeness, default=None)
    alone = len(candidates) == 1
    return best if best and best[2] and (alone or any(likeness(best))) else None


def _port(
    objects: Objects, service: Object, subject: str, port: Object, pods: list[Object]
) -> Finding | None:
    target = port.get("targetPort", port.get("port"))
    inside = containers(part(pods[0], "spec"))
    declared = [p for container in inside for p in part(container, "ports")]
    numbers = {p.get("containerPort") for p in declared}
    known = numbers | {p.get("name") for p in declared} | _probed(inside)
    # ports need not be declared, so a number tells nothing when none is
    if target in known or (isinstance(target, int) and not declared):
        return None
    index = part(service, "spec", "ports").index(port)
    right = min(filter(None, numbers), default="{port}")
    patch = (
        f"kubectl -n {objects.namespace} patch service {name(service)} --type=json "
        f'-p \'[{{"op":"replace","path":"/spec/ports/{index}/targetPort","value":{right}}}]\''
    )
    cause = f"its targetPort {target} is no port of its pods; they declare {listed(map(str, numbers))}."
    return Finding(subject, cause, f"port {port.get('port')} goes to targetPort {target}", patch)


def _probed(inside: list[Object]) -> set[int | str | None]:
    """The ports that probes ask, which are the containers' own even when they declare none."""
    kinds = ("readinessProbe", "livenessProbe", "startupProbe")
    probes = [part(container, kind) for container in inside for kind in kinds]
    return {part(probe, way).get("port") for probe in probes for way in ("httpGet", "tcpSocket", "grpc")}


def _ingress(objects: Objects, ingress: Object) -> Iterator[Finding]:
    subject, spec = f"ingress {name(ingress)}", part(ingress, "spec")
    for backend in backends(ingress):
        if cause := _backend(objects, backend):
            yield Finding(subject, cause)
    for entry in part(spec, "tls"):
        secret = entry.get("secretName")
        if secret and objects.lacks("Secret", secret):
            cause = f"its TLS secret {secret} does not exist{objects.there_are('Secret')}."
            yield Finding(subject, cause)


def backends(ingress: Object) -> list[Object]:
    """The services that an ingress sends traffic to, with the port."""
    spec = part(ingress, "spec")
    paths = [path for rule in part(spec, "rules") for path in part(rule, "http", "paths")]
    found = [part(spec, "defaultBackend", "service"), *(part(path, "backend", "service") for path in paths)]
    return [backend for backend in found if backend.get("name")]


def _backend(objects: Objects, backend: Object) -> str:
    wanted = backend["name"]
    if objects.lacks("Service", wanted):
        there = objects.there_are("Service")
        return f"its service {wanted} does not exist in {objects.namespace}{there}."
    service = objects.find("Service", wanted)
    ports = part(service, "spec", "ports")
    asked = part(backend, "port").get("number") or part(backend, "port").get("name")
    if not service or not asked or any(asked in (p.get("name"), p.get("port")) for p in ports):
        return ""
    return f"its service {wanted} has no port {asked} (it has: {listed(str(p.get('port')) for p in ports)})."


def _policy(objects: Objects, policy: Object) -> Iterator[Finding]:
    for kind in part(policy, "spec", "policyTypes") or ["Ingress"]:
        if part(policy, "spec", kind.lower()):
            continue
        others = [p for p in objects.all("NetworkPolicy") if part(p, "spec", kind.lower())]
        pods = [
            name(pod)
            for pod in objects.all("Pod")
            if _governs(policy, pod) and not any(_governs(other, pod) for other in others)
        ]
        if pods:
            cause = f"it blocks all {kind.lower()} traffic of {len(pods)} pods."
            yield Finding(f"networkpolicy {name(policy)}", cause, f"pods: {listed(pods, 4)}")


def _governs(policy: Object, pod: Object) -> bool:
    return selects_by(part(policy, "spec", "podSelector"), labels(pod))
