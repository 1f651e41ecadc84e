"""Reading and writing files: encodings, what is no text file, and writes that never leave half a file."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from devops_agent.errors import ToolError
from devops_agent.files import read_text, write_text

as_root = os.geteuid() == 0


# --- reading ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain\n", "plain\n"),
        (b"", ""),
        ("größe €\n".encode(), "größe €\n"),
        ("größe".encode("utf-8-sig"), "größe"),
        ("größe\n".encode("utf-16"), "größe\n"),
        ("größe".encode("utf-16-be").join([b"\xfe\xff", b""]), "größe"),
        ("größe".encode("latin-1"), "größe"),
        (b"caf\xe9", "café"),
        (b"a\r\nb\r\n", "a\r\nb\r\n"),
    ],
)
def test_text_is_read_in_the_encoding_it_is_in(tmp_path: Path, data: bytes, text: str) -> None:
    (tmp_path / "file").write_bytes(data)
    assert read_text("file") == text


def test_a_path_may_start_with_a_tilde(home: Path) -> None:
    (home / "notes").write_text("x")
    assert read_text("~/notes") == "x"


@pytest.mark.parametrize("path", ["~nobody-of-that-name/x", "a\0b", "loop", "x" * 5000])
def test_a_path_that_cannot_be_followed_is_a_tool_error_in_one_line(tmp_path: Path, path: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ToolError) as caught:
        read_text(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_so_and_what_to_do() -> None:
    with pytest.raises(ToolError, match=r"no/such\.txt does not exist. Look for it with bash: ls"):
        read_text("no/such.txt")


def test_a_directory_says_so_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ToolError, match=r"folder is a directory\. List it with bash: ls -la folder"):
        read_text("folder")


def test_a_binary_file_is_named_with_its_size(tmp_path: Path) -> None:
    (tmp_path / "program").write_bytes(b"\x7fELF\0\0\1\2")
    with pytest.raises(ToolError, match="program is a binary file of 8 bytes"):
        read_text("program")


@pytest.mark.skipif(as_root, reason="root may read everything")
def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0)
    with pytest.raises(ToolError, match="secret cannot be read: Permission denied"):
        read_text("secret")


def test_a_fifo_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    caught: list[BaseException] = []

    def read() -> None:
        try:
            read_text(str(tmp_path / "pipe"))
        except ToolError as error:
            caught.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(2)
    assert [str(error) for error in caught] == [
        f"{tmp_path}/pipe is not a regular file; it cannot be read as text."
    ]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_file_of_proc_is_read_although_its_size_is_0() -> None:
    assert read_text("/proc/self/status").startswith("Name:")


def test_of_a_huge_file_the_beginning_is_read_as_utf8_and_the_rest_is_not_hidden(tmp_path: Path) -> None:
    """The limit falls into the middle of a character."""
    (tmp_path / "log").write_bytes(b"a" + "é".encode() * (5 << 20))
    text = read_text("log")
    assert text.startswith("aéé")
    assert "Ã" not in text
    assert f"of {1 + (10 << 20)} bytes" in text[-200:]


# --- writing ----------------------------------------------------------------------------------------------


def test_it_returns_the_number_of_bytes_not_of_characters() -> None:
    assert write_text("file", "größe\n") == 8
    assert Path("file").read_bytes() == "größe\n".encode()


def test_content_is_written_as_it_is() -> None:
    write_text("file", "a\r\nb\n\ttab")
    assert Path("file").read_bytes() == b"a\r\nb\n\ttab"


def test_half_a_surrogate_pair_does_not_stop_a_write() -> None:
    assert write_text("file", "a\ud83d") == 2


def test_parent_directories_are_made() -> None:
    write_text("a/b/c.txt", "x")
    assert Path("a/b/c.txt").read_text() == "x"


def test_a_tilde_leads_to_the_home_directory(home: Path) -> None:
    write_text("~/.kube/config", "x")
    assert (home / ".kube/config").read_text() == "x"


def test_a_link_stays_a_link_and_its_target_is_replaced() -> None:
    Path("target").write_text("old")
    Path("link").symlink_to("target")
    write_text("link", "new")
    assert Path("link").is_symlink()
    assert Path("target").read_text() == "new"


def test_a_link_to_nothing_makes_its_target() -> None:
    Path("link").symlink_to("target")
    write_text("link", "new")
    assert Path("link").is_symlink()
    assert Path("target").read_text() == "new"


@pytest.mark.parametrize("mode", [0o600, 0o755, 0o664])
def test_the_mode_of_a_file_stays(mode: int) -> None:
    Path("file").write_text("old")
    Path("file").chmod(mode)
    write_text("file", "new")
    assert Path("file").stat().st_mode & 0o7777 == mode


def test_a_new_file_gets_the_mode_that_the_umask_leaves() -> None:
    before = os.umask(0o027)
    try:
        write_text("file", "x")
    finally:
        os.umask(before)
    assert Path("file").stat().st_mode & 0o7777 == 0o640


@pytest.mark.skipif(not as_root, reason="only root can give a file away")
def test_the_owner_of_a_file_stays_when_root_writes_it() -> None:
    Path("file").write_text("old")
    os.chown("file", 12345, 23456)
    Path("file").chmod(0o640)
    write_text("file", "new")
    status = Path("file").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (12345, 23456, 0o640)


def test_a_write_that_fails_leaves_the_old_content_and_no_other_file(tmp_path: Path) -> None:
    """In a process whose files may have 64 KiB: the write fails in the middle, as on a full disk."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "file").write_text("old")
    code = (
        "import resource, signal\n"
        "from devops_agent.files import write_text\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        "write_text('work/file', 'x' * 1000000)\n"
    )
    root = Path(__file__).resolve().parent.parent
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ToolError: work/file cannot be written: File too large." in result.stderr
    assert [(file.name, file.read_text()) for file in work.iterdir()] == [("file", "old")]


def test_a_reader_sees_the_old_or_the_new_text_and_nothing_between() -> None:
    old, new = "o" * 500_000, "n" * 500_000
    write_text("file", old)
    seen: set[str] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add(Path("file").read_text())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for text in (new, old) * 10:
            write_text("file", text)
    finally:
        stop.set()
        reader.join()
    assert seen <= {old, new}


def test_writing_to_a_directory_says_so() -> None:
    Path("folder").mkdir()
    with pytest.raises(ToolError, match=r"folder is a directory\. Name a file in it"):
        write_text("folder", "x")


def test_writing_to_a_device_writes_to_it_and_leaves_it_there() -> None:
    assert write_text("/dev/null", "x") == 1
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("path", ["~nobody-of-that-name/x", "a\0b", "loop", "file/below", "x" * 300])
def test_a_path_that_cannot_be_written_is_a_tool_error_in_one_line(path: str) -> None:
    Path("file").write_text("x")
    Path("loop").symlink_to("loop")
    with pytest.raises(ToolError) as caught:
        write_text(path, "x")
    assert "\n" not in str(caught.value)
    assert Path("loop").is_symlink()


@pytest.mark.skipif(as_root, reason="root may write everywhere")
def test_a_folder_without_permission_says_so() -> None:
    Path("folder").mkdir(mode=0o500)
    with pytest.raises(ToolError, match="folder/x cannot be written: Permission denied"):
        write_text("folder/x", "x")
