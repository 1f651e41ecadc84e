"""Files that the model changes through a form: a line, or a value of a JSON file."""

import json
from pathlib import Path

import pytest

from devops_agent import briefing, events
from devops_agent.constraints import call_grammar, call_schema
from devops_agent.errors import CallRefused
from devops_agent.forms.json_edit import JsonEdit
from devops_agent.forms.line_edit import LineEdit
from devops_agent.grounding import Ground

INI = "[server]\nport = 80\nhost = a\n\n[limits]\nusers = 5\nhost = a\n"
JSON = """{
  "name": "shop",
  "web": {"image": "web:1", "ports": [80, 443], "debug": false}, "db" : {"note": "a, {b}: \\"c\\""},
  "none": null
}
"""


def changed(edit: LineEdit | JsonEdit, **values: str) -> str:
    call = edit.call(values, "", Ground())
    assert (call.name, call.arguments["path"]) == ("write_file", edit.path)
    return str(call.arguments["content"])


def test_a_line_is_replaced_and_all_others_stay() -> None:
    edit = LineEdit("app.ini", INI)
    assert changed(edit, old_line="users = 5", new_line="users = 9") == INI.replace("users = 5", "users = 9")
    assert changed(edit, old_line="[limits]", new_line="[limits]\nfiles = 3") == INI.replace(
        "[limits]\n", "[limits]\nfiles = 3\n"
    )


def test_a_line_that_is_there_twice_cannot_be_named() -> None:
    assert LineEdit("app.ini", INI).lines == ["[server]", "port = 80", "[limits]", "users = 5"]


def test_of_a_wrong_line_and_the_right_text_the_text_counts() -> None:
    edit = LineEdit("app.ini", INI)
    assert changed(edit, old_line="[server]", new_line="users = 9") == INI.replace("users = 5", "users = 9")


def test_a_line_that_comes_with_one_that_is_there_is_changed_and_not_put_in_twice() -> None:
    edit = LineEdit("app.ini", INI)
    changes = {"old_line": "[limits]", "new_line": "[limits]\nusers = 9"}
    assert changed(edit, **changes) == INI.replace("users = 5", "users = 9")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"old_line": "no such", "new_line": "x"}, "app.ini has no line 'no such'"),
        ({"old_line": "users = 5", "new_line": "users = 5"}, "leaves app.ini as it is"),
    ],
)
def test_what_is_no_change_of_a_line_is_said(values: dict[str, str], message: str) -> None:
    with pytest.raises(CallRefused, match=message):
        changed(LineEdit("app.ini", INI), **values)


def test_a_change_that_would_break_the_file_is_refused_and_a_broken_file_may_be_mended() -> None:
    whole, broken = "a: 1\nb: 2\n", "a: 1\n  b: 2\nc: 3\n"
    with pytest.raises(CallRefused, match="would be broken: no valid YAML"):
        changed(LineEdit("x.yaml", whole), old_line="b: 2", new_line="  b: 2\n c")
    assert changed(LineEdit("x.yaml", broken), old_line="  b: 2", new_line="b: 2") == "a: 1\nb: 2\nc: 3\n"


def test_a_value_of_json_is_replaced_and_keeps_its_kind() -> None:
    edit = JsonEdit("x.json", JSON)
    assert list(edit.settings) == [
        "name",
        "web.image",
        "web.ports.0",
        "web.ports.1",
        "web.debug",
        "db.note",
        "none",
    ]
    assert changed(edit, setting="web.ports.1", value="8443") == JSON.replace("443", "8443")
    assert changed(edit, setting="name", value="7") == JSON.replace('"shop"', '"7"')
    assert changed(edit, setting="web.debug", value="true") == JSON.replace("false", "true")
    assert changed(edit, setting="none", value="x y") == JSON.replace("null", '"x y"')
    assert json.loads(changed(edit, setting="db.note", value='"'))["db"]["note"] == '"'


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"setting": "web", "value": "x"}, "x.json has no setting 'web'"),
        ({"setting": "name", "value": "shop"}, "name in x.json is shop already"),
    ],
)
def test_what_is_no_change_of_a_value_is_said(values: dict[str, str], message: str) -> None:
    with pytest.raises(CallRefused, match=message):
        changed(JsonEdit("x.json", JSON), **values)


@pytest.mark.parametrize("text", ["", "{", '{"a" 1}', "[1,", "nonsense", '{"a": }'])
def test_broken_json_has_no_settings(text: str) -> None:
    assert JsonEdit("x.json", text).settings == {}


def test_the_grammar_and_the_schema_let_the_model_name_no_other_line() -> None:
    edit = LineEdit("app.ini", 'say "x"\nport = 80\n')
    assert '("\\"say \\\\\\"x\\\\\\"\\"" | "\\"port = 80\\"")' in call_grammar([edit])
    properties = call_schema([edit])["anyOf"][0]["properties"]["arguments"]["properties"]
    assert properties["old_line"] == {"enum": ['say "x"', "port = 80"]}


def test_a_task_that_changes_a_short_file_gets_the_form_for_it(tmp_path: Path) -> None:
    (tmp_path / "app.ini").write_text(INI)
    (tmp_path / "app.json").write_text(JSON)
    brief = briefing.briefer({}, tmp_path, events.ignore)
    assert brief("Set users to 9 in app.ini", lambda: True).form == LineEdit("app.ini", INI)
    assert brief("Set the name to x in app.json", lambda: True).form == JsonEdit("app.json", JSON)
    assert brief("What is the port in app.ini?", lambda: True).form is None
