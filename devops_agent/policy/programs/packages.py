"""Package managers and build tools."""

import re

from devops_agent.patterns import regex
from devops_agent.policy.call import Call
from devops_agent.policy.handlers import Run, handler, worst
from devops_agent.policy.programs.flags import known_flags
from devops_agent.policy.verdict import Effect, Verdict, destructive, read, unknown

# Options of apt that run nothing and weaken nothing.
_APT_OPTION = regex(
    r"(?i)(APT::(Install-(Recommends|Suggests)|Get::(Assume-Yes|Show-\w+)|Color|Cache-Limit|Default-Release)"
    r"|Acquire::(Retries|ForceIPv[46]|Languages|Queue-Mode|https?::(Timeout|Pipeline-Depth|No-Cache)"
    r"|Check-\w+)"
    r"|D[Pp]kg::(Lock::Timeout|Use-Pty|Progress-Fancy)|Debug::\w+|quiet)=[\w.-]*"
    r"|D[Pp]kg::Options::=--force-conf(old|def)"
)


@handler
def _apt(call: Call, run: Run) -> Verdict:
    verdict = read()
    for option in call.values("-o", "--option"):
        if not _APT_OPTION.fullmatch(option):
            verdict |= unknown(f"apt -o {option} is not known")
    negated = [flag for flag in call.flags.values if flag.startswith("--no-") and flag[5:] in _SIMULATE]
    if run.dry and (negated or any(value for value in call.values("-s", *(f"--{e}" for e in _SIMULATE)))):
        verdict |= unknown("apt that may not only simulate")
    if run.dry and call.given("-c", "--config-file"):
        verdict |= unknown("apt with another configuration")
    if (
        call.verb == "install"
        and not run.dry
        and any(len(text) > 1 and text[-1] in "-_" for text in call.texts)
    ):
        verdict |= destructive("apt install NAME- removes a package")
    return verdict


_SIMULATE = "simulate just-print dry-run recon no-act".split()
_DNF_OPTION = regex(
    r"(install_weak_deps|tsflags=nodocs|keepcache|timeout|retries|fastestmirror|max_parallel_downloads"
    r"|deltarpm|best|metadata_expire|[\w.*-]+\.skip_if_unavailable)(=\w*)?"
)


@handler
def _dnf(call: Call, run: Run) -> Verdict:
    strange = [option for option in call.values("--setopt") if not _DNF_OPTION.fullmatch(option)]
    if strange or (run.dry and call.given("-c", "--config", "-y", "--assumeyes")):
        return unknown(f"{call.name} with options that are not known")
    return read()


@handler
def _rpm(call: Call, run: Run) -> Verdict:
    """rpm: macros may run a command."""
    macros = call.values("-E", "--eval")
    plain = all(re.fullmatch(r"[^%]*(%(\w+|\{[?!]*\w+\})[^%]*)*", text) for text in macros)
    return known_flags(call) if plain else unknown("rpm with a macro that is not known")


_REGISTRIES = regex(
    r"https://(pypi\.org/simple|download\.pytorch\.org/whl|registry\.npmjs\.org|registry\.yarnpkg\.com"
    r"|rubygems\.org)(/[\w./-]*)?"
)
_SOURCES = """-i --index-url --extra-index-url --index --default-index -f --find-links -s --registry --source
 --pypi-mirror --trusted-host""".split()
_FOLDERS = """-t --target --prefix --root -d --dest -w --wheel-dir --cwd --install-dir -D --dir""".split()


@handler
def _fetches(call: Call, run: Run) -> Verdict:
    """Packages from elsewhere than the registry of all are code that nobody has seen."""
    if not call.verb:
        return known_flags(call)
    if run.dry and call.given("--no-dry-run", *call.rule.flags.get(Effect.UNKNOWN, ())):
        return unknown(f"{call.name} that may not only simulate")
    verdict = worst([run.write(path, makes_folder=True) for path in call.values(*_FOLDERS) if path])
    sources = [each for each in call.values(*_SOURCES) if each and not _REGISTRIES.fullmatch(each)]
    named = [
        *call.texts,
        *call.values("-e", "--editable", "-r", "--requirement", "-c", "--constraint", "--git"),
    ]
    links = [each for each in named if re.search(r"\w://|git[+@]|^(github|gitlab|bitbucket|gist):", each)]
    if call.rule.name in ("npm", "yarn"):
        links += [each for each in call.texts if re.fullmatch(r"[\w-][\w.-]*/[\w.-]+(#.*)?", each)]
    if sources or links:
        return verdict | destructive(f"{call.name} fetches code from {(sources + links)[0]}")
    return verdict


@handler
def _goals(call: Call, run: Run) -> Verdict:
    """mvn and gradle: each of their words is something to do."""
    if not call.verb:
        return known_flags(call)
    verdict = read()
    for text in call.texts:
        effect = call.rule.effect_of(text)
        verdict |= unknown(f"{call.program} {text} is not known") if effect is None else Verdict(effect, text)
    if call.given(*call.rule.flags.get(Effect.UNKNOWN, ())):
        verdict |= unknown(f"{call.program} with another build")
    return verdict
