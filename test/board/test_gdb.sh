#!/bin/bash
# gdb-multiarch at vboard --gdb, in batch mode: every feature that docs/virtual-nucleo.md names, on an
# application behind the bootloader. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 2
mkdir -p build/test/board
work=$(mktemp -d "build/test/board/gdb.XXXXXX") || exit 2
app=build/test/fw/gdbtarget.elf boot=build/firmware/boot.elf
pid='' port='' n=0 failed=0
clean_up() { [ -z "$pid" ] || kill "$pid" 2>/dev/null; wait 2>/dev/null; [ -n "${KEEP:-}" ] || rm -rf "$work"; }
trap clean_up EXIT

mkfifo "$work/control"
exec 6<>"$work/control" # read-write: neither end blocks

# board [OPTION]…: a board with the gdb server at $port; stops the one before.
board() {
    [ -z "$pid" ] || { kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; }
    rm -f "$work/log" # the port in it is that of the board before
    build/host/vboard "$@" --gdb 0 --events "$work/events" --control - <&6 >"$work/out" 2>"$work/log" &
    pid=$! port=''
    for ((i = 0; i < 500; i++)); do
        port=$(sed -n 's/.*gdb server on port \([0-9]*\).*/\1/p' "$work/log" 2>/dev/null)
        [ -z "$port" ] || return 0
        sleep 0.02
    done
    echo "not ok - vboard did not start: $(cat "$work/log")"
    exit 1
}

# debug [COMMAND]…: gdb attaches (by $mode, if it is set), carries them out, detaches; what it printed is in $work/gdb.
debug() {
    local args=() c
    for c; do args+=(-ex "$c"); done
    timeout 60 gdb-multiarch -nx -q -batch -ex 'set confirm off' -ex 'set pagination off' -ex 'set remotetimeout 20' \
        -ex 'set style enabled off' "${file:-$app}" -ex "target ${mode:-remote} localhost:$port" "${args[@]}" >"$work/gdb" 2>&1 </dev/null
}

# check NAME PATTERN…: each extended regular expression is in what gdb printed, in this order.
check() {
    local name=$1 rest p line
    shift
    n=$((n + 1)) rest=$(cat "$work/gdb")
    for p; do
        line=$(grep -n -m 1 -E -- "$p" <<<"$rest" | cut -d: -f1)
        if [ -z "$line" ]; then
            echo "not ok $n - $name"
            echo "# no '$p' in:"
            sed 's/^/#   /' "$work/gdb"
            failed=$((failed + 1))
            return
        fi
        rest=$(tail -n "+$((line + 1))" <<<"$rest")
    done
    echo "ok $n - $name"
}

# is NAME CONDITION: a shell condition.
is() {
    n=$((n + 1))
    if eval "$2"; then echo "ok $n - $1"; else echo "not ok $n - $1 ($2)"; failed=$((failed + 1)); fi
}


now='maintenance flush register-cache' # gdb keeps what it read before a reset

echo 1..46
board --load $boot --load $app --seed 1

debug 'print $pc' 'info registers msp psp primask basepri faultmask control' 'info registers d0 fpscr s3' 'print $xpsr != 0'
check 'registers of core, system and FPU by name' '\$1 = ' 'msp +0x' 'psp +0x' 'primask +0x' 'basepri +0x' 'faultmask +0x' \
    'control +0x' 'd0 +' 'fpscr +0x' 's3 +' '= 1'
debug 'set var $kept = $r4' 'set var $r4 = 0x12345678' 'set var $primask = 1' 'set var $s5 = 1.5' "$now" 'print/x $r4' \
    'print $primask' 'print $s5' 'set var $primask = 0' 'set var $r4 = $kept'
check 'registers are written' '= 0x12345678' '= 1' '= 1.5'

# The chip restarts: the bootloader runs first, with C_DEBUGEN set, then the application.
debug 'monitor reset halt' "$now" 'print $pc == *(unsigned *)4 - 1' 'print $sp == *(unsigned *)0' \
    'print *(unsigned *)0xe000edf0 & 1' 'stepi' 'stepi' 'print $pc < 0x08004000' 'hbreak main' 'continue' 'backtrace' 'print counter'
check 'reset and halt; a hardware breakpoint in the application behind the bootloader' 'halted before its first' '= 1' '= 1' '= 1' \
    '= 1' 'Breakpoint 1, main' '#0 +main' '= 0'
