"""What it means to write a path, to remove it or to read it."""

import re
from fnmatch import fnmatchcase
from posixpath import basename, join, normpath

from devops_agent.patterns import regex
from devops_agent.policy.lookup import Lookup
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Verdict, change, destructive, read

NO_FILE = regex(r"/dev/(null|stdout|stderr|tty|fd/\d+)|-")
_SYSTEM = regex(
    r"/(etc|usr|bin|sbin|lib\w*|boot|var|sys|proc|dev|opt|root|run|srv|snap|Library|System|Applications)(/|$)"
)
_TEMPORARY = regex(r"(/private)?(/var)?/tmp/.")
_RUNS_LATER = regex(
    r"(^|/)(\.git(/|$)|\.(bash|zsh|profile|login|vimrc|inputrc)\w*|\.devops-agent/|\.ssh/|\.husky/|authorized_keys)"
)
_SECRETS = regex(
    r"""(^|/)(
    \.kube/(config|cache)|[\w.-]*kubeconfig[\w.-]*
    |\.ssh/(?!known_hosts|config$|authorized_keys|[\w.-]*\.pub$).*|(ssh_host_\w+_key|id_(rsa|dsa|ecdsa|ed25519))
    |[\w.-]+\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk|asc|gpg)
    |\.env(?!rc$|\.(example|sample|template|dist)$)[\w.-]*|[\w-]+\.env
    |[._](netrc|pgpass|git-credentials|npmrc|pypirc|my\.cnf|mylogin\.cnf|s3cfg|boto|vault-token|vault_pass\w*)
    |\.(htpasswd|envrc|databrickscfg|smbcredentials|msmtprc|fetchmailrc|erlang\.cookie)
    |\.(aws|azure|gnupg|password-store)(/.*)?|\.ssh/?
    |\.config/(gcloud|gh|hub|op|helm/(registry|repositories)|rclone|sops/age|doctl|hcloud)(/|$|\.).*
    |\.docker/config\.json|\.dockercfg|\.dockerconfigjson|containers/auth\.json|\.composer/auth\.json
    |\.terraformrc|credentials\.tfrc\.json|\.m2/settings(-security)?\.xml
    |\.(cargo|gem)/credentials|\.fly/config\.yml
    |\.\w+_history|\.histfile|fish_history
    |wp-config\.php|LocalSettings\.php
    |g?shadow-?|sudoers(\.d/.*)?|opasswd|[\w.-]*keytab|(chap|pap|ipsec)[.-]secrets|sasl_passwd
    |etc/(ssl/private|wireguard|NetworkManager/system-connections)/.+|etc/mysql/debian\.cnf
    |(var/)?run/secrets/.*
    |etc/kubernetes/(admin|super-admin|kubelet|bootstrap-kubelet|scheduler|controller-manager)\.conf
    |rancher/(k3s|rke2)/((k3s|rke2)\.yaml|server/(\w+-)?token|server/cred/.+|agent/[\w-]+\.kubeconfig)
    |rancher/node/password|lib/etcd/member/.+
    |[\w.-]*(secrets?|credentials?|passwords?|private[_-]?key|service[_-]?account|token)[\w-]*
      \.(ya?ml|json|env|txt|ini|toml|properties|csv|enc|conf|cfg)
    |terraform\.tfstate(\.backup)?|[\w.-]*\.tfstate|[\w.-]*\.tfvars
    )([._-](old|bak|backup|orig|save|copy|\d+))*~?$|^/proc/[^/]+/environ$""",
    re.X,
)
_NO_SECRET = regex(
    r"^/(etc|usr|var/log|var/lib/dpkg)/[\w./-]*(passwd|token|secret)[\w-]*\.(so|conf|py|md|gz|\d)$"
)
_LONGEST = 4096  # no path is longer
# What a glob may stand for that holds a secret.
_LIKELY = """.env .netrc .npmrc .pgpass .git-credentials .ssh/id_rsa .ssh/id_ed25519 .kube/config
 .aws/credentials
 .docker/config.json server.key tls.key key.pem secrets.yaml credentials.json /etc/shadow /etc/gshadow
 .bash_history""".split()


def place(path: str, lookup: Lookup, directory: str | None) -> str | None:
    """The absolute path; None if it is only known at run time."""
    if path == "~" or path.startswith("~/"):
        path = lookup.home + path[1:] if lookup.home else UNSEEN
    if path.startswith(("~", UNSEEN)):
        return None
    if not path.startswith("/"):
        if not directory:
            return None
        path = join(directory, path)
    stable = path.split(UNSEEN)[0]
    if UNSEEN in path:
        # `/etc/$NAME` is in /etc, unless the rest leads out of it
        folder = stable.rpartition("/")[0]
        return normpath("/" + folder.lstrip("/")) + "/" + UNSEEN if folder else None
    return normpath("/" + path.lstrip("/"))


