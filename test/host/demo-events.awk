# Turns the virtual Nucleo's events (docs/virtual-nucleo.md) into what a person at the board would see.
# Lines for demo.sh: "board TEXT", and "led MS" when LD4 (PB13) has toggled at one rate long enough.
function say(text) { print "board " text; fflush() }
function number(key,    s) { # the value of a number
    if (!match($0, "\"" key "\":-?[0-9.e+]+")) return 0
    s = substr($0, RSTART, RLENGTH); sub(/.*:/, "", s); return s + 0
}
function string(key,    s) {
    if (!match($0, "\"" key "\":\"[^\"]*\"")) return ""
    s = substr($0, RSTART, RLENGTH); sub(/^"[^"]*":"/, "", s); sub(/"$/, "", s); return s
}
function flash_done() {
    if (pages + words)
        say(sprintf("flash: %d pages erased, %d double words programmed, in %.2f s", pages, words, (flash_end - flash_begin) / 1e9))
    pages = words = 0
}
function forget_led() { edges = 0; rate = 0; told = 0 }

BEGIN {
    cause["power"] = "power on"; cause["soft"] = "reset: the firmware asked for it"; cause["pin"] = "reset by the button"
    cause["iwdg"] = "reset by the watchdog"; cause["obl"] = "reset: option bytes reloaded"
}
{ t = number("t"); event = string("event") }
event == "reset" {
    flash_done(); forget_led(); reset_at = t
    say(string("cause") in cause ? cause[string("cause")] : "reset: " string("cause"))
    print "reset"; fflush()
}
event == "handoff" {
    say(sprintf("the application runs: first instruction at 0x%08X, %.3f ms after reset", number("pc"), (t - reset_at) / 1e6))
    forget_led()
}
event == "usb" && string("state") == "attached" { say("on the bus") }
event == "usb" && string("state") == "detached" { flash_done(); say("left the bus") }
event == "flash" {
    if (!(pages + words)) flash_begin = t
    if (string("op") == "erase") pages++
    else words++
    flash_end = t
}
event == "gpio" && string("pin") == "PB13" {
    gap = (t - edge) / 1e6; edge = t
    if (edges++ == 0) next
    same = rate && gap > rate * 0.98 && gap < rate * 1.02 ? same + 1 : 1
    if (same == 1) { rate = gap; began = t - gap * 1e6 }
    if (!told && same >= (rate < 300 ? 10 : 3)) {
        told = 1
        say(sprintf("LD4 toggles every %.2f ms (measured over %d)", (t - began) / 1e6 / same, same))
        print "led " int((t - began) / 1e6 / same + 0.5); fflush()
    }
}
event == "fault" || event == "missing" || event == "message" { say("!! " $0) }
