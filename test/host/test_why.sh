#!/bin/bash
# `sureboot why` on a real Linux host: what the board says of itself, in whatever state the last host has left
# it, and who is asked when there are none, several or others.
. "$(dirname "$0")/lib.sh"
plan 19
board one --uid 000000000000000000000001 --load build/firmware/boot.hex
in_guest '
# why STATUS TEXT [WORD]…: it ends with that status and says so.
why() {
    status=$1 text=$2
    shift 2
    build/host/sureboot why "$@" >/run/why 2>&1
    got=$?
    cat /run/why
    [ $got = $status ] && grep -qF -- "$text" /run/why
}
await 30 device $DFU >/dev/null
check "a blank board" why 1 "verdict       No application: download one linked at 0x08004000."
check "a download that is refused" fails dfu-util -s 0x08004000 -D build/firmware/cdc.elf
check "it says why" why 1 "last download An ELF file: convert it with objcopy -O binary."
check "it says it again" why 1 "last download An ELF file"
check "and what to do" why 1 "arm-none-eabi-objcopy -O binary app.elf app.bin"
# Killed once flash is being written, however slow the machine is; anew if it is too slow to look.
written() { grep -c "\"op\":\"program\"" $work/one/events; }
killed() {
    for try in 1 2 3 4 5; do
        image $work/image 200000
        end=$(($(written) + 20))
        dfu-util -s 0x08004000 -D $work/image & p=$!
        until [ "$(written)" -gt $end ] || ! kill -0 $p; do sleep 0.02; done
        kill -KILL $p
        wait $p
        [ $? = 137 ] && return
    done
    return 1
}
check "a download that is killed" killed
check "it is unfinished" why 1 "last download Download unfinished: download it again."
check "and so is what is in the slot" why 1 "in the slot   a download that was not completed"
check "a good one, without leave" dfu-util -s 0x08004000 -D build/firmware/cdc.bin
check "it will start, and is what was linked" why 0 "it is build/firmware/cdc.elf" build/firmware/cdc.elf
nothing_wrong() { ! grep "last download" /run/why; }
check "nothing went wrong with it" nothing_wrong
check "it is not something else" why 0 "it is not build/firmware/blink.bin" build/firmware/blink.bin
cp build/host/sureboot /run/sureboot
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups /run/sureboot why 2>&1 | grep -F "be root, or have a udev rule"; }
check "without permission" as_nobody
press_reset one
check "the application runs" await 30 tty_of
check "it is not asked, but named" why 2 "an application: dfu-util -e leads into DFU"
order one "pin PH3 1"
press_reset one
await 30 device $DFU >/dev/null
check "the ROM bootloader is not asked, but named" why 2 "s ROM bootloader is on USB, not sureboot: reset with BOOT0 low"
order one "pin PH3 0"
press_reset one
'
board two --uid 010000000000000000000001 --load build/firmware/boot.hex
order one "nrst" # for a new host both come up
in_guest '
why() { build/host/sureboot why "$@" >/run/why 2>&1; echo "status $?" >>/run/why; cat /run/why; }
await 30 tty_of >/dev/null && await 30 device $DFU >/dev/null && send_aa $(cat $(device $CDC)/serial)
both() { [ "$(ls -d $(grep -lx df11 /sys/bus/usb/devices/*/idProduct) | wc -l)" = 2 ]; }
await 30 both
two() { why; grep -q "there are 2 of them, say --serial and one of [0-9A-F]* [0-9A-F]*$" /run/why; }
check "two boards: which?" two
one() { why --serial $1; grep -q "^sureboot 1.0, serial number $1$" /run/why; }
all() { for d in $(grep -lx df11 /sys/bus/usb/devices/*/idProduct); do one $(cat ${d%/*}/serial) || return 1; done; }
check "each of them" all
check "none with that number" eval "why --serial 12; grep -qF \"no sureboot in DFU mode with the serial number 12 on USB\" /run/why"
'
finish
