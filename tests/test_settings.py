"""Where a setting comes from, which source wins, and what makes no sense."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from devops_agent.errors import UsageError
from devops_agent.settings import Settings, config_path, load


def loaded(flags: dict[str, Any], environ: dict[str, str], home: Path, file: str = "") -> Settings:
    path = home / ".config/devops-agent/config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(file, encoding="utf-8")
    return load(flags, {"HOME": str(home), **environ})


def test_without_anything_set_every_setting_has_its_default(home: Path) -> None:
    assert load({}, {"HOME": str(home)}) == Settings()


def test_a_flag_wins_over_the_environment_over_the_file_over_the_default(home: Path) -> None:
    file = 'model = "from-file"\nhost = "file:1"\nnum_ctx = 4096\n'
    environ = {"DEVOPS_AGENT_MODEL": "from-env", "OLLAMA_HOST": "env:1"}
    assert loaded({"model": "from-flag"}, environ, home, file) == Settings(
        model="from-flag",
        host="env:1",
        num_ctx=4096,
        explicit=frozenset({"model", "host", "num_ctx"}),
    )


@pytest.mark.parametrize(
    ("variable", "value", "name", "expected"),
    [
        ("OLLAMA_HOST", "gpu-box:1", "host", "gpu-box:1"),
        ("DEVOPS_AGENT_BACKEND", "llama-cpp", "backend", "llama-cpp"),
        ("DEVOPS_AGENT_MODEL", " qwen ", "model", "qwen"),
        ("DEVOPS_AGENT_MODEL_PATH", "/m.gguf", "model_path", Path("/m.gguf")),
        ("REQUIRE_APPROVAL", "1", "require_approval", True),
        ("REQUIRE_APPROVAL", "TRUE", "require_approval", True),
        ("REQUIRE_APPROVAL", "no", "require_approval", False),
        ("SMOLAGENTS_LOG_LEVEL", "DEBUG", "log_level", "DEBUG"),
    ],
)
def test_each_variable_sets_its_setting(
    variable: str, value: str, name: str, expected: object, home: Path
) -> None:
    settings = load({}, {"HOME": str(home), variable: value})
    assert getattr(settings, name) == expected
    assert name in settings.explicit


@pytest.mark.parametrize("value", ["", "   "])
@pytest.mark.parametrize("variable", ["OLLAMA_HOST", "DEVOPS_AGENT_MODEL", "REQUIRE_APPROVAL"])
def test_an_empty_variable_is_as_good_as_none(variable: str, value: str, home: Path) -> None:
    assert load({}, {"HOME": str(home), variable: value}) == Settings()


def test_every_setting_of_the_file_is_used(home: Path) -> None:
    file = """\
