#!/bin/bash
# Line coverage of boot/core by its own unit tests: at least 95 % each file, printed.
cd "$(dirname "$0")/../.." || exit 1
export LC_ALL=C.UTF-8
top=$PWD out=build/test/coverage least=95
rm -rf "$out" && mkdir -p "$out" && cd "$out" || exit 1
flags=(-std=c11 -O0 -g -D_GNU_SOURCE "-I$top" "-I$top/boot" "-I$top/vboard" "-I$top/test" "-I$top/test/support")
echo 1..1
(
    for f in "$top"/boot/core/*.c; do gcc "${flags[@]}" --coverage -c "$f" || exit; done
    # A test that stands in for a module has that one left out: the linker takes what is missing.
    gcc "${flags[@]}" -O2 -c "$top"/test/support/{fakeport,dfubench}.c "$top"/boot/pack/pack.c && ar rc core.a ./*.o &&
        for t in "$top"/test/unit/test_boot_*.c; do
            name=$(basename "$t" .c)
            gcc "${flags[@]}" "$t" core.a --coverage -lcmocka -lm -o "$name" && "./$name" >"$name.tap" || exit
        done
) >build.log 2>&1 || { echo "not ok 1 - coverage: build or run failed"; tail -n 20 build.log | sed 's/^/# /'; exit 0; }
gcov -n ./*.gcda 2>/dev/null | awk -v least=$least -v top="$top/" '
    /^File/ { file = $0; sub(/^File /, "", file); gsub(/\047/, "", file); sub(top, "", file) }
    /^Lines executed/ && file ~ /^boot\/core\/.*\.c$/ {
        split($2, a, ":"); sub(/%/, "", a[2])
        printf "# %6.2f %% of %3d lines  %s\n", a[2], $4, file
        lines += $4; hit += $4 * a[2] / 100
        if (a[2] + 0 < least + 0) low = low " " file
        file = ""
    }
    END {
        if (lines == 0) { print "not ok 1 - coverage: gcov says nothing"; exit }
        printf "%s 1 - coverage of boot/core: %.1f %% of %d lines%s\n", low ? "not ok" : "ok", 100 * hit / lines, lines,
            low ? ", less than " least " % in" low : ""
    }'
