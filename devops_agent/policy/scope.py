"""Where a part of a text runs: in which directory, with which variables, and who sees its calls."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from devops_agent.policy import paths
from devops_agent.policy.call import Argument, Call, argument, stranger
from devops_agent.policy.dataflow import Names, is_data
from devops_agent.policy.lookup import Elsewhere, Lookup
from devops_agent.policy.syntax import UNSEEN, Block, Simple, Variable, Word
from devops_agent.policy.verdict import Verdict, change, destructive, read

_MOST_CALLS = 2000
_MOST_PLACES = 4  # a command that may run in more is taken to run anywhere

# Sees every call, after those that it runs, with its verdict and where it runs, and may judge it in another
# way. A file that is written is a call of `>`, one that a redirection reads a call of `<`, a variable that is
# set one of `=`.
Watch = Callable[[Call, Verdict, "Scope"], Verdict]


class Scope(NamedTuple):
    """Where a part of the text runs."""

    lookup: Lookup
    directories: tuple[str | None, ...]  # those it may be in; None for one that is not known
    variables: dict[str, str]
    functions: dict[str, Block]
    calls: list[int]  # how many there were, for all that is classified together
    names: Names = Names()  # the variables of the text, and those that texts around it compute
    depth: int = 0
    watch: Watch | None = None

    @property
    def is_known(self) -> bool:
        """Whether it is on this machine."""
        return self.lookup.home != ""

    def deeper(self) -> "Scope":
        return self._replace(depth=self.depth + 1)

    def elsewhere(self) -> "Scope":
        """That of a command on another machine or in a container."""
        return self._replace(
            lookup=Elsewhere(), directories=(None,), variables={}, functions={}, depth=self.depth + 1
        )

    def fresh(self, names: Names) -> "Scope":
        """That of a text which a shell of its own runs here."""
        known = names._replace(computed=self.names.computed | names.computed)
        return self._replace(variables={}, functions={}, names=known, depth=self.depth + 1)

    def given(self, values: Mapping[str, str]) -> "Scope":
        """That in which variables have values; those that are not known, or long, are left out."""
        known = {
            name: value
            for name, value in values.items()
            if UNSEEN not in value and len(value) <= _LONGEST_VALUE
        }
        return self._replace(variables={**self.variables, **known}) if known else self

    @property
    def is_spent(self) -> bool:
        """Whether there were more calls than are followed."""
        return self.calls[0] > _MOST_CALLS

    def count_call(self) -> None:
        self.calls[0] += 1

    # --- words --------------------------------------------------------------------------------------------

    def argument(self, word: Word) -> Argument:
        variables = tuple(word.variables)
        substituted = is_data(word) or not self.names.computed.isdisjoint(variables)
        return Argument(self.text(word), word.raw, word.expands, substituted, variables)

    def text(self, word: Word) -> str:
        """The text of a word, with the values of the variables that are known, and with the date."""
        unseen = sum(piece is None for piece in word.pieces)
        runs = iter(word.runs if len(word.runs) == unseen else ())
        return "".join(
            self._value(piece) if isinstance(piece, Variable) else _output(runs) if piece is None else piece
            for piece in word.pieces
        )

    def _value(self, name: Variable) -> str:
        value = self.variables.get(name.name)
        kept = value is None and name.name not in self.names.changed
        if kept and name.name == "HOME":
            value = self.lookup.home or None
        if kept and name.name == "PWD" and len(self.directories) == 1:
            value = self.directories[0]
        if not name.whole:
            return UNSEEN
        splits = value is not None and not name.quoted and re.search(r"[\s*?\[]", value)
        return UNSEEN if value is None or splits else value

    # --- directories and paths ----------------------------------------------------------------------------

    def either(self, other: "Scope") -> tuple[str | None, ...]:
        """The directories of both."""
        places = tuple(dict.fromkeys((*other.directories, *self.directories)))
        return places if len(places) <= _MOST_PLACES else (None,)

    def at(self, directory: str) -> "Scope":
        """The scope in another directory."""
        every = (paths.place(directory, self.lookup, each) for each in self.directories)
        known = (None if place is None or UNSEEN in place else place for place in every)
        return self._replace(directories=tuple(dict.fromkeys(known)))

    def places(self, path: str) -> list[str]:
        """The absolute paths that a path may stand for."""
        found = (paths.place(path, self.lookup, directory) for directory in self.directories)
        return list(dict.fromkeys(filter(None, found)))

    def named(self, call: Call) -> list[str]:
        """The absolute paths that the words of a call may name; those of a pattern as a pattern."""
        if not self.is_known:
            return []
        return list(
            dict.fromkeys(
                place
                for each in call.arguments[1:]
                for text in dict.fromkeys((each.text, *re.split(r"[=:,@]", each.text)))
                if text and len(text) < _LONGEST_PATH and not (text.startswith("-") and text == each.text)
                for place in self.places(text)
            )
        )

    def write(self, path: str, appends: bool = False, makes_folder: bool = False) -> Verdict:
        """The effect of writing a file, in whichever directory the command may run."""
        verdict = read()
        for directory in self.directories:
            verdict |= paths.written(path, self.lookup, directory, appends, makes_folder)
        return self.seen(stranger((argument(">"), argument(path))), verdict) if verdict.effect else verdict

    def work(self, operand: Argument) -> Verdict:
        """The effect of changing what is at a path in a way that can be undone."""
        for directory in self.directories:
            place = paths.place(operand.text, self.lookup, directory)
            if place is None and self.is_known:
                return destructive("works on a path that is only known at run time")
            if place and (reason := paths.guarded(place, self.lookup)):
                return destructive(reason)
        return change(f"changes {operand.raw}")

    def holds_secret(self, path: str, is_pattern: bool = False) -> bool:
        """Whether a path is that of a file that holds secrets."""
        return any(paths.holds_secret(path, self.lookup, each, is_pattern) for each in self.directories)

    def names_secret(self, word: Argument) -> bool:
        """Whether a word names a file with secrets, also as `--flag=FILE`, `COMMIT:FILE` or `name=@FILE`."""
        if len(word.text) > _LONGEST_PATH:
            return False
        parts = re.split(r"[=:@,]|file://", word.text)
        return self.holds_secret(word.text, word.expands) or any(self.holds_secret(e) for e in parts if e)

    def inside(self, path: str, name: str) -> str:
        """Where a file goes that is copied to a path: into it, if it is a folder."""
        if path.endswith("/") or any(self.lookup.is_directory(place) for place in self.places(path)):
            return f"{path.rstrip('/')}/{name.rstrip('/').rpartition('/')[2]}"
        return path

    def is_new(self, path: str) -> bool:
        """Whether nothing is at a path."""
        every = [paths.place(path, self.lookup, directory) for directory in self.directories]
        return all(p and UNSEEN not in p and not self.lookup.exists(p) for p in every)

    def seen(self, call: Call, verdict: Verdict) -> Verdict:
        """What is judged of a call in the end."""
        return self.watch(call, verdict, self) if self.watch else verdict


_LONGEST_PATH = _LONGEST_VALUE = 500


_NEW_FILE = "/tmp/mktemp.XXXXXXXXXX"


def _output(runs: Iterator[Block]) -> str:
    """What `$(date +FORMAT)` and `$(mktemp)` print; the output of everything else is not known."""
    block = next(runs, None)
    command = block.children[0] if block and len(block.children) == 1 else None
    if not isinstance(command, Simple) or command.assigned or command.redirections:
        return UNSEEN
    words = [word.text for word in command.words if not word.expands]
    if words in (["mktemp"], ["mktemp", "-d"]):
        return _NEW_FILE
    plain = len(words) == 2 and words[0] == "date" and re.fullmatch(r"\+[\w%:.+-]+", words[1])
    return time.strftime(words[1][1:]) if plain else UNSEEN
