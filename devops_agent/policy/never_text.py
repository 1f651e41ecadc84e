"""Patterns of what destroys a system, for text that is not taken apart."""

from devops_agent.patterns import regex
from devops_agent.policy.disks import DISK, SAFE_DEVICE

# A function that starts itself in the background.
FORK_BOMB = regex(
    r"(?<![^\s(){};|&])(function\s+)?([^\s(){};|&]+)\s*(?(1)(?:\(\s*\)\s*)?|\(\s*\)\s*)[{(]\s*"
    r"(?:[^}]{0,300}(?:[;|&({\n]|\b(?:do|then|else)\s)\s{0,50})?\2(?:\s*\|&?\s*\2)*\s*&(?![&>])"
)
_OPERAND = r"""\s["']?(?:/|~|\$HOME|\$\{HOME\})["']?/?[.*]*["']?(?=[\s;|&)"']|$)"""
# `find` with a test that not every file of the home directory passes, and nothing that turns it round.
_TESTS = r"(?:(?!\s-(?:delete|not|or?)\b)[^\n;|&!]){0,200}"
_SOME_OF_HOME = (
    rf"\s[\"']?[~$][^\s/]*/?\s+(?=[-\\(]){_TESTS}-i?(?:name|path|regex)"
    rf"\s+(?![\"']?[~$/]|[\"'\\.*?/]+\s){_TESTS}\s-delete"
)
_REST = r"[^\n;|&]{0,1000}"  # of the command
# For text that cannot be parsed, or that a shell reads from its input.
NEVER_TEXT = regex(
    rf"\brm\b(?={_REST}\s-(?:\w*[rR]|-r)){_REST}{_OPERAND}"
    rf"|\bch(?:mod|own)\b{_REST}\s-\w*R{_REST}\s/(?=\s|$)"
    rf"|\bfind(?!{_SOME_OF_HOME}){_OPERAND}{_REST}\s-delete\b"
    rf"|\bwipefs\b(?={_REST}\s-\w*a){_REST}\s{DISK}|\bdd\b{_REST}\sof=(?!{SAFE_DEVICE})/dev/|>\s*{DISK}"
    r"|\b(?:mkfs(?:\.\w+)?|blkdiscard|shred|tee|mkswap|pvcreate|sgdisk|luksFormat|mklabel|truncate)\b"
    rf"{_REST}\s{DISK}|\s{DISK}\S*\s{_REST}\b(?:mklabel|mktable)\b"
)
