/* Inputs of a timer: captures, trigger selection and slave modes, encoder, external clocks, internal
 * oscillators as inputs; and the trigger outputs, which are other timers' inputs. RM0394 "TIM1
 * functional description", "Timer synchronization". Input filters pass everything at once. */
#include "chip/afpin.h"
#include "chip/state.h"
#include "chip/tim.h"

enum { ETR_BIT = 0x10 };

static unsigned slave_mode(const struct tim_state *t)
{
    return bits(t->r[TIM_SMCR], 0, 3) | bits(t->r[TIM_SMCR], 16, 1) << 3;
}

static unsigned trigger_select(const struct tim_state *t)
{
    return bits(t->r[TIM_SMCR], 4, 3);
}

static unsigned selection(const struct tim_state *t, unsigned ch) /* CCxS */
{
    return t->r[ch < 2 ? TIM_CCMR1 : TIM_CCMR2] >> 8 * (ch & 1) & 3;
}

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
        if (selection(&c->tim[index], ch) == 3)
            capture_edge(c, index, ch);
}

void tim_trigger_input(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];
    unsigned sms = slave_mode(t);

    if (trigger_select(t) <= 4)
        capture_trc(c, index);
    if (sms < 4)
        return;
    if (sms != 5) {
        tim_flag(c, index, TIM_SR_TIF);
        tim_request(c, index, tim_kinds[index].dma_trigger, TIM_DIER_TDE);
    }
    if (t->r[TIM_CR2] & TIM_CR2_CCUS)
        tim_com(c, index);
    if (sms == 4 || sms == 8)
        tim_restart(c, index, !(t->r[TIM_CR1] & TIM_CR1_URS));
    if (sms == 6 || sms == 8)
        t->r[TIM_CR1] |= TIM_CR1_CEN;
    if (sms == 7)
        tim_count_edge(c, index);
    tim_refs(c, index);
}

/* Level of the trigger input, which gates the counter in gated mode. */
static void gate(struct chip *c, unsigned index, bool level)
{
    struct tim_state *t = &c->tim[index];
    bool before = t->gate;

    t->gate = level;
    if (slave_mode(t) == 5 && level != before) {
        tim_flag(c, index, TIM_SR_TIF);
        tim_request(c, index, tim_kinds[index].dma_trigger, TIM_DIER_TDE);
        tim_refs(c, index);
    }
}

/* ---- edges of TI1..4 and ETR ---- */

static bool ti(const struct tim_state *t, unsigned n)
{
    return t->inputs >> n & 1;
}

/* Quadrature encoder: RM0394 "Counting direction versus encoder signals". */
static void encoder(struct chip *c, unsigned index, unsigned n, bool rising)
{
    struct tim_state *t = &c->tim[index];
    unsigned sms = slave_mode(t);

    if (n > 1 || !(sms & (1u << n)) || sms > 3)
        return;
    bool a = ti(t, 0) != !!(t->r[TIM_CCER] & 2), b = ti(t, 1) != !!(t->r[TIM_CCER] & 0x20);
    bool edge = rising != !!(t->r[TIM_CCER] & (n ? 0x20 : 2));
    tim_encoder_step(c, index, n == 0 ? edge != b : edge == a);
}

static void ti_edge(struct chip *c, unsigned index, unsigned n, bool rising)
{
    struct tim_state *t = &c->tim[index];
    unsigned ts = trigger_select(t);

    for (unsigned ch = 0; ch < tim_kinds[index].channels; ch++) {
        unsigned s = selection(t, ch), source = s == 1 ? ch : s == 2 ? ch ^ 1 : TIM_PINS;
        if (source == n && edge_fits(t, ch, rising))
            capture_edge(c, index, ch);
    }
    encoder(c, index, n, rising);
    if (ts == 4 && n == 0)
        tim_trigger_input(c, index);
    if ((ts == 5 && n == 0) || (ts == 6 && n == 1)) {
        gate(c, index, rising != !!(t->r[TIM_CCER] >> 4 * n & 2));
        if (edge_fits(t, n, rising))
            tim_trigger_input(c, index);
    }
}

