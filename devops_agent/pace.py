"""How often something that goes on is told, so that telling it takes little of the time."""

import time
from collections.abc import Callable


class Pace:
    """Lets something be done now and then.

    Args:
        seconds: How long it rests in between at least.
        share: Which share of the time it may take.
        delay: Seconds until the first time.
    """

    def __init__(self, seconds: float = 0.25, share: float = 0.1, delay: float = 0.0) -> None:
        self._seconds = seconds
        self._share = share
        self._due = time.monotonic() + delay

    @property
    def is_due(self) -> bool:
        """Whether it has rested long enough."""
        return time.monotonic() >= self._due

    def run(self, work: Callable[[], object]) -> None:
        """Does it, and rests from then on."""
        started = time.monotonic()
        work()
        ended = time.monotonic()
        self._due = ended + max(self._seconds, (ended - started) * (1 / self._share - 1))
