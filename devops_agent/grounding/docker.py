"""What a task names on the Docker engine, and what is wrong with it."""

import re
import shlex
from collections.abc import Callable, Sequence

from devops_agent.diagnosis import diagnose, docker
from devops_agent.diagnosis.finding import Finding, listed, telling_lines
from devops_agent.diagnosis.objects import Object
from devops_agent.grounding import comparison
from devops_agent.grounding.ground import Ground
from devops_agent.grounding.task_words import (
    ASKS_WHY_DOWN,
    COUNTS,
    CREATES,
    KUBERNETES,
    LOGS,
    NO_NAMES,
    given_name,
    has_word,
    tells_of_trouble,
    words_of,
)
from devops_agent.patterns import regex


def on_engine(task: str) -> Ground:
    words, of_cluster = words_of(task), KUBERNETES.search(task)
    inspected, logs = diagnose.read_containers(sorted(words) if tells_of_trouble(task) else ())
    named = [c for c in inspected if docker.name(c).lower() in words]
    begins = None if of_cluster else _BEGINS.search(task)
    named += [c for c in inspected if begins and docker.name(c).startswith(begins[1]) and c not in named]
    if not named and (port := _TAKES_PORT.search(task)) and not (of_cluster or _RUNS.search(task)):
        named = [c for c in inspected if port[1] in {host for _, host in _published(c)}]
    ground = Ground([_container_line(c, task) for c in named], bool(named))
    if missing := _missing_container(task, {docker.name(c) for c in inspected}, _images(inspected)):
        ground.lacks(missing)
    for kind in () if of_cluster or CREATES.search(task) else ("volume", "network"):
        _look_up_named(kind, task, ground)
    if LOGS.search(task) and not COUNTS.search(task):
        ground.trouble = [finding for c in named if (finding := _logged(docker.name(c)))]
    findings = list(docker.analyze(inspected, logs))
    about = {docker.name(c) for c in named}
    chosen = [f for f in findings if diagnose.subject_of(f)[1] in about]
    if not chosen and tells_of_trouble(task) and not of_cluster:
        chosen = findings
    ground.trouble += chosen[:3]
    ground.lines += map(str, ground.trouble)
    ground.kinds = {"container"} if named else set()
    ground.running = [docker.name(c) for c in named if c["State"]["Status"] == "running"]
    selected = _labelled if _LABEL.search(task) else _selected
    ground.selected = "" if of_cluster else selected(task, inspected)
    if len(named) == 2 and comparison.COMPARES.search(task):
        one, other = map(_settings, named)
        names = docker.name(named[0]), docker.name(named[1])
        ground.fine = comparison.differences(one, other, names)
        ground.lines.append(ground.fine)
    in_trouble = {diagnose.subject_of(f)[1] for f in ground.trouble} & about
    if _STARTS.match(task) and len(named) == len(ground.running) == 1 and not in_trouble:
        ground.settled = f"Container {ground.running[0]} is running already: there is nothing to start."
    if len(named) == len(ground.running) == 1 and not in_trouble and ASKS_WHY_DOWN.search(task):
        restarts = named[0].get("RestartCount", 0)
        told = f"It runs, and no trouble was found. {_container_line(named[0], task)}"
        ground.fine = "" if restarts or chosen else told
    meant = in_trouble if len(about) > 1 else about
    if len(meant) == 1:
        ground.names["container"] = meant.pop()
    elif not (named or of_cluster) and _MAKES_CONTAINER.search(task) and (given := given_name(task)):
        ground.names["container"], ground.new = given, {"container"}
    if not of_cluster and re.search(r"\b(?:image|build|dockerfile|run)\b", task, re.IGNORECASE):
        printed = diagnose.run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split()
        if images := [image for image in printed if "<none>" not in image]:
            ground.lines.append(f"Images on this machine: {listed(images, 12)}")
    return ground


