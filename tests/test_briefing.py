"""What stands behind the task before the first step."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from fake_programs import Programs, deployment

from devops_agent import briefing, events, runbook_library
from devops_agent.briefing import Briefer, Briefing, briefer, none
from devops_agent.grounding import Ground
from devops_agent.recipe_choice import unweighed
from devops_agent.runbook_library import Runbook

TASK = "Scale deployment web in namespace shop to 3 replicas"
OTHERS = ["apple", "banana", "cherry", "damson", "elder", "fig", "grape", "hazel"] * 12


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    programs = Programs(tmp_path / "bin", monkeypatch)
    programs.cluster({"shop": [deployment("web")]})
    return programs


def library() -> dict[str, Runbook]:
    """As many as the package has, for the score depends on how rare a word is."""
    text = "# Scale a deployment\nWhen: scale, replicas, namespace\nkubectl -n {namespace} scale {deployment}"
    found = runbook_library.parse("scale", text)
    for n, word in enumerate(OTHERS):
        found += runbook_library.parse(f"{word}-{n}", f"# Install {word}\n\nkubectl get {word}")
    return {runbook.name: runbook for runbook in found}


def make(seen: list[events.Event], ground: bool = True) -> Briefer:
    return briefer(library(), Path.cwd(), seen.append, ground)


def test_the_model_is_told_what_was_looked_up_and_a_recipe_with_its_names(programs: Programs) -> None:
    seen: list[events.Event] = []
    told = make(seen)(TASK, lambda: True)
    line = "namespace shop: deployment web: 1 of 1 ready; containers: web-main = nginx:1.25"
    assert str(told) == (
        f"Looked up just now:\n<tool_response>\n{line}\n</tool_response>\n\n"
        "A recipe that may help:\nScale a deployment\nkubectl -n shop scale web"
    )
    assert seen == [events.Grounded(line), events.Notice("Runbook: Scale a deployment")]


def test_without_grounding_nobody_is_asked_and_nothing_runs(programs: Programs) -> None:
    told = make([], ground=False)(TASK, lambda: pytest.fail("asked"))
    assert str(told).endswith("kubectl -n {namespace} scale {deployment}")
    assert programs.calls == []


def test_after_a_no_nothing_is_looked_up_and_a_recipe_is_told_all_the_same(programs: Programs) -> None:
    seen: list[events.Event] = []
    told = make(seen)(TASK, lambda: False)
    assert str(told).endswith("kubectl -n {namespace} scale {deployment}")
    assert programs.calls == []
    assert seen == [events.Notice("Runbook: Scale a deployment")]


def test_nobody_is_asked_where_there_is_nothing_to_look_up(programs: Programs) -> None:
    assert str(make([])("How warm is it?", lambda: pytest.fail("asked"))) == ""


def test_a_runbook_that_shares_only_a_word_is_not_told(programs: Programs) -> None:
    assert str(make([])("Which namespace is that?", lambda: False)) == ""


def test_the_briefer_that_says_nothing() -> None:
    assert str(none(TASK, lambda: pytest.fail("asked"))) == ""


def test_a_recipe_that_takes_all_is_none_for_a_task_with_an_exception() -> None:
    brief = briefer(runbook_library.load(), Path.cwd(), events.ignore, ground=False)
    whole = brief("Remove the stopped docker containers", lambda: True)
    assert whole.form
    assert "container prune" in str(whole.form)
    assert not brief("Remove the stopped docker containers, but keep cache", lambda: True).form


@pytest.mark.parametrize(
    ("task", "image"),
    [
        ("web can't pull its image, it should be nginx:1.25, fix it", "nginx:1.25"),
        ("web can't pull its image. Use reg.example.com:5000/x/nginx:2", "reg.example.com:5000/x/nginx:2"),
        ("web can't pull its image, see http://x:80/y, fix it at 10:30", "nginx:latest"),
        ("web can't pull nginx:1 but nginx:2, fix it", "nginx:latest"),
    ],
)
def test_the_image_that_a_task_names_outranks_the_one_that_was_found(task: str, image: str) -> None:
    found = "kubectl -n shop set image deployment/web nginx=nginx:latest"
    assert briefing._as_asked(found, task) == found.replace("nginx:latest", image)


def test_a_schedule_that_the_task_states_stands_in_its_recipe() -> None:
    brief = briefer(runbook_library.load(), Path.cwd(), events.ignore, ground=False)
    told = brief("Create the cron job sweep in the cluster, daily at 4:10", lambda: True)
    assert told.form
    assert "--schedule='10 4 * * *'" in told.form.template
    assert "schedule" not in told.form.fields


@pytest.mark.parametrize(
    ("task", "titles"),
    [
        (
            "Create the folder out, and write the sha256 checksum of a.tar to out/sum.txt",
            ["Create a folder; Write the sha256 checksum of a file to a file"],
        ),
        ("Create the folder out", ["Create a folder"]),
    ],
)
def test_the_things_that_a_task_wants_come_in_its_order(task: str, titles: list[str]) -> None:
    told = briefer(runbook_library.load(), Path.cwd(), events.ignore, ground=False)(task, lambda: True)
    assert [form.heading for form in (told.form, *(step.form for step in told.later)) if form] == titles


def test_what_makes_something_new_is_none_for_a_task_that_does_not() -> None:
    brief = briefer(runbook_library.load(), Path.cwd(), events.ignore, ground=False)
    assert brief("Create the secret login from the file a.env in namespace shop", lambda: True).form
    told = brief("Copy the secret login in namespace shop over from the file a.env", lambda: True)
    assert not (told.form and told.form.heading.startswith("Create"))


@pytest.mark.parametrize(
    "task",
    [
        "Remove the quota on namespace shop",
        "Remove the key API from secret login in namespace shop",
        "Remove the liveness probe from deployment web in namespace shop",
        "Remove the deployment's liveness probe in namespace shop",
        "Delete the pods of deployment web in namespace shop",
        "Delete port 9090 from service web in namespace shop",
        "The job in namespace shop is stuck, delete it",
    ],
)
def test_no_object_goes_for_a_part_of_it(task: str) -> None:
    told = briefer(runbook_library.load(), Path.cwd(), events.ignore, ground=False)(task, lambda: True)
    forms = [str(form) for form in (told.form, *(step.form for step in told.later)) if form]
    assert not any(re.search(r"delete (?!pod)", form) for form in forms)


@pytest.mark.parametrize(
    ("task", "command"),
    [
        ("Delete the job report in namespace shop", "delete job"),
        ("Get rid of the config map old in namespace shop", "delete configmap"),
        ("Delete the namespace shop", "delete namespace"),
    ],
)
def test_an_object_goes_that_is_to_go(task: str, command: str) -> None:
    told = briefer(runbook_library.load(), Path.cwd(), events.ignore, ground=False)(task, lambda: True)
    assert command in str(told.form)


@pytest.mark.parametrize(
    "task",
    [
        "Restart the systemd service cache on this machine",
        "Stop apache2 and keep it from starting at boot",
        "Our users see 503 on port 8080, repair the backend in namespace shop",
        'uncomment the "gzip on" line in the file nginx.conf',
        "Clear the build cache of docker",
    ],
)
def test_a_recipe_of_another_program_is_not_told(task: str) -> None:
    told = briefer(runbook_library.load(), Path.cwd(), events.ignore, ground=False)(task, lambda: True)
    assert not re.search(r"kubectl|git rm|livenessProbe|gzip -v|docker build", f"{told.form}{told.recipe}")


def test_a_users_own_recipe_needs_no_such_word() -> None:
    text = "# Deploy the web site\n\n```bash\ngit pull\n```"
    (own,) = [replace(each, own=False) for each in runbook_library.parse("site", text)]
    brief = briefer({**runbook_library.load(), own.name: own}, Path.cwd(), events.ignore, ground=False)
    assert "git pull" in str(brief("Deploy the web site", lambda: True).form)


@pytest.mark.parametrize(
    ("task", "port"),
    [
        ("web does not start, use port 9090 for it", "9090"),
        ("web does not start on port 8080, fix it", "8081"),
        ("web does not start, get it going on another port", "8081"),
    ],
)
def test_the_port_that_a_task_names_outranks_the_one_that_is_free(task: str, port: str) -> None:
    found = "docker rm web && docker run -d --name web -p 8081:80 nginx:1.25"
    assert briefing._as_asked(found, task) == found.replace("8081", port)
    several = found.replace("-p 8081:80", "-p 443:443 -p 8081:80")
    assert briefing._as_asked(several, task) == several


def test_a_look_at_all_there_is_does_not_hide_what_was_found() -> None:
    told = Briefing(Ground(["process 7: web; 9 KiB resident"], informs=True))
    task = "Which of the processes named web uses the most memory?"
    runbooks = runbook_library.load()
    alone = briefing._with_recipe(Briefing(), runbooks, task, {}, Path(), events.ignore, unweighed)
    assert alone.form
    assert alone.form.look.startswith("ps ")
    assert briefing._with_recipe(told, runbooks, task, {}, Path(), events.ignore, unweighed).form is None
