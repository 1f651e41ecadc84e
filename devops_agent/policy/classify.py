"""The classifier: the effect of a text for the shell, decided before it runs.

A pure function of the text and a small look-up. What is not known for sure is UNKNOWN: a program without a
rule, a program whose name is only known at run time, text that is no valid bash.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from devops_agent.patterns import regex
from devops_agent.policy import paths, variables
from devops_agent.policy import programs as _programs  # noqa: F401 - they enter themselves in HANDLERS
from devops_agent.policy.call import Argument, Call, Feed, argument, parse_call, stranger
from devops_agent.policy.dataflow import DECLARES, SETS_VARIABLES, names_of, own_words
from devops_agent.policy.handlers import HANDLERS
from devops_agent.policy.lookup import Lookup
from devops_agent.policy.parser import parse
from devops_agent.policy.scope import Scope, Watch
from devops_agent.policy.syntax import UNSEEN, Block, NotShell, Redirection, Simple, Word
from devops_agent.policy.tables import rule_of
from devops_agent.policy.verdict import Effect, Verdict, destructive, read, unknown
from devops_agent.redaction import HIDDEN

_MAX_DEPTH = 12
_MOST_ROUNDS = 6
_MOST_WORDS = 500
_SYSTEM_PROGRAM = regex(r"(/usr(/local)?|/opt/homebrew|/snap)?/s?bin/[^/]+")
_CHANGES_DIRECTORY = ("cd", "pushd", "popd")


def classify(command: str, lookup: Lookup, watch: Watch | None = None) -> Verdict:
    """The effect of a text for the shell.

    Args:
        command: The text.
        lookup: What may be known of the machine on which it runs.
        watch: Sees every call in it, and what may be judged of it.
    """
    scope = Scope(lookup, (lookup.directory or None,), {}, {}, [0], watch=watch)
    verdict = script(command, scope)
    part = verdict.part or command.strip()
    return replace(verdict, part=part.replace(UNSEEN, "…"), rule=verdict.rule.replace(UNSEEN, "…"))


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
        return replace(unknown(str(error)), secret=any(scope.holds_secret(each) for each in words if each))
    inner = scope.fresh(names_of(block))
    return _children(block, inner, feed, at_root=True)[0]


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
    for name in node.names:
        verdict |= variable(name, UNSEEN, scope, exported=False)
    for word in node.words:
        verdict |= _substituted(word, scope)
        if node.kind == "loop" and scope.names_secret(scope.argument(word)):
            verdict |= read("goes through files with secrets", secret=True)
    redirected, fed = _redirected(node.redirections, scope)
    if node.kind == "loop":
        inner, after = _loop(node, scope, fed or feed)
    else:
        inner, after = _children(node, scope, fed or feed)
    if node.kind in ("subshell", "pipe", "loop"):
        after = scope._replace(directories=scope.either(after) if node.kind == "loop" else scope.directories)
    return verdict | inner | redirected, after


def _loop(node: Block, scope: Scope, feed: Feed | None) -> tuple[Verdict, Scope]:
    """The effect of a loop: of each round, if its values are few and stand there."""
    words = [scope.argument(word) for word in node.words]
    known = len(words) <= _MOST_ROUNDS and not any(word.unseen for word in words)
    if not (words and known and set(node.names) <= scope.names.looped):
        return _children(node, scope, feed)
    verdict, current = read(), scope
    for word in words:
        round_ = current.given(dict.fromkeys(node.names, word.text))
        found, after = _children(node, round_, feed)
        verdict |= found
        current = current._replace(directories=current.either(after))
    return verdict, current


def _children(block: Block, scope: Scope, feed: Feed | None, at_root: bool = False) -> tuple[Verdict, Scope]:
    verdict, current = read(), scope
    for at, child in enumerate(block.children):
        if scope.is_spent:
            return verdict | unknown("is too long to follow"), current
        given = feed
        if block.kind == "pipe" and at:
            given = _fed(block.children[at - 1], scope)
            given = given if at == 1 else given._replace(text=None)
        found, after = _walk(child, scope if block.kind == "pipe" else current, given, at_root)
        verdict |= found
        if block.kind != "and":
            # what follows runs there or, where that failed or was skipped, here
            after = after._replace(directories=current.either(after))
        current = after
    return verdict, current._replace(directories=scope.either(current))


def _after(command: Simple, scope: Scope) -> Scope:
    """Where the shell is after a command: its directory, the values of its variables, its functions."""
    words = [scope.text(word) for word in own_words(command)]
    if not words or words[0] in DECLARES:
        fixed = [(name, word) for name, word in command.assigned if name in scope.names.fixed]
        return scope.given({name: scope.text(word) for name, word in fixed})
    if words[:1] == ["unset"]:
        functions = {name: body for name, body in scope.functions.items() if name not in words}
        return scope._replace(functions=functions)
    if not words or words[0] not in _CHANGES_DIRECTORY:
        return scope
    operands = [word for word in words[1:] if not word.startswith("-") or word == "-"]
    target = operands[0] if operands else scope.lookup.home
    if words[0] == "popd" or target in ("-", "") or target.startswith("+"):
        return scope._replace(directories=(None,))
    return scope.at(target)


# --- a simple command -------------------------------------------------------------------------------------


def _simple(command: Simple, scope: Scope, feed: Feed | None) -> Verdict:
    scope.count_call()
    verdict = read()
    arguments = [scope.argument(word) for word in command.words]
    own = [scope.argument(word) for word in own_words(command)]
    declares = bool(own) and own[0].text in SETS_VARIABLES
    for name, word in command.assigned:
        verdict |= _substituted(word, scope)
        if any(map(variables.is_secret_name, word.variables)):
            verdict |= read("passes on a secret", secret=True)
        if not declares and (name != "IFS" or not command.words):
            verdict |= variable(name, scope.text(word), scope, exported=bool(arguments))
    for word in command.words:
        verdict |= _substituted(word, scope)
    if declares:
        verdict |= _set_by(own, {name: scope.text(word) for name, word in command.assigned}, scope)
    redirected, fed = _redirected(command.redirections, scope)
    if arguments and arguments[0].text in scope.functions:
        name = arguments[0].text
        rest = {key: body for key, body in scope.functions.items() if key != name}
        inner = scope._replace(functions=rest, depth=scope.depth + 1)
        verdict |= _children(scope.functions[name], inner, fed or feed)[0]
    elif arguments:
        verdict |= argv(arguments, scope, fed or feed)
    return verdict | redirected


def _set_by(arguments: Sequence[Argument], values: Mapping[str, str], scope: Scope) -> Verdict:
    """What it means that one of the shell's own commands sets the variables that its words name."""
    program, words = arguments[0].text, arguments[1:]
    flags = "".join(each.text for each in words if each.text.startswith("-"))
    if program == "printf":
        words = [argument(each.text.removeprefix("-v")) for each in words[:2]] if "-v" in flags else []
    elif "n" in flags and program in DECLARES - {"export"}:
        return unknown("gives a variable another name")
    verdict = read()
    for each in words:
        name = each.text.partition("=")[0]
        if UNSEEN in name:
            verdict |= unknown("sets a variable whose name is only known at run time")
        elif name.isidentifier() and name != "IFS":
            exported = program == "export" or "x" in flags
            verdict |= variable(name, values.get(name, UNSEEN), scope, exported)
    return verdict


