"""The address of an Ollama server, in every form that Ollama's own client accepts."""

import ipaddress
import socket
from urllib.parse import urlsplit

from devops_agent.errors import UsageError

DEFAULT_PORT = 11434
_PORT_OF_SCHEME = {"http": 80, "https": 443}
# what a server listens on is no address that a client can connect to
_CLIENT_HOST = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


def base_url(host: str) -> str:
    """The base URL of an OLLAMA_HOST value, or of a URL that ends in `/api/chat`, without a slash at its end.

    The port is 11434 only where no scheme is given; `http://h` is port 80, `https://h` port 443
    (https://github.com/ollama/ollama/blob/main/envconfig/config.go).

    Raises:
        UsageError: The value is no address.
    """
    text = host.strip().strip("\"'").strip()
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = "http", text
    scheme = scheme.lower()
    if scheme not in _PORT_OF_SCHEME:
        raise _unusable(host)
    authority, slash, path = rest.partition("/")
    name, port = _split(authority, host)
    if port is None:
        port = _PORT_OF_SCHEME[scheme] if mark else DEFAULT_PORT
    name = _CLIENT_HOST.get(name, name)
    shown = f"[{name}]" if ":" in name else name
    return f"{scheme}://{shown}:{port}{_path(slash + path)}"


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine."""
    name = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def accepts(base: str, seconds: float = 1.0) -> bool:
    """Whether anything may answer at a base URL: nothing does where a connection is refused.

    It is known in a millisecond, and without what HTTP needs. Of another host, which may be behind a proxy,
    only a request can tell.

    Args:
        seconds: How long a connection is waited for.
    """
    parts = urlsplit(base)
    if not is_loopback(base):
        return True
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), seconds).close()
    except OSError:
        return False
    return True


def _split(authority: str, host: str) -> tuple[str, int | None]:
    if authority.startswith("["):
        name, _, rest = authority[1:].partition("]")
        if rest and not rest.startswith(":"):
            raise _unusable(host)
        port = rest[1:]
    elif authority.count(":") > 1:
        name, port = authority, ""
    else:
        name, _, port = authority.partition(":")
    if not _is_name(name):
        raise _unusable(host)
    if not port:
        return name, None
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise _unusable(host)
    return name, int(port)


def _is_name(name: str) -> bool:
    """Whether a connection can be tried: what is no name raises different errors, late, in each library."""
    if any(character.isspace() or character in "@?#" for character in name):
        return False
    try:
        if ":" in name:
            ipaddress.IPv6Address(name)
        else:
            urlsplit(f"//{name}")
            name.encode("idna")  # as urllib3 does: no label is empty or over 63 characters
    except ValueError:
        return False
    return True


def _path(path: str) -> str:
    path = path.rstrip("/")
    for known in ("/api/chat", "/api"):
        path = path.removesuffix(known)
    return path.rstrip("/")


def _unusable(host: str) -> UsageError:
    return UsageError(
        f"The Ollama address {host!r} is not usable. Write it as host:port or http://host:port."
    )
