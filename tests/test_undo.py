"""Files that a run has changed, and how they come back."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from replies import answer, call, sh

from agent import DevOpsAgent, bash, write_file
from devops_agent.commands import undo_command
from devops_agent.errors import UsageError
from devops_agent.gate import Gate
from devops_agent.policy.modes import Modes
from devops_agent.scripted import ScriptedModel
from devops_agent.undo import UndoStore

Played = Callable[..., None]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UndoStore:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path))
    return UndoStore(tmp_path / "data/undo")


def play(store: UndoStore, *replies: str) -> None:
    gate = Gate(Modes(assume_yes=True), undo=store)
    model = ScriptedModel([*replies, answer(), answer(), answer()])
    DevOpsAgent(tools=[bash, write_file], model=model, gate=gate).run("Change the files and delete c")


def undo(store: UndoStore, yes: bool = True) -> str:
    out = StringIO()
    undo_command([], store, out, lambda question: yes)
    return out.getvalue()


def test_the_files_of_the_last_run_come_back(store: UndoStore) -> None:
    for name in "abcd":
        Path(name).write_text(f"{name}\n")
    Path("c").chmod(0o755)
    play(
        store,
        call("write_file", path="a", content="x"),
        sh("sed -i s/b/y/ b && rm c && mv d e"),
        sh("echo new > f"),
    )
    shown = undo(store)
    assert {path.name: path.read_text() for path in Path().iterdir()} == {
        "a": "a\n",
        "b": "b\n",
        "c": "c\n",
        "d": "d\n",
    }
    assert Path("c").stat().st_mode & 0o777 == 0o755
    assert "-y\n+b\n" in shown, shown
    assert shown.endswith("Restored.\n")


def test_a_file_is_kept_as_it_was_before_the_first_change(store: UndoStore) -> None:
    Path("a").write_text("1")
    play(store, sh("echo 2 > a"), sh("echo 3 > a"))
    undo(store)
    assert Path("a").read_text() == "1"


def test_runs_are_undone_one_after_the_other(store: UndoStore) -> None:
    Path("a").write_text("1")
    play(store, sh("echo 2 > a"))
    play(store, sh("echo 3 > a"))
    play(store, sh("cat a"))
    undo(store)
    assert Path("a").read_text() == "2\n"
    undo(store)
    assert Path("a").read_text() == "1"
    with pytest.raises(UsageError, match="nothing to undo"):
        undo(store)


def test_a_no_changes_nothing(store: UndoStore) -> None:
    Path("a").write_text("1")
    play(store, sh("echo 2 > a"))
    assert "Restored" not in undo(store, yes=False)
    assert Path("a").read_text() == "2\n"


def test_secrets_are_not_shown(store: UndoStore) -> None:
    Path("a").write_text("PASSWORD=kX82mQ7v\n")
    play(store, sh("echo 2 > a"))
    assert "kX82mQ7v" not in undo(store)
    assert Path("a").read_text() == "PASSWORD=kX82mQ7v\n"


def test_only_the_user_can_read_the_copies(store: UndoStore) -> None:
    Path("a").write_text("1")
    Path("a").chmod(0o600)
    play(store, sh("echo 2 > a"))
    [run] = store.folder.iterdir()
    assert run.stat().st_mode & 0o777 == 0o700
    assert (run / "001").stat().st_mode & 0o777 == 0o600


def test_a_copy_that_cannot_be_made_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a").write_text("1")
    Path("file").touch()
    play(UndoStore(tmp_path / "file/undo"), sh("echo 2 > a"))
    assert Path("a").read_text() == "2\n"


def test_only_so_many_runs_are_kept(store: UndoStore) -> None:
    for number in range(25):
        store.start_run()
        Path("a").write_text(str(number))
        store.keep([str(Path("a").absolute())])
    assert len(list(store.folder.iterdir())) == 20
