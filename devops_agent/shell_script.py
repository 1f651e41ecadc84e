"""Commands as parts of a shell script, which mean there what they meant by themselves."""

import re
import shlex
from collections.abc import Iterator
from pathlib import PurePath

from devops_agent.patterns import regex

HIDDEN = regex(r"\[hidden-(\d+)\]")
# The form with which a recipe of several commands begins; a script has it once.
_EACH_COUNTS = "set -e\n"
_LONGEST = 20_000
_VARIABLE = r"\$(?:\w+|\{\w+\})"
_PIECE = regex(
    rf"(?P<single>'[^']*')|(?P<double>\"(?:[^\"\\`$]|\\.|{_VARIABLE})*\")"
    rf"|(?P<bare>(?:\\[^\n]|{_VARIABLE}|[^\s'\"`$\\;&|<>()])+)",
    re.DOTALL,
)
_WORD = rf"(?!#)(?:{re.sub('[?]P<[a-z]+>', '?:', _PIECE.pattern)})+"
_TOKEN = regex(
    rf"(?P<blank>[ \t]+)|(?P<end>[;\n])|(?P<and>&&|\|\|?)|(?P<behind>&(?!>))"
    rf"|(?P<copy>\d?>&\d)|(?P<redirect>(?:\d|&)?(?:>>|>\||>|<<<|<)(?![<>&|]))|(?P<word>{_WORD})",
    re.DOTALL,
)
# What begins a structure of the shell, or is still in force for the next command.
_NOT_ALONE = frozenset(
    """! [[ ]] { } . : alias bg break builtin case cd command continue coproc declare disown do done elif else
 enable esac eval exec exit export fg fi for function getopts hash if in jobs let local mapfile popd pushd
 read readarray readonly return select set shift shopt source suspend then time times trap typeset ulimit
 umask unalias unset until wait while""".split()
)


def statement(command: str) -> str:
    """A command as a part of a script.

    A plain one is written as it is. Of any other a script could take something else, as of a quote that is
    open, of `exit` or `cd`: it gets a shell of its own, as it had when it ran. Secrets become variables.
    """
    command = command.replace("\0", "").strip("\n")
    lines = command.removeprefix(_EACH_COUNTS)
    if _is_plain(lines):
        return _PIECE.sub(_with_variables, lines) if HIDDEN.search(lines) else lines
    return f"bash -c {quoted(command)}"


def file(path: str, content: str) -> str:
    """What writes a text file, with a newline at its end; one with secrets in it ends as it did."""
    path, content = path.replace("\0", ""), content.replace("\0", "")
    target = _path(path)
    parent = str(PurePath(path).parent)
    made = f"mkdir -p -- {_path(parent)}\n" if "/" in path and parent not in ("/", ".", "~") else ""
    if HIDDEN.search(content):
        return f"{made}printf '%s' {quoted(content)} > {target}"
    text = content if content.endswith("\n") or not content else f"{content}\n"
    delimiter = _delimiter(text)
    return f"{made}cat > {target} <<'{delimiter}'\n{text}{delimiter}"


def quoted(text: str) -> str:
    """A text as one word of the shell, with variables for the secrets in it."""
    parts: list[str] = []
    end = 0
    for found in HIDDEN.finditer(text):
        between = text[end : found.start()]
        parts += [shlex.quote(between) if between else "", f'"{_variable(found)}"']
        end = found.end()
    rest = text[end:]
    return "".join([*parts, shlex.quote(rest) if rest or not parts else ""])


def comment(text: str) -> str:
    """A text as lines of a comment."""
    return "\n".join(f"# {line}".rstrip() for line in text.replace("\0", "").split("\n"))


def _variable(hidden: "re.Match[str]") -> str:
    return f"${{HIDDEN_{hidden[1]}}}"


def _with_variables(piece: "re.Match[str]") -> str:
    """A piece of a word with variables for the secrets, in the quotes that it needs."""
    if piece["double"]:
        return HIDDEN.sub(_variable, piece[0])
    quote = "'" if piece["single"] else ""
    return HIDDEN.sub(lambda found: f'{quote}"{_variable(found)}"{quote}', piece[0])


def _path(path: str) -> str:
    home = re.match(r"~[\w-]*(?=/|$)", path)
    if not home:
        return quoted(path)
    rest = path[home.end() :].lstrip("/")
    return f"{home[0]}/{quoted(rest)}" if rest else home[0]


def _delimiter(text: str) -> str:
    name, number = "EOF", 1
    while name in text:
        number += 1
        name = f"EOF_{number}"
    return name


def _is_plain(commands: str) -> bool:
    """Whether a text is commands of plain words, each of which is whole and leaves nothing behind."""
    if not commands or len(commands) > _LONGEST or "\\[hidden-" in commands:
        return False
    wants = "command"  # or: anything; the target of a redirection; nothing more in this line
    for kind, text in _tokens(commands):
        if kind == "blank":
            continue
        if kind == "word" and wants in ("command", "begin"):
            if text in _NOT_ALONE or re.match(r"\w+\+?=|\w+\[", text):
                return False
            wants = "anything"
        elif kind == "word" and wants in ("target", "anything"):
            wants = "anything"
        elif kind == "end" and (wants in ("anything", "begin") or (wants == "line" and text == "\n")):
            wants = "begin" if text == "\n" or wants == "anything" else "broken"
        elif wants == "anything" and kind in _THEN:
            wants = _THEN[kind]
        else:
            return False
    return wants in ("anything", "begin", "line")


# What has to follow an operator.
_THEN = {"and": "command", "behind": "line", "copy": "anything", "redirect": "target"}


def _tokens(commands: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(commands):
        found = _TOKEN.match(commands, at)
        if found is None:
            yield "other", commands[at]
            return
        yield str(found.lastgroup), found[0]
        at = found.end()
