"""The flags of a subcommand."""

from collections.abc import Sequence

from devops_agent.errors import UsageError


def options(
    name: str, valued: Sequence[str], switches: Sequence[str], words: Sequence[str]
) -> dict[str, str]:
    """The flags of a subcommand.

    Raises:
        UsageError: There is another one, or one lacks its value.
    """
    options: dict[str, str] = {}
    rest = list(words)
    while rest:
        flag, equals, value = rest.pop(0).partition("=")
        if flag in switches and not equals:
            options[flag] = ""
        elif flag in valued and (equals or rest):
            options[flag] = value if equals else rest.pop(0)
        else:
            known = ", ".join((*valued, *switches))
            raise UsageError(f"{flag!r} is no flag of {name}, or lacks its value. Known: {known}.")
    return options
