"""Variables of the environment: some decide which programs run, and others where they work."""

import re

from devops_agent.patterns import regex
from devops_agent.policy import paths
from devops_agent.policy.lookup import Lookup
from devops_agent.policy.verdict import Verdict, read, unknown


def _pattern(text: str) -> re.Pattern[str]:
    return regex("|".join(text.split()))


# They make the shell run something else, or find other programs.
_OF_THE_SHELL = _pattern(
    r"PATH IFS HOME PS[0-4] BASH.* PROMPT.* CDPATH SHELLOPTS GLOBIGNORE EXECIGNORE FPATH"
)
# They make programs do so.
_DECIDES = _pattern(
    r"""ENV SHELL.* ZSH.* ZDOTDIR INPUTRC HIST.* LESS XDG_.*
    (LD|DYLD|GCONV|PYTHON|PERL\d?|RUBY|JAVA_TOOL|JDK|_JAVA|NODE_(OPTIONS|PATH)|TF_CLI|GIT|AWK|MAN)_?.*
    .*(PAGER|EDITOR|VISUAL|BROWSER|COMMAND|CMD|EXEC|RSH|SSH|ASKPASS|OPTIONS|OPTS|ARGS|DIFF|MERGE|HELPER)
    .*(PRELOAD|PLUGINS?|_PATH|HOOKS?|OPEN|CLOSE|_CONF(IG)?(_FILE|_HOME|_DIR)?|WRAPPER|RC|GNUPGHOME|_PROXY)
    .*_(proxy|config)"""
)
# Programs with rules take these from the environment; one that is only set for the shell is not theirs.
_OF_PROGRAMS = _pattern(
    r"""(KUBE|HELM|DOCKER|COMPOSE|BUILD(KIT|X)|CONTAINER|PODMAN|NERDCTL|KUSTOMIZE|KREW|ARGOCD|FLUX|SOPS|AGE)_?.*
    (AWS|BOTO|CLOUDSDK|GOOGLE|GCLOUD|AZURE|ARM|ANSIBLE|TF|VAULT|CONSUL|NOMAD|ETCDCTL|GH|GITHUB|GITLAB)_.*
    (PG|PSQL|MYSQL|MARIADB|REDIS|MONGO|SQLITE)_?.* (GO|CARGO|RUST|JAVA|MAVEN|GRADLE|MAKE|CMAKE)_?.*
    (PIP|UV|POETRY|VIRTUAL|CONDA|NODE|NPM|npm|YARN|PNPM|DENO|GEM|BUNDLE|PHP|LUA|COMPOSER)_.*
    CC CXX LDFLAGS C\w*FLAGS LESS\w+ MORE
    (CURL|WGET|SSL|OPENSSL|REQUESTS|GNUPG|GPG|SSH|RSYNC|TAR|GZIP|XZ|ZIP)_?.*
    (SYSTEMD|DBUS|SUDO|DPKG|APT|DEB|RPM|DNF|HOMEBREW|SNAP|FLATPAK|LIBVIRT)_.* DISPLAY XAUTHORITY TMPDIR
    LOCPATH NLSPATH TERMINFO.* HOSTALIASES RES_OPTIONS MALLOC_.* GLIBC_.* (GREP|JQ|FZF|BAT|RIPGREP)_.*"""
)
_HARMLESS = _pattern(
    r"""GIT_(AUTHOR|COMMITTER)_\w+ GIT_(TERMINAL_PROMPT|OPTIONAL_LOCKS) GIT_TRACE2?=[012] NODE_ENV
    PYTHON(UNBUFFERED|IOENCODING|DONTWRITEBYTECODE|UTF8) MAN(WIDTH|_KEEP_FORMATTING) LESSCHARSET
    PGOPTIONS PG(HOST|PORT|USER|DATABASE|PASSWORD|APPNAME|CONNECT_TIMEOUT|CLIENTENCODING|TZ|DATESTYLE|SSLMODE)
    MYSQL_(PWD|HOST|TCP_PORT) REDISCLI_AUTH DOCKER_(BUILDKIT|HOST|CONTEXT|DEFAULT_PLATFORM|CLI_HINTS)
    CONTAINER_HOST BUILDKIT_PROGRESS COMPOSE_(PROJECT_NAME|PROFILES|HTTP_TIMEOUT|PARALLEL_LIMIT|ANSI)
    HELM_(KUBECONTEXT|NAMESPACE|DEBUG)
    AWS_(PROFILE|DEFAULT_PROFILE|(DEFAULT_)?REGION|DEFAULT_OUTPUT|MAX_ATTEMPTS)
    AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|PAGER=) CLOUDSDK_(CORE_PROJECT|COMPUTE_(REGION|ZONE))
    GOOGLE_CLOUD_PROJECT (GH|GITHUB|GITLAB)_TOKEN ETCDCTL_API VAULT_(TOKEN|NAMESPACE|FORMAT)
    ANSIBLE_(NOCOLOR|FORCE_COLOR|NOCOWS|STDOUT_CALLBACK|VERBOSITY)
    TF_(VAR_\w+|IN_AUTOMATION|INPUT|LOG|WORKSPACE)
    GO(OS|ARCH|ARM|AMD64|MAXPROCS|GC) RUST_(LOG|BACKTRACE) CARGO_TERM_COLOR MAKEFLAGS=-j\d*
    PIP_(NO_INPUT|NO_CACHE_DIR|DISABLE_PIP_VERSION_CHECK|PROGRESS_BAR|QUIET) GREP_COLORS? JQ_COLORS
    SYSTEMD_(COLORS|LOG_LEVEL|PAGERSECURE) APT_LISTCHANGES_FRONTEND HOMEBREW_NO_\w+"""
)
_COMMAND = regex(r".*(PAGER|EDITOR|_DIFF|_CMD|_COMMAND|RSH)")
_SECRET = regex(
    r"(?i)(.*_)?(\w*pass(w(or)?d|phrase)?|secret\w*|token\w*|api_?key|\w*_key|credentials?|pwd|auth)(_\w+)?"
)
_NO_SECRET = regex(r"PWD|OLDPWD|SSH_AUTH_SOCK|\w*(PUBLIC|CACHE|SORT|PRIMARY|FOREIGN)_KEY", re.I)


def is_command(name: str) -> bool:
    """Whether the value of a variable is a command that some program runs."""
    return bool(_COMMAND.fullmatch(name))


def set_to(name: str, value: str, lookup: Lookup, exported: bool) -> Verdict:
    """What it means to set a variable whose value is no command.

    Args:
        name: The variable.
        value: Its value, with UNSEEN for what is only known at run time.
        lookup: Where configurations may be.
        exported: Whether programs see it.
    """
    if _HARMLESS.fullmatch(name) or _HARMLESS.fullmatch(f"{name}={value}"):
        return read()
    if name == "KUBECONFIG":
        every = value.split(":")
        known = all(paths.is_kubeconfig(each, lookup) for each in every)
        return read() if known else unknown("sets KUBECONFIG to another place, which may name programs")
    decides = _OF_THE_SHELL.fullmatch(name) or (
        exported and (_DECIDES.fullmatch(name) or is_of_programs(name))
    )
    return unknown(f"sets {name}, which decides what programs do") if decides else read()


def is_of_programs(name: str) -> bool:
    """Whether programs take a variable of this name from the environment."""
    return bool(_OF_PROGRAMS.fullmatch(name))


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret."""
    return bool(_SECRET.fullmatch(name)) and not _NO_SECRET.fullmatch(name)
