"""What a command printed is shown in colours that say something, and never differs beside them."""

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devops_agent.ansi import BOLD, CODE, CYAN, DIM, GREEN, RED, RESET, YELLOW
from devops_agent.highlight import coloured, folded

PODS = """\
NAMESPACE   NAME    READY   STATUS              RESTARTS      AGE
shop        web     1/1     Running             0             3d
shop        api     0/1     CrashLoopBackOff    7 (3m ago)    3d
shop        slow    0/1     Running             0             3d
shop        new     0/1     ContainerCreating   0             2s
shop        half    1/2     Running             0             3d
shop        job     0/1     Completed           0             3d
"""
CONTAINERS = """\
CONTAINER ID   IMAGE     COMMAND     CREATED       STATUS                     PORTS     NAMES
0123456789ab   redis:7   "redis"     3 hours ago   Up 3 hours                 6379      cache
0123456789ac   nginx     "nginx"     3 hours ago   Up 3 hours (unhealthy)     80        web
0123456789ad   busybox   "sh"        3 hours ago   Exited (137) 2 hours ago             killed
0123456789ae   busybox   "sh"        3 hours ago   Exited (0) 2 hours ago               done
"""
MANIFEST = """\
# of the shop
apiVersion: v1
kind: ConfigMap
metadata:
  name: "web" # by hand
data:
  run.sh: |
    note: no key here
    # no comment here
  port: '80'
"""
DIFF = """\
diff -u a.txt b.txt
--- a.txt
+++ b.txt
@@ -1,3 +1,3 @@ in main
 same
-old
+new
 same
- no line of it any more
"""
PROSE = """\
Note: the service is up.
apiVersion is what comes first:
  - one thing
  - kind: another
And so on: see below.
+ more
- less
"""


def marks(text: str) -> list[tuple[str, str]]:
    """The coloured pieces of a text, each with its style."""
    found, style, start = [], "", 0
    for code in CODE.finditer(text):
        if code.group() == RESET:
            found.append((text[start : code.start()], style))
        style, start = code.group(), code.end()
    return found


def test_a_table_of_pods_shows_its_header_and_what_is_well_or_not() -> None:
    header, *rest = marks(coloured(PODS))
    assert header == (PODS.splitlines()[0], BOLD)
    assert rest == [
        ("1/1", GREEN),
        ("Running", GREEN),
        ("0/1", RED),
        ("CrashLoopBackOff", RED),
        ("0/1", YELLOW),
        ("Running", GREEN),
        ("0/1", YELLOW),
        ("ContainerCreating", YELLOW),
        ("1/2", YELLOW),
        ("Running", GREEN),
        ("0/1", YELLOW),
        ("Completed", GREEN),
    ]


def test_a_table_of_containers_tells_an_exit_code_from_another() -> None:
    assert marks(coloured(CONTAINERS))[1:] == [
        ("Up 3 hours", GREEN),
        ("Up 3 hours (unhealthy)", RED),
        ("Exited (137) 2 hours ago", RED),
    ]


@pytest.mark.parametrize(
    ("state", "style"),
    [
        *(
            (state, GREEN)
            for state in ("Running", "Completed", "Bound", "Ready", "Active", "Up 3 days", "deployed")
        ),
        *(
            (state, YELLOW)
            for state in ("Pending", "ContainerCreating", "Terminating", "Init:0/2", "Created")
        ),
        ("Ready,SchedulingDisabled", YELLOW),
        ("Up 2 seconds (health: starting)", YELLOW),
        *(
            (state, RED)
            for state in ("CrashLoopBackOff", "Error", "Failed", "OOMKilled", "Evicted", "NotReady")
        ),
        *((state, RED) for state in ("ImagePullBackOff", "ErrImagePull", "Unknown", "Init:Error", "Lost")),
        *(
            (state, RED)
            for state in ("CreateContainerConfigError", "Exited (1) 2 hours ago", "Restarting (1) now")
        ),
        ("Whatever", ""),
        ("Exited (0) 2 hours ago", ""),
    ],
)
def test_a_state_has_its_colour(state: str, style: str) -> None:
    shown = marks(coloured(f"NAME   STATUS\nweb    {state}\n"))[1:]
    assert shown == ([(state, style)] if style else [])


def test_a_row_that_is_not_aligned_with_the_header_has_no_colours() -> None:
    assert marks(coloured("NAME   STATUS\na-very-longRunning   x\n"))[1:] == []


