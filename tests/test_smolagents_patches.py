"""What is done about SmolAgents: its import without side effects, and its silence."""

import io
import logging
from pathlib import Path
from types import ModuleType

import pytest
import smolagents
import smolagents.agents
from rich.console import Console
from rich.live import Live
from smolagents import AgentLogger, LogLevel
from smolagents.utils import AgentToolExecutionError

from conftest import Python
from devops_agent.errors import CallRefused
from smolagents_patches import QuietLogger, cause, feedback

SHOW = "import os; print(os.environ.get('FROM_DOTENV'), os.environ.get('PYTHON_DOTENV_DISABLED'))"


@pytest.fixture
def _dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FROM_DOTENV=loaded\nOLLAMA_HOST=elsewhere:1\n")
    # SmolAgents looks from the main program's folder upwards, and with -c in the working directory
    (tmp_path / "main.py").write_text(f"import agent\n{SHOW}\n")


# --- the import -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_dotenv")
def test_importing_agent_loads_no_dotenv_of_the_working_directory(python: Python) -> None:
    assert python("-c", f"import agent\n{SHOW}").stdout == "None None\n"


@pytest.mark.usefixtures("_dotenv")
def test_importing_agent_loads_no_dotenv_from_a_program_either(python: Python) -> None:
    assert python("main.py").stdout == "None None\n"


@pytest.mark.usefixtures("_dotenv")
@pytest.mark.parametrize("module", ["chat", "scripted", "engines.llama_cpp"])
def test_importing_a_part_of_the_package_first_loads_no_dotenv_either(module: str, python: Python) -> None:
    assert python("-c", f"import devops_agent.{module}\n{SHOW}").stdout == "None None\n"


@pytest.mark.usefixtures("_dotenv")
def test_the_guard_is_still_needed(python: Python) -> None:
    """When this fails SmolAgents no longer reads .env files at its import.

    Then `_import_smolagents` in smolagents_patches.py can go, once that is the oldest supported version.
    """
    assert python("-c", f"import smolagents\n{SHOW}").stdout == "loaded None\n"


def test_what_smolagents_does_not_need_here_is_not_imported(python: Python) -> None:
    heavy = ("huggingface_hub", "jinja2", "PIL", "requests", "rich", "smolagents.cli", "yaml")
    code = f"import agent, sys; print([name for name in {heavy!r} if name in sys.modules])"
    assert python("-c", code).stdout == "[]\n"


def test_what_was_put_off_is_the_real_thing_when_it_is_used(python: Python) -> None:
    code = """
import agent, yaml, requests, rich.markdown
from smolagents import agents
print(agents.populate_template("{{x}}", {"x": 3}), agents.yaml.safe_load("a: 1"), yaml.__file__ is not None)
print(requests.Session.__module__, rich.markdown.Markdown.__module__)
"""
    assert python("-c", code).stdout == "3 {'a': 1} True\nrequests.sessions rich.markdown\n"


def test_importing_agent_leaves_the_environment_as_it_was(python: Python) -> None:
    code = "import os; before = dict(os.environ); import agent; print(dict(os.environ) == before)"
    assert python("-c", code).stdout == "True\n"


@pytest.mark.parametrize("value", ["0", "1", ""])
def test_a_switch_that_the_user_set_is_left_as_it_is(value: str, python: Python) -> None:
    code = "import agent, os; print(repr(os.environ['PYTHON_DOTENV_DISABLED']))"
    assert python("-c", code, env={"PYTHON_DOTENV_DISABLED": value}).stdout == f"{value!r}\n"


def test_importing_agent_prints_nothing_and_writes_nothing(
    python: Python, tmp_path: Path, home: Path
) -> None:
    result = python("-c", "import agent", env={"PYTHONDONTWRITEBYTECODE": "1"})
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert [*tmp_path.iterdir(), *home.iterdir()] == []


def test_nothing_in_smolagents_is_replaced() -> None:
    ours = ("agent", "ollama_backend", "smolagents_patches", "devops_agent")
    classes = [
        smolagents.ToolCallingAgent,
        smolagents.MultiStepAgent,
        smolagents.AgentLogger,
        smolagents.Tool,
    ]
    members = [member for owner in (smolagents, *classes) for member in vars(owner).values()]
    members = [member for member in members if not isinstance(member, ModuleType)]  # one may be put off
    assert [m for m in members if (getattr(m, "__module__", None) or "").split(".")[0] in ours] == []


