"""The launcher ./devops-agent, run as a user runs it, in a copy of the clone with a small stand-in package.

The requirements are empty and PATH holds neither uv nor a Python, so nothing is downloaded. Only the shared
`clone` is set up with a real `python -m venv`; the other tests use `QuickPython`, a Python whose environments
hold a stand-in pip.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ("cat", "cp", "date", "env", "mkdir", "mv", "readlink", "rm", "rmdir", "sleep", "tail")

STAND_IN_PACKAGE = """\
import json, os, sys
import agent
print(json.dumps({"args": sys.argv[1:], "cwd": os.getcwd(), "agent": agent.__file__, "python": sys.executable,
                  "stdin": sys.stdin.read()}))
sys.exit(7 if sys.argv[1:] == ["fail"] else 0)
"""

# Answers every question with itself as sys.executable, as a Python installed there would.
FAKE_PYTHON = """\
#!/bin/sh
if [ "$1 $2" = "-I -c" ]; then
    code=$3
    shift 3
    exec "{real}" -I -c "import sys
sys.executable = '$0'
{on_code}
$code" "$@"
fi
for last; do :; done
{on_module}
"""

QUICK_VENV = """\
"{real}" -I -m venv --without-pip "$last"
for site in "$last"/lib/python*/site-packages; do cp -R "{pip}" "$site/pip"; done
"""


class Clone:
    """A copy of the launcher with a stand-in package around it."""

    def __init__(self, path: Path, tools: Path, python: Path | str = sys.executable) -> None:
        self.path = path
        self.launcher = path / "devops-agent"
        self.environment = {
            "HOME": str(path),
            "PATH": str(tools),
            "DEVOPS_AGENT_PYTHON": str(python),
            "PIP_NO_INDEX": "1",
        }

    @classmethod
    def make(cls, path: Path, tools: Path, python: Path | str = sys.executable) -> "Clone":
        (path / "devops_agent").mkdir(parents=True)
        shutil.copy2(ROOT / "devops-agent", path)
        (path / "requirements.txt").touch()
        (path / "agent.py").touch()
        (path / "devops_agent/__init__.py").touch()
        (path / "devops_agent/__main__.py").write_text(STAND_IN_PACKAGE)
        return cls(path, tools, python)

    @property
    def venv(self) -> Path:
        return self.path / ".venv"

    @property
    def lock(self) -> Path:
        return self.path / ".venv.lock"

    def run(
        self, *args: str, launcher: Path | None = None, cwd: Path = Path("/"), stdin: str = "", **env: str
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(launcher or self.launcher), *args],
            cwd=cwd,
            env=self.environment | env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, stderr: Path) -> "subprocess.Popen[bytes]":
        """Starts it in a process group of its own, as a terminal does."""
        with stderr.open("w") as file:
            return subprocess.Popen(
                [str(self.launcher)],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=file,
                start_new_session=True,
            )


def write_script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


class QuickPython:
    """A Python that makes an environment in a moment, with a pip that does what a test wants."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "pip.log"
        self.pip = folder / "pip"
        self.pip.mkdir(parents=True)
        (self.pip / "__init__.py").touch()
        self.set_pip("")
        on_module = QUICK_VENV.format(real=sys.executable, pip=self.pip)
        text = FAKE_PYTHON.format(real=sys.executable, on_code="", on_module=on_module)
        self.path = write_script(folder / "python3", text)

    def set_pip(self, code: str) -> None:
        (self.pip / "__main__.py").write_text(code)

    def make_pip_wait(self, go: Path) -> None:
        """Pip writes its process id to a line of `pip.log` and ends when the file `go` is there."""
        self.set_pip(
            "import os, pathlib, time\n"
            f"print(os.getpid(), file=open({str(self.log)!r}, 'a'))\n"
            f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.02)\n"
        )

    def pip_runs(self) -> list[int]:
        """The process ids of the pips that were started."""
        return [int(line) for line in self.log.read_text().split()] if self.log.exists() else []


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited 20 s"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PATH with what the launcher calls."""
    folder = tmp_path_factory.mktemp("tools")
    for name in TOOLS:
        (folder / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    return folder


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, tools: Path) -> Clone:
    """A clone in a folder with awkward characters in its name, set up once."""
    clone = Clone.make(tmp_path_factory.mktemp("launcher") / "my $HOME 'clone' *", tools)
    result = clone.run(DEVOPS_AGENT_SETUP_ONLY="1")
    lines = result.stderr.splitlines()
    assert (result.returncode, result.stdout) == (0, "")
    assert lines[0] == "devops-agent: first start: creating the environment in .venv"
    assert lines[1].startswith("devops-agent: installing dependencies (about ")
    assert lines[2].startswith("devops-agent: …done in ")
    assert len(lines) == 3
    return clone


@pytest.fixture
def python(tmp_path: Path) -> QuickPython:
    return QuickPython(tmp_path / "quick python")


