/* Registers and inputs of LPTIM1 and LPTIM2. Writes cross into the kernel clock's domain, which takes a few
 * of its periods; input filters pass everything at once. RM0394 "LPTIM". */
#include "chip/lptim.h"
#include "chip/afpin.h"
#include "chip/state.h"

enum {
    ISR = 0x00,
    ICR = 0x04,
    IER = 0x08,
    CFGR = 0x0C,
    CR = 0x10,
    CMP = 0x14,
    ARR = 0x18,
    CNT = 0x1C,
    OR = 0x20
};
enum { IN1 = 1, IN2 = 2 };
#define CFGR_BITS 0x01FEEEDFu

static const struct instance {
    uint8_t block, irq, exti;
    uint32_t cfgr, flags, option;
    uint8_t in1, in2, etr;
} instances[LPTIM_COUNT] = {
    {B_LPTIM1, 65, 32, CFGR_BITS, 0x7F, 3, AF_LPTIM1_IN1, AF_LPTIM1_IN2, AF_LPTIM1_ETR},
    {B_LPTIM2, 66, 33, CFGR_BITS & ~(uint32_t)LPTIM_CFGR_ENC, 0x1F, 3, AF_LPTIM2_IN1, AF_SIGNALS,
     AF_LPTIM2_ETR},
};

/* In Stop the kernel clock goes on for a timer that is enabled in RCC. */
static uint32_t kernel_hz(const struct chip *c, unsigned index)
{
    const struct block *b = &chip_blocks[instances[index].block];
    bool stop = c->mode == MODE_STOP && c->rcc.reg[b->enr / 4] >> b->enr_bit & 1;

    return stop || chip_enabled(c, instances[index].block)
               ? chip_clock(c, (enum clock_id)(CLK_LPTIM1 + index))
               : 0;
}

void lptim_reset(struct chip *c, unsigned index)
{
    c->lptim[index] = (struct lptim_state){
        .arr = 1, .live_arr = 1, .arr_ok = PS_NEVER, .cmp_ok = PS_NEVER, .starts_at = PS_NEVER};
    lazy_start(&c->lptim[index].clock, chip_now(c), kernel_hz(c, index));
    lptim_update(c, index);
}

void lptim_clock(struct chip *c, unsigned index, bool after)
{
    struct lptim_state *t = &c->lptim[index];

    if (!after) {
        lptim_settle(c, index);
        return;
    }
    if (lazy_retime(&t->clock, chip_now(c), kernel_hz(c, index)) && t->starts_at != PS_NEVER) {
        ps_t delay = chip_ticks_to_ps(2, t->clock.hz);
        t->starts_at = delay == PS_NEVER ? PS_NEVER - 1 : chip_now(c) + delay;
    }
    lptim_update(c, index);
    lptim_schedule(c, index);
}

void lptim_event(struct chip *c, unsigned index)
{
    lptim_settle(c, index);
    lptim_update(c, index);
    lptim_schedule(c, index);
}

bool lptim_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    const struct lptim_state *t = &c->lptim[index];
    uint32_t word = 0;

    lptim_settle(c, index);
    switch (off & ~3u) {
    case ISR: word = t->isr; break;
    case IER: word = t->ier; break;
    case CFGR: word = t->cfgr; break;
    case CR: word = t->cr; break;
    case CMP: word = t->cmp; break;
    case ARR: word = t->arr; break;
    case CNT: word = t->cnt; break;
    case OR: word = t->option; break;
    }
    *value = lanes_get(word, off, size);
    return true;
}

/* ---- writes ---- */

static ps_t in_periods(const struct chip *c, const struct lptim_state *t, unsigned n)
{
    ps_t delay = chip_ticks_to_ps(n, t->clock.hz);

    return delay == PS_NEVER ? PS_NEVER - 1 : chip_now(c) + delay;
}

static void write_cr(struct chip *c, unsigned index, uint32_t value)
{
    struct lptim_state *t = &c->lptim[index];

    if (!(value & LPTIM_CR_ENABLE)) {
        t->cr = 0;
        t->counting = t->out = t->set_once = false;
        t->cnt = t->phase = 0;
        t->starts_at = PS_NEVER;
        return;
    }
    uint32_t start = value & (LPTIM_CR_SNGSTRT | LPTIM_CR_CNTSTRT);
    bool enabled = t->cr & LPTIM_CR_ENABLE;
    t->cr |= LPTIM_CR_ENABLE;
    if (!enabled || !start) /* they can be set only in an enabled timer */
        return;
    t->cr |= start;
    t->single = start & LPTIM_CR_SNGSTRT;
    if (!t->counting)
        t->starts_at = in_periods(c, t, 2);
}

static void write_arr(struct chip *c, struct lptim_state *t, uint32_t value)
{
    if (!(t->cr & LPTIM_CR_ENABLE))
        return;
    t->arr = value & 0xFFFF;
    t->arr_ok = in_periods(c, t, 3);
}

static void write_cmp(struct chip *c, struct lptim_state *t, uint32_t value)
{
    if (!(t->cr & LPTIM_CR_ENABLE))
        return;
    t->cmp = value & 0xFFFF;
    t->cmp_ok = in_periods(c, t, 3);
}

