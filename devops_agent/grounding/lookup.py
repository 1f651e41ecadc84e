"""The looking up: before the first step, with read-only commands, in parallel."""

import re
import shutil
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from devops_agent import intent
from devops_agent.diagnosis import held_files, image_build
from devops_agent.grounding import (
    cluster,
    comparison,
    docker,
    files,
    inventory,
    processes,
    repository,
    tables,
)
from devops_agent.grounding.ground import Ground
from devops_agent.grounding.task_words import (
    CERTIFICATES,
    COUNTS,
    DOCKER,
    FILES,
    KUBERNETES,
    LOGS,
    PATH,
    given_name,
    says_its_field,
    tells_of_trouble,
)
from devops_agent.outputs import clean
from devops_agent.patterns import regex

# Such a task wants something that is not there yet.
_MAKES = regex(r"\b(?:create|make|new|write|generate|build)\b", re.IGNORECASE)
_BUILDS = regex(r"\b(?:re)?build(?:s|ing)?\b|\bDockerfile\b", re.IGNORECASE)


def names_something(task: str, environ: Mapping[str, str]) -> bool:
    """Whether a task names anything that can be looked up."""
    return bool(
        FILES.search(task)
        or CERTIFICATES.search(task)
        or PATH.search(task)
        or files.VALUES.search(task)
        or _steps(task, Path(), frozenset())
        or _may_name_what_runs(task)
        or files.variables_of(task, environ)
        or files.unset_variable(task, environ)
        or held_files.MEANT.search(task)
    )


def look_up(task: str, directory: Path, environ: Mapping[str, str]) -> Ground:
    """Looks up what a task names; takes a second at most where cluster and engine answer at once."""
    ground = Ground(given=given_name(task))
    ground.variables = files.variables_of(task, environ)
    if unset := files.unset_variable(task, environ):
        ground.settled = f"The environment variable {unset} is not set, so nothing was done."
        ground.lines.append(ground.settled)
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
    if tells_of_trouble(task) and _BUILDS.search(task):
        built = image_build.findings(directory)
        ground.trouble += built
        ground.lines += map(str, built)
        ground.about = "docker" if built else ground.about
        ground.informs = ground.informs or bool(built)
    if counted := tables.figures(task, directory):
        ground.lines += counted
        ground.informs = True
    if held_files.MEANT.search(task):
        named = files.named_folders(task, directory)
        held = held_files.findings(directory / Path(named[0]).expanduser() if len(named) == 1 else None)
        ground.trouble += held
        ground.lines += map(str, held)
        ground.informs = ground.informs or bool(held)
    if found_lines := files.mentions(task, directory):
        ground.lines += found_lines
        ground.informs = True
    if differences := list(comparison.compared(task, directory)):
        ground.lines += differences
        ground.informs, ground.compared, ground.texts = True, True, {}
    if CERTIFICATES.search(task):
        ends = files.certificate_lines(task, directory)
        ground.lines += ends
        ground.informs = ground.informs or bool(ends)
    fields = inventory.fields_of_names(task) if _may_name_what_runs(task) else frozenset()
    ground.about = next(iter(fields)) if len(fields) == 1 else ground.about
    with ThreadPoolExecutor() as pool:
        for part in pool.map(lambda step: _tried(step, task), _steps(task, directory, fields)):
            ground.lines += (line for text in part.lines for line in clean(text).splitlines())
            ground.informs = ground.informs or part.informs
            ground.trouble += part.trouble
            ground.kinds |= part.kinds
            ground.running += part.running
            ground.new |= part.new
            ground.missing = ground.missing or part.missing
            ground.settled = ground.settled or part.settled
            ground.fine = ground.fine or part.fine
            ground.selected = ground.selected or part.selected
            ground.namespace = ground.namespace or part.namespace
            ground.repository = ground.repository or part.repository
            ground.names = {**part.names, **ground.names}
    return ground


# "myapp:1.0"
_IMAGE = regex(r"(?<![\w/:.])[a-z][\w.-]*:[\w.-]+(?![\w/:])")
# What is asked about a thing that runs: "memory usage of web"; "disk usage" alone is the machine's.
_STATE = regex(
    r"\b(?:status|stat(?:e|s)|running|up|uptime|ip|env|version|limits?)\b"
    r"|(?<!\bdisk )(?<!\bmemory )(?<!\bcpu )\busage\b|\busage (?:of|by|for|in)\b",
    re.IGNORECASE,
)


def _may_name_what_runs(task: str) -> bool:
    """Whether something is wanted of a thing that a task may name without saying what it is."""
    of_git = repository.GIT.search(task) and not _IMAGE.search(task)
    if says_its_field(task) or PATH.search(task) or of_git or _MAKES.search(task):
        return False
    wanted = intent.asks_for_change(task) or tells_of_trouble(task)
    return wanted or bool(LOGS.search(task) or _STATE.search(task))


def _steps(task: str, directory: Path, fields: Collection[str]) -> list[Callable[[str], Ground]]:
    steps: list[Callable[[str], Ground]] = []
    if "kubernetes" in fields or (KUBERNETES.search(task) and shutil.which("kubectl")):
        steps.append(cluster.in_cluster)
    if "docker" in fields or (DOCKER.search(task) and shutil.which("docker")):
        steps.append(docker.on_engine)
    if processes.PROCESSES.search(task) and not steps:
        steps.append(processes.in_table)
    if processes.PORT_HELD.match(task):
        steps.append(processes.on_port)
    if repository.GIT.search(task) and shutil.which("git"):
        steps.append(lambda text: repository.in_repository(text, directory))
    return steps


def _tried(step: Callable[[str], Ground], task: str) -> Ground:
    try:
        return step(task)
    except (LookupError, TypeError, ValueError, AttributeError):
        return Ground()  # an answer of another shape than ours; without the help the task goes on
