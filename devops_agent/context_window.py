"""What is sent of a conversation that has outgrown the context window."""

Messages = list[dict[str, str]]

# Kubernetes tables and JSON come to less than three characters a token.
_CHARS_PER_TOKEN = 2.5
_REMOVED = "<tool_response>\n(removed to save space)\n</tool_response>"
# A cut costs the engine its prefix cache: it makes room for several steps.
_CUT_TO = 0.6


def fit(messages: Messages, limit: int) -> Messages:
    """Keeps a conversation within `limit` characters by dropping the oldest tool responses.

    The conversation is gone through as it grew, so that what was cut once stays cut in the same way: between
    two cuts, the result for a longer conversation extends the result for a shorter one. The system prompt,
    the task, every call and the newest two messages stay.
    """
    fitted: Messages = []
    total = 0
    for message in messages:
        fitted.append(message)
        total += len(message["content"])
        if total > limit:
            _cut(fitted, int(limit * _CUT_TO))
            total = size(fitted)
    return fitted


def characters(num_ctx: int, num_predict: int) -> int:
    """How many characters fit a context window with room for a reply, both in tokens."""
    return int((num_ctx - num_predict) * _CHARS_PER_TOKEN)


def size(messages: Messages) -> int:
    """Characters in all messages."""
    return sum(len(message["content"]) for message in messages)


def _cut(messages: Messages, target: int) -> None:
    """Drops the oldest tool responses, but not the newest two messages, until `target` is reached."""
    total = size(messages)
    for index, message in enumerate(messages[:-2]):
        if total <= target:
            return
        # the first two are the prompt and the task, whatever the task looks like
        if index > 1 and message["role"] == "user" and message["content"].startswith("<tool_response>"):
            total -= len(message["content"]) - len(_REMOVED)
            messages[index] = {**message, "content": _REMOVED}
