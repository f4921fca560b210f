#!/bin/bash
# The example cdc on a real Linux host: a megabyte of echo through cdc_acm and the tty layer, and the
# byte 0xAA into the bootloader and back, ten times.
. "$(dirname "$0")/lib.sh"
plan 13
board nucleo --load build/firmware/boot.hex --load build/firmware/cdc.hex
in_guest '
check "the application comes up as a serial port" await 30 tty_of
head -c 1048576 /dev/urandom >/run/data
t=$(open_tty)
check "1 MiB comes back without a lost byte" echo_back $t /run/data
round() { send_aa && download build/firmware/cdc.bin && await 30 tty_of; }
for i in 1 2 3 4 5 6 7 8 9 10; do
    check "0xAA, download, application again: round $i" round
done
head -c 10000 /dev/urandom >/run/data
t=$(open_tty)
check "the echo works as before" echo_back $t /run/data
'
finish
