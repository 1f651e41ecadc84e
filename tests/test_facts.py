"""Facts that a task asks for by name, and the files into which it wants them put."""

import re
import subprocess
from pathlib import Path

import pytest

from devops_agent import briefing, events, facts, file_answers, runbook_library, task_limits
from devops_agent.forms.answer_text import AnswerText
from devops_agent.forms.recipe import RecipeForm
from devops_agent.grounding import Ground
from devops_agent.policy import effects


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/a.log").write_text("ERROR a\nok\nERROR b\n")
    (tmp_path / "users.csv").write_text("id,name,city\n1,Bo,Ulm\n2,Al,Bern\n")
    (tmp_path / "notes.txt").write_text("one\ntwo\nthree\n")


@pytest.mark.parametrize(
    ("said", "command"),
    [
        ("the kernel version", "uname -r"),
        ("the number of CPUs", "nproc"),
        ("the hostname of this machine", "hostname"),
        ("its host name", "hostname"),
        (
            "the names of all namespaces",
            "kubectl get namespaces --no-headers -o custom-columns=:metadata.name",
        ),
        ("the number of pods in namespace shop", "kubectl -n shop get pods --no-headers | wc -l"),
        ("the number of pods in the shop namespace", "kubectl -n shop get pods --no-headers | wc -l"),
        ("the number of pods in all namespaces", "kubectl get pods -A --no-headers | wc -l"),
        ("the version of the Kubernetes server", "kubectl version | sed -n 's/^Server Version: //p'"),
        ("how many containers are running", "docker ps -q | wc -l"),
        ("how many containers do I have", "docker ps -aq | wc -l"),
        ("the image of container web", "docker inspect --type container -f '{{.Config.Image}}' web"),
        ("the number of lines of notes.txt", "grep -c '' notes.txt || true"),
        ("the last 2 lines of notes.txt", "tail -n 2 notes.txt"),
        ("the first two lines of notes.txt", "head -n 2 notes.txt"),
        ("the number of files in logs", "find logs -maxdepth 1 -type f | wc -l"),
        ("which files in logs contain ERROR", "grep -rlIF --exclude-dir=.git -- ERROR logs | sort"),
        ("the current branch", "git branch --show-current"),
        ("which python version", "python --version | head -n 1"),
        ("the three processes that use the most memory", "ps -eo comm= --sort=-rss | head -n 3"),
        ("the names from users.csv", "cut -d , -f 2 users.csv | tail -n +2"),
        ("the third column of users.csv", "cut -d , -f 3 users.csv | tail -n +2"),
        ("lines 2 to 3 of notes.txt", "sed -n '2,3p' notes.txt"),
        ("the colours from users.csv", None),
        ("the number of lines of gone.txt", None),
        ("the number of files in gone", None),
        ("the number of pods", None),
        ("the version of nosuchprogram", None),
        ("the kernel version of web-1", None),
        ("the hostname and the colour", None),
        ("the number of pods in each namespace", None),
        ("the number of pods in my namespace", None),
        ("the server version", None),
        ("the last many lines of notes.txt", None),
    ],
)
def test_a_phrase_is_understood_in_full_or_not_at_all(said: str, command: str | None) -> None:
    found = facts.of(said, Path())
    assert (found.command.removeprefix("set -o pipefail; ") if found else None) == command


def test_each_fact_has_a_command_that_only_reads() -> None:
    commands = [
        line[2:]
        for line in Path(facts.__file__).with_suffix(".txt").read_text().splitlines()
        if line[:2] == "$ "
    ]
    assert len(commands) > 60
    filled = [
        re.sub(r"\{(?:number|last)\}", "2", line).replace("{program}", "git --version") for line in commands
    ]
    assert [line for line in filled if not effects.is_read(line)] == []


def test_several_facts_are_told_with_their_names() -> None:
    found = facts.of(
        "the number of lines of notes.txt, the first line of notes.txt and the size of notes.txt", Path()
    )
    assert found
    printed = subprocess.run(["bash", "-c", found.command], capture_output=True, text=True, check=True).stdout
    assert printed == (
        "number of lines of notes.txt: 3\nfirst line of notes.txt: one\nsize of notes.txt: 14 bytes\n"
    )
    subprocess.run(["bash", "-c", found.into("of notes.txt")], check=True)
    assert Path("of notes.txt").read_text() == printed


def test_a_question_about_one_fact_is_answered_with_it() -> None:
    found = facts.asked("How many lines are in notes.txt?", Path())
    assert found and found.answer("3\n") == "number of lines in notes.txt: 3"
    assert facts.asked("Set the hostname", Path()) is None
    assert facts.asked("Why is the hostname wrong?", Path()) is None


def test_a_thing_that_may_not_be_there_is_looked_up_first() -> None:
    found = facts.asked("How many pods are in namespace shop?", Path())
    assert found and found.namespace == "shop"


def brief(task: str) -> briefing.Briefing:
    found: briefing.Briefing = briefing.briefer(runbook_library.load(), Path(), events.ignore, ground=False)(
        task, lambda: True
    )
    return found


