"""What talks to other machines, and what lets them in."""

import re
from itertools import pairwise

from devops_agent.patterns import regex
from devops_agent.policy.call import Call, argument
from devops_agent.policy.handlers import Run, handler, is_remote, worst
from devops_agent.policy.programs.flags import listed_flags, odd_flag
from devops_agent.policy.programs.sending import sends_output
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Effect, Verdict, change, destructive, read, unknown

_SENDS_FILE = "sends what is in a file to another machine"
_SENDS_INPUT = "sends its standard input to another machine"


def _is_fed(run: Run) -> bool:
    """Whether something comes in at its standard input."""
    return run.feed is not None and (run.feed.text is None or bool(run.feed.text.strip()))


def _request(method: str, sends: bool) -> Verdict:
    """The effect of an HTTP request."""
    if method in ("", "GET", "HEAD", "OPTIONS", "PROPFIND", "TRACE"):
        return change(f"HTTP {method or 'POST'}") if sends else read()
    if method in ("POST", "PUT", "PATCH", "MKCOL", "LOCK", "UNLOCK", "PURGE"):
        return change(f"HTTP {method}")
    return destructive("HTTP DELETE") if method == "DELETE" else unknown(f"{method[:20]} is not known")


def _named(url: str) -> str:
    """The name of the file that a URL is kept as."""
    return re.split(r"[?#]", url)[0].rstrip("/").rpartition("/")[2]


@handler
def _curl(call: Call, run: Run) -> Verdict:
    if flag := odd_flag(call):
        return unknown(f"{call.program} {flag} is not known")
    urls = [*call.texts, *call.values("--url")]
    if any(re.match(r"@|gophers?://|dict[:.]", url, re.I) for url in urls):
        return unknown("curl reads its addresses from a file, or sends what is no request")
    verdict = destructive(_SENDS_FILE) if _curl_sends_file(call) else read()
    verdict |= _sends_secret(call, run)
    if call.given("-n", "--netrc", "--netrc-optional", "--netrc-file"):
        verdict |= destructive("sends a password of .netrc") | read(secret=True)
    if _is_fed(run) and any(re.match(r"(telnet|wss?)://", url, re.I) for url in urls):
        verdict |= destructive(_SENDS_INPUT)
    as_query = call.given("-G", "--get") and not call.given("-:", "--next")
    sends = bool(call.values(*_CURL_DATA)) and not as_query
    methods = call.values("-X", "--request") or [""]
    request = worst([_request(method.upper(), sends) for method in methods])
    sockets = call.values("--unix-socket", "--abstract-unix-socket")
    if request.effect > Effect.READ and any(_ENGINE_SOCKET.search(each) for each in sockets):
        verdict |= destructive("talks to the socket of a container engine")
    return verdict | request | _curl_writes(call, urls, run)


# What they name proves who one is, or who the server is, or is written: it is not sent itself.
_NOT_SENT = """-E --cert --key --cacert --capath --pinnedpubkey --proxy-cert --proxy-key --proxy-cacert
 --proxy-capath --crlfile --ca-certificate --ca-directory --certificate --private-key
 -o --output -O --output-document""".split()


def _sends_secret(call: Call, run: Run) -> Verdict:
    """Whether words of a call name files with secrets that go to another machine."""
    words = [
        word.text
        for flag, word in pairwise(call.arguments)
        if not {flag.text, word.text.partition("=")[0]}.intersection(_NOT_SENT)
    ]
    secret = [text for text in words if any(map(run.holds_secret, _parts(text)))]
    if not secret:
        return read()
    if any(text.startswith("file://") for text in words):
        return read("reads a file with secrets", secret=True)
    sent = not all(re.match(r"https?://", text) for text in secret)
    return read("fetches secrets", secret=True) | (
        destructive("sends a secret to another machine") if sent else read()
    )


def _parts(text: str) -> list[str]:
    return [part for part in (text, *re.split(r"[=:@,]|file://", text)) if part]


_CURL_BODY = ("-d", "--data", "--data-ascii", "--data-binary", "--json")
_CURL_DATA = (*_CURL_BODY, "--data-raw", "--data-urlencode", "-F", "--form", "--form-string")
_ENGINE_SOCKET = regex(r"(docker|podman|containerd|crio)[^/]*\.sock")


def _curl_sends_file(call: Call) -> bool:
    whole = call.values(*_CURL_BODY, "-H", "--header", "--proxy-header")
    named = call.values("--data-urlencode", "--url-query", "--variable")
    return (
        any(value.startswith("@") for value in whole)
        or any(re.match(r"[^=+][^=]*@|@", value) for value in named)
        or any(re.search(r"=[@<]", value) for value in call.values("-F", "--form"))
        or bool(call.values("-T", "--upload-file"))
    )


