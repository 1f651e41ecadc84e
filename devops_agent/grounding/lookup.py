"""The looking up: before the first step, with read-only commands, in parallel."""

import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from devops_agent.grounding import cluster, engine, files, processes, repository
from devops_agent.grounding.ground import Ground
from devops_agent.grounding.task_words import (
    CERTIFICATES,
    COUNTS,
    DOCKER,
    FILES,
    KUBERNETES,
    PATH,
    tells_of_trouble,
)
from devops_agent.shell import clean


def names_something(task: str, environ: Mapping[str, str]) -> bool:
    """Whether a task names anything that can be looked up."""
    return bool(
        FILES.search(task)
        or CERTIFICATES.search(task)
        or PATH.search(task)
        or files.VALUES.search(task)
        or _steps(task, Path())
        or files.variables_of(task, environ)
    )


def look_up(task: str, directory: Path, environ: Mapping[str, str]) -> Ground:
    """Looks up what a task names; takes a second at most where cluster and engine answer at once."""
    ground = Ground()
    ground.variables = files.variables_of(task, environ)
    ground.lines += [f"Environment variable {name} is {value}" for name, value in ground.variables.items()]
    if FILES.search(task):
        ground.lines += files.listing(task, directory)
    ground.names.update(files.values_of(task, directory))
    files.read_named(task, directory, ground)
    if tells_of_trouble(task) and not COUNTS.search(task):
        found = list(files.in_logs(task, directory))
        ground.trouble += found
        ground.lines += map(str, found)
        ground.informs = ground.informs or bool(found)
    if CERTIFICATES.search(task):
        ends = files.certificate_lines(task, directory)
        ground.lines += ends
        ground.informs = ground.informs or bool(ends)
    with ThreadPoolExecutor() as pool:
        for part in pool.map(lambda step: _tried(step, task), _steps(task, directory)):
            ground.lines += (line for text in part.lines for line in clean(text).splitlines())
            ground.informs = ground.informs or part.informs
            ground.trouble += part.trouble
            ground.kinds |= part.kinds
            ground.new |= part.new
            ground.missing = ground.missing or part.missing
            ground.settled = ground.settled or part.settled
            ground.selected = ground.selected or part.selected
            ground.namespace = ground.namespace or part.namespace
            ground.names = {**part.names, **ground.names}
    return ground


def _steps(task: str, directory: Path) -> list[Callable[[str], Ground]]:
    steps: list[Callable[[str], Ground]] = []
    if KUBERNETES.search(task) and shutil.which("kubectl"):
        steps.append(cluster.in_cluster)
    if DOCKER.search(task) and shutil.which("docker"):
        steps.append(engine.on_engine)
    if processes.PROCESSES.search(task) and not steps:
        steps.append(processes.in_table)
    if repository.GIT.search(task) and shutil.which("git"):
        steps.append(lambda text: repository.in_repository(text, directory))
    return steps


def _tried(step: Callable[[str], Ground], task: str) -> Ground:
    try:
        return step(task)
    except (LookupError, TypeError, ValueError, AttributeError):
        return Ground()  # an answer of another shape than ours; without the help the task goes on
