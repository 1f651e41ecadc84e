"""`devops-agent doctor`: whether this machine has what this program needs."""

import json
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import asdict
from typing import TextIO

from devops_agent.doctor import check, engines, machine, services
from devops_agent.doctor.check import Checker


def doctor_command(arguments: Namespace, environ: Mapping[str, str], out: TextIO) -> bool:
    """Prints a line for each check.

    Args:
        arguments: `quick`, for no checksum of the model; `json`.
        environ: The environment.
        out: Where it is printed.

    Returns:
        Whether nothing failed; warnings are no failures.
    """
    found = check.run(_checkers(arguments.quick), environ)
    is_well = all(each.state != "failure" for each in found)
    if arguments.json:
        print(json.dumps({"ok": is_well, "checks": [asdict(each) for each in found]}), file=out)
        return is_well
    width = max(len(each.name) for each in found)
    for each in found:
        fix = f". {each.fix}" if each.fix else ""
        print(f"{each.state:<8} {each.name:<{width}} {each.text}{fix}", file=out)
    return is_well


def _checkers(quick: bool) -> Mapping[str, Checker]:
    return {
        "Python": machine.python,
        "engine": engines.package,
        "model": engines.ModelFile(quick),
        "Ollama": engines.ollama,
        "Docker": services.docker,
        "Kubernetes": services.kubernetes,
        "tools": machine.tools,
        "bash": machine.bash,
        "disk": machine.disk,
        "memory": machine.memory,
        "folders": machine.folders,
        "configuration": machine.configuration,
        "terminal": machine.terminal,
    }
