"""Processes, services, disks and the kernel."""

from devops_agent.policy.call import Call
from devops_agent.policy.handlers import Run, handler
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Verdict, change, destructive, read, unknown


@handler
def _kill(call: Call, run: Run) -> Verdict:
    words = [word.text for word in call.arguments[1:]]
    looks = words[:1] in (["-l"], ["-L"], ["-0"], ["--list"]) or words[:2] in (["-s", "0"], ["-n", "0"])
    return read() if looks else destructive(f"{call.program} ends processes")


@handler
def _sysctl(call: Call, run: Run) -> Verdict:
    sets = call.given("-w", "--write", "-p", "--load", "--system") or any("=" in text for text in call.texts)
    return destructive("sets a parameter of the kernel") if sets else read()


@handler
def _reads_without_operands(call: Call, run: Run) -> Verdict:
    return destructive(f"{call.program} changes the system") if call.operands else read()


@handler
def _crontab(call: Call, run: Run) -> Verdict:
    return read() if call.given("-l") and not call.given("-r", "-e") else destructive("edits the crontab")


@handler
def _ip(call: Call, run: Run) -> Verdict:
    words = [word.text for word in call.operands]
    if words[:2] == ["netns", "exec"]:
        return run.argv(
            [word for word in call.arguments[1:] if not word.text.startswith("-")][3:] or call.operands[3:]
        )
    changes = {
        "add": 1,
        "set": 1,
        "up": 1,
        "replace": 1,
        "append": 1,
        "change": 1,
        "del": 2,
        "delete": 2,
        "flush": 2,
    }
    worst = max((changes.get(word, 0) for word in words[1:3]), default=0)
    if worst == 2:
        return destructive("ip removes")
    if worst or (words[1:2] and words[1] not in _IP_READS and len(words) > 1):
        return (
            change("ip " + " ".join(words[:2]))
            if worst
            else unknown(f"ip {' '.join(words[:2])} is not known")
        )
    return read()


_IP_READS = frozenset("show list ls get s sh lst save help monitor id identify pids".split())


@handler
def _iptables(call: Call, run: Run) -> Verdict:
    if call.given(
        "-F",
        "-X",
        "-D",
        "-Z",
        "-P",
        "-R",
        "--flush",
        "--delete-chain",
        "--delete",
        "--policy",
        "--replace",
        "--zero",
    ):
        return destructive("removes rules of the firewall")
    if call.given("-A", "-I", "-N", "-E", "--append", "--insert", "--new-chain"):
        opens = any(value in ("ACCEPT",) for value in call.values("-j", "--jump"))
        return destructive("opens the firewall") if opens else change("adds a rule to the firewall")
    listing = call.given("-L", "-S", "-C", "--list", "--list-rules", "--check", "-h", "-V")
    return read() if listing else unknown("iptables without a command that is known")


@handler
def _parted(call: Call, run: Run) -> Verdict:
    looks = call.given("-l", "--list") or "print" in call.texts[-2:] or call.texts[-1:] == ["free"]
    return read() if looks else destructive("parted changes a disk")


_STORAGE_READS = frozenset(
    """status list ls info show get luksDump isLuks benchmark ls-tree lsjson lsf lsd lsl size about version
    iostat history events subvolume-list snapshots check diff stats find cat ncdu tree config-show
    filesystem device scrub-status table deps get-devices get-updates get-remotes list-configs smart-log
    id-ctrl id-ns error-log""".split()
)


@handler
def _storage_tool(call: Call, run: Run) -> Verdict:
    """cryptsetup, zpool, mdadm, rclone and their like."""
    flags = """--list --display --query --get-selections --config-only -l --detail --examine --scan -D -Q -I
     -i -g -t -T --dry-run"""
    if call.given(*flags.split()) and not call.given(
        "--create", "--stop", "--fail", "--remove", "--add", "--zero-superblock", "--assemble"
    ):
        return (
            read()
            if not call.operands
            or call.program in ("mdadm", "hdparm", "update-alternatives", "alternatives", "rclone")
            else destructive(call.program)
        )
    words = call.texts[:2]
    if (
        words
        and words[0] in _STORAGE_READS
        and words[-1]
        not in (
            "resize",
            "delete",
            "remove",
            "set",
            "balance",
            "defragment",
            "create",
            "add",
            "replace",
            "sync",
        )
    ):
        return read()
    reads = (["subvolume", "list"], ["subvolume", "show"], ["scrub", "status"], ["balance", "status"])
    return read() if words in reads else destructive(f"{call.program} {' '.join(words)} changes storage")


@handler
def _service(call: Call, run: Run) -> Verdict:
    """`service NAME ACTION`."""
    action = "".join(call.texts[1:2])
    if call.given("--status-all") or action == "status" or not call.operands:
        return read()
    known = action in ("start", "stop", "restart", "reload", "force-reload", "try-restart", "condrestart")
    return change(f"service {action}") if known else unknown(f"service {action} is not known")


@handler
def _manages_services(call: Call, run: Run) -> Verdict:
    """supervisorctl, pm2 and their like: `ACTION NAME`."""
    words = [text for text in call.texts if UNSEEN not in text][:2]
    action = next(iter(words), "")
    if action in (
        "status",
        "list",
        "ls",
        "show",
        "describe",
        "tail",
        "logs",
        "info",
        "pid",
        "avail",
        "summary",
        "report",
        "print",
        "version",
        "jlist",
        "prettylist",
        "blame",
    ):
        return unknown("follows a log") if call.given("-f") and action == "tail" else read()
    if {
        "start",
        "stop",
        "restart",
        "reload",
        "reread",
        "update",
        "enable",
        "up",
        "down",
        "add",
        "load",
        "bootstrap",
        "kickstart",
        "save",
        "scale",
        "monitor",
        "unmonitor",
        "once",
        "pause",
        "cont",
    } & set(words):
        return change(f"{call.program} {action}")
    if {
        "kill",
        "delete",
        "remove",
        "unload",
        "bootout",
        "shutdown",
        "flush",
        "clear",
        "disable",
        "signal",
        "exit",
        "force-stop",
    } & set(words):
        return destructive(f"{call.program} {action}")
    return unknown(f"{call.program} {action} is not known")


@handler
def _server(call: Call, run: Run) -> Verdict:
    """nginx, apachectl, haproxy and their like: they check their configuration, or start, stop and reload."""
    action = "".join(call.values("-s", "-k")[-1:]) or "".join(call.texts[:1])
    if action in ("reload", "reopen", "graceful", "restart", "start"):
        return change(f"{call.program} {action}")
    if action in ("stop", "quit", "graceful-stop"):
        return change(f"{call.program} {action}")
    if action in (
        "validate",
        "version",
        "list-modules",
        "adapt",
        "fmt",
        "configtest",
        "status",
        "fullstatus",
        "check",
        "build-info",
        "environ",
    ):
        return destructive("caddy fmt --overwrite") if call.given("--overwrite", "-w") else read()
    looks = call.given(
        "-t", "-T", "-v", "-V", "-c", "-S", "-M", "-l", "-L", "-i", "--version", "--validate", "--test"
    )
    return read() if looks or call.program.startswith("named-check") else change(f"starts {call.program}")
