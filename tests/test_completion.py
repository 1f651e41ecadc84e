"""Completion offers what is there, next to what the line says, and no key waits for it."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_programs import Programs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from devops_agent.console.completion import LineCompleter
from devops_agent.console.names import Names
from devops_agent.console.slash import SlashCommand


def nothing(words: str) -> None:
    """What the commands do here."""


COMMANDS = {
    "help": SlashCommand("help", "", "What there is", nothing),
    "history": SlashCommand("history", "[WORDS]", "What was typed", nothing),
    "mode": SlashCommand("mode", "[MODE]", "What may run", nothing, lambda: ("ask", "auto", "read-only")),
}
OBJECTS = """\
Deployment   shop   web
Deployment   blog   web
Deployment   blog   web-old
Pod          shop   web-5f6
Pod          blog   web-77c
Service      shop   web
StatefulSet  shop   shop-db
ConfigMap    blog   shared
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(tmp_path / "bin", monkeypatch)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def known(programs: Programs) -> Names:
    """The names of a cluster with two namespaces and of an engine."""
    programs.add("kubectl", {"*namespaces": "default\nshop\nblog\n", "*-A *": OBJECTS})
    programs.add(
        "docker", {"ps *": "cache\nweb-proxy\n", "images *": "nginx:1.25\nshop/api:3\n<none>:<none>\n"}
    )
    names = Names()
    names.refresh()
    wait_for(lambda: all(names.of(kind) for kind in ("namespace", "pod", "container", "image")))
    return names


def offered(line: str, names: Names | None = None, asked: bool = False) -> list[str]:
    """The lines that the completions of this one would make."""
    completer = LineCompleter(COMMANDS, names or _Nothing(), os.environ)
    event = CompleteEvent(completion_requested=asked, text_inserted=not asked)
    found = completer.get_completions(Document(line), event)
    return [line[: len(line) + each.start_position] + each.text for each in found]


class _Nothing(Names):
    def refresh(self) -> None:
        """Asks nobody."""


# --- slash commands ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["", "   ", "\n"])
def test_nothing_is_offered_while_nothing_was_typed(line: str, here: Path) -> None:
    (here / "file").touch()
    assert offered(line) == offered(line, asked=True) == []


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("/", ["/help", "/history", "/mode"]),
        ("/h", ["/help", "/history"]),
        ("/help", []),
        ("/mode ", ["/mode ask", "/mode auto", "/mode read-only"]),
        ("/mode a", ["/mode ask", "/mode auto"]),
        ("/mode ask", []),
        ("/help a", []),
        ("/no-such a", []),
        ("/x", []),
    ],
)
def test_slash_commands_and_what_may_stand_behind_them(line: str, lines: list[str]) -> None:
    assert offered(line) == lines


def test_a_slash_command_is_offered_with_what_it_does() -> None:
    completer = LineCompleter(COMMANDS, _Nothing(), {})
    (found,) = completer.get_completions(Document("/m"), CompleteEvent())
    assert found.display_meta_text == "What may run"


# --- files and programs -----------------------------------------------------------------------------------


@pytest.fixture
def tree(here: Path, home: Path) -> Path:
    (here / "conf" / "my own").mkdir(parents=True)
    for name in (
        "compose.yaml",
        "conf/app.toml",
        "conf/my own/x.txt",
        ".env",
        "a b.txt",
        "it's",
        "bad\nname",
    ):
        (here / name).touch()
    (home / "notes.md").touch()
    (home / "my notes.md").touch()
    return here


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("@co", ["@compose.yaml", "@conf/"]),
        ("explain @conf/a", ["explain @conf/app.toml"]),
        ("@", ['@"a b.txt"', "@compose.yaml", "@conf/", "@it's"]),
        ("@.", ["@.env"]),
        ("@./comp", ["@./compose.yaml"]),
        ("@../here/comp", ["@../here/compose.yaml"]),
        ("@a", ['@"a b.txt"']),
        ("@conf/m", ['@"conf/my own/']),
        ('@"conf/my own/', ['@"conf/my own/x.txt"']),
        ('compare @"a b.txt" with @comp', ['compare @"a b.txt" with @compose.yaml']),
        ("@~/n", ["@~/notes.md"]),
        ("@~/m", ['@"~/my notes.md"']),
        ("@~", ["@~/"]),
        ("@compose.yaml", []),
        ("@no/such/folder/", []),
        ("@\0", []),
        ("mail me@co", []),
    ],
)
def test_a_file_behind_an_at(line: str, lines: list[str], tree: Path) -> None:
    assert offered(line) == lines


