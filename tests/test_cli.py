"""The command line: arguments, exit codes, one line for each error, and how little `--help` imports."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_ollama import FakeOllama, Reply, call

import devops_agent
from conftest import PATIENCE, ROOT, Python
from devops_agent import cli, parsers
from devops_agent.__main__ import main
from devops_agent.errors import UsageError

Outcome = tuple[int, str, str]
Run = Callable[..., Outcome]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs the command line in this process: exit code, stdout, stderr."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def in_process(*argv: str, **env: str) -> Outcome:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        code = main(argv)
        return code, *capsys.readouterr()

    yield in_process
    for number, handler in before.items():
        signal.signal(number, handler)


def settings_of(argv: list[str]) -> dict[str, object]:
    given = cli.parse(argv)
    told = {"task": given.task, "interactive": given.interactive, **given.settings}
    return {name: value for name, value in told.items() if value is not None}


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], {"interactive": False}),
        (["-i"], {"interactive": True}),
        (["--interactive", "-a"], {"interactive": True, "require_approval": True}),
        (["list", "the", "pods"], {"task": "list the pods"}),
        (["list the pods", "--verbose"], {"task": "list the pods", "verbose": True}),
        (["-v", "list", "-a", "pods"], {"task": "list pods", "verbose": True, "require_approval": True}),
        (["--", "--help", "me"], {"task": "--help me"}),
        (["why does -x fail"], {"task": "why does -x fail"}),
        (["-x makes it fail"], {"task": "-x makes it fail"}),
        (["-5 is what it returns"], {"task": "-5 is what it returns"}),
        (["--", "-5"], {"task": "-5"}),
        (["  padded  "], {"task": "padded"}),
        (["--yes", "x"], {"task": "x", "assume_yes": True}),
        (["--backend", "ollama", "x"], {"task": "x", "backend": "ollama"}),
        (["--model=q", "--temperature", "0.5", "--top-p", "0.9"], {"model": "q"}),
        (["--model-path", "m.gguf", "--max-steps", "3", "--timeout", "2.5"], {"max_steps": 3}),
    ],
)
def test_arguments_become_settings(argv: list[str], expected: dict[str, object]) -> None:
    given = settings_of(argv)
    assert {name: given[name] for name in expected} == expected


def test_what_is_not_given_is_none() -> None:
    assert set(cli.parse(["x"]).settings.values()) == {None}


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["--verb", "x"], "unrecognized arguments: --verb"),
        (["-z", "x"], "unrecognized arguments: -z"),
        (["-5"], "unrecognized arguments: -5. See devops-agent --help"),
        (["list", "-5", "pods", "-.5"], "unrecognized arguments: -5 -.5"),
        (["--max-steps", "many", "x"], "invalid int value: 'many'"),
        (["--timeout", "soon", "x"], "invalid float value: 'soon'"),
        (["--backend", "openai", "x"], "invalid choice: 'openai'"),
        (["--model"], "expected one argument"),
        ([""], "The task is empty"),
        (["  ", ""], "The task is empty"),
        (["-i", "x"], "--interactive takes no task"),
        (["-i", "-f", "x"], "--interactive takes no task"),
        (["-f", "x", "y"], "--file holds the task"),
        (["-f", ""], "--file: '' is no path"),
        (["-f", "~nobody-of-that-name/x"], "--file: ~nobody-of-that-name/x: there is no such user"),
        (["--json", "-q", "x"], "--json and --quiet contradict each other"),
        (["--json", "-i"], "--json is for one task"),
        (["--resume", "--continue", "x"], "--resume and --continue contradict each other"),
        (["--resume=x", "y"], "'x' is no session: see devops-agent sessions"),
        (["--color", "green", "x"], "invalid choice: 'green'"),
        (["-n"], "expected one argument"),
        (["-v", "undo", "--yes"], "A subcommand stands before its flags: devops-agent undo …"),
    ],
)
def test_a_bad_argument_is_a_usage_error_in_one_line(argv: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        cli.parse(argv)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("argv", "resume", "task"),
    [
        (["--resume"], "", None),
        (["--resume", "0123abcd"], "0123abcd", None),
        (["--resume", "0123abcd", "scale", "it"], "0123abcd", "scale it"),
        (["--resume", "scale it"], "", "scale it"),
        (["--resume", "add", "a", "replica"], "", "add a replica"),
        (["--resume=012", "scale it"], "012", "scale it"),
        (["--resume", "01a", "scale it"], "01a", "scale it"),
        (["scale it", "--resume"], "", "scale it"),
        (["--resume", "-v", "scale it"], "", "scale it"),
        (["--resume", "--", "0123abcd"], "", "0123abcd"),
        (["scale it"], None, "scale it"),
    ],
)
def test_a_word_behind_resume_that_is_no_id_is_the_task(
    argv: list[str], resume: str | None, task: str | None
) -> None:
    given = cli.parse(argv)
    assert (given.resume, given.task) == (resume, task)


def test_the_flags_of_a_run_are_no_settings() -> None:
    argv = "-f t.txt --cwd d -n shop --context prod --no-stdin -q --color never --continue".split()
    given = cli.parse(argv)
    assert (given.file, given.directory) == (Path("t.txt"), Path("d"))
    assert (given.namespace, given.context, given.stdin) == ("shop", "prod", False)
    assert (given.quiet, given.json, given.color, given.continue_) == (True, False, "never", True)
    assert not any(given.settings.values())
    assert cli.parse(["--json", "x"]).json


# --- subcommands ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["diagnose"], {"target": None}),
        (["diagnose", "shop/deployment/web"], {"target": "shop/deployment/web"}),
        (["diagnose", "-n", "shop", "--context", "prod"], {"namespace": "shop", "context": "prod"}),
        (["runbooks"], {"action": "list"}),
        (["runbooks", "show", "x"], {"action": "show", "name": "x"}),
        (["runbooks", "search", "liveness", "probe"], {"words": ["liveness", "probe"]}),
        (["policy", "explain", "rm -rf x", "--json"], {"command": ["rm -rf x"], "json": True}),
        (["policy", "explain", "--json", "-"], {"command": ["-"], "json": True}),
        (["policy", "explain", "rm", "-rf", "--json"], {"command": ["rm", "-rf", "--json"], "json": False}),
        (["policy", "explain", "--", "-x"], {"command": ["-x"]}),
        (["audit", "--since=2h", "--effect", "destructive"], {"since": "2h", "effect": "destructive"}),
        (["undo", "--yes"], {"yes": True}),
        (["sessions"], {"action": "list", "limit": 20, "json": False}),
        (["sessions", "show", "0123abcd", "--json"], {"action": "show", "id": "0123abcd", "json": True}),
        (["sessions", "export", "012"], {"id": "012", "format": "markdown", "output": None}),
        (["sessions", "export", "012", "--format", "script", "-o", "f"], {"format": "script", "output": "f"}),
        (["sessions", "delete", "012", "345"], {"ids": ["012", "345"], "all": False, "yes": False}),
        (["sessions", "delete", "--all", "--yes"], {"ids": [], "all": True, "yes": True}),
        (["doctor", "--quick"], {"quick": True, "json": False}),
        (["completions", "zsh"], {"shell": "zsh"}),
    ],
)
def test_a_subcommand_has_its_arguments(argv: list[str], expected: dict[str, object]) -> None:
    given = cli.parse(argv)
    assert given.subcommand is not None
    assert given.task is None
    assert given.subcommand.subcommand == argv[0]
    told = vars(given.subcommand)
    assert {name: told[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["undo", "the", "last", "rollout"], "Usage: devops-agent undo [--yes]."),
        (["diagnose", "the", "network"], "Usage: devops-agent diagnose [-n NS] [--context NAME] [target]."),
        (["runbooks", "are", "what?"], "invalid choice: 'are'"),
        (["audit", "this", "machine"], "unrecognized arguments: this machine"),
        (["policy", "of", "the", "firm"], "invalid choice: 'of'"),
        (["policy"], "required: action"),
        (["sessions", "of", "redis"], "invalid choice: 'of'"),
        (["doctor", "this"], "unrecognized arguments: this"),
        (["completions"], "required: shell"),
    ],
)
def test_prose_behind_a_subcommand_is_an_error_that_says_how_it_is_a_task(
    argv: list[str], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        cli.parse(argv)
    text = str(caught.value)
    assert text.startswith(f"devops-agent {argv[0]}: ")
    assert message in text
    assert text.endswith(f" To give these words as a task: devops-agent -- {shlex.join(argv)}")
    assert cli.parse(["--", *argv]).task == " ".join(argv)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["audit", "--since"], "--since: expected one argument. Usage: devops-agent audit"),
        (["audit", "--effect", "bad"], "invalid choice: 'bad'"),
        (["audit", "--all"], "unrecognized arguments: --all"),
        (["undo", "-n\nx"], "unrecognized arguments: -n x"),
        (["sessions", "list", "--limit", "0"], "'0' is no number greater than 0"),
        (["diagnose", "-v"], "unrecognized arguments: -v"),
    ],
)
def test_a_wrong_flag_of_a_subcommand_is_one_line_with_its_usage(argv: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        cli.parse(argv)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "as a task" not in str(caught.value)


@pytest.mark.parametrize("task", ["undo the last rollout", "diagnose the network of this machine"])
def test_one_quoted_argument_is_a_task_whatever_its_first_word(task: str) -> None:
    assert cli.parse([task]).task == task


@pytest.mark.parametrize("name", parsers.SUBCOMMANDS)
def test_each_subcommand_and_each_of_its_actions_has_a_help(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    actions = parsers.actions_of(parsers.subcommand_parser(name))
    for words in ([name], *([name, action] for action in actions)):
        with pytest.raises(SystemExit) as done:
            cli.parse([*words, "--help"])
        assert done.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: devops-agent {' '.join(words)} [-h]")


# --- the process ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--nonsense"], "unrecognized arguments: --nonsense. See devops-agent --help."),
        ([""], 'The task is empty. Say what to do: devops-agent "Check disk usage".'),
        ([], 'No task given. Say what to do: devops-agent "Check disk usage"; -i reads a task a line.'),
        (["--max-steps", "0", "x"], "--max-steps: max_steps must be greater than 0."),
        (
            ["--temperature", "-1", "x"],
            "--temperature: -1.0 is no value for temperature. Use a number from 0 to 2.",
        ),
    ],
)
def test_a_usage_error_is_one_line_on_stderr_and_exit_code_2(argv: list[str], message: str, run: Run) -> None:
    assert run(*argv) == (2, "", f"devops-agent: {message}\n")


def test_an_unknown_flag_is_no_traceback_in_a_process_either(python: Python) -> None:
    result = python("-m", "devops_agent", "--nonsense")
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)


def test_a_broken_configuration_file_is_one_line_and_exit_code_2(home: Path, run: Run) -> None:
    path = home / ".config/devops-agent/config.toml"
    path.parent.mkdir(parents=True)
    path.write_text("model = \n")
    code, _, err = run("x")
    assert code == 2
    assert err.startswith(f"devops-agent: {path} cannot be read: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("host", ["ftp://h", "http://localhost:11434:8080", "1:2:3", "ollama..local"])
def test_a_bad_ollama_host_is_one_line_and_exit_code_2(host: str, run: Run) -> None:
    code, _, err = run("--backend", "ollama", "x", OLLAMA_HOST=host)
    assert code == 2
    assert err.startswith(f"devops-agent: The Ollama address '{host}' is not usable.")
    assert err.count("\n") == 1


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(flag: str, python: Python) -> None:
    code = (
        "import sys\n"
        "from devops_agent.__main__ import main\n"
        "try:\n"
        f"    main([{flag!r}])\n"
        "except SystemExit as done:\n"
        "    print('exit', done.code)\n"
        "heavy = {'smolagents', 'requests', 'xllamacpp', 'prompt_toolkit', 'huggingface_hub', 'rich'}\n"
        "print('heavy', sorted(heavy & set(sys.modules)))\n"
    )
    result = python("-c", code)
    assert result.stderr == ""
    assert result.stdout.splitlines()[-2:] == ["exit 0", "heavy []"]


def test_version_is_the_packages(python: Python) -> None:
    assert python("-m", "devops_agent", "--version").stdout == f"devops-agent {devops_agent.__version__}\n"


def test_help_lists_every_flag_variable_and_exit_code(python: Python) -> None:
    text = python("-m", "devops_agent", "--help").stdout
    for word in (
        *(
            "--interactive",
            "--verbose",
            "--require-approval",
            "--yes",
            "--backend",
            "--model",
            "--model-path",
        ),
        *("--file", "--cwd", "--namespace", "--context", "--no-stdin", "--json", "--quiet", "--color"),
        *("--resume", "--continue", "-f", "-n", "-q", *parsers.SUBCOMMANDS),
        *("--max-steps", "--timeout", "--temperature", "--top-p", "--version", "-i", "-v", "-a"),
        *("OLLAMA_HOST", "DEVOPS_AGENT_MODEL", "DEVOPS_AGENT_MODEL_PATH", "DEVOPS_AGENT_BACKEND"),
        *("REQUIRE_APPROVAL", "SMOLAGENTS_LOG_LEVEL", "NO_COLOR", "exit codes:", "130 interrupted"),
    ):
        assert word in text


@pytest.mark.parametrize("closed", ["<&-", "2>&-", ">&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_are_no_traceback(closed: str) -> None:
    result = subprocess.run(
        [
            "bash",
            "-c",
            f'"$1" -m devops_agent --nonsense {closed}; "$1" -m devops_agent {closed}',
            "",
            sys.executable,
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr


# --- whole runs -------------------------------------------------------------------------------------------


def test_a_task_prints_its_answer_on_stdout_and_the_rest_on_stderr(
    ollama: FakeOllama, python: Python
) -> None:
    ollama.script(call("bash", command="echo one; echo two"), call("final_answer", answer="Two lines."))
    result = python("-m", "devops_agent", "say", "hello", env={"OLLAMA_HOST": ollama.url})
    assert (result.returncode, result.stdout) == (0, "✅ Two lines.\n")
    assert result.stderr == (
        f"Engine: Ollama at {ollama.url}, model qwen3-devops.\n"
        "⏱️ 0s\n"
        "\nbash {echo one; echo two}\n"
        "Observations:\none\ntwo\n\n"
        "⏱️ 0s\n"
    )
    assert ollama.chats[0]["messages"][-1] == {"role": "user", "content": "say hello"}


def test_an_answer_over_a_failed_run_has_a_cross_and_exit_code_1(ollama: FakeOllama, run: Run) -> None:
    ollama.script(call("bash", command="touch no-such-dir/x"), call("final_answer", answer="That failed."))
    code, out, _ = run("x", OLLAMA_HOST=ollama.url)
    assert code == 1
    assert out.startswith("❌ That failed.\nbash {touch no-such-dir/x} failed: touch: cannot touch")


def test_with_ollama_nothing_that_downloads_a_model_is_imported(ollama: FakeOllama, python: Python) -> None:
    ollama.script(call("bash", command="echo x"), call("final_answer", answer="Done."))
    code = (
        "import sys\n"
        "from devops_agent.__main__ import main\n"
        "main(['x'])\n"
        "print(sorted({'devops_agent.model_store', 'devops_agent.transfer'} & set(sys.modules)))\n"
    )
    assert python("-c", code, env={"OLLAMA_HOST": ollama.url}).stdout == "✅ Done.\n[]\n"


def test_a_task_on_standard_input_is_done(ollama: FakeOllama, python: Python) -> None:
    ollama.script(call("bash", command="echo x"), call("final_answer", answer="Done."))
    result = python("-m", "devops_agent", input="say\nhello\n", env={"OLLAMA_HOST": ollama.url})
    assert (result.returncode, result.stdout) == (0, "✅ Done.\n")
    assert ollama.chats[0]["messages"][-1]["content"] == "say\nhello"


@pytest.mark.parametrize("flags", [[], ["--no-stdin"], ["-q"]])
def test_an_empty_standard_input_is_no_task(flags: list[str], python: Python) -> None:
    result = python("-m", "devops_agent", *flags, input=" \n")
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "No task given." in result.stderr


def test_with_json_an_error_is_an_event(python: Python) -> None:
    result = python("-m", "devops_agent", "--json", input=" \n")
    event = json.loads(result.stdout)
    assert (result.returncode, event["type"], event["exit_code"], result.stderr) == (2, "error", 2, "")
    assert event["text"].startswith("No task given.")


def test_a_standard_input_that_says_nothing_is_no_task_after_a_second(python: Python) -> None:
    reading, writing = os.pipe()
    started = time.monotonic()
    result = python("-m", "devops_agent", stdin=reading)
    os.close(reading)
    os.close(writing)
    assert result.returncode == 2
    assert "No task given." in result.stderr
    assert 1 <= time.monotonic() - started < 10


def test_a_task_on_standard_input_may_come_slowly(ollama: FakeOllama) -> None:
    ollama.script(call("bash", command="echo x"), call("final_answer", answer="Done."))
    result = subprocess.run(
        ["bash", "-c", '(printf "say "; sleep 1.5; printf hello) | "$0" -m devops_agent', sys.executable],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OLLAMA_HOST": ollama.url},
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0
    assert ollama.chats[0]["messages"][-1]["content"] == "say hello"


def test_a_task_on_standard_input_has_a_limit(python: Python) -> None:
    result = python("-m", "devops_agent", input="x" * 1_000_001)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "longer than 1 MB" in result.stderr


def test_a_task_is_read_from_a_file_in_the_folder_that_was_named(
    ollama: FakeOllama, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/task.txt").write_text("\ufeffsay\nhello\n", encoding="utf-8")
    ollama.script(call("bash", command="pwd > where"), call("final_answer", answer="Done."))
    code, out, _ = run("--cwd", "d", "-f", "task.txt", "--yes", OLLAMA_HOST=ollama.url)
    assert (code, out) == (0, "✅ Done.\n")
    assert ollama.chats[0]["messages"][-1]["content"].startswith("say\nhello")
    assert (tmp_path / "d/where").read_text() == f"{tmp_path / 'd'}\n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["-f", "missing"], "--file: missing cannot be read: No such file or directory. Name a text file."),
        (["-f", "folder"], "--file: folder cannot be read: Is a directory. Name a text file."),
        (["-f", "empty"], "--file: empty is empty. Write into it what to do."),
        (["-f", "nul"], "--file: nul is no text in UTF-8. Name a text file."),
        (["-f", "latin"], "--file: latin is no text in UTF-8. Name a text file."),
        (["-f", "large"], "--file: large is larger than 1 MB. Name a file with a task in it."),
        (["-f", "-"], "--file takes no -. For a task from standard input: devops-agent < FILE"),
        (["--cwd", "missing", "x"], "--cwd: missing: No such file or directory. Name a folder."),
        (["--cwd", "empty", "x"], "--cwd: empty: Not a directory. Name a folder."),
    ],
)
def test_a_file_or_folder_that_is_none_is_one_line_and_exit_code_2(
    argv: list[str], message: str, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "nul").write_bytes(b"a\0b")
    (tmp_path / "latin").write_bytes(b"\xe4\xf6")
    (tmp_path / "large").write_bytes(b"x" * 1_000_001)
    assert run(*argv) == (2, "", f"devops-agent: {message}\n")


def test_agent_py_is_the_same_command(ollama: FakeOllama, python: Python) -> None:
    ollama.script(call("bash", command="echo x"), call("final_answer", answer="Done."))
    result = python(str(ROOT / "agent.py"), "x", env={"OLLAMA_HOST": ollama.url})
    assert (result.returncode, result.stdout) == (0, "✅ Done.\n")


def test_no_engine_at_the_address_that_was_set_is_one_line_and_exit_code_3(run: Run) -> None:
    code, out, err = run("x", OLLAMA_HOST="127.0.0.1:9")
    assert (code, out) == (3, "")
    assert err.startswith("devops-agent: Cannot connect to Ollama at http://127.0.0.1:9.")
    assert err.count("\n") == 1


def test_a_model_that_ollama_does_not_have_is_one_line_and_exit_code_3(ollama: FakeOllama, run: Run) -> None:
    code, out, err = run("--model", "other", "x", OLLAMA_HOST=ollama.url)
    assert (code, out) == (3, "")
    assert err.startswith("devops-agent: Model not found: other.")
    assert err.count("\n") == 1


@pytest.mark.parametrize("path", ["/api/tags", "/api/show"])
def test_a_web_server_in_ollamas_place_is_one_line_and_exit_code_3(
    path: str, ollama: FakeOllama, run: Run
) -> None:
    ollama.pages[path] = b"<html>\n<body>It works!</body>\n</html>"
    code, out, err = run("x", OLLAMA_HOST=ollama.url)
    assert (code, out) == (3, "")
    assert "Traceback" not in err
    assert "does not speak Ollama's protocol" in err.splitlines()[-1]


def test_an_engine_that_dies_in_the_middle_of_a_run_is_exit_code_3(ollama: FakeOllama, run: Run) -> None:
    ollama.script(call("bash", command="echo x"), Reply("<tool", error="llama runner process has terminated"))
    code, out, err = run("x", OLLAMA_HOST=ollama.url)
    assert (code, out) == (3, "")
    assert err.splitlines()[-1] == (
        f"devops-agent: Ollama at {ollama.url} failed: llama runner process has terminated."
    )


def test_an_answer_to_a_closed_pipe_is_no_traceback(ollama: FakeOllama) -> None:
    ollama.script(call("bash", command="sleep 0.2"), call("final_answer", answer="Done."))
    result = subprocess.run(
        ["bash", "-c", '"$0" -m devops_agent x | true; exit ${PIPESTATUS[0]}', sys.executable],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OLLAMA_HOST": ollama.url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr


def test_ctrl_c_ends_a_run_at_once_with_exit_code_130(ollama: FakeOllama) -> None:
    ollama.script(Reply("<tool_call>", hang=True))
    child = subprocess.Popen(
        [sys.executable, "-m", "devops_agent", "x"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OLLAMA_HOST": ollama.url, "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 20
    while not ollama.chats and time.monotonic() < deadline:
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    sent = time.monotonic()
    out, err = child.communicate(timeout=20)
    assert time.monotonic() - sent < PATIENCE
    assert (child.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "devops-agent: Interrupted."


def test_an_answer_that_cannot_be_written_is_one_line_and_exit_code_1(ollama: FakeOllama) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    ollama.script(call("bash", command="echo hello"), call("final_answer", answer="hello"))
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "devops_agent", "say hello"],
            env={**os.environ, "PYTHONPATH": str(ROOT), "OLLAMA_HOST": ollama.url, "PYTHONUTF8": "1"},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == (
        "devops-agent: The answer cannot be written: No space left on device."
    )
