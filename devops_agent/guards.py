"""The guards: what keeps the user's things from harm, by what a task allows and by what is there.

A guard is a check of a call: it raises `CallRefused`, and its text goes back to the model.
"""

import os
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from devops_agent.diagnosis import text_files
from devops_agent.errors import CallRefused
from devops_agent.evidence import Evidence, invented
from devops_agent.files import is_file, text_if_readable
from devops_agent.forms.form import FileEdit
from devops_agent.forms.rewrite import Rewrite
from devops_agent.grounding.task_words import ADDRESS
from devops_agent.patterns import regex
from devops_agent.policy import effects
from devops_agent.policy.shell_text import parse_call, segments
from devops_agent.protocol import RECIPE, Call, ToolLike
from devops_agent.task_limits import Limits

Tools = Mapping[str, ToolLike]
Check = Callable[[Call, Tools, Evidence], None]

# Deleting one of these loses nothing that does not come again.
_COMES_AGAIN = regex(r"(?:po|pods?|jobs?|jobs\.batch)(?:/.*)?")
_REMOVERS = frozenset({"rm", "unlink", "shred", "truncate"})
_DROPS = regex(
    r"(?:docker|podman) (?:(?:\S+ )?prune\b|rmi\b|(?:volume|network|image) (?:rm|remove)\b"
    r"|(?:container )?rm\b.*\s(?:-\w*f\w*|--force)\b|compose down\b.*\s(?:-v|--volumes)\b)"
    r"|docker-compose down\b.*\s(?:-v|--volumes)\b|find\b.*\s-delete\b|git clean\b.*\s-\w*f"
    r"|helm (?:uninstall|delete)\b"
)
# Addresses that mean the same everywhere.
_ANYWHERE = regex(r"127\..*|0\.0\.0\.0|255\..*|(?:1\.1\.1\.1|8\.8\.[84]\.[84])")
_NOT_ASKED = "The task does not ask to delete anything. Do it without, or answer why it is not done."
_NOT_NOW = "The user does not want that now. Answer with what was found."


def removes_only_if_asked(call: Call, tools: Tools, evidence: Evidence) -> None:
    """Nothing is deleted for a task that does not say so: a small model clears its way with a delete."""
    if call.name != "bash" or evidence.limits.removes:
        return
    for segment in segments(call.arguments["command"]):
        words = segment.words[1:]
        own = evidence.written.issuperset(word for word in words if not word.startswith("-"))
        if (segment.name in _REMOVERS and not own) or _DROPS.match(" ".join((segment.name, *words))):
            raise CallRefused(_NOT_NOW if evidence.turned_down else _NOT_ASKED)
        if segment.name != "kubectl":
            continue
        _, verb, flags, operands = parse_call(segment.words)
        dry = flags.get("--dry-run") in ("client", "server")
        if verb == "delete" and not dry and not _COMES_AGAIN.fullmatch("".join(operands[:1])):
            raise CallRefused(_NOT_NOW if evidence.turned_down else _NOT_ASKED)


def removes_only_that_kind(call: Call, tools: Tools, evidence: Evidence) -> None:
    """Where files of a kind are to go, no others go with them: a small model names all that it has seen."""
    if call.name != "bash" or evidence.limits.spares or not evidence.limits.endings:
        return
    removing = [each for each in segments(call.arguments["command"]) if each.name in _REMOVERS]
    gone = [word for each in removing for word in each.words[1:] if not word.startswith("-")]
    others = [word for word in gone if not _is_of_kind(word, evidence.limits)]
    if others and len(others) < len(gone):
        raise CallRefused(f"The task does not ask to delete {', '.join(others)}. Leave that out.")


def _is_of_kind(path: str, limits: Limits) -> bool:
    """Whether a file has one of the endings, also before a number, as app.log.1; or the task names it."""
    parts = Path(path).name.lower().replace("~", ".old").split(".")[1:]
    return bool(limits.words & {path, Path(path).name}) or not set(limits.endings).isdisjoint(parts)


