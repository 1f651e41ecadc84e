"""The history keeps what was typed, costs no session, and gives nothing away."""

import os
import re
import sys
from multiprocessing import get_context
from pathlib import Path

import pytest
from prompt_toolkit.history import FileHistory

from conftest import Python
from devops_agent.console.history import History


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history"


@pytest.fixture
def warnings() -> list[str]:
    return []


def history(path: Path, warnings: list[str]) -> History:
    return History(path, lambda line: re.sub(r"hunter\d", "[hidden]", line), warnings.append)


def test_lines_are_there_in_the_next_session_and_for_prompt_toolkit(path: Path, warnings: list[str]) -> None:
    first = history(path, warnings)
    for line in ("scale web", "two\nlines", "größer \ud800"):
        first.append_string(line)
    expected = ["größer ?", "two\nlines", "scale web"]
    assert list(history(path, warnings).load_history_strings()) == expected
    assert list(FileHistory(str(path)).load_history_strings()) == expected
    assert warnings == []


def test_a_file_of_prompt_toolkit_is_read_and_goes_on(path: Path, warnings: list[str]) -> None:
    FileHistory(str(path)).store_string("of an earlier version")
    history(path, warnings).append_string("of now")
    assert history(path, warnings).entries(9) == ["of an earlier version", "of now"]


def test_the_file_is_for_its_owner_alone_also_where_it_was_not(path: Path, warnings: list[str]) -> None:
    history(path, warnings).append_string("one")
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    history(path, warnings).append_string("two")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_secret_is_stored_and_told_under_another_name(path: Path, warnings: list[str]) -> None:
    kept = history(path, warnings)
    kept.append_string("log in with hunter2")
    assert "hunter2" not in path.read_text()
    assert kept.entries() == history(path, warnings).entries() == ["log in with [hidden]"]


def test_entries_are_the_newest_with_all_words_each_once(path: Path, warnings: list[str]) -> None:
    kept = history(path, warnings)
    for line in ("scale web in shop", "show pods", "Scale api in shop", "scale web in shop", "/help"):
        kept.append_string(line)
    assert kept.entries(2) == ["scale web in shop", "/help"]
    assert kept.entries(9, "SHOP scale") == ["Scale api in shop", "scale web in shop"]
    assert kept.entries(9, "no such") == kept.entries(0) == []


def test_a_line_of_this_session_comes_back_even_if_it_cannot_be_stored(
    tmp_path: Path, warnings: list[str]
) -> None:
    kept = history(tmp_path, warnings)
    kept.append_string("one")
    kept.append_string("two")
    assert kept.get_strings() == ["one", "two"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /dev/full")
def test_a_full_disk_is_told_once(warnings: list[str]) -> None:
    kept = history(Path("/dev/full"), warnings)
    kept.append_string("one")
    kept.append_string("two")
    (warning,) = warnings
    assert warning.startswith("The history cannot be written: No space left on device. Look at /dev/full; ")


def test_a_disk_that_fills_up_in_a_session_costs_only_the_lines_that_do_not_fit(python: Python) -> None:
    script = """
import resource
from pathlib import Path
from devops_agent.console.history import History
kept = History(Path("history"), str, print)
kept.append_string("one")
resource.setrlimit(resource.RLIMIT_FSIZE, (90, resource.RLIM_INFINITY))
kept.append_string("x" * 200)
kept.append_string("three")
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))
kept.append_string("four")
print(History(Path("history"), str, print).entries())
"""
    result = python("-c", script)
    assert (result.returncode, result.stderr) == (0, "")
    warning, entries = result.stdout.splitlines()
    assert warning.startswith("The history cannot be written: ")
    assert re.fullmatch(r"\['one', 'x+', 'four'\]", entries)


@pytest.mark.parametrize("kind", ["folder", "below a file", "pipe", "loop"])
def test_what_is_no_file_costs_the_history_and_not_the_session(
    kind: str, path: Path, warnings: list[str]
) -> None:
    if kind == "folder":
        path.mkdir()
    elif kind == "below a file":
        path.write_text("")
        path = path / "history"
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(path)
    kept = history(path, warnings)
    assert list(kept.load_history_strings()) == []
    kept.append_string("one")
    kept.append_string("two")
    assert len(warnings) == 1
    assert kept.entries() == []


def test_a_history_that_is_thrown_away_stays_so_and_its_device_as_it_is(
    path: Path, warnings: list[str]
) -> None:
    before = Path("/dev/null").stat().st_mode
    path.symlink_to("/dev/null")
    kept = history(path, warnings)
    kept.append_string("one")
    assert Path("/dev/null").stat().st_mode == before
    assert (list(kept.load_history_strings()), warnings) == ([], [])


def test_a_file_that_is_no_text_costs_nothing(path: Path, warnings: list[str]) -> None:
    path.write_bytes(b"\n# x\n+\xff\xfe\x00\n+torn")
    history(path, warnings).append_string("one")
    assert history(path, warnings).entries(1) == ["one"]
    assert warnings == []


def test_what_was_pasted_as_a_whole_file_is_not_kept(path: Path, warnings: list[str]) -> None:
    history(path, warnings).append_string("x" * 100_000)
    assert not path.exists()


def _write(path: Path, mark: str) -> None:
    kept = History(path, str, print)
    for number in range(100):
        kept.append_string(f"{mark}{number}\n{mark * 500}")


def test_two_sessions_do_not_mix_their_lines(path: Path, warnings: list[str]) -> None:
    context = get_context("fork" if sys.platform == "linux" else "spawn")
    writers = [context.Process(target=_write, args=(path, mark)) for mark in "ab"]
    for each in writers:
        each.start()
    for each in writers:
        each.join(30)
    stored = list(history(path, warnings).load_history_strings())
    assert sorted(stored) == sorted(f"{mark}{number}\n{mark * 500}" for mark in "ab" for number in range(100))
