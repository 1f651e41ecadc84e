"""The machine: Python, packages, tools, disk, memory, folders, configuration files, terminal."""

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from devops_agent import settings
from devops_agent.columns import size_of
from devops_agent.doctor.check import Check, State, output_of, version_in
from devops_agent.errors import UsageError
from devops_agent.folders import cache_folder, data_folder

_OLDEST = (3, 10)
_PACKAGES = """smolagents requests prompt_toolkit huggingface_hub dotenv yaml detect_secrets tree_sitter
    tree_sitter_bash""".split()
_TOOLS = {
    "kubectl": ("version", "--client"),
    "docker": ("--version",),
    "docker compose": ("version", "--short"),
    "helm": ("version", "--short"),
    "git": ("--version",),
    "jq": ("--version",),
    "curl": ("--version",),
    "openssl": ("version",),
    "systemctl": ("--version",),
}
_TOOL_SECONDS = 3.0
_GB = 1e9
_MODEL_NEEDS, _RUN_NEEDS = 1.2, 2.0  # GB on the disk and of memory
_LITTLE = 0.2  # GB on the disk that outputs and sessions need


def python(environ: Mapping[str, str]) -> Iterator[Check]:
    """The version of Python, and the packages without which nothing starts."""
    version = platform.python_version()
    if sys.version_info < _OLDEST:
        yield Check("Python", "failure", version, "Use Python 3.10 or newer.")
    else:
        yield Check("Python", "ok", f"{version} ({sys.executable})")
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        fix = "Install them: pip install -r requirements.txt"
        yield Check("packages", "failure", f"missing: {', '.join(missing)}", fix)
    else:
        yield Check("packages", "ok", f"all {len(_PACKAGES)} are there")


def tools(environ: Mapping[str, str]) -> Iterator[Check]:
    """The tools that tasks use, with their versions."""
    with ThreadPoolExecutor(len(_TOOLS)) as pool:
        found = dict(zip(_TOOLS, pool.map(lambda name: _tool(name, environ), _TOOLS), strict=True))
    there = ", ".join(f"{name} {version}".strip() for name, version in found.items() if version is not None)
    missing = ", ".join(name for name, version in found.items() if version is None)
    text = "; ".join(filter(None, [there, f"missing: {missing}" if missing else ""]))
    if missing:
        yield Check("tools", "warning", text, "Install those that your tasks need.")
    else:
        yield Check("tools", "ok", text)


def _tool(name: str, environ: Mapping[str, str]) -> str | None:
    """The version of a tool, "" where it does not tell; None where it is missing."""
    program, *words = name.split()
    if not shutil.which(program, path=environ.get("PATH", "")):
        return None
    output = output_of([program, *words, *_TOOLS[name]], environ, _TOOL_SECONDS)
    return None if output.problem and words else version_in(output.text)


def bash(environ: Mapping[str, str]) -> Iterator[Check]:
    """The shell that runs the commands."""
    if not shutil.which("bash", path=environ.get("PATH", "")):
        yield Check("bash", "failure", "it is not on PATH, and runs every command", "Install bash.")
        return
    output = output_of(["bash", "--version"], environ, _TOOL_SECONDS)
    if output.problem:
        yield Check("bash", "failure", output.problem, "Mend what bash --version says.")
    else:
        yield Check("bash", "ok", version_in(output.text))


def disk(environ: Mapping[str, str]) -> Iterator[Check]:
    """The room for the model and for outputs."""
    from devops_agent.model_file import DEFAULT_MODEL

    folder = cache_folder(environ)
    is_there = DEFAULT_MODEL.is_in(folder / "models")
    needed = _LITTLE if is_there else _MODEL_NEEDS
    free = shutil.disk_usage(_existing(folder)).free / _GB
    text = f"{free:.1f} GB free for {folder}"
    if free >= needed:
        yield Check("disk", "ok", text)
    else:
        state: State = "warning" if is_there else "failure"
        yield Check("disk", state, f"{text}, {needed:g} GB needed", "Make room, or set XDG_CACHE_HOME.")


