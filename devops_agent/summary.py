"""What was done, told by code: the answer where forms did all that a task wants."""

from devops_agent.patterns import regex
from devops_agent.protocol import Call

_MOST_LINES = 4
_LONGEST_COMMAND = 160
_EACH_COUNTS = "set -e"
# What a program prints of what it makes says nothing to a reader: a container's or an image's id.
_ID = regex(r"(?:sha256:)?[0-9a-f]{12,64}")


def of_change(call: Call, title: str, output: str, checked: str) -> str:
    """What a call did that succeeded, in a few lines.

    Args:
        call: The call that ran.
        title: What its form does, for a command that is too long to be read; "" where there is none.
        output: What its command printed.
        checked: What code saw of it afterwards.
    """
    seen = checked.removeprefix("Checked: ").strip()
    if "path" in call.arguments:
        return seen or f"Wrote {call.arguments['path']}."
    lines = [line for line in str(call.arguments.get("command", "")).splitlines() if line != _EACH_COUNTS]
    command = "; ".join(lines)
    done = command if len(command) <= _LONGEST_COMMAND and "<<" not in command else title
    said = [line for line in output.splitlines() if line.strip() and not _ID.fullmatch(line.strip())]
    told = said if len(said) <= _MOST_LINES else []
    return "\n".join(filter(None, (f"Done: {done or f'{command[:_LONGEST_COMMAND]} …'}", *told, seen)))
