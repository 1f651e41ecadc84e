"""The agent's loop: whole conversations with a scripted model and real tools."""

import inspect
import json
import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fake_programs import Programs, container, deployment, pod
from replies import answer, call, sh
from smolagents import ToolCallingAgent, tool
from smolagents.agents import ActionOutput
from smolagents.models import ChatMessage, ChatMessageToolCall, ChatMessageToolCallFunction, MessageRole
from smolagents.utils import AgentError

import smolagents_patches
from agent import DevOpsAgent, bash, get_env, read_file, write_file
from devops_agent import followup, protocol
from devops_agent.approval import Answer, Approver, Question
from devops_agent.briefing import Briefing, briefer
from devops_agent.chat import Completion, Sampling
from devops_agent.context_window import fit
from devops_agent.errors import EngineError, ExitCode
from devops_agent.events import Corrected, Event, Exchange, Observed, Reasoned, ToolCalled
from devops_agent.forms.recipe import form_of_commands
from devops_agent.gate import Gate
from devops_agent.grounding import Ground
from devops_agent.outputs import OutputStore
from devops_agent.policy.modes import Modes
from devops_agent.protocol import system_prompt
from devops_agent.scripted import ScriptedModel
from devops_agent.shell import Shell
from devops_agent.steps import Step

TASK = "Do what has to be done"
NOT_A_CALL = "I will look at the pods now."
NO_CALL = "Error: Your reply holds no tool call. Reply with exactly one <tool_call> block."
ALREADY = "Error: You made this call already; its result is above. Use it, or do something else."
# would do no harm if it ran
NEVER = "mkfs.ext4 /dev/no-such-disk"
WAITS = "kubectl edit deployment web"

Message = dict[str, str]
Reply = str | Completion | BaseException


@tool
def shout(text: str) -> str:
    """Says it loudly.

    Args:
        text: What to say.
    """
    if not text:
        raise ValueError("nothing to shout")
    return text.upper() + "!"


@tool
def count_files(folder: str) -> str:
    """Counts files.

    Args:
        folder: Where.
    """
    return f"In all: {len(bash(command=f'ls {folder}').splitlines())} files"


@tool
def retry(times: int) -> str:
    """Tries again.

    Args:
        times: How often.
    """
    return f"tried {times} times"


def said(text: str, task: str = TASK) -> Message:
    """What stands in the conversation as the result of a call."""
    return {
        "role": "user",
        "content": (
            f"<tool_response>\n{text}\n</tool_response>\n"
            f"Task: {task}\n"
            "If the whole task is done, call final_answer with the names and figures from the results; "
            "else make the next call."
        ),
    }


def assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


@dataclass
class Played:
    """A run that has ended."""

    agent: DevOpsAgent
    model: ScriptedModel
    answer: str
    events: list[Event] = field(default_factory=list)

    @property
    def code(self) -> ExitCode:
        return self.agent.evidence.exit_code()

    def told(self) -> list[str]:
        """What the model was told after each call, without tags and reminder, from the last request."""
        texts = [m["content"] for m in self.model.requests[-1][2:] if m["role"] == "user"]
        found = [re.match(r"<tool_response>\n(.*)\n</tool_response>", text, re.DOTALL) for text in texts]
        return [match[1] for match in found if match]

    def happened(self) -> list[Event]:
        """The events of the agent, without those of the model."""
        return [
            event for event in self.events if isinstance(event, (ToolCalled, Observed, Corrected, Reasoned))
        ]


def play(*replies: Reply, task: str = TASK, tools: tuple[Any, ...] = (), **settings: Any) -> Played:
    """Runs the agent on a script; a run that ends with an answer has used the whole script."""
    seen: list[Event] = []
    model = ScriptedModel(replies, seen.append)
    modes = Modes(require_approval=settings.pop("require_approval", False), assume_yes=True)
    asks = settings.pop("approver", approver())
    settings.setdefault("gate", Gate(modes, approver=asks, present=lambda: True))
    agent = DevOpsAgent(
        tools=[read_file, write_file, bash, get_env, *tools], model=model, listener=seen.append, **settings
    )
    text = str(agent.run(task))
    assert len(model.requests) == len(replies)
    return Played(agent, model, text, seen)


def approver(*verdicts: tuple[bool, str]) -> Approver:
    """A user who answers from a script."""
    left = iter(verdicts)
    return lambda question: Answer(*next(left))


# --- the conversation -------------------------------------------------------------------------------------


def test_one_tool_runs_at_a_time_and_its_result_is_in_the_next_request() -> None:
    run = play(
        call("write_file", path="a.txt", content="eins\nzwei\n"),
        sh("wc -l a.txt"),
        answer("a.txt has 2 lines."),
        task="Write a.txt and count its lines",
    )
    first, second, third = run.model.requests
    system = {"role": "system", "content": system_prompt(run.agent.tools.values())}
    user = {"role": "user", "content": "Write a.txt and count its lines"}
    assert first == [system, user]
    assert second == [
        system,
        user,
        assistant(
            '<tool_call>\n{"name": "write_file", "arguments": '
            '{"path": "a.txt", "content": "eins\\nzwei\\n"}}\n</tool_call>'
        ),
        said("Wrote 10 bytes to a.txt", "Write a.txt and count its lines"),
    ]
    assert third == [
        *second,
        assistant('<tool_call>\n{"name": "bash", "arguments": {"command": "wc -l a.txt"}}\n</tool_call>'),
        said("2 a.txt", "Write a.txt and count its lines"),
    ]
    assert (run.answer, run.code) == ("a.txt has 2 lines.", ExitCode.DONE)


def test_the_tools_of_the_prompt_are_the_agents_own_and_final_answer() -> None:
    run = play(sh("true"), answer(), tools=(shout,))
    prompt = run.model.requests[0][0]["content"]
    assert re.findall(r"^- (\w+)\(", prompt, re.MULTILINE) == [
        "bash", "read_file", "write_file", "get_env", "shout", "final_answer",
    ]  # fmt: skip


def test_instructions_stand_at_the_end_of_the_system_prompt_once() -> None:
    run = play(sh("true"), answer(), instructions="The cluster is called kitten.")
    messages = run.model.requests[0]
    assert [m["role"] for m in messages] == ["system", "user"]
    assert messages[0]["content"].endswith("\nThe cluster is called kitten.")
    assert messages[0]["content"].count("kitten") == 1


def test_each_request_extends_the_one_before_byte_for_byte() -> None:
    """The prefix cache of the engine depends on it; mistakes, failures and refusals included."""
    run = play(
        NOT_A_CALL,
        sh("echo one"),
        '{"name": "no_such_tool", "arguments": {}}',
        call("read_file", path="missing.txt"),
        sh("kubectl edit deployment web"),
        sh("false"),
        f"{sh('echo two')}\n{answer()}",
        answer("It failed."),
    )
    for before, after in zip(run.model.requests, run.model.requests[1:], strict=False):
        assert after[: len(before)] == before
        assert len(after) == len(before) + 2


@pytest.mark.parametrize(
    "reply",
    [
        '<tool_call>{"name":"bash","arguments":{"command":"echo hi"}}</tool_call>',
        '```json\n{"name": "bash", "arguments": {"command": "echo hi"}}\n```',
        '{"tool": "bash", "parameters": {"cmd": "echo hi"}}',
        "<tool_call>\n{'name': 'bash', 'arguments': {'command': 'echo hi'}}",
        '{"name": "echo", "arguments": {"command": "hi"}}',
    ],
)
def test_the_history_holds_the_canonical_form_whatever_form_the_reply_had(reply: str) -> None:
    run = play(reply, answer())
    assert run.model.requests[1][2:] == [
        assistant('<tool_call>\n{"name": "bash", "arguments": {"command": "echo hi"}}\n</tool_call>'),
        said("The value is: hi"),
    ]


def test_a_single_value_reads_the_value_is() -> None:
    run = play(sh("echo ab12cd34ef56"), call("get_env", key="HOME"), sh("echo two words"), answer())
    home = str(Path.home())
    assert run.told() == ["The value is: ab12cd34ef56", f"The value is: {home}", "two words"]


def test_no_output_is_said_in_words() -> None:
    run = play(sh("true"), call("get_env", key="NOT_THERE"), answer())
    assert run.told() == ["Done, no output.", "The environment variable NOT_THERE is not set."]


def test_an_exit_code_other_than_0_is_the_last_line_of_the_result() -> None:
    run = play(sh("echo oh; exit 3"), answer("It failed."))
    assert run.told() == ["oh\nExit code: 3"]


def test_tables_reach_the_model_as_sentences_and_the_user_as_they_are() -> None:
    table = "Filesystem      Size  Used Avail Use% Mounted on\n/dev/vda        252G   24G   68G  26% /\n"
    Path("df.txt").write_text(table)
    run = play(sh("cat df.txt"), answer())
    assert run.told() == ["Disk /: 26% used, 24G of 252G used, 68G available."]
    shown = [event.text for event in run.events if isinstance(event, Observed)]
    assert shown == [table.rstrip("\n")]


