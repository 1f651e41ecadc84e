"""What runs the model: Ollama, or the embedded engine with its model file."""

import hashlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from devops_agent import settings
from devops_agent.doctor.check import SECONDS, Check, output_of
from devops_agent.engines import openmp
from devops_agent.errors import UsageError
from devops_agent.folders import cache_folder
from devops_agent.settings import Settings

_CONNECT_SECONDS, _LIST_SECONDS = 1.0, 1.5
_IMPORT_SECONDS = 4.0
_CHECKSUM_SECONDS = SECONDS - 0.5


def ollama(environ: Mapping[str, str]) -> Iterator[Check]:
    """Whether Ollama answers and has the model."""
    from devops_agent.endpoint import base_url

    chosen = _settings(environ)
    base = base_url(chosen.host)
    problem, fix = _problem(base, chosen.model)
    if not problem:
        yield Check("Ollama", "ok", f"at {base}, with the model {chosen.model}")
    elif chosen.backend == "ollama" or chosen.explicit & {"host", "model"}:
        yield Check("Ollama", "failure", problem, fix)
    else:  # nobody asked for Ollama in particular
        yield Check("Ollama", "ok", f"{problem}: the embedded engine is used")


def _problem(base: str, model: str) -> tuple[str, str]:
    """What is wrong with an Ollama, and what to do about it; "" for nothing."""
    import requests

    from devops_agent.endpoint import is_loopback

    url, fix = f"{base}/api/tags", "Start it with ollama serve, or use --backend llama-cpp."
    proxies = {"http": "", "https": ""} if is_loopback(base) else {}
    try:
        reply = requests.get(url, timeout=(_CONNECT_SECONDS, _LIST_SECONDS), proxies=proxies)
        names = _models(reply.content)
    except (requests.RequestException, OSError):
        return f"nothing answers at {base}", fix
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"what answers at {base} is no Ollama", fix
    if names & {model, f"{model}:latest"}:
        return "", ""
    return f"at {base}, without the model {model}", f"ollama pull {model}, or name another with --model."


def _models(answer: bytes) -> set[str]:
    return {str(each.get("name")) for each in json.loads(answer)["models"]}


def package(environ: Mapping[str, str]) -> Iterator[Check]:
    """Whether the embedded engine can be loaded, in a process of its own, which it may take down."""
    code = "import importlib.metadata as m, xllamacpp; print(m.version('xllamacpp'))"
    flags = ["-I"] if sys.flags.isolated else []
    told = {**environ, **openmp.environment(environ)}
    output = output_of([sys.executable, *flags, "-c", code], told, _IMPORT_SECONDS)
    if not output.problem:
        yield Check("engine", "ok", f"xllamacpp {output.text}")
        return
    if f"{openmp.LIBRARY}: cannot open shared object file" in output.problem:
        text = f"{openmp.LIBRARY} is missing"
        yield Check("engine", "warning", text, "The first task fetches it; or sudo apt-get install libgomp1.")
        return
    is_needed = _settings(environ).backend != "ollama"
    yield Check(
        "engine",
        "failure" if is_needed else "warning",
        f"xllamacpp cannot be loaded: {output.problem}",
        "Install it again (pip install --force-reinstall xllamacpp), or use Ollama.",
    )


@dataclass(frozen=True)
class ModelFile:
    """The check of the embedded engine's model.

    Attributes:
        quick: Whether its checksum is left out.
    """

    quick: bool = False

    def __call__(self, environ: Mapping[str, str]) -> Iterator[Check]:
        from devops_agent.model_file import DEFAULT_MODEL

        own = _settings(environ).model_path
        path = own or cache_folder(environ) / "models" / DEFAULT_MODEL.name
        if not path.is_file():
            if own:
                yield Check("model", "failure", f"{own} is missing", "Correct model_path.")
            else:
                fix = f"The first task fetches it ({DEFAULT_MODEL.size / 1e9:.1f} GB)."
                yield Check("model", "warning", f"not here yet: {path}", fix)
            return
        yield self._own(path) if own else self._default(path, DEFAULT_MODEL.size, DEFAULT_MODEL.sha256)

    def _own(self, path: Path) -> Check:
        with path.open("rb") as file:
            is_model = file.read(4) == b"GGUF"
        if is_model:
            return Check("model", "ok", str(path))
        return Check("model", "failure", f"{path} is no GGUF file", "Correct model_path.")

    def _default(self, path: Path, size: int, sha256: str) -> Check:
        again = f"Remove it, and the next task fetches it again: rm {path}"
        if path.stat().st_size != size:
            return Check("model", "failure", f"{path} has a wrong size", again)
        if self.quick:
            return Check("model", "ok", f"{path}, checksum not computed")
        found = _checksum(path, _CHECKSUM_SECONDS)
        if found is None:
            fix = f"Compute it by hand: sha256sum {path}"
            return Check("model", "warning", f"{path}, checksum not computed in time", fix)
        if found != sha256:
            return Check("model", "failure", f"{path} has a wrong checksum", again)
        return Check("model", "ok", f"{path}, checksum right")


def _checksum(path: Path, seconds: float) -> str | None:
    """The sha256 of a file; None when that takes longer."""
    deadline, digest = time.monotonic() + seconds, hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            if time.monotonic() > deadline:
                return None
    return digest.hexdigest()


def _settings(environ: Mapping[str, str]) -> Settings:
    """What the user set; the defaults where that makes no sense, which another check tells."""
    try:
        return settings.load({}, environ)
    except UsageError:
        return Settings()
