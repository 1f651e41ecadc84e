"""The levers: what the agent does for its small model. Each can be taken away, to see what it is worth.

python -m benchmarks.levers forms -- "Scale the deployment web to 3"    # the agent without its forms
python -m benchmarks.levers -- "Scale the deployment web to 3"    # the whole; says which were at work
"""

import inspect
import sys
from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any

from benchmarks.speed.bare import begin_anew
from devops_agent import (
    briefing,
    checks,
    followup,
    form_finder,
    grounding,
    intent,
    listing,
    protocol,
    recipe_choice,
    repairs,
    shell,
    usage_help,
)
from devops_agent.diagnosis import mending
from devops_agent.engines.llama_cpp import LlamaCppChat
from devops_agent.grounding import cluster

# Before the name of a lever that is at work, on a line of its own.
AT_WORK = "--- lever: "

Replacement = tuple[Any, str, Any]


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _no_lines(*_: Any, **__: Any) -> list[str]:
    return []


def _as_it_is(command: str, text: str) -> str:
    return text


def _bare_response(text: str, task: str = "") -> str:
    return f"<tool_response>\n{text}\n</tool_response>"


def _unrepaired(command: str, ground: object) -> str:
    return command


def _by_words(weigh: object, task: str, titles: object, first: int | None) -> int | None:
    return first


def _agent() -> Any:
    from agent import DevOpsAgent

    return DevOpsAgent


def _without_examples() -> list[Replacement]:
    rules = protocol._PROMPT.partition("\nExample. Task:")[0]
    return [(protocol, "_PROMPT", rules + "{instructions}")]


# What is replaced, and by what. A test checks that each name is still there.
LEVERS: dict[str, Callable[[], list[Replacement]]] = {
    "worked examples": _without_examples,
    "plain lists by code": lambda: [(listing, "of", _nothing)],
    "runbooks": lambda: [(form_finder.FormFinder, "_runbook", _nothing)],
    "runbooks weighed by the model": lambda: [(recipe_choice, "chosen", _by_words)],
    "forms": lambda: [(form_finder, "form_of", _nothing)],
    "grounding": lambda: [(grounding, "names_something", lambda *_: False)],
    "findings before the first step": lambda: [(cluster, "_relevant", _no_lines)],
    "findings as the result of a call": lambda: [(briefing.Briefing, "answers", "")],
    "nothing but the answer": lambda: [(_agent(), "_must_answer", False)],
    "calls that code knows": lambda: [(_agent(), "_known_call", _nothing)],
    "edits of files by form": lambda: [(form_finder, "edit_of", _nothing)],
    "mended files": lambda: [(mending, "mended", _nothing)],
    "help at the point of failure": lambda: [(usage_help, "hint", lambda *_: "")],
    "reduced observations": lambda: [(shell.table_facts, "for_model", _as_it_is)],
    "repairs": lambda: [(repairs, "repaired", _unrepaired)],
    "checks after a change": lambda: [(followup, "after", _nothing), (followup, "after_write", _nothing)],
    "things in their order": lambda: [
        (form_finder.FormFinder, "wishes", property(lambda finder: [finder.task]))
    ],
    "parts of a task": lambda: [(intent, "parts", _no_lines)],
    "answers sent back": lambda: [(checks, "_unfinished", _no_lines)],
    "reminder of the task": lambda: [(protocol, "_response", _bare_response)],
}

# At work wherever it is asked: it costs a call of the model also where it changes nothing.
_WHEREVER_ASKED = frozenset({"runbooks weighed by the model"})


def take_away(lever: str) -> None:
    """Takes a lever away in this process.

    Raises:
        AttributeError: The product has changed, and the lever is elsewhere now.
    """
    for owner, name, replacement in LEVERS[lever]():
        getattr(owner, name)
        setattr(owner, name, replacement)


def watch(note: Callable[[str], None]) -> None:
    """Has this process tell of each lever when it makes a difference, once.

    Args:
        note: Told the lever's name.
    """
    told: set[str] = set()

    def note_once(lever: str) -> None:
        if lever not in told:
            told.add(lever)
            note(lever)

    for lever, replacements in LEVERS.items():
        for owner, name, replacement in replacements():
            told_of = partial(note_once, lever)
            always = lever in _WHEREVER_ASKED
            setattr(owner, name, _watched(vars(owner)[name], replacement, told_of, always))


def _watched(original: Any, replacement: Any, note: Callable[[], None], always: bool) -> Any:
    if isinstance(original, property):
        instead = replacement.fget if isinstance(replacement, property) else lambda _: replacement
        return property(_watched(original.fget, instead, note, always))
    if not callable(original):
        note()
        return original

    @wraps(original)
    def watched(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        if inspect.isgenerator(result):
            result = list(result)
        if always or result != replacement(*arguments, **named):
            note()
        return result

    return watched


def _begin_anew() -> None:
    """Has the engine that stays forget the run before: the same task was the last that it read."""
    prepare = LlamaCppChat.prepare

    def prepared(model: LlamaCppChat, *arguments: Any) -> None:
        prepare(model, *arguments)
        begin_anew(model._running(), model.beginnings)

    LlamaCppChat.prepare = prepared  # type: ignore[method-assign]


def main(argv: Sequence[str]) -> int:
    """Runs DevOps Agent without a lever, or whole and watched."""
    from devops_agent.__main__ import main as devops_agent

    _begin_anew()
    at = argv.index("--")
    if at:
        take_away(argv[0])
    else:
        watch(lambda lever: print(f"{AT_WORK}{lever}", file=sys.stderr, flush=True))
    return int(devops_agent(list(argv[at + 1 :])))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
