"""Edits of files that code works out from the task."""

import pytest

from devops_agent.forms.computed_edit import computed
from devops_agent.grounding import Ground

CRONTAB = """MAILTO=ops@example.com
30 1 * * * /opt/jobs/dump.sh --all >>/var/log/dump.log
0 8 * * * python3 /opt/jobs/mail.py
*/5 * * * * /opt/jobs/ping.sh
"""


@pytest.mark.parametrize(
    ("task", "line", "becomes"),
    [
        (
            "dump.sh should run at 5:45 every Monday",
            1,
            "45 5 * * 1 /opt/jobs/dump.sh --all >>/var/log/dump.log",
        ),
        ("run the dump every day at 23:10", 1, "10 23 * * * /opt/jobs/dump.sh --all >>/var/log/dump.log"),
        ("ping.sh shall run every 10 minutes", 3, "*/10 * * * * /opt/jobs/ping.sh"),
    ],
)
def test_the_times_of_a_job_are_changed(task: str, line: int, becomes: str) -> None:
    edit = computed("jobs.cron", CRONTAB, task)
    assert edit
    lines = CRONTAB.splitlines(keepends=True)
    assert edit.text.splitlines(keepends=True) == [*lines[:line], f"{becomes}\n", *lines[line + 1 :]]
    assert edit.description.endswith(f'call "recipe" with no arguments: line {line + 1} becomes "{becomes}".')
    assert edit.call({}, task, Ground()).arguments == {"path": "jobs.cron", "content": edit.text}


def test_the_times_of_several_jobs_are_changed_at_once() -> None:
    edit = computed("jobs.cron", CRONTAB, "dump should run at 2:00 every day, and ping every 20 minutes")
    assert edit
    assert edit.text.splitlines()[1].startswith("0 2 * * * /opt/jobs/dump.sh")
    assert edit.text.splitlines()[3] == "*/20 * * * * /opt/jobs/ping.sh"


@pytest.mark.parametrize(
    "task",
    [
        "sweep.sh should run at 5:45 every Monday",
        "dump.sh should run before mail.py",
        "dump.sh at 2:00 every day, and sweep.sh at 3:00 every day",
        "dumper.sh should run every day at 2:00",
        "Move dump.sh from 1:00 every day to 3:00 every day",
        "Remove dump.sh that runs every day at 1:30",
        "dump.sh should no longer run every day at 1:30",
    ],
)
def test_in_doubt_no_times_are_changed(task: str) -> None:
    assert computed("jobs.cron", CRONTAB, task) is None


@pytest.mark.parametrize(
    ("task", "version"),
    [
        ("Bump the minor version", "1.10.0"),
        ("raise it to the next patch version", "1.9.4"),
        ("set the version to the next major one", "2.0.0"),
    ],
)
@pytest.mark.parametrize("line", ['  "version": "{}",', "version = '{}'", "version: {}", 'version: "v{}"'])
def test_the_next_version_is_counted(task: str, version: str, line: str) -> None:
    text = "name: shop\n{}\npython_version: 3.10.1\nappVersion: 1.9.3\n"
    edit = computed("some", text.format(line.format("1.9.3")), task)
    assert edit
    assert edit.text == text.format(line.format(version))


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("version: 1.9.3\n", "Bump the version to 2.1.0"),
        ("version: 1.9.3\n", "Raise the minor version of a, and the major version of b"),
        ("version: 1.9.3\nversion: 1.9.3\n", "Bump the minor version"),
        ("version: 1.9.3-rc.1\n", "Bump the minor version"),
        ("version: 1.9.3\n", "Which minor version is it?"),
        ("version: 1.9.3\n", "Set the version to 1.9.7, a patch release"),
        ("version: 1.9.3\n", "Go back to the previous patch version"),
    ],
)
def test_in_doubt_no_version_is_counted(text: str, task: str) -> None:
    assert computed("Chart.yaml", text, task) is None


def test_the_lines_of_a_network_go() -> None:
    text = (
        "a 172.16.8.1\nb 172.16.80.1\nc 172.16.8.255;\nd 8.172.16.8\ne 300.1.2.3\nf 172.16.8.1.example.com\n"
    )
    edit = computed("hosts", text, "Remove all entries of 172.16.8.0/24 from hosts")
    assert edit
    assert edit.text == "b 172.16.80.1\nd 8.172.16.8\ne 300.1.2.3\nf 172.16.8.1.example.com\n"
    assert edit.change == "line 1 goes, line 3 goes"
    assert computed("hosts", text, "Add 172.16.8.0/24 to hosts") is None
    assert computed("hosts", text, "Remove the lines of 172.16.8.1/24 from hosts") is None
    assert computed("hosts", text, "Remove the lines of 10.0.0.0/8 from hosts") is None
    for exception in ("that are not in 172.16.8.0/24", "of 172.16.8.0/24 except 172.16.8.1"):
        assert computed("hosts", text, f"Remove all lines {exception} from hosts") is None
    assert computed("hosts", f"{text}g 172.16.8.0/24\n", "Remove the lines of 172.16.8.0/24") is None


