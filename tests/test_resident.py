"""The engine that stays, with a llama.cpp that is played: who finds it, when it ends, and what it keeps."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from played_llama import PLAYED

from devops_agent import events
from devops_agent.chat import Sampling
from devops_agent.engines import resident
from devops_agent.engines.llama_cpp import LlamaCppChat
from devops_agent.engines.resident import CannotStay
from devops_agent.errors import EngineError
from devops_agent.process_identity import identity


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for sockets, short enough for them, whose engines end with the test."""
    played = tmp_path / "played"
    played.mkdir()
    (played / "xllamacpp.py").write_text(PLAYED)
    monkeypatch.setenv("PYTHONPATH", str(played))
    monkeypatch.chdir(tmp_path)
    place = Path(os.environ["HOME"]) / "run"
    if len(str(place)) > 70:
        pytest.skip(f"{place} is too long for a socket")
    yield place
    resident.stop(place)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF and more")
    return path


Chat = Callable[..., LlamaCppChat]


@pytest.fixture
def chat(place: Path, model: Path) -> Chat:
    """A model whose engine stays; with `listener`, `idle` and `states` as `LlamaCppChat` has them."""

    def make(path: Path = model, idle: float = 60, **kwargs: object) -> LlamaCppChat:
        return LlamaCppChat(path, Sampling(num_ctx=1024), place=place, idle=idle, **kwargs)  # type: ignore[arg-type]

    return make


def ask(chat: LlamaCppChat, text: str = "who?") -> str:
    return chat.complete([{"role": "user", "content": text}], (), constrain=False).text


def told_by(model: Path) -> list[str]:
    log = model.with_suffix(".log")
    return log.read_text().splitlines() if log.exists() else []


