"""The turns of a session, and what the model is told of them with the next task."""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from devops_agent.context_window import Messages, characters, size
from devops_agent.outputs import BUDGET, reduce_output
from devops_agent.protocol import FINAL_ANSWER, Call, format_tool_response

if TYPE_CHECKING:
    from devops_agent.dialogue.subjects import Row, Subject, Table
    from devops_agent.session_store import StoredTurn

# The share of what is sent that earlier turns may take, and what they are folded to: a fold costs the engine
# its prefix cache, so that it makes room for several turns.
_MOST, _FOLD_TO = 0.45, 0.2
_MOST_FOLDED = 12
_LONGEST = 200


@dataclass(frozen=True)
class Turn:
    """A task that was done, or given up.

    Attributes:
        task: The task, with what it referred to in its place.
        messages: What was sent and said for it, from the task to the answer.
        subjects: What it was about, the likeliest first.
        table: The last table that was shown for it.
        answer: What was answered.
        ok: Whether it was done, by exit codes.
        commands: The commands that ran and succeeded.
        names: What was looked up for it, by the placeholders of runbooks.
        changes: What changed something: commands, and the writing of files.
        looked_up: The objects that were looked up for it, as the rows of a table.
        undoes: Whether it took back what was done before it.
    """

    task: str
    messages: tuple[Mapping[str, str], ...] = ()
    subjects: "tuple[Subject, ...]" = ()
    answer: str = ""
    ok: bool = True
    commands: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    table: "Table | None" = None
    changes: tuple[str, ...] = ()
    looked_up: "tuple[Row, ...]" = ()
    undoes: bool = False

    @property
    def told_rows(self) -> "Sequence[Row]":
        """The rows of its table that its answer names; else those in the state that it asks for."""
        from devops_agent.dialogue import subjects

        rows = self.table.rows if self.table else ()
        if named := subjects.named_in(self.answer, rows):
            return named
        found = subjects.in_state(self.task, rows)
        return rows if found is None else found

    @property
    def fact(self) -> str:
        """The turn in a line or two."""
        outcome = "done" if self.ok else "not done"
        ran = f"; ran: {_short('; '.join(self.commands))}" if self.commands else ""
        return f"- {_short(self.task)} ({outcome}{ran}): {_short(self.answer)}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


@dataclass
class Conversation:
    """The turns of a session, oldest first.

    Attributes:
        limit: Characters that are sent at most, of which the turns take a part.
        turns: All turns, also those that are folded, which are without their messages.
    """

    limit: int = characters(8192, 2048)
    turns: list[Turn] = field(default_factory=list)
    _folded: int = 0
    _takes_back: str = ""

    def add(self, turn: Turn) -> None:
        """Adds a turn; when they have grown too long, the oldest are told in a line each from now on."""
        self.turns.append(replace(turn, undoes=turn.task == self._takes_back))
        self._takes_back = ""
        if size(self.messages([])) > self.limit * _MOST:
            while self._folded < len(self.turns) and size(self.messages([])) > self.limit * _FOLD_TO:
                self._folded += 1
            # they are not sent again; those of the newest may still be written down
            for index, each in enumerate(self.turns[: self._folded][: len(self.turns) - 1]):
                self.turns[index] = replace(each, messages=())

    def clear(self) -> None:
        """Starts afresh."""
        self.turns.clear()
        self._folded = 0

    @property
    def used(self) -> float:
        """The share of the context window that the turns take, from 0 to 1."""
        return min(1.0, size(self.messages([])) / self.limit)

    def resolved(self, task: str) -> str:
        """A task with what it refers to of the turns before in its place."""
        if not self.turns:
            return task
        # the words of every kind of task, which the prompt does not wait for
        from devops_agent.dialogue import inverse, reference

        if inverse.asks_to_undo(task):
            last = next((turn for turn in reversed(self.turns) if turn.changes), None)
            self._takes_back = inverse.inverse(last.changes, last.looked_up) if last else ""
            return self._takes_back or task
        rows = self._table.rows if self._table else ()
        before = [turn.task for turn in reversed(self.turns) if not turn.undoes]
        return reference.resolved(task, self._subjects, before, rows, self.turns[-1].told_rows)

    @property
    def _subjects(self) -> "Sequence[Subject]":
        return [each for turn in reversed(self.turns) for each in turn.subjects]

    @property
    def _table(self) -> "Table | None":
        return next((turn.table for turn in reversed(self.turns) if turn.table), None)

    def look_again(self, task: str) -> str:
        """The command that showed the table that a question is about, as "which of them …"; "" for none."""
        from devops_agent.dialogue import reference

        return self._table.command if self._table and reference.asks_of_table(task) else ""

    def refers_back(self, task: str) -> bool:
        """Whether what was said before may be all that a task asks for."""
        from devops_agent.dialogue import reference

        return bool(self.turns) and reference.refers_back(task)

    def messages(self, current: Messages) -> Messages:
        """What is sent of the turns, and behind it the messages of the one that runs."""
        kept = [dict(message) for turn in self.turns[self._folded :] for message in turn.messages]
        kept += current
        if facts := self._facts():
            # no message of its own: many templates take a user's message only after an assistant's
            first = kept[0]["content"] if kept else ""
            kept[:1] = [{"role": "user", "content": f"{facts}\n\n{first}".rstrip()}]
        return kept

    def _facts(self) -> str:
        folded = self.turns[: self._folded][-_MOST_FOLDED:]
        return "\n".join(["Earlier in this session:", *(turn.fact for turn in folded)]) if folded else ""


