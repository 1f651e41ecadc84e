"""What a task wants: that something is changed, or only to know."""

import time

import pytest

from devops_agent import intent
from devops_agent.intent import asks_for_change, parts, wishes

CHANGES = [
    "in app.ini add a line below the first",
    "In namespace shop, scale web to 3",
    "Unstage the file app.ini",
    "Pack the folder logs",
    "Scale checkout to five replicas",
    "Bump the frontend deployment to nginx:1.27",
    "please restart the payments pod",
    "Could you restart the ingress controller?",
    "Can you please add 512Mi of memory to billing",
    "hey, delete the old jobs in namespace batch",
    "Create a namespace called demo and run nginx in it",
    "The api pods keep crashing. Find out why and fix it.",
    "why is redis down? fix it please",
    "Check whether nginx is running and start it if it is not",
    "web is stuck in ImagePullBackOff, repair it",
    "I need a service for deployment frontend on port 80",
    "We want two replicas of the worker, not three",
    "The worker should have a memory limit of 256Mi",
    "Expose my-app on port 8080",
    "Roll the api back to the version before",
    "Undo the last rollout of checkout",
    "Write a Dockerfile for the Flask app here",
    "Build an image from this folder and tag it shop:dev",
    "Run postgres 16 in a container, data in a named volume",
    "Run a container of redis on port 6380",
    "Run image shop:1 as container shop",
    "Stop all containers whose name begins with test",
    "Get rid of all dangling images",
    "Bring the staging stack back up",
    "Get the api running again",
    "Set LOG_LEVEL to debug for the worker but don't restart anything else",
    "Scale web to 3 and do not change anything else",
    "In config.yaml, change the port to 9090",
    "Append 'net.core.somaxconn=1024' to sysctl.conf",
    "Make backup.sh executable",
    "Show me the logs of api and restart it",
    "Move the config into a config map",
    "Drain node-3",
    "Turn off swap",
    "Clean up the finished jobs in batch",
    "Give the web deployment a readiness probe on /health",
    "Let's commit everything with the message 'wip'",
    "Would you mount the secret db-creds into the api pods?",
    "Free up some disk space under /var/log",
    "1. create a file notes.txt\n2. write hello into it",
    "Launch three replicas of nginx behind a service",
    "Suspend the nightly cron job",
]

KNOWS = [
    "In namespace shop, which pods restart?",
    "in app.ini, what is the port?",
    "Why does the payments pod crash?",
    "How many pods are running in kube-system?",
    "show me all services",
    "List the images on this machine and their sizes",
    "Which node does the db pod run on?",
    "What would I have to change so that the service finds its pods?",
    "Is nginx set to start on boot?",
    "Does the container stop and start all the time?",
    "Do the pods in shop restart?",
    "Are there pods that failed to start?",
    "How to restart a deployment without downtime?",
    "How do I create a config map from a file?",
    "I want to know which image the web deployment uses",
    "We need to find out why checkout is slow",
    "I need a list of all services with their ports",
    "Tell me who changed the deployment last",
    "Count the containers that failed to start",
    "Describe how the pods start and stop",
    "Check whether the api answers on port 8080",
    "get logs from the api pod",
    "Get all pods in default namespace",
    "Commit history of this repository",
    "Build logs of the last job?",
    "Start time of the web pod",
    "Don't restart anything, just tell me why web is down",
    "Don’t change anything. What is wrong with the ingress?",
    "Look into why the job failed, but delete nothing",
    "Can you tell me which ports are open?",
    "Could you check if the disk is full?",
    "Run df -h and tell me which disk is full",
    "Run kubectl get pods and explain the output",
    "Should I restart the kubelet?",
    "Deployment api should have 4 replicas but has 2. What holds it back?",
    "We want to move the database tomorrow. Which pods use it?",
    "Compare the config maps of shop and staging",
    "Make a list of all cron jobs",
    "what is the memory limit of the worker",
    "When was the last commit made?",
    "kubectl version",
    "Explain the difference between start and restart",
    "Print the value of HOME",
    "Has the rollout of web finished?",
    "Who is listening on port 5432?",
]


@pytest.mark.parametrize("task", CHANGES)
def test_a_task_that_asks_for_a_change(task: str) -> None:
    assert asks_for_change(task)


@pytest.mark.parametrize("task", KNOWS)
def test_a_task_that_asks_only_to_know(task: str) -> None:
    assert not asks_for_change(task)


@pytest.mark.parametrize("task", ["", " ", "?", "...", "42", "\n\n", "ä" * 10])
def test_a_task_without_a_wish_wants_no_change(task: str) -> None:
    assert not asks_for_change(task)


