"""The composition root: settings, engine, agent and terminal are put together here.

It is the only module of the package that imports the top-level ones, beside `smolagents_patches`. What a
function needs alone is imported in it, so that `--help` answers at once.
"""

import gc
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, cast

from devops_agent import cli, settings
from devops_agent.cli import Invocation
from devops_agent.errors import (
    EngineError,
    EngineUnreachable,
    ExitCode,
    OutputError,
    UsageError,
    UserError,
)
from devops_agent.folders import cache_folder, data_folder, runbook_folders

if TYPE_CHECKING:
    import argparse

    from devops_agent.events import Listener
    from devops_agent.kube_context import Overlay
    from devops_agent.session import Session
    from devops_agent.settings import Settings
    from devops_agent.standard_input import Reader
    from devops_agent.terminal import Terminal


def main(argv: Sequence[str] | None = None) -> ExitCode:
    """Runs the command line and returns its exit code."""
    _open_streams()
    given = Invocation(json=cli.asks_for_json(argv))
    tell: Listener | None = None
    try:
        given = cli.parse(argv)
        from devops_agent import pattern_cache  # --help and --version have ended
        from devops_agent.kube_context import Overlay

        _choose_colours(given.color)
        terminal = _terminal(given)
        tell = _listener(given, terminal)
        data = _data(given)
        _end_on_signals()
        _enter(given.directory)
        with pattern_cache.kept(pattern_cache.file(os.environ)), Overlay(os.environ) as overlay:
            if given.context is not None or given.namespace is not None:
                overlay.use(given.context, given.namespace)
            if given.subcommand is not None:
                return _subcommand(given)
            chosen = settings.load(given.settings, os.environ)
            task = _task(given, data)
            data = data if given.task or given.file else None
            terminal.be(verbose=chosen.verbose)
            with closing(_session(chosen, tell)) as session:
                told = _taken_up(session, given)
                if task is None:
                    return _interact(session, terminal, overlay, told)
                code = _do(session, task, data, told)
            return _leave(code) if code is ExitCode.INTERRUPTED else code
    except OutputError as error:
        _tell_failure(_terminal(Invocation()), str(error), error.exit_code)
        return _leave(error.exit_code)  # at a normal end Python would try to write once more
    except UserError as error:
        _tell_failure(tell or _listener(given, _terminal(given)), str(error), error.exit_code)
        return error.exit_code
    except (KeyboardInterrupt, _Terminated):
        with suppress(OSError, OutputError):  # a terminal that was closed
            tell = tell or _listener(given, _terminal(given))
            _tell_failure(tell, "Interrupted.", ExitCode.INTERRUPTED)
        return _leave(ExitCode.INTERRUPTED)
    except OSError as error:
        if _ended_by:  # a terminal that was closed takes nothing back from who leaves it
            return _leave(ExitCode.INTERRUPTED)
        if not isinstance(error, BrokenPipeError):
            raise
        return _leave(ExitCode.FAILED)


def run() -> NoReturn:
    """Runs the command line as a process, which ends without taking apart all that it has loaded."""
    gc.disable()  # what is imported stays: to look through it costs a twentieth of the start
    code = main()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = code or ExitCode.FAILED
    except OSError as error:
        code = ExitCode.FAILED
        _tell_failure(_terminal(Invocation()), f"The output cannot be written: {error.strerror}.", code)
    _leave(code)


def _subcommand(given: Invocation) -> ExitCode:
    from devops_agent.commands import dispatch

    gc.enable()
    return dispatch.run(cast("argparse.Namespace", given.subcommand), sys.stdout)


def _tell_failure(tell: "Listener", text: str, code: ExitCode) -> None:
    from devops_agent.events import Failed

    tell(Failed(text, code))


def _listener(given: Invocation, terminal: "Terminal") -> "Listener":
    """What is told of all that happens: the terminal, or JSON where that is asked for."""
    if not given.json:
        return terminal
    from devops_agent.json_lines import JsonLines

    return JsonLines(sys.stdout)


def _data(given: Invocation) -> "Reader | None":
    """What reads the standard input, where there is something to read for a task."""
    if given.subcommand or given.interactive or not given.stdin or sys.stdin.isatty():
        return None
    from devops_agent.standard_input import Reader

    return Reader(sys.stdin).start()


def _enter(directory: Path | None) -> None:
    try:
        if directory is not None:
            os.chdir(directory)
    except OSError as error:
        raise UsageError(f"--cwd: {directory}: {error.strerror}. Name a folder.") from error


def _task(given: Invocation, data: "Reader | None") -> str | None:
    """The task, from the words, a file or the standard input; None for a session."""
    from devops_agent import task_file

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


class _Terminated(SystemExit):
    """SIGTERM or SIGHUP. No KeyboardInterrupt, for that ends only the task of an interactive session."""


# The signals that ended this process.
_ended_by: list[int] = []


