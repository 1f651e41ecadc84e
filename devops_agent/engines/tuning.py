"""How the embedded engine runs on this machine."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Parameters:
    """What of llama.cpp can be set to suit a machine; it changes no reply.

    Attributes:
        threads: How many compute; -1 for one a core.
        batch: Tokens of a prompt that are evaluated at once, during which the engine cannot be stopped: 128
            take 2 to 3 s on two cores.
    """

    threads: int = -1
    batch: int = 128

    def told(self) -> dict[str, Any]:
        """The parameters as the engine's process is told them."""
        return asdict(self)
