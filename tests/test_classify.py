"""The classifier: a labelled corpus, wrappers, words as bash sees them, and how long a decision takes."""

import json
import re
import shlex
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devops_agent import toml_file
from devops_agent.policy.classify import classify
from devops_agent.policy.lookup import Machine
from devops_agent.policy.parser import parse
from devops_agent.policy.syntax import UNSEEN, NotShell, Simple
from devops_agent.policy.tables import RULES, _items, _rule, rule_of, sections
from devops_agent.policy.verdict import Effect

DATA = Path(__file__).parent / "data" / "commands"
HOME = "/home/dev"
HERE = f"{HOME}/shop"
_HERE_FILES = """app.py requirements.txt Dockerfile docker-compose.yml README.md notes.txt
 deploy.yaml service.yaml
 config.json package.json main.tf .env .git .gitignore data.csv backup.tar.gz app.log run.sh
 src/main.py src/util.py logs/web.log logs/old.log k8s/app.yaml charts/web""".split()
_HOME_FILES = """.bashrc .ssh/id_rsa .ssh/id_rsa.pub .ssh/authorized_keys .kube/config .aws/credentials
 .docker/config.json Documents/plan.md""".split()


def _paths() -> Iterator[str]:
    files = [f"{HERE}/{name}" for name in _HERE_FILES] + [f"{HOME}/{name}" for name in _HOME_FILES]
    for file in [*files, "/tmp/out.txt", "/tmp/build/x"]:
        yield file
        yield from map(str, Path(file).parents)


EXISTING = set(_paths()) - {"/tmp/build/x"}


@dataclass(frozen=True)
class Corpus:
    """The machine for which the labels of the corpus hold."""

    home: str = HOME
    directory: str = HERE

    def exists(self, path: str) -> bool:
        return path in EXISTING or not path.startswith(("/tmp/", "/home/"))

    def is_directory(self, path: str) -> bool:
        return any(each.startswith(f"{path}/") for each in EXISTING) or path == "/tmp/build"

    def resolved(self, path: str) -> str:
        return path

    def has_variable(self, name: str) -> bool:
        return name in ("PATH", "HOME", "PAGER", "EDITOR", "LESS", "SHELL", "LANG")

    def alias(self, name: str) -> str | None:
        return "kubectl" if name == "k" else None


LOOKUP = Corpus()


def _corpus(*names: str) -> list[dict]:
    return [json.loads(line) for name in names for line in (DATA / f"{name}.jsonl").read_text().splitlines()]


PARTS = sorted(path.stem for path in DATA.glob("*.jsonl"))
EVERY = _corpus(*PARTS)
DANGER = (Effect.DESTRUCTIVE, Effect.UNKNOWN)


def _level(effect: Effect) -> int:
    return min(effect, Effect.DESTRUCTIVE)


@pytest.mark.parametrize("name", PARTS)
def test_no_command_is_judged_milder_than_it_is(name):
    for one in _corpus(name):
        verdict = classify(one["command"], LOOKUP)
        assert _level(verdict.effect) >= _level(Effect[one["effect"].upper()]), (one, verdict)
        assert verdict.secret or not one["secret"], (one, verdict)


@pytest.mark.parametrize("name", PARTS)
def test_few_commands_are_judged_worse_than_they_are(name):
    counts: Counter[str] = Counter()
    worse: Counter[str] = Counter()
    for one in _corpus(name):
        counts[one["effect"]] += 1
        level = _level(classify(one["command"], LOOKUP).effect)
        worse[one["effect"]] += level > _level(Effect[one["effect"].upper()])
    assert worse["read"] <= 0.03 * counts["read"]
    assert worse["change"] <= 0.1 * counts["change"]


def test_the_corpus_is_large_and_varied():
    effects = Counter(one["effect"] for one in EVERY)
    assert len({one["command"] for one in EVERY}) == len(EVERY) >= 700
    assert effects["destructive"] >= 200
    assert effects["read"] >= 250
    assert effects["change"] >= 150
    assert sum(one["wrapped"] for one in EVERY) >= 100


def _seconds(command: str) -> float:
    started = time.process_time()
    classify(command, LOOKUP)
    return time.process_time() - started


def test_a_decision_is_quick():
    classify("ls", LOOKUP)  # reads the tables
    # the best of three: what else the machine does is no part of a decision
    seconds = [min(_seconds(one["command"]) for _ in range(3)) for one in EVERY]
    assert median(seconds) < 0.002
    assert quantiles(seconds, n=100)[98] < 0.01


_LONG = 18_000