def variable(name: str, value: str, scope: Scope, exported: bool = True) -> Verdict:
    """What it means to set a variable: some decide what programs run."""
    exported = exported or scope.lookup.has_variable(name)
    if variables.is_command(name) and exported:
        verdict = script(value, scope)
        verdict = replace(verdict, rule=f"{name}: {verdict.rule}") if verdict.rule else verdict
    else:
        verdict = variables.set_to(name, value, scope.lookup, exported)
    return scope.seen(stranger((argument("="), argument(name), argument(value))), verdict)


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
        target = scope.text(word)
        if operator in ("<<", "<<<"):
            feed = Feed(None if UNSEEN in target else target)
        elif operator == "<":
            feed = Feed("" if target == "/dev/null" else None)
            opened = stranger((argument("<"), argument(target)))
            if scope.holds_secret(target, word.expands):
                verdict |= read("reads a file with secrets", secret=True)
            verdict |= scope.seen(opened, read())
        elif operator in ("<&", "<&-", ">&-") or (operator.endswith("&") and re.fullmatch(r"\d*-?", target)):
            continue
        elif re.match(r"/dev/(tcp|udp)/", target):
            sends = destructive("sends data to another machine")
            verdict |= scope.seen(stranger((argument(">"), argument(target))), sends)
        else:
            verdict |= scope.write(target, appends=operator.endswith(">>"))
    return verdict, feed


