"""Tables as sentences: outputs of real `df` and `free`, and texts that must stay as they are."""

import time

import pytest

from devops_agent.table_facts import from_tables

DF_H = """\
Filesystem      Size  Used Avail Use% Mounted on
udev            7.8G     0  7.8G   0% /dev
tmpfs           1.6G  2.1M  1.6G   1% /run
/dev/nvme0n1p2  468G  201G  244G  46% /
tmpfs           7.8G     0  7.8G   0% /dev/shm
efivarfs        256K  153K   99K  61% /sys/firmware/efi/efivars
/dev/nvme0n1p1  511M  6.1M  505M   2% /boot/efi
/dev/loop3       64M   64M     0 100% /snap/core20/2318"""
DF_H_SAID = """\
Disk /: 46% used, 201G of 468G used, 244G available.
Disk /boot/efi: 2% used, 6.1M of 511M used, 505M available.
(5 tmpfs, overlay and the like left out)"""

FREE = """\
               total        used        free      shared  buff/cache   available
Mem:        24684084     3436640    18780732        8896     2791952    21247444
Swap:              0           0           0"""
FREE_H = """\
               total        used        free      shared  buff/cache   available
Mem:            23Gi       3.3Gi        17Gi       8.7Mi       2.7Gi        20Gi
Swap:          2.0Gi       512Mi       1.5Gi"""
FREE_M = """\
               total        used        free      shared  buff/cache   available
Mem:           24105        3356       18340           8        2726       20749
Swap:           2047          12        2035"""


# --- df ---------------------------------------------------------------------------------------------------


def test_df_becomes_a_sentence_for_each_disk() -> None:
    assert from_tables("df -h", DF_H) == DF_H_SAID


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (
            "Filesystem     1K-blocks     Used Available Use% Mounted on\n"
            "/dev/vda       264235156 25273916  71234124  27% /",
            "Disk /: 27% used, 25273916 of 264235156 (1K-blocks) used, 71234124 available.",
        ),
        (
            "Filesystem     1M-blocks  Used Available Use% Mounted on\n"
            "/dev/vda          258043 24682     69565  27% /",
            "Disk /: 27% used, 24682 of 258043 (1M-blocks) used, 69565 available.",
        ),
        (
            "Filesystem     1024-blocks     Used Available Capacity Mounted on\n"
            "/dev/vda         264235156 25273916  71234124      27% /",
            "Disk /: 27% used, 25273916 of 264235156 (1024-blocks) used, 71234124 available.",
        ),
        (
            "Filesystem     Type  Size  Used Avail Use% Mounted on\n"
            "/dev/vda       ext4  252G   25G   68G  27% /",
            "Disk /: 27% used, 25G of 252G used, 68G available.",
        ),
        (
            "Filesystem                         Size  Used Avail Use% Mounted on\n"
            "/dev/mapper/ubuntu--vg-ubuntu--lv  194G   81G  104G  44% /",
            "Disk /: 44% used, 81G of 194G used, 104G available.",
        ),
        (
            "Filesystem                       Size  Used Avail Use% Mounted on\n"
            "192.168.1.5:/volume1/data backup  11T  9.2T  1.7T  85% /mnt/nas",
            "Disk /mnt/nas: 85% used, 9.2T of 11T used, 1.7T available.",
        ),
        (
            "Filesystem      Size  Used Avail Use% Mounted on\n"
            "/dev/sdb1       932G  500G  432G  54% /media/user/My Passport",
            "Disk /media/user/My Passport: 54% used, 500G of 932G used, 432G available.",
        ),
        (
            "Filesystem     Type   Size  Used Avail Use% Mounted on\n"
            r"C:\            9p     476G  310G  167G  66% /mnt/c",
            "Disk /mnt/c: 66% used, 310G of 476G used, 167G available.",
        ),
        (
            "Filesystem       Size  Used Avail Use% Mounted on\n"
            "//nas/My Share   3.6T  1.1T  2.5T  31% /mnt/share",
            "Disk /mnt/share: 31% used, 1.1T of 3.6T used, 2.5T available.",
        ),
        (
            "Filesystem      Size  Used Avail Use% Mounted on\n/dev/sdc         10G   10G  -12M 101% /full",
            "Disk /full: 101% used, 10G of 10G used, -12M available.",
        ),
        (
            "Filesystem      Size  Used Avail Use% Mounted on\n"
            "/dev/vdb           0     0     0    - /mnt/empty",
            "Disk /mnt/empty: - used, 0 of 0 used, 0 available.",
        ),
        (  # macOS, df -P
            "Filesystem   512-blocks      Used Available Capacity  Mounted on\n"
            "/dev/disk3s1s1 965595304  20104288 520184664     4%    /",
            "Disk /: 4% used, 20104288 of 965595304 (512-blocks) used, 520184664 available.",
        ),
        (  # BusyBox
            "Filesystem                Size      Used Available Use% Mounted on\n"
            "/dev/sda1                19.5G      7.7G     10.8G  42% /etc/hosts",
            "Disk /etc/hosts: 42% used, 7.7G of 19.5G used, 10.8G available.",
        ),
    ],
)
def test_df_in_its_forms(table: str, sentence: str) -> None:
    assert from_tables("df", table) == sentence


