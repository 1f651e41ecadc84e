"""OllamaChat against a real HTTP server: the bytes sent, the stream read, and every way in which it fails."""

import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fake_ollama import BUSY, LLAMA_CPP_OVERFLOW, OVERFLOW, FakeOllama, Reply, call
from smolagents.models import ChatMessage, MessageRole

import ollama_backend
from agent import DevOpsAgent, bash, get_env, read_file, write_file
from conftest import ROOT
from devops_agent import events, protocol, recipe_choice
from devops_agent.chat import Sampling
from devops_agent.constraints import call_schema
from devops_agent.errors import ContextOverflow, EngineError, EngineUnreachable, ModelNotFound, ProtocolError
from ollama_backend import OllamaChat

TOOLS = [bash, read_file]
ASK = [ChatMessage(MessageRole.USER, "List the files")]
LIST = call("bash", command="ls")
SAID = {"role": "user", "content": "List the files"}


def ask(chat: OllamaChat, messages: list[ChatMessage] = ASK) -> ChatMessage:
    return chat.generate(messages, tools_to_call_from=TOOLS)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy server is asked again without waiting."""
    monkeypatch.setattr(ollama_backend, "_BUSY_WAITS", (0.0, 0.0, 0.0))


# --- how likely a reply is --------------------------------------------------------------------------------


def test_how_likely_each_reply_is_the_server_tells(ollama: FakeOllama) -> None:
    ollama.likely = {"1": 0.6, " 2": 0.3, "0": 0.1}
    chat = OllamaChat("qwen3-devops", ollama.url)
    messages = [{"role": "user", "content": "Which?"}]
    assert chat.weigh(messages, ["0", "1", "2", "3"]) == pytest.approx([0.1, 0.6, 0.3, 0.0])
    (body,) = ollama.weighed
    assert body["messages"] == messages
    assert (body["logprobs"], body["options"]["num_predict"], body["options"]["num_ctx"]) == (True, 1, 8192)


def test_a_server_that_does_not_tell_is_no_failure(ollama: FakeOllama) -> None:
    assert OllamaChat("qwen3-devops", ollama.url).weigh([{"role": "user", "content": "x"}], ["0"]) == []


# --- the request ------------------------------------------------------------------------------------------


def test_the_request_is_exactly_this(ollama: FakeOllama) -> None:
    ollama.script(LIST)
    ask(OllamaChat("qwen3-devops", ollama.url, constrain=False))
    assert ollama.chats == [
        {
            "model": "qwen3-devops",
            "messages": [
                {"role": "system", "content": protocol.system_prompt(TOOLS)},
                {"role": "user", "content": "List the files"},
            ],
            "stream": True,
            "think": False,
            "keep_alive": "30m",
            "truncate": False,
            "shift": False,
            "options": {"num_ctx": 8192, "num_predict": 2048, "stop": ["<|im_end|>", "</tool_call>"]},
        }
    ]


@pytest.mark.parametrize(
    ("parameters", "sampling", "sent"),
    [
        ("", Sampling(), {"temperature": 0.0}),
        ("temperature 0.7", Sampling(), {}),
        ("temperature                    0.7\ntop_p 0.8", Sampling(), {}),
        ("temperature 0.7", Sampling(temperature=0.2), {"temperature": 0.2}),
        ("temperature 0.7", Sampling(temperature=0.0), {"temperature": 0.0}),
        ("", Sampling(temperature=0.5, top_p=0.9), {"temperature": 0.5, "top_p": 0.9}),
        ("temperature 1", Sampling(top_p=0.5), {"top_p": 0.5}),
    ],
)
def test_the_temperature_is_0_only_where_neither_the_user_nor_the_model_sets_one(
    parameters: str, sampling: Sampling, sent: dict[str, float], ollama: FakeOllama
) -> None:
    ollama.parameters = parameters
    ollama.script(LIST)
    ask(OllamaChat("m", ollama.url, sampling))
    options = ollama.chats[0]["options"]
    assert {name: options.get(name) for name in ("temperature", "top_p") if name in options} == sent


def test_limits_that_were_set_are_sent(ollama: FakeOllama) -> None:
    ollama.parameters = ""
    ollama.script(LIST)
    ask(OllamaChat("m", ollama.url, Sampling(num_ctx=4096, num_predict=100), keep_alive="5m"))
    body = ollama.chats[0]
    assert body["keep_alive"] == "5m"
    assert body["options"] == {
        "num_ctx": 4096,
        "num_predict": 100,
        "stop": ["</tool_call>"],
        "temperature": 0.0,
    }


def test_the_models_own_stop_sequences_stay(ollama: FakeOllama) -> None:
    ollama.parameters = 'stop                           "<|im_start|>"\nstop "<|im_end|>"\nnum_ctx 2048'
    ollama.script(LIST)
    ask(OllamaChat("m", ollama.url))
    assert ollama.chats[0]["options"]["stop"] == ["<|im_start|>", "<|im_end|>", "</tool_call>"]


def test_the_models_parameters_are_asked_for_once_and_the_options_stay_the_same(ollama: FakeOllama) -> None:
    ollama.script(LIST)
    chat = OllamaChat("m", ollama.url)
    for _ in range(3):
        ask(chat)
    assert ollama.paths() == ["POST /api/show", *["POST /api/chat"] * 3]
    assert ollama.requests[0].body == {"model": "m"}
    assert len({json.dumps(body["options"]) for body in ollama.chats}) == 1


def test_each_request_of_a_run_begins_with_the_bytes_of_the_one_before(ollama: FakeOllama) -> None:
    """So the server's prefix cache holds: only what is new is evaluated."""
    ollama.script(
        Reply('<think>Look.</think>\n{"name": "bash", "arguments": {"cmd": "echo größe"}}'),
        call("write_file", path="a.txt", content='quote " and \\ and\nline'),
        call("read_file", path="missing.txt"),
        call("read_file", path="a.txt"),
        call("final_answer", answer="Done."),
    )
    model = OllamaChat("m", ollama.url, constrain=False)
    agent = DevOpsAgent([read_file, write_file, bash, get_env], model)
    assert agent.run("Write a file") == "Done."
    conversations = [body["messages"] for body in ollama.chats]
    assert [len(messages) for messages in conversations] == [2, 4, 6, 8, 10]
    for before, after in itertools.pairwise(conversations):
        assert json.dumps(after).startswith(json.dumps(before)[:-1])
    raw = [request.raw for request in ollama.requests if request.path == "/api/chat"]
    for before_raw, after_raw in itertools.pairwise(raw):
        end = before_raw.index(b'], "stream"')
        assert after_raw.startswith(before_raw[:end])
    assert [message["role"] for message in conversations[-1]] == [
        "system",
        *["user", "assistant"] * 4,
        "user",
    ]