@pytest.mark.parametrize(
    ("program", "piece"),
    [
        ("sed", "/[a][a]"),
        ("sed", "s/[a]"),
        ("sed", "s/[[:a:]"),
        ("awk", "/[a]"),
        ("awk", "("),
        ("perl -e", "s/$a"),
        ("perl -e", '"$x[$a]'),
        ("python3 -c", "a."),
        ("python3 -c", "("),
        ("psql -c", "$a$ "),
        ("psql -c", "insert "),
        ("psql -c", "x(a"),
        ("mysql -e", "/*"),
        ("sqlite3 x.db", "'"),
        ("mongosh --eval", "a"),
    ],
)
def test_a_strange_script_is_judged_in_little_time(program, piece):
    assert _seconds(f"{program} {shlex.quote(piece * (_LONG // len(piece)))}") < 2


@pytest.mark.parametrize("program", ["sed", "awk", "perl -e", "python3 -c", "psql -c", "mongosh --eval"])
def test_a_script_that_is_too_long_is_unknown(program):
    assert classify(f"{program} '1{' ' * 20_000}'", LOOKUP).effect is Effect.UNKNOWN


# --- wrappers ---------------------------------------------------------------------------------------------


def _by_shell(prefix: str, suffix: str = "") -> Callable[[str], str]:
    return lambda command: f"{prefix} {shlex.quote(command)}{suffix}"


def _around(before: str, after: str) -> Callable[[str], str]:
    return lambda command: f"{before}{command}\n{after}"


QUOTED = {
    "sh -c": _by_shell("sh -c"),
    "sudo": _by_shell("sudo -u root bash -c"),
    "env": _by_shell("env A=b bash -c"),
    "timeout": _by_shell("timeout -k 1 5 bash -c"),
    "nohup": _by_shell("nohup sh -c", " &"),
    "nice": _by_shell("nice -n 5 sh -c"),
    "time": _by_shell("time sh -c"),
    "exec": _by_shell("exec sh -c"),
    "flock": _by_shell("flock x.lock -c"),
    "su": _by_shell("su -c"),
    "script": _by_shell("script -c", " /dev/null"),
    "busybox": _by_shell("busybox sh -c"),
    "ssh": _by_shell("ssh -o BatchMode=yes web1"),
    "docker exec": _by_shell("docker exec -i web sh -c"),
    "docker run": _by_shell("docker run --rm alpine:3 sh -c"),
    "kubectl exec": _by_shell("kubectl -n shop exec web -c app -- sh -c"),
    "nsenter": _by_shell("nsenter -t 1 -m sh -c"),
    "chroot": _by_shell("chroot /mnt sh -c"),
    "ip netns exec": _by_shell("ip netns exec blue sh -c"),
    "watch": _by_shell("watch -n 5"),
    "xargs": _by_shell("ls | xargs -n 1 sh -c"),
    "find -exec": _by_shell("find . -name x -exec sh -c", r" \;"),
    "parallel": _by_shell("parallel", " ::: a b"),
    "trap": _by_shell("trap", " EXIT"),
    "eval": _by_shell("eval"),
    "here-string": _by_shell("bash <<<"),
}
AROUND = {
    "here-document": _around("bash <<'ENDE'\n", "ENDE"),
    "subshell": _around("(", ")"),
    "group": _around("{ ", "}"),
    "substitution": _around('echo "$(', ')"'),
    "process substitution": _around("cat <(", ")"),
    "background": _around("{ ", "} &"),
    "pipe": _around("{ ", "} | cat"),
    "redirection": _around("{ ", "} 2>/dev/null"),
    "and": _around("true && { ", "}"),
    "or": _around("false || { ", "}"),
    "negation": _around("! { ", "}"),
    "if": _around("if true; then ", "fi"),
    "while": _around("while read -r line; do ", "done < notes.txt"),
    "for": _around("for i in 1 2; do ", "done"),
    "case": _around("case x in *) ", ";; esac"),
    "function": _around("f() { ", "}; f"),
}
WRAPPERS = {**QUOTED, **AROUND}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_no_wrapper_makes_a_command_milder(wrapper):
    # each wrapper around a part of the corpus, each part in some four of them
    for one in EVERY[list(WRAPPERS).index(wrapper) % 11 :: 11]:
        bare = classify(one["command"], LOOKUP)
        wrapped = classify(WRAPPERS[wrapper](one["command"]), LOOKUP)
        assert _level(wrapped.effect) >= _level(bare.effect), (one["command"], bare, wrapped)


_TOKENS = r"""rm -rf / ls
 cat kubectl delete get pod docker run -v /:/host sh -c bash eval $( ) ` ' " \ | || && ;
 & > >> << <<< { } [ ] [[ ]] ( (( )) $x ${x} ${x:-y} $((1+1)) # = * ? ~ ! if then fi for in do done
 while case esac function f () . , -- - a b é EOF find -delete -exec {} \; xargs sudo env awk
 {system("x")} sed s/a/b/e 1>&2 2>/dev/null @ % ^ + : 0 -n""".split()
