"""The Kubernetes context and namespace of a run, with the real kubectl where there is one."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Python
from devops_agent.errors import UsageError
from devops_agent.kube_context import Overlay, current

USERS = """\
apiVersion: v1
kind: Config
current-context: dev
clusters:
- {name: here, cluster: {server: "https://127.0.0.1:9", certificate-authority: certs/ca.crt}}
- {name: there, cluster: {server: "https://127.0.0.1:8"}}
users:
- {name: me, user: {token: s3cret}}
contexts:
- {name: dev, context: {cluster: here, user: me}}
- {name: prod, context: {cluster: there, user: me, namespace: shop}}
"""

needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")


@pytest.fixture
def config(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's kubeconfig, in its usual place."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    path = home / ".kube/config"
    path.parent.mkdir()
    path.write_text(USERS)
    return path


@pytest.fixture
def overlay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Overlay]:
    # restored at the end of the test, whatever it leaves
    monkeypatch.setenv("KUBECONFIG", os.environ.get("KUBECONFIG", ""))
    monkeypatch.delenv("KUBECONFIG")
    (tmp_path / "private").mkdir()
    with Overlay(os.environ, tmp_path / "private") as made:
        yield made


def kubectl(*words: str) -> str:
    return subprocess.run(["kubectl", *words], capture_output=True, text=True, check=True).stdout


def seen_by_kubectl() -> tuple[str, str, str]:
    """Context, namespace and server, as a child process sees them."""
    shown = json.loads(kubectl("config", "view", "--minify", "-o", "json"))
    context = shown["contexts"][0]["context"]
    server = shown["clusters"][0]["cluster"]["server"]
    return shown["current-context"], context.get("namespace", ""), server


@needs_kubectl
@pytest.mark.parametrize(
    ("context", "namespace", "expected"),
    [
        ("prod", None, ("prod", "shop", "https://127.0.0.1:8")),
        ("prod", "web", ("prod", "web", "https://127.0.0.1:8")),
        (None, "web", ("dev", "web", "https://127.0.0.1:9")),
        ("dev", None, ("dev", "", "https://127.0.0.1:9")),
    ],
)
def test_children_work_in_the_context_and_namespace_that_were_chosen(
    context: str | None, namespace: str | None, expected: tuple[str, str, str], config: Path, overlay: Overlay
) -> None:
    overlay.use(context, namespace)
    assert seen_by_kubectl() == expected
    assert current(os.environ) == (expected[0], expected[1] or "default")
    assert config.read_text() == USERS


@needs_kubectl
def test_paths_of_certificates_stay_relative_to_the_users_file(config: Path, overlay: Overlay) -> None:
    overlay.use("dev", "web")
    refused = subprocess.run(["kubectl", "get", "pods"], capture_output=True, text=True, check=False)
    assert f"unable to read certificate-authority {config.parent / 'certs/ca.crt'}" in refused.stderr


@needs_kubectl
def test_a_namespace_that_is_chosen_later_keeps_the_context(config: Path, overlay: Overlay) -> None:
    overlay.use("prod")
    overlay.use(namespace="web")
    assert seen_by_kubectl()[:2] == ("prod", "web")
    overlay.use("dev")
    overlay.use("prod")
    assert seen_by_kubectl()[:2] == ("prod", "shop")


@needs_kubectl
def test_what_the_agent_changes_with_kubectl_config_stays_in_the_overlay(
    config: Path, overlay: Overlay
) -> None:
    overlay.use("dev")
    kubectl("config", "use-context", "prod")
    kubectl("config", "set-context", "dev", "--namespace=web")
    assert config.read_text() == USERS
    assert current(os.environ) == ("prod", "shop")


@needs_kubectl
def test_the_users_kubeconfig_variable_comes_behind_and_back(
    config: Path, overlay: Overlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = config.rename(tmp_path / "elsewhere")
    monkeypatch.setenv("KUBECONFIG", str(moved))
    overlay.use("prod")
    [own, users] = os.environ["KUBECONFIG"].split(os.pathsep)
    assert users == str(moved)
    assert Path(own).stat().st_mode & 0o777 == 0o600
    assert Path(own).parent.stat().st_mode & 0o777 == 0o700
    assert "s3cret" not in Path(own).read_text()
    overlay.close()
    assert os.environ["KUBECONFIG"] == str(moved)
    assert not Path(own).parent.exists()


@needs_kubectl
@pytest.mark.parametrize(
    ("context", "namespace", "message"),
    [
        ("nowhere", None, "There is no Kubernetes context 'nowhere' (there are: dev, prod)."),
        ("", None, "There is no Kubernetes context '' (there are: dev, prod)."),
        (None, "Web", "'Web' is no name of a namespace."),
        (None, "", "'' is no name of a namespace."),
        ("prod", "a" * 64, "is no name of a namespace."),
        (None, "-web", "'-web' is no name of a namespace."),
    ],
)
def test_what_there_is_not_is_a_usage_error_and_changes_nothing(
    context: str | None, namespace: str | None, message: str, config: Path, overlay: Overlay
) -> None:
    with pytest.raises(UsageError) as caught:
        overlay.use(context, namespace)
    assert message in str(caught.value)
    assert "KUBECONFIG" not in os.environ


@needs_kubectl
def test_without_a_current_context_one_has_to_be_named(config: Path, overlay: Overlay) -> None:
    config.write_text(USERS.replace("current-context: dev\n", ""))
    with pytest.raises(UsageError, match=r"--context \(there are: dev, prod\)"):
        overlay.use(namespace="web")


@needs_kubectl
def test_a_broken_kubeconfig_is_told_in_one_line(config: Path, overlay: Overlay) -> None:
    config.write_text("{{{")
    with pytest.raises(UsageError, match="kubectl cannot read its configuration") as caught:
        overlay.use("prod")
    assert "\n" not in str(caught.value)
    assert current(os.environ) == ("", "")


@needs_kubectl
def test_a_folder_that_cannot_be_written_is_told_and_leaves_the_environment(
    config: Path, tmp_path: Path
) -> None:
    with Overlay(os.environ, tmp_path / "missing") as overlay:
        with pytest.raises(UsageError, match="The Kubernetes context cannot be set"):
            overlay.use("prod")
        assert "KUBECONFIG" not in os.environ


def test_without_kubectl_the_error_says_so(overlay: Overlay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match="kubectl is not installed"):
        overlay.use("prod")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (None, None, ("", "")),
        ("", USERS, ("dev", "default")),
        ("current-context: prod", USERS, ("prod", "shop")),
        ("current-context: gone", USERS, ("gone", "default")),
        ("[broken", USERS, ("dev", "default")),
        ("contexts: 5\ncurrent-context: prod", USERS, ("prod", "shop")),
        (USERS, "current-context: prod", ("dev", "default")),
    ],
)
def test_the_current_context_is_read_from_the_files_alone(
    first: str | None, second: str | None, expected: tuple[str, str], tmp_path: Path
) -> None:
    paths = [tmp_path / "first", tmp_path / "second"]
    for path, text in zip(paths, (first, second), strict=True):
        if text is not None:
            path.write_text(text)
    environ = {"KUBECONFIG": os.pathsep.join(map(str, paths)), "HOME": str(tmp_path), "PATH": "/nowhere"}
    assert current(environ) == expected


@needs_kubectl
def test_the_flags_hold_for_a_subcommand_and_leave_nothing_behind(
    config: Path, python: Python, tmp_path: Path
) -> None:
    (tmp_path / "t").mkdir()
    env = {"TMPDIR": str(tmp_path / "t")}
    result = python("-m", "devops_agent", "diagnose", "--context", "prod", "pod/x", env=env)
    assert result.returncode == 2
    assert "no namespace shop" in result.stderr
    result = python("-m", "devops_agent", "--context", "nowhere", "-n", "web", "list the pods", env=env)
    assert (result.returncode, result.stderr) == (
        2,
        "devops-agent: There is no Kubernetes context 'nowhere' (there are: dev, prod).\n",
    )
    assert list((tmp_path / "t").iterdir()) == []
