"""The engine that stays: a process of the user's that goes on holding the model when a run has ended.

A one-shot task then need not load a gigabyte. There is one at a time, on a socket that only its user can
open; it ends after a while without requests. While one is in use, a run that needs another has an engine of
its own, for itself alone. Which one a run may use is in its socket's name, made of all
that matters to what it answers: the model's file, the context window, how the engine runs, and the versions.
"""

import fcntl
import hashlib
import json
import os
import platform
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from devops_agent.engines import llama_process
from devops_agent.engines.llama_process import LlamaProcess
from devops_agent.folders import cache_folder

# A path to a socket may have no more bytes, on macOS the fewest.
_LONGEST_PATH = 103
# Seconds until a process that was started listens: Python starts in a fraction of one on an idle machine.
_PATIENCE = 20.0
# Seconds that are waited for an engine to end, which may have a request to answer first.
_LEAVES_WITHIN = 5.0
# What an engine that serves later runs too is told of the environment of the first one.
_ENVIRONMENT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_",
    "TMPDIR",
    "PYTHON",
    "LD_LIBRARY_PATH",
    "OMP_",
    "GOMP_",
    "GGML_",
)


class CannotStay(Exception):
    """There is no place for a socket here, or another engine is in use."""


def folder(environ: Mapping[str, str]) -> Path:
    """Where the sockets are: in the session's runtime directory, else beside the models."""
    runtime = Path(environ.get("XDG_RUNTIME_DIR", ""))
    if runtime.is_absolute() and _is_own(runtime):
        return runtime / "devops-agent"
    # a home may be shared by several machines
    return cache_folder(environ) / "engine" / platform.node()[:16]


def connected(told: Mapping[str, Any], place: Path, idle: float) -> LlamaProcess:
    """Connects with the engine that stays, and starts it where there is none.

    Args:
        told: What `llama_worker` is told: the model and how the engine runs.
        place: Where the sockets are.
        idle: Seconds without a request after which one that is started ends.

    Raises:
        CannotStay: The place is not the user's alone, cannot be written, or its path is too long; or another
            engine is in use.
    """
    path = place / f"{_key(told)}.sock"
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise CannotStay(f"{path} is too long for a socket.")
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_own(place):
            raise CannotStay(f"{place} is not this user's alone.")
        log = path.with_suffix(".log")
        with _alone(place):
            connection = _connection(path) or _started({**told, "socket": str(path), "idle": idle}, path, log)
            return LlamaProcess.shared(told, connection, _opened(log))
    except OSError as error:
        raise CannotStay(str(error)) from error


def running(place: Path) -> list[Path]:
    """The sockets on which an engine listens."""
    found = []
    for path in sorted(place.glob("*.sock")) if _is_own(place) else ():
        if connection := _connection(path):
            connection.close()
            found.append(path)
    return found


def stop(place: Path) -> int:
    """Ends the engines that stay, each behind the request that it answers, and gives how many there were.

    It waits for them, but not long.
    """
    sockets = running(place)
    for path in sockets:
        _leave(path)
    return len(sockets)


def _key(told: Mapping[str, Any]) -> str:
    """What tells one engine from another."""
    file = Path(told["path"]).stat()
    version = llama_process.WORKER.read_bytes()
    engine = find_spec("xllamacpp")
    origin = Path(engine.origin) if engine and engine.origin else None
    installed = [str(origin), origin.stat().st_mtime_ns] if origin else []
    parts = [told, file.st_size, file.st_mtime_ns, file.st_ino, hashlib.sha256(version).hexdigest()]
    parts += [sys.executable, *installed]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _is_own(place: Path) -> bool:
    """Whether it is a folder, no link, that only this user can open."""
    try:
        found = place.lstat()
    except OSError:
        return False
    mode = found.st_mode
    return stat.S_ISDIR(mode) and found.st_uid == os.getuid() and not mode & (stat.S_IRWXG | stat.S_IRWXO)


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Has two processes that begin at once start one engine."""
    deadline = time.monotonic() + 2 * _PATIENCE
    with (place / "lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise CannotStay(f"Another process holds {place / 'lock'}.") from error
                time.sleep(0.02)
        yield


def _connection(path: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        return None
    return connection


def _started(told: Mapping[str, Any], path: Path, log: Path) -> socket.socket:
    """Starts an engine in place of others, and connects with it."""
    for other in path.parent.glob("*.sock"):
        if other != path and not _leave(other, "unused"):
            raise CannotStay("Another engine is in use.")
    for stale in path.parent.glob("*.log"):
        if not stale.with_suffix(".sock").exists():
            stale.unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    with log.open("wb") as printed:
        environment = {name: value for name, value in os.environ.items() if name.startswith(_ENVIRONMENT)}
        process = llama_process.start(
            told, environment, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed, cwd=os.sep
        )
    return _awaited(path, process)


def _awaited(path: Path, process: "subprocess.Popen[bytes]") -> socket.socket:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if connection := _connection(path):
            return connection
        if process.poll() is not None:
            break
        time.sleep(0.01)
    process.kill()
    raise CannotStay("The engine that was started does not listen.")


def _leave(path: Path, when: object = True) -> bool:
    """Asks an engine to end, and gives whether it does; one that is not there any more leaves no socket.

    Args:
        path: Its socket.
        when: `True`, or "unused": only when nobody else is connected.
    """
    connection = _connection(path)
    if connection is None:
        path.unlink(missing_ok=True)
        return True
    connection.settimeout(_LEAVES_WITHIN)
    with connection, suppress(OSError), connection.makefile("rb") as said:
        connection.sendall(json.dumps({"quit": when}).encode() + b"\n")
        return not any(b'"stays"' in line for line in said)
    return when is True  # it has a request to answer first


def _opened(log: Path) -> IO[bytes]:
    try:
        return log.open("rb")
    except FileNotFoundError:  # somebody else started another engine
        return BytesIO()
