"""What the slash commands of a session do. To add one: a method, and its line in `table`."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from devops_agent import approval, conversation, kube_context
from devops_agent.console.history import SafeHistory
from devops_agent.console.names import Names
from devops_agent.console.slash import SlashCommand
from devops_agent.errors import UsageError
from devops_agent.kube_context import Overlay
from devops_agent.outputs import reduce_output
from devops_agent.session import Session
from devops_agent.terminal import Terminal
from devops_agent.undo import UndoStore

_SWITCHES = ("on", "off")
_BUDGET = 4000
_LISTED = 20


class Commands:
    """The slash commands of a session.

    Args:
        session: The session.
        terminal: What shows it.
        out: Where a command prints.
        overlay: Chooses the Kubernetes context.
        history: What was typed before.
        names: The names that can be completed.
        undo: The files as they were.
        runbooks: The folders of the user's own runbooks.
    """

    def __init__(
        self,
        session: Session,
        terminal: Terminal,
        out: TextIO,
        overlay: Overlay,
        history: SafeHistory | None,
        names: Names | None,
        undo: UndoStore,
        runbooks: Sequence[Path],
    ) -> None:
        self.session = session
        self.terminal = terminal
        self.out = out
        self.overlay = overlay
        self.history = history
        self.names = names
        self.undo = undo
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
        self._say(self.session.model if not words else f"{words} is loaded with the next task.")

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
        self._say(f"Docker: {kube_context and docker_endpoint(os.environ)}")

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
        self.terminal.page(shown[number - 1])

    def _sessions(self, words: str) -> None:
        from devops_agent.commands.sessions import print_list

        if self.session.store is None:
            raise UsageError("Sessions are not kept here.")
        print_list(self.session.store.list(_LISTED), self.out)

    def _resume(self, words: str) -> None:
        store = self.session.store
        wanted = words or (store.newest(Path.cwd()) if store else "")
        if not wanted:
            raise UsageError("There is no session to go on with.")
        self._say(resumed(self.session, wanted))

    def _undo(self, words: str) -> None:
        from devops_agent.commands.undo import restore

        restore(self.undo, self.out, approval.confirms)

    def _diagnose(self, words: str) -> None:
        from devops_agent.commands.diagnose import findings

        found = "\n".join(map(str, findings(words))) or "No trouble found."
        self._say(found)
        shown = reduce_output(self.session.redactor(found), _BUDGET)
        command = f"devops-agent diagnose {words}".rstrip()
        self.session.add(conversation.of_command(command, shown, True))

    def _runbook(self, words: str) -> None: ...

    def _export(self, words: str) -> None: ...

    def _clear(self, words: str) -> None:
        self.session.clear()
        self._say("A new session begins.")

    def _exit(self, words: str) -> None:
        raise EOFError


Dispatch = Callable[[str], None]
