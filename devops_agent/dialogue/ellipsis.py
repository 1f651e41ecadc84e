"""What a task leaves out because the task before it has said it: "db too", "and the memory?"."""

import re
from collections.abc import Sequence

from devops_agent import intent
from devops_agent.grounding.task_words import NO_NAMES
from devops_agent.patterns import regex

LEAD = r"\s*(?:(?:ok|okay|so|well|now|and|then|also|but|please)\b,?\s*)*"
_NAME = r"[\"'`]?([A-Za-z][\w.:-]*)[\"'`]?"
# "now api too, with 2 replicas"
_TOO = (
    rf"{LEAD}(?:the )?{_NAME},? (?:too|as well|also)"
    r"((?:,? (?:but )?(?:with|on|to|in)\b[^.?!]*)?)\s*[.?!]*\s*"
)
_FOR_ANOTHER = (
    # "do the same for api", "what about api?"
    rf"{LEAD}(?:(?:please )?(?:do )?the same (?:thing )?(?:for|with|to)|(?:what|how) about|and for) "
    rf"(?:the )?{_NAME}(?: too| as well)?\s*[.?!]*\s*",
    # "api is the right one", "no, I meant api"
    rf"{LEAD}(?:no,? )?{_NAME} is the (?:right one|one (?:that|which) needs (?:it|that))\s*[.!]*\s*",
    rf"{LEAD}(?:no,? )?i (?:meant|mean) (?:the )?{_NAME}\s*[.!]*\s*",
)
_NO_NAME = regex(
    r"it|them|you|i|me|we|he|she|mine|yours|(?:every|any|some)\w+|all|both|others?|rest|works",
    re.IGNORECASE,
)
_ASKS = regex(rf"{LEAD}(?:what|how)\b", re.IGNORECASE)
# Of these a task speaks in the same place as of the others in its line.
_SIBLINGS = (
    ("cpu", "memory"),
    ("liveness", "readiness", "startup"),
    ("requests", "limits"),
    ("error", "warn", "warning", "info", "debug", "fatal"),
)
_OF_SIBLING = regex(
    rf"{LEAD}(?:(?:what|how) about |how many |for |with |of )?(?:the |its )?(\w+)"
    r"(?: (?:limits?|requests?|probes?|lines?))?\s*[.?!]*\s*",
    re.IGNORECASE,
)


def repeated(task: str, before: Sequence[str], names: Sequence[str], kind: "re.Pattern[str]") -> str:
    """The task before it, said again for something else; "" where a task is not that.

    Args:
        task: What the user typed.
        before: The tasks before it, the newest first.
        names: What they were about, the likeliest first.
        kind: Matches the words for kinds, which are no names.
    """
    last = next(iter(before), "")
    asks = task.rstrip().endswith("?") or bool(_ASKS.match(task))
    if not last or (asks and intent.asks_for_change(last)):
        return ""  # a question is no wish
    return _for_sibling(task, last) or _for_another(task, last, names, kind)


def _for_another(task: str, last: str, names: Sequence[str], kind: "re.Pattern[str]") -> str:
    too = re.fullmatch(_TOO, task, re.IGNORECASE)
    forms = (re.fullmatch(form, task, re.IGNORECASE) for form in _FOR_ANOTHER)
    match = too or next(filter(None, forms), None)
    if not match or not _is_name(match[1]) or kind.fullmatch(match[1]):
        return ""
    if too and (intent.tells_to(match[1]) or intent.is_question(match[1])):
        return ""  # "restart too"
    more = too[2] if too else ""
    for name in names:
        stands = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-]*\w)")
        if len(stands.findall(last)) == 1:
            text = stands.sub(lambda _: match[1], last)
            return f"{text.rstrip(' .!')}{more}" if more else text
    return ""


def _is_name(word: str) -> bool:
    beside = {each for line in _SIBLINGS for each in line}
    return not (word.lower() in NO_NAMES | beside or _NO_NAME.fullmatch(word))


def _for_sibling(task: str, last: str) -> str:
    match = _OF_SIBLING.fullmatch(task)
    if not match or task.strip(" .?!") == match[1]:
        return ""
    if intent.asks_for_change(last) and re.search(r"\d", last):
        return ""  # an amount of the one is none of the other
    for siblings in _SIBLINGS:
        if match[1].lower() in siblings:
            found = re.findall(rf"\b(?:{'|'.join(siblings)})\b", last, re.IGNORECASE)
            if len(found) == 1 and found[0].lower() != match[1].lower():
                return re.sub(rf"\b{found[0]}\b", match[1], last)
    return ""
