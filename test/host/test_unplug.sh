#!/bin/bash
# The cable is pulled in the middle of a download: dfu-util fails, and the next download succeeds.
. "$(dirname "$0")/lib.sh"
plan 7
board nucleo --load build/firmware/boot.hex
once nucleo '"op":"program","addr":13423[67][0-9]{3},' 'usb unplug' # in the second page, 0x08004800 and up
in_guest '
image=build/firmware/cdc.bin
check "Linux finds the bootloader" await 30 device $DFU
fails() { ! download $image; }
check "dfu-util reports the loss" fails
check "the device is gone" await 10 absent $DFU
echo "@nucleo usb plug"
check "it is back" await 30 device $DFU
check "the second download succeeds" download $image
check "the application runs" await 30 tty_of
'
ok "the cable was pulled while flash was written" grep -q '"ok":true' "$work/nucleo/answers"
finish
