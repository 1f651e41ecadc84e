"""The form of a reply, for engines that can be held to it: a JSON schema and a GBNF grammar."""

import json
from collections.abc import Iterable
from typing import Any

from devops_agent.protocol import FINAL_ANSWER, ToolLike


def call_schema(tools: Iterable[ToolLike]) -> dict[str, Any]:
    """The JSON schema of exactly one call, for engines that constrain a reply by schema."""
    return {"anyOf": [_object_schema({"name": {"const": t.name}, "arguments": _arguments(t)}) for t in tools]}


def _arguments(tool: ToolLike) -> dict[str, Any]:
    return _object_schema({name: _type_schema(tool, name) for name in tool.inputs}, _required(tool))


def _object_schema(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


def _optional(tool: ToolLike, name: str) -> bool:
    return bool(tool.inputs[name].get("nullable"))


def _type_schema(tool: ToolLike, name: str) -> dict[str, Any]:
    if choices := tool.inputs[name].get("enum"):
        return {"enum": list(choices)}
    if tool.name == FINAL_ANSWER:
        # SmolAgents' own takes anything, and small models then answer people in JSON
        return {"type": "string", "maxLength": _ANSWER_LENGTH}
    kind, form = str(tool.inputs[name].get("type", "string")), tool.inputs[name].get("format", "")
    if form in FORMATS:
        text = {"type": "string", "pattern": FORMATS[form][0]}
        return text if kind == "string" else {"type": "array", "items": text, "minItems": 1}
    if kind == "string" and name != _LONG_TEXT:
        return {"type": "string", "maxLength": _TEXT_LENGTH}
    return {"type": kind} if kind in _RULE_OF_TYPE else {}


# What a person reads of an answer, in characters; what is longer is a small model that goes in circles.
_ANSWER_LENGTH = 1500
# Of a command or a value of a form; only a file may be longer.
_TEXT_LENGTH, _LONG_TEXT = 2000, "content"

_RULE_OF_TYPE = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "array": "array",
    "object": "object",
}

# Kinds of strings that a tool's input may name as its `format`: as a regular expression and in GBNF.
FORMATS = {
    "name": (r"^[a-z0-9][a-z0-9.-]*$", r'"\"" [a-z0-9] [a-z0-9.-]* "\""'),
    "path": (r"^/[^ ]*$", r'"\"/" [a-zA-Z0-9._/%?=&-]* "\""'),
    "image": (r"^[a-z0-9][a-zA-Z0-9._/:@-]*$", r'"\"" [a-z0-9] [a-zA-Z0-9._/:@-]* "\""'),
    "pair": (
        r"^[A-Za-z_][A-Za-z0-9_.-]*=.*$",
        r'"\"" [A-Za-z_] [A-Za-z0-9_.-]* "=" [^"\\\x00-\x1F\x7F]* "\""',
    ),
    "quantity": (
        r"^[0-9]+([.][0-9]+)?(m|k|M|G|Ki|Mi|Gi|Ti)?$",
        r'"\"" [0-9]+ ("." [0-9]+)? ("m" | "k" | "M" | "G" | "Ki" | "Mi" | "Gi" | "Ti")? "\""',
    ),
    "verbs": (
        r"^(get|list|watch|create|update|patch|delete)(,(get|list|watch|create|update|patch|delete))*$",
        r'"\"" VERB ("," VERB)* "\""'.replace(
            "VERB", '("get" | "list" | "watch" | "create" | "update" | "patch" | "delete")'
        ),
    ),
    "resources": (r"^[a-z./]+(,[a-z./]+)*$", r'"\"" [a-z./]+ ("," [a-z./]+)* "\""'),
    "line": (r"^[^\n]*$", r'"\"" ([^"\\\x00-\x1F\x7F] | "\\" ["\\/bfrt])* "\""'),
    "extension": (r"^[A-Za-z0-9]+$", r'"\"" [A-Za-z0-9]+ "\""'),
    "frequency": (
        r"^(hourly|daily|weekly|monthly)$",
        r'"\"" ("hourly" | "daily" | "weekly" | "monthly") "\""',
    ),
    "restart policy": (
        r"^(no|always|unless-stopped|on-failure(:[1-9][0-9]?)?)$",
        r'"\"" ("no" | "always" | "unless-stopped" | "on-failure" (":" [1-9] [0-9]?)?) "\""',
    ),
    "status": (r"^[1-5]([0-9]{2}|xx)$", r'"\"" [1-5] ([0-9] [0-9] | "xx") "\""'),
    "mode": (r"^[0-7]{3,4}$", r'"\"" [0-7] [0-7] [0-7] [0-7]? "\""'),
    "schedule": (
        r"^[0-9*/,-]+( [0-9A-Z*/,-]+){4}$",
        r'"\"" [0-9*/,-]+ " " [0-9*/,-]+ " " [0-9*/,-]+ " " [0-9A-Z*/,-]+ " " [0-9A-Z*/,-]+ "\""',
    ),
}

