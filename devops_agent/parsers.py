"""The parsers of the command line: one for a task, one for each subcommand.

Parsing, `--help` and the completions of the shells all come from them.
"""

import argparse
import re
from collections.abc import Callable
from typing import NoReturn

from devops_agent import __version__
from devops_agent.policy.verdict import Effect
from devops_agent.settings import BACKENDS, Settings

PROGRAM = "devops-agent"
COLORS = ("auto", "always", "never")
SHELLS = ("bash", "zsh", "fish")
# What stands for a path in `--help`, and is completed as one.
PATHS = ("FILE", "FILE.md", "DIR")

_EPILOG = """\
{subcommands}

examples:
  devops-agent "Get all pods in default namespace"
  devops-agent -a "Delete all log files"
  devops-agent                         an interactive session
  devops-agent -n shop "Scale deployment web to 3 replicas"
  kubectl describe pod web | devops-agent "Why does this pod not start?"
  devops-agent -- undo the last rollout   a task, though its first word is a subcommand

environment:
  OLLAMA_HOST, DEVOPS_AGENT_MODEL, DEVOPS_AGENT_MODEL_PATH, DEVOPS_AGENT_BACKEND,
  DEVOPS_AGENT_KEEP_ALIVE, REQUIRE_APPROVAL=1, SMOLAGENTS_LOG_LEVEL=DEBUG, NO_COLOR=1

exit codes:
  0 done   1 the task failed or the steps ran out   2 usage   3 no model or engine, or it died
  4 ended by a refusal   130 interrupted
"""


class ParseFailed(Exception):
    """The words do not fit a parser, whose usage says what does, as a sentence."""

    def __init__(self, message: str, parser: argparse.ArgumentParser) -> None:
        super().__init__(message)
        usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
        usage = usage.replace(" [-h]", "").replace(" ...", " …")
        self.usage = usage if usage.endswith("…") else f"{usage}."


class Parser(argparse.ArgumentParser):
    """A parser that raises instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise ParseFailed(message, self)


# --- a task -----------------------------------------------------------------------------------------------


def main_parser() -> Parser:
    """The parser of a task and its flags."""
    width = max(map(len, SUBCOMMANDS))
    listed = (f"  {name:{width}}  {told}" for name, (told, _) in SUBCOMMANDS.items())
    parser = Parser(
        prog=PROGRAM,
        description="Does Docker, Kubernetes and system tasks with a small model on this machine.",
        epilog=_EPILOG.format(subcommands="\n".join(["subcommands, each with a --help:", *listed])),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("task", nargs="*", help="what to do; without one an interactive session starts")
    _add_task_flags(parser)
    _add_model_flags(parser)
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    return parser


def _add_task_flags(parser: Parser) -> None:
    add = parser.add_argument
    add("-f", "--file", metavar="FILE", help="read the task from a file")
    add("-i", "--interactive", action="store_true", help="start an interactive session")
    add("--resume", nargs="?", const="", type=_session, metavar="ID", help="go on with an earlier session")
    add("--continue", dest="continue_", action="store_true", help="go on with the newest session")
    add("--cwd", metavar="DIR", help="work in that folder; other paths count from there")
    _add_cluster_flags(parser)
    add("--no-stdin", dest="stdin", action="store_false", help="leave the standard input alone")
    add("--json", action="store_true", help="print JSON, an object a line")
    add("-q", "--quiet", action="store_true", help="print the answer only")
    add("--color", choices=COLORS, default=COLORS[0], help="auto: on a terminal, without NO_COLOR")
    add("-v", "--verbose", action="store_true", default=None, help="show prompts, raw replies and timings")
    add("-a", "--require-approval", action="store_true", default=None, help="ask before each tool call")
    add("--read-only", action="store_true", default=None, help="change nothing")
    add("--dry-run", action="store_true", default=None, help="show changes, make none")
    add("--yes", dest="assume_yes", action="store_true", default=None, help="never ask")
    add("--show-secrets", action="store_true", default=None, help="hide no secrets in what commands print")
    add("--no-grounding", dest="grounding", action="store_false", default=None, help="look up nothing first")


def _add_model_flags(parser: Parser) -> None:
    add = parser.add_argument
    steps, seconds = Settings.max_steps, Settings.timeout
    add("--backend", choices=BACKENDS, help=f"which engine runs the model (default: {Settings.backend})")
    add("--model", metavar="NAME", help=f"model in Ollama (default: {Settings.model})")
    add("--model-path", metavar="FILE", help="GGUF file for the embedded engine")
    add("--max-steps", type=int, metavar="N", help=f"tool calls before giving up (default: {steps})")
    add("--timeout", type=float, metavar="SECONDS", help=f"longest run of one command (default: {seconds:g})")
    add("--temperature", type=float, metavar="T", help="sampling temperature (default: the model's, or 0)")
    add("--top-p", type=float, metavar="P", help="sampling threshold (default: the model's)")


def _add_cluster_flags(parser: Parser) -> None:
    parser.add_argument("-n", "--namespace", metavar="NS", help="Kubernetes namespace to work in")
    parser.add_argument("--context", metavar="NAME", help="Kubernetes context to work in")


def _session(text: str) -> str:
    if text and not re.fullmatch(r"[0-9a-f]{3,8}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no session: see {PROGRAM} sessions")
    return text


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number greater than 0")
    return int(text)


# --- subcommands ------------------------------------------------------------------------------------------


def subcommand_parser(name: str) -> Parser:
    """The parser of a subcommand, for what stands behind its name."""
    told, add = SUBCOMMANDS[name]
    parser = Parser(prog=f"{PROGRAM} {name}", description=_sentence(told), allow_abbrev=False)
    parser.set_defaults(subcommand=name)
    add(parser)
    return parser


def actions_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of the words that may follow, such as `list` behind `runbooks`."""
    found = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    return dict(next((each.choices for each in found), {}))


