"""Shell text taken apart: its tokens, its simple commands, and the verb, flags and operands of each."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile
from typing import NamedTuple

from devops_agent.patterns import regex

# The alternatives of each group begin differently, so that no text makes the search exponential.
_NEST = r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"
_PIECES = (
    r"\$'(?:[^'\\]|\\[\s\S])*'|'[^']*'"
    rf'|"(?:[^"\\$]|\\[\s\S]|\$(?!\()|\${_NEST})*"'
    rf"|[$<>]{_NEST}|`[^`]*`|\\[\s\S]?|\$(?![(])|[^ \t\r\f\v\n'\"\\|&;()<>`$]"
)
_PIECE = regex(_PIECES)
_SUBSTITUTION = regex(rf"[$<>]{_NEST}|`[^`]*`")
_TOKEN = regex(
    r"(?P<blank>(?:[ \t\r\f\v]|\\\n)+)|(?P<comment>#[^\n]*)"
    r"|(?P<redirection>\d*(?:&>>?|>>|>\||>&|<>|<<<|<<-?|<&|<|>)(?!\())"
    r"|(?P<operator>\n|&&|\|\||\|&|;;|[;&|()])"
    rf"|(?P<word>(?:{_PIECES})+)"
)
ASSIGNMENT = regex(r"([A-Za-z_]\w*)\+?=")
_NO_FILE = regex(r"/dev/(null|stdout|stderr|fd/\d+)")
PIPES = ("|", "|&")
SHELLS = frozenset("sh bash zsh dash ash ksh".split())
_KEYWORDS = frozenset("if then elif else do while until ! {".split())
# Programs that run the command after them, with their flags that take a value.
WRAPPERS = {
    "sudo": "-u -g -h -p -C -D -R -T -U -r -t --user --group --host --prompt --chdir",
    "doas": "-u -C",
    "env": "-u -C --unset --chdir",
    "nice": "-n --adjustment",
    "exec": "-a",
    "stdbuf": "-i -o -e --input --output --error",
    "ionice": "-c -n --class --classdata",
    "timeout": "-k -s --kill-after --signal",
    **dict.fromkeys(("nohup", "time", "command", "setsid", "busybox"), ""),
}


@dataclass(frozen=True)
class Segment:
    """One simple command of a command line, without its assignments and wrappers."""

    words: tuple[str, ...] = ()
    operator: str = ""  # what precedes it; "" for the first, "$(" for the first of a substitution
    targets: tuple[str, ...] = ()  # the files that its redirections write
    assigned: tuple[str, ...] = ()  # the variables that are set for it
    timed: bool = False
    fed: bool = False  # its standard input is a pipe, a file or a here-document
    parsed: bool = True

    @property
    def name(self) -> str:
        return base_name(self.words[0]) if self.words else ""

    @property
    def asks_for_help(self) -> bool:
        return self.words[1:] in (("--help",), ("--version",))


def segments(command: str) -> list[Segment]:
    """The simple commands of a line, with those inside `sh -c` and `$(…)`; one unparsed if it fails."""
    try:
        return _parse(command)
    except ValueError:
        return [Segment(parsed=False)]


def base_name(program: str) -> str:
    return program.rsplit("/", 1)[-1]


class Token(NamedTuple):
    """A token and where it begins in the text."""

    kind: str
    raw: str
    start: int


def tokens(text: str) -> list[tuple[str, str]]:
    """Kind and text of each token, blanks included, comments and bodies of here-documents left out.

    Raises:
        ValueError: The quotes or the parentheses are not balanced.
    """
    return [(token.kind, token.raw) for token in located(text)]


def located(text: str) -> list[Token]:
    """The tokens with their places.

    Raises:
        ValueError: The quotes or the parentheses are not balanced.
    """
    found: list[Token] = []
    delimiters: list[str] = []
    position, opening = 0, False
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError("the quotes or the parentheses are not balanced")
        kind, raw, start, position = str(match.lastgroup), match.group(), match.start(), match.end()
        if kind == "word" and opening:
            delimiters.append(unquote(raw))
        if kind != "blank":
            opening = kind == "redirection" and raw.lstrip("0123456789") in ("<<", "<<-")
        while raw == "\n" and delimiters:
            end = re.compile(rf"^[\t ]*{re.escape(delimiters.pop(0))}[ \t]*$\n?", re.M).search(text, position)
            position = end.end() if end else len(text)
        if kind != "comment":
            found.append(Token(kind, raw, start))
    return found


def unquote(raw: str) -> str:
    return "".join(_plain(piece) for piece in _PIECE.findall(raw))


def _plain(piece: str) -> str:
    if piece[0] == "'":
        return piece[1:-1]
    if piece[:2] == "$'":
        return re.sub(r"\\([\s\S])", r"\1", piece[2:-1])
    if piece[0] == '"':
        return re.sub(r'\\(["\\$`])|\\\n', r"\1", piece[1:-1])
    return piece[1:].strip("\n") if piece[0] == "\\" else piece


def substitutions(raw: str) -> Iterator[tuple[int, str]]:
    """The commands inside `$(…)`, `<(…)` and backticks of a word, each with where it begins in the word.

    Those inside its single quotes are none.
    """
    for piece in _PIECE.finditer(raw):
        if piece[0][0] not in "'\\" and piece[0][:2] != "$'":
            for found in _SUBSTITUTION.finditer(piece[0]):
                if not found[0].startswith("$(("):
                    opening = 1 if found[0][0] == "`" else 2
                    yield piece.start() + found.start() + opening, found[0][opening:-1]


def _parse(text: str, operator: str = "", timed: bool = False, depth: int = 0) -> list[Segment]:
    if depth > 8:
        raise ValueError("nested too deep")
    found: list[Segment] = []
    group: list[tuple[str, str]] = []
    for kind, raw in [*tokens(text), ("operator", ";")]:
        if kind in ("word", "redirection"):
            group.append((kind, raw))
        elif kind == "operator":
            if group:
                found += _simple(group, operator, timed, depth)
                group, operator = [], ""
            if found and raw not in "()" and not (raw == "\n" and operator):
                operator = raw
    return found


def _simple(group: list[tuple[str, str]], operator: str, timed: bool, depth: int) -> Iterator[Segment]:
    """The segment of one simple command, after those it substitutes and before those it hands to a shell."""
    for _, raw in group:
        for _, inner in substitutions(raw):
            yield from _parse(inner, "$(", timed, depth + 1)
    words, targets, fed = _without_redirections(group)
    words, assigned, limited = _unwrap(words)
    timed, fed = timed or limited, fed or operator in PIPES
    yield Segment(tuple(words), operator, tuple(targets), tuple(assigned), timed, fed)
    script = script_of(words)
    if script is not None:
        yield from _parse(script, "", timed, depth + 1)


def _without_redirections(group: list[tuple[str, str]]) -> tuple[list[str], list[str], bool]:
    """The words; the files that are written; whether the standard input is redirected."""
    words: list[str] = []
    targets: list[str] = []
    fed, arrow = False, ""
    for kind, raw in [*group, ("end", "")]:
        if kind != "word":
            if arrow:
                raise ValueError("a redirection without a file")
            arrow = raw.lstrip("0123456789")
            fed = fed or arrow.startswith("<")
        elif arrow:
            text = unquote(raw)
            descriptor = arrow.endswith("&") and re.fullmatch(r"\d*-?", text)
            if ">" in arrow and not descriptor and not _NO_FILE.fullmatch(text):
                targets.append(text)
            arrow = ""
        else:
            words.append(unquote(raw))
    return words, targets, fed


def _unwrap(words: list[str]) -> tuple[list[str], list[str], bool]:
    """The words after assignments, keywords and wrappers; the variables assigned; whether time is limited."""
    assigned: list[str] = []
    timed = False
    while words:
        if match := ASSIGNMENT.match(words[0]):
            assigned.append(match.group(1))
        if match or (words[0] in _KEYWORDS and len(words) > 1):
            words = words[1:]
            continue
        name = base_name(words[0])
        flags, rest = parse_flags(words[1:], WRAPPERS.get(name, ""), stop=True)
        if name == "timeout" and rest:
            limit, rest = rest[0], rest[1:]
            timed = timed or bool(rest and limit.rstrip("smhd").strip("0."))
        looks_up = name == "command" and is_on(flags, "-v -V")
        if name not in WRAPPERS or looks_up or not list(dropwhile(ASSIGNMENT.match, rest)):
            break
        words = rest
    return words, assigned, timed


def script_of(words: Sequence[str]) -> str | None:
    """The text that `sh -c`, `su -c` or `eval` runs."""
    name, rest = (base_name(words[0]), list(words[1:])) if words else ("", [])
    if name == "eval":
        return " ".join(rest)
    while rest and (name == "su" or (name in SHELLS and rest[0][:1] in ("-", "+"))):
        flag = rest.pop(0)
        if re.fullmatch(r"-[A-Za-z]*c", flag):
            return rest[0] if rest else None
        if re.fullmatch(r"[-+][A-Za-z]*o", flag) and rest:
            rest.pop(0)
    return None


def parse_flags(args: Sequence[str], valued: str, stop: bool = False) -> tuple[dict[str, str], list[str]]:
    """Flags and operands; `-it` is `-it`, `-i` and `-t`. With `stop`, the first operand ends the flags."""
    takes_value = valued.split()
    flags: dict[str, str] = {}
    operands: list[str] = []
    rest = list(args)
    while rest and not (stop and operands):
        arg = rest.pop(0)
        if arg == "--":
            break
        if arg == "-" or not arg.startswith("-"):
            operands.append(arg)
            continue
        name, equals, value = arg.partition("=")
        flags[name] = value
        takes = name in takes_value
        if not takes and not name.startswith("--"):
            for end, letter in enumerate(name[1:], 2):
                flags[f"-{letter}"] = value
                if f"-{letter}" in takes_value:
                    takes = end == len(name)
                    break
        if takes and not equals and rest:
            flags[name] = rest.pop(0)
    return flags, operands + rest


def is_on(flags: dict[str, str], names: str) -> bool:
    """Whether any of the flags is given, and not as `--flag=false`."""
    return any(flags.get(name, "false") != "false" for name in names.split())


# Programs whose first operand, or first two, is a verb; with the flags before it that take a value.
_KUBECTL = """-n --namespace --context --kubeconfig --cluster --user --as --as-group -s --server --token -v
 --request-timeout -o --output -l --selector -c --container -L --label-columns --image --tail --since --for"""
_VERBED = {
    "kubectl": _KUBECTL,
    "docker": """-H --host -c --context -l --log-level --config -f --file -p --project-name --profile
 --env-file --project-directory --progress""",
    "helm": "-n --namespace --kube-context --kubeconfig",
    "git": "-C -c --git-dir --work-tree",
    "systemctl": "-t --type -p --property --state -n --lines -o --output -H --host -M --machine",
    **dict.fromkeys(("apt", "terraform", "tmux"), ""),
}
_TWO_WORDS = {
    "kubectl": "rollout config auth".split(),
    "docker": "compose image container network volume system builder buildx".split(),
}
ALIASES = {
    **dict.fromkeys(("podman", "nerdctl", "docker-compose"), "docker"),
    **dict.fromkeys(("apt-get", "yum", "dnf"), "apt"),
    **{"oc": "kubectl", "tofu": "terraform"},
}
# Flags that take a value, after the verb, where the operands matter; those before it are in _VERBED.
_VALUED = {
    "kubectl": _KUBECTL,
    "docker": """--attach --add-host --cap-add --cap-drop -c --cpus --device --dns -e --env --env-file
 --entrypoint --expose --format --gpus -h --hostname --index --ip -l --label --link --log-driver --log-opt -m
 --memory --mount --name --net --network -n --pid --platform -p --publish --pull --restart --runtime
 --security-opt --shm-size --since --tail --tmpfs --ulimit --until -u --user -v --volume --volumes-from -w
 --workdir""",
    "watch": "-n --interval",
    "ssh": "-p -i -l -o -L -R -D -F -J -b -c -E -e -I -m -O -Q -S -W -w -B",
    "date": "-d --date -r --reference -f --file",
    "awk": "-F -v",
}
# What follows the first operand of these belongs to another command.
_RUNS_ANOTHER = "docker run|docker exec|docker create|docker compose run|docker compose exec|ssh|watch".split(
    "|"
)


class Call(NamedTuple):
    """A simple command by its parts; an alias is under its program's name."""

    program: str
    verb: str
    flags: dict[str, str]
    operands: list[str]


def parse_call(words: Sequence[str]) -> Call:
    """Program, verb, flags and operands; `docker container ls` counts as `docker ls`."""
    name = base_name(words[0]) if words else ""
    program, rest = ALIASES.get(name, name), list(words[1:])
    if name == "docker-compose":
        rest.insert(0, "compose")
    before: dict[str, str] = {}
    verbs: list[str] = []
    while program in _VERBED and len(verbs) < 2 and (not verbs or verbs[0] in _TWO_WORDS.get(program, ())):
        found, rest = parse_flags(rest, _VERBED[program], stop=True)
        before.update(found)
        verbs += rest[:1] or [""]
        rest = rest[1:]
    verb = " ".join(verbs).removeprefix("container ")
    stop = f"{program} {verb}".strip() in _RUNS_ANOTHER
    flags, operands = parse_flags(rest, _VALUED.get(program, ""), stop)
    if program not in ("git", "docker"):
        flags = {**before, **flags}
    return Call(program, verb, flags, operands)
