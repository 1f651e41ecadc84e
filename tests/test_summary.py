"""What is told of a change where code knows that it is all that was wanted."""

import pytest

from devops_agent.protocol import Call
from devops_agent.summary import of_change


@pytest.mark.parametrize(
    ("command", "output", "checked", "told"),
    [
        (
            "kubectl -n shop scale deployment/web --replicas=3",
            "deployment.apps/web scaled\n",
            "Checked: deployment web in namespace shop: 3 of 3 pods ready.",
            "Done: kubectl -n shop scale deployment/web --replicas=3\ndeployment.apps/web scaled\n"
            "deployment web in namespace shop: 3 of 3 pods ready.",
        ),
        ("docker rename a b", "", "", "Done: docker rename a b"),
        ("docker run -d nginx", f"{'0a' * 32}\n", "", "Done: docker run -d nginx"),
        ("set -e\nmkdir a\ntouch a/b", "", "", "Done: mkdir a; touch a/b"),
        ("tar -cvf a.tar b", "b/1\nb/2\nb/3\nb/4\nb/5\n", "", "Done: tar -cvf a.tar b"),
        ("cat > a <<'E'\nb\nE", "", "", "Done: Write a file"),
        (f"echo {'x' * 200}", "", "", "Done: Write a file"),
    ],
)
def test_a_command_is_told_with_what_it_printed_and_what_was_seen(
    command: str, output: str, checked: str, told: str
) -> None:
    assert of_change(Call("bash", {"command": command}), "Write a file", output, checked) == told


def test_a_long_command_without_a_title_is_cut() -> None:
    told = of_change(Call("bash", {"command": "x" * 500}), "", "", "")
    assert told == f"Done: {'x' * 160} …"


def test_of_a_file_the_lines_that_changed_are_told() -> None:
    call = Call("write_file", {"path": "a.ini", "content": "port = 81"})
    assert of_change(call, "", "Wrote 9 bytes", "Changed a.ini:\n-port = 80\n+port = 81") == (
        "Changed a.ini:\n-port = 80\n+port = 81"
    )
    assert of_change(call, "", "Wrote 9 bytes", "") == "Wrote a.ini."
