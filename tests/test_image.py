"""The image's entry point, run by this machine's shell with stand-ins for the programs of the image."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the image is a Linux")
ENTRYPOINT = ROOT / "docker/entrypoint"
SHOWN = ("OLLAMA_HOST", "DEVOPS_AGENT_BACKEND", "KUBECONFIG")
AGENT = f"""\
#!/bin/sh
echo "agent: $*"
{"".join(f'echo "{name}=${name}"{chr(10)}' for name in SHOWN)}"""
KUBECTL = """\
#!/bin/sh
case "$*" in
    *exec.command*) printf %s "$PLUGIN" ;;
    *cluster.server*) printf %s "$SERVER" ;;
    *'clusters[0].name'*) printf %s lab ;;
    *--flatten*) echo a copy ;;
    *set-cluster*) echo "$*" >>"$2" ;;
esac
"""


class Image:
    """A home and a PATH as in the image."""

    def __init__(self, path: Path) -> None:
        self.path, self.home, self.programs = path, path / "home", path / "bin"
        for folder in (self.home, self.programs, path / "tmp"):
            folder.mkdir()
        for name in ("id", "stat", "tr", "sh"):
            (self.programs / name).symlink_to(shutil.which(name) or pytest.skip(f"{name} is not installed"))
        for name, text in {
            "devops-agent": AGENT,
            "kubectl": KUBECTL,
            "curl": "#!/bin/sh\nexit ${CURL:-7}\n",
        }.items():
            (self.programs / name).write_text(text)
            (self.programs / name).chmod(0o755)

    def file(self, name: str) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True)
        path.touch()
        return path

    def run(self, *words: str, **environment: str) -> tuple[list[str], str]:
        """What the agent is started with, and what the entry point says."""
        ran = subprocess.run(
            ["/bin/sh", ENTRYPOINT, *words],
            env={
                "HOME": str(self.home),
                "PATH": str(self.programs),
                "TMPDIR": str(self.path / "tmp"),
                "DOCKER_HOST": "unix:///nowhere.sock",
                **environment,
            },
            capture_output=True,
            text=True,
            check=True,
        )
        return ran.stdout.splitlines(), ran.stderr


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return Image(tmp_path)


@pytest.mark.parametrize(
    "words", [(), ("Get all pods in default namespace",), ("-a", "--yes", "a task"), ("--help",)]
)
def test_what_stands_behind_the_image_goes_to_the_agent(words: tuple[str, ...], image: Image) -> None:
    (first, *_), said = image.run(*words)
    assert (first, said) == (f"agent: {' '.join(words)}", "")


def test_ollama_is_looked_for_on_the_host(image: Image) -> None:
    told, _ = image.run("task")
    assert "OLLAMA_HOST=http://host.docker.internal:11434" in told
    told, _ = image.run("task", OLLAMA_HOST="http://gpu:11434")
    assert "OLLAMA_HOST=http://gpu:11434" in told


def test_where_the_model_is_in_the_image_the_embedded_engine_runs_it(image: Image) -> None:
    image.file(".cache/devops-agent/models/a.gguf")
    told, _ = image.run("task")
    assert {"OLLAMA_HOST=", "DEVOPS_AGENT_BACKEND=llama-cpp"} <= set(told)
    told, _ = image.run("task", OLLAMA_HOST="http://gpu:11434")
    assert {"OLLAMA_HOST=http://gpu:11434", "DEVOPS_AGENT_BACKEND="} <= set(told)


@pytest.mark.parametrize("server", ["https://127.0.0.1:6443", "http://localhost:8001", "https://[::1]:6443"])
def test_a_server_that_is_the_container_itself_is_told_of(server: str, image: Image) -> None:
    image.file(".kube/config")
    _, said = image.run("task", SERVER=server)
    assert f"The kubeconfig's server is {server}, which from here is this container." in said
    assert said.count("\n") == 1
    assert image.run("task", SERVER=server, CURL="0")[1] == ""  # with the host's network it answers
    assert image.run("task", SERVER="https://10.0.0.7:6443")[1] == ""


def test_on_request_a_copy_names_the_host(image: Image) -> None:
    config = image.file(".kube/config")
    told, said = image.run(
        "task", SERVER="https://127.0.0.1:6443", DEVOPS_AGENT_KUBE_HOST="host.docker.internal"
    )
    (copy,) = (image.path / "tmp").iterdir()
    assert (f"KUBECONFIG={copy}" in told, said) == (True, "")
    assert "--tls-server-name 127.0.0.1 --server https://host.docker.internal:6443" in copy.read_text()
    assert copy.stat().st_mode & 0o077 == 0
    assert config.read_text() == ""


def test_a_login_plugin_that_is_missing_is_named(image: Image) -> None:
    image.file(".kube/config")
    assert "logs in with aws-login, which this image does not have" in image.run("x", PLUGIN="aws-login")[1]
    assert image.run("x", PLUGIN="kubectl")[1] == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everywhere")
def test_what_another_user_owns_is_told_of(image: Image) -> None:
    image.file(".kube/config").chmod(0)
    assert "cannot be read by user" in image.run("x")[1]
    (image.home / ".kube/config").chmod(0o600)
    path = image.path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.chmod(0)
        said = image.run("x", DOCKER_HOST=f"unix://{path}")[1]
    assert f"Run with --group-add {path.stat().st_gid}." in said
