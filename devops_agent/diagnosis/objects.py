"""The objects of a namespace, as the analyzers see them."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from devops_agent.diagnosis.finding import blank, listed

Object = Mapping[str, Any]


@dataclass
class Objects:
    """What was read of a namespace.

    Attributes:
        namespace: Its name.
        items: Objects by kind, such as `Pod`. They get in by `add`.
        unread: The plurals of the kinds that could not be read, such as `secrets`: nothing is known of them.
        secrets: The keys of each secret; values are never read. None when they may not be read.
        logs: The last lines by pod and container; of a container that crashed, those before the crash.
        read_at: When it was read.
    """

    namespace: str
    items: dict[str, list[Object]] = field(default_factory=lambda: defaultdict(list))
    unread: set[str] = field(default_factory=set)
    secrets: dict[str, set[str]] | None = None
    logs: dict[tuple[str, str], str] = field(default_factory=dict)
    read_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    # A namespace may have thousands of objects and events, and each analyzer asks for each pod.
    _by_name: dict[tuple[str, str], Object] = field(default_factory=dict)
    _by_owner: dict[tuple[str, str], list[Object]] = field(default_factory=lambda: defaultdict(list))
    _events: dict[str, list[Object]] = field(default_factory=lambda: defaultdict(list))

    def add(self, objects: Iterable[Object]) -> None:
        """Sorts objects in by their kind."""
        for item in objects:
            kind = item["kind"]
            self.items[kind].append(item)
            self._by_name[kind, name(item)] = item
            for ref in owners(item):
                self._by_owner[kind, str(ref.get("uid"))].append(item)
            if kind == "Event" and item.get("type") == "Warning":
                self._events[str(part(item, "involvedObject").get("uid"))].append(item)

    def all(self, kind: str) -> list[Object]:
        """The objects of a kind."""
        return self.items.get(kind, [])

    def names(self, kind: str) -> list[str]:
        """The names of the objects of a kind."""
        return [name(item) for item in self.all(kind)]

    def find(self, kind: str, wanted: str) -> Object | None:
        """The object of that name."""
        return self._by_name.get((kind, wanted))

    def lacks(self, kind: str, wanted: str) -> bool:
        """Whether there is no such object; False where nobody knows, for want of permission."""
        if kind == "Secret":
            return self.secrets is not None and wanted not in self.secrets
        stem = kind.lower()
        known = not {f"{stem}s", f"{stem}es", f"{stem[:-1]}ies"} & self.unread
        return known and self.find(kind, wanted) is None

    def there_are(self, kind: str) -> str:
        """What there is instead: ` (there are: a, b)`; "" where nobody knows."""
        names = (self.secrets or ()) if kind == "Secret" else self.names(kind)
        return f" (there are: {listed(names)})" if self.lacks(kind, "") else ""

    def keys(self, kind: str, holder: str) -> set[str]:
        """The keys of a `ConfigMap` or `Secret`; none where it is missing or cannot be read."""
        if kind == "Secret":
            return (self.secrets or {}).get(holder, set())
        item = self.find(kind, holder)
        return {*part(item, "data"), *part(item, "binaryData")}

    def owned_by(self, kind: str, owner: Object) -> list[Object]:
        """The objects of a kind that an object owns, through others too."""
        direct = {name(item): item for item in self._by_owner.get((kind, uid(owner)), ())}
        between = {"Deployment": "ReplicaSet", "CronJob": "Job"}.get(owner["kind"])
        if between and kind != between:
            for middle in self._by_owner.get((between, uid(owner)), ()):
                direct.update({name(item): item for item in self._by_owner.get((kind, uid(middle)), ())})
        return list(direct.values())

    def workload(self, pod: Object) -> str:
        """What one changes to change a pod: `deployment/web`, or `pod/web` when nothing owns it."""
        owner = next(iter(owners(pod)), None)
        if owner is None:
            return f"pod/{name(pod)}"
        above = self.find(owner["kind"], owner["name"])
        higher = next(iter(owners(above)), None) if above else None
        top = higher or owner
        return f"{top['kind'].lower()}/{top['name']}"

    def warnings(self, item: Object, reason: str = "", container: str = "") -> list[str]:
        """The messages of an object's warning events, newest first.

        Args:
            item: The object.
            reason: Only the events of this reason.
            container: None of the events of the pod's other containers.
        """
        events = [
            event
            for event in self._events.get(uid(item), ())
            if (not reason or event.get("reason") == reason) and _may_be_about(event, container)
        ]
        events.sort(key=_last_seen, reverse=True)
        return [event.get("message") or "" for event in events]


def _may_be_about(event: Object, container: str) -> bool:
    path = part(event, "involvedObject").get("fieldPath") or ""
    return not container or not path or path.endswith(f"{{{container}}}")


def _last_seen(event: Object) -> str:
    series = part(event, "series").get("lastObservedTime")
    return str(series or event.get("lastTimestamp") or event.get("eventTime") or "")


def part(item: Object | None, *path: str) -> Any:
    """A part of an object that holds others; an empty mapping where it is missing or null."""
    for key in path:
        item = (item or {}).get(key)
    return item or {}


def name(item: Object) -> str:
    """An object's name."""
    return str(item["metadata"]["name"])


