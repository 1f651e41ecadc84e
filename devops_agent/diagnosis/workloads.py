"""Why workloads lack pods: quotas, service accounts, failed jobs, suspended schedules, autoscalers."""

import re
from collections.abc import Iterator

from devops_agent.diagnosis.finding import Finding, listed, one_line, telling_lines
from devops_agent.diagnosis.objects import Object, Objects, conditions, name


def analyze(objects: Objects) -> Iterator[Finding]:
    """Findings about what makes pods."""
    for kind in ("Deployment", "StatefulSet", "DaemonSet"):
        for item in objects.all(kind):
            yield from _without_pods(objects, item)
    for deployment in objects.all("Deployment"):
        yield from _paused(objects, deployment)
    for job in objects.all("Job"):
        yield from _job(objects, job)
    for cron in objects.all("CronJob"):
        if cron["spec"].get("suspend"):
            patch = f"kubectl -n {objects.namespace} patch cronjob {name(cron)}"
            resume = f'{patch} -p \'{{"spec":{{"suspend":false}}}}\''
            cause = "it is suspended, so it starts no jobs."
            yield Finding(f"cronjob {name(cron)}", cause, "spec.suspend is true", resume)
    for scaler in objects.all("HorizontalPodAutoscaler"):
        yield from _autoscaler(scaler)


def _without_pods(objects: Objects, item: Object) -> Iterator[Finding]:
    subject = f"{item['kind'].lower()} {name(item)}"
    wanted = item["spec"].get("replicas", item.get("status", {}).get("desiredNumberScheduled", 1))
    if wanted == 0 and item["kind"] != "DaemonSet":
        up = f"kubectl -n {objects.namespace} scale {item['kind'].lower()}/{name(item)} --replicas=1"
        yield Finding(subject, "it is scaled to 0 replicas.", "spec.replicas is 0", up)
        return
    makers = [*objects.owned_by("ReplicaSet", item), item]
    has = len(
        [pod for pod in objects.owned_by("Pod", item) if pod["metadata"].get("deletionTimestamp") is None]
    )
    told = next((m for maker in makers for m in objects.warnings(maker, "FailedCreate")), "")
    if not told or has >= wanted:
        return
    if match := re.search(r"exceeded quota: ([\w.-]+), (.*)", told):
        cause = f"the quota {match[1]} allows no more pods ({one_line(match[2])})."
        yield Finding(subject, f"it has {has} of {wanted} pods: {cause}", one_line(told))
    elif match := re.search(r'serviceaccount "([\w.-]+)" not found', told):
        create = f"kubectl -n {objects.namespace} create serviceaccount {match[1]}"
        cause = f"its service account {match[1]} does not exist."
        yield Finding(subject, f"it has {has} of {wanted} pods: {cause}", one_line(told), create)
    else:
        yield Finding(subject, f"it has {has} of {wanted} pods: they cannot be created.", one_line(told))


def _paused(objects: Objects, deployment: Object) -> Iterator[Finding]:
    status, space = deployment.get("status", {}), objects.namespace
    if deployment["spec"].get("paused"):
        resume = f"kubectl -n {space} rollout resume deployment/{name(deployment)}"
        updated = f"{status.get('updatedReplicas', 0)} pods have the newest version"
        yield Finding(f"deployment {name(deployment)}", "its rollout is paused.", updated, resume)
    for condition in conditions(deployment, "Progressing"):
        if condition.get("reason") == "ProgressDeadlineExceeded":
            undo = f"kubectl -n {space} rollout undo deployment/{name(deployment)}"
            message = one_line(condition.get("message", ""))
            yield Finding(f"deployment {name(deployment)}", "its rollout is stuck.", message, undo)


def _job(objects: Objects, job: Object) -> Iterator[Finding]:
    for condition in conditions(job, "Failed"):
        if condition["status"] != "True":
            continue
        reason = condition.get("reason", "")
        backoff, deadline = job["spec"].get("backoffLimit"), job["spec"].get("activeDeadlineSeconds")
        why = {
            "BackoffLimitExceeded": f"its pods failed more often than its backoffLimit ({backoff}) allows",
            "DeadlineExceeded": f"it ran longer than its activeDeadlineSeconds ({deadline})",
        }.get(reason, reason)
        logs = [
            log
            for pod in objects.owned_by("Pod", job)
            for (p, _), log in objects.logs.items()
            if p == name(pod)
        ]
        said = telling_lines("\n".join(logs))
        message = one_line(condition.get("message", ""))
        yield Finding(f"job {name(job)}", f"it failed: {why}.", f"log: {said}" if said else message)


def _autoscaler(scaler: Object) -> Iterator[Finding]:
    for kind in ("AbleToScale", "ScalingActive"):
        for condition in conditions(scaler, kind):
            if condition["status"] == "False":
                message = one_line(condition.get("message", ""))
                cause = f"it cannot scale: {condition.get('reason', '')}."
                yield Finding(f"horizontalpodautoscaler {name(scaler)}", cause, message)
                return


def quotas(objects: Objects) -> Iterator[Finding]:
    """Quotas that are used up."""
    for quota in objects.all("ResourceQuota"):
        status = quota.get("status", {})
        hard, used = status.get("hard", {}), status.get("used", {})
        full = [f"{key} {used.get(key)} of {hard[key]}" for key in hard if used.get(key) == hard[key] != "0"]
        if full:
            yield Finding(f"resourcequota {name(quota)}", f"it is used up: {listed(full)}.")
