"""The gate that every call passes before it runs: it lets it run, asks, has it shown, or refuses it."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from devops_agent import audit, events, files
from devops_agent.approval import Approver, Question, ask_user_approval, somebody_is_there
from devops_agent.audit import AuditLog, Record
from devops_agent.policy import paths
from devops_agent.policy.call import Call as ShellCall
from devops_agent.policy.call import argument, stranger
from devops_agent.policy.classify import classify
from devops_agent.policy.lookup import Lookup, Machine
from devops_agent.policy.modes import Decision, Modes
from devops_agent.policy.scope import Scope, Watch
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.targets import NOWHERE, Target, Targets, settings
from devops_agent.policy.user_policy import UserPolicy
from devops_agent.policy.variables import is_secret_name
from devops_agent.policy.verdict import Effect, Verdict, change, read
from devops_agent.protocol import Call
from devops_agent.redaction import Redactor
from devops_agent.undo import UndoStore

_LOOK_UP = "Before the first call, look up what the task names? That only reads."
_REMOVERS = ("rm", "shred", "find", "rmdir", "unlink", "rsync")


@dataclass
class Judgement:
    """What is known of a call before it runs."""

    verdict: Verdict
    targets: list[Target] = field(default_factory=list)  # where it changes something, or may
    files: list[str] = field(default_factory=list)  # those that it may change
    folders: list[str] = field(default_factory=list)  # those that it may remove
    kinds: set[str] = field(default_factory=set)  # of its calls that are worse than a change
    own: str = ""  # the file of the agent's own that it would change
    asks: str = ""  # the rule of the user's by which it asks
    denies: str = ""  # the rule of the user's by which it is refused

    @property
    def forbidden(self) -> str:
        """Why it is refused in every mode."""
        return f"{self.own} is the agent's own; change it yourself" if self.own else self.denies

    @property
    def target(self) -> Target:
        """Where it works, for a person to see."""
        return next(iter(self.targets), NOWHERE)


@dataclass(frozen=True)
class Passage:
    """What became of a call at the gate."""

    decision: Decision
    judgement: Judgement
    decided_by: str  # "mode", "user", "policy"
    reason: str = ""  # why it is refused, or what the user said
    command: str | None = None  # the command that the user wrote in place of the call's
    number: int = 0  # of the call in the session

    @property
    def verdict(self) -> Verdict:
        return self.judgement.verdict

    @property
    def runs(self) -> bool:
        return self.decision is Decision.RUN


class Gate:
    """Decides on calls.

    Args:
        modes: The modes of the run.
        policy: The user's own rules.
        approver: Asks the user.
        preview: Tells what a call would do, for the question.
        lookup: What may be known of this machine.
        present: Tells whether somebody is there to be asked.
        log: Where each call is recorded.
        redactor: Hides secrets from the question.
        undo: Keeps the files that calls change.
        own: The folders of the agent's policy, sessions and audit log, in which no call may write.
    """

    def __init__(
        self,
        modes: Modes | None = None,
        policy: UserPolicy | None = None,
        approver: Approver = ask_user_approval,
        preview: Callable[[Call], str] = lambda call: "",
        lookup: Lookup | None = None,
        present: Callable[[], bool] = somebody_is_there,
        log: AuditLog | None = None,
        undo: UndoStore | None = None,
        redactor: Redactor | None = None,
        own: Sequence[Path] = (),
    ) -> None:
        self.modes = modes or Modes()
        self.policy = policy or UserPolicy()
        self.approver = approver
        self.preview = preview
        self.lookup = lookup or Machine()
        self.targets = Targets(os.environ)
        self.log = log
        self.undo = undo
        self.redactor = redactor or Redactor()
        self._session = f"{os.getpid()}-{time.time_ns() // 1_000_000:x}"
        self._task = ""
        self._calls = 0
        self._present = present
        self._own = {str(each) for folder in own for each in (folder, folder.resolve())}
        self._asked_on: set[str] = set()  # the clusters elsewhere on which the user has agreed to a change
        self._always: set[str] = set()  # the programs and verbs that the user has agreed to for the session
        self._may_look_up: bool | None = None  # what the user said
        self.suspicion = ""  # why changes are asked for the rest of the run

    def start_run(self, task: str = "") -> None:
        """Forgets what was agreed to for one run only."""
        self._task = task
        if self.undo:
            self.undo.start_run()
        self._asked_on.clear()
        self.suspicion = ""

    def may_look_up(self, task: str) -> bool:
        """Whether what tasks name may be looked up; where each call asks, that is asked once a session."""
        if not self.modes.require_approval:
            return True
        if self._may_look_up is None:
            if not self._present():
                return False
            self._may_look_up = self.approver(Question("look_up", {"task": task}, note=_LOOK_UP)).approved
        return self._may_look_up

    def runs_unasked(self, call: Call) -> bool:
        """Whether a call runs without a question."""
        judgement = self.judge(call)
        asks = judgement.forbidden or judgement.asks or self._caution(judgement)
        return not asks and self.modes.decide(judgement.verdict) is Decision.RUN

    def judge(self, call: Call) -> Judgement:
        """The effect of a call, by the rules and by the user's own."""
        judgement = Judgement(read())
        verdict = self._effect(call, judgement)
        judgement.verdict = verdict
        return judgement

    def _effect(self, call: Call, judgement: Judgement) -> Verdict:
        watch = self._watcher(judgement)
        if call.name == "bash":
            # what stands behind the name of a hidden secret is judged, and that it is one
            command = str(call.arguments.get("command", ""))
            restored = self.redactor.restored(command)
            verdict = classify(command, self.lookup, watch)
            return verdict if restored == command else verdict | classify(restored, self.lookup, watch)
        here = Scope(self.lookup, (self.lookup.directory or None,), {}, {}, [0], watch=watch)
        path = self.redactor.restored(str(call.arguments.get("path", "")))
        if call.name == "write_file":
            return replace(here.write(path), part=path)
        if call.name == "read_file":
            opened = stranger((argument("<"), argument(path)))
            return here.seen(opened, replace(read(secret=here.holds_secret(path)), part=path))
        if call.name == "get_env":
            name = str(call.arguments.get("key", ""))
            asked = stranger((argument(call.name), argument(name)))
            return here.seen(asked, replace(read(secret=is_secret_name(name)), part=name))
        return here.seen(stranger((argument(call.name),)), change(f"{call.name} is a tool of its own"))

    def _watcher(self, judgement: Judgement) -> Watch:
        known: list[tuple[str, str]] = []
        seen: list[tuple[int, Effect]] = []  # how deep the calls were, and what no rule allows of them

        def watch(call: ShellCall, verdict: Verdict, scope: Scope) -> Verdict:
            inner = max((effect for depth, effect in seen if depth > scope.depth), default=Effect.READ)
            seen[:] = [each for each in seen if each[0] <= scope.depth]
            judged = judge(call, verdict, scope, inner)
            seen.append((scope.depth, judged.unallowed))
            return judged

        def judge(call: ShellCall, verdict: Verdict, scope: Scope, inner: Effect) -> Verdict:
            targets = self.targets.of(call, known)
            known.extend(settings(call))
            places = scope.named(call)
            if verdict.effect > Effect.CHANGE:
                judgement.kinds.add(" ".join((call.name, verdict.rule, *map(str, targets))))
            if verdict.effect:
                judgement.targets += targets
                judgement.own = judgement.own or self._own_file(call, places)
                writes = call.program == ">"
                known_places = [each for each in places if UNSEEN not in each]
                judgement.files += [each for each in known_places if writes or files.is_file(each)]
                judgement.folders += known_places if call.program in _REMOVERS else []
            rule = self.policy.rule(call, verdict, targets, places)
            if rule is None:
                return verdict
            if rule.action == "deny":
                judgement.denies = judgement.denies or str(rule)
            elif rule.action == "ask":
                judgement.asks = judgement.asks or str(rule)
            else:  # what it runs is judged by itself
                return replace(verdict, beside=inner)
            return verdict

        return watch

    def _own_file(self, call: ShellCall, places: Sequence[str]) -> str:
        """The path in the agent's own folders, or above them, that a call would change."""
        removed = places[:-1] if call.program == "mv" else places if call.program in _REMOVERS else ()
        if call.program == "cp" and not call.given("-t", "--target-directory"):
            places = places[-1:]
        for place in places:
            every = {place, self.lookup.resolved(place)} if UNSEEN not in place else {place}
            within = any(paths.is_below(each, own) for each in every for own in self._own)
            above = place in removed and any(paths.is_below(own, each) for each in every for own in self._own)
            project = place.endswith("/.devops-agent/policy.toml")
            if within or above or project or (place in removed and place.endswith("/.devops-agent")):
                return place
        return ""

    def decide(self, call: Call) -> Passage:
        """Lets a call run, asks the user, has it shown, or refuses it."""
        self._calls += 1
        return replace(self._decided(call), number=self._calls)

    def refused(self, call: Call, reason: str) -> None:
        """Records a call that a check has refused."""
        self._calls += 1
        judgement = self.judge(call)
        self.record(call, Passage(Decision.REFUSE, judgement, "check", reason, number=self._calls))

    def _decided(self, call: Call) -> Passage:
        judgement = self.judge(call)
        verdict = judgement.verdict
        if reason := judgement.forbidden:
            return Passage(Decision.REFUSE, judgement, "policy", reason)
        caution = self._caution(judgement)
        decision = self.modes.decide(verdict, bool(caution))
        if judgement.asks and decision is Decision.RUN:
            decision, caution = Decision.ASK, judgement.asks
        if decision is Decision.REFUSE:
            return Passage(decision, judgement, "mode", self._too_much(judgement))
        if decision is not Decision.ASK:
            return Passage(decision, judgement, "mode")
        agreed = judgement.kinds <= self._always and verdict.effect is not Effect.UNKNOWN
        if agreed and not caution and not self.modes.require_approval:
            return Passage(Decision.RUN, judgement, "user", "always")
        return self._ask(call, judgement, caution)

    def before(self, call: Call, passage: Passage) -> None:
        """Keeps what a call that passed may change, and records that it will run."""
        self.record(call, passage)
        if self.undo and passage.verdict.effect:
            self.undo.keep(passage.judgement.files, passage.judgement.folders)

    def after(self) -> None:
        """Notes what a call that ran has left of what was kept."""
        if self.undo:
            self.undo.settle()

    def record(
        self,
        call: Call,
        passage: Passage,
        exit_code: int | None = None,
        seconds: float = 0.0,
        output: str | None = None,
    ) -> None:
        """Records what became of a call.

        Args:
            call: The call.
            passage: What the gate decided.
            exit_code: Of its command.
            seconds: How long it ran.
            output: All that it printed; None if it did not run.
        """
        if self.log is None:
            return
        self.log.write(
            Record(
                audit.now(),
                self._session,
                passage.number,
                self._task,
                call.name,
                call.arguments,
                str(passage.verdict.effect),
                passage.verdict.rule,
                passage.decision.name.lower(),
                passage.decided_by,
                exit_code,
                round(seconds, 3),
                "" if output is None else audit.digest(output),
            )
        )

    def _ask(self, call: Call, judgement: Judgement, caution: str) -> Passage:
        verdict = judgement.verdict
        if not self._present():
            hint = "nobody is there to approve it. Run it on a terminal, or with --yes"
            if self.modes.require_approval:
                hint = "approval is required and nobody is there to give it"
            return Passage(Decision.REFUSE, judgement, "mode", f"{caution or _said(verdict)}, and {hint}")
        hide = self.redactor
        question = Question(
            call.name,
            events.with_texts(call.arguments, hide),
            effect=str(verdict.effect),
            rule=verdict.rule,
            part=hide(verdict.part),
            target=str(judgement.target),
            caution=caution,
            preview=lambda: hide(self.preview(call), verdict.secret) if verdict.effect else "",
        )
        answer = self.approver(question)
        if answer.always:
            self._always |= judgement.kinds
        if not answer.approved:
            return Passage(Decision.REFUSE, judgement, "user", answer.comment)
        self._asked_on.update(target.server for target in judgement.targets)
        if answer.command is None:
            return Passage(Decision.RUN, judgement, "user", answer.comment)
        return self._edited(call, answer.command)

    def _edited(self, call: Call, command: str) -> Passage:
        """What becomes of a command that the user wrote in place of another: nobody is asked again."""
        judgement = self.judge(Call(call.name, {**call.arguments, "command": command}))
        if reason := judgement.forbidden:
            return Passage(Decision.REFUSE, judgement, "policy", reason)
        decision = self.modes.decide(judgement.verdict)
        if decision is Decision.REFUSE:
            return Passage(decision, judgement, "mode", self._too_much(judgement))
        if decision is Decision.SHOW:
            return Passage(decision, judgement, "mode", command=command)
        return Passage(Decision.RUN, judgement, "user", command=command)

    @staticmethod
    def _too_much(judgement: Judgement) -> str:
        return f"{_said(judgement.verdict)}; --read-only allows no change"

    def _caution(self, judgement: Judgement) -> str:
        """Why a change asks that would run otherwise."""
        if judgement.verdict.effect is Effect.READ:
            return ""
        if self.suspicion:
            return self.suspicion
        for target in judgement.targets:
            if self.policy.is_production(target):
                return f"{target} looks like production"
        for target in judgement.targets:
            if target.remote and target.server not in self._asked_on:
                return f"{target} is not on this machine"
        return ""


def _said(verdict: Verdict) -> str:
    rule = f" ({verdict.rule})" if verdict.rule else ""
    return f"{_SAID[verdict.effect]}{rule}"


_SAID = {
    Effect.READ: "it reads",
    Effect.CHANGE: "it changes something",
    Effect.DESTRUCTIVE: "it is destructive",
    Effect.UNKNOWN: "what it does is not known",
}