def test_a_table_ends_at_an_empty_line_and_the_next_has_its_own_columns() -> None:
    text = "NAME   STATUS\nweb    Running\n\nweb    Running\n\nSTATUS    NAME\nRunning   web\n"
    assert marks(coloured(text)) == [
        ("NAME   STATUS", BOLD),
        ("Running", GREEN),
        ("STATUS    NAME", BOLD),
        ("Running", GREEN),
    ]


def test_a_line_of_capitals_is_no_table() -> None:
    assert coloured("DISK FULL   BAD\nweb    Running\n") == "DISK FULL   BAD\nweb    Running\n"


def test_a_manifest_shows_keys_texts_and_comments_but_not_inside_a_block() -> None:
    assert marks(coloured(MANIFEST)) == [
        ("# of the shop", DIM),
        ("apiVersion", CYAN),
        ("kind", CYAN),
        ("metadata", CYAN),
        ("name", CYAN),
        ('"web"', GREEN),
        ("# by hand", DIM),
        ("data", CYAN),
        ("run.sh", CYAN),
        ("port", CYAN),
        ("'80'", GREEN),
    ]


@pytest.mark.parametrize(
    "command",
    ["kubectl get pod web -o yaml", "kubectl get po -oyaml", "cat conf/x.yaml", "docker compose config"],
)
def test_yaml_is_known_by_its_command(command: str) -> None:
    text = "services:\n  - web: a#b\n"
    assert marks(coloured(text, command)) == [("services", CYAN), ("web", CYAN)]
    assert coloured(text) == text


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (PROSE, ""),
        ("Name:         web\nNamespace:    shop\nLabels:       app=web\n", "kubectl describe pod web"),
        ('Error from server (NotFound): pods "web" not found\n', "kubectl get pod web -o yaml"),
        ("deployment.apps/web created\n", "kubectl apply -f x.yaml"),
        ("Read this first.\nThen: that\n", "cat notes.txt"),
        ("{not json}\n{at: all}\n", ""),
        ("42\n", ""),
        ("--- a\nno diff\n", ""),
        ("the error.log of ERROR_CODE and no-ERROR/x\n", "ls"),
    ],
)
def test_what_only_looks_a_bit_like_something_stays_as_it_is(text: str, command: str) -> None:
    assert coloured(text, command) == text


def test_json_shows_keys_texts_and_values() -> None:
    text = json.dumps({"name": 'a "b": c', "count": [1, -2.5e3], "ok": True}, indent=2)
    assert marks(coloured(text)) == [
        ('"name"', CYAN),
        ('"a \\"b\\": c"', GREEN),
        ('"count"', CYAN),
        ("1", YELLOW),
        ("-2500.0", YELLOW),
        ('"ok"', CYAN),
        ("true", YELLOW),
    ]


def test_json_in_each_line_is_json_and_one_bad_line_is_enough_for_none() -> None:
    assert marks(coloured('{"a": 1}\n\n{"a": 2}\n'))[0] == ('"a"', CYAN)
    assert coloured('{"a": 1}\n{"a": 2\n') == '{"a": 1}\n{"a": 2\n'


def test_a_diff_shows_its_files_hunks_and_changes_and_ends_where_the_hunk_says() -> None:
    assert marks(coloured(DIFF)) == [
        ("--- a.txt", BOLD),
        ("+++ b.txt", BOLD),
        ("@@ -1,3 +1,3 @@", CYAN),
        ("-old", RED),
        ("+new", GREEN),
    ]


@pytest.mark.parametrize(
    ("line", "word", "style"),
    [
        ("2026-01-01 [main] ERROR c.e.App: cannot connect, ERROR 7", "ERROR", RED),
        ("FATAL:  password authentication failed", "FATAL", RED),
        ("panic: runtime error: index out of range", "panic", RED),
        ("2026/01/01 [error] 7#7: *1 connect() failed", "error", RED),
        ('time="x" level=warning msg="y"', "warning", YELLOW),
        ("12:00 WARN low memory", "WARN", YELLOW),
    ],
)
def test_of_a_log_line_only_the_level_is_coloured(line: str, word: str, style: str) -> None:
    assert marks(coloured(line)) == [(word, style)]


def test_a_text_with_codes_of_its_own_or_a_huge_one_stays_as_it_is() -> None:
    assert coloured("\x1b[31mERROR\x1b[0m and ERROR") == "\x1b[31mERROR\x1b[0m and ERROR"
    assert coloured("ERROR\n" * 40_000) == "ERROR\n" * 40_000


# --- properties -------------------------------------------------------------------------------------------

