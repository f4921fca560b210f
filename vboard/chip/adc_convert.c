/* The sequencers of ADC1: regular and injected groups, triggers, discontinuous and continuous mode,
 * overrun, data with alignment, offset and oversampling, analog watchdogs; and what each channel sees. */
#include "chip/adc.h"
#include "chip/regs.h"
#include "chip/state.h"

enum { CHANNELS = 19, TROVS = 1 << 9, ROVSM = 1 << 10 };

/* ---- channels ---- */

static unsigned pin_millivolt(const struct chip *c, unsigned channel)
{
    static const struct {
        uint8_t port, pin;
    } pins[17] = {[1] = {2, 0}, {2, 1}, {2, 2}, {2, 3}, {0, 0}, {0, 1}, {0, 2}, {0, 3},
                  {0, 4},       {0, 5}, {0, 6}, {0, 7}, {2, 4}, {2, 5}, {1, 0}, {1, 1}};

    return channel >= 1 && channel <= 16 ? analog_pin(c, pins[channel].port, pins[channel].pin) : 0;
}

static uint16_t calibration(const struct chip *c, uint32_t addr)
{
    uint16_t value = 0;

    chip_peek(c, addr, &value, sizeof value);
    return value;
}

/* A code that the factory measured at 3.0 V, at the VREF+ there is. */
static uint32_t scaled(const struct chip *c, uint32_t code)
{
    return (code * ANALOG_CAL_MV + analog_vdda(c) / 2) / analog_vdda(c);
}

static uint32_t code_of(const struct chip *c, unsigned millivolt)
{
    uint32_t vref = analog_vdda(c), code = (millivolt * 4095u + vref / 2) / vref;

    return code > 4095 ? 4095 : code;
}

static uint32_t temperature(const struct chip *c)
{
    uint32_t at30 = calibration(c, 0x1FFF75A8), at130 = calibration(c, 0x1FFF75CA);

    return scaled(c, (uint32_t)((int32_t)at30 + (ANALOG_TEMPERATURE - 30) * (int32_t)(at130 - at30) / 100));
}

/* 12 bits of what the channel sees. Without its regulator the ADC gets ready and converts all the same, but
 * reads 0: so a user of an STM32L431 found it (libopencm3's pull request 1040). */
static uint32_t sample(const struct chip *c, unsigned channel)
{
    uint32_t ccr = c->adc.ccr;

    if (c->adc.blind)
        return 0;
    if (c->adc.r[ADC_DIFSEL] >> channel & 1 && channel >= 1 && channel <= 15) {
        int32_t plus = (int32_t)pin_millivolt(c, channel), minus = (int32_t)pin_millivolt(c, channel + 1);
        int32_t code = 2048 + (plus - minus) * 2048 / (int32_t)analog_vdda(c);
        return (uint32_t)(code < 0 ? 0 : code > 4095 ? 4095 : code);
    }
    switch (channel) {
    case 0: return ccr & 1 << 22 ? scaled(c, calibration(c, 0x1FFF75AA)) : 0;
    case 17: return ccr & 1 << 23 ? temperature(c) : code_of(c, dac_inside(c, 0));
    case 18: return ccr & 1 << 24 ? code_of(c, analog_vdda(c) / 3) : code_of(c, dac_inside(c, 1));
    default: return code_of(c, pin_millivolt(c, channel));
    }
}

static bool oversampled(const struct adc_state *a, enum adc_group group)
{
    return a->r[ADC_CFGR2] & (group == ADC_REGULAR ? 1 : 2);
}

static uint32_t ratio(const struct adc_state *a, enum adc_group group)
{
    return oversampled(a, group) ? 2u << bits(a->r[ADC_CFGR2], 2, 3) : 1;
}

/* TROVS: each sample of a regular channel takes a trigger of its own. */
static bool trigger_each(const struct adc_state *a, enum adc_group group)
{
    return group == ADC_REGULAR && (a->r[ADC_CFGR2] & (1u | TROVS)) == (1u | TROVS);
}

void adc_watchdog_output(struct chip *c, unsigned n, bool outside)
{
    uint8_t bit = (uint8_t)(1u << n);

    if (outside == !!(c->adc.outside & bit))
        return;
    c->adc.outside ^= bit;
    tim_adc_watchdog(c, n, outside);
}

static void guard(struct chip *c, unsigned n, bool outside)
{
    if (outside)
        adc_flags(c, (uint32_t)ADC_ISR_AWD1 << n);
    adc_watchdog_output(c, n, outside);
}