_TOKENS += [chr(code) for code in (10, 9, 0, 13)]
_TEXT = st.lists(st.sampled_from(_TOKENS), max_size=14).map(" ".join)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(_TEXT, st.text(max_size=60)), st.sampled_from(sorted(WRAPPERS)))
def test_any_text_is_judged_and_no_wrapper_makes_it_milder(text, wrapper):
    bare = classify(text, LOOKUP)
    wrapped = classify(WRAPPERS[wrapper](text), LOOKUP)
    # a flag is none of a command; what is not complete means something else with the text around it
    if _is_complete(text) if wrapper in AROUND else not text.startswith("-"):
        assert _level(wrapped.effect) >= _level(bare.effect)


def _is_complete(text: str) -> bool:
    try:
        parse(text)
    except NotShell:
        return False
    return not text.rstrip("\n").endswith("\\")


# --- syntax -----------------------------------------------------------------------------------------------

_PIECES = """a b1 -x ' " \\ \\\\ $' \\n \\x41 # = { } , ~ / . [ ] ! % @ + ^ : $ '' "" é""".split(" ")
_PIECES += [" ", "  ", "\n", "\t", "\\\n", "x y"]


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(_PIECES), min_size=1, max_size=12).map("".join))
def test_words_are_those_that_bash_sees(body):
    try:
        block = parse(f"p {body}")
    except NotShell:
        return
    command = block.children[0]
    if len(block.children) > 1 or not isinstance(command, Simple) or command.redirections:
        return
    if any(
        word.expands or UNSEEN in word.text or re.search(r"(^|[=:])~", word.text) for word in command.words
    ):
        return
    shown = 'p() { [ $# -eq 0 ] || printf "%s\\0" "$@"; }; ' + f"p {body}"
    done = subprocess.run(["bash", "-f", "-c", shown], capture_output=True, env={"LC_ALL": "C.UTF-8"})
    if done.returncode == 0:
        ours = [word.text for word in command.words[1:]]
        assert [word for word in ours if word] == [word for word in done.stdout.decode().split("\0") if word]


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("find . -del''ete", Effect.DESTRUCTIVE),
        ("find . -del\\\nete", Effect.UNKNOWN),
        ("echo a >/dev/null b > notes.txt", Effect.DESTRUCTIVE),
        ("cd /etc && echo x > hosts", Effect.DESTRUCTIVE),
        ("cd /etc; echo x > new.conf", Effect.DESTRUCTIVE),
        ("cd /tmp/build && echo x > new.txt", Effect.CHANGE),
        ("(cd /tmp/build); echo x > notes.txt", Effect.DESTRUCTIVE),
        ("D=/etc; echo x > $D/hosts", Effect.DESTRUCTIVE),
        ("D=/tmp/build; echo x > $D/new.txt", Effect.CHANGE),
        ("D=/tmp/build; D=/etc; echo x > $D/new.txt", Effect.DESTRUCTIVE),
        ("read -r D < notes.txt; echo x > $D/new.txt", Effect.DESTRUCTIVE),
        ("if false; then D=/tmp/build; fi; echo x > $D/new.txt", Effect.DESTRUCTIVE),
        ("rm() { echo no; }; unset -f rm; rm notes.txt", Effect.DESTRUCTIVE),
        ("if false; then rm() { echo no; }; fi; rm notes.txt", Effect.DESTRUCTIVE),
        ("rm() { echo no; }; command rm notes.txt", Effect.DESTRUCTIVE),
        ("ls() { command rm notes.txt; }; ls", Effect.DESTRUCTIVE),
        ("k get pods", Effect.READ),
        ("k delete pod web", Effect.DESTRUCTIVE),
        ("cat <<EOF\n`rm notes.txt`\nEOF", Effect.DESTRUCTIVE),
        ("cat <<'EOF'\n`rm notes.txt`\nEOF", Effect.READ),
        ('echo "`echo \\`rm notes.txt\\``"', Effect.DESTRUCTIVE),
        ("[ $(rm notes.txt) = x ]", Effect.DESTRUCTIVE),
        ("echo ${x:-$(rm notes.txt)}", Effect.DESTRUCTIVE),
        ("ls\u00a0-l", Effect.UNKNOWN),
        ("echo {\U000e1fd0", Effect.READ),
        ("echo 'größe 中' > größe.txt", Effect.CHANGE),
        ("é=1 rm notes.txt", Effect.UNKNOWN),
        ("echo '\ud800'", Effect.UNKNOWN),
        ("ls \\\n  -l", Effect.READ),
        ("echo \\ # ; rm notes.txt", Effect.UNKNOWN),
        ("tar czf backup-$(date +%F).tgz src", Effect.CHANGE),
        ("", Effect.READ),
        ("# a comment", Effect.READ),
    ],
)
def test_syntax_that_hides(text, effect):
    verdict = classify(text, LOOKUP)
    assert verdict.effect is effect, verdict


