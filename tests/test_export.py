"""A session as a document, a script and a runbook, and the command that lists, shows and deletes them."""

import argparse
import json
import os
import random
import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from devops_agent import approval, export, runbook_library, shell_script
from devops_agent.commands.sessions import ago, sessions_command
from devops_agent.errors import UsageError
from devops_agent.events import Answered, Observed, Started, ToolCalled
from devops_agent.forms.recipe import form_of
from devops_agent.session_store import SessionStore, Stored, StoredStep, StoredTurn


def step(command: str = "", **fields: Any) -> StoredStep:
    given = {
        "tool": "bash",
        "arguments": {"command": command},
        "effect": "change",
        "started": 0.0,
        "ended": 1.0,
    }
    given |= {"exit_code": 0, "ok": True, "output": "", "text": "", "decision": "", "comment": ""}
    return StoredStep(**{**given, **fields})


def write(path: str, content: str, **fields: Any) -> StoredStep:
    return step(tool="write_file", arguments={"path": path, "content": content}, exit_code=None, **fields)


def turn(*steps: StoredStep, task: str = "Scale web", **fields: Any) -> StoredTurn:
    given = {"number": 1, "task": task, "started": 0.0, "ended": 1.0, "answer": "Done.", "ok": True}
    given |= {"exit_code": 0, "names": {}, "messages": (), "commands": ()}
    return StoredTurn(**{**given, **fields}, steps=steps)


def stored(*turns: StoredTurn, **fields: Any) -> Stored:
    given = {"id": "1a2b3c4d", "started": 0.0, "updated": 1.0, "ended": 1.0, "directory": "/shop"}
    given |= {"model": "qwen", "title": "Scale web", "is_running": False}
    return Stored(**{**given, **fields}, turns=turns)


# --- a script ---------------------------------------------------------------------------------------------


def checked(script: str) -> str:
    """The script, which bash takes without a word."""
    ran = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, ""), script
    return script


def run(script: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **variables}
    return subprocess.run(
        ["bash"], input=script, text=True, capture_output=True, cwd=folder, env=environment, check=False
    )


def test_a_script_has_what_ran_and_succeeded() -> None:
    session = stored(
        turn(
            step("kubectl get deploy", effect="read"),
            step("kubectl scale deploy/web --replicas=3"),
            step("kubectl foo\nbar", exit_code=1, ok=False),
            step("a; b", ok=False),
            step("rm x", effect="", exit_code=None, decision="rejected", comment="not\nthat"),
            step("kubectl wait x", effect="change", ended=None, exit_code=None, ok=None),
            step("kubectl delete pod x", effect="destructive"),
            step(tool="read_file", arguments={"path": "secret-name"}),
            answer="Three.\nReplicas.",
        ),
        ended=1.0,
    )
    assert checked(export.script(session)) == (
        f"""#!/usr/bin/env bash
# Scale web
# Session 1a2b3c4d of {export.when(0)}, in /shop
# Each command as it ran; what failed or did not run is a comment.
set -euo pipefail

# --- 1. Scale web

# reads
kubectl get deploy

# changes
kubectl scale deploy/web --replicas=3

# Exit code 1:
#   kubectl foo
#   bar

# Exit code 0, failed:
#   a; b

# Rejected (not that):
#   rm x

# Cut off:
#   kubectl wait x

# destroys
kubectl delete pod x

# ✅ Three.
# Replicas.
"""
    )


