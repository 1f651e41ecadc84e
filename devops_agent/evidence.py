"""What really happened during a run, from exit codes: the ground for what may be claimed at its end."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from devops_agent.errors import ExitCode
from devops_agent.grounding.task_words import ADDRESS
from devops_agent.patterns import regex
from devops_agent.protocol import Call
from devops_agent.task_limits import Limits

_ADMITS = regex(
    r"fail|error|n[o'’]t\b|cannot|unable|unsuccess|denied|missing|invalid|refused|timed out|rejected"
    r"|\balready (?:exists?|in use|used|taken|allocated|there|running)\b"
    r"|\bno (?:\w+ ){1,4}(?:found|exists?|available|left)\b|\bthere (?:is|are|was|were) no\b",
    re.IGNORECASE,
)

# "error.log", "failover-1": a word in a name says nothing.
_NAME = regex(r"(?<![\w./-])[\w-]*\w(?:[./_-]\w+)+")


# A change that fails is tried so often.
_ATTEMPTS = 2
_HOPELESS = regex(
    r"no rollout history|manifest unknown|pull access denied|manifest for \S+ not found|no such host"
    r"|port is already allocated|address already in use|is already in use by container|already exists"
    r"|volume is in use|image is being used|has active endpoints|forbidden"
    r"|permission denied|read-only file system|no space left",
    re.IGNORECASE,
)


@dataclass
class Evidence:
    """The record of one run.

    Attributes:
        known: What the model was told before a file is written: the turns before, the task, and the results.
        wants_change: Whether the task is done only when something was changed; no longer when the user
            rejected a call, for then not to change anything may be what was wanted.
        parts: The parts of the task that come one after the other.
        missing: What the task names and was not there, in a sentence.
        settled: Why there was nothing to do for the task, in a sentence.
        stood_in: Whether a call was refused because it would change something else in its place.
        limits: What may be done for the task.
        repeats: Calls that were made again though nothing had changed.
        written: The files that were written in this run.
        made: Those that were not there before a command of this run wrote them.
        informed: Whether what was looked up before the first step may hold the answer.
        commands: The commands that ran and succeeded.
        calls: Tools that ran, whatever came of it.
        succeeded: Tools that ran and succeeded.
        changed: Calls that changed something.
        said: What the newest call said that failed, in a line.
        failed_change: The newest changing call, when it failed and no change succeeded since.
        failures: Changing calls that failed.
        hopeless: Whether one failed for a reason that no other attempt removes, such as an image that is
            nowhere.
        unapplied: The manifest that was written and not applied yet.
        complete: Whether a form has done all that the task wants.
        to_do: What the task wants after what is done, in a few words.
        undone: What the task wants and no command that succeeded can have done, in its words.
        left_behind: Where a value still stands that the task wants changed everywhere, in a sentence.
        unmet: What the task asks to make and is still not there, in a sentence.
        absent: What the task wants in a file and is not in it, in a sentence.
        too_early: The same of a file that a call would take as it is, when the task wants it changed first.
        unanswered: What stands in the answer for a value that the model did not put in.
        claimed: The word with which the answer tells of what no command did.
        invented: The figures and addresses of the answer that stand in no result.
        refusal: Why a call was refused by the modes or the policy; the run ends with it.
        turned_down: The newest call that the user did not approve.
        claims_refused: Whether the answer says that something was done, or nothing of its own, though the
            user approved no change.
        seen: What the newest call printed that succeeded, in a line.
        told: The mistakes that the model was told of.
        parrots: Whether the answer is one of these, and no answer.
        dry: The calls that a dry run has shown in place of running them.
        refused: Whether a call was refused, by the user or the never list, and nothing ran since.
        mistakes: Mistakes of the model in a row.
        ended_early: Why the run ended without a final answer of the model, if it did.
        sent_back: The reasons for which an answer was sent back.
        must_act: Whether an answer was sent back for what is still to be done, and nothing was tried since.
    """

    known: str = ""
    wants_change: bool = False
    parts: Sequence[str] = ()
    informed: bool = False
    missing: str = ""
    settled: str = ""
    stood_in: bool = False
    limits: Limits = field(default_factory=Limits)
    repeats: int = 0
    written: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    commands: list[str] = field(default_factory=list)
    calls: int = 0
    succeeded: int = 0
    changed: int = 0
    said: str = ""
    failed_change: str = ""
    failures: int = 0
    hopeless: bool = False
    unapplied: str = ""
    complete: bool = False
    to_do: str = ""
    undone: str = ""
    left_behind: str = ""
    unmet: str = ""
    absent: str = ""
    too_early: str = ""
    unanswered: str = ""
    claimed: str = ""
    invented: Sequence[str] = ()
    refusal: str = ""
    turned_down: str = ""
    claims_refused: bool = False
    seen: str = ""
    told: set[str] = field(default_factory=set)
    parrots: bool = False
    dry: list[str] = field(default_factory=list)
    refused: bool = False
    mistakes: int = 0
    ended_early: str = ""
    sent_back: set[str] = field(default_factory=set)
    must_act: bool = False
    _seen: set[str] = field(default_factory=set)
    _refused_calls: set[str] = field(default_factory=set)
    _put_off: str = ""

    def ran(self, call: Call, changes: bool, ok: bool, waited: bool = False, output: str = "") -> None:
        """Records a call that was executed; `waited` for others to change something."""
        self.hopeless = self.hopeless or (not ok and bool(_HOPELESS.search(output)))
        self.calls += 1
        self.must_act = False
        self.succeeded += ok
        self.commands += [str(call.arguments["command"])] if ok and "command" in call.arguments else []
        self.refused = False
        self._put_off = ""
        if ok and (changes or waited):
            # what was tried before may come out differently now
            self._seen.clear()
        if changes and ok:
            self.changed += 1
            self.failed_change = ""
        elif changes:
            self.failures += 1
            self.failed_change = _shown(call)
        if ok:
            self.seen = _last_lines(output)
        else:
            self.said = _last_lines(output.partition("\nExit code:")[0])
        self._seen.add(_key(call))

    def found_broken(self, call: Call, said: str = "") -> None:
        """Records that what a call changed does not work, though the call succeeded."""
        self.said = _last_lines(said)
        self.failures += 1
        self.failed_change = f"what {_shown(call)} changed"

    def rejected(self, call: Call, comment: str) -> None:
        """Records that the user did not approve a call; with a comment, it may come again after another."""
        self.refused = True
        self.turned_down = _shown(call)
        self.wants_change = False
        if comment:
            self._put_off = _key(call)
        else:
            self._seen.add(_key(call))

    def denied(self, call: Call, reason: str) -> None:
        """Records that a call was refused by the modes or the policy."""
        self.refused = True
        self.wants_change = False
        self.refusal = f"{_shown(call)} was refused: {reason}"

    def shown(self, call: Call) -> None:
        """Records a call that a dry run has shown."""
        self.calls += 1
        self.succeeded += 1
        self.changed += 1
        self.dry.append(_shown(call))
        self._seen.add(_key(call))

    def was_refused(self, call: Call) -> bool:
        """Records a call that a check has refused, and gives whether it was refused before."""
        self.must_act = False
        key = _key(call)
        again = key in self._refused_calls
        self._refused_calls.add(key)
        return again

    @property
    def may_try_again(self) -> bool:
        """Whether a change that failed should be tried in another way before the answer."""
        return self.failures < _ATTEMPTS and not (self.hopeless or self.missing)

    @property
    def is_over(self) -> bool:
        """Whether the outcome is known whatever the model would say."""
        return bool(self.refusal or (self.dry and not self.to_do))

    @property
    def is_made_up(self) -> bool:
        """Whether the answer tells facts though nothing was printed or looked up that could hold them."""
        return bool(self.invented) and not (self.seen or self.informed or self.changed)

    def repeated(self, call: Call) -> bool:
        """Whether the same call ran already, or was rejected, and nothing can have changed since."""
        key = _key(call)
        return key in self._seen or key == self._put_off

    def exit_code(self) -> ExitCode:
        """What the run comes to."""
        if self.refused or self.claims_refused:
            return ExitCode.REFUSED
        if self.ended_early or self.failed_change or not (self.succeeded or self.informed):
            return ExitCode.FAILED
        if (
            self.unanswered
            or self.parrots
            or self.unmet
            or self.claimed
            or self.is_made_up
            or (self.wants_change and not self.changed)
        ):
            return ExitCode.FAILED
        return ExitCode.DONE


def admits_failure(answer: str) -> bool:
    """Whether an answer says that something did not work."""
    return bool(_ADMITS.search(_NAME.sub(" ", answer)))


_LONGEST = 200
_SAYS_REJECTED = regex(r"reject|approv|declin|refus|n[o'’]t\b", re.IGNORECASE)
_CLAIMS_CHANGE = regex(
    r"\b(?:deleted|removed|created|written|wrote|changed|updated|scaled|restarted|stopped|started|applied|set|added"
    r"|renamed|moved|cleaned|installed|built|pushed|exposed|patched)\b",
    re.IGNORECASE,
)
_SO_ALREADY = regex(
    r"\balready\b|\bnothing (?:to|was|has)\b|\bno (?:changes?|need)\b|\bas (?:wanted|asked|it is)\b"
    r"|\bunchanged\b",
    re.IGNORECASE,
)


def _last_lines(output: str) -> str:
    return " / ".join(line.strip()[:_LONGEST] for line in output.splitlines() if line.strip())[
        -2 * _LONGEST :
    ]


def outcome(evidence: Evidence, answer: str) -> str:
    """What is told in place of an answer that the results contradict or do not bear out; "" when they do.

    Args:
        evidence: What happened.
        answer: The model's answer.
    """
    honest = admits_failure(answer)
    if evidence.refusal:
        return f"Not done: {evidence.refusal}."
    if evidence.refused and evidence.turned_down and not _SAYS_REJECTED.search(answer):
        return f"Not done: {evidence.turned_down} was not approved."
    if evidence.claims_refused:
        return f"Not done: {evidence.turned_down} was not approved. {evidence.seen}".rstrip()
    if evidence.parrots:
        return f"Not done. {evidence.missing or evidence.said or evidence.seen}".rstrip()
    if evidence.dry:
        return "\n".join(["Dry run, nothing was changed. This would run:", *evidence.dry])
    if evidence.settled and not evidence.calls:
        return evidence.settled
    if evidence.failed_change:
        why = f": {evidence.said}" if evidence.said else "."
        failed = f"{evidence.failed_change} failed{why}"
        return f"{answer}\n{failed}" if honest or not evidence.wants_change else f"Not done: {failed}"
    if evidence.missing and not evidence.changed:
        return f"{evidence.missing} {answer}" if honest else evidence.missing
    if evidence.unanswered:
        return f"Not answered: in {answer!r} {evidence.unanswered} stands for a value that was not found."
    if honest:
        return ""
    if evidence.unmet:
        return f"Not done: {evidence.unmet}"
    if evidence.wants_change and not evidence.changed and not _SO_ALREADY.search(answer):
        return f"Not done: nothing was changed. {evidence.said}".rstrip()
    if evidence.claimed:
        return f"Not done: no command did what {evidence.claimed!r} says. {evidence.seen}".rstrip()
    if evidence.absent:
        return f"{answer}\n{evidence.absent}"
    if to_do := evidence.to_do or evidence.undone or evidence.left_behind.rstrip("."):
        return f"{answer}\nNot confirmed by any result: {to_do}."
    if evidence.is_made_up:
        return f"Not answered: the commands told nothing, and {evidence.invented[0]} is in no result."
    if evidence.invented:
        return f"{answer}\nIn no result: {', '.join(evidence.invented)}."
    return ""


# What an answer may say was done, and what of the commands does it.
_CLAIMS = {
    regex(rf"\b{verb}\b(?! (?:by|from|with|on|as|in)\b)", re.IGNORECASE): regex(does)
    for verb, does in {
        "built": r"\bbuild\b|\bmake\b",
        "pushed": r"\bpush\b",
        "executed": r"[./]",
        "committed": r"\bgit\b.*\bcommit\b|\bmerge\b|\brevert\b",
        "restarted": r"start|\b(?:rollout|set|apply|patch|delete|kill|run|up|update|reload)\b",
    }.items()
}


def unfounded_claim(answer: str, commands: Sequence[str]) -> str:
    """The word with which an answer tells of what no command did; "" when there is none."""
    for said, does in _CLAIMS.items():
        if (claim := said.search(answer)) and not any(map(does.search, commands)):
            return claim[0]
    return ""


# Figures of four digits and more, hashes, addresses: what a small model makes up, and nobody can guess.
_FIGURES = regex(r"(?<![\w.,:/-])(?:\d{4,}|\d{1,3}(?:,\d{3})+)(?![\w:/-]|[.,]\d)")
_VERSIONS = regex(r"(?<![\w.])\d+(?:\.\d+){2}(?![.\d])")
# Addresses that everybody knows.
_COMMON = regex(r"127\.|0\.0\.0\.0|255\.")
_HASHES = regex(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}\b")


def invented(answer: str, known: str) -> list[str]:
    """The figures, hashes and addresses of an answer that stand in nothing that the model was told."""
    answer, plain = re.sub(r"\.(?=\s|$)", " ", answer), known.replace(",", "").lower()
    parts = set(re.findall(r"\d+", known))
    figures = [
        each.replace(",", "")
        for each in _FIGURES.findall(answer)
        if each.replace(",", "") not in plain and not parts.issuperset(each.split(","))
    ]
    others = [each for each in _HASHES.findall(answer.lower()) if each not in known.lower()]
    others += [each for each in _VERSIONS.findall(answer) if each not in known]
    others += [each for each in ADDRESS.findall(answer) if each not in known and not _COMMON.match(each)]
    return list(dict.fromkeys([*figures, *others]))


def claims_change(answer: str) -> bool:
    """Whether an answer says that something was changed."""
    return bool(_CLAIMS_CHANGE.search(answer)) and not _SO_ALREADY.search(answer)


def _key(call: Call) -> str:
    return json.dumps([call.name, call.arguments], sort_keys=True, default=str)


def _shown(call: Call) -> str:
    lines = str(next(iter(call.arguments.values()), "")).removeprefix("set -e\n").splitlines() or [""]
    return f"{call.name} {{{lines[0]}{' …' if len(lines) > 1 else ''}}}"
