"""The analyzers as pure functions on small objects, in the shape in which kubectl and docker print them; on a
real cluster and engine `python -m benchmarks diagnose` has them name the causes of `benchmarks/breakages`."""

import copy
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from shapes import (
    FORBIDDEN,
    LABELS,
    NOW,
    RUNNING,
    claim,
    container,
    deployment,
    ended,
    event,
    failed,
    healthy,
    ingress,
    job,
    pending,
    pod,
    policy,
    scaler,
    service,
    thing,
    waiting,
)

from benchmarks.__main__ import BREAKAGES
from benchmarks.tasks import load
from devops_agent.diagnosis import diagnose, docker, listening
from devops_agent.diagnosis.finding import Finding, exit_code_meaning, listed, telling_lines
from devops_agent.diagnosis.objects import Objects


def gathered(*items: Any, log: str = "", **fields: Any) -> Objects:
    objects = Objects("shop", read_at=NOW, **{"secrets": {"login": {"user"}}, **fields})
    objects.add(items)
    if log:
        objects.logs["web-1", "app"] = log
    return objects


def found(*items: Any, log: str = "", **fields: Any) -> list[str]:
    return [str(finding) for finding in diagnose.diagnose_objects(gathered(*items, log=log, **fields))]


def with_event(item: dict[str, Any], reason: str, message: str) -> list[Any]:
    return [item, event(item, reason, message, "app" if reason == "Unhealthy" else "")]


MOUNT = {"name": "files", "persistentVolumeClaim": {"claimName": "files"}}
NODE = thing(
    "Node",
    "one",
    status={
        "allocatable": {"cpu": "2"},
        "images": [{"names": ["docker.io/library/nginx:1.25", "a@sha256:1"]}],
    },
)
STANDARD = thing("StorageClass", "standard", provisioner="csi.example.com")
RS = thing("ReplicaSet", "web-5d", deployment(), spec={}, status={})
NOT_FOUND = "failed to pull and unpack image: docker.io/library/nginx:9: not found"
HTTP = {"httpGet": {"path": "/up", "port": 80}}

