"""Files that a task names with an @: `what is wrong with @deploy.yaml?`"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from devops_agent import files
from devops_agent.errors import ToolError, UsageError
from devops_agent.outputs import BUDGET, reduce_output
from devops_agent.patterns import regex

_NAMED = regex(r'(?<!\S)@(?:"([^"\n]+)"|([^\s"]*[^\s",;:!?.]))')


def attached(line: str, hide: Callable[[str], str]) -> tuple[str, Mapping[str, str]]:
    """The task without its marks, and the texts of the files, by their names.

    Args:
        line: What was typed.
        hide: Hides the secrets of a text.

    Raises:
        UsageError: A file cannot be read.
    """
    texts: dict[str, str] = {}

    def named(match: "re.Match[str]") -> str:
        name = match[1] or match[2]
        path = Path(name).expanduser()
        if not path.exists() and not match[1] and not re.search(r"[./~]", name):
            return match[0]  # "@here" is no file
        texts[name] = reduce_output(hide(_text(path)), BUDGET, source=path)
        return name

    return _NAMED.sub(named, line), texts


def _text(path: Path) -> str:
    try:
        return files.read_text(str(path))
    except ToolError as error:
        raise UsageError(str(error)) from error
