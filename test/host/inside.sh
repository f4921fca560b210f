# Sourced by what runs in the guest (sh): TAP, and waiting for USB devices. $work is a directory that the
# machine outside sees too.
DFU=0483:df11 # the bootloader
CDC=0483:5740 # the example cdc

# check NAME COMMAND…: one test; what a failed command printed is shown.
check() {
    name=$1
    shift
    if "$@" >"/run/check.out" 2>&1; then
        echo "ok - $name"
    else
        echo "not ok - $name (status $?)"
        tr '\r' '\n' </run/check.out | sed 's/^/# /' | tail -n 60
    fi
}

uptime_ms() {
    read -r up _ </proc/uptime
    echo "${up%.*}${up#*.}0"
}

# await SECONDS COMMAND…: until the command succeeds.
await() {
    until=$(($(uptime_ms) + $1 * 1000))
    shift
    while ! "$@"; do
        if [ "$(uptime_ms)" -gt $until ]; then
            echo "waited in vain for: $*"
            return 1
        fi
        sleep 0.05
    done
}

# The directory in sysfs of the device VENDOR:PRODUCT, with that serial number if one is given, once it
# has a configuration; fails if there is none.
device() {
    for d in /sys/bus/usb/devices/[0-9]*-[0-9]*; do
        [ "${d#*:}" = "$d" ] || continue # an interface
        { read -r vendor <"$d/idVendor" && read -r product <"$d/idProduct"; } 2>/dev/null || continue
        [ "$vendor:$product" = "$1" ] || continue
        read -r configuration 2>/dev/null <"$d/bConfigurationValue" && [ -n "$configuration" ] || continue
        if [ -n "${2:-}" ]; then
            read -r serial 2>/dev/null <"$d/serial" && [ "$serial" = "$2" ] || continue
        fi
        echo "$d"
        return 0
    done
    return 1
}
absent() { ! device "$@"; }

# The serial port of a device as above.
tty_of() {
    d=$(device "$CDC" "${1:-}") || return 1
    for t in "$d":*/tty/tty*; do
        [ -c "/dev/${t##*/}" ] && echo "/dev/${t##*/}" && return 0
    done
    return 1
}
# … raw, without echo: prints its name.
open_tty() {
    t=$(tty_of "${1:-}") && stty -F "$t" raw -echo && echo "$t"
}

# lsusb -v without any complaint.
lsusb_is_clean() {
    lsusb -v -d "$1" >/run/lsusb 2>/run/lsusb.err
    cat /run/lsusb /run/lsusb.err
    [ -s /run/lsusb ] && [ ! -s /run/lsusb.err ] &&
        ! grep -iE 'warning|error|unrecognized|unavailable|invalid|junk|too short|cannot|can.t' /run/lsusb
}

# The single byte 0xAA to the serial port: the application must leave for the bootloader.
send_aa() {
    t=$(open_tty "${1:-}") && printf '\252' >"$t" && await 20 device "$DFU" "${1:-}"
}

# echo_back TTY FILE: sends FILE and compares what comes back. The port stays open throughout: what
# arrives while nobody has it open is lost.
echo_back() (
    exec 9<>"$1"
    timeout 120 head -c "$(stat -c %s "$2")" <&9 >"$2.back" &
    timeout 120 cat "$2" >&9 && wait $! && cmp "$2" "$2.back"
)

download() { # download FILE [OPTION]…: and leave
    f=$1
    shift
    dfu-util -d "$DFU" -s 0x08004000:leave -D "$f" "$@"
}
