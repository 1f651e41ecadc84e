"""What every chat model of this project is: the protocol on top of an engine's completion.

SmolAgents calls `generate`; an engine's class implements `complete`. The agent's loop does not know which
engine is behind it.
"""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# first: it imports SmolAgents without side effects
import smolagents_patches  # noqa: F401

# isort: split
from smolagents.models import (
    ChatMessage,
    ChatMessageToolCall,
    ChatMessageToolCallFunction,
    MessageRole,
    TokenUsage,
)

from devops_agent import events, protocol
from devops_agent.context_window import Messages, characters, fit, size
from devops_agent.errors import ContextOverflow, ProtocolError
from devops_agent.pace import Pace
from devops_agent.protocol import Call, Reply, ToolLike

# Of so many tokens engines tell how likely they are.
MOST_LIKELY = 20
# A malformed reply stays in the history so that the correction makes sense, but is not worth its tokens.
_KEPT_OF_MALFORMED = 500


@dataclass(frozen=True)
class Sampling:
    """Limits and sampling of a chat model. None leaves a parameter to the model's own setting."""

    temperature: float | None = None
    top_p: float | None = None
    num_ctx: int = 8192
    num_predict: int = 2048


@dataclass(frozen=True)
class Completion:
    """An engine's raw reply. Token counts are None where the engine gives none."""

    text: str
    truncated: bool = False
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None


# After how many pieces of a reply is looked whether it goes round, and what is taken for that, in characters.
LOOK_EVERY = 32
_LONGEST_ROUND, _ROUNDS = 200, 4


def goes_round(text: str) -> bool:
    """Whether the end of a text repeats itself, as that of a small model that finds no end."""
    for period in range(1, _LONGEST_ROUND):
        length = max(period * _ROUNDS, 120)
        if len(text) >= length and text[-length:-period] == text[-length + period :]:
            return True
    return False


class ReplyGrowth:
    """Tells what a reply has come to, now and then, and at last all of it.

    Args:
        listener: Told of it.
    """

    def __init__(self, listener: events.Listener) -> None:
        self._listener = listener
        self._pace = Pace()
        self._told = ""

    def grew(self, text: str) -> None:
        """The reply so far."""
        if self._pace.is_due:
            self._pace.run(lambda: self.end(text))

    def end(self, text: str) -> None:
        """The whole reply."""
        if text != self._told:
            self._told = text
            self._listener(events.ReplyGrew(text))


