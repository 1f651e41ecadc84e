"""The modes: what is done with a call of a given effect. The strictest of the modes that are given wins."""

from dataclasses import dataclass
from enum import IntEnum

from devops_agent.policy.verdict import Effect, Verdict


class Decision(IntEnum):
    """What is done with a call, from the mildest to the strictest."""

    RUN = 0
    ASK = 1
    SHOW = 2  # a dry run
    REFUSE = 3


@dataclass(frozen=True)
class Modes:
    """The modes of a run.

    Attributes:
        read_only: Nothing is changed.
        dry_run: What would change something is shown and not run.
        require_approval: The user is asked before every call.
        assume_yes: The user is never asked.
    """

    read_only: bool = False
    dry_run: bool = False
    require_approval: bool = False
    assume_yes: bool = False

    def decide(self, verdict: Verdict, caution: bool = False) -> Decision:
        """What is done with a call.

        Args:
            verdict: What it does.
            caution: Whether there is a reason to ask before a change, such as a production cluster.
        """
        asks = Decision.ASK if self.require_approval else Decision.RUN
        if verdict.effect is Effect.READ:
            return asks
        if self.read_only:
            return Decision.REFUSE
        if self.dry_run:
            return Decision.SHOW
        if self.assume_yes and not self.require_approval:
            return Decision.RUN
        return Decision.ASK if verdict.unallowed > Effect.CHANGE or caution else asks
