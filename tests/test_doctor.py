"""`devops-agent doctor`: each check where something is missing, and the whole where everything is."""

import hashlib
import json
import os
import shutil
import socket
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from fake_ollama import FakeOllama
from fake_programs import Programs

from conftest import Python
from devops_agent import model_file
from devops_agent.doctor import check, engines, machine, services
from devops_agent.doctor.check import Check
from devops_agent.settings import Settings

ALL = (
    "Python packages engine model Ollama Docker kubeconfig cluster tools bash disk memory folders config.toml"
    " policy.toml terminal"
).split()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return Programs(tmp_path / "bin", monkeypatch)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterable[Path]:
    """The socket of a Docker engine."""
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        yield path


def only(found: Iterable[Check]) -> Check:
    [each] = found
    return each


# --- the whole --------------------------------------------------------------------------------------------


def test_each_check_is_a_line_with_its_state_and_a_fix_where_it_is_not_ok(python: Python) -> None:
    result = python("-m", "devops_agent", "doctor", "--quick")
    lines = result.stdout.splitlines()
    assert result.stderr == ""
    assert {line.split()[0] for line in lines} <= {"ok", "warning", "failure"}
    assert [line.split()[1] for line in lines if line.split()[1] != "cluster"] == [
        name for name in ALL if name != "cluster"
    ]
    assert result.returncode == (1 if any(line.startswith("failure") for line in lines) else 0)


def test_on_a_machine_with_nothing_it_says_what_is_missing(python: Python, tmp_path: Path) -> None:
    env = {"PATH": "", "HOME": "/dev/null/home", "TMPDIR": str(tmp_path), "PYTHONIOENCODING": "ascii"}
    env |= dict.fromkeys(("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "KUBECONFIG"), "")
    result = python("-m", "devops_agent", "doctor", "--json", env=env)
    assert (result.returncode, result.stderr) == (1, "")
    told = json.loads(result.stdout)
    assert told["ok"] is False
    states = {each["name"]: each["state"] for each in told["checks"]}
    texts = {each["name"]: each["text"] for each in told["checks"]}
    assert (states["bash"], states["folders"]) == ("failure", "failure")
    assert (states["Docker"], states["Kubernetes"], states["tools"]) == ("warning",) * 3
    assert texts["tools"].startswith("missing: kubectl, docker, docker compose, helm, git, jq, curl")
    assert (states["terminal"], "ascii" in texts["terminal"]) == ("warning", True)
    assert all(each["fix"] for each in told["checks"] if each["state"] != "ok")


def test_programs_that_hang_cost_no_more_than_six_seconds(
    programs: Programs, python: Python, home: Path
) -> None:
    for name in ("kubectl", "docker", "git", "jq", "helm"):
        programs.add(name, {}, "exec sleep 60")
    (home / ".kube").mkdir()
    (home / ".kube/config").write_text("current-context: dev\n")
    started = time.monotonic()
    result = python("-m", "devops_agent", "doctor", env={"DOCKER_HOST": "tcp://127.0.0.1:9"})
    assert time.monotonic() - started < 8  # the start of Python on a busy machine beside it
    assert result.returncode == 1
    assert "does not answer in 3 s" in result.stdout


def test_a_check_that_fails_or_hangs_harms_no_other() -> None:
    def fails(environ: object) -> Iterable[Check]:
        raise KeyError("a\nb")

    def lacks(environ: object) -> Iterable[Check]:
        raise ImportError(name="yaml")

    def hangs(environ: object) -> Iterable[Check]:
        time.sleep(60)
        return []

    def works(environ: object) -> Iterable[Check]:
        return [Check("good", "ok", "fine"), Check("better", "ok", "fine")]

    found = check.run({"a": fails, "b": lacks, "c": hangs, "d": works}, {}, 0.5)
    assert [(each.name, each.state) for each in found] == [
        ("a", "failure"),
        ("b", "failure"),
        ("c", "failure"),
        ("good", "ok"),
        ("better", "ok"),
    ]
    assert [each.text for each in found[:3]] == [
        "it could not be looked at: KeyError: 'a\\nb'",
        "the package yaml is missing",
        "no answer in 0.5 s",
    ]


# --- engines ----------------------------------------------------------------------------------------------


def test_a_library_that_the_first_task_fetches_is_a_warning(tmp_path: Path) -> None:
    told = "raise ImportError('libgomp.so.1: cannot open shared object file: No such file')"
    (tmp_path / "xllamacpp.py").write_text(told)
    found = only(engines.package({**os.environ, "PYTHONPATH": str(tmp_path)}))
    assert (found.state, found.text) == ("warning", "libgomp.so.1 is missing")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("import os; os.abort()", "it ended with exit code -6"),
        ("raise ImportError('libc.so.9: cannot open')", "ImportError: libc.so.9: cannot open"),
    ],
)
def test_an_engine_that_takes_its_process_down_is_a_failure_of_one_check(
    text: str, problem: str, tmp_path: Path
) -> None:
    (tmp_path / "xllamacpp.py").write_text(text)
    environ = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONFAULTHANDLER": ""}
    found = only(engines.package(environ))
    assert (found.state, found.text) == ("failure", f"xllamacpp cannot be loaded: {problem}")
    assert only(engines.package({**environ, "DEVOPS_AGENT_BACKEND": "ollama"})).state == "warning"


