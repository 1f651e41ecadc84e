"""What a wish says in full of an image: its tags, how it is built, where it is saved."""

import re
import shlex
from pathlib import Path

from devops_agent.container_wishes import PAIR, PATH
from devops_agent.files import is_file, is_folder
from devops_agent.grounding.task_words import IMAGE
from devops_agent.patterns import LEAD, regex, said_in_full, without

# "tag nginx:1.25 as web:stable and web:latest"
_TAGS = regex(
    rf"{LEAD}(?:re)?tag (?:the )?(?:docker )?(?:image )?[\"'`]?(?P<image>{IMAGE.pattern})[\"'`]?"
    r" (?:as|to|with) (?:both )?"
    rf"(?P<tags>{IMAGE.pattern}(?:(?:,? and(?: as)? |, ){IMAGE.pattern})*)[\s.]*\Z",
    re.IGNORECASE,
)


def to_tag(wish: str) -> str:
    """The commands that give an image the tags that a wish lists; "" for any other wish."""
    match = _TAGS.match(wish)
    tags = IMAGE.findall(match["tags"]) if match else []
    return "\n".join(shlex.join(("docker", "tag", match["image"], tag)) for tag in tags) if match else ""


# "build the image app:2 from Dockerfile.dev in this folder without the cache"
_BUILDS = regex(
    rf"{LEAD}(?:re)?build (?:an? |the )?(?:docker )?(?:image )?"
    rf"[\"'`]?(?P<image>{IMAGE.pattern})[\"'`]?(?P<rest>.*)\Z",
    re.IGNORECASE | re.DOTALL,
)
_HERE = regex(r" (?:from|in|of) (?:this|the current) (?:folder|directory)\b| here\b", re.IGNORECASE)
_UNCACHED = regex(
    r",?(?: and)? (?:without (?:using )?(?:the |any )?(?:build )?cache|with no cache)\b", re.IGNORECASE
)
_ARGUMENTS = regex(
    rf",?(?: and)? with (?:the )?build[ -]arg(?:ument)?s? (?P<pairs>{PAIR}(?:(?:,? and |, ){PAIR})*)",
    re.IGNORECASE,
)
_FROM = regex(
    rf" (?:from|in|with|using|of) (?:the )?(?:(?:folder|directory|dockerfile|file) )?"
    rf"[\"'`]?(?P<path>{PATH})[\"'`]?(?: folder| directory)?(?=[ ,.]|\Z)",
    re.IGNORECASE,
)


def to_build(wish: str, directory: Path) -> str:
    """The command that builds an image of which a wish says all; "" for any other wish."""
    match = _BUILDS.match(wish.strip(" .!"))
    if match is None:
        return ""
    rest, options, folder = match["rest"], [], "."
    if _UNCACHED.search(rest):
        options.append("--no-cache")
    if arguments := _ARGUMENTS.search(rest):
        options += [word for pair in re.findall(PAIR, arguments["pairs"]) for word in ("--build-arg", pair)]
    rest = _UNCACHED.sub(" ", _ARGUMENTS.sub(" ", _HERE.sub(" ", rest)))
    while said := _FROM.search(rest):
        path = said["path"].rstrip("/")
        if is_folder(directory / path):
            folder = path
        elif is_file(directory / path):
            options += ["-f", path]
        else:
            return ""
        rest = without(rest, said)
    return "" if rest.strip(" ,") else shlex.join(("docker", "build", "-t", match["image"], *options, folder))


# "save the image redis:7 to redis.tar"
_SAVES = [
    regex(
        rf"{LEAD}(?:save|export) (?:the )?(?:docker )?(?:image )?[\"'`]?(?P<image>{IMAGE.pattern})[\"'`]?"
        r" (?:in)?to (?:the )?(?:file |archive )?[\"'`]?(?P<file>[\w./-]*\w\.(?:tar|tar\.gz|tgz))[\"'`]?",
        re.IGNORECASE,
    )
]


def to_save(wish: str) -> str:
    """The command that saves an image to the archive that a wish names; "" for any other wish."""
    match = said_in_full(_SAVES, wish)
    if match is None:
        return ""
    path = shlex.quote(match["file"])
    if match["file"].endswith(".tar"):
        return f"docker save -o {path} {match['image']}"
    return f"set -o pipefail\ndocker save {match['image']} | gzip > {path}"