@pytest.fixture
def quick(tmp_path: Path, tools: Path, python: QuickPython) -> Clone:
    """A clone that nobody has started yet."""
    return Clone.make(tmp_path / "my clone", tools, python.path)


def test_a_second_start_is_silent_and_makes_nothing_new(clone: Clone) -> None:
    before = clone.venv.stat().st_mtime_ns, (clone.venv / "pyvenv.cfg").stat().st_ino
    result = clone.run()
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout)["python"] == str(clone.venv / "bin/python")
    assert (clone.venv.stat().st_mtime_ns, (clone.venv / "pyvenv.cfg").stat().st_ino) == before
    assert not clone.lock.exists()


def test_arguments_stdin_directory_and_exit_code_pass_untouched(clone: Clone, tmp_path: Path) -> None:
    args = ["a b", "", "*", "it's", '"quoted"', "$HOME", "back\\slash", "new\nline", "--", "-x", " "]
    seen = json.loads(clone.run(*args, cwd=tmp_path, stdin="piped").stdout)
    assert (seen["args"], seen["cwd"], seen["stdin"]) == (args, str(tmp_path), "piped")
    assert clone.run("fail").returncode == 7


def test_files_in_the_users_directory_do_not_shadow_the_clones(clone: Clone, tmp_path: Path) -> None:
    for name in ("agent.py", "json.py", "requests.py"):
        (tmp_path / name).write_text("raise SystemExit('shadowed')")
    result = clone.run(cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert json.loads(result.stdout)["agent"] == str(clone.path / "agent.py")


def test_a_chain_of_links_on_path_finds_the_clone(clone: Clone, tools: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my bin"
    folder.mkdir()
    (folder / "absolute").symlink_to(clone.launcher)
    (folder / "agent-link").symlink_to("absolute")
    result = clone.run("agent-link", launcher=Path("/usr/bin/env"), PATH=f"{folder}:{tools}")
    assert json.loads(result.stdout)["agent"] == str(clone.path / "agent.py")
    assert result.stderr == ""


def test_it_starts_when_cdpath_is_set_and_it_is_named_relatively(clone: Clone) -> None:
    parent = clone.path.parent
    launcher = Path(clone.path.name) / "devops-agent"
    result = clone.run(launcher=launcher, cwd=parent, CDPATH="/:/tmp")
    assert (result.returncode, result.stderr) == (0, "")


def test_a_moved_clone_is_set_up_again(
    quick: Clone, tools: Path, python: QuickPython, tmp_path: Path
) -> None:
    quick.run()
    moved = Clone(quick.path.rename(tmp_path / "moved"), tools, python.path)
    result = moved.run()
    assert "creating the environment in .venv again" in result.stderr
    assert json.loads(result.stdout)["agent"] == str(moved.path / "agent.py")
    assert moved.run().stderr == ""


def test_an_environment_whose_python_is_gone_is_made_again(quick: Clone) -> None:
    quick.run()
    link = quick.venv / "bin/python"
    link.unlink()
    link.symlink_to("/nonexistent/python3.9")
    result = quick.run()
    assert "creating the environment in .venv again" in result.stderr
    assert result.returncode == 0


def test_changed_requirements_are_installed_into_the_same_environment(quick: Clone) -> None:
    quick.run()
    before = (quick.venv / "pyvenv.cfg").stat().st_ino
    (quick.path / "requirements.txt").write_text("# nothing new\n")
    result = quick.run()
    assert result.stderr.startswith("devops-agent: updating the environment in .venv\n")
    assert (quick.venv / "pyvenv.cfg").stat().st_ino == before
    assert quick.run().stderr == ""


def test_a_start_after_a_killed_one_repairs_what_it_left(
    quick: Clone, python: QuickPython, tmp_path: Path
) -> None:
    python.make_pip_wait(tmp_path / "never")
    process = quick.start(tmp_path / "stderr")
    wait_until(lambda: bool(python.pip_runs()))
    process.kill()
    process.wait()
    os.kill(python.pip_runs()[0], signal.SIGKILL)
    assert quick.lock.exists()

    python.set_pip("")
    result = quick.run()
    assert result.returncode == 0
    assert "creating the environment in .venv again" in result.stderr
    assert not quick.lock.exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_set_up_leaves_no_traceback_no_lock_and_no_pip(
    quick: Clone, python: QuickPython, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    python.make_pip_wait(tmp_path / "never")
    process = quick.start(tmp_path / "stderr")
    wait_until(lambda: bool(python.pip_runs()))
    os.killpg(process.pid, number)
    assert process.wait(timeout=10) == code
    lines = (tmp_path / "stderr").read_text().splitlines()
    assert lines[2:] == ["devops-agent: interrupted; the next start sets it up again"]
    assert not quick.lock.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(python.pip_runs()[0], 0)


def test_first_starts_at_once_make_one_environment(quick: Clone, python: QuickPython, tmp_path: Path) -> None:
    python.make_pip_wait(tmp_path / "go")
    logs = [tmp_path / f"stderr{n}" for n in range(3)]
    processes = [quick.start(log) for log in logs]
    wait_until(lambda: sum("waiting for the set-up that process" in log.read_text() for log in logs) == 2)
    (tmp_path / "go").touch()
    assert [process.wait(timeout=20) for process in processes] == [0, 0, 0]
    assert len(python.pip_runs()) == 1
    assert sorted(len(log.read_text().splitlines()) for log in logs) == [1, 1, 3]
    assert not quick.lock.exists()


def test_a_failing_pip_shows_the_end_of_its_log_and_what_to_do(quick: Clone, python: QuickPython) -> None:
    python.set_pip(
        "print(*map('line {}'.format, range(40)), sep='\\n', flush=True); exit('ERROR: no network')"
    )
    result = quick.run()
    lines = result.stderr.splitlines()
    assert (result.returncode, result.stdout) == (3, "")
    assert lines[2:4] == ["line 26", "line 27"]
    assert lines[-2:] == [
        "ERROR: no network",
        "devops-agent: pip could not install the dependencies; "
        "check the network and proxy settings, then start again",
    ]
    assert not quick.lock.exists()

    python.set_pip("")
    assert quick.run().returncode == 0


def test_a_python_without_venv_is_one_line_and_leaves_nothing(tmp_path: Path, tools: Path) -> None:
    on_code = "sys.modules['ensurepip'] = None"
    on_module = "echo 'ensurepip is not available' >&2; exit 1"
    text = FAKE_PYTHON.format(real=sys.executable, on_code=on_code, on_module=on_module)
    folder = write_script(tmp_path / "bin/python3", text).parent
    clone = Clone.make(tmp_path / "my clone", tools)
    result = clone.run(PATH=f"{folder}:{tools}", DEVOPS_AGENT_PYTHON="")
    assert (result.returncode, result.stdout) == (3, "")
    assert result.stderr == (
        "devops-agent: this Python has no venv module; "
        "on Debian or Ubuntu: sudo apt-get install python3-venv, or install uv\n"
    )
    assert not clone.venv.exists()
    assert not clone.lock.exists()


def test_without_a_python_it_says_so_in_one_line(quick: Clone) -> None:
    result = quick.run(DEVOPS_AGENT_PYTHON="")
    assert result.returncode == 3
    assert result.stderr.startswith("devops-agent: Python 3.10 or newer is needed and was not found; ")
    assert len(result.stderr.splitlines()) == 1
    assert not quick.venv.exists()


def test_an_old_python3_is_passed_over_for_a_newer_one(
    quick: Clone, tools: Path, python: QuickPython, tmp_path: Path
) -> None:
    folder = tmp_path / "bin"
    write_script(folder / "python3", "#!/bin/sh\nexit 1\n")
    write_script(folder / "python3.12", python.path.read_text())
    assert quick.run(PATH=f"{folder}:{tools}", DEVOPS_AGENT_PYTHON="").returncode == 0


def test_a_chosen_python_that_does_not_do_is_an_error(quick: Clone) -> None:
    result = quick.run(DEVOPS_AGENT_PYTHON="/nonexistent/python")
    assert (result.returncode, result.stderr) == (
        3,
        "devops-agent: DEVOPS_AGENT_PYTHON=/nonexistent/python is not a Python 3.10 or newer\n",
    )


def test_a_failing_uv_is_replaced_by_venv_and_pip(quick: Clone, tools: Path, tmp_path: Path) -> None:
    calls = tmp_path / "uv.log"
    script = f"#!/bin/sh\necho \"$1\" >>'{calls}'\nexit 2\n"
    folder = write_script(tmp_path / "bin/uv", script).parent
    result = quick.run(PATH=f"{folder}:{tools}")
    assert calls.read_text() == "venv\npip\n"
    assert "uv venv failed; using Python's venv" in result.stderr
    assert json.loads(result.stdout)["python"] == str(quick.venv / "bin/python")


def test_the_environment_can_be_in_another_folder(quick: Clone, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere/my venv"
    result = quick.run(DEVOPS_AGENT_VENV=str(folder))
    assert json.loads(result.stdout)["python"] == str(folder / "bin/python")
    assert not quick.venv.exists()


def test_a_folder_that_is_no_environment_is_left_alone(quick: Clone, tmp_path: Path) -> None:
    precious = tmp_path / "home/letter.txt"
    precious.parent.mkdir()
    precious.touch()
    result = quick.run(DEVOPS_AGENT_VENV=str(precious.parent))
    assert result.returncode == 3
    assert "is in the way: it is not a Python environment" in result.stderr
    assert list(precious.parent.iterdir()) == [precious]
