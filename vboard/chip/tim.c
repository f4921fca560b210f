/* Registers, flags, interrupts and DMA requests of the timers, and the table of what each instance has.
 * RM0394 "TIM1 registers" and those of the others; ITR connections "Peripherals interconnect matrix". */
#include "chip/tim.h"
#include "chip/afpin.h"
#include "chip/state.h"

enum { NO_DMA = DMAR_COUNT, NO_PIN = AF_SIGNALS, NO_ITR = TIM_COUNT };

/* Writable bits of registers that all have; the others are listed where they exist. */
#define BASIC(cr1, cr2, dier) [TIM_CR1] = (cr1), [TIM_CR2] = (cr2), [TIM_DIER] = (dier), [TIM_PSC] = 0xFFFF

/* clang-format off */
const struct tim_kind tim_kinds[TIM_COUNT] = {
    [TIM1] = {B_TIM1, CLK_TIM_APB2, 24, 25, 26, 27, 4, 3, false,
              AF_TIM1_CH1, AF_TIM1_CH1N, AF_TIM1_ETR, AF_TIM1_BKIN, AF_TIM1_BKIN2, DMAR_TIM1_UP,
              {DMAR_TIM1_CH1, DMAR_TIM1_CH2, DMAR_TIM1_CH3, DMAR_TIM1_CH4}, DMAR_TIM1_TRIG, DMAR_TIM1_COM,
              TRG_TIM1_TRGO, {TIM15, TIM2, NO_ITR, TIM16},
              {BASIC(0x0BFF, 0x00F57FFD, 0x7FFF), [TIM_SMCR] = 0x0001FFFF, [TIM_SR] = 0x00033FFF, [TIM_EGR] = 0x1FF,
               [TIM_CCMR1] = 0x0101FFFF, [TIM_CCMR2] = 0x0101FFFF, [TIM_CCMR3] = 0x0101FCFC, [TIM_CCER] = 0x0033BFFF,
               [TIM_ARR] = 0xFFFF, [TIM_RCR] = 0xFFFF, [TIM_CCR1] = 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF,
               [TIM_CCR5] = 0xE000FFFF, [TIM_CCR6] = 0xFFFF, [TIM_BDTR] = 0x03FFFFFF, [TIM_DCR] = 0x1F1F,
               [TIM_DMAR] = 0xFFFFFFFF, [TIM_OR1] = 0x13, [TIM_OR2] = 0x0001CF07, [TIM_OR3] = 0x0F07}},
    [TIM2] = {B_TIM2, CLK_TIM_APB1, 28, 28, 28, 28, 4, 0, true,
              AF_TIM2_CH1, NO_PIN, AF_TIM2_ETR, NO_PIN, NO_PIN, DMAR_TIM2_UP,
              {DMAR_TIM2_CH1, DMAR_TIM2_CH2, DMAR_TIM2_CH3, DMAR_TIM2_CH4}, NO_DMA, NO_DMA,
              TRG_TIM2_TRGO, {TIM1, NO_ITR, NO_ITR, NO_ITR},
              {BASIC(0x0BFF, 0x00F8, 0x5F5F), [TIM_SMCR] = 0x0001FFFF, [TIM_SR] = 0x1E5F, [TIM_EGR] = 0x5F,
               [TIM_CCMR1] = 0x0101FFFF, [TIM_CCMR2] = 0x0101FFFF, [TIM_CCER] = 0xBBBB, [TIM_ARR] = 0xFFFFFFFF,
               [TIM_CCR1] = 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, [TIM_DCR] = 0x1F1F,
               [TIM_DMAR] = 0xFFFFFFFF, [TIM_OR1] = 0x0F, [TIM_OR2] = 0x0001C000}},
    [TIM6] = {B_TIM6, CLK_TIM_APB1, 54, 54, 54, 54, 0, 0, false, NO_PIN, NO_PIN, NO_PIN, NO_PIN, NO_PIN,
              DMAR_TIM6_UP, {NO_DMA, NO_DMA, NO_DMA, NO_DMA}, NO_DMA, NO_DMA,
              TRG_TIM6_TRGO, {NO_ITR, NO_ITR, NO_ITR, NO_ITR},
              {BASIC(0x088F, 0x0070, 0x0101), [TIM_SR] = 1, [TIM_EGR] = 1, [TIM_ARR] = 0xFFFF}},
    [TIM7] = {B_TIM7, CLK_TIM_APB1, 55, 55, 55, 55, 0, 0, false, NO_PIN, NO_PIN, NO_PIN, NO_PIN, NO_PIN,
              DMAR_TIM7_UP, {NO_DMA, NO_DMA, NO_DMA, NO_DMA}, NO_DMA, NO_DMA,
              TRG_TIM7_TRGO, {NO_ITR, NO_ITR, NO_ITR, NO_ITR},
              {BASIC(0x088F, 0x0070, 0x0101), [TIM_SR] = 1, [TIM_EGR] = 1, [TIM_ARR] = 0xFFFF}},
    [TIM15] = {B_TIM15, CLK_TIM_APB2, 24, 24, 24, 24, 2, 1, false,
               AF_TIM15_CH1, AF_TIM15_CH1N, NO_PIN, AF_TIM15_BKIN, NO_PIN, DMAR_TIM15_UP,
               {DMAR_TIM15_CH1, NO_DMA, NO_DMA, NO_DMA}, DMAR_TIM15_TRIG, DMAR_TIM15_COM,
               TRG_TIM15_TRGO, {TIM1, NO_ITR, TIM16, NO_ITR},
               {BASIC(0x0B8F, 0x07FD, 0x67E7), [TIM_SMCR] = 0x000100F7, [TIM_SR] = 0x06E7, [TIM_EGR] = 0xE7,
                [TIM_CCMR1] = 0x0101FFFF, [TIM_CCER] = 0x00BF, [TIM_ARR] = 0xFFFF, [TIM_RCR] = 0xFF,
                [TIM_CCR1] = 0xFFFF, 0xFFFF, [TIM_BDTR] = 0x000FFFFF, [TIM_DCR] = 0x1F1F, [TIM_DMAR] = 0xFFFFFFFF,
                [TIM_OR1] = 0x07, [TIM_OR2] = 0x0F07}},
    [TIM16] = {B_TIM16, CLK_TIM_APB2, 25, 25, 25, 25, 1, 1, false,
               AF_TIM16_CH1, AF_TIM16_CH1N, NO_PIN, AF_TIM16_BKIN, NO_PIN, DMAR_TIM16_UP,
               {DMAR_TIM16_CH1, NO_DMA, NO_DMA, NO_DMA}, NO_DMA, NO_DMA,
               TRG_COUNT, {NO_ITR, NO_ITR, NO_ITR, NO_ITR},
               {BASIC(0x0B8F, 0x030D, 0x03A3), [TIM_SR] = 0x02A3, [TIM_EGR] = 0xA3, [TIM_CCMR1] = 0x000100FF,
                [TIM_CCER] = 0x0F, [TIM_ARR] = 0xFFFF, [TIM_RCR] = 0xFF, [TIM_CCR1] = 0xFFFF,
                [TIM_BDTR] = 0x000FFFFF, [TIM_DCR] = 0x1F1F, [TIM_DMAR] = 0xFFFFFFFF, [TIM_OR1] = 0x07,
                [TIM_OR2] = 0x0F07}},
};
/* clang-format on */

