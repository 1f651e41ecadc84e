"""Compiled regular expressions, kept between runs: to compile those of a run is a quarter of its own time.

Python compiles an expression to numbers, which it checks when they are given back to it. They are kept for
one version of Python and of this program; where anything about them is wrong, the expressions are compiled.
"""

import hashlib
import importlib
import json
import os
import re
import sys
import threading
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from devops_agent import __version__
from devops_agent.folders import cache_folder

# A cache that has grown beyond this begins anew; in characters, of which a run needs a million.
_MOST = 8_000_000
_MADE_FOR = [__version__, sys.version, sys.byteorder]

_known: dict[str, list[Any]] = {}
_news: dict[str, list[Any]] = {}
_lock = threading.Lock()


def file(environ: Mapping[str, str]) -> Path:
    """Where they are kept."""
    return cache_folder(environ) / "patterns.json"


@contextmanager
def kept(path: Path) -> Iterator[None]:
    """Takes what earlier runs kept, and keeps what is compiled meanwhile."""
    _take(path)
    try:
        yield
    finally:
        _keep(path)


def _take(path: Path) -> None:
    with suppress(Exception):  # whatever a damaged file leads to
        found = path.stat()
        text = path.read_text(encoding="ascii")
        digest, _, content = text.partition("\n")
        is_own = found.st_uid == os.geteuid() and not found.st_mode & 0o022
        if is_own and digest == _digest(content):
            _known.update(json.loads(content))


def _keep(path: Path) -> None:
    with _lock:
        if not _news:
            return
        _known.update(_news)
        _news.clear()
    content = json.dumps(_known)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with suppress(OSError):
        if len(content) > _MOST:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(f"{_digest(content)}\n{content}")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _digest(content: str) -> str:
    """Of a cache: it differs for each Python and release, and where the file is damaged."""
    return hashlib.sha256(f"{_MADE_FOR}{content}".encode()).hexdigest()


def compiled(text: str, flags: int) -> re.Pattern[str]:
    """What `re.compile` gives.

    Args:
        text: The expression, a constant of this program: others would fill the cache.
        flags: Of `re`.
    """
    key = f"{int(flags)}:{text}"
    if known := _known.get(key):
        with suppress(Exception):  # whatever a damaged file leads to
            return _restored(text, *known)
    pattern = re.compile(text, flags)
    with suppress(Exception):  # a Python that does it in another way
        parts = _parts(text, flags)
        with _lock:
            _news[key] = parts
    return pattern


def _parts(text: str, flags: int) -> list[Any]:
    """What an expression is compiled to: flags, number of groups, their names, and the numbers."""
    try:
        parser, compiler = importlib.import_module("re._parser"), importlib.import_module("re._compiler")
    except ImportError:  # before Python 3.11
        parser, compiler = importlib.import_module("sre_parse"), importlib.import_module("sre_compile")
    parsed = parser.parse(text, flags)
    code = array("I", compiler._code(parsed, flags)).tobytes()
    state = parsed.state
    return [flags | state.flags, state.groups - 1, dict(state.groupdict), b64encode(code).decode("ascii")]


def _restored(text: str, flags: int, groups: int, names: dict[str, int], code: str) -> re.Pattern[str]:
    numbers = array("I")
    numbers.frombytes(b64decode(code))
    by_index: list[str | None] = [None] * (groups + 1)
    for name, index in names.items():
        if not 0 < index <= groups:
            raise ValueError(index)
        by_index[index] = name
    sre = importlib.import_module("_sre")
    pattern: re.Pattern[str] = sre.compile(text, flags, numbers.tolist(), groups, names, tuple(by_index))
    return pattern
