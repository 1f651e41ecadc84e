import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from devops_agent import pattern_cache
from devops_agent.pattern_cache import compiled, file, kept

CASES = [
    (r"(?P<key>\w+)=(?P<value>\S+)", 0, "a b=c d"),
    (r"^\s*(?:#|//)\s?(.*)$", re.MULTILINE, "x\n # a note"),
    (r"(?<![\w.])straße(?=\s|$)", re.IGNORECASE, "STRASSE straße"),
    (r"(?s)\A(?!.*\bnot\b).*?(a|b)\1{2,3}", re.IGNORECASE, "so aAa bbb"),
    (r"[^\W\d_]{2,}|[à-ÿ😀]", re.VERBOSE, "1 é 😀"),
]


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    before = dict(pattern_cache._known)
    pattern_cache._known.clear()
    pattern_cache._news.clear()
    yield
    pattern_cache._known.clear()
    pattern_cache._known.update(before)


def _no_compiler(*_: object) -> None:
    raise AssertionError("it was compiled again")


@pytest.mark.parametrize(("text", "flags", "said"), CASES)
def test_what_was_kept_is_what_was_compiled(
    text: str, flags: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cache" / "patterns.json"
    with kept(path):
        first = compiled(text, flags)
    pattern_cache._known.clear()
    monkeypatch.setattr(pattern_cache.re, "compile", _no_compiler)
    with kept(path):
        second = compiled(text, flags)
    wanted = [(match.span(), match.groups(), match.groupdict()) for match in first.finditer(said)]
    assert [(match.span(), match.groups(), match.groupdict()) for match in second.finditer(said)] == wanted
    assert wanted
    assert (second.pattern, second.flags, second.groups, second.groupindex) == (
        first.pattern,
        first.flags,
        first.groups,
        first.groupindex,
    )


def test_a_run_adds_to_what_is_kept_and_leaves_it_where_nothing_is_new(tmp_path: Path) -> None:
    path = tmp_path / "patterns.json"
    for text in ("a+", "b+"):
        with kept(path):
            compiled(text, 0)
        pattern_cache._known.clear()
    written = path.stat().st_mtime_ns
    assert set(json.loads(path.read_text().partition("\n")[2])) == {"0:a+", "0:b+"}
    assert path.stat().st_mode & 0o777 == 0o600
    with kept(path):
        compiled("a+", 0)
    assert path.stat().st_mtime_ns == written
    assert list(tmp_path.iterdir()) == [path]


KEPT = {"0:(a)b": [32, 1, {}, "AAAA"]}


def _signed(kept: object) -> str:
    content = json.dumps(kept)
    return f"{pattern_cache._digest(content)}\n{content}"


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "no JSON",
        json.dumps(KEPT),
        f"0123\n{json.dumps(KEPT)}",
        _signed([]),
        _signed(KEPT),
        _signed({"0:(a)b": [32, 1, {"n": -1}, "AAAA"]}),
        _signed({"0:(a)b": [32, 1]}),
        _signed({"0:(a)b": [32, "x", {"y": 99}, 7]}),
    ],
)
def test_a_cache_that_is_damaged_or_of_another_python_is_left_alone(damaged: str, tmp_path: Path) -> None:
    path = tmp_path / "patterns.json"
    path.write_text(damaged)
    with kept(path):
        match = compiled("(a)b", 0).search("xab")
    assert match
    assert match.groups() == ("a",)


def test_a_cache_that_others_may_write_to_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "patterns.json"
    with kept(path):
        compiled("a+", 0)
    pattern_cache._known.clear()
    path.chmod(0o666)
    with kept(path):
        assert pattern_cache._known == {}


def test_a_folder_that_cannot_be_written_to_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with kept(tmp_path / "a file" / "patterns.json"):
        assert compiled("a", 0).search("cab")


def test_a_cache_that_has_grown_too_large_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "patterns.json"
    with kept(path):
        compiled("a+", 0)
    monkeypatch.setattr(pattern_cache, "_MOST", 10)
    with kept(path):
        compiled("b+", 0)
    assert list(tmp_path.iterdir()) == []


def test_a_python_that_compiles_in_another_way_is_served_by_its_own_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", none)
    with kept(tmp_path / "patterns.json"):
        assert compiled("a+", 0).fullmatch("aa")
    assert list(tmp_path.iterdir()) == []


def test_an_expression_with_a_mistake_is_told_by_python() -> None:
    with pytest.raises(re.error, match="unterminated"):
        compiled("(a", 0)


def test_it_lies_in_the_cache_folder(tmp_path: Path) -> None:
    assert file({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "devops-agent" / "patterns.json"
