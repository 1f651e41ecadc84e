"""OllamaChat: the model behind Ollama's HTTP API, as SmolAgents sees one.

It is the protocol of `devops_agent.chat.ChatModel` plus HTTP: it builds the strict one-tool-at-a-time prompt,
posts to `/api/chat`, reads the stream, and stops it as soon as the call is complete.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from devops_agent import events, protocol
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
from devops_agent.constraints import call_schema
from devops_agent.context_window import Messages
from devops_agent.endpoint import base_url, is_loopback
from devops_agent.errors import ContextOverflow, EngineError, EngineUnreachable, ModelNotFound
from devops_agent.protocol import ToolLike
from devops_agent.settings import Settings

DEFAULT_MODEL = Settings.model
DEFAULT_ENDPOINT = "http://localhost:11434/api/chat"

_DOWNLOAD = "hf download ubermorgen/qwen3-devops qwen3-devops.gguf --local-dir ."
_STOP = "</tool_call>"
# A schema ends the reply by itself, and then come the token counts; but it allows blanks without end.
_PATIENCE = 3
# A proxy's name that is none, for instance, passes through requests as urllib3's own error.
_HTTP_ERRORS = (requests.RequestException, HTTPError)
_LIST_SECONDS = 10.0  # a list of models needs no model to be loaded
_BUSY_WAITS = (1.0, 3.0, 9.0)  # seconds before a request that the server was too busy for is sent again


class OllamaChat(ChatModel):
    """A model served by Ollama.

    Args:
        model: The model's name in Ollama.
        endpoint: The server, as a URL of `/api/chat` or in any form that OLLAMA_HOST accepts.
        sampling: Limits and sampling; what is None is left to the model's own parameters.
        keep_alive: How long the server keeps the model and its prefix cache, as Ollama writes durations.
        timeout: Seconds without a byte after which the server counts as dead. Loading a model and evaluating
            a long prompt on a CPU take minutes.
        constrain: Hold each reply to the schema of a call from its start. Else only after a failed parse,
            which leaves a model room to think first.
        listener: Told when the model thinks.
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        endpoint: str = DEFAULT_ENDPOINT,
        sampling: Sampling | None = None,
        keep_alive: str = "30m",
        timeout: float = 600.0,
        constrain: bool = True,
        listener: events.Listener = events.ignore,
    ) -> None:
        super().__init__(model, sampling or Sampling(), listener)
        self.base = base_url(endpoint)
        self.endpoint = f"{self.base}/api/chat"
        self.keep_alive = keep_alive
        self.timeout = timeout
        self.constrains = constrain
        self._session = requests.Session()
        # a proxy cannot reach this machine's loopback; an empty one wins over the environment's
        self._proxies = {"http": "", "https": ""} if is_loopback(self.base) else {}
        self._options: dict[str, Any] | None = None
        self._system = ""
        self._preparation: threading.Thread | None = None

    # --- the server ---------------------------------------------------------------------------------------

    def installed(self, connect_timeout: float = 1.0) -> bool:
        """Whether the server has the model.

        Raises:
            EngineUnreachable: Nothing accepts within `connect_timeout` seconds, or it does not answer.
        """
        reply = self._request("GET", "/api/tags", timeout=(connect_timeout, _LIST_SECONDS))
        names = {entry.get("name", "") for entry in self._json(reply).get("models") or []}
        return bool(names & {self.model_id, f"{self.model_id}:latest"})

    def not_found(self) -> ModelNotFound:
        """The error to raise when the server does not have the model."""
        own = f"`{_DOWNLOAD}`, then `ollama create {self.model_id} -f Modelfile`"
        how = own if self.model_id == DEFAULT_MODEL else f"`ollama pull {self.model_id}`"
        return ModelNotFound(f"Model not found: {self.model_id}. See `ollama list`; get it with {how}.")

    def prepare(self, tools: Sequence[ToolLike], instructions: str) -> None:
        """Has the server load the model and read what every task begins with, in the background.

        What goes wrong is told by the first request that matters.
        """
        self._system = protocol.system_prompt(tools, instructions)
        if self.keep_alive in ("0", "0s"):
            return  # loading it for no time would have the server unload it
        self._preparation = threading.Thread(target=self._prepare, daemon=True)
        self._preparation.start()

    def _prepare(self) -> None:
        with suppress(EngineError):
            beginning = [{"role": "system", "content": self._system}, {"role": "user", "content": ""}]
            options = {**self._constant_options(), "num_predict": 1}
            body = {**self._request_for(beginning), "stream": False, "options": options}
            self._request("POST", "/api/chat", json=body)

    def _prepared(self) -> None:
        """Waits for the preparation, which has the connection."""
        while self._preparation and self._preparation.is_alive():
            self._preparation.join(0.1)  # a join without an end cannot be interrupted

    def complete(self, messages: Messages, tools: Sequence[ToolLike], constrain: bool) -> Completion:
        """Posts one chat request and reads its stream until the call is complete.

        Raises:
            EngineUnreachable: Nothing answers, or it stopped answering.
            ModelNotFound: The server does not have the model.
            ContextOverflow: The messages do not fit the context window.
            EngineError: The server failed.
        """
        self._prepared()
        body = {**self._request_for(messages), "options": self._options_for(messages)}
        if constrain:
            body["format"] = call_schema(tools)
        growth = ReplyGrowth(self.listener)
        with self._request("POST", "/api/chat", json=body, stream=True) as response:
            done = _collect(self._lines(response), tools, _PATIENCE if constrain else 0, growth.grew)
        growth.end(done.text)
        return done

    def likelihoods(self, messages: Messages) -> tuple[Completion, Mapping[str, float]]:
        """Posts one chat request for one token.

        Raises:
            EngineUnreachable: Nothing answers, or it stopped answering.
            ModelNotFound: The server does not have the model.
            ContextOverflow: The messages do not fit the context window.
            EngineError: The server failed.
        """
        self._prepared()
        body: dict[str, Any] = {
            **self._request_for(self._behind_prompt(messages)),
            "logprobs": True,
            "top_logprobs": MOST_LIKELY,
            "options": {**self._constant_options(), "num_predict": 1, "temperature": 0.0},
        }
        with self._request("POST", "/api/chat", json=body, stream=True) as response:
            parts = list(self._lines(response))
        first = next((told[0] for part in parts if (told := part.get("logprobs"))), {})
        return _collect(iter(parts), (), 0), likely(first.get("top_logprobs") or ())

    def _behind_prompt(self, messages: Messages) -> Messages:
        """A question behind what every task begins with: a server has one slot, which then keeps that."""
        if not self._system:
            return messages
        (instruction, first, *others), system = messages, {"role": "system", "content": self._system}
        asked = {"role": "user", "content": f"{instruction['content']}\n\n{first['content']}"}
        return [system, asked, *others]

    def _request_for(self, messages: Messages) -> dict[str, Any]:
        return {
            "model": self.model_id,
            "messages": messages,
            "stream": True,
            "think": False,
            "keep_alive": self.keep_alive,
            # without these the server silently drops the oldest messages, the task first
            "truncate": False,
            "shift": False,
        }

    def _options_for(self, messages: Messages) -> dict[str, Any]:
        options, temperature = self._constant_options(), self.temperature
        return (
            options if temperature == self.sampling.temperature else {**options, "temperature": temperature}
        )

    def _constant_options(self) -> dict[str, Any]:
        """The same options at every call: a change of num_ctx makes the server load the model anew."""
        if self._options is None:
            shown = self._request("POST", "/api/show", json={"model": self.model_id})
            own = _parameters(self._json(shown))
            options: dict[str, Any] = {
                "num_ctx": self.sampling.num_ctx,
                "num_predict": self.sampling.num_predict,
                "stop": [*own.get("stop", []), _STOP],
            }
            if self.sampling.temperature is not None:
                options["temperature"] = self.sampling.temperature
            elif "temperature" not in own:
                options["temperature"] = 0.0
            if self.sampling.top_p is not None:
                options["top_p"] = self.sampling.top_p
            self._options = options
        return self._options

    # --- HTTP ---------------------------------------------------------------------------------------------

    def _request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        _, seconds = kwargs.setdefault("timeout", (10.0, self.timeout))
        # a redirection could carry the conversation to another host
        kwargs["allow_redirects"] = False
        for wait in (*_BUSY_WAITS, None):
            try:
                response = self._session.request(method, self.base + path, proxies=self._proxies, **kwargs)
            except _HTTP_ERRORS as error:
                raise self._translated(error, seconds) from error
            if response.status_code != 503 or wait is None:
                break
            response.close()
            time.sleep(wait)
        if response.status_code != 200:
            raise self._refused(response.status_code, _error_text(response))
        return response

    def _lines(self, response: requests.Response) -> Iterator[dict[str, Any]]:
        try:
            for line in response.iter_lines():
                if line:
                    yield self._checked(line)
        except _HTTP_ERRORS as error:
            raise self._translated(error, self.timeout) from error

    def _checked(self, line: bytes) -> dict[str, Any]:
        part = self._object(line)
        if "error" in part:
            raise self._refused(200, str(part["error"]))
        if not isinstance(part.get("message") or {}, dict):
            raise self._foreign(line)
        return part

    def _json(self, response: requests.Response) -> dict[str, Any]:
        return self._object(response.content)

    def _object(self, data: bytes) -> dict[str, Any]:
        try:
            value = json.loads(data)
        except ValueError as error:
            raise self._foreign(data) from error
        if not isinstance(value, dict):
            raise self._foreign(data)
        return value

    def _foreign(self, data: bytes) -> EngineError:
        return EngineError(f"{self.base} does not speak Ollama's protocol: {data[:60]!r}.")

    def _translated(self, error: Exception, seconds: float) -> EngineError:
        # in the middle of a stream requests wraps a time-out into a ConnectionError
        stalled = bool(error.args) and isinstance(error.args[0], ReadTimeoutError)
        if stalled or isinstance(error, requests.ReadTimeout):
            return EngineUnreachable(f"Ollama at {self.base} did not answer for {seconds:g} seconds.")
        if isinstance(error, requests.ConnectionError):
            return EngineUnreachable(
                f"Cannot connect to Ollama at {self.base}. Start it with `ollama serve`, "
                "set OLLAMA_HOST, or use --backend llama-cpp."
            )
        return EngineError(f"The request to Ollama at {self.base} failed: {error}.")

    def _refused(self, status: int, text: str) -> EngineError:
        if status == 404 and "model" in text:
            return self.not_found()
        if "context" in text and any(word in text for word in ("exceed", "length", "too long")):
            return ContextOverflow(
                f"The task does not fit the context window of {self.sampling.num_ctx} tokens. "
                "Set num_ctx higher in the configuration, or split the task."
            )
        return EngineError(f"Ollama at {self.base} failed: {text or f'HTTP status {status}'}.")


