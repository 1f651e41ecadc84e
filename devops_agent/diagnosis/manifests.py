"""What the cluster says of a manifest, or Compose of its file, asked without making anything: a dry run.

Of what the cluster refuses, the smallest change with which it takes it: the field, kind, version or value
that is spelt almost so, a number in quotes or without them. It is suggested only when all is taken then.
"""

import difflib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from devops_agent import usage_help
from devops_agent.diagnosis import diagnose
from devops_agent.diagnosis.mending import Mended
from devops_agent.patterns import regex

if TYPE_CHECKING:
    from yaml import Node

_SUFFIXES = frozenset({".yaml", ".yml"})
_MANIFEST = regex(r"^apiVersion:", re.MULTILINE)
_KIND = regex(r"^kind:", re.MULTILINE)
_COMPOSE = regex(r"^services:", re.MULTILINE)
_APPLIES = ("kubectl", "apply", "--dry-run=server", "-f", "-")
# What it refuses for the manifest's sake; that it does not answer, or lets us not, says nothing of the file.
_REFUSED = regex(
    r"^(?:Error from server \((?:BadRequest|Invalid|NotFound)\)|The \S+ \"|(?:error: )?resource mapping)",
    re.MULTILINE,
)
# What a dry run does not see: a namespace or a kind that the same file makes first; an odd webhook.
_MAKES_PLACE = regex(r"^kind: *[\"']?(?:Namespace|CustomResourceDefinition)\b", re.MULTILINE)
_NO_PLACE = regex(r"namespaces \"[^\"]*\" not found|no matches for kind")
_NO_COMPOSE = regex(r"is not a docker command|unknown (?:shorthand )?flag|not installed|does not answer")
_MOST_ROUNDS = 7
_LONGEST = 400


class Said(NamedTuple):
    """What was said of a file.

    Attributes:
        refused: Why it is not taken, in the words of who was asked; "" when it is.
        by_cluster: Whether the cluster was asked, and not Compose.
    """

    refused: str
    by_cluster: bool

    @property
    def complaint(self) -> str:
        """What is wrong with it; "" when nothing is."""
        return _in_words(self.refused) if self.by_cluster else self.refused


def said_of(path: Path, text: str) -> Said | None:
    """What cluster or Compose say of a file; None when it is for neither, or when they do not answer.

    Args:
        path: The file.
        text: Its text, which can be read as YAML.
    """
    if path.suffix.lower() not in _SUFFIXES or "{{" in text:
        return None
    if _MANIFEST.search(text) and _KIND.search(text):
        refused = _refusal(text)
        return None if refused is None else Said(refused, True)
    if _COMPOSE.search(text):
        command = ("docker", "compose", "-f", str(path), "config", "-q")
        complaint = _of_compose(diagnose.read(*command, directory=path.parent)[1], path)
        return None if complaint is None else Said(complaint, False)
    return None


def mended(text: str, refused: str) -> Mended | None:
    """A text of a manifest that the cluster takes; None when no small change gives one.

    Args:
        text: That of the manifest.
        refused: Why the cluster does not take it.
    """
    better, again = text, refused or None
    for _ in range(_MOST_ROUNDS):
        if not again:
            break
        edits = sorted(set(_edits(again, better)), reverse=True)
        if not edits:
            return None
        for start, end, new in edits:
            better = better[:start] + new + better[end:]
        again = _refusal(better)
    pairs = zip(text.splitlines(), better.splitlines(), strict=False)
    changes = [f'line {at} becomes "{new}"' for at, (old, new) in enumerate(pairs, 1) if new != old]
    return Mended(better, "; ".join(changes)) if again == "" and changes else None


def _refusal(text: str) -> str | None:
    """Why the cluster refuses a manifest; "" when it takes it, None when that cannot be known."""
    printed, complaint = diagnose.read(*_APPLIES, given=text)
    if not complaint:
        return "" if printed else None
    by_itself = _MAKES_PLACE.search(text) and _NO_PLACE.search(complaint)
    is_refusal = _REFUSED.search(complaint) and "does not support dry run" not in complaint
    return complaint if is_refusal and not by_itself else None


_OF_THE_ASKING = regex(
    r"error when \w+ing \"STDIN\": | from \"STDIN\"|^Error from server \(\w+\): |^error: "
    r"|\nensure CRDs are installed first| \(e\.g\. .*",
    re.MULTILINE,
)


def _in_words(complaint: str) -> str:
    """A complaint without what is of the dry run."""
    lines = _OF_THE_ASKING.sub("", complaint.strip()).splitlines()
    told = "; ".join(" ".join(line.removeprefix("* ").split()) for line in lines)
    return told.replace(":; ", ": ")[:_LONGEST]