def test_df_with_types_leaves_out_the_same_file_systems() -> None:
    table = """\
Filesystem     Type      Size  Used Avail Use% Mounted on
devtmpfs       devtmpfs   12G     0   12G   0% /dev
/dev/vda       ext4      252G   25G   68G  27% /
/dev/sdb1      fuseblk   932G  500G  432G  54% /media/user/My Passport"""
    assert from_tables("df -hT", table) == (
        "Disk /: 27% used, 25G of 252G used, 68G available.\n"
        "Disk /media/user/My Passport: 54% used, 500G of 932G used, 432G available.\n"
        "(1 tmpfs, overlay and the like left out)"
    )


def test_in_a_container_the_overlay_of_the_root_is_the_disk() -> None:
    table = """\
Filesystem      Size  Used Avail Use% Mounted on
overlay          59G   21G   36G  37% /
tmpfs            64M     0   64M   0% /dev
shm              64M     0   64M   0% /dev/shm"""
    assert from_tables("df -h", table) == (
        "Disk /: 37% used, 21G of 59G used, 36G available.\n(2 tmpfs, overlay and the like left out)"
    )


def test_a_tmpfs_that_was_asked_for_is_not_left_out() -> None:
    table = "Filesystem      Size  Used Avail Use% Mounted on\ntmpfs            12G   45M   12G   1% /tmp"
    assert from_tables("df -h /tmp", table) == "Disk /tmp: 1% used, 45M of 12G used, 12G available."


def test_lines_around_a_table_stay() -> None:
    text = f"df: /run/user/1000/doc: Operation not permitted\n{DF_H}\n\nup 3 days"
    assert from_tables("df -h; uptime -p", text) == (
        f"df: /run/user/1000/doc: Operation not permitted\n{DF_H_SAID}\n\nup 3 days"
    )


def test_a_total_stays_below_the_sentences() -> None:
    table = """\
Filesystem      Size  Used Avail Use% Mounted on
/dev/vda        252G   25G   68G  27% /
total           252G   25G   68G  27% -"""
    assert from_tables("df -h --total", table) == (
        "Disk /: 27% used, 25G of 252G used, 68G available.\ntotal           252G   25G   68G  27% -"
    )


def test_two_tables_in_one_output() -> None:
    assert from_tables("df -h; free -h", f"{DF_H}\n{FREE_H}") == (
        f"{DF_H_SAID}\nMemory: 23Gi total, 3.3Gi used, 17Gi free, 20Gi available.\nSwap: 512Mi of 2.0Gi used."
    )


# --- free -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "table", "said"),
    [
        (
            "free",
            FREE,
            "Memory: 24684084 KiB total, 3436640 KiB used, 18780732 KiB free, 21247444 KiB available.\n"
            "Swap: none.",
        ),
        (
            "free -h",
            FREE_H,
            "Memory: 23Gi total, 3.3Gi used, 17Gi free, 20Gi available.\nSwap: 512Mi of 2.0Gi used.",
        ),
        (
            "free -h",
            FREE_H.partition("Swap")[0] + "Swap:             0B          0B          0B",
            "Memory: 23Gi total, 3.3Gi used, 17Gi free, 20Gi available.\nSwap: none.",
        ),
        (
            "free -m",
            FREE_M,
            "Memory: 24105 MiB total, 3356 MiB used, 18340 MiB free, 20749 MiB available.\n"
            "Swap: 12 MiB of 2047 MiB used.",
        ),
    ],
)
def test_free_becomes_sentences(command: str, table: str, said: str) -> None:
    assert from_tables(command, table) == said


@pytest.mark.parametrize(
    ("command", "unit"),
    [
        ("free", " KiB"),
        ("free -k", " KiB"),
        ("free --kibi", " KiB"),
        ("free -w 2>/dev/null; free", " KiB"),
        ("free -m", " MiB"),
        ("free --mebi", " MiB"),
        ("free -t -m", " MiB"),
        ("free -tm", " MiB"),
        ("LC_ALL=C free -m | head -n 2", " MiB"),
        ("df -m; free", " KiB"),
        ("free -g", " GiB"),
        ("free --gibi", " GiB"),
        ("free -b", " bytes"),
        ("free --bytes", " bytes"),
        ("docker exec web free -m", " MiB"),
        ("cat free.txt", " KiB"),
    ],
)
def test_the_unit_of_free_is_read_from_the_command(command: str, unit: str) -> None:
    assert f"Swap: 12{unit} of 2047{unit} used." in from_tables(command, FREE_M)


def test_in_gibibytes_a_small_swap_is_not_denied() -> None:
    """`free -g` rounds down: 0 may be 512 MiB."""
    table = """\
               total        used        free      shared  buff/cache   available
Mem:              23           3          17           0           2          20
Swap:              0           0           0"""
    assert "none" not in from_tables("free -g", table)
    assert from_tables("free -m", table).endswith("Swap: none.")


