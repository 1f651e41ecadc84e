"""Which runbooks suit a task, by what they run and make and by what the task speaks of.

A recipe that is offered is taken, so one that is about something else does harm: it is left out.
"""

import re
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path

from devops_agent import grounding
from devops_agent.files import is_file
from devops_agent.grounding import repository
from devops_agent.grounding.task_words import CREATES
from devops_agent.patterns import regex
from devops_agent.runbook_library import OPTION, Runbook

# What recipes make, by the names that are known when it is there; and a task that wants one more.
_MAKES = {
    "container": regex(r"docker run\b.*--name \{container\}"),
    "directory": regex(r"^mkdir -p -- \{directory\}", re.MULTILINE),
    "network": regex(r"^docker network create \{network\}", re.MULTILINE),
    "volume": regex(r"^docker volume create \{volume\}", re.MULTILINE),
}
# Where the task names none of these, a recipe for one is about something else.
_VALUES = {
    "port": regex(r"(?i:\bports?\b)|\b\d{2,5}\b"),
    "url": regex(r"(?i:\burls?\b)|https?:"),
    "configmap": regex(r"(?i)\bconfig ?maps?\b|\bcm\b"),
    "days": regex(r"(?i)\b(?:days?|weeks?|older|age|ago)\b|\b(?:months?|years?) old\b|\bthan an? \w+"),
}
_KINDS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")
# What makes an object in the cluster, by the placeholder of its name.
_CREATES_OBJECT = (
    r"create {0}(?: \w+)? \{{{0}\}}|^kind: \w+\nmetadata:\n  name: \{{{0}\}}|kubectl \S+ \S+ run \{{{0}\}}"
)
# That an object itself is to go, and not something in it or on it.
_OF_OBJECT = (
    r"(?!['’]s\b)(?! (?:ports?|keys?|labels?|annotations?|images?|limits?|accounts?|probes?|selectors?"
    r"|quotas?|polic\w+|rules?|entr\w+|values?|env\w*|variables?|volumes?|pods?|containers?|finalizers?|bindings?|roles?"
    r"|logs?|events?|replicas?|history|revisions?)\b)"
)
_DELETED = {
    kind: regex(
        r"\b(?:delete|remove|drop|rid of|wipe|purge|decommission|tear down) "
        rf"(?:(?!(?:from|of|in|on|to|with|key|image)\b)[\w-]+ ){{0,3}}?(?:{said})\b{_OF_OBJECT}",
        re.IGNORECASE,
    )
    for kind, said in {
        "job": "job",
        "cronjob": "cron ?job",
        "deployment": "deployment",
        "service": "service",
        "configmap": "config ?map",
        "secret": "secret",
        "ingress": "ingress",
        "pvc": "pvc|claim",
        "namespace": "namespace",
        "pod": "pods?",
    }.items()
}
# What a task must speak of for a recipe that runs the program.
_PROGRAMS = {
    regex(runs, re.MULTILINE): said
    for runs, said in {
        r"^git ": repository.GIT,
        r"^docker system df": regex(
            r"docker|\b(?:images?|containers?|volumes?|build cache)\b", re.IGNORECASE
        ),
        r"^du -xh --max-depth=2": regex(
            r"\b(?:full|fills?|filling|space|big\w*|large\w*|most|clean\w*|eats?|takes|uses up|what)\b",
            re.IGNORECASE,
        ),
        r"^git restore .* :/$": regex(r"\b(?:all|every\w*|entire|whole|reset)\b", re.IGNORECASE),
        r"\bhttp\.server\b": regex(r"\b(?:serv(?:e|es|ing)|host|https?|web)\b", re.IGNORECASE),
        r"^mkdir -p -- \{directory\}": regex(
            r"\b(?:(?:sub)?(?:folder|director)(?:s|y|ies)?|dirs?|mkdir)\b|\w/(?=[\s,.;]|$)", re.IGNORECASE
        ),
        r"Dockerfile": regex(r"\b(?:dockerfile|images?|(?:docker|contain)eri[sz]e|build)\b", re.IGNORECASE),
        r"```bash\n.*\bchmod ": regex(
            r"\b(?:permissions?|modes?|chmod|execut\w*|run(?:nable)?|read\w*|writ\w*|owner|access\w*|lock|rights?|private"
            r"|start|[0-7]{3,4})\b",
            re.IGNORECASE,
        ),
        r"xargs -0r sha256sum": regex(r"\b(?:every\w*|all|each|files)\b", re.IGNORECASE),
        r"(?:live|readi)nessProbe|startupProbe": regex(
            r"\bprobes?\b|\bhealth|\b(?:live|readi)ness", re.IGNORECASE
        ),
        # of a kind they are counted by another one
        r"^find \S+ -type f \| wc -l": regex(
            r"\b(?:how many|number of|count(?: all)?) (?:(?:the|regular) )?files\b"
            r"(?! (?:that|which|with|named|called|ending))",
            re.IGNORECASE,
        ),
        r"find \S+ -type f -printf '%s": regex(r"\bfiles?\b", re.IGNORECASE),
        r"nodeSelector": regex(r"\bnodes?\b|\bselector|\bpin\b", re.IGNORECASE),
        r"kind: LimitRange": regex(r"\bdefaults?\b|\blimit ?range|\b(?:each|per) container", re.IGNORECASE),
        r"custom-columns=:metadata.name": regex(r"\bnames\b|\blist\b", re.IGNORECASE),
        r"delete pod \S+ .*--force": regex(r"\bstuck\b|\bterminat|\bforce|\bhang", re.IGNORECASE),
        r"[nN]odePort": regex(
            r"\bnode ?ports?\b|\boutside\b|\bextern|\bfrom (?:my|the) (?:machine|host|laptop|browser)\b"
            r"|\b3\d{4}\b",
            re.IGNORECASE,
        ),
        r"-keyout \{key_file\}": regex(r"\w\.(?:key|pem)\b"),
        r"-keyout \{domain\}": regex(r"\A(?!.*\w\.(?:key|pem)\b)", re.DOTALL),
        r"get \{kind\} \{name\} -o yaml": regex(
            r"\A(?!.*\b(?:generate|draft|write (?:me )?an?|new|create)\b)", re.IGNORECASE | re.DOTALL
        ),
        r"^touch ": regex(r"\bempty (?:text )?file\b|\btouch\b", re.IGNORECASE),
        r"^useradd ": regex(r"\b(?:new|create|add|make)\b[^.;]{0,20}\b(?:user|account)\b", re.IGNORECASE),
        r"git commit --amend": regex(
            r"\b(?:amend\w*|reword\w*|(?:last|latest|previous|newest) (?:git )?commit|typo|wrong|forg[eo]t\w*"
            r"|message of|commit message)\b",
            re.IGNORECASE,
        ),
        # several files are committed, and renamed, by other recipes
        r"^git commit .* -- \{file\}": regex(
            r"\A(?!.*\bcommit (?:them|both|all|everything|these|those|(?:the|my|our) changes)\b)", re.I | re.S
        ),
        r"^mv -nv -- \{source\}": regex(
            r"\A(?!.*\b(?:all|every|each) (?:the )?[.\w]+ files?\b)", re.I | re.S
        ),
        r" exec \{(?:container|pod)\} (?:sh -c '|-- )\{command\}": regex(
            r"\b(?:run|exec\w*|commands?|inside|within|call|invoke|shell)\b|[`'\"]"
            r"|\b(?:in|into|from|of|on) (?:(?:the|a|my|its|docker|running) )*(?:container|pod)\b",
            re.IGNORECASE,
        ),
        # in the other direction
        r" cp \{file\} \{(?:pod|container)\}:": regex(
            r"\A(?!.*\b(?:from|out of) (?:the |a |my |docker |running )*(?:pods?|containers?)\b)", re.I | re.S
        ),
        r" cp \{(?:pod|container)\}:": regex(
            r"\A(?!.*\b(?:in)?to (?:the |a |my |docker |running )*(?:pods?|containers?)\b)", re.I | re.S
        ),
        r"^helm ": regex(r"\b(?:helm|charts?)\b", re.IGNORECASE),
        r"\bcrontab ": regex(r"\bcron|\bschedul|\bevery\b|\bdaily|\bnight|\bhourly|\bweek", re.IGNORECASE),
        r"^(?:nginx|.*/nginx/)": regex(r"\bnginx|\bproxy|\bsite", re.IGNORECASE),
        r"^(?:systemctl|journalctl) ": regex(
            r"\b(?:services?|systemd|units?|boot|journal\w*|daemons?|systemctl|timers?|servers?|logs?)\b",
            re.IGNORECASE,
        ),
    }.items()
}
# What a task must speak of for a Dockerfile that starts from the image, or what must be in the directory.
_APPLICATIONS = {
    regex(rf"^FROM {image}\b", re.MULTILINE): (regex(said, re.IGNORECASE), files.split())
    for image, said, files in (
        ("node", r"\bnode|\bnpm\b|\bexpress\b|\bjavascript|\btypescript|\bjs\b", "package.json *.js *.ts"),
        ("python", r"\bpy(?:thon)?|\b(?:flask|django|fastapi|pip)\b", "*.py requirements.txt pyproject.toml"),
        ("golang", r"\bgo(?:lang)?\b", "go.mod *.go"),
        ("nginx", r"\bstatic|\bhtml|\b(?:web ?)?(?:site|page)|\bnginx", "*.html */index.html"),
    )
}
# A recipe that edits this file needs it.
_EDITS_DOCKERFILE = regex(r"\bsed -i\b.* Dockerfile$|>> Dockerfile\b", re.MULTILINE)
# A recipe that makes one, and a task that has one.
_WRITES_DOCKERFILE = regex(r"^Write Dockerfile:", re.MULTILINE)
_CHANGES_DOCKERFILE = regex(
    r"\b(?:chang|edit|modif|adapt|adjust|extend|updat|fix|add)\w*\b[^.;]*\bDockerfile\b"
    r"(?! (?:for|that|which) )",
    re.IGNORECASE,
)
# A task without one of these wants nothing new.
_CREATES = regex(
    rf"{CREATES.pattern}|\b(?:another|build|deploy|define|issue|like|prepare|provide|request"
    r"|reserve|store|tag(?= the commit| it| that| this| release)|(?:docker|container)i[sz]e"
    r"|(?:put|save)\b.*\binto an?|(?:put|set) an?|wants?|as an?)\b",
    re.IGNORECASE,
)
_CREATED = "creat"
# "# in a stateful set: kubectl …"
_ALTERNATIVE = regex(r"^# .*", re.MULTILINE)
# What is told beside the commands.
_BESIDE = regex(r"^(?:Pitfall|Verify): .*(?:\n(?!\n|#|```).*)*", re.MULTILINE)
_RUNS = regex(r"\b(?:run|create|launch|spin up|another|new)\b", re.IGNORECASE)