def _of_compose(complaint: str, path: Path) -> str | None:
    if not complaint:
        return ""
    lines = [line for line in complaint.splitlines() if " level=warning " not in line]
    return None if _NO_COMPOSE.search(complaint) else " ".join(lines).replace(f"validating {path}: ", "")


# --- changes ----------------------------------------------------------------------------------------------

_UNKNOWN = regex(r'unknown field "([\w.\[\]/-]+)"')
_OF_KIND = regex(r"(\w+) in version \"")
_OTHER_TYPE = regex(r"cannot unmarshal (\w+) into Go struct field \w+\.([\w.]+) of type (\w+)")
_NO_KIND = regex(r'no matches for kind "(\w+)" in version "([\w./]+)"')
_UNSUPPORTED = regex(r'([\w.\[\]]+): Unsupported value: "([^"]*)": supported values: ((?:"[^"]*"(?:, )?)+)')

# Where the text changes, and to what.
_Edit = tuple[int, int, str]


def _edits(refused: str, text: str) -> Iterator[_Edit]:
    for line in refused.splitlines():
        kind = _OF_KIND.search(line)
        for path in _UNKNOWN.findall(line):
            yield from _renamed(text, kind[1].lower() if kind else "", path)
        if other := _OTHER_TYPE.search(line):
            yield from _retyped(text, other[2], other[1], other[3])
        if unknown := _NO_KIND.search(line):
            yield from _known_kind(text, unknown[1], unknown[2])
        if unsupported := _UNSUPPORTED.search(line):
            value, supported = unsupported[2], re.findall(r'"([^"]*)"', unsupported[3])
            near = difflib.get_close_matches(value, supported, 1, 0.6)
            found = [node for _, node in _at(text, unsupported[1]) if node.value == value] if near else []
            yield from (_span(node, near[0]) for node in found)


def _renamed(text: str, kind: str, path: str) -> Iterator[_Edit]:
    """The key that the kind does not know, as the one that is spelt almost so."""
    if near := usage_help.near_field(kind, path):
        for key, _ in _at(text, path, kind):
            yield _span(key, near)


def _retyped(text: str, path: str, found: str, wanted: str) -> Iterator[_Edit]:
    for _, node in _at(text, path):
        value = str(node.value)
        is_text = node.tag.endswith(":str")
        if wanted == "string" and not is_text and found in ("number", "bool"):
            yield _span(node, json.dumps(value))
        elif wanted.startswith("int") and is_text and re.fullmatch(r"\d+", value):
            yield _span(node, value)
        elif wanted == "bool" and is_text and value.lower() in ("true", "false"):
            yield _span(node, value.lower())


def _known_kind(text: str, kind: str, version: str) -> Iterator[_Edit]:
    """The version in which the cluster has a kind, and the kind itself where it is only spelt almost so."""
    rows = [line.split() for line in diagnose.run("kubectl", "api-resources", "--no-headers").splitlines()]
    versions: dict[str, list[str]] = {}
    for row in rows:
        versions.setdefault(row[-1], []).append(row[-3])
    near = [kind] if kind in versions else difflib.get_close_matches(kind, versions, 1, 0.75)
    if not near:
        return
    known = versions[near[0]]
    for root in _documents(text, kind.lower()):
        for key, node in root.value:
            if key.value == "kind" and near[0] != kind:
                yield _span(node, near[0])
            elif key.value == "apiVersion" and node.value == version and version not in known:
                yield _span(node, known[0])


def _span(node: "Node", new: str) -> _Edit:
    return node.start_mark.index, node.end_mark.index, new


def _documents(text: str, kind: str = "") -> "list[Node]":
    """The documents of a text, or those of one kind in small letters, as far as they are mappings."""
    import yaml

    loaded = yaml.compose_all(text, Loader=yaml.SafeLoader)
    roots = [root for root in loaded if isinstance(root, yaml.MappingNode)]
    return [root for root in roots if not kind or _field(root, "kind").lower() == kind]


def _field(root: "Node", name: str) -> str:
    return next((str(node.value) for key, node in root.value if key.value == name), "")


def _at(text: str, path: str, kind: str = "") -> "Iterator[tuple[Node, Node]]":
    """The keys that a path of fields leads to, with their values; of a list without an index all items."""
    import yaml

    nodes = _documents(text, kind)
    entries: list[tuple[Node, Node]] = []
    for name, index in re.findall(r"([^.\[\]]+)(?:\[(\d+)\])?", path):
        lists = [node.value if isinstance(node, yaml.SequenceNode) else [node] for node in nodes]
        items = [item for each in lists for item in each]
        mappings = [item for item in items if isinstance(item, yaml.MappingNode)]
        entries = [entry for mapping in mappings for entry in mapping.value if entry[0].value == name]
        nodes = [value.value[int(index)] if index else value for _, value in entries]
    yield from entries
