"""The composition root: settings, engine, agent and terminal are put together here.

It is the only module of the package that imports the top-level ones, beside `smolagents_patches`.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from devops_agent import cli, settings, task_file
from devops_agent.cli import Invocation
from devops_agent.errors import (
    EngineError,
    EngineUnreachable,
    ExitCode,
    OutputError,
    UsageError,
    UserError,
)
from devops_agent.events import Listener
from devops_agent.folders import cache_folder, data_folder
from devops_agent.kube_context import Overlay
from devops_agent.settings import Settings
from devops_agent.standard_input import Reader
from devops_agent.terminal import Terminal


def main(argv: Sequence[str] | None = None) -> ExitCode:
    """Runs the command line and returns its exit code."""
    _open_streams()
    terminal = _terminal(verbose=False)
    try:
        given = cli.parse(argv)
        data = _data(given)
        _end_on_signals()
        _enter(given.directory)
        with Overlay(os.environ) as overlay:
            if given.context is not None or given.namespace is not None:
                overlay.use(given.context, given.namespace)
            if given.subcommand is not None:
                return _run_subcommand(given.subcommand)
            chosen = settings.load(given.settings, os.environ)
            terminal = _terminal(chosen.verbose)
            task = _task(given, data)
            data = data if given.task or given.file else None
            return _Session(chosen, terminal, given, data, overlay).run(task)
    except OutputError as error:
        terminal.failure(str(error))
        return _leave(error.exit_code)  # at a normal end Python would try to write once more
    except UserError as error:
        terminal.failure(str(error))
        return error.exit_code
    except (KeyboardInterrupt, _Terminated):
        with suppress(OSError):  # a terminal that was closed
            terminal.failure("Interrupted.")
        return _leave(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        return _leave(ExitCode.FAILED)


def _data(given: Invocation) -> Reader | None:
    """What reads the standard input, where there is something to read for a task."""
    if given.subcommand or given.interactive or not given.stdin or sys.stdin.isatty():
        return None
    return Reader(sys.stdin).start()


def _enter(directory: Path | None) -> None:
    try:
        if directory is not None:
            os.chdir(directory)
    except OSError as error:
        raise UsageError(f"--cwd: {directory}: {error.strerror}. Name a folder.") from error


def _task(given: Invocation, data: Reader | None) -> str | None:
    """The task, from the words, a file or the standard input; None for a session."""
    task = task_file.read(given.file) if given.file else given.task
    if task is None and data is not None:
        task = data.whole().strip() or None
        if task is not None and data.notice:
            raise UsageError("The task on standard input is longer than 1 MB. Give a shorter one.")
    if task is None and not given.interactive and not sys.stdin.isatty():
        raise UsageError(
            'No task given. Say what to do: devops-agent "Check disk usage"; -i reads a task a line.'
        )
    if task is None and given.json:
        raise UsageError("--json is for one task. Say what to do, or leave it out.")
    return task


def _run_subcommand(arguments: argparse.Namespace) -> ExitCode:
    """Runs a subcommand; only what it needs itself is imported."""
    data, out = data_folder(os.environ), sys.stdout
    match arguments.subcommand:
        case "diagnose":
            from devops_agent.commands.diagnose import diagnose_command

            diagnose_command(arguments, out)
        case "runbooks":
            from devops_agent import briefing
            from devops_agent.commands.runbooks import runbooks_command

            folders = briefing.folders(settings.config_path(os.environ).parent, Path.cwd())
            runbooks_command(arguments, folders, out)
        case "policy":
            from devops_agent.commands.policy import policy_command

            policy_command(arguments, sys.stdin, out)
        case "audit":
            from devops_agent.commands.audit import audit_command

            audit_command(arguments, data / "audit.jsonl", out)
        case "undo":
            from devops_agent import approval
            from devops_agent.commands.undo import undo_command
            from devops_agent.undo import UndoStore

            undo_command(arguments, UndoStore(data / "undo"), out, approval.confirms)
        case "sessions":
            from devops_agent.commands.sessions import sessions_command

            sessions_command(arguments, data / "sessions.db", out)
        case "doctor":
            from devops_agent.commands.doctor import doctor_command

            return ExitCode.DONE if doctor_command(arguments, os.environ, out) else ExitCode.FAILED
        case "completions":
            from devops_agent.commands.completions import completions_command

            completions_command(arguments, out)
    return ExitCode.DONE


class _Terminated(SystemExit):
    """SIGTERM or SIGHUP. No KeyboardInterrupt, for that ends only the task of an interactive session."""


def _end_on_signals() -> None:
    """Lets what ends this process end its command too, which has a session of its own."""
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup leaves it
        signal.signal(signal.SIGHUP, _terminate)


def _terminate(*_: object) -> NoReturn:
    raise _Terminated(ExitCode.INTERRUPTED)


def _open_streams() -> None:
    """Replaces the standard streams that the caller closed, such as a service manager."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
        elif name != "stdin" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without Unicode still shows the answer


def _terminal(verbose: bool) -> Terminal:
    live = sys.stderr.isatty()
    return Terminal(sys.stdout, sys.stderr, verbose, live, live and not os.environ.get("NO_COLOR"))


