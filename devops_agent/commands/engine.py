"""`devops-agent engine`: the embedded engine that stays in memory, and its model."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from devops_agent.engines import openmp, resident
from devops_agent.folders import cache_folder


def engine_command(arguments: argparse.Namespace, environ: Mapping[str, str], out: TextIO) -> None:
    """Tells whether an engine stays in memory, stops it behind the request that it answers, or gets a model.

    Raises:
        EngineError: No place gives the model or what the engine needs, or the disk cannot hold it.
    """
    if arguments.action == "fetch":
        openmp.provide(environ)
        print(f"The model is {_fetched(environ, out)}.", file=out)
        return
    place = resident.folder(environ)
    if arguments.action == "stop":
        count = resident.stop(place)
        print("Stopped." if count else "No engine stays in memory.", file=out)
        return
    sockets = resident.running(place)
    for path in sockets:
        print(f"The engine stays in memory and listens on {path}.", file=out)
    if not sockets:
        print("No engine stays in memory.", file=out)


def _fetched(environ: Mapping[str, str], out: TextIO) -> Path:
    from devops_agent.events import Progress
    from devops_agent.model_file import DEFAULT_MODEL
    from devops_agent.model_store import ensure_model
    from devops_agent.terminal import Terminal

    tell = Terminal(out, sys.stderr)
    return ensure_model(
        DEFAULT_MODEL, cache_folder(environ) / "models", lambda *step: tell(Progress(*step)), environ
    )
