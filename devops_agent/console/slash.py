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
        takes: What may stand behind it, as help shows it.
        help: What it does, in a few words.
        run: Does it, given what stands behind it.
        choices: Gives what may stand behind it. It is called at a key, so it looks at nothing slow.
    """

    name: str
    takes: str
    help: str
    run: Callable[[str], None]
    choices: Callable[[], Sequence[str]] = _nothing
