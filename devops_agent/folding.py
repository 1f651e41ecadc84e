"""Lines that say the same again and again, folded, so that the one that differs is seen."""

import re
from collections import Counter

from devops_agent.patterns import regex

# From so many lines on; and of a shape so many are folded.
_LONG = 20
_MANY = 8
_KEPT = 2
# A line of figures alone is what was asked for.
_WORDS = regex(r"[A-Za-z]{2,}\W+(?:\S+\W+)*?[A-Za-z]{2,}")
# What a Go program logs of its own retries, and what Docker says of its builder at each build.
_NOISE = regex(
    r"[EWI]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \w+\.go:\d+\] "
    r"|DEPRECATED: The legacy builder|\s+Install the buildx component|\s+https://docs\.docker\.com/go/buildx/"
)
_VARYING = regex(r"0x[0-9a-f]+|\b[0-9a-f]{8,}\b|\d+", re.IGNORECASE)


def fold(text: str) -> str:
    """Folds the lines that differ from many others in figures only; the first ones and the last one stay.

    Tables with a header stay as they are: their rows are what was asked for. Noise goes, where something else
    is said too.
    """
    lines = text.split("\n")
    lines = [line for line in lines if not _NOISE.match(line)] or lines
    text = "\n".join(lines)
    if len(lines) < _LONG or _is_table(lines):
        return text
    shapes = [_VARYING.sub("#", line) for line in lines]
    total = Counter(shape for shape in shapes if _WORDS.search(shape))
    seen: Counter[str] = Counter()
    folded: list[str] = []
    for line, shape in zip(lines, shapes, strict=True):
        seen[shape] += 1
        if total[shape] < _MANY or seen[shape] <= _KEPT or seen[shape] == total[shape]:
            folded.append(line)
        elif seen[shape] == _KEPT + 1:
            folded.append(f"[{total[shape] - _KEPT - 1} more lines like: {shape.strip()[:80]}]")
    return "\n".join(folded)


def _is_table(lines: list[str]) -> bool:
    return bool(re.match(r"[A-Z][A-Z/()% -]+(?: {2,}|\t)[A-Z]", lines[0]))
