/* gdb's `monitor` commands. */
#include "gdb/priv.h"

#include <string.h>

#include "chip/machine.h"

/* Text for the user goes out in hexadecimal. */
static void print(struct gdb *g, const char *text)
{
    char hex[2048];
    size_t n = strlen(text);
    n = n < sizeof hex / 2 - 1 ? n : sizeof hex / 2 - 1;
    packet_hex(hex, text, n);
    gdb_reply(g, hex);
}

static void reset_halt(struct gdb *g)
{
    if (gdb_reset_halt(g))
        print(g, "The chip is reset and halted before its first instruction. Next: stepi, continue.\n");
    else
        print(g, "The chip does not come out of reset: is it powered, and NRST high?\n");
}

static void reset_run(struct gdb *g)
{
    chip_request_reset(g->chip, RESET_SOFT);
    cpu_debug_halted(g->cpu, false);
    cpu_debug_step(g->cpu, false);
    g->state = GDB_LOOSE;
    print(g, "The chip is reset and runs. Next: continue, or monitor halt.\n");
}

static void halt(struct gdb *g)
{
    if (g->state != GDB_HALTED)
        gdb_halt(g, SIGNAL_TRAP, "");
    gdb_reply(g, "OK");
}

static void catch_faults(struct gdb *g, unsigned catches, const char *text)
{
    g->catches = catches;
    cpu_debug_catch(g->cpu, catches);
    print(g, text);
}

static void catch_none(struct gdb *g)
{
    catch_faults(g, 0, "Faults run into their handlers.\n");
}
static void catch_hard(struct gdb *g)
{
    catch_faults(g, CPU_CATCH_HARD, "HardFault stops with SIGSEGV before its handler.\n");
}
static void catch_all(struct gdb *g)
{
    catch_faults(g, CPU_CATCH_HARD | CPU_CATCH_FAULTS,
                 "HardFault, MemManage, BusFault and UsageFault stop with SIGSEGV before their handlers.\n");
}

static void semihosting_on(struct gdb *g)
{
    g->semihosting = true;
    print(g, "Semihosting: what the program writes appears here.\n");
}

static void semihosting_off(struct gdb *g)
{
    g->semihosting = false;
    print(g, "BKPT 0xAB stops as any other.\n");
}

static void help(struct gdb *g);

static const struct {
    const char *name;
    void (*run)(struct gdb *g);
} table[] = {
    {"reset halt", reset_halt},
    {"reset init", reset_halt},
    {"reset", reset_run},
    {"reset run", reset_run},
    {"halt", halt},
    {"catch none", catch_none},
    {"catch hard", catch_hard},
    {"catch all", catch_all},
    {"arm semihosting enable", semihosting_on},
    {"arm semihosting disable", semihosting_off},
    {"semihosting enable", semihosting_on},
    {"semihosting disable", semihosting_off},
    {"help", help},
};

static void help(struct gdb *g)
{
    print(g, "reset halt   resets the chip and halts before its first instruction\n"
             "reset        resets the chip and lets it run\n"
             "halt         halts it\n"
             "catch none   faults run into their handlers\n"
             "catch hard   HardFault stops with SIGSEGV (this is so at first)\n"
             "catch all    the other faults do as well\n"
             "arm semihosting enable|disable   what the program writes by BKPT 0xAB appears here\n");
}

void gdb_monitor(struct gdb *g, const char *text, size_t size)
{
    char command[64];
    size_t n = size / 2;
    if (n >= sizeof command || size % 2 || !packet_bytes(&text, command, n)) {
        print(g, "Unknown command; monitor help lists them.\n");
        return;
    }
    while (n > 0 && command[n - 1] == ' ')
        n--;
    command[n] = '\0';
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(command, table[i].name) == 0) {
            table[i].run(g);
            return;
        }
    print(g, "Unknown command; monitor help lists them.\n");
}
