"""The fields of recipes: what each may hold, and what a task says when it wants one that is optional."""

PAIRS = "pairs"
# The format of a field's value, of those in `devops_agent.constraints`.
FORMAT_OF = {
    **dict.fromkeys(
        """namespace deployment statefulset daemonset pod service container name configmap secret job cronjob
 pvc serviceaccount role ingress storageclass node release volume network""".split(),
        "name",
    ),
    **dict.fromkeys("cpu memory size cpu_request memory_request cpu_limit memory_limit".split(), "quantity"),
    PAIRS: "pair",
    **dict.fromkeys(("path", "http_path", "key_file", "certificate_file", "pid_file"), "path"),
    "image": "image",
    "verbs": "verbs",
    "resources": "resources",
    **dict.fromkeys(("mode", "folder_mode", "file_mode"), "mode"),
    **dict.fromkeys(("extension", "new_extension"), "extension"),
    "schedule": "schedule",
    "status": "status",
    "frequency": "frequency",
    "restart_policy": "restart policy",
    "log_files": "line",
}
# What names files: no number of a task is meant by it.
PATHS = frozenset(
    "archive directory env_file file folder key_file certificate_file pid_file member source target".split()
)
NUMBERS = frozenset(
    """port target_port node_port replicas min max percent minutes revision seconds period threshold
 completions parallelism retries uid pods successful failed days count lines first last""".split()
)
# A file that is here already.
IS_THERE = frozenset({"start_file", "env_file", "example_file", "file_that_wins"})
# What a task says when it wants an option. A field without a cue is wanted when its value is in the task.
CUES = {
    PAIRS: r"=|\benv|variable",
    "network": r"\bnetwork",
    "pid_file": r"\bpid\b|\.pid\b",
    "concurrency": r"overlap|concurren|\bstill\b|at once|same time|parallel",
    "command": r"command|sleep|execut|echo|print|script|show|loop|\bsays?\b|argument",
    "port": r"\bport|\d{2,5}",
    "target_port": r"\bport|\d{2,5}",
    "labels": r"\blabel",
    "replicas": r"\d|replica|instance|two|three",
    "maintainer": r"maintain|author|label",
    "install": r"install|package|\bpip\b|\bapt",
    "file": r"\bcop|\bfile|script|\bapp",
    "restart_policy": r"\brestart|\breboot|\bboot\b|\balways\b|\bunless\b",
    "volume": r"\bvolume",
    "user": r"\buser\b|\buid\b|\broot\b",
    "memory": r"memory|\bram\b|\d ?[MG]i?B?\b",
    "cpu": r"\bcpu|\bcores?\b",
    "container": r"\bcontainer",
    "extension": r"(?<!\S)\*?\.[a-z0-9]{1,8} files?\b",
    "env_file": r"\.env\b|\benv(?:ironment)? file|\bvariables (?:from|of|in)\b",
    "excluded": r"\bwithout\b|\bexcept|\bexclud|\bbut (?:not|leave)|\bleave out|\bno \w+ in it",
}
