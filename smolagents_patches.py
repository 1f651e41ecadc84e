"""The only place that touches what SmolAgents does beside its documented interface.

SmolAgents 1.26 needs no patched function: its extension points are enough. What lives here:

- the import itself. `import smolagents` calls `load_dotenv()`, which reads a `.env` file of the working
  directory into the environment of this process, and so into every command that the agent runs. It is kept
  from that while it is imported. What SmolAgents imports beside for uses that this agent does not make of it
  (hubs, images, templates, its own log) is imported when it is used: that is more than half of its time.
- the panels of its log, which it makes for each call: in place of them, what makes them when they are shown.
- `QuietLogger`, the adapter that keeps SmolAgents' panels and rules out of the agent's own output.
- `feedback`, which gets our own text back out of SmolAgents' wrapped errors.

Import this module before SmolAgents. Importing it twice changes nothing.
"""

import os
from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, cast

from devops_agent.errors import DevOpsAgentError
from devops_agent.late_imports import put_off

if TYPE_CHECKING:
    from rich.console import Console

_DOTENV_SWITCH = "PYTHON_DOTENV_DISABLED"  # python-dotenv 1.2 and newer
_LATER = (
    "huggingface_hub",
    "jinja2",
    "PIL",
    "requests",
    "rich",
    "smolagents.cli",
    "smolagents.remote_executors",
    "yaml",
)


def _import_smolagents() -> None:
    before = os.environ.get(_DOTENV_SWITCH)
    os.environ[_DOTENV_SWITCH] = "1"
    try:
        with put_off(*_LATER):
            import smolagents  # noqa: F401
    finally:
        # the commands that the agent runs may be Python programs with a .env of their own
        if before is None:
            del os.environ[_DOTENV_SWITCH]
        else:
            os.environ[_DOTENV_SWITCH] = before


_import_smolagents()

import smolagents.agents  # noqa: E402
from smolagents import AgentLogger, LogLevel  # noqa: E402


class _Drawn:
    """A thing of rich's that is made when it is shown, which with a silent log is never."""

    def __init__(self, make: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self._make = partial(make, *args, **kwargs)

    def __rich__(self) -> Any:
        return self._make()


for _kind in ("Panel", "Text"):
    setattr(smolagents.agents, _kind, partial(_Drawn, getattr(smolagents.agents, _kind)))


class QuietLogger(AgentLogger):
    """SmolAgents' log: silent, or on stderr at the level that SMOLAGENTS_LOG_LEVEL names.

    A rich `Live` prints at every level, so a silent logger needs a silent console too.

    Args:
        level: A name of `LogLevel` such as "DEBUG", or "" for silence; unknown names mean silence.
    """

    def __init__(self, level: str = "") -> None:
        known = LogLevel.__members__.get(level.upper(), LogLevel.OFF)
        self._is_quiet = known is LogLevel.OFF
        super().__init__(level=known, console=cast("Console", self))
        del self.console  # until it is used

    @cached_property
    def console(self) -> "Console":  # type: ignore[override]
        """Where it prints."""
        from rich.console import Console

        return Console(stderr=True, quiet=self._is_quiet, highlight=False)

    def log_task(self, *args: Any, **kwargs: Any) -> None:
        """As SmolAgents does it, but for the panels that nobody sees."""
        if not self._is_quiet:
            super().log_task(*args, **kwargs)

    def log_rule(self, *args: Any, **kwargs: Any) -> None:
        """As SmolAgents does it, but for the rules that nobody sees."""
        if not self._is_quiet:
            super().log_rule(*args, **kwargs)

    def log_markdown(self, *args: Any, **kwargs: Any) -> None:
        """As SmolAgents does it, but for the highlighting that nobody sees."""
        if not self._is_quiet:
            super().log_markdown(*args, **kwargs)


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
