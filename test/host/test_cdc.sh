#!/bin/bash
# The example cdc on a real Linux host: a megabyte of echo through cdc_acm and the tty layer, while others
# send rubbish to the USB/IP server, and the byte 0xAA into the bootloader and back, ten times.
. "$(dirname "$0")/lib.sh"
plan 14
board nucleo --load build/firmware/boot.hex --load build/firmware/cdc.hex
rubbish() { # connections with random bytes, and with an import that is refused as the board is attached
    while sleep 0.2; do
        head -c $((RANDOM % 2000)) /dev/urandom >"/dev/tcp/127.0.0.1/$1"
        printf '\x01\x11\x80\x03\0\0\0\0''1-1%029d' 0 | tr '0' '\0' >"/dev/tcp/127.0.0.1/$1"
        echo >>"$work/rubbish"
    done 2>/dev/null
}
rubbish "${board_port[nucleo]}" &
children+=($!)
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
ok "there was rubbish: $(grep -c . "$work/nucleo/log") lines about it" sh -c '[ "$(wc -l <"$1")" -gt 20 ] && grep -q "thrown out" "$2"' \
    sh "$work/rubbish" "$work/nucleo/log"
finish