class ChatModel(ABC):
    """A model as SmolAgents sees one.

    Attributes:
        model_id: The model's name, for logs.
        sampling: Limits and sampling parameters.
        constrains: Whether each reply is held to the form of a call from its first token.
        listener: Told when the model starts and ends thinking, and of each exchange.
        may_call: The tools that the next reply may call; none for any. The prompt names all of them.
        known: The next call, where code knows it and the model need not be asked.
        retries: The temperatures at which a call is asked for again that is the one before once more: nothing
            comes of it, and at 0 a small model would go on like that.
    """

    constrains = True
    may_call: frozenset[str] = frozenset()
    known: Call | None = None
    retries: Sequence[float] = (0.8, 1.2)

    def __init__(self, model_id: str, sampling: Sampling, listener: events.Listener = events.ignore) -> None:
        self.model_id = model_id
        self.sampling = sampling
        self.listener = listener
        self._heat = 0.0

    def prepare(self, tools: Sequence[ToolLike], instructions: str) -> None:  # noqa: B027
        """Has the engine read what every task begins with, before there is one, where it can.

        Args:
            tools: What the tasks may call.
            instructions: What the prompt says beside.

        Raises:
            EngineError: The engine cannot be reached, lacks the model, or died.
        """

    def close(self) -> None:  # noqa: B027
        """Gives back what only this process uses of an engine."""

    @abstractmethod
    def complete(self, messages: Messages, tools: Sequence[ToolLike], constrain: bool) -> Completion:
        """Sends the messages to the engine and returns its reply.

        Raises:
            EngineError: The engine cannot be reached, lacks the model, or died.
        """

    def generate(
        self,
        messages: Sequence[ChatMessage],
        stop_sequences: list[str] | None = None,
        tools_to_call_from: Sequence[ToolLike] | None = None,
        **kwargs: Any,
    ) -> ChatMessage:
        """Asks the model for its next step.

        The strict system prompt is built here, from the tools; a system message that the agent sends becomes
        its last part. `stop_sequences` are SmolAgents' own and have no meaning in this protocol.
        """
        if self.known:
            known, self.known = self.known, None
            return _message(Completion(""), Reply(known))
        tools = tuple(tools_to_call_from or ())
        prompt = _with_system_prompt(messages, tools)
        tools = tuple(tool for tool in tools if tool.name in self.may_call) or tools
        completion = self._asked(prompt, tools)
        reply = _parsed(completion, tools)
        if reply is None and not self.constrains and tools:
            completion = self._ask(prompt, tools, constrain=True)
            reply = _parsed(completion, tools)
        return _message(completion, reply)

    def weigh(self, messages: Messages, replies: Sequence[str]) -> Sequence[float]:
        """How likely each of some one-token replies is; none where the engine does not tell."""
        started = time.monotonic()
        self.listener(events.ThinkingStarted())
        try:
            done, likely = self.likelihoods(messages)
        finally:
            seconds = time.monotonic() - started
            self.listener(events.ThinkingEnded(seconds))
        self.listener(_exchange(messages, done, seconds, constrained=False))
        return [likely.get(reply, 0.0) for reply in replies] if likely else []

    def likelihoods(self, messages: Messages) -> tuple[Completion, Mapping[str, float]]:
        """The first token of a reply, and how likely each of the likeliest is; none where that is not told.

        Raises:
            EngineError: The engine cannot be reached, lacks the model, or died.
        """
        return Completion(""), {}

    def parse_tool_calls(self, message: ChatMessage) -> ChatMessage:
        """SmolAgents asks this for a reply in which `generate` found no call.

        Raises:
            ProtocolError: Always; the text says what is wrong with the reply.
        """
        completion = message.raw
        if isinstance(completion, Completion) and completion.truncated:
            limit = self.sampling.num_predict
            raise ProtocolError(f"Your reply was cut off after {limit} tokens. Make the call shorter.")
        protocol.parse_reply(completion.text if isinstance(completion, Completion) else _text(message), ())
        raise ProtocolError(protocol.NO_CALL)

    @property
    def temperature(self) -> float | None:
        """The temperature for the next reply; None leaves it to the model."""
        return max(self.sampling.temperature or 0.0, self._heat) if self._heat else self.sampling.temperature

    def _asked(self, prompt: Messages, tools: tuple[ToolLike, ...]) -> Completion:
        completion = self._ask(prompt, tools, constrain=self.constrains)
        try:
            for heat in self.retries:
                self._heat = heat
                if not _repeats(completion.text, prompt):
                    break
                completion = self._ask(prompt, tools, constrain=self.constrains)
        finally:
            self._heat = 0.0
        return completion

    def _ask(self, prompt: Messages, tools: tuple[ToolLike, ...], constrain: bool) -> Completion:
        limit = characters(self.sampling.num_ctx, self.sampling.num_predict)
        sent = fit(prompt, limit)
        try:
            return self._exchange(sent, tools, constrain)
        except ContextOverflow:
            shorter = fit(sent, min(limit, size(sent)) // 2)
            if shorter == sent:
                raise
            return self._exchange(shorter, tools, constrain)

    def _exchange(self, prompt: Messages, tools: tuple[ToolLike, ...], constrain: bool) -> Completion:
        constrain = constrain and bool(tools)
        started = time.monotonic()
        self.listener(events.ThinkingStarted())
        try:
            done = self.complete(prompt, tools, constrain)
        finally:
            seconds = time.monotonic() - started
            self.listener(events.ThinkingEnded(seconds))
        self.listener(_exchange(prompt, done, seconds, constrain))
        return done


def _repeats(reply: str, messages: Messages) -> bool:
    """Whether a reply is the call before once more. An answer may be right though it was sent back."""
    said = next((each["content"] for each in reversed(messages) if each["role"] == "assistant"), "")
    is_call = "<tool_call>" in reply and f'"{protocol.FINAL_ANSWER}"' not in reply
    return is_call and reply.strip() == said.strip()


def _exchange(messages: Messages, done: Completion, seconds: float, constrained: bool) -> events.Exchange:
    counts = done.prompt_tokens, done.cached_tokens, done.output_tokens
    return events.Exchange(messages, done.text, seconds, *counts, constrained)


def likely(tokens: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The likeliest tokens as OpenAI and Ollama write them, with their probabilities."""
    return {str(each["token"]).strip(): math.exp(each["logprob"]) for each in reversed(tokens)}


def _with_system_prompt(messages: Sequence[ChatMessage], tools: tuple[ToolLike, ...]) -> Messages:
    plain = [{"role": _role(message), "content": _text(message)} for message in messages]
    if not tools:
        return plain
    instructions = ""
    if plain and plain[0]["role"] == "system":
        instructions = plain.pop(0)["content"]
    return [{"role": "system", "content": protocol.system_prompt(tools, instructions)}, *plain]


def _role(message: ChatMessage) -> str:
    role = MessageRole(message.role)
    if role in (MessageRole.ASSISTANT, MessageRole.TOOL_CALL):
        return "assistant"
    return "system" if role is MessageRole.SYSTEM else "user"


def _text(message: ChatMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part["text"] for part in message.content or [] if part.get("type") == "text")


def _parsed(completion: Completion, tools: tuple[ToolLike, ...]) -> Reply | None:
    if not tools:
        return None
    try:
        return protocol.parse_reply(completion.text, tools)
    except ProtocolError:
        return None


def _message(completion: Completion, reply: Reply | None) -> ChatMessage:
    usage = TokenUsage(completion.prompt_tokens or 0, completion.output_tokens or 0)
    if reply is None:
        text = completion.text[:_KEPT_OF_MALFORMED]
        return ChatMessage(MessageRole.ASSISTANT, text, tool_calls=None, raw=completion, token_usage=usage)
    function = ChatMessageToolCallFunction(name=reply.call.name, arguments=dict(reply.call.arguments))
    call = ChatMessageToolCall(id="call", type="function", function=function)
    return ChatMessage(MessageRole.ASSISTANT, reply.render(), tool_calls=[call], raw=reply, token_usage=usage)
