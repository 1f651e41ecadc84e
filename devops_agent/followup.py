"""Checks after a change: code looks at what a command changed, and tells the model how it stands.

Small models take "deployment.apps/web scaled" for the end of the task. What counts is whether the pods run.
"""

import json
import re
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from devops_agent import edits, file_wishes, intent
from devops_agent.diagnosis import diagnose, docker, text_files
from devops_agent.diagnosis.finding import Finding, listed
from devops_agent.diagnosis.objects import HOLDERS, Object, adds_keys, asked_keys, port_pairs
from devops_agent.patterns import regex
from devops_agent.policy import effects
from devops_agent.policy.shell_text import Call, parse_call, parse_flags, segments

# How long a rollout is waited for; and how long trouble is given to pass, as a first failed probe does.
_ROLLOUT_SECONDS = 40.0
_PATIENCE_SECONDS = 8.0
_POLL_SECONDS = 1.0
_CHANGED = regex(
    r"^(?P<kind>[a-z]+)(?:\.[\w.]+)?/(?P<name>\S+) "
    r"(?:created|exposed|configured|scaled|patched|edited|restarted|rolled back|resumed|image updated"
    r"|env updated|resource requirements updated|replaced|serverside-applied)$",
    re.MULTILINE,
)
_WATCHED = frozenset({"deployment", "statefulset", "daemonset", "pod"})
# With these a command works elsewhere than what is looked at here.
_ELSEWHERE = {
    "kubectl": "--context --kubeconfig --cluster -s --server",
    "docker": "-H --host -c --context",
}
_OTHER_SERVER = frozenset({"KUBECONFIG", "DOCKER_HOST", "DOCKER_CONTEXT"})
_MANIFEST = regex(r"^apiVersion: *\S+$", re.MULTILINE)
_APPLIES = regex(r"\bkubectl\b.*\s(?:apply|create|replace)\b")
_BUILDS = regex(r"\b(?:build|image|package|dockeri[sz]e|containeri[sz]e)\b", re.IGNORECASE)
_CONTAINER_ID = regex(r"^([0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True)
class Check:
    """What was seen after a change.

    Attributes:
        text: What the model is told.
        ok: False when what was changed does not work.
        mend: A command that would mend that, with placeholders for what is not known.
        is_all: False when something is still to do with what was changed.
    """

    text: str
    ok: bool
    mend: str = ""
    is_all: bool = True


def after_edit(command: str, before: Mapping[Path, str]) -> Check | None:
    """What a command did to the files that it names; None when it did nothing to any.

    Args:
        command: What ran.
        before: What `edits.texts_of` had of them before.
    """
    text, ok = edits.outcome(command, before)
    return Check(text, ok) if text else None


def after_write(
    path: str, content: str, variables: Mapping[str, str], task: str = "", before: str | None = None
) -> Check | None:
    """What is still to do with a file that was written.

    Args:
        path: The file.
        content: Its text.
        variables: Environment variables that the task names, with their values.
        task: What the user wants.
        before: Its text before; None when it is new.
    """
    check = _still_to_do(path, content, variables, task)
    if not before:
        return check
    told = edits.difference(path, before, content)
    return Check(f"{told}\n{check.text}", check.ok, is_all=check.is_all) if check else Check(told, True)


def _still_to_do(path: str, content: str, variables: Mapping[str, str], task: str) -> Check | None:
    if wrong := text_files.trouble(Path(path), content):
        return Check(f"{path}: {wrong}", False)
    if is_manifest(path, content):
        return Check(f"Not applied yet: kubectl apply -f {path}", True, is_all=False)
    for name, value in variables.items():
        if value not in content:
            literal = (
                f" Nothing replaces ${name} there: write {value} itself."
                if f"${name}" in content.replace("{", "")
                else ""
            )
            return Check(f"{path} does not contain the value of {name}, which is {value}.{literal}", False)
    if build := build_of(path, task):
        return Check(f"Not built yet: {build}", True, is_all=False)
    return None


def build_of(path: str, task: str, image: str = "IMAGE:TAG") -> str:
    """The command that builds the image of a Dockerfile; "" for another file or where no build is wanted."""
    if Path(path).name != "Dockerfile" or not _BUILDS.search(intent.without_negations(task)):
        return ""
    return f"docker build -t {shlex.quote(image)} {shlex.quote(str(Path(path).parent))}"


def applies(command: str) -> bool:
    """Whether a command brings a manifest to the cluster."""
    return bool(_APPLIES.search(command))


def gave_up_waiting(output: str) -> bool:
    """Whether a command failed only because what it waited for took its time."""
    return "timed out waiting for the condition" in output


_ALSO_CHANGED = regex(r" (?:deleted|labeled|annotated)$|\" deleted$", re.MULTILINE)
_LEFT = regex(
    r"\((?:no change|unchanged)\)$|^\S+/\S+ (?:unchanged|not labeled)$|^nothing to commit"
    r"|nothing added to commit|^Already (?:on|up to date)|^Everything up-to-date",
    re.MULTILINE,
)


def left_as_it_was(command: str, output: str) -> bool:
    """Whether a command that may change something says that it did not: all was so already."""
    if _CHANGED.search(output) or _ALSO_CHANGED.search(output):
        return False
    calls = [call for call in _changes(command) if call.program == "kubectl"]
    says_nothing = [call for call in calls if call.verb == "set" and not output.strip()]
    nothing = [] if _SILENCED.search(command) else _deleted_nothing(calls, output)
    return bool(_LEFT.search(output)) or (bool(calls) and calls in (says_nothing, nothing))


# Where its output goes elsewhere, silence says nothing.
_SILENCED = regex(r"[>|]|\s(?:-o|--output)\b")


def _deleted_nothing(calls: Iterable[Call], output: str) -> list[Call]:
    """Those of the calls that were to delete what was not there, and said nothing."""
    return [c for c in calls if c.verb == "delete" and "--ignore-not-found" in c.flags and not output.strip()]


def is_manifest(path: str, content: str) -> bool:
    """Whether a file that was written describes objects for `kubectl apply`."""
    return path.endswith((".yaml", ".yml", ".json")) and bool(_MANIFEST.search(content))


def after(command: str, output: str) -> Check | None:
    """Looks at what a command changed; None when there is nothing to look at."""
    try:
        checks = list(_checks(command, output))
    except (LookupError, TypeError, ValueError, AttributeError):
        return None  # an answer of another shape than ours
    if not checks:
        return None
    mend = next((check.mend for check in checks if check.mend), "")
    text, ok = "\n".join(check.text for check in checks), all(check.ok for check in checks)
    return Check(text, ok, mend, all(check.is_all for check in checks))


def _checks(command: str, output: str) -> Iterator[Check]:
    changes = list(_changes(command))
    of_kubectl = [call.flags for call in changes if call.program == "kubectl"]
    spaces = [flags.get("-n") or flags.get("--namespace", "") for flags in of_kubectl]
    changed = [c.group("kind", "name") for c in _CHANGED.finditer(output)] if of_kubectl else []
    for kind, name in [(kind, name) for kind, name in changed if kind in _WATCHED][:3]:
        yield from _checked(kind, name, spaces)
    for kind, name in [(kind, name) for kind, name in changed if kind in HOLDERS][:3]:
        yield from _keys_checked(kind, name, _one_of(spaces))
    for name in [name for kind, name in changed if kind == "service"][:2]:
        yield from _service_checked(name, _one_of(spaces))
    if not _SILENCED.search(command) and _deleted_nothing(changes, output):
        yield Check("Nothing was deleted: there was nothing of that name.", True, is_all=False)
    if any((call.program, call.verb) == ("docker", "run") for call in changes):
        for started in _CONTAINER_ID.findall(output)[:3]:
            yield from _runs(started)


def _one_of(namespaces: Sequence[str]) -> str:
    """The namespace that a command names first, or the one where kubectl works."""
    return next(filter(None, namespaces), "") or diagnose.current_namespace()


def _changes(command: str) -> Iterator[Call]:
    """The calls of kubectl and docker in it that change something here."""
    for segment in segments(command):
        if segment.name not in _ELSEWHERE or effects.reads(segment):
            continue
        call, away = parse_call(segment.words), _ELSEWHERE[segment.name]
        # behind its verb, -c of docker means something else
        before, _ = parse_flags(segment.words[1:], away, stop=True)
        flags = call.flags if segment.name == "kubectl" else before
        if not flags.keys() & away.split() and not _OTHER_SERVER.intersection(segment.assigned):
            yield call


# --- Kubernetes -------------------------------------------------------------------------------------------


def _checked(kind: str, name: str, namespaces: Sequence[str]) -> Iterator[Check]:
    found = next(filter(None, (_get(kind, name, space) for space in dict.fromkeys(namespaces))), None)
    # a manifest may name a namespace of its own
    item = found or _anywhere(kind, name)
    if item:
        yield _waited_for(kind, name, item)


def _waited_for(kind: str, name: str, item: Object) -> Check:
    started, space = time.monotonic(), item["metadata"]["namespace"]
    while True:
        state = _pod_state(item) if kind == "pod" else _rollout_state(item)
        if state.done:
            return Check(f"Checked: {kind} {name} in namespace {space}: {state.text}.", True)
        waited = time.monotonic() - started
        late = waited > _ROLLOUT_SECONDS
        trouble = _trouble(kind, name, space) if late or state.failed or waited > _PATIENCE_SECONDS else []
        if trouble or state.failed:
            text = "\n".join([f"Checked: {kind} {name}: {state.text}.", *map(str, trouble)])
            return Check(text, False, next((f.suggestion for f in trouble if f.suggestion), ""))
        if late:
            return Check(f"Checked: {kind} {name}: still {state.text} after {waited:.0f} seconds.", False)
        time.sleep(_POLL_SECONDS)
        item = _get(kind, name, space) or item


class _State(NamedTuple):
    done: bool
    text: str
    failed: bool = False


def _rollout_state(item: Object) -> _State:
    spec, status = item["spec"], item.get("status", {})
    if item["kind"] == "DaemonSet":
        wanted, updated = status.get("desiredNumberScheduled", 0), status.get("updatedNumberScheduled", 0)
        ready, total = status.get("numberReady", 0), wanted
    else:
        wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
        ready, total = status.get("readyReplicas", 0), status.get("replicas", 0)
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete" or (strategy.get("rollingUpdate") or {}).get("partition"):
        updated = ready  # pods keep the old version until somebody says so
    if spec.get("paused"):
        return _State(True, "its rollout is paused, so its pods are as before")
    seen = status.get("observedGeneration", 0) >= item["metadata"].get("generation", 0)
    return _State(
        seen and updated == ready == total == wanted, f"{min(updated, ready)} of {wanted} pods ready"
    )


def _pod_state(pod: Object) -> _State:
    status = pod.get("status", {})
    phase = str(status.get("phase"))
    ready = all(container["ready"] for container in status.get("containerStatuses", ()))
    return _State(phase == "Succeeded" or (phase == "Running" and ready), phase, phase == "Failed")


def _get(kind: str, name: str, namespace: str) -> dict[str, Any] | None:
    where = ("-n", namespace) if namespace else ()
    try:
        return dict(json.loads(diagnose.run("kubectl", *where, "get", kind, name, "-o", "json")))
    except ValueError:
        return None


def _anywhere(kind: str, name: str) -> dict[str, Any] | None:
    chosen = ("-A", "--field-selector", f"metadata.name={name}", "-o", "json")
    try:
        found = json.loads(diagnose.run("kubectl", "get", kind, *chosen))["items"]
    except ValueError:
        return None
    return dict(found[0]) if len(found) == 1 else None


def _trouble(kind: str, name: str, namespace: str) -> list[Finding]:
    objects = diagnose.read_namespace(namespace)
    found = diagnose.about(objects, diagnose.diagnose_objects(objects), kind, name)
    return [f for f in found if not f.subject.startswith("service ")][:2]


def _service_checked(name: str, namespace: str) -> Iterator[Check]:
    """Where a service is reached."""
    spec = (_get("service", name, namespace) or {}).get("spec", {})
    ports = listed(port_pairs(spec))
    if spec:
        told = f"{spec.get('type')} with cluster IP {spec.get('clusterIP')}, ports {ports}"
        yield Check(f"Checked: service {name} in namespace {namespace}: {told}.", True)


def _keys_checked(kind: str, name: str, namespace: str) -> Iterator[Check]:
    """Whether a config map or secret has the keys that containers ask of it."""
    objects = diagnose.read_namespace(namespace)
    keys = objects.keys(HOLDERS[kind], name)
    if not keys:
        return
    asked = asked_keys(objects, HOLDERS[kind], name)
    lacking = {
        key: f"{by} asks for its key {key}, which is missing" for key, by in asked.items() if key not in keys
    }
    text = f"Checked: {kind} {name} in namespace {namespace} has {listed(keys)}"
    mend = ""
    told = "; but ".join([text, *list(lacking.values())[:2]]) + "."
    if lacking:
        mend = adds_keys(namespace, HOLDERS[kind], name, lacking)
        told += f"\n  try: {mend}"
    yield Check(told, not lacking, mend)


# --- Docker -----------------------------------------------------------------------------------------------


def _runs(container: str) -> Iterator[Check]:
    time.sleep(_POLL_SECONDS)  # what fails mostly fails in its first second
    printed = diagnose.run("docker", "inspect", container)
    found = json.loads(printed) if printed.strip() else None
    if found == []:  # with --rm
        yield Check("Checked: the container has ended and was removed.", True, is_all=False)
    if not found:
        return
    inspected = found[0]
    state, name = inspected["State"], docker.name(inspected)
    restarts = inspected.get("RestartCount", 0)
    if state["Status"] == "running" and not restarts:
        yield Check(f"Checked: container {name} is running.", True)
        return
    causes = list(docker.analyze([inspected], {name: diagnose.container_log(name)}))
    if causes:
        yield Check("\n".join(["Checked:", *map(str, causes)]), False)
    elif restarts:
        yield Check(f"Checked: container {name} was restarted {restarts} times already.", False)
    elif inspected["HostConfig"].get("PortBindings"):
        ran = shlex.join(inspected["Config"].get("Cmd") or inspected["Config"].get("Entrypoint") or ())
        told = f"Checked: container {name} was to listen and has ended at once: {ran!r} had nothing to do."
        yield Check(f"{told} Put the command that serves behind the image.", False)
    else:
        yield Check(
            f"Checked: container {name} has ended, exit code {state.get('ExitCode')}.", True, is_all=False
        )


_ENDS_CONTAINER = regex(
    r"\b(?:stop|remove|delete|kill|pause|shut|take|tear|end|drop|get rid|clean|prune|rename"
    r"|retire)\b",
    re.IGNORECASE,
)


def ended(task: str, running: Sequence[str]) -> str:
    """That a container does not run any more though the task does not want it ended, in a sentence; or "".

    Args:
        task: The task.
        running: The containers that it names and that ran before.
    """
    for name in running if not _ENDS_CONTAINER.search(intent.without_negations(task)) else ():
        state = diagnose.run("docker", "inspect", "-f", "{{.State.Status}}", name).strip()
        if state not in ("running", "restarting"):
            return f"The container {name} does not run any more."
    return ""


_MAKES_IMAGE = regex(r"\b(?:build|rebuild|package|tag|dockeri[sz]e|containeri[sz]e)\b", re.IGNORECASE)
# "tagged shop:1", "as web:stable"; not "on top of nginx:1.25"
_NEW_IMAGE = regex(
    r"(?:\b(?:image|called|named|tagged|tag|as|it)|(?<!\S)-t) [\"'`]?"
    r"(?=[a-z0-9])((?:[\w.-]+(?::\d+)?/)*[\w.-]+:[\w.-]*\w)"
)


def unmet(task: str) -> str:
    """What a task asks to make and is not there, in a sentence: a file or image; "" when all is there."""
    if files := file_wishes.to_make(task, Path()):
        return f"There is no file {files[0]} yet."
    listed = [folder for wish in intent.wishes(task) for folder in file_wishes.folders_to_make(wish)]
    if lacking := [folder for folder in listed if not Path(folder).is_dir()]:
        return f"There is no folder {lacking[0]} yet."
    if plain := file_wishes.not_executable(task, Path()):
        return f"{plain} is not executable yet."
    wanted = intent.without_negations(task)
    if not _MAKES_IMAGE.search(wanted) or not diagnose.engine_answers():
        return ""
    for image in dict.fromkeys(_NEW_IMAGE.findall(wanted)):
        if not diagnose.run("docker", "image", "inspect", "-f", "{{.Id}}", image):
            return f"There is no image {image} yet."
    return ""
