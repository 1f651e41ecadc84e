"""The benchmark's own machinery, on tasks that need no service; the tasks themselves are checked by
`python -m benchmarks check` on a real engine and cluster."""

import re
import string
from pathlib import Path

import pytest

from benchmarks import agents, dialogues, document, report, runs, searches
from benchmarks.agents import Outcome
from benchmarks.levers import LEVERS, _watched
from benchmarks.runs import Run
from benchmarks.speed import document as speed
from benchmarks.stage import Stage, StageError, staged
from benchmarks.tasks import Task, load, select
from conftest import ROOT, Python
from devops_agent import runbook_library

TASKS = load()
DIALOGUES = dialogues.load()


def task(**fields: object) -> Task:
    values = {"name": "a-task", "prompt": "Write $APP", "verify": "true", "solution": "true"}
    return Task(**{**values, "tags": frozenset({"files"}), **fields})  # type: ignore[arg-type]


def run(name: str, passed: bool, **fields: object) -> Run:
    values = {"split": "dev", "tags": ["files"], "repeat": 0, "false_claim": False, "exit_code": 0}
    values |= {"seconds": 10.0, "steps": 2, "tokens_in": 500, "tokens_out": 40, "runbook": False}
    return Run("agent", name, passed=passed, why="", **{**values, **fields})  # type: ignore[arg-type]


# --- the tasks --------------------------------------------------------------------------------------------


def test_there_are_enough_tasks_of_each_kind() -> None:
    assert len(TASKS) >= 60
    assert sum(t.split == "test" for t in TASKS) >= 30
    assert sum(t.is_negative for t in TASKS) >= 10
    smoke = select(TASKS, "smoke")
    assert len(smoke) == 6
    assert not any(t.needs("docker") or t.needs("kubernetes") for t in smoke)


@pytest.mark.parametrize("one", [*TASKS, *DIALOGUES], ids=lambda t: t.name)
def test_a_task_is_complete(one: Task) -> None:
    assert one.verify.strip()
    assert one.solution.strip()
    names = {**one.names(0), "PORT": "8080"}
    assert not re.search(r"\$[A-Z]", one.filled(one.prompt, names)), "an unknown name in the prompt"


def _phrases(text: str) -> set[str]:
    """Runs of six words: shorter ones are how everybody speaks of deployments."""
    words = re.findall(r"[a-z0-9_.:/-]+", text.lower())
    return {" ".join(words[at : at + 6]) for at in range(len(words) - 5)}


def test_labelled_tasks_name_runbooks_that_there_are() -> None:
    names = {name for right, _ in searches.load() for name in right}
    assert names <= runbook_library.load().keys()
    found = [outcome for outcome, _, _ in searches.outcomes()]
    assert len(found) == len(searches.load()) == 200
    assert found.count(searches.RIGHT) >= 40
    assert "the right one" in searches.summary(found)


def test_nothing_in_the_product_knows_a_task() -> None:
    files = [
        *(path for path in ROOT.glob("*.py") if path.name != "test_agent.py"),
        *(ROOT / "devops_agent").rglob("*.py"),
        *(ROOT / "devops_agent").rglob("*.md"),
        *(ROOT / "devops_agent").rglob("*.txt"),
    ]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    known = _phrases(text)
    for one in (*TASKS, *DIALOGUES):
        prompt = string.Template(one.prompt).safe_substitute(NS="", APP="", APP2="", PORT="")
        assert not _phrases(prompt) & known, one.name
        assert one.name not in text or one.name.count("-") < 2, one.name


def test_a_dialogue_has_two_or_three_turns_that_no_test_types() -> None:
    assert len(DIALOGUES) == 20
    tests = (path for path in (ROOT / "tests").glob("*.py") if path != Path(__file__))
    typed = _phrases("\n".join(path.read_text(encoding="utf-8") for path in tests))
    for one in DIALOGUES:
        turns = one.prompt.splitlines()
        assert 2 <= len(turns) <= 3, one.name
        assert all(turn.strip() for turn in turns), one.name
        assert not _phrases(one.prompt) & typed, one.name


def test_a_runs_names_depend_on_task_and_repeat_only() -> None:
    assert task().names(0) == task().names(0)
    assert len({tuple(task().names(repeat).values()) for repeat in range(3)}) == 3
    assert all(one.names(r)["APP"] != one.names(r)["APP2"] for one in TASKS for r in range(3))


def test_a_suite_is_a_split_a_tag_or_names() -> None:
    assert {t.split for t in select(TASKS, "dev")} == {"dev"}
    first = TASKS[0].name
    assert [t.name for t in select(TASKS, first)] == [first]
    with pytest.raises(ValueError, match="No task is in the suite 'nothing'"):
        select(TASKS, "nothing")