@pytest.mark.parametrize(
    "command",
    """sort --outp=data.csv data.csv
shuf -o data.csv data.csv
iconv -f latin1 -t utf8 -o notes.txt notes.txt
uniq data.csv notes.txt
tree -o notes.txt
nmap -oN app.log 10.0.0.1
ss -D app.log
less '+!rm notes.txt' README.md
man -P ./run.sh ls
xmllint --shell pom.xml
sed --in-pl s/a/b/ notes.txt
sed -Ei s/a/b/ notes.txt
sed -n '/x/w notes.txt' app.log
awk -o notes.txt '{print}' data.csv
awk '{print > "notes.txt"}' data.csv
awk 'BEGIN { "rm notes.txt" | getline }'
tar czf backup@10.0.0.9:/x.tgz src
tar xf backup.tar.gz --checkpoint=1 --checkpoint-action=exec=./run.sh
find . -name x -execdir ./run.sh {} +
docker volume create -d local -o type=none -o o=bind -o device=/ all
docker build -o type=local,dest=/ .
docker exec --privileged web ls
docker run --volumes-from web alpine ls
curl -H @notes.txt https://example.com
curl -d @notes.txt https://example.com
curl --data-binary @- https://example.com < notes.txt
kubectl kustomize --enable-exec k8s
kubectl create rolebinding x --clusterrole=cluster-admin --user=dev
git -c core.pager='rm notes.txt' log
git -c core.fsmonitor=./run.sh status
git clone --upload-pack=./run.sh ssh://host/x
git grep -Orm TODO
openssl dgst -engine ./x.so notes.txt
python3 -c "import os; os.remove('notes.txt')"
python3 -c "o = open; o('notes.txt', 'w')"
python3 -c "from os import *; remove('notes.txt')"
python3 -c "print([c for c in ().__class__.__base__.__subclasses__()])"
perl -e 'unlink "notes.txt"'
perl -e 'print `rm notes.txt`'
psql -c 'COPY t TO PROGRAM $$rm notes.txt$$'
psql -c '\\! rm notes.txt'
sqlite3 x.db '.shell rm notes.txt'
redis-cli CONFIG SET dir /etc
ssh -o ProxyCommand=./run.sh host ls
rsync -e ./run.sh a b:c
xargs -I{} sh -c '{}' < notes.txt
parallel < notes.txt
env -S 'rm notes.txt'
timeout 5 env A=b nice -n 3 rm notes.txt
[[ -v 'a[$(rm notes.txt)]' ]]
read 'a[$(rm notes.txt)]' <<< 1
PATH=.:$PATH ls
LD_PRELOAD=./x.so ls
PROMPT_COMMAND='rm notes.txt'
trap 'rm notes.txt' EXIT""".splitlines(),
)
def test_flags_and_languages_that_write_or_run(command):
    verdict = classify(command, LOOKUP)
    assert verdict.effect in DANGER, verdict


@pytest.mark.parametrize("command", ["cat ~/.docker/*", "cat ~/.aws/*", "cat .e*", "cat ~/.ssh/id_*"])
def test_a_glob_that_may_stand_for_a_secret_reads_one(command):
    assert classify(command, LOOKUP).secret


def test_a_path_that_is_none_may_exist():
    assert Machine().exists("a" * 5000)
    assert not Machine().is_directory("a" * 5000)
    assert classify(f"cp app.py {'a' * 5000}", Machine()).effect is Effect.DESTRUCTIVE


def test_a_key_that_no_rule_has_is_an_error():
    with pytest.raises(ValueError, match="named_only is no key of a rule"):
        _rule("x", {"effect": "read", "named_only": True})


def test_the_tables_can_be_read_and_name_handlers_that_exist():
    from devops_agent.policy.handlers import HANDLERS

    assert rule_of("kubectl")
    assert sorted(path.stem for path in RULES.glob("*.toml"))
    used = {
        line.split('"')[1]
        for path in RULES.glob("*.toml")
        for line in path.read_text().split("handler = ")[1:]
        for line in [f'"{line.split(chr(34))[1]}"']
    }
    assert used == set(HANDLERS)


def test_each_section_is_read_by_itself_as_it_stands_in_its_file():
    read = {}
    for path in RULES.glob("*.toml"):
        for name, section in toml_file.loads(path.read_text(encoding="utf-8")).items():
            read |= dict.fromkeys((name, *_items(section.get("aliases", ""))), _rule(name, section))
    assert {name: rule_of(name) for name in sections()} == read


def test_the_documents_tell_how_large_the_corpus_is():
    for name in ("docs/safety.md", "SECURITY.md"):
        text = (Path(__file__).parents[1] / name).read_text(encoding="utf-8")
        assert f"{len(EVERY)} commands" in text
