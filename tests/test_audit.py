"""The audit log: what is recorded of a call, who can read it, and what a crash leaves."""

import json
from datetime import datetime, timedelta, timezone
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from replies import answer, call, sh

from agent import DevOpsAgent, bash, write_file
from devops_agent import audit, parsers
from devops_agent.audit import AuditLog, Record
from devops_agent.commands.audit import audit_command
from devops_agent.errors import UsageError
from devops_agent.gate import Gate
from devops_agent.policy.modes import Modes
from devops_agent.protocol import Call
from devops_agent.scripted import ScriptedModel


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "data/audit.jsonl"


NUMBERS = count()


def record(**fields: Any) -> Record:
    given = {"time": audit.now(), "session": "1", "task": "t", "tool": "bash", "arguments": {"command": "ls"}}
    more = {"call": next(NUMBERS), "effect": "read", "rule": "", "decision": "run", "by": "mode"}
    return Record(**{**given, **more, **fields})


def play(path: Path, *replies: str, **modes: bool) -> list[dict[str, Any]]:
    gate = Gate(Modes(**modes), present=lambda: False, log=AuditLog(path))
    model = ScriptedModel([*replies, answer(), answer(), answer()])
    DevOpsAgent(tools=[bash, write_file], model=model, gate=gate).run("Make new.txt")
    return list(audit.records(path))


def test_each_call_is_one_record(path: Path) -> None:
    first, second = play(
        path, sh("echo hi > new.txt; cat new.txt; exit 3"), call("write_file", path="b", content="x")
    )
    assert first["tool"] == "bash"
    assert first["arguments"] == {"command": "echo hi > new.txt; cat new.txt; exit 3"}
    assert (first["effect"], first["decision"], first["by"], first["exit_code"]) == (
        "change",
        "run",
        "mode",
        3,
    )
    assert first["sha256"] == audit.digest("hi\n")
    assert first["seconds"] >= 0
    assert first["task"] == "Make new.txt"
    assert first["session"] == second["session"]
    assert (second["tool"], second["exit_code"]) == ("write_file", None)


def test_what_is_refused_is_recorded_too(path: Path) -> None:
    Path("new.txt").touch()
    [refused] = play(path, sh("sed -i s/a/b/ new.txt"))
    assert (refused["effect"], refused["decision"], refused["by"]) == ("destructive", "refuse", "mode")
    assert refused["sha256"] == ""


def test_what_a_check_refuses_is_recorded_too(path: Path) -> None:
    [refused] = play(path, sh("kubectl get pod <pod_name>"))
    assert (refused["decision"], refused["by"]) == ("refuse", "check")


def test_a_call_that_did_not_end_is_in_it(path: Path) -> None:
    gate = Gate(log=AuditLog(path))
    ran = Call("bash", {"command": "sleep 100"})
    gate.before(ran, gate.decide(ran))
    [started] = audit.records(path)
    assert (started["decision"], started["exit_code"], started["sha256"]) == ("run", None, "")


def test_a_line_separator_in_a_command_harms_no_record(path: Path) -> None:
    for command in ("rm a\u2028b", "rm a\u0085b", "ls"):
        AuditLog(path).write(record(arguments={"command": command}))
    assert len(list(audit.records(path))) == 3


def test_a_time_without_a_zone_is_no_record(path: Path) -> None:
    AuditLog(path).write(record(time="2030-01-01T00:00:00"))
    assert list(audit.records(path, since=datetime.now(timezone.utc))) == []


def test_a_rule_shows_no_secret(path: Path) -> None:
    AuditLog(path, hide=lambda text: text.replace("s3cret", "…")).write(record(rule="runs ./s3cret"))
    assert "s3cret" not in path.read_text()


def test_only_the_user_can_read_it(path: Path) -> None:
    AuditLog(path).write(record())
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_record_that_was_cut_off_harms_no_other(path: Path) -> None:
    log = AuditLog(path)
    log.write(record(task="first"))
    path.write_text(path.read_text() + '{"time": "2030-01-01T00:00:0')
    log.write(record(task="second"))
    assert [each["task"] for each in audit.records(path)] == ["first", "second"]


def test_a_disk_that_refuses_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told: list[str] = []
    log = AuditLog(tmp_path / "file/audit.jsonl", warn=told.append)
    log.write(record())
    log.write(record())
    assert len(told) == 1
    assert told[0].startswith("The audit log cannot be written: ")


def test_broken_characters_are_written(path: Path) -> None:
    AuditLog(path).write(record(arguments={"command": "echo \udcff"}))
    assert len(list(audit.records(path))) == 1


def test_the_command_filters_by_time_and_effect(path: Path) -> None:
    old = (datetime.now(timezone.utc) - timedelta(hours=3)).isoformat()
    log = AuditLog(path)
    log.write(record(time=old, task="old"))
    log.write(record(effect="destructive", arguments={"command": "rm x\ny"}, exit_code=0))
    log.write(record())

    def shown(*words: str) -> list[str]:
        out = StringIO()
        audit_command(parsers.subcommand_parser("audit").parse_args(words), path, out)
        return out.getvalue().splitlines()

    assert len(shown()) == 3
    assert len(shown("--since", "2h")) == 2
    [line] = shown("--effect=destructive")
    assert line.endswith("destructive run by mode      exit 0 bash {rm x\\ny}")
    assert json.loads(shown("--effect", "destructive", "--json")[0])["effect"] == "destructive"
    assert shown("--since", "2999-01-01") == ["No call is on record for that."]
    assert shown("--since", "2999-01-01", "--json") == []


def test_a_time_that_is_none_is_a_usage_error(path: Path) -> None:
    arguments = parsers.subcommand_parser("audit").parse_args(["--since", "soon"])
    with pytest.raises(UsageError, match=r"'soon' is no time\. Use 30m, 2h, 7d or 2030-01-31"):
        audit_command(arguments, path, StringIO())


def test_without_a_log_there_is_nothing(path: Path) -> None:
    assert list(audit.records(path)) == []
