"""What a task wants, as far as its words tell: that something is changed, or only to know."""

import re

_VERBS = """create|scale|set|add|expose|configure|fix|repair|restart|delete|remove|start|stop|kill|build
|write|append|change|update|switch|upgrade|downgrade|roll|undo|revert|label|annotate|commit|tag
|copy|put|give(?! me| us)|make|replace|lock|correct|deploy|install|uninstall|apply|patch|move
|rename|enable|disable|resume|suspend|pause|drain|cordon|uncordon|taint|mount|attach|connect
|disconnect|allow|deny|grant|go back|bring back|increase|raise|lower|double|reduce|optimi[sz]e
|shrink|limit|clean|prune|stash|merge|rebase|push|pull|save|extract|unpack|compress|archive
|generate|renew|rotate|dockeri[sz]e|package|set up|setup
|get (?:it|them|\\S+) (?:running|going|up)|autoscale
""".replace("\n", "")
# At the start of a sentence, or where a second wish begins.
_CHANGE = re.compile(
    rf"(?:^|[.;:!?,]\s+|\s-\s+|\b(?:and|then|please|to|you|it)\s+)(?:also\s+|please\s+)?(?:{_VERBS})(?!\w)",
    re.IGNORECASE,
)
_AFTER = re.compile(
    rf"(?:[.;!?,]\s+|\band\s+|\bthen\s+)(?:also\s+|please\s+)?(?:{_VERBS})(?!\w)", re.IGNORECASE
)
_NEED = re.compile(
    r"\b(?:i|we) (?:need|want) (?:an?|the|another|two|three|to)\b|\bneeds an?\b", re.IGNORECASE
)
_KNOW = re.compile(
    r"\b(?:why|what|which|who|how (?:many|much|do|does|can|big|large|long|old)|find out|tell me|list|show"
    r"|explain|is there|are there)\b",
    re.IGNORECASE,
)
_NO_CHANGE = re.compile(
    r"\b(?:only tell|don't change|do not change|delete nothing|change nothing)\b", re.IGNORECASE
)


def asks_for_change(task: str) -> bool:
    """Whether a task is done only when something was changed."""
    if _NO_CHANGE.search(task):
        return False
    match = _CHANGE.search(task) or _NEED.search(task)
    if not match:
        return False
    asked = _KNOW.search(task)
    # "Why does the build fail?" asks; "Find out why, and fix it" wants both
    return not asked or match.start() < asked.start() or bool(_AFTER.search(task))
