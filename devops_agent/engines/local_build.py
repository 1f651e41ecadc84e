"""An engine that is built for this processor: the published one, for any since 2013, leaves AVX-512 unused.

It is built from the same release's source, with what the processor has and no more: llama.cpp's own detection
takes AMX too, which virtual machines announce and do not have. It is used only after it has answered.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from devops_agent.engines import tuning
from devops_agent.engines.tuning import PACKAGE, Parameters
from devops_agent.errors import EngineError

_NEEDED = ("cmake", "c++", "make")
# What llama.cpp is built with, by the flags of /proc/cpuinfo that it takes.
_FEATURES = {
    "GGML_AVX512": ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"),
    "GGML_AVX512_VBMI": ("avx512vbmi",),
    "GGML_AVX512_VNNI": ("avx512_vnni",),
    "GGML_AVX512_BF16": ("avx512_bf16",),
}
_ALWAYS = (
    *("GGML_SSE42", "GGML_AVX", "GGML_AVX2", "GGML_BMI2", "GGML_FMA", "GGML_F16C"),
    *("GGML_NATIVE=OFF", "LLAMA_LLGUIDANCE=OFF", "LLAMA_BUILD_BORINGSSL=OFF"),
)
_QUESTION = "What is 17 + 25? Answer with the number only."


def features(cpuinfo: str) -> list[str]:
    """What of llama.cpp the published engine leaves unused on a processor.

    Args:
        cpuinfo: The text of /proc/cpuinfo.
    """
    flags = {word for line in cpuinfo.splitlines() if line.startswith("flags") for word in line.split()}
    found = [name for name, needed in _FEATURES.items() if flags.issuperset(needed)]
    return found if "GGML_AVX512" in found else []


def built(folder: Path, wanted: list[str], log: Path) -> Path:
    """Builds the engine, in 10 to 30 minutes, and gives its folder.

    Args:
        folder: Where engines are kept.
        wanted: What `features` found.
        log: What the compiler says.

    Raises:
        EngineError: What is needed for it is missing, or it fails.
    """
    if missing := [program for program in _NEEDED if not shutil.which(program)]:
        raise EngineError(f"To build the engine, install {', '.join(missing)} and try again.")
    version = metadata.version(PACKAGE)
    target = folder / f"{PACKAGE}-{version}"
    new = folder / f"{target.name}.new"
    shutil.rmtree(new, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    switches = (option if "=" in option else f"{option}=ON" for option in (*_ALWAYS, *wanted))
    environment = {
        **os.environ,
        "XLLAMACPP_RELEASE": "1",
        "CMAKE_ARGS": " ".join(f"-D{switch}" for switch in switches),
    }
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-cache-dir", "--no-input"]
    command += ["--no-binary", PACKAGE, "--target", str(new), f"{PACKAGE}=={version}"]
    with log.open("wb") as printed:
        done = subprocess.run(command, env=environment, stdout=printed, stderr=subprocess.STDOUT)
    if done.returncode:
        raise EngineError(f"The engine could not be built. See {log}.")
    shutil.rmtree(target, ignore_errors=True)
    return new.rename(target)


def checked(
    told: Mapping[str, Any], parameters: Parameters, engine: Path, say: Callable[[str], None]
) -> Parameters:
    """The parameters with an engine that was built, if it answers right and faster; else without.

    Args:
        told: What an engine's process is told beside the parameters.
        parameters: Those so far.
        engine: The folder of the engine.
        say: Told what came out.
    """
    tried = replace(parameters, engine=str(engine))
    try:
        here, there = (tuning.said(told, each, _QUESTION, 8)[0].strip() for each in (parameters, tried))
        right = here == there
        before, after = tuning.measure(told, parameters), tuning.measure(told, tried)
    except EngineError as error:
        say(f"It does not run on this processor and is not used: {error}")
        return parameters
    say(f"Prompt tokens a second: {before.prompt:.0f} before, {after.prompt:.0f} now.")
    if right and after.seconds < before.seconds:
        return tried
    say("It is not used: " + ("it is not faster." if right else "it answers wrong."))
    return parameters
