"""What keeps the user's things from harm before a call runs."""

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from devops_agent import guards
from devops_agent.errors import CallRefused
from devops_agent.evidence import Evidence
from devops_agent.forms.rewrite import Rewrite
from devops_agent.protocol import Call
from devops_agent.task_limits import Limits, limits_of


def bash(command: str) -> Call:
    return Call("bash", {"command": command})


def write(path: str, content: str) -> Call:
    return Call("write_file", {"path": path, "content": content})


TABLE = "In prices.csv, limit the price of each line to 5"


@pytest.mark.parametrize(
    ("task", "command", "refused"),
    [
        (TABLE, "docker logs --tail 10 web > prices.csv 2>&1", True),
        (TABLE, "echo limit: 5 > ./prices.csv", True),
        (TABLE, "echo limit: 5 >> prices.csv", False),
        (TABLE, "head -2 prices.csv > limited.csv; cat limited.csv > prices.csv", False),
        (TABLE, "docker logs web > web.log", False),
        ("Append the log of web to prices.csv", "docker logs web > prices.csv", True),
        ("Save the log of web in prices.csv", "docker logs web > prices.csv", False),
        ("Write what web logs into the file prices.csv", "docker logs web > prices.csv", False),
        ("Overwrite prices.csv with the log of web", "docker logs web > prices.csv", False),
    ],
)
def test_what_is_printed_takes_the_place_of_no_other_text(
    task: str, command: str, refused: bool, prices: Path
) -> None:
    evidence = Evidence(limits=limits_of(task))
    with pytest.raises(CallRefused, match="lines would be lost") if refused else nullcontext():
        guards.writes_over_no_other_text(bash(command), {}, evidence)


@pytest.mark.parametrize(
    "command",
    [
        "kill -9 $(ps aux | grep web | awk '{print $2}')",
        "kill `pgrep -f web`",
        "pkill -9 -f web",
        "ps aux | grep web | awk '{print $2}' | xargs kill -9",
        "pgrep -f web | xargs -r kill",
    ],
)
def test_no_process_is_ended_for_a_text_in_its_command_line(command: str) -> None:
    with pytest.raises(CallRefused, match="kill the one id"):
        guards.kills_by_id(bash(command), {}, Evidence())


@pytest.mark.parametrize(
    "command",
    ["kill 4711", "kill -HUP $(cat run/web.pid)", "pkill -x webd", "kill $(lsof -t -i:80)", "ps aux"],
)
def test_a_process_is_ended_by_its_id(command: str) -> None:
    guards.kills_by_id(bash(command), {}, Evidence())


@pytest.mark.parametrize(
    ("task", "command"),
    [
        ("Raise its limit, but without restarting or recreating the container", "docker restart web"),
        ("Raise its limit, but without restarting or recreating the container", "docker rm -f web"),
        ("Write the file, don't start anything", "docker compose up -d"),
        ("No container may be stopped for that", "docker stop web"),
        ("Merge it, and do not push", "git push origin main"),
        ("Roll it out and never push", "docker push web:1"),
        ("Only tell me which it is, delete nothing", "kubectl -n shop delete pod web"),
    ],
)
def test_what_a_task_forbids_is_not_done(task: str, command: str) -> None:
    evidence = Evidence(limits=limits_of(task))
    with pytest.raises(CallRefused, match="says not to"):
        guards.does_not_what_is_forbidden(bash(command), {}, evidence)
    guards.does_not_what_is_forbidden(bash("docker ps"), {}, evidence)
    guards.does_not_what_is_forbidden(bash("docker update --memory 256m web"), {}, evidence)


@pytest.fixture
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "prices.csv"
    path.write_text("name,price\na,1\nb,2\nc,3\n")
    return path


