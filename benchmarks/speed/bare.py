"""The bare engine: the requests that the agent made of it, and nothing of the agent."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from devops_agent.engines import tuning
from devops_agent.engines.llama_process import LlamaProcess


@contextmanager
def listening(requests: list[dict[str, Any]]) -> Iterator[None]:
    """Keeps what this process asks of any engine meanwhile."""
    ask = LlamaProcess.ask

    def heard(process: LlamaProcess, told: Any) -> Any:
        requests.append(dict(told))
        return ask(process, told)

    LlamaProcess.ask = heard  # type: ignore[method-assign]
    try:
        yield
    finally:
        LlamaProcess.ask = ask  # type: ignore[method-assign]


class BareEngine:
    """An engine of this process's own, with the beginnings of prompts in its memory.

    Args:
        told: What the agent's engine was told.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.process = LlamaProcess.own(told)
        self.process.wait_until_loaded()

    def seconds(self, requests: Sequence[dict[str, Any]]) -> float:
        """How long the requests take, one after the other."""
        began = time.perf_counter()
        for each in requests:
            _drain(self.process, each)
        return time.perf_counter() - began

    def rate(self, text: str) -> tuple[float, float]:
        """Prompt tokens evaluated and tokens written a second, for a text that it has not seen."""
        timings = tuning.answer(self.process, text, 32)[1]
        return timings["prompt_per_second"], timings["predicted_per_second"]


def begin_anew(process: LlamaProcess, beginnings: Sequence[dict[str, Any]]) -> None:
    """Has an engine hold the beginnings of prompts and nothing more: a task is done for the first time."""
    for each in beginnings:
        _drain(process, {"request": {**each, "max_tokens": 1}})


def _drain(process: LlamaProcess, told: Mapping[str, Any]) -> None:
    with closing(process.ask(told)) as chunks:
        for _ in chunks:
            pass