def test_a_file_keeps_the_indentation_of_its_first_line() -> None:
    Path("part.yaml").write_text("    name: web\n    image: nginx\n")
    run = play(call("read_file", path="part.yaml"), answer())
    assert run.told() == ["    name: web\n    image: nginx"]


def test_a_single_value_is_one_even_when_it_is_padded() -> None:
    """As `wc -l` does it on macOS."""
    run = play(sh("echo '       3  '"), answer())
    assert run.told() == ["The value is: 3"]


def test_a_second_run_starts_a_new_conversation() -> None:
    model = ScriptedModel([sh("echo one"), answer("1"), sh("echo one"), answer("2")])
    agent = DevOpsAgent(tools=[bash], model=model)
    assert [agent.run("first"), agent.run("second")] == ["1", "2"]
    assert [m["content"] for m in model.requests[2]][1:] == ["second"]
    assert agent.evidence.calls == 1


# --- several calls in one reply ---------------------------------------------------------------------------


def test_of_two_calls_the_first_runs_and_the_result_says_so() -> None:
    run = play(sh("echo one > one") + "\n" + sh("echo two > two"), answer())
    assert (Path("one").exists(), Path("two").exists()) == (True, False)
    assert run.model.requests[1][2:] == [
        assistant(sh("echo one > one")),
        said(
            "Done, no output.\none has 1 line now:\none\n"
            "(Only the first call was run. Not run: bash. Call ONE tool at a time.)"
        ),
    ]


@pytest.mark.parametrize("replies", [(0, 1), (1, 0)])
def test_final_answer_beside_another_call_is_dropped(replies: tuple[int, int]) -> None:
    parts = (sh("echo one two"), answer("Made up."))
    run = play("\n".join(parts[i] for i in replies), answer("One two."))
    assert run.told() == [
        "one two\n(Only the first call was run. Not run: final_answer. Call ONE tool at a time.)"
    ]
    assert (run.answer, run.code) == ("One two.", ExitCode.DONE)


def test_all_calls_that_were_not_run_are_named() -> None:
    run = play(sh("echo a b") + sh("ls") + call("get_env", key="HOME") + answer(), answer())
    assert "Not run: bash, get_env, final_answer." in run.told()[0]


# --- mistakes of the model --------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [NOT_A_CALL, "", "   ", "<think>Which pods are there?</think>", "{}", "[]"])
def test_a_reply_without_a_call_is_fed_back_in_one_line(reply: str) -> None:
    run = play(reply, sh("echo hi"), answer())
    assert run.model.requests[1][2:] == [assistant(reply), said(NO_CALL)]
    assert (run.answer, run.code) == ("Done.", ExitCode.DONE)


@pytest.mark.parametrize(
    "reply",
    [
        '<tool_call>\n{"name": "bash", "arguments": {"command": "echo "hi""}}\n</tool_call>',
        '<tool_call>\n{"name": "bash", "arguments": {"command": "echo',
        '{"name": "bash", "arguments": {"command": }}',
    ],
)
def test_malformed_json_is_fed_back_in_one_line(reply: str) -> None:
    run = play(reply, sh("echo hi"), answer())
    (told, _) = run.told()
    assert told.startswith("Error: Your tool call is not valid JSON: ")
    assert told.endswith(". Escape quotes.")
    assert "\n" not in told
    assert run.model.requests[1][2] == assistant(reply)
    assert run.code is ExitCode.DONE


def test_a_reply_that_was_cut_off_is_said_to_be_too_long() -> None:
    cut = Completion('<tool_call>\n{"name": "write_file", "arguments": {"path": "a", "content": "x', True)
    run = play(cut, sh("true"), answer())
    assert run.told()[0] == "Error: Your reply was cut off after 2048 tokens. Make the call shorter."
    assert not Path("a").exists()


def test_of_a_long_malformed_reply_only_the_start_stays_in_the_history() -> None:
    run = play("blah " * 2000, sh("true"), answer())
    assert len(run.model.requests[1][2]["content"]) == 500


MISTAKES = [
    (
        call("kubctl", command="get pods"),
        "There is no tool 'kubctl'. Tools: read_file, write_file, bash, get_env, final_answer.",
    ),
    (call("bash"), "The argument 'command' is missing. bash takes exactly: command."),
    (
        call("write_file", path="a.txt"),
        "The argument 'content' is missing. write_file takes exactly: path, content.",
    ),
    (call("bash", command=None), "The argument 'command' is missing. bash takes exactly: command."),
    (call("bash", command=1.5), "The argument 'command' must be a string. bash takes exactly: command."),
    (call("bash", command="ls", timeout=5), "There is no argument 'timeout'. bash takes exactly: command."),
    (
        call("final_answer", answer="x", why="y"),
        "There is no argument 'why'. final_answer takes exactly: answer.",
    ),
    (
        sh("kubectl delete pod <pod_name>"),
        "<pod_name> is a placeholder. Find the real value first, then use it.",
    ),
    (answer("All pods run."), "No tool has run yet. Do the task with a tool first, then answer."),
]


@pytest.mark.parametrize(("reply", "told"), MISTAKES)
def test_a_mistake_is_fed_back_in_one_short_line_and_never_the_end(reply: str, told: str) -> None:
    run = play(reply, sh("echo hi"), answer())
    assert run.model.requests[1][2:] == [assistant(reply), said(f"Error: {told}")]
    assert len(told) < 120
    assert run.happened() == [
        Corrected(told),
        ToolCalled("bash", {"command": "echo hi"}),
        Observed("hi"),
    ]
    assert run.code is ExitCode.DONE


def test_a_placeholder_in_the_text_of_a_file_is_no_mistake() -> None:
    play(call("write_file", path="usage.txt", content="kubectl logs <pod_name>"), answer())
    assert Path("usage.txt").read_text() == "kubectl logs <pod_name>"


UNREAD = "Most requests are of <client_ip>, which sent <number>."


def test_an_answer_with_a_placeholder_is_sent_back() -> None:
    run = play(sh("echo 10.0.0.7 95"), answer(UNREAD), answer("10.0.0.7, which sent 95."))
    told = "<client_ip> stands for a value. Put in what a result says, or say that none does."
    assert run.told()[1] == f"Error: {told}"
    assert (run.answer, run.code) == ("10.0.0.7, which sent 95.", ExitCode.DONE)


def test_an_answer_with_a_figure_of_its_own_is_sent_back() -> None:
    run = play(sh("echo pid 10410"), answer("It runs, pid 10367."), answer("It runs, pid 10410."))
    told = "10367 is in no result. Look it up with a command, or leave it out of the answer."
    assert run.told()[1] == f"Error: {told}"
    assert (run.answer, run.code) == ("It runs, pid 10410.", ExitCode.DONE)


NOT_APPROVED = "Error: bash {rm a.log} was not approved, so it is not done. Answer what was found."


@pytest.mark.parametrize("again", ["Deleted the log file a.log.", NOT_APPROVED])
def test_what_the_user_did_not_approve_is_not_claimed(again: str) -> None:
    Path("a.log").touch()
    run = play(
        *(sh("rm a.log"), answer("Deleted the log file a.log."), answer(again)),
        task="Delete all log files",
        require_approval=True,
        approver=approver((False, "list them"), (True, "")),
    )
    assert NOT_APPROVED in run.told()
    assert run.answer.startswith("Not done: bash {rm a.log} was not approved. -rw")
    assert run.code is ExitCode.REFUSED


def test_what_the_model_was_told_is_no_answer() -> None:
    told = "Nothing was changed yet. Make the change with a tool, or say why it is not made."
    run = play(sh("echo x"), answer("Done."), answer(told), answer(told), task="Make it better")
    assert run.told()[1] == f"Error: {told}"
    assert run.told()[2] == "Error: That is what you were told, and no answer. Make the next call."
    assert "final_answer" not in run.model.offered[3]
    assert run.answer == "Not done. x"
    assert run.code is ExitCode.FAILED


def test_what_the_model_was_told_is_not_written_into_a_file() -> None:
    told = "There is no file a.txt yet. Make it with a tool, or say in the answer that it is not there."
    run = play(
        sh("touch b"),
        answer("Both are there."),
        call("write_file", path="a.txt", content=f"a is not there. {told[27:]}"),
        call("write_file", path="a.txt", content="A"),
        answer("Both are there."),
        task="Create the files a.txt and b",
    )
    assert run.told()[1:3] == [
        f"Error: {told}",
        "Error: That is what you were told, and no text for the file. Write what the task wants.",
    ]
    assert (Path("a.txt").read_text(), run.code) == ("A", ExitCode.DONE)


def test_code_looks_whether_a_file_is_there_that_was_written() -> None:
    run = play(
        call("write_file", path="x.txt", content="x"),
        answer("It is there."),
        task="Create the file x.txt, then check if it exists",
    )
    assert ToolCalled("bash", {"command": "ls -l -- x.txt"}) in run.happened()
    assert "$ ls -l -- x.txt\n-rw" in run.told()[0]
    assert (run.answer, run.code) == ("It is there.", ExitCode.DONE)


