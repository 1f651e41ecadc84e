"""The subcommands, which need no model: `diagnose`, on scripts named kubectl and docker, and `runbooks`."""

import json
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from shapes import FORBIDDEN, container, deployment, ended, healthy, pod, waiting

from devops_agent.__main__ import main
from devops_agent.runbook_library import load

Outcome = tuple[int, str, str]
Run = Callable[..., Outcome]

KUBECTL = r"""#!/bin/sh
echo "$*" >>"$LOG"
case "$*" in
    "config view"*) printf shop ;;
    "get namespace shop -o name") echo namespace/shop ;;
    "get namespace locked -o name")
        echo 'Error from server (Forbidden): namespaces "locked" is forbidden: User "me"' >&2; exit 1 ;;
    "get namespace "*) echo "Error from server (NotFound): namespaces not found" >&2; exit 1 ;;
    "get ns -o name") printf 'namespace/default\nnamespace/shop\n' ;;
    "-n locked get"*) printf '{"kind": "List", "items": []}'
        echo 'Error from server (Forbidden): User "me" cannot list resource "pods"' >&2; exit 1 ;;
    "-n shop get secrets "*) printf 'login user\nempty\n' ;;
    "-n shop get "*) cat "$DATA/shop.json" ;;
    "get nodes,storageclasses "*) echo '{"items": []}' ;;
    "-n shop logs web-1 "*--previous*) echo 'unable to retrieve container logs for containerd://5' ;;
    "-n shop logs web-1 "*) printf 'start\nKeyError: TOKEN\n' ;;
    "-n shop logs api-1 "*) cat "$DATA/api.log" ;;
    *) exit 1 ;;
esac
"""
DOCKER = r"""#!/bin/sh
case "$1" in
    ps) cat "$DATA/ids" ;;
    inspect) cat "$DATA/docker.json" ;;
    logs) echo out; echo "fatal: $4" >&2 ;;
    version) echo 28.0 ;;
    image) echo 'sha256:71 80/tcp 443/tcp' ;;
    *) exit 1 ;;
esac
"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs the command line in this process: exit code, stdout, stderr."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def in_process(*argv: str) -> Outcome:
        return main(argv), *capsys.readouterr()

    yield in_process
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Services":
    """Scripts named kubectl and docker, first on PATH and with nothing but a shell behind them."""
    made = Services(tmp_path / "services")
    monkeypatch.setenv("PATH", str(made.bin))
    monkeypatch.setenv("DATA", str(made.folder))
    monkeypatch.setenv("LOG", str(made.folder / "calls"))
    made.cluster(deployment())
    made.engine()
    return made


class Services:
    """What the scripts answer."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder, folder / "bin"
        self.bin.mkdir(parents=True)
        for program in ("sh", "cat"):
            (self.bin / program).symlink_to(shutil.which(program) or "")
        self.install("kubectl", KUBECTL)
        self.install("docker", DOCKER)

    def install(self, program: str, text: str) -> None:
        path = self.bin / program
        path.write_text(text)
        path.chmod(0o755)

    def cluster(self, *items: Any) -> None:
        (self.folder / "shop.json").write_text(json.dumps({"kind": "List", "items": items}))

    def engine(self, *containers: Any) -> None:
        (self.folder / "ids").write_text("".join(f"{c['Name']}\n" for c in containers))
        raw = [{key: value for key, value in c.items() if key != "Listening"} for c in containers]
        (self.folder / "docker.json").write_text(json.dumps(raw))

    def calls(self) -> str:
        return (self.folder / "calls").read_text()


CRASHING = pod(state=waiting("CrashLoopBackOff"), last=ended(1), restarts=2)
STOPPED = container("cache", {"Running": False, "ExitCode": 3}, HostConfig={})


# --- diagnose ---------------------------------------------------------------------------------------------


