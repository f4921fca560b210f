# The steps of the demo, inside the guest (sh, sourced after inside.sh). demo.sh shows the lines: "== TITLE",
# "$ COMMAND", "ok TEXT", "not ok TEXT", anything else as output of Linux.
about_the_board() { # of the lines of the kernel's log
    sed -un "s/^\[ *[0-9.]*\] //; /^usb 1-1: \(New USB device found\|Product\|SerialNumber\|USB disconnect\)/p; /^cdc_acm.*ttyACM/p"
}
ok() { echo "ok $*"; }
fail() { echo "not ok $*"; exit 1; }
led() { [ -e "$work/led.$1" ]; }
# flash FILE: as typed, with its output but for the licence and that a .bin file has no DFU suffix
flash() {
    echo "\$ dfu-util -s 0x08004000:leave -D $1"
    since=$(uptime_ms)
    { stdbuf -o0 dfu-util -s 0x08004000:leave -D "$1" 2>&1; echo $? >/run/status; } | stdbuf -o0 tr "\r" "\n" |
        grep --line-buffered -vE "^ *$|^Copyright|^This program|^Please report|DFU suffix"
    status=$(cat /run/status)
    [ "$status" = 0 ] || fail "dfu-util failed with exit status $status"
    ok "dfu-util: exit status 0 after $(($(uptime_ms) - since)) ms"
}
echo "$(uname -sr) runs"
await 30 device $DFU >/dev/null || fail "Linux has not found 0483:df11"
dmesg | about_the_board
dmesg -W | about_the_board &
ok "Linux has found 0483:df11"
await 30 led 100 >/dev/null || fail "LD4 does not toggle every 100 ms"
ok "LD4 toggles every 100 ms: the bootloader waits"

echo "== The first download: the example cdc"
flash build/firmware/cdc.bin
await 30 tty_of >/dev/null || fail "no serial port has come up"
ok "the board has come back as $(tty_of)"
await 60 led 1000 >/dev/null || fail "LD4 does not toggle every 1000 ms"
ok "LD4 toggles every 1000 ms: the application runs"
t=$(open_tty)
echo "\$ echo \"Hello, Nucleo\" > $t"
exec 9<>"$t" # open throughout: what arrives while nobody has it open is lost
echo "Hello, Nucleo" >&9
timeout 30 head -n 1 <&9 >/run/hello
exec 9<&-
[ "$(cat /run/hello)" = "Hello, Nucleo" ] || fail "the echo is \"$(cat /run/hello)\""
echo "$(cat /run/hello)"
ok "the application sends it back"

echo "== One byte leads back into the bootloader"
printf '%s\n' "\$ printf '\\252' > $t"
since=$(uptime_ms)
send_aa >/dev/null || fail "the bootloader has not come back"
ok "0483:df11 is back after $(($(uptime_ms) - since)) ms"
await 30 led 100 >/dev/null || fail "LD4 does not toggle every 100 ms"
ok "LD4 toggles every 100 ms"

echo "== The second download: the example blink"
flash build/firmware/blink.bin
await 60 led 1000 >/dev/null || fail "LD4 does not toggle every 1000 ms"
ok "LD4 toggles every 1000 ms: the board runs again"
exit 0