# `kill $(ps aux | grep web | …)`, `pkill -f web`: the command line of whoever runs the task names it too.
_KILLS_BY_TEXT = regex(
    r"\bkill\b[^;&|]*(?:\$\(|`)\s*(?:ps\b|pgrep\b[^)`]*\s-\w*f)|\bpkill\b[^;&|]*\s-\w*f\b"
    r"|\b(?:ps|pgrep)\b.*\|\s*xargs\b[^;&|]*\bkill\b"
)


def kills_by_id(call: Call, tools: Tools, evidence: Evidence) -> None:
    """A process is ended by its id: a search by text finds every process that only mentions it."""
    if call.name == "bash" and _KILLS_BY_TEXT.search(call.arguments["command"]):
        raise CallRefused(
            "That would also end processes that only mention it, such as this one. Look first, with "
            "pgrep -a NAME, then kill the one id."
        )


# What does that which a task may forbid, by the stem of its verb.
_ENDS = r"\b(?:kill|pkill)\b(?! -(?:HUP|USR\d|0|1)\b)"
_REMOVES = r"docker (?:\w+ )?(?:rm|rmi|prune)\b|kubectl\b.* delete\b|(?<![-\w])rm\b|git (?:branch|tag) -[dD]"
_DOES = {
    "restart": r"docker (?:restart|stop|kill|rm)\b|rollout restart|systemctl (?:restart|stop)",
    "recreat": r"docker (?:rm|kill)\b|kubectl\b.* (?:delete|replace --force)\b",
    "stop": rf"docker (?:stop|kill|rm|pause)\b|{_ENDS}|systemctl stop|compose (?:down|stop)",
    "delet": _REMOVES,
    "remov": _REMOVES,
    "start": r"docker (?:start|run|restart)\b|compose up|systemctl start",
    "push": r"\b(?:git|docker) push\b",
    "commit": r"\bgit commit\b",
    "kill": _ENDS,
    "appl": r"\bkubectl\b.* apply\b",
    "scal": r"\bkubectl\b.* scale\b",
}


def does_not_what_is_forbidden(call: Call, tools: Tools, evidence: Evidence) -> None:
    """What a task says not to do is not done."""
    if call.name != "bash" or effects.is_read(call.arguments["command"]):
        return
    for verb in evidence.limits.forbidden:
        pattern = next((does for stem, does in _DOES.items() if verb.startswith(stem)), "")
        if pattern and re.search(pattern, call.arguments["command"]):
            raise CallRefused(f"The task says not to {verb} anything of the kind. Do it in another way.")


# What takes all changes of a repository, or all files that it does not know.
_TAKES_ALL = regex(
    r"\bgit\b[^;&|]*\s(?:reset\b[^;&|]*\s--hard|clean\s+-\w*f|(?:checkout|restore)\b[^;&|]*\s(?:\.|:/)(?=\s|$))"
    r"|\b(?:docker|podman)\b[^;&|]*\sprune\b|\bdocker ps\b.*\bxargs\b.*\bdocker (?:rm|stop|kill)\b"
    r"|\bdocker (?:rm|stop|kill)\b[^;&|]*\$\(docker ps|\bkubectl\b[^;&|]*\sdelete\b[^;&|]*\s--all\b"
)


def spares_what_shall_stay(call: Call, tools: Tools, evidence: Evidence) -> None:
    """Where the task makes an exception, nothing is done that takes all."""
    if call.name == "bash" and evidence.limits.spares and _TAKES_ALL.search(call.arguments["command"]):
        raise CallRefused("That takes all, and the task says that something is to stay. Name what is to go.")


_ENDS_WHAT = regex(r"(?<![-\w])(?:rmi?|delete|kill|stop|remove|unlink|rmdir)\b\s(?P<what>[^;&|]*)")
_SAYS_WHERE = regex(r"(?<!\S)(?:-n|--namespace|--context|-l|--selector|--filter)[ =]\S+")