# "Something in Docker occupies port 8080": a container that is meant by its port.
_TAKES_PORT = regex(
    r"\b(?:occup\w+|h[eo]ld\w*|us(?:es?|ing)|block\w*|tak(?:es?|ing)|listen\w*|publish\w*|on|behind)\b"
    r"[^.;]{0,30}?\bport (\d{2,5})\b",
    re.IGNORECASE,
)
# "Run redis:7 and call it cache", and not "Build the image and call it web:1"
_MAKES_CONTAINER = regex(
    r"\A(?!.*\b(?:volume|network|image)\b.*\b(?:call|name) it\b).*\b(?:run|start|launch|container)\b",
    re.IGNORECASE | re.DOTALL,
)
_RUNS = regex(r"\b(?:run|create|launch|deploy|new|start(?!ed|s\b))\b", re.IGNORECASE)
# "Start the container web again", and nothing beside that.
_STARTS = regex(
    r"\W*(?:please )?(?:start|bring up)\b(?!.*\b(?:with|from|new|another|image|port|and|then|copy|second)\b)",
    re.IGNORECASE | re.DOTALL,
)
# "Which containers begin with shop-?"
_BEGINS = regex(r"\b(?:begin|start)(?:s|ning|ing)? with [\"'`]?([A-Za-z0-9][\w.-]*)")
# "Restart all running containers except db"
_SELECTS = regex(
    r"\b(?P<verb>remove|delete|clean up|prune|start|stop|restart|kill|pause|unpause)\b[^.;]*?"
    r"\b(?P<state>stopped|exited|dead|running|paused|unhealthy)\b",
    re.IGNORECASE,
)
_SEVERAL = regex(r"\b(?:containers|ones)\b", re.IGNORECASE)
_EXCEPT = regex(r"\b(?:except|but|keep|leave|other than|apart from|spare)\b([^.;]*)", re.IGNORECASE)
_DENIES = regex(r"\b(?:not|never|only)\b|n['’]t\b", re.IGNORECASE)
_OF_EXCEPTIONS = frozenset(
    "for the a an and or container containers it in place please alone as is named".split()
)
_STATES = {"running": {"running"}, "paused": {"paused"}, "unhealthy": {"unhealthy"}}
_STOPPED = {"exited", "created", "dead"}


def _selected(task: str, inspected: Sequence[Object]) -> str:
    """The command for those containers of several that are in the state that the task tells; "" in doubt."""
    spared = words_of(" ".join(_EXCEPT.findall(task)))
    plain = _EXCEPT.sub(" ", task)
    asked = _SELECTS.search(plain)
    told = [{match[kind].lower() for match in _SELECTS.finditer(plain)} for kind in ("verb", "state")]
    if not asked or not _SEVERAL.search(task) or any(len(each) > 1 for each in told) or _DENIES.search(task):
        return ""
    there = {docker.name(c).lower() for c in inspected}
    states = {docker.name(c): _states(c) for c in inspected if docker.name(c).lower() not in spared}
    named = states.keys() & words_of(plain)
    if spared - there - _OF_EXCEPTIONS or (len(named) < 2 and not spared & there):
        return ""
    meant = named if len(named) > 1 else states.keys()
    wanted = _STATES.get(asked["state"].lower(), _STOPPED)
    return _command(asked["verb"], [each for each in meant if states[each] & wanted])


# "Remove all exited ones labelled app=etl"
_LABEL = regex(r"\blabel(?:l?ed)? (?:with )?[\"'`]?([\w./-]+)=([\w./-]*\w)", re.IGNORECASE)
_CLAUSE = regex(r"[.;,!?](?:\s+|$)|\band (?=(?:the|do|don['’]t|leave|keep)\b)")
# What may restrict those that are meant by more than label and state.
_MORE = regex(
    r"\b(?:except|but|not|only|unless|if|older|newer|than|since|oldest|newest|first|last|before|after)\b"
    r"|n['’]t\b",
    re.IGNORECASE,
)
# What only says once more that nothing else is meant.
_NOTHING_ELSE = regex(
    r"\s*(?:please )?(?:do not|don['’]t|never|leave|keep|without)\s+(?:(?:touch\w*|remove|delete|stop)\s+)?"
    r"(?:any(?:thing)? |all |the )*(?:others?(?: containers?| ones?)?|else)"
    r"(?: (?:alone|as (?:they|it) (?:is|are)))?(?: please)?\s*",
    re.IGNORECASE,
)
_STAYS = regex(
    r"[^.;,]*\brunning\b[^.;,]* (?:stays?|remains?)\s*"
    r"|\s*(?:keep|leave) the running (?:ones|containers)\s*(?:alone)?",
    re.IGNORECASE,
)


