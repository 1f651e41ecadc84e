"""The OpenMP library where the system has none: fetched from a package index on this machine."""

import hashlib
import os
import platform
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import serving

from devops_agent.engines import openmp
from devops_agent.errors import EngineError

DATA = b"the library"


class Index:
    """A package index: its URL, its folder, and what was asked of it."""

    def __init__(self, url: str, asked: list[str], folder: Path) -> None:
        self.url, self.asked, self.folder = url, asked, folder / "pykdtree"
        self.folder.mkdir()

    def add(self, machine: str, data: bytes) -> None:
        with zipfile.ZipFile(self.folder / openmp._WHEEL.format(machine), "w") as wheel:
            wheel.writestr("pykdtree.libs/libgomp-1234.so.1.0.0", data)
            wheel.writestr("pykdtree/kdtree.so", b"something else")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    folder = tmp_path / "index"
    folder.mkdir()
    with serving(folder) as (url, asked):
        yield Index(url, asked, folder)


@pytest.fixture
def environ(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A Linux without the library, on a processor of which the digest is known."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(openmp, "_is_installed", lambda: False)
    monkeypatch.setitem(openmp._SHA256, "x86_64", hashlib.sha256(DATA).hexdigest())
    return {"HOME": str(tmp_path / "home"), "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index.url}


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(EngineError) as caught:
        openmp.provide(environ)
    assert openmp.environment(environ) == {}
    return str(caught.value)


def test_it_is_fetched_once_and_found_by_the_engine(index: Index, environ: dict[str, str]) -> None:
    index.add("x86_64", DATA)
    openmp.provide(environ)
    folder = Path(environ["HOME"]) / ".cache/devops-agent/openmp"
    assert [(each.name, each.read_bytes()) for each in folder.iterdir()] == [("libgomp.so.1", DATA)]
    assert openmp.environment(environ) == {"LD_LIBRARY_PATH": str(folder)}
    found = openmp.environment({**environ, "LD_LIBRARY_PATH": "/opt/lib"})
    assert found == {"LD_LIBRARY_PATH": f"{folder}{os.pathsep}/opt/lib"}
    asked = list(index.asked)
    openmp.provide(environ)
    assert index.asked == asked


def test_where_the_system_has_it_nothing_is_fetched(
    index: Index, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openmp, "_is_installed", lambda: True)
    openmp.provide(environ)
    assert (index.asked, openmp.environment(environ)) == ([], {})


def test_another_library_than_the_known_one_is_not_used(index: Index, environ: dict[str, str]) -> None:
    index.add("x86_64", b"another")
    assert "has another one" in refusal(environ)
    assert list((Path(environ["HOME"]) / ".cache/devops-agent/openmp").iterdir()) == []


def test_what_cannot_be_fetched_is_told_with_what_to_do(environ: dict[str, str]) -> None:
    assert refusal(environ).endswith("Install it, e.g. sudo apt-get install libgomp1, and try again.")


def test_for_other_processors_there_is_none(
    index: Index, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert "there is none to fetch for riscv64" in refusal(environ)
    assert index.asked == []