def suiting(
    task: str, known: Collection[str], there: Collection[str], directory: Path
) -> Callable[[Runbook], bool]:
    """Tells of a runbook whether a task may mean it.

    Args:
        task: The task.
        known: The placeholders whose values are known.
        there: Those of them that name what is there already.
        directory: The working directory.
    """
    unwanted = [] if _RUNS.search(task) else [makes for name, makes in _MAKES.items() if name in there]
    unwanted += [regex(_CREATES_OBJECT.format(name), re.MULTILINE) for name in there]
    unwanted += [
        regex(rf" delete {kind} \{{(?!.*--force)") for kind, said in _DELETED.items() if not said.search(task)
    ]
    foreign = [runs for runs, said in _PROGRAMS.items() if not said.search(task)]
    nothing_new = not _CREATES.search(task)
    if not is_file(directory / "Dockerfile"):
        foreign.append(_EDITS_DOCKERFILE)
    elif _CHANGES_DOCKERFILE.search(task):
        foreign.append(_WRITES_DOCKERFILE)
    foreign += [
        start
        for start, (said, files) in _APPLICATIONS.items()
        if not said.search(task) and not any(_holds(directory, pattern) for pattern in files)
    ]
    values = [name for name, said in _VALUES.items() if not said.search(task)]
    if "namespace" in known:
        values += [kind.lower() for kind in _KINDS if not grounding.speaks_of(kind, task)]
    strange = [f"{{{name}}}" for name in values if name not in known]

    @cache
    def suits(runbook: Runbook) -> bool:
        text = _BESIDE.sub("", runbook.text)
        # what users have written is about what they say it is
        foreign_to_it = (nothing_new and runbook.verb == _CREATED) or any(
            runs.search(text) for runs in foreign
        )
        if runbook.own and foreign_to_it:
            return False
        needed = OPTION.sub("", _ALTERNATIVE.sub("", text))
        return not any(value in needed for value in strange) and not any(u.search(text) for u in unwanted)

    return suits


def _holds(directory: Path, pattern: str) -> bool:
    try:
        return any(directory.glob(pattern))
    except OSError:
        return False
