"""install.sh, run as a user runs it: real environments and a real pip, a small stand-in for the agent, and a
server on this machine in place of the hosts that it downloads from."""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pip
import pytest
from file_server import serving

from conftest import ROOT

SCRIPT = ROOT / "install.sh"
TOOLS = (
    "awk bash cat chmod cp date df dirname env grep id ln mkdir mktemp mv readlink rm rmdir sed sh sleep sort"
    " tail tar uname"
).split()

# The agent as far as the installer knows it, and `hf`, which Hugging Face's library brings.
PACKAGE = """\
import os, sys
VERSION = "{version}"
def agent():
    words = sys.argv[1:]
    if words == ["--version"]:
        print("devops-agent", VERSION)
    elif words[:1] == ["completions"]:
        print("# completions of devops-agent for", words[1])
    elif words == ["engine", "fetch"]:
        path = os.path.expanduser("~/.cache/devops-agent/models/small.gguf")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "w").close()
    elif words != ["engine", "stop"]:
        sys.exit("unknown: " + " ".join(words))
def hub():
    _, verb, repo, name, _, folder = sys.argv
    if not os.environ.get("HUB_IS_UP"):
        sys.exit("offline")
    with open(os.path.join(folder, name), "w") as file:
        file.write(repo)
"""
# A build that needs nothing from a package index.
BACKEND = """\
import glob, os, time, zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    {before}
    name = "ollama_devops-{version}-py3-none-any.whl"
    info = "ollama_devops-{version}.dist-info"
    told = {{
        "METADATA": "Metadata-Version: 2.1\\nName: ollama-devops\\nVersion: {version}\\n",
        "WHEEL": "Wheel-Version: 1.0\\nGenerator: here\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "entry_points.txt":
            "[console_scripts]\\ndevops-agent = devops_agent:agent\\nhf = devops_agent:hub\\n",
        "RECORD": "",
    }}
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.write("devops_agent/__init__.py")
        for file, text in told.items():
            wheel.writestr(f"{{info}}/{{file}}", text)
    return name
"""
PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "ollama-devops"
version = "{version}"
"""
# A Python whose environments have the pip of this one by a link: making one takes a tenth of the time.
QUICK_PYTHON = f"""\
#!/bin/sh
case "$*" in
    *"-m venv "*)
        for last; do :; done
        "{sys.executable}" -I -m venv --without-pip "$last" || exit
        ln -s "{Path(pip.__file__).parent}" "$(echo "$last"/lib/python*/site-packages)/pip"
        ;;
    *sys.version_info*) echo "$0" ;;
    *) exec "{sys.executable}" "$@" ;;
esac
"""
OLLAMA = """\
#!/bin/sh
echo "$*" >>"$HOME/../asked"
case $1 in
    list) cat "$HOME/../ollama" ;;
    create) cat qwen3-devops.gguf Modelfile >/dev/null && echo "$2:latest  id" >>"$HOME/../ollama" ;;
    rm) : >"$HOME/../ollama" ;;
