"""Packing and unpacking that a wish says in full: a small model leaves out the folder that must be there."""

import re
import shlex
from pathlib import Path

from devops_agent.files import is_file, is_folder
from devops_agent.patterns import LEAD, NO_NAME, regex, said_in_full

_FOLDER = r"(?: folder| directory)?"
_ARCHIVE = (
    r"(?:the )?(?:archive |file )?"
    r"[\"'`]?(?P<archive>[\w./-]*\w\.(?:tar\.gz|tgz|tar\.bz2|tar\.xz|tar|zip))[\"'`]?"
)
_WHAT = rf"(?:the )?(?:whole |entire )?(?:folder |directory )?[\"'`]?(?P<what>\w[\w./-]*?)/?[\"'`]?{_FOLDER}"
_INTO = (
    r"(?:in)?to (?:the |a )?(?:new )?(?:folder |directory )?"
    rf"[\"'`]?(?P<folder>[\w./-]*\w)/?[\"'`]?{_FOLDER}"
)
_PACKS = [
    regex(
        rf"{LEAD}(?:pack|compress|archive|tar(?: up)?|zip(?: up)?) {_WHAT} (?:(?:in)?to|as) {_ARCHIVE}",
        re.IGNORECASE,
    )
]
_UNPACKS = [
    regex(rf"{LEAD}(?:extract|unpack|untar|unzip|decompress) {_ARCHIVE}(?: here| {_INTO})?", re.IGNORECASE)
]


def packing(wish: str, directory: Path) -> str:
    """The command that packs the one file or folder that a wish names; "" where it says more than that."""
    match = said_in_full(_PACKS, wish)
    if match is None or match["what"].lower() in NO_NAME or ".." in Path(match["what"]).parts:
        return ""
    source, made = directory / match["what"], directory / match["archive"]
    if not (is_file(source) or is_folder(source)) or is_file(made) or source in made.parents:
        return ""  # one that is there may be the only copy
    archive, what = shlex.quote(match["archive"]), shlex.quote(match["what"])
    # with the compression that the name says
    return f"zip -qr {archive} {what}" if _is_zip(archive) else f"tar -caf {archive} -- {what}"


def unpacking(wish: str, directory: Path) -> str:
    """The commands that unpack the archive that a wish names; "" where it says more than that."""
    match = said_in_full(_UNPACKS, wish)
    if match is None or not is_file(directory / match["archive"]):
        return ""
    if match["folder"] and match["folder"].lower() in NO_NAME:
        return ""
    archive, folder = shlex.quote(match["archive"]), shlex.quote(match["folder"] or ".")
    unpacks = f"unzip -q {archive} -d {folder}" if _is_zip(archive) else f"tar -xvf {archive} -C {folder}"
    return f"set -e\nmkdir -p -- {folder}\n{unpacks}" if match["folder"] else unpacks


def _is_zip(archive: str) -> bool:
    return archive.lower().endswith(".zip")