def uid(item: Object) -> str:
    """An object's unique id."""
    return str(item["metadata"].get("uid", ""))


def owners(item: Object) -> list[Object]:
    """The references to what owns an object."""
    return list(part(item, "metadata", "ownerReferences"))


def labels(item: Object) -> dict[str, str]:
    """An object's labels."""
    return dict(part(item, "metadata", "labels"))


def template_labels(item: Object) -> dict[str, str]:
    """The labels of the pods that a workload makes; of another object, its own."""
    return dict(part(item, "spec", "template", "metadata", "labels")) or labels(item)


def conditions(item: Object, kind: str, status: str = "") -> Iterator[Object]:
    """The conditions of a type in an object's status; all of them, or those that are `True` or `False`."""
    for condition in part(item, "status", "conditions"):
        if condition.get("type") == kind and status in ("", condition.get("status")):
            yield condition


def containers(pod_spec: Object) -> list[Object]:
    """A pod's init containers and containers."""
    return [*part(pod_spec, "initContainers"), *part(pod_spec, "containers")]


def port_pairs(service_spec: Object) -> list[str]:
    """The ports of a service with those of its pods to which they lead, such as `80→8080`."""
    ports = service_spec.get("ports", ())
    return [f"{port['port']}→{port.get('targetPort', port['port'])}" for port in ports]


# What holds settings by key: the kinds as messages and kubectl write them.
HOLDERS = {"configmap": "ConfigMap", "secret": "Secret"}
# With this field a container asks for a key of a config map or secret.
_ASKS = {"ConfigMap": "configMapKeyRef", "Secret": "secretKeyRef"}


def asked_keys(objects: "Objects", kind: str, holder: str) -> dict[str, str]:
    """The keys that containers need of a `ConfigMap` or `Secret`, each with what asks for it."""
    asked: dict[str, str] = {}
    for item in (
        item
        for each in ("Deployment", "StatefulSet", "DaemonSet", "Job", "Pod")
        for item in objects.all(each)
    ):
        spec = part(item, "spec", "template", "spec") or part(item, "spec")
        for variable in (variable for container in containers(spec) for variable in part(container, "env")):
            asks = part(variable, "valueFrom", _ASKS[kind])
            if asks.get("name") == holder and asks.get("key") and not asks.get("optional"):
                asked.setdefault(str(asks["key"]), f"{item['kind'].lower()} {name(item)}")
    return asked


def adds_keys(namespace: str, kind: str, holder: str, missing: Iterable[str]) -> str:
    """The command that adds keys to a config map or secret; their values are to be filled in."""
    data = "stringData" if kind == "Secret" else "data"
    patch = json.dumps({data: {key: blank(key) for key in missing}}, separators=(",", ":"))
    return f"kubectl -n {namespace} patch {kind.lower()} {holder} -p '{patch}'"


def claims(pod: Object) -> list[str]:
    """The names of the volume claims that a pod mounts."""
    mounted = [part(volume, "persistentVolumeClaim") for volume in part(pod, "spec", "volumes")]
    return [claim["claimName"] for claim in mounted if claim]


def statuses(pod: Object) -> Iterator[tuple[Object, bool]]:
    """The status of each container of a pod, and whether it is an init container."""
    for key, init in (("initContainerStatuses", True), ("containerStatuses", False)):
        for item in part(pod, "status", key):
            yield item, init


def is_ready(pod: Object) -> bool:
    """Whether a pod gets the traffic of its services."""
    return any(conditions(pod, "Ready", "True"))


def is_over(pod: Object) -> bool:
    """Whether a pod has ended or is about to."""
    ended = part(pod, "status").get("phase") in ("Succeeded", "Failed")
    return ended or bool(pod["metadata"].get("deletionTimestamp"))


def selects(selector: Mapping[str, str], item_labels: Mapping[str, str]) -> bool:
    """Whether labels have everything that a selector asks for."""
    return all(item_labels.get(key) == value for key, value in selector.items())


def selects_by(selector: Object, item_labels: Mapping[str, str]) -> bool:
    """Whether a selector with `matchLabels` and `matchExpressions` takes something with these labels."""
    return selects(part(selector, "matchLabels"), item_labels) and all(
        _holds(expression, item_labels) for expression in part(selector, "matchExpressions")
    )


def _holds(expression: Object, item_labels: Mapping[str, str]) -> bool:
    key, operator, values = expression.get("key"), expression.get("operator"), part(expression, "values")
    has = item_labels.get(str(key))
    return {
        "In": has in values,
        "NotIn": has not in values,
        "Exists": has is not None,
        "DoesNotExist": has is None,
    }.get(str(operator), False)
