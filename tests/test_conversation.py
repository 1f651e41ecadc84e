"""The turns of a session: what the model is told of them, and how they are kept."""

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from replies import answer, sh

from agent import DevOpsAgent, bash
from devops_agent.context_window import size
from devops_agent.dialogue import conversation
from devops_agent.dialogue.conversation import Conversation, Turn
from devops_agent.dialogue.subjects import Subject
from devops_agent.errors import EngineError
from devops_agent.events import Event, Notice, OutputGrew
from devops_agent.scripted import ScriptedModel
from devops_agent.session_store import StoredStep, StoredTurn
from devops_agent.shell import Shell

WEB = Subject("deployment", "web", "shop")


def turn(task: str, length: int = 10) -> Turn:
    said = [("user", task), ("assistant", "call"), ("user", "x" * length), ("assistant", "answer")]
    messages = tuple({"role": role, "content": content} for role, content in said)
    return Turn(task, messages, (WEB,), "Three pods run.", True, ("kubectl get pods",))


def agent_with(*replies: str | BaseException) -> tuple[DevOpsAgent, ScriptedModel, list[Event]]:
    told: list[Event] = []
    model = ScriptedModel(replies)
    return DevOpsAgent(tools=[bash], model=model, listener=told.append, shell=Shell(timeout=20)), model, told


def test_each_request_of_a_session_extends_the_one_before() -> None:
    replies = [sh("echo one"), answer("One."), sh("echo two"), answer("Two."), sh("echo three"), answer("3")]
    agent, model, _ = agent_with(*replies)
    for task in ("first task", "second task", "third task"):
        agent.run(task, reset=False)
    assert len(model.requests) == 6
    for shorter, longer in pairwise(model.requests):
        assert longer[: len(shorter)] == shorter
    assert [m["content"] for m in model.requests[-1] if m["role"] == "user"][::2] == [
        "first task",
        "second task",
        "third task",
    ]


def test_the_answer_in_the_history_is_the_one_that_the_user_was_told() -> None:
    """And not what the model claimed."""
    agent, model, _ = agent_with(
        sh("ls /nowhere-at-all"), *[answer("All is there.")] * 4, sh("echo x"), answer("x")
    )
    told = agent.run("create a folder", reset=False)
    assert told != "All is there."
    agent.run("list it", reset=False)
    history = [m["content"] for m in model.requests[-1] if m["role"] == "assistant"]
    assert any(told.splitlines()[0] in content for content in history)


def test_it_is_what_the_turn_before_was_about() -> None:
    agent, _, told = agent_with(sh("true"), answer("Done."))
    agent.conversation.add(turn("show deployment web in namespace shop"))
    agent.run("and its status?", reset=False)
    assert Notice("Understood as: Show the status of deployment web in namespace shop") in told
    assert agent.conversation.turns[-1].task == "Show the status of deployment web in namespace shop"


def test_a_run_that_resets_forgets() -> None:
    agent, model, told = agent_with(sh("true"), answer("Done."))
    agent.conversation.add(turn("show deployment web in namespace shop"))
    agent.run("and its status?")
    assert model.requests[0][1]["content"] == "and its status?"
    assert not [event for event in told if isinstance(event, Notice)]


def test_a_question_on_a_table_looks_at_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubectl = tmp_path / "bin" / "kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text("#!/bin/sh\nprintf 'NAME    READY\nweb-1   0/1\n'\n")
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{kubectl.parent}:{os.environ['PATH']}")
    agent, model, _ = agent_with(answer("web-1."))
    talk = agent.conversation
    talk.add(conversation.of_command("kubectl get pods", "NAME    READY\nweb-1   1/1", True))
    assert talk.look_again("which of them is not ready?") == "kubectl get pods"
    assert talk.look_again("delete those of them that are old") == talk.look_again("list the nodes") == ""
    assert agent.run("which of them is not ready?", reset=False) == "web-1."
    assert "web-1   0/1" in model.requests[0][-1]["content"]


def test_an_answer_from_what_was_said_needs_no_look() -> None:
    agent, model, _ = agent_with(answer("Three pods."))
    agent.conversation.add(turn("list the pods"))
    assert agent.run("How many of them did you find?", reset=False) == "Three pods."
    assert len(model.requests) == 1


def test_what_is_there_now_is_looked_up_again() -> None:
    agent, _, _ = agent_with(answer("Three pods."), sh("echo none"), answer("None."))
    agent.conversation.add(turn("list the pods"))
    assert agent.run("list the pods", reset=False) == "None."


