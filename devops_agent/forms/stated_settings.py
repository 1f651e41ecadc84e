"""Settings and their new values, where a wish says nothing else: then code fills in the form by itself.

A word that is understood wrongly changes another setting. So each word of the wish has to be one of the names
that lead to the setting, its value, or a word that says nothing; and one setting alone may have all names.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from devops_agent.config_values import Setting, key_of, words_of
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
# What behind "to" is no value.
NO_VALUE = regex(
    r"an?|the|this|that|these|those|them|both|its?|be|one|all|our|my|your|their|same|match|use|have"
    r"|(?:any|some)thing|whatever|another|higher|lower|bigger|smaller|different|other",
    re.IGNORECASE,
)
# What may be a value, and may stand for another.
_VAGUE = regex(
    r"two|three|four|five|six|seven|eight|nine|ten|zero|default|none|null|nothing|unlimited|auto|more|less"
    r"|double|half",
    re.IGNORECASE,
)
_SEPARATORS = ":/@=, "
_NUMBER_WORD = regex(
    r"(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|hundred|a|double|half)",
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
        is_open = bare and (NO_VALUE.fullmatch(value) or _VAGUE.fullmatch(value))
        setting = "" if is_open else _meant(before, path, settings)
        if not setting or setting in found or not _fits(value, match["old"], text, settings[setting]):
            return {}
        found[setting], at = value, end
    return found if _SAYS_NOTHING.issuperset(words_of(rest[at:])) else {}


def _without_file(wish: str, path: str) -> str:
    name = rf"(?:the )?(?:file )?[\"'`]?{re.escape(path)}[\"'`]?"
    said = re.compile(rf"\b(?:in|of|inside) {name}(?![\w/-]|\.\w),?|{name}:", re.IGNORECASE)
    return re.sub(r"\b(?:the )?value of\b", " ", said.sub(" ", wish, count=1), flags=re.IGNORECASE)


def _meant(said: str, path: str, settings: Mapping[str, Setting]) -> str:
    """The one setting to which all that is said leads; "" when there is none, or more."""
    of_file = words_of(Path(path).name)
    words = {
        word
        for word in words_of(said)
        if word not in _SAYS_NOTHING
        and not (len(word) > 2 and any(each.startswith(word) for each in of_file))
    }
    meant = [
        setting
        for setting in settings
        if set(words_of(key_of(setting))) <= words <= set(words_of(re.sub(r" #\d+$", "", setting)))
    ]
    for_all = [setting for setting in meant if " > " not in setting]  # and not below a Host or a Match
    meant = for_all if len(for_all) == 1 else meant
    return meant[0] if len(meant) == 1 and words else ""


def _fits(value: str, old: str | None, text: str, place: Setting) -> bool:
    """Whether a value can stand where the setting has its own, which is the old one where that is said."""
    now = text[place.start : place.end]
    if old is not None and old.strip(",;") != now:
        return False
    is_word = not re.search(r"\d", value)
    return are_like([value], now) and not (is_word and re.fullmatch(r"[\d.]+[A-Za-z%]*", now))


def are_like(values: Iterable[str], old: str) -> bool:
    """Whether values can stand in place of an old one, and not just of a part of it, as `60` of `30s`."""
    if any(mark in old and not any(mark in value for value in values) for mark in _SEPARATORS):
        return False
    if old.isdigit() and any(map(_NUMBER_WORD.fullmatch, values)):
        return False
    has_unit = re.fullmatch(r"[\d.]+[A-Za-z%]+", old)
    return not (has_unit and any(re.fullmatch(r"[\d.]+", value) for value in values))