def _curl_writes(call: Call, urls: list[str], run: Run) -> Verdict:
    """What curl writes; the rule has the flags whose value is a path as it is."""
    verdict = read()
    alike = not call.given("-:", "--next")  # what holds for one address holds for all
    names = [re.sub(r"#\d", UNSEEN, name) for name in call.values("-o", "--output")]
    if call.given("-O", "--remote-name", "--remote-name-all"):
        plain = alike and call.given("-g", "--globoff")
        names += [_named(url) if plain else re.sub(r"[][{}].*", UNSEEN, _named(url)) for url in urls]
    keeps = alike and call.given("--no-clobber", "--skip-existing")
    for folder in call.values("--output-dir") or [""]:
        paths = [f"{folder}/{name}" if folder and name != "-" else name for name in names]
        verdict |= worst([run.write(path, makes_folder=keeps) for path in paths])
    for text in call.values("-w", "--write-out"):
        if text.startswith("@") or text == UNSEEN:
            verdict |= unknown("curl reads a format that may name files that it writes")
        for path in re.findall(r"%output\{([^}]*)", text):
            verdict |= run.write(path.removeprefix(">>"), appends=path.startswith(">>"))
    return verdict


@handler
def _gh_api(call: Call, run: Run) -> Verdict:
    """`gh api PATH`: a request that reads, of the server that gh is logged in to."""
    methods = [method.upper() for method in call.values("-X", "--method")] or ["GET"]
    fields = call.values("-f", "--raw-field", "-F", "--field")
    sends = (fields and not call.given("-X", "--method")) or call.given("--input")
    if sends or any(method not in ("GET", "HEAD") for method in methods) or "graphql" in call.texts:
        return unknown(f"{call.name} may change something")
    if call.given("--hostname") or any("://" in text for text in call.texts):
        return unknown(f"{call.name} to another server")
    sends_file = any(re.search("=@", text) for text in fields)
    verdict = listed_flags(call) | sends_output(call.arguments[1:])
    return verdict | destructive(_SENDS_FILE) if sends_file else verdict


@handler
def _wget(call: Call, run: Run) -> Verdict:
    if flag := odd_flag(call):
        return unknown(f"wget {flag} is not known")
    secret = _sends_secret(call, run)
    if call.values("--post-file", "--body-file"):
        return secret | destructive(_SENDS_FILE)
    method = "".join(call.values("--method")[-1:]).upper()
    verdict = secret | _request(method, sends=bool(call.values("--post-data", "--body-data")))
    for path in call.values("-a", "--append-output"):
        verdict |= run.write(path, appends=True)
    if call.given("-b", "--background"):
        verdict |= change("goes on in the background")
    if call.given("-O", "--output-document", "--spider"):
        return verdict
    folder = "".join(call.values("-P", "--directory-prefix")[-1:])
    if call.given("-r", "-m", "--recursive", "--mirror", "-p", "--page-requisites"):
        if call.given("-nH", "--no-host-directories") and not call.given("-nc", "--no-clobber"):
            verdict |= destructive("may overwrite files")
        return verdict | change("wget keeps pages") | run.write(folder or ".", makes_folder=True)
    for url in call.texts:
        name = _named(url) or "index.html"
        place = f"{folder.rstrip('/')}/{name}" if folder else name
        # what is there already stays: it writes to a name with a number
        verdict |= run.write(place, makes_folder=not call.given("-N", "--timestamping", "-nd"))
    return verdict


@handler
def _aria2c(call: Call, run: Run) -> Verdict:
    """aria2c: what is there already stays."""
    folder = "".join(call.values("-d", "--dir")[-1:])
    names = call.values("-o", "--out") or [""]
    paths = [f"{folder}/{name}" if folder else name for name in names]
    return listed_flags(call) | worst([run.write(path, makes_folder=True) for path in paths if path])


@handler
def _nslookup(call: Call, run: Run) -> Verdict:
    reads_input = "-" in call.texts or not call.operands
    return destructive(_SENDS_INPUT) if reads_input and _is_fed(run) else read()


# --- ssh and what works over it -----------------------------------------------------------------------------

