"""The interactive session: one task after the other."""

from collections.abc import Callable
from pathlib import Path
from typing import TextIO

BANNER = "🤖 DevOps Agent - Interactive Mode"
APPROVAL_BANNER = "⚠️  Approval mode enabled - you'll be asked to approve each tool call"
HINT = "Type your task and press Enter. Type 'exit' or 'quit' to leave."
_HELP = """\
Type a task in plain words, for example: Get all pods in default namespace
  help, ?          this text
  exit, quit, q    leave (also Ctrl-D)
  Up, Down         earlier tasks
  Ctrl-C           stop the running task"""
HISTORY = ".devops_agent_history"

ReadLine = Callable[[], str]


def run(do_task: Callable[[str], None], read: ReadLine, out: TextIO, approval: bool) -> None:
    """Reads tasks until the user leaves; each is independent of the others.

    Args:
        do_task: Does one task and shows what comes of it.
        read: Returns a line; raises EOFError at the end and KeyboardInterrupt for an abandoned line.
        out: Where greeting and help go.
        approval: Whether approval mode is on.
    """
    greeting = [BANNER, APPROVAL_BANNER, HINT] if approval else [BANNER, HINT]
    print(*greeting, "", sep="\n", file=out, flush=True)
    while True:
        try:
            line = read().strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            break
        if line.lower() in ("exit", "quit", "q"):
            break
        if line.lower() in ("help", "?"):
            print(_HELP, file=out, flush=True)
        elif line:
            do_task(line)
    print("Goodbye!", file=out, flush=True)


def prompt_reader(home: Path) -> ReadLine:
    """Reads lines on a terminal, with the history of earlier sessions in the home directory."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory, History, InMemoryHistory

    history: History = InMemoryHistory()
    path = home / HISTORY
    try:
        path.touch(mode=0o600)
        path.open("r+b").close()
        history = FileHistory(str(path))
    except OSError:
        pass  # a home or history that cannot be written costs the history, not the session
    session: PromptSession[str] = PromptSession(history=history)
    return lambda: session.prompt("> ")


def stream_reader(stream: TextIO) -> ReadLine:
    """Reads lines of a pipe or file."""

    def read() -> str:
        line = stream.readline()
        if not line:
            raise EOFError
        return line

    return read
