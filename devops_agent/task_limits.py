"""What a task allows, by its words: whether anything may go, and what must not be done.

A small model clears its way with a delete, and forgets the second half of "stop it, but keep its data".
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from devops_agent import file_answers
from devops_agent.intent import without_negations
from devops_agent.patterns import regex

_REMOVAL = regex(
    r"\b(?:delet|remov|drop|clean|purg|prun|uninstall|tear|destroy|get rid|recreat|replac|wip(?:e|ing)|evict"
    r"|free|discard|throw|truncat|rotat|undo|revert|roll|redeploy|reset|terminat|kill|stop|clear|empty)",
    re.IGNORECASE,
)
_REWRITE = regex(
    r"\b(?:overwrit|rewrit|from scratch|anew|empt(?:y|ies)|truncat|regenerat|recreat|start over|restor)"
    r"|\breplac\w+ (?:the )?(?:whole |entire |its |all )?(?:\S+ )?(?:file|contents?|text)\b"
    r"|\b(?:updat|refresh|replac|fill|clear|revert)\w* (?:the )?(?:file |log )?[\w./~-]*\w\.\w+"
    r" (?:with|by|from|to the last|to the previous)\b|\bclear (?:the )?(?:file |log )?[\w./~-]*\w\.\w+",
    re.IGNORECASE,
)
# "Remove all images but web:2", and not "All pods run but web-1 hangs"
_ALL_BUT = r"\b(?:remove|delete|drop|stop|kill|prune|restart|clean up) (?:all|every)(?: [\w-]+){1,4} but\b"
_EXCEPTION = regex(
    r"\b(?:except|keep|leave|spare|preserve"
    r"|(?:has|have|must|should|ought to) (?:to )?stay|stays?(?= (?:as|where|staged|in place))"
    r"|other than|apart from|all but|unless|still (?:needed|in use|used)"
    rf"|only (?:those|the|what))\b|\bbut (?:not|do not|don)|{_ALL_BUT}",
    re.IGNORECASE,
)
# "all tags except web:2.0", "but keep db-1 and db-2"
_EXCEPTED = regex(
    rf"(?P<sure>\bexcept(?: for)?\b|\ball but\b|{_ALL_BUT}|\bother than\b|\bapart from\b)?"
    r"(?(sure)|\b(?:but (?:not|keep|leave|spare)|keep|leave|spare)\b)"
    r"\s(?P<what>(?:(?!\b(?:in|of|from|on|for|as|to|then|because|which|that)\b"
    r"|,? and \w+ (?:the|it|them)\b"
    r"|\b(?:and|but|then) (?:then )?(?:remove|delete|stop|kill|prune)\b)(?:[^.;,\n]|\.\w))*)",
    re.IGNORECASE,
)
_NO_NEED = regex(r"\bno need to \w+", re.IGNORECASE)
_NAME = regex(r"[\w./:*~-]*\w")
_TELLING = regex(r"\w[./:_-]\w|\d")
_NO_NAMES = frozenset(
    """the a an one ones them those this that it its other others container image pod running and or not but
 check keep""".split()
)
_FIGURES = regex(r"\b(?:how (?:many|much)|number of|versions? of|count|total|sum|add up)\b", re.IGNORECASE)
_ALL = regex(r"\b(?:all|every|everything|each|unused|dangling|prune|clean(?:ing)? up)\b", re.IGNORECASE)
# "Do not restart it", "and don't push", "without stopping"; not "the pods don't start".
_FORBIDDEN = regex(
    r"(?:(?:^|[,.;:(–-]\s*|\b(?:and|but|please)\s+)(?:please )?(?:do not|don['’]?t|never)|\bwithout)"
    r"\s+(?:being )?(\w+?)(?:ing|ed)?(?:\s+(?:or|and)\s+(\w+?)(?:ing|ed)?)?\b"
    r"|\b(restart|stop|delete|remove|push|start) nothing\b",
    re.IGNORECASE | re.MULTILINE,
)
# "*.tmp", "the .bak files", "all log files"
_ENDING = regex(r"\*\.(\w+)|(?<!\w)\.(\w+) files\b", re.IGNORECASE)
_KIND = regex(r"\b(\w+)[ -]files\b", re.IGNORECASE)
_ENDINGS = {
    **{
        kind: (kind,)
        for kind in "log json csv xml html css sql pdf zip tar gz conf ini swp pyc png jpg".split()
    },
    "backup": ("bak", "orig", "old"),
    "bak": ("bak",),
    "javascript": ("js",),
    "markdown": ("md",),
    "python": ("py",),
    "shell": ("sh",),
    **dict.fromkeys(("temp", "temporary", "tmp"), ("tmp", "temp")),
    "text": ("txt",),
    "yaml": ("yaml", "yml"),
}
_MAY_NOT = regex(r"\bno \w+ may be (\w+?)(?:p?ed|d)\b", re.IGNORECASE)


# "delete every log that has no ERROR in it"
_DELETES_FILES = regex(
    r"\A(?!.*\b(?:lines?|entr(?:y|ies)|rows?|words?|text|contents?|sections?|blocks?|comments?|spaces?)\b)"
    r".*\b(?:delete|remove|clean up|get rid of)\b(?![^;]*\b(?:from|in|of) (?:the file )?[\w/-]+\.\w)"
    r"[^.;]*\b(?:files?|logs?)\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Limits:
    """What may be done for a task.

    Attributes:
        removes: Whether the task says that something is to go, or to be made anew.
        rewrites: Whether it says that a file is to get another text altogether.
        spares: Whether it says that something is to stay as it is.
        excepted: The names behind "except", "but keep" and the like.
        takes_all: Whether it speaks of all things of a kind.
        wants_figures: Whether it wants something counted or added up.
        answer_file: The file into which it wants put what is to be found; "" for none.
        outputs: The files into which it wants something written.
        made_here: Those of them that are in the working directory when it is done.
        stated: Images, addresses and pairs such as `DEBUG=1` that something is to be made, run or set with.
        untouched: The files that it wants left as they are.
        remakes: Whether it wants a Dockerfile made, or made in another way.
        deletes_files: Whether it wants whole files deleted, and nothing of what is in them.
        forbidden: The verbs of what it says not to do, without their endings.
        endings: Those of the files that it speaks of, where it speaks of files of a kind.
        words: Its words, names among them.
    """

    removes: bool = True
    rewrites: bool = True
    spares: bool = False
    excepted: frozenset[str] = frozenset()
    takes_all: bool = True
    wants_figures: bool = False
    answer_file: str = ""
    outputs: frozenset[str] = frozenset()
    made_here: frozenset[str] = frozenset()
    stated: tuple[str, ...] = ()
    untouched: frozenset[str] = frozenset()
    remakes: bool = True
    deletes_files: bool = False
    forbidden: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()


_NAME_OF_FILE = (
    r"[\"'`]?([\w./~-]*\w\.(?:txt|csv|tsv|json|ya?ml|toml|ini|conf|env|log|md|html?|xml|sql|sh|py|gz|tgz|tar"
    r"|zip|xz|bz2|sha256|pem|key|crt|pid|out|list))(?![\w/])"
)
# "save the last lines of its log in web.log"
_OUTPUT = regex(
    r"\b(?:(?:writ|sav|stor|put|record|dump)\w*\b[^;\n]*?\b(?:in|to|into|as)"
    r"|(?:export|output|redirect|print|list|convert|merg|combin|concatenat|join|extract|render|sort|collect"
    r"|encod|decod|(?:de)?compress|g?(?:un)?zip|tar|pack|archiv|pip)\w*\b[^;\n]*?\b(?:to|into|as)"
    r"|(?:creat|generat|mak)\w* (?:an? |the |new |text |empty )*(?:file|archive|list)\b[^;\n]*?"
    r"\b(?:in|called|named|as))"
    rf"\s+(?:(?:the|a|an|my|new|text|output) )*(?:file )?{_NAME_OF_FILE}",
    re.IGNORECASE,
)
# Then a file that is not there may come later, lie elsewhere, or be gone again.
_NOT_HERE = regex(
    r"\b(?:cron\w*|timers?|scripts?|every|daily|nightly|weekly|hourly|minutes?|container|pod|inside|volume"
    r"|(?:delet|remov)\w*|image|dockerfile|compose|config ?map|logrotate|service|unit|if)\b",
    re.IGNORECASE,
)
# What something is to be made, run or set with; of what is there already a task says "was" or "runs".
_STATED = regex(
    r"(?<!was )(?<!were )(?<!is )(?<!started )(?<!points )(?<!slow )(?<!that )"
    r"\b(?i:as|to|with|on|at|set|add|use|run|start|build|it|called|named|reachable)"
    r" (?:(?:the|an?|new|image|env(?:ironment)?|variables?|label|address) )*[\"'`]?"
    r"(\d{1,3}(?:\.\d{1,3}){3}:\d+(?![\d./])|[A-Z][A-Z0-9_]+=[^\s,;\"'`)]+"
    r"|(?!localhost|network|host)[a-z][\w./-]*[a-z0-9]:(?=[\w.-]*[a-z.]|\d{1,2}\b)[\w.-]*\w)(?![\w:/])"
)
_ENDS_IT = regex(r"\b(?:remov|delet|without|untag|restart)\w*\b", re.IGNORECASE)
_FILE = r"[\"'`]?(?:[\w./~-]*\w\.\w+|\.\w[\w.-]*|[\w/-]+/|Dockerfile|Makefile|Jenkinsfile)(?![\w/])[\"'`]?"
_FILES = rf"(?:(?:the|our|my|its|files?|folders?) )*{_FILE}(?:(?:,| and| or| nor)+ (?:the )?{_FILE})*"
_TOUCHED = r"(?:touch|chang|edit|modif|alter|overwrit|rewrit)\w*"
_UNTOUCHED = regex(
    rf"(?:\bwithout {_TOUCHED}|(?:\b(?:do not|never|not)|n['’]t) {_TOUCHED}|\bhands off) (?P<after>{_FILES})"
    rf"|\bleave (?P<left>{_FILES}) (?:alone|as|untouched|unchanged)"
    rf"|(?P<before>{_FILES}) (?:(?:must|may|should|shall|is|are)(?: not|n['’]t) (?:to )?be {_TOUCHED}"
    r"|(?:(?:must|should|is to|are to) )?(?:stays?|remains?) (?:as|untouched|unchanged))",
    re.IGNORECASE,
)
_REMAKES = regex(
    r"\b(?:creat\w*|writ\w*|generat(?:e|ing)|new|rewrit\w*|small\w*|slim\w*|siz\w*|reduc\w*|shrink\w*|optimi\w*"
    r"|multi-?stage|(?:docker|container)i[sz]\w*|from scratch|base image|convert\w*|switch\w*|make)\b",
    re.IGNORECASE,
)
_CONDITION = regex(
    r"\b(?:except|unless|if|otherwise|other than|apart from|but for|permissions?|owner|mode)\b|\A in\b",
    re.IGNORECASE,
)
# "The other files in conf/ must not be changed": of that folder others may be.
_OTHERS = regex(r"\b(?:in|of|from|other|rest)\s*$", re.IGNORECASE)


def _untouched(task: str) -> Iterator[str]:
    for match in _UNTOUCHED.finditer(task):
        behind = re.split(r"[;\n]|\.\s", task[match.end() :])[0]
        if _OTHERS.search(task[: match.start()]) or _CONDITION.search(behind):
            continue
        for name in re.findall(_FILE, match["after"] or match["left"] or match["before"], re.IGNORECASE):
            yield name.strip("\"'`").removeprefix("./").rstrip("/")


def limits_of(task: str) -> Limits:
    """The limits that the words of a task set."""
    wanted = _MAY_NOT.sub(" ", without_negations(task))
    outputs = frozenset(_OUTPUT.findall(wanted))
    stated = () if _ENDS_IT.search(task) else _STATED.findall(wanted)
    words = [word for found in _FORBIDDEN.findall(task) for word in found] + _MAY_NOT.findall(task)
    return Limits(
        removes=bool(_REMOVAL.search(wanted)),
        rewrites=bool(_REWRITE.search(wanted)),
        spares=makes_exception(task),
        excepted=_excepted(without_negations(_NO_NEED.sub(" ", task))),
        wants_figures=bool(_FIGURES.search(task)),
        answer_file=file_answers.file_of(task),
        outputs=frozenset(map(os.path.normpath, outputs)),
        made_here=frozenset() if _NOT_HERE.search(task) else outputs,
        stated=tuple(value.rstrip(".") for value in stated),
        untouched=frozenset(_untouched(task)),
        remakes=bool(_REMAKES.search(wanted)),
        takes_all=bool(_ALL.search(wanted)),
        deletes_files=bool(_DELETES_FILES.search(wanted)),
        # "stop web, but do not stop db" forbids no stop as such
        forbidden=tuple(dict.fromkeys(w.lower() for w in words if w and w.lower() not in wanted.lower())),
        endings=_endings(task.lower()),
        words=frozenset(re.findall(r"[\w./*-]*[\w*]", task)),
    )


def _excepted(task: str) -> frozenset[str]:
    """The names that are to stay: those of exceptions that are named nowhere else."""
    found: set[str] = set()
    for match in _EXCEPTED.finditer(task):
        elsewhere = {*_NAME.findall(task[: match.start("what")]), *_NAME.findall(task[match.end("what") :])}
        names = {word for word in _NAME.findall(match["what"]) if word.lower() not in _NO_NAMES}
        found |= {word for word in names - elsewhere if match["sure"] or _TELLING.search(word)}
    return frozenset(found)


def _endings(task: str) -> tuple[str, ...]:
    named = [ending for found in _ENDING.findall(task) for ending in found if ending]
    of_kind = [ending for kind in _KIND.findall(task) for ending in _ENDINGS.get(kind, ())]
    return tuple(dict.fromkeys(named + of_kind))


def makes_exception(task: str) -> bool:
    """Whether a task says that something is to stay as it is."""
    return bool(_EXCEPTION.search(task))
