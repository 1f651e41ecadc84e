"""The question before a tool runs: its exact words, and what counts as a yes."""

import io
from collections.abc import Mapping
from typing import Any

import pytest

from devops_agent import approval
from devops_agent.approval import Answer, Question

Asked = tuple[Answer, str]
QUESTION = "Approve this tool call? [y/n]: "
FEEDBACK = "Optional feedback for the agent (press Enter to skip): "


@pytest.fixture
def ask() -> Any:
    def asked(
        typed: str, tool: str = "bash", arguments: Mapping[str, Any] | None = None, **more: Any
    ) -> Asked:
        screen = io.StringIO()
        question = Question(tool, {"command": "ls -la"} if arguments is None else arguments, **more)
        verdict = approval.ask(question, io.StringIO(typed), screen)
        return verdict, screen.getvalue()

    return asked


def test_the_call_is_shown_in_exactly_these_words(ask: Any) -> None:
    assert ask("y\n") == (
        Answer(True),
        "\n"
        "🔧 Tool call requested:\n"
        "   Tool: bash\n"
        "   Arguments: {\n"
        '     "command": "ls -la"\n'
        "   }\n"
        "\n"
        "Approve this tool call? [y/n]: ",
    )


@pytest.mark.parametrize("typed", ["y", "Y", "yes", "YES", "  y  "])
def test_a_yes_runs_it_without_another_question(typed: str, ask: Any) -> None:
    verdict, shown = ask(typed + "\nnot read\n")
    assert verdict == Answer(True)
    assert shown.endswith(QUESTION)


@pytest.mark.parametrize("typed", ["n", "N", "no", "No"])
def test_a_no_asks_for_a_comment(typed: str, ask: Any) -> None:
    verdict, shown = ask(f"{typed}\nonly in namespace web\n")
    assert verdict == Answer(False, "only in namespace web")
    assert shown.endswith(QUESTION + FEEDBACK)


def test_the_comment_may_be_skipped(ask: Any) -> None:
    assert ask("n\n\n")[0] == Answer(False)


def test_the_end_of_the_input_in_place_of_a_comment_is_none(ask: Any) -> None:
    assert ask("n\n")[0] == Answer(False)


@pytest.mark.parametrize("typed", ["", "perhaps\n"])
def test_the_end_of_the_input_is_a_no(typed: str, ask: Any) -> None:
    verdict, shown = ask(typed)
    assert not verdict.approved
    assert verdict.comment == "nobody is there to approve it"
    assert FEEDBACK not in shown


def test_anything_else_is_asked_again(ask: Any) -> None:
    verdict, shown = ask("\nperhaps\nyy\nja\ny\n")
    assert verdict == Answer(True)
    assert shown.count(QUESTION) == 5
    assert shown.count("Tool call requested") == 1


def test_several_arguments_are_shown_in_their_order_and_words(ask: Any) -> None:
    _, shown = ask("y\n", "write_file", {"path": "größe.txt", "content": "a\nb", "mode": 7})
    assert "   Tool: write_file\n" in shown
    assert (
        '   Arguments: {\n     "path": "größe.txt",\n     "content": "a\\nb",\n     "mode": 7\n   }\n'
    ) in shown


def test_no_arguments_are_shown_too(ask: Any) -> None:
    assert "   Arguments: {}\n" in ask("y\n", "list", {})[1]


@pytest.mark.parametrize("hidden", ["\x1b[2K", "\r", "\x08", "\x9b1A", "\u202e"])
def test_a_command_cannot_hide_a_part_of_itself(hidden: str, ask: Any) -> None:
    """What is approved is what is read: control characters are shown, not obeyed."""
    _, shown = ask("n\n\n", "bash", {"command": f"rm -rf x #{hidden}ls"})
    assert hidden not in shown
    assert "rm -rf x #" in shown


# --- a question with an effect ----------------------------------------------------------------------------

DELETE = {
    "tool": "bash",
    "arguments": {"command": "kubectl delete pod web"},
    "effect": "destructive",
    "rule": "kubectl delete",
    "part": "kubectl delete pod web",
    "target": "context kind, namespace shop",
    "caution": "context kind looks like production",
    "preview": lambda: "$ kubectl get pod web -o name\npod/web",
}


def test_what_would_happen_is_shown(ask: Any) -> None:
    _, shown = ask("y\n", **DELETE)
    assert "   Effect: destructive (kubectl delete)\n" in shown
    assert "   Where: context kind, namespace shop\n" in shown
    assert "   Careful: context kind looks like production\n" in shown
    assert "   $ kubectl get pod web -o name\n   pod/web\n" in shown


def test_always_is_a_yes_that_is_remembered(ask: Any) -> None:
    assert ask("a\n", **DELETE)[0] == Answer(True, always=True)


def test_the_command_can_be_edited(ask: Any) -> None:
    assert ask("e\nkubectl get pod web\n", **DELETE)[0] == Answer(True, command="kubectl get pod web")


def test_an_empty_edit_asks_again(ask: Any) -> None:
    assert ask("e\n\nn\n\n", **DELETE)[0] == Answer(False)


def test_an_explanation_asks_again(ask: Any) -> None:
    verdict, shown = ask("?\ny\n", **DELETE)
    assert verdict == Answer(True)
    assert "The part that decides: kubectl delete pod web" in shown
    assert shown.count(QUESTION) == 2


def test_without_a_terminal_nobody_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(approval, "_TTY", tmp_path / "missing")
    assert not approval.somebody_is_there()
    assert not approval.ask_user_approval(Question("bash", {"command": "ls"})).approved
