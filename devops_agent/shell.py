"""Runs a shell command: its output in order, its exit code, an end to it.

The `bash` tool takes a command and nothing else; what the user set (time limit, output budget) reaches it
through the active shell, which also remembers the last result as evidence.
"""

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from devops_agent import table_facts
from devops_agent.errors import ToolError
from devops_agent.exit_code_notes import Notes, notes_on
from devops_agent.outputs import BUDGET, OutputStore, clean, reduce_output
from devops_agent.pace import Pace

_READ_SIZE = 65536
_HEAD, _TAIL = 200, 300
# After the command itself ended, a background process may hold its pipe open for ever.
_DRAIN_SECONDS = 0.3
_KEEP_IN_MEMORY = 4 << 20
# Of a running command's output so much is told.
_TOLD, _KEPT_OF_INTERRUPTED = 16 << 10, 200_000
# What ends at once is told when it has ended.
_QUIET_SECONDS = 0.25
_KILL_GRACE_SECONDS = 0.4
# More processes than any work starts at once; what goes on to multiply takes the machine.
_MOST_PROCESSES = 2000
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# No pager, no colour, no question that nobody can answer.
_ENVIRONMENT = {
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "MANPAGER": "cat",
    "SYSTEMD_PAGER": "cat",
    "TERM": "dumb",
    "NO_COLOR": "1",
    "CLICOLOR": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "DEBIAN_FRONTEND": "noninteractive",
    "BUILDKIT_PROGRESS": "plain",
    "DOCKER_CLI_HINTS": "false",
}


@dataclass(frozen=True)
class CommandResult:
    """What a command did.

    Attributes:
        command: The text that ran.
        exit_code: The shell's exit code; a signal N is 128 + N.
        output: stdout and stderr in the order in which they were written, cleaned of terminal codes.
        timed_out: Whether it was killed at the time limit.
        seconds: How long it ran.
        kept: The copy of the full output, when the model sees only a part of it.
        hidden_failure: What failed although the exit code may be 0, in one line.
    """

    command: str
    exit_code: int
    output: str
    timed_out: bool
    seconds: float
    kept: Path | None = None
    hidden_failure: str = ""


@dataclass
class Shell:
    """Runs commands with the user's limits.

    Attributes:
        timeout: Seconds after which a command's whole process group is killed.
        budget: Characters of output that the model sees.
        store: Keeps the full text of what is cut.
        secret: Whether what runs now prints secrets.
        last: The result of the newest command.
        watcher: Told now and then what the running command has printed so far, of which only the end, and
            when it is interrupted. What prints secrets is not told.
    """

    timeout: float = 120.0
    budget: int = BUDGET
    store: OutputStore = field(default_factory=OutputStore)
    secret: bool = False
    last: CommandResult | None = None
    watcher: Callable[[str], None] | None = None

    def run(self, command: str) -> CommandResult:
        """Runs `bash -c` in the current directory with stdin closed.

        Raises:
            ToolError: bash cannot be started.
            KeyboardInterrupt: The process group was killed first.
        """
        started = time.monotonic()
        output = _HeadAndTail()
        growth = _Growth(output, None if self.secret else self.watcher)
        with notes_on(command) as notes:
            with _signals_held() as held:
                process = _start(notes)
            try:
                _raise_held(held)
                crowd = _Crowd(process.pid)
                unfinished = _read(process, started + self.timeout, crowd, growth)
            except BaseException:
                try:
                    _kill(process)
                finally:  # a second interruption comes out of it
                    with suppress(OSError):  # of a terminal that was closed
                        growth.tell(_KEPT_OF_INTERRUPTED)
                raise
            if unfinished:
                _kill(process)
            else:
                _leave_reader(process)
            code = process.wait()
            timed_out = unfinished and not crowd.killed
            failure = "" if timed_out else crowd.killed or notes.hidden_failure()
        seconds = time.monotonic() - started
        text = clean(output.joined().decode("utf-8", errors="replace"))
        kept = self.store.save(text, self.secret) if len(text.rstrip("\n")) > self.budget else None
        code = code if code >= 0 else 128 - code
        self.last = CommandResult(command, code, text, timed_out, seconds, kept, failure)
        return self.last

    def describe(self, result: CommandResult, as_facts: bool = False) -> str:
        """The output within the budget, then the exit code when not 0.

        Args:
            result: What the command did.
            as_facts: Whether tables that small models misread become sentences first.
        """
        text = result.output.rstrip("\n")
        if as_facts:
            text = table_facts.for_model(result.command, text)
        if as_facts and result.exit_code:
            text = "\n".join(map(_without_middle, text.split("\n")))
        shown = reduce_output(text, self.budget, result.kept)
        lines = [shown] if shown else []
        if result.timed_out:
            lines.append(f"Timed out: killed after {self.timeout:g} seconds.")
        if result.hidden_failure:
            lines.append(result.hidden_failure)
        if result.exit_code != 0:
            lines.append(f"Exit code: {result.exit_code}")
        return "\n".join(lines) or "Done, no output."

    @contextmanager
    def active(self, secret: bool = False) -> Iterator[None]:
        """Makes this the shell that the `bash` tool uses, for a call that may print secrets."""
        token = _ACTIVE.set(self)
        self.secret = secret
        try:
            yield
        finally:
            self.secret = False
            _ACTIVE.reset(token)


_ACTIVE: ContextVar[Shell | None] = ContextVar("active_shell", default=None)


def active_shell() -> Shell:
    """The shell of the running agent, or one with default limits."""
    return _ACTIVE.get() or Shell()


