"""Container engines and Kubernetes."""

import csv
import re
from collections.abc import Iterator
from itertools import pairwise, takewhile

from devops_agent.patterns import regex
from devops_agent.policy.call import Argument, Call, argument
from devops_agent.policy.handlers import Run, handler, is_remote, worst
from devops_agent.policy.programs.sending import says_in_image, says_in_url, sends_output
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Effect, Verdict, change, destructive, read, unknown

_HOST_RIGHTS = """--privileged --cap-add --device --device-cgroup-rule --pid=host --pid=ns:* --ipc=host
 --userns=host --uts=host --cgroupns=host --volumes-from --use-api-socket --env-host --rootfs --with-ns
 --hooks-dir --runtime=*/* --security-opt=[!n]*""".split()


@handler
def _docker_run(call: Call, run: Run) -> Verdict:
    """`docker run IMAGE COMMAND`: what it may reach of this machine, and the command."""
    verdict = _rights(call, run) | _strange_flag(call) | _image(call, run)
    for path in call.values("--cidfile", "--iidfile", "--pidfile", "--pid-file", "--conmon-pidfile"):
        verdict |= run.write(path)
    entry = [argument(text) for text in call.values("--entrypoint")[-1:] if text]
    command = [*entry, *call.inner]
    return verdict | run.elsewhere_argv(command) if command else verdict


@handler
def _image(call: Call, run: Run) -> Verdict:
    """What goes to a registry: the addresses of images."""
    return sends_output([word for word in call.operands if says_in_image(word)])


def _strange_flag(call: Call) -> Verdict:
    """A flag that is not known may give a container more, and may take the next word as its value."""
    known = call.rule.valued | call.rule.switches
    strange = next((flag for flag in call.flags.values if flag.startswith("--") and flag not in known), None)
    return unknown(f"{call.name} {strange} is not known") if strange else read()


def _rights(call: Call, run: Run) -> Verdict:
    """What a container may reach of this machine."""
    verdict = (
        destructive(f"{call.name} with the rights of this machine") if call.given(*_HOST_RIGHTS) else read()
    )
    for volume in call.values("-v", "--volume"):
        source = volume.partition(":")[0]
        if ":" in volume and _is_place(source) and not _only_looks(call, volume, source, run):
            verdict |= _mounts(source, run)
    return verdict | worst([_mount(call, text, run) for text in call.values("--mount")])


_BELOW = r"(\$PWD|\$\{PWD\}|\.)(/(?!\.)[\w.+-]+)+/?"
_LOOKS = regex(
    rf"(-v|--volume)?=?{_BELOW}:/[\w./-]+:ro"
    rf"|(--mount=)?type=bind,(source|src)={_BELOW},(target|dst|destination)=/[\w./-]+,(readonly|ro)(=true)?"
)


def _only_looks(call: Call, text: str, source: str, run: Run) -> bool:
    """Whether a mount shows a container a folder below the working directory, and lets it change nothing."""
    words = [re.sub("[\"']", "", word.raw) for word in call.arguments if word.text.endswith(text)]
    plain = all(_LOOKS.fullmatch(word) for word in words) and not run.holds_secret(source)
    return plain and run.work(argument(source)).effect is Effect.CHANGE


def _is_place(source: str) -> bool:
    """Whether it is a path of this machine, and not the name of a volume."""
    return source[:1] in "/~.$" or "/" in source or UNSEEN in source


def _mount(call: Call, text: str, run: Run) -> Verdict:
    """`--mount type=bind,source=…`: fields as in a CSV file, their names in any case."""
    fields = _fields(text)
    kinds = {value.lower() for key, value in fields if key == "type"} or {"volume"}
    sources = [value for key, value in fields if key in ("source", "src")]
    if kinds <= {"tmpfs", "ramfs", "devpts"} and UNSEEN not in text:
        return read()
    devices = [value for key, value in fields if key == "volume-opt" and value.startswith("device=")]
    if kinds == {"volume"} and not devices and not any(map(_is_place, sources)) and UNSEEN not in text:
        return read()
    if len(sources) == 1 and _only_looks(call, text, sources[0], run):
        return read()
    return worst([_mounts(source, run) for source in [*sources, *devices] or [UNSEEN]])