def _leave(code: ExitCode) -> ExitCode:
    """Ends the process at once: the engine's thread may be in the middle of a batch."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


# A look for a question takes no longer.
_PREVIEW_SECONDS = 8.0


class _Session:
    """An engine and an agent that do one task or several."""

    def __init__(
        self, chosen: Settings, terminal: Terminal, given: Invocation, data: Reader | None, overlay: Overlay
    ) -> None:
        self.settings = chosen
        self.terminal = terminal
        self._agent: Any = None

    def run(self, task: str | None) -> ExitCode:
        """Does the task, or reads tasks until the user leaves."""
        if task is not None:
            return self.do(task)
        from devops_agent import repl

        read = repl.prompt_reader(Path.home()) if sys.stdin.isatty() else repl.stream_reader(sys.stdin)
        repl.run(self._do_one_of_many, read, sys.stdout, self.settings.require_approval)
        return ExitCode.DONE

    def do(self, task: str) -> ExitCode:
        """Does one task and shows the answer."""
        from devops_agent import events

        agent = self._agent = self._agent or self._new_agent()
        answer = _answer(agent, task).strip()
        code: ExitCode = agent.evidence.exit_code()
        self.terminal(events.Answered(answer, code is ExitCode.DONE))
        return code

    def _do_one_of_many(self, task: str) -> None:
        try:
            self.do(task)
        except UserError as error:
            self.terminal.failure(str(error))
        except KeyboardInterrupt:
            self.terminal.failure("Interrupted.")

    def _new_agent(self) -> Any:
        from agent import DevOpsAgent, bash, get_env, read_file, write_file
        from devops_agent import briefing, events, redaction, runbook_library
        from devops_agent.outputs import OutputStore
        from devops_agent.shell import Shell

        # while the engine loads
        threading.Thread(target=redaction.prepare, daemon=True).start()
        redactor = redaction.Redactor(active=not self.settings.show_secrets)
        safe = events.hiding(self.terminal, redactor)
        store = OutputStore(cache_folder(os.environ) / "outputs", redactor)
        config, here = settings.config_path(os.environ).parent, Path.cwd()
        runbooks = runbook_library.load(briefing.folders(config, here))
        gate = _gate(self.settings, config, here, redactor, safe)
        model = _choose_model(self.settings, self.terminal)
        model.listener = safe
        return DevOpsAgent(
            tools=[read_file, write_file, bash, get_env],
            model=model,
            verbose=self.settings.verbose,
            gate=gate,
            max_steps=self.settings.max_steps,
            shell=Shell(timeout=self.settings.timeout, store=store),
            listener=self.terminal,
            redactor=redactor,
            brief=briefing.briefer(runbooks, here, safe, self.settings.grounding, model.weigh),
            log_level=self.settings.log_level,
        )


def _gate(chosen: Settings, config: Path, here: Path, redactor: Any, terminal: Listener) -> Any:
    """The gate that every call passes, with the user's policy and that of the project."""
    from devops_agent import preview
    from devops_agent.audit import AuditLog
    from devops_agent.events import Notice
    from devops_agent.gate import Gate
    from devops_agent.policy import user_policy
    from devops_agent.policy.modes import Modes
    from devops_agent.shell import Shell
    from devops_agent.undo import UndoStore

    data = data_folder(os.environ)
    looks = Shell(timeout=_PREVIEW_SECONDS)
    return Gate(
        Modes(chosen.read_only, chosen.dry_run, chosen.require_approval, chosen.assume_yes),
        user_policy.load(config / "policy.toml", here / ".devops-agent" / "policy.toml"),
        preview=lambda call: preview.preview(call, looks.run),
        log=AuditLog(data / "audit.jsonl", redactor, lambda text: terminal(Notice(text))),
        undo=UndoStore(data / "undo"),
        redactor=redactor,
        own=(config, data),
    )


def _answer(agent: Any, task: str) -> str:
    from smolagents.utils import AgentError

    import smolagents_patches

    try:
        return str(agent.run(task))
    except AgentError as error:
        cause = smolagents_patches.cause(error)
        if isinstance(cause, UserError):
            raise cause from error
        raise


# --- the engine -------------------------------------------------------------------------------------------


def _choose_model(chosen: Settings, terminal: Listener) -> Any:
    """Ollama when it runs and has the model, else the embedded engine; what was set never falls back."""
    from devops_agent.events import Notice

    if chosen.backend == "llama-cpp":
        return _embedded(chosen, terminal, "as model_path says" if chosen.model_path else "as backend says")
    model = _ollama(chosen, terminal)
    try:
        if model.installed():
            terminal(Notice(f"Engine: Ollama at {model.base}, model {model.model_id}."))
            return model
        problem: EngineError = model.not_found()
        why = f"Ollama at {model.base} has no model {model.model_id}"
    except EngineError as error:
        there = "no" if isinstance(error, EngineUnreachable) else "no usable"
        problem, why = error, f"{there} Ollama at {model.base}"
    if chosen.backend == "ollama" or chosen.explicit & {"host", "model"}:
        raise problem
    return _embedded(chosen, terminal, why)


def _ollama(chosen: Settings, terminal: Listener) -> Any:
    from ollama_backend import OllamaChat

    return OllamaChat(chosen.model, chosen.host, _sampling(chosen), listener=terminal)


def _embedded(chosen: Settings, terminal: Listener, why: str) -> Any:
    from devops_agent.engines.llama_cpp import LlamaCppChat
    from devops_agent.events import Notice, Progress
    from devops_agent.model_store import DEFAULT_MODEL, ensure_model

    def progress(what: str, done: int, total: int) -> None:
        terminal(Progress(what, done, total))

    path = chosen.model_path
    terminal(
        Notice(f"Engine: embedded llama.cpp, model {path.name if path else DEFAULT_MODEL.name} ({why}).")
    )
    if path is None:
        path = ensure_model(DEFAULT_MODEL, cache_folder(os.environ) / "models", progress, os.environ)
    model = LlamaCppChat(path, _sampling(chosen), terminal)
    model.load()
    return model


def _sampling(chosen: Settings) -> Any:
    from devops_agent.chat import Sampling

    return Sampling(chosen.temperature, chosen.top_p, chosen.num_ctx, chosen.num_predict)


if __name__ == "__main__":
    sys.exit(main())
