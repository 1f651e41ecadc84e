"""What bash notes on its way through a command line whose exit code does not tell of the last change."""

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from devops_agent.policy.outcome import Step, hidden_failure, hides_failure

# Before each command and at the end: how deep in subshells, the exit codes before, the command. `$_` stays.
_TRAPS = (
    r"""set -T; trap 'printf "%s\n%s\n%s\0%.0s" "$BASH_SUBSHELL" "${{PIPESTATUS[*]}}" "$BASH_COMMAND" "$_" """
    r""">&{}' DEBUG EXIT; """
)
# Redirections of a command's own have lower numbers.
_LOWEST_DESCRIPTOR = 100
_READ = 1 << 16


class Notes:
    """The notes on one run of a command; without a file none are taken.

    Attributes:
        script: What bash has to run.
        descriptors: What it has to inherit.
    """

    def __init__(self, command: str, file: IO[bytes] | None = None) -> None:
        self._command = command
        self._file = file
        self.script = _TRAPS.format(file.fileno()) + command if file else command
        self.descriptors = (file.fileno(),) if file else ()

    def hidden_failure(self) -> str:
        """What failed although the exit code may be 0, in one line."""
        return hidden_failure(self._command, _steps(self._file)) if self._file else ""


@contextmanager
def notes_on(command: str) -> Iterator[Notes]:
    """The notes on a command that is about to run."""
    if not hides_failure(command):
        yield Notes(command)
        return
    with tempfile.TemporaryFile() as low:
        descriptor = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _LOWEST_DESCRIPTOR)
        with os.fdopen(descriptor, "rb") as file:
            yield Notes(command, file)


def _steps(file: IO[bytes]) -> list[Step]:
    file.seek(max(0, file.seek(0, os.SEEK_END) - _READ))
    records = file.read().decode("utf-8", errors="replace").split("\0")
    found = [re.fullmatch(r"(\d+)\n([\d ]+)\n(.*)", record, re.DOTALL) for record in records]
    return [Step(int(m[1]), tuple(map(int, m[2].split())), m[3]) for m in found if m]
