"""Files that a task means by name, age or size: the command that code writes for them, and what it does."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from devops_agent import briefing, events, runbook_library
from devops_agent.forms.selected_files import selection_of

AGED = "Pack the files in logs/ older than 14 days into a.tgz"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (
        "a.bak",
        "b.orig",
        "c~",
        "keep.bak",
        "src/d.bak",
        "vendor/e.bak",
        "logs/new.log",
        "logs/old.log",
    ):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("x")
    old = time.time() - 20 * 86400
    os.utime("logs/old.log", (old, old))


def left() -> set[str]:
    return {str(path) for path in Path().rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("wish", "before", "gone"),
    [
        ("Delete the *.bak files here", "", {"a.bak", "keep.bak"}),
        ("Delete all .bak files here but keep keep.bak", "", {"a.bak"}),
        (
            "Clean up the leftovers (*.bak, *.orig and files ending in ~), also in the subfolders. "
            "Leave vendor/ alone though",
            "",
            {"a.bak", "b.orig", "c~", "keep.bak", "src/d.bak"},
        ),
        ("delete those files from logs/", AGED, {"logs/old.log"}),
        ("Remove all files older than 2 weeks in logs/", "", {"logs/old.log"}),
        ("Delete all log files in the folder logs that are older than 3 days", "", {"logs/old.log"}),
        ("delete the log files in logs", "", {"logs/new.log", "logs/old.log"}),
    ],
)
def test_only_what_is_meant_goes(wish: str, before: str, gone: set[str]) -> None:
    there = left()
    form = selection_of(wish, [before] if before else [], True, Path())
    assert form
    done = subprocess.run(["bash", "-c", form.template], check=True, capture_output=True, text=True)
    assert there - left() == gone
    assert f"{len(gone)} deleted" in done.stdout


def test_what_is_only_asked_for_stays() -> None:
    form = selection_of("Find the files in logs/ older than 7 days", (), False, Path())
    assert form
    assert form.look
    told = subprocess.run(["bash", "-c", form.template], check=True, capture_output=True, text=True).stdout
    assert "logs/old.log" in told
    assert "new.log" not in told


@pytest.mark.parametrize(
    ("wish", "names"),
    [
        ("Write the names of all *.bak files in src to list.txt, one per line", ["src/d.bak"]),
        ("save the list of the files below logs older than 7 days to 'list.txt'", ["logs/old.log"]),
        ("list the paths of all .bak files in vendor/ into the file list.txt", ["vendor/e.bak"]),
    ],
)
def test_the_names_of_those_that_are_meant_go_into_a_file(wish: str, names: list[str]) -> None:
    form = selection_of(wish, (), True, Path())
    assert form
    subprocess.run(["bash", "-c", form.template], check=True)
    assert Path("list.txt").read_text().splitlines() == names


def test_a_list_has_not_itself_in_it_and_is_written_over_nothing() -> None:
    Path("a.txt").write_text("x")
    form = selection_of("Write the names of all *.txt files here to list.txt", (), True, Path())
    assert form
    subprocess.run(["bash", "-c", form.template], check=True)
    assert Path("list.txt").read_text() == "./a.txt\n"
    assert selection_of("Write the names of all *.txt files here to a.txt", (), True, Path()) is None
    form = selection_of("Write the names of all *.log files in logs to logs/all.log", (), True, Path())
    assert form
    subprocess.run(["bash", "-c", form.template], check=True)
    assert Path("logs/all.log").read_text() == "logs/new.log\nlogs/old.log\n"


def test_the_contents_of_files_are_not_their_names() -> None:
    assert (
        selection_of("Write the last lines of the *.log files in logs to list.txt", (), True, Path()) is None
    )


@pytest.mark.parametrize(
    "task",
    [
        "Delete the *.bak files except the important ones",
        "Delete the lines with DEBUG from a.bak",
        "Delete the pods older than 3 days",
        "Remove the file a.bak",
        "Delete everything",
        "Delete the *.bak files in src/ and vendor/",
        "Remove trailing whitespace from all .py files",
        "Remove the executable bit from the *.sh files",
        "Delete the duplicate lines in all .bak files",
        "Remove *.bak files from git",
        "Check the *.bak files and remove the comments from them",
        "Delete the .log files in the container web",
        "Delete the *.tmp files and show me the *.bak files",
        "Commit the *.py files and remove the *.tmp files",
        "Delete the backups older than 30 days from the S3 bucket",
        "Delete logs/*.log files older than 7 days",
        "Delete the *.bak files larger than 1.5 GB",
        "Delete the *.bak files larger than 2 gigabytes of text",
        "Delete the *.bak files older than one year",
        "Delete the *.bak files not modified for 30 days",
        "Delete the *.bak files of last month",
        "Delete the *.bak files owned by bob",
        "Delete the *.bak files containing DEBUG",
        "Delete the empty *.bak files",
        "Delete all but the newest 3 *.bak files",
        "Delete the *.bak files under 5 MB",
        "Delete the *.bak files not more than 3 days old",
        "Delete the *.bak files in /var/log/no-such-folder",
        "Delete the *.bak files in ~/logs",
        "Delete the old *.bak files",
        "Delete the *.bak files but skip a.bak",
        "Delete the *.bak files without touching a.bak",
        "Delete everything excluding *.bak files",
        "Delete all files that are not *.bak files",
        "Delete all files older than 3 days",
        "Delete the *.bak files in " + "a" * 270,
        "Find which *.bak files remove the header X",
        "Delete !(*.bak)",
        "Delete all files in logs/ !*.log",
        "Delete the *.log? files here",
        "Delete file?.* here",
        "Clean up the *.log files in logs/ and backup them",
        "Delete the *.tmp files here and the *.log files in logs/",
        "Delete the *.bak files in this project and the *.log files in logs/",
        "Delete the *.bak files here if the tests pass",
        "Which .log files does the cleanup job remove?",
    ],
)
def test_in_doubt_nothing_is_selected(task: str) -> None:
    assert selection_of(task, (), True, Path()) is None


def test_a_question_selects_nothing_to_delete() -> None:
    assert selection_of("Delete the *.bak files here", (), False, Path()) is None


@pytest.mark.parametrize(
    "before",
    [
        "Pack the *.log files in logs/ older than 2 months into old.tgz",
        "Pack the *.log files in logs/ not modified for 14 days into old.tgz",
        "Pack the *.log files in logs/ without app.log into old.tgz",
        "Pack the *.log files in src/ into old.tgz",
        "Upload the *.log files",
    ],
)
def test_those_files_are_as_clear_as_what_was_said_before(before: str) -> None:
    assert selection_of("delete those files from logs/", [before], True, Path()) is None


@pytest.mark.parametrize(
    "task",
    [
        "Delete the *.bak files here and compress a.bak. Do not touch keep.bak.",
        "Delete the *.bak files here and compress src/d.bak. keep.bak is still important.",
        "If less than 1 GB is free, compress a.bak and delete the *.orig files here.",
        "Sync logs/ to nas:/backup, compress a.bak and delete the *.log files in logs/.",
    ],
)
def test_what_a_task_says_beside_its_wishes_counts(task: str) -> None:
    told = briefing.briefer(runbook_library.load(), Path.cwd(), events.ignore)(task, lambda: True)
    forms = [str(form) for form in (told.form, *(step.form for step in told.later)) if form]
    assert not any("-delete" in form for form in forms)


def test_files_of_several_kinds_are_moved_and_one_stays() -> None:
    Path("a.csv").write_text("")
    Path("b.json").write_text("")
    move = selection_of("Move every csv and json file into a new folder data", (), True, Path())
    assert move
    subprocess.run(["bash", "-ec", move.template], check=True)
    assert sorted(path.name for path in Path("data").iterdir()) == ["a.csv", "b.json"]
    Path("old").mkdir()
    for name in ("x.log", "y.log"):
        Path("old", name).write_text("")
    delete = selection_of("Delete all .log files in old but keep y.log", (), True, Path())
    assert delete
    subprocess.run(["bash", "-ec", delete.template], check=True)
    assert [path.name for path in Path("old").iterdir()] == ["y.log"]
    assert selection_of("Move every csv file into it", (), True, Path()) is None


def test_where_files_go_is_a_folder_of_this_machine() -> None:
    Path("backup").mkdir()
    assert selection_of("Copy all .bak files to backup", (), True, Path())
    for task in (
        "Copy all .bak files to the server",
        "Move all .bak files to the trash",
        "Copy all .bak files recursively into backup",
    ):
        assert selection_of(task, (), True, Path()) is None


def test_a_file_whose_name_is_taken_is_no_success() -> None:
    Path("backup").mkdir()
    for folder in (".", "backup"):
        Path(folder, "a.bak").write_text(folder)
    move = selection_of("Move all .bak files here into backup", (), True, Path())
    assert move
    assert subprocess.run(["bash", "-ec", move.template], check=False).returncode
    assert Path("a.bak").read_text() == "."
