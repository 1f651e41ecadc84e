"""What is measured. Times are in seconds, each beside what it is compared with, in the same run."""

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from agent import DevOpsAgent, bash
from benchmarks import tasks
from benchmarks.agents import ROOT
from benchmarks.speed.bare import BareEngine, begin_anew, listening
from benchmarks.stage import Stage, staged
from benchmarks.tasks import Task
from devops_agent import __main__ as composition
from devops_agent import events, session_store, settings
from devops_agent.dialogue.conversation import Conversation, not_done
from devops_agent.engines import resident, tuning
from devops_agent.scripted import ScriptedModel
from devops_agent.session import Session
from devops_agent.session_store import SessionStore

_CALL = '<tool_call>{{"name": "bash", "arguments": {{"command": "{}"}}}}</tool_call>'
_STEPS = 12
_LISTS_MUCH = (
    _CALL.format("seq 1 900"),
    '<tool_call>{"name": "final_answer", "arguments": {"answer": "Done."}}</tool_call>',
)
_AGENT = (sys.executable, "-m", "devops_agent", "--backend", "llama-cpp")
_BUSY = (sys.executable, "-c", "while True: pass")
# Nothing of it is in any cache.
_NEW_TEXT = " ".join(f"node-{number:03} runs {number * 7 % 13} pods" for number in range(40))


def of_tasks(suite: Sequence[Task], repeats: int) -> list[dict[str, Any]]:
    """Each task in a session, by the bare engine and in a process of its own, in turns."""
    found: list[dict[str, Any]] = []
    session, told = _session()
    bare: BareEngine | None = None
    for repeat in range(repeats):
        for task in suite:
            with staged(task, repeat, "none") as stage, _at(stage):
                model = session.agent.model
                bare = bare or BareEngine(model.told)
                for process in (bare.process, model._running()):
                    begin_anew(process, model.beginnings)
                warm, requests = _in_session(session, stage.prompt, told)
                run = {"task": task.name, "warm": warm, "bare": bare.seconds(requests)}
                begin_anew(model._running(), model.beginnings)
            with staged(task, repeat, "none") as stage:
                run["process"] = _in_process(stage)
            found.append({**run, **_counts(requests, told)})
            print(json.dumps(found[-1]), flush=True)
    if bare:
        bare.process.close()
    return found


def of_busy_core(task: Task, repeats: int) -> dict[str, list[float]]:
    """A task on a quiet machine and with one core kept busy, in turns."""
    found: dict[str, list[float]] = {"quiet": [], "busy": []}
    session, _ = _session()
    model = session.agent.model
    for repeat in range(repeats):
        for name in found:
            begin_anew(model._running(), model.beginnings)
            with staged(task, repeat, "none") as stage:
                other = subprocess.Popen(_BUSY) if name == "busy" else None
                try:
                    found[name].append(_in_process(stage)["seconds"])
                finally:
                    if other:
                        other.kill()
                        other.wait()
    return found


def of_engine(repeats: int) -> dict[str, list[float]]:
    """The bare engine's speed in tokens a second."""
    session, _ = _session()
    bare = BareEngine(session.agent.model.told)
    rates = [bare.rate(f"{number} {_NEW_TEXT}") for number in range(repeats)]
    bare.process.close()
    return {"prompt": [rate for rate, _ in rates], "output": [rate for _, rate in rates]}


def of_start(repeats: int) -> dict[str, list[float]]:
    """How long `--help` takes, and an empty Python for comparison."""
    commands = {
        "help": (sys.executable, "-m", "devops_agent", "--help"),
        "python": (sys.executable, "-c", ""),
    }
    return {name: [_took(command) for _ in range(repeats)] for name, command in commands.items()}


def of_steps(repeats: int) -> dict[str, list[float]]:
    """What a step takes in a session when neither the model nor the command takes anything."""
    calls = [_CALL.format(f"true {number}") for number in range(_STEPS)]
    model = ScriptedModel(itertools.cycle([*calls, _LISTS_MUCH[-1]]))
    session = _scripted(model, lambda _: None)
    times = []
    for number in range(repeats + 1):
        began = time.perf_counter()
        session.do(f"be true {_STEPS} times, for the {number}th time")
        times.append((time.perf_counter() - began) / (_STEPS + 1))
    bare = [_took(("true",)) for _ in range(10 * repeats)]
    return {"step": times[1:], "command": bare}  # at the first one, what is seldom needed is imported


def of_history(repeats: int) -> dict[str, list[float]]:
    """What a turn's own part costs behind 20 and behind 200 turns: to tell what "it" is, and what is sent."""
    found: dict[str, list[float]] = {"20": [], "200": []}
    for _ in range(repeats):
        for count, times in found.items():
            conversation = Conversation(15_000)
            for number in range(int(count)):
                conversation.add(not_done(f"Scale the deployment web-{number} to 3", "it is not there " * 12))
            began = time.perf_counter()
            conversation.resolved("and its logs?")
            conversation.messages([{"role": "user", "content": "and its logs?"}])
            times.append(time.perf_counter() - began)
    return found


