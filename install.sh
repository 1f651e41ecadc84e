#!/usr/bin/env bash
# Installs DevOps Agent for one user, without root.
#
#   curl -fsSL https://raw.githubusercontent.com/ubermorgenland/devops-agent/main/install.sh | bash
#   curl -fsSL … | bash -s -- --embedded          # with flags
#   ./install.sh                                  # from a clone: installs what the clone holds
#
# Run it again to upgrade. `install.sh --help` lists the flags.
#
# What it reads of the environment:
#   DEVOPS_AGENT_SOURCE   what to install: a folder, an archive (.tar.gz, .zip), or the URL of one
#   DEVOPS_AGENT_PYTHON   the Python (3.10 or newer) to install with
#   DEVOPS_AGENT_OLLAMA_INSTALLER   the URL of Ollama's own installer
#   PIP_INDEX_URL, HF_ENDPOINT, https_proxy, …   as pip, Hugging Face and curl read them
#
# Exit codes: 0 done, 1 it could not be done, 2 a wrong flag, 130 interrupted.
set -u

readonly RELEASE='https://github.com/ubermorgenland/devops-agent/archive/refs/heads/main.tar.gz'
readonly OLLAMA_INSTALLER=${DEVOPS_AGENT_OLLAMA_INSTALLER:-https://ollama.com/install.sh}
readonly OLLAMA_MODEL='qwen3-devops'
readonly HUB_REPO='ubermorgen/qwen3-devops' HUB_FILE='qwen3-devops.gguf'
# What has to be free, in MiB: an environment; the model for Ollama, twice.
readonly ENVIRONMENT_MIB=500 OLLAMA_MIB=2500

usage() {
    cat <<'TEXT'
Usage: install.sh [flags]

  --embedded      run the model in the agent's own engine (default where there is no Ollama)
  --with-ollama   run the model in Ollama; installs Ollama where it is missing
  --no-model      fetch no model now; the first task does
  --prefix DIR    install below DIR (default: ~/.local): DIR/bin, DIR/lib, DIR/share
  --dry-run       say what would be done, and do nothing
  --uninstall     remove what this installer made
  --purge         with --uninstall: also the models, sessions, configuration and logs
  --yes           ask nothing
  --help          this text
TEXT
}

# --- what is said -----------------------------------------------------------------------------------------

say() {
    printf '%s\n' "$*" >&2
}

step() {
    say "==> $*"
}

# Each argument is a line; the first says what is wrong, the others what to do.
fail() {
    printf 'install.sh: %s\n' "$@" >&2
    exit 1
}

misused() {
    say "install.sh: $1 See install.sh --help."
    exit 2
}

# --- flags ------------------------------------------------------------------------------------------------

engine='' prefix='' wants_model=1 is_dry='' removes='' purges='' asks=1

read_flags() {
    while [ $# -gt 0 ]; do
        case $1 in
            --embedded) choose_engine embedded ;;
            --with-ollama) choose_engine ollama ;;
            --no-model) wants_model='' ;;
            --prefix)
                [ $# -gt 1 ] || misused '--prefix needs a folder.'
                prefix=$2
                shift
                ;;
            --prefix=*) prefix=${1#*=} ;;
            --dry-run) is_dry=1 ;;
            --uninstall) removes=1 ;;
            --purge) purges=1 ;;
            --yes | -y) asks='' ;;
            --help | -h)
                usage
                exit 0
                ;;
            *) misused "Unknown flag: $1." ;;
        esac
        shift
    done
    [ -z "$purges" ] || [ -n "$removes" ] || misused '--purge goes with --uninstall.'
}

choose_engine() {
    [ -z "$engine" ] || [ "$engine" = "$1" ] || misused '--embedded and --with-ollama exclude each other.'
    engine=$1
}

# --- places -----------------------------------------------------------------------------------------------

