#!/bin/bash
# ST's ROM bootloader (the virtual board's stand-in for it) on a real Linux host. A blank chip gets sureboot
# and an application, which goes into the ROM and back ten times by the byte 0xAA. Blank again, it gets an
# application only: that needs a power cycle, and then does the same with no sureboot in flash.
. "$(dirname "$0")/lib.sh"
plan 34
board nucleo
in_guest '
alone() { [ "$(grep -lx df11 /sys/bus/usb/devices/*/idProduct | wc -l)" = 1 ]; } # what it was before is gone
says() { alone && d=$(device $DFU) && grep -qx "$1" "$d/bcdDevice"; }
rom() { says 2200; }
sureboot() { says 0100; }
nothing() { absent $DFU && absent $CDC; }
by_rom() { dfu-util -d $DFU -a 0 "$@"; }
into_rom() { t=$(open_tty) && printf "\252" >"$t" && await 20 rom; }

check "a blank chip comes up in the ROM bootloader" await 30 rom
check "lsusb -v has nothing to complain about" lsusb_is_clean $DFU
alternates() { dfu-util -l | tee /dev/stderr | grep -c "Found DFU: \[0483:df11\] ver=2200" | grep -qx 4; }
check "dfu-util lists four alternate settings" await 10 alternates
check "dfu-util installs sureboot through the ROM, and leaves" by_rom -s 0x08000000:leave -D build/firmware/boot.bin
check "sureboot has healed the empty check and serves DFU" await 30 sureboot
check "sureboot takes an application" dfu-util -d $DFU -s 0x08004000 -D build/firmware/rom-entry-slot.bin
echo "@nucleo nrst 10"
check "after a reset it runs" await 30 tty_of
round() { into_rom && by_rom -s 0x08004000:leave -D build/firmware/rom-entry-slot.bin && await 30 tty_of; }
for i in 1 2 3 4 5 6 7 8 9 10; do
    check "from behind sureboot into the ROM, download, leave, application: round $i" round
done

echo "@nucleo power off"
check "power is off" await 10 nothing
echo "@nucleo poke 0x08000000 FFFFFFFFFFFFFFFF"
echo "@nucleo power on"
check "a chip whose first word is blank comes up in the ROM" await 30 rom
check "a program for 0x08000000, without leave" by_rom -s 0x08000000 -D build/firmware/rom-entry.bin
number() { cat "$(device $DFU)/devnum"; }
before=$(number)
again() { rom && [ "$(number)" != "$before" ]; }
echo "@nucleo nrst 10"
check "it does not run: a reset leads into the ROM again" await 30 again
echo "@nucleo power off"
check "power is off again" await 10 nothing
echo "@nucleo power on"
check "after a power cycle it runs" await 30 tty_of
round() { into_rom && by_rom -s 0x08000000:leave -D build/firmware/rom-entry.bin && await 30 tty_of; }
for i in 1 2 3 4 5 6 7 8 9 10; do
    check "without sureboot into the ROM, download, leave, application: round $i" round
done
check "no jump has broken a precondition of the ROM" sh -c "! grep \"ROM bootloader entered\" $work/nucleo/log"
'
finish
