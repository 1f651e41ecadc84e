"""The embedded engine: a GGUF model inside this process, by xllamacpp."""

import queue
import secrets
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devops_agent import events
from devops_agent.chat import ChatModel, Completion, Messages, Sampling
from devops_agent.constraints import call_grammar
from devops_agent.errors import ContextOverflow, EngineError, ModelNotFound
from devops_agent.protocol import ToolLike

# A batch is the longest time for which the engine cannot be stopped: 128 tokens take 2 to 3 s on two cores.
_BATCH = 128


class LlamaCppChat(ChatModel):
    """A GGUF model run by llama.cpp inside the process; each reply is held to the grammar of one call.

    The model is loaded at the first request, or by `load`.

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
        self._server: Any = None

    def load(self) -> None:
        """Loads the model, once.

        Raises:
            ModelNotFound: There is no such file.
            EngineError: The file is no model that the engine can run.
        """
        if self._server is not None:
            return
        if not self.path.is_file():
            raise ModelNotFound(f"No such file: {self.path}. Pass --model-path with an existing GGUF file.")
        import xllamacpp

        try:
            with _killed_by_interrupt():
                self._server = xllamacpp.Server(self._parameters(xllamacpp))
        except (RuntimeError, ValueError) as error:
            reason = "it is not a GGUF model that this engine can run"
            raise EngineError(f"Cannot load {self.path}: {reason} ({error}).") from error

    def _parameters(self, xllamacpp: Any) -> Any:
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(self.path)
        parameters.n_ctx = self.sampling.num_ctx
        parameters.n_parallel = 1
        parameters.n_batch = _BATCH
        parameters.verbosity = 0
        parameters.warmup = False
        # xllamacpp always opens a port on the loopback: nobody else gets in, and there is no page
        parameters.api_keys = [secrets.token_hex(16)]
        parameters.ui = False
        return parameters

    def complete(self, messages: Messages, tools: Sequence[ToolLike], constrain: bool) -> Completion:
        """Runs one completion; stops the engine when interrupted.

        Raises:
            ContextOverflow: The messages do not fit the context window.
            EngineError: The engine failed.
        """
        self.load()
        request: dict[str, Any] = {
            "messages": messages,
            "stream": True,
            "return_progress": True,
            "reasoning_format": "none",
            "chat_template_kwargs": {"enable_thinking": False},
            "max_tokens": self.sampling.num_predict,
            "temperature": self.sampling.temperature or 0.0,
        }
        if self.sampling.top_p is not None:
            request["top_p"] = self.sampling.top_p
        if constrain:
            request["grammar"] = call_grammar(tools)
        return _collect(_stream(self._server, request))


@contextmanager
def _killed_by_interrupt() -> Iterator[None]:
    """Lets Ctrl-C end the process as the system does it by default.

    Loading holds Python's lock for seconds, so no handler of ours could run, and xllamacpp swallows a
    KeyboardInterrupt that arrives meanwhile.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _collect(chunks: Iterator[dict[str, Any]]) -> Completion:
    parts: list[str] = []
    truncated = False
    timings: dict[str, Any] = {}
    for chunk in chunks:
        choice = chunk["choices"][0]
        parts.append(choice["delta"].get("content") or "")
        truncated = truncated or choice.get("finish_reason") == "length"
        timings = chunk.get("timings", timings)
    cached = timings.get("cache_n")
    prompt = timings.get("prompt_n")
    total = None if prompt is None else prompt + (cached or 0)
    return Completion("".join(parts), truncated, total, cached, timings.get("predicted_n"))


def _stream(server: Any, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the engine's chunks.

    The engine runs in a thread, for exceptions in its callback are swallowed, KeyboardInterrupt included.
    Leaving this generator early stops the engine at its next token or prompt batch.
    """
    chunks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stopped = threading.Event()

    def on_chunk(chunk: dict[str, Any]) -> bool:
        chunks.put(chunk)
        return stopped.is_set()

    def work() -> None:
        try:
            server.handle_chat_completions(request, on_chunk)
        except Exception as error:
            chunks.put(error)
        finally:
            chunks.put(None)

    threading.Thread(target=work, daemon=True).start()
    try:
        while (chunk := chunks.get()) is not None:
            yield _checked(chunk)
    finally:
        stopped.set()


def _checked(chunk: Any) -> dict[str, Any]:
    if isinstance(chunk, Exception):
        raise EngineError(f"The embedded engine failed: {chunk}") from chunk
    error = chunk.get("error")
    if not error:
        return dict(chunk)
    if error.get("type") == "exceed_context_size_error":
        raise ContextOverflow(
            f"The task needs {error.get('n_prompt_tokens')} tokens, the context window has "
            f"{error.get('n_ctx')}. Set num_ctx higher in the configuration, or split the task."
        )
    raise EngineError(f"The embedded engine failed: {error.get('message')}")
