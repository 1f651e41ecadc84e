"""Programs inside of commands: SQL, sed, awk, Python and Perl. What is not understood is unknown."""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Verdict, change, destructive, read, unknown


class Part(NamedTuple):
    """Something that a script does: it writes a file or runs a text in a shell."""

    does: str  # "writes", "appends", "runs"
    text: str


class Analysis(NamedTuple):
    """What a script does besides, and the parts that have to be looked at."""

    verdict: Verdict
    parts: tuple[Part, ...] = ()


# --- SQL --------------------------------------------------------------------------------------------------

_SQL_TEXT = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|/\*[\s\S]*?\*/|`[^`]*`"
)
_SQL_READS = frozenset(
    """select show explain describe desc with values table begin commit rollback end set use start pragma
    analyze fetch declare close savepoint release help status""".split()
)
_SQL_CHANGES = frozenset("insert create grant comment refresh rename listen notify vacuum reindex".split())
_SQL_DESTROYS = re.compile(
    r"\b(delete|drop|truncate|update|replace|merge|kill|shutdown|reset|revoke|lock|alter)\b(?!\s*\()"
    r"|\binto\s+(out|dump)file\b|\bprogram\b|\bload_extension\b|\bsys_exec\b|\bpg_(terminate|cancel)_backend\b"
    r"|\blo_(import|export|unlink)\b|\bpg_(write|file)\w*|\bdblink\w*|\bcopy\b|\bdo\b|\bexecute\b|\bload\s+data\b"
)
_SQL_UNSEEN = re.compile(r"\b(call|exec|prepare|source|system|import|attach|load)\b")
_META_READS = re.compile(
    r"\\(d\w*\+?|l\+?|z|sf|sv|conninfo|timing|x|pset|a|t|h|\?|echo|encoding|q|c|connect|set)(\s|$)"
)


def sql(text: str) -> Verdict:
    """The effect of SQL, and of the commands of psql and mysql among it."""
    if UNSEEN in text:
        return unknown("runs SQL that is only known at run time")
    verdict = read()
    for statement in _SQL_TEXT.sub("''", text).split(";"):
        for line in re.findall(r"^\s*\\.*$", statement, re.M):
            if not _META_READS.match(line.strip()):
                verdict |= unknown(f"the command {line.split()[0]} is not known")
        bare = re.sub(r"^\s*\\.*$", "", statement, flags=re.M).strip().lower()
        if not bare:
            continue
        first = re.match(r"\w*", bare)[0]  # type: ignore[index]
        if first == "explain" and not re.search(r"\banalyze\b", bare):
            continue
        if re.search(r"\bpg_(shadow|authid)\b|\bmysql\.user\b|\bpasswd\b|\bpassword\b", bare):
            verdict |= read("reads passwords", secret=True)
        harm = _SQL_DESTROYS.search(
            re.sub(r"\bfor\s+(no\s+key\s+)?update\b|\bon\s+(update|delete)\b", "", bare)
        )
        if first == "insert" and harm and re.search(r"\bon\s+(conflict|duplicate)\b", bare):
            harm = None
        if first == "alter" and not re.search(r"\b(drop|owner|disable)\b", bare):
            verdict |= change("SQL alter")
        elif harm:
            verdict |= destructive(f"SQL {harm[0].strip()}")
        elif first in _SQL_CHANGES or (first == "select" and re.search(r"\binto\b", bare)):
            verdict |= change(f"SQL {first}")
        elif first not in _SQL_READS or (_SQL_UNSEEN.search(bare) and first != "select"):
            verdict |= unknown(f"SQL {first} is not known")
        elif first == "with" and re.search(r"\binsert\b", bare):
            verdict |= change("SQL insert")
        elif first == "pragma" and "=" in bare:
            verdict |= change("SQL pragma")
    return verdict


# --- sed --------------------------------------------------------------------------------------------------

_SED_ADDRESS = re.compile(
    r"\s*(?:\d+(?:~\d+)?|\$|/(?:\\.|\[[^\]]*\]|[^/\\\n])*/[IM]*|\\(.)(?:\\.|(?!\1)[^\\\n])*\1[IM]*|[+~]\d+)"
)


def sed(text: str) -> Analysis:
    """What a script of sed does."""
    if UNSEEN in text:
        return Analysis(unknown("runs a script of sed that is only known at run time"))
    verdict, parts, at = read(), [], 0
    while at < len(text):
        at = _after_addresses(text, at)
        if at >= len(text):
            break
        letter, at = text[at], at + 1
        if letter in "{}=dDgGhHlnNpPxzF;\n \t":
            continue
        if letter in "qQ":
            at = _span(r"\s*\d*", text, at)
        elif letter in "aic":
            at = _span(r"(?:\\\n|\\.|\\$|[^\n\\])*", text, at)
        elif letter in ":btT":
            at = _span(r"[^;\n}]*", text, at)
        elif letter in "rRwW":
            end = _span(r"[^\n]*", text, at)
            if letter in "wW":
                parts.append(Part("writes", text[at:end].strip()))
            at = end
        elif letter in "sy":
            found = _substitution(text, at)
            if found is None:
                return Analysis(unknown("the script of sed is not understood"))
            flags, at = found
            if letter == "s" and "e" in flags.split("w")[0]:
                return Analysis(unknown("sed runs what it has put together"))
            if letter == "s" and "w" in flags:
                parts.append(Part("writes", flags.partition("w")[2].strip()))
        elif letter == "e":
            end = _span(r"[^\n]*", text, at)
            parts.append(Part("runs", text[at:end].strip() or UNSEEN))
            at = end
        elif letter == "#":
            at = _span(r"[^\n]*", text, at)
        else:
            return Analysis(unknown("the script of sed is not understood"))
    return Analysis(verdict, tuple(parts))


def _after_addresses(text: str, at: int) -> int:
    at = _span(r"[\s;]*", text, at)
    for _ in range(2):
        if match := _SED_ADDRESS.match(text, at):
            at = _span(r"\s*,?\s*", text, match.end())
    return _span(r"\s*!*\s*", text, at)


def _span(pattern: str, text: str, at: int) -> int:
    match = re.compile(pattern).match(text, at)
    return match.end() if match else at


def _substitution(text: str, at: int) -> tuple[str, int] | None:
    """The flags of `s/…/…/`, and where it ends."""
    if at >= len(text):
        return None
    mark = re.escape(text[at])
    half = rf"(?:\\[\s\S]|\[\^?\]?[^\]\n]*\]|(?!{mark})[^\\])*"
    plain = rf"(?:\\[\s\S]|(?!{mark})[^\\])*"
    for first in (plain, half):
        if match := re.compile(rf"{mark}{first}{mark}{plain}{mark}([gpiImM\de]*)(w[^\n]*)?").match(text, at):
            following = text[match.end() : match.end() + 1]
            if following in ("", ";", "\n", "}", " ", "#"):
                return match[1] + (match[2] or ""), match.end()
    return None


# --- awk --------------------------------------------------------------------------------------------------

_AWK_TOKEN = re.compile(
    r'(?P<string>"(?:\\.|[^"\\])*")|(?P<comment>#[^\n]*)|(?P<word>[A-Za-z_]\w*)|(?P<number>[\d.]+)'
    r"|(?P<space>[ \t]+|\\\n)|(?P<mark>\|\||&&|>>|[<>!=]=|\|&|[\s\S])"
)
_AWK_DIVIDES = re.compile(r"[\w)\]$.\"]\s*$")


def awk(text: str) -> Analysis:
    """What a program of awk does."""
    if UNSEEN in text:
        return Analysis(unknown("runs a program of awk that is only known at run time"))
    if re.search(r"@(load|include|namespace)\b", text):
        return Analysis(unknown("awk loads another program"))
    tokens = list(_awk_tokens(text))
    parts: list[Part] = []
    verdict = read(secret=any(token == "ENVIRON" for token in tokens))
    depth, prints = 0, False
    for at, token in enumerate(tokens):
        if token in ("(", "["):
            depth += 1
        elif token in (")", "]"):
            depth -= 1
        elif token in ("print", "printf"):
            prints, depth = True, 0
        elif token in (";", "\n", "{", "}"):
            prints = False
        elif token == "system":
            parts.append(Part("runs", _awk_literal(tokens[at + 2 : at + 4], ")")))
        elif token in ("|", "|&"):
            following = tokens[at + 1 : at + 2]
            if following == ["getline"]:
                before = tokens[:at]
                while before and before[-1] == ")":
                    before = before[:-1]
                parts.append(Part("runs", _awk_literal([before[-1] if before else "", ")"], ")")))
                if len(before) > 1 and before[-2] not in ("(", "{", ";", "\n", "=", "while"):
                    parts.append(Part("runs", UNSEEN))
            else:
                parts.append(Part("runs", _awk_literal(tokens[at + 1 : at + 3], "")))
        elif token in (">", ">>") and prints and depth == 0:
            does = "writes" if token == ">" else "appends"
            parts.append(Part(does, _awk_literal(tokens[at + 1 : at + 3], "")))
    return Analysis(verdict, tuple(parts))


def _awk_literal(tokens: list[str], end: str) -> str:
    """The string that is there, if it is a string alone; the names of streams are files too."""
    first, after = (*tokens, "", "")[:2]
    alone = after == end if end else after in ("", ";", "}", "\n", ")")
    if first[:1] != '"' or not alone or "\\" in first:
        return UNSEEN
    return first[1:-1]


def _awk_tokens(text: str) -> Iterator[str]:
    at, before = 0, ""
    while at < len(text):
        if text[at] == "/" and not _AWK_DIVIDES.search(before):
            match = re.compile(r"/(?:\\.|\[[^\]\n]*\]|[^/\\\n])*/").match(text, at)
            if match:
                at, before = match.end(), '"'
                yield '""'
                continue
        match = _AWK_TOKEN.match(text, at)
        if match is None:
            return
        at = match.end()
        if match.lastgroup not in ("space", "comment"):
            before = match[0] if match[0] not in ("print", "printf", "return", "in") else ""
            yield match[0]


# --- Python -----------------------------------------------------------------------------------------------

_MODULES = frozenset(
    """json sys re math datetime time base64 hashlib collections itertools functools string random
    statistics uuid ipaddress textwrap csv platform decimal fractions yaml calendar operator bisect
    heapq secrets html pprint locale unicodedata zlib binascii difflib typing enum dataclasses
    urllib.parse os os.path argparse copy struct""".split()
)
_OS_READS = frozenset(
    """environ getenv path getcwd listdir walk scandir stat cpu_count uname getpid getppid getuid geteuid
    getlogin sep linesep name getloadavg statvfs sysconf access R_OK W_OK X_OK F_OK""".split()
)
_OS_PATH_READS = frozenset(
    """exists isfile isdir islink join basename dirname abspath realpath getsize getmtime getctime
    expanduser expandvars splitext split normpath relpath lexists ismount""".split()
)
_BUILTINS_DENIED = frozenset(
    """exec eval compile __import__ getattr setattr delattr globals locals vars breakpoint help input
    memoryview __builtins__ __loader__ __spec__""".split()
)
_DENIED_ATTRIBUTES = frozenset(
    "popen system modules meta_path path_hooks settrace setprofile load unsafe_load full_load".split()
)


def python(text: str) -> Analysis:
    """What a program of Python does: it may only have what is known to read, and open files to write."""
    if UNSEEN in text:
        return Analysis(unknown("runs Python that is only known at run time"))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Analysis(unknown("the Python is not understood"))
    parts: list[Part] = []
    secret = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            modules = names if isinstance(node, ast.Import) else [node.module or ""]
            bad = [name for name in modules if name not in _MODULES]
            if bad or (isinstance(node, ast.ImportFrom) and node.module in ("os", "sys", "yaml")):
                return Analysis(unknown(f"Python imports {', '.join(bad) or node.module}"))  # type: ignore[union-attr]
            if any(alias.asname for alias in node.names) and {"os", "sys", "yaml"} & set(names):
                return Analysis(unknown("Python renames a module"))
        elif isinstance(node, ast.Name) and (node.id in _BUILTINS_DENIED or node.id.startswith("__")):
            return Analysis(unknown(f"Python uses {node.id}"))
        elif isinstance(node, ast.Attribute):
            reason = _attribute(node)
            if reason:
                return Analysis(unknown(reason))
            secret = secret or (node.attr in ("environ", "getenv") and _is_name(node.value, "os"))
        elif isinstance(node, ast.Call) and _is_name(node.func, "open"):
            part = _opened(node)
            parts += [part] if part else []
    opens = sum(isinstance(node, ast.Name) and node.id == "open" for node in ast.walk(tree))
    calls = sum(isinstance(node, ast.Call) and _is_name(node.func, "open") for node in ast.walk(tree))
    if opens != calls:
        return Analysis(unknown("Python passes open on"))
    bare = {"os", "sys", "yaml"}
    used = sum(isinstance(node, ast.Name) and node.id in bare for node in ast.walk(tree))
    attributes = sum(
        isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in bare
        for node in ast.walk(tree)
    )
    if used != attributes:
        return Analysis(unknown("Python passes a module on"))
    return Analysis(read(secret=secret), tuple(parts))


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _attribute(node: ast.Attribute) -> str | None:
    """Why an attribute may do more than read."""
    if node.attr.startswith("__") or (node.attr in _DENIED_ATTRIBUTES and not _is_name(node.value, "json")):
        return f"Python uses {node.attr}"
    if _is_name(node.value, "os") and node.attr not in _OS_READS:
        return f"Python uses os.{node.attr}"
    if isinstance(node.value, ast.Attribute) and _is_name(node.value.value, "os"):
        if node.value.attr == "path" and node.attr not in _OS_PATH_READS:
            return f"Python uses os.path.{node.attr}"
        if node.value.attr == "environ" and node.attr not in ("get", "items", "keys", "values"):
            return f"Python changes the environment by {node.attr}"
    return None


def _opened(node: ast.Call) -> Part | None:
    """The file that `open` writes."""
    modes = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "mode")]
    mode = modes[0] if modes else None
    if mode is None:
        return None
    letters = mode.value if isinstance(mode, ast.Constant) and isinstance(mode.value, str) else "w"
    if set(letters) <= set("rbtU"):
        return None
    path = node.args[0] if node.args else None
    known = isinstance(path, ast.Constant) and isinstance(path.value, str)
    return Part("appends" if "a" in letters else "writes", path.value if known else UNSEEN)  # type: ignore[union-attr]


# --- Perl -------------------------------------------------------------------------------------------------

_PERL_WORDS = frozenset(
    """print printf say if unless elsif else and or not my our split join length lc uc ucfirst lcfirst
    sprintf keys values sort foreach for while until next last push pop shift unshift scalar chomp chop
    reverse map grep substr index rindex eq ne lt gt le ge cmp BEGIN END int abs hex oct ord chr exists
    defined time localtime gmtime wantarray STDIN STDERR STDOUT F x n e return undef exit die warn""".split()
)
_PERL_LITERAL = re.compile(
    r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\@])*\"|(?<![\w)\]}$])(?:m|qr)?/(?:\\.|[^/\\\n])*/[gimsx]*"
    r"|\bs/(?:\\.|[^/\\\n])*/(?:\\.|[^/\\\n])*/[gimsxr]*|\bs\{[^{}]*\}\{[^{}]*\}[gimsxr]*|\btr/[^/]*/[^/]*/\w*|\by/[^/]*/[^/]*/\w*"
)


def perl(text: str) -> Verdict:
    """The effect of a program of Perl: a read if it only has words that read."""
    if UNSEEN in text or "(?{" in text or "(??{" in text or "@{[" in text:
        return unknown("the Perl is not understood")
    bare = _PERL_LITERAL.sub(" ", text)
    if re.search(
        r"[`\"'<|]|&\w|->|::|%ENV|\$ENV", bare.replace("||", "").replace("<=", "").replace("<STDIN>", "")
    ):
        return unknown("the Perl is not understood")
    words = re.findall(r"(?<![$@%\w])[A-Za-z_]\w*", bare)
    if any(word not in _PERL_WORDS for word in words):
        return unknown("the Perl is not understood")
    return read()
