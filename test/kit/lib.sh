# What the tests in this folder share. $work is a folder for their files.
n=0
ok() { # ok NAME COMMAND…
    n=$((n + 1))
    local name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        tail -n 15 "$work/log" | sed 's/^/# /'
    fi
}
