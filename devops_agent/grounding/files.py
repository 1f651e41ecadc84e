"""What a task names on this machine: files, folders, certificates, variables, and values that it states."""

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path

from devops_agent import intent
from devops_agent.delimited import separator_of
from devops_agent.diagnosis import certificates, diagnose, manifests, mending, text_files
from devops_agent.diagnosis.finding import Finding, listed, speaks_of_trouble
from devops_agent.files import is_file, text_if_readable
from devops_agent.grounding.ground import Ground
from devops_agent.grounding.task_words import PATH, paths_in, tells_of_trouble, words_of
from devops_agent.patterns import regex
from devops_agent.policy.variables import is_secret_name

_MOST_FILES = 30
_PARTS = r"lines?|rows?|entr(?:y|ies)|settings?|keys?|blocks?|sections?|comments?|values?|words?|fields?"
# Such a task is about the file, not about what is in it.
_NOT_ITS_TEXT = regex(
    rf"\b(?!delet(?:e|ing) (?:[\w']+ ){{0,4}}(?:{_PARTS})\b)"
    r"(?:(?:apply|build|run|execut\w+|mov(?:e|ing)|renam(?:e|ing)|copy(?:ing)?|delet(?:e|ing)|compress(?:ing)?"
    r"|archiv(?:e|ing)|pack(?:ing)?|unpack(?:ing)?|extract(?:ing)?|symlink|link)\b(?!/| every\b| at\b)"
    r"|chmod|permissions?|owner\w*|(?:how|which) (?:big|large)|largest|file size|size of)\b",
    re.IGNORECASE,
)
_SHORT_FILE = 2400
_LARGEST_FILE = 200_000
_PORT = regex(r"\bport:? (\d{2,5})\b", re.IGNORECASE)
_HTTP_PATH = regex(r"(?<!\S)[\"'`]?(/[\w./?=&-]*?)[\"'`]?(?=[,;:!?]|\.?(?:\s|$))")
_URL = regex(r"https?://[\w.:/?=&%~-]*[\w/]")
# "older than 14 days", "not touched for 14 days", "5xx responses"
_AGE = regex(
    r"\b(?:older than|more than|over|not (?:modified|changed|touched) (?:for|in)) (\d+) days\b", re.IGNORECASE
)
_STATUS = regex(r"(?<![\w.:/-])([1-5](?:\d\d|xx))(?=s?\b(?![./:-]?\d))", re.IGNORECASE)
_ACCESS_LOG = regex(r"\baccess[\w-]*[. ]logs?\b|\bstatus\b|\bresponses?\b", re.IGNORECASE)
_STARTS_AGAIN = r"\b(?:re-?start|reboot|boot|come|start)\w*\b"
# When Docker starts a container again, in words.
_RESTART_POLICIES = {
    "unless-stopped": regex(
        rf"{_STARTS_AGAIN}.*\bunless\b[^.;]{{0,40}}\bstop|\bunless-stopped\b", re.IGNORECASE
    ),
    "on-failure": regex(
        rf"{_STARTS_AGAIN}[^.;]{{0,30}}\b(?:on[ -]failure|only (?:if|when|after) (?:it )?(?:fail|crash))",
        re.IGNORECASE,
    ),
    "always": regex(
        r"\balways re-?start|\bre-?start\w*(?: policy)?(?: of)?(?: \S+)?(?: to)? always\b", re.IGNORECASE
    ),
}
_NO_POLICY = regex(
    r"\bnever\b|n['’]t (?:re-?)?start\b|\A\W*(?:why|when|does|do)\b"
    r"|\A\W*(?:please )?restart\b(?!.*\bonly\b)",
    re.IGNORECASE,
)
_WORD_SOUGHT = regex(r"\bword:? [\"'`]?([\w.-]*\w)")
_KEY_FILE = regex(r"(?<![\w./~-])((?:[\w.~-]*/)*[\w-][\w.-]*\.key)\b")
_CERTIFICATE_FILE = regex(r"(?<![\w./~-])((?:[\w.~-]*/)*[\w-][\w.-]*\.(?:crt|cer|pem))\b")
_ENV_FILE = regex(r"(?<![\w./-])((?:[\w.-]+/)*[\w-]*\.env)(?![\w./-]\w)")
_PID_FILE = regex(r"(?<![\w./~-])((?:[\w.~-]*/)*[\w-][\w.-]*\.pid)\b")
# "replace the word a by b"
_REPLACES = regex(
    r"\b(?:replace|substitute)\s+"
    r"(?:(?:the\s+)?(?:word|text|string|host ?name|host)\s+[\"'`]?([^\s\"'`]{2,})"
    r"|(?:the\s+)?[\"'`]([^\"'`]{2,})"
    r"|(?!(?:the|an?|all|any|each|every\w*|them|it|its|this|that|these|those|my|our)\b)([^\s\"'`]{2,}))"
    r"[\"'`]?\s+(?:by|with)\s",
    re.IGNORECASE,
)
# Such a task may be about a script that cannot be started.
_STARTS = regex(r"\b(?:permission|denied|execut\w*|start(?:s|ed)?|runs?|cron\w*|nightly)\b", re.IGNORECASE)
_MOST_LOGS = 4
VALUES = regex("|".join(each.pattern for each in (_PORT, _URL, _AGE)), re.IGNORECASE)
# "turn compression on", "set workers to 12": a setting and its value; and that it is not the only wish.
_SETS = regex(
    r"\b(?:turn|switch) (?:the )?([\w.-]+) (on|off)\b"
    r"|\b(?:set|change|switch) (?:the )?([\w.-]+) (?:to|=) [\"'`]?([^\s\"'`]+)",
    re.IGNORECASE,
)
_SETS_MORE = regex(r"\band\b|\bthen\b|,", re.IGNORECASE)
_HERE = regex(
    r"\b(?:current|this|working) (?:directory|folder)\b|\b(?:are|is|in|files?) here\b", re.IGNORECASE
)