@pytest.mark.parametrize(
    "piece", ["get ", "and ", ", ", "please ", "then also ", "we need ", "restart ", "\n", "run a ", "go b "]
)
def test_a_long_text_is_read_in_no_time(piece: str) -> None:
    """A task may come with a pasted log."""
    started = time.process_time()
    asks_for_change("Why does this fail? " + piece * (50_000 // len(piece)))
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("Build the image, then run it", ["Build the image", "run it"]),
        ("Stop nginx and then show its log.", ["Stop nginx", "show its log"]),
        ("Pull it, then tag it, then push it", ["Pull it", "tag it", "push it"]),
        ("Scale it to 3", ["Scale it to 3"]),
        ("What was running then?", ["What was running then?"]),
        ("Strengthen the policy", ["Strengthen the policy"]),
    ],
)
def test_the_parts_of_a_task_stand_between_thens(task: str, expected: list[str]) -> None:
    assert parts(task) == expected


@pytest.mark.parametrize(
    "task",
    [
        "Can you check whether the site is down",
        "Please check which pods are up",
        "List the old and new pods",
        "New errors in app.log since yesterday",
        "Show the volumes and bind mounts of container web",
        "Show the cpu and load per node",
        "Send me the last 20 lines of app.log",
        "Hand me the logs",
        "Use kubectl to list pods as a table",
    ],
)
def test_what_only_sounds_like_a_wish_is_none(task: str) -> None:
    assert not asks_for_change(task)


@pytest.mark.parametrize(
    "task",
    [
        "Extend the volume claim data to 2Gi",
        "Let the deployment tolerate the taint",
        "The app should expose 9000",
        "Cap api at 256Mi",
        "New secret login with user=a",
        "Send everything under /api to the service api",
    ],
)
def test_less_usual_words_are_wishes_too(task: str) -> None:
    assert asks_for_change(task)


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("Create a volume and mount it", ["Create a volume", "mount it"]),
        (
            'bump it to 1.5.0, commit that with the message "Release, then tag it" and tag the commit v1.5.0',
            [
                "bump it to 1.5.0",
                'commit that with the message "Release, then tag it"',
                "tag the commit v1.5.0",
            ],
        ),
        (
            "First keep a copy of a.yml as a.yml.bak. Then in a.yml change x to 6h, nothing else",
            ["First keep a copy of a.yml as a.yml.bak", "Then in a.yml change x to 6h, nothing else"],
        ),
        (
            "Delete those files from logs/. How many were there?",
            ["Delete those files from logs/", "How many were there?"],
        ),
        (
            "Scale web to 2 but do not delete or restart api",
            ["Scale web to 2 but do not delete or restart api"],
        ),
        (
            "Create a deployment web and a service for it",
            ["Create a deployment web", "create a service for it"],
        ),
    ],
)
def test_a_task_is_parted_into_what_it_says(task: str, said: list[str]) -> None:
    assert wishes(task) == said


@pytest.mark.parametrize(
    ("task", "changes"),
    [
        ("The service has to come up again after a boot", True),
        ("both workers have to use the new key", True),
        ("I have to know why it fails", False),
        ("Which of them has to be renewed?", False),
        ("I have to report how many pods there are", False),
        ("It may have to do with DNS that web is slow.", False),
        ("build.sh fails with an error", False),
        ("deploy.yaml is not valid", False),
    ],
)
def test_what_has_to_be_done_is_wanted_and_a_file_name_is_no_verb(task: str, changes: bool) -> None:
    assert asks_for_change(task) == changes


def test_read_and_write_is_one_thing() -> None:
    assert wishes("The group may read and write data.csv") == ["The group may read and write data.csv"]


@pytest.mark.parametrize(
    ("task", "wanted"),
    [
        (
            "Before it: 1) pack the volume a into a.tar.gz, 2) create a volume b",
            ["Before it", "pack the volume a into a.tar.gz", "create a volume b"],
        ),
        (
            "(1) stop web, (2) remove it and (3) list the containers",
            ["stop web", "remove it", "list the containers"],
        ),
        ("a) restart web b) show its logs", ["restart web", "show its logs"]),
        ("1. create logs\n2. move a.log into it", ["create logs", "move a.log into it"]),
        ("install python 3. then run it", ["install python 3", "then run it"]),
        ("Scale web to 1. Scale api to 2. Check both.", ["Scale web to 1", "Scale api to 2", "Check both"]),
    ],
)
def test_a_numbered_list_is_parted_into_its_things(task: str, wanted: list[str]) -> None:
    assert intent.wishes(task) == wanted


@pytest.mark.parametrize(
    ("task", "one"),
    [
        ("which of the web-* containers uses the most memory?", True),
        ("which one eats the most memory? I need the pid", True),
        ("what is the biggest file in /var/log?", True),
        ("which processes use the most memory?", False),
        ("which 5 files are the largest?", False),
        ("what uses the most memory? give me the top 10", False),
        ("which is the largest file in each folder?", False),
        ("show the largest files", False),
    ],
)
def test_one_thing_that_has_most_is_asked_for(task: str, one: bool) -> None:
    assert intent.asks_for_the_most(task) is one


def test_what_is_wanted_as_something_else_is_to_be_made() -> None:
    assert intent.asks_for_change("I want its file system as it is now as the image web:now")
    assert not intent.asks_for_change("I want the list in a table")
