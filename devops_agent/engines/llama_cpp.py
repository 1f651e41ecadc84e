"""The embedded engine: a GGUF model run by llama.cpp in a process beside this one, by xllamacpp."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from devops_agent import events, protocol, recipe_choice
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
from devops_agent.constraints import CLOSING, call_grammar, call_opening
from devops_agent.context_window import Messages
from devops_agent.engines import resident
from devops_agent.engines.llama_process import EngineLeft, LlamaProcess, chat_request
from devops_agent.engines.tuning import Parameters
from devops_agent.errors import EngineError, ModelNotFound
from devops_agent.protocol import ToolLike

_Answer = TypeVar("_Answer")
# Which part of the engine's memory holds tasks, and which the choice of a recipe.
_TASKS, _CHOICES = 0, 1


class LlamaCppChat(ChatModel):
    """A GGUF model run by llama.cpp on this machine; each reply is held to the grammar of one call.

    The model is loaded at the first request, or by `load`, in a process that ends with this one, or stays.

    Args:
        path: The GGUF file.
        sampling: Limits and sampling; a temperature of None means 0.
        listener: Told when the model thinks.
        parameters: How the engine runs.
        states: The folder that keeps what the engine made of the beginnings of prompts; None for none.
        place: The folder of the engine that stays; None for one that ends with this process.
        idle: Seconds without a request after which that one ends.

    Attributes:
        beginnings: The requests with what every task begins with, once it is known.
    """

    def __init__(
        self,
        path: Path,
        sampling: Sampling | None = None,
        listener: events.Listener = events.ignore,
        parameters: Parameters | None = None,
        states: Path | None = None,
        place: Path | None = None,
        idle: float = 0.0,
    ) -> None:
        super().__init__(path.name, sampling or Sampling(), listener)
        self.path = path
        self._parameters = parameters or Parameters()
        self._states, self._place, self._idle = states, place, idle
        self._process: LlamaProcess | None = None
        self.beginnings: list[dict[str, Any]] = []

    def load(self) -> None:
        """Loads the model, once; again, should the engine have died meanwhile.

        Raises:
            ModelNotFound: There is no such file.
            EngineError: The file is no model that the engine can run, or the engine died.
        """
        self._running()

    def prepare(self, tools: Sequence[ToolLike], instructions: str) -> None:
        """Has the engine read what every task begins with, which it keeps on disk for the next process.

        Raises:
            ModelNotFound: There is no such file.
            EngineError: The file is no model that the engine can run, or the engine died.
        """
        system = {"role": "system", "content": protocol.system_prompt(tools, instructions)}
        # up to where the first word of the user stands
        said = {_TASKS: [system], _CHOICES: recipe_choice.beginning()}
        user = {"role": "user", "content": ""}
        self.beginnings = [chat_request([*messages, user], slot) for slot, messages in said.items()]
        self._repeated(self._read_beginnings)

    @property
    def told(self) -> Mapping[str, Any]:
        """What the engine's process is told."""
        return {
            "path": str(self.path.absolute()),
            "num_ctx": self.sampling.num_ctx,
            "parameters": self._parameters.told(),
            "states": str(self._states) if self._states else "",
        }

    def _read_beginnings(self, process: LlamaProcess) -> None:
        for each in self.beginnings:
            with contextlib.closing(process.ask({"prepare": each})) as chunks:
                _collect(chunks, self.listener)

    def close(self) -> None:
        """Ends the engine, if it is this process's own; the next completion starts or finds it again."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _running(self) -> LlamaProcess:
        if self._process is not None and self._process.is_alive():
            return self._process
        if self.path.is_dir():
            raise ModelNotFound(f"{self.path} is a directory. Pass --model-path with a GGUF file.")
        if not self.path.is_file():
            raise ModelNotFound(f"No such file: {self.path}. Pass --model-path with an existing GGUF file.")
        try:
            self._process = self._loaded()
        except EngineLeft:  # the one that was found was about to end
            self._process = self._loaded()
        return self._process

    def _loaded(self) -> LlamaProcess:
        process = self._found()
        try:
            process.wait_until_loaded()
            self._read_beginnings(process)
        except BaseException:
            process.close()
            raise
        return process

    def _found(self) -> LlamaProcess:
        """The engine that stays, or one of this process's own."""
        if self._place is not None:
            with contextlib.suppress(resident.CannotStay):
                return resident.connected(self.told, self._place, self._idle)
        return LlamaProcess.own(self.told)

    def complete(self, messages: Messages, tools: Sequence[ToolLike], constrain: bool) -> Completion:
        """Runs one completion; stops the engine when interrupted.

        Raises:
            ContextOverflow: The messages do not fit the context window.
            EngineError: The engine failed.
        """
        request: dict[str, Any] = {
            **chat_request(messages, _TASKS),
            "max_tokens": self.sampling.num_predict,
            "temperature": self.temperature or 0.0,
        }
        if self.sampling.top_p is not None:
            request["top_p"] = self.sampling.top_p
        opening = closing = ""
        if constrain:
            opening, closing = call_opening(tools), CLOSING
            request["messages"] = [*messages, {"role": "assistant", "content": opening}]
            request["grammar"] = call_grammar(tools)
        return self._repeated(lambda process: self._told_by(process, request, opening, closing))

    def _repeated(self, ask: Callable[[LlamaProcess], _Answer]) -> _Answer:
        """Asks the engine; once more, should it die or leave: a request changes nothing."""
        process = self._running()
        try:
            return ask(process)
        except EngineError as error:
            if process.is_alive():
                raise
            if not isinstance(error, EngineLeft):
                self.listener(events.Notice(f"{error} It is started again."))
        return ask(self._running())

    def _told_by(
        self, process: LlamaProcess, request: dict[str, Any], opening: str, closing: str
    ) -> Completion:
        growth = ReplyGrowth(self.listener)
        with contextlib.closing(process.ask({"request": request})) as chunks:
            done = _collect(chunks, self.listener, lambda text: growth.grew(opening + text))
        done = replace(done, text=opening + done.text + ("" if done.truncated else closing))
        growth.end(done.text)
        return done

    def likelihoods(self, messages: Messages) -> tuple[Completion, Mapping[str, float]]:
        """Evaluates the messages for one token.

        Raises:
            ContextOverflow: The messages do not fit the context window.
            EngineError: The engine failed.
        """
        asked = {"max_tokens": 1, "temperature": 0.0, "logprobs": True, "top_logprobs": MOST_LIKELY}
        request = {**chat_request(messages, _CHOICES), **asked}
        chunks = self._repeated(lambda process: list(process.ask({"request": request})))
        told = [chunk["choices"][0].get("logprobs") for chunk in chunks]
        first: dict[str, Any] = next(
            (each["content"][0] for each in told if each and each.get("content")), {}
        )
        return _collect(iter(chunks)), likely(first.get("top_logprobs", ()))


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
