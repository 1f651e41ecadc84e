"""Slips in a command that code mends."""

from pathlib import Path

import pytest
from fake_programs import Programs

from devops_agent.grounding import Ground, repository
from devops_agent.repairs import repaired, with_options_before_the_image

SHOP = Ground(namespace="shop")


@pytest.mark.parametrize(
    ("command", "mended"),
    [
        ("kubectl get pods", "kubectl -n shop get pods"),
        ("kubectl get pods | head -n 5", "kubectl -n shop get pods | head -n 5"),
        ("kubectl get pods -o name | grep -A 3 web", "kubectl -n shop get pods -o name | grep -A 3 web"),
        (
            "kubectl scale deploy/web --replicas=2 && kubectl get deploy web",
            "kubectl -n shop scale deploy/web --replicas=2 && kubectl -n shop get deploy web",
        ),
        ("kubectl get pods; kubectl -n prod get pods", "kubectl -n shop get pods; kubectl -n prod get pods"),
        ("kubectl get ns && kubectl get pods", "kubectl get ns && kubectl -n shop get pods"),
        ("kubectl get pods\nkubectl get services", "kubectl -n shop get pods\nkubectl -n shop get services"),
        ("(kubectl get pods)", "(kubectl -n shop get pods)"),
        ("sudo kubectl get pods", "sudo kubectl -n shop get pods"),
        ("timeout 5 kubectl get pods", "timeout 5 kubectl -n shop get pods"),
        ("KUBECONFIG=a kubectl get pods", "KUBECONFIG=a kubectl -n shop get pods"),
        ("/usr/bin/kubectl get pods", "/usr/bin/kubectl -n shop get pods"),
        (
            "for p in $(kubectl get pods -o name); do kubectl delete $p; done",
            "for p in $(kubectl -n shop get pods -o name); do kubectl -n shop delete $p; done",
        ),
        ('echo "$(kubectl get pods) `kubectl get svc`"',
         'echo "$(kubectl -n shop get pods) `kubectl -n shop get svc`"'),
        (
            "kubectl get pods -o name | xargs -n 1 kubectl delete",
            "kubectl -n shop get pods -o name | xargs -n 1 kubectl -n shop delete",
        ),
        ("kubectl exec web -- ls -n", "kubectl -n shop exec web -- ls -n"),
        ("kubectl get pods # kubectl get svc", "kubectl -n shop get pods # kubectl get svc"),
        (
            "cat >a.yaml <<EOF\nkubectl get x\nEOF\nkubectl apply -f a.yaml",
            "cat >a.yaml <<EOF\nkubectl get x\nEOF\nkubectl -n shop apply -f a.yaml",
        ),
        ("kubectl get ns,pods", "kubectl -n shop get ns,pods"),
    ],
)  # fmt: skip
def test_the_namespace_of_the_task_is_added_to_each_kubectl_without_one(command: str, mended: str) -> None:
    assert repaired(command, SHOP) == mended
    assert repaired(mended, SHOP) == mended


@pytest.mark.parametrize(
    "command",
    [
        "kubectl -n prod get pods",
        "kubectl get pods -nprod",
        "kubectl get pods --namespace prod",
        "kubectl get pods --namespace=prod",
        "kubectl get pods -A",
        "kubectl get pods --all-namespaces",
        "kubectl get ns",
        "kubectl create namespace prod",
        "kubectl describe node/worker-1",
        "kubectl get nodes,pv",
        "kubectl top nodes",
        "kubectl drain worker-1",
        "kubectl get storageclasses.storage.k8s.io",
        "kubectl config get-contexts",
        "kubectl config set-context --current --namespace=prod",
        "kubectl version",
        "kubectl api-resources",
        "kubectl get --raw /healthz",
        "kubectl",
        "kubectl --help",
        "echo 'kubectl get pods'",
        'echo "; kubectl get pods"',
        "echo '$(kubectl get pods)'",
        "echo kubectl get pods",
        "ls kubectl",
        "sh -c 'kubectl get pods'",
        "ssh node kubectl get pods",
        "docker run bitnami/kubectl get pods",
        "mykubectl get pods",
        "kubectl get 'pods",
        "kubectl apply -f - <<EOF\nmetadata:\n  namespace: prod\nEOF",
        "",
    ],
)
def test_everything_else_stays_as_it_is(command: str) -> None:
    assert repaired(command, SHOP) == command


