"""The classifier: the effect of a text for the shell, decided before it runs.

A pure function of the text and a small look-up. What is not known for sure is UNKNOWN: a program without a
rule, a program whose name is only known at run time, text that is no valid bash.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from devops_agent.policy import paths
from devops_agent.policy import programs as _programs  # noqa: F401 - they enter themselves in HANDLERS
from devops_agent.policy.call import Argument, Call, Feed, argument, parse_call
from devops_agent.policy.handlers import HANDLERS
from devops_agent.policy.lookup import Elsewhere, Lookup
from devops_agent.policy.syntax import (
    UNSEEN,
    Block,
    NotShell,
    Redirection,
    Simple,
    Variable,
    Word,
    commands,
    parse,
)
from devops_agent.policy.tables import Rule, rule_of
from devops_agent.policy.verdict import Effect, Verdict, change, destructive, read, unknown

_MAX_DEPTH = 12
_MOST_PLACES = 4  # a command that may run in more is taken to run anywhere
_SYSTEM_PROGRAM = re.compile(r"(/usr(/local)?|/opt/homebrew|/snap)?/s?bin/[^/]+")
# Variables that make programs run something else, or find other programs.
_DECIDES = re.compile(
    r"(LD|DYLD|BASH|GIT|PYTHON|PERL\d?|RUBY|NODE|JAVA|JDK|GCONV|AWK|ZSH|TF_CLI)_?.*|PATH|IFS|ENV|PS[0-4]|HOME"
    r"|SHELL.*|PROMPT.*|CDPATH|FPATH|XDG_.*|LESS|.*(PAGER|EDITOR|VISUAL|BROWSER|COMMAND|CMD|EXEC|RSH|SSH|ASKPASS"
    r"|OPTIONS|OPTS|ARGS|DIFF|MERGE|HELPER|PRELOAD|PLUGINS?|_PATH|HOOKS?|OPEN|CLOSE|_CONFIG|WRAPPER|SHELL)"
)
_HARMLESS = re.compile(
    r"GIT_(AUTHOR|COMMITTER)_\w+|GIT_(TERMINAL_PROMPT|OPTIONAL_LOCKS)|NODE_ENV|PGOPTIONS|(GO|MAKE)FLAGS"
    r"|PYTHON(UNBUFFERED|IOENCODING|DONTWRITEBYTECODE|UTF8)"
)
_COMMAND_VARIABLE = re.compile(r".*(PAGER|EDITOR|_DIFF|_CMD|_COMMAND|RSH)")
_SECRET_NAME = re.compile(
    r"(?i)(.*_)?(\w*pass(w(or)?d|phrase)?|secret\w*|token\w*|api_?key|\w*_key|credentials?|pwd|auth)(_\w+)?"
)
_NO_SECRET_NAME = re.compile(r"PWD|OLDPWD|SSH_AUTH_SOCK|\w*(PUBLIC|CACHE|SORT|PRIMARY|FOREIGN)_KEY", re.I)
_SETS_VARIABLES = frozenset(
    "read mapfile readarray printf getopts let unset declare local typeset readonly export".split()
)
_CHANGES_DIRECTORY = ("cd", "pushd", "popd")


# Sees every call, after those that it runs, and may judge it in another way. A file that is written is a call
# of `>`.
Watch = Callable[[Call, Verdict], Verdict]


class Scope(NamedTuple):
    """Where a part of the text runs."""

    lookup: Lookup
    directories: tuple[str | None, ...]  # those it may be in; None for one that is not known
    variables: dict[str, str]
    functions: dict[str, Block]
    fixed: frozenset[str] = frozenset()  # the variables that are set once, and surely
    depth: int = 0
    watch: "Watch | None" = None

    def deeper(self) -> "Scope":
        return self._replace(depth=self.depth + 1)


def classify(command: str, lookup: Lookup, watch: Watch | None = None) -> Verdict:
    """The effect of a text for the shell.

    Args:
        command: The text.
        lookup: What may be known of the machine on which it runs.
        watch: Sees every call in it, and what may be judged of it.
    """
    verdict = script(command, Scope(lookup, (lookup.directory or None,), {}, {}, watch=watch))
    return verdict if verdict.part else replace(verdict, part=command.strip())


def script(text: str, scope: Scope, feed: Feed | None = None) -> Verdict:
    """The effect of a text that a shell runs."""
    if UNSEEN in text:
        return unknown("runs text that is only known at run time")
    if scope.depth > _MAX_DEPTH:
        return unknown("is nested too deep")
    try:
        block = parse(text)
    except NotShell as error:
        words = re.split(r"[\s'\";|&<>()]+", text)
        return replace(unknown(str(error)), secret=any(holds_secret(each, scope) for each in words if each))
    inner = Scope(scope.lookup, scope.directories, {}, {}, _set_once(block), scope.depth + 1, scope.watch)
    return _children(block, inner, feed, at_root=True)[0]


def _set_once(block: Block) -> frozenset[str]:
    """The variables whose value is that of one assignment, which surely runs."""
    sure = {id(child) for child in block.children if isinstance(child, Simple) and not child.words}
    counts: Counter[str] = Counter()
    for command in commands(block):
        for name, _ in command.assigned:
            counts[name] += 1 if id(command) in sure else 2
        if command.words and command.words[0].text in _SETS_VARIABLES:
            for word in command.words[1:]:
                counts[word.text.partition("=")[0]] += 2
    for loop in _loops(block):
        for name in loop.names:
            counts[name] += 2
    return frozenset(name for name, count in counts.items() if count == 1)


def _loops(block: Block) -> list[Block]:
    found = [block] if block.kind == "loop" else []
    for child in block.children:
        if isinstance(child, Block):
            found += _loops(child)
    return found


# --- blocks -----------------------------------------------------------------------------------------------


def _walk(node: Block | Simple, scope: Scope, feed: Feed | None, at_root: bool) -> tuple[Verdict, Scope]:
    """The effect of a node, and where the shell is after it."""
    if isinstance(node, Simple):
        verdict = _simple(node, scope, feed)
        if verdict.rule and not verdict.part:
            verdict = replace(verdict, part=node.raw.strip())
        return verdict, _after(node, scope)
    if node.kind == "function":
        body = _children(node, scope._replace(directories=(*scope.directories, None)), feed)[0]
        # a function is what its name means only if it is surely defined
        functions = {**scope.functions, node.names[0]: node} if at_root and node.names else scope.functions
        return body, scope._replace(functions=functions)
    verdict = read()
    for word in node.words:
        verdict |= _substituted(word, scope)
        if node.kind == "loop" and _names_secret(_argument(word, scope), scope):
            verdict |= read("goes through files with secrets", secret=True)
    redirected, fed = _redirected(node.redirections, scope)
    inner, after = _children(node, scope, fed or feed)
    if node.kind in ("subshell", "pipe", "loop"):
        after = scope._replace(directories=_both(scope, after) if node.kind == "loop" else scope.directories)
    return verdict | inner | redirected, after


def _children(block: Block, scope: Scope, feed: Feed | None, at_root: bool = False) -> tuple[Verdict, Scope]:
    verdict, current = read(), scope
    for at, child in enumerate(block.children):
        given = feed
        if block.kind == "pipe" and at:
            given = _fed(block.children[at - 1], scope)
            given = given if at == 1 else given._replace(text=None)
        found, after = _walk(child, scope if block.kind == "pipe" else current, given, at_root)
        verdict |= found
        if block.kind != "and":
            # what follows runs there or, where that failed or was skipped, here
            after = after._replace(directories=_both(current, after))
        current = after
    return verdict, current._replace(directories=_both(scope, current))


def _both(one: Scope, other: Scope) -> tuple[str | None, ...]:
    places = tuple(dict.fromkeys((*other.directories, *one.directories)))
    return places if len(places) <= _MOST_PLACES else (None,)


def _after(command: Simple, scope: Scope) -> Scope:
    """Where the shell is after a command: its directory, the values of its variables, its functions."""
    if not command.words:
        known = {name: text_of(word, scope) for name, word in command.assigned if name in scope.fixed}
        known = {name: value for name, value in known.items() if UNSEEN not in value}
        return scope._replace(variables={**scope.variables, **known}) if known else scope
    words = [text_of(word, scope) for word in command.words]
    while words[:1] in (["command"], ["builtin"]):
        words = words[1:]
    if words[:1] == ["unset"]:
        functions = {name: body for name, body in scope.functions.items() if name not in words}
        return scope._replace(functions=functions)
    if not words or words[0] not in _CHANGES_DIRECTORY:
        return scope
    operands = [word for word in words[1:] if not word.startswith("-") or word == "-"]
    target = operands[0] if operands else scope.lookup.home
    if words[0] == "popd" or target in ("-", "") or target.startswith("+"):
        return scope._replace(directories=(None,))
    places = (paths.place(target, scope.lookup, directory) for directory in scope.directories)
    known_places = (None if place is None or UNSEEN in place else place for place in places)
    return scope._replace(directories=tuple(dict.fromkeys(known_places)))


# --- a simple command -------------------------------------------------------------------------------------


def _simple(command: Simple, scope: Scope, feed: Feed | None) -> Verdict:
    verdict = read()
    for name, word in command.assigned:
        verdict |= _substituted(word, scope)
        if name != "IFS" or not command.words:
            verdict |= variable(name, text_of(word, scope), scope)
    for word in command.words:
        verdict |= _substituted(word, scope)
    redirected, fed = _redirected(command.redirections, scope)
    arguments = [_argument(word, scope) for word in command.words]
    if arguments and arguments[0].text in scope.functions:
        name = arguments[0].text
        rest = {key: body for key, body in scope.functions.items() if key != name}
        inner = scope._replace(functions=rest, depth=scope.depth + 1)
        verdict |= _children(scope.functions[name], inner, fed or feed)[0]
    elif arguments:
        verdict |= argv(arguments, scope, fed or feed)
    return verdict | redirected


def variable(name: str, value: str, scope: Scope) -> Verdict:
    """What it means to set a variable: some decide what programs run."""
    if not _DECIDES.fullmatch(name) or _HARMLESS.fullmatch(name):
        return read()
    if _COMMAND_VARIABLE.fullmatch(name):
        verdict = script(value, scope)
        return replace(verdict, rule=f"{name}: {verdict.rule}") if verdict.rule else verdict
    return unknown(f"sets {name}, which decides what programs run")


def _substituted(word: Word, scope: Scope) -> Verdict:
    verdict = read()
    for block in word.runs:
        verdict |= _walk(block, scope.deeper(), None, at_root=False)[0]
    return verdict


def _redirected(redirections: Sequence[Redirection], scope: Scope) -> tuple[Verdict, Feed | None]:
    """The effect of redirections, and the standard input that they give."""
    verdict, feed = read(), None
    for redirection in redirections:
        word, operator = redirection.target, redirection.operator
        verdict |= _substituted(word, scope)
        target = text_of(word, scope)
        if operator in ("<<", "<<<"):
            feed = Feed(None if UNSEEN in target else target)
        elif operator == "<":
            feed = Feed("" if target == "/dev/null" else None)
            if holds_secret(target, scope, word.expands):
                verdict |= read("reads a file with secrets", secret=True)
        elif operator in ("<&", "<&-", ">&-") or (operator.endswith("&") and re.fullmatch(r"\d*-?", target)):
            continue
        elif re.match(r"/dev/(tcp|udp)/", target):
            verdict |= destructive("sends data to another machine")
        else:
            verdict |= write(target, scope, appends=operator.endswith(">>"))
    return verdict, feed


def _argument(word: Word, scope: Scope) -> Argument:
    variables = tuple(word.variables)
    return Argument(text_of(word, scope), word.raw, word.expands, bool(word.runs), variables)


def text_of(word: Word, scope: Scope) -> str:
    """The text of a word, with the values of the variables that are known, and with the date."""
    unseen = sum(piece is None for piece in word.pieces)
    runs = iter(word.runs if len(word.runs) == unseen else ())
    return "".join(
        _value(piece, scope) if isinstance(piece, Variable) else _output(runs) if piece is None else piece
        for piece in word.pieces
    )


def _output(runs: Iterator[Block]) -> str:
    """What `$(date +FORMAT)` prints; the output of everything else is not known."""
    block = next(runs, None)
    command = block.children[0] if block and len(block.children) == 1 else None
    if not isinstance(command, Simple) or command.assigned or command.redirections:
        return UNSEEN
    words = [word.text for word in command.words if not word.expands]
    plain = len(words) == 2 and words[0] == "date" and re.fullmatch(r"\+[\w%:.+-]+", words[1])
    return time.strftime(words[1][1:]) if plain else UNSEEN


def _value(name: Variable, scope: Scope) -> str:
    value = scope.variables.get(name.name)
    if value is None and name.name == "HOME":
        value = scope.lookup.home or None
    if value is None and name.name == "PWD" and len(scope.directories) == 1:
        value = scope.directories[0]
    splits = value is not None and not name.quoted and re.search(r"[\s*?\[]", value)
    return UNSEEN if value is None or splits else value


def _fed(node: Block | Simple, scope: Scope) -> Feed:
    """What a command feeds into a pipe: of `echo`, the text, if all of it is known."""
    if not isinstance(node, Simple) or not node.words:
        return Feed(None)
    arguments = tuple(_argument(word, scope) for word in node.words)
    words = [each.text for each in arguments]
    hidden = any(each.unseen or "\\" in each.text for each in arguments) or node.redirections
    if hidden or words[0] not in ("echo", "printf") or (words[0] == "printf" and "%" in "".join(words)):
        return Feed(None, arguments)
    return Feed(" ".join(word for word in words[1:] if word not in ("-n", "-e")) + "\n", arguments)


# --- the words of a command -------------------------------------------------------------------------------


def argv(arguments: Sequence[Argument], scope: Scope, feed: Feed | None = None) -> Verdict:
    """The effect of the words of a command, the program first."""
    first = arguments[0]
    if scope.depth > _MAX_DEPTH:
        return unknown("is nested too deep")
    if first.unseen or first.variables:
        return unknown("runs a program whose name is only known at run time")
    if "/" in first.text and not _SYSTEM_PROGRAM.fullmatch(first.text):
        return _watched(stranger(arguments), unknown(f"runs {first.text}, which is not known"), scope)
    program = first.text.rpartition("/")[2]
    rule = rule_of(program)
    if rule is None:
        alias = scope.lookup.alias(program)
        if alias and alias.split()[0] != program:
            words = [argument(each) for each in alias.split()]
            return argv([*words, *arguments[1:]], scope.deeper(), feed)
        verdict = unknown(f"{program[:40] or 'the empty name'} is not known")
        secret = any(_names_secret(each, scope) for each in arguments[1:])
        return _watched(stranger(arguments), replace(verdict, secret=secret), scope)
    call = parse_call(rule, program, arguments)
    verdict = _called(call, scope, feed)
    if any(is_secret_name(name) for each in arguments[1:] for name in each.variables):
        verdict |= read("prints or passes on a secret", secret=True)
        if call.rule.network:
            verdict |= destructive("sends a secret to another machine")
    if not call.rule.names_only and any(_names_secret(each, scope) for each in arguments[1:]):
        verdict |= read("reads a file with secrets", secret=True)
        if call.rule.network and not any(each.text.startswith("file://") for each in arguments):
            verdict |= destructive("sends a secret to another machine")
    return _watched(call, verdict, scope)


def _watched(call: Call, verdict: Verdict, scope: Scope) -> Verdict:
    call.elsewhere = isinstance(scope.lookup, Elsewhere)
    return scope.watch(call, verdict) if scope.watch else verdict


def stranger(arguments: Sequence[Argument]) -> Call:
    """The call of a program on which there is no rule."""
    return parse_call(Rule(arguments[0].text), arguments[0].text, arguments)


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret."""
    return bool(_SECRET_NAME.fullmatch(name)) and not _NO_SECRET_NAME.fullmatch(name)