# What there is, the log of pod web-1, and what the one finding says.
TROUBLE: dict[str, tuple[list[Any], str, list[str]]] = {
    "an image that does not exist": (
        [pod(state=waiting("ErrImagePull", NOT_FOUND), phase="Pending", image="nginx:9"), NODE],
        "",
        [
            "pod web-1, container app: the image nginx:9 does not exist",
            "Tags of it on the nodes: 1.25.",
            "app=nginx:1.25",
        ],
    ),
    "an image that may not be pulled": (
        with_event(
            pod(state=waiting("ImagePullBackOff", "Back-off"), image="reg:5000/a/b:1"),
            "Failed",
            'Failed to pull image "reg:5000/a/b:1": pull access denied, authorization failed',
        ),
        "",
        ["reg:5000/a/b:1 may not be pulled", "credentials"],
    ),
    "a config map that is missing": (
        [
            pod(state=waiting("CreateContainerConfigError", 'configmap "flags" not found')),
            thing("ConfigMap", "other"),
        ],
        "",
        ["the configmap flags does not exist in shop (there are: other)", "create configmap flags"],
    ),
    "a config map that is missing, with the key that is asked of it": (
        [
            pod(
                state=waiting("CreateContainerConfigError", 'configmap "flags" not found'),
                env=[
                    {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "colour"}}},
                    {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "other", "key": "size"}}},
                ],
            ),
        ],
        "",
        ["create configmap flags --from-literal=colour={colour}"],
    ),
    "a secret without a key": (
        [pod(state=waiting("CreateContainerConfigError", "couldn't find key password in Secret shop/login"))],
        "",
        ["the secret login has no key password (it has: user)", '{"stringData":{"password":"{password}"}}'],
    ),
    "settings that are wrong otherwise": (
        [
            pod(
                state=waiting(
                    "CreateContainerConfigError", "container has runAsNonRoot and image will run as root"
                )
            )
        ],
        "",
        ["its configuration is wrong", "runAsNonRoot"],
    ),
    "a command that is not there": (
        [
            pod(
                state=waiting("CrashLoopBackOff", "back-off 10s restarting failed container"),
                last=ended(
                    128,
                    "StartError",
                    'unable to start: exec: "redis-sever": executable file not found in $PATH: unknown',
                ),
            )
        ],
        "",
        ["its command 'redis-sever' cannot be started: executable file not found in $PATH."],
    ),
    "a crash": (
        [pod(state=waiting("CrashLoopBackOff"), last=ended(1), restarts=4)],
        "start\nKeyError: 'TOKEN'\nbye\n",
        ["crashes with exit code 1 (4 restarts).", "log: KeyError: 'TOKEN'"],
    ),
    "a crash that nobody knows more of": (
        [pod(state=waiting("CrashLoopBackOff", "back-off 5m0s"))],
        "",
        ["it does not start: CrashLoopBackOff.", "back-off 5m0s"],
    ),
    "a process that ends at once": (
        [pod(state=waiting("CrashLoopBackOff"), last=ended(0, "Completed"))],
        "",
        ["exit code 0: it ended by itself", "its log is empty"],
    ),
    "an init container that fails": (
        [pod(state=ended(3), init=True, phase="Pending")],
        "fatal: locked",
        ["pod web-1, init container app: failed with exit code 3.", "fatal: locked"],
    ),
    "a lack of memory": (
        [
            pod(
                state=waiting("CrashLoopBackOff"),
                last=ended(137, "OOMKilled"),
                resources={"limits": {"memory": "64Mi"}},
            )
        ],
        "",
        ["ran out of memory (OOMKilled): its memory limit is 64Mi", "set resources pod/web-1 -c app"],
    ),
    "a lack of memory without a limit": (
        [pod(state=ended(137, "OOMKilled"))],
        "",
        ["it has no memory limit"],
    ),
    "a liveness probe": (
        with_event(
            healthy(last=ended(0), restarts=2, livenessProbe={"tcpSocket": {"port": 81}}),
            "Unhealthy",
            "Liveness probe failed: dial tcp 10.0.0.9:81: connect: connection refused",
        ),
        "",
        [
            "its liveness probe (TCP port 81) fails, so it is killed (2 restarts). Nothing listens",
        ],
    ),
    "a startup probe": (
        with_event(
            pod(
                state=waiting("CrashLoopBackOff"),
                last=ended(143),
                startupProbe={"exec": {"command": ["test", "-f", "x"]}},
            ),
            "Unhealthy",
            "Startup probe failed: ",
        ),
        "",
        ["its startup probe (command test -f x) fails"],
    ),
    "a readiness probe": (
        with_event(
            pod(state=RUNNING, readinessProbe=HTTP, ports=[{"containerPort": 8080}]),
            "Unhealthy",
            "Readiness probe failed: HTTP probe failed with statuscode: 404",
        ),
        "",
        [
            "readiness probe (HTTP GET /up on port 80) fails. There is no such path. The container",
            "declares port 8080.",
        ],
    ),
    "a readiness probe whose events are gone": (
        [pod(state=RUNNING, readinessProbe=HTTP)],
        "",
        ["it runs but is not ready: its readiness probe (HTTP GET /up on port 80) fails."],
    ),
    "a refusal in the log of a container that runs": (
        [healthy()],
        f"poll failed: 403 {FORBIDDEN}\n",
        [
            "its service account watcher may not list cronjobs in namespace shop (RBAC).",
            "create role watcher-cronjobs --verb=get,list,watch --resource=cronjobs.batch",
        ],
    ),
    "an eviction": (
        [pod(phase="Failed", reason="Evicted")],
        "",
        ["pod web-1: it was stopped: Evicted.", "low on resource"],
    ),
    "no room": (
        [
            pod(
                phase="Pending",
                conditions=[pending("0/1 nodes are available: 1 Insufficient cpu. preemption: none.")],
                resources={"requests": {"cpu": "278"}},
            ),
            NODE,
        ],
        "",
        ["it is Pending: it requests 278 cpu, and no node has that free (a node has 2 in all)."],
    ),
    "no room for a deployment's pod": (
        [
            deployment(),
            pod(
                owner=deployment(),
                phase="Pending",
                conditions=[pending("0/1 nodes are available: 1 Insufficient memory.")],
                resources={"requests": {"memory": "900Gi"}},
            ),
        ],
        "",
        ["try: kubectl -n shop set resources deployment/web --requests=memory={memory}"],
    ),
    "a node selector of a deployment": (
        [
            deployment(),
            pod(
                owner=deployment(),
                phase="Pending",
                selector={"zone": "eu"},
                conditions=[pending("1 node(s) didn't match Pod's node affinity/selector")],
            ),
        ],
        "",
        ["patch deployment/web --type=json", '{"op":"remove","path":"/spec/template/spec/nodeSelector"}'],
    ),
    "a readiness probe of a deployment on a port where nothing listens": (
        [
            deployment(),
            *with_event(
                pod(owner=deployment(), state=RUNNING, readinessProbe=HTTP, ports=[{"containerPort": 8080}]),
                "Unhealthy",
                "Readiness probe failed: dial tcp 10.0.0.9:80: connect: connection refused",
            ),
        ],
        "",
        ['"path":"/spec/template/spec/containers/0/readinessProbe/httpGet/port","value":8080}'],
    ),
    "a liveness probe of a deployment for a path that is not there": (
        [
            deployment(),
            *with_event(
                pod(owner=deployment(), state=RUNNING, ready=True, last=ended(137), livenessProbe=HTTP),
                "Unhealthy",
                "Liveness probe failed: HTTP probe failed with statuscode: 404",
            ),
        ],
        "",
        ['"path":"/spec/template/spec/containers/0/livenessProbe/httpGet/path","value":"{http_path}"}'],
    ),
    "a variable that the log of a deployment's container asks for": (
        [deployment(), pod(owner=deployment(), state=waiting("CrashLoopBackOff"), last=ended(1), restarts=3)],
        "starting\nfatal: DB_URL is not set\n",
        ["try: kubectl -n shop set env deployment/web -c app DB_URL={db_url}"],
    ),
    "a node selector": (
        [
            pod(
                phase="Pending",
                selector={"zone": "eu"},
                conditions=[pending("1 node(s) didn't match Pod's node affinity/selector")],
            )
        ],
        "",
        ["its nodeSelector asks for zone=eu"],
    ),
    "a taint": (
        [pod(phase="Pending", conditions=[pending("1 node(s) had untolerated taint {gpu: only}.")])],
        "",
        ["the nodes have the taint gpu: only, which it does not tolerate"],
    ),
    "a claim that is missing": (
        [pod(phase="Pending", conditions=[pending('persistentvolumeclaim "files" not found')])],
        "",
        ["its volume claim files does not exist (there are: none)."],
    ),
    "a secret to be mounted": (
        with_event(
            pod(phase="Pending", state=waiting("ContainerCreating")),
            "FailedMount",
            'MountVolume.SetUp failed for volume "certs" : secret "tls" not found',
        ),
        "",
        ["pod web-1: it cannot start: the secret tls, which it mounts, does not exist (there are: login)."],
    ),
    "a network that is not set up": (
        with_event(pod(phase="Pending"), "FailedCreatePodSandBox", "failed to set up sandbox: no IP left"),
        "",
        ["its network cannot be set up.", "no IP left"],
    ),
    "a deletion that does not end": (
        [
            healthy()
            | {
                "metadata": {
                    "name": "web-1",
                    "deletionTimestamp": "2026-01-02T11:00:00Z",
                    "finalizers": ["a/b"],
                }
            }
        ],
        "",
        ["it is being deleted since 2026-01-02T11:00:00Z: its finalizers a/b keep it."],
    ),
    "an unknown storage class": (
        [claim("gold"), STANDARD],
        "",
        [
            "persistentvolumeclaim files: it is not bound: its storage class gold does not exist",
            "(there are: standard).",
        ],
    ),
    "no default storage class": ([claim(None), STANDARD], "", ["none of standard is the default"]),
    "a claim for a volume made by hand": ([claim("")], "", ["it names no storage class"]),
    "a volume that is not made": (
        [*with_event(claim("standard"), "ProvisioningFailed", "out of quota"), STANDARD],
        "",
        ["its provisioner csi.example.com has made no volume", "out of quota"],
    ),
    "a lost claim": ([claim("standard", "Lost")], "", ["it is lost"]),
    "a quota": (
        [
            deployment(replicas=3, status={"updatedReplicas": 1}),
            *with_event(
                RS,
                "FailedCreate",
                'pods "web-5d-x" is forbidden: exceeded quota: team, requested: pods=1, limited: pods=1',
            ),
            healthy(owner=RS),
        ],
        "",
        ["deployment web: it has 1 of 3 pods: the quota team allows no more pods (requested: pods=1,"],
    ),
    "a quota that asks for limits": (
        [
            deployment(),
            *with_event(RS, "FailedCreate", "failed quota: team: must specify limits.memory for: app"),
        ],
        "",
        ["by the quota team its containers must specify limits.memory for: app."],
    ),
    "a service account that is missing": (
        [
            deployment(
                status={
                    "conditions": [
                        {
                            "type": "ReplicaFailure",
                            "status": "True",
                            "message": 'looking up service account: serviceaccount "runner" not found',
                        }
                    ]
                }
            )
        ],
        "",
        ["it has 0 of 1 pods: its service account runner does not exist.", "create serviceaccount runner"],
    ),
    "a job whose pods are refused": (
        with_event(job(), "FailedCreate", "denied by webhook"),
        "",
        ["job import: it has 0 of 1 pods: they cannot be created.", "denied by webhook"],
    ),
    "no replicas": ([deployment(replicas=0)], "", ["it is scaled to 0 replicas.", "--replicas=1"]),
    "a daemon set without nodes": (
        [thing("DaemonSet", spec={}, status={"desiredNumberScheduled": 0})],
        "",
        ["daemonset web: no node is to run it"],
    ),
    "a pause": (
        [deployment(paused=True), healthy()],
        "",
        ["its rollout is paused.", "rollout resume deployment/web"],
    ),
    "a rollout that is stuck": (
        [
            deployment(
                status={
                    "updatedReplicas": 1,
                    "conditions": [
                        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
                    ],
                }
            )
        ],
        "",
        ["its rollout is stuck."],
    ),
    "a failed job": (
        [job(status=failed("BackoffLimitExceeded"), backoffLimit=2)],
        "",
        ["job import: it failed: its pods failed more often than its backoffLimit (2) allows.", "It Backoff"],
    ),
    "a job that took too long": (
        [job(status=failed("DeadlineExceeded"), activeDeadlineSeconds=30)],
        "",
        ["it ran longer than its activeDeadlineSeconds (30)."],
    ),
    "a suspended cron job": (
        [job("CronJob", suspend=True)],
        "",
        ["cronjob import: it is suspended", '"suspend":false'],
    ),
    "a suspended job": ([job(suspend=True)], "", ["job import: it is suspended, so it starts no pods."]),
    "an autoscaler without a target": (
        [scaler(target="worker"), deployment(), healthy()],
        "",
        ["horizontalpodautoscaler web: it cannot scale: its deployment worker does not exist (there"],
    ),
    "an autoscaler without metrics": (
        [
            scaler(
                {
                    "type": "ScalingActive",
                    "status": "False",
                    "reason": "FailedGetResourceMetric",
                    "message": "no metrics",
                }
            ),
            deployment(),
        ],
        "",
        ["it cannot scale: FailedGetResourceMetric.", "no metrics"],
    ),
    "a quota that is used up": (
        [
            thing(
                "ResourceQuota",
                "team",
                status={"hard": {"pods": "3", "services": "5"}, "used": {"pods": "3", "services": "1"}},
            )
        ],
        "",
        ["resourcequota team: it is used up: pods 3 of 3."],
    ),
    "a selector": (
        [service(selector={"app": "web", "tier": "edge"}), deployment(), healthy()],
        "",
        [
            "service web: its selector app=web,tier=edge matches no pod; the pods of deployment web have",
            "the labels app=web.",
            '{"spec":{"selector":{"tier":null,"app":"web"}}}',
        ],
    ),
    "a selector of nothing": (
        [service(selector={"app": "gone"})],
        "",
        ["its selector app=gone matches no pod."],
    ),
    "a target port": (
        [service(target=8080), healthy(ports=[{"containerPort": 80, "name": "http"}])],
        "",
        ["its targetPort 8080 is no port of its pods; they declare 80.", '"value":80'],
    ),
    "a named target port": (
        [service(target="http"), healthy()],
        "",
        ["its targetPort http is no port of its pods"],
    ),
    "a load balancer without an address": (
        [service(type="LoadBalancer"), healthy()],
        "",
        ["service web: it waits for an external address"],
    ),
    "an ingress to nothing": (
        [ingress("store"), service(), healthy()],
        "",
        ["ingress shop: its service store does not exist in shop (there are: web)."],
    ),
    "an ingress to a wrong port": (
        [ingress("web", 81), service(), healthy()],
        "",
        ["service web has no port 81 (it has: 80)."],
    ),
    "an ingress without its certificate": (
        [ingress("web", tls=[{"secretName": "cert"}]), service(), healthy()],
        "",
        ["its TLS secret cert does not exist (there are: login)."],
    ),
    "a policy that blocks": (
        [policy(), healthy()],
        "",
        ["networkpolicy deny: it blocks all ingress traffic of 1 pods.", "web-1"],
    ),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_trouble_is_told_once_with_its_cause(trouble: str) -> None:
    items, log, expected = TROUBLE[trouble]
    (only,) = found(*items, log=log)
    for text in expected:
        assert text in only