/* Analog watchdogs compare 12 bits, the second and third the upper 8 of them. Of oversampled data these are
 * bits 15 to 4 of the result: ST's LL_ADC_SetAnalogWDThresholds(). */
static void watch(struct chip *c, unsigned channel, uint32_t code, enum adc_group group)
{
    struct adc_state *a = &c->adc;
    uint32_t cfgr = a->r[ADC_CFGR], on = cfgr & (group == ADC_REGULAR ? 1u << 23 : 1u << 24);
    bool all = !(cfgr & 1u << 22);

    if (on && (all || bits(cfgr, 26, 5) == channel))
        guard(c, 0, code < bits(a->r[ADC_TR1], 0, 12) || code > bits(a->r[ADC_TR1], 16, 12));
    for (unsigned n = 0; n < 2; n++) {
        uint32_t tr = a->r[ADC_TR2 + n];
        if (a->r[ADC_AWD2CR + n] >> channel & 1)
            guard(c, n + 1, code >> 4 < bits(tr, 0, 8) || code >> 4 > bits(tr, 16, 8));
    }
}

/* Oversampled data: what the shift drops rounds them, 16 bits are kept (RM0351 "Oversampler"). */
static uint32_t averaged(const struct adc_state *a, uint32_t sum)
{
    unsigned shift = bits(a->r[ADC_CFGR2], 5, 4);

    return (shift ? (sum + (1u << (shift - 1))) >> shift : sum) & 0xFFFF;
}

/* The data register's content: oversampling, resolution, offset, alignment. */
static uint32_t data(struct chip *c, unsigned channel, enum adc_group group)
{
    const struct adc_state *a = &c->adc;
    unsigned res = bits(a->r[ADC_CFGR], 3, 2), width = 12 - 2 * res;
    uint32_t code = sample(c, channel) >> (12 - width) << (12 - width);
    int32_t value = (int32_t)(code >> (12 - width));
    bool offset = false;

    if (oversampled(a, group)) {
        uint32_t sum = (uint32_t)value * ratio(a, group);
        if (trigger_each(a, group))
            sum = c->adc.sum += (uint32_t)value;
        return averaged(a, sum);
    }
    watch(c, channel, code, group);
    for (unsigned n = 0; n < 4; n++) {
        uint32_t ofr = a->r[ADC_OFR1 + n];
        if (ofr >> 31 && bits(ofr, 26, 5) == channel) {
            value -= (int32_t)(bits(ofr, 0, 12) >> (12 - width));
            offset = true;
            break;
        }
    }
    if (a->r[ADC_CFGR] & ADC_CFGR_ALIGN) /* 6 bits go to the low byte; a sign takes the top bit */
        value *= 1 << (width == 6 ? 2 : 16 - (int)width - (offset ? 1 : 0));
    return (uint32_t)value & 0xFFFF;
}

/* ---- conversions ---- */

static unsigned rank_channel(const struct adc_state *a, enum adc_group group, unsigned rank)
{
    if (group == ADC_INJECTED)
        return bits(a->r[ADC_JSQR], 8 + 6 * rank, 5);
    unsigned position = rank + 1; /* SQR1 has four after L, the others five */
    return bits(a->r[ADC_SQR1 + position / 5], position % 5 * 6, 5);
}

static unsigned length(const struct adc_state *a, enum adc_group group)
{
    return group == ADC_INJECTED ? bits(a->r[ADC_JSQR], 0, 2) + 1 : bits(a->r[ADC_SQR1], 0, 4) + 1;
}

static void begin(struct chip *c, enum adc_group group)
{
    static const uint16_t sampling[8] = {5, 13, 25, 49, 95, 185, 495, 1281}; /* half periods */
    struct adc_state *a = &c->adc;
    unsigned channel = rank_channel(a, group, group == ADC_REGULAR ? a->next : a->next_injected);
    unsigned smp =
        channel < 10 ? bits(a->r[ADC_SMPR1], 3 * channel, 3) : bits(a->r[ADC_SMPR2], 3 * (channel - 10), 3);
    uint64_t halves = sampling[channel < CHANNELS ? smp : 0],
             all = halves + 25 - 4 * bits(a->r[ADC_CFGR], 3, 2);
    uint32_t hz = adc_hz(c);

    a->converting = group;
    a->left = trigger_each(a, group) ? all : all * ratio(a, group);
    a->done_at = hz ? chip_now(c) + chip_ticks_to_ps(a->left, hz) / 2 : PS_NEVER;
    a->sampled_at = hz ? chip_now(c) + chip_ticks_to_ps(halves, hz) / 2 : PS_NEVER;
}

