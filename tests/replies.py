"""Replies as a model gives them."""

from typing import Any

from devops_agent.protocol import Call


def call(name: str, **arguments: Any) -> str:
    """A call of a tool."""
    return Call(name, arguments).render()


def sh(command: str) -> str:
    """A shell command."""
    return call("bash", command=command)


def answer(text: str = "Done.") -> str:
    """An answer."""
    return call("final_answer", answer=text)
