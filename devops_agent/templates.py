"""Filling a template with the values of a file: a small model writes it anew, and leaves some of it out."""

import re
from pathlib import Path

from devops_agent.config_values import settings_of
from devops_agent.files import text_if_readable
from devops_agent.patterns import LEAD, regex, said_in_full

_A_FILE = r"(?:the )?(?:file )?[\"'`]?(?P<{}>[\w./~-]*\w)[\"'`]?"
_TEMPLATE = rf"(?:the )?(?:template )?{_A_FILE.format('template')}"
_TARGET = _A_FILE.format("target")
_OF = r"(?:(?:the )?(?:values|variables|settings) (?:of|from|in) )?"
_VALUES = rf"(?:with|using|from|by) {_OF}{_A_FILE.format('values')}"
# Nothing but the three files is said: each other word may mean another text.
_FILLS = [
    regex(LEAD + said, re.IGNORECASE)
    for said in (
        rf"(?:render|fill(?: in| out)?|expand) {_TEMPLATE} (?:in)?to {_TARGET} {_VALUES}",
        rf"(?:render|fill(?: in| out)?|expand) {_TEMPLATE} {_VALUES} (?:in)?to {_TARGET}",
        rf"(?:create|make|generate|render) {_TARGET} from {_TEMPLATE} {_VALUES}",
    )
]
# "${NAME}", "{{ NAME }}", "{{ .NAME }}"
_PLACE = regex(r"\$\{([A-Za-z_]\w*)\}|\{\{ *\.?([A-Za-z_]\w*) *\}\}")
# What is left open in a text: of a variable in small letters, as `$host`, the program knows the value.
_OPEN = regex(r"\{\{|\{%|\$\{[A-Z_]+[^a-z]|\$[A-Z][A-Z_]")


def filled(wish: str, directory: Path) -> tuple[str, str, tuple[str, str]] | None:
    """The file that a wish wants made of a template and a file of values, its text, and those two files.

    Returns:
        None where the wish says more than that, or the template has a place without a value.
    """
    said = said_in_full(_FILLS, wish)
    if said is None:
        return None
    template, pairs = (text_if_readable(directory / said[name]) for name in ("template", "values"))
    if template is None or pairs is None or not _PLACE.search(template):
        return None
    values = {name: pairs[at.start : at.end] for name, at in settings_of("values.env", pairs).items()}

    def value_at(place: re.Match[str]) -> str:
        return values.get(str(place[1] or place[2]), str(place[0]))

    text = _PLACE.sub(value_at, template)
    odd = any(re.search(r"[\"'\\]", value) for value in values.values())  # quoted in a way of its own
    left = odd or _OPEN.search(_PLACE.sub("", template)) or _OPEN.search(text)
    return None if left else (said["target"], text, (said["template"], said["values"]))
