"""What a command does: whether it certainly only reads, and whether its exit code is an answer."""

import re

from devops_agent.policy.shell_text import SHELLS, Segment, is_on, parse_call, script_of, segments

_READERS = frozenset(
    """ls cat head tail grep egrep fgrep zgrep rg df du free ps pgrep uptime printenv pwd cd whoami id
    uname date stat file wc which type lsblk ss netstat lsof cut sort uniq tr jq echo printf test [ diff
    cmp sleep true lscpu nproc groups last dmesg find awk journalctl""".split()
)
_READ_VERBS = {
    "kubectl": """get|describe|logs|top|version|cluster-info|api-resources|api-versions|explain|events
|auth can-i|config view|config current-context|config get-contexts|rollout status|rollout history
|wait|diff""",
    "docker": """ps|images|logs|inspect|version|info|top|stats|port|history|search|diff|events|ls|image ls
|image inspect|image history|network ls|network inspect|volume ls|volume inspect|system df|compose ps
|compose logs|compose config|compose ls|compose images""",
    "helm": "list|ls|status|get|history|search|show|version|template|env",
    "systemctl": "status|list-units|list-unit-files|is-active|is-enabled|is-failed|show|cat",
}
# Programs that only read with just these arguments; a space inside an argument is \0 here.
_READ_ARGUMENTS = {
    "env": "",
    "hostname": "",
    "command": r"-[vV] [\w.-]+",
    "crontab": r"(-u [\w-]+ )?-l",
    "ip": r"(-(4|6|br|brief|j|json|p|c|color|s|d|o) )*(a|addr|address|l|link|r|route|n|neigh)"
    r"( (s|show|ls|list|get)( .*)?)?",
    "sed": r"((-[nErse]+|--quiet) )*((\d+|\$|/[^/;{}\n]+/)(,(\d+|\$|/[^/;{}\n]+/))?[pd]"
    r"|s(?P<d>[/|#,:@])(((?!(?P=d))[^\\\n]|\\.)*(?P=d)){2}[gpI\d]*)( [^-\s]\S*)*",
    "git": r"(--no-pager )?((status|log|diff|show|rev-parse|blame|describe|ls-files)( .*)?|remote -v"
    r"|branch( (-[avrl]+|--list|--all|--remotes|--show-current))*|tag -l( [^-]\S*)?"
    r"|config( --(global|local|system))? (--list|--get [\w.-]+))",
}
# Flags with which a reader writes, or runs another program.
_WRITES = {
    "date": "-s --set",
    "sort": "-o --output --compress-program",
    "rg": "--pre",
    "file": "-C --compile",
    "ss": "-K --kill",
    "dmesg": "-C -c -D -E -n --clear --read-clear --console-off --console-on --console-level",
    "find": "-delete -exec -execdir -ok -okdir -fprint -fprint0 -fprintf -fls",
    "awk": "-f -i -e -E -l --file --include --source --exec --load",
    "journalctl": "--rotate --vacuum-size --vacuum-time --vacuum-files --flush --sync --relinquish-var",
    "git": "--output --ext-diff",
    "kubectl": "--output-directory",
    "docker": "-o --output",
    "helm": "--output-dir --post-renderer",
}
_HARMLESS_VARIABLE = re.compile(r"LANG|LC_\w+|TZ|COLUMNS|NO_COLOR|KUBECONFIG|DOCKER_HOST")
_SYSTEM_PATH = re.compile(r"(/usr(/local)?|/opt/homebrew)?/s?bin/[^/]+|[^/]+")
# The last: brace expansion can make up a flag that is not in the text.
_HIDES_WORDS = re.compile(r"\$\(|`|[<>]\(|\{[^{}\s]*(?:,|\.\.)")


def is_read(command: str) -> bool:
    """Whether the command certainly changes nothing: each simple command is on a short list of readers."""
    found = segments(command)
    return bool(found) and not _HIDES_WORDS.search(command) and all(map(reads, found))


def reads(segment: Segment) -> bool:
    """Whether this simple command changes nothing."""
    words = segment.words
    if not words or segment.targets or not _SYSTEM_PATH.fullmatch(words[0]):
        return False
    if not all(map(_HARMLESS_VARIABLE.fullmatch, segment.assigned)):
        return False
    if segment.asks_for_help or (segment.name in SHELLS and script_of(words) is not None):
        return True
    name, verb, flags, operands = parse_call(words)
    denied = _WRITES.get(name, "").split()
    if any(
        flag in denied or (flag[:2] == "--" and any(d.startswith(flag) for d in denied)) for flag in flags
    ):
        return False
    if name in _READ_ARGUMENTS:
        return bool(re.fullmatch(_READ_ARGUMENTS[name], " ".join(w.replace(" ", "\0") for w in words[1:])))
    if name in _READ_VERBS:
        return verb in _READ_VERBS[name].replace("\n", "").split("|")
    if name == "awk":
        return bool(operands) and not re.search(r"system|getline|[|>@]", operands[0])
    if name == "date":
        return all(operand.startswith("+") for operand in operands)
    return name in _READERS and not (name == "uniq" and len(operands) > 1)


_WAITS = (("sleep", ""), ("kubectl", "wait"), ("kubectl", "rollout status"))


def waits_for_others(command: str) -> bool:
    """Whether time passes in which what was read before may have changed."""
    return any(parse_call(segment.words)[:2] in _WAITS for segment in segments(command))


_ANSWERS = frozenset("grep egrep fgrep zgrep rg pgrep diff cmp test [ which type".split())


def answers_with_exit_code(command: str, exit_code: int) -> bool:
    """Whether the exit code of a line is an answer ("no match", "inactive") and not a failure."""
    found = segments(command)
    # `grep -q x f && echo yes`: a code other than 0 is that of grep.
    while len(found) > 1 and found[-1].operator == "&&" and found[-1].name in ("echo", "printf", "true"):
        found.pop()
    return bool(found) and answers(found[-1], exit_code)


def answers(segment: Segment, exit_code: int) -> bool:
    """Whether the exit code of this simple command is an answer."""
    program, verb, flags, _ = parse_call(segment.words)
    if program == "systemctl" and verb in ("is-active", "is-enabled", "is-failed"):
        return 1 <= exit_code <= 4
    asks = (
        program in _ANSWERS
        or (program == "git" and verb == "diff" and is_on(flags, "--exit-code --quiet"))
        or (program == "kubectl" and verb in ("diff", "auth can-i"))
        or (program == "command" and is_on(flags, "-v -V"))
    )
    return asks and exit_code == 1
