"""A session: an engine and an agent that do one task or several, and what is kept of them."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from devops_agent import events
from devops_agent.context_window import characters
from devops_agent.dialogue.conversation import Conversation, not_done, of_command, of_stored
from devops_agent.errors import ExitCode, OutputError, UsageError, UserError
from devops_agent.outputs import BUDGET, ends, reduce_output
from devops_agent.session_store import Recording, SessionStore, Stored
from devops_agent.settings import Settings

Asking = Callable[[Callable[[], Any]], Any]
# Makes the agent of a session: its model, its gate and all.
Maker = Callable[["Session"], Any]
# Runs a command and gives what it printed, and its exit code; tells meanwhile what it has printed so far.
Run = Callable[[Callable[[str], None]], tuple[str, int]]
_INTERRUPTED = "Interrupted."


class Session:
    """Does tasks, one after the other, with a memory of those before.

    Args:
        chosen: What the user set.
        make: Makes the agent; it loads the engine, which takes seconds.
        listener: Told of everything that happens.

    Attributes:
        settings: What is set now.
        conversation: The turns so far.
        store: Where sessions are kept, if anywhere.
        recording: Keeps the turns; None where they are not kept.
        model: The engine and its model, once it is known.
        asking: What a question to the user is asked through.
        listener: Told of everything that happens.
    """

    def __init__(self, chosen: Settings, make: Maker, listener: events.Listener) -> None:
        self.settings = chosen
        self.conversation = Conversation(characters(chosen.num_ctx, chosen.num_predict))
        self.recording: Recording | None = None
        self.model = ""
        self.asking: Asking = lambda ask: ask()
        self.listener = listener
        self.store: SessionStore | None = None
        self._make = make
        self._agent: Any = None
        self._redactor: Any = None
        self._failure: BaseException | None = None
        self._maker: threading.Thread | None = None
        self._is_awaited = False
        self._lock = threading.Lock()

    # --- the agent ----------------------------------------------------------------------------------------

    def warm_up(self, announces: bool = False) -> None:
        """Begins to load what the first task needs, in the background.

        Args:
            announces: Whether a failure is told as soon as it is known. The first task tries once more then.
        """
        if self._agent is None and self._maker is None:
            self._maker = threading.Thread(target=self._try_to_make, args=(announces,), daemon=True)
            self._maker.start()

    @property
    def agent(self) -> Any:
        """The agent; waits for what is still loading.

        Raises:
            UserError: It cannot be made: there is no engine or no model, or a file of the user's is wrong.
        """
        while self._agent is None:
            self._is_awaited = True
            try:
                self._wait_for_maker()
            finally:
                self._is_awaited = False
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
        return self._agent

    def _wait_for_maker(self) -> None:
        self.warm_up()
        assert self._maker
        if self._maker.is_alive():
            self.tell(events.Waiting("loading the model"))
        while self._maker.is_alive():
            self._maker.join(0.1)  # a join without an end cannot be interrupted
        self._maker = None

    @property
    def redactor(self) -> Any:
        """Hides secrets; made when it is needed, for its patterns take time."""
        from devops_agent.redaction import Redactor

        with self._lock:  # one alone knows what its names stand for
            if self._redactor is None:
                self._redactor = Redactor(active=not self.settings.show_secrets)
        return self._redactor

    def _try_to_make(self, announces: bool) -> None:
        made = failure = None
        try:
            made = self._make(self)
        except BaseException as error:
            failure = error
        if self._maker is not threading.current_thread():
            _close(made)  # another model was chosen meanwhile
        elif announces and isinstance(failure, UserError) and not self._is_awaited:
            self.tell(events.Notice(str(failure)))
        else:
            self._agent, self._failure = made, failure

    def change(self, **settings: Any) -> None:
        """Sets something else from now on; another model is loaded with the next task."""
        self.settings = replace(self.settings, **settings)
        if settings.keys() & {"model", "model_path", "backend", "host"}:
            _close(self._agent)
            self._agent = self._maker = self._failure = None
            self.model = ""
        elif self._agent is not None:
            self._agent.gate.modes = self.modes

    @property
    def modes(self) -> Any:
        """The modes in which calls are let through."""
        from devops_agent.policy.modes import Modes

        chosen = self.settings
        return Modes(chosen.read_only, chosen.dry_run, chosen.require_approval, chosen.assume_yes)

    # --- tasks --------------------------------------------------------------------------------------------

    def do(self, task: str, data: Callable[[], Mapping[str, str]] = dict) -> ExitCode:
        """Does one task and tells what comes of it.

        Args:
            task: What the user typed.
            data: Gives the texts that come with it, by their names; called when the engine is ready.

        Raises:
            OutputError: The answer cannot be written.
            SystemExit: The process is to end.
        """
        self.tell(events.Started(self.redactor(task), self.recording.id if self.recording else ""))
        turns, why = len(self.conversation.turns), _INTERRUPTED
        try:
            answer, code = self._answered(task, data)
            self.tell(events.Answered(answer, code is ExitCode.DONE, code))
        except OutputError:
            raise
        except UserError as error:
            code, why = error.exit_code, str(error)
            self.tell(events.Failed(why, code))
        except KeyboardInterrupt:
            code = ExitCode.INTERRUPTED
            self.tell(events.Failed(_INTERRUPTED, code))
        except SystemExit:
            self._record(events.Failed(_INTERRUPTED, ExitCode.INTERRUPTED))
            raise
        finally:
            if len(self.conversation.turns) == turns:
                self.conversation.add(not_done(task, why))
            if self.recording:
                self.recording.remember(self.conversation.turns[-1])
        return code

    def _answered(self, task: str, data: Callable[[], Mapping[str, str]]) -> tuple[str, ExitCode]:
        agent = self.agent
        agent.gate.modes = self.modes  # they may have changed while it was made
        if self.recording:
            self.recording.runs_on(self.model)
        try:
            answer = str(agent.run(task, reset=False, data=dict(data())))
        except UserError:
            raise
        except Exception as error:  # SmolAgents wraps what is raised in it
            cause = error.__cause__ or error.__context__
            if isinstance(cause, UserError):
                raise cause from error
            raise
        code: ExitCode = agent.evidence.exit_code()
        return answer.strip(), code

    def own(self, command: str, run: Run) -> int:
        """Has a command of the user's run, so that the next task may be about it, and gives its exit code."""
        hide = self.redactor
        hidden = hide(command)
        self._record(events.Started(f"!{hidden}"))
        self._record(events.ToolCalled("bash", {"command": hidden}, "unknown"))
        try:
            output, code = run(
                lambda text: self._record(events.OutputGrew(self.redactor.growing(text, True)))
            )
        except BaseException:
            self._record(events.Failed(_INTERRUPTED, ExitCode.INTERRUPTED))
            raise
        text, ok = hide(ends(output), True), code == 0
        turn = of_command(hidden, reduce_output(text, BUDGET), ok)
        self.conversation.add(turn)
        self._record(events.Observed(text, text, code, ok=ok))
        self._record(events.Answered("", ok, code))
        if self.recording:
            self.recording.remember(turn)
        return code

    def _record(self, event: events.Event) -> None:
        if self.recording:
            self.recording(event)

    # --- memory -------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Starts afresh; what was is kept."""
        self.close()
        self.conversation.clear()
        self.begin()

    def resume(self, id: str) -> Stored:
        """Goes on with a session that was kept, and gives it.

        Raises:
            UsageError: There is no such session, or it runs elsewhere.
        """
        if self.store is None:
            raise UsageError("Sessions are not kept here.")
        stored = self.store.load(id)
        if self.recording and self.recording.id == stored.id:
            raise UsageError(f"Session {stored.id} is this one. Name another: see /sessions.")
        recording = self.store.resume(stored.id)
        self.close()
        self.conversation.clear()
        self.redactor.number_behind(str(stored))
        for turn in filter(None, map(of_stored, stored.turns)):
            self.conversation.add(turn)
        self.recording = recording
        return stored

    def begin(self) -> None:
        """Begins a session in the store."""
        if self.store is not None:
            self.recording = self.store.start(Path.cwd(), self.model)

    def close(self) -> None:
        """Ends the session in the store."""
        if self.recording:
            self.recording.close()
            self.recording = None

    def tell(self, event: events.Event) -> None:
        """Tells the screen and the recording."""
        self._record(event)
        self.listener(event)


def _close(agent: Any) -> None:
    """Ends the engine of an agent that is not used any more, if it has one of its own."""
    close = getattr(getattr(agent, "model", None), "close", None)
    if close:
        close()