# An XDG folder; one that is not absolute does not count.
xdg() {
    case $1 in /*) printf '%s' "$1" ;; *) printf '%s' "$HOME/$2" ;; esac
}

# Where the installation is whose copy of this script runs.
installed_prefix() {
    local folder
    folder=$(script_folder) || return 1
    [ -f "$folder/installed.txt" ] && case $folder in
        */lib/devops-agent) printf '%s' "${folder%/lib/devops-agent}" ;;
        *) return 1 ;;
    esac
}

# The folder of this script; none where it comes through a pipe.
script_folder() {
    local script=${BASH_SOURCE[0]:-}
    [ -f "$script" ] && CDPATH='' cd -- "$(dirname -- "$script")" && pwd -P
}

# A folder's path without links and dots, as far as it is there.
one_name() {
    local there=$1 rest=''
    while [ ! -d "$there" ]; do
        [ "${there##*/}" = . ] || rest=/${there##*/}$rest
        there=${there%/*}
        [ -n "$there" ] || there=/
    done
    there=$(CDPATH='' cd -- "$there" && pwd -P)
    printf '%s' "${there%/}$rest"
}

find_places() {
    [ -n "${HOME:-}" ] || fail 'HOME is not set.' 'Set it to your home folder, and try again.'
    prefix=${prefix:-$(installed_prefix || printf '%s' "$HOME/.local")}
    case $prefix in
        \~ | \~/*) prefix=$HOME${prefix#\~} ;;  # --prefix=~/x, which no shell expands
        /*) ;;
        *) prefix=$PWD/$prefix ;;
    esac
    # as one name, however it is written: links and records are compared by it
    [ "$prefix" = "$HOME/.local" ] || prefix=$(one_name "$prefix")
    cache=$(xdg "${XDG_CACHE_HOME:-}" .cache)/devops-agent
    data=$(xdg "${XDG_DATA_HOME:-}" .local/share)/devops-agent
    config=$(xdg "${XDG_CONFIG_HOME:-}" .config)/devops-agent
    library=$prefix/lib/devops-agent
    record=$library/installed.txt
    kept_record=$data/installed.txt  # from an uninstallation to a later --purge
    command_link=$prefix/bin/devops-agent
    bash_completion=$prefix/share/bash-completion/completions/devops-agent
    zsh_completion=$prefix/share/zsh/site-functions/_devops-agent
    fish_completion=$prefix/share/fish/vendor_completions.d/devops-agent.fish
}

# Whether a path is this installer's, by the record of an installation.
is_ours() {
    [ -L "$command_link" ] && case $(readlink "$command_link") in "$library"/*) true ;; *) false ;; esac
}

# Has the record name a folder and those above it, as far as they are missing: nobody else has made them.
note_folder() {
    local folder=$1
    while [ -n "$folder" ] && [ ! -d "$folder" ]; do
        made_folders+=("$folder")
        folder=${folder%/*}
    done
}

make_folder() {
    note_folder "$1"
    mkdir -p "$1" 2>/dev/null && [ -w "$1" ] ||
        fail "Cannot write to $1." "Choose another place: install.sh --prefix DIR."
}

write_record() {
    {
        cat "$record" "$kept_record" 2>/dev/null
        if [ ${#made_folders[@]} -gt 0 ]; then printf 'folder %s\n' "${made_folders[@]}"; fi
        if [ -n "$made_ollama_model" ]; then printf 'ollama %s\n' "$made_ollama_model"; fi
    } >"$work/record"
    if ! { sort -u "$work/record" >"$record.new" && mv "$record.new" "$record"; }; then
        fail_disk "$library"
    fi
}

made_folders=() made_ollama_model=''

free_mib() {
    df -Pk "$1" 2>/dev/null | awk 'NR == 2 {print int($4 / 1024)}'
}

fail_disk() {
    fail "Cannot write to $1: $(free_mib "$1") MiB are free." \
        'Make room or choose another place with --prefix, and run this again.'
}

# --- the end, also that of an interrupted run ---------------------------------------------------------------

work='' locked='' unfinished='' child='' server=''

clean_up() {
    # what runs in the background of a script has no ear for Ctrl-C
    [ -z "$child" ] || { kill "$child" && wait "$child"; } 2>/dev/null
    [ -z "$server" ] || kill "$server" 2>/dev/null
    [ -z "$unfinished" ] || rm -rf "$unfinished"
    [ -z "$work" ] || rm -rf "$work"
    [ -z "$locked" ] || rm -rf "$library/.lock"
    if [ -n "$locked" ] && [ ! -e "$library/current" ]; then  # nothing was installed: nothing stays
        rm -f "$record"
        remove_folders "${made_folders[@]:-}"
    fi
}

interrupted() {
    trap '' INT TERM HUP
    say ''
    say 'install.sh: interrupted; run it again to go on.'
    exit 130
}

# One installation at a time; the lock of one that was killed is taken over.
take_lock() {
    local owner
    make_folder "$library"
    if ! mkdir "$library/.lock" 2>/dev/null; then
        [ -s "$library/.lock/pid" ] || sleep 1  # it may have been made this moment
        owner=$(cat "$library/.lock/pid" 2>/dev/null)
        if [ -n "$owner" ] && kill -0 "$owner" 2>/dev/null; then
            fail "Another installation is running (process $owner)." 'Wait for it, and try again.'
        fi
    fi
    locked=1
    echo $$ >"$library/.lock/pid" || fail_disk "$library"
}

# --- Python -----------------------------------------------------------------------------------------------

PROBE='import sys
if sys.version_info < (3, 10): sys.exit(1)
print(sys.executable)'

find_python() {
    local candidate
    for candidate in ${DEVOPS_AGENT_PYTHON:+"$DEVOPS_AGENT_PYTHON"} \
        python3 python3.13 python3.12 python3.11 python3.10 python3.14; do
        if python=$("$candidate" -I -c "$PROBE" 2>/dev/null); then
            break
        fi
        [ "$candidate" != "${DEVOPS_AGENT_PYTHON:-}" ] ||
            fail "DEVOPS_AGENT_PYTHON=$candidate is not a Python 3.10 or newer." 'Name another, or unset it.'
    done
    [ -n "$python" ] || fail 'Python 3.10 or newer was not found.' "Get it with: $(how_to_get_python)"
    "$python" -I -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python has no venv module." "Get it with: $(how_to_get_python)"
}

how_to_get_python() {
    local sudo=''
    [ "$(id -u)" = 0 ] || sudo='sudo '
    if [ "$system" = Darwin ]; then
        echo 'brew install python'
    elif command -v apt-get >/dev/null; then
        echo "${sudo}apt-get install python3 python3-venv"
    elif command -v dnf >/dev/null; then
        echo "${sudo}dnf install python3.12"
    elif command -v zypper >/dev/null; then
        echo "${sudo}zypper install python312"
    elif command -v pacman >/dev/null; then
        echo "${sudo}pacman -S python"
    elif command -v apk >/dev/null; then
        echo "${sudo}apk add python3 bash"
    else
        echo 'the packages python3 and python3-venv of your system'
    fi
}

# --- what is installed --------------------------------------------------------------------------------------

# Downloads $1 to the file $2.
download() {
    if command -v curl >/dev/null; then
        curl -fsSL --retry 2 --connect-timeout 15 -o "$2" "$1" 2>"$work/why"
    elif command -v wget >/dev/null; then
        wget -q -T 15 -O "$2" "$1" 2>"$work/why"
    else
        "$python" -I -c 'import sys, urllib.request as r; r.urlretrieve(*sys.argv[1:])' "$1" "$2" 2>"$work/why"
    fi || fail "Cannot download $1: $(tail -n 1 "$work/why")" \
        'Look at the network or the proxy, and run this again.'
}

# The folder of the clone that this script lies in, if any.
clone() {
    local folder
    folder=$(script_folder) || return 1
    [ -f "$folder/pyproject.toml" ] && [ -d "$folder/devops_agent" ] && printf '%s' "$folder"
}

source_told() {
    if [ -n "${DEVOPS_AGENT_SOURCE:-}" ]; then
        printf '%s' "$DEVOPS_AGENT_SOURCE"
    else
        clone || printf '%s' "$RELEASE"
    fi
}

# Has $source name a folder that pip can install.
get_source() {
    source=$(source_told)
    case $source in
        http://* | https://*)
            step "Downloading $source"
            download "$source" "$work/archive"
            unpack "$work/archive"
            ;;
        *)
            [ -e "$source" ] || fail "There is no $source." 'Set DEVOPS_AGENT_SOURCE to a folder, an archive or a URL.'
            [ -d "$source" ] || unpack "$source"
            ;;
    esac
    [ -f "$source/pyproject.toml" ] && [ -d "$source/devops_agent" ] ||
        fail "${DEVOPS_AGENT_SOURCE:-$source} does not hold DevOps Agent." 'Set DEVOPS_AGENT_SOURCE to what does.'
}

# Unpacks an archive, whose files lie in one folder or in none, and has $source name where they are.
unpack() {
    mkdir "$work/unpacked"
    "$python" -I -c '
import sys, tarfile, zipfile
archive, folder = sys.argv[1:]
if zipfile.is_zipfile(archive):
    zipfile.ZipFile(archive).extractall(folder)
else:
    with tarfile.open(archive) as tar:
        # a filter where there is one: no file may land outside
        tar.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
' "$1" "$work/unpacked" 2>"$work/why" ||
        fail "Cannot unpack ${DEVOPS_AGENT_SOURCE:-$source}: $(tail -n 1 "$work/why")." 'It may be damaged: run this again.'
    source=$work/unpacked
    if [ ! -f "$source/pyproject.toml" ]; then
        for source in "$work"/unpacked/*/; do break; done
        source=${source%/}
    fi
}

# Whether $2 MiB are free where the installation is, for $1.
need_space() {
    local free
    free=$(free_mib "$library")
    [ "$free" -ge "$2" ] ||
        fail "$1 needs $2 MiB in $library, where $free MiB are free." 'Make room, and run this again.'
}

# Runs a command with its output in a file; says how long it took, or why it failed.
quietly() {
    local log=$work/log status
    "$@" >"$log" 2>&1 </dev/null &
    child=$!
    local started=$SECONDS
    while kill -0 "$child" 2>/dev/null; do
        [ ! -t 2 ] || printf '\r    %s s' "$((SECONDS - started))" >&2
        sleep 0.5
    done
    [ ! -t 2 ] || printf '\r\033[K' >&2
    wait "$child"
    status=$?
    child=''
    [ "$status" = 0 ] ||
        why=$({ grep -i 'no space left' "$log" || grep -E '(^| )(ERROR|[A-Za-z.]*Error): ' "$log"; } | tail -n 1)
    return "$status"
}

install_environment() {
    local environment
    need_space 'The installation' "$ENVIRONMENT_MIB"
    # those that nothing names any more: of the upgrade before, and of runs that were killed
    for environment in "$library"/env-*; do
        [ ! -d "$environment" ] || [ "$environment" = "$(readlink "$library/current")" ] || rm -rf "$environment"
    done
    environment=$library/env-$(date +%Y%m%d%H%M%S)-$$
    unfinished=$environment
    step "Making an environment with $python"
    quietly "$python" -I -m venv "$environment" || fail "No environment could be made: $why" "Get what it needs with: $(how_to_get_python)"
    step 'Installing the agent and its libraries (about 30 packages, 50 MB)'
    mkdir -p "$work/build"
    (cd "$source" && tar -cf - --exclude .git --exclude .venv --exclude '.venv-*' --exclude '*.gguf' .) | (cd "$work/build" && tar -xf -)
    PIP_USER=0 quietly "$environment/bin/python" -I -m pip install --disable-pip-version-check --no-input \
        --no-cache-dir "$work/build" ||
        fail "The libraries could not be installed: $why" 'Look at the network and the disk, and run this again.'
    "$environment/bin/devops-agent" --version >"$work/version" 2>"$work/why" </dev/null ||
        fail "What was installed does not start: $(tail -n 1 "$work/why")" 'Please report this.'
    link "$environment" "$library/current" || fail_disk "$library"
    unfinished=''  # the one before stays until the next run: a session may run in it
    if ! { cp "$source/install.sh" "$library/install.sh" && chmod 755 "$library/install.sh"; }; then
        fail_disk "$library"
    fi
}

# Makes a link, or turns one elsewhere, in one step.
link() {
    ln -s "$1" "$2.new.$$" && "$python" -I -c 'import os, sys; os.replace(*sys.argv[1:])' "$2.new.$$" "$2"
}

install_command() {
    make_folder "$prefix/bin"
    link "$library/current/bin/devops-agent" "$command_link" || fail_disk "$prefix/bin"
}

install_completions() {
    local shell path
    for shell in bash zsh fish; do
        eval "path=\$${shell}_completion"
        if [ -L "$path" ] || { [ -e "$path" ] && ! grep -qs devops-agent "$path"; }; then
            say "Note: $path is not from this installer, and stays."
            continue
        fi
        make_folder "${path%/*}"
        "$command_link" completions "$shell" >"$path" 2>/dev/null </dev/null || fail_disk "${path%/*}"
    done
}

# --- the engine and its model -------------------------------------------------------------------------------

# The terminal is asked also where this script comes through a pipe.
ask_engine() {
    local answer
    if [ -n "$engine" ]; then
        return
    fi
    engine=embedded
    if command -v ollama >/dev/null; then
        engine=ollama
    elif [ -n "$asks" ] && [ -z "$is_dry" ] && { : >/dev/tty; } 2>/dev/null; then
        printf '%s\n' 'Which engine shall run the model?' \
            '  1  the embedded one: nothing else to install, 1.1 GB  [default]' \
            '  2  Ollama, which is installed too' >/dev/tty
        printf 'Choice [1]: ' >/dev/tty
        read -r answer </dev/tty || answer=''
        case $answer in
            2 | [oO]*) engine=ollama ;;
        esac
    fi
}

fetch_embedded_model() {
    step 'Fetching the model of the embedded engine (1.1 GB)'
    "$command_link" engine fetch </dev/null >&2 || {
        say 'The model could not be fetched now; the first task tries again.'
        return 1
    }
    if command -v ollama >/dev/null; then
        say 'Where Ollama answers and has the model it is used first; for this engine alone set backend = "llama-cpp"' \
            'in ~/.config/devops-agent/config.toml, or give --backend llama-cpp.'
    fi
}

install_ollama() {
    if command -v ollama >/dev/null; then
        return 0
    fi
    if [ "$system" = Darwin ]; then
        say 'Ollama is missing. Get it with: brew install ollama, or from https://ollama.com/download'
        return 1
    fi
    step "Installing Ollama with its own installer ($OLLAMA_INSTALLER); it may ask for root"
    (download "$OLLAMA_INSTALLER" "$work/ollama.sh") || return 1
    sh "$work/ollama.sh" >&2 || {
        say "Ollama's installer failed."
        return 1
    }
    command -v ollama >/dev/null
}

# Whether Ollama answers at one of so many tries, two a second; a server of ours that has ended will not.
ollama_answers() {
    local tries=0
    until ollama list >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt "$1" ] && { [ -z "$server" ] || kill -0 "$server" 2>/dev/null; } || return 1
        sleep 0.5
    done
}

