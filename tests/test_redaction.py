"""Secrets do not reach the model, the screen, the audit log, the kept outputs or the answer."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from replies import answer, call, sh

from agent import DevOpsAgent, bash, read_file, write_file
from devops_agent import events
from devops_agent.audit import AuditLog
from devops_agent.events import Event
from devops_agent.gate import Gate
from devops_agent.outputs import OutputStore
from devops_agent.policy.modes import Modes
from devops_agent.redaction import Redactor
from devops_agent.scripted import ScriptedModel
from devops_agent.shell import Shell

DATA = Path(__file__).parent / "data" / "redaction"


def _lines(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


SECRETS = _lines("secrets.jsonl")


@pytest.mark.parametrize("one", SECRETS, ids=lambda one: one["kind"])
def test_a_planted_secret_is_hidden_and_comes_back(one: dict[str, str]) -> None:
    redactor = Redactor()
    hidden = redactor(one["text"])
    assert one["secret"] not in hidden
    assert redactor.restored(hidden) == one["text"]
    assert redactor(hidden) == hidden


def test_there_are_a_hundred_of_fifteen_kinds() -> None:
    assert len(SECRETS) >= 100
    assert len({one["kind"] for one in SECRETS}) >= 15


@pytest.mark.parametrize("text", [one["text"] for one in _lines("harmless.jsonl")])
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert Redactor()(text) == text


@pytest.mark.parametrize("one", SECRETS, ids=lambda one: one["kind"])
def test_a_planted_secret_reaches_nobody(one: dict[str, str], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("found.txt").write_text(one["text"], encoding="utf-8")
    redactor = Redactor()
    seen: list[Event] = []
    model = ScriptedModel(
        [
            sh("cat found.txt"),
            sh("cat found.txt; seq 3000"),
            call("read_file", path="found.txt"),
            sh(f"echo {json.dumps(one['secret'])} > /dev/null"),
            answer(f"It is {one['secret']}."),
        ],
        events.hiding(seen.append, redactor),
    )
    log = AuditLog(tmp_path / "data/audit.jsonl", redactor)
    told = DevOpsAgent(
        tools=[bash, read_file],
        model=model,
        listener=seen.append,
        redactor=redactor,
        gate=Gate(Modes(assume_yes=True), log=log),
        shell=Shell(store=OutputStore(tmp_path / "outputs", redactor)),
    ).run("Show found.txt")
    requests = json.dumps(model.requests, ensure_ascii=False)
    kept = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "outputs").iterdir())
    screen = "".join(map(str, seen))
    for text in (requests, kept, screen, log.path.read_text(encoding="utf-8"), str(told)):
        assert one["secret"] not in text
        assert json.dumps(one["secret"])[1:-1] not in text
    assert kept


def test_the_model_passes_on_what_it_never_sees(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("app.env").write_text("DB_PASSWORD=kX82-mQ7vLp\n")
    model = ScriptedModel(
        [
            call("read_file", path="app.env"),
            call("write_file", path="copy.env", content="DB_PASSWORD=[hidden-1]\n"),
            *[answer()] * 3,
        ]
    )
    gate = Gate(Modes(assume_yes=True))
    DevOpsAgent(tools=[read_file, write_file], model=model, gate=gate).run("Copy app.env to copy.env")
    assert Path("copy.env").read_text() == "DB_PASSWORD=kX82-mQ7vLp\n"
    assert "kX82" not in json.dumps(model.requests)


def test_what_the_user_typed_is_no_secret_to_the_model(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    task = "Write the line password: kX82-mQ7vLp to app.yaml"
    model = ScriptedModel([call("write_file", path="app.yaml", content="password: kX82-mQ7vLp\n"), answer()])
    DevOpsAgent(tools=[write_file], model=model).run(task)
    assert Path("app.yaml").read_text() == "password: kX82-mQ7vLp\n"
    assert task in json.dumps(model.requests)


def test_the_redaction_says_how_many_values_it_hid() -> None:
    redactor = Redactor()
    assert redactor.noted("PASSWORD=kX82mQ7v\nTOKEN=aa81bb92") == (
        "PASSWORD=[hidden-1]\nTOKEN=[hidden-2]\n(2 secret values hidden)"
    )
    assert redactor.noted("nothing") == "nothing"


def test_of_a_call_that_prints_secrets_base64_is_hidden_too() -> None:
    assert Redactor()("a2lybXNlOTE3MzRh", secret=True) == "[hidden-1]"
    assert Redactor()("a2lybXNlOTE3MzRh") == "a2lybXNlOTE3MzRh"


def test_a_word_that_means_something_else_elsewhere_is_hidden_only_as_a_value() -> None:
    redactor = Redactor()
    redactor("POSTGRES_PASSWORD=postgres")
    assert redactor("image: postgres:16") == "image: postgres:16"


def test_it_can_be_switched_off() -> None:
    assert Redactor(active=False)("PASSWORD=kX82mQ7v") == "PASSWORD=kX82mQ7v"


def test_of_such_a_call_the_kept_output_is_hidden_as_strictly(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("id_rsa").write_text("a2lybXNlOTE3MzRh\n" + "line\n" * 2000)
    model = ScriptedModel([sh("cat id_rsa"), answer()])
    shell = Shell(store=OutputStore(tmp_path / "outputs", Redactor()))
    DevOpsAgent(tools=[bash], model=model, shell=shell).run("Show id_rsa")
    [kept] = (tmp_path / "outputs").iterdir()
    assert kept.read_text().startswith("[hidden-1]\nline\n")
    assert not shell.secret


def test_the_end_of_a_private_key_is_hidden_too() -> None:
    text = "x\n[… left out]\nMIIEpAIBAAKCAQEA\nq83vEjRWeJA=\n-----END RSA PRIVATE KEY-----\ny\n"
    assert Redactor()(text) == "x\n[… left out]\n[hidden-1]\ny\n"


def test_a_value_that_was_hidden_once_is_hidden_everywhere() -> None:
    redactor = Redactor()
    assert redactor("PASSWORD=kX82mQ7v\nTOKEN=kX82mQ7v9") == "PASSWORD=[hidden-1]\nTOKEN=[hidden-2]"
    assert redactor("kX82mQ7v9kX82mQ7v!") == "[hidden-2][hidden-1]!"
    assert redactor("use kX82mQ7v9", known="kX82mQ7v9") == "use kX82mQ7v9"


def test_a_value_that_was_given_back_is_hidden_wherever_it_stands() -> None:
    redactor = Redactor()
    assert redactor("db_password: letmein") == "db_password: [hidden-1]"
    assert redactor("letmein or not") == "letmein or not"
    assert redactor.restored("echo [hidden-1]") == "echo letmein"
    assert redactor("letmein\nletmeinn") == "[hidden-1]\nletmeinn"
    assert redactor("letmein", known="Set it to letmein") == "letmein"


SIZE = 200_000


def _filled(part: str) -> str:
    return (part * (SIZE // len(part) + 1))[:SIZE]


HOSTILE = [
    *map(_filled, ("mysql ", "curl ", "redis-cli ", "cookie:", "x-", "token:/", "eyJaaaaaaaa-", "xsk-")),
    "token " + _filled("secret"),
    "access_key" + " " * SIZE + "x",
    'token="' + "*" * SIZE + '\n"',
    "kind: Secret\ndata:\n  a: b\n" + "\n" * SIZE,
    "kind: Secret\ndata:\n  a: b" + " " * SIZE + "c",
    _filled("A1b2\n") + "-----END PRIVATE KEY-----",
    *map(_filled, ('token=\\"', 'token=\\"\\\\\\"', '\\\\\\"token\\\\\\"', "password '", "PASS: ")),
    *map(_filled, ("docker login -p", "--from-literal=pw=", "- --password\n", "chpasswd <<EOF\n")),
    *map(_filled, ("identified by ", "create user ", "passwd a:", "passwd a:b ", "pre-shared-key ")),
    *map(_filled, ('"SecretString": "{', '"SecretString": "{\\"a\\": \\"', 'name":"token",')),
    "docker login" + " " * SIZE + "x",
    "chpasswd a:" + " " * SIZE,
    'token=\\"' + "\\\\" * (SIZE // 2),
    "--password" + "\n" * SIZE + "- x",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:20]))
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    Redactor()(text, secret=True)
    assert time.process_time() - started < 2


def test_many_values_do_not_make_it_slow() -> None:
    redactor = Redactor()
    text = "".join(f"password=x{number}yab\n" for number in range(10_000))
    redactor(text)
    started = time.process_time()
    assert "yab" not in redactor(text)
    assert time.process_time() - started < 2
