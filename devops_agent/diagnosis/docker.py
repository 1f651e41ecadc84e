"""Why containers do not run or cannot be reached, from `docker inspect` and logs."""

import re
import shlex
import socket
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone

from devops_agent.diagnosis.finding import Finding, exit_code_meaning, listed, one_line, telling_lines
from devops_agent.diagnosis.objects import Object, part
from devops_agent.patterns import regex

_RECENT = timedelta(minutes=10)
_MORE_OPTIONS = "Memory NanoCpus Mounts CapAdd Privileged Links Devices ExtraHosts VolumesFrom Tmpfs".split()
_SECRET = regex(r"^\w*(?:PASS|SECRET|TOKEN|KEY|CREDENTIAL)\w*=", re.IGNORECASE)
_NEAR_PORTS, _HIGHEST_PORT = 50, 65535
# What containers of a network ask for names: Docker's own server listens in each of them.
_DOCKER_DNS = "127.0.0.11"
# What programs say of a name that is not resolved: libc, musl, Go, Node.js, curl, libpq, nginx.
_UNRESOLVED = regex(
    r"name or service not known|name resolution|name does not resolve|no such host|could not resolve"
    r"|could not translate host name|getaddrinfo|ENOTFOUND|bad address|host not found|nodename nor servname"
    r"|unknown host|no address associated",
    re.IGNORECASE,
)
# The network of Docker's own in which containers have no names.
_NAMELESS = "bridge"


def analyze(inspected: Sequence[Object], logs: Mapping[str, str]) -> Iterator[Finding]:
    """Findings about containers.

    Args:
        inspected: What `docker inspect` says of the containers. Those with published ports have `Listening`
            too, the ports of their processes with the addresses; where that is None, `Exposed`, the ports
            of their image.
        logs: The last lines of the containers in trouble, by name.
    """
    for container in inspected:
        yield from _container(container, inspected, logs.get(name(container), ""))


def name(container: Object) -> str:
    """A container's name."""
    return str(container["Name"]).lstrip("/")


def in_trouble(container: Object) -> bool:
    """Whether its log may tell why."""
    state = part(container, "State")
    unhealthy = part(state, "Health").get("Status") == "unhealthy"
    bad_end = state.get("ExitCode") or state.get("OOMKilled")
    return bool(unhealthy or bad_end or _restarts(container))


def _restarts(container: Object) -> bool:
    """Whether it is in a restart loop; between two ends its state is that of a healthy one, `running`."""
    state = part(container, "State")
    if state.get("Restarting"):
        return True
    started = str(state.get("StartedAt") or "")[:19]
    if not (state.get("Running") and container.get("RestartCount") and started):
        return False
    since = datetime.now(timezone.utc) - datetime.fromisoformat(started).replace(tzinfo=timezone.utc)
    return since < _RECENT


def _container(container: Object, others: Sequence[Object], log: str) -> Iterator[Finding]:
    subject, state = f"container {name(container)}", part(container, "State")
    running = state.get("Running") and not state.get("Restarting")
    health = part(state, "Health")
    if state.get("Error") and not running:
        yield _not_started(subject, container, others, state["Error"])
    elif state.get("OOMKilled"):
        yield _out_of_memory(subject, container)
    elif _restarts(container) or (not running and state.get("ExitCode")):
        yield _ended(subject, container, log)
    elif health.get("Status") == "unhealthy":
        told = (part(health, "Log") or [{}])[-1]
        test = " ".join((part(container, "Config", "Healthcheck", "Test") or ["none"])[1:])
        cause = f"it runs but its health check fails ({test})."
        yield Finding(subject, cause, one_line(told.get("Output") or "") or telling_lines(log))
    elif running:
        yield from _network(subject, container)
        yield from _unresolved(subject, container, others, log)
    if not running:
        yield from _mounts(subject, container, log)


# --- starts and ends --------------------------------------------------------------------------------------


def _not_started(subject: str, container: Object, others: Sequence[Object], error: str) -> Finding:
    if re.search(r"port is already allocated|address already in use", error):
        return _port_taken(subject, container, others, error)
    if match := re.search(r'exec: "([^"]+)": (.+?)(?:: unknown)?$', error):
        return Finding(subject, f"its command {match[1]!r} cannot be started: {match[2]}.", one_line(error))
    if match := re.search(r"network (\S+) not found", error):
        return Finding(subject, f"its network {match[1]} does not exist any more.", one_line(error))
    if "not a directory" in error:
        mounts = listed(_bound(container))
        cause = f"it cannot start: it mounts a directory on a file, or a file on a directory ({mounts})."
        return Finding(subject, cause, one_line(error))
    return Finding(subject, "it cannot be started.", one_line(error))


