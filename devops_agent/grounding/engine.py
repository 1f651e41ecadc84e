"""What a task names on the Docker engine, and what is wrong with it."""

import re

from devops_agent.diagnosis import diagnose, docker
from devops_agent.diagnosis.finding import Finding, listed, telling_lines
from devops_agent.diagnosis.objects import Object
from devops_agent.grounding.ground import Ground
from devops_agent.grounding.task_words import KUBERNETES, LOGS, NO_NAMES, tells_of_trouble, words_of


def on_engine(task: str) -> Ground:
    words, of_cluster = words_of(task), KUBERNETES.search(task)
    inspected, logs = diagnose.read_containers()
    named = [c for c in inspected if docker.name(c).lower() in words]
    ground = Ground([_container_line(c) for c in named], bool(named))
    if missing := _missing_container(task, {docker.name(c) for c in inspected}):
        ground.lines.append(missing)
        ground.missing, ground.informs = missing, True
    if LOGS.search(task):
        ground.trouble = [finding for c in named if (finding := _logged(docker.name(c)))]
    findings = list(docker.analyze(inspected, logs))
    about = {docker.name(c) for c in named}
    chosen = [f for f in findings if diagnose.subject_of(f)[1] in about]
    if not chosen and tells_of_trouble(task) and not of_cluster:
        chosen = findings
    ground.trouble += chosen[:3]
    ground.lines += map(str, ground.trouble)
    ground.kinds = {"container"} if named else set()
    in_trouble = {diagnose.subject_of(f)[1] for f in ground.trouble} & about
    meant = in_trouble if len(about) > 1 else about
    if len(meant) == 1:
        ground.names["container"] = meant.pop()
    if not of_cluster and re.search(r"\b(?:image|build|dockerfile|run)\b", task, re.IGNORECASE):
        printed = diagnose.run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split()
        if images := [image for image in printed if "<none>" not in image]:
            ground.lines.append(f"Images on this machine: {listed(images, 12)}")
    return ground


def _logged(container: str) -> Finding | None:
    said = telling_lines(diagnose.container_log(container, 5000), 4)
    return Finding(f"container {container}", f"lines about trouble in its log: {said}") if said else None


def _container_line(container: Object) -> str:
    state = container["State"]
    ports = [
        f"{entry.get('HostPort')}→{port.partition('/')[0]}"
        for port, entries in (container["HostConfig"].get("PortBindings") or {}).items()
        for entry in entries or ()
    ]
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
    return (
        f"docker container {docker.name(container)}: {state['Status']}, image {image}, "
        f"networks {networks}{published}{mounted}"
    )


def _missing_container(task: str, there: set[str]) -> str:
    # without any container the engine may just not have answered
    if not there or KUBERNETES.search(task) or re.search(r"\b(?:create|run|new)\b", task, re.IGNORECASE):
        return ""
    pattern = r"\bcontainers? (?:named |called )?[\"'`]?([a-z0-9][\w.-]*[a-z0-9])\b"
    match = re.search(pattern, task, re.IGNORECASE)
    if not match or match[1] in there or match[1].lower() in NO_NAMES or "-" not in match[1]:
        return ""
    return f"There is no container {match[1]} (there are: {listed(there)})."