def _called(call: Call, scope: Scope, feed: Feed | None) -> Verdict:
    rule, flags = call.rule, call.flags
    if call.odd:
        return unknown(f"{call.program} {call.odd} is not known")
    words = [each.text for each in call.arguments[1:]]
    helps = flags.given(("--help",)) and call.effect is not None and bool(rule.exact) and not call.inner
    if helps or words in (["--help"], ["--version"], ["-V"]):
        return read()
    decides_itself = bool(rule.handler or rule.command is not None) and not (rule.exact or rule.patterns)
    if call.effect is None and not rule.open and not decides_itself:
        return unknown(f"{call.name} is not known")
    dry = flags.given(rule.flags.get(Effect.READ, ()))
    verdict = read()
    if dry is None:
        verdict = Verdict(call.effect, call.name) if call.effect else read()
        for effect, names in rule.flags.items():
            if effect is not Effect.READ and (flag := flags.given(names)):
                verdict |= Verdict(effect, f"{call.name} {flag}")
        verdict |= _operands(call, scope)
    for path in flags.all(rule.writes):
        verdict |= write(path, scope)
    for text in flags.all(rule.runs):
        verdict |= script(text, scope)
    if rule.network and any(each.substituted for each in call.arguments[1:]):
        verdict |= destructive("sends the output of a command to another machine")
    if rule.sends_input and feed is not None and (feed.text is None or feed.text.strip()):
        verdict |= destructive("sends its standard input to another machine")
    if rule.secret or call.verb in rule.secret_verbs:
        verdict |= read(f"{call.name} prints secrets", secret=True)
    if rule.handler:
        verdict |= HANDLERS[rule.handler](call, Run(scope, feed, dry is not None))
    elif rule.command is not None:
        verdict |= wrapped(call, scope, feed)
    return verdict


