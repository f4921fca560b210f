#!/bin/bash
# cppcheck over firmware and host code. It cannot read the threaded code of run.c (labels as values).
cd "$(dirname "$0")/../.." || exit 1
mkdir -p build/test/cppcheck
echo 1..1
if git ls-files --cached --others --exclude-standard '*.c' |
    cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 -j 2 \
        --suppress=syntaxError:vboard/cpu/run.c \
        --suppress=missingIncludeSystem --suppress=checkersReport --cppcheck-build-dir=build/test/cppcheck \
        -D_GNU_SOURCE -Ivboard -Iboot -I. -Iport -Iusb --file-list=- 2>build/test/cppcheck.log; then
    echo "ok 1 - cppcheck"
else
    echo "not ok 1 - cppcheck"
    sed 's/^/# /' build/test/cppcheck.log | head -n 60
fi
