"""Where a command works: Kubernetes context, namespace and server, Docker endpoint, other host."""

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from devops_agent.policy.call import Call

_CLUSTER_PROGRAMS = ("kubectl", "helm", "helmfile", "stern", "istioctl")


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


class Targets:
    """Finds out where calls work: from flags, the environment and the kubeconfig, which is read once."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._kubeconfigs: dict[str, Mapping[str, Any]] = {}

    def of(self, call: Call) -> Target:
        """Where a call works."""
        if call.rule.name in _CLUSTER_PROGRAMS:
            return self._cluster(call)
        if call.rule.name in ("docker", "docker-compose"):
            return self._engine(call)
        if call.rule.name in ("ssh", "sftp") and call.operands:
            host = call.texts[0].rpartition("@")[2]
            return Target(server=host, remote=not is_this_machine(host))
        return NOWHERE

    def _cluster(self, call: Call) -> Target:
        config = self._kubeconfig("".join(call.values("--kubeconfig")[-1:]))
        name = "".join(call.values("--context", "--kube-context")[-1:]) or config.get("current-context") or ""
        context = _named(config, "contexts", name).get("context") or {}
        cluster = _named(config, "clusters", context.get("cluster")).get("cluster") or {}
        server = "".join(call.values("-s", "--server")[-1:]) if call.program == "kubectl" else ""
        server = server or str(cluster.get("server") or "")
        everywhere = "all" if call.given("-A", "--all-namespaces") else ""
        namespace = "".join(call.values("-n", "--namespace")[-1:]) or everywhere
        namespace = namespace or str(context.get("namespace") or ("default" if name else ""))
        host = _host(server)
        return Target(str(name), namespace, server, bool(host) and not is_this_machine(host))

    def _engine(self, call: Call) -> Target:
        address = "".join(call.values("-H", "--host")[-1:]) or self._environ.get("DOCKER_HOST", "")
        context = "".join(call.values("--context")[-1:]) or self._environ.get("DOCKER_CONTEXT", "")
        host = _host(address) if "://" in address else ""
        remote = bool(host) and not address.startswith("unix:") and not is_this_machine(host)
        return Target(context, "", address, remote or context not in ("", "default"))

    def _kubeconfig(self, path: str) -> Mapping[str, Any]:
        first = path or self._environ.get("KUBECONFIG", "").split(":")[0]
        place = Path(first) if first else Path(self._environ.get("HOME", "~")).expanduser() / ".kube/config"
        if str(place) not in self._kubeconfigs:
            self._kubeconfigs[str(place)] = _read(place)
        return self._kubeconfigs[str(place)]


def _host(address: str) -> str:
    """The host of an address; what is none counts as another machine."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return address


def _read(path: Path) -> Mapping[str, Any]:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _named(config: Mapping[str, Any], kind: str, name: object) -> Mapping[str, Any]:
    entries = config.get(kind) or ()
    return next((each for each in entries if isinstance(each, dict) and each.get("name") == name), {})


def is_this_machine(host: str) -> bool:
    """Whether a host name or address is that of this machine."""
    name = host.strip("[]").lower()
    if re.fullmatch(r"localhost|127\.[\d.]+|::1|0\.0\.0\.0|kubernetes\.docker\.internal", name):
        return True
    return name in (socket.gethostname().lower(), socket.getfqdn().lower() if "." in name else name + "!")
