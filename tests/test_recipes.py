"""Forms: what the model fills in arrives in the command as it is, whatever it holds."""

import json
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devops_agent import runbook_library
from devops_agent.constraints import call_grammar, call_schema
from devops_agent.errors import CallRefused
from devops_agent.forms import recipe as recipes
from devops_agent.forms.recipe import RecipeForm, form_of, joined, render
from devops_agent.grounding import Ground
from devops_agent.runbook_library import Runbook

RUNBOOKS = runbook_library.load()
# No NUL, which no command line can hold, and no half of a character.
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1)


def runbook(block: str, kind: str = "bash") -> Runbook:
    return Runbook("x", "Do it", "", f"# Do it\n\n```{kind}\n{block}\n```\n")


def form(block: str, **names: str) -> RecipeForm:
    found = form_of(runbook(block), names)
    assert found
    return found


# --- what a form asks -------------------------------------------------------------------------------------


def test_a_form_asks_for_what_is_not_known() -> None:
    asked = form(
        "kubectl -n {namespace} scale deployment/{deployment} --replicas={replicas}", namespace="shop"
    )
    assert asked.fields == {"deployment": "string", "replicas": "integer"}
    assert asked.template == "kubectl -n shop scale deployment/{deployment} --replicas={replicas}"
    assert asked.description == (
        'To do this, call "recipe" with deployment (name), replicas (number), as the task has them: '
        "the command then runs with these values."
    )


@pytest.mark.parametrize(
    ("task", "command"),
    [
        ("Scale web-2 to 3 replicas", "scale web-2 --replicas=3"),
        ("Scale web-2 to 3, it was slow for 2 hours", "scale web-2 --replicas=3"),
        ("Scale web-2 to 3 or 4 replicas", ""),
        ("Scale web-2 to three replicas", ""),
        ("Scale web-2 by 50%", ""),
        ("Scale web-2 to 2", "scale web-2 --replicas=2"),
    ],
)
def test_the_one_number_of_a_task_fills_the_one_field_that_is_left(task: str, command: str) -> None:
    found = form_of(runbook("scale {deployment} --replicas={replicas}"), {"deployment": "web-2"}, task)
    assert found
    assert (found.template, found.fields) == (
        (command, {}) if command else ("scale web-2 --replicas={replicas}", {"replicas": "integer"})
    )


@pytest.mark.parametrize(
    ("task", "command"),
    [
        ("Update web to nginx:1.27", "set image web web=nginx:1.27"),
        ("Update web to hub.local:5000/team/web:2.1.", "set image web web=hub.local:5000/team/web:2.1"),
        ("Update web from nginx:1.25 to nginx:1.27", "set image web web={image}"),
        ("Update web to nginx", "set image web web={image}"),
    ],
)
def test_the_one_image_of_a_task_fills_the_field_for_it(task: str, command: str) -> None:
    found = form_of(runbook("set image {deployment} {container}={image}"), _WEB, task)
    assert found
    assert found.template == command


_WEB = {"deployment": "web", "container": "web"}


def test_a_number_that_the_command_has_already_fills_no_field() -> None:
    found = form_of(runbook("serve --port=8080 --workers={workers}"), {}, "Serve on 8080")
    assert found
    assert found.fields == {"workers": "string"}
    found = form_of(runbook("serve --port=8080 --retries={retries}"), {}, "Serve on 8080")
    assert found
    assert found.fields == {"retries": "integer"}


def test_alternatives_are_no_part_of_a_form() -> None:
    assert form("ls {file}\n# or: rm {directory}").template == "ls {file}"


def test_of_several_commands_each_counts() -> None:
    assert form("a\nb").template == "set -e\na\nb"


def test_what_is_no_command_alone_is_no_form() -> None:
    assert form_of(runbook("FROM {image}", "dockerfile"), {}) is None
    assert form_of(runbook("# only a comment"), {}) is None
    assert form_of(runbook("grep x {file}\ngrep -c x {file}\nawk 1 {file}"), {}) is None