# Strings allow just the escapes that json.dumps writes, so that a reply and its rendering are the same bytes
# and the engine's prefix cache holds.
_GRAMMAR = r"""
root ::= call
string ::= "\"" char* "\""
char ::= [^"\\\x00-\x1F\x7F] | "\\" (["\\bfnrt] | "u00" ("0" [0-7bef] | "1" [0-9a-f]))
integer ::= "-"? ("0" | [1-9] [0-9]{0,15})
number ::= integer ("." [0-9]{1,15})?
boolean ::= "true" | "false"
null ::= "null"
value ::= string | number | boolean | null | array | object
array ::= "[" (value (", " value)*)? "]"
object ::= "{" (string ": " value (", " string ": " value)*)? "}"
"""
# What no token need be spent on stands around what the grammar allows: the beginning of a reply is evaluated
# with the prompt, which takes a sixth of the time, and its end is added.
_TAG, CLOSING = "<tool_call>\n", "\n</tool_call>"
_NAME = '{"name": "'


def call_opening(tools: Iterable[ToolLike]) -> str:
    """What every call begins with: all up to the first value, where there is only one tool."""
    tools = list(tools)
    if len(tools) > 1:
        return _TAG + _NAME
    # no blank at the end: it belongs to the token behind it
    return _TAG + _head(tools[0]).rpartition(":")[0] + ":"


def call_grammar(tools: Iterable[ToolLike]) -> str:
    """The GBNF grammar of exactly one call, between what `call_opening` says and `CLOSING`."""
    tools = list(tools)
    opening = call_opening(tools).removeprefix(_TAG)
    names = [f"tool{index}" for index in range(len(tools))]
    rules = [f"{name} ::= {_tool_rule(tool, opening)}" for name, tool in zip(names, tools, strict=True)]
    answer = rf'answer ::= "\"" char{{0,{_ANSWER_LENGTH}}} "\""'
    text = rf'text ::= "\"" char{{0,{_TEXT_LENGTH}}} "\""'
    return "\n".join([_GRAMMAR.strip(), answer, text, f"call ::= {' | '.join(names)}", *rules])


def _required(tool: ToolLike) -> list[str]:
    return [name for name in tool.inputs if not _optional(tool, name)]


def _head(tool: ToolLike) -> str:
    """A call of a tool up to its first value, if it needs one."""
    first = [json.dumps(name) + ": " for name in _required(tool)[:1]]
    return "".join([json.dumps({"name": tool.name}, ensure_ascii=False)[:-1], ', "arguments": {', *first])


def _tool_rule(tool: ToolLike, opening: str) -> str:
    required = _required(tool)
    optional = [name for name in tool.inputs if _optional(tool, name)]
    parts = [_literal(_head(tool).removeprefix(opening))]
    for index, name in enumerate(required):
        parts += [_literal(", " + json.dumps(name) + ": ") if index else "", _rule_of(tool, name)]
    if not required and optional:
        # any one of them first, then the rest in order
        choices = (_optional_chain(tool, optional[index:], first=True) for index in range(len(optional)))
        parts.append("(" + " | ".join(choices) + ")?")
    else:
        parts.append(_optional_chain(tool, optional, first=False))
    return " ".join([*filter(None, parts), _literal("}}")])


def _optional_chain(tool: ToolLike, names: list[str], first: bool) -> str:
    parts = []
    for index, name in enumerate(names):
        lead = first and index == 0
        pair = f"{_literal(('' if lead else ', ') + json.dumps(name) + ': ')} {_rule_of(tool, name)}"
        parts.append(pair if lead else f"({pair})?")
    return " ".join(parts)


def _rule_of(tool: ToolLike, name: str) -> str:
    if choices := tool.inputs[name].get("enum"):
        return f"({' | '.join(_literal(json.dumps(choice, ensure_ascii=False)) for choice in choices)})"
    if tool.name == FINAL_ANSWER:
        return "answer"
    kind, form = str(tool.inputs[name].get("type", "string")), tool.inputs[name].get("format", "")
    if kind == "string" and form not in FORMATS and name != _LONG_TEXT:
        return "text"
    if form not in FORMATS:
        return _RULE_OF_TYPE.get(kind, "value")
    text = f"({FORMATS[form][1]})"
    return text if kind == "string" else f'"[" {text} (", " {text})* "]"'


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
