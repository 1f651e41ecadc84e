"""Reports: what the runs of a file come to, and two files side by side."""

import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from benchmarks.runs import Run

_RESAMPLES = 2000


def score(runs: Sequence[Run]) -> float:
    """pass@1: the mean over tasks of the share of their runs that passed; nan without runs."""
    means = _by_task(runs)
    return statistics.fmean(means) if means else float("nan")


def interval(runs: Sequence[Run]) -> tuple[float, float]:
    """The 95% interval of the score, by resampling tasks (their repeats are not independent)."""
    means = _by_task(runs)
    if not means:
        return float("nan"), float("nan")
    draw = random.Random(0)
    scores = sorted(statistics.fmean(draw.choices(means, k=len(means))) for _ in range(_RESAMPLES))
    return scores[int(0.025 * _RESAMPLES)], scores[int(0.975 * _RESAMPLES)]


def penalised(runs: Sequence[Run]) -> float:
    """The score with a false claim counted as two failures."""
    weights = [2 if run.false_claim else 1 for run in runs]
    return sum(run.passed for run in runs) / sum(weights) if runs else float("nan")


def summary(runs: Sequence[Run]) -> str:
    """A Markdown table of the runs of one agent, by split, kind and runbook."""
    lines = [
        "| | tasks | runs | pass@1 | 95% interval | false claims | score with those as two failures "
        "| model calls, median | seconds, median | tokens in / out, mean |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_row(name, chosen) for name, chosen in _groups(runs) if chosen]
    return "\n".join(lines)


def comparison(first: Sequence[Run], second: Sequence[Run]) -> str:
    """Two sets of runs on the tasks that both have."""
    shared = {run.task for run in first} & {run.task for run in second}
    a, b = ([run for run in runs if run.task in shared] for runs in (first, second))
    lines = ["| task | A | B | seconds A | seconds B |", "|---|---|---|---|---|"]
    for task in sorted(shared):
        of_a, of_b = ([run for run in runs if run.task == task] for runs in (a, b))
        if score(of_a) != score(of_b):
            times = f"{_median(of_a, _seconds)} | {_median(of_b, _seconds)}"
            lines.append(f"| {task} | {_passes(of_a)} | {_passes(of_b)} | {times} |")
    total = f"{_percent(score(a))} | {_percent(score(b))} | {_median(a, _seconds)} | {_median(b, _seconds)}"
    lines.append(f"| **all {len(shared)}** (above: where they differ) | {total} |")
    return "\n".join(lines)


def failures(runs: Sequence[Run]) -> str:
    """A line for each run that failed, with what the judge missed."""
    return "\n".join(
        f"- {run.task}, repeat {run.repeat}{', false claim' * run.false_claim}: {run.why or 'no word'}"
        for run in runs
        if not run.passed
    )


def share(runs: Sequence[Run]) -> str:
    """pass@1 with its interval, as a cell of a table."""
    low, high = interval(runs)
    return f"{_percent(score(runs))} ({_percent(low)} to {_percent(high)})" if runs else "–"


def medians(runs: Sequence[Run]) -> tuple[str, str]:
    """The medians of model calls and seconds, as cells."""
    return _median(runs, lambda run: run.steps), _median(runs, _seconds)


def _groups(runs: Sequence[Run]) -> Iterable[tuple[str, list[Run]]]:
    yield "all", list(runs)
    for split in ("dev", "test"):
        yield split, [run for run in runs if run.split == split]
    for tag in ("everyday", "docker", "kubernetes", "files", "system", "diagnose", "multi-step", "negative"):
        yield tag, [run for run in runs if tag in run.tags]
    if any(run.runbook for run in runs):
        yield "a runbook matched", [run for run in runs if run.runbook]
        yield "no runbook", [run for run in runs if not run.runbook]


def _row(name: str, runs: Sequence[Run]) -> str:
    low, high = interval(runs)
    tokens = " / ".join(_mean([getattr(run, side) for run in runs]) for side in ("tokens_in", "tokens_out"))
    cells = (
        name,
        len({run.task for run in runs}),
        len(runs),
        _percent(score(runs)),
        f"{_percent(low)} to {_percent(high)}",
        sum(run.false_claim for run in runs),
        _percent(penalised(runs)),
        *medians(runs),
        tokens,
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def _by_task(runs: Sequence[Run]) -> list[float]:
    results: dict[str, list[bool]] = defaultdict(list)
    for run in runs:
        results[run.task].append(run.passed)
    return [statistics.fmean(passes) for passes in results.values()]


def _seconds(run: Run) -> float:
    return run.seconds


def _median(runs: Sequence[Run], of: Callable[[Run], float | None]) -> str:
    values = [value for run in runs if (value := of(run)) is not None]
    return f"{statistics.median(values):g}" if values else "–"


def _mean(values: Sequence[int | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.fmean(known):.0f}" if known else "–"


def _passes(runs: Sequence[Run]) -> str:
    return f"{sum(run.passed for run in runs)} of {len(runs)}"


def _percent(share: float) -> str:
    return f"{share:.0%}"
