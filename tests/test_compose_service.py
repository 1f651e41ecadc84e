"""A service that is added to a compose file."""

import pytest
import yaml

from devops_agent.constraints import call_schema
from devops_agent.errors import CallRefused
from devops_agent.forms.compose_service import ComposeService, wanted
from devops_agent.grounding import Ground

FILE = """# the shop
services:
    web:
        image: web:1  # ours
        depends_on:
        - db
    db:
        image: postgres:16
        volumes:
        - db-data:/var/lib/postgresql/data

volumes:
    db-data:
"""
TASK = "Add a service cache with image redis:7, port, data volume and env; web needs it before it starts"


def added(text: str = FILE, **values: object) -> dict[str, object]:
    call = ComposeService("compose.yaml", text, TASK).call(
        {"service": "cache", "image": "redis:7", **values}, "", Ground()
    )
    assert (call.name, call.arguments["path"]) == ("write_file", "compose.yaml")
    return dict(yaml.safe_load(call.arguments["content"]))


def test_a_service_is_added_and_all_else_stays() -> None:
    before = yaml.safe_load(FILE)
    assert added() == {**before, "services": {**before["services"], "cache": {"image": "redis:7"}}}


def test_it_gets_what_the_task_gives_it() -> None:
    whole = added(
        ports=["6379:6379"],
        volumes=["cache-data:/data", "./conf:/conf"],
        environment=["A=b"],
        depends_on=["db", "x"],
    )
    assert whole["services"]["cache"] == {  # type: ignore[index]
        "image": "redis:7",
        "ports": ["6379:6379"],
        "volumes": ["cache-data:/data", "./conf:/conf"],
        "environment": ["A=b"],
        "depends_on": ["db"],
    }
    assert whole["volumes"] == {"db-data": None, "cache-data": None}


def test_others_may_start_after_it() -> None:
    services = added(needed_by=["web", "db", "nobody"])["services"]
    assert services["web"]["depends_on"] == ["db", "cache"]  # type: ignore[index]
    assert services["db"]["depends_on"] == ["cache"]  # type: ignore[index]


def test_conditions_stay_conditions() -> None:
    text = (
        "services:\n  web:\n    image: a\n    depends_on:\n      db:\n        condition: service_healthy\n"
        "  db:\n    image: b\n"
    )
    services = added(text, needed_by=["web"], volumes=["v:/v"])["services"]
    assert services["web"]["depends_on"] == {  # type: ignore[index]
        "db": {"condition": "service_healthy"},
        "cache": {"condition": "service_started"},
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FILE.replace("db:\n", "cache:\n", 1), "has a service cache already"),
        (FILE.replace("volumes:\n    db-data:", "volumes: {}"), "no section 'volumes'"),
        (
            "services:\n  web:\n    image: a\n    depends_on: [db]\n  db:\n    image: b\n",
            "stands in one line",
        ),
        ("services: {}\n", "no section 'services'"),
    ],
)
def test_where_it_cannot_be_added_that_is_said(text: str, said: str) -> None:
    with pytest.raises(CallRefused, match=said):
        added(text, needed_by=["web"], volumes=["v:/v"])


def test_a_service_needs_an_image_and_a_value_may_be_no_list() -> None:
    with pytest.raises(CallRefused, match="image of the service is missing"):
        added(image="")
    assert added(ports="80:80", environment=["A=x #y"])["services"]["cache"] == {  # type: ignore[index]
        "image": "redis:7",
        "ports": ["80:80"],
        "environment": ["A=x #y"],
    }


def test_only_what_the_task_speaks_of_is_asked_for() -> None:
    plain = ComposeService("compose.yaml", FILE, "Add a service cache with the image redis:7")
    assert list(plain.inputs) == ["service", "image"]
    every = ComposeService("compose.yaml", FILE, TASK)
    assert list(every.inputs) == [
        "service",
        "image",
        "ports",
        "volumes",
        "environment",
        "depends_on",
        "needed_by",
    ]
    assert "ports" in str(call_schema([every]))
    assert every.drops("services:\n  web: {}\n") == 1
    assert 'call "recipe" with service (its name), image, ports' in every.description


@pytest.mark.parametrize(
    ("task", "path", "expected"),
    [
        ("Add a service cache to compose.yaml", "compose.yaml", True),
        ("Add another service to it", "deploy/docker-compose.prod.yml", True),
        ("Add a service cache to it", "values.yaml", False),
        ("Which services does it have?", "compose.yaml", False),
    ],
)
def test_when_a_service_is_to_be_added(task: str, path: str, expected: bool) -> None:
    assert wanted(task, path) is expected
