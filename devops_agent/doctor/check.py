"""A check, and how checks run: all at once, within a time limit, none able to end the others."""

import queue
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from devops_agent.errors import UserError

State = Literal["ok", "warning", "failure"]
SECONDS = 5.0


@dataclass(frozen=True)
class Check:
    """What a check found.

    Attributes:
        name: What was looked at.
        state: "failure" where something that is there does not work, "warning" where something is missing
            that can be done without.
        text: What was found, in one line.
        fix: What to do where it is not "ok".
    """

    name: str
    state: State
    text: str
    fix: str = ""


Checker = Callable[[Mapping[str, str]], Iterable[Check]]


def run(checkers: Mapping[str, Checker], environ: Mapping[str, str], seconds: float = SECONDS) -> list[Check]:
    """Runs the checks at the same time.

    Args:
        checkers: Each check by the name under which it is told when it fails itself.
        environ: The environment.
        seconds: How long all of them may take.

    Returns:
        What they found, in their order.
    """
    done: queue.SimpleQueue[tuple[str, list[Check]]] = queue.SimpleQueue()

    def check(name: str, checker: Checker) -> None:
        done.put((name, _found(name, checker, environ)))

    for name, checker in checkers.items():
        # daemons: what waits for a file system that does not answer keeps nobody from leaving
        threading.Thread(target=check, args=(name, checker), daemon=True).start()
    found: dict[str, list[Check]] = {}
    deadline = time.monotonic() + seconds
    while len(found) < len(checkers):
        try:
            name, checks = done.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        found[name] = checks
    late = f"no answer in {seconds:g} s"
    return [
        each
        for name in checkers
        for each in found.get(name, [Check(name, "failure", late, "Try again, or look at it by hand.")])
    ]


def _found(name: str, checker: Checker, environ: Mapping[str, str]) -> list[Check]:
    try:
        return list(checker(environ))
    except ImportError as error:
        return [Check(name, "failure", f"the package {error.name} is missing", _REINSTALL)]
    except UserError as error:
        return [Check(name, "failure", str(error), "Correct that.")]
    except Exception as error:  # whatever is wrong with a machine, the doctor says it
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return [Check(name, "failure", f"it could not be looked at: {reason}", "Look at it by hand.")]


_REINSTALL = "Install the packages again: pip install -r requirements.txt"


class Output(NamedTuple):
    """What a program printed; `problem` is why it failed, "" where it did not."""

    text: str
    problem: str = ""


def output_of(command: Sequence[str], environ: Mapping[str, str], seconds: float) -> Output:
    """Runs a program that only looks."""
    try:
        done = subprocess.run(
            command,
            env=dict(environ),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        return Output("", "it is not installed")
    except subprocess.TimeoutExpired:
        return Output("", f"it does not answer in {seconds:g} s")
    except (OSError, ValueError) as error:
        return Output("", getattr(error, "strerror", None) or str(error))
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        return Output("", lines[-1].strip() if lines else f"it ended with exit code {done.returncode}")
    return Output(done.stdout.strip())


def version_in(text: str) -> str:
    """The first version number of a text; "" for none."""
    found = re.search(r"\d+(?:\.\d+)+\S*|\d+", text)
    return found[0].rstrip(",;()") if found else ""