bool lptim_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct lptim_state *t = &c->lptim[index];
    const struct instance *i = &instances[index];

    value = lanes_apb(size, value);
    lptim_settle(c, index);
    switch (off & ~3u) {
    case ICR: t->isr &= ~(value & i->flags); break;
    case IER: t->ier = value & i->flags; break;
    case CFGR: /* locked while enabled */
        if (!(t->cr & LPTIM_CR_ENABLE))
            t->cfgr = value & i->cfgr;
        break;
    case CR: write_cr(c, index, value & 7); break;
    case CMP: write_cmp(c, t, value); break;
    case ARR: write_arr(c, t, value); break;
    case OR: t->option = value & i->option; break;
    }
    lptim_update(c, index);
    lptim_schedule(c, index);
    return true;
}

/* ---- inputs ---- */

static bool edge_counts(unsigned polarity, bool rising)
{
    return polarity == 2 || polarity == (rising ? 0 : 1);
}

/* Quadrature on IN1 and IN2; CKPOL 2 counts all edges. */
static void encoder(struct chip *c, unsigned index, unsigned input, bool level)
{
    struct lptim_state *t = &c->lptim[index];
    unsigned polarity = bits(t->cfgr, 1, 2);

    if (!t->counting || !edge_counts(polarity, level))
        return;
    bool other = t->inputs & (input == IN1 ? IN2 : IN1);
    bool up = input == IN1 ? level != other : level == other;
    if (up)
        lptim_count(c, index, 1);
    else
        t->cnt = t->cnt ? t->cnt - 1 : t->live_arr;
    if (up == t->down) /* flags tell a change of direction */
        t->isr |= up ? LPTIM_UP : LPTIM_DOWN;
    t->down = !up;
}

static void input(struct chip *c, unsigned index, unsigned n, bool level)
{
    struct lptim_state *t = &c->lptim[index];

    if (!(t->inputs & n) == !level)
        return;
    lptim_settle(c, index);
    t->inputs ^= (uint8_t)n;
    if (!(t->cr & LPTIM_CR_ENABLE))
        return;
    if (t->cfgr & LPTIM_CFGR_ENC)
        encoder(c, index, n, level);
    else if (n == IN1 && lptim_by_edges(t) && edge_counts(bits(t->cfgr, 1, 2), level))
        lptim_count(c, index, 1);
    lptim_update(c, index);
    lptim_schedule(c, index);
}

/* An edge of trigger source `source` (TRIGSEL). */
static void trigger(struct chip *c, unsigned index, unsigned source, bool rising)
{
    struct lptim_state *t = &c->lptim[index];
    unsigned edges = bits(t->cfgr, 17, 2); /* 1 rising, 2 falling, 3 both */

    if (!edges || bits(t->cfgr, 13, 3) != source || !(edges & (rising ? 1 : 2)))
        return;
    if (!(t->cr & (LPTIM_CR_SNGSTRT | LPTIM_CR_CNTSTRT)))
        return;
    lptim_settle(c, index);
    t->isr |= LPTIM_EXTTRIG;
    if (!t->counting)
        lptim_go(t);
    else if (t->cfgr & LPTIM_CFGR_TIMOUT)
        t->cnt = t->phase = 0;
    lptim_update(c, index);
    lptim_schedule(c, index);
}

void lptim_pin(struct chip *c, unsigned signal, bool level)
{
    for (unsigned i = 0; i < LPTIM_COUNT; i++) {
        const struct instance *k = &instances[i];
        if (signal == k->in1 && !(c->lptim[i].option & 1))
            input(c, i, IN1, level);
        if (signal == k->in2 && !(c->lptim[i].option & 2))
            input(c, i, IN2, level);
        if (signal == k->etr)
            trigger(c, i, 0, level);
    }
}

void lptim_comparator(struct chip *c, unsigned comp, bool level)
{
    for (unsigned i = 0; i < LPTIM_COUNT; i++) {
        if (c->lptim[i].option >> comp & 1)
            input(c, i, comp == 0 ? IN1 : IN2, level);
        trigger(c, i, 6 + comp, level);
    }
}

bool lptim_wants_rtc(const struct chip *c, unsigned source)
{
    for (unsigned i = 0; i < LPTIM_COUNT; i++)
        if (bits(c->lptim[i].cfgr, 17, 2) && bits(c->lptim[i].cfgr, 13, 3) == source)
            return true;
    return false;
}

void lptim_rtc(struct chip *c, unsigned source)
{
    for (unsigned i = 0; i < LPTIM_COUNT; i++)
        trigger(c, i, source, true);
}

void lptim_update(struct chip *c, unsigned index)
{
    const struct lptim_state *t = &c->lptim[index];
    const struct instance *i = &instances[index];
    bool level = t->isr & t->ier;
    unsigned out = index ? AF_LPTIM2_OUT : AF_LPTIM1_OUT;

    chip_irq(c, i->irq, i->block, level);
    exti_line(c, i->exti, level);
    af_out(c, out, t->out != !!(t->cfgr & LPTIM_CFGR_WAVPOL));
}