def ends_nothing_that_is_excepted(call: Call, tools: Tools, evidence: Evidence) -> None:
    """What the task names as an exception is not among what a command ends."""
    command = call.arguments["command"] if call.name == "bash" else ""
    for match in _ENDS_WHAT.finditer(command) if evidence.limits.excepted else ():
        words = {word.strip("'\"") for word in _SAYS_WHERE.sub(" ", match["what"]).split()}
        words |= {word.rpartition("/")[2] for word in words}
        if kept := evidence.limits.excepted & words:
            raise CallRefused(f"The task says that {min(kept)} is to stay. Leave it out.")


# Lists of Docker's things that are handed to a command that ends them.
_LISTS = r"docker (?:images|ps|(?:image|volume|network|container) ls)\b"
_DOCKER_ENDS = r"docker (?:rmi|rm|stop|kill|(?:image|volume|network|container) (?:rm|stop|kill))\b"
_SWEEPS = (
    regex(rf"\b{_DOCKER_ENDS}[^;&|]*\$\((?P<list>{_LISTS}[^)]*)\)"),
    regex(rf"\bfor \w+ in \$\((?P<list>{_LISTS}[^)]*)\).*\b{_DOCKER_ENDS}", re.DOTALL),
    regex(rf"(?P<list>\b{_LISTS}[^;&]*)\|\s*xargs\b[^;&|]*\b{_DOCKER_ENDS}"),
)
# What picks some of a list: a filter, a pattern, the newest.
_PICKS = regex(
    r"\s(?:--filter|-f)[ =]|\s-(?:n|-last)\b|\s-\w*l|\b[ef]?grep\s+(?!-\w*v)|\bawk\s+'[^']*(?:/|==|~)"
    r"|\bhead\b|\bsed -n"
)
_FORMAT = regex(r"--format[ =](?:'[^']*'|\"[^\"]*\"|\S+)")


def sweeps_away_only_what_is_meant(call: Call, tools: Tools, evidence: Evidence) -> None:
    """What ends all things of a kind but some is no way to end some: others' things are on the engine too."""
    command, limits = call.arguments["command"] if call.name == "bash" else "", evidence.limits
    if limits.takes_all and not limits.spares:
        return
    for match in (match for pattern in _SWEEPS for match in pattern.finditer(command)):
        listing = _FORMAT.sub("", match["list"])
        words = [word for word in listing.partition("|")[0].split()[2:] if not word.startswith("-")]
        spared = limits.takes_all and limits.excepted and all(name in listing for name in limits.excepted)
        if not (spared or _PICKS.search(listing) or [word for word in words if word != "ls"]):
            raise CallRefused("That takes things of others too. Name those that the task means.")


def stands_in_for_nothing(call: Call, tools: Tools, evidence: Evidence) -> None:
    """Where the task names what is not there, nothing else is changed in its place."""
    text = str(call.arguments.get("command") or call.arguments.get("content") or "")
    if not evidence.missing or not text:
        return
    # "There is no pod web-2 in namespace shop"
    changes = call.name == "write_file" or (call.name == "bash" and not effects.is_read(text))
    if changes and evidence.missing.split()[4] not in text:
        evidence.stood_in = True
        raise CallRefused(f"{evidence.missing} Change nothing else in its place; say so in the answer.")


def keeps_the_file(call: Call, tools: Tools, evidence: Evidence) -> None:
    """A file that is changed is neither broken nor emptied: what a small model forgets would be lost."""
    if call.name != "write_file":
        return
    path, content, edit = call.arguments["path"], call.arguments["content"], tools.get(RECIPE)
    if isinstance(edit, Rewrite) and (edit.path, edit.text) == (path, content):
        return  # that is what the task says
    if isinstance(edit, FileEdit) and edit.path == path and (lost := edit.drops(content)):
        raise CallRefused(
            f"That would remove {lost} lines or values of {path}, so nothing was written. {edit.description}"
        )
    before = text_if_readable(path)
    if not evidence.limits.rewrites and path not in evidence.written:
        _keep_its_lines(path, before, content, evidence.limits.removes, evidence.limits.remakes)
    if before and before == content:
        raise CallRefused(f"{path} has exactly this text already. Make the change that the task asks for.")
    if before and (wrong := text_files.broken_by(Path(path), before, content)):
        raise CallRefused(f"That would break {path}, so nothing was written: {wrong}")


