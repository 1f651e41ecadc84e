"""What is wrong with a text file by its own grammar: shell scripts, JSON, YAML, Python."""

import ast
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from devops_agent.patterns import regex

_SECONDS = 5
_LONGEST = 300
_AROUND = 1
_COMMENT = regex(r"^\s*//", re.MULTILINE)


def trouble(path: Path, text: str) -> str:
    """Where the text of a file breaks the grammar that its name promises; "" when it does not.

    Args:
        path: The file; its suffix tells the grammar, of a script without one its first line.
        text: Its text.
    """
    check = _CHECKS.get(path.suffix.lower())
    if check is None and text.startswith("#!") and "sh" in text.partition("\n")[0]:
        check = _shell
    if check is None and (path.name.startswith("crontab") or path.suffix in (".cron", ".crontab")):
        check = _crontab
    return check(text)[:_LONGEST] if check else ""


def broken_by(path: Path, before: str, text: str) -> str:
    """What a new text of a file breaks that was whole before; "" when it breaks nothing."""
    wrong = trouble(path, text)
    return wrong if wrong and not trouble(path, before) else ""


def indent(line: str) -> str:
    """The white space before a line."""
    return line[: len(line) - len(line.lstrip())]


def _shell(text: str) -> str:
    try:
        done = subprocess.run(
            ["bash", "-n"], input=text, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    said = done.stderr.strip().splitlines()
    return said[0].removeprefix("bash: ") if done.returncode and said else ""


_NUMBER = r"(?:\d{1,2}|[A-Za-z]{3})"
_FIELD = rf"(?:(?:\*|{_NUMBER}(?:-{_NUMBER})?)(?:/\d{{1,2}})?)"
_JOB = regex(rf"\s*(?:@[a-z]+|{_FIELD}(?:,{_FIELD})*(?:\s+{_FIELD}(?:,{_FIELD})*){{4}})\s+\S")
_NO_JOB = regex(r"\s*(?:#|$|\w+\s*=)")


def _crontab(text: str) -> str:
    lines = enumerate(text.splitlines(), 1)
    wrong = next((n for n, line in lines if not (_JOB.match(line) or _NO_JOB.match(line))), 0)
    if not wrong:
        return ""
    return f"no job of cron, which begins with five fields such as 30 2 * * 1-5{_lines(text, wrong)}"


def _json(text: str) -> str:
    if _COMMENT.search(text):
        return ""  # some programs allow them
    try:
        json.loads(text)
    except ValueError as error:
        number = getattr(error, "lineno", 0)
        return f"no valid JSON: {error}{_lines(text, number)}"
    return ""


def _yaml(text: str) -> str:
    import yaml

    if "{{" in text:
        return ""  # a template
    try:
        for document in yaml.compose_all(text, Loader=yaml.SafeLoader):
            for key in _twice(document):
                number = key.start_mark.line + 1
                return f"the key {key.value} stands there twice, in line {number}{_lines(text, number)}"
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it cannot be read"
        where = f" in line {mark.line + 1}{_lines(text, mark.line + 1)}" if mark else ""
        return f"no valid YAML: {problem}{where}"
    return ""


def _twice(node: Any) -> Iterator[Any]:
    """The keys of a node of PyYAML and of those in it that one mapping has a second time."""
    for mapping in (each for each in _nodes(node) if each.id == "mapping"):
        seen = set()
        for key, _ in mapping.value:
            if key.id == "scalar" and key.value in seen and key.value != "<<":
                yield key
            seen.add(key.value if key.id == "scalar" else id(key))


def _nodes(node: Any) -> Iterator[Any]:
    waiting, seen = [node] if node is not None else [], set()
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue  # an alias
        seen.add(id(found))
        yield found
        if found.id != "scalar":
            waiting += [
                each for item in found.value for each in (item if isinstance(item, tuple) else (item,))
            ]


def _python(text: str) -> str:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError) as error:
        number = getattr(error, "lineno", 0) or 0
        return f"no valid Python: {error}{_lines(text, number)}"
    return ""


def _lines(text: str, number: int) -> str:
    """The line of that number with its neighbours."""
    if not number:
        return ""
    lines = text.splitlines()
    first = max(number - 1 - _AROUND, 0)
    shown = [f"{at}: {line}" for at, line in enumerate(lines[first : number + _AROUND], first + 1)]
    return "\n" + "\n".join(shown)


_CHECKS: dict[str, Callable[[str], str]] = {
    ".sh": _shell,
    ".bash": _shell,
    ".json": _json,
    ".yaml": _yaml,
    ".yml": _yaml,
    ".py": _python,
}
