"""The choice of a recipe: by the words that it shares with a task, and by the model, which weighs the best.

The words put the right one of 400 first for half of the tasks that have one, and among the first six for nine
tenths; but they also find one where none is right. The model tells these apart by the meaning. It says one
of them too readily, so what counts is not what it answers but how likely it finds each answer.
"""

from collections.abc import Callable, Sequence

from devops_agent.context_window import Messages

# Given a conversation and some one-token replies: how likely each is; none where the engine does not tell.
Weigh = Callable[[Messages, Sequence[str]], Sequence[float]]

MOST = 6
# A pasted log says nothing more of what is wanted; in characters.
_LONGEST = 1000
# How much likelier the one that the words say is made; and how likely one must be among all and none.
# Both from 200 prompts with their labels, see benchmarks/searches.tsv.
_FAVOURED, _LIKELY = 3.0, 0.5
_NONE = "0"
_INSTRUCTION = (
    "You are given a task and numbered actions. Answer with the number of the action that does what the task "
    "asks for. If no action does exactly that, answer 0."
)
_EXAMPLES = (
    ("convert the dashboard to dark mode and save it", ("Save a docker image to a file", "Copy a file"), "0"),
    (
        "the pod web needs more memory",
        ("Show the memory use of pods", "Set resource requests and limits of a deployment", "Free memory"),
        "2",
    ),
)


def unweighed(messages: Messages, replies: Sequence[str]) -> Sequence[float]:
    """The weighing of an engine that does not tell how likely a reply is."""
    return ()


def chosen(weigh: Weigh, task: str, titles: Sequence[str], first: int | None) -> int | None:
    """Which of some actions a task means; None for none of them.

    Args:
        weigh: Asks the model.
        task: The task, or one of the things that it wants.
        titles: What the actions do, at most `MOST`.
        first: That which shares most words with the task, when it shares enough of them.
    """
    replies = [_NONE, *(str(number + 1) for number in range(len(titles)))]
    likely = list(weigh(_question(task, titles), replies)) if titles else []
    if len(likely) != len(replies) or not sum(likely):
        return first
    if first is not None:
        likely[first + 1] *= _FAVOURED
    best = max(range(len(titles)), key=lambda index: likely[index + 1])
    return best if likely[best + 1] > _LIKELY * sum(likely) else None


def beginning() -> Messages:
    """What every question begins with."""
    said = [("system", _INSTRUCTION)]
    for example, actions, reply in _EXAMPLES:
        said += [("user", _told(example, actions)), ("assistant", reply)]
    return [{"role": role, "content": text} for role, text in said]


def _question(task: str, titles: Sequence[str]) -> Messages:
    return [*beginning(), {"role": "user", "content": _told(task, titles)}]


def _told(task: str, titles: Sequence[str]) -> str:
    return "\n".join(
        (
            f"Task: {task[:_LONGEST]}",
            "Actions:",
            *(f"{number}. {title}" for number, title in enumerate(titles, 1)),
        )
    )
