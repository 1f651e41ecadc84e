"""The commands of an interactive session that begin with a slash."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


def _nothing() -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class SlashCommand:
    """A command such as `/show`, as completion and help know it.

    Attributes:
        name: Its name without the slash.
        help: What it does, in a few words.
        choices: Gives what may stand behind it. It is called at a key, so it looks at nothing slow.
    """

    name: str
    help: str
    choices: Callable[[], Sequence[str]] = _nothing
