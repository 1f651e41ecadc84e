"""Broken files: the smallest change that lets them be read again."""

from pathlib import Path

import pytest

from devops_agent import briefing, events
from devops_agent.diagnosis.mending import mended
from devops_agent.forms.rewrite import Rewrite

FI = "#!/bin/sh\nfor f in *; do\n    if [ -f $f ]; then\n        echo $f\ndone\n"


@pytest.mark.parametrize(
    ("name", "broken", "whole"),
    [
        ("a.sh", FI, FI.replace("done", "    fi\ndone")),
        ("run", FI, FI.replace("done", "    fi\ndone")),
        ("a.sh", "while true; do\n  sleep 1\n", "while true; do\n  sleep 1\ndone\n"),
        ("a.sh", 'case "$1" in\n  x) echo x ;;\n', 'case "$1" in\n  x) echo x ;;\nesac\n'),
        ("a.yaml", "a:\n  b: 1\n   c: 2\n  d: 3\n", "a:\n  b: 1\n  c: 2\n  d: 3\n"),
        ("a.yml", "a:\n\tb: 1\n", "a:\n  b: 1\n"),
        ("a.yaml", "a: 1\nb:2\nc: 3\n", "a: 1\nb: 2\nc: 3\n"),
        ("a.yaml", "a: 1\nb\nc: 3\n", "a: 1\nb:\nc: 3\n"),
        ("a.yaml", 'a: "x\nb: 1\n', 'a: "x"\nb: 1\n'),
        ("a.json", '{\n  "a": 1\n  "b": 2\n}\n', '{\n  "a": 1,\n  "b": 2\n}\n'),
        ("a.json", '{\n  "a": 1,\n  "b": 2,\n}\n', '{\n  "a": 1,\n  "b": 2\n}\n'),
        ("a.json", '{"a": {\n  "b": 2\n}\n', '{"a": {\n  "b": 2\n}\n}\n'),
    ],
)
def test_a_small_slip_is_mended(name: str, broken: str, whole: str) -> None:
    found = mended(Path(name), broken)
    assert found
    assert found.text == whole


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "a: 1\n"),
        ("a.json", "nonsense"),
        ("a.sh", "echo 'x\n"),
        ("a.txt", "{"),
        ("a.yaml", "a: [1\nb: }\n"),
    ],
)
def test_what_is_whole_or_past_help_stays(name: str, text: str) -> None:
    assert mended(Path(name), text) is None


def test_a_task_to_repair_a_file_gets_the_change_as_a_form(tmp_path: Path) -> None:
    (tmp_path / "job.sh").write_text(FI)
    brief = briefing.briefer({}, tmp_path, events.ignore)
    form = brief("job.sh has a syntax error, fix it", lambda: True).form
    assert isinstance(form, Rewrite)
    assert form.description.endswith('"fi" is put before line 5, for the if of line 3.')
    assert not brief("What is wrong with job.sh?", lambda: True).form
