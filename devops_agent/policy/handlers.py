"""What the functions that judge a call have in common: what they may ask, and where they are kept."""

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from devops_agent.policy import languages
from devops_agent.policy.call import Argument, Call, Feed
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Verdict, read


class Run(Protocol):
    """What a handler may ask: where a call runs, and the effects of what it does."""

    @property
    def feed(self) -> Feed | None: ...
    @property
    def dry(self) -> bool: ...
    def argv(self, words: Sequence[Argument], fed: bool = True, directory: str = "") -> Verdict: ...
    def script(self, text: str, feed: Feed | None = None) -> Verdict: ...
    def elsewhere(self, text: str) -> Verdict: ...
    def elsewhere_argv(self, words: Sequence[Argument]) -> Verdict: ...
    def write(self, path: str, appends: bool = False, makes_folder: bool = False) -> Verdict: ...
    def work(self, operand: Argument) -> Verdict: ...
    def variable(self, name: str, value: str) -> Verdict: ...
    def holds_secret(self, path: str) -> bool: ...
    def is_secret_name(self, name: str) -> bool: ...
    def inside(self, path: str, name: str) -> str: ...
    def is_new(self, path: str) -> bool: ...
    def is_kubeconfig(self, path: str) -> bool: ...


Handler = Callable[[Call, Run], Verdict]
HANDLERS: dict[str, Handler] = {}


def handler(function: Handler) -> Handler:
    """Makes a function the handler of its name, without the underscore."""
    HANDLERS[function.__name__[1:]] = function
    return function


def analysed(analysis: languages.Analysis, run: Run) -> Verdict:
    """The effect of a script, with that of the files it writes and the commands it runs."""
    verdict = analysis.verdict
    for part in analysis.parts:
        if part.does == "runs":
            verdict |= run.script(part.text)
        else:
            verdict |= run.write(part.text, appends=part.does == "appends")
    return verdict


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The worst of some verdicts."""
    found = read()
    for verdict in verdicts:
        found |= verdict
    return found


def is_remote(path: str) -> bool:
    """Whether a path is on another machine or in a container: `HOST:PATH`."""
    return bool(re.match(r"[^/]*:|\w+://", path))


def filled(word: Argument, marks: Sequence[str], by: str = UNSEEN) -> Argument:
    """A word in which what takes the place of a mark is only known at run time, or only a part of it."""
    text = word.text
    for mark in marks:
        text = text.replace(mark, by)
    return word._replace(text=text, substituted=word.substituted or text != word.text)
