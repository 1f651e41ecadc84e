"""What a turn of a session was about, for the next one that says "it" of it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from devops_agent.diagnosis.kinds import KINDS, kind_of
from devops_agent.patterns import regex
from devops_agent.policy.shell_text import Call, parse_call, segments

# Where something is: what "there" means, and never "it".
PLACE = "place"
# Of a file the name says enough.
_PLAIN = ("file",)
WORKLOADS = ("deployment", "statefulset", "daemonset")
_OTHER_KINDS = {
    **dict.fromkeys(("cm", "configmaps", "configmap"), "configmap"),
    **dict.fromkeys(("secrets", "secret"), "secret"),
    **dict.fromkeys(("ns", "namespaces", "namespace"), "namespace"),
    **dict.fromkeys(("no", "nodes", "node"), "node"),
}
# What creates an object names its sort first: "create secret generic login".
_SORTS = {"secret": "generic tls docker-registry", "service": "clusterip nodeport loadbalancer externalname"}
_OF_PODS = frozenset({"logs", "exec", "attach", "port-forward", "run", "top pod"})
_CHANGED = regex(
    r"^([a-z]+)(?:\.[\w.]+)?/(\S+) (?:created|configured|unchanged|replaced|serverside-applied)$",
    re.MULTILINE,
)
_OF_CONTAINERS = frozenset("start stop restart kill pause unpause logs inspect exec port top update".split())
_OF_FILES = frozenset("cat head tail less sed nano vi vim chmod chown touch wc grep sort".split())
_NAME = regex(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")


class Subject(NamedTuple):
    """An object, a container, an image or a file."""

    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.short} in namespace {self.namespace}" if self.namespace else self.short

    @property
    def short(self) -> str:
        """The subject without where it is."""
        return self.name if self.kind in _PLAIN else f"{self.kind} {self.name}"


_BROKEN = regex(r"BackOff|Err|Failed|OOMKilled|Evicted|Restarting|Invalid|Unknown|\(unhealthy\)")


class Row(NamedTuple):
    """A row of a table that was shown, and how it stands there with its thing."""

    subject: Subject
    text: str

    @property
    def is_well(self) -> bool:
        """Whether it runs, with all that belongs to it."""
        ready = re.search(r"(?<!\S)(\d+)(?:/| of )(\d+)(?!\S)", self.text)
        whole = ready is None or ready[1] == ready[2]
        return whole and not (self.has_ended or self.is_broken)

    @property
    def has_ended(self) -> bool:
        """Whether it does not run, and is not to."""
        return bool(re.search(r"\b(?:Exited|Completed|Created|Dead|Paused)\b", self._state, re.IGNORECASE))

    @property
    def is_broken(self) -> bool:
        """Whether its state is one of trouble."""
        return bool(_BROKEN.search(self._state))

    def says(self, word: str) -> bool:
        """Whether a word stands in it, beside the name."""
        return word.lower() in self._state.lower()

    @property
    def _state(self) -> str:
        """What the row tells beside the name."""
        return self.text.replace(self.subject.name, "")


class Table(NamedTuple):
    """The rows that a command has shown."""

    command: str
    rows: tuple[Row, ...]


def of_command(command: str, output: str = "") -> list[Subject]:
    """What a command works on, the first first."""
    try:
        found = [
            each for segment in segments(command) for each in _of_call(parse_call(segment.words), output)
        ]
    except ValueError:  # no shell text
        return []
    return list(dict.fromkeys(found))


def of_names(names: Mapping[str, str]) -> list[Subject]:
    """What was looked up for a task, by the placeholders of runbooks."""
    space = names.get("namespace", "")
    kinds = [kind for kind in names if kind in KINDS | {"configmap", "secret"}]
    found = [Subject(kind, names[kind], space) for kind in kinds]
    if not kinds and "container" in names and not space:
        found.append(Subject("container", names["container"]))
    return found


def told(answer: str, command: str, output: str) -> list[Subject]:
    """The one row of a table that an answer speaks of, or that is its only one."""
    rows = rows_of(command, output)
    named = named_in(answer, rows)
    return [row.subject for row in (named if len(named) == 1 else rows if len(rows) == 1 else [])]


def named_in(text: str, rows: Sequence[Row]) -> list[Row]:
    """The rows whose names a text has."""
    words = set(re.findall(r"[\w.-]*\w", text))
    return [row for row in rows if row.subject.name in words]


# What a row says in the same word, where it is so.
_LITERAL = r"pending|evicted|unhealthy|paused|terminating"
_ENDED = r"exit\w*|stopped|ended|died|dead|complet\w+|finished|done"
_TROUBLED = r"crash\w*|fail\w*|broken|stuck|restarting|wrong|trouble|problems?|down"
_RUNNING = r"running|runs?|works?|working|ready|healthy|up|fine|start(?:s|ed|ing)?"
_STATE = regex(
    rf"\b(?:(?P<literal>{_LITERAL})|(?P<ended>{_ENDED})|(?P<running>{_RUNNING})|{_TROUBLED})\b", re.IGNORECASE
)
_NEGATION = regex(r"\b(?:not|no|never|without)\b|n[o'’]t\b", re.IGNORECASE)


def in_state(text: str, rows: Sequence[Row]) -> list[Row] | None:
    """The rows that are in the state of which a text speaks; None where it speaks of none."""
    match = _STATE.search(text)
    if not match:
        return None
    negated = bool(_NEGATION.search(text[: match.start()]))
    if match["literal"]:
        return [row for row in rows if row.says(match[0]) is not negated]
    if match["ended"]:
        return [row for row in rows if row.has_ended is not negated]
    return [row for row in rows if row.is_well is (bool(match["running"]) is not negated)]


def _of_call(call: Call, output: str) -> Iterator[Subject]:
    if call.program == "kubectl":
        yield from _of_kubectl(call, output)
    elif call.program == "docker":
        yield from _of_docker(call)
    elif call.program in _OF_FILES:
        yield from (Subject("file", each) for each in call.operands if Path(each).is_file())


def _kind(word: str) -> str:
    kind = _OTHER_KINDS.get(word.lower(), kind_of(word))
    return kind if kind in KINDS or kind in _OTHER_KINDS else ""


def _of_kubectl(call: Call, output: str) -> Iterator[Subject]:
    space = call.flags.get("-n") or call.flags.get("--namespace", "")
    if call.verb in ("apply", "create", "replace") and ("-f" in call.flags or "--filename" in call.flags):
        for kind, name in _CHANGED.findall(output):
            yield _subject(_kind(kind) or kind, name, space)
        return
    if call.verb in _OF_PODS and call.operands and "/" not in call.operands[0]:
        yield Subject("pod", call.operands[0], space)
        return
    kind = ""
    for word in call.operands:
        before, slash, name = word.partition("/")
        if slash and _kind(before):
            yield _subject(_kind(before), name, space)
        elif kind and _NAME.fullmatch(word) and word not in _SORTS.get(kind, "").split():
            yield _subject(kind, word, space)
            if call.verb in ("create", "expose"):
                return
        elif not kind and "," not in word:
            kind = _kind(word)


def _subject(kind: str, name: str, space: str) -> Subject:
    return Subject(kind, name, "" if kind in ("namespace", "node") else space)


def _of_docker(call: Call) -> Iterator[Subject]:
    flags = call.flags
    if call.verb in ("run", "create"):
        yield from (Subject("container", name) for name in [flags.get("--name", "")] if name)
    elif call.verb == "build":  # -t takes a value here and none in "docker run"
        tag = flags.get("--tag", "") or next(iter(call.operands), "") * ("-t" in flags)
        yield from [Subject("image", tag)] if tag else []
    elif call.verb in ("rename", "container rename"):
        yield from (Subject("container", name) for name in call.operands[-1:])
    elif call.verb in ("pull", "push", "tag", "image inspect"):
        yield from (Subject("image", name) for name in call.operands[-1:])
    elif call.verb in _OF_CONTAINERS:
        operands = call.operands[:1] if call.verb == "exec" else call.operands
        yield from (Subject("container", name) for name in operands)
    elif call.verb in ("network create", "volume create", "network inspect", "volume inspect"):
        yield from (Subject(call.verb.split()[0], name) for name in call.operands)


def rows_of(command: str, output: str) -> list[Row]:
    """The rows of a table that `kubectl get` or `docker ps` has printed."""
    try:
        calls = [parse_call(segment.words) for segment in segments(command)]
    except ValueError:
        return []
    listed = [call for call in calls if (call.program, call.verb) in (("kubectl", "get"), ("docker", "ps"))]
    if len(listed) != 1:
        return []
    (call,) = listed
    header, *lines = output.split("\n")
    columns = re.split(r"\s{2,}|\t", header.strip())
    rows = [line for line in lines if line.strip()]
    if call.program == "docker":
        named = columns[-1] == "NAMES"
        return [Row(Subject("container", row.split()[-1]), row) for row in rows] if named else []
    kind = _kind(call.operands[0]) if call.operands else ""
    if not kind or "NAME" not in columns[:2]:
        return []
    if columns[0] == "NAMESPACE":
        pairs = [(row.split(), row) for row in rows if len(row.split()) > 1]
        return [Row(Subject(kind, cells[1], cells[0]), row) for cells, row in pairs]
    space = call.flags.get("-n") or call.flags.get("--namespace", "")
    return [Row(_subject(kind, row.split()[0], space), row) for row in rows]


_LOOKED_UP = regex(
    r"docker (?P<container>container) (?P<own>\S+): (?P<state>\w+),.*"
    r"|namespace (?P<space>\S+): (?P<kind>pod|deployment|statefulset) (?P<name>\S+): (?P<text>.*)"
)


def last_table(ran: Sequence[tuple[str, str, bool]], lines: Iterable[str] = ()) -> Table | None:
    """The last table that the commands of a turn have shown; without one, what was looked up for it."""
    tables = (Table(command, tuple(rows_of(command, output))) for command, output, _ in reversed(ran))
    facts = Table("", looked_up(lines))
    return next((table for table in tables if table.rows), facts if facts.rows else None)


def looked_up(lines: Iterable[str]) -> tuple[Row, ...]:
    """The objects that lines tell of which were looked up."""
    return tuple(map(_row_of_line, filter(None, map(_LOOKED_UP.match, lines))))


def _row_of_line(line: "re.Match[str]") -> Row:
    if line["container"]:
        return Row(Subject("container", line["own"]), line["state"])
    return Row(Subject(line["kind"], line["name"], line["space"]), line["text"])


def of_turn(
    ran: Iterable[tuple[str, str, bool]], names: Mapping[str, str], written: Sequence[str], answer: str
) -> tuple[Subject, ...]:
    """What a turn was about, the likeliest first.

    Args:
        ran: The commands that succeeded, with their output and whether they changed something.
        names: What was looked up for it.
        written: The files that were written.
        answer: What was answered.
    """
    calls = list(ran)
    changed = [each for command, output, changes in calls if changes for each in of_command(command, output)]
    seen = [each for command, output, changes in calls if not changes for each in of_command(command, output)]
    rows = [each for command, output, _ in calls for each in told(answer, command, output)]
    files = [Subject("file", path) for path in written]
    found = [*changed, *of_names(names), *files, *rows, *seen]
    space = [Subject(PLACE, names["namespace"])] if "namespace" in names else []
    return tuple(dict.fromkeys([*found, *space]))
