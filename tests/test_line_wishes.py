"""Lines that are appended, and lines that are collected, by code."""

import subprocess
from pathlib import Path

import pytest

from devops_agent import intent
from devops_agent.form_finder import FormFinder
from devops_agent.grounding import Ground
from devops_agent.line_wishes import (
    appended,
    appended_to_it,
    collecting,
    ignoring,
    reworked,
    scheduled,
    sorted_table,
)


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        ('append the line "192.0.2.1 db" to hosts', "192.0.2.9 web\n192.0.2.1 db\n"),
        ("Add the line '192.0.2.1 db' to the end of the file hosts", "192.0.2.9 web\n192.0.2.1 db\n"),
        ("add a new section [cache] with ttl=60 to hosts", "192.0.2.9 web\n\n[cache]\nttl=60\n"),
        (
            "Add the section [cache] with ttl=60, size = 2G and on=yes to hosts.",
            "192.0.2.9 web\n\n[cache]\nttl=60\nsize=2G\non=yes\n",
        ),
        ('add the line "192.0.2.9 web" to hosts', None),
        ('add the line "192.0.2.1 db" to hosts, before web', None),
        ("add the line 192.0.2.1 to hosts", None),
        ("add a section [cache] with the ttl of the last one to hosts", None),
        ("add a section [cache] with ttl=60 to gone", None),
        ('add the line "a" to windows', None),
    ],
)
def test_what_a_wish_says_in_full_is_put_behind_the_last_line(
    wish: str, text: str | None, tmp_path: Path
) -> None:
    (tmp_path / "hosts").write_text("192.0.2.9 web")
    (tmp_path / "windows").write_bytes(b"b\r\n")
    assert appended(wish, tmp_path) == (text and ("hosts", text, "192.0.2.9 web"))


def test_a_section_is_written_as_the_file_has_it_and_not_twice(tmp_path: Path) -> None:
    (tmp_path / "a.ini").write_text("[db]\nhost = a\n")
    found = appended("add a section [cache] with ttl=60 to a.ini", tmp_path)
    assert found
    assert found[1] == "[db]\nhost = a\n\n[cache]\nttl = 60\n"
    assert appended("add a section [db] with ttl=60 to a.ini", tmp_path) is None


