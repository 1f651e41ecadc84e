"""What a task means by "it", "them", "that" and "there", in the words of the turns before it.

A small model takes the next best name for what is meant. So code puts the name there, and shows what the task
was taken for.
"""

import re
from collections.abc import Sequence

from devops_agent import intent
from devops_agent.dialogue import ellipsis
from devops_agent.dialogue.ellipsis import LEAD
from devops_agent.dialogue.subjects import PLACE, WORKLOADS, Row, Subject, in_state
from devops_agent.grounding.task_words import NO_NAMES, PATH
from devops_agent.patterns import regex

_KIND_WORD = (
    r"(?:pods?|deploy(?:ment)?s?|services?|svc|stateful ?sets?|daemon ?sets?|config ?maps?|secrets?|jobs?"
    r"|cron ?jobs?|ingress(?:es)?|namespaces?|containers?|images?|volumes?|networks?|claims?|pvcs?|nodes?"
    r"|files?|folders?|director(?:y|ies)|scripts?|dockerfile|process(?:es)?|branch(?:es)?|tags?"
    r"|replica ?sets?)"
)
_KIND = regex(rf"\b{_KIND_WORD}\b", re.IGNORECASE)
_CLAUSE = regex(r"[,.;:]|\b(?:and|then)\b", re.IGNORECASE)
_NO_ACT = r"(?<!undo )(?<!redo )(?<!\bdo )(?<!repeat )(?<!mean )"
_ALONE = r"(?=[.?!]|$| (?:in|to|from|with|on|again|down|up|back)\b)"
_IT = regex(
    rf"(?<![\w-]){_NO_ACT}(?:it|(?:that|this) one|(?:that|this){_ALONE})(?![\w'’-])",
    re.IGNORECASE,
)
_ITS = regex(r"(?<![\w-])(?:its|their)(?= \w)", re.IGNORECASE)
# What somebody has: "its memory limit to 128Mi"
_HAD = regex(
    r" ((?:[\w-]+ ){0,2}?[\w-]+(?: and [\w-]+(?=[.,;:?!]|$))?)"
    r"(?=[.,;:?!]|$| (?:to|and|in|is|are|from|with|by|for|at|on|look|say)\b)"
)
_THAT_KIND = regex(
    rf"(?<![\w-])(?:that|this|the same|the)\s+({_KIND_WORD})\b(?! (?:named|called)|[ /][\"'`]?[\w-]*[\d-])",
    re.IGNORECASE,
)
_THERE = regex(
    r"(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )(?<![\w-])there(?=[.?!,]|$| too\b| as well\b)",
    re.IGNORECASE,
)
# What a task leaves out: "and the logs?", "now with 3 replicas", "then scale to 2".
_LEAVES_OUT = regex(
    rf"{LEAD}(?:(?:the|with|to|in|at|on|only)\b.*|\w+(?: (?:to|by|back|up|down|with|again|on)\b.*)?)",
    re.IGNORECASE,
)
_BARE = regex(
    r"\s*(?:why|how come|(?:show )?(?:me )?(?:the )?(?:logs?|events?|status|details))(?: not)?\s*[?.!]*\s*",
    re.IGNORECASE,
)
_OF_ITS_PARTS = regex(
    rf"{LEAD}(?:set|change|update|increase|raise|lower|reduce|double|halve|bump|add|remove)\b"
    r"(?=.*\b(?:image|replicas?|limits?|requests?|probe|variable|env|port|labels?|annotation|memory|cpu)\b)",
    re.IGNORECASE,
)
# "the image must be nginx:1.27"
_PART_IS_TO_BE = regex(
    rf"{LEAD}the (?:image|port|command|replicas?|(?:(?:memory|cpu) )?(?:limit|request)|probe)"
    r"(?= (?:should|must|has to|ought to)\b)",
    re.IGNORECASE,
)
_SAYS_NOTHING = regex(
    rf"{LEAD}(?:ok|okay|what|stop|thanks|thank you|yes|no|go|go on|done|continue|wait)?\W*", re.IGNORECASE
)
_MOST_WORDS = 12
_PREFERRED = (
    (r"\b(?:scale|replicas?|roll(?:out|ed|back)?|restart|expose|probe|image to)\b", WORKLOADS),
    (r"\b(?:appl(?:y|ied)|show|print|edit|append|replace)\b", ("file",)),
    (r"\b(?:push|tag|run|start a container)\b", ("image",)),
)


