"""Files that the model changes through a form: a line, or a value of a JSON file."""

import json
from pathlib import Path

import pytest

from devops_agent import briefing, events, followup, runbook_library
from devops_agent.config_values import commented_out, settings_of
from devops_agent.constraints import call_grammar, call_schema
from devops_agent.errors import CallRefused
from devops_agent.forms.compose_service import ComposeService
from devops_agent.forms.computed_edit import computed
from devops_agent.forms.line_edit import LineEdit, actions
from devops_agent.forms.setting_edit import SettingEdit
from devops_agent.grounding import Ground

INI = "[server]\nport = 80\nhost = a\n\n[limits]\nusers = 5\nhost = a\n"
JSON = """{
  "name": "shop",
  "web": {"image": "web:1", "ports": [80, 443], "debug": false}, "db" : {"note": "a, {b}: \\"c\\""},
  "none": null
}
"""


def changed(edit: LineEdit | SettingEdit, **values: str) -> str:
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
        ({"old_line": "users = 5", "new_line": "users = 5"}, "is in app.ini already"),
    ],
)
def test_what_is_no_change_of_a_line_is_said(values: dict[str, str], message: str) -> None:
    with pytest.raises(CallRefused, match=message):
        changed(LineEdit("app.ini", INI), **values)


@pytest.mark.parametrize(
    ("task", "line", "text", "becomes"),
    [
        ("Add debug: on to web in x.yaml", "web:", "  debug: on", "web:\n  debug: on\n  port: 80\n"),
        ("Add debug: on to web in x.yaml", "  port: 80", "debug: on", "web:\n  port: 80\n  debug: on\n"),
        ("Add 81 to port in x.yaml", "  port: 80", "  port: 80,81", "web:\n  port: 80,81\n"),
        ("Set all to all: on, and add nothing", "  port: 80", "  all: on", "web:\n  all: on\n"),
    ],
)
def test_where_something_is_added_no_line_goes_for_one_unlike_it(
    task: str, line: str, text: str, becomes: str
) -> None:
    edit = LineEdit("x.yaml", "web:\n  port: 80\n", ("change", "add after"))
    call = edit.call({"action": "change", "line": line, "text": text}, task, Ground())
    assert call.arguments["content"] == becomes


def test_a_change_that_would_break_the_file_is_refused_and_a_broken_file_may_be_mended() -> None:
    whole, broken = "a: 1\nb: 2\n", "a: 1\n  b: 2\nc: 3\n"
    with pytest.raises(CallRefused, match="would be broken: no valid YAML"):
        changed(LineEdit("x.yaml", whole), old_line="b: 2", new_line="  b: 2\n c")
    assert changed(LineEdit("x.yaml", broken), old_line="  b: 2", new_line="b: 2") == "a: 1\nb: 2\nc: 3\n"


def test_a_value_of_json_is_replaced_and_keeps_its_kind() -> None:
    edit = SettingEdit("x.json", JSON)
    assert list(edit.settings) == [
        "name",
        "web.image",
        "web.ports[0]",
        "web.ports[1]",
        "web.debug",
        "db.note",
        "none",
    ]
    assert changed(edit, setting="web.ports[1]", value="8443") == JSON.replace("443", "8443")
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
        changed(SettingEdit("x.json", JSON), **values)


@pytest.mark.parametrize("text", ["", "{", '{"a" 1}', "[1,", "nonsense", '{"a": }'])
def test_broken_json_has_no_settings(text: str) -> None:
    assert SettingEdit("x.json", text).settings == {}


def test_the_grammar_and_the_schema_let_the_model_name_no_other_line() -> None:
    edit = LineEdit("app.ini", 'say "x"\nport = 80\n')
    assert '("\\"say \\\\\\"x\\\\\\"\\"" | "\\"port = 80\\"")' in call_grammar([edit])
    properties = call_schema([edit])["anyOf"][0]["properties"]["arguments"]["properties"]
    assert properties["old_line"] == {"enum": ['say "x"', "port = 80"]}


