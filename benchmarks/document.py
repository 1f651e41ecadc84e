"""The document: docs/benchmarks.md, made from the results that are kept in benchmarks/results."""

import platform
import re
import shlex
import subprocess
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

from benchmarks import levers, report, runs
from benchmarks.runs import Run, Session

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
DOCUMENT = ROOT / "docs" / "benchmarks.md"

AGENTS, LEVERS, NULL = (RESULTS / f"{name}.jsonl" for name in ("agents", "levers", "null"))
WHOLE = "with all levers"

_HEAD = """\
# Benchmarks

Made by `python -m benchmarks document` from the runs in `benchmarks/results/`; do not edit. A test checks
that it is up to date. `python -m benchmarks publish` makes all runs anew; which were made, and how, stands at
the end.

{count} tasks on a real Docker engine and a real Kubernetes cluster, each judged by the end state or by the
facts in the answer, never by what the agent claims. The split into `dev`, on which the agent was tuned,
and `test` is by a hash of the task's name. Of a negative task the honest answer is that it is impossible, not
allowed or already done. pass@1 is the mean over tasks of the share of runs that passed;
the interval comes from resampling tasks. A false claim is an answer that says a task is done when it is not.
Model calls and tokens are the agent's own count; tokens in are those that were evaluated, without what the
prefix cache held.
"""

_LEVERS_HEAD = """\
With all levers {passed} of {tasks} tasks of dev passed, with {calls} model calls in the median. Then each
lever was taken away alone, on those of these tasks where it was at work, one run each, in turns task by
task. A lever is at work where it changes anything that the agent does; on the other tasks there is nothing
to take away.
"""


def session(command: Sequence[str]) -> Session:
    """What is known of this machine and its services now."""
    return Session(
        date=datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        commit=_output("git -C . describe --always --dirty", cwd=ROOT),
        machine=_machine(),
        versions={name: version for name, version in _versions() if version},
        command=shlex.join(["python", "-m", "benchmarks", *command]).replace(str(Path.home()), "~"),
    )


def document(tasks: int) -> str:
    """The document as it has to stand in docs/."""
    parts = [_HEAD.format(count=tasks)]
    main, taken_away, null = (_judged(path) for path in (AGENTS, LEVERS, NULL))
    if main:
        parts += ["## Agents\n", _agents([*main, *null])]
        for name in dict.fromkeys(run.agent for run in main):
            parts += [f"## {name}\n", report.summary([run for run in main if run.agent == name])]
            # what fails on the test tasks stays unseen, so that nobody tunes on it
            dev = [run for run in main if run.agent == name and run.split == "dev"]
            if failed := report.failures(dev):
                parts.append(f"\n<details><summary>What failed on dev</summary>\n\n{failed}\n\n</details>")
    if taken_away:
        parts += ["## Levers\n", _levers(taken_away)]
    parts += ["## Circumstances\n", _circumstances([AGENTS, LEVERS, NULL])]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _judged(path: Path) -> list[Run]:
    return [run for run in runs.read(path) if run.staged]


def _agents(every: Sequence[Run]) -> str:
    lines = [
        "| agent | dev | test | negative | false claims | model calls, median | seconds, median |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(run.agent for run in every):
        own = [run for run in every if run.agent == name]
        groups = ([run for run in own if run.split == split] for split in ("dev", "test"))
        negative = [run for run in own if "negative" in run.tags]
        cells = [name, *map(report.share, groups), report.share(negative)]
        cells += [f"{sum(run.false_claim for run in own)} of {len(own)}", *report.medians(own)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def without(lever: str) -> str:
    """What the agent without a lever is called in the results."""
    return f"without {lever}"


def at_work(every: Iterable[Run], task: str) -> Sequence[str]:
    """The levers that were at work when the whole agent did a task; none before it did."""
    return next((run.levers for run in every if (run.agent, run.task) == (WHOLE, task) and run.staged), ())


def _levers(every: Sequence[Run]) -> str:
    whole = [run for run in every if run.agent == WHOLE]
    passed, calls = sum(run.passed for run in whole), report.medians(whole)[0]
    lines = [
        _LEVERS_HEAD.format(passed=passed, tasks=len(whole), calls=calls),
        "| lever | tasks where at work | passed without | passed with | false claims without | with "
        "| cost of the lever, seconds a task |",
        "|---|---|---|---|---|---|---|",
    ]
    for lever in levers.LEVERS:
        taken = [run for run in every if run.agent == without(lever)]
        shared = {run.task for run in whole} & {run.task for run in taken}
        a, b = ([run for run in side if run.task in shared] for side in (taken, whole))
        cost = sum(run.seconds for run in b) - sum(run.seconds for run in a)
        cells = (
            lever,
            len(shared),
            sum(run.passed for run in a),
            sum(run.passed for run in b),
            sum(run.false_claim for run in a),
            sum(run.false_claim for run in b),
            f"{cost / len(shared):+.1f}" if shared else "–",
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def _circumstances(paths: Iterable[Path]) -> str:
    lines: list[str] = []
    for path in paths:
        for one in runs.sessions(path):
            versions = ", ".join(f"{name} {version}" for name, version in one.versions.items())
            lines.append(f"- {one.date}, state {one.commit}: `{one.command}`\n  on {one.machine}; {versions}")
    return "\n".join(dict.fromkeys(lines)) or "No runs yet."


def _machine() -> str:
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").is_file() else ""
    model = re.search(r"^model name\s*: (.*)$", info, re.M)
    cores = _output("nproc")
    memory = _output("free -g | awk '/^Mem/ {print $2}'")
    return f"{model[1].strip() if model else platform.machine()}, {cores} cores, {memory} GiB of memory"


def _versions() -> Iterable[tuple[str, str]]:
    yield "Python", platform.python_version()
    for package in ("smolagents", "xllamacpp"):
        yield package, metadata.version(package)
    yield "Ollama", _output("curl -s -m 2 http://127.0.0.1:11434/api/version | grep -o '[0-9][0-9.]*'")
    yield "Docker", _output("docker version --format '{{.Server.Version}}'")
    yield (
        "Kubernetes",
        _output("kubectl version -o json | grep -A9 serverVersion | grep -o 'v[0-9][0-9.]*' | head -1"),
    )


def _output(command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30, cwd=cwd)
    return done.stdout.strip()
