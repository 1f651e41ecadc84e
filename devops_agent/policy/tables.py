"""The rules on programs: tables in policy/rules/*.toml, a section for each program.

Keys of a section, and of `[PROGRAM.at."VERB"]` for one of its verbs; lists are texts parted by commas:

- `aliases`: other names of the program; they stand first
- `effect`: what it does, if it has no verbs
- `read`, `change`, `destructive`: its verbs, of one to four words; `*` stands for any text
- `bare`: what it does without a verb
- `switches`, `valued`: flags without and with a value. Before the verb, any other flag makes it unknown
- `flags`: by effect, the flags that give it at least that effect; those under `read` make it a read
- `writes`: flags whose value is the path of a file that is written
- `runs`: flags whose value is a shell command
- `operands`: `write` if they are files that are written, `last` if only the last one is, `make` if they are
  folders, `touch` if they are files that stay as they are
- `secret`: true, or the verbs that print secrets
- `names_only`: it reads the names of files and not what is in them
- `network`: it sends what its words say to another machine; `sends_input`: and its standard input
- `command`: it runs the command that begins behind that many operands. `dashes`: or behind `--`; `loose`:
  flags may stand between; `shell`: it joins the words for a shell; `elsewhere`: on another machine or in a
  container; `alone`: what it does without a command
- `one_dash`: its long flags have one dash
- `open`: it may have verbs of the user's own
- `handler`: the function in `devops_agent/policy/programs/` that decides
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

from devops_agent import toml_file
from devops_agent.patterns import regex
from devops_agent.policy.verdict import Effect

RULES = Path(__file__).parent / "rules"
_EFFECTS = {str(effect): effect for effect in Effect}


def _items(text: str) -> tuple[str, ...]:
    return tuple(item for item in re.split(r"[,\s]*,[,\s]*|\n\s*", text.strip()) if item)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.replace(",", " ").split())


@dataclass(frozen=True)
class Rule:
    """What is known of a program, or of one of its verbs."""

    name: str
    effect: Effect | None = None
    bare: Effect | None = None
    switches: frozenset[str] = frozenset()
    valued: frozenset[str] = frozenset()
    flags: Mapping[Effect, tuple[str, ...]] = field(default_factory=dict)
    writes: frozenset[str] = frozenset()
    runs: frozenset[str] = frozenset()
    operands: str = ""
    secret: bool = False
    secret_verbs: tuple[str, ...] = ()
    names_only: bool = False
    network: bool = False
    sends_input: bool = False
    command: int | None = None
    dashes: bool = False
    loose: bool = False
    one_dash: bool = False
    shell: bool = False
    elsewhere: bool = False
    alone: Effect = Effect.READ
    handler: str = ""
    open: bool = False
    at: Mapping[str, "Rule"] = field(default_factory=dict)
    exact: Mapping[str, Effect] = field(default_factory=dict)  # the verbs without a `*`
    patterns: tuple[tuple[str, Effect], ...] = ()  # the others

    def effect_of(self, verb: str) -> Effect | None:
        """The effect of a verb, or None if it is no verb of the program."""
        if verb in self.exact:
            return self.exact[verb]
        size = verb.count(" ")
        return next((e for v, e in self.patterns if v.count(" ") == size and fnmatchcase(verb, v)), None)

    @cached_property
    def longest(self) -> int:
        """How many words its longest verb has."""
        return max((verb.count(" ") + 1 for verb in (*self.exact, *(v for v, _ in self.patterns))), default=0)


# A section begins with its name and aliases, and holds all that is told of the program.
_SECTION = regex(r'^\[([^\s."\]]+)\]\n(?:aliases = (?:"{3}([^"]*)"{3}|"([^"\n]*)"))?', re.MULTILINE)


@lru_cache(1024)
def rule_of(program: str) -> Rule | None:
    """The rule on a program, by the name it is called by."""
    name, text = sections().get(program, ("", ""))
    return _rule(name, toml_file.loads(text)[name]) if text else None


@cache
def sections() -> Mapping[str, tuple[str, str]]:
    """The name and the text of the section on each program; they are parsed when they are asked for."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(RULES.glob("*.toml")):
        text = path.read_text(encoding="utf-8")
        begins = [*_SECTION.finditer(text)]
        ends = [each.start() for each in begins[1:]] + [len(text)]
        for begin, end in zip(begins, ends, strict=True):
            for each in (begin[1], *_items(begin[2] or begin[3] or "")):
                if each in found:
                    raise ValueError(f"{path.name}: {each} has two sections")
                found[each] = begin[1], text[begin.start() : end]
    return found


def _rule(name: str, section: Mapping[str, Any]) -> Rule:
    if strange := set(section) - _KEYS:
        raise ValueError(f"{name}: {', '.join(sorted(strange))} is no key of a rule")
    verbs = [(verb, effect) for word, effect in _EFFECTS.items() for verb in _items(section.get(word, ""))]
    secret = section.get("secret", "")
    plain = {key: section[key] for key in _PLAIN if key in section}
    rule = Rule(
        name=name,
        effect=_EFFECTS[section["effect"]] if "effect" in section else None,
        bare=_EFFECTS[section["bare"]] if "bare" in section else None,
        switches=_words(section.get("switches", "")),
        valued=_words(section.get("valued", "")),
        flags={_EFFECTS[key]: _items(value) for key, value in section.get("flags", {}).items()},
        writes=_words(section.get("writes", "")),
        runs=_words(section.get("runs", "")),
        secret=secret is True,
        secret_verbs=() if secret is True else _items(secret),
        alone=_EFFECTS[section.get("alone", "read")],
        exact={verb: effect for verb, effect in verbs if "*" not in verb},
        patterns=tuple((verb, effect) for verb, effect in verbs if "*" in verb),
        **plain,
    )
    at: dict[str, Rule] = {}
    for named, part in section.get("at", {}).items():
        inner = _rule(name, _merged(section, part))
        for verb in _items(named):
            if verb in at:
                raise ValueError(f"{name} {verb} has two sections")
            at[verb] = inner
    return replace(rule, at=at)


def _merged(section: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """What holds for a verb: what its own section says, and else what that of the program says."""
    merged = {**section, **part}
    del merged["at"]
    for key in _ADDED:
        merged[key] = ", ".join(filter(None, (section.get(key, ""), part.get(key, ""))))
    both = [(each.get("flags") or {}) for each in (section, part)]
    merged["flags"] = {
        effect: ", ".join(each[effect] for each in both if effect in each)
        for effect in {**both[0], **both[1]}
    }
    return merged


_PLAIN = """operands names_only network sends_input command dashes loose one_dash shell elsewhere handler
 open""".split()
_ADDED = "switches valued writes runs".split()
_KEYS = {*_PLAIN, *_ADDED, *_EFFECTS, *"aliases effect bare flags secret alone at".split()}