def test_files_are_written_as_they_were(tmp_path: Path) -> None:
    content = "EOF\n$HOME `id` \\ 'x' \"y\"\n\tEOF_2 \n"
    session = stored(turn(write("a b/c's.txt", content), write("-d", "no newline"), write("empty", "")))
    ran = run(checked(export.script(session)), tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (tmp_path / "a b/c's.txt").read_text() == content
    assert (tmp_path / "-d").read_text() == "no newline\n"
    assert (tmp_path / "empty").read_text() == ""


def test_a_file_below_the_home_directory_stays_there(tmp_path: Path) -> None:
    script = checked(export.script(stored(turn(write("~/x y/z", "1")))))
    assert run(script, tmp_path, HOME=str(tmp_path)).returncode == 0
    assert (tmp_path / "x y/z").read_text() == "1\n"


def test_commands_of_several_lines_run_as_they_did(tmp_path: Path) -> None:
    commands = (
        "set -e\necho 1 >> log\necho '2\n3' >> log",
        "for n in 4 5; do\n  echo $n\ndone >> log",
        "cat >> log <<'X'\n6\nX",
        "mkdir d && cd d && echo in > file",
        "echo 7 >> log; exit 0\n(((",
        "echo 8 >> log # a comment",
        "cat >> log <<X\n9",
        "echo 10 >> log \\",
    )
    script = checked(export.script(stored(turn(*map(step, commands)))))
    assert "\necho 1 >> log\necho '2\n3' >> log\n" in script
    assert run(script, tmp_path).returncode == 0
    assert (tmp_path / "log").read_text().split() == [*map(str, range(1, 11)), "\\"]
    assert (tmp_path / "d/file").exists()


@pytest.mark.parametrize(
    "command",
    [
        "kubectl -n shop get pods -o wide",
        "docker ps --format '{{.Names}}' | grep web > /tmp/x 2>&1 && echo \"found $HOME ${USER}\"",
        "nohup python3 -m http.server 80 >/dev/null 2>&1 &",
        "kubectl set image deploy/web web=nginx:1.25; kubectl rollout status deploy/web",
        "ls *.py &> out || true",
    ],
)
def test_a_plain_command_stands_as_it_is(command: str) -> None:
    assert shell_script.statement(command) == command


@pytest.mark.parametrize(
    ("command", "written"),
    [
        ("login -p [hidden-1] x", 'login -p "${HIDDEN_1}" x'),
        ("login -p '[hidden-2]' x", "login -p ''\"${HIDDEN_2}\"'' x"),
        ('login -p "a[hidden-2]b"', 'login -p "a${HIDDEN_2}b"'),
        ("echo $(login [hidden-1])", "bash -c 'echo $(login '\"${HIDDEN_1}\"')'"),
    ],
)
def test_a_secret_is_a_variable(command: str, written: str) -> None:
    assert shell_script.statement(command) == written


@pytest.mark.parametrize(
    "command",
    [
        "printf %s [hidden-1] > out",
        "printf %s 'a[hidden-1]b' > out",
        'printf %s "a[hidden-1]b" > out',
        "for x in '[hidden-1]'; do printf %s \"$x\" > out; done",
        "cat > out <<'END'\n[hidden-1]\nEND",
        "printf %s \"$(printf %s '[hidden-1]')\" > out",
    ],
)
def test_a_secret_arrives_as_it_is(command: str, tmp_path: Path) -> None:
    secret = 'it is * "s3" & ;'
    session = stored(turn(step(command), write("file", "password: [hidden-1]")))
    script = checked(export.script(session))
    assert "[hidden-1]" not in re.sub(r"^[:#].*", "", script, flags=re.MULTILINE)
    unset = run(script, tmp_path)
    assert unset.returncode != 0
    assert "HIDDEN_1: set it to what the session showed as [hidden-1]" in unset.stderr
    assert not list(tmp_path.iterdir())
    assert run(script, tmp_path, HIDDEN_1=secret).returncode == 0
    assert secret in (tmp_path / "out").read_text()
    assert (tmp_path / "file").read_text() == f"password: {secret}"


def test_a_secret_of_what_failed_is_not_asked_for() -> None:
    script = checked(export.script(stored(turn(step("login [hidden-3]", exit_code=1, ok=False)))))
    assert "HIDDEN_" not in script


HOSTILE = [
    "'", '"', "`", "$(", ")", "(", "{", "}", "<<EOF\n", "<<'X'", "EOF\n", "\n", "\\", "\\\n", "#", " ",
    ";", ";;", "&", "&&", "|", "||", "|&", ">", ">>", "<", "<(", "<<<", "2>&1", "&>", "!", "[[", "]]",
    "$'", '$"', "${", "$((", "))", "if", "then", "fi", "do", "done", "case", "esac", "in", "while",
    "exit 0", "cd /", "a=(", "a=", "x", "~", "time", "coproc", "function f", "f()", "[hidden-1]",
    "[hidden-2]", "\x07", "\t", "\r", "\x00", "é", "\udcff", "\u2028", "*", "echo", "kubectl", "select",
    "\\[hidden-1]", "EOF_2\n",
]  # fmt: skip


def test_bash_accepts_whatever_was_run() -> None:
    """Most of these could not have succeeded; none may break out of its place in the script all the same."""
    dice = random.Random(6)
    for _ in range(150):
        texts = ["".join(dice.choices(HOSTILE, k=dice.randint(1, 9))) for _ in range(40)]
        steps = [step(text) for text in texts[:30]]
        steps += [write(path, text) for path, text in zip(texts[30:33], texts[33:36], strict=True)]
        steps += [
            step(texts[36], ok=False, comment=texts[37], decision="rejected"),
            write("x", texts[37], ok=False),
        ]
        session = stored(turn(*steps, task=texts[38], answer=texts[39]), title=texts[38], directory=texts[39])
        script = export.script(session).encode("utf-8", errors="replace")
        ran = subprocess.run(["bash", "-n"], input=script, capture_output=True, check=False)
        assert (ran.returncode, ran.stderr) == (0, b""), script.decode()


def test_each_command_ends_where_it_ends() -> None:
    """What stands behind it in a script is no part of it: there, a mistake is one of that line."""
    dice = random.Random(7)
    for _ in range(300):
        text = "".join(dice.choices(HOSTILE, k=dice.randint(1, 6))).replace("\udcff", "")
        script = f"{shell_script.statement(text)}\necho )\n"
        ran = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
        assert ran.stderr.startswith(f"bash: line {script.count(chr(10))}: "), script
        assert "`)'" in ran.stderr, script


# --- a document -------------------------------------------------------------------------------------------


def test_a_document_has_tasks_calls_outputs_and_answers() -> None:
    session = stored(
        turn(
            step("kubectl get po", effect="read", output="web 1/1\n"),
            write("a.txt", "x\n"),
            answer="One *pod*.",
        ),
        turn(step("false", exit_code=1, ok=False), number=2, task="Break\nit", ok=False, answer="No.\n1\n2"),
    )
    assert export.markdown(session) == (
        f"""# Scale web

- Session: `1a2b3c4d`
- Started: `{export.when(0)}`
- Directory: `/shop`
- Model: `qwen`

## 1. Scale web

```bash
kubectl get po
```

<details><summary>Exit code 0</summary>

```text
web 1/1
```

</details>

Write `a.txt`:

```text
x
```

Done

✅ One \\*pod\\*.

## 2. Break it

```text
Break
it
```

```bash
false
```

Exit code 1

❌

```text
No.
1
2
```
"""
    )


@pytest.mark.parametrize("hostile", ["```\n# Title\n", "````", "</details>", "~~~", "a\x1b[2Jb", "\u202e"])
def test_nothing_breaks_out_of_a_document(hostile: str) -> None:
    session = stored(
        turn(step(hostile, output=hostile), write(hostile, hostile), task=hostile, answer=hostile)
    )
    text = export.markdown(replace(session, title=hostile, directory=hostile))
    assert "\x1b" not in text
    assert "\u202e" not in text
    outside, fence = [], ""
    for line in text.split("\n"):
        if fence:
            fence = "" if line == fence else fence
        elif found := re.match(r"(`{3,})\w+$", line):
            fence = found[1]
        else:
            outside.append(line)
    assert fence == ""
    own = (
        "# ",
        "## 1. ",
        "- ",
        "Write ",
        "<details><summary>Exit code 0</summary>",
        "</details>",
        "Done",
        "✅",
    )
    assert [line for line in outside if line and not line.startswith(own)] == []
    assert outside.count("</details>") == sum("<details>" in line for line in outside)
    assert not any(
        "# Title" in line and not line.startswith(("# ", "## 1. ", "- ", "Write ")) for line in outside
    )


def test_where_a_session_was_cut_off_is_told() -> None:
    open_turn = turn(step("make", ended=None, exit_code=None, ok=None), ended=None, ok=None, answer="")
    text = export.markdown(stored(open_turn, ended=None))
    assert text.endswith(
        '⚠️ "Scale web" was cut off while bash \\{make\\} was running: what that came to is not known.\n'
    )
    assert "\nCut off\n" in text


# --- a runbook --------------------------------------------------------------------------------------------


def test_a_runbook_has_the_commands_that_changed_something() -> None:
    names = {"namespace": "shop", "deployment": "web"}
    session = stored(
        turn(
            step("kubectl -n shop get deploy", effect="read"),
            step("kubectl -n shop scale deployment/web --replicas=3"),
            step("kubectl -n shop scale deployment/webby", exit_code=1, ok=False),
            step("kubectl -n shop create secret generic web-x --from-literal=password=[hidden-4]"),
            task="Scale deployment web in namespace shop to 3",
            names=names,
        )
    )
    text = export.runbook(session, "Scale and log in")
    assert text == (
        """# Scale and log in

When: Scale deployment in namespace to 3

```bash
kubectl -n {namespace} scale deployment/{deployment} --replicas=3
kubectl -n {namespace} create secret generic web-x --from-literal=password={secret}
```
"""
    )
    [runbook] = runbook_library.parse("own", text)
    assert (runbook.title, runbook.when) == ("Scale and log in", "Scale deployment in namespace to 3")
    form = form_of(runbook, {"namespace": "bank"})
    assert form
    assert set(form.fields) == {"deployment", "secret"}


def test_a_runbook_has_the_files_that_were_written() -> None:
    text = export.runbook(
        stored(turn(write("x.yaml", "# a\n---\nb: 1\n"), step("kubectl apply -f x.yaml"))), "Set up"
    )
    assert text == (
        "# Set up\n\nWhen: Scale web\n\nWrite x.yaml:\n\n```\n# a\n---\nb: 1\n```\n\n"
        "```bash\nkubectl apply -f x.yaml\n```\n"
    )
    [runbook] = runbook_library.parse("own", text)
    assert form_of(replace(runbook, own=False), {}) is None, "a form would do the first of the two alone"
    assert "kubectl apply -f x.yaml" in runbook.recipe({})
    [alone] = runbook_library.parse("own", export.runbook(stored(turn(write("x.yaml", "b: 1\n"))), "Set up"))
    form = form_of(alone, {})
    assert form
    assert form.path == "x.yaml"


@pytest.mark.parametrize("hostile", ["```\n# Other\n", "# Other\n", "When: x\n", "\x1b[2J"])
def test_a_runbook_is_one_runbook(hostile: str) -> None:
    steps = (
        step(f"a\n{hostile}"),
        step(hostile),
        write(hostile, f"a\n{hostile}"),
        step("kubectl apply -f x"),
    )
    text = export.runbook(stored(turn(*steps, task=hostile)), f"{hostile} title")
    [runbook] = runbook_library.parse("own", text)
    assert runbook.title.endswith("title")
    assert "\x1b" not in text


def test_without_a_change_there_is_no_runbook() -> None:
    session = stored(turn(step("ls", effect="read"), step("rm x", ok=False, exit_code=1)))
    with pytest.raises(UsageError, match="Nothing here changed something"):
        export.runbook(session, "Look")
    with pytest.raises(UsageError, match="needs a title"):
        export.runbook(stored(turn(step("rm x"))), " \n")


# --- the command ------------------------------------------------------------------------------------------


@pytest.fixture
def path(home: Path) -> Path:
    return home / "data/sessions.db"


@pytest.fixture
def ids(path: Path) -> Sequence[str]:
    """Three sessions, of which the last one is the oldest."""
    found = []
    for number in (3, 2, 1):
        record = SessionStore(path).start("/shop", "qwen")
        record(Started(f"Task {number}"))
        record(ToolCalled("bash", {"command": "seq 100"}, "read"))
        record(Observed("", "\n".join(map(str, range(1, 101))), 0))
        record(Answered("Counted.", True))
        record.close()
        found.append(record.id)
    return found[::-1]


class Screen(StringIO):
    def isatty(self) -> bool:
        return True


def sessions(path: Path, action: str | None = "list", screen: StringIO | None = None, **given: Any) -> str:
    out = screen or StringIO()
    sessions_command(argparse.Namespace(action=action, **given), path, out)
    return out.getvalue()


def test_without_a_session_that_is_said(path: Path) -> None:
    assert sessions(path, None) == "There are no sessions yet.\n"
    assert sessions(path, json=True) == ""
    assert sessions(path, "delete", all=True) == "There is no session to delete.\n"


def test_sessions_are_listed_a_line_each(path: Path, ids: Sequence[str]) -> None:
    running = SessionStore(path).start(Path(os.environ["HOME"], "x"), "qwen")
    running(Started("Build\nit 新"))
    first, second, _, _ = sessions(path).splitlines()
    assert first == f"{running.id}  just now        1 turn  ~/x                       [running] Build it 新"
    assert second.split() == [ids[0], "just", "now", "1", "turn", "/shop", "Task", "1"]
    running.close()
    assert "[cut off] Build it" in sessions(path, limit=1)


def test_a_line_has_room_on_the_terminal(
    path: Path, ids: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = SessionStore(path).start("/shop", "qwen")
    record(Started("新" * 50))
    record.close()
    monkeypatch.setenv("COLUMNS", "80")
    wide, *others = sessions(path, screen=Screen()).splitlines()
    assert wide.endswith("新…")
    assert 78 <= len(wide) + wide.count("新") <= 80
    assert all(len(line) <= 80 for line in others)


def test_a_list_for_programs_is_an_object_a_line(path: Path, ids: Sequence[str]) -> None:
    told = [json.loads(line) for line in sessions(path, limit=2, json=True).splitlines()]
    assert [each["id"] for each in told] == list(ids[:2])
    assert told[0]["title"] == "Task 1"
    with pytest.raises(UsageError, match="greater than 0"):
        sessions(path, limit=0)


def test_a_session_is_shown_with_head_and_tail_of_outputs(path: Path, ids: Sequence[str]) -> None:
    shown = sessions(path, "show", id=ids[0][:6])
    assert shown.startswith(f"{ids[0]}, begun ")
    assert "\n1. Task 1\n   bash {seq 100}\n      1\n" in shown
    assert "\n      10\n      [80 lines left out; export has them]\n      91\n" in shown
    assert shown.endswith("      100\n      (Exit code 0)\n✅ Counted.\n")
    told = json.loads(sessions(path, "show", id=ids[0], json=True))
    assert told["turns"][0]["steps"][0]["arguments"] == {"command": "seq 100"}
    assert told["cut_off"] == ""


def test_an_export_overwrites_nothing(path: Path, ids: Sequence[str]) -> None:
    assert sessions(path, "export", id=ids[0]).startswith("# Task 1\n")
    assert sessions(path, "export", id=ids[0], format="script", output="x.sh") == "Wrote x.sh\n"
    assert "\nseq 100\n" in Path("x.sh").read_text()
    assert os.access("x.sh", os.X_OK)
    with pytest.raises(UsageError, match=r"x\.sh exists already"):
        sessions(path, "export", id=ids[1], output="x.sh")
    with pytest.raises(UsageError, match=r"missing/x\.md cannot be written: No such file"):
        sessions(path, "export", id=ids[1], output="missing/x.md")
    assert "\nseq 100\n" in Path("x.sh").read_text()


def test_several_sessions_are_deleted_when_the_user_says_so(
    path: Path, ids: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(approval, "confirms", lambda question: bool(asked.append(question)))
    assert "Nothing was deleted" in sessions(path, "delete", ids=ids[:2])
    assert asked == ["Delete 2 sessions? [y/n]: "]
    assert sessions(path, "delete", ids=ids[:1]) == "Deleted 1 session.\n"
    assert sessions(path, "delete", ids=ids[1:], yes=True) == "Deleted 2 sessions.\n"
    assert len(asked) == 1


def test_all_but_what_runs_is_deleted(
    path: Path, ids: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approval, "confirms", lambda question: True)
    running = SessionStore(path).start("/shop", "qwen")
    running(Started("Build it"))
    told = sessions(path, "delete", all=True)
    assert told == "Left alone: 1 session still running.\nDeleted 3 sessions.\n"
    assert [each.id for each in SessionStore(path).list()] == [running.id]
    running.close()


@pytest.mark.parametrize("given", [{}, {"ids": ["abc"], "all": True}])
def test_what_to_delete_has_to_be_said(path: Path, ids: Sequence[str], given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="Name the sessions to delete"):
        sessions(path, "delete", **given)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(-5, "just now"), (59, "just now"), (60, "1 min ago"), (7199, "1 hour ago"), (86400 * 3, "3 days ago")],
)
def test_how_long_ago(seconds: float, told: str) -> None:
    assert ago(seconds) == told
