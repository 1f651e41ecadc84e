"""What the classifier may know of the machine: where it is, and which paths exist."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from devops_agent import files


class Lookup(Protocol):
    """The small part of a machine that decides on effects; without one, the classifier is a pure function."""

    @property
    def home(self) -> str:
        """The absolute path of the home directory; "" if it is not known."""

    @property
    def directory(self) -> str:
        """The absolute path of the working directory; "" if it is not known."""

    def exists(self, path: str) -> bool:
        """Whether something is at an absolute path. In doubt it is."""

    def is_directory(self, path: str) -> bool:
        """Whether a directory is at an absolute path."""

    def resolved(self, path: str) -> str:
        """An absolute path without symbolic links."""

    def has_variable(self, name: str) -> bool:
        """Whether a variable is in the environment."""

    def alias(self, name: str) -> str | None:
        """The command that an alias stands for."""


class Machine:
    """This machine as the shell that runs the commands sees it: without the aliases of a terminal."""

    @property
    def home(self) -> str:
        return os.environ.get("HOME") or str(Path.home())

    @property
    def directory(self) -> str:
        try:
            return str(Path.cwd())
        except OSError:  # it was removed
            return ""

    def exists(self, path: str) -> bool:
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except (OSError, ValueError):  # too long, or in a folder that may not be looked into
            return True
        return True

    def is_directory(self, path: str) -> bool:
        return files.is_folder(Path(path))

    def resolved(self, path: str) -> str:
        try:
            return os.path.realpath(path)
        except (OSError, ValueError):  # too long, or no path
            return path

    def has_variable(self, name: str) -> bool:
        return name in os.environ

    def alias(self, name: str) -> str | None:
        return None


@dataclass(frozen=True)
class Elsewhere:
    """A machine or a container of which no path is known, so that every one may exist."""

    home: str = ""
    directory: str = ""

    def exists(self, path: str) -> bool:
        return True

    def is_directory(self, path: str) -> bool:
        return False

    def resolved(self, path: str) -> str:
        return path

    def has_variable(self, name: str) -> bool:
        return True

    def alias(self, name: str) -> str | None:
        return None