def _operands(call: Call, scope: Scope) -> Verdict:
    """What becomes of the files that the operands name."""
    role, verdict = call.rule.operands, read()
    if not role:
        return verdict
    operands = call.operands[1:][-1:] if role == "last" else call.operands
    appends = call.given("-a", "--append")
    for operand in operands:
        if operand.expands and role != "make":
            verdict |= destructive(f"writes {operand.raw}, which may exist")
        else:
            verdict |= write(operand.text, scope, appends, makes_folder=role in ("make", "touch"))
    return verdict


def wrapped(call: Call, scope: Scope, feed: Feed | None) -> Verdict:
    """The effect of the command that a program runs."""
    rule, inner = call.rule, call.inner
    where = elsewhere(scope) if rule.elsewhere else scope.deeper()
    if not inner:
        return Verdict(rule.alone, f"{call.name} without a command") if rule.alone else read()
    if rule.shell:
        return script(" ".join(each.text for each in inner), where, feed)
    return argv(inner, where, feed)


# --- what handlers ask as well ----------------------------------------------------------------------------


def elsewhere(scope: Scope) -> Scope:
    """The scope of a command on another machine or in a container."""
    return Scope(Elsewhere(), (None,), {}, {}, depth=scope.depth + 1, watch=scope.watch)


