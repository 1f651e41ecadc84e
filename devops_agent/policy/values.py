"""The values that a text for the shell gives to variables, put in their places.

It is done to the text, in its order, without a look at what surely runs: a text is judged with it once more.
"""

import re
from collections.abc import Set as AbstractSet

from devops_agent.patterns import regex

_NAME, _LONGEST, _MOST_ADDED = r"[A-Za-z_]\w*", 1000, 50_000
_PLAIN = r"[\w./~*?\[\]{},$:@%+-]*"
_USE = (
    rf"\$(?:(?P<plain>{_NAME})"
    rf"|\{{(?P<braced>{_NAME})(?::?[-=](?P<default>[^}}]{{0,200}})|:?\?[^}}]{{0,200}})?\}})"
)
_USES = regex(_USE)
_SETS_OR_USES = regex(
    rf"(?<![\w$-])(?:(?P<name>{_NAME})(?P<sets>\+?=)"
    rf"""(?:(?P<quote>["']?)(?P<value>{_PLAIN})(?P=quote)(?!(?<==)["'])(?=[\s;&|)"'`]|$))?"""
    rf"|for[ \t]+(?P<loop>{_NAME})[ \t]+in[ \t](?P<words>[^;\n]*)"
    rf"|(?:read|mapfile|readarray)\b(?P<read>[^\n;|&]*))|{_USE}"
)


def filled(text: str) -> tuple[str, AbstractSet[str]]:
    """A text in which the values that it gives to variables are in their places, and these variables."""
    values: dict[str, str] = {"PWD": ""}  # "" for one that is only known at run time
    added = 0

    def used(found: re.Match[str]) -> str:
        nonlocal added
        name = found["plain"] or found["braced"]
        value = values.get(name) if name in values else found["default"]
        added += len(value or "")
        return value if value and name != "HOME" and added < _MOST_ADDED else found[0]

    def changed(found: re.Match[str]) -> str:
        if found["name"]:
            value = found["value"] and _USES.sub(used, found["value"])
            whole, before = value, values.pop(found["name"], "")
            if found["sets"] == "+=":
                whole = before + value if before and value else None
            if whole != "":  # else it is as if it were not set
                values[found["name"]] = _short(whole or "")
            return found[0].replace(found["value"], value) if value else found[0]
        if found["loop"]:
            words = [word.strip("\"'") for word in _USES.sub(used, found["words"]).split()]
            words = [word for word in words if word and re.fullmatch(_PLAIN, word)]
            values[found["loop"]] = _short(f"{{{','.join(words)}}}" if len(words) > 1 else "".join(words))
        elif found["read"]:
            values.update(dict.fromkeys(re.findall(rf"(?<![\w-]){_NAME}", found["read"]), ""))
        else:
            return used(found)
        return found[0]

    return _SETS_OR_USES.sub(changed, text), values.keys()


def _short(value: str) -> str:
    return value if len(value) < _LONGEST else ""