# --- the reply --------------------------------------------------------------------------------------------


def test_a_streamed_reply_is_joined_and_read_as_a_call(ollama: FakeOllama) -> None:
    ollama.script(call("bash", command="echo größe ✅"))
    message = ask(OllamaChat("m", ollama.url))
    assert message.tool_calls
    assert message.tool_calls[0].function.name == "bash"
    assert message.tool_calls[0].function.arguments == {"command": "echo größe ✅"}
    assert message.token_usage
    assert (message.token_usage.input_tokens, message.token_usage.output_tokens) == (321, 12)


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"name": "bash", "arguments": {"command": "ls"}}\n```',
        '{"name": "bash", "arguments": {"command": "ls"}}',
        '<tool_call>\n{"name": "bash", "arguments": {"command": "ls"}}\n</tool_call>',
    ],
)
def test_the_connection_is_closed_as_soon_as_the_call_is_complete(text: str, ollama: FakeOllama) -> None:
    """Closing it is what makes Ollama stop the generation."""
    ollama.script(Reply(text, endless=True))
    started = time.monotonic()
    message = ask(OllamaChat("m", ollama.url))
    assert message.tool_calls
    assert message.tool_calls[0].function.arguments == {"command": "ls"}
    assert ollama.hung_up.wait(3)
    assert time.monotonic() - started < 3


def test_the_next_request_works_after_a_stream_that_was_stopped(ollama: FakeOllama) -> None:
    ollama.script(Reply('{"name": "bash", "arguments": {"command": "ls"}}', endless=True), LIST)
    chat = OllamaChat("m", ollama.url)
    assert ask(chat).tool_calls
    assert ask(chat).tool_calls


def test_a_reply_that_was_cut_at_the_limit_is_told_to_the_model_as_such(ollama: FakeOllama) -> None:
    ollama.script(Reply('<tool_call>\n{"name": "bash", "argum', done_reason="length"))
    chat = OllamaChat("m", ollama.url, Sampling(num_predict=50))
    message = ask(chat)
    assert message.tool_calls is None
    with pytest.raises(ProtocolError, match=r"cut off after 50 tokens\. Make the call shorter"):
        chat.parse_tool_calls(message)


def test_thinking_and_each_exchange_are_told_to_the_listener(ollama: FakeOllama) -> None:
    told: list[events.Event] = []
    ollama.script(LIST)
    ask(OllamaChat("m", ollama.url, listener=told.append))
    grew = [event.text for event in told if isinstance(event, events.ReplyGrew)]
    assert len(grew) > 1
    assert all(longer.startswith(text) for text, longer in itertools.pairwise(grew))
    first, *_, ended, exchange = told
    assert (type(first), type(ended)) == (events.ThinkingStarted, events.ThinkingEnded)
    assert isinstance(exchange, events.Exchange)
    assert exchange.reply == grew[-1]
    assert (exchange.prompt_tokens, exchange.output_tokens, exchange.constrained) == (321, 12, True)


def test_the_end_of_thinking_is_told_when_the_engine_fails_too(ollama: FakeOllama) -> None:
    told: list[events.Event] = []
    ollama.script(Reply(status=500, error="x"))
    with pytest.raises(EngineError):
        ask(OllamaChat("m", ollama.url, listener=told.append))
    assert isinstance(told[-1], events.ThinkingEnded)


# --- constrained replies ----------------------------------------------------------------------------------


def test_a_reply_without_a_call_is_asked_for_once_more_with_the_schema_of_a_call(ollama: FakeOllama) -> None:
    ollama.script(Reply("I would list the files."), Reply('{"name": "bash", "arguments": {"command": "ls"}}'))
    assert ask(OllamaChat("m", ollama.url, constrain=False)).tool_calls
    first, second = ollama.chats
    assert "format" not in first
    assert second["format"] == call_schema(TOOLS)
    assert {**second, "format": None} == {**first, "format": None}


def test_a_second_reply_without_a_call_goes_to_the_model_as_its_mistake(ollama: FakeOllama) -> None:
    ollama.script(Reply("No."))
    chat = OllamaChat("m", ollama.url, constrain=False)
    message = ask(chat)
    assert len(ollama.chats) == 2
    assert message.tool_calls is None
    with pytest.raises(ProtocolError, match="holds no tool call"):
        chat.parse_tool_calls(message)


def test_with_constrain_the_schema_is_there_from_the_start_and_there_is_no_second_try(
    ollama: FakeOllama,
) -> None:
    ollama.script(Reply("No."))
    assert ask(OllamaChat("m", ollama.url, constrain=True)).tool_calls is None
    assert [body["format"] for body in ollama.chats] == [call_schema(TOOLS)]


def test_without_tools_the_reply_is_plain_text(ollama: FakeOllama) -> None:
    ollama.script(Reply("Just text."))
    message = OllamaChat("m", ollama.url, constrain=True).generate(ASK)
    assert message.content == "Just text."
    assert [body["messages"] for body in ollama.chats] == [[{"role": "user", "content": "List the files"}]]
    assert "format" not in ollama.chats[0]


# --- failures ---------------------------------------------------------------------------------------------

HTML = b"<!DOCTYPE html>\n<html>\n<body>It works!</body>\n</html>\n"


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (Reply("<tool_", error="llama runner process has terminated"), EngineError, "failed: llama runner"),
        (Reply("<tool_", error=OVERFLOW), ContextOverflow, "does not fit the context window of 8192 tokens"),
        (
            Reply(status=404, error="model 'm' not found"),
            ModelNotFound,
            "Model not found: m. See `ollama list`",
        ),
        (Reply(status=404, raw=b"404 page not found"), EngineError, "failed: 404 page not found"),
        (Reply(status=503, error=BUSY), EngineError, "failed: server busy"),
        (Reply(status=500, error="cudaMalloc failed"), EngineError, "failed: cudaMalloc failed"),
        (Reply(status=500, raw=b""), EngineError, "failed: HTTP status 500"),
        (Reply(status=502, raw=HTML), EngineError, "failed: <!DOCTYPE html>"),
        (Reply(status=400, error='"m" does not support thinking'), EngineError, "does not support thinking"),
        (
            Reply(status=400, error=OVERFLOW),
            ContextOverflow,
            "does not fit the context window of 8192 tokens",
        ),
        (Reply(status=400, error=LLAMA_CPP_OVERFLOW), ContextOverflow, "does not fit the context window"),
        (Reply(raw=b"garbage\n"), EngineError, "does not speak Ollama's protocol: b'garbage'"),
        (Reply(raw=b"\xff\xfe\n"), EngineError, "does not speak Ollama's protocol"),
        (Reply(raw=b"[1]\n"), EngineError, "does not speak Ollama's protocol"),
        (Reply(raw=b'{"message": "hello"}\n'), EngineError, "does not speak Ollama's protocol"),
        (Reply(raw=HTML), EngineError, "does not speak Ollama's protocol: b'<!DOCTYPE html>'"),
        (Reply("<tool_", done=False), EngineError, "ended its reply before it was done"),
        (Reply(raw=b""), EngineError, "ended its reply before it was done"),
        (Reply("<tool_", cut=True), EngineError, "Ollama at http://127.0.0.1:"),
    ],
)
@pytest.mark.usefixtures("quick")
def test_every_failure_has_its_class_and_one_line(
    reply: Reply, error: type[EngineError], message: str, ollama: FakeOllama
) -> None:
    ollama.script(reply)
    with pytest.raises(EngineError) as caught:
        ask(OllamaChat("m", ollama.url))
    assert type(caught.value) is error
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["/api/show", "/api/tags"])
@pytest.mark.parametrize("page", [HTML, b"", b"[]", b"null"])
def test_a_web_server_in_ollamas_place_is_an_engine_error(path: str, page: bytes, ollama: FakeOllama) -> None:
    ollama.pages[path] = page
    chat = OllamaChat("m", ollama.url)
    with pytest.raises(EngineError, match="does not speak Ollama's protocol") as caught:
        chat.installed() if path == "/api/tags" else ask(chat)
    assert "\n" not in str(caught.value)


def test_a_busy_server_is_asked_again_after_a_second(ollama: FakeOllama) -> None:
    ollama.script(Reply(status=503, error=BUSY), LIST)
    started = time.monotonic()
    assert ask(OllamaChat("m", ollama.url)).tool_calls
    assert 0.9 < time.monotonic() - started < 4
    assert len(ollama.chats) == 2


@pytest.mark.usefixtures("quick")
def test_a_server_that_stays_busy_is_asked_four_times(ollama: FakeOllama) -> None:
    ollama.script(Reply(status=503, error=BUSY))
    with pytest.raises(EngineError):
        ask(OllamaChat("m", ollama.url))
    assert len(ollama.chats) == 4


@pytest.mark.parametrize("text", ["", "<tool_"])
def test_a_server_that_falls_silent_is_given_up_after_the_timeout(text: str, ollama: FakeOllama) -> None:
    ollama.script(Reply(text, hang=True))
    started = time.monotonic()
    with pytest.raises(EngineUnreachable, match=r"did not answer for 0\.4 seconds"):
        ask(OllamaChat("m", ollama.url, timeout=0.4))
    assert time.monotonic() - started < 3


def test_a_server_that_accepts_and_says_nothing_is_given_up_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        chat = OllamaChat("m", f"127.0.0.1:{silent.getsockname()[1]}", timeout=0.4)
        with pytest.raises(EngineUnreachable, match=r"did not answer for 0\.4 seconds"):
            ask(chat)


def test_how_long_the_list_of_models_was_waited_for_is_said_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ollama_backend, "_LIST_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        chat = OllamaChat("m", f"127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(EngineUnreachable, match=r"did not answer for 0\.3 seconds"):
            chat.installed()


def test_where_nothing_listens_it_says_how_to_start_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    chat = OllamaChat("m", f"127.0.0.1:{port}")
    with pytest.raises(EngineUnreachable) as caught:
        chat.installed()
    assert str(caught.value) == (
        f"Cannot connect to Ollama at http://127.0.0.1:{port}. Start it with `ollama serve`, "
        "set OLLAMA_HOST, or use --backend llama-cpp."
    )
    with pytest.raises(EngineUnreachable, match="Cannot connect to Ollama"):
        ask(chat)


@pytest.mark.parametrize(
    ("name", "installed"),
    [("qwen3-devops", True), ("qwen3-devops:latest", True), ("qwen3-devops:1b", False), ("qwen3", False)],
)
def test_a_model_is_installed_with_or_without_its_tag(name: str, installed: bool, ollama: FakeOllama) -> None:
    assert OllamaChat(name, ollama.url).installed() is installed
    assert ollama.paths() == ["GET /api/tags"]


# --- a conversation that is too long ----------------------------------------------------------------------


def long_conversation() -> list[ChatMessage]:
    messages = [ChatMessage(MessageRole.USER, "Find the error")]
    for number in range(6):
        shown = protocol.Call("bash", {"command": f"cat {number}"}).render()
        messages.append(ChatMessage(MessageRole.ASSISTANT, shown))
        messages.append(ChatMessage(MessageRole.USER, protocol.format_tool_response(f"{number} " * 1000)))
    return messages


def test_overflow_is_tried_once_more_with_a_shorter_conversation(ollama: FakeOllama) -> None:
    ollama.script(Reply(status=400, error=OVERFLOW), LIST)
    assert ask(OllamaChat("m", ollama.url), long_conversation()).tool_calls
    first, second = (body["messages"] for body in ollama.chats)
    assert len(json.dumps(second)) < len(json.dumps(first))
    assert second[:2] == first[:2]  # the prompt and the task
    assert second[-2:] == first[-2:]  # the newest call and its result
    assert [m["role"] for m in second] == [m["role"] for m in first]


def test_overflow_twice_is_the_users_to_solve(ollama: FakeOllama) -> None:
    ollama.script(Reply(status=400, error=OVERFLOW))
    with pytest.raises(ContextOverflow, match="Set num_ctx higher in the configuration, or split the task"):
        ask(OllamaChat("m", ollama.url), long_conversation())
    assert len(ollama.chats) == 2


# --- where it connects to ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form", ["{port}", "127.0.0.1:{port}", "http://127.0.0.1:{port}/api/chat", "'0.0.0.0:{port}' "]
)
def test_every_form_of_ollama_host_reaches_the_server(form: str, ollama: FakeOllama) -> None:
    value = form.format(port=ollama.port) if "." in form else f":{ollama.port}"
    chat = OllamaChat("qwen3-devops", value)
    assert chat.installed()
    assert chat.endpoint == f"{ollama.url}/api/chat"


class _Proxy(BaseHTTPRequestHandler):
    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        data = json.dumps({"models": [{"name": "m:latest"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy on the loopback: its URL, and the URLs that it was asked for."""
    seen: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Proxy,), {"seen": seen}))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", seen
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", ["proxy..test", "x" * 64])
def test_a_proxy_whose_name_is_none_is_an_engine_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://{name}:1")
    with pytest.raises(EngineError, match=r"^The request to Ollama at .* failed: "):
        OllamaChat("m", "http://ollama.test:11434").installed()


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_proxy_is_used_for_another_machine(
    variable: str, proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, seen = proxy
    monkeypatch.setenv(variable, url)
    assert OllamaChat("m", "http://ollama.test:11434").installed()
    assert seen == ["http://ollama.test:11434/api/tags"]


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_proxy_is_used_for_this_machine(
    variable: str, host: str, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    chat = OllamaChat("qwen3-devops", f"{host}:{ollama.port}")
    assert chat.installed()
    ollama.script(LIST)
    assert ask(chat).tool_calls


AUDITED = """\
import sys
seen = []
def hook(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.bind"):
        seen.append((event, arguments))
sys.addaudithook(hook)
from devops_agent.__main__ import main
code = main(["do it"])
for event, arguments in seen:
    address = arguments[1] if event in ("socket.connect", "socket.bind") else arguments[:2]
    print(event, *address, file=sys.stderr)
sys.exit(code)
"""


def test_a_run_connects_to_the_engine_and_to_nothing_else(ollama: FakeOllama) -> None:
    """No telemetry, no update check, no hub: every address that the process connects to or looks up."""
    ollama.script(
        call("write_file", path="a", content="x"),
        call("bash", command="cat a"),
        call("final_answer", answer="Done."),
    )
    result = subprocess.run(
        [sys.executable, "-c", AUDITED],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OLLAMA_HOST": ollama.url, "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, "✅ Done.\n")
    seen = {line for line in result.stderr.splitlines() if line.startswith("socket.")}
    assert f"socket.connect 127.0.0.1 {ollama.port}" in seen
    assert seen <= {
        f"socket.connect 127.0.0.1 {ollama.port}",
        f"socket.getaddrinfo 127.0.0.1 {ollama.port}",
        "socket.bind ::1 0",  # urllib3 tries at its import whether there is IPv6
    }


def test_nothing_is_asked_before_the_first_use(ollama: FakeOllama) -> None:
    OllamaChat("m", ollama.url)
    assert ollama.requests == []


def test_the_server_loads_the_model_and_reads_the_prompt_before_there_is_a_task(ollama: FakeOllama) -> None:
    ollama.script(call("final_answer", answer="Done."))
    model = OllamaChat("m", ollama.url, Sampling(num_predict=99), "7m")
    model.prepare(TOOLS, "Be kind.")
    model.complete([SAID], TOOLS, constrain=True)
    (loaded,) = ollama.prepared
    assert (loaded["model"], loaded["keep_alive"]) == ("m", "7m")
    system, user = loaded["messages"]
    assert (system["content"], user["content"]) == (protocol.system_prompt(TOOLS, "Be kind."), "")
    # with others the server would load it anew
    assert loaded["options"] == {**ollama.chats[0]["options"], "num_predict": 1}


def test_the_choice_of_a_recipe_stands_behind_the_same_prompt(ollama: FakeOllama) -> None:
    """A server has one slot, and would read the prompt anew for the task behind it."""
    ollama.likely = {"1": 0.9, "0": 0.1}
    model = OllamaChat("m", ollama.url)
    model.prepare(TOOLS, "")
    assert recipe_choice.chosen(model.weigh, "Restart web", ["Restart a deployment"], None) == 0
    (loaded,), (weighed,) = ollama.prepared, ollama.weighed
    system, first, *others = weighed["messages"]
    assert system == loaded["messages"][0]
    instruction, *examples = recipe_choice.beginning()
    assert first["content"] == f"{instruction['content']}\n\n{examples[0]['content']}"
    assert others[:-1] == examples[1:]
    assert others[-1]["content"] == "Task: Restart web\nActions:\n1. Restart a deployment"


def test_a_server_that_is_gone_is_told_of_by_the_first_task() -> None:
    model = OllamaChat("m", "http://127.0.0.1:9")
    model.prepare(TOOLS, "")
    with pytest.raises(EngineUnreachable, match="Cannot connect"):
        model.complete([SAID], TOOLS, constrain=False)


def test_the_class_is_reachable_by_its_two_documented_names() -> None:
    import agent

    assert agent.OllamaChat is OllamaChat
    defaults: dict[str, Any] = {
        "model": ollama_backend.DEFAULT_MODEL,
        "endpoint": ollama_backend.DEFAULT_ENDPOINT,
    }
    assert defaults == {"model": "qwen3-devops", "endpoint": "http://localhost:11434/api/chat"}
