"""git: its verbs have many forms, and its settings run programs."""

import re
from collections.abc import Mapping

from devops_agent.policy.call import Call
from devops_agent.policy.handlers import Handler, Run, handler, worst
from devops_agent.policy.verdict import Verdict, change, destructive, read, unknown

# Settings that name a program, and values that name none that does harm.
_DECIDES = re.compile(
    r"(?i)core\.(pager|editor|sshcommand|fsmonitor|hookspath|gitproxy|askpass|attributesfile)"
    r"|.*\.(cmd|command|helper|textconv|clean|smudge|process|driver|program|external|pager|vcs|proxy)"
    r"|pager\..*|diff\.external|protocol\..*|sequence\.editor|include.*|url\..*"
)
_HARMLESS_VALUE = re.compile(r"(cat|less|false|true|)$|less ")
_RUNS = re.compile(
    r"(?i)alias\.|core\.(pager|editor|sshcommand|hookspath|fsmonitor)|.*(helper|command|cmd|textconv|driver)$"
    r"|include|filter\."
)


@handler
def _git(call: Call, run: Run) -> Verdict:
    """git: what its configuration on the command line runs, and the forms of some verbs."""
    verdict = read()
    for setting in call.values("-c", "--config-env"):
        name, _, value = setting.partition("=")
        if name.lower().startswith("alias."):
            inner = value[1:] if value.startswith("!") else f"git {value}"
            verdict |= run.script(inner)
        elif _DECIDES.fullmatch(name) and not _HARMLESS_VALUE.match(value):
            verdict |= unknown(f"git {name} decides what runs")
    if any(text.startswith("ext::") for text in call.texts):
        verdict |= destructive("git runs a program as its transport")
    if call.effect is None and not verdict.rule:
        return unknown(f"{call.name} is not known")
    if run.dry:
        return verdict
    handler = _GIT.get(call.verb)
    return verdict | handler(call, run) if handler else verdict


def _git_branch(call: Call, run: Run) -> Verdict:
    if call.given("-D", "-d", "--delete", "-M", "-C", "-f", "--force"):
        return destructive("git branch removes or overwrites a branch")
    if call.given(
        "-m", "-c", "--move", "--copy", "-u", "--set-upstream-to", "--unset-upstream", "--edit-description"
    ):
        return change("git branch")
    lists = call.given(
        "-a",
        "-r",
        "-v",
        "-vv",
        "-l",
        "--list",
        "--merged",
        "--no-merged",
        "--contains",
        "--show-current",
        "--points-at",
        "--sort",
        "--format",
    )
    return read() if lists or not call.operands else change("git branch makes a branch")


def _git_tag(call: Call, run: Run) -> Verdict:
    if call.given("-d", "--delete", "-f", "--force"):
        return destructive("git tag removes or moves a tag")
    lists = call.given(
        "-l", "--list", "-n", "--contains", "--merged", "--points-at", "--sort", "-v", "--verify"
    )
    return read() if lists or not call.operands else change("git tag")


def _git_push(call: Call, run: Run) -> Verdict:
    forces = call.given("-f", "--force", "--force-with-lease", "--mirror", "--delete", "-d", "--prune")
    if forces or any(text.startswith(("+", ":")) and len(text) > 1 for text in call.texts):
        return destructive("git push removes or overwrites branches")
    if call.given("--receive-pack", "--exec"):
        return unknown("git push runs a program")
    return change("git push")


def _git_checkout(call: Call, run: Run) -> Verdict:
    if call.given(
        "-f", "--force", "-B", "--discard-changes", "--ours", "--theirs", "-p", "--pathspec-from-file"
    ):
        return destructive("git checkout overwrites files")
    words = [word.text for word in call.arguments[1:]]
    if "--" in words or (len(call.operands) > 1 and not call.given("-b", "-t", "--track", "--orphan")):
        return destructive("git checkout overwrites files")
    files = [
        word
        for word in call.texts
        if not call.given("-b", "-t", "--track", "--orphan")
        and (word == "." or ("." in word and not run.is_new(word)))
    ]
    return destructive("git checkout overwrites files") if files else change("git checkout")


