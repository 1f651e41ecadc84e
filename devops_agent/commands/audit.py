"""`devops-agent audit`: what ran, and who decided."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from devops_agent import audit
from devops_agent.commands.flags import options
from devops_agent.errors import UsageError
from devops_agent.policy.verdict import Effect
from devops_agent.terminal import call_line


def audit_command(words: Sequence[str], path: Path, out: TextIO) -> None:
    """Prints the audit log: `[--since 2h] [--effect EFFECT] [--json]`.

    Raises:
        UsageError: A flag that makes no sense.
    """
    given = options("audit", ("--since", "--effect"), ("--json",), words)
    try:
        since = audit.moment(given["--since"]) if "--since" in given else None
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{given['--since']!r} is no time. Use 30m, 2h, 7d or 2030-01-31.") from error
    effect = given.get("--effect", "")
    if effect not in ("", *map(str, Effect)):
        raise UsageError(f"{effect!r} is no effect. Use one of {', '.join(map(str, Effect))}.")
    for record in audit.records(path, since, effect):
        print(json.dumps(record, ensure_ascii=False) if "--json" in given else _line(record), file=out)


def _line(record: Mapping[str, Any]) -> str:
    shown = call_line(str(record.get("tool")), record.get("arguments") or {}).replace("\n", "\\n")
    code = "" if record.get("exit_code") is None else f" exit {record['exit_code']}"
    decided = f"{record.get('decision')} by {record.get('by')}"
    return f"{str(record.get('time'))[:19]} {record.get('effect', ''):<11} {decided:<16}{code} {shown}"
