#!/bin/bash
# A bootloader with options of one's own, make BOOT_OPTIONS='…': each is built anew when they change, and does what
# docs/porting.md says.
cd "$(dirname "$0")/../.." || exit 1
work=build/test/options
mkdir -p "$work" || exit 1
echo 1..12
. test/kit/lib.sh
build() { make --no-print-directory BOOT_OPTIONS="$1" build/firmware/boot-own.hex; }
board() { # board SECONDS COMMANDS: with the example blink
    printf '%b' "$2" >"$work/script"
    build/host/vboard --load build/firmware/boot-own.hex --load build/firmware/blink.hex --option button=low --fast --for "$1" --events "$work/events" --script "$work/script"
}
handoffs() { jq -s -e "[.[] | select(.event == \"handoff\")] | length == $1" "$work/events"; }

ok "with a button" build '-DBOOT_BUTTON=1 -DBUTTON_PRESSED=0'
ok "a board with one that pulls low" board 0.5 'at 0.05 button B1 1\nat 0.1 nrst\nat 0.2 button B1 0\nat 0.3 nrst\n'
ok "starts the application at the two resets without it" handoffs 2
# Every value that a comment names is one that builds.
ok "with another register, and DFU that never gives up" build '-DTOKEN_BKP=6 -DBOOT_GIVE_UP_MS=0 -DBOOT_TWICE_MS=0 -DBOARD_ID=0'
token() { # PWREN, RTCAPBEN; DBP; BKP6R
    board 60 'at 0.1 poke 0x40021058 00040010\npoke 0x40007000 00030000\npoke 0x40002868 EFBEADDE\nat 0.2 nrst\nat 59 usb plug\n'
}
ok "the token is taken from there" token
ok "and nothing is started for a minute" handoffs 1
refused() { # refused SENTENCE COMMAND…
    ! "${@:2}" >"$work/refused" 2>&1 && grep -q "$1" "$work/refused"
}
ok "a register that is not there" refused 'backup registers 0 to 31' build -DTOKEN_BKP=32
ok "nor for the kit" refused 'backup registers 0 to 31' arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -fsyntax-only -DSUREBOOT_BKP=32 app/sureboot.c
ok "an option that is misspelt" refused 'no option -DBOOT_BUTON=1' build '-DTOKEN_BKP=6 -DBOOT_BUTON=1'
ok "or has no -D" refused 'no option BOOT_BUTTON=1' build BOOT_BUTTON=1
elsewhere() { # the whole tree, in a folder with another name
    rm -rf "$work/else where" && mkdir "$work/else where" && git ls-files -z --cached --others --exclude-standard |
        xargs -0 cp -p --parents -t "$work/else where" && ln -s "$PWD/node_modules" "$work/else where/" &&
        make --no-print-directory -C "$work/else where" build/firmware/boot.bin && cmp "$work/else where/build/firmware/boot.bin" build/firmware/boot.bin
}
ok "built in another folder: the same bytes" elsewhere
# As docs/porting.md says it: a folder beside port/stm32l433, the two places that name the folder, and the layout that
# hosts are told.
another() { # L452, as far as its numbers go
    (cd "$work/else where" && cp -r port/stm32l433 port/stm32l452 && sed -i 's/stm32l433/stm32l452/' port/stm32l452/* firmware.mk boot/core/config.h &&
        sed -i 's/^#define SLOT_SIZE .*/#define SLOT_SIZE 0x0007B000/; s/0x0803F000/0x0807F000/; s/0x00040000/0x00080000/' port/stm32l452/memory.h &&
        ! make --no-print-directory build/firmware/boot.bin 2>build/layout && grep 'the memory layout that hosts are told' build/layout &&
        sed -i 's/118 [*] 2048/246 * 2048/; s/118[*]002Kg/246*002Kg/' boot/device.c &&
        make --no-print-directory build/firmware/boot.bin build/firmware/blink.bin build/host/sureboot &&
        build/host/sureboot inspect build/firmware/blink.bin >build/inspected && grep -F '0x08004000 to 0x0807EFFF' build/inspected)
}
ok "a port to another chip: bootloader, example, and the command, which knows its slot" another
