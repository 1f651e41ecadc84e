"""What the user set: flags over environment over the configuration file over defaults, read once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from devops_agent.errors import UsageError
from devops_agent.folders import xdg_folder

BACKENDS = ("auto", "ollama", "llama-cpp")


@dataclass(frozen=True)
class Settings:
    """Everything that can be set.

    Attributes:
        backend: "auto", "ollama" or "llama-cpp".
        model: The model's name in Ollama.
        host: Where Ollama is, in any form of OLLAMA_HOST.
        model_path: A GGUF file for the embedded engine; None for the default model.
        max_steps: Tool calls after which a task ends.
        timeout: Seconds that one command may take.
        require_approval: Ask before each tool call.
        read_only: Change nothing.
        dry_run: Show what would change something, and do not run it.
        assume_yes: Ask nothing.
        show_secrets: Hide no secrets in what commands print.
        grounding: Look up what a task names before the first step.
        verbose: Show prompts, raw replies, timings and token counts.
        temperature: Sampling temperature; None leaves it to the model.
        top_p: Sampling threshold; None leaves it to the model.
        num_ctx: Context window in tokens.
        num_predict: Longest reply in tokens.
        keep_alive: Seconds for which an engine without work keeps the model in memory; 0 for no longer than
            a run.
        log_level: SmolAgents' own log.
        explicit: Names of the settings that do not have their default from here.
    """

    backend: str = "auto"
    model: str = "qwen3-devops"
    host: str = "127.0.0.1:11434"
    model_path: Path | None = None
    max_steps: int = 15
    timeout: float = 120.0
    require_approval: bool = False
    read_only: bool = False
    dry_run: bool = False
    assume_yes: bool = False
    show_secrets: bool = False
    grounding: bool = True
    verbose: bool = False
    temperature: float | None = None
    top_p: float | None = None
    num_ctx: int = 8192
    num_predict: int = 2048
    keep_alive: float = 1800.0
    log_level: str = ""
    explicit: frozenset[str] = field(default_factory=frozenset)


_ENVIRONMENT = {
    "OLLAMA_HOST": "host",
    "DEVOPS_AGENT_BACKEND": "backend",
    "DEVOPS_AGENT_MODEL": "model",
    "DEVOPS_AGENT_MODEL_PATH": "model_path",
    "DEVOPS_AGENT_KEEP_ALIVE": "keep_alive",
    "REQUIRE_APPROVAL": "require_approval",
    "SMOLAGENTS_LOG_LEVEL": "log_level",
}
_NOT_IN_FILE = {"explicit", "assume_yes", "dry_run", "show_secrets", "log_level"}
_IN_FILE = frozenset(field.name for field in fields(Settings)) - _NOT_IN_FILE
_POSITIVE = ("max_steps", "timeout", "num_ctx", "num_predict")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


def load(flags: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Merges the sources.

    Args:
        flags: What the command line set, by setting name; None means not set.
        environ: The environment.

    Raises:
        UsageError: A value or a key makes no sense, or two flags contradict each other.
    """
    from devops_agent import toml_file  # not needed for --help

    given = {name: value for name, value in flags.items() if value is not None}
    _check_flags(given)
    from_env = {name: environ[key] for key, name in _ENVIRONMENT.items() if environ.get(key, "").strip()}
    path = config_path(environ)
    merged: dict[str, Any] = {}
    for origin, source in (
        (str(path), toml_file.read(path, _IN_FILE)),
        ("the environment", from_env),
        ("", given),
    ):
        for name, value in source.items():
            merged[name] = _converted(name, value, origin or f"--{name.replace('_', '-')}")
        _let_win(merged, source)
    chosen = Settings(**merged, explicit=frozenset(merged))
    if chosen.num_predict >= chosen.num_ctx:
        raise UsageError("num_predict must be smaller than num_ctx, or no prompt fits. Set one of them.")
    return chosen


def config_path(environ: Mapping[str, str]) -> Path:
    """`~/.config/devops-agent/config.toml`, or below XDG_CONFIG_HOME."""
    return xdg_folder(environ, "XDG_CONFIG_HOME", ".config") / "devops-agent" / "config.toml"


def _check_flags(given: Mapping[str, Any]) -> None:
    if "model_path" in given and given.get("backend") == "ollama":
        raise UsageError("--model-path is for the embedded engine. Leave out --backend ollama.")
    if "model" in given and (given.get("backend") == "llama-cpp" or "model_path" in given):
        raise UsageError("--model names a model in Ollama. For the embedded engine use --model-path FILE.")


def _let_win(merged: dict[str, Any], source: Mapping[str, Any]) -> None:
    """What a stronger source says excludes what a weaker one said about the same choice."""
    if source.get("backend") == "ollama" or ("model" in source and "model_path" not in source):
        merged.pop("model_path", None)
        if "backend" not in source and merged.get("backend") == "llama-cpp":
            merged.pop("backend")
    if "model_path" in merged:  # a file that was named is used: "auto" could pass it over for Ollama
        merged["backend"] = "llama-cpp"


def _converted(name: str, value: Any, origin: str) -> Any:
    try:
        converted = _CONVERTERS[name](value)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{origin}: {value!r} is no value for {name}. {error}".rstrip()) from error
    if name in _POSITIVE and converted <= 0:
        raise UsageError(f"{origin}: {name} must be greater than 0.")
    return converted


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in _TRUE + _FALSE:
        raise ValueError(f"Use one of {', '.join(_TRUE + _FALSE[:-1])}.")
    return text in _TRUE


def _backend(value: Any) -> str:
    if value not in BACKENDS:
        raise ValueError(f"Use one of {', '.join(BACKENDS)}.")
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("Use a text that is not empty.")
    return value.strip()


def _number(kind: type[int] | type[float]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        wanted = "Use a whole number." if kind is int else "Use a number."
        if isinstance(value, bool) or (kind is int and isinstance(value, float)):
            raise ValueError(wanted)
        try:
            number = kind(value)
        except (TypeError, ValueError) as error:
            raise ValueError(wanted) from error
        if number != number:  # NaN compares with nothing, so no limit would ever be reached
            raise ValueError(wanted)
        return number

    return convert


def _between(low: float, high: float) -> Callable[[Any], float]:
    def convert(value: Any) -> float:
        number: float = _number(float)(value)
        if not low <= number <= high:
            raise ValueError(f"Use a number from {low:g} to {high:g}.")
        return number

    return convert


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "backend": _backend,
    "model": _text,
    "host": _text,
    "model_path": lambda value: Path(_text(value)).expanduser(),
    "max_steps": _number(int),
    "timeout": _number(float),
    "require_approval": _switch,
    "read_only": _switch,
    "dry_run": _switch,
    "assume_yes": _switch,
    "show_secrets": _switch,
    "grounding": _switch,
    "verbose": _switch,
    "temperature": _between(0, 2),
    "top_p": _between(0, 1),
    "num_ctx": _number(int),
    "num_predict": _number(int),
    "keep_alive": _between(0, 86_400),
    "log_level": _text,
}
