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


@pytest.fixture
def held(proc: Path) -> Path:
    (proc / "net").mkdir()
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
    rest = "00000000:00000000 00:00000000 00000000  1000        0"
    (proc / "net/tcp").write_text(
        f"{head}\n   0: 0100007F:1F90 00000000:0000 0A {rest} 555 1\n"  # 8080, listening
        f"   1: 0100007F:1F91 0100007F:1F90 01 {rest} 556 1\n"  # 8081, connected
    )
    (proc / "net/tcp6").write_text(f"{head}\n")
    for pid, inode in ((10, 555), (1, 556)):
        (proc / f"{pid}/fd").mkdir()
        (proc / f"{pid}/fd/3").symlink_to(f"socket:[{inode}]")
    return proc


@pytest.mark.parametrize(
    ("task", "suggestion"),
    [
        ('it says "address already in use", port 8080. That is an old run, stop it', "kill 10"),
        ("port 8080 is taken, free it", "kill 10"),
        ("Why is port 8080 in use? don't kill anything", ""),
        ("Never mind why port 8080 is taken, just kill it", "kill 10"),
        ("what listens on port 8080?", ""),
    ],
)
def test_who_listens_on_a_port_is_told_and_ended_where_that_is_asked(
    task: str, suggestion: str, held: Path
) -> None:
    ground = processes.on_port(task, held)
    (finding,) = ground.trouble
    assert (finding.cause, finding.suggestion) == (
        "process 10 listens on it: /usr/bin/python3 /srv/worker.py --queue mail",
        suggestion,
    )
    assert ground.names == {"pid": "10"}


@pytest.mark.parametrize(
    "task",
    [
        "stop what listens on port 8081",
        "expose web on port 8080",
        "Stop the container web and start it again on port 8080",
        "The firewall blocks port 8080, release it",
    ],
)
def test_a_port_on_which_nobody_listens_or_that_is_not_meant_tells_nothing(task: str, held: Path) -> None:
    assert processes.on_port(task, held).lines == []


def test_a_port_of_a_container_is_dockers_to_tell(held: Path) -> None:
    (held / "10/stat").write_text(f"10 (docker-proxy) S 1 {'0 ' * 19}25 0")
    assert processes.on_port("port 8080 is taken, free it", held).lines == []


def test_the_variables_that_a_task_names_are_told_as_a_process_has_them(proc: Path) -> None:
    (proc / "10/environ").write_text("PATH=/bin\0DB_HOST=pg-7\0")
    ground = processes.in_table("Which DB_HOST and DB_PORT does the process worker.py really have?", proc)
    assert ground.lines[1:] == [
        "process 10 has DB_HOST=pg-7 in its own environment",
        "process 10 has no variable DB_PORT in its own environment",
    ]
