"""Running commands: real processes, their output in order, their exit code, and an end to them."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from conftest import PATIENCE
from devops_agent import shell as shell_module
from devops_agent.errors import ToolError
from devops_agent.outputs import OutputStore, clean, reduce_output
from devops_agent.shell import Shell, active_shell

ROOT = Path(__file__).resolve().parent.parent


def output_of(command: str) -> str:
    return Shell().run(command).output


def wait_until_gone(pid: int, seconds: float) -> bool:
    """Whether a process ended, or is a zombie that its parent has not collected."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False).stdout
        if not state.strip() or state.startswith(b"Z"):
            return True
        time.sleep(0.02)
    return False


# --- output and exit code ---------------------------------------------------------------------------------


def test_stdout_and_stderr_come_in_the_order_in_which_they_were_written() -> None:
    assert output_of("for i in 1 2 3; do echo out$i; echo err$i >&2; done") == (
        "out1\nerr1\nout2\nerr2\nout3\nerr3\n"
    )


@pytest.mark.parametrize(
    ("command", "code", "described"),
    [
        ("echo hello", 0, "hello"),
        ("true", 0, "Done, no output."),
        ("false", 1, "Exit code: 1"),
        ("echo broken >&2; exit 3", 3, "broken\nExit code: 3"),
        ("kill -9 $$", 137, "Exit code: 137"),
        ("kill -TERM $$", 143, "Exit code: 143"),
        ("bash -c 'kill -9 $$'; exit $?", 137, "Exit code: 137"),
    ],
)
def test_the_exit_code_is_stated_when_it_is_not_0(command: str, code: int, described: str) -> None:
    shell = Shell()
    result = shell.run(command)
    assert (result.exit_code, result.timed_out) == (code, False)
    assert shell.describe(result).endswith(described)


def test_a_command_that_does_not_exist_has_exit_code_127_and_the_shells_words() -> None:
    result = Shell().run("no-such-program --help")
    assert result.exit_code == 127
    assert "no-such-program: command not found" in result.output


def test_bash_runs_in_the_current_directory(tmp_path: Path) -> None:
    assert output_of("pwd; [[ x == x ]] && echo bash") == f"{tmp_path}\nbash\n"


def test_the_newest_result_is_remembered() -> None:
    shell = Shell()
    assert shell.last is None
    result = shell.run("exit 4")
    assert shell.last is result
    assert (result.command, result.exit_code) == ("exit 4", 4)


def test_stdin_is_closed_so_that_a_command_that_reads_ends_at_once() -> None:
    started = time.monotonic()
    assert Shell(timeout=20).run("cat; read answer; echo read said $?").output == "read said 1\n"
    assert time.monotonic() - started < 5


def test_pagers_and_colours_are_off() -> None:
    names = "PAGER GIT_PAGER MANPAGER SYSTEMD_PAGER TERM NO_COLOR GIT_TERMINAL_PROMPT DEBIAN_FRONTEND"
    assert output_of(f'for name in {names}; do echo "${{!name}}"; done').split() == [
        *["cat"] * 4,
        *["dumb", "1", "0", "noninteractive"],
    ]


def test_the_rest_of_the_environment_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/etc/k.yaml")
    assert output_of("echo $KUBECONFIG") == "/etc/k.yaml\n"


@pytest.mark.parametrize("command", ["echo a\0b", "echo \ud83d", "x" * 3_000_000])
def test_a_command_that_cannot_be_started_is_a_tool_error(command: str) -> None:
    with pytest.raises(ToolError, match="could not be started"):
        Shell().run(command)


def test_without_bash_it_is_a_tool_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"could not be started.*bash"):
        Shell().run("true")


