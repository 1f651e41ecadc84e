"""What is looked up before the first step, on a cluster and an engine that small scripts play."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from fake_programs import Programs, container, deployment, named, pod

from devops_agent.diagnosis import diagnose
from devops_agent.grounding import Ground, comparison, look_up, names_something, speaks_of
from devops_agent.grounding.repository import in_repository


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(tmp_path / "bin", monkeypatch)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


SHOP = [
    deployment("web"),
    deployment("frontend", ready=2, wanted=2),
    pod("api-0", crashes=True),
    named("CronJob", "nightly", spec={"schedule": "5 4 * * *", "jobTemplate": {}}),
    named("ConfigMap", "tuning", data={"LEVEL": "info"}),
]


def told(task: str, here: Path) -> str:
    return str(look_up(task, here, {}))


# --- names without a kind ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "about", "line"),
    [
        ("Restart cache please", "docker", "docker container cache: running"),
        ("Roll web back to the previous revision", "kubernetes", "namespace shop: deployment web"),
        ("Scale twin down to zero", "kubernetes", "namespace shop: deployment twin"),
        ("Pause twin for now", "docker", "docker container twin: running"),
        ("Restart twin", "", "docker container twin: running"),
        ("Restart nothing-of-ours", "", ""),
        ("Restart web after changing web.conf", "", ""),
        ("Write me a joke about web", "", ""),
    ],
)
def test_what_is_named_without_its_kind_is_found(
    task: str, about: str, line: str, programs: Programs, here: Path
) -> None:
    programs.cluster({"default": [], "shop": [deployment("web"), deployment("twin")]})
    programs.engine([container("cache"), container("twin")])
    ground = look_up(task, here, {})
    assert ground.about == about
    assert str(ground).startswith(line) if line and about else line in str(ground)


def test_what_is_in_one_namespace_only_is_found_there(programs: Programs, here: Path) -> None:
    programs.cluster({"default": [], "shop": [deployment("web")], "dev": [deployment("twin")]})
    assert look_up("Restart deployment web", here, {}).names["namespace"] == "shop"
    programs.cluster({"default": [], "shop": [deployment("web")], "dev": [deployment("web")]})
    assert "web" not in look_up("Restart deployment web", here, {}).names.values()


# --- namespaces -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "task",
    [
        "Why do the pods in namespace shpo crash?",
        "list the pods in the namespace shpo",
        "kubectl -n shpo get pods says nothing",
        "Show the pods of namespace 'shpo'.",
        "Namespace shpo: which pods are there?",
        "Which pods are in the namespace called shpo?",
    ],
)
def test_a_namespace_that_does_not_exist_is_told_with_those_that_do(
    task: str, programs: Programs, here: Path
) -> None:
    programs.cluster({"default": [], "shop": SHOP})
    ground = look_up(task, here, {})
    assert str(ground) == "There is no namespace shpo (there are: default, shop)."
    assert (ground.informs, ground.namespace) == (True, "")
    assert programs.calls == ["kubectl get ns -o name"]


@pytest.mark.parametrize(
    "task",
    [
        "Create namespace shpo",
        "In which namespace does the pod api-0 run?",
        "Which namespace holds the pods of web?",
        "Are there namespaces without pods?",
        "Run tail -n 20 app.log in pod api-0",
    ],
)
def test_a_word_behind_namespace_that_is_no_name_is_no_missing_namespace(
    task: str, programs: Programs, here: Path
) -> None:
    programs.cluster({"default": [], "shop": SHOP})
    assert "There is no namespace" not in told(task, here)


@pytest.mark.parametrize(
    ("task", "namespace"),
    [
        ("Scale web in namespace shop to 3 replicas", "shop"),
        ("List the pods in shop", "shop"),
        ("Which services does the shop namespace have?", "shop"),
        ("Get all pods in default namespace", "default"),
        ("Copy config map tuning from namespace shop to namespace staging", ""),
        ("Create namespace fresh with the deployment of namespace shop", ""),
        ("Is the shop deployment ready?", ""),
        ("List the storage classes, and the default one, of the nodes", ""),
        ("Scale deployment/web to 3", ""),
    ],
)
def test_a_namespace_is_known_when_the_task_names_just_one(
    task: str, namespace: str, programs: Programs, here: Path
) -> None:
    programs.cluster({"default": [], "shop": SHOP, "staging": []})
    assert look_up(task, here, {}).namespace == namespace


def test_an_object_is_no_namespace_of_the_same_name(programs: Programs, here: Path) -> None:
    programs.cluster({"default": [deployment("shop")], "shop": [deployment("other")]})
    ground = look_up("Scale deployment shop to 2", here, {})
    assert str(ground).startswith("namespace default: deployment shop: 1 of 1 ready")
    assert ground.namespace == ""


def test_without_a_namespace_in_the_task_the_current_one_counts(programs: Programs, here: Path) -> None:
    programs.cluster({"default": [], "shop": SHOP}, current="shop")
    ground = look_up("Scale deployment web to 3", here, {})
    assert str(ground).startswith("namespace shop: deployment web: 1 of 1 ready")
    assert ground.names["namespace"] == "shop"


# --- objects ----------------------------------------------------------------------------------------------


def test_what_a_task_names_is_described(programs: Programs, here: Path) -> None:
    programs.cluster({"shop": SHOP})
    ground = look_up("Scale web in namespace shop to 3 replicas", here, {})
    assert str(ground) == "namespace shop: deployment web: 1 of 1 ready; containers: web-main = nginx:1.25"
    assert ground.informs
    assert ground.names == {"namespace": "shop", "deployment": "web", "container": "web-main"}


@pytest.mark.parametrize(
    "name", ["web", "deployment/web", "deploy/web", "shop/deployment/web", "'web'", "`web`"]
)
def test_a_name_is_found_in_whatever_form(name: str, programs: Programs, here: Path) -> None:
    programs.cluster({"shop": SHOP})
    assert "deployment web: 1 of 1 ready" in told(
        f"Is {name} ready, in namespace shop? Look at replicas", here
    )


def test_an_object_that_does_not_exist_is_told_with_the_nearest_name(programs: Programs, here: Path) -> None:
    programs.cluster({"shop": SHOP})
    assert told("Scale deployment fronted in namespace shop to 3", here).splitlines()[0] == (
        "There is no deployment fronted in namespace shop (there are: frontend, web)."
        " Did the user mean frontend?"
    )


def test_a_near_name_is_told_also_where_no_namespace_is_named(programs: Programs, here: Path) -> None:
    programs.cluster({"default": [deployment("frontend")]})
    ground = look_up("Restart deployment front-end", here, {})
    assert str(ground).endswith("Did the user mean frontend?")
    assert not ground.informs


def test_a_name_of_another_kind_is_told_as_what_it_is(programs: Programs, here: Path) -> None:
    programs.cluster({"shop": SHOP})
    assert told("Show the logs of pod web in namespace shop", here).splitlines()[:2] == [
        "namespace shop: deployment web: 1 of 1 ready; containers: web-main = nginx:1.25",
        "There is no pod web in namespace shop (there are: api-0).",
    ]


@pytest.mark.parametrize(
    "task",
    [
        "A pod crashes in namespace shop, why?",
        "The pod restarting in namespace shop: what is wrong?",
        "Which deployment uses most memory in namespace shop?",
        "Show the pod logs in namespace shop",
        "Suspend the cron job nightly in namespace shop",
        "Which service account do the pods in shop have?",
        "Create deployment cart in namespace shop",
    ],
)
def test_a_word_behind_a_kind_that_is_no_name_is_no_missing_object(
    task: str, programs: Programs, here: Path
) -> None:
    programs.cluster({"shop": SHOP})
    assert "There is no" not in told(task, here)


def test_findings_of_a_broken_object_are_told(programs: Programs, here: Path) -> None:
    programs.cluster({"shop": SHOP})
    ground = look_up("Delete pod api-0 in namespace shop", here, {})
    assert "pod api-0, container main: crashes with exit code 1 (7 restarts)." in str(ground).splitlines()
    assert "DB_HOST is not set" in str(ground)


def test_findings_of_others_are_not_told_beside_a_healthy_object(programs: Programs, here: Path) -> None:
    programs.cluster({"shop": SHOP})
    assert "api-0" not in told("Scale down deployment web in namespace shop to 0", here)


def test_of_a_namespace_in_trouble_all_findings_are_told(programs: Programs, here: Path) -> None:
    programs.cluster({"shop": SHOP})
    ground = look_up("What is wrong with the pods in namespace shop?", here, {})
    assert "api-0, container main: crashes" in str(ground)
    assert "namespace shop: deployments: frontend, web" in str(ground)
    assert ground.informs


def test_a_suggested_command_is_never_cut() -> None:
    command = f"  try: kubectl patch {'x' * 400}"
    text = str(Ground(["a" * 1000, command, *(f"line {n}" for n in range(50))]))
    assert [len(line) for line in text.splitlines()[:2]] == [300, len(command)]
    assert len(text.splitlines()) == 20


def test_terminal_codes_of_a_log_are_not_told(programs: Programs, here: Path) -> None:
    programs.cluster({"shop": SHOP}, logs="\x1b[31mError: red\x1b[0m\n")
    text = told("Why does pod api-0 in namespace shop crash?", here)
    assert "Error: red" in text
    assert "\x1b" not in text


# --- a cluster that does not answer -----------------------------------------------------------------------

ASKS = "Why does pod web-1 in namespace shop crash?"


def test_without_kubectl_nothing_is_looked_up(programs: Programs, here: Path) -> None:
    assert look_up(ASKS, here, {}) == Ground()
    assert not names_something(ASKS, {})


@pytest.mark.parametrize(
    ("task", "fine"),
    [
        ("Why is pod web-0 in namespace shop not starting?", True),
        ("Why does web-0 in namespace shop keep crashing?", True),
        ("Why is web-0 in namespace shop so slow?", False),
        ("Why is pod api-0 in namespace shop not starting?", False),
    ],
)
def test_of_what_runs_it_is_said_that_it_runs(task: str, fine: bool, programs: Programs, here: Path) -> None:
    programs.cluster({"shop": [pod("web-0"), pod("api-0", crashes=True)]})
    said = look_up(task, here, {}).fine
    assert said.startswith("It runs, and no trouble was found. namespace shop: pod web-0") == fine
    assert bool(said) == fine


def test_a_variable_that_is_not_set_is_not_made_up(here: Path) -> None:
    task = "Get DOCKER_USER from environment and create a Dockerfile using it"
    assert look_up(task, here, {}).settled == (
        "The environment variable DOCKER_USER is not set, so nothing was done."
    )
    assert not look_up(task, here, {"DOCKER_USER": "bob"}).settled
    assert not look_up("Set the environment variable LOG_LEVEL of web to debug", here, {}).settled


@pytest.mark.parametrize(
    ("task", "named"),
    [
        ("Check disk usage and available memory", False),
        ("Show the memory usage of quote-engine", True),
        ("Is quote-engine running?", True),
    ],
)
def test_the_machines_own_figures_are_no_names_of_what_runs(task: str, named: bool) -> None:
    assert names_something(task, {}) is named


@pytest.mark.parametrize(
    "script",
    [
        "exit 1",
        "echo 'The connection to the server was refused' >&2; exit 1",
        "echo garbage in three lines; echo; echo '{'",
        "echo '[1, 2]'",
        "printf '\\377\\376\\0'",
        "kill -9 $$",
    ],
)
def test_a_kubectl_that_fails_or_prints_garbage_tells_nothing(
    script: str, programs: Programs, here: Path
) -> None:
    programs.add("kubectl", {}, otherwise=script)
    assert look_up(ASKS, here, {}) == Ground()


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "garbage",
        "[]",
        '{"items": null}',
        '{"items": [1, 2]}',
        '{"items": [{"kind": "Pod"}]}',
        '{"items": [{"kind": "Pod", "metadata": {"name": "web-1"}}]}',
        '{"items": [{"kind": "Deployment", "metadata": {"name": "web-1"}, "spec": {"template": 5}}]}',
    ],
)
def test_a_namespace_that_cannot_be_read_is_not_said_to_be_empty(
    answer: str, programs: Programs, here: Path
) -> None:
    programs.add("kubectl", {"get ns -o name": "namespace/shop\n", "-n shop get pods,*": answer})
    assert "there are" not in told(ASKS, here)


def test_a_kubectl_that_hangs_is_ended_at_its_time_limit(
    programs: Programs, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnose, "_SECONDS", 0.2)
    programs.add("kubectl", {}, otherwise="exec sleep 30")
    started = time.monotonic()
    assert look_up(ASKS, here, {}) == Ground()
    assert time.monotonic() - started < 2


def test_all_that_runs_only_reads_and_is_done_within_a_second(programs: Programs, here: Path) -> None:
    programs.cluster({"default": [], "shop": SHOP})
    programs.engine([container("cache"), container("queue", code=1, status="exited")], ["redis:7"])
    started = time.monotonic()
    look_up("Why does the container of pod api-0 fail, and the image of web?", here, {})
    look_up("Why does the container queue fail? Build its image", here, {})
    assert time.monotonic() - started < 2
    assert len(programs.calls) > 8
    docker = r"docker (ps|inspect|logs|images|image inspect) .*"
    reads = re.compile(rf"kubectl (-n \S+ )?(get|logs|config view) .*|{docker}|")
    assert [call for call in programs.calls if not reads.fullmatch(call)] == []


def test_what_names_nothing_of_all_this_runs_nothing(programs: Programs, here: Path) -> None:
    programs.cluster({"default": []})
    programs.engine([])
    assert look_up("How much memory is free?", here, {}) == Ground()
    assert programs.calls == []


# --- Docker -----------------------------------------------------------------------------------------------


def test_a_container_that_the_task_names_is_described(programs: Programs, here: Path) -> None:
    programs.engine([container("cache"), container("queue")])
    ground = look_up("Which port does the container cache publish?", here, {})
    assert (
        str(ground)
        == "docker container cache: running, image redis:7, networks bridge, published ports 16379→6379"
    )
    assert (ground.informs, ground.names) == (True, {"container": "cache"})


def test_what_a_task_speaks_of_is_told_of_a_container(programs: Programs, here: Path) -> None:
    cache = container("cache")
    cache["HostConfig"] |= {"Memory": 192 * 2**20, "RestartPolicy": {"Name": "always"}}
    cache["Config"] |= {"Env": ["PATH=/bin", "LEVEL=notice", "MODE=x"], "User": "redis"}
    programs.engine([cache])
    assert "memory limit 192 MiB" in told("How much memory may the container cache use?", here)
    assert "CPU limit none" in told("How many CPUs may the container cache use?", here)
    assert "restart policy always" in told("does the container cache come up after a reboot?", here)
    assert "user redis" in told("does the container cache run as root?", here)
    variables = told("what is the variable LEVEL of the container cache?", here)
    assert "variables LEVEL=notice" in variables
    assert "MODE" not in variables


def test_the_container_that_takes_a_port_is_meant(programs: Programs, here: Path) -> None:
    programs.engine([container("cache"), container("queue")])
    ground = look_up("Which docker container occupies port 16379? Stop it", here, {})
    assert "docker container cache" in str(ground)
    assert "container" not in look_up("Run redis:7 in docker on port 16379", here, {}).names


def test_a_new_container_has_the_name_that_the_task_gives(programs: Programs, here: Path) -> None:
    programs.engine([container("cache")])
    ground = look_up("Run redis:7 as a container feed in the background", here, {})
    assert (ground.names["container"], ground.new) == ("feed", {"container"})


def test_why_a_container_ended_is_told(programs: Programs, here: Path) -> None:
    programs.engine([container("cache"), container("queue", code=1, status="exited")])
    text = told("The container queue does not stay up, why?", here)
    assert "container queue: it ended with exit code 1." in text
    assert "no such table: orders" in text
    assert "cache" not in text


def test_a_container_that_does_not_exist_is_told_with_those_that_do(programs: Programs, here: Path) -> None:
    programs.engine([container("cache"), container("queue")])
    assert told("Stop the container my-cache", here) == (
        "There is no container my-cache (there are: cache, queue)."
    )


@pytest.mark.parametrize("script", ["exit 1", "echo garbage", "echo '[3]'", "printf '\\377'"])
def test_an_engine_that_does_not_answer_is_not_said_to_be_empty(
    script: str, programs: Programs, here: Path
) -> None:
    programs.add("docker", {"images *": ""}, otherwise=script)
    assert look_up("Why does the container my-cache not run? Is its image there?", here, {}) == Ground()


def test_images_are_told_where_one_is_built(programs: Programs, here: Path) -> None:
    programs.engine([], ["redis:7", "<none>:<none>", "python:3.12-slim"])
    assert told("Build an image of the web site", here) == (
        "Images on this machine: python:3.12-slim, redis:7"
    )


def test_a_pods_container_counts_more_than_one_of_docker(programs: Programs, here: Path) -> None:
    programs.cluster({"shop": SHOP})
    programs.engine([container("web")])
    ground = look_up("Set the image of the container in deployment web, namespace shop", here, {})
    assert ground.names["container"] == "web-main"


@pytest.mark.parametrize(
    ("task", "status", "settled"),
    [
        ("Start the container web again, I think it is down", "running", True),
        ("Start the container web", "exited", False),
        ("Restart the container web", "running", False),
        ("Start the container web and show its logs", "running", False),
        ("Start a second container like web", "running", False),
    ],
)
def test_a_container_that_runs_need_not_be_started(
    task: str, status: str, settled: bool, programs: Programs, here: Path
) -> None:
    programs.engine([container("web", status=status)])
    told = "Container web is running already: there is nothing to start."
    assert look_up(task, here, {}).settled == (told if settled else "")


@pytest.mark.parametrize(
    ("task", "command"),
    [
        ("Remove the stopped ones of the containers a, b, c and d", "docker rm b d"),
        ("Stop all running containers except a", "docker stop c"),
        ("Start those of the containers a and b again that have exited, the stopped ones", "docker start b"),
        ("Remove all stopped containers", ""),
        ("Remove the stopped container b", ""),
        ("Which of the containers a and b are stopped?", ""),
        ("Start those of the containers a and b that are not running", ""),
        ("Kill the containers a and b, leave the running ones alone", ""),
        ("Remove all stopped containers except b and the two web containers", ""),
        ("Don't stop the running containers a and c, restart only the exited ones", ""),
    ],
)
def test_those_of_several_containers_are_meant_that_are_in_the_state(
    task: str, command: str, programs: Programs, here: Path
) -> None:
    programs.engine([container(n, status=s) for n, s in zip("abcd", ["running", "exited"] * 2, strict=True)])
    assert look_up(task, here, {}).selected == command


@pytest.mark.parametrize(
    ("task", "command"),
    [
        (
            "clean up the stopped containers with the label app=etl. the etl still running stays",
            "docker rm b",
        ),
        ("Remove all exited containers labelled app=etl, don't touch any others", "docker rm b"),
        ("Stop the running containers labeled app=etl", "docker stop a"),
        ("Stop the running containers labeled job=etl", "docker stop a"),
        ("Delete the dead containers with label app=etl, leave the running ones alone", "docker rm b"),
        ("Stop the running containers with the label app=etl; delete all the others", ""),
        ("Stop the running containers with the label app=none", ""),
        ("Remove the stopped containers with the label app=etl that are older than a week", ""),
        ("Remove the stopped containers with the label app=etl, but keep b", ""),
        ("Remove the stopped containers with the label app=etl. b has to stay", ""),
        ("Remove the stopped containers with the label app=etl except c", ""),
        ("Remove the stopped containers with the label app=etl or the label app=web", ""),
        ("Remove the containers with the label app=etl", ""),  # one of them runs
        ("Stop the running containers with the label app=etl, the running ones stay", ""),
    ],
)
def test_the_containers_with_a_label_are_meant(
    task: str, command: str, programs: Programs, here: Path
) -> None:
    etl = {"app": "etl", "job": "etl"}
    programs.engine(
        [
            container("a", labels=etl),
            container("b", status="exited", labels=etl),
            container("c", status="exited"),
        ]
    )
    assert look_up(task, here, {}).selected == command


def test_the_text_of_a_kubeconfig_is_not_told(programs: Programs, here: Path) -> None:
    (here / "ci.kubeconfig").write_text("apiVersion: v1\nkind: Config\nclusters: []\n")
    (here / "app.yaml").write_text("kind: Deployment\n")
    found = look_up("Scale web to 4 with ci.kubeconfig and app.yaml", here, {})
    assert list(found.texts) == ["app.yaml"]


@pytest.mark.parametrize(
    ("task", "missing"),
    [
        ("Restart the shop-api container", "There is no container shop-api (there are: cache)."),
        ("Restart the database container", ""),
        ("Remove the web-1 container from compose.yaml", ""),
        ("Mount the docker volume read-only in the container cache", ""),
        ("Restart the redis container", ""),
        ("Restart the running container", ""),
        ("Look at its log, then restart the container", ""),
        ("Remove the docker volume called uploads", "There is no volume uploads (there are: data)."),
        ("Create the docker volume called uploads", ""),
        ("Remove the docker volume data", ""),
        ("The network office-7 is gone, delete its lines", ""),
    ],
)
def test_what_is_done_to_a_thing_that_is_not_there_is_told(
    task: str, missing: str, programs: Programs, here: Path
) -> None:
    programs.engine([container("cache")])
    known = (programs.folder / "docker").read_text()
    listed = "'volume ls'*) echo data ;;"
    (programs.folder / "docker").write_text(known.replace('case "$*" in', f'case "$*" in\n{listed}', 1))
    assert look_up(task, here, {}).missing == missing


@pytest.mark.parametrize(
    ("task", "missing"),
    [
        ("restart the payments deployment in namespace shop", "payments"),
        ("restart the broken deployment in namespace shop", ""),
        ("restart the nginx deployment in namespace shop", ""),
        ("restart the web deployment in namespace shop", ""),
        ("restart prod deployment web in namespace shop", ""),
    ],
)
def test_a_name_may_stand_before_its_kind(task: str, missing: str, programs: Programs, here: Path) -> None:
    programs.cluster({"shop": [deployment("web")]})
    told = f"There is no deployment {missing} in namespace shop (there are: web)." if missing else ""
    assert look_up(task, here, {}).missing == told


@pytest.mark.parametrize(
    ("files", "start"),
    [
        ({"package.json": '{"main": "server.js"}', "server.js": ""}, "server.js"),
        ({"package.json": '{"scripts": {"start": "node --inspect lib/a.js"}}', "lib/a.js": ""}, "lib/a.js"),
        ({"package.json": "{}", "index.js": ""}, "index.js"),
        ({"package.json": '{"main": "gone.js"}'}, None),
        ({"package.json": '{"main": "server.js"}', "server.js": "", "app.py": ""}, None),
        ({"package.json": "[", "app.py": ""}, None),
        ({"main.py": "", "other.py": ""}, "main.py"),
        ({"app.py": "", "main.py": ""}, None),
    ],
)
def test_the_file_with_which_an_app_starts_is_known(
    files: dict[str, str], start: str | None, here: Path
) -> None:
    for name, text in files.items():
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_text(text)
    assert look_up("Write a Dockerfile for this app", here, {}).names.get("start_file") == start


@pytest.mark.parametrize(
    ("task", "policy"),
    [
        (
            "The container web shall come up after each boot unless I stopped it myself. Don't recreate it",
            "unless-stopped",
        ),
        ("set the restart policy of web to always", "always"),
        ("Restart the container web only when it crashes", "on-failure"),
        ("Restart the container web, it always hangs", None),
        ("Why does the container web always restart?", None),
        ("The container web must never restart always", None),
        ("restart web unless it was stopped by the admin", None),
        ("Restart the container web", None),
    ],
)
def test_a_restart_policy_may_be_told_in_words(task: str, policy: str | None, here: Path) -> None:
    assert look_up(task, here, {}).names.get("restart_policy") == policy


# --- git --------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(here: Path) -> Path:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", "-C", str(here), *identity, *words], check=True, capture_output=True)

    (here / "a.txt").write_text("a")
    git("init", "-b", "main")
    git("add", "a.txt")
    git("commit", "-m", "a")
    git("branch", "fix/a")
    git("tag", "v1.0")
    (here / "a.txt").write_text("b")
    git("stash")
    (here / "b.txt").write_text("b")
    return here


def test_a_repository_is_told(repository: Path) -> None:
    ground = look_up("Delete the branch fix/a of this git repository", repository, {})
    assert "git branch main; branches: fix/a, main; tags: v1.0" in ground.lines
    assert "untracked: b.txt; stashes: stash@{0}: WIP on main:" in str(ground)
    assert (ground.names["branch"], ground.missing) == ("fix/a", "")


@pytest.mark.parametrize(
    "task",
    ["who changed a.txt last?", "hash of the last commit that touched a.txt", "when was a.txt changed?"],
)
def test_the_last_commit_of_a_file_is_told(task: str, repository: Path) -> None:
    ground = look_up(task, repository, {})
    assert re.search(
        r"^last commit that changed a\.txt: [0-9a-f]{40} by a on 20\S+ .*: a$", str(ground), re.MULTILINE
    )
    assert ground.informs


@pytest.mark.parametrize(
    ("task", "missing"),
    [
        ("Delete the git tag v2.0", "There is no tag v2.0 (there are: v1.0)."),
        ("git: merge develop into main", "There is no branch develop (there are: fix/a, main, v1.0)."),
        ("Create the branch fix/b from the tag v3", "There is no tag v3 (there are: v1.0)."),
        ("Create the git branch fix/b", ""),
        ("Put the tag v2.0 on the last commit", ""),
        ("Delete the git branch that is merged", ""),
        ("Update the image of deployment web from tag v1 to tag v2", ""),
        ("git: merge a.txt into b.txt", ""),
    ],
)
def test_a_branch_or_tag_that_is_not_there_is_told(task: str, missing: str, repository: Path) -> None:
    assert look_up(task, repository, {}).missing == missing


def test_a_branch_that_is_named_by_the_way_is_not_meant(repository: Path) -> None:
    assert "branch" not in look_up("Delete the git branches that are merged into main", repository, {}).names


def test_where_no_repository_is_nothing_is_told(here: Path) -> None:
    assert not look_up("Delete the git tag v2.0", here, {}).lines


# --- files ------------------------------------------------------------------------------------------------


def test_the_files_here_are_told(programs: Programs, here: Path) -> None:
    (here / "src").mkdir()
    (here / "app.py").touch()
    (here / "loop").symlink_to("loop")
    assert told("Write a Dockerfile for the app", here) == "Files here: app.py, loop, src/"


def test_of_many_files_some_are_told_and_the_others_counted(programs: Programs, here: Path) -> None:
    for number in range(100):
        (here / f"file-{number:03}").touch()
    text = told("What is in this folder?", here)
    assert text.startswith("Files here: file-000, file-001,")
    assert len(text) == 300


def test_odd_file_names_are_told_in_one_line_that_can_be_sent(programs: Programs, here: Path) -> None:
    for name in (b"new\nline", b"byte-\xff", "größe".encode()):
        Path(os.fsdecode(os.fsencode(here) + b"/" + name)).touch()
    text = told("List the files", here)
    assert text == "Files here: byte-?, größe, new?line"
    assert text.encode()


def test_a_folder_that_is_gone_is_no_bug(programs: Programs, here: Path) -> None:
    assert look_up("List the files", here / "gone", {}) == Ground()


@pytest.mark.parametrize("piece", ["a-", "pod ", "in the ", "namespace a", "a/b", "'"])
def test_a_long_text_is_read_in_no_time(piece: str, programs: Programs, here: Path) -> None:
    programs.cluster({"default": [deployment("web")]})
    started = time.process_time()
    look_up("Why do the pods crash? " + piece * (30_000 // len(piece)), here, {})
    assert time.process_time() - started < 1


def test_a_text_that_a_task_looks_for_is_searched_in_the_logs_of_all_pods(
    programs: Programs, here: Path
) -> None:
    pods = [pod("web-1"), pod("web-2")]
    logs = {
        "-n shop logs web-1 *": "order B-12 ok\norder A-7731 lost\n",
        "-n shop logs web-2 *": "order B-13 ok\n",
    }
    programs.cluster({"shop": pods}, more=logs)
    ground = look_up("Which pod in namespace shop logged the error about order A-7731?", here, {})
    assert [line for line in ground.lines if "log says" in line] == [
        "pod web-1: its log says: order A-7731 lost"
    ]


# --- files and logs ---------------------------------------------------------------------------------------


def test_what_logs_say_of_trouble_is_told_for_the_folder_that_a_task_names(
    programs: Programs, here: Path
) -> None:
    (here / "logs").mkdir()
    (here / "logs" / "web.log").write_text("INFO starting\nFATAL web.conf: port must be a number\n")
    (here / "logs" / "job.log").write_text("INFO done\n")
    (here / "web.log").write_text("FATAL nobody asked\n")
    ground = look_up("web does not stay up; its logs are in the folder logs. Why?", here, {})
    assert [str(finding) for finding in ground.trouble] == [
        "logs/web.log: it says: FATAL web.conf: port must be a number"
    ]
    assert not look_up("How many lines with errors are in the folder logs?", here, {}).trouble


def test_a_script_with_the_line_ends_of_windows_is_told(programs: Programs, here: Path) -> None:
    (here / "pack.sh").write_bytes(b"#!/bin/bash\r\necho packed\r\n")
    (here / "pack.sh").chmod(0o755)
    (finding,) = look_up("./pack.sh cannot be executed", here, {}).trouble
    assert "carriage return" in finding.cause
    assert finding.suggestion == r"sed -i 's/\r$//' ./pack.sh"


def test_a_kubeconfig_that_a_task_names_is_known(programs: Programs, here: Path) -> None:
    (here / "ci.kubeconfig").write_text("apiVersion: v1\n")
    assert look_up("Scale web with ci.kubeconfig", here, {}).names["kubeconfig"] == "ci.kubeconfig"


def test_the_container_in_trouble_is_meant_among_several(programs: Programs, here: Path) -> None:
    programs.engine([container("web-1"), container("web-2", code=3, status="exited")])
    ground = look_up("Container web-1 or container web-2 has stopped, why?", here, {})
    assert ground.names.get("container") == "web-2"
    assert ground.kinds == {"container"}


@pytest.mark.parametrize(
    ("task", "settled"),
    [
        (
            "turn compression on in app.conf",
            "compression is on in app.conf already: there is nothing to change.",
        ),
        ("Set workers to 4 in app.conf.", "workers is 4 in app.conf already: there is nothing to change."),
        ("turn compression off in app.conf", ""),
        ("Set workers to 12 in app.conf", ""),
        ("Set workers to 4 in app.conf and restart it", ""),
        ("Set level to 4 in app.conf", ""),
        ("Set port to 80 in app.conf", ""),
    ],
)
def test_what_is_so_already_is_told(task: str, settled: str, programs: Programs, here: Path) -> None:
    (here / "app.conf").write_text(
        "compression = on\nworkers = 4\nlevel = 4 # or 5\n[a]\nport = 80\n[b]\nport = 5\n"
    )
    assert look_up(task, here, {}).settled == settled


@pytest.mark.parametrize(
    ("task", "missing"),
    [
        ("Replace eu-west-7 with eu-north-1 in app.conf", "There is no text eu-west-7 in app.conf."),
        ("Replace the word shop with store in app.conf", "There is no text shop in app.conf."),
        ("Replace 'a b' with 'c' in app.conf", "There is no text a b in app.conf."),
        ("old.lan has gone, take its entry out of app.conf", "There is no text old.lan in app.conf."),
        ("Remove the line of 10.9.9.9 from app.conf", "There is no text 10.9.9.9 in app.conf."),
        ("Remove the line of 10.9.9.9 or old.lan from app.conf", ""),
        ("Remove the lines of 10.9.9.0/24 from app.conf", ""),
        ("Replace the tabs with spaces in app.conf", ""),
        ("In app.conf replace the value with 81", ""),
        ("Replace web-1 by web-2 in app.conf and other.conf", ""),
    ],
)
def test_a_text_to_replace_that_is_nowhere_is_told(
    task: str, missing: str, programs: Programs, here: Path
) -> None:
    (here / "app.conf").write_text("name = app\n")
    (here / "other.conf").write_text("name = web-1\n")
    assert look_up(task, here, {}).missing == missing


@pytest.mark.parametrize(
    ("kind", "task", "speaks"),
    [
        ("StatefulSet", "Scale the stateful set db", True),
        ("StatefulSet", "Restart sts db", True),
        ("StatefulSet", "Raise the requests of web", False),
        ("Deployment", "Scale deploy/web", True),
        ("CronJob", "Suspend the cron job backup", True),
        ("CronJob", "Delete the job backup", False),
    ],
)
def test_a_kind_is_spoken_of_in_whole_words(kind: str, task: str, speaks: bool) -> None:
    assert speaks_of(kind, task) is speaks


@pytest.mark.parametrize(
    ("task", "missing"),
    [
        ("Set the image to the tag that next.env has as WEB_TAG", "WEB_TAG"),
        ("Set the image to the tag that next.env has as API_TAG", ""),
        ("Set WEB_TAG in next.env to 1.25", ""),
        ("WEB_TAG in next.env is empty, put 1.25 there", ""),
        ("What is in next.env?", ""),
        ("Remove the empty WEB_TAG line from next.env", ""),
        ("Rename WEB_TAG to APP_TAG in next.env", ""),
    ],
)
def test_a_value_that_a_file_does_not_give_is_told(
    task: str, missing: str, programs: Programs, here: Path
) -> None:
    (here / "next.env").write_text("WEB_TAG=\nAPI_TAG=7\nREF=''\n")
    told = f"There is no value {missing} in next.env: it is empty there." if missing else ""
    assert look_up(task, here, {}).missing == told


def test_lines_to_delete_are_in_the_file_that_is_told(programs: Programs, here: Path) -> None:
    (here / "app.conf").write_text("a = 1\nb = 2\n")
    assert look_up("Delete the two lines of old users from app.conf", here, {}).texts
    assert not look_up("Delete app.conf", here, {}).texts
    assert look_up("In ./app.conf move the server to port 81", here, {}).texts
    assert not look_up("Move app.conf to old.conf", here, {}).texts


def test_the_keys_of_a_secret_are_told_and_no_values(programs: Programs, here: Path) -> None:
    programs.cluster({"shop": [deployment("web")]}, more={"-n shop get secrets *": "login password user\n"})
    ground = look_up("Put the password of the secret login in namespace shop into a file", here, {})
    assert "namespace shop: secret login: keys password, user" in ground.lines
    assert (ground.names["secret"], ground.names["secret_key"]) == ("login", "password")
    assert "secret" not in look_up("Who may login in namespace shop?", here, {}).names


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("Create deployment landing in namespace shop", "landing"),
        ("Add a deployment running nginx in namespace shop", None),
    ],
)
def test_a_new_name_may_look_like_a_verb(task: str, name: str | None, programs: Programs, here: Path) -> None:
    programs.cluster({"shop": [deployment("web")]})
    assert look_up(task, here, {}).names.get("deployment") == name


@pytest.mark.parametrize(
    ("task", "missing"),
    [
        ("Rename notes/b.md to notes/c.md", "There is no file notes/b.md here."),
        ("rename a.md to b.md", ""),
        ("Unpack the archive old.tar.gz into old", "There is no file old.tar.gz here."),
        ("Copy /etc/nginx/missing.conf out of the container web", ""),
        ("Delete example.com from a.md", ""),
        ("Write b.md", ""),
        (f"Rename {'a' * 5000}.md to b.md", ""),
    ],
)
def test_a_file_that_is_to_be_renamed_and_is_not_there_is_told(
    task: str, missing: str, programs: Programs, here: Path
) -> None:
    (here / "a.md").write_text("a")
    assert look_up(task, here, {}).missing == missing


# --- two files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "task",
    ["Compare a.env with b.env", "How do a.env and b.env differ?"],
)
def test_how_two_files_differ_is_told_by_their_settings(task: str, here: Path) -> None:
    (here / "a.env").write_text("PORT=80\nHOST=x\nDEBUG=1\nDB_PASSWORD=p\n")
    (here / "b.env").write_text("# b\nHOST=y\nPORT=80\nDB_PASSWORD=q\nTRACE=0\n")
    ground = look_up(task, here, {})
    assert "only in a.env: DEBUG" in ground.lines
    assert "only in b.env: TRACE" in ground.lines
    assert re.search(r"in both, with different values: DB_PASSWORD, HOST \((?:x / y|y / x)\)", str(ground))
    assert ground.informs


def test_of_keys_that_one_file_lacks_no_values_are_told(here: Path) -> None:
    (here / "a.env").write_text("PORT=80\nHOST=x\n")
    (here / "b.env").write_text("HOST=y\n")
    ground = look_up("Compare a.env with b.env: which keys are only in one?", here, {})
    assert str(ground) == "only in a.env: PORT\nonly in b.env: nothing"


def test_files_without_settings_and_other_tasks_are_not_compared(here: Path) -> None:
    (here / "a.txt").write_text("one\n")
    (here / "b.txt").write_text("two\n")
    (here / "a.env").write_text("A=1\n")
    (here / "b.env").write_text("A=2\n")
    for task in ("Compare a.txt with b.txt", "Copy a.env to b.env", "Compare a.env with c.env"):
        assert "only in" not in told(task, here)


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("start redis:7 and name the container cache", "cache"),
        ("Run nginx, call it web-1", "web-1"),
        ("run redis:7 named cache", "cache"),
        ("start a container web in the background", "web"),
        ("make a network called back_end.", ""),
        ("Run redis on the network called backend", ""),
        ("start a container running redis", ""),
        ("start a container feed", "feed"),
        ("call backup.sh every hour", ""),
        ("run a named volume", ""),
        ("Run nginx:1.25 as feed in the background", "feed"),
        ("run nginx:1.25 as a container on port 80", ""),
        ("run nginx:1.25 as user 1000", ""),
        ("run nginx:1.25 as root", ""),
        ("run nginx:1.25 as daemon on port 80", ""),
        ("what is the name of the pod?", ""),
        ("make a container called a1 and a container called b1", ""),
    ],
)
def test_the_name_that_a_task_gives(task: str, name: str, here: Path) -> None:
    assert look_up(task, here, {}).given == name


def test_two_containers_that_a_task_compares_are_compared_by_code() -> None:
    one = {"image": "web:1", "TTL": "5", "API_TOKEN": "a", "user": "root"}
    other = {"image": "web:1", "TTL": "9", "API_TOKEN": "b", "PORT": "80", "user": "root"}
    assert comparison.differences(one, other, ("blue", "green")) == (
        "blue / green differ in: API_TOKEN, PORT (none / 80), TTL (5 / 9)"
    )
    assert comparison.differences(one, one, ("a", "b")) == "a / b differ in: nothing that was looked at"


@pytest.mark.parametrize(
    ("task", "told"),
    [
        (
            "The setting max_retries has vanished from a.ini in the repo app. Which commit removed it?",
            r"removed max_retries: .*: two",
        ),
        (
            "Which commit in the repo app introduced the key max_retries, and when?",
            r"commit that added max_retries: .*: one",
        ),
    ],
)
def test_the_commit_with_which_a_text_came_or_went_is_found(task: str, told: str, tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path / "app"), "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "app").mkdir()
    subprocess.run([*git, "init", "-q"], check=True)
    for message, text in (("one", "a=1\nmax_retries=3\n"), ("two", "a=1\n"), ("three", "a=2\n")):
        (tmp_path / "app/a.ini").write_text(text)
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-qm", message], check=True)
    assert re.search(told, "\n".join(in_repository(task, tmp_path).lines))
