/* What a debugger at the core does (DDI 0403E C1): halting, stepping, watchpoints, vector catch. None of
 * it costs anything while no debugger is attached: watched addresses are left out of the windows of the
 * interpreter loop, everything else is looked at between instructions. Comparators of the program's own are
 * watched in the same way. */
#include "cpu/code.h"
#include "cpu/core.h"

void cpu_debug_attach(struct cpu *cpu, bool on)
{
    cpu->debug = (struct cpu_debug){.attached = on};
    cpu->break_count = 0;
    cpu->at_break = false;
    if (on) {
        cpu_dwt_clear(cpu);
        cpu_fpb_clear(cpu);
    }
    cpu_comparators_changed(cpu);
}

void cpu_debug_halted(struct cpu *cpu, bool on)
{
    cpu->debug.halted = on;
    /* Between the stacking of an exception and the choice of its handler there is no instruction. */
    while (on && cpu->stacked)
        cpu_vector(cpu);
}

void cpu_debug_catch(struct cpu *cpu, unsigned catches)
{
    cpu->debug.catches = (uint8_t)catches;
}

void cpu_debug_step(struct cpu *cpu, bool on)
{
    cpu->debug.stepping = on;
    cpu->debug.step_depth = cpu_active_count(cpu);
    cpu->debug.stop = false;
}

enum cpu_debug_stop cpu_debug_why(const struct cpu *cpu, struct cpu_debug_hit *hit)
{
    if (hit != NULL)
        *hit = cpu->debug.hit;
    return cpu->debug.why;
}

void cpu_debug_stop(struct cpu *cpu, enum cpu_debug_stop why)
{
    if (!cpu->debug.attached)
        return;
    if (!cpu->debug.stop) /* the first reason counts */
        cpu->debug.why = why;
    cpu->debug.stop = true;
    cpu_attention(cpu);
}

/* ---- watchpoints ------------------------------------------------------------------------- */

static bool same(const struct cpu_debug_hit *a, const struct cpu_debug_hit *b)
{
    return a->addr == b->addr && a->size == b->size && a->load == b->load && a->store == b->store;
}

bool cpu_debug_watch(struct cpu *cpu, const struct cpu_debug_hit *watch, bool set)
{
    struct cpu_debug *d = &cpu->debug;
    unsigned i = 0;
    while (i < d->watch_count && !same(&d->watches[i], watch))
        i++;
    if (set && i == CPU_DEBUG_WATCHES)
        return false;
    if (!set && i == d->watch_count)
        return false;
    if (set && i == d->watch_count)
        d->watches[d->watch_count++] = *watch;
    else if (!set)
        d->watches[i] = d->watches[--d->watch_count];
    cpu_comparators_changed(cpu);
    return true;
}

void cpu_watch_hit(struct cpu *cpu, uint32_t addr, unsigned size, bool store, uint32_t value)
{
    cpu_dwt_access(cpu, addr, size, store, value);
    for (unsigned i = 0; i < cpu->debug.watch_count; i++) {
        const struct cpu_debug_hit *w = &cpu->debug.watches[i];
        if (!(store ? w->store : w->load) || addr + (size - 1) < w->addr || addr > w->addr + (w->size - 1))
            continue;
        cpu->debug.hit = *w;
        cpu_debug_stop(cpu, CPU_DEBUG_WATCH);
        return;
    }
}

bool cpu_watch_edge(const struct cpu *cpu, uint32_t addr, enum cpu_access access, uint32_t *last)
{
    bool watched = false;
    for (unsigned i = 0; i < cpu->compared_count && access != CPU_FETCH; i++) {
        const struct cpu_compared *w = &cpu->compared[i];
        if (!(access == CPU_STORE ? w->store : w->load) || w->last < addr)
            continue;
        watched = watched || w->first <= addr;
        uint32_t edge = w->first <= addr ? w->last : w->first - 1;
        *last = edge < *last ? edge : *last;
    }
    return watched;
}

void cpu_compare(struct cpu *cpu, struct cpu_compared where)
{
    cpu->compared[cpu->compared_count++] = where;
    cpu->data_compared = cpu->data_compared || where.load || where.store;
}

void cpu_comparators_changed(struct cpu *cpu)
{
    cpu->compared_count = 0;
    cpu->data_compared = false;
    for (unsigned i = 0; i < cpu->debug.watch_count; i++) {
        const struct cpu_debug_hit *w = &cpu->debug.watches[i];
        cpu_compare(cpu, (struct cpu_compared){w->addr, w->addr + (w->size - 1), false, w->load, w->store});
    }
    cpu_dwt_compare(cpu);
    cpu_fpb_compare(cpu);
    code_stops(cpu);
    code_watched(cpu);
}

/* ---- vectors, registers ------------------------------------------------------------------ */

void cpu_debug_vector(struct cpu *cpu, unsigned exc)
{
    unsigned caught = exc == EXC_RESET                     ? CPU_CATCH_RESET
                      : exc == EXC_HARD                    ? CPU_CATCH_HARD
                      : exc >= EXC_MEM && exc <= EXC_USAGE ? CPU_CATCH_FAULTS
                                                           : 0;
    if (cpu->debug.catches & caught)
        cpu_debug_stop(cpu, exc == EXC_RESET ? CPU_DEBUG_RESET : CPU_DEBUG_FAULT);
}

enum {
    C_DEBUGEN = 1 << 0,
    C_HALT = 1 << 1,
    S_REGRDY = 1 << 16,
    S_HALT = 1 << 17,
    S_SLEEP = 1 << 18,
    S_LOCKUP = 1 << 19
};

uint32_t cpu_dhcsr(const struct cpu *cpu)
{
    if (!cpu->debug.attached)
        return 0;
    return C_DEBUGEN | S_REGRDY | (cpu->debug.halted ? C_HALT | S_HALT : 0) | (cpu->sleeping ? S_SLEEP : 0) |
           (cpu->locked ? S_LOCKUP : 0);
}

/* A program cannot set C_DEBUGEN, but halt itself where a debugger has. */
void cpu_dhcsr_write(struct cpu *cpu, uint32_t value)
{
    if (value >> 16 == 0xa05f && (value & C_HALT))
        cpu_debug_stop(cpu, CPU_DEBUG_HALT);
}
