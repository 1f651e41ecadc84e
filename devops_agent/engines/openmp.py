"""The OpenMP library that the engine's threads need: the system's or, where there is none, that of a wheel.

A small Debian or Ubuntu comes without libgomp, which root alone could install, and xllamacpp's wheel does not
bring it. pykdtree's does, as the wheels of libraries that compute in threads do; it is read, never installed.
"""

import ctypes
import hashlib
import os
import platform
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from devops_agent.errors import EngineError
from devops_agent.folders import cache_folder

LIBRARY = "libgomp.so.1"
_PROJECT = "pykdtree"
# Any Python's wheel will do.
_WHEEL = "pykdtree-1.4.3-cp312-cp312-manylinux2014_{0}.manylinux_2_17_{0}.manylinux_2_28_{0}.whl"
_MEMBERS = "pykdtree.libs/libgomp-*"
# Of the library in the wheel for each processor.
_SHA256 = {
    "x86_64": "4dae993cb6da9101fc2cfef827306dd03b892011d2e2789c8e44828ca9f2583c",
    "aarch64": "dc3231f8fd4cadc46d8659c3b8dd811ae33174749e86807f16f61ead6ee59bfd",
}
_HOW = "Install it, e.g. sudo apt-get install libgomp1, and try again"


def provide(environ: Mapping[str, str]) -> None:
    """Has the library be there for an engine that is started; fetched once, 0.5 MB, where it is not.

    Raises:
        EngineError: It is missing, and cannot be had.
    """
    path = _folder(environ) / LIBRARY
    if not sys.platform.startswith("linux") or path.exists() or _is_installed():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch(path, environ)
    except (EngineError, OSError) as error:
        from devops_agent.transfer import reason_of

        why = f"The engine needs {LIBRARY}, which is missing and cannot be fetched ({reason_of(error)})."
        raise EngineError(f"{why} {_HOW}.") from error


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What an engine's process is to be told, so that it finds the library that was fetched."""
    folder = _folder(environ)
    if not (folder / LIBRARY).exists():
        return {}
    return {"LD_LIBRARY_PATH": os.pathsep.join(filter(None, (str(folder), environ.get("LD_LIBRARY_PATH"))))}


def _folder(environ: Mapping[str, str]) -> Path:
    return cache_folder(environ) / "openmp"


def _is_installed() -> bool:
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return False
    return True


def _fetch(path: Path, environ: Mapping[str, str]) -> None:
    from devops_agent.model_store import INDEX_RETRIES
    from devops_agent.package_index import fetch_wheel, from_first_index
    from devops_agent.transfer import STALL_S, SourceFailed, Transfer

    expected = _SHA256.get(platform.machine())
    if expected is None:
        raise SourceFailed(f"there is none to fetch for {platform.machine()}")

    def fetch(index: str, cert: str | None) -> None:
        # a folder of its own: another process may fetch it at the same time
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            wheel = Path(folder) / _WHEEL.format(platform.machine())
            transfer = Transfer("downloading OpenMP", 500_000, lambda *_: None, cert)
            job = partial(fetch_wheel, transfer, f"{index}/{_PROJECT}/", wheel)
            transfer.run([partial(transfer.retry, job, INDEX_RETRIES)], limit=STALL_S)
            _unpacked(wheel, expected).replace(path)

    from_first_index(environ, fetch)


def _unpacked(wheel: Path, expected: str) -> Path:
    """The library of a wheel, beside it."""
    from devops_agent.transfer import SourceFailed

    try:
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if Path(name).match(_MEMBERS))
            data = archive.read(name)
    except (zipfile.BadZipFile, zlib.error, ValueError) as error:
        raise SourceFailed(f"{wheel.name} does not hold it") from error
    if hashlib.sha256(data).hexdigest() != expected:
        raise SourceFailed(f"{wheel.name} has another one")
    library = wheel.with_name(LIBRARY)
    library.write_bytes(data)
    return library
