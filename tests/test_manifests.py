"""Manifests that the cluster refuses, Compose files that Compose refuses, and what would put them right."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from fake_programs import Programs

from devops_agent import briefing
from devops_agent.diagnosis import manifests
from devops_agent.forms.rewrite import Rewrite

GOOD = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: web
        imagePullPolicy: IfNotPresent
        env:
        - {name: PORT, value: "8080"}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort}
"""
FIELDS = {
    "deployment.spec": "replicas template selector",
    "deployment.spec.template.spec": "containers volumes",
    "deployment.spec.template.spec.containers": "env image name ports",
    "service.spec": "ports selector type",
}
RESOURCES = "deployments deploy apps/v1 true Deployment\nservices svc v1 true Service\n"
IN = 'Error from server (BadRequest): error when creating "STDIN": '
OF = f'{IN}Deployment in version "v1" cannot be handled as a Deployment: '
# What of a text is wrong, and what the cluster then says, in the words of Kubernetes 1.33.
COMPLAINTS = {
    "container:": f'{OF}strict decoding error: unknown field "spec.template.spec.container"',
    "nam: web": f'{OF}strict decoding error: unknown field "spec.template.spec.containers[0].nam"',
    "xyzzy:": f'{OF}strict decoding error: unknown field "spec.xyzzy"',
    'replicas: "2"': f"{OF}json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas"
    " of type int32",
    "value: 8080": f"{OF}json: cannot unmarshal number into Go struct field"
    " EnvVar.spec.template.spec.containers.env.value of type string",
    "value: true": f"{OF}json: cannot unmarshal bool into Go struct field"
    " EnvVar.spec.template.spec.containers.env.value of type string",
    "Deploymnt": 'error: resource mapping not found for name: "web" namespace: "" from "STDIN": no matches'
    ' for kind "Deploymnt" in version "apps/v1"\nensure CRDs are installed first',
    "extensions/v1beta1": 'resource mapping not found for name: "web" namespace: "" from "STDIN": no matches'
    ' for kind "Deployment" in version "extensions/v1beta1"\nensure CRDs are installed first',
    "NodePrt": 'The Service "web" is invalid: spec.type: Unsupported value: "NodePrt": supported values:'
    ' "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    "name: a_b": 'The Deployment "a_b" is invalid: metadata.name: Invalid value: "a_b": a lowercase RFC 1123'
    " subdomain (e.g. 'example.com', regex used)",
    "namespace: gone": 'Error from server (NotFound): error when creating "STDIN":'
    ' namespaces "gone" not found',
    "hooked": f"{IN}admission webhook does not support dry run",
    "name: secret": 'Error from server (Forbidden): deployments.apps is forbidden: User "ci" cannot create',
}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """A kubectl that refuses what the table says, all at once."""
    programs = Programs(tmp_path / "bin", monkeypatch)
    lines = ["$ text=$(cat); refused="]
    for wrong, complaint in COMPLAINTS.items():
        lines.append(f"case $text in *'{wrong}'*) refused=1; cat >&2 <<'END'\n{complaint}\nEND\n;; esac")
    lines.append('[ -n "$refused" ] && exit 1; echo "deployment.apps/web created (server dry run)"')
    explained: Mapping[str, str] = {
        f"explain {where}": "FIELDS:\n" + "".join(f"  {name}\t<x>\n" for name in names.split())
        for where, names in FIELDS.items()
    }
    answers = {"apply --dry-run=server -f -": "\n".join(lines), "api-resources --no-headers": RESOURCES}
    programs.add("kubectl", {**answers, **explained})
    monkeypatch.chdir(tmp_path)
    return programs


@pytest.mark.parametrize(
    "slips",
    [
        {"containers:": "container:"},
        {"- name: web": "- nam: web"},
        {"replicas: 2": 'replicas: "2"'},
        {'"8080"': "8080"},
        {"Deployment": "Deploymnt"},
        {"apps/v1": "extensions/v1beta1"},
        {"NodePort": "NodePrt"},
        {
            "containers:": "container:",
            '"8080"': "8080",
            "NodePort": "NodePrt",
            "apps/v1": "extensions/v1beta1",
        },
    ],
)
def test_slips_that_the_cluster_refuses_are_mended(programs: Programs, slips: dict[str, str]) -> None:
    text = GOOD
    for right, wrong in slips.items():
        text = text.replace(right, wrong)
    said = manifests.said_of(Path("web.yaml"), text)
    assert said and said.complaint and "STDIN" not in said.complaint
    found = manifests.mended(text, said.refused)
    assert found
    assert found.text == GOOD
    assert found.change.count(" becomes ") == len(slips)


