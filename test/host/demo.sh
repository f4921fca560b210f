#!/bin/bash
# make demo: the full circle on a virtual Nucleo-L433RC-P and a real Linux USB host. Blank slot, download
# with dfu-util, run, 0xAA, bootloader, download, run. Prints what happens as it happens; exit status 0
# if all of it did. The steps are in demo-guest.sh.
. "$(dirname "$0")/lib.sh"

began=$EPOCHREALTIME
steps=10 good=0 alarm=0
bold='' dim='' green='' red='' plain='' wipe=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m' wipe=$'\e[K'
fi

# at COLOUR WHO TEXT: one line with the seconds since the start.
at() {
    local us=$((${EPOCHREALTIME/[.,]/} - ${began/[.,]/}))
    printf '%s%3d.%d s  %-6s %s%s%s\n' "$1" $((us / 1000000)) $((us / 100000 % 10)) "$2" "$3" "$plain" "$wipe"
}
# now COLOUR WHO TEXT: the same on a terminal, until the next line takes its place.
now() { [ -z "$wipe" ] || printf '%s\r' "$(at "$@")"; }
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
        'pin 1') now "$green" board 'LD4 ●' ;;
        'pin 0') now '' board 'LD4 ○' ;;
        reset) rm -f "$work"/led.* ;;
        '== '*) title "$text" ;;
        '$ '*) at "$bold" linux "$line" ;;
        'ok '*) at "$green" '' "✓ $text"; good=$((good + 1)) ;;
        'not ok '*) at "$red" '' "✗ ${text#ok }" ;;
        'Erase '*'%'* | 'Download'*'%'*) # a bar
            if [[ $line = *100%* ]]; then at "$dim" linux "$line"; else now "$dim" linux "${line//$'\t'/ }"; fi ;;
        end) echo "$good $alarm" >"$work/count"; return ;;
        *) at "$dim" linux "$line" ;;
        esac
    done
}

title "A virtual Nucleo-L433RC-P: bootloader at 0x08000000, blank slot at 0x08004000"
board nucleo --load build/firmware/boot.hex
mkfifo "$work/lines"
exec 3<>"$work/lines"
tail -n +1 -f "$work/nucleo/events" 2>/dev/null | jq -n -r --unbuffered -f "$here/demo-events.jq" >&3 &
children+=($!)
at "$dim" linux "a Linux machine with a USB port boots (QEMU, Debian's kernel)"
show <&3 &
shown=$!
in_guest ". test/host/demo-guest.sh" >&3
status=$?
echo end >&3
wait $shown
read -r good alarm <"$work/count"
order nucleo quit

printf '\n'
seconds=$(((${EPOCHREALTIME/[.,]/} - ${began/[.,]/}) / 1000000))
if [ $status = 0 ] && [ "$good" = $steps ] && [ "$alarm" = 0 ]; then
    printf '%s✓ The full circle works: %d of %d steps, in %d s.%s\n' "$bold$green" "$good" $steps $seconds "$plain"
    exit 0
fi
printf '%s✗ The full circle is broken: %d of %d steps.%s\n' "$bold$red" "$good" $steps "$plain"
exit 1