def write(path: str, scope: Scope, appends: bool = False, makes_folder: bool = False) -> Verdict:
    """The effect of writing a file, in whichever directory the command may run."""
    verdict = read()
    for directory in scope.directories:
        verdict |= paths.written(path, scope.lookup, directory, appends, makes_folder)
    return _watched(stranger((argument(">"), argument(path))), verdict, scope) if verdict.effect else verdict


def work(operand: Argument, scope: Scope) -> Verdict:
    """The effect of changing what is at a path in a way that can be undone."""
    for directory in scope.directories:
        place = paths.place(operand.text, scope.lookup, directory)
        if place is None and not isinstance(scope.lookup, Elsewhere):
            return destructive("works on a path that is only known at run time")
        if place and (reason := paths.guarded(place, scope.lookup)):
            return destructive(reason)
    return change(f"changes {operand.raw}")


def holds_secret(path: str, scope: Scope, is_pattern: bool = False) -> bool:
    """Whether a path is that of a file that holds secrets."""
    return any(paths.holds_secret(path, scope.lookup, each, is_pattern) for each in scope.directories)


def _names_secret(word: Argument, scope: Scope) -> bool:
    """Whether a word names a file with secrets, also as `--flag=FILE`, `COMMIT:FILE` or `name=@FILE`."""
    if len(word.text) > 500:
        return False
    parts = re.split(r"[=:@,]|file://", word.text)
    return holds_secret(word.text, scope, word.expands) or any(holds_secret(e, scope) for e in parts if e)


