/* The data watchpoint and trace unit: cycle counter, profiling counters and four comparators, which raise
 * debug events. Packets, which the ITM would send, are not made. DDI 0403E C1.8, DDI 0439 chapter 9. */
#include "cpu/core.h"

#include <string.h>

enum {
    CTRL_CYCCNTENA = 1,
    CTRL_WRITABLE = 0x007f1fff,
    CTRL_NUMCOMP = DWT_COMPARATORS << 28,
    CTRL_EVTENA = 17 /* the first bit of those that switch the counters on, CPIEVTENA */
};
enum {
    FUNCTION = 0xf,
    FUNCTION_CYCMATCH = 1 << 7,   /* comparator 0 */
    FUNCTION_DATAVMATCH = 1 << 8, /* comparator 1, like the next three */
    FUNCTION_LNK1ENA = 1 << 9,
    FUNCTION_DATAVSIZE = 10,
    FUNCTION_DATAVADDR0 = 12,
    FUNCTION_DATAVADDR1 = 16,
    FUNCTION_MATCHED = 1 << 24
};
static const uint32_t function_writable[DWT_COMPARATORS] = {0xaf, 0xffd2f, 0x2f, 0x2f};

/* What a comparator with this FUNCTION looks at, and whether a match is a debug event. The others trace, or
 * trigger the ETM: all that shows here is MATCHED. */
enum { PC = 1, LOAD = 2, STORE = 4, EVENT = 8 };
static const uint8_t functions[16] = {
    0,          LOAD | STORE, LOAD | STORE,  LOAD | STORE,
    PC | EVENT, LOAD | EVENT, STORE | EVENT, LOAD | STORE | EVENT,
    PC,         LOAD,         STORE,         LOAD | STORE,
    LOAD,       STORE,        LOAD,          STORE,
};

void cpu_dwt_power_on(struct cpu *cpu)
{
    cpu->dwt_ctrl = cpu->dwt_cyccnt = 0;
    cpu->dwt_cycle = cpu_now(cpu);
    cpu->dwt_match = UINT64_MAX;
    memset(cpu->dwt_count, 0, sizeof cpu->dwt_count);
    memset(cpu->dwt_comp, 0, sizeof cpu->dwt_comp);
}

void cpu_dwt_clear(struct cpu *cpu)
{
    for (unsigned n = 0; n < DWT_COMPARATORS; n++)
        cpu->dwt_comp[n].function = 0;
    cpu_dwt_schedule(cpu);
}

/* ---- counters ---------------------------------------------------------------------------- */

static bool trace(const struct cpu *cpu)
{
    return cpu->demcr & DEMCR_TRCENA;
}

static bool cyccnt_runs(const struct cpu *cpu)
{
    return trace(cpu) && (cpu->dwt_ctrl & CTRL_CYCCNTENA);
}

static uint32_t cyccnt(const struct cpu *cpu)
{
    return cpu->dwt_cyccnt + (cyccnt_runs(cpu) ? (uint32_t)(cpu_now(cpu) - cpu->dwt_cycle) : 0);
}

/* In the order of their registers and enable bits: CPICNT, EXCCNT, SLEEPCNT, LSUCNT, FOLDCNT. Cycles of loads
 * and stores are told as CPICNT's, and so are those that folding saves: it falls there. So instructions are
 * cycles less all these. */
static uint32_t total(const struct cpu *cpu, unsigned n)
{
    uint64_t instructions = cpu->instructions + cpu->unretired;
    switch (n) {
    case 0: return (uint32_t)(cpu_now(cpu) - instructions) - cpu->exception_cycles - cpu->slept;
    case 1: return cpu->exception_cycles;
    case 2: return cpu->slept;
    default: return 0;
    }
}

static bool counts(const struct cpu *cpu, unsigned n)
{
    return trace(cpu) && cpu->dwt_ctrl >> (CTRL_EVTENA + n) & 1;
}

static uint32_t counter(const struct cpu *cpu, unsigned n)
{
    return (cpu->dwt_count[n].value + (counts(cpu, n) ? total(cpu, n) - cpu->dwt_count[n].since : 0)) & 0xff;
}

void cpu_dwt_settle(struct cpu *cpu)
{
    cpu->dwt_cyccnt = cyccnt(cpu);
    cpu->dwt_cycle = cpu_now(cpu);
    for (unsigned n = 0; n < DWT_COUNTERS; n++) {
        cpu->dwt_count[n].value = counter(cpu, n);
        cpu->dwt_count[n].since = total(cpu, n);
    }
}

