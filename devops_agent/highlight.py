"""What a command printed, as a person likes to read it: with colours, and folded to a height.

The structured forms are read line by line with patterns that take linear time: the lexer of a library needs
seconds for some hostile texts, and whoever waits for it sees a terminal that hangs.
"""

import json
import re
from collections.abc import Iterable, Iterator

from devops_agent.ansi import BOLD, CODE, CYAN, DIM, GREEN, RED, YELLOW, painted
from devops_agent.columns import columns_of, cut
from devops_agent.patterns import regex
from devops_agent.status_tables import coloured_row, columns

# Nobody reads more in colour, and it would be felt.
_MOST_CHARACTERS, _MOST_LINES = 128_000, 5000

_JSON = regex(
    r'(?P<key>"[^"\\]*(?:\\.[^"\\]*)*"(?=\s*:))|(?P<text>"[^"\\]*(?:\\.[^"\\]*)*")'
    r"|(?P<other>-?\d[\d.eE+-]*|true|false|null)"
)
_JSON_STYLES = {"key": CYAN, "text": GREEN, "other": YELLOW}

_PRINTS_YAML = regex(
    r"(?:-o[ =]?|--output[ =])yaml\b|\b(?:cat|bat|head|tail|less)\b[^|;&]*\.ya?ml\b"
    r"|\bhelm (?:template|get (?:manifest|values))\b|\bdocker[ -]compose\b[^|;&]* config\b"
)
_KEY = r"""(?:"[^"\n]*"|'[^'\n]*'|[^\s"'#&*!|>%@`{}\[\],:-](?:[^:\n]|:(?=\S))*)(?=:(?:\s|$))"""
_YAML_LINE = regex(rf"(?P<lead>\s*(?:- +)*)(?:(?P<key>{_KEY}):)?(?P<gap>\s*)(?P<value>.*)$")
_YAML_START = regex(
    r"---(?: |$)|\s*#|\s*(?:- +)*(?!(?i:error|warning|note|fatal)\b)[\w./\"'-]+:(?: |$)|\s*- +[\w\"']"
)
_MANIFEST = regex(r"\A(?:(?:---|#.*|[a-z]\w*:.*|)\n)*?apiVersion: ")
_KIND = regex(r"^(?:  )?kind: ", re.MULTILINE)
_BLOCK = regex(r"[|>][+-]?\d?[+-]?(?:\s+#.*)?$")
_QUOTED = regex(r"""(?:"[^"\\]*(?:\\.[^"\\]*)*"|'[^']*(?:''[^']*)*')""")
_COMMENT = regex(r"(?:^|(?<=\s))#.*$")

