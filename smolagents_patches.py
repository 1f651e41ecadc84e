"""The only place that touches what SmolAgents does beside its documented interface.

SmolAgents 1.26 needs no patched function: its extension points are enough. What lives here:

- the import itself. `import smolagents` calls `load_dotenv()`, which reads a `.env` file of the working
  directory into the environment of this process, and so into every command that the agent runs. It is kept
  from that while it is imported. What SmolAgents imports beside for uses that this agent does not make of it
  (hubs, images, templates, its own log) is imported when it is used: that is more than half of its time.
- `QuietLogger`, the adapter that keeps SmolAgents' panels and rules out of the agent's own output.
- `feedback`, which gets our own text back out of SmolAgents' wrapped errors.

Import this module before SmolAgents. Importing it twice changes nothing.
"""

import importlib
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from devops_agent.errors import DevOpsAgentError

_DOTENV_SWITCH = "PYTHON_DOTENV_DISABLED"  # python-dotenv 1.2 and newer
# Nothing that another thread of this program may import meanwhile.
_LATER = ("huggingface_hub", "jinja2", "PIL", "requests", "rich.markdown", "rich.syntax")


class _Later(type):
    """A class that stands for what a module holds, which is imported when it is called or looked into."""

    def _is_stand_in(cls) -> bool:
        return "_stands_for" in vars(cls)

    def _real(cls) -> Any:
        module, name = vars(cls)["_stands_for"]
        return getattr(importlib.import_module(module), name)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if not cls._is_stand_in():
            return super().__call__(*args, **kwargs)
        real = cls._real()
        return real(*map(_real, args), **{name: _real(value) for name, value in kwargs.items()})

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__") or not cls._is_stand_in():
            raise AttributeError(name)
        return getattr(cls._real(), name)


def _real(value: Any) -> Any:
    return value._real() if isinstance(value, _Later) and value._is_stand_in() else value


class _LaterModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        told = {"_stands_for": (self.__name__, name), "__module__": self.__name__}
        stand_in = _Later(name, (Exception,), told)
        setattr(self, name, stand_in)
        return stand_in


class _Finder:
    """Gives modules whose contents stand for those of the real ones, to the thread that made it."""

    def __init__(self) -> None:
        self._owner = threading.get_ident()

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if threading.get_ident() != self._owner or not any(
            f"{name}.".startswith(f"{each}.") for each in _LATER
        ):
            return None
        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _LaterModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


@contextmanager
def _put_off() -> Iterator[None]:
    """Has what is not imported yet and not needed at once imported when it is used."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)  # type: ignore[arg-type]
    try:
        yield
    finally:
        sys.meta_path.remove(finder)  # type: ignore[arg-type]
        for name in [name for name, module in sys.modules.items() if isinstance(module, _LaterModule)]:
            del sys.modules[name]
            parent, _, child = name.rpartition(".")
            if isinstance(getattr(sys.modules.get(parent), child, None), _LaterModule):
                delattr(sys.modules[parent], child)


def _import_smolagents() -> None:
    before = os.environ.get(_DOTENV_SWITCH)
    os.environ[_DOTENV_SWITCH] = "1"
    try:
        with _put_off():
            import smolagents  # noqa: F401
    finally:
        # the commands that the agent runs may be Python programs with a .env of their own
        if before is None:
            del os.environ[_DOTENV_SWITCH]
        else:
            os.environ[_DOTENV_SWITCH] = before


_import_smolagents()

from rich.console import Console  # noqa: E402
from smolagents import AgentLogger, LogLevel  # noqa: E402


class QuietLogger(AgentLogger):
    """SmolAgents' log: silent, or on stderr at the level that SMOLAGENTS_LOG_LEVEL names.

    A rich `Live` prints at every level, so a silent logger needs a silent console too.

    Args:
        level: A name of `LogLevel` such as "DEBUG", or "" for silence; unknown names mean silence.
    """

    def __init__(self, level: str = "") -> None:
        known = LogLevel.__members__.get(level.upper(), LogLevel.OFF)
        quiet = known is LogLevel.OFF
        super().__init__(level=known, console=Console(stderr=True, quiet=quiet, highlight=False))


def cause(error: BaseException) -> DevOpsAgentError | None:
    """The error of this project that SmolAgents wrapped, if it was one."""
    inner = error.__cause__ or error.__context__
    return inner if isinstance(inner, DevOpsAgentError) else None


def feedback(error: BaseException) -> str:
    """The text that the model should read about a failed step.

    SmolAgents wraps an error of a tool or parser into a sentence of its own, with all arguments repeated and
    the advice to "try another tool". Our own errors already say what to do, in one line.
    """
    own = cause(error)
    return str(getattr(error, "message", error) if own is None else own)