def test_what_the_user_gave_is_what_a_question_is_about() -> None:
    model = ScriptedModel([answer("The image is missing.")])
    agent = DevOpsAgent(tools=[bash], model=model)
    said = agent.run("Why does this pod not start?", data={"/dev/stdin": "Failed to pull image nginx:nope"})
    assert (said, model.offered) == ("The image is missing.", [["final_answer"]])


def test_an_answer_that_keeps_its_placeholder_is_none() -> None:
    run = play(sh("echo 10.0.0.7 95"), answer(UNREAD), answer(UNREAD))
    assert run.answer == f"Not answered: in {UNREAD!r} <client_ip> stands for a value that was not found."
    assert run.code is ExitCode.FAILED


def test_a_placeholder_that_a_result_has_is_what_it_says() -> None:
    run = play(sh("echo 'usage: ping <host>'"), answer("Call it with <host>."))
    assert (run.answer, run.code) == ("Call it with <host>.", ExitCode.DONE)


def test_an_interactive_command_is_refused_with_the_form_that_works() -> None:
    run = play(sh("kubectl edit deployment web"), sh("echo hi"), answer())
    assert run.told() == [
        "Error: kubectl edit needs an editor; use kubectl patch or apply -f FILE",
        "The value is: hi",
    ]
    assert run.code is ExitCode.DONE


# --- repetitions ------------------------------------------------------------------------------------------


def test_the_same_call_is_not_made_again() -> None:
    run = play(sh("date +%N >> log; ls"), sh("date +%N >> log; ls"), answer())
    assert run.told()[1] == ALREADY
    assert len(Path("log").read_text().splitlines()) == 1


def test_a_call_is_the_same_in_whatever_form_it_came() -> None:
    run = play(sh("ls /"), '{"arguments": {"cmd": "ls /"}, "name": "shell"}', answer())
    assert run.told()[1] == ALREADY


def test_after_a_successful_change_the_same_call_is_made_again() -> None:
    run = play(sh("ls"), sh("touch a.txt"), sh("ls"), answer())
    assert run.told() == ["Done, no output.", "Done, no output.", "The value is: a.txt"]


def test_after_a_successful_wait_the_same_call_is_made_again() -> None:
    run = play(sh("ls /"), sh("sleep 0.01"), sh("ls /"), answer())
    assert run.told()[2] == run.told()[0]


def test_after_a_failed_wait_the_same_call_is_still_a_repetition() -> None:
    run = play(sh("ls /"), sh("sleep soon"), sh("ls /"), answer())
    assert run.told()[2] == ALREADY


def test_after_a_failed_change_the_same_call_is_still_a_repetition() -> None:
    run = play(sh("ls"), sh("rmdir missing"), sh("ls"), answer("rmdir failed."))
    assert run.told()[2] == ALREADY


def test_a_failed_change_may_be_repeated_after_another_change_succeeded() -> None:
    run = play(sh("cp a b"), sh("cp a b"), call("write_file", path="a", content="x"), sh("cp a b"), answer())
    assert run.told()[1] == ALREADY
    assert run.told()[3] == "Done, no output."
    assert run.code is ExitCode.DONE


# --- the end of a run -------------------------------------------------------------------------------------


def test_three_mistakes_in_a_row_end_the_run_and_the_answer_says_what_is_known() -> None:
    run = play(sh("echo the known"), NOT_A_CALL, call("kubctl"), sh("echo the known"))
    assert run.answer == (
        "Not done: the model made no usable call three times in a row. The last result was:\nthe known"
    )
    assert run.code is ExitCode.FAILED


def test_three_mistakes_at_the_start_end_the_run_without_a_result() -> None:
    run = play(NOT_A_CALL, answer(), answer())
    assert run.answer == (
        "Not done: the model made no usable call three times in a row. No command was run.\n"
        "The model's own answer, which nothing here bears out: Done."
    )
    assert run.code is ExitCode.FAILED


def test_a_tool_that_failed_is_a_result_too() -> None:
    run = play(call("read_file", path="missing.txt"), NOT_A_CALL, NOT_A_CALL, NOT_A_CALL)
    assert run.answer.endswith("The last result was:\nmissing.txt does not exist. Look for it with bash: ls")


def test_mistakes_that_are_not_in_a_row_do_not_end_the_run() -> None:
    good = [sh(f"echo {word}") for word in ("one", "two", "three")]
    run = play(NOT_A_CALL, "{", good[0], NOT_A_CALL, "{", good[1], NOT_A_CALL, "{", good[2], answer())
    assert (run.answer, run.code) == ("Done.", ExitCode.DONE)


def test_a_tool_that_fails_is_no_mistake_of_form() -> None:
    run = play(*(call("read_file", path=f"missing{i}") for i in range(4)), answer("None exists."))
    assert run.agent.evidence.calls == 4
    assert run.answer == "None exists."


def test_when_the_steps_run_out_the_model_is_not_asked_again() -> None:
    run = play(sh("echo one"), sh("echo the second"), max_steps=2)
    assert run.answer == "Not done: no final answer after 2 steps. The last result was:\nthe second"
    assert run.code is ExitCode.FAILED


def test_a_claim_of_success_over_a_failed_change_is_sent_back_once() -> None:
    run = play(sh("rmdir missing"), answer("Removed."), answer("It is removed."))
    assert run.told()[1] == (
        "Error: bash {rmdir missing} failed, and no change succeeded since. "
        "Correct it with another call, or say in the answer that it failed."
    )
    said = "bash {rmdir missing} failed: rmdir: failed to remove 'missing': No such file or directory"
    told = f"It is removed.\n{said}"
    assert (run.answer, run.code) == (told, ExitCode.FAILED)


@pytest.mark.parametrize(
    "text",
    ["rmdir failed: no such directory.", "It could not be removed.", "I couldn't remove it.",
     "I couldn’t remove it.", "Error: missing", "Permission denied"],
)  # fmt: skip
def test_an_answer_that_admits_the_failure_is_taken(text: str) -> None:
    run = play(sh("rmdir missing"), answer(text))
    said = "bash {rmdir missing} failed: rmdir: failed to remove 'missing': No such file or directory"
    assert (run.answer, run.code) == (f"{text}\n{said}", ExitCode.FAILED)


@pytest.mark.parametrize("command", ["rmdir missing; ls /", "rmdir missing 2>&1 | tail -n 1"])
def test_a_failure_behind_which_another_command_succeeds_is_a_failure(command: str) -> None:
    run = play(sh(command), answer("Removed."), answer("It is removed."))
    assert run.told()[0].endswith("\nrmdir missing failed with exit code 1")
    assert run.told()[1].startswith(f"Error: bash {{{command}}} failed, ")
    assert run.code is ExitCode.FAILED


def test_a_later_change_that_succeeds_heals_a_failed_one() -> None:
    run = play(sh("rmdir some"), sh("mkdir some && rmdir some"), answer("Removed."))
    assert (run.answer, run.code) == ("Removed.", ExitCode.DONE)


def test_a_later_look_does_not_heal_a_failed_change() -> None:
    run = play(sh("rmdir missing"), sh("ls /"), answer("It failed."))
    assert run.code is ExitCode.FAILED


def test_a_look_that_fails_does_not_spoil_the_change_before_it() -> None:
    run = play(sh("touch a"), sh("ls missing"), answer("a is there."))
    assert (run.answer, run.code) == ("a is there.", ExitCode.DONE)


def test_when_nothing_succeeded_the_run_failed() -> None:
    run = play(sh("cat missing"), answer("There is no such file."))
    assert run.code is ExitCode.FAILED


def test_a_grep_without_a_match_is_an_answer_and_no_failure() -> None:
    run = play(sh("grep nobody-of-that-name /etc/passwd"), answer("There is no such user."))
    assert run.told() == ["Exit code: 1"]
    assert run.code is ExitCode.DONE


def test_a_command_that_is_killed_at_the_time_limit_failed() -> None:
    run = play(sh("touch a; sleep 30"), answer("It timed out."), shell=Shell(timeout=0.2))
    assert run.told() == ["Timed out: killed after 0.2 seconds.\nExit code: 143"]
    assert run.code is ExitCode.FAILED


def test_a_killed_command_that_ends_with_exit_code_0_failed_all_the_same() -> None:
    clean_end = "trap 'exit 0' TERM; touch a; sleep 30 & wait"
    run = play(sh(clean_end), answer("It timed out."), shell=Shell(timeout=0.4))
    assert run.told() == ["Timed out: killed after 0.4 seconds."]
    assert run.code is ExitCode.FAILED


def test_an_answer_that_is_no_text_is_still_an_answer() -> None:
    run = play(sh("true"), call("final_answer", answer={"pods": 3}))
    assert "3" in run.answer


# --- approval and refusal ---------------------------------------------------------------------------------


def test_a_refusal_of_the_user_is_the_result_of_the_call() -> None:
    run = play(
        sh("touch a"),
        answer("The user rejected it."),
        require_approval=True,
        approver=approver((False, "Too dangerous, just list it")),
    )
    assert run.model.requests[1][2:] == [
        assistant(sh("touch a")),
        said("User rejected this tool call. User comment: Too dangerous, just list it"),
    ]
    assert not Path("a").exists()
    assert run.code is ExitCode.REFUSED
    assert run.happened() == [
        ToolCalled("bash", {"command": "touch a"}),
        Observed("User rejected this tool call. User comment: Too dangerous, just list it"),
    ]


