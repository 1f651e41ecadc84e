"""What a chat model does with its replies."""

from collections.abc import Sequence

import pytest
from replies import call
from smolagents.models import ChatMessage, MessageRole

from devops_agent.chat import ChatModel, Completion, Sampling, goes_round
from devops_agent.context_window import Messages
from devops_agent.protocol import ToolLike


@pytest.mark.parametrize(
    "text",
    [
        "x" + "\n" * 120,
        "start " + "and so on, " * 30,
        '{"names": ["a", ' + '"web-1", "web-2", ' * 20,
        "a" * 60 + "The pod web-1 is not ready because its image is missing. " * 5,
    ],
)
def test_a_reply_that_goes_round_is_known(text: str) -> None:
    assert goes_round(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yes yes yes",
        "\n".join(f"line {number}" for number in range(200)),
        "- name: web\n  image: nginx\n- name: api\n  image: nginx\n" * 2,
        "x" * 500 + " and then something else that ends it",
    ],
)
def test_other_replies_are_not(text: str) -> None:
    assert not goes_round(text)


class Stubborn(ChatModel):
    """Says what it has said before, until it is warm enough."""

    def __init__(self, said: str, warm: float, sampling: Sampling | None = None) -> None:
        super().__init__("stubborn", sampling or Sampling())
        self.said, self.warm = said, warm
        self.temperatures: list[float | None] = []

    def complete(self, messages: Messages, tools: Sequence[ToolLike], constrain: bool) -> Completion:
        self.temperatures.append(self.temperature)
        return Completion(self.said if (self.temperature or 0) < self.warm else call("bash", command="ls"))


@pytest.mark.parametrize(
    ("said", "warm", "temperatures"),
    [
        (call("bash", command="df"), 0.0, [None]),
        (call("bash", command="df"), 0.5, [None, 0.8]),
        (call("bash", command="df"), 1.0, [None, 0.8, 1.2]),
        (call("bash", command="df"), 2.0, [None, 0.8, 1.2]),  # it means it
        (call("final_answer", answer="It is so already."), 2.0, [None]),
    ],
)
def test_the_call_before_once_more_is_asked_for_again(
    said: str, warm: float, temperatures: list[float | None]
) -> None:
    model = Stubborn(said, warm)
    messages = [("user", "x"), ("assistant", said), ("user", "You made this call already.")]
    model.generate([ChatMessage(MessageRole(role), text) for role, text in messages])
    assert model.temperatures == temperatures
    assert model.temperature is None
