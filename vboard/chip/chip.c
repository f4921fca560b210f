/* The run loop of the machine, interrupt lines, randomness: what is left when time, bus, resets and
 * blocks have files of their own. */
#include <string.h>

#include "chip/state.h"

struct cpu *chip_cpu(struct chip *c)
{
    return c->cpu;
}

bool chip_powered(const struct chip *c)
{
    return c->mode != MODE_OFF;
}

/* splitmix64: any state is a good one, and the state is a single word. */
uint64_t chip_random(struct chip *c)
{
    uint64_t z = c->random += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

void chip_irq(struct chip *c, unsigned irq, unsigned source, bool level)
{
    uint32_t before = c->irq_sources[irq], bit = 1U << (source & 31);
    uint32_t after = level ? before | bit : before & ~bit;
    c->irq_sources[irq] = after;
    if (!before != !after)
        cpu_irq(c->cpu, irq, after != 0);
}

void chip_nmi(struct chip *c, enum nmi_source source, bool level)
{
    uint8_t before = c->nmi_sources, bit = (uint8_t)(1U << source);
    uint8_t after = level ? (uint8_t)(before | bit) : (uint8_t)(before & ~bit);
    c->nmi_sources = after;
    if (!before != !after)
        cpu_nmi(c->cpu, after != 0);
    if (before != after)
        tim_system_break(c);
}

void chip_request_reset(struct chip *c, enum chip_reset cause)
{
    if (c->mode == MODE_OFF)
        return;
    c->reset_pending |= 1U << cause;
    if (c->time.in_cpu)
        cpu_stop(c->cpu);
}

void chip_stop(struct chip *c)
{
    c->stop_requested = true;
    if (c->time.in_cpu)
        cpu_stop(c->cpu);
}

/* One call of the processor, up to the next event or, if `step`, for one instruction. */
static enum cpu_exit execute(struct chip *c, bool step)
{
    uint64_t end = time_next_cycle(c);
    c->time.in_cpu = true;
    enum cpu_exit exit = step ? cpu_step(c->cpu) : cpu_run(c->cpu, end);
    c->time.in_cpu = false;
    if (c->mode != MODE_RUN) /* power was lost meanwhile */
        return CPU_STOPPED;
    switch (exit) {
    case CPU_SLEEPING:
        if (!c->reset_pending)
            pwr_sleep(c);
        break;
    case CPU_RESETREQ: chip_request_reset(c, RESET_SOFT); break;
    default: break;
    }
    return exit;
}

/* The core is clocked but does not execute: in Sleep, or in Stop with DBG_STOP, or locked up. */
static void idle(struct chip *c, ps_t limit)
{
    uint64_t now = cpu_cycles(c->cpu), cycle = limit == PS_NEVER ? UINT64_MAX : time_cycle_at(c, limit);
    if (c->mode != MODE_RUN) {
        uint64_t core = cpu_next_wake(c->cpu);
        if (core < cycle)
            cycle = core > now ? core : now + 1;
    }
    if (cycle > now && cycle != UINT64_MAX)
        cpu_slept(c->cpu, cycle - now);
}

static ps_t earlier(ps_t a, ps_t b)
{
    return a < b ? a : b;
}

/* One turn: something executes, or time passes to the next event. */
static enum chip_exit turn(struct chip *c, ps_t until, bool step)
{
    ps_t limit = earlier(until, c->time.next_wake);
    if (!c->time.den) { /* the core has no clock: a low-power mode, or SYSCLK's source is gone */
        if (c->mode == MODE_STOP)
            pwr_stop_turn(c);
        if (c->mode == MODE_RESET && !c->nrst_low && !c->brown_out) {
            if (c->held_until <= chip_now(c)) {
                reset_end(c);
                return CHIP_TIME;
            }
            limit = earlier(limit, c->held_until);
        }
        limit = earlier(limit, c->time.next_wake);
        if (limit != PS_NEVER)
            time_move(c, limit, NULL);
        return CHIP_TIME;
    }
    switch (c->mode) {
    case MODE_RUN:
        switch (execute(c, step)) {
        case CPU_BREAK: return CHIP_BREAK;
        case CPU_LOCKUP:
            if (!c->locked_up) {
                c->locked_up = true;
                tim_system_break(c);
                return CHIP_LOCKUP;
            }
            idle(c, limit);
            break;
        default: break;
        }
        break;
    case MODE_SLEEP:
    case MODE_STOP: /* DBG_STOP */
        if (cpu_would_wake(c->cpu))
            pwr_wake(c);
        else
            idle(c, limit);
        break;
    default: break;
    }
    return CHIP_TIME;
}

static enum chip_exit run(struct chip *c, ps_t until, bool step)
{
    bool powered = c->mode != MODE_OFF;
    c->time.run_until = until;
    for (;;) {
        if (c->reset_pending && c->mode != MODE_OFF)
            reset_begin(c, (enum chip_reset)__builtin_ctz(c->reset_pending));
        time_run_events(c);
        if (c->reset_pending && c->mode != MODE_OFF)
            continue;
        if (powered && c->mode == MODE_OFF)
            return CHIP_OFF;
        powered = c->mode != MODE_OFF;
        if (c->stop_requested) {
            c->stop_requested = false;
            return CHIP_STOPPED;
        }
        if (chip_now(c) >= until)
            return CHIP_TIME;
        enum chip_exit exit = turn(c, until, step);
        if (exit != CHIP_TIME)
            return exit;
        if (step)
            until = 0; /* events that are due by now, then back */
    }
}

enum chip_exit chip_run(struct chip *c, ps_t until)
{
    return run(c, until, false);
}

enum chip_exit chip_step(struct chip *c)
{
    return run(c, PS_NEVER, true);
}
