#!/bin/bash
# The bootloader's stack at its deepest, from the compiler's call graph (-fcallgraph-info=su), against
# BOOT_STACK_SIZE and DFU_STACK_SIZE. A call through a pointer counts as one to the deepest function whose address is taken.
cd "$(dirname "$0")/../.." || exit 1
echo 1..2
value() { printf %d "$(awk -v name="$1" '$2 == name { print $3 }' port/stm32l433/memory.h)"; }
number=0
for name in boot boot-dfu11; do
    number=$((number + 1))
    graph=build/obj/fw/$name/plain.elf.ltrans0.ltrans.ci
    [ -s "$graph" ] || { echo "not ok $number - $name: no call graph, $graph"; continue; }
    awk -v boot_room=$(($(value BOOT_STACK_SIZE) - 8)) -v dfu_room=$(($(value DFU_STACK_SIZE) - 8)) -v name="$name" -v number="$number" '
    function short(s) { gsub(/"/, "", s); sub(/.*:/, "", s); return s }
    # Deepest stack from f on. A function that is on the way already cannot come again: nothing recurses.
    function deep(f,    i, n, d, most) {
        if (on[f]) return 0
        if (f in known) return known[f]
        on[f] = 1
        n = split(calls[f], callee, " ")
        for (i = 1; i <= n; i++) list[f, i] = callee[i]
        for (i = 1; i <= n; i++) { d = deep(list[f, i]); if (d > most) most = d }
        on[f] = 0
        return known[f] = own[f] + most
    }
    /^node:/ {
        match($0, /title: "[^"]*"/); f = short(substr($0, RSTART + 7, RLENGTH - 7))
        if (match($0, /[0-9]+ bytes \([a-z,]*\)/)) {
            split(substr($0, RSTART, RLENGTH), part, " ")
            own[f] = part[1]
            if (part[3] != "(static)") unbounded = unbounded " " f
        }
    }
    /^edge:/ {
        match($0, /sourcename: "[^"]*"/); f = short(substr($0, RSTART + 12, RLENGTH - 12))
        match($0, /targetname: "[^"]*"/); g = short(substr($0, RSTART + 12, RLENGTH - 12))
        if (f == "boot_main" && g == "port_enter_dfu") called[g] = 1 # the DFU world, added up below
        else if (!seen[f, g]++) { calls[f] = calls[f] " " g; called[g] = 1 }
    }
    END {
        frame = 36 # eight words and the alignment (ARMv7-M ARM B1.5.6); the FPU is not used
        # pointers: what nobody calls by name, handlers and starts apart
        for (f in own)
            if (!called[f] && f !~ /_Handler$|IRQHandler$|^boot_|^start$|^fault$|^port_enter_dfu$|^serve$/) pointed = pointed " " f
        calls["__indirect_call"] = pointed
        nmi = frame + deep("NMI_Handler")
        boot = deep("boot_main") + nmi
        usb = deep("USB_IRQHandler"); flash = deep("FLASH_IRQHandler")
        # The handler of FLASH is locked but for its first and last instructions, where that of USB may come on top.
        usb += frame + own["FLASH_IRQHandler"]
        irq = frame + (usb > flash ? usb : flash)
        dfu = own["boot_main"] + deep("port_enter_dfu") + irq + nmi
        ok = boot <= boot_room && dfu <= dfu_room && own["boot_main"] && usb && flash && !unbounded
        printf "%s %d - %s: stack of the boot path at most %d of %d bytes, of DFU %d of %d (interrupts %d, NMI %d)%s\n",
            ok ? "ok" : "not ok", number, name, boot, boot_room, dfu, dfu_room, irq, nmi,
            unbounded ? "; not bounded:" unbounded : ""
    }' "$graph"
done
