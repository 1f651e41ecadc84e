"""What a task wants of files: which are to be made, and which values they are to have.

A small model takes the first half of a task for all of it, and a pattern that matched nothing for a change.
"""

import glob
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from devops_agent import intent
from devops_agent.files import is_file, is_folder, text_if_readable
from devops_agent.grounding.task_words import PATH
from devops_agent.patterns import LEAD, NO_NAME, regex, said_in_full

_MAKES = regex(
    r"\b(?:creat\w+|writ\w+|mak(?:e|ing)|generate|render|save|store|put|pack|compress|archive|export|dump|need"
    r"|want|copy|keep|rename|move|convert|collect|list|record|draft|set up|stand up)\b",
    re.IGNORECASE,
)
# What stands before the name of a file that is to be made.
_LEADS = regex(
    r"\b(?:to|into|as|in|called|named|files?|script|unit|manifest|config(?:uration)?|an?|new|me)(?:\s+[a-z]+ly|\s+small|\s+short"
    r"|\s+simple|\s+new)?\s+[\"'`(]?$",
    re.IGNORECASE,
)
_SOURCE = regex(r"\bfrom (?:the )?files?\s+[\"'`(]?$", re.IGNORECASE)
_ALSO = regex(r"^[\"'`]?(?:,| and|, and) [\"'`]?$", re.IGNORECASE)
_RELATIVE = regex(r"\b(?:that|which|so that) (?!(?:is|are|was|were)\b)", re.IGNORECASE)
_KINDS = frozenset(
    """.sh .bash .py .js .yaml .yml .json .conf .cfg .ini .env .txt .md .log .csv .tsv .gz .tgz .tar .zip .xz
 .bz2 .service .timer .pem .crt .key .csr .toml .xml .html .sql .bak .orig .old .properties .sha256 .out .pid
 .example .gitignore .dockerignore .tmpl""".split()
)
_WITHOUT_SUFFIX = frozenset({"Dockerfile", "Makefile", ".env", ".gitignore", ".dockerignore"})
# There a file is not one of this machine.
_INSIDE = regex(
    r"\b(?:into|inside|in) (?:the |a |each )?(?:pod|container|deployment)\b|\bmake the app\b"
    r"|\bcreate an? (?:deployment|pod|job|cron ?job|config ?map|secret)\b",
    re.IGNORECASE,
)
_ELSEWHERE = regex(
    r"\b(?:pods?|containers?|images?|mount\w*|volumes?|config ?maps?|secrets?|keys?|inside|server|host)\b",
    re.IGNORECASE,
)

_NAMES = r"(?:[\w.-]*/)?[\w./-]*\w(?:(?:,? and |, )[\w./-]*\w)*"
_FOLDERS = r"(?:folders?|director(?:y|ies)|dirs?)(?: (?:called|named))?"
# "Create the folders a, b and c", "make a directory app with the subdirectories bin and etc"
_MAKES_FOLDERS = regex(
    r"\b(?:create|make|set up)(?: me)?(?: an?| the| new| two| three| four| empty)*"
    r" (?:folder|directory|dir|(?P<several>folders|directories|dirs))(?: (?:called|named))?"
    rf" (?P<names>{_NAMES})(?:,? (?:with|containing|and in it)"
    rf" (?:the |two |three |four )?sub-?{_FOLDERS} (?P<inner>{_NAMES}))?",
    re.IGNORECASE,
)
_BETWEEN = regex(r",? and |, ")

_IN_IT = r"(?: (?:and|with) (?:everything|all (?:files|of it)|whatever is) (?:that is )?(?:in|inside) it)?"
_WHOLE = r"(?:the )?(?:whole |entire )?"
_NAME = r"[\"'`]?(?:\./)?(?P<name>[\w-][\w./-]*?)/?[\"'`]?"
# "delete the whole folder old-app and everything in it", "remove the old-app directory"
_DELETES_FOLDER = [
    regex(rf"(?:(?:please|then|now|and) )*(?:delete|remove) {said}{_IN_IT}", re.IGNORECASE)
    for said in (
        rf"{_WHOLE}(?:folder|directory) {_NAME}",
        rf"{_WHOLE}{_NAME} (?:folder|directory)",
    )
]
_NO_FOLDER = frozenset(
    "the this that whole entire old new current working other same here it its my our".split()
)


