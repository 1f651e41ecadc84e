"""Programs on PATH that answer from a script: `kubectl` and `docker` for tests without cluster and engine."""

import json
import shlex
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

_TOOLS = "sh bash cat ls head tail sleep true false echo grep sort wc touch mkdir rm sed xargs env".split()


class Programs:
    """A PATH with nothing on it but a few tools of the system and what a test puts there."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        for tool in _TOOLS:
            found = shutil.which(tool)
            if found:
                (folder / tool).symlink_to(found)
        monkeypatch.setenv("PATH", str(folder))

    @property
    def calls(self) -> list[str]:
        """The command lines that ran, in order."""
        log = self.folder / "calls"
        return log.read_text().splitlines() if log.exists() else []

    def add(self, program: str, answers: Mapping[str, str], otherwise: str = "exit 1") -> None:
        """Adds a program.

        Args:
            program: Its name.
            answers: What it prints, by its arguments as a shell pattern; the first that fits counts. Behind
                `$ ` it is a script that runs instead.
            otherwise: The script for all other arguments.
        """
        lines = ["#!/bin/sh", f"printf '%s\\n' \"{program} $*\" >>{self.folder}/calls", 'case "$*" in']
        for number, (pattern, answer) in enumerate(answers.items()):
            kept = self.folder / f"{program}-{number}.answer"
            kept.write_text(answer)
            script = answer[2:] if answer.startswith("$ ") else f"cat {kept}"
            lines.append(f"{'*'.join(map(shlex.quote, pattern.split('*')))}) {script} ;;")
        new = self.folder / f"{program}.new"
        new.write_text("\n".join([*lines, f"*) {otherwise} ;;", "esac", ""]))
        new.chmod(0o755)
        new.replace(self.folder / program)  # the one before may be running

    def cluster(
        self,
        objects: Mapping[str, Iterable[Mapping[str, Any]]],
        current: str = "",
        logs: str = "Error: DB_HOST is not set\n",
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Adds a `kubectl` for a cluster with these objects by namespace."""
        answers = {"get ns -o name": "".join(f"namespace/{space}\n" for space in objects)}
        answers["config view --minify*"] = current
        everywhere = [(item, space) for space, items in objects.items() for item in items]
        lines = [f"{space} {item['metadata']['name']}\n" for item, space in everywhere]
        answers["get deployments,* -A --no-headers *"] = "".join(lines)
        for space, items in objects.items():
            everything = json.dumps({"items": [ROOT_CA, *items]})
            answers[f"-n {space} get pods,*"] = everything
            answers[f"-n {space} logs*"] = logs
            for item in items:
                one = f"get {item['kind'].lower()} {item['metadata']['name']} -o json"
                answers[f"-n {space} {one}"] = json.dumps(item)
                if space == (current or "default"):
                    answers[one] = json.dumps(item)
                answers[f"get {item['kind'].lower()} -A*metadata.name={item['metadata']['name']} *"] = (
                    json.dumps({"items": [item]})
                )
        self.add("kubectl", {**more, **answers})

    def engine(self, containers: Iterable[Mapping[str, Any]], images: Iterable[str] = ()) -> None:
        """Adds a `docker` with these containers."""
        inspected = list(containers)
        answers = {
            "ps -aq": "".join(f"{item['Id']}\n" for item in inspected),
            f"inspect {' '.join(item['Id'] for item in inspected)}": json.dumps(inspected),
            **{f"inspect {item['Id']}": json.dumps([item]) for item in inspected},
            "inspect *": "[]\n",
            "ps -a --format *": "".join(f"{item['Name'][1:]}\n" for item in inspected),
            "logs *": "fatal: no such table: orders\n",
            "images *": "".join(f"{image}\n" for image in images),
            "run *": "$ head -n 1 " + str(self.folder / "docker-0.answer"),
        }
        self.add("docker", answers)


ROOT_CA = {"kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt", "uid": "ca"}, "data": {"ca.crt": ""}}


def named(kind: str, name: str, namespace: str = "shop", **more: Any) -> dict[str, Any]:
    """An object of the cluster."""
    metadata = {"name": name, "namespace": namespace, "uid": f"{kind}-{name}", "generation": 1}
    return {"kind": kind, "metadata": metadata, **more}


def deployment(name: str, ready: int = 1, wanted: int = 1, **more: Any) -> dict[str, Any]:
    """A deployment; its container is called after it, with `-main` behind it."""
    containers = [{"name": f"{name}-main", "image": "nginx:1.25"}]
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}
    counts = {"observedGeneration": 1, "replicas": wanted, "updatedReplicas": wanted, "readyReplicas": ready}
    spec = {"replicas": wanted, "selector": {"matchLabels": {"app": name}}, "template": template}
    return named("Deployment", name, spec=spec, status=counts, **more)


def pod(name: str, crashes: bool = False, phase: str = "Running") -> dict[str, Any]:
    """A pod without owner."""
    ended = {"exitCode": 1, "reason": "Error", "finishedAt": "2026-01-01T00:00:00Z"}
    waits = {"waiting": {"reason": "CrashLoopBackOff"}}
    status = {
        "name": "main",
        "ready": not crashes,
        "restartCount": 7 if crashes else 0,
        "state": waits if crashes else {"running": {}},
        "lastState": {"terminated": ended} if crashes else {},
    }
    spec = {"containers": [{"name": "main", "image": "shop/api:3"}]}
    return named("Pod", name, spec=spec, status={"phase": phase, "containerStatuses": [status]})


def container(
    name: str, code: int = 0, status: str = "running", restarts: int = 0, labels: Any = None
) -> dict[str, Any]:
    """A container as `docker inspect` tells it."""
    return {
        "Id": name.encode().hex().ljust(64, "0")[:64],
        "Name": f"/{name}",
        "State": {"Status": status, "Running": status == "running", "ExitCode": code},
        "Config": {"Image": "redis:7", "Labels": labels},
        "HostConfig": {"PortBindings": {"6379/tcp": [{"HostPort": "16379"}]}},
        "NetworkSettings": {"Networks": {"bridge": {}}},
        "RestartCount": restarts,
    }
