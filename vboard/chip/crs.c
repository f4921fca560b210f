/* Clock recovery system (RM0394 "CRS"): compares HSI48 with a synchronization signal, reports the error
 * and trims. This chip's HSI48 is off by HSI48_ERROR in the middle of TRIM and moves HSI48_STEP with
 * each step, which the CRS alone sees: chip_clock(CLK_HSI48) stays 48 MHz. */
#include "chip/crs.h"
#include "chip/regs.h"
#include "chip/state.h"

enum { CR = 0x00, CFGR = 0x04, ISR = 0x08, ICR = 0x0C };
enum { CR_CEN = 1 << 5, CR_AUTOTRIMEN = 1 << 6, CR_SWSYNC = 1 << 7, CR_IE = 0xF, CR_BITS = 0x3F6F };
enum {
    ISR_SYNCOK = 1,
    ISR_SYNCWARN = 2,
    ISR_ERR = 4,
    ISR_ESYNC = 8,
    ISR_SYNCERR = 1 << 8,
    ISR_SYNCMISS = 1 << 9,
    ISR_TRIMOVF = 1 << 10,
    ISR_FEDIR = 1 << 15
};
#define CFGR_BITS 0xB7FFFFFFu
enum { IRQ_CRS = 82, TRIM_MIDDLE = 32 };
enum { HSI48_ERROR = -96000, HSI48_STEP = 67200 }; /* Hz: -0.2 %, 0.14 % a step (DS11449: 0.11-0.18) */

static uint32_t trim(const struct crs_state *s)
{
    return bits(s->cr, 8, 6);
}

static uint32_t hsi48(const struct chip *c)
{
    uint32_t hz = chip_enabled(c, B_CRS) ? chip_clock(c, CLK_HSI48) : 0;

    return hz ? (uint32_t)((int32_t)hz + HSI48_ERROR + ((int32_t)trim(&c->crs) - TRIM_MIDDLE) * HSI48_STEP)
              : 0;
}

static uint32_t reload(const struct crs_state *s)
{
    return bits(s->cfgr, 0, 16);
}

static uint32_t error_limit(const struct crs_state *s)
{
    return 128 * bits(s->cfgr, 16, 8);
}

static void interrupt(struct chip *c)
{
    const struct crs_state *s = &c->crs;

    chip_irq(c, IRQ_CRS, B_CRS, s->isr & s->cr & CR_IE);
}

/* HSI48 periods since the counter was reloaded: it goes down to zero, then up to the error limit. */
static uint64_t counted(const struct chip *c)
{
    return chip_ps_to_ticks(chip_now(c) - c->crs.since, hsi48(c));
}

static bool from_lse(const struct crs_state *s)
{
    return s->cr & CR_CEN && bits(s->cfgr, 28, 2) == CRS_LSE;
}

static void schedule(struct chip *c)
{
    const struct crs_state *s = &c->crs;
    ps_t when = PS_NEVER, lse = chip_ticks_to_ps(1, chip_clock(c, CLK_LSE));

    if (s->counting && hsi48(c)) {
        uint64_t to = s->expected ? reload(s) + error_limit(s) + 1 : reload(s);
        when = s->since + chip_ticks_to_ps(to, hsi48(c));
    }
    if (from_lse(s) && lse != PS_NEVER) { /* edges of LSE lie on multiples of its period */
        uint64_t n = chip_ps_to_ticks(chip_now(c), chip_clock(c, CLK_LSE)) + 1;
        ps_t edge = chip_ticks_to_ps(n, chip_clock(c, CLK_LSE));
        when = edge < when ? edge : when;
    }
    chip_wake_at(c, B_CRS, when);
}

static void change_trim(struct crs_state *s, int steps)
{
    int t = (int)trim(s) + steps;

    if (t < 0 || t > 63) {
        s->isr |= ISR_TRIMOVF | ISR_ERR;
        t = t < 0 ? 0 : 63;
    }
    s->cr = (s->cr & ~0x3F00u) | (uint32_t)t << 8;
}

