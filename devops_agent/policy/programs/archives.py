"""Archives: what is packed, and over what it is unpacked."""

import re
from collections.abc import Sequence
from posixpath import join

from devops_agent.policy.call import Argument, Call, argument
from devops_agent.policy.handlers import Run, handler, is_remote, worst
from devops_agent.policy.programs.flags import hidden_words, known_flags
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Effect, Verdict, change, destructive, read, unknown


@handler
def _tar(call: Call, run: Run) -> Verdict:
    first = call.texts[0] if call.operands else ""
    if len(call.arguments) > 1 and call.arguments[1].text == first and re.fullmatch("[A-Za-z]+", first):
        return run.argv([call.arguments[0], *_dashed(first, call.arguments[2:], call.rule.valued)])
    verdict = known_flags(call) | worst(
        [_checkpoint(text, run) for text in call.values("--checkpoint-action")]
    )
    archive = (call.values("-f", "--file") or [""])[-1]
    if call.given("-t", "--list", "-d", "--diff", "--compare"):
        return verdict
    if is_remote(archive):
        return verdict | destructive("tar works on an archive on another machine")
    if call.given("-c", "--create"):
        return verdict | (run.write(archive) if archive else read())
    if call.given("-r", "-u", "--append", "--update"):
        return verdict | (run.write(archive, appends=True) if archive else read())
    if not call.given("-x", "--extract", "--get"):
        return verdict | unknown("tar with a letter that is not known")
    if call.given("-O", "--to-stdout"):
        return verdict
    folder = "."
    for path in (*call.values("-C", "--directory"), *call.values("--one-top-level")):
        folder = below(folder, path)
    careful = call.given("-k", "--keep-old-files", "--skip-old-files")
    return verdict | unpacks(folder, careful, run)


def _dashed(letters: str, words: Sequence[Argument], valued: frozenset[str]) -> list[Argument]:
    """The words of `tar xzf ARCHIVE` with dashes: the values stand behind the letters, in their order."""
    rest, dashed = list(words), []
    for letter in letters:
        dashed.append(argument(f"-{letter}"))
        if f"-{letter}" in valued and rest:
            dashed.append(rest.pop(0))
    return [*dashed, *rest]


def _checkpoint(action: str, run: Run) -> Verdict:
    if action.startswith("exec="):
        return run.script(action.removeprefix("exec="))
    harmless = re.fullmatch(r"(dot|\.|echo|ttyout|totals|bell|sleep|wait)(=.*)?", action)
    return read() if harmless else unknown("tar with an action that is not known")


def below(folder: str, path: str) -> str:
    """A path in a folder, unless it leads elsewhere by itself."""
    return path if path.startswith(("/", "~", UNSEEN)) else join(folder, path)


def unpacks(folder: str, careful: bool, run: Run) -> Verdict:
    """Unpacking into a folder: what is there may be overwritten, unless the folder is new."""
    verdict = run.write(f"{folder.rstrip('/')}/unpacked", makes_folder=True)
    if careful or run.is_new(folder):
        return change(f"unpacks into {folder}") if verdict.effect is Effect.CHANGE else verdict
    return verdict | destructive(f"unpacks over the files of {folder}")


@handler
def _zip(call: Call, run: Run) -> Verdict:
    hidden = hidden_words(call)
    verdict = unknown(f"zip {hidden[0]} is not known") if hidden else read()
    for flag in call.flags.values:
        known = flag in call.rule.valued | call.rule.switches or flag in ("-m", "-d", "--move", "--delete")
        if not known and re.search("^-[^-]*[md]", flag):
            verdict |= destructive("zip removes files")
        elif not known and not re.fullmatch("-(?!.*TT)[0-9rRqvjDXyeoguflkcLlSAT@]+", flag):
            verdict |= unknown(f"zip {flag} is not known")
    tests = call.given("-T", "--test") and len(call.operands) < 2
    if tests or call.given("-sf", "--show-files", "-h") or not call.operands or call.texts[0] == "-":
        return verdict
    return verdict | run.write(call.texts[0], appends=True)


@handler
def _unzip(call: Call, run: Run) -> Verdict:
    if call.given("-l", "-v", "-t", "-p", "-Z", "-z"):
        return read()
    return unpacks((call.values("-d") or ["."])[-1], call.given("-n"), run)


@handler
def _gzip(call: Call, run: Run) -> Verdict:
    if call.given("-c", "--stdout", "--to-stdout", "-l", "--list", "-t", "--test") or not call.operands:
        return read()
    if call.given("-f", "--force"):
        return destructive(f"{call.program} -f overwrites files")
    if call.program == "lz4" and len(call.operands) > 1:
        return run.write(call.texts[1])
    return worst([run.work(word) for word in call.operands])
