"""`devops-agent diagnose`: what is wrong with something in the cluster or the engine."""

from argparse import Namespace
from typing import TextIO

from devops_agent.diagnosis import diagnose, docker
from devops_agent.diagnosis.finding import Finding, listed
from devops_agent.diagnosis.kinds import KINDS, kind_of
from devops_agent.diagnosis.objects import name
from devops_agent.errors import UsageError


def diagnose_command(arguments: Namespace, out: TextIO) -> None:
    """Prints what is wrong with `namespace/kind/name`, `kind/name`, a namespace, a container, or everything.

    Args:
        arguments: `target`; None for everything.
        out: Where it is printed.

    Raises:
        UsageError: There is no such thing.
    """
    found = _everything() if arguments.target is None else _of_target(arguments.target)
    for finding in found:
        print(finding, file=out)
    if not found:
        print("No trouble found.", file=out)


def _everything() -> list[Finding]:
    namespace = diagnose.current_namespace()
    problem = diagnose.unreachable(namespace)
    if problem and not diagnose.engine_answers():
        raise UsageError(f"There is nothing to diagnose: no Docker engine answers, and {problem}.")
    found = [] if problem else _of_namespace(namespace)
    inspected, logs = diagnose.read_containers()
    return [*found, *docker.analyze(inspected, logs)]


def _of_target(target: str) -> list[Finding]:
    parts = target.strip("/").split("/")
    if len(parts) == 1:
        return _of_container_or_namespace(parts[0])
    if len(parts) == 2 and kind_of(parts[0]) in KINDS:
        parts = [diagnose.current_namespace(), *parts]
    if len(parts) != 3:
        raise UsageError(f"{target}: use namespace/kind/name, such as shop/deployment/web.")
    return _of_namespace(parts[0], kind_of(parts[1]), parts[2])


def _of_container_or_namespace(target: str) -> list[Finding]:
    inspected, logs = diagnose.read_containers([target])
    chosen = [c for c in inspected if docker.name(c) == target]
    if chosen:
        found = docker.analyze(inspected, logs)
        return [f for f in found if diagnose.subject_of(f)[1] == target]
    return _of_namespace(target)


def _of_namespace(namespace: str, kind: str = "", wanted: str = "") -> list[Finding]:
    if problem := diagnose.unreachable(namespace):
        raise UsageError(f"There is no container and no namespace {namespace}: {problem}.")
    objects = diagnose.read_namespace(namespace)
    found = diagnose.diagnose_objects(objects)
    if not kind:
        return [*found, *diagnose.not_looked_at(objects)]
    of_kind = [name(i) for each in objects.items for i in objects.all(each) if each.lower() == kind]
    if wanted in of_kind:
        return [*diagnose.about(objects, found, kind, wanted), *diagnose.not_looked_at(objects)]
    if not objects.lacks(kind, wanted):
        raise UsageError(f"The objects of kind {kind} in namespace {namespace} may not be read.")
    raise UsageError(f"There is no {kind} {wanted} in namespace {namespace} (there are: {listed(of_kind)}).")
