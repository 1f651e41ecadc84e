"""A chat model that says what it was told to: for tests and for trying out a loop without an engine."""

from collections.abc import Iterable, Sequence

from devops_agent import events
from devops_agent.chat import ChatModel, Completion, Sampling
from devops_agent.context_window import Messages
from devops_agent.errors import EngineError
from devops_agent.protocol import ToolLike


class ScriptedModel(ChatModel):
    """Replies with the given texts, one a request; an exception among them is raised.

    Attributes:
        requests: The messages of each request, in order.
        offered: The names of the tools that each reply was allowed to call.
    """

    retries = ()  # a script means what it says

    def __init__(
        self, replies: Iterable[str | Completion | BaseException], listener: events.Listener = events.ignore
    ) -> None:
        super().__init__("scripted", Sampling(), listener)
        self._replies = iter(replies)
        self.requests: list[Messages] = []
        self.offered: list[list[str]] = []

    def complete(self, messages: Messages, tools: Sequence[ToolLike], constrain: bool) -> Completion:
        """The next reply.

        Raises:
            EngineError: The script has no more replies.
        """
        self.requests.append([dict(message) for message in messages])
        self.offered.append([tool.name for tool in tools])
        reply = next(self._replies, None)
        if reply is None:
            raise EngineError("The script has no more replies.")
        if isinstance(reply, BaseException):
            raise reply
        return reply if isinstance(reply, Completion) else Completion(reply)
