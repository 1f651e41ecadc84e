"""What a wish says in full of the lines of files: one to be appended, a section, those with a text."""

import csv
import io
import os
import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from math import isfinite
from pathlib import Path

from devops_agent import schedules
from devops_agent.delimited import rows_of, separator_of
from devops_agent.files import is_file, is_folder, text_if_readable
from devops_agent.patterns import LEAD, NO_NAME, regex, said_in_full

_FILE = r"(?:the )?(?:file )?[\"'`]?(?P<file>[\w./-]*\w)[\"'`]?"
_APPENDS = [
    regex(
        rf"{LEAD}(?:append|add) the (?:new )?line (?P<quote>[\"'`])(?P<line>[^\"'`\n]+)(?P=quote)"
        rf" (?:at the end of|to the end of|to) {_FILE}",
        re.IGNORECASE,
    )
]
# "add flask to requirements.txt": a list of one entry a line, and whether there need be one
_ADDS_ENTRY = [
    regex(
        rf"{LEAD}(?:append|add|put) (?:the (?:package|pattern|entry) )?[\"'`]?(?P<line>{entry})[\"'`]?"
        rf" (?:in)?to (?:the |my |our )?(?:file )?[\"'`]?(?P<file>{name})[\"'`]?(?: file)?",
        re.IGNORECASE,
    )
    for entry, name in (
        (r"[A-Za-z][\w.-]*(?:\[[\w,]+\])?(?:[=<>~!]=?[\w.*]+)?", r"(?:[\w./-]*/)?requirements[\w.-]*\.txt"),
        (r"[\w*./~-]+", r"(?:[\w./-]*/)?\.(?:git|docker)ignore"),
    )
]
_PAIR = r"[\w.-]+ ?= ?[^\s,;=]*[^\s,;=.]"
_ADDS_SECTION = [
    regex(
        rf"{LEAD}(?:add|append) (?:a |an |the )?(?:new )?section \[(?P<section>[\w. -]+)\]"
        rf" (?:with|containing) (?P<pairs>{_PAIR}(?:(?:, and | and |, ){_PAIR})*)"
        rf" (?:at the end of|to the end of|to) {_FILE}",
        re.IGNORECASE,
    )
]
_SORTS = [
    regex(
        rf"{LEAD}sort (?:the )?(?:rows of )?(?:the )?(?:file )?(?P<table>[\w./-]*\w\.[ct]sv) (?:by|on)"
        r" (?:the )?(?:column )?[\"'`]?(?P<column>[\w.-]*\w)[\"'`]?(?: column)?"
        r"(?: ascending)?(?P<down>,? descending)?"
        r"(?:,? in place"
        rf"|,? (?:and )?(?:save|write|store|put) (?:it|the result|that) (?:as|in|into|to) {_FILE}"
        r"|(?: in)?to (?:the )?(?:file )?(?P<other>[\w./-]*\w\.[ct]sv))?",
        re.IGNORECASE,
    )
]
# A date as it is sorted, or a word without a number.
_SORTABLE = regex(r"\d{4}-\d\d-\d\d(?:[T ][\d:.Z+-]+)?|\D+")
_BETWEEN = regex(r", and | and |, ")
# What is done to all lines of a file, one thing after the other.
_REMOVES = r"(?:remove|delete|drop|strip) (?:the |all |any )?"
_ALSO_REMOVES = r"(?:(?:remove|delete|drop|strip|trim) )?(?:the |all |any )?"
_TURNS = r"(?:convert|turn|change)(?: (?:it|all|everything|all lines))? (?:in)?to"
_WORKS = {
    "sort by number": r"sort(?: it)?(?: (?:the )?lines)? (?:numerically|by number)",
    "sort": r"sort(?: it)?(?: (?:the )?lines)?(?: alphabetically)?",
    "drop repeated": rf"{_REMOVES}(?:duplicates?|duplicated?|repeated|double)(?: lines| entries)?"
    r"|dedup(?:e|licate)(?: (?:the )?lines)?",
    "drop empty": rf"{_ALSO_REMOVES}(?:empty|blank) lines",
    "drop comments": rf"{_ALSO_REMOVES}(?:comments|comment lines)",
    "drop #": rf"{_ALSO_REMOVES}lines (?:that (?:start|begin)|starting|beginning) with [\"'`]?#[\"'`]?",
    "trim": rf"{_ALSO_REMOVES}trailing (?:white ?space|spaces|blanks)",
    "lower": rf"{_TURNS} lower ?case",
    "upper": rf"{_TURNS} upper ?case",
}
_SAVES = regex(
    r",?(?: and| then)* (?:save|write|store|put)"
    rf" (?:it|that|them|the (?:result|rest|output|lines)|what is left) (?:as|to|into|in) {_FILE}\Z",
    re.IGNORECASE,
)
_SAID = "|".join(f"(?P<w{number}>{said})" for number, said in enumerate(_WORKS.values()))
_WORK = regex(
    rf"(?:(?:,| |and|then|also) ?)*(?:{_SAID})(?: (?:but|and) keep the order)?(?![\w-])", re.IGNORECASE
)
# Files of lines that stand for themselves, and those whose order tells something.
_LISTS = frozenset(("", ".txt", ".list", ".lst", ".log"))
_SETTINGS = frozenset((".env", ".conf", ".cfg", ".ini", ".properties"))
_IN_SETTINGS = frozenset(("drop empty", "drop comments", "drop #", "trim"))
_COLLECTS = [
    regex(
        rf"{LEAD}(?:find|collect|get|take|grep|copy|write|save) (?:all |the )?(?:the )?lines"
        r" (?:with|containing|that contain) (?:the (?:word|text) )?[\"'`]?(?P<text>[\w.:-]*\w)[\"'`]?"
        r" (?:in|of|from) (?:the )?(?:all )?(?:files? )?(?:(?:in|of) )?"
        r"(?:the )?(?:folder |directory )?[\"'`]?(?P<source>[\w./-]*\w)/?[\"'`]?"
        rf"(?:,? and (?:then )?(?:write|save|put|store) (?:them|these))? (?:in)?to {_FILE}",
        re.IGNORECASE,
    )
]