def _fields(text: str) -> list[tuple[str, str]]:
    try:
        parts = next(csv.reader([text]), [])
    except csv.Error:
        return [("type", UNSEEN)]
    pairs = (part.strip().partition("=") for part in parts)
    return [(key.lower(), value) for key, _, value in pairs]


def _mounts(source: str, run: Run) -> Verdict:
    if run.holds_secret(source):
        return destructive(f"gives a container {source}") | read("gives a container secrets", secret=True)
    return destructive(f"gives a container the folder {source} of this machine")


@handler
def _docker_build(call: Call, run: Run) -> Verdict:
    """`docker build`: what its steps may reach, and where the result goes."""
    results = [_result(text, run) for text in call.values("-o", "--output")]
    caches = [_result(text, run) for text in call.values("--cache-to") if "=" in text]
    return _rights(call, run) | worst(results) | worst(caches)


def _result(text: str, run: Run) -> Verdict:
    """`-o DIRECTORY` or `-o type=local,dest=DIRECTORY`."""
    places = [value for key, value in _fields(text) if key in ("dest", "destination")]
    return worst([run.write(path) for path in (places if "=" in text else [text])])


@handler
def _image_copy(call: Call, run: Run) -> Verdict:
    """`skopeo copy` and `podman push`: an image may become a file here."""
    verdict = _image(call, run)
    for text in call.texts[1:]:
        transport, colon, path = text.partition(":")
        if colon and transport in ("dir", "oci", "oci-archive", "docker-archive", "sif"):
            verdict |= run.write(path.partition(":")[0])
        elif "dir" in call.values("-d", "--dest"):
            verdict |= run.write(text)
    return verdict


@handler
def _docker_cp(call: Call, run: Run) -> Verdict:
    """`docker cp` and `kubectl cp`: from a container to here, or from here into a container."""
    verdict = _cluster(call, run)
    if len(call.operands) < 2:
        return verdict
    source, target = call.texts[-2:]
    if target == "-":
        return verdict
    if is_remote(target) or (call.program != "docker" and ":" in target):
        secret = run.holds_secret(source)
        return verdict | destructive("copies over files of a container") | read(secret=secret)
    # kubectl puts what is in a folder into the target itself
    inside = call.rule.name != "kubectl"
    return verdict | run.write(run.inside(target, source.rpartition(":")[2]) if inside else target)


@handler
def _container_exec(call: Call, run: Run) -> Verdict:
    """`docker exec CONTAINER COMMAND` and `kubectl exec POD -- COMMAND`."""
    if not call.inner:
        return unknown("a shell for a person")
    return _cluster(call, run) | run.elsewhere_argv(call.inner)


_LOCAL_SERVER = regex(r"(https?://)?(localhost|127\.[\d.]+|\[::1\])(:\d+)?/?")
_DRY = regex(r"--(dry-?run|what-if|validate-only)(=.*)?")


def surely_dry(call: Call) -> bool:
    """Whether a flag for a dry run is one, and not undone or the value of the flag before it."""
    words = [each.text for each in call.arguments]
    before = [one for one, other in pairwise(words) if _DRY.fullmatch(other)]
    takes = any(re.fullmatch(r"--[\w-]+", word) and word not in call.rule.switches for word in before)
    return not takes and "--no-dry-run" not in words


def _cluster(call: Call, run: Run) -> Verdict:
    """How a call reaches a cluster, and whether its dry run is one."""
    short = ("-c",) if call.program == "istioctl" else ()
    for path in call.values("--kubeconfig", *short):
        if "--kubeconfig" not in call.rule.writes and not run.is_kubeconfig(path):
            return unknown(f"the configuration {path} may name programs")
    sends = sends_output([word for word in _sources(call) if says_in_url(word)])
    servers = call.values("--kube-apiserver") if call.rule.name == "helm" else []
    if call.rule.name == "kubectl" and not call.verb.startswith("config"):
        servers = call.values("-s", "--server")
    if not all(map(_LOCAL_SERVER.fullmatch, servers)):
        return unknown("shows credentials to a server that no configuration names")
    return sends | (unknown(f"{call.name} may be no dry run") if run.dry and not surely_dry(call) else read())


