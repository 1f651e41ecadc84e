"""The never list: what would destroy the system, a disk or the home directory, refused in every mode."""

import re
from collections.abc import Sequence
from itertools import dropwhile, takewhile
from posixpath import normpath

from devops_agent.policy.shell_text import SHELLS, Segment, is_on, parse_flags, segments

_DISK = r"/dev/(?:sd[a-z]|nvme|vd[a-z]|hd[a-z]|xvd|mmcblk|r?disk|mapper/|dm-)"
_SAFE_DEVICE = r"/dev/(?:null|zero|stdout|stderr|fd/\d+)(?![\w/])"
_FORK_BOMB = re.compile(r"(?<![^\s(){};|&])([^\s(){};|&]+)\s*(?:\(\s*\))?\s*\{\s*\1\s*\|\s*\1\s*&\s*;?\s*\}")
_HOME_WORD = re.compile(r"^(?:~(?=/|$)|\$HOME\b|\$\{HOME\b[^}]*\})")
_GLOB_TAIL = re.compile(r"(?:/(?=[^/]*\*)[][.?*!^]+)+/?$")
_NAME_TESTS = frozenset("-name -iname -path -ipath -regex -iregex -mtime -mmin -newer -size".split())
_ACTIONS = frozenset("-delete -exec -execdir -ok -okdir".split())
_OR, _NOT = ("-o", "-or", ","), ("!", "-not")
_OPERAND = r"""\s["']?(?:/|~|\$HOME|\$\{HOME\})["']?/?[.*]*["']?(?=[\s;|&)"']|$)"""
# `find` with a test that not every file of the home directory passes, and nothing that turns it round.
_TESTS = r"(?:(?!\s-(?:delete|not|or?)\b)[^\n;|&!]){0,200}"
_SOME_OF_HOME = (
    rf"\s[\"']?[~$][^\s/]*/?\s+(?=[-\\(]){_TESTS}-i?(?:name|path|regex)"
    rf"\s+(?![\"']?[~$/]|[\"'\\.*?/]+\s){_TESTS}\s-delete"
)
# For text that cannot be parsed, or that another interpreter parses.
_NEVER_TEXT = re.compile(
    rf"\brm\b(?=[^\n;|&]*\s-(?:\w*[rR]|-r))[^\n;|&]*{_OPERAND}"
    r"|\bch(?:mod|own)\b[^\n;|&]*\s-\w*R[^\n;|&]*\s/(?=\s|$)"
    rf"|\bfind(?!{_SOME_OF_HOME}){_OPERAND}[^\n;|&]*\s-delete\b|\bmkfs(?:\.\w+)?\s|\bwipefs\b[^\n;|&]*\s-\w*a"
    rf"|\bdd\b[^\n;|&]*\sof=(?!{_SAFE_DEVICE})/dev/|>\s*{_DISK}"
)
_INTERPRETERS = SHELLS | frozenset("ssh su xargs parallel watch chroot nsenter".split())
_WIPES = "it would delete the system or the home directory; name the exact directory"


def destroys(command: str, home: str, directory: str) -> str | None:
    """The reason why a command destroys the system or the home directory.

    Args:
        command: The text for the shell.
        home: The path of the home directory.
        directory: The absolute path of the directory in which it runs; "" if that is unknown.
    """
    if _FORK_BOMB.search(command):
        return "it starts processes without end"
    found = segments(command)
    literal = home.rstrip("/") if home.startswith("/") else ""
    text = command.replace(literal, "~") if literal else command
    if any(not s.parsed or s.name in _INTERPRETERS for s in found) and _NEVER_TEXT.search(text):
        return "it would destroy the system, a disk or the home directory"
    home = normpath(literal or "/~")
    for segment in found:
        if reason := not segment.asks_for_help and (_erases(segment) or _wipes(segment, home, directory)):
            return reason
        if segment.name in ("cd", "pushd"):
            operands = [word for word in segment.words[1:] if word[:1] != "-" or word == "-"]
            directory = _place(operands[0], home, directory) if operands else home
    return None


def _erases(segment: Segment) -> str | None:
    name, args = segment.name, segment.words[1:]
    outputs = [normpath("/" + arg[3:].lstrip("/")) for arg in args if name == "dd" and arg.startswith("of=/")]
    if any(re.match(_DISK, normpath(target)) for target in segment.targets) or any(
        output.startswith("/dev/") and not re.fullmatch(_SAFE_DEVICE, output) for output in outputs
    ):
        return "it would overwrite a disk"
    if name.split(".")[0] == "mkfs" or (name == "wipefs" and is_on(parse_flags(args, "")[0], "-a --all")):
        return "it would erase a disk"
    return None


def _wipes(segment: Segment, home: str, directory: str) -> str | None:
    name, args = segment.name, segment.words[1:]
    places = [_place(arg, home, directory) for arg in args if not arg.startswith("-")]
    if name in ("chmod", "chown", "chgrp") and "/" in places and _recursive(args, "R"):
        return "it would change the permissions of the whole system; name the exact directory"
    if name == "rm" and _recursive(args, "rR") and any(_holds(place, home) for place in places):
        return _WIPES
    if name == "find" and ("-delete" in args or "rm" in args):
        after = list(dropwhile(("-H", "-L", "-P").__contains__, args))
        roots = list(takewhile(lambda arg: arg[:1] not in ("-", "(", "!"), after)) or ["."]
        held = [place for root in roots if _holds(place := _place(root, home, directory), home)]
        picky = "-delete" not in args or all(place == home for place in held)
        if held and not (picky and _picks(args, home, directory)):
            return _WIPES
    return None


def _picks(args: Sequence[str], home: str, directory: str) -> bool:
    """Whether what `find` deletes has always passed a test of its name, age or size."""
    picked = False
    for before, word, value in zip(("", *args), args, (*args[1:], ""), strict=False):
        if word in _NOT and value == "(":
            return False
        if word in _NAME_TESTS and before not in _NOT:
            any_name = re.fullmatch(r"[.*?/]*", value) or _holds(_place(value, home, directory), home)
            picked = picked or not any_name
        elif word in _OR or word in _ACTIONS:
            if not picked:
                return False
            picked = word in _ACTIONS
    return not _ACTIONS.isdisjoint(args)


def _recursive(args: Sequence[str], letters: str) -> bool:
    flags = takewhile("--".__ne__, args)
    return any(re.match(rf"--r|-[A-Za-z]*[{letters}]", flag) for flag in flags)


def _place(word: str, home: str, directory: str) -> str:
    """The absolute path whose contents the word names (`/*` is `/`); "" if it is relative to the unknown."""
    path = _HOME_WORD.sub(lambda _: home, word)
    if not path.startswith("/"):
        if not directory:
            return ""
        path = f"{directory}/{path}"
    return normpath("/" + _GLOB_TAIL.sub("/", path).lstrip("/"))


def _holds(place: str, home: str) -> bool:
    return place == "/" or (place != "" and f"{home}/".startswith(f"{place}/"))
