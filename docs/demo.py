"""The recording in README.md: a real task in a real terminal.

python docs/demo.py    # records it anew, with the engine and the services of this machine

It writes demo.cast, which `asciinema play` shows as it went, and demo.svg, the screen at its end. The task
needs a deployment web in a namespace shop.
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
TASK = "Scale deployment web in namespace shop to 3 replicas"


def record(command: list[str], typed: str) -> list[tuple[float, str]]:
    """Runs a command on a terminal, and gives what it wrote with the seconds since its start."""
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    started, decoder = time.monotonic(), codecs.getincrementaldecoder("utf-8")("replace")
    frames = [(0.0, f"$ {typed}\r\n")]
    # a terminal that writes over no line: the screen at the end is all that was written
    environment = {**os.environ, "TERM": "dumb", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
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
    """Draws what a terminal shows."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(plain), overflow="fold")
    path.write_text(console.export_svg(title="devops-agent"), encoding="utf-8")


if __name__ == "__main__":
    agent = str(DOCS.parent / "devops-agent")
    frames = record([agent, "--color", "always", TASK], f'devops-agent "{TASK}"')
    write_cast(frames, DOCS / "demo.cast")
    write_picture("".join(text for _, text in frames).replace("\r\n", "\n"), DOCS / "demo.svg")