HEALTH: dict[str, tuple[list[Any], str]] = {
    "nothing": ([], ""),
    "all that one uses": (
        [
            deployment(),
            RS,
            healthy(owner=RS, volumes=[MOUNT], ports=[{"containerPort": 80}], readinessProbe=HTTP),
            service(),
            ingress("web"),
            claim("standard", "Bound"),
            scaler({"type": "ScalingActive", "status": "True"}),
            thing("ResourceQuota", "team", status={"hard": {"pods": "3"}, "used": {"pods": "1"}}),
            job(status={"conditions": [{"type": "Complete", "status": "True"}]}),
            pod("import-1", state=ended(0), phase="Succeeded"),
            job("CronJob", suspend=False),
            STANDARD,
            NODE,
        ],
        "ERROR 3 retries\n",
    ),
    "a crash that is long over": ([healthy(last=ended(1, at="2026-01-02T09:00:00Z"), restarts=1)], ""),
    "a start that succeeded in the end": (
        [healthy(last=ended(128, "StartError", at="2026-01-02T09:00:00Z"))],
        "",
    ),
    "a container that is being made": ([pod(phase="Pending", state=waiting("ContainerCreating"))], ""),
    "a container that starts": (
        [pod(state={"running": {"startedAt": "2026-01-02T11:59:50Z"}}, readinessProbe=HTTP)],
        "",
    ),
    "a mount that failed at first": (with_event(healthy(), "FailedMount", 'secret "tls" not found'), ""),
    "a pod refused before there was room": (
        [deployment(), *with_event(RS, "FailedCreate", "exceeded quota: team, pods"), healthy(owner=RS)],
        "",
    ),
    "a port that only a probe knows": (
        [
            service(target=8080),
            healthy(ports=[{"containerPort": 9090}], livenessProbe={"tcpSocket": {"port": 8080}}),
        ],
        "",
    ),
    "ports that are not declared": ([service(target=8080), healthy()], ""),
    "a policy with another that allows": ([policy(), policy("allow", ingress=[{}]), healthy()], ""),
    "a policy for other pods": (
        [
            policy(
                podSelector={
                    "matchLabels": LABELS,
                    "matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}],
                }
            ),
            healthy(),
        ],
        "",
    ),
}


