"""Containers, tags and compose files that a wish describes in full."""

from pathlib import Path

import pytest
import yaml

from devops_agent import container_wishes, file_answers
from devops_agent.compose_wishes import to_compose
from devops_agent.container_wishes import to_run
from devops_agent.image_wishes import to_build, to_save, to_tag


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(container_wishes, "exposed_ports", lambda image: [])
    (tmp_path / "src").mkdir()
    (tmp_path / "a.env").write_text("A=1\n")


@pytest.mark.parametrize(
    ("wish", "command"),
    [
        (
            "Start a redis:7 container named cache with 128 MB memory limit that restarts unless stopped",
            "docker run -d --name cache --memory 128m --memory-swap 128m --restart unless-stopped redis:7",
        ),
        (
            'Run busybox with the command "sleep 600" as container sleeper and give it the label team=ops',
            "docker run -d --name sleeper --label team=ops busybox sh -c 'sleep 600'",
        ),
        (
            "Run nginx:1.25 as container chat on host port 8085",
            "docker run -d --name chat -p 8085:80 nginx:1.25",
        ),
        (
            "Run nginx:1.25 as web on port 8085, wait until it answers",
            "docker run -d --name web -p 8085:80 nginx:1.25",
        ),
        ("Start a redis container named cache on port 6380", "docker run -d --name cache -p 6380:6379 redis"),
        (
            "Run redis:7 as cache with at most 64 MB of memory and half a CPU",
            "docker run -d --name cache --memory 64m --memory-swap 64m --cpus 0.5 redis:7",
        ),
        (
            "Start nginx:1.25 as site that always restarts, mapping host port 8090 to container port 8080",
            "docker run -d --name site -p 8090:8080 --restart always nginx:1.25",
        ),
        (
            "Run a container db from postgres:16 with POSTGRES_USER=x on port 5432, data in volume pg at /d",
            "docker run -d --name db -p 5432:5432 -e POSTGRES_USER=x -v pg:/d postgres:16",
        ),
        (
            "Start nginx:1.25 as site with the folder src mounted read-only at /usr/share/html",
            'docker run -d --name site -v "$PWD/src:/usr/share/html:ro" nginx:1.25',
        ),
        (
            "run nginx:1.25 in the background with the name front in the network appnet",
            "docker run -d --name front --network appnet nginx:1.25",
        ),
        (
            "Run nginx:1.25 as web with the variables from a.env on port 8099",
            "docker run -d --name web -p 8099:80 --env-file a.env nginx:1.25",
        ),
        ("Start two nginx:1.25 containers", ""),
        ("Run nginx:1.25 and show its logs", ""),
        ("Run an nginx pod", ""),
        ("Start the container web", ""),
        ("Run redis:7 as a container named q with no network", ""),
        ("Run redis:7 as cache but do not publish its port", ""),
        ("Run nginx:1.25 as site with the folder gone mounted at /data", ""),
        ("Run nginx:1.25 as web with the variables from gone.env", ""),
        ("Run own:1 as web on port 8080", ""),
        ("Run nginx:1.25 and redis:7", ""),
        ("start the nginx container", ""),
        ("start the container nginx", ""),
        ("Start redis:7 as cache on port 8080 on localhost", ""),
        ("run nginx:1.25 exposing port 80 on port 8080", ""),
        ("run nginx:1.25 with port 80 mapped to port 8080", ""),
        ("run redis:7 on port 80 of the container", ""),
        ("run redis:7 with a volume at /data/db", ""),
        ("run redis:7 in a network", ""),
        ("run nginx:1.25 as privileged", ""),
        ("create an image from nginx:1.25", ""),
        (
            "run nginx:1.25 with label tier=front and PORT=80",
            "docker run -d --label tier=front -e PORT=80 nginx:1.25",
        ),
    ],
)
def test_a_container_is_run_as_the_words_say_or_not_at_all(wish: str, command: str) -> None:
    assert to_run(wish, Path()) == command


def test_an_image_gets_each_tag() -> None:
    assert to_tag("Tag the image nginx:1.25 as web:stable and web:latest") == (
        "docker tag nginx:1.25 web:stable\ndocker tag nginx:1.25 web:latest"
    )
    assert to_tag("Tag nginx:1.25 as web:1 and push it") == ""
    assert to_tag("Tag the commit v1.3.0") == ""


def test_a_compose_file_has_the_services_that_are_described() -> None:
    wish = (
        "Create a compose file with a web service from nginx:1.25 on port 8091"
        " and a db service from postgres:16 with POSTGRES_PASSWORD=x and the volume pg at /data"
    )
    found = to_compose(wish, Path())
    assert found and found[0] == "docker-compose.yml"
    assert yaml.safe_load(found[1]) == {
        "services": {
            "web": {"image": "nginx:1.25", "ports": ["8091:80"]},
            "db": {"image": "postgres:16", "environment": ["POSTGRES_PASSWORD=x"], "volumes": ["pg:/data"]},
        },
        "volumes": {"pg": None},
    }
    assert to_compose("Create a compose file with a web service that scales", Path()) is None
    Path("docker-compose.yml").write_text("services: {}\n")
    assert to_compose(wish, Path()) is None


def test_what_a_container_answers_is_put_into_a_file() -> None:
    told = ["Run nginx:1.25 as web on host port 8085"]
    wish = "As soon as it answers, write the Server header of its response into s.txt"
    page = "wait until it answers and save the page to p.html"
    retried = "curl -s --retry 15 --retry-connrefused --retry-delay 1"
    found = [file_answers.wanted(each, Path(), told) for each in (wish, page.partition(" and ")[2])]
    assert [each.command for each in found if each] == [
        f"{retried} -I http://localhost:8085/ | grep -i '^Server:' > s.txt",
        f"{retried} http://localhost:8085/ > p.html",
    ]
    assert file_answers.wanted(wish, Path()) is None or not file_answers.wanted(wish, Path()).command  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("wish", "command"),
    [
        ("Build the image shop:1 from this folder", "docker build -t shop:1 ."),
        ("build web:3 from the folder src", "docker build -t web:3 src"),
        (
            "Rebuild app:2 from Dockerfile.dev here without cache and with the build argument VERSION=2",
            "docker build -t app:2 --no-cache --build-arg VERSION=2 -f Dockerfile.dev .",
        ),
        ("Build the image app:2 from Dockerfile.gone", ""),
        ("Build the image app:2 for arm64", ""),
        ("Build the image app:2 if the tests pass", ""),
    ],
)
def test_an_image_is_built_as_the_words_say(wish: str, command: str) -> None:
    Path("Dockerfile.dev").write_text("FROM a:1\n")
    assert to_build(wish, Path()) == command


def test_an_image_is_saved_as_its_file_is_called() -> None:
    assert to_save("Save the image redis:7 to redis.tar") == "docker save -o redis.tar redis:7"
    assert (
        to_save("save redis:7 to redis.tar.gz")
        == "set -o pipefail\ndocker save redis:7 | gzip > redis.tar.gz"
    )
    assert to_save("save redis:7 and nginx:1 to a.tar") == to_save("save redis:7 to notes.txt") == ""
