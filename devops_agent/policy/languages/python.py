"""Python: a read if all that it names is known to read, by its syntax tree. Files that it opens are parts."""

import ast
import re
import warnings
from collections.abc import Iterator

from devops_agent.patterns import regex
from devops_agent.policy.languages.analysis import Analysis, Part, reads, unseen
from devops_agent.policy.languages.python_names import BUILTINS, DENIED, MEMBERS, MODULES, PATH_MEMBERS
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import read, unknown

_OPENERS = frozenset(["open", *(f"{name}.open" for name in ("io", "gzip", "bz2", "lzma"))])
# What a path and a value have in common by name: of a path, it moves or copies a file.
_MOVES = frozenset(["replace", "copy"])
_PATH = regex(r"[\w.~/+-]{1,200}")
# What programs are found by: it may be looked at, and neither changed nor given another name.
_SEARCHED = ("os.environ", "sys.path")
_LOOKS = frozenset("print len dict list set tuple sorted str repr enumerate bool".split())
_LOOKING_MEMBERS = frozenset("get items keys values copy".split())
_TAKES_TEXTS = frozenset("join dumps pprint pformat".split())
_OTHER_ENCODING = regex(r"#.*coding[:=][ \t]*(?!utf-?8\b|ascii\b)")

_NAMED = (
    ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler | ast.MatchAs | ast.MatchStar
)


class _Unread(Exception):
    """Something in a program that may do more than read."""


def python(text: str) -> Analysis:
    """What a program of Python does."""
    if found := unseen(text, "Python"):
        return found
    if any(_OTHER_ENCODING.search(line) for line in text.splitlines()[:2]):
        return Analysis(unknown("the Python is in another encoding"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        return _Program(tree).analysis()
    except _Unread as error:
        return Analysis(unknown(f"Python {error}"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Analysis(unknown("the Python is not understood"))


class _Program:
    """The names of a program, and what they stand for."""

    def __init__(self, tree: ast.Module) -> None:
        self.nodes = list(ast.walk(tree))
        self.parents = {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}
        self.bound = set(_bound(self.nodes))
        own = {name for name in self.bound - DENIED if not name.startswith("__")}
        self.known = BUILTINS | own
        self.imported: dict[str, str] = {}
        for node in self.nodes:
            for name, origin in _imports(node):
                if name in self.bound or self.imported.setdefault(name, origin) != origin:
                    raise _Unread(f"gives {name} two meanings")

    def analysis(self) -> Analysis:
        parts: list[Part] = []
        secret = False
        paths = any(name.startswith("pathlib") for name in self.imported.values())
        for node in self.nodes:
            if isinstance(node, ast.MatchClass):
                raise _Unread("matches attributes")
            if not isinstance(node, ast.Name | ast.Attribute):
                continue
            name = self._origin(node)
            if name in _OPENERS:
                parts += _opened(self._call_of(node, name))
            elif name is not None:
                self._check_origin(node, name)
            elif isinstance(node, ast.Attribute):
                if node.attr not in (MEMBERS | PATH_MEMBERS) - _MOVES if paths else node.attr not in MEMBERS:
                    raise _Unread(f"uses {node.attr}")
                secret = secret or (node.attr in ("format", "format_map") and _may_dig(node.value))
            elif node.id not in self.known:
                raise _Unread(f"uses {node.id}")
            secret = secret or name in ("os.environ", "os.getenv")
        if paths:
            texts = filter(None, map(_string, self.nodes))
            parts += [reads(text) for text in texts if _PATH.fullmatch(text)]
        return Analysis(read(secret=secret), tuple(parts))

    def _origin(self, node: ast.AST) -> str | None:
        """What a name or an attribute stands for: `json.load`, also by another name."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, "open" if node.id == "open" else None)
        if isinstance(node, ast.Attribute):
            base = self._origin(node.value)
            return f"{base}.{node.attr}" if base is not None and _is_module(base) else None
        return None

    def _check_origin(self, node: ast.Name | ast.Attribute, name: str) -> None:
        parent = self.parents[node]
        if _is_module(name):
            if not isinstance(parent, ast.Attribute):
                raise _Unread(f"passes {name} on")
            return
        module, _, member = name.rpartition(".")
        if member not in MODULES.get(module, ()) or not isinstance(node.ctx, ast.Load):
            raise _Unread(f"uses {name}")
        if name in _SEARCHED and not self._only_looks(node, parent):
            raise _Unread(f"changes {name} or passes it on")

    def _call_of(self, node: ast.expr, name: str) -> ast.Call:
        parent = self.parents[node]
        if not isinstance(parent, ast.Call) or parent.func is not node:
            raise _Unread(f"passes {name} on")
        return parent

    def _only_looks(self, node: ast.expr, parent: ast.AST) -> bool:
        if isinstance(parent, ast.Starred):
            node, parent = parent, self.parents[parent]
        if isinstance(parent, ast.Attribute):
            return parent.attr in _LOOKING_MEMBERS
        if isinstance(parent, ast.Subscript):
            return parent.value is node and isinstance(parent.ctx, ast.Load)
        if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name):
            return parent.func.id in _LOOKS - self.bound
        if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Attribute):
            return parent.func.attr in _TAKES_TEXTS - self.bound
        if isinstance(parent, ast.For | ast.comprehension):
            return parent.iter is node
        return isinstance(parent, ast.Compare | ast.FormattedValue)


def _bound(nodes: list[ast.AST]) -> Iterator[str]:
    """The names to which a program gives a meaning, imports aside."""
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, _NAMED) and node.name:
            yield node.name
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest


def _imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The names that a statement imports, with what they stand for."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name not in MODULES:
                raise _Unread(f"imports {alias.name}")
            first = alias.name.partition(".")[0]
            yield (alias.asname, alias.name) if alias.asname else (first, first)
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            name = f"{node.module}.{alias.name}"
            if node.level or (name not in MODULES and alias.name not in MODULES.get(node.module or "", ())):
                raise _Unread(f"imports {name}")
            yield alias.asname or alias.name, name


def _is_module(name: str) -> bool:
    return name in MODULES or any(each.startswith(f"{name}.") for each in MODULES)


def _string(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _may_dig(node: ast.expr) -> bool:
    """Whether a format may reach into what it prints, to its secrets: `{0.attribute}`."""
    text = _string(node)
    return text is None or bool(re.search(r"\{[^{}]*\.[^{}]*_", text))


def _opened(call: ast.Call) -> Iterator[Part]:
    """The file that `open` reads or writes."""
    named = {word.arg: word.value for word in call.keywords}
    spread = None in named or any(isinstance(each, ast.Starred) for each in call.args)
    path = _string(call.args[0] if call.args else named.get("file"))
    mode = call.args[1] if len(call.args) > 1 else named.get("mode")
    letters = "r" if mode is None else _string(mode) or "w"
    if spread:
        yield Part("writes", UNSEEN)
    elif not set(letters) <= set("rbtU"):
        yield Part("appends" if set("ax") & set(letters) else "writes", UNSEEN if path is None else path)
    elif path is not None:
        yield reads(path)
