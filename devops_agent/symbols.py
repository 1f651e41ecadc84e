"""The signs that the terminal shows, and their forms where it has no Unicode."""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass

# Consoles whose fonts have few characters, whatever their locale says.
_PLAIN_TERMINALS = ("linux", "dumb")
_LOCALE = ("LC_ALL", "LC_CTYPE", "LANG")

_ASCII = {
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("‘’‚‛‹›′", "'"),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("•●▪◦‣·", "*"),
    **dict.fromkeys("✓✔✅☑", "[ok]"),
    **dict.fromkeys("✗✘❌☒", "[failed]"),
    **dict.fromkeys("→⇒➜➔▶", "->"),
    **dict.fromkeys("←⇐↩", "<-"),
    **dict.fromkeys("\u00a0\u2007\u2009\u202f", " "),
    **dict.fromkeys("\u200b\u200d\u2060\ufe0e\ufe0f\ufeff", ""),
    "…": "...",
    "×": "x",
    "≤": "<=",
    "≥": ">=",
    "⚠": "[!]",
    "⏱": "[time]",
    "🔧": "[tool]",
}
_REPLACED = str.maketrans(_ASCII)


@dataclass(frozen=True)
class Symbols:
    """The signs in front of what is told, and the frames of the spinner."""

    ok: str = "✅"
    failed: str = "❌"
    time: str = "⏱️"
    tool: str = "🔧"
    warning: str = "⚠️"
    agent: str = "🤖"
    back: str = "↩"
    ellipsis: str = "…"
    spinner: tuple[str, ...] = tuple("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")


_WITHOUT_UNICODE = Symbols(
    ok="[ok]",
    failed="[failed]",
    time="[time]",
    tool="[tool]",
    warning="[!]",
    agent="[agent]",
    back="<-",
    ellipsis="...",
    spinner=tuple("|/-\\"),
)


def symbols(unicode: bool) -> Symbols:
    """The signs for a terminal with Unicode or without."""
    return Symbols() if unicode else _WITHOUT_UNICODE


def speaks_unicode(encoding: str, environ: Mapping[str, str]) -> bool:
    """Whether a terminal shows what is beyond ASCII, as far as its stream and the environment tell.

    Python writes UTF-8 in the C locale too, where the terminal may expect something else.

    Args:
        encoding: That of the stream; "" where it has none.
        environ: The environment, of which TERM and the locale count.
    """
    if not _is_utf(encoding) or environ.get("TERM") in _PLAIN_TERMINALS:
        return False
    locale = next((environ[name] for name in _LOCALE if environ.get(name)), "")
    name, _, charset = locale.partition("@")[0].partition(".")
    if name.upper() in ("C", "POSIX") and not charset:
        return False
    return _is_utf(charset) if charset else True


def _is_utf(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name.startswith("utf")
    except (LookupError, ValueError):
        return False


def ascii_text(text: str, encoding: str = "ascii") -> str:
    """A text of the model or of a command for a terminal without Unicode.

    Typographic signs become what one types in their place; another character becomes `?` only where the
    encoding has no form of it.

    Args:
        text: The text.
        encoding: That of the stream on which it is written.
    """
    try:
        codecs.lookup(encoding)
    except (LookupError, ValueError):
        encoding = "ascii"
    return text.translate(_REPLACED).encode(encoding, "replace").decode(encoding)
