"""Texts that go on, such as the output of a command that runs."""

from devops_agent.patterns import regex

# A word of letters alone, or a path of them, is no key; what is shorter gives nothing away.
_PLAIN = regex(r"[A-Z]?[a-z./~,:;!?'\"(){}-]*")
_SHORT = 8
_WORD = regex(r"\S+")
_QUOTE = regex(r"(?<!\w)[\"']")
_OPEN_VALUE = regex(
    r"(?i)(?:pass|pwd|secret|token|key|cred|auth)[\w-]{0,20}\\{0,3}[\"']?[ \t]{0,9}[=:][ \t]{0,9}"
    r"\\{0,3}(?P<quote>[\"'])(?:(?!(?P=quote))[^\n])*\Z"
)


def settled(text: str, by_line: bool = False) -> str:
    """The text without an end that may be the first half of a secret; "…" stands for that.

    Args:
        text: What there is so far.
        by_line: Whether what comes may show that an earlier word of its last line is a secret.
    """
    line = text.rfind("\n") + 1
    if value := (_QUOTE if by_line else _OPEN_VALUE).search(text, line):
        return f"{settled(text[: value.start()], by_line).removesuffix('…')}…"
    last = max(text.rfind(blank, line) for blank in " \t") + 1 or line
    for word in _WORD.finditer(text, line if by_line else last):
        if len(word[0]) >= _SHORT and not _PLAIN.fullmatch(word[0]):
            return f"{text[: word.start()]}…"
    return text