def appended(wish: str, directory: Path) -> tuple[str, str, str] | None:
    """The file to which a wish appends a line or a section that is not there, its text then and now."""
    if match := said_in_full(_APPENDS, wish):
        new = [match["line"]]
    elif match := said_in_full(_ADDS_SECTION, wish):
        pairs = (pair.partition("=") for pair in _BETWEEN.split(match["pairs"]))
        new = ["", f"[{match['section']}]", *(f"{name.strip()}={value.strip()}" for name, _, value in pairs)]
    elif (match := said_in_full(_ADDS_ENTRY, wish)) and match["line"].lower() not in NO_NAME:
        new = [match["line"]]
    else:
        return None
    text = text_if_readable(directory / match["file"])
    if text is None and match["file"].endswith("ignore") and not (directory / match["file"]).exists():
        text = ""
    if text is None or "\r" in text or new[-1 if len(new) == 1 else 1] in text.split("\n"):
        return None
    if "requirements" in match["file"] and _package(new[0]) in map(_package, text.split("\n")):
        return None  # with another version, which may be meant
    if len(new) > 1 and " = " in text:  # as the file has it
        new = [re.sub(r"^([^=\[]+)=", r"\1 = ", line) for line in new]
    return match["file"], "\n".join([f"{_ended(text)}{new[0]}", *new[1:], ""]), text


# "put a .dockerignore here that leaves out .git and *.md"
_IGNORES = [
    regex(
        rf"{LEAD}(?:put|create|make|write|add|set up)(?: me)? (?:an? |the )?"
        r"(?P<file>(?:[\w.-]+/)*\.(?:git|docker)ignore)(?: file)?(?: here| in this folder)?,?"
        r" (?:(?:that|which) (?:leaves out|ignores|excludes|skips|has|contains|lists)"
        r"|with|containing|for|to (?:ignore|exclude)) (?:the )?(?:patterns? |entries |folders? |files? )?"
        r"(?P<entries>[^\s,]+(?:(?:,? and |, )[^\s,]+)*)",
        re.IGNORECASE,
    )
]
_ENTRY = regex(r"(?=.*\w)[\w.*/-]*[.*/][\w.*/-]*")