def folder_to_delete(wish: str, directory: Path) -> str:
    """The folder that a wish wants deleted and says nothing more of; "" when there is none here."""
    return _folder_of(_DELETES_FOLDER, wish, directory)


def _folder_of(patterns: Iterable[re.Pattern[str]], wish: str, directory: Path) -> str:
    """The folder here that a wish names in one of these ways, and says nothing more; "" for none."""
    match = said_in_full(patterns, wish)
    name = match["name"] if match else ""
    is_below = name not in _NO_FOLDER and ".." not in Path(name).parts
    return name if name and is_below and is_folder(directory / name) else ""


# "Set workers to 12", "change the channel to '#ops-prod'": a value that a file is to have afterwards.
_SETS_VALUE = regex(
    r"\b(?:set|change|switch|raise|lower|increase|bump|update|point|move|give)\b[^.;]*?"
    r"\b(?:to|=|of) (?:port )?[\"'`]?(?P<value>[^\s\"'`,;()]+)",
    re.IGNORECASE,
)
# "… and the limit to 256Mi": one more, without a verb of its own.
_SETS_ALSO = regex(
    r"[\"'`]?(?:,| and)(?: also)? (?:the |its )?(?:[\w.-]+ ){1,6}?to [\"'`]?(?P<value>[^\s\"'`,;()]+)"
)
_TELLING = regex(r"[\d#/:@]")


# A file without a suffix, such as VERSION.
_CAPITALS = regex(r"(?<![\w./$-])[A-Z][A-Z_]{2,}(?![\w./=-])")
# What a file has, and not its text.
_OF_FILE = regex(
    r"\b(?:permissions?|mode|owner\w*|group|chmod|chown|size|branch|symlink|link|encoding"
    r"|line endings?|times?(?:stamp)?|cron|schedule|acl|copy)\b",
    re.IGNORECASE,
)
# What a file that is made for a task is to have in it: paths, addresses, pairs, numbers.
_STATED = regex(
    r"(?<![\w./=:-])((?:https?://|/|(?:[\w-]+/)+)[\w./:*-]*[\w/*](?!\w)|[A-Z][A-Z0-9_]+=[^\s,;]*[^\s,;.]|\d{2,}(?![\w./:-]))"
)


def to_make(task: str, directory: Path) -> list[str]:
    """The files that a task wants made and that are not there."""
    found: list[str] = []
    for wish in intent.wishes(intent.without_negations(task)):
        end = -1
        # what a script or an app does is not done here
        wish = _RELATIVE.split(wish)[0]
        for match in PATH.finditer(wish):
            before = wish[: match.start()]
            asked = bool(_MAKES.search(before) and _LEADS.search(before) and not _SOURCE.search(before))
            asked = asked or (end >= 0 and bool(_ALSO.match(wish[end : match.start()])))
            end = match.end() if asked else -1
            if asked and _is_file_name(match[1], wish) and not _is_there(match[1], directory):
                found.append(match[1])
    return found


_IN_THIS_FOLDER = regex(r"\bhere\b|\b(?:this|the current|the working) (?:folder|directory)\b", re.IGNORECASE)


def meant_path(task: str, path: str, directory: Path) -> str:
    """Where a file that is written belongs: in this folder, where the task names it and says so."""
    named = [name for name in to_make(task, directory) if Path(name).name == Path(path).name]
    said = set(re.findall(r"[\w.-]+", task))
    folders = {part for part in Path(path).parts[:-1] if part not in ("/", "~")}
    is_elsewhere = len(named) == 1 and Path(named[0]) != Path(path) and not said >= folders
    return named[0] if is_elsewhere and _IN_THIS_FOLDER.search(task) else path


def folders_to_make(wish: str) -> list[str]:
    """The folders that a wish lists to be made, when there are several of them."""
    match = _MAKES_FOLDERS.search(wish)
    if not match:
        return []
    outer = _BETWEEN.split(match["names"])
    if not match["several"]:
        outer = outer[:1]  # "create a folder a, copy b into it"
    inner = _BETWEEN.split(match["inner"]) if match["inner"] else []
    if inner and len(outer) == 1:
        return [f"{outer[0].rstrip('/')}/{name}" for name in inner]
    return outer if len(outer) > 1 and not inner else []


