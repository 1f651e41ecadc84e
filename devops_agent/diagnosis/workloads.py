"""Why workloads lack pods: quotas, service accounts, failed jobs, suspended schedules, autoscalers."""

import re
from collections.abc import Iterator

from devops_agent.diagnosis.finding import Finding, listed, one_line, telling_lines
from devops_agent.diagnosis.objects import Object, Objects, conditions, name, part


def analyze(objects: Objects) -> Iterator[Finding]:
    """Findings about what makes pods."""
    for kind in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
        for item in objects.all(kind):
            yield from _without_pods(objects, item)
    for deployment in objects.all("Deployment"):
        yield from _rollout(objects, deployment)
    for job in objects.all("Job"):
        yield from _job(objects, job)
    for kind in ("CronJob", "Job"):
        for item in objects.all(kind):
            if part(item, "spec").get("suspend"):
                yield _suspended(objects, item)
    for scaler in objects.all("HorizontalPodAutoscaler"):
        yield from _autoscaler(objects, scaler)


# --- pods that are not made -------------------------------------------------------------------------------


def _without_pods(objects: Objects, item: Object) -> Iterator[Finding]:
    kind, spec, status = item["kind"], part(item, "spec"), part(item, "status")
    subject = f"{kind.lower()} {name(item)}"
    wanted = _wanted(item)
    if wanted == 0 and kind in ("Deployment", "StatefulSet"):
        up = f"kubectl -n {objects.namespace} scale {kind.lower()}/{name(item)} --replicas=1"
        yield Finding(subject, "it is scaled to 0 replicas.", "spec.replicas is 0", up)
        return
    if wanted == 0 and kind == "DaemonSet":
        selector = part(spec, "template", "spec", "nodeSelector")
        asks = listed(f"{key}={value}" for key, value in selector.items())
        yield Finding(subject, f"no node is to run it; its nodeSelector: {asks}.")
        return
    has = sum(not pod["metadata"].get("deletionTimestamp") for pod in objects.owned_by("Pod", item))
    newest = (status.get("updatedReplicas") or 0) if kind == "Deployment" else has
    told = _refusal(objects, item)
    if told and min(has, newest) < wanted:
        why, create = _why_refused(objects, told)
        yield Finding(subject, f"it has {min(has, newest)} of {wanted} pods: {why}", one_line(told), create)


def _wanted(item: Object) -> int:
    spec, status = part(item, "spec"), part(item, "status")
    if item["kind"] == "DaemonSet":
        desired = status.get("desiredNumberScheduled")
        return 1 if desired is None else int(desired)
    if item["kind"] == "Job":
        over = any(conditions(item, "Complete", "True")) or any(conditions(item, "Failed", "True"))
        return 0 if over or spec.get("suspend") else 1
    replicas = spec.get("replicas")
    return 1 if replicas is None else int(replicas)


def _refusal(objects: Objects, item: Object) -> str:
    """Why the API server refuses the newest pods; "" when it does not."""
    for maker in (*objects.owned_by("ReplicaSet", item), item):
        if told := next(iter(objects.warnings(maker, "FailedCreate")), ""):
            return told
    failure = next(conditions(item, "ReplicaFailure", "True"), {})
    return str(failure.get("message") or "")


def _why_refused(objects: Objects, told: str) -> tuple[str, str]:
    if match := re.search(r"exceeded quota: ([\w.-]+), (.*)", told):
        return f"the quota {match[1]} allows no more pods ({one_line(match[2])}).", ""
    if match := re.search(r"failed quota: ([\w.-]+): (must specify .*)", told):
        return f"by the quota {match[1]} its containers {one_line(match[2])}.", ""
    if match := re.search(r'serviceaccount "([\w.-]+)" not found', told):
        create = f"kubectl -n {objects.namespace} create serviceaccount {match[1]}"
        return f"its service account {match[1]} does not exist.", create
    return "they cannot be created.", ""


def _rollout(objects: Objects, deployment: Object) -> Iterator[Finding]:
    space, subject = objects.namespace, f"deployment {name(deployment)}"
    if part(deployment, "spec").get("paused"):
        resume = f"kubectl -n {space} rollout resume deployment/{name(deployment)}"
        updated = f"{part(deployment, 'status').get('updatedReplicas', 0)} pods have the newest version"
        yield Finding(subject, "its rollout is paused.", updated, resume)
    for condition in conditions(deployment, "Progressing", "False"):
        if condition.get("reason") == "ProgressDeadlineExceeded":
            has_older = len(objects.owned_by("ReplicaSet", deployment)) > 1
            undo = f"kubectl -n {space} rollout undo deployment/{name(deployment)}" if has_older else ""
            yield Finding(subject, "its rollout is stuck.", one_line(condition.get("message") or ""), undo)


# --- jobs and autoscalers ---------------------------------------------------------------------------------


def _suspended(objects: Objects, item: Object) -> Finding:
    kind = item["kind"].lower()
    resume = f'kubectl -n {objects.namespace} patch {kind} {name(item)} -p \'{{"spec":{{"suspend":false}}}}\''
    starts = "no jobs" if kind == "cronjob" else "no pods"
    return Finding(
        f"{kind} {name(item)}", f"it is suspended, so it starts {starts}.", "spec.suspend is true", resume
    )


def _job(objects: Objects, job: Object) -> Iterator[Finding]:
    spec = part(job, "spec")
    for condition in conditions(job, "Failed", "True"):
        reason = condition.get("reason") or ""
        backoff, deadline = spec.get("backoffLimit"), spec.get("activeDeadlineSeconds")
        why = {
            "BackoffLimitExceeded": f"its pods failed more often than its backoffLimit ({backoff}) allows",
            "DeadlineExceeded": f"it ran longer than its activeDeadlineSeconds ({deadline})",
        }.get(reason, reason)
        pods = set(map(name, objects.owned_by("Pod", job)))
        said = telling_lines("\n".join(log for (pod, _), log in objects.logs.items() if pod in pods))
        message = one_line(condition.get("message") or "")
        yield Finding(f"job {name(job)}", f"it failed: {why}.", f"log: {said}" if said else message)


def _autoscaler(objects: Objects, scaler: Object) -> Iterator[Finding]:
    subject, target = f"horizontalpodautoscaler {name(scaler)}", part(scaler, "spec", "scaleTargetRef")
    kind, wanted = str(target.get("kind")), str(target.get("name"))
    if kind in ("Deployment", "StatefulSet") and objects.lacks(kind, wanted):
        there = objects.there_are(kind)
        yield Finding(subject, f"it cannot scale: its {kind.lower()} {wanted} does not exist{there}.")
        return
    for problem in (
        *conditions(scaler, "AbleToScale", "False"),
        *conditions(scaler, "ScalingActive", "False"),
    ):
        message = one_line(problem.get("message") or "")
        yield Finding(subject, f"it cannot scale: {problem.get('reason', '')}.", message)
        return


def quotas(objects: Objects) -> Iterator[Finding]:
    """Quotas that are used up."""
    for quota in objects.all("ResourceQuota"):
        hard, used = part(quota, "status", "hard"), part(quota, "status", "used")
        full = [f"{key} {used.get(key)} of {hard[key]}" for key in hard if used.get(key) == hard[key] != "0"]
        if full:
            yield Finding(f"resourcequota {name(quota)}", f"it is used up: {listed(full)}.")
