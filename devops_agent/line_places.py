"""Changes of lines that a wish says in full: by number, beside another one, in a section, text for text.

A small model gives the line back with another word changed, or puts the new one at the wrong end.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from devops_agent.files import text_if_readable
from devops_agent.forms.rewrite import Rewrite
from devops_agent.patterns import LEAD, NO_NAME, ORDINALS, regex, said_in_full

_FILE = r"(?:of|in|from|to) (?:the )?(?:file )?[\"'`]?(?P<file>[\w./-]*\w)[\"'`]?"
_ORDINAL = rf"(?P<ordinal>{'|'.join(ORDINALS)}|last)"
_QUOTED = r"(?P<quote>[\"'`])(?P<line>[^\"'`\n]+)(?P=quote)"
_OTHER = r"(?:(?P<mark>[\"'`])(?P<other>[^\"'`\n]+)(?P=mark)|(?P<word>[\w.:=/-]*\w))"
_WITH = (
    r"(?:(?:that )?(?:with|contain(?:s|ing)|(?:begin|start)(?:s|n?ing) with|for|of) (?:the (?:word|text) )?)?"
)


def _said(*texts: str) -> list[re.Pattern[str]]:
    return [regex(f"{LEAD}{text} {_FILE}", re.IGNORECASE) for text in texts]


_DELETES = _said(
    rf"(?:delete|remove|drop) (?:the )?{_ORDINAL} line",
    r"(?:delete|remove|drop) lines? (?P<from>\d+)(?:(?: to |-| - )(?P<to>\d+))?",
)
_ADDS = r"(?:insert|add|put) (?:the )?(?:new )?(?:line )?"
_INSERTS = _said(
    rf"{_ADDS}{_QUOTED} (?:directly |right )?(?P<side>before|above|after|behind|below)"
    rf" (?:the )?line {_WITH}{_OTHER}",
    rf"{_ADDS}{_QUOTED} (?P<top>at the (?:top|beginning|start)|as (?:the )?first line)",
)
_DROPS = _said(
    r"(?:delete|remove|drop) (?:the )?(?:line|row|entry) (?:that )?(?:of|for|with|contain(?:s|ing))"
    rf" {_OTHER}",
)
_TEXT = r"(?:(?:the )?(?:word|text|string|version|value|image|name) )?"
_ALL_OF = r"(?P<all>(?:every|all|each)(?: (?:occurrences?|instances?))?(?: of)? )?"
_OLD = r"(?:(?P<mark>[\"'`])(?P<other>[^\"'`\n]+)(?P=mark)|(?P<word>[^\s\"'`,;]*\w))"
_NEW = r"(?:(?P<quote>[\"'`])(?P<line>[^\"'`\n]*)(?P=quote)|(?P<new>[^\s\"'`,;]*[^\s\"'`,;.]))"
_EVERYWHERE = r"(?: everywhere)?"
_REPLACES = [
    *_said(rf"(?:replace|substitute) {_ALL_OF}{_TEXT}{_OLD} (?:by|with) {_TEXT}{_NEW}{_EVERYWHERE}"),
    regex(
        rf"{LEAD}(?:replace|substitute) {_ALL_OF}{_TEXT}{_OLD} {_FILE} (?:by|with) {_TEXT}{_NEW}"
        rf"{_EVERYWHERE}",
        re.IGNORECASE,
    ),
    regex(
        rf"{LEAD}in (?:the )?(?:file )?[\"'`]?(?P<file>[\w./-]*\w)[\"'`]?,? (?:replace|substitute)"
        rf" {_ALL_OF}{_TEXT}{_OLD} (?:by|with) {_TEXT}{_NEW}{_EVERYWHERE}",
        re.IGNORECASE,
    ),
]
_COMMENTS = _said(
    rf"comment out (?:the )?line {_WITH}{_OTHER}", rf"comment (?:the )?line {_WITH}{_OTHER} out"
)
_SETS_IN = _said(
    r"(?:add|put|write) (?:the )?(?:key |setting |option |entry )?[\"'`]?(?P<key>[\w.-]*\w)[\"'`]?"
    r"(?: ?= ?| with (?:the )?value (?:of )?| set to )[\"'`]?(?P<value>[^\s\"'`]+)[\"'`]?"
    r" (?:to|in|into|under) (?:the )?(?:section )?\[?(?P<section>[\w.-]*\w)\]?(?: section)?",
)
# What begins a comment, by the ending of the file.
_COMMENT = {".ini": ";", ".sql": "--", ".lua": "--", ".js": "//", ".go": "//"}
_NO_COMMENT = frozenset((".json", ".csv", ".tsv", ".md", ".html", ".xml"))


def changed(wish: str, directory: Path) -> Rewrite | None:
    """The change of a line that a wish says in full; None where it is not clear which line is meant."""
    changes = (
        (_DELETES, _delete),
        (_DROPS, _drop),
        (_INSERTS, _insert),
        (_REPLACES, _replace),
        (_COMMENTS, _comment),
        (_SETS_IN, _set),
    )
    for patterns, change in changes:
        if match := said_in_full(patterns, wish):
            before = text_if_readable(directory / match["file"])
            if not before or "\r" in before:
                return None
            found = change(match, before.splitlines())
            if found is None:
                return None
            lines, told = found
            return Rewrite(match["file"], "".join(f"{line}\n" for line in lines), told, before)
    return None


_Found = tuple[list[str], str] | None
_Change = Callable[["re.Match[str]", list[str]], _Found]


def _delete(match: "re.Match[str]", lines: list[str]) -> _Found:
    said = match.groupdict()
    if ordinal := (said.get("ordinal") or "").lower():
        first = last = len(lines) if ordinal == "last" else ORDINALS.index(ordinal) + 1
    else:
        first = int(said["from"])
        last = int(said["to"] or first)
    if not 1 <= first <= last <= len(lines):
        return None
    gone = f"line {first}" if first == last else f"lines {first} to {last}"
    return lines[: first - 1] + lines[last:], f"{gone} go" + ("es" if first == last else "")


def _drop(match: "re.Match[str]", lines: list[str]) -> _Found:
    at = _place_of(match, lines)
    return None if at is None else ([*lines[:at], *lines[at + 1 :]], f"line {at + 1} goes")


def _replace(match: "re.Match[str]", lines: list[str]) -> _Found:
    old = match["other"] or match["word"]
    new = match["new"] if match["quote"] is None else match["line"]
    if old.lower() in NO_NAME or new.lower() in NO_NAME or old == new:
        return None
    literal = match["all"] and re.search(r"\W", old)
    before = r"(?<![\w.-])" if old[0].isalnum() and not literal else ""
    behind = r"(?![\w-]|\.\w)" if old[-1].isalnum() and not literal else ""
    pattern = re.compile(f"{before}{re.escape(old)}{behind}")
    times = sum(len(pattern.findall(line)) for line in lines)
    if not times or sum(line.count(old) for line in lines) != times:
        return None  # it is also a part of something else
    changed_lines = [pattern.sub(lambda _: new, line) for line in lines]
    return changed_lines, f"{old} becomes {new}, {times} time{'s' if times > 1 else ''}"


def _insert(match: "re.Match[str]", lines: list[str]) -> _Found:
    new = match["line"]
    if new in lines:
        return None
    said = match.groupdict()
    if said.get("top"):
        return [new, *lines], "the line stands first"
    at = _place_of(match, lines)
    if at is None:
        return None
    behind = said["side"].lower() in ("after", "behind", "below")
    margin = re.match(r"\s*", lines[at])
    new = f"{margin[0] if margin and not new[:1].isspace() else ''}{new}"
    place = at + 1 if behind else at
    return [*lines[:place], new, *lines[place:]], f"the line comes {said['side']} line {at + 1}"


def _comment(match: "re.Match[str]", lines: list[str]) -> _Found:
    at, suffix = _place_of(match, lines), Path(match["file"]).suffix
    if at is None or suffix in _NO_COMMENT:
        return None
    sign = _COMMENT.get(suffix, "#")
    sign = "#" if sign == ";" and any(line.lstrip().startswith("#") for line in lines) else sign
    bare = lines[at].lstrip()
    if not bare or bare.startswith((sign, "#")):
        return None
    margin = lines[at][: len(lines[at]) - len(bare)]
    return [*lines[:at], f"{margin}{sign} {bare}", *lines[at + 1 :]], f"line {at + 1} becomes a comment"


def _set(match: "re.Match[str]", lines: list[str]) -> _Found:
    heads = [number for number, line in enumerate(lines) if re.fullmatch(r"\s*\[.*\]\s*", line)]
    mine = [number for number in heads if lines[number].strip() == f"[{match['section']}]"]
    if len(mine) != 1:
        return None
    end = next((number for number in heads if number > mine[0]), len(lines))
    own = lines[mine[0] + 1 : end]
    if any(re.match(rf"\s*[;#]?\s*{re.escape(match['key'])}\s*[=:]", line, re.IGNORECASE) for line in own):
        return None  # it is there, and another form changes it
    while own and not own[-1].strip():
        own.pop()
    between = " = " if any(" = " in line for line in own) else "="
    place = mine[0] + 1 + len(own)
    return [
        *lines[:place],
        f"{match['key']}{between}{match['value']}",
        *lines[place:],
    ], f"{match['section']} gets {match['key']}"


def _place_of(match: "re.Match[str]", lines: Sequence[str]) -> int | None:
    """The number of the one line that is meant, from 0."""
    other = match["other"] or match["word"]
    same = [number for number, line in enumerate(lines) if line.strip() == other]
    having = [
        number
        for number, line in enumerate(lines)
        if re.search(rf"(?<![\w.-]){re.escape(other)}(?![\w.-])", line)
    ]
    for found in (same, having):
        if found:
            return found[0] if len(found) == 1 else None
    return None
