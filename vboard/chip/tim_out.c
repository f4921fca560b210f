/* Outputs of a timer: OCxREF by mode, combined and asymmetric modes, polarity, complementary outputs with
 * dead time, break, main output enable. RM0394 "TIM1 functional description", "Output control bits for
 * complementary OCx and OCxN". */
#include "chip/afpin.h"
#include "chip/state.h"
#include "chip/tim.h"

bool tim_is_output(const struct tim_state *t, unsigned ch)
{
    if (ch >= 4)
        return true;
    return !(t->r[ch < 2 ? TIM_CCMR1 : TIM_CCMR2] >> 8 * (ch & 1) & 3);
}

unsigned tim_mode(const struct tim_state *t, unsigned ch)
{
    uint32_t ccmr = t->ccmr[ch / 2] >> 8 * (ch & 1);

    return tim_is_output(t, ch) ? bits(ccmr, 4, 3) | bits(ccmr, 16, 1) << 3 : 0;
}

static bool has_break(unsigned index)
{
    return index == TIM1 || index == TIM15 || index == TIM16;
}

bool tim_main_enabled(const struct tim_state *t, unsigned index)
{
    return !has_break(index) || t->r[TIM_BDTR] & TIM_BDTR_MOE;
}

bool tim_ccxe(const struct tim_state *t, unsigned ch)
{
    return t->ccer >> 4 * ch & 1;
}

bool tim_ccxne(const struct tim_state *t, unsigned index, unsigned ch)
{
    return ch < tim_kinds[index].complementary && t->ccer >> 4 * ch & 4;
}

/* TIM15's channel 1 is the carrier at IR_OUT, TIM16's the envelope. */
static bool makes_ir(unsigned index, unsigned ch)
{
    return (index == TIM15 || index == TIM16) && ch == 0;
}

/* IR_OUT is low while both are high: it sinks the current of a diode (docs/chip-model.md). */
void tim_ir(struct chip *c)
{
    bool carrier = c->tim[TIM15].high & 1, envelope = c->tim[TIM16].high & 1;

    af_out(c, AF_IR_OUT, !carrier || !envelope);
}

/* On a pin, or at ADC1 as a trigger. */
static bool shows(const struct chip *c, unsigned index, unsigned ch)
{
    const struct tim_state *t = &c->tim[index];
    const struct tim_kind *k = &tim_kinds[index];

    if (ch >= k->channels)
        return false;
    return (tim_ccxe(t, ch) &&
            (af_connected(c, k->pin + ch) || (makes_ir(index, ch) && af_connected(c, AF_IR_OUT)) ||
             tim_output_wanted(c, index, ch))) ||
           (tim_ccxne(t, index, ch) && af_connected(c, k->pin_n + ch));
}

/* Does the channel's reference show in its output, that of a channel it is combined with, or in a
 * comparator? */
bool tim_visible(const struct chip *c, unsigned index, unsigned ch)
{
    const struct tim_state *t = &c->tim[index];

    if (tim_is_output(t, ch) && comp_blanked_by(c, index, ch))
        return true;
    if (!tim_main_enabled(t, index) || !tim_is_output(t, ch))
        return false;
    if (ch >= 4) /* channels 5 and 6 have no pins */
        return ch == 4 && t->r[TIM_CCR5] >> 29;
    return shows(c, index, ch) || (tim_mode(t, ch ^ 1) >= 12 && shows(c, index, ch ^ 1));
}

/* ---- OCxREF ---- */

/* PWM mode 1 (odd: mode 2, the inverse): active below the compare value. Retriggerable one pulse (8, 9): the
 * same from the trigger, which starts the counter, to the update, which stops it; else idle. */
bool tim_pwm_level(const struct tim_state *t, unsigned ch)
{
    unsigned mode = tim_mode(t, ch);
    bool inverse = mode & 1;

    if ((mode == 8 || mode == 9) && !(t->r[TIM_CR1] & TIM_CR1_CEN))
        return inverse == t->down;
    bool active = t->down ? t->cnt <= t->ccr[ch] : t->cnt < t->ccr[ch];

    if (bits(t->r[TIM_CR1], 5, 2)) /* center-aligned: the same width on both slopes */
        active = t->down ? t->cnt <= t->ccr[ch] && t->ccr[ch] : t->cnt < t->ccr[ch];
    return active != inverse;
}

static void put_ref(struct tim_state *t, unsigned ch, bool level)
{
    t->ref = (uint8_t)(level ? t->ref | 1u << ch : t->ref & ~(1u << ch));
}

