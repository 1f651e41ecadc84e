"""Why a command is not run: the never list first, then what would wait for a person or without end."""

from devops_agent.errors import CallRefused
from devops_agent.policy.interactive import waits
from devops_agent.policy.never import destroys


def refusal(command: str, home: str = "~", directory: str = "") -> CallRefused | None:
    """Why the command is not run, in a line for the model; None if it may run.

    Args:
        command: The text for the shell.
        home: The path of the home directory.
        directory: The absolute path of the directory in which it runs; "" if that is unknown.
    """
    if reason := destroys(command, home, directory):
        return CallRefused(f"Refused: {reason}", never=True)
    reason = waits(command)
    return CallRefused(reason) if reason else None
