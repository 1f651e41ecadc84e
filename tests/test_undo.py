"""Files that a run has changed, and how they come back."""

import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from child import Child
from replies import answer, call, sh

from agent import DevOpsAgent, bash, write_file
from devops_agent import parsers
from devops_agent.commands.undo import undo_command
from devops_agent.errors import UsageError
from devops_agent.folders import data_folder
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


def undo(store: UndoStore, *flags: str, yes: bool = True) -> str:
    out = StringIO()
    arguments = parsers.subcommand_parser("undo").parse_args(flags)
    undo_command(arguments, store, out, lambda question: yes)
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


def test_without_a_terminal_nothing_is_undone_unasked(store: UndoStore) -> None:
    Path("a").write_text("1")
    play(UndoStore(data_folder(os.environ) / "undo"), sh("echo 2 > a"))
    code, _, complaint = Child("", "undo").end()
    assert (code, Path("a").read_text()) == (2, "2\n")
    assert "With --yes" in complaint
    assert Child("", "undo", "--yes").end()[0] == 0
    assert Path("a").read_text() == "1"


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


def test_modes_come_back(store: UndoStore) -> None:
    for name, mode in (("a", 0o600), ("b", 0o600)):
        Path(name).write_text("1")
        Path(name).chmod(mode)
    play(store, sh("chmod 644 a"), sh("rm b"))
    assert "mode -rw-r--r-- now, -rw------- before" in undo(store)
    assert [Path(name).stat().st_mode & 0o777 for name in "ab"] == [0o600, 0o600]


def test_links_come_back_as_links(store: UndoStore) -> None:
    Path("file").write_text("1")
    Path("link").symlink_to("file")
    Path("lost").symlink_to("nowhere")
    play(store, sh("rm link lost"), sh("echo 2 > link"))
    undo(store)
    assert Path("link").readlink() == Path("file")
    assert Path("lost").readlink() == Path("nowhere")
    assert Path("file").read_text() == "1"


def test_what_a_link_led_to_comes_back(store: UndoStore) -> None:
    Path("file").write_text("1")
    Path("link").symlink_to("file")
    play(store, sh("echo 2 > link"))
    undo(store)
    assert (Path("link").readlink(), Path("file").read_text()) == (Path("file"), "1")


def test_no_link_is_followed_that_came_later(store: UndoStore) -> None:
    Path("a").write_text("1")
    play(store, sh("rm a"))
    Path("other").write_text("2")
    Path("a").symlink_to("other")
    undo(store)
    assert not Path("a").is_symlink()
    assert [Path(name).read_text() for name in ("a", "other")] == ["1", "2"]


def test_nothing_is_written_through_a_folder_that_is_a_link_now(store: UndoStore) -> None:
    Path("d").mkdir()
    Path("d/a").write_text("1")
    play(store, sh("rm -r d"))
    Path("other").mkdir(mode=0o711)
    Path("d").symlink_to("other")
    with pytest.raises(UsageError, match="d/a cannot be restored: a link is in its way"):
        undo(store)
    assert not list(Path("other").iterdir())


def test_a_folder_that_was_removed_comes_back(store: UndoStore) -> None:
    Path("d/empty").mkdir(parents=True)
    Path("d/a").write_text("1")
    Path("d/a").chmod(0o600)
    Path("d/link").symlink_to("a")
    Path("d").chmod(0o700)
    play(store, sh("rm -r d"))
    assert not Path("d").exists()
    undo(store)
    assert sorted(path.name for path in Path("d").iterdir()) == ["a", "empty", "link"]
    assert Path("d").stat().st_mode & 0o777 == 0o700
    assert Path("d/a").stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="nothing to undo"):
        undo(store)


def test_a_large_folder_is_not_kept_in_parts(store: UndoStore) -> None:
    Path("d").mkdir()
    for number in range(300):
        Path(f"d/{number}").touch()
    play(store, sh("rm -r d"))
    with pytest.raises(UsageError, match="nothing to undo"):
        undo(store)


def test_newer_work_is_not_overwritten_unasked(store: UndoStore) -> None:
    for name in "ab":
        Path(name).write_text("1")
    play(store, sh("echo 2 > a; echo 2 > b; echo 2 > new"))
    Path("a").write_text("mine")
    Path("new").write_text("mine")
    shown = undo(store, "--yes")
    assert "a: to be as it was before; it was changed after the run" in shown
    assert "new: to be removed, for it was not there before; it was changed after the run" in shown
    assert f"Left as it is: {Path('a').absolute()}, {Path('new').absolute()}." in shown
    assert [Path(name).read_text() for name in ("a", "b", "new")] == ["mine", "1", "mine"]
    undo(store, yes=False)
    assert Path("a").read_text() == "mine"
    undo(store)
    assert Path("a").read_text() == "1"
    assert not Path("new").exists()


def test_after_an_undo_the_run_before_is_undone_unasked_too(store: UndoStore) -> None:
    Path("a").write_text("1")
    play(store, sh("echo 2 > a"))
    play(store, sh("echo 3 > a"))
    undo(store, "--yes")
    assert undo(store, "--yes").endswith("Restored.\n")
    assert Path("a").read_text() == "1"


def test_of_a_run_that_was_cut_off_nothing_is_sure(store: UndoStore) -> None:
    Path("a").write_text("1")
    store.keep(["a"])
    Path("a").write_text("2")
    assert "Left as it is" in undo(store, "--yes")
    assert Path("a").read_text() == "2"


def test_what_cannot_be_restored_keeps_nothing_else_back(store: UndoStore) -> None:
    for name in "ab":
        Path(name).write_text("1")
    play(store, sh("echo 2 > a; echo 2 > b"))
    Path("a").unlink()
    Path("a").mkdir()
    with pytest.raises(UsageError, match="a cannot be restored"):
        undo(store)
    assert Path("b").read_text() == "1"
    Path("a").rmdir()
    undo(store)
    assert Path("a").read_text() == "1"


def test_a_path_is_kept_by_where_it_is(store: UndoStore, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a").write_text("1")
    store.keep(["a"])
    Path("a").write_text("2")
    Path("other").mkdir()
    monkeypatch.chdir("other")
    undo(store)
    assert Path("../a").read_text() == "1"
