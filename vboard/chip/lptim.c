/* Registers of LPTIM1 and LPTIM2. Writes cross into the kernel clock's domain, which takes a few of its
 * periods. RM0394 "LPTIM". */
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
#define CFGR_BITS 0x01FEEEDFu

static const struct instance {
    uint8_t block, irq, exti;
    uint32_t cfgr, flags;
} instances[LPTIM_COUNT] = {
    {B_LPTIM1, 65, 32, CFGR_BITS, 0x7F},
    {B_LPTIM2, 66, 33, CFGR_BITS & ~(uint32_t)LPTIM_CFGR_ENC, 0x1F},
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

/* In n periods of the counter's clock, behind the prescaler. */
static ps_t in_periods(const struct chip *c, const struct lptim_state *t, unsigned n)
{
    ps_t delay = chip_ticks_to_ps((uint64_t)n << lptim_prescaler(t), t->clock.hz);

    return delay == PS_NEVER ? PS_NEVER - 1 : chip_now(c) + delay;
}

void lptim_reset(struct chip *c, unsigned index)
{
    struct af_wave told = c->lptim[index].told;

    af_tell_wave(c, index ? AF_LPTIM2_OUT : AF_LPTIM1_OUT, &told, 0, 0);
    c->lptim[index] = (struct lptim_state){.arr = 1,
                                           .live_arr = 1,
                                           .arr_ok = PS_NEVER,
                                           .cmp_ok = PS_NEVER,
                                           .starts_at = PS_NEVER,
                                           .filter_at = PS_NEVER};
    lazy_start(&c->lptim[index].clock, chip_now(c), kernel_hz(c, index));
    lptim_update(c, index);
}

void lptim_clock(struct chip *c, unsigned index, bool after)
{
    struct lptim_state *t = &c->lptim[index];

    if (!after) {
        lptim_settle(c, index);
        lptim_filters_run(c, index);
        return;
    }
    if (lazy_retime(&t->clock, chip_now(c), kernel_hz(c, index))) {
        lptim_filters_retimed(t);
        if (t->starts_at != PS_NEVER && !(t->cfgr & LPTIM_CFGR_CKSEL))
            t->starts_at = in_periods(c, t, 2);
        if (t->arr_ok != PS_NEVER)
            t->arr_ok = in_periods(c, t, 3);
        if (t->cmp_ok != PS_NEVER)
            t->cmp_ok = in_periods(c, t, 3);
    }
    lptim_update(c, index);
    lptim_schedule(c, index);
}

void lptim_event(struct chip *c, unsigned index)
{
    lptim_settle(c, index);
    if (c->lptim[index].filter_at <= chip_now(c))
        lptim_filters_run(c, index);
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

static void write_cr(struct chip *c, unsigned index, uint32_t value)
{
    struct lptim_state *t = &c->lptim[index];

    if (!(value & LPTIM_CR_ENABLE)) {
        t->cr = 0;
        t->counting = t->out = t->set_once = false;
        t->cnt = t->phase = 0;
        t->edges = 0;
        t->starts_at = PS_NEVER;
        lptim_configure(c, index, t->cfgr); /* the filters stop */
        return;
    }
    uint32_t start = value & (LPTIM_CR_SNGSTRT | LPTIM_CR_CNTSTRT);
    bool enabled = t->cr & LPTIM_CR_ENABLE;
    t->cr |= LPTIM_CR_ENABLE;
    if (!enabled && start) /* they can be set only in an enabled timer */
        chip_ignored(c, (enum block_id)(B_LPTIM1 + index), "CR.CNTSTRT or SNGSTRT", "while ENABLE is clear");
    if (!enabled || !start)
        return;
    t->cr |= start;
    t->single = start & LPTIM_CR_SNGSTRT;
    if (t->starts_at == PS_NEVER) /* else it is about to */
        t->starts_at = t->cfgr & LPTIM_CFGR_CKSEL ? chip_now(c) : in_periods(c, t, 2);
}

/* CMP and ARR: "must only be modified when the LPTIM is enabled". */
static bool loads(struct chip *c, unsigned index, const char *reg)
{
    if (c->lptim[index].cr & LPTIM_CR_ENABLE)
        return true;
    chip_ignored(c, (enum block_id)(B_LPTIM1 + index), reg, "while ENABLE is clear");
    return false;
}

static void write_arr(struct chip *c, struct lptim_state *t, uint32_t value)
{
    t->arr = value & 0xFFFF;
    t->arr_ok = in_periods(c, t, 3);
}

static void write_cmp(struct chip *c, struct lptim_state *t, uint32_t value)
{
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
            lptim_configure(c, index, value & i->cfgr);
        else if ((value ^ t->cfgr) & i->cfgr)
            chip_ignored(c, (enum block_id)(B_LPTIM1 + index), "CFGR", "while ENABLE is set");
        break;
    case CR: write_cr(c, index, value & 7); break;
    case CMP:
        if (loads(c, index, "CMP"))
            write_cmp(c, t, value);
        break;
    case ARR:
        if (loads(c, index, "ARR"))
            write_arr(c, t, value);
        break;
    case OR:
        t->option = value & 3;
        lptim_sources_selected(c, index);
        break;
    }
    lptim_update(c, index);
    lptim_schedule(c, index);
    return true;
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
