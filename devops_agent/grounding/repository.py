"""What a task names in the git repository of the working directory, and how that stands."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from devops_agent.diagnosis.diagnose import run
from devops_agent.diagnosis.finding import listed
from devops_agent.files import is_file
from devops_agent.grounding.ground import Ground
from devops_agent.grounding.task_words import CREATES, NO_NAMES, PATH
from devops_agent.patterns import regex

GIT = regex(
    r"\b(?:git|commit(?:s|ted)?|branch(?:es)?|tags?|tagged|stash(?:ed|es)?|merge|rebase|cherry-pick|repo(?:sitory)?"
    r"|untracked|uncommitted|staged|unstage|staging area|gitignore)\b"
    r"|\b(?:who|when was) (?:\S+ )?(?:last )?(?:changed|edited|touched|modified|wrote|written)\b",
    re.IGNORECASE,
)
_REF = r"[\"'`]?([A-Za-z][\w./-]*\w)(?![\w/]*[:=])"
# What a task says of a branch or tag that must be there.
_NAMED = (
    regex(
        r"\b(?:delete|remove|drop|rename|push|restore|reset|get rid of|throw away)\b[^.;]*?"
        rf"\b(?P<kind>branch|tag) (?:named |called )?{_REF}",
        re.IGNORECASE,
    ),
    regex(
        rf"\b(?:merge|check ?out|switch to|rebase (?:on(?:to)? )?) ?(?P<kind>){_REF} (?:into|onto)\b",
        re.IGNORECASE,
    ),
)
_FROM = regex(rf"\b(?:from|off|of|at) (?:the )?(?P<kind>branch|tag) {_REF}", re.IGNORECASE)
_LOOKS_LIKE_A_REF = regex(r"[\d/-]|^(?:main|master|dev\w*|staging|prod\w*|release|trunk)$", re.IGNORECASE)
_OF_IMAGES = regex(r"\b(?:images?|docker\w*|containers?|helm|charts?|pods?|deployments?)\b", re.IGNORECASE)
_MOST = 12


def named_folder(task: str, directory: Path) -> str:
    """The one folder with a repository that a task names, where the directory itself is in none; else ""."""
    words = dict.fromkeys(
        word.removeprefix("./").rstrip("/") for word in (*PATH.findall(task), *task.split())
    )
    bare = [word.strip("\"'`.,:;()") for word in words]
    found = [word for word in dict.fromkeys(bare) if word and _is_repository(directory / word)]
    inside = any(_is_repository(folder) for folder in (directory, *directory.absolute().parents))
    return found[0] if len(found) == 1 and not inside else ""


def _is_repository(folder: Path) -> bool:
    try:
        return (folder / ".git").exists()
    except OSError:  # too long a name
        return False


def in_repository(task: str, directory: Path) -> Ground:
    """Branches, tags and what is not committed; the names that are not there."""
    folder = named_folder(task, directory)
    directory /= folder

    def git(*arguments: str) -> list[str]:
        return run("git", "-C", str(directory), *arguments).splitlines()

    status = git("--no-optional-locks", "status", "--porcelain", "--branch", "--untracked-files=normal")
    if not status:
        return Ground()
    refs = git("for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags")
    branches, tags = (_below(refs, kind) for kind in ("refs/heads/", "refs/tags/"))
    ground = Ground(list(_state(status, branches, tags, git("stash", "list"))), repository=folder)
    if last := _last_commits(task, directory, git):
        ground.lines += last
        ground.informs = True
    for kind, there in (("branch", branches), ("tag", tags)):
        if len(named := [ref for ref in there if _speaks_of(ref, task)]) == 1:
            ground.names[kind] = named[0]
    if _OF_IMAGES.search(task):
        return ground  # whose tags are other ones

    def there_is(ref: str) -> bool:
        named = any(git("rev-parse", "--verify", "-q", each) for each in (ref, f"origin/{ref}"))
        return named or (directory / ref).exists()

    if missing := next(_missing(task, branches, tags, there_is), ""):
        ground.lacks(missing)
    return ground


_ASKS_LAST = regex(
    r"\b(?:who|when|which commit|what commit|last commit|latest commit|commit hash|hash of)\b", re.IGNORECASE
)


_COMMIT = "%H by %an on %ad: %s"
# "The setting retry_limit has vanished"
_COMES_OR_GOES = regex(
    r"\b(?:setting|option|key|flag|variable|function|method|class|entry|word|text|string)"
    r" [\"'`]?(?P<text>(?=\w*[._\d-])[\w.-]*\w)"
    r"(?=.*\b(?:vanish\w*|remov\w*|delet\w*|dropp\w*|disappear\w*|gone|lost))"
    r"|\b(?P<came>added|adds|introduc\w*)\b.*?\b(?:setting|option|key|flag|variable|function|method|class|entry"
    r"|word|text|string) [\"'`]?(?P<new>(?=\w*[._\d-])[\w.-]*\w)",
    re.IGNORECASE | re.DOTALL,
)


def _last_commits(task: str, directory: Path, git: Callable[..., list[str]]) -> list[str]:
    """The last commit of each file that a task names and asks who or what changed it."""
    if not _ASKS_LAST.search(task):
        return []
    files = [word for word in dict.fromkeys(PATH.findall(task)) if is_file(directory / word)]
    lines = re.findall(r"\bline (\d+) (?:of|in)\b", task)
    if len(files) == len(lines) == 1 and (blamed := git("blame", "-L", f"{lines[0]},+1", "--", files[0])):
        return [f"line {lines[0]} of {files[0]} is of commit {blamed[0]}"]
    if text := _COMES_OR_GOES.search(task):
        name = text["text"] or text["new"]
        commits = git("log", f"--format={_COMMIT}", "--date=iso", "-S", name, "--", *files)
        of_end = commits[-1:] if text["came"] else commits[:1]
        did = "added" if text["came"] else "last added or removed"
        if of_end:
            return [f"commit that {did} {name}: {of_end[0]}"]
    told = [(word, git("log", "-1", f"--format={_COMMIT}", "--date=iso", "--", word)) for word in files]
    return [f"last commit that changed {word}: {commit[0]}" for word, commit in told if commit]


def _below(refs: Sequence[str], kind: str) -> list[str]:
    return [ref.removeprefix(kind) for ref in refs if ref.startswith(kind)]


def _state(
    status: Sequence[str], branches: Sequence[str], tags: Sequence[str], stashes: Sequence[str]
) -> Iterator[str]:
    head = re.sub(r"\.\.\..*", "", status[0].removeprefix("## ").removeprefix("No commits yet on "))
    yield f"git branch {head}; branches: {listed(branches, _MOST)}; tags: {listed(tags, _MOST)}"
    changed = [line[3:] for line in status[1:] if not line.startswith("??")]
    unknown = [line[3:] for line in status[1:] if line.startswith("??")]
    told = {"changed and not committed": changed, "untracked": unknown, "stashes": stashes}
    if parts := [f"{what}: {listed(names, _MOST)}" for what, names in told.items() if names]:
        yield "; ".join(parts)


def _speaks_of(ref: str, task: str) -> bool:
    # "merged into main" names main only by the way
    by_the_way = r"(?:\b(into|onto|from|than|except|off) (?:the )?)?"
    found = re.finditer(rf"{by_the_way}(?<![\w./-]){re.escape(ref)}(?![\w/-]|\.\w)", task)
    return any(not match[1] for match in found)


def _missing(
    task: str, branches: Sequence[str], tags: Sequence[str], there_is: Callable[[str], bool]
) -> Iterator[str]:
    """The branches and tags that a task takes for there and that are not."""
    for pattern in (_FROM,) if CREATES.search(task) else (*_NAMED, _FROM):
        for kind, ref in pattern.findall(task):
            there = [*branches, *tags] if not kind else tags if kind.lower() == "tag" else branches
            meant = ref not in there and ref.lower() not in NO_NAMES and _LOOKS_LIKE_A_REF.search(ref)
            if meant and not there_is(ref):
                yield f"There is no {kind.lower() or 'branch'} {ref} (there are: {listed(there, _MOST)})."
