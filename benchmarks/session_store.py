"""What 10,000 kept sessions cost at the start and in a list, against an empty store: half a minute.

python -m benchmarks.session_store [--sessions N] [--repeats N]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.agents import ROOT
from devops_agent.events import Started
from devops_agent.session_database import FILE, connect, transaction
from devops_agent.session_store import SessionStore

_LIMIT_MS = 50.0
_TURNS, _STEPS, _OUTPUT = 2, 3, "NAME READY STATUS RESTARTS AGE\n" * 32
_LIST = """
import argparse, sys
from pathlib import Path
from devops_agent.commands.sessions import sessions_command
sessions_command(argparse.Namespace(action="list"), Path(sys.argv[1]), sys.stdout)
"""


def main() -> int:
    """Prints the figures; 1 when a full store costs more than an empty one by the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        empty, full = Path(folder, "empty", FILE), Path(folder, "full", FILE)
        connect(empty).close()
        _fill(full, options.sessions)
        print(f"{options.sessions} sessions in {full.stat().st_size / 1e6:.0f} MB")
        pairs = (("sessions list, a process", _list), ("open and start a recording", _record))
        costs = [_compared(name, work, empty, full, options.repeats) for name, work in pairs]
    return 0 if max(costs) < _LIMIT_MS else 1


def _compared(name: str, work: Callable[[Path], None], empty: Path, full: Path, repeats: int) -> float:
    """Times both stores in turn, and gives the difference of the medians in milliseconds."""
    times: dict[Path, list[float]] = {empty: [], full: []}
    for _ in range(repeats):
        for path in (empty, full):
            began = time.perf_counter()
            work(path)
            times[path].append((time.perf_counter() - began) * 1000)
    without, with_all = statistics.median(times[empty]), statistics.median(times[full])
    print(
        f"{name}: empty {without:.1f} ms, full {with_all:.1f} ms, difference {with_all - without:+.1f} ms",
        flush=True,
    )
    return with_all - without


def _list(path: Path) -> None:
    command = [sys.executable, "-c", _LIST, str(path)]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


def _record(path: Path) -> None:
    recording = SessionStore(path).start("/shop", "m")
    recording(Started("Show the pods"))
    recording.close()


def _fill(path: Path, sessions: int) -> None:
    with closing(connect(path)) as db, transaction(db):
        db.executemany(
            "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, 'm', ?, 1, 'x')",
            ((f"{n:08x}", n, n, n, f"/project-{n % 50}", f"Scale web to {n}") for n in range(sessions)),
        )
        db.executemany(
            "INSERT INTO turns (id, session, number, task, started, ended, ok) VALUES (?, ?, ?, ?, 0, 1, 1)",
            (
                (n * _TURNS + turn, f"{n:08x}", turn, f"Scale web to {n}")
                for n in range(sessions)
                for turn in range(_TURNS)
            ),
        )
        db.executemany(
            """INSERT INTO steps (turn, number, tool, arguments, effect, started, ended, ok, output)
            VALUES (?, ?, 'bash', ?, 'read', 0, 1, 1, ?)""",
            _steps(sessions * _TURNS),
        )


def _steps(turns: int) -> Iterator[tuple[int, int, str, str]]:
    arguments = json.dumps({"command": "kubectl get pods"})
    return ((turn, step, arguments, _OUTPUT) for turn in range(turns) for step in range(_STEPS))


if __name__ == "__main__":
    sys.exit(main())