/* ---- flags and requests ---- */

static void tim_interrupts(struct chip *c, unsigned index)
{
    const struct tim_state *t = &c->tim[index];
    const struct tim_kind *k = &tim_kinds[index];
    uint32_t active = t->r[TIM_SR] & t->r[TIM_DIER] & 0xFF;

    if (t->r[TIM_SR] & (TIM_SR_B2IF | TIM_SR_SBIF) && t->r[TIM_DIER] & TIM_SR_BIF)
        active |= TIM_SR_BIF;
    if (k->irq_update == k->irq_compare) {
        chip_irq(c, k->irq_update, k->block, active);
        return;
    }
    chip_irq(c, k->irq_update, k->block, active & TIM_SR_UIF);
    chip_irq(c, k->irq_compare, k->block, active & 0x1E);
    chip_irq(c, k->irq_trigger, k->block, active & (TIM_SR_COMIF | TIM_SR_TIF));
    chip_irq(c, k->irq_break, k->block, active & TIM_SR_BIF);
}

void tim_flag(struct chip *c, unsigned index, uint32_t flag)
{
    c->tim[index].r[TIM_SR] |= flag & tim_kinds[index].writable[TIM_SR];
    tim_interrupts(c, index);
}

void tim_request(struct chip *c, unsigned index, uint8_t signal, uint32_t enable)
{
    struct tim_state *t = &c->tim[index];

    if (signal == NO_DMA || !(t->r[TIM_DIER] & enable))
        return;
    t->burst_signal = signal;
    dma_request(c, (enum dma_signal)signal, true);
}