def test_a_file_is_not_replaced_by_a_text_that_has_nothing_of_it(prices: Path) -> None:
    careful = Evidence(limits=Limits(rewrites=False))
    with pytest.raises(CallRefused, match="would remove 4 of 4 lines of prices"):
        guards.keeps_the_file(write("prices.csv", "a sample\n"), {}, careful)
    guards.keeps_the_file(write("prices.csv", "name,price\na,1\nb,2\nc,4\n"), {}, careful)
    guards.keeps_the_file(write("new.csv", "a sample\n"), {}, careful)
    guards.keeps_the_file(write("prices.csv", "a sample\n"), {}, Evidence())
    guards.keeps_the_file(
        write("prices.csv", "a sample\n"), {}, Evidence(limits=Limits(rewrites=False), written={"prices.csv"})
    )


def test_a_short_file_may_get_another_text_and_a_binary_one_never(prices: Path) -> None:
    careful = Evidence(limits=Limits(rewrites=False))
    prices.write_text("1.2.3\n")
    guards.keeps_the_file(write("prices.csv", "1.2.4\n"), {}, careful)
    prices.write_bytes(b"\0\1")
    with pytest.raises(CallRefused, match="is there and no text"):
        guards.keeps_the_file(write("prices.csv", "1.2.4\n"), {}, careful)


def test_a_file_is_not_written_as_it_is(prices: Path) -> None:
    with pytest.raises(CallRefused, match="exactly this text already"):
        guards.keeps_the_file(write("prices.csv", prices.read_text()), {}, Evidence())


def test_no_file_is_made_with_the_name_of_an_image(prices: Path) -> None:
    for name in ("web:latest", "registry:5000/team/web:1.4"):
        with pytest.raises(CallRefused, match="docker tag"):
            guards.writes_no_image(write(name, "web:1"), {}, Evidence())
    for name in ("web.conf", "team/web", "./a:b", "VERSION"):
        guards.writes_no_image(write(name, "web:1"), {}, Evidence())


def test_nothing_is_copied_over_a_file_that_holds_something_else(prices: Path) -> None:
    Path(prices.parent / "new.csv").write_text("a sample\n")
    for command in ("cp -av -- new.csv prices.csv", "ls && mv new.csv prices.csv"):
        with pytest.raises(CallRefused, match="Keep what it holds"):
            guards.copies_over_no_other_text(bash(command), {}, Evidence(limits=Limits(rewrites=False)))
    guards.copies_over_no_other_text(bash("cp new.csv prices.csv"), {}, Evidence())
    for command in ("cp prices.csv prices.bak", "cp prices.csv new.csv /tmp"):
        guards.copies_over_no_other_text(bash(command), {}, Evidence(limits=Limits(rewrites=False)))


def test_a_file_is_not_emptied_before_it_is_read(prices: Path) -> None:
    for command in (
        "sort -u prices.csv > prices.csv",
        "cat prices.csv | sort >prices.csv",
        "ls; sort prices.csv>prices.csv",
    ):
        with pytest.raises(CallRefused, match="before it is read"):
            guards.empties_nothing_that_it_reads(bash(command), {}, Evidence())
    for command in (
        "sort prices.csv > other.csv && mv other.csv prices.csv",
        "sort prices.csv >> prices.csv",
        "sort prices.csv > o; cat o > prices.csv",
        "sort none.csv > none.csv",
    ):
        guards.empties_nothing_that_it_reads(bash(command), {}, Evidence())


@pytest.mark.parametrize(
    ("task", "command", "refused"),
    [
        ("delete every log in logs that has no ERROR in it", "sed -i '/ERROR/d' logs/a.log", True),
        ("Remove all files of logs without an error", "sed --in-place -e '/ERROR/d' logs/*", True),
        ("delete every log in logs that has no ERROR in it", "grep -L ERROR logs/* | xargs rm", False),
        ("delete all lines with ERROR in the files of logs", "sed -i '/ERROR/d' logs/a.log", False),
        ("Remove all users named bob from users.csv", "sed -i '/bob/d' users.csv", False),
        ("Change app.ini", "sed -i '/ERROR/d' app.ini", False),
    ],
)
def test_where_files_are_to_go_their_lines_stay(task: str, command: str, refused: bool) -> None:
    evidence = Evidence(limits=limits_of(task))
    with pytest.raises(CallRefused, match="files deleted") if refused else nullcontext():
        guards.deletes_no_lines_for_files(Call("bash", {"command": command}), {}, evidence)