# Of the others, some run programs, load libraries or read further options.
_SSH_OPTIONS = frozenset(
    """addressfamily batchmode bindaddress bindinterface canonicalizehostname checkhostip ciphers
    clearallforwardings compression connectionattempts connecttimeout controlmaster controlpath
    controlpersist escapechar exitonforwardfailure fingerprinthash forwardagent forwardx11
    globalknownhostsfile gssapiauthentication hashknownhosts hostbasedauthentication hostkeyalgorithms
    hostkeyalias hostname identitiesonly identityfile ipqos kbdinteractiveauthentication
    challengeresponseauthentication kexalgorithms loglevel macs nohostauthenticationforlocalhost
    numberofpasswordprompts passwordauthentication port preferredauthentications proxyjump
    pubkeyacceptedalgorithms pubkeyacceptedkeytypes pubkeyauthentication rekeylimit requesttty
    serveralivecountmax serveraliveinterval stricthostkeychecking tcpkeepalive updatehostkeys user
    userknownhostsfile verifyhostkeydns visualhostkey""".split()
)
_KNOWN_HOSTS = regex(r"(~|/home/\w+|/root)/\.ssh/known_hosts\w*")
# A shell that takes its script from its standard input.
_READS_SCRIPT = regex(
    r"(\w+=[\w./:-]*\s+)*(sudo\s+(-[nEH]+\s+|-u\s*\w+\s+)*)?(ba|da|k|z)?sh"
    r"(\s+-[abd-z]*|\s+-o\s+pipefail)*(\s+-[abd-z]*s[abd-z]*\s+(--\s+)?[^;&|<>`$()]*)?\s*"
)


def _ssh_options(call: Call, run: Run) -> Verdict:
    """The effect of `-o` and `-J`."""
    verdict = read()
    hosts = [*call.values("-J"), *(text.partition(":")[0] for text in call.texts[:1])]
    for option in call.values("-o"):
        key, _, value = re.sub(r"[\s=]+", " ", option).strip().partition(" ")
        if key.lower() not in _SSH_OPTIONS:
            return unknown(f"{call.program} {key[:40]} may run another program")
        if key.lower() == "proxyjump":
            hosts.append(value)
        if key.lower() == "userknownhostsfile" and not _KNOWN_HOSTS.fullmatch(value):
            verdict |= run.write(value, appends=True)
    odd = any(re.search(r"[\s;|&`$()<>'\"\\]", host) for host in hosts)
    return unknown(f"{call.program} to a host with such a name") if odd else verdict


@handler
def _ssh(call: Call, run: Run) -> Verdict:
    if flag := odd_flag(call):
        return unknown(f"ssh {flag} is not known")
    verdict = _ssh_options(call, run)
    if call.given("-V", "-Q", "-G"):
        return verdict
    if call.inner and any(word.substituted for word in call.arguments[1:]):
        return unknown("ssh runs text that is only known at run time") | destructive("sends data out")
    if call.inner:
        return verdict | _ssh_command(" ".join(word.text for word in call.inner), call, run)
    if call.given("-N", "-O"):
        return verdict | change("opens a tunnel")
    if run.feed is not None:
        return verdict | run.elsewhere(run.feed.script)
    return unknown("a shell for a person")


def _ssh_command(text: str, call: Call, run: Run) -> Verdict:
    if not _is_fed(run) or call.given("-n", "-f"):
        return run.elsewhere(text)
    if _READS_SCRIPT.fullmatch(text):
        return run.elsewhere_argv([argument("sh"), argument("-c"), argument(text)])
    return destructive(_SENDS_INPUT) | run.elsewhere(text)


@handler
def _scp(call: Call, run: Run) -> Verdict:
    """scp and rsync: to another machine they send and overwrite; here they write."""
    verdict = _rsync_flags(call, run) if call.program == "rsync" else _scp_flags(call, run)
    if verdict.effect > Effect.CHANGE or len(call.operands) < 2:
        return verdict
    if call.given("-n", "--dry-run", "--list-only") and call.program == "rsync":
        return verdict
    *sources, target = call.texts
    if any(flag.startswith(("--del", "--remove-")) for flag in call.flags.values):
        return destructive("rsync removes files")
    if is_remote(target):
        return destructive("sends files to another machine, over those that it has")
    for source in sources:
        name = source.rpartition(":")[2]
        place = target if call.program == "rsync" and source.endswith("/") else run.inside(target, name)
        verdict |= run.write(place, makes_folder=call.given("--ignore-existing"))
    return verdict


def _scp_flags(call: Call, run: Run) -> Verdict:
    if call.values("-S", "-D", "-F"):
        return unknown("scp runs another program, or reads its options from a file")
    return _ssh_options(call, run)


def _rsync_flags(call: Call, run: Run) -> Verdict:
    verdict = listed_flags(call)
    verdict |= worst([run.write(path) for path in call.values("--log-file")])
    for text in call.values("-e", "--rsh"):
        verdict |= (
            run.script(f"{text} host true") if re.match(r"ssh(\s|$)", text) else unknown("runs a program")
        )
    if any(not re.fullmatch(r"(sudo\s+)?[\w/.-]*rsync", text) for text in call.values("--rsync-path")):
        verdict |= unknown("rsync runs another program")
    return verdict