def test_a_malformed_task_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("tags: [files]\nprompt: x\nverify: 'true'\n")
    with pytest.raises(ValueError, match=r"bad\.yaml: .*solution"):
        load(tmp_path)
    (tmp_path / "bad.yaml").write_text("tags: [nonsense]\n")
    with pytest.raises(ValueError, match=r"bad\.yaml: tags must be of"):
        load(tmp_path)


# --- the stage --------------------------------------------------------------------------------------------


def test_a_stage_judges_the_end_state_and_leaves_nothing_behind() -> None:
    one = task(files={"$APP.txt": "", "in/note": "$APP"}, verify="test -s made\nsays '[0-9]+ bytes'")
    with staged(one, 0, "none") as stage:
        assert stage.prompt == f"Write {one.names(0)['APP']}"
        assert (stage.cwd / "in" / "note").read_text() == one.names(0)["APP"]
        assert stage.judge("17 bytes") == (False, "")
        (stage.cwd / "made").write_text("x")
        assert stage.judge("Done.") == (False, "the answer lacks: [0-9]+ bytes")
        assert stage.judge("17 Bytes") == (True, "")
    assert not stage.cwd.exists()


def test_a_set_up_that_fails_says_nothing_about_the_agent(tmp_path: Path) -> None:
    broken = task(setup="echo no luck; false")
    with pytest.raises(StageError, match="the set-up of a-task failed: no luck"), staged(broken, 0, "none"):
        pass
    done = list(runs.run_all([broken], {"silent": agents.silent}, 1, "none", tmp_path / "out.jsonl"))
    assert [(r.staged, r.passed) for r in done] == [(False, False)]


def test_the_clean_up_runs_also_when_the_agent_breaks(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), staged(task(cleanup=f"touch {tmp_path}/cleaned"), 0, "none"):
        raise RuntimeError
    assert (tmp_path / "cleaned").exists()


# --- runs -------------------------------------------------------------------------------------------------


def boast_once_in_three(stage: Stage) -> Outcome:
    return Outcome("All done.", 0, 1.0)