def test_a_refusal_without_a_comment() -> None:
    run = play(sh("ls"), answer("Rejected."), require_approval=True, approver=approver((False, "")))
    assert run.told() == ["User rejected this tool call."]


def test_when_something_else_succeeds_after_a_refusal_the_run_is_done() -> None:
    verdicts = approver((False, "only list"), (True, ""))
    run = play(sh("touch a.log"), sh("ls"), answer("Listed."), require_approval=True, approver=verdicts)
    assert (run.answer, run.code) == ("Listed.", ExitCode.DONE)


def test_a_refusal_after_a_success_ends_the_run_as_refused() -> None:
    verdicts = approver((True, ""), (False, ""))
    run = play(sh("ls"), sh("touch a"), answer("Rejected."), require_approval=True, approver=verdicts)
    assert run.code is ExitCode.REFUSED


def test_the_model_is_told_which_command_the_user_ran_instead() -> None:
    run = play(
        sh("ls"),
        answer("Printed."),
        require_approval=True,
        approver=lambda question: Answer(True, command="echo mine"),
    )
    assert "The user ran this instead: echo mine\nmine" in run.model.requests[1][-1]["content"]


def test_the_user_is_not_asked_again_about_the_call_just_rejected() -> None:
    verdicts = approver((False, ""))
    run = play(sh("touch a"), sh("touch a"), answer("Rejected."), require_approval=True, approver=verdicts)
    assert run.told() == ["User rejected this tool call.", ALREADY]
    assert (run.answer, run.code) == ("Rejected.", ExitCode.REFUSED)


def test_a_call_rejected_with_a_comment_may_be_asked_for_again_after_another_one() -> None:
    verdicts = approver((False, "look first"), (True, ""), (True, ""))
    calls = sh("touch a"), sh("touch a"), sh("ls"), sh("touch a")
    run = play(*calls, answer(), require_approval=True, approver=verdicts)
    assert run.told()[:2] == ["User rejected this tool call. User comment: look first", ALREADY]
    assert Path("a").exists()
    assert run.code is ExitCode.DONE


def test_what_would_go_is_listed_when_the_user_wants_that_first() -> None:
    Path("a.log").touch()
    verdicts = approver((False, "Too dangerous, just list them first"), (True, ""))
    calls = sh("rm -f *.log"), answer("a.log")
    run = play(*calls, task="Delete all log files", require_approval=True, approver=verdicts)
    assert ToolCalled("bash", {"command": "ls -la *.log"}, "read") in run.happened()
    assert Path("a.log").exists()


def test_what_the_user_wants_only_to_see_is_not_deleted_in_another_way() -> None:
    Path("a.log").touch()
    verdicts = approver((False, "just list them first"), (True, ""))
    calls = sh("rm *.log"), sh("rm a.log"), answer("a.log")
    run = play(*calls, task="Delete all log files", require_approval=True, approver=verdicts)
    assert run.told()[2] == "Error: The user does not want that now. Answer with what was found."
    assert Path("a.log").exists()


def test_an_answer_that_passes_over_the_refusal_is_not_told() -> None:
    run = play(
        sh("touch a"), answer("There are no files."), require_approval=True, approver=approver((False, ""))
    )
    assert run.answer == "Not done: bash {touch a} was not approved."


def test_the_user_is_not_asked_about_an_answer_or_a_mistake() -> None:
    asked: list[str] = []

    def ask(question: Question) -> Answer:
        asked.append(question.arguments["command"])
        return Answer(True)

    play(sh("cat <file_name>"), sh("ls"), sh("ls"), answer(), require_approval=True, approver=ask)
    assert asked == ["ls"]


@pytest.mark.parametrize("approval", [False, True])
@pytest.mark.parametrize(("command", "told"), [(NEVER, "Error: Refused: "), (WAITS, "Error: kubectl edit ")])
def test_what_is_refused_is_refused_in_every_mode_and_nobody_is_asked(
    approval: bool, command: str, told: str
) -> None:
    run = play(sh(command), sh("true"), answer(), require_approval=approval, approver=approver((True, "")))
    refused, _ = run.told()
    assert refused.startswith(told)
    assert "\n" not in refused
    assert run.agent.evidence.calls == 1
    assert ToolCalled("bash", {"command": command}) not in run.happened()


@pytest.mark.parametrize("approval", [False, True])
def test_a_run_that_ends_with_the_never_list_ends_as_refused(approval: bool) -> None:
    run = play(sh(NEVER), answer("It was refused."), require_approval=approval, approver=approver())
    assert run.code is ExitCode.REFUSED
    assert run.agent.evidence.calls == 0


def test_the_home_directory_is_not_emptied_from_within(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "precious").touch()
    monkeypatch.chdir(home)
    run = play(sh("rm -rf ./*"), answer("It was refused."))
    assert (run.code, (home / "precious").exists()) == (ExitCode.REFUSED, True)


def test_a_working_directory_that_is_gone_is_no_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert play(sh("echo hi"), answer()).code is ExitCode.DONE


def test_after_the_never_list_the_run_goes_on() -> None:
    run = play(sh(NEVER), sh("echo hi"), answer())
    assert run.code is ExitCode.DONE


def test_a_model_that_insists_on_the_never_list_ends_the_run_as_refused() -> None:
    run = play(sh(NEVER), sh(NEVER), sh(NEVER))
    assert run.answer.startswith("Not done: ")
    assert run.code is ExitCode.REFUSED


def test_a_slip_after_a_refusal_does_not_undo_it() -> None:
    """Nothing ran since: the run ended by the user's refusal, and an answer may say so."""
    run = play(
        sh("touch a"),
        sh("kubectl edit deployment web"),
        NOT_A_CALL,
        answer("The user rejected it."),
        require_approval=True,
        approver=approver((False, "")),
    )
    assert (run.answer, run.code) == ("The user rejected it.", ExitCode.REFUSED)


# --- the briefing, and what a change came to ---------------------------------------------------------------

ASK = "How many replicas does deployment web in namespace shop have?"
WISH = "Scale deployment web in namespace shop to 2 replicas"
FACT = "namespace shop: deployment web: 1 of 1 ready; containers: web-main = nginx:1.25"
UNCHANGED = "Error: Nothing was changed yet. Make the change with a tool, or say why it is not made."


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    for name in ("_ROLLOUT_SECONDS", "_PATIENCE_SECONDS", "_POLL_SECONDS"):
        monkeypatch.setattr(followup, name, 0.01)
    programs = Programs(tmp_path / "bin", monkeypatch)
    programs.cluster({"shop": [deployment("web")]}, more={"-n shop scale *": "deployment.apps/web scaled\n"})
    return programs


def grounded(*replies: Reply, task: str, ground: bool = True, **settings: Any) -> Played:
    brief = briefer({}, Path.cwd(), lambda event: None, ground)
    return play(*replies, task=task, brief=brief, **settings)


def test_what_was_looked_up_stands_behind_the_task_in_every_request(programs: Programs) -> None:
    run = grounded(sh("kubectl get pods"), answer("1 replica."), task=ASK)
    looked_up = [
        {"role": "user", "content": ASK},
        {"role": "assistant", "content": sh("devops-agent diagnose")},
        {"role": "user", "content": protocol.format_tool_response(FACT, ASK)},
    ]
    assert [messages[1:4] for messages in run.model.requests] == [looked_up, looked_up]


def test_before_a_change_what_was_looked_up_stands_behind_the_task(programs: Programs) -> None:
    run = grounded(sh("kubectl scale deployment/web --replicas=2"), answer("2 replicas."), task=WISH)
    first = {
        "role": "user",
        "content": f"{WISH}\n\nLooked up just now:\n{protocol.format_tool_response(FACT)}",
    }
    assert [messages[1] for messages in run.model.requests] == [first, first]


def test_a_question_that_was_looked_up_may_be_answered_without_a_call(programs: Programs) -> None:
    run = grounded(answer("1 replica."), task=ASK)
    assert (run.answer, run.code) == ("1 replica.", ExitCode.DONE)


def test_a_question_about_something_else_takes_a_call(programs: Programs) -> None:
    run = grounded(answer("None."), sh("true"), answer("None."), task="Which pods are there?")
    assert run.told()[0] == "Error: No tool has run yet. Do the task with a tool first, then answer."


def test_a_task_that_asks_for_a_change_is_not_answered_without_a_call(programs: Programs) -> None:
    run = grounded(answer("Scaled."), answer("Scaled!"), answer("Yes."), task=WISH)
    assert run.told()[0] == "Error: No tool has run yet. Do the task with a tool first, then answer."
    assert run.code is ExitCode.FAILED


def test_an_answer_without_the_change_is_sent_back_once(programs: Programs) -> None:
    run = grounded(sh("kubectl get pods -n shop"), answer("Scaled."), answer("Scaled!"), task=WISH)
    assert run.told()[1] == UNCHANGED
    assert (run.answer, run.code) == ("Not done: nothing was changed.", ExitCode.FAILED)


