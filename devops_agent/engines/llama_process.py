"""This program's end of the process that holds the embedded engine: one of its own, or one that stays."""

import itertools
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from devops_agent.context_window import Messages
from devops_agent.engines import openmp
from devops_agent.errors import ContextOverflow, EngineError

WORKER = Path(__file__).with_name("llama_worker.py")
# Threads that wait for each other give up their core at once. By default they spin, and where another
# process keeps one core busy, each waits for the other's turn: an eighth of the speed was left of it.
_ENVIRONMENT = {"OMP_WAIT_POLICY": "passive"}


def start(
    told: Mapping[str, Any], environment: Mapping[str, str], **streams: Any
) -> "subprocess.Popen[bytes]":
    """Starts the process; Ctrl-C does not reach it, for this side decides what is stopped.

    Args:
        told: What `llama_worker` is told.
        environment: Its environment.
        **streams: Its standard streams and working directory, as `subprocess.Popen` takes them.
    """
    flags = ["-I"] if sys.flags.isolated else []
    return subprocess.Popen(
        [sys.executable, *flags, str(WORKER), json.dumps(told)],
        start_new_session=True,
        env={**_ENVIRONMENT, **environment, **openmp.environment(os.environ)},
        **streams,
    )


def chat_request(messages: Messages, slot: int) -> dict[str, Any]:
    """A request for a reply to a conversation, which a slot of the engine's memory holds."""
    return {
        "messages": messages,
        "id_slot": slot,
        "stream": True,
        "return_progress": True,
        "reasoning_format": "none",
        "chat_template_kwargs": {"enable_thinking": False},
    }


class EngineLeft(EngineError):
    """The process ended by itself, as one does that nobody has asked for long."""


class LlamaProcess:
    """A process that holds a model, and what is said to it.

    Args:
        name: The model's, for what is told of failures.
        requests: Where it reads.
        replies: Where it writes.
        log: What it prints.
        process: It, if this process started it for itself alone.
        connection: That with it, if it is not.
    """

    def __init__(
        self,
        name: object,
        requests: IO[bytes],
        replies: IO[bytes],
        log: IO[bytes],
        process: "subprocess.Popen[bytes] | None" = None,
        connection: socket.socket | None = None,
    ) -> None:
        self._name = name
        self._numbers = itertools.count()
        self._requests, self._log = requests, log
        self._process, self._connection = process, connection
        self._replies: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._has_ended = False
        # one that stays may be about to end when somebody connects
        self._has_left = connection is not None
        # a thread, for a read that Ctrl-C interrupts could lose a part of a line
        threading.Thread(target=self._read, args=(replies,), daemon=True).start()

    @classmethod
    def own(cls, told: Mapping[str, Any]) -> "LlamaProcess":
        """One that ends with this process."""
        log = tempfile.TemporaryFile()  # noqa: SIM115
        process = start(told, os.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        assert process.stdin
        assert process.stdout
        return cls(told["path"], process.stdin, process.stdout, log, process)

    @classmethod
    def shared(cls, told: Mapping[str, Any], connection: socket.socket, log: IO[bytes]) -> "LlamaProcess":
        """One that stays when this process ends."""
        streams = connection.makefile("wb"), connection.makefile("rb")
        return cls(told["path"], *streams, log, connection=connection)

    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return not self._has_ended and (self._process is None or self._process.poll() is None)

    def close(self) -> None:
        """Ends it, if it is this process's own, and what is said to it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._close()

    def _close(self) -> None:
        with suppress(OSError):  # what it did not read any more
            self._requests.close()
        if self._connection is not None:
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    def wait_until_loaded(self) -> None:
        """Returns when the model is there.

        Raises:
            EngineError: The file is no model that the engine can run, or the engine died.
        """
        failed = self._next().get("failed")
        if failed:
            raise EngineError(f"Cannot load {self._name}: {failed}.")

    def ask(self, told: Mapping[str, Any]) -> Generator[dict[str, Any], None, None]:
        """Yields the engine's chunks; leaving early stops it at its next token or batch of the prompt.

        Raises:
            EngineError: The engine failed or died.
        """
        number = next(self._numbers)
        self._send({**told, "id": number})
        try:
            while not (reply := self._next()).get("end") or reply["id"] != number:
                if reply.get("id") == number:  # and no rest of a request that was stopped
                    yield _checked(reply["chunk"])
        except BaseException:
            with suppress(EngineError):
                self._send({"stop": number})
            raise

    def _send(self, message: Mapping[str, Any]) -> None:
        try:
            self._requests.write(json.dumps(message).encode() + b"\n")
            self._requests.flush()
        except (OSError, ValueError) as error:  # ValueError: closed, for it died before
            raise self._died() from error

    def _next(self) -> dict[str, Any]:
        reply = self._replies.get()
        if reply is None:
            self._replies.put(None)
            raise self._died()
        return reply

    def _read(self, stream: IO[bytes]) -> None:
        with suppress(OSError):
            for line in stream:
                with suppress(ValueError):  # of a process that died in the middle of a line
                    reply = json.loads(line)
                    self._has_left = "left" in reply
                    self._replies.put(reply)
        self._has_ended = True
        self._replies.put(None)

    def _died(self) -> EngineError:
        self._has_ended = True
        self._close()
        code = None if self._process is None else self._process.wait()
        how = f" ({_how_ended(code)})" if code is not None else ""
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        last = f": {lines[-1].strip()}" if lines else ""
        hint = " Is there enough free memory?" if code in (None, -signal.SIGKILL) and not last else ""
        died = EngineLeft if self._has_left else EngineError
        return died(f"The embedded engine died{how}{last}.{hint}")


def _how_ended(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _checked(chunk: dict[str, Any]) -> dict[str, Any]:
    error = chunk.get("error")
    if not error:
        return chunk
    if error.get("type") == "exceed_context_size_error":
        raise ContextOverflow(
            f"The task needs {error.get('n_prompt_tokens')} tokens, the context window has "
            f"{error.get('n_ctx')}. Set num_ctx higher in the configuration, or split the task."
        )
    raise EngineError(f"The embedded engine failed: {error.get('message')}")
