"""What the slash commands of a session do. To add one: a method, and its line in `table`."""

import difflib
import io
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from devops_agent import kube_context
from devops_agent.console.greeting import docker_endpoint
from devops_agent.console.history import History
from devops_agent.console.names import Names
from devops_agent.console.pager import page
from devops_agent.console.slash import SlashCommand
from devops_agent.errors import UsageError
from devops_agent.export import one_line
from devops_agent.kube_context import Overlay
from devops_agent.session import Session
from devops_agent.session_store import Stored
from devops_agent.terminal import Terminal

_SWITCHES = ("on", "off")
_LISTED = 20


class Commands:
    """The slash commands of a session.

    Args:
        session: The session.
        terminal: What shows it.
        out: Where a command prints.
        overlay: Chooses the Kubernetes context.
        subcommand: Runs a subcommand, given its words and where it prints.
        runbooks: The folders of the user's own runbooks.

    Attributes:
        history: What was typed before, if anybody types.
        names: The names that can be completed.
    """

    def __init__(
        self,
        session: Session,
        terminal: Terminal,
        out: TextIO,
        overlay: Overlay,
        subcommand: Callable[[Sequence[str], TextIO], None],
        runbooks: Sequence[Path],
    ) -> None:
        self.session = session
        self.terminal = terminal
        self.out = out
        self.overlay = overlay
        self.history: History | None = None
        self.names: Names | None = None
        self.subcommand = subcommand
        self.runbooks = runbooks

    @property
    def table(self) -> Mapping[str, SlashCommand]:
        """The commands by their names."""

        def switches() -> Sequence[str]:
            return _SWITCHES

        commands = (
            SlashCommand("help", "", "this text", self._help),
            SlashCommand("model", "[NAME | FILE.gguf]", "the model; another one", self._model),
            SlashCommand("kube", "[CONTEXT][/NAMESPACE]", "where kubectl works; elsewhere", self._kube),
            SlashCommand("docker", "[CONTEXT]", "which engine docker uses; another one", self._docker),
            SlashCommand("approve", "[on | off]", "ask before each tool call", self._approve, switches),
            SlashCommand("readonly", "[on | off]", "change nothing", self._readonly, switches),
            SlashCommand("verbose", "[on | off]", "prompts, raw replies, timings", self._verbose, switches),
            SlashCommand("history", "[WORDS]", "what you typed before", self._history),
            SlashCommand("show", "[N]", "the whole of an observation", self._show),
            SlashCommand("sessions", "", "earlier sessions", self._sessions),
            SlashCommand("resume", "[ID]", "go on with one of them", self._resume),
            SlashCommand("undo", "", "get back the files that the last task changed", self._undo),
            SlashCommand("diagnose", "[TARGET]", "what does not work, and why", self._diagnose),
            SlashCommand(
                "runbook",
                "[list | show NAME | search WORDS | save NAME]",
                "runbooks; make one of this session",
                self._runbook,
                lambda: ("list", "show", "search", "save"),
            ),
            SlashCommand(
                "export",
                "[markdown | script] [FILE]",
                "this session as a document or a script",
                self._export,
                lambda: ("markdown", "script"),
            ),
            SlashCommand("clear", "", "start afresh", self._clear),
            SlashCommand("exit", "", "leave", self._exit),
        )
        return {command.name: command for command in commands}

    def named(self, line: str) -> Callable[[], None] | None:
        """What a line that begins with a slash asks for; None for a path, which may stand in a task.

        Raises:
            UsageError: There is no such command.
        """
        name, _, words = line[1:].partition(" ")
        if command := self.table.get(name.lower()):
            return lambda: command.run(words.strip())
        if "/" in name or not name.isalpha():
            return None
        near = difflib.get_close_matches(name, self.table, 1)
        raise UsageError(f"There is no command /{name}. See /{near[0] if near else 'help'}.")

    def _subcommand(self, *words: str, out: TextIO | None = None) -> None:
        self.subcommand(words, out or self.out)

    def _say(self, text: str) -> None:
        print(text, file=self.out, flush=True)

    # --- where and how ------------------------------------------------------------------------------------

    def _help(self, words: str) -> None:
        shown = {f"/{each.name} {each.takes}".rstrip(): each.help for each in self.table.values()}
        width = max(map(len, shown))
        self._say("\n".join(f"  {left:{width}}  {right}" for left, right in shown.items()))

    def _model(self, words: str) -> None:
        if words.endswith(".gguf"):
            path = Path(words).expanduser()
            if not path.is_file():
                raise UsageError(f"No such file: {path}.")
            self.session.change(model_path=path, backend="llama-cpp")
        elif words:
            self.session.change(model=words, model_path=None, backend="ollama")
        self._say(
            f"{words} is loaded with the next task." if words else self.session.model or "It is loading."
        )

    def _kube(self, words: str) -> None:
        if words:
            context, _, namespace = words.partition("/")
            self.overlay.use(context or None, namespace or None)
            if self.names:
                self.names.forget()
        context, namespace = kube_context.current(os.environ)
        self._say(f"Kubernetes: context {context}, namespace {namespace}" if context else "Kubernetes: none")

    def _docker(self, words: str) -> None:
        if words:
            os.environ.pop("DOCKER_HOST", None)
            os.environ["DOCKER_CONTEXT"] = words
            if self.names:
                self.names.forget()
        self._say(f"Docker: {docker_endpoint(os.environ)}")

    def _approve(self, words: str) -> None:
        self._switch("require_approval", words, "Each tool call is asked for", "What destroys is asked for")

    def _readonly(self, words: str) -> None:
        self._switch("read_only", words, "Nothing is changed", "Changes are allowed")

    def _verbose(self, words: str) -> None:
        self._switch("verbose", words, "All is shown", "The usual is shown")
        self.terminal.be(verbose=self.session.settings.verbose)

    def _switch(self, setting: str, words: str, on: str, off: str) -> None:
        if words not in ("", *_SWITCHES):
            raise UsageError(f"{words!r} is neither on nor off.")
        wanted = words == "on" if words else not getattr(self.session.settings, setting)
        self.session.change(**{setting: wanted})
        self._say(f"{on if wanted else off}.")

    # --- what was -----------------------------------------------------------------------------------------

    def _history(self, words: str) -> None:
        entries = self.history.entries(_LISTED, words) if self.history else []
        self._say("\n".join(entries) or "Nothing of that was typed.")

    def _show(self, words: str) -> None:
        shown = self.terminal.observations
        if not shown:
            raise UsageError("Nothing was observed yet.")
        number = int(words) if words.isdecimal() else len(shown)
        if not 1 <= number <= len(shown):
            raise UsageError(f"There is no observation {words}: there are 1 to {len(shown)}.")
        page(shown[number - 1], self.out)

    def _sessions(self, words: str) -> None:
        self._subcommand("sessions", "list")

    def _resume(self, words: str) -> None:
        store = self.session.store
        wanted = words or (store.newest(Path.cwd()) if store else "")
        if not wanted:
            raise UsageError("There is no session to go on with.")
        self._say(resumed(self.session.resume(wanted)))

    def _undo(self, words: str) -> None:
        self._subcommand("undo")

    def _diagnose(self, words: str) -> None:
        def run(grew: Callable[[str], None]) -> tuple[str, int]:
            told = io.StringIO()
            try:
                self._subcommand("diagnose", *shlex.split(words), out=told)
            finally:
                self._say(told.getvalue().rstrip())
            return told.getvalue(), 0

        self.session.own(f"devops-agent diagnose {words}".rstrip(), run)

    def _runbook(self, words: str) -> None:
        action, _, name = words.partition(" ")
        if action != "save":
            self._subcommand("runbooks", *shlex.split(words))
            return
        from devops_agent.commands.runbooks import save

        self._say(f"Saved as {save(self._kept(), name.strip(), self.runbooks[0])}")

    def _export(self, words: str) -> None:
        form, _, path = words.partition(" ")
        if form not in ("", "markdown", "script"):
            raise UsageError(f"{form!r} is no form. Use /export markdown or /export script, and a file.")
        into = ("-o", path.strip()) if path.strip() else ()
        self._subcommand("sessions", "export", self._kept().id, "--format", form or "markdown", *into)

    def _kept(self) -> Stored:
        """The session as it is kept.

        Raises:
            UsageError: It is not, or has no task yet.
        """
        store, recording = self.session.store, self.session.recording
        if store is None or recording is None or not recording.id:
            raise UsageError("This session is not kept.")
        if not self.session.conversation.turns:
            raise UsageError("There is no task in this session yet.")
        return store.load(recording.id)

    def _clear(self, words: str) -> None:
        self.session.clear()
        self._say("A new session begins.")

    def _exit(self, words: str) -> None:
        raise EOFError


def resumed(stored: Stored) -> str:
    """What is told of a session that is taken up again."""
    count = len(stored.turns)
    lines = [
        f"Session {stored.id}: {count} task{'s' * (count != 1)}, the last: {one_line(stored.turns[-1].task)}"
    ]
    return "\n".join([*lines, *filter(None, [stored.cut_off])])
