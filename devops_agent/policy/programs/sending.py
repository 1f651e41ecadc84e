"""What a call says to another machine: the output of commands that stands in its words."""

import re
from collections.abc import Sequence

from devops_agent.patterns import regex
from devops_agent.policy.call import Argument, Call
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Verdict, destructive, read

# Commands that print a name, a hash or a date, and nothing else of this machine.
_HARMLESS = regex(
    r"\$\((git (rev-parse|describe|symbolic-ref|branch --show-current)|date|whoami"
    r"|gcloud config get-value project|aws sts get-caller-identity)( [^()`$;&|<>\n]*)?\)"
)
_TAG = regex(rf"[^{UNSEEN}]+:[^/:]*")
_HERE = r"(localhost|127\.[\d.]+|\[?::1\]?)(:\d+)?(/.*)?"


def says_output(word: Argument) -> bool:
    """Whether the output of a command is in a word, apart from one that tells nothing."""
    rest = _HARMLESS.sub("", word.raw)
    return word.substituted and ("$" in rest or "`" in rest)


def says_in_url(word: Argument) -> bool:
    """Whether the output of a command is a part of a URL, or may be one."""
    return ("://" in word.text or word.text == UNSEEN) and says_output(word)


def says_in_image(word: Argument) -> bool:
    """Whether the output of a command is a part of the address of an image; a variable may be its tag."""
    is_tag = bool(word.variables) and "$(" not in word.raw and _TAG.fullmatch(word.text)
    return not is_tag and bool(re.search("[/:]", word.text)) and says_output(word)


def sends_output(words: Sequence[Argument]) -> Verdict:
    """The effect of a call that sends these words to another machine."""
    found = any(map(says_output, words))
    return destructive("sends the output of a command to another machine") if found else read()


def is_here(host: str) -> bool:
    """Whether a host or an address is on this machine."""
    return bool(re.fullmatch(rf"(\w+://([^/@]*@)?)?{_HERE}|/.*|", host))


def is_remote_call(call: Call) -> bool:
    """Whether a client of a server is told of one that is not on this machine: by flag, URL or setting."""
    urls = [word.text for word in call.arguments[1:] if re.match(r"[\w+]+://", word.text)]
    settings = [
        host for word in call.arguments[1:] for host in re.findall(r"\bhost(?:addr)?=(\S+)", word.text)
    ]
    return not all(map(is_here, [*call.values("-h", "--host"), *urls, *settings]))
