"""What a task wants, thing by thing, and the form that does each."""

from pathlib import Path

import pytest

from devops_agent import briefing, events, grounding, intent, runbook_library
from devops_agent.briefing import Briefing
from devops_agent.errors import CallRefused
from devops_agent.file_wishes import (
    absent_before,
    absent_value,
    empty_files,
    meant_path,
    moved,
    next_version,
    not_executable,
    pairs_to_write,
    word_to_set,
)
from devops_agent.form_finder import FormFinder
from devops_agent.forms.compose_service import ComposeService
from devops_agent.forms.file_edits import edit_of
from devops_agent.forms.line_edit import LineEdit
from devops_agent.forms.new_script import NewScript
from devops_agent.forms.recipe import RecipeForm
from devops_agent.forms.rewrite import Rewrite
from devops_agent.grounding import Ground
from devops_agent.grounding.file_modes import file_and_mode
from devops_agent.protocol import Call
from devops_agent.steps import undone

_DELETES = "Delete the files that are meant"
CONF = "[a]\nport = 80\nhost = x\n[b]\nport = 81\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("app.ini").write_text(CONF)
    Path("web.conf").write_text("workers = 4\nlevel = info\n")
    Path("VERSION").write_text("1.4.1\n")


def briefed(task: str) -> Briefing:
    return briefing.briefer(runbook_library.load(), Path.cwd(), events.ignore)(task, lambda: True)


def steps(task: str) -> list[str]:
    told = briefed(task)
    forms = [told.form, *(step.form for step in told.later)]
    return [getattr(form, "path", "") or form.heading if form else "" for form in forms]


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (
            "Keep a copy of web.conf as web.conf.bak. Then in web.conf change workers to 8",
            ["Copy a file", "web.conf"],
        ),
        (
            "Set workers to 8 in web.conf, then make web.conf readable by everyone",
            ["web.conf", "Change the permissions of a file"],
        ),
        (
            "Set workers to 8 in web.conf, then send the program a HUP (its pid is in run.pid)",
            ["web.conf", ""],
        ),
        ("Set workers to 8 in web.conf", ["web.conf"]),
        ("Set workers to 8 in web.conf and make sure it is running", ["web.conf"]),
        (
            "Create a folder srv with the subfolders bin, conf and logs. Copy web.conf to srv/conf",
            ["Create the folders; Copy a file"],
        ),
        ("Create the folder out", ["Create a folder"]),
        ("Remove the merge leftovers in this project (*.orig and files ending in ~)", [_DELETES]),
        (
            "Save the config map web-env of namespace shop to env.yaml, then scale deployment web to 3",
            ["Save the manifest of an object of the cluster to a file; Scale a deployment"],
        ),
        (
            "Make a self-signed certificate for a.internal, as tls.crt and tls.key here",
            ["Create a self-signed certificate and its key"],
        ),
    ],
)
def test_each_thing_has_its_form(task: str, expected: list[str]) -> None:
    assert steps(task) == expected


def test_what_is_to_be_found_first_is_looked_at() -> None:
    Path("access.log").write_text('1.2.3.4 - - [x] "GET / HTTP/1.1" 401 5\n')
    found = "Find the client IP with the most 401 responses in access.log"
    assert "awk -v s=401" in briefed(f"We are under attack. {found}, and add it to web.conf").look
    assert briefed(f"Add a line to web.conf. {found}").look
    assert not briefed("Add the client IP with the most 401 responses to web.conf").look


