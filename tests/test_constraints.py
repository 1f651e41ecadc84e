"""The grammar and the schema that hold a reply to its form, against what the protocol renders and parses."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devops_agent.constraints import CLOSING, call_grammar, call_opening, call_schema
from devops_agent.protocol import Call, Reply, parse_reply, system_prompt

MODEL = os.environ.get("DEVOPS_AGENT_TEST_MODEL", "")


@dataclass(frozen=True)
class Tool:
    name: str
    inputs: dict[str, dict[str, Any]]
    description: str = "Does something."


TEXT = {"type": "string"}
MAYBE = {"type": "string", "nullable": True}
COUNT = {"type": "integer"}
MAYBE_COUNT = {"type": "integer", "nullable": True}

BASH = Tool("bash", {"command": TEXT}, "Run a shell command.")
WRITE = Tool("write_file", {"path": TEXT, "content": TEXT}, "Create or replace a text file.")
ANSWER = Tool("final_answer", {"answer": TEXT}, "Report the result to the user.")
NOTHING = Tool("status", {})
SCALE = Tool("scale", {"name": TEXT, "replicas": COUNT, "namespace": MAYBE, "timeout": MAYBE_COUNT})
LIST = Tool("list", {"namespace": MAYBE, "label": MAYBE, "limit": MAYBE_COUNT})
TYPED = Tool(
    "typed",
    {
        "ratio": {"type": "number"},
        "force": {"type": "boolean"},
        "names": {"type": "array"},
        "labels": {"type": "object"},
        "value": {"type": "any"},
    },
)
TOOLS = (BASH, WRITE, ANSWER, NOTHING, SCALE, LIST, TYPED)


# --- GBNF as a regular expression -------------------------------------------------------------------------

_TOKEN = re.compile(
    r'(?P<literal>"(?:[^"\\]|\\.)*")|(?P<set>\[(?:[^\]\\]|\\.)*\])|(?P<rule>[a-z]\w*)|(?P<rest>\{[\d,]+\}|\S)'
)


def _as_regex(grammar: str, rule: str = "root", depth: int = 6) -> str:
    """Translates the subset of GBNF that is used here; `depth` limits the rules that contain themselves."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.splitlines())
    if not depth:
        return "(?!)"
    parts = []
    for token in _TOKEN.finditer(rules[rule]):
        if token["literal"]:
            parts.append(f"(?:{re.escape(json.loads(token['literal']))})")
        elif token["rule"]:
            recursive = token["rule"] in ("value", "array", "object")
            parts.append(_as_regex(grammar, token["rule"], depth - 1 if recursive else depth))
        else:
            parts.append(token["set"] or token["rest"].replace("(", "(?:"))
    return f"(?:{''.join(parts)})"


def whole(*tools: Tool) -> re.Pattern[str]:
    """What a reply may be: its opening, what the grammar allows, and its closing."""
    return re.compile(re.escape(call_opening(tools)) + _as_regex(call_grammar(tools)) + re.escape(CLOSING))


ROOT = whole(*TOOLS)

NASTY = [
    "",
    "it's",
    'say "hi"',
    "a\\b \\n",
    "a\nb\r\n\tc",
    "é 😀 \u2028 \u00a0",
    "\u0000\u0001\b\f\u001b[31m\u001f",
    '</tool_call>{"name": "bash"}',
    "${A} {{.B}} $(c)",
]


@pytest.mark.parametrize("text", NASTY)
def test_the_grammar_allows_what_a_call_renders_to(text: str) -> None:
    rendered = Reply(Call("write_file", {"path": "/a", "content": text})).render()
    assert ROOT.fullmatch(rendered)
    assert parse_reply(rendered, TOOLS).render() == rendered


@settings(deadline=None)
@given(st.text().filter(lambda text: "\x7f" not in text))
def test_the_string_rule_is_what_json_writes(text: str) -> None:
    rule = re.compile(_as_regex(call_grammar([BASH]), "string"))
    assert rule.fullmatch(json.dumps(text, ensure_ascii=False))


