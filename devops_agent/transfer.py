"""Transfers: files fetched over HTTP in threads, resumed where they stopped, watched from one thread."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import requests

from devops_agent.errors import EngineError

Progress = Callable[[str, int, int], None]

CHUNK = 64 * 1024  # small, so that little is lost or waited for on a slow line
THREADS = 4
ANSWER_S, STALL_S = 10.0, 30.0  # how long the first bytes are waited for, and the next ones
RETRY_WAITS_S = (0.5, 1.0, 2.0)
CANNOT_RESUME = 416
REASONS = (
    (requests.Timeout, "no answer in time"),
    (requests.exceptions.SSLError, "the certificate is not trusted"),
    (requests.exceptions.ProxyError, "no connection to the proxy"),
    (requests.ConnectionError, "no connection"),
    (requests.exceptions.ChunkedEncodingError, "the connection was lost"),
)


class Link(NamedTuple):
    """A file to download; a size or checksum that is not known is None."""

    url: str
    name: str
    sha256: str | None = None
    size: int | None = None


class SourceFailed(EngineError):
    """One place does not give the model; the text is the short reason."""


class Transient(SourceFailed):
    """It may go better in a moment."""


class Transfer:
    """Downloads in threads, watched from the caller's thread, which a signal can interrupt at any time.

    The threads are daemons, not an executor's: the interpreter's exit would wait for those.
    """

    def __init__(self, what: str, total: int, progress: Progress, cert: str | None = None) -> None:
        self.what, self.total, self.progress, self.cert = what, total, progress, cert
        self.done: dict[Path, int] = {}
        self.answered, self.stop = threading.Event(), threading.Event()

    def run(self, jobs: Sequence[Callable[[], None]], limit: float) -> None:
        """Run all jobs; the first failure, or no answer from anywhere within `limit` seconds, ends them."""
        waiting = iter(jobs)  # shared: each thread takes the next one
        errors: list[Exception] = []

        def work() -> None:
            for job in waiting:
                if self.stop.is_set():
                    return
                try:
                    job()
                except Exception as exc:
                    errors.append(exc)
                    self.stop.set()

        workers = [threading.Thread(target=work, daemon=True) for _ in jobs[:THREADS]]
        try:
            for worker in workers:
                worker.start()
            self._watch(workers, time.monotonic() + limit)
        finally:
            self.stop.set()
        if errors:
            raise errors[0]
        if any(worker.is_alive() for worker in workers):
            raise SourceFailed(f"no answer within {limit:g} seconds")

    def _watch(self, workers: list[threading.Thread], deadline: float) -> None:
        for worker in workers:
            while worker.is_alive() and not self.stop.is_set():
                worker.join(0.1)
                self.progress(self.what, min(sum(list(self.done.values())), self.total), self.total)
                if not self.answered.is_set() and time.monotonic() > deadline:
                    return

    def retry(self, action: Callable[[], None], worthwhile: tuple[type[Exception], ...]) -> None:
        for wait in RETRY_WAITS_S:
            try:
                action()
            except worthwhile:
                if self.stop.wait(wait):
                    raise
            else:
                return
        action()

    def fetch(self, link: Link, part: Path, headers: Mapping[str, str] | None = None) -> None:
        """Download to `part`, going on where it ends."""
        have = size_of(part)
        resume = {"Range": f"bytes={have}-"} if have else {}
        with self.get(link.url, {"Accept-Encoding": "identity", **(headers or {}), **resume}) as response:
            if response.status_code == CANNOT_RESUME:
                part.unlink()
                raise Transient(f"{host_of(link.url)} did not resume")
            have = have if response.status_code == requests.codes.partial_content else 0
            length = response.headers.get("Content-Length")
            if link.size and length and have + int(length) != link.size:
                raise SourceFailed(f"{host_of(link.url)} has another file by that name")
            with part.open("ab" if have else "wb") as out:
                for chunk in response.iter_content(CHUNK):
                    self._check_stop()
                    have += out.write(chunk)
                    self.done[part] = have

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str]) -> Iterator[requests.Response]:
        """Ask for `url`, and yield the answer before its body is read; an error status is raised."""
        host, timeout = host_of(url), (ANSWER_S, STALL_S)
        with requests.Session() as session:
            session.trust_env = not (host in ("localhost", "::1") or host.startswith("127."))  # then no proxy
            with session.get(url, headers=headers, stream=True, timeout=timeout, verify=self.cert) as got:
                self._check_stop()
                self.answered.set()
                code = got.status_code
                if code == requests.codes.too_many_requests or code >= 500:
                    raise Transient(f"{host} answered {code}")
                if code >= 400 and code != CANNOT_RESUME:
                    raise SourceFailed(f"{host} answered {code}")
                yield got

    def _check_stop(self) -> None:
        if self.stop.is_set():  # the next attempt may be writing the same files by now
            raise SourceFailed("stopped")


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    for chunk in chunks_of(path):
        digest.update(chunk)
    return digest.hexdigest()


def chunks_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk


def reason_of(exc: Exception) -> str:
    if isinstance(exc, SourceFailed):
        return str(exc)
    known = (text for kind, text in REASONS if isinstance(exc, kind))
    return next(known, "") or getattr(exc, "strerror", None) or type(exc).__name__


def host_of(url: str) -> str:
    return urlsplit(url).hostname or url


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
