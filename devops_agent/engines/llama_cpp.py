"""The embedded engine: a GGUF model run by llama.cpp in a process that this one starts, by xllamacpp."""

import itertools
import json
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any

from devops_agent import events
from devops_agent.chat import (
    LOOK_EVERY,
    MOST_LIKELY,
    ChatModel,
    Completion,
    ReplyGrowth,
    Sampling,
    goes_round,
    likely,
)
from devops_agent.constraints import call_grammar
from devops_agent.context import Messages
from devops_agent.errors import ContextOverflow, EngineError, ModelNotFound
from devops_agent.protocol import ToolLike

_WORKER = Path(__file__).with_name("llama_worker.py")


class LlamaCppChat(ChatModel):
    """A GGUF model run by llama.cpp on this machine; each reply is held to the grammar of one call.

    The model is loaded at the first request, or by `load`, in a process of its own that ends with this one.

    Args:
        path: The GGUF file.
        sampling: Limits and sampling; a temperature of None means 0.
        listener: Told when the model thinks.
    """

    def __init__(
        self, path: Path, sampling: Sampling | None = None, listener: events.Listener = events.ignore
    ) -> None:
        super().__init__(path.name, sampling or Sampling(), listener)
        self.path = path
        self._worker: _Worker | None = None

    def load(self) -> None:
        """Loads the model, once; again, should the engine have died meanwhile.

        Raises:
            ModelNotFound: There is no such file.
            EngineError: The file is no model that the engine can run, or the engine died.
        """
        self._running()

    def close(self) -> None:
        """Ends the engine, and gives back its memory; the next completion starts it again."""
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def _running(self) -> "_Worker":
        if self._worker is not None and self._worker.is_alive():
            return self._worker
        if self.path.is_dir():
            raise ModelNotFound(f"{self.path} is a directory. Pass --model-path with a GGUF file.")
        if not self.path.is_file():
            raise ModelNotFound(f"No such file: {self.path}. Pass --model-path with an existing GGUF file.")
        worker = _Worker(self.path, self.sampling.num_ctx)
        try:
            worker.wait_until_loaded()
        except BaseException:
            worker.kill()
            raise
        self._worker = worker
        return worker

    def complete(self, messages: Messages, tools: Sequence[ToolLike], constrain: bool) -> Completion:
        """Runs one completion; stops the engine when interrupted.

        Raises:
            ContextOverflow: The messages do not fit the context window.
            EngineError: The engine failed.
        """
        request: dict[str, Any] = {
            **_request(messages),
            "max_tokens": self.sampling.num_predict,
            "temperature": self.temperature(messages) or 0.0,
        }
        if self.sampling.top_p is not None:
            request["top_p"] = self.sampling.top_p
        if constrain:
            request["grammar"] = call_grammar(tools)
        return self._asked(request)

    def _asked(self, request: dict[str, Any]) -> Completion:
        """Asks the engine; once more, should it die: a request changes nothing."""
        worker = self._running()
        try:
            return self._told_by(worker, request)
        except EngineError as error:
            if worker.is_alive():
                raise
            self.listener(events.Notice(f"{error} It is started again."))
        return self._told_by(self._running(), request)

    def _told_by(self, worker: "_Worker", request: dict[str, Any]) -> Completion:
        growth = ReplyGrowth(self.listener)
        with closing(worker.ask(request)) as chunks:
            done = _collect(chunks, self.listener, growth.grew)
        growth.end(done.text)
        return done

    def likelihoods(self, messages: Messages) -> tuple[Completion, Mapping[str, float]]:
        """Evaluates the messages for one token.

        Raises:
            ContextOverflow: The messages do not fit the context window.
            EngineError: The engine failed.
        """
        worker = self._running()
        asked = {"max_tokens": 1, "temperature": 0.0, "logprobs": True, "top_logprobs": MOST_LIKELY}
        chunks = list(worker.ask({**_request(messages), **asked}))
        told = [chunk["choices"][0].get("logprobs") for chunk in chunks]
        first: dict[str, Any] = next(
            (each["content"][0] for each in told if each and each.get("content")), {}
        )
        return _collect(iter(chunks)), likely(first.get("top_logprobs", ()))


