"""A call of a program: its verb, its flags and its operands, by the rule on the program."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.tables import Rule
from devops_agent.policy.verdict import Effect


class Argument(NamedTuple):
    """A word as a program gets it."""

    text: str  # UNSEEN in it stands for what is only known at run time
    raw: str
    expands: bool = False  # to words that do not stand there
    substituted: bool = False  # the output of a command is in it
    variables: tuple[str, ...] = ()

    @property
    def unseen(self) -> bool:
        """Whether its text is only known at run time."""
        return UNSEEN in self.text or self.expands


def argument(text: str) -> Argument:
    """A word that is known."""
    return Argument(text, text)


class Feed(NamedTuple):
    """What a command gets as its standard input: a text, or None for what is only known at run time."""

    text: str | None
    source: tuple[Argument, ...] = ()  # the words of the command that writes it

    @property
    def script(self) -> str:
        return UNSEEN if self.text is None else self.text


@dataclass
class Flags:
    """The flags of a call, with the values of each in their order; a switch has the value ""."""

    values: dict[str, list[str]] = field(default_factory=dict)
    known: frozenset[str] = frozenset()  # flags that are no others cut short

    def add(self, name: str, value: str) -> None:
        self.values.setdefault(name, []).append(value)

    def given(self, names: Sequence[str] | frozenset[str]) -> str | None:
        """The first flag of these that is on. `--flag=VALUE` asks for a value, of a dry run for the last."""
        for flag, values in self.values.items():
            if values[-1] == "false":
                continue
            for name in names:
                wanted, equals, value = name.partition("=")
                asked = values[-1:] if "dry" in wanted else values
                if equals and flag == wanted and any(fnmatchcase(each, value) for each in asked):
                    return name
                if not equals and (flag == name or self._shortened(flag, (name,))):
                    return name
        return None

    def all(self, names: Sequence[str] | frozenset[str]) -> list[str]:
        """The values of these flags, also of long ones that are cut short."""
        given = [flag for flag in self.values if flag in names or self._shortened(flag, names)]
        return [value for flag in given for value in self.values[flag]]

    def _shortened(self, flag: str, names: Sequence[str] | frozenset[str]) -> bool:
        """Whether a long flag is cut short: `--outp` for `--output`."""
        long = len(flag) > 3 and flag[:2] == "--" and flag not in self.known
        return long and any(name.startswith(flag) for name in names)


@dataclass
class Call:
    """A call. Its rule is that of its verb, if there is one on it."""

    rule: Rule
    program: str
    arguments: Sequence[Argument]  # the program is the first
    verb: str = ""
    effect: Effect | None = None  # of the program or of the verb; None if that is not known
    flags: Flags = field(default_factory=Flags)
    operands: list[Argument] = field(default_factory=list)
    inner: list[Argument] = field(default_factory=list)  # the command that it runs
    odd: str = ""  # a flag before the verb, or a verb, that is not known
    elsewhere: bool = False  # it runs on another machine or in a container

    @property
    def name(self) -> str:
        """Program and verb."""
        return f"{self.program} {self.verb}".strip()

    @property
    def texts(self) -> list[str]:
        """The operands."""
        return [operand.text for operand in self.operands]

    def given(self, *names: str) -> bool:
        """Whether any of these flags is on."""
        return self.flags.given(names) is not None

    def values(self, *names: str) -> list[str]:
        """The values of these flags."""
        return self.flags.all(names)


def parse_call(rule: Rule, program: str, arguments: Sequence[Argument]) -> Call:
    """Takes a call apart."""
    call = Call(rule, program, arguments, effect=rule.effect)
    rest = list(arguments[1:])
    if rule.exact or rule.patterns:
        rest = _with_verb(call, rest)
    _parse(call, rest)
    return call


def _with_verb(call: Call, rest: list[Argument]) -> list[Argument]:
    """Finds the verb, and takes it out of the words."""
    rule = call.rule
    valued, switches = set(rule.valued), set(rule.switches)
    seen: list[tuple[int, str]] = []
    position = 0
    best: tuple[str, Effect, int] | None = None
    odd: list[tuple[int, str]] = []
    while position < len(rest) and len(seen) < rule.longest:
        text = rest[position].text
        if text == "--":
            break
        if text.startswith("-") and text != "-" and not rest[position].expands:
            name, equals, _ = text.partition("=")
            if name in valued and not equals:
                position += 1
            elif not (equals or name in switches or name[:2] in valued or _joined(name, valued, switches)):
                odd.append((position, text))
            position += 1
            continue
        if text.startswith("+") and call.program == "dig":
            position += 1
            continue
        seen.append((position, text))
        verb = " ".join(word for _, word in seen)
        if rest[position].unseen:
            break
        effect = rule.effect_of(verb)
        if effect is not None:
            best = (verb, effect, len(seen))
        group = rule.at.get(verb)
        if group:
            valued |= group.valued
            switches |= group.switches
        position += 1
    if best is None:
        call.effect = rule.bare if not seen else None
        call.verb = " ".join(word for _, word in seen[:1])
        if seen and rest[seen[0][0]].unseen:
            call.verb, call.odd = "", rest[seen[0][0]].raw
        return rest
    call.verb, call.effect, count = best
    last = seen[count - 1][0]
    call.odd = next((text for at, text in odd if at < last), "")
    taken = {at for at, _ in seen[:count]}
    call.rule = rule.at.get(call.verb) or rule
    return [each for at, each in enumerate(rest) if at not in taken]


def _joined(name: str, valued: set[str], switches: set[str]) -> bool:
    """Whether a short flag is several: `-it`."""
    return name[:2] != "--" and all(f"-{letter}" in switches or f"-{letter}" in valued for letter in name[1:])


def _parse(call: Call, rest: list[Argument]) -> None:
    rule, flags = call.rule, call.flags
    flags.known = rule.valued | rule.switches
    position = 0
    while position < len(rest):
        each = rest[position]
        position += 1
        if each.text == "--" and not (rule.command and rule.loose and not rule.dashes):
            following = rest[position:]
            if rule.command is not None and (rule.dashes or rule.command == 0):
                call.inner = following
            else:
                call.operands += following
            break
        if not each.text.startswith("-") or each.text == "-":
            if rule.command is not None and len(call.operands) >= rule.command and not rule.dashes:
                call.inner = rest[position - 1 :]
                break
            call.operands.append(each)
            if rule.command and len(call.operands) == rule.command and not (rule.loose or rule.dashes):
                call.inner = rest[position:]
                if call.inner and call.inner[0].text == "--":
                    call.inner = call.inner[1:]
                break
            continue
        position = _flag(flags, rule, each.text, rest, position)
    if rule.command is not None and rule.dashes and not call.inner:
        call.inner = call.operands[rule.command :]
        call.operands = call.operands[: rule.command]


def _flag(flags: Flags, rule: Rule, text: str, rest: Sequence[Argument], position: int) -> int:
    """Records one flag; where the words go on behind it and its value."""
    name, equals, value = text.partition("=")
    if name in rule.valued or name.startswith("--") or rule.one_dash:
        takes = name in rule.valued and not equals
        if takes and position < len(rest):
            value = rest[position].text
            position += 1
        flags.add(name, value)
        return position
    if equals and len(name) == 2:
        flags.add(name, value)
        return position
    flags.add(text, "")
    for at, letter in enumerate(text[1:], 2):
        flag = f"-{letter}"
        if flag not in rule.valued:
            flags.add(flag, "")
            continue
        value = text[at:]
        if not value and position < len(rest):
            value = rest[position].text
            position += 1
        flags.add(flag, value.removeprefix("="))
        break
    return position