@pytest.mark.parametrize("state", HEALTH)
def test_what_is_healthy_gives_no_finding(state: str) -> None:
    items, log = HEALTH[state]
    assert found(*items, log=log) == []


def test_what_may_not_be_read_is_not_missing() -> None:
    unread = {"services", "storageclasses", "deployments", "pods"}
    items = [ingress("web", tls=[{"secretName": "cert"}]), claim("gold"), scaler(target="worker"), service()]
    told = found(*items, unread=unread, secrets=None)
    assert [line.partition(":")[0] for line in told] == ["persistentvolumeclaim files"]
    assert "does not exist" not in told[0]
    (note,) = diagnose.not_looked_at(gathered(unread={"services"}, secrets=None))
    assert str(note) == "namespace shop: this could not be read, so it was not looked at: secrets, services."
    assert diagnose.not_looked_at(gathered()) == []


def test_what_pods_of_a_workload_share_is_told_once() -> None:
    crashing = [
        pod(f"web-{n}", state=waiting("CrashLoopBackOff"), last=ended(1), restarts=n, owner=RS)
        for n in (1, 2, 3)
    ]
    (only,) = found(deployment(), RS, *crashing)
    assert only.startswith("deployment web (3 pods), container app: crashes with exit code 1 (1 restarts).")


