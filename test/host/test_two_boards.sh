#!/bin/bash
# Two boards on one host, told apart by their serial numbers, at work at the same time.
. "$(dirname "$0")/lib.sh"
plan 8
board one --uid 000000000000000000000001 --load build/firmware/boot.hex
board two --uid 010000000000000000000001 --load build/firmware/boot.hex
in_guest '
both() { [ "$(ls -d $(grep -lx df11 /sys/bus/usb/devices/*/idProduct) | wc -l)" = 2 ]; }
check "Linux finds two bootloaders" await 30 both
set -- $(for d in $(grep -lx df11 /sys/bus/usb/devices/*/idProduct); do cat ${d%/*}/serial; done)
different() { [ $# = 2 ] && [ "$1" != "$2" ]; }
check "their serial numbers differ: $*" different "$@"
together() {
    download build/firmware/cdc.bin -S $1 >/run/1 2>&1 & a=$!
    download build/firmware/cdc.bin -S $2 >/run/2 2>&1 & b=$!
    wait $a; s=$?
    wait $b && [ $s = 0 ] || { cat /run/1 /run/2; false; }
}
check "two downloads at the same time" together "$@"
check "the first runs" await 30 tty_of $1
check "the second runs" await 30 tty_of $2
echoes() {
    head -c 100000 /dev/urandom >/run/a
    head -c 100000 /dev/urandom >/run/b
    echo_back $(open_tty $1) /run/a & a=$!
    echo_back $(open_tty $2) /run/b && wait $a
}
check "both echo at the same time" echoes "$@"
check "0xAA to the first leads it into the bootloader" send_aa $1
check "the second goes on" tty_of $2
'
finish
