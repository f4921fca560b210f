# Turns the virtual Nucleo's events (docs/virtual-nucleo.md) into what a person at the board would see;
# jq -n -r --unbuffered. Lines for demo.sh: "board TEXT", "reset", "pin LEVEL" of LD4 (PB13), and "led MS"
# when it has toggled at one rate for long enough.
def fixed($digits): # as %.2f
    (. * pow(10; $digits) | round | tostring) as $n
    | ("0000000000"[:([0, $digits + 1 - ($n | length)] | max)] + $n)
    | .[:length - $digits] + "." + .[length - $digits:];
def hex32: . as $n | [range(7; -1; -1) | ($n / pow(16; .) | floor) % 16 | "0123456789ABCDEF"[.:. + 1]] | "0x" + add;
def say($text): .out += ["board " + $text];
def flash_done:
    if .pages + .words == 0 then . else
        say("flash: \({"0": "it was blank", "1": "1 page erased"}["\(.pages)"] // "\(.pages) pages erased"), \(.words) double words programmed in \((.flash_end - .flash_begin) / 1e9 | fixed(2)) s")
        | .pages = 0 | .words = 0
    end;
def forget_led: .edges = 0 | .same = 0 | .rate = 0 | .told = false;

foreach inputs as $e ({pages: 0, words: 0, reset_at: 0, edge: 0} | forget_led;
    .out = []
    | if $e.event == "reset" then
        flash_done | forget_led | .reset_at = $e.t
        | say({power: "power on", soft: "reset: the firmware asked for it", pin: "reset: NRST"}[$e.cause] // "reset: \($e.cause)")
        | .out += ["reset"]
    elif $e.event == "handoff" then
        forget_led
        | say("the application runs: first instruction at \($e.pc | hex32), \(($e.t - .reset_at) / 1e6 | fixed(3)) ms after the reset")
    elif $e.event == "usb" and $e.state == "attached" then say("on the bus")
    elif $e.event == "usb" and $e.state == "detached" then flash_done | say("left the bus")
    elif $e.event == "flash" then
        if .pages + .words == 0 then .flash_begin = $e.t else . end
        | if $e.op == "erase" then .pages += 1 else .words += 1 end
        | .flash_end = $e.t
    elif $e.event == "gpio" and $e.pin == "PB13" then
        (($e.t - .edge) / 1e6) as $gap
        | .out += ["pin \($e.level)"] | .edge = $e.t | .edges += 1
        | if .edges < 3 then . # the first interval may be cut short
          elif .same > 0 and $gap > .rate * 0.98 and $gap < .rate * 1.02 then .same += 1
          else .same = 1 | .rate = $gap | .began = $e.t - $gap * 1e6 end
        | if .told or .same < (if .rate < 300 then 10 else 3 end) then . else
              ((.edge - .began) / 1e6 / .same) as $ms
              | .told = true | say("LD4 toggles every \($ms | fixed(2)) ms (mean of \(.same))") | .out += ["led \($ms | round)"]
          end
    elif $e.event == "fault" or $e.event == "missing" or $e.event == "message" then say("!! " + ($e | tojson))
    else . end;
    .out[])
