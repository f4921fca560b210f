/* Inputs of a timer: captures, trigger selection and slave modes, encoder, external clocks. RM0394 "TIM1
 * functional description". */
#include "chip/afpin.h"
#include "chip/state.h"
#include "chip/tim.h"

/* Does the edge fit CCxP and CCxNP? */
static bool edge_fits(const struct tim_state *t, unsigned ch, bool rising)
{
    unsigned polarity = t->r[TIM_CCER] >> (4 * ch + 1) & 5; /* NP:P as bits 2 and 0 */

    return polarity == 5 || rising == !(polarity & 1);
}

/* ---- captures ---- */

void tim_capture(struct chip *c, unsigned index, unsigned ch)
{
    struct tim_state *t = &c->tim[index];
    uint32_t flag = (uint32_t)TIM_SR_CC1IF << ch;

    t->r[TIM_CCR1 + ch] = t->cnt;
    if (t->r[TIM_SR] & flag)
        tim_flag(c, index, (uint32_t)TIM_SR_CC1OF << ch);
    tim_flag(c, index, flag);
    tim_request(c, index, tim_kinds[index].dma_compare[ch], (uint32_t)TIM_DIER_CC1DE << ch);
    if (ch == 0)
        tim_trgo_pulse(c, index, 3);
}

static void capture_edge(struct chip *c, unsigned index, unsigned ch)
{
    struct tim_state *t = &c->tim[index];
    unsigned psc = t->r[ch < 2 ? TIM_CCMR1 : TIM_CCMR2] >> (8 * (ch & 1) + 2) & 3;

    if (!(t->r[TIM_CCER] >> 4 * ch & 1) || ++t->captures[ch] < 1u << psc)
        return;
    t->captures[ch] = 0;
    tim_capture(c, index, ch);
}

/* ---- slave modes ---- */

static void capture_trc(struct chip *c, unsigned index)
{
    for (unsigned ch = 0; ch < tim_kinds[index].channels; ch++)
        if (tim_selection(&c->tim[index], ch) == 3)
            capture_edge(c, index, ch);
}

/* OCxFE in one pulse mode: the trigger "acts like a compare match" on PWM modes 1 and 2 (TIMx_CCMR1). */
static void fast_enable(struct tim_state *t, unsigned channels)
{
    for (unsigned ch = 0; ch < channels; ch++)
        if (t->r[TIM_CR1] & TIM_CR1_OPM && t->ccmr[ch / 2] >> 8 * (ch & 1) & 4 && tim_mode(t, ch) >> 1 == 3)
            t->fast |= (uint8_t)(1u << ch);
}

/* An active edge of TRGI. */
void tim_trigger_input(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];
    unsigned sms = tim_slave_mode(t);

    if (tim_trigger_select(t) <= 4)
        capture_trc(c, index);
    if (sms >= 4 && sms != 5) {
        tim_flag(c, index, TIM_SR_TIF);
        tim_request(c, index, tim_kinds[index].dma_trigger, TIM_DIER_TDE);
    }
    if (t->r[TIM_CR2] & TIM_CR2_CCUS) /* in no slave mode, too: ST's HAL sets none for it */
        tim_com(c, index);
    if (sms == 4 || sms == 8)
        tim_restart(c, index, !(t->r[TIM_CR1] & TIM_CR1_URS));
    if (sms == 4 && tim_trigger_select(t) >= 4 && tim_counts_internal(t))
        t->prescale = -1; /* behind its capture: figure "PWM input mode timing" */
    if (sms == 6 || sms == 8) {
        t->r[TIM_CR1] |= TIM_CR1_CEN;
        fast_enable(t, tim_kinds[index].channels);
    }
    if (sms == 7)
        tim_count_edge(c, index);
    tim_refs(c, index);
}

static bool ti(const struct tim_state *t, unsigned n)
{
    return t->input[n].out;
}

/* The level of the trigger input; one that is a pulse has none. */
static bool trigger_level(const struct chip *c, unsigned index)
{
    const struct tim_state *t = &c->tim[index];
    unsigned ts = tim_trigger_select(t);

    if (ts == 5 || ts == 6)
        return ti(t, ts - 5) != !!(t->r[TIM_CCER] >> 4 * (ts - 5) & 2);
    return ts == 7 ? ti(t, TIM_ETR) : ts < 4 && tim_itr_level(c, index, ts);
}

/* An edge of the trigger input, which gates the counter in gated mode. */
void tim_gate(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];
    bool before = t->gate;

    t->gate = trigger_level(c, index);
    if (tim_slave_mode(t) == 5 && t->gate != before) {
        tim_flag(c, index, TIM_SR_TIF);
        tim_request(c, index, tim_kinds[index].dma_trigger, TIM_DIER_TDE);
        tim_refs(c, index);
    }
}

void tim_gate_selected(struct chip *c, unsigned index)
{
    c->tim[index].gate = trigger_level(c, index);
}

/* ---- edges of TI1..4 and ETR ---- */