class TurnRecord:
    """What becomes of a turn while it runs."""

    def __init__(self) -> None:
        self._ran: list[tuple[str, str, bool]] = []

    def ran(self, call: Call, output: str, changes: bool, ok: bool) -> None:
        """Notes a call that ran."""
        if ok and "command" in call.arguments:
            self._ran.append((str(call.arguments["command"]), output, changes))

    def turn(
        self,
        task: str,
        messages: Iterable[Mapping[str, Any]],
        names: Mapping[str, str],
        written: Sequence[str],
        answer: str,
        ok: bool,
        looked_up: Iterable[str] = (),
    ) -> Turn:
        """The turn at its end.

        Args:
            task: The task.
            messages: What was sent and said for it, without the answer.
            names: What was looked up for it, by the placeholders of runbooks.
            written: The files that were written.
            answer: What the user is told.
            ok: Whether it was done.
            looked_up: The lines that were looked up for it.
        """
        from devops_agent.dialogue import subjects

        lines = tuple(looked_up)
        return Turn(
            task,
            _with_answer(task, messages, answer),
            subjects.of_turn(self._ran, names, written, answer),
            answer,
            ok,
            tuple(command for command, _, _ in self._ran),
            names,
            subjects.last_table(self._ran, lines),
            (*(command for command, _, changes in self._ran if changes), *map(_writing, written)),
            subjects.looked_up(lines),
        )


def _writing(path: str) -> str:
    return f"write_file {shlex.quote(path)}"


def not_done(task: str, why: str) -> Turn:
    """The turn of a task that was not begun."""
    answer = f"Not done: {why}"
    return Turn(task, _with_answer(task, (), answer), answer=answer, ok=False)


def _with_answer(
    task: str, messages: Iterable[Mapping[str, Any]], answer: str
) -> tuple[Mapping[str, Any], ...]:
    """The messages of a turn up to its answer; of one that was cut off early, at least its task."""
    said = Call(FINAL_ANSWER, {"answer": answer}).render()
    sent = tuple(messages) or ({"role": "user", "content": task},)
    return (*sent, {"role": "assistant", "content": said})


def of_command(command: str, output: str, ok: bool) -> Turn:
    """The turn of a command that the user ran; `output` is reduced and free of secrets."""
    from devops_agent.dialogue import subjects
    from devops_agent.policy import effects

    said = "It ran." if ok else "It failed."
    messages = (
        {"role": "user", "content": f"Run this for me: {command}"},
        {"role": "assistant", "content": Call("bash", {"command": command}).render()},
        {"role": "user", "content": format_tool_response(output)},
        {"role": "assistant", "content": Call(FINAL_ANSWER, {"answer": said}).render()},
    )
    ran = [(command, output, True)]
    about, table = subjects.of_turn(ran, {}, (), output), subjects.last_table(ran)
    commands = (command,) if ok else ()
    changes = () if effects.is_read(command) else (command,)
    return Turn(command, messages, about, "", ok, commands, table=table, changes=changes)


def of_stored(stored: "StoredTurn") -> Turn | None:
    """A turn that was kept; of one that was cut off, what is known. None if the model was not told of it."""
    if stored.ended is not None and not (stored.messages or stored.steps):
        return None
    from devops_agent.dialogue import subjects

    steps = [step for step in stored.steps if step.tool == "bash"]
    ran = [
        (str(step.arguments.get("command")), step.output, step.changes) for step in steps if step.succeeded
    ]
    written = [str(step.arguments.get("path")) for step in stored.steps if step.tool == "write_file"]
    about = subjects.of_turn(ran, stored.names, written, stored.answer)
    commands = stored.commands or tuple(command for command, _, _ in ran)
    answer = stored.answer or "Not done: it was cut off."
    messages = stored.messages or tuple(_told(stored, answer))
    task = stored.understood or stored.task
    table = subjects.last_table(ran)
    changes = (*(command for command, _, changed in ran if changed), *map(_writing, written))
    return Turn(task, messages, about, answer, bool(stored.ok), commands, stored.names, table, changes)


def _told(stored: "StoredTurn", answer: str) -> Iterator[dict[str, str]]:
    yield {"role": "user", "content": stored.task}
    for step in stored.steps:
        output = reduce_output(step.output, BUDGET)
        yield {"role": "assistant", "content": Call(step.tool, step.arguments).render()}
        yield {"role": "user", "content": format_tool_response(output)}
    yield {"role": "assistant", "content": Call(FINAL_ANSWER, {"answer": answer}).render()}