def _error_text(response: requests.Response) -> str:
    try:
        return str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return " ".join(response.text.split())[:200]


def _parameters(shown: dict[str, Any]) -> dict[str, list[str]]:
    """The parameters of `/api/show`: lines such as `temperature 0.7`; `stop` may stand several times."""
    found: dict[str, list[str]] = {}
    for line in str(shown.get("parameters") or "").splitlines():
        name, _, value = line.strip().partition(" ")
        if name:
            found.setdefault(name, []).append(value.strip().strip('"'))
    return found


def _collect(
    lines: Iterator[dict[str, Any]],
    tools: Sequence[ToolLike],
    patience: int,
    grew: Callable[[str], None] = lambda text: None,
) -> Completion:
    """Joins a stream, and leaves it when `patience` more chunks come behind a complete call."""
    text = ""
    complete_at = 0
    for count, part in enumerate(lines, 1):
        if part.get("done"):
            text += (part.get("message") or {}).get("content") or ""
            truncated = part.get("done_reason") == "length"
            return Completion(text, truncated, part.get("prompt_eval_count"), None, part.get("eval_count"))
        if not complete_at:
            text += (part.get("message") or {}).get("content") or ""
            grew(text)
            complete_at = count if tools and protocol.is_complete(text, tools) else 0
        if count % LOOK_EVERY == 0 and not complete_at and goes_round(text):
            return Completion(text, truncated=True, output_tokens=count)
        if complete_at and count - complete_at >= patience:
            return Completion(text, output_tokens=count)
    raise EngineError("Ollama ended its reply before it was done. See its log, and try again.")
