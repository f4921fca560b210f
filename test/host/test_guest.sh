#!/bin/bash
# The guest itself: status and output, files, time limit, a kernel that dies, bad usage, any user, several
# at a time.
. "$(dirname "$0")/lib.sh"
plan 11
guest=$here/guest

# ended STATUS PATTERN COMMAND…: it ends with that status and says that.
ended() {
    local status=$1 pattern=$2 got said=$work/said.$BASHPID # several at a time
    shift 2
    "$@" >"$said" 2>&1
    got=$?
    echo "status $got:"
    cat "$said"
    [ $got = "$status" ] && grep -qE -- "$pattern" "$said"
}
for bad in "--board 70000 true" "--timeout soon true" "--nonsense true" "" "true true"; do
    # shellcheck disable=SC2086 # words
    ended 2 '^usage: ' "$guest" $bad || echo "with: $bad"
done >"$work/usage"
ok "bad usage: status 2 and a sentence" sh -c '! grep with: "$1"' sh "$work/usage"
ok "help" ended 0 '^Exit status: ' "$guest" --help

"$guest" "pwd; uname -r; id -u; echo to stderr >&2; echo again >/dev/stderr
    echo written >${work@Q}/from-guest; echo lost >README.md; seq 100000; sleep 1000 & setsid sleep 1000 & exit 7" \
    >"$work/1" 2>"$work/2"
status=$?
ok "the exit status is passed on" [ $status = 7 ]
ok "it runs where it was called, on Debian's kernel, as root" diff - <(head -n 3 "$work/1") <<END
$PWD
$(cat "$("$here/guest-kernel")/ready")
0
END
ok "standard output is complete" cmp <(tail -n +4 "$work/1") <(seq 100000)
ok "standard error is separate" diff - "$work/2" <<END
to stderr
again
END
ok "what it writes below build/ is here" grep -q written "$work/from-guest"
ok "what it writes elsewhere is not" sh -c '! grep -q ^lost README.md'

# Three at a time. The third runs as another user, from a copy that this one can read, as a script with lib.sh.
other=$(mktemp -d "/tmp/sureboot's gäst.XXXXXX")
trap 'rm -rf "$other"; clean_up' EXIT
mkdir -p "$other/test/host" "$other/build/guest"
cp -r "$here"/{guest*,lib.sh,inside.sh} "$other/test/host/"
cp -r "$("$here/guest-kernel")" "$other/build/guest/"
as=()
if [ "$(id -u)" = 0 ]; then
    as=(setpriv --reuid nobody --regid nogroup --clear-groups)
    chown -R nobody "$other"
fi
ended 124 'ended after 25 s; the end of its console' "$guest" --timeout 25 'echo started; sleep 1000' >"$work/hang" &
hang=$!
ended 125 'sysrq_handle_crash' "$guest" --timeout 120 'echo c >/proc/sysrq-trigger; sleep 100' >"$work/crash" &
crash=$!
(work=$repo/$work && cd "$other" && ended 0 '^mine nobody' "${as[@]}" env LC_ALL=C bash -c '. test/host/lib.sh; in_guest "$0"' \
    'echo mine $(stat -c %U test) >build/mine; cat build/mine; ls -d build/guest/run*') \
    >"$work/other" &
wait $!
other_status=$?
said() { cat "$1"; return "$2"; }
ok "another user's guest, from a repository below /tmp" said "$work/other" $other_status
wait $crash
ok "a kernel that dies: status 125 and its console" said "$work/crash" $?
wait $hang
ok "a command that hangs: status 124 and the console" said "$work/hang" $?
finish
