"""The user's own policy: rules that allow, ask or deny, from policy.toml.

    production = "prod|live"        # contexts and hosts on which changes ask, as a regular expression
    otherwise = "deny"              # ask or deny: what becomes of programs on which no rule is

    [[rules]]
    action = "allow"                # allow, ask or deny; the strictest that fits wins
    program = "kubectl"             # all of these are patterns in which * stands for any text
    subcommand = "delete pod*"
    context = "kind-*"
    namespace = "test-*"
    path = "/srv/*"                 # of an operand, or of a file that is written
    effect = "destructive"          # read, change, destructive or unknown
    reason = "test pods come back"

What a rule allows runs without the question that its effect would ask; the modes, production and the effect
stay as they are. Words that are only known at run time are allowed by no rule, and what is unknown of a
program that has rules of its own only by one that says `effect = "unknown"`. The project's policy,
`.devops-agent/policy.toml`, can only tighten: what it allows is not heeded.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from devops_agent import toml_file
from devops_agent.errors import UsageError
from devops_agent.policy.call import Call
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.tables import rule_of
from devops_agent.policy.targets import NOWHERE, Target
from devops_agent.policy.verdict import Effect, Verdict

ACTIONS = ("allow", "ask", "deny")
PRODUCTION = "prod"
_OTHERWISE = ("", "ask", "deny")
_NO_PROGRAMS = ("=", "<")  # a variable that is set, a file that is read


@dataclass(frozen=True)
class UserRule:
    """One rule; what is "" fits everything."""

    action: str
    program: str = ""
    subcommand: str = ""
    context: str = ""
    namespace: str = ""
    path: str = ""
    effect: str = ""
    reason: str = ""

    def fits(self, call: Call, verdict: Verdict, targets: Sequence[Target], places: Sequence[str]) -> bool:
        """Whether the rule is about a call; one that allows, whether it is about all of it.

        Args:
            call: A call within a command.
            verdict: Its effect.
            targets: Where it may work.
            places: The absolute paths that its words name.
        """
        words = " ".join(filter(None, (call.verb, *call.texts)))
        if self.action == "allow":
            return self._allows(call, verdict, words, targets, places)
        return (
            _like(call.program, self.program)
            and (not self.subcommand or _like(words, self.subcommand) or _like(call.verb, self.subcommand))
            and any(_like(each.context, self.context) for each in targets)
            and any(_like(each.namespace, self.namespace) for each in targets)
            and (not self.path or any(_may_be(place, self.path) for place in places))
            and self.effect in ("", str(verdict.effect))
        )

    def _allows(
        self, call: Call, verdict: Verdict, words: str, targets: Sequence[Target], places: Sequence[str]
    ) -> bool:
        """A `*` that is a part of a word stands for no further kinds or names: `pod*` is not `pod,ns`."""
        unknown = verdict.effect is Effect.UNKNOWN and rule_of(call.program) is not None
        pattern = re.sub(r"(?<=\S)\\\*", "[^,/]*", re.escape(self.subcommand)).replace(r"\*", ".*")
        named = not self.subcommand or self.subcommand == call.verb or re.fullmatch(pattern, words)
        return (
            bool(named)
            and _like(call.program, self.program)
            and not any(UNSEEN in each.text or UNSEEN in each.raw for each in call.arguments)
            and self.effect in (str(verdict.effect), *([] if unknown else [""]))
            and all(_like(each.context, self.context) for each in targets)
            and all(_like(each.namespace, self.namespace) for each in targets)
            and (not self.path or (bool(places) and all(_like(place, self.path) for place in places)))
        )

    def __str__(self) -> str:
        named = (self.program, self.subcommand, self.context, self.namespace, self.path, self.effect)
        said = " ".join(filter(None, named))
        return f"policy: {self.action} {said}".strip() + (f" ({self.reason})" if self.reason else "")


def _like(text: str, pattern: str) -> bool:
    return not pattern or fnmatchcase(text, pattern)


def _may_be(place: str, pattern: str) -> bool:
    """Whether a path fits a pattern; one that is a pattern, whether it may name what does."""
    if fnmatchcase(place, pattern):
        return True
    known, rest = _stable(place), _stable(pattern)
    return known != place and (rest.startswith(known) or known.startswith(rest))


def _stable(pattern: str) -> str:
    """What stands before the first part that may be any text."""
    return re.split(rf"[*?\[{{{UNSEEN}]", pattern, maxsplit=1)[0]


@dataclass(frozen=True)
class UserPolicy:
    """All rules, and which contexts and hosts are in production."""

    rules: tuple[UserRule, ...] = ()
    otherwise: str = ""  # what becomes of a call that no rule is about: "", "ask" or "deny"
    production: re.Pattern[str] = field(default_factory=lambda: re.compile(PRODUCTION, re.IGNORECASE))

    def rule(
        self, call: Call, verdict: Verdict, targets: Sequence[Target], places: Sequence[str]
    ) -> UserRule | None:
        """The strictest rule that fits a call."""
        where = targets or (NOWHERE,)
        fitting = [rule for rule in self.rules if rule.fits(call, verdict, where, places)]
        if not fitting and self.otherwise and call.program not in _NO_PROGRAMS:
            return UserRule(self.otherwise, reason=f"no rule is about {call.program}")
        return max(fitting, key=lambda rule: ACTIONS.index(rule.action), default=None)

    def is_production(self, target: Target) -> bool:
        """Whether a context or a host is in production."""
        return any(self.production.search(name) for name in (target.context, target.server) if name)


def load(own: Path, project: Path) -> UserPolicy:
    """The user's policy, tightened by that of the project.

    Raises:
        UsageError: A file cannot be read, or says what makes no sense.
    """
    values, more = (toml_file.read(path, ("production", "otherwise", "rules")) for path in (own, project))
    rules = _rules(values, own) + [rule for rule in _rules(more, project) if rule.action != "allow"]
    patterns = [str(each["production"]) for each in (values, more) if "production" in each] or [PRODUCTION]
    try:
        production = re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)
    except re.error as error:
        raise UsageError(f"{own}: production is no regular expression: {error}. Correct it.") from error
    given = [str(each.get("otherwise", "")) for each in (values, more)]
    if strange := next((each for each in given if each not in _OTHERWISE), ""):
        raise UsageError(f"{own}: otherwise is {strange!r}. Use ask or deny.")
    return UserPolicy(tuple(rules), max(given, key=_OTHERWISE.index), production)


def _rules(values: Mapping[str, Any], path: Path) -> list[UserRule]:
    names = [each.name for each in fields(UserRule)]
    rules = values.get("rules", [])
    if not isinstance(rules, list):
        raise UsageError(f"{path}: write each rule under [[rules]].")
    found: list[UserRule] = []
    for rule in rules:
        strange = sorted(set(rule) - set(names)) if isinstance(rule, dict) else ["rules"]
        if strange:
            raise UsageError(f"{path}: unknown key {strange[0]!r} in a rule. Known: {', '.join(names)}.")
        if rule.get("action") not in ACTIONS:
            raise UsageError(f"{path}: a rule has no action. Use one of {', '.join(ACTIONS)}.")
        if rule.get("effect", "") not in ("", *map(str, Effect)):
            raise UsageError(
                f"{path}: {rule['effect']!r} is no effect. Use one of {', '.join(map(str, Effect))}."
            )
        if not all(isinstance(value, str) for value in rule.values()):
            raise UsageError(f"{path}: the values of a rule are texts.")
        found.append(UserRule(**rule))
    return found
