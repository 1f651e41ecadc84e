"""What talks to other machines, and what lets them in."""

import re

from devops_agent.policy.call import Call
from devops_agent.policy.handlers import Run, handler, is_remote, worst
from devops_agent.policy.verdict import Effect, Verdict, change, destructive, read, unknown

_CURL_DATA = (
    "-d --data --data-raw --data-ascii --data-urlencode --json -F --form --form-string --data-binary".split()
)


@handler
def _curl(call: Call, run: Run) -> Verdict:
    verdict = read()
    method = "".join(call.values("-X", "--request")[-1:]).upper()
    data = call.values(*_CURL_DATA)
    uploads = call.values("-T", "--upload-file")
    if any(value.startswith("@") for value in call.values("-H", "--header")):
        verdict |= destructive("sends what is in a file to another machine")
    as_query = call.given("-G", "--get")
    if call.given("-K", "--config"):
        return unknown("curl reads its flags from a file")
    for value in data:
        if re.search(r"(^|=)[@<]", value) or (
            re.search(r"[@<]", value) and "@" in value[:60] and "=@" in value
        ):
            verdict |= destructive("sends what is in a file to another machine")
    if uploads:
        verdict |= destructive("sends a file to another machine")
    if method == "DELETE":
        verdict |= destructive("HTTP DELETE")
    elif (data and not as_query) or method not in ("", "GET", "HEAD", "OPTIONS"):
        verdict |= change(f"HTTP {method or 'POST'}")
    for path in call.values(
        "-o",
        "--output",
        "-D",
        "--dump-header",
        "-c",
        "--cookie-jar",
        "--trace",
        "--trace-ascii",
        "--stderr",
        "--etag-save",
    ):
        verdict |= run.write(path)
    if call.given("-O", "--remote-name", "--remote-name-all"):
        folder = (call.values("--output-dir") or [""])[-1]
        for url in call.texts:
            name = url.partition("?")[0].rstrip("/").rpartition("/")[2]
            verdict |= run.write(f"{folder}/{name}" if folder else name)
    if call.given("--unix-socket") and any("docker.sock" in each for each in call.values("--unix-socket")):
        verdict |= destructive("talks to the Docker socket") if verdict.effect > Effect.READ else read()
    return verdict


@handler
def _wget(call: Call, run: Run) -> Verdict:
    if call.given("--post-file", "--body-file"):
        return destructive("sends what is in a file to another machine")
    if call.given("-i", "--input-file", "-e", "--execute", "--config", "--use-askpass"):
        return unknown("wget reads its flags or addresses from a file")
    verdict = change("HTTP POST") if call.given("--post-data", "--method", "--body-data") else read()
    if call.given("--method=DELETE"):
        verdict |= destructive("HTTP DELETE")
    outputs = call.values(
        "-O", "--output-document", "-o", "--output-file", "-a", "--append-output", "--save-cookies"
    )
    for path in outputs:
        verdict |= run.write(path)
    if call.given("-O", "--output-document", "--spider"):
        return verdict
    if call.given("-r", "-m", "--recursive", "--mirror", "-p"):
        return verdict | change("wget keeps pages")
    folder = (call.values("-P", "--directory-prefix") or [""])[-1]
    for url in call.texts:
        name = url.partition("?")[0].rstrip("/").rpartition("/")[2] or "index.html"
        place = f"{folder.rstrip('/')}/{name}" if folder else name
        # what is there already stays: it writes to a name with a number
        verdict |= run.write(place, makes_folder=not call.given("-N", "--timestamping", "-nd"))
    return verdict