def _sources(call: Call) -> list[Argument]:
    """The words that name what is fetched: charts and manifests."""
    flags = ("-f", "--filename", "--values", "-k", "--kustomize", "--repo")
    named = [
        word
        for before, word in pairwise(call.arguments)
        if before.text in flags or word.text.startswith(tuple(f"{flag}=" for flag in flags))
    ]
    return [*named, *(call.operands if call.rule.name == "helm" else ())]


@handler
def _cluster_tool(call: Call, run: Run) -> Verdict:
    """helm and others that work on a cluster."""
    return _cluster(call, run) | read(secret=call.given("--with-credentials"))


@handler
def _kubectl(call: Call, run: Run) -> Verdict:
    """kubectl: secrets that it prints, and what `-f -` and `--raw` do."""
    texts = call.texts
    verdict = _cluster(call, run)
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
        verdict |= read("kubectl prints variables", secret=True)
    if call.verb in ("apply", "create", "replace") and run.feed and not run.dry:
        verdict |= _manifest(run.feed.text or "")
        # `kubectl create … --dry-run=client -o yaml | kubectl apply -f -` makes what it does not make here
        source = [word for word in run.feed.source if not word.text.startswith("--dry-run")]
        if source and source[0].text == "kubectl" and len(source) < len(run.feed.source):
            verdict |= run.argv(source)
    if call.verb == "taint" and any(text.endswith(":NoExecute") for text in texts):
        verdict |= destructive("evicts what runs on a node")
    if call.verb in ("create", "replace") and call.given("--raw"):
        verdict |= destructive(f"kubectl {call.verb} --raw")
    if not run.dry:
        verdict |= _kubectl_rights(call)
    patches = call.values("-p", "--patch") if call.verb == "patch" else []
    if not run.dry and any(map(_REMOVES_FINALIZERS.search, patches)):
        verdict |= destructive("takes the finalizers off, so that what waits for its removal is removed")
    return verdict | worst([_manifest(text) for text in [*patches, *call.values("--overrides")]])


_REMOVES_FINALIZERS = regex(r"finalizers[\"']?\s*:\s*(null|~|\[\s*\]|$)|/finalizers|\$patch")
_BINDING = regex(r"(cluster)?role(binding)?s?([./].*)?", re.I)
_STRONG_ROLE = regex(r"(cluster-)?admin|edit|system:.*")
_STRONG_RULE = regex(
    r"\*|escalate|bind|impersonate|secrets?|pods/(exec|attach)|nodes/proxy|(cluster)?roles?(bindings?)?"
)


def _kubectl_rights(call: Call) -> Verdict:
    """Whether a call of kubectl grants rights."""
    kind = call.verb.rpartition(" ")[2]
    roles = [value for value in call.values("--clusterrole") if _STRONG_ROLE.fullmatch(value)]
    if kind in ("clusterrolebinding", "rolebinding") and roles:
        return destructive(f"grants the rights of {roles[0]}")
    if kind in ("clusterrole", "role"):
        given = [part for value in call.values("--verb", "--resource") for part in re.split("[,.]", value)]
        if any(map(_STRONG_RULE.fullmatch, given)) or call.given("--aggregation-rule"):
            return destructive("makes a role with wide rights")
    if call.verb == "patch" and any(_BINDING.fullmatch(text) for text in call.texts[:1]):
        return destructive("changes who may do what")
    if call.verb == "config set" and not re.match(r"contexts\.|current-context$", "".join(call.texts[:1])):
        return destructive("configures access, or what runs later")
    if any(re.match(r"pod-security\.kubernetes\.io/.*=privileged", text) for text in call.texts):
        return destructive("lets pods have the rights of their nodes")
    return read()


_RIGHTS = regex(
    r"\"?(privileged|hostPID|hostNetwork|hostIPC|allowPrivilegeEscalation)\"?\s*:\s*\"?true|\"?hostPath\"?\s*:|cluster-admin"
)
_RIGHT_PATHS = regex(
    r"/(privileged|host(PID|IPC|Network|Path)|allowPrivilegeEscalation|capabilities|procMount)(/|$)", re.I
)
_TRUTHS = frozenset("privileged hostpid hostipc hostnetwork allowprivilegeescalation".split())
_SETS = frozenset("hostpath cap_add devices security_opt".split())
_HOST_MODES = frozenset("pid ipc userns_mode cgroup uts".split())
_LONGEST_MANIFEST = 50_000


