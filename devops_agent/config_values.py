"""The settings of a configuration file: where each value stands, by its path.

One key stands in several sections, and a small model changes the first. A path such as `worker.limits.memory`
or `location /reports/ > proxy_read_timeout` means one of them.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devops_agent.patterns import regex

_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"
MOST = 400
# By what an entry of a list is known.
_NAMES = ("name", "id", "key", "job_name", "job", "host", "title")


@dataclass(frozen=True)
class Setting:
    """A value in a file.

    Attributes:
        start: Where it begins in the text, in characters.
        end: Where it ends.
        quote: The quotes around it, or "".
        mark: Where the mark stands that comments its line out; None where it is in force.
    """

    start: int
    end: int
    quote: str = ""
    mark: tuple[int, int] | None = None


def settings_of(path: str, text: str) -> dict[str, Setting]:
    """The settings in force of a file by their paths; none when it is broken, or of another kind."""
    return _by_path(path, text, False)


def commented_out(path: str, text: str) -> dict[str, Setting]:
    """The settings that a file has only in comments, as `#Port 22`, by their paths; none that is in force."""
    in_force = {key_of(setting) for setting in settings_of(path, text) if not _GROUP.match(setting)}
    found = _by_path(path, text, True)
    return {setting: place for setting, place in found.items() if key_of(setting) not in in_force}


def _by_path(path: str, text: str, commented: bool) -> dict[str, Setting]:
    reader = _reader(path, text)
    found: dict[str, Setting] = {}
    try:
        for setting, place in reader(text) if reader else ():
            if (place.mark is not None) is not commented:
                continue
            unique, number = setting, 2
            while unique in found:
                unique, number = f"{setting} #{number}", number + 1
            found[unique] = place
            if len(found) == MOST:
                break
    except (ValueError, IndexError, TypeError, AttributeError, RecursionError):
        return {}
    return {setting: place for setting, place in found.items() if "\n" not in text[place.start : place.end]}


def _reader(path: str, text: str) -> "_Reader | None":
    suffix, name = Path(path).suffix.lower(), Path(path).name.lower()
    if suffix == ".conf" or "nginx" in name:
        if re.search(r"\{\s*(?:#.*)?$", text, re.MULTILINE):
            return _blocks
        lines = [
            line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("#", ";"))
        ]
        return _sections if sum(map(bool, map(_LINE.fullmatch, lines))) * 2 >= len(lines) else _directives
    if name.endswith("_config"):
        return _directives
    return _READERS.get(suffix) or (_sections if name.startswith(".env") else None)


def key_of(setting: str) -> str:
    """The last part of a path."""
    return re.split(r" > |\.(?=[^.\]]*$)", re.sub(r" #\d+$", "", setting))[-1]


def words_of(text: str) -> list[str]:
    """The words of a text and of the names in it: those of `proxy_read_timeout` and of `readTimeouts`.

    They are in small letters, and in the singular.
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    words = re.findall(r"[a-z0-9]+", spaced.lower())
    return [word if len(word) < 3 else re.sub(r"s$", "", word) for word in words]


# --- JSON -------------------------------------------------------------------------------------------------


def _json(text: str) -> Iterator[tuple[str, Setting]]:
    for path, (start, end) in _values(text, _skip(text, 0), ""):
        quoted = text[start] == '"'
        yield path, Setting(start + quoted, end - quoted, '"' if quoted else "")


def _values(text: str, at: int, path: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """The simple values of the JSON value that begins there."""
    if text[at] not in "{[":
        yield path, (at, _DECODER.raw_decode(text, at)[1])
        return
    is_object, number = text[at] == "{", 0
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        name = str(number)
        if is_object:
            name, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)  # behind the colon
        value, end = _DECODER.raw_decode(text, at)
        step = name if is_object else _entry(value, number)
        yield from _values(text, at, _joined(path, step))
        at = _skip(text, end)
        number += 1
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at


def _joined(path: str, step: str) -> str:
    return f"{path}{step}" if step.startswith("[") or not path else f"{path}.{step}"


def _entry(value: Any, number: int) -> str:
    """The step of a path for an entry of a list: its name, where it has one."""
    names = value if isinstance(value, dict) else {}
    name = next((names[key] for key in _NAMES if isinstance(names.get(key), str)), None)
    return f"[{name or number}]"


# --- YAML -------------------------------------------------------------------------------------------------


def _yaml(text: str) -> Iterator[tuple[str, Setting]]:
    import yaml

    if "{{" in text or _ALIAS.search(text):
        return  # a template; or what stands in one place counts in several
    try:
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
        for number, node in enumerate(nodes):
            yield from _of_node(node, _document(node, number) if len(nodes) > 1 else "", text, set())
    except yaml.YAMLError as error:
        raise ValueError from error


_ALIAS = regex(r"(?:^|[\s\[,])\*[A-Za-z_]\w*\s*(?:$|[,}\]#])", re.MULTILINE)


def _document(node: Any, number: int) -> str:
    """What a document is called among several: by its kind and name, where it is an object of a cluster."""
    pairs = {key.value: value for key, value in node.value} if node and node.id == "mapping" else {}
    about = {key.value: value.value for key, value in getattr(pairs.get("metadata"), "value", ())}
    kind = getattr(pairs.get("kind"), "value", "document")
    return f"{kind} {about.get('name', number + 1)}"