def test_an_unusual_object_breaks_nothing() -> None:
    """Whatever is left out of an object, or null, the others are still diagnosed."""
    tried = 0
    for items, log, _ in TROUBLE.values():
        for changed in _without_each_part(items):
            objects = gathered(*changed, log=log)
            findings = diagnose.diagnose_objects(objects)
            for item in changed:
                diagnose.about(objects, findings, item["kind"].lower(), item["metadata"]["name"])
            tried += 1
    assert tried > 1000


# What the API server has in each object, or in each entry of a list.
_ALWAYS = {"kind", "metadata", "name", "type", "claimName", "uid", "finishedAt"}


def _without_each_part(items: list[Any]) -> Iterator[list[Any]]:
    for path in _paths(items):
        for absent in (True, False):
            changed = copy.deepcopy(items)
            *way, last = path
            holder: Any = changed
            for step in way:
                holder = holder[step]
            if absent:
                del holder[last]
            else:
                holder[last] = None
            yield changed


def _paths(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key not in _ALWAYS:
                yield (*path, key)
            yield from _paths(value, (*path, key))
    elif isinstance(tree, list):
        for at, value in enumerate(tree):
            yield from _paths(value, (*path, at))


# --- what belongs to a target -----------------------------------------------------------------------------


def about(kind: str, name: str, *items: Any) -> list[str]:
    objects = gathered(*items)
    findings = diagnose.diagnose_objects(objects)
    return [" ".join(diagnose.subject_of(f)) for f in diagnose.about(objects, findings, kind, name)]


def test_a_target_has_the_findings_about_what_it_depends_on() -> None:
    crashing = pod(state=waiting("CrashLoopBackOff"), last=ended(1), owner=RS, volumes=[MOUNT])
    items = [
        deployment(),
        RS,
        crashing,
        claim("gold"),
        STANDARD,
        service(),
        ingress("web"),
        scaler(target="x"),
    ]
    template = {"metadata": {"labels": {"app": "api"}}}
    items += [deployment("api", 0, template=template), service("api", {"app": "api"})]
    items += [thing("ConfigMap", "flags")]
    of_web = ["pod web-1", "persistentvolumeclaim files", "service web"]
    assert about("deployment", "web", *items) == of_web
    assert about("service", "web", *items) == of_web
    assert about("ingress", "shop", *items) == of_web
    assert about("pod", "web-1", *items) == of_web
    assert about("persistentvolumeclaim", "files", *items) == of_web[:2]
    assert about("horizontalpodautoscaler", "web", *items) == ["horizontalpodautoscaler web"]
    assert about("deployment", "api", *items) == ["deployment api", "service api"]
    assert about("configmap", "flags", *items) == []


# --- Docker -----------------------------------------------------------------------------------------------


STOPPED = {"Running": False}
TAKEN = (
    "driver failed programming external connectivity on endpoint web (1f): Bind for 0.0.0.0:8080 failed: "
    "port is already allocated"
)
BIND = {"Type": "bind", "Source": "/srv/relay.conf", "Destination": "/etc/relay.conf", "RW": True}
JUST = (datetime.now(timezone.utc) - timedelta(seconds=3)).isoformat()

CONTAINERS: dict[str, tuple[list[Any], str, list[str]]] = {
    "an end": (
        [container(state={**STOPPED, "ExitCode": 3})],
        "FATAL: licence expired\nbye",
        ["container web: it ended with exit code 3.", "log: FATAL: licence expired"],
    ),
    "a restart loop": (
        [container(state={"Restarting": True, "ExitCode": 2}, RestartCount=5)],
        "unknown key 'timeuot'",
        ["it restarts again and again (5 times), with exit code 2.", "timeuot"],
    ),
    "a restart loop between two ends": (
        [container(state={"StartedAt": JUST}, RestartCount=4)],
        "unknown key",
        ["it restarts again and again (4 times).", "unknown key"],
    ),
    "a lack of memory": (
        [container(state={**STOPPED, "OOMKilled": True, "ExitCode": 137}, HostConfig={"Memory": 48 << 20})],
        "",
        ["ran out of memory (OOMKilled): its memory limit is 48 MiB.", "docker update --memory"],
    ),
    "a lack of memory without a limit": (
        [container(state={**STOPPED, "OOMKilled": True})],
        "",
        ["it has no memory limit"],
    ),
    "a command that is not there": (
        [
            container(
                state={
                    **STOPPED,
                    "ExitCode": 127,
                    "Error": 'create failed: exec: "gunicorn": executable file not found in $PATH: unknown',
                }
            )
        ],
        "",
        ["its command 'gunicorn' cannot be started: executable file not found in $PATH."],
    ),
    "a port of another container": (
        [container(state={**STOPPED, "Error": TAKEN}), container("other")],
        "",
        ["the host port 8080 is taken by the container other."],
    ),
    "a port of another process": (
        [container(state={**STOPPED, "Error": TAKEN})],
        "",
        ["8080 is taken by another process", "ss -ltnp | grep :8080"],
    ),
    "a network that is gone": (
        [container(state={**STOPPED, "Error": "network 9f3c not found"})],
        "",
        ["its network 9f3c does not exist any more."],
    ),
    "a mount of a directory on a file": (
        [container(state={**STOPPED, "Error": "mounting: not a directory: unknown"}, Mounts=[BIND])],
        "",
        ["/srv/relay.conf -> /etc/relay.conf"],
    ),
    "another reason not to start": (
        [container(state={**STOPPED, "Error": "no such device"})],
        "",
        ["it cannot be started.", "no such device"],
    ),
    "a health check": (
        [
            container(
                state={"Health": {"Status": "unhealthy", "Log": [{"Output": "Connection refused\n"}]}},
                Config={"Healthcheck": {"Test": ["CMD-SHELL", "redis-cli -p 7001 ping"]}},
            )
        ],
        "",
        ["its health check fails (redis-cli -p 7001 ping).", "Connection refused"],
    ),
    "a port on which nothing listens": (
        [container(listens={8000: {"0.0.0.0"}, 37411: {"127.0.0.11"}})],
        "",
        [
            "it publishes its port 80, on which nothing in it listens; its processes listen on 8000.",
            "8080->80/tcp",
        ],
    ),
    "a process that listens on the loopback": (
        [container(listens={80: {"127.0.0.1"}})],
        "",
        ["its process listens on 127.0.0.1 only, so its published port 80 reaches nothing."],
    ),
    "a port that the image does not expose": (
        [container(Listening=None, Exposed=["8000/tcp"])],
        "",
        ["it publishes its port 80, but its image exposes 8000/tcp."[:50]],
    ),
    "no network": ([container(NetworkSettings={"Networks": {}})], "", ["it is in no network"]),
}


def told(containers: list[Any], log: str = "") -> list[str]:
    return [str(finding) for finding in docker.analyze(containers, {"web": log})]


@pytest.mark.parametrize("trouble", CONTAINERS)
def test_trouble_of_a_container_is_told_once_with_its_cause(trouble: str) -> None:
    containers, log, expected = CONTAINERS[trouble]
    (only,) = told(containers, log)
    for text in expected:
        assert text in only


@pytest.mark.parametrize(
    ("own", "its", "running", "log", "cause", "suggestion"),
    [
        (
            ["bridge"],
            ["backend"],
            True,
            "could not reach feed:6379: [Errno -2] Name or service not known",
            "(web: bridge; feed: backend)",
            "docker network connect backend web",
        ),
        (
            ["bridge"],
            ["bridge"],
            True,
            "getaddrinfo ENOTFOUND feed",
            "share no network",
            "docker network create web-feed && docker network connect web-feed web"
            " && docker network connect web-feed feed",
        ),
        (["backend"], ["backend"], False, "bad address 'feed'", "does not run", "docker start feed"),
        (["host"], ["backend"], True, "lookup feed: no such host", "share no network", ""),
    ],
)
def test_a_name_that_is_not_resolved_is_that_of_a_container_in_another_network(
    own: list[str], its: list[str], running: bool, log: str, cause: str, suggestion: str
) -> None:
    web = container(NetworkSettings={"Networks": {key: {} for key in own}}, HostConfig={})
    feed = container(
        Name="/feed", state={"Running": running}, NetworkSettings={"Networks": {key: {} for key in its}}
    )
    (finding,) = [f for f in docker.analyze([web, feed], {"web": log}) if f.subject == "container web"]
    assert cause in finding.cause
    assert finding.suggestion == suggestion


def test_a_name_that_no_other_container_bears_is_no_matter_of_networks() -> None:
    there = {"NetworkSettings": {"Networks": {"backend": {}}}, "HostConfig": {}}
    web, feed = container(**there), container(Name="/feed", **there)
    for log in ("lookup example.com: no such host", "lookup feed: no such host", "feed is there"):
        assert not list(docker.analyze([web, feed], {"web": log}))


def test_a_missing_file_that_docker_made_a_directory_of_is_told_beside_the_log() -> None:
    log = "IsADirectoryError: [Errno 21] Is a directory: '/etc/relay.conf'"
    end, mount = told([container(state={**STOPPED, "ExitCode": 1}, Mounts=[BIND])], log)
    assert log in end
    assert (
        "it mounts /srv/relay.conf at /etc/relay.conf as a file, but /srv/relay.conf is a directory." in mount
    )


@pytest.mark.parametrize(
    "one",
    [
        container(),
        container(state=STOPPED),
        container(state={"StartedAt": "2025-01-01T00:00:00.123456789Z"}, RestartCount=4),
        container(Listening=None, Exposed=[]),
        container(Listening=None, Exposed=["80/tcp", "443/tcp"]),
        container(NetworkSettings={"Networks": {}}, HostConfig={"NetworkMode": "container:9f3c"}),
        container(HostConfig={"PortBindings": {"53/udp": [{"HostPort": "53"}]}}),
    ],
)
def test_a_healthy_container_gives_no_finding(one: dict[str, Any]) -> None:
    assert told([one]) == []


def test_an_unusual_container_breaks_nothing() -> None:
    for containers, log, _ in CONTAINERS.values():
        for path in _paths(containers):
            if path[1:] in (("Name",), ("State",)):
                continue
            changed = copy.deepcopy(containers)
            *way, last = path
            holder: Any = changed
            for step in way:
                holder = holder[step]
            holder[last] = None
            docker.analyze(changed, {"web": log})


def test_the_kernels_table_says_where_a_container_listens(tmp_path: Path) -> None:
    folder = tmp_path / "71"
    (folder / "net").mkdir(parents=True)
    (folder / "cgroup").write_text("0::/system.slice/docker-9f3c.scope\n")
    head = "  sl  local_address rem_address   st\n"
    rows = "   0: 0100007F:1F90 00000000:0000 0A 0\n   1: 00000000:0050 00000000:0000 0A 0\n"
    rows += "   2: 0100007F:0051 0100007F:9999 01 0\n"  # a connection
    (folder / "net" / "tcp").write_text(head + rows)
    six = f"   0: {'0' * 32}:0050 0:0 0A 0\n   1: {'0' * 24}01000000:0052 0:0 0A 0\n"
    mapped = "   2: 0000000000000000FFFF00000100007F:0053 0:0 0A 0\n"
    (folder / "net" / "tcp6").write_text(head + six + mapped)
    expected = {8080: {"127.0.0.1"}, 80: {"0.0.0.0", "::"}, 82: {"::1"}, 83: {"127.0.0.1"}}
    assert listening.ports("9f3c", 71, tmp_path) == expected
    assert listening.ports("other", 71, tmp_path) is None
    assert listening.ports("9f3c", 72, tmp_path) is None
    assert listening.ports("9f3c", 0, tmp_path) is None


# --- texts ------------------------------------------------------------------------------------------------


def test_a_finding_shows_its_cause_evidence_and_command() -> None:
    assert str(Finding("pod web-1", "it fails.")) == "pod web-1: it fails."
    whole = Finding("pod web-1", "it fails.", "log: x", "kubectl get pods")
    assert str(whole) == "pod web-1: it fails.\n  evidence: log: x\n  try: kubectl get pods"


def test_a_log_tells_by_its_newest_lines_that_speak_of_trouble() -> None:
    log = "error: first\nerror: old\n\x1b[31merror: new\x1b[0m\nerror: new\nbye\n"
    assert telling_lines(log) == "error: old / error: new"
    assert telling_lines("one\ntwo\n") == "two"
    assert telling_lines("") == ""


def test_exit_codes_are_explained_where_they_mean_something() -> None:
    assert exit_code_meaning(127) == "exit code 127: its command was not found"
    assert exit_code_meaning(135) == "exit code 135: it was ended by signal 7"
    assert exit_code_meaning(2) == "exit code 2"


def test_a_long_list_is_cut() -> None:
    assert listed(["b", "a", "a"]) == "a, b"
    assert listed(map(str, range(5)), 3) == "0, 1, 2 and 2 more"
    assert listed([]) == "none"


# --- the breakages of the benchmark -----------------------------------------------------------------------


def test_there_are_enough_breakages_and_nothing_in_the_product_knows_them() -> None:
    breakages = load(BREAKAGES)
    assert sum(b.needs("kubernetes") for b in breakages) >= 16
    assert sum(b.needs("docker") for b in breakages) >= 8
    assert all("says" in b.verify and "says ''" not in b.verify for b in breakages)


NEVER_RAN: dict[str, Any] = {
    "state": {**STOPPED, "Status": "created", "Error": TAKEN},
    "HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}},
}


def suggested(**more: Any) -> str:
    host = {**NEVER_RAN["HostConfig"], **more.pop("HostConfig", {})}
    config = {
        "Image": "nginx:1.25",
        "Env": ["PATH=/bin", "MODE=a b"],
        "Cmd": ["nginx"],
        **more.pop("Config", {}),
    }
    web = container(**{**NEVER_RAN, **more, "HostConfig": host, "Config": config})
    (finding,) = docker.analyze([web], {})
    return finding.suggestion


def test_a_container_that_never_ran_is_made_anew_on_a_free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "_free_port", lambda taken, others: "8082")
    command = "docker rm web && docker run -d --name web -p 127.0.0.1:8082:80 -e 'MODE=a b'"
    assert suggested() == f"{command} nginx:1.25 nginx"
    more = {"NetworkMode": "back", "RestartPolicy": {"Name": "always"}}
    assert suggested(HostConfig=more) == f"{command} --network back --restart always nginx:1.25 nginx"


@pytest.mark.parametrize(
    "more",
    [
        {"HostConfig": {"Memory": 1 << 20}},
        {"HostConfig": {"Privileged": True}},
        {"Config": {"Env": ["DB_PASSWORD=x"]}},
    ],
)
def test_a_container_with_more_to_it_is_not_made_anew(more: dict[str, Any]) -> None:
    assert "docker rm" not in suggested(**more)


def test_a_container_that_ran_before_is_not_made_anew() -> None:
    assert "docker rm" not in suggested(state={**STOPPED, "Status": "exited", "Error": TAKEN})


def test_a_port_is_free_where_nobody_listens_and_nothing_is_published() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        number = listener.getsockname()[1]
        published = container(HostConfig={"PortBindings": {"80/tcp": [{"HostPort": str(number + 1)}]}})
        free = docker._free_port(str(number - 1), [published])
    assert free == "" or int(free) > number + 1
    assert docker._free_port("?", []) == ""