def test_a_namespace_is_diagnosed_with_the_log_of_what_crashed(services: Services, run: Run) -> None:
    services.cluster(CRASHING, deployment("api", 0))
    code, out, err = run("diagnose", "shop")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "pod web-1, container app: crashes with exit code 1 (2 restarts).",
        "  evidence: log: KeyError: TOKEN",
        "deployment api: it is scaled to 0 replicas.",
        "  evidence: spec.replicas is 0",
        "  try: kubectl -n shop scale deployment/api --replicas=1",
    ]


@pytest.mark.parametrize(
    "target", ["shop/deployment/api", "shop/deploy/api", "deploy/api", "Deployments/api"]
)
def test_a_target_is_diagnosed_alone(services: Services, run: Run, target: str) -> None:
    template = {"metadata": {"labels": {"app": "api"}}}
    services.cluster(CRASHING, deployment("api", 0, template=template))
    code, out, _ = run("diagnose", target)
    assert code == 0
    assert out.startswith("deployment api: it is scaled to 0 replicas.")
    assert "web-1" not in out


def test_what_has_no_trouble_is_said_to_have_none(services: Services, run: Run) -> None:
    assert run("diagnose", "shop") == (0, "No trouble found.\n", "")
    assert run("diagnose", "shop/deployment/web") == (0, "No trouble found.\n", "")
    assert run("diagnose") == (0, "No trouble found.\n", "")


def test_a_container_is_diagnosed_alone(services: Services, run: Run) -> None:
    services.engine(STOPPED, container("other", {"Running": False, "ExitCode": 4}, HostConfig={}))
    code, out, _ = run("diagnose", "cache")
    assert code == 0
    assert out == "container cache: it ended with exit code 3.\n  evidence: log: fatal: cache\n"


def test_where_the_engine_is_elsewhere_the_images_ports_are_told(services: Services, run: Run) -> None:
    bindings = {"PortBindings": {"8000/tcp": [{"HostPort": "8080"}]}}
    services.engine(container("cache", HostConfig=bindings, Image="sha256:71"))
    _, out, _ = run("diagnose", "cache")
    assert out.startswith("container cache: it publishes its port 8000, but its image exposes 443, 80.")


def test_without_a_target_the_current_namespace_and_the_engine_are_diagnosed(
    services: Services, run: Run
) -> None:
    services.cluster(CRASHING)
    services.engine(STOPPED)
    _, out, _ = run("diagnose")
    assert [line for line in out.splitlines() if not line.startswith(" ")] == [
        "pod web-1, container app: crashes with exit code 1 (2 restarts).",
        "container cache: it ended with exit code 3.",
    ]


def test_a_refusal_in_the_log_of_a_pod_that_runs_is_found(services: Services, run: Run) -> None:
    services.cluster(healthy("api-1"))
    (services.folder / "api.log").write_text(f"403 {FORBIDDEN}\n")
    _, out, _ = run("diagnose", "shop")
    assert "its service account watcher may not list cronjobs" in out


def test_few_logs_are_read_of_many_pods(services: Services, run: Run) -> None:
    crashing = [pod(f"web-{n}", state=ended(1)) for n in range(40)]
    running = [healthy(f"api-{n}") for n in range(40)]
    services.cluster(*crashing, *running)
    run("diagnose", "shop")
    assert services.calls().count(" logs ") <= 16


