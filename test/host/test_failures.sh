#!/bin/bash
# Downloads that fail: a write-protected page, first, in the middle, last; files that cannot run. dfu-util's
# exit status says so, with and without leave, and the bootloader says why.
. "$(dirname "$0")/lib.sh"
plan 48
protected() { # protected BOARD PAGE UID: WRP1A of that page alone, with its complement (RM0394, 3.4.1)
    printf "$(printf '\\x%02x\\x00\\x%02x\\x00\\x%02x\\xff\\x%02x\\xff' "$2" "$2" $((255 - $2)) $((255 - $2)))" >"$work/$1.bin"
    board "$1" --uid "$3" --load build/firmware/boot.hex --load "$work/$1.bin@0x1FFF7818"
}
protected first 8 111111111111111111111111
protected middle 10 222222222222222222222222
protected last 12 333333333333333333333333
in_guest '
image $work/image 9000 # pages 8 to 12
for page in first middle last; do
    case $page in first) serial=1 ;; middle) serial=2 ;; last) serial=3 ;; esac
    serial=$(printf %024d 0 | tr 0 $serial)
    check "the $page page protected: on the bus" await 30 device $DFU $serial
    for leave in "" :leave; do
        check "the $page page protected, \"$leave\": dfu-util fails" fails dfu-util -S $serial -s 0x08004000$leave -D $work/image
        check "the $page page protected, \"$leave\": the sentence" bootloader_says "Write-protected by option bytes" $serial
    done
    check "the $page page protected: plain DFU fails" fails build/test/host/dfu11 --serial $serial --download $work/image
    starts_nothing() {
        dfu-util -S $serial -s 0x08004000:leave
        await 10 absent $DFU $serial && await 30 device $DFU $serial && ! verdict_is ready $serial && ! tty_of $serial
    }
    check "the $page page protected: nothing is started" starts_nothing
done
'
for name in first middle last; do
    order $name quit
    wait "${board_pid[$name]}"
    unset "board_port[$name]" "board_pid[$name]"
done

board nucleo --load build/firmware/boot.hex --load build/firmware/cdc.hex
in_guest '
{ await 30 tty_of && send_aa; } >/dev/null
wrong() { # wrong WHAT FILE SENTENCE
    for leave in "" :leave; do
        check "$1, \"$leave\": dfu-util fails" fails dfu-util -s 0x08004000$leave -D $2
        check "$1, \"$leave\": the sentence" bootloader_says "$3"
    done
}
wrong "an ELF file" build/firmware/cdc.elf "An ELF file"
wrong "a HEX file" build/firmware/cdc.hex "A HEX file"
wrong "linked at 0x08000000" build/firmware/boot.bin "Linked elsewhere"
head -c 5000 /dev/zero | tr "\0" "\377" >$work/blank
wrong "nothing but 0xFF" $work/blank "Blank at its beginning"
dfuse_file $work/one.dfu 0x08004000 build/firmware/blink.bin
check "a DfuSe file in plain DFU fails" fails build/test/host/dfu11 --download $work/one.dfu
check "and is recognised" bootloader_says "A DfuSe file sent raw"
image $work/large $((0x3B000 + 1))
check "one byte larger than the slot: dfu-util fails" fails dfu-util -s 0x08004000:leave -D $work/large
press_reset nucleo
check "the application of before still runs" await 30 tty_of
send_aa >/dev/null
check "one byte larger than the slot fails in plain DFU" fails build/test/host/dfu11 --download $work/large
check "with the sentence" bootloader_says "Too large for the slot"
press_reset nucleo
check "a part of it is not started" verdict_is "download unfinished"
wrong "linked at 0x08000000, and large" build/test/fw/largezero.bin "Linked elsewhere"
'
finish
