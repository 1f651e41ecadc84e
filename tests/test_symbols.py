"""A terminal without Unicode gets ASCII, in signs and in texts."""

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_agent.symbols import ascii_text, speaks_unicode, symbols


def test_each_sign_has_an_ascii_form() -> None:
    plain = symbols(unicode=False)
    assert all("".join(sign).isascii() and sign for sign in astuple(plain))
    assert (plain.ok, plain.failed, plain.time) == ("[ok]", "[failed]", "[time]")


def test_with_unicode_the_signs_are_the_usual_ones() -> None:
    signs = symbols(unicode=True)
    assert (signs.ok, signs.failed, signs.time, signs.tool) == ("✅", "❌", "⏱️", "🔧")
    assert signs.spinner[0] == "⠋"


@pytest.mark.parametrize(
    ("encoding", "environ", "expected"),
    [
        ("utf-8", {}, True),
        ("UTF8", {"LANG": "en_US.UTF-8", "TERM": "xterm-256color"}, True),
        ("utf-8", {"LC_ALL": "C.utf8"}, True),
        ("utf-8", {"LC_CTYPE": "UTF-8"}, True),
        ("utf-8", {"LANG": "en_US"}, True),
        ("utf-8", {"LANG": ""}, True),
        ("utf-8", {"LANG": "C"}, False),
        ("utf-8", {"LANG": "POSIX"}, False),
        ("utf-8", {"LANG": "de_DE.ISO-8859-1"}, False),
        ("utf-8", {"LANG": "de_DE.ISO-8859-15@euro"}, False),
        ("utf-8", {"LANG": "en_US.UTF-8", "LC_ALL": "C"}, False),
        ("utf-8", {"LANG": "C", "LC_ALL": "", "LC_CTYPE": "en_US.UTF-8"}, True),
        ("utf-8", {"LANG": "en_US.UTF-8", "TERM": "linux"}, False),
        ("utf-8", {"LANG": "en_US.UTF-8", "TERM": "dumb"}, False),
        ("utf-8", {"LANG": "x.no-such-charset"}, False),
        ("ascii", {"LANG": "en_US.UTF-8"}, False),
        ("iso-8859-1", {}, False),
        ("", {}, False),
        ("no such encoding", {}, False),
        ("a\0b", {}, False),
    ],
)
def test_what_speaks_unicode(encoding: str, environ: dict[str, str], expected: bool) -> None:
    assert speaks_unicode(encoding, environ) is expected


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("“a” ‘b’ – c — d … → e • f", "\"a\" 'b' - c - d ... -> e * f"),
        ("✓ ✗ ✅ ⚠️", "[ok] [failed] [ok] [!]"),
        ("größer 漢", "gr??er ?"),
        ("a\u00a0b\u200b", "a b"),
        ("\ud800", "?"),
        ("plain\ttext\n", "plain\ttext\n"),
    ],
)
def test_a_text_without_unicode(text: str, plain: str) -> None:
    assert ascii_text(text) == plain


def test_what_the_stream_can_carry_stays() -> None:
    assert ascii_text("größer “x” 漢", "iso-8859-1") == 'größer "x" ?'
    assert ascii_text("größer “x” 漢", "utf-8") == 'größer "x" 漢'
    assert ascii_text("größer", "no such encoding") == "gr??er"


@given(st.text(st.characters()), st.sampled_from(["ascii", "iso-8859-1", "cp437", "utf-8"]))
def test_any_text_can_be_written_then(text: str, encoding: str) -> None:
    ascii_text(text, encoding).encode(encoding)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_stays_as_it_is(text: str) -> None:
    assert ascii_text(text) == text
