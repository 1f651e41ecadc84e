"""What a session shows and keeps of planted secrets, by whatever way they come in: nothing."""

import io
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import pytest
from replies import answer, call, sh

from agent import DevOpsAgent, bash, read_file
from devops_agent import events, export
from devops_agent.__main__ import _texts
from devops_agent.console.attached import attached
from devops_agent.console.draft import Draft
from devops_agent.console.history import History
from devops_agent.errors import UsageError
from devops_agent.gate import Gate
from devops_agent.json_lines import JsonLines
from devops_agent.outputs import OutputStore
from devops_agent.policy.modes import Modes
from devops_agent.redaction import Redactor
from devops_agent.scripted import ScriptedModel
from devops_agent.session import Session
from devops_agent.session_store import SessionStore
from devops_agent.settings import Settings
from devops_agent.shell import Shell
from devops_agent.standard_input import Reader
from devops_agent.symbols import symbols
from devops_agent.terminal import Look, Terminal
from devops_agent.working import Working

SECRETS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "redaction" / "secrets.jsonl").read_text().splitlines()
]
_WINDOW = 8


class Seen:
    """A session that meets a text with a secret in each way there is, and all that came of it.

    Attributes:
        model: The scripted model.
        live: What was shown and kept of the output while it grew.
    """

    def __init__(self, text: str, secret: str) -> None:
        self.text, self.at, self.length = text, text.index(secret), len(secret)
        self.screen, self.lines, self.live = io.StringIO(), io.StringIO(), list[str]()
        self._working = Working(symbols(True))
        self._listeners = (JsonLines(self.lines), Terminal(self.screen, self.screen, Look(verbose=True)))
        self.session = Session(Settings(), self._make, self._listen)
        self.session.store = SessionStore(
            Path("data/sessions.db"), lambda given: self.session.redactor(given)
        )
        self.session.begin()
        self.model = ScriptedModel(
            [
                answer("It is shown."),
                sh("cat found.txt"),
                call("read_file", path="found.txt"),
                answer(f"It is {secret}."),
            ],
            events.hiding(self.session.tell, self.session.redactor),
        )

    def _make(self, session: Session) -> DevOpsAgent:
        return DevOpsAgent(
            tools=[bash, read_file],
            model=self.model,
            listener=session.tell,
            redactor=session.redactor,
            gate=Gate(Modes(assume_yes=True), redactor=session.redactor),
            shell=Shell(store=OutputStore(Path("outputs"), session.redactor)),
            conversation=session.conversation,
        )

    def _listen(self, event: events.Event) -> None:
        self._working.follow(event)
        for listener in self._listeners:
            listener(event)
        if isinstance(event, events.ToolCalled) and event.name == "bash" and event.effect:
            self._grow()
        if isinstance(event, events.OutputGrew):
            self.live += [event.text, *self._working.lines(200), self._kept_of_steps()]

    def _grow(self) -> None:
        """The command prints the text in pieces, cut within the secret and behind it."""
        parts = (1, self.length // 3, self.length // 2, self.length - 1, self.length, self.length + 1)
        for end in dict.fromkeys(self.at + part for part in parts):
            self.session.agent.shell.watcher(self.text[:end])
        lines = [at for at, letter in enumerate(self.text[self.at :], self.at + 1) if letter == "\n"]
        for end in lines[:4]:
            self.session.agent.shell.watcher(self.text[:end])

    def _kept_of_steps(self) -> str:
        with closing(sqlite3.connect("data/sessions.db")) as db:
            return str(db.execute("SELECT output FROM steps").fetchall())

    @property
    def store(self) -> str:
        """Every column, and the files as they lie on the disk."""
        with closing(sqlite3.connect("data/sessions.db")) as db:
            rows = [
                str(row)
                for name in ("sessions", "turns", "steps")
                for row in db.execute(f"SELECT * FROM {name}")
            ]
        files = [path.read_bytes().decode(errors="replace") for path in Path("data").glob("sessions.db*")]
        return "\n".join([*rows, *files])


@pytest.fixture(autouse=True)
def _writes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devops_agent.recording._GROWTH_SECONDS", 0.0)
    monkeypatch.setattr("devops_agent.recording._GROWTH_SHARE", 1.0)


@pytest.mark.parametrize("one", SECRETS, ids=lambda one: one["kind"])
def test_no_way_in_and_no_way_out_of_a_session_tells_a_secret(one: dict[str, str], tmp_path: Path) -> None:
    text, secret = one["text"], one["secret"]
    Path("found.txt").write_text(text, encoding="utf-8")
    seen = Seen(text, secret)
    session = seen.session
    with Path("found.txt").open(encoding="utf-8") as data:
        session.do("What is on standard input?", lambda: _texts(Reader(data).start(), session))
    session.own("cat found.txt", lambda grew: (grew(text[: len(text) // 2]) or text, 0))
    task, files = attached("What is wrong in @found.txt and in its copy?", session.redactor)
    session.do(task, lambda: files)
    out = [seen.screen.getvalue(), seen.lines.getvalue(), *seen.live, seen.store]
    out += [json.dumps(request, ensure_ascii=False) for request in seen.model.requests]
    out += _exports(session)
    assert [each for each in out if _tells(each, secret)] == []
    assert seen.live
    assert len(seen.model.requests) == 4
    whole = Redactor()(text)
    parts = {secret[at : at + _WINDOW] for at in range(max(1, len(secret) - _WINDOW + 1))}
    shown = {part for part in parts for each in seen.live if part in each and part not in whole}
    assert shown == set(), "a part of it was shown while it was printed"


def _exports(session: Session) -> Sequence[str]:
    assert session.store
    assert session.recording
    stored = session.store.load(session.recording.id)
    forms = [form(stored) for form in (export.markdown, export.script, export.as_json)]
    with suppress(UsageError):  # a look alone makes no runbook
        forms.append(export.runbook(stored, "Title"))
    return forms


def _tells(text: str, secret: str) -> bool:
    return secret in text or json.dumps(secret)[1:-1] in text


@pytest.mark.parametrize("one", SECRETS, ids=lambda one: one["kind"])
def test_neither_history_nor_draft_keep_a_secret_and_names_mean_nothing_there(
    one: dict[str, str], tmp_path: Path
) -> None:
    redactor = Redactor()
    history = History(tmp_path / "history", redactor.unnamed, lambda text: None)
    draft = Draft(tmp_path, redactor.unnamed)
    at = one["text"].index(one["secret"])
    for end in range(at, at + len(one["secret"]), 7):
        draft.keep(one["text"][:end])
    draft.keep(one["text"])
    history.store_string(one["text"])
    kept = [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()]
    assert len(kept) == 2
    for text in kept:
        assert not _tells(text.replace("\n+", "\n"), one["secret"])
        assert "[hidden-" not in text
    # what was typed in pieces has left no names behind that stand for pieces
    hidden = redactor(one["text"])
    assert not _tells(hidden, one["secret"])
    assert redactor.restored(hidden) == one["text"]
