"""`devops-agent completions`: scripts for bash, zsh and fish, made from the parsers of the command line."""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from devops_agent import parsers

_CLUSTER = {
    "namespace": "kubectl get namespaces --request-timeout=2s -o name 2>/dev/null | sed 's|.*/||'",
    "context": "kubectl config get-contexts -o name 2>/dev/null",
}


@dataclass(frozen=True)
class _Flag:
    """A flag: its names, its help, and what its value is completed with."""

    names: Sequence[str]
    told: str
    takes_value: bool = False
    choices: Sequence[str] = ()
    is_path: bool = False
    command: str = ""  # prints the values, one a line


@dataclass(frozen=True)
class _Level:
    """What can follow the words `path`, such as "runbooks show"; `words` with their help."""

    path: str
    flags: Sequence[_Flag]
    words: Mapping[str, str]


def completions_command(arguments: argparse.Namespace, out: TextIO) -> None:
    """Prints the script for a shell, `arguments.shell`."""
    print(_SCRIPTS[arguments.shell](list(_levels())).strip(), file=out)


# --- what can be completed --------------------------------------------------------------------------------


def _levels() -> Iterator[_Level]:
    told = {name: told for name, (told, _) in parsers.SUBCOMMANDS.items()}
    yield _level("", parsers.main_parser(), told)
    for name in parsers.SUBCOMMANDS:
        parser = parsers.subcommand_parser(name)
        actions = parsers.actions_of(parser)
        yield _level(name, parser, {word: each.description or "" for word, each in actions.items()})
        for word, each in actions.items():
            yield _level(f"{name} {word}", each, {})


def _level(path: str, parser: argparse.ArgumentParser, words: Mapping[str, str]) -> _Level:
    flags = [_flag(action) for action in parser._actions if action.option_strings]
    choices = [each.choices or () for each in parser._actions if not each.option_strings]
    return _Level(path, flags, words or {str(word): "" for each in choices for word in each})


def _flag(action: argparse.Action) -> _Flag:
    return _Flag(
        action.option_strings,
        action.help or "",
        action.nargs is None,
        tuple(map(str, action.choices or ())),
        action.metavar in parsers.PATHS,
        _CLUSTER.get(action.dest, ""),
    )


# --- bash and zsh -----------------------------------------------------------------------------------------

# Words are put together again where COMP_WORDBREAKS parted them. No compgen: it would run what a name holds.
_BASH = """\
# Completions of devops-agent: source <(devops-agent completions bash)
_devops_agent() {
    local given=() word= glued= level= offered= last prefix=
    for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        if [[ -n $glued || $word == [:=]* ]] && ((${#given[@]} > 1)); then
            given[${#given[@]}-1]+=$word
        else
            given+=("$word")
        fi
        if [[ $word == *[:=] ]]; then glued=1; else glued=; fi
    done
    last=$((${#given[@]} - 1))
    local cur=${given[last]} prev=${given[last-1]}
    if [[ $cur == --*=* ]]; then
        prev=${cur%%=*}
        cur=${cur#*=}
    fi
    if ((last > 1)); then
        case "${given[1]}" in @subcommands@) level=${given[1]} ;; esac
    fi
    if ((last > 2)); then
        case "$level ${given[2]}" in @actions@) level="$level ${given[2]}" ;; esac
    fi
    case "$level:$prev" in
@values@
        *)
            case "$level:$cur" in
@flags@
            esac
            case "$level:$last" in
@words@
            esac
            ;;
    esac
    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
        prefix=${cur%"${cur##*:}"}
    fi
    COMPREPLY=()
    while IFS= read -r word; do
        if [[ -n $word && $word == "$cur"* ]]; then
            COMPREPLY+=("${word#"$prefix"}")
        fi
    done <<<"$offered"
}
complete -o default -F _devops_agent devops-agent
"""

_ZSH = """\
#compdef devops-agent
# Completions of devops-agent: source <(devops-agent completions zsh), behind compinit
_devops_agent() {
    local level= previous=${words[CURRENT-1]}
    local -a offered
    if [[ $PREFIX == --*=* ]]; then
        previous=${PREFIX%%=*}
        compset -P 1 '*='
    fi
    if ((CURRENT > 2)); then
        case "${words[2]}" in @subcommands@) level=${words[2]} ;; esac
    fi
    if ((CURRENT > 3)); then
        case "$level ${words[3]}" in @actions@) level="$level ${words[3]}" ;; esac
    fi
    case "$level:$previous" in
@values@
        *)
            case "$level:$PREFIX" in
@flags@
            esac
            case "$level:$((CURRENT - 1))" in
@words@
            esac
            if ((! $#offered)); then
                _files
                return
            fi
            ;;
    esac
    _describe devops-agent offered
}
compdef _devops_agent devops-agent
# as a file of fpath, it is run at the first completion
if [[ ${funcstack[1]} == _devops_agent ]]; then _devops_agent "$@"; fi
"""