def copies_over_no_other_text(call: Call, tools: Tools, evidence: Evidence) -> None:
    """A file is not lost under another one: a small model copies what it has made up over what there is."""
    if call.name != "bash" or evidence.limits.rewrites:
        return
    for segment in segments(call.arguments["command"]):
        operands = [word for word in segment.words[1:] if not word.startswith("-")]
        if segment.name in ("cp", "mv") and len(operands) == 2 and operands[1] not in evidence.written:
            before, content = map(text_if_readable, reversed(operands))
            if before and content is not None and before != content:
                _keep_its_lines(operands[1], before, content, evidence.limits.removes)


def writes_over_no_other_text(call: Call, tools: Tools, evidence: Evidence) -> None:
    """What a command prints takes the place of no file into which the task wants nothing written."""
    if call.name != "bash" or evidence.limits.rewrites:
        return
    command = call.arguments["command"]
    found = segments(command)
    # what is made of the file itself, also of an earlier state of it: HEAD~1:app.conf
    read = {word.rpartition(":")[2] for segment in found for word in segment.words[1:]}
    for path in {to for segment in found for to in segment.targets} - read:
        text = text_if_readable(path)
        if text is None and not Path(path).exists():
            evidence.made.add(path)
        appends = re.search(rf">>\s*[\"']?{re.escape(path)}", command)
        own = {path, os.path.normpath(path), os.path.relpath(path)}
        if appends or own & (evidence.written | evidence.made | evidence.limits.outputs):
            continue
        lines = len((text or "").splitlines())
        if lines > _MOST_LINES_REWRITTEN:
            raise CallRefused(
                f"{path} is there, and its {lines} lines would be lost. Edit it, or write to a new file."
            )


# "secrets/db.txt", "api-token"
_SECRET_FILE = regex(
    r"(?:^|/)\.?secrets?/|(?:^|[/_-])(?:token|passw(?:or)?d|secret|credentials?|api[_-]?key)s?(?:\.txt)?$",
    re.IGNORECASE,
)
_KEYS = frozenset({".key", ".pem", ".crt", ".cer", ".p12", ".pfx", ".jks"})


def writes_over_no_key(call: Call, tools: Tools, evidence: Evidence) -> None:
    """A key or certificate that is there is not written over with made-up text."""
    if evidence.limits.rewrites or call.name not in ("write_file", "bash"):
        return
    command = call.arguments.get("command", "")
    written = {call.arguments["path"]} if call.name == "write_file" else set()
    for segment in segments(command):
        makes_up = segment.name in ("echo", "printf") or (segment.name == "cat" and "<<" in command)
        targets = segment.targets if makes_up else segment.words[1:] if segment.name == "tee" else ()
        written |= {path for path in targets if not re.search(rf">>\s*[\"']?{re.escape(path)}", command)}
    for path in written - evidence.written:
        is_secret = _SECRET_FILE.search(path) and path not in evidence.limits.words
        is_secret = is_secret or Path(path).suffix.lower() in _KEYS
        if is_secret and text_if_readable(path):
            raise CallRefused(f"{path} holds a secret or a certificate, and its text stays as it is.")


_PARTS = regex(r";|&&|\|\||\n")


def empties_nothing_that_it_reads(call: Call, tools: Tools, evidence: Evidence) -> None:
    """`sort x > x` empties x before it is read."""
    for part in _PARTS.split(call.arguments["command"]) if call.name == "bash" else ():
        found = segments(part)
        read = {word for segment in found for word in segment.words[1:]}
        for path in {to for segment in found for to in segment.targets} & read:
            if re.search(rf"(?<!>)>\|?\s*[\"']?{re.escape(path)}", part) and text_if_readable(path):
                raise CallRefused(
                    f"That would empty {path} before it is read. Write to another file, then: mv OTHER {path}"
                )


