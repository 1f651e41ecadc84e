"""Files and text: what copies, packs, finds and edits them."""

import re
from collections.abc import Sequence
from itertools import pairwise, takewhile

from devops_agent.patterns import regex
from devops_agent.policy import languages
from devops_agent.policy.call import Argument, Call, argument
from devops_agent.policy.handlers import Run, analysed, filled, handler, worst
from devops_agent.policy.programs.flags import known_flags
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Effect, Verdict, change, destructive, read, unknown


@handler
def _copy(call: Call, run: Run) -> Verdict:
    """cp, mv, ln, install: where each source goes."""
    program = call.program.removeprefix("g")
    targets = call.values("-t", "--target-directory")
    if program == "install" and call.given("-d", "--directory"):
        return _modes(call) | worst([run.write(text, makes_folder=True) for text in call.texts])
    operands = list(call.operands)
    if len(operands) == 1 and not targets:
        operands = [*operands, argument(".")] if program == "ln" else _braces(operands[0])
    sources = operands if targets else operands[:-1]
    if not sources:
        return read()
    target = argument(targets[-1]) if targets else operands[-1]
    if target.expands:
        return destructive(f"writes {target.raw}, which may exist")
    verdict = known_flags(call) | _modes(call)
    for source in sources:
        verdict |= _copied(call, source, target.text, run)
        if program == "mv" or (program == "ln" and not source.unseen):
            verdict |= run.work(source)  # what is written through a link is written there
    if program != "cp" and target.text.startswith("/dev/"):
        verdict |= destructive(f"replaces {target.text}")
    if program == "ln" and not call.given("-s", "--symbolic") and call.given("-f", "--force"):
        verdict |= destructive("ln -f replaces what is there")
    return verdict


def _copied(call: Call, source: Argument, target: str, run: Run) -> Verdict:
    """The effect of one file that arrives at, or in, a target."""
    place = target if call.given("-T", "--no-target-directory") else run.inside(target, source.text)
    if call.given("--parents"):
        place = f"{target}/{source.text}"
    keeps = _keeps(call)
    if source.expands and not keeps and not run.is_new(target):
        return destructive(f"may overwrite files in {target}")
    verdict = run.write(place, appends=keeps)
    kept = keeps and verdict.effect is Effect.CHANGE
    return change(f"puts {source.text} at {place}, and keeps what is there") if kept else verdict


def _braces(word: Argument) -> list[Argument]:
    """`NAME{,.bak}` as two words."""
    found = re.fullmatch(r"([^{}*?\[]*)\{([^{},]*),([^{},]*)\}([^{}*?\[]*)", word.text)
    if not found:
        return [word, word] if word.expands else [word]
    before, first, second, after = found.groups()
    return [argument(before + first + after), argument(before + second + after)]


def _keeps(call: Call) -> bool:
    """Whether nothing that exists is lost: `-n`, of -f, -i and -n the last, or a backup of it is made."""
    backups = call.values("-b", "--backup")
    if backups and backups[-1][:2] not in ("no", "of") and call.program != "ln":
        return True
    if (call.values("--update") or [""])[-1] in ("none", "none-fail"):
        return True
    words = [_LONG.get(word.text, word.text) for word in call.arguments[1:]]
    letters = "".join(word[1:] for word in words if re.fullmatch(r"-[A-Za-z]+", word))
    return re.findall("[fin]", letters)[-1:] == ["n"] and call.program != "ln"


_LONG = {"--force": "-f", "--interactive": "-i", "--no-clobber": "-n"}


@handler
def _mode(call: Call, run: Run) -> Verdict:
    return _modes(call)


def _modes(call: Call) -> Verdict:
    modes = call.values("-m", "--mode")
    return destructive("lets everybody write, or runs as its owner") if any(map(_is_open, modes)) else read()


_MODE = regex(r"[ugoa]*(?:[-+=](?:[0-7]+|[ugo]|[rwxXst]*))+")


def _is_open(mode: str) -> bool:
    """Whether a mode lets everybody write, or makes a program run as its owner."""
    return _mode_gives(mode, 0o6002, "w")


def _mode_gives(mode: str, bits: int, letter: str) -> bool:
    """Whether a mode gives these bits, or this letter to everybody. What is no mode may."""
    if re.fullmatch("[0-7]+", mode):
        return int(mode, 8) & bits != 0
    for part in mode.split(","):
        if not _MODE.fullmatch(part):
            return True
        everybody = bool(re.match("[ug]*[oa]", part))
        for given in re.findall(r"[+=]([0-7]+|[ugo]|[rwxXst]*)", part):
            special = "s" in given and bits & 0o6000
            copied = everybody and (letter in given or given in ("u", "g", "o"))
            if special or copied or (given.isdigit() and int(given, 8) & bits):
                return True
    return False


