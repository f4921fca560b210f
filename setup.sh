#!/bin/sh
# Installs what building, testing and the demo need and is not there yet, one line each; says
# nothing when nothing is missing. Looks for commands and headers, not for packages, so that a
# nodejs from elsewhere or a hand-built tool is as good. Debian 12, amd64. `setup.sh check`: also the browser,
# which is large.
set -eu
cd "$(dirname "$0")"
PATH=$PATH:/sbin:/usr/sbin

want='' # packages to install
cmd() { command -v "$1" >/dev/null 2>&1 || want="$want $2"; }
file() { # file PACKAGE PATH…: one of the paths must exist
    p=$1; shift
    for f; do if [ -e "$f" ]; then return 0; fi; done
    want="$want $p"
}

cmd gcc gcc
cmd arm-none-eabi-gcc gcc-arm-none-eabi
file libnewlib-arm-none-eabi /usr/lib/arm-none-eabi/newlib/nano.specs /usr/lib/arm-none-eabi/lib/nano.specs
file libc6-dev /usr/include/stdio.h
file libcmocka-dev /usr/include/cmocka.h
file libcjson-dev /usr/include/cjson/cJSON.h
file libunicorn-dev /usr/include/unicorn/unicorn.h
file libelf-dev /usr/include/libelf.h
file libdw-dev /usr/include/elfutils/libdwfl.h
file libusb-1.0-0-dev /usr/include/libusb-1.0/libusb.h
cmd clang clang
cmd ld.lld lld
file libclang-rt-14-dev /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a
cmd clang-format clang-format
cmd clang-tidy clang-tidy
cmd cppcheck cppcheck
cmd qemu-system-arm qemu-system-arm
cmd qemu-system-x86_64 qemu-system-x86
cmd busybox busybox-static
cmd cpio cpio
cmd modprobe kmod
cmd xz xz-utils
cmd dfu-util dfu-util
cmd gdb-multiarch gdb-multiarch
cmd lsusb usbutils
cmd jq jq
cmd pgrep procps
cmd cmake cmake
cmd ninja ninja-build
file udev /lib/systemd/systemd-udevd /usr/lib/systemd/systemd-udevd
cmd node nodejs
cmd npm npm
[ $# = 0 ] || file chromium /usr/lib/chromium/chromium

if [ -n "$want" ]; then
    as=
    if [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null 2>&1; then as=sudo; else
            echo "sureboot needs these Debian packages; as root run: apt-get install$want" >&2
            exit 1
        fi
    fi
    for p in $want; do echo "setup: installing $p"; done
    log=$(mktemp)
    if ! { $as apt-get update -q && $as env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $want; } \
        >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        echo "setup: apt-get could not install:$want" >&2
        exit 1
    fi
    rm -f "$log"
fi

if ! cmp -s package-lock.json node_modules/.package-lock.sureboot; then
    echo "setup: installing the CMSIS-Core headers and playwright-core with npm"
    log=$(mktemp)
    if ! npm ci --no-progress >"$log" 2>&1; then
        tail -n 10 "$log" >&2
        echo "setup: npm could not install what package-lock.json names" >&2
        exit 1
    fi
    rm -f "$log"
    cp package-lock.json node_modules/.package-lock.sureboot
fi

# The kernel of the Linux USB host that tests and demo run in a guest.
test/host/guest-kernel >/dev/null
