"""What a person sees of a run: the answer on stdout, everything else on stderr."""

import io
import re
import time
from typing import Any

import pytest

from devops_agent import events
from devops_agent.terminal import Look, Terminal, call_line

PODS = "NAME    READY   STATUS\nweb-1   1/1     Running"
RUN: list[events.Event] = [
    events.Notice("Engine: Ollama at http://127.0.0.1:11434, model qwen3-devops."),
    events.ThinkingStarted(),
    events.ThinkingEnded(6.2),
    events.Exchange([{"role": "system", "content": "PROMPT"}], "RAW", 6.2, 100, None, 20, False),
    events.Reasoned("I should list the pods."),
    events.ToolCalled("bash", {"command": "kubectl get pods -n default"}),
    events.Observed(PODS),
    events.Corrected("You made this call already."),
    events.Answered("One pod runs.", ok=True),
]


CLEAR = "\r\x1b[J"


class Screen:
    """A terminal that writes to memory."""

    def __init__(self, **look: Any) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.terminal = Terminal(self.out, self.err, Look(**look))

    def wait_for(self, text: str) -> None:
        """Waits until a text was drawn."""
        deadline = time.monotonic() + 5
        while text not in self.err.getvalue():
            assert time.monotonic() < deadline, self.err.getvalue()
            time.sleep(0.02)

    def show(self, *shown: events.Event) -> "Screen":
        for event in shown:
            self.terminal(event)
        return self


def test_a_run_looks_like_this() -> None:
    screen = Screen().show(*RUN)
    assert screen.out.getvalue() == "✅ One pod runs.\n"
    assert screen.err.getvalue() == (
        "Engine: Ollama at http://127.0.0.1:11434, model qwen3-devops.\n"
        "⏱️ 6s\n"
        "I should list the pods.\n"
        "\nbash {kubectl get pods -n default}\n"
        f"Observations:\n{PODS}\n\n"
        "↩ You made this call already.\n"
    )


def test_an_answer_over_a_failure_has_a_cross() -> None:
    assert Screen().show(events.Answered("No.", ok=False)).out.getvalue() == "❌ No.\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"command": "kubectl get pods -n default"}, "bash {kubectl get pods -n default}"),
        ({"path": "a.txt", "content": "long text"}, "bash {a.txt}"),
        ({}, "bash {}"),
        ({"number": 5}, "bash {5}"),
        ({"names": ["größe"]}, 'bash {["größe"]}'),
    ],
)
def test_a_call_is_shown_by_its_first_argument(arguments: dict[str, object], line: str) -> None:
    assert call_line("bash", arguments) == line


@pytest.mark.parametrize(("live", "verbose"), [(False, False), (False, True)])
def test_without_colour_there_are_no_escape_codes(live: bool, verbose: bool) -> None:
    screen = Screen(live=live, verbose=verbose).show(*RUN)
    screen.terminal.failure("Broken.")
    assert "\x1b" not in screen.out.getvalue() + screen.err.getvalue()


HOSTILE = "\x1b[2J\x1b]0;owned\x07a\rb\x08\x9b31m\u202ec\td\ne"


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize(
    "event",
    [
        events.Observed(HOSTILE),
        events.ToolCalled("bash", {"command": HOSTILE}),
        events.ToolCalled(HOSTILE, {}),
        events.Reasoned(HOSTILE),
        events.Corrected(HOSTILE),
        events.Answered(HOSTILE, ok=True),
        events.Exchange([{"role": "user", "content": HOSTILE}], HOSTILE, 1.0, None, None, None, False),
    ],
)
def test_what_model_and_files_say_cannot_control_the_terminal(event: events.Event, colour: bool) -> None:
    """A file that is read may hold any bytes: none of them may clear the screen or hide a command."""
    screen = Screen(verbose=True, colour=colour).show(event)
    shown = re.sub(r"\x1b\[[0-9]*m", "", screen.out.getvalue() + screen.err.getvalue())
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", shown)
    assert "c\td\ne" in shown


def test_colours_wrap_what_is_not_output() -> None:
    text = Screen(colour=True).show(*RUN).err.getvalue()
    assert "\x1b[1mbash {kubectl get pods -n default}\x1b[0m\n" in text
    assert "\x1b[2mI should list the pods.\x1b[0m\n" in text
    assert "Observations:\n\x1b[1mNAME    READY   STATUS\x1b[0m\nweb-1   " in text


def test_the_answer_has_no_colour() -> None:
    assert "\x1b" not in Screen(colour=True).show(*RUN).out.getvalue()


def test_a_failure_is_one_line_with_the_programs_name() -> None:
    screen = Screen()
    screen.terminal.failure("Model not found: x.")
    assert screen.err.getvalue() == "devops-agent: Model not found: x.\n"
    assert screen.out.getvalue() == ""