# --- the log ----------------------------------------------------------------------------------------------


def log_everything(logger: AgentLogger) -> None:
    for level in LogLevel:
        logger.log("LOG", level=level)
        logger.log_rule("RULE", level=level)
        logger.log_markdown("MARKDOWN", "TITLE", level=level)
        logger.log_task("TASK", "SUBTITLE", "TITLE", level=level)
    logger.log_error("ERROR")


@pytest.mark.parametrize("level", ["", "OFF", "off", "nonsense"])
def test_the_log_is_silent_by_default_at_every_level(level: str, capfd: pytest.CaptureFixture[str]) -> None:
    log_everything(QuietLogger(level))
    logging.getLogger("smolagents").debug("LOGGING")
    assert capfd.readouterr() == ("", "")


def test_a_silent_log_draws_nothing(python: Python) -> None:
    script = (
        "import sys, smolagents_patches, smolagents.agents as a\n"
        "log = smolagents_patches.QuietLogger()\n"
        "log.log(a.Panel(a.Text('CALL')))\n"
        "log.log_markdown('MARKDOWN')\n"
        "print(sorted(name for name in sys.modules if name.startswith(('rich.', 'pygments'))))"
    )
    assert python("-c", script).stdout == "[]\n"


def test_what_is_drawn_is_what_smolagents_means(capfd: pytest.CaptureFixture[str]) -> None:
    QuietLogger("INFO").log(smolagents.agents.Panel(smolagents.agents.Text("CALL")), level=LogLevel.INFO)
    assert "│ CALL" in capfd.readouterr().err


def test_a_live_display_is_silent_too(capfd: pytest.CaptureFixture[str]) -> None:
    """SmolAgents streams into one, whatever the level."""
    with Live("LIVE", console=QuietLogger().console):
        pass
    assert capfd.readouterr() == ("", "")


def test_the_quiet_console_is_still_needed() -> None:
    """When this fails, a `Live` or log_rule respects the level: see whether the console must be quiet."""
    shown = io.StringIO()
    silent = AgentLogger(level=LogLevel.OFF, console=Console(file=shown))
    with Live("LIVE", console=silent.console):
        pass
    assert "LIVE" in shown.getvalue()
    AgentLogger(level=LogLevel.INFO, console=Console(file=shown)).log_rule("RULE", level=LogLevel.DEBUG)
    assert "RULE" in shown.getvalue()


@pytest.mark.parametrize("level", ["DEBUG", "debug"])
def test_with_a_level_the_log_is_on_stderr(level: str, capfd: pytest.CaptureFixture[str]) -> None:
    log_everything(QuietLogger(level))
    out, err = capfd.readouterr()
    assert out == ""
    for word in ("LOG", "RULE", "MARKDOWN", "TASK", "ERROR"):
        assert word in err


def test_the_level_is_respected(capfd: pytest.CaptureFixture[str]) -> None:
    logger = QuietLogger("INFO")
    logger.log("SHOWN", level=LogLevel.INFO)
    logger.log("HIDDEN", level=LogLevel.DEBUG)
    err = capfd.readouterr().err
    assert "SHOWN" in err
    assert "HIDDEN" not in err


# --- errors -----------------------------------------------------------------------------------------------


def wrapped(inner: Exception) -> AgentToolExecutionError:
    """As SmolAgents does it in `execute_tool_call`."""
    try:
        try:
            raise inner
        except Exception as error:
            raise AgentToolExecutionError(
                f"Error executing tool: {error}. Try another.", QuietLogger()
            ) from error
    except AgentToolExecutionError as error:
        return error


def test_our_own_error_is_found_in_the_one_that_smolagents_made_of_it() -> None:
    inner = CallRefused("No tool has run yet.")
    assert cause(wrapped(inner)) is inner
    assert feedback(wrapped(inner)) == "No tool has run yet."


def test_of_another_error_smolagents_sentence_is_the_feedback() -> None:
    error = wrapped(ZeroDivisionError("division by zero"))
    assert cause(error) is None
    assert feedback(error) == "Error executing tool: division by zero. Try another."


def test_an_error_without_a_cause_is_its_own_text() -> None:
    assert feedback(ValueError("plain")) == "plain"
