"""A container that a wish wants run, where it says all of it: image, name, ports, limits, variables.

A small model leaves out an option, and then tells that the limit is set. So the command is made of the words
of the wish, and only where each of them is understood.
"""

import json
import os
import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from devops_agent.diagnosis.diagnose import exposed_ports
from devops_agent.files import is_file, is_folder
from devops_agent.grounding.task_words import IMAGE
from devops_agent.patterns import LEAD, NO_NAME, regex, said_in_full

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
_NAME = r"[\"'`]?(?P<name>[a-zA-Z0-9](?:[\w.-]*\w)?)[\"'`]?"
_PAIR = r"[A-Za-z_]\w*=(?:\"[^\"]*\"|'[^']*'|[^\s,;]*[^\s,;.])"
_PATH = r"[\w./~-]*[\w/]"
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
    rf"{_WITH}(?:label (?P<pair>{_PAIR})|labels (?P<pairs>{_PAIR}(?:(?:,? and |, ?){_PAIR})*))", re.IGNORECASE
)
_ENV_FILE = _said(
    rf"(?:env(?:ironment)? file|variables (?:from|of|in)(?: the file)?) [\"'`]?(?P<file>{_PATH})[\"'`]?"
)
_VARIABLES = regex(
    rf"{_WITH}(?:environment |env )?(?:variables? )?(?P<pairs>{_PAIR}(?:(?:,? and |, ){_PAIR})*)",
    re.IGNORECASE,
)
_VOLUMES = (
    regex(
        rf"{_WITH}(?:mount(?:ing|ed)? |volume |bind mount )?"
        rf"[\"'`]?(?P<source>{_PATH}):(?P<target>/{_PATH})(?P<only>:ro)?[\"'`]?(?=[\s,]|$)",
        re.IGNORECASE,
    ),
    regex(
        rf"{_WITH}(?:(?:its )?data (?:goes )?(?:in|into) )?(?:mount(?:ing)? )?(?:the )?"
        rf"(?:(?P<kind>volume|folder|directory|file) )?[\"'`]?(?P<source>{_PATH})[\"'`]?"
        r"(?: folder| directory| volume)?(?: mounted)?(?P<only> read-?only)? (?:at|to|on|under|into|in|as)"
        rf" [\"'`]?(?P<target>/{_PATH})[\"'`]?(?P<only2>,? read-?only)?(?![\w/-])",
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
    _said(rf"(?:named|called|(?:and )?(?:name|call) it|(?:under )?(?:the )?name) (?:container )?{_NAME}"),
    _said(rf"as (?:an? |the )?(?:docker )?container (?:named |called )?{_NAME}"),
    _said(rf"container {_NAME}"),
    _said(rf"as {_NAME}"),
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
    options: list[str] = []
    text, inside = _command(text)
    for take in (_labels, _env_file, _limits, _restarts, _networks, _users):
        text = take(text, options)
    text, volumes = _mounts(text, directory)
    text, published = _published(text)
    text = _pairs(text, options)
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
    words = ["docker", "run", "-d", *named, *ports, *options]
    return " ".join([shlex.join(words), *volumes, shlex.quote(image), *inside])


def _command(text: str) -> tuple[str, list[str]]:
    match = _COMMAND.search(text)
    if match is None:
        return text, []
    rest = f"{text[: match.start()]} {text[match.end() :]}"
    if match["bare"]:
        return rest, [match["bare"]]
    return rest, ["sh", "-c", shlex.quote(match["command"])]


def _taken(
    text: str, patterns: Sequence[re.Pattern[str]], use: Callable[["re.Match[str]"], list[str]]
) -> tuple[str, list[str]]:
    """A text without what one of the patterns found first, and the options that this comes to."""
    for pattern in patterns:
        if match := pattern.search(text):
            return f"{text[: match.start()]} {text[match.end() :]}", use(match)
    return text, []


def _labels(text: str, options: list[str]) -> str:
    return _all_pairs(text, _LABELS, "--label", options)


def _pairs(text: str, options: list[str]) -> str:
    return _all_pairs(text, _VARIABLES, "-e", options)


def _all_pairs(text: str, pattern: re.Pattern[str], option: str, options: list[str]) -> str:
    while match := pattern.search(text):
        for pair in re.findall(_PAIR, match["pairs"] or match["pair"]):
            name, _, value = pair.partition("=")
            paired = len(value) > 1 and value[0] == value[-1] and value[0] in ("'", '"')
            value = value[1:-1] if paired else value
            options += [option, f"{name}={value}"]
        text = f"{text[: match.start()]} {text[match.end() :]}"
    return text


def _env_file(text: str, options: list[str]) -> str:
    text, found = _taken(text, [_ENV_FILE], lambda match: ["--env-file", match["file"]])
    options += found
    return text


def _limits(text: str, options: list[str]) -> str:
    def memory(match: "re.Match[str]") -> list[str]:
        size = f"{match['amount']}{match['unit'].lower()}"
        return ["--memory", size, "--memory-swap", size]

    text, found = _taken(text, _MEMORY, memory)
    options += found
    text, found = _taken(
        text, _CPUS, lambda match: ["--cpus", _NUMBERS.get(match["count"].lower(), match["count"])]
    )
    options += found
    return text


def _restarts(text: str, options: list[str]) -> str:
    for policy, said in _RESTARTS.items():
        text, found = _taken(text, [said], lambda _: ["--restart"])
        options += [*found, policy] if found else []
    return text


def _networks(text: str, options: list[str]) -> str:
    rest, found = _taken(text, _NETWORKS, lambda match: ["--network", match["network"]])
    if found and found[1].lower() in _NO_NETWORK:
        return text
    options += found
    return rest


def _users(text: str, options: list[str]) -> str:
    text, found = _taken(text, [_USER], lambda match: ["--user", match["user"]])
    options += found
    text, found = _taken(text, [_HOSTNAME], lambda match: ["--hostname", match["host"]])
    options += found
    return text


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
        text = f"{text[: match.start()]} {text[match.end() :]}"
    return text, options


def _published(text: str) -> tuple[str, list[tuple[str, str]]]:
    found = []
    while match := next(filter(None, (pattern.search(text) for pattern in _PORTS)), None):
        said = match.groupdict()
        found.append((match["host"], match["inner"] or said.get("inside") or ""))
        text = f"{text[: match.start()]} {text[match.end() :]}"
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
            return f"{text[: match.start()]} {text[match.end() :]}", image, match["name"]
    return text, image, ""


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


# "a compose file with a web service from nginx:1.25 on port 8091 and a cache service from redis:7"
_COMPOSES = regex(
    rf"{LEAD}(?:create|write|make|generate)(?: me)? (?:an? |the )?(?:new )?"
    r"(?:docker[ -])?compose (?:file|set-?up)"
    r"(?: (?:called |named )?[\"'`]?(?P<file>[\w.-]+\.ya?ml)[\"'`]?)?(?: here)?"
    r" (?:with|for|of|containing|that (?:has|runs|starts)) (?P<services>.+)\Z",
    re.IGNORECASE,
)
_NEXT_SERVICE = regex(
    r"(?:,? and|,) (?=(?:an? |the )?(?:service [\w\"'`]|[\"'`]?[\w.-]+[\"'`]? service\b))", re.IGNORECASE
)
_SERVICE = regex(
    rf"\A(?:an? |the )?(?:service (?:called |named )?{_NAME}|{_NAME.replace('<name>', '<before>')} service)"
    r"(?: from| using| based on| of| running| with)(?: the image)? ",
    re.IGNORECASE,
)


def to_compose(wish: str, directory: Path) -> tuple[str, str] | None:
    """The compose file that a wish wants of services which it describes in full, and its text."""
    match = _COMPOSES.match(wish.strip(" .!"))
    path = (match["file"] or "docker-compose.yml") if match else ""
    if match is None or "$" in wish or os.path.lexists(directory / path):
        return None
    lines, volumes, names = ["services:"], [], set()
    for clause in _NEXT_SERVICE.split(match["services"]):
        said = _SERVICE.match(clause)
        words = shlex.split(to_run(f"run a container from {clause[said.end() :]}", directory)) if said else []
        if said is None or not words:
            return None
        service = _service(words[3:])
        if service is None:
            return None
        name = said["name"] or said["before"]
        if name in names:
            return None
        names.add(name)
        lines += [f"  {name}:", *(f"    {line}" for line in service)]
        volumes += [line.partition(":")[0][4:] for line in service if re.match(r"  - [\w.-]*\w:/", line)]
    if volumes:
        lines += ["volumes:", *(f"  {name}:" for name in dict.fromkeys(volumes))]
    return path, "\n".join([*lines, ""])


_LISTS = {
    "-p": "ports",
    "-e": "environment",
    "-v": "volumes",
    "--label": "labels",
    "--env-file": "env_file",
}
_VALUES = {
    "--restart": "restart",
    "--memory": "mem_limit",
    "--cpus": "cpus",
    "--user": "user",
    "--hostname": "hostname",
}


def _service(words: Sequence[str]) -> list[str] | None:
    """The lines of a service for what stands behind `docker run -d`; None where compose says it otherwise."""
    lists: dict[str, list[str]] = {}
    values: dict[str, str] = {}
    at = 0
    while words[at].startswith("-"):
        option, value = words[at : at + 2]
        value = value.replace("$PWD/", "./")
        if option in _LISTS:
            quoted = json.dumps(value) if option in ("-p", "-e", "--label") else value
            lists.setdefault(_LISTS[option], []).append(f"  - {quoted}")
        elif option in _VALUES:
            values[_VALUES[option]] = json.dumps(value)
        elif option != "--memory-swap":
            return None
        at += 2
    image, *command = words[at:]
    lines = [f"image: {image}", *(f"{key}: {value}" for key, value in values.items())]
    lines += [f"command: {json.dumps(command)}"] if command else []
    for key, items in lists.items():
        lines += [f"{key}:", *items]
    return lines


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
    rf",?(?: and)? with (?:the )?build[ -]arg(?:ument)?s? (?P<pairs>{_PAIR}(?:(?:,? and |, ){_PAIR})*)",
    re.IGNORECASE,
)
_FROM = regex(
    rf" (?:from|in|with|using|of) (?:the )?(?:(?:folder|directory|dockerfile|file) )?"
    rf"[\"'`]?(?P<path>{_PATH})[\"'`]?(?: folder| directory)?(?=[ ,.]|\Z)",
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
        options += [word for pair in re.findall(_PAIR, arguments["pairs"]) for word in ("--build-arg", pair)]
    rest = _UNCACHED.sub(" ", _ARGUMENTS.sub(" ", _HERE.sub(" ", rest)))
    while said := _FROM.search(rest):
        path = said["path"].rstrip("/")
        if is_folder(directory / path):
            folder = path
        elif is_file(directory / path):
            options += ["-f", path]
        else:
            return ""
        rest = f"{rest[: said.start()]} {rest[said.end() :]}"
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
