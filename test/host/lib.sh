# Sourced by test/host/test_*.sh and demo.sh (bash), on the machine that runs the tests: boards, and a
# guest that has them on its USB. What a script does inside the guest is in inside.sh.
#
#   plan 12                     TAP: that many tests will follow
#   board NAME [OPTION]…        starts a virtual Nucleo with USB/IP on a free port
#   order NAME COMMAND          gives it a command (docs/virtual-nucleo.md)
#   once NAME PATTERN COMMAND   the same as soon as an event that contains PATTERN (grep -E) has come
#   in_guest [OPTION]… SCRIPT   runs SCRIPT in a guest with all boards (with none if $unattached is set);
#                               a line "@NAME COMMAND" of its output is an order, the rest is passed on
#   finish                      ends the test: exit status 0 if nothing failed
set -u
export LC_ALL=C.UTF-8 # in others ${path@Q} may be $'…', which the guest's sh does not know
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../.." && pwd)
cd "$repo" || exit 2
mkdir -p build/test/host
work=$(mktemp -d "build/test/host/$(basename "$0" .sh).XXXXXX") || exit 2
declare -A board_pid=() board_port=() board_in=()
planned=0 failed=0 guest_pid=
children=()

clean_up() {
    trap - EXIT INT TERM HUP
    local p
    for p in "${children[@]}" "${board_pid[@]}" $guest_pid; do kill "$p" 2>/dev/null; done
    wait 2>/dev/null
    [ -n "${KEEP:-}" ] || rm -rf "$work"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM HUP

bail() {
    echo "not ok - $*"
    failed=$((failed + 1))
    exit 1
}

plan() {
    planned=$1
    echo "1..$1"
}

board() {
    local name=$1 dir=$work/$1 fd i
    shift
    mkdir -p "$dir"
    mkfifo "$dir/control"
    exec {fd}<>"$dir/control" # read-write: neither end blocks, and a board that died kills nobody
    build/host/vboard "$@" --usbip 0 --events "$dir/events" --control - <"$dir/control" >"$dir/answers" 2>"$dir/log" &
    board_pid[$name]=$!
    board_in[$name]=$fd
    for ((i = 0; i < 500; i++)); do
        board_port[$name]=$(sed -n 's/.*USB\/IP server on port \([0-9]*\).*/\1/p' "$dir/log" 2>/dev/null)
        [ -z "${board_port[$name]}" ] || return 0
        kill -0 "${board_pid[$name]}" 2>/dev/null || break
        sleep 0.02
    done
    bail "board $name did not start: $(cat "$dir/log")"
}

order() {
    echo "$2" >&"${board_in[$1]}"
}

once() {
    { grep -m 1 -E -q "$2" <(tail -n +1 -f "$work/$1/events" --pid="${board_pid[$1]}" 2>/dev/null) && order "$1" "$3"; } &
    children+=($!)
}

in_guest() {
    local options=() name line status
    for name in "${!board_port[@]}"; do [ -n "${unattached:-}" ] || options+=(--board "${board_port[$name]}"); done
    while [ $# -gt 1 ]; do options+=("$1"); shift; done
    rm -f "$work/guest"
    mkfifo "$work/guest"
    "$here/guest" --timeout 600 --console "$work/console" "${options[@]}" \
        "work=${work@Q}; . ${here@Q}/inside.sh; $1" >"$work/guest" &
    guest_pid=$!
    while IFS= read -r line; do
        case $line in
        @*) name=${line%% *}; order "${name#@}" "${line#* }" ;;
        'not ok'*) failed=$((failed + 1)); printf '%s\n' "$line" ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <"$work/guest"
    wait "$guest_pid"
    status=$?
    guest_pid=
    if [ "$status" != 0 ]; then
        failed=$((failed + 1))
        echo "not ok - the guest's script ended with status $status"
        for name in "${!board_port[@]}"; do
            echo "# board $name:"
            sed 's/^/#   /' "$work/$name/log"
            tail -n 15 "$work/$name/events" | sed 's/^/#   /'
        done
        tail -n 30 "$work/console" | sed 's/^/# /'
    fi
    return "$status"
}

# ok NAME COMMAND…: one test on this side.
ok() {
    local name=$1
    shift
    if "$@" >"$work/out" 2>&1; then
        echo "ok - $name"
    else
        failed=$((failed + 1))
        echo "not ok - $name"
        sed 's/^/# /' "$work/out"
    fi
}

finish() {
    [ "$failed" = 0 ] && [ "$planned" != 0 ]
    exit
}
