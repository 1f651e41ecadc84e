"""The document: docs/performance.md, made from the figures that are kept in benchmarks/results/speed.json."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.document import RESULTS, ROOT
from benchmarks.speed.measures import quartiles

FIGURES = RESULTS / "speed.json"
DOCUMENT = ROOT / "docs" / "performance.md"

_HEAD = """\
# Performance

Made by `python -m benchmarks.speed` from `benchmarks/results/speed.json`; do not edit. A test checks that it
is up to date. Times are seconds of the wall clock, as the median with both quartiles, each taken in turns
with what it is compared with: the machine's own speed varies by a fifth from minute to minute, the ratios
less.

"The bare engine" is llama.cpp in a process of its own, given the same requests that the agent made of it, one
after the other, with the beginnings of the prompts in its cache: what no agent can be faster than.
"""


def document() -> str:
    """The document as it has to stand in docs/."""
    told = json.loads(FIGURES.read_text(encoding="utf-8"))
    parts = [_HEAD, *_tasks(told["tasks"]), *_others(told), *_circumstances(told["circumstances"])]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _tasks(runs: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    yield "## A task\n"
    rows = []
    for name in dict.fromkeys(run["task"] for run in runs):
        own = [run for run in runs if run["task"] == name]
        rows.append([name, *_times(own), *(str(_middle(run[key] for run in own)) for key in _COUNTERS)])
    rows.append(["all", *_times(runs), *(str(_middle(run[key] for run in runs)) for key in _COUNTERS)])
    columns = [
        "task",
        "in a session",
        "as a new process",
        "the bare engine",
        "session ÷ bare",
        "process ÷ bare",
    ]
    yield _table([*columns, "model calls", "tokens evaluated", "from the cache", "written"], rows)
    yield "Of a new process (the engine stays from the one before):\n"
    parts = ("until first request", "own")
    named = ("until the first request to the engine", "what neither the engine nor a command took")
    rows = [
        [said, _told([run["process"][part] for run in runs])] for said, part in zip(named, parts, strict=True)
    ]
    yield _table(["", "seconds"], rows)


_COUNTERS = ("calls", "new", "cached", "output")


def _times(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    process = [run["process"]["seconds"] for run in runs]
    bare, warm = ([run[key] for run in runs] for key in ("bare", "warm"))
    ratios = ([a / b for a, b in zip(each, bare, strict=True)] for each in (warm, process))
    return [*map(_told, (warm, process, bare)), *map(_told, ratios)]


def _others(told: Mapping[str, Any]) -> Iterable[str]:
    yield "## Beside that\n"
    busy = told["busy core"]
    ratio = _middle(busy["busy"]) / _middle(busy["quiet"])
    start, steps, history = told["start"], told["steps"], told["history"]
    rows = [
        ["engine: prompt tokens a second", _told(told["engine"]["prompt"])],
        ["engine: tokens written a second", _told(told["engine"]["output"])],
        ["a task on a quiet machine, s", _told(busy["quiet"])],
        ["the same with one core kept busy by another process, s", _told(busy["busy"])],
        ["busy ÷ quiet", f"{ratio:.2f}"],
        ["`--help`, ms", _told([1000 * each for each in start["help"]], 0)],
        ["an empty Python, ms", _told([1000 * each for each in start["python"]], 0)],
        [
            "a step without a model, with the command `true`, ms",
            _told([1000 * each for each in steps["step"]], 1),
        ],
        ["that command alone, ms", _told([1000 * each for each in steps["command"]], 1)],
        ["the agent's part of a turn behind 20 turns, ms", _told([1000 * each for each in history["20"]], 1)],
        ["the same behind 200 turns, ms", _told([1000 * each for each in history["200"]], 1)],
        *([f"memory, {name}, MiB", str(size)] for name, size in told["memory"].items()),
    ]
    yield _table(["", ""], rows)


def _circumstances(told: Mapping[str, Mapping[str, str]]) -> Iterable[str]:
    yield "## Circumstances\n"
    lines: dict[str, list[str]] = {}
    for measure, those in told.items():
        lines.setdefault("; ".join(f"{name} {value}" for name, value in those.items()), []).append(measure)
    yield "\n".join(f"- {', '.join(measures)}: {those}" for those, measures in lines.items())


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _middle(values: Iterable[float]) -> float:
    return quartiles(list(values))[1]


def _told(values: Sequence[float], digits: int = 2) -> str:
    low, middle, high = (f"{value:.{digits}f}" for value in quartiles(values))
    return f"{middle} ({low} to {high})"
