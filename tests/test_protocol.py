"""What is read out of a reply: replies that real models wrote (data/replies.jsonl), and written cases."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devops_agent import protocol
from devops_agent.errors import ProtocolError
from devops_agent.protocol import Call, Reply, parse_reply

RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "replies.jsonl").read_text(encoding="utf-8").splitlines()
]
RECORDED_CALLS = [entry for entry in RECORDED if "error" not in entry["expect"]]


@dataclass(frozen=True)
class Tool:
    name: str
    inputs: dict[str, dict[str, Any]]
    description: str = "Does\n    something."


def _tool(name: str, *inputs: str) -> Tool:
    return Tool(name, {key: {"type": "string", "description": key} for key in inputs})


TOOLS = (
    _tool("read_file", "path"),
    _tool("write_file", "path", "content"),
    _tool("bash", "command"),
    _tool("get_env", "key"),
    _tool("final_answer", "answer"),
)
COUNTED = Tool("scale", {"name": {"type": "string"}, "replicas": {"type": "integer"}})


def bash(command: str) -> Call:
    return Call("bash", {"command": command})


def _name(entry: dict[str, Any]) -> str:
    return entry["note"].replace(" ", "-")[:60]


@pytest.mark.parametrize("entry", RECORDED, ids=_name)
def test_a_recorded_reply_gives_the_call_that_a_reader_sees(entry: dict[str, Any]) -> None:
    expected = entry["expect"]
    if "error" in expected:
        with pytest.raises(ProtocolError):
            parse_reply(entry["reply"], TOOLS)
        return
    reply = parse_reply(entry["reply"], TOOLS)
    assert reply.call == Call(expected["name"], expected["arguments"])
    assert list(reply.dropped) == entry.get("dropped", [])


@pytest.mark.parametrize("entry", RECORDED_CALLS, ids=_name)
def test_a_recorded_reply_is_stopped_only_when_its_call_is_whole(entry: dict[str, Any]) -> None:
    whole = parse_reply(entry["reply"], TOOLS).call
    for end in range(len(entry["reply"])):
        prefix = entry["reply"][:end]
        if protocol.is_complete(prefix, TOOLS):
            assert parse_reply(prefix, TOOLS).call == whole


@pytest.mark.parametrize("entry", RECORDED_CALLS, ids=_name)
def test_a_recorded_reply_survives_its_rendering(entry: dict[str, Any]) -> None:
    reply = parse_reply(entry["reply"], TOOLS)
    assert parse_reply(reply.render(), TOOLS) == Reply(reply.call, reply.think, reply.plan)


LS = '{"name": "bash", "arguments": {"command": "ls"}}'
DF = '{"name": "bash", "arguments": {"command": "df"}}'
DONE = '{"name": "final_answer", "arguments": {"answer": "Done."}}'


@pytest.mark.parametrize(
    ("text", "call"),
    [
        # the form of the prompt, and around it
        (f"<tool_call>\n{LS}\n</tool_call>", bash("ls")),
        (f"<tool_call>{LS}", bash("ls")),
        (f"<tools>\n{LS}\n</tools>", bash("ls")),
        (f"<function_call>{LS}</function_call>", bash("ls")),
        (f"```json\n{LS}\n```", bash("ls")),
        (f"```\n{LS}\n```", bash("ls")),
        (f"<tool_call>\n```json\n{LS}\n```\n</tool_call>", bash("ls")),
        (f"```json\n{LS}", bash("ls")),
        (f"Let me look {{first}}:\n{LS}\nThat lists the files.", bash("ls")),
        (f"Use `docker ps --format {{{{.Names}}}}` later. {LS}", bash("ls")),
        (f"\ufeff{LS}", bash("ls")),
        (f"<tool_call>\r\n{LS}\r\n</tool_call>\r\n", bash("ls")),
        ('{"name": "bash",\r\n\ufeff"arguments": {"command": "ls"}}', bash("ls")),
        # lenient JSON
        ("{'name': 'bash', 'arguments': {'command': 'echo \"hi\"'}}", bash('echo "hi"')),
        ('{"name": "bash", "arguments": {"command": "ls",},}', bash("ls")),
        ('{"name": "bash", "arguments": {"command": "a\nb\tc"}}', bash("a\nb\tc")),
        ('{"name": "bash", "arguments": {"command": """echo "a"\nb"""}}', bash('echo "a"\nb')),
        ('{name: "bash", arguments: {command: "ls"}}', bash("ls")),
        (
            "{'name': 'scale', 'arguments': {'a': True, 'b': None, 'c': False}}",
            Call("scale", {"a": True, "b": None, "c": False}),
        ),
        ('{"name": "bash", "arguments": {"command": "ls"', bash("ls")),
        ('<tool_call>{"name": "bash", "arguments": {"command": "ls"</tool_call>', bash("ls")),
        ('```json\n{"name": "bash", "arguments": {"command": "ls"}\n```', bash("ls")),
        ('{"name": "bash", "arguments": {"command": "grep \\d+ \\\\s"}}', bash("grep \\d+ \\s")),
        ('{"name": "bash", "arguments": {"command": "\\u00e9 \\ud83d\\ude00"}}', bash("é 😀")),
        ('{"name": "bash", "arguments": {"command": "\\ud83d \\ude00 \\uzz"}}', bash("\ufffd \ufffd \\uzz")),
        ('{"name": "bash", "arguments": {"command": "\ud83d"}}', bash("\ufffd")),
        # other shapes
        ('{"name": "docker", "arguments": {"command": "ps -a"}}', bash("docker ps -a")),
        ('{"name": "docker", "arguments": {"args": ["ps", "-a"]}}', bash("docker ps -a")),
        ('{"name": "docker", "arguments": ["ps", "a b"]}', bash("docker ps 'a b'")),
        ('{"name": "docker", "arguments": {"command": "docker ps"}}', bash("docker ps")),
        ('{"name": "kubectl get pods", "arguments": {}}', bash("kubectl get pods")),
        ('{"name": "shell", "arguments": {"cmd": "ls"}}', bash("ls")),
        ('{"name": "functions.bash", "arguments": {"command": "ls"}}', bash("ls")),
        ('{"name": "bash", "arguments": "{\\"command\\": \\"ls\\"}"}', bash("ls")),
        ('{"name": "bash", "arguments": "ls -l"}', bash("ls -l")),
        ('{"name": "bash", "arguments": "{ a; b; }"}', bash("{ a; b; }")),
        ('{"bash": {"command": "ls"}}', bash("ls")),
        ('{"bash": "ls"}', bash("ls")),
        ('{"name": "bash", "command": "ls"}', bash("ls")),
        ('{"type": "function", "function": {"name": "bash", "arguments": {"command": "ls"}}}', bash("ls")),
        (f'{{"tool_call": {LS}}}', bash("ls")),
        ('{"tool": "bash", "parameters": {"command": "ls"}}', bash("ls")),
        ('{"action": "bash", "action_input": "ls"}', bash("ls")),
        ('{"name": "read_file", "arguments": {"filename": "/a"}}', Call("read_file", {"path": "/a"})),
        ('{"name": "get_env", "arguments": {"variable": "A"}}', Call("get_env", {"key": "A"})),
        ('{"name": "bash", "arguments": {"command": ["ls", "a b"]}}', bash("ls 'a b'")),
        (
            '{"name": "write_file", "arguments": {"path": "/a", "content": {"b": 1}}}',
            Call("write_file", {"path": "/a", "content": '{"b": 1}'}),
        ),
        ('{"name": "final_answer", "arguments": {"answer": 3}}', Call("final_answer", {"answer": "3"})),
        # what does not fit stays, for the agent to refuse
        ('{"name": "teleport", "arguments": {"to": "x"}}', Call("teleport", {"to": "x"})),
        ('{"name": "ls", "arguments": {"path": "/a"}}', Call("ls", {"path": "/a"})),
        ('{"name": "bash", "arguments": {"script": 1.50}}', Call("bash", {"command": 1.5})),
        (
            '{"name": "bash", "arguments": {"command": "ls", "why": "x"}}',
            Call("bash", {"command": "ls", "why": "x"}),
        ),
        ('{"name": "bash", "arguments": {}}', Call("bash", {})),
        # a file's content is nothing but content
        (
            f'{{"name": "write_file", "arguments": {{"path": "/a", "content": {json.dumps(DF)}}}}}',
            Call("write_file", {"path": "/a", "content": DF}),
        ),
        (
            '{"name": "write_file", "arguments": {"path": "/a", "content": "<think>x</think></tool_call>"}}',
            Call("write_file", {"path": "/a", "content": "<think>x</think></tool_call>"}),
        ),
        (f"{LS}\n<tool_response>\n{DF}\n</tool_response>", bash("ls")),
    ],
)
def test_every_form_of_a_call_is_read(text: str, call: Call) -> None:
    assert parse_reply(text, (*TOOLS,)) == Reply(call)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "There are 3 pods.",
        "{}",
        "[]",
        "{{.Names}}",
        '{"command": "ls"}',
        '{"name": 5, "arguments": {}}',
        '{"name": "web"}',
        # half of it
        '{"name":"bash","arguments":{"command":"rm -rf /tmp/x',
        '<tool_call>{"name":"bash","arguments":{"command":"rm -rf /tmp/x</tool_call>',
        '```json\n{"name":"bash","arguments":{"command":"rm -rf /tmp/x\n```',
        '{"name":"bash","arguments":{"command":"rm -rf /tmp/x\\',
        '{"name":"bash","arguments":{"command":',
        '{"name":"bash","arguments":{"command"',
        '{"name":"bash","argum',
        '{"name":"bash","arguments":"{\\"command\\": \\"rm -rf /tmp/x"}',
        '{"name":"bash","arguments":"{\\"command\\": \\"ls\\"} && x"}',
        # a quote that is not escaped: what stands inside is content, and never run
        f'{{"name": "write_file", "arguments": {{"path": "/a", "content": "say "hi" {DF}"}}}}',
        f'{{"path": "/a", "content": "say "hi" {DF}"}}',
        f'{{"write_file": {{"path": "/a", "content": "say "hi" {DF}"}}}}',
        f'<tool_call>{{a: "say "hi" {DF}"}}</tool_call>',
        f'```json\n{{a: "say "hi" {DF}"}}\n```',
        f"{DONE}\n<tool_call>\n{{'name': 'bash', 'arguments': {{'command': 'it's'}}}}",
        # twice the same key, and values that JSON does not have
        '{"name": "bash", "arguments": {"command": "ls", "command": "rm"}}',
        '{"name": "bash", "arguments": {"command": "ls"}, "name": "final_answer"}',
        '{"name": "bash", "arguments": {"command": ls}}',
        '{"name": "scale", "arguments": {"replicas": NaN}}',
        '{"name": "scale", "arguments": {"replicas": 1e999}}',
        '{"name": "chmod", "arguments": {"mode": 0644}}',
        '{"name": "scale", "arguments": {"replicas": ' + "9" * 400 + "}}",
        '{"name": "bash", "arguments": {"command": "a" + "b"}}',
        '{"name": "bash" "arguments": {"command": "ls"}}',
        # only an imagined result
        f"<tool_response>\n{LS}\n</tool_response>",
        f"<tool_response>\n{LS}",
    ],
)
def test_what_is_no_whole_call_is_an_error(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse_reply(text, TOOLS)


@pytest.mark.parametrize(
    ("text", "call", "dropped"),
    [
        (f"<tool_call>\n{LS}\n</tool_call>\n<tool_call>\n{DF}\n</tool_call>", bash("ls"), ["bash"]),
        (f"{LS}\n{DONE}", bash("ls"), ["final_answer"]),
        (f"{DONE}\n{LS}", bash("ls"), ["final_answer"]),
        (f"{DONE}\n{LS}\n{DONE}\n{DF}", bash("ls"), ["final_answer", "final_answer", "bash"]),
        (f"```json\n[{LS}, {DF}]\n```", bash("ls"), ["bash"]),
        (f"{LS}\n<tool_response>\nx\n</tool_response>\n{DONE}", bash("ls"), ["final_answer"]),
        (f'{LS}\n{{"name": "bash", "arguments": {{"command": "rm -rf', bash("ls"), []),
        (f"{LS} {LS}", bash("ls"), ["bash"]),
        (DONE, Call("final_answer", {"answer": "Done."}), []),
    ],
)
def test_of_several_calls_the_first_is_taken_and_never_final_answer(
    text: str, call: Call, dropped: list[str]
) -> None:
    reply = parse_reply(text, TOOLS)
    assert (reply.call, list(reply.dropped)) == (call, dropped)


@pytest.mark.parametrize(
    ("text", "think", "plan", "call"),
    [
        (f"<think>\nls it\n</think>\n{LS}", "ls it", "", bash("ls")),
        (f"<think>not {DF}</think><tool_call>{LS}</tool_call>", f"not {DF}", "", bash("ls")),
        (f"<think>I run\n<tool_call>{LS}</tool_call></think>", "I run", "", bash("ls")),
        (f"<think>I run\n<tool_call>{LS}</tool_call>", "I run", "", bash("ls")),
        (f"<plan>1. <b>\n</plan>\n<tool_call>{LS}</tool_call>", "", "1. ‹b>", bash("ls")),
        (f"<plan>1. look <tool_call>{LS}</tool_call>", "", "1. look", bash("ls")),
        (f"<plan><tool_call>{LS}</tool_call></plan>", "", "", bash("ls")),
        (f"<plan>{DF} first</plan>{LS}", "", f"{DF} first", bash("ls")),
        (f"<think>a</think><think>b</think><plan>c</plan>{LS}", "a\nb", "c", bash("ls")),
        (f"<think></think>{LS}<think>so", "so", "", bash("ls")),
    ],
)
def test_reasoning_is_kept_and_a_call_in_it_counts_only_when_there_is_no_other(
    text: str, think: str, plan: str, call: Call
) -> None:
    assert parse_reply(text, TOOLS) == Reply(call, think, plan)


def test_a_parameter_may_be_called_name() -> None:
    text = '{"name": "scale", "arguments": {"name": "web", "replicas": 3}}'
    assert parse_reply(text, (*TOOLS, COUNTED)).call == Call("scale", {"name": "web", "replicas": 3})


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10_000,
        "{" * 10_000,
        '{"a":' * 10_000,
        '{"name": "bash", "arguments": ' + "[" * 10_000,
        '{"name": "bash", "arguments": ' + '{"a":' * 10_000 + "1" + "}" * 10_000 + "}",
        '{"function":' * 10_000 + LS,
        "<think>" * 10_000,
        "<plan>" * 10_000,
        "```" * 10_000,
        " " * 100_000,
        "\\" * 100_000,
    ],
    ids=lambda text: text[:12],
)
def test_nothing_of_any_depth_or_length_crashes(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse_reply(text, TOOLS)
    assert not protocol.is_complete(text, TOOLS)


# --- streaming --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"<tool_call>\n{LS}\n</tool_call>",
        f"<tool_call>\n{LS}\n</tool_call>\n<tool_resp",
        LS,
        f"```json\n{LS}\n```",
        f"Thought.\n{LS}\n",
        f"<think>{DF}</think>\n{LS}",
        '<tool_call>{"name": "bash", "arguments": {"command": "ls"</tool_call>',
        '<tool_call>{"name": "bash", "arguments": {"command": "say "hi""}}</tool_call>',
    ],
)
def test_a_reply_that_holds_a_whole_call_or_cannot_be_mended_is_stopped(text: str) -> None:
    assert protocol.is_complete(text, TOOLS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        LS[:-1],
        f"<tool_call>\n{LS}",
        "I use {this}",
        '{"a": 1}',
        f"<think>{LS}",
        f"<think><tool_call>{LS}</tool_call> would do, but",
        '<tool_call>{"name": "write_file", "arguments": {"path": "/a", "content": "x</tool_call>',
        '{"name": "write_file", "arguments": {"path": "/a", "content": "{}',
        '{"type": "function", "function": {"name": "bash", "arguments": {"command": "ls"}}',
    ],
)
def test_a_reply_without_a_whole_call_goes_on(text: str) -> None:
    assert not protocol.is_complete(text, TOOLS)


# --- what goes to the model -------------------------------------------------------------------------------


def test_the_system_prompt_is_the_same_for_the_same_tools_and_names_each() -> None:
    prompt = protocol.system_prompt(TOOLS)
    assert prompt.encode() == protocol.system_prompt(list(TOOLS)).encode()
    for tool in TOOLS:
        assert f"{tool.name}({', '.join(tool.inputs)}): Does something." in prompt


def test_instructions_stand_at_the_end_of_the_system_prompt() -> None:
    assert protocol.system_prompt(TOOLS, " Be {brief}.\n").endswith("\nBe {brief}.")
    assert protocol.system_prompt(TOOLS, " \n") == protocol.system_prompt(TOOLS)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("3\n", "The value is: 3"),
        ("two words", "two words"),
        ("a\nb\n", "a\nb"),
        ("", "(no output)"),
        ("\n", "(no output)"),
        ("x" * 201, "x" * 201),
    ],
)
def test_a_tool_response_says_the_value_only_of_a_single_word(text: str, shown: str) -> None:
    assert protocol.format_tool_response(text) == f"<tool_response>\n{shown}\n</tool_response>"


def test_an_error_is_a_tool_response_too() -> None:
    assert protocol.format_error("No such tool.") == "<tool_response>\nError: No such tool.\n</tool_response>"


def test_a_rendered_reply_is_the_form_of_the_prompt() -> None:
    reply = Reply(bash("echo 'é' \"\n\""), "why", "how", ("bash",))
    assert reply.render() == (
        "<think>why</think>\n<plan>how</plan>\n<tool_call>\n"
        '{"name": "bash", "arguments": {"command": "echo \'é\' \\"\\n\\""}}\n</tool_call>'
    )


# --- properties -------------------------------------------------------------------------------------------

TAGS = ("<tool_call>", "</tool_call>", "<think>", "</think>", "<plan>", "</plan>", "<tool_response>")
WORDS = (
    '"name": ',
    '"bash"',
    '"arguments": ',
    '"command": ',
    "docker",
    '"function": ',
    '"docker"',
    "None",
    "-1.5",
)
ODD = ("```json\n", "```", LS, DONE, "\\u00e9", "\\ud83d", "\ud83d", "\ufeff")
PIECES = st.sampled_from((*"{}[]\"'\\,:\n", *TAGS, *WORDS, *ODD))
TEXTS = st.text() | st.lists(PIECES | st.text(max_size=3), max_size=25).map("".join)


@settings(deadline=None, max_examples=500)
@given(TEXTS)
def test_any_text_gives_a_call_or_a_protocol_error(text: str) -> None:
    protocol.is_complete(text, TOOLS)
    try:
        reply = parse_reply(text, TOOLS)
    except ProtocolError:
        return
    reply.render().encode()
    assert parse_reply(reply.render(), TOOLS) == Reply(reply.call, reply.think, reply.plan)


def _in_json(call: Call) -> str:
    return json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False)


def _in_ascii(call: Call) -> str:
    return json.dumps({"name": call.name, "arguments": call.arguments}, indent=2)


def _quoted(text: str, quote: str) -> str:
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


def _written(call: Call, quote: str, end: str = "") -> str:
    """Raw newlines and control characters; `end` stands behind the last item of each object."""
    pairs = [f"{_quoted(k, quote)}: {_quoted(v, quote)}" for k, v in call.arguments.items()]
    arguments = "{" + ", ".join(pairs) + end + "}"
    name = f"{_quoted('name', quote)}: {_quoted(call.name, quote)}"
    return f"{{{name}, {_quoted('arguments', quote)}: {arguments}{end}}}"


FORMS: list[Callable[[Call], str]] = [
    Call.render,
    _in_json,
    _in_ascii,
    lambda call: _written(call, '"'),
    lambda call: _written(call, "'"),
    lambda call: _written(call, '"', end=","),
    lambda call: f"```json\n{_in_json(call)}\n```",
    lambda call: f"```python\n{_written(call, chr(39))}\n```\nDone.",
    lambda call: f"<tools>\n{_in_ascii(call)}\n</tools>",
    lambda call: f"Sure:\n<tool_call>\n{_in_json(call)}",
    lambda call: _in_json(call)[:-1],
    lambda call: _in_json(call)[:-2],
    lambda call: f"<tool_call>\n{_in_json(call)[:-2]}\n</tool_call>",
    lambda call: json.dumps(
        {"name": call.name, "arguments": _in_json(call).partition('"arguments": ')[2][:-1]}
    ),
    lambda call: json.dumps({"function": {"name": call.name, "arguments": call.arguments}}),
]
VALUES = st.text(max_size=30) | st.lists(PIECES, max_size=4).map("".join).filter(lambda t: "\ud83d" not in t)
CALLS = st.sampled_from(TOOLS).flatmap(
    lambda tool: st.builds(
        Call, st.just(tool.name), st.fixed_dictionaries(dict.fromkeys(tool.inputs, VALUES))
    )
)


@settings(deadline=None, max_examples=400)
@given(CALLS, st.sampled_from(FORMS))
def test_each_tolerated_form_gives_back_exactly_the_call(call: Call, form: Callable[[Call], str]) -> None:
    assert parse_reply(form(call), TOOLS) == Reply(call)


def _decoded(text: str) -> str:
    """The text with every escape replaced, written independently of the parser."""
    parts, at = [], 0
    simple = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "/": "/", "\\": "\\", '"': '"', "'": "'"}
    while at < len(text):
        taken = 1
        part = text[at]
        if part == "\\" and at + 1 < len(text):
            taken, part = 2, simple.get(text[at + 1], text[at : at + 2])
            digits = text[at + 2 : at + 6]
            if (
                text[at + 1] == "u"
                and len(digits) == 4
                and all(c in "0123456789abcdefABCDEF" for c in digits)
            ):
                taken, part = 6, chr(int(digits, 16))
        parts.append(part)
        at += taken
    return "".join(parts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _bare(text: str) -> str:
    """Without quotes, backslashes, U+FFFD and blanks, which differ where words are joined to a command."""
    return "".join(char for char in text if char not in "\"'\\\ufffd" and not char.isspace()).lower()


def _leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [leaf for item in value.items() for part in item for leaf in _leaves(part)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [] if value is None else [value if isinstance(value, str) else json.dumps(value)]


@settings(deadline=None, max_examples=600)
@given(CALLS, st.sampled_from(FORMS), st.data())
def test_a_damaged_call_never_gives_a_value_that_does_not_stand_in_the_reply(
    call: Call, form: Callable[[Call], str], data: st.DataObject
) -> None:
    text = form(call)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        removed = data.draw(st.integers(0, 2))
        text = (
            text[:at]
            + data.draw(st.sampled_from(["", "", '"', "'", "\\", "}", "{", ",", "x", "\n", "1"]))
            + text[at + removed :]
        )
    try:
        reply = parse_reply(text, TOOLS)
    except ProtocolError:
        return
    once = _decoded(text)
    sources = [_bare(once), _bare(_decoded(once))]
    for value in reply.call.arguments.values():
        for leaf in _leaves(value):
            assert any(_bare(leaf) in source for source in sources)