def _fed(node: Block | Simple, scope: Scope) -> Feed:
    """What a command feeds into a pipe: of `echo`, the text, if all of it is known."""
    if not isinstance(node, Simple) or not node.words:
        return Feed(None)
    arguments = tuple(scope.argument(word) for word in node.words)
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
    if len(arguments) > _MOST_WORDS:
        return unknown("has too many words")
    if first.unseen or first.variables:
        return unknown("runs a program whose name is only known at run time")
    if "/" in first.text and not _SYSTEM_PROGRAM.fullmatch(first.text):
        return scope.seen(stranger(arguments), unknown(f"runs {first.text}, which is not known"))
    program = first.text.rpartition("/")[2]
    rule = rule_of(program)
    if rule is None:
        alias = scope.lookup.alias(program)
        if alias and alias.split()[0] != program:
            words = [argument(each) for each in alias.split()]
            return argv([*words, *arguments[1:]], scope.deeper(), feed)
        verdict = unknown(f"{program[:40] or 'the empty name'} is not known")
        secret = any(scope.names_secret(each) for each in arguments[1:])
        return scope.seen(stranger(arguments), replace(verdict, secret=secret))
    call = parse_call(rule, program, arguments)
    verdict = _called(call, scope, feed)
    if any(variables.is_secret_name(name) for each in arguments[1:] for name in each.variables):
        verdict |= read("prints or passes on a secret", secret=True)
        if call.rule.network:
            verdict |= destructive("sends a secret to another machine")
    if any(HIDDEN.search(each.text) for each in arguments):
        verdict |= read("passes on a hidden secret", secret=True)
        if call.rule.network:
            verdict |= destructive("sends a hidden secret to another machine")
    if not call.rule.names_only and any(scope.names_secret(each) for each in arguments[1:]):
        verdict |= read("reads a file with secrets", secret=True)
        if call.rule.network and not any(each.text.startswith("file://") for each in arguments):
            verdict |= destructive("sends a secret to another machine")
    return scope.seen(call, verdict)


def _called(call: Call, scope: Scope, feed: Feed | None) -> Verdict:
    rule, flags = call.rule, call.flags
    words = [each.text for each in call.arguments[1:]]
    asked = [*call.verb.split(), "--help"]
    if words in (["--help"], ["--version"], ["-V"]) or (call.effect is not None and words == asked):
        return read()
    if call.odd:
        return unknown(f"{call.program} {call.odd} is not known")
    decides_itself = bool(rule.handler or rule.command is not None) and not (rule.exact or rule.patterns)
    if call.effect is None and not rule.open and not decides_itself:
        return unknown(f"{call.name} is not known")
    dry = flags.dry(rule.flags.get(Effect.READ, ()))
    verdict = read()
    if dry is None:
        verdict = Verdict(call.effect, call.name) if call.effect else read()
        for effect, names in rule.flags.items():
            if effect is not Effect.READ and (flag := flags.given(names)):
                verdict |= Verdict(effect, f"{call.name} {flag}")
        verdict |= _operands(call, scope)
    for path in flags.all(rule.writes):
        verdict |= scope.write(path)
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
            verdict |= scope.write(operand.text, appends, makes_folder=role in ("make", "touch"))
    return verdict


def wrapped(call: Call, scope: Scope, feed: Feed | None) -> Verdict:
    """The effect of the command that a program runs."""
    rule, inner = call.rule, call.inner
    where = scope.elsewhere() if rule.elsewhere else scope.deeper()
    if not inner:
        return Verdict(rule.alone, f"{call.name} without a command") if rule.alone else read()
    if rule.shell:
        return script(" ".join(each.text for each in inner), where, feed)
    return argv(inner, where, feed)


# --- what handlers ask ------------------------------------------------------------------------------------


class Run(NamedTuple):
    """What a handler may ask: where a call runs, and the effects of what it does."""

    scope: Scope
    feed: Feed | None
    dry: bool  # a flag of it keeps it from changing anything

    def argv(self, words: Sequence[Argument], fed: bool = True, directory: str = "") -> Verdict:
        """The effect of a command that is run here, with the same standard input or with none.

        Args:
            words: The command.
            fed: Whether it has the standard input.
            directory: The one in which it runs, if that is another.
        """
        scope = self.scope.at(directory) if directory else self.scope
        return argv(words, scope.deeper(), self.feed if fed else None) if words else read()

    def script(self, text: str, feed: Feed | None = None) -> Verdict:
        return script(text, self.scope, feed)

    def elsewhere(self, text: str) -> Verdict:
        """The effect of a text that a shell runs on another machine."""
        return script(text, self.scope.elsewhere())

    def elsewhere_argv(self, words: Sequence[Argument]) -> Verdict:
        """The effect of a command in a container."""
        return argv(words, self.scope.elsewhere(), self.feed)

    def variable(self, name: str, value: str, exported: bool = True) -> Verdict:
        return variable(name, value, self.scope, exported)

    def write(self, path: str, appends: bool = False, makes_folder: bool = False) -> Verdict:
        return self.scope.write(path, appends, makes_folder)

    def work(self, operand: Argument) -> Verdict:
        return self.scope.work(operand)

    def holds_secret(self, path: str) -> bool:
        return self.scope.holds_secret(path)

    def is_secret_name(self, name: str) -> bool:
        return variables.is_secret_name(name)

    def inside(self, path: str, name: str) -> str:
        return self.scope.inside(path, name)

    def is_new(self, path: str) -> bool:
        return self.scope.is_new(path)

    def is_kubeconfig(self, path: str) -> bool:
        return paths.is_kubeconfig(path, self.scope.lookup)
