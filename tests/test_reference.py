"""What "it" means in a task, and what a turn was about."""

import pytest

from devops_agent.dialogue import inverse, subjects
from devops_agent.dialogue.conversation import Conversation, TurnRecord
from devops_agent.dialogue.reference import refers_back, resolved
from devops_agent.dialogue.subjects import Row, Subject
from devops_agent.protocol import Call

WEB = "deployment web in namespace shop"
ABOUT_WEB = (Subject("deployment", "web", "shop"), Subject("namespace", "shop"))
ABOUT_FILE = (Subject("file", "Dockerfile"),)
ABOUT_IMAGE = (Subject("image", "demo:1"), *ABOUT_FILE)


@pytest.mark.parametrize(
    ("task", "meant"),
    [
        ("now scale it to 5", f"Scale {WEB} to 5"),
        ("and its logs?", f"Show the logs of {WEB}"),
        ("delete it", f"Delete {WEB}"),
        ("create a service for it", f"Create a service for {WEB}"),
        ("expose it with a service on port 80", f"Expose {WEB} with a service on port 80"),
        ("Is it ready?", f"Is {WEB} ready?"),
        ("set its memory limit to 128Mi", f"Set the memory limit of {WEB} to 128Mi"),
        ("what are its labels and annotations?", f"What are the labels and annotations of {WEB}?"),
        ("restart that deployment", f"Restart {WEB}"),
        ("scale the deployment back to 2", f"Scale {WEB} back to 2"),
        ("is it there in namespace prod?", "Is deployment web there in namespace prod?"),
        ("create a config map app-config there", "Create a config map app-config in namespace shop"),
        ("why?", f"Why? ({WEB})"),
        ("and the logs?", f"Show the logs of {WEB}"),
        ("and then scale to 2", f"Scale to 2 for {WEB}"),
        ("the image must be web:2, mend it", f"The image of {WEB} must be web:2, mend it"),
        ("set the image to nginx:1.27", f"Set the image to nginx:1.27 for {WEB}"),
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
        ("add a HEALTHCHECK to it", "Add a HEALTHCHECK to Dockerfile"),
        ("what is in the file?", "What is in Dockerfile?"),
        ("show it", "Show Dockerfile"),
    ],
)
def test_of_a_file_the_name_says_enough(task: str, meant: str) -> None:
    assert resolved(task, ABOUT_FILE) == meant


def test_what_fits_the_verb_is_meant() -> None:
    assert resolved("run it as container c1", ABOUT_IMAGE) == "Run image demo:1 as container c1"
    assert resolved("edit it", ABOUT_IMAGE) == "Edit Dockerfile"


def test_the_same_for_another_one() -> None:
    before = f"scale {WEB} to 5"
    assert resolved("do the same for api", ABOUT_WEB, [before]) == before.replace("web", "api")
    logs = f"Show the logs of {WEB}"
    assert resolved("what about api?", ABOUT_WEB, [logs]) == logs.replace("web", "api")
    made = "Create deployment web from redis:7 in namespace shop"
    assert resolved("do the same for feed", ABOUT_WEB, [made]) == made.replace("web", "feed")
    assert resolved("and api as well", ABOUT_WEB, [made]) == made.replace("web", "api")
    told = resolved("then api too, but with 4 replicas", ABOUT_WEB, [made])
    assert told == "Create deployment api from redis:7 in namespace shop, but with 4 replicas"
    for wrong in ("no, I meant api", "api is the right one"):
        assert resolved(wrong, ABOUT_WEB, [made]) == made.replace("web", "api")
    for other in ("that works too", "me too", "restart too", "the logs as well", "it is the one"):
        assert "from redis:7" not in resolved(other, ABOUT_WEB, [made])


@pytest.mark.parametrize(
    ("task", "before", "meant"),
    [
        ("and the memory?", "Which CPU limit has web?", "Which memory limit has web?"),
        ("what about readiness?", "Has web a liveness probe?", "Has web a readiness probe?"),
        ("and with WARN?", "Count the lines with ERROR in a.log", "Count the lines with WARN in a.log"),
        ("and how many INFO lines?", "How many ERROR lines has a.log?", "How many INFO lines has a.log?"),
        ("and the memory?", "Set the CPU limit of web to 1", f"Show the memory for {WEB}"),
    ],
)
def test_the_same_of_what_stands_beside_it(task: str, before: str, meant: str) -> None:
    assert resolved(task, ABOUT_WEB, [before]) == meant


def test_an_amount_is_that_of_the_task_before() -> None:
    before = ["What memory limit does web have?"]
    assert resolved("lower it to 64Mi", ABOUT_WEB, before) == f"Lower the memory limit of {WEB} to 64Mi"
    assert resolved("scale it to 3", ABOUT_WEB, ["Scale web to 2"]) == f"Scale {WEB} to 3"


def rows(*names: str, kind: str = "pod", space: str = "shop") -> list[Row]:
    return [Row(Subject(kind, name, space), f"{name}  1/1  Running") for name in names]


def test_them_are_all_that_were_shown() -> None:
    shown = rows("a", "b", "c")
    assert resolved("delete them", ABOUT_WEB, (), shown, shown) == "Delete pods a, b and c in namespace shop"
    assert resolved("which of them is old?", ABOUT_WEB, (), shown, shown) == "which of them is old?"
    told = resolved("restart all of those now", (), (), shown, shown[1:])
    assert told == "Restart pods b and c in namespace shop now"
    assert resolved("api is the one that I like", (), (), rows("a")) == "api is the one that I like"
    mixed = [*rows("a"), *rows("b", kind="service")]
    assert resolved("delete them", (), (), mixed, mixed) == "delete them"


