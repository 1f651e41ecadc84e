"""What is written down in two places must agree: requirements, versions, module lists, layering, defaults."""

import ast
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import devops_agent
from agent import DevOpsAgent
from conftest import ROOT, Python
from devops_agent.chat import Sampling
from devops_agent.endpoint import base_url
from devops_agent.settings import Settings
from devops_agent.shell import Shell
from ollama_backend import OllamaChat

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = ROOT / "devops_agent"


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def requirements(name: str) -> list[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def imported_modules(path: Path) -> Iterator[str]:
    """Every absolute module name that the file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def test_requirements_txt_holds_the_dependencies_of_pyproject(pyproject: dict[str, Any]) -> None:
    assert requirements("requirements.txt") == pyproject["project"]["dependencies"]


def test_requirements_dev_txt_holds_the_dev_extra_of_pyproject(pyproject: dict[str, Any]) -> None:
    assert requirements("requirements-dev.txt") == pyproject["project"]["optional-dependencies"]["dev"]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_has_a_comment_that_says_why(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    comments, packages = lines[::2], lines[1::2]
    assert len(comments) == len(packages)
    assert all(line.startswith("# ") for line in comments)


def test_the_version_is_the_top_entry_of_the_changelog() -> None:
    changelog = ROOT / "CHANGELOG.md"
    if not changelog.exists():  # an sdist may come without it
        return
    entries = re.findall(r"^## \[(\d[^\]]*)\]", changelog.read_text(encoding="utf-8"), re.MULTILINE)
    assert entries[:1] == [devops_agent.__version__]


def test_the_architecture_tells_of_the_code_as_it_is() -> None:
    spec = importlib.util.spec_from_file_location("code_map", ROOT / "docs/code_map.py")
    assert spec
    assert spec.loader
    code_map = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code_map)
    text = code_map.DOCUMENT.read_text(encoding="utf-8")
    assert text == code_map.drawn(text), "run python docs/code_map.py"


def test_every_dependency_has_a_line_that_says_why(pyproject: dict[str, Any]) -> None:
    told = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    for needed in pyproject["project"]["dependencies"]:
        assert re.search(rf"^\| .*\b{re.split('[<>=;]', needed)[0]}\b", told, re.MULTILINE), needed


def test_every_listed_top_level_module_exists(pyproject: dict[str, Any]) -> None:
    modules = pyproject["tool"]["setuptools"]["py-modules"]
    assert [name for name in modules if not (ROOT / f"{name}.py").is_file()] == []


def test_every_package_is_listed(pyproject: dict[str, Any]) -> None:
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    assert set(pyproject["tool"]["setuptools"]["packages"]) == found


def test_every_folder_with_modules_is_a_package() -> None:
    """setuptools leaves a folder without __init__.py out of the wheel without a word."""
    assert [path for path in PACKAGE.rglob("*.py") if not (path.parent / "__init__.py").exists()] == []


def test_only_main_imports_the_top_level_modules(pyproject: dict[str, Any]) -> None:
    """They stand on devops_agent, not the other way round, but for the guard of SmolAgents' import."""
    top_level = set(pyproject["tool"]["setuptools"]["py-modules"]) - {"smolagents_patches"}
    found = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path != PACKAGE / "__main__.py"
        for module in imported_modules(path)
        if module.split(".")[0] in top_level
    ]
    assert found == []


# --- defaults ---------------------------------------------------------------------------------------------


def test_the_library_has_the_defaults_of_the_command_line() -> None:
    chat, sampling = OllamaChat(), Sampling()
    steps = inspect.signature(DevOpsAgent.__init__).parameters["max_steps"].default
    assert base_url(Settings.host) == chat.base.replace("localhost", "127.0.0.1")
    assert Settings() == Settings(
        model=chat.model_id,
        max_steps=steps,
        timeout=Shell().timeout,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        num_ctx=sampling.num_ctx,
        num_predict=sampling.num_predict,
    )


def readme_defaults() -> Iterator[tuple[str, str]]:
    """The settings of the table in docs/configuration.md that the file has, each with its default."""
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for row in re.findall(r"^\|.*\|$", text.partition("| flag |")[2].partition("\n\n")[0], re.MULTILINE):
        cells = [cell.replace("`", "").strip() for cell in re.split(r"(?<!\\)\|", row)]
        if cells[3].strip("-"):
            yield from zip(cells[3].split(", "), cells[4].split(", "), strict=True)


def test_the_readme_tells_each_setting_of_the_file_with_its_default() -> None:
    told = dict(readme_defaults())
    assert set(told) == {field.name for field in fields(Settings)} - {
        "explicit",
        "assume_yes",
        "dry_run",
        "show_secrets",
        "log_level",
    }
    for name, text in told.items():
        default = getattr(Settings, name)
        if isinstance(default, bool):
            assert (name, text) == (name, "on" if default else "off")
        elif default is not None:
            assert (name, text) == (name, default if isinstance(default, str) else f"{default:g}")


def test_the_help_tells_the_defaults(python: Python) -> None:
    text = python("-m", "devops_agent", "--help").stdout
    told = re.findall(r"\(default:\s(\S+)\)", text)
    assert told == [Settings.backend, Settings.model, str(Settings.max_steps), f"{Settings.timeout:g}"]