/* A counter begins at 0 when it is switched on. */
static void write_ctrl(struct cpu *cpu, uint32_t value)
{
    uint32_t on = value & ~cpu->dwt_ctrl;
    for (unsigned n = 0; n < DWT_COUNTERS; n++)
        if (on >> (CTRL_EVTENA + n) & 1)
            cpu->dwt_count[n].value = 0;
    cpu->dwt_ctrl = value & CTRL_WRITABLE;
}

/* ---- registers --------------------------------------------------------------------------- */

static uint32_t read_comparator(struct cpu *cpu, unsigned n, unsigned which, bool effects)
{
    struct dwt_comparator *c = &cpu->dwt_comp[n];
    uint32_t function = c->function | (n == 1 ? FUNCTION_LNK1ENA : 0);
    switch (which) {
    case 0: return c->comp;
    case 4: return c->mask;
    case 8:
        if (effects)
            c->function &= ~(uint32_t)FUNCTION_MATCHED;
        return function;
    default: return 0;
    }
}

uint32_t cpu_dwt_read(struct cpu *cpu, uint32_t addr, bool effects)
{
    uint32_t at = addr & 0xfff;
    if (at >= 0x20)
        return at < 0x60 ? read_comparator(cpu, (at - 0x20) / 16, at & 0xf, effects) : 0;
    switch (at) {
    case 0x00: return CTRL_NUMCOMP | cpu->dwt_ctrl;
    case 0x04: return cyccnt(cpu);
    case 0x1c: return trace(cpu) && !cpu->debug.halted ? cpu->r[15] : UINT32_MAX; /* PCSR */
    default: return counter(cpu, (at - 8) / 4);
    }
}

/* MASK has four bits (DDI 0439 9.3). */
static void write_comparator(struct cpu *cpu, unsigned n, unsigned which, uint32_t value)
{
    struct dwt_comparator *c = &cpu->dwt_comp[n];
    switch (which) {
    case 0: c->comp = value; break;
    case 4: c->mask = value & 0xf; break;
    case 8: c->function = (c->function & FUNCTION_MATCHED) | (value & function_writable[n]); break;
    default: break;
    }
    cpu_comparators_changed(cpu);
}

void cpu_dwt_write(struct cpu *cpu, uint32_t addr, uint32_t value)
{
    uint32_t at = addr & 0xfff;
    cpu_dwt_settle(cpu);
    if (at >= 0x60)
        return;
    if (at >= 0x20)
        write_comparator(cpu, (at - 0x20) / 16, at & 0xf, value);
    else if (at == 0x00)
        write_ctrl(cpu, value);
    else if (at == 0x04)
        cpu->dwt_cyccnt = value;
    else if (at < 0x1c)
        cpu->dwt_count[(at - 8) / 4].value = value & 0xff;
    cpu_dwt_schedule(cpu);
}

/* ---- comparators ------------------------------------------------------------------------- */

/* A comparator of data values has the addresses from one or two others, which then do nothing else, or looks
 * at all of them: it is linked to itself. */
static unsigned link(const struct cpu *cpu, unsigned shift)
{
    return cpu->dwt_comp[1].function >> shift & 0xf;
}

static bool gives_address(const struct cpu *cpu, unsigned n)
{
    return (cpu->dwt_comp[1].function & FUNCTION_DATAVMATCH) && n != 1 &&
           (link(cpu, FUNCTION_DATAVADDR0) == n || link(cpu, FUNCTION_DATAVADDR1) == n);
}

static unsigned looks_at(const struct cpu *cpu, unsigned n)
{
    uint32_t function = cpu->dwt_comp[n].function;
    unsigned what = functions[function & FUNCTION];
    if (!trace(cpu) || (function & FUNCTION_CYCMATCH) || gives_address(cpu, n))
        return 0;
    return function & FUNCTION_DATAVMATCH ? what & ~(unsigned)PC : what;
}

/* Where the address may match, and more: what is decided below is whether it does. */
static void compare(struct cpu *cpu, unsigned n, unsigned what)
{
    uint32_t ignored = ((1u << cpu->dwt_comp[n].mask) - 1) | 3, comp = cpu->dwt_comp[n].comp;
    cpu_compare(cpu,
                (struct cpu_compared){comp & ~ignored, comp | ignored, what & PC, what & LOAD, what & STORE});
}