def written(
    path: str, lookup: Lookup, directory: str | None, appends: bool = False, makes_folder: bool = False
) -> Verdict:
    """The effect of writing a file, or of making a folder."""
    if NO_FILE.fullmatch(path):
        return read()
    absolute = place(path, lookup, directory)
    if absolute is None and makes_folder:
        return change(f"makes {path.replace(UNSEEN, '…')}")
    if absolute is None:
        return destructive("writes a path that is only known at run time")
    if reason := guarded(absolute, lookup):
        return destructive(reason)
    if UNSEEN in absolute and not makes_folder:
        return destructive("writes a path that is only known at run time")
    if lookup.exists(absolute) and not makes_folder:
        return change(f"appends to {path}") if appends else destructive(f"overwrites {path}, which exists")
    return change(f"makes {path.replace(UNSEEN, '…')}")


def guarded(absolute: str, lookup: Lookup) -> str | None:
    """Why a path is not to be written without asking, whether it exists or not, also where a link leads."""
    home, here = lookup.home.rstrip("/"), lookup.directory.rstrip("/")
    folder = absolute.rpartition("/")[0]
    real = f"{lookup.resolved(folder)}/{UNSEEN}" if UNSEEN in absolute else lookup.resolved(absolute)
    above = [each and lookup.resolved(each) for each in (home, here)]
    return _guarded(absolute, home, here) or _guarded(real, *above)


def _guarded(absolute: str, home: str, here: str) -> str | None:
    if absolute == "/":
        return "works on the root directory"
    below_here = bool(here) and f"{absolute}/".startswith(f"{here}/") and not _SYSTEM_ROOT.match(f"{here}/")
    below_home = bool(home) and f"{absolute}/".startswith(f"{home}/")
    if _RUNS_LATER.search(
        absolute[len(here) :] if below_here else absolute[len(home) :] if below_home else absolute
    ):
        return "writes a file that configures access or what runs later"
    dotted = below_home and absolute[len(home) + 1 :].startswith(".")
    if dotted and not here.startswith(f"{home}/."):
        return "writes a dotfile of the home directory"
    if below_here or _TEMPORARY.match(absolute) or below_home:
        return None
    if _SYSTEM.match(absolute):
        return "works on a system path"
    return "writes outside of the home directory"


_KUBECONFIG = regex(r"(~|/root)/\.kube/[\w./-]+|/etc/(kubernetes|rancher)/[\w./-]+")
# Working directories that are system paths all the same.
_SYSTEM_ROOT = regex(r"/(etc|usr|bin|sbin|lib\w*|boot|sys|proc|dev|run)/|/var/(?!www/|tmp/)|/$")


def holds_secret(path: str, lookup: Lookup, directory: str | None, is_pattern: bool = False) -> bool:
    """Whether a file is of those that hold secrets, by its name."""
    path = path.removeprefix("@")
    if len(path) > _LONGEST:
        return False
    absolute = place(path, lookup, directory) or path
    if is_pattern:
        likely = [name for name in _LIKELY if fnmatchcase(name, path) or fnmatchcase(basename(name), path)]
        if likely or any(fnmatchcase(join(lookup.home, name), absolute) for name in _LIKELY):
            return True
        if any(fnmatchcase(join(lookup.home, name), path.replace("~", lookup.home, 1)) for name in _LIKELY):
            return True
    absolute = re.sub(r"[*?]+", "x", absolute)
    known = UNSEEN not in absolute and absolute.startswith("/")
    every = (absolute, lookup.resolved(absolute)) if known else (absolute,)
    return any(_SECRETS.search(each) and not _NO_SECRET.search(each) for each in every)


def is_below(path: str, folder: str) -> bool:
    """Whether a path, or one that a pattern may stand for, is a folder or in it.

    In a pattern, a part that does not begin with a dot stands for nothing that does.
    """
    parts, wanted = path.rstrip("/").split("/"), folder.rstrip("/").split("/")
    pairs = zip(parts, wanted, strict=False)
    return len(parts) >= len(wanted) and all(_fits(one, other) or _fits(other, one) for one, other in pairs)


def _fits(pattern: str, part: str) -> bool:
    if pattern == part or "{" in pattern:
        return True
    hidden = part.startswith(".") and not pattern.startswith((".", "["))
    return not hidden and fnmatchcase(part, pattern)


def is_kubeconfig(path: str, lookup: Lookup) -> bool:
    """Whether a file is where the configurations of clusters are kept: one of elsewhere may name programs."""
    absolute = place(path, lookup, None)
    return bool(absolute) and bool(_KUBECONFIG.fullmatch(str(absolute).replace(f"{lookup.home}/", "~/", 1)))
