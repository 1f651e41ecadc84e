"""`devops-agent tune`: measures the embedded engine on this machine, and keeps what is fastest."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from devops_agent import settings
from devops_agent.engines import local_build, openmp, resident, tuning
from devops_agent.engines.tuning import Parameters, Speed
from devops_agent.errors import EngineError, ModelNotFound
from devops_agent.folders import cache_folder
from devops_agent.model_file import DEFAULT_MODEL

_SECONDS = 60.0


def tune_command(arguments: argparse.Namespace, environ: Mapping[str, str], out: TextIO) -> None:
    """Measures for at most a minute, prints the figures and keeps the best.

    Raises:
        ModelNotFound: There is no model yet.
        EngineError: The engine does not run, or cannot be built.
    """

    def say(text: str) -> None:
        print(text, file=out, flush=True)

    chosen = settings.load({}, environ)
    cache = cache_folder(environ)
    model = chosen.model_path or cache / "models" / DEFAULT_MODEL.name
    if not model.is_file():
        raise ModelNotFound(f"There is no model at {model}. Do a task first: it is downloaded then.")
    told = {"path": str(model.absolute()), "num_ctx": chosen.num_ctx}
    openmp.provide(environ)
    resident.stop(resident.folder(environ))  # it would be measured with

    def measured(parameters: Parameters) -> Speed:
        speed = tuning.measure(told, parameters)
        say(_line(parameters, speed))
        return speed

    try:
        start = replace(tuning.load(tuning.file(environ)), threads=Parameters.threads)
        if arguments.build:
            start = _built(told, cache / "engines", say)
        found = tuning.best(measured, start, _SECONDS)
        tuning.save(tuning.file(environ), found)
    except OSError as error:
        raise EngineError(f"Cannot keep what was measured: {error}.") from error
    say(f"Kept: {_told(found)}.")


def _built(told: Mapping[str, object], folder: Path, say: Callable[[str], None]) -> Parameters:
    wanted = local_build.features(tuning.cpuinfo())
    if not wanted:
        raise EngineError("The published engine uses all that this processor has: there is nothing to build.")
    log = folder / "build.log"
    folder.mkdir(parents=True, exist_ok=True)
    say(f"Building the engine with {', '.join(wanted)}: 10 to 30 minutes. Its log: {log}")
    engine = local_build.built(folder, wanted, log)
    return local_build.checked(told, Parameters(), engine, say)


def _line(parameters: Parameters, speed: Speed) -> str:
    return f"{_told(parameters)}: {speed.prompt:.1f} prompt tokens a second, {speed.output:.1f} written"


def _told(parameters: Parameters) -> str:
    threads = "llama.cpp's threads" if parameters.threads < 0 else f"{parameters.threads} threads"
    built = ", built for this processor" if parameters.engine else ""
    return f"{threads}{built}"
