"""The stage: sets a task up on real services, has it judged, and removes what appeared meanwhile."""

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tasks import Task

_LIB = Path(__file__).resolve().parent / "lib.sh"
_SCRIPT_SECONDS = 240
# Each kind of thing on a Docker engine: how its ids are listed and how one is removed. In this order.
_DOCKER = (
    ("docker ps -aq --no-trunc", "docker rm -fv"),
    ("docker network ls -q --no-trunc", "docker network rm"),
    ("docker volume ls -q", "docker volume rm -f"),
    ("docker images --format '{{.Repository}}:{{.Tag}}' | grep -v '<none>'", "docker rmi -f"),
    ("docker images -q --filter dangling=true", "docker rmi -f"),
)
_IN_DEFAULT = "all,configmaps,secrets,pvc,ingresses,networkpolicies,serviceaccounts,roles,rolebindings"


class StageError(Exception):
    """The stage could not be set: nothing is said about the agent."""


@dataclass(frozen=True)
class Stage:
    """A task that is set up.

    Attributes:
        prompt: The prompt with the names of this run.
        cwd: The agent's working directory.
        env: The agent's environment.
    """

    task: Task
    prompt: str
    cwd: Path
    env: dict[str, str]
    _script_env: dict[str, str]

    def judge(self, answer: str) -> tuple[bool, str]:
        """Whether the task is done, and why not."""
        Path(self._script_env["ANSWER"]).write_text(answer, encoding="utf-8")
        done = _bash(self.task.verify, self.cwd, self._script_env)
        return done.returncode == 0, "" if done.returncode == 0 else _tail(done.stdout)

    def solve(self) -> str:
        """Runs the reference solution and returns its answer.

        Raises:
            StageError: It fails.
        """
        done = _bash(self.task.solution, self.cwd, self._script_env)
        if done.returncode:
            raise StageError(f"the solution of {self.task.name} failed: {_tail(done.stdout)}")
        return done.stdout


@contextmanager
def staged(task: Task, repeat: int, context: str) -> Iterator[Stage]:
    """Sets a task up and removes everything afterwards.

    Raises:
        StageError: The set-up failed, or something of that name is there already.
    """
    with _alone():
        yield from _staged(task, repeat, context)


@contextmanager
def _alone() -> Iterator[None]:
    """One stage at a time on this machine: each removes whatever appeared since it was set."""
    with (Path(tempfile.gettempdir()) / "devops-agent-benchmark.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _staged(task: Task, repeat: int, context: str) -> Iterator[Stage]:
    names = {**task.names(repeat), "PORT": str(_free_port())}
    root = Path(tempfile.mkdtemp(prefix="bench-"))
    cwd, home, state = root / "work", root / "home", root / "state"
    for folder in (cwd, home, state):
        folder.mkdir()
    env = _agent_environment(task, names, home, context)
    scripts = {
        **os.environ,
        **names,
        **env,
        "CONTEXT": context,
        "STATE": str(state),
        "ANSWER": str(state / "answer"),
    }
    before = _Snapshot(task, context, names["NS"])
    try:
        for name, text in task.files.items():
            path = cwd / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(task.filled(text, names), encoding="utf-8")
        done = _bash(task.setup, cwd, scripts)
        if done.returncode:
            raise StageError(f"the set-up of {task.name} failed: {_tail(done.stdout)}")
        yield Stage(task, task.filled(task.prompt, names).strip(), cwd, env, scripts)
    finally:
        _bash(task.cleanup, cwd, scripts)
        before.restore()
        shutil.rmtree(root, ignore_errors=True)


def _agent_environment(task: Task, names: dict[str, str], home: Path, context: str) -> dict[str, str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("DEVOPS_AGENT_")}
    env["HOME"] = str(home)
    env["XDG_CACHE_HOME"] = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    env["KUBECONFIG"] = str(home / "kubeconfig")
    env.update({key: task.filled(value, names) for key, value in task.environment.items()})
    if task.needs("kubernetes"):
        config = _output(f"kubectl config view --raw --minify --context '{context}'")
        Path(env["KUBECONFIG"]).write_text(config)
    return env


class _Snapshot:
    """What was there before; a benchmark may remove only what appeared after it."""

    def __init__(self, task: Task, context: str, namespace: str) -> None:
        self._kubectl = f"kubectl --context '{context}'"
        self._docker = [_listed(listing) for listing, _ in _DOCKER] if task.needs("docker") else None
        self._namespaces: set[str] | None = None
        if task.needs("kubernetes"):
            self._wait_until_gone(namespace)
            self._namespaces = self._all_namespaces()
            self._default = self._in_default()

    def restore(self) -> None:
        if self._docker is not None:
            for (listing, remove), before in zip(_DOCKER, self._docker, strict=True):
                for new in sorted(_listed(listing) - before):
                    _output(f"{remove} '{new}'", check=False)
        if self._namespaces is None:
            return
        for new in self._all_namespaces() - self._namespaces:
            _output(f"{self._kubectl} delete pods --all -n '{new}' --grace-period=0 --force", check=False)
            _output(f"{self._kubectl} delete namespace '{new}' --wait=false", check=False)
        for new in self._in_default() - self._default:
            _output(f"{self._kubectl} delete '{new}' -n default --wait=false", check=False)

    def _all_namespaces(self) -> set[str]:
        return _listed(f"{self._kubectl} get namespaces -o jsonpath='{{.items[*].metadata.name}}'")

    def _in_default(self) -> set[str]:
        return _listed(f"{self._kubectl} get {_IN_DEFAULT} -n default -o name")

    def _wait_until_gone(self, namespace: str) -> None:
        phase = f"{self._kubectl} get namespace '{namespace}' -o jsonpath='{{.status.phase}}'"
        for _ in range(90):
            found = _output(phase, check=False).strip()
            if found == "Active":
                raise StageError(f"there is a namespace {namespace} already, and it is not the benchmark's")
            if not found:
                return
            time.sleep(1)
        raise StageError(f"the namespace {namespace} does not go away")


def _bash(script: str, cwd: Path, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Runs a script of a task; what it starts in the background may live on, so output goes to a file."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as out:
        run = subprocess.Popen(
            ["bash", "-c", f". '{_LIB}'\nset -e\n{script}"],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = run.wait(_SCRIPT_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            code = run.wait()
        out.seek(0)
        return subprocess.CompletedProcess(run.args, code, out.read(), "")


def _output(command: str, check: bool = True) -> str:
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120)
    if check and done.returncode:
        raise StageError(f"{command!r} failed: {_tail(done.stderr)}")
    return done.stdout


def _listed(command: str) -> set[str]:
    return set(_output(f"{command} || true").split())


def _tail(text: str) -> str:
    # without the folder of this run, which is another one each time
    return re.sub(r"\S*/bench-\w+/", "", " | ".join(text.strip().splitlines()[-3:]))[-400:]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
