"""A container that a wish wants run, where it says all of it: image, name, ports, limits, variables.

A small model leaves out an option, and then tells that the limit is set. So the command is made of the words
of the wish, and only where each of them is understood.
"""

import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from devops_agent.diagnosis.diagnose import exposed_ports
from devops_agent.files import is_file, is_folder
from devops_agent.grounding.task_words import IMAGE
from devops_agent.patterns import LEAD, NO_NAME, regex, without

_STARTS = regex(
    rf"{LEAD}(?:(?:run|start|launch|spin up|bring up)\b(?! the (?!image\b)(?:[\w.-]+ )?container\b)"
    r"|create(?= (?:an? |the )?(?:new )?(?:docker )?(?:[\w./:-]+ )?container\b))"
    rf"(?= .*(?:\bcontainer\b|{IMAGE.pattern}|\b(?:run|start|launch) \w))",
    re.IGNORECASE,
)
_POPULAR = (
    "alpine|busybox|debian|ubuntu|nginx|httpd|redis|postgres|mysql|mariadb|mongo|memcached|rabbitmq|python|node"
    "|traefik|caddy|registry|grafana"
)
# Where they listen, when they are not here yet.
_PORTS_OF = {
    "nginx": ["80"],
    "httpd": ["80"],
    "mysql": ["3306"],
    "mariadb": ["3306"],
    "redis": ["6379"],
    "postgres": ["5432"],
    "mongo": ["27017"],
    "memcached": ["11211"],
    "grafana/grafana": ["3000"],
    "registry": ["5000"],
}
NAME = r"[\"'`]?(?P<name>[a-zA-Z0-9](?:[\w.-]*\w)?)[\"'`]?"
# A variable or label and its value.
PAIR = r"[A-Za-z_]\w*=(?:\"[^\"]*\"|'[^']*'|[^\s,;]*[^\s,;.])"
PATH = r"[\w./~-]*[\w/]"
_AMOUNT = r"(?P<amount>\d+(?:\.\d+)?) ?(?P<unit>[kmg])(?:i?b|egabytes?|igabytes?)?"
_WITH = (
    r"(?<!\w)(?:,? ?(?:and |but |with |has |have |set |give it |gets |using |which |that |an? |the |at most "
    r"|up to |max(?:imum)? )*)"
)
_NUMBERS = {"half a": "0.5", "half": "0.5", "one": "1", "a single": "1", "two": "2", "four": "4"}


def _said(text: str) -> re.Pattern[str]:
    return regex(rf"{_WITH}\b{text}(?![\w-])", re.IGNORECASE)