/* Quadrature encoder: RM0394 "Counting direction versus encoder signals". */
static void encoder(struct chip *c, unsigned index, unsigned n, bool rising)
{
    struct tim_state *t = &c->tim[index];
    unsigned sms = tim_slave_mode(t);

    if (n > 1 || !(sms & (1u << n)) || sms > 3)
        return;
    bool a = ti(t, 0) != !!(t->r[TIM_CCER] & 2), b = ti(t, 1) != !!(t->r[TIM_CCER] & 0x20);
    bool edge = rising != !!(t->r[TIM_CCER] & (n ? 0x20 : 2));
    tim_encoder_step(c, index, n == 0 ? edge != b : edge == a);
}

static void ti_edge(struct chip *c, unsigned index, unsigned n, bool rising)
{
    struct tim_state *t = &c->tim[index];
    unsigned ts = tim_trigger_select(t);

    for (unsigned ch = 0; ch < tim_kinds[index].channels; ch++) {
        unsigned s = tim_selection(t, ch), source = s == 1 ? ch : s == 2 ? ch ^ 1 : TIM_PINS;
        if (source == n && edge_fits(t, ch, rising))
            capture_edge(c, index, ch);
    }
    encoder(c, index, n, rising);
    if (ts == 4 && n == 0)
        tim_trigger_input(c, index);
    if ((ts == 5 && n == 0) || (ts == 6 && n == 1)) {
        tim_gate(c, index);
        if (edge_fits(t, n, rising))
            tim_trigger_input(c, index);
    }
}

/* ETRF, behind prescaler and filter. */
static void etr_edge(struct chip *c, unsigned index, bool level)
{
    struct tim_state *t = &c->tim[index];

    if (tim_trigger_select(t) == 7)
        tim_gate(c, index);
    if (!level)
        return;
    if (t->r[TIM_SMCR] & TIM_SMCR_ECE)
        tim_count_edge(c, index);
    if (tim_trigger_select(t) == 7)
        tim_trigger_input(c, index);
}

/* ETRP: with ETPS high from each 2nd, 4th or 8th rising edge for half of the edges to the next. */
static bool divided_etr(struct tim_state *t, bool level)
{
    unsigned n = tim_etr_division(t);
    bool rising = level && !t->etr, high = t->input[TIM_ETR].level;

    t->etr = level;
    if (n == 1)
        return level;
    if (!rising)
        return high;
    t->etr_edges = (uint8_t)((t->etr_edges + 1) % n);
    return t->etr_edges ? high && t->etr_edges < n / 2 : true;
}

static void set_input(struct chip *c, unsigned index, unsigned n, bool level)
{
    struct tim_state *t = &c->tim[index];

    if (n == TIM_ETR)
        level = divided_etr(t, level != !!(t->r[TIM_SMCR] & TIM_SMCR_ETP));
    if (t->input[n].level == level)
        return;
    if (!t->clock.hz) {
        filter_bypass(&t->input[n], level);
        return;
    }
    tim_settle(c, index);
    tim_filter(c, index, n, level);
    tim_refs(c, index);
    tim_schedule(c, index);
}

/* The inverter of ETP is the first thing behind the pin, the prescaler the next (RM0394 "External trigger
 * input block"): to what follows a new polarity is an edge, and so is the pin's level without the prescaler
 * where it differs. An oscillator in the pin's place shows no level. */
void tim_etr_changed(struct chip *c, unsigned index, uint32_t before)
{
    const struct tim_state *t = &c->tim[index];

    if (index != TIM2 || !(t->r[TIM_OR1] & 2))
        set_input(c, index, TIM_ETR, t->etr != !!(before & TIM_SMCR_ETP));
}

void tim_filtered(struct chip *c, unsigned index, unsigned n, bool level)
{
    if (n >= TIM_BRK)
        tim_break_filtered(c, index);
    else if (n == TIM_ETR)
        etr_edge(c, index, level);
    else
        ti_edge(c, index, n, level);
}

/* Is the input taken from elsewhere than its pin? (OR1, OR2) */
static bool remapped(const struct tim_state *t, unsigned index, unsigned n)
{
    switch (index) {
    case TIM1:
        return n == 0 ? t->r[TIM_OR1] >> 4 & 1 : n == 4 && (t->r[TIM_OR1] & 3 || t->r[TIM_OR2] >> 14 & 7);
    case TIM2:
        return n == 3 ? t->r[TIM_OR1] >> 2 & 3 : n == 4 && (t->r[TIM_OR1] & 2 || t->r[TIM_OR2] >> 14 & 7);
    case TIM15: return n == 0 && t->r[TIM_OR1] & 1;
    case TIM16: return n == 0 && t->r[TIM_OR1] & 7;
    default: return false;
    }
}

