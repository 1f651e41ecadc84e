"""What is sent and said in a run, from the steps that SmolAgents remembers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

# first: it imports SmolAgents without side effects
import smolagents_patches

# isort: split
from smolagents.memory import ActionStep, MemoryStep, TaskStep
from smolagents.utils import AgentError

from devops_agent import injection, protocol
from devops_agent.briefing import Briefing
from devops_agent.context_window import Messages
from devops_agent.errors import ModelMistake, ProtocolError
from devops_agent.protocol import FINAL_ANSWER, Call

_BASH = "bash"


def said(
    steps: Sequence[MemoryStep], briefings: Mapping[str, Briefing], hide: Callable[..., str]
) -> Messages:
    """The messages of a run but for its answer.

    Args:
        steps: The steps of the run.
        briefings: What the model was told with each task.
        hide: Hides the secrets of a text, but for those of a text that is given as `known`.
    """
    task, messages = "", []
    for step in steps:
        task = step.task if isinstance(step, TaskStep) else task
        if isinstance(step, ActionStep) and step.is_final_answer:
            continue
        for role, content in _messages(step, task, briefings.get(task, Briefing())):
            messages.append({"role": role, "content": hide(content, known=task)})
    return messages


def results(steps: Sequence[MemoryStep]) -> list[str]:
    """What came of the calls that ran, one after the other."""
    return list(filter(None, map(_result, steps)))


def calls(steps: Sequence[MemoryStep]) -> str:
    """What was called, as text: of an answer nothing."""
    made = [call for step in steps if isinstance(step, ActionStep) for call in step.tool_calls or ()]
    return "\n".join(str(call.arguments) for call in made if call.name != FINAL_ANSWER)


def last_result(steps: Sequence[MemoryStep]) -> str:
    """What came of the last call that ran; "" when none did."""
    return next(iter(results(steps)[-1:]), "")


def unverified(steps: Sequence[MemoryStep]) -> str:
    """The answer that the model insisted on and that no result bears out, marked as such."""
    last = next((step for step in reversed(steps) if isinstance(step, ActionStep)), None)
    if last is None or not last.tool_calls or last.tool_calls[0].name != FINAL_ANSWER:
        return ""
    return (
        f"The model's own answer, which nothing here bears out: {last.tool_calls[0].arguments.get('answer')}"
    )


def _messages(step: MemoryStep, task: str, told: Briefing) -> list[tuple[str, str]]:
    if isinstance(step, TaskStep) and told.answers:
        # as the result of a call: what stands in a task is looked up again, a result is answered from
        return [
            ("user", step.task),
            ("assistant", Call(_BASH, {"command": told.answers}).render()),
            ("user", protocol.format_tool_response(told.facts, task)),
        ]
    if isinstance(step, TaskStep):
        return [("user", "\n\n".join(filter(None, (step.task, str(told)))))]
    reply = _reply(step) if isinstance(step, ActionStep) else None
    if reply is None:
        return []
    if step.error:
        result = protocol.format_error(_error_text(step.error), task)
    else:
        result = protocol.format_tool_response(step.observations or "", task)
    return [("assistant", str(reply)), ("user", result)]


def _error_text(error: AgentError) -> str:
    """What the model reads of an error: those of the protocol name its own marks, others may quote a file."""
    text = smolagents_patches.feedback(error)
    return text if isinstance(smolagents_patches.cause(error), ProtocolError) else injection.neutral(text)


def _reply(step: ActionStep) -> Any:
    """The model's reply; of a model with native tool calls, which says nothing beside them, its call."""
    if step.model_output or not step.tool_calls:
        return step.model_output
    call = step.tool_calls[0]
    return Call(call.name, call.arguments if isinstance(call.arguments, dict) else {}).render()


def _result(step: MemoryStep) -> str:
    """What came of a call that ran, or was rejected by the user."""
    if not isinstance(step, ActionStep):
        return ""
    if not step.error:
        return step.observations or ""
    mistake = isinstance(smolagents_patches.cause(step.error), ModelMistake)
    return "" if mistake else smolagents_patches.feedback(step.error)
