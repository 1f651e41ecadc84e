"""The process that holds the embedded engine: it loads a GGUF model and answers requests, a JSON line each.

It is run as a file and imports nothing of the package. A process of its own, because xllamacpp holds Python's
lock while it loads, so that nothing else in its process runs for seconds; because llama.cpp ends the process
when it fails badly; and because it can stay when the one that started it has ended.

Its only argument is a JSON object:
- `path`, `num_ctx`: the model, and its context window in tokens;
- `parameters`: how the engine runs, as `tuning.Parameters` has them;
- `states`: the folder in which what the engine made of the beginnings of prompts is kept;
- `socket`, `idle`: where clients connect, and after how many seconds without a request it ends. Without a
  socket there is one client, on the standard streams, with which it ends.

To each client it writes `{"loaded": true}` or `{"failed": reason}` first. A request, `{"id": n, "request":
…}`, is answered by `{"id": n, "chunk": …}` lines and `{"id": n, "end": true}`; so is `{"id": n, "prepare":
…}`, the beginning of requests to come. `{"stop": n}` stops either at the next token or batch of the prompt,
and `{"quit": true}` ends the process behind the requests that came before; `{"quit": "unused"}` only when no
other client is connected. `{"left": true}` tells that it ends, `{"stays": true}` that it does not.
"""

import hashlib
import http.client
import json
import os
import queue
import secrets
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

# Tokens of a prompt that are evaluated at once, during which the engine cannot be stopped: 2 to 4 s on two
# cores. More are not faster.
_BATCH = 128
# Seconds in which a client that has just closed its connection is taken from the list.
_HANGS_UP_WITHIN = 0.05
# Seconds in which an engine that cannot load its model says so before it ends.
_TELLS_FOR = 1.0
# One slot for tasks, and one for the choice of a recipe, whose prompt begins in another way.
_SLOTS = 2
# The second slot's part of the context window.
_SECOND_SLOT = 1024
# Seconds after which a client that reads nothing counts as gone, so that others are answered.
_PATIENCE = 5
# So many bytes of states are kept, the newest first.
_MOST_STATES = 256 << 20


def main(argument: str) -> None:
    """Loads the model and answers until the client has gone, or nobody asks any more."""
    told = json.loads(argument)
    desk = _Desk(told.get("socket", ""))
    try:
        engine = _Engine(told)
    except ImportError as error:
        desk.fail(f"the package xllamacpp is missing ({error})")
    except (RuntimeError, ValueError):
        desk.fail("it is not a GGUF model that this engine can run")
    except Exception as error:
        desk.fail(f"{type(error).__name__}: {error}")
    else:
        desk.open({"loaded": True})
        while message := desk.next(told.get("idle")):
            engine.answer(message)
    desk.close()


# --- clients ----------------------------------------------------------------------------------------------


class _Client:
    """One who asks."""

    def __init__(self, reader: IO[str], writer: IO[str]) -> None:
        self.stopped: set[int] = set()
        self.has_gone = False
        self._reader, self._writer = reader, writer
        self._lock = threading.Lock()

    def write(self, reply: dict[str, Any]) -> None:
        if self.has_gone:
            return
        try:
            with self._lock:
                self._writer.write(json.dumps(reply) + "\n")
                self._writer.flush()
        except (OSError, ValueError):  # it has ended, or is stopped and does not read
            self.has_gone = True

    def read(self, messages: "queue.SimpleQueue[_Message]") -> None:
        with suppress(OSError, ValueError, TypeError):  # one who says nonsense is left
            for line in self._reader:
                message = json.loads(line)
                if "stop" in message:
                    self.stopped.add(message["stop"])
                else:
                    messages.put(_Message(self, message))
        self.has_gone = True


class _Message:
    """A request and who made it."""

    def __init__(self, client: _Client, told: dict[str, Any]) -> None:
        self.client, self.told, self.number = client, told, told.get("id", -1)

    def write(self, chunk: dict[str, Any]) -> bool:
        """Tells a part of the answer, and gives whether nobody wants the rest."""
        self.client.write({"id": self.number, "chunk": chunk})
        return self.is_stopped

    @property
    def is_stopped(self) -> bool:
        return self.client.has_gone or self.number in self.client.stopped