# --- thinking ---------------------------------------------------------------------------------------------


def test_on_a_live_terminal_a_line_with_the_seconds_is_redrawn_and_then_cleared() -> None:
    screen = Screen(live=True).show(events.ThinkingStarted())
    time.sleep(0.35)
    screen.show(events.ThinkingEnded(0.35))
    drawn = screen.err.getvalue().split(CLEAR)
    assert drawn[0] == ""
    assert drawn[1] == "⠋ thinking... 0s"
    assert drawn[2] == "⠙ thinking... 0s"
    assert drawn[-1] == "⏱️ 0s\n"
    after = screen.err.getvalue()
    time.sleep(0.25)
    assert screen.err.getvalue() == after


def test_where_nobody_watches_nothing_is_redrawn() -> None:
    screen = Screen(live=False).show(events.ThinkingStarted())
    time.sleep(0.25)
    assert screen.err.getvalue() == ""
    assert screen.show(events.ThinkingEnded(3.4)).err.getvalue() == "⏱️ 3s\n"


def test_a_failure_clears_the_line_that_is_redrawn_first() -> None:
    screen = Screen(live=True).show(events.ThinkingStarted())
    time.sleep(0.15)
    screen.terminal.failure("Interrupted.")
    assert screen.err.getvalue().endswith("thinking... 0s" + CLEAR + "devops-agent: Interrupted.\n")


# --- what goes on -----------------------------------------------------------------------------------------

PARTIAL = '<tool_call>\n{"name": "final_answer", "arguments": {"answer": "Two pods \\"run'


def test_how_much_of_the_prompt_is_read_is_shown() -> None:
    screen = Screen(live=True).show(events.ThinkingStarted(), events.PromptRead(43, 100))
    screen.wait_for("reading the prompt 43%... 0s")
    screen.show(events.PromptRead(100, 100))
    screen.wait_for("thinking... 0s")


def test_the_answer_is_shown_as_it_comes_and_removed_before_the_one_that_counts() -> None:
    screen = Screen(live=True).show(events.ThinkingStarted(), events.ReplyGrew(PARTIAL))
    screen.wait_for('answering... 0s\n  Two pods "run')
    screen.show(events.ThinkingEnded(1.0), events.Answered("Two pods run.", ok=True))
    assert screen.err.getvalue().endswith("\x1b[1A" + CLEAR + "⏱️ 1s\n")


def test_a_running_command_is_shown_with_the_last_lines_that_it_printed() -> None:
    screen = Screen(live=True)
    screen.show(events.ToolCalled("bash", {"command": "make"}, "unknown"), events.OutputGrew("1\n2\n3\n4\n"))
    screen.wait_for("running make... 0s\n  2\n  3\n  4")


def test_a_line_that_is_redrawn_is_cut_to_the_width() -> None:
    screen = Screen(live=True, width=lambda: 20)
    screen.show(events.ToolCalled("bash", {"command": "a" * 100}, "read"))
    screen.wait_for("running")
    time.sleep(0.2)
    screen.show(events.Observed("done"))
    drawn = screen.err.getvalue().split(CLEAR)[1:-1]
    assert drawn
    assert all(len(line) <= 19 for line in drawn)


def test_a_command_that_did_not_end_shows_what_it_had_printed() -> None:
    screen = Screen().show(
        events.ToolCalled("bash", {"command": "make"}, "unknown"), events.OutputGrew("one\n")
    )
    screen.show(events.Failed("Interrupted.", 130))
    assert screen.err.getvalue().endswith("Observations until then:\none\n\ndevops-agent: Interrupted.\n")


# --- how it is shown --------------------------------------------------------------------------------------


def test_a_long_observation_is_folded_and_says_how_the_rest_is_seen() -> None:
    screen = Screen(height=5, rest=lambda number: f"/show {number}")
    text = "\n".join(map(str, range(1, 101)))
    screen.show(events.Observed("short"), events.Observed(text))
    shown = screen.err.getvalue().partition("short\n\n")[2]
    assert shown == "Observations:\n1\n2\n[… 96 lines more: /show 2]\n99\n100\n\n"
    assert screen.terminal.observations == ["short", text]


def test_without_unicode_there_is_none() -> None:
    told = [*RUN, events.Notice("naïve — “quoted” ✓"), events.Answered("Größe: 5", ok=False)]
    screen = Screen(unicode=False, encoding="latin-1").show(*told)
    text = screen.out.getvalue() + screen.err.getvalue()
    assert "[ok] One pod runs." in text
    assert "[time] 6s" in text
    assert 'naïve - "quoted" [ok]' in text
    assert "[failed] Größe: 5" in text
    plain = Screen(unicode=False, encoding="ascii").show(*told)
    assert (plain.out.getvalue() + plain.err.getvalue()).isascii()


