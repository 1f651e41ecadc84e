"""What a session says first: what it works with, and what of that cannot be reached."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from devops_agent import kube_context
from devops_agent.folders import home_folder
from devops_agent.settings import Settings
from devops_agent.symbols import Symbols

BANNER = "DevOps Agent - Interactive Mode"
APPROVAL_BANNER = "Approval mode enabled - you'll be asked to approve each tool call"
HINT = "Type your task and press Enter. Type 'exit' or 'quit' to leave."
_SOCKET = "unix:///var/run/docker.sock"


def banner(signs: Symbols, approval: bool) -> str:
    """The first lines."""
    lines = [f"{signs.agent} {BANNER}"]
    lines += [f"{signs.warning}  {APPROVAL_BANNER}"] if approval else []
    return "\n".join([*lines, HINT])


def facts(chosen: Settings, environ: Mapping[str, str]) -> str:
    """Where the session works and what it may do, as far as files tell: nothing is asked."""
    context, namespace = kube_context.current(environ)
    cluster = f"context {context}, namespace {namespace}" if context else "no context"
    return "\n".join(
        [f"Kubernetes: {cluster}", f"Docker: {docker_endpoint(environ)}", f"Approval: {approval(chosen)}"]
    )


def approval(chosen: Settings) -> str:
    """What is asked for, in a few words."""
    if chosen.read_only:
        return "nothing is changed"
    if chosen.require_approval:
        return "each tool call is asked for"
    return "nothing is asked for" if chosen.assume_yes else "what destroys is asked for"


def docker_endpoint(environ: Mapping[str, str]) -> str:
    """Which engine `docker` uses, as the environment and its configuration say."""
    context = environ.get("DOCKER_CONTEXT", "")
    if host := environ.get("DOCKER_HOST", ""):
        return host
    if not context:
        folder = Path(environ.get("DOCKER_CONFIG") or home_folder(environ) / ".docker")
        with suppress(OSError, ValueError, AttributeError):
            context = str(json.loads((folder / "config.json").read_text()).get("currentContext") or "")
    return _SOCKET if context in ("", "default") else f"context {context}"


def troubles() -> Iterator[str]:
    """What of cluster and engine cannot be reached, a line each; it takes up to some seconds."""
    from devops_agent.diagnosis import diagnose

    context, namespace = kube_context.current(os.environ)
    if context and (problem := diagnose.unreachable(namespace)):
        yield f"Kubernetes: {problem}."
    if not diagnose.engine_answers():
        yield f"Docker: no engine answers at {docker_endpoint(os.environ)}. See devops-agent doctor."
