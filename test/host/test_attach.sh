#!/bin/bash
# vboard-attach on a real Linux host: what it says when it cannot work, and that it keeps the board
# attached until it is told to stop.
. "$(dirname "$0")/lib.sh"
plan 13
board nucleo --load build/firmware/boot.hex
unattached=1
in_guest "at=10.0.2.2:${board_port[nucleo]}"'
attach=build/host/vboard-attach
refuses() { # refuses SENTENCE COMMAND…
    sentence=$1
    shift
    "$@" >/run/said 2>&1
    status=$?
    cat /run/said
    [ $status = 2 ] && [ "$(wc -l </run/said)" = 1 ] && grep -qF "$sentence" /run/said
}
check "an argument that is no address" refuses "is not HOST:PORT" $attach 10.0.2.2
check "a port that is none" refuses "port web-site" $attach localhost:web-site
check "a port that is too large" refuses "port 65537 is not" $attach localhost:65537
check "not root" refuses "only root" setpriv --reuid 65534 --clear-groups $attach $at
$attach $at >/run/first 2>&1 & first=$!
check "attached" await 30 device $DFU
says() { grep -qF "$2" "$1"; }
$attach $at >/run/second 2>&1 & second=$!
check "a second one waits for the board" await 10 says /run/second "somebody else has the board"
ticks() { # of processor time, 100 a second (proc_pid_stat(5))
    read -r line </proc/$1/stat
    set -- ${line##*) }
    echo $((${12} + ${13}))
}
# Beside one that takes all the processor time there is: how much that is may be little.
idle() {
    while :; do :; done & busy=$!
    before=$(ticks $1) all=$(ticks $busy)
    sleep 1
    mine=$(($(ticks $1) - before)) all=$(($(ticks $busy) - all))
    kill $busy
    [ $((10 * mine)) -lt $((3 * all)) ]
}
check "and leaves the processor to others" idle $second
kill $second
ends() { kill $1 && wait $1; }
check "it ends on SIGTERM" ends $first
check "and the board is detached" await 10 absent $DFU
$attach $at >/run/first 2>&1 & first=$!
check "attached again" await 30 device $DFU
echo "@nucleo power off"
check "gone without power" await 10 absent $DFU
echo "@nucleo power on"
check "attached again with power, by itself" await 30 device $DFU
kill $first
wait $first
rmmod vhci_hcd
check "no module" refuses "modprobe vhci-hcd" $attach $at
'
finish
