"""`devops-agent audit`: what ran, and who decided."""

import json
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from devops_agent import audit
from devops_agent.ansi import visible
from devops_agent.errors import UsageError
from devops_agent.terminal import call_line


def audit_command(arguments: Namespace, path: Path, out: TextIO) -> None:
    """Prints the audit log.

    Args:
        arguments: `since`, `effect` and `json`.
        path: The log.
        out: Where it is printed.

    Raises:
        UsageError: `since` is no time.
    """
    try:
        since = None if arguments.since is None else audit.moment(arguments.since)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{arguments.since!r} is no time. Use 30m, 2h, 7d or 2030-01-31.") from error
    records = list(audit.records(path, since, arguments.effect or ""))
    if not records and not arguments.json:
        print("No call is on record for that.", file=out)
    for record in records:
        print(json.dumps(record, ensure_ascii=False) if arguments.json else _line(record), file=out)


def _line(record: Mapping[str, Any]) -> str:
    shown = visible(call_line(str(record.get("tool")), record.get("arguments") or {})).replace("\n", "\\n")
    code = "" if record.get("exit_code") is None else f" exit {record['exit_code']}"
    decided = f"{record.get('decision')} by {record.get('by')}"
    return f"{str(record.get('time'))[:19]} {record.get('effect', ''):<11} {decided:<16}{code} {shown}"
