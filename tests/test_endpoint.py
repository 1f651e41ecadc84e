"""The address of the Ollama server, in every form that people write OLLAMA_HOST."""

import socket

import pytest

from devops_agent.endpoint import accepts, base_url, is_loopback
from devops_agent.errors import UsageError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("localhost", "http://localhost:11434"),
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("gpu-box", "http://gpu-box:11434"),
        ("gpu-box.lan:80", "http://gpu-box.lan:80"),
        (":8080", "http://127.0.0.1:8080"),
        ("", "http://127.0.0.1:11434"),
        ("   ", "http://127.0.0.1:11434"),
        ("host:", "http://host:11434"),
        ("host:0", "http://host:0"),
        ("host:65535", "http://host:65535"),
        (" 10.0.0.7:1234 ", "http://10.0.0.7:1234"),
        ('"10.0.0.7:1234"', "http://10.0.0.7:1234"),
        ("'gpu-box'", "http://gpu-box:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:9000", "http://127.0.0.1:9000"),
        ("http://0.0.0.0:9000", "http://127.0.0.1:9000"),
        ("::", "http://[::1]:11434"),
        ("[::]:9000", "http://[::1]:9000"),
        ("::1", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:9000", "http://[::1]:9000"),
        ("http://[::1]:9000", "http://[::1]:9000"),
        ("http://[fe80::7]", "http://[fe80::7]:80"),
        ("fe80::7", "http://[fe80::7]:11434"),
        ("fe80::7%eth0", "http://[fe80::7%eth0]:11434"),
        ("größe.lan.", "http://größe.lan.:11434"),
        ("http://gpu-box", "http://gpu-box:80"),
        ("https://gpu-box", "https://gpu-box:443"),
        ("HTTPS://gpu-box", "https://gpu-box:443"),
        ("http://gpu-box:11434", "http://gpu-box:11434"),
        ("http://gpu-box:11434/", "http://gpu-box:11434"),
        ("https://example.com/ollama", "https://example.com:443/ollama"),
        ("https://example.com/ollama/", "https://example.com:443/ollama"),
        ("example.com/ollama", "http://example.com:11434/ollama"),
        ("http://localhost:11434/api/chat", "http://localhost:11434"),
        ("http://localhost:11434/api/chat/", "http://localhost:11434"),
        ("http://localhost:11434/api", "http://localhost:11434"),
        ("localhost:11434/api/chat", "http://localhost:11434"),
        ("https://example.com/ollama/api/chat", "https://example.com:443/ollama"),
        ("http://host.docker.internal:11434", "http://host.docker.internal:11434"),
    ],
)
def test_every_form_of_ollama_host_gives_the_base_url(value: str, expected: str) -> None:
    assert base_url(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "ftp://gpu-box",
        "unix:///run/ollama.sock",
        "http s://gpu-box",
        "gpu-box:http",
        "gpu-box:99999",
        "gpu-box:-1",
        "gpu-box:1 1",
        "gpu-box:١١",
        "gpu box",
        "user@gpu-box",
        "user:secret@gpu-box",
        "http://user:secret@gpu-box:1",
        "gpu-box?x=1",
        "gpu-box#x",
        "[::1]9000",
        "[::1]:http",
        "http://localhost:11434:8080",
        "1:2:3",
        "[1:2:3]",
        "ollama..local",
        ".local",
        f"{'a' * 64}.local",
        "a℀b",
        "gpu]box",
    ],
)
def test_what_is_no_address_is_the_users_error_in_one_line(value: str) -> None:
    with pytest.raises(UsageError, match="is not usable") as caught:
        base_url(value)
    assert "\n" not in str(caught.value)


def test_the_base_url_of_a_base_url_is_itself() -> None:
    for value in ("[::1]", "https://example.com/ollama/api/chat", ":80", "http://h"):
        assert base_url(base_url(value)) == base_url(value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:11434", True),
        ("http://127.8.9.10:11434", True),
        ("http://[::1]:11434", True),
        ("http://localhost:11434", True),
        ("http://ollama.localhost:80", True),
        ("http://10.0.0.7:11434", False),
        ("http://localhost.example.com:80", False),
        ("http://host.docker.internal:11434", False),
    ],
)
def test_loopback_is_known_by_address_or_name(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


def test_what_listens_accepts_and_what_is_closed_does_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert accepts(url)
    assert not accepts(url)


def test_of_another_host_only_a_request_tells() -> None:
    assert accepts("http://ollama.invalid:11434")
