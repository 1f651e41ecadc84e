"""Files that a task means by what they are called, how old or how large they are, and what it wants of them.

A small model forgets a bracket of `find`, and then deletes what was to stay. So code writes the command.
"""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

from devops_agent.forms.recipe import RecipeForm, form_of_commands
from devops_agent.grounding.task_words import paths_in

_ACTIONS = {
    action: re.compile(rf"\b(?:{said})\b", re.IGNORECASE)
    for action, said in {
        "delete": "delete|remove|clean(?: up| out)?|get rid of|purge|wipe|drop",
        "compress": "compress|gzip",
        "list": "list|find|show|which|what",
    }.items()
}
_COUNTS = "awk '1; END { print NR, \"deleted\" }'"
_DOES: dict[str, Callable[[str], str]] = {
    "delete": lambda found: f"set -o pipefail\n{found} ! -path '*/.git/*' -print -delete | {_COUNTS}",
    "compress": lambda found: f"{found} ! -name '*.gz' -exec gzip -v {{}} +",
    "list": lambda found: f"{found} -printf '%s bytes, %TY-%Tm-%Td %p\\n' | sort -k3",
}
_GLOB = re.compile(r"(?<![\w/])[\w.-]*\*[\w.*~-]*(?![\w/])")
_ENDING = re.compile(
    r"\b(?:ending|end|ends) (?:in|with) [\"'`]?([.~\w-]+?)[\"'`]?(?=[\s,;:)]|\.?$)", re.IGNORECASE
)
_SUFFIX = re.compile(r"(?<!\S)\.([a-z0-9]{1,8}) files?\b", re.IGNORECASE)
_AGE = re.compile(r"\b(?:older than|more than|over) (?:(\d+)|an?) (day|week|month)s?\b", re.IGNORECASE)
_DAYS = {"day": 1, "week": 7, "month": 30}
_SIZE = re.compile(
    r"\b(?:over|above|(?:larger|bigger|more|greater) than) (\d+) ?([kmg])(?:i?b|egabytes?)?\b", re.IGNORECASE
)
_DEEP = re.compile(
    r"\b(?:sub ?(?:folders?|director(?:y|ies))|recursive\w*|below|under|everywhere|project|tree|whole"
    r"|anywhere)\b",
    re.IGNORECASE,
)
_SPARES = re.compile(
    r"\b(?:leave|except|but (?:not|keep)|keep|spare|don['’]?t touch|do not touch|other than|not the)\b"
    r"((?:(?![.;](?:\s|$)).)*)",
    re.IGNORECASE,
)
_SAME = re.compile(r"\b(?:those|these|them|the same)\b", re.IGNORECASE)
_FILES = re.compile(
    r"\b(?:files?|logs?|leftovers|everything|backups?|dumps?|ones|those|these|them|archives?)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"[\w.-]*\w/?")
_NO_NAMES = frozenset(
    "alone though that third party as it is they are in place the a an and or of this those for".split()
)


def selection_of(wish: str, task: str, directory: Path) -> RecipeForm | None:
    """The form for a wish about several files; None when it is in doubt which they are.

    Args:
        wish: What is wanted of them.
        task: The task, which may have told before which are meant.
        directory: The working directory.
    """
    spared = _SPARES.findall(task)
    plain = _SPARES.sub(" ", wish)
    action = next((name for name, said in _ACTIONS.items() if said.search(plain)), "")
    told = _SPARES.sub(" ", task) if _SAME.search(plain) else plain
    tests = _tests(told)
    if not action or not tests or not _FILES.search(told):
        return None
    named = {word.rstrip("/") or "/": word for word in paths_in(told) if (directory / word).is_dir()}
    folders = list(named.values()) or ["."]
    excluded = _excluded(spared, directory)
    if len(folders) > 1 or excluded is None:
        return None
    depth = "" if _DEEP.search(told) or _SIZE.search(told) else "-maxdepth 1 "
    found = " ".join((f"find {shlex.quote(folders[0])} {depth}-type f", *tests, *excluded))
    return form_of_commands(f"{action.capitalize()} the files that are meant", _DOES[action](found))


def _tests(text: str) -> list[str]:
    """The tests of `find` for what a text says of files."""
    globs = [*_GLOB.findall(text), *(f"*{end}" for end in _ENDING.findall(text))]
    globs += [f"*.{suffix}" for suffix in _SUFFIX.findall(text)]
    names = [f"-name {shlex.quote(glob)}" for glob in dict.fromkeys(globs) if glob.strip("*.")]
    tests = [names[0]] if len(names) == 1 else [f"\\( {' -o '.join(names)} \\)"] if names else []
    for number, unit in _AGE.findall(text):
        tests.append(f"! -newermt '{int(number or 1) * _DAYS[unit.lower()]} days ago'")
    for number, unit in _SIZE.findall(text):
        tests.append(f"-size +{number}{'k' if unit in 'kK' else unit.upper()}")
    return tests


def _excluded(spared: list[str], directory: Path) -> list[str] | None:
    """The tests that leave out what is to stay; None when it is not clear what that is."""
    tests = []
    for clause in spared:
        names = [name for name in _NAME.findall(clause.partition(",")[0]) if name.lower() not in _NO_NAMES]
        if not names or not all((directory / name).exists() for name in names):
            return None
        for name in names:
            bare = name.rstrip("/")
            folder = (directory / name).is_dir()
            tests.append(
                f"! -path {shlex.quote(f'*/{bare}/*')}" if folder else f"! -name {shlex.quote(bare)}"
            )
    return tests