def test_an_absolute_path(tree: Path) -> None:
    assert offered(f"read @{tree}/comp") == [f"read @{tree}/compose.yaml"]


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("!hea", ["!head"]),
        ("!head", []),
        ("!", []),
        ("!cat comp", ["!cat compose.yaml"]),
        ("!cat compose.yaml | hea", ["!cat compose.yaml | head"]),
        ("!true && hea", ["!true && head"]),
        ("!./co", ["!./compose.yaml", "!./conf/"]),
        ("!cat a", ["!cat 'a b.txt'"]),
        ("!cat a\\ b", ["!cat 'a b.txt'"]),
        ('!cat "a b', ["!cat 'a b.txt'"]),
        ("!cat 'a b", ["!cat 'a b.txt'"]),
        ('!cat "x y" comp', ['!cat "x y" compose.yaml']),
        ("!cat 'conf/my own/'x", ["!cat 'conf/my own/x.txt'"]),
        ("!cat it", ["!cat 'it'\"'\"'s'"]),
        ("!cat ~/m", ["!cat ~/'my notes.md'"]),
        ("!cat ", []),
    ],
)
def test_a_program_or_a_file_in_a_command(
    line: str, lines: list[str], tree: Path, programs: Programs
) -> None:
    assert offered(line) == lines


def test_of_an_empty_word_files_are_offered_only_when_asked_for(tree: Path, programs: Programs) -> None:
    expected = ["!cat 'a b.txt'", "!cat compose.yaml", "!cat conf/", "!cat 'it'\"'\"'s'"]
    assert offered("!cat ", asked=True) == expected


def test_a_program_is_one_that_may_run(programs: Programs) -> None:
    (programs.folder / "tool-not").touch()
    (programs.folder / "tool-folder").mkdir()
    programs.add("tool-yes", {})
    assert offered("!tool") == ["!tool-yes"]


@pytest.mark.parametrize("word", ["a b.txt", "it's", "x$y", "new`line", 'q"q', "back\\slash"])
def test_the_shell_reads_the_offered_file(word: str, here: Path) -> None:
    (here / word).touch()
    (line,) = offered(f"!printf %s {word[0]}")
    assert subprocess.run(["bash", "-c", line[1:]], capture_output=True, text=True).stdout == word


# --- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("pods in namespace sh", ["shop"]),
        ("get pods -n sh", ["shop"]),
        ("get pods --namespace=sh", ["shop"]),
        ("scale deployment we", ["web", "web-old"]),
        ("scale the deployment named we", ["web", "web-old"]),
        ("scale deployment/we", ["web", "web-old"]),
        ("logs of pod we", ["web-5f6", "web-77c"]),
        ("stop container we", ["web-proxy"]),
        ("run image ng", ["nginx:1.25"]),
        ("pull shop/a", ["shop/api:3"]),
        ("in namespace blog, show pod we", ["web-77c", "web-5f6"]),
        ("show what pods there are of we", ["web-5f6", "web-77c", "web", "web-old", "web-proxy"]),
        ("pods in sh", ["shop", "shared", "shop-db", "shop/api:3"]),
        ("namespace we", []),
        ("deployment web", ["web-old"]),
        ("restart SHOP-", ["shop-db"]),
        ("restart w", []),
        ("restart zz", []),
        ("restart web!", []),
        ("!kubectl logs web-5", ["web-5f6"]),
    ],
)
def test_a_name_is_offered_next_to_what_the_line_says(
    line: str, words: list[str], programs: Programs
) -> None:
    lines = offered(line, known(programs))
    start = line[: max(line.rfind(mark) for mark in " =") + 1]
    if "deployment/" in line:
        start = line[: line.rfind("/") + 1]
    assert lines == [start + word for word in words]


