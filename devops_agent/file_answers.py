"""What a task wants found and put into a file: "write the kernel version into facts.txt".

A small model writes what it believes such an answer to be before it has looked.
"""

import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devops_agent import facts, intent, line_wishes
from devops_agent.files import is_folder, text_if_readable
from devops_agent.patterns import LEAD, regex, said_in_full
from devops_agent.policy import effects

_PUTS = (
    r"(?:write|save|put|store|record|export|dump|output|redirect|note(?: down)?|print|list|collect|extract)"
)
_FILE = (
    r"(?:in)?to (?:an? |the )?(?:new )?(?:text )?(?:file )?(?:called |named )?"
    r"[\"'`]?(?P<file>[\w./-]*\w\.\w+)[\"'`]?(?: file)?"
)
_IN_FILE = _FILE.replace("(?:in)?to", "(?:to|into|in|as)", 1)
_LINES = (
    r"(?:,? (?:with )?(?:one|each)(?: \w+)? (?:per|a|on (?:a|its own|each)) (?:separate )?line(?: each)?)?"
)
_SORTED = r"(?P<sorted>,? (?:and )?sorted(?: alphabetically| by name)?)?"
_ONCE = r"(?P<once>,? (?:and )?(?:without (?:duplicates|repetitions)|each (?:only )?once|unique))?"
_TAIL = rf"{_LINES}{_SORTED}{_ONCE}{_LINES}(?:,? (?:and )?nothing else)?"
_THAT = (
    r"(?:it|them|that|this|these|those|(?:only |just )?(?:the|its|their|that) WORD"
    r"(?:names?|values?|results?|outputs?|lists?|numbers?|counts?|dates?|answers?|paths?|figures?|versions?))"
)
_WORD = r"(?:[^,;.?! ]|\.\w)+"
_PART = rf"(?:{_THAT.replace('WORD', f'(?:{_WORD} )?')}|(?:the|all|only) (?:{_WORD} ){{1,8}}?{_WORD})"
_FINDS = (
    r"(?:find out|find|get|look up|determine|count|check|show(?: me)?|tell me|list|collect|work out|see"
    r"|compare|read|look at|go through|search|take|sum up|add up)"
)
_NO_TEXT = r"(?! (?:line|text|word|string|following|message|sentence|comment|value)s?\b)"
_STARTS = rf"(?:the{_NO_TEXT}|all|only|just|my|our|how many|which|what|names|output|today)"
_SENTENCE = r"(?:[^.?!;]|\.(?=\w))"
_WISHES = [
    # "which branch is checked out? Write it to branch.txt"
    regex(
        rf"{LEAD}(?P<what>(?:what|which|who|when|how many|how much|where|{_FINDS})\b{_SENTENCE}+?)"
        rf"(?:[?.;]|,)? (?:and |then |please )*{_PUTS} (?P<part>{_PART}) {_IN_FILE}{_TAIL}",
        re.IGNORECASE,
    ),
    # "write the kernel version and the number of CPUs into facts.txt"
    regex(
        rf"{LEAD}{_PUTS} (?P<what>{_STARTS}\b{_SENTENCE}*?)"
        rf" {_IN_FILE}{_TAIL}",
        re.IGNORECASE,
    ),
    # "create a file facts.txt with the kernel version"
    regex(
        rf"{LEAD}(?:create|make|write) (?:an? |the )?(?:new )?(?:text )?(?:file )?(?:called |named )?"
        r"[\"'`]?(?P<file>[\w./-]*\w\.(?:txt|log|list|md|out))[\"'`]?"
        r" (?:with|containing|that (?:contains|lists|has|holds))"
        rf" (?P<what>{_STARTS}\b{_SENTENCE}+?){_TAIL}",
        re.IGNORECASE,
    ),
]
_FINDING = regex(rf"{LEAD}(?:{_FINDS}|which|what) ", re.IGNORECASE)
_SAID_BEFORE = regex(_THAT.replace("WORD", ""), re.IGNORECASE)
_ALL_OF_IT = frozenset(("", "it", "them", "that", "this", "these", "those", "the result", "the output"))
_NAMES_OF = regex(r"\bnames?\b", re.IGNORECASE)
# "the output of docker ps -a", "what `git log -3` prints"
_OUTPUT = regex(
    r"(?:the )?(?:whole |full |complete )?(?:output|result) of (?:the command )?"
    r"(?P<quote>[`\"']?)(?P<command>[a-z].*?)(?P=quote)"
    r"|what [`\"']?(?P<prints>[a-z][^`\"']*?)[`\"']? (?:prints|says|shows|outputs|returns|tells)",
    re.IGNORECASE,
)
_PROSE = regex(r"\b(?:and|or|but|without|sorted|in|of|by|on|for|with|from|as|then|all|only)\b", re.IGNORECASE)
_ARCHIVES = frozenset((".tar", ".gz", ".tgz", ".zip", ".xz", ".bz2", ".7z"))
_NO_COMMAND = regex(r"\b(?:the|this|that|it|its|them|every|each)\b|[;&|<>$`]")


@dataclass(frozen=True)
class FileAnswer:
    """What a wish wants found and put into a file.

    Attributes:
        what: What is to be found, in the words of the wish.
        part: What of it stands in the file.
        path: The file.
        command: The command that does both, where code knows it; else "".
    """

    what: str
    part: str
    path: str
    command: str


