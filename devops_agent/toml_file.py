"""TOML files of the user: the configuration and the policies."""

import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from devops_agent.errors import UsageError

if sys.version_info >= (3, 11):
    from tomllib import loads
else:
    from tomli import loads

__all__ = ["loads", "read"]


def read(path: Path, known: Collection[str]) -> dict[str, Any]:
    """What stands in a file; nothing if there is none.

    Args:
        path: The file.
        known: The keys that it may have.

    Raises:
        UsageError: It cannot be read, or has another key.
    """
    try:
        values: dict[str, Any] = loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}. Correct or remove it.") from error
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise UsageError(f"{path}: unknown key {unknown[0]!r}. Known: {', '.join(sorted(known))}.")
    return values
