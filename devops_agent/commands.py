"""The subcommands, which need no model: `diagnose`, `runbooks`, `policy`, `audit` and `undo`."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from devops_agent import audit, runbook_library
from devops_agent.diagnosis import diagnose, docker
from devops_agent.diagnosis.finding import Finding, listed
from devops_agent.diagnosis.objects import name
from devops_agent.errors import UsageError
from devops_agent.policy.classify import classify
from devops_agent.policy.lookup import Machine
from devops_agent.policy.verdict import Effect, Verdict
from devops_agent.redaction import Redactor
from devops_agent.terminal import call_line
from devops_agent.undo import Kept, UndoStore

_ALIASES = {
    **dict.fromkeys(("po", "pods"), "pod"),
    **dict.fromkeys(("deploy", "deployments"), "deployment"),
    **dict.fromkeys(("rs", "replicasets"), "replicaset"),
    **dict.fromkeys(("sts", "statefulsets"), "statefulset"),
    **dict.fromkeys(("ds", "daemonsets"), "daemonset"),
    **dict.fromkeys(("svc", "services"), "service"),
    **dict.fromkeys(("pvc", "persistentvolumeclaims"), "persistentvolumeclaim"),
    **dict.fromkeys(("cj", "cronjobs"), "cronjob"),
    **dict.fromkeys(("ing", "ingresses"), "ingress"),
    **dict.fromkeys(("hpa", "horizontalpodautoscalers"), "horizontalpodautoscaler"),
    **dict.fromkeys(("netpol", "networkpolicies"), "networkpolicy"),
    "jobs": "job",
    "quota": "resourcequota",
}
_KINDS = frozenset(_ALIASES.values())


# --- diagnose ---------------------------------------------------------------------------------------------


def diagnose_command(words: Sequence[str], out: TextIO) -> None:
    """Prints what is wrong with `namespace/kind/name`, `kind/name`, a namespace, a container, or everything.

    Raises:
        UsageError: There is no such thing.
    """
    if len(words) > 1:
        raise UsageError("Diagnose takes one target: namespace/kind/name, kind/name, namespace or container.")
    found = _everything() if not words else _of_target(words[0])
    for finding in found:
        print(finding, file=out)
    if not found:
        print("No trouble found.", file=out)


def _everything() -> list[Finding]:
    namespace = diagnose.current_namespace()
    problem = diagnose.unreachable(namespace)
    if problem and not diagnose.run("docker", "version", "--format", "{{.Server.Version}}").strip():
        raise UsageError(f"There is nothing to diagnose: no Docker engine answers, and {problem}.")
    found = [] if problem else _of_namespace(namespace)
    inspected, logs = diagnose.read_containers()
    return [*found, *docker.analyze(inspected, logs)]


def _of_target(target: str) -> list[Finding]:
    parts = target.strip("/").split("/")
    if len(parts) == 1:
        return _of_container_or_namespace(parts[0])
    if len(parts) == 2 and parts[0].lower() in _KINDS | set(_ALIASES):
        parts = [diagnose.current_namespace(), *parts]
    if len(parts) != 3:
        raise UsageError(f"{target}: use namespace/kind/name, such as shop/deployment/web.")
    return _of_namespace(parts[0], _ALIASES.get(parts[1].lower(), parts[1].lower()), parts[2])


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


# --- runbooks ---------------------------------------------------------------------------------------------


def runbooks_command(words: Sequence[str], folders: Sequence[Path], out: TextIO) -> None:
    """Lists, shows, searches or adds runbooks.

    Raises:
        UsageError: An unknown action or runbook, or a file that is none.
    """
    action, arguments = (words[0], words[1:]) if words else ("list", ())
    runbooks = runbook_library.load(folders)
    if action == "list" and not arguments:
        _print_titles(runbooks.values(), out)
    elif action == "show" and len(arguments) == 1:
        if arguments[0] not in runbooks:
            raise UsageError(f"There is no runbook {arguments[0]}. See devops-agent runbooks list.")
        print(runbooks[arguments[0]].text.rstrip(), file=out)
    elif action == "search" and arguments:
        _print_titles((r for r, _ in runbook_library.search(runbooks, " ".join(arguments))), out)
    elif action == "add" and len(arguments) == 1:
        print(f"Added {_added(Path(arguments[0]), folders[0])}", file=out)
    else:
        raise UsageError("Use: devops-agent runbooks [list | show NAME | search WORDS | add FILE.md]")


def _print_titles(runbooks: Iterable[runbook_library.Runbook], out: TextIO) -> None:
    for runbook in runbooks:
        print(f"{runbook.name:32} {runbook.title}", file=out)


def _added(path: Path, folder: Path) -> Path:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from error
    target = folder / f"{path.stem}.md"
    if not runbook_library.parse(path.stem, text):
        raise UsageError(f"{path} has no title. Its first line must be: # What it does")
    if target.exists():
        raise UsageError(f"{target} exists already. Remove it first, or choose another name.")
    folder.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return target


# --- policy -----------------------------------------------------------------------------------------------


def policy_command(words: Sequence[str], stdin: Iterable[str], out: TextIO) -> None:
    """Prints what a command does, the part that decides, and the rule.

    Args:
        words: `["--json"] COMMAND`; `-` reads one command a line.
        stdin: The commands for `-`.
        out: Where it is printed; with `--json` one object a line.

    Raises:
        UsageError: There is no command.
    """
    as_json = "--json" in words
    rest = [word for word in words if word != "--json"]
    if not rest or not " ".join(rest).strip():
        raise UsageError('Name a command: devops-agent policy explain "kubectl delete pod web".')
    given = (line.rstrip("\n") for line in stdin) if rest == ["-"] else [" ".join(rest)]
    lookup = Machine()
    for command in given:
        verdict = classify(command, lookup)
        print(_as_json(command, verdict) if as_json else _as_text(verdict), file=out)


def _as_json(command: str, verdict: Verdict) -> str:
    told = {
        "command": command,
        "effect": str(verdict.effect),
        "part": verdict.part,
        "rule": verdict.rule,
        "secret": verdict.secret,
    }
    return json.dumps(told, ensure_ascii=False)


def _as_text(verdict: Verdict) -> str:
    lines = [
        f"effect: {verdict.effect}",
        f"part:   {verdict.part}",
        f"rule:   {verdict.rule or 'reads only'}",
    ]
    return "\n".join([*lines, f"secret: {'yes' if verdict.secret else 'no'}"])


# --- audit and undo ---------------------------------------------------------------------------------------


def audit_command(words: Sequence[str], path: Path, out: TextIO) -> None:
    """Prints the audit log: `[--since 2h] [--effect EFFECT] [--json]`.

    Raises:
        UsageError: A flag that makes no sense.
    """
    options = _options("audit", ("--since", "--effect"), ("--json",), words)
    try:
        since = audit.moment(options["--since"]) if "--since" in options else None
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{options['--since']!r} is no time. Use 30m, 2h, 7d or 2030-01-31.") from error
    effect = options.get("--effect", "")
    if effect not in ("", *map(str, Effect)):
        raise UsageError(f"{effect!r} is no effect. Use one of {', '.join(map(str, Effect))}.")
    for record in audit.records(path, since, effect):
        print(json.dumps(record, ensure_ascii=False) if "--json" in options else _line(record), file=out)


def _line(record: Mapping[str, Any]) -> str:
    shown = call_line(str(record.get("tool")), record.get("arguments") or {}).replace("\n", "\\n")
    code = "" if record.get("exit_code") is None else f" exit {record['exit_code']}"
    decided = f"{record.get('decision')} by {record.get('by')}"
    return f"{str(record.get('time'))[:19]} {record.get('effect', ''):<11} {decided:<16}{code} {shown}"


def undo_command(words: Sequence[str], store: UndoStore, out: TextIO, ask: Callable[[str], bool]) -> None:
    """Shows what the last run changed in files, and gets them back: `[--yes]`.

    Raises:
        UsageError: There is nothing to undo, or a file cannot be written.
    """
    options = _options("undo", (), ("--yes",), words)
    hide = Redactor()
    found = store.last()
    if found is None:
        raise UsageError("There is nothing to undo: no file is kept that is another one now.")
    run, files = found
    newer = [kept for kept in files if kept.is_newer]
    for kept in files:
        what = "removed, for it was not there before" if kept.was is None else "as it was before"
        what += "; it was changed after the run" if kept in newer else ""
        print(f"{kept.path}: {what}\n{hide(kept.difference())}", file=out)
    out.flush()
    if "--yes" in options:
        files = [kept for kept in files if kept not in newer]
    elif not ask(f"Restore {len(files)} file{'s' * (len(files) > 1)}? [y/n]: "):
        return
    failed = [f"{kept.path} cannot be restored: {error}." for kept in files if (error := _restored(kept))]
    if failed:
        raise UsageError(" ".join(failed))
    if "--yes" in options and newer:
        names = ", ".join(str(kept.path) for kept in newer)
        print(
            f"Left as it is: {names}. Without --yes, undo asks for what was changed after the run.", file=out
        )
        return
    store.forget(run)
    print("Restored.", file=out)


def _restored(kept: Kept) -> str:
    """Restores a file; why that failed, or ""."""
    try:
        kept.restore()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _options(
    name: str, valued: Sequence[str], switches: Sequence[str], words: Sequence[str]
) -> dict[str, str]:
    """The flags of a subcommand.

    Raises:
        UsageError: There is another one, or one lacks its value.
    """
    options: dict[str, str] = {}
    rest = list(words)
    while rest:
        flag, equals, value = rest.pop(0).partition("=")
        if flag in switches and not equals:
            options[flag] = ""
        elif flag in valued and (equals or rest):
            options[flag] = value if equals else rest.pop(0)
        else:
            known = ", ".join((*valued, *switches))
            raise UsageError(f"{flag!r} is no flag of {name}, or lacks its value. Known: {known}.")
    return options
