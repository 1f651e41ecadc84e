#!/usr/bin/env python3
"""Runs the nine core tasks on real services and judges what came of them, never what the agent says of it.

It needs a Docker engine and a Kubernetes cluster that may be changed; both must be able to pull nginx:1.25.

    benchmarks/core_tasks.py --kube-context NAME -- --backend llama-cpp
    benchmarks/core_tasks.py --kube-context NAME --repeat 3 -- --backend ollama --model qwen2.5-coder:1.5b

What stands behind `--` goes to devops-agent. Each run appends a line to results/core_tasks.jsonl.
Exit code 0 when every run passed, 1 otherwise.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
NAMESPACE = "core-tasks"
TASK_SECONDS = 600


def sh(command: str, check: bool = True) -> str:
    """Runs a command of the benchmark itself and returns what it printed."""
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=300)
    if check and done.returncode:
        raise RuntimeError(f"{command!r} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


@dataclass(frozen=True)
class Task:
    """A prompt, what must be there before, and a judge of the end state or of the facts in the answer."""

    name: str
    prompt: str
    judge: Callable[[str], bool]
    setup: Callable[[], object] = lambda: None
    cleanup: Callable[[], object] = lambda: None


# --- judges -----------------------------------------------------------------------------------------------


def names_all_pods(answer: str) -> bool:
    names = sh("kubectl get pods -n default -o name").replace("pod/", "").split()
    return bool(names) and all(name in answer for name in names)


def has_three_replicas(answer: str) -> bool:
    return sh(f"kubectl get deploy web -n {NAMESPACE} -o jsonpath={{.spec.replicas}}") == "3"


def is_exposed(answer: str) -> bool:
    found = json.loads(sh(f"kubectl get svc -n {NAMESPACE} -o json"))["items"]
    return any(
        service["spec"].get("selector") == {"app": "web"} and service["spec"]["ports"][0]["port"] == 80
        for service in found
    )


def names_containers(answer: str) -> bool:
    return all(name in answer for name in sh("docker ps --format {{.Names}}").split())


def image_is_built(answer: str) -> bool:
    return "hello from demo" in sh("docker run --rm demo:1", check=False)


def prints_hello_world(answer: str) -> bool:
    """Builds the Dockerfile and runs it; a base image that cannot be had here is replaced."""
    file = Path("Dockerfile")
    if not file.is_file():
        return False
    text = file.read_text()
    base = re.search(r"^FROM\s+(\S+)", text, re.MULTILINE | re.IGNORECASE)
    if not base:
        return False
    if subprocess.run(["docker", "pull", "-q", base[1]], capture_output=True).returncode:
        stand_in = "python:3.11-slim" if "python" in base[1] else "debian:bookworm-slim"
        text = text.replace(base[0], f"FROM {stand_in}", 1)
    Path("Dockerfile.judged").write_text(text)
    sh("docker build -q -t core-tasks-hello -f Dockerfile.judged .", check=False)
    return "hello world" in sh("docker run --rm core-tasks-hello", check=False).lower().replace(",", "")


def tells_hosts(answer: str) -> bool:
    lines = (line.split("#")[0].split() for line in Path("/etc/hosts").read_text().splitlines())
    return all(word in answer for words in lines for word in words)


def tells_path(answer: str) -> bool:
    return os.environ["PATH"] in answer


def dockerfile_exists(answer: str) -> bool:
    file = Path("Dockerfile")
    return file.is_file() and "FROM" in file.read_text().upper() and "exist" in answer.lower()


# --- tasks ------------------------------------------------------------------------------------------------


def deploy(name: str, namespace: str, replicas: int) -> None:
    sh(f"kubectl create namespace {namespace}", check=False)
    sh(f"kubectl create deployment {name} --image=nginx:1.25 --replicas={replicas} -n {namespace}")
    sh(f"kubectl rollout status deployment/{name} -n {namespace} --timeout=120s")


def drop_namespace() -> None:
    sh(f"kubectl delete namespace {NAMESPACE} --wait=true", check=False)


def remove_containers() -> None:
    sh("docker rm -f core-web core-cache", check=False)


def start_containers() -> None:
    remove_containers()
    sh("docker run -d --name core-web nginx:1.25 && docker run -d --name core-cache redis:7")


def write_dockerfile() -> None:
    sh("docker rmi -f demo:1", check=False)
    Path("Dockerfile").write_text('FROM busybox:1.36\nCMD ["echo", "hello from demo"]\n')


TASKS = (
    Task(
        "pods",
        "Get all pods in namespace default",
        names_all_pods,
        lambda: deploy("shop", "default", 2),
        lambda: sh("kubectl delete deployment shop -n default", check=False),
    ),
    Task(
        "scale",
        f"Scale deployment web in namespace {NAMESPACE} to 3 replicas",
        has_three_replicas,
        lambda: deploy("web", NAMESPACE, 1),
        drop_namespace,
    ),
    Task(
        "expose",
        f"Expose deployment web in namespace {NAMESPACE} with a service on port 80",
        is_exposed,
        lambda: deploy("web", NAMESPACE, 1),
        drop_namespace,
    ),
    Task(
        "containers", "Show running Docker containers", names_containers, start_containers, remove_containers
    ),
    Task(
        "build",
        "Build a Docker image tagged demo:1 from the Dockerfile in the current directory",
        image_is_built,
        write_dockerfile,
        lambda: sh("docker rmi -f demo:1", check=False),
    ),
    Task("hello", "Create a Dockerfile that prints Hello World", prints_hello_world),
    Task("hosts", "Read the contents of /etc/hosts", tells_hosts),
    Task("path", "Get the value of PATH environment variable", tells_path),
    Task("check", "Create a Dockerfile, then check if it exists", dockerfile_exists),
)


# --- runs -------------------------------------------------------------------------------------------------


@contextmanager
def empty_directory() -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="core-tasks-") as directory:
        os.chdir(directory)
        try:
            yield
        finally:
            os.chdir(before)


def run(task: Task, flags: list[str]) -> dict[str, object]:
    """One run of one task in an empty directory of its own."""
    with empty_directory():
        task.setup()
        started = time.monotonic()
        try:
            done = subprocess.run(
                [str(REPOSITORY / "devops-agent"), *flags, task.prompt],
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=TASK_SECONDS,
            )
            code, answer, log = done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired as expired:
            code, answer, log = -1, "", (expired.stderr or b"").decode(errors="replace")
        seconds = round(time.monotonic() - started, 1)
        passed = task.judge(answer)
        task.cleanup()
    return {
        "task": task.name,
        "passed": passed,
        "seconds": seconds,
        "exit_code": code,
        "flags": flags,
        "answer": answer,
        "log": log,
    }


def main() -> int:
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    flags = words[end + 1 :]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kube-context", required=True, metavar="NAME", help="the cluster to work on")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="runs of each task (default: 1)")
    parser.add_argument(
        "--task", action="append", choices=[task.name for task in TASKS], help="only this one"
    )
    parser.add_argument("--results", type=Path, default=REPOSITORY / "results" / "core_tasks.jsonl")
    options = parser.parse_args(words[:end])
    if sh("kubectl config current-context") != options.kube_context:
        parser.error(f"the current context is not {options.kube_context}; switch to it first")
    options.results.parent.mkdir(exist_ok=True)
    chosen = [task for task in TASKS if not options.task or task.name in options.task]
    passed = 0
    for turn in range(options.repeat):
        for task in chosen:
            result = run(task, flags)
            passed += bool(result["passed"])
            with options.results.open("a") as file:
                file.write(json.dumps(result, ensure_ascii=False) + "\n")
            verdict = "pass" if result["passed"] else "FAIL"
            print(
                f"{turn + 1} {task.name:12} {verdict} {result['seconds']:>6} s exit {result['exit_code']}",
                flush=True,
            )
    print(f"{passed} of {options.repeat * len(chosen)} passed")
    return 0 if passed == options.repeat * len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
