"""What is looked at before a call runs. A check raises `CallRefused`; its text goes back to the model.

To add one: write a function and put it into `CHECKS`, in the order in which they should speak.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from devops_agent.diagnosis import text_files
from devops_agent.errors import CallRefused
from devops_agent.evidence import Evidence, admits_failure
from devops_agent.files import text_if_readable
from devops_agent.forms.form import FileEdit
from devops_agent.policy import effects
from devops_agent.policy.placeholders import placeholder
from devops_agent.policy.refusals import refusal
from devops_agent.policy.shell_text import parse_call, segments
from devops_agent.protocol import FINAL_ANSWER, RECIPE, Call, ToolLike

Tools = Mapping[str, ToolLike]
Check = Callable[[Call, Tools, Evidence], None]


def known_tool(call: Call, tools: Tools, evidence: Evidence) -> None:
    """The tool exists."""
    if call.name not in tools:
        raise CallRefused(f"There is no tool {call.name!r}. Tools: {', '.join(tools)}.")


def right_arguments(call: Call, tools: Tools, evidence: Evidence) -> None:
    """Every required argument is there, of the right kind, and no other."""
    inputs = tools[call.name].inputs
    shape = f"{call.name} takes exactly: {', '.join(inputs)}."
    for name, spec in inputs.items():
        value = call.arguments.get(name)
        if value is None and not spec.get("nullable"):
            raise CallRefused(f"The argument {name!r} is missing. {shape}")
        if spec.get("type") == "string" and value is not None and not isinstance(value, str):
            raise CallRefused(f"The argument {name!r} must be a string. {shape}")
    extra = [name for name in call.arguments if name not in inputs]
    if extra:
        raise CallRefused(f"There is no argument {extra[0]!r}. {shape}")


def no_placeholder(call: Call, tools: Tools, evidence: Evidence) -> None:
    """A command names real things."""
    found = placeholder(call.arguments["command"]) if call.name == "bash" else None
    if found:
        raise CallRefused(f"{found} is a placeholder. Find the real value first, then use it.")


def may_run(call: Call, tools: Tools, evidence: Evidence) -> None:
    """A command destroys no system and waits for nobody; looked at before the user is asked."""
    if call.name == "bash":
        allow(call.arguments["command"])


def allow(command: str) -> None:
    """Lets a command pass on this machine, for this user.

    Raises:
        CallRefused: It is on the never list, or would not return.
    """
    refused = refusal(command, str(Path.home()), _working_directory())
    if refused:
        raise refused


def _working_directory() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was removed
        return ""


# "workers = 12"
_SETTING = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*=")
# Deleting one of these loses nothing that does not come again.
_COMES_AGAIN = re.compile(r"(?:po|pods?|jobs?|jobs\.batch)(?:/.*)?")


_REMOVERS = frozenset({"rm", "unlink", "shred", "truncate"})
_DROPS = re.compile(
    r"docker (?:(?:\S+ )?prune|rmi|(?:volume|network|image) (?:rm|remove)|rm (?:\S+ )*-\w*f)\b"
)
_NOT_ASKED = "The task does not ask to delete anything. Do it without, or answer why it is not done."


def removes_only_if_asked(call: Call, tools: Tools, evidence: Evidence) -> None:
    """Nothing is deleted for a task that does not say so: a small model clears its way with a delete."""
    if call.name != "bash" or evidence.may_remove:
        return
    for segment in segments(call.arguments["command"]):
        own = evidence.written.issuperset(word for word in segment.words[1:] if not word.startswith("-"))
        if (segment.name in _REMOVERS and not own) or _DROPS.match(
            " ".join((segment.name, *segment.words[1:]))
        ):
            raise CallRefused(_NOT_ASKED)
        if segment.name != "kubectl":
            continue
        _, verb, flags, operands = parse_call(segment.words)
        dry = flags.get("--dry-run") in ("client", "server")
        if verb == "delete" and not dry and not _COMES_AGAIN.fullmatch("".join(operands[:1])):
            raise CallRefused(_NOT_ASKED)


# `kill $(ps aux | grep web | …)`, `pkill -f web`: the command line of whoever runs the task names it too.
_KILLS_BY_TEXT = re.compile(
    r"\bkill\b[^;&|]*(?:\$\(|`)\s*(?:ps\b|pgrep\b[^)`]*\s-\w*f)|\bpkill\b[^;&|]*\s-\w*f\b"
    r"|\b(?:ps|pgrep)\b.*\|\s*xargs\b[^;&|]*\bkill\b"
)


def kills_by_id(call: Call, tools: Tools, evidence: Evidence) -> None:
    """A process is ended by its id: a search by text finds every process that only mentions it."""
    if call.name == "bash" and _KILLS_BY_TEXT.search(call.arguments["command"]):
        raise CallRefused(
            "That would also end processes that only mention it, such as this one. Look first, with "
            "pgrep -a NAME, then kill the one id."
        )


# What does that which a task may forbid, by the verb: in its own words, of which the verb is a part.
_DOES = {
    "restart": r"docker (?:restart|stop|kill|rm)\b|rollout restart|systemctl (?:restart|stop)",
    "recreat": r"docker (?:rm|kill)\b|kubectl\b.* (?:delete|replace --force)\b",
    "stop": r"docker (?:stop|kill|rm|pause)\b|\bkill\b|\bpkill\b|systemctl stop|compose (?:down|stop)",
    "delet": r"docker (?:\w+ )?(?:rm|rmi|prune)\b|kubectl\b.* delete\b|\brm\b|git (?:branch|tag) -[dD]",
    "remov": r"docker (?:\w+ )?(?:rm|rmi|prune)\b|kubectl\b.* delete\b|\brm\b|git (?:branch|tag) -[dD]",
    "start": r"docker (?:start|run|restart)\b|compose up|systemctl start",
    "push": r"\b(?:git|docker) push\b",
    "commit": r"\bgit commit\b",
    "kill": r"\bkill\b|\bpkill\b",
    "appl": r"\bkubectl\b.* apply\b",
    "scal": r"\bkubectl\b.* scale\b",
}


def does_not_what_is_forbidden(call: Call, tools: Tools, evidence: Evidence) -> None:
    """What a task says not to do is not done."""
    if call.name != "bash" or effects.is_read(call.arguments["command"]):
        return
    for verb in evidence.forbidden:
        pattern = next((does for stem, does in _DOES.items() if verb.startswith(stem)), "")
        if pattern and re.search(pattern, call.arguments["command"]):
            raise CallRefused(f"The task says not to {verb} anything of the kind. Do it in another way.")


# What takes all changes of a repository, or all files that it does not know.
_TAKES_ALL = re.compile(
    r"\bgit\b[^;&|]*\s(?:reset\b[^;&|]*\s--hard|clean\s+-\w*f|(?:checkout|restore)\b[^;&|]*\s\.(?=\s|$))"
    r"|\b(?:docker|podman)\b[^;&|]*\sprune\b|\bkubectl\b[^;&|]*\sdelete\b[^;&|]*\s--all\b"
)


def spares_what_shall_stay(call: Call, tools: Tools, evidence: Evidence) -> None:
    """Where the task makes an exception, nothing is done that takes all."""
    if call.name == "bash" and evidence.spares and _TAKES_ALL.search(call.arguments["command"]):
        raise CallRefused("That takes all, and the task says that something is to stay. Name what is to go.")


def stands_in_for_nothing(call: Call, tools: Tools, evidence: Evidence) -> None:
    """Where the task names what is not there, nothing else is changed in its place."""
    text = str(call.arguments.get("command") or call.arguments.get("content") or "")
    if not evidence.missing or not text:
        return
    # "There is no pod web-2 in namespace shop"
    changes = call.name == "write_file" or (call.name == "bash" and not effects.is_read(text))
    if changes and evidence.missing.split()[4] not in text:
        evidence.stood_in = True
        raise CallRefused(f"{evidence.missing} Change nothing else in its place; say so in the answer.")


def keeps_the_file(call: Call, tools: Tools, evidence: Evidence) -> None:
    """A file that is changed is neither broken nor emptied: what a small model forgets would be lost."""
    if call.name != "write_file":
        return
    path, content, edit = call.arguments["path"], call.arguments["content"], tools.get(RECIPE)
    if isinstance(edit, FileEdit) and edit.path == path and (lost := edit.drops(content)):
        raise CallRefused(
            f"That would remove {lost} lines or values of {path}, so nothing was written. {edit.description}"
        )
    if not evidence.may_rewrite and path not in evidence.written:
        _keep_its_lines(path, content)
    before, wrong = text_if_readable(path), text_files.trouble(Path(path), content)
    if before and before.strip() == content.strip():
        raise CallRefused(f"{path} has exactly this text already. Make the change that the task asks for.")
    if before and wrong and not text_files.trouble(Path(path), before):
        raise CallRefused(f"That would break {path}, so nothing was written: {wrong}")


# What is written anew as a whole, and can be.
_REWRITTEN = re.compile(r"(?:.*/)?.*Dockerfile.*")
_MOST_LINES_REWRITTEN = 2


def _keep_its_lines(path: str, content: str) -> None:
    """Refuses a text that has nothing to do with the one that stands in the file."""
    before = text_if_readable(path)
    if before is None and Path(path).is_file():
        raise CallRefused(f"{path} is there and no text, so nothing was written over it.")
    lines = [line for line in (before or "").splitlines() if line.strip()]
    lost = len(lines) - len(set(lines) & set(content.splitlines()))
    if len(lines) > _MOST_LINES_REWRITTEN and lost * 2 > len(lines) and not _REWRITTEN.fullmatch(path):
        raise CallRefused(f"That would remove {lost} of {len(lines)} lines of {path}. Keep what it holds.")


def sets_no_value_twice(call: Call, tools: Tools, evidence: Evidence) -> None:
    """A setting that a file has is changed there, and not added once more."""
    if call.name != "bash":
        return
    for segment in segments(call.arguments["command"]):
        added = _SETTING.match(" ".join(segment.words[1:])) if segment.name in ("echo", "printf") else None
        for path in segment.targets if added else ():
            there = [
                line
                for line in (text_if_readable(path) or "").splitlines()
                if (match := _SETTING.match(line)) and added and match[1] == added[1]
            ]
            if len(there) == 1 and ">>" in call.arguments["command"]:
                raise CallRefused(f"{path} has the line {there[0]!r} already. Change that line instead.")


def no_repetition(call: Call, tools: Tools, evidence: Evidence) -> None:
    """The same call is not made again while nothing has changed."""
    if call.name != FINAL_ANSWER and evidence.repeated(call):
        evidence.repeats += 1
        if evidence.repeats > 1:
            raise CallRefused("Answer now: say what was done, what failed, and why.")
        raise CallRefused("You made this call already; its result is above. Use it, or do something else.")


def answer_after_work(call: Call, tools: Tools, evidence: Evidence) -> None:
    """An answer comes from results."""
    informed = evidence.missing or (evidence.informed and not evidence.wants_change)
    if call.name == FINAL_ANSWER and not (evidence.calls or evidence.refused or informed):
        raise CallRefused("No tool has run yet. Do the task with a tool first, then answer.")


def finished(call: Call, tools: Tools, evidence: Evidence) -> None:
    """An answer does not come before the work is done; each reason sends it back once."""
    if call.name != FINAL_ANSWER:
        return
    honest = admits_failure(str(call.arguments["answer"]))
    for reason, message in _unfinished(evidence, honest):
        if reason not in evidence.sent_back:
            evidence.sent_back.add(reason)
            raise CallRefused(message)


def _unfinished(evidence: Evidence, honest: bool) -> Iterator[tuple[str, str]]:
    if evidence.failed_change and not honest:
        yield (
            "failed",
            f"{evidence.failed_change} failed, and no change succeeded since. "
            "Correct it with another call, or say in the answer that it failed.",
        )
    elif evidence.wants_change and evidence.failed_change and evidence.may_try_again:
        yield "gave up", "Do not give up yet: correct the command, or do it in another way."
    elif evidence.missing and not evidence.changed and not honest:
        yield "missing", f"{evidence.missing} Say so in the answer."
    elif evidence.unapplied:
        path = evidence.unapplied
        yield "unapplied", f"{path} is written but not applied: kubectl apply -f {path}"
    elif evidence.unmet and not honest:
        yield "unmet", f"{evidence.unmet} Make it with a tool, or say in the answer that it is not there."
    elif evidence.succeeded < len(evidence.parts) > 1 and not honest:
        yield "part", f"The task has {len(evidence.parts)} parts. Still to do: {evidence.parts[-1]}"
    elif evidence.wants_change and not evidence.changed and not honest:
        yield "unchanged", "Nothing was changed yet. Make the change with a tool, or say why it is not made."


CHECKS: tuple[Check, ...] = (
    known_tool,
    right_arguments,
    no_placeholder,
    may_run,
    removes_only_if_asked,
    kills_by_id,
    does_not_what_is_forbidden,
    spares_what_shall_stay,
    stands_in_for_nothing,
    keeps_the_file,
    sets_no_value_twice,
    no_repetition,
    answer_after_work,
    finished,
)
