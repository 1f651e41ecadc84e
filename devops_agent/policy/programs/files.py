"""Files and text: what copies, packs, finds and edits them."""

import re
from collections.abc import Sequence
from itertools import pairwise

from devops_agent.policy import languages
from devops_agent.policy.call import Argument, Call, argument
from devops_agent.policy.handlers import Run, analysed, filled, handler, is_remote, worst
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Effect, Verdict, change, destructive, read, unknown


@handler
def _copy(call: Call, run: Run) -> Verdict:
    """cp, mv, ln, install: where each source goes."""
    targets = call.values("-t", "--target-directory")
    sources = call.operands if targets else call.operands[:-1]
    if call.program == "install" and call.given("-d", "--directory"):
        return worst([run.write(text, makes_folder=True) for text in call.texts])
    if not targets and len(call.operands) == 1 and call.program == "ln":
        sources, targets = call.operands, ["."]
    target = targets[-1] if targets else call.operands[-1].text if call.operands else ""
    if not sources:
        return read()
    if not targets and call.operands[-1].expands:
        return destructive(f"writes {call.operands[-1].raw}, which may exist")
    keeps = call.given("-n", "--no-clobber", "--update=none") or (
        call.given("-b", "--backup") and call.program != "ln"
    )
    verdict = _mode(call, run) if call.program == "install" else read()
    for source in sources:
        place = run.inside(target, source.text)
        verdict |= run.write(place, appends=bool(keeps), makes_folder=False)
        if call.program == "ln" and not source.unseen:
            verdict |= run.work(source)  # what is written through the link is written there
        if call.program == "mv":
            verdict |= run.work(source) if not source.unseen else change("moves files")
    if call.program == "ln" and (call.given("-s", "--symbolic") is False) and call.given("-f", "--force"):
        verdict |= destructive("ln -f replaces what is there")
    return verdict


def _mode(call: Call, run: Run) -> Verdict:
    modes = call.values("-m", "--mode")
    return destructive("lets everybody write, or runs as its owner") if any(map(_is_open, modes)) else read()


def _is_open(mode: str) -> bool:
    """Whether a mode lets everybody write, or makes a program run as its owner."""
    if re.fullmatch(r"[0-7]{3,5}", mode):
        return int(mode[-1]) & 2 != 0 or (len(mode) > 3 and int(mode[-4]) & 6 != 0)
    return any(
        re.search(r"[+=]\w*s", part) or re.match(r"[ug]*[oa]*[oa][ugoa]*[+=]\w*w", part) or UNSEEN in part
        for part in mode.split(",")
    )


@handler
def _chmod(call: Call, run: Run) -> Verdict:
    modes = [word.text for word in call.operands[:1]]
    files = call.operands[1:]
    if call.given("--reference"):
        modes, files = [], call.operands
    if any(map(_is_open, modes)):
        return destructive("lets everybody write, or runs as its owner")
    return worst([run.work(word) for word in files])


@handler
def _chown(call: Call, run: Run) -> Verdict:
    return worst([run.work(word) for word in call.operands[1:]])


@handler
def _dd(call: Call, run: Run) -> Verdict:
    verdict = read()
    for word in call.arguments[1:]:
        name, _, value = word.text.partition("=")
        if name == "of":
            verdict |= run.write(value)
        elif name == "if" and run.holds_secret(value):
            verdict |= read("reads a file with secrets", secret=True)
    return verdict


@handler
def _find(call: Call, run: Run) -> Verdict:
    words = list(call.arguments[1:])
    verdict, at = read(), 0
    while at < len(words):
        text = words[at].text
        at += 1
        if text == "-delete":
            verdict |= destructive("find -delete")
        elif text in ("-exec", "-execdir", "-ok", "-okdir"):
            end = next((i for i in range(at, len(words)) if words[i].text in (";", "+")), len(words))
            inner = [filled(word, ["{}"]) for word in words[at:end]]
            verdict |= run.argv(inner) if inner else unknown("find runs nothing that is known")
            verdict |= _finds_secrets(words[:at], inner, run)
            at = end + 1
        elif text in ("-fprint", "-fprint0", "-fls", "-fprintf") and at < len(words):
            verdict |= run.write(words[at].text)
        elif text.startswith("-") and words[at - 1].unseen:
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
    scripts = call.values("-e", "--expression")
    if call.given("-f", "--file"):
        return unknown("sed runs a script that is not known")
    if not scripts:
        scripts = [word.text for word in call.operands[:1]]
    verdict = analysed(languages.sed("\n".join(scripts)), run)
    if any(
        word.text.startswith(("-i", "--i")) or re.match(r"-[nErsuz]+i", word.text)
        for word in call.arguments[1:]
    ):
        verdict |= destructive("sed -i overwrites files")
    return verdict


