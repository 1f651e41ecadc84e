"""Shows a run: the answer on stdout, everything else on stderr."""

import json
import re
import threading
import time
from collections.abc import Mapping, Sequence
from itertools import takewhile
from operator import eq
from typing import Any, TextIO

from devops_agent import events
from devops_agent.errors import OutputError

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_DIM, _BOLD, _RED, _RESET = "\x1b[2m", "\x1b[1m", "\x1b[31m", "\x1b[0m"
_CLEAR_LINE = "\r\x1b[K"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Terminal:
    """A listener that writes what happens as text.

    Args:
        out: Where the answer goes.
        err: Where the rest goes.
        verbose: Whether prompts, raw replies, timings and token counts are shown.
        live: Whether `err` is a terminal, on which a line can be redrawn.
        colour: Whether colours are welcome.
    """

    def __init__(
        self, out: TextIO, err: TextIO, verbose: bool = False, live: bool = False, colour: bool = False
    ) -> None:
        self.out = out
        self.err = err
        self.verbose = verbose
        self.live = live
        self.colour = colour
        self._spinner: _Spinner | None = None
        self._shown_messages: Sequence[Mapping[str, str]] = ()
        self._shown_progress = ("", 0)
        self._line_is_open = False  # of a progress that goes on

    def __call__(self, event: events.Event) -> None:
        match event:
            case events.ThinkingStarted():
                self._start_spinner()
            case events.ThinkingEnded(seconds):
                self._stop_spinner()
                self._say(f"⏱️ {seconds:.0f}s")
            case events.Reasoned(text):
                self._say(self._styled(text, _DIM))
            case events.ToolCalled(name, arguments, effect):
                mark = f"  [{effect}]" if effect not in ("", "read") else ""
                self._say("\n" + self._styled(call_line(name, arguments) + mark, _BOLD))
            case events.Observed(text):
                self._say(f"Observations:\n{_harmless(text)}\n")
            case events.Grounded(text):
                self._say(f"Looked up:\n{_harmless(text)}\n")
            case events.Corrected(text):
                self._say(self._styled(f"↩ {text}", _DIM))
            case events.Answered(text, ok):
                self._answer(f"{'✅' if ok else '❌'} {_harmless(text)}")
            case events.Exchange():
                self._exchange(event)
            case events.Progress(what, done, total):
                self._progress(what, done, total)
            case events.Notice(text):
                self._say(text)

    def _answer(self, text: str) -> None:
        try:
            print(text, file=self.out, flush=True)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"The answer cannot be written: {error.strerror}.") from error

    def failure(self, text: str) -> None:
        """One line about something that the user can correct."""
        self._stop_spinner()
        self._say(self._styled(f"devops-agent: {text}", _RED))

    def _say(self, text: str) -> None:
        self._end_line()
        print(text, file=self.err, flush=True)

    def _end_line(self) -> None:
        if self._line_is_open:
            self._line_is_open = False
            print(file=self.err, flush=True)

    def _styled(self, text: str, style: str) -> str:
        text = _harmless(text)
        return f"{style}{text}{_RESET}" if self.colour else text

    def _start_spinner(self) -> None:
        self._end_line()
        if self.live:
            self._spinner = _Spinner(self.err)

    def _stop_spinner(self) -> None:
        if self._spinner:
            self._spinner.stop()
            self._spinner = None

    def _progress(self, what: str, done: int, total: int) -> None:
        percent = min(100, done * 100 // total) if total else 0
        size = f" of {total / 1e9:.1f} GB" if total else ""
        if self.live:
            print(f"{_CLEAR_LINE}{what}: {percent}%{size}", end="", file=self.err, flush=True)
            self._line_is_open = True
            if total and done >= total:
                self._end_line()
        elif self._shown_progress != (what, percent // 10):
            self._shown_progress = (what, percent // 10)
            self._say(f"{what}: {percent}%{size}")

    def _exchange(self, event: events.Exchange) -> None:
        if not self.verbose:
            return
        known = takewhile(bool, map(eq, self._shown_messages, event.messages))
        new = event.messages[len(list(known)) :]
        self._shown_messages = tuple(event.messages)
        lines = [f"--- {message['role']}\n{message['content']}" for message in new]
        lines.append(f"--- reply{' (constrained)' if event.constrained else ''}\n{event.reply}")
        counts = (event.prompt_tokens, event.cached_tokens, event.output_tokens)
        prompt, cached, output = ("?" if count is None else str(count) for count in counts)
        lines.append(f"--- {event.seconds:.1f} s, prompt {prompt} tokens ({cached} cached), output {output}")
        self._say(self._styled("\n".join(lines), _DIM))


def _harmless(text: str) -> str:
    """A text of the model or of a file, without what would control the terminal."""
    return _CONTROL.sub("", text)


def call_line(name: str, arguments: Mapping[str, Any]) -> str:
    """A call as one shows it to a person: `bash {kubectl get pods}`."""
    first = next(iter(arguments.values()), "")
    shown = first if isinstance(first, str) else json.dumps(first, ensure_ascii=False, default=str)
    return f"{name} {{{shown}}}"


class _Spinner:
    """Redraws one line with the seconds that have passed, from its own thread."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
        self._stream.write(_CLEAR_LINE)
        self._stream.flush()

    def _run(self) -> None:
        started = time.monotonic()
        frame = 0
        while not self._stopped.wait(0.1):
            seconds = time.monotonic() - started
            self._stream.write(f"{_CLEAR_LINE}{_FRAMES[frame % len(_FRAMES)]} thinking... {seconds:.0f}s")
            self._stream.flush()
            frame += 1