_CHANGES_ALL = frozenset({"rm", "mv", "truncate", "chmod", "chown", "shred", "tee", "unlink"})


def touches_nothing_that_stays(call: Call, tools: Tools, evidence: Evidence) -> None:
    """A file of which the task says that it stays as it is, stays so."""
    if not evidence.limits.untouched:
        return
    changed = [str(call.arguments["path"])] if call.name == "write_file" else []
    for segment in segments(str(call.arguments.get("command", ""))) if call.name == "bash" else ():
        changed += segment.targets
        in_place = segment.name == "sed" and any(re.match(r"-\w*i|--in-place", w) for w in segment.words)
        operands = [word for word in segment.words[1:] if not word.startswith("-")]
        if segment.name in _CHANGES_ALL or in_place:
            changed += operands
        elif segment.name in ("cp", "ln", "install"):
            changed += operands[-1:]
    for path in changed:
        bare = os.path.normpath(path)
        for stays in evidence.limits.untouched:
            kept = os.path.normpath(stays)
            if bare == kept or bare.startswith(f"{kept}/") or kept.startswith(f"{bare}/") or bare == ".":
                raise CallRefused(f"The task wants {stays} left as it is. Do it in another way.")


# A script as tasks and command lines name it; that its id stands in a file.
_SCRIPT = regex(r"[\w-]+\.(?:sh|py|pl|rb|js|jar|php)")
_PID_FILE = regex(r"\bpids?\b|\.pid\b", re.IGNORECASE)


def ends_the_process_that_is_meant(call: Call, tools: Tools, evidence: Evidence) -> None:
    """What runs under the id of a stale pid file is another program, and goes on."""
    words = evidence.limits.words
    meant = {Path(word).name for word in words if _SCRIPT.fullmatch(Path(word).name)}
    if call.name != "bash" or len(meant) != 1 or not any(map(_PID_FILE.search, words)):
        return
    (name,) = meant
    killed = [each.words[1:] for each in segments(call.arguments["command"]) if each.name == "kill"]
    for pid in (word for each in killed if "-0" not in each for word in each if word.isdigit()):
        try:
            runs = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ").strip()
        except OSError:
            continue  # none runs, or this is no Linux
        if runs and pid not in words and name not in {Path(word).name for word in runs.split()}:
            if not evidence.calls:
                evidence.settled = f"Process {pid} is {runs!r}: {name} does not run under that id."
                evidence.informed, evidence.wants_change = True, False
            raise CallRefused(f"Process {pid} is {runs!r}, and not {name}. End no other one; say so.")


# What is written anew as a whole, and can be.
_REWRITTEN = "Dockerfile"
_MOST_LINES_REWRITTEN = 2


def _keep_its_lines(path: str, before: str | None, content: str, removes: bool, remakes: bool = True) -> None:
    """Refuses a text that leaves out what stands in the file, where nothing of it is to go."""
    if before is None and is_file(path):
        raise CallRefused(f"{path} is there and no text, so nothing was written over it.")
    lines = [line for line in (before or "").splitlines() if line.strip()]
    new = [line for line in content.splitlines() if line.strip()]
    lost = len(lines) - len(set(lines) & set(new))
    gone = 0 if removes else len(lines) - len(new)  # else lines were changed
    too_many = lost * 2 > len(lines) or (lost and gone > 0)
    if _REWRITTEN in path:
        too_many = lost * 2 > len(lines) and not remakes
    if len(lines) > _MOST_LINES_REWRITTEN and too_many:
        raise CallRefused(f"That would remove {lost} of {len(lines)} lines of {path}. Keep what it holds.")


# "workers = 12"
_SETTING = regex(r"\s*([A-Za-z_][\w.-]*)\s*=")


