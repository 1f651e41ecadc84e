"""DevOps Agent: the tools, the agent, and `main`.

A tool's docstring is part of the prompt: every word costs the model time.
"""

import os
import re
import shlex
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

# first: it imports SmolAgents without side effects
import smolagents_patches

# isort: split
from smolagents import EMPTY_PROMPT_TEMPLATES, Tool, ToolCallingAgent, tool
from smolagents.agents import ActionOutput, ToolOutput
from smolagents.memory import ActionStep, ToolCall
from smolagents.models import ChatMessage, MessageRole
from smolagents.utils import AgentError, AgentToolExecutionError

from devops_agent import (
    briefing,
    checks,
    edits,
    events,
    file_wishes,
    files,
    followup,
    grounding,
    injection,
    intent,
    preview,
    repairs,
    summary,
    task_limits,
    transcript,
    usage_help,
)
from devops_agent.approval import Approver, ask_user_approval
from devops_agent.diagnosis import described
from devops_agent.dialogue.conversation import Conversation, TurnRecord
from devops_agent.errors import CallRefused, ExitCode, ModelMistake
from devops_agent.evidence import Evidence, invented, outcome
from devops_agent.forms.computed_edit import left_behind
from devops_agent.forms.form import FileEdit, Form
from devops_agent.forms.recipe import RecipeForm, form_of_commands
from devops_agent.forms.rewrite import Rewrite
from devops_agent.gate import Gate, Passage
from devops_agent.grounding.task_words import has_word, with_word
from devops_agent.outputs import ends, reduce_output
from devops_agent.policy import effects
from devops_agent.policy.modes import Decision, Modes
from devops_agent.policy.placeholders import placeholder_in_answer
from devops_agent.protocol import FINAL_ANSWER, RECIPE, Call, Reply
from devops_agent.redaction import Redactor
from devops_agent.shell import CommandResult, Shell, active_shell
from devops_agent.steps import Step, next_listed, undone
from devops_agent.terminal import Look, Terminal

if TYPE_CHECKING:
    from ollama_backend import OllamaChat

__all__ = [
    "DevOpsAgent",
    "OllamaChat",
    "ask_user_approval",
    "bash",
    "get_env",
    "main",
    "read_file",
    "write_file",
]

MAX_STEPS = 15
MAX_MISTAKES = 3
# After so many calls that were made before, only an answer is taken.
MAX_REPEATS = 2


# --- tools ------------------------------------------------------------------------------------------------


@tool
def read_file(path: str) -> str:
    """Read a text file.

    Args:
        path: File to read.
    """
    return reduce_output(files.read_text(path), active_shell().budget, source=Path(path).expanduser())


@tool
def write_file(path: str, content: str) -> str:
    """Create or replace a text file.

    Args:
        path: File to write.
        content: Its whole text.
    """
    return f"Wrote {files.write_text(path, content)} bytes to {path}"


@tool
def bash(command: str) -> str:
    """Run a shell command: kubectl (get, scale, expose, set, logs) for Kubernetes, docker for containers,
    df, free, ls.

    Args:
        command: The command line.
    """
    checks.allow(command)
    shell = active_shell()
    return shell.describe(shell.run(command))


@tool
def get_env(key: str) -> str:
    """Tell an environment variable, only when the task asks for one.

    Args:
        key: Its name.
    """
    value = os.environ.get(key)
    return f"The environment variable {key} is not set." if value is None else f"The value is: {value}"


# --- the agent --------------------------------------------------------------------------------------------


