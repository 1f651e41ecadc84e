"""Why containers do not run or cannot be reached, from `docker inspect` and logs."""

import re
from collections.abc import Iterator, Mapping, Sequence

from devops_agent.diagnosis.finding import Finding, exit_code_meaning, listed, one_line, telling_lines
from devops_agent.diagnosis.objects import Object


def analyze(inspected: Sequence[Object], logs: Mapping[str, str]) -> Iterator[Finding]:
    """Findings about containers.

    Args:
        inspected: What `docker inspect` says of the containers.
        logs: The last lines of the containers in trouble, by name.
    """
    for container in inspected:
        yield from _container(container, inspected, logs.get(name(container), ""))


def name(container: Object) -> str:
    """A container's name."""
    return str(container["Name"]).lstrip("/")


def in_trouble(container: Object) -> bool:
    """Whether its log may tell why."""
    state = container["State"]
    unhealthy = (state.get("Health") or {}).get("Status") == "unhealthy"
    return bool(unhealthy or state.get("Restarting") or state.get("ExitCode") or state.get("OOMKilled"))


def _container(container: Object, others: Sequence[Object], log: str) -> Iterator[Finding]:
    subject, state = f"container {name(container)}", container["State"]
    if state.get("Error"):
        yield _not_started(subject, container, others, state["Error"])
    elif state.get("OOMKilled"):
        limit = container["HostConfig"].get("Memory", 0) >> 20
        its_name = name(container)
        more = f"docker update --memory SIZE --memory-swap SIZE {its_name} && docker restart {its_name}"
        cause = f"it ran out of memory (OOMKilled): its memory limit is {limit} MiB."
        yield Finding(subject, cause, f"exit code {state['ExitCode']}", more)
    elif state.get("Restarting") or (not state.get("Running") and state.get("ExitCode")):
        yield _ended(subject, container, log)
    elif (health := state.get("Health") or {}).get("Status") == "unhealthy":
        told = (health.get("Log") or [{}])[-1]
        cause = f"it runs but its health check fails ({_health_command(container)})."
        yield Finding(subject, cause, one_line(told.get("Output", "")) or telling_lines(log))
    elif state.get("Running"):
        yield from _network(subject, container)
    yield from _mounts(subject, container)


def _not_started(subject: str, container: Object, others: Sequence[Object], error: str) -> Finding:
    if match := re.search(r"(?:port is already allocated|address already in use)", error):
        port = re.search(r":(\d+)(?: failed|: bind)|(?:0\.0\.0\.0|127\.0\.0\.1|::\]?):(\d+)", error)
        number = next(filter(None, port.groups()), "?") if port else "?"
        holders = [
            name(other) for other in others if other["State"].get("Running") and _publishes(other, number)
        ]
        by = f"the container {listed(holders)}" if holders else "another process of this machine"
        cause = f"it cannot start: the host port {number} is taken by {by}."
        return Finding(subject, cause, one_line(error), f"ss -ltnp | grep :{number}" if not holders else "")
    if match := re.search(r'exec: "([^"]+)": (.+?)(?:: unknown)?$', error):
        return Finding(subject, f"its command {match[1]!r} cannot be started: {match[2]}.", one_line(error))
    if match := re.search(r"network (\S+) not found", error):
        return Finding(subject, f"its network {match[1]} does not exist any more.", one_line(error))
    return Finding(subject, "it cannot be started.", one_line(error))


def _publishes(container: Object, port: str) -> bool:
    bindings = container["HostConfig"].get("PortBindings") or {}
    return any(entry.get("HostPort") == port for entries in bindings.values() for entry in entries or ())


def _ended(subject: str, container: Object, log: str) -> Finding:
    code = int(container["State"].get("ExitCode", 0))
    said = telling_lines(log)
    count = container.get("RestartCount", 0)
    how = (
        f"it restarts again and again ({count} times), ending with"
        if container["State"].get("Restarting")
        else "it ended with"
    )
    return Finding(
        subject, f"{how} {exit_code_meaning(code)}.", f"log: {said}" if said else "its log is empty"
    )


def _health_command(container: Object) -> str:
    test = (container["Config"].get("Healthcheck") or {}).get("Test") or []
    return " ".join(test[1:])


def _network(subject: str, container: Object) -> Iterator[Finding]:
    exposed = {port.partition("/")[0] for port in container["Config"].get("ExposedPorts") or {}}
    bindings = container["HostConfig"].get("PortBindings") or {}
    # `docker run -p` adds its port to ExposedPorts, so only a second, unpublished one is a hint
    published = {port.partition("/")[0] for port in bindings}
    missed = exposed - published
    if published and missed:
        cause = f"it publishes its port {listed(published)}, but its image exposes {listed(missed)}."
        yield Finding(subject, cause, f"HostConfig.PortBindings: {listed(bindings)}")
    networks = container["NetworkSettings"].get("Networks") or {}
    if not networks:
        yield Finding(subject, "it is in no network, so nothing reaches it.")


def _mounts(subject: str, container: Object) -> Iterator[Finding]:
    if container["State"].get("Running"):
        return
    for mount in container.get("Mounts") or ():
        if mount.get("Type") == "bind" and not mount.get("Source"):
            yield Finding(subject, f"what it mounts at {mount['Destination']} is missing on this machine.")
