"""Why volume claims are not bound."""

from collections.abc import Iterator

from devops_agent.diagnosis.finding import Finding, listed, one_line
from devops_agent.diagnosis.objects import Object, Objects, name


def analyze(objects: Objects) -> Iterator[Finding]:
    """One finding for each claim that is not bound."""
    for claim in objects.all("PersistentVolumeClaim"):
        if claim.get("status", {}).get("phase") in ("Pending", "Lost"):
            yield _claim(objects, claim)


def _claim(objects: Objects, claim: Object) -> Finding:
    subject = f"persistentvolumeclaim {name(claim)}"
    wanted = claim["spec"].get("storageClassName")
    classes = objects.names("StorageClass")
    told = one_line(next(iter(objects.warnings(claim)), ""))
    default = [c for c in objects.all("StorageClass") if _is_default(c)]
    if wanted and wanted not in classes:
        cause = f"it is not bound: its storage class {wanted} does not exist (there are: {listed(classes)})."
        return Finding(subject, cause, told)
    if wanted is None and not default:
        cause = f"it is not bound: it names no storage class, and none of {listed(classes)} is the default."
        return Finding(subject, cause, told)
    found = objects.find("StorageClass", wanted or "")
    if found and found.get("volumeBindingMode") == "WaitForFirstConsumer":
        return Finding(subject, "it is bound once a pod mounts it (WaitForFirstConsumer).", told)
    return Finding(subject, f"it is {claim['status']['phase']}.", told)


def _is_default(storage_class: Object) -> bool:
    notes = storage_class["metadata"].get("annotations") or {}
    return bool(notes.get("storageclass.kubernetes.io/is-default-class") == "true")