debug 'monitor reset halt' 'monitor gdb_sync' 'stepi' 'print $pc == *(unsigned *)4 - 1' 'stepi' 'print $pc == *(unsigned *)4 - 1'
check 'monitor gdb_sync: a step that only tells' 'does not step' '= 1' '= 0'
debug 'break work' 'continue' 'continue' 'info breakpoints' 'finish'
check 'breakpoints, continue, finish' 'Breakpoint 1, work' 'Breakpoint 1, work' 'already hit 2 times' 'main \(\) at'
at=$(arm-none-eabi-nm $app | sed -n 's/^0*\([0-9a-f]*\) . work$/\1/p')
debug "maintenance packet Z0,$at,2" 'continue' 'info symbol $pc' "maintenance packet z0,$at,2" 'tbreak twice' 'continue'
check 'a software breakpoint in flash' 'received: "OK"' 'SIGTRAP' 'work in section' 'received: "OK"' 'breakpoint 1, twice'
debug 'break work' 'continue' 'delete' 'set var $was = counter' 'next' 'print counter - $was' 'stepi' 'stepi' 'break twice' 'continue' \
    'print n == counter' 'up' 'next' 'step'
check 'steps and lines' '= 1' 'Breakpoint 2, twice' '= 1'

debug 'watch watched' 'continue' 'continue' 'print counter % 16'
check 'a write watchpoint stops where the value changes' 'Hardware watchpoint 1: watched' 'Old value' 'New value' 'Old value' 'New value' '= 0'
debug 'rwatch order' 'continue' 'info symbol $pc'
check 'a read watchpoint' 'Hardware read watchpoint 1: order' 'Value = 0' 'main'
debug 'awatch ticks' 'continue' 'continue' 'info symbol $pc'
check 'an access watchpoint, in a handler' 'Hardware access' '(Value|Old value) =' 'SysTick_Handler'
debug 'break SysTick_Handler' 'continue' 'backtrace' 'print $xpsr & 0x1ff' 'finish'
check 'backtrace through an exception' 'Breakpoint 1, SysTick_Handler' '#0 +SysTick_Handler' 'signal handler called' 'main' '= 15' '(main|work|twice) \(.*\) at'

debug 'break work' 'continue' 'delete' 'print twice(21)' 'set var order = 4' 'break ask' 'continue' 'stepi' 'print $xpsr & 0x1ff' \
    'print calls' 'finish' 'print calls'
check 'functions are called; a step goes into an SVC' '= 42' 'Breakpoint 2, ask' '= 11' '= 0' '= 1'
debug 'break doze' 'set var order = 3' 'continue' 'delete' 'print wakes' 'stepi' 'info symbol $pc' 'stepi' 'stepi' 'stepi' 'print $xpsr & 0x1ff' \
    'tbreak work' 'continue' 'print wakes'
check 'steps over WFI wait for what wakes, and stay in the thread' 'Breakpoint 1, doze' '= 0' 'doze' '= 0' '= 1'
debug 'break work' 'continue' 'delete' 'set var $was = ticks' 'stepi 3000' 'print ticks > $was' 'print $xpsr & 0x1ff'
check 'interrupts are served while stepping' '= 1' '= 0'

debug 'break main' 'monitor reset halt' 'continue' 'set var order = 1' 'continue' 'backtrace' 'print/x *(unsigned *)0xe000ed28' \
    'print/x *(unsigned *)0xe000ed2c' 'monitor reset halt'
check 'a HardFault stops with SIGSEGV before its handler' 'Breakpoint 1, main' 'SIGSEGV' 'signal handler called' 'go_wrong' '= 0x400' '= 0x40000000'
debug 'monitor reset halt' 'monitor catch none' 'tbreak main' 'continue' 'hbreak HardFault_Handler' 'set var order = 1' 'continue' 'monitor reset halt'
check 'monitor catch none: the handler runs' 'Faults run into' 'breakpoint 1, main' 'Breakpoint 2, HardFault_Handler'
debug 'monitor reset halt' 'tbreak main' 'continue' 'set var *(unsigned *)0xe000ed24 = 0x70000' 'monitor catch all' 'set var order = 1' 'continue' \
    'print $xpsr & 0x1ff' 'monitor reset halt'
check 'monitor catch all: a BusFault stops' 'BusFault' 'SIGSEGV' '= 5'
debug 'monitor reset halt' 'tbreak main' 'continue' 'set var order = 2' 'continue' 'x/i $pc' 'tbreak twice' 'continue'
check 'a BKPT of the firmware stops before it, and is left behind' 'SIGTRAP' 'bkpt' 'breakpoint 2, twice'
debug 'monitor reset halt' 'monitor arm semihosting enable' 'tbreak main' 'continue' 'set var order = 6' 'tbreak twice' 'continue' \
    'print handle' 'print unwritten' 'print is_tty' 'print/x no_file' 'monitor arm semihosting disable' 'set var order = 6' 'continue' 'x/i $pc'