def _end_on_signals() -> None:
    """Lets what ends this process end its command too, which has a session of its own."""
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup leaves it
        signal.signal(signal.SIGHUP, _terminate)


def _terminate(number: int, _: object) -> NoReturn:
    _ended_by.append(number)
    raise _Terminated(ExitCode.INTERRUPTED)


def _open_streams() -> None:
    """Replaces the standard streams that the caller closed, such as a service manager."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
        elif name != "stdin" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without Unicode still shows the answer


def _choose_colours(wanted: str) -> None:
    """Has all that looks at the environment, such as the prompt and the questions, follow the flag too."""
    if wanted == "never" or (wanted == "auto" and os.environ.get("TERM") == "dumb"):
        os.environ["NO_COLOR"] = "1"
    elif wanted == "always":
        os.environ.pop("NO_COLOR", None)


def _terminal(given: Invocation) -> "Terminal":
    from devops_agent.columns import size_of
    from devops_agent.symbols import speaks_unicode
    from devops_agent.terminal import Look, Terminal

    live, plain = sys.stderr.isatty(), given.color == "never" or os.environ.get("NO_COLOR")
    look = Look(
        quiet=given.quiet,
        live=live and os.environ.get("TERM") != "dumb",
        colour=given.color == "always" or (live and not plain),
        unicode=speaks_unicode(sys.stderr.encoding or "", os.environ),
        encoding=sys.stderr.encoding or "ascii",
        width=lambda: size_of(sys.stderr).columns,
    )
    return Terminal(sys.stdout, sys.stderr, look)


def _leave(code: ExitCode) -> NoReturn:
    """Ends the process at once: the engine's thread may be in the middle of a batch."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


# --- a session --------------------------------------------------------------------------------------------


def _do(session: "Session", task: str, data: "Reader | None", told: str) -> ExitCode:
    from devops_agent.events import Notice

    session.warm_up()
    if told:
        session.tell(Notice(told))
    return session.do(task, lambda: _texts(data, session))


def _session(chosen: "Settings", listener: "Listener") -> "Session":
    from devops_agent import session_store
    from devops_agent.events import Notice
    from devops_agent.session import Session
    from devops_agent.session_store import SessionStore

    session = Session(chosen, _new_agent, listener)
    path = data_folder(os.environ) / session_store.FILE
    session.store = SessionStore(
        path, lambda text: session.redactor(text), lambda text: session.tell(Notice(text))
    )
    session.begin()
    return session


def _taken_up(session: "Session", given: Invocation) -> str:
    """Goes on with the session that is asked for, and says with which."""
    if given.resume is None and not given.continue_:
        return ""
    from devops_agent.console.commands import resumed

    assert session.store
    wanted = given.resume or session.store.newest(Path.cwd())
    if not wanted:
        raise UsageError("There is no session to go on with. See devops-agent sessions.")
    return resumed(session.resume(wanted))


def _texts(data: "Reader | None", session: "Session") -> Mapping[str, str]:
    """What came on standard input, without secrets and within the budget."""
    from devops_agent.events import Notice
    from devops_agent.outputs import BUDGET, reduce_output

    if data is None:
        return {}
    text = session.redactor(data.finish())
    if data.notice:
        session.tell(Notice(data.notice))
    return {"/dev/stdin": reduce_output(text, BUDGET)} if text.strip() else {}


def _interact(session: "Session", terminal: "Terminal", overlay: "Overlay", told: str) -> ExitCode:
    from devops_agent.commands import dispatch
    from devops_agent.console import console

    def subcommand(words: Sequence[str], out: TextIO) -> None:
        dispatch.run(cast("argparse.Namespace", cli.parse(words).subcommand), out)

    folders = runbook_folders(settings.config_path(os.environ).parent, Path.cwd())
    console.interact(session, terminal, overlay, subcommand, folders, told)
    return ExitCode.DONE


# A look for a question takes no longer.
_PREVIEW_SECONDS = 8.0


def _new_agent(session: "Session") -> Any:
    """The agent of a session, with its engine."""
    from agent import DevOpsAgent, bash, get_env, read_file, write_file
    from devops_agent import briefing, events, redaction, runbook_library
    from devops_agent.outputs import OutputStore
    from devops_agent.shell import Shell

    chosen, redactor = session.settings, session.redactor
    redaction.prepare()
    safe = events.hiding(session.tell, redactor)
    store = OutputStore(cache_folder(os.environ) / "outputs", redactor)
    config, here = settings.config_path(os.environ).parent, Path.cwd()
    runbooks = runbook_library.load(runbook_folders(config, here))
    gate = _gate(session, config, here, safe)
    model = _choose_model(chosen, session.tell)
    session.model = model.model_id
    model.listener = safe
    agent = DevOpsAgent(
        tools=[read_file, write_file, bash, get_env],
        model=model,
        verbose=chosen.verbose,
        gate=gate,
        max_steps=chosen.max_steps,
        shell=Shell(timeout=chosen.timeout, store=store),
        listener=session.tell,
        redactor=redactor,
        brief=briefing.briefer(runbooks, here, safe, chosen.grounding, model.weigh),
        conversation=session.conversation,
        log_level=chosen.log_level,
    )
    try:
        model.prepare(tuple(agent.tools.values()), agent.instructions or "")
    except BaseException:
        model.close()
        raise
    if not gc.isenabled():  # it is the first
        gc.freeze()
        gc.enable()
    return agent