def _of_node(node: Any, path: str, text: str, seen: set[int]) -> Iterator[tuple[str, Setting]]:
    """The simple values of a node; none of one that stands elsewhere, by an alias."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if node.id == "mapping":
        for key, value in node.value:
            if key.id == "scalar" and key.value != "<<":
                yield from _of_node(value, _joined(path, str(key.value)), text, seen)
    elif node.id == "sequence":
        for number, value in enumerate(node.value):
            pairs = value.value if value.id == "mapping" else ()
            names = {str(key.value): inner.value for key, inner in pairs if inner.id == "scalar"}
            yield from _of_node(value, _joined(path, _entry(names, number)), text, seen)
    elif path and node.style in (None, "'", '"') and text[node.start_mark.index : node.end_mark.index]:
        if text[node.start_mark.index] in "&!*":
            return  # with an anchor or a tag
        quoted = len(node.style or "")
        start, end = node.start_mark.index + quoted, node.end_mark.index - quoted
        yield path, Setting(start, end, node.style or "")


# --- lines ------------------------------------------------------------------------------------------------

_SECTION = regex(r"\s*\[+([^\]]+)\]+\s*(?:[;#].*)?")
_LINE = regex(
    r"\s*(?:export +)?(?P<key>[A-Za-z_][\w.-]*)\s*(?:[=:]\s*)"
    r"(?:(?P<quote>[\"'])(?P<quoted>.*?)(?P=quote)|(?P<bare>\S.*?))?\s*(?:\s[;#].*)?"
)


# "#max_connections = 100", but no sentence
_COMMENTED_LINE = regex(
    r"\s*(?P<mark>[;#] ?)(?P<key>[A-Za-z_][\w.-]*)\s*=\s*"
    r"(?:(?P<quote>[\"'])(?P<quoted>.*?)(?P=quote)|(?P<bare>[^\s;#\"'=]+))\s*(?:[;#].*)?"
)
# A value that goes on in the next lines, or has parts.
_OPENED = regex(r"[\[{]")
_TEXT_BLOCK = regex(r"\"\"\"|'''")


def _sections(text: str) -> Iterator[tuple[str, Setting]]:
    """Lines such as `key = value`, below lines such as `[section]`."""
    section, at, is_off = "", 0, False
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\r\n")
        if heading := _SECTION.fullmatch(bare):
            section, is_off = heading[1].strip(), False
        elif _SECTION.fullmatch(bare.lstrip("#; ")):
            is_off = True  # what follows in comments belongs to that section
        elif (match := _LINE.fullmatch(bare)) and not _TEXT_BLOCK.search(bare):
            group = "quoted" if match["quote"] else "bare"
            if match[group] is None:
                yield _joined(section, match["key"]), Setting(at + len(bare), at + len(bare))
            elif not _OPENED.match(match[group] if group == "bare" else ""):
                start, end = match.span(group)
                yield _joined(section, match["key"]), Setting(at + start, at + end, match["quote"] or "")
        elif not is_off and (match := _COMMENTED_LINE.fullmatch(bare)):
            start, end = match.span("quoted" if match["quote"] else "bare")
            place = Setting(at + start, at + end, match["quote"] or "", _shifted(match.span("mark"), at))
            yield _joined(section, match["key"]), place
        at += len(line)


def _shifted(span: tuple[int, int], by: int) -> tuple[int, int]:
    return span[0] + by, span[1] + by


_GROUP = regex(r"(?:Match|Host)\s+\S.*", re.IGNORECASE)
# "Port 22", "#Port 22", but no sentence
_WORDS = regex(
    r"(?:(?P<mark>#)(?=\S+[ \t]+\S+\s*$)|\s*)"
    r"(?P<key>[A-Za-z][\w-]*)[ \t]+(?P<value>[^\s#=].*?)\s*(?:\s#.*)?"
)


def _directives(text: str) -> Iterator[tuple[str, Setting]]:
    """Lines such as `Key value`, as ssh and redis have them; those below `Match` and `Host` belong to it."""
    group, at = "", 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\r\n")
        if _GROUP.fullmatch(bare):
            group = f"{' '.join(bare.split())} > "
        elif match := _WORDS.fullmatch(bare):
            start, end = match.span("value")
            mark = _shifted(match.span("mark"), at) if match["mark"] else None
            if not (mark and group):  # it may have been meant for all
                yield f"{group}{match['key']}", Setting(at + start, at + end, mark=mark)
        at += len(line)


_OPENS = regex(r"\s*(?P<head>[^#{};]*?\S)\s*\{\s*(?:#.*)?")
_COMMENTED_BRACE = regex(r"^\s*#[^{}]*([{}])\s*(?:#.*)?$")
_DIRECTIVE = regex(r"\s*(?P<mark># *)?(?P<key>[A-Za-z_][\w-]*)\s+(?P<value>[^#;{}]*?)\s*;\s*(?:#.*)?")


def _blocks(text: str) -> Iterator[tuple[str, Setting]]:
    """Lines such as `directive value;` in blocks, as nginx has them; none where patterns have braces."""
    if re.search(r"\{\d", text):
        return
    blocks: list[str] = []
    at = depth_off = 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\r\n")
        if match := _OPENS.fullmatch(bare):
            blocks.append(" ".join(match["head"].split()))
        elif match := _COMMENTED_BRACE.search(bare):
            depth_off = max(depth_off + (1 if match[1] == "{" else -1), 0)
        elif bare.strip().startswith("}"):
            blocks = blocks[:-1]
        elif match := _DIRECTIVE.fullmatch(bare):
            start, end = match.span("value")
            mark = _shifted(match.span("mark"), at) if match["mark"] else None
            if not (mark and depth_off):
                yield " > ".join([*blocks, match["key"]]), Setting(at + start, at + end, mark=mark)
        at += len(line)


_Reader = Callable[[str], Iterator[tuple[str, Setting]]]
_READERS: dict[str, _Reader] = {
    ".json": _json,
    **dict.fromkeys((".yaml", ".yml"), _yaml),
    **dict.fromkeys((".ini", ".cfg", ".toml", ".properties", ".cnf", ".env"), _sections),
}
