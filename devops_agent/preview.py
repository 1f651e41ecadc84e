"""What a call would do, by a look that changes nothing: a diff, the objects, sizes, a tool's dry run."""

import difflib
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from devops_agent.patterns import regex
from devops_agent.policy.call import Call as ShellCall
from devops_agent.policy.classify import classify
from devops_agent.policy.lookup import Machine
from devops_agent.policy.scope import Scope
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.targets import settings
from devops_agent.policy.variables import is_of_programs
from devops_agent.policy.verdict import Effect, Verdict
from devops_agent.protocol import Call
from devops_agent.shell import CommandResult

RunCommand = Callable[[str], CommandResult]
_Look = Callable[[ShellCall, str], str]
_MOST_LINES, _MOST_LOOKS = 40, 3
# Flags by which a program works elsewhere than it would without them, and the looks do not take over.
_ELSEWHERE = (
    "-C",
    "-chdir",
    "--chdir",
    "--directory",
    "--git-dir",
    "--work-tree",
    "-H",
    "--host",
    "--connection",
)
# Flags that only say how something is removed; the others select what.
_HOW = regex(r"--(force|now|wait|grace-period|timeout|cascade|ignore-not-found|dry-run|output|all$)|-o$")


def preview(call: Call, run: RunCommand) -> str:
    """What a call would do, in some lines; "" if no look tells.

    Args:
        call: The call.
        run: Runs a command that only reads.
    """
    if call.name == "write_file":
        return _diff(str(call.arguments.get("path", "")), str(call.arguments.get("content", "")))
    if call.name != "bash":
        return ""
    shown: list[str] = []
    for look in islice(_looks(str(call.arguments.get("command", "")), _LOOKS), _MOST_LOOKS):
        output = run(look).output.strip()
        shown += [_cut(f"$ {look}\n{output}")] if output else []
    return "\n".join(shown)


def listing(command: str) -> str:
    """The command that lists what another one would change; "" for none."""
    return "; ".join(_looks(command, {**_LOOKS, "rm": _ls}))


def _looks(command: str, by_program: Mapping[str, _Look]) -> Iterator[str]:
    """The commands that tell what the parts of a command would do."""
    found: list[tuple[ShellCall, str]] = []
    configured = False

    def watch(part: ShellCall, verdict: Verdict, scope: Scope) -> Verdict:
        nonlocal configured
        sets = part.program == "=" and is_of_programs(part.texts[0])
        configured = configured or sets or bool(settings(part)) or part.given(*_ELSEWHERE)
        here = scope.directories[0] if scope.is_known and len(scope.directories) == 1 else None
        if verdict.effect is not Effect.READ and here:
            found.append((part, here))
        return verdict

    classify(command, Machine(), watch)
    # a look must be at what the command would work on
    for part, here in () if configured else found:
        look = _look(part, command, by_program)
        if look and here != Machine().directory:
            look = f"cd {shlex.quote(here)} && {look}"
        if look and classify(look, Machine()).effect is Effect.READ:
            yield look


def _diff(path: str, content: str) -> str:
    try:
        before = Path(path).expanduser().read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError, RuntimeError):  # no such file, no path, no such home
        return ""
    lines = difflib.unified_diff(before.splitlines(), content.splitlines(), path, path, lineterm="")
    return _cut("\n".join(lines))


def _cut(text: str) -> str:
    lines = text.splitlines()
    more = len(lines) - _MOST_LINES
    return "\n".join([*lines[:_MOST_LINES], *([f"… and {more} more lines"] if more > 0 else [])])


def _look(call: ShellCall, command: str, by_program: Mapping[str, _Look]) -> str:
    """The command that tells what a call would do; "" for none."""
    if any(UNSEEN in argument.text for argument in call.arguments):
        return ""
    looks = by_program.get(call.rule.name)
    return looks(call, command) if looks else ""


def _kubectl(call: ShellCall, command: str) -> str:
    words = _texts(call)
    if call.verb == "delete":
        chosen = [word for word in _selecting(words) if word != "--all"]
        return shlex.join([*_replaced(chosen, "delete", "get"), "-o", "name"])
    if call.verb == "apply" and "-" not in call.values("-f", "--filename"):
        kept = [word for word in words if not word.startswith(("--force", "--prune", "--server-side"))]
        return shlex.join(_replaced(kept, "apply", "diff"))
    return _dry(call, command, "--dry-run=server")


