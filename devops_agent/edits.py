"""Edits of files by commands: what `sed -i` and its like really did.

A small model writes patterns that match nothing, and takes the silence of sed for success.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from devops_agent.diagnosis import text_files
from devops_agent.files import text_if_readable
from devops_agent.patterns import regex
from devops_agent.policy import effects
from devops_agent.policy.shell_text import segments
from devops_agent.protocol import Call

_LARGEST = 200_000
_MOST_LINES = 12
_MOST_NEW = 4
_LONGEST_LINE = 160
# A substitution whose replacement means itself.
_SUBSTITUTION = regex(r"s([/|#,@])((?:(?!\1)[^\\])+)\1((?:(?!\1)[^\\&])+)\1[gIi\d]*")
_IN_PLACE = regex(r"^(?:-i.*|--in-place.*|-[a-zA-Z]*pi\S*)$")


def texts_before(call: Call) -> dict[Path, str]:
    """The texts of the files that a call may change."""
    if call.name == "write_file":
        return _texts([Path(str(call.arguments["path"]))])
    return texts_of(str(call.arguments["command"])) if call.name == "bash" else {}


def texts_of(command: str) -> dict[Path, str]:
    """The texts of the files that a command names and may change."""
    if effects.is_read(command):
        return {}
    words = [word for segment in segments(command) for word in (*segment.words[1:], *segment.targets)]
    return _texts(path for word in words if len(word) < 400 and (path := Path(word)).is_file())


def _texts(paths: Iterable[Path]) -> dict[Path, str]:
    return {path: text for path in paths if (text := text_if_readable(path, _LARGEST)) is not None}


def in_place(command: str) -> bool:
    """Whether a command is one that edits the files that it names."""
    return any(
        segment.name in ("sed", "perl") and any(map(_IN_PLACE.match, segment.words[1:]))
        for segment in segments(command)
    )


def outcome(command: str, before: Mapping[Path, str]) -> tuple[str, bool]:
    """What became of files: their new lines, or why they are not right; "" when there is nothing to tell.

    Args:
        command: What ran.
        before: The texts of the files before it.
    """
    now = _texts(before)
    changed = {path: text for path, text in now.items() if text != before[path]}
    if before and not changed and in_place(command):
        names = ", ".join(map(str, before))
        return f"{names} is as before: nothing in it matched. Look at its text, or write it anew.", False
    told = [difference(path, before[path], text) for path, text in changed.items()]
    targets = [Path(word) for segment in segments(command) for word in segment.targets if len(word) < 400]
    told += [_new(path, text, command) for path, text in _texts(targets).items() if path not in before]
    wrong = [f"{path}: {said}" for path, text in changed.items() if (said := text_files.trouble(path, text))]
    wrong += _without_effect(command, "\n".join(now.values()))
    return "\n".join([*told, *wrong]), not wrong


def _without_effect(command: str, after: str) -> list[str]:
    """The substitutions of which nothing stands in the files that sed has edited."""
    words = [word for segment in segments(command) if segment.name == "sed" for word in segment.words[1:]]
    parts = [part.strip() for word in words for part in word.split(";")] if in_place(command) else []
    found = filter(None, map(_SUBSTITUTION.fullmatch, parts))
    return [f"{match[0]} matched nothing: look at the text." for match in found if match[3] not in after]


# What such a command writes is not shown.
_PRIVATE = regex(r"secret|passw|token|base64|credential|private|\.env\b|\.pem\b|\.key\b", re.IGNORECASE)


def _new(path: Path, text: str, command: str) -> str:
    """The first lines of a file that a command has made."""
    lines = text.splitlines()
    private = _PRIVATE.search(f"{command} {path}")
    shown = [] if private else [line[:_LONGEST_LINE] for line in lines[:_MOST_NEW]]
    count = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
    return "\n".join([f"{path} has {count} now{':' if shown else '.'}", *shown])


def difference(path: Path | str, old: str, new: str) -> str:
    """The lines of a file that were changed, in a form that people know."""
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0))[2:]
    shown = [line[:_LONGEST_LINE] for line in lines if not line.startswith("@@")]
    if not shown:
        return f"Changed {path}: the ends of its lines."
    more = [f"… {len(shown) - _MOST_LINES} more"] if len(shown) > _MOST_LINES else []
    return "\n".join([f"Changed {path}:", *shown[:_MOST_LINES], *more])