@settings(deadline=None)
@given(st.from_regex(re.compile(_as_regex(call_grammar([BASH]), "string")), fullmatch=True))
def test_every_string_of_the_grammar_is_written_as_json_writes_it(text: str) -> None:
    assert json.dumps(json.loads(text), ensure_ascii=False) == text


@pytest.mark.parametrize(
    "text",
    ['"a\nb"', '"a', '"a"b"', '"\\x"', '"\\u000a"', '"\\u00e9"', "'a'", '"\x7f"', '"\\"'],
)
def test_the_string_rule_allows_nothing_else(text: str) -> None:
    assert not re.fullmatch(_as_regex(call_grammar([BASH]), "string"), text)


@pytest.mark.parametrize(
    "call",
    [
        Call("status", {}),
        Call("scale", {"name": "web", "replicas": 3}),
        Call("scale", {"name": "web", "replicas": -1, "namespace": "a"}),
        Call("scale", {"name": "web", "replicas": 0, "timeout": 5}),
        Call("scale", {"name": "web", "replicas": 10, "namespace": "a", "timeout": 5}),
        Call("list", {}),
        Call("list", {"namespace": "a"}),
        Call("list", {"label": "a"}),
        Call("list", {"limit": 1}),
        Call("list", {"namespace": "a", "limit": 1}),
        Call("list", {"label": "a", "limit": 1}),
        Call("list", {"namespace": "a", "label": "b", "limit": 1}),
        Call("typed", {"ratio": 1.5, "force": True, "names": [], "labels": {}, "value": None}),
        Call("typed", {"ratio": -2, "force": False, "names": ["a", 1], "labels": {"a": "b"}, "value": [{}]}),
    ],
    ids=repr,
)
def test_optional_arguments_may_be_left_out_and_types_are_kept(call: Call) -> None:
    (tool,) = (tool for tool in TOOLS if tool.name == call.name)
    assert ROOT.fullmatch(call.render())
    assert whole(tool).fullmatch(call.render())
    assert parse_reply(call.render(), TOOLS) == Reply(call)


def test_all_that_only_one_tool_can_begin_with_is_given() -> None:
    assert call_opening(TOOLS) == '<tool_call>\n{"name": "'
    assert call_opening([BASH]) == '<tool_call>\n{"name": "bash", "arguments": {"command":'
    assert call_opening([NOTHING]) == call_opening([LIST]).replace("list", "status")
    assert call_opening([LIST]) == '<tool_call>\n{"name": "list", "arguments":'


@pytest.mark.parametrize(
    "text",
    [
        Call("nothing", {}).render(),
        Call("bash", {}).render(),
        Call("bash", {"command": 1}).render(),
        Call("bash", {"command": "a", "x": "b"}).render(),
        Call("write_file", {"content": "a", "path": "b"}).render(),
        Call("write_file", {"path": "b"}).render(),
        Call("scale", {"name": "web", "replicas": "3"}).render(),
        Call("scale", {"name": "web", "replicas": 1.5}).render(),
        Call("scale", {"name": "web", "replicas": 3, "timeout": 5, "namespace": "a"}).render(),
        Call("list", {"limit": 1, "label": "a"}).render(),
        Call("list", {"namespace": None}).render(),
        Call("bash", {"command": "a"}).render() * 2,
        "text\n" + Call("bash", {"command": "a"}).render(),
        Call("bash", {"command": "a"}).render() + "\n",
        "<think>a</think>\n" + Call("bash", {"command": "a"}).render(),
        '{"name": "bash", "arguments": {"command": "a"}}',
    ],
)
def test_the_grammar_allows_nothing_but_one_call_of_a_tool_that_there_is(text: str) -> None:
    assert not ROOT.fullmatch(text)


