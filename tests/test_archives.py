"""Archives that are packed and unpacked by code."""

import subprocess
from pathlib import Path

import pytest

from devops_agent.archives import packing, unpacking


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a b.log").write_text("a\n")
    subprocess.run(["tar", "-czf", "logs.tgz", "logs"], cwd=tmp_path, check=True)
    return tmp_path


def run(command: str, folder: Path) -> None:
    subprocess.run(["bash", "-c", command], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    "wish",
    [
        "compress the folder logs into logs.tar.gz",
        "Please tar up the logs directory as logs.tar.gz.",
        "pack logs/ to logs.tar.gz",
        "archive logs as old.tar",
    ],
)
def test_what_is_packed_can_be_unpacked_again(wish: str, here: Path) -> None:
    command = packing(wish, here)
    run(command, here)
    archive = next(word for word in command.split() if ".tar" in word)
    run(unpacking(f"extract {archive} into the folder out/new", here), here)
    assert (here / "out/new/logs/a b.log").read_text() == "a\n"


def test_an_archive_is_unpacked_here_or_into_a_folder_that_is_made(here: Path) -> None:
    assert unpacking("unpack logs.tgz", here) == "tar -xvf logs.tgz -C ."
    assert unpacking("extract logs.tgz here", here) == "tar -xvf logs.tgz -C ."
    assert unpacking("untar the archive logs.tgz into out", here).splitlines()[1] == "mkdir -p -- out"


@pytest.mark.parametrize(
    "wish",
    [
        "compress the folder logs without a.log into logs.tar.gz",
        "compress the folder gone into gone.tar.gz",
        "compress the folder ../logs into logs.tar.gz",
        "compress the folder logs",
        "compress logs and conf into all.tar.gz",
        "extract gone.tgz",
        "extract only a.log from logs.tgz",
        "extract logs.tgz into out and delete it",
        "extract logs.tgz into it",
        "unpack logs.tgz into the current directory",
        "compress the folder logs into logs.tgz",
        "compress logs into logs/old.tar.gz",
    ],
)
def test_a_wish_that_says_more_is_left_to_others(wish: str, here: Path) -> None:
    assert packing(wish, here) == unpacking(wish, here) == ""


def test_zip_files_have_programs_of_their_own(here: Path) -> None:
    assert packing("zip the folder logs into logs.zip", here) == "zip -qr logs.zip logs"
    (here / "a.zip").write_text("x")
    assert unpacking("unzip a.zip into out", here).endswith("unzip -q a.zip -d out")