@pytest.mark.parametrize(
    ("task", "command"),
    [
        ("Write the kernel version into k.txt", "uname -r > k.txt"),
        ("Put the last line of notes.txt in a file called k.txt", "tail -n 1 notes.txt > k.txt"),
        (
            "Create a file k.txt with the number of lines of notes.txt",
            "{ grep -c '' notes.txt || true; } > k.txt",
        ),
        ("What kernel is running? Write it to k.txt.", None),
        ("Which files in logs contain ERROR? Put their names into k.txt, one per line", "grep -rlIF"),
        ("Find the largest file in logs and write its name into k.txt", "| cut -d ' ' -f 2- > k.txt"),
        ("Save the output of `git log -3` to k.txt", "git log -3 > k.txt"),
        ("Write the kernel version into k.txt and tell me what it is", "uname -r > k.txt"),
    ],
)
def test_what_code_can_find_is_put_into_the_file_by_code(task: str, command: str | None) -> None:
    form = brief(task).form
    found = form.template if isinstance(form, RecipeForm) else ""
    assert (command in found) if command else (not found or "uname" in found)


@pytest.mark.parametrize(
    "task",
    [
        "Save the output of rm -r logs to k.txt",
        "Save the output of the last build to k.txt",
        "When does gone.crt expire? Write the date into k.txt",
        "Write the lines that matter into k.txt",
    ],
)
def test_nothing_else_is_put_there_by_code(task: str) -> None:
    form = brief(task).form
    assert not (isinstance(form, RecipeForm) and not form.inputs)


def test_what_the_model_is_to_find_it_finds_before_it_writes() -> None:
    assert task_limits.limits_of("When does a.crt expire? Write the date into k.txt").answer_file == "k.txt"
    for task in (
        "Write hello into k.txt",
        "Write a file k.txt with the line one",
        "Write the manifest to k.yaml",
    ):
        assert task_limits.limits_of(task).answer_file == ""
    wanted = file_answers.wanted("Which users are active? Write their names to k.txt", Path())
    assert wanted and (wanted.part, wanted.path, wanted.command) == ("their names", "k.txt", "")
    call = AnswerText("k.txt", "their names").call({"content": "a\nb"}, "", Ground())
    assert call.arguments == {"path": "k.txt", "content": "a\nb\n"}


def test_a_file_gets_what_is_found_in_order_or_behind_what_it_has() -> None:
    form = brief("Extract the names from users.csv into names.txt, one per line, sorted").form
    assert isinstance(form, RecipeForm)
    assert form.template == "cut -d , -f 2 users.csv | tail -n +2 | sort > names.txt"
    appended = brief("Append the number of lines of users.csv to notes.txt").form
    assert isinstance(appended, RecipeForm)
    subprocess.run(["bash", "-ec", appended.template], check=True)
    assert Path("notes.txt").read_text() == "one\ntwo\nthree\n3\n"
    assert file_answers.appended("Append the moral of the story to notes.txt", Path()) is None


def test_of_what_two_files_tell_the_model_writes_the_text() -> None:
    Path("a.env").write_text("A=1\n")
    Path("b.env").write_text("A=1\nB=2\n")
    task = "Compare a.env and b.env and write the keys that a.env lacks into missing.txt"
    wanted = file_answers.wanted(task, Path())
    assert wanted and (wanted.part, wanted.path) == ("the keys that a.env lacks", "missing.txt")


def test_what_cannot_be_asked_is_not_counted_as_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = Path("programs").absolute()
    programs.mkdir()
    (programs / "docker").write_text("#!/bin/sh\nexit 1\n")
    (programs / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    for phrases in ("the number of running containers", "the hostname and the number of running containers"):
        found = facts.of(phrases, Path())
        assert found and subprocess.run(["bash", "-c", found.command], check=False).returncode


@pytest.mark.parametrize(
    "wish",
    [
        "put the number of lines of notes.txt into notes.txt",
        "save all docker images to images.tar",
        "save the output of git status and git log to k.txt",
        "save the output of docker ps -a sorted by name to k.txt",
        "how many containers are running? Write their names into k.txt",
    ],
)
def test_in_doubt_code_puts_nothing_into_a_file(wish: str) -> None:
    found = file_answers.wanted(wish, Path())
    assert found is None or not found.command


def test_no_wish_is_no_file() -> None:
    assert file_answers.file_of("") == file_answers.file_of("...") == ""
    for task in ("Create a file k.txt with the numbers 1 to 10", "Write version 1.2.3 into k.txt"):
        assert file_answers.file_of(task) == ""


def test_none_is_a_count_too() -> None:
    Path("empty.txt").write_text("")
    for phrase in ("the number of lines of empty.txt", "the number of lines with WARN in notes.txt"):
        found = facts.of(phrase, Path())
        assert found
        subprocess.run(["bash", "-ec", found.into("k.txt")], check=True)
        assert Path("k.txt").read_text() == "0\n"
