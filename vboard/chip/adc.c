/* Registers of ADC1, its power-up sequence and calibration. RM0394 "ADC". */
#include "chip/adc.h"
#include "chip/regs.h"
#include "chip/state.h"

enum { IRQ_ADC1 = 18, COMMON = 0x300, CSR = 0x300, CCR = 0x308, CDR = 0x30C };
#define CR_RESET   0x20000000u /* DEEPPWD */
#define CFGR_RESET 0x80000000u /* JQDIS */
#define ISR_BITS   0x7FFu
#define CCR_BITS   0x01FF0000u
#define T_ADCVREG  (20 * PS_PER_US) /* DS11449: regulator start-up */
#define T_STAB     (1 * PS_PER_US)  /* ADC power-up */
enum { T_CAL = 116, T_OFF = 2 };    /* periods of its clock: DS11449 tCAL; ADDIS, ADSTP, JADSTP */

static const struct reg_row rows[] = {
    {ADC_IER * 4, 0, ISR_BITS},
    {ADC_CFGR * 4, CFGR_RESET, 0xFFFF7FFB},
    {ADC_CFGR2 * 4, 0, 0x000007FF},
    {ADC_SMPR1 * 4, 0, 0x3FFFFFFF},
    {ADC_SMPR2 * 4, 0, 0x07FFFFFF},
    {ADC_TR1 * 4, 0x0FFF0000, 0x0FFF0FFF},
    {ADC_TR2 * 4, 0x00FF0000, 0x00FF00FF},
    {ADC_TR3 * 4, 0x00FF0000, 0x00FF00FF},
    {ADC_SQR1 * 4, 0, 0x1F7DF7CF},
    {ADC_SQR1 * 4 + 4, 0, 0x1F7DF7DF},
    {ADC_SQR1 * 4 + 8, 0, 0x1F7DF7DF},
    {ADC_SQR1 * 4 + 12, 0, 0x000007DF},
    {ADC_JSQR * 4, 0, 0x7DF7DFFF},
    {ADC_OFR1 * 4, 0, 0xFC000FFF},
    {ADC_OFR1 * 4 + 4, 0, 0xFC000FFF},
    {ADC_OFR1 * 4 + 8, 0, 0xFC000FFF},
    {ADC_OFR1 * 4 + 12, 0, 0xFC000FFF},
    {ADC_AWD2CR * 4, 0, 0x0007FFFF},
    {ADC_AWD3CR * 4, 0, 0x0007FFFF},
    {ADC_DIFSEL * 4, 0, 0x0000FFFE},
    {ADC_CALFACT * 4, 0, 0x007F007F},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* CKMODE 0: the kernel clock through PRESC; else HCLK by 1, 2, 4. */
uint32_t adc_hz(const struct chip *c)
{
    static const uint16_t presc[16] = {1, 2, 4, 6, 8, 10, 12, 16, 32, 64, 128, 256, 256, 256, 256, 256};
    uint32_t mode = bits(c->adc.ccr, 16, 2);

    if (!chip_enabled(c, B_ADC1))
        return 0;
    return mode ? chip_clock(c, CLK_HCLK) >> (mode - 1)
                : chip_clock(c, CLK_ADC) / presc[bits(c->adc.ccr, 18, 4)];
}

/* Interrupt and DMA request, which an overrun blocks until OVR is cleared (RM0394 "Managing conversions using
 * the DMA", as remembered; efton.sk, gotcha 213). */
static void adc_update(struct chip *c)
{
    const struct adc_state *a = &c->adc;
    bool asks =
        a->r[ADC_CFGR] & ADC_CFGR_DMAEN && (a->r[ADC_ISR] & (ADC_ISR_EOC | ADC_ISR_OVR)) == ADC_ISR_EOC;

    chip_irq(c, IRQ_ADC1, B_ADC1, a->r[ADC_ISR] & a->r[ADC_IER]);
    dma_request(c, DMAR_ADC1, asks && !a->frozen);
}

void adc_flags(struct chip *c, uint32_t set)
{
    c->adc.r[ADC_ISR] |= set;
    adc_update(c);
}

void adc_schedule(struct chip *c)
{
    const struct adc_state *a = &c->adc;
    ps_t when = a->change_at < a->done_at ? a->change_at : a->done_at;

    if (a->r[ADC_IER] & ADC_ISR_EOSMP && a->sampled_at < when)
        when = a->sampled_at;
    chip_wake_at(c, B_ADC1, when);
}

void adc_reset(struct chip *c, unsigned index)
{
    struct adc_state *a = &c->adc;

    (void)index;
    for (unsigned n = 0; n < 3; n++)
        adc_watchdog_output(c, n, false);
    *a = (struct adc_state){
        .regulator_on = PS_NEVER, .change_at = PS_NEVER, .sampled_at = PS_NEVER, .done_at = PS_NEVER};
    regs_reset(a->r, rows, ROWS);
    a->r[ADC_CR] = CR_RESET;
    adc_update(c);
}

/* ---- what takes its time ---- */

static void plan_ready(struct chip *c)
{
    struct adc_state *a = &c->adc;
    ps_t now = chip_now(c);

    if (!(a->r[ADC_CR] & ADC_CR_ADEN) || a->r[ADC_CR] & ADC_CR_DEEPPWD || !adc_hz(c))
        return;
    ps_t regulated = a->regulator_on == PS_NEVER ? now : a->regulator_on + T_ADCVREG;
    a->change_at = (regulated > now ? regulated : now) + T_STAB;
}

static void plan(struct chip *c, uint64_t periods)
{
    ps_t time = chip_ticks_to_ps(periods, adc_hz(c));

    c->adc.change_at = time == PS_NEVER ? PS_NEVER : chip_now(c) + time;
}

/* The end of what was planned. */
static void finish(struct chip *c)
{
    struct adc_state *a = &c->adc;
    uint32_t *cr = &a->r[ADC_CR];

    a->change_at = PS_NEVER;
    if (*cr & ADC_CR_ADCAL) {
        *cr &= ~ADC_CR_ADCAL;
        a->enable_from = chip_now(c) + chip_ticks_to_ps(4, adc_hz(c));
        a->r[ADC_CALFACT] = *cr & ADC_CR_ADCALDIF ? (a->r[ADC_CALFACT] & 0x7F) | 0x3E0000
                                                  : (a->r[ADC_CALFACT] & 0x7F0000) | 0x3F;
    } else if (*cr & ADC_CR_ADDIS) {
        *cr &= ~(uint32_t)(ADC_CR_ADDIS | ADC_CR_ADEN);
        a->r[ADC_ISR] &= ~(uint32_t)ADC_ISR_ADRDY;
        adc_queue_flush(c);
        for (unsigned n = 0; n < 3; n++)
            adc_watchdog_output(c, n, false);
    } else if (*cr & (ADC_CR_ADSTP | ADC_CR_JADSTP)) {
        if (*cr & ADC_CR_ADSTP)
            *cr &= ~(uint32_t)(ADC_CR_ADSTP | ADC_CR_ADSTART);
        if (*cr & ADC_CR_JADSTP)
            *cr &= ~(uint32_t)(ADC_CR_JADSTP | ADC_CR_JADSTART);
    } else if (*cr & ADC_CR_ADEN) {
        adc_flags(c, ADC_ISR_ADRDY);
    }
    adc_update(c);
}

void adc_event(struct chip *c, unsigned index)
{
    struct adc_state *a = &c->adc;
    ps_t now = chip_now(c);

    (void)index;
    if (a->sampled_at <= now) {
        a->sampled_at = PS_NEVER;
        adc_flags(c, ADC_ISR_EOSMP);
    }
    if (a->done_at <= now)
        adc_converted(c);
    if (a->change_at <= now)
        finish(c);
    adc_proceed(c);
    adc_schedule(c);
}

void adc_clock(struct chip *c, unsigned index, bool after)
{
    struct adc_state *a = &c->adc;
    ps_t now = chip_now(c);
    uint32_t hz = adc_hz(c);

    (void)index;
    if (a->converting == ADC_IDLE) {
        if (after && a->change_at == PS_NEVER) { /* what had no clock */
            if (a->r[ADC_CR] & (ADC_CR_ADCAL | ADC_CR_ADDIS | ADC_CR_ADSTP | ADC_CR_JADSTP))
                plan(c, a->r[ADC_CR] & ADC_CR_ADCAL ? T_CAL : T_OFF);
            else if (!(a->r[ADC_ISR] & ADC_ISR_ADRDY))
                plan_ready(c);
            adc_schedule(c);
        }
        return;
    }
    if (!after) {
        a->left = a->done_at != PS_NEVER && a->done_at > now ? chip_ps_to_ticks((a->done_at - now) * 2, hz)
                                                             : a->left;
        return;
    }
    a->done_at = hz ? now + chip_ticks_to_ps(a->left, hz) / 2 : PS_NEVER;
    adc_schedule(c);
}

/* ---- registers ---- */

bool adc_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    struct adc_state *a = &c->adc;
    uint32_t word = 0;

    (void)index;
    if (a->sampled_at <= chip_now(c)) {
        a->sampled_at = PS_NEVER;
        a->r[ADC_ISR] |= ADC_ISR_EOSMP;
    }
    if (off / 4 < ADC_REGS)
        word = a->r[off / 4];
    else if ((off & ~3u) == CSR)
        word = a->r[ADC_ISR];
    else if ((off & ~3u) == CCR)
        word = a->ccr;
    else if ((off & ~3u) == CDR)
        word = a->r[ADC_DR];
    *value = lanes_get(word, off, size);
    return true;
}