@pytest.mark.parametrize(
    ("task", "fits"),
    [
        ("Pack the folder logs into a.tar.gz", True),
        ("Compress everything in logs/ older than 7 days", False),
        ("Scale deployment web to 3 replicas in namespace shop", True),
        ("Create the docker network front", True),
        ("Create the docker network front with subnet 172.30.0.0/24", False),
    ],
)
def test_a_form_without_room_for_a_number_of_the_task_is_none_for_it(task: str, fits: bool) -> None:
    form = briefed(task).form
    titles = (
        "Pack a folder into an archive",
        "Compress a file",
        "Scale a deployment",
        "Create a docker network",
    )
    assert bool(form and form.heading in titles) is fits


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("Set workers to 8 in web.conf", "web.conf does not have 8 yet."),
        ("Set workers to 4 in web.conf", ""),
        ("In web.conf set level to '#debug' and restart it", "web.conf does not have #debug yet."),
        ("Set workers to 8 in no.conf", ""),
        ("Copy web.conf to /tmp/8.conf", ""),
        ("Do not set workers to 8 in web.conf", ""),
        ("Bump VERSION to 1.4.2 and tell me", "VERSION does not have 1.4.2 yet."),
        ("In web.conf set workers to 4 and the level to v2", "web.conf does not have v2 yet."),
    ],
)
def test_a_value_that_a_file_is_to_have_and_has_not_is_told(task: str, said: str) -> None:
    assert absent_value(task) == said


def test_what_a_file_is_to_be_like_is_no_wish_of_its_own() -> None:
    assert intent.wishes("Write me a logrotate config x.conf: rotate daily, compress them") == [
        "Write me a logrotate config x.conf: rotate daily, compress them"
    ]
    assert intent.wishes("Create app.env with two lines: A=1, B=2, then delete old.env") == [
        "Create app.env with two lines: A=1, B=2",
        "delete old.env",
    ]
    assert intent.wishes("Do three things: make the folder x, delete y.txt, and move z.txt to x")[1:] == [
        "delete y.txt",
        "move z.txt to x",
    ]


def test_a_file_that_is_to_be_made_is_no_folder() -> None:
    Path("deploy").mkdir()
    told = briefed("Create deploy/eu.json with the region eu-west-1")
    assert told.form is None
    assert not told.recipe


def test_what_is_done_later_is_not_wanted_now() -> None:
    told = briefed("Save the docker image web:1 as web.tar.gz, so that I can docker load it elsewhere")
    assert told.form
    assert told.form.heading == "Save a docker image to a file"


def test_a_file_is_changed_before_it_is_built_or_committed() -> None:
    task = "bump VERSION to 1.4.2, build the image from here as web:1.4.2 and tag it web:latest"
    assert absent_before(task, "docker build -t web:1.4.2 .") == "VERSION does not have 1.4.2 yet."
    assert not absent_before(task, "docker tag web:1.4.2 web:latest")
    assert not absent_before("Build the image web:1, then set workers to 9 in web.conf", "docker build .")
    assert absent_before("Set workers to 9 in web.conf and commit it", "git commit -am x")
    Path("VERSION").write_text("1.4.2\n")
    assert not absent_before(task, "docker build -t web:1.4.2 .")


def test_a_dockerfile_for_an_app_is_no_script() -> None:
    told = briefed("Write a Dockerfile for the Node.js app here")
    assert told.form
    assert told.form.heading == "Create a Dockerfile for a Node.js application"
    told = briefed("Write a short script dump.sh that saves the docker image web:1 to a file")
    assert told.form == NewScript("dump.sh")


def test_a_script_that_is_to_be_executable_is_made_so_behind_its_form() -> None:
    told = briefed("I need a small dump.sh that packs web.conf into /tmp/x.tar, executable please")
    assert told.form == NewScript("dump.sh")
    assert ["chmod +x dump.sh" in str(step.form) for step in told.later] == [True]
    assert briefed("Write a script dump.sh and a script load.sh").form is None
    Path("dump.sh").touch()
    assert not isinstance(briefed("Write a script dump.sh that packs web.conf").form, NewScript)


def test_a_script_is_written_whole_by_its_form() -> None:
    form = NewScript("dump.sh")
    call = form.call({"content": "#!/bin/bash\necho x"}, "", Ground())
    assert call == Call("write_file", {"path": "dump.sh", "content": "#!/bin/bash\necho x\n"})
    assert form.is_done_by(call)
    slip = "#!/bin/bash\nFILE= backups/$(date +%F).gz\nDIR= data/\nIFS= read -r line\nLC_ALL= sort"
    mended = slip.replace("DIR= ", "DIR=")
    assert form.call({"content": slip}, "", Ground()).arguments["content"] == f"{mended}\n"
    for wrong in ("", "echo x", "#!/bin/bash"):
        with pytest.raises(CallRefused, match="its whole text"):
            form.call({"content": wrong}, "", Ground())


