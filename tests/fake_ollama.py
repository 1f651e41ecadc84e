"""A fake of Ollama's HTTP API on a loopback port: it answers from a script and records what it was sent.

    with FakeOllama(call("bash", command="ls"), call("final_answer", answer="Two files.")) as ollama:
        chat = OllamaChat("qwen3-devops", ollama.url)

Like the real one it streams NDJSON in HTTP chunks, a few characters a line.
"""

import json
import math
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

BUSY = "server busy, please try again.  maximum pending requests exceeded"
OVERFLOW = "the input length exceeds the context length"
LLAMA_CPP_OVERFLOW = (
    "request (9000 tokens) exceeds the available context size (8192 tokens), try increasing it"
)


@dataclass
class Reply:
    """One scripted answer of `/api/chat`.

    Attributes:
        text: What the model says, streamed in pieces.
        status: Another status than 200 sends `{"error": error}` with it.
        error: Under status 200 a line `{"error": …}` behind the text.
        raw: Sent instead of NDJSON.
        done: Whether the stream has its last line.
        done_reason: Why it ended.
        endless: After the text the model chatters until the client hangs up.
        hang: After the text nothing is sent until the server is closed.
        cut: After the text the connection is dropped in the middle of a chunk.
    """

    text: str = ""
    status: int = 200
    error: str = ""
    raw: bytes | None = None
    done: bool = True
    done_reason: str = "stop"
    endless: bool = False
    hang: bool = False
    cut: bool = False


def call(name: str, **arguments: Any) -> Reply:
    """A reply as a trained model gives it: Ollama cuts it at the stop sequence, so the end tag is missing."""
    body = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
    return Reply(f"<tool_call>\n{body}\n")


@dataclass
class Request:
    """What a client sent."""

    method: str
    path: str
    body: Any
    raw: bytes


class FakeOllama:
    """The server; use it as a context manager.

    Attributes:
        replies: The script of `/api/chat`; the last one is repeated.
        likely: What a request for likelihoods is told of its first token; none, as by an older server.
        models: Names in `/api/tags`.
        parameters: The `parameters` text of `/api/show`.
        pages: Raw bytes that a path answers with instead, under status 200.
        requests: What was asked, in order.
        hung_up: Set when a client closed the connection in the middle of a reply.
    """

    def __init__(self, *replies: Reply, port: int = 0) -> None:
        self.replies = list(replies)
        self.likely: dict[str, float] = {}
        self.models = ["qwen3-devops:latest"]
        self.parameters = 'stop "<|im_end|>"\ntemperature 0.7'
        self.pages: dict[str, bytes] = {}
        self.requests: list[Request] = []
        self.hung_up = threading.Event()
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.fake = self
        self._lock = threading.Lock()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def chats(self) -> list[Any]:
        """The bodies sent to `/api/chat` for a reply."""
        return [body for body in self._bodies if not _asks_how_likely(body) and body.get("stream", True)]

    @property
    def prepared(self) -> list[Any]:
        """The bodies sent to `/api/chat` only so that the model is loaded and the prompt's beginning read."""
        return [body for body in self._bodies if not body.get("stream", True)]

    @property
    def weighed(self) -> list[Any]:
        """The bodies sent to `/api/chat` for likelihoods."""
        return [body for body in self._bodies if _asks_how_likely(body)]

    @property
    def _bodies(self) -> list[Any]:
        return [request.body for request in self.requests if request.path == "/api/chat"]

    @property
    def is_down(self) -> bool:
        return bool(self.replies) and self.replies[0].status != 200

    def paths(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests]

    def script(self, *replies: Reply) -> None:
        self.replies = list(replies)

    def next_reply(self) -> Reply:
        with self._lock:
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def __enter__(self) -> "FakeOllama":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def die(self) -> None:
        """Ends it as kill does: its connections break off."""
        self.__exit__()
        for connection in self._server.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    fake: FakeOllama

    def __init__(self, *arguments: Any) -> None:
        self.connections: list[socket.socket] = []
        super().__init__(*arguments)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.connections.append(connection)
        return connection, address

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def fake(self) -> FakeOllama:
        return cast(_Server, self.server).fake

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _answer(self, raw: bytes) -> None:
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = None
        self.fake.requests.append(Request(self.command, self.path, body, raw))
        if self.path in self.fake.pages:
            self._send(200, self.fake.pages[self.path])
        elif self.path == "/api/tags":
            self._json(200, {"models": [{"name": name, "model": name} for name in self.fake.models]})
        elif self.path == "/api/show":
            self._json(200, {"parameters": self.fake.parameters, "capabilities": ["completion"]})
        elif self.path == "/api/chat" and _asks_how_likely(body) and not self.fake.is_down:
            self._send(200, _weighed(self.fake.likely))
        elif self.path == "/api/chat" and isinstance(body, dict) and body.get("stream") is False:
            self._json(200, {"message": {"role": "assistant", "content": "O"}, "done": True})
        elif self.path == "/api/chat":
            self._chat(self.fake.next_reply())
        else:
            self._send(404, b"404 page not found")

    def _chat(self, reply: Reply) -> None:
        if reply.status != 200:
            if reply.raw is None:
                return self._json(reply.status, {"error": reply.error})
            return self._send(reply.status, reply.raw)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for line in self._lines(reply):
                self._chunk(line)
            if not reply.cut:
                return self._chunk(b"")
            self.wfile.write(b"ff\r\n{")
            self.close_connection = True
        except OSError:
            self.fake.hung_up.set()
            self.close_connection = True

    def _lines(self, reply: Reply) -> Iterator[bytes]:
        if reply.raw is not None:
            yield reply.raw
            return
        for start in range(0, len(reply.text), 7):
            yield _line(message={"role": "assistant", "content": reply.text[start : start + 7]}, done=False)
        if reply.error:
            yield _line(error=reply.error)
            return
        while reply.endless and not self.fake.closing.wait(0.005):
            yield _line(message={"role": "assistant", "content": "blah "}, done=False)
        if reply.hang:
            self.fake.closing.wait()
        elif reply.done and not reply.cut:
            yield _line(
                message={"role": "assistant", "content": ""},
                done=True,
                done_reason=reply.done_reason,
                prompt_eval_count=321,
                eval_count=12,
            )

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _json(self, status: int, value: object) -> None:
        self._send(status, json.dumps(value).encode())

    def _send(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _asks_how_likely(body: Any) -> bool:
    return isinstance(body, dict) and bool(body.get("logprobs"))


def _weighed(likely: dict[str, float]) -> bytes:
    top = [{"token": token, "logprob": math.log(share)} for token, share in likely.items()]
    said = {"role": "assistant", "content": next(iter(likely), "0")}
    told = {"logprobs": [{**top[0], "top_logprobs": top}]} if top else {}
    done = _line(message={"role": "assistant", "content": ""}, done=True, done_reason="length")
    return _line(message=said, done=False, **told) + done


def _line(**values: Any) -> bytes:
    return json.dumps({"model": "qwen3-devops", **values}).encode() + b"\n"