def wait_for(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def has_ended(pid: str) -> bool:
    return not identity(int(pid))


# --- who finds it -----------------------------------------------------------------------------------------


def test_it_answers_the_next_process_too(chat: Chat) -> None:
    first = chat()
    pid = ask(first)
    first.close()
    assert ask(chat()) == pid != str(os.getpid())


def test_two_that_begin_at_once_find_the_same(chat: Chat) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(ask(chat()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def ask_once(chat: LlamaCppChat) -> str:
    with closing(chat):
        return ask(chat)


def test_another_model_or_context_window_gets_another_and_the_first_one_ends(
    chat: Chat, model: Path, place: Path
) -> None:
    pid = ask_once(chat())
    other = model.with_name("other.gguf")
    other.write_bytes(b"GGUF")
    second = ask_once(chat(other))
    wait_for(lambda: has_ended(pid))
    wider = LlamaCppChat(other, Sampling(num_ctx=2048), place=place, idle=60)
    assert ask(wider) not in (pid, second)
    wait_for(lambda: has_ended(second))
    assert len(resident.running(place)) == 1


def test_one_that_is_in_use_stays_and_who_needs_another_has_its_own(
    chat: Chat, model: Path, place: Path
) -> None:
    with closing(chat()) as first:
        pid = ask(first)
        other = model.with_name("other.gguf")
        other.write_bytes(b"GGUF")
        second = ask_once(chat(other))
        wait_for(lambda: has_ended(second))  # with the run that has started it
        assert ask(first) == pid
        assert len(resident.running(place)) == 1
        assert resident.stop(place) == 1  # who says so means it
        wait_for(lambda: has_ended(pid))


def test_a_model_that_was_replaced_gets_another(chat: Chat, model: Path) -> None:
    pid = ask(chat())
    model.write_bytes(b"GGUF of another model")
    assert ask(chat()) != pid


def test_nobody_else_can_open_its_socket_and_no_port_is_told(chat: Chat, place: Path) -> None:
    ask(chat())
    (path,) = resident.running(place)
    assert path.stat().st_mode & 0o777 == 0o600
    assert place.stat().st_mode & 0o777 == 0o700


def test_one_of_an_open_folder_is_not_used(chat: Chat, place: Path) -> None:
    place.mkdir(mode=0o755)
    first = chat()
    with closing(first):
        pid = ask(first)
    wait_for(lambda: has_ended(pid))  # it was its own
    assert resident.running(place) == []


def test_a_path_that_is_too_long_for_a_socket_is_told(model: Path) -> None:
    told = {"path": str(model)}
    with pytest.raises(CannotStay, match="too long for a socket"):
        resident.connected(told, Path("/tmp") / ("long" * 30), 1)


def test_where_nothing_can_be_written_the_engine_is_the_processs_own(
    model: Path, tmp_path: Path, place: Path
) -> None:
    (tmp_path / "file").touch()
    own = LlamaCppChat(model, Sampling(num_ctx=1024), place=tmp_path / "file" / "run", idle=60)
    with closing(own):
        assert ask(own)


# --- when it ends -----------------------------------------------------------------------------------------


def test_it_ends_when_nobody_asks_and_is_started_again_without_a_word(chat: Chat, place: Path) -> None:
    heard: list[events.Event] = []
    model = chat(idle=0.3, listener=heard.append)
    pid = ask(model)
    wait_for(lambda: has_ended(pid))
    assert resident.running(place) == []
    assert ask(model) != pid
    assert not any(isinstance(event, events.Notice) for event in heard)


def test_it_ends_when_it_is_told_to(chat: Chat, place: Path) -> None:
    pid = ask(chat())
    assert resident.stop(place) == 1
    wait_for(lambda: has_ended(pid))
    assert list(place.glob("*.sock")) == []
    assert resident.stop(place) == 0


def test_one_that_was_killed_is_started_again_with_a_notice(chat: Chat) -> None:
    heard: list[events.Event] = []
    model = chat(listener=heard.append)
    pid = ask(model)
    os.kill(int(pid), signal.SIGKILL)
    wait_for(lambda: has_ended(pid))
    assert ask(model) != pid
    assert ask(chat()) == ask(model)


def test_one_that_dies_while_it_answers_is_started_again_with_a_notice(chat: Chat, model: Path) -> None:
    heard: list[events.Event] = []
    asked = chat(listener=heard.append)
    pid = ask(asked)
    dies = threading.Thread(target=lambda: ask(asked, "without end"), daemon=True)
    dies.start()
    wait_for(lambda: "asked without end" in told_by(model))
    os.kill(int(pid), signal.SIGKILL)
    wait_for(lambda: told_by(model).count("asked without end") == 2)
    assert [str(event.text) for event in heard if isinstance(event, events.Notice)] == [
        "The embedded engine died. Is there enough free memory? It is started again."
    ]


def test_what_is_no_model_is_told_and_leaves_nothing_behind(chat: Chat, model: Path, place: Path) -> None:
    model.write_bytes(b"nonsense")
    with pytest.raises(EngineError, match=r"Cannot load .*model\.gguf: it is not a GGUF model"):
        ask(chat())
    wait_for(lambda: list(place.glob("*.sock")) == [])


def test_a_client_that_goes_in_the_middle_of_an_answer_stops_it(chat: Chat, model: Path) -> None:
    pid = ask(chat())
    gone = chat()
    process = gone._running()
    answer = process.ask({"request": {"messages": [{"role": "user", "content": "without end"}]}})
    next(answer)
    process.close()
    wait_for(lambda: told_by(model)[-1] == "stopped")
    assert ask(chat()) == pid


def test_a_client_that_says_nonsense_is_left_and_the_others_are_answered(chat: Chat, place: Path) -> None:
    pid = ask(chat())
    (path,) = resident.running(place)
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(path))
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert ask(chat()) == pid


# --- what it keeps ----------------------------------------------------------------------------------------


def test_the_beginning_of_the_prompt_is_evaluated_once_and_then_read_from_the_disk(
    chat: Chat, model: Path, tmp_path: Path, place: Path
) -> None:
    states = tmp_path / "states"
    chat(states=states).prepare((), "")
    assert [line.split()[0] for line in told_by(model)] == ["asked", "save", "asked", "save"]
    chat(states=states).prepare((), "")
    assert len(told_by(model)) == 4  # it is in memory
    resident.stop(place)
    chat(states=states).prepare((), "")
    assert told_by(model)[4:] == ["restore", "restore"]
    assert {path.stat().st_mode & 0o077 for path in (states,)} == {0}


def test_a_state_that_was_damaged_or_is_of_another_prompt_is_evaluated_again(
    chat: Chat, model: Path, tmp_path: Path, place: Path
) -> None:
    states = tmp_path / "states"
    chat(states=states).prepare((), "")
    for state in states.glob("*[!6]"):
        state.write_text("stat")
    resident.stop(place)
    chat(states=states).prepare((), "")
    assert [line.split()[0] for line in told_by(model)[4:]] == ["asked", "save", "asked", "save"]
    chat(states=states).prepare((), "Other instructions.")
    assert [line.split()[0] for line in told_by(model)[8:]] == ["asked", "save"]


def test_a_beginning_that_cannot_be_evaluated_is_not_kept(chat: Chat, model: Path, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(EngineError, match="too much"):
            chat(states=tmp_path / "states").prepare((), "Fail.")
    assert not any(line.startswith(("save", "restore")) for line in told_by(model))


def test_an_engine_that_is_started_again_holds_the_beginning_again(
    chat: Chat, model: Path, tmp_path: Path
) -> None:
    told = chat(states=tmp_path / "states")
    told.prepare((), "")
    pid = ask(told)
    os.kill(int(pid), signal.SIGKILL)
    wait_for(lambda: has_ended(pid))
    ask(told)
    assert told_by(model)[-3:] == ["restore", "restore", "asked who?"]
