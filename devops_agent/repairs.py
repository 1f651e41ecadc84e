"""Repairs: small slips in a command that code can mend without a doubt. What was mended is shown.

To add one: write a function from a command and what is known to a command, and put it into `REPAIRS`.
"""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from devops_agent.diagnosis import diagnose
from devops_agent.files import text_if_readable
from devops_agent.grounding import Ground
from devops_agent.patterns import regex
from devops_agent.policy.shell_text import (
    Token,
    base_name,
    located,
    parse_call,
    segments,
    substitutions,
    unquote,
)

_HAS_NAMESPACE = regex(r"-n.*|-[a-zA-Z]*A|(?:--namespace|--all-namespaces)(?:=.*)?")
_NO_NAMESPACE = frozenset(
    """version config cluster-info api-resources api-versions explain completion options help plugin kustomize
 drain cordon uncordon taint certificate""".split()
)
_OF_NO_NAMESPACE = regex(
    r"(?:ns|namespaces?|no|nodes?|pv|persistentvolumes?|sc|storageclass(?:es)?|crds?|clusterrole(?:binding)?s?"
    r"|customresourcedefinitions?|ingressclass(?:es)?|pc|priorityclass(?:es)?|csr)(?:\..*)?"
)
# What may stand between the start of a simple command and the program that it runs.
_BEFORE_PROGRAM = regex(
    r"\w+=.*|if|then|elif|else|while|until|do|!|\{|sudo|env|exec|nice|nohup|time|timeout|command|xargs|-.*"
    r"|\{\}|\d+[smh]?",
    re.DOTALL,
)


def in_the_named_namespace(command: str, ground: Ground) -> str:
    """Adds the namespace that the task names to each kubectl command without one."""
    if not ground.namespace:
        return command
    return _with_flag(command, f"-n {ground.namespace}", _lacks_namespace)


def _with_flag(command: str, flag: str, lacks: Callable[[Sequence[str], str], bool]) -> str:
    """The command with a flag for each kubectl that lacks it."""
    try:
        ends = sorted(_ends_of_kubectl(command, lacks), reverse=True)
    except ValueError:  # bash itself will say what is wrong with it
        return command
    for end in ends:
        command = f"{command[:end]} {flag}{command[end:]}"
    return command


def _ends_of_kubectl(
    text: str, lacks: Callable[[Sequence[str], str], bool], offset: int = 0
) -> Iterator[int]:
    """Where the word kubectl ends in each command that lacks something."""
    for group in _simple_commands(located(text)):
        for token in group:
            for start, inner in substitutions(token.raw):
                yield from _ends_of_kubectl(inner, lacks, offset + token.start + start)
        words = [unquote(token.raw) for token in group]
        at = next((i for i, word in enumerate(words) if not _BEFORE_PROGRAM.fullmatch(word)), len(words))
        if at < len(words) and base_name(words[at]) == "kubectl" and lacks(words[at:], text):
            yield offset + group[at].start + len(group[at].raw)


