"""Until when certificates are valid, read by the real openssl."""

import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from devops_agent import grounding
from devops_agent.diagnosis.certificates import expiries, in_files

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")


def certificate(path: Path, days: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    request = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    subject = ["-subj", f"/CN={path.stem}.example.com", "-days", str(days)]
    files = ["-keyout", str(path.with_suffix(".key")), "-out", str(path)]
    subprocess.run([*request, *subject, *files], check=True, capture_output=True)
    return path


def test_the_certificate_that_ends_first_comes_first(tmp_path: Path) -> None:
    late, soon = certificate(tmp_path / "late.pem", 400), certificate(tmp_path / "soon.crt", 9)
    now = datetime.now(timezone.utc)
    first, second = expiries([late, soon], now)
    day = f"{now + timedelta(days=9):%Y-%m-%d}"
    assert first == f"{soon}: certificate of soon.example.com, expires in 8 days, on {day}"
    assert second.startswith(f"{late}: certificate of late.example.com, expires in 399 days")
    assert "expired 3 days ago" in expiries([soon], now + timedelta(days=11))[0]


def test_what_is_no_certificate_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "x.crt").write_text("none")
    (tmp_path / "notes.txt").write_text("none")
    assert in_files([tmp_path]) == [tmp_path / "x.crt"]
    assert expiries([tmp_path / "x.crt"], datetime.now(timezone.utc)) == []


def test_a_question_about_certificates_of_a_folder_is_told_when_they_end(tmp_path: Path) -> None:
    certificate(tmp_path / "tls/web.crt", 30)
    ground = grounding.look_up("When do the certificates in folder tls expire?", tmp_path, {})
    assert any(line.startswith("tls/web.crt: certificate of web.example.com") for line in ground.lines)
    assert ground.informs