# "the one that exited", "the broken pod"
_NOUN = r"(?:one|pod|container|deployment)"
_STATES = r"exited|stopped|ended|died|crash\w*|fail\w*|broken|dead|unhealthy|stuck|pending|restarting|running"
_THE_ONE = regex(
    rf"\bthe {_NOUN} (?:that|which) (?P<that>(?:is |has |was |does |keeps )?(?:n[o']t )?\w+)"
    rf"|\bthe (?P<state>{_STATES}) {_NOUN}\b",
    re.IGNORECASE,
)


def _the_one(task: str, rows: Sequence[Row]) -> str:
    """The task with the one row in place of "the one that exited"."""
    match = _THE_ONE.search(task)
    if not match:
        return task
    state = match["that"] or match["state"]
    fitting = in_state(state, rows)
    if fitting is None or len(fitting) != 1:
        return task
    return _replaced(match, _named(fitting[0].subject, task))


def _replaced(match: "re.Match[str]", text: str) -> str:
    """What was searched, with a text in place of what was found."""
    return f"{match.string[: match.start()]}{text}{match.string[match.end() :]}"


def resolved(
    task: str,
    subjects: Sequence[Subject],
    before: Sequence[str] = (),
    rows: Sequence[Row] = (),
    shown: Sequence[Row] = (),
) -> str:
    """The task with what it refers to in its place; the task itself where it refers to nothing.

    Args:
        task: What the user typed.
        subjects: What the turns before were about, the likeliest first.
        before: The tasks before it, as they were understood, the newest first.
        rows: The rows of the last table that was shown.
        shown: Those of the task before it that its answer tells of.
    """
    if (one := _the_one(task, rows)) != task:
        return _without_lead(one)
    if not (subjects or shown):
        return task
    things = [each for each in subjects if each.kind not in ("namespace", PLACE)]
    if same := ellipsis.repeated(task, before, [each.name for each in things], _KIND):
        return same
    readings = (
        _with_all(task, shown),
        _with_amount(task, subjects, before),
        _with_one(task, subjects),
        _completed(task, subjects),
    )
    told = next((each for each in readings if each != task), task)
    return told if told == task else _without_lead(told)


_STATES_SOMETHING = regex(r"\b(?:should|must|shall|can|is|are|was|were|has|have|does|do)\b", re.IGNORECASE)


def _without_lead(task: str) -> str:
    """The task as one that stands alone: without the "and" with which it begins."""
    text = re.sub(LEAD, "", task, count=1)
    if re.match(r"the\b", text) and not _STATES_SOMETHING.search(text):
        text = f"show {text.rstrip(' ?')}"
    return text[:1].upper() + text[1:]


_BACK = regex(
    r"\b(?:of (?:them|those|these)|above|before|just|earlier|previous"
    r"|last (?:one|command|output|result)|you|(?:did|have) (?:we|i)|(?:we|i) did)\b",
    re.IGNORECASE,
)


_OF_TABLE = regex(r"\b(?:of|among) (?:them|those|these)\b", re.IGNORECASE)


def asks_of_table(task: str) -> bool:
    """Whether a task asks something of the rows that were shown before it."""
    return bool(_OF_TABLE.search(task)) and intent.is_question(task) and not intent.asks_for_change(task)


def refers_back(task: str) -> bool:
    """Whether a task speaks of what was said before."""
    return any(back.search(task) for back in (_BACK, _IT, _ITS, _ALL))


def _meant(task: str, subjects: Sequence[Subject]) -> Subject | None:
    """What a task speaks of; a namespace that is only where things are is never it."""
    named = [each for each in subjects if each.kind != PLACE]
    things = [each for each in named if each.kind != "namespace"] or named
    for words, kinds in _PREFERRED:
        fitting = [each for each in things if each.kind in kinds]
        if fitting and re.search(words, task, re.IGNORECASE):
            return fitting[0]
    return next(iter(things), None)


def _named(subject: Subject, task: str) -> str:
    """The subject, with its namespace where the task does not name one."""
    of_its_own = re.search(r"\bnamespace\b|(?<!\S)-n ", task, re.IGNORECASE)
    return subject.short if of_its_own else str(subject)


_ALL = regex(
    rf"(?<![\w-]){_NO_ACT}(?:(?<!of )(?<!among )(?:them|those|these)(?: all)?"
    r"|all (?:of )?(?:them|those|these))"
    r"(?=[.?!,]|$| (?:in|to|from|with|on|again|down|up|back|and|please|now)\b)",
    re.IGNORECASE,
)
_MOST_NAMED = 12


