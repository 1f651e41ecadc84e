"""Runbooks: where they come from, which one fits, and what the model is told of it."""

import time
from pathlib import Path

import pytest

from devops_agent import runbook_library
from devops_agent.folders import runbook_folders
from devops_agent.intent import asks_for_change
from devops_agent.redaction import Redactor
from devops_agent.runbook_library import best, load, may_mean, parse, search

SCALE = """# Scale a deployment

When: scale, replicas, more pods

```bash
# first
kubectl -n {namespace} scale deployment/{deployment} --replicas={replicas}
docker ps --format '{{.Names}}' | awk '{print}'; echo ${namespace}
```


Pitfall: an autoscaler.
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package's own runbooks."""
    folder = tmp_path / "own"
    monkeypatch.setattr(runbook_library, "_OWN", folder)
    return folder


def write(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(text)


def test_what_scales_by_itself_is_not_scaled_by_hand() -> None:
    scale = load()["scale-deployment"]
    assert may_mean("scale deployment web to 3", scale)
    assert not may_mean("scale deployment web automatically between 1 and 4 replicas", scale)


def test_the_project_wins_over_the_user_and_the_user_over_the_package(own: Path, tmp_path: Path) -> None:
    user, project = runbook_folders(tmp_path / "config", tmp_path / "project")
    for name, folders in {"a": [own], "b": [own, user], "c": [own, user, project], "d": [project]}.items():
        for folder in folders:
            write(folder, name, f"# {name} of {folder.parent.name}\n")
    assert {name: runbook.title for name, runbook in load((user, project)).items()} == {
        "a": f"a of {tmp_path.name}",
        "b": "b of config",
        "c": "c of .devops-agent",
        "d": "d of .devops-agent",
    }


@pytest.mark.parametrize(
    "text",
    ["", "Only text", "```bash\n# a comment\nls\n```\n", "When: x\n# late", "#\n", "# \n", "## Second\n"],
)
def test_a_runbook_without_title_is_ignored(text: str, own: Path) -> None:
    write(own, "bad", text)
    write(own, "good", "# Good\n")
    assert list(load()) == ["good"]


def test_a_title_may_stand_behind_a_byte_order_mark_or_empty_lines() -> None:
    for text in ("\ufeff# Scale\n", "\n\n# Scale\r\n"):
        assert [(runbook.title, runbook.when) for runbook in parse("x", text)] == [("Scale", "")]


def test_a_file_may_hold_several_runbooks(own: Path) -> None:
    write(
        own,
        "node",
        "# Cordon a node\nWhen: no new pods\n\n```bash\n# no title\na\n```\n# Uncordon a node\n\nb\n",
    )
    write(own, "pod", "# Run a pod\n")
    assert [(name, runbook.title, runbook.when) for name, runbook in load().items()] == [
        ("node", "Cordon a node", "no new pods"),
        ("node-2", "Uncordon a node", ""),
        ("pod", "Run a pod", ""),
    ]
    assert load()["node-2"].text == "# Uncordon a node\n\nb\n"


def test_a_file_replaces_all_runbooks_of_the_one_it_stands_for(own: Path, tmp_path: Path) -> None:
    write(own, "node", "# Cordon a node\n\n# Uncordon a node\n")
    write(tmp_path / "user", "node", "# Do as we do\n")
    assert [runbook.title for runbook in load([tmp_path / "user"]).values()] == ["Do as we do"]


def test_what_cannot_be_read_is_left_out(own: Path, tmp_path: Path) -> None:
    write(own, "good", "# Good\n")
    (own / "folder.md").mkdir()
    (own / "gone.md").symlink_to("nowhere")
    (own / "bytes.md").write_bytes(b"# Gr\xf6\xdfe\n")
    assert list(load((tmp_path / "no folder", own / "good.md"))) == ["bytes", "good"]


def test_the_recipe_names_what_is_known_and_leaves_the_rest() -> None:
    (runbook,) = parse("scale", SCALE)
    assert runbook.recipe({"namespace": "shop", "deployment": "web", "print": "no"}) == (
        "Scale a deployment\n```bash\n# first\n"
        "kubectl -n shop scale deployment/web --replicas={replicas}\n"
        "docker ps --format '{{.Names}}' | awk '{print}'; echo ${namespace}\n"
        "```\nPitfall: an autoscaler."
    )


def test_the_runbook_that_fits_best_comes_first(own: Path) -> None:
    write(own, "scale", SCALE)
    write(own, "logs", "# Read the logs of a pod\n\nWhen: logs, output, errors\n")
    write(own, "build", "# Build an image\n\nWhen: docker build, Dockerfile\n")
    runbooks = load()
    for text, name in [("scaling web to 3 replicas", "scale"), ("show me LOGS", "logs"), ("build", "build")]:
        assert [runbook.name for runbook, _ in search(runbooks, text)][:1] == [name]


@pytest.mark.parametrize("text", ["", "and the", "?!", '"', "a OR b* NEAR(", "zzz qqq", "größe", "\0"])
def test_a_text_without_a_word_of_any_runbook_finds_none(text: str) -> None:
    (runbook,) = parse("scale", SCALE)
    assert search({"scale": runbook}, text) == []
    assert best({"scale": runbook}, text, "kubernetes", {}, 0.0)[0] is None
    assert search({}, "scale") == []


def test_a_task_with_a_pasted_log_is_searched_in_no_time() -> None:
    (runbook,) = parse("scale", SCALE)
    started = time.process_time()
    search({"scale": runbook}, "scale " + " ".join(f"word{n}" for n in range(20_000)))
    assert time.process_time() - started < 1


def test_the_runbooks_of_the_package_have_titles_and_words_to_be_found_by() -> None:
    runbooks = load().values()
    assert [runbook.name for runbook in runbooks if not runbook.when] == []
    titles = [runbook.title for runbook in runbooks]
    assert len(titles) == len(set(titles))


@pytest.mark.parametrize(
    ("task", "title"),
    [
        ("Set the memory limit of deployment web to 64Mi", "Set the memory limit"),
        ("Set the CPU limit of deployment web to 1", "Set the CPU limit"),
        (
            "Set the cpu and memory limits of deployment web to 1 and 64Mi",
            "Set resource requests and limits of a deployment",
        ),
    ],
)
def test_what_a_task_needs_to_say_decides_between_siblings(task: str, title: str) -> None:
    found, _ = best(load(), task, "kubernetes", {"deployment": "web"}, 1.0, task, True)
    assert found is not None
    assert found.title == title


def test_whether_a_runbook_changes_something_is_told_by_its_first_word_as_by_its_whole_title() -> None:
    assert [r.title for r in load().values() if r.changes != asks_for_change(r.title)] == []


def test_words_for_the_search_are_not_told() -> None:
    (runbook,) = parse("x", "# Do it\n\nWhen: a\n\nNeeds: mount\n\nUnless: cpu limit\n\n```bash\ntrue\n```\n")
    assert (runbook.needs, runbook.unless) == (({"mount"},), ({"cpu", "limit"},))
    assert runbook.recipe({}) == "Do it\n```bash\ntrue\n```"


@pytest.mark.parametrize("name", sorted(load()))
def test_nothing_of_a_runbook_is_taken_for_a_secret(name: str) -> None:
    text = load()[name].text
    assert Redactor()(text) == text
