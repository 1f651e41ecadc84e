"""Processes, services, disks and the kernel."""

import re

from devops_agent.policy.call import Call
from devops_agent.policy.handlers import Run, handler
from devops_agent.policy.programs.flags import known_flags
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Verdict, change, destructive, read, unknown


@handler
def _kill(call: Call, run: Run) -> Verdict:
    words = [word.text for word in call.arguments[1:]]
    looks = words[:1] in (["-l"], ["-L"], ["-0"], ["--list"]) or words[:2] in (["-s", "0"], ["-n", "0"])
    return read() if looks else destructive(f"{call.program} ends processes")


@handler
def _date(call: Call, run: Run) -> Verdict:
    sets = any(re.match(r"-[uR]*s|--s", word.text) for word in call.arguments[1:])
    plain = all(text.startswith("+") for text in call.texts)
    return read() if plain and not sets else destructive("sets the clock")


@handler
def _sysctl(call: Call, run: Run) -> Verdict:
    sets = any("=" in text for text in call.texts)
    return destructive("sets a parameter of the kernel") if sets else known_flags(call)


@handler
def _reads_without_operands(call: Call, run: Run) -> Verdict:
    return destructive(f"{call.program} changes the system") if call.operands else read()


@handler
def _crontab(call: Call, run: Run) -> Verdict:
    looks = call.given("-l") and not call.given("-r", "-e", "-i") and not call.operands
    return read() if looks else destructive("edits the crontab")


@handler
def _systemctl(call: Call, run: Run) -> Verdict:
    """`systemctl enable PATH` takes a unit from there."""
    elsewhere = call.verb in ("enable", "reenable", "preset") and any("/" in text for text in call.texts)
    return destructive("systemctl takes a unit from a path") if elsewhere else read()


@handler
def _sets_of_link(call: Call, run: Run) -> Verdict:
    """`resolvectl dns LINK` reads, and sets the servers that stand behind."""
    sets = len(call.operands) > 1
    return destructive(f"{call.name} changes how names are resolved") if sets else read()


@handler
def _ip(call: Call, run: Run) -> Verdict:
    if call.program in ("ipset", "conntrack"):
        return _netfilter(call)
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


@handler
def _link(call: Call, run: Run) -> Verdict:
    """`ip link set LINK down`."""
    cuts = not {"down", "netns"}.isdisjoint(call.texts)
    return destructive("cuts off who works over the interface") if cuts else read()


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


def _netfilter(call: Call) -> Verdict:
    """ipset and conntrack: their commands are words, or letters with a dash."""
    looks = ("-L", "-S", "-G", "-C", "-E", "--list", "--dump", "--get", "--count", "--stats", "--event")
    does = ("-D", "-F", "-X", "-I", "-U", "-N", "-A", "-W", "-R")
    verb = "".join(call.texts[:1]) if call.program == "ipset" else ""
    if call.given(*does) or any(flag[:2] == "--" and flag not in looks for flag in call.flags.values):
        return destructive(f"{call.program} changes its entries")
    if verb in ("add", "create", "swap", "rename"):
        return change(f"ipset {verb}")
    reads = verb in ("list", "save", "test", "version") or (not verb and call.given(*looks))
    return read() if reads else destructive(f"{call.program} {verb} changes its entries")


_PARTED_READS = re.compile(
    r"p|print|free|all|list|devices|unit|[kKMGT]?i?B|s|%|chs|cyl|compact|\d+|quit|/dev/.*"
)


@handler
def _parted(call: Call, run: Run) -> Verdict:
    prints = call.given("-l", "--list") or {"print", "p"} & set(call.texts)
    looks = prints and all(_PARTED_READS.fullmatch(text) for text in call.texts)
    return known_flags(call) if looks else destructive("parted changes a disk")


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
