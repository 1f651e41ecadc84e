"""Completion of the line that the user types: commands, files, programs, and the names of what runs."""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from devops_agent.console import paths
from devops_agent.console.names import KINDS, Named, Names
from devops_agent.console.slash import SlashCommand
from devops_agent.patterns import regex

# A name is offered from so many letters on, and has no more than that.
_FEWEST_LETTERS, _MOST_LETTERS = 2, 260
# In characters. What is longer was pasted.
_LONGEST_LINE = 10_000

_FILE = regex(r'(?:^|(?<=\s))@(?:"(?P<quoted>[^"]*)|(?P<plain>[^\s"]*))$')
_NAME = regex(r"[A-Za-z0-9][\w.:/-]*$")
_WORDS = regex(r"[\w.:-]+")
# Quotes and a backslash may still be open.
_SHELL_WORD = regex(r"""(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|['"\\].*$|[^\s'"\\|;&()])+""", re.DOTALL)
_KIND_OF = {word: kind for kind, words in KINDS.items() for word in words.split()}
# Between a kind and its name.
_BETWEEN = ("the", "named", "called", "/", ":")


class LineCompleter(Completer):
    """Completes what was typed, from what is there: nothing that a key would wait for is asked.

    Args:
        commands: The slash commands by their names.
        names: The names of what runs.
        environ: The environment, whose PATH has the programs.
    """

    def __init__(
        self, commands: Mapping[str, SlashCommand], names: Names, environ: Mapping[str, str]
    ) -> None:
        self._commands = commands
        self._names = names
        self._environ = environ

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """What the word before the cursor may become; never that word itself."""
        text = document.text_before_cursor.lstrip()
        if not text or len(text) > _LONGEST_LINE:
            return ()
        self._names.refresh()
        if file := _FILE.search(text):
            return _files(file)
        if text.startswith("/"):
            return self._slash(text)
        if text.startswith("!"):
            return self._shell(text[1:], complete_event.completion_requested)
        return self._named(text)

    def _slash(self, text: str) -> Iterator[Completion]:
        name, blank, rest = text[1:].partition(" ")
        if not blank:
            for command in self._commands.values():
                if command.name.startswith(name) and command.name != name:
                    yield Completion(f"/{command.name}", -len(text), display_meta=command.help)
        elif name in self._commands:
            word = rest.rpartition(" ")[2]
            choices = self._commands[name].choices()
            yield from _offered(word, (each for each in choices if each.startswith(word)))

    def _shell(self, line: str, asked: bool) -> Iterator[Completion]:
        """Programs where a command begins, else files and names; of an empty word only when asked."""
        last = next(reversed(list(_SHELL_WORD.finditer(line))), None)
        typed = last.group() if last and last.end() == len(line) else ""
        if not typed and not (asked and line.strip()):
            return
        word = _unquoted(typed)
        before = line[: len(line) - len(typed)].rstrip()
        if (not before or before[-1] in "|;&(") and "/" not in word and not word.startswith("~"):
            yield from _offered(typed, paths.programs(word, self._environ) if word else ())
            return
        yield from _offered(typed, map(_for_the_shell, paths.files(word)))
        yield from self._named(line)

    def _named(self, text: str) -> Iterator[Completion]:
        found = _NAME.search(text[-_MOST_LETTERS:])
        typed = found.group() if found else ""
        kind, _, start = typed.rpartition("/")
        kind_of_word = _KIND_OF.get(kind.lower(), "")
        word = start if kind_of_word else typed
        if len(word) < _FEWEST_LETTERS:
            return
        before = text[: len(text) - len(word)]
        kind = kind_of_word or _kind_before(before)
        found_names = [
            each
            for each in self._names.all()
            if each.name.startswith(word.lower()) and each.name != word and kind in ("", each.kind)
        ]
        told: set[str] = set()
        for each in sorted(found_names, key=_distance(before, self._names.of("namespace"))):
            if each.name not in told:
                told.add(each.name)
                where = f"{each.kind} in {each.namespace}" if each.namespace else each.kind
                yield Completion(each.name, -len(word), display_meta=where)


def _files(found: re.Match[str]) -> Iterator[Completion]:
    """Files behind `@`; one with a blank stands in double quotes, which a folder leaves open to go on."""
    typed = found["plain"] if found["quoted"] is None else found["quoted"]
    for path in paths.files(typed):
        if '"' in path:
            continue
        quoted = found["quoted"] is not None or re.search(r"\s", path)
        text = f'@"{path}' + ("" if path.endswith("/") else '"') if quoted else f"@{path}"
        if text != found.group():
            yield Completion(text, -len(found.group()), display=path)


def _offered(typed: str, texts: Iterable[str]) -> Iterator[Completion]:
    for text in dict.fromkeys(texts):
        if text != typed:
            yield Completion(text, -len(typed))


def _unquoted(typed: str) -> str:
    """What a shell makes of a word whose quotes may still be open."""
    for closing in ("", "\\", "'", '"'):
        try:
            return "".join(shlex.split(typed + closing, comments=False))
        except ValueError:
            continue
    return typed


def _for_the_shell(path: str) -> str:
    """The path as a word of a shell, in which a home directory is still found."""
    home, rest = ("~/", path[2:]) if path.startswith("~/") else ("", path)
    return home + (shlex.quote(rest) if rest else "")


def _kind_before(text: str) -> str:
    """The kind that stands directly before the word, as in `deployment web` and `-n shop`; "" for none."""
    words = [word for word in text.replace("=", " ").lower().split() if word not in _BETWEEN]
    return _KIND_OF.get(words[-1], "") if words else ""


def _distance(text: str, namespaces: Iterable[str]) -> Callable[[Named], tuple[bool, bool, Named]]:
    """Sorts by how near a name is to the line: in a namespace that it names, then of a kind that it names."""
    words = _WORDS.findall(text.lower())
    spaces = set(namespaces) & set(words)
    kinds = {"namespace"} if words[-1:] == ["in"] else {_KIND_OF[word] for word in words if word in _KIND_OF}

    def distance(each: Named) -> tuple[bool, bool, Named]:
        return bool(spaces) and each.namespace not in spaces, bool(kinds) and each.kind not in kinds, each

    return distance
