"""The steps of a task, and whether a call did one of them, by what it ran."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from devops_agent import intent
from devops_agent.forms.form import Form
from devops_agent.grounding.task_words import PATH, has_word
from devops_agent.patterns import regex
from devops_agent.policy.shell_text import segments
from devops_agent.protocol import Call

_SILENT = regex(r"\d?>+ ?(?:/dev/null|&\d)")
_WRITES = frozenset("write save store record".split())
_IN_FILES = frozenset("delete remove drop rename".split())
# What a command has in it that did what a wish begins with, in one way or another.
_DOES = {
    "delete remove drop clean": r"\b(?:rm|rmdir|delete|prune|rmi|down|sed|patch|set|unset|label|annotate"
    r"|taint|git|unlink|truncate|uninstall|tee|drop|del|flush\w*)\b|>|-d\b",
    "copy keep save back": r"\b(?:cp|copy|tar|save|rsync|install|cat|dd|scp|create|get|tee)\b|>",
    "move rename": r"\b(?:mv|rename|branch|tag|sed)\b",
    "write put add append insert store record": r">|\b(?:tee|sed|add|set)\b",
    "start run launch serve bring": r"\b(?:start|restart|run|up|nohup|server|systemctl)\b|&\s*$",
    "restart": r"\b(?:start|restart|run|up|delete|patch|set|apply|kill|reload|scale)\b|\.sh\b",
    "recreate redeploy": r"\b(?:run|up|apply|replace)\b|\.sh\b",
    "stop kill end shut": r"\b(?:stop|kill|pkill|killall|down|scale|suspend|patch|rm|delete|pause|quit)\b",
    "send reload": r"\b(?:kill|reload|curl)\b",
    "pack compress archive": r"\b(?:tar|gzip|zip|xz)\b",
    "commit": r"\bcommit\b",
    "push": r"\bpush\b",
}
# A wish that begins with one of these was not done where no command has anything of its kind.
_LEAVES_TRACE = frozenset("delete remove drop clean copy rename restart stop kill shut commit push".split())


def undone(task: str, commands: Collection[str], written: Collection[str]) -> str:
    """The first wish of a task that nothing which succeeded can have done, by its verb; "" for none.

    Args:
        task: The task.
        commands: The commands that succeeded.
        written: The files that were written.
    """
    for wish in filter(intent.tells_to, intent.wishes(intent.without_negations(task))):
        verb = intent.verb_of(wish)
        edited = written and verb in _IN_FILES
        if verb in _LEAVES_TRACE and not edited and not any(_does(verb, command) for command in commands):
            return wish
    _, left = next_listed(task, commands)
    return f"the same for {left}" if left else ""


# "pods a, b and c"
_LISTED = regex(
    r"\b(?:pods|containers|deployments|services|jobs|images|volumes|networks|configmaps|secrets)\s+"
    r"([\w.:-]*\w(?:(?:,|,? and)\s+[\w.:-]*\w)+)",
    re.IGNORECASE,
)


def next_listed(task: str, commands: Collection[str]) -> tuple[str, str]:
    """Of several things of a kind the last that a command names and the first that none does, if any."""
    ran = " ".join(commands)
    for match in _LISTED.finditer(task):
        names = re.split(r"(?:,| and)\s+(?:and\s+)?", match[1])
        done = [name for name in names if has_word(ran, name)]
        left = [name for name in names if name not in done]
        if done and left:
            return done[-1], left[0]
    return "", ""


@dataclass(frozen=True)
class Step:
    """One of the things that a task wants.

    Attributes:
        wish: It, in the words of the task.
        form: The form that does it, when there is one.
    """

    wish: str
    form: Form | None = None

    def __str__(self) -> str:
        return "\n".join(filter(None, (self.wish, str(self.form or ""))))

    def is_done_by(self, call: Call) -> bool:
        """Whether a call that succeeded did it for sure: by its form, or with its output sent to the file."""
        if self.form:
            return self.form.is_done_by(call)
        written = {to for part in segments(str(call.arguments.get("command", ""))) for to in part.targets}
        paths = PATH.findall(self.wish)
        return intent.verb_of(self.wish) in _WRITES and bool(paths) and written.issuperset(paths)

    def may_be_done_by(self, call: Call) -> bool:
        """Whether a call that succeeded is of the kind that does it; by its form it is done for sure."""
        told = " ".join(map(str, call.arguments.values()))
        verb = intent.verb_of(self.wish)
        return not verb or any(path in told for path in PATH.findall(self.wish)) or _does(verb, told)


def _does(verb: str, command: str) -> bool:
    """Whether a command is of the kind that does what a verb says."""
    does = next((does for verbs, does in _DOES.items() if verb in verbs.split()), re.escape(verb[:4]))
    return bool(re.search(does, _SILENT.sub(" ", command)))
