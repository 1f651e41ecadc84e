"""Where a command works: Kubernetes context, namespace and server, Docker endpoint, other host."""

import os
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from devops_agent.policy.call import Call

_CLUSTER_PROGRAMS = frozenset(
    """kubectl helm helmfile stern istioctl linkerd argocd flux velero cmctl tkn argo skaffold tilt kn cilium
    calicoctl clusterctl crossplane virtctl talosctl""".split()
)


@dataclass(frozen=True)
class Target:
    """Where a call works; "" for what is not known or does not apply."""

    context: str = ""
    namespace: str = ""
    server: str = ""  # the address of the cluster's API, of the Docker engine or of the host
    remote: bool = False  # it is not on this machine

    def __str__(self) -> str:
        """As one shows it to a person."""
        parts = [
            f"context {self.context}" if self.context else "",
            f"namespace {self.namespace}" if self.namespace else "",
            f"server {self.server}" if self.server else "",
        ]
        return ", ".join(filter(None, parts))


NOWHERE = Target()


# Variables, and what is set in their place, that say where a program works.
SETTINGS = (
    "KUBECONFIG",
    "HELM_KUBECONTEXT",
    "HELM_NAMESPACE",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "CONTAINER_HOST",
)
_USED_CONTEXT = "kubectl config use-context"


class Targets:
    """Finds out where calls work: from flags, the environment and the configurations of the tools."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._read: dict[str, tuple[float, Mapping[str, Any]]] = {}

    def of(self, call: Call, settings: Sequence[tuple[str, str]] = ()) -> list[Target]:
        """Where a call may work.

        Args:
            call: The call.
            settings: What is set in the same command, by name, and may or may not hold for the call.
        """
        found = [self._of(call, {name: value}) for name, value in (("", ""), *settings)]
        return [target for target in dict.fromkeys(found) if target != NOWHERE]

    def _of(self, call: Call, changed: Mapping[str, str]) -> Target:
        environ = {**self._environ, **changed}
        if call.rule.name in _CLUSTER_PROGRAMS:
            return self._cluster(call, environ)
        if call.rule.name in ("docker", "docker-compose"):
            return self._engine(call, environ)
        if call.rule.name in ("ssh", "sftp") and call.operands:
            host = call.texts[0].rpartition("@")[2]
            return Target(server=host, remote=not is_this_machine(host))
        return NOWHERE

    def _cluster(self, call: Call, environ: Mapping[str, str]) -> Target:
        configs = self._kubeconfigs(_last(call, "--kubeconfig") or environ.get("KUBECONFIG", ""), environ)
        used = environ.get(_USED_CONTEXT) or next(
            filter(None, (c.get("current-context") for c in configs)), ""
        )
        if call.rule.name == "helm":
            used = environ.get("HELM_KUBECONTEXT") or used
        name = used_context(call) or _last(call, "--context", "--kube-context") or used or ""
        context = _map(_named(configs, "contexts", name).get("context"))
        cluster = _map(_named(configs, "clusters", context.get("cluster")).get("cluster"))
        server = _last(call, "-s", "--server") if call.program == "kubectl" else ""
        server = server or str(cluster.get("server") or "")
        everywhere = "all" if call.given("-A", "--all-namespaces") else ""
        namespace = _last(call, "-n", "--namespace") or everywhere
        namespace = namespace or (environ.get("HELM_NAMESPACE", "") if call.rule.name == "helm" else "")
        namespace = namespace or str(context.get("namespace") or ("default" if name else ""))
        host = _host(server)
        return Target(str(name), namespace, server, bool(host) and not is_this_machine(host))

    def _engine(self, call: Call, environ: Mapping[str, str]) -> Target:
        if call.program == "podman":
            named = _last(call, "--connection") or environ.get("CONTAINER_CONNECTION", "")
            address = _last(call, "--url") or environ.get("CONTAINER_HOST", "")
            return Target(named, "", address, bool(named) or _is_elsewhere(address))
        context = _last(call, "--context")
        address = _last(call, "-H", "--host") or ("" if context else environ.get("DOCKER_HOST", ""))
        if address:
            return Target(context, "", address, _is_elsewhere(address))
        folder = Path(environ.get("DOCKER_CONFIG") or Path(environ.get("HOME", "~")).expanduser() / ".docker")
        context = (
            context
            or environ.get("DOCKER_CONTEXT")
            or self._config(folder / "config.json").get("currentContext", "")
        )
        if context in ("", "default"):
            return Target(context)
        address = self._endpoint(folder, context)
        return Target(context, "", address, _is_elsewhere(address) or not address)

    def _endpoint(self, folder: Path, context: str) -> str:
        """The address of the engine of a Docker context."""
        for path in folder.glob("contexts/meta/*/meta.json"):
            known = self._config(path)
            if known.get("Name") == context:
                return str(_map(_map(known.get("Endpoints")).get("docker")).get("Host") or "")
        return ""

    def _kubeconfigs(self, paths: str, environ: Mapping[str, str]) -> list[Mapping[str, Any]]:
        home = Path(environ.get("HOME", "~")).expanduser()
        places = [home / each.removeprefix("~/") for each in paths.split(os.pathsep) if each]
        return [self._config(place) for place in places or [home / ".kube/config"]]

    def _config(self, path: Path) -> Mapping[str, Any]:
        """A configuration in YAML or JSON, read again once it has changed."""
        try:
            changed = path.stat().st_mtime
        except (OSError, ValueError):
            return {}
        if self._read.get(str(path), (None,))[0] != changed:
            self._read[str(path)] = changed, _read(path)
        return self._read[str(path)][1]


def used_context(call: Call) -> str:
    """The context that `kubectl config use-context` chooses."""
    return call.texts[0] if call.verb in ("config use-context", "config use") and call.operands else ""


def settings(call: Call) -> list[tuple[str, str]]:
    """What a call sets for those behind it in a command, by name."""
    if call.program == "=" and call.texts[0] in SETTINGS:
        return [(call.texts[0], call.texts[1])]
    if call.rule.name == "kubectl" and (context := used_context(call)):
        return [(_USED_CONTEXT, context)]
    if call.program == "kubectx" and call.operands:
        return [(_USED_CONTEXT, call.texts[0])]
    if call.rule.name == "docker" and call.verb == "context use" and call.operands:
        return [("DOCKER_CONTEXT", call.texts[0])]
    return []


def _last(call: Call, *flags: str) -> str:
    return "".join(call.values(*flags)[-1:])


def _is_elsewhere(address: str) -> bool:
    """Whether the address of an engine is on another machine."""
    if not address or address.startswith(("unix:", "npipe:", "/")):
        return False
    host = _host(address if "://" in address else f"tcp://{address}")
    return not is_this_machine(host)


def _host(address: str) -> str:
    """The host of an address; what is none counts as another machine."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return address


def _read(path: Path) -> Mapping[str, Any]:
    import yaml  # slow, and seldom needed

    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return {}
    return _map(loaded)


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _named(configs: Sequence[Mapping[str, Any]], kind: str, name: object) -> Mapping[str, Any]:
    lists = [config.get(kind) for config in configs]
    entries = [each for found in lists if isinstance(found, list) for each in found]
    return next((each for each in entries if isinstance(each, dict) and each.get("name") == name), {})


def is_this_machine(host: str) -> bool:
    """Whether a host name or address is that of this machine."""
    name = host.strip("[]").lower()
    if re.fullmatch(r"localhost|127\.[\d.]+|::1|0\.0\.0\.0|kubernetes\.docker\.internal", name):
        return True
    return name in (socket.gethostname().lower(), socket.getfqdn().lower() if "." in name else name + "!")