# Has Ollama answer, if need be by a server for the time of this installation.
start_ollama() {
    ollama_answers 10 && return  # its service may be about to start
    ollama serve >"$work/ollama.log" 2>&1 </dev/null &
    server=$!
    ollama_answers 40 || {
        say "Ollama does not start: $(tail -n 1 "$work/ollama.log")"
        return 1
    }
}

create_ollama_model() {
    if ollama list 2>/dev/null | grep -q "^${OLLAMA_MODEL}[: ]"; then
        say "Ollama has the model $OLLAMA_MODEL already."
        return 0
    fi
    need_space 'The model' "$OLLAMA_MIB"
    step "Fetching the model $HUB_REPO from Hugging Face (1 GB)"
    mkdir "$work/model"
    HF_HOME=$work/hub "$library/current/bin/hf" download "$HUB_REPO" "$HUB_FILE" --local-dir "$work/model" >&2 </dev/null || {
        say 'Hugging Face does not give the model.'
        return 1
    }
    step "Creating the model $OLLAMA_MODEL in Ollama"
    cp "$source/Modelfile" "$work/model/Modelfile"
    (cd "$work/model" && ollama create "$OLLAMA_MODEL" -f Modelfile) >&2 </dev/null || {
        say 'Ollama does not take the model.'
        return 1
    }
    made_ollama_model=$OLLAMA_MODEL
}