def test_what_may_not_be_read_is_told(services: Services, run: Run) -> None:
    code, out, _ = run("diagnose", "locked")
    assert code == 0
    assert out == "namespace locked: this could not be read, so it was not looked at: pods, secrets.\n"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ["nowhere"],
            "There is no container and no namespace nowhere: there are the namespaces default, shop.",
        ),
        (["nowhere/pod/x"], "There is no container and no namespace nowhere: there are"),
        (["shop/deployment/x"], "There is no deployment x in namespace shop (there are: web)."),
        (["pod/x"], "There is no pod x in namespace shop (there are: none)."),
        (["shop/teapot/x"], "There is no teapot x in namespace shop (there are: none)."),
        (["locked/pod/x"], "The objects of kind pod in namespace locked may not be read."),
        (["shop/web"], "shop/web: use namespace/kind/name, such as shop/deployment/web."),
        (["a/b/c/d"], "a/b/c/d: use namespace/kind/name"),
        ([""], "There is no container and no namespace"),
    ],
)
def test_an_unknown_target_is_one_line_and_exit_code_2(
    services: Services, run: Run, words: list[str], error: str
) -> None:
    code, out, err = run("diagnose", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert error in err


def test_a_cluster_that_does_not_answer_is_named_as_such(services: Services, run: Run) -> None:
    services.install(
        "kubectl", "#!/bin/sh\necho 'E1122 memcache' >&2\necho 'connection refused' >&2\nexit 1\n"
    )
    code, _, err = run("diagnose", "shop")
    assert (code, err.count("\n")) == (2, 1)
    assert "no namespace shop: no cluster can be reached (connection refused)." in err
    services.engine(STOPPED)
    assert run("diagnose")[1].startswith("container cache: it ended")


def test_nothing_that_could_be_diagnosed_is_no_good_health(services: Services, run: Run) -> None:
    for program in ("kubectl", "docker"):
        (services.bin / program).unlink()
    code, out, err = run("diagnose")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no Docker engine answers, and no cluster can be reached (kubectl is not installed)" in err


@pytest.mark.parametrize("answer", ["", "[]", "null", '{"items": null}', "Error: x"])
def test_an_answer_that_is_none_is_not_good_health(services: Services, run: Run, answer: str) -> None:
    (services.folder / "shop.json").write_text(answer)
    (services.folder / "ids").write_text("1\n")
    (services.folder / "docker.json").write_text("" if answer.startswith("{") else answer)
    code, out, _ = run("diagnose", "shop")
    assert code == 0
    assert "this could not be read, so it was not looked at:" in out


# --- runbooks ---------------------------------------------------------------------------------------------

BREW = "# Descale a samovar\nWhen: limescale, samovar, teapot\n\n1. `samovar descale {name}`\n"


def test_a_runbook_is_added_listed_found_and_shown(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "descale-samovar.md"
    path.write_text(BREW)
    code, out, _ = run("runbooks", "add", str(path))
    added = Path(out.removeprefix("Added ").strip())
    assert code == 0
    assert added.read_text() == BREW
    line = f"{'descale-samovar':32} Descale a samovar"
    assert line in run("runbooks")[1].splitlines()
    assert run("runbooks", "list") == run("runbooks")
    assert run("runbooks", "search", "limescale", "in", "the", "teapot")[1].splitlines()[0] == line
    assert run("runbooks", "show", "descale-samovar") == (0, BREW, "")


def test_a_runbook_that_is_there_is_not_overwritten(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "brew.md"
    path.write_text(BREW)
    assert run("runbooks", "add", str(path))[0] == 0
    path.write_text("# Another\n")
    code, out, err = run("runbooks", "add", str(path))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "brew.md exists already" in err
    assert run("runbooks", "show", "brew")[1] == BREW


def test_a_projects_runbook_counts_in_its_folder(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / ".devops-agent" / "runbooks"
    folder.mkdir(parents=True)
    (folder / "brew.md").write_text(BREW)
    (folder / "notes.md").write_text("no title\n")
    assert run("runbooks", "show", "brew") == (0, BREW, "")
    assert "notes" not in load([folder])


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["show", "nothing"], "There is no runbook nothing. See devops-agent runbooks list."),
        (["show"], "required: NAME. Usage: devops-agent runbooks show NAME."),
        (["search"], "required: WORD. Usage: devops-agent runbooks search WORD"),
        (["list", "all"], "unrecognized arguments: all. Usage: devops-agent runbooks {list"),
        (["add", "missing.md"], "missing.md cannot be read:"),
        (["add", "untitled.md"], "untitled.md has no title."),
        (["add", "binary.md"], "binary.md cannot be read:"),
    ],
)
def test_a_wrong_use_is_one_line_and_exit_code_2(
    tmp_path: Path, run: Run, words: list[str], error: str
) -> None:
    (tmp_path / "untitled.md").write_text("Just text.\n")
    (tmp_path / "binary.md").write_bytes(b"# \xff\xfe")
    code, out, err = run("runbooks", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert error in err