# What can only be found, in a file that is no more than notes.
_FACT = regex(
    r"\b(?:numbers?|names?|list|versions?|date|output|counts?|size|sum|total|average|ids?|ips?|address\w*|hash|status"
    r"|largest|biggest|smallest|newest|oldest|most|which|what|who|when|how|where|running|free|used|uptime)\b",
    re.IGNORECASE,
)
_LITERAL = regex(r"\bnumbers? \d|\bversion v?\d|\blist of \w+:? \w+,", re.IGNORECASE)
_NOTES = frozenset((".txt", ".log", ".csv", ".list", ".out"))


def file_of(task: str) -> str:
    """The file into which a task, or the last of its wishes, puts what can only be found; else ""."""
    match = said_in_full(_WISHES, task) or said_in_full(_WISHES, (intent.wishes(task) or [""])[-1])
    is_fact = match and _FACT.search(match["what"]) and Path(match["file"]).suffix in _NOTES
    is_fact = is_fact and match and not _LITERAL.search(match["what"])
    return match["file"] if match and is_fact else ""


_ONCE_UP = regex(
    rf"\A{LEAD}(?:as soon as|once|when|after) it (?:answers|responds|is (?:up|ready)|runs),? ", re.IGNORECASE
)
_ANSWER = regex(
    r"(?:the |its )?(?:(?P<header>[\w-]+) header (?:of|in|from) (?:its|the) (?:response|answer|reply)"
    r"|(?:start |home |index )?page|(?:response|answer|reply)(?: body)?|html)",
    re.IGNORECASE,
)
_PORT = regex(r"\bport (\d{2,5})\b|\b(\d{2,5}):\d{2,5}\b")


def wanted(wish: str, directory: Path, told: Sequence[str] = ()) -> FileAnswer | None:
    """What a wish that says no more than that wants found and put into a file; else None.

    Args:
        wish: The wish.
        directory: The working directory.
        told: The wishes before it, which may say where something answers.
    """
    wish = _ONCE_UP.sub("", wish)
    match = said_in_full(_WISHES, wish)
    if match is None or is_folder(directory / match["file"]) or _SAID_BEFORE.fullmatch(match["what"]):
        return None
    what, path = match["what"].strip(), match["file"]
    if text_if_readable(directory / path) or Path(path).suffix in _ARCHIVES:
        return None  # what is in it may be wanted
    part = match.groupdict().get("part") or ""
    names = bool(_NAMES_OF.search(part)) and not _NAMES_OF.search(what)
    found = facts.of(what, directory)
    if found and names and any(name.startswith("number of") for name in found.commands):
        found = None
    if not found and names:
        found = facts.of(f"names of {_FINDING.sub('', what)}", directory)
    order = "" if not (match["sorted"] or match["once"]) else "sort -u" if match["once"] else "sort"
    command = found.into(path, order) if found else ""
    if not command and (run := _command_named(what)):
        command = f"{run} > {shlex.quote(path)}"
    if not command and (url := _asked_of(what, told)):
        command = f"{url} > {shlex.quote(path)}"
    only = part if part.lower() not in _ALL_OF_IT else what
    return FileAnswer(what, only, path, command)


# "append the current date to notes.txt"
_APPENDS = [
    regex(
        rf"{LEAD}(?:append|add) (?P<what>(?:the|today)\b{_SENTENCE}+?) (?:at|to)"
        r" (?:the end of )?(?:the )?(?:file )?[\"'`]?(?P<file>[\w./-]*\w\.\w+)[\"'`]?"
        r"(?: as a (?:new )?line)?",
        re.IGNORECASE,
    )
]


def appended(wish: str, directory: Path) -> FileAnswer | None:
    """The fact that a wish wants appended to a file, where code knows how; else None."""
    match = said_in_full(_APPENDS, wish)
    found = facts.of(match["what"], directory) if match else None
    if match is None or found is None or is_folder(directory / match["file"]):
        return None
    path = shlex.quote(match["file"])
    command = f"{line_wishes.ending_last_line(path)}\n{found.into(match['file'], append=True)}"
    return FileAnswer(match["what"], match["what"], match["file"], command)


def _asked_of(what: str, told: Sequence[str]) -> str:
    """The command that asks what was started before for its page, or a header of it; else ""."""
    match = _ANSWER.fullmatch(what)
    ports = {first or second for first, second in _PORT.findall(" ".join(told))}
    if match is None or len(ports) != 1:
        return ""
    asks, url = "curl -s --retry 15 --retry-connrefused --retry-delay 1", f"http://localhost:{ports.pop()}/"
    return f"{asks} -I {url} | grep -i '^{match['header']}:'" if match["header"] else f"{asks} {url}"


def _command_named(what: str) -> str:
    """The command whose output is wanted, when that only reads; else ""."""
    match = _OUTPUT.fullmatch(what)
    command = (match["command"] or match["prints"]) if match else ""
    prose = match and not match["quote"] and _PROSE.search(command)
    if not command or prose or _NO_COMMAND.search(command) or not shutil.which(command.split()[0]):
        return ""
    return command if effects.is_read(command) else ""