def listing(task: str, directory: Path) -> Iterator[str]:
    """The names in the working directory, and in the folders of it that a task names."""
    here = _names_in(directory)
    if here:
        yield f"Files here: {listed(here, _MOST_FILES)}"
    words = words_of(task)
    for folder in [each for each in here if each.endswith("/") and each.rstrip("/").lower() in words][:2]:
        yield f"Files in {folder}: {listed(_names_in(directory / folder), _MOST_FILES)}"


def named_folders(task: str, directory: Path) -> list[str]:
    """The folders that a task names and that are there."""
    return [word for word in paths_in(task) if _is_named_folder(word, task, directory)]


def _is_named_folder(word: str, task: str, directory: Path) -> bool:
    whole = rf"{re.escape(word)}(?![\w/-]|\.\w)"
    said = "/" in word or re.search(
        rf"\b(?:folders?|director(?:y|ies)) {whole}|\b(?:in|below|under|inside)(?: the)? {whole}(?! of\b)",
        task,
    )
    try:
        return bool(said) and (directory / Path(word).expanduser()).is_dir()
    except (OSError, RuntimeError):  # too long, or the home of nobody
        return False


# Of the certificates one alone is asked for.
_WHICH = r"\b(?:which|what) (?:(?:one )?of (?:the|my|our|these|those) )?(?:\w+ )?(?:cert\w*|one)\b.*\b"
_ENDS_FIRST = regex(rf"{_WHICH}(?:first|next|soonest|earliest)\b", re.IGNORECASE)
_ENDS_LAST = regex(rf"{_WHICH}(?:last|latest|longest)\b", re.IGNORECASE)


