"""The program as a child that lives on: signals can be sent to it, and lines typed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_SECONDS = 40


class Child:
    """A process of the program, whose requests go to a host.

    Args:
        host: Where its Ollama is.
        arguments: What stands behind its name.
        stdin: Its standard input; a pipe for `type`.
    """

    def __init__(self, host: str, *arguments: str, stdin: int = subprocess.DEVNULL) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "devops_agent", *arguments],
            env={**os.environ, "PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1", "OLLAMA_HOST": host},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
            # a shell's background jobs are born deaf to Ctrl-C
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def type(self, line: str) -> None:
        """Sends a line to it."""
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def end(self) -> tuple[int, str, str]:
        """Waits for its end: the exit code, and what it wrote."""
        out, err = self.process.communicate(timeout=_SECONDS)
        return self.process.returncode, out, err