def _request(messages: Messages) -> dict[str, Any]:
    return {
        "messages": messages,
        "stream": True,
        "return_progress": True,
        "reasoning_format": "none",
        "chat_template_kwargs": {"enable_thinking": False},
    }


class _Worker:
    """The process that holds the model. Ctrl-C does not reach it: this side decides what is stopped."""

    def __init__(self, path: Path, num_ctx: int) -> None:
        self._path = path
        self._numbers = itertools.count()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        flags = ["-I"] if sys.flags.isolated else []
        self._process = subprocess.Popen(
            [sys.executable, *flags, str(_WORKER), str(path.absolute()), str(num_ctx)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._requests: IO[bytes] = self._process.stdin
        self._replies: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        # a thread, for a read that Ctrl-C interrupts could lose a part of a line
        threading.Thread(target=_read_lines, args=(self._process.stdout, self._replies), daemon=True).start()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._close()

    def _close(self) -> None:
        with suppress(OSError):  # what it did not read any more
            self._requests.close()

    def wait_until_loaded(self) -> None:
        failed = self._next().get("failed")
        if failed:
            raise EngineError(f"Cannot load {self._path}: {failed}.")

    def ask(self, request: dict[str, Any]) -> Generator[dict[str, Any], None, None]:
        """Yields the engine's chunks; leaving early stops it at its next token or batch of the prompt."""
        number = next(self._numbers)
        self._send({"id": number, "request": request})
        try:
            while not (reply := self._next()).get("end") or reply["id"] != number:
                if reply["id"] == number:  # and no rest of a request that was stopped
                    yield _checked(reply["chunk"])
        except BaseException:
            with suppress(EngineError):
                self._send({"stop": number})
            raise

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._requests.write(json.dumps(message).encode() + b"\n")
            self._requests.flush()
        except (OSError, ValueError) as error:  # ValueError: closed, for it died before
            raise self._died() from error

    def _next(self) -> dict[str, Any]:
        reply = self._replies.get()
        if reply is None:
            self._replies.put(None)
            raise self._died()
        return reply

    def _died(self) -> EngineError:
        code = self._process.wait()
        self._close()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        last = f": {lines[-1].strip()}" if lines else ""
        hint = " Is there enough free memory?" if code == -signal.SIGKILL else ""
        return EngineError(f"The embedded engine died ({how}){last}.{hint}")


def _read_lines(stream: IO[bytes], replies: "queue.SimpleQueue[dict[str, Any] | None]") -> None:
    for line in stream:
        with suppress(ValueError):  # of a process that died in the middle of a line
            replies.put(json.loads(line))
    replies.put(None)


def _collect(
    chunks: Iterator[dict[str, Any]],
    listener: events.Listener = events.ignore,
    grew: Callable[[str], None] = lambda text: None,
) -> Completion:
    text = ""
    truncated = False
    timings: dict[str, Any] = {}
    for count, chunk in enumerate(chunks, 1):
        choice = chunk["choices"][0]
        if read := chunk.get("prompt_progress"):
            listener(events.PromptRead(read["processed"], read["total"]))
        if more := choice["delta"].get("content"):
            text += more
            grew(text)
        if count % LOOK_EVERY == 0 and goes_round(text):
            truncated = True
            break
        truncated = truncated or choice.get("finish_reason") == "length"
        timings = chunk.get("timings", timings)
    cached = timings.get("cache_n")
    prompt = timings.get("prompt_n")
    total = None if prompt is None else prompt + (cached or 0)
    return Completion(text, truncated, total, cached, timings.get("predicted_n"))


def _checked(chunk: dict[str, Any]) -> dict[str, Any]:
    error = chunk.get("error")
    if not error:
        return chunk
    if error.get("type") == "exceed_context_size_error":
        raise ContextOverflow(
            f"The task needs {error.get('n_prompt_tokens')} tokens, the context window has "
            f"{error.get('n_ctx')}. Set num_ctx higher in the configuration, or split the task."
        )
    raise EngineError(f"The embedded engine failed: {error.get('message')}")