def _labelled(task: str, inspected: Sequence[Object]) -> str:
    """The command for the containers with the label and in the state that the task tells; "" in doubt."""
    clauses = [clause for clause in _CLAUSE.split(task) if clause.strip()]
    telling = [clause for clause in clauses if _LABEL.search(clause)]
    rest = [clause for clause in clauses if clause not in telling]
    if len(telling) != 1 or not re.search(r"\bcontainers\b", telling[0]) or _MORE.search(telling[0]):
        return ""
    label, asked = _LABEL.search(telling[0]), _SELECTS.search(telling[0])
    if not (label and asked) or len(_LABEL.findall(telling[0])) > 1:
        return ""
    wanted = _STATES.get(asked["state"].lower(), _STOPPED)
    stays = wanted is _STOPPED  # so that those that run are spared anyway
    if not all(_NOTHING_ELSE.fullmatch(each) or (stays and _STAYS.fullmatch(each)) for each in rest):
        return ""
    labels = {docker.name(c): c["Config"].get("Labels") or {} for c in inspected if _states(c) & wanted}
    return _command(asked["verb"], [each for each, own in labels.items() if own.get(label[1]) == label[2]])


def _command(verb: str, containers: Sequence[str]) -> str:
    """Docker's command for a verb of a task; "" for no container."""
    docker_verb = "rm" if verb.lower() in ("remove", "delete", "clean up", "prune") else verb.lower()
    return f"docker {docker_verb} {shlex.join(sorted(containers))}" if containers else ""


def _states(container: Object) -> set[str]:
    state = container["State"]
    return {str(state.get("Status")), str((state.get("Health") or {}).get("Status"))}


def _look_up_named(kind: str, task: str, ground: Ground) -> None:
    """Looks up the volume or network that a task names."""
    named = re.search(rf"\b{kind}s? (named |called )?[\"'`]?([A-Za-z0-9][\w.-]*\w)", task, re.IGNORECASE)
    of_docker = re.search(r"\b(?:docker|containers?)\b", task, re.IGNORECASE)
    if not named or not of_docker or named[2].lower() in NO_NAMES or re.fullmatch(r"[\d.]+", named[2]):
        return
    there = diagnose.run("docker", kind, "ls", "--format", "{{.Name}}").split()
    if named[2] in there:
        ground.names[kind] = named[2]
    elif there and named[1] and not _COMPOSE.search(task):
        ground.lacks(f"There is no {kind} {named[2]} (there are: {listed(there)}).")


def _logged(container: str) -> Finding | None:
    said = telling_lines(diagnose.container_log(container, 5000), 4)
    return Finding(f"container {container}", f"lines about trouble in its log: {said}") if said else None


def _images(inspected: Sequence[Object]) -> set[str]:
    return {str(container["Config"]["Image"]) for container in inspected}


def _limit(amount: int, unit: str, one: float) -> str:
    return f"{amount / one:g} {unit}" if amount else "none"


def _variables(container: Object, task: str) -> str:
    """The variables of a container that a task names, or all of them but its PATH."""
    variables = [str(each) for each in container["Config"].get("Env") or ()]
    named = [each for each in variables if has_word(task, each.partition("=")[0])]
    own = [each for each in variables if not each.startswith("PATH=")]
    return f"variables {listed(named or own, 12)}"


def _settings(container: Object) -> dict[str, str]:
    """What can be told of a container in a comparison, by what it is."""
    config = container["Config"]
    variables = [str(each).partition("=") for each in config.get("Env") or ()]
    return {
        "image": str(config["Image"]),
        "state": str(container["State"]["Status"]),
        **{name: value for name, _, value in variables},
        "ports": listed(f"{outer}→{own}" for own, outer in _published(container)) or "none",
        "networks": listed(container["NetworkSettings"].get("Networks") or {}) or "none",
        "mounts": listed(str(each.get("Destination")) for each in container.get("Mounts") or ()) or "none",
        **{name: tell(container) for name, tell in _FACTS.items()},
    }


_FACTS: dict[str, Callable[[Object], str]] = {
    "memory limit": lambda c: _limit(c["HostConfig"].get("Memory") or 0, "MiB", 2**20),
    "CPU limit": lambda c: _limit(c["HostConfig"].get("NanoCpus") or 0, "CPUs", 1e9),
    "restart policy": lambda c: str((c["HostConfig"].get("RestartPolicy") or {}).get("Name") or "no"),
    "user": lambda c: str(c["Config"].get("User") or "root"),
    "command": lambda c: shlex.join([str(c.get("Path") or ""), *map(str, c.get("Args") or ())]),
}


