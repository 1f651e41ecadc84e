"""What the model sees of a long output, and the copy of the whole.

Processes, the limit of files and their permissions: test_shell.py.
"""

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_agent.outputs import OutputStore, reduce_output

NOWHERE = OutputStore()
NOTE = re.compile(r"\[… (\d+) of (\d+) characters, (\d+) lines, left out(?:; full output in (.+))?\]")


def parts(shown: str) -> tuple[str, re.Match[str], str]:
    """Head, note and tail."""
    match = NOTE.search(shown)
    assert match
    return shown[: match.start() - 1], match, shown[match.end() + 1 :]


@pytest.mark.parametrize("text", ["", "\n", "x" * 100, "ä" * 100, "line\n" * 20])
def test_what_fits_stays_as_it_is(text: str) -> None:
    assert reduce_output(text, 100) == text


def test_one_character_too_many_is_cut() -> None:
    assert NOTE.search(reduce_output("x" * 101, 100))


def test_head_and_tail_are_whole_lines() -> None:
    text = "\n".join(f"line {number:04}" for number in range(1000))
    assert reduce_output(text, 105) == (
        "line 0000\nline 0001\nline 0002\nline 0003\nline 0004\nline 0005\nline 0006\n"
        "[… 9901 of 9999 characters, 1000 lines, left out]\n"
        "line 0997\nline 0998\nline 0999"
    )


def test_twice_as_much_of_the_head_as_of_the_tail_is_kept() -> None:
    head, _, tail = parts(reduce_output("\n".join("abcd" for _ in range(10_000)), 3000))
    assert 1900 < len(head) <= 2000
    assert 900 < len(tail) <= 1000


def test_a_single_line_is_cut_in_the_middle() -> None:
    head, note, tail = parts(reduce_output("a" * 5000 + "b" * 5000, 3000))
    assert (head, tail) == ("a" * 2000, "b" * 1000)
    assert note.groups()[:3] == ("7000", "10000", "1")


def test_a_long_line_behind_short_ones_is_not_lost_as_a_whole() -> None:
    head, _, tail = parts(reduce_output("short\n" + "x" * 10_000 + "\nshort", 3000))
    assert head.startswith("short\nxxx")
    assert tail.endswith("xxx\nshort")
    assert len(head) == 2000


def test_empty_lines_are_lines() -> None:
    shown = reduce_output("a\n\n" * 500, 100)
    assert set(parts(shown)[0].split("\n")) == {"a", ""}


def test_without_a_store_no_file_is_named_or_written(tmp_path: Path) -> None:
    assert "full output" not in reduce_output("x" * 1000, 100)
    assert NOWHERE.save("x") is None
    assert list(tmp_path.iterdir()) == []


def test_the_note_names_the_file_with_the_whole_text(tmp_path: Path) -> None:
    text = "größe …\n" * 1000
    kept = OutputStore(tmp_path / "a" / "outputs").save(text)
    _, note, _ = parts(reduce_output(text, 100, kept))
    assert Path(note[4]).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("budget", [30, 31, 40, 50, 99])
def test_the_note_on_a_file_says_how_to_see_exactly_what_is_left_out(tmp_path: Path, budget: int) -> None:
    file = tmp_path / "a file.txt"
    text = "\n".join(f"line {number}" for number in range(100))
    file.write_text(text)
    shown = reduce_output(text, budget, source=file)
    head, tail = re.split(r"\n\[….*\]\n", shown)
    command = re.search(r"see it with (sed .*)\]", shown)
    assert command
    seen = subprocess.run(["bash", "-c", command[1]], capture_output=True, text=True, check=True).stdout
    assert f"{head}\n{seen}{tail}" == text


def test_half_a_character_can_be_kept(tmp_path: Path) -> None:
    path = OutputStore(tmp_path).save("a\ud800b")
    assert path
    assert path.read_text(encoding="utf-8") == "a?b"


def test_each_output_has_a_file_of_its_own(tmp_path: Path) -> None:
    store = OutputStore(tmp_path)
    first, second = store.save("one"), store.save("two")
    assert first and second
    assert (first.read_text(), second.read_text()) == ("one", "two")


def test_only_outputs_are_removed_to_make_room(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    store = OutputStore(tmp_path)
    for number in range(55):
        store.save(str(number))
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert len(list(tmp_path.glob("output-*.txt"))) == 50


@given(st.text(st.sampled_from("ab\n "), max_size=400), st.integers(3, 200))
def test_nothing_is_invented_and_nothing_miscounted(text: str, budget: int) -> None:
    shown = reduce_output(text, budget)
    if len(text) <= budget:
        assert shown == text
        return
    head, note, tail = parts(shown)
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(head) + len(tail) <= budget
    assert int(note[1]) == len(text) - len(head) - len(tail)
    assert int(note[2]) == len(text)
