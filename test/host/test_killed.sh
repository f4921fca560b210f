#!/bin/bash
# Ten downloads whose dfu-util is killed at a random moment, with and without leave, with blocks of 2048 and
# 512 bytes. What is then in flash is never started: not by a reset, not by a leave alone. The next download
# succeeds. "Moment" is the progress in flash, so that a slow machine has the same moments; 4 % is more than
# the LED alone makes in events.
. "$(dirname "$0")/lib.sh"
seed=${SUREBOOT_SEED:-$$}
RANDOM=$seed
plan 53
echo "# SUREBOOT_SEED=$seed repeats these moments"
board nucleo --load build/firmware/boot.hex
in_guest "rounds='$(for i in 0 1 2 3 4 5 6 7 8 9; do echo "$i:$((4 + RANDOM % 61))"; done)'"'
events=$work/nucleo/events
size_of() { stat -c %s "$1"; }
image $work/1 65536
image $work/2 65536
await 30 device $DFU >/dev/null
before=$(size_of $events)
check "a whole download" download $work/1
all=$(($(size_of $events) - before))
check "the application runs" await 30 tty_of
check "0xAA" send_aa

# attempt BYTES OPTION…: dfu-util, until there are so many bytes of events more. Status 0: it was killed. Who
# watches comes first, or a guest that is short of time lets the download end before it looks.
attempt() {
    end=$(($(size_of $events) + $1))
    shift
    nice -n 15 dfu-util "$@" >/run/dfu 2>&1 & p=$!
    until [ "$(size_of $events)" -gt $end ] || ! kill -0 $p; do /run/guest/busybox usleep 5000; done
    kill -KILL $p
    wait $p
    status=$?
    cat /run/dfu
    echo "exit status $status"
    [ $status = 137 ]
}
# killed OTHER PERCENT OPTION…: the same, and again from where it was, with the image OTHER in the slot, if the
# download came to its end all the same: then the machine was too busy to look.
killed() {
    other=$1 percent=$2
    shift 2
    for try in 1 2 3 4 5; do
        attempt $((all * percent / 100)) "$@" && return
        [ $status = 0 ] && { ! await 2 tty_of || send_aa; } && download $other && await 30 tty_of && send_aa || return
        percent=$((4 + (percent - 4) / 2))
    done
    return 1
}
unfinished() { verdict_is "download unfinished" && ! tty_of && reports "Download unfinished"; }
refused_after_reset() { press_reset nucleo && unfinished; }
refused_after_leave() {
    old=$(cat /sys/bus/usb/devices/1-1/devnum)
    dfu-util -s 0x08004000:leave
    status=$?
    # With nothing to seal it only leaves: the bootloader comes back, having found nothing to start.
    await 30 other_device && [ $status = 0 ] && unfinished
}
recovers() { download $1 && await 30 tty_of; }
for round in $rounds; do
    i=${round%:*} moment=${round#*:}
    case $((i % 4)) in
    0) how="" options="" ;;
    1) how=":leave" options="" ;;
    2) how="" options="-t 512" ;;
    3) how=":leave" options="-t 512" ;;
    esac
    image=$work/$((2 - i % 2)) # not the one that is there
    about="round $i, killed at $moment %, \"$how\" $options"
    check "$about" killed $work/$((1 + i % 2)) $moment -s 0x08004000$how $options -D $image
    if [ $((i % 3)) = 0 ]; then # the session of the one that was killed is still open
        check "$about: a leave starts nothing" refused_after_leave
        check "$about: a reset starts nothing" refused_after_reset
    else
        check "$about: a reset starts nothing" refused_after_reset
        check "$about: a leave starts nothing" refused_after_leave
    fi
    check "$about: the next download runs" recovers $image
    check "$about: 0xAA" send_aa
done
'
finish
