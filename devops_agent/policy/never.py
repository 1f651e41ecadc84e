"""The never list: what would destroy the system, a disk or the home directory, refused in every mode.

It is asked for each call that the classifier finds, and for the simple commands of the text taken apart
without a grammar, which also sees what the grammar does not understand. In what neither understands, patterns
are looked for.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import dropwhile, takewhile
from posixpath import normpath
from typing import NamedTuple

from devops_agent.policy.call import Argument, Call
from devops_agent.policy.classify import classify
from devops_agent.policy.lookup import Elsewhere
from devops_agent.policy.scope import Scope
from devops_agent.policy.shell_text import SHELLS, is_on, parse_flags, segments, unquote
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Effect, Verdict

_DISK = r"/dev/(?:sd[a-z]|nvme|vd[a-z]|hd[a-z]|xvd|mmcblk|r?disk|mapper/|dm-|md\d|nbd|rbd|zd\d|dasd)"
_SAFE_DEVICE = r"/dev/(?:null|zero|stdout|stderr|fd/\d+)(?![\w/])"
# What may be a disk, where a program says that it works on one.
_DEVICE = re.compile(r"/dev/(?!(?:null|zero|full|stdin|stdout|stderr|tty|loop|ram|zram|shm|pts)|u?random).")
_FORK_BOMB = re.compile(r"(?<![^\s(){};|&])([^\s(){};|&]+)\s*(?:\(\s*\))?\s*\{\s*\1\s*\|\s*\1\s*&\s*;?\s*\}")
_HOME_WORD = re.compile(r"^(?:~(?=/|$)|\$HOME\b|\$\{HOME\b[^}]*\})")
_GLOB_TAIL = re.compile(r"(?:/(?=[^/]*\*)[][.?*!^]+)+/?$")
_BRACES, _MOST_WORDS = re.compile(r"\{([^{},\s]*(?:,[^{},\s]*)+)\}"), 100
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
    rf"|\b(?:blkdiscard|shred|tee|mkswap|pvcreate|sgdisk|luksFormat|mklabel)\b[^\n;|&]*\s{_DISK}"
    rf"|\s{_DISK}\S*\s[^\n;|&]*\b(?:mklabel|mktable)\b"
)
_INTERPRETERS = SHELLS | frozenset("ssh su xargs parallel watch chroot nsenter".split())
_DESTROYS = "it would destroy the system, a disk or the home directory"
_WIPES = "it would delete the system or the home directory; name the exact directory"
_VITAL = frozenset("/ /bin /boot /dev /etc /home /lib /lib64 /root /sbin /usr /var /Users /System".split())
# Programs that erase the disk that they name, with the word that makes them do so; "" for any.
_ERASERS = {
    **dict.fromkeys(
        ("blkdiscard", "shred", "mkswap", "mke2fs", "mkdosfs", "mkntfs", "newfs", "pvcreate"), ""
    ),
    "wipefs": r"-\w*a\w*|--all",
    "sgdisk": r"-[a-zA-Z]*[Zzod].*|--(?:zap|clear|delete).*",
    "parted": r"(?s:.*\b)?(?:mklabel|mktable|rm)\b.*",
    "cryptsetup": r"(?i)luksFormat|luksErase|erase|reencrypt",
    "mdadm": r"--create|-C|--zero-superblock",
    "hdparm": r"--(?:security-erase|trim-sector).*",
    "nvme": r"format|sanitize",
    "badblocks": r"-\w*w\w*",
}
_PARTITIONS = frozenset("fdisk sfdisk cfdisk gdisk".split())
_ONLY_SHOWS = re.compile(r"-[ldsVxJFhv].*|--(?:list|dump|show|verify|json|help|version).*")
_COPIERS = frozenset("dd dcfldd dc3dd".split())
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
    """

    home: str
    directory: str
    mounts: Sequence[tuple[str, str]] = (("/", "/"),)

    def path(self, word: str) -> str:
        """The path whose contents a word names there (`/*` is `/`); "" if it is relative to the unknown."""
        path = _HOME_WORD.sub(lambda _: self.home, word)
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
        return path in _VITAL or (path != "" and f"{self.home}/".startswith(f"{path}/"))

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
    if _FORK_BOMB.search(command):
        return "it starts processes without end"
    found = segments(command)
    literal = home.rstrip("/") if home.startswith("/") else ""
    text = command.replace(literal, "~") if literal else command
    if any(not s.parsed or s.name in _INTERPRETERS for s in found) and _NEVER_TEXT.search(text):
        return _DESTROYS
    home = normpath(literal or "/~")
    commands = [_Command(s.name, s.words[1:], s.targets) for s in found]
    watcher = _Watcher(_Place(home, directory))
    classify(command, Elsewhere(home, directory), watcher)
    return _reason(commands, _Place(home, directory)) or watcher.reason


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
        if verdict.effect is Effect.UNKNOWN and _NEVER_TEXT.search(" ".join((command.name, *command.args))):
            found = found or _DESTROYS
        if call.program != ">" and self.away:
            found = found or _reason(self.away, _elsewhere(call, self.away, self.place))
            self.away = []
        self.reason = self.reason or found
        return verdict


