"""What was looked up for a task."""

from dataclasses import dataclass, field

from devops_agent.diagnosis.finding import Finding
from devops_agent.diagnosis.mending import Mended

_MOST_LINES = 20
_LONGEST = 300


@dataclass
class Ground:
    """What was found.

    Attributes:
        lines: What the model is told.
        informs: Whether it tells of things that the task names, so that it may hold the answer.
        compared: Whether it tells how files differ, which is all that a question about that asks for.
        trouble: What is wrong with them.
        about: What the task is about, by where the things are that it names; "" where its words tell.
        namespace: The one namespace that the task names and that exists.
        repository: The folder with the git repository that the task names, where that is not the directory.
        missing: What the task names and is not there, in a sentence; "" when all is there.
        settled: Why there is nothing to do for the task, in a sentence: it is so already, or nothing can.
        fine: That what a task takes for broken runs and nothing is wrong with it, in a sentence.
        selected: The command that does what the task wants to those of several things that it means.
        variables: The environment variables that the task names, with their values.
        mended: What would put broken files right that the task names.
        texts: The texts of short files that the task names and is about.
        kinds: The kinds of things that the task names and that are there, as far as recipes make them anew.
        running: The containers that the task names and that run.
        new: The placeholders of those names whose things are to be made.
        given: The name that the task gives to a container.
        names: Names of things that exist or are to be made, by the placeholder of runbooks that they fill.
    """

    lines: list[str] = field(default_factory=list)
    informs: bool = False
    trouble: list[Finding] = field(default_factory=list)
    compared: bool = False
    repository: str = ""
    missing: str = ""
    settled: str = ""
    fine: str = ""
    selected: str = ""
    about: str = ""
    namespace: str = ""
    running: list[str] = field(default_factory=list)
    given: str = ""
    new: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    mended: dict[str, Mended] = field(default_factory=dict)

    def lacks(self, sentence: str) -> None:
        """Notes that something is not there that the task names; that may be all there is to answer."""
        self.lines.append(sentence)
        self.missing, self.informs = sentence, True

    def __str__(self) -> str:
        # half a command would be run as it stands
        told = [line if line.startswith("  try: ") else line[:_LONGEST] for line in self.lines[:_MOST_LINES]]
        return "\n".join(told + [f"{name} is:\n{text.rstrip()}" for name, text in self.texts.items()])