def test_a_task_that_changes_a_short_file_gets_the_form_for_it(tmp_path: Path) -> None:
    (tmp_path / "app.ini").write_text(INI)
    (tmp_path / "app.json").write_text(JSON)
    brief = briefing.briefer({}, tmp_path, events.ignore)
    assert brief("Set users to 9 in app.ini", lambda: True).form == SettingEdit(
        "app.ini", INI, "Set users to 9 in app.ini"
    )
    assert brief("Change the first line of app.ini", lambda: True).form == LineEdit("app.ini", INI)
    assert brief("Set the name to x in app.json", lambda: True).form == SettingEdit(
        "app.json", JSON, "Set the name to x in app.json"
    )
    assert brief("What is the port in app.ini?", lambda: True).form is None


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("Set users to 9 in app.ini", ("change",)),
        ("Add files = 3 to the limits in app.ini", ("change", "add after")),
        ("Add files = 3 below users in app.ini", ("add after",)),
        ("Take the users entry out of app.ini", ("change", "delete")),
        ("Insert files = 3 above users in app.ini", ("add before",)),
        ("Add the line files = 3 to app.ini", ("append",)),
        ("Remove the host from app.ini", ("change", "delete")),
        ("Append files = 3 to app.ini", ("append",)),
        ("Change users to 9 and add a comment above it", ("change", "add after")),
        ("Add a line files = 3 and delete the line host = a", ("change", "add after", "delete")),
    ],
)
def test_what_may_become_of_a_line_is_in_the_words_of_the_task(task: str, expected: tuple[str, ...]) -> None:
    assert actions(task) == expected


def test_a_line_is_added_removed_or_put_at_the_end() -> None:
    add, end = (
        LineEdit("app.ini", INI, ("change", "add after", "delete")),
        LineEdit("app.ini", INI, ("append",)),
    )
    values = {"action": "add after", "line": "users = 5", "text": "files = 3"}
    assert changed(add, **values) == INI.replace("users = 5\n", "users = 5\nfiles = 3\n")
    assert changed(add, **{**values, "text": "users = 5\nfiles = 3"}) == changed(add, **values)
    above = LineEdit("app.ini", INI, ("add before",))
    assert changed(above, line="users = 5", text="files = 3") == INI.replace("users", "files = 3\nusers")
    assert list(above.inputs) == ["line", "text"]
    assert changed(add, action="delete", line="users = 5", text="") == INI.replace("users = 5\n", "")
    assert changed(add, action="change", line="users = 5", text="users = 9") == INI.replace("= 5", "= 9")
    assert changed(end, text="files = 3\n") == f"{INI}files = 3\n"
    assert '"delete": line goes' in add.description
    assert list(add.inputs) == ["action", "line", "text"]


@pytest.mark.parametrize(
    ("text", "found", "texts"),
    [
        ("deny 192.0.2.1;\n# b\ndeny 192.0.2.2;\n", "7 192.0.2.9\n3 192.0.2.1\n", ("deny 192.0.2.9;",)),
        ("deny 192.0.2.1;\nallow 192.0.2.2;\n", "7 192.0.2.9\n", ()),
        ("deny 192.0.2.1;\n", "7 192.0.2.9\n", ()),
        ("deny 192.0.2.1;\ndeny 192.0.2.2;\n", "none\n", ()),
    ],
)
def test_a_new_line_for_an_address_that_was_found_is_like_those_that_are_there(
    text: str, found: str, texts: tuple[str, ...]
) -> None:
    assert LineEdit("deny.conf", text, ("append",)).given(found).texts == texts
    assert LineEdit("deny.conf", text).given(found).texts == ()


def test_an_added_line_stands_as_deep_as_the_one_before_it() -> None:
    edit = LineEdit("x.yaml", "a:\n  b: 1\nc: 2\n", ("change", "add after"))
    assert changed(edit, action="add after", line="  b: 1", text="d: 3") == "a:\n  b: 1\n  d: 3\nc: 2\n"


def test_a_recipe_that_writes_another_file_gives_way_to_the_one_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docker-compose.yml").write_text("services:\n  web:\n    image: web:1\n")
    brief = briefing.briefer(runbook_library.load(), tmp_path, events.ignore)
    form = brief("Add a service cache with the image redis:7 to docker-compose.yml", lambda: True).form
    assert isinstance(form, ComposeService)
    form = brief("Set up docker-compose.yml with an application and redis", lambda: True).form
    assert isinstance(form, LineEdit)


