"""The language between the agent and the model: prompt, tool calls, tool responses.

Everything here is a pure function of its arguments, and is the same for every engine.
"""

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from typing import Protocol as Interface

from devops_agent.errors import ProtocolError
from devops_agent.injection import neutral
from devops_agent.lenient_json import LenientError, UnfinishedError, read_object
from devops_agent.patterns import regex

FINAL_ANSWER = "final_answer"
# The form of the recipe that stands behind a task. It differs from task to task, so the prompt does not name
# it: what comes first must stay the same for the engine's prefix cache.
RECIPE = "recipe"
NO_CALL = "Your reply holds no tool call. Reply with exactly one <tool_call> block."


class ToolLike(Interface):
    """What the protocol needs to know of a tool; SmolAgents' `Tool` has it."""

    name: str
    description: str
    inputs: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Call:
    """One tool call."""

    name: str
    arguments: Mapping[str, Any]

    def render(self) -> str:
        """The call as it stands in the conversation, byte for byte the form that the grammar forces."""
        body = json.dumps({"name": self.name, "arguments": dict(self.arguments)}, ensure_ascii=False)
        return f"<tool_call>\n{body}\n</tool_call>"


@dataclass(frozen=True)
class Reply:
    """A parsed reply: the one call to run, the reasoning, and the names of calls that were dropped."""

    call: Call
    think: str = ""
    plan: str = ""
    dropped: tuple[str, ...] = ()

    def render(self) -> str:
        """The reply as it re-enters the history, whatever form it arrived in."""
        think = f"<think>{self.think}</think>\n" if self.think else ""
        plan = f"<plan>{self.plan}</plan>\n" if self.plan else ""
        return think + plan + self.call.render()


# --- the system prompt ------------------------------------------------------------------------------------

_PROMPT = """\
You do the user's task on this machine by calling tools. They run for real.
Each reply is exactly ONE tool call in <tool_call> tags and nothing else. Then you receive its result in
<tool_response> and decide on the next call.

Tools:
{tools}

Rules:
- ONE tool at a time. Never put final_answer beside another call.
- Use real names and values, from the task or from a result. Never write placeholders such as <pod_name>.
- Check each result. After an error do something different; never repeat a call.
- When the whole task is done, call final_answer with the names and figures from the results.

Example. Task: Which containers run, and how long is this machine up?
<tool_call>
{{"name": "bash", "arguments": {{"command": "docker ps; uptime -p"}}}}
</tool_call>
<tool_response>
CONTAINER ID   IMAGE     STATUS       NAMES
5f1c22aa9b10   nginx     Up 2 hours   web
9e0b77d1c3f4   redis:7   Up 2 hours   cache
up 3 days, 4 hours
</tool_response>
<tool_call>
{{"name": "final_answer", "arguments": {{"answer": "web (nginx) and cache (redis:7) run. Up 3 days."}}}}
</tool_call>

Example. Task: Write a Dockerfile that shows the date, then look at it
<tool_call>
{{"name": "write_file", "arguments": {{"path": "Dockerfile", "content": "FROM busybox\\nCMD [\\"date\\"]"}}}}
</tool_call>
<tool_response>
Wrote 27 bytes to Dockerfile
</tool_response>
<tool_call>
{{"name": "bash", "arguments": {{"command": "ls -l Dockerfile"}}}}
</tool_call>
{instructions}"""


def system_prompt(tools: Iterable[ToolLike], instructions: str = "") -> str:
    """Builds the strict one-tool-at-a-time prompt. The same tools give the same bytes."""
    # bash first: small models choose what stands first too often, and it is right most often
    always = [tool for tool in tools if tool.name != RECIPE]
    lines = "\n".join(_describe(tool) for tool in sorted(always, key=lambda tool: tool.name != "bash"))
    extra = f"\n{instructions.strip()}\n" if instructions.strip() else ""
    return _PROMPT.format(tools=lines, instructions=extra).rstrip("\n")