def test_braces_of_json_and_templates_are_no_fields() -> None:
    block = (
        """kubectl get pods -o jsonpath='{.items[*].metadata.name}' -o go-template='{{end}}' ${HOME} {a,b}"""
    )
    assert form(block).fields == {}


# --- what comes of it -------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_a_value_is_one_word_of_the_shell_wherever_it_stands(value: str) -> None:
    block = "printf '%s\\0' {value} 'a {value} b' \"a {value} b\" --k={value}"
    done = subprocess.run(
        ["bash", "-c", render(form(block), {"value": value})], capture_output=True, check=True
    )
    wanted = [value, f"a {value} b", f"a {value} b", f"--k={value}"]
    assert done.stdout.decode().split("\0") == [*wanted, ""]


@given(TEXTS)
def test_a_value_in_json_stays_json(value: str) -> None:
    block = """kubectl patch x -p '[{"op":"add","value":{"path":"{value}","port":{port}}}]'"""
    words = shlex.split(render(form(block), {"value": value, "port": 80}))
    assert json.loads(words[-1]) == [{"op": "add", "value": {"path": value, "port": 80}}]


def test_pairs_repeat_their_word() -> None:
    asked = form("kubectl create configmap {configmap} --from-literal={key}={value}")
    assert asked.fields == {"pairs": "array", "configmap": "string"}
    assert render(asked, {"configmap": "c", "pairs": ["A=1", "B=it's two"]}) == (
        "kubectl create configmap c --from-literal=A=1 --from-literal='B=it'\"'\"'s two'"
    )
    asked = form("docker run -d -e {key}={value} --env '{key}={value}' deployment/x {key}={value} -x")
    assert render(asked, {"pairs": ["A=1", "B=2"]}) == (
        "docker run -d -e A=1 -e B=2 --env A=1 --env B=2 deployment/x A=1 B=2 -x"
    )


def test_the_parts_of_a_task_make_one_form() -> None:
    first = form("kubectl create configmap {configmap} --from-literal={key}={value}")
    second = form("kubectl set env deployment/{deployment} --from=configmap/{configmap}\nkubectl get x")
    both = joined([first, second])
    assert list(both.fields) == ["pairs", "configmap", "deployment"]
    assert render(both, {"configmap": "c", "pairs": ["A=1"], "deployment": "web"}) == (
        "set -e\nkubectl create configmap c --from-literal=A=1\n"
        "kubectl set env deployment/web --from=configmap/c\nkubectl get x"
    )
    assert both.title == "Do it; Do it"


def test_a_form_that_only_looks_says_so() -> None:
    look = "kubectl get pods -n shop | head"
    assert form(look).look == look
    assert form("kubectl get pods -n {namespace}").look == ""
    assert form("kubectl delete pod web-1").look == ""


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"configmap": "c"}, r"The argument 'pairs' is missing\. To do this, call \"recipe\""),
        ({"configmap": "c", "pairs": []}, "The argument 'pairs' is missing"),
        ({"configmap": "", "pairs": ["A=1"]}, "The argument 'configmap' is missing"),
        ({"configmap": "c", "pairs": ["A"]}, r"'A' is no pair\. Give pairs as a list"),
        ({"configmap": "c", "pairs": "A"}, "'A' is no pair"),
    ],
)
def test_what_is_missing_or_wrong_is_said_to_the_model(values: dict[str, object], message: str) -> None:
    with pytest.raises(CallRefused, match=message):
        render(form("kubectl create configmap {configmap} --from-literal={key}={value}"), values)


def test_a_pair_that_nobody_speaks_of_is_left_out_and_refused_alone() -> None:
    asked = form("set env web {key}={value}")
    ground = Ground(lines=["log: REGION must be eu-1", "variables: LOG_LEVEL, REGION"])
    with pytest.raises(CallRefused, match="Nobody asks for LOG_LEVEL=debug"):
        asked.call({"pairs": ["LOG_LEVEL=debug"]}, "Set what its log wants", ground)
    both = {"pairs": ["LOG_LEVEL=debug", "REGION=eu-1"]}
    assert (
        asked.call(both, "Set what its log wants", ground).arguments["command"] == "set env web REGION=eu-1"
    )
    for task in ("Set LOG_LEVEL so that all is logged", "Log at debug level"):
        assert "debug" in asked.call({"pairs": ["LOG_LEVEL=debug"]}, task, ground).arguments["command"]


