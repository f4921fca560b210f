#!/bin/bash
# Isochronous transfers of a real Linux host: a libusb program and the test firmware of the same name.
. "$(dirname "$0")/lib.sh"
plan 4
board nucleo --load build/test/fw/isochronous.hex --strict
in_guest '
check "Linux finds the device" await 30 device 0483:5741
check "lsusb -v has nothing to complain of" lsusb_is_clean 0483:5741
check "a thousand packets each way, and bad requests" build/test/host/isochronous
check "once more" build/test/host/isochronous
'
finish
