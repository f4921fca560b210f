/* The gdb server from its beginning to its end, and what the board does meanwhile: halts, runs, resets. */
#include "gdb/priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "board.h"
#include "chip/machine.h"

#define RESET_NS 20000000U /* by then a chip that is powered and whose NRST is high runs */

/* ---- halting and running ----------------------------------------------------------------- */

void gdb_halt(struct gdb *g, unsigned signal, const char *more)
{
    cpu_debug_halted(g->cpu, true);
    g->state = GDB_HALTED;
    g->in_range = g->before_bkpt = false;
    (void)snprintf(g->stop, sizeof g->stop, "T%02x%sthread:1;", signal, more);
}

/* A BKPT of the firmware's has stopped the core before it; going on is behind it, as with a
 * probe, unless gdb has overwritten it meanwhile. */
static bool skip_bkpt(struct gdb *g)
{
    uint32_t pc = cpu_reg(g->cpu, CPU_PC);
    uint8_t bytes[2];
    bool skip = g->before_bkpt && chip_peek(g->chip, pc, bytes, 2) && bytes[1] == 0xbe;
    if (skip)
        cpu_set_reg(g->cpu, CPU_PC, pc + 2);
    g->before_bkpt = false;
    return skip;
}

static void run(struct gdb *g, bool step, enum gdb_state state)
{
    cpu_debug_halted(g->cpu, false);
    cpu_debug_step(g->cpu, step);
    g->stepping = step;
    g->synchronize = false;
    g->state = state;
}

void gdb_resume(struct gdb *g, bool step)
{
    if (step && g->synchronize) {
        g->synchronize = false;
        gdb_reply(g, "T05thread:1;");
    } else if (skip_bkpt(g) && step) {
        gdb_halt(g, SIGNAL_TRAP, "");
        gdb_reply(g, g->stop);
    } else {
        run(g, step, GDB_RUNNING);
    }
}

void gdb_let_go(struct gdb *g)
{
    (void)skip_bkpt(g);
    run(g, false, g->state == GDB_RUNNING ? GDB_RUNNING : GDB_LOOSE);
}

bool gdb_reset_halt(struct gdb *g)
{
    cpu_debug_halted(g->cpu, false);
    cpu_debug_step(g->cpu, false);
    cpu_debug_catch(g->cpu, g->catches | CPU_CATCH_RESET);
    chip_request_reset(g->chip, RESET_SOFT);
    enum vboard_stop stop;
    do /* whatever else stops it is before the reset */
        stop = vboard_run(g->b, RESET_NS, NULL, NULL);
    while (stop == VB_BREAK && cpu_debug_why(g->cpu, NULL) != CPU_DEBUG_RESET);
    cpu_debug_catch(g->cpu, g->catches);
    gdb_halt(g, SIGNAL_TRAP, "");
    return stop == VB_BREAK;
}

static void describe_stop(struct gdb *g, enum vboard_stop stop)
{
    struct cpu_debug_hit hit;
    char more[32];
    switch (stop == VB_LOCKUP ? CPU_DEBUG_FAULT : cpu_debug_why(g->cpu, &hit)) {
    case CPU_DEBUG_FAULT: gdb_halt(g, SIGNAL_SEGV, ""); break;
    case CPU_DEBUG_WATCH:
        (void)snprintf(more, sizeof more, "%s:%x;",
                       hit.load && hit.store ? "awatch"
                       : hit.load            ? "rwatch"
                                             : "watch",
                       hit.addr);
        gdb_halt(g, SIGNAL_TRAP, more);
        break;
    default: gdb_halt(g, SIGNAL_TRAP, ""); break;
    }
}