def _describe(tool: ToolLike) -> str:
    description = " ".join(tool.description.split())
    return f"- {tool.name}({', '.join(tool.inputs)}): {description}"


# --- replies ----------------------------------------------------------------------------------------------

# What can stand in a reply: a block that is no call, and what a call begins with. Behind a tag or fence there
# may be a list of calls.
_PART = regex(
    r"<(?P<block>think|plan|tool_response)>"
    r"|(?P<lead>(?:<(?:tool_call|tools|function_call|tool)>|```[\w-]*)[\s\[]*)?(?=\{)",
    re.IGNORECASE,
)
_BLOCK_END = {
    "think": regex(r"</think>|\Z", re.IGNORECASE),
    "plan": regex(r"</plan>|(?=<tool_call>)|\Z", re.IGNORECASE),
    "tool_response": regex(r"</tool_response>|\Z", re.IGNORECASE),
}
_CALL_HEAD = regex(
    r"\{\s*(?:[\"'][^\"'\n]*[\"']\s*:|(?:name|tool|tool_name|tool_call|function|function_call|action)\b)"
)
_SURROGATES = regex("[\ud800-\udfff]")

_NAME_KEYS = ("name", "tool", "tool_name", "function", "action")
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "params", "action_input")
_WRAPPERS = ("tool_call", "function_call", "function")
_SHELL_NAMES = {"shell", "sh", "terminal", "execute", "execute_command", "run_command", "run", "command"}
_ALIASES = {
    "command": ("cmd", "commands", "code", "script"),
    "path": ("file", "filename", "file_path", "filepath", "file_name"),
    "content": ("contents", "text", "data"),
    "key": ("name", "variable", "var", "env", "variable_name"),
    "answer": ("text", "result", "response", "output", "message", "content"),
}
# Programs that models name as if they were tools; the call then means `bash` with that program.
_PROGRAMS = frozenset(
    """
    docker kubectl helm kustomize docker-compose podman git systemctl journalctl service ls cat head
    tail grep find df du free ps top uptime env printenv pwd whoami uname stat wc ss netstat ip lsof
    lsblk curl wget ping dig nslookup openssl tar gzip chmod chown mkdir touch cp mv rm ln echo
    printf sed awk sort apt apt-get yum dnf apk pip npm node python python3 terraform ansible
    crontab kill pkill which date hostname jq yq redis-cli psql mysql ssh scp rsync mount
    vmstat iostat dmesg sudo make go cargo aws gcloud az
    """.split()
)


def parse_reply(text: str, tools: Sequence[ToolLike]) -> Reply:
    """Finds the tool call of a reply, however a small model has written it down.

    `final_answer` is dropped when other calls are present, and of several others the first is taken.

    Args:
        text: The raw reply.
        tools: The tools that there are, to know their parameters.

    Raises:
        ProtocolError: When there is no well-formed call. An argument is never guessed or completed.
    """
    text = _SURROGATES.sub("\ufffd", text)  # half a character, which cannot be encoded
    calls, blocks = _scan(text, tools)
    think, plan = ("\n".join(filter(None, blocks[name])) for name in ("think", "plan"))
    # a call that stands only in reasoning, which the model has often just forgotten to close
    calls = calls or _scan(f"{think}\n{plan}", tools, hidden=("tool_response",))[0]
    if not calls:
        raise ProtocolError(NO_CALL)
    others = [call for call in calls if call.name != FINAL_ANSWER]
    chosen = (others or calls)[0]
    dropped = tuple(call.name for call in calls if call is not chosen)
    return Reply(chosen, _reasoning(think), _reasoning(plan), dropped)


