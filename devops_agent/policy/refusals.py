"""Why a command is not run: the never list first, then what would wait for a person or without end."""

from dataclasses import dataclass

from devops_agent.policy.interactive import waits
from devops_agent.policy.never import destroys


@dataclass(frozen=True)
class Refusal:
    """Why a command is not run; `never` ones are refused in every mode."""

    reason: str
    never: bool = False


def refusal(command: str, home: str = "~") -> Refusal | None:
    """Why the command is not run, in a line for the model; None if it may run. `home` is the home path."""
    if reason := destroys(command, home):
        return Refusal(f"Refused: {reason}", never=True)
    reason = waits(command)
    return Refusal(reason) if reason else None