def test_the_one_file_that_a_task_wants_made_is_the_one_that_is_written() -> None:
    known = {"file": "a.txt", "new_file": "b.txt"}
    text = "# Sort\n\n```bash\nsort {{file}} > {0}\n```\n"
    (runbook,) = runbook_library.parse("a", text.format("{output}"))
    assert "sort a.txt > b.txt" in str(form_of(runbook, known))
    (runbook,) = runbook_library.parse("a", "# Save the log\n\n```bash\nlogs web > {file}\n```\n")
    assert "logs web > b.txt" in str(form_of(runbook, known))
    (runbook,) = runbook_library.parse("a", "# Two\n\n```bash\nlogs > {file}\nlogs -a > {output}\n```\n")
    assert "logs -a > {output}" in str(form_of(runbook, known))


def test_a_file_that_is_to_be_there_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "server.js").touch()
    asked = form("node {start_file}")
    with pytest.raises(CallRefused, match=r"There is no file lib/server\.js\."):
        asked.call({"start_file": "lib/server.js"}, "Run the app", Ground())
    assert (
        asked.call({"start_file": "server.js"}, "Run it", Ground()).arguments["command"] == "node server.js"
    )


def test_zero_is_a_value() -> None:
    assert render(form("scale --replicas={replicas}"), {"replicas": 0}) == "scale --replicas=0"


def test_a_here_document_takes_a_value_as_it_is() -> None:
    block = "kubectl apply -f - <<'EOF'\nname: {name}\nEOF\nkubectl get {name}"
    assert render(form(block), {"name": "a"}).splitlines()[-3:] == ["name: a", "EOF", "kubectl get a"]


# --- the library ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(RUNBOOKS))
def test_each_runbooks_form_can_be_held_to_and_filled(name: str) -> None:
    asked = form_of(RUNBOOKS[name], {})
    if asked is None:
        return
    assert call_schema([asked])
    assert "tool0" in call_grammar([asked])
    values = {field: {"integer": 8, "array": ["A=b"]}.get(kind, "v1") for field, kind in asked.fields.items()}
    assert not runbook_library.PLACEHOLDER.search(render(asked, values))
    assert asked.name == recipes.RECIPE


OPTIONS = (
    "docker run -d --name {container} [-p {port}:{target_port}] [-e {key}={value}]"
    " {image} [sh -c '{command}']"
)


def options_of(task: str, **names: str) -> RecipeForm:
    found = form_of(runbook(OPTIONS), names, task)
    assert found
    return found


def test_an_option_is_offered_only_where_the_task_has_a_cue_for_it() -> None:
    assert set(options_of("Start redis as a container").fields) == {"container", "image"}
    asked = options_of("Run redis on port 80 with A=b")
    assert (set(asked.fields), asked.optional) == (
        {"container", "image", "port", "target_port", "pairs"},
        {"port", "target_port", "pairs"},
    )
    assert asked.inputs["port"]["nullable"]
    assert not asked.inputs["image"]["nullable"]


@pytest.mark.parametrize(
    ("task", "values", "command"),
    [
        ("x on port 80", {"port": 80, "target_port": 8080}, "docker run -d --name c -p 80:8080 i"),
        ("x on port 80", {}, "docker run -d --name c i"),
        ("x on port 80", {"port": 8080, "target_port": 8081}, "docker run -d --name c i"),
        ("x with MODE=dark", {"pairs": ["MODE=dark"]}, "docker run -d --name c -e MODE=dark i"),
        ("the shop says x", {}, "docker run -d --name c i"),
        ("x that sleeps", {"command": "sleep 60"}, "docker run -d --name c i sh -c 'sleep 60'"),
    ],
)
def test_an_option_of_whose_values_the_task_says_nothing_is_left_out(
    task: str, values: dict[str, object], command: str
) -> None:
    filled = render(options_of(task), {"container": "c", "image": "i", **values}, task)
    assert filled == command


