"""The names of what runs in the cluster and on the engine, for completion."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

# A list that is older, in seconds, is fetched anew when somebody types.
_OLD = 30.0
# So long, in seconds, each program may take.
_PATIENCE = 3.0

# The words under which each kind is known.
KINDS = {
    "namespace": "namespace namespaces ns -n --namespace",
    "deployment": "deployment deployments deploy deployment.apps",
    "statefulset": "statefulset statefulsets sts",
    "daemonset": "daemonset daemonsets ds",
    "pod": "pod pods po",
    "service": "service services svc",
    "job": "job jobs",
    "cronjob": "cronjob cronjobs cj",
    "configmap": "configmap configmaps cm",
    "container": "container containers",
    "image": "image images",
}

_KUBECTL = ("kubectl", "get", "--request-timeout=3s", "--no-headers", "-o")
_WORKLOADS = "deployments,statefulsets,daemonsets,pods,services,jobs,cronjobs,configmaps"


@dataclass(frozen=True, order=True)
class Named:
    """A thing that has a name; `namespace` is "" where its kind has none."""

    name: str
    kind: str
    namespace: str = ""


@dataclass(frozen=True)
class _Source:
    """A command that lists things, one in a line, and how a line is read."""

    command: tuple[str, ...]
    read: Callable[[list[str]], Named]
    words: int


_SOURCES = (
    _Source(
        (*_KUBECTL, "custom-columns=:metadata.name", "namespaces"), lambda row: Named(row[0], "namespace"), 1
    ),
    _Source(
        (*_KUBECTL, "custom-columns=:kind,:metadata.namespace,:metadata.name", "-A", _WORKLOADS),
        lambda row: Named(row[2], row[0].lower(), row[1]),
        3,
    ),
    _Source(("docker", "ps", "-a", "--format", "{{.Names}}"), lambda row: Named(row[0], "container"), 1),
    _Source(
        ("docker", "images", "--format", "{{.Repository}}:{{.Tag}}"), lambda row: Named(row[0], "image"), 1
    ),
)


class Names:
    """What was listed last. Nobody waits for it: it is fetched in the background, and may be empty or old.

    Args:
        clock: The time in seconds.
        patience: So long, in seconds, a program may take to list what there is.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, patience: float = _PATIENCE) -> None:
        self._clock = clock
        self._patience = patience
        self._lock = threading.Lock()
        self._found: dict[_Source, frozenset[Named]] = {}
        self._asked: float | None = None
        self._round = 0

    def of(self, kind: str) -> Sequence[str]:
        """The names of a kind such as `pod`, in order and without doubles."""
        return sorted({each.name for each in self.all() if each.kind == kind})

    def all(self) -> Iterable[Named]:
        """All that is known, without an order."""
        with self._lock:
            return frozenset().union(*self._found.values())

    def refresh(self) -> None:
        """Has the names fetched where they are old; returns at once and raises nothing."""
        with self._lock:
            now = self._clock()
            if self._asked is not None and now - self._asked < _OLD:
                return
            self._asked = now
            number = self._round
        for source in _SOURCES:
            with suppress(RuntimeError):  # no further thread can be started
                threading.Thread(target=self._fetch, args=(source, number), daemon=True).start()

    def forget(self) -> None:
        """Forgets the names, which are those of another cluster now."""
        with self._lock:
            self._found.clear()
            self._asked = None
            self._round += 1

    def _fetch(self, source: _Source, number: int) -> None:
        printed = _printed(source.command, self._patience)
        if printed is None:
            return
        rows = (line.split() for line in printed.splitlines())
        found = frozenset(
            source.read(row) for row in rows if len(row) == source.words and "<none>" not in row[-1]
        )
        with self._lock:
            if number == self._round:
                self._found[source] = found


def _printed(command: Sequence[str], patience: float) -> str | None:
    """What a command prints, also where it fails in the end; None where it printed nothing and failed.

    It has a session of its own, so that no helper of it asks for a password on the terminal.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError):
        return None
    with process:
        try:
            printed, _ = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            return None
    return printed.decode(errors="replace") if printed or process.returncode == 0 else None
