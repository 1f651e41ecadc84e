"""Why traffic does not arrive: selectors, ports, endpoints, ingresses, network policies."""

from collections.abc import Iterator

from devops_agent.diagnosis.finding import Finding, listed
from devops_agent.diagnosis.objects import Object, Objects, containers, labels, name, selects


def analyze(objects: Objects) -> Iterator[Finding]:
    """Findings about services, ingresses and policies."""
    for service in objects.all("Service"):
        yield from _service(objects, service)
    for ingress in objects.all("Ingress"):
        yield from _ingress(objects, ingress)
    for policy in objects.all("NetworkPolicy"):
        yield from _policy(objects, policy)


def _service(objects: Objects, service: Object) -> Iterator[Finding]:
    selector = service["spec"].get("selector")
    if not selector or service["spec"].get("type") == "ExternalName":
        return
    subject = f"service {name(service)}"
    pods = [pod for pod in objects.all("Pod") if selects(selector, labels(pod))]
    if not pods:
        yield _no_pods(objects, service, subject, selector)
        return
    for port in service["spec"].get("ports", ()):
        if finding := _port(objects, service, subject, port, pods):
            yield finding
            return
    if not any(_is_ready(pod) for pod in pods):
        yield Finding(subject, f"none of its {len(pods)} pods is ready, so it has no endpoints.")


def _no_pods(objects: Objects, service: Object, subject: str, selector: dict[str, str]) -> Finding:
    wanted = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    near = _nearest(objects, service, selector)
    if near is None:
        return Finding(subject, f"its selector {wanted} matches no pod.", "it has no endpoints")
    kind, its_name, its_labels = near
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
        (item["kind"].lower(), name(item), dict(item["spec"]["template"]["metadata"].get("labels") or {}))
        for kind in ("Deployment", "StatefulSet", "DaemonSet")
        for item in objects.all(kind)
    ]
    candidates += [
        ("pod", name(pod), labels(pod))
        for pod in objects.all("Pod")
        if not pod["metadata"].get("ownerReferences")
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
    target = port.get("targetPort", port["port"])
    declared = [p for pod in pods[:1] for c in containers(pod["spec"]) for p in c.get("ports", ())]
    numbers = {p["containerPort"] for p in declared}
    names = {p.get("name") for p in declared}
    if (isinstance(target, str) and target in names) or target in numbers:
        return None
    if isinstance(target, int) and not declared:
        return None
    index = service["spec"]["ports"].index(port)
    right = min(numbers) if numbers else "PORT"
    patch = (
        f"kubectl -n {objects.namespace} patch service {name(service)} --type=json "
        f'-p \'[{{"op":"replace","path":"/spec/ports/{index}/targetPort","value":{right}}}]\''
    )
    cause = f"its targetPort {target} is no port of its pods; they declare {listed(map(str, numbers))}."
    return Finding(subject, cause, f"port {port['port']} goes to targetPort {target}", patch)


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _ingress(objects: Objects, ingress: Object) -> Iterator[Finding]:
    backends = [ingress["spec"].get("defaultBackend")]
    for rule in ingress["spec"].get("rules", ()):
        backends += [path["backend"] for path in (rule.get("http") or {}).get("paths", ())]
    for backend in filter(None, backends):
        wanted = (backend.get("service") or {}).get("name", "")
        service = objects.find("Service", wanted)
        if wanted and service is None:
            there = listed(objects.names("Service"))
            cause = f"its service {wanted} does not exist in {objects.namespace} (there are: {there})."
            yield Finding(f"ingress {name(ingress)}", cause)
        elif service:
            port = backend["service"].get("port", {})
            ports = [{p.get("name"), p["port"]} for p in service["spec"].get("ports", ())]
            asked = port.get("number", port.get("name"))
            if not any(asked in known for known in ports):
                has = listed(str(p["port"]) for p in service["spec"].get("ports", ()))
                cause = f"its service {wanted} has no port {asked} (it has: {has})."
                yield Finding(f"ingress {name(ingress)}", cause)


def _policy(objects: Objects, policy: Object) -> Iterator[Finding]:
    spec = policy["spec"]
    kinds = spec.get("policyTypes", ["Ingress"])
    blocked = [kind.lower() for kind in kinds if not spec.get(kind.lower())]
    chosen = spec.get("podSelector", {}).get("matchLabels", {})
    pods = [name(pod) for pod in objects.all("Pod") if selects(chosen, labels(pod))]
    if blocked and pods:
        traffic = f"all {' and '.join(blocked)} traffic of {len(pods)} pods"
        cause = f"it blocks {traffic}, unless another policy allows it."
        yield Finding(f"networkpolicy {name(policy)}", cause, f"pods: {listed(pods, 4)}")
