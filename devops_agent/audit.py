"""The audit log: lines of JSON, append-only, readable by the user alone.

A call that runs has a line before it does and another one with its result, which together are one record.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from devops_agent.events import with_texts


@dataclass(frozen=True)
class Record:
    """What became of a call.

    Attributes:
        time: When it was decided, in ISO 8601 and UTC.
        session: The process that ran it.
        call: Its number in the session.
        task: The task, without secrets.
        tool: The tool.
        arguments: Its arguments, without secrets.
        effect: read, change, destructive or unknown.
        rule: Why it was judged so.
        decision: run, refuse or show.
        by: Who decided: the mode, the policy, the user, or a check on the model's calls.
        exit_code: Of the command; None for what did not run, has none or did not end.
        seconds: How long it ran.
        sha256: Of the full output; "" for what did not run or did not end.
    """

    time: str
    session: str
    call: int
    task: str
    tool: str
    arguments: Mapping[str, Any]
    effect: str
    rule: str
    decision: str
    by: str
    exit_code: int | None = None
    seconds: float = 0.0
    sha256: str = ""


@dataclass
class AuditLog:
    """A file to which records are appended.

    Attributes:
        path: The file.
        hide: Hides the secrets of a text.
        warn: Told once, in a line, when the file cannot be written.
    """

    path: Path
    hide: Callable[[str], str] = str
    warn: Callable[[str], None] = lambda text: None
    _warned: bool = field(default=False, init=False)

    def write(self, record: Record) -> None:
        """Appends a record, in one write. A line that was cut off before stays by itself."""
        arguments = with_texts(record.arguments, self.hide)
        texts = {"task": self.hide(record.task), "rule": self.hide(record.rule)}
        told = {**asdict(record), **texts, "arguments": arguments}
        line = json.dumps(told, ensure_ascii=False, default=str) + "\n"
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            handle = os.open(self.path, flags, 0o600)
            try:
                os.write(handle, (_gap(handle) + line).encode("utf-8", errors="replace"))
            finally:
                os.close(handle)
        except OSError as error:
            if not self._warned:
                self._warned = True
                self.warn(f"The audit log cannot be written: {error.strerror} ({self.path}).")


def _gap(handle: int) -> str:
    """A newline, where the last record was cut off."""
    size = os.fstat(handle).st_size
    return "\n" if size and os.pread(handle, 1, size - 1) != b"\n" else ""


def now() -> str:
    """The time of a record."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def digest(output: str) -> str:
    """What stands for an output in a record."""
    return hashlib.sha256(output.encode("utf-8", errors="replace")).hexdigest()


def records(path: Path, since: datetime | None = None, effect: str = "") -> Iterator[dict[str, Any]]:
    """The records of a log, the oldest first; lines that were cut off are left out.

    Args:
        path: The log.
        since: Only those from then on.
        effect: Only those of this effect.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    found: dict[tuple[Any, Any], dict[str, Any]] = {}
    for line in text.split("\n"):
        try:
            record = json.loads(line)
            when = datetime.fromisoformat(record["time"])
            key = (record["session"], record["call"])
            is_wanted = (since is None or when >= since) and effect in ("", record.get("effect"))
        except (ValueError, TypeError, KeyError):
            continue
        if is_wanted:
            found[key] = record
    yield from found.values()


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str) -> datetime:
    """The time that `2h`, `7d` or `2030-01-31` means.

    Raises:
        ValueError: It is neither.
    """
    if text[-1:] in _UNITS and text[:-1].isdecimal():
        return datetime.now(timezone.utc) - timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.astimezone()