def is_complete(text: str, tools: Sequence[ToolLike]) -> bool:
    """Whether a reply that is still arriving already holds a whole call, so that generation can stop."""
    head, closed, _ = text.rpartition("</tool_call>")
    if not closed and ("<tool_call>" in text or not text.rstrip().endswith(("}", "]", "```"))):
        return False
    try:
        return bool(_scan(head + closed if closed else text, tools, close_at_end=bool(closed))[0])
    except ProtocolError as error:
        # what is to come cannot mend the call, unless the tag stands inside a string
        return bool(closed) and not isinstance(error.__cause__, UnfinishedError)


def _reasoning(text: str) -> str:
    # a call inside the reasoning is the call, not reasoning; what is left must not look like one
    return text.partition("<tool_call>")[0].replace("<", "‹").strip()


def _scan(
    text: str, tools: Sequence[ToolLike], close_at_end: bool = True, hidden: Sequence[str] = tuple(_BLOCK_END)
) -> tuple[list[Call], dict[str, list[str]]]:
    """Returns the calls of a reply, and the texts of its blocks, in which no call is looked for.

    A call is read as a whole, so nothing in its strings (the content of a file) is taken for a call or block.
    """
    calls: list[Call] = []
    blocks: dict[str, list[str]] = {name: [] for name in _BLOCK_END}
    at = 0
    while match := _PART.search(text, at):
        at = start = match.end()
        if match["block"]:
            name = match["block"].lower()
            if name in hidden:
                end = _BLOCK_END[name].search(text, start)
                assert end is not None
                blocks[name].append(text[start : end.start()].strip())
                at = end.end()
            continue
        try:
            value, at = read_object(text, start, close_at_end)
        except LenientError as error:
            # What looks like a call and cannot be read is an error. Searching inside it could run
            # a "call" that is only the content of a file.
            if not match["lead"] and not _CALL_HEAD.match(text, start):
                at = start + 1
                continue
            if any(call.name != FINAL_ANSWER for call in calls):
                break  # only one call is run, and it has been read
            raise ProtocolError(f"Your tool call is not valid JSON: {error}. Escape quotes.") from error
        call = _as_call(value, tools)
        if call:
            calls.append(call)
    return calls, blocks


def _as_call(value: dict[str, Any], tools: Sequence[ToolLike]) -> Call | None:
    for wrapper in _WRAPPERS:
        if isinstance(value.get(wrapper), dict):
            return _as_call(value[wrapper], tools)
    known = {tool.name: tool for tool in tools}
    key = next((key for key in _NAME_KEYS if isinstance(value.get(key), str)), None)
    if key is None:
        # {"bash": {"command": "ls"}}
        name = next(iter(value), "")
        return _build(name, value[name], known) if len(value) == 1 and name in known else None
    arguments_key = next((key for key in _ARGUMENT_KEYS if key in value), None)
    if arguments_key is None:
        flat = {k: v for k, v in value.items() if k != key}
        return _build(value[key], flat, known) if flat or value[key] in known else None
    return _build(value[key], value[arguments_key], known)


def _build(name: str, arguments: Any, known: Mapping[str, ToolLike]) -> Call:
    name = name.strip()
    if isinstance(arguments, str):
        arguments = _from_string(arguments)
    if name not in known:
        name, arguments = _program_call(name, arguments, known)
    if name not in known:
        return Call(name, arguments if isinstance(arguments, dict) else {})
    return Call(name, _fit_arguments(arguments, known[name]))


def _from_string(text: str) -> Any:
    """Arguments that arrived as a string: JSON inside it, or the bare value of the only parameter."""
    text = text.strip()
    if not _CALL_HEAD.match(text) and text != "{}":
        return text
    try:
        value, end = read_object(text, 0, close_at_end=False)
    except LenientError as error:
        raise ProtocolError(f"The arguments are not valid JSON: {error}. Escape quotes.") from error
    if text[end:]:
        raise ProtocolError("There is text behind the JSON of the arguments.")
    return value


