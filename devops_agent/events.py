"""What happens during a run, as plain records that a listener shows, stores or ignores.

The agent and the engines emit; they never print.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol


@dataclass(frozen=True)
class Started:
    """A task begins; `session` is the id under which it is kept, "" where it is not."""

    task: str
    session: str = ""


@dataclass(frozen=True)
class Notice:
    """Something that the user should know, in one line."""

    text: str


@dataclass(frozen=True)
class Progress:
    """How far a long piece of work is; `done` and `total` in bytes, `total` 0 when unknown."""

    what: str
    done: int
    total: int

    @property
    def percent(self) -> int:
        """How much of it is done, 0 when that is unknown."""
        return min(100, 100 * self.done // self.total) if self.total else 0

    def __str__(self) -> str:
        size = f" of {self.total / 1e9:.1f} GB" if self.total else ""
        return f"{self.what}: {self.percent}%{size}"


@dataclass(frozen=True)
class Waiting:
    """Something is waited for that gives no measure of how far it is, such as a model that loads."""

    what: str


@dataclass(frozen=True)
class Asked:
    """The user is about to be asked something: until the next event nothing else is drawn."""


@dataclass(frozen=True)
class ThinkingStarted:
    """The model was asked."""


@dataclass(frozen=True)
class PromptRead:
    """How many tokens of the prompt the engine has evaluated, of how many."""

    done: int
    total: int


@dataclass(frozen=True)
class ReplyGrew:
    """What the model has said so far, of which nothing has run yet."""

    text: str


@dataclass(frozen=True)
class ThinkingEnded:
    """The model replied, failed or was interrupted, after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Exchange:
    """One request to an engine and its raw reply; token counts are None where the engine gives none."""

    messages: Sequence[Mapping[str, str]]
    reply: str
    seconds: float
    prompt_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    constrained: bool


@dataclass(frozen=True)
class Reasoned:
    """The model's `<think>` or `<plan>` text."""

    text: str


@dataclass(frozen=True)
class ToolCalled:
    """A tool is about to run."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    # read, change, destructive or unknown; "" where it does not run
    effect: str = field(default="", compare=False)


@dataclass(frozen=True)
class Approved:
    """What the user or, with nobody there, the mode said to a call that was asked for."""

    name: str
    arguments: Mapping[str, Any]
    effect: str
    approved: bool
    comment: str = ""


@dataclass(frozen=True)
class OutputGrew:
    """What the running command has printed so far, of which only the end may be told."""

    text: str


@dataclass(frozen=True)
class Observed:
    """The result of a call; the model may read sentences in place of its tables.

    `output` is all that its command printed, `exit_code` is None for what did not run or has none.
    """

    text: str
    output: str = field(default="", compare=False)
    exit_code: int | None = field(default=None, compare=False)
    seconds: float = field(default=0.0, compare=False)
    ok: bool = field(default=True, compare=False)


@dataclass(frozen=True)
class Grounded:
    """What code looked up before the first step."""

    text: str


@dataclass(frozen=True)
class Corrected:
    """A call that was not run, and what was said to the model about it."""

    text: str


@dataclass(frozen=True)
class Answered:
    """The end of a run; `ok` is read from exit codes, not from the model's word."""

    text: str
    ok: bool
    exit_code: int = 0


@dataclass(frozen=True)
class Failed:
    """The end of a run without an answer: an engine that died, an interruption."""

    text: str
    exit_code: int


Event = (
    Started
    | Notice
    | Progress
    | Waiting
    | Asked
    | ThinkingStarted
    | PromptRead
    | ReplyGrew
    | ThinkingEnded
    | Exchange
    | Reasoned
    | ToolCalled
    | Approved
    | OutputGrew
    | Observed
    | Grounded
    | Corrected
    | Answered
    | Failed
)
Listener = Callable[[Event], None]


class Hides(Protocol):
    """Hides the secrets of texts."""

    def __call__(self, text: str) -> str:
        """A text that is at its end."""

    def growing(self, text: str) -> str:
        """A text that goes on."""


def hiding(listener: Listener, hide: Hides) -> Listener:
    """A listener that is told each event with what is hidden in its texts, also in arguments and messages."""

    def tell(event: Event) -> None:
        change = hide.growing if isinstance(event, ReplyGrew | OutputGrew) else hide
        changed = {each.name: with_texts(getattr(event, each.name), change) for each in fields(event)}
        listener(replace(event, **changed))

    return tell


def with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """A value, such as the arguments of a call, with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: with_texts(each, change) for key, each in value.items()}
    return [with_texts(each, change) for each in value] if isinstance(value, list | tuple) else value


def ignore(event: Event) -> None:
    """The listener that shows nothing."""