def test_an_interrupted_command_is_in_the_history_with_what_it_had_printed() -> None:
    agent, model, told = agent_with(sh("echo early; sleep 30"), sh("true"), answer("Done."))

    def interrupt(event: Event) -> None:
        told.append(event)
        if isinstance(event, OutputGrew) and len([e for e in told if isinstance(e, OutputGrew)]) == 1:
            raise KeyboardInterrupt

    agent.listener = interrupt
    with pytest.raises(KeyboardInterrupt):
        agent.run("wait for it", reset=False)
    assert told[-1] == OutputGrew("early\n")
    agent.listener = told.append
    agent.run("another task", reset=False)
    first = [m["content"] for m in model.requests[-1]]
    assert "It was interrupted. Until then it had printed:\nearly" in first[3]
    assert "Not done: interrupted." in first[4]
    assert [m["role"] for m in model.requests[-1]][1:6] == ["user", "assistant", "user", "assistant", "user"]


def test_a_task_that_the_engine_did_not_survive_is_in_the_history() -> None:
    agent, model, _ = agent_with(sh("echo one"), EngineError("It died."), sh("true"), answer("Done."))
    with pytest.raises(Exception, match="died"):
        agent.run("first", reset=False)
    agent.run("second", reset=False)
    assert [m["content"] for m in model.requests[-1] if "Not done: It died." in m["content"]]


# --- what is too long -------------------------------------------------------------------------------------


def test_the_oldest_turns_are_folded_to_a_line_and_the_newest_stay() -> None:
    talk = Conversation(limit=4000)
    for number in range(6):
        talk.add(turn(f"task {number}", 500))
    sent = talk.messages([{"role": "user", "content": "now"}])
    assert size(sent) < 4000 * 0.5
    assert sent[0]["content"].startswith(
        "Earlier in this session:\n- task 0 (done; ran: kubectl get pods): Three pods run.\n"
    )
    assert sent[-5]["content"] == "task 5"
    roles = [message["role"] for message in sent]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]


def test_between_two_folds_what_is_sent_is_only_extended() -> None:
    talk, cuts = Conversation(limit=6000), 0
    before = talk.messages([])
    for number in range(40):
        talk.add(turn(f"task {number}", 300))
        now = talk.messages([])
        cuts += now[: len(before)] != before
        before = now
    assert 0 < cuts <= 12


def test_one_turn_that_is_too_long_is_folded_too() -> None:
    talk = Conversation(limit=1000)
    talk.add(turn("task", 5000))
    assert size(talk.messages([])) < 200
    assert talk.messages([{"role": "user", "content": "now"}])[0]["content"].endswith("\n\nnow")


def test_how_full_it_is() -> None:
    talk = Conversation(limit=1000)
    assert talk.used == 0
    talk.add(turn("task", 200))
    assert 0.2 < talk.used < 0.45
    talk.clear()
    assert (talk.used, talk.messages([])) == (0, [])


# --- kept -------------------------------------------------------------------------------------------------


def stored(**changes: Any) -> StoredTurn:
    command = "kubectl -n shop scale deployment web --replicas=3"
    told = ("scaled", "scaled", "", "")
    step = StoredStep("bash", {"command": command}, "change", 1.0, 2.0, 0, True, *told)
    values = {"number": 1, "task": "scale web", "started": 1.0, "ended": 2.0, "answer": "Scaled.", "ok": True}
    values |= {
        "exit_code": 0,
        "names": {},
        "messages": turn("scale web").messages,
        "commands": (),
        "steps": (step,),
    }
    return StoredTurn(**{**values, **changes})


def test_a_turn_that_was_kept_is_taken_up_again() -> None:
    talk = Conversation(turns=[conversation.of_stored(stored())])
    assert talk.messages([]) == list(turn("scale web").messages)
    assert talk.resolved("and its logs?") == "Show the logs of deployment web in namespace shop"


def test_of_a_turn_that_was_cut_off_is_told_what_ran() -> None:
    talk = Conversation(turns=[conversation.of_stored(stored(ended=None, answer="", ok=None, messages=()))])
    contents = [message["content"] for message in talk.messages([])]
    assert contents[0] == "scale web"
    assert "--replicas=3" in contents[1]
    assert "scaled" in contents[2]
    assert "it was cut off" in contents[3]


def test_a_command_of_the_user_is_a_turn() -> None:
    talk = Conversation()
    talk.add(conversation.of_command("kubectl -n shop get deployment web", "NAME  READY\nweb  1/1", True))
    assert talk.resolved("scale it to 2") == "Scale deployment web in namespace shop to 2"
    assert "web  1/1" in talk.messages([])[2]["content"]
