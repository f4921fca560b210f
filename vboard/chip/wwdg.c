/* System window watchdog (RM0394 "WWDG"): T counts PCLK1 / 4096 / 2^WDGTB down, whether WDGA is set or
 * not. With WDGA the chip is reset when T6 falls or T is written while it is above W. EWIF at 0x40.
 * A write of T restarts the prescaler here, so that the manual's formula is exact; on the chip the
 * time may be up to one step shorter. */
#include "chip/wwdg.h"
#include "chip/state.h"

enum { CR = 0x00, CFR = 0x04, SR = 0x08 };
enum { CR_WDGA = 1 << 7, CFR_EWI = 1 << 9, SR_EWIF = 1, T6 = 0x40 };
enum { IRQ_WWDG = 0, OPTR_WWDG_SW = 1 << 19 };

static uint32_t divider(const struct wwdg_state *s)
{
    return 4096u << bits(s->cfr, 7, 2);
}

/* Armed from reset on by option byte. */
static bool hardware(const struct chip *c)
{
    return !(flash_loaded_optr(c) & OPTR_WWDG_SW);
}

static void interrupt(struct chip *c)
{
    chip_irq(c, IRQ_WWDG, B_WWDG, (c->wwdg.cfr & CFR_EWI) && c->wwdg.sr);
}

/* Steps until T next becomes `value`, 1..128. */
static uint32_t steps_to(const struct wwdg_state *s, uint32_t value)
{
    return (s->t - value + 0x7F) % 0x80 + 1;
}

static void settle(struct chip *c)
{
    struct wwdg_state *s = &c->wwdg;
    uint64_t all = s->prescaler + lazy_take(&s->pclk, chip_now(c)), steps = all / divider(s);
    if (!steps) {
        s->prescaler = (uint32_t)all;
        return;
    }
    s->prescaler = (uint32_t)(all % divider(s));
    if (steps >= steps_to(s, T6)) {
        s->sr |= SR_EWIF;
        interrupt(c);
    }
    if (s->cr & CR_WDGA && steps >= steps_to(s, T6 - 1))
        chip_request_reset(c, RESET_WWDG);
    s->t = (uint32_t)(s->t - steps) & 0x7F;
}

static void schedule(struct chip *c)
{
    struct wwdg_state *s = &c->wwdg;
    uint32_t steps = 0;

    if (s->cfr & CFR_EWI && !s->sr)
        steps = steps_to(s, T6);
    if (s->cr & CR_WDGA && (!steps || steps_to(s, T6 - 1) < steps))
        steps = steps_to(s, T6 - 1);
    chip_wake_at(c, B_WWDG,
                 steps ? lazy_when(&s->pclk, (uint64_t)steps * divider(s) - s->prescaler) : PS_NEVER);
}

/* WWDGEN gives the clock; the hardware watchdog of the option byte has it always. */
static void take_clock(struct chip *c)
{
    bool on = chip_enabled(c, B_WWDG) || (hardware(c) && c->mode == MODE_RUN);

    lazy_retime(&c->wwdg.pclk, chip_now(c), on ? chip_clock(c, CLK_PCLK1) : 0);
}

void wwdg_reset(struct chip *c, unsigned index)
{
    (void)index;
    c->wwdg = (struct wwdg_state){.cr = hardware(c) ? CR_WDGA : 0, .cfr = 0x7F, .t = 0x7F};
    take_clock(c);
    interrupt(c);
    schedule(c);
}

void wwdg_event(struct chip *c, unsigned index)
{
    (void)index;
    settle(c);
    schedule(c);
}

void wwdg_clock(struct chip *c, unsigned index, bool after)
{
    (void)index;
    if (!after) {
        settle(c);
    } else {
        take_clock(c);
        schedule(c);
    }
}

bool wwdg_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    const struct wwdg_state *s = &c->wwdg;
    uint32_t word = 0;

    (void)index;
    settle(c);
    switch (off & ~3u) {
    case CR: word = s->cr | s->t; break;
    case CFR: word = s->cfr; break;
    case SR: word = s->sr; break;
    }
    *value = lanes_get(word, off, size);
    return true;
}

static void write_cr(struct chip *c, uint32_t value)
{
    struct wwdg_state *s = &c->wwdg;

    if (s->cr & CR_WDGA && s->t > bits(s->cfr, 0, 7))
        chip_request_reset(c, RESET_WWDG); /* too early */
    s->cr |= value & CR_WDGA;
    s->t = value & 0x7F;
    s->prescaler = 0;
    if (s->cr & CR_WDGA && !(s->t & T6))
        chip_request_reset(c, RESET_WWDG);
}

bool wwdg_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct wwdg_state *s = &c->wwdg;

    (void)index;
    value = lanes_apb(size, value);
    settle(c);
    switch (off & ~3u) {
    case CR: write_cr(c, value); break;
    case CFR: s->cfr = (value & 0x3FF) | (s->cfr & CFR_EWI); break; /* EWI is only cleared by reset */
    case SR: s->sr &= value; break;
    }
    interrupt(c);
    schedule(c);
    return true;
}