_COMMAND = regex(
    rf"{_WITH}(?:(?:running |runs |executing |executes )?(?:the )?command|running|runs)"
    r" (?:(?P<quote>[\"'`])(?P<command>.+?)(?P=quote)|(?P<bare>sleep (?:\d+|infinity)))(?![\w-])",
    re.IGNORECASE,
)
_LABELS = regex(
    rf"{_WITH}(?:label (?P<pair>{PAIR})|labels (?P<pairs>{PAIR}(?:(?:,? and |, ?){PAIR})*))", re.IGNORECASE
)
_ENV_FILE = _said(
    rf"(?:env(?:ironment)? file|variables (?:from|of|in)(?: the file)?) [\"'`]?(?P<file>{PATH})[\"'`]?"
)
_VARIABLES = regex(
    rf"{_WITH}(?:environment |env )?(?:variables? )?(?P<pairs>{PAIR}(?:(?:,? and |, ){PAIR})*)",
    re.IGNORECASE,
)
_VOLUMES = (
    regex(
        rf"{_WITH}(?:mount(?:ing|ed)? |volume |bind mount )?"
        rf"[\"'`]?(?P<source>{PATH}):(?P<target>/{PATH})(?P<only>:ro)?[\"'`]?(?=[\s,]|$)",
        re.IGNORECASE,
    ),
    regex(
        rf"{_WITH}(?:(?:its )?data (?:goes )?(?:in|into) )?(?:mount(?:ing)? )?(?:the )?"
        rf"(?:(?P<kind>volume|folder|directory|file) )?[\"'`]?(?P<source>{PATH})[\"'`]?"
        r"(?: folder| directory| volume)?(?: mounted)?(?P<only> read-?only)? (?:at|to|on|under|into|in|as)"
        rf" [\"'`]?(?P<target>/{PATH})[\"'`]?(?P<only2>,? read-?only)?(?![\w/-])",
        re.IGNORECASE,
    ),
)
_PUBLISHED = (
    r"(?:(?:map(?:s|ping|ped)?|publish(?:es|ing|ed)?|expos(?:es|ing|ed?)|forward(?:s|ing|ed)?|listen(?:s|ing)?"
    r"|reachable|available|answering|answers|serving|served|bound|accessible) )?"
)
_PORTS = (
    regex(
        rf"{_WITH}{_PUBLISHED}(?:port(?: mapping)? )?(?P<host>\d{{2,5}}):(?P<inner>\d{{2,5}})(?![\w:])",
        re.IGNORECASE,
    ),
    regex(
        rf"{_WITH}{_PUBLISHED}(?:it )?(?:on |at |via |through |behind |under |to )*"
        r"(?:the )?(?:local |host )?port (?P<host>\d{2,5})"
        r"(?: (?:of|on) (?:this|the|my) (?:host|machine))?"
        r"(?: (?:to|onto|mapped to|forwarded to) (?:(?:the )?container port (?P<inner>\d{2,5})"
        r"|port (?P<inside>\d{2,5}) (?:of|in|inside) the container))?"
        r"(?!\w| (?:of|in|inside) (?:the container|it)\b)",
        re.IGNORECASE,
    ),
)
_MEMORY = (
    _said(rf"(?:memory|ram)(?: limit(?:ed)?)?(?: of| to|:)? (?:at most )?{_AMOUNT}"),
    _said(rf"limit(?:ed|ing)?(?: its (?:memory|ram))? to {_AMOUNT}(?: of)?(?: (?:memory|ram))?"),
    _said(rf"{_AMOUNT} (?:of )?(?:memory|ram)(?: limit)?"),
)
_COUNT = r"(?P<count>\d+(?:\.\d+)?|half a|half|one|a single|two|four)"
_CPUS = (
    _said(rf"(?:limit(?:ed)? to )?{_COUNT} (?:of a )?(?:cpus?|cores?)(?: limit)?"),
    _said(r"cpu(?:s)?(?: limit)?(?: of| to|:)? (?P<count>\d+(?:\.\d+)?)"),
)
_AGAIN = r"restart(?:s|ing|ed)?(?: policy)?(?: of)?"
_RESTARTS = {
    "unless-stopped": _said(
        rf"(?:{_AGAIN} )?unless[ -](?:it is |it's |i |manually )?stop(?:ped)?(?: it)?(?: restart policy)?"
    ),
    "on-failure": _said(rf"{_AGAIN} (?:only )?(?:on|after)[ -](?:a )?failures?"),
    "always": _said(rf"(?:always restart(?:s|ing|ed)?|{_AGAIN} always)(?: restart policy)?"),
}
_NETWORKS = (
    _said(
        r"(?:in|on|inside|into|joined to|attached to|join(?:s|ing)?) (?:the )?(?:docker )?network"
        r" [\"'`]?(?P<network>[\w.-]*\w)[\"'`]?"
    ),
    _said(r"(?:in|on|inside) (?:the )?[\"'`]?(?P<network>(?!this\b|that\b|same\b)[\w.-]*\w)[\"'`]? network"),
)
_USER = _said(r"as (?:the )?(?:user(?:[ -]?id)?|uid) [\"'`]?(?P<user>\w+(?::\w+)?)[\"'`]?")
_HOSTNAME = _said(r"host ?name [\"'`]?(?P<host>[\w.-]*\w)[\"'`]?")
_NAMED = (
    _said(rf"(?:named|called|(?:and )?(?:name|call) it|(?:under )?(?:the )?name) (?:container )?{NAME}"),
    _said(rf"as (?:an? |the )?(?:docker )?container (?:named |called )?{NAME}"),
    _said(rf"container {NAME}"),
    _said(rf"as {NAME}"),
)
_WAITS = regex(
    r",? (?:and )?(?:then )?(?:wait (?:until|for|till)|make sure|ensure|check|verify)(?: that)?"
    r" (?:it|the container) (?:to )?(?:answers?|responds?|runs?|(?:is |be )?(?:up|running|ready))",
    re.IGNORECASE,
)
_NO_SOURCE = frozenset("volume mounted folder directory file data mount a the an named new".split())
_NO_NETWORK = frozenset("a an the new own same docker host none".split())
_NO_CONTAINER = frozenset(
    "privileged root daemon detached background read-only readonly user admin service".split()
)
_FILLS = frozenset(
    """a an the as new docker container instance of from with image using based on and that is in background
 detached it which one me for please be to""".split()
)


def to_run(wish: str, directory: Path) -> str:
    """The command that runs the container which a wish describes in full; "" for any other wish."""
    wish = wish.strip(" .!")
    lead = _STARTS.match(wish)
    if lead is None:
        return ""
    text = _WAITS.sub(" ", f" {wish[lead.end() :].strip()} ")
    text, inside = _command(text)
    text, options = _options(text)
    text, volumes = _mounts(text, directory)
    text, published = _published(text)
    text, variables = _pairs(text, _VARIABLES, "-e")
    text, image, name = _image_and_name(text)
    if not image or volumes is None or set(re.findall(r"[^\s,.]+", text.lower())) - _FILLS:
        return ""
    if "--env-file" in options and not is_file(directory / options[options.index("--env-file") + 1]):
        return ""
    if len(published) > 1 and not all(inner for _, inner in published):
        return ""  # one of them may be that of the container
    ports = []
    for host, inner in published:
        own = [inner] if inner else exposed_ports(image) or _PORTS_OF.get(image.partition(":")[0], [])
        if len(own) != 1:
            return ""
        ports += ["-p", f"{host}:{own[0]}"]
    named = ["--name", name] if name else []
    words = ["docker", "run", "-d", *named, *ports, *options, *variables]
    return " ".join([shlex.join(words), *volumes, shlex.quote(image), *inside])