def _port_taken(subject: str, container: Object, others: Sequence[Object], error: str) -> Finding:
    port = re.search(r":(\d+)(?: failed|: bind)|(?:0\.0\.0\.0|127\.0\.0\.1|::\]?):(\d+)", error)
    number = next(filter(None, port.groups()), "?") if port else "?"
    running = [other for other in others if part(other, "State").get("Running")]
    holders = [name(other) for other in running if _publishes(other, number)]
    by = f"the container {listed(holders)}" if holders else "another process of this machine"
    cause = f"it cannot start: the host port {number} is taken by {by}."
    if part(container, "State").get("Status") == "created" and (free := _free_port(number, others)):
        return Finding(
            subject, f"{cause} Port {free} is free.", one_line(error), _anew(container, number, free)
        )
    return Finding(subject, cause, one_line(error), "" if holders else f"ss -ltnp | grep :{number}")


def _free_port(taken: str, others: Sequence[Object]) -> str:
    """The next host port that nobody listens on and no container publishes; "" when there is none near."""
    first = int(taken) + 1 if taken.isdigit() else _HIGHEST_PORT
    for port in range(first, min(first + _NEAR_PORTS, _HIGHEST_PORT)):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) and not any(_publishes(o, str(port)) for o in others):
                return str(port)
    return ""


def _anew(container: Object, taken: str, free: str) -> str:
    """The commands that make a container that never ran once more, with another host port.

    "" for one with more options than these know of, or with secrets among its variables.
    """
    config, host = part(container, "Config"), part(container, "HostConfig")
    variables = config.get("Env") or ()
    if any(host.get(option) for option in _MORE_OPTIONS) or any(map(_SECRET.search, variables)):
        return ""
    options = []
    for inner, entries in part(host, "PortBindings").items():
        for entry in entries or ():
            outer = free if entry.get("HostPort") == taken else entry.get("HostPort")
            address = f"{entry['HostIp']}:" if entry.get("HostIp") else ""
            options.append(("-p", f"{address}{outer}:{inner.removesuffix('/tcp')}"))
    options += [("-e", variable) for variable in variables if not variable.startswith("PATH=")]
    options += [("-v", bind) for bind in host.get("Binds") or ()]
    network, policy = host.get("NetworkMode"), part(host, "RestartPolicy").get("Name")
    options += [("--network", network)] if network not in (None, "default", "bridge") else []
    options += [("--restart", policy)] if policy not in (None, "", "no") else []
    words = [word for option in options for word in option]
    its_name, command = name(container), config.get("Cmd") or ()
    run = ["docker", "run", "-d", "--name", its_name, *words, config["Image"], *command]
    return f"docker rm {its_name} && {shlex.join(run)}"


def _publishes(container: Object, port: str) -> bool:
    bindings = part(container, "HostConfig", "PortBindings")
    return any(entry.get("HostPort") == port for entries in bindings.values() for entry in entries or ())


def _out_of_memory(subject: str, container: Object) -> Finding:
    its_name = name(container)
    limit = int(part(container, "HostConfig").get("Memory") or 0)
    if not limit:
        cause = "it ran out of memory (OOMKilled): it has no memory limit, so the machine had none left."
        return Finding(subject, cause)
    shown = f"{limit >> 20} MiB" if limit >> 20 else f"{limit} bytes"
    more = (
        f"docker update --memory {{memory}} --memory-swap {{memory}} {its_name} && docker restart {its_name}"
    )
    cause = f"it ran out of memory (OOMKilled): its memory limit is {shown}."
    return Finding(subject, cause, f"exit code {part(container, 'State').get('ExitCode')}", more)


def _ended(subject: str, container: Object, log: str) -> Finding:
    state, said = part(container, "State"), telling_lines(log)
    code = int(state.get("ExitCode") or 0)
    how = "it ended"
    if _restarts(container):
        how = f"it restarts again and again ({container.get('RestartCount', 0)} times)"
    if not state.get("Running") or code:
        how += f"{',' if 'restarts' in how else ''} with {exit_code_meaning(code)}"
    return Finding(subject, f"{how}.", f"log: {said}" if said else "its log is empty")