install_engine() {
    if [ "$engine" = ollama ]; then
        if install_ollama && { [ -z "$wants_model" ] || { start_ollama && create_ollama_model; }; }; then
            [ -z "$server" ] || say 'Ollama does not run now. Start it with: ollama serve'
            return
        fi
        say 'The embedded engine is used instead.'
        engine=embedded
    fi
    if [ -n "$wants_model" ]; then
        fetch_embedded_model
    fi
}

# --- installation -------------------------------------------------------------------------------------------

check_way() {
    local other
    if [ -e "$command_link" ] || [ -L "$command_link" ]; then
        is_ours || fail "$command_link is there already, and not from this installer." \
            'Move it away, or choose another place: install.sh --prefix DIR.'
    fi
    other=$(command -v devops-agent 2>/dev/null) || return 0
    [ "$other" = "$command_link" ] || say "Note: $other is another devops-agent; the one that PATH names first is used."
}

dry_run() {
    say "Would install $(source_told)"
    say "  with Python    $python"
    say "  into           $library"
    say "  command        $command_link"
    say "  completions    $bash_completion, $zsh_completion, $fish_completion"
    if [ "$engine" = ollama ]; then
        command -v ollama >/dev/null || say "  Ollama         by its installer, $OLLAMA_INSTALLER"
        [ -z "$wants_model" ] || say "  model          $OLLAMA_MODEL in Ollama, from Hugging Face, $HUB_REPO"
    elif [ -n "$wants_model" ]; then
        say "  model          in $cache/models"
    fi
}

