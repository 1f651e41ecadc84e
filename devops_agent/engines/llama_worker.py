"""The process that holds the embedded engine: it loads a GGUF model and answers requests, a JSON line each.

It is run as a file and imports nothing of the package. A process of its own, because xllamacpp holds Python's
lock while it loads, so that nothing else in its process runs for seconds; and because llama.cpp ends the
process when it fails badly.

It writes `{"loaded": true}` or `{"failed": reason}` first. A request `{"id": n, "request": …}` is answered by
`{"id": n, "chunk": …}` lines and `{"id": n, "end": true}`; `{"stop": n}` stops it at the next token or batch
of the prompt. It ends when its standard input does.
"""

import json
import os
import queue
import secrets
import sys
import threading
from typing import IO, Any

# A batch is the longest time for which the engine cannot be stopped: 128 tokens take 2 to 3 s on two cores.
_BATCH = 128


def main(path: str, num_ctx: str) -> None:
    """Loads the model and answers until the standard input ends."""
    replies = _Replies()
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    stopped: set[int] = set()
    threading.Thread(target=_read, args=(sys.stdin, requests, stopped), daemon=True).start()
    try:
        server = _load(path, int(num_ctx))
    except ImportError as error:
        return replies.write({"failed": f"the package xllamacpp is missing ({error})"})
    except (RuntimeError, ValueError):
        return replies.write({"failed": "it is not a GGUF model that this engine can run"})
    replies.write({"loaded": True})
    while True:
        _answer(server, requests.get(), replies, stopped)


class _Replies:
    """The standard output, kept from what the engine itself prints."""

    def __init__(self) -> None:
        self._out: IO[str] = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def write(self, reply: dict[str, Any]) -> None:
        self._out.write(json.dumps(reply) + "\n")
        self._out.flush()


def _read(stream: IO[str], requests: "queue.SimpleQueue[dict[str, Any]]", stopped: set[int]) -> None:
    for line in stream:
        message = json.loads(line)
        if "stop" in message:
            stopped.add(message["stop"])
        else:
            requests.put(message)
    os._exit(0)


def _load(path: str, num_ctx: int) -> Any:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = path
    parameters.n_ctx = num_ctx
    parameters.n_parallel = 1
    parameters.n_batch = _BATCH
    parameters.verbosity = 0
    parameters.warmup = False
    # xllamacpp always opens a port on the loopback: nobody else gets in, and there is no page
    parameters.api_keys = [secrets.token_hex(16)]
    parameters.ui = False
    return xllamacpp.Server(parameters)


def _answer(server: Any, message: dict[str, Any], replies: _Replies, stopped: set[int]) -> None:
    number = message["id"]

    def on_chunk(chunk: dict[str, Any]) -> bool:
        replies.write({"id": number, "chunk": chunk})
        return number in stopped

    try:
        server.handle_chat_completions(message["request"], on_chunk)
    except Exception as error:
        replies.write({"id": number, "chunk": {"error": {"message": str(error)}}})
    replies.write({"id": number, "end": True})


if __name__ == "__main__":
    main(*sys.argv[1:])