/* `level`: after the polarity ETP. */
static void etr_edge(struct chip *c, unsigned index, bool level)
{
    struct tim_state *t = &c->tim[index];

    if (trigger_select(t) == 7)
        gate(c, index, level);
    if (!level || ++t->etr_edges < 1u << bits(t->r[TIM_SMCR], 12, 2))
        return;
    t->etr_edges = 0;
    if (t->r[TIM_SMCR] & TIM_SMCR_ECE)
        tim_count_edge(c, index);
    if (trigger_select(t) == 7)
        tim_trigger_input(c, index);
}

static void set_input(struct chip *c, unsigned index, unsigned n, bool level)
{
    struct tim_state *t = &c->tim[index];
    uint8_t bit = (uint8_t)(1u << n);

    if (n == 4)
        level = level != !!(t->r[TIM_SMCR] & TIM_SMCR_ETP);
    if (!(t->inputs & bit) == !level)
        return;
    t->inputs ^= bit;
    if (!t->clock.hz)
        return;
    tim_settle(c, index);
    if (n == 4)
        etr_edge(c, index, level);
    else
        ti_edge(c, index, n, level);
    tim_refs(c, index);
    tim_schedule(c, index);
}

/* Is the input taken from elsewhere than its pin? (OR1, OR2) */
static bool remapped(const struct tim_state *t, unsigned index, unsigned n)
{
    switch (index) {
    case TIM1: return n == 0 ? t->r[TIM_OR1] >> 4 & 1 : n == 4 && t->r[TIM_OR2] >> 14 & 7;
    case TIM2:
        return n == 3 ? t->r[TIM_OR1] >> 2 & 3 : n == 4 && (t->r[TIM_OR1] & 2 || t->r[TIM_OR2] >> 14 & 7);
    case TIM15: return n == 0 && t->r[TIM_OR1] & 1;
    case TIM16: return n == 0 && t->r[TIM_OR1] & 7;
    default: return false;
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
        if (signal < k->pin || signal >= (unsigned)k->pin + k->channels)
            continue;
        unsigned n = signal - k->pin;
        if (t->r[TIM_CR2] & TIM_CR2_TI1S && n < 3) { /* TI1 is the exclusive or of three pins */
            bool x = af_in(c, k->pin, false) != af_in(c, k->pin + 1u, false);
            set_input(c, i, 0, x != (k->channels > 2 && af_in(c, k->pin + 2u, false)));
        }
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
        if (c->tim[i].clock.hz)
            tim_break_inputs(c, i);
}

void tim_rtc_wakeup(struct chip *c, bool level)
{
    if ((c->tim[TIM16].r[TIM_OR1] & 7) == 3)
        set_input(c, TIM16, 0, level);
}

void tim_usb_sof(struct chip *c)
{
    struct tim_state *t = &c->tim[TIM2];

    if (!(t->r[TIM_OR1] & 1) || trigger_select(t) != 1 || !t->clock.hz)
        return;
    tim_settle(c, TIM2);
    tim_trigger_input(c, TIM2);
    tim_schedule(c, TIM2);
}

/* ---- internal clocks as inputs ---- */

static uint32_t mco_hz(const struct chip *c)
{
    static const uint8_t sources[9] = {CLOCK_COUNT, CLK_SYSCLK, CLK_MSI, CLK_HSI16, CLK_HSE,
                                       CLK_PLL_R,   CLK_LSI,    CLK_LSE, CLK_HSI48};
    uint32_t cfgr = c->rcc.reg[RCC_CFGR / 4], sel = bits(cfgr, 24, 4), pre = bits(cfgr, 28, 3);

    return sel == 0 || sel > 8 ? 0 : chip_clock(c, sources[sel]) >> (pre > 4 ? 4 : pre);
}

/* The clock that is connected to the instance's TI1 (TIM2: ETR) instead of a pin, in Hz. */
static uint32_t oscillator_hz(const struct chip *c, unsigned index)
{
    uint32_t or1 = c->tim[index].r[TIM_OR1];

    if (index == TIM2)
        return or1 & 2 ? chip_clock(c, CLK_LSE) : 0;
    if (index == TIM15)
        return or1 & 1 ? chip_clock(c, CLK_LSE) : 0;
    if (index != TIM16)
        return 0;
    switch (or1 & 7) {
    case 1: return chip_clock(c, CLK_LSI);
    case 2: return chip_clock(c, CLK_LSE);
    case 4: return chip_clock(c, CLK_MSI);
    case 5: return chip_clock(c, CLK_HSE) / 32;
    case 6: return mco_hz(c);
    default: return 0;
    }
}

static bool oscillator_used(const struct tim_state *t, unsigned index)
{
    unsigned ts = trigger_select(t), sms = slave_mode(t);

    if (index == TIM2)
        return t->r[TIM_SMCR] & TIM_SMCR_ECE || (ts == 7 && sms >= 4);
    bool captured =
        (t->r[TIM_CCER] & 1 && selection(t, 0) == 1) || (t->r[TIM_CCER] & 0x10 && selection(t, 1) == 2);
    return captured || (sms >= 4 && (ts == 4 || ts == 5));
}

/* Rising edges of an oscillator lie on multiples of its period. */
void tim_oscillators(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];
    uint32_t hz = oscillator_hz(c, index);

    t->oscillator_at = PS_NEVER;
    if (hz && t->clock.hz && oscillator_used(t, index))
        t->oscillator_at = chip_ticks_to_ps(chip_ps_to_ticks(chip_now(c), hz) + 1, hz);
}