void cpu_dwt_compare(struct cpu *cpu)
{
    for (unsigned n = 0; n < DWT_COMPARATORS; n++) {
        unsigned what = looks_at(cpu, n);
        if (what == 0)
            continue;
        if (!(cpu->dwt_comp[n].function & FUNCTION_DATAVMATCH)) {
            compare(cpu, n, what);
            continue;
        }
        for (unsigned shift = FUNCTION_DATAVADDR0; shift <= FUNCTION_DATAVADDR1; shift += 4) {
            unsigned k = link(cpu, shift);
            if (k == n)
                cpu_compare(cpu, (struct cpu_compared){0, UINT32_MAX, false, what & LOAD, what & STORE});
            else if (k < DWT_COMPARATORS)
                compare(cpu, k, what);
        }
    }
}

/* The address without the bits that MASK tells to ignore; COMP anywhere in what the access touches. */
static bool address_matches(const struct dwt_comparator *c, uint32_t addr, unsigned size)
{
    return (((addr & ~0u << c->mask) ^ c->comp) & ~(size - 1)) == 0;
}

/* The value is one of the bytes, halfwords or words of the access; COMP holds it in all its lanes. */
static bool value_matches(const struct dwt_comparator *c, unsigned size, uint32_t value)
{
    unsigned log = c->function >> FUNCTION_DATAVSIZE & 3, bytes = 1u << log;
    if (log == 3)
        return false;
    for (unsigned at = 0; at + bytes <= size; at += bytes)
        if (((value >> 8 * at ^ c->comp) & UINT32_MAX >> (32 - 8 * bytes)) == 0)
            return true;
    return false;
}

static bool link_matches(const struct cpu *cpu, unsigned shift, uint32_t addr, unsigned size)
{
    unsigned k = link(cpu, shift);
    return k == 1 || (k < DWT_COMPARATORS && address_matches(&cpu->dwt_comp[k], addr, size));
}

static void matched(struct cpu *cpu, unsigned n, bool event)
{
    cpu->dwt_comp[n].function |= FUNCTION_MATCHED;
    if (event)
        cpu_debug_event(cpu, DFSR_DWTTRAP);
}

void cpu_dwt_access(struct cpu *cpu, uint32_t addr, unsigned size, bool store, uint32_t value)
{
    for (unsigned n = 0; n < DWT_COMPARATORS; n++) {
        const struct dwt_comparator *c = &cpu->dwt_comp[n];
        unsigned what = looks_at(cpu, n);
        if (!(what & (store ? STORE : LOAD)))
            continue;
        if (c->function & FUNCTION_DATAVMATCH ? (link_matches(cpu, FUNCTION_DATAVADDR0, addr, size) ||
                                                 link_matches(cpu, FUNCTION_DATAVADDR1, addr, size)) &&
                                                    value_matches(c, size, value)
                                              : address_matches(c, addr, size))
            matched(cpu, n, what & EVENT);
    }
}

void cpu_dwt_executes(struct cpu *cpu, uint32_t pc)
{
    for (unsigned n = 0; n < DWT_COMPARATORS; n++) {
        unsigned what = looks_at(cpu, n);
        if ((what & PC) && address_matches(&cpu->dwt_comp[n], pc, 1))
            matched(cpu, n, what & EVENT);
    }
}

/* ---- the cycle counter's comparator ------------------------------------------------------ */

void cpu_dwt_schedule(struct cpu *cpu)
{
    const struct dwt_comparator *c = &cpu->dwt_comp[0];
    uint32_t left = c->comp - cyccnt(cpu);
    bool on = cyccnt_runs(cpu) && (c->function & FUNCTION_CYCMATCH) && (c->function & FUNCTION) &&
              !gives_address(cpu, 0);
    cpu->dwt_match = on ? cpu_now(cpu) + (left != 0 ? left : UINT64_C(1) << 32) : UINT64_MAX;
}

void cpu_dwt_update(struct cpu *cpu)
{
    if (cpu_now(cpu) < cpu->dwt_match)
        return;
    cpu->dwt_match += UINT64_C(1) << 32;
    matched(cpu, 0, (cpu->dwt_comp[0].function & FUNCTION) == 4);
}