def certificate_lines(task: str, directory: Path) -> list[str]:
    """Until when the certificates are valid that a task names, or that lie in a folder that it names."""
    named = [directory / word for word in paths_in(task)]
    try:
        paths = certificates.in_files([path for path in named if path.exists()] or [directory])
    except OSError:
        return []
    ends = certificates.expiries(paths, datetime.now(timezone.utc))
    if _ENDS_FIRST.search(task):
        ends = ends[:1]
    elif _ENDS_LAST.search(task):
        ends = ends[-1:]
    return [line.removeprefix(f"{directory}/") for line in ends]


def values_of(task: str, directory: Path) -> Iterator[tuple[str, str]]:
    """Values that a task states as clearly as names: a port, a word to look for, a folder."""
    for field_name, pattern in (
        ("url", _URL),
        ("port", _PORT),
        ("word", _WORD_SOUGHT),
        ("http_path", _HTTP_PATH),
        ("days", _AGE),
        ("key_file", _KEY_FILE),
        ("certificate_file", _CERTIFICATE_FILE),
        ("pid_file", _PID_FILE),
    ):
        if len(found := set(pattern.findall(task))) == 1:
            yield field_name, found.pop()
    policies = {policy for policy, said in _RESTART_POLICIES.items() if said.search(task)}
    if len(policies) == 1 and not _NO_POLICY.search(task):
        yield "restart_policy", policies.pop()
    if _ACCESS_LOG.search(task) and len(found := set(_STATUS.findall(task))) == 1:
        yield "status", found.pop().lower()
    if len(found := {each for each in _ENV_FILE.findall(task) if is_file(directory / each)}) == 1:
        yield "env_file", found.pop()
    configs = [word for word in paths_in(task) if "kubeconfig" in word and is_file(directory / word)]
    if len(configs) == 1:
        yield "kubeconfig", configs[0]
    if started := _start_file(directory):
        yield "start_file", started
    folders = named_folders(task, directory)
    if len(folders) == 1:
        yield "directory", folders[0]
    elif not folders and _HERE.search(task):
        yield "directory", "."


_PYTHON_STARTS = ("app.py", "main.py", "server.py", "manage.py", "wsgi.py", "run.py")
_NODE_STARTS = regex(r"^node (?:--?[\w=-]+ )*([\w./-]+)$")


def _start_file(directory: Path) -> str:
    """The file with which the app of a folder starts; "" where none is told, or several may be meant."""
    found = [name for name in _PYTHON_STARTS if is_file(directory / name)]
    package = text_if_readable(directory / "package.json")
    if package:
        try:
            told = json.loads(package)
            starts = _NODE_STARTS.match(str(told.get("scripts", {}).get("start", "")))
            found.append(starts[1] if starts else str(told.get("main", "index.js")))
        except (ValueError, AttributeError):
            return ""
    return found[0] if len(found) == 1 and is_file(directory / found[0]) else ""


# What stands in code: DB_TIMEOUT, newCheckout(), and what is quoted.
_IDENTIFIER = regex(
    r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\b[a-z]+(?:[A-Z][a-z0-9]+)+\b|\b[a-z]+(?:_[a-z0-9]+)+\b"
    r"|[\"`'“]([^\"`'”]{3,60})[\"`'”]"
)
_ASKS_WHERE = regex(
    r"\b(?:where|which (?:files?|modules?|scripts?|services?)|who (?:reads|uses|sets|calls)|used|defined"
    r"|default)\b",
    re.IGNORECASE,
)
_OF_CODE = regex(r"\b(?:code|repo(?:sitory)?|project|source|files?|here)\b", re.IGNORECASE)
_MOST_MENTIONS, _LONGEST_MENTION = 8, 200


def asks_where(task: str) -> bool:
    """Whether a task asks where something stands in code."""
    return bool(_ASKS_WHERE.search(task) and _IDENTIFIER.search(task) and intent.is_question(task))