@handler
def _scp(call: Call, run: Run) -> Verdict:
    """scp and rsync: to another machine they send and overwrite; here they write."""
    if call.given("-n", "--dry-run", "--list-only") and call.program == "rsync":
        return read()
    shells = call.values("-e", "--rsh", "--rsync-path", "-S")
    if any(not re.match(r"ssh(\s|$)", text) or "ProxyCommand" in text for text in shells):
        return unknown(f"{call.program} runs another program")
    if any("proxycommand" in value.lower() for value in call.values("-o")):
        return unknown(f"{call.program} runs another program")
    if len(call.operands) < 2:
        return read()
    *sources, target = call.texts
    if call.program == "rsync" and call.given(
        "--delete", "--delete-after", "--delete-before", "--remove-source-files", "--delete-excluded"
    ):
        return destructive("rsync removes files")
    if is_remote(target):
        return destructive("sends files to another machine, over those that it has")
    verdict = read()
    for source in sources:
        name = source.rpartition(":")[2]
        place = target if call.program == "rsync" and source.endswith("/") else run.inside(target, name)
        verdict |= run.write(place, makes_folder=call.given("--ignore-existing"))
    return verdict


@handler
def _ssh(call: Call, run: Run) -> Verdict:
    options = [value.lower().replace(" ", "=") for value in call.values("-o")]
    if any(option.startswith(("proxycommand=", "localcommand=", "knownhostscommand=")) for option in options):
        return unknown("ssh runs another program")
    if call.given("-V", "-Q", "-G"):
        return read()
    if call.inner:
        text = " ".join(word.text for word in call.inner)
        if any(word.substituted for word in call.arguments[1:]):
            return unknown("ssh runs text that is only known at run time") | destructive("sends data out")
        feed = run.feed
        words = call.inner[0].text.split()
        if words[:1] and words[0] in ("bash", "sh") and feed is not None and len(call.inner[0].text) < 20:
            return (
                run.elsewhere(feed.script) if feed.text is not None else unknown("a shell that reads a pipe")
            )
        if feed is not None and feed.text is None and feed.source and not call.given("-n"):
            return destructive("sends its standard input to another machine")
        return run.elsewhere(text)
    if run.feed is not None:
        return run.elsewhere(run.feed.script)
    if call.given("-N", "-f", "-O"):
        return change("opens a tunnel")
    return unknown("a shell for a person")


@handler
def _sftp(call: Call, run: Run) -> Verdict:
    text = run.feed.text if run.feed else None
    source = next(iter(call.texts), "").partition(":")[2]
    if source and not run.feed and not source.endswith("/"):
        target = call.texts[1] if len(call.operands) > 1 else "."
        return run.write(run.inside(target, source) if target != "." else source.rpartition("/")[2])
    if text is None:
        return unknown("sftp runs commands that are not known")
    verdict = read()
    for line in filter(None, map(str.strip, text.splitlines())):
        word = line.lstrip("-@").split()[0]
        if word in ("rm", "rmdir", "put", "mput", "reput", "rename"):
            verdict |= destructive(f"sftp {word}")
        elif word in ("get", "mget", "reget"):
            verdict |= run.write((line.split()[2:] or [line.split()[-1].rpartition("/")[2]])[0])
        elif word in ("mkdir", "chmod", "chown", "chgrp", "ln", "symlink"):
            verdict |= change(f"sftp {word}")
        elif word not in (
            "cd",
            "ls",
            "lcd",
            "lls",
            "pwd",
            "lpwd",
            "bye",
            "quit",
            "exit",
            "df",
            "stat",
            "progress",
            "version",
        ):
            verdict |= unknown(f"sftp {word} is not known")
    return verdict


@handler
def _nc(call: Call, run: Run) -> Verdict:
    if call.given("-e", "-c", "--exec", "--sh-exec", "--lua-exec"):
        return destructive("gives another machine a program to run")
    if call.given("-l", "--listen"):
        return unknown("takes what other machines send")
    return read()


@handler
def _ssh_keygen(call: Call, run: Run) -> Verdict:
    if call.given("-R", "-p", "-c", "-D"):
        return destructive("ssh-keygen changes keys or known hosts")
    if call.given("-y", "-l", "-F", "-B", "-r", "-L", "-Q"):
        return read(secret=call.given("-y", "-e"))
    return worst([run.write(path) for path in call.values("-f")]) | change("makes a key")


@handler
def _ifconfig(call: Call, run: Run) -> Verdict:
    return destructive("ifconfig changes an interface") if len(call.operands) > 1 else read()
