#!/bin/bash
# `sureboot flash` on a real Linux host: onto a blank board, over a running application with a run-time interface
# or a serial port, files and boards that refuse, boards that come back, boards that are lost.
. "$(dirname "$0")/lib.sh"
plan 48
board one --uid 000000000000000000000001 --load build/firmware/boot.hex
flash='
# flash STATUS TEXT [WORD]…: it ends with that status and says so.
flash() {
    status=$1 text=$2
    shift 2
    build/host/sureboot flash "$@" >/run/flash 2>&1
    got=$?
    echo "exit status $got"
    cat /run/flash
    [ $got = $status ] && grep -qF -- "$text" /run/flash
}
says() { cat /run/flash; grep -qF -- "$1" /run/flash; }
'
in_guest "$flash"'
await 30 device $DFU >/dev/null
check "a file that is linked elsewhere" flash 2 "Linked elsewhere" build/firmware/boot.bin
check "a file that is not there" flash 2 "/run/none" /run/none
check "no file" flash 2 "flash takes an application"
untouched() { verdict_is "no application"; }
check "the board has heard of none of them" untouched
check "an ELF file onto a blank board" flash 0 "it runs, and is on USB: " build/firmware/cdc.elf
check "it was packed on the way" says "written, read back and sealed"
check "it runs" await 30 tty_of
check "over the running application, which makes room" flash 0 "its application makes room" build/firmware/cdc.hex
check "and runs" says "it runs, and is on USB: "
port() { flash 0 "it runs, and is on USB: " build/firmware/cdc.bin --port $(tty_of); }
await 30 tty_of >/dev/null
check "by its serial port" port
number() { flash 0 "it runs, and is on USB: " build/test/fw/othernumber.elf; }
await 30 tty_of >/dev/null
check "one with a number of its own" number
await 30 tty_of >/dev/null
check "is not led out of its work by guessing" flash 2 "if it is meant, say --serial THERMO-0042" build/firmware/cdc.elf
check "but if it is meant" flash 0 "it runs, and is on USB: " build/firmware/cdc.elf --serial THERMO-0042
await 30 tty_of >/dev/null
check "one with the number that ST makes" flash 0 "it runs, and is on USB: " build/test/fw/shortnumber.elf
await 30 tty_of >/dev/null
check "is not led out by guessing either" flash 2 "if it is meant, say --serial 010000000000" build/firmware/cdc.elf
check "but if it is meant" flash 0 "it runs, and is on USB: " build/test/fw/shortnumber.elf --serial 010000000000
await 30 tty_of >/dev/null
short() { flash 0 "it runs, and is on USB: " build/test/fw/shortnumber.elf --port $(tty_of) --serial 010000000000; }
check "by port and that number" short
await 30 tty_of >/dev/null
check "led into DFU" send_aa
check "the same number means the bootloader" flash 0 "it runs, and is on USB: " build/test/fw/shortnumber.elf --serial 010000000000
await 30 tty_of >/dev/null
check "led into DFU again" send_aa
check "and nobody asks the port that went" flash 0 "it runs, and is on USB: " build/firmware/cdc.elf --serial 010000000000 --port /dev/ttyACM0
await 30 tty_of >/dev/null
check "one with the number that TinyUSB makes" flash 0 "it runs, and is on USB: " build/test/fw/tinynumber.elf
await 30 tty_of >/dev/null
check "makes room, and does not stay to say so" flash 0 "its application makes room" build/firmware/cdc.elf
await 30 tty_of >/dev/null
check "one that comes late" flash 0 "it runs, and is on USB: late" build/test/fw/lateusb.elf
check "and makes room" flash 0 "it runs, and is on USB: " build/firmware/cdc.elf
check "a port that is not there" flash 2 "/run/none: No such file" build/firmware/cdc.bin --port /run/none
await 30 tty_of >/dev/null
check "what has no USB" flash 0 "it was started; nothing of it is on USB" build/firmware/blink.elf
check "nobody is there then" flash 2 "there is no sureboot in DFU mode on USB" build/firmware/blink.elf
check "nor behind another port" flash 2 "no bootloader has come: does the application at /dev/ttyS0 take the byte 0xAA?" build/firmware/cdc.elf --port /dev/ttyS0
'
order one quit
unset "board_port[one]"

