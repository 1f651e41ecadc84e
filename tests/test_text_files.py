"""What is wrong with a text file, and what an edit of one really did."""

from pathlib import Path

import pytest

from devops_agent import edits
from devops_agent.diagnosis.text_files import trouble


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("run.sh", "for x in 1; do\n  echo $x\n", "syntax error: unexpected end of file"),
        ("run.sh", "for x in 1; do echo; done\n", ""),
        ("start", "#!/bin/sh\nif true; then\n", "syntax error"),
        ("start", "if true; then\n", ""),
        ("a.json", '{"a": 1,\n "b" 2}\n', "no valid JSON: Expecting ':' delimiter"),
        ("a.json", '{"a": 1,\n "b" 2}\n', '\n2:  "b" 2}'),
        ("a.json", '{"a": [1, 2]}', ""),
        ("tsconfig.json", '{\n  // why\n  "a": 1,\n}', ""),
        ("web.yaml", "a: 1\n b: 2\n", "no valid YAML: mapping values are not allowed here in line 2"),
        ("web.yml", "a: 1\nb:\n\t- x\n", "no valid YAML: found character '\\t'"),
        ("web.yaml", "a: 1\n---\nb: [1, 2]\n", ""),
        ("chart.yaml", "{{- if .Values.on }}\na: {{ .x }}\n", ""),
        ("x.py", "def f(:\n    pass\n", "no valid Python"),
        ("x.py", "print('a')\n", ""),
        ("notes.txt", "{ if (", ""),
    ],
)
def test_a_file_that_breaks_its_own_grammar_is_named(name: str, text: str, said: str) -> None:
    found = trouble(Path(name), text)
    assert said in found if said else found == ""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.conf").write_text("port = 80\nhost = a\n")
    (tmp_path / "app.json").write_text('{"port": 80}\n')
    return tmp_path


def after(command: str, path: Path, text: str) -> tuple[str, bool]:
    before = edits.texts_of(command)
    path.write_text(text)
    return edits.outcome(command, before)


def test_an_edit_that_matched_nothing_is_no_success(folder: Path) -> None:
    command = "sed -i 's/prot/x/' app.conf"
    text, ok = edits.outcome(command, edits.texts_of(command))
    assert not ok
    assert text.startswith("app.conf is as before: nothing in it matched.")
    # another program may have had its reasons
    assert edits.outcome("touch app.conf", edits.texts_of("touch app.conf")) == ("", True)


def test_an_edit_is_shown_by_its_lines(folder: Path) -> None:
    text, ok = after("sed -i 's/80/90/' app.conf", folder / "app.conf", "port = 90\nhost = a\n")
    assert (text, ok) == ("Changed app.conf:\n-port = 80\n+port = 90", True)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "sed -i 's/80/90/; s/hots = a/host = b/' app.conf",
            "s/hots = a/host = b/ matched nothing: look at the text.",
        ),
        (
            "sed -i 's/80/90/' app.conf; sed -i 's|hots|c|' app.conf",
            "s|hots|c| matched nothing: look at the text.",
        ),
        ("sed -i 's/80/90/; s/x/host = a/' app.conf", ""),  # it is so already
        (r"sed -i 's/80/90/; s/\(x\)/y\1/' app.conf", ""),  # what that would be is not known
        ("sed -i 's/80/90/' app.conf; echo 's/x/y/'", ""),
    ],
)
def test_a_part_of_an_edit_that_matched_nothing_is_told(folder: Path, command: str, said: str) -> None:
    text, ok = after(command, folder / "app.conf", "port = 90\nhost = a\n")
    assert (text.splitlines()[3:], ok) == ([said] if said else [], not said)


def test_an_edit_that_breaks_a_file_is_no_success(folder: Path) -> None:
    text, ok = after("sed -i 's/}//' app.json", folder / "app.json", '{"port": 80\n')
    assert not ok
    assert "app.json: no valid JSON" in text


def test_long_changes_are_cut(folder: Path) -> None:
    text, _ = after("tee app.conf", folder / "app.conf", "\n".join(map(str, range(100))))
    assert text.splitlines()[-1] == "… 90 more"


def test_what_only_reads_and_what_is_no_text_is_not_looked_at(folder: Path) -> None:
    (folder / "data.bin").write_bytes(b"\0\1")
    assert edits.texts_of("cat app.conf") == {}
    assert edits.texts_of("mv data.bin other.bin; rm nothing") == {}
    assert set(edits.texts_of("echo x >> app.conf")) == {Path("app.conf")}


def test_a_change_of_line_ends_alone_is_told(folder: Path) -> None:
    (folder / "app.conf").write_bytes(b"port = 80\r\n")
    text, ok = after("sed -i 's/\\r$//' app.conf", folder / "app.conf", "port = 80\n")
    assert (text, ok) == ("Changed app.conf: the ends of its lines.", True)


def test_a_key_that_stands_there_twice_is_told(tmp_path: Path) -> None:
    path = tmp_path / "compose.yaml"
    twice = "services:\n  web:\n    image: a\n  db: &db {image: b}\n  web:\n    image: c\n"
    assert "the key web stands there twice, in line 5" in trouble(path, twice)
    assert not trouble(path, "a: &x {b: 1}\nc:\n  <<: *x\n  b: 2\n---\na: 1\n")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("MAILTO=x\n*/7 * * * * a\n# old\n50 5 * * 1-5 b\n\n@daily c\n0 3 1,15 * MON-FRI d\n", ""),
        ("0 1 * * * a\n02:30 * * * * b\n", "no job of cron"),
        ("30 2 * * * \n", "no job of cron"),
    ],
)
def test_a_job_of_cron_begins_with_five_fields(text: str, wrong: str) -> None:
    found = trouble(Path("backup.crontab"), text)
    assert found.startswith(wrong) if wrong else not found
    assert not trouble(Path("notes.txt"), text)