backend = "llama-cpp"
model = "m"
host = "h"
model_path = "/x.gguf"
max_steps = 3
timeout = 2.5
require_approval = true
read_only = true
grounding = false
verbose = true
temperature = 0.5
top_p = 0.9
num_ctx = 4096
num_predict = 512
keep_alive = 60
"""
    settings = loaded({}, {}, home, file)
    assert replace(settings, explicit=frozenset()) == Settings(
        backend="llama-cpp",
        model="m",
        host="h",
        model_path=Path("/x.gguf"),
        max_steps=3,
        timeout=2.5,
        require_approval=True,
        read_only=True,
        grounding=False,
        verbose=True,
        temperature=0.5,
        top_p=0.9,
        num_ctx=4096,
        num_predict=512,
        keep_alive=60,
    )
    hidden = {"explicit", "assume_yes", "dry_run", "show_secrets", "log_level"}
    assert settings.explicit == {field.name for field in fields(Settings)} - hidden


@pytest.mark.parametrize(
    ("name", "value"), [("temperature", 0), ("temperature", 2), ("top_p", 0), ("top_p", 1)]
)
def test_the_ends_of_a_range_belong_to_it(name: str, value: int, home: Path) -> None:
    assert getattr(load({name: value}, {"HOME": str(home)}), name) == value


def test_a_tilde_in_a_model_path_is_the_home_directory(home: Path) -> None:
    assert load({"model_path": "~/m.gguf"}, {"HOME": str(home)}).model_path == home / "m.gguf"


# --- where the file is ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"HOME": "/h"}, "/h/.config/devops-agent/config.toml"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "/x/devops-agent/config.toml"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "relative"}, "/h/.config/devops-agent/config.toml"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": ""}, "/h/.config/devops-agent/config.toml"),
    ],
)
def test_the_file_is_where_xdg_says(environ: dict[str, str], path: str) -> None:
    assert config_path(environ) == Path(path)


def test_without_home_in_the_environment_there_is_still_a_path(home: Path) -> None:
    assert config_path({}) == home / ".config/devops-agent/config.toml"


# --- what makes no sense ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("colour = true", "unknown key 'colour'. Known: backend, grounding, host,"),
        ("assume_yes = true", "unknown key 'assume_yes'"),
        ("[ollama]\nhost = 1", "unknown key 'ollama'"),
        ("model = ", "cannot be read"),
        ("model = 'a'\nmodel = 'b'", "cannot be read"),
        ("model = 5", "5 is no value for model"),
        ("model = ''", "'' is no value for model"),
        ("host = ['a']", "is no value for host"),
        ("backend = 'openai'", "'openai' is no value for backend. Use one of auto, ollama, llama-cpp"),
        ("max_steps = 'many'", "'many' is no value for max_steps"),
        ("max_steps = 1.5", "1.5 is no value for max_steps"),
        ("max_steps = true", "True is no value for max_steps"),
        ("max_steps = 0", "max_steps must be greater than 0"),
        ("timeout = -1", "timeout must be greater than 0"),
        ("timeout = nan", "nan is no value for timeout"),
        ("temperature = nan", "nan is no value for temperature"),
        ("temperature = inf", "inf is no value for temperature. Use a number from 0 to 2"),
        ("temperature = -0.1", "-0.1 is no value for temperature. Use a number from 0 to 2"),
        ("top_p = -0.5", "-0.5 is no value for top_p. Use a number from 0 to 1"),
        ("top_p = 1.5", "1.5 is no value for top_p. Use a number from 0 to 1"),
        ("num_ctx = []", r"\[\] is no value for num_ctx"),
        ("require_approval = 'perhaps'", "'perhaps' is no value for require_approval"),
    ],
)
def test_a_file_that_makes_no_sense_is_a_usage_error_that_names_file_and_key(
    file: str, message: str, home: Path
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        loaded({}, {}, home, file)
    assert str(caught.value).startswith(str(home / ".config/devops-agent/config.toml"))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_a_usage_error(home: Path) -> None:
    path = home / ".config/devops-agent/config.toml"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"model = '\xff'")
    with pytest.raises(UsageError, match="cannot be read"):
        load({}, {"HOME": str(home)})


def test_a_folder_in_the_files_place_is_a_usage_error(home: Path) -> None:
    (home / ".config/devops-agent/config.toml").mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot be read"):
        load({}, {"HOME": str(home)})


@pytest.mark.parametrize(
    ("variable", "value"),
    [("DEVOPS_AGENT_BACKEND", "openai"), ("REQUIRE_APPROVAL", "perhaps")],
)
def test_a_bad_variable_is_a_usage_error_that_names_the_environment(
    variable: str, value: str, home: Path
) -> None:
    with pytest.raises(UsageError, match=f"the environment: '{value}' is no value"):
        load({}, {"HOME": str(home), variable: value})


# --- contradictions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags",
    [
        {"model_path": "/m.gguf", "backend": "ollama"},
        {"model": "m", "backend": "llama-cpp"},
        {"model": "m", "model_path": "/m.gguf"},
    ],
)
def test_flags_that_contradict_each_other_are_a_usage_error(flags: dict[str, Any], home: Path) -> None:
    with pytest.raises(UsageError):
        load(flags, {"HOME": str(home)})


@pytest.mark.parametrize(
    ("flags", "environ", "file", "expected"),
    [
        ({"assume_yes": True}, {"REQUIRE_APPROVAL": "1"}, "", {"require_approval": True}),
        ({"assume_yes": True}, {}, "read_only = true", {"read_only": True, "assume_yes": True}),
        ({"require_approval": True}, {"REQUIRE_APPROVAL": "0"}, "", {"require_approval": True}),
        ({}, {"REQUIRE_APPROVAL": "0"}, "require_approval = true", {"require_approval": False}),
        ({"model_path": "/m"}, {}, "", {"backend": "llama-cpp"}),
        ({"model_path": "/m"}, {"DEVOPS_AGENT_BACKEND": "ollama"}, "", {"backend": "llama-cpp"}),
        ({"model_path": "/m", "backend": "auto"}, {}, "", {"backend": "llama-cpp"}),
        ({"backend": "auto"}, {"DEVOPS_AGENT_MODEL_PATH": "/m"}, "", {"backend": "llama-cpp"}),
        ({"model_path": "/m"}, {"DEVOPS_AGENT_BACKEND": "auto"}, "", {"backend": "llama-cpp"}),
        ({}, {"DEVOPS_AGENT_BACKEND": "auto"}, "model_path = '/m'", {"backend": "llama-cpp"}),
        ({}, {}, "backend = 'auto'\nmodel_path = '/m'", {"backend": "llama-cpp"}),
        ({}, {"DEVOPS_AGENT_BACKEND": "ollama"}, "model_path = '/m'", {"model_path": None}),
        ({"backend": "ollama"}, {"DEVOPS_AGENT_MODEL_PATH": "/m"}, "", {"model_path": None}),
        ({"model": "q"}, {"DEVOPS_AGENT_MODEL_PATH": "/m"}, "", {"model_path": None, "backend": "auto"}),
        ({"model": "q"}, {"DEVOPS_AGENT_BACKEND": "llama-cpp"}, "", {"backend": "auto"}),
        ({}, {"DEVOPS_AGENT_MODEL": "q"}, "model_path = '/m'", {"model_path": None, "backend": "auto"}),
        ({}, {"DEVOPS_AGENT_MODEL_PATH": "/m"}, "model = 'q'", {"backend": "llama-cpp"}),
    ],
)
def test_a_stronger_source_excludes_what_a_weaker_one_said_about_the_same_choice(
    flags: dict[str, Any], environ: dict[str, str], file: str, expected: dict[str, Any], home: Path
) -> None:
    settings = loaded(flags, environ, home, file)
    assert {name: getattr(settings, name) for name in expected} == expected


@pytest.mark.parametrize("name", ["timeout", "temperature"])
def test_a_flag_that_is_not_a_number_is_a_usage_error(name: str, home: Path) -> None:
    with pytest.raises(UsageError, match=f"--{name}: nan is no value for {name}"):
        load({name: float("nan")}, {"HOME": str(home)})