def test_what_a_thing_shall_be_like_is_no_thing_of_its_own() -> None:
    Path("compose.yaml").write_text("services:\n  web:\n    image: web:1\n  db:\n    image: db:1\n")
    told = briefed(
        "Add a service cache with the image redis:7 to compose.yaml. Its data (/data) goes into a named "
        "volume cached, and web should be started after it. Do not start anything."
    )
    assert isinstance(told.form, ComposeService)
    assert {"volumes", "needed_by"} <= set(told.form.inputs)
    assert not told.later


def finder_for(task: str) -> FormFinder:
    ground = grounding.look_up(task, Path.cwd(), {})
    changes = intent.asks_for_change(task)
    return FormFinder.of(task, runbook_library.load(), ground, ground.names, changes, Path.cwd())


def commands_of(task: str) -> list[str]:
    forms = [step.form for step in finder_for(task).steps]
    return [form.template for form in forms if isinstance(form, RecipeForm)]


def test_each_thing_is_done_with_the_names_that_it_says() -> None:
    for name in ("old-app", "new-app"):
        Path(name, "run").mkdir(parents=True)
        Path(name, "run/app.pid").write_text("1\n")
    stop, delete = commands_of(
        "Stop it, its pid is in old-app/run/app.pid, and then delete the whole old-app folder."
    )
    assert "\npid=$(cat old-app/run/app.pid) && ps " in stop
    assert delete == "rm -r -- old-app"
    for task in ("Delete the folder new-app and everything in it", "remove the directory ./new-app/."):
        assert commands_of(task) == ["rm -r -- new-app"]


@pytest.mark.parametrize(
    "task",
    [
        "Delete everything but the data folder",
        "Delete all folders but the folder data",
        "Move the data folder to backup and delete build",
        "Remove write access to the data folder for the group",
        "Remove the symlink to the folder data",
        "Remove the data folder from the backup script",
        "Delete duplicates in the folder data",
        "Delete the folder data from git",
        "Delete the folder data unless it is full",
        "Delete the folder data. Keep its logs.",
        "Delete the contents of the folder data",
        "Delete the folder data after copying it to backup",
        "Delete the old folder",
        "Delete this folder",
        "Delete the folder .",
        "Delete the folder ..",
        "Delete the folder /",
        "Delete the folder ~",
        "Delete the folder none",
    ],
)
def test_no_folder_goes_where_a_word_more_is_said(task: str) -> None:
    for name in ("data", "build", "old"):
        Path(name).mkdir()
    assert not any(command.startswith("rm ") for command in commands_of(task))


@pytest.mark.parametrize(
    "task",
    [
        "Stop everything but the process in x.pid",
        "Stop all processes except the one whose pid is in x.pid",
        "Do not stop the process in x.pid, stop the other one",
        "Stop the workers of the process whose pid is in x.pid",
        "Stop writing the pid to x.pid",
        "Stop it gracefully with SIGQUIT, its pid is in x.pid",
    ],
)
def test_no_process_ends_where_another_one_may_be_meant(task: str) -> None:
    Path("x.pid").write_text("1\n")
    assert not any("x.pid" in command for command in commands_of(task))


def test_a_template_is_filled_by_code_and_gets_its_mode() -> None:
    Path("site.conf.tmpl").write_text("listen ${PORT}; # {{ NAME }}\nset $host ${upstream};\n")
    Path("prod.env").write_text("# here\nexport PORT=80\nNAME='a b'\n")
    told = briefed(
        "Render site.conf.tmpl to site.conf with the values from prod.env. Then make site.conf readable and "
        "writable by the owner and only readable by the group, no access for anyone else."
    )
    assert isinstance(told.form, Rewrite)
    assert told.form.call({}, "", Ground()) == Call(
        "write_file", {"path": "site.conf", "content": "listen 80; # a b\nset $host ${upstream};\n"}
    )
    (behind,) = told.later
    assert isinstance(behind.form, RecipeForm)
    assert behind.form.template == "chmod 640 -- site.conf"
    assert told.covers
    Path("prod.env").write_text("PORT=80\n")
    assert not isinstance(briefed("Render site.conf.tmpl to site.conf with prod.env").form, Rewrite)