class Run(NamedTuple):
    """What a handler may ask: where a call runs, and the effects of what it does."""

    scope: Scope
    feed: Feed | None
    dry: bool  # a flag of it keeps it from changing anything

    def argv(self, words: Sequence[Argument], fed: bool = True) -> Verdict:
        """The effect of a command that is run here, with the same standard input or with none."""
        return argv(words, self.scope.deeper(), self.feed if fed else None) if words else read()

    def script(self, text: str, feed: Feed | None = None) -> Verdict:
        return script(text, self.scope, feed)

    def elsewhere(self, text: str) -> Verdict:
        """The effect of a text that a shell runs on another machine."""
        return script(text, elsewhere(self.scope))

    def elsewhere_argv(self, words: Sequence[Argument]) -> Verdict:
        """The effect of a command in a container."""
        return argv(words, elsewhere(self.scope), self.feed)

    def write(self, path: str, appends: bool = False, makes_folder: bool = False) -> Verdict:
        return write(path, self.scope, appends, makes_folder)

    def work(self, operand: Argument) -> Verdict:
        return work(operand, self.scope)

    def variable(self, name: str, value: str) -> Verdict:
        return variable(name, value, self.scope)

    def holds_secret(self, path: str) -> bool:
        return holds_secret(path, self.scope)

    def is_secret_name(self, name: str) -> bool:
        return is_secret_name(name)

    def inside(self, path: str, name: str) -> str:
        """Where a file goes that is copied to a path: into it, if it is a folder."""
        for directory in self.scope.directories:
            place = paths.place(path, self.scope.lookup, directory)
            if path.endswith("/") or (place and self.scope.lookup.is_directory(place)):
                return f"{path.rstrip('/')}/{name.rstrip('/').rpartition('/')[2]}"
        return path

    def is_new(self, path: str) -> bool:
        """Whether nothing is at a path."""
        places = [paths.place(path, self.scope.lookup, directory) for directory in self.scope.directories]
        return all(p and UNSEEN not in p and not self.scope.lookup.exists(p) for p in places)