@handler
def _awk(call: Call, run: Run) -> Verdict:
    if call.given("-f", "--file", "-E", "--exec", "-i", "--include", "-l", "--load"):
        return unknown("awk runs a program that is not known")
    programs = call.values("-e", "--source") or [word.text for word in call.operands[:1]]
    return worst([analysed(languages.awk(text), run) for text in programs])


@handler
def _perl(call: Call, run: Run) -> Verdict:
    texts: list[str] = []
    words = list(call.arguments[1:])
    in_place = False
    while words and words[0].text.startswith("-") and words[0].text != "--":
        flag = words.pop(0).text
        in_place = in_place or bool(re.match(r"-[0-9a-zA-Z]*i", flag) and not re.match(r"-[MmIF]", flag))
        if re.match(r"-[MmI]", flag):
            texts.append("use unseen")
        if re.fullmatch(r"-[0-9A-Za-z.]*[eE]", flag) and words:
            texts.append(words.pop(0).text)
        elif flag in ("-v", "-V", "-c"):
            return read()
    if not texts:
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
        if re.fullmatch(r"-[A-Za-z]*c", flag) and words:
            return analysed(languages.python(words[0].text), run)
        if re.fullmatch(r"-[A-Za-z]*m", flag) and words:
            return _python_module(words, run)
        if flag in ("-W", "-X") and words:
            words.pop(0)
    if words and words[0].text != "-":
        return unknown(f"runs {words[0].raw}, which is not known")
    if run.feed is None or run.feed.text is None:
        return unknown("runs Python that is not known")
    return analysed(languages.python(run.feed.text), run)


def _python_module(words: Sequence[Argument], run: Run) -> Verdict:
    module, rest = words[0].text, words[1:]
    if module in ("pip", "ensurepip"):
        return run.argv([argument("pip"), *rest])
    if module == "json.tool":
        files = [word for word in rest if not word.text.startswith("-")]
        return run.write(files[1].text) if len(files) > 1 else read()
    if module == "venv":
        return worst([run.write(word.text, makes_folder=True) for word in rest if word.text[:1] != "-"])
    if module in ("site", "sysconfig", "platform", "calendar", "this"):
        return read()
    if module in ("http.server", "compileall"):
        return change(f"python -m {module}")
    return unknown(f"python -m {module} is not known")


_NODE_READS = re.compile(
    r"\s*(JSON\.stringify\()?require\(\s*(['\"])\./[\w./-]+\.json\2\s*\)(\.\w+|\[['\"]?[\w-]+['\"]?\])*\)?;?\s*"
    r"|process\.versions?(\.\w+)*"
)


@handler
def _node(call: Call, run: Run) -> Verdict:
    """`node -p 'require("./package.json").name'` reads; what else node runs is not known."""
    if call.given("-v", "--version"):
        return read()
    texts = call.values("-p", "--print", "-pe", "-e", "--eval")
    if texts and all(_NODE_READS.fullmatch(text) for text in texts):
        return read()
    return unknown("node runs what is not known") | read(secret=any("process.env" in text for text in texts))


@handler
def _tar(call: Call, run: Run) -> Verdict:
    first = call.arguments[1].text if len(call.arguments) > 1 else ""
    letters = first.lstrip("-") if re.fullmatch(r"-?[A-Za-z]+", first) else ""
    words = [word.text for word in call.arguments[1:]]
    flags = set(letters) | {word[1] for word in words if re.fullmatch(r"-[A-Za-z]", word)}
    flags |= {letter for word in words if re.fullmatch(r"-[A-Za-z]+", word) for letter in word[1:]}
    names = {"--create": "c", "--extract": "x", "--get": "x", "--list": "t", "--append": "r", "--update": "u"}
    flags |= {names[word] for word in words if word in names}
    runs = (
        "--to-command",
        "--checkpoint-action",
        "-I",
        "--use-compress-program",
        "-F",
        "--info-script",
        "--rsh-command",
    )
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in runs or (
            name.startswith("--") and len(name) > 4 and any(each.startswith(name) for each in runs)
        ):
            text = value if equals else "".join(words[at + 1 : at + 2])
            verdict = run.script(text.removeprefix("exec="))
            if verdict.effect is not Effect.READ or "exec" in text:
                return verdict
    if any("--remove-files".startswith(word) and len(word) > 4 for word in words):
        return destructive("tar --remove-files")
    archive = _after(words, "-f", "--file", first, letters, "f")
    if is_remote(archive) and "t" not in flags:
        return destructive("tar works on an archive on another machine")
    if "t" in flags or "d" in flags:
        return read()
    if flags & set("cru"):
        return run.write(archive, appends=bool(flags & set("ru"))) if archive else read()
    if "x" not in flags or "O" in flags or "--to-stdout" in words:
        return read() if "x" in flags else unknown("tar with a letter that is not known")
    folder = _after(words, "-C", "--directory", first, letters, "C") or "."
    careful = "k" in flags or "--keep-old-files" in words or "--skip-old-files" in words
    return _unpacks(folder, careful, run)


