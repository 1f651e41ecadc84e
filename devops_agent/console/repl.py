"""The interactive session: one task after the other."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TextIO

from devops_agent.console import own_command
from devops_agent.console.attached import attached
from devops_agent.console.commands import Commands
from devops_agent.console.interruptions import interruptible
from devops_agent.console.prompt import Abandoned
from devops_agent.errors import ExitCode, UsageError, UserError
from devops_agent.session import Session

ReadLine = Callable[[], str]
GOODBYE = "Goodbye!"
_LEAVES = ("exit", "quit", "q")
_HELPS = ("help", "?")
# Two interruptions within so many seconds are a wish to leave.
_TWICE = 3.0
_HELP = """\
Type a task in plain words, for example: Get all pods in default namespace
"it", "its logs", "there" mean what the task before was about.
  help, ?          this text
  exit, quit, q    leave (also Ctrl-D)
  !command         run a shell command yourself; the agent reads what it prints
  @file            put a file into the task
  Up, Down         earlier tasks; Ctrl-R searches them
  Tab              complete a name, a file, a command
  Alt-Enter        another line of the same task
  Ctrl-C           stop the running task; twice: leave"""


class Repl:
    """Reads tasks until the user leaves.

    Args:
        session: Does them.
        read: Returns a line; raises EOFError at the end and KeyboardInterrupt for an abandoned line.
        commands: The slash commands.
        out: Where help and the like go.
        fail: Shows a line about something that the user can correct.
        working: Entered while a task is done.
        alone: Entered while a command of the user's has the screen.
        unread: Told of the keys that such a command did not read.
    """

    def __init__(
        self,
        session: Session,
        read: ReadLine,
        commands: Commands,
        out: TextIO,
        fail: Callable[[str], None],
        working: Callable[[], AbstractContextManager[None]] = nullcontext,
        alone: Callable[[], AbstractContextManager[None]] = nullcontext,
        unread: Callable[[bytes], None] = lambda keys: None,
    ) -> None:
        self._session = session
        self._read = read
        self._commands = commands
        self._out = out
        self._fail = fail
        self._working = working
        self._alone = alone
        self._unread = unread
        self._interrupted = -_TWICE  # when, by the monotonic clock

    def run(self) -> None:
        """Reads and does one line after the other."""
        while True:
            try:
                line = self._read().strip()
                if line.lower() in _LEAVES:
                    break
                self._take(line)
            except EOFError:
                break
            except Abandoned as abandoned:
                if not abandoned.had_text and self._is_second_interruption():
                    break
            except KeyboardInterrupt:
                if self._is_second_interruption():
                    break
            except UserError as error:
                self._fail(str(error))
        self._say(GOODBYE)

    def _is_second_interruption(self) -> bool:
        now = time.monotonic()
        is_second = now - self._interrupted < _TWICE
        self._interrupted = now
        if not is_second:
            self._say("Ctrl-C once more leaves.")
        return is_second

    def _take(self, line: str) -> None:
        if line.lower() in _HELPS:
            self._say(_HELP)
            self._commands.table["help"].run("")
        elif line.startswith("/") and (command := self._commands.named(line)):
            command()
        elif line.startswith("!"):
            self._run_own(line[1:].strip())
        elif line.lower() in self._commands.table:
            raise UsageError(f"A task has more words. The command is /{line.lower()}.")
        elif line:
            self._do(line)

    def _do(self, line: str) -> None:
        task, texts = attached(line, self._session.redactor)
        with self._working(), interruptible() as interruptions:
            code = self._session.do(task, lambda: texts)
        if interruptions.asks_to_leave:
            raise EOFError
        if code is ExitCode.INTERRUPTED:
            self._interrupted = time.monotonic()

    def _run_own(self, command: str) -> None:
        if not command:
            raise UsageError("Write the command behind the mark: !kubectl get pods.")

        def run(grew: Callable[[str], None]) -> tuple[str, int]:
            with self._alone():
                return own_command.run(command, self._out, grew, self._unread)

        code = self._session.own(command, run)
        if code:
            self._say(f"Exit code: {code}")

    def _say(self, text: str) -> None:
        print(text, file=self._out, flush=True)


def stream_reader(stream: TextIO) -> ReadLine:
    """Reads lines of a pipe or file."""

    def read() -> str:
        line = stream.readline()
        if not line:
            raise EOFError
        return line

    return read
