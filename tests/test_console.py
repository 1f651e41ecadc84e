"""The session as a person sees it: the real program on a pseudo-terminal, with a scripted model."""

import os
import re
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from console import ALT_ENTER, CTRL_C, CTRL_D, CTRL_R, CTRL_Z, DOWN, PROMPT, TAB, UP, Console
from fake_ollama import FakeOllama, Reply, call
from fake_programs import Programs

Start = Callable[..., Console]
DONE = call("final_answer", answer="Done.")
THINKS = Reply("<tool_call>", hang=True)


def runs(command: str, answer: str = "Done.") -> tuple[Reply, Reply]:
    """A task that runs a command and is done."""
    return call("bash", command=command), call("final_answer", answer=answer)


def sent(ollama: FakeOllama) -> str:
    """All that the newest request says."""
    return "\n".join(each["content"] for each in ollama.chats[-1]["messages"])


def stored(home: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a table of the store."""
    with sqlite3.connect(home / ".data/devops-agent/sessions.db") as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(f"SELECT * FROM {table} ORDER BY rowid")]


def leave(console: Console) -> None:
    console.task("exit")
    console.wait_for("Goodbye!")
    assert console.close() == 0


# --- the line ---------------------------------------------------------------------------------------------


def test_up_and_down_walk_through_this_session_and_earlier_ones(
    start: Start, ollama: FakeOllama, home: Path
) -> None:
    (home / ".devops_agent_history").write_text("\n# 2026-01-01\n+task of yesterday\n")
    ollama.script(*runs("true", "First."), *runs("true", "Second."))
    console = start()
    console.task("task of today")
    console.wait_for("First.")
    console.wait_for(PROMPT)
    console.type(UP)
    console.shows("> task of today\n")
    console.type(UP)
    console.shows("> task of yesterday\n")
    console.type(DOWN)
    console.wait_for(lambda: console.screen.count("> task of today\n") == 2)
    console.type("\r")
    console.wait_for("Second.")
    assert [each["content"] for each in ollama.chats[-1]["messages"]].count("task of today") == 2
    leave(console)


def test_ctrl_r_finds_a_task_of_an_earlier_session(start: Start, ollama: FakeOllama, home: Path) -> None:
    lines = "\n# 2026-01-01\n+show the scales\n\n# 2026-01-02\n+list pods\n"
    (home / ".devops_agent_history").write_text(lines)
    ollama.script(*runs("true"))
    console = start()
    console.wait_for(PROMPT)
    console.type(f"{CTRL_R}scal")
    console.shows("> show the scales\n")
    console.type("\r")
    console.type("\r")
    console.wait_for("Done.")
    assert ollama.chats[0]["messages"][1]["content"] == "show the scales"
    leave(console)


@pytest.mark.parametrize(
    "typed",
    [f"one{ALT_ENTER}two{ALT_ENTER}three", "\x1b[200~one\ntwo\nthree\x1b[201~"],
    ids=["typed", "pasted"],
)
def test_three_lines_are_one_task(typed: str, console: Console, ollama: FakeOllama) -> None:
    ollama.script(*runs("true"))
    console.wait_for(PROMPT)
    console.type(typed)
    console.shows("three")
    assert "> one\n  two\n  three\n" in console.screen
    assert ollama.chats == []
    console.type("\r")
    console.wait_for("Done.")
    assert ollama.chats[0]["messages"][1]["content"] == "one\ntwo\nthree"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("/exp", "> /export"), ("see @dep", "> see @deploy.yaml"), ("!cat dep", "> !cat deploy.yaml")],
)
def test_tab_completes_commands_and_files(typed: str, shown: str, console: Console, tmp_path: Path) -> None:
    (tmp_path / "deploy.yaml").write_text("kind: Deployment\n")
    console.wait_for(PROMPT)
    console.type(typed)
    console.shows(f"> {typed}")
    console.type(TAB)
    console.shows(shown)


def test_tab_completes_a_name_of_the_cluster(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = Programs(tmp_path / "bin", monkeypatch)
    objects = "Deployment shop checkout-service\nPod shop checkout-service-abc12\n"
    programs.add("kubectl", {"get *namespaces": "shop\n", "get * -A *": objects})
    console = start()
    console.wait_for(PROMPT)
    console.type("scale deployment che")
    console.wait_for(lambda: len([each for each in programs.calls if "get" in each]) >= 2)
    console.shows("> scale deployment che")

    def is_completed() -> bool:
        console.type(TAB)
        return "> scale deployment checkout-service\n" in console.screen

    console.wait_for(is_completed)


# --- Ctrl-C -----------------------------------------------------------------------------------------------


def test_ctrl_c_at_the_prompt_keeps_the_line_hints_and_leaves(console: Console, home: Path) -> None:
    console.wait_for(PROMPT)
    console.type("half a li")
    console.shows("> half a li")
    console.type(CTRL_C)
    console.shows("\n>\n")
    assert "+half a li\n" in (home / ".devops_agent_history").read_text()
    assert "Ctrl-C once more" not in console.screen
    console.type(CTRL_C)
    console.wait_for("Ctrl-C once more leaves.")
    console.wait_for(PROMPT)
    console.type(CTRL_C)
    console.wait_for("Goodbye!")
    assert console.close() == 0


def test_ctrl_c_in_a_command_keeps_what_it_had_printed(console: Console, ollama: FakeOllama) -> None:
    ollama.script(call("bash", command="echo loaded 7 of 9; exec sleep 300"), *runs("true"))
    console.task("load them")
    console.wait_for("running echo")
    console.shows("  loaded 7 of 9")
    console.type(CTRL_C)
    console.wait_for("Interrupted.")
    assert "Observations until then:\nloaded 7 of 9\n" in console.screen
    console.task("what was loaded?")
    console.wait_for("Done.")
    assert "Until then it had printed:\nloaded 7 of 9" in sent(ollama)


def test_ctrl_c_twice_while_a_command_is_ending_leaves_with_its_output_kept(
    console: Console, ollama: FakeOllama, home: Path
) -> None:
    command = "trap 'touch ending' TERM; echo loaded 7 of 9; while true; do sleep 0.1; done"
    ollama.script(call("bash", command=command))
    console.task("load them")
    console.shows("  loaded 7 of 9")
    console.type(CTRL_C)
    console.wait_for(Path("ending").exists)
    console.type(CTRL_C)
    console.wait_for("Goodbye!")
    assert console.close() == 0
    assert "Observations until then:\nloaded 7 of 9\n" in console.screen
    assert stored(home, "steps")[0]["output"].strip() == "loaded 7 of 9"
    assert stored(home, "turns")[0]["answer"] == "Interrupted."
    assert stored(home, "sessions")[0]["ended"]


def test_ctrl_c_twice_while_the_model_thinks_leaves(console: Console, ollama: FakeOllama) -> None:
    ollama.script(THINKS)
    console.task("a task")
    console.wait_for(lambda: bool(ollama.chats))
    console.type(CTRL_C)
    console.wait_for("Interrupted.")
    console.wait_for(PROMPT)  # what is typed just before it, prompt_toolkit drops
    console.type(CTRL_C)
    console.wait_for("Goodbye!")
    assert console.close() == 0


# --- approval ---------------------------------------------------------------------------------------------


def test_a_word_with_a_no_reaches_the_model(start: Start, ollama: FakeOllama, tmp_path: Path) -> None:
    ollama.script(call("bash", command="touch made"), *runs("ls", "Listed."))
    console = start("-a", "--no-grounding")
    console.task("make a file")
    console.wait_for("Approve this tool call? [y/n]: ")
    console.type("n\r")
    console.wait_for("Optional feedback")
    console.type("just list them\r")
    console.wait_for("Approve this tool call? [y/n]: ")
    console.type("y\r")
    console.wait_for("Listed.")
    assert "User comment: just list them" in "\n".join(
        each["content"] for each in ollama.chats[1]["messages"]
    )
    assert "Optional feedback for the agent (press Enter to skip): just list them\n" in console.screen
    assert not (tmp_path / "made").exists()


def test_what_was_typed_before_a_question_is_no_answer_to_it(
    start: Start, ollama: FakeOllama, tmp_path: Path
) -> None:
    """Neither while the model thinks nor while the preview is looked up."""
    ollama.script(call("bash", command="rm kept.txt; sleep 0"), DONE, *runs("true", "Second."))
    (tmp_path / "kept.txt").touch()
    console = start("--no-grounding")
    console.task("remove it")
    console.wait_for("\x1b[?2004l")
    console.type("y\ry\r")
    console.wait_for("Approve this tool call? [y/n]: ")
    console.type("n\r")
    console.wait_for("Optional feedback")
    console.type("\r")
    console.wait_for(PROMPT)
    assert (tmp_path / "kept.txt").exists()
    console.shows("> y\n")


# --- typed while the agent works --------------------------------------------------------------------------


def test_what_is_typed_meanwhile_is_not_shown_in_the_output_and_stands_at_the_prompt(
    console: Console, ollama: FakeOllama, tmp_path: Path
) -> None:
    ollama.script(*runs("while [ ! -e go ]; do sleep 0.1; done; echo went"), *runs("true", "Second."))
    console.task("wait for it")
    console.wait_for("running while")
    console.type("and then")
    before = len(console.seen)
    console.wait_for(lambda: console.seen.count("running while", before) > 5)
    assert "and then" not in console.screen
    (tmp_path / "go").touch()
    console.wait_for("Done.")
    console.shows("> and then\n")
    console.type(" this\r")
    console.wait_for("Second.")
    assert "and then this" in sent(ollama)


def test_lines_with_enter_run_one_after_the_other(
    console: Console, ollama: FakeOllama, tmp_path: Path
) -> None:
    ollama.script(
        *runs("while [ ! -e go ]; do sleep 0.1; done"), *runs("true", "Second."), *runs("true", "Third.")
    )
    console.task("wait for it")
    console.wait_for("running while")
    console.type("task two\rtask three\rrest")
    (tmp_path / "go").touch()
    console.wait_for("Second.")
    console.wait_for("Third.")
    console.shows("> rest\n")
    tasks = [each["content"] for each in ollama.chats[-1]["messages"] if each["role"] == "user"]
    assert [task for task in tasks if not task.startswith("<")] == ["wait for it", "task two", "task three"]


def test_ctrl_c_keeps_what_was_typed_meanwhile(console: Console, ollama: FakeOllama) -> None:
    ollama.script(THINKS)
    console.task("a task")
    console.wait_for(lambda: bool(ollama.chats))
    console.type("the next one")
    console.type(CTRL_C)
    console.wait_for("Interrupted.")
    console.shows("> the next one\n")


# --- resize -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [40, 60, 120])
def test_a_resize_while_typing_leaves_the_line_once(columns: int, console: Console) -> None:
    console.wait_for(PROMPT)
    console.type("a line of some words")
    console.shows("> a line of some words")
    console.resize(24, columns)
    console.type(" and more")
    console.shows("> a line of some words and more\n")
    assert console.screen.count("a line of some words") == 1
    assert console.screen.count("Type your task") == 1


@pytest.mark.parametrize("columns", [30, 60, 120])
def test_a_resize_while_working_leaves_no_rest(
    columns: int, console: Console, ollama: FakeOllama, tmp_path: Path
) -> None:
    words = " ".join(f"word{number}" for number in range(40))
    command = f"echo {words}; while [ ! -e go ]; do sleep 0.1; done; echo went"
    ollama.script(*runs(command))
    console.task("wait")
    console.wait_for("running echo")
    console.shows("word39")
    console.resize(24, columns)
    before = len(console.seen)
    console.wait_for(lambda: console.seen.count("running echo", before) > 3)
    assert console.screen.count("running echo") == 1
    assert console.screen.count("bash {echo word0") == 1
    (tmp_path / "go").touch()
    console.wait_for("Done.")
    assert "running echo" not in console.screen
    assert console.screen.count("word39") == 2  # in the call and in its result


# --- commands of the user's own ---------------------------------------------------------------------------


def test_an_own_command_reads_the_keyboard_and_its_output_reaches_the_model(
    console: Console, ollama: FakeOllama
) -> None:
    ollama.script(*runs("true"))
    console.task("!cat")
    console.wait_for("\x1b[?2004l")
    console.type("typed line\r")
    console.wait_for(lambda: console.screen.count("typed line\n") >= 2)
    console.type(CTRL_D)
    console.task("what was that?")
    console.wait_for("Done.")
    assert "typed line" in sent(ollama)


def test_what_an_own_command_does_not_read_is_typed_ahead(console: Console, tmp_path: Path) -> None:
    console.task("!while [ ! -e go ]; do sleep 0.1; done; yes | head -n 1")
    console.wait_for("\x1b[?2004l")
    console.type("the next one")
    console.shows("the next one")
    (tmp_path / "go").touch()
    console.shows("> the next one\n")
    assert "Broken pipe" not in console.screen


def test_ctrl_c_ends_an_own_command_and_not_the_session(
    console: Console, ollama: FakeOllama, home: Path
) -> None:
    ollama.script(*runs("true"))
    console.task("!echo begun; exec sleep 300")
    console.shows("begun\n")
    console.type(CTRL_C)
    console.wait_for("Exit code: -2")
    console.task("what was that?")
    console.wait_for("Done.")
    assert "begun" in sent(ollama)


def test_an_own_command_has_the_size_of_the_terminal_also_when_it_changes(start: Start) -> None:
    console = start(COLUMNS="132", LINES="50")  # those of the terminal from which this was started once
    console.task("!stty size; read x; stty size")
    console.shows("24 80\n")
    console.resize(30, 100)
    console.type("\r")
    console.shows("30 100\n")


def test_a_file_comes_with_the_task(console: Console, ollama: FakeOllama, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("the text of it\n")
    ollama.script(*runs("true"))
    console.task("what is in @a.txt?")
    console.wait_for("Done.")
    assert "the text of it" in sent(ollama)


# --- slash commands ---------------------------------------------------------------------------------------


def test_each_command_answers_in_a_session(console: Console, ollama: FakeOllama, tmp_path: Path) -> None:
    ollama.script(*runs("echo one line"))
    console.task("say it")
    console.wait_for("Done.")
    for typed, shown in (
        ("/help", "/kube [CONTEXT][/NAMESPACE]"),
        ("/model", "qwen3-devops"),
        ("/kube", "Kubernetes: none"),
        ("/docker", "Docker: unix:///var/run/docker.sock"),
        ("/approve on", "Each tool call is asked for."),
        ("/approve off", "What destroys is asked for."),
        ("/readonly on", "Nothing is changed."),
        ("/readonly off", "Changes are allowed."),
        ("/verbose on", "All is shown."),
        ("/verbose off", "The usual is shown."),
        ("/history say", "say it"),
        ("/show 1", "one line"),
        ("/sessions", "1 turn"),
        ("/undo", "There is nothing to undo"),
        ("/diagnose nowhere", ""),
        ("/runbook search liveness probe", "probe"),
        ("/export", "# "),
        ("/export script out.sh", ""),
        ("/clear", "A new session begins."),
        ("/resume", "Session "),
    ):
        console.task(typed)
        console.wait_for(f"> {typed}"[:20])
        console.wait_for(shown)
    console.task("/exit")
    console.wait_for("Goodbye!")
    assert console.close() == 0
    assert "Traceback" not in console.screen
    assert (tmp_path / "out.sh").read_text().startswith("#!")


# --- killed and taken up ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["--continue", "--resume", "/resume"])
def test_a_session_that_was_killed_is_taken_up(
    how: str, start: Start, ollama: FakeOllama, home: Path
) -> None:
    ollama.script(*runs("echo first output"), call("bash", command="echo $$ > pid; exec sleep 300"))
    console = start()
    console.task("the first task")
    console.wait_for("Done.")
    console.task("the second task")
    console.wait_for("running echo")
    console.wait_for(lambda: Path("pid").exists() and bool(Path("pid").read_text()))
    console.kill()
    os.kill(int(Path("pid").read_text()), 9)
    ollama.script(*runs("true", "Third."))
    id = stored(home, "sessions")[0]["id"]
    console = start(*{"--continue": ("--continue",), "--resume": ("--resume", id)}.get(how, ()))
    if how == "/resume":
        console.task(f"/resume {id}")
    console.wait_for(f"Session {id}: 2 tasks, the last: the second task")
    console.wait_for('"the second task" was cut off while bash {echo $$ > pid; exec sleep 300} was running')
    console.task("the third task")
    console.wait_for("Third.")
    first_request = "\n".join(each["content"] for each in ollama.chats[-2]["messages"])
    for part in ("the first task", "first output", "the second task", "it was cut off", "the third task"):
        assert part in first_request
    leave(console)
    assert [row["number"] for row in stored(home, "turns")] == [1, 2, 3]


def test_a_line_half_typed_at_kill_9_is_offered_again_once(start: Start) -> None:
    console = start()
    console.wait_for(PROMPT)
    console.type("scale the deployment web to")
    console.shows("> scale the deployment web to\n")
    console.kill()
    console = start()
    console.shows("A line that was not sent is back.")
    console.shows("> scale the deployment web to\n")
    console.type(CTRL_C)
    leave(console)
    console = start()
    console.wait_for(PROMPT)
    assert "scale the deployment" not in console.screen


def test_two_lines_of_two_killed_sessions_come_back_one_after_the_other(start: Start) -> None:
    for line in ("line one", "line two"):
        console = start()
        console.wait_for(PROMPT)
        console.type(line)
        console.shows(line)
        if line == "line one":
            first = console
    first.kill()
    console.kill()
    shown = ""
    for _ in range(2):
        console = start()
        console.shows("A line that was not sent is back.")
        console.shows("> line")
        shown += console.screen
        console.type(CTRL_C)
        leave(console)
    assert "> line one" in shown
    assert "> line two" in shown


# --- other terminals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONUTF8": None},
        {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": None},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["LC_ALL=C", "PYTHONIOENCODING=ascii", "no UTF-8 at all"],
)
def test_without_unicode_nothing_but_ascii_is_shown(
    environment: dict[str, str | None], start: Start, ollama: FakeOllama
) -> None:
    ollama.script(*runs("echo it’s → done", "Done – “well”."))
    console = start("-a", "--no-grounding", **environment)
    console.task("say it")
    console.wait_for("Approve this tool call? [y/n]: ")
    console.type("y\r")
    console.wait_for("[ok] Done")
    console.wait_for(PROMPT)
    assert console.seen.isascii()
    assert "[agent] DevOps Agent" in console.screen
    console.type(CTRL_D)
    assert console.close() == 0


def test_on_60_columns_nothing_wraps_and_long_output_is_folded(
    start: Start, ollama: FakeOllama, tmp_path: Path
) -> None:
    command = "seq -f 'line %g of some that are longer than the terminal is wide, is it not so?' 1 200"
    ollama.script(*runs(f"{command}; while [ ! -e go ]; do sleep 0.1; done"))
    console = start(size=(24, 60))
    console.task("count")
    console.shows("line 200 of")
    region = console.screen
    region = region[region.index("running seq") :]
    assert len(region.splitlines()) > 3
    assert all(len(line) < 60 for line in region.splitlines())
    (tmp_path / "go").touch()
    console.wait_for("Done.")
    console.wait_for(PROMPT)
    assert "/show 1" in console.screen
    assert "line 100 of" not in console.screen
    console.type("/show 1\r")
    console.shows("line 10 of")
    console.type("/line 100 \r")  # in the pager
    console.shows("line 100 of some that are longer than the terminal is wide")
    console.type("q")
    console.wait_for(PROMPT)


def colours(console: Console) -> set[str]:
    """The codes that colour something."""
    return {
        code for code in re.findall(r"\x1b\[([\d;]+)m", console.seen) if set(code.split(";")) - {"0", "7"}
    }


@pytest.mark.parametrize(
    ("arguments", "environment", "coloured"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        (("--color", "never"), {}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
    ],
)
def test_colours_are_as_asked_for_everywhere(
    arguments: tuple[str, ...],
    environment: dict[str, str],
    coloured: bool,
    start: Start,
    ollama: FakeOllama,
    tmp_path: Path,
) -> None:
    (tmp_path / "a.txt").write_text("old\n")
    ollama.script(call("write_file", path="a.txt", content="new\n"), DONE)
    console = start("-a", "--no-grounding", *arguments, **environment)
    console.task("write new into a.txt")
    console.wait_for("Approve this tool call? [y/n]: ")
    assert bool(colours(console)) == coloured
    console.type("y\r")
    console.wait_for("Done.")
    console.wait_for(PROMPT)
    assert bool(colours(console)) == coloured


def test_a_dumb_terminal_gets_plain_lines(start: Start, ollama: FakeOllama) -> None:
    ollama.script(*runs("echo one"))
    console = start(TERM="dumb")
    console.wait_for("> ")
    console.type("say it\r")
    console.wait_for("[ok] Done.")
    console.wait_for("> ")
    console.type("exit\r")
    console.wait_for("Goodbye!")
    assert console.close() == 0
    # prompt_toolkit sends two codes that make the cursor visible when it begins
    assert "\x1b" not in console.seen.replace("\x1b[?12l\x1b[?25h", "").replace("\x1b[?2004l", "")


# --- above the prompt -------------------------------------------------------------------------------------


def test_what_cannot_be_reached_is_said_above_the_prompt_and_what_is_typed_stays(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = Programs(tmp_path / "bin", monkeypatch)
    wait = "$ while [ ! -e go ]; do sleep 0.1; done; echo refused >&2; exit 1"
    programs.add("docker", {"version*": wait})
    console = start()
    console.wait_for(PROMPT)
    console.type("half a line")
    console.shows("> half a line\n")
    (tmp_path / "go").touch()
    console.shows("Docker: no engine answers")
    console.type(" more")
    console.shows("> half a line more\n")
    screen = console.screen
    assert screen.index("Docker: no engine answers") < screen.index("> half a line more")
    assert screen.count("> half a line") == 1


def test_an_engine_that_is_missing_is_said_above_the_prompt(start: Start, ollama: FakeOllama) -> None:
    ollama.models = []
    console = start("--backend", "ollama")
    console.shows("qwen3-devops")
    console.wait_for(lambda: "not" in console.screen.split("Approval:")[1])
    console.type("half a line")
    console.shows("> half a line\n")
    assert "Traceback" not in console.screen


# --- leaving ----------------------------------------------------------------------------------------------


def test_ctrl_z_and_fg_give_the_line_back(start: Start, tmp_path: Path) -> None:
    program = ("bash", "--norc", "-i")
    console = start(program=program, PS1="shell$ ", HISTFILE="/dev/null")
    console.wait_for("shell$ ")
    console.type(f"{sys.executable} -m devops_agent\r")
    console.wait_for("Type your task")
    console.wait_for(PROMPT)
    console.type("half a line")
    console.shows("> half a line")
    console.type(CTRL_Z)
    console.wait_for("Stopped")
    console.wait_for("shell$ ")
    console.type("fg\r")
    console.wait_for("> half a line")
    console.type(" more")
    console.shows("> half a line more")
    console.type(CTRL_C)
    console.type("exit\r")
    console.wait_for("Goodbye!")
    console.wait_for("shell$ ")
    console.type("echo echo is $((40 + 2))\r")
    console.shows("shell$ echo echo is $((40 + 2))\necho is 42")


def test_ctrl_d_leaves_an_empty_line_only(console: Console) -> None:
    console.wait_for(PROMPT)
    console.type("text")
    console.shows("> text")
    console.type(CTRL_D)
    console.type(" stays")
    console.shows("> text stays")
    console.type(CTRL_C)
    console.wait_for(PROMPT)
    console.type(CTRL_D)
    console.wait_for("Goodbye!")
    assert console.close() == 0


def test_after_the_end_the_terminal_echoes_as_before(start: Start, ollama: FakeOllama) -> None:
    ollama.script(*runs("true"))
    console = start(program=("bash", "-c", f"{sys.executable} -m devops_agent; stty -a"))
    console.task("a task")
    console.wait_for("Done.")
    console.task("exit")
    console.wait_for("Goodbye!")
    console.wait_for("icanon")
    assert console.close() == 0
    modes = console.screen.split("Goodbye!")[1].split()
    assert "echo" in modes
    assert "isig" in modes
    assert "-noflsh" in modes


@pytest.mark.parametrize("is_first", [True, False])
def test_a_task_that_fails_before_its_first_step_is_told_later_and_the_one_before_it_once(
    is_first: bool, console: Console, ollama: FakeOllama
) -> None:
    if not is_first:
        ollama.script(*runs("echo alpha", "First."))
        console.task("the first task")
        console.wait_for("First.")
    console.wait_for(PROMPT)
    ollama.die()
    console.type("the task that fails\r")
    console.wait_for("devops-agent: Cannot connect to Ollama")
    with FakeOllama(*runs("echo beta", "Third."), port=ollama.port) as again:
        console.task("the next task")
        console.wait_for("Third.")
        told = [each["content"] for each in again.chats[0]["messages"][1:]]
    assert told.count("the first task") == (not is_first)
    assert told[-3] == "the task that fails"
    assert "Not done" in told[-2]
    assert told[-1] == "the next task"


def test_ctrl_z_while_a_command_runs_and_fg_go_on_without_an_echo(
    start: Start, ollama: FakeOllama, tmp_path: Path
) -> None:
    ollama.script(*runs("while [ ! -e go ]; do sleep 0.1; done; echo went"))
    console = start(program=("bash", "--norc", "-i"), PS1="shell$ ", HISTFILE="/dev/null")
    console.wait_for("shell$ ")
    console.type(f"{sys.executable} -m devops_agent\r")
    console.task("wait for it")
    console.wait_for("running while")
    console.type(CTRL_Z)
    console.wait_for("Stopped")
    console.wait_for("shell$ ")
    console.type("fg\r")
    console.wait_for("running while")
    console.type("typed ahead")
    before = len(console.seen)
    console.wait_for(lambda: console.seen.count("running while", before) > 3)
    assert "typed ahead" not in console.screen
    (tmp_path / "go").touch()
    console.wait_for("Done.")
    console.shows("> typed ahead\n")