def test_after_a_no_of_the_user_no_change_is_asked_for(programs: Programs) -> None:
    verdicts = approver((True, ""), (False, "leave it"), (True, ""))
    run = grounded(
        sh("kubectl scale deployment/web --replicas=2"),
        sh("ls"),
        answer("Left as it is."),
        task=WISH,
        require_approval=True,
        approver=verdicts,
    )
    assert (run.answer, run.code) == ("Left as it is.", ExitCode.DONE)


def test_without_grounding_nothing_is_looked_up(programs: Programs) -> None:
    run = grounded(sh("true"), answer(), task=ASK, ground=False)
    assert run.model.requests[0][1]["content"] == ASK
    assert programs.calls == []


@pytest.mark.parametrize("verdict", [True, False])
def test_in_approval_mode_the_user_is_asked_before_anything_is_looked_up(
    verdict: bool, programs: Programs
) -> None:
    asked: list[tuple[str, Any, int]] = []

    def ask(question: Question) -> Answer:
        asked.append((question.tool, question.arguments, len(programs.calls)))
        return Answer(verdict or question.tool != "look_up")

    run = grounded(sh("true"), answer(), task=ASK, require_approval=True, approver=ask)
    assert asked == [("look_up", {"task": ASK}, 0), ("bash", {"command": "true"}, len(programs.calls))]
    assert bool(programs.calls) == verdict
    assert (FACT in run.model.requests[0][-1]["content"]) == verdict


def test_a_kubectl_without_namespace_runs_in_that_of_the_task_and_is_shown_so(programs: Programs) -> None:
    run = grounded(sh("kubectl get pods"), answer("It failed."), task=ASK)
    assert run.happened()[0] == ToolCalled("bash", {"command": "kubectl -n shop get pods"})
    assert programs.calls[-1] == "kubectl -n shop get pods"


def test_a_briefing_is_for_its_own_task() -> None:
    notes = {"one": Briefing(Ground(["fact one"])), "two": Briefing(recipe="recipe two")}
    model = ScriptedModel([sh("true"), answer(), sh("true"), answer()])
    agent = DevOpsAgent(tools=[bash], model=model, brief=lambda task, may_look_up: notes[task])
    for task in notes:
        agent.run(task)
    assert [model.requests[n][1]["content"] for n in (1, 3)] == [
        "one\n\nLooked up just now:\n<tool_response>\nfact one\n</tool_response>",
        "two\n\nA recipe that may help:\nrecipe two",
    ]


def test_what_a_change_came_to_stands_behind_its_output(programs: Programs) -> None:
    run = grounded(sh("kubectl scale deployment/web --replicas=1"), answer("1 replica."), task=WISH)
    told = "deployment.apps/web scaled\nChecked: deployment web in namespace shop: 1 of 1 pods ready."
    assert run.told() == [told]
    assert run.happened()[1] == Observed(told)
    assert run.code is ExitCode.DONE


def test_a_change_that_left_something_broken_is_no_success(programs: Programs) -> None:
    broken = pod("web-1", crashes=True)
    broken["metadata"]["ownerReferences"] = [{"kind": "Deployment", "name": "web", "uid": "Deployment-web"}]
    programs.cluster(
        {"shop": [deployment("web", ready=0), broken]},
        more={"-n shop scale *": "deployment.apps/web scaled\n"},
    )
    command = "kubectl -n shop scale deployment/web --replicas=1"
    run = grounded(sh(command), answer("Scaled."), answer("It is scaled."), task=WISH)
    first, sent_back = run.told()
    assert "Checked: deployment web: 0 of 1 pods ready." in first
    assert "DB_HOST is not set" in first
    assert sent_back.startswith(f"Error: what bash {{{command}}} changed failed, ")
    assert str(run.answer).startswith(
        f"Not done: what bash {{{command}}} changed failed: Checked: deployment web"
    )
    assert run.code is ExitCode.FAILED


def test_a_container_that_ends_at_once_is_no_success(programs: Programs) -> None:
    programs.engine([container("cache", code=3, status="exited")])
    run = play(sh("docker run -d --name cache redis:7"), answer("It failed: no such table."))
    assert "container cache: it ended with exit code 3." in run.told()[0]
    assert run.code is ExitCode.FAILED


def test_a_broken_change_that_is_mended_is_a_success(programs: Programs) -> None:
    programs.engine([container("cache", code=3, status="exited")])
    run = play(sh("docker run -d --name cache redis:7"), sh("touch table"), answer("It runs."))
    assert run.code is ExitCode.DONE


def test_where_the_findings_are_the_answer_the_model_is_not_asked(programs: Programs) -> None:
    programs.cluster({"shop": [pod("web-1", crashes=True)]})
    run = grounded(task="Why does pod web-1 in namespace shop crash?")
    assert run.answer.startswith("pod web-1, container main: crashes")
    assert "DB_HOST is not set" in run.answer
    assert run.code is ExitCode.DONE


def test_where_more_is_asked_the_findings_can_but_be_answered_from(programs: Programs) -> None:
    programs.cluster({"shop": [pod("web-1", crashes=True)]})
    task = "Why does pod web-1 in namespace shop crash, and what does it need?"
    run = grounded(answer("DB_HOST is not set."), task=task)
    assert run.model.offered == [["final_answer"]]
    assert "DB_HOST is not set" in run.model.requests[0][-1]["content"]
    assert "- bash(command)" in run.model.requests[0][0]["content"]
    assert (run.answer, run.code) == ("DB_HOST is not set.", ExitCode.DONE)


def test_after_a_failure_that_nothing_mends_only_the_answer_is_left(programs: Programs) -> None:
    refused = "$ echo 'Error: pull access denied for x' >&2; exit 1"
    programs.add("docker", {"run *": refused})
    run = grounded(sh("docker run -d x"), answer("It failed: no access."), task="Run the image x in docker")
    assert run.model.offered[1] == ["final_answer"]
    assert run.code is ExitCode.FAILED


@pytest.mark.parametrize(("wish", "told"), [("Tell me why web-1 crashes and ", True), ("", False)])
def test_what_was_found_before_a_change_is_told_again_behind_it(
    wish: str, told: bool, programs: Programs
) -> None:
    programs.cluster({"shop": [pod("web-1", crashes=True)]}, more={"-n shop delete *": "deleted"})
    task = f"{wish}delete the pod web-1 in namespace shop"
    run = grounded(sh("kubectl -n shop delete pod web-1"), answer("DB_HOST was not set."), task=task)
    assert ("Found before that: pod web-1" in run.told()[-1]) == told


# --- files, and what nobody asked to delete ---------------------------------------------------------------


def test_a_file_is_changed_by_its_form_and_the_next_form_is_of_the_new_text(tmp_path: Path) -> None:
    Path("app.ini").write_text("[a]\nport = 80\nusers = 5\n")
    first = call("recipe", setting="a.port", value="81")
    second = call("recipe", setting="a.port", value="82")
    run = grounded(first, second, answer("Changed."), task="Set port in app.ini to 2 more")
    assert Path("app.ini").read_text() == "[a]\nport = 82\nusers = 5\n"
    assert run.happened()[0] == ToolCalled(
        "write_file", {"path": "app.ini", "content": "[a]\nport = 81\nusers = 5\n"}
    )
    assert run.code is ExitCode.DONE


def test_the_form_edits_the_text_that_the_file_has_whatever_changed_it() -> None:
    Path("app.ini").write_text("[a]\nport = 80\nusers = 5\n")
    run = grounded(
        sh("sed -i 's/users = 5/users = 6/' app.ini"),
        call("write_file", path="other.txt", content="x\n"),
        call("recipe", setting="a.port", value="81"),
        answer("Changed."),
        task="Raise port in app.ini to the next, and users too",
    )
    assert Path("app.ini").read_text() == "[a]\nport = 81\nusers = 6\n"
    assert Path("other.txt").read_text() == "x\n"
    assert run.code is ExitCode.DONE


def test_a_file_is_not_emptied_and_not_broken() -> None:
    Path("app.ini").write_text("[a]\nport = 80\nusers = 5\n")
    Path("app.json").write_text('{"a": 1}')
    run = grounded(
        call("write_file", path="app.ini", content="port = 81\n"),
        call("write_file", path="app.json", content='{"a": 1'),
        answer("It failed."),
        task="Set port in app.ini to 1 more",
    )
    first, second = run.told()
    assert first.startswith("Error: That would remove 1 lines or values of app.ini, so nothing was written.")
    assert second.startswith("Error: That would break app.json, so nothing was written: no valid JSON")
    assert Path("app.ini").read_text() == "[a]\nport = 80\nusers = 5\n"


@pytest.mark.parametrize(
    ("task", "command", "refused"),
    [
        ("Create a namespace qa", "kubectl delete namespace qa", True),
        ("Create a namespace qa", "kubectl get ns && kubectl -n a delete deploy/web", True),
        ("Create a namespace qa, but do not delete anything", "kubectl delete ns qa", True),
        ("Restart the pod web-1", "kubectl delete pod web-1", False),
        ("Remove the namespace qa", "kubectl delete namespace qa", False),
        ("Replace the config map", "kubectl delete configmap a", False),
        ("Create a namespace qa", "kubectl delete ns qa --dry-run=none", True),
    ],
)
def test_nothing_is_deleted_that_the_task_does_not_name_as_going(
    task: str, command: str, refused: bool, programs: Programs
) -> None:
    run = grounded(sh(command), answer("It failed."), answer("It failed."), task=task, ground=False)
    told = run.told()[0].startswith("Error: The task does not ask to delete anything.")
    assert told == refused