void adc_proceed(struct chip *c)
{
    struct adc_state *a = &c->adc;
    bool delayed = a->r[ADC_CFGR] & ADC_CFGR_AUTDLY;

    if (a->converting != ADC_IDLE || !(a->r[ADC_ISR] & ADC_ISR_ADRDY || a->r[ADC_CR] & ADC_CR_ADEN))
        return;
    if (a->change_at != PS_NEVER && !(a->r[ADC_ISR] & ADC_ISR_ADRDY))
        return; /* not powered up yet */
    if (a->injecting) {
        begin(c, ADC_INJECTED);
    } else if (a->triggered && !a->frozen) {
        if (delayed && a->r[ADC_ISR] & (ADC_ISR_EOC | ADC_ISR_JEOS))
            return;
        begin(c, ADC_REGULAR);
    }
}

void adc_abort(struct chip *c, enum adc_group group)
{
    struct adc_state *a = &c->adc;

    if (group == ADC_REGULAR) {
        a->triggered = false;
        a->next = a->in_group = 0;
        a->sum = a->summed = 0;
    } else {
        a->injecting = false;
        a->next_injected = 0;
    }
    if (a->converting == group) {
        a->converting = ADC_IDLE;
        a->done_at = a->sampled_at = PS_NEVER;
    }
}

static unsigned group_size(const struct adc_state *a)
{
    if (trigger_each(a, ADC_REGULAR))
        return 1;
    return a->r[ADC_CFGR] & ADC_CFGR_DISCEN ? bits(a->r[ADC_CFGR], 17, 3) + 1 : length(a, ADC_REGULAR);
}

static void begin_group(struct adc_state *a)
{
    a->triggered = true;
    a->in_group = group_size(a);
}

/* EXTEN and JEXTEN: 1 rising edges of a trigger, 2 falling ones, 0 software. */
static unsigned by_hardware(const struct adc_state *a)
{
    return bits(a->r[ADC_CFGR], 10, 2);
}

static unsigned injected_by_hardware(const struct adc_state *a)
{
    return bits(a->r[ADC_JSQR], 6, 2);
}

void adc_start(struct chip *c)
{
    struct adc_state *a = &c->adc;

    a->frozen = false;
    if (!(a->r[ADC_CFGR] & ADC_CFGR_DISCEN) && !(trigger_each(a, ADC_REGULAR) && !by_hardware(a)))
        a->next = 0;
    if (!by_hardware(a))
        begin_group(a);
}

/* An injected conversion takes the place of the regular one that is running, which is made again. */
static void inject(struct chip *c)
{
    struct adc_state *a = &c->adc;

    a->injecting = true;
    if (a->r[ADC_CFGR2] & ROVSM) /* resumed mode: oversampling begins again */
        a->sum = a->summed = 0;
    if (a->converting == ADC_REGULAR) {
        a->converting = ADC_IDLE;
        a->done_at = a->sampled_at = PS_NEVER;
    }
}

void adc_start_injected(struct chip *c)
{
    if (!injected_by_hardware(&c->adc) && !adc_queue_empty(&c->adc))
        inject(c);
}

static void regular_done(struct chip *c, uint32_t value)
{
    struct adc_state *a = &c->adc;
    uint32_t flags = ADC_ISR_EOC | (a->r[ADC_ISR] & ADC_ISR_EOC ? ADC_ISR_OVR : 0);

    /* With OVRMOD = 0 data are lost as long as OVR stands (RM0365, RM0440 "ADC overrun"). */
    if (a->r[ADC_CFGR] & ADC_CFGR_OVRMOD || !(a->r[ADC_ISR] & (ADC_ISR_EOC | ADC_ISR_OVR)))
        a->r[ADC_DR] = value;
    bool last = ++a->next >= length(a, ADC_REGULAR);
    bool group_over = a->in_group && --a->in_group == 0;
    if (last) {
        a->next = 0;
        flags |= ADC_ISR_EOS;
        if (a->r[ADC_CFGR] & ADC_CFGR_JAUTO)
            inject(c);
    }
    if (last && a->r[ADC_CFGR] & ADC_CFGR_CONT && !(a->r[ADC_CFGR] & ADC_CFGR_DISCEN)) {
        a->in_group = group_size(a);
    } else if (last || group_over) {
        a->triggered = false;
        if (!by_hardware(a))
            a->r[ADC_CR] &= ~(uint32_t)ADC_CR_ADSTART;
    }
    adc_flags(c, flags);
}