# --- failures that the exit code hides --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "failure"),
    [
        ("rmdir /none; echo", "rmdir /none failed with exit code 1"),
        ("rmdir /none\necho", "rmdir /none failed with exit code 1"),
        ("rmdir /none || echo failed", "rmdir /none failed with exit code 1"),
        ("rmdir /none && echo ok || echo failed", "rmdir /none failed with exit code 1"),
        ("rmdir /none; exit 0", "rmdir /none failed with exit code 1"),
        ("rmdir /none 2>&1 | tail -n 1", "rmdir /none failed with exit code 1"),
        ("rmdir /none 2>&1 | grep -v x | head -n 3; true", "rmdir /none failed with exit code 1"),
        ("rmdir /none 2>&1 | tee log", "rmdir /none failed with exit code 1"),
        ("yes | rmdir /none; true", "rmdir /none failed with exit code 1"),
        ("(true; rmdir /none) | cat", "rmdir /none failed with exit code 1"),
        ("{ rmdir /none; true; } 2>&1", "rmdir /none failed with exit code 1"),
        ("for i in 1 2; do rmdir /none$i; done; true", "rmdir /none$i failed with exit code 1"),
        ("echo a | while read l; do rmdir /$l; done; true", "rmdir /$l failed with exit code 1"),
        ("id=$(rmdir /none); echo $id", "rmdir /none failed with exit code 1"),
        ("cd /none && touch a; ls", "cd /none failed with exit code 1"),
        ("exec 5>&1; rmdir /none; ls", "rmdir /none failed with exit code 1"),
        ("rmdir /none; grep x /dev/null", "rmdir /none failed with exit code 1"),
    ],
)
def test_a_failed_change_is_seen_behind_other_commands(command: str, failure: str) -> None:
    shell = Shell()
    result = shell.run(command)
    assert result.hidden_failure == failure
    assert failure in shell.describe(result).split("\n")


@pytest.mark.parametrize(
    "command",
    [
        "touch a; ls /",
        "rmdir /none; touch a; ls /",  # mended
        "touch a && echo ok || echo failed",
        "touch a || exit 1",
        "[ -d /none ] && touch a; ls /",
        "grep x /dev/null; touch a; ls /",
        "if ! rmdir /none; then touch a; fi; ls /",
        "ls / || touch a; ls /",
        "yes | head -n 1; ls /",
        "python3 -c 'print(1)' | grep 2 | tail -n 1",
        "for i in 1 2; do touch $i; done; ls /",
        "false & touch a & ls /",
        "mkdir -p a && cd $_ && touch b; ls /",
        "touch a; trap 'echo bye' EXIT; ls /",
        "ls /none; true",
        "touch a; 'unbalanced",
    ],
)
def test_what_succeeded_or_changes_nothing_is_no_hidden_failure(command: str) -> None:
    assert Shell().run(command).hidden_failure == ""


def test_taking_notes_changes_neither_output_nor_exit_code() -> None:
    result = Shell().run(
        "mkdir -p a/b; cd $_; basename $PWD; bash -c 'exit 3'; echo $?; (exit 4) | cat; exit 5"
    )
    assert (result.output, result.exit_code) == ("b\n3\n", 5)


def test_a_long_loop_is_noted_without_end_in_sight() -> None:
    result = Shell(timeout=60).run("for i in $(seq 20000); do :; done; rmdir /none; true")
    assert result.hidden_failure == "rmdir /none failed with exit code 1"


# --- an end to it -----------------------------------------------------------------------------------------


def test_at_the_time_limit_the_whole_process_group_is_killed() -> None:
    shell = Shell(timeout=0.5)
    started = time.monotonic()
    result = shell.run("sleep 300 & echo $!; sleep 301")
    assert time.monotonic() - started < 3
    assert result.timed_out
    assert result.exit_code == 143
    assert wait_until_gone(int(result.output), 1)
    assert shell.describe(result).endswith("Timed out: killed after 0.5 seconds.\nExit code: 143")


def test_a_command_that_ignores_the_polite_signal_is_killed_by_force() -> None:
    started = time.monotonic()
    result = Shell(timeout=0.3).run("trap '' TERM; echo ready; while :; do sleep 0.1; done")
    assert time.monotonic() - started < 3
    assert (result.timed_out, result.exit_code, result.output) == (True, 137, "ready\n")


def test_a_command_that_closed_its_output_is_still_held_to_the_time_limit() -> None:
    started = time.monotonic()
    assert Shell(timeout=0.3).run("exec >&- 2>&-; sleep 300").timed_out
    assert time.monotonic() - started < 3


def test_output_without_end_is_still_held_to_the_time_limit() -> None:
    result = Shell(timeout=0.5).run("yes")
    assert result.timed_out
    assert result.output.startswith("y\ny\n")
    assert result.seconds < 4


def test_a_background_process_that_keeps_the_output_open_does_not_hang_the_call() -> None:
    started = time.monotonic()
    result = Shell(timeout=60).run("sleep 60 & echo started $!")
    pid = int(result.output.split()[1])
    try:
        assert time.monotonic() - started < 3
        assert (result.timed_out, result.exit_code) == (False, 0)
        os.kill(pid, 0)  # it was not killed: starting it was the task
    finally:
        os.kill(pid, signal.SIGKILL)


