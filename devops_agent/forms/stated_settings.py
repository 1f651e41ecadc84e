"""Settings and their new values, where a wish says nothing else: then code fills in the form by itself.

A word that is understood wrongly changes another setting. So each word of the wish has to be one of the names
that lead to the setting, its value, or a word that says nothing; and one setting alone may have all names.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from devops_agent.config_values import Setting, key_of
from devops_agent.patterns import regex

_SAYS_NOTHING = frozenset(
    """set change update raise lower increase decrease reduce bump switch put make give let move adjust
 the a an its our my of for in on to at and then please now instead there first s""".split()
)
_NEW = regex(
    r"(?:\bfrom\s+[\"'`]?(?P<old>[^\s\"'`]+)[\"'`]?\s+)?(?:\bto\s+|=\s*|\bof\s+(?=[\"'`]?\d))"
    r"(?:\"(?P<double>[^\"]+)\"|'(?P<single>[^']+)'|`(?P<code>[^`]+)`|(?P<bare>[^\s\"'`,;()]+))",
    re.IGNORECASE,
)
# "to port 2222"
_NAMED = regex(r"([A-Za-z][\w-]*) ([\"'`]?\d[^\s,;()]*)")
_NO_VALUE = regex(
    r"an?|the|this|that|these|those|them|both|its?|be|one|two|three|four|five|six|seven|eight|nine|ten|zero|all"
    r"|our|my|your|their|same|match|use|have|(?:any|some)thing|whatever|another|higher|lower|bigger|smaller"
    r"|different|other|default|none|null|nothing|unlimited|auto|more|less|double|half",
    re.IGNORECASE,
)


def stated(wish: str, path: str, text: str, settings: Mapping[str, Setting]) -> dict[str, str]:
    """The new values by their settings; none where any word of the wish may mean something else.

    Args:
        wish: What is wanted.
        path: The file.
        text: Its text.
        settings: All its settings, also those in comments.
    """
    rest, at = _without_file(wish, path), 0
    found: dict[str, str] = {}
    while match := _NEW.search(rest, at):
        before, bare, end = rest[at : match.start()], match["bare"] or "", match.end()
        if bare and (named := _NAMED.match(rest, match.start("bare"))):
            before, bare, end = f"{before} {named[1]}", named[2].strip("\"'`"), named.end()
        if not found and not _NEW.search(rest, end):
            before, end = f"{before} {rest[end:]}", len(rest)  # "set the timeout to 5s for the user git"
        value = match["double"] or match["single"] or match["code"] or bare.rstrip(".?!:")
        setting = "" if bare and _NO_VALUE.fullmatch(value) else _meant(before, path, settings)
        if not setting or setting in found or not _fits(value, match["old"], text, settings[setting]):
            return {}
        found[setting], at = value, end
    return found if _SAYS_NOTHING.issuperset(_words(rest[at:])) else {}


def _without_file(wish: str, path: str) -> str:
    name = rf"(?:the )?(?:file )?[\"'`]?{re.escape(path)}[\"'`]?"
    said = re.compile(rf"\b(?:in|of|inside) {name}(?![\w/-]|\.\w),?|{name}:", re.IGNORECASE)
    return re.sub(r"\b(?:the )?value of\b", " ", said.sub(" ", wish, count=1), flags=re.IGNORECASE)


def _meant(said: str, path: str, settings: Mapping[str, Setting]) -> str:
    """The one setting to which all that is said leads; "" when there is none, or more."""
    of_file = _words(Path(path).name)
    words = {
        word
        for word in _words(said)
        if word not in _SAYS_NOTHING
        and not (len(word) > 2 and any(each.startswith(word) for each in of_file))
    }
    meant = [
        setting
        for setting in settings
        if set(_words(key_of(setting))) <= words <= set(_words(re.sub(r" #\d+$", "", setting)))
    ]
    for_all = [setting for setting in meant if " > " not in setting]  # and not below a Host or a Match
    meant = for_all if len(for_all) == 1 else meant
    return meant[0] if len(meant) == 1 and words else ""


def _fits(value: str, old: str | None, text: str, place: Setting) -> bool:
    """Whether a value can stand where the setting has its own, which is the old one where that is said."""
    now = text[place.start : place.end]
    if old is not None and old.strip(",;") != now:
        return False
    if any(mark in now and mark not in value for mark in ":/@=, "):
        return False
    is_number = re.fullmatch(r"[\d.]+([A-Za-z%]*)", now)
    if is_number and not re.search(r"\d", value):
        return False
    return not (is_number and is_number[1] and re.fullmatch(r"[\d.]+", value))


def _words(text: str) -> list[str]:
    """The words of a text and of the names in it, in small letters and in the singular."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return [
        word if len(word) < 3 else re.sub(r"s$", "", word)
        for word in re.findall(r"[a-z0-9]+", spaced.lower())
    ]