@pytest.fixture
def model(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small default model, where it is looked for."""
    text = b"GGUF" + b"x" * 100
    made = replace(model_file.DEFAULT_MODEL, size=len(text), sha256=hashlib.sha256(text).hexdigest())
    monkeypatch.setattr(model_file, "DEFAULT_MODEL", made)
    path = home / ".cache/devops-agent/models" / made.name
    path.parent.mkdir(parents=True)
    path.write_bytes(text)
    return path


def test_the_model_is_checked_by_its_checksum_unless_that_is_too_slow(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert only(engines.ModelFile()(os.environ)).text == f"{model}, checksum right"
    assert only(engines.ModelFile(quick=True)(os.environ)).text == f"{model}, checksum not computed"
    monkeypatch.setattr(engines, "_CHECKSUM_SECONDS", -1.0)
    assert only(engines.ModelFile()(os.environ)).state == "warning"


def test_a_model_that_is_missing_or_damaged_is_told(model: Path) -> None:
    model.write_bytes(b"GGUF" + b"y" * 100)
    found = only(engines.ModelFile()(os.environ))
    assert (found.state, found.text) == ("failure", f"{model} has a wrong checksum")
    assert found.fix.endswith(f"rm {model}")
    assert only(engines.ModelFile(quick=True)(os.environ)).state == "ok"
    model.write_bytes(b"GGUF")
    assert only(engines.ModelFile(quick=True)(os.environ)).text == f"{model} has a wrong size"
    model.unlink()
    assert only(engines.ModelFile()(os.environ)).state == "warning"


def test_a_model_of_the_users_own_has_to_be_a_gguf_file(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    environ = {**os.environ, "DEVOPS_AGENT_MODEL_PATH": str(path)}
    assert only(engines.ModelFile()(environ)) == Check(
        "model", "failure", f"{path} is missing", "Correct model_path."
    )
    path.write_text("<html>")
    assert only(engines.ModelFile()(environ)).text == f"{path} is no GGUF file"
    path.write_text("GGUF…")
    assert only(engines.ModelFile()(environ)).state == "ok"


@pytest.mark.parametrize(
    ("more", "state", "text"),
    [
        ({}, "ok", "with the model qwen3-devops"),
        ({"DEVOPS_AGENT_MODEL": "other"}, "failure", "without the model other"),
    ],
)
def test_ollama_has_to_have_the_model(
    more: dict[str, str], state: str, text: str, ollama: FakeOllama
) -> None:
    found = only(engines.ollama({**os.environ, "OLLAMA_HOST": ollama.url, **more}))
    assert (found.state, text in found.text) == (state, True)


def test_without_ollama_nothing_is_wrong_unless_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, ollama: FakeOllama
) -> None:
    nobody = {**os.environ, "OLLAMA_HOST": "127.0.0.1:9"}
    assert only(engines.ollama(nobody)).state == "failure"
    ollama.pages["/api/tags"] = b"<html>"
    found = only(engines.ollama({**nobody, "OLLAMA_HOST": ollama.url}))
    assert found.text == f"what answers at {ollama.url} is no Ollama"
    monkeypatch.setattr(engines, "_settings", lambda environ: Settings(host="127.0.0.1:9"))
    found = only(engines.ollama(os.environ))
    assert found == Check(
        "Ollama", "ok", "nothing answers at http://127.0.0.1:9: the embedded engine is used"
    )


# --- Docker and Kubernetes --------------------------------------------------------------------------------


def test_a_docker_engine_that_answers_is_told_with_its_version(programs: Programs, engine: Path) -> None:
    programs.add("docker", {"version *": "28.0\n"})
    found = only(services.docker(os.environ))
    assert found.state == "ok"
    assert found.text.startswith(f"engine 28.0 at unix://{engine} (group ")


def test_a_socket_that_may_not_be_opened_is_told_with_its_group(
    programs: Programs, engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.add("docker", {})
    allowed = os.access  # root may open it
    monkeypatch.setattr(os, "access", lambda path, mode: path != engine and allowed(path, mode))
    found = only(services.docker(os.environ))
    assert found.state == "failure"
    assert found.text.startswith(f"you may not open {engine} (group ")
    assert found.fix.endswith("sudo usermod -aG docker $USER")


def test_an_engine_that_does_not_answer_is_told_with_its_reason(programs: Programs, engine: Path) -> None:
    programs.add("docker", {}, "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    found = only(services.docker(os.environ))
    assert (found.state, found.text.endswith(": Cannot connect to the Docker daemon")) == ("failure", True)


def test_the_socket_is_that_of_the_context(programs: Programs, tmp_path: Path) -> None:
    programs.add("docker", {"context inspect *": f"unix://{tmp_path}/other.sock\n"})
    found = only(services.docker(os.environ))
    assert (found.state, found.text) == ("failure", f"there is no socket {tmp_path}/other.sock")


def kubernetes(home: Path, config: str | None) -> dict[str, Check]:
    if config is not None:
        (home / ".kube").mkdir()
        (home / ".kube/config").write_text(config)
    return {each.name: each for each in services.kubernetes(os.environ)}


CONFIG = "current-context: dev\ncontexts: [{name: dev, context: {namespace: shop}}]\n"


def test_a_cluster_that_answers_is_told_with_its_context_and_user(programs: Programs, home: Path) -> None:
    programs.add("kubectl", {"get --raw *": "{}", "auth whoami *": "jane"})
    found = kubernetes(home, CONFIG)
    assert found["kubeconfig"].text == f"{home}/.kube/config: context dev, namespace shop"
    assert found["cluster"].state == "ok"
    assert found["cluster"].text.endswith(" s, as jane")


def test_a_cluster_that_does_not_tell_who_one_is_answers_all_the_same(programs: Programs, home: Path) -> None:
    programs.add("kubectl", {"get --raw *": "{}"})
    assert "as" not in kubernetes(home, CONFIG)["cluster"].text.split()


def test_a_cluster_that_cannot_be_reached_is_a_failure(programs: Programs, home: Path) -> None:
    programs.add("kubectl", {}, "echo 'Unable to connect to the server: dial tcp' >&2; exit 1")
    found = kubernetes(home, CONFIG)["cluster"]
    assert (found.state, found.text) == ("failure", "Unable to connect to the server: dial tcp")


@pytest.mark.parametrize(
    ("config", "state", "text"),
    [
        ("{{{", "failure", "/.kube/config cannot be read: "),
        ("just text", "failure", "/.kube/config cannot be read: it holds no configuration"),
        ("kind: Config", "warning", "/.kube/config: no current context"),
        (None, "warning", "there is none: "),
    ],
)
def test_what_is_wrong_with_a_kubeconfig_is_told(
    config: str | None, state: str, text: str, programs: Programs, home: Path
) -> None:
    programs.add("kubectl", {})
    found = kubernetes(home, config)["kubeconfig"]
    assert (found.state, text in found.text, "\n" in found.text) == (state, True, False)


# --- the machine ------------------------------------------------------------------------------------------


def test_tools_are_told_with_their_versions_and_those_that_are_missing(programs: Programs) -> None:
    programs.add("kubectl", {"version --client": "Client Version: v1.33.1\nKustomize Version: v5.6.0\n"})
    programs.add("docker", {"--version": "Docker version 28.2.2, build e6534b4\n"})
    found = only(machine.tools(os.environ))
    assert found.state == "warning"
    assert found.text == (
        "kubectl 1.33.1, docker 28.2.2; missing: docker compose, helm, git, jq, curl, openssl, systemctl"
    )


def test_little_room_on_the_disk_matters_as_long_as_the_model_is_missing(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert only(machine.disk(os.environ)).state == "ok"
    model.unlink()
    found = only(machine.disk(os.environ))
    assert (found.state, found.text.endswith(", 1.2 GB needed")) == ("failure", True)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"meminfo": "MemTotal: 9 kB\nMemAvailable: 4 kB\n"}, 4096),
        ({"meminfo": "MemAvailable: 4 kB\n", "memory.max": "max", "memory.current": "9"}, 4096),
        (
            {
                "meminfo": "MemAvailable: 4 kB\n",
                "memory.max": "1000",
                "memory.current": "900",
                "memory.stat": "anon 5\ninactive_file 300\n",
            },
            400,
        ),
    ],
)
def test_memory_is_what_is_available_within_a_containers_limit(
    files: dict[str, str], expected: int, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert machine._available(tmp_path / "meminfo", tmp_path) == expected


def test_where_the_system_does_not_say_what_is_available_it_is_all_there_is(tmp_path: Path) -> None:
    found = machine._available(tmp_path / "meminfo", tmp_path)
    assert found == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize(
    ("kind", "state"), [("CACHE", "failure"), ("DATA", "warning"), ("CONFIG", "warning")]
)
def test_a_folder_that_cannot_be_made_is_told(
    kind: str, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / "file"))
    found = only(machine.folders(os.environ))
    assert found.state == state
    assert f"{tmp_path / 'file'}/devops-agent cannot be written" in found.text
    assert f"XDG_{kind}_HOME" in found.fix


@pytest.mark.parametrize(
    ("name", "text"),
    [("config.toml", "model ="), ("config.toml", "colour = 1"), ("policy.toml", "rules = 5")],
)
def test_a_configuration_that_makes_no_sense_is_a_failure(name: str, text: str, home: Path) -> None:
    path = home / ".config/devops-agent" / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    found = {each.name: each for each in machine.configuration(os.environ)}
    assert found[name].state == "failure"
    assert str(path) in found[name].text
    assert {each.state for each in found.values()} == {"ok", "failure"}
