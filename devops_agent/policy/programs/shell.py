"""The shell's own commands and the programs that run another one."""

import re
from itertools import takewhile

from devops_agent.patterns import regex
from devops_agent.policy.call import Call, argument
from devops_agent.policy.handlers import Run, filled, handler, worst
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Verdict, read, unknown

_ASSIGNMENT = regex(r"[A-Za-z_]\w*=")


@handler
def _shell(call: Call, run: Run) -> Verdict:
    """`sh -c TEXT`, `bash -s`, `bash FILE`."""
    words = list(call.arguments[1:])
    while words and words[0].text[:1] in "-+" and words[0].text not in ("-", "--"):
        flag = words.pop(0).text
        if re.fullmatch(r"-[A-Za-z]*n[A-Za-z]*", flag):
            return read()
        if re.fullmatch(r"-[A-Za-z]*c", flag):
            while words and words[0].text.startswith("-"):
                words.pop(0)
            return run.script(words[0].text, run.feed) if words else unknown("a shell without a command")
        if re.fullmatch(r"[-+][A-Za-z]*[oO]", flag) and words:
            words.pop(0)
        elif flag in ("--rcfile", "--init-file"):
            return unknown("a shell with another start-up file")
        elif re.fullmatch(r"-[A-Za-z]*s", flag):
            words = []
    if words and words[0].text not in ("-", "--", "/dev/stdin"):
        return unknown(f"runs the script {words[0].raw}, which is not known")
    if run.feed is None:
        return unknown("a shell for a person")
    return run.script(run.feed.script)


@handler
def _env(call: Call, run: Run) -> Verdict:
    """`env [NAME=VALUE…] COMMAND`; `sudo` takes assignments too."""
    rest = [*map(argument, _split(call)), *call.operands, *call.inner]
    verdict = read()
    while rest and _ASSIGNMENT.match(rest[0].text):
        name, _, value = rest.pop(0).text.partition("=")
        verdict |= run.variable(name, value)
    if rest and call.given("-R", "--chroot"):
        return verdict | run.elsewhere_argv(rest)
    if rest:
        flags = ("-C", "--chdir") if call.program == "env" else ("-D", "--chdir")
        return verdict | run.argv(rest, directory="".join(call.values(*flags)[-1:]))
    if call.program == "env":
        return verdict | read("env prints the environment", secret=True)
    if call.given("-i", "-s", "--login", "--shell"):
        return unknown("a shell or an editor for a person")
    return verdict


def _split(call: Call) -> list[str]:
    """The words of `env -S TEXT`; UNSEEN where env would put something in their place."""
    texts = call.values("-S", "--split-string")
    return [UNSEEN] if any(re.search(r"[\\$#'\"]", text) for text in texts) else " ".join(texts).split()


@handler
def _su(call: Call, run: Run) -> Verdict:
    texts = call.values("-c", "--command")
    return worst([run.script(text) for text in texts]) if texts else unknown("a shell for a person")


@handler
def _xargs(call: Call, run: Run) -> Verdict:
    inner = call.inner or [argument("echo")]
    marks = [value or "{}" for value in call.values("-I", "-i", "--replace", "-J")]
    words = [filled(word, marks) for word in inner]
    more = argument(UNSEEN)._replace(substituted=True)
    return run.argv(words if marks else [*words, more], fed=False)


@handler
def _parallel(call: Call, run: Run) -> Verdict:
    if call.given("--dry-run"):
        return read()
    before = list(takewhile(lambda word: not word.startswith(":::"), (word.text for word in call.inner)))
    if not before or any("{=" in word for word in before):
        return unknown("runs the lines of its standard input")
    return run.script(" ".join(re.sub(r"\{(?:-?\d*[./]{0,2}|#|%)\}", "$(:)", word) for word in before))


@handler
def _strace(call: Call, run: Run) -> Verdict:
    if any(path.startswith(("|", "!")) for path in call.values("-o")):
        return unknown("runs a program on what it traces")
    return run.argv(call.inner)


@handler
def _trap(call: Call, run: Run) -> Verdict:
    return run.script(call.texts[0]) if len(call.operands) > 1 and call.texts[0] != "-" else read()


@handler
def _alias(call: Call, run: Run) -> Verdict:
    texts = [text.partition("=")[2] for text in call.texts if "=" in text]
    return worst([run.script(text) for text in texts])


@handler
def _prints_variables(call: Call, run: Run) -> Verdict:
    """`set`, `declare -p`, `export`: without names they print every variable."""
    flags = all(word.text[:1] in "-+" for word in call.arguments[1:])
    prints = flags and (call.program != "set" or len(call.arguments) == 1)
    if call.program == "set":
        return read(secret=prints)
    return read(secret=(prints and not call.given("-f", "-F")) or (call.given("-p") and not call.operands))


@handler
def _printenv(call: Call, run: Run) -> Verdict:
    return read(secret=not call.operands or any(map(run.is_secret_name, call.texts)))


@handler
def _ps(call: Call, run: Run) -> Verdict:
    words = [word.text for word in call.arguments[1:2]]
    return read(secret=any("e" in word and not word.startswith("-") for word in words))


@handler
def _flock(call: Call, run: Run) -> Verdict:
    """`flock FILE COMMAND`, also with the command as the text of `-c`."""
    inner = call.inner
    if inner and inner[0].text in ("-c", "--command"):
        return run.script(inner[1].text) if len(inner) > 1 else read()
    return run.argv(inner) if inner else read()


@handler
def _command(call: Call, run: Run) -> Verdict:
    return read() if call.given("-v", "-V") or not call.inner else run.argv(call.inner)
