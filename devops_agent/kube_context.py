"""The Kubernetes context and namespace in which a run works, chosen without touching the user's files."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from devops_agent.errors import UsageError
from devops_agent.folders import home_folder
from devops_agent.patterns import regex

_VARIABLE = "KUBECONFIG"
_SECONDS = 10
_LABEL = regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class Overlay:
    """A kubeconfig of our own, first in KUBECONFIG, so that kubectl, helm and their like all obey it.

    It holds the current context and that context's entry alone: kubectl takes the first that it finds, and
    everything else, such as certificates with relative paths, stays in the user's files behind it.

    Args:
        environ: The environment of this process, in which KUBECONFIG is set.
        folder: Where the private temporary folder for it is made; None for the system's.
    """

    def __init__(self, environ: MutableMapping[str, str], folder: Path | None = None) -> None:
        self._environ = environ
        self._parent = folder
        self._folder: Path | None = None
        self._is_used = False
        self._before: str | None = None  # KUBECONFIG

    def __enter__(self) -> "Overlay":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def use(self, context: str | None = None, namespace: str | None = None) -> None:
        """Has this process and its children work there.

        Args:
            context: A context that exists; None for the current one.
            namespace: A namespace, which need not exist; None for that of the context.

        Raises:
            UsageError: There is no such context or no kubectl, or the namespace is not a name of one.
        """
        if namespace is not None and not _LABEL.fullmatch(namespace):
            raise UsageError(
                f"{namespace!r} is no name of a namespace. Use small letters, digits and hyphens, 63 at most."
            )
        config = _effective(self._environ)
        entries = {str(entry.get("name")): _map(entry.get("context")) for entry in _list(config, "contexts")}
        name = str(config.get("current-context") or "") if context is None else context
        if context is None and not name:
            raise UsageError(f"There is no current Kubernetes context. Name one: --context{_of(entries)}.")
        if name not in entries:
            raise UsageError(f"There is no Kubernetes context {name!r}{_of(entries)}.")
        entry = dict(entries[name]) if namespace is None else {**entries[name], "namespace": namespace}
        try:
            self._write(name, entry)
        except OSError as error:
            raise UsageError(
                f"The Kubernetes context cannot be set: {error}. Make room, or set TMPDIR."
            ) from error

    def close(self) -> None:
        """Removes the file, and KUBECONFIG is what it was."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        if not self._is_used:
            return
        self._is_used = False
        if self._before is None:
            self._environ.pop(_VARIABLE, None)
        else:
            self._environ[_VARIABLE] = self._before

    def _write(self, name: str, entry: Mapping[str, Any]) -> None:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="devops-agent-", dir=self._parent))  # mode 0700
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "contexts": [{"name": name, "context": entry}],
        }
        handle, written = tempfile.mkstemp(dir=self._folder)  # mode 0600
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(config, file)
        path = Path(written).replace(self._folder / "config")
        if not self._is_used:
            self._is_used = True
            self._before = self._environ.get(_VARIABLE)
            behind = self._before or str(home_folder(self._environ) / ".kube/config")
            self._environ[_VARIABLE] = os.pathsep.join([str(path), behind])


def current(environ: Mapping[str, str]) -> tuple[str, str]:
    """The current context and its namespace as the files say, without starting kubectl; "" for none."""
    configs = list(_configs(environ))
    name = next((str(config["current-context"]) for config in configs if config.get("current-context")), "")
    if not name:
        return "", ""
    entries = (entry for config in configs for entry in _list(config, "contexts"))
    entry = next((_map(each.get("context")) for each in entries if each.get("name") == name), {})
    return name, str(entry.get("namespace") or "default")


def files(environ: Mapping[str, str]) -> list[Path]:
    """The kubeconfig files that count, whether they exist or not."""
    named = [Path(each) for each in environ.get(_VARIABLE, "").split(os.pathsep) if each]
    return named or [home_folder(environ) / ".kube/config"]


def _configs(environ: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    import yaml  # slow, and not needed for --help

    for path in files(environ):
        try:
            yield _map(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError, yaml.YAMLError):
            continue


def _effective(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """The configuration as kubectl merges it."""
    command = ("kubectl", "config", "view", "-o", "json")
    try:
        done = subprocess.run(
            command,
            env=dict(environ),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode == 0:
            return _map(json.loads(done.stdout))
        problem = " ".join(done.stderr.split()) or f"it ended with exit code {done.returncode}"
    except FileNotFoundError as error:
        raise UsageError(
            "kubectl is not installed, so no Kubernetes context can be chosen. Install it."
        ) from error
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        problem = " ".join(str(error).split())
    raise UsageError(f"kubectl cannot read its configuration: {problem}. See kubectl config view.")


def _of(entries: Mapping[str, object]) -> str:
    return f" (there are: {', '.join(sorted(entries)) or 'none'})"


def _list(config: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    entries = config.get(key)
    return [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