esac
"""


def source(folder: Path, version: str = "1.0", before: str = "pass") -> Path:
    """A folder that holds the stand-in agent; `before` is a statement that its build runs first."""
    (folder / "devops_agent").mkdir(parents=True)
    (folder / "devops_agent/__init__.py").write_text(PACKAGE.replace("{version}", version))
    (folder / "backend.py").write_text(BACKEND.format(version=version, before=before))
    (folder / "pyproject.toml").write_text(PROJECT.format(version=version))
    (folder / "Modelfile").write_text("FROM ./qwen3-devops.gguf\n")
    shutil.copy(SCRIPT, folder / "install.sh")
    return folder


class Machine:
    """A home of its own, with a PATH of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.home = path / "a home"
        self.tools = path / "tools"
        for folder in (self.home, self.tools, path / "tmp"):
            folder.mkdir(parents=True)
        for name in TOOLS:
            (self.tools / name).symlink_to(shutil.which(name) or pytest.skip(f"{name} is not installed"))
        self.tool("python3", QUICK_PYTHON)
        self.environment = {
            "HOME": str(self.home),
            "PATH": str(self.tools),
            "TMPDIR": str(path / "tmp"),
            "DEVOPS_AGENT_SOURCE": str(source(path / "source")),
            "PIP_CONFIG_FILE": os.devnull,
        }

    def tool(self, name: str, text: str) -> None:
        """Puts a program on the PATH."""
        path = self.tools / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def start(self, *flags: str, piped: bool = False, **environment: str) -> "subprocess.Popen[str]":
        command = [str(self.tools / "bash"), *(["-s", "--"] if piped else [str(SCRIPT)]), *flags]
        with SCRIPT.open() as text:
            return subprocess.Popen(
                command,
                stdin=text if piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=self.path,
                env={**self.environment, **environment},
                start_new_session=True,  # no terminal to ask on
                # Ctrl-C is ignored by what a script has started in the background, as these tests may be
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def run(self, *flags: str, piped: bool = False, **environment: str) -> tuple[int, str]:
        """Runs the installer, and gives its exit code and what it said."""
        process = self.start(*flags, piped=piped, **environment)
        said, _ = process.communicate(timeout=120)
        assert "Traceback" not in said
        return process.returncode, said

    def files(self) -> list[str]:
        """All that is in the home, which is to be as it was after an uninstallation."""
        return sorted(str(each.relative_to(self.home)) for each in self.home.rglob("*"))

    @property
    def command(self) -> Path:
        return self.home / ".local/bin/devops-agent"

    def version(self) -> str:
        ran = subprocess.run([self.command, "--version"], capture_output=True, text=True, check=True)
        return ran.stdout.strip()

    def environments(self) -> list[Path]:
        return list((self.home / ".local/lib/devops-agent").glob("env-*"))

    def left_over(self) -> list[Path]:
        """What is left where temporary files go."""
        return list((self.path / "tmp").iterdir())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server of files: its URL, and the folder that it serves."""
    folder = tmp_path / "host"
    folder.mkdir()
    with serving(folder) as (url, _):
        yield url, folder


# --- the whole way ----------------------------------------------------------------------------------------


def test_what_was_installed_runs_and_goes_without_a_trace(machine: Machine) -> None:
    (machine.tools / "python3").unlink()
    (machine.tools / "python3").symlink_to(sys.executable)
    (machine.home / ".config").mkdir()  # it was there before, empty as it is
    before = machine.files()
    code, said = machine.run()
    assert (code, "devops-agent 1.0 is installed." in said) == (0, True), said
    assert machine.version() == "devops-agent 1.0"
    assert f"{machine.command.parent} is not on your PATH" in said
    completions = machine.home / ".local/share/bash-completion/completions/devops-agent"
    assert completions.read_text() == "# completions of devops-agent for bash\n"
    assert ".cache/devops-agent/models/small.gguf" in machine.files()
    code, said = machine.run("--uninstall", "--purge")
    assert (code, machine.files(), machine.left_over()) == (0, before, []), said


def test_without_purge_what_is_the_users_stays(machine: Machine) -> None:
    assert machine.run()[0] == 0
    code, said = machine.run("--uninstall")
    assert (code, "Kept: models, sessions and configuration" in said) == (0, True), said
    kept = "", "/devops-agent", "/devops-agent/models", "/devops-agent/models/small.gguf"
    assert machine.files() == [f".cache{each}" for each in kept]


def test_what_was_kept_can_be_purged_later(machine: Machine) -> None:
    assert machine.run()[0] == 0
    (machine.home / ".local/share/devops-agent").mkdir()  # where sessions are
    assert machine.run("--uninstall")[0] == 0
    assert machine.run("--uninstall", "--purge")[0] == 0
    assert machine.files() == []


def test_its_copy_knows_where_it_has_installed(machine: Machine) -> None:
    code, said = machine.run("--no-model", "--prefix", "./opt dir/.")
    copy = machine.path / "opt dir/lib/devops-agent/install.sh"
    assert (code, f"Remove it: '{copy}' --uninstall" in said) == (0, True), said
    ran = subprocess.run([copy, "--uninstall", "--purge"], env=machine.environment, check=True)
    assert ran.returncode == 0
    assert not (machine.path / "opt dir").exists()


def test_a_completion_of_somebody_elses_stays(machine: Machine) -> None:
    theirs = machine.home / ".local/share/zsh/site-functions/_devops-agent"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    code, said = machine.run("--no-model")
    assert (code, f"Note: {theirs} is not from this installer" in said) == (0, True)
    assert machine.run("--uninstall", "--purge")[0] == 0
    assert theirs.read_text() == "mine"


def test_it_names_the_files_that_the_users_shell_reads(machine: Machine) -> None:
    said = machine.run("--no-model", SHELL="/bin/bash")[1]
    assert ">>~/.profile" in said and "fpath" not in said
    (machine.home / ".bash_profile").touch()
    assert ">>~/.bash_profile" in machine.run("--no-model", SHELL="/bin/bash")[1]
    said = machine.run("--no-model", SHELL="/usr/bin/zsh")[1]
    assert ">>~/.zprofile" in said
    assert f"fpath=('{machine.home}/.local/share/zsh/site-functions' $fpath)" in said


def test_another_run_upgrades_in_place(machine: Machine) -> None:
    assert machine.run("--no-model")[0] == 0
    before = machine.files()
    newer = source(machine.path / "newer", "2.0")
    code, said = machine.run("--no-model", DEVOPS_AGENT_SOURCE=str(newer))
    assert (code, machine.version()) == (0, "devops-agent 2.0"), said
    assert len(machine.environments()) == 2  # a session may run in the one before
    kept = [name for name in before if "env-" not in name]
    assert [name for name in machine.files() if "env-" not in name] == kept
    assert machine.run("--uninstall", "--purge")[0] == 0
    assert machine.files() == []


def test_an_upgrade_that_fails_leaves_what_there_was(machine: Machine) -> None:
    assert machine.run("--no-model")[0] == 0
    before = machine.files()
    broken = source(machine.path / "broken", before="raise OSError('No space left on device')")
    code, said = machine.run(DEVOPS_AGENT_SOURCE=str(broken))
    assert code == 1
    assert "The libraries could not be installed:" in said
    assert "No space left on device" in said
    assert (machine.files(), machine.version()) == (before, "devops-agent 1.0")


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_through_a_pipe_it_fetches_an_archive(kind: str, machine: Machine, host: tuple[str, Path]) -> None:
    url, folder = host
    machine.tools.joinpath("curl").symlink_to(shutil.which("curl") or pytest.skip("curl is not installed"))
    inside = source(machine.path / "devops-agent-main")
    archive = folder / f"main.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as packed:
            for each in inside.rglob("*"):
                packed.write(each, each.relative_to(machine.path))
    else:
        with tarfile.open(archive, "w:gz") as packed_:
            packed_.add(inside, "devops-agent-main")
    code, said = machine.run("--embedded", piped=True, DEVOPS_AGENT_SOURCE=f"{url}/main.{kind}")
    assert (code, machine.version()) == (0, "devops-agent 1.0"), said
    assert (machine.home / ".local/lib/devops-agent/install.sh").read_text() == SCRIPT.read_text()


def test_below_another_folder(machine: Machine) -> None:
    code, said = machine.run("--no-model", "--prefix", "opt dir")
    assert code == 0, said
    ran = subprocess.run(
        [machine.path / "opt dir/bin/devops-agent", "--version"], capture_output=True, text=True, check=True
    )
    assert (ran.stdout, machine.files()) == ("devops-agent 1.0\n", [])
    assert machine.run("--uninstall", "--purge", "--prefix=opt dir")[0] == 0
    assert not (machine.path / "opt dir").exists()


# --- what is in the way -----------------------------------------------------------------------------------


def refused(machine: Machine, *flags: str, **environment: str) -> str:
    """What is said by an installation that changes nothing and ends with exit code 1."""
    before = machine.files()
    code, said = machine.run(*flags, **environment)
    assert (code, machine.files(), machine.left_over()) == (1, before, []), said
    return said


def test_a_foreign_command_of_that_name_stays(machine: Machine) -> None:
    machine.command.parent.mkdir(parents=True)
    machine.command.write_text("mine")
    assert f"{machine.command} is there already, and not from this installer." in refused(machine)
    assert machine.run("--uninstall", "--purge")[0] == 0
    assert machine.command.read_text() == "mine"


def test_a_folder_that_cannot_be_made(machine: Machine) -> None:
    (machine.path / "file").touch()
    assert "Cannot write to" in refused(machine, "--prefix", str(machine.path / "file"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_is_read_only(machine: Machine) -> None:
    machine.home.chmod(0o500)
    assert "install.sh --prefix DIR" in refused(machine)


def test_no_python(machine: Machine) -> None:
    (machine.tools / "python3").unlink()
    assert "Python 3.10 or newer was not found.\ninstall.sh: Get it with: " in refused(machine)


def test_an_old_python_that_is_named(machine: Machine) -> None:
    machine.tool("old", "#!/bin/sh\nexit 1\n")
    assert "DEVOPS_AGENT_PYTHON=old is not a Python 3.10 or newer." in refused(
        machine, DEVOPS_AGENT_PYTHON="old"
    )


def test_a_python_without_venv(machine: Machine) -> None:
    machine.tool("python3", '#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; *) echo "$0" ;; esac\n')
    assert "has no venv module.\ninstall.sh: Get it with: " in refused(machine)


def test_no_network(machine: Machine) -> None:
    said = refused(machine, DEVOPS_AGENT_SOURCE="http://127.0.0.1:9/main.tar.gz")
    assert "Cannot download http://127.0.0.1:9/main.tar.gz: " in said


def test_a_damaged_archive(machine: Machine) -> None:
    (machine.path / "a.tar.gz").write_bytes(b"\x1f\x8b no archive")
    assert "Cannot unpack" in refused(machine, DEVOPS_AGENT_SOURCE=str(machine.path / "a.tar.gz"))


def test_an_archive_of_something_else(machine: Machine) -> None:
    with tarfile.open(machine.path / "a.tar.gz", "w:gz") as packed:
        packed.add(SCRIPT, "other/install.sh")
    said = refused(machine, DEVOPS_AGENT_SOURCE=str(machine.path / "a.tar.gz"))
    assert "does not hold DevOps Agent." in said


def test_too_little_room(machine: Machine) -> None:
    machine.tool("df", "#!/bin/sh\necho head; echo dev 1000 900 102400 90% /\n")
    assert "The installation needs 500 MiB in" in (said := refused(machine))
    assert "where 100 MiB are free." in said


# --- what was begun before --------------------------------------------------------------------------------


def begun(machine: Machine) -> "subprocess.Popen[str]":
    """An installation in the middle of installing the libraries."""
    slow = source(machine.path / "slow", before="time.sleep(60)")
    process = machine.start("--no-model", DEVOPS_AGENT_SOURCE=str(slow))
    deadline = time.monotonic() + 60
    while not list(machine.home.glob(".local/lib/devops-agent/.work.*/build/backend.py")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


def test_ctrl_c_leaves_nothing(machine: Machine) -> None:
    process = begun(machine)
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert (process.returncode, machine.files(), machine.left_over()) == (130, [], []), said
    assert said.endswith("interrupted; run it again to go on.\n")


def test_what_was_killed_is_begun_again(machine: Machine) -> None:
    process = begun(machine)
    assert "Another installation is running" in machine.run()[1]
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert len(machine.environments()) == 1
    code, said = machine.run("--no-model")
    assert (code, machine.version(), len(machine.environments())) == (0, "devops-agent 1.0", 1), said
    assert machine.run("--uninstall", "--purge")[0] == 0
    assert machine.files() == []


def test_nothing_to_uninstall_is_said(machine: Machine) -> None:
    assert machine.run("--uninstall") == (0, f"Nothing is installed below {machine.home}/.local.\n")


def test_dry_runs_change_nothing(machine: Machine) -> None:
    code, said = machine.run("--dry-run")
    assert (code, machine.files()) == (0, [])
    assert f"Would install {machine.path}/source" in said
    assert machine.run("--no-model")[0] == 0
    before = machine.files()
    code, said = machine.run("--uninstall", "--purge", "--dry-run")
    assert (code, machine.files()) == (0, before)
    assert f"Would remove {machine.command}" in said


# --- Ollama -----------------------------------------------------------------------------------------------


@pytest.fixture
def with_ollama(machine: Machine) -> Machine:
    """A machine on which Ollama runs, without any model."""
    machine.tool("ollama", OLLAMA)
    (machine.path / "ollama").touch()
    return machine


def test_the_model_is_made_where_ollama_is(with_ollama: Machine) -> None:
    machine = with_ollama
    code, said = machine.run(HUB_IS_UP="1")
    assert (code, (machine.path / "ollama").read_text()) == (0, "qwen3-devops:latest  id\n"), said
    assert "create qwen3-devops -f Modelfile" in (machine.path / "asked").read_text()
    assert not list(machine.home.rglob("*.gguf"))
    assert "Ollama has the model qwen3-devops already." in machine.run()[1]
    assert "Removed the model qwen3-devops from Ollama" in machine.run("--uninstall", "--purge")[1]
    assert machine.files() == []


def test_a_model_that_was_there_before_stays(with_ollama: Machine) -> None:
    (with_ollama.path / "ollama").write_text("qwen3-devops:latest  id\n")
    assert with_ollama.run()[0] == 0
    assert with_ollama.run("--uninstall", "--purge")[0] == 0
    assert (with_ollama.path / "ollama").read_text() == "qwen3-devops:latest  id\n"


def test_the_embedded_engine_takes_the_place_of_a_model_that_cannot_be_had(with_ollama: Machine) -> None:
    code, said = with_ollama.run()
    assert "Hugging Face does not give the model.\nThe embedded engine is used instead." in said
    assert (code, ".cache/devops-agent/models/small.gguf" in with_ollama.files()) == (0, True)


def test_ollama_is_installed_by_its_own_installer(machine: Machine, host: tuple[str, Path]) -> None:
    url, folder = host
    (machine.path / "ollama").touch()
    (folder / "install.sh").write_text(
        f"cat >{machine.tools}/ollama <<'X'\n{OLLAMA}X\nchmod +x {machine.tools}/ollama\n"
    )
    code, said = machine.run(
        "--with-ollama", HUB_IS_UP="1", DEVOPS_AGENT_OLLAMA_INSTALLER=f"{url}/install.sh"
    )
    assert (code, (machine.path / "ollama").read_text()) == (0, "qwen3-devops:latest  id\n"), said


def test_where_ollama_cannot_be_had_the_embedded_engine_is_used(machine: Machine) -> None:
    code, said = machine.run("--with-ollama", DEVOPS_AGENT_OLLAMA_INSTALLER="http://127.0.0.1:9/install.sh")
    assert (code, "The embedded engine is used instead." in said) == (0, True), said
    assert ".cache/devops-agent/models/small.gguf" in machine.files()


# --- flags ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--wiht-ollama"], "Unknown flag: --wiht-ollama."),
        (["--purge"], "--purge goes with --uninstall."),
        (["--prefix"], "--prefix needs a folder."),
        (["--embedded", "--with-ollama"], "--embedded and --with-ollama exclude each other."),
    ],
)
def test_wrong_flags_are_told_in_one_line(flags: list[str], told: str, machine: Machine) -> None:
    assert machine.run(*flags) == (2, f"install.sh: {told} See install.sh --help.\n")


def test_help_names_every_flag(machine: Machine) -> None:
    code, said = machine.run("--help")
    assert code == 0
    for flag in (
        "--embedded",
        "--with-ollama",
        "--no-model",
        "--prefix",
        "--dry-run",
        "--uninstall",
        "--purge",
    ):
        assert f"  {flag}" in said


def test_shellcheck_finds_nothing() -> None:
    shellcheck = shutil.which("shellcheck") or pytest.skip("shellcheck is not installed")
    scripts = [SCRIPT, ROOT / "docker/entrypoint", ROOT / "tests/image/build"]
    subprocess.run([shellcheck, *scripts], check=True)
