"""What "it" means in a task, and what a turn was about."""

import pytest

from devops_agent import subjects
from devops_agent.reference import refers_back, resolved
from devops_agent.subjects import Subject

WEB = "deployment web in namespace shop"
ABOUT_WEB = (Subject("deployment", "web", "shop"), Subject("namespace", "shop"))
ABOUT_FILE = (Subject("file", "Dockerfile"),)
ABOUT_IMAGE = (Subject("image", "demo:1"), *ABOUT_FILE)


@pytest.mark.parametrize(
    ("task", "meant"),
    [
        ("now scale it to 5", f"now scale {WEB} to 5"),
        ("and its logs?", f"and the logs of {WEB}?"),
        ("delete it", f"delete {WEB}"),
        ("create a service for it", f"create a service for {WEB}"),
        ("expose it with a service on port 80", f"expose {WEB} with a service on port 80"),
        ("Is it ready?", f"Is {WEB} ready?"),
        ("set its memory limit to 128Mi", f"set the memory limit of {WEB} to 128Mi"),
        ("what are its labels and annotations?", f"what are the labels and annotations of {WEB}?"),
        ("restart that deployment", f"restart {WEB}"),
        ("scale the deployment back to 2", f"scale {WEB} back to 2"),
        ("is it there in namespace prod?", "is deployment web there in namespace prod?"),
        ("create a config map app-config there", "create a config map app-config in namespace shop"),
        ("why?", f"why? ({WEB})"),
        ("and the logs?", f"and the logs of {WEB}?"),
        ("and then scale to 2", f"and then scale to 2 for {WEB}"),
        ("set the image to nginx:1.27", f"set the image to nginx:1.27 for {WEB}"),
    ],
)
def test_a_reference_is_replaced_by_what_it_means(task: str, meant: str) -> None:
    assert resolved(task, ABOUT_WEB) == meant


@pytest.mark.parametrize(
    "task",
    [
        "Create a Dockerfile, then check if it exists",
        "Create a configmap app with A=1 and mount it",
        "create a pod and delete it",
        "read conf.yaml and tell me what is in it",
        "Show running Docker containers",
        "Get the value of PATH environment variable",
        "List all namespaces",
        "Which pods are not running in namespace shop?",
        "now scale api to 2",
        "then check the disk",
        "undo that",
        "do it again",
        "Is there enough memory?",
        "Delete the pod",
        "set the hostname to box1",
        "How many nodes are there in the cluster?",
    ],
)
def test_a_task_that_says_all_itself_stays_as_it_is(task: str) -> None:
    assert resolved(task, ABOUT_WEB) == task


@pytest.mark.parametrize(
    ("task", "meant"),
    [
        ("add a HEALTHCHECK to it", "add a HEALTHCHECK to Dockerfile"),
        ("what is in the file?", "what is in Dockerfile?"),
        ("show it", "show Dockerfile"),
    ],
)
def test_of_a_file_the_name_says_enough(task: str, meant: str) -> None:
    assert resolved(task, ABOUT_FILE) == meant


def test_what_fits_the_verb_is_meant() -> None:
    assert resolved("run it as container c1", ABOUT_IMAGE) == "run image demo:1 as container c1"
    assert resolved("edit it", ABOUT_IMAGE) == "edit Dockerfile"


def test_the_same_for_another_one() -> None:
    before = f"scale {WEB} to 5"
    assert resolved("do the same for api", ABOUT_WEB, before) == before.replace("web", "api")
    logs = f"Show the logs of {WEB}"
    assert resolved("what about api?", ABOUT_WEB, logs) == logs.replace("web", "api")


def test_a_question_about_another_one_changes_nothing() -> None:
    assert resolved("what about api?", ABOUT_WEB, f"scale {WEB} to 5") == "what about api?"


def test_with_nothing_before_nothing_is_replaced() -> None:
    assert resolved("now scale it to 5", ()) == "now scale it to 5"


@pytest.mark.parametrize(
    ("task", "back"),
    [
        ("How many of them are ready?", True),
        ("What did you do?", True),
        ("what was its image?", True),
        ("List the pods in namespace shop", False),
        ("Check disk usage", False),
    ],
)
def test_whether_a_task_speaks_of_what_was_said(task: str, back: bool) -> None:
    assert refers_back(task) is back


# --- subjects ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "about"),
    [
        ("kubectl create deployment web --image=nginx -n shop", ["deployment web in namespace shop"]),
        ("kubectl -n shop scale deploy/web --replicas=3", ["deployment web in namespace shop"]),
        ("kubectl set image deployment/web web=nginx:1.27", ["deployment web"]),
        ("kubectl rollout restart deployment web -n shop", ["deployment web in namespace shop"]),
        ("kubectl logs web-7d9f -n shop --tail=5", ["pod web-7d9f in namespace shop"]),
        ("kubectl logs deploy/web", ["deployment web"]),
        ("kubectl create secret generic login --from-literal=a=b", ["secret login"]),
        ("kubectl get pods -A", []),
        ("kubectl get namespace shop", ["namespace shop"]),
        ("docker run -d --name web -p 80:80 nginx", ["container web"]),
        ("docker logs web --tail 5", ["container web"]),
        ("docker exec web ls /", ["container web"]),
        ("docker build -t demo:1 .", ["image demo:1"]),
        ("docker network create back", ["network back"]),
        ("docker ps", []),
        ("df -h; kubectl get pod a -n b | grep x", ["pod a in namespace b"]),
        ("echo 'unbalanced", []),
    ],
)
def test_what_a_command_works_on(command: str, about: list[str]) -> None:
    assert [str(each) for each in subjects.of_command(command)] == about


def test_what_a_manifest_made() -> None:
    output = "deployment.apps/web created\nservice/web unchanged\n"
    found = subjects.of_command("kubectl apply -n shop -f all.yaml", output)
    assert found == [Subject("deployment", "web", "shop"), Subject("service", "web", "shop")]


PODS = "NAME    READY   STATUS\nweb-1   0/1     CrashLoopBackOff\napi-1   1/1     Running\n"


def test_of_a_table_the_row_that_the_answer_tells_of() -> None:
    command = "kubectl get pods -n shop"
    assert subjects.told("web-1 is crashing.", command, PODS) == [Subject("pod", "web-1", "shop")]
    assert subjects.told("web-1 and api-1.", command, PODS) == []
    ps = "CONTAINER ID   IMAGE   NAMES\n5f1c   nginx   web\n"
    assert subjects.told("One runs.", "docker ps", ps) == [Subject("container", "web")]
    spaces = "NAMESPACE   NAME\nshop   web-1\n"
    assert subjects.told("", "kubectl get pods -A", spaces) == [Subject("pod", "web-1", "shop")]


def test_what_was_changed_comes_before_what_was_looked_at() -> None:
    ran = [
        ("kubectl get deployment api -n shop", "", False),
        ("kubectl expose deployment web --port 80 -n shop", "", True),
    ]
    found = subjects.of_turn(ran, {"namespace": "shop"}, ["notes.txt"], "")
    assert list(map(str, found)) == [
        "deployment web in namespace shop",
        "notes.txt",
        "deployment api in namespace shop",
        "namespace shop",
    ]