@handler
def _chmod(call: Call, run: Run) -> Verdict:
    removed = [word.text for word in call.arguments[1:] if re.match(r"-[rwxXstugo]+([,+=-]|$)", word.text)]
    if call.given("--reference"):
        return unknown("gives the mode of another file")
    modes = removed or call.texts[:1]
    files = call.operands if removed else call.operands[1:]
    if any(map(_is_open, modes)):
        return destructive("lets everybody write, or runs as its owner")
    if any(_mode_gives(mode, 0o004, "r") for mode in modes) and any(run.holds_secret(w.text) for w in files):
        return destructive("lets everybody read a secret")
    return worst([run.work(word) for word in files])


@handler
def _chown(call: Call, run: Run) -> Verdict:
    return worst([run.work(word) for word in call.operands[1:]])


@handler
def _dd(call: Call, run: Run) -> Verdict:
    verdict = read()
    for word in call.arguments[1:]:
        name, equals, value = word.text.partition("=")
        if UNSEEN in name or (word.unseen and not equals):
            verdict |= unknown("dd with an operand that is only known at run time")
        elif name == "of":
            verdict |= run.write(value)
        elif name == "if" and run.holds_secret(value):
            verdict |= read("reads a file with secrets", secret=True)
    return verdict


@handler
def _find(call: Call, run: Run) -> Verdict:
    words = list(call.arguments[1:])
    roots = list(takewhile(lambda text: text[:1] not in "-(!", (word.text for word in words))) or ["."]
    found = f"{roots[0]}/{UNSEEN}" if len(roots) == 1 else UNSEEN
    verdict, at = read(), 0
    while at < len(words):
        text = words[at].text
        at += 1
        if text == "-delete":
            verdict |= destructive("find -delete")
        elif text in ("-exec", "-execdir", "-ok", "-okdir"):
            end = next((i for i in range(at, len(words)) if words[i].text in (";", "+")), len(words))
            inner = [filled(word, ["{}"], found) for word in words[at:end]]
            verdict |= run.argv(inner) if inner else unknown("find runs nothing that is known")
            verdict |= _finds_secrets(words[:at], inner, run)
            at = end + 1
        elif text in ("-fprint", "-fprint0", "-fls", "-fprintf") and at < len(words):
            verdict |= run.write(words[at].text)
        elif words[at - 1].unseen and (text.startswith("-") or words[at - 1].raw[:1] in ("$", "`")):
            verdict |= unknown("find with a test that is only known at run time")
    return verdict


def _finds_secrets(tests: Sequence[Argument], inner: Sequence[Argument], run: Run) -> Verdict:
    """`find -name '.env*' -exec cat {} +` reads what it finds."""
    names = [b.text for a, b in pairwise(tests) if a.text in ("-name", "-iname", "-path")]
    likely = any(run.holds_secret(name.strip("*")) for name in names)
    only_names = inner and inner[0].text.rpartition("/")[2] in (
        "ls",
        "stat",
        "chmod",
        "rm",
        "echo",
        "basename",
    )
    return read("reads files with secrets", secret=True) if likely and not only_names else read()


@handler
def _sed(call: Call, run: Run) -> Verdict:
    scripts = call.values("-e", "--expression") or call.texts[:1]
    verdict = analysed(languages.sed("\n".join(scripts)), run)
    in_place = call.values("-i", "--in-place")
    return verdict | (destructive("sed -i overwrites files") if in_place else known_flags(call))


@handler
def _split(call: Call, run: Run) -> Verdict:
    filters = call.values("--filter")
    if filters:
        return known_flags(call) | worst([_split_filter(text, run) for text in filters])
    prefix = call.texts[1] if len(call.operands) > 1 else "x"
    return known_flags(call) | run.write(f"{prefix}aa")


@handler
def _csplit(call: Call, run: Run) -> Verdict:
    prefix = (call.values("-f", "--prefix") or ["xx"])[-1]
    return known_flags(call) | run.write(f"{prefix}00")


def _split_filter(text: str, run: Run) -> Verdict:
    """`$FILE` in a filter is the name of a piece."""
    return run.script(re.sub(r"\$FILE\b|\$\{FILE\}", "piece-of-split", text))


@handler
def _xxd(call: Call, run: Run) -> Verdict:
    """xxd and uniq: a second file is written."""
    files = [
        word.text
        for before, word in pairwise(call.arguments)
        if word.text[:1] != "-" and before.text not in call.rule.valued
    ]
    return known_flags(call) | (run.write(files[1]) if len(files) > 1 else read())


@handler
def _jq(call: Call, run: Run) -> Verdict:
    return read(
        secret=any(re.search(r"\benv\b|\$ENV\b|\bstrenv\b|\benvsubst\b", text) for text in call.texts)
    )


@handler
def _pager(call: Call, run: Run) -> Verdict:
    """`less +COMMAND` runs a command of less at its start."""
    starts = [text for text in call.texts if text.startswith("+")]
    runs = any(not re.fullmatch(r"\+\+?(\d*[GgFp%]?|[/?&][^!|]*)", text) for text in starts)
    return unknown("less runs a command") if runs else read()
