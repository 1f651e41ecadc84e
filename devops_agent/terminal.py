"""Shows a run: the answer on stdout, everything else on stderr."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from operator import eq
from typing import Any, TextIO

from devops_agent import events
from devops_agent.ansi import BOLD, DIM, RED, painted, plain, visible
from devops_agent.errors import OutputError
from devops_agent.highlight import coloured, folded
from devops_agent.live_region import LiveRegion
from devops_agent.symbols import ascii_text, symbols
from devops_agent.working import Working


@dataclass(frozen=True)
class Look:
    """How things are shown.

    Attributes:
        verbose: Whether prompts, raw replies, timings and token counts are shown.
        quiet: Whether only the answer is shown.
        live: Whether the error stream is a terminal, on which lines can be redrawn.
        colour: Whether colours are welcome.
        unicode: Whether there are other signs than ASCII.
        encoding: That of the streams.
        height: Lines that an observation may take; 0 for all.
        rest: How the user sees the whole of an observation, given its number.
        width: The columns of the terminal now.
    """

    verbose: bool = False
    quiet: bool = False
    live: bool = False
    colour: bool = False
    unicode: bool = True
    encoding: str = "utf-8"
    height: int = 0
    rest: Callable[[int], str] = lambda number: ""
    width: Callable[[], int] = lambda: 80


class Terminal:
    """A listener that writes what happens as text.

    Args:
        out: Where the answer goes.
        err: Where the rest goes.
        look: How things are shown.

    Attributes:
        observations: What was observed in the session, in full.
    """

    def __init__(self, out: TextIO, err: TextIO, look: Look | None = None) -> None:
        self.out = out
        self.err = err
        self.look = look or Look()
        self.observations: list[str] = []
        self._signs = symbols(self.look.unicode)
        self._region = LiveRegion(err, self.look.width) if self.look.live and not self.look.quiet else None
        self._progress = Working(self._signs)
        self._shown_messages: Sequence[Mapping[str, str]] = ()
        self._shown_progress = ("", 0)
        self._call = ""
        self._printed = ""  # by a command that has not ended

    def __call__(self, event: events.Event) -> None:
        if self.look.quiet and not isinstance(event, events.Answered | events.Failed):
            return
        self._progress.follow(event)
        match event:
            case events.ThinkingStarted() | events.Waiting():
                self._show_progress()
            case events.Asked():
                self._hide_progress()
            case events.ThinkingEnded(seconds):
                self._hide_progress()
                self._say(f"{self._signs.time} {seconds:.0f}s")
            case events.Reasoned(text):
                self._say(self._styled(text, DIM))
            case events.ToolCalled(name, arguments, effect):
                self._called(name, arguments, effect)
            case events.OutputGrew(text):
                self._printed = text
            case events.Observed(text, output):
                self._observed(text, output)
            case events.Grounded(text):
                self._say(f"Looked up:\n{plain(text)}\n")
            case events.Corrected(text):
                self._say(self._styled(f"{self._signs.back} {text}", DIM))
            case events.Answered(text, ok):
                self._answer(text, ok)
            case events.Failed(text):
                self.failure(text)
            case events.Exchange():
                self._exchange(event)
            case events.Progress():
                self._loaded(event)
            case events.Notice(text):
                self._say(plain(text))

    # --- what happens -------------------------------------------------------------------------------------

    def _called(self, name: str, arguments: Mapping[str, Any], effect: str) -> None:
        mark = f"  [{effect}]" if effect not in ("", "read") else ""
        self._call, self._printed = str(arguments.get("command", "")), ""
        self._say("\n" + self._styled(visible(call_line(name, arguments)) + mark, BOLD))
        if effect:
            self._show_progress()

    def _observed(self, text: str, output: str = "", end: str = "") -> None:
        self._hide_progress()
        self._printed = ""
        self.observations.append(max(text, output, key=len))  # the model reads a part of what is long
        shown = plain(text)
        if self.look.colour:
            shown = coloured(shown, self._call)
        if self.look.height:
            rest = self.look.rest(len(self.observations))
            shown, _ = folded(shown, self.look.height, self.look.width(), rest)
        self._say(f"Observations{end}:\n{shown}\n")

    def _answer(self, text: str, ok: bool) -> None:
        self._hide_progress()
        text = plain(text)
        if not self.look.quiet:
            text = f"{self._signs.ok if ok else self._signs.failed} {text}"
        try:
            print(self._written(text), file=self.out, flush=True)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"The answer cannot be written: {error.strerror}.") from error

    def failure(self, text: str) -> None:
        """One line about something that the user can correct, behind what a command had printed before it."""
        self._hide_progress()
        if self._printed and not self.look.quiet:
            self._observed(self._printed.rstrip("\n"), end=" until then")
        self._say(self._styled(f"devops-agent: {text}", RED))

    def be(self, **changes: Any) -> None:
        """Shows things in another way from now on."""
        self.look = replace(self.look, **changes)

    # --- writing ------------------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        text = self._written(text)
        if self._region:
            self._region.say(text)
        else:
            print(text, file=self.err, flush=True)

    def _written(self, text: str) -> str:
        return text if self.look.unicode else ascii_text(text, self.look.encoding)

    def _styled(self, text: str, style: str) -> str:
        text = plain(text)
        return painted(text, style) if self.look.colour else text

    def _show_progress(self) -> None:
        if self._region:
            self._region.start(self._progress_lines)

    def _progress_lines(self) -> Sequence[str]:
        first, *rest = (self._written(plain(line)) for line in self._progress.lines(self.look.width()))
        return [first, *(self._styled(line, DIM) for line in rest)]

    def _hide_progress(self) -> None:
        if self._region:
            self._region.stop()

    def _loaded(self, progress: events.Progress) -> None:
        tenth = (progress.what, progress.percent // 10)
        if self._region:
            self._show_progress()
            if progress.percent == 100:
                self._hide_progress()
                self._say(str(progress))
        elif self._shown_progress != tenth:
            self._shown_progress = tenth
            self._say(str(progress))

    def _exchange(self, event: events.Exchange) -> None:
        if not self.look.verbose:
            return
        known = takewhile(bool, map(eq, self._shown_messages, event.messages))
        new = event.messages[len(list(known)) :]
        self._shown_messages = tuple(event.messages)
        lines = [f"--- {message['role']}\n{message['content']}" for message in new]
        lines.append(f"--- reply{' (constrained)' if event.constrained else ''}\n{event.reply}")
        counts = (event.prompt_tokens, event.cached_tokens, event.output_tokens)
        prompt, cached, output = ("?" if count is None else str(count) for count in counts)
        lines.append(f"--- {event.seconds:.1f} s, prompt {prompt} tokens ({cached} cached), output {output}")
        self._say(self._styled("\n".join(lines), DIM))


def call_line(name: str, arguments: Mapping[str, Any]) -> str:
    """A call as one shows it to a person: `bash {kubectl get pods}`."""
    first = next(iter(arguments.values()), "")
    shown = first if isinstance(first, str) else json.dumps(first, ensure_ascii=False, default=str)
    return f"{name} {{{shown}}}"
