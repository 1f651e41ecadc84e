"""API objects and containers in the shape in which kubectl and docker print them, healthy by default."""

from datetime import datetime, timezone
from typing import Any

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=timezone.utc)
LABELS = {"app": "web"}
RUNNING = {"running": {"startedAt": "2026-01-02T09:00:00Z"}}


def thing(kind: str, name: str = "web", owner: Any = None, **fields: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "uid": f"{kind}-{name}", "labels": LABELS}
    if owner:
        reference = {
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
        }
        metadata["ownerReferences"] = [reference]
    return {"kind": kind, "metadata": metadata, **fields}


def pod(
    name: str = "web-1",
    state: Any = None,
    last: Any = None,
    ready: bool = False,
    phase: str = "Running",
    owner: Any = None,
    reason: str = "",
    restarts: int = 0,
    volumes: Any = (),
    selector: Any = None,
    conditions: Any = (),
    init: bool = False,
    **container: Any,
) -> dict[str, Any]:
    """A pod with a container `app`; what is not said is that of a healthy one."""
    status = {"name": "app", "ready": ready, "state": state or {}, "lastState": last or {}}
    status["restartCount"] = restarts
    ready_condition = {"type": "Ready", "status": str(ready)}
    spec: dict[str, Any] = {("initContainers" if init else "containers"): [{"name": "app", **container}]}
    spec |= {"volumes": list(volumes)} | ({"nodeSelector": selector} if selector else {})
    its_status: dict[str, Any] = {"phase": phase, "conditions": [ready_condition, *conditions]}
    if state:
        its_status["initContainerStatuses" if init else "containerStatuses"] = [status]
    if reason:
        its_status |= {"reason": reason, "message": "The node was low on resource: memory."}
    return thing("Pod", name, owner, spec=spec, status=its_status)


def healthy(name: str = "web-1", **fields: Any) -> dict[str, Any]:
    return pod(name, RUNNING, ready=True, **fields)


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def ended(
    code: int, reason: str = "Error", message: str = "", at: str = "2026-01-02T11:59:00Z"
) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "message": message, "finishedAt": at}}


def pending(message: str) -> dict[str, Any]:
    return {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}


def event(item: dict[str, Any], reason: str, message: str, container: str = "") -> dict[str, Any]:
    about = {
        "uid": item["metadata"]["uid"],
        "fieldPath": f"spec.containers{{{container}}}" if container else "",
    }
    name = f"{item['metadata']['name']}.{reason}"
    fields = {"involvedObject": about, "lastTimestamp": "2026-01-02T11:59:00Z"}
    return thing("Event", name, type="Warning", reason=reason, message=message, **fields)


def deployment(name: str = "web", replicas: int = 1, status: Any = None, **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "app"}]}}
    status = status or {"updatedReplicas": replicas}
    return thing("Deployment", name, spec={"replicas": replicas, "template": template, **spec}, status=status)


def service(name: str = "web", selector: Any = None, target: Any = 80, **spec: Any) -> dict[str, Any]:
    ports = [{"port": 80, "targetPort": target}]
    return thing("Service", name, spec={"selector": selector or LABELS, "ports": ports, **spec}, status={})


def ingress(backend: str, port: int = 80, **spec: Any) -> dict[str, Any]:
    path = {"path": "/", "backend": {"service": {"name": backend, "port": {"number": port}}}}
    return thing("Ingress", "shop", spec={"rules": [{"http": {"paths": [path]}}], **spec})


def claim(storage_class: str | None, phase: str = "Pending") -> dict[str, Any]:
    spec = {} if storage_class is None else {"storageClassName": storage_class}
    return thing("PersistentVolumeClaim", "files", spec=spec, status={"phase": phase})


def job(kind: str = "Job", status: Any = None, **spec: Any) -> dict[str, Any]:
    return thing(kind, "import", spec=spec, status=status or {})


def failed(reason: str) -> dict[str, Any]:
    return {"conditions": [{"type": "Failed", "status": "True", "reason": reason, "message": f"It {reason}"}]}


def scaler(*conditions: Any, target: str = "web") -> dict[str, Any]:
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": target}}
    return thing("HorizontalPodAutoscaler", "web", spec=spec, status={"conditions": list(conditions)})


def policy(name: str = "deny", **spec: Any) -> dict[str, Any]:
    return thing("NetworkPolicy", name, spec={"podSelector": {}, "policyTypes": ["Ingress"], **spec})


def container(name: str = "web", state: Any = None, listens: Any = None, **fields: Any) -> dict[str, Any]:
    """A container as `docker inspect` shows it; what is not said is that of a healthy one."""
    default = {"Running": True, "ExitCode": 0, "Error": "", "OOMKilled": False, "Restarting": False}
    parts = {
        "Name": f"/{name}",
        "State": {**default, **(state or {})},
        "Config": {},
        "HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}, "Memory": 0},
        "NetworkSettings": {"Networks": {"bridge": {}}},
        "Mounts": [],
        "Listening": {80: {"0.0.0.0"}} if listens is None else listens,
    }
    return {**parts, **fields}


FORBIDDEN = (
    'cronjobs.batch is forbidden: User "system:serviceaccount:shop:watcher" cannot list resource "cronjobs" '
    'in API group "batch" in the namespace "shop"'
)