def test_what_a_new_text_changed_in_a_file_is_told() -> None:
    check = followup.after_write("app.ini", INI.replace("= 5", "= 9"), {}, "", INI)
    assert check == followup.Check("Changed app.ini:\n-users = 5\n+users = 9", True)
    assert followup.after_write("app.ini", INI, {}) is None


def test_of_several_files_the_one_is_edited_that_a_task_wants_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.ini").write_text(INI)
    (tmp_path / "web.conf").write_text("a = 1\nb = 2\n")
    (tmp_path / "web.pid").write_text("42\n")
    brief = briefing.briefer({}, tmp_path, events.ignore)
    for task in (
        "Set users to 9 in app.ini, as web.conf has it",
        "Set users to 9 in app.ini; web.pid has the id",
    ):
        form = brief(task, lambda: True).form
        assert isinstance(form, SettingEdit)
        assert form.path == "app.ini"
    assert brief("Change app.ini and change web.conf", lambda: True).form is None


def test_a_pattern_is_put_behind_the_others_of_an_ignore_file() -> None:
    assert actions("put it into .gitignore", ".gitignore") == ("append",)
    assert actions("remove *.pyc from .gitignore", ".gitignore") != ("append",)


# --- one of several settings of one name ------------------------------------------------------------------

VALUES = """\
api:
  image: "shop/api:1"  # the newest
  limits:
    memory: 256Mi
worker:
  limits:
    memory: 512Mi   # not enough
receivers:
  - name: ops
    slack:
      - channel: '#ops'
  - name: dev
    slack:
      - channel: '#ops'
"""
SITE = """\
server {
    listen 80;
    location / {
        proxy_read_timeout 60s;
    }
    location /reports/ {  # slow
        proxy_read_timeout 60s;
    }
}
"""
SECTIONS = "[a]\nhost = x ; first\nurl = 'u'\n[b]\nhost=y\n"


@pytest.mark.parametrize(
    ("path", "text", "setting", "value", "new"),
    [
        ("values.yaml", VALUES, "worker.limits.memory", "1Gi", VALUES.replace("512Mi", "1Gi")),
        ("values.yaml", VALUES, "api.image", "shop/api:2", VALUES.replace("api:1", "api:2")),
        (
            "values.yaml",
            VALUES,
            "receivers[ops].slack[0].channel",
            "#prod",
            VALUES.replace("#ops", "#prod", 1),
        ),
        (
            "site.conf",
            SITE,
            "server > location /reports/ > proxy_read_timeout",
            "300s",
            "300s".join(SITE.rsplit("60s", 1)),
        ),
        ("app.ini", SECTIONS, "b.host", "z", SECTIONS.replace("=y", "=z")),
        ("app.ini", SECTIONS, "a.host", "z", SECTIONS.replace("= x", "= z")),
        ("app.ini", SECTIONS, "a.url", "v", SECTIONS.replace("'u'", "'v'")),
    ],
)
def test_of_settings_of_one_name_the_one_of_a_section_is_changed(
    path: str, text: str, setting: str, value: str, new: str
) -> None:
    assert changed(SettingEdit(path, text), setting=setting, value=value) == new


@pytest.mark.parametrize(
    ("value", "written"),
    [("#x", '"#x"'), ("true", "true"), ("a: b", '"a: b"'), ("1.5", "1.5"), ("[a]", '"[a]"'), ("", '""')],
)
def test_a_value_of_yaml_has_quotes_where_it_needs_them(value: str, written: str) -> None:
    assert changed(SettingEdit("x.yaml", "a: b\n"), setting="a", value=value) == f"a: {written}\n"