class _Actions:
    """The actions of a subcommand, each with a parser."""

    def __init__(self, parser: Parser) -> None:
        self._parsers = parser.add_subparsers(dest="action", required=True)

    def add(self, name: str, told: str) -> Callable[..., object]:
        made = self._parsers.add_parser(name, help=told, description=_sentence(told), allow_abbrev=False)
        return made.add_argument


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _add_diagnose(parser: Parser) -> None:
    what = "namespace/kind/name, kind/name, a namespace or a container; without one: everything"
    parser.add_argument("target", nargs="?", help=what)
    _add_cluster_flags(parser)


def _add_runbooks(parser: Parser) -> None:
    actions = _Actions(parser)
    actions.add("list", "list all runbooks")
    actions.add("show", "print a runbook")("name", metavar="NAME", help="as the list has it")
    actions.add("search", "list those that fit some words")("words", nargs="+", metavar="WORD")
    actions.add("add", "add a runbook of your own")("file", metavar="FILE.md", help="its Markdown file")


def _add_policy(parser: Parser) -> None:
    add = _Actions(parser).add("explain", "tell what a command does, before it runs")
    add("--json", action="store_true", help="print an object a line")
    add("command", nargs="+", metavar="COMMAND", help="a shell command; - reads one a line")


def _add_audit(parser: Parser) -> None:
    add = parser.add_argument
    add("--since", metavar="TIME", help="only what ran since then: 30m, 2h, 7d or 2030-01-31")
    add("--effect", choices=tuple(map(str, Effect)), help="only what does this")
    add("--json", action="store_true", help="print an object a line")


def _add_undo(parser: Parser) -> None:
    parser.add_argument("--yes", action="store_true", help="ask nothing, and leave what was changed since")


def _add_sessions(parser: Parser) -> None:
    actions = _Actions(parser)
    add = actions.add("list", "list the sessions, the newest first")
    add("--limit", type=_count, default=20, metavar="N", help="so many at most")
    add("--json", action="store_true", help="print an object a line")
    add = actions.add("show", "print a session")
    add("id", metavar="ID", help="as the list has it")
    add("--json", action="store_true", help="print JSON")
    add = actions.add("export", "write a session as a document or a script")
    add("id", metavar="ID", help="as the list has it")
    add("--format", choices=("markdown", "script"), default="markdown")
    add("-o", "--output", metavar="FILE", help="write it there")
    add = actions.add("delete", "delete sessions")
    add("ids", nargs="*", metavar="ID", help="as the list has them")
    add("--all", action="store_true", help="all there are")
    add("--yes", action="store_true", help="ask nothing")


def _add_doctor(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="do not compute the model's checksum")
    _add_cluster_flags(parser)


def _add_engine(parser: Parser) -> None:
    actions = _Actions(parser)
    actions.add("status", "tell whether the embedded engine stays in memory")
    actions.add("stop", "have it give back its memory")
    actions.add("fetch", "get its model now, rather than with the first task (1.1 GB)")


def _add_tune(parser: Parser) -> None:
    told = "build the engine for this processor first: 10 to 30 minutes, with a compiler"
    parser.add_argument("--build", action="store_true", help=told)


def _add_completions(parser: Parser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="whose completions are printed")


SUBCOMMANDS: dict[str, tuple[str, Callable[[Parser], None]]] = {
    "diagnose": ("tell why something in the cluster or the engine does not work", _add_diagnose),
    "runbooks": ("list, show, search and add runbooks", _add_runbooks),
    "policy": ("tell what a command does, before it runs", _add_policy),
    "audit": ("tell what ran, and who decided", _add_audit),
    "undo": ("get back the files that the last run changed", _add_undo),
    "sessions": ("list, show, export and delete earlier sessions", _add_sessions),
    "engine": ("tell of the embedded engine that stays in memory, stop it, fetch its model", _add_engine),
    "tune": ("measure the embedded engine on this machine, and keep what is fastest", _add_tune),
    "doctor": ("check what this program needs on this machine", _add_doctor),
    "completions": ("print the completions for a shell", _add_completions),
}
# What is meant where no action is given.
DEFAULT_ACTIONS = {"runbooks": "list", "sessions": "list", "engine": "status"}