def test_a_word_that_looks_like_another_type_gets_quotes(programs: Programs) -> None:
    text = GOOD.replace('"8080"', "true")
    said = manifests.said_of(Path("web.yaml"), text)
    assert said
    found = manifests.mended(text, said.refused)
    assert found
    assert found.text == GOOD.replace('"8080"', '"true"')


@pytest.mark.parametrize("wrong", ["xyzzy: 1", "name: a_b"])
def test_what_has_no_near_word_is_told_and_not_guessed(programs: Programs, wrong: str) -> None:
    text = GOOD.replace("  replicas: 2", f"  {wrong}")
    said = manifests.said_of(Path("web.yaml"), text)
    assert said and said.complaint
    assert manifests.mended(text, said.refused) is None


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("name: web", "name: secret"),
        GOOD.replace("name: web", "name: hooked"),
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: gone}\n---\n"
        + GOOD.replace("name: web", "namespace: gone"),
        "apiVersion: v1\nkind: {{ .Values.kind }}\n",
        "a: 1\n",
    ],
)
def test_nothing_is_said_of_a_file_that_the_answer_is_not_about(programs: Programs, text: str) -> None:
    assert manifests.said_of(Path("web.yaml"), text) is None


def test_nothing_is_said_where_no_cluster_answers(programs: Programs) -> None:
    programs.add("kubectl", {}, "echo 'The connection to the server was refused' >&2; exit 1")
    assert manifests.said_of(Path("web.yaml"), GOOD) is None


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("exit 0", ""),
        (
            "echo ' level=warning x' >&2; echo 'service \"web\" refers to undefined volume d' >&2; exit 1",
            'service "web" refers to undefined volume d',
        ),
        ("echo \"docker: 'compose' is not a docker command.\" >&2; exit 1", None),
    ],
)
def test_compose_is_asked_about_its_file(programs: Programs, script: str, complaint: str | None) -> None:
    programs.add("docker", {"compose -f compose.yaml config -q": f"$ {script}"})
    said = manifests.said_of(Path("compose.yaml"), "services:\n  web: {image: nginx}\n")
    assert (said.complaint if said else None) == complaint


def _briefed(task: str, folder: Path) -> briefing.Briefing:
    return briefing.briefer({}, folder, lambda event: None)(task, lambda: True)


@pytest.mark.parametrize(
    "task", ["what is wrong with web.yaml?", "is web.yaml valid?", "any errors in web.yaml?"]
)
def test_a_right_file_gets_no_invented_fault(programs: Programs, tmp_path: Path, task: str) -> None:
    (tmp_path / "web.yaml").write_text(GOOD)
    assert _briefed(task, tmp_path).known_answer.startswith(
        "web.yaml: no fault found in its form, the cluster"
    )


def test_a_wrong_file_is_told_with_what_would_put_it_right(programs: Programs, tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(GOOD.replace("containers:", "container:"))
    answer = _briefed("what is wrong with web.yaml?", tmp_path).known_answer
    assert 'unknown field "spec.template.spec.container"' in answer
    assert 'it is taken when line 9 becomes "      containers:"' in answer


def test_a_wrong_file_is_put_right_when_that_is_asked(programs: Programs, tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(GOOD.replace("containers:", "container:"))
    form = _briefed("kubectl apply -f web.yaml fails, fix the file", tmp_path).form
    assert isinstance(form, Rewrite)


def test_a_task_about_another_thing_does_not_hear_that_the_file_is_fine(
    programs: Programs, tmp_path: Path
) -> None:
    (tmp_path / "web.yaml").write_text(GOOD)
    assert not _briefed("why does the pod of web.yaml crash?", tmp_path).ground.fine