bool adc_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    adc_peek(c, index, off, size, value);
    if (off / 4 == ADC_DR || (off & ~3u) == CDR) {
        c->adc.r[ADC_ISR] &= ~(uint32_t)ADC_ISR_EOC;
        adc_update(c);
        adc_proceed(c); /* AUTDLY may have waited for that */
        adc_schedule(c);
    }
    return true;
}

/* Switched on or calibrated without what that needs: nothing comes of it, or on the chip nothing good. */
static void tell_if_not_ready(struct chip *c)
{
    struct adc_state *a = &c->adc;
    const char *sentence = NULL;

    if (a->r[ADC_CR] & ADC_CR_DEEPPWD)
        sentence =
            "ADC1 is enabled or calibrated in deep power-down, and gets never ready: DEEPPWD of ADC_CR is "
            "to be cleared, ADVREGEN set";
    else if (a->regulator_on == PS_NEVER)
        sentence =
            "ADC1 is enabled or calibrated without its regulator, and will read 0: ADVREGEN of ADC_CR is "
            "to be set, and it stays set only if each write to ADC_CR does so";
    else if (!adc_hz(c))
        sentence = "ADC1 is enabled or calibrated without a clock, and gets never ready: CKMODE of ADC_CCR "
                   "is 0, and RCC_CCIPR.ADCSEL takes none or one that is off";
    else if (chip_now(c) < a->regulator_on + T_ADCVREG)
        sentence =
            "ADC1 is enabled or calibrated within 20 us of ADVREGEN: on the chip its regulator is not stable "
            "(DS11449)";
    if (sentence)
        chip_say_once(c, &a->told, sentence);
}

