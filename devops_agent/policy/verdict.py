"""The verdict on a command: what it does, which part of it decided that, and whether it reads a secret."""

from dataclasses import dataclass, replace
from enum import IntEnum

from devops_agent.policy.syntax import UNSEEN


class Effect(IntEnum):
    """What a command does to the world, from the harmless to the worst."""

    READ = 0  # leaves every state as it was
    CHANGE = 1  # one further command of the same tool undoes it
    DESTRUCTIVE = 2  # removes, overwrites, kills, weakens access, sends data out
    UNKNOWN = 3  # not known before it runs; treated like destructive

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Verdict:
    """An effect with its reason."""

    effect: Effect = Effect.READ
    rule: str = ""  # the reason, in a few words
    part: str = ""  # the text of the simple command that decided
    secret: bool = False  # it reads or prints what is or may hold a secret
    beside: Effect | None = None  # the effect of what no rule of the user's allows, if one allows a part

    @property
    def unallowed(self) -> Effect:
        """The effect of what no rule of the user's allows."""
        return self.effect if self.beside is None else self.beside

    def __or__(self, other: "Verdict") -> "Verdict":
        """The worse of both; of two that are alike, the first."""
        worse = other if other.effect > self.effect or not self.rule else self
        none = self.beside is None and other.beside is None
        beside = None if none else max(self.unallowed, other.unallowed)
        return replace(worse, secret=self.secret or other.secret, beside=beside)


def read(rule: str = "", secret: bool = False) -> Verdict:
    return Verdict(Effect.READ, rule, secret=secret)


def change(rule: str) -> Verdict:
    return Verdict(Effect.CHANGE, _shown(rule))


def destructive(rule: str) -> Verdict:
    return Verdict(Effect.DESTRUCTIVE, _shown(rule))


def unknown(rule: str) -> Verdict:
    return Verdict(Effect.UNKNOWN, _shown(rule))


def _shown(rule: str) -> str:
    """A reason as a person reads it."""
    return rule.replace(UNSEEN, "…")