bool gdb_stopped(struct gdb *g, enum vboard_stop stop)
{
    if (g->state == GDB_AWAY || g->state == GDB_HALTED)
        return g->state == GDB_HALTED;
    g->now = g->debugger;
    uint32_t pc = cpu_reg(g->cpu, 15);
    if (g->in_range && stop == VB_BREAK && cpu_debug_why(g->cpu, NULL) == CPU_DEBUG_STEP &&
        pc >= g->range_lo && pc < g->range_hi) {
        cpu_debug_step(g->cpu, true);
        return true;
    }
    bool served = stop == VB_BREAK && gdb_semihosting(g);
    if (served && (!g->stepping || g->in_range)) {
        cpu_debug_step(g->cpu, g->in_range);
        return true;
    }
    bool told = g->state == GDB_RUNNING;
    describe_stop(g, stop);
    g->before_bkpt = stop == VB_BREAK && !served && cpu_debug_why(g->cpu, NULL) == CPU_DEBUG_BKPT;
    if (told)
        gdb_reply(g, g->stop);
    return true;
}

bool gdb_halted(const struct gdb *g)
{
    return g->state == GDB_HALTED;
}

bool gdb_hurries(const struct gdb *g)
{
    return g->state == GDB_HALTED || g->in_range;
}

/* ---- whose the board is ------------------------------------------------------------------ */

/* Who debugs a protected chip would see less: in level 1 main flash is "totally inaccessible" to a debugger,
 * in level 2 there is no debugging (RM0394 "Read protection (RDP)"). */
static void warn_of_protection(struct gdb *g)
{
    uint32_t optr;
    if (chip_peek(g->chip, 0x40022020, &optr, sizeof optr) && (optr & 0xFF) != 0xAA)
        gdb_say(g, "read protection (RDP) is on: a real chip would shut gdb out, this one does not");
}

bool gdb_attach(struct gdb *g)
{
    if (g->debugger == NULL) {
        g->debugger = g->now;
        cpu_debug_attach(g->cpu, true);
        g->semihosting = g->stepping = g->synchronize = false;
        g->catches = CPU_CATCH_HARD;
        cpu_debug_catch(g->cpu, g->catches);
        gdb_halt(g, SIGNAL_TRAP, "");
        gdb_say(g, "gdb %s is attached, the board is halted", g->now->name);
        warn_of_protection(g);
    }
    return g->debugger == g->now;
}

void gdb_detach(struct gdb *g)
{
    if (g->debugger == NULL)
        return;
    (void)skip_bkpt(g);
    cpu_debug_attach(g->cpu, false);
    g->state = GDB_AWAY;
    g->debugger = NULL;
    free(g->flash);
    g->flash = NULL;
}

/* ---- life cycle -------------------------------------------------------------------------- */

struct gdb *gdb_open(struct vboard *b, const struct gdb_config *config, char *error, size_t error_size)
{
    int fd = net_listen("gdb", "127.0.0.1", config->port, GDB_CLIENTS, error, error_size);
    if (fd < 0)
        return NULL;
    struct gdb *g = calloc(1, sizeof *g);
    if (g == NULL) {
        (void)snprintf(error, error_size, "out of memory");
        (void)close(fd);
        return NULL;
    }
    g->b = b;
    g->chip = board_chip(b);
    g->cpu = chip_cpu(g->chip);
    g->config = *config;
    g->listener = fd;
    g->port = net_port(fd);
    for (unsigned i = 0; i < GDB_CLIENTS; i++)
        g->clients[i].fd = -1;
    return g;
}

uint16_t gdb_port(const struct gdb *g)
{
    return g->port;
}

void gdb_close(struct gdb *g, int status)
{
    if (g == NULL)
        return;
    if (g->state == GDB_RUNNING) {
        char text[8];
        (void)snprintf(text, sizeof text, "W%02x", (unsigned)status & 0xff);
        g->now = g->debugger;
        gdb_reply(g, text);
    }
    gdb_detach(g);
    for (unsigned i = 0; i < GDB_CLIENTS; i++)
        if (g->clients[i].fd >= 0)
            (void)close(g->clients[i].fd);
    (void)close(g->listener);
    free(g);
}
