"""Why volume claims are not bound."""

from collections.abc import Iterator

from devops_agent.diagnosis.finding import Finding, listed, one_line
from devops_agent.diagnosis.objects import Object, Objects, claims, name, part


def analyze(objects: Objects) -> Iterator[Finding]:
    """One finding for each claim that is not bound."""
    for claim in objects.all("PersistentVolumeClaim"):
        if part(claim, "status").get("phase") in ("Pending", "Lost"):
            yield _claim(objects, claim)


def _claim(objects: Objects, claim: Object) -> Finding:
    told = one_line(next(iter(objects.warnings(claim)), ""))
    return Finding(f"persistentvolumeclaim {name(claim)}", _why(objects, claim), told)


def _why(objects: Objects, claim: Object) -> str:
    wanted = part(claim, "spec").get("storageClassName")
    if part(claim, "status").get("phase") == "Lost":
        return "it is lost: its volume does not exist any more."
    if wanted and objects.lacks("StorageClass", wanted):
        return (
            f"it is not bound: its storage class {wanted} does not exist{objects.there_are('StorageClass')}."
        )
    if wanted == "":
        return (
            "it is not bound: it names no storage class, so it waits for a volume that somebody makes for it."
        )
    classes = objects.all("StorageClass")
    if wanted is None and classes and not any(map(_is_default, classes)):
        known = listed(map(name, classes))
        return f"it is not bound: it names no storage class, and none of {known} is the default."
    found = objects.find("StorageClass", wanted or "") or {}
    used = any(name(claim) in claims(pod) for pod in objects.all("Pod"))
    if found.get("volumeBindingMode") == "WaitForFirstConsumer" and not used:
        return "it is bound once a pod mounts it (WaitForFirstConsumer)."
    return (
        f"it is not bound, and its provisioner {found.get('provisioner', '')} has made no volume for it yet."
    )


def _is_default(storage_class: Object) -> bool:
    notes = part(storage_class, "metadata", "annotations")
    return bool(notes.get("storageclass.kubernetes.io/is-default-class") == "true")
