"""Processes, services, disks and the kernel."""

import re

from devops_agent.patterns import regex
from devops_agent.policy.call import Call
from devops_agent.policy.handlers import Run, handler
from devops_agent.policy.programs.flags import known_flags
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


_TC_CHANGES = frozenset("add set up replace append change".split())
_TC_REMOVES = frozenset("del delete flush".split())
_TC_READS = frozenset("show list ls get s sh lst save help monitor id identify pids".split())


@handler
def _tc(call: Call, run: Run) -> Verdict:
    """tc and bridge: `OBJECT ACTION`."""
    actions = call.texts[1:3]
    name = " ".join([call.program, *call.texts[:2]])
    if not _TC_REMOVES.isdisjoint(actions):
        return destructive(name)
    if not _TC_CHANGES.isdisjoint(actions):
        return change(name)
    return read() if not actions or actions[0] in _TC_READS else unknown(f"{name} is not known")


@handler
def _link(call: Call, run: Run) -> Verdict:
    """`ip link set LINK down`."""
    cuts = not {"down", "netns"}.isdisjoint(call.texts)
    return destructive("cuts off who works over the interface") if cuts else read()


@handler
def _iptables(call: Call, run: Run) -> Verdict:
    adds = call.given("-A", "-I", "--append", "--insert")
    if adds and "ACCEPT" in call.values("-j", "--jump"):
        return destructive("opens the firewall")
    acts = [name for names in call.rule.flags.values() for name in names]
    looks = call.given("-L", "-S", "-C", "--list", "--list-rules", "--check", "-h", "-V")
    return (
        read() if looks or call.given(*acts) else unknown(f"{call.program} without a command that is known")
    )


_PARTED_READS = regex(r"p|print|free|all|list|devices|unit|[kKMGT]?i?B|s|%|chs|cyl|compact|\d+|quit|/dev/.*")


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
