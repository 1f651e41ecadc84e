"""What the words of a task tell: its field, whether something is wrong, and what may be a name or a path."""

import re

from devops_agent.patterns import regex

KUBERNETES = regex(
    r"(?<![\w-])(?:kube[\w-]*|k8s|pods?|deployments?|namespaces?|replicas?|config ?maps?|secrets?"
    r"|ingress(?:es)?"
    r"|(?:cron ?)?jobs?|rollouts?|roll(?:ed)? back|stateful ?sets?|daemon ?sets?|service ?accounts?|services?"
    r"|svc|deploy(?=/)|crash ?loop\w*|imagepull\w*|errimage\w*|oom ?killed|evicted"
    r"|(?:persistent ?)?volume claims?|pvcs?|liveness|readiness|network polic(?:y|ies)|hpa|autoscal\w+"
    r"|nodes?|quotas?)(?![\w-]|=\w)",
    re.IGNORECASE,
)
# Of these words nothing but Kubernetes has the meaning.
_KUBERNETES_FIRST = regex(
    r"\b(?:kube\w*|k8s|pods?|deployments?|namespaces?|config ?maps?|ingress(?:es)?|statefulsets?|daemonsets?"
    r"|service ?accounts?|pvcs?|helm)\b",
    re.IGNORECASE,
)
_IN_CLUSTER = regex(rf"{KUBERNETES.pattern}|\bcluster\b", re.IGNORECASE)
_SYSTEMD = regex(r"\b(?:systemd|systemctl|journalctl)\b|\w\.service\b", re.IGNORECASE)
DOCKER = regex(
    r"(?<![\w-])(?:docker(?:-compose)?|containers?|images?|compose|dockerfile|volumes?|networks?)(?![\w-])",
    re.IGNORECASE,
)
FILES = regex(
    r"\b(?:files?|folders?|director(?:y|ies)|dockerfile|compose|build|script|here|app(?:lication)?"
    r"|repo(?:sitory)?|git)\b",
    re.IGNORECASE,
)
CERTIFICATES = regex(r"\b(?:certificates?|certs?|tls|ssl)\b", re.IGNORECASE)
_TROUBLE = regex(
    r"\b(?:why|fix|correct(?= (?:the|its|this|that|it)\b)|wrong|fail\w*|crash\w*|\w*backoff"
    r"|broken|repair|restart(?:s|ing)|stuck|pending|evicted"
    r"|not (?:working|ready|running|reachable|start\w*)|(?:ca|do|does|did|has|have|is|are|wo)n?['’]t|cannot"
    r"|unhealthy|(?:is|are|was|were|went|goes) down|refused?|errors?|problems?|trouble|debug"
    r"|port (?:\d+ )?(?:is |already |still |keeps? )*(?:in use|taken|occupied|busy|blocked)"
    r"|denied|diagnos\w+|reason|exits?|(?:oom)?killed)\b",
    re.IGNORECASE,
)
# It takes for granted that a thing does not run; of one that is slow nothing is known.
ASKS_WHY_DOWN = regex(
    r"\bwhy\b[^.?!]*(?:(?:\bnot\b|n['’]t\b)[^.?!]*\b(?:start\w*|run\w*|ready|up|available|healthy|work\w*)\b"
    r"|\b(?:down|crash\w*|unhealthy|broken|restarts|restarting|pending|stuck)\b)",
    re.IGNORECASE,
)
LOGS = regex(r"\blogs?\b|\blogged\b|\berrors?\b|\bexceptions?\b|\bwarnings?\b", re.IGNORECASE)
# Such a task is about all lines of a log, and not about what they tell.
COUNTS = regex(r"\b(?:how (?:many|often)|count|number of|sum|total)\b", re.IGNORECASE)
CREATES = regex(
    r"\b(?:create|add|make|new|(?<!n['’]t )(?<!not )(?<!no )need|run|start|write|set up|expose|stand up"
    r"|spin up|bring up|draft|launch|generate|deploy(?= (?:an?|the|my|our|\S+:\S+)\b))\b",
    re.IGNORECASE,
)
# What a task calls the kinds whose objects are told by name.
KINDS = {
    "Deployment": "deploy(?:ment)?",
    "StatefulSet": "stateful ?set|sts",
    "DaemonSet": "daemon ?set",
    "Pod": "pod",
    "Service": "service|svc",
    "ConfigMap": "config ?map",
    "PersistentVolumeClaim": "(?:persistent ?)?(?:volume ?)?claim|pvc",
    "Job": "(?<!cron )job",
    "CronJob": "cron ?job",
    "Ingress": "ingress",
}
# "nightly.sh", "./conf/app.ini", "/etc/hosts", "Dockerfile"
PATH = regex(
    r"(?<![\w./:@~-])((?:~|\.{1,2})?/?(?:[\w.-]+/)*(?:[\w-][\w.-]*\.[A-Za-z]\w{0,9}|Dockerfile|Makefile|\.[a-z][\w-]{2,}"
    r"|[a-z]+_config|(?:Jenkins|Vagrant|Caddy|Proc|Gem|Brew|Tilt)file)|\.{1,2}/(?:[\w.-]+/)*[\w-]+|/(?:[\w.-]+/)+[\w.-]*\w)(?![\w/])"
)
_WORD = regex(r"[A-Za-z0-9][\w./:-]*[\w]|[A-Za-z0-9]")
# "nginx:1.27", "registry.local:5000/team/web:2"
IMAGE = regex(r"(?<![\w/:.-])(?=[\w./-]*[a-z])((?:[\w.-]+(?::\d+)?/)*[\w.-]+:(?!//)[\w.-]*\w)")
# An IPv4 address, as it looks.
ADDRESS = regex(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
# "deployment/web", but no path
_PARTS = regex(r"(?<![\w./~-])[A-Za-z][\w-]*(?:/[a-z0-9][a-z0-9-]*){1,2}(?![\w/])(?!\.\w)")
# What follows the word for a kind and is no name.
NO_NAMES = frozenset(
    """in on of from to with without and or but nor the a an is are was were has have had that this these
 those which who what where when while how why whose it its for by at as be been so if then than not no never
 only also still just does doesn't do don't did can can't cannot could may might must needs need should
 will would won't isn't keeps keep kept stays stay goes go gets get fails fail crashes crash restarts
 restart runs run starts start stops stop exits exit ends dies hangs waits wait works work uses use shows
 show says say logs log listens returns answers sends reads writes takes holds lacks comes came seems
 looks became becomes remains points selects matches mounts pulls responds belongs exists finishes finish
 ran began depends refuses account accounts policy policies limit limits probe probes budget budgets
 disruption name names named called object objects template templates selector selectors port ports claim
 claims spec specs status statuses manually first last again now today yesterday here there up down out
 back over after before between during under per all any each every some both one two three many more
 most other another new old same label labels annotation annotations event events image images replica
 replicas resource resources memory cpu disk volume volumes network networks security context rollout
 rollouts revision revisions history strategy manifest manifests file files yaml json definition
 configuration config settings setting environment variables variable command commands container
 containers pod pods deployment deployments service services endpoint endpoints address ip type types
 count counts number list phase state health key keys value values data owner node nodes namespace
 namespaces quota quotas secret secrets schedule schedules because since until via into onto inside
 within against behind about like right wrong properly correctly successfully always often sometimes once
 twice forever fine ok okay ready unready healthy unhealthy stuck pending unavailable traffic
 network level afterwards afterward beforehand meanwhile instead immediately""".split()
)
_LONGEST_PATH = 300


def tells_of_trouble(task: str) -> bool:
    """Whether a task is about something that does not work."""
    return bool(_TROUBLE.search(task))


# "start redis:7 as cache"
_RUNS_IMAGE = regex(
    rf"\b(?:run|start|launch|spin up|bring up) (?:an? |the |one |another )?{IMAGE.pattern}", re.IGNORECASE
)


def field_of(task: str) -> str:
    """What a task is about, by its words: `kubernetes`, `docker` or `system`."""
    if _SYSTEMD.search(task):
        return "system"
    if _KUBERNETES_FIRST.search(task):
        return "kubernetes"
    if DOCKER.search(task) or (_RUNS_IMAGE.search(task) and not KUBERNETES.search(task)):
        return "docker"
    return "kubernetes" if KUBERNETES.search(task) and not PATH.search(task) else "system"


_DOCKER_FIRST = regex(r"\b(?:docker\w*|containers?|compose)\b", re.IGNORECASE)


def rules_out(wish: str) -> str:
    """The field that a wish cannot be about, by its words: `kubernetes`, `docker`, or "" for none."""
    if _KUBERNETES_FIRST.search(wish) and not DOCKER.search(wish):
        return "docker"
    return "kubernetes" if _DOCKER_FIRST.search(wish) and not _IN_CLUSTER.search(wish) else ""


def says_its_field(task: str) -> bool:
    """Whether the words of a task leave no doubt what it is about."""
    return any(said.search(task) for said in (_SYSTEMD, _KUBERNETES_FIRST, _DOCKER_FIRST))


def speaks_of(kind: str, task: str) -> bool:
    """Whether a task speaks of a kind of object, such as `StatefulSet`."""
    return bool(re.search(rf"\b(?:{KINDS[kind]})", task, re.IGNORECASE))


_NAMED = r"[\"'`]?([A-Za-z0-9][\w.-]*\w)"
_HOW_MADE = frozenset(
    """backed based called exposed exposing listening managed named publishing replicated running scaled
 serving using""".split()
)
_MADE = r"(?:create|make|add|start|run|launch|deploy|set up|spin up)"


def given_name(task: str, kind: str = "container|instance") -> str:
    """The name that a task gives to what it makes: "call it web", "a pod named web"; "" for none or several.

    Args:
        task: The task.
        kind: What is made, as a pattern.
    """
    forms = (
        rf"\b(?:call|name)\s+(?:it|this|that|the (?:new )?(?:{kind}))\s+{_NAMED}",
        rf"(?:\b(?:{kind})|\s\S+:\S+)\s+(?:named|called)\s+{_NAMED}",
        rf"\b(?:{_MADE}|as)\s+(?:an? |the )?(?:new )?(?:{kind})\s+{_NAMED}",
        rf"\b(?:{_MADE})\s+(?:an? |the )?(?:\w+ )?\S+:\S+\s+as\s+"
        rf"(?!(?:an?|the|user|root|nobody|daemon|uid|non-root|detached|background|service|it|is)\b){_NAMED}",
    )
    found = {name for form in forms for name in re.findall(form, task, re.IGNORECASE)}
    names = [name for name in found if name.lower() not in NO_NAMES | _HOW_MADE]
    return names[0] if len(names) == 1 else ""


def has_word(text: str, word: str) -> bool:
    """Whether a text has a word as a whole, and not as a part of a name."""
    return bool(_whole(word).search(text))


def with_word(text: str, old: str, new: str) -> str:
    """A text with one word in place of another, where that stands as a whole."""
    return _whole(old).sub(lambda _: new, text)


def _whole(word: str) -> "re.Pattern[str]":
    return re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")


def words_of(task: str) -> set[str]:
    """The words of a task that may be names, and the parts of `deployment/web`."""
    parts = {part for path in _PARTS.findall(task) for part in path.split("/")}
    return {word.strip(".,:;").lower() for word in _WORD.findall(task)} | parts


def paths_in(task: str) -> list[str]:
    """The words of a task that may be paths."""
    return [word for word in dict.fromkeys(re.findall(r"[\w./~-]*[\w/]", task)) if len(word) < _LONGEST_PATH]