class DevOpsAgent(ToolCallingAgent):
    """Does one task, one tool call at a time, and claims no success that exit codes do not show.

    Args:
        tools: SmolAgents tools; `final_answer` is added.
        model: A chat model such as `OllamaChat`.
        instructions: What the model should know beside the fixed prompt.
        verbose: Whether prompts, raw replies and timings are shown; a listener of your own decides itself.
        require_approval: Whether the user is asked before each tool call, where no gate says so.
        max_steps: Calls after which the run ends without an answer.
        shell: The limits under which commands run.
        listener: Told of everything that happens.
        approver: Asks the user, where no gate does.
        gate: Decides which calls run; without one, what destroys asks, or is refused with nobody there.
        redactor: Hides secrets from the model, the listener and the answer.
        brief: Finds what the model is told with a task: what was looked up, and a recipe.
        conversation: The turns before, with which the model is told what "it" is.
        log_level: The level of SmolAgents' own log, such as "DEBUG"; "" for silence.
        **kwargs: Further arguments of `ToolCallingAgent`.
    """

    def __init__(
        self,
        tools: list[Tool],
        model: Any,
        instructions: str = "",
        verbose: bool = False,
        require_approval: bool = False,
        max_steps: int = MAX_STEPS,
        shell: Shell | None = None,
        listener: events.Listener = events.ignore,
        approver: Approver = ask_user_approval,
        gate: Gate | None = None,
        redactor: Redactor | None = None,
        brief: briefing.Briefer = briefing.none,
        conversation: Conversation | None = None,
        log_level: str = "",
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("prompt_templates", EMPTY_PROMPT_TEMPLATES)
        kwargs.setdefault("logger", smolagents_patches.QuietLogger(log_level))
        super().__init__(tools=tools, model=model, instructions=instructions, max_steps=max_steps, **kwargs)
        if verbose and listener is events.ignore:
            listener = model.listener = Terminal(sys.stdout, sys.stderr, Look(verbose=True))
        self.step_callbacks.register(ActionStep, self._count_mistakes)
        self.verbose = verbose
        self.shell = shell or Shell()
        self.redactor = redactor or Redactor()
        modes = Modes(require_approval=require_approval)
        self.gate = gate or Gate(modes, approver=approver, redactor=self.redactor)
        self.listener = events.hiding(listener, self.redactor)
        self.brief = brief
        self.conversation = conversation or Conversation()
        self.shell.watcher = self._printed
        self.evidence = Evidence()
        self._briefings: dict[str, briefing.Briefing] = {}
        self._wish = ""
        self._later: list[Step] = []
        self._is_ready = False  # whether the form needs nothing of the model
        self._done: list[str] = []
        self._is_done = False
        self._originals: dict[Path, str] = {}  # the texts of the files that were changed, before that
        self._record = TurnRecord()
        self._running: tuple[Call, str] | None = None

    # --- a run --------------------------------------------------------------------------------------------

    def run(
        self, task: str, *args: Any, reset: bool = True, data: Mapping[str, str] | None = None, **kwargs: Any
    ) -> Any:
        """Does a task, with SmolAgents' own arguments; afterwards `evidence` tells what really happened.

        Args:
            task: What the user wants; "it" is what the turns before were about, if they are kept.
            *args: Of SmolAgents' `run`.
            reset: Whether the turns before are forgotten.
            data: Texts that the user gives with the task, by their names, free of secrets.
            **kwargs: Of SmolAgents' `run`.
        """
        if reset:
            self.conversation.clear()
        typed, task = task, self.conversation.resolved(task)
        if task != typed:
            self.listener(events.Notice(f"Understood as: {task}"))
        self._record = TurnRecord()
        answer, ok = "Not done: interrupted.", False
        try:
            self._prepare(task, data or {})
            known = "" if args or kwargs else self._known_answer(task)
            answer = known or super().run(task, *args, **kwargs)
            ok = self.evidence.exit_code() is ExitCode.DONE
        except AgentError as error:
            answer = f"Not done: {smolagents_patches.feedback(error)}"
            raise
        finally:
            self._remember(task, str(answer), ok)
        return answer

    def _prepare(self, task: str, data: Mapping[str, str]) -> None:
        """Looks up what the task names, and finds the form for it."""
        self.memory.reset()  # a run that ends here would be told with the steps of the one before
        self._briefings.clear()
        if again := self.conversation.look_again(task):
            told = briefing.Briefing(look=again)
        else:
            told = self.brief(task, lambda: self._may_look_up(task))
        if data:
            if told.listing or told.known_answer:  # what is asked for may be in what was given
                told = replace(told, look="", listing=None)
            asks = told.question and told.trouble and not told.changes
            known = described.answer("\n".join(data.values())) if asks else ""
            told = replace(told, given=True, known_answer=known)
            told.ground.texts.update(data)
            told.ground.informs = True
        parts = () if told.whole else intent.parts(task)
        self.evidence = Evidence(
            wants_change=intent.asks_for_change(task) and not told.ground.settled,
            parts=parts,
            informed=told.ground.informs or self.conversation.refers_back(task),
            missing=told.ground.missing,
            settled=told.ground.settled if told.changes else "",
            limits=task_limits.limits_of(task),
        )
        self.gate.start_run(task)
        told = replace(told, look=repairs.repaired(told.look, told.ground))
        looks = told.look and self.gate.runs_unasked(Call(bash.name, {"command": told.look}))
        self._briefings[task] = told = self._looked(told) if looks else told
        self.evidence.complete = bool(again and told.looked)
        self._beware(told.found)
        self.tools.pop(RECIPE, None)
        self._wish, self._later, self._done = told.wish, list(told.later), []
        self._is_ready = self._is_done = False
        self._originals.clear()
        if told.form:
            self._offer(told.form)
            self._is_ready = self._is_ready and told.changes

    def _known_answer(self, task: str) -> str:
        """The answer, where code knows it and the model could but say it worse; "" where it does not."""
        known = self._briefings[task].known_answer or self.evidence.settled
        return self.redactor(known, known=task)

    def _remember(self, task: str, answer: str, ok: bool) -> None:
        """Adds the run to the conversation, also one that was interrupted."""
        ground, written = self._briefings.get(task, briefing.Briefing()).ground, sorted(self.evidence.written)
        last = self.memory.steps[-1] if self.memory.steps else None
        if self._running and isinstance(last, ActionStep):
            last.observations = f"It was interrupted. Until then it had printed:\n{self._running[1]}"
        self._running = None
        told = self.redactor(answer, known=task)
        said = self._said_in_run()
        turn = self._record.turn(task, said, ground.names, written, told, ok, ground.lines)
        self.conversation.add(turn)

    def _printed(self, output: str) -> None:
        """Tells what the running command has printed so far."""
        text = self.redactor.growing(output, by_line=True)
        if self._running:
            self._running = self._running[0], reduce_output(text, self.shell.budget)
        self.listener(events.OutputGrew(text))

    def _looked(self, told: briefing.Briefing) -> briefing.Briefing:
        """Runs the recipe that answers the task by a look, so that the model need not ask for it."""
        looked = self._look(told.look)
        if looked is None:
            return told
        ran, secret = looked
        shown = self.redactor(self.shell.describe(ran, as_facts=True), secret)
        answer = told.listing.answer(ran.output) if told.listing else told.known_answer
        told = replace(told, looked=f"$ {told.look}\n{shown}", known_answer=self.redactor(answer))
        if told.form and told.form.look:
            return replace(told, form=None, recipe="")
        return replace(told, form=told.form.given(ran.output)) if told.form and not secret else told

    def _look(self, command: str) -> tuple[CommandResult, bool] | None:
        """Runs a command that only reads; gives what it printed, if anything, and whether that is secret."""
        call = Call(bash.name, {"command": command})
        passage = Passage(Decision.RUN, self.gate.judge(call), "mode")
        secret = passage.verdict.secret
        self.listener(events.ToolCalled(call.name, call.arguments, str(passage.verdict.effect)))
        with self.shell.active(secret):
            ran = self.shell.run(command)
        self.gate.record(call, passage, ran.exit_code, ran.seconds, ran.output)
        self.listener(self._observed(self.shell.describe(ran), ran, _succeeded(ran), secret))
        if not _succeeded(ran) or not ran.output.strip():
            return None
        self.evidence.ran(call, changes=False, ok=True, output=ran.output)
        self._record.ran(call, ran.output, changes=False, ok=True)
        return ran, secret

    def _files_there(self) -> str:
        """A look whether what was written is there, where the task wants that behind it."""
        parts = self.evidence.parts
        is_next = len(parts) > 1 and self.evidence.succeeded == len(parts) - 1
        if not is_next or not intent.asks_whether_there(parts[-1]):
            return ""
        files = sorted(filter(os.path.isfile, self.evidence.written))
        command = f"ls -l -- {shlex.join(files)}"
        if not files or not self.gate.runs_unasked(Call(bash.name, {"command": command})):
            return ""
        looked = self._look(command)
        if looked is None:
            return ""
        ran, secret = looked
        return f"\n$ {command}\n{self.redactor(self.shell.describe(ran), secret)}"

    @property
    def require_approval(self) -> bool:
        """Whether the user is asked before each tool call."""
        return self.gate.modes.require_approval

    @property
    def _told(self) -> briefing.Briefing:
        """What the model was told with the task that is being done."""
        return self._briefings.get(str(self.task), briefing.Briefing())

    def _may_look_up(self, task: str) -> bool:
        return self.gate.may_look_up(task)

    def initialize_system_prompt(self) -> str:
        """The instructions only: the model class builds the strict prompt around them."""
        return self.instructions or ""

    def write_memory_to_messages(self, summary_mode: bool = False) -> list[ChatMessage]:
        """The conversation in the model's own form, each step appended to what was sent before."""
        messages = self.memory.system_prompt.to_messages(summary_mode=summary_mode)
        sent = self.conversation.messages(self._said_in_run())
        return [*messages, *(ChatMessage(MessageRole(each["role"]), each["content"]) for each in sent)]

    def _said_in_run(self) -> list[dict[str, str]]:
        """What was sent and said in this run but for its answer. The user may have typed secrets."""
        return transcript.said(self.memory.steps, self._briefings, self.redactor)

    def _step_stream(self, memory_step: ActionStep) -> Generator[Any]:
        if self.evidence.mistakes >= MAX_MISTAKES:
            yield ActionOutput(self._end("the model made no usable call three times in a row"), True)
            return
        if self.evidence.is_over:
            yield ActionOutput(self.redactor(outcome(self.evidence, ""), known=str(self.task)), True)
            return
        self.model.known, self.model.may_call = self._known_call(), self._may_call
        yield from super()._step_stream(memory_step)

    def _known_call(self) -> Call | None:
        """The next call, where the model has nothing to add: a form without fields, or what was done."""
        if self._is_done:
            self._is_done = False
            return Call(FINAL_ANSWER, {"answer": "\n".join(self._done)})
        ready, self._is_ready = self._is_ready and RECIPE in self.tools, False
        return Call(RECIPE, {}) if ready else None

    @property
    def _may_call(self) -> frozenset[str]:
        """The tools that make sense now."""
        if self._must_answer:
            return frozenset({FINAL_ANSWER})
        no_use = set() if intent.speaks_of_variables(str(self.task)) else {get_env.name}
        no_use |= {FINAL_ANSWER} if self.evidence.must_act else set()
        return frozenset(self.tools) - no_use

    @property
    def _must_answer(self) -> bool:
        """Whether all is known: a small model goes on looking, and forgets what it has found."""
        told, evidence = self._told, self.evidence
        if evidence.repeats >= MAX_REPEATS or evidence.stood_in or evidence.complete:
            return True
        asks_of_it = told.given and intent.is_question(str(self.task)) and not evidence.wants_change
        if (told.decided or asks_of_it) and not evidence.calls:
            return True
        return evidence.hopeless and bool(evidence.failed_change) and not told.trouble

    def provide_final_answer(self, task: str) -> ChatMessage:
        """The end of a run whose steps ran out: what is known, without asking the model once more."""
        text = self._end(f"no final answer after {self.step_number - 1} steps")
        return ChatMessage(role=MessageRole.ASSISTANT, content=text)

    def _end(self, why: str) -> str:
        self.evidence.ended_early = why
        last = transcript.last_result(self.memory.steps)
        known = f"The last result was:\n{last}" if last else "No command was run."
        return "\n".join(
            filter(None, (f"Not done: {why}. {known}", transcript.unverified(self.memory.steps)))
        )

    def _count_mistakes(self, step: ActionStep, **_: Any) -> None:
        mistake = step.error and smolagents_patches.cause(step.error)
        if isinstance(mistake, ModelMistake):
            self.evidence.mistakes += 1
            self.evidence.told.add(str(mistake))
            self.listener(events.Corrected(str(mistake)))
        else:
            self.evidence.mistakes = 0

    # --- a call -------------------------------------------------------------------------------------------

    def process_tool_calls(
        self, chat_message: ChatMessage, memory_step: ActionStep
    ) -> Generator[ToolCall | ToolOutput]:
        """Runs the one call of a reply."""
        reply = chat_message.raw
        chat_message.tool_calls = (chat_message.tool_calls or [])[:1]
        # recorded first: SmolAgents leaves them out when the call fails
        memory_step.tool_calls = [
            ToolCall(c.function.name, c.function.arguments, c.id) for c in chat_message.tool_calls
        ]
        if isinstance(reply, Reply):
            for text in filter(None, (reply.think, reply.plan)):
                self.listener(events.Reasoned(text))
        result: Any = None
        for output in super().process_tool_calls(chat_message, memory_step):
            result = output.output if isinstance(output, ToolOutput) else None
            yield output
        if isinstance(result, str) and "\n" in result.strip():
            # SmolAgents strips it, and with it the indentation of a file's first line
            memory_step.observations = result.rstrip()
        if isinstance(reply, Reply) and reply.dropped:
            memory_step.observations = f"{memory_step.observations}\n{_dropped_note(reply.dropped)}"

    def execute_tool_call(self, tool_name: str, arguments: dict[str, Any] | str) -> Any:
        """Checks a call, asks for approval, runs it, and records what came of it."""
        given = arguments if isinstance(arguments, dict) else {}
        call = Call(tool_name, given)
        if tool_name == FINAL_ANSWER:
            answer, known = str(given.get("answer", "")), self._known()
            self.evidence.unanswered = placeholder_in_answer(answer, known)
            shown = self.redactor(answer, known=str(self.task))  # of secrets there are only names
            self.evidence.invented = invented(shown, f"{known}\n{transcript.calls(self.memory.steps)}")
        if tool_name == FINAL_ANSWER and self.evidence.wants_change:
            lacking = file_wishes.not_made(self.evidence.limits.made_here)
            self.evidence.unmet = followup.unmet(str(self.task)) or self._ended() or lacking
            self.evidence.absent = file_wishes.absent_value(str(self.task), self.evidence.written)
            done = self.evidence.commands, self.evidence.written
            self.evidence.undone = undone(str(self.task), *done) or self._unheeded()
            self.evidence.left_behind = left_behind(str(self.task), self._originals)
        try:
            call = self._mended(call)
            if call.name == write_file.name:
                self.evidence.known = self._known()
            if tool_name != FINAL_ANSWER and self.evidence.wants_change:
                command = str(call.arguments.get("command", ""))
                self.evidence.too_early = file_wishes.absent_before(str(self.task), command)
            for check in checks.CHECKS:
                check(call, self.tools, self.evidence)
        except CallRefused as error:
            self.evidence.refused |= error.never
            if tool_name != FINAL_ANSWER:
                self.gate.refused(call, str(error))
                if self.evidence.was_refused(call) and tool_name == RECIPE:
                    self.tools.pop(RECIPE, None)  # it does not fit, whatever the model was told
            raise AgentToolExecutionError(str(error), self.logger) from error
        if tool_name == FINAL_ANSWER:
            answer = str(call.arguments["answer"])
            told = self.redactor(outcome(self.evidence, answer) or _once(answer), known=str(self.task))
            return super().execute_tool_call(tool_name, {"answer": told})
        passage = self.gate.decide(call)
        if passage.decided_by == "user" or passage.decision is Decision.REFUSE:
            effect, refused = str(passage.verdict.effect), passage.decision is Decision.REFUSE
            self.listener(events.Approved(call.name, call.arguments, effect, not refused, passage.reason))
        if passage.command is not None:
            call = Call(call.name, {**call.arguments, "command": passage.command})
        if passage.decision is Decision.REFUSE:
            self.gate.record(call, passage)
            return self._refused(call, passage)
        # for secrets the model only has names
        call = Call(call.name, events.with_texts(call.arguments, self.redactor.restored))
        if passage.decision is Decision.SHOW:
            self.gate.record(call, passage)
            return self._shown(call, passage)
        result = self._executed(call, tool_name == RECIPE, passage)
        if there := self._files_there():
            result = f"{result}{there}"
        return (
            result if passage.command is None else f"The user ran this instead: {passage.command}\n{result}"
        )

    def _known(self) -> str:
        """What the model was told: the turns before, the task, what was looked up, and the results."""
        before = [each["content"] for each in self.conversation.messages([])]
        results = transcript.results(self.memory.steps)
        return "\n".join((*before, str(self.task), self._told.found, *results))

    def _beware(self, output: str) -> None:
        """Has changes asked for, once a result speaks to the agent."""
        words = injection.speaks_to_agent(output)
        if words and not self.gate.suspicion:
            self.gate.suspicion = f'a result speaks to the agent ("{words}")'
            self.listener(events.Notice(f"⚠️  {self.gate.suspicion[0].upper()}{self.gate.suspicion[1:]}."))

    def _ended(self) -> str:
        """That a container which ran before has ended by what was done, in a sentence."""
        touched = any("docker" in command for command in self.evidence.commands)
        return followup.ended(str(self.task), self._told.ground.running) if touched else ""

    def _unheeded(self) -> str:
        """What the task states and nothing that was done has in it; "" when there is nothing."""
        written = filter(None, map(files.text_if_readable, self.evidence.written))
        calls, results = transcript.calls(self.memory.steps), transcript.results(self.memory.steps)
        done = "\n".join((calls, *results, self._told.found, *self.evidence.commands, *written))
        return next((each for each in self.evidence.limits.stated if not _has_parts(done, each)), "")

    def _refused(self, call: Call, passage: Passage) -> str:
        if passage.decided_by == "user":
            self.evidence.rejected(call, passage.reason)
            text = "User rejected this tool call."
            text += f" User comment: {passage.reason}" if passage.reason else ""
            told = self._look_first(call) if intent.only_asks(passage.reason) else ""
        else:
            self.evidence.denied(call, passage.reason)
            text, told = f"Refused: {passage.reason}.", ""
        self.listener(events.ToolCalled(call.name, call.arguments))
        self.listener(events.Observed(text))
        return f"{text}{told}"

    def _look_first(self, call: Call) -> str:
        """Has what a call would have changed shown, and no more; gives what is said of the form for that."""
        self.evidence.limits = replace(self.evidence.limits, removes=False)
        self.tools.pop(RECIPE, None)
        self._later = []
        self._briefings[str(self.task)] = replace(self._told, whole=True)
        if not (look := preview.listing(str(call.arguments.get("command", "")))):
            return ""
        form = form_of_commands("", look)
        self._offer(form)
        return f"\n{form.description}"

    def _shown(self, call: Call, passage: Passage) -> str:
        """A dry run: what would run, and what it would do."""
        text = f"Dry run: not run. {preview.preview(call, self.shell.run)}".rstrip()
        text = self.redactor.noted(text, passage.verdict.secret)
        self._beware(text)
        self.listener(events.ToolCalled(call.name, call.arguments))
        self.listener(events.Observed(text))
        self.evidence.shown(call)
        return f"{text}{self._next(call)}"

    def _executed(self, call: Call, by_form: bool, passage: Passage) -> Any:
        verdict = passage.verdict
        self.listener(events.ToolCalled(call.name, call.arguments, str(verdict.effect)))
        self.shell.last = None
        before = edits.texts_before(call)
        self.gate.before(call, passage)
        started = time.monotonic()
        self._running = call, ""
        try:
            with self.shell.active(verdict.secret):
                result = super().execute_tool_call(call.name, dict(call.arguments))
            self._running = None
        except AgentError as error:
            self.gate.record(
                call, passage, None, time.monotonic() - started, smolagents_patches.feedback(error)
            )
            self._beware(smolagents_patches.feedback(error))
            self._failed(call, error)
            self._running = None
            raise
        finally:
            self.gate.after()
        last = self.shell.last
        code, output = (last.exit_code, last.output) if last else (None, str(result))
        self._beware(output)
        self.gate.record(call, passage, code, time.monotonic() - started, output)
        ran = last if call.name == bash.name else None
        ok = ran is None or _succeeded(ran)
        self._reread()
        if ok:
            self._originals = {**before, **self._originals}
        waited = ran is not None and effects.waits_for_others(ran.command)
        check = self._follow_up(call, ran, before, ok)
        if check and check.ok and ran and followup.gave_up_waiting(ran.output):
            ok = True  # what it waited for has come
        changes = _changes(call) and not (ran and followup.left_as_it_was(ran.command, ran.output))
        printed = ran.output if ran else ""
        self.evidence.ran(call, changes, ok, waited, printed)
        self._record.ran(call, printed, changes, ok)
        if check and ok and not check.ok:
            self.evidence.found_broken(call, check.text)
        told = [check.text] if check else []
        hint = usage_help.hint(ran.output) if ran and not ok else ""
        told += [hint] if hint else []
        told += [*self._found_before(), *self._looked_again()] if ok and changes else []
        checked = "".join(f"\n{text}" for text in told)
        self._beware(checked)
        self.listener(self._observed(f"{result}{checked}", ran, ok, verdict.secret, noted=True))
        mend = check.mend if check else ""
        if ran and not mend and (first := usage_help.mend(hint)):
            mend = f"{first}\n{ran.command}"
        works = ok and (check is None or check.ok)
        if mend:
            self.tools[RECIPE] = form = form_of_commands("", mend)
            checked += f"\n{form.description}"
        elif works and (by_form or (RECIPE not in self.tools and changes and self._may_do_wish(call))):
            told_of = self._told_of(call, printed, check.text if check else "")
            self._done.append(self.redactor(told_of, verdict.secret, known=str(self.task)))
            following = self._next(call)
            checked += following
            self.evidence.complete = self._told.whole
            is_all = changes and (check is None or check.is_all)
            self._is_done = self._told.covers and is_all and not (following or self.evidence.failures)
        shown = result if ran is None else self.shell.describe(ran, as_facts=True)
        return self.redactor.noted(f"{shown}{checked}", verdict.secret)

    def _observed(
        self, text: str, ran: CommandResult | None, ok: bool, secret: bool, noted: bool = False
    ) -> events.Observed:
        hide = self.redactor.noted if noted else self.redactor
        told = hide(text, secret)
        if ran is None:
            return events.Observed(told, told, ok=ok)
        output = self.redactor(ends(ran.output), secret)
        return events.Observed(told, output, ran.exit_code, ran.seconds, ok)

    def _told_of(self, call: Call, output: str, checked: str) -> str:
        """What a call did, for an answer by code."""
        form = self.tools.get(RECIPE)
        return summary.of_change(call, form.heading if isinstance(form, Form) else "", output, checked)

    def _may_do_wish(self, call: Call) -> bool:
        """Whether a call is of the kind that does what is to do now and has no form."""
        return Step(self._wish).may_be_done_by(call)

    def _next(self, done: Call) -> str:
        """What is to do after a call that did one of the things that the task wants, with the form for it."""
        if absent := file_wishes.absent_value(self._wish):
            return f"\n{absent}"
        if listed := self._for_next_listed():
            return listed
        self._wish = self.evidence.to_do = ""
        while self._later:
            step = self._later.pop(0)
            if step.is_done_by(done):
                continue
            self._wish = self.evidence.to_do = step.wish
            self.tools.pop(RECIPE, None)
            if step.form:
                self._offer(step.form)
                self._reread()
            return f"\nNext: {Step(step.wish, self.tools.get(RECIPE))}"
        return ""

    def _for_next_listed(self) -> str:
        """The same form for the next of several things that the task lists, where it was for one of them."""
        done, left = next_listed(str(self.task), self.evidence.commands)
        form = self.tools.get(RECIPE)
        if not (left and isinstance(form, RecipeForm) and has_word(form.template, done)):
            return ""
        self.evidence.to_do = f"the same for {left}"
        form = replace(form, template=with_word(form.template, done, left))
        self._offer(form)
        return f"\nNext, the same for {left}: {form.description}"

    def _offer(self, form: Form) -> None:
        """Has the form for what is to do now filled in by the model, or run where it has no fields."""
        self.tools[RECIPE] = form
        self._is_ready = not form.inputs

    def _reread(self) -> None:
        """Keeps the form that edits a file at the text that it has now, whatever call has changed it."""
        edit = self.tools.get(RECIPE)
        text = files.text_if_readable(edit.path) if isinstance(edit, FileEdit | Rewrite) else None
        if isinstance(edit, FileEdit) and text is not None:
            self.tools[RECIPE] = replace(edit, text=text)
        elif isinstance(edit, FileEdit) or (isinstance(edit, Rewrite) and not edit.fits(text)):
            del self.tools[RECIPE]  # it was made for another text

    def _found_before(self) -> list[str]:
        """What was found before a change, for a task that wants that told too: it is not there any more."""
        if self.evidence.changed > 1 or not intent.asks_to_tell(str(self.task)):
            return []
        return [
            f"Found before that: {found.subject}: {found.cause}" for found in self._told.ground.trouble[:2]
        ]

    def _looked_again(self) -> list[str]:
        """What was looked up and is otherwise after a change, for a task that wants that told too."""
        before, task = self._told.ground, str(self.task)
        if before.about == "system" or not before.lines or not intent.asks_to_tell(task):
            return []
        now = grounding.look_up(task, Path.cwd(), os.environ)
        return [f"Now: {line}" for line in now.lines if line not in before.lines][:3]

    def _follow_up(
        self, call: Call, ran: CommandResult | None, before: Mapping[Path, str], ok: bool
    ) -> followup.Check | None:
        """What code sees when it looks at what a call changed, which named files that were so before."""
        if call.name == write_file.name:
            path, content = call.arguments["path"], call.arguments["content"]
            self.evidence.written.add(path)
            if followup.is_manifest(path, content):
                self.evidence.unapplied = path
            variables = self._told.ground.variables
            return followup.after_write(path, content, variables, str(self.task), before.get(Path(path)))
        if ran is None or not _changes(call):
            return None
        if ok and followup.applies(ran.command):
            self.evidence.unapplied = ""
        return followup.after_edit(ran.command, before) or followup.after(ran.command, ran.output)

    def _mended(self, call: Call) -> Call:
        """The call that runs: a filled form as its command, and a command without its slips."""
        if call.name == RECIPE:
            self._reread()
        form = self.tools.get(RECIPE)
        if call.name == RECIPE and isinstance(form, Form):
            call = form.call(call.arguments, str(self.task), self._told.ground)
        elif call.name == write_file.name and isinstance(path := call.arguments.get("path"), str):
            meant = file_wishes.meant_path(str(self.task), path, Path.cwd())
            call = Call(call.name, {**call.arguments, "path": meant})
        command = call.arguments.get("command")
        if call.name != bash.name or not isinstance(command, str):
            return call
        return Call(call.name, {**call.arguments, "command": repairs.repaired(command, self._told.ground)})

    def _failed(self, call: Call, error: AgentError) -> None:
        refusal = smolagents_patches.cause(error)
        if isinstance(refusal, CallRefused):
            self.evidence.refused |= refusal.never
            return
        self.evidence.ran(call, _changes(call), ok=False)
        self.listener(events.Observed(smolagents_patches.feedback(error), ok=False))


def _has_parts(text: str, value: str) -> bool:
    """Whether the parts of an address, an image or a pair stand in a text, in whatever way it is written."""
    return all(part in text for part in re.split(r"[=:]", value))


_SENTENCES = re.compile(r"(?<=[.!?])(?=\s)")
_SHORT_SENTENCE, _LONG_ANSWER = 30, 1000


def _once(answer: str) -> str:
    """A long answer without the sentences that it repeats, as that of a model that goes in circles."""
    if len(answer) < _LONG_ANSWER:
        return answer
    kept: dict[str, str] = {}
    for at, sentence in enumerate(_SENTENCES.split(answer)):
        kept.setdefault(sentence.strip() if len(sentence) > _SHORT_SENTENCE else str(at), sentence)
    return "".join(kept.values())


def _changes(call: Call) -> bool:
    if call.name == "bash":
        return not effects.is_read(call.arguments["command"])
    return call.name not in (read_file.name, get_env.name)


def _succeeded(ran: CommandResult) -> bool:
    if ran.timed_out or ran.hidden_failure:  # the exit code may be 0 all the same
        return False
    return ran.exit_code == 0 or effects.answers_with_exit_code(ran.command, ran.exit_code)


def _dropped_note(dropped: Sequence[str]) -> str:
    return f"(Only the first call was run. Not run: {', '.join(dropped)}. Call ONE tool at a time.)"


def __getattr__(name: str) -> Any:
    """Gives `OllamaChat`: it needs HTTP, a tenth of a second that the embedded engine does without."""
    if name != "OllamaChat":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ollama_backend import OllamaChat

    return OllamaChat


# --- the command line -------------------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> ExitCode:
    """Runs the command line: the same as `devops-agent`."""
    from devops_agent.__main__ import main as run

    return run(argv)


if __name__ == "__main__":
    raise SystemExit(main())