/* A request that no channel has served falls with its enable bit in DIER. */
static void withdraw(struct chip *c, unsigned index, uint32_t enables)
{
    const struct tim_kind *k = &tim_kinds[index];
    const uint8_t signals[7] = {k->dma_update,     k->dma_compare[0], k->dma_compare[1], k->dma_compare[2],
                                k->dma_compare[3], k->dma_com,        k->dma_trigger};

    for (unsigned i = 0; i < 7; i++)
        if (signals[i] != NO_DMA && enables & (uint32_t)TIM_DIER_UDE << i)
            dma_request(c, (enum dma_signal)signals[i], false);
}

void tim_com(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];

    t->ccer = t->r[TIM_CCER];
    t->ccmr[0] = t->r[TIM_CCMR1];
    t->ccmr[1] = t->r[TIM_CCMR2];
    t->ccmr[2] = t->r[TIM_CCMR3];
    if (t->r[TIM_CR2] & TIM_CR2_CCPC) {
        tim_flag(c, index, TIM_SR_COMIF);
        tim_request(c, index, tim_kinds[index].dma_com, TIM_DIER_COMDE);
    }
}

void tim_reset(struct chip *c, unsigned index)
{
    const struct tim_kind *k = &tim_kinds[index];
    struct tim_state *t = &c->tim[index];
    struct tim_state was = *t;

    for (unsigned ch = 0; ch < k->channels; ch++) {
        af_tell_wave(c, k->pin + ch, &was.told[ch], 0, 0);
        if (ch < k->complementary)
            af_tell_wave(c, k->pin_n + ch, &was.told[TIM_PINS + ch], 0, 0);
    }
    *t = (struct tim_state){.arr = k->writable[TIM_ARR], .oscillator_at = PS_NEVER, .filter_at = PS_NEVER};
    tim_sources_selected(c, index); /* without a clock: no edge */
    t->r[TIM_ARR] = k->writable[TIM_ARR];
    t->r[TIM_OR2] = k->writable[TIM_OR2] & 1; /* BKINE */
    t->r[TIM_OR3] = k->writable[TIM_OR3] & 1;
    for (unsigned ch = 0; ch < 3; ch++)
        t->dead_until[ch] = PS_NEVER;
    lazy_start(&t->clock, chip_now(c), chip_enabled(c, k->block) ? chip_clock(c, k->clock) : 0);
    for (unsigned ch = 0; ch < k->channels; ch++) {
        af_release(c, k->pin + ch);
        if (ch < k->complementary)
            af_release(c, k->pin_n + ch);
    }
    tim_ir(c);
    withdraw(c, index, UINT32_MAX);
    tim_interrupts(c, index);
}

/* ---- reads ---- */

static unsigned burst_register(const struct tim_state *t)
{
    return bits(t->r[TIM_DCR], 0, 5) + t->burst;
}

static uint32_t value_of(const struct tim_state *t, unsigned reg)
{
    switch (reg) {
    case TIM_CR1: return (t->r[TIM_CR1] & ~(uint32_t)TIM_CR1_DIR) | (t->down ? TIM_CR1_DIR : 0);
    case TIM_CNT: {
        bool copy = t->r[TIM_CR1] & TIM_CR1_UIFREMAP;
        return copy ? (t->cnt & 0x7FFFFFFF) | (t->r[TIM_SR] & TIM_SR_UIF) << 31 : t->cnt;
    }
    case TIM_EGR: return 0;
    default: return reg < TIM_REGS ? t->r[reg] : 0;
    }
}

bool tim_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    tim_settle(c, index);
    *value = lanes_get(value_of(&c->tim[index], off / 4), off, size);
    return true;
}

/* The next transfer of a DMA burst follows at once. */
static void continue_burst(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];

    if (t->burst++ < bits(t->r[TIM_DCR], 8, 5))
        dma_request(c, (enum dma_signal)t->burst_signal, true);
    else
        t->burst = 0;
}

bool tim_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    struct tim_state *t = &c->tim[index];
    unsigned reg = off / 4, ch = reg - TIM_CCR1;

    if (reg == TIM_DMAR && tim_kinds[index].channels) {
        unsigned target = burst_register(t);
        bool ok = target != TIM_DMAR && tim_read(c, index, 4 * target, size, value);
        continue_burst(c, index);
        return ok || target == TIM_DMAR;
    }
    tim_peek(c, index, off, size, value);
    if (reg >= TIM_CCR1 && ch < 4 && !tim_is_output(t, ch)) { /* reading a capture takes it */
        t->r[TIM_SR] &= ~((uint32_t)TIM_SR_CC1IF << ch);
        tim_interrupts(c, index);
        tim_schedule(c, index);
    }
    return true;
}

