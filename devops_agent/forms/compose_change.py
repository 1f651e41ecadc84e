"""A change of a service in a compose file that a task says in full: a variable, a port, that it goes.

A small model changes the line of another service, or leaves one that still waits for what is gone.
"""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devops_agent.files import text_if_readable
from devops_agent.forms.rewrite import Rewrite
from devops_agent.patterns import LEAD, regex, said_in_full

_FILE = r"(?:in|of|from|to|out of) (?:the )?(?:file )?[\"'`]?(?P<file>[\w./-]*compose[\w.-]*\.ya?ml)[\"'`]?"
_SERVICE = r"(?:the )?(?:service )?[\"'`]?(?P<service>[\w.-]*\w)[\"'`]?(?: service)?"
_VALUE = r"[\"'`]?(?P<value>[^\s\"'`$,]*[^\s\"'`$,;.])[\"'`]?"
_VARIABLE = r"(?:the )?(?:environment |env )?(?:variable )?[\"'`]?(?P<name>[A-Za-z_]\w*)"
_SETS = [
    regex(rf"{LEAD}{said} (?:for|to|on|in|of) {_SERVICE} {_FILE}", re.IGNORECASE)
    for said in (
        rf"(?:set|add|define) {_VARIABLE}={_VALUE}",
        rf"set (?:the )?(?:environment |env )?variable [\"'`]?(?P<name>[A-Za-z_]\w*)[\"'`]? to {_VALUE}",
    )
]
_PUBLISHES = [
    regex(
        rf"{LEAD}(?:publish|expose|add|map|open) (?:the )?(?:port )?(?:mapping )?[\"'`]?(?P<port>\d+:\d+)"
        rf"[\"'`]? (?:for|to|on|of|in) {_SERVICE} {_FILE}",
        re.IGNORECASE,
    )
]
_PATH = r"[\w./~-]*[\w/]"
_MOUNTS = [
    regex(rf"{LEAD}{said} {_SERVICE} {_FILE}", re.IGNORECASE)
    for said in (
        r"(?:add|mount|attach) (?:an? |the )?(?:bind ?mount |volume |mount )?"
        rf"[\"'`]?(?P<source>{_PATH}):(?P<target>/{_PATH})(?P<only>:ro)?[\"'`]? (?:for|to|into|on|in)",
        rf"mount (?:the )?(?:folder |directory |file |volume )?[\"'`]?(?P<source>{_PATH})[\"'`]?"
        r"(?P<only> read-?only)? (?:at|to|on|under|as)"
        rf" [\"'`]?(?P<target>/{_PATH})[\"'`]? (?:for|into|on|in|of)",
    )
]
_DEPENDS = [
    regex(
        rf"{LEAD}(?:make|let) {_SERVICE} (?:depend on|wait for) (?:the )?(?P<other>[\w.-]*\w) {_FILE}",
        re.IGNORECASE,
    ),
    regex(
        rf"{LEAD}add (?:the )?(?P<other>[\w.-]*\w) (?:to|as) (?:the |a )?"
        rf"(?:dependency|dependencies|depends_on) of {_SERVICE} {_FILE}",
        re.IGNORECASE,
    ),
]
_REMOVES = [regex(rf"{LEAD}(?:remove|delete|drop) {_SERVICE} {_FILE}", re.IGNORECASE)]
_STEP = "  "
# A node of PyYAML, which is imported late.
_Node = Any


def change_of(wish: str, directory: Path) -> Rewrite | None:
    """The change that a wish says of a service; None where it says more, or the file is written otherwise."""
    changes = (
        (_SETS, _set),
        (_PUBLISHES, _publish),
        (_MOUNTS, _mount),
        (_DEPENDS, _depend),
        (_REMOVES, _remove),
    )
    for patterns, change in changes:
        if said := said_in_full(patterns, wish):
            return _changed(said, change, directory)
    return None


# Given the file, its lines and what was said: changes both, and tells how; "" where it does not.
_Change = Callable[["_File", "re.Match[str]"], str]


class _File:
    """A compose file while it is changed: as lines, and as what it means."""

    def __init__(self, text: str, directory: Path) -> None:
        import yaml  # slow, and seldom needed

        self.directory = directory
        self.lines: list[str | None] = list(text.splitlines())
        self.meant: dict[str, Any] = copy.deepcopy(yaml.safe_load(text))  # of aliases each gets its own
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        self.services = _value(root, "services")

    def is_block(self, node: _Node) -> bool:
        return node is not None and node.id != "scalar" and not node.flow_style

    def add(self, service: str, key: str, in_list: str, in_mapping: str) -> bool:
        """Puts a line at the end of a list or mapping of a service, which is made where there is none."""
        of_service = _value(self.services, service)
        if not self.is_block(of_service):
            return False
        node = _value(of_service, key)
        if node is None:
            margin = " " * of_service.start_mark.column
            at = _last_line(of_service) + 1
            self.lines[at:at] = [f"{margin}{key}:", f"{margin}{_STEP}{in_mapping or in_list}"]
            return True
        line = in_list if node.id == "sequence" else in_mapping
        if not self.is_block(node) or not line:
            return False
        self.lines.insert(_last_line(node) + 1, " " * node.start_mark.column + line)
        return True

    def cut(self, key: _Node, value: _Node) -> None:
        """Takes out the lines of a key or an entry and of all that is in it."""
        gone = range(key.start_mark.line, _last_line(value) + 1)
        self.lines = [None if at in gone else line for at, line in enumerate(self.lines)]