def _with_all(task: str, shown: Sequence[Row]) -> str:
    """The task with the rows that were shown in place of "them"."""
    match = _ALL.search(task)
    kinds = {(row.subject.kind, row.subject.namespace) for row in shown}
    if not match or len(kinds) != 1 or len(shown) > _MOST_NAMED or _has_own(task[: match.start()]):
        return task
    (kind, space), names = kinds.pop(), [row.subject.name for row in shown]
    if len(names) == 1:
        return _replaced(match, _named(shown[0].subject, task))
    all_of_them = Subject(f"{kind}s", f"{', '.join(names[:-1])} and {names[-1]}", space)
    return _replaced(match, _named(all_of_them, task))


_TO_AMOUNT = regex(r"\b(?:it|that|this) (?=to \d[\d.]*(?:m|[KMG]i?B?)\b)", re.IGNORECASE)
_AMOUNT = regex(r"\b(?:memory|cpu)(?: (?:limits?|requests?))?\b", re.IGNORECASE)


def _with_amount(task: str, subjects: Sequence[Subject], before: Sequence[str]) -> str:
    """The task with the memory or CPU that the one before was about: "raise that to 256Mi"."""
    amount, match = _AMOUNT.search(next(iter(before), "")), _TO_AMOUNT.search(task)
    meant = _meant(task, subjects)
    if not (amount and match and meant) or _AMOUNT.search(task):
        return task
    return _replaced(match, f"the {amount[0]} of {_named(meant, task)} ")


def _with_one(task: str, subjects: Sequence[Subject]) -> str:
    return _with_pronoun(_with_place(_with_kind(task, subjects), subjects), subjects)


def _with_pronoun(task: str, subjects: Sequence[Subject]) -> str:
    meant = _meant(task, subjects)
    if meant is None:
        return task
    told = _named(meant, task)
    if (match := _ITS.search(task)) and not _has_own(task[: match.start()]):
        before, after = task[: match.start()], task[match.end() :]
        if had := _HAD.match(after):
            return f"{before}the {had[1]} of {told}{after[had.end() :]}"
    if (match := _IT.search(task)) and not _has_own(task[: match.start()]):
        return _replaced(match, told)
    return task


def _has_own(before: str) -> bool:
    """Whether a pronoun stands for something that is named before it, in another clause of the same task."""
    clauses = _CLAUSE.split(before)[:-1]
    acts = any(intent.tells_to(each) or intent.is_question(each) for each in clauses)
    return acts or bool(_KIND.search(" ".join(clauses)) or PATH.search(before))


def _with_kind(task: str, subjects: Sequence[Subject]) -> str:
    """The task with the one pod in place of "that pod"."""

    def named(match: "re.Match[str]") -> str:
        kind = re.sub(r"\s", "", match[1].lower())
        behind = re.match(r"\s+[\"'`]?([\w.-]*\w)", task[match.end() :])
        if behind and behind[1].lower() not in NO_NAMES:
            return match[0]  # "the deployment api"
        kind = {"deploy": "deployment", "svc": "service"}.get(kind, kind)
        fitting = [each for each in subjects if each.kind == kind]
        return _named(fitting[0], task) if len({each.name for each in fitting}) == 1 else match[0]

    return _THAT_KIND.sub(named, task, count=1)


def _with_place(task: str, subjects: Sequence[Subject]) -> str:
    spaces = [
        each.namespace or each.name
        for each in subjects
        if each.namespace or each.kind in ("namespace", PLACE)
    ]
    return _THERE.sub(f"in namespace {spaces[0]}", task, count=1) if spaces else task


def _completed(task: str, subjects: Sequence[Subject]) -> str:
    """The task with what it leaves out."""
    if PATH.search(task) or len(task.split()) > _MOST_WORDS:
        return task
    meant = _meant(task, subjects)
    if _BARE.fullmatch(task):
        where = [f"namespace {each.name}" for each in subjects if each.kind == PLACE]
        about = _named(meant, task) if meant else next(iter(where), "")
        return f"{task.strip()} ({about})" if about else task
    if meant is None or _SAYS_NOTHING.fullmatch(task):
        return task
    if part := _PART_IS_TO_BE.match(task):
        return f"{task[: part.end()]} of {_named(meant, task)}{task[part.end() :]}"
    lead = re.match(LEAD, task)
    leaves_out = lead and lead[0].strip() and _LEAVES_OUT.fullmatch(task) and not _KIND.search(task)
    of_parts = _OF_ITS_PARTS.match(task) and not _KIND.search(re.sub(r"\bimage\b", "", task))
    if not (leaves_out or (of_parts and meant.kind in (*WORKLOADS, "pod", "container"))):
        return task
    text, end = re.fullmatch(r"(.*?)([\s.?!]*)", task, re.DOTALL).groups()  # type: ignore[union-attr]
    return f"{text} {'of' if text.endswith('s') else 'for'} {_named(meant, task)}{end}"