@pytest.mark.parametrize(
    ("path", "text", "refused"),
    [
        ("facts.txt", "kernel: $(uname -r)", True),
        ("app.ini", "version=$(cat VERSION)", True),
        ("facts.txt", "it costs $(5)", False),
        ("facts.sh", "echo $(uname -r)", False),
        ("Makefile", "V := $(shell uname)", False),
        ("told.md", "use $(date) there", False),
    ],
)
def test_what_a_command_would_print_does_not_stand_in_a_file_as_that_command(
    path: str, text: str, refused: bool
) -> None:
    with pytest.raises(CallRefused, match="would stand in") if refused else nullcontext():
        guards.writes_no_substitution(write(path, text), {}, Evidence(known="say that $(date) is used"))


def test_what_a_task_says_in_full_may_take_lines_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("a: 1\nb: 2\nc: 3\nd: 4\n")
    known = Rewrite("a.yaml", "a: 1\n", "the rest goes")
    strict = Evidence(limits=Limits(removes=False, rewrites=False))
    guards.keeps_the_file(write("a.yaml", "a: 1\n"), {"recipe": known}, strict)
    with pytest.raises(CallRefused):
        guards.keeps_the_file(write("a.yaml", "a: 1\n"), {}, strict)


def test_a_command_is_no_content_of_a_file() -> None:
    command = "kubectl get configmap web -o yaml > web.yaml"
    with pytest.raises(CallRefused, match="Run it with bash"):
        guards.writes_no_command(write("web.yaml", command), {}, Evidence())
    for path, text in (("run.sh", command), ("web.yaml", "a: 1\n"), ("x.json", "cat\n")):
        guards.writes_no_command(write(path, text), {}, Evidence())


def test_a_setting_that_is_there_is_not_added_once_more(prices: Path) -> None:
    prices.write_text("workers = 4\nport = 80\n")
    with pytest.raises(CallRefused, match=r"sed -i 's\|\^workers = 4\$\|workers = 12\|' prices.csv"):
        guards.sets_no_value_twice(bash("echo 'workers = 12' >> prices.csv"), {}, Evidence())
    guards.sets_no_value_twice(bash("echo 'users = 12' >> prices.csv"), {}, Evidence())
    guards.sets_no_value_twice(bash("echo 'workers = 12' > other.conf"), {}, Evidence())


@pytest.mark.parametrize(
    ("task", "anew"),
    [
        ("Rewrite app.ini from scratch", True),
        ("Replace the whole content of app.ini", True),
        ("Empty app.log", True),
        ("Replace a by b in app.ini", False),
        ("Set users to 5 in app.ini", False),
    ],
)
def test_a_task_that_wants_a_file_written_anew_says_so(task: str, anew: bool) -> None:
    assert limits_of(task).rewrites is anew


@pytest.mark.parametrize(
    "command",
    [
        "git reset HEAD --hard",
        "git checkout -- .",
        "git clean -fd",
        "docker container prune -f",
        "docker ps -a | grep -v x | xargs docker rm",
        "docker rm $(docker ps -aq)",
    ],
)
def test_nothing_takes_all_where_something_is_to_stay(command: str) -> None:
    with pytest.raises(CallRefused, match="Name what is to go"):
        guards.spares_what_shall_stay(bash(command), {}, Evidence(limits=Limits(spares=True)))
    guards.spares_what_shall_stay(bash(command), {}, Evidence())
    guards.spares_what_shall_stay(bash("git restore app.ini"), {}, Evidence(limits=Limits(spares=True)))


@pytest.mark.parametrize(
    "command",
    [
        "rm backup.tar.gz",
        "cd a && rm -rf b",
        "docker volume rm data",
        "docker rm -f web",
        "docker rmi web:1",
        "docker rm --force web",
        "docker rm -fv web",
        "docker compose down -v",
        "find . -name x -delete",
        "git clean -fdx",
        "helm uninstall web",
    ],
)
def test_nothing_is_removed_for_a_task_that_does_not_ask_for_it(command: str) -> None:
    with pytest.raises(CallRefused, match="does not ask to delete"):
        guards.removes_only_if_asked(bash(command), {}, Evidence(limits=Limits(removes=False)))
    guards.removes_only_if_asked(bash(command), {}, Evidence())