def test_free_without_swap_and_with_a_total() -> None:
    table = FREE_M.partition("Swap")[0] + "Total:         26152        3368       20375"
    assert from_tables("free -tm", table) == (
        "Memory: 24105 MiB total, 3356 MiB used, 18340 MiB free, 20749 MiB available.\n"
        "Total:         26152        3368       20375"
    )


# --- tables without rows ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "header"),
    [
        ("docker ps", "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES"),
        ("docker images", "REPOSITORY   TAG       IMAGE ID   CREATED   SIZE"),
        ("docker volume ls", "DRIVER    VOLUME NAME"),
        ("docker compose ps", "NAME      IMAGE     COMMAND   SERVICE   CREATED   STATUS    PORTS"),
        ("kubectl get svc", "NAME   TYPE   CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE"),
        ("kubectl top node", "NAME   CPU(cores)   CPU%   MEMORY(bytes)   MEMORY%".upper()),
    ],
)
def test_of_a_table_without_rows_it_is_said(command: str, header: str) -> None:
    assert from_tables(command, header) == f"{header}\n(no rows: there are none)"


# --- what stays -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("true", ""),
        ("echo", "\n\n"),
        ("echo OK", "OK"),
        ("echo", "ALL GOOD"),
        ("cat", "Filesystem"),
        ("cat", "  indented\n\ttabs\t\n  \n"),
        ("df -h", "Filesystem      Size  Used Avail Use% Mounted on"),
        ("free", FREE.partition("\n")[0]),
        (
            "df -i",
            "Filesystem       Inodes   IUsed    IFree IUse% Mounted on\n"
            "/dev/vda       16777216  532011 16245205    4% /",
        ),
        (  # macOS
            "df -h",
            "Filesystem       Size   Used  Avail Capacity iused ifree %iused  Mounted on\n"
            "/dev/disk3s1s1  460Gi  9.6Gi  248Gi     4%    404k  2.6G    0%   /\n"
            "devfs           204Ki  204Ki    0Bi   100%     706     0  100%   /dev\n"
            "map auto_home     0Bi    0Bi    0Bi   100%       0     0     -   /System/Volumes/Data/home",
        ),
        (
            "free -w",
            "               total        used        free      shared     buffers       cache   available\n"
            "Mem:        24684084     3436756    18780500        8896        8388     2783680    21247328\n"
            "Swap:              0           0           0",
        ),
        ("df -h | grep vda", "/dev/vda                 252G   25G   68G  27% /"),
        (
            "free -h | grep Mem",
            "Mem:            23Gi       3.3Gi        17Gi       8.7Mi       2.7Gi        20Gi",
        ),
        (
            "df -h",
            "Dateisystem Größe Benutzt Verf. Verw% Eingehängt auf\n/dev/vda     252G     25G   68G   27% /",
        ),
        (
            "kubectl get pods",
            "NAME   READY   STATUS    RESTARTS   AGE\nweb    1/1     Running   0          5m",
        ),
        ("kubectl get pods", "No resources found in default namespace."),
    ],
)
def test_everything_else_stays_byte_for_byte(command: str, text: str) -> None:
    assert from_tables(command, text) == text


def test_long_texts_take_time_in_proportion() -> None:
    started = time.process_time()
    for line in ("A" * 200_000, "A " * 100_000, "A  " * 70_000, "x  1 " * 50_000, "/dev/a 1 " * 30_000):
        assert from_tables("cat", line + "\nb") == line + "\nb"
        from_tables("cat", line)
        from_tables("cat", f"{DF_H}\n{line}")
    assert time.process_time() - started < 2


def test_a_table_of_many_rows() -> None:
    header, _, rest = DF_H.partition("\n")
    many = "\n".join([header, *rest.splitlines() * 1000])
    assert from_tables("df -h", many).count("\n") == 2000


def test_containers_are_told_by_name() -> None:
    table = (
        "CONTAINER ID   IMAGE        COMMAND                  CREATED         STATUS                    PORTS      NAMES\n"  # noqa: E501
        '2550bbcf8d45   redis:7      "redis-server --prot…"   3 seconds ago   Up 1 second               6379/tcp   cache\n'  # noqa: E501
        'be40a63075a0   nginx:1.25   "nginx -g \'daemon of…"   3 seconds ago   Exited (0) 1 second ago              web'  # noqa: E501
    )
    assert from_tables("docker ps -a", table) == (
        "Container cache: image redis:7, Up 1 second, ports 6379/tcp (id 2550bbcf8d45).\n"
        "Container web: image nginx:1.25, Exited (0) 1 second ago (id be40a63075a0)."
    )


LS = """total 16
drwxr-xr-x  2 root root 4096 Nov 27 04:25 .
drwxrwxrwt 67 root root 4096 Nov 27 04:28 ..
"""


def test_the_total_of_ls_is_no_number_of_files() -> None:
    assert from_tables("ls -la", LS.rstrip()) == "(nothing is in it)"
    file = "-rw-r--r--  1 user staff 5234 Jan 13 10:28 my notes.txt"
    folder = "drwxr-xr-x  3 user staff   96 Jan 13 10:28 conf"
    assert from_tables("ls -la", f"{LS}{file}\n{folder}") == f"{file}\n{folder}\n(1 files, 1 folders)"
