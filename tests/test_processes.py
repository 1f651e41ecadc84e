"""Which processes a task names, from a /proc of its own."""

import os
from pathlib import Path

import pytest

from devops_agent.grounding import processes


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    def add(pid: int, parent: int, name: str, state: str, *words: str) -> None:
        folder = tmp_path / str(pid)
        folder.mkdir()
        cells = [state, str(parent), *["0"] * 19, "25"]
        (folder / "stat").write_text(f"{pid} ({name}) {' '.join(cells)} 0")
        (folder / "cmdline").write_text("".join(f"{word}\0" for word in words))

    add(1, 0, "init", "S", "/sbin/init")
    add(10, 1, "python3", "S", "/usr/bin/python3", "/srv/worker.py", "--queue", "mail")
    add(11, 10, "mail-sender", "Z")
    add(os.getpid(), 1, "devops-agent", "S", "devops-agent", "stop worker.py")
    (tmp_path / "cpuinfo").write_text("")
    (tmp_path / "99").mkdir()  # it ended meanwhile
    return tmp_path


def test_a_process_is_known_by_its_name_or_its_script(proc: Path) -> None:
    ground = processes.in_table("Stop the process worker.py", proc)
    assert ground.lines == [
        "process 10: /usr/bin/python3 /srv/worker.py --queue mail; 100 KiB resident, child of process 1"
    ]
    assert (ground.names, ground.informs, ground.missing) == ({"pid": "10"}, True, "")


def test_of_a_defunct_process_it_is_told_that_no_signal_ends_it(proc: Path) -> None:
    ground = processes.in_table("Kill the defunct process mail-sender", proc)
    assert ground.lines[0] == "process 11 (mail-sender): defunct, child of process 10"
    assert "cannot be killed, not even with kill -9" in str(ground.trouble[0])
    assert ground.settled == str(ground.trouble[0])


@pytest.mark.parametrize(
    "task",
    ["kill the process ledgerd", "stop the process named ledgerd now", "end the daemon 'ledgerd', please"],
)
def test_a_process_that_is_not_there_is_told(task: str, proc: Path) -> None:
    assert processes.in_table(task, proc).missing == "There is no process ledgerd running."


@pytest.mark.parametrize(
    "task",
    [
        "End the process cleanly.",
        "Stop the process, please",
        "Which process listens on port 80?",
        "Kill the process that hangs",
        "How many processes run?",
    ],
)
def test_what_is_no_name_of_a_process_is_not_missing(task: str, proc: Path) -> None:
    assert not processes.in_table(task, proc).missing


def test_without_a_process_table_nothing_is_told(tmp_path: Path) -> None:
    assert processes.in_table("Stop the process worker", tmp_path / "none").lines == []


def test_the_id_that_a_task_states_counts(proc: Path) -> None:
    assert processes.in_table("Kill the process 4711 (python3)", proc).names == {"pid": "4711"}
