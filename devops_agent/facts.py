"""Facts that a task asks for by name: "the kernel version", "the number of pods in a namespace".

For each there is a command that prints it and nothing else (facts.txt), so that neither a question nor a file
that is to have it needs a model. A phrase is understood in full or not at all.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from devops_agent.delimited import separator_of
from devops_agent.files import is_file, is_folder, text_if_readable
from devops_agent.patterns import ORDINALS, regex

_FACTS = Path(__file__).with_suffix(".txt")
# What the placeholders of a phrase stand for.
_NAMED = {
    "file": r"(?:file )?[\"'`]?(?P<file>[\w./-]*\w)[\"'`]?",
    "folder": r"(?:(?P<here>(?:this|current|working) (?:folder|directory)|here)"
    r"|(?:folder |directory )?[\"'`]?(?P<folder>[\w./-]*\w)/?[\"'`]?(?: folder| directory)?)",
    "name": r"[\"'`]?(?P<name>\w[\w.-]*)[\"'`]?",
    "image": r"[\"'`]?(?P<image>[\w./-]+(?::[\w.-]+)?)[\"'`]?",
    "namespace": r"(?:in|of|from) (?:namespace [\"'`]?(?P<behind>[\w-]+)[\"'`]?|(?P<before>[\w-]+) namespace"
    r"|(?P<own>default|kube-[a-z-]+))",
    "objects": r"(?P<objects>pods|deployments|services|config ?maps|secrets|jobs|cron ?jobs|stateful ?sets"
    r"|daemon ?sets|ingresses|service ?accounts|pvcs)",
    "number": r"(?P<number>\w+)",
    "last": r"(?P<last>\d+)",
    "table": r"(?:file )?[\"'`]?(?P<table>[\w./-]*\w\.[ct]sv)[\"'`]?",
    "column": r"[\"'`]?(?P<column>\w[\w-]*)[\"'`]?",
    "text": r"[\"'`]?(?P<text>[\w.:-]*\w)[\"'`]?",
    "kind": r"\.?(?P<kind>[a-z]+)",
    "program": r"(?P<program>[a-z][\w+-]*)",
}
_TOKEN = regex(r"\[[^\]]*\]|\S+")
_VARIES = regex(r"[\[{|]")
_PLACEHOLDER = regex(r"\{(\w+)\}")
_ARTICLES = regex(r"\bthe (?=\S)|(?<!\bin )(?<!\bacross )(?<!\bover )\ball ", re.IGNORECASE)
# What may stand before a phrase, and behind it.
_BEFORE = regex(r"(?:(?:my|our|your|its|their|this|an?|only|just|currently|current|exact) )+", re.IGNORECASE)
_BEHIND = regex(
    r"(?: (?:of|on|in) (?:this|my|our) (?:machine|host|computer|server|system|laptop|box)"
    r"| (?:of|on) (?:machine|host|computer|server|system)| (?:right )?now| currently| (?:that is )?in use"
    r"| (?:are|is) (?:there|used|in use|available|here)| (?:do|have) i(?: have| use)?)+$",
    re.IGNORECASE,
)
_ASKS = regex(
    r"(?:please |now |(?:can|could) you )*"
    r"(?:(?:tell|show|give|list|print|display|get|report|find(?: out)?|check|determine)(?: me| us)?"
    r"|what(?:['’]s| is| are| was)|which(?: is| are| of)?|who is)\s+",
    re.IGNORECASE,
)
_COUNTS = regex(
    r"how many (?P<what>\S+(?: \S+)??)"
    r"(?: (?:are|is|do (?:i|we) have|does (?:this|the) \w+ have|there)\b)*"
    r"(?: (?P<state>running|stopped|exited)\b)?(?P<where>(?: (?:in|of|on|below|across|over) .+)?)",
    re.IGNORECASE,
)
_NO_NAMESPACE = frozenset("each every any all my our your this that same which the a other another".split())
_AND = regex(r",? and (?:also )?|, ")
_NUMBERS = "one two three four five six seven eight nine ten".split()
# Of these one who asks wants to see more than that.
_BRIEF = ("ps -eo comm=", "df -h", "free -h")
_VERSIONS = {
    "openssl": "openssl version",
    "go": "go version",
    "kubectl": "kubectl version --client | head -n 1",
    "helm": "helm version --short",
    "nginx": "nginx -v 2>&1",
}
_KINDS = {
    "python": "py",
    "shell": "sh",
    "bash": "sh",
    "text": "txt",
    "markdown": "md",
    **{
        name: name
        for name in "py sh txt md log csv json yaml yml xml ini conf env bak tmp sql js html".split()
    },
}
_PROGRAMS = frozenset(
    "bash curl docker gcc git java make node npm perl php pip pip3 python python3 rsync ruby".split()
)


@dataclass(frozen=True)
class Facts:
    """Facts that are asked for.

    Attributes:
        commands: By what each is called, the command that prints it.
        namespace: The thing that they are of, a namespace or a container, which may not be there.
    """

    commands: Mapping[str, str]
    namespace: str = ""

    @property
    def command(self) -> str:
        """Prints the facts; several with what they are called."""
        if len(self.commands) == 1:
            return _as_a_whole(next(iter(self.commands.values())))
        commands = enumerate(map(_as_a_whole, self.commands.values()), 1)
        found = " && ".join(f'fact{number}="$({command})"' for number, command in commands)
        named = enumerate((shlex.quote(f"{name}: ") for name in self.commands), 1)
        shown = " ".join(f'{name}"$fact{number}"' for number, name in named)
        return f"{found} && printf '%s\\n' {shown}"

    def into(self, path: str, order: str = "", append: bool = False) -> str:
        """The command that writes them to a file, ordered by another one, or puts them behind what it has."""
        is_one = not re.search(r"; |\|\| |&& ", self.command)
        bare = self.command if is_one else f"{{ {self.command}; }}"
        return f"{bare}{f' | {order}' if order else ''} {'>>' if append else '>'} {shlex.quote(path)}"

    def answer(self, output: str) -> str:
        """What the output of the command says."""
        lines = output.strip().splitlines()
        if len(self.commands) > 1 or not lines:
            return output.strip()
        (name,) = self.commands
        return f"{name}: {lines[0]}" if len(lines) == 1 else "\n".join((f"{name}:", *lines))


def of(phrases: str, directory: Path) -> Facts | None:
    """The facts that some words name, such as "the kernel version and the number of cpus"; else None."""
    if alone := _named(phrases, directory):
        return _facts([alone])
    found = [_named(part, directory) for part in _AND.split(phrases)]
    return _facts([each for each in found if each]) if len(found) > 1 and all(found) else None


def asked(task: str, directory: Path) -> Facts | None:
    """The facts that a question asks for, when that is all of it; else None."""
    text = " ".join(task.split()).rstrip("?.! ")
    if not (_ASKS.match(text) or _COUNTS.match(text) or text.lower().startswith(("how much ", "how many "))):
        return None
    found = of(text, directory)
    brief = found and any(command.startswith(_BRIEF) for command in found.commands.values())
    return None if brief else found


def _as_a_whole(command: str) -> str:
    """A command that fails where the engine or the cluster cannot be asked, in place of counting nothing."""
    asks = command.startswith(("docker ", "kubectl ")) and "|" in command
    return f"set -o pipefail; {command}" if asks else command


def _facts(found: Sequence[tuple[str, str, str]]) -> Facts:
    return Facts({name: command for name, command, _ in found}, next((of for *_, of in found if of), ""))


def _named(phrase: str, directory: Path) -> tuple[str, str, str] | None:
    """What a phrase calls a fact, the command that prints it, and the thing that it is of."""
    text = _ASKS.sub("", phrase.strip(" .?!"), count=1)
    if counted := _COUNTS.fullmatch(text):
        text = " ".join(f"number of {counted['state'] or ''} {counted['what']}{counted['where']}".split())
    text = _ARTICLES.sub("", text)
    bare = text[match.end() :] if (match := _BEFORE.match(text)) else text
    name = _BEHIND.sub("", bare)
    for said in dict.fromkeys((text, bare, _BEHIND.sub("", text), name)):
        for pattern, command in _matching(said):
            match = re.fullmatch(pattern, f"{said} ", re.IGNORECASE)
            if match and (values := _values(match, directory)) is not None:
                filled = _PLACEHOLDER.sub(lambda key: values.get(key[1], key[0]), command)
                return name, filled, values["namespace"] or values.get("name", "")
    return None


def _matching(said: str) -> Iterator[tuple[str, str]]:
    """The patterns of the phrases that may be meant, by the words that each has in any case, and commands."""
    words = set(said.lower().split())
    for needed, tokens, command in _phrases():
        if needed <= words:
            yield "".join(map(_pattern_of, tokens)), command


@lru_cache(maxsize=1)
def _phrases() -> Sequence[tuple[frozenset[str], Sequence[str], str]]:
    """The phrases: the words that each needs, its tokens, and its command."""
    found = []
    for block in _FACTS.read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        for phrase in lines[:-1]:
            tokens = _TOKEN.findall(phrase)
            needed = frozenset(token for token in tokens if not _VARIES.search(token))
            found.append((needed, tokens, lines[-1].removeprefix("$ ")))
    return found


def _pattern_of(token: str) -> str:
    """What a token of a phrase matches, with the space behind it."""
    if token.startswith("["):
        return f"(?:{''.join(map(_pattern_of, token[1:-1].split()))})?"
    return f"(?:{_PLACEHOLDER.sub(lambda match: _NAMED[match[1]], token)}) "


def _values(match: re.Match[str], directory: Path) -> dict[str, str] | None:
    """What stands in the command for what a phrase names; None where there is no such thing."""
    said: dict[str, str] = {key: value for key, value in match.groupdict().items() if value}
    values = {key: shlex.quote(said[key]) for key in said.keys() & {"file", "name", "image", "text"}}
    if said.get("before", "").lower() in _NO_NAMESPACE:
        return None
    values["namespace"] = next((said[key] for key in ("behind", "before", "own") if key in said), "")
    values["objects"] = said.get("objects", "").replace(" ", "").lower()
    if "file" in said and not is_file(directory / said["file"]):
        return None
    if "here" in match.groupdict():
        values["folder"] = shlex.quote(said.get("folder", "."))
        if not is_folder(directory / said.get("folder", ".")):
            return None
    if "table" in said:
        at = _column(directory / said["table"], said["column"])
        if not at:
            return None
        values |= {"table": shlex.quote(said["table"]), "column": at}
    values["last"] = said.get("last", "")
    if "kind" in said:
        values["kind"] = _KINDS.get(said["kind"].lower(), "")
        if not values["kind"]:
            return None
    number = said.get("number", "one").lower()
    values["number"] = str(_NUMBERS.index(number) + 1) if number in _NUMBERS else number
    if not values["number"].isdecimal():
        return None
    if program := said.get("program", "").lower():
        values["program"] = _VERSIONS.get(program, f"{program} --version | head -n 1")
        return values if program in _PROGRAMS | _VERSIONS.keys() else None
    return values


def _column(path: Path, name: str) -> str:
    """The options of `cut` for a column of a plain table, by its name or its ordinal; "" for none."""
    text = text_if_readable(path) or ""
    separator = separator_of(str(path))
    names = [each.strip() for each in (text.splitlines() or [""])[0].split(separator)]
    if len(names) < 2 or '"' in text:
        return ""
    wanted = next(
        (each for each in (name, name.removesuffix("s"), name.removesuffix("es")) if each in names), ""
    )
    at = names.index(wanted) + 1 if wanted else 0
    if not at and name.lower() in ORDINALS and ORDINALS.index(name.lower()) < len(names):
        at = ORDINALS.index(name.lower()) + 1
    return f"-d {shlex.quote(separator)} -f {at}" if at else ""
