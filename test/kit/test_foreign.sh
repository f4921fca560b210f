#!/bin/bash
# A project of somebody else (test/foreign) with the kit, by Make and by CMake, at each level of
# optimisation and with link-time optimisation; it runs behind the bootloader. And each thing that can be forgotten stops the link with the sentence that names the cure.
cd "$(dirname "$0")/../.." || exit 1
top=$PWD work=build/test/foreign
rm -rf "$work" && mkdir -p "$work" || exit 1
echo 1..30
. test/kit/lib.sh

build() { # build NAME [VARIABLE=VALUE]…: by Make
    local to=../../$work/$1
    shift
    make --no-print-directory -C test/foreign SUREBOOT=../../app BUILD_DIR="$to" "$@"
}

# It toggles by its own SysTick, is counted, confirms itself, and goes to DFU after 1.05 s.
runs() { # runs FILE
    printf 'at 0.5 peek 0xE000ED08 4\nat 0.6 peek 0x2000FF10 8\n' >"$work/script"
    build/host/vboard --load build/firmware/boot.hex --load "$1" --fast --strict --for 1.5 --events "$work/events" \
        --script "$work/script" >"$work/answers" || return
    cat "$work/answers"
    jq -s -e '[.[] | select(.event == "gpio" and .pin == "PB13" and .t < 1e9)] | length == 9 or length == 10' "$work/events" &&
        jq -s -e '[.[] | select(.event == "handoff")] | length == 1' "$work/events" &&
        jq -s -e '[.[] | select(.event == "reset" and .cause == "soft" and .t > 1.04e9 and .t < 1.1e9)] | length == 1' "$work/events" &&
        jq -s -e '[.[] | select(.event == "gpio" and .pin == "PB13" and .t > 1.1e9)] | length >= 3' "$work/events" &&
        jq -s -e '.[0].hex == "00400008"' "$work/answers"
}

# refused SENTENCE EDIT FILE: with sed's EDIT in FILE the link fails and says so.
refused() {
    rm -rf "$work/wrong" && cp -r test/foreign "$work/wrong" && sed -i "$2" "$work/wrong/$3" &&
        ! cmp "test/foreign/$3" "$work/wrong/$3" || return
    if make --no-print-directory -C "$work/wrong" SUREBOOT=../../../../app BUILD_DIR=out >"$work/link" 2>&1; then
        echo "it links"
        return 1
    fi
    cat "$work/link"
    grep -q -F "$1" "$work/link"
}

