"""What a task allows, by its words: whether anything may go, and what must not be done.

A small model clears its way with a delete, and forgets the second half of "stop it, but keep its data".
"""

import re
from dataclasses import dataclass

from devops_agent.intent import without_negations

_REMOVAL = re.compile(
    r"\b(?:delet|remov|drop|clean|purg|prun|uninstall|tear|destroy|get rid|recreat|replac|wip(?:e|ing)|evict"
    r"|free|discard|throw|truncat|rotat|undo|revert|roll|redeploy|reset|terminat|kill|stop|clear|empty)",
    re.IGNORECASE,
)
_REWRITE = re.compile(
    r"\b(?:overwrit|rewrit|from scratch|anew|empt(?:y|ies)|truncat|regenerat|recreat|start over|restor)"
    r"|\breplac\w+ (?:the )?(?:whole |entire |its |all )?(?:\S+ )?(?:file|contents?|text)\b",
    re.IGNORECASE,
)
_EXCEPTION = re.compile(
    r"\b(?:except|keep|leave|spare|preserve"
    r"|(?:has|have|must|should|ought to) (?:to )?stay|stays?(?= (?:as|where|staged|in place))"
    r"|other than|apart from|all but|unless|still (?:needed|in use|used)"
    r"|only (?:those|the|what))\b|\bbut (?:not|do not|don)",
    re.IGNORECASE,
)
# "Do not restart it", "and don't push", "without stopping"; not "the pods don't start".
_FORBIDDEN = re.compile(
    r"(?:(?:^|[,.;:(–-]\s*|\b(?:and|but|please)\s+)(?:please )?(?:do not|don['’]?t|never)|\bwithout)"
    r"\s+(?:being )?(\w+?)(?:ing|ed)?(?:\s+(?:or|and)\s+(\w+?)(?:ing|ed)?)?\b"
    r"|\b(restart|stop|delete|remove|push|start) nothing\b",
    re.IGNORECASE | re.MULTILINE,
)
# "all log files", "*.tmp", "the .bak files"; and what is named itself: "and app.py"
_KIND = re.compile(r"\*?\.?\b(\w+)[ -]files\b|\*\.(\w+)", re.IGNORECASE)
_FILE = re.compile(r"[\w-]+\.\w+")
_ENDINGS = {
    "backup": ("bak", "orig", "old", "~"),
    "javascript": ("js",),
    "markdown": ("md",),
    "python": ("py",),
    "shell": ("sh",),
    "temp": ("tmp",),
    "temporary": ("tmp", "temp"),
    "text": ("txt",),
    "yaml": ("yml",),
}
_MAY_NOT = re.compile(r"\bno \w+ may be (\w+?)(?:p?ed|d)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """What may be done for a task.

    Attributes:
        removes: Whether the task says that something is to go, or to be made anew.
        rewrites: Whether it says that a file is to get another text altogether.
        spares: Whether it says that something is to stay as it is.
        forbidden: The verbs of what it says not to do, without their endings.
        kind: Parts of the names of the files that it speaks of, where it speaks of files of a kind.
    """

    removes: bool = True
    rewrites: bool = True
    spares: bool = False
    forbidden: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()


def limits_of(task: str) -> Limits:
    """The limits that the words of a task set."""
    wanted = _MAY_NOT.sub(" ", without_negations(task))
    words = [word for found in _FORBIDDEN.findall(task) for word in found] + _MAY_NOT.findall(task)
    return Limits(
        removes=bool(_REMOVAL.search(wanted)),
        rewrites=bool(_REWRITE.search(wanted)),
        spares=makes_exception(task),
        # "stop web, but do not stop db" forbids no stop as such
        forbidden=tuple(dict.fromkeys(w.lower() for w in words if w and w.lower() not in wanted.lower())),
        kind=_kind(task.lower()),
    )


def _kind(task: str) -> tuple[str, ...]:
    kinds = [word for found in _KIND.findall(task) for word in found if word]
    endings = [ending for word in kinds for ending in (word, *_ENDINGS.get(word, ()))]
    return tuple(dict.fromkeys(endings + _FILE.findall(task))) if kinds else ()


def makes_exception(task: str) -> bool:
    """Whether a task says that something is to stay as it is."""
    return bool(_EXCEPTION.search(task))
