"""Long output: what the model sees of it, and where the rest is kept."""

import os
import re
import shlex
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from devops_agent.patterns import regex

# Characters of an output, or of a text that the user gives, that the model reads.
BUDGET = 4000
_KEPT_FILES = 50
_LARGEST = 2_000_000

_ANSI = regex(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]+[0-~]|[@-Z\\-_])")
# anchored: tried at each character of a line of megabytes it would take hours
_REDRAWN = regex(r"^[^\n]*\r(?=[^\r\n])", re.MULTILINE)
_CONTROL = regex(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class OutputStore:
    """A folder with the full text of outputs that were cut; None keeps nothing.

    The newest 50 files stay. They may hold secrets, so only the user can read them.
    """

    directory: Path | None = None
    # hides the secrets of a text before it is written; told whether it comes from a call that prints secrets
    hide: Callable[[str, bool], str] = lambda text, secret: text

    def save(self, text: str, secret: bool = False) -> Path | None:
        """Writes a text to a new file; None when nothing is kept or the disk refuses.

        Args:
            text: The text.
            secret: Whether it comes from a call that prints secrets.
        """
        if self.directory is None:
            return None
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix="output-", suffix=".txt", dir=self.directory)
            with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
                file.write(self.hide(ends(text, _LARGEST), secret))
        except OSError:
            return None
        self._prune(self.directory)
        return Path(name)

    @staticmethod
    def _prune(directory: Path) -> None:
        with suppress(OSError):
            files = sorted(directory.glob("output-*.txt"), key=lambda file: file.stat().st_mtime)
            for old in files[:-_KEPT_FILES]:
                old.unlink(missing_ok=True)


def clean(text: str) -> str:
    """Drops terminal codes, what a progress line overwrote, and control characters."""
    text = _ANSI.sub("", text).replace("\r\n", "\n")
    return _CONTROL.sub("", _REDRAWN.sub("", text))


def ends(text: str, most: int = 200_000) -> str:
    """Of what nobody reads to its end, the head and the tail: `most` characters."""
    dropped = len(text) - most
    gap = f"\n[{dropped} characters not kept]\n"
    return text if dropped <= 0 else text[: most // 2] + gap + text[-most // 2 :]


def reduce_output(text: str, budget: int, kept: Path | None = None, source: Path | None = None) -> str:
    """The head and the tail of a text, in whole lines where they are short, and where the rest is.

    Args:
        text: The full text.
        budget: Characters that may stay.
        kept: The copy of the full text, if there is one.
        source: The file whose lines the text consists of, if it is one.
    """
    if len(text) <= budget:
        return text
    head = _whole_lines(text[: budget * 2 // 3])
    tail = _whole_lines(text[-(budget // 3) :][::-1])[::-1]
    left_out = text[len(head) : len(text) - len(tail)]
    lines = text.count("\n") + 1
    where = f"; full output in {kept}" if kept else ""
    if source:
        first = head.count("\n") + 1 + left_out.startswith("\n")
        last = lines - tail.count("\n") - left_out.endswith("\n")
        where = f"; see it with sed -n '{first},{last}p' {shlex.quote(str(source))}"
    return f"{head}\n[… {len(left_out)} of {len(text)} characters, {lines} lines, left out{where}]\n{tail}"


def _whole_lines(text: str) -> str:
    """Drops the last line of a text when it is a cut one; a line of thousands of characters stays cut."""
    whole, newline, rest = text.rpartition("\n")
    return whole if newline and len(rest) < 500 else text