@pytest.mark.parametrize(
    ("wish", "mode"),
    [
        (
            "Make a.key readable and writable by the owner, only readable by the group, nothing for others",
            "640",
        ),
        ("Let the owner read and write a.key, the group read it, and no one else anything", ""),
        (
            "The owner may read, write and execute a.key, the group may read and execute it, others nothing",
            "750",
        ),
        ("a.key is open to all here. Only I may read and write it, nobody else", "600"),
        ("chmod a.key to 0644", "0644"),
        ("chmod 600 a.key", "600"),
        ("Set the permissions of a.key to 600.", "600"),
        ("Change the mode of a.key from 644 to 600", "600"),
        ("The permissions of a.key are 644, make them 600", ""),
        ("ssh says permissions 0644 for a.key are too open. Fix that.", ""),
        ("Fix the permissions of a.key, error 403 in nginx", ""),
        ("Undo chmod 600 a.key", ""),
        ("chmod 600 a.key on host web1", ""),
        ("Set mode 644 on all files but a.key", ""),
        ("chmod -R 750 conf and a.key", ""),
        ("Set mode to 700 in a.key", ""),
        ("The owner may read and edit a.key, the group may read it, others nothing", ""),
        ("The owner may write a.key, the group may read it, others nothing", ""),
        ("The owner may read and write a.key, the group and all others can only read", ""),
        ("Make a.key readable by everyone else", ""),
        ("Make a.key executable", ""),
    ],
)
def test_a_mode_is_told_where_nothing_is_left_open(wish: str, mode: str) -> None:
    assert file_and_mode(wish) == (("a.key", mode) if mode else None)


@pytest.mark.parametrize(
    ("task", "path", "meant"),
    [
        ("Write a systemd unit x.service in this folder", "/etc/systemd/system/x.service", "x.service"),
        ("Write a systemd unit x.service here", "systemd/system/x.service", "x.service"),
        ("Write a systemd unit x.service and start it", "/etc/systemd/system/x.service", ""),
        ("Write a config x.conf into /etc/app, not here", "/etc/app/x.conf", ""),
        ("In the folder conf here put an x.env", "conf/x.env", ""),
        ("Write a Dockerfile here", "Dockerfile", ""),
        ("Write what you like here", "/tmp/x.conf", ""),
    ],
)
def test_a_file_is_written_where_the_task_says(task: str, path: str, meant: str) -> None:
    assert meant_path(task, path, Path.cwd()) == (meant or path)


def test_a_service_for_a_new_deployment_has_its_name() -> None:
    ground = Ground(names={"namespace": "shop", "deployment": "cache"}, new={"deployment"}, namespace="shop")
    task = (
        "Run redis:7 as deployment cache in namespace shop, plus a service of the same name on port 6379, "
        "reachable only within the cluster. Which cluster IP has it?"
    )
    finder = FormFinder.of(task, runbook_library.load(), ground, ground.names, True, Path.cwd())
    forms = [step.form for step in finder.steps]
    assert [form.heading for form in forms if form] == [
        "Create a deployment",
        "Expose a deployment with a service",
    ]
    assert all("cache" in form.template for form in forms if isinstance(form, RecipeForm))