@pytest.mark.parametrize(
    ("task", "stated"),
    [
        ("Set the memory limit of the worker to 1Gi if it has another", ["1Gi"]),
        ("Set the memory limit of the worker to 2 gigabytes", []),
        ("Double the memory limit of the worker to what is sensible", []),
        ("Set the memory limit of the worker to the one of api", []),
        ("Set the memory limit of the worker to 1024", []),  # of what?
        ("Set the image of the api to 1.2", []),  # its tag
        ("Set the memory limit of worker and api to 1Gi", []),  # one for two: the model knows which
    ],
)
def test_a_new_value_that_the_task_states_is_all_that_the_model_may_write(
    task: str, stated: list[str]
) -> None:
    value = SettingEdit("values.yaml", VALUES, task).inputs["value"]
    assert value.get("enum", []) == stated


SSHD = """\
#Port 22
#ListenAddress 0.0.0.0
PermitRootLogin prohibit-password
#see above
Match Group sftponly
    AllowTcpForwarding no
"""
POSTGRES = "#max_connections = 100\t# (change requires restart)\nport = 5432\n#work_mem = 4MB\n"


@pytest.mark.parametrize(
    ("path", "text", "task", "new"),
    [
        (
            "values.yaml",
            VALUES,
            "Set the memory limit of the worker to 1Gi",
            VALUES.replace("512Mi", "1Gi"),
        ),
        (
            "values.yaml",
            VALUES,
            "Change the channel of the receiver ops to '#ops-prod'",
            VALUES.replace("#ops", "#ops-prod", 1),
        ),
        (
            "values.yaml",
            VALUES,
            "change the ops channel to #ops-prod and the worker's memory limit to 1Gi.",
            VALUES.replace("#ops", "#ops-prod", 1).replace("512Mi", "1Gi"),
        ),
        (
            "values.yaml",
            VALUES,
            "Give the worker a memory limit of 1Gi, please.",
            VALUES.replace("512Mi", "1Gi"),
        ),
        (
            "./sshd_config",
            SSHD,
            "In ./sshd_config move ssh to port 2222",
            SSHD.replace("#Port 22", "Port 2222"),
        ),
        (
            "x.conf",
            POSTGRES,
            "In x.conf set port=5433 and max connections to 300",
            POSTGRES.replace("5432", "5433").replace("#max_connections = 100", "max_connections = 300"),
        ),
    ],
)
def test_what_a_task_says_of_settings_and_values_leaves_the_model_nothing_to_fill_in(
    path: str, text: str, task: str, new: str
) -> None:
    edit = SettingEdit(path, text, task)
    assert edit.inputs == {}
    assert changed(edit) == new


TWO = "[server]\nhost = 127.0.0.1\nport = 8080\ntimeout = 30\n[database]\nport = 5432\nname = shop\n"
BELOW = "PasswordAuthentication yes\nMatch User git\n    PasswordAuthentication no\n"


@pytest.mark.parametrize(
    ("path", "text", "task", "new"),
    [
        ("a.ini", TWO, "Set the database port to 5433", TWO.replace("5432", "5433")),
        ("a.ini", TWO, "change the port of the database from 5432 to 5433", TWO.replace("5432", "5433")),
        ("a.ini", TWO, "Set server.port=9090 in a.ini", TWO.replace("8080", "9090")),
        (
            "sshd_config",
            BELOW,
            "Set PasswordAuthentication to no in sshd_config",
            BELOW.replace("yes", "no"),
        ),
        (
            "sshd_config",
            BELOW,
            "set password authentication to yes for the user git in sshd_config",
            BELOW.replace(" no", " yes"),
        ),
        ("x.conf", "#port = 1\nlevel = info\n", "set the level to debug", "#port = 1\nlevel = debug\n"),
        (
            "x.conf",
            POSTGRES,
            "set port to 5432 and work_mem to 8MB",
            POSTGRES.replace("#work_mem = 4", "work_mem = 8"),
        ),
    ],
)
def test_of_several_settings_the_one_is_set_that_all_words_lead_to(
    path: str, text: str, task: str, new: str
) -> None:
    edit = SettingEdit(path, text, task)
    assert edit.inputs == {}
    assert changed(edit) == new


