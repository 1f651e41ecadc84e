"""The preview of a call: by looks that only read, and at what the call would work on."""

from pathlib import Path

import pytest

from devops_agent.preview import listing, preview
from devops_agent.protocol import Call
from devops_agent.shell import CommandResult


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = tmp_path / "work"
    here.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(here)
    return tmp_path


def look(command: str) -> str:
    """The command by which the effect of another is looked at; "" if there is none."""
    looks: list[str] = []

    def run(text: str) -> CommandResult:
        looks.append(text)
        return CommandResult(text, 0, "found", False, 0.0)

    told = preview(Call("bash", {"command": command}), run)
    assert told == "\n".join(f"$ {each}\nfound" for each in looks)
    return "".join(looks)


@pytest.mark.parametrize(
    ("command", "looked"),
    [
        ("kubectl delete pod web -n shop --force", "kubectl get pod web -n shop -o name"),
        ("kubectl apply -f web.yaml", "kubectl diff -f web.yaml"),
        ("kubectl scale deploy web --replicas=3", "kubectl --dry-run=server scale deploy web --replicas=3"),
        ("rm -rf build", "find build | wc -l && du -shc build | tail -n 1"),
        ("sudo rm -rf build", "find build | wc -l && du -shc build | tail -n 1"),
        ("find . -name '*.log' -print -delete | wc -l", "find . -name '*.log' -print"),
        ("find . -name '*.log' -exec rm {} +", ""),
        ("git clean -fd", "git clean --dry-run -fd"),
        ("git push --force", "git log --oneline @{push}.."),
        ("terraform destroy", "terraform plan -no-color -lock=false -destroy"),
        ("pkill -f worker", "pgrep -a -f worker"),
        (
            "terraform apply -auto-approve -var=a=b",
            "terraform plan -no-color -lock=false -var=a=b",
        ),
        ("terraform state rm a.b", ""),
        ("ls", ""),
        ("some-program x", ""),
    ],
)
def test_a_look_that_only_reads(command: str, looked: str, home: Path) -> None:
    assert look(command) == looked


@pytest.mark.parametrize(
    ("command", "lists"),
    [
        ("rm -f *.log", "ls -la *.log"),
        ("rm a; rm b", "ls -la a; ls -la b"),
        ("cd build && rm -rf a", "cd {home}/work/build && ls -la a"),
        ("kubectl delete pod web -n shop", "kubectl get pod web -n shop -o name"),
        ("touch a", ""),
    ],
)
def test_what_a_command_would_change_is_listed(command: str, lists: str, home: Path) -> None:
    (home / "work" / "build").mkdir()
    assert listing(command) == lists.format(home=home)


def test_a_look_is_where_the_command_would_work(home: Path) -> None:
    assert (
        look("cd sub && rm -rf build")
        == f"cd {home}/work/sub && find build | wc -l && du -shc build | tail -n 1"
    )


@pytest.mark.parametrize(
    "command",
    [
        "ssh web1 rm -rf build",
        "docker exec web rm -rf build",
        "kubectl exec web -- rm -rf build",
        "cd $X && rm -rf build",
        "rm -rf $X",
        "git -C ../other clean -fd",
        "terraform -chdir=other destroy",
        "docker -H tcp://h:2375 rm web",
        "DOCKER_HOST=tcp://h:2375 docker rm web",
        "KUBECONFIG=~/.kube/other kubectl delete pod web",
        "kubectl config use-context other; kubectl delete pod web",
        "TF_WORKSPACE=prod terraform destroy",
    ],
)
def test_there_is_no_look_at_something_else(command: str, home: Path) -> None:
    assert look(command) == ""


def test_each_part_is_looked_at(home: Path) -> None:
    assert look("rm -rf build && kubectl delete ns shop").count("kubectl get ns shop") == 1


@pytest.mark.parametrize("path", ["~nosuch/x", "a\0b", "\ud800"])
def test_a_path_that_is_none_has_no_diff(path: str, home: Path) -> None:
    assert preview(Call("write_file", {"path": path, "content": ""}), lambda text: pytest.fail(text)) == ""


def test_the_diff_of_a_file(home: Path) -> None:
    Path("a.txt").write_text("one\n")
    told = preview(Call("write_file", {"path": "a.txt", "content": "two\n"}), lambda text: pytest.fail(text))
    assert told.splitlines()[-2:] == ["-one", "+two"]
