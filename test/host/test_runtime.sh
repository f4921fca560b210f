#!/bin/bash
# The running application as dfu-util finds it: one command detaches it, downloads and starts the new one;
# and the 1200-baud touch.
. "$(dirname "$0")/lib.sh"
plan 13
board nucleo --load build/firmware/boot.hex --load build/firmware/cdc.hex
# libusb learns of devices that come later from udev.
in_guest --udev '
serial_of() { cat "$(device "$1")/serial"; }
check "the application comes up as a serial port" await 30 tty_of
check "lsusb -v has nothing to complain about in the application" lsusb_is_clean $CDC
list() { dfu-util -l | tee /dev/stderr | grep -q "Found Runtime: \[0483:5740\]"; }
check "dfu-util lists the running application" list
before=$(serial_of $CDC)
check "one command updates the running application" dfu-util -s 0x08004000:leave -D build/firmware/cdc.bin
check "the new application comes up" await 30 tty_of
same_serial() { echo "$before, $(serial_of $1)"; [ "$before" = "$(serial_of $1)" ]; }
check "its serial number is the same" same_serial $CDC
check "the same with the ids of both and a longer wait" \
    dfu-util -E 8 -d 0483:5740,0483:df11 -s 0x08004000:leave -D build/firmware/cdc.bin
check "the new application comes up again" await 30 tty_of
build/host/sureboot pack build/firmware/cdc.elf -o $work/cdc.dfu >/dev/null
check "a DfuSe file names the bootloader, so dfu-util sees no application" fails dfu-util -s :leave -D $work/cdc.dfu
check "but with the ids of both" dfu-util -E 8 -d 0483:5740,0483:df11 -s :leave -D $work/cdc.dfu
check "and that comes up" await 30 tty_of
touch_1200() { t=$(tty_of) && stty -F "$t" 1200 hupcl && await 20 device $DFU; }
check "1200 bit/s and closing the port lead into the bootloader" touch_1200
check "the bootloader has the same serial number" same_serial $DFU
'
finish