void tim_oscillator_edge(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];

    if (index == TIM2)
        etr_edge(c, index, true);
    else
        ti_edge(c, index, 0, true);
    t->inputs &= (uint8_t) ~(index == TIM2 ? ETR_BIT : 1);
    tim_oscillators(c, index);
}

/* ---- trigger outputs ---- */

static bool listens(const struct tim_state *s, unsigned slave, unsigned master)
{
    unsigned ts = trigger_select(s);

    return ts < 4 && tim_kinds[slave].itr[ts] == master && tim_kinds[slave].channels;
}

bool tim_trgo_wanted(const struct chip *c, unsigned index)
{
    if (chip_trigger_wanted(c, tim_kinds[index].trgo) ||
        (index == TIM1 && chip_trigger_wanted(c, TRG_TIM1_TRGO2)))
        return true;
    for (unsigned s = 0; s < TIM_COUNT; s++)
        if (listens(&c->tim[s], s, index))
            return true;
    return false;
}

static void to_slaves(struct chip *c, unsigned index, bool rising, bool level)
{
    for (unsigned s = 0; s < TIM_COUNT; s++) {
        if (!listens(&c->tim[s], s, index) || !c->tim[s].clock.hz)
            continue;
        tim_settle(c, s);
        gate(c, s, level);
        if (rising)
            tim_trigger_input(c, s);
        tim_schedule(c, s);
    }
}

void tim_trgo_pulse(struct chip *c, unsigned index, unsigned mms)
{
    const struct tim_state *t = &c->tim[index];

    if (index == TIM1 && bits(t->r[TIM_CR2], 20, 4) == mms)
        chip_trigger(c, TRG_TIM1_TRGO2);
    if (index == TIM16 || bits(t->r[TIM_CR2], 4, 3) != mms)
        return;
    chip_trigger(c, tim_kinds[index].trgo);
    to_slaves(c, index, true, false);
}

/* The level that MMS selects: the counter's enable, or a reference. -1: MMS selects an event. */
static int output_level(const struct tim_state *t, unsigned mms)
{
    if (mms == 1)
        return t->r[TIM_CR1] & TIM_CR1_CEN && (slave_mode(t) != 5 || t->gate);
    return mms >= 4 && mms <= 9 ? t->ref >> (mms - 4) & 1 : -1;
}

void tim_trgo_level(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];
    int level = output_level(t, index == TIM16 ? 4 : bits(t->r[TIM_CR2], 4, 3));

    if (level >= 0 && level != t->trgo) {
        t->trgo = (uint8_t)level;
        if (level)
            chip_trigger(c, tim_kinds[index].trgo);
        to_slaves(c, index, level, level);
    }
    level = index == TIM1 ? output_level(t, bits(t->r[TIM_CR2], 20, 4)) : -1;
    if (level >= 0 && level != t->trgo2) {
        t->trgo2 = (uint8_t)level;
        if (level)
            chip_trigger(c, TRG_TIM1_TRGO2);
    }
}
