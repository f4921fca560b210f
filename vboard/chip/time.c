/* Virtual time: cycles of the core to picoseconds and back across changes of HCLK, and the events that
 * blocks and outside parties have announced. The period is a fraction in lowest terms, so nothing
 * drifts: only a change of HCLK rounds, by less than a picosecond. */
#include "chip/state.h"

__extension__ typedef unsigned __int128 u128;

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* a * b / d without overflow of the product; saturates. */
static uint64_t mul_div(uint64_t a, uint64_t b, uint64_t d, bool up)
{
    uint64_t low;
    if (!__builtin_mul_overflow(a, b, &low) && low <= UINT64_MAX - (d - 1))
        return (low + (up ? d - 1 : 0)) / d;
    u128 q = ((u128)a * b + (up ? d - 1 : 0)) / d;
    return q > UINT64_MAX ? UINT64_MAX : (uint64_t)q;
}

ps_t chip_ticks_to_ps(uint64_t ticks, uint32_t hz)
{
    return hz ? mul_div(ticks, PS_PER_S, hz, true) : PS_NEVER;
}

uint64_t chip_ps_to_ticks(ps_t ps, uint32_t hz)
{
    return mul_div(ps, hz, PS_PER_S, false);
}

static ps_t core_time(const struct chip *c)
{
    const struct chip_time *t = &c->time;
    if (!t->den)
        return t->base;
    return t->base + mul_div(cpu_cycles(c->cpu) - t->base_cycle, t->num, t->den, false);
}

ps_t chip_now(const struct chip *c)
{
    return c->time.in_event ? c->time.event_now : core_time(c);
}

void time_set_rate(struct chip *c, uint32_t hclk)
{
    struct chip_time *t = &c->time;
    t->base = core_time(c);
    t->base_cycle = cpu_cycles(c->cpu);
    uint64_t g = hclk ? gcd(PS_PER_S, hclk) : 1;
    t->num = PS_PER_S / g;
    t->den = hclk / g;
    if (t->in_cpu)
        cpu_until(c->cpu, time_next_cycle(c));
}

/* The cycle at which the processor has to be left: the next event, or the end of the run. */
uint64_t time_next_cycle(struct chip *c)
{
    struct chip_time *t = &c->time;
    t->due_cycle = time_cycle_at(c, t->run_until < t->next_wake ? t->run_until : t->next_wake);
    return t->due_cycle;
}

uint64_t time_cycle_at(const struct chip *c, ps_t when)
{
    const struct chip_time *t = &c->time;
    if (when <= t->base || !t->den)
        return t->base_cycle;
    uint64_t n = mul_div(when - t->base, t->den, t->num, true);
    return n > UINT64_MAX - t->base_cycle ? UINT64_MAX : t->base_cycle + n;
}

/* Keeps the products small, exactly: whole periods of the fraction move from the cycles to the base. */
static void settle(struct chip *c)
{
    struct chip_time *t = &c->time;
    uint64_t cycles = cpu_cycles(c->cpu) - t->base_cycle;
    if (!t->den || cycles < t->den || cycles < 1U << 20)
        return;
    uint64_t whole = cycles / t->den;
    t->base += whole * t->num;
    t->base_cycle += whole * t->den;
}

void time_move(struct chip *c, ps_t to, void (*spend)(struct cpu *cpu, uint64_t cycles))
{
    struct chip_time *t = &c->time;
    if (!t->den) {
        if (to > t->base)
            t->base = to;
        return;
    }
    settle(c);
    uint64_t cycle = time_cycle_at(c, to), now = cpu_cycles(c->cpu);
    if (cycle > now)
        spend(c->cpu, cycle - now);
}

/* ---- events ---- */

static void find_next(struct chip_time *t)
{
    ps_t next = PS_NEVER;
    for (unsigned i = 0; i < WAKE_COUNT; i++)
        if (t->wake[i] < next)
            next = t->wake[i];
    t->next_wake = next;
}

static void wake_at(struct chip *c, unsigned slot, ps_t when)
{
    struct chip_time *t = &c->time;
    ps_t before = t->wake[slot], now = chip_now(c);
    if (when < now)
        when = now;
    t->wake[slot] = when;
    if (when < t->next_wake) {
        t->next_wake = when;
        if (t->in_cpu && when < t->run_until)
            cpu_until(c->cpu, time_next_cycle(c));
    } else if (before == t->next_wake) {
        find_next(t);
    }
}

void chip_wake_at(struct chip *c, enum block_id id, ps_t when)
{
    wake_at(c, id, when);
}

void chip_outside_wake(struct chip *c, enum chip_outside slot, ps_t when, void (*fn)(void *arg), void *arg)
{
    c->outside[slot] = (struct chip_outside_slot){fn, arg};
    wake_at(c, BLOCK_COUNT + slot, when);
}

/* The earliest event; blocks in table order, then the outside, where several are due together. */
static void run_one(struct chip *c)
{
    struct chip_time *t = &c->time;
    unsigned slot = 0;
    while (t->wake[slot] != t->next_wake)
        slot++;
    bool nested = t->in_event;
    ps_t outer = t->event_now;
    t->event_now = nested && outer > t->next_wake ? outer : t->next_wake;
    t->in_event = true;
    t->wake[slot] = PS_NEVER;
    find_next(t);
    if (slot < BLOCK_COUNT)
        chip_blocks[slot].event(c, chip_blocks[slot].index);
    else
        c->outside[slot - BLOCK_COUNT].fn(c->outside[slot - BLOCK_COUNT].arg);
    t->in_event = nested;
}

void time_run_events(struct chip *c)
{
    ps_t now = chip_now(c);
    while (c->time.next_wake <= now && !c->reset_pending)
        run_one(c);
}

void chip_stall_until(struct chip *c, ps_t until)
{
    while (c->time.next_wake <= until && !c->reset_pending && c->mode == MODE_RUN) {
        time_move(c, c->time.next_wake, cpu_add_cycles);
        run_one(c);
    }
    if (!c->reset_pending && c->mode == MODE_RUN)
        time_move(c, until, cpu_add_cycles);
}