NGINX = "    sendfile      on;\n    #tcp_nopush   on;\n\n    #gzip  on;\n    # gzip_static  on;\n"


@pytest.mark.parametrize(
    ("task", "change"),
    [
        (
            'uncomment the "gzip on" line, leave the other gzip settings commented out',
            'line 4 becomes "gzip  on;"',
        ),
        ("Uncomment tcp_nopush", 'line 2 becomes "tcp_nopush   on;"'),
        ("Uncomment gzip_static in it", 'line 5 becomes "gzip_static  on;"'),
        ("comment sendfile out", 'line 1 becomes "#sendfile      on;"'),
        ("Uncomment gzip and gzip_static", ""),
        ("Uncomment sendfile", ""),
        ("Add a comment to sendfile", ""),
        ("Add a comment above sendfile pointing out that it is slow", ""),
    ],
)
def test_a_line_is_put_into_a_comment_or_out_of_one(task: str, change: str) -> None:
    edit = computed("nginx.conf", NGINX, task)
    assert (edit.change if edit else "") == change


def test_a_section_ends_at_the_next_head_however_that_is_written() -> None:
    for head in ("[new] # for all", "[new] ; for all", "[[new]]"):
        edit = computed("app.ini", f"[old]\na = 1\n{head}\nb = 2\n", "Remove the section [old]")
        assert edit
        assert edit.text == f"{head}\nb = 2\n"


@pytest.mark.parametrize(
    "task",
    [
        "Comment out all jobs except mail.py",
        "Comment out the other jobs, only ping.sh has to go on",
        "Do not comment out mail.py",
        "Comment out the job below mail.py",
        "Uncomment the job of jobs.cron",
    ],
)
def test_in_doubt_no_job_is_put_into_a_comment(task: str) -> None:
    assert computed("jobs.cron", f"# jobs.cron of the shop\n{CRONTAB}", task) is None


def test_the_job_that_a_task_names_is_put_into_a_comment() -> None:
    edit = computed("jobs.cron", CRONTAB, "Comment out the job with mail.py, ping.sh has to go on")
    assert edit is None, "two jobs are named"
    task = "comment out the line of mail.py please, the other jobs go on"
    edit = computed("jobs.cron", CRONTAB, task)
    assert edit
    assert edit.change == 'line 3 becomes "#0 8 * * * python3 /opt/jobs/mail.py"'


INI = "[web]\nport = 80\n\n[old]\nport = 81\nsoap = on\n\n# for all\n[cache]\nport = 82\n"


@pytest.mark.parametrize(
    ("task", "goes"),
    [
        ("Remove the section [old] from app.ini", True),
        ("delete the whole [old] section", True),
        ("Nobody reads the block [old] any more. Please drop it, and all that is in it.", True),
        ("Remove soap from the section [old]", False),
        ("Remove the section [old] but not its port", False),
        ("Remove the sections [old] and [cache]", False),
        ("The section [old] has a line soap = on. Please remove it.", False),
        ("Delete the [old] soap line, it is in the wrong section", False),
        ("There is a comment above the section [old]. Delete it", False),
        ("Remove the section [old] if nobody reads it", False),
        ("Remove the section [new]", False),
        ("Add soap to the section [old]", False),
    ],
)
def test_a_section_goes_with_all_that_is_in_it(task: str, goes: bool) -> None:
    edit = computed("app.ini", INI, task)
    assert (edit.text if edit else INI) == (
        INI.replace("[old]\nport = 81\nsoap = on\n\n", "") if goes else INI
    )


def test_a_script_that_is_called_like_what_all_do_is_named_in_full() -> None:
    text = "0 1 * * * /opt/jobs/run.sh\n0 8 * * * /opt/jobs/mail.py\n"
    edit = computed("jobs.cron", text, "mail.py should run every day at 5:00")
    assert edit
    assert edit.text == text.replace("0 8", "0 5")


def test_a_file_with_other_comments_is_left_alone() -> None:
    assert computed("app.js", "  legacy(1);\n", "Comment out legacy(1)") is None
