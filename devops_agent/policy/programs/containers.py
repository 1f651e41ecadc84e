"""Container engines and Kubernetes."""

import re

from devops_agent.policy.call import Call, argument
from devops_agent.policy.handlers import Run, handler, is_remote
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Verdict, change, destructive, read, unknown


@handler
def _docker_run(call: Call, run: Run) -> Verdict:
    """`docker run IMAGE COMMAND`: what it may reach of this machine, and the command."""
    verdict = read()
    if call.given(
        "--privileged",
        "--cap-add",
        "--device",
        "--pid=host",
        "--ipc=host",
        "--userns=host",
        "--uts=host",
        "--volumes-from",
        "--security-opt=*unconfined*",
        "--security-opt=label*disable",
    ):
        verdict |= destructive(f"{call.name} with the rights of this machine")
    for volume in call.values("-v", "--volume"):
        source = volume.partition(":")[0]
        if ":" in volume and (source[:1] in "/~.$" or UNSEEN in source):
            verdict |= _mounts(source, run)
    for mount in call.values("--mount"):
        fields = dict(part.partition("=")[::2] for part in mount.split(","))
        if fields.get("type") == "bind":
            verdict |= _mounts(fields.get("source") or fields.get("src") or UNSEEN, run)
    for path in call.values("--cidfile", "--iidfile"):
        verdict |= run.write(path)
    if call.inner and not call.given("--entrypoint"):
        verdict |= run.elsewhere_argv(call.inner)
    return verdict


def _mounts(source: str, run: Run) -> Verdict:
    if run.holds_secret(source):
        return destructive(f"gives a container {source}") | read("gives a container secrets", secret=True)
    return destructive(f"gives a container the folder {source.replace(UNSEEN, '…')} of this machine")


@handler
def _docker_cp(call: Call, run: Run) -> Verdict:
    """`docker cp` and `kubectl cp`: from a container to here, or from here into a container."""
    if len(call.operands) < 2:
        return read()
    source, target = call.texts[-2:]
    if target == "-":
        return read()
    if is_remote(target) or (call.program != "docker" and ":" in target):
        secret = run.holds_secret(source)
        return destructive("copies over files of a container") | read(secret=secret)
    return run.write(run.inside(target, source.rpartition(":")[2]))


@handler
def _container_exec(call: Call, run: Run) -> Verdict:
    """`docker exec CONTAINER COMMAND` and `kubectl exec POD -- COMMAND`."""
    if not call.inner:
        return unknown("a shell for a person")
    return run.elsewhere_argv(call.inner)


@handler
def _kubectl(call: Call, run: Run) -> Verdict:
    """kubectl: secrets that it prints, and what `-f -` and `--raw` do."""
    texts = call.texts
    verdict = read()
    if call.verb in ("get", "describe"):
        kinds = {
            kind.partition("/")[0].partition(".")[0].lower() for text in texts[:1] for kind in text.split(",")
        }
        kinds |= {text.partition("/")[0].lower() for text in texts if "/" in text}
        output = "".join(call.values("-o", "--output")[-1:])
        shows = bool(
            re.match(r"(yaml|json|jsonpath|go-template|template|custom-columns)", output)
        ) or call.given("--template")
        if shows and kinds & {"secret", "secrets"} and call.verb == "get":
            verdict |= read("kubectl prints secrets", secret=True)
        raw = "".join(call.values("--raw"))
        if raw and re.search(r"secrets|/proxy|/exec|/log", raw):
            verdict |= read("kubectl prints secrets", secret="secrets" in raw)
    if call.verb == "config view" and call.given("--raw"):
        verdict |= read("kubectl prints credentials", secret=True)
    if call.verb == "set env" and call.given("--list"):
        verdict = read("kubectl prints variables", secret=True)
    if call.verb in ("apply", "create", "replace") and run.feed and not run.dry:
        verdict |= _manifest(run.feed.text or "")
        # `kubectl create … --dry-run=client -o yaml | kubectl apply -f -` makes what it does not make here
        source = [word for word in run.feed.source if not word.text.startswith("--dry-run")]
        if source and source[0].text == "kubectl" and len(source) < len(run.feed.source):
            verdict |= run.argv(source)
    if (
        call.verb in ("create clusterrolebinding", "create rolebinding")
        and not run.dry
        and call.given("--clusterrole=cluster-admin", "--clusterrole=admin")
    ):
        verdict |= destructive("grants the rights of an administrator")
    if call.verb in ("create", "replace") and call.given("--raw"):
        verdict |= destructive(f"kubectl {call.verb} --raw")
    for setting in call.values("--overrides"):
        verdict |= _manifest(setting)
    return verdict


_RIGHTS = re.compile(
    r"\"?(privileged|hostPID|hostNetwork|hostIPC|allowPrivilegeEscalation)\"?\s*:\s*\"?true|\"?hostPath\"?\s*:|cluster-admin"
    r"|\"?(verbs|resources|apiGroups)\"?\s*:\s*\[\s*['\"]?\*"
)


def _manifest(text: str) -> Verdict:
    """Whether a manifest gives a pod the rights of its node, or somebody those of an administrator."""
    found = _RIGHTS.search(text)
    return destructive(f"the manifest has {found[0].strip()}") if found else read()


@handler
def _kubectl_switch(call: Call, run: Run) -> Verdict:
    """`kubectl ctx NAME` and `kubens NAME`."""
    return change(f"{call.name} switches") if call.operands and not call.given("-c") else read()


@handler
def _docker_compose(call: Call, run: Run) -> Verdict:
    return run.argv([argument("docker"), argument("compose"), *call.arguments[1:]])


@handler
def _kubectl_run(call: Call, run: Run) -> Verdict:
    verdict = _kubectl(call, run)
    if call.given("--privileged"):
        verdict |= destructive("a privileged pod")
    if call.inner:
        verdict |= run.elsewhere_argv(call.inner)
    elif call.given("-t", "--tty") and not call.given("-d"):
        verdict |= unknown("a shell for a person")
    return verdict


@handler
def _kubectl_debug(call: Call, run: Run) -> Verdict:
    on_node = any(text.startswith(("node/", "nodes/")) for text in call.texts)
    verdict = (
        destructive("a pod with the rights of its node")
        if on_node or call.given("--profile=sysadmin")
        else change("kubectl debug")
    )
    if call.inner:
        return verdict | run.elsewhere_argv(call.inner)
    return verdict | unknown("a shell for a person") if call.given("-t", "--tty", "-it") else verdict