def test_a_background_process_can_still_write_after_the_call_and_after_the_agent(tmp_path: Path) -> None:
    """A server that logs to its standard error, for one."""
    server = "{ sleep 0.6; echo a request; echo served > served; } & echo started"
    code = f"from devops_agent.shell import Shell; print(Shell().run({server!r}).output)"
    agent = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert agent.stdout == "started\n\n"
    deadline = time.monotonic() + 5
    while not (tmp_path / "served").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (tmp_path / "served").exists()


@pytest.mark.skipif(not Path("/proc/loadavg").exists(), reason="processes are counted in /proc")
def test_a_command_that_starts_processes_without_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell_module, "_MOST_PROCESSES", 30)
    shell = Shell(timeout=60)
    result = shell.run("for i in $(seq 90); do sleep 300 & done; wait")
    assert (result.exit_code, result.timed_out) == (137, False)
    assert result.seconds < 30
    assert shell.describe(result).endswith("Killed: it had started more than 30 processes.\nExit code: 137")


def test_what_is_written_shortly_before_the_end_is_not_lost() -> None:
    assert output_of("seq 1 200000 | tail -1; (sleep 0.1; echo late) & wait") == "200000\nlate\n"


@contextmanager
def agent_running(command: str, pids: Path, count: int) -> Iterator[subprocess.Popen[str]]:
    """A process that runs a command which writes its process ids to a file."""
    code = (
        "import signal, sys; from devops_agent.shell import Shell;"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit('terminated'));"
        f"Shell().run({command!r})"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # as the terminal's signal goes to the agent, not to the command
    )
    try:
        deadline = time.monotonic() + 20
        while not (pids.exists() and len(pids.read_text().split()) == count) and time.monotonic() < deadline:
            time.sleep(0.02)
        yield child
    finally:
        child.kill()
        child.wait()


def test_ctrl_c_kills_the_command_and_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with agent_running("sleep 300 & echo $$ $! > pids; wait", pids, 2) as agent:
        agent.send_signal(signal.SIGINT)
        started = time.monotonic()
        assert all(wait_until_gone(int(pid), PATIENCE) for pid in pids.read_text().split())
        assert time.monotonic() - started < PATIENCE
        assert "KeyboardInterrupt" in agent.communicate(timeout=10)[1]


@pytest.mark.parametrize(
    ("second", "said"), [(signal.SIGINT, "KeyboardInterrupt"), (signal.SIGTERM, "terminated")]
)
def test_a_second_signal_does_not_save_a_command_that_ignores_the_first(
    tmp_path: Path, second: signal.Signals, said: str
) -> None:
    pids = tmp_path / "pids"
    stubborn = "trap '' TERM; echo $$ > pids; while :; do sleep 0.1; done"
    with agent_running(stubborn, pids, 1) as agent:
        agent.send_signal(signal.SIGINT)
        time.sleep(0.15)
        agent.send_signal(second)
        try:
            assert wait_until_gone(int(pids.read_text()), 2)
        finally:
            with suppress(ProcessLookupError):
                os.kill(int(pids.read_text()), signal.SIGKILL)
        assert agent.communicate(timeout=10)[1].rstrip().endswith(said)


# --- long and strange output ------------------------------------------------------------------------------


def test_50_megabytes_are_cut_to_head_and_tail_and_kept_in_a_file_of_the_user_alone(tmp_path: Path) -> None:
    shell = Shell(store=OutputStore(tmp_path / "outputs"))
    result = shell.run("echo FIRST; head -c 50000000 /dev/zero | tr '\\0' 'x' | fold -w 99; echo; echo LAST")
    shown = shell.describe(result)
    assert len(shown) < shell.budget + 300
    assert shown.startswith("FIRST\n")
    assert shown.endswith("\nLAST")
    named = re.search(r"left out; full output in (\S+?)\]", shown)
    assert named
    kept = Path(named[1])
    assert kept.parent == tmp_path / "outputs"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    text = kept.read_text()
    assert text.startswith("FIRST\n")
    assert text.endswith("\nLAST\n")
    assert re.search(r"\[\d+ characters not kept\]", text)
    assert result.seconds < 10