@pytest.mark.parametrize(
    ("task", "commands", "written", "left"),
    [
        ("Stop it, then delete the folder old-app", ["kill 812"], (), "delete the folder old-app"),
        ("Stop it, then delete the folder old-app", ["kill 812", "rm -r old-app"], (), ""),
        ("Remove the line from web.conf", [], ("web.conf",), ""),
        ("Remove LEVEL from deployment web", ["kubectl set env deployment/web LEVEL-"], (), ""),
        ("Restart web, do not delete anything", ["docker restart web"], (), ""),
        (
            "Delete pods a-1, b-2 and c",
            ["kubectl delete pod a-1", "kubectl delete pod c"],
            (),
            "the same for b-2",
        ),
        ("Delete pods a and b", ["kubectl delete pods -l app=web"], (), ""),
        ("Start containers a and b again", ["docker start a b"], (), ""),
        ("Commit it and push", ["git commit -m x 2>/dev/null"], (), "push"),
    ],
)
def test_what_no_command_can_have_done_is_still_to_do(
    task: str, commands: list[str], written: tuple[str, ...], left: str
) -> None:
    assert undone(task, commands, written) == left


def test_a_script_that_is_to_be_executable_and_is_not_is_told() -> None:
    Path("srv/bin").mkdir(parents=True)
    Path("srv/bin/check.sh").write_text("#!/bin/sh\n")
    task = "In srv/bin put an executable bash script check.sh that looks at the disk"
    assert not_executable(task, Path()) == "srv/bin/check.sh"
    assert not_executable("Make srv/bin/check.sh executable", Path()) == "srv/bin/check.sh"
    Path("srv/bin/check.sh").chmod(0o755)
    assert not not_executable(task, Path())
    assert not not_executable("Write an executable script none.sh", Path())


def test_what_goes_into_an_ignore_file_is_a_name_of_the_task() -> None:
    Path(".gitignore").write_text("*.pyc\n.venv/\n")
    Path(".env").write_text("A=1\n")
    task = "Stop tracking .env, put it into .gitignore and tell me"
    edit = edit_of(briefed(task).ground, "put it into .gitignore", Path.cwd(), task)
    assert isinstance(edit, LineEdit)
    assert edit.inputs["text"]["enum"] == [".env"]
    assert steps(task) == ["Stop tracking a file in git and keep it; Add a pattern to .gitignore"]


def test_the_files_of_a_certificate_are_those_that_the_task_names() -> None:
    told = briefed("Make a self-signed certificate for a.internal, as tls.crt and tls.key here")
    assert told.form
    assert "-keyout tls.key -out tls.crt" in str(told.form)


def test_no_commit_is_rewritten_for_who_does_not_say_so() -> None:
    for task in ('commit both with the message "x"', 'Commit these changes with the message "x"'):
        form = briefed(task).form
        assert form
        assert form.heading == "Commit all changes in git"


def test_the_pid_of_a_server_is_written_where_the_task_says() -> None:
    Path("public").mkdir()
    task = "Serve the folder public on port 8080 in the background and write its pid into server.pid"
    told = briefed(task)
    assert told.form
    assert "& echo $! > server.pid" in str(told.form)


def test_several_files_are_copied_where_the_task_says() -> None:
    Path("old").mkdir()
    told = str(briefed("Make a folder new, copy app.ini and web.conf into it").form)
    assert "cp -av -t new -- app.ini web.conf" in told
    assert "cp -av -t old -- app.ini web.conf" in str(briefed("Copy app.ini and web.conf to old/").form)
    for task in (
        "Copy app.ini and none.conf to old/",
        "Copy app.ini and web.conf into the container web-1 at /etc/app/",
        "Copy app.ini and web.conf to old/ but do not overwrite what is there",
        "Copy app.ini and web.conf to a new folder backup",
        "How do I copy app.ini and web.conf to old/?",
    ):
        assert "Copy the files" not in steps(task), task


def test_a_recipe_does_not_cover_a_file_that_it_has_no_place_for() -> None:
    assert briefed("Scale the deployment web to 3 in namespace shop").covers
    assert not briefed("Scale the deployment web to 3 in namespace shop, see web.conf").covers


def test_an_image_is_built_behind_its_dockerfile() -> None:
    Path("site").mkdir()
    Path("site/index.html").write_text("hello")
    task = "Create a Dockerfile for the static site in site with nginx:1.25, for the image web:2"
    assert steps(task) == ["Dockerfile", "Build a docker image"]
    (build,) = briefed(task).later
    assert "docker build -t web:2 ." in str(build.form)
    assert "Build a docker image" not in steps(
        "Write a Dockerfile for the website in site on top of nginx:1.25"
    )