# "bump VERSION to 1.4.2", "set the version in version.txt to 2.0.0"
_SETS_WHOLE = regex(
    r"(?:(?:please|first|then|now) )*(?:bump|set|change|update|raise|switch) (?:the )?(?:\w+ in )?(?:the )?"
    r"(?:file )?[\"'`]?(?P<file>[\w./-]+)[\"'`]? to [\"'`]?(?P<value>[\w.+-]*\w)[\"'`]?\.?$",
    re.IGNORECASE,
)


LEVELS = ("major", "minor", "patch")
# "bump the patch version in VERSION"
_RAISES = [
    regex(
        r"(?:(?:please|first|then|now) )*(?:bump|increase|raise|increment)"
        rf" (?:the )?(?P<level>{'|'.join(LEVELS)})"
        r"(?: version| number| level| part)* (?:in|of) (?:the )?(?:file )?[\"'`]?(?P<file>[\w./-]+)[\"'`]?",
        re.IGNORECASE,
    )
]
_VERSION = regex(r"(v?)(\d+)\.(\d+)\.(\d+)")


def word_to_set(wish: str, directory: Path) -> tuple[str, str, str] | None:
    """The file of one word that a wish gives another one, that word, and its text now."""
    match = _SETS_WHOLE.match(wish) or said_in_full(_RAISES, wish)
    text = text_if_readable(directory / match["file"]) if match else None
    if match is None or text is None or len(text.split()) != 1 or re.search(r"[=:]", text):
        return None
    word = match.groupdict().get("value") or next_version(text.strip(), match["level"].lower())
    return (match["file"], word, text) if word else None