install() {
    check_way
    find_python
    ask_engine
    if [ -n "$is_dry" ]; then
        dry_run
        return
    fi
    take_lock
    rm -rf "$library"/.work.*  # of runs that were killed
    work=$(mktemp -d "$library/.work.XXXXXX") || fail_disk "$library"
    # the agent will make folders below these
    note_folder "${cache%/*}"
    note_folder "${data%/*}"
    note_folder "${config%/*}"
    write_record  # before anything else, for this run may be killed
    get_source
    install_environment
    install_command
    install_completions
    write_record
    install_engine
    write_record
    step "$(cat "$work/version") is installed."
    case ${SHELL:-} in
        */zsh)
            say 'For its completions zsh needs this in ~/.zshrc, before compinit:'
            say "  fpath=('${zsh_completion%/*}' \$fpath)"
            ;;
    esac
    case :$PATH: in
        *":$prefix/bin:"*) say "Try it: devops-agent \"Check disk usage and available memory\"" ;;
        *)
            say "$prefix/bin is not on your PATH. Add it, for instance with:"
            say "  echo 'export PATH=\"$prefix/bin:\$PATH\"' >>~/$(profile)"
            say "Or start it as: $command_link \"Check disk usage and available memory\""
            ;;
    esac
    say "Remove it: '$library/install.sh' --uninstall"
}