def test_a_dry_run_deletes_nothing(programs: Programs) -> None:
    command = "kubectl delete ns qa --dry-run=client"
    run = grounded(sh(command), answer("It failed."), task="Create a namespace qa", ground=False)
    assert not run.told()[0].startswith("Error")


def test_where_what_is_named_is_not_there_nothing_else_is_changed_in_its_place(programs: Programs) -> None:
    programs.cluster({"shop": [pod("web-0"), pod("web-1")]})
    run = grounded(
        sh("kubectl -n shop delete pod web-1"),
        sh("kubectl -n shop delete pod web-2"),
        answer("There is no pod web-2."),
        task="Delete the pod web-2 in namespace shop",
    )
    assert run.told()[0].startswith("Error: There is no pod web-2 in namespace shop")
    assert "Change nothing else in its place" in run.told()[0]
    assert "kubectl -n shop delete pod web-1" not in programs.calls
    assert "kubectl -n shop delete pod web-2" in programs.calls


def test_where_a_word_to_replace_is_not_there_no_other_is_replaced() -> None:
    Path("app.env").write_text("REGION=north\nLEVEL=info\n")
    run = grounded(
        call("recipe", old_line="REGION=north", new_line="REGION=south"),
        sh("sed -i s/north/south/ app.env"),
        answer("There is no west in app.env."),
        task="Replace west by south in app.env",
    )
    assert run.told()[0].startswith("Error: There is no text west in app.env.")
    assert run.told()[1].startswith("Error: There is no text west in app.env.")
    assert Path("app.env").read_text() == "REGION=north\nLEVEL=info\n"


# --- engines and interruptions ----------------------------------------------------------------------------


def test_an_engine_error_ends_the_run_with_itself_as_the_cause() -> None:
    model = ScriptedModel([sh("true"), EngineError("The engine died.")])
    agent = DevOpsAgent(tools=[bash], model=model)
    with pytest.raises(AgentError) as raised:
        agent.run(TASK)
    cause = smolagents_patches.cause(raised.value)
    assert isinstance(cause, EngineError)
    assert str(cause) == "The engine died."
    assert len(model.requests) == 2


def test_a_script_that_is_too_short_is_an_engine_error() -> None:
    with pytest.raises(AgentError) as raised:
        play(sh("true"))
    assert str(smolagents_patches.cause(raised.value)) == "The script has no more replies."


def test_an_interruption_while_the_model_thinks_leaves_the_agent_usable() -> None:
    model = ScriptedModel([sh("ls missing"), KeyboardInterrupt(), sh("echo hi"), answer()])
    agent = DevOpsAgent(tools=[bash], model=model)
    with pytest.raises(KeyboardInterrupt):
        agent.run("first")
    assert agent.run("second") == "Done."
    assert agent.evidence.exit_code() is ExitCode.DONE
    assert [m["content"] for m in model.requests[2]][1:] == ["second"]


def test_an_interruption_while_the_user_is_asked_leaves_the_agent_usable() -> None:
    def interrupt(question: Question) -> Answer:
        raise KeyboardInterrupt

    model = ScriptedModel([sh("ls"), sh("echo hi"), answer()])
    gate = Gate(Modes(require_approval=True), approver=interrupt, present=lambda: True)
    agent = DevOpsAgent(tools=[bash], model=model, gate=gate)
    with pytest.raises(KeyboardInterrupt):
        agent.run("first")
    agent.gate.approver = approver((True, ""))
    assert agent.run("second") == "Done."


# --- long results -----------------------------------------------------------------------------------------


def test_long_output_is_cut_for_the_model_and_kept_in_full(tmp_path: Path) -> None:
    store = OutputStore(tmp_path / "outputs")
    run = play(sh("seq 10000"), answer(), shell=Shell(budget=300, store=store))
    (told,) = run.told()
    assert told.startswith("1\n2\n3\n")
    assert told.endswith("\n9999\n10000")
    assert len(told) < 500
    named = re.search(r"full output in (\S+?)\]", told)
    assert named
    assert Path(named[1]).read_text() == "".join(f"{n}\n" for n in range(1, 10001))


def test_long_output_with_a_table_is_kept_once(tmp_path: Path) -> None:
    """The model reads it with sentences instead of tables."""
    table = "Filesystem      Size  Used Avail Use% Mounted on\n/dev/vda        252G   24G   68G  26% /\n"
    Path("long.txt").write_text(table + "word\n" * 5000)
    store = OutputStore(tmp_path / "outputs")
    run = play(sh("cat long.txt"), answer(), shell=Shell(budget=300, store=store))
    (kept,) = (tmp_path / "outputs").iterdir()
    assert run.told()[0].startswith("Disk /: 26% used")
    assert f"full output in {kept}]" in run.told()[0]
    assert kept.read_text() == table + "word\n" * 5000


def test_a_long_file_is_cut_like_output_and_not_copied(tmp_path: Path) -> None:
    Path("long.txt").write_text("word\n" * 5000)
    store = OutputStore(tmp_path / "outputs")
    run = play(call("read_file", path="long.txt"), answer(), shell=Shell(budget=300, store=store))
    assert len(run.told()[0]) < 500
    assert (
        "of 25000 characters, 5001 lines, left out; see it with sed -n '41,4981p' long.txt]" in run.told()[0]
    )
    assert not (tmp_path / "outputs").exists()


def test_the_newest_result_names_the_task_even_when_the_task_has_several_lines() -> None:
    run = play(sh("echo a b"), answer(), task="First this\nand that")
    assert run.model.requests[1][-1] == said("a b", "First this\nand that")


def test_a_full_context_drops_the_oldest_results_first_and_never_the_task() -> None:
    seen: list[Event] = []
    replies = [sh(f"seq {i}000 {i}900") for i in range(1, 5)]
    model = ScriptedModel([*replies, answer()], seen.append)
    model.sampling = Sampling(num_ctx=5400, num_predict=1200)  # room for 10,500 characters
    agent = DevOpsAgent(tools=[bash], model=model)
    assert agent.run(TASK) == "Done."
    sent = [event.messages for event in seen if isinstance(event, Exchange)]
    removed = "<tool_response>\n(removed to save space)\n</tool_response>"
    last = sent[-1]
    assert last[1] == {"role": "user", "content": TASK}
    assert last[3]["content"] == removed
    assert [m["content"] for m in last[2::2]] == replies
    assert last[-1]["content"].startswith("<tool_response>\n4000\n")
    kept = [m["content"] != removed for m in last[3::2]]
    assert kept == sorted(kept)
    assert sum(len(m["content"]) for m in last) <= 10_500


def test_a_full_context_is_cut_now_and_then_and_not_at_every_step() -> None:
    """Between two cuts each request extends the one before, so that the engine's prefix cache holds."""
    replies = [sh(f"seq {i}000 {i}300") for i in range(1, 13)]
    model = ScriptedModel([*replies, answer()])
    model.sampling = Sampling(num_ctx=5400, num_predict=1200)  # room for 10,500 characters
    DevOpsAgent(tools=[bash], model=model).run(TASK)
    sent = model.requests
    cuts = [after[: len(before)] != before for before, after in pairwise(sent)]
    assert 0 < sum(cuts) <= 4
    assert (True, True) not in set(pairwise(cuts))


def test_fitting_leaves_a_short_conversation_alone() -> None:
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "t"}]
    assert fit(messages, 2) == messages


def test_fitting_makes_room_for_the_next_steps_and_no_more() -> None:
    """So that the prefix stays the same for some steps, and recent results are still there."""
    result = "<tool_response>\n" + "x" * 1000 + "\n</tool_response>"
    steps = [
        message for _ in range(10) for message in (assistant("call"), {"role": "user", "content": result})
    ]
    fitted = fit([{"role": "system", "content": "s"}, {"role": "user", "content": "t"}, *steps], 8000)
    assert [m["content"] == result for m in fitted[3::2]] == [False] * 4 + [True] * 6


def test_fitting_never_drops_the_task_or_the_newest_result() -> None:
    """Not even when a task looks like a result, or when nothing is left to drop."""
    big = "<tool_response>\n" + "x" * 1000 + "\n</tool_response>"
    messages = [
        {"role": "system", "content": "s" * 1000},
        {"role": "user", "content": "the task"},
        assistant("call 1"),
        {"role": "user", "content": big},
        assistant("call 2"),
        {"role": "user", "content": big},
    ]
    fitted = fit(messages, 10)
    assert [m for i, m in enumerate(fitted) if i != 3] == [m for i, m in enumerate(messages) if i != 3]
    assert len(fitted[3]["content"]) < 100
    assert messages[3]["content"] == big


# --- events -----------------------------------------------------------------------------------------------