def _changed(said: "re.Match[str]", change: _Change, directory: Path) -> Rewrite | None:
    import yaml

    text = text_if_readable(directory / said["file"])
    try:
        file = _File(text or "", (directory / said["file"]).parent)
        told = change(file, said) if said["service"] in file.meant["services"] else ""
        new = "\n".join(line for line in file.lines if line is not None) + "\n"
        if told and yaml.safe_load(new) == file.meant:
            return Rewrite(said["file"], new, told, text or "")
    except (yaml.YAMLError, LookupError, TypeError, ValueError, AttributeError, StopIteration):
        pass
    return None


def _set(file: _File, said: "re.Match[str]") -> str:
    service, name, value = said["service"], said["name"], said["value"]
    meant = file.meant["services"][service]
    there = meant.get("environment") or {}
    names = [each.partition("=")[0] for each in there] if isinstance(there, list) else list(there)
    if name in names:
        return ""  # another form changes the value that is there
    if isinstance(there, list):
        meant["environment"] = [*there, f"{name}={value}"]
    else:
        meant["environment"] = {**there, name: value}
    added = file.add(service, "environment", f"- {name}={value}", f"{name}: {json.dumps(value)}")
    return f"{service} gets {name}={value}" if added else ""


def _publish(file: _File, said: "re.Match[str]") -> str:
    service, port = said["service"], said["port"]
    meant = file.meant["services"][service]
    there = meant.get("ports") or []
    host = port.partition(":")[0]
    taken = [str(each) for one in file.meant["services"].values() for each in (one or {}).get("ports") or ()]
    if any(re.search(rf"(?:^|:|\b){host}(?::|-|\b)", each) for each in taken):
        return ""
    meant["ports"] = [*there, port]
    return f"{service} publishes {port}" if file.add(service, "ports", f'- "{port}"', "") else ""


def _mount(file: _File, said: "re.Match[str]") -> str:
    service, source, target = said["service"], said["source"], said["target"]
    meant = file.meant["services"][service]
    there = meant.get("volumes") or []
    if any(target in (each if isinstance(each, dict) else str(each).split(":")) for each in there):
        return ""
    is_path = re.search(rf"\b(?:folder|directory|file) [\"'`]?{re.escape(source)}\b", said[0], re.IGNORECASE)
    if not source.startswith((".", "/", "~")) and (is_path or (file.directory / source).exists()):
        source = f"./{source}"
    if not source.startswith((".", "/", "~")) and source not in (file.meant.get("volumes") or {}):
        if "/" in source or file.meant.get("volumes"):
            return ""
        file.meant["volumes"] = {source: None}
        file.lines += ["", "volumes:", f"{_STEP}{source}:"]
    mount = f"{source}:{target}{':ro' if said['only'] else ''}"
    meant["volumes"] = [*there, mount]
    return f"{service} gets {mount}" if file.add(service, "volumes", f"- {mount}", "") else ""


def _depend(file: _File, said: "re.Match[str]") -> str:
    service, other = said["service"], said["other"]
    meant = file.meant["services"][service]
    there = meant.get("depends_on") or []
    if other not in file.meant["services"] or other in there or isinstance(there, dict):
        return ""
    waiting = [other]
    for name in waiting:  # which grows
        if name == service:
            return ""  # each would wait for the other
        needs = (file.meant["services"].get(name) or {}).get("depends_on") or []
        waiting += [each for each in needs if each not in waiting]
    meant["depends_on"] = [*there, other]
    return f"{service} depends on {other}" if file.add(service, "depends_on", f"- {other}", "") else ""


def _remove(file: _File, said: "re.Match[str]") -> str:
    service, services = said["service"], file.meant["services"]
    if len(services) < 2 or not file.is_block(file.services):
        return ""
    del services[service]
    for name, of_service in list(services.items()):
        if service in (waits := of_service.get("depends_on") or ()):
            left = [each for each in waits if each != service]
            of_service["depends_on"] = (
                left if isinstance(waits, list) else {each: waits[each] for each in left}
            )
            if not left:
                del of_service["depends_on"]
            _no_longer_waits(file, name, service, bool(left))
    file.cut(*_entry(file.services, service))
    if re.search(rf"(?:(?<![\w./-])|//){re.escape(service)}(?![\w-])", json.dumps(list(services.values()))):
        return ""  # another one needs it in a way of its own
    return f"{service} goes, and what waits for it no longer does"


def _no_longer_waits(file: _File, name: str, service: str, others: bool) -> None:
    key, waits = _entry(_value(file.services, name), "depends_on")
    if not others:
        file.cut(key, waits)
    elif waits.id == "sequence":
        for item in waits.value:
            if item.value == service:
                file.cut(item, item)
    else:
        file.cut(*_entry(waits, service))


def _entry(mapping: _Node, name: str) -> tuple[_Node, _Node]:
    return next((key, value) for key, value in mapping.value if key.value == name)


def _value(mapping: _Node, name: str) -> Any:
    entries = mapping.value if mapping is not None and mapping.id == "mapping" else []
    return next((value for key, value in entries if key.value == name), None)


def _last_line(node: _Node) -> int:
    """The number of the last line of a node, without empty lines and comments behind it."""
    while node.id != "scalar" and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end = node.end_mark
    return int(end.line if end.column or end.line == node.start_mark.line else end.line - 1)