ones=111111111111111111111111 twos=222222222222222222222222 threes=333333333333333333333333 fours=444444444444444444444444
board dfu11 --uid $ones --load build/firmware/boot-dfu11.hex
board crasher --uid $twos --load build/firmware/boot.hex
# A cell of the last page, which is written when all has been sent, is worn out.
board worn --uid $threes --load build/firmware/boot.hex --option weak-high=0x08005800
# The cable is pulled in the third page, at 0x08005000.
board lost --uid $fours --load build/firmware/boot.hex
once lost '"op":"program","addr":134238[0-9]{3},' 'usb unplug'
in_guest "ones=$ones twos=$twos threes=$threes fours=$fours;$flash"'
four() { [ "$(ls -d $(grep -lx df11 /sys/bus/usb/devices/*/idProduct) | wc -l)" = 4 ]; }
check "four boards" await 30 four
check "which of them?" flash 2 "there are 4 of them, say --serial and one of" build/firmware/cdc.elf
check "none with that number" flash 2 "no sureboot in DFU mode with the serial number 12" build/firmware/cdc.elf --serial 12
check "a bootloader of plain DFU" flash 0 "it runs, and is on USB: " build/firmware/cdc.elf --serial $ones
check "one that crashes is back" flash 1 "it is back in the bootloader" build/test/fw/crasher.elf --serial $twos
check "with the verdict" says "verdict       Not confirmed"
check "and the place" says "(test/board/fw/crasher/main.c:"
check "a worn page at the end" flash 1 "refused: Reading back failed: the page is worn out" build/firmware/cdc.elf --serial $threes
check "the cable pulled" flash 2 "the board answers no more" build/firmware/cdc.elf --serial $fours
echo "@lost usb plug"
await 30 device $DFU $fours >/dev/null
# Another host leaves a download unfinished, and an error.
check "after an error of another host" fails dfu-util -S $fours -s 0x08004000 -D build/firmware/cdc.elf
check "and the lost download" flash 0 "it runs, and is on USB: " build/firmware/cdc.elf --serial $fours
port() { flash 2 "there is a sureboot in DFU mode already" build/firmware/cdc.elf --port $(tty_of $ones); }
await 30 tty_of $ones >/dev/null
check "not the board behind a port when another one is there" port
check "one with the number that ST makes" flash 0 "it runs, and is on USB: " build/test/fw/shortnumber.elf --serial $ones
await 30 tty_of 222222221111 >/dev/null
check "nor by that number" flash 2 "unplug it, or say --serial and all 24 digits" build/firmware/cdc.elf --serial 222222221111
check "but by all of it" flash 0 "it runs, and is on USB: " build/firmware/cdc.elf --serial $ones
await 30 tty_of $ones >/dev/null
echo "@dfu11 usb unplug"
await 10 absent $CDC $ones >/dev/null
check "not the one application when two bootloaders are there" flash 2 "there are 2 of them" build/firmware/cdc.elf
echo "@dfu11 usb plug"
cp build/host/sureboot build/firmware/cdc.elf /run
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups /run/sureboot flash /run/cdc.elf 2>&1 | grep -F "$1"; }
check "without permission" as_nobody "be root, or have a udev rule"
echo "@crasher usb unplug"
echo "@worn usb unplug"
await 10 absent $DFU >/dev/null
await 30 tty_of $ones >/dev/null
check "two applications: which?" flash 2 "there are 2 of them, say --serial and one of" build/firmware/cdc.elf
check "an application without permission" as_nobody "be root, or write a udev rule"
'
finish