@contextmanager
def _signals_held() -> Iterator[list[int]]:
    """Collects what would end the agent, instead of letting it leave a process behind that nobody kills."""
    held: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield held
        return
    before = {number: signal.signal(number, lambda got, _: held.append(got)) for number in _ENDING}
    try:
        yield held
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise_held(held: list[int]) -> None:
    for number in held[:1]:
        signal.raise_signal(number)


def _start(notes: Notes) -> subprocess.Popen[bytes]:
    # A child that Ctrl-Z stops before it has a session of its own never runs, and this process, which waits
    # for that, is not stopped either.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
    try:
        return subprocess.Popen(
            ["bash", "-c", notes.script.encode(errors="surrogateescape")],  # whatever the locale
            pass_fds=notes.descriptors,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **_ENVIRONMENT},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ToolError(f"The command could not be started: {error}.") from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _without_middle(line: str) -> str:
    """An error of thousands of characters in one line: what it is about stands first, and the reason last."""
    return f"{line[:_HEAD]} … {line[-_TAIL:]}" if len(line) > _HEAD + _TAIL + 100 else line


class _Crowd:
    """The processes of a session, which are ended when they are too many; without /proc that is not known.

    Attributes:
        killed: Why they were ended; "" if they were not.
    """

    def __init__(self, session: int) -> None:
        self.killed = ""
        self._session = session
        self._before = _tasks()

    def is_too_large(self) -> bool:
        # the count for the whole machine costs nothing; that of the session is a look at every process
        if _tasks() - self._before > _MOST_PROCESSES // 2 and _size(self._session) > _MOST_PROCESSES:
            self.killed = f"Killed: it had started more than {_MOST_PROCESSES} processes."
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._session, signal.SIGKILL)
        return bool(self.killed)


def _tasks() -> int:
    """How many processes and threads there are."""
    try:
        return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])
    except (OSError, ValueError, IndexError):
        return 0


def _size(session: int) -> int:
    """How many processes a session has."""
    found = 0
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError):
            found += place.read_text(errors="replace").rpartition(")")[2].split()[3] == str(session)
    return found


def _read(process: subprocess.Popen[bytes], deadline: float, crowd: _Crowd, growth: "_Growth") -> bool:
    """Reads until the output ends, the process has ended, or the deadline; whether it is to be killed."""
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        drained_at = deadline
        while True:
            now = time.monotonic()
            if process.poll() is not None:
                drained_at = min(drained_at, now + _DRAIN_SECONDS)
            if now >= drained_at or crowd.is_too_large():
                return process.poll() is None or bool(crowd.killed)
            growth.tell_if_due()
            if not selector.select(min(0.05, drained_at - now)):
                continue
            chunk = process.stdout.read(_READ_SIZE)
            if chunk == b"":
                process.stdout.close()
                return _outlives(process, deadline, crowd)
            growth.output.add(chunk or b"")


def _outlives(process: subprocess.Popen[bytes], deadline: float, crowd: _Crowd) -> bool:
    """Waits for a process that closed its output; whether the deadline or too many processes came first."""
    while not crowd.is_too_large():
        try:
            process.wait(max(0.0, min(0.05, deadline - time.monotonic())))
        except subprocess.TimeoutExpired:
            if time.monotonic() >= deadline:
                return True
        else:
            return False
    return True


def _leave_reader(process: subprocess.Popen[bytes]) -> None:
    """Has the output of a background process read until its end: at a closed pipe a server breaks."""
    assert process.stdout is not None
    if process.stdout.closed:
        return
    with process.stdout as pipe:
        os.set_blocking(pipe.fileno(), True)
        with suppress(OSError):
            # in the background of a shell that ends, it is nobody's child and outlives the agent
            subprocess.run(
                ["bash", "-c", "cat <&0 >/dev/null 2>&1 &"], stdin=pipe, start_new_session=True, check=False
            )


class _HeadAndTail:
    """Bytes of which the middle is dropped when there are too many to keep in memory."""

    def __init__(self) -> None:
        self.head = bytearray()
        self.tail = bytearray()
        self.dropped = 0

    def add(self, chunk: bytes) -> None:
        room = _KEEP_IN_MEMORY - len(self.head)
        self.head += chunk[:room] if room > 0 else b""
        self.tail += chunk[max(room, 0) :]
        if len(self.tail) > 2 * _KEEP_IN_MEMORY:
            self.dropped += len(self.tail) - _KEEP_IN_MEMORY
            del self.tail[:-_KEEP_IN_MEMORY]

    @property
    def size(self) -> int:
        return len(self.head) + len(self.tail) + self.dropped

    def end(self, most: int) -> bytes:
        return bytes((self.head[-most:] if len(self.tail) < most else b"") + self.tail[-most:])[-most:]

    def joined(self) -> bytes:
        gap = f"\n[{self.dropped} bytes not kept]\n".encode() if self.dropped else b""
        return bytes(self.head) + gap + bytes(self.tail)


class _Growth:
    """Tells what has come of an output, now and then."""

    def __init__(self, output: _HeadAndTail, watcher: Callable[[str], None] | None) -> None:
        self.output = output
        self._watcher = watcher
        self._told, self._pace = 0, Pace(delay=_QUIET_SECONDS)

    def tell_if_due(self) -> None:
        if self._watcher and self.output.size != self._told and self._pace.is_due:
            self._pace.run(self.tell)

    def tell(self, most: int = _TOLD) -> None:
        self._told = self.output.size
        if self._watcher and self._told:
            self._watcher(clean(self.output.end(most).decode("utf-8", errors="replace")))


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the whole process group: politely first, so that a program can clean up, then by force."""
    with _signals_held() as held:
        for sig in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, sig)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_KILL_GRACE_SECONDS)
        if process.stdout is not None:
            process.stdout.close()
    _raise_held(held)