def _docker(call: ShellCall, command: str) -> str:
    names = shlex.join(call.texts)
    if call.verb in ("rm", "kill", "stop", "container rm", "restart") and names:
        shown = "{{.Name}} {{.State.Status}} {{.Config.Image}}"
        return f"docker inspect -f {shlex.quote(shown)} {names}"
    if call.verb in ("rmi", "image rm") and names:
        return f"docker image inspect -f '{{{{.RepoTags}}}} {{{{.Size}}}} bytes' {names}"
    if call.verb in ("volume rm", "volume remove") and names:
        return f"docker ps -a --filter volume={shlex.quote(call.texts[0])}"
    if call.verb.endswith("prune"):
        return "docker system df"
    if call.verb.startswith("compose "):
        return _dry(call, command, "--dry-run", "compose")
    return ""


def _rm(call: ShellCall, command: str) -> str:
    raws = " ".join(operand.raw for operand in call.operands)
    return f"find {raws} | wc -l && du -shc {raws} | tail -n 1" if raws else ""


def _ls(call: ShellCall, command: str) -> str:
    raws = " ".join(operand.raw for operand in call.operands)
    return f"ls -la {raws}" if raws else ""


def _find(call: ShellCall, command: str) -> str:
    kept = [argument.raw for argument in call.arguments if argument.text != "-delete"]
    return " ".join(kept) if len(kept) == len(call.arguments) - 1 else ""


def _git(call: ShellCall, command: str) -> str:
    if call.verb in ("clean", "add", "rm"):
        return _dry(call, command, "--dry-run", call.verb)
    if call.verb == "push":  # its dry run would run the hooks
        return "git log --oneline @{push}.."
    return "git status --short" if call.verb in ("reset", "checkout", "restore", "stash", "commit") else ""


def _kill(call: ShellCall, command: str) -> str:
    numbers = [text for text in call.texts if text.isdecimal()]
    if call.program in ("pkill", "killall") and call.operands:
        full = " -f" if call.given("-f", "--full") else ""
        return f"pgrep -a{full} {shlex.quote(call.texts[-1])}"
    return f"ps -o pid,user,args -p {','.join(numbers)}" if numbers else ""


def _helm(call: ShellCall, command: str) -> str:
    return _dry(call, command, "--dry-run", call.verb)


def _rsync(call: ShellCall, command: str) -> str:
    return _dry(call, command, "--dry-run --itemize-changes", "rsync")


def _apt(call: ShellCall, command: str) -> str:
    return _dry(call, command, "--simulate", call.verb.split()[-1] if call.verb else "")


def _terraform(call: ShellCall, command: str) -> str:
    if call.verb not in ("apply", "destroy") or call.operands:
        return ""
    kept = [word for word in _texts(call)[2:] if word not in ("-auto-approve", "-input=false", "-no-color")]
    destroys = ["-destroy"] if call.verb == "destroy" else []
    return shlex.join(["terraform", "plan", "-no-color", "-lock=false", *destroys, *kept])


_LOOKS: Mapping[str, _Look] = {
    "kubectl": _kubectl,
    "docker": _docker,
    "rm": _rm,
    "find": _find,
    "git": _git,
    "kill": _kill,
    "helm": _helm,
    "rsync": _rsync,
    "apt": _apt,
    "terraform": _terraform,
}


def _texts(call: ShellCall) -> list[str]:
    return [argument.text for argument in call.arguments]


def _replaced(words: Sequence[str], old: str, new: str) -> list[str]:
    at = words.index(old) if old in words else 0
    return [*words[:at], new, *words[at + 1 :]] if old in words else list(words)


def _selecting(words: Sequence[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
            continue
        if _HOW.match(word):
            skip = word in ("-o", "--output", "--grace-period", "--timeout")
            continue
        kept.append(word)
    return kept


def _dry(call: ShellCall, command: str, flag: str, after: str = "") -> str:
    """The whole command with a flag by which the tool only tells what it would do, if it is that one call."""
    word = after or call.program
    pattern = re.compile(rf"(?<![\w./-]){re.escape(word)}(?![\w./-])")
    return pattern.sub(f"{word} {flag}", command, count=1) if pattern.search(command) else ""