def test_runs_are_appended_and_what_is_there_is_not_run_again(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out.jsonl"
    two = [task(name="one", verify="false"), task(name="two")]
    assert len(list(runs.run_all(two, {"a": boast_once_in_three}, 1, "none", out))) == 2
    assert list(runs.run_all(two, {"a": boast_once_in_three}, 1, "none", out)) == []
    assert len(list(runs.run_all(two, {"a": boast_once_in_three}, 2, "none", out))) == 2
    assert [(r.task, r.repeat, r.passed, r.false_claim) for r in runs.read(out)] == [
        ("one", 0, False, True),
        ("two", 0, True, False),
        ("one", 1, False, True),
        ("two", 1, True, False),
    ]


@pytest.mark.parametrize(
    ("answer", "exit_code", "claims"),
    [
        ("The deployment runs 3 replicas.", 0, True),
        ("The deployment runs 3 replicas.", 1, False),
        ("There is no such deployment.", 0, False),
        ("It could not be scaled.", 0, False),
        ("", 0, False),
    ],
)
def test_a_claim_of_success_is_an_answer_that_admits_nothing(
    answer: str, exit_code: int, claims: bool
) -> None:
    assert Outcome(answer, exit_code, 1.0).claims_success is claims


def test_another_command_runs_in_the_stages_directory_and_environment() -> None:
    with staged(task(environment={"COLOUR": "blue"}), 0, "none") as stage:
        outcome = agents.other("sh -c 'pwd; echo $COLOUR; echo \"$0\"' {prompt}")(stage)
        assert outcome.answer.split("\n")[:3] == [str(stage.cwd), "blue", stage.prompt]
        assert outcome.steps is None


def test_of_a_session_the_last_answer_counts() -> None:
    said = "🤖 Hello\n\n✅ There is one pod.\n❌ Not done: two\nlines.\nGoodbye!\n"
    assert dialogues.last_answer(Outcome(said, 0, 1.0)) == Outcome("Not done: two\nlines.", 1, 1.0)
    assert dialogues.last_answer(Outcome("✅ One.\n✅ Two.\nGoodbye!\n", 0, 1.0)) == Outcome("Two.", 0, 1.0)
    assert dialogues.last_answer(Outcome("🤖 Hello\n\nGoodbye!\n", 0, 1.0)) == Outcome("", 1, 1.0)


def test_the_turns_of_a_dialogue_are_the_lines_of_one_process(tmp_path: Path) -> None:
    program = tmp_path / "devops-agent"
    program.write_text('#!/bin/sh\necho "$@"\nwhile read -r turn; do echo "✅ $turn"; done\necho Goodbye!\n')
    program.chmod(0o755)
    with (
        pytest.MonkeyPatch.context() as patch,
        staged(task(prompt="look at $APP\nscale it"), 0, "none") as stage,
    ):
        patch.setattr(agents, "ROOT", tmp_path)
        outcome = dialogues.agent(["--model", "x"])(stage)
        said = agents.run_command([str(program)], stage, typed=stage.prompt + "\n").answer
    assert (outcome.answer, outcome.exit_code) == ("scale it", 0)
    assert said.splitlines()[1:] == [f"✅ look at {task().names(0)['APP']}", "✅ scale it", "Goodbye!"]


def test_another_agent_is_given_no_dialogue(python: Python) -> None:
    wanted = ("--dialogues", "--agent", "x {prompt}", "--kube-context", "none", "--out", "x.jsonl")
    result = python("-m", "benchmarks", "run", *wanted)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "Leave one of them out." in result.stderr


def test_the_agents_own_log_tells_steps_tokens_and_runbook() -> None:
    log = (
        "Runbook: Scale a deployment\n--- 2.1 s, prompt 560 tokens (512 cached), output 23\n"
        "--- 1.0 s, prompt 600 tokens (? cached), output 7\n"
    )
    assert agents._outcome("x", log, 0, 3.0) == Outcome("x", 0, 3.0, 2, 648, 30, True, log)


# --- reports ----------------------------------------------------------------------------------------------


def test_the_score_is_the_mean_over_tasks_not_over_runs() -> None:
    some = [run("a", True), run("a", True, repeat=1), run("a", True, repeat=2), run("b", False)]
    assert report.score(some) == 0.5
    low, high = report.interval(some)
    assert (low, high) == (0.0, 1.0)


def test_a_false_claim_counts_twice() -> None:
    assert report.penalised([run("a", True), run("b", False, false_claim=True)]) == pytest.approx(1 / 3)


def test_a_summary_splits_by_kind_and_runbook() -> None:
    rows = report.summary([run("a", True, runbook=True), run("b", False, split="test", tags=["docker"])])
    cells = {line.split("|")[1].strip(): line for line in rows.splitlines()[2:]}
    assert set(cells) == {"all", "dev", "test", "files", "docker", "a runbook matched", "no runbook"}
    assert "| 1 | 1 | 100% |" in cells["a runbook matched"]
    assert "| 2 | 2 | 50% |" in cells["all"]


def test_a_comparison_shows_the_tasks_that_differ() -> None:
    a = [run("x", True), run("y", True), run("only-a", True)]
    b = [run("x", True), run("y", False, seconds=20.0)]
    assert report.comparison(a, b).splitlines()[2:] == [
        "| y | 1 of 1 | 0 of 1 | 10 | 20 |",
        "| **all 2** (above: where they differ) | 100% | 50% | 10 | 15 |",
    ]


def test_no_context_no_run(python: Python) -> None:
    result = python("-m", "benchmarks", "run", "--out", "x.jsonl")
    assert result.returncode == 2
    assert "--kube-context" in result.stderr


# --- levers and the document ------------------------------------------------------------------------------


@pytest.mark.parametrize("lever", LEVERS)
def test_each_lever_can_be_taken_away(lever: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, name, replacement in LEVERS[lever]():
        monkeypatch.setattr(owner, name, replacement)  # raises where the product has no such name any more


def test_a_lever_is_at_work_where_it_makes_a_difference(python: Python) -> None:
    result = python("-m", "benchmarks.levers", "--", "runbooks", "list")
    assert "--- lever: worked examples" in result.stderr  # a constant is at work in every run


def test_a_watched_lever_does_what_it_did() -> None:
    noted: list[str] = []

    class Finder:
        wishes = property(lambda finder: ["scale", "expose"])

        def parts(self, task: str) -> list[str]:
            return task.split(", ")

    def note() -> None:
        noted.append("at work")

    parts = _watched(Finder.parts, lambda finder, task: [task], note, False)
    assert parts(Finder(), "scale web") == ["scale web"] and not noted
    assert parts(Finder(), "scale web, expose it") == ["scale web", "expose it"] and len(noted) == 1
    wishes = _watched(Finder.wishes, property(lambda finder: ["scale", "expose"]), note, False)
    assert wishes.fget(Finder()) == ["scale", "expose"] and len(noted) == 1
    assert _watched(lambda: (each for each in "ab"), lambda: ["a", "b"], note, False)() == ["a", "b"]
    assert len(noted) == 1
    assert _watched(lambda: 1, lambda: 1, note, True)() == 1 and len(noted) == 2


def test_the_document_is_made_of_the_results_that_are_kept() -> None:
    assert document.DOCUMENT.read_text(encoding="utf-8") == document.document(len(TASKS)), (
        "stale: run python -m benchmarks document"
    )


def test_the_document_of_the_speed_is_made_of_the_figures_that_are_kept() -> None:
    assert speed.DOCUMENT.read_text(encoding="utf-8") == speed.document(), (
        "stale: run python -m benchmarks.speed --publish"
    )