static void injected_done(struct chip *c, uint32_t value)
{
    struct adc_state *a = &c->adc;
    uint32_t flags = ADC_ISR_JEOC;

    a->r[ADC_JDR1 + a->next_injected] = value;
    bool last = ++a->next_injected >= length(a, ADC_INJECTED);
    if (last) {
        a->next_injected = 0;
        flags |= ADC_ISR_JEOS;
    }
    if (last || a->r[ADC_CFGR] & ADC_CFGR_JDISCEN) {
        a->injecting = false;
        if (!injected_by_hardware(a))
            a->r[ADC_CR] &= ~(uint32_t)ADC_CR_JADSTART;
    }
    if (last)
        adc_queue_next(c);
    adc_flags(c, flags);
}

/* A sample of triggered oversampling that is not the last: the next trigger goes on. */
static bool waits_for_more(struct adc_state *a)
{
    if (!trigger_each(a, ADC_REGULAR))
        return false;
    if (++a->summed >= ratio(a, ADC_REGULAR)) {
        a->sum = a->summed = 0;
        return false;
    }
    a->triggered = false;
    if (!by_hardware(a))
        a->r[ADC_CR] &= ~(uint32_t)ADC_CR_ADSTART;
    return true;
}

void adc_converted(struct chip *c)
{
    struct adc_state *a = &c->adc;
    enum adc_group group = a->converting;
    unsigned rank = group == ADC_REGULAR ? a->next : a->next_injected;
    unsigned channel = rank_channel(a, group, rank);
    uint32_t value = data(c, channel, group);

    a->converting = ADC_IDLE;
    a->done_at = PS_NEVER;
    if (group == ADC_REGULAR && waits_for_more(a))
        return;
    if (oversampled(a, group))
        watch(c, channel, value >> 4, group);
    if (group == ADC_REGULAR)
        regular_done(c, value);
    else
        injected_done(c, value);
}

/* ---- triggers ---- */

/* EXTSEL and JEXTSEL: RM0394 "ADC1 external trigger". TRG_COUNT: timers that this chip lacks. */
static const uint8_t regular_triggers[16] = {TRG_TIM1_CC1, TRG_TIM1_CC2,  TRG_TIM1_CC3,   TRG_TIM2_CC2,
                                             TRG_COUNT,    TRG_COUNT,     TRG_EXTI11,     TRG_COUNT,
                                             TRG_COUNT,    TRG_TIM1_TRGO, TRG_TIM1_TRGO2, TRG_TIM2_TRGO,
                                             TRG_COUNT,    TRG_TIM6_TRGO, TRG_TIM15_TRGO, TRG_COUNT};
static const uint8_t injected_triggers[16] = {TRG_TIM1_TRGO,  TRG_TIM1_CC4, TRG_TIM2_TRGO, TRG_TIM2_CC1,
                                              TRG_COUNT,      TRG_COUNT,    TRG_EXTI15,    TRG_COUNT,
                                              TRG_TIM1_TRGO2, TRG_COUNT,    TRG_COUNT,     TRG_COUNT,
                                              TRG_COUNT,      TRG_COUNT,    TRG_TIM6_TRGO, TRG_TIM15_TRGO};

static bool regular_waits(const struct adc_state *a, enum trigger t)
{
    return a->r[ADC_CR] & ADC_CR_ADSTART && !(a->r[ADC_CR] & ADC_CR_ADSTP) && by_hardware(a) &&
           regular_triggers[bits(a->r[ADC_CFGR], 6, 4)] == t;
}

static bool injected_waits(const struct adc_state *a, enum trigger t)
{
    return a->r[ADC_CR] & ADC_CR_JADSTART && !(a->r[ADC_CR] & ADC_CR_JADSTP) && injected_by_hardware(a) &&
           injected_triggers[bits(a->r[ADC_JSQR], 2, 4)] == t;
}

bool adc_wants(const struct chip *c, enum trigger t)
{
    return regular_waits(&c->adc, t) || injected_waits(&c->adc, t);
}

void adc_trigger(struct chip *c, enum trigger t, bool rising)
{
    struct adc_state *a = &c->adc;
    unsigned edge = rising ? 1 : 2;

    if (regular_waits(a, t) && by_hardware(a) & edge && !a->triggered)
        begin_group(a);
    if (injected_waits(a, t) && injected_by_hardware(a) & edge && !a->injecting)
        inject(c);
    adc_proceed(c);
    adc_schedule(c);
}
