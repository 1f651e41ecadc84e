"""Imports that wait until they are used, and other threads that import the same meanwhile."""

import importlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devops_agent.late_imports import put_off


@pytest.fixture
def _heavy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package `heavy` with a module `heavy.part`, and three modules that import it."""
    (tmp_path / "heavy").mkdir()
    (tmp_path / "heavy" / "__init__.py").write_text("class Error(Exception): pass\nanswer = [42]\n")
    (tmp_path / "heavy" / "part.py").write_text("def double(number): return 2 * number\n")
    (tmp_path / "light.py").write_text("import heavy\nfrom heavy.part import double\n")
    (tmp_path / "hasty.py").write_text("from heavy.part import double\nfour = double(2)\n")
    (tmp_path / "beside.py").write_text(
        "import heavy\nfrom heavy import Error\nfrom heavy.part import double\nfour = double(2)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("heavy", "heavy.part", "light", "hasty", "beside"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("_heavy")
def test_what_is_put_off_is_imported_when_it_is_used() -> None:
    with put_off("heavy"):
        light = importlib.import_module("light")
    assert "heavy" not in sys.modules
    assert light.double(21) == 42
    assert "heavy.part" in sys.modules
    assert light.heavy.answer == [42]


@pytest.mark.usefixtures("_heavy")
def test_what_is_imported_already_is_given_as_it_is() -> None:
    heavy = importlib.import_module("heavy")
    with put_off("heavy"):
        light = importlib.import_module("light")
    assert light.heavy is heavy


@pytest.mark.usefixtures("_heavy")
def test_what_is_used_at_once_is_told_of() -> None:
    with put_off("heavy"), pytest.raises(ImportError, match=r"heavy\.part\.double is used at once"):
        importlib.import_module("hasty")


def import_beside() -> tuple[threading.Thread, list[Any]]:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(importlib.import_module("beside")))
    thread.start()
    return thread, found


@pytest.mark.usefixtures("_heavy")
def test_another_thread_waits_for_what_is_put_off_already() -> None:
    with put_off("heavy"):
        light = importlib.import_module("light")
        thread, found = import_beside()
        thread.join(0.1)
        assert thread.is_alive()
    thread.join(5)
    assert found[0].four == light.double(2) == 4
    assert found[0].Error is sys.modules["heavy"].Error
    assert found[0].heavy.answer == [42]


@pytest.mark.usefixtures("_heavy")
def test_what_another_thread_imports_first_is_the_real_one() -> None:
    with put_off("heavy"):
        thread, found = import_beside()
        thread.join(5)
        assert importlib.import_module("light").heavy is sys.modules["heavy"]
    assert found[0].Error is sys.modules["heavy"].Error


def test_who_goes_through_the_finders_meanwhile_misses_none() -> None:
    before, began_before, began_within = [*sys.meta_path], iter(sys.meta_path), None
    with put_off("heavy"):
        seen = [next(began_before)]
        began_within = iter(sys.meta_path)
        next(began_within)
    assert [*seen, *began_before] == before
    assert [*began_within] == before