def test_one_line_of_megabytes_takes_no_longer_than_many_lines() -> None:
    """Minified JSON, base64: no newline and no carriage return to find."""
    started = time.monotonic()
    output = output_of("head -c 3000000 /dev/zero | tr '\\0' x")
    assert len(output) == 3_000_000
    assert time.monotonic() - started < 5


def test_binary_output_is_shown_as_text_without_control_characters() -> None:
    output = output_of("head -c 100000 /dev/urandom; printf '\\0\\1\\2end'")
    assert output.endswith("end")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", output)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[31mred\x1b[0m\n", "red\n"),
        ("\x1b[1;38;5;200mx\x1b[m\x1b[K\n", "x\n"),
        ("\x1b]0;title\x07text\n", "text\n"),
        ("\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\\n", "link\n"),
        ("\x1b[?25lhidden\x1b[?25h\n", "hidden\n"),
        ("\x1b(B\x1b[mplain\n", "plain\n"),
        ("10%\r50%\r100%\n", "100%\n"),
        ("10%\r50%\r100%\r\n", "100%\n"),
        ("pulling 10%\rpulling 100%\r", "pulling 100%"),
        ("first\n10%\r100%\nlast\n", "first\n100%\nlast\n"),
        ("dos\r\nlines\r\n", "dos\nlines\n"),
        ("dos\r\r\nlines\n", "dos\nlines\n"),
        ("a\tb\x07\x08\n", "a\tb\n"),
        ("größe ✅\n", "größe ✅\n"),
    ],
)
def test_terminal_codes_and_redrawn_progress_are_removed(written: str, shown: str, tmp_path: Path) -> None:
    (tmp_path / "written").write_bytes(written.encode())
    assert output_of("cat written") == shown


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    assert output_of("printf 'caf\\351\\n'") == "caf\ufffd\n"


@pytest.mark.parametrize("text", ["\x1b]" * 50_000, "\r" * 500_000, "a\r" * 200_000, "\x1b[" * 100_000])
def test_cleaning_takes_time_in_proportion_to_the_text(text: str) -> None:
    started = time.monotonic()
    clean(text + "x" * 500_000)
    assert time.monotonic() - started < 3


# --- outputs ----------------------------------------------------------------------------------------------


def test_output_within_the_budget_is_not_touched_and_not_saved(tmp_path: Path) -> None:
    shell = Shell(budget=100, store=OutputStore(tmp_path / "outputs"))
    assert shell.describe(shell.run("printf '%0100d\\n' 0")) == "0" * 100
    assert not (tmp_path / "outputs").exists()


def test_a_cut_text_keeps_whole_lines_and_says_how_much_is_missing() -> None:
    text = "\n".join(f"line {number}" for number in range(1000))
    shown = reduce_output(text, 300).splitlines()
    assert shown[0] == "line 0"
    assert shown[-1] == "line 999"
    assert [line for line in shown if not re.fullmatch(r"line \d+|\[.*\]", line)] == []
    left_out = len(text) - sum(len(line) for line in shown if line.startswith("line"))
    assert any(f"of {len(text)} characters, 1000 lines, left out" in line for line in shown)
    stated = int(re.search(r"\[… (\d+) of", "\n".join(shown))[1])  # type: ignore[index]
    assert abs(stated - left_out) < 100  # newlines


def test_the_newest_50_outputs_are_kept(tmp_path: Path) -> None:
    store = OutputStore(tmp_path)
    for number in range(60):
        path = store.save(str(number))
        assert path
        os.utime(path, (number, number))
    assert sorted(int(file.read_text()) for file in tmp_path.iterdir()) == list(range(10, 60))


def test_a_folder_that_cannot_be_made_costs_only_the_copy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    shell = Shell(budget=50, store=OutputStore(tmp_path / "file" / "outputs"))
    assert "left out]" in shell.describe(shell.run("seq 100"))


# --- the active shell -------------------------------------------------------------------------------------


def test_the_active_shell_is_the_one_of_the_running_agent() -> None:
    outer, inner = Shell(), Shell()
    with outer.active():
        with inner.active():
            assert active_shell() is inner
        assert active_shell() is outer
    assert active_shell() is not outer


def test_an_interrupt_while_the_command_starts_kills_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C between fork and return would leave a process that nobody knows."""
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start_and_interrupt(*args: Any, **kwargs: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*args, **kwargs))
        signal.raise_signal(signal.SIGINT)
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", start_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        Shell().run("sleep 302")
    assert started[0].wait(1) == -signal.SIGTERM
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