def ignoring(wish: str, directory: Path) -> tuple[str, str] | None:
    """The ignore file that a wish wants made of patterns that it lists, and its text."""
    match = said_in_full(_IGNORES, wish)
    if match is None or os.path.lexists(directory / match["file"]):
        return None
    entries = [entry.strip("\"'`") for entry in _BETWEEN.split(match["entries"])]
    clear = all(_ENTRY.fullmatch(entry) or os.path.lexists(directory / entry) for entry in entries)
    return (match["file"], "".join(f"{entry}\n" for entry in entries)) if clear else None


# "add a cron line to crontab.txt that runs /opt/backup.sh every day at 2:30"
_EACH = (
    r"(?:day|night|morning|evening|hour|minute|\d+ (?:minutes|hours)|weekday"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day)"
)
_AT = r" at \d{1,2}(?:[:.]\d\d)?(?: ?[ap]m| o'clock)?(?: in the (?:morning|evening|night|afternoon))?"
_ADDS_JOB = [
    regex(
        rf"{LEAD}(?:add|append|put) (?:an? |the )?(?:new )?(?:cron ?(?:tab)?|daily|nightly|hourly|weekly)?"
        r" ?(?:cron )?(?:line|entry|job) (?:to|into|in) (?:the )?(?:file )?[\"'`]?(?P<file>[\w./-]*\w)[\"'`]?"
        r",? (?:that|which|to) (?:runs?|starts?|executes?|calls?) [\"'`]?(?P<command>/[\w./-]*\w)[\"'`]?"
        rf" (?:(?:every|each) {_EACH}(?:{_AT})?|(?:daily|nightly|hourly)(?:{_AT})?"
        rf"|{_AT.strip()} (?:every|each) day)",
        re.IGNORECASE,
    )
]


def scheduled(wish: str, directory: Path) -> tuple[str, str, str] | None:
    """The crontab file to which a wish adds a job, its text then and now."""
    match = said_in_full(_ADDS_JOB, wish)
    text = text_if_readable(directory / match["file"]) if match else None
    if match is None or (text is None and (directory / match["file"]).exists()):
        return None
    fields, before = schedules.cron_of(wish) or schedules.only_schedule(wish), text or ""
    line = f"{fields} {match['command']}"
    is_table = "cron" in match["file"] and not match["file"].startswith("/etc/")
    if not fields or not is_table or match["command"] in before or "\r" in before:
        return None
    return match["file"], f"{_ended(before)}{line}\n", before


# "… then add the line "see README" at the end"
_APPENDS_TO_IT = [
    regex(
        rf"{LEAD}(?:append|add) (?:the (?:new )?line |the text )?"
        r"(?P<quote>[\"'`])(?P<line>[^\"'`\n]+)(?P=quote)(?: as (?:a |the )?(?:new |last )?line)?"
        r"(?: (?:at|to) the (?:end|bottom))?(?: of)?(?: (?:to )?(?:it|the file))?",
        re.IGNORECASE,
    )
]
_MAKES_FILE = regex(
    r"\b(?:rename|move|copy|convert)\b.* (?:to|as|into) [\"'`]?(?P<file>[\w./-]*\w\.\w+)[\"'`]?$",
    re.IGNORECASE,
)


def appended_to_it(wish: str, told: Sequence[str]) -> str:
    """The command that appends a line to the file that the wish before it makes; "" for another wish."""
    match = said_in_full(_APPENDS_TO_IT, wish)
    made = _MAKES_FILE.search(told[-1].strip(" .")) if told else None
    if match is None or made is None:
        return ""
    path = shlex.quote(made["file"])
    return f"{ending_last_line(path)}\nprintf '%s\\n' {shlex.quote(match['line'])} >> {path}"


def ending_last_line(path: str) -> str:
    """The command that ends the last line of a file, quoted for the shell, where it has no end."""
    return f'test ! -s {path} || test -z "$(tail -c 1 -- {path})" || echo >> {path}'


def _ended(text: str) -> str:
    """A text whose last line has an end."""
    return text if not text or text.endswith("\n") else f"{text}\n"


def _package(line: str) -> str:
    """The name of a package, however it is spelt: https://peps.python.org/pep-0503/"""
    return re.sub(r"[-_.]+", "-", (re.match(r"[\w.-]*", line.strip()) or ("",))[0]).lower()