@pytest.mark.parametrize(
    ("task", "lines"),
    [
        ("find all lines with ERROR in logs and write them to errors.txt", ["ERROR a", "an ERROR"]),
        (
            "Write the lines containing the word ERROR of the folder logs to errors.txt.",
            ["ERROR a", "an ERROR"],
        ),
        ("save all lines that contain ERROR from logs/a.log into errors.txt", ["ERROR a"]),
        ("find all lines with ERROR in gone and write them to errors.txt", None),
        ("find all lines with ERROR or FATAL in logs and write them to errors.txt", None),
        ("find all lines with ERROR in logs", None),
        ("collect all lines containing ERROR from logs/a.log and save them to logs/a.log", None),
        ("find all lines with ERROR in logs and write them to logs", None),
    ],
)
def test_lines_with_a_text_are_written_to_a_file(task: str, lines: list[str] | None, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/a.log").write_text("ERROR a\nfine\n")
    (tmp_path / "logs/b.log").write_text("an ERROR\n")
    command = collecting(task, tmp_path)
    assert bool(command) is (lines is not None)
    if lines:
        subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
        assert sorted((tmp_path / "errors.txt").read_text().splitlines()) == lines
        finder = FormFinder.of(task, {}, Ground(), {}, intent.asks_for_change(task), tmp_path)
        assert (command in str(finder.form), finder.covers) == (True, True)


@pytest.mark.parametrize(
    ("wish", "path", "text"),
    [
        ("add flask to requirements.txt", "requirements.txt", "requests==2\nflask\n"),
        (
            "Please add the package flask>=3.0 to requirements.txt.",
            "requirements.txt",
            "requests==2\nflask>=3.0\n",
        ),
        ("add *.log to the .gitignore file", ".gitignore", "*.log\n"),
        ("add requests==2 to requirements.txt", "", ""),
        ("add Requests>=3 to requirements.txt", "", ""),
        ("add it to .gitignore", "", ""),
        ("add them to requirements.txt", "", ""),
        ("add flask and redis to requirements.txt", "", ""),
        ("add flask to requirements-dev.txt", "", ""),
    ],
)
def test_an_entry_is_put_into_a_list(wish: str, path: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("requests==2\n")
    found = appended(wish, tmp_path)
    assert (found[:2] if found else ("", "")) == (path, text)


@pytest.mark.parametrize(
    ("wish", "path", "text"),
    [
        ("sort a.csv by name", "a.csv", 'name,n\na,2\nb,10\n"c, d",1\n'),
        ("Sort the rows of a.csv by n, and save it as b.csv", "b.csv", 'name,n\n"c, d",1\na,2\nb,10\n'),
        ("sort a.csv by the column n descending in place", "a.csv", 'name,n\nb,10\na,2\n"c, d",1\n'),
        ("sort a.csv by size", "", ""),
        ("sort a.csv by name without the first row", "", ""),
        ("sort gone.csv by name", "", ""),
        ("sort blank.csv by name", "", ""),
        ("sort odd.csv by when", "", ""),
        ("sort a.csv by name and save it as b.tsv", "", ""),
    ],
)
def test_the_rows_of_a_table_are_sorted_below_its_header(
    wish: str, path: str, text: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text('name,n\nb,10\n"c, d",1\na,2\n')
    found = sorted_table(wish, tmp_path)
    assert found == ((path, text, "a.csv") if path else None)


@pytest.mark.parametrize(
    ("wish", "path", "text"),
    [
        (
            "Sort list.txt, remove the duplicates and empty lines, and save it as out.txt",
            "out.txt",
            "# c\na\nb\n",
        ),
        ("Remove the empty lines and comments from list.txt", "list.txt", "b\na\nb\n"),
        ("deduplicate list.txt but keep the order", "list.txt", "b\na\n\n# c\n"),
        ("Sort list.txt by length", None, None),
        ("Remove the empty lines and the line b from list.txt", None, None),
        ("Sort the lines of list.txt numerically", None, None),
        ("Remove all comments from run.sh", None, None),
        ("Sort gone.txt", None, None),
        ("Sort list.txt and save it as run.sh", None, None),
        ("Sort app.ini", None, None),
        ("Remove the comments from app.ini", "app.ini", "[a]\nx=1\n"),
        ("Remove duplicates from compose.yaml", None, None),
        ("Remove comments from main.c", None, None),
    ],
)
def test_lines_are_sorted_and_cleaned(tmp_path: Path, wish: str, path: str | None, text: str | None) -> None:
    (tmp_path / "list.txt").write_text("b\na\nb\n\n# c\n")
    (tmp_path / "run.sh").write_text("#!/bin/sh\n# c\n")
    (tmp_path / "app.ini").write_text("; b\n[a]\n# c\nx=1\n")
    (tmp_path / "compose.yaml").write_text("a:\n  x: 1\nb:\n  x: 1\n")
    (tmp_path / "main.c").write_text("#include <a.h>\n")
    found = reworked(wish, tmp_path)
    assert (found and found[:2]) == ((path, text) if path else None)


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        ("Put a .dockerignore here that leaves out .git, logs and *.md", ".git\nlogs\n*.md\n"),
        ("create a .dockerignore with node_modules/ and `*.log`", "node_modules/\n*.log\n"),
        ("Put a .dockerignore here that leaves out what is not needed", None),
        ("Put a .gitignore here that leaves out *.md", None),
    ],
)
def test_an_ignore_file_is_made_of_the_patterns_that_are_listed(
    tmp_path: Path, wish: str, text: str | None
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / ".gitignore").write_text("x\n")
    assert ignoring(wish, tmp_path) == ((".dockerignore", text) if text else None)


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        ("Add a cron line to cron.txt that runs /opt/b.sh every day at 2:30", "30 2 * * * /opt/b.sh"),
        ("Add a cron line to cron.txt that runs /opt/b.sh now and then", None),
        ("Add a cron line to cron.txt that runs /opt/b.sh every day at 2:30 unless it runs", None),
        ("Add a cron line to cron.txt that runs /opt/b.sh every day at 2:30 as root", None),
        ("Add a cron line to jobs.txt that runs /opt/b.sh every day at 2:30", None),
        ("Add a cron line to /etc/crontab that runs /opt/b.sh every day at 2:30", None),
    ],
)
def test_a_job_is_put_into_a_crontab_file(tmp_path: Path, wish: str, text: str | None) -> None:
    (tmp_path / "jobs.txt").write_text("@reboot x")
    (tmp_path / "cron.txt").write_text("@reboot x")
    found = scheduled(wish, tmp_path)
    assert found == (("cron.txt", f"@reboot x\n{text}\n", "@reboot x") if text else None)


def test_a_line_is_appended_to_what_was_renamed() -> None:
    command = appended_to_it('add the line "see b" at the end', ["Rename a.txt to b.txt"])
    assert "printf '%s\\n' 'see b' >> b.txt" in command
    assert appended_to_it('add the line "see b" at the end', ["Restart web"]) == ""
    assert appended_to_it("add the line that is missing", ["Rename a.txt to b.txt"]) == ""