def _program_call(name: str, arguments: Any, known: Mapping[str, ToolLike]) -> tuple[str, Any]:
    """`{"name": "docker", "arguments": {"command": "ps -a"}}` means `bash` with `docker ps -a`."""
    if "bash" not in known:
        return name, arguments
    lowered = name.lower().removeprefix("functions.")
    if lowered in known or lowered in _SHELL_NAMES:
        return (lowered if lowered in known else "bash"), arguments
    words = name.split()
    if not words or words[0] not in _PROGRAMS:
        return name, arguments
    rest = _command_text(arguments)
    if rest is None:
        return name, arguments
    if rest == name or rest.startswith(name + " "):
        return "bash", {"command": rest}
    return "bash", {"command": f"{name} {rest}".strip()}


def _command_text(arguments: Any) -> str | None:
    """The rest of a command line, when the arguments are nothing but that."""
    if isinstance(arguments, dict):
        if not arguments:
            return ""
        key = next(iter(arguments))
        if len(arguments) > 1 or key not in ("command", "cmd", "args", "arguments", "subcommand"):
            return None
        arguments = arguments[key]
    if isinstance(arguments, str):
        return arguments.strip()
    return _joined(arguments)


def _joined(words: Any) -> str | None:
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return shlex.join(words)
    return None


def _fit_arguments(arguments: Any, tool: ToolLike) -> dict[str, Any]:
    """Names the arguments as the tool does; what does not fit stays as it is, for the agent to refuse."""
    names = list(tool.inputs)
    if not isinstance(arguments, dict):
        if arguments is None or arguments == "":
            return {}
        return {names[0]: _value(arguments, tool, names[0])} if len(names) == 1 else {}
    fitted = dict(arguments)
    for name in names:
        alias = next((a for a in _ALIASES.get(name, ()) if a in fitted and a not in names), None)
        if name not in fitted and alias is not None:
            fitted[name] = fitted.pop(alias)
    return {key: _value(value, tool, key) for key, value in fitted.items()}


def _value(value: Any, tool: ToolLike, name: str) -> Any:
    """A list of words where a command belongs, an integer or a mapping where text belongs."""
    if tool.inputs.get(name, {}).get("type") != "string" or isinstance(value, str) or value is None:
        return value
    if isinstance(value, float):
        return value  # its text is lost: 3.10 would become 3.1
    if name == "command":
        joined = _joined(value)
        return value if joined is None else joined
    return json.dumps(value, ensure_ascii=False)


# --- the conversation -------------------------------------------------------------------------------------


def format_tool_response(text: str, task: str = "") -> str:
    """What the model reads as the result of its call: `The value is: …` when the result is a single value."""
    text = text.strip("\n")
    if text and len(text) <= 200 and not re.search(r"\s", text):
        text = f"The value is: {text}"
    return _response(neutral(text) or "(no output)", task)


def format_error(text: str, task: str = "") -> str:
    """What the model reads when its call was not run or failed."""
    return _response(f"Error: {text}", task)


def _response(text: str, task: str) -> str:
    # A small model forgets the task behind a page of output; a line behind the result brings it back.
    reminder = f"\nTask: {task}\n{_NEXT}" if task else ""
    return f"<tool_response>\n{text}\n</tool_response>{reminder}"


_NEXT = (
    "If the whole task is done, call final_answer with the names and figures "
    "from the results; else make the next call."
)


# --- a reply that is being written ------------------------------------------------------------------------

_SO_FAR = regex(r'"(?P<key>answer|command|path)"\s*:\s*"(?P<text>(?:[^"\\]|\\.)*)')
_THOUGHT = regex(r"<(?:think|plan)>(?P<text>.*?)(?:</|\Z)", re.DOTALL)


def so_far(text: str) -> tuple[str, str]:
    """What a reply that is being written says: "thought", "answer", "command" or "path", and its text."""
    if call := _SO_FAR.search(text):
        return call["key"], _unescaped(call["text"])
    thoughts = _THOUGHT.findall(text)
    return ("thought", thoughts[-1].strip()) if thoughts else ("", "")


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:  # the end of an escape is still to come
        return text