ok "Make" build make
ok "Make: runs behind the bootloader" runs "$work/make/foreign.elf"
ok "Make: runs as a raw binary" runs "$work/make/foreign.bin@0x08004000"
cmake_build() { cmake -G Ninja -S test/foreign -B "$work/cmake" -DSUREBOOT="$top/app" && cmake --build "$work/cmake"; }
ok "CMake" cmake_build
ok "CMake: runs behind the bootloader" runs "$work/cmake/foreign.elf"
for flags in -O0 -O2 -Os '-O2 -flto'; do
    name=flags${flags//[^a-zA-Z0-9]/}
    ok "built with $flags" build "$name" MORE_CFLAGS="$flags" MORE_LDFLAGS="$flags"
    ok "built with $flags: runs" runs "$work/$name/foreign.elf"
done
# Linkers with large pages would put the file's headers into flash before it: into the bootloader.
no_headers() {
    build pages MORE_LDFLAGS=-Wl,-z,max-page-size=65536 && build/host/sureboot inspect "$work/pages/foreign.elf" &&
        [ "$(arm-none-eabi-readelf -lW "$work/pages/foreign.elf" | awk '/LOAD/ { print $4; exit }')" = 0x08004000 ]
}
ok "no file headers in front of it" no_headers
# Compiled by clang, linked by GNU's linker.
clang_build() {
    local o=$work/clang f
    mkdir "$o" && cp "$work/make/startup.o" "$o" || return
    for f in test/foreign/main.c app/sureboot.c; do
        clang --target=arm-none-eabi -mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard -fshort-enums -ffreestanding -Oz \
            -Wall -Wextra -Wpedantic -Werror -Iapp -c "$f" -o "$o/$(basename "$f" .c).o" || return
    done
    arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard -specs=nano.specs "$o"/*.o \
        -Ttest/foreign/project.ld -Tapp/sureboot.ld -Wl,--gc-sections -o "$o/foreign.elf"
}
ok "built with clang" clang_build
ok "built with clang: runs" runs "$work/clang/foreign.elf"
# Linked by LLVM's linker, which wants MEMORY first and NOLOAD at what only takes place.
lld() {
    local o=$work/lld gcc="arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard"
    mkdir "$o" && sed '/^_estack/d; s/^SECTIONS/_estack = ORIGIN(RAM) + LENGTH(RAM);\n&/; s/^    ._user_heap_stack/& (NOLOAD)/' \
        test/foreign/project.ld >"$o/project.ld" &&
        ld.lld "$work"/clang/*.o "$($gcc -print-file-name=crti.o)" "$($gcc -print-file-name=crtn.o)" \
            "$($gcc -print-file-name=libc_nano.a)" "$($gcc -print-libgcc-file-name)" \
            -T"$o/project.ld" -Tapp/sureboot.ld --nmagic --gc-sections -o "$o/foreign.elf"
}
ok "linked by LLVM's linker" lld
ok "linked by LLVM's linker: runs" runs "$work/lld/foreign.elf"
# Its vectors are in a section that sureboot.ld does not know; it has no information block.
elsewhere() {
    rm -rf "$work/other" && cp -r test/foreign "$work/other" && sed -i 's/\.isr_vector/.vectors/; /sureboot_info/d' "$work/other/project.ld" &&
        sed -i 's/\.section \.isr_vector.*/.section .vectors, "a"\n.global vectors\nvectors:/; s/sureboot_info_vector/0/; s/sureboot_fault/Default_Handler/' "$work/other/startup.s" &&
        sed -i '/^SUREBOOT_APPLICATION/d; s/sureboot_report() && .*)$/!sureboot_report())/' "$work/other/main.c" &&
        make --no-print-directory -C "$work/other" SUREBOOT=../../../../app BUILD_DIR=out \
            SUREBOOT_LDFLAGS=-Wl,--defsym=sureboot_vectors=vectors,--defsym=sureboot_mailbox=0x2000FF00
}
ok "vectors in another section, the kit without its script" elsewhere
ok "vectors in another section: runs" runs "$work/other/out/foreign.elf"
cxx() { echo '#include "sureboot.h"' | arm-none-eabi-gcc -xc++ -std=c++11 -mcpu=cortex-m4 -mthumb -Iapp -Wall -Wextra -Wpedantic -Werror -fsyntax-only -; }
ok "the header in C++" cxx

ok "FLASH at 0x08000000 is named" refused "FLASH has to be ORIGIN = 0x08004000" 's/ORIGIN = 0x08004000/ORIGIN = 0x08000000/' project.ld
ok ".data that is not loaded from flash is named" refused ".data needs >RAM AT> FLASH" 's/>RAM AT> FLASH/>RAM/' project.ld
ok "RAM without room for the mailbox is named" refused "RAM must end at 0x2000FF00" 's/64K - 256/64K/' project.ld
ok "an _estack that is still the number of before is named" refused "so must _estack if it is a number" \
    's/^_estack = .*/_estack = 0x20010000;/' project.ld
ok "a stack at the end of SRAM2, at its other address, is named" refused "RAM2 or SRAM2 must end at 0x10003F00" \
    's/^_estack = .*/_estack = 0x10004000;/' project.ld
ok "a forgotten KEEP(*(.sureboot_info)) is named" refused "KEEP(*(.sureboot_info)) has to follow" '/KEEP(\*(.sureboot_info))/d' project.ld
ok "a forgotten vector 7 is named" refused ".word sureboot_info_vector" 's/sureboot_info_vector/0/' startup.s
ok "a forgotten SUREBOOT_APPLICATION is named" refused "SUREBOOT_APPLICATION(...) is missing" '/^SUREBOOT_APPLICATION/d' main.c
# A project to which only the kit's files have been added is told all at once, and nothing besides.
only_the_files() {
    rm -rf "$work/wrong" && cp -r test/foreign "$work/wrong" || return
    sed -i 's/ORIGIN = 0x08004000/ORIGIN = 0x08000000/; s/^_estack = .*/_estack = 0x20010000;/; /sureboot_info/d' "$work/wrong/project.ld"
    sed -i '/^SUREBOOT_APPLICATION/d' "$work/wrong/main.c" && sed -i 's/sureboot_info_vector/0/' "$work/wrong/startup.s"
    if make --no-print-directory -C "$work/wrong" SUREBOOT=../../../../app BUILD_DIR=out >"$work/link" 2>&1; then return 1; fi
    cat "$work/link"
    for sentence in "FLASH has to be" "SUREBOOT_APPLICATION(...) is missing" ".word sureboot_info_vector" "must _estack"; do
        grep -q -F "$sentence" "$work/link" || return
    done
    ! grep -F "undefined" "$work/link"
}
ok "all that is forgotten is named at once" only_the_files