/* ---- writes ---- */

#define BREAK_SETTINGS 0x03FF3000u /* enables, polarities and filters */

/* Bits of a register that LOCK has frozen (RM0394 "TIM1 break and dead-time register"). */
static uint32_t locked(const struct tim_state *t, unsigned reg)
{
    unsigned level = bits(t->r[TIM_BDTR], 8, 2);
    uint32_t mask = 0;

    if (level && reg == TIM_BDTR)
        mask = 0x03FF7300u | 0xFFu; /* all but MOE, OSSI, OSSR: those with level 2 */
    if (level && reg == TIM_CR2)
        mask = 0x00057F00u; /* OISx */
    if (level && (reg == TIM_OR2 || reg == TIM_OR3))
        mask = UINT32_MAX; /* sources and polarities of the breaks, ETRSEL: notes at TIM1_AF1 in RM0440 */
    if (level >= 2 && reg == TIM_BDTR)
        mask |= TIM_BDTR_OSSI | TIM_BDTR_OSSR;
    if (level >= 2 && reg == TIM_CCER)
        mask = 0x0022AAAAu; /* polarities */
    if (level >= 3 && (reg == TIM_CCMR1 || reg == TIM_CCMR2 || reg == TIM_CCMR3))
        mask = 0x01017878u; /* OCxM, OCxPE */
    return mask;
}

static void generate(struct chip *c, unsigned index, uint32_t value)
{
    struct tim_state *t = &c->tim[index];

    value &= tim_kinds[index].writable[TIM_EGR];
    for (unsigned ch = 0; ch < 4; ch++) {
        if (!(value & (uint32_t)TIM_SR_CC1IF << ch))
            continue;
        if (!tim_is_output(t, ch)) {
            tim_capture(c, index, ch);
            continue;
        }
        tim_flag(c, index, (uint32_t)TIM_SR_CC1IF << ch);
        tim_request(c, index, tim_kinds[index].dma_compare[ch], (uint32_t)TIM_DIER_CC1DE << ch);
        if (ch == 0)
            tim_trgo_pulse(c, index, 3);
    }
    if (value & TIM_SR_COMIF)
        tim_com(c, index);
    if (value & TIM_SR_TIF) {
        tim_flag(c, index, TIM_SR_TIF);
        tim_request(c, index, tim_kinds[index].dma_trigger, TIM_DIER_TDE);
    }
    if (value & TIM_SR_BIF)
        tim_break(c, index, TIM_SR_BIF);
    if (value & TIM_SR_B2IF)
        tim_break(c, index, TIM_SR_B2IF);
    if (value & 1)
        tim_restart(c, index, !(t->r[TIM_CR1] & TIM_CR1_URS));
}

static void write_cr1(struct tim_state *t, uint32_t value)
{
    unsigned sms = bits(t->r[TIM_SMCR], 0, 3);
    bool center = bits(value, 5, 2), encoder = sms >= 1 && sms <= 3;

    if (t->r[TIM_CR1] & TIM_CR1_CEN) /* CMS changes only while the counter stands */
        value = (value & ~0x60u) | (t->r[TIM_CR1] & 0x60);
    t->r[TIM_CR1] = value;
    if (!center && !encoder)
        t->down = value & TIM_CR1_DIR;
    if (!(value & TIM_CR1_ARPE))
        t->arr = t->r[TIM_ARR];
}

/* CCxS can be written only while the channel is off. */
static uint32_t channel_selection(const struct tim_state *t, unsigned reg, uint32_t value)
{
    for (unsigned i = 0; i < 2 && reg != TIM_CCMR3; i++) {
        unsigned ch = (reg == TIM_CCMR1 ? 0 : 2) + i;
        uint32_t mask = 3u << 8 * i;
        if (t->r[TIM_CCER] >> 4 * ch & 1)
            value = (value & ~mask) | (t->r[reg] & mask);
    }
    return value;
}

static void write_compare(struct tim_state *t, unsigned reg, uint32_t value)
{
    unsigned ch = reg < TIM_BDTR ? reg - TIM_CCR1 : reg - TIM_CCR5 + 4;
    uint32_t ccmr = t->r[ch < 2 ? TIM_CCMR1 : ch < 4 ? TIM_CCMR2 : TIM_CCMR3];

    if (!tim_is_output(t, ch))
        return;
    t->r[reg] = value;
    if (!(ccmr >> 8 * (ch & 1) & 8)) /* OCxPE */
        t->ccr[ch] = ch < 4 ? value : value & 0xFFFF;
}