/* Bits that are set to ask for something and are cleared when it is done. RM0394 "ADC control register". */
static void write_cr(struct chip *c, uint32_t value)
{
    struct adc_state *a = &c->adc;
    uint32_t *cr = &a->r[ADC_CR], plain = ADC_CR_ADVREGEN | ADC_CR_DEEPPWD | ADC_CR_ADCALDIF;
    bool busy = *cr & (ADC_CR_ADSTART | ADC_CR_JADSTART), enabled = *cr & ADC_CR_ADEN;

    *cr = (*cr & ~plain) | (value & plain);
    if (*cr & ADC_CR_DEEPPWD)
        *cr &= ~(uint32_t)ADC_CR_ADVREGEN;
    if (!(*cr & ADC_CR_ADVREGEN))
        a->regulator_on = PS_NEVER;
    else if (a->regulator_on == PS_NEVER)
        a->regulator_on = chip_now(c);
    if (value & (ADC_CR_ADCAL | ADC_CR_ADEN) && !enabled)
        tell_if_not_ready(c);
    bool at_work = *cr & (ADC_CR_ADCAL | ADC_CR_ADDIS) && a->change_at != PS_NEVER;
    if (value & ADC_CR_ADCAL && !at_work && !enabled && a->regulator_on != PS_NEVER) {
        *cr |= ADC_CR_ADCAL;
        plan(c, T_CAL);
    }
    if (value & ADC_CR_ADEN && !enabled && (*cr & ADC_CR_ADCAL || chip_now(c) < a->enable_from)) {
        chip_ignored(c, B_ADC1, "CR.ADEN", "within 4 ADC clock periods of ADCAL"); /* "cannot be set" */
    } else if (value & ADC_CR_ADEN && !enabled) {
        *cr |= ADC_CR_ADEN;
        a->blind = a->regulator_on == PS_NEVER;
        plan_ready(c);
    }
    if (value & ADC_CR_ADDIS && !at_work && enabled && !busy) {
        *cr |= ADC_CR_ADDIS;
        plan(c, T_OFF);
    }
    bool ready = enabled && !(*cr & ADC_CR_ADDIS);
    if (value & (ADC_CR_ADSTART | ADC_CR_JADSTART) && !ready)
        chip_ignored(c, B_ADC1, value & ADC_CR_ADSTART ? "CR.ADSTART" : "CR.JADSTART", "while ADEN is clear");
    if (value & ADC_CR_ADSTART && ready && !(*cr & ADC_CR_ADSTART)) {
        *cr |= ADC_CR_ADSTART;
        adc_start(c);
    }
    if (value & ADC_CR_JADSTART && ready && !(*cr & ADC_CR_JADSTART) && !(a->r[ADC_CFGR] & ADC_CFGR_JAUTO)) {
        *cr |= ADC_CR_JADSTART;
        adc_start_injected(c);
    }
    if (value & ~*cr & ADC_CR_ADSTP && *cr & ADC_CR_ADSTART && ready) {
        *cr |= ADC_CR_ADSTP;
        adc_abort(c, ADC_REGULAR);
        plan(c, T_OFF);
    }
    if (value & ~*cr & ADC_CR_JADSTP && *cr & ADC_CR_JADSTART && ready) {
        *cr |= ADC_CR_JADSTP;
        adc_abort(c, ADC_INJECTED);
        adc_queue_flush(c);
        plan(c, T_OFF);
    }
}

