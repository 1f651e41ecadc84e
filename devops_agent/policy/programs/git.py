"""git: its verbs have many forms, and its settings run programs."""

import re
from collections.abc import Mapping
from dataclasses import replace
from posixpath import join

from devops_agent.patterns import regex
from devops_agent.policy.call import Argument, Call, parse_call
from devops_agent.policy.handlers import Handler, Run, handler, is_remote, worst
from devops_agent.policy.programs.flags import hidden_words
from devops_agent.policy.programs.sending import sends_output
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Effect, Verdict, change, destructive, read, unknown

# Settings that neither name a program nor decide where data goes.
_SETTING = regex(
    r"""(?ix)
    (user|author|committer)\.(name|email|signingkey|useconfigonly)
    |(color|column|advice|log|fetch|pull|status|rebase|stash|blame|rerere|index|feature|grep|pretty)\..*
    |init\.defaultbranch | format\.pretty
    |push\.(default|autosetupremote|followtags) | protocol\.version | gc\.auto\w*
    |commit\.(gpgsign|verbose|cleanup|status) | tag\.(sort|gpgsign|forcesignannotated)
    |merge\.(ff|conflictstyle|renames|renamelimit|stat|log|autostash)
    |branch\.(.*\.)?(merge|remote|rebase|description|autosetuprebase|autosetupmerge|sort)
    |remote\..*\.(url|pushurl|fetch|push|prune|tagopt)
    |submodule\.(recurse|fetchjobs|.*\.(url|branch|active))
    |diff\.(algorithm|renames|renamelimit|context|interhunkcontext|noprefix|mnemonicprefix|colormoved\w*|relative
      |wordregex|indentheuristic|submodule|ignoresubmodules|statgraphwidth)
    |core\.(quotepath|autocrlf|eol|safecrlf|filemode|ignorecase|longpaths|abbrev|precomposeunicode|compression
      |preloadindex|untrackedcache|symlinks|commentchar|whitespace|excludesfile)
    |http\.(version|postbuffer|lowspeedlimit|lowspeedtime)"""
)
# Settings that name a program, and values of them that name none that does harm.
_PROGRAM = regex(
    r"(?i)core\.(pager|editor|fsmonitor|askpass)|sequence\.editor|pager\.\w+|diff\.external"
    r"|credential\.(.*\.)?helper"
)
_HARMLESS_PROGRAM = regex(r"|(cat|less|false|true)( -\w+)?")
_TRANSPORTS = "clone fetch pull push ls-remote remote submodule archive".split()
_WRITE_OUTPUT = """log diff show diff-tree diff-index diff-files whatchanged shortlog range-diff grep archive
 format-patch blame""".split()


@handler
def _git(call: Call, run: Run) -> Verdict:
    """git: what its configuration on the command line runs, and the forms of some verbs."""
    verdict = worst([_global_flag(name, value, run) for name, value in _global_flags(call)])
    if call.verb in _TRANSPORTS and any(re.match(r"\w+::|\w+://-", text) for text in call.texts):
        verdict |= destructive("git runs a program as its transport")
    if call.verb in _TRANSPORTS and _is_url(call):
        verdict |= sends_output(call.arguments[1:])
    if call.effect is None and not verdict.rule:
        return unknown(f"{call.name} is not known")
    hidden = [word for word in hidden_words(call) if ".." not in word]  # `$TAG..HEAD` is no flag
    if call.verb in _WRITE_OUTPUT and hidden:
        verdict |= unknown(f"git {call.verb} {hidden[0]} is not known")
    if run.dry:
        odd = call.given("--no-dry-run", *call.rule.flags.get(Effect.UNKNOWN, ()))
        return verdict | unknown(f"git {call.verb} that may do it all the same") if odd else verdict
    handler = _GIT.get(call.verb)
    return verdict | handler(_own(call), run) if handler else verdict


