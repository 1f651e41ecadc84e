"""The command line's arguments. Nothing heavy is imported here, so that `--help` answers at once."""

import argparse
import re
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NoReturn

from devops_agent import __version__
from devops_agent.errors import UsageError
from devops_agent.settings import BACKENDS, Settings

_EPILOG = """\
examples:
  devops-agent "Get all pods in default namespace"
  devops-agent -a "Delete all log files"
  devops-agent                         an interactive session
  devops-agent diagnose [namespace/kind/name | kind/name | namespace | container]
  devops-agent runbooks [list | show NAME | search WORDS | add FILE.md]
  devops-agent policy explain [--json] "COMMAND"     what a command does, before it runs
  devops-agent audit [--since 2h] [--effect destructive] [--json]
  devops-agent undo [--yes]                          get back the files that the last run changed

environment:
  OLLAMA_HOST, DEVOPS_AGENT_MODEL, DEVOPS_AGENT_MODEL_PATH, DEVOPS_AGENT_BACKEND,
  REQUIRE_APPROVAL=1, SMOLAGENTS_LOG_LEVEL=DEBUG, NO_COLOR=1

exit codes:
  0 done   1 the task failed or the steps ran out   2 usage   3 no model or engine, or it died
  4 ended by a refusal   130 interrupted
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. See devops-agent --help.")


def subcommand(argv: Sequence[str] | None = None) -> list[str] | None:
    """The words of a subcommand; None for a task, such as "diagnose the network of this machine"."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["diagnose"] and len(words) < 3 and not any(w.startswith("-") for w in words):
        return words
    flags_only = all(word.startswith("-") or before.startswith("-") for before, word in pairwise(words))
    if words[:2] == ["policy", "explain"] or (words[:1] in (["audit"], ["undo"]) and flags_only):
        return words
    actions = ("list", "show", "search", "add")
    return words if words[:1] == ["runbooks"] and (len(words) == 1 or words[1] in actions) else None


def parse(argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Reads the arguments.

    Returns:
        `task` (None when none was given), `interactive`, and each setting by its name, None when not set.

    Raises:
        UsageError: An unknown flag, or a value that is none.
        SystemExit: After --help and --version.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    end = argv.index("--") if "--" in argv else len(argv)
    # parse_intermixed_args would read what stands behind "--" as flags
    options = vars(_parser().parse_intermixed_args(argv[:end]))
    words = options.pop("task")
    # argparse takes -5 for a number and so for a part of the task
    if unknown := [word for word in words if re.fullmatch(r"-[\d.]\S*", word)]:
        raise UsageError(f"unrecognized arguments: {' '.join(unknown)}. See devops-agent --help.")
    words += argv[end + 1 :]
    task = " ".join(words).strip()
    if words and not task:
        raise UsageError('The task is empty. Say what to do: devops-agent "Check disk usage".')
    if task and options["interactive"]:
        raise UsageError("--interactive takes no task. Leave one of them out.")
    options["task"] = task or None
    return options


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="devops-agent",
        description="Does Docker, Kubernetes and system tasks with a small model on this machine.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    steps, seconds = Settings.max_steps, Settings.timeout
    add("task", nargs="*", help="what to do; without one an interactive session starts")
    add("-i", "--interactive", action="store_true", help="start an interactive session")
    add("-v", "--verbose", action="store_true", default=None, help="show prompts, raw replies and timings")
    add("-a", "--require-approval", action="store_true", default=None, help="ask before each tool call")
    add("--read-only", action="store_true", default=None, help="change nothing")
    add("--dry-run", action="store_true", default=None, help="show what would change something, run it not")
    add("--yes", dest="assume_yes", action="store_true", default=None, help="never ask")
    add("--show-secrets", action="store_true", default=None, help="hide no secrets in what commands print")
    add("--no-grounding", dest="grounding", action="store_false", default=None, help="look up nothing first")
    add("--backend", choices=BACKENDS, help=f"which engine runs the model (default: {Settings.backend})")
    add("--model", metavar="NAME", help=f"model in Ollama (default: {Settings.model})")
    add("--model-path", metavar="FILE", help="GGUF file for the embedded engine")
    add("--max-steps", type=int, metavar="N", help=f"tool calls before giving up (default: {steps})")
    add("--timeout", type=float, metavar="SECONDS", help=f"longest run of one command (default: {seconds:g})")
    add("--temperature", type=float, metavar="T", help="sampling temperature (default: the model's, or 0)")
    add("--top-p", type=float, metavar="P", help="sampling threshold (default: the model's)")
    add("--version", action="version", version=f"devops-agent {__version__}")
    return parser