def _gate(session: "Session", config: Path, here: Path, tell: "Listener") -> Any:
    """The gate that every call passes, with the user's policy and that of the project."""
    from devops_agent import approval, events, preview
    from devops_agent.audit import AuditLog
    from devops_agent.events import Notice
    from devops_agent.gate import Gate
    from devops_agent.policy import user_policy
    from devops_agent.shell import Shell
    from devops_agent.undo import UndoStore

    def asked(question: approval.Question) -> approval.Answer:
        session.tell(events.Waiting("looking at what it would do"))
        text = question.preview()  # before there is a question that a key could answer
        session.tell(events.Asked())
        shown = replace(question, preview=lambda: text)
        return cast(approval.Answer, session.asking(lambda: approval.ask_user_approval(shown)))

    data = data_folder(os.environ)
    looks = Shell(timeout=_PREVIEW_SECONDS)
    return Gate(
        session.modes,
        user_policy.load(config / "policy.toml", here / ".devops-agent" / "policy.toml"),
        approver=asked,
        preview=lambda call: preview.preview(call, looks.run),
        log=AuditLog(data / "audit.jsonl", session.redactor, lambda text: tell(Notice(text))),
        undo=UndoStore(data / "undo"),
        redactor=session.redactor,
        own=(config, data),
    )


# An engine that stays waits so many seconds at least: it is to answer who has just found it.
_LEAST_IDLE = 10.0


# --- the engine -------------------------------------------------------------------------------------------


def _choose_model(chosen: "Settings", terminal: "Listener") -> Any:
    """Ollama when it runs and has the model, else the embedded engine; what was set never falls back."""
    from devops_agent import endpoint
    from devops_agent.events import Notice

    if chosen.backend == "llama-cpp":
        return _embedded(chosen, terminal, "as model_path says" if chosen.model_path else "as backend says")
    is_set = chosen.backend == "ollama" or chosen.explicit & {"host", "model"}
    base = endpoint.base_url(chosen.host)
    if not is_set and not endpoint.accepts(base):
        return _embedded(chosen, terminal, f"no Ollama at {base}")
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
    if is_set:
        raise problem
    return _embedded(chosen, terminal, why)


def _ollama(chosen: "Settings", terminal: "Listener") -> Any:
    from ollama_backend import OllamaChat

    return OllamaChat(
        chosen.model, chosen.host, _sampling(chosen), f"{chosen.keep_alive:g}s", listener=terminal
    )


def _embedded(chosen: "Settings", terminal: "Listener", why: str) -> Any:
    from devops_agent.engines import openmp, resident, tuning
    from devops_agent.engines.llama_cpp import LlamaCppChat
    from devops_agent.events import Notice
    from devops_agent.model_file import DEFAULT_MODEL

    path = chosen.model_path
    terminal(
        Notice(f"Engine: embedded llama.cpp, model {path.name if path else DEFAULT_MODEL.name} ({why}).")
    )
    if path is None:
        path = _default_model(terminal)
    openmp.provide(os.environ)
    if not chosen.keep_alive:
        resident.stop(resident.folder(os.environ))
    model = LlamaCppChat(
        path,
        _sampling(chosen),
        terminal,
        tuning.load(tuning.file(os.environ)),
        states=cache_folder(os.environ) / "states",
        place=resident.folder(os.environ) if chosen.keep_alive else None,
        idle=max(chosen.keep_alive, _LEAST_IDLE),
    )
    model.load()
    return model


def _default_model(terminal: "Listener") -> Path:
    """The file of the default model, fetched where it is not there."""
    from devops_agent.events import Progress
    from devops_agent.model_file import DEFAULT_MODEL

    folder = cache_folder(os.environ) / "models"
    if DEFAULT_MODEL.is_in(folder):
        return folder / DEFAULT_MODEL.name
    from devops_agent.model_store import ensure_model

    def progress(what: str, done: int, total: int) -> None:
        terminal(Progress(what, done, total))

    return ensure_model(DEFAULT_MODEL, folder, progress, os.environ)


def _sampling(chosen: "Settings") -> Any:
    from devops_agent.chat import Sampling

    return Sampling(chosen.temperature, chosen.top_p, chosen.num_ctx, chosen.num_predict)


if __name__ == "__main__":
    run()
