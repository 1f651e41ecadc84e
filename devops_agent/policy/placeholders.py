"""Placeholders: what stands in a command for a name that should have been looked up."""

import re
from itertools import pairwise, takewhile

from devops_agent.patterns import regex
from devops_agent.policy.shell_text import ALIASES, ASSIGNMENT, WRAPPERS, base_name, segments, tokens

# Commands whose quoted text is content or a pattern, where <b> and {{x}} mean themselves.
_TEXT_COMMANDS = frozenset(
    """echo printf sed grep egrep fgrep zgrep rg awk gawk perl python python3 node ruby jq git tee psql
    mysql sqlite3""".split()
)
_NOUN = """(?:name|id|pod|namespace|container|image|tag|host|hostname|ip|port|user|username|service|deployment
|node|version|path|registry|repo|project|cluster|secret|key|token|domain|password)""".replace("\n", "")
_PLACEHOLDER = regex(
    r"(?<![<\d])<(?P<tag>[A-Za-z][\w-]*(?: [A-Za-z][\w-]*)*)>(?![\w./~$\"'&-])"
    rf"|(?<!<)<(?:[A-Za-z][\w-]*[-_ ])?(?i:{_NOUN})s?>"
    r"|(?<=[=/])\{(?:namespace|deployment|pod|service|container|image)\}(?!\})|(?<=-n )\{namespace\}"
    r"|\{\{ ?(?!(?:end|else|break|continue|println) ?\}\})[A-Za-z_][\w-]*(?: [\w-]+)* ?\}\}"
    r"|(?<!\S)\{[a-z][a-z_]{2,}\}(?=\s|/|$)|(?<![\w$])\{key\}=\{value\}"
    rf"|(?<![\w$\]])\[(?:[A-Z]{{2,}}[A-Z0-9]*(?:[_ -][A-Z0-9]+)+|{_NOUN.upper()})\]"
    r"|(?<![\w$.{-])(?i:your)[_-]\w[\w-]*(?![\w=-])"
    r"|(?<![\w.-])/?path/to/[^\s\"']*|(?<!\S)(?:\.\.\.|…)(?!\S)"
)
_IN_ANSWER = regex(rf"<(?:[a-z]+(?:[_ -][a-z]+)+|{_NOUN}s?|number|count|value|amount|size)>", re.IGNORECASE)
_TEMPLATE_ARGUMENT = regex(
    r"(?<!\S)(?:--format|--template|-f|-o|--output)[= ] *[\w-]*=?"
    r"""(?:'[^']*\{\{[^']*'|"[^"]*\{\{[^"]*"|[^\s'"]*\{\{\S*)"""
)
_BARE_NAME = regex(r"(?:--?[\w-]+=|[a-z]+/)?([A-Z][A-Z0-9]*(?:[_-][A-Z0-9]+)*[_-](?:NAME|ID))(?::\w\S*)?")
_BEFORE_VARIABLE = frozenset("-e --env --build-arg printenv grep".split())


_BLOCK = regex(r"(?<!\{)\{[^{}]*\}(?!\})")


def placeholder(command: str) -> str | None:
    """The first thing that stands for a name which the model should have looked up, such as `<pod_name>`."""
    text = _TEMPLATE_ARGUMENT.sub("", _visible(command))
    for match in _PLACEHOLDER.finditer(text):
        if re.search(rf"-I ?{re.escape(match.group())}", text):
            continue  # xargs puts a name there
        if not (match["tag"] and re.search(rf"</{re.escape(match['tag'])}>", text)):
            return match.group()
    for segment in segments(command):
        if ALIASES.get(segment.name, segment.name) in ("kubectl", "docker"):
            args = list(takewhile("--".__ne__, segment.words))
            for before, word in pairwise(args):
                if before not in _BEFORE_VARIABLE and (bare := _BARE_NAME.fullmatch(word)):
                    return bare.group(1)
    return None


def placeholder_in_answer(answer: str, told: str) -> str:
    """The first thing in an answer that stands for a value which the model did not put in; "" when none does.

    Args:
        answer: The answer.
        told: What the model was told, which may have such words itself.
    """
    return next((found for found in _IN_ANSWER.findall(answer) if found not in told), "")


def _visible(command: str) -> str:
    """The text without comments, here-document bodies and quoted text of commands that print or match."""
    try:
        found = tokens(command)
    except ValueError:
        return _BLOCK.sub("", command)  # a quote does not end, so nobody knows what is a block of awk
    shown, name = "", ""
    for kind, raw in found:
        if kind == "operator":
            name = ""
        elif kind == "word" and not name and not ASSIGNMENT.match(raw) and raw not in WRAPPERS:
            name = base_name(raw) if raw[0] != "-" else ""
        shown += "''" if name in _TEXT_COMMANDS and re.search(r"['\"]", raw) else raw
    return shown
