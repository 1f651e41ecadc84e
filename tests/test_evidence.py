"""What a run comes to, from what its calls did."""

import pytest

from devops_agent.errors import ExitCode
from devops_agent.evidence import Evidence, admits_failure, invented, outcome, unfounded_claim
from devops_agent.protocol import Call

LOOK = Call("bash", {"command": "kubectl get pods"})
CHANGE = Call("bash", {"command": "kubectl apply -f web.yaml"})
OTHER = Call("write_file", {"path": "web.yaml", "content": "kind: Pod"})

# what ran, as (call, changes, ok), and what it comes to
RUNS = [
    ([], ExitCode.FAILED),
    ([(LOOK, False, True)], ExitCode.DONE),
    ([(LOOK, False, False)], ExitCode.FAILED),
    ([(CHANGE, True, True)], ExitCode.DONE),
    ([(CHANGE, True, False)], ExitCode.FAILED),
    ([(LOOK, False, True), (CHANGE, True, False)], ExitCode.FAILED),
    ([(CHANGE, True, False), (LOOK, False, True)], ExitCode.FAILED),
    ([(CHANGE, True, False), (CHANGE, True, True)], ExitCode.DONE),
    ([(CHANGE, True, False), (OTHER, True, True)], ExitCode.DONE),
    ([(CHANGE, True, True), (OTHER, True, False)], ExitCode.FAILED),
    ([(CHANGE, True, True), (LOOK, False, False)], ExitCode.DONE),
    ([(LOOK, False, False), (LOOK, False, True)], ExitCode.DONE),
]


def after(*ran: tuple[Call, bool, bool]) -> Evidence:
    evidence = Evidence()
    for call, changes, ok in ran:
        evidence.ran(call, changes, ok)
    return evidence


@pytest.mark.parametrize(("ran", "code"), RUNS)
def test_what_a_run_comes_to(ran: list[tuple[Call, bool, bool]], code: ExitCode) -> None:
    evidence = after(*ran)
    assert evidence.exit_code() is code
    assert evidence.calls == len(ran)
    assert evidence.succeeded == sum(ok for _, _, ok in ran)


@pytest.mark.parametrize(("ran", "code"), RUNS)
def test_a_run_that_ends_with_a_refusal_is_refused_whatever_was_before(
    ran: list[tuple[Call, bool, bool]], code: ExitCode
) -> None:
    evidence = after(*ran)
    evidence.refused = True
    assert evidence.exit_code() is ExitCode.REFUSED


@pytest.mark.parametrize("ok", [True, False])
def test_a_call_that_runs_after_a_refusal_ends_it(ok: bool) -> None:
    evidence = Evidence(refused=True)
    evidence.ran(LOOK, False, ok)
    assert evidence.exit_code() is (ExitCode.DONE if ok else ExitCode.FAILED)


def test_a_run_without_an_answer_failed_even_when_all_went_well() -> None:
    evidence = after((CHANGE, True, True))
    evidence.ended_early = "no final answer after 15 steps"
    assert evidence.exit_code() is ExitCode.FAILED


# --- the failed change ------------------------------------------------------------------------------------


def test_the_failed_change_is_named_by_its_tool_and_first_argument() -> None:
    assert after((CHANGE, True, False)).failed_change == "bash {kubectl apply -f web.yaml}"
    assert after((OTHER, True, False)).failed_change == "write_file {web.yaml}"
    assert after((Call("restart", {}), True, False)).failed_change == "restart {}"


def test_the_newest_failed_change_counts_until_one_succeeds() -> None:
    evidence = after((CHANGE, True, False), (OTHER, True, False))
    assert evidence.failed_change.startswith("write_file")
    evidence.ran(LOOK, False, True)
    assert evidence.failed_change.startswith("write_file")
    evidence.ran(CHANGE, True, True)
    assert evidence.failed_change == ""


# --- repetitions ------------------------------------------------------------------------------------------


def test_a_call_is_repeated_when_name_and_arguments_are_the_same() -> None:
    evidence = after((OTHER, True, True))
    assert evidence.repeated(OTHER)
    assert evidence.repeated(Call("write_file", {"content": "kind: Pod", "path": "web.yaml"}))
    assert not evidence.repeated(Call("write_file", {"path": "web.yaml", "content": "kind: Job"}))
    assert not evidence.repeated(Call("read_file", {"path": "web.yaml"}))


@pytest.mark.parametrize(
    ("changes", "ok", "repeated"),
    [(True, True, False), (True, False, True), (False, True, True), (False, False, True)],
)
def test_only_a_change_that_succeeded_opens_the_way_again(changes: bool, ok: bool, repeated: bool) -> None:
    assert after((LOOK, False, True), (CHANGE, changes, ok)).repeated(LOOK) is repeated


def test_a_change_itself_is_not_made_twice_in_a_row() -> None:
    assert after((CHANGE, True, True)).repeated(CHANGE)


def test_arguments_of_any_kind_can_be_compared() -> None:
    odd = Call("sum", {"numbers": [1, 2.5, None], "how": {"exact": True}, "where": object})
    assert after((odd, False, True)).repeated(odd)


# --- honest answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        "The deployment failed.",
        "Failed to scale web.",
        "It could not be created.",
        "The image can't be pulled.",
        "The image can’t be pulled.",
        "DID NOT WORK",
        "Cannot connect to the Docker daemon.",
        "I was unable to build it.",
        "The build was unsuccessful.",
        "Permission denied.",
        "The file is missing.",
        "Error from server: forbidden",
        "It timed out.",
        "The user rejected the call.",
        "The connection was refused.",
    ],
)
def test_answers_that_admit_a_failure(answer: str) -> None:
    assert admits_failure(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "Done.",
        "Deployment web was scaled to 3 replicas.",
        "Nothing else to do: the notebook runs on node-1.",
        "The container terminated and was started again.",
        "Deleted 2 files: error.log and app.log.",
        "Restarted failover-1 and set fail_timeout to 5s in conf/errors.conf.",
    ],
)
def test_answers_that_claim_success(answer: str) -> None:
    assert not admits_failure(answer)