def test_half_an_option_is_asked_for() -> None:
    with pytest.raises(CallRefused, match="The argument 'target_port' is missing"):
        render(options_of("on port 80"), {"container": "c", "image": "i", "port": 80}, "on port 80")


def test_an_option_that_is_known_stays() -> None:
    assert "-p 80:9090" in options_of("on port 80", port="80", target_port="9090").template
    known = options_of("on port 80", port="80")
    assert "-p 80:90" in render(known, {"container": "c", "image": "i", "target_port": 90}, "on port 80")


FILE = """# Write it

Write conf/app.conf:

```text
name {name}
[port {port}]
[env {key}={value}]
last
```
"""


def test_a_value_that_is_known_stands_in_a_file_without_brackets() -> None:
    (book,) = runbook_library.parse("x", FILE)
    found = form_of(book, {"port": "8080"}, "on port 8080")
    assert found
    assert found.template == "name {name}\nport 8080\n\nlast\n"


def test_a_recipe_may_write_a_file() -> None:
    (book,) = runbook_library.parse("x", FILE)
    task = "on port 8080, with USER_NAME as a variable"
    asked = form_of(book, {}, task)
    assert asked
    assert asked.look == ""
    call = asked.call({"name": "a b", "port": 8080}, task, Ground(variables={"USER_NAME": "jo"}))
    assert (call.name, call.arguments) == (
        "write_file",
        {"path": "conf/app.conf", "content": "name a b\nport 8080\nenv USER_NAME=jo\nlast\n"},
    )


def test_something_new_does_not_get_the_name_of_what_is_there() -> None:
    text = "kubectl -n shop create deployment {deployment} --image={image} [--name={service}]"
    form = recipes.form_of_commands("Create a deployment", text)
    ground = Ground(["namespace shop: deployments: web"])
    task = "Run redis:7 as deployment store"
    call = form.call({"deployment": "store", "image": "redis:7", "service": "web"}, task, ground)
    assert call.arguments["command"] == "kubectl -n shop create deployment store --image=redis:7"
    feed = form.call(
        {"deployment": "redis", "image": "redis:7"}, "Create a deployment feed of redis:7", ground
    )
    assert "create deployment feed " in feed.arguments["command"]
    for made_up in ("web", "redis-deployment"):
        assert form.call({"deployment": made_up, "image": "redis:7"}, task, ground) == call
    with pytest.raises(CallRefused, match="deployment web is there already"):
        form.call({"deployment": "web", "image": "redis:7"}, "Run redis:7 as a deployment", ground)
    assert form.call({"deployment": "web", "image": "redis:7"}, "Create web", ground)


def test_a_recipe_for_a_file_that_the_task_names_is_no_form() -> None:
    (runbook,) = runbook_library.parse(
        "unit", "# Create a unit\n\nWrite /etc/{unit}.service:\n\n```ini\nA={a}\n```\n"
    )
    assert form_of(runbook, {}) is None
    assert form_of(replace(runbook, text=runbook.text.replace("{unit}", "web")), {})


def test_a_command_does_not_bring_a_shell_of_its_own() -> None:
    form = recipes.form_of_commands("Run", "kubectl run x -- sh -c '{command}'")
    for command in ("echo hi; ls", "sh -c 'echo hi; ls'", 'bash -c "echo hi; ls"'):
        call = form.call({"command": command}, "Run it", Ground())
        assert call.arguments["command"] == "kubectl run x -- sh -c 'echo hi; ls'"


@pytest.mark.parametrize(("named", "installs"), [("requirements.txt", True), ("Dockerfile", False)])
def test_a_file_that_is_written_does_not_speak_of_itself(named: str, installs: bool) -> None:
    form = form_of(runbook_library.load()["dockerfile-python"], {})
    assert form is not None
    values = {"requirements_file": named, "python_file": "app.py"}
    ground = Ground(["Files here: app.py, requirements.txt"])
    call = form.call(values, "Create a simple Dockerfile for Python app", ground)
    assert ("pip install" in call.arguments["content"]) is installs