def test_where_things_are_is_never_it() -> None:
    """With nothing shown, "delete them" would else delete the namespace."""
    place = (Subject(subjects.PLACE, "shop"),)
    for task in ("delete them", "you can delete it", "and its logs?"):
        assert resolved(task, place) == task
    assert resolved("why?", place) == "Why? (namespace shop)"
    assert resolved("create a pod there", place) == "Create a pod in namespace shop"


LOOKED_UP = ["namespace shop: deployment web: 2 of 2 ready; containers: web = nginx:1.25"]


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        ("kubectl -n shop set env deployment/web LOG=debug", f"Roll back {WEB} to its revision before"),
        ("kubectl -n shop scale deployment web --replicas=5", f"Scale {WEB} to 2 replicas"),
        ("kubectl -n shop create configmap app --from-literal=A=1", "Delete configmap app in namespace shop"),
        ("kubectl -n shop expose deployment web --port=80", "Delete service web in namespace shop"),
        ("kubectl -n shop label deployment web tier=edge", f"Remove the label tier of {WEB}"),
        ("docker rename a b", "Rename container b to a"),
        ("docker stop a", "Start container a"),
        ("docker run -d --name a redis:7", "Delete container a"),
        ("kubectl -n shop delete pod a", "undo it"),
        ("docker stop a b", "undo it"),
        ("kubectl -n shop scale deployment api --replicas=5", "undo it"),
    ],
)
def test_undo_takes_back_the_one_change(command: str, meant: str) -> None:
    record = TurnRecord()
    record.ran(Call("bash", {"command": command}), "", changes=True, ok=True)
    done = record.turn("Do it", (), {}, (), "Done.", True, LOOKED_UP)
    looked = TurnRecord().turn("Look", (), {}, (), "Fine.", True)
    assert Conversation(turns=[done, looked]).resolved("undo it") == meant


def test_after_an_undo_another_one_gets_what_was_taken_back() -> None:
    record = TurnRecord()
    record.ran(Call("bash", {"command": "kubectl -n shop set env deployment/web A=1"}), "", True, True)
    task = f"Set A=1 on {WEB}"
    conversation = Conversation(turns=[record.turn(task, (), {}, (), "Done.", True)])
    undone = conversation.resolved("that was wrong, undo it")
    conversation.add(TurnRecord().turn(undone, (), {}, (), "Done.", True))
    assert conversation.resolved("api is the right one") == task.replace("web", "api")


@pytest.mark.parametrize(
    ("task", "undoes"),
    [
        ("undo", True),
        ("Undo that, please.", True),
        ("that was a mistake; revert it", True),
        ("take it back", True),
        ("undo the last commit", False),
        ("roll back the deployment web", False),
        ("why can I not undo it?", False),
    ],
)
def test_what_only_asks_to_undo(task: str, undoes: bool) -> None:
    assert inverse.asks_to_undo(task) is undoes


def test_a_question_about_another_one_changes_nothing() -> None:
    assert resolved("what about api?", ABOUT_WEB, [f"scale {WEB} to 5"]) == "what about api?"


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
        "place shop",
    ]


PS = """CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS                     PORTS   NAMES
49ca5de1f3b4   busybox   "sh"      1 min     Up 1 minute                        feed-cache
74e07a52a006   busybox   "sh"      1 min     Exited (3) 1 minute ago            feed-batch
"""
PODS_WIDE = """NAME    READY   STATUS             RESTARTS   AGE
web-1   0/1     CrashLoopBackOff   5          2m
api-1   1/1     Running            0          2m
"""


@pytest.mark.parametrize(
    ("task", "command", "table", "meant"),
    [
        (
            "and the log of the container that ended?",
            "docker ps -a",
            PS,
            "Show the log of container feed-batch",
        ),
        ("restart the stopped container", "docker ps -a", PS, "Restart container feed-batch"),
        ("stop the one that is running", "docker ps -a", PS, "Stop container feed-cache"),
        (
            "why does the failing pod crash?",
            "kubectl get pods -n shop",
            PODS_WIDE,
            "Why does pod web-1 in namespace shop crash?",
        ),
        ("delete the pod which is not ready", "kubectl get pods", PODS_WIDE, "Delete pod web-1"),
        ("restart the one that I made", "docker ps -a", PS, "restart the one that I made"),
    ],
)
def test_the_one_of_a_table_is_found_by_its_state(task: str, command: str, table: str, meant: str) -> None:
    assert resolved(task, (), "", subjects.rows_of(command, table)) == meant


def test_of_several_that_fit_none_is_chosen() -> None:
    two = PS.replace("Up 1 minute            ", "Exited (1) 1 minute ago")
    rows = subjects.rows_of("docker ps -a", two)
    assert resolved("start the one that exited", (), "", rows) == "start the one that exited"


def test_what_was_looked_up_is_a_table_too() -> None:
    lines = [
        "docker container feed-cache: running, image busybox, networks bridge",
        "docker container feed-batch: exited, image busybox, networks bridge",
        "namespace shop: deployment web: 0 of 1 ready; containers: nginx = nginx:1.25",
    ]
    table = subjects.last_table([], lines)
    assert table is not None
    assert (
        resolved("the log of the container that ended?", (), "", table.rows)
        == "Show the log of container feed-batch"
    )
    assert resolved("fix the broken one", (), "", table.rows[1:]) == "fix the broken one"
    assert resolved("fix the broken one", (), "", table.rows[2:]) == f"Fix {WEB}"