def _command(text: str) -> tuple[str, list[str]]:
    match = _COMMAND.search(text)
    if match is None:
        return text, []
    rest = without(text, match)
    if match["bare"]:
        return rest, [match["bare"]]
    return rest, ["sh", "-c", shlex.quote(match["command"])]


def _memory(match: "re.Match[str]") -> list[str]:
    size = f"{match['amount']}{match['unit'].lower()}"
    return ["--memory", size, "--memory-swap", size]


# What is taken from a wish, one after the other, and the options that it comes to; none where it is unclear.
_Options = Callable[["re.Match[str]"], Sequence[str]]
_TAKEN: tuple[tuple[Sequence[re.Pattern[str]], _Options], ...] = (
    ([_ENV_FILE], lambda match: ["--env-file", match["file"]]),
    (_MEMORY, _memory),
    (_CPUS, lambda match: ["--cpus", _NUMBERS.get(match["count"].lower(), match["count"])]),
    *(([said], lambda _, policy=policy: ["--restart", policy]) for policy, said in _RESTARTS.items()),
    (
        _NETWORKS,
        lambda match: [] if match["network"].lower() in _NO_NETWORK else ["--network", match["network"]],
    ),
    ([_USER], lambda match: ["--user", match["user"]]),
    ([_HOSTNAME], lambda match: ["--hostname", match["host"]]),
)


def _options(text: str) -> tuple[str, list[str]]:
    """A text without the options that it has, and these."""
    text, options = _pairs(text, _LABELS, "--label")
    for patterns, comes_to in _TAKEN:
        match = next(filter(None, (pattern.search(text) for pattern in patterns)), None)
        if match and (found := comes_to(match)):
            text = without(text, match)
            options += found
    return text, options


def _pairs(text: str, pattern: re.Pattern[str], option: str) -> tuple[str, list[str]]:
    """A text without the pairs that a pattern finds in it, and each as an option."""
    options: list[str] = []
    while match := pattern.search(text):
        for pair in re.findall(PAIR, match["pairs"] or match["pair"]):
            name, _, value = pair.partition("=")
            paired = len(value) > 1 and value[0] == value[-1] and value[0] in ("'", '"')
            value = value[1:-1] if paired else value
            options += [option, f"{name}={value}"]
        text = without(text, match)
    return text, options


def _mounts(text: str, directory: Path) -> tuple[str, list[str] | None]:
    """The text without its mounts, and these as options; None for one that is not clear."""
    options: list[str] = []
    while match := next(filter(None, (pattern.search(text) for pattern in _VOLUMES)), None):
        said = match.groupdict()
        source, target = said["source"], said["target"]
        only = ":ro" if said["only"] or said.get("only2") else ""
        is_path = "/" in source or source.startswith((".", "~"))
        kind = (said.get("kind") or "").lower()
        if (
            kind in ("folder", "directory", "file")
            or is_path
            or (kind != "volume" and is_folder(directory / source))
        ):
            if not (source.startswith(("/", "~")) or (directory / source).exists()):
                return text, None
            bare = source.removeprefix("./").rstrip("/") or "."
            mount = f"{source}:{target}{only}" if source.startswith("/") else ""
            options += ["-v", shlex.quote(mount) if mount else f'"$PWD/{bare}:{target}{only}"']
            if source.startswith("~") or re.search(r"[^\w./-]", bare):
                return text, None
        elif source.lower() in NO_NAME | _NO_SOURCE:
            return text, None
        else:
            options += ["-v", f"{source}:{target}{only}"]
        text = without(text, match)
    return text, options


def _published(text: str) -> tuple[str, list[tuple[str, str]]]:
    found = []
    while match := next(filter(None, (pattern.search(text) for pattern in _PORTS)), None):
        said = match.groupdict()
        found.append((match["host"], match["inner"] or said.get("inside") or ""))
        text = without(text, match)
    return text, found


def _image_and_name(text: str) -> tuple[str, str, str]:
    """The text without the image and the name of the container, the image and the name; "" for none."""
    images = IMAGE.findall(text)
    if not images:
        said = re.findall(rf"\b(?:{_POPULAR})(?![\w./:-])", text)
        images = said[:1]
    if len(set(images)) != 1:
        return text, "", ""
    (image,) = set(images)
    text = re.sub(rf"(?<![\w./:-]){re.escape(image)}(?![\w./:-])", " ", text, count=1)
    text = " ".join(text.split())
    for named in _NAMED:
        if (match := named.search(f" {text}")) and match["name"].lower() not in (
            NO_NAME | _FILLS | _NO_CONTAINER
        ):
            text = f" {text}"
            return without(text, match), image, match["name"]
    return text, image, ""