SAID = "scanning\nerror: no such disk\nExit code: 1"


def test_what_failed_is_told_by_code() -> None:
    evidence = Evidence(wants_change=True)
    evidence.ran(CHANGE, True, False, output=SAID)
    failed = "bash {kubectl apply -f web.yaml} failed: scanning / error: no such disk"
    assert outcome(evidence, "It runs now.") == f"Not done: {failed}"
    assert outcome(evidence, "It could not be applied.") == f"It could not be applied.\n{failed}"
    evidence.ran(CHANGE, True, True)
    assert outcome(evidence, "It runs now.") == ""


def test_a_command_that_fails_may_be_the_answer_to_a_question() -> None:
    evidence = Evidence()
    evidence.ran(Call("bash", {"command": "./check.sh"}), True, False, output="port 80 is red")
    told = "3 of 4 checks pass.\nbash {./check.sh} failed: port 80 is red"
    assert outcome(evidence, "3 of 4 checks pass.") == told


def test_of_several_lines_the_first_names_the_command() -> None:
    evidence = after((Call("bash", {"command": "set -e\nmkdir a\nmkdir b"}), True, False))
    evidence.wants_change = True
    assert outcome(evidence, "Done.") == "Not done: bash {mkdir a …} failed."


@pytest.mark.parametrize(
    ("evidence", "answer", "told"),
    [
        (Evidence(missing="There is no pod a."), "It is deleted.", "There is no pod a."),
        (
            Evidence(missing="There is no pod a."),
            "It is not running.",
            "There is no pod a. It is not running.",
        ),
        (Evidence(settled="It is on already."), "I turned it on.", "It is on already."),
        (Evidence(unmet="There is no service b."), "All is there.", "Not done: There is no service b."),
        (Evidence(wants_change=True), "It is scaled.", "Not done: nothing was changed."),
        (Evidence(wants_change=True), "It has 3 replicas already.", ""),
        (Evidence(wants_change=True), "It has 3 replicas as wanted, no change needed.", ""),
        (Evidence(), "Three pods run.", ""),
    ],
)
def test_an_answer_that_results_contradict_is_replaced(evidence: Evidence, answer: str, told: str) -> None:
    assert outcome(evidence, answer) == told


@pytest.mark.parametrize(
    ("answer", "commands", "claim"),
    [
        ("The image was built and runs.", ["docker run a"], "built"),
        ("The image was built.", ["docker build -t a ."], ""),
        ("It is built from Debian.", [], ""),
        ("All is committed.", ["git add a"], "committed"),
        ("Restarted web.", ["kubectl rollout restart deployment/web"], ""),
        ("Two pods run.", [], ""),
    ],
)
def test_what_no_command_did_is_not_claimed(answer: str, commands: list[str], claim: str) -> None:
    assert unfounded_claim(answer, commands) == claim


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("It runs with PID 10367.", ["10367"]),
        ("It runs with PID 10410, on port 8080.", []),
        ("It has 1,048,576 bytes.", []),
        ("It has 2 replicas in 2025.", ["2025"]),
        ("The commit is 9c21fe6.", []),
        ("The commit is 9c21fe7f.", ["9c21fe7f"]),
        ("It came from 192.0.2.7.", ["192.0.2.7"]),
        ("Open ports: 10410,1048576", []),
        ("The kernel is 5.15.0-91-generic.", ["5.15.0"]),
        ("Open ports: 80,443", ["80443"]),
        ("It listens on 127.0.0.1, the mask is 255.255.255.0.", []),
        ("The commit is 9C21FE6F.", []),
        ("It came from 192.0.2.1 at 10:36:75.", []),
        ("web-10367 and v10.36 and deadbeef", []),
    ],
)
def test_figures_hashes_and_addresses_of_an_answer_stand_somewhere(answer: str, found: list[str]) -> None:
    known = "pid 10410, 192.0.2.1:8080, 1048576 bytes, commit 9c21fe6f94e6"
    assert invented(answer, known) == found


def test_what_stands_in_no_result_is_told_behind_the_answer() -> None:
    evidence = Evidence(invented=["10367"], seen="it runs")
    assert outcome(evidence, "It runs with PID 10367.") == "It runs with PID 10367.\nIn no result: 10367."


def test_what_no_command_did_is_not_done_when_the_answer_says_so_again() -> None:
    evidence = Evidence(
        wants_change=True, succeeded=1, changed=1, seen="Changed .dockerignore", claimed="built"
    )
    assert outcome(evidence, "The image was built.").startswith("Not done: no command did what 'built' says.")
    assert evidence.exit_code() is ExitCode.FAILED


def test_made_up_facts_where_the_commands_told_nothing_are_no_answer() -> None:
    evidence = Evidence(calls=1, succeeded=1, invented=["4711"])
    assert outcome(evidence, "Its id is 4711.") == (
        "Not answered: the commands told nothing, and 4711 is in no result."
    )
    assert evidence.exit_code() is ExitCode.FAILED
    evidence.seen = "web"
    assert outcome(evidence, "Its id is 4711.").endswith("In no result: 4711.")
    assert evidence.exit_code() is ExitCode.DONE
