"""What happens, as lines of JSON for programs: docs/json-events.md has the fields."""

import json
import threading
from collections.abc import Mapping
from typing import Any, TextIO

from devops_agent import events
from devops_agent.errors import OutputError

VERSION = 1


class JsonLines:
    """A listener that writes an object a line.

    Args:
        out: Where they go.
    """

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self._lock = threading.Lock()  # an engine loads in a thread of its own

    def __call__(self, event: events.Event) -> None:
        told = _told(event)
        if told is None:
            return
        line = json.dumps({"v": VERSION, **told}, ensure_ascii=False, default=str)
        try:
            with self._lock:
                print(line, file=self.out, flush=True)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"The events cannot be written: {error.strerror}.") from error


def _told(event: events.Event) -> Mapping[str, Any] | None:
    """The fields of an event; None for what only a screen needs."""
    match event:
        case events.Started(task, session):
            return {"type": "start", "task": task, "session": session}
        case events.Reasoned(text):
            return {"type": "reasoning", "text": text}
        case events.ToolCalled(name, arguments, effect):
            return {"type": "tool_call", "tool": name, "arguments": dict(arguments), "effect": effect}
        case events.Approved(name, arguments, effect, approved, comment):
            asked = {"tool": name, "arguments": dict(arguments), "effect": effect}
            return {"type": "approval", **asked, "approved": approved, "comment": comment}
        case events.Observed(text, _, exit_code, seconds, ok):
            outcome = {"exit_code": exit_code, "seconds": round(seconds, 3), "ok": ok}
            return {"type": "observation", "text": text, **outcome}
        case events.Answered(text, ok, exit_code):
            return {"type": "answer", "text": text, "ok": ok, "exit_code": int(exit_code)}
        case events.Failed(text, exit_code):
            return {"type": "error", "text": text, "exit_code": int(exit_code)}
        case events.Exchange():
            tokens = {name: getattr(event, f"{name}_tokens") for name in ("prompt", "cached", "output")}
            return {"type": "usage", **tokens, "seconds": round(event.seconds, 3)}
        case events.Grounded(text):
            return {"type": "lookup", "text": text}
        case events.Corrected(text):
            return {"type": "correction", "text": text}
        case events.Notice(text):
            return {"type": "notice", "text": text}
        case _:
            return None