def _bash(levels: Sequence[_Level]) -> str:
    def offered(words: Mapping[str, str]) -> str:
        return "offered=$'" + "\\n".join(words) + "'"

    return _filled(_BASH, levels, offered, lambda command: f"offered=$({command})")


def _zsh(levels: Sequence[_Level]) -> str:
    def offered(words: Mapping[str, str]) -> str:
        shown = (f"{word}:{told}" if told else word for word, told in words.items())
        return f"offered=({' '.join(map(_quoted, shown))})"

    def printed(command: str) -> str:
        return f'offered=(${{(f)"$({command})"}}); offered=("${{(@)offered//:/\\:}}")'

    return _filled(_ZSH, levels, offered, printed)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _filled(
    script: str,
    levels: Sequence[_Level],
    offered: Callable[[Mapping[str, str]], str],
    printed: Callable[[str], str],
) -> str:
    """A script of a shell whose `case` is that of bash; where nothing is offered, files are."""
    values, flags, words = [], [], []
    for level in levels:
        for flag in (each for each in level.flags if each.choices or each.command):
            pattern = "|".join(f'"{level.path}:{name}"' for name in flag.names)
            chosen = printed(flag.command) if flag.command else offered(dict.fromkeys(flag.choices, ""))
            values.append(f"        {pattern}) {chosen} ;;")
        names = {name: flag.told for flag in level.flags for name in flag.names}
        flags.append(f'            "{level.path}":-*) {offered(names)} ;;')
        if level.words:
            position = len(level.path.split()) + 1
            words.append(
                f'            "{level.path}:{position}") [[ -n $offered ]] || {offered(level.words)} ;;'
            )
    parts = {
        "subcommands": "|".join(level.path for level in levels if len(level.path.split()) == 1),
        "actions": "|".join(f'"{level.path}"' for level in levels if " " in level.path),
        "values": "\n".join(values),
        "flags": "\n".join(flags),
        "words": "\n".join(words),
    }
    for name, text in parts.items():
        script = script.replace(f"@{name}@", text)
    return script


# --- fish -------------------------------------------------------------------------------------------------

_FISH = """\
# Completions of devops-agent: devops-agent completions fish > ~/.config/fish/completions/devops-agent.fish
function __devops_agent_level
    set -l given (commandline -opc)
    set -l level ''
    switch "$given[2]"
        case @subcommands@
            set level $given[2]
    end
    switch "$level $given[3]"
        case @actions@
            set level "$level $given[3]"
    end
    echo $level
end
@lines@
"""


def _fish(levels: Sequence[_Level]) -> str:
    lines = []
    for level in levels:
        at = f"test (__devops_agent_level) = '{level.path}'"
        begin = f"complete -c {parsers.PROGRAM} -n {_fish_quoted(at)}"
        lines += [f"{begin} {_fish_flag(flag)}" for flag in level.flags]
        first = f"{at}; and test (count (commandline -opc)) = {len(level.path.split()) + 1}"
        begin = f"complete -c {parsers.PROGRAM} -n {_fish_quoted(first)}"
        lines += [f"{begin} -f -a {word} -d {_fish_quoted(told)}" for word, told in level.words.items()]
    parts = {
        "subcommands": " ".join(level.path for level in levels if len(level.path.split()) == 1),
        "actions": " ".join(f"'{level.path}'" for level in levels if " " in level.path),
        "lines": "\n".join(lines),
    }
    script = _FISH
    for name, text in parts.items():
        script = script.replace(f"@{name}@", text)
    return script


def _fish_flag(flag: _Flag) -> str:
    names = (f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in flag.names)
    value = "-r -F" if flag.is_path else "-x" if flag.takes_value else ""
    offered = f"({flag.command})" if flag.command else " ".join(flag.choices)
    parts = [*names, value, f"-a {_fish_quoted(offered)}" if offered else "", f"-d {_fish_quoted(flag.told)}"]
    return " ".join(filter(None, parts))


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_SCRIPTS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
