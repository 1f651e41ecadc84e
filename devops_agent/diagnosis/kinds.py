"""What kubectl calls the kinds of objects, by each of the names that people type."""

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
KINDS = frozenset(_ALIASES.values())


def kind_of(word: str) -> str:
    """The kind that `po`, `deploy` or `deployments.apps` means; the word itself where it is none of these."""
    name = word.lower().partition(".")[0]
    return _ALIASES.get(name, name)