@pytest.mark.parametrize(
    ("text", "task"),
    [
        (POSTGRES, "change the port to 5433 if it is 5432"),
        (POSTGRES, "change the port to 5433 once the app is stopped"),
        (POSTGRES, "Set port to five"),
        (POSTGRES, "Set port to something else"),
        (POSTGRES, "Set port to default"),
        (POSTGRES, "Bind port to localhost"),
        (POSTGRES, "Set port and work_mem to 10"),
        (POSTGRES, "Set the port to 1 and then the port to 2"),
        (POSTGRES, "Set the ports to 1 for dev and 2 for prod"),
        (POSTGRES, "rename port to listen_port"),
        (POSTGRES, "change the key port to listen_port"),
        (POSTGRES, "Undo the change of port to 9090"),
        (POSTGRES, "Write a script that sets port to 9090"),
        (POSTGRES, "set port to 9090 in the container web"),
        (POSTGRES, "set the redis port to 6380"),
        (POSTGRES, "set port-range to 6380"),
        (POSTGRES, "set port to 6380 in x.conf and the level to 3 in y.conf"),
        (POSTGRES, "change the port from 5431 to 5433"),
        (POSTGRES, "set work_mem to 8"),
        (TWO, "set the port to 9090"),
        (TWO, "set all ports to 9090"),
        (TWO, "change port 5432 to 5433"),
        (TWO, "set the smtp host to mail.lan"),
        ("level = info\n", "Set level to production values"),
        ("[a]\nx = 1\n#[b]\n#port = 5\n", "Set port to 6"),
    ],
)
def test_what_a_task_leaves_open_the_model_fills_in(text: str, task: str) -> None:
    assert list(SettingEdit("x.conf", text, task).inputs) == ["setting", "value"]


def test_a_setting_in_a_comment_counts_where_the_task_names_it_and_none_is_in_force() -> None:
    assert list(settings_of("sshd_config", SSHD)) == [
        "PermitRootLogin",
        "Match Group sftponly > AllowTcpForwarding",
    ]
    assert list(commented_out("sshd_config", SSHD)) == ["Port", "ListenAddress", "see"]
    assert commented_out("x.env", "#A=1\nA=2\n# B = C = D\n# a sentence\n") == {}
    told = str(SettingEdit("sshd_config", SSHD, "raise the port by 1"))
    assert told.endswith("\nPort = 22 (commented out)")
    assert list(SettingEdit("sshd_config", SSHD, "Forbid root logins").settings) == ["PermitRootLogin"]


def test_a_value_is_no_placeholder() -> None:
    with pytest.raises(CallRefused, match=r"tls[.]crt stands for a value"):
        changed(SettingEdit("app.ini", SECTIONS), setting="a.host", value="/path/to/tls.crt")