def memory(environ: Mapping[str, str]) -> Iterator[Check]:
    """The memory that the embedded engine can have."""
    free = _available()
    if free is None:
        yield Check("memory", "warning", "it cannot be told", f"See to it that {_RUN_NEEDS:g} GB are free.")
    elif free / _GB >= _RUN_NEEDS:
        yield Check("memory", "ok", f"{free / _GB:.1f} GB available")
    else:
        fix = "End other programs, or use Ollama on another machine: OLLAMA_HOST."
        yield Check("memory", "warning", f"{free / _GB:.1f} GB available, {_RUN_NEEDS:g} GB needed", fix)


def _available(proc: Path = Path("/proc/meminfo"), group: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes that can be used, within a container's limit; all there are where the system does not say."""
    found = []
    with suppress(OSError, ValueError, IndexError):
        lines = proc.read_text(encoding="ascii").splitlines()
        found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    with suppress(OSError, ValueError):
        limit, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        found.append(limit - used + int(stat.get("inactive_file", 0)))  # the cache of files makes room
    if not found:
        with suppress(OSError, ValueError):
            found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min(found, default=None)


def folders(environ: Mapping[str, str]) -> Iterator[Check]:
    """Whether the user's folders can be written."""
    named = {
        "configuration": settings.config_path(environ).parent,
        "data": data_folder(environ),
        "cache": cache_folder(environ),
    }
    bad = {name: folder for name, folder in named.items() if not _is_writable(folder)}
    for name, folder in bad.items():
        # without the cache there is no model; without the others, less is kept
        state: State = "failure" if name == "cache" else "warning"
        fix = f"Make it writable, or set XDG_{'CONFIG' if name == 'configuration' else name.upper()}_HOME."
        yield Check("folders", state, f"the {name} folder {folder} cannot be written", fix)
    if not bad:
        yield Check("folders", "ok", ", ".join(map(str, named.values())))


def configuration(environ: Mapping[str, str]) -> Iterator[Check]:
    """Whether the configuration and the policy can be read."""
    path = settings.config_path(environ)
    try:
        settings.load({}, environ)
        yield Check("config.toml", "ok", str(path) if path.exists() else f"none ({path})")
    except UsageError as error:
        yield Check("config.toml", "failure", _one_line(error), "Correct what it names.")
    yield _policy(path.with_name("policy.toml"), Path(".devops-agent/policy.toml"))


def _policy(own: Path, project: Path) -> Check:
    from devops_agent.policy import user_policy

    try:
        user_policy.load(own, project)
    except UsageError as error:
        return Check("policy.toml", "failure", _one_line(error), "Correct what it names.")
    there = [str(path) for path in (own, project) if path.exists()]
    return Check("policy.toml", "ok", ", ".join(there) or f"none ({own})")


def terminal(environ: Mapping[str, str]) -> Iterator[Check]:
    """What the terminal can show."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    is_one = sys.stdout is not None and sys.stdout.isatty()
    colours = is_one and not environ.get("NO_COLOR") and environ.get("TERM") not in (None, "dumb")
    width = size_of(sys.stdout).columns
    text = f"{'a terminal' if is_one else 'no terminal'}, {encoding}, {'' if colours else 'no '}colours, "
    text += f"{width} columns"
    if "utf" not in encoding.lower():
        yield Check("terminal", "warning", text, "Set LANG to a UTF-8 locale, such as C.UTF-8.")
    elif is_one and width < 60:
        yield Check("terminal", "warning", text, "Make the window wider: tables need 80 columns.")
    else:
        yield Check("terminal", "ok", text)


def _existing(path: Path) -> Path:
    """The path, or the nearest above it that there is."""
    while not os.path.lexists(path) and path != path.parent:
        path = path.parent
    return path


def _is_writable(folder: Path) -> bool:
    there = _existing(folder)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
