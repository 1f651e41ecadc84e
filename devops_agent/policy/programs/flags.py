"""Programs of which every flag has to be known, because some of their flags write, run or remove things."""

from fnmatch import fnmatchcase
from itertools import takewhile

from devops_agent.policy.call import Call
from devops_agent.policy.handlers import Run, handler
from devops_agent.policy.verdict import Effect, Verdict, read, unknown


def listed_flags(call: Call) -> Verdict:
    """Unknown, if the rule does not name one of the flags."""
    odd = odd_flag(call)
    return unknown(f"{call.name} {odd} is not known") if odd else read()


def known_flags(call: Call) -> Verdict:
    """Unknown, if the rule does not name one of the flags, or if a word may turn out to be a flag."""
    odd = "".join(hidden_words(call)[:1])
    return listed_flags(call) | (unknown(f"{call.name} {odd} is not known") if odd else read())


@handler
def _listed(call: Call, run: Run) -> Verdict:
    return listed_flags(call)


@handler
def _strict(call: Call, run: Run) -> Verdict:
    return known_flags(call)


@handler
def _listing(call: Call, run: Run) -> Verdict:
    """What lists something, and sets it if there are operands."""
    return unknown(f"{call.name} changes the system") if call.operands else known_flags(call)


@handler
def _verbless(call: Call, run: Run) -> Verdict:
    """A call without a verb may have a flag that does the work of one."""
    return read() if call.verb else known_flags(call)


def odd_flag(call: Call) -> str:
    """The first flag that the rule does not name; of `-xyz` each letter counts. `*` stands for any text."""
    rule = call.rule
    looks = call.flags.given(rule.flags.get(Effect.READ, ())) is not None
    named = [names for effect, names in rule.flags.items() if effect is Effect.READ or not looks]
    known = {"--", "--help", "--version", *rule.valued, *rule.switches, *rule.writes, *rule.runs}
    known |= {name.partition("=")[0] for names in named for name in names}
    patterns = [each for each in known if "*" in each]
    for flag in call.flags.values:
        bundle = len(flag) > 2 and flag[1] != "-" and not rule.one_dash
        if bundle or flag in known or flag.replace("--no-", "--", 1) in known:
            continue
        if not any(fnmatchcase(flag, each) for each in patterns):
            return flag
    return ""


def hidden_words(call: Call) -> list[str]:
    """The words without quotes, before `--`, of which nothing is known: each may be a flag, or several."""
    words = takewhile(lambda word: word.text != "--", call.arguments[1:])
    return [word.raw for word in words if word.raw[:1] in ("$", "`") and word.unseen]
