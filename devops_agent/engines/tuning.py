"""How the embedded engine runs on this machine: what was measured here, and is kept for the next start."""

import hashlib
import json
import os
import platform
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from devops_agent.engines.llama_process import LlamaProcess, chat_request
from devops_agent.errors import EngineError
from devops_agent.folders import cache_folder

PACKAGE = "xllamacpp"
# What a call of the agent needs of the engine, as the benchmark's tasks have it: the median.
_NEW_TOKENS, _WRITTEN_TOKENS = 160, 40
# What is less faster than the defaults is within what the machine's own speed varies.
_WORTH = 0.92
_WRITTEN = 12


@dataclass(frozen=True)
class Parameters:
    """What of the engine can be set to suit a machine.

    Attributes:
        threads: How many compute; -1 for what llama.cpp takes, one a physical core.
        engine: The folder of an xllamacpp that was built for this processor; "" for the installed one.
    """

    threads: int = -1
    engine: str = ""

    def told(self) -> dict[str, Any]:
        """The parameters as the engine's process is told them."""
        return asdict(self)


@dataclass(frozen=True)
class Speed:
    """Tokens a second.

    Attributes:
        prompt: Evaluated.
        output: Written.
    """

    prompt: float
    output: float

    @property
    def seconds(self) -> float:
        """What a call of the agent takes."""
        return _NEW_TOKENS / self.prompt + _WRITTEN_TOKENS / self.output


def file(environ: Mapping[str, str]) -> Path:
    """Where what was measured is kept."""
    return cache_folder(environ) / "tuning.json"


def load(path: Path) -> Parameters:
    """What was measured on this machine; the defaults where nothing was, or on another one."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        told = json.loads(path.read_text(encoding="utf-8"))
        parameters = Parameters(**told["parameters"])
        if told["machine"] == machine() and (not parameters.engine or is_usable(Path(parameters.engine))):
            return parameters
    return Parameters()


def is_usable(engine: Path) -> bool:
    """Whether an engine that was built is there, and of the release that is installed."""
    from importlib import metadata  # slow, and seldom needed

    return engine.is_dir() and engine.name == f"{PACKAGE}-{metadata.version(PACKAGE)}"


def save(path: Path, parameters: Parameters) -> None:
    """Keeps what was measured.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"machine": machine(), "parameters": parameters.told()}
    new = path.with_suffix(".new")
    new.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    new.replace(path)


def machine() -> str:
    """What tells one processor from another."""
    info = " ".join(re.findall(r"^(?:model name|flags|Features)\s*:.*$", cpuinfo(), re.M)[:2])
    return hashlib.sha256(f"{platform.machine()} {os.cpu_count()} {info}".encode()).hexdigest()[:16]


def cpuinfo() -> str:
    """The text of /proc/cpuinfo; "" where there is none."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def candidates(start: Parameters) -> Iterator[Parameters]:
    """What is worth a try beside some parameters, the likeliest first."""
    cores = _cores()
    for threads in dict.fromkeys((cores, cores - 1, cores // 2)):
        if threads > 0:
            yield replace(start, threads=threads)


def _cores() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


def best(measured: Callable[[Parameters], Speed], start: Parameters, seconds: float) -> Parameters:
    """The fastest parameters, where they are worth it.

    Args:
        measured: Measures parameters.
        start: What is kept unless another is clearly faster.
        seconds: After how many nothing more is begun that could take longer.
    """
    began = time.monotonic()
    found = [(start, measured(start))]
    for each in candidates(start):
        took = (time.monotonic() - began) / len(found)
        if time.monotonic() - began + took > seconds:
            break
        found.append((each, measured(each)))
    fastest, speed = min(found, key=lambda each: each[1].seconds)
    return fastest if speed.seconds < _WORTH * found[0][1].seconds else start


def measure(told: Mapping[str, Any], parameters: Parameters) -> Speed:
    """How fast an engine is with some parameters.

    Args:
        told: What its process is told beside them.
        parameters: Those.

    Raises:
        EngineError: It cannot be loaded, or died.
    """
    text = " ".join(f"node-{number} runs {number * 7 % 13} pods" for number in range(12))
    timings = said(told, parameters, text, _WRITTEN)[1]
    return Speed(timings["prompt_per_second"] or 0.1, timings["predicted_per_second"] or 0.1)


def said(
    told: Mapping[str, Any], parameters: Parameters, text: str, most: int
) -> tuple[str, Mapping[str, float]]:
    """What an engine of its own says to a text, as `answer` has it."""
    process = LlamaProcess.own({**told, "states": "", "parameters": parameters.told()})
    try:
        process.wait_until_loaded()
        return answer(process, text, most)
    finally:
        process.close()


def answer(process: LlamaProcess, text: str, most: int) -> tuple[str, Mapping[str, float]]:
    """What the model says to a text, in at most so many tokens, and the engine's own timings."""
    reply, timings = "", dict[str, float]()
    request = chat_request([{"role": "user", "content": text}], 0)
    with closing(process.ask({"request": {**request, "max_tokens": most, "temperature": 0.0}})) as chunks:
        for chunk in chunks:
            reply += chunk["choices"][0]["delta"].get("content") or ""
            timings = chunk.get("timings", timings)
    if not timings:
        raise EngineError("The engine does not tell how long it took.")
    return reply, timings
