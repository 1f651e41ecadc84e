"""The objects of a namespace, as the analyzers see them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

Object = Mapping[str, Any]


@dataclass
class Objects:
    """What was read of a namespace.

    Attributes:
        namespace: Its name.
        items: Objects by kind, such as `Pod`. A kind that may not be read is missing.
        secrets: The keys of each secret; values are never read.
        logs: The last lines by pod and container; of a container that crashed, those before the crash.
        read_at: When it was read.
    """

    namespace: str
    items: dict[str, list[Object]] = field(default_factory=lambda: defaultdict(list))
    secrets: dict[str, set[str]] | None = None
    logs: dict[tuple[str, str], str] = field(default_factory=dict)
    read_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    def add(self, objects: Iterable[Object]) -> None:
        """Sorts objects in by their kind."""
        for item in objects:
            self.items[item["kind"]].append(item)

    def all(self, kind: str) -> list[Object]:
        """The objects of a kind."""
        return self.items.get(kind, [])

    def names(self, kind: str) -> list[str]:
        """The names of the objects of a kind."""
        return [name(item) for item in self.all(kind)]

    def find(self, kind: str, wanted: str) -> Object | None:
        """The object of that name."""
        return next((item for item in self.all(kind) if name(item) == wanted), None)

    def owned_by(self, kind: str, owner: Object) -> list[Object]:
        """The objects of a kind that an object owns, through others too."""
        direct = {
            name(item): item
            for item in self.all(kind)
            if any(ref["uid"] == uid(owner) for ref in owners(item))
        }
        between = "ReplicaSet" if owner["kind"] == "Deployment" else "Job"
        if kind != between:
            for middle in self.owned_by(between, owner) if owner["kind"] in ("Deployment", "CronJob") else []:
                direct.update({name(item): item for item in self.owned_by(kind, middle)})
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

    def warnings(self, item: Object, reason: str = "") -> list[str]:
        """The messages of an object's warning events, newest first; all of them, or those of one reason."""
        events = [
            event
            for event in self.all("Event")
            if event.get("type") == "Warning"
            and event["involvedObject"].get("uid") == uid(item)
            and (not reason or event.get("reason") == reason)
        ]
        events.sort(key=_last_seen, reverse=True)
        return [event.get("message", "") for event in events]


def _last_seen(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def name(item: Object) -> str:
    """An object's name."""
    return str(item["metadata"]["name"])


def uid(item: Object) -> str:
    """An object's unique id."""
    return str(item["metadata"].get("uid", ""))


def owners(item: Object) -> list[Object]:
    """The references to what owns an object."""
    return list(item["metadata"].get("ownerReferences", ()))


def labels(item: Object) -> dict[str, str]:
    """An object's labels."""
    return dict(item["metadata"].get("labels") or {})


def conditions(item: Object, kind: str) -> Iterator[Object]:
    """The conditions of a type in an object's status."""
    return (c for c in item.get("status", {}).get("conditions", ()) if c["type"] == kind)


def containers(pod_spec: Object) -> list[Object]:
    """A pod's init containers and containers."""
    return [*pod_spec.get("initContainers", ()), *pod_spec.get("containers", ())]


def statuses(pod: Object) -> Iterator[tuple[Object, bool]]:
    """The status of each container of a pod, and whether it is an init container."""
    status = pod.get("status", {})
    for key, init in (("initContainerStatuses", True), ("containerStatuses", False)):
        for item in status.get(key, ()):
            yield item, init


def selects(selector: Mapping[str, str], item_labels: Mapping[str, str]) -> bool:
    """Whether labels have everything that a selector asks for."""
    return all(item_labels.get(key) == value for key, value in selector.items())
