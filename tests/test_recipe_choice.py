"""The choice among recipes: by the model's likelihoods, and by the words where an engine tells none."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from devops_agent import recipe_choice, runbook_library
from devops_agent.context_window import Messages
from devops_agent.form_finder import FormFinder
from devops_agent.grounding import Ground
from devops_agent.recipe_choice import chosen, unweighed
from devops_agent.suitability import suiting

TITLES = ("Scale a deployment", "Restart a deployment", "Label a pod")


@pytest.mark.parametrize(
    ("likely", "first", "index"),
    [
        ([0.1, 0.1, 0.7, 0.1], None, 1),
        ([0.1, 0.1, 0.7, 0.1], 1, 1),
        ([0.7, 0.1, 0.1, 0.1], None, None),
        ([0.5, 0.4, 0.05, 0.05], None, None),
        ([0.5, 0.4, 0.05, 0.05], 0, 0),  # the words say so too
        ([0.5, 0.2, 0.05, 0.05], 1, None),
        ([0.2, 0.3, 0.3, 0.2], None, None),  # it cannot tell
        ([], 2, 2),
        ([], None, None),
        ([0.0, 0.0, 0.0, 0.0], 1, 1),
    ],
)
def test_an_action_is_meant_when_it_is_likely_enough(
    likely: list[float], first: int | None, index: int | None
) -> None:
    assert chosen(lambda messages, replies: likely, "task", TITLES, first) == index


def test_the_model_is_asked_with_all_titles_and_a_short_task() -> None:
    asked: list[tuple[Messages, Sequence[str]]] = []

    def weigh(messages: Messages, replies: Sequence[str]) -> Sequence[float]:
        asked.append((messages, replies))
        return [1.0, 0.0, 0.0, 0.0]

    assert chosen(weigh, "x" * 5000, TITLES, None) is None
    ((messages, replies),) = asked
    assert list(replies) == ["0", "1", "2", "3"]
    assert messages[-1]["content"].endswith(
        "Actions:\n1. Scale a deployment\n2. Restart a deployment\n3. Label a pod"
    )
    assert len(messages[-1]["content"]) < 1200
    assert chosen(weigh, "x", (), None) is None
    assert len(asked) == 1  # without actions there is nothing to ask


def finder(task: str, changes: bool, weigh: recipe_choice.Weigh = unweighed) -> FormFinder:
    return FormFinder.of(
        task, runbook_library.load(), Ground(), {}, changes, Path("/nonexistent"), weigh=weigh
    )


def likes(title: str) -> recipe_choice.Weigh:
    """A model that is sure of one title."""

    def weigh(messages: Messages, replies: Sequence[str]) -> Sequence[float]:
        lines = messages[-1]["content"].splitlines()
        numbers = [line.partition(". ")[0] for line in lines if line.endswith(f". {title}")]
        return [float(reply == (numbers[0] if numbers else "0")) for reply in replies]

    return weigh


def test_the_model_finds_what_the_words_do_not() -> None:
    task = "who's eating all the memory in the cluster? top 10 pods across all namespaces please"
    assert finder(task, False).runbook is None
    found = finder(task, False, likes("Show CPU and memory use of pods and nodes")).runbook
    assert found
    assert found.name == "top-pods"


def test_the_model_refuses_what_only_shares_words() -> None:
    task = "restart deployment web in namespace shop"
    assert finder(task, True).runbook
    assert finder(task, True, likes("nothing of these")).runbook is None


def test_what_is_only_for_who_asks_for_it_is_not_offered_to_the_model() -> None:
    task = "the pods of the node are gone, what happened to the taint?"
    seen: list[str] = []

    def weigh(messages: Messages, replies: Sequence[str]) -> Sequence[float]:
        seen.append(messages[-1]["content"])
        return [1.0] * len(replies)

    assert finder(task, False, weigh).runbook is None
    assert "Delete" not in "".join(seen)


def test_each_thing_is_asked_for_once_and_only_in_doubt() -> None:
    asked: list[str] = []

    def weigh(messages: Messages, replies: Sequence[str]) -> Sequence[float]:
        asked.append(messages[-1]["content"].partition("\n")[0])
        return ()

    found = finder("Scale deployment web to 3, then restart deployment api", True, weigh)
    assert [step.form.heading if step.form else "" for step in found.steps] == [
        "Scale a deployment",
        "Restart the pods of a deployment",
    ]
    assert found.runbook
    assert asked == ["Task: restart deployment api"]


def test_who_asks_which_has_most_wants_more_than_a_count() -> None:
    offered: list[str] = []

    def weigh(messages: Messages, replies: Sequence[str]) -> Sequence[float]:
        offered.append(messages[-1]["content"])
        return ()

    assert finder("which IP address sent the most 404 requests to site.log? tell how many", False, weigh).form
    assert "Find the IP addresses with the most responses of a status" in offered[0]
    offered.clear()
    assert finder("how many requests in site.log have the status 404?", False, weigh).runbook
    assert "Find" not in "".join(offered)


@pytest.mark.parametrize(
    ("task", "file", "found"),
    [
        ("Create a Dockerfile that has the label team=web", "", "dockerfile"),
        ("Create a Dockerfile for my app", "package.json", "dockerfile-node"),
        ("Create a Dockerfile for a Python app", "", "dockerfile-python"),
    ],
)
def test_a_recipe_for_a_language_needs_the_task_or_the_directory_to_speak_of_it(
    task: str, file: str, found: str, tmp_path: Path
) -> None:
    if file:
        (tmp_path / file).touch()
    suits = suiting(task, (), (), tmp_path)
    offered = {name for name, runbook in runbook_library.load().items() if suits(runbook)}
    assert found in offered
    others = {"dockerfile-node", "dockerfile-python", "dockerfile-go", "dockerfile-static-site"} - {found}
    assert not others & offered


@pytest.mark.parametrize(
    ("task", "runbook", "is_offered"),
    [
        (
            "throw my git changes in app.yaml away",
            "git restore --staged --worktree :/",
            False,
        ),
        ("throw all my git changes away", "git restore --staged --worktree :/", True),
        ("have the running server read its settings again", "http.server", False),
        ("serve this folder on port 8000", "http.server", True),
        ("Check disk usage", "docker system df -v", False),
        ("Check disk usage", "du -xh", False),
        ("The disk is full, find out why", "du -xh", True),
        ("How much disk do my images need?", "docker system df -v", True),
        ("how many files are in this folder?", "-type f | wc -l", True),
        ("how many Dockerfiles are here?", "-type f | wc -l", False),
        ("how many log files are here?", "-type f | wc -l", False),
        ("how many log files are here?", "-type f -name '*{part_of_name}*' | wc -l", True),
    ],
)
def test_a_recipe_that_takes_all_is_for_who_says_so(
    task: str, runbook: str, is_offered: bool, tmp_path: Path
) -> None:
    suits = suiting(task, ("port", "directory", "part_of_name", "path"), (), tmp_path)
    offered = filter(suits, runbook_library.load().values())
    assert any(runbook in each.text for each in offered) is is_offered