class _Desk:
    """Where clients come to: a socket, or the standard streams."""

    def __init__(self, path: str) -> None:
        self._messages: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._greeting: dict[str, Any] = {}
        self._is_open = threading.Event()
        self._clients: list[_Client] = []
        self._path, self._inode = Path(path) if path else None, 0
        if self._path:
            listening = socket.socket(socket.AF_UNIX)
            mask = os.umask(0o177)
            listening.bind(path)
            os.umask(mask)
            listening.listen(64)
            self._inode = self._path.stat().st_ino
            self._start(self._accept, listening)
        else:
            out = os.fdopen(os.dup(1), "w", encoding="utf-8")
            os.dup2(2, 1)  # for what the engine itself prints
            self._start(self._serve, _Client(sys.stdin, out))

    def open(self, greeting: dict[str, Any]) -> None:
        """Greets who waits and who comes."""
        self._greeting = greeting
        self._is_open.set()

    def fail(self, reason: str) -> None:
        """Tells those who wait, and who comes in the next moment, that there is no engine."""
        self.open({"failed": reason})
        self.next(_TELLS_FOR)

    def next(self, idle: float | None) -> _Message | None:
        """The next request; None when it is time to end."""
        while True:
            try:
                message = self._messages.get(timeout=idle)
            except queue.Empty:
                return None
            if "quit" not in message.told:
                return message
            if message.told["quit"] != "unused" or not self._is_used_beside(message.client):
                return None
            message.client.write({"stays": True})

    def _is_used_beside(self, client: _Client) -> bool:
        time.sleep(_HANGS_UP_WITHIN)
        return any(other is not client for other in self._clients)

    def close(self) -> None:
        """Ends this process."""
        if self._path:
            with suppress(OSError):
                if self._path.stat().st_ino == self._inode:
                    self._path.unlink()
        for client in list(self._clients):
            client.write({"left": True})
        os._exit(0)

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _PATIENCE, 0))
                self._start(self._serve, _Client(connection.makefile("r"), connection.makefile("w")))
            except (OSError, RuntimeError):  # no more files or threads: others may give them back
                time.sleep(0.1)

    def _serve(self, client: _Client) -> None:
        self._clients.append(client)
        self._is_open.wait()
        client.write(self._greeting)
        client.read(self._messages)
        self._clients.remove(client)
        if not self._path:
            os._exit(0)

    def _start(self, target: Any, *arguments: Any) -> None:
        threading.Thread(target=target, args=arguments, daemon=True).start()


# --- the engine -------------------------------------------------------------------------------------------