/* What the output stage sees: OCxREFC. */
bool tim_combined(const struct tim_state *t, unsigned ch)
{
    unsigned mode = tim_mode(t, ch), other = ch ^ 1;
    bool own = t->ref >> ch & 1, second = t->ref >> other & 1;
    bool level = mode == 12   ? own || second
                 : mode == 13 ? own && second
                 : mode >= 14 ? (t->down ? second : own)
                              : own;

    if (ch < 3 && t->r[TIM_CCR5] >> (29 + ch) & 1)
        level = level && t->ref >> 4 & 1;
    return level;
}

/* OCxCE: ETRF, where OCCS selects it, clears the reference until the next update, but none that is forced
 * (RM0394 "Clearing the OCxREF signal on an external event"). */
void tim_refs(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];
    unsigned channels = index == TIM1 ? 6 : tim_kinds[index].channels;
    bool etrf = t->r[TIM_SMCR] & TIM_SMCR_OCCS && t->input[TIM_ETR].out;

    for (unsigned ch = 0; ch < channels; ch++) {
        unsigned mode = tim_mode(t, ch);
        if (mode == 4 || mode == 5) {
            put_ref(t, ch, mode == 5);
            continue;
        }
        if (mode >= 6)
            put_ref(t, ch, t->fast >> ch & 1 ? (mode == 7) != t->down : tim_pwm_level(t, ch));
        if (t->ccmr[ch / 2] >> 8 * (ch & 1) & 0x80 && etrf)
            t->cleared |= (uint8_t)(1u << ch);
        if (t->cleared >> ch & 1)
            put_ref(t, ch, false);
    }
    tim_outputs(c, index);
    tim_trgo_level(c, index);
    comp_blanking(c, index);
}

/* ---- pins ---- */

/* Dead time: DTG in periods of the dead-time clock, which CKD divides. */
static ps_t dead_time(const struct chip *c, unsigned index)
{
    const struct tim_state *t = &c->tim[index];
    uint32_t dtg = bits(t->r[TIM_BDTR], 0, 8), n;

    if (dtg < 0x80)
        n = dtg;
    else if (dtg < 0xC0)
        n = (64 + (dtg & 0x3F)) * 2;
    else if (dtg < 0xE0)
        n = (32 + (dtg & 0x1F)) * 8;
    else
        n = (32 + (dtg & 0x1F)) * 16;
    n <<= bits(t->r[TIM_CR1], 8, 2);
    return t->clock.hz ? chip_ticks_to_ps(n, t->clock.hz) : 0;
}

ps_t tim_dead_time_next(const struct tim_state *t)
{
    ps_t next = PS_NEVER;

    for (unsigned ch = 0; ch < 3; ch++)
        next = t->dead_until[ch] < next ? t->dead_until[ch] : next;
    return next;
}

/* Level of an output: 0, 1, -1: left to the pin's pulls. `n`: the complementary one. */
static int output(struct chip *c, unsigned index, unsigned ch, bool n)
{
    struct tim_state *t = &c->tim[index];
    bool own = n ? tim_ccxne(t, index, ch) : tim_ccxe(t, ch),
         both = tim_ccxe(t, ch) && tim_ccxne(t, index, ch);
    bool inverted = t->ccer >> 4 * ch & (n ? 8 : 2), ref = tim_combined(t, ch);

    if (!has_break(index))
        return own ? ref != inverted : -1;
    if (!(t->r[TIM_BDTR] & TIM_BDTR_MOE)) {
        if (!(t->r[TIM_BDTR] & TIM_BDTR_OSSI) || !(tim_ccxe(t, ch) || tim_ccxne(t, index, ch)))
            return -1;
        return bits(t->r[TIM_CR2], 8 + 2 * ch + (n ? 1 : 0), 1) != 0; /* OISx, OISxN */
    }
    if (!own)
        return t->r[TIM_BDTR] & TIM_BDTR_OSSR && (tim_ccxe(t, ch) || tim_ccxne(t, index, ch)) ? inverted : -1;
    if (!both)
        return ref != inverted;
    bool dead = t->dead_until[ch] != PS_NEVER; /* neither is active */
    return (!dead && ref != n) != inverted;
}

/* With both outputs of a channel on, every change of the reference begins a dead time. */
static void run_dead_times(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];

    for (unsigned ch = 0; ch < tim_kinds[index].complementary; ch++) {
        bool ref = tim_combined(t, ch);
        if (t->dead_until[ch] <= chip_now(c))
            t->dead_until[ch] = PS_NEVER;
        if (ref == (t->wanted >> ch & 1))
            continue;
        t->wanted ^= (uint8_t)(1u << ch);
        ps_t dead = dead_time(c, index);
        t->dead_until[ch] =
            dead && tim_ccxe(t, ch) && tim_ccxne(t, index, ch) ? chip_now(c) + dead : PS_NEVER;
    }
}

/* ---- on the pins ---- */

