"""What `kubectl describe pod` says of a pod."""

import pytest

from devops_agent.diagnosis.described import answer

POD = """\
Name:             web-1
Namespace:        shop
Status:           {status}
Containers:
  nginx:
    Image:          nginx:1.25
{state}
    Restart Count:  0
Conditions:
  Type    Status
Events:
{events}
"""
RUNNING = "    State:          Running\n      Started:      today\n    Ready:          True"
PULLS = "    State:          Waiting\n      Reason:       ErrImagePull\n    Ready:          False"
CRASHES = """\
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       Error
      Exit Code:    3
    Ready:          False"""
EVIDENCE = "  evidence: Failed to pull image"
DOES = "By that text it does run: POD is running, and its containers are ready."
FAILED = "  Warning  Failed  12s (x3 over 1m)  kubelet  Failed to pull image"


@pytest.mark.parametrize(
    ("status", "state", "events", "told"),
    [
        (
            "Running",
            RUNNING,
            "  <none>",
            "By that text it does run: POD is running, and its containers are ready.",
        ),
        (
            "Pending",
            PULLS,
            FAILED,
            "POD: container nginx waits: ErrImagePull\n  evidence: Failed to pull image",
        ),
        (
            "Running",
            CRASHES,
            "",
            "POD: container nginx waits: CrashLoopBackOff; before, it ended with exit code 3 (Error)",
        ),
        (
            "Pending",
            "    Ready:          False",
            FAILED,
            "POD: its status is Pending\n  evidence: Failed to pull image",
        ),
        ("Pending", "    Ready:          False", "", ""),
    ],
)
def test_why_a_pod_does_not_run_or_that_it_runs(status: str, state: str, events: str, told: str) -> None:
    text = POD.format(status=status, state=state, events=events)
    assert answer(text) == told.replace("POD", "pod web-1 in namespace shop")


@pytest.mark.parametrize("text", ["", "Name: x", "Name:  a\nNamespace:  b\nStatus:  Running\n"])
def test_another_text_says_nothing(text: str) -> None:
    assert answer(text) == ""


def test_of_two_pods_nothing_is_said() -> None:
    text = POD.format(status="Running", state=RUNNING, events="")
    assert answer(text + text) == ""