_PIECES = st.sampled_from(
    [
        *(PODS + MANIFEST + DIFF + PROSE).splitlines(keepends=True),
        '{"a": 1}',
        "\r\n",
        "\t",
        "é漢",
        "\u2028",
        "- |\n",
    ]
)
_TEXTS = st.text(st.characters(exclude_characters="\x1b"), max_size=200) | st.lists(_PIECES).map("".join)


@given(_TEXTS, st.sampled_from(["", "cat x.yaml", "kubectl get po -o yaml"]))
@example(PODS + DIFF + MANIFEST, "")
@example("- |\n text: x\n\n'a': 'b''c' # d\n", "cat x.yaml")
def test_without_the_codes_it_is_the_same_text_and_no_code_reaches_beyond_its_line(
    text: str, command: str
) -> None:
    shown = coloured(text, command)
    assert CODE.sub("", shown) == text
    for line in shown.split("\n"):
        codes = CODE.findall(line)
        assert all(code != RESET for code in codes[::2])
        assert all(code == RESET for code in codes[1::2])
        assert len(codes) % 2 == 0


@pytest.mark.parametrize(
    ("unit", "start"),
    [
        ("web    Running   1\n", "NAME   STATUS   READY\n"),
        ('  name: "x" # y\n', "apiVersion: v1\nkind: List\n"),
        ("+abcdefghijklmnopqr\n", "--- a\n+++ b\n@@ -0,0 +1,9999 @@\n"),
        ("2026-01-01 [x] ERROR failed\n", ""),
        *(
            (unit, "apiVersion: v1\nkind: List\n")
            for unit in ("%", "&a ", "a: ", "a:\n", "'", "- ", "{}\n", " #")
        ),
        *((unit, "NAME  STATUS\n") for unit in ("A ", "NAME  ", "\n", "ERROR", "[", '"')),
        ('\\"', '["'),
        ('{"a": "b"}\n', ""),
    ],
)
def test_100_kilobytes_take_no_time_that_is_felt(unit: str, start: str) -> None:
    """50 ms on a quiet machine; three times that here, as another process may share the core."""
    text = (start + unit * 100_000)[:100_000]
    assert min(_seconds(text) for _ in range(3)) < 0.15


def _seconds(text: str) -> float:
    started = time.process_time()
    coloured(text)
    return time.process_time() - started


# --- folding ----------------------------------------------------------------------------------------------

LONG = "".join(f"line {number}\n" for number in range(1, 51))


def test_a_text_that_fits_stays_as_it_is() -> None:
    assert folded(LONG, 50) == (LONG, 0)
    assert folded("", 10) == ("", 0)


def test_a_long_text_is_its_head_and_tail_with_a_line_that_says_how_to_see_the_rest() -> None:
    text, left_out = folded(LONG, 6, rest="/show 3")
    assert text == "line 1\nline 2\nline 3\n[… 45 lines more: /show 3]\nline 49\nline 50\n"
    assert left_out == 45


def test_without_a_way_to_see_the_rest_the_line_says_only_how_much_there_is() -> None:
    assert folded("a\nb\nc\nd", 3) == ("a\n[… 2 lines more]\nd", 2)


def test_a_line_counts_as_the_lines_that_it_takes_on_the_terminal() -> None:
    text = "x" * 1000 + "y" * 1000
    shown, left_out = folded(text, 5, width=100)
    assert shown == "x" * 200 + "\n[… 16 lines more]\n" + "y" * 200
    assert left_out == 16
    assert folded(text, 20, width=100) == (text, 0)


def test_a_wide_character_takes_two_columns() -> None:
    assert folded("漢" * 50, 3, width=10) == ("漢" * 5 + "\n[… 8 lines more]\n" + "漢" * 5, 8)


def test_codes_take_no_room_and_none_stays_open_where_a_line_is_cut() -> None:
    red = f"{RED}{'x' * 300}{RESET}"
    assert folded(red, 3, width=100) == (red, 0)
    shown, left_out = folded(red + "\nend", 3, width=100)
    assert shown == f"{RED}{'x' * 100}{RESET}\n[… 2 lines more]\nend"
    assert left_out == 2
    assert folded("start\n" + red, 3, width=100)[0].endswith(f"]\n{RED}{'x' * 100}{RESET}")


@given(
    st.text(st.characters(exclude_categories=["C"]) | st.just("\n")), st.integers(3, 9), st.integers(2, 20)
)
def test_what_is_shown_and_what_is_left_out_are_the_whole(text: str, height: int, width: int) -> None:
    shown, left_out = folded(text, height, width)
    if left_out:
        assert shown.count("\n") <= height
        assert folded(text, left_out + height - 1, width) == (text, 0)
        assert folded(text, left_out + height - 2, width)[1] == 2
    else:
        assert shown == text
