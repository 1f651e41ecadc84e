"""What a wish says who may do what with a file, as chmod takes it: a small model counts such bits wrongly."""

import re

from devops_agent.patterns import regex, said_in_full

_LEAD = r"(?:(?:please|then|now|and|also) )*"
_FILE = r"(?:the (?:file )?)?[\"'`]?(?P<file>[\w./~-]*\w)[\"'`]?"
_OCTAL = r"(?P<mode>0?[0-7]{3})"
_RIGHTS_OF = r"(?:the )?(?:mode|permissions?|access rights|rights) (?:of|on) "
# "chmod 600 a.key", "chmod a.key to 600", "set the mode of a.key from 644 to 600"
_IN_DIGITS = [
    regex(rf"{_LEAD}{said}", re.IGNORECASE)
    for said in (
        rf"chmod {_OCTAL} {_FILE}",
        rf"chmod {_FILE} to {_OCTAL}",
        rf"(?:set|change) {_RIGHTS_OF}{_FILE} (?:from 0?[0-7]{{3}} )?to {_OCTAL}",
    )
]
_WHO = regex(
    r"\b(?:(?P<u>(?:the |its )?owner|me|i)|(?P<g>(?:the |its |our )?group)"
    r"|(?P<o>(?:(?:any|every|no) ?(?:one|body)|all) else|(?:all |the )?others|the (?:rest|world)))\b",
    re.IGNORECASE,
)
_RIGHTS = {
    "r": regex(r"\bread(?:able|s|ing)?\b", re.IGNORECASE),
    "w": regex(r"\bwrit(?:e|es|able|ing)\b", re.IGNORECASE),
    "x": regex(r"\b(?:execut(?:e|es|able)|run(?:s|nable)?)\b", re.IGNORECASE),
}
_BITS = {"r": 4, "w": 2, "x": 1}
_NONE = regex(r"\b(?:no|none|nothing|nobody|no one)\b", re.IGNORECASE)
# All that a sentence may say beside the file; with any other word it may mean something else.
_KNOWN = frozenset(
    """make let give allow please then now and only just by for the its our to it may can is be but with
 owner me i group others all else rest world anyone everyone anybody everybody nobody no one any every body
 read readable reading reads write writable writing writes execute executable executes run runnable runs
 access none nothing""".split()
)


# "remove the execute permission from run.sh for others"
_GIVES = [
    regex(
        rf"{_LEAD}(?P<how>remove|revoke|take away|drop|add|give|grant) (?:the )?"
        r"(?P<right>read|write|execut(?:e|ion)) (?:permissions?|rights?|bit|access)? ?(?:from|of|on|to|for)"
        rf" {_FILE} (?:for|from|to) (?:the |all )?"
        r"(?P<who>owner|group|others|other users|everybody else|everyone else|everybody|everyone|all)",
        re.IGNORECASE,
    )
]
_LETTERS = {"owner": "u", "group": "g", "everybody": "a", "everyone": "a", "all": "a"}


def file_and_mode(wish: str) -> tuple[str, str] | None:
    """The file whose mode a wish wants set, and the mode, such as "640"; None where any is left open."""
    if match := said_in_full(_IN_DIGITS, wish):
        return match["file"], match["mode"]
    if match := said_in_full(_GIVES, wish):
        who = _LETTERS.get(match["who"].lower(), "o")
        sign = "+" if match["how"].lower() in ("add", "give", "grant") else "-"
        return match["file"], f"{who}{sign}{'x' if match['right'][0] in 'eE' else match['right'][0].lower()}"
    wish = wish.strip(" .!")
    *before, last = re.split(r"[.!;]\s+", wish)
    words = [word.strip("\"'`,:").lower() for word in last.split()]
    files = [word.strip("\"'`,:") for word in wish.split() if re.search(r"[./]\w", word)]
    if len(set(files)) != 1 or set(words) - _KNOWN - {files[0].lower()}:
        return None
    if before and files[0] in last:  # what was said before is not about it alone
        return None
    mode = _mode_of(last)
    return (files[0], mode) if mode else None


def _mode_of(text: str) -> str:
    """The mode that a text tells of the owner, the group and all others; "" where one of them is missing."""
    who = list(_WHO.finditer(text))
    if not who:
        return ""
    # "readable by the owner" or "the owner may read"
    before = bool(_rights(text[: who[0].start()]))
    bounds = [0, *(match.end() for match in who)] if before else [match.start() for match in who]
    said: dict[str, str] = {}
    for match, start, end in zip(who, bounds, [*bounds[1:], len(text)], strict=False):
        clause, kind = text[start : match.end() if before else end], str(match.lastgroup)
        none = _NONE.search(clause)
        rights = "" if none else _rights(clause)
        if kind in said or not (none or rights):
            return ""
        said[kind] = rights
    if "g" not in said and said.get("o") == "" and "u" in said:
        said["g"] = ""  # nobody else
    if len(said) != 3 or "r" not in said["u"]:
        return ""
    return "".join(str(sum(_BITS[right] for right in said[kind])) for kind in "ugo")


def _rights(text: str) -> str:
    return "".join(right for right, word in _RIGHTS.items() if word.search(text))
