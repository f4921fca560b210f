#!/bin/bash
# The bootloader with a blank slot on a real Linux host, through unmodified lsusb and dfu-util.
. "$(dirname "$0")/lib.sh"
plan 11
board nucleo --load build/firmware/boot.hex
in_guest '
check "Linux finds the bootloader" await 30 device $DFU
check "lsusb -v has nothing to complain about in DFU mode" lsusb_is_clean $DFU
list() { dfu-util -l | tee /dev/stderr | grep -c "Found DFU: \[0483:df11\].*alt=0, name=\"@Internal Flash *\/0x08004000\/118\*002Kg" | grep -qx 1; }
check "dfu-util lists one alternate setting, the slot" list
image=build/firmware/cdc.bin
size=$(stat -c %s $image)
blank() { dfu-util -s 0x08004000:4096 -U $work/blank && head -c 4096 /dev/zero | tr "\0" "\377" | cmp - $work/blank; }
check "a blank slot uploads as 0xFF" blank
check "download without leave" dfu-util -s 0x08004000 -D $image
check "the bootloader is still there" device $DFU
upload() { rm -f $work/back; dfu-util -s 0x08004000:$size -U $work/back && cmp $image $work/back; }
check "upload gives back what was downloaded" upload
check "download and leave: exit status 0" download $image
check "the application comes up as a serial port" await 30 tty_of
check "lsusb -v has nothing to complain about in CDC mode" lsusb_is_clean $CDC
check "the bootloader is gone from the bus" absent $DFU
'
finish