def test_a_name_is_offered_with_its_kind_and_namespace(programs: Programs) -> None:
    completer = LineCompleter(COMMANDS, known(programs), {})
    (found,) = completer.get_completions(Document("restart web-5"), CompleteEvent())
    assert found.display_meta_text == "pod in shop"


def test_the_names_of_a_kind_are_sorted_and_without_doubles(programs: Programs) -> None:
    names = known(programs)
    assert names.of("deployment") == ["web", "web-old"]
    assert names.of("image") == ["nginx:1.25", "shop/api:3"]
    assert names.of("no such kind") == []


def test_names_are_fetched_when_somebody_types_and_again_after_half_a_minute(programs: Programs) -> None:
    programs.add("docker", {"ps *": "cache\n"})
    now = [0.0]
    names = Names(clock=lambda: now[0])
    offered("container ca", names)
    wait_for(lambda: names.of("container"))
    assert offered("container ca", names) == ["container cache"]
    programs.add("docker", {"ps *": "cart\n"})
    now[0] = 29.0
    assert offered("container ca", names) == ["container cache"]
    assert programs.calls.count("docker ps -a --format {{.Names}}") == 1
    now[0] = 31.0
    offered("container ca", names)
    wait_for(lambda: names.of("container") == ["cart"])


def test_forgotten_names_are_gone_also_those_that_are_still_on_their_way(programs: Programs) -> None:
    go = programs.folder / "go"
    programs.add("docker", {"ps *": f"$ while [ ! -e {go} ]; do sleep 0.05; done; echo old"})
    names = Names(patience=20)
    names.refresh()
    wait_for(lambda: "docker ps -a --format {{.Names}}" in programs.calls)
    names.forget()
    programs.add("docker", {"ps *": "new\n"})
    names.refresh()
    wait_for(lambda: names.of("container") == ["new"])
    go.touch()
    time.sleep(0.3)
    assert names.of("container") == ["new"]
    names.forget()
    assert names.of("container") == []


def test_without_kubectl_and_docker_there_are_no_names_and_no_noise(
    programs: Programs, capfd: pytest.CaptureFixture[str]
) -> None:
    names = Names()
    assert offered("restart we", names) == []
    time.sleep(0.2)
    assert (offered("restart we", names), capfd.readouterr()) == ([], ("", ""))


def test_what_fails_keeps_the_names_and_what_it_printed_before(
    programs: Programs, capfd: pytest.CaptureFixture[str]
) -> None:
    programs.add("kubectl", {"*namespaces": "$ exit 1", "*-A *": "$ echo Pod shop web; echo no >&2; exit 1"})
    names = Names()
    names.refresh()
    wait_for(lambda: names.of("pod"))
    assert (names.of("pod"), names.of("namespace")) == (["web"], [])
    assert capfd.readouterr() == ("", "")


def test_a_program_that_hangs_is_ended_and_no_key_waits_for_it(programs: Programs) -> None:
    pid = programs.folder / "pid"
    programs.add("kubectl", {"*": f"$ echo $$ >{pid}; sleep 300"})
    names = Names(patience=1)
    started = time.monotonic()
    assert offered("restart we", names) == []
    assert time.monotonic() - started < 0.9
    wait_for(lambda: pid.exists() and pid.read_text())
    wait_for(lambda: not _runs(int(pid.read_text())))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(line=st.text(st.sampled_from("ab @/!~\"'\\|.-=\n\0é") | st.characters(), max_size=12))
def test_any_line_is_completed_without_an_error_and_never_to_itself(line: str, tree: Path) -> None:
    assert line not in offered(line) + offered(line, asked=True)


@pytest.mark.parametrize("unit", ["a", "'\"", '@"', " @", "in ", "\\", "a/", "'"])
@pytest.mark.parametrize("length", [9_900, 1_000_000])
@pytest.mark.parametrize("start", ["", "!"])
def test_a_long_line_is_no_burden(start: str, length: int, unit: str, here: Path) -> None:
    line = start + unit * (length // len(unit)) + "!"
    started = time.process_time()
    offered(line)
    assert time.process_time() - started < 0.2
