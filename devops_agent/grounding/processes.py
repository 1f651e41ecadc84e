"""What processes a task names, from /proc."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from devops_agent import intent
from devops_agent.diagnosis import listening
from devops_agent.diagnosis.finding import Finding
from devops_agent.grounding.ground import Ground
from devops_agent.grounding.task_words import NO_NAMES, words_of
from devops_agent.patterns import regex

PROCESSES = regex(r"\b(?:process(?:es)?|pids?|daemons?|defunct|zombies?|kill|sighup|worker)\b", re.IGNORECASE)
# "the process shop-worker", "a process named shop-worker"
_NAMED = regex(
    r"\b(?:process(?:es)?|daemon|program) (?:(?:named|called) [\"'`]?([A-Za-z][\w.-]*\w)"
    r"|[\"'`]?([A-Za-z][\w.-]*\w)(?=[\"'`]?(?:[,.;!?]|$)))",
    re.IGNORECASE,
)
_INTERPRETER = regex(r"(?:python|perl|ruby|node|php|java|bash|dash|sh|ksh|zsh)\b|python[\d.]+")
_NO_PROCESS = frozenset("please too instead itself anymore alone altogether".split())
# "Port 8080 is in use": who listens on it is meant.
_HELD = r"(?:in use|taken|occup\w+|busy|blocked|held|holds?|hogs?|listen\w*|use[sd]|using)"
PORT_HELD = regex(
    rf"(?!.*\bfirewall)(?:.*\bport:? (?P<a>\d{{2,5}})\b[^.;]{{0,30}}\b{_HELD}\b"
    rf"|.*\b{_HELD}\b[^.;]{{0,30}}\bport:? (?P<b>\d{{2,5}})\b"
    r"|.*\b(?:free|release|kill|stop|end)\b(?![^.;]*\b(?:start|run|again|container)\b)[^.;]{0,40}"
    r"\bport:? (?P<c>\d{2,5})\b)",
    re.IGNORECASE | re.DOTALL,
)
_FREES = regex(
    r"\b(?:kill|stop|end|terminate|free|release|get rid of|shut)\b[^.;]{0,30}"
    r"\b(?:port|it|that|this|what\w*|who\w*|process|program|server|run)\b|\b(?:kill|stop|end) it\b",
    re.IGNORECASE,
)
_DENIES_END = regex(
    r"\b(?:do not|don['’]t|never|without|not) (?:kill|stop|end|terminat|free|releas)\w*"
    r"|\bonly (?:tell|show)\b",
    re.IGNORECASE,
)
_OF_DOCKER = "docker-proxy"
_OF_MEMORY = regex(r"\b(?:memory|ram)\b", re.IGNORECASE)
_STATED = regex(r"\b(?:process(?: id)?|pid) (\d+)\b", re.IGNORECASE)
_DEFUNCT = regex(r"\b(?:defunct|zombies?)\b", re.IGNORECASE)
_ENDS = regex(r"\b(?:kill|stop|end|terminate|remove)\b(?! (?:its|the) parent)", re.IGNORECASE)
_PROC = Path("/proc")
_MOST = 8
_LONGEST = 100
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


@dataclass(frozen=True)
class Process:
    """A process of this machine.

    Attributes:
        pid: Its id.
        parent: That of its parent.
        name: Its name, of 15 characters at most.
        state: One letter: `Z` when it has ended and was not collected.
        rss: The memory that it has, in KiB.
        words: Its command line.
    """

    pid: int
    parent: int
    name: str
    state: str
    rss: int
    words: tuple[str, ...]

    @property
    def names(self) -> set[str]:
        """By what people call it: its name, its program, and the script that its program runs."""
        program, *rest = [word.rpartition("/")[2] for word in self.words[:2]] or [""]
        return {self.name, program, *(rest if _INTERPRETER.match(program) else ())}

    def __str__(self) -> str:
        if self.state == "Z":
            return f"process {self.pid} ({self.name}): defunct, child of process {self.parent}"
        shown = " ".join(self.words)[:_LONGEST] or self.name
        return f"process {self.pid}: {shown}; {self.rss} KiB resident, child of process {self.parent}"


def in_table(task: str, proc: Path = _PROC) -> Ground:
    """The processes whose names stand in a task; those named as such that are not there."""
    words = {word for word in words_of(task) if len(word) > 2} - NO_NAMES
    table = list(_all(proc))
    if not table:
        return Ground()  # not Linux
    own = _own(table)
    found = [p for p in table if p.pid not in own and {name.lower() for name in p.names} & words]
    if _DEFUNCT.search(task) and (ended := [process for process in found if process.state == "Z"]):
        found = ended
    found.sort(key=lambda process: -process.rss)
    if _OF_MEMORY.search(task) and intent.asks_for_the_most(task):
        found = found[:1]
    ground = Ground([str(process) for process in found[:_MOST]], informs=bool(found))
    ground.lines += [line for process in found[:_MOST] for line in _variables_of(process.pid, task, proc)]
    ground.trouble = [_of_defunct(process) for process in found if process.state == "Z"]
    ground.lines += map(str, ground.trouble)
    if len(ground.trouble) == len(found) == 1 and _ENDS.search(task):
        ground.settled = str(ground.trouble[0])
    if stated := _STATED.search(task):
        ground.names["pid"] = stated[1]
    elif len(found) == 1:
        ground.names["pid"] = str(found[0].pid)
    named = [first or second for first, second in _NAMED.findall(task)]
    named = [name for name in named if name.lower() not in NO_NAMES | _NO_PROCESS and name[-2:] != "ly"]
    for name in named if not found else ():
        ground.lacks(f"There is no process {name} running.")
    return ground


def on_port(task: str, proc: Path = _PROC) -> Ground:
    """The process that listens on the port of which a task says that it is in use."""
    match = PORT_HELD.match(task)
    port = next(filter(None, match.groups())) if match else ""
    pids = listening.holders(int(port), proc) if port else set()
    table = {process.pid: process for process in _all(proc)} if pids else {}
    found = [table[pid] for pid in sorted(pids & table.keys()) if table[pid].name != _OF_DOCKER]
    parents = [each for each in found if each.parent not in pids]  # workers share the socket
    if len(parents) != 1 or parents[0].pid in _own(table.values()):
        return Ground()
    holder, ground = parents[0], Ground(informs=True, about="system")
    ends = _FREES.search(task) and not _DENIES_END.search(task)
    shown = " ".join(holder.words)[:_LONGEST] or holder.name
    cause = f"process {holder.pid} listens on it: {shown}"
    ground.trouble = [Finding(f"port {port}", cause, suggestion=f"kill {holder.pid}" if ends else "")]
    ground.lines = list(map(str, ground.trouble))
    ground.names = {"pid": str(holder.pid)}
    return ground


_VARIABLE = regex(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b")


def _variables_of(pid: int, task: str, proc: Path) -> Iterator[str]:
    """The variables that a task names, as a process was started with them."""
    names = dict.fromkeys(_VARIABLE.findall(task))
    try:
        stated = (proc / str(pid) / "environ").read_text(errors="replace").split("\0") if names else []
    except OSError:  # another user's
        return
    has = dict(each.split("=", 1) for each in stated if "=" in each)
    for name in names if has else ():
        told = f"has {name}={has[name]}" if name in has else f"has no variable {name}"
        yield f"process {pid} {told} in its own environment"


def _of_defunct(process: Process) -> Finding:
    return Finding(
        f"process {process.pid} ({process.name})",
        "it is defunct: it has ended already and cannot be killed, not even with kill -9; "
        f"it disappears when its parent, process {process.parent}, collects it or ends",
    )


def _own(table: Iterable[Process]) -> set[int]:
    """This process, those above it and its own: what runs the task is not what it is about."""
    parents = {process.pid: process.parent for process in table}
    found, pid = {child for child, parent in parents.items() if parent == os.getpid()}, os.getpid()
    while pid and pid not in found:
        found.add(pid)
        pid = parents.get(pid, 0)
    return found


def _all(proc: Path) -> Iterator[Process]:
    try:
        folders = [folder for folder in proc.iterdir() if folder.name.isdigit()]
    except OSError:
        return
    yield from filter(None, map(_read, folders))


def _read(folder: Path) -> Process | None:
    try:
        stat = (folder / "stat").read_text(errors="replace")
        words = (folder / "cmdline").read_text(errors="replace").split("\0")
    except OSError:  # it has ended, or is another user's
        return None
    name, _, rest = stat.partition("(")[2].rpartition(")")
    cells = rest.split()
    return Process(
        int(folder.name),
        int(cells[1]),
        name,
        cells[0],
        int(cells[21]) * _PAGE_KIB,
        tuple(filter(None, words)),
    )
