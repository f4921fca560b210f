#!/bin/bash
# Every C file is laid out as .clang-format says.
cd "$(dirname "$0")/../.." || exit 1
mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.c' '*.h')
echo 1..1
if [ ${#files[@]} -gt 0 ] && clang-format --dry-run -Werror "${files[@]}" 2>build/test/format.log; then
    echo "ok 1 - clang-format: ${#files[@]} files"
else
    echo "not ok 1 - clang-format: run clang-format -i on these:"
    sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: error.*/# \1/p' build/test/format.log | sort -u
fi
