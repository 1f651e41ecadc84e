"""The line at which the user types a task."""

from collections.abc import Callable

from prompt_toolkit import PromptSession
from prompt_toolkit.application import in_terminal
from prompt_toolkit.completion import Completer
from prompt_toolkit.filters import is_searching
from prompt_toolkit.formatted_text import AnyFormattedText
from prompt_toolkit.history import History
from prompt_toolkit.input.typeahead import store_typeahead
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyBindings, KeyPress, KeyPressEvent
from prompt_toolkit.keys import Keys

from devops_agent.console.draft import Draft

_MARK = "> "
_CONTINUED = "  "


class Prompt:
    """Reads a task on a terminal: Enter sends it, Alt-Enter begins another line of it.

    Args:
        history: The earlier tasks.
        completer: Completes at Tab.
        toolbar: What stands at the bottom.
        draft: Keeps what is being typed.
    """

    def __init__(
        self, history: History, completer: Completer, toolbar: Callable[[], AnyFormattedText], draft: Draft
    ) -> None:
        self._draft = draft
        self._first = draft.recovered()
        self.session: PromptSession[str] = PromptSession(
            history=history,
            completer=completer,
            complete_while_typing=False,
            complete_in_thread=True,
            bottom_toolbar=toolbar,
            multiline=True,
            prompt_continuation=_CONTINUED,
            key_bindings=_keys(),
            enable_suspend=True,
            refresh_interval=0.5,
        )
        self.session.default_buffer.on_text_changed += lambda buffer: draft.keep(buffer.text)

    @property
    def is_recovered(self) -> bool:
        """Whether a line of a process that was killed is offered again."""
        return bool(self._first)

    def read(self, typed: str = "") -> str:
        """One task.

        Args:
            typed: What was typed before the prompt was there.

        Raises:
            EOFError: Ctrl-D on an empty line.
            KeyboardInterrupt: Ctrl-C; the line is in the history.
        """
        if typed:
            store_typeahead(self.session.input, _pressed(typed))
        first, self._first = self._first, ""
        line = self.session.prompt(_MARK, default=first)
        self._draft.keep("")
        return line

    def when_typing(self, begin: Callable[[], None]) -> None:
        """Has something done at each change of the line; no key may have to wait for it."""
        self.session.default_buffer.on_text_changed += lambda _: begin()

    def when_ready(self, begin: Callable[[], None]) -> None:
        """Begins something once the prompt is on the screen."""

        def once(_: object) -> None:
            self.session.app.after_render -= once
            begin()

        self.session.app.after_render += once

    @property
    def is_open(self) -> bool:
        """Whether the prompt is there now."""
        return self.session.app.is_running

    def say(self, write: Callable[[], None]) -> None:
        """Has something written above the prompt while it is there, from any thread; else at once."""
        app = self.session.app
        if not app.is_running or app.loop is None:
            write()
            return

        async def above() -> None:
            async with in_terminal():
                write()

        loop = app.loop
        loop.call_soon_threadsafe(lambda: app.create_background_task(above()))


def _keys() -> KeyBindings:
    keys = KeyBindings()
    typing = ~is_searching  # in a search they have meanings of their own

    @keys.add("enter", filter=typing)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter", filter=typing)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.newline()

    @keys.add("c-c", filter=typing)
    @keys.add("<sigint>")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.text.strip():
            buffer.append_to_history()
        event.app.exit(exception=Abandoned(bool(buffer.text.strip())), style="class:aborting")

    return keys


class Abandoned(KeyboardInterrupt):
    """Ctrl-C at the prompt.

    Attributes:
        had_text: Whether something was typed.
    """

    def __init__(self, had_text: bool) -> None:
        super().__init__()
        self.had_text = had_text


def _pressed(typed: str) -> list[KeyPress]:
    """The keys that a text of a terminal stands for; Enter arrives as a line feed while nothing reads it."""
    keys: list[KeyPress] = []
    parser = Vt100Parser(keys.append)
    parser.feed_and_flush(typed.replace("\n", "\r"))
    return [key for key in keys if key.key != Keys.CPRResponse]