bool adc_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct adc_state *a = &c->adc;
    uint32_t seen, reg = off & ~3u;

    (void)index;
    bool listens = reg == ADC_CR * 4 || reg == ADC_CFGR * 4 || reg == ADC_JSQR * 4;
    if (listens)
        chip_triggers_change(c, false);
    adc_peek(c, 0, reg, 4, &seen);
    if (reg == ADC_ISR * 4) {
        a->r[ADC_ISR] &= ~(lanes_put(0, off, size, value) & ISR_BITS);
    } else if (reg == ADC_CR * 4) {
        write_cr(c, lanes_put(seen, off, size, value));
    } else if (reg == CCR) {
        a->ccr = lanes_put(a->ccr, off, size, value) & CCR_BITS;
        if (a->change_at == PS_NEVER && !(a->r[ADC_ISR] & ADC_ISR_ADRDY))
            plan_ready(c);
    } else if (reg == ADC_JSQR * 4 && adc_queues(a)) {
        adc_queue_write(c, lanes_put(seen, off, size, value) & 0x7DF7DFFF);
    } else if (off / 4 < ADC_REGS) {
        regs_write(a->r, rows, ROWS, reg, lanes_put(seen, off, size, value));
        if (!(a->r[ADC_CFGR] & ADC_CFGR_DMAEN))
            a->frozen = false;
        if (reg == ADC_CFGR * 4 && !adc_queues(a))
            a->contexts = 0;
        if (reg == ADC_CFGR2 * 4)
            a->sum = a->summed = 0;
    }
    if (listens)
        chip_triggers_change(c, true);
    adc_update(c);
    adc_proceed(c);
    adc_schedule(c);
    return true;
}

void adc_dma_end(struct chip *c)
{
    if (c->adc.r[ADC_CFGR] & ADC_CFGR_DMACFG || !(c->adc.r[ADC_CFGR] & ADC_CFGR_DMAEN))
        return;
    c->adc.frozen = true;
    adc_abort(c, ADC_REGULAR);
    adc_update(c);
    adc_schedule(c);
}