def test_events_come_in_the_order_in_which_things_happen() -> None:
    run = play(
        "<think>First look.</think><plan>ls, then answer</plan>\n" + sh("echo hi"), NOT_A_CALL, answer()
    )
    names = [type(event).__name__ for event in run.events]
    asked = ["ThinkingStarted", "ThinkingEnded", "Exchange"]
    assert names == [*asked, "Reasoned", "Reasoned", "ToolCalled", "Observed", *asked, "Corrected", *asked]
    assert run.happened() == [
        Reasoned("First look."),
        Reasoned("ls, then answer"),
        ToolCalled("bash", {"command": "echo hi"}),
        Observed("hi"),
        Corrected("Your reply holds no tool call. Reply with exactly one <tool_call> block."),
    ]


def test_reasoning_stays_in_the_history_in_front_of_the_call() -> None:
    run = play("<think>First look.</think>" + sh("echo hi there"), answer())
    assert run.model.requests[1][2] == assistant("<think>First look.</think>\n" + sh("echo hi there"))


def test_reasoning_before_an_answer_is_told_too() -> None:
    run = play(sh("true"), "<think>That was all.</think>" + answer())
    assert run.happened()[-1] == Reasoned("That was all.")


def test_an_exchange_holds_what_was_sent_and_the_raw_reply() -> None:
    run = play(Completion(sh("true"), False, 100, 90, 12), answer())
    first = next(event for event in run.events if isinstance(event, Exchange))
    assert list(first.messages) == run.model.requests[0]
    assert first.reply == sh("true")
    assert (first.prompt_tokens, first.cached_tokens, first.output_tokens) == (100, 90, 12)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    play(NOT_A_CALL, sh("echo hi; echo ho >&2"), sh("false"), answer("It failed."))
    assert capfd.readouterr() == ("", "")


# --- tools and models of others ---------------------------------------------------------------------------


def test_a_further_tool_is_used_like_the_others() -> None:
    run = play(call("shout", text="hey you"), answer(), tools=(shout,))
    assert run.told() == ["HEY YOU!"]
    assert run.code is ExitCode.DONE


def test_a_tool_that_raises_is_an_observation_and_not_the_end() -> None:
    run = play(call("shout", text=""), call("shout", text="hey"), answer(), tools=(shout,))
    assert run.told()[0].startswith("Error: ")
    assert "ValueError: nothing to shout" in run.told()[0]
    assert run.told()[1] == "The value is: HEY!"
    assert run.code is ExitCode.DONE
    assert [type(event) for event in run.happened()] == [ToolCalled, Observed, ToolCalled, Observed]


def test_a_tool_that_raised_last_is_a_failed_change() -> None:
    run = play(call("shout", text=""), answer("Shouted."), answer("It failed."), tools=(shout,))
    assert run.told()[1].startswith("Error: shout {} failed, ")
    assert run.code is ExitCode.FAILED


def test_a_tool_that_uses_bash_keeps_its_own_result() -> None:
    for name in "abc":
        Path(name).touch()
    run = play(call("count_files", folder="."), answer(), tools=(count_files,))
    assert run.told() == ["In all: 3 files"]


def test_arguments_that_are_no_text_reach_a_tool_as_they_are() -> None:
    run = play(call("retry", times=3), answer(), tools=(retry,))
    assert run.told() == ["tried 3 times"]


class PlainModel:
    """A model as SmolAgents has them: native tool calls, and no text beside them."""

    model_id = "plain"

    def __init__(self, *calls: list[tuple[str, dict[str, Any] | str]]) -> None:
        self.calls = iter(calls)
        self.requests: list[list[ChatMessage]] = []

    def generate(self, messages: list[ChatMessage], **_: Any) -> ChatMessage:
        self.requests.append(messages)
        native = [
            ChatMessageToolCall(ChatMessageToolCallFunction(arguments, name), f"id{number}", "function")
            for number, (name, arguments) in enumerate(next(self.calls))
        ]
        return ChatMessage(MessageRole.ASSISTANT, None, native)


def test_a_plain_smolagents_model_drives_the_agent() -> None:
    model = PlainModel(
        [("bash", '{"command": "echo one two"}'), ("bash", {"command": "touch second"})],
        [("bash", {"command": "kubectl edit deployment web"})],
        [("final_answer", {"answer": "One two."})],
    )
    agent = DevOpsAgent(tools=[bash], model=model)
    assert agent.run(TASK) == "One two."
    assert not Path("second").exists()
    texts = [str(message.content) for message in model.requests[-1]]
    assert texts[-4] == sh("echo one two")
    assert texts[-3] == said("one two")["content"]
    assert "kubectl edit needs an editor" in texts[-1]


# --- what is used of SmolAgents ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("run", ["task"]),
        ("initialize_system_prompt", []),
        ("write_memory_to_messages", ["summary_mode"]),
        ("_step_stream", ["memory_step"]),
        ("provide_final_answer", ["task"]),
        ("process_tool_calls", ["chat_message", "memory_step"]),
        ("execute_tool_call", ["tool_name", "arguments"]),
    ],
)
def test_smolagents_still_has_what_the_agent_extends(name: str, parameters: list[str]) -> None:
    """When this fails, SmolAgents renamed an extension point: `DevOpsAgent` overrides something unused."""
    base = getattr(ToolCallingAgent, name, None)
    assert base is not None, f"SmolAgents has no ToolCallingAgent.{name} any more; see DevOpsAgent.{name}"
    assert list(inspect.signature(base).parameters)[1 : 1 + len(parameters)] == parameters
    assert name in vars(DevOpsAgent)


def test_smolagents_calls_what_the_agent_extends() -> None:
    """A name that exists and is not called any more would switch the checks off silently."""
    used: list[str] = []

    class Watched(DevOpsAgent):
        def __getattribute__(self, name: str) -> Any:
            if name in vars(DevOpsAgent):
                used.append(name)
            return super().__getattribute__(name)

    model = ScriptedModel([sh("true")])
    Watched(tools=[bash], model=model, max_steps=1).run(TASK)
    assert {
        "initialize_system_prompt",
        "write_memory_to_messages",
        "_step_stream",
        "provide_final_answer",
        "process_tool_calls",
        "execute_tool_call",
        "_count_mistakes",
    } <= set(used)


def test_a_subclass_may_watch_the_steps() -> None:
    """SmolAgents' own streaming of steps works: each call, its result, the answer."""
    model = ScriptedModel([sh("echo hi"), answer()])
    agent = DevOpsAgent(tools=[bash], model=model)
    steps = list(agent.run(TASK, stream=True))
    ends = [step for step in steps if isinstance(step, ActionOutput) and step.is_final_answer]
    assert [end.output for end in ends] == ["Done."]


def test_callbacks_of_the_caller_are_called_beside_the_agents_own() -> None:
    numbers: list[int] = []
    model = ScriptedModel([NOT_A_CALL, sh("true"), answer()])
    agent = DevOpsAgent(
        tools=[bash], model=model, step_callbacks=[lambda step: numbers.append(step.step_number)]
    )
    agent.run(TASK)
    assert numbers == [1, 2, 3]


def test_the_memory_can_be_read_as_json() -> None:
    """SmolAgents records each call with its arguments, also of a call that failed."""
    run = play(call("read_file", path="missing"), answer("It does not exist."))
    steps = run.agent.memory.get_full_steps()
    assert json.dumps([step["tool_calls"] for step in steps if step.get("tool_calls")]).count("missing") == 1


def test_an_answer_that_no_tool_bears_out_is_told_as_the_models_own() -> None:
    run = play(answer("A StatefulSet keeps identities."), answer("It keeps them."), answer("Yes."))
    assert run.code == ExitCode.FAILED
    assert "No command was run." in run.answer
    assert run.answer.endswith("The model's own answer, which nothing here bears out: Yes.")


def test_an_answer_before_the_second_part_is_sent_back_once() -> None:
    run = grounded(
        sh("true"), answer("Done."), sh("ls"), answer("It is there."), task="Check it, then look at it"
    )
    assert "Error: The task has 2 parts. Still to do: look at it" in run.told()
    assert (run.answer, run.code) == ("It is there.", ExitCode.DONE)


# --- what may be called -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "offered"),
    [
        ("Which containers run?", False),
        ("What is in my PATH?", True),
        ("What is DOCKER_USER?", True),
        ("Tell me the environment variable home", True),
    ],
)
def test_a_variable_may_be_asked_for_only_where_the_task_speaks_of_one(task: str, offered: bool) -> None:
    run = play(sh("ls"), answer("None does."), task=task)
    assert ("get_env" in run.model.offered[0]) is offered


def test_after_two_repetitions_only_an_answer_is_taken() -> None:
    run = play(sh("ls"), sh("ls"), sh("ls"), answer("It lists nothing."))
    assert run.told()[2] == "Error: Answer now: say what was done, what failed, and why."
    assert run.model.offered[-1] == ["final_answer"]