def _is_url(call: Call) -> bool:
    """Whether it names another machine, or may, and not a remote that git knows."""
    first = "".join(call.texts[:1])
    return (
        first == UNSEEN
        or is_remote(first)
        or any(re.search(r"://|^[\w.-]+@[\w.-]+:", text) for text in call.texts)
    )


def _global_flags(call: Call) -> list[tuple[str, str]]:
    """The flags before the verb, with their values."""
    return _flags_and_rest(call)[0]


def _own(call: Call) -> Call:
    """The call with the flags of its verb alone: `-c` and `-C` mean something else before it."""
    words = [call.arguments[0], *_flags_and_rest(call)[1]]
    return replace(parse_call(call.rule, call.program, words), arguments=call.arguments)


def _flags_and_rest(call: Call) -> tuple[list[tuple[str, str]], list[Argument]]:
    words, flags = list(call.arguments[1:]), []
    while words and words[0].text.startswith("-"):
        name, equals, value = words.pop(0).text.partition("=")
        if not equals and name in _GLOBAL_VALUED and words:
            value = words.pop(0).text
        flags.append((name, value))
    return flags, words


_GLOBAL_VALUED = "-C -c --git-dir --work-tree --namespace --super-prefix --config-env".split()


def _global_flag(flag: str, value: str, run: Run) -> Verdict:
    if flag == "--exec-path" and value:
        return unknown("git runs the programs of a folder")
    if flag not in ("-c", "--config-env"):
        return read()
    name, _, value = value.partition("=")
    if name.lower().startswith("alias."):
        return run.script(value[1:] if value.startswith("!") else f"git {value}")
    harmless = _is_harmless(name, value) if flag == "-c" else bool(_SETTING.fullmatch(name))
    return read() if harmless else unknown(f"git {name} may decide what runs")


def _is_harmless(name: str, value: str) -> bool:
    """Whether a setting does not decide what git runs, now or later."""
    if _PROGRAM.fullmatch(name):
        return bool(_HARMLESS_PROGRAM.fullmatch(value))
    return bool(_SETTING.fullmatch(name)) and not re.search("::|://-", value)


def _following(call: Call, action: str) -> list[Argument]:
    """The words behind an action, flags and all."""
    texts = [word.text for word in call.arguments]
    return list(call.arguments[texts.index(action) + 1 :])


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
    return change("git push")


def _git_fetch(call: Call, run: Run) -> Verdict:
    forces = any(text.startswith("+") and ":refs/remotes/" not in text for text in call.texts)
    return destructive("git fetch overwrites branches") if forces else change(f"git {call.verb}")


_BRANCH = regex(r"(origin/)?(main|master|develop|trunk)|-|(HEAD|@)([~^@{].*)?")


def _git_checkout(call: Call, run: Run) -> Verdict:
    """What may be a path is one: `git checkout PATH` throws the changes of it away."""
    commits = call.given("-b", "-t", "--track", "--orphan", "--detach", "-d")
    if "--" in [word.text for word in call.arguments] or (len(call.operands) > 1 and not commits):
        return destructive("git checkout overwrites files")
    folder = join("", *(value for name, value in _global_flags(call) if name == "-C"))
    paths = [
        text for text in call.texts if not _BRANCH.fullmatch(text) and not run.is_new(join(folder, text))
    ]
    return destructive("git checkout overwrites files") if paths and not commits else change("git checkout")


def _git_switch(call: Call, run: Run) -> Verdict:
    moves = call.given("-C", "--force-create")
    return destructive("git switch moves a branch") if moves else change("git switch")


_CONFIG_ACTIONS = "get list set unset edit remove-section rename-section".split()


