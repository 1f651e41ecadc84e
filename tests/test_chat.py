"""What a chat model does with its replies."""

import pytest

from devops_agent.chat import goes_round


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