def sets_no_value_twice(call: Call, tools: Tools, evidence: Evidence) -> None:
    """A setting that a file has is changed there, and not added once more."""
    if call.name != "bash":
        return
    for segment in segments(call.arguments["command"]):
        added = _SETTING.match(" ".join(segment.words[1:])) if segment.name in ("echo", "printf") else None
        if added is None or ">>" not in call.arguments["command"]:
            continue
        for path in segment.targets:
            lines = (text_if_readable(path) or "").splitlines()
            there = [line for line in lines if (match := _SETTING.match(line)) and match[1] == added[1]]
            # where there are sections, one setting may stand in each
            if len(there) == 1 and sum(line.lstrip().startswith("[") for line in lines) < 2:
                command = _replaces(there[0], " ".join(segment.words[1:]), path)
                raise CallRefused(f"{path} has the line {there[0]!r} already. To change that line: {command}")


def _replaces(old: str, new: str, path: str) -> str:
    """The command that puts a line in place of another one."""
    pattern = re.sub(r"([].[*^$\\|])", r"\\\1", old)
    text = re.sub(r"([\\&|])", r"\\\1", new)
    return f"sed -i {shlex.quote(f's|^{pattern}$|{text}|')} {shlex.quote(path)}"


_IMAGE = regex(r"(?:[a-z0-9][\w.-]*(?::\d+)?/)*[a-z0-9][\w.-]*:[A-Za-z0-9][\w.-]*")


_MOST_NAMED = 3


def writes_no_address_of_its_own(call: Call, tools: Tools, evidence: Evidence) -> None:
    """An address that goes into a file stands somewhere: a small model makes up one that looks like it."""
    path = Path(call.arguments["path"]) if call.name == "write_file" else None
    before = text_if_readable(path) if path else None
    for address in ADDRESS.findall(call.arguments["content"]) if before else ():
        made_up = (
            address not in evidence.known and address not in str(before) and not _ANYWHERE.fullmatch(address)
        )
        if made_up and address not in evidence.sent_back:
            evidence.sent_back.add(address)
            there = [
                each for each in dict.fromkeys(ADDRESS.findall(evidence.known)) if each not in str(before)
            ]
            raise CallRefused(
                f"{address} is in no result and not in the task. Take the address from there"
                f"{': ' + ', '.join(there[:_MOST_NAMED]) if there else ''}."
            )


def writes_no_image(call: Call, tools: Tools, evidence: Evidence) -> None:
    """A name with a tag is that of an image, and no file is made with it."""
    path = call.arguments.get("path", "") if call.name == "write_file" else ""
    if _IMAGE.fullmatch(path) and not is_file(Path(path)):
        raise CallRefused(f"{path} is the name of an image, and no file. For a tag, use: docker tag")


_COMMAND = regex(r"(?:sudo )?(?:kubectl|docker|git|helm|cat|cp|grep|awk|sed|find|ls|df|du|ps|curl)\s+\S.*")
_OF_COMMANDS = frozenset({"", ".sh", ".bash", ".md", ".txt"})


def writes_no_command(call: Call, tools: Tools, evidence: Evidence) -> None:
    """What is to be in a file is not the command that would put it there."""
    content = call.arguments.get("content", "").strip() if call.name == "write_file" else ""
    path = call.arguments.get("path", "")
    if _COMMAND.fullmatch(content) and Path(path).suffix not in _OF_COMMANDS:
        raise CallRefused("That text is a command and no content of a file. Run it with bash.")


_DELETES_LINES = regex(r"\bsed\b.* (?:-\w*i\S*|--in-place\S*) .*/[dD]\b")


def deletes_no_lines_for_files(call: Call, tools: Tools, evidence: Evidence) -> None:
    """Where files are to be deleted, their lines are not."""
    command = str(call.arguments.get("command", "")) if call.name == "bash" else ""
    if _DELETES_LINES.search(command) and evidence.limits.deletes_files:
        raise CallRefused(
            "The task wants files deleted, and that deletes lines in them. Find the files first."
        )


_SUBSTITUTION = regex(r"\$\([a-z][^()]*\)")
# There the shell's substitutions are what they look like in a script, and here they are not.
_PLAIN_TEXTS = frozenset(".txt .csv .ini .json .log .cfg .properties .toml".split())


