"""The completions of bash, zsh and fish, as the shells themselves compute them."""

import os
import shlex
import shutil
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from fake_programs import Programs

from devops_agent import parsers
from devops_agent.commands.completions import completions_command

CONTEXTS = "dev\narn:aws:eks:eu-1:1:cluster/prod\narn:aws:eks:eu-1:1:cluster/test\n$(touch made)\n"


def script(shell: str) -> str:
    out = StringIO()
    completions_command(parsers.subcommand_parser("completions").parse_args([shell]), out)
    return out.getvalue()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """A cluster with two namespaces and some contexts."""
    made = Programs(tmp_path / "bin", monkeypatch)
    made.add(
        "kubectl",
        {"get namespaces *": "namespace/shop\nnamespace/default\n", "config get-contexts *": CONTEXTS},
    )
    return made


def in_shell(shell: str, *arguments: str) -> str:
    path = shutil.which(shell, path=f"{os.environ['PATH']}:/usr/bin:/bin:/usr/local/bin")
    if not path:
        pytest.skip(f"{shell} is not installed")
    return subprocess.run(
        [path, *arguments], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    ).stdout


def of_bash(*words: str) -> list[str]:
    """What bash offers for the last of these words, which are parted as bash parts them."""
    text = (
        f"source /dev/fd/3; COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; _devops_agent; "
        "printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    text = f"{{ {text}\n}} 3<<'END'\n{script('bash')}END\n"
    return in_shell("bash", "--norc", "-c", text).split("\n")[:-1]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([""], list(parsers.SUBCOMMANDS)),
        (["d"], ["diagnose", "doctor"]),
        (["--co"], ["--continue", "--context", "--color"]),
        (["--color", ""], ["auto", "always", "never"]),
        (["--color", "=", "n"], ["never"]),
        (["--color", "="], ["auto", "always", "never"]),
        (["x", "--backend", "o"], ["ollama"]),
        (["runbooks", ""], ["list", "show", "search", "add"]),
        (["runbooks", "s"], ["show", "search"]),
        (["runbooks", "show", "-"], ["-h", "--help"]),
        (["sessions", "export", "--format", ""], ["markdown", "script"]),
        (["audit", "--effect", "de"], ["destructive"]),
        (["completions", ""], ["bash", "zsh", "fish"]),
        (["undo", "-"], ["-h", "--help", "--yes"]),
        (["-n", ""], ["shop", "default"]),
        (["x", "--namespace", "=", "s"], ["shop"]),
        (["diagnose", "-n", "sh"], ["shop"]),
        (["--context", "d"], ["dev"]),
        (
            ["--context", "arn", ":", "aws", ":", "eks", ":", "eu-1", ":", "1", ":", "cluster/p"],
            ["cluster/prod"],
        ),
        (["--context", "$"], ["$(touch made)"]),
        (["runbooks", "add", ""], [""]),  # nothing: bash offers files
        (["-f", ""], [""]),
        (["scale", "r"], [""]),
    ],
)
def test_bash_offers(words: list[str], expected: list[str], programs: Programs, tmp_path: Path) -> None:
    assert of_bash("devops-agent", *words) == expected
    assert not (tmp_path / "made").exists()


def test_without_kubectl_nothing_is_offered_and_nothing_said(
    programs: Programs, capfd: pytest.CaptureFixture[str]
) -> None:
    (programs.folder / "kubectl").unlink()
    assert of_bash("devops-agent", "-n", "") == [""]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_accepts_its_script(shell: str, tmp_path: Path) -> None:
    (tmp_path / "script").write_text(script(shell))
    in_shell(shell, "-n", str(tmp_path / "script"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_flag_and_word_of_every_parser_is_in_the_script(shell: str) -> None:
    words = set(parsers.SUBCOMMANDS) | {"list", "explain", "delete", "auto", "markdown", "llama-cpp"}
    flags = {name for each in parsers.main_parser()._actions for name in each.option_strings if len(name) > 2}
    shown = script(shell)
    missing = [word for word in words | flags if (word.lstrip("-") if shell == "fish" else word) not in shown]
    assert missing == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("devops-agent do", ["doctor"]),
        ("devops-agent runbooks s", ["search", "show"]),
        ("devops-agent --color=a", ["--color=always", "--color=auto"]),
        ("devops-agent audit --effect de", ["destructive"]),
        ("devops-agent -n s", ["shop"]),
        ("devops-agent undo --", ["--help", "--yes"]),
    ],
)
def test_fish_offers(line: str, expected: list[str], tmp_path: Path, programs: Programs) -> None:
    (tmp_path / "script").write_text(script("fish"))
    text = f"source {tmp_path / 'script'}; complete -C {shlex.quote(line)}"
    assert (
        sorted(each.split("\t")[0] for each in in_shell("fish", "--no-config", "-c", text).splitlines())
        == expected
    )
