/* Touch sensing controller (RM0394 "TSC", RM0091 of the same block): an acquisition takes its time and ends,
 * for lack of a sampling capacitor, with the maximum count error in every enabled group. */
#include <string.h>

#include "chip/afpin.h"
#include "chip/regs.h"
#include "chip/state.h"
#include "chip/tsc.h"

enum { CR, IER, ICR, ISR, IOGCSR = 0x30 / 4, IOG1CR = 0x34 / 4, GROUPS = 7 };
enum { TSCE = 1, START = 2, AM = 4, SYNCPOL = 8, EOAF = 1, MCEF = 2, IRQ_TSC = 77 };

static const struct reg_row rows[] = {
    {0x00, 0, 0xFFFFF0FF}, {0x04, 0, 3},          {0x10, 0xFFFFFFFF, 0x0FFFFFFF}, {0x18, 0, 0x0FFFFFFF},
    {0x20, 0, 0x0FFFFFFF}, {0x28, 0, 0x0FFFFFFF}, {0x30, 0, 0x0000007F},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static uint32_t maximum(const struct tsc_state *s)
{
    uint32_t mcv = bits(s->r[CR], 5, 3);

    return (256u << (mcv > 6 ? 6 : mcv)) - 1;
}

static void interrupt(struct chip *c)
{
    chip_irq(c, IRQ_TSC, B_TSC, c->tsc.r[ISR] & c->tsc.r[IER]);
}

void tsc_reset(struct chip *c, unsigned index)
{
    (void)index;
    c->tsc = (struct tsc_state){0};
    regs_reset(c->tsc.r, rows, ROWS);
    interrupt(c);
}

bool tsc_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    (void)index;
    *value = off < sizeof c->tsc.r ? lanes_get(c->tsc.r[off / 4], off, size) : 0;
    return true;
}

static void acquire(struct chip *c)
{
    struct tsc_state *s = &c->tsc;
    uint32_t hz = chip_clock(c, CLK_HCLK) >> bits(s->r[CR], 12, 3);
    uint64_t cycle = bits(s->r[CR], 28, 4) + 1u + bits(s->r[CR], 24, 4) + 1u;
    ps_t time = chip_ticks_to_ps(cycle * maximum(s), hz);

    s->waits = false;
    chip_wake_at(c, B_TSC, time == PS_NEVER ? PS_NEVER : chip_now(c) + time);
}

/* Synchronized, it begins with a falling edge at TSC_SYNC, or a rising edge "and high level". */
static void start(struct chip *c)
{
    struct tsc_state *s = &c->tsc;

    s->r[IOGCSR] &= 0x7F;
    memset(&s->r[IOG1CR], 0, GROUPS * sizeof s->r[0]);
    s->waits = s->r[CR] & AM;
    if (!s->waits || (s->r[CR] & SYNCPOL && af_in(c, AF_TSC_SYNC, false)))
        acquire(c);
}

void tsc_sync(struct chip *c, bool level)
{
    if (c->tsc.waits && chip_enabled(c, B_TSC) && level == !!(c->tsc.r[CR] & SYNCPOL))
        acquire(c);
}

void tsc_event(struct chip *c, unsigned index)
{
    struct tsc_state *s = &c->tsc;

    (void)index;
    for (unsigned g = 0; g < GROUPS; g++)
        if (s->r[IOGCSR] >> g & 1)
            s->r[IOG1CR + g] = maximum(s);
    s->r[CR] &= ~(uint32_t)START;
    s->r[ISR] |= EOAF | (s->r[IOGCSR] & 0x7F ? MCEF : 0);
    interrupt(c);
}

bool tsc_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct tsc_state *s = &c->tsc;

    (void)index;
    if (off >= sizeof s->r)
        return true;
    value = lanes_put(s->r[off / 4], off, size, value);
    bool was_running = s->r[CR] & START;
    switch (off / 4) {
    case ICR: s->r[ISR] &= ~(value & 3); break;
    case ISR: break;
    default: regs_write(s->r, rows, ROWS, off & ~3u, value); break;
    }
    if (!(s->r[CR] & TSCE))
        s->r[CR] &= ~(uint32_t)START;
    if (s->r[CR] & START && !was_running) {
        start(c);
    } else if (!(s->r[CR] & START)) {
        s->waits = false;
        chip_wake_at(c, B_TSC, PS_NEVER);
    }
    interrupt(c);
    return true;
}
