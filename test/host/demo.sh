#!/bin/bash
# make demo: the full circle on a virtual Nucleo-L433RC-P and a real Linux USB host. Blank slot, download
# with dfu-util, run, 0xAA, bootloader, download, run. Prints what happens as it happens; exit status 0
# if all of it did.
. "$(dirname "$0")/lib.sh"

began=$EPOCHREALTIME
steps=10 done=0 alarm=0
bold='' dim='' green='' red='' plain='' wipe=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m' wipe=$'\e[K'
fi

# at COLOUR WHO TEXT: one line with the seconds since the start.
at() {
    local us=$((${EPOCHREALTIME/[.,]/} - ${began/[.,]/}))
    printf '%s%3d.%d s  %-6s %s%s%s\n' "$1" $((us / 1000000)) $((us / 100000 % 10)) "$2" "$3" "$plain" "$wipe"
}
title() { printf '%s\n%s%s%s\n' "$wipe" "$bold" "$1" "$plain"; }

# What comes from the board ("board", "led", "reset") and from the guest (the rest), line by line.
show() {
    local line text
    while IFS= read -r line; do
        text=${line#* }
        case $line in
        'board !! '*) at "$red" board "${text#!! }"; alarm=$((alarm + 1)) ;;
        'board '*) at '' board "$text" ;;
        'led '*) : >"$work/led.$text" ;;
        reset) rm -f "$work"/led.* ;;
        '== '*) title "$text" ;;
        '$ '*) at "$bold" linux "$line" ;;
        'ok '*) at "$green" '' "✓ $text"; done=$((done + 1)) ;;
        'not ok '*) at "$red" '' "✗ ${text#ok }" ;;
        'Erase '*'%'* | 'Download'*'%'*) # a bar
            if [[ $line = *100%* ]]; then at "$dim" linux "$line"; elif [ -n "$wipe" ]; then printf '%s%s%s\r' "${line//$'\t'/ }" "$plain" "$wipe"; fi ;;
        'end') return ;;
        *) at "$dim" linux "$line" ;;
        esac
    done
}

script='
say_kernel() { # the lines of its log that are about the board
    dmesg -w 2>/dev/null | sed -un "s/^\[ *[0-9.]*\] //; /^usb 1-1: \(New USB device found\|Product\|SerialNumber\|USB disconnect\)/p; /^cdc_acm.*ttyACM/p"
}
ok() { echo "ok $*"; }
fail() { echo "not ok $*"; exit 1; }
led() { [ -e "$work/led.$1" ]; }
# flash FILE: as typed, with its output but for the licence
flash() {
    echo "\$ dfu-util -s 0x08004000:leave -D $1"
    since=$(uptime_ms)
    { stdbuf -o0 dfu-util -s 0x08004000:leave -D "$1" 2>&1; echo $? >/run/status; } | stdbuf -o0 tr "\r" "\n" |
        grep --line-buffered -vE "^ *$|^Copyright|^This program|^Please report"
    status=$(cat /run/status)
    [ "$status" = 0 ] || fail "dfu-util failed with exit status $status"
    ok "dfu-util: exit status 0 after $(($(uptime_ms) - since)) ms"
}
say_kernel &
await 30 device $DFU >/dev/null || fail "Linux has not found 0483:df11"
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
echo "\$ printf \"\\xaa\" > $t"
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
'

title "A virtual Nucleo-L433RC-P: bootloader at 0x08000000, blank slot at 0x08004000"
board nucleo --load build/firmware/boot.hex
mkfifo "$work/lines"
exec 3<>"$work/lines"
tail -n +1 -f "$work/nucleo/events" 2>/dev/null | jq -n -r --unbuffered -f "$here/demo-events.jq" >&3 &
children+=($!)
at "$dim" linux "a Linux machine with a USB port boots (QEMU, Debian's kernel)"
{
    in_guest "$script" >&3
    echo $? >"$work/status"
    echo end >&3
} &
show <&3
order nucleo quit

printf '\n'
seconds=$(((${EPOCHREALTIME/[.,]/} - ${began/[.,]/}) / 1000000))
if [ "$(cat "$work/status")" = 0 ] && [ $done = $steps ] && [ $alarm = 0 ]; then
    printf '%s✓ The full circle works: %d of %d steps, in %d s.%s\n' "$bold$green" $done $steps $seconds "$plain"
    exit 0
fi
printf '%s✗ The full circle is broken: %d of %d steps.%s\n' "$bold$red" $done $steps "$plain"
exit 1