def test_the_word_of_a_file_is_changed_by_code() -> None:
    told = briefed("Bump VERSION to 1.4.2, build the image as web:1.4.2 and show its size")
    assert isinstance(told.form, Rewrite)
    assert (told.form.path, told.form.text, told.form.before) == ("VERSION", "1.4.2\n", "1.4.1\n")
    assert not isinstance(briefed("Set app.ini to 5").form, Rewrite)


@pytest.mark.parametrize(
    ("version", "level", "after"),
    [
        ("1.2.7", "patch", "1.2.8"),
        ("v1.2.7", "minor", "v1.3.0"),
        ("1.2.7", "major", "2.0.0"),
        ("1.2", "patch", ""),
    ],
)
def test_the_version_after_one(version: str, level: str, after: str) -> None:
    assert next_version(version, level) == after


@pytest.mark.parametrize(
    ("wish", "set_to"),
    [
        ("bump the minor version in VERSION", "1.5.0"),
        ("Please increase the patch level of VERSION.", "1.4.2"),
        ("bump the minor version in VERSION and in setup.cfg", None),
        ("bump the minor version in words.txt", None),
    ],
)
def test_a_file_that_is_one_version_gets_the_next_one(wish: str, set_to: str | None, tmp_path: Path) -> None:
    (tmp_path / "VERSION").write_text("1.4.1\n")
    (tmp_path / "words.txt").write_text("two words\n")
    assert word_to_set(wish, tmp_path) == (set_to and ("VERSION", set_to, "1.4.1\n"))


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (
            "Set the version in VERSION to 1.3.0, commit it and tag the commit v1.3.0",
            ["VERSION", "Commit it", "Create a git tag"],
        ),
        (
            'Change the port in app.ini to 81 and commit it with the message "new port"',
            ["app.ini", "Commit it"],
        ),
        (
            "Copy app.ini to app.ini.bak and then change the port in app.ini to 81",
            ["Copy the file", "app.ini"],
        ),
        (
            "Replace python:3.11 by python:3.11-slim in the Dockerfile and build it as web:3",
            ["Dockerfile", "Build a docker image"],
        ),
        ("Move app.ini to conf and commit it", ["Move the file; Commit it"]),
        ("Change port in app.ini to 81 and write the old value into old.txt", ["app.ini", ""]),
        ("Write a script pack.sh that packs src, and run it", ["pack.sh", "Run the script"]),
        ("Write a script pack.sh that packs src, and run it every night", ["pack.sh"]),
    ],
)
def test_what_comes_behind_a_change_has_a_form(task: str, expected: list[str]) -> None:
    Path("conf").mkdir()
    Path("VERSION").write_text("1.2.0\n")
    Path("app.ini").write_text("[web]\nport=80\n")
    Path("Dockerfile").write_text("FROM python:3.11\nCOPY . .\nCMD python app.py\n")
    assert steps(task) == expected