def test_a_command_is_run_again_behind_what_mends_it() -> None:
    Path("prices.csv").write_text("a")
    Path(".dockerignore").write_text("*.csv\n")
    said = "excluded by .dockerignore: stat prices.csv: file does not exist"
    failing = f": docker build; echo '{said}'; grep -q '!prices' .dockerignore || exit 3"
    run = play(sh(failing), call("recipe"), answer("Built."), task="Build it")
    assert run.told()[0].endswith('call "recipe" with no arguments: the command then runs with these values.')
    assert Path(".dockerignore").read_text() == "*.csv\n!prices.csv\n"
    assert (run.answer, run.code) == ("Built.", ExitCode.DONE)


def test_what_is_so_already_needs_no_change() -> None:
    Path("app.conf").write_text("compression = on\nworkers = 4\n")
    run = grounded(task="Turn compression on in app.conf")
    told = "compression is on in app.conf already: there is nothing to change."
    assert (run.answer, run.code) == (told, ExitCode.DONE)


# --- things in their order --------------------------------------------------------------------------------


def in_order(
    *replies: Reply, whole: bool = False, covers: bool = False, text: str = "{word}", **settings: Any
) -> Played:
    first, second = (form_of_commands(f"Write {name}", f"echo {text} > {name}") for name in ("one", "two"))
    later = () if whole else (Step("Write two", second),)
    told = Briefing(form=first, whole=whole, covers=covers, later=later, changes=True)
    return play(*replies, task="Write one and two", brief=lambda task, ask: told, **settings)


def test_the_form_for_the_next_thing_is_told_when_the_first_is_done() -> None:
    one, two = (call("recipe", word=word) for word in ("one", "two"))
    run = in_order(one, answer("Both are there."), two, answer("Both are there."))
    assert "Next: Write two\n" in run.told()[0]
    assert run.told()[1] == "Error: Still to do: Write two."
    assert ["final_answer" in offered for offered in run.model.offered] == [True, True, False, True]
    assert (Path("one").read_text(), Path("two").read_text()) == ("one\n", "two\n")
    assert (run.answer, run.code) == ("Both are there.", ExitCode.DONE)


def test_forms_that_need_nothing_of_the_model_run_without_it() -> None:
    run = in_order(answer("Both are there."), text="1")
    assert (Path("one").read_text(), Path("two").read_text()) == ("1\n", "1\n")
    assert (run.answer, run.code) == ("Both are there.", ExitCode.DONE)


@pytest.mark.parametrize("filled", [[], [call("recipe", word="1")] * 2])
def test_where_forms_do_all_that_is_wanted_code_tells_what_was_done(filled: list[Reply]) -> None:
    run = in_order(*filled, text="{word}" if filled else "1", covers=True)
    told = "Done: echo 1 > one\none has 1 line now:\n1\nDone: echo 1 > two\ntwo has 1 line now:\n1"
    assert (run.answer, run.code) == (told, ExitCode.DONE)


def test_where_something_is_still_to_do_with_a_file_the_model_is_asked() -> None:
    form = form_of_commands("Write a Dockerfile", "FROM nginx:1.25", "Dockerfile")
    told = Briefing(form=form, covers=True, changes=True)
    run = play(answer("It is written."), task="Build an image", brief=lambda task, ask: told)
    assert run.told()[0].endswith("Not built yet: docker build -t IMAGE:TAG .")
    assert run.answer == "It is written."


def test_where_the_second_form_fails_the_model_is_asked() -> None:
    Path("two").mkdir()
    run = in_order(sh("rmdir two"), call("recipe"), answer("Both are there."), text="1", covers=True)
    assert (run.answer, run.code) == ("Both are there.", ExitCode.DONE)


def test_a_form_that_needs_nothing_is_approved_as_any_call() -> None:
    run = in_order(
        answer("You rejected it."),
        text="1",
        covers=True,
        require_approval=True,
        approver=approver((False, "")),
    )
    assert not Path("one").exists()
    assert run.code is ExitCode.REFUSED


def test_the_second_edit_of_a_file_keeps_the_first() -> None:
    Path("web.conf").write_text("workers = 4\nlevel = info\n")
    run = grounded(
        call("recipe", setting="workers", value="8"),
        call("recipe", setting="level", value="debug"),
        answer("Both are set."),
        task="Set workers in web.conf to the double, then set level in web.conf to something louder",
    )
    assert Path("web.conf").read_text() == "workers = 8\nlevel = debug\n"
    assert run.code is ExitCode.DONE


def test_what_a_task_says_of_settings_is_done_without_the_model() -> None:
    Path("web.conf").write_text("workers = 4\nlevel = info\n")
    run = grounded(task="Set workers to 8 in web.conf, then set level to debug in web.conf")
    assert Path("web.conf").read_text() == "workers = 8\nlevel = debug\n"
    assert run.answer == (
        "Changed web.conf:\n-workers = 4\n+workers = 8\nChanged web.conf:\n-level = info\n+level = debug"
    )
    assert run.code is ExitCode.DONE


def test_a_value_that_is_to_be_another_one_everywhere_is_looked_for() -> None:
    Path("app.env").write_text("A=db-1.lan\nB=http://db-1.lan:80/x\nC=db-1.lan.old\n")
    run = play(
        sh("sed -i 's/^A=db-1.lan/A=db-2.lan/' app.env"),
        answer("It is changed."),
        sh("sed -i 's/\\/db-1.lan/\\/db-2.lan/' app.env"),
        answer("It is changed."),
        task="Point everything in app.env that uses db-1.lan to db-2.lan",
    )
    told = "Error: app.env still has db-1.lan in 'B=http://db-1.lan:80/x'. Change it there too."
    assert run.told()[1] == told
    assert (run.answer, run.code) == ("It is changed.", ExitCode.DONE)


def test_each_file_that_is_not_there_yet_is_asked_for_once() -> None:
    run = play(
        sh("mkdir bin"),
        answer("Both are written."),
        call("write_file", path="app.env", content="A=1"),
        answer("Both are written."),
        answer("Both are written, as I said."),
        task="Write a file app.env with A=1 and a file bin/run.sh that prints it",
    )
    sent_back = [told.partition(" Make it")[0] for told in run.told() if "no file" in told]
    assert sent_back == ["Error: There is no file app.env yet.", "Error: There is no file bin/run.sh yet."]
    assert (run.answer, run.code) == ("Not done: There is no file bin/run.sh yet.", ExitCode.FAILED)


def test_a_form_that_does_not_fit_is_taken_away() -> None:
    told = Briefing(form=form_of_commands("Serve a folder", "echo {directory} > served"), changes=True)
    wrong = call("recipe", directory="/path/to/folder")
    run = play(
        *(wrong, wrong, sh("touch served"), answer("It is served.")),
        task="Serve it",
        brief=lambda task, ask: told,
    )
    assert ["recipe" in offered for offered in run.model.offered] == [True, True, False, False]
    assert run.code is ExitCode.DONE


def test_a_thing_without_a_form_is_done_by_a_command_of_its_kind() -> None:
    Path("web.conf").write_text("workers = 4\nlevel = info\n")
    run = grounded(
        call("recipe", setting="workers", value="8"),
        sh("touch other"),
        answer("All is done."),
        sh("true; touch HUP; : kill -HUP"),
        answer("All is done."),
        task="Set workers in web.conf to the double, then send the program a HUP",
    )
    assert run.told()[2] == "Error: Still to do: send the program a HUP."
    assert run.code is ExitCode.DONE


def test_when_a_form_has_done_all_only_an_answer_is_taken() -> None:
    run = in_order(call("recipe", word="1"), answer("It is there."), whole=True)
    assert run.model.offered[-1] == ["final_answer"]


def test_after_a_form_that_failed_more_is_done() -> None:
    told = Briefing(form=form_of_commands("Try", "false"), whole=True, changes=True)
    run = play(sh("touch a"), answer("Done."), task="Try it", brief=lambda task, ask: told)
    assert run.model.offered[0] != ["final_answer"]
    assert (Path("a").exists(), run.code) == (True, ExitCode.DONE)


def test_a_long_answer_says_everything_once() -> None:
    sentence = "The lock was left behind by the last maintenance of the container."
    run = play(sh("ls"), answer(" ".join([sentence] * 20)))
    assert run.answer == sentence


def test_what_is_built_has_the_change_that_the_task_wants_first() -> None:
    Path("VERSION").write_text("1.4.1\n")
    run = play(
        sh("docker build -t web:1.4.2 ."),
        call("write_file", path="VERSION", content="1.4.2\n"),
        sh("echo built"),
        answer("VERSION is 1.4.2, but the image is not built."),
        task="Bump VERSION to 1.4.2, then build the image web:1.4.2 from here",
    )
    assert run.told()[0] == "Error: Not yet: VERSION does not have 1.4.2 yet. Change it there first."


def test_a_form_is_filled_for_each_thing_that_the_task_lists() -> None:
    told = Briefing(form=form_of_commands("Make one", "cat /dev/null > a"))
    calls = call("recipe"), call("recipe"), call("recipe")
    run = play(*calls, answer("Made."), task="Create pods a, b and c", brief=lambda *_: told)
    assert all(Path(name).exists() for name in "abc")
    assert "Next, the same for b: " in run.told()[0]
    assert run.code is ExitCode.DONE