def test_every_rule_of_the_grammar_is_defined() -> None:
    bodies = dict(line.split(" ::= ", 1) for line in call_grammar(TOOLS).splitlines())
    used = {token["rule"] for body in bodies.values() for token in _TOKEN.finditer(body) if token["rule"]}
    assert used <= set(bodies)


def test_the_schema_has_one_alternative_for_each_tool() -> None:
    schema = call_schema([SCALE, TYPED])
    assert [option["properties"]["name"] for option in schema["anyOf"]] == [
        {"const": "scale"},
        {"const": "typed"},
    ]
    assert all(option["required"] == ["name", "arguments"] for option in schema["anyOf"])
    assert schema["anyOf"][0]["properties"]["arguments"] == {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 2000},
            "replicas": {"type": "integer"},
            "namespace": {"type": "string", "maxLength": 2000},
            "timeout": {"type": "integer"},
        },
        "required": ["name", "replicas"],
        "additionalProperties": False,
    }
    assert schema["anyOf"][1]["properties"]["arguments"]["properties"] == {
        "ratio": {"type": "number"},
        "force": {"type": "boolean"},
        "names": {"type": "array"},
        "labels": {"type": "object"},
        "value": {},
    }


def test_the_schema_closes_every_object() -> None:
    for option in call_schema(TOOLS)["anyOf"]:
        assert option["additionalProperties"] is False
        assert option["properties"]["arguments"]["additionalProperties"] is False


# --- with a model -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Any:
    xllamacpp = pytest.importorskip("xllamacpp")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(Path(MODEL).expanduser())
    parameters.n_ctx = 2048
    parameters.n_parallel = 1
    parameters.verbosity = 0
    parameters.warmup = False
    parameters.api_keys = ["test"]
    parameters.ui = False
    return xllamacpp.Server(parameters)


@pytest.mark.skipif(not MODEL, reason="DEVOPS_AGENT_TEST_MODEL is not set to a GGUF file")
@pytest.mark.parametrize(
    "prompt",
    [
        "List all running Docker containers.",
        'Write {"debug": true} to /tmp/config.json.',
        "Scale the deployment web to 3 replicas.",
        "Print the lines of /etc/passwd that hold \"bash\" with awk '{print $1}'.",
        "Say hello in French.",
    ],
)
def test_what_a_model_writes_under_the_grammar_parses_and_is_its_own_rendering(
    prompt: str, server: Any
) -> None:
    tools = (BASH, WRITE, ANSWER, SCALE, LIST)
    answer = server.handle_chat_completions(
        {
            "messages": [
                {"role": "system", "content": system_prompt(tools)},
                {"role": "user", "content": prompt},
                {"role": "assistant", "content": call_opening(tools)},
            ],
            "grammar": call_grammar(tools),
            "max_tokens": 400,
            "temperature": 0,
            "reasoning_format": "none",
        }
    )
    choice = answer["choices"][0]
    assert choice["finish_reason"] == "stop"
    text = choice["message"]["content"] + CLOSING  # which begins with the opening, unless it is streamed
    assert parse_reply(text, tools).render() == text


def test_only_a_file_may_be_long() -> None:
    write = Tool("write_file", {"path": {"type": "string"}, "content": {"type": "string"}}, "Write a file.")
    grammar = whole(write)
    assert grammar.fullmatch(Call("write_file", {"path": "a", "content": "a" * 9000}).render())
    assert not grammar.fullmatch(Call("write_file", {"path": "a" * 2001, "content": "a"}).render())


def test_an_answer_is_a_text_of_bounded_length_though_the_tool_would_take_anything() -> None:
    answer = Tool("final_answer", {"answer": {"type": "any"}}, "Report the result to the user.")
    (choice,) = call_schema([answer])["anyOf"]
    length = {"type": "string", "maxLength": 1500}
    assert choice["properties"]["arguments"]["properties"]["answer"] == length
    grammar = whole(answer)
    assert grammar.fullmatch(Call("final_answer", {"answer": "a" * 1500}).render())
    assert not grammar.fullmatch(Call("final_answer", {"answer": "a" * 1501}).render())
