"""Which subcommand is meant. To add one: its parser in `parsers.py`, its module here, and its case below."""

import argparse
import os
import sys
from pathlib import Path
from typing import TextIO

from devops_agent import settings
from devops_agent.errors import ExitCode
from devops_agent.folders import data_folder, runbook_folders


def run(arguments: argparse.Namespace, out: TextIO) -> ExitCode:
    """Runs a subcommand; only what it needs itself is imported.

    Args:
        arguments: What the command line says, its name as `subcommand`.
        out: Where it prints.

    Raises:
        UserError: It cannot do what it was told to.
    """
    data = data_folder(os.environ)
    match arguments.subcommand:
        case "diagnose":
            from devops_agent.commands.diagnose import diagnose_command

            diagnose_command(arguments, out)
        case "runbooks":
            from devops_agent.commands.runbooks import runbooks_command

            folders = runbook_folders(settings.config_path(os.environ).parent, Path.cwd())
            runbooks_command(arguments, folders, out)
        case "policy":
            from devops_agent.commands.policy import policy_command

            policy_command(arguments, sys.stdin, out)
        case "audit":
            from devops_agent.commands.audit import audit_command

            audit_command(arguments, data / "audit.jsonl", out)
        case "undo":
            from devops_agent import approval
            from devops_agent.commands.undo import undo_command
            from devops_agent.undo import UndoStore

            undo_command(arguments, UndoStore(data / "undo"), out, approval.confirms)
        case "sessions":
            from devops_agent.commands.sessions import sessions_command
            from devops_agent.session_store import FILE

            sessions_command(arguments, data / FILE, out)
        case "engine":
            from devops_agent.commands.engine import engine_command

            engine_command(arguments, os.environ, out)
        case "tune":
            from devops_agent.commands.tune import tune_command

            tune_command(arguments, os.environ, out)
        case "doctor":
            from devops_agent.commands.doctor import doctor_command

            return ExitCode.DONE if doctor_command(arguments, os.environ, out) else ExitCode.FAILED
        case "completions":
            from devops_agent.commands.completions import completions_command

            completions_command(arguments, out)
    return ExitCode.DONE