def test_what_was_written_in_this_run_may_go_again() -> None:
    own = Evidence(limits=Limits(removes=False), written={"draft.txt"})
    guards.removes_only_if_asked(bash("rm -f draft.txt"), {}, own)
    guards.removes_only_if_asked(bash("docker rm web"), {}, own)  # one that runs is not removed by it


@pytest.mark.parametrize(
    ("task", "command", "other"),
    [
        ("Delete all log files", "rm app.log app.py error.log", "app.py"),
        ("remove the temporary files", "cd /srv && rm -f a.tmp notes.txt", "notes.txt"),
        ("Delete *.bak", "rm -- a.bak a", "a"),
        ("Remove the .yaml files and go.sum", "rm a.yaml b.yml go.sum go.mod", "go.mod"),
        ("Delete the log files", "rm *.log *", "\\*"),
        ("Delete all log files", "rm app.log && rm login.sh", "login.sh"),
        ("Delete all log files", "rm app.log.1; rm -rf catalog", "catalog"),
        ("Delete *.log in /srv/log", "rm /srv/log/a.py /srv/log/b.log", "/srv/log/a.py"),
    ],
)
def test_of_files_of_a_kind_no_others_are_removed(task: str, command: str, other: str) -> None:
    evidence = Evidence(limits=limits_of(task))
    with pytest.raises(CallRefused, match=rf"does not ask to delete {other}\. Leave"):
        guards.removes_only_that_kind(bash(command), {}, evidence)


@pytest.mark.parametrize(
    ("task", "command"),
    [
        ("Delete all log files", "rm -f *.log"),
        ("Delete all log files", "rm app.log logs/old.LOG"),
        ("Remove the old files", "rm a b c"),
        ("Delete the backup files and notes.txt", "rm a.orig notes.txt b~"),
        ("Delete all but the log files", "rm a.py b.log"),
        ("Delete these files: app.py, Makefile", "rm app.py Makefile"),
        ("Delete the log files and the folder build", "rm -r a.log build"),
        ("Delete all files here", "rm install.sh a b"),
    ],
)
def test_what_is_of_the_kind_or_named_may_go(task: str, command: str) -> None:
    guards.removes_only_that_kind(bash(command), {}, Evidence(limits=limits_of(task)))


@pytest.mark.parametrize(
    ("task", "command"),
    [
        ("My containers don't start. Fix it.", "docker start web"),
        ("Stop web, but do not stop db", "docker stop web"),
        ("Reload nginx without stopping it", "kill -HUP 12"),
        ("Run psql once, never delete the volume", "docker run --rm postgres psql"),
        ("The container never starts", "docker start web"),
    ],
)
def test_what_only_describes_forbids_nothing(task: str, command: str) -> None:
    guards.does_not_what_is_forbidden(bash(command), {}, Evidence(limits=limits_of(task)))


def test_a_setting_of_another_section_may_be_added(prices: Path) -> None:
    prices.write_text("[web]\nport = 80\n[db]\n")
    guards.sets_no_value_twice(bash("echo 'port = 5432' >> prices.csv"), {}, Evidence())


def test_a_path_that_cannot_be_looked_at_is_no_reason_to_fail() -> None:
    guards.keeps_the_file(write("x" * 300, "a\n"), {}, Evidence(limits=Limits(rewrites=False)))