class _Engine:
    """llama.cpp with a model."""

    def __init__(self, told: dict[str, Any]) -> None:
        if engine := told["parameters"].get("engine"):
            sys.path.insert(0, engine)
        try:
            import xllamacpp
        except ImportError:  # another system, where what was built on the first one does not fit
            if not engine:
                raise
            sys.path.remove(engine)
            import xllamacpp

        self._states = Path(told["states"]) if told.get("states") else None
        self._key = secrets.token_hex(16)
        self._prepared: dict[int, str] = {}
        self._server = xllamacpp.Server(self._parameters(xllamacpp, told))
        version = f"{xllamacpp.__version__} {xllamacpp.BUILD_INFO}"
        self._identity = [_fingerprint(told["path"]), version, told["parameters"], told["num_ctx"]]

    def _parameters(self, xllamacpp: Any, told: dict[str, Any]) -> Any:
        chosen, parameters = told["parameters"], xllamacpp.CommonParams()
        parameters.model.path = told["path"]
        parameters.n_ctx = told["num_ctx"] + _SECOND_SLOT
        parameters.n_parallel = _SLOTS
        parameters.kv_unified = True
        parameters.kv_unified_per_slot = told["num_ctx"]
        parameters.cache_ram_mib = 0  # each slot has one beginning, and a process lives for long
        parameters.n_batch = parameters.n_ubatch = _BATCH
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = chosen["threads"]
        parameters.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
        parameters.verbosity = 0
        parameters.warmup = False
        # xllamacpp always opens a port on the loopback: nobody else gets in, and there is no page
        parameters.api_keys = [self._key]
        parameters.ui = False
        if self._states:
            parameters.slot_save_path = f"{self._states}/"
        return parameters

    def answer(self, message: _Message) -> None:
        """Answers a request; nobody else is answered meanwhile."""
        try:
            if not message.is_stopped:
                if "prepare" in message.told:
                    self._prepare(message)
                else:
                    self._run(message.told["request"], message)
        except Exception as error:
            message.write({"error": {"message": str(error)}})
        message.client.stopped.discard(message.number)
        message.client.write({"id": message.number, "end": True})

    def _run(self, request: dict[str, Any], message: _Message) -> bool:
        """Gives whether it went well: errors come as chunks."""
        went_well = True

        def on_chunk(chunk: dict[str, Any]) -> bool:
            nonlocal went_well
            went_well = went_well and not chunk.get("error")
            return message.write(chunk)

        self._server.handle_chat_completions(request, on_chunk)
        return went_well

    # --- the beginnings of prompts ----------------------------------------------------------------------

    def _prepare(self, message: _Message) -> None:
        """Has a slot hold the beginning of a prompt: from the disk, or evaluated once and kept there."""
        request = message.told["prepare"]
        slot = request["id_slot"]
        name = hashlib.sha256(json.dumps([*self._identity, request]).encode()).hexdigest()[:32]
        if self._prepared.get(slot) == name:
            return
        if not self._restore(slot, name):
            went_well = self._run({**request, "max_tokens": 1}, message)
            if message.is_stopped or not went_well:
                self._prepared.pop(slot, None)
                return
            self._save(slot, name)
        self._prepared[slot] = name

    def _restore(self, slot: int, name: str) -> bool:
        if self._states is None:
            return False
        state, checksum = self._states / name, self._states / f"{name}.sha256"
        with suppress(OSError, ValueError):
            if checksum.read_text() == _checksum(state) and self._slot(slot, "restore", name):
                os.utime(state)
                return True
        return False

    def _save(self, slot: int, name: str) -> None:
        if self._states is None:
            return
        new = f"{name}.{os.getpid()}.new"
        with suppress(OSError):  # a full disk: the next process evaluates it again
            self._states.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                if self._slot(slot, "save", new):
                    checksum = self._states / f"{new}.sha256"
                    checksum.write_text(_checksum(self._states / new))
                    (self._states / new).replace(self._states / name)
                    checksum.replace(self._states / f"{name}.sha256")
            finally:
                for left in self._states.glob(f"{new}*"):
                    left.unlink()
            self._prune(self._states)

    def _prune(self, folder: Path) -> None:
        states = sorted(folder.glob("?" * 32), key=lambda path: path.stat().st_mtime, reverse=True)
        for left in folder.glob("*.new*"):  # by a process that was killed
            if time.time() - left.stat().st_mtime > 3600:
                left.unlink()
        total = 0
        for state in states:
            total += state.stat().st_size
            if total > _MOST_STATES and state != states[0]:
                state.unlink()
                state.with_suffix(".sha256").unlink(missing_ok=True)

    def _slot(self, slot: int, action: str, name: str) -> bool:
        """Has the engine write or read a slot's state; only its own port offers that."""
        address = self._server.listening_address.removeprefix("http://")
        connection = http.client.HTTPConnection(address, timeout=60)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            path = f"/slots/{slot}?action={action}"
            connection.request("POST", path, json.dumps({"filename": name}), headers)
            return bool(connection.getresponse().status == 200)
        except http.client.HTTPException:
            return False
        finally:
            connection.close()


def _fingerprint(path: str) -> str:
    """What tells one model from another: its size, its beginning and samples of the rest."""
    size = Path(path).stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with Path(path).open("rb") as file:
        digest.update(file.read(1 << 20))
        for at in range(0, size, max(size // 256, 1)):
            file.seek(at)
            digest.update(file.read(4096))
    return digest.hexdigest()


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


if __name__ == "__main__":
    main(*sys.argv[1:])
