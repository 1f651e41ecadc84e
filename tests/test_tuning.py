"""How the engine runs on a machine: what is measured and kept, and an engine that is built for it."""

import json
from dataclasses import replace
from importlib import metadata
from io import StringIO
from pathlib import Path

import pytest
from played_llama import PLAYED

from devops_agent import cli
from devops_agent.commands import dispatch
from devops_agent.engines import local_build, tuning
from devops_agent.engines.tuning import Parameters, Speed
from devops_agent.errors import EngineError, ModelNotFound

AMX = "flags\t\t: fpu avx2 avx512f avx512bw avx512cd avx512dq avx512vl avx512_vnni amx_int8 amx_tile\n"


def run(*words: str) -> str:
    out = StringIO()
    given = cli.parse(words).subcommand
    assert given
    dispatch.run(given, out)
    return out.getvalue()


# --- what is kept -----------------------------------------------------------------------------------------


def test_what_was_measured_is_used_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "tuning.json"
    assert tuning.load(path) == Parameters()
    tuning.save(path, Parameters(threads=3))
    assert tuning.load(path) == Parameters(threads=3)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"machine": "another", "parameters": {"threads": 3}}'])
def test_what_cannot_be_read_or_is_of_another_machine_is_left_aside(text: str, tmp_path: Path) -> None:
    (tmp_path / "tuning.json").write_text(text)
    assert tuning.load(tmp_path / "tuning.json") == Parameters()


def test_a_setting_that_a_later_version_knows_is_left_aside(tmp_path: Path) -> None:
    told = {"machine": tuning.machine(), "parameters": {"threads": 3, "colour": "red"}}
    (tmp_path / "tuning.json").write_text(json.dumps(told))
    assert tuning.load(tmp_path / "tuning.json") == Parameters()


def test_an_engine_that_is_gone_or_of_another_release_is_not_used(tmp_path: Path) -> None:
    path, engine = tmp_path / "tuning.json", tmp_path / f"xllamacpp-{metadata.version('xllamacpp')}"
    tuning.save(path, Parameters(engine=str(engine)))
    assert tuning.load(path) == Parameters()
    engine.mkdir()
    assert tuning.load(path) == Parameters(engine=str(engine))
    older = engine.rename(tmp_path / "xllamacpp-1.0")
    tuning.save(path, Parameters(engine=str(older)))
    assert tuning.load(path) == Parameters()


# --- what is measured -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("output", "kept"), [(10.5, -1), (20.0, 1), (5.0, -1)])
def test_another_is_kept_only_when_it_is_clearly_faster(
    output: float, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "_cores", lambda: 2)

    tried: list[Parameters] = []

    def measured(parameters: Parameters) -> Speed:
        tried.append(parameters)
        return Speed(40.0, output if parameters.threads == 1 else 10.0)

    assert tuning.best(measured, Parameters(), 60).threads == kept
    assert len(tried) == 1 + len(list(tuning.candidates(Parameters())))


def test_nothing_is_begun_that_would_take_longer_than_there_is_time() -> None:
    tried: list[Parameters] = []

    def measured(parameters: Parameters) -> Speed:
        tried.append(parameters)
        return Speed(1, 1)

    assert tuning.best(measured, Parameters(), 0) == Parameters()
    assert len(tried) == 1


@pytest.fixture
def model(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model that the configuration names, and a llama.cpp that is played."""
    model = tmp_path / "model.gguf"
    model.write_bytes(b"GGUF")
    config = home / ".config" / "devops-agent"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(f'model_path = "{model}"\n')
    (tmp_path / "played").mkdir()
    (tmp_path / "played" / "xllamacpp.py").write_text(PLAYED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "played"))
    return model


def test_tune_tells_the_figures_and_keeps_the_best(model: Path, home: Path) -> None:
    out = run("tune")
    assert "llama.cpp's threads: 10.0 prompt tokens a second, 10.0 written\n" in out
    assert out.endswith("Kept: llama.cpp's threads.\n")
    assert tuning.load(home / ".cache" / "devops-agent" / "tuning.json") == Parameters()


def test_tune_without_a_model_says_how_to_get_one() -> None:
    with pytest.raises(ModelNotFound, match=r"There is no model at .*\. Do a task first"):
        run("tune")


# --- an engine built for the processor --------------------------------------------------------------------


def test_it_is_built_with_what_the_processor_has_but_for_amx() -> None:
    assert local_build.features(AMX) == ["GGML_AVX512", "GGML_AVX512_VNNI"]


@pytest.mark.parametrize("cpuinfo", ["", "flags : fpu avx2\n", "Features : asimd\n"])
def test_a_processor_that_the_published_engine_uses_whole_needs_none(cpuinfo: str) -> None:
    assert local_build.features(cpuinfo) == []


def test_what_is_needed_to_build_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"install cmake, c\+\+, make and try again"):
        local_build.built(tmp_path, ["GGML_AVX512"], tmp_path / "log")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (('SPEED = "1", {}, 10.0', 'SPEED = "1", {}, 20.0'), ""),
        (('SPEED = "1", {}, 10.0', 'SPEED = "1", {}, 5.0'), "it is not faster."),
        (('"42" if', '"41" if'), "it answers wrong."),
        (("import http", "import os; os.abort()\nimport http"), "It does not run on this processor"),
    ],
)
def test_it_is_used_only_when_it_answers_and_is_faster(
    changed: tuple[str, str], said: str, model: Path, tmp_path: Path
) -> None:
    engine = tmp_path / "engine"
    engine.mkdir()
    assert changed[0] in PLAYED
    (engine / "xllamacpp.py").write_text(PLAYED.replace(*changed))
    told, heard = {"path": str(model), "num_ctx": 1024}, []
    found = local_build.checked(told, Parameters(), engine, heard.append)
    assert found == (Parameters() if said else replace(Parameters(), engine=str(engine)))
    assert said in heard[-1]


# --- the engine that stays --------------------------------------------------------------------------------


def test_engine_tells_whether_one_stays() -> None:
    assert run("engine") == "No engine stays in memory.\n"
    assert run("engine", "stop") == "No engine stays in memory.\n"