/* The first of the pins that are TI1 and on. ENCODER_MODE gives TIM15 those of TIM2. */
static unsigned ti_pins(const struct chip *c, unsigned index)
{
    bool of_tim2 = index == TIM15 && bits(c->tim[TIM15].r[TIM_OR1], 1, 2) == 1;

    return tim_kinds[of_tim2 ? TIM2 : index].pin;
}

/* TI1 with TI1S. */
static bool exclusive_or(const struct chip *c, unsigned index)
{
    unsigned pins = ti_pins(c, index);
    bool x = af_in(c, pins, false) != af_in(c, pins + 1, false);

    return x != (tim_kinds[index].channels > 2 && af_in(c, pins + 2, false));
}

/* The level of what TI1S, OR1, OR2 select; -1: that shows none: oscillators, ADC1's watchdogs, events of RTC.
 */
static int source_level(const struct chip *c, unsigned index, unsigned n)
{
    const struct tim_state *t = &c->tim[index];
    unsigned etr = bits(t->r[TIM_OR2], 14, 3), ti4 = bits(t->r[TIM_OR1], 2, 2);

    if (n == 0 && t->r[TIM_CR2] & TIM_CR2_TI1S)
        return exclusive_or(c, index);
    if (!remapped(t, index, n))
        return af_in(c, n == TIM_ETR ? tim_kinds[index].pin_etr : ti_pins(c, index) + n, false);
    if (n == TIM_ETR)
        return etr == 1 || etr == 2 ? comp_output(c, etr - 1) : -1;
    if (index == TIM1)
        return comp_output(c, 0);
    return index == TIM2 ? (ti4 & 1 && comp_output(c, 0)) || (ti4 & 2 && comp_output(c, 1)) : -1;
}

/* Another source whose level is another one is an edge. */
void tim_sources_selected(struct chip *c, unsigned index)
{
    for (unsigned n = 0; n <= TIM_ETR; n++) {
        bool there = n == TIM_ETR ? index <= TIM2 : n < tim_kinds[index].channels;
        int level = there ? source_level(c, index, n) : -1;
        if (level >= 0)
            set_input(c, index, n, level);
    }
}

void tim_pin(struct chip *c, unsigned signal, bool level)
{
    for (unsigned i = 0; i < TIM_COUNT; i++) {
        const struct tim_kind *k = &tim_kinds[i];
        struct tim_state *t = &c->tim[i];
        if (!k->channels)
            continue;
        if (signal == k->pin_etr && !remapped(t, i, 4))
            set_input(c, i, 4, level);
        if ((signal == k->pin_break || signal == k->pin_break2) && t->clock.hz) {
            tim_settle(c, i);
            tim_break_inputs(c, i);
            tim_schedule(c, i);
        }
        unsigned n = signal - ti_pins(c, i);
        if (n >= k->channels)
            continue;
        if (t->r[TIM_CR2] & TIM_CR2_TI1S && n < 3)
            set_input(c, i, 0, exclusive_or(c, i));
        if ((n || !(t->r[TIM_CR2] & TIM_CR2_TI1S)) && !remapped(t, i, n))
            set_input(c, i, n, level);
    }
}

void tim_comparator(struct chip *c, unsigned comp, bool level)
{
    uint32_t etr1 = bits(c->tim[TIM1].r[TIM_OR2], 14, 3), etr2 = bits(c->tim[TIM2].r[TIM_OR2], 14, 3);
    uint32_t ti4 = bits(c->tim[TIM2].r[TIM_OR1], 2, 2);

    if (comp == 0 && c->tim[TIM1].r[TIM_OR1] & 0x10)
        set_input(c, TIM1, 0, level);
    if (etr1 == comp + 1)
        set_input(c, TIM1, 4, level);
    if (etr2 == comp + 1)
        set_input(c, TIM2, 4, level);
    if (ti4 >> comp & 1)
        set_input(c, TIM2, 3, ti4 == 3 ? comp_output(c, 0) || comp_output(c, 1) : level);
    for (unsigned i = 0; i < TIM_COUNT; i++)
        if (c->tim[i].clock.hz) {
            tim_settle(c, i);
            tim_break_inputs(c, i);
            tim_schedule(c, i);
        }
}

void tim_adc_watchdog(struct chip *c, unsigned n, bool level)
{
    const struct tim_state *t = &c->tim[TIM1];

    if (bits(t->r[TIM_OR1], 0, 2) == n + 1 && !bits(t->r[TIM_OR2], 14, 3))
        set_input(c, TIM1, TIM_ETR, level);
}

void tim_rtc_wakeup(struct chip *c, bool level)
{
    if ((c->tim[TIM16].r[TIM_OR1] & 7) == 3)
        set_input(c, TIM16, 0, level);
}

void tim_usb_sof(struct chip *c)
{
    struct tim_state *t = &c->tim[TIM2];

    if (!(t->r[TIM_OR1] & 1) || tim_trigger_select(t) != 1 || !t->clock.hz)
        return;
    tim_settle(c, TIM2);
    tim_trigger_input(c, TIM2);
    tim_schedule(c, TIM2);
}