def test_without_a_namespace_nothing_is_added() -> None:
    assert repaired("kubectl get pods", Ground()) == "kubectl get pods"


@pytest.mark.parametrize(
    ("command", "mended"),
    [
        ("docker run -d nginx -p 8088:80", "docker run -d -p 8088:80 nginx"),
        (
            "docker run --env-file app.env --name web -d a/b:1 -p 8088:8000 -v data:/srv sh -c 'x -p 1:2'",
            "docker run --env-file app.env --name web -d -p 8088:8000 -v data:/srv a/b:1 sh -c 'x -p 1:2'",
        ),
        (
            "docker run -d redis:7 -e A='b c' --name q && docker ps",
            "docker run -d -e A='b c' --name q redis:7 && docker ps",
        ),
        ("docker run -d -p 8088:80 nginx", ""),
        ("docker run busybox echo -p 8088:80", ""),
        ("docker run --rm app:1 -v --verbose", ""),
        ("docker run --rm app:1 -p 8080", ""),
        ("docker run --rm -e A=b app:1 --name", ""),
    ],
)
def test_options_of_docker_behind_the_image_are_put_before_it(command: str, mended: str) -> None:
    assert with_options_before_the_image(command, Ground()) == (mended or command)


@pytest.mark.parametrize(
    ("command", "mended"),
    [
        ("docker run -d -p 8088:8088 nginx:1.25", "docker run -d -p 8088:80 nginx:1.25"),
        (
            "docker run -d -p 8088:8088 -e A=b --name w nginx:1.25",
            "docker run -d -p 8088:80 -e A=b --name w nginx:1.25",
        ),
        ("docker run -d -p 8088:8080 nginx:1.25", "docker run -d -p 8088:8080 nginx:1.25"),
        ("docker run -d -p 80:80 nginx:1.25", "docker run -d -p 80:80 nginx:1.25"),
        ("docker run -d -p 8088:8088 of-two-ports", "docker run -d -p 8088:8088 of-two-ports"),
        ("docker run -d -p 8088:8088 unknown", "docker run -d -p 8088:8088 unknown"),
    ],
)
def test_a_published_port_reaches_the_only_one_that_the_image_exposes(
    command: str, mended: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = {
        "image inspect * nginx:1.25": '{"80/tcp":{}}',
        "image inspect * of-two-ports": '{"1/tcp":{},"2/tcp":{}}',
    }
    Programs(tmp_path / "bin", monkeypatch).add("docker", ports)
    assert repaired(command, Ground()) == mended


def test_commands_use_the_kubeconfig_that_the_task_names() -> None:
    ground = Ground(names={"kubeconfig": "ci.kubeconfig"})
    assert repaired("kubectl get pods; kubectl -n a get ns", ground) == (
        "kubectl --kubeconfig=ci.kubeconfig get pods; kubectl --kubeconfig=ci.kubeconfig -n a get ns"
    )
    for command in ("ls", "kubectl --kubeconfig=b get pods", "KUBECONFIG=b kubectl get pods"):
        assert repaired(command, ground) == command


def test_what_is_appended_begins_a_line(tmp_path: Path) -> None:
    (tmp_path / "open.txt").write_text("one")
    (tmp_path / "closed.txt").write_text("one\n")
    appends = "echo 'two >> three' >> open.txt"
    assert repaired(appends, Ground()) == f"echo >> open.txt; {appends}"
    for same in ("echo two >> closed.txt", "echo two >> new.txt", "echo two > open.txt"):
        assert repaired(same, Ground()) == same


@pytest.mark.parametrize(
    ("command", "repaired_to"),
    [
        ("docker run -d redis:7", "docker run --name cache -d redis:7"),
        ("docker run -d --name other redis:7", "docker run -d --name other redis:7"),
        ("docker run a; docker run b", "docker run a; docker run b"),
        ("docker ps", "docker ps"),
        ("echo 'docker run redis' > start.sh", "echo 'docker run redis' > start.sh"),
    ],
)
def test_a_container_gets_the_name_that_the_task_gives_it(command: str, repaired_to: str) -> None:
    assert repaired(command, Ground(given="cache")) == repaired_to
    assert repaired(command, Ground()) == command


def test_completed_is_no_phase() -> None:
    asked = "kubectl get pods -A --field-selector=status.phase=Completed"
    assert repaired(asked, Ground()) == asked.replace("Completed", "Succeeded")


@pytest.mark.parametrize(
    ("command", "mended"),
    [
        ("uname -r > a.txt; nproc > a.txt", "uname -r > a.txt; nproc >> a.txt"),
        ("date > a && id > a && pwd > a", "date > a && id >> a && pwd >> a"),
        ("uname -r > a.txt; nproc > b.txt", "uname -r > a.txt; nproc > b.txt"),
        ("date > a; sort a > b; cat b > a", "date > a; sort a > b; cat b > a"),
        ("date > a; id 2> a", "date > a; id 2> a"),
        ("cd a; ls > l; cd ../b; ls > l", "cd a; ls > l; cd ../b; ls > l"),
        (
            "cat > s.sh <<'E'\necho 1 > state; echo 2 > state\nE",
            "cat > s.sh <<'E'\necho 1 > state; echo 2 > state\nE",
        ),
    ],
)
def test_a_second_result_does_not_take_the_place_of_the_first(command: str, mended: str) -> None:
    assert repaired(command, Ground()) == mended


@pytest.mark.parametrize(
    ("command", "mended"),
    [
        ("git log -3", "git -C shop-api log -3"),
        ("git rm --cached -- shop-api/.env", "git -C shop-api rm --cached -- .env"),
        ("git checkout -b shop-api/feature", "git -C shop-api checkout -b shop-api/feature"),
        ("git remote add o git@host:shop-api/a.git", "git -C shop-api remote add o git@host:shop-api/a.git"),
        ("echo .env >> .gitignore", "cd shop-api || exit\necho .env >> .gitignore"),
        ("echo .env >> ./shop-api/.gitignore", "echo .env >> ./shop-api/.gitignore"),
        ("git log > log.txt", "git -C shop-api log > log.txt"),
        ("set -e\ngit add a\ngit commit -m x", "set -e\ngit -C shop-api add a\ngit -C shop-api commit -m x"),
        ("cat old-shop-api/x; git status", "cat old-shop-api/x; git -C shop-api status"),
        ("cd shop-api && git log", "cd shop-api && git log"),
        ("git -C shop-api log", "git -C shop-api log"),
        ("git clone shop-api other", "git clone shop-api other"),
        ("ls shop-api", "ls shop-api"),
    ],
)
def test_git_runs_in_the_repository_that_a_task_names(
    command: str, mended: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop-api").mkdir()
    (tmp_path / "shop-api/.env").touch()
    monkeypatch.chdir(tmp_path)
    assert repaired(command, Ground(repository="shop-api")) == mended
    assert repaired(command, Ground()) == command


def test_the_repository_that_a_task_names_is_found(tmp_path: Path) -> None:
    for name in ("api/.git", "web/.git", "docs"):
        (tmp_path / name).mkdir(parents=True)
    assert repository.named_folder("show the log of the repo in ./api, please", tmp_path) == "api"
    assert repository.named_folder("compare the repos api and web", tmp_path) == ""
    assert repository.named_folder("show the log of docs", tmp_path) == ""
    (tmp_path / ".git").mkdir()
    assert repository.named_folder("show the log of the repo in ./api", tmp_path) == ""


def test_what_a_container_writes_into_its_mount_is_written_there() -> None:
    command = "docker run --rm -v data:/data busybox echo hello > /data/x"
    mended = "docker run --rm -v data:/data busybox sh -c 'echo hello > /data/x'"
    assert repaired(command, Ground()) == mended
    for other in (
        "docker run --rm -v data:/data busybox echo hello > /tmp/x",
        "docker run --rm busybox echo hello > /data/x",
        "docker run -v a:/data busybox sh -c 'echo a > /data/x'",
    ):
        assert repaired(other, Ground()) == other