check 'semihosting is served' 'what the program writes' 'hello, gdb' 'by WRITE0' 'breakpoint 2, twice' '= 2' '= 0' '= 1' '= 0xffffffff' 'SIGTRAP' 'bkpt'
debug 'monitor reset halt' 'monitor arm semihosting enable' 'tbreak main' 'continue' 'set var order = 6' 'tbreak print' 'continue' 'next' 'next' 'next' 'next' 'next' 'next' 'next' 'next' 'next' \
    'next' 'next' 'next' 'next' 'print 7'
check 'while stepping, too' 'breakpoint 2, print' 'hello, gdb' 'by WRITE0' '= 7'
is 'and without a stop at the BKPT' "! grep -q SIGTRAP '$work/gdb'"
debug 'monitor reset halt' 'tbreak main' 'continue' 'monitor catch none' 'set var order = 5' 'continue' 'print/x *(unsigned *)0xe000edf0 & 0x80000' \
    'monitor reset halt' 'tbreak main' 'continue'
check 'a lock-up stops with SIGSEGV and ends by a reset' 'SIGSEGV' '= 0x80000' 'breakpoint 2, main'

mode=extended-remote debug 'start' 'print counter' 'break work' 'kill' 'run' 'print counter' 'continue' 'kill' 'attach 1' 'info symbol $pc' \
    'delete' 'kill'
check 'extended-remote: start, run, kill, attach' 'breakpoint 1, main' '= 0' 'Breakpoint 2, work' '= 0' 'Breakpoint 2, work' 'work in section'
debug 'set var $was = ticks' 'tbreak work' 'continue' 'print ticks > 0'
check 'the board runs on after that' 'breakpoint 1, work' '= 1'

mode=extended-remote debug 'break work' 'continue' 'detach' 'attach 1' 'continue' 'detach' 'run' 'continue' 'disconnect' \
    "target extended-remote localhost:$port" 'info symbol $pc' 'detach'
check 'and detach, attach, run, disconnect, connect' 'Breakpoint 1, work' 'detached' 'Breakpoint 1, work' 'detached' 'Breakpoint 1, work' \
    'in section .text' 'detached'

debug 'monitor reset' 'monitor halt' 'monitor help' 'monitor nonsense' 'monitor mdw 0xe0042000' 'monitor reg pc' 'print 7'
check 'monitor reset, halt, help, memory and registers' 'is reset and runs' 'catch hard' 'Unknown command' '0xe0042000: 10016435' 'pc: 0x0' '= 7'
debug 'set var *(unsigned *)0x4002104c = 7' 'set var *(unsigned *)0x48000400 = 0xf7ffffff' 'set var *(unsigned *)0x48000418 = 0x2000' \
    'print/x *(unsigned *)0x48000414 & 0x2000' 'set var *(unsigned char *)0x2000f001 = 0xa5' 'x/xb 0x2000f001' 'x/4xb 0x60000000' 'x/xw 0x1fff7590'
check 'memory and registers are read and written' '= 0x2000' '0xa5' 'Cannot access' '0x1fff7590:'
is 'a register written by gdb has its effect: the LED lights' "grep -q '\"pin\":\"PB13\",\"level\":1' '$work/events'"
debug 'compare-sections'
check 'compare-sections' 'Section .*matched'
debug 'set var $was = ticks' 'shell sleep 0.3' "$now" 'print ticks == $was' 'detach'
check 'virtual time stands still while the board is halted' '= 1'
for ((i = 0; i < 100; i++)); do debug 'print ticks > 100'; grep -q '= 1' "$work/gdb" && break; done
check 'it runs on after gdb has left' '= 1'

# Ctrl-C, and what IDEs do, need a gdb that is not in batch mode: say, and wait for what it prints.
converse() { # FD FILE [ARGUMENT]…: starts one; its pid is $talker
    local fd=$1 out=$2
    shift 2
    rm -f "$work/in"; mkfifo "$work/in"
    timeout 60 gdb-multiarch -nx -q "$@" $app <"$work/in" >"$out" 2>&1 & talker=$!
    eval "exec $fd>\"$work/in\""
}
await() { # FILE PATTERN [TIMES]
    for ((i = 0; i < 400; i++)); do [ "$(grep -c -- "$2" "$1")" -lt "${3:-1}" ] || return 0; sleep 0.05; done
}
converse 7 "$work/gdb"
printf 'set confirm off\ntarget remote localhost:%s\ncontinue\n' "$port" >&7
await "$work/gdb" Continuing
sleep 0.3
kill -INT "$(pgrep -P "$talker")"
await "$work/gdb" SIGINT
printf 'print counter > 0\ndetach\nquit\n' >&7
exec 7>&-
wait "$talker"
check 'Ctrl-C halts' 'Continuing' 'SIGINT' '= 1'