def mentions(task: str, directory: Path) -> list[str]:
    """The lines with an identifier that a task asks about, in the folders that it names or in all of them."""
    if not asks_where(task):
        return []
    folders = named_folders(task, directory) or (["."] if _OF_CODE.search(task) else [])
    if not folders:
        return []
    sought = {match[1] or match[0] for match in _IDENTIFIER.finditer(task)}
    skipped = [f"--exclude-dir={name}" for name in (".git", "node_modules", ".venv", "__pycache__")]
    patterns = [part for text in sorted(sought)[:3] for part in ("-e", text)]
    command = ("grep", "-rnIF", *skipped, *patterns, "--", *folders[:3])
    found = diagnose.run(*command, directory=directory).splitlines()
    return [line.strip()[:_LONGEST_MENTION] for line in found[:_MOST_MENTIONS]]


def in_logs(task: str, directory: Path) -> Iterator[Finding]:
    """What the logs say of trouble that lie in the folders that a task names."""
    folders = [folder for folder in named_folders(task, directory) if folder.rstrip("/")]
    for folder in folders[:2]:
        paths = sorted((directory / Path(folder).expanduser()).glob("*.log"))
        for path in paths[:_MOST_LOGS]:
            text = text_if_readable(path, _LARGEST_FILE) or ""
            if telling := speaks_of_trouble(text):
                yield Finding(f"{folder}/{path.name}", f"it says: {telling}")


# It says who one is, and nothing of what is to be done.
_KUBECONFIG = regex(r"^kind: *Config$|^\s*\"kind\": *\"Config\"", re.MULTILINE)


def read_named(task: str, directory: Path, ground: Ground) -> None:
    """What is wrong with the files that a task names, and their texts when they are short."""
    texts: dict[str, str] = {}
    for named in dict.fromkeys(PATH.findall(task)):
        path = directory / named
        if is_file(path):
            ground.names.setdefault("file", named)
        text = text_if_readable(path, _LARGEST_FILE)
        if not text:
            continue
        texts[named] = text
        if settled := _settled(task, named, text):
            ground.settled = settled
            ground.lines.append(settled)
            ground.informs = True
        findings = list(_wrong_with(named, path, text, task))
        if not findings and (tells_of_trouble(task) or _checks(task, named)):
            findings += _refused(named, path, text, task, ground)
        ground.trouble += findings
        ground.lines += (line for finding in findings for line in str(finding).splitlines())
        if findings and (better := mending.mended(path, text)):
            ground.mended[named] = better
        is_told = len(text) <= _SHORT_FILE and not _KUBECONFIG.search(text)
        if is_told and _is_about_text(task, named):
            ground.texts[named] = text
            ground.informs = True
            ground.lines += _columns(named, text)
    missing = _missing_source(task, directory)
    if texts:
        missing = missing or _missing_text(task, texts) or _missing_value(task, texts)
    if missing:
        ground.missing = missing
        ground.lines.append(missing)


def _refused(named: str, path: Path, text: str, task: str, ground: Ground) -> Iterator[Finding]:
    """Why cluster or Compose do not take a file that is made for them; notes that they do."""
    said = manifests.said_of(path, text)
    if said is None:
        return
    ground.about = "kubernetes" if said.by_cluster else "docker"
    by = "the cluster (kubectl apply --dry-run=server)" if said.by_cluster else "docker compose config"
    if said.complaint:
        better = manifests.mended(text, said.refused) if said.by_cluster else None
        if better:
            ground.mended[named] = better
        taken = f"it is taken when {better.change}" if better else ""
        yield Finding(named, f"{by} refuses it: {said.complaint}", taken)
    elif _checks(task, named):
        ground.fine = (
            f"{named}: no fault found in its form, {by} takes it as it is. "
            "Whether its values are what is meant cannot be told from that."
        )


_WRONG = r"(?:wrong|errors?|problems?|mistakes?|faults?|trouble)"
_GOOD = r"(?:valid|correct|ok(?:ay)?|fine|right|broken|wrong|sound)"