_HUNK = regex(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_DIFF_STYLES = {"-": RED, "+": GREEN}

_LEVEL = regex(
    r"(?<![\w./-])(?:(?P<bad>ERROR|ERR|FATAL|PANIC|CRITICAL|CRIT|EMERG|SEVERE)|WARN(?:ING)?)(?![\w./-])"
    r"|(?<=\[)(?:(?P<bad2>error|crit|alert|emerg|fatal)|warn(?:ing)?)(?=\])"
    r"|(?<=level=)(?:(?P<bad3>error|fatal|panic)|warn(?:ing)?)\b"
    r"|^(?P<bad4>panic|fatal|error|Error)(?=:)"
)


def coloured(text: str, command: str = "") -> str:
    """What a command printed, with colours; without the codes it is the same text.

    Known are the tables of kubectl and docker, YAML, JSON, unified diffs and the levels of log lines. A text
    with escape codes of its own, or a very long one, stays as it is. No code reaches beyond its line.

    Args:
        text: What it printed.
        command: The command, which may tell the form.
    """
    if len(text) > _MOST_CHARACTERS or text.count("\n") > _MOST_LINES or "\x1b" in text:
        return text
    if _is_json(text):
        return _JSON.sub(lambda found: painted(found.group(), _JSON_STYLES[str(found.lastgroup)]), text)
    lines = text.split("\n")
    return "\n".join(_yaml(lines) if _is_yaml(text, command) else _by_line(lines))


def _is_json(text: str) -> bool:
    """Whether it is a JSON object or array, or has one in each line."""
    if not text.lstrip()[:1] or text.lstrip()[0] not in "{[":
        return False
    lines = (line for line in text.splitlines() if line.strip())
    return _parses(text) or all(line.lstrip()[0] in "{[" and _parses(line) for line in lines)


def _parses(text: str) -> bool:
    try:
        json.loads(text, parse_int=str, parse_float=str)  # a number of 100,000 digits takes long to be one
    except (ValueError, RecursionError):
        return False
    return True


# --- YAML -------------------------------------------------------------------------------------------------


def _is_yaml(text: str, command: str) -> bool:
    """Whether the command prints YAML and did, or the text starts as a manifest does."""
    if _PRINTS_YAML.search(command):
        first = next((line for line in text.split("\n") if line.strip()), "")
        return bool(_YAML_START.match(first))
    return bool(_MANIFEST.match(text) and _KIND.search(text))


def _yaml(lines: Iterable[str]) -> Iterator[str]:
    block = -1  # the indentation that the lines of a block scalar exceed
    for line in lines:
        indentation = len(line) - len(line.lstrip(" "))
        if block >= 0 and (indentation > block or not line.strip()):
            yield line
            continue
        coloured_line, block = _yaml_line(line)
        yield coloured_line


def _yaml_line(line: str) -> tuple[str, int]:
    """The line in colour, and the indentation of the block scalar that it opens, or -1."""
    parts = _YAML_LINE.match(line)
    if not parts or line.lstrip().startswith("#"):
        return painted(line, DIM), -1
    lead, key, gap, value = parts.group("lead", "key", "gap", "value")
    before = f"{lead}{painted(key, CYAN)}:{gap}" if key else f"{lead}{gap}"
    opens = len(lead) if key else len(lead.partition("-")[0])
    return before + _yaml_value(value), opens if _BLOCK.match(value) else -1


def _yaml_value(value: str) -> str:
    quoted = _QUOTED.match(value)
    text = quoted.group() if quoted else ""
    rest = _COMMENT.sub(lambda found: painted(found.group(), DIM), value[len(text) :], count=1)
    return painted(text, GREEN) + rest


# --- tables, diffs and logs -------------------------------------------------------------------------------


def _by_line(lines: list[str]) -> Iterator[str]:
    """Each line in the colours of the table or the hunk in which it stands, or of a log."""
    table = columns("")
    old = new = 0  # lines of the hunk that are still to come
    for number, line in enumerate(lines):
        if (old > 0 or new > 0) and line[:1] in ("", " ", "-", "+", "\\"):
            old -= line[:1] in ("", " ", "-")
            new -= line[:1] in ("", " ", "+")
            yield painted(line, _DIFF_STYLES.get(line[:1], ""))
        elif hunk := _HUNK.match(line):
            old, new = (int(count or 1) for count in hunk.groups())
            table = ()
            yield painted(hunk.group(), CYAN) + line[hunk.end() :]
        elif _is_file_of_a_diff(lines, number):
            yield painted(line, BOLD)
        elif header := columns(line):
            table, old, new = header, 0, 0
            yield painted(line, BOLD)
        else:
            table = table if line.strip() else ()
            yield coloured_row(line, table) if table else _LEVEL.sub(_level, line, count=1)


def _is_file_of_a_diff(lines: list[str], number: int) -> bool:
    """Whether the line is one of the pair `--- a`, `+++ b` that a hunk follows."""
    start = number - lines[number].startswith("+++ ")
    pair = [line[:4] for line in lines[max(start, 0) : start + 3]]
    return pair == ["--- ", "+++ ", "@@ -"]


def _level(found: re.Match[str]) -> str:
    return painted(found.group(), RED if found.lastgroup else YELLOW)


# --- folding ----------------------------------------------------------------------------------------------


def folded(text: str, height: int, width: int = 80, rest: str = "") -> tuple[str, int]:
    """Head and tail of a text that is too long, and a line such as `[… 37 lines more: /show 3]` between.

    Args:
        text: The text; colour codes take no room, and none stays open where it is cut.
        height: How many lines of the terminal it may take, at least 3.
        width: The columns of the terminal; a longer line counts as the lines that it takes.
        rest: How the user sees the whole, such as `/show 3`.

    Returns:
        The text, and how many lines of the terminal were left out.
    """
    body = text.removesuffix("\n")
    lines, height, width = body.split("\n"), max(height, 3), max(width, 1)
    total = sum(_rows(line, width) for line in lines)
    if total <= height:
        return text, 0
    tail = (height - 1) // 2
    head = height - 1 - tail
    left_out = total - head - tail
    mark = f"[… {left_out} lines more{f': {rest}' if rest else ''}]"
    shown = [*_first(lines, head, width), mark, *_last(lines, tail, width)]
    return "\n".join(shown) + text[len(body) :], left_out


def _first(lines: list[str], height: int, width: int) -> list[str]:
    shown: list[str] = []
    for line in lines:
        if height <= 0:
            break
        rows = _rows(line, width)
        shown.append(line if rows <= height else cut(line, 0, height * width))
        height -= rows
    return shown


def _last(lines: list[str], height: int, width: int) -> list[str]:
    shown: list[str] = []
    for line in reversed(lines):
        if height <= 0:
            break
        rows = _rows(line, width)
        shown.append(line if rows <= height else cut(line, (rows - height) * width, rows * width))
        height -= rows
    return shown[::-1]


def _rows(line: str, width: int) -> int:
    return max(1, -(-columns_of(CODE.sub("", line) if "\x1b" in line else line) // width))