# The file that a login shell reads; bash reads the first of those that are there.
profile() {
    local name
    case ${SHELL:-} in
        */zsh) echo .zprofile && return ;;
        */bash)
            for name in .bash_profile .bash_login; do
                [ ! -f "$HOME/$name" ] || { echo "$name" && return; }
            done
            ;;
    esac
    echo .profile
}

# --- uninstallation -----------------------------------------------------------------------------------------

remove() {
    if [ ! -e "$1" ] && [ ! -L "$1" ]; then
        return
    fi
    if [ -n "$is_dry" ]; then
        say "Would remove $1"
    else
        rm -rf "$1" || fail "Cannot remove $1." 'Correct that, and run this again.'
        say "Removed $1"
    fi
}

# Removes folders that are empty, the inner ones first.
remove_folders() {
    printf '%s\n' "$@" | sort -ru | while IFS= read -r folder; do
        [ -z "$folder" ] || [ -n "$is_dry" ] || rmdir "$folder" 2>/dev/null
    done
}

uninstall() {
    local folders=() kind name
    if [ ! -d "$library" ] && [ -z "$purges" ] && ! is_ours; then
        say "Nothing is installed below $prefix."
        return
    fi
    while read -r kind name; do
        case $kind in
            folder) folders+=("$name") ;;
            ollama) [ -z "$purges" ] || remove_ollama_model "$name" ;;
        esac
    done < <(cat "$record" "$kept_record" 2>/dev/null)
    if [ -z "$purges" ] && [ -z "$is_dry" ] && [ -f "$record" ] && [ -d "$data" ]; then
        cp "$record" "$kept_record"
    fi
    if [ -z "$is_dry" ] && [ -x "$library/current/bin/devops-agent" ]; then
        "$library/current/bin/devops-agent" engine stop >/dev/null 2>&1 </dev/null
    fi
    ! is_ours || remove "$command_link"
    for name in "$bash_completion" "$zsh_completion" "$fish_completion"; do
        ! grep -qs devops-agent "$name" || remove "$name"
    done
    remove "$library"
    if [ -n "$purges" ]; then
        for name in "$cache" "$data" "$config" "$HOME/.devops_agent_history" \
            ${XDG_RUNTIME_DIR:+"$XDG_RUNTIME_DIR/devops-agent"}; do
            remove "$name"
        done
    fi
    [ ${#folders[@]} -eq 0 ] || remove_folders "${folders[@]}"
    if [ -z "$purges" ] && { [ -e "$cache" ] || [ -e "$data" ] || [ -e "$config" ]; }; then
        say "Kept: models, sessions and configuration in $cache, $data, $config and ~/.devops_agent_history (--purge removes them)."
    fi
}

remove_ollama_model() {
    if [ -n "$is_dry" ]; then
        say "Would remove the model $1 from Ollama"
    elif ollama rm "$1" >/dev/null 2>&1; then
        say "Removed the model $1 from Ollama"
    else
        say "The model $1 is still in Ollama, which does not answer. Remove it with: ollama rm $1"
    fi
}

# --------------------------------------------------------------------------------------------------------------

# All of it in a function, so that a download that was cut off runs nothing.
main() {
    python='' why=''
    read_flags "$@"
    system=$(uname -s)
    case $system in
        Linux | Darwin) ;;
        *) fail "$system is not supported." 'On Windows, use WSL.' ;;
    esac
    find_places
    trap clean_up EXIT
    trap interrupted INT TERM HUP
    if [ -n "$removes" ]; then uninstall; else install; fi
}

main "$@"
