# Sourced by what runs in the guest (sh): TAP, and waiting for USB devices. $work is a directory that the
# machine outside sees too.
DFU=0483:df11 # the bootloader
CDC=0483:5740 # the example cdc
exec 3>&1 # orders to boards, also from within a check

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

# order BOARD COMMAND…: to the board, through the script outside.
order() { echo "@$*" >&3; }

# press_reset BOARD: NRST, and waits until what comes then is on the bus. For a single board.
press_reset() {
    old=$(cat /sys/bus/usb/devices/1-1/devnum 2>/dev/null)
    order "$1" nrst
    await 30 other_device
}
other_device() {
    new=$(cat /sys/bus/usb/devices/1-1/devnum 2>/dev/null) && [ "$new" != "$old" ] && [ -s /sys/bus/usb/devices/1-1/bConfigurationValue ]
}

# fails COMMAND…: it ends with an exit status of its own that is not 0.
fails() {
    "$@"
    status=$?
    echo "exit status $status"
    [ $status != 0 ] && [ $status -lt 126 ]
}
# bootloader_says TEXT [SERIAL]: the sentence of the device's error begins so.
bootloader_says() {
    build/test/host/dfu11 ${2:+--serial "$2"} --status >/run/said 2>&1
    cat /run/said
    grep -qF ": $1" /run/said
}
# reports TEXT: the verdict in the bootloader's report begins so.
reports() {
    build/host/sureboot why >/run/said 2>&1
    cat /run/said
    grep -q "^  verdict *$1" /run/said
}
# verdict_is WORDS [SERIAL]: the bootloader is on the bus, and its product string ends so.
verdict_is() {
    d=$(device "$DFU" "${2:-}") && read -r product <"$d/product" && echo "$product" && [ "${product#*: }" = "$1" ]
}

# image FILE SIZE: the example cdc with random bytes behind it, not packed: what is whole by its information
# block starts, whatever becomes of the rest.
image() {
    [ -e /run/unpacked.bin ] || arm-none-eabi-objcopy -O binary build/firmware/cdc.elf /run/unpacked.bin
    { cat /run/unpacked.bin && cat /dev/urandom; } | head -c "$2" >"$1"
}

le32() { printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)))"; }
# dfuse_file FILE ADDR BIN [ADDR BIN]…: a DfuSe file (UM0391) with one element for each BIN. The CRC of its
# suffix is gzip's without the last inversion.
dfuse_file() {
    f=$1 n=$((($# - 1) / 2))
    shift
    while [ $# -gt 0 ]; do
        le32 $(($1))
        le32 "$(stat -c %s "$2")"
        cat "$2"
        shift 2
    done >/run/elements
    size=$(stat -c %s /run/elements)
    {
        printf 'DfuSe\1'
        le32 $((11 + 274 + size))
        printf '\1Target\0'
        head -c 259 /dev/zero
        le32 "$size"
        le32 $n
        cat /run/elements
        printf '\377\377\021\337\203\004\032\001UFD\020'
    } >"$f"
    crc=$(gzip -c "$f" | tail -c 8 | od -An -tu4 -N 4)
    le32 $((crc ^ 0xFFFFFFFF)) >>"$f"
}
