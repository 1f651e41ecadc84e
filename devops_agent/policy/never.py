"""The never list: what would destroy the system, a disk or the home directory, refused in every mode.

It is asked for each call that the classifier finds, and for the simple commands of the text taken apart
without a grammar, which also sees what the grammar does not understand. In what neither understands, patterns
are looked for. The text is judged as it stands, and once more with the values that it gives to variables.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import dropwhile, takewhile
from posixpath import normpath
from typing import NamedTuple

from devops_agent.patterns import regex
from devops_agent.policy.call import Argument, Call
from devops_agent.policy.classify import classify
from devops_agent.policy.disks import erases
from devops_agent.policy.lookup import Elsewhere
from devops_agent.policy.never_text import FORK_BOMB, NEVER_TEXT
from devops_agent.policy.parser import parse
from devops_agent.policy.scope import Scope
from devops_agent.policy.shell_text import (
    PIPES,
    SHELLS,
    Segment,
    is_on,
    parse_flags,
    script_of,
    segments,
    substitutions,
    unquote,
)
from devops_agent.policy.syntax import UNSEEN, NotShell
from devops_agent.policy.tables import rule_of
from devops_agent.policy.values import filled
from devops_agent.policy.verdict import Effect, Verdict

_HOME_WORD = regex(r"^(?:~(?=/|$)|\$HOME\b|\$\{HOME\b[^}]*\})")
_GLOB_TAIL = regex(r"(?:/(?=[^/]*\*)[][.?*!^]+)+/?$")
_LETTERS = regex(r"\[(?![\d-]+\])[^]/]{0,100}\]")
_LONGEST_PATH = 4096
_BELOW_VARIABLE = regex(r"/?\$\{?([A-Za-z_]\w*)\}?(/.*)")
_BRACES = regex(r"\{([^{},\s]*(?:,[^{},\s]*)+)\}")
_MOST_WORDS, _MOST_ADDED = 100, 5000  # of one word, and of all the words of a command
_NAME_TESTS = frozenset("-name -iname -path -ipath -regex -iregex -mtime -mmin -newer -size".split())
_ACTIONS = frozenset("-delete -exec -execdir -ok -okdir".split())
_OR, _NOT = ("-o", "-or", ","), ("!", "-not")
_READS_SCRIPT = SHELLS | {"ssh", "su"}
_INTERPRETERS = _READS_SCRIPT | frozenset("xargs parallel watch chroot nsenter".split())
_DESTROYS = "it would destroy the system, a disk or the home directory"
_WIPES = "it would delete the system or the home directory; name the exact directory"
_VITAL = frozenset("/ /bin /boot /dev /etc /home /lib /lib64 /root /sbin /usr /var /Users /System".split())
# Programs that print what their operands name, and those that pass on what others print.
_NAMING, _PASSING = frozenset("echo printf ls".split()), frozenset("cat shuf sort tac tee tr uniq".split())
_REMOVERS = frozenset("rm shred unlink".split())
_LANGUAGES = regex(r"(?:python|pypy|perl|ruby|nodejs|node|php|bun)[\d.]*")
_HOME_IN_CODE = regex(
    r"""\w*\.?Path\.home\(\)|(?:\bos|require\(["']os["']\))\.homedir\(\)|\bDir\.home\b"""
    r"""|\b(?:os\.environ|ENV)\[["']HOME["']\]"""
)
_REMOVED_IN_CODE = regex(
    r"""\b(?:rmtree|remove_tree|rm_rf|rm_r|rmSync|rmdirSync|rimraf(?:\.sync)?)[\s(]\s*"""
    r"""([\w.]+\(\s*)?["']([^"'\n]*)["']\s*(?(1)\)\s*)(?:[,;)\n]|$)"""
)
_CONTAINERS = frozenset("docker docker-compose kubectl crictl ctr lxc".split())


class _Command(NamedTuple):
    """A simple command without its wrappers."""

    name: str
    args: Sequence[str]
    targets: Sequence[str] = ()  # the files that it writes

    @property
    def operands(self) -> list[str]:
        return [arg for arg in self.args if not arg.startswith("-") or arg == "-"]


@dataclass
class _Place:
    """Where commands run.

    Attributes:
        home: The home directory that is to stay.
        directory: The working directory; "" if it is not known.
        mounts: The paths of a container that are paths of this machine.
        given: The variables that have a value.
    """

    home: str
    directory: str
    mounts: Sequence[tuple[str, str]] = (("/", "/"),)
    given: AbstractSet[str] = frozenset()

    def path(self, word: str) -> str:
        """The path whose contents a word names there (`/*` is `/`); "" if it is relative to the unknown."""
        if len(word) > _LONGEST_PATH:
            return ""
        path = _LETTERS.sub("?", _HOME_WORD.sub(lambda _: self.home, word))
        if not path.startswith("/"):
            if not self.directory:
                return ""
            path = f"{self.directory}/{path}"
        return normpath("/" + _GLOB_TAIL.sub("/", path).lstrip("/"))

    def named(self, word: str) -> str:
        """The same as a path of this machine; "" if it is none."""
        path = self.path(word)
        for inside, outside in self.mounts if path else ():
            if f"{path}/".startswith(f"{inside.rstrip('/')}/"):
                return normpath("/" + f"{outside}/{path[len(inside) :]}".lstrip("/"))
            if f"{inside}/".startswith(f"{path.rstrip('/')}/"):
                return outside  # what holds a mount holds all that is in it
        return ""

    def holds(self, path: str) -> bool:
        """Whether the system or the home directory is at a path of this machine, or below it."""
        if path in _VITAL or (path != "" and f"{self.home}/".startswith(f"{path}/")):
            return True
        # a pattern: each part of it may stand for the same part of such a path
        parts = path.split("/") if re.search(r"[*?[]", path) else []
        home = self.home.split("/")
        every = [each.split("/") for each in _VITAL] + [home[:depth] for depth in range(2, len(home) + 1)]
        return any(len(each) == len(parts) and all(map(fnmatchcase, each, parts)) for each in every)

    def after(self, command: _Command) -> None:
        """Follows a command that changes the directory."""
        if command.name in ("cd", "pushd"):
            self.directory = self.path(next(iter(command.operands), "~"))


def destroys(command: str, home: str, directory: str) -> str | None:
    """The reason why a command destroys the system or the home directory.

    Args:
        command: The text for the shell.
        home: The path of the home directory.
        directory: The absolute path of the directory in which it runs; "" if that is unknown.
    """
    if FORK_BOMB.search(command):
        return "it starts processes without end"
    text, given = filled(command)
    texts = dict.fromkeys((command, text))
    return next(filter(None, (_judged(text, home, directory, given) for text in texts)), None)


def _judged(command: str, home: str, directory: str, given: AbstractSet[str]) -> str | None:
    found = segments(command)
    literal = home.rstrip("/") if home.startswith("/") else ""
    text = command.replace(literal, "~") if literal else command
    if not _is_readable(command, found) and NEVER_TEXT.search(text):
        return _DESTROYS
    home = normpath(literal or "/~")
    commands = [each for at in range(len(found)) for each in (*_fed(found, at), _simple(found[at], command))]
    watcher = _Watcher(_Place(home, directory, given=given))
    classify(command, Elsewhere(home, directory), watcher)
    return _reason(commands, _Place(home, directory, given=given)) or watcher.reason


def _is_readable(command: str, found: Sequence[Segment]) -> bool:
    """Whether all of a text can be taken apart, also what another program is given to run."""
    if any(each.fed and each.name in _READS_SCRIPT and script_of(each.words) is None for each in found):
        return False
    if any(segment.name in _INTERPRETERS for segment in found):
        try:
            parse(command)
        except NotShell:
            return False
    return all(segment.parsed for segment in found)


def _simple(segment: Segment, command: str) -> _Command:
    words = _expanded(segment.words[1:])
    if segment.fed and _LANGUAGES.fullmatch(segment.name):
        words.append(command)  # with the program that it reads
    return _Command(segment.name, words, segment.targets)


def _fed(found: Sequence[Segment], at: int) -> Iterator[_Command]:
    """The commands that are run with what the output of another command names."""
    segment = found[at]
    sources = [segments(text)[-1:] for word in segment.words for text in _whole_substitution(word)]
    for source in (each for every in sources for each in every):
        yield from _run_with(source, segment)
    if segment.name in ("xargs", "gxargs", "parallel"):
        before = at - 1 if segment.operator in PIPES else at
        while before > 0 and (found[before].operator == "$(" or found[before].name in _PASSING):
            before -= 1
        _, inner = parse_flags(segment.words[1:], _valued("xargs"), stop=True)
        for run in segments(shlex.join(inner)):
            yield _simple(run, "")
            yield from _run_with(found[before], run)


def _whole_substitution(word: str) -> Iterator[str]:
    """The command whose output a word is."""
    if word.startswith(("$(", "`")):
        yield from (text for start, text in substitutions(word) if start + len(text) + 1 == len(word))


def _run_with(source: Segment, run: Segment) -> Iterator[_Command]:
    """A command with what another prints as its last words, if that can be told."""
    if source.name == "find":
        yield _Command("find", [*source.words[1:], "-exec", *run.words])
    elif source.name in _NAMING:
        named = _simple(source, "").operands
        yield _Command(run.name, [*run.words[1:], *named])


@dataclass
class _Watcher:
    """Sees the calls that the classifier finds, those that a call runs before that call."""

    place: _Place
    reason: str | None = None
    away: list[_Command] = field(default_factory=list)  # elsewhere, by the call that comes next

    def __call__(self, call: Call, verdict: Verdict, scope: Scope) -> Verdict:
        if call.program in ("=", "<"):
            return verdict
        command = _command(call)
        if not scope.is_known:
            self.away.append(command)
            return verdict
        found = _reason([command], self.place)
        if verdict.effect is Effect.UNKNOWN and NEVER_TEXT.search(" ".join((command.name, *command.args))):
            found = found or _DESTROYS
        if call.program != ">" and self.away:
            found = found or _reason(self.away, _elsewhere(call, self.away, self.place))
            self.away = []
        self.reason = self.reason or found
        return verdict


def _command(call: Call) -> _Command:
    words = _expanded([_text(word) for word in call.arguments[1:]])
    return _Command(call.program, words, words if call.program == ">" else ())


def _text(word: Argument) -> str:
    return unquote(word.raw) if UNSEEN in word.text and word.variables else word.text


def _expanded(words: Sequence[str]) -> list[str]:
    """The words that the shell makes of braces, as far as they are not too many."""
    found: list[str] = []
    for word in words:
        rest = [word]
        most = len(found) + _MOST_WORDS if len(found) < len(words) + _MOST_ADDED else 0
        while rest and len(found) + len(rest) < most:
            word = rest.pop()
            if braces := _BRACES.search(word):
                before, after = word[: braces.start()], word[braces.end() :]
                rest += [before + part + after for part in braces[1].split(",")]
            else:
                found.append(word)
        found += rest
    return found


def _elsewhere(call: Call, commands: Sequence[_Command], here: _Place) -> _Place:
    """Where a call runs commands that do not run here: on another machine, or in a container."""
    if call.rule.name == "chroot":
        return _Place("/~", "/")
    if call.rule.name not in _CONTAINERS:
        return _Place("/~", "/~")
    container = _Place(here.home, "", sorted(_mounts(call, here), reverse=True))
    container.directory = container.path(next(iter(call.values("-w", "--workdir")), "")) or ""
    for command in commands:
        root = command.name == "chroot" and container.named(next(iter(command.operands), "")) == "/"
        if root or (command.name == "nsenter" and call.given("--pid=host")):
            return _Place(here.home, "/")
    return container


def _mounts(call: Call, here: _Place) -> Iterator[tuple[str, str]]:
    """The folders of this machine that a container may write, by their paths there."""
    for volume in call.values("-v", "--volume"):
        source, _, rest = volume.partition(":")
        target, _, options = rest.partition(":")
        is_folder = source[:1] in ("/", "~", ".", "$")  # else it is the name of a volume
        if target and is_folder and "ro" not in options.split(",") and (path := here.path(source)):
            yield normpath(target), path
    for mount in call.values("--mount"):
        fields = dict(part.partition("=")[::2] for part in mount.split(","))
        target = fields.get("target") or fields.get("destination") or fields.get("dst", "")
        path = here.path(fields.get("source") or fields.get("src", ""))
        if fields.get("type") == "bind" and target and path and not {"ro", "readonly"} & fields.keys():
            yield normpath(target), path


def _reason(commands: Iterable[_Command], place: _Place) -> str | None:
    """Why one of the commands is not to be run."""
    for command in commands:
        if list(command.args) not in (["--help"], ["--version"]):
            name, args, targets = command
            if reason := erases(name, args, targets, place.path) or _wipes(command, place):
                return reason
        place.after(command)
    return None


def _wipes(command: _Command, place: _Place) -> str | None:
    name, args = command.name, command.args
    whole = "/" in map(place.named, command.operands)
    if name in ("chmod", "chown", "chgrp") and whole and _recursive(args, "R"):
        return "it would change the permissions of the whole system; name the exact directory"
    removed = _removed(command)
    if any(place.holds(place.named(word)) for word in removed) or _finds_all(command, place):
        return _WIPES
    for found in filter(None, map(_BELOW_VARIABLE.fullmatch, removed if name == "rm" else ())):
        if found[1] not in place.given and place.named(found[2]) == "/":
            return f"it would delete the system if ${found[1]} is empty; write ${{{found[1]}:?}}"
    return None


def _removed(command: _Command) -> Sequence[str]:
    """The paths that are no longer there after a command, or are no longer as they were."""
    name, args = command.name, command.args
    if name == "rm":
        return command.operands if _recursive(args, "rR") else ()
    if name == "mv":
        flags, operands = parse_flags(args, _valued(name))
        return operands if is_on(flags, "-t --target-directory") else operands[:-1]
    if name == "rsync":
        flags, operands = parse_flags(args, _valued(name))
        deletes = any(flag == "--del" or flag.startswith("--delete") for flag in flags)
        dry = is_on(flags, "-n --dry-run")
        return [re.sub(r"^[^/:]+::?(?=.)", "", word) for word in operands[1:][-1:] if deletes and not dry]
    if _LANGUAGES.fullmatch(name):
        code = [_HOME_IN_CODE.sub("'~'", arg) for arg in args]
        return [found[2] for text in code for found in _REMOVED_IN_CODE.finditer(text)]
    return ()


def _valued(program: str) -> str:
    rule = rule_of(program)
    return " ".join(rule.valued) if rule else ""


def _finds_all(command: _Command, place: _Place) -> bool:
    """Whether `find` removes the system or the home directory, or files in them that nothing tells apart."""
    args = command.args
    if command.name != "find" or not ("-delete" in args or _runs_remover(args)):
        return False
    after = list(dropwhile(("-H", "-L", "-P").__contains__, args))
    roots = list(takewhile(lambda arg: arg[:1] not in ("-", "(", "!"), after)) or ["."]
    held = [path for root in roots if place.holds(path := place.named(root))]
    picky = "-delete" not in args or all(_may_be_picked_from(path, place) for path in held)
    return bool(held) and not (picky and _picks(args, place))


def _runs_remover(args: Sequence[str]) -> bool:
    runs = [at for at, arg in enumerate(args) if arg in _ACTIONS and arg != "-delete"]
    inner = (segments(shlex.join(args[at + 1 : at + 12])) for at in runs[:_MOST_WORDS])
    return any(each.name in _REMOVERS for every in inner for each in every)


def _may_be_picked_from(path: str, place: _Place) -> bool:
    return path == place.home or not place.home.startswith(path)


def _picks(args: Sequence[str], place: _Place) -> bool:
    """Whether what `find` deletes has always passed a test of its name, age or size."""
    picked = False
    for before, word, value in zip(("", *args), args, (*args[1:], ""), strict=False):
        if word in _NOT and value == "(":
            return False
        if word in _NAME_TESTS and before not in _NOT:
            any_name = re.fullmatch(r"[.*?/]*", value) or place.holds(place.named(value))
            picked = picked or not any_name
        elif word in _OR or word in _ACTIONS:
            if not picked:
                return False
            picked = word in _ACTIONS
    return not _ACTIONS.isdisjoint(args)


def _recursive(args: Sequence[str], letters: str) -> bool:
    flags = takewhile("--".__ne__, args)
    return any(re.match(rf"--r|-[A-Za-z]*[{letters}]", flag) for flag in flags)
