"""The Docker engine and the Kubernetes cluster."""

import grp
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from devops_agent import kube_context
from devops_agent.doctor.check import Check, output_of

_DOCKER_SECONDS = 3.0
_CLUSTER_SECONDS = 3.0
_WHO_SECONDS = 1.0
_SOCKET = "unix:///var/run/docker.sock"


def docker(environ: Mapping[str, str]) -> Iterator[Check]:
    """Whether a Docker engine answers, and if not, what keeps it from that."""
    if not shutil.which("docker", path=environ.get("PATH", "")):
        yield Check("Docker", "warning", "docker is not installed", "Install it, if your tasks need it.")
        return
    endpoint = _endpoint(environ)
    socket = Path(endpoint.removeprefix("unix://")) if endpoint.startswith("unix://") else None
    if socket is not None and (problem := _socket_problem(socket)):
        yield problem
        return
    output = output_of(["docker", "version", "--format", "{{.Server.Version}}"], environ, _DOCKER_SECONDS)
    where = f"{endpoint}{_group(socket)}"
    if output.problem:
        yield Check("Docker", "failure", f"no engine answers at {where}: {output.problem}", _start())
    else:
        yield Check("Docker", "ok", f"engine {output.text} at {where}")


def _endpoint(environ: Mapping[str, str]) -> str:
    """The address of the engine: DOCKER_HOST, else that of the context."""
    if host := environ.get("DOCKER_HOST", "").strip():
        return host
    words = ("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    return output_of(["docker", *words], environ, _WHO_SECONDS).text or _SOCKET


def _socket_problem(socket: Path) -> Check | None:
    try:
        is_there = socket.is_socket()
    except OSError as error:
        return Check("Docker", "failure", f"{socket}: {error.strerror}", _allow())
    if not is_there:
        return Check("Docker", "failure", f"there is no socket {socket}", _start())
    if not os.access(socket, os.R_OK | os.W_OK):
        return Check("Docker", "failure", f"you may not open {socket}{_group(socket)}", _allow())
    return None


def _group(socket: Path | None) -> str:
    try:
        return f" (group {grp.getgrgid(socket.stat().st_gid).gr_name})" if socket else ""
    except (OSError, KeyError):
        return ""


def _allow() -> str:
    return "Join its group, then log in again: sudo usermod -aG docker $USER"


def _start() -> str:
    is_mac = sys.platform == "darwin"
    return (
        "Start Docker Desktop."
        if is_mac
        else "Start it (sudo systemctl start docker), or correct DOCKER_HOST."
    )


def kubernetes(environ: Mapping[str, str]) -> Iterator[Check]:
    """The kubeconfig, whether its cluster answers, and as whom."""
    if not shutil.which("kubectl", path=environ.get("PATH", "")):
        yield Check("Kubernetes", "warning", "kubectl is not installed", "Install it, if your tasks need it.")
        return
    files = kube_context.files(environ)
    if broken := list(_unreadable(files)):
        yield from broken
        return
    shown = ", ".join(map(str, files))
    context, namespace = kube_context.current(environ)
    if context:
        yield Check("kubeconfig", "ok", f"{shown}: context {context}, namespace {namespace}")
    elif any(path.exists() for path in files):
        fix = "Choose one: kubectl config use-context NAME"
        yield Check("kubeconfig", "warning", f"{shown}: no current context", fix)
    elif not environ.get("KUBERNETES_SERVICE_HOST"):
        yield Check("kubeconfig", "warning", f"there is none: {shown}", "Set KUBECONFIG, or copy one there.")
        return
    yield _cluster(environ)


def _unreadable(files: list[Path]) -> Iterator[Check]:
    import yaml

    for path in files:
        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8"))
            problem = "" if isinstance(found, dict) else "it holds no configuration"
        except FileNotFoundError:
            continue
        except OSError as error:
            problem = error.strerror or str(error)
        except (ValueError, RecursionError, yaml.YAMLError) as error:
            problem = " ".join(str(error).split())
        if problem:
            yield Check("kubeconfig", "failure", f"{path} cannot be read: {problem}", "Correct or remove it.")


def _cluster(environ: Mapping[str, str]) -> Check:
    started = time.monotonic()
    command = ["kubectl", "get", "--raw", "/version", f"--request-timeout={_CLUSTER_SECONDS:g}s"]
    output = output_of(command, environ, _CLUSTER_SECONDS)
    took = time.monotonic() - started
    if output.problem:
        fix = "See that it runs and that this machine reaches it: kubectl cluster-info"
        return Check("cluster", "failure", output.problem, fix)
    who = output_of(
        ["kubectl", "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"], environ, _WHO_SECONDS
    )
    return Check("cluster", "ok", f"answers in {took:.1f} s{f', as {who.text}' if who.text else ''}")
