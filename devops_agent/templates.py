"""Filling a template with the values of a file: a small model writes the text anew, and leaves some out."""

import re
from pathlib import Path

from devops_agent.files import text_if_readable
from devops_agent.grounding.task_words import PATH
from devops_agent.patterns import regex

_FILLS = regex(r"\b(?:render|fill|substitute|expand|instantiate|generate|create|make)\b", re.IGNORECASE)
_SUFFIXES = (".tmpl", ".tpl", ".template", ".in", ".dist")
# "… to site.conf", "… as site.conf", "create site.conf from …"
_TO = regex(r"\b(?:to|into|as|create|make|generate)\s+(?:the )?(?:file )?[\"'`]?$", re.IGNORECASE)
_PAIR = regex(r"^\s*(?:export +)?([A-Za-z_]\w*)=(.*?)\s*$", re.MULTILINE)
# "${NAME}", "{{ NAME }}", "{{ .NAME }}"
_PLACE = regex(r"\$\{([A-Za-z_]\w*)\}|\{\{ *\.?([A-Za-z_]\w*) *\}\}")


def filled(wish: str, directory: Path) -> tuple[str, str, tuple[str, str]] | None:
    """The file that a wish wants made of a template and a file of values, its text, and those two files.

    Returns:
        None where it does not name these three files, or where the template has a place without a value. A
        place such as `${host}`, in small letters, may be meant to stay.
    """
    paths = list(dict.fromkeys(PATH.findall(wish)))
    texts = {path: text_if_readable(directory / path) for path in paths}
    templates = [path for path in paths if path.endswith(_SUFFIXES) and _PLACE.search(texts[path] or "")]
    starts = {match[1]: match.start() for match in PATH.finditer(wish)}
    targets = [path for path in paths if _TO.search(wish[: starts[path]]) and path not in templates]
    sources = [
        path for path in paths if path not in {*templates, *targets} and _PAIR.search(texts[path] or "")
    ]
    if not _FILLS.search(wish) or [len(templates), len(targets), len(sources), len(paths)] != [1, 1, 1, 3]:
        return None
    values = {name: value.strip("\"'") for name, value in _PAIR.findall(texts[sources[0]] or "")}
    open_places: list[str] = []

    def value_at(place: re.Match[str]) -> str:
        name = str(place[1] or place[2])
        if name not in values and (place[2] or name.isupper()):
            open_places.append(name)
        return str(values.get(name, place[0]))

    text = _PLACE.sub(value_at, texts[templates[0]] or "")
    return None if open_places else (targets[0], text, (templates[0], sources[0]))