def test_an_address_that_is_written_stands_somewhere(prices: Path) -> None:
    prices.write_text("deny 10.0.0.7;\n")
    evidence = Evidence(known="37 10.1.1.9")
    new = write("prices.csv", "deny 10.0.0.7;\ndeny 10.1.1.9;\nlisten 127.0.0.1;\n")
    guards.writes_no_address_of_its_own(new, {}, evidence)
    made_up = write("prices.csv", "deny 10.0.0.7;\ndeny 10.0.0.8;\n")
    with pytest.raises(CallRefused, match=r"10\.0\.0\.8 is in no result .* from there: 10\.1\.1\.9\."):
        guards.writes_no_address_of_its_own(made_up, {}, evidence)
    guards.writes_no_address_of_its_own(made_up, {}, evidence)  # the model insists
    guards.writes_no_address_of_its_own(write("new.conf", "deny 10.0.0.8;\n"), {}, Evidence())  # an example


@pytest.mark.parametrize(
    ("task", "command"),
    [
        ("Remove the image web:1", "docker rmi $(docker images | grep -v web:2 | awk '{print $3}')"),
        ("Remove all images but web:2", "docker images -q | xargs docker rmi"),
        ("remove the volume web-data", "docker volume rm $(docker volume ls -q)"),
        ("stop web", "docker stop $(docker ps -q)"),
        ("Remove the image web:1, we do not need it any more", "docker rmi $(docker images -q)"),
        ("Remove web", "docker rm $(docker ps -q --filter name=web); docker rmi $(docker images -q)"),
        ("Remove web", "for i in $(docker images -q); do docker rmi $i; done"),
    ],
)
def test_things_of_others_are_not_swept_away(task: str, command: str) -> None:
    with pytest.raises(CallRefused, match="things of others"):
        guards.sweeps_away_only_what_is_meant(bash(command), {}, Evidence(limits=limits_of(task)))


@pytest.mark.parametrize(
    ("task", "command"),
    [
        ("Remove all images", "docker rmi $(docker images -q)"),
        ("Remove the images of web", "docker rmi $(docker images -q web)"),
        (
            "Remove the tags of web",
            "docker images --format '{{.Tag}}' web | grep -vx 2 | xargs -r docker rmi",
        ),
        ("Stop what is labelled a=b", "docker stop $(docker ps -q --filter label=a=b)"),
        ("Remove the image web:1", "docker rmi web:1"),
        ("Remove web", "docker images | awk '$1 == \"web\" { print $3 }' | xargs docker rmi"),
        ("Stop the newest container", "docker stop $(docker ps -lq)"),
        ("Remove all images except web:2", "docker images | grep -v web:2 | xargs docker rmi"),
    ],
)
def test_what_is_picked_or_meant_may_go(task: str, command: str) -> None:
    guards.sweeps_away_only_what_is_meant(bash(command), {}, Evidence(limits=limits_of(task)))


def test_what_a_task_names_as_an_exception_is_not_ended() -> None:
    evidence = Evidence(limits=limits_of("Remove all images of web except web:2.0, they are old"))
    guards.ends_nothing_that_is_excepted(bash("docker rmi web:1.0 web:1.1"), {}, evidence)
    guards.ends_nothing_that_is_excepted(bash("docker images web:2.0"), {}, evidence)
    guards.ends_nothing_that_is_excepted(bash("docker run --rm web:2.0 true"), {}, evidence)
    guards.ends_nothing_that_is_excepted(bash("kubectl delete pod a -n web:2.0"), {}, evidence)
    with pytest.raises(CallRefused, match=r"web:2\.0 is to stay"):
        guards.ends_nothing_that_is_excepted(bash("docker rmi web:1.0 'web:2.0'"), {}, evidence)


@pytest.mark.parametrize(
    ("task", "excepted"),
    [
        ("Delete the pods in shop but keep web-1 and db-2", {"web-1", "db-2"}),
        ("Leave exporter-v2 running, then delete exporter-v1", {"exporter-v2"}),
        ("Set LOG_LEVEL on it and keep the ones it has", set()),
        ("Keep db-1 and remove db-2", {"db-1"}),
        ("Stop all containers except redis", {"redis"}),
        ("Clear out all but web:2 of the images", {"web:2"}),
        ("Remove all images but web:2 and check that it runs", {"web:2"}),
        ("Delete all pods except web-1 in namespace shop-prod", {"web-1"}),
        ("All pods are running but web-1 hangs. Delete web-1", set()),
        ("Remove the container shop-db but keep the data of shop-db", set()),
        ("Keep a backup of app.conf as app.conf.bak and then remove app.conf", set()),
        ("There is no need to keep web:1.0, remove it", set()),
    ],
)
def test_the_exceptions_of_a_task_are_names(task: str, excepted: set[str]) -> None:
    assert limits_of(task).excepted == excepted