def _git_config(call: Call, run: Run) -> Verdict:
    words = list(call.texts)
    action = words.pop(0) if words[:1] and words[0] in _CONFIG_ACTIONS else ""
    looks = call.given("--list", "-l", "--get", "--get-all", "--get-regexp", "--get-urlmatch", "--get-color")
    if looks or action in ("get", "list"):
        return read()
    if action == "edit" or call.given("-e", "--edit"):
        return unknown("git config in an editor")
    removes = call.given("--unset", "--unset-all", "--remove-section", "--rename-section")
    if removes or action in ("unset", "remove-section", "rename-section"):
        return destructive("git config removes a setting")
    if len(words) < 2 and action != "set":
        return read()
    name, value = (*words, "", "")[:2]
    if call.given("--global", "--system") or not _is_harmless(name, value):
        return destructive("git config of the user, or of what git runs")
    files = call.values("-f", "--file")
    return change("git config") | worst([run.write(path, appends=True) for path in files])


def _git_submodule(call: Call, run: Run) -> Verdict:
    action = (call.texts or ["status"])[0]
    if action in ("status", "summary"):
        return read()
    if action == "foreach":
        words = [word.text for word in _following(call, action)]
        while words and words[0].startswith("-"):
            words.pop(0)
        return run.script(" ".join(words))
    return destructive("git submodule deinit") if action == "deinit" else change(f"git submodule {action}")


def _git_bisect(call: Call, run: Run) -> Verdict:
    action = (call.texts or ["log"])[0]
    if action == "run":
        return run.argv(_following(call, action)) | change("git bisect")
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
    bundles = [re.fullmatch("-[aivwIrhHEGPFnlLzocpqW]*O(.*)", word) for word in words]
    pagers = [bundle[1] for bundle in bundles if bundle]
    pagers += [word.partition("=")[2] for word in words if word.startswith("--open")]
    return worst([run.script(f"{pager or 'less'} x") for pager in pagers])


def _git_bundle(call: Call, run: Run) -> Verdict:
    action = (call.texts or [""])[0]
    if action == "create" and len(call.operands) > 1:
        return run.write(call.texts[1])
    return read() if action in ("verify", "list-heads") else change("git bundle")


def _git_clone(call: Call, run: Run) -> Verdict:
    """clone and init: the folders that they make."""
    if call.given("-c", "--config"):
        return unknown("git clone with settings of its own")
    name = "".join(call.texts[:1])
    if call.verb == "clone":
        name = (call.texts[1:] or [name.rstrip("/").rpartition("/")[2].removesuffix(".git")])[0]
    folders = [*call.values("--separate-git-dir"), name]
    return worst([run.write(folder, makes_folder=True) for folder in folders if folder])


def _git_format_patch(call: Call, run: Run) -> Verdict:
    folders = call.values("-o", "--output-directory")
    return worst([run.write(folder, makes_folder=True) for folder in folders])


def _git_worktree(call: Call, run: Run) -> Verdict:
    if call.texts[:1] == ["add"] and len(call.operands) > 1:
        return run.write(call.texts[1], makes_folder=True)
    return _actions("list", reads="list", removes="remove prune")(call, run)


def _git_symbolic_ref(call: Call, run: Run) -> Verdict:
    return change("git symbolic-ref") if len(call.operands) > 1 else read()


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
    "worktree": _git_worktree,
    "notes": _actions("list", reads="list show", removes="remove prune"),
    "rerere": _actions("", reads="status diff remaining", removes="clear forget gc"),
    "branch": _git_branch,
    "tag": _git_tag,
    "push": _git_push,
    "fetch": _git_fetch,
    "pull": _git_fetch,
    "checkout": _git_checkout,
    "switch": _git_switch,
    "config": _git_config,
    "submodule": _git_submodule,
    "bisect": _git_bisect,
    "reset": _git_reset,
    "restore": _git_restore,
    "rebase": _git_rebase,
    "grep": _git_grep,
    "bundle": _git_bundle,
    "clone": _git_clone,
    "init": _git_clone,
    "format-patch": _git_format_patch,
    "symbolic-ref": _git_symbolic_ref,
}
