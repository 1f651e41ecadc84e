"""Texts that go on, such as the output of a command that runs."""

import re

# A word of letters alone, or a path of them, is no key; what is shorter gives nothing away.
_PLAIN = re.compile(r"[A-Z]?[a-z./~,:;!?'\"(){}-]*")
_SHORT = 8
_OPEN_VALUE = re.compile(
    r"(?i)(?:pass|pwd|secret|token|key|cred|auth)[\w-]{0,20}\\{0,3}[\"']?[ \t]{0,9}[=:][ \t]{0,9}"
    r"\\{0,3}(?P<quote>[\"'])(?:(?!(?P=quote))[^\n])*\Z"
)


def settled(text: str) -> str:
    """The text without an end that may be the first half of a secret; "…" stands for that."""
    line = text.rfind("\n") + 1
    if value := _OPEN_VALUE.search(text, line):
        return f"{text[: value.end('quote')]}…"
    at = max(text.rfind(blank, line) for blank in " \t") + 1 or line
    is_telling = len(text) - at >= _SHORT and not _PLAIN.fullmatch(text, at)
    return f"{text[:at]}…" if is_telling else text
