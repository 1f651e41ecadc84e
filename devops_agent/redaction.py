"""Secrets hidden by what they look like, before a text reaches the model, the screen, the log or the disk.

A value that was hidden keeps its name for the session, `[hidden-1]`. What the model writes with that name
gets the value back before it runs, so that it can pass on what it never sees.
"""

import base64
import binascii
import re
import threading
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

from devops_agent.late_imports import put_off
from devops_agent.patterns import regex
from devops_agent.unfinished import settled

# Plugins of detect-secrets whose patterns are exact; those by entropy and by keyword find too much.
_PLUGINS = """artifactory aws azure_storage_key cloudant discord github_token gitlab_token ibm_cos_hmac
 mailchimp openai pypi_token sendgrid slack softlayer square_oauth stripe telegram_token twilio""".split()
_TOKENS = (
    r"\beyJ[\w-]{8,2000}\.[\w-]+(?:\.[\w-]*)?",  # JSON web tokens
    r"\bsk-(?:ant-|proj-)?[\w-]{20,}",  # OpenAI, Anthropic
    r"\bhf_[A-Za-z0-9]{30,}",  # Hugging Face
    r"\bAIza[\w-]{35}",  # Google
    r"\bya29\.[\w-]{20,}",
    r"\b(?:hvs|hvb|hvr)\.[\w-]{20,}",  # Vault
    r"\bdop_v1_[0-9a-f]{64}",  # DigitalOcean
    r"\bAGE-SECRET-KEY-1[0-9A-Z]{50,}",
    r"\bgithub_pat_\w{22,}",
    r"\b(?:sk|rk)_(?:live|test)_\w{16,}",  # Stripe
    r"\bdckr_pat_[\w-]{20,}",  # Docker Hub
    r"\bnpm_[A-Za-z0-9]{36}",
    r"\$(?:1|2[aby]|5|6|y|apr1|argon2\w*)\$[^\s:\"']{8,}",  # hashes of passwords
    r"\bSCRAM-SHA-256\$\S+|\bmd5[0-9a-f]{32}\b",
)
_KEY_BLOCK = regex(
    r"-----BEGIN (?P<kind>(?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?)-----[\s\S]*?(?:-----END (?P=kind)-----|\Z)"
)
_KEY_END = regex(r"-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINE = regex(r"(?:[A-Za-z0-9+/=]|\[hidden-\d+\])+\s*")
_KEY = regex(r"-----(?:BEGIN|END) ")
_PASSWORD_IN_URL = regex(r"(?<=://)[^\s:/?#@'\"]*:(?P<value>[^\s@'\"/]+)@")
# No repetition is tried from many places over a long way: a text may be made to take hours.
_NAME = (
    r"(?:[\w.-]{0,200}(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|apikey|access[_-]?key"
    r"|private[_-]?key|secret[_-]?key|client[_-]?secret|credentials?|auth|account[_-]?key"
    r"|encryption[_-]?key|signing[_-]?key"
    r"|pre-?shared[_-]?key|psk)"
    r"|[\w-]{1,200}[_-](?:pass|pw|key)"
    r"|(?!(?-i:PASS):[ \t]+\S{0,100}(?:test|check|spec|case|suite|unit|/))pass"  # of a test runner
    r"|client-key-data|PGPASSWORD|MYSQL_PWD|\.dockerconfigjson"
    r"|_authToken|requirepass|masterauth)(?:[_-]?(?:base|value|data|string|prod|dev|live|test|old|new"
    r"|\d{1,2}))?"
)
# Quotes of JSON within a string of JSON, and of that within another.
_ESCAPED = r"\\\"(?:[^\"\\\n]|\\\\(?:\\.|[^\\\n]))*\\\"|\\{3}\"[^\"\\\n]*\\{3}\""
_QUOTED, _WORD = rf"(?:\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'|{_ESCAPED})", r"[^\s\"',;&|)}\]]+"
_QUOTE = r"(?:\\{0,3}[\"'])?"
_VALUE = rf"(?:{_QUOTED}|{_WORD})"
_RANDOM_LOOKING = r"(?=[^\s\"',;\d]{0,500}\d)(?=[^\s\"',;a-z]{0,500}[a-z])"
_END = r"(?=[ \t]*(?:$|[,;}\])\"'#&|\\]))"
_BEFORE = rf"(?<![\w.:-])(?P<name>{_NAME}){_QUOTE}[ \t]*"
_ARGUMENT = r"(?P<value>'[^'\n]+'|\"[^\"\n]+\"|[^\s'\"|;&-][^\s|;&]*)"
# What stands behind the name of a secret, and the forms in which programs take one.
_NAMED = tuple(
    regex(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        rf"{_BEFORE}(?::=|=>|=)[ \t]*(?P<value>{_VALUE})",
        rf"{_BEFORE}:[ \t]*(?P<value>{_QUOTED}){_END}",
        rf"{_BEFORE}:[ \t]*(?P<value>{_WORD})(?:{_END}|(?P<goes_on>))",
        rf"(?<![\w.:-])(?P<name>{_NAME}):(?P<value>{_RANDOM_LOOKING}[^\s\"',;(){{}}/]{{6,}})",
        rf"(?<!\S)[\"']?--(?!(?:no|ask|skip|enable|disable)-)(?P<name>{_NAME})[\"']?"
        rf"(?:=|[ \t]|\n\s*(?:-[ \t]+)?)(?P<value>{_VALUE})",
        rf"\"--?(?P<name>{_NAME})\\{{0,3}}\",\s*(?P<value>{_QUOTED})",
        rf"(?<![\w.:-])(?P<name>{_NAME}):[ \t]*[|>][-+]?[ \t]*\n[ \t]+(?P<value>\S.*)",
        r":(?P<name>_authToken|_password|_auth)=(?P<value>\S+)",
        r"[?&](?P<name>sig|signature|x-amz-signature|x-goog-signature|key|code)=(?P<value>[^&\s\"']{12,})",
        r"\b(?P<name>redis-cli)\b(?:(?!redis-cli)[^\n|;&])*?[ \t](?:-a|--pass)[ \t]+(?P<value>[^\s'\"-]\S*)",
        rf"name{_QUOTE}:[ \t]*{_QUOTE}(?P<name>{_NAME}){_QUOTE}[,\s]\s*{_QUOTE}value{_QUOTE}:[ \t]*"
        rf"(?P<value>{_VALUE})",
        rf"\"(?P<name>{_NAME})\":\s*\{{[^{{}}]*?\"value\":\s*(?P<value>\"[^\"]*\")",
        rf"<(?P<name>{_NAME})>(?P<value>[^<\s]+)</",
        r"\b(?P<name>password|passwd|passphrase|secret|token|\w{0,50}secret\w{0,50}_key|requirepass)[ \t]+"
        rf"(?:is[ \t]+)?(?P<value>{_RANDOM_LOOKING}[^\s\"',;:()\[\]{{}}/]{{6,}})",
        r"\b(?P<name>cookie):[ \t]*[^=;\s]{1,200}=(?P<value>[^;\s]{8,})",
        r"(?<![\w=])(?P<name>bearer|basic)[ \t]+(?P<value>[\w.~+/=-]{8,})",
        r"\b(?P<name>x-[\w-]{0,50}(?:key|token)):[ \t]*(?P<value>\S{8,})",
        r"(?P<name>(?:mysql|mariadb)\w{0,20})\b(?:(?!mysql|mariadb)[^\n|;&])*?[ \t]-p"
        r"(?P<value>'[^']+'|\"[^\"]+\"|[^\s'\"-]\S{3,})",
        r"\b(?:docker|podman|nerdctl|buildah|skopeo|helm[ \t]registry|az|oc|oras)[ \t]+(?P<name>login)\b"
        rf"(?:(?!\blogin\b)[^\n|;&])*?[ \t]-p[ \t=]?{_ARGUMENT}",
        rf"\b(?P<name>password|identified[ \t]+(?:with[ \t]+\S{{1,99}}[ \t]+)?by)[ \t]+(?P<value>{_QUOTED})",
        r"\b(?P<name>(?:create|alter)[ \t]+user)[ \t]+\S{1,99}[ \t]+identified[ \t]+by[ \t]+"
        r"(?P<value>[^\s;'\"]+)",
        rf"\b(?P<name>set[ \t]+password)[ \t]+for[ \t]+\S{{1,99}}[ \t]*=[ \t]*(?:password\()?"
        rf"(?P<value>{_QUOTED})",
        rf"--from-literal[ \t=][\"']?(?P<name>[\w.-]{{0,50}}pw)={_ARGUMENT}",
        r"(?P<name>)(?<![^\s'\"])\$?\{?[\w.-]{1,64}\}?:(?P<value>[^'\"|\n]{2,99}?[^'\"|\s])(?:\\n)?[\"']?"
        r"[ \t]{0,9}\|[ \t]{0,9}(?:sudo[ \t]+)?[\w/]{0,40}chpasswd\b",
        r"(?P<name>)\bchpasswd[^\n|;&]{0,40}<<(?:<[ \t]{0,9}[\"']?|-?[ \t]{0,9}[\"']?\w{1,40}[\"']?\n)"
        r"[\w.-]{1,64}:(?P<value>[^'\"\n]{3,99})",
        r"(?P<name>sshpass)[ \t]+-p[ \t]*(?P<value>'[^']+'|\"[^\"]+\"|\S+)",
        r"(?P<name>curl|wget|http)\b(?:(?!curl\b|wget\b|http\b)[^\n|;&])*?[ \t](?:-u|--user)[ =]?"
        r"[\"']?[^\s:'\"]+:(?P<value>[^\s'\"]+)",
        r"(?P<name>^)[\w.*-]+:(?:\d+|\*):[\w*-]+:[\w*-]+:(?P<value>(?=\S*[a-z])\S+)$",  # .pgpass
    )
)
# What every one of these has in it: elsewhere they need not be tried.
_HINT = regex(
    r"(?i)pass|pwd|secret|token|key|cred|auth|cookie|bearer|basic|pw\b|mysql|maria|redis-cli|curl|wget"
    r"|http\b|sig"
    r"|psk|master|[ \t]login\b|identified|code=|^[\w.*-]+:(?:\d+|\*):[\w*-]+:[\w*-]+:",
    re.MULTILINE,
)
_NO_SECRET_NAME = regex(
    r"(?i).*(?:secret[_-]?name|token[_-]?(?:expir|review|path|file|url|type|limit|count|endpoint|ttl)"
    r"|auth[_-]?(?:mode|type|url)|(?:public|cache|sort|primary|foreign|host)[_-]?key|num_|max_).*"
    r"|.*(?:key|token|secret|password)s?[_-]?(?:ref|file|path|name|id|type|size|length|policy|algorithm"
    r"|server"
    r"|arn)"
)
# What stands where a value would, and is none: a reference, a switch, a number, code, what is hidden already.
_NO_VALUE = regex(
    r"(?i)(?:\\{0,3}[\"'])?(?:\$[({]?\w.*|<.*|\{\{?.*|true|false|yes|no|on|off|null|none|nil|~|\w*\*{3}.*|x+|\.\.\.|redacted"
    r"|\d{1,6}|opaque|kubernetes\.io/.*|bearer|basic|required|optional|enabled|disabled|from|in|of|is|not"
    r"|found"
    r"|missing|invalid|\[hidden.*|REDACTED.*|/[\w./-]+|\S+\.(?:ya?ml|json|pem|crt|txt|env)|mounted|set"
    r"|unset|-.*"
    r"|\((?:sensitive|none|hidden).*|(?:DATA|REDACTED)\+OMITTED|str|string|int|bool|bytes|any"
    r"|[a-z_]+(?:\??\.[a-z_]+)+(?:[(\[].*)?|name|file|path|value|key|number"
    r")?(?:\\{0,3}[\"'])?|\\+"
)
_RANDOM = regex(r"\"(?:result|bcrypt_hash)\":\s*\"(?P<value>[^\"]+)\"")
_SECRET_YAML = regex(r"^[ -]*kind:[ ]*Secret[ ]*$", re.M)
_PERHAPS_SECRET = '\n}\nkind: Secret\n"kind": "Secret"'
_SECRET_JSON = regex(r"\"kind\":\s*\"Secret(?:List)?\"")
_DATA_YAML = regex(
    r"^(?P<indent> *)(?:- )?(?:data|stringData):[ \t]*\n(?P<body>(?:(?P=indent) +.*(?:\n|\Z)|[ \t]*\n)+)",
    re.M,
)
_ENTRY_YAML = regex(r"^[^\S\n]*[\w.-]+:[ \t]*(?P<value>[^\s|>](?:.*[^ \t\n])?)[ \t]*$", re.M)
_DATA_JSON = regex(r"\"(?:data|stringData)\":\s*\{(?P<body>[^{}]*)\}")
_ENTRY_JSON = regex(r":\s*\"(?P<value>(?:\\.|[^\"\\])+)\"")
# What `aws secretsmanager get-secret-value` prints.
_SECRET_STRING = regex(r"\"SecretString\":\s*\"(?P<body>\{(?:\\.|[^\"\\\n])*)\"")
_ENTRY_ESCAPED = regex(rf":\s*(?P<value>{_ESCAPED})")
_APPLIED = regex(r"last-applied-configuration[\"']?:\s*(?P<value>.*)")
_OPENING = regex(r"\\{0,3}[\"']")
_LIKE_BASE64 = regex(r"(?<![\w+/=-])[A-Za-z0-9+/]{8,}={0,2}(?![\w+/=-])")
# A shorter value is hidden only where it stands as one.
_SHORTEST = 8
# So many lines behind a name its value may stand.
_LINES_BEHIND = 6
_LONG, _LINES = 16, regex(r"\\n|\n")
_PARTS = regex(r"\\n|[\s=:/\"'+]+")
HIDDEN = regex(r"\[hidden-\d+\]")
UNNAMED = "[hidden]"
# What detect-secrets scans files with, and asks a service with whether it takes a token.
_PUT_OFF = ("detect_secrets.core", "detect_secrets.filters", "requests")


@cache
def _exact() -> re.Pattern[str]:
    """The patterns of all kinds of tokens, as one."""
    found: list[str] = list(_TOKENS)
    with put_off(*_PUT_OFF):
        modules = [import_module(f"detect_secrets.plugins.{plugin}") for plugin in _PLUGINS]
    for module in modules:
        for kind in vars(module).values():
            for pattern in _patterns(kind, module.__name__):
                found.append(pattern)
    return regex("|".join(f"(?:{pattern})" for pattern in found))


def _patterns(kind: Any, module: str) -> Iterator[str]:
    if isinstance(kind, type) and kind.__module__ == module and hasattr(kind, "denylist"):
        for pattern in kind.denylist:
            flags = "i" if pattern.flags & re.IGNORECASE else ""
            text = _bounded(pattern.pattern)
            yield f"(?{flags}:{text})" if flags else text


def _bounded(pattern: str) -> str:
    """A pattern of detect-secrets without the repetitions that may go over the same text many times."""
    pattern = pattern.replace("(?: *)", "(?: {0,9})").replace("| +|", "| {1,9}|")
    return pattern.replace("[A-Za-z0-9-_]*", "[A-Za-z0-9-_]{0,99}")


# How many texts are kept with their hidden form, and how long they may be in characters.
_MOST_DONE, _LONGEST_DONE = 500, 20_000


def prepare() -> None:
    """Imports and compiles the patterns, which takes a fifth of a second, before the first text comes."""
    _exact()


class Redactor:
    """Hides secrets in texts, and gives back what it has hidden.

    Args:
        active: Whether it hides anything.
    """

    def __init__(self, active: bool = True) -> None:
        self.active = active
        self._names: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._passed: set[str] = set()  # the values that were given back, and may come out again as any word
        self._first = 1
        self._lock = threading.Lock()  # two texts at once would give one name to two values
        self._sizes: dict[str, list[int]] = {}  # how long the values are that begin so, the longest first
        self._done: dict[tuple[str, bool, str], str] = {}  # for a conversation is gone through at each step
        self._done_with: tuple[int, ...] = ()

    def __call__(self, text: str, secret: bool = False, known: str = "") -> str:
        """The text with its secrets hidden.

        Args:
            text: Any text.
            secret: Whether it comes from a call that is known to print secrets: what looks like one is
                hidden too where nothing says so.
            known: A text whose words are no secret to the reader, such as the task.
        """
        if len(text) > _LONGEST_DONE:
            return self._without(text, secret, known, self._hidden)
        with_values = len(self._names), len(self._passed), self._first
        if with_values != self._done_with or len(self._done) > _MOST_DONE:
            self._done, self._done_with = {}, with_values
        done = self._done
        if (text, secret, known) not in done:
            done[text, secret, known] = self._without(text, secret, known, self._hidden)
        return done[text, secret, known]

    def unnamed(self, text: str) -> str:
        """The text with its secrets hidden, without names: these mean nothing in another process."""
        return HIDDEN.sub(UNNAMED, self._without(text, False, "", lambda value: UNNAMED))

    def growing(self, text: str, by_line: bool = False) -> str:
        """A text that goes on, with its secrets hidden; none gets a name, for it may be the start of one.

        Args:
            text: What there is so far.
            by_line: Whether what comes may show that an earlier word of its last line is a secret.
        """
        text = settled(text, by_line) if self.active else text
        kind = _PERHAPS_SECRET if by_line and "apiVersion" in text else ""  # a manifest tells it last
        hidden = self._without(f"{text}{kind}", False, "", lambda value: self._names.get(value, UNNAMED))
        return hidden.removesuffix(kind)

    def _without(self, text: str, secret: bool, known: str, named: Callable[[str], str]) -> str:
        if not self.active or len(text) < _SHORTEST // 2:
            return text
        text = self._with_names(text, known)
        for value in self._passed:
            if value not in known:
                text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", self._names[value], text)
        spans = sorted(self._spans(text, secret))
        parts: list[str] = []
        end = 0
        for start, stop in spans:
            before = HIDDEN.search(text, start, stop)
            is_new = start >= end and (not before or _KEY.search(text, start, stop))
            if is_new and text[start:stop] not in known:
                parts += [text[end:start], before[0] if before else named(text[start:stop])]
                end = stop
        return "".join([*parts, text[end:]])

    def restored(self, text: str) -> str:
        """The text with the values in place of their names; these are hidden wherever they stand then."""
        values = [self._values[name] for name in HIDDEN.findall(text) if name in self._values]
        self._passed.update(value for value in values if len(value) >= _SHORTEST // 2)
        return HIDDEN.sub(lambda found: self._values.get(found[0], found[0]), text)

    def noted(self, text: str, secret: bool = False) -> str:
        """The text with its secrets hidden, and a line that says how many values those are."""
        hidden = self(text, secret)
        count = len(set(HIDDEN.findall(hidden)))
        return f"{hidden}\n({count} secret value{'s' * (count > 1)} hidden)" if count else hidden

    def number_behind(self, text: str) -> None:
        """Lets no name be given that stands in a text of another process, where it means another value."""
        taken = [int(number) for number in re.findall(r"\[hidden-(\d{1,9})\]", text)]
        first = max([self._first, *(number + 1 for number in taken)])
        new = {name: f"[hidden-{number}]" for number, name in enumerate(self._values, first)}
        self._values = {new[name]: value for name, value in self._values.items()}
        self._names = {value: new[name] for value, name in self._names.items()}
        self._first = first

    def _hidden(self, value: str) -> str:
        with self._lock:
            self._name(value)
        return self._names[value]

    def _name(self, value: str) -> None:
        if value not in self._names:
            name = f"[hidden-{len(self._values) + self._first}]"
            self._values[name] = value
            self._enter(value, name)
            for part in (*_LINES.split(value), *_PARTS.split(value)):  # a line of a key tells a part of it
                if len(part) >= _LONG and re.search(r"\d", part):
                    self._enter(part, name)

    def _enter(self, value: str, name: str) -> None:
        self._names.setdefault(value, name)
        sizes = self._sizes.setdefault(value[:_SHORTEST], [])
        if len(value) not in sizes:
            sizes.append(len(value))
            sizes.sort(reverse=True)

    def _with_names(self, text: str, known: str) -> str:
        """The text in which what was hidden before is hidden wherever it stands."""
        parts: list[str] = []
        end = at = 0
        while self._sizes and at < len(text):
            value = self._known_at(text, at, known)
            if value:
                parts += [text[end:at], self._names[value]]
                end = at + len(value)
            at += len(value) or 1
        return "".join([*parts, text[end:]])

    def _known_at(self, text: str, at: int, known: str) -> str:
        """The longest value hidden before that begins at a place."""
        for size in self._sizes.get(text[at : at + _SHORTEST], ()):
            value = text[at : at + size]
            if value in self._names and value not in known and _is_telling(value):
                return value
        return ""

    def _spans(self, text: str, secret: bool) -> Iterator[tuple[int, int]]:
        for found in _KEY_BLOCK.finditer(text):
            yield found.span()
        yield from _key_tails(text)
        for found in _exact().finditer(text):
            yield found.span()
        for found in _PASSWORD_IN_URL.finditer(text):
            if not _NO_VALUE.fullmatch(found["value"]):
                yield found.span("value")
        near = list(_near_names(text))
        for pattern in _NAMED:
            for found in (each for span in near for each in pattern.finditer(text, *span)):
                name, value = found["name"], found["value"]
                hides = not _NO_SECRET_NAME.fullmatch(name) and not _is_no_value(value, name)
                if hides and not _goes_on(found):
                    yield _inside(found)
        if "random_password" in text:
            yield from (found.span("value") for found in _RANDOM.finditer(text))
        yield from _of_secret_objects(text)
        if secret:
            yield from (found.span() for found in _LIKE_BASE64.finditer(text) if _decodes(found[0]))


def _is_no_value(value: str, name: str) -> bool:
    return bool(_NO_VALUE.fullmatch(value)) or value.lower() in name.lower()


def _goes_on(found: re.Match[str]) -> bool:
    """Whether a word stands within a sentence, as in "the token: a word for ..."."""
    return found.groupdict().get("goes_on") is not None and not re.search(r"[#\\]", found["value"])


def _is_telling(value: str) -> bool:
    """Whether a value is none of those that mean something else elsewhere, such as `postgres`."""
    return len(value) >= _SHORTEST and not re.fullmatch(r"[a-z]+|[A-Z]+|[\d.]+", value)


def _near_names(text: str) -> Iterator[tuple[int, int]]:
    """The parts of a text in which a secret may have a name: lines that hint at one, and some behind."""
    start = end = line = 0
    for found in _HINT.finditer(text):
        if found.end() <= line:
            continue
        line = text.find("\n", found.end()) + 1 or len(text)
        first = max(text.rfind("\n", 0, found.start()), 0)
        last = found.end()
        for _ in range(_LINES_BEHIND):
            last = text.find("\n", last) + 1 or len(text)
        if first > end:
            yield start, end
            start = first
        end = last
    yield start, end


def _key_tails(text: str) -> Iterator[tuple[int, int]]:
    """The last lines of private keys whose first ones were cut off."""
    for found in _KEY_END.finditer(text):
        start = found.start()
        while start and _KEY_LINE.fullmatch(text, line := text.rfind("\n", 0, start - 1) + 1, start):
            start = line
        if start < found.start():
            yield start, found.end()


def _inside(found: re.Match[str]) -> tuple[int, int]:
    """Where the value is, without its quotes."""
    start, stop = found.span("value")
    quote = _OPENING.match(found["value"])
    if quote and found["value"].endswith(quote[0]) and stop - start > 2 * len(quote[0]):
        return start + len(quote[0]), stop - len(quote[0])
    return start, stop


def _of_secret_objects(text: str) -> Iterator[tuple[int, int]]:
    """The data of Secret objects, in YAML and in JSON, and of AWS's secrets."""
    kinds = (
        (_SECRET_YAML, _DATA_YAML, _ENTRY_YAML),
        (_SECRET_JSON, _DATA_JSON, _ENTRY_JSON),
        (_SECRET_STRING, _SECRET_STRING, _ENTRY_ESCAPED),
    )
    for kind, data, entry in kinds:
        if not kind.search(text):
            continue
        for block in data.finditer(text):
            for found in entry.finditer(text, *block.span("body")):
                if not found["value"].startswith(("{{", "${")):
                    yield _inside(found)
    if _SECRET_YAML.search(text) or _SECRET_JSON.search(text):
        yield from (found.span("value") for found in _APPLIED.finditer(text))


def _decodes(text: str) -> bool:
    """Whether a word is base64 of a text."""
    if len(text) % 4:
        return False
    try:
        return base64.b64decode(text, validate=True).decode().isprintable()
    except (binascii.Error, UnicodeDecodeError):
        return False