# As cortex-debug does it: launch, and a second gdb for live watch, which reads while the board runs.
converse 7 "$work/gdb" --interpreter=mi2
main=$talker
printf -- '-%s\n' 'gdb-set mi-async on' "target-select extended-remote localhost:$port" 'interpreter-exec console "monitor reset halt"' \
    target-download 'interpreter-exec console "monitor reset halt"' 'break-insert -t main' 'exec-continue --all' >&7
await "$work/gdb" 'stopped,reason="breakpoint-hit"'
converse 9 "$work/live" --interpreter=mi2
printf -- '-%s\n' 'gdb-set mi-async on' 'interpreter-exec console "set stack-cache off"' \
    'interpreter-exec console "set remote interrupt-on-connect off"' "target-select extended-remote localhost:$port" \
    'var-create - @ "counter"' >&9
await "$work/live" 'name="var1"'
printf -- '-exec-continue --all\n' >&7
await "$work/gdb" '^\*running' 2
for times in 1 2 3; do
    printf -- '-var-update --all-values *\n' >&9
    await "$work/live" 'changelist=\[{name="var1",value="[1-9]' $times
done
is 'another gdb, as of live watch, reads while the board runs' \
    "[ \$(sed -n 's/.*changelist=.*value=\"\([0-9]*\)\".*/\1/p' '$work/live' | sort -nu | wc -l) = 3 ]"
printf -- '-exec-continue\n' >&9
await "$work/live" 'only reads'
printf -- '-target-disconnect\n-gdb-exit\n' >&9
wait "$talker"
is 'but it does not debug' "grep -q 'only reads, for another gdb' '$work/live'"
printf -- '-exec-interrupt\n' >&7
await "$work/gdb" SIGINT
printf -- '-data-evaluate-expression "counter > 0"\n-target-detach\n-gdb-exit\n' >&7
exec 7>&- 9>&-
wait "$main"
check 'nor does it disturb who does' 'reset and halted' 'section=".text"' 'reset and halted' 'breakpoint-hit' 'SIGINT' 'value="1"' '\^done' '\^exit'

# A client that hangs up is gone; the board runs on.
exec 8<>"/dev/tcp/127.0.0.1/$port"
printf '$?#3f' >&8
head -c 1 <&8 >/dev/null
exec 8>&-
debug 'print ticks > 0'
check 'one that hangs up without detaching harms nothing' '= 1'
is 'and the log says so' "grep -q 'it hung up, the board runs on' '$work/log'"
exec 8<>"/dev/tcp/127.0.0.1/$port"
head -c 100000 /dev/urandom >&8 2>/dev/null
exec 8>&-
debug 'print ticks > 0'
check 'nor does rubbish' '= 1'
is 'the port is in the events' "jq -e -s 'any(.[]; .event == \"gdb\" and .port == $port)' '$work/events' >/dev/null"

# load, through erased pages; the bootloader starts what does not match its seal, because a debugger is there.
rm -f "$work/state"
build/host/vdfu --load $boot --flash "$work/state" --download build/firmware/blink.bin@0x08004000 >"$work/vdfu"
is 'an application is sealed' "grep -q '\"ok\":true' '$work/vdfu'"
board --flash "$work/state" --seed 1
debug 'load' 'compare-sections' 'tbreak main' 'monitor reset halt' 'continue' 'x/2xb 0x080047ff' 'print counter'
check 'load writes flash, and what is loaded runs under the debugger' 'Loading section' 'Transfer rate' 'matched' 'breakpoint 1, main'
debug 'print sizeof(int)' 'set var *(int *)0x08004000 = 1' 'print 7'
check 'flash is not written without load' '= 4' 'riting to flash memory forbidden' '= 7'
kill "$pid"; wait "$pid"
pid=''
build/host/vboard --flash "$work/state" --fast --for 1 --events "$work/alone" 2>/dev/null
is 'without a debugger the bootloader refuses it: the seal differs' "! grep -q handoff '$work/alone'"

# With the other ways to run.
board --load $boot --load $app --fast
debug 'set var $was = ticks' 'shell sleep 0.2' "$now" 'print ticks == $was' 'break work' 'continue' 'delete' 'watch watched' 'continue'
check 'with --fast' '= 1' 'Breakpoint 1, work' 'New value'
board --load $boot --load $app
debug "shell (sleep 1; echo quit >$work/control) &" 'continue'
check 'gdb is told of the end' 'exited normally'
pid=
board --load $boot --load $app --usbip 0
debug 'break work' 'continue' 'print counter >= 0'
check 'with --usbip' 'Breakpoint 1, work' '= 1'
[ $failed = 0 ]
