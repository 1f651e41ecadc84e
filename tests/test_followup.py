"""What code sees when it looks at what a command changed."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from fake_programs import Programs, container, deployment, named, pod

from devops_agent import followup
from devops_agent.diagnosis import diagnose
from devops_agent.followup import Check, after, left_as_it_was

SCALE = "kubectl -n shop scale deployment/web --replicas=2"
SCALED = "deployment.apps/web scaled\n"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.setattr(followup, "_ROLLOUT_SECONDS", 0.2)
    monkeypatch.setattr(followup, "_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(followup, "_POLL_SECONDS", 0.02)
    return Programs(tmp_path / "bin", monkeypatch)


@pytest.mark.parametrize(
    ("task", "missing"),
    [
        ("Build an image tagged shop:1 from this folder", "There is no image shop:1 yet."),
        (
            "Package the site as a Docker image called shop:1 on top of nginx:1.25",
            "There is no image shop:1 yet.",
        ),
        (
            "Tag the image redis:7 as reg.example.com:5000/x/cache:1",
            "There is no image reg.example.com:5000/x/cache:1 yet.",
        ),
        ("Build the image redis:7", ""),
        ("Write a Dockerfile for the image shop:1, do not build it", "There is no file Dockerfile yet."),
        ("Run the image shop:1", ""),
        ("Why does shop:1 fail to build?", ""),
    ],
)
def test_an_image_that_a_task_asks_for_has_to_be_there(task: str, missing: str, programs: Programs) -> None:
    programs.add("docker", {"version *": "20.10", "image inspect *redis:7": "sha256:1"})
    assert followup.unmet(task) == missing


# --- Kubernetes -------------------------------------------------------------------------------------------


def test_a_rollout_that_is_done(programs: Programs) -> None:
    programs.cluster({"shop": [deployment("web", ready=2, wanted=2)]})
    text = "Checked: deployment web in namespace shop: 2 of 2 pods ready."
    assert after(SCALE, SCALED) == Check(text, True)
    assert programs.calls == ["kubectl -n shop get deployment web -o json"]


def test_a_rollout_is_waited_for(programs: Programs) -> None:
    item = deployment("web", ready=1, wanted=2)
    script = f"""$ if [ -e {programs.folder}/asked ]; then cat {programs.folder}/ready.json
    else touch {programs.folder}/asked; cat {programs.folder}/waiting.json; fi"""
    (programs.folder / "waiting.json").write_text(json.dumps(item))
    (programs.folder / "ready.json").write_text(json.dumps(deployment("web", ready=2, wanted=2)))
    programs.add("kubectl", {"-n shop get deployment web -o json": script})
    check = after(SCALE, SCALED)
    assert check == Check("Checked: deployment web in namespace shop: 2 of 2 pods ready.", True)


def test_a_broken_rollout_is_told_with_its_cause(programs: Programs) -> None:
    owner = {"kind": "Deployment", "name": "web", "uid": "Deployment-web"}
    broken = pod("web-1", crashes=True)
    broken["metadata"]["ownerReferences"] = [owner]
    programs.cluster({"shop": [deployment("web", ready=0), broken]})
    check = after(SCALE, SCALED)
    assert check is not None
    assert not check.ok
    lines = check.text.splitlines()
    assert lines[0] == "Checked: deployment web: 0 of 1 pods ready."
    assert "crashes with exit code 1" in lines[1]
    assert "DB_HOST is not set" in check.text


def test_a_rollout_that_does_not_end_is_told_at_the_time_limit(programs: Programs) -> None:
    programs.cluster({"shop": [deployment("web", ready=0)]})
    check = after(SCALE, SCALED)
    assert check == Check("Checked: deployment web: still 0 of 1 pods ready after 0 seconds.", False)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"paused": True}, "its rollout is paused, so its pods are as before"),
        ({"updateStrategy": {"type": "OnDelete"}}, "2 of 2 pods ready"),
        ({"updateStrategy": {"rollingUpdate": {"partition": 2}}}, "2 of 2 pods ready"),
    ],
)
def test_a_rollout_that_is_not_meant_to_end_is_not_waited_for(
    spec: dict[str, Any], text: str, programs: Programs
) -> None:
    item = deployment("web", ready=2, wanted=2)
    item["spec"].update(spec)
    item["status"]["updatedReplicas"] = 0
    programs.cluster({"shop": [item]})
    assert after(SCALE, SCALED) == Check(f"Checked: deployment web in namespace shop: {text}.", True)


@pytest.mark.parametrize(
    ("command", "current"),
    [
        (SCALE + " | head -n 1", "default"),
        ("kubectl scale deployment/web --namespace=shop --replicas=2", "default"),
        ("kubectl get pods -n default; " + SCALE, "default"),
        ("kubectl scale deployment/web --replicas=2", "shop"),
        ("kubectl apply -f web-with-a-namespace.yaml", "default"),
    ],
)
def test_the_namespace_is_that_of_the_change(command: str, current: str, programs: Programs) -> None:
    programs.cluster({"default": [], "shop": [deployment("web")]}, current=current)
    check = after(command, SCALED)
    assert check == Check("Checked: deployment web in namespace shop: 1 of 1 pods ready.", True)


@pytest.mark.parametrize(
    ("output", "looked_at"),
    [
        ("deployment.apps/web created", "deployment web"),
        ("deployment.apps/web image updated", "deployment web"),
        ("deployment.apps/web serverside-applied", "deployment web"),
        ("pod/api created", "pod api"),
        ("deployment.apps/web unchanged", None),
        ("deployment.apps/web created (dry run)", None),
        ("configmap/web created", None),
        ('pod "api" deleted', None),
        ("", None),
    ],
)
def test_what_an_output_says_was_changed(output: str, looked_at: str | None, programs: Programs) -> None:
    programs.cluster({"shop": [deployment("web"), pod("api")]})
    check = after("kubectl -n shop apply -f all.yaml", output)
    assert (check and check.text.startswith(f"Checked: {looked_at} ")) == (True if looked_at else None)


@pytest.mark.parametrize(
    "command",
    [
        "kubectl -n shop get deployment web",
        f"echo '{SCALE}'",
        "ssh node kubectl scale deployment/web",
        "kubectl --context prod scale deployment/web --replicas=2",
        "kubectl scale deployment/web --replicas=2 --kubeconfig=other",
        "KUBECONFIG=other kubectl scale deployment/web --replicas=2",
        "cat log",
    ],
)
def test_what_changed_nothing_here_is_not_looked_at(command: str, programs: Programs) -> None:
    programs.cluster({"default": [deployment("web")], "shop": [deployment("web")]})
    assert after(command, SCALED) is None
    assert programs.calls == []


@pytest.mark.parametrize("phase", ["Running", "Succeeded"])
def test_a_pod_that_runs_or_is_done(phase: str, programs: Programs) -> None:
    programs.cluster({"shop": [pod("api", phase=phase)]})
    check = after("kubectl -n shop run api --image=a", "pod/api created\n")
    assert check == Check(f"Checked: pod api in namespace shop: {phase}.", True)


def test_a_pod_that_failed_is_told_at_once(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followup, "_PATIENCE_SECONDS", 60.0)
    programs.cluster({"shop": [named("Pod", "api", spec={"containers": []}, status={"phase": "Failed"})]})
    check = after("kubectl -n shop run api --image=a", "pod/api created\n")
    assert check == Check("Checked: pod api: Failed.", False)


@pytest.mark.parametrize(
    "script", ["exit 1", "echo garbage", "echo '[1]'", "echo '{}'", 'echo \'{"spec": 5, "kind": 1}\'']
)
def test_a_cluster_that_does_not_answer_is_no_failed_change(script: str, programs: Programs) -> None:
    programs.add("kubectl", {}, otherwise=script)
    assert after(SCALE, SCALED) is None


def test_a_kubectl_that_hangs_is_ended(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnose, "_SECONDS", 0.1)
    programs.add("kubectl", {}, otherwise="exec sleep 30")
    started = time.monotonic()
    assert after(SCALE, SCALED) is None
    assert time.monotonic() - started < 2


def _asking(key: str, **more: Any) -> dict[str, Any]:
    item = deployment("web")
    asks = {"configMapKeyRef": {"name": "settings", "key": key, **more}}
    item["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "MODE", "valueFrom": asks}]
    return item


@pytest.mark.parametrize(
    ("item", "text", "ok"),
    [
        (_asking("mode"), "has mode.", True),
        (
            _asking("MODE"),
            "has mode; but deployment web asks for its key MODE, which is missing.\n"
            """  try: kubectl -n shop patch configmap settings -p '{"data":{"MODE":"{mode}"}}'""",
            False,
        ),
        (_asking("MODE", optional=True), "has mode.", True),
        (deployment("api"), "has mode.", True),
    ],
)
def test_a_config_map_is_compared_with_what_asks_for_its_keys(
    item: dict[str, Any], text: str, ok: bool, programs: Programs
) -> None:
    programs.cluster({"shop": [named("ConfigMap", "settings", data={"mode": "fast"}), item]})
    command = "kubectl -n shop create configmap settings --from-literal=mode=fast"
    told = f"Checked: configmap settings in namespace shop {text}"
    mend = text.partition("try: ")[2]
    assert after(command, "configmap/settings created\n") == Check(told, ok, mend)


# --- Docker -----------------------------------------------------------------------------------------------

RUN = "docker run -d --name cache redis:7"


@pytest.mark.parametrize("command", [RUN, "docker container run -d redis:7", "sudo docker run -d -c 512 x"])
def test_a_container_that_runs(command: str, programs: Programs) -> None:
    item = container("cache")
    programs.engine([item])
    assert after(command, item["Id"] + "\n") == Check("Checked: container cache is running.", True)


def test_a_container_that_ends_at_once_is_told_with_its_log(programs: Programs) -> None:
    item = container("cache", code=3, status="exited")
    programs.engine([item])
    check = after(RUN, item["Id"] + "\n")
    assert check is not None
    assert not check.ok
    assert "container cache: it ended with exit code 3." in check.text
    assert "no such table: orders" in check.text


def test_a_container_that_is_restarted_all_the_time_does_not_run(programs: Programs) -> None:
    item = container("cache", restarts=4)
    programs.engine([item])
    check = after(RUN, item["Id"])
    assert check == Check("Checked: container cache was restarted 4 times already.", False)


def test_a_container_that_is_done_is_fine(programs: Programs) -> None:
    item = container("cache", status="exited")
    item["HostConfig"]["PortBindings"] = {}
    programs.engine([item])
    assert after(RUN, item["Id"]) == Check(
        "Checked: container cache has ended, exit code 0.", True, is_all=False
    )


def test_a_container_that_was_to_listen_and_has_ended_is_not_fine(programs: Programs) -> None:
    item = container("cache", status="exited")
    item["HostConfig"]["PortBindings"] = {"80/tcp": [{"HostPort": "8080"}]}
    programs.engine([item])
    check = after(RUN, item["Id"])
    assert check
    assert not check.ok
    assert "was to listen and has ended at once" in check.text


@pytest.mark.parametrize(
    ("task", "status", "said"),
    [
        ("recreate cache with the new setting", "exited", "The container cache does not run any more."),
        ("recreate cache with the new setting", "running", ""),
        ("stop cache", "exited", ""),
    ],
)
def test_a_container_that_does_not_run_any_more_is_told(
    task: str, status: str, said: str, programs: Programs
) -> None:
    programs.add("docker", {}, otherwise=f"echo {status}")
    assert followup.ended(task, ["cache"]) == said


def test_a_container_that_was_removed_is_fine(programs: Programs) -> None:
    programs.engine([])
    assert after("docker run -d --rm x", "0" * 64) == (
        Check("Checked: the container has ended and was removed.", True, is_all=False)
    )


@pytest.mark.parametrize("script", ["exit 1", "echo garbage", "echo '[5]'"])
def test_an_engine_that_does_not_answer_is_no_failed_change(script: str, programs: Programs) -> None:
    programs.add("docker", {}, otherwise=script)
    assert after(RUN, "0" * 64) is None


@pytest.mark.parametrize(
    "command", ["docker -H tcp://far run -d x", "DOCKER_HOST=far docker run -d x", "docker ps --no-trunc -q"]
)
def test_a_container_elsewhere_is_not_looked_at(command: str, programs: Programs) -> None:
    programs.engine([])
    assert after(command, "0" * 64) is None
    assert programs.calls == []


def test_of_a_service_it_is_told_where_it_is_reached(programs: Programs) -> None:
    spec = {"type": "ClusterIP", "clusterIP": "10.96.0.7", "ports": [{"port": 80, "targetPort": 8080}]}
    programs.add("kubectl", {"-n shop get service web -o json": json.dumps({"spec": spec})})
    check = after("kubectl -n shop expose deployment web --port=80", "service/web exposed\n")
    assert check == Check(
        "Checked: service web in namespace shop: ClusterIP with cluster IP 10.96.0.7, ports 80→8080.", True
    )


@pytest.mark.parametrize(
    ("command", "output", "left"),
    [
        ("kubectl -n shop set image deployment/web web=nginx:1.25", "", True),
        (
            "kubectl -n shop set image deployment/web web=nginx:1.26",
            "deployment.apps/web image updated\n",
            False,
        ),
        ("kubectl apply -f web.yaml", "deployment.apps/web unchanged\n", True),
        ("kubectl apply -f web.yaml", "deployment.apps/web configured\nservice/web unchanged\n", False),
        ("git commit -am x", "On branch main\nnothing to commit, working tree clean\n", True),
        ("touch a", "", False),
    ],
)
def test_what_leaves_all_as_it_was_is_no_change(command: str, output: str, left: bool) -> None:
    assert left_as_it_was(command, output) is left


def test_a_delete_that_finds_nothing_changes_nothing() -> None:
    command = "kubectl delete namespace lost --ignore-not-found"
    assert followup.left_as_it_was(command, "")
    told = "Nothing was deleted: there was nothing of that name."
    assert followup.after(command, "") == Check(told, True, is_all=False)
    assert not followup.left_as_it_was(command, 'namespace "lost" deleted\n')
    for silent in (f"{command} >/dev/null", f"{command} | grep -v deleted", f"{command} -o name"):
        assert not followup.left_as_it_was(silent, "")
        assert followup.after(silent, "") is None


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("echo a > new.txt", "new.txt has 1 line now:\na"),
        ("seq 9 > new.txt", "new.txt has 9 lines now:\n1\n2\n3\n4"),
        (": > new.txt", "new.txt has 0 lines now."),
        ("echo c2VjcmV0 | base64 -d > new.txt", "new.txt has 1 line now."),
        ("echo KEY=a > .env", ".env has 1 line now."),
    ],
)
def test_what_a_command_wrote_is_shown(
    command: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["sh", "-c", command], check=True)
    assert followup.after_edit(command, {}) == Check(told, True)