def _simple_commands(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    group: list[Token] = []
    for token in tokens:
        if token.kind == "word":
            group.append(token)
        elif token.kind == "operator":
            yield group
            group = []
    yield group


def _lacks_namespace(words: Sequence[str], text: str) -> bool:
    own = words[: words.index("--")] if "--" in words else words
    if any(_HAS_NAMESPACE.fullmatch(word) for word in own):
        return False
    _, verb, flags, operands = parse_call(own)
    if not verb or verb.split()[0] in _NO_NAMESPACE or "--raw" in flags:
        return False
    if flags.keys() & {"-f", "--filename"} and re.search(r"^\s*namespace:", text, re.MULTILINE):
        return False  # the manifest beside it names its own
    kinds = (operands[:1] or [""])[0].partition("/")[0].split(",")
    return not all(map(_OF_NO_NAMESPACE.fullmatch, kinds))


_PUBLISHED = regex(r"(?P<at>\s(?:-p|--publish)[ =]?(?:[\d.]+:)?(?P<host>\d+):)(?P<inner>\d+)(?=\s|$)")


# Options of `docker run` with a value behind a space.
_VALUED = (
    r"(?:-[evwulhpm]|--(?:name|env|env-file|volume|mount|network|restart|memory|cpus|user|label|hostname|publish"
    r"|workdir|entrypoint))\s+"
)
_NO_OPTION = regex(rf"\s{_VALUED}\S+")


def to_the_port_of_the_image(command: str, ground: Ground) -> str:
    """Lets `docker run -p 8088:8088 nginx` reach the port on which nginx listens, the only one it exposes."""
    match = _PUBLISHED.search(command)
    if not match or match["host"] != match["inner"] or len(_PUBLISHED.findall(command)) > 1:
        return command
    rest = command[match.end() :]
    image = next((word for word in _NO_OPTION.sub(" ", rest).split() if not word.startswith("-")), "")
    exposed = diagnose.exposed_ports(image) if image else []
    if len(exposed) != 1 or exposed[0] == match["inner"]:
        return command
    return f"{command[: match.end('at')]}{exposed[0]}{rest}"


_VALUE = r"(?:'[^']*'|\"[^\"]*\"|[^\s'\";|&])+"
_OPTION = rf"{_VALUED}{_VALUE}|--[\w-]+={_VALUE}|-[dit]+|--(?:rm|detach|init|read-only)"
# What no program but docker takes for an option of its own.
_OF_DOCKER = (
    rf"-p\s+[\d.:]*\d:\d+(?:/\w+)?|-v\s+[\w./~$-]+:/{_VALUE}|-e\s+[A-Z_][A-Z0-9_]*={_VALUE}|--name[ =][\w.-]+"
    r"|--network[ =][\w.-]+|--env-file[ =][\w./-]+|--restart[ =](?:always|unless-stopped|on-failure(?::\d+)?)"
)
_BEHIND_IMAGE = regex(
    rf"(?P<run>\bdocker run(?:\s+(?:{_OPTION}))*)(?P<image>\s+[a-z0-9][\w./:@-]*)"
    rf"(?P<options>(?:\s+(?:{_OF_DOCKER}))+)(?=\s|[;|&]|$)"
)


def with_options_before_the_image(command: str, ground: Ground) -> str:
    """Lets `docker run nginx -p 8088:80` publish a port, and not run a program called -p."""
    return _BEHIND_IMAGE.sub(r"\g<run>\g<options>\g<image>", command)


def with_the_named_kubeconfig(command: str, ground: Ground) -> str:
    """Lets commands use the account that the task names, and not another one that may do more."""
    named = ground.names.get("kubeconfig", "")
    if not named or re.search("kubeconfig", command, re.IGNORECASE):
        return command
    return _with_flag(command, f"--kubeconfig={shlex.quote(named)}", lambda *_: True)


_APPENDS = regex(r"\A\s*(?:echo|printf|cat)\b[^;&|]*>>\s*([\w./~-]+)\s*\Z", re.DOTALL)


def on_a_line_of_its_own(command: str, ground: Ground) -> str:
    """Lets what is appended begin a line, where the file's last line has no end."""
    match = _APPENDS.match(command)
    text = text_if_readable(match[1]) if match else None
    return f"echo >> {match[1]}; {command.lstrip()}" if match and text and text[-1] != "\n" else command


_RUN = regex(r"\bdocker (?:container )?run\b(?! (?:-h|--help)\b)")


def with_the_given_name(command: str, ground: Ground) -> str:
    """Gives a container the name that the task says, where the command gives it none."""
    if not ground.given or len(_RUN.findall(command)) != 1 or "--name" in command:
        return command
    ran = [parse_call(segment.words) for segment in segments(command)]
    if not any((call.program, call.verb) == ("docker", "run") for call in ran):
        return command
    return _RUN.sub(lambda run: f"{run[0]} --name {shlex.quote(ground.given)}", command)


_PHASE = regex(r"(\bstatus\.phase=)Completed\b")


def with_a_phase_that_there_is(command: str, ground: Ground) -> str:
    """What `kubectl get pods` calls Completed is the phase Succeeded."""
    return _PHASE.sub(r"\1Succeeded", command)


_INTO_MOUNT = regex(
    rf"\A(?P<run>\s*docker run(?:\s+(?:{_OPTION}))*\s+[a-z0-9][\w./:@-]*)\s+(?P<inner>[^;|&<>]+?)\s*"
    r"(?P<to>>>?)\s*(?P<path>/[\w./-]+)\s*\Z"
)
_MOUNTED = regex(r"(?:-v|--volume)[ =]\S+?:(/[\w./-]*\w)")


def into_the_mount(command: str, ground: Ground) -> str:
    """Lets `docker run -v data:/data busybox echo hi > /data/x` write in the container, and not beside it."""
    match = _INTO_MOUNT.match(command)
    folders = _MOUNTED.findall(match["run"]) if match else []
    if match is None or not any(match["path"].startswith(f"{folder}/") for folder in folders):
        return command
    if "$" in match["inner"] or "--entrypoint" in match["run"] or re.search(r":ro\b", match["run"]):
        return command
    inside = shlex.quote(f"{match['inner']} {match['to']} {match['path']}")
    return f"{match['run']} sh -c {inside}"


_SENT = regex(r"(?<![>&\d])> ?(?P<file>[\w./-]+)(?=\s*(?:;|&&|\n|$))")


# Where a second one may be another file, or the other way.
_ELSEWHERE = regex(r"<<|\b(?:cd|pushd|popd|else|elif|case|if)\b")


def behind_what_it_wrote(command: str, ground: Ground) -> str:
    """Lets `uname -r > facts.txt; nproc > facts.txt` keep both: the second is put behind the first."""
    if _ELSEWHERE.search(command):
        return command
    sent = list(_SENT.finditer(command))
    for earlier, later in reversed(list(pairwise(sent))):
        between = command[earlier.end() : later.start()]
        if earlier["file"] == later["file"] and later["file"] not in between:
            command = f"{command[: later.start()]}>{command[later.start() :]}"
    return command


_GOES_ELSEWHERE = regex(r"\b(?:cd|pushd)\b|\bgit\b.* -C\b|--git-dir|\bgit (?:clone|init)\b|<<")
_GIT = regex(r"(?m)((?:^|[;&|(])[ \t]*)git(?=\s)")
_IGNORES = regex(r"(?<![\w./-])\.gitignore\b")


def in_the_named_repository(command: str, ground: Ground) -> str:
    """Runs git in the folder with the repository that the task names, and edits what that ignores."""
    folder = ground.repository
    of_git, of_ignored = _GIT.search(command), _IGNORES.search(command)
    if not folder or not (of_git or of_ignored) or _GOES_ELSEWHERE.search(command):
        return command

    def inside(word: re.Match[str]) -> str:
        return word["rest"] if (Path(folder) / word["rest"]).exists() else word[0]

    within = re.sub(rf"(?<!\S)(?:\./)?{re.escape(folder)}/(?P<rest>[\w./-]+)(?!\S)", inside, command)
    if not of_ignored:
        return _GIT.sub(rf"\1git -C {shlex.quote(folder)}", within)
    return f"cd {shlex.quote(folder)} || exit\n{within}"


REPAIRS: tuple[Callable[[str, Ground], str], ...] = (
    in_the_named_namespace,
    in_the_named_repository,
    with_the_given_name,
    with_a_phase_that_there_is,
    with_options_before_the_image,
    to_the_port_of_the_image,
    with_the_named_kubeconfig,
    on_a_line_of_its_own,
    behind_what_it_wrote,
    into_the_mount,
)


def repaired(command: str, ground: Ground) -> str:
    """The command with its slips mended; the same text when there were none."""
    for repair in REPAIRS:
        command = repair(command, ground)
    return command