def writes_no_substitution(call: Call, tools: Tools, evidence: Evidence) -> None:
    """What a command would print does not stand in a file as that command."""
    path = str(call.arguments.get("path", "")) if call.name == "write_file" else ""
    if Path(path).suffix not in _PLAIN_TEXTS:
        return
    found = _SUBSTITUTION.search(call.arguments["content"])
    if found and found[0] not in evidence.known and found[0] not in (text_if_readable(Path(path)) or ""):
        raise CallRefused(
            f'{found[0]} would stand in {path} as these words. Write it with bash: echo "{found[0]}" > {path}'
        )


_SHORTEST_TOLD = 30


def writes_nothing_it_was_told(call: Call, tools: Tools, evidence: Evidence) -> None:
    """What the model was told of its mistakes is not what is to be in a file."""
    content = call.arguments.get("content", "") if call.name == "write_file" else ""
    sentences = {part for told in evidence.told for part in re.split(r"(?<=[.!?])\s", told)}
    if any(len(part) >= _SHORTEST_TOLD and part in content for part in sentences):
        raise CallRefused("That is what you were told, and no text for the file. Write what the task wants.")


_FIGURE = regex(r"(?<![\w.:/-])v?(\d+(?:\.\d+)*)(?![\w:/-]|\.\d)")
_ANY_FIGURE = regex(r"\d+(?:\.\d+)*")
_NOTES = frozenset({".txt", ".md", ".csv"})


def writes_no_figure_of_its_own(call: Call, tools: Tools, evidence: Evidence) -> None:
    """A figure that the task wants counted and put into a file stands in a result."""
    path = call.arguments.get("path", "") if call.name == "write_file" else ""
    if not path or Path(path).suffix not in _NOTES or not evidence.limits.wants_figures:
        return
    known = f"{evidence.known}\n{text_if_readable(Path(path)) or ''}"
    there = {*_ANY_FIGURE.findall(known), *_ANY_FIGURE.findall(known.replace(",", ""))}
    for figure in _FIGURE.findall(call.arguments["content"].replace(",", "")):
        if figure not in there:
            raise CallRefused(f"{figure} is in no result. Find the figure with a command first.")


_STAND_IN = regex(r"<[a-z][a-z_ -]*>", re.IGNORECASE)


def writes_no_answer_of_its_own(call: Call, tools: Tools, evidence: Evidence) -> None:
    """What the task wants found is found before it is put into a file."""
    path = call.arguments.get("path", "") if call.name == "write_file" else ""
    if not path or path != evidence.limits.answer_file:
        return
    told = set(re.findall(r"\w+", evidence.known.lower()))
    literal = told.issuperset(re.findall(r"\w+", call.arguments["content"].lower()))
    if not (evidence.succeeded or evidence.informed or literal):
        raise CallRefused(f"Nothing was found yet for {path}. Run the command that shows it first.")
    content = call.arguments["content"]
    if Path(path).suffix in _NOTES and (stand_in := _STAND_IN.search(content)):
        raise CallRefused(f"{stand_in[0]} is no value. Find it with a command first.")
    if made_up := invented(content, evidence.known):
        raise CallRefused(f"{made_up[0]} is in no result. Find it with a command first.")


GUARDS: tuple[Check, ...] = (
    removes_only_if_asked,
    removes_only_that_kind,
    kills_by_id,
    does_not_what_is_forbidden,
    spares_what_shall_stay,
    ends_nothing_that_is_excepted,
    sweeps_away_only_what_is_meant,
    stands_in_for_nothing,
    keeps_the_file,
    copies_over_no_other_text,
    writes_over_no_other_text,
    touches_nothing_that_stays,
    ends_the_process_that_is_meant,
    writes_over_no_key,
    empties_nothing_that_it_reads,
    sets_no_value_twice,
    writes_no_address_of_its_own,
    writes_no_figure_of_its_own,
    writes_no_answer_of_its_own,
    writes_no_image,
    deletes_no_lines_for_files,
    writes_no_command,
    writes_no_substitution,
    writes_nothing_it_was_told,
)