def sorted_table(wish: str, directory: Path) -> tuple[str, str, str] | None:
    """The file in which a wish wants the rows of a table sorted by a column, its text then, and the table."""
    match = said_in_full(_SORTS, wish)
    text = text_if_readable(directory / match["table"]) if match else None
    if match is None or not text:
        return None
    rows = rows_of(match["table"], text)
    path = match["file"] or match["other"] or match["table"]
    if Path(path).suffix != Path(match["table"]).suffix or "\r" in text or not rows:
        return None
    if match["column"] not in rows[0]:
        return None
    at, by_number = rows[0].index(match["column"]), False
    with suppress(ValueError):
        by_number = all(map(isfinite, (float(row[at]) for row in rows[1:])))
    if not by_number and not all(_SORTABLE.fullmatch(row[at]) for row in rows[1:]):
        return None  # in which order these stand, only the user knows

    def key(row: list[str]) -> tuple[float, str]:
        return (float(row[at]), "") if by_number else (0.0, row[at])

    printed = io.StringIO()
    writer = csv.writer(printed, delimiter=separator_of(path), lineterminator="\n")
    writer.writerows([rows[0], *sorted(rows[1:], key=key, reverse=bool(match["down"]))])
    return path, printed.getvalue(), match["table"]


def reworked(wish: str, directory: Path) -> tuple[str, str, str] | None:
    """The file that a wish wants the lines of a file sorted or cleaned into, its text then, and that file."""
    text = re.sub(rf"\A{LEAD}", "", wish.strip(" .!"), flags=re.IGNORECASE)
    saves = _SAVES.search(text)
    text = text[: saves.start()] if saves else text
    sources = [word for word in re.findall(r"[\w./-]*\w", text) if is_file(directory / word)]
    if len(sources) != 1:
        return None
    named = rf" ?(?:\b(?:of|in|from|the|file|lines of) )*[\"'`]?{re.escape(sources[0])}[\"'`]?"
    text, works, at = re.sub(named, "", text, flags=re.IGNORECASE), [], 0
    while at < len(text):
        match = _WORK.match(text, at)
        if match is None:
            return None
        works.append(list(_WORKS)[int(str(match.lastgroup)[1:])])
        at = match.end()
    before = text_if_readable(directory / sources[0])
    path = saves["file"] if saves else sources[0]
    if not works or not before or "\r" in before or is_folder(directory / path):
        return None
    if path != sources[0] and text_if_readable(directory / path):
        return None  # what is in it may be wanted
    suffix = Path(sources[0]).suffix
    if suffix not in _LISTS and not (suffix in _SETTINGS and _IN_SETTINGS.issuperset(works)):
        return None  # there a line stands for more than itself
    lines = before.splitlines()
    for work in works:
        try:
            lines = _worked(lines, work)
        except ValueError:  # no numbers to sort by
            return None
    return path, "".join(f"{line}\n" for line in lines), sources[0]


def _worked(lines: list[str], work: str) -> list[str]:
    match work:
        case "sort":
            return sorted(lines)
        case "sort by number":
            return sorted(lines, key=lambda line: float((line.split() or [""])[0]))
        case "drop repeated":
            return list(dict.fromkeys(lines))
        case "drop empty":
            return [line for line in lines if line.strip()]
        case "drop comments":
            signs = ("#", ";") if any(re.match(r"\s*\[.*\]\s*$", line) for line in lines) else "#"
            return [line for line in lines if not line.lstrip().startswith(signs)]
        case "drop #":
            return [line for line in lines if not line.lstrip().startswith("#")]
        case "trim":
            return [line.rstrip() for line in lines]
        case "lower":
            return [line.lower() for line in lines]
        case _:
            return [line.upper() for line in lines]


def collecting(wish: str, directory: Path) -> str:
    """The command that writes the lines with a text of the files of a folder, or of one file, to a file."""
    match = said_in_full(_COLLECTS, wish)
    if match is None or not (is_file(directory / match["source"]) or is_folder(directory / match["source"])):
        return ""
    places = (directory / match["source"], directory / match["file"])
    if is_folder(places[1]) or places[0].resolve() == places[1].resolve():
        return ""
    source, target = match["source"], shlex.quote(match["file"])
    flags = (
        f"-rhIF --exclude={shlex.quote(Path(match['file']).name)}" if is_folder(directory / source) else "-hF"
    )
    return f"grep {flags} -- {shlex.quote(match['text'])} {shlex.quote(source)} > {target}"
