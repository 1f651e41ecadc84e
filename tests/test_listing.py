"""Plain lists: which tasks ask for one, the command, and the answer that code gives."""

import os
from pathlib import Path

import pytest
from fake_ollama import FakeOllama, call

from agent import DevOpsAgent, bash, read_file
from devops_agent import briefing, events, listing
from devops_agent.approval import Answer
from devops_agent.gate import Gate
from devops_agent.policy.modes import Modes
from devops_agent.runbook_library import load
from ollama_backend import OllamaChat


@pytest.mark.parametrize(
    ("task", "command"),
    [
        ("List all running Docker containers", "docker ps"),
        ("show me all the running containers please", "docker ps"),
        ("which containers are stopped?", "docker ps -a --filter status=exited"),
        ("list containers", "docker ps -a"),
        ("list all docker images", "docker images"),
        ("Please show me my docker networks.", "docker network ls"),
        ("list the compose projects", "docker compose ls"),
        ("Get all pods in default namespace", "kubectl get pods -n default"),
        ("what pods are running in namespace shop", "kubectl get pods -n shop"),
        ("show the pods", "kubectl get pods"),
        ("list the pods in the current namespace", "kubectl get pods"),
        ("what are the running pods", "kubectl get pods"),
        ("list the services of the shop namespace", "kubectl get services -n shop"),
        ("list all Kubernetes services", "kubectl get services"),
        ("List the config maps in all namespaces", "kubectl get configmaps -A"),
        ("can you list the cron jobs in namespace shop", "kubectl get cronjobs -n shop"),
        ("What namespaces are there in the cluster?", "kubectl get namespaces"),
        ("show nodes", "kubectl get nodes"),
        ("list helm releases in namespace shop", "helm list -n shop"),
    ],
)
def test_a_plain_list_has_its_command(task: str, command: str) -> None:
    found = listing.of(task)
    assert found
    assert found.command == command


@pytest.mark.parametrize(
    "task",
    [
        "list services",  # systemd has some too
        "show the jobs",
        "list pods sorted by age",
        "list the pods and restart web",
        "which pods are not ready?",
        "get the pods of deployment web",
        "list all containers with their images",
        "show running services",
        "list docker images in namespace shop",
        "list the nodes of namespace shop",
        "how many pods are there?",
        "delete all pods in namespace shop",
        "list paused containers",
        "What are pods?",
        "what are stateful sets",
        "which containers are up?",
        "which deployments are available",
        "list the pods in each namespace",
        "list the pods of the other namespace",
        "why are there no pods in namespace shop",
        "show the images of the pods",
        "",
    ],
)
def test_what_wants_more_or_something_else_is_no_plain_list(task: str) -> None:
    assert listing.of(task) is None


CONTAINERS = """\
CONTAINER ID   IMAGE          COMMAND          CREATED         STATUS                      PORTS    NAMES
5258734ada8a   nginx:latest   "nginx -g …"     2 minutes ago   Up 2 minutes                80/tcp   web
6258734ada8a   redis:7        "redis-server"   9 minutes ago   Exited (137) 1 minute ago            cache
"""
PODS = """\
NAMESPACE     NAME      READY   STATUS             RESTARTS   AGE
kube-system   coredns   1/1     Running            0          28m
shop          api       0/1     CrashLoopBackOff   7          28m
"""
IMAGES = """\
REPOSITORY   TAG       IMAGE ID       CREATED          SIZE
nginx        1.25      8ef36a12c17c   14 minutes ago   126MB
"""


@pytest.mark.parametrize(
    ("task", "output", "answer"),
    [
        (
            "list containers",
            CONTAINERS,
            "There are 2 containers: web (nginx:latest, Up 2 minutes); "
            "cache (redis:7, Exited (137) 1 minute ago).",
        ),
        (
            "show all pods in all namespaces",
            PODS,
            "There are 2 pods in all namespaces: kube-system/coredns (Running); shop/api (CrashLoopBackOff).",
        ),
        ("list images", IMAGES, "There is 1 image: nginx:1.25 (126MB)."),
        (
            "list running containers",
            CONTAINERS.splitlines()[0] + "\n",
            "There are no running containers.",
        ),
        (
            "list network policies in namespace shop",
            "No resources found in shop namespace.\n",
            "There are no network policies in namespace shop.",
        ),
        ("list ingresses", "", "There are no ingresses in the current namespace."),
        ("list pods", "something else\n", ""),
        ("list the pods of the shopp namespace", "No resources found in shopp namespace.\n", ""),
        (
            "list the pods of the default namespace",
            "No resources found in default namespace.\n",
            "There are no pods in namespace default.",
        ),
    ],
)
def test_the_answer_names_each(task: str, output: str, answer: str) -> None:
    found = listing.of(task)
    assert found
    assert found.answer(output) == answer


def test_of_very_many_the_answer_names_the_first() -> None:
    rows = "".join(f"n{number:03}   Active   1d\n" for number in range(30))
    found = listing.of("list namespaces")
    assert found
    answer = found.answer(f"NAME   STATUS   AGE\n{rows}")
    assert answer.startswith("There are 30 namespaces: n000 (Active); n001")
    assert answer.endswith("n019 (Active); and 10 more, see above.")


# --- the run ----------------------------------------------------------------------------------------------


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin/docker"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat <<'X'\n{CONTAINERS}X\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def agent_for(ollama: FakeOllama, told: list[events.Event], **given: object) -> DevOpsAgent:
    brief = briefing.briefer(load(()), Path.cwd(), told.append)
    model = OllamaChat("qwen3-devops", ollama.url)
    return DevOpsAgent([bash, read_file], model, brief=brief, listener=told.append, **given)


@pytest.mark.usefixtures("docker")
def test_the_model_is_not_asked(ollama: FakeOllama) -> None:
    told: list[events.Event] = []
    agent = agent_for(ollama, told)
    assert str(agent.run("List all containers")).startswith("There are 2 containers: web")
    assert ollama.chats == []
    assert agent.evidence.exit_code() == 0
    called = [each for each in told if isinstance(each, events.ToolCalled)]
    assert [each.arguments for each in called] == [{"command": "docker ps -a"}]
    assert agent.conversation.turns[-1].task == "List all containers"


@pytest.mark.usefixtures("docker")
def test_of_data_that_comes_with_the_task_the_model_tells(ollama: FakeOllama) -> None:
    ollama.script(call("final_answer", answer="nginx:1.25 is the image."))
    agent = agent_for(ollama, [])
    data = {"/dev/stdin": "image: nginx:1.25"}
    assert agent.run("List all images", data=data) == "nginx:1.25 is the image."


@pytest.mark.usefixtures("docker")
def test_where_each_call_is_asked_for_the_model_makes_it(ollama: FakeOllama) -> None:
    ollama.script(call("bash", command="docker ps -a"), call("final_answer", answer="web and cache."))
    gate = Gate(Modes(require_approval=True), approver=lambda _: Answer(True), present=lambda: True)
    agent = agent_for(ollama, [], gate=gate)
    assert agent.run("List all containers") == "web and cache."
    assert len(ollama.chats) == 2


def test_what_fails_is_left_to_the_model(ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    ollama.script(call("bash", command="false"), call("final_answer", answer="Docker does not answer."))
    agent = agent_for(ollama, [])
    assert "Docker does not answer." in str(agent.run("List all containers"))
    assert ollama.chats
