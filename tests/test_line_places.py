"""Changes of single lines that a wish says in full."""

from pathlib import Path

import pytest

from devops_agent.line_places import changed

HOSTS = "b.example.com\na.example.com\n  port = 80\n\n# c\n"
INI = "[db]\nhost = a\n\n[web]\nport = 80\n"


@pytest.mark.parametrize(
    ("wish", "path", "text"),
    [
        ("Delete the second line of hosts.txt", "hosts.txt", "b.example.com\n  port = 80\n\n# c\n"),
        ("remove the last line from hosts.txt", "hosts.txt", "b.example.com\na.example.com\n  port = 80\n\n"),
        ("delete lines 2 to 4 of hosts.txt", "hosts.txt", "b.example.com\n# c\n"),
        (
            'Insert the line "x" before the line a.example.com in hosts.txt',
            "hosts.txt",
            "b.example.com\nx\na.example.com\n  port = 80\n\n# c\n",
        ),
        (
            'Add the line "tls = on" after the line with port in hosts.txt',
            "hosts.txt",
            "b.example.com\na.example.com\n  port = 80\n  tls = on\n\n# c\n",
        ),
        ('Put the line "# top" at the top of hosts.txt', "hosts.txt", f"# top\n{HOSTS}"),
        (
            "Comment out the line with port in hosts.txt",
            "hosts.txt",
            "b.example.com\na.example.com\n  # port = 80\n\n# c\n",
        ),
        ("comment out the line with port in app.ini", "app.ini", "[db]\nhost = a\n\n[web]\n; port = 80\n"),
        (
            "Add the key debug with the value true to the section db in app.ini",
            "app.ini",
            "[db]\nhost = a\ndebug = true\n\n[web]\nport = 80\n",
        ),
        ("add timeout=30 to the section [web] of app.ini", "app.ini", f"{INI}timeout = 30\n"),
        (
            "Replace b.example.com by c.example.com in hosts.txt",
            "hosts.txt",
            "c.example.com\na.example.com\n  port = 80\n\n# c\n",
        ),
        (
            "Replace every occurrence of example.com with example.org in hosts.txt",
            "hosts.txt",
            "b.example.org\na.example.org\n  port = 80\n\n# c\n",
        ),
        ("in app.ini, replace 80 by 81", "app.ini", "[db]\nhost = a\n\n[web]\nport = 81\n"),
        ("Remove the line with port from app.ini", "app.ini", "[db]\nhost = a\n\n[web]\n"),
        ("Replace example.com by example.org in hosts.txt", "", ""),
        ("Replace 80 by 81 in app.ini only in section web", "", ""),
        ("Replace it by x in hosts.txt", "", ""),
        ("Replace gone by x in hosts.txt", "", ""),
        ("Remove the line with example.com from hosts.txt", "", ""),
        ("Delete the ninth line of hosts.txt", "", ""),
        ("Delete lines 4 to 2 of hosts.txt", "", ""),
        ("Delete the second line of gone.txt", "", ""),
        ("Delete the second line of hosts.txt if it is empty", "", ""),
        ('Insert the line "x" before the line example.com in hosts.txt', "", ""),
        ('Insert the line "# c" before the line a.example.com in hosts.txt', "", ""),
        ("Comment out the line with c in hosts.txt", "", ""),
        ("Comment out the line with a in data.json", "", ""),
        ("Add the key host with the value b to the section db in app.ini", "", ""),
        ("Add the key host with the value b to the section cache in app.ini", "", ""),
        ("Delete the first line of dos.txt", "", ""),
    ],
)
def test_a_line_is_changed_where_it_is_clear_which(wish: str, path: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "hosts.txt").write_text(HOSTS)
    (tmp_path / "app.ini").write_text(INI)
    (tmp_path / "data.json").write_text('{"a": 1}\n')
    (tmp_path / "dos.txt").write_bytes(b"a\r\nb\r\n")
    found = changed(wish, tmp_path)
    assert (found and (found.path, found.text)) == ((path, text) if path else None)
