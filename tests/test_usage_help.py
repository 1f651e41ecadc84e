"""What the installed tool says of a flag or field that it does not know."""

from pathlib import Path

import pytest
from fake_programs import Programs

from devops_agent.usage_help import hint

SCALE = """Set a new size.

Options:
    --replicas=0:
	The new number.
    --resource-version='':
	The version.

Usage:
  kubectl scale --replicas=COUNT TYPE NAME [options]

Use "kubectl options" for more."""
RUN = """Usage:  docker run [OPTIONS] IMAGE

Options:
      --env list   Set variables
  -m, --memory bytes"""
EXPLAIN = "KIND: Deployment\n\nFIELDS:\n  replicas\t<integer>\n    How many.\n\n  template\t<Pod>\n    x\n"


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    programs = Programs(tmp_path / "bin", monkeypatch)
    programs.add("kubectl", {"scale --help": SCALE, "explain deployment.spec": EXPLAIN})
    programs.add("docker", {"run --help": RUN})
    return programs


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (
            "unable to prepare context: unable to evaluate symlinks in Dockerfile path: "
            "lstat /tmp/site/Dockerfile: no such file or directory",
            "There is no Dockerfile in /tmp/site. Build where it is: docker build -t NAME .",
        ),
        (
            "error: unknown flag: --replica\nSee 'kubectl scale --help' for usage.",
            "kubectl scale has no flag --replica. Like it: --replicas. "
            "Usage: kubectl scale --replicas=COUNT TYPE NAME [options]",
        ),
        (
            "unknown flag: --cpu-shares-of-zebra\nSee 'docker run --help'.",
            "docker run has no flag --cpu-shares-of-zebra. It has: --env, --memory. "
            "Usage: docker run [OPTIONS] IMAGE",
        ),
        (
            'error when creating "a.yaml": Deployment in version "v1" cannot be handled as a Deployment: '
            'strict decoding error: unknown field "spec.replica"',
            "deployment.spec has no field replica. Is replicas meant? It has: replicas, template.",
        ),
        ("error: unknown flag: --foo", ""),
        ('Pod in version "v1": unknown field "spec.nothing"', ""),
        ("Error from server (NotFound): pods not found", ""),
        ("", ""),
    ],
)
def test_the_tool_itself_is_asked(output: str, said: str) -> None:
    assert hint(output) == said


def test_the_line_that_keeps_a_file_out_of_an_image_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    output = (
        "COPY failed: file not found in build context or excluded by .dockerignore: "
        "stat prices.csv: file does not exist"
    )
    assert hint(output) == ""
    (tmp_path / "prices.csv").write_text("a")
    assert hint(output) == ""
    (tmp_path / ".dockerignore").write_text("*.key\n*.csv\n")
    assert hint(output) == (
        "prices.csv is there, but the line '*.csv' of .dockerignore leaves it out.\n"
        r"  try: sed -i -e '$a\' .dockerignore; echo '!prices.csv' >> .dockerignore"
    )
