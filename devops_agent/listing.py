"""Plain lists: "list all running containers", "show the pods in namespace shop".

A task that asks for nothing but a list of one kind needs no model: code knows the command, and what the
answer is, for it counts better than a small model and loses no name. Anything more than that is not for here:
a condition, an order, a second wish.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from devops_agent.patterns import regex
from devops_agent.status_tables import Column, columns

# So many names stand in an answer; the whole list is on the screen above it.
_MOST_NAMES = 20


@dataclass(frozen=True)
class _Kind:
    """A kind of things that can be listed.

    Attributes:
        said: What a task calls several of them.
        name: What an answer calls one.
        command: Lists them.
        states: What is added to the command for those in a state that a task names.
        scoped: Whether they are in a namespace.
        shown: The columns that stand behind each name in an answer.
    """

    said: str
    name: str
    command: str
    states: tuple[tuple[str, str], ...] = ()
    scoped: bool = False
    shown: tuple[str, ...] = ()

    @property
    def is_object(self) -> bool:
        """Whether they are in a cluster."""
        return not self.command.startswith("docker")


def _objects(said: str, name: str, plural: str, *shown: str, scoped: bool = True) -> _Kind:
    # all of them, with what they do: who asks which pods run wants to know of the one that does not
    states = (("running", ""),) if name == "pod" else ()
    return _Kind(said, name, f"kubectl get {plural}", states, scoped, shown)


_STOPPED = " -a --filter status=exited"
_KINDS = (
    _Kind(
        "(?:docker )?containers",
        "container",
        "docker ps",
        (("running", ""), ("active", ""), ("stopped", _STOPPED), ("exited", _STOPPED), ("", " -a")),
        shown=("IMAGE", "STATUS"),
    ),
    _Kind("(?:docker |container )?images", "image", "docker images", shown=("SIZE",)),
    _Kind("docker volumes", "volume", "docker volume ls"),
    _Kind("docker networks", "network", "docker network ls", shown=("DRIVER",)),
    _Kind(
        "(?:docker )?compose (?:projects|stacks)", "compose project", "docker compose ls", shown=("STATUS",)
    ),
    _Kind("helm releases", "helm release", "helm list", scoped=True, shown=("STATUS", "CHART")),
    _objects("pods", "pod", "pods", "STATUS"),
    _objects("deployments", "deployment", "deployments", "READY"),
    _objects("services", "service", "services", "TYPE"),
    _objects("stateful ?sets", "stateful set", "statefulsets", "READY"),
    _objects("daemon ?sets", "daemon set", "daemonsets", "READY"),
    _objects("replica ?sets", "replica set", "replicasets"),
    _objects("cron ?jobs", "cron job", "cronjobs", "SCHEDULE"),
    _objects("jobs", "job", "jobs", "STATUS"),
    _objects("config ?maps", "config map", "configmaps"),
    _objects("secrets", "secret", "secrets", "TYPE"),
    _objects("ingresses", "ingress", "ingresses", "HOSTS"),
    _objects("network ?policies", "network policy", "networkpolicies"),
    _objects("service ?accounts", "service account", "serviceaccounts"),
    _objects("(?:persistent ?volume claims|pvcs)", "persistent volume claim", "pvc", "STATUS"),
    _objects("(?:persistent volumes|pvs)", "persistent volume", "pv", "STATUS", scoped=False),
    _objects("storage ?classes", "storage class", "storageclasses", scoped=False),
    _objects("namespaces", "namespace", "namespaces", "STATUS", scoped=False),
    _objects("nodes", "node", "nodes", "STATUS", "VERSION", scoped=False),
)
# What such a task may hold beside the kind, the state and the place.
_ASKS = regex(
    r"(?:(?:please|hey|hi|ok|okay|now|just|quickly)[,:]? |(?:can|could|would|will) you )*"
    r"(?:(?:list|show|get|display|print|enumerate|give|tell)(?: (?:me|us))?"
    r"|(?:i(?:['’]d| would)? (?:want|like|need) to|let me) (?:see|know)|what(?:['’]s| are| is)?|which) "
)
_FILLS = regex(
    r"(?:(?:a|the) (?:list|names) of |all |the |my |our |of |any |every |currently |current |existing )*"
)
_ENDS = regex(
    r"(?: (?:are|is|there|do|i|we|have|got|exist|currently|at the moment|right now|now"
    r"|please|here|on (?:this|the|my) (?:machine|host|system|server|computer)|in docker))+$"
)
_STATES = regex(r"^(running|active|stopped|exited) | (running|active|stopped|exited)$")
_PLACE = regex(
    r" (?:in|of|from|across) (?:(?P<all>(?:all|every)(?: the)? namespaces?|the whole cluster)"
    r"|(?:the |my )?(?:kubernetes )?(?:namespace|ns) (?P<behind>[a-z0-9-]+)"
    r"|(?:the |my |this |our )?current namespace|(?:this|my|our) namespace"
    r"|(?:the )?(?!(?:each|any|other|another|that|which|same|right|whole|entire) )"
    r"(?P<before>[a-z0-9-]+) namespace"
    r"|(?:the|my|this) (?:kubernetes )?cluster|kubernetes)$"
)
# "What are pods?" wants to know what they are.
_WHAT = regex(r"what(?:['’]s| are| is)? $")
# Those that every cluster has.
_NAMESPACES = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
# Elsewhere "services" may be those of systemd, "jobs" those of the shell, "secrets" those of Docker.
_CLUSTER = regex(r"^(?:kubernetes|k8s|cluster) ")
_AMBIGUOUS = frozenset({"service", "job", "secret"})


@dataclass(frozen=True)
class Listing:
    """A plain list that a task asks for.

    Attributes:
        command: Shows it.
        namespace: The one that the task names, if any.
        is_sure: Whether the task surely means a namespace by that; by "the shop namespace" it may not.
    """

    command: str
    namespace: str
    is_sure: bool
    _kind: _Kind
    _state: str
    _where: str

    def answer(self, output: str) -> str:
        """What the list comes to: how many there are, and which; "" for an output that is no such list."""
        lines = output.splitlines()
        start = next((number for number, line in enumerate(lines) if columns(line)), None)
        if start is None:
            nothing = self.is_sure and (not output.strip() or output.startswith("No resources found"))
            return f"There {self._counted(0)}{self._where}." if nothing else ""
        table = columns(lines[start])
        rows = [line for line in lines[start + 1 :] if line.strip()]
        told = [self._row(row, table) for row in rows]
        if not all(told):
            return ""
        if not rows:
            return f"There {self._counted(0)}{self._where}."
        names = "; ".join(told[:_MOST_NAMES])
        rest = f"; and {len(told) - _MOST_NAMES} more, see above" if len(told) > _MOST_NAMES else ""
        return f"There {self._counted(len(rows))}{self._where}: {names}{rest}."

    def _counted(self, count: int) -> str:
        state = f"{self._state} " if self._state else ""
        if count == 1:
            return f"is 1 {state}{self._kind.name}"
        return f"are {count or 'no'} {state}{_plural(self._kind.name)}"

    def _row(self, row: str, table: Sequence[Column]) -> str:
        cells = {each.name: row[each.start : each.end].strip() for each in table}
        if "REPOSITORY" in cells:
            name = f"{cells['REPOSITORY']}:{cells.get('TAG', '')}"
        else:
            names = ("NAMES", "NAME", "VOLUME NAME", "IMAGE")
            name = next((cells[key] for key in names if key in cells), "")
        if not name:
            return ""
        if "NAMESPACE" in cells:
            name = f"{cells['NAMESPACE']}/{name}"
        shown = [cells[key] for key in self._kind.shown if cells.get(key)]
        return f"{name} ({', '.join(shown)})" if shown else name


def _plural(name: str) -> str:
    if name.endswith("y"):
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith("s") else f"{name}s"


def of(task: str) -> Listing | None:
    """The plain list that a task asks for, and nothing beside it; else None."""
    text = " ".join(task.lower().split()).rstrip("?.! ")
    asked = _ASKS.match(text)
    if not asked:
        return None
    whole = text[asked.end() :]
    text, place = _parted(_ENDS.sub("", whole), _PLACE)
    text, state = _parted(_FILLS.sub("", _ENDS.sub("", text), count=1), _STATES)
    text = _ENDS.sub("", text)
    bare = _CLUSTER.sub("", text)
    if _WHAT.search(asked.group()) and text == whole:
        return None
    for kind in _KINDS:
        if re.fullmatch(kind.said, text) or (kind.is_object and re.fullmatch(kind.said, bare)):
            if kind.name in _AMBIGUOUS and not place and bare == text:
                return None
            return _listing(kind, next(filter(None, state.groups()), "") if state else "", place)
    return None


def _parted(text: str, part: re.Pattern[str]) -> tuple[str, re.Match[str] | None]:
    """A text without a part of it, and that part."""
    found = part.search(text)
    return (text[: found.start()] + text[found.end() :] if found else text), found


def _listing(kind: _Kind, state: str, place: re.Match[str] | None) -> Listing | None:
    everywhere, namespace = (place["all"], place["behind"] or place["before"]) if place else (None, None)
    states = dict(kind.states)
    if (state and state not in states) or (place and not kind.is_object):
        return None
    command, where = kind.command, ""
    if kind.is_object and kind.scoped:
        where = " in the current namespace"
        if everywhere:
            command, where = f"{command} -A", " in all namespaces"
        elif namespace:
            command, where = f"{command} -n {namespace}", f" in namespace {namespace}"
    elif namespace:
        return None
    is_sure = not (place and place["before"]) or namespace in _NAMESPACES
    shown = "" if kind.is_object else state
    return Listing(command + states.get(state, ""), namespace or "", is_sure, kind, shown, where)
