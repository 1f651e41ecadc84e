"""On which ports the processes of a container listen, from the kernel's tables."""

import sys
from collections import defaultdict
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
    for line in "\n".join(tables).splitlines():
        cells = line.split()
        if len(cells) > 3 and cells[3] == _LISTEN:
            address, _, port = cells[1].partition(":")
            found[int(port, 16)].add(_readable(address))
    return dict(found)


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