def _manifest(text: str) -> Verdict:
    """Whether a manifest gives a container the rights of its host, or somebody those of an administrator."""
    if UNSEEN in text or len(text) > _LONGEST_MANIFEST:
        return unknown("a manifest that is only known at run time")
    found = _RIGHTS.search(text)
    if found:
        return destructive(f"the manifest has {found[0].strip()}")
    import yaml  # slow, and seldom needed

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        right = next((each for part in yaml.load_all(text, loader) for each in _granted(part, set())), None)
    except (yaml.YAMLError, ValueError, RecursionError):
        return read()  # nor can kubectl read it
    return destructive(f"the manifest has {right}") if right else read()


def _granted(node: object, seen: set[int]) -> Iterator[str]:
    """The rights that a part of a manifest gives."""
    if id(node) in seen or not isinstance(node, dict | list):
        return
    seen.add(id(node))
    pairs = list(node.items()) if isinstance(node, dict) else [("", each) for each in node]
    for key, value in pairs:
        if _grants(str(key).lower(), value):
            yield str(key)
        yield from _granted(value, seen)


def _grants(name: str, value: object) -> bool:
    texts = [str(each) for each in value] if isinstance(value, list) else [str(value)]
    return (
        (name in _TRUTHS and value not in (False, None, "false"))
        or (name in _SETS and bool(value))
        or (name in _HOST_MODES and value == "host")
        or (name in ("verbs", "resources", "apigroups") and "*" in texts)
        or (name == "capabilities" and isinstance(value, dict) and bool(value.get("add")))
        or (name == "path" and bool(_RIGHT_PATHS.search(texts[0])))
        or (name == "volumes" and any(re.match(r"([/~]|\.\.).*:", text) for text in texts))
        or (name.startswith("pod-security.kubernetes.io/") and value == "privileged")
    )


@handler
def _bundled(call: Call, run: Run) -> Verdict:
    """`k3s kubectl …` and `minikube kubectl -- …`: a program that another one brings along."""
    texts = [word.text for word in call.arguments]
    words = list(call.arguments[texts.index(call.verb) + 1 :])
    if call.program in ("minikube", "colima"):
        own = list(takewhile(lambda word: word.text != "--", words)) if "--" in texts else []
        if own and own[0].text.startswith("-"):
            return unknown(f"{call.name} with flags of its own")
        words = words if own else [word for at, word in enumerate(words) if at or word.text != "--"]
    return run.argv([argument(call.verb), *words])


@handler
def _kubectl_switch(call: Call, run: Run) -> Verdict:
    """`kubectl ctx NAME` and `kubens NAME`."""
    return change(f"{call.name} switches") if call.operands and not call.given("-c") else read()


@handler
def _fed_manifest(call: Call, run: Run) -> Verdict:
    """`docker compose -f - up` and `podman kube play -`: what the file says that they read."""
    fed = "-" in (*call.values("-f", "--file"), *call.texts) and not run.dry
    return _manifest(run.feed.text or "") if run.feed and fed else read()


@handler
def _lxc_config(call: Call, run: Run) -> Verdict:
    """`lxc config set` and `lxc launch -c`: settings that give a container the rights of its host."""
    texts = [*call.texts, *call.values("-c", "--config")]
    strong = any(re.match(r"(security|raw)\.", text) for text in texts) or call.given("-d", "--device")
    return destructive(f"{call.name} with the rights of this machine") if strong else read()


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
    on_node = any(re.match(r"(?i)no(de)?s?[./]", text) for text in call.texts)
    strong = on_node or call.given("--profile=sysadmin", "--custom")
    verdict = _kubectl(call, run)
    verdict |= destructive("a pod with the rights of its node") if strong else change("kubectl debug")
    if call.inner:
        return verdict | run.elsewhere_argv(call.inner)
    return verdict | unknown("a shell for a person") if call.given("-t", "--tty", "-it") else verdict