def test_a_key_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tls.key").write_text("secret\n")
    evidence = Evidence(limits=limits_of("Only I may read tls.key"))
    for call in (
        bash("echo 'new key' > tls.key"),
        bash("echo abc | tee tls.key"),
        bash('echo "-----BEGIN\nabc; x\n-----END" > tls.key'),
        bash("echo abc > tls.key 2>>e.log"),
        write("tls.key", "new key"),
    ):
        with pytest.raises(CallRefused, match="its text stays"):
            guards.writes_over_no_key(call, {}, evidence)
    guards.writes_over_no_key(bash("chmod 600 tls.key; echo done"), {}, evidence)
    guards.writes_over_no_key(bash("openssl genrsa -out other.key"), {}, evidence)
    guards.writes_over_no_key(write("new.key", "x"), {}, evidence)
    guards.writes_over_no_key(bash("cat a.crt tls.key > tls.key"), {}, evidence)
    guards.writes_over_no_key(bash("echo more >> tls.key"), {}, evidence)


def test_a_figure_that_is_to_be_found_stands_in_a_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    known = "Write the number of pods and the version of the server into state.txt\n7\nServer: v1.30.2"
    evidence = Evidence(known=known, limits=limits_of(known))
    guards.writes_no_figure_of_its_own(write("state.txt", "7 pods\nversion v1.30.2\n"), {}, evidence)
    guards.writes_no_figure_of_its_own(write("state.sh", "sleep 9\n"), {}, evidence)
    evidence.known += "\nnginx/1.25.3, 12Mi, 1234 files"
    guards.writes_no_figure_of_its_own(write("state.txt", "nginx 1.25.3, 12 MiB, 1,234\n"), {}, evidence)
    for made_up in ("3 pods\n", "7 pods\nversion 1.20.0\n"):
        with pytest.raises(CallRefused, match="is in no result"):
            guards.writes_no_figure_of_its_own(write("state.txt", made_up), {}, evidence)
    evidence.limits = limits_of("Write a note into state.txt")
    guards.writes_no_figure_of_its_own(write("state.txt", "3 pods\n"), {}, evidence)


def test_an_answer_is_found_before_it_is_put_into_a_file() -> None:
    limits = limits_of("When does a.crt expire? Write the date into expiry.txt")
    nothing = Evidence(limits=limits)
    with pytest.raises(CallRefused, match="Nothing was found yet"):
        guards.writes_no_answer_of_its_own(write("expiry.txt", "May\n"), {}, nothing)
    found = Evidence(limits=limits, succeeded=1, known="notAfter=May 4 2031")
    guards.writes_no_answer_of_its_own(write("expiry.txt", "May 4 2031\n"), {}, found)
    guards.writes_no_answer_of_its_own(write("other.txt", "2047\n"), {}, nothing)
    said = Evidence(limits=limits, known="Write the names Al and Bo into expiry.txt")
    guards.writes_no_answer_of_its_own(write("expiry.txt", "Al\nBo\n"), {}, said)
    with pytest.raises(CallRefused, match="2047"):
        guards.writes_no_answer_of_its_own(write("expiry.txt", "2047\n"), {}, found)
    with pytest.raises(CallRefused, match="<expiry date>"):
        guards.writes_no_answer_of_its_own(write("expiry.txt", "<expiry date>\n"), {}, found)


STAYS = [
    ("Fix it without touching the Dockerfile (it is generated)", "Dockerfile"),
    ("Mend the port, but don't edit compose.yaml or .env", ".env"),
    ("Leave conf/a.ini alone, and set b in the other", "conf/a.ini"),
    ("The file conf/a.ini stays as it is", "conf/a.ini"),
    ("Hands off secrets/, please", "secrets"),
]


