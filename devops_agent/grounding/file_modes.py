"""What a task says who may do what with a file, as chmod takes it: a small model counts such bits wrongly."""

import re

from devops_agent.patterns import regex

_OCTAL = regex(r"\b(?:mode|chmod|permissions?|rights)\b(?: \S+){0,5}? (0?[0-7]{3})\b", re.IGNORECASE)
_WHO = regex(
    r"\b(?:(?P<u>(?:the |its )?owner|me|I)|(?P<g>(?:the |its |our )?group)"
    r"|(?P<o>(?:(?:any|every|no) ?(?:one|body)|all) else|(?:all |the )?others|the (?:rest|world)))\b",
    re.IGNORECASE,
)
_RIGHTS = {
    "r": regex(r"\bread(?:able|s|ing)?\b", re.IGNORECASE),
    "w": regex(r"\bwrit(?:e|es|able|ing)\b", re.IGNORECASE),
    "x": regex(r"\b(?:execut(?:e|es|able)|run(?:s|nable)?)\b", re.IGNORECASE),
}
_BITS = {"r": 4, "w": 2, "x": 1}
_NONE = regex(r"\b(?:no|none|nothing|not|nobody|cannot|can['’]t|neither)\b", re.IGNORECASE)


def mode_of(text: str) -> str:
    """The mode that a text tells in full, such as "640"; "" where it leaves any of it open."""
    if octal := set(_OCTAL.findall(text)):
        return octal.pop() if len(octal) == 1 else ""
    who = list(_WHO.finditer(text))
    if not who:
        return ""
    # "readable by the owner" or "the owner may read"
    begin = max(text.rfind(mark, 0, who[0].start()) for mark in ".;:") + 1
    before = bool(_rights(text[begin : who[0].start()]))
    bounds = [begin, *(match.end() for match in who)] if before else [match.start() for match in who]
    spans = zip(bounds, [*bounds[1:], len(text)], strict=False)
    said: dict[str, str] = {}
    for match, (start, end) in zip(who, spans, strict=False):
        clause = re.split(r"[.;]\s", text[start:end] if not before else text[start : match.end()])[0]
        kind = str(match.lastgroup)
        if kind in said:
            return ""
        said[kind] = "" if _NONE.search(clause) else _rights(clause)
        if not said[kind] and not _NONE.search(clause):
            return ""
    if "g" not in said and said.get("o") == "" and "u" in said:
        said["g"] = ""  # nobody else
    return "".join(str(sum(_BITS[right] for right in said[kind])) for kind in "ugo") if len(said) == 3 else ""


def _rights(text: str) -> str:
    return "".join(right for right, word in _RIGHTS.items() if word.search(text))
