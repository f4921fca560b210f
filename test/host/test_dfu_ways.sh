#!/bin/bash
# The ways in which a download can come: with and without leave, as DfuSe file, from a plain DFU 1.1 host; and
# dfu-util's plain DFU on the build that announces it. What can be uploaded: the slot and the report.
. "$(dirname "$0")/lib.sh"
plan 29
board nucleo --load build/firmware/boot.hex
in_guest '
image=$work/image
image $image 13000
check "Linux finds the bootloader" await 30 device $DFU
check "dfu-util, no leave" dfu-util -s 0x08004000 -D $image
check "the bootloader says that it is complete" reports "Ready: the application starts at the next reset"
press_reset nucleo
check "a reset is enough: the application runs" await 30 tty_of
check "0xAA" send_aa
check "the bootloader is ready" verdict_is ready

slot() {
    rm -f $work/slot
    dfu-util -s 0x08004000 -U $work/slot && { cat $image; head -c $((0x3B000 - 13000)) /dev/zero | tr "\0" "\377"; } | cmp - $work/slot
}
check "upload of the whole slot" slot
report() {
    rm -f $work/report
    dfu-util -s 0xF0000000:1024 -U $work/report && cat $work/report && grep -q "^verdict: Ready: the application starts at the next reset" $work/report &&
        grep -q "^in DFU by: token" $work/report
}
check "upload of the report" report
below() { rm -f $work/below; fails dfu-util -s 0x08000000:2048 -U $work/below; }
check "no upload of the bootloader itself, which the layout does not have" below

check "leave alone starts the application" dfu-util -s 0x08004000:leave
check "it runs" await 30 tty_of
check "0xAA" send_aa

dfuse_file $work/one.dfu 0x08004000 build/firmware/blink.bin
check "a DfuSe file" dfu-util -D $work/one.dfu
same() { rm -f $work/back; dfu-util -s 0x08004000:$(stat -c %s $1) -U $work/back && cmp $1 $work/back; }
check "it is in the slot" same build/firmware/blink.bin
head -c 4096 $image >/run/a
tail -c +4097 $image >/run/b
dfuse_file $work/two.dfu 0x08004000 /run/a 0x08005000 /run/b
check "a DfuSe file with two elements, and leave" dfu-util -s :leave -D $work/two.dfu
check "it runs" await 30 tty_of
check "0xAA" send_aa
check "all of it is in the slot" same $image

dfu11=build/test/host/dfu11
check "a plain DFU 1.1 host" $dfu11 --download build/firmware/cdc.bin
check "the application runs" await 30 tty_of
check "0xAA" send_aa
check "what it sent is in the slot" same build/firmware/cdc.bin
'
order nucleo quit
wait "${board_pid[nucleo]}"
unset "board_port[nucleo]" "board_pid[nucleo]"

board plain --load build/firmware/boot-dfu11.hex
in_guest '
await 30 device $DFU >/dev/null
check "the 0x0110 build: dfu-util -D without an address" dfu-util -D build/firmware/cdc.bin
check "the application runs" await 30 tty_of
send_aa >/dev/null
upload() { rm -f $work/back; "$@" $work/back && cmp build/firmware/cdc.bin $work/back; }
check "dfu-util -U gives back the same file" upload dfu-util -U
check "sureboot why" build/host/sureboot why build/firmware/cdc.elf
check "and the file once more: an address is forgotten" upload dfu-util -U
cp build/firmware/cdc.bin $work/suffixed.dfu
dfu-suffix -v 0483 -p df11 -a $work/suffixed.dfu >/dev/null
check "a file with a DFU suffix" dfu-util -D $work/suffixed.dfu
check "the application runs" await 30 tty_of
'
finish