def _checks(task: str, named: str) -> bool:
    """Whether a task asks for no more than whether a file is right."""
    of_file = rf"(?:(?:the|my|our|this) )?(?:\w+ )?[\"'`@]?{re.escape(named)}[\"'`]?(?![\w/])"
    return bool(
        re.search(
            rf"\b{_WRONG} (?:with|in) {of_file}|\b(?:check|validate|lint) {of_file}"
            rf"|\bis {of_file} (?:a )?(?:syntactically )?{_GOOD}\b",
            task,
            re.IGNORECASE,
        )
    )


def _columns(named: str, text: str) -> Iterator[str]:
    """The columns of a table as awk counts them, which a small model does not."""
    separator = separator_of(named)
    names = text.splitlines()[0].split(separator) if separator else []
    if len(names) > 1 and all(re.fullmatch(r"[A-Za-z_][\w .-]*", name) for name in names):
        told = ", ".join(f"${number} {name}" for number, name in enumerate(names, 1))
        yield f"Columns of {named}: {told}"


def _is_about_text(task: str, named: str) -> bool:
    """Whether one of the things that a task says of a file is about what is in it."""
    wishes = [wish for wish in intent.wishes(task) if named in PATH.findall(wish)]
    inside = re.compile(
        rf"\A\W*(?:please )?(?:in|inside|within) (?:the file )?\W?{re.escape(named)}", re.IGNORECASE
    )
    return any(inside.match(wish) or not _NOT_ITS_TEXT.search(wish) for wish in wishes or [task])


# "Rename notes.txt to …": a file of this machine that must be there.
_SOURCE = regex(
    r"\b(?:rename|move|copy|unpack|extract|unzip|untar|compress|gzip|read|(?:delete|remove) the file) "
    rf"(?:the |my |our )?(?:file |script |archive )?[\"'`]?{PATH.pattern}",
    re.IGNORECASE,
)
_ELSEWHERE = regex(
    r"\b(?:containers?|pods?|images?|volumes?|out of|servers?|hosts?|stash|commit|branch)\b", re.IGNORECASE
)


def _missing_source(task: str, directory: Path) -> str:
    """That the file is not here with which a task wants something done, in a sentence."""
    found = None if _ELSEWHERE.search(task) else _SOURCE.search(task)
    try:
        there = found is None or (directory / Path(found[1]).expanduser()).exists()
    except (OSError, RuntimeError):  # too long, or the home of nobody
        there = True
    return "" if there or found is None else f"There is no file {found[1]} here."


def _missing_text(task: str, texts: Mapping[str, str]) -> str:
    """That what a task wants replaced is in none of its files, in a sentence."""
    sought = None if _NOT_ITS_TEXT.search(task) else _REPLACES.search(task)
    old = next(filter(None, sought.groups()), "") if sought else ""
    old = old or _entry_to_go(task, texts)
    there = any(old in text for text in texts.values())
    return "" if there else f"There is no text {old} in {listed(texts)}."


# "Take its entry out of ./hosts", "remove the line of db-1.internal"
_ENTRY_GOES = regex(
    r"\b(?:delete|remove|drop|take)\b[^.;]*?\b(?:entr(?:y|ies)|lines?|records?|host|address)\b", re.IGNORECASE
)
_HOST = regex(
    r"(?<![\w./:@*-])[a-z0-9][\w-]*(?:\.[\w-]+)*"
    r"\.(?!(?:txt|log|csv|json|ya?ml|ini|conf|cfg|md|out|bak|new)\b)[\w-]+(?![\w/:@*-]|\.\w)",
    re.IGNORECASE,
)


def _entry_to_go(task: str, texts: Mapping[str, str]) -> str:
    """The one host or address that a task names whose entry is to go; "" for none or several."""
    files = {Path(named).name for named in texts}
    hosts = {host for host in _HOST.findall(task) if host not in files} if _ENTRY_GOES.search(task) else set()
    return hosts.pop() if len(hosts) == 1 else ""