def _git_config(call: Call, run: Run) -> Verdict:
    looks = call.given("--list", "-l", "--get", "--get-all", "--get-regexp", "--get-urlmatch", "--name-only")
    if looks or call.texts[:1] in (["list"], ["get"]):
        return read()
    if len(call.operands) == 1 and not call.given(
        "--unset", "--unset-all", "--remove-section", "-e", "--edit", "--add"
    ):
        return read()
    if call.given("--global", "--system") or any(_RUNS.match(text) for text in call.texts[:1]):
        return destructive("git config of the user, or of what git runs")
    if call.given("--unset", "--unset-all", "--remove-section"):
        return destructive("git config removes a setting")
    return unknown("git config in an editor") if call.given("-e", "--edit") else change("git config")


def _git_submodule(call: Call, run: Run) -> Verdict:
    action = (call.texts or ["status"])[0]
    if action in ("status", "summary"):
        return read()
    if action == "foreach":
        return run.script(" ".join(call.texts[1:]))
    return destructive("git submodule deinit") if action == "deinit" else change(f"git submodule {action}")


def _git_bisect(call: Call, run: Run) -> Verdict:
    action = (call.texts or ["log"])[0]
    if action == "run":
        return run.argv(call.operands[1:]) | change("git bisect")
    return read() if action in ("log", "view", "visualize") else change("git bisect")


def _git_reset(call: Call, run: Run) -> Verdict:
    return (
        destructive("git reset discards changes")
        if call.given("--hard", "--merge", "--keep")
        else change("git reset")
    )


def _git_restore(call: Call, run: Run) -> Verdict:
    only_staged = call.given("--staged", "-S") and not call.given("--worktree", "-W")
    return change("git restore --staged") if only_staged else destructive("git restore overwrites files")


def _git_rebase(call: Call, run: Run) -> Verdict:
    texts = call.values("-x", "--exec")
    if call.given("-i", "--interactive") and not call.given("--continue"):
        return unknown("git rebase in an editor")
    return worst([run.script(text) for text in texts]) | change("git rebase")


def _git_grep(call: Call, run: Run) -> Verdict:
    words = [word.text for word in call.arguments[1:]]
    pagers = [word[2:] for word in words if word.startswith("-O")]
    pagers += [word.partition("=")[2] for word in words if word.startswith("--open")]
    return worst([run.script(f"{pager or 'less'} x") for pager in pagers])


def _git_bundle(call: Call, run: Run) -> Verdict:
    return run.write(call.texts[1]) if call.texts[:1] == ["create"] and len(call.operands) > 1 else read()


def _git_clone(call: Call, run: Run) -> Verdict:
    if call.given("-u", "--upload-pack", "-c", "--config", "--template"):
        return unknown("git clone with a program or settings of its own")
    name = (
        call.texts[1]
        if len(call.operands) > 1
        else "".join(call.texts[:1]).rstrip("/").rpartition("/")[2].removesuffix(".git")
    )
    return run.write(name, makes_folder=True) if name else read()


def _git_reflog(call: Call, run: Run) -> Verdict:
    return destructive("git reflog") if call.texts[:1] and call.texts[0] in ("expire", "delete") else read()


def _actions(default: str, reads: str, removes: str) -> Handler:
    """The handler of a verb with actions: those that read, and those that remove; the others change."""

    def judge(call: Call, run: Run) -> Verdict:
        action = (call.texts or [default])[0]
        if action in reads.split():
            return read()
        name = f"git {call.verb} {action}"
        return destructive(name) if action in removes.split() else change(name)

    return judge


_GIT: Mapping[str, Handler] = {
    "stash": _actions("push", reads="list show", removes="drop clear"),
    "remote": _actions("show", reads="show get-url", removes="remove rm prune"),
    "worktree": _actions("list", reads="list", removes="remove prune"),
    "notes": _actions("list", reads="list show", removes="remove"),
    "branch": _git_branch,
    "tag": _git_tag,
    "push": _git_push,
    "checkout": _git_checkout,
    "switch": _git_checkout,
    "config": _git_config,
    "submodule": _git_submodule,
    "bisect": _git_bisect,
    "reset": _git_reset,
    "restore": _git_restore,
    "rebase": _git_rebase,
    "grep": _git_grep,
    "bundle": _git_bundle,
    "clone": _git_clone,
    "reflog": _git_reflog,
}
