"""Reading and writing files for the tools."""

import codecs
import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from devops_agent.errors import ToolError

_READ_LIMIT = 8 << 20
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_text(path: str) -> str:
    """The text of a file, whatever its encoding.

    Raises:
        ToolError: There is no such file, or it is no regular file, or may not be read.
    """
    try:
        file = Path(path).expanduser()
        mode = file.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ToolError(f"{path} is a directory. List it with bash: ls -la {path}")
        if not stat.S_ISREG(mode):
            raise ToolError(f"{path} is not a regular file; it cannot be read as text.")
        with file.open("rb") as stream:
            data = stream.read(_READ_LIMIT)
            more = stream.read(1) != b""
            size = os.fstat(stream.fileno()).st_size
    except FileNotFoundError as error:
        raise ToolError(f"{path} does not exist. Look for it with bash: ls") from error
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: no such user behind a tilde
        raise ToolError(f"{path} cannot be read: {_reason(error)}.") from error
    if b"\0" in data and not data.startswith(_UTF16_MARKS):
        size = max(size, len(data))  # /proc says 0
        raise ToolError(f"{path} is a binary file of {size} bytes. Inspect it with bash: file {path}")
    if more:
        return f"{_decode(data, cut=True)}\n[only the first {len(data)} of {size} bytes were read]"
    return _decode(data)


def text_if_readable(path: Path | str, largest: int = _READ_LIMIT) -> str | None:
    """The text of a file; None when it cannot be read or has more bytes than that."""
    try:
        return read_text(str(path)) if Path(path).expanduser().stat().st_size <= largest else None
    except (OSError, RuntimeError, ValueError, ToolError):
        return None


def is_file(path: Path | str) -> bool:
    """Whether there is a file; False also where that may not be looked at."""
    try:
        return Path(path).expanduser().is_file()
    except (OSError, RuntimeError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether there is a folder of just that name; False also where that may not be looked at."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def write_text(path: str, content: str) -> int:
    """Replaces a file in one step and keeps its mode and owner; returns the number of bytes written.

    Parent directories are made. A symbolic link stays, and its target is replaced.

    Raises:
        ToolError: The path is a directory, or cannot be written.
    """
    data = content.encode("utf-8", errors="replace")
    try:
        file = Path(path).expanduser()
        if file.is_dir():
            raise ToolError(f"{path} is a directory. Name a file in it.")
        target = file.resolve()
        if target.is_symlink():  # Python 3.13 resolves a loop of links to itself
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, data)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a loop of links, no such user
        raise ToolError(f"{path} cannot be written: {_reason(error)}.") from error
    return len(data)


def _replace(target: Path, data: bytes) -> None:
    if target.exists() and not target.is_file():
        target.write_bytes(data)  # a device or a pipe cannot be replaced
        return
    old = target.stat() if target.exists() else None
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:50]}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if old:
            with suppress(PermissionError):  # only root can give a file away
                os.chown(name, old.st_uid, old.st_gid)
        Path(name).chmod(stat.S_IMODE(old.st_mode) if old else 0o666 & ~_umask())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _decode(data: bytes, cut: bool = False) -> str:
    if data.startswith(_UTF16_MARKS):
        return data.decode("utf-16", errors="replace")
    try:
        # of a cut text the last character may be half there
        return codecs.getincrementaldecoder("utf-8-sig")().decode(data, final=not cut)
    except UnicodeDecodeError:
        return data.decode("latin-1")  # never fails, and is what old configuration files are in


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
