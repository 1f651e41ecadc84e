"""Measures the agent's speed on this machine and writes docs/performance.md: about 25 minutes.

python -m benchmarks.speed [--repeats N] [--only WHAT …] [--publish]
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from benchmarks import document as benchmark_document
from benchmarks.speed import document, measures

# Of which memory is measured: requests to the engine, tasks in a session.
_REQUESTS = 200


def main() -> int:
    """Measures what is asked for, and writes the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="runs of each task")
    parser.add_argument("--only", nargs="+", choices=list(_measures(1)), help="leave the rest as it was")
    parser.add_argument("--publish", action="store_true", help="only write the document")
    options = parser.parse_args()
    # as on a user's machine: the engine stays, and Python keeps what it has compiled
    for name in ("DEVOPS_AGENT_KEEP_ALIVE", "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)
    told = json.loads(document.FIGURES.read_text(encoding="utf-8")) if document.FIGURES.is_file() else {}
    for name, measure in _measures(options.repeats).items():
        if not options.publish and (options.only is None or name in options.only):
            print(f"measuring: {name}", file=sys.stderr, flush=True)
            told[name] = measure()
            told.setdefault("circumstances", {})[name] = _circumstances()
            document.FIGURES.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    document.DOCUMENT.write_text(document.document(), encoding="utf-8")
    return 0


def _measures(repeats: int) -> dict[str, Callable[[], Any]]:
    suite = measures.suite()
    disk = next(task for task in suite if task.name == "disk-and-memory")
    return {
        "tasks": lambda: measures.of_tasks(suite, repeats),
        "busy core": lambda: measures.of_busy_core(disk, repeats),
        "engine": lambda: measures.of_engine(repeats),
        "start": lambda: measures.of_start(10 * repeats),
        "steps": lambda: measures.of_steps(10 * repeats),
        "history": lambda: measures.of_history(10 * repeats),
        "memory": lambda: {
            **measures.of_memory(_REQUESTS),
            **measures.of_session_memory(_REQUESTS),
        },
    }


def _circumstances() -> dict[str, str]:
    session = benchmark_document.session(())
    used = ("Python", "smolagents", "xllamacpp")
    versions = ", ".join(f"{name} {session.versions[name]}" for name in used)
    return {"date": session.date, "state": session.commit, "machine": session.machine, "versions": versions}


if __name__ == "__main__":
    sys.exit(main())