def test_a_file_is_renamed_moved_or_copied_by_code(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    (tmp_path / "old").mkdir()
    (tmp_path / "old/b.txt").write_text("old")
    assert moved("Rename a.txt to c.txt", tmp_path) == ("a.txt", "c.txt", False)
    assert moved("copy the file a.txt to old", tmp_path) == ("a.txt", "old", True)
    for wish in (
        "Rename a.txt to b.txt",
        "Move b.txt to old",
        "Move a.txt to it",
        "Move a.txt to none/a.txt",
        "Copy a.txt to web",
        "Rename gone.txt to c.txt",
    ):
        assert moved(wish, tmp_path) is None


def test_a_file_of_pairs_is_made_by_code(tmp_path: Path) -> None:
    wish = "Create a file .env with DB_HOST=localhost and DB_PORT=5432, readable only by me"
    assert pairs_to_write(wish, tmp_path) == (".env", "DB_HOST=localhost\nDB_PORT=5432\n", "600")
    assert pairs_to_write("write a.conf with a=1 with mode 640", tmp_path) == (
        "a.conf",
        "a=1\n",
        "640",
    )
    assert pairs_to_write("write a.conf with a=1 and what else it needs", tmp_path) is None
    (tmp_path / "b.env").write_text("")
    assert pairs_to_write("write b.env with A=1", tmp_path) is None


def test_files_are_made_and_a_folder_is_emptied_by_code() -> None:
    Path("spool").mkdir()
    Path("spool/a").write_text("a")
    assert empty_files("Create two empty files a.txt and b.txt in spool", Path()) == [
        "spool/a.txt",
        "spool/b.txt",
    ]
    assert empty_files("Create an empty file a in spool", Path()) == []
    assert empty_files("Create an empty file a.txt in gone", Path()) == []
    assert steps("Delete everything in spool but keep the folder") == ["Delete what is in the folder"]
    for task in (
        "Delete everything in spool but keep a",
        "Delete everything in spool. Keep a.",
        "Empty gone",
    ):
        assert steps(task) != ["Delete what is in the folder"]


def test_what_is_said_of_a_thing_just_made_is_said_of_its_kind() -> None:
    made = "Create a secret db with password=x and use it as env variable DB in deployment web in namespace a"
    assert "Pass a secret to a deployment" in " ".join(steps(made))


@pytest.mark.parametrize(
    ("task", "never"),
    [
        ("Remove the user b from users.json", "Delete a user"),
        ("Remove the execute permission from run.sh for others", "Make a file executable"),
        ("Put the message of the last commit at the top of CHANGELOG.md", "Change the message"),
        ('Replace the text "Al" by "Alfred" in users.csv only in the name column', "Replace a text"),
        ("Is port 8080 free? If so, start nginx:1.25 on it", "Kill the process"),
    ],
)
def test_a_recipe_that_does_something_else_is_not_offered(task: str, never: str) -> None:
    for name in ("users.json", "run.sh", "CHANGELOG.md", "users.csv"):
        Path(name).write_text("id,name\n1,Al\n")
    assert not any(step.startswith(never) for step in steps(task))


def test_a_file_that_moved_is_committed_at_both_places() -> None:
    Path("conf").mkdir()
    Path("app.ini").write_text("a=1\n")
    form = briefed("Move app.ini to conf and commit it").form
    assert isinstance(form, RecipeForm)
    assert "git commit -m 'Move app.ini to conf' -- app.ini conf/app.ini" in form.template


@pytest.mark.parametrize(
    "task",
    [
        "Start redis:7 as cache. Before that, stop the old one.",
        "Start redis:7 as cache. Remove the old container cache first.",
        "Start redis:7 as cache with a password",
        "Change A in app.env to 2",
    ],
)
def test_what_turns_the_order_round_or_says_more_is_not_done_by_code_alone(task: str) -> None:
    Path("app.env").write_text("A=1\n")
    told = briefed(task)
    assert not (told.covers and told.form and getattr(told.form, "text", "") in ("", "2\n"))


@pytest.mark.parametrize(
    "task",
    [
        "Run nginx:1.25 as web and put a health check on it that asks for / every 10 seconds",
        "Run nginx:1.25 as web and mount the configuration of the app at /x",
    ],
)
def test_a_container_is_not_run_before_all_is_said_of_it(task: str) -> None:
    form = briefed(task).form
    assert not isinstance(form, RecipeForm) or form.inputs


def test_a_folder_goes_though_another_one_is_to_stay() -> None:
    for name in ("feed-1/run", "feed-2"):
        Path(name).mkdir(parents=True)
    Path("feed-1/run/a.pid").write_text("99999999\n")
    stops = "Stop it, its pid is in feed-1/run/a.pid"
    task = f"{stops}, and then delete the folder feed-1. feed-2 has to stay."
    assert steps(f"The old feed isn't needed any more. {task}")[0].endswith("Delete the folder")
    for more in ("Keep feed-1/run.", "Keep the pid file.", "The run folder is needed."):
        assert not any(step.endswith("Delete the folder") for step in steps(f"{task} {more}"))
