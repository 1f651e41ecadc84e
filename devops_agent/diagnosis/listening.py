"""On which ports processes listen, of a container and of this machine, from the kernel's tables."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

_LISTEN = "0A"
_PROC = Path("/proc")


def ports(container_id: str, pid: int, proc: Path = _PROC) -> dict[int, set[str]] | None:
    """The TCP ports with their addresses, of the network namespace of a container's main process.

    None where that cannot be known: where Docker runs on another machine, the process is not this one's.
    """
    folder = proc / str(pid)
    try:
        if not pid or container_id not in (folder / "cgroup").read_text():
            return None
        tables = [(folder / "net" / table).read_text() for table in ("tcp", "tcp6")]
    except OSError:
        return None
    found: dict[int, set[str]] = defaultdict(set)
    for port, address, _ in _listening(tables):
        found[port].add(_readable(address))
    return dict(found)


def holders(port: int, proc: Path = _PROC) -> set[int]:
    """The ids of the processes that listen on a TCP port of this machine, as far as the user may see."""
    try:
        tables = [(proc / "net" / table).read_text() for table in ("tcp", "tcp6")]
    except OSError:
        return set()
    sockets = {f"socket:[{inode}]" for at, _, inode in _listening(tables) if at == port}
    found = set()
    for link in proc.glob("[0-9]*/fd/*") if sockets else ():
        with suppress(OSError):  # it has ended, or is another user's
            if str(link.readlink()) in sockets:
                found.add(int(link.parts[-3]))
    return found


def _listening(tables: Iterable[str]) -> Iterator[tuple[int, str, str]]:
    """The port, address and inode of each listening socket of the kernel's tables."""
    for line in "\n".join(tables).splitlines():
        cells = line.split()
        if len(cells) > 3 and cells[3] == _LISTEN:
            address, _, port = cells[1].partition(":")
            yield int(port, 16), address, next(iter(cells[9:]), "")


def _readable(address: str) -> str:
    """An address of /proc/net/tcp, which is written in 32-bit words in the machine's byte order."""
    step = -1 if sys.byteorder == "little" else 1
    words = [bytes.fromhex(address[at : at + 8])[::step] for at in range(0, len(address), 8)]
    if len(words) == 1:
        return ".".join(map(str, words[0]))
    whole = b"".join(words)
    if whole[:12] == b"\0" * 10 + b"\xff\xff":
        return ".".join(map(str, whole[12:]))
    return {b"\0" * 16: "::", b"\0" * 15 + b"\1": "::1"}.get(whole, whole.hex(":", 2))
