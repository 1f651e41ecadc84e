"""`devops-agent policy explain`: what a command does, before it runs."""

import json
from argparse import Namespace
from collections.abc import Iterable
from typing import TextIO

from devops_agent.checks import allow
from devops_agent.errors import CallRefused, UsageError
from devops_agent.policy.classify import classify
from devops_agent.policy.lookup import Machine
from devops_agent.policy.verdict import Verdict


def policy_command(arguments: Namespace, stdin: Iterable[str], out: TextIO) -> None:
    """Prints what a command does, the part that decides, and the rule.

    Args:
        arguments: `command`, its words, `["-"]` to read one command a line; `json` for one object a line.
        stdin: The commands for `-`.
        out: Where it is printed.

    Raises:
        UsageError: There is no command.
    """
    written = " ".join(arguments.command)
    if not written.strip():
        raise UsageError('Name a command: devops-agent policy explain "kubectl delete pod web".')
    given = (line.rstrip("\n") for line in stdin) if written == "-" else [written]
    lookup = Machine()
    for command in given:
        verdict, refused = classify(command, lookup), _refused(command)
        told = _as_json(command, verdict, refused) if arguments.json else _as_text(verdict, refused)
        print(told, file=out)


def _refused(command: str) -> str:
    """Why the command never runs, whatever is approved; "" where it may."""
    try:
        allow(command)
    except CallRefused as error:
        return str(error)
    return ""


def _as_json(command: str, verdict: Verdict, refused: str) -> str:
    told = {
        "command": command,
        "effect": str(verdict.effect),
        "part": verdict.part,
        "rule": verdict.rule,
        "secret": verdict.secret,
        "refused": refused,
    }
    return json.dumps(told, ensure_ascii=False)


def _as_text(verdict: Verdict, refused: str) -> str:
    lines = [
        f"effect: {verdict.effect}",
        f"part:   {verdict.part}",
        f"rule:   {verdict.rule or 'reads only'}",
        f"secret: {'yes' if verdict.secret else 'no'}",
    ]
    return "\n".join([*lines, f"never runs: {refused}"] if refused else lines)