def next_version(version: str, level: str) -> str:
    """The version after one, such as 1.3.0 after 1.2.7 at `minor`; "" where it is none of three numbers."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return ""
    lead, numbers, raised = match[1], list(map(int, match.groups()[1:])), LEVELS.index(level)
    return lead + ".".join(map(str, [*numbers[:raised], numbers[raised] + 1, *[0] * (2 - raised)]))


_PAIR = r"[A-Za-z_][\w.]*=[^\s,;]*[^\s,;.]"
# "create a file app.env with PORT=8080 and HOST=localhost, readable only by me"
_MAKES_PAIRS = [
    regex(
        rf"{LEAD}(?:create|make|write|put)(?: me)? (?:an? |the )?(?:new )?"
        r"(?:(?:env|environment|config|properties) )?(?:file )?(?:called |named )?"
        r"[\"'`]?(?P<file>(?:[\w.-]+/)*[\w.-]*\.(?:env|properties|conf|cfg))[\"'`]?(?: file)?(?: here)?"
        r" (?:with|containing|that (?:sets|has|contains)) (?:the )?(?:variables |lines |settings |values )?"
        rf"(?P<pairs>{_PAIR}(?:(?:,? and |, ){_PAIR})*)"
        r"(?P<own>,? (?:and )?(?:that is |make it )?(?:only readable|readable (?:and writable )?only)"
        r" by (?:me|(?:the|its) owner)(?: only| alone)?"
        r"|,? (?:and |with )*(?:mode|permissions) (?P<mode>0?[0-7]{3}))?",
        re.IGNORECASE,
    )
]


def pairs_to_write(wish: str, directory: Path) -> tuple[str, str, str] | None:
    """The file that a wish wants made of pairs such as PORT=8080, its text, and its mode or ""."""
    match = said_in_full(_MAKES_PAIRS, wish)
    if match is None or os.path.lexists(directory / match["file"]):
        return None
    text = "".join(f"{pair}\n" for pair in re.findall(_PAIR, match["pairs"]))
    return match["file"], text, match["mode"] or ("600" if match["own"] else "")


# "copy app.py and settings.toml into releases/2", "copy both.py, of.py and them.py into it"
_COPIES = regex(
    rf"{LEAD}copy(?: the)?(?: files)? (?P<names>{_NAMES}) (?:in)?to (?:the )?"
    r"(?:folder |directory )?(?P<target>[\w./-]*\w)/?[\s.]*\Z",
    re.IGNORECASE,
)


def files_to_copy(wish: str, told: Sequence[str], directory: Path) -> tuple[list[str], str] | None:
    """The files that a wish lists to be copied, when there are several of them, and into which folder.

    Args:
        wish: The wish.
        told: Those before it: "it" is the folder that they make.
        directory: The working directory.
    """
    match = _COPIES.match(wish)
    names = _BETWEEN.split(match["names"]) if match else []
    if match is None or len(names) < 2 or not all(is_file(directory / name) for name in names):
        return None
    made = [found["names"] for each in told if (found := _MAKES_FOLDERS.search(each)) and not found["inner"]]
    if match["target"].lower() in ("it", "there"):
        return (names, made[0]) if len(made) == 1 and not _BETWEEN.search(made[0]) else None
    there = is_folder(directory / match["target"]) or match["target"] in made
    return (names, match["target"]) if there else None


_IN_FOLDER = r"(?: in (?:the )?(?:folder |directory )?(?P<folder>[\w./-]*\w)/?(?: folder| directory)?)?"
_EMPTY_FILES = regex(
    rf"{LEAD}(?:create|make|touch) (?:an? |the |two |three |four |five |\d+ )?(?:new )?empty files?"
    rf"(?: (?:called|named))? (?P<names>{_NAMES}){_IN_FOLDER}[\s.]*\Z",
    re.IGNORECASE,
)


def empty_files(wish: str, directory: Path) -> list[str]:
    """The empty files that a wish wants made and that are not there."""
    match = _EMPTY_FILES.match(wish)
    if match is None or (match["folder"] and not is_folder(directory / match["folder"])):
        return []
    names = [str(Path(match["folder"] or ".") / name) for name in _BETWEEN.split(match["names"])]
    return [] if any(os.path.lexists(directory / name) for name in names) else names


_EMPTIES_FOLDER = [
    regex(
        rf"(?:(?:please|then|now|and) )*{said} (?:the )?(?:folder |directory )?{_NAME}(?: folder| directory)?"
        r"(?:,? (?:but|and) (?:keep|leave) (?:the )?(?:(?:empty )?folder|directory|it)(?: itself)?)?",
        re.IGNORECASE,
    )
    for said in (
        r"(?:delete|remove) (?:everything|all(?: the)? (?:files(?: and folders)?|contents?))"
        r" (?:in|inside|from)",
        "empty",
    )
]


def folder_to_empty(wish: str, directory: Path) -> str:
    """The folder of which a wish wants all that is in it deleted and says nothing more; "" for none here."""
    return _folder_of(_EMPTIES_FOLDER, wish, directory)


_MOVES = [
    regex(
        rf"{LEAD}(?P<how>rename|move|copy) (?:the )?(?:file )?[\"'`]?(?P<source>[\w./-]*\w)[\"'`]?"
        r" (?:in)?(?:to|as) (?:the )?(?:folder |directory |file )?[\"'`]?(?P<target>[\w./-]*[\w/])[\"'`]?",
        re.IGNORECASE,
    )
]


def moved(wish: str, directory: Path) -> tuple[str, str, bool] | None:
    """The one file that a wish wants renamed, moved or copied, where to, and whether it is to stay too."""
    match = said_in_full(_MOVES, wish)
    if match is None or not is_file(directory / match["source"]):
        return None
    target = match["target"]
    how, suffix = match["how"].lower(), Path(target).suffix
    like = suffix == Path(match["source"]).suffix or suffix in _KINDS
    is_there = is_folder(directory / target)
    if not (is_there or (like and (suffix or how == "rename"))) or target.lower() in NO_NAME:
        return None
    inside = Path(target) / Path(match["source"]).name if is_there else Path(target)
    if os.path.lexists(directory / inside) or not is_folder((directory / inside).parent):
        return None
    return match["source"], target, how == "copy"


# "an executable script x.sh", "make x.sh executable"
_EXECUTABLE = regex(
    rf"\bexecutable\b(?:(?!\bexecutable\b)[^.;,]|\.\w){{0,40}}?{PATH.pattern}"
    rf"|{PATH.pattern}\s+executable\b",
    re.IGNORECASE,
)


def not_executable(task: str, directory: Path) -> str:
    """A file that a task wants to be executable and that is there and is not; "" when there is none."""
    named = [first or second for first, second in _EXECUTABLE.findall(intent.without_negations(task))]
    for name in named:
        below = [path for depth in ("*/", "*/*/") for path in directory.glob(f"{depth}{Path(name).name}")]
        there = [path for path in (directory / name, *below) if is_file(path)]
        if there and not os.access(there[0], os.X_OK):
            return str(there[0])
    return ""


def _is_file_name(word: str, wish: str) -> bool:
    if _INSIDE.search(wish) or (word.startswith(("/", "~")) and _ELSEWHERE.search(wish)):
        return False
    path = Path(word)
    known = path.suffix.lower() in _KINDS or path.name in _WITHOUT_SUFFIX
    return known and "YYYY" not in word  # a date is still to be put in


def _is_there(word: str, directory: Path) -> bool:
    """Whether there is such a file, in the directory or in a folder of it that the task may mean."""
    try:
        path = Path(word).expanduser()
        if path.is_absolute() or (directory / path).exists():
            return path.exists() or (directory / path).exists()
        return any(any(directory.glob(f"{depth}{path.name}")) for depth in ("*/", "*/*/"))
    except (OSError, RuntimeError, ValueError):  # too long, or the home of nobody
        return True


def not_made(outputs: Collection[str]) -> str:
    """That a file into which a task wants something is not there, in a sentence; "" when all are."""
    # an absolute path may be one in a container
    own = sorted(path for path in outputs if not path.startswith(("/", "~")))
    lacking = (path for path in own if not any(_is_at(path, below) for below in ("", "*/", "*/*/")))
    return next((f"There is no file {path} yet." for path in lacking), "")


def _is_at(path: str, below: str) -> bool:
    try:
        return any(Path().glob(f"{below}{glob.escape(path.removeprefix('./'))}"))
    except (OSError, ValueError, NotImplementedError):  # a path that leads up
        return os.path.lexists(path)


def absent_value(task: str, written: Collection[str] = ()) -> str:
    """What a task wants in a file that it names, and is not in it, in a sentence; "" when all is.

    Args:
        task: The task.
        written: The files that were made for it.
    """
    for wish in intent.wishes(intent.without_negations(task)):
        if _OF_FILE.search(wish):
            continue
        words = [*PATH.findall(wish), *_CAPITALS.findall(wish)]
        files = {word: text for word in words if (text := text_if_readable(word)) is not None}
        ((path, text),) = files.items() if len(files) == 1 else [("", "")]
        wanted = [value for value in _values_set(wish) if _TELLING.search(value)]
        if path in written and len(intent.wishes(task)) == 1:
            stated = [value.partition("YYYY")[0] for value in _STATED.findall(wish) if path not in value]
            wanted += [value.rpartition("/")[0] or value for value in stated]
        for value in wanted if path else ():
            if value not in text and value != path and not _has_pair(text, value):
                return f"{path} does not have {value} yet."
    return ""


def _has_pair(text: str, pair: str) -> bool:
    """Whether a text has a pair such as `DEBUG=1` in its own way, as `DEBUG: "1"`."""
    name, is_pair, value = pair.partition("=")
    own = rf"^[\s-]*[\"']?{re.escape(name)}[\"']?\s*[:=]\s*[\"']?{re.escape(value)}[\"']?,?\s*$"
    return bool(is_pair) and bool(re.search(own, text, re.MULTILINE))


def _values_set(wish: str) -> Iterator[str]:
    """The values that a wish wants settings to have."""
    for match in _SETS_VALUE.finditer(wish):
        one: re.Match[str] | None = match
        while one:
            yield one["value"].rstrip(".?!")
            one = _SETS_ALSO.match(wish, one.end())


# What takes the files as they are, by the word with which a task asks for it.
_TAKES_FILES = {
    "build": regex(r"\bdocker (?:buildx |compose )?build\b"),
    "commit": regex(r"\bgit commit\b"),
    "apply": regex(r"\bkubectl (?:-n \S+ )?apply\b"),
}


def absent_before(task: str, command: str) -> str:
    """What a task wants in a file before a command takes it as it is, and is not in it; "" when all is."""
    for verb, takes in _TAKES_FILES.items():
        if not takes.search(command):
            continue
        earlier: list[str] = []
        for wish in intent.wishes(task):
            if re.search(rf"\b{verb}\b", wish, re.IGNORECASE):
                return absent_value(". ".join(earlier))
            earlier.append(wish)
    return ""
