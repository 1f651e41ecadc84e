"""Puts the interactive session together: the prompt, what is shown above it, and the commands."""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TextIO

from devops_agent import events, kube_context
from devops_agent.console import greeting
from devops_agent.console.commands import Commands
from devops_agent.console.repl import Repl, stream_reader
from devops_agent.folders import data_folder, home_folder
from devops_agent.kube_context import Overlay
from devops_agent.session import Session
from devops_agent.symbols import symbols
from devops_agent.terminal import Terminal

# Lines of an observation that are shown; `/show` has the rest.
_FOLDED_LINES = 30
HISTORY = ".devops_agent_history"

Subcommand = Callable[[Sequence[str], TextIO], None]


def interact(
    session: Session,
    terminal: Terminal,
    overlay: Overlay,
    subcommand: Subcommand,
    runbooks: Sequence[Path],
    told: str = "",
) -> None:
    """Greets, and reads tasks until the user leaves.

    Args:
        session: Does the tasks.
        terminal: Shows what happens.
        overlay: Chooses the Kubernetes context.
        subcommand: Runs a subcommand.
        runbooks: The folders of the user's own runbooks.
        told: What is to be said of a session that is taken up again.
    """
    out, chosen = sys.stdout, session.settings
    commands = Commands(session, terminal, out, overlay, subcommand, runbooks)
    first = [greeting.banner(symbols(terminal.look.unicode), chosen.require_approval)]
    first += [greeting.facts(chosen, os.environ)] if sys.stdin.isatty() else []
    print(*first, *filter(None, [told]), "", sep="\n", file=out, flush=True)
    if sys.stdin.isatty():
        _on_terminal(session, terminal, commands)
    else:
        Repl(session, stream_reader(sys.stdin), commands, out, terminal.failure).run()


def _on_terminal(session: Session, terminal: Terminal, commands: Commands) -> None:
    # not before it is needed: a pipe has no prompt
    from devops_agent.console.completion import LineCompleter
    from devops_agent.console.draft import Draft
    from devops_agent.console.history import History
    from devops_agent.console.keyboard import Keyboard
    from devops_agent.console.names import Names
    from devops_agent.console.prompt import Prompt

    terminal.be(height=_FOLDED_LINES, rest=lambda number: f"/show {number}")

    def hide(text: str) -> str:
        return str(session.redactor.unnamed(text))

    def warn(text: str) -> None:
        session.tell(events.Notice(text))

    names = Names()
    history = History(home_folder(os.environ) / HISTORY, hide, warn)
    commands.history, commands.names = history, names
    draft = Draft(data_folder(os.environ) / "drafts", lambda text: _hidden(text, session))
    keyboard = Keyboard(sys.stdin.fileno(), draft.keep)
    completer = LineCompleter(commands.table, names, os.environ)
    toolbar = Toolbar(session, terminal.look.unicode)
    prompt = Prompt(history, completer, toolbar, draft)
    prompt.when_typing(names.refresh)
    above = AbovePrompt(prompt, terminal, toolbar)
    session.listener = above
    session.asking = keyboard.asking
    if prompt.is_recovered:
        warn("A line that was not sent is back.")
    warming = threading.Thread(target=_warm_up, args=(session, warn), daemon=True)
    prompt.when_ready(warming.start)  # imports in another thread would hold it up

    def read() -> str:
        return prompt.read(keyboard.take())

    @contextmanager
    def working() -> Iterator[None]:
        with keyboard.quiet():
            yield
        print(file=commands.out, flush=True)

    repl = Repl(
        session,
        read,
        commands,
        commands.out,
        terminal.failure,
        working=working,
        alone=above.held,
        unread=keyboard.add,
    )
    repl.run()


def _hidden(text: str, session: Session) -> str:
    """A line that is not finished without its secrets: the halves of words in it are none for the session."""
    from devops_agent.redaction import Redactor

    return Redactor(active=not session.settings.show_secrets)(text)


def _warm_up(session: Session, warn: Callable[[str], None]) -> None:
    """Loads what the first task needs, and says what cannot be reached."""
    session.warm_up(announces=True)
    for trouble in greeting.troubles():
        warn(trouble)


class Toolbar:
    """What stands below the prompt.

    Args:
        session: The session.
        unicode: Whether there are other signs than ASCII.
    """

    def __init__(self, session: Session, unicode: bool = True) -> None:
        self._session = session
        self._between = " · " if unicode else " | "
        self.progress = ""
        self.place = ""

    def __call__(self) -> str:
        session = self._session
        engine = session.model or self.progress or "loading the model"
        used = f"context {session.conversation.used:.0%}"
        parts = [engine, self._place(), greeting.approval(session.settings), used]
        return self._between.join(filter(None, parts))

    def _place(self) -> str:
        # it stands in files, which are read again when they were chosen anew
        chosen = os.environ.get("KUBECONFIG", "")
        if not self.place.startswith(f"{chosen}\n"):
            self.place = f"{chosen}\n{'/'.join(kube_context.current(os.environ))}"
        return self.place.partition("\n")[2].strip("/")


class Above(Protocol):
    """What writes above a prompt."""

    @property
    def is_open(self) -> bool:
        """Whether the prompt is there now."""

    def say(self, write: Callable[[], None]) -> None:
        """Has something written above it."""


class AbovePrompt:
    """A listener that shows what happens above the prompt, while there is one, and else as it is.

    Args:
        prompt: The prompt.
        terminal: Shows it.
        toolbar: Shows how far the engine is.
    """

    def __init__(self, prompt: Above, terminal: Terminal, toolbar: Toolbar) -> None:
        self._prompt = prompt
        self._terminal = terminal
        self._toolbar = toolbar
        self._held: list[events.Event] | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """While somebody else has the screen: what happens is shown afterwards."""
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
            for event in held:
                self(event)

    def __call__(self, event: events.Event) -> None:
        if isinstance(event, events.Progress):
            self._toolbar.progress = f"{event.what}: {event.percent}%"
            if self._prompt.is_open:
                return
        if self._held is not None:
            self._held.append(event)
            return
        self._prompt.say(lambda: self._terminal(event))