@pytest.mark.parametrize(("task", "path"), STAYS)
def test_what_shall_stay_as_it_is_is_not_changed(task: str, path: str) -> None:
    evidence = Evidence(limits=limits_of(task))
    inside = path if "." in path or path == "Dockerfile" else f"{path}/token.txt"
    for call in (
        write(f"./{inside}", "x"),
        bash(f"echo x > {inside}"),
        bash(f"sed -i s/a/b/ {inside}"),
        bash(f"ls; cp other {inside}"),
        bash(f"rm -f -- {inside}"),
    ):
        with pytest.raises(CallRefused, match="left as it is"):
            guards.touches_nothing_that_stays(call, {}, evidence)
    for call in (bash(f"cat {inside}"), bash(f"cp {inside} other"), write("other", "x")):
        guards.touches_nothing_that_stays(call, {}, evidence)


@pytest.mark.parametrize(
    "task",
    [
        "The other files in conf/ must not be overwritten",
        "Change the port in a.ini, but don't change the comments in a.ini",
        "Do not change anything else",
    ],
)
def test_what_is_said_of_others_leaves_a_file_to_be_changed(task: str) -> None:
    assert limits_of(task).untouched == frozenset()


def test_what_runs_under_the_id_of_a_stale_pid_file_goes_on() -> None:
    evidence = Evidence(limits=limits_of("Stop proxy.sh if it still runs, its pid is in run/proxy.pid"))
    with pytest.raises(CallRefused, match=r"and not proxy\.sh"):
        guards.ends_the_process_that_is_meant(bash(f"kill {os.getpid()}"), {}, evidence)
    guards.ends_the_process_that_is_meant(bash("kill 4194303"), {}, evidence)  # there is none
    for task in (f"Stop proxy.sh, that is {os.getpid()}", "Stop the process of run/proxy.pid"):
        limits = Evidence(limits=limits_of(task))
        guards.ends_the_process_that_is_meant(bash(f"kill -15 {os.getpid()}"), {}, limits)


def test_a_secret_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/db").write_text("k1")
    evidence = Evidence(limits=limits_of("Keep the secrets out of the image"))
    with pytest.raises(CallRefused, match="stays as it is"):
        guards.writes_over_no_key(write("secrets/db", "your_token_here"), {}, evidence)
    guards.writes_over_no_key(write("secrets/new", "x"), {}, evidence)


@pytest.mark.parametrize(
    ("task", "refused"),
    [
        ("Change the Dockerfile so that it takes a build argument", True),
        ("Make the image smaller", False),
        ("Write a new Dockerfile", False),
    ],
)
def test_a_dockerfile_that_is_changed_keeps_most_of_its_lines(
    task: str, refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM python\nWORKDIR /srv\nCOPY a .\nENV B=1\nCMD c\n")
    evidence = Evidence(limits=limits_of(task))
    with pytest.raises(CallRefused, match="Keep what it holds") if refused else nullcontext():
        guards.keeps_the_file(write("Dockerfile", "FROM busybox\nCOPY a .\n"), {}, evidence)


@pytest.mark.parametrize(
    ("task", "stated", "outputs"),
    [
        ("build it as notifier:clean", ("notifier:clean",), ()),
        ("It should be reachable on 127.0.0.1:8091 only.", ("127.0.0.1:8091",), ()),
        ("set RELEASE=5.1 on it", ("RELEASE=5.1",), ()),
        ("Run redis:7 as cache on localhost:6379", ("redis:7",), ()),
        ("gzip logs/a.log as logs/old.log.gz", (), ("logs/old.log.gz",)),
        ("don't write to out.txt", (), ()),
    ],
)
def test_what_a_task_states_is_known(task: str, stated: tuple[str, ...], outputs: tuple[str, ...]) -> None:
    limits = limits_of(task)
    assert (limits.stated, limits.outputs) == (stated, frozenset(outputs))