static void drive(struct chip *c, unsigned index, unsigned ch, bool n)
{
    struct tim_state *t = &c->tim[index];
    const struct tim_kind *k = &tim_kinds[index];
    uint16_t bit = (uint16_t)(1u << (ch + (n ? TIM_PINS : 0)));
    int level = tim_is_output(t, ch) ? output(c, index, ch, n) : -1;
    bool driven = level >= 0, high = level > 0, before = t->high & bit;

    if (driven == !!(t->driven & bit) && high == before)
        return;
    t->driven = (uint16_t)(driven ? t->driven | bit : t->driven & ~bit);
    t->high = (uint16_t)(high ? t->high | bit : t->high & ~bit);
    if (driven)
        af_out(c, (n ? k->pin_n : k->pin) + ch, high);
    else
        af_release(c, (n ? k->pin_n : k->pin) + ch);
    if (makes_ir(index, ch) && !n)
        tim_ir(c);
    if (high != before && !n)
        tim_output_changed(c, index, ch, high);
}

void tim_outputs(struct chip *c, unsigned index)
{
    const struct tim_kind *k = &tim_kinds[index];

    if (!k->channels)
        return;
    run_dead_times(c, index);
    for (unsigned ch = 0; ch < k->channels; ch++) {
        drive(c, index, ch, false);
        tim_tell(c, index, ch, false);
        if (ch < k->complementary) {
            drive(c, index, ch, true);
            tim_tell(c, index, ch, true);
        }
    }
}

void tim_pins_selected(struct chip *c)
{
    for (unsigned i = 0; i < TIM_COUNT; i++) {
        const struct tim_state *t = &c->tim[i];
        if (!tim_kinds[i].channels)
            continue;
        tim_sources_selected(c, i); /* an input without a pin is low */
        if (!t->clock.hz || !(t->ccer || t->r[TIM_BDTR] & (TIM_BDTR_BKE | TIM_BDTR_BK2E)))
            continue;
        tim_settle(c, i);
        tim_break_inputs(c, i);
        tim_refs(c, i);
        tim_schedule(c, i);
    }
}

/* ---- break ---- */

void tim_break(struct chip *c, unsigned index, uint32_t flag)
{
    c->tim[index].r[TIM_BDTR] &= ~(uint32_t)TIM_BDTR_MOE;
    tim_flag(c, index, flag);
    tim_outputs(c, index);
}

/* Level of a break input: the pin and the comparators, each with its own polarity (OR2, OR3). */
static bool break_level(const struct chip *c, unsigned signal, uint32_t sources)
{
    bool pin = sources & 1 && af_in(c, signal, sources >> 9 & 1) != !!(sources >> 9 & 1);

    for (unsigned comp = 0; comp < 2; comp++)
        if (sources >> (1 + comp) & 1 && comp_output(c, comp) != !!(sources >> (10 + comp) & 1))
            return true;
    return pin;
}

void tim_break_inputs(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];
    const struct tim_kind *k = &tim_kinds[index];

    if (!has_break(index))
        return;
    uint32_t bdtr = t->r[TIM_BDTR];
    /* BKP 0: active low at the timer, which an unconnected source is not */
    bool any = t->r[TIM_OR2] & 7, level = break_level(c, k->pin_break, t->r[TIM_OR2]);
    bool connected = af_connected(c, k->pin_break) || t->r[TIM_OR2] & 6;
    tim_filter(c, index, TIM_BRK, any && connected && level == !!(bdtr & TIM_BDTR_BKP));
    if (index == TIM1) {
        connected = t->r[TIM_OR3] & 7 && (af_connected(c, k->pin_break2) || t->r[TIM_OR3] & 6);
        level = break_level(c, k->pin_break2, t->r[TIM_OR3]);
        tim_filter(c, index, TIM_BRK2, connected && level == !!(bdtr & TIM_BDTR_BK2P));
    }
    tim_break_filtered(c, index);
}

void tim_break_filtered(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];

    bool enabled = t->r[TIM_BDTR] & TIM_BDTR_BKE, system = enabled && syscfg_system_break(c);
    bool input = enabled && t->input[TIM_BRK].out;

    t->brk = input || system;
    t->brk2 = t->r[TIM_BDTR] & TIM_BDTR_BK2E && t->input[TIM_BRK2].out;
    if (system)
        tim_break(c, index, index == TIM1 ? TIM_SR_SBIF : TIM_SR_BIF);
    if (input)
        tim_break(c, index, TIM_SR_BIF);
    if (t->brk2)
        tim_break(c, index, TIM_SR_B2IF);
}

void tim_system_break(struct chip *c)
{
    for (unsigned i = 0; i < TIM_COUNT; i++) {
        if (!has_break(i) || !c->tim[i].clock.hz)
            continue;
        tim_settle(c, i);
        tim_break_filtered(c, i);
        tim_schedule(c, i);
    }
}
