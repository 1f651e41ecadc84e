"""Files that a task means by name, age or size: the command that code writes for them, and what it does."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from devops_agent.forms.selected_files import selection_of

AGED = "Pack the files in logs/ older than 14 days into a.tgz, then delete those files from logs/"


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
    ("wish", "task", "gone"),
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
        ("Remove the logs older than 2 weeks in logs/", "", {"logs/old.log"}),
    ],
)
def test_only_what_is_meant_goes(wish: str, task: str, gone: set[str]) -> None:
    before = left()
    form = selection_of(wish, task or wish, Path())
    assert form
    subprocess.run(["bash", "-c", form.template], check=True, capture_output=True)
    assert before - left() == gone


def test_what_is_only_asked_for_stays() -> None:
    form = selection_of(
        "Find the files in logs/ older than 7 days", "Find the files in logs/ older than 7 days", Path()
    )
    assert form
    assert form.look
    told = subprocess.run(["bash", "-c", form.template], check=True, capture_output=True, text=True).stdout
    assert "logs/old.log" in told
    assert "new.log" not in told


@pytest.mark.parametrize(
    "task",
    [
        "Delete the *.bak files except the important ones",
        "Delete the lines with DEBUG from a.bak",
        "Delete the pods older than 3 days",
        "Remove the file a.bak",
        "Delete everything",
        "Delete the *.bak files in src/ and vendor/",
        "Copy the *.bak files to src/",
    ],
)
def test_in_doubt_nothing_is_selected(task: str) -> None:
    assert selection_of(task, task, Path()) is None
