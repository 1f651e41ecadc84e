"""`devops-agent engine`: the embedded engine that stays in memory."""

import argparse
from collections.abc import Mapping
from typing import TextIO

from devops_agent.engines import resident


def engine_command(arguments: argparse.Namespace, environ: Mapping[str, str], out: TextIO) -> None:
    """Tells whether an engine stays in memory, or stops it behind the request that it answers."""
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