def test_the_settings_are_told_where_one_name_stands_twice(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(VALUES)
    brief = briefing.briefer({}, tmp_path, events.ignore)
    form = brief(
        "Set the memory limit of the worker in values.yaml to 1Gi if it has another", lambda: True
    ).form
    assert isinstance(form, SettingEdit)
    assert list(form.settings) == ["worker.limits.memory"]
    assert "\nworker.limits.memory = 512Mi" in str(form)
    assert isinstance(brief("Make api bigger in values.yaml", lambda: True).form, LineEdit)


@pytest.mark.parametrize(
    ("path", "text", "task", "meant"),
    [
        (
            "values.yaml",
            VALUES,
            "Give the worker a memory limit of 1Gi in values.yaml, please don't touch the api",
            ["worker.limits.memory"],
        ),
        (
            "values.yaml",
            VALUES,
            "Change the memory in values.yaml",
            ["api.limits.memory", "worker.limits.memory"],
        ),
        (
            "values.yaml",
            VALUES,
            "In values.yaml set the slack channel of the receiver dev to '#dev'",
            ["receivers[dev].slack[0].channel"],
        ),
        (
            "site.conf",
            SITE,
            "Raise proxy_read_timeout to 300s for the location /reports/ in site.conf, others stay",
            ["server > location /reports/ > proxy_read_timeout"],
        ),
        (
            "routes.yaml",
            "route:\n  receiver: ops\n  wait: 4h\n  routes:\n    - receiver: dev\n      wait: 4h\n",
            "In routes.yaml change the top-level route's wait to 6h",
            ["route.wait"],
        ),
        ("app.ini", "[web]\nhost = x\n[db]\nhost = y\n", "Set the host of db to z in app.ini", ["db.host"]),
    ],
)
def test_the_settings_are_those_whose_paths_fit_the_task_best(
    path: str, text: str, task: str, meant: list[str]
) -> None:
    assert list(SettingEdit(path, text, task).settings) == meant


def test_a_switch_is_switched_whatever_the_model_says() -> None:
    text = '{"flags": {"new": {"staging": false, "prod": true}}}\n'
    edit = SettingEdit("x.json", text, "Enable new for staging in x.json, prod has to stay off")
    assert list(edit.settings) == ["flags.new.staging"]
    assert changed(edit, setting="flags.new.staging", value="false") == text.replace("false", "true")
    edit = SettingEdit("x.json", text, "Turn new off for prod in x.json")
    assert changed(edit, setting="flags.new.prod", value="true") == text.replace("true", "false")


@pytest.mark.parametrize(
    ("task", "new"),
    [
        ("Point everything in a.env that uses db-1.x to db-3.x", "A=db-3.x\nB=p@db-3.x:5\nC=db-1-r.x\n"),
        ("Replace db-1.x with db-3.x everywhere in a.env", "A=db-3.x\nB=p@db-3.x:5\nC=db-1-r.x\n"),
        ("Change C from db-1-r.x to db-9.x in a.env", "A=db-1.x\nB=p@db-1.x:5\nC=db-9.x\n"),
        ("Replace db-1.x with db-3.x in a.env", ""),
        ("Replace db-1.x with db-3.x everywhere in a.env except for B", ""),
        ("Replace db-7.x with db-3.x everywhere in a.env", ""),
        ("Point everything in a.env that uses db-1.x to db-3.x. Do not touch B.", ""),
        ("Point everything in the [b] section of a.env that uses db-1.x to db-3.x", ""),
        ("Since the update from db-1-r.x to db-9.x it is slow, set A to 1 in a.env", ""),
        ("Change C from db-1.x to db-9.x in a.env, all else stays as it is", ""),
        ("Remove all entries of db-1-r.x and append the line db-9.x to a.env", ""),
        ("Add the range from db-1-r.x to db-9.x to a.env", ""),
    ],
)
def test_a_value_is_replaced_where_the_task_says(task: str, new: str) -> None:
    found = computed("a.env", "A=db-1.x\nB=p@db-1.x:5\nC=db-1-r.x\n", task)
    assert (found.text if found else "") == new


@pytest.mark.parametrize(
    ("path", "text", "settings"),
    [
        ("a.yaml", "a: &x\n  b: *x\n", []),
        ("a.yaml", "- ? [a, b]\n  : c\n", []),
        ("a.yaml", "d: &d {t: 1}\nw:\n  <<: *d\n  n: 2\n", []),
        ("a.yaml", 'a: &p "80"\nb: !!str 7\nc: 1\n', ["c"]),
        ("a.yaml", "a: |\n  x\nb: 1\n---\nb: 2\n", ["document 1.b", "document 2.b"]),
        (
            "a.yaml",
            "kind: Service\nmetadata: {name: web}\n---\nkind: Service\nmetadata:\n  name: api\n",
            [
                "Service web.kind",
                "Service web.metadata.name",
                "Service api.kind",
                "Service api.metadata.name",
            ],
        ),
        ("a.yaml", "[" * 600, []),
        ("a.yaml", "", []),
        ("a.json", '{1: "a"}', []),
        ("a.json", '{"a": null, "a": 2}', ["a", "a #2"]),
        ("a.toml", 'hosts = [\n  "a",\n]\nt = """\nx\n"""\nn = 1\n', ["n"]),
        ("nginx.conf", "http {\n  a 1;\n}\nb 2;\n", ["http > a", "b"]),
        ("a.bin", "a = 1\n", []),
        (".env", "A=1\r\nB=\r\nexport C='x y'\r\n", ["A", "B", "C"]),
    ],
)
def test_the_settings_of_odd_files_are_those_that_can_be_changed(
    path: str, text: str, settings: list[str]
) -> None:
    assert list(settings_of(path, text)) == settings


@pytest.mark.parametrize(
    ("value", "written"), [("4", "4"), ("debug", '"debug"'), ("true", "true"), ("[1]", "[1]")]
)
def test_a_text_in_toml_has_quotes(value: str, written: str) -> None:
    assert changed(SettingEdit("x.toml", "a = 3\n"), setting="a", value=value) == f"a = {written}\n"


@pytest.mark.parametrize(
    ("path", "text", "task", "meant"),
    [
        (
            "values.yaml",
            "replicas: 2\nworker:\n  deployment:\n    replicas: 1\n",
            "Set the replicas of worker to 4 in values.yaml",
            ["worker.deployment.replicas"],
        ),
        (
            "values.yaml",
            "replicas: 2\nworker:\n  deployment:\n    replicas: 1\n",
            "Set replicas to 4 in values.yaml",
            ["replicas"],
        ),
        (
            "site.conf",
            SITE.replace("    listen 80;", "    proxy_read_timeout 9s;"),
            "Set the proxy_read_timeout for /reports/ to 300s in site.conf",
            ["server > location /reports/ > proxy_read_timeout"],
        ),
        (
            "server.yaml",
            "server: {port: 1}\napps: {web: {port: 2}}\n",
            "Set the port of web to 9090 in server.yaml",
            ["apps.web.port"],
        ),
        (
            "log.ini",
            "[app]\nlog_level = info\ndebug = false\n",
            "Set the log_level to debug in log.ini",
            ["app.log_level"],
        ),
    ],
)
def test_a_place_that_the_task_names_counts_more_than_a_short_path(
    path: str, text: str, task: str, meant: list[str]
) -> None:
    assert list(SettingEdit(path, text, task).settings) == meant


@pytest.mark.parametrize(
    ("task", "whole", "meant"),
    [
        (
            "Give it a memory limit of 1Gi in values.yaml",
            "The worker keeps dying. Give it a memory limit of 1Gi in values.yaml, don't touch the api.",
            ["worker.limits.memory"],
        ),
        (
            "In values.yaml raise the memory limit of the worker to 1Gi and the image to x (leave ops)",
            "",
            ["api.image", "worker.limits.memory"],
        ),
    ],
)
def test_where_a_setting_is_the_whole_task_tells(task: str, whole: str, meant: list[str]) -> None:
    assert list(SettingEdit("values.yaml", VALUES, task, whole).settings) == meant


def test_a_line_that_is_there_already_is_not_put_behind_the_last_one_again() -> None:
    edit = LineEdit("deny.conf", "deny 10.0.0.1;\n", actions=("append",))
    with pytest.raises(CallRefused, match=r"has the line 'deny 10\.0\.0\.1;' already\. Give the new one\."):
        edit.call({"text": "deny 10.0.0.1;\n"}, "", Ground())
    assert edit.call({"text": "deny 10.0.0.2;"}, "", Ground()).arguments["content"].endswith("0.2;\n")


def test_a_file_that_is_only_read_is_not_edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.env").write_text("A=1\nB=2\n")
    brief = briefing.briefer({}, tmp_path, events.ignore)
    for task in (
        "Start the server with the variables from app.env",
        "Set A to 3 in all .env files below this folder",
        "A should be 3 in every .env file, also in app.env",
    ):
        assert brief(task, lambda: True).form is None, task
    for task in ("Remove A from app.env", "Drop the line A=1 from app.env", "Take A out of app.env"):
        assert brief(task, lambda: True).form, task


def test_of_settings_that_a_task_names_as_they_are_spelt_no_other_one_is_changed() -> None:
    text = "[server]\nprotocol = http\ncert_file =\n[smtp]\nkey_file = /etc/mail.key\nmax_size = 3\n"
    task = "Set protocol to https and cert_file to a certificate of ours in app.ini, and raise the max size"
    edit = SettingEdit("app.ini", text, task)
    for setting, value in (
        ("server.cert_file", "a.crt"),
        ("smtp.max_size", "9"),
        ("server.protocol", "https"),
    ):
        assert value in str(
            edit.call({"setting": setting, "value": value}, task, Ground()).arguments["content"]
        )
    with pytest.raises(CallRefused, match=r"does not speak of smtp\.key_file"):
        edit.call({"setting": "smtp.key_file", "value": "a.key"}, task, Ground())