/* RM0394 "Frequency error evaluation and automatic trimming". */
static void evaluate(struct crs_state *s, uint64_t count)
{
    bool up = count > reload(s); /* HSI48 is too fast: zero was passed */
    uint64_t error = up ? count - reload(s) : reload(s) - count;
    uint32_t limit = bits(s->cfgr, 16, 8);
    int steps = 0;

    s->isr &= 0x0000FFFFu & ~(uint32_t)ISR_FEDIR;
    s->isr |= (uint32_t)(error & 0xFFFF) << 16 | (up ? 0 : ISR_FEDIR);
    if (error < limit) {
        s->isr |= ISR_SYNCOK;
    } else if (error < 3u * limit) {
        s->isr |= ISR_SYNCOK;
        steps = 1;
    } else if (error < error_limit(s)) {
        s->isr |= ISR_SYNCWARN;
        steps = 2;
    } else {
        s->isr |= ISR_SYNCERR | ISR_ERR;
    }
    if (steps && s->cr & CR_AUTOTRIMEN)
        change_trim(s, up ? -steps : steps);
}

static void sync_event(struct chip *c)
{
    struct crs_state *s = &c->crs;

    if (s->counting)
        evaluate(s, counted(c));
    s->counting = true;
    s->expected = false;
    s->since = chip_now(c);
    interrupt(c);
    schedule(c);
}

static void sync_input(struct chip *c)
{
    struct crs_state *s = &c->crs;

    if (++s->divider >> bits(s->cfgr, 24, 3) == 0)
        return;
    s->divider = 0;
    sync_event(c);
}

void crs_sync(struct chip *c, enum crs_source source, bool rising)
{
    const struct crs_state *s = &c->crs;
    bool polarity = source == CRS_GPIO ? rising != (s->cfgr >> 31 & 1) : true;

    if (s->cr & CR_CEN && hsi48(c) && bits(s->cfgr, 28, 2) == source && polarity)
        sync_input(c);
}

void crs_event(struct chip *c, unsigned index)
{
    struct crs_state *s = &c->crs;

    (void)index;
    if (s->counting && hsi48(c)) {
        uint64_t n = counted(c);
        if (!s->expected && n >= reload(s)) {
            s->expected = true;
            s->isr |= ISR_ESYNC;
        }
        if (n > reload(s) + error_limit(s)) { /* the counter stops until the next SYNC */
            s->counting = false;
            s->isr |= ISR_SYNCMISS | ISR_ERR;
        }
    }
    interrupt(c);
    uint32_t lse = chip_clock(c, CLK_LSE);
    bool edge = lse && chip_ticks_to_ps(chip_ps_to_ticks(chip_now(c), lse), lse) == chip_now(c);
    if (from_lse(s) && hsi48(c) && edge)
        sync_input(c);
    schedule(c);
}

void crs_clock(struct chip *c, unsigned index, bool after)
{
    (void)index;
    if (!after)
        return;
    if (!hsi48(c))
        c->crs.counting = false;
    if (c->crs.cr & CR_CEN)
        schedule(c);
}

void crs_reset(struct chip *c, unsigned index)
{
    (void)index;
    c->crs = (struct crs_state){.cr = 0x2000, .cfgr = 0x2022BB7F};
    interrupt(c);
}

bool crs_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    const struct crs_state *s = &c->crs;
    uint32_t word = 0;

    (void)index;
    switch (off & ~3u) {
    case CR: word = s->cr; break;
    case CFGR: word = s->cfgr; break;
    case ISR: word = s->isr; break;
    }
    *value = lanes_get(word, off, size);
    return true;
}

/* TRIM is the hardware's while AUTOTRIMEN is set; SWSYNC clears itself. */
static void write_cr(struct chip *c, uint32_t value)
{
    struct crs_state *s = &c->crs;
    uint32_t mask = s->cr & CR_AUTOTRIMEN && value & CR_AUTOTRIMEN ? CR_BITS & ~0x3F00u : CR_BITS;

    s->cr = (s->cr & ~mask) | (value & mask);
    if (!(s->cr & CR_CEN)) {
        s->counting = s->expected = false;
        s->divider = 0;
    } else if (value & CR_SWSYNC && hsi48(c)) {
        sync_event(c);
    }
}

bool crs_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct crs_state *s = &c->crs;

    (void)index;
    value = lanes_apb(size, value);
    switch (off & ~3u) {
    case CR: write_cr(c, value); break;
    case CFGR: /* read-only while the counter is enabled */
        if (!(s->cr & CR_CEN))
            s->cfgr = value & CFGR_BITS;
        else if ((value ^ s->cfgr) & CFGR_BITS)
            chip_ignored(c, B_CRS, "CFGR", "while CEN is set");
        break;
    case ICR:
        s->isr &= ~(value & 0xFu);
        if (value & ISR_ERR)
            s->isr &= ~(uint32_t)(ISR_SYNCERR | ISR_SYNCMISS | ISR_TRIMOVF);
        break;
    }
    interrupt(c);
    schedule(c);
    return true;
}
