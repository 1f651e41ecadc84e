"""Commands that wait for a person or do not return by themselves, each with the form that does."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from devops_agent.policy.shell_text import (
    PIPES,
    SHELLS,
    Call,
    Segment,
    base_name,
    is_on,
    parse_call,
    segments,
)

# Programs, verbs, flags any of which make it wait, flags any of which make it return, what to do instead.
# Besides flags: ARG and ARG2 are operands, N and N2 numbers among them, FED and PIPED standard input and
# output that are no terminal, EDITOR a variable that names an editor.
_FOLLOWS = "{call} -f does not return; leave out -f, add --tail=100"
_TTY = "there is no terminal here; leave out -i and -t{rewritten}"
_ASKS = "{call} asks for confirmation; add "
_ENDLESS = "{call} does not return by itself; run: timeout 10 {command}"
_SHOW = "{call} needs a terminal; to read a file run cat FILE, to change it write it with cat > FILE <<'EOF'"
_SCREEN = "{call} needs a terminal; use commands that print, such as top -b -n 1, docker ps or kubectl get"
_RULES = (
    ("kubectl", "edit", "", "EDITOR", "kubectl edit needs an editor; use kubectl patch or apply -f FILE"),
    ("kubectl|docker", "exec|run|debug|compose exec", "-t --tty", "-d --detach", _TTY),
    ("kubectl|docker", "exec|run|debug|compose exec", "-i --stdin --interactive", "-d --detach FED", _TTY),
    ("docker", "compose exec", "", "-T --no-TTY --no-tty -d --detach", "there is no terminal; add -T"),
    ("kubectl|docker", "attach|compose attach", "", "", "{call} does not return; use logs --tail=100"),
    ("kubectl", "port-forward|proxy", "", "", _ENDLESS),
    ("kubectl", "get|top|events", "-w --watch --watch-only", "", "a watch does not return; leave out -w"),
    ("kubectl|docker", "logs|compose logs", "-f --follow", "", _FOLLOWS),
    ("docker", "stats", "", "--no-stream", "docker stats does not return; add --no-stream"),
    ("docker", "events|compose events", "", "--until", "{call} does not return; add --since 10m --until 0s"),
    ("docker", "prune|system prune|image prune|volume prune|network prune|builder prune|buildx prune", "",
     "-f --force --help FED", "prune asks for confirmation, and takes no answer for a no; add -f"),
    ("docker", "compose up", "", "-d --detach --wait --no-start --abort-on-container-exit --exit-code-from",
     "docker compose up does not return; add -d"),
    ("top", "", "", "-b -l", "top needs a terminal; run: top -b -n 1"),
    ("top", "", "-b", "-n -l PIPED", "top -b does not return; run: top -b -n 1"),
    ("htop|btop|k9s|lazydocker|ctop", "", "", "", _SCREEN),
    ("watch", "", "", "", "watch does not return; run it once: {operands}"),
    ("less|more", "", "ARG", "FED PIPED", "{call} needs a terminal; run: cat {operands}"),
    ("man", "", "", "FED PIPED -k -f -w", "man needs a terminal; run: man {operands} | head -n 80"),
    ("vi|vim|nvim|nano|emacs", "", "", "-es -Es --batch -batch", _SHOW),
    ("tmux", "|new|new-session|a|attach|attach-session", "", "-d",
     "tmux needs a terminal; use tmux new-session -d"),
    ("tail", "", "-f -F --follow", "", "tail -f does not return; leave out -f, add -n 100"),
    ("journalctl", "", "-f --follow", "", "journalctl -f does not return; leave out -f, add -n 100"),
    ("dmesg", "", "-w -W --follow --follow-new", "", "dmesg -w does not return; leave out -w"),
    ("ping", "", "", "-c -w", "ping does not return; add -c 4"),
    ("ssh", "", "ARG", "ARG2 FED -V -G -Q -O -T -f", "ssh needs a command: ssh {operands} 'COMMAND'"),
    ("nc|ncat|netcat", "", "-l --listen", "", _ENDLESS),
    ("tcpdump", "", "", "-c -r -D -h", "tcpdump does not return; add -c 20"),
    ("iostat|vmstat", "", "N", "N2", "{call} does not return; add a count: {command} 3"),
    ("terraform", "apply|destroy", "", "-auto-approve --auto-approve ARG", _ASKS + "-auto-approve"),
    ("apt", "install|reinstall|remove|purge|upgrade|full-upgrade|dist-upgrade|autoremove|downgrade|erase", "",
     "-y --yes --assume-yes --assumeyes -s --dry-run --simulate --assumeno", _ASKS + "-y"),
    ("git", "commit", "", "-m -F -C --message --file --reuse-message --no-edit --fixup --dry-run EDITOR",
     "git commit needs an editor; add -m 'MESSAGE'"),
    ("git", "add|rebase", "-i -p -e --interactive --patch --edit", "EDITOR",
     "{call} cannot ask: there is no terminal; leave out -i, -p and -e"),
    ("crontab", "", "-e", "EDITOR", "crontab -e needs an editor; write a file and run: crontab FILE"),
)  # fmt: skip


def waits(command: str) -> str | None:
    """Why the command would not return, with the form that does, in one line; None if it returns."""
    for segment, following in pairwise([*segments(command), Segment()]):
        for each in (segment, *_inside(segment)):
            if reason := _waits(each, following.operator in PIPES):
                where = "" if each is segment else "in the container, "
                return " ".join(f"{where}{reason}".split())[:300]
    return None


def _inside(segment: Segment) -> list[Segment]:
    """The commands that it runs in a container and waits for."""
    program, verb, flags, operands = parse_call(segment.words)
    if (
        program not in ("docker", "kubectl")
        or verb not in ("exec", "compose exec")
        or is_on(flags, "-d --detach")
    ):
        return []
    found = segments(shlex.join(operands[1:]))
    return [replace(each, timed=each.timed or segment.timed, fed=each.fed or segment.fed) for each in found]


def _waits(segment: Segment, piped: bool) -> str | None:
    if segment.timed or not segment.words or segment.asks_for_help:
        return None
    call = parse_call(segment.words)
    numbers = sum(operand.isdecimal() for operand in call.operands)
    edits = any(variable.endswith("EDITOR") for variable in segment.assigned)
    facts = {"ARG": call.operands, "ARG2": call.operands[1:], "N": numbers > 0, "N2": numbers > 1}
    facts |= {"FED": segment.fed, "PIPED": piped, "EDITOR": edits}
    present = {**call.flags, **{fact: "" for fact, holds in facts.items() if holds}}
    for programs, verbs, needs, unless, advice in _RULES:
        if call.program not in programs.split("|") or (verbs and call.verb not in verbs.split("|")):
            continue
        if (not needs or is_on(present, needs)) and not is_on(present, unless):
            return advice.format(
                call=f"{segment.name.replace('docker-compose', 'docker')} {call.verb}".strip(),
                command=_join(segment.words),
                operands=_join(call.operands),
                rewritten=_without_terminal(segment, call),
            )
    return None


def _join(words: Sequence[str]) -> str:
    """The words as typed; `$VAR` and globs keep their meaning, unlike in shlex.join."""
    special = re.compile(r"[\s'\"\\|&;<>()]|^$")
    return " ".join(shlex.quote(word) if special.search(word) else word for word in words)


def _without_terminal(segment: Segment, call: Call) -> str:
    words = list(segment.words)
    inner = len(words) - len(call.operands)
    if "--" in words and call.program == "kubectl":
        inner = words.index("--")
    drop = r"-[it]{1,2}|--(tty|stdin|interactive)(=true)?"
    kept = [word for word in words[:inner] if not re.fullmatch(drop, word)]
    if len(kept) == inner or inner == 0:
        return ""
    if call.verb == "compose exec":
        kept.append("-T")
    elif segment.fed:
        kept.insert(kept.index(call.verb.split()[-1]) + 1, "-i")
    elif call.verb == "run" and call.program == "kubectl" and "--rm" in kept:
        kept.append("--attach")
    # A shell without a terminal and without a command ends at once.
    idle = call.verb.endswith("exec") and base_name(words[-1]) in SHELLS
    return f", run: {_join([*kept, *words[inner:], *(['-c', 'COMMAND'] if idle else [])])}"
