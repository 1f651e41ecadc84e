"""A file that holds a task."""

from pathlib import Path

from devops_agent.errors import UsageError

LIMIT = 1_000_000  # bytes


def read(path: Path) -> str:
    """The task that stands in a file.

    Raises:
        UsageError: It cannot be read, is empty, is no text, or is larger than `LIMIT` bytes.
    """
    if str(path) == "-":
        raise UsageError("--file takes no -. For a task from standard input: devops-agent < FILE")
    try:
        with path.open("rb") as file:
            raw = file.read(LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--file: {path} cannot be read: {reason}. Name a text file.") from error
    if len(raw) > LIMIT:
        raise UsageError(f"--file: {path} is larger than 1 MB. Name a file with a task in it.")
    try:
        text = raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UsageError(f"--file: {path} is no text in UTF-8. Name a text file.")
    if not text:
        raise UsageError(f"--file: {path} is empty. Write into it what to do.")
    return text
