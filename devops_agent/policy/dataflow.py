"""What a text does with its variables: which have one value, and which may hold what a command prints."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from devops_agent.policy.syntax import Block, Simple, Word, commands, loops, nodes
from devops_agent.policy.variables import is_secret_name

SETS_VARIABLES = frozenset(
    "read mapfile readarray printf getopts let unset declare local typeset readonly export".split()
)
DECLARES = frozenset("declare typeset local readonly export".split())
_POSITIONAL = frozenset("@*123456789")
_NO_DATA = frozenset(("seq", "date"))


class Names(NamedTuple):
    """The variables of a text."""

    fixed: frozenset[str] = frozenset()  # set once, and surely
    looped: frozenset[str] = frozenset()  # set by one loop alone
    changed: frozenset[str] = frozenset()  # set anywhere
    computed: frozenset[str] = frozenset()  # may hold what a command prints, what is read, or a secret


def names_of(block: Block) -> Names:
    """The variables of a text, in whatever order it runs."""
    counts: Counter[str] = Counter()
    sure = {id(child) for child in block.children if isinstance(child, Simple)}
    for command in commands(block):
        alone = id(command) in sure and (not command.words or own_words(command)[0].text in DECLARES)
        for name, _ in command.assigned:
            counts[name] += 1 if alone else _MORE
        for name in _set_by(command):
            counts[name] += _MORE
    looped = Counter(name for loop in loops(block) for name in loop.names)
    once = frozenset(name for name, count in counts.items() if count == 1 and name not in looped)
    by_loop = frozenset(name for name, count in looped.items() if count == 1 and name not in counts)
    return Names(once, by_loop, frozenset(counts | looped), _computed(block))


_MORE = 2  # may be set several times, or not at all


def own_words(command: Simple) -> tuple[Word, ...]:
    """The words of a command of the shell's own, without what only says that it is one."""
    words = command.words
    while len(words) > 1 and words[0].text in ("command", "builtin", "time", "-p", "--"):
        words = words[1:]
    return words


def is_data(word: Word) -> bool:
    """Whether the output of a command is in a word, and not only numbers or the time."""
    every = [command for run in word.runs for command in commands(run)]
    return any(not each.words or each.words[0].text not in _NO_DATA for each in every)


def _set_by(command: Simple) -> Iterator[str]:
    """The variables that one of the shell's own commands sets otherwise than by `NAME=VALUE`."""
    words = own_words(command)
    if not words or words[0].text not in SETS_VARIABLES:
        return
    assigned = {name for name, _ in command.assigned}
    for word in words[1:]:
        name = re.split(r"[=\[]", re.sub(r"^-\w", "", word.text))[0]
        if name not in assigned:
            yield name


def _computed(block: Block) -> frozenset[str]:
    found: set[str] = set()
    every = [each for command in commands(block) for each in command.assigned]
    every += [(name, word) for loop in loops(block) for name in loop.names for word in loop.words]
    for command in commands(block):
        words = own_words(command)
        program = words[0].text if words else ""
        if program in ("read", "mapfile", "readarray"):
            found.update(_set_by(command), ("REPLY", "MAPFILE"))
        elif program == "printf":
            every += [(name, word) for name in _set_by(command) for word in words[1:]]
        elif program == "set" and len(words) > 1:
            found |= _POSITIONAL
    if any(isinstance(node, Block) and node.kind == "function" for node in nodes(block)):
        found |= _POSITIONAL
    size = -1
    while size < len(found):
        size = len(found)
        found.update(name for name, word in every if is_data(word) or _passes_on(word, found))
    return frozenset(found)


def _passes_on(word: Word, computed: set[str]) -> bool:
    return any(name in computed or is_secret_name(name) for name in word.variables)
