"""Interpreters: what the programs do that stand in their words or in their standard input."""

import re
from collections.abc import Sequence

from devops_agent.patterns import regex
from devops_agent.policy import languages
from devops_agent.policy.call import Argument, Call, argument
from devops_agent.policy.handlers import Run, analysed, handler, worst
from devops_agent.policy.programs.archives import unpacks
from devops_agent.policy.programs.flags import known_flags
from devops_agent.policy.verdict import Verdict, change, destructive, read, unknown


@handler
def _awk(call: Call, run: Run) -> Verdict:
    programs = call.values("-e", "--source") or call.texts[:1]
    return known_flags(call) | worst([analysed(languages.awk(text), run) for text in programs])


_PERL_FLAG = regex(r"-[0nplawWXtTsuh1-9]*(i[\w.~*]*|F(\\?.|/[^/]*/|[\w:;, ]+)|C\w*|e|E|0x\w+)?")
# A file that perl opens as a command, or to write it.
_PERL_OPENS = regex(r"\s*[|<>+]|.*\|\s*$", re.S)


@handler
def _perl(call: Call, run: Run) -> Verdict:
    texts: list[str] = []
    words = list(call.arguments[1:])
    in_place = False
    while words and words[0].text.startswith("-") and words[0].text != "--":
        flag = words.pop(0).text
        if flag in ("-v", "-V"):
            return read()
        form = _PERL_FLAG.fullmatch(flag)
        if not form:
            return unknown(f"perl {flag} is not known")
        in_place = in_place or (form[1] or "")[:1] == "i"
        if form[1] in ("e", "E") and words:
            texts.append(words.pop(0).text)
    if not texts or any(_PERL_OPENS.match(word.text) for word in words):
        return unknown("perl runs a program that is not known")
    verdict = languages.perl("\n".join(texts))
    return verdict | destructive("perl -i overwrites files") if in_place else verdict


@handler
def _python(call: Call, run: Run) -> Verdict:
    words = list(call.arguments[1:])
    while words and words[0].text.startswith("-") and words[0].text != "-":
        flag = words.pop(0).text
        if flag in ("-V", "-VV", "--version", "-h", "--help"):
            return read()
        # -i goes on with the standard input, -x leaves out the first line
        if re.match("-[bBdEIOPqsSuv]*[ix]", flag):
            return unknown(f"python {flag} is not known")
        if re.fullmatch(r"-[A-Za-z]*c", flag) and words:
            return analysed(languages.python(words[0].text), run)
        if re.fullmatch(r"-[A-Za-z]*m", flag) and words:
            return _python_module(words, run)
        if flag in ("-W", "-X") and words:
            words.pop(0)
        elif not re.fullmatch("-([bBdEIOPqsSuv]+|[WX].+)", flag):
            return unknown(f"python {flag} is not known")
    if words and words[0].text != "-":
        return unknown(f"runs {words[0].raw}, which is not known")
    if run.feed is None or run.feed.text is None:
        return unknown("runs Python that is not known")
    return analysed(languages.python(run.feed.text), run)


def _python_module(words: Sequence[Argument], run: Run) -> Verdict:
    module, rest = words[0].text, words[1:]
    flags = [word.text for word in rest if word.text.startswith("-")]
    files = [word.text for word in rest if not word.text.startswith("-")]
    if module == "pip":
        return run.argv([argument("pip"), *rest])
    if module == "json.tool":
        files = [each for each in files if not each.isdigit()]  # the value of --indent
        return run.write(files[1]) if len(files) > 1 else read()
    if module == "venv":
        harmless = all(flag in _VENV_FLAGS for flag in flags)
        made = worst([run.write(each, makes_folder=True) for each in files])
        return made if harmless else made | unknown("python -m venv with a flag that is not known")
    if module in ("zipfile", "tarfile"):
        return _python_archive(module, flags, files, run)
    if module in ("site", "sysconfig", "platform", "calendar", "this"):
        return read()
    if module == "http.server" and "--cgi" in flags:
        return unknown("a server that runs programs")
    if module in ("http.server", "compileall", "py_compile", "ensurepip"):
        return change(f"python -m {module}")
    return unknown(f"python -m {module} is not known")


_VENV_FLAGS = (
    "--system-site-packages --symlinks --copies --upgrade --upgrade-deps --without-pip --prompt".split()
)


def _python_archive(module: str, flags: Sequence[str], files: Sequence[str], run: Run) -> Verdict:
    """The modules zipfile and tarfile: `-l ARCHIVE`, `-c ARCHIVE FILE…`, `-e ARCHIVE [FOLDER]`."""
    action = next((flag for flag in flags if flag not in ("-v", "--verbose")), "")
    if action in ("-l", "--list", "-t", "--test"):
        return read()
    if action in ("-c", "--create") and files:
        return run.write(files[0])
    if action in ("-e", "--extract"):
        return unpacks((*files[1:], ".")[0], False, run)
    return unknown(f"python -m {module} is not known")


# A small part of JavaScript that only looks: files, JSON, the environment, what is printed of them.
_TEXT = r"(?:'[^'\\]*'|\"[^\"\\]*\")"
_REQUIRED = r"require\(['\"](?:node:)?fs['\"]\)"
_FS = rf"(?:fs|{_REQUIRED})\.(?:readFileSync|existsSync|readdirSync)\({_TEXT}(?:, ?{_TEXT})?\)"
_MEMBER = r"(?:\.\w+|\[(?:\d+|'[\w./@-]+'|\"[\w./@-]+\")\])*"
_VALUE = (
    rf"(?:require\(['\"]\./[\w./-]+\.json['\"]\){_MEMBER}|JSON\.parse\({_FS}\){_MEMBER}|{_FS}(?:\.toString\(\))?"
    rf"|process\.(?:env|version|versions|platform|arch|pid|cwd\(\)|uptime\(\)){_MEMBER}|{_TEXT})"
)
_SHOWN = (
    rf"(?:JSON\.stringify\({_VALUE}(?:, ?null, ?\d)?\)|Object\.(?:keys|values|entries)\({_VALUE}\)|{_VALUE})"
)
_STATEMENT = rf"\s*(?:console\.log\({_SHOWN}(?:, ?{_SHOWN})*\)|{_SHOWN})\s*"
_NODE_READS = regex(rf"(?:(?:const|let|var) fs ?= ?{_REQUIRED}; ?)?{_STATEMENT}(?:;{_STATEMENT})*;?\s*")
_LONGEST_SCRIPT = 2000


@handler
def _node(call: Call, run: Run) -> Verdict:
    """`node -p 'require("./package.json").name'` reads; what else node runs is not known."""
    if call.given("-v", "--version"):
        return read()
    texts = call.values("-p", "--print", "-pe", "-e", "--eval")
    only = set(call.flags.values) <= {"-p", "--print", "-pe", "-e", "--eval"}
    names = [name for text in texts for name in re.findall(r"['\"]([^'\"]+)['\"]", text)]
    looks = read(secret=any("process.env" in text for text in texts) or any(map(run.holds_secret, names)))
    short = all(len(text) < _LONGEST_SCRIPT for text in texts)
    if texts and only and short and not call.operands and all(map(_NODE_READS.fullmatch, texts)):
        return looks
    return looks | unknown("node runs what is not known")


@handler
def _versions(call: Call, run: Run) -> Verdict:
    """What runs or compiles programs that are not known: one may ask it for its version."""
    asks = [word.text for word in call.arguments[1:]] in (["-v"], ["-version"], ["--version"], ["-V"])
    return read() if asks else unknown(f"{call.program} runs or makes what is not known")
