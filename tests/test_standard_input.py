"""The standard input as data: what is waited for, what is kept, and what is said about the rest."""

import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from conftest import ROOT
from devops_agent.standard_input import LIMIT, Reader


class Pipe:
    """A pipe: what a test writes comes to a reader."""

    def __init__(self) -> None:
        reading, self.writing = os.pipe()
        self.stream: TextIO = os.fdopen(reading, encoding="utf-8")

    def write(self, text: bytes) -> None:
        while text:
            text = text[os.write(self.writing, text) :]

    def close(self) -> None:
        if self.writing >= 0:
            os.close(self.writing)
            self.writing = -1


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def test_all_that_comes_until_the_end_is_data(pipe: Pipe) -> None:
    reader = Reader(pipe.stream).start()
    pipe.write("ein Wörtchen\n".encode())
    pipe.close()
    assert (reader.finish(), reader.notice) == ("ein Wörtchen\n", "")


def test_it_is_read_before_anybody_asks_for_it(pipe: Pipe) -> None:
    reader = Reader(pipe.stream).start()
    writing = threading.Thread(target=pipe.write, args=(b"x" * 300_000,), daemon=True)
    writing.start()
    writing.join(5)
    assert not writing.is_alive()
    pipe.close()
    assert len(reader.finish()) == 300_000


def test_an_open_pipe_that_gives_nothing_is_left_out_with_a_notice(pipe: Pipe) -> None:
    reader, started = Reader(pipe.stream).start(), time.monotonic()
    assert reader.finish(0.2) == ""
    assert 0.2 <= time.monotonic() - started < 2
    assert reader.notice.startswith("Standard input gave nothing in time and was left out")


def test_bytes_that_follow_each_other_are_waited_for(pipe: Pipe) -> None:
    def write() -> None:
        for _ in range(5):
            time.sleep(0.5)
            pipe.write(b"x")
        pipe.close()

    reader = Reader(pipe.stream).start()
    threading.Thread(target=write).start()
    assert (reader.finish(2.0), reader.notice) == ("xxxxx", "")


def test_it_ends_after_a_while_though_bytes_keep_coming(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devops_agent.standard_input._LONGEST", 0.5)
    done = threading.Event()

    def write() -> None:
        while not done.wait(0.05):
            pipe.write(b"x")

    writing = threading.Thread(target=write)
    writing.start()
    reader, started = Reader(pipe.stream).start(), time.monotonic()
    text = reader.finish()
    took = time.monotonic() - started
    done.set()
    writing.join()
    assert set(text) == {"x"}
    assert 0.5 <= took < 5
    assert reader.notice == "Standard input did not end: what came so far is used."


def test_of_more_than_the_limit_head_and_tail_are_kept(pipe: Pipe) -> None:
    reader = Reader(pipe.stream).start()
    pipe.write(b"head" + b"." * (LIMIT + 1000) + b"tail")
    pipe.close()
    text = reader.finish()
    assert text.startswith("head....")
    assert text.endswith("....tail")
    assert "\n[… 1,008 bytes left out …]\n" in text
    assert len(text) < LIMIT + 100
    assert reader.notice == "Standard input is too long: 1,008 bytes from its middle were left out."


def test_what_is_no_text_is_decoded_all_the_same(pipe: Pipe) -> None:
    reader = Reader(pipe.stream).start()
    pipe.write(b"a\0b\xffc")
    pipe.close()
    assert reader.finish() == "ab�c"


def test_a_character_in_two_writes_is_one(pipe: Pipe) -> None:
    reader = Reader(pipe.stream).start()
    pipe.write(b"\xc3")
    time.sleep(0.05)
    pipe.write(b"\xa4")
    pipe.close()
    assert reader.finish() == "ä"


def test_the_null_device_a_file_and_a_closed_stream_need_no_waiting(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("text")
    started = time.monotonic()
    with Path(os.devnull).open() as null, (tmp_path / "f").open() as file:
        assert [Reader(stream).start().finish() for stream in (null, file)] == ["", "text"]
    assert [Reader(stream).start().finish() for stream in (file, io.StringIO("x"))] == ["", ""]
    assert time.monotonic() - started < 0.9


def test_the_whole_is_waited_for_once_it_has_begun(pipe: Pipe) -> None:
    def write() -> None:
        time.sleep(1.5)
        pipe.write(b"two")
        pipe.close()

    pipe.write(b"one ")
    reader = Reader(pipe.stream).start()
    threading.Thread(target=write).start()
    assert reader.whole(1.0) == "one two"


def test_a_reader_that_waits_does_not_keep_the_process_from_ending() -> None:
    code = "import sys; from devops_agent.standard_input import Reader; Reader(sys.stdin).start()"
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.wait(10) == 0
    assert child.communicate()[1] == b""
