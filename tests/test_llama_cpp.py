"""The embedded engine: what it says about files that are no model; with a real model, what it does.

DEVOPS_AGENT_TEST_MODEL names a GGUF file for the tests that run a model; any small one will do.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from smolagents.models import ChatMessage, MessageRole

from agent import bash, read_file
from conftest import PATIENCE, ROOT, Python
from devops_agent.chat import Sampling
from devops_agent.engines import llama_process
from devops_agent.engines.llama_cpp import LlamaCppChat
from devops_agent.errors import ContextOverflow, EngineError, ModelNotFound
from devops_agent.protocol import parse_reply

TOOLS = [bash, read_file]
_NAMED = os.environ.get("DEVOPS_AGENT_TEST_MODEL", "")
MODEL = Path(_NAMED).expanduser().resolve()

with_model = pytest.mark.skipif(not _NAMED, reason="DEVOPS_AGENT_TEST_MODEL names no GGUF file")


# --- files ------------------------------------------------------------------------------------------------


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ModelNotFound, match=r"No such file: qwen3-devops\.gguf\. Pass --model-path"):
        LlamaCppChat(Path("qwen3-devops.gguf")).load()


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"is a directory\. Pass --model-path with a GGUF file"):
        LlamaCppChat(tmp_path).load()


@pytest.mark.parametrize(
    "data", [b"", b"hello\nworld\n", b"GGUF", b"GGUF\x03\0\0\0" + b"\xff" * 64, b"\0" * 4096]
)
def test_a_file_that_is_no_model_is_an_engine_error_in_one_line(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(data)
    with pytest.raises(EngineError, match=r"Cannot load .*model\.gguf: it is not a GGUF model") as caught:
        LlamaCppChat(tmp_path / "model.gguf").load()
    assert not isinstance(caught.value, ModelNotFound)
    assert "\n" not in str(caught.value)


def test_a_missing_file_on_the_command_line_is_exit_code_3_and_no_traceback(python: Python) -> None:
    result = python("-m", "devops_agent", "--model-path", "qwen3-devops.gguf", "x")
    assert (result.returncode, result.stdout) == (3, "")
    assert "devops-agent: No such file: qwen3-devops.gguf." in result.stderr
    assert "Traceback" not in result.stderr


def test_a_file_that_is_no_model_on_the_command_line_is_exit_code_3_and_no_noise(
    python: Python, tmp_path: Path
) -> None:
    (tmp_path / "model.gguf").write_bytes(b"no model")
    result = python("-m", "devops_agent", "--model-path", "model.gguf", "x")
    assert (result.returncode, result.stdout) == (3, "")
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["Engine", "devops-agent"]


def test_nothing_is_loaded_before_it_is_needed(tmp_path: Path) -> None:
    LlamaCppChat(tmp_path / "missing.gguf")


# --- the engine's process, played by a script ---------------------------------------------------------------


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], LlamaCppChat]:
    """An engine whose process is the given script; `say(reply)` writes a reply, `heard()` reads a request."""

    def chat(script: str) -> LlamaCppChat:
        worker = tmp_path / "worker.py"
        worker.write_text(
            "import json, os, sys, time\n"
            "def say(reply): print(json.dumps(reply), flush=True)\n"
            "def heard(): return json.loads(sys.stdin.readline())\n" + script
        )
        monkeypatch.setattr(llama_process, "WORKER", worker)
        (tmp_path / "model.gguf").touch()
        return LlamaCppChat(tmp_path / "model.gguf")

    return chat


CHUNK = "{'choices': [{'delta': {'content': %r}, 'finish_reason': None}]}"


def test_ctrl_c_while_the_model_loads_ends_the_loading_at_once(
    play: Callable[[str], LlamaCppChat], tmp_path: Path
) -> None:
    chat = play(f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)")
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        chat.load()
    assert time.monotonic() - started < 0.5 + PATIENCE
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_an_engine_that_dies_while_it_loads_is_an_error_that_says_how(
    play: Callable[[str], LlamaCppChat],
) -> None:
    chat = play("print('ggml: not enough memory', file=sys.stderr, flush=True)\nos.abort()")
    with pytest.raises(EngineError, match=r"died \(SIGABRT\): ggml: not enough memory\.$"):
        chat.load()


def test_an_engine_that_is_killed_while_it_answers_is_an_error_and_starts_again(
    play: Callable[[str], LlamaCppChat],
) -> None:
    chat = play(
        "say({'loaded': True})\n"
        f"say({{'id': heard()['id'], 'chunk': {CHUNK % 'half'}}})\n"
        "os.write(1, b'{\"id\": 0, ')\n"
        "os.kill(os.getpid(), 9)"
    )
    for _ in range(2):
        with pytest.raises(EngineError, match=r"died \(SIGKILL\)\. Is there enough free memory\?"):
            chat.complete(user("x"), (), constrain=False)


def test_an_interrupted_request_is_stopped_and_its_rest_is_not_taken_for_the_next_answer(
    play: Callable[[str], LlamaCppChat],
) -> None:
    chat = play(
        "say({'loaded': True})\n"
        f"first = heard()['id']; say({{'id': first, 'chunk': {CHUNK % 'old'}}})\n"
        "os.kill(os.getppid(), 2)\n"
        f"assert heard() == {{'stop': first}}; say({{'id': first, 'chunk': {CHUNK % 'old'}}})\n"
        "say({'id': first, 'end': True})\n"
        f"second = heard()['id']; say({{'id': second, 'chunk': {CHUNK % 'new'}}})\n"
        "say({'id': second, 'end': True}); time.sleep(9)"
    )
    with pytest.raises(KeyboardInterrupt):
        chat.complete(user("x"), (), constrain=False)
    assert chat.complete(user("x"), (), constrain=False).text == "new"


# --- a real model -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chat() -> Iterator[LlamaCppChat]:
    model = LlamaCppChat(MODEL, Sampling(num_ctx=1024, num_predict=64))
    model.load()
    yield model


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


@with_model
def test_ctrl_c_on_the_command_line_while_the_model_loads_is_one_line_and_exit_code_130() -> None:
    command = [sys.executable, "-m", "devops_agent", "--model-path", str(MODEL), "x"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert run.stderr
    assert run.stderr.readline().startswith("Engine: embedded llama.cpp")
    time.sleep(0.3)
    started = time.monotonic()
    os.killpg(run.pid, signal.SIGINT)
    assert run.stderr.read() == "devops-agent: Interrupted.\n"
    assert run.wait() == 130
    assert time.monotonic() - started < PATIENCE


@with_model
def test_a_constrained_reply_is_a_call_and_its_rendering_is_the_same_bytes(chat: LlamaCppChat) -> None:
    done = chat.complete(user("List the files with ls."), TOOLS, constrain=True)
    reply = parse_reply(done.text, TOOLS)
    assert reply.call.name in ("bash", "read_file")
    assert reply.render() == done.text
    assert done.prompt_tokens
    assert done.output_tokens
    assert not done.truncated


@with_model
def test_the_likelihoods_of_replies_are_told(chat: LlamaCppChat) -> None:
    told = chat.weigh(user("What is 1 + 1? Answer with one digit."), ["0", "1", "2"])
    assert max(range(3), key=told.__getitem__) == 2
    assert 0.5 < sum(told) <= 1


@with_model
def test_the_same_beginning_is_not_evaluated_again(chat: LlamaCppChat) -> None:
    beginning = user("Remember these words: " + "pod node service " * 40)
    first = chat.complete(beginning, (), constrain=False)
    more = [*beginning, {"role": "assistant", "content": first.text}, *user("Which was the first word?")]
    second = chat.complete(more, (), constrain=False)
    assert first.prompt_tokens
    assert second.cached_tokens
    assert second.cached_tokens >= first.prompt_tokens - 16


@with_model
def test_a_step_evaluates_no_more_than_what_is_new_since_the_last_reply(chat: LlamaCppChat) -> None:
    task = user("List the files with ls.")
    first = chat.complete(task, TOOLS, constrain=True)
    more = [
        *task,
        {"role": "assistant", "content": first.text},
        *user("<tool_response>a b c</tool_response>"),
    ]
    second = chat.complete(more, TOOLS, constrain=True)
    assert first.prompt_tokens
    assert first.output_tokens
    assert second.cached_tokens
    assert second.cached_tokens >= first.prompt_tokens + first.output_tokens - 8


@with_model
def test_a_reply_at_the_limit_is_marked_as_cut(chat: LlamaCppChat) -> None:
    short = LlamaCppChat(MODEL, Sampling(num_ctx=1024, num_predict=4))
    short._process = chat._process  # one model in memory is enough
    done = short.complete(user("Count from 1 to 100."), (), constrain=False)
    assert done.truncated
    assert done.output_tokens == 4


@with_model
def test_a_conversation_that_does_not_fit_is_an_overflow_that_names_both_sizes(chat: LlamaCppChat) -> None:
    with pytest.raises(ContextOverflow, match=r"needs \d+ tokens, the context window has 1024\."):
        chat.complete(user("word " * 3000), (), constrain=False)


@with_model
def test_generate_gives_a_tool_call(chat: LlamaCppChat) -> None:
    message = chat.generate([ChatMessage(MessageRole.USER, "Run: ls -la")], tools_to_call_from=[bash])
    assert message.tool_calls
    assert message.tool_calls[0].function.name == "bash"


@with_model
@pytest.mark.parametrize("after", [0.3, 1.0])
def test_ctrl_c_stops_a_generation_within_a_second_and_the_next_request_works(
    after: float, chat: LlamaCppChat
) -> None:
    long = LlamaCppChat(MODEL, Sampling(num_ctx=1024, num_predict=900))
    long._process = chat._process
    timer = threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT))
    started = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        long.complete(user("Write a very long story about a container."), (), constrain=False)
    assert time.monotonic() - started < after + PATIENCE
    done = chat.complete(user("Say hello."), (), constrain=False)
    assert done.text
