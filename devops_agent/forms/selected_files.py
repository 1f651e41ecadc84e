"""Files that a task means by what they are called, how old or how large they are, and what it wants of them.

A small model forgets a bracket of `find`, and then deletes what was to stay. So code writes the command, and
only for a wish of which it understands each word.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from devops_agent.files import is_file, is_folder
from devops_agent.forms.recipe import RecipeForm, form_of_commands
from devops_agent.patterns import NO_NAME, regex

_WORDS = {
    # "Write the names of all … into big.txt, one per line"
    "save": "(?:write|save|put|store|list) (?:me )?(?:all )?(?:the )?(?:(?:file ?)?names|paths|list) of",
    "delete": "delete|remove|clean up|get rid of|purge",
    "compress": "compress|gzip",
    "move": "move",
    "copy": "copy",
    "list": "list|find",
}
_INTO = regex(
    r"\b(?:in)?to (?:an? |the )?(?:file )?[\"'`]?(?P<file>[\w./-]+\.\w+)[\"'`]?"
    r"(?:,? one (?:name |path |file )?(?:a|per|on each) line)?",
    re.IGNORECASE,
)
_INTO_FOLDER = regex(
    r"\b(?P<how>into|to)(?P<said> (?:an? |the )?(?:new )?(?:folder|directory)(?: called| named)?)? "
    r"[\"'`]?(?P<file>/?(?:[\w.-]+/)*[\w-]+)/?[\"'`]?(?: folder| directory)?(?=[\s.]*$)",
    re.IGNORECASE,
)
_ACTIONS = {
    action: regex(rf"(?:(?:please|then|and|first|now) )*(?:{said})\b", re.IGNORECASE)
    for action, said in _WORDS.items()
}
_COUNTS = "awk '1; END { print NR, \"deleted\" }'"
_COMMANDS = {
    "delete": f"FIND -print -delete | {_COUNTS}",
    "compress": "FIND ! -name '*.gz' -exec gzip -v {} +",
    "move": "mkdir -p -- INTO\nFIND -exec mv -nv -t INTO -- {} +\n! FIND | grep .",
    "copy": "mkdir -p -- INTO\nFIND -exec cp -nv -t INTO -- {} +",
    "save": "FIND ! -path INTO ! -path ./INTO | sort > INTO",
    "list": "FIND -printf '%s bytes, %TY-%Tm-%Td %p\\n' | sort -k3",
}
_GLOB = regex(r"(?<![\w/*])(?=[\w.*~-]*[.~\w])[\w.-]*\*[\w.*~-]*(?![\w/*])")
_ENDING = regex(
    r"\b(?:files? )?(?:ending|that end|which end) (?:in|with) [\"'`]?([.~][\w~-]*|\w+)[\"'`]?"
    r"(?=[\s,;:)]|\.?$)",
    re.IGNORECASE,
)
# ".bak files", "log files"
_SUFFIX = regex(
    r"(?<!\S)(?:\.(?=\w{1,8} )|(?=(?:log|bak|tmp|csv|json|ya?ml|xml|txt|pyc|gz|zip) ))"
    r"([a-z0-9]+)(?= files?\b)",
    re.IGNORECASE,
)
# "csv and json files"
_KNOWN = r"(?:log|bak|tmp|csv|json|ya?ml|xml|txt|pyc|gz|zip|conf|sh|py|sql|md)"
_SUFFIXES = regex(
    rf"(?<![\w.])(\.?{_KNOWN})(?=(?: and| or|,) (?:all )?\.?{_KNOWN}(?: files?\b|,| and| or))",
    re.IGNORECASE,
)
_AGE = regex(
    r"\b(?:(?:that |which )?(?:are |were |was )?(?:last )?modified |(?:that|which) are )?"
    r"(?:older than|more than) (?:(\d+)|an?) (day|week)s?\b(?: ago\b)?",
    re.IGNORECASE,
)
_DAYS = {"day": 1, "week": 7}
_SIZE = regex(
    r"\b(?:that |which )?(?:are |is )?(?:over|above|(?:larger|bigger) than) "
    r"(\d+) ?(k|m|g)(?:i?b|egabytes?)?(?![\w.])",
    re.IGNORECASE,
)
_DEEP = regex(
    r"\b(?:also |and )?(?:in (?:all |its |the )?sub ?(?:folders?|director(?:y|ies))|recursively"
    r"|in this project)\b",
    re.IGNORECASE,
)
_SPARES = regex(
    r"\b(?:leave|except(?: for)?|but (?:not|keep|leave)|keep|spare|don['’]?t touch|do not touch)\s"
    r"(.*?)(?=[.;](?:\s|$)|$)",
    re.IGNORECASE,
)
_FOLDER = regex(
    r"\b(?:in|from|below) (?:the (?:folder|directory) )?[\"'`]?([\w.~/-]*\w/?|/)[\"'`]?(?=[\s,;:)]|\.?$)"
)
_HERE = regex(r"\b(?:here|in (?:this|the current) (?:folder|directory))\b", re.IGNORECASE)
_SAME = regex(r"\b(?:those|these)(?: files)?\b|\bthem\b", re.IGNORECASE)
_SAYS_NOTHING = regex(
    r"\b(?:all|the|any|every|each|files?|everything|and|or|only|just|please)\b|[(),;:.\"'`!?-]",
    re.IGNORECASE,
)
# What else files with such a name are called.
_CALLED = regex(
    r"\bleftovers?\b"
    r"|\b(?:editor|merge|temporary|temp|backup)(?= (?:(?:and|or) \w+ )?(?:files?|leftovers?)\b)",
    re.IGNORECASE,
)
# What is done to files before they go, and where they go.
_DONE_BEFORE = regex(
    r"(?:please |first )*(?:pack|archive|compress|gzip|zip|copy|list|find|show)\b", re.IGNORECASE
)
_TARGET = regex(r"\b(?:into|to|as) (?:an? archive )?[\w./~-]+(?: here\b)?", re.IGNORECASE)
# Patterns of the shell that mean something else here, and conditions.
_OTHER_PATTERN = regex(r"[!\[\]{}]|\?(?!\s*$)|\b(?:if|unless|provided|in case)\b", re.IGNORECASE)
_FILLS = frozenset("alone though as it is they are in place the a an and of for that's third-party".split())


def selection_of(wish: str, before: Sequence[str], changes: bool, directory: Path) -> RecipeForm | None:
    """The form for a wish about several files; None when any word of it is not understood.

    Args:
        wish: What is wanted of them.
        before: What the task wants before, which may have told which are meant.
        changes: Whether the task wants anything changed.
        directory: The working directory.
    """
    action = next((name for name, said in _ACTIONS.items() if said.match(wish)), "")
    if not action or (action != "list") != changes or _OTHER_PATTERN.search(wish):
        return None
    rest = _ACTIONS[action].sub(" ", wish, count=1)
    rest = _SUFFIXES.sub(r"\1 files", rest)
    into = _INTO.search(rest) if action == "save" else None
    if action in ("move", "copy"):
        into = _INTO_FOLDER.search(rest)
        if into is None or is_file(directory / into["file"]) or into["file"].lower() in NO_NAME:
            return None
        clear = into["said"] or into[0].rstrip(" .").endswith(("folder", "directory")) or "/" in into["file"]
        if not clear and not is_folder(directory / into["file"]):
            return None  # "to the server"
        rest = _INTO_FOLDER.sub(" ", rest, count=1)
    if action == "save":
        if into is None or is_file(directory / into["file"]) or is_folder(directory / into["file"]):
            return None  # what is in it may be wanted
        rest = _INTO.sub(" ", rest, count=1)
    spared, rest = _SPARES.findall(rest), _SPARES.sub(" ", rest)
    meant = _Meant.of(rest)
    if meant and not meant.tests and _SAME.search(meant.rest) and before:
        earlier = _Meant.of(_TARGET.sub(" ", _DONE_BEFORE.sub(" ", before[-1], count=1)))
        if earlier is None or earlier.rest or meant.folder not in ("", earlier.folder):
            return None
        meant = replace(earlier, rest=_bare(_SAME.sub(" ", meant.rest)))
    if meant and meant.deep and action in ("move", "copy"):
        return None  # of two with one name, one would stay
    excluded = _excluded(spared, directory, meant.folder if meant else "")
    if meant is None or meant.rest or not meant.tests or excluded is None:
        return None
    if not (meant.by_name or meant.folder) or not is_folder(directory / Path(meant.folder or ".")):
        return None
    looks = action in ("list", "save")
    where = ["find", shlex.quote(meant.folder or "."), *([] if meant.deep or looks else ["-maxdepth 1"])]
    inside = ["! -path '*/.git/*'"] if meant.deep and not looks else []
    found = " ".join((*where, "-type f", *meant.tests, *excluded, *inside))
    command = _COMMANDS[action].replace("FIND", found)
    command = command.replace("INTO", shlex.quote(into["file"])) if into else command
    return form_of_commands(f"{action.capitalize()} the files that are meant", command)


@dataclass(frozen=True)
class _Meant:
    """Which files a text means.

    Attributes:
        folder: Where they are; "" when that is not said.
        deep: Whether those in folders below it are meant too.
        tests: The tests of `find` for them.
        by_name: Whether these are by name.
        rest: What else the text says.
    """

    folder: str
    deep: bool
    tests: tuple[str, ...]
    by_name: bool
    rest: str

    @classmethod
    def of(cls, text: str) -> "_Meant | None":
        """Reads a text; None when it speaks of several places."""
        everywhere = _DEEP.search(text)
        placed = _HERE.sub(" ", _DEEP.sub(" ", text))
        folders = list(_FOLDER.finditer(placed))
        here = bool(_HERE.search(text)) or bool(everywhere and "project" in everywhere[0])
        if len(folders) > 1 or (folders and (here or _GLOB.search(placed, folders[0].end()))):
            return None
        tests, by_name, rest = _tests(_FOLDER.sub(" ", placed))
        rest = _bare(_CALLED.sub(" ", rest) if by_name else rest)
        return cls(folders[0][1] if folders else "", bool(everywhere), tuple(tests), by_name, rest)


def _bare(text: str) -> str:
    return " ".join(_SAYS_NOTHING.sub(" ", text).split())


def _tests(text: str) -> tuple[list[str], bool, str]:
    """The tests of `find` for what a text says of files, whether by name, and what else the text says."""
    globs = [*_GLOB.findall(text), *(f"*{end}" for end in _ENDING.findall(text))]
    globs += [f"*.{suffix}" for suffix in _SUFFIX.findall(text)]
    names = [f"-name {shlex.quote(glob)}" for glob in dict.fromkeys(globs)]
    tests = [names[0]] if len(names) == 1 else [f"\\( {' -o '.join(names)} \\)"] if names else []
    for number, unit in _AGE.findall(text):
        tests.append(f"! -newermt '{int(number or 1) * _DAYS[unit.lower()]} days ago'")
    for number, unit in _SIZE.findall(text):
        tests.append(f"-size +{number}{'k' if unit in 'kK' else unit.upper()}")
    for said in (_AGE, _SIZE, _ENDING, _GLOB, _SUFFIX):
        text = said.sub(" ", text)
    return tests, bool(names), text


def _excluded(spared: Sequence[str], directory: Path, folder: str) -> list[str] | None:
    """The tests that leave out what is to stay; None when it is not clear what that is."""
    tests = []
    for clause in spared:
        words = re.split(r"[\s,]+", clause.strip(" ."))
        names = [word.rstrip("/") for word in words if word and word.lower() not in _FILLS]
        if not names or not all(re.fullmatch(r"[\w.-]+", name) for name in names):
            return None
        for name in names:
            if is_folder(directory / name):
                tests.append(f"! -path {shlex.quote(f'*/{name}/*')}")
            elif any(is_file(directory / place / name) for place in ("", folder)):
                tests.append(f"! -name {shlex.quote(name)}")
            else:
                return None
    return tests
