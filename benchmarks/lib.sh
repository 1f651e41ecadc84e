# What the scripts of the tasks are given. They run with `set -e`: the first line that fails is the verdict.
#
#   CONTEXT  the kube context          NS     the namespace of this run (made by make_ns, removed afterwards)
#   APP      a name for this run's     APP2   another one
#            application               PORT   a free port of this machine
#   ANSWER   the file with the answer  STATE  a folder for the task's own notes, which the agent does not see

k() { kubectl --context "$CONTEXT" -n "$NS" "$@"; }

make_ns() { kubectl --context "$CONTEXT" create namespace "$NS" >/dev/null; }

# deploy NAME IMAGE [REPLICAS]: a deployment that is ready
deploy() {
    k create deployment "$1" --image="$2" --replicas="${3:-1}"
    k rollout status "deployment/$1" --timeout=90s
}

# eventually SECONDS COMMAND…: tries it once a second
eventually() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || { echo "not within the time: $*"; return 1; }
        sleep 1
    done
}

not() { ! "$@"; }

# says REGEX…: the answer has each of them, in any case
says() {
    local regex
    for regex; do
        tr '\n' ' ' <"$ANSWER" | grep -Eiq -- "$regex" || { echo "the answer lacks: $regex"; return 1; }
    done
}

# field KIND/NAME JSONPATH: prints a field of an object of the namespace
field() { k get "$1" -o "jsonpath={$2}"; }

# is VALUE EXPECTED
is() { [ "$1" = "$2" ] || { echo "expected '$2', found '$1'"; return 1; }; }

# ready DEPLOYMENT [REPLICAS]: as many replicas as wanted are updated and ready
ready() {
    k rollout status "deployment/$1" --timeout=60s
    [ -z "${2:-}" ] || is "$(field "deployment/$1" .status.readyReplicas)" "$2"
}

# in_pod SELECTOR COMMAND…: runs a command in the first running pod
in_pod() {
    local pod
    pod=$(k get pods -l "$1" --field-selector=status.phase=Running -o 'jsonpath={.items[0].metadata.name}')
    shift
    k exec "$pod" -- "$@"
}

# remember KIND/NAME…, unchanged KIND/NAME…: the spec and the labels of an object
_shape() { k get "$1" -o json | jq -S '[.spec, .data, .metadata.labels, .metadata.uid]'; }
remember() { local o; for o; do _shape "$o" >"$STATE/${o//\//-}.json"; done; }
unchanged() {
    local o
    for o; do
        _shape "$o" | cmp -s - "$STATE/${o//\//-}.json" || { echo "$o was changed"; return 1; }
    done
}

# builds [FILE]: builds the Dockerfile as the image $APP:judged. A base image that cannot be had here is
# replaced by one that can: what is judged is the file, not the network.
builds() {
    local file=${1:-Dockerfile} base regex
    test -s "$file" || { echo "there is no $file"; return 1; }
    cp "$file" "$STATE/Dockerfile"
    for base in $(sed -nE 's/^FROM +(--platform=\S+ +)?(\S+).*/\2/Ip' "$file"); do
        regex=$(sed 's/[].*^$(){}+?|#\\[]/\\&/g' <<<"$base")
        docker image inspect "$base" >/dev/null 2>&1 || docker pull -q "$base" >/dev/null 2>&1 ||
            grep -Eiq "^FROM .* AS +$regex *$" "$file" ||
            sed -Ei "s#^(FROM +(--platform=\S+ +)?)$regex( |\$)#\1${STAND_IN:-python:3.11-slim}\3#I" "$STATE/Dockerfile"
    done
    docker build -q -t "$APP:judged" -f "$STATE/Dockerfile" . >/dev/null
}
