#!/bin/bash
# clang-tidy (checks in .clang-tidy) over every C file, with the flags of its build. A file that was
# clean is looked at again only when it, a header or the configuration has changed.
cd "$(dirname "$0")/../.." || exit 1
export stamps=build/test/tidy
mkdir -p "$stamps"
headers=$(git ls-files --cached --others --exclude-standard '*.h' .clang-tidy host.mk firmware.mk | sort | xargs cat | sha256sum)
export headers

check() {
    f=$1
    case $f in
    boot/core/*|vboard/*|tools/*|bench/*|test/unit/*|test/board/test_*|test/board/museum/*|test/host/*|test/support/*|test/fuzz/*)
        flags=(-std=c11 -D_GNU_SOURCE -I. -Ivboard -Iboot -Itest -Itest/support -Itools) ;;
    *)  flags=(--target=arm-none-eabi -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -std=c11 -ffreestanding
               -isystem /usr/lib/arm-none-eabi/include -isystem /usr/include/newlib
               -isystem node_modules/@xpack-3rd-party/arm-cmsis-core-m/CMSIS/Core/Include
               -I. -Iboot -Iport -Iport/stm32l433 -Iusb -Iapp "-I$(dirname "$f")") ;;
    esac
    sum=$(printf '%s' "$headers" | cat - "$f" | sha256sum | cut -c1-40)
    [ ! -e "$stamps/$sum" ] || return 0
    if log=$(clang-tidy --quiet --warnings-as-errors='*' "$f" -- "${flags[@]}" 2>/dev/null); then
        : >"$stamps/$sum"
    else
        printf '%s\n' "$log" | grep -E 'error|warning' | sed 's/^/# /'
        return 1
    fi
}
export -f check

mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.c')
echo 1..1
if printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P 2 bash -c 'check "$1"' _ >build/test/tidy.log; then
    echo "ok 1 - clang-tidy: ${#files[@]} files"
else
    echo "not ok 1 - clang-tidy"
    sort -u build/test/tidy.log | head -n 60
fi
