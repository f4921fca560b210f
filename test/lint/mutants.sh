#!/bin/bash
# Each mutant finds what it breaks: here it is told at once, by test/mutants/run a quarter of an hour later.
cd "$(dirname "$0")/../.." || exit 1
echo 1..1
if unfit=$(test/mutants/run --fit 2>&1); then
    echo "ok 1 - each mutant fits"
else
    echo "not ok 1 - mutants that change nothing:"
    sed 's/^/# /' <<<"$unfit"
fi
