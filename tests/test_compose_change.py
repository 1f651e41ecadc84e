"""Changes of a service in a compose file that a task says in full."""

from pathlib import Path

import pytest
import yaml

from devops_agent.forms.compose_change import change_of

FILE = """# the shop
services:
  web:
    image: nginx:1.25  # front
    ports:
      - "80:80"

    environment:
      MODE: prod
    depends_on:
      - api
      - cache

  # what it asks
  api:
    image: api:1
    environment:
      - LEVEL=info
    depends_on:
      cache:
        condition: service_started
  cache:
    image: redis:7
    volumes:
      - data:/data

volumes:
  data:
"""


def changed(wish: str, folder: Path, text: str = FILE) -> str | None:
    (folder / "compose.yaml").write_text(text)
    found = change_of(wish, folder)
    assert found is None or (found.path, found.before) == ("compose.yaml", text)
    return found.text if found else None


@pytest.mark.parametrize(
    ("wish", "old", "new"),
    [
        (
            "Add a volume ./html:/usr/share/html to the service web in compose.yaml",
            "      - api\n      - cache\n",
            "      - api\n      - cache\n    volumes:\n      - ./html:/usr/share/html\n",
        ),
        (
            "mount the folder ./conf read-only at /etc/app in the api service of compose.yaml",
            "        condition: service_started\n",
            "        condition: service_started\n    volumes:\n      - ./conf:/etc/app:ro\n",
        ),
        (
            "set the environment variable DEBUG=1 for the service web in compose.yaml",
            "      MODE: prod\n",
            '      MODE: prod\n      DEBUG: "1"\n',
        ),
        ("Please add DEBUG=1 to api in compose.yaml.", "LEVEL=info\n", "LEVEL=info\n      - DEBUG=1\n"),
        (
            "set the variable DEBUG to yes for cache in the file compose.yaml",
            "      - data:/data\n",
            '      - data:/data\n    environment:\n      DEBUG: "yes"\n',
        ),
        ("publish port 8443:443 for web in compose.yaml", '"80:80"\n', '"80:80"\n      - "8443:443"\n'),
        (
            "add the port mapping 6379:6379 to the cache service in compose.yaml",
            "      - data:/data\n",
            '      - data:/data\n    ports:\n      - "6379:6379"\n',
        ),
    ],
)
def test_a_service_gets_what_a_task_says(wish: str, old: str, new: str, tmp_path: Path) -> None:
    assert changed(wish, tmp_path) == FILE.replace(old, new)


def test_a_service_goes_and_nothing_waits_for_it(tmp_path: Path) -> None:
    text = changed("remove the service cache from compose.yaml", tmp_path)
    assert text is not None
    assert text.endswith("      - LEVEL=info\n\nvolumes:\n  data:\n")
    meant = yaml.safe_load(text)["services"]
    assert meant["web"]["depends_on"] == ["api"]
    assert meant.keys() == {"web", "api"}
    assert "depends_on" not in meant["api"]
    assert text.startswith(FILE[: FILE.index("      - cache")])


@pytest.mark.parametrize(
    "wish",
    [
        "set MODE=dev for web in compose.yaml",  # it has one
        "publish port 80:80 for web in compose.yaml",
        "set DEBUG=1 for gone in compose.yaml",
        "set DEBUG=1 for web in compose.yaml and restart it",
        "set DEBUG=1 for web and api in compose.yaml",
        "remove the port 80:80 of web from compose.yaml",
        "remove the service gone from compose.yaml",
        "set DEBUG=1 for web in other-compose.yaml",
        "set PASS=a$bc for web in compose.yaml",
        "set A=1,B=2 for web in compose.yaml",
        "publish 80:8080 for api in compose.yaml",
    ],
)
def test_what_is_said_otherwise_is_left_to_others(wish: str, tmp_path: Path) -> None:
    assert changed(wish, tmp_path) is None


@pytest.mark.parametrize(
    ("wish", "old", "new"),
    [
        ("remove cache from compose.yaml", "image: api:1", 'image: api:1\n    network_mode: "service:cache"'),
        (
            "set DEBUG=1 for web in compose.yaml",
            "environment:\n      MODE: prod",
            "environment: {MODE: prod}",
        ),
        ("set DEBUG=1 for web in compose.yaml", "image: api:1", "image: [api"),
        ("set DEBUG=1 for web in compose.yaml", "services:", "elsewhere:"),
    ],
)
def test_a_file_that_is_written_otherwise_is_not_touched(
    wish: str, old: str, new: str, tmp_path: Path
) -> None:
    assert changed(wish, tmp_path, FILE.replace(old, new, 1)) is None


def test_a_file_of_one_service_keeps_it(tmp_path: Path) -> None:
    assert changed("remove web from compose.yaml", tmp_path, "services:\n  web:\n    image: a\n") is None


@pytest.mark.parametrize(
    "wish",
    [
        "add a volume other:/x to the service web in compose.yaml",
        "add a volume ./d:/data to the service cache in compose.yaml",
        "let web depend on api in compose.yaml",
        "let web depend on itself in compose.yaml",
        "let api depend on web in compose.yaml",
        "let cache depend on web in compose.yaml",
    ],
)
def test_a_mount_or_a_dependency_in_doubt_is_left_to_others(wish: str, tmp_path: Path) -> None:
    assert changed(wish, tmp_path) is None


def test_a_volume_is_declared_where_a_file_has_none(tmp_path: Path) -> None:
    new = changed(
        "mount data at /var/x in the web service of compose.yaml",
        tmp_path,
        "services:\n  web:\n    image: a\n",
    )
    assert new and yaml.safe_load(new) == {
        "services": {"web": {"image": "a", "volumes": ["data:/var/x"]}},
        "volumes": {"data": None},
    }


def test_a_service_waits_for_another_and_a_folder_is_mounted_as_one(tmp_path: Path) -> None:
    (tmp_path / "html").mkdir()
    text = "services:\n  web:\n    image: a\n  db:\n    image: b\n"
    for wish, key, value in (
        ("let web depend on db in compose.yaml", "depends_on", ["db"]),
        ("mount html at /data in the web service of compose.yaml", "volumes", ["./html:/data"]),
        (
            "mount the file app.conf at /etc/app.conf in web of compose.yaml",
            "volumes",
            ["./app.conf:/etc/app.conf"],
        ),
    ):
        assert yaml.safe_load(changed(wish, tmp_path, text) or "")["services"]["web"][key] == value
