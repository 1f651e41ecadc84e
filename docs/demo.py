"""The recording in README.md: a real task in a real terminal.

python docs/demo.py    # records it anew, with the engine and the services of this machine

It writes demo.cast, which `asciinema play` shows as it went, and demo.svg, the screen at its end.
"""

import codecs
import fcntl
import io
import json
import os
import pty
import struct
import subprocess
import termios
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).resolve().parent
ROWS, COLUMNS = 30, 110
TASK = "Why is the pod in namespace shop not starting?"


def record(command: list[str], typed: str) -> list[tuple[float, str]]:
    """Runs a command on a terminal, and gives what it wrote with the seconds since its start."""
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    started, decoder = time.monotonic(), codecs.getincrementaldecoder("utf-8")("replace")
    frames = [(0.0, f"$ {typed}\r\n")]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
    process = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment, start_new_session=True
    )
    os.close(terminal)
    while True:
        try:
            text = decoder.decode(os.read(master, 65536))
        except OSError:  # the other end is closed
            break
        frames.append((time.monotonic() - started, text))
    process.wait()
    return frames


def write_cast(frames: list[tuple[float, str]], path: Path) -> None:
    """Writes the form of https://docs.asciinema.org/manual/asciicast/v2/."""
    head = {"version": 2, "width": COLUMNS, "height": ROWS, "env": {"TERM": "xterm-256color"}}
    lines = [json.dumps(head), *(json.dumps([round(at, 3), "o", text]) for at, text in frames)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_picture(plain: str, path: Path) -> None:
    """Draws what a terminal shows that keeps no line which was written over."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(plain), overflow="fold")
    path.write_text(console.export_svg(title="devops-agent"), encoding="utf-8")


if __name__ == "__main__":
    agent = str(DOCS.parent / "devops-agent")
    shown = f'devops-agent "{TASK}"'
    write_cast(record([agent, TASK], shown), DOCS / "demo.cast")
    # once more without what moves: rich has no terminal to write over
    told = subprocess.run(
        [agent, "--color", "always", TASK],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    write_picture(f"$ {shown}\n{told.stdout}", DOCS / "demo.svg")