def of_memory(requests: int) -> dict[str, int]:
    """The most memory that the engine and the agent had, and the engine's after many requests; in MiB."""
    session, _ = _session()
    model = session.agent.model
    (engine,) = (path for path in resident.running(resident.folder(os.environ)))
    pid = _listener(engine)
    found = {"engine, loaded": _resident_size(pid)}
    for number in range(requests):
        tuning.answer(model._running(), f"Is {number} even? Answer with yes or no.", 4)
        if number == requests // 10:
            found[f"engine, after {number} requests"] = _resident_size(pid)
    found[f"engine, after {requests} requests"] = _resident_size(pid)
    found["engine, most"] = _resident_size(pid, "VmHWM")
    found["agent, most"] = _resident_size(os.getpid(), "VmHWM")
    return found


def of_session_memory(count: int) -> dict[str, int]:
    """The memory of the agent in one session of many tasks, without a model; in MiB."""
    told: list[Any] = []
    found = {}
    model = ScriptedModel(itertools.cycle(_LISTS_MUCH))
    with tempfile.TemporaryDirectory() as folder:
        session = _scripted(model, told.append)
        session.store = SessionStore(Path(folder) / session_store.FILE, str, told.append)
        session.begin()
        for number in range(1, count + 1):
            session.do(f"count to 900 for the {number}th time")
            for kept in (told, model.requests, model.offered):
                kept.clear()
            if number in (count // 10, count):
                found[f"agent, after {number} tasks"] = _resident_size(os.getpid())
        session.close()
    return found


# --- the agent --------------------------------------------------------------------------------------------


def _session() -> tuple[Session, list[events.Event]]:
    """A session with the engine that stays, and what it tells."""
    told: list[events.Event] = []
    chosen = settings.load({"backend": "llama-cpp", "assume_yes": True}, os.environ)
    return Session(chosen, composition._new_agent, told.append), told


def _scripted(model: ScriptedModel, listener: events.Listener) -> Session:
    """A session without an engine."""
    made = DevOpsAgent([bash], model, max_steps=2 * _STEPS)
    return Session(settings.load({"assume_yes": True}, {}), lambda _: made, listener)


def _in_session(
    session: Session, prompt: str, told: list[events.Event]
) -> tuple[float, list[dict[str, Any]]]:
    session.conversation.clear()
    told.clear()
    requests: list[dict[str, Any]] = []
    with listening(requests):
        began = time.perf_counter()
        session.do(prompt)
        return time.perf_counter() - began, requests


def _in_process(stage: Stage) -> dict[str, float]:
    """A run as a process: its time, until its first request, and what neither engine nor commands took."""
    environment = {**stage.env, "PYTHONPATH": str(ROOT)}
    first, spent, calls = 0.0, 0.0, 0
    began = time.perf_counter()
    with subprocess.Popen(
        [*_AGENT, "--json", "--yes", "--no-stdin", "--", stage.prompt],
        cwd=stage.cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as run:
        assert run.stdout
        for line in run.stdout:
            event = json.loads(line)
            if event["type"] in ("usage", "observation"):
                spent += event["seconds"]
                calls += event["type"] == "usage"
                first = first or time.perf_counter() - began - event["seconds"]
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "until first request": first, "own": seconds - spent, "requests": calls}


def _counts(requests: Sequence[dict[str, Any]], told: Iterable[events.Event]) -> dict[str, int]:
    """Counters that no other process changes."""
    done = [event for event in told if isinstance(event, events.Exchange)]
    prompt, cached = (
        sum(getattr(each, f"{name}_tokens") or 0 for each in done) for name in ("prompt", "cached")
    )
    output = sum(each.output_tokens or 0 for each in done)
    return {"calls": len(requests), "new": prompt - cached, "cached": cached, "output": output}


@contextmanager
def _at(stage: Stage) -> Iterator[None]:
    """This process in the place of the task."""
    here, before = Path.cwd(), dict(os.environ)
    os.chdir(stage.cwd)
    os.environ.update(stage.env)
    try:
        yield
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)


def _took(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, cwd=ROOT)
    return time.perf_counter() - began


def _listener(path: Path) -> int:
    """The process that made a socket."""
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(path).encode() in (each / "cmdline").read_bytes():
                return int(each.name)
    raise LookupError(path)


def _resident_size(pid: int, field: str = "VmRSS") -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(f"{field}:"))


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """The lower quartile, the median and the upper quartile."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def suite() -> list[Task]:
    """The tasks that are timed: those that need neither cluster nor engine."""
    return tasks.select(tasks.load(), "smoke")
