"""Space of deleted files that a process still holds."""

import os
from pathlib import Path

import pytest

from devops_agent.diagnosis import held_files
from devops_agent.grounding import look_up

MIB = 1 << 20


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc here")
@pytest.mark.parametrize(
    "task",
    [
        "df says {} is full but du shows nothing there. Why?",
        "the space of the log that I deleted in {} does not come back",
        "which process keeps space in {} for files that were removed?",
    ],
)
def test_the_process_is_told_that_holds_a_deleted_file(task: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    log = tmp_path / "data" / "big.log"
    with log.open("wb") as kept:
        kept.write(os.urandom(3 * MIB))
        kept.flush()
        log.unlink()
        ground = look_up(task.format("data/"), tmp_path, {})
    told = [str(finding) for finding in ground.trouble]
    assert ground.informs
    assert any(each.startswith(f"process {os.getpid()} (") and str(log) in each for each in told), told


def test_files_of_another_file_system_and_tiny_ones_are_not_told(tmp_path: Path) -> None:
    log = tmp_path / "small.log"
    with log.open("wb") as kept:
        kept.write(b"x")
        kept.flush()
        log.unlink()
        own = [each for each in held_files.findings(None) if f"process {os.getpid()} " in str(each)]
    assert not [each for each in own if str(log) in str(each)]
    assert not held_files.findings(Path("/proc"))
    assert not held_files.findings(tmp_path / "gone")


@pytest.mark.parametrize("task", ["delete the removed container", "how full is the disk?", "remove data/"])
def test_other_tasks_do_not_look_for_them(task: str) -> None:
    assert not held_files.MEANT.search(task)
