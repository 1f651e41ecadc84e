"""A long text in the user's pager."""

import os
import shlex
import shutil
import subprocess
from typing import TextIO

from devops_agent.columns import size_of


def page(text: str, out: TextIO) -> None:
    """Shows a text in $PAGER, or `less`, where it is longer than the screen; else at once."""
    text = text.rstrip("\n") + "\n"
    command = shlex.split(os.environ.get("PAGER") or "less -FRX")
    is_long = text.count("\n") >= size_of(out).lines
    if not (is_long and out.isatty() and command and shutil.which(command[0])):
        print(text, end="", file=out, flush=True)
        return
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True, errors="replace") as pager:
        try:
            pager.communicate(text)
        except (BrokenPipeError, KeyboardInterrupt):
            pager.terminate()
