"""What a Dockerfile tells of why its image cannot be built."""

import subprocess
from pathlib import Path

import pytest

from devops_agent import briefing
from devops_agent.diagnosis import image_build

GOOD = """# syntax=docker/dockerfile:1
FROM python:3.11-slim AS base
COPY --from=nginx:1.25 /etc/nginx /etc/nginx
ADD https://example.com/a.tgz /tmp/
COPY app.py conf/*.toml data ./
COPY $EXTRA ./
RUN pip install \\
    # a comment between

    flask
RUN <<END
CPOY this is no instruction
END
CMD ["python", "app.py"]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("app.py", "settings.py", "data/rows.csv", "data/keep.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x\n")
    (tmp_path / "Dockerfile").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_is_wrong_with_a_right_one(here: Path) -> None:
    assert image_build.findings(here) == []
    assert image_build.findings(here / "data") == []


@pytest.mark.parametrize(
    ("wrong", "cause", "mended"),
    [
        (("FROM", "FORM"), "there is no instruction FORM; FROM is meant", True),
        (
            ("app.py conf", "setings.py conf"),
            "setings.py is to be copied and is not in this folder; settings.py",
            False,
        ),
        (("app.py conf", "gone.txt conf"), "gone.txt is to be copied and is not in this folder", False),
        (('"app.py"]', "'app.py']"), "is no list, which has double quotes", False),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    here: Path, wrong: tuple[str, str], cause: str, mended: bool
) -> None:
    (here / "Dockerfile").write_text(GOOD.replace(*wrong))
    (found,) = image_build.findings(here)
    assert cause in found.cause
    if found.suggestion:
        subprocess.run(["bash", "-c", found.suggestion], check=True)
        assert image_build.findings(here) == []
    assert ((here / "Dockerfile").read_text() == GOOD) is mended


@pytest.mark.parametrize(
    ("ignored", "by"),
    [
        ("*.csv\n", ""),
        ("**/*.csv\n", "**/*.csv"),
        ("data\n", "data"),
        ("/data/\n", "/data/"),
        ("data/*\n!data/rows.csv\n", ""),
        ("!data/rows.csv\ndata/row?.csv\n", "data/row?.csv"),
        ("# data\n\n", ""),
    ],
)
def test_the_last_line_of_dockerignore_that_fits_counts(here: Path, ignored: str, by: str) -> None:
    assert image_build.excluded_by("data/rows.csv", ignored.splitlines()) == by
    (here / "Dockerfile").write_text("FROM a\nCOPY data/rows.csv .\n")
    (here / ".dockerignore").write_text(ignored)
    found = image_build.findings(here)
    assert [by in each.cause for each in found] == ([True] if by else [])
    for each in found:
        subprocess.run(["bash", "-c", each.suggestion], check=True)
    assert image_build.findings(here) == []


def test_a_build_that_fails_is_mended_by_its_findings(here: Path) -> None:
    (here / ".dockerignore").write_text("app.py\n")
    brief = briefing.briefer({}, here, lambda event: None)
    told = brief("docker build fails, app.py is not found. Repair it.", lambda: True)
    assert "!app.py" in str(told.form)
    built = brief(
        "docker build -t web:1 . fails, app.py is not found. Repair it and build the image.", lambda: True
    )
    assert ["docker build -t web:1 ." in str(step.form) for step in built.later] == [True]
    asked = brief("Why does docker build fail?", lambda: True)
    assert "the line 'app.py' of .dockerignore leaves it out" in asked.known_answer
    assert not brief("Build the image web:1", lambda: True).ground.trouble
