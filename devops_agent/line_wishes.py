"""What a wish says in full of the lines of files: one to be appended, a section, those with a text."""

import re
import shlex
from pathlib import Path

from devops_agent.files import is_folder, text_if_readable
from devops_agent.patterns import regex, said_in_full

_LEAD = r"(?:(?:please|first|then|now|and) )*"
_FILE = r"(?:the )?(?:file )?[\"'`]?(?P<file>[\w./-]*\w)[\"'`]?"
_APPENDS = [
    regex(
        rf"{_LEAD}(?:append|add) the (?:new )?line (?P<quote>[\"'`])(?P<line>[^\"'`\n]+)(?P=quote)"
        rf" (?:at the end of|to the end of|to) {_FILE}",
        re.IGNORECASE,
    )
]
_PAIR = r"[\w.-]+ ?= ?[^\s,;=]*[^\s,;=.]"
_ADDS_SECTION = [
    regex(
        rf"{_LEAD}(?:add|append) (?:a |an |the )?(?:new )?section \[(?P<section>[\w. -]+)\]"
        rf" (?:with|containing) (?P<pairs>{_PAIR}(?:(?:, and | and |, ){_PAIR})*)"
        rf" (?:at the end of|to the end of|to) {_FILE}",
        re.IGNORECASE,
    )
]
_BETWEEN = regex(r", and | and |, ")
_COLLECTS = [
    regex(
        rf"{_LEAD}(?:find|collect|get|take|grep|copy|write|save) (?:all |the )?(?:the )?lines"
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
    else:
        return None
    text = text_if_readable(directory / match["file"])
    if text is None or new[-1 if len(new) == 1 else 1] in text.splitlines():
        return None
    if len(new) > 1 and " = " in text:  # as the file has it
        new = [re.sub(r"^([^=\[]+)=", r"\1 = ", line) for line in new]
    return match["file"], "\n".join([*text.splitlines(), *new, ""]), text


def collecting(wish: str, directory: Path) -> str:
    """The command that writes the lines with a text of the files of a folder, or of one file, to a file."""
    match = said_in_full(_COLLECTS, wish)
    if match is None or not (directory / match["source"]).exists():
        return ""
    source, target = match["source"], shlex.quote(match["file"])
    flags = (
        f"-rhIF --exclude={shlex.quote(Path(match['file']).name)}" if is_folder(directory / source) else "-hF"
    )
    return f"grep {flags} -- {shlex.quote(match['text'])} {shlex.quote(source)} > {target}"