def _unpacks(folder: str, careful: bool, run: Run) -> Verdict:
    """Unpacking into a folder: what is there may be overwritten, unless the folder is new."""
    verdict = run.write(f"{folder.rstrip('/')}/unpacked", makes_folder=True)
    if verdict.effect is Effect.CHANGE and not careful and folder.rstrip("/") in (".", ""):
        return destructive("unpacks over the files of the working directory")
    return verdict


def _after(words: Sequence[str], short: str, long: str, first: str, letters: str, letter: str) -> str:
    """The value of a flag of tar, also of one in its first word."""
    for at, word in enumerate(words):
        if word in (short, long) or re.fullmatch(rf"-[A-Za-z]*{letter}", word):
            return "".join(words[at + 1 : at + 2])
        if word.startswith(f"{long}="):
            return word.partition("=")[2]
    if letter in letters and not first.startswith("-"):
        taking = [each for each in letters if each in "fCbTXI"]
        return "".join(words[1 + taking.index(letter) :][:1])
    return ""


@handler
def _zip(call: Call, run: Run) -> Verdict:
    if call.given("-sf", "-T", "-h"):
        return read()
    if call.given("-m", "--move", "-d", "--delete"):
        return destructive("zip removes files")
    return run.write(call.texts[0], appends=True) if call.operands and call.texts[0] != "-" else read()


@handler
def _unzip(call: Call, run: Run) -> Verdict:
    if call.given("-l", "-v", "-t", "-p", "-Z", "-z"):
        return read()
    return _unpacks((call.values("-d") or ["."])[-1], call.given("-n"), run)


@handler
def _gzip(call: Call, run: Run) -> Verdict:
    if call.given("-c", "--stdout", "--to-stdout", "-l", "--list", "-t", "--test") or not call.operands:
        return read()
    if call.given("-f", "--force"):
        return destructive(f"{call.program} -f overwrites files")
    return worst(
        [change(f"{call.program} {word.raw}") if word.unseen else run.work(word) for word in call.operands]
    )


@handler
def _split(call: Call, run: Run) -> Verdict:
    filters = call.values("--filter")
    if filters:
        return worst([_split_filter(text, run) for text in filters])
    prefix = call.texts[1] if len(call.operands) > 1 else "x"
    return run.write(f"{prefix}aa")


def _split_filter(text: str, run: Run) -> Verdict:
    """`$FILE` in a filter is the name of a piece."""
    return run.script(re.sub(r"\$FILE\b|\$\{FILE\}", "piece-of-split", text))


@handler
def _sort(call: Call, run: Run) -> Verdict:
    if call.given("--compress-program"):
        return unknown("sort runs a program")
    return worst([run.write(path) for path in call.values("-o", "--output")])


@handler
def _xxd(call: Call, run: Run) -> Verdict:
    return run.write(call.texts[1]) if len(call.operands) > 1 else read()


@handler
def _date(call: Call, run: Run) -> Verdict:
    sets = any(re.match(r"-[uR]*s|--s", word.text) for word in call.arguments[1:])
    plain = all(text.startswith("+") for text in call.texts)
    return read() if plain and not sets else destructive("sets the clock")


@handler
def _jq(call: Call, run: Run) -> Verdict:
    program = call.texts[0] if call.operands else ""
    return read(secret=bool(re.search(r"\benv\b|\$ENV\b", program)))


@handler
def _yq(call: Call, run: Run) -> Verdict:
    if call.given("-i", "--inplace", "--in-place", "-s", "--split-exp"):
        return destructive("yq -i overwrites files")
    return _jq(call, run)


@handler
def _openssl(call: Call, run: Run) -> Verdict:
    """openssl: what it writes, and that `s_client` sends its standard input."""
    verdict = read()
    outs = call.values("-out", "-keyout", "-CAserial", "-sigfile", "-writerand")
    for path in outs:
        verdict |= run.write(path)
    fed = run.feed and (run.feed.text is None or run.feed.text.strip() not in ("Q", "x", ""))
    if call.verb in ("s_client", "ocsp") and fed:
        verdict |= destructive("sends its standard input to another machine")
    prints_key = call.verb in ("genrsa", "genpkey", "rsa", "pkey", "ec", "pkcs12", "genpkey")
    quiet = call.given("-noout", "-pubout", "-pubin", "-check") or outs
    return verdict | read(secret=prints_key and not quiet)


@handler
def _pager(call: Call, run: Run) -> Verdict:
    """`less +COMMAND` runs a command of less at its start."""
    starts = [text for text in call.texts if text.startswith("+")]
    runs = any("!" in text or "|" in text for text in starts)
    return unknown("less runs a command") if runs else read()