def _command(call: Call) -> _Command:
    words = [each for word in call.arguments for each in _expanded(_text(word))]
    return _Command(call.program, words[1:], words[1:] if call.program == ">" else ())


def _text(word: Argument) -> str:
    return unquote(word.raw) if UNSEEN in word.text and "HOME" in word.variables else word.text


def _expanded(word: str) -> list[str]:
    """The words that the shell makes of braces."""
    found: list[str] = []
    rest = [word]
    while rest and len(found) + len(rest) < _MOST_WORDS:
        word = rest.pop()
        braces = _BRACES.search(word)
        if braces:
            rest += [word[: braces.start()] + part + word[braces.end() :] for part in braces[1].split(",")]
        else:
            found.append(word)
    return found + rest


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
        helps = list(command.args) in (["--help"], ["--version"])
        if reason := not helps and (_erases(command, place) or _wipes(command, place)):
            return reason
        place.after(command)
    return None


def _erases(command: _Command, place: _Place) -> str | None:
    name, args = command.name, command.args
    outputs = [
        normpath("/" + arg[3:].lstrip("/")) for arg in args if name in _COPIERS and arg.startswith("of=/")
    ]
    if any(re.match(_DISK, place.path(target)) for target in command.targets) or any(
        output.startswith("/dev/") and not re.fullmatch(_SAFE_DEVICE, output) for output in outputs
    ):
        return "it would overwrite a disk"
    on_disk = any(_DEVICE.match(place.path(operand)) for operand in command.operands)
    word = _ERASERS.get(name)
    erases = word is not None and on_disk and (not word or any(re.fullmatch(word, arg) for arg in args))
    partitions = name in _PARTITIONS and on_disk and not any(map(_ONLY_SHOWS.fullmatch, args))
    pool = name == "zpool" and args[:1] in (["create"], ["destroy"], ["labelclear"]) and "-f" in args
    all_of_it = name == "wipefs" and is_on(parse_flags(args, "")[0], "-a --all")
    if name.split(".")[0] == "mkfs" or erases or partitions or pool or all_of_it:
        return "it would erase a disk"
    return None


def _wipes(command: _Command, place: _Place) -> str | None:
    name, args = command.name, command.args
    paths = [place.named(operand) for operand in command.operands]
    if name in ("chmod", "chown", "chgrp") and "/" in paths and _recursive(args, "R"):
        return "it would change the permissions of the whole system; name the exact directory"
    if name == "rm" and _recursive(args, "rR") and any(map(place.holds, paths)):
        return _WIPES
    if name == "find" and ("-delete" in args or "rm" in args):
        after = list(dropwhile(("-H", "-L", "-P").__contains__, args))
        roots = list(takewhile(lambda arg: arg[:1] not in ("-", "(", "!"), after)) or ["."]
        held = [path for root in roots if place.holds(path := place.named(root))]
        picky = "-delete" not in args or all(_may_be_picked_from(path, place) for path in held)
        if held and not (picky and _picks(args, place)):
            return _WIPES
    return None


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