def test_quiet_shows_the_answer_alone() -> None:
    screen = Screen(quiet=True, live=True).show(*RUN)
    assert (screen.out.getvalue(), screen.err.getvalue()) == ("One pod runs.\n", "")
    assert (
        Screen(quiet=True).show(events.Failed("No model.", 3)).err.getvalue() == "devops-agent: No model.\n"
    )


# --- verbose ----------------------------------------------------------------------------------------------


LAST_LINE = "--- 6.2 s, prompt 100 tokens (80 cached), output ?\n"


def exchange(*contents: str, constrained: bool = False) -> events.Exchange:
    messages = [{"role": "user", "content": content} for content in contents]
    return events.Exchange(messages, "RAW REPLY", 6.25, 100, 80, None, constrained)


def test_verbose_shows_prompt_raw_reply_time_and_tokens() -> None:
    assert Screen(verbose=True).show(exchange("PROMPT")).err.getvalue() == (
        "--- user\nPROMPT\n--- reply\nRAW REPLY\n" + LAST_LINE
    )


def test_verbose_shows_of_the_next_prompt_only_what_is_new() -> None:
    text = Screen(verbose=True).show(exchange("one"), exchange("one", "two", "three")).err.getvalue()
    assert text.count("--- user\none\n") == 1
    assert "--- user\ntwo\n--- user\nthree\n--- reply\n" in text


def test_verbose_shows_the_prompt_of_the_next_task_in_a_session() -> None:
    shown = [
        exchange("prompt", "task one"),
        exchange("prompt", "task one", "result"),
        exchange("prompt", "two"),
    ]
    text = Screen(verbose=True).show(*shown).err.getvalue()
    assert text.count("--- user\nprompt\n") == 1
    assert text.endswith("output ?\n--- user\ntwo\n--- reply\nRAW REPLY\n" + LAST_LINE)


def test_verbose_shows_a_prompt_that_is_sent_once_more_only_once() -> None:
    text = Screen(verbose=True).show(exchange("one"), exchange("one", constrained=True)).err.getvalue()
    assert text.count("--- user\none\n") == 1


def test_verbose_says_when_a_reply_was_constrained() -> None:
    assert "--- reply (constrained)\n" in Screen(verbose=True).show(exchange(constrained=True)).err.getvalue()


def test_without_verbose_an_exchange_is_not_shown() -> None:
    assert Screen().show(exchange("PROMPT")).err.getvalue() == ""


# --- progress ---------------------------------------------------------------------------------------------


def test_progress_is_a_line_each_tenth_where_nobody_watches() -> None:
    screen = Screen()
    for done in range(0, 1_000_000_001, 10_000_000):
        screen.show(events.Progress("Fetching the model", done, 1_000_000_000))
    lines = screen.err.getvalue().splitlines()
    assert lines == [f"Fetching the model: {percent}% of 1.0 GB" for percent in range(0, 101, 10)]


def test_a_second_progress_is_shown_from_its_beginning() -> None:
    sources = ("Hugging Face", "Hugging Face", "the package index")
    screen = Screen().show(*(events.Progress(f"downloading from {s}", 0, 1_000_000_000) for s in sources))
    assert screen.err.getvalue() == (
        "downloading from Hugging Face: 0% of 1.0 GB\ndownloading from the package index: 0% of 1.0 GB\n"
    )


def test_progress_is_redrawn_on_a_live_terminal_and_leaves_one_line() -> None:
    screen = Screen(live=True)
    screen.show(events.Progress("Fetching", 430_000_000, 1_000_000_000))
    screen.wait_for("⠋ Fetching: 43% of 1.0 GB 0s")
    screen.show(events.Progress("Fetching", 1_000_000_000, 1_000_000_000))
    assert screen.err.getvalue().endswith(CLEAR + "Fetching: 100% of 1.0 GB\n")


def test_what_comes_in_the_middle_of_a_progress_has_a_line_of_its_own() -> None:
    screen = Screen(live=True).show(events.Progress("Fetching", 430_000_000, 1_000_000_000))
    screen.wait_for("43%")
    screen.terminal.failure("Interrupted.")
    screen.terminal.failure("Goodbye.")
    assert screen.err.getvalue().endswith(CLEAR + "devops-agent: Interrupted.\ndevops-agent: Goodbye.\n")


def test_progress_of_unknown_size_does_not_divide_by_0() -> None:
    assert Screen().show(events.Progress("Fetching", 5, 0)).err.getvalue() == "Fetching: 0%\n"
