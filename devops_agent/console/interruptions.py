"""Ctrl-C while the agent works: the first one stops the task, which then ends in good order."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Who presses it so often does not want to wait for anything.
_IMPATIENT = 4


class Interruptions:
    """Counts the interruptions of one piece of work.

    Attributes:
        count: How many there were.
    """

    def __init__(self) -> None:
        self.count = 0

    @property
    def asks_to_leave(self) -> bool:
        """Whether it was interrupted once more while it was ending."""
        return self.count > 1

    def _interrupt(self, *_: object) -> None:
        self.count += 1
        if self.count == 1 or self.count >= _IMPATIENT:
            raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[Interruptions]:
    """Work whose end, in which its results are written down, a second Ctrl-C does not interrupt.

    Raises:
        KeyboardInterrupt: At the first interruption, and at the fourth.
    """
    interruptions = Interruptions()
    if threading.current_thread() is not threading.main_thread():
        yield interruptions
        return
    before = signal.signal(signal.SIGINT, interruptions._interrupt)
    try:
        yield interruptions
    finally:
        signal.signal(signal.SIGINT, before)
