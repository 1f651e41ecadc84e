"""What is looked at before a call runs. A check raises `CallRefused`; its text goes back to the model.

To add one: write a function and put it into `CHECKS`, in the order in which they should speak; one that keeps
the user's things from harm goes into `guards.py`.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from devops_agent.errors import CallRefused
from devops_agent.evidence import Evidence, admits_failure, claims_change, unfounded_claim
from devops_agent.guards import GUARDS, Check, Tools
from devops_agent.policy.placeholders import placeholder
from devops_agent.policy.refusals import refusal
from devops_agent.protocol import FINAL_ANSWER, Call


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


def files_first(call: Call, tools: Tools, evidence: Evidence) -> None:
    """What is built or committed has the change that the task wants first; said once."""
    if call.name != FINAL_ANSWER and evidence.too_early and "files first" not in evidence.sent_back:
        evidence.sent_back.add("files first")
        raise CallRefused(f"Not yet: {evidence.too_early} Change it there first.")


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
        evidence.must_act = evidence.wants_change
        raise CallRefused("No tool has run yet. Do the task with a tool first, then answer.")


def finished(call: Call, tools: Tools, evidence: Evidence) -> None:
    """An answer does not come before the work is done; each reason sends it back once."""
    if call.name != FINAL_ANSWER:
        return
    answer = str(call.arguments["answer"])
    honest = admits_failure(answer)
    evidence.parrots = _only_repeats(answer, evidence.told)
    claims = evidence.parrots or (not honest and claims_change(answer))
    evidence.claims_refused = bool(evidence.turned_down and not evidence.changed and claims)
    claim = unfounded_claim(answer, evidence.commands) if evidence.wants_change and not honest else ""
    evidence.claimed = claim
    for reason, message in _unfinished(evidence, honest, claim):
        if reason not in evidence.sent_back:
            evidence.sent_back.add(reason)
            evidence.must_act = reason.startswith(_ACTS)
            raise CallRefused(message)


def _only_repeats(answer: str, told: Collection[str]) -> bool:
    """Whether an answer says nothing but what the model was told of its mistakes."""
    own = answer.replace("Error:", " ")
    for sentence in sorted(told, key=len, reverse=True):
        own = own.replace(sentence, " ")
    return own != answer and not re.search(r"\w", own)


# An answer is not the next call behind these: a small model would say the same once more.
_ACTS = ("to do ", "unmet ", "parrots")


def _unfinished(evidence: Evidence, honest: bool, claim: str = "") -> Iterator[tuple[str, str]]:
    final = evidence.hopeless or evidence.missing or evidence.turned_down
    if evidence.parrots and evidence.wants_change and not final:
        yield "parrots", "That is what you were told, and no answer. Make the next call."
    elif evidence.claims_refused:
        yield "refused", f"{evidence.turned_down} was not approved, so it is not done. Answer what was found."
    elif evidence.failed_change and not honest:
        yield (
            "failed",
            f"{evidence.failed_change} failed, and no change succeeded since. "
            "Correct it with another call, or say in the answer that it failed.",
        )
    elif evidence.wants_change and evidence.failed_change and evidence.may_try_again:
        yield "gave up", "Do not give up yet: correct the command, or do it in another way."
    elif evidence.unanswered:
        yield (
            "unanswered",
            f"{evidence.unanswered} stands for a value. Put in what a result says, or say that none does.",
        )
    elif evidence.invented:
        told = ", ".join(evidence.invented[:2])
        yield "invented", f"{told} is in no result. Look it up with a command, or leave it out of the answer."
    elif evidence.missing and not evidence.changed and not honest:
        yield "missing", f"{evidence.missing} Say so in the answer."
    elif evidence.unapplied:
        path = evidence.unapplied
        yield "unapplied", f"{path} is written but not applied: kubectl apply -f {path}"
    elif claim:
        yield (
            "claim",
            f'No command of yours did what "{claim}" says. Do it now, or leave it out of the answer.',
        )
    elif (to_do := evidence.to_do or evidence.undone) and not honest:
        yield f"to do {to_do}", f"Still to do: {to_do}."
    elif evidence.left_behind and not honest:
        yield f"to do {evidence.left_behind}", f"{evidence.left_behind} Change it there too."
    elif evidence.unmet and not honest:
        yield (
            f"unmet {evidence.unmet}",
            f"{evidence.unmet} Make it with a tool, or say in the answer that it is not there.",
        )
    elif evidence.absent and not honest:
        yield f"absent {evidence.absent}", f"{evidence.absent} Change it there with a tool, or say why not."
    elif evidence.succeeded < len(evidence.parts) > 1 and not honest:
        yield "part", f"The task has {len(evidence.parts)} parts. Still to do: {evidence.parts[-1]}"
    elif evidence.wants_change and not evidence.changed and not honest:
        yield "unchanged", "Nothing was changed yet. Make the change with a tool, or say why it is not made."


CHECKS: tuple[Check, ...] = (
    known_tool,
    right_arguments,
    no_placeholder,
    may_run,
    *GUARDS,
    files_first,
    no_repetition,
    answer_after_work,
    finished,
)