# --- network and mounts -----------------------------------------------------------------------------------


def _network(subject: str, container: Object) -> Iterator[Finding]:
    bindings = part(container, "HostConfig", "PortBindings")
    for binding in bindings:
        number, _, protocol = binding.partition("/")
        if protocol == "tcp" and number.isdigit() and (cause := _unheard(container, int(number))):
            yield Finding(subject, cause, f"published: {_published(bindings)}")
    mode = part(container, "HostConfig").get("NetworkMode") or ""
    if not _networks(container) and not mode.startswith("container:"):
        yield Finding(subject, "it is in no network, so nothing reaches it.")


def _unresolved(subject: str, container: Object, others: Sequence[Object], log: str) -> Iterator[Finding]:
    """The other containers whose names it asks for and does not find."""
    failed = [line for line in log.splitlines() if _UNRESOLVED.search(line)]
    own = _networks(container)
    for other in others:
        its_name, networks = name(other), _networks(other)
        said = [line for line in failed if re.search(rf"(?<![\w.-]){re.escape(its_name)}(?![\w-])", line)]
        if other is container or not said:
            continue
        evidence = f"log: {one_line(said[-1])}"
        if not part(other, "State").get("Running"):
            cause = f"it does not find {its_name}: that container does not run."
            yield Finding(subject, cause, evidence, f"docker start {its_name}")
        elif not (own & networks) - {_NAMELESS}:
            cause = (
                f"it does not find {its_name}: the two share no network in which containers have names "
                f"({name(container)}: {listed(own)}; {its_name}: {listed(networks)})."
            )
            yield Finding(subject, cause, evidence, _connects(container, other))


def _networks(container: Object) -> set[str]:
    return set(part(container, "NetworkSettings", "Networks"))


def _connects(container: Object, other: Object) -> str:
    """The commands after which a container finds another by its name, while both go on."""
    if "host" in _networks(container) | _networks(other):
        return ""  # that one can be in no other network
    named = sorted(_networks(other) - {_NAMELESS, "none"})
    if named:
        return f"docker network connect {named[0]} {name(container)}"
    made = f"{name(container)}-{name(other)}"
    commands = [f"docker network create {made}"]
    commands += [f"docker network connect {made} {name(each)}" for each in (container, other)]
    return " && ".join(commands)


def _unheard(container: Object, port: int) -> str:
    """Why nothing answers on a published port, as far as that is known."""
    listening: Mapping[int, set[str]] | None = container.get("Listening")
    exposed = [other.partition("/")[0] for other in container.get("Exposed") or ()]
    if listening is None:
        wrong = exposed and str(port) not in exposed
        return f"it publishes its port {port}, but its image exposes {listed(exposed)}." if wrong else ""
    addresses = listening.get(port)
    if addresses is None:
        heard = [number for number, at in sorted(listening.items()) if at != {_DOCKER_DNS}]
        on = f"on {', '.join(map(str, heard))}" if heard else "on no port yet"
        return f"it publishes its port {port}, on which nothing in it listens; its processes listen {on}."
    if all(address.startswith("127.") or address == "::1" for address in addresses):
        return (
            f"its process listens on {listed(addresses)} only, so its published port {port} reaches nothing."
        )
    return ""


def _published(bindings: Mapping[str, Sequence[Object] | None]) -> str:
    pairs = [f"{e.get('HostPort') or '?'}->{inner}" for inner, es in bindings.items() for e in es or ()]
    return listed(pairs)


def _bound(container: Object) -> dict[str, str]:
    """The bind mounts: what is mounted where, by `source -> destination`."""
    mounts = [m for m in part(container, "Mounts") if m.get("Type") == "bind"]
    return {f"{m.get('Source')} -> {m.get('Destination')}": str(m.get("Destination")) for m in mounts}


def _mounts(subject: str, container: Object, log: str) -> Iterator[Finding]:
    """Docker makes an empty directory for a mounted file that is missing, which no program expects."""
    if not re.search("is a directory", log, re.IGNORECASE):
        return
    for mount, destination in _bound(container).items():
        if destination in log:
            source = mount.partition(" -> ")[0]
            cause = f"it mounts {source} at {destination} as a file, but {source} is a directory."
            yield Finding(subject, cause, "docker makes a directory of a mounted path that does not exist")