def _fact(name: str) -> Callable[[Object, str], str]:
    return lambda container, _: f"{name} {_FACTS[name](container)}"


# What else is told of a container, when a task speaks of it.
_MORE_OF_CONTAINER: tuple[tuple["re.Pattern[str]", Callable[[Object, str], str]], ...] = (
    (
        regex(r"\bmemory\b|\bram\b", re.IGNORECASE),
        _fact("memory limit"),
    ),
    (
        regex(r"\bcpus?\b|\bcores?\b", re.IGNORECASE),
        _fact("CPU limit"),
    ),
    (
        regex(r"\brestart polic|\breboot|\brestarts? (?:by|on) its", re.IGNORECASE),
        _fact("restart policy"),
    ),
    (regex(r"\bvariables?\b|\benv(?:ironment)?\b", re.IGNORECASE), _variables),
    (
        regex(r"\buser\b|\broot\b", re.IGNORECASE),
        _fact("user"),
    ),
    (
        regex(r"\bcommand\b|\bentry ?point\b", re.IGNORECASE),
        _fact("command"),
    ),
    (
        regex(r"\blabels?\b", re.IGNORECASE),
        lambda c, _: f"labels {listed(f'{k}={v}' for k, v in (c['Config'].get('Labels') or {}).items())}",
    ),
    (
        regex(r"\b(?:since when|how long|uptime|started|when did)\b", re.IGNORECASE),
        lambda c, _: f"started {c['State'].get('StartedAt')}",
    ),
)


def _container_line(container: Object, task: str) -> str:
    state = container["State"]
    ports = [f"{host}→{own}" for own, host in _published(container)]
    networks = listed(
        f"{network} ({address})" if (address := (joined or {}).get("IPAddress")) else network
        for network, joined in (container["NetworkSettings"].get("Networks") or {}).items()
    )
    published = f", published ports {listed(ports)}" if ports else ""
    mounts = [
        f"{mount.get('Type', 'mount')} {mount.get('Name') or mount.get('Source')} at {mount['Destination']}"
        for mount in container.get("Mounts") or ()
    ]
    mounted = f", mounts {listed(mounts)}" if mounts else ""
    image = container["Config"]["Image"]
    more = "".join(f", {tell(container, task)}" for said, tell in _MORE_OF_CONTAINER if said.search(task))
    return (
        f"docker container {docker.name(container)}: {state['Status']}, image {image}, "
        f"networks {networks}{published}{mounted}{more}"
    )


def _published(container: Object) -> list[tuple[str, str]]:
    """The ports of a container that it publishes, each with that of the host."""
    return [
        (port.partition("/")[0], str(entry.get("HostPort")))
        for port, entries in (container["HostConfig"].get("PortBindings") or {}).items()
        for entry in entries or ()
    ]


_COMPOSE = regex(r"\bcompose\b", re.IGNORECASE)
# "restart the shop-api container"
_DONE_TO = regex(
    r"\b(?:(?:re)?start|stop|remove|delete|kill|(?:un)?pause|rm|rename) (?:the |our |my )?(?:docker )?"
    r"(?!(?:docker|running|stopped|exited|dead|old|new|other|same|first|last|all|every|each|any|both)\b)"
    r"[\"'`]?((?=[\w.]*[\d_-])[a-z0-9][\w.-]*\w)[\"'`]? container\b",
    re.IGNORECASE,
)


def _missing_container(task: str, there: set[str], images: set[str]) -> str:
    # without any container the engine may just not have answered
    if (
        not there
        or KUBERNETES.search(task)
        or re.search(r"\b(?:create|run|new|add|as (?:a )?container)\b", task, re.IGNORECASE)
    ):
        return ""
    pattern = r"\bcontainers? (?:named |called )?[\"'`]?([a-z0-9][\w.-]*[a-z0-9])\b"
    match = re.search(pattern, task, re.IGNORECASE)
    if not match or match[1].lower() in NO_NAMES or "-" not in match[1]:
        match = None if _COMPOSE.search(task) else _DONE_TO.search(task)
    if not match or match[1].lower() in NO_NAMES or any(match[1] in each for each in (*there, *images)):
        return ""
    return f"There is no container {match[1]} (there are: {listed(there)})."