static void put(struct chip *c, unsigned index, unsigned reg, uint32_t value)
{
    struct tim_state *t = &c->tim[index];

    switch (reg) {
    case TIM_CR1: write_cr1(t, value); break;
    case TIM_CCMR1:
    case TIM_CCMR2:
    case TIM_CCMR3: t->r[reg] = channel_selection(t, reg, value); break;
    case TIM_ARR:
        t->r[reg] = value;
        if (!(t->r[TIM_CR1] & TIM_CR1_ARPE))
            t->arr = value;
        break;
    case TIM_CCR1:
    case TIM_CCR1 + 1:
    case TIM_CCR1 + 2:
    case TIM_CCR1 + 3:
    case TIM_CCR5:
    case TIM_CCR6: write_compare(t, reg, value); break;
    case TIM_BDTR:
        if (t->lock_written) /* "once BDTR has been written", LOCK "is frozen until the next reset" */
            value = (value & ~0x300u) | (t->r[reg] & 0x300);
        t->lock_written = true;
        if (t->brk || t->brk2)
            value &= ~(uint32_t)TIM_BDTR_MOE;
        if ((value ^ t->r[reg]) & BREAK_SETTINGS) /* the filters begin anew, with no break */
            filter_bypass(&t->input[TIM_BRK], false), filter_bypass(&t->input[TIM_BRK2], false);
        t->r[reg] = value;
        break;
    case TIM_SMCR: {
        uint32_t before = t->r[reg];
        t->r[reg] = value;
        if ((value ^ before) & (TIM_SMCR_ETP | TIM_SMCR_ETPS))
            tim_etr_changed(c, index, before);
        break;
    }
    case TIM_CR2: /* TI1S */
    case TIM_OR1:
    case TIM_OR2:
        t->r[reg] = value;
        tim_sources_selected(c, index);
        break;
    case TIM_DCR:
        t->burst = 0;
        t->r[reg] = value;
        break;
    default: t->r[reg] = value; break;
    }
}

/* What follows from changed registers. */
static void apply(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];

    if (!(t->r[TIM_CR2] & TIM_CR2_CCPC))
        tim_com(c, index);
    for (unsigned ch = 0; ch < TIM_PINS; ch++) /* "reset as soon as CC1E = 0" (TIMx_CCMR1, IC1PSC) */
        if (!(t->r[TIM_CCER] >> 4 * ch & 1))
            t->captures[ch] = 0;
    tim_oscillators(c, index);
    tim_filters_changed(c, index);
    tim_break_inputs(c, index);
    tim_gate_selected(c, index);
    tim_refs(c, index);
    tim_interrupts(c, index);
    tim_schedule(c, index);
}

bool tim_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct tim_state *t = &c->tim[index];
    const struct tim_kind *k = &tim_kinds[index];
    unsigned reg = off / 4;

    value = lanes_apb(size, value);
    if (reg >= TIM_REGS)
        return true;
    tim_settle(c, index);
    uint32_t mask = k->writable[reg] & ~locked(t, reg);
    if ((value ^ t->r[reg]) & k->writable[reg] & ~mask)
        chip_ignored(c, (enum block_id)k->block, "", "against LOCK in its BDTR");
    unsigned equal = tim_equal(c, index);
    if (reg == TIM_CNT) {
        t->cnt = k->wide ? value : value & 0xFFFF;
        if (bits(t->r[TIM_CR1], 5, 2) && (t->cnt == 0 || t->cnt == t->arr)) /* center-aligned: turns there */
            t->down = t->cnt != 0;
    } else if (reg == TIM_SR) {
        t->r[reg] &= value | ~mask; /* written 0: cleared */
    } else if (reg == TIM_EGR) {
        generate(c, index, value);
    } else if (reg == TIM_DMAR && k->channels) {
        unsigned target = burst_register(t);
        if (target != TIM_DMAR)
            tim_write(c, index, 4 * target, 4, value);
        continue_burst(c, index);
    } else if (reg == TIM_SMCR) { /* another timer may have got a listener */
        tim_listeners_change(c, false);
        put(c, index, reg, (t->r[reg] & ~mask) | (value & mask));
        tim_listeners_change(c, true);
    } else {
        put(c, index, reg, (t->r[reg] & ~mask) | (value & mask));
        if (reg == TIM_DIER)
            withdraw(c, index, ~t->r[reg]);
    }
    if (reg == TIM_CNT || (reg >= TIM_CCR1 && reg < TIM_CCR1 + 4) || reg == TIM_CCR5 || reg == TIM_CCR6)
        tim_written(c, index, equal);
    apply(c, index);
    return true;
}