# "with the tag that next.env has as WEB_TAG", "the value of WEB_TAG"
_TAKES_VALUE = (
    r"\b(?:gives?|has|have|says?|holds?|states?|lists?|defines?|contains?)\b(?: \S+){{0,3}} {0}\b"
    r"|\bvalue (?:of|in|from) {0}\b|\bfrom {0}\b|\b{0} (?:from|of) "
)


def _missing_value(task: str, texts: Mapping[str, str]) -> str:
    """That a file gives no value for a variable that the task takes from it, in a sentence."""
    for named, text in texts.items():
        for variable in re.findall(r"^(?:export )?(\w{3,})=[ \t]*(?:[\"']{2})?[ \t]*$", text, re.MULTILINE):
            if re.search(_TAKES_VALUE.format(variable), task, re.IGNORECASE):
                return f"There is no value {variable} in {named}: it is empty there."
    return ""


def _settled(task: str, named: str, text: str) -> str:
    """That the one setting that a task wants has its value already, in a sentence."""
    wanted = [tuple(filter(None, groups)) for groups in _SETS.findall(task)]
    if len(wanted) != 1 or _SETS_MORE.search(task):
        return ""
    setting, value = wanted[0]
    value = value.rstrip(".,;")
    sets = rf"\s*[\"']?{re.escape(setting)}[\"']?\s*[=:\s]"
    so_already = rf"{sets}\s*[\"']?{re.escape(value)}[\"']?\s*[;,]?\s*$"
    lines = [line for line in text.splitlines() if re.match(sets, line, re.IGNORECASE)]
    so = len(lines) == 1 and bool(re.match(so_already, lines[0], re.IGNORECASE))
    return f"{setting} is {value} in {named} already: there is nothing to change." if so else ""


def _wrong_with(named: str, path: Path, text: str, task: str) -> Iterator[Finding]:
    if wrong := text_files.trouble(path, text):
        yield Finding(named, wrong)
    if text.startswith("#!") and text.partition("\n")[0].endswith("\r"):
        cause = "its lines end as on Windows (CRLF, carriage return), so that its interpreter is not found"
        yield Finding(named, cause, "", f"sed -i 's/\\r$//' {shlex.quote(named)}")
    if text.startswith("#!") and _STARTS.search(task) and not os.access(path, os.X_OK):
        mode = f"{path.stat().st_mode & 0o777:o}"
        yield Finding(named, f"it is not executable (mode {mode})", "", f"chmod +x {shlex.quote(named)}")


def _names_in(directory: Path) -> list[str]:
    try:
        with os.scandir(directory) as entries:  # which tells folders without a look at each file
            names = [f"{e.name}/" if e.is_dir(follow_symlinks=False) else e.name for e in entries]
    except OSError:
        return []
    return sorted("".join(c if c.isprintable() else "?" for c in name) for name in names)


# "Get DOCKER_USER from the environment", "read the environment variable HOME_PAGE"
_READS_VARIABLE = regex(
    r"\b(?P<a>[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+) from (?:the |my |our )?env(?:ironment)?\b"
    r"|(?i:\b(?:get|read|show|take) (?:the |my )?(?:environment|env) variable) "
    r"(?P<b>[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b"
)


def unset_variable(task: str, environ: Mapping[str, str]) -> str:
    """The variable that a task wants read from the environment and that is not set there; "" when all are."""
    named = [match["a"] or match["b"] for match in _READS_VARIABLE.finditer(task)]
    return next((name for name in named if name not in environ), "")


def variables_of(task: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that a task names and that are set; none that may hold a secret."""
    named = dict.fromkeys(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", task))
    return {name: environ[name] for name in named if environ.get(name) and not is_secret_name(name)}