@handler
def _sftp(call: Call, run: Run) -> Verdict:
    verdict = _ssh_options(call, run)
    if (flag := odd_flag(call)) or any(path != "-" for path in call.values("-b")):
        return unknown(f"sftp {flag or '-b'} is not known")
    text = run.feed.text if run.feed else None
    source = next(iter(call.texts), "").partition(":")[2]
    if source and not run.feed and not source.endswith("/"):
        target = call.texts[1] if len(call.operands) > 1 else "."
        path = run.inside(target, source) if target != "." else source.rpartition("/")[2]
        return verdict | run.write(path)
    if text is None:
        return unknown("sftp runs commands that are not known")
    folder = ""
    for line in text.splitlines():
        words = [word for word in line.lstrip("-@ \t").split() if word[0] != "-"]
        if words[:1] == ["lcd"]:
            folder = _below(folder, "".join(words[1:]) or "~") + "/"
        quoted = re.search(r"[\"'\\]", line)
        verdict |= unknown("sftp with a quoted name") if quoted else _sftp_line(words, folder, run)
    return verdict


def _below(folder: str, path: str) -> str:
    return path if path.startswith(("/", "~")) else folder + path


def _sftp_line(words: list[str], folder: str, run: Run) -> Verdict:
    """The effect of a command of sftp in a local folder."""
    word = "".join(words[:1])
    if word in ("get", "mget", "reget"):
        name = words[1].rpartition("/")[2] if words[1:] else UNSEEN
        target = _below(folder, "".join(words[2:3]))
        path = run.inside(target, name) if target else name
        return run.write(re.sub(r".*[*?[].*", UNSEEN, path))
    if word in ("rm", "rmdir", "put", "mput", "reput", "rename"):
        return destructive(f"sftp {word}")
    if word in ("mkdir", "chmod", "chown", "chgrp", "ln", "symlink"):
        return change(f"sftp {word}")
    if not word or word in "cd ls lcd lls pwd lpwd bye quit exit df stat progress version".split():
        return read()
    return unknown(f"sftp {word} is not known")


@handler
def _nc(call: Call, run: Run) -> Verdict:
    if call.given("-e", "-c", "--exec", "--sh-exec", "--lua-exec"):
        return destructive("gives another machine a program to run")
    if call.given("-l", "--listen"):
        return unknown("takes what other machines send")
    return listed_flags(call)


@handler
def _ssh_keygen(call: Call, run: Run) -> Verdict:
    if flag := odd_flag(call):
        return unknown(f"ssh-keygen {flag} is not known")
    if call.given("-y", "-l", "-F", "-B", "-r", "-L", "-Q", "-e", "-i"):
        return read(secret=call.given("-y", "-e"))
    if signs := call.values("-Y"):
        if signs[-1] in ("verify", "check-novalidate", "find-principals", "match-principals"):
            return read()
        return worst([run.write(f"{text}.sig") for text in call.texts]) | change("signs files")
    if call.given("-s"):
        paths = [f"{text.removesuffix('.pub')}-cert.pub" for text in call.texts]
        return worst([run.write(path) for path in paths]) | change("signs a key")
    keys = call.values("-f") or ["~/.ssh/id_key"]
    return worst([run.write(path) for key in keys for path in (key, f"{key}.pub")]) | change("makes a key")


@handler
def _openssl(call: Call, run: Run) -> Verdict:
    """openssl: what it writes, and that `s_client` sends its standard input."""
    verdict = read()
    outs = call.values("-out", "-keyout", "-CAserial", "-sigfile", "-writerand")
    for path in outs:
        verdict |= run.write(path)
    fed = run.feed and (run.feed.text is None or run.feed.text.strip() not in ("Q", "x", ""))
    if call.verb in ("s_client", "s_time", "ocsp"):
        verdict |= sends_output(call.arguments[1:])
        verdict |= destructive(_SENDS_INPUT) if fed else read()
    prints_key = call.verb in ("genrsa", "genpkey", "rsa", "pkey", "ec", "pkcs12", "genpkey")
    quiet = call.given("-noout", "-pubout", "-pubin", "-check") or outs
    return verdict | read(secret=prints_key and not quiet)


@handler
def _nft(call: Call, run: Run) -> Verdict:
    text = " ".join(call.texts)
    hidden = UNSEEN in text and call.effect is Effect.READ
    if hidden or "\n" in text or ";" in re.sub(r"\{[^{}]*\}", "", text):
        return unknown("nft with what may be several commands")
    return destructive("opens the firewall") if "accept" in call.texts and call.effect else read()


@handler
def _wg(call: Call, run: Run) -> Verdict:
    return read(secret=not {"private-key", "preshared-keys", "dump"}.isdisjoint(call.texts))


@handler
def _ifconfig(call: Call, run: Run) -> Verdict:
    return destructive("ifconfig changes an interface") if len(call.operands) > 1 else read()
