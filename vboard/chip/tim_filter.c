/* Digital filters of a timer's inputs: ICxF for TI1-4, ETF behind the prescaler of ETR, BKF and BK2F for
 * the breaks. RM0394 "TIM1 capture/compare mode register 1", IC1F: sampling clock and number of samples. */
#include "chip/state.h"
#include "chip/tim.h"

/* Samples in a row, and how far fDTS is divided; the first three are taken at CK_INT itself. */
static const struct {
    uint8_t samples, shift;
} filters[16] = {{0, 0}, {2, 0}, {4, 0}, {8, 0}, {6, 1}, {8, 1}, {6, 2}, {8, 2},
                 {6, 3}, {8, 3}, {5, 4}, {6, 4}, {8, 4}, {5, 5}, {6, 5}, {8, 5}};

/* Is TIn used as an input? If not, its filter's bits may be those of an output. */
static bool in_use(const struct tim_state *t, unsigned n)
{
    unsigned sms = tim_slave_mode(t), ts = tim_trigger_select(t);

    if (tim_selection(t, n) || tim_selection(t, n ^ 1) == 2)
        return true;
    return n < 2 && ((sms >= 1 && sms <= 3) || ts == (n ? 6 : 5) || (n == 0 && ts == 4));
}

static unsigned setting(const struct tim_state *t, unsigned n)
{
    switch (n) {
    case TIM_ETR: return bits(t->r[TIM_SMCR], 8, 4);
    case TIM_BRK: return bits(t->r[TIM_BDTR], 16, 4);
    case TIM_BRK2: return bits(t->r[TIM_BDTR], 20, 4);
    default: return in_use(t, n) ? t->r[n < 2 ? TIM_CCMR1 : TIM_CCMR2] >> (8 * (n & 1) + 4) & 15 : 0;
    }
}

/* CK_INT periods from sample to sample. */
static unsigned sample_periods(const struct tim_state *t, unsigned f)
{
    return f < 4 ? 1 : 1u << (filters[f & 15].shift + bits(t->r[TIM_CR1], 8, 2)); /* CKD */
}

static uint64_t samples_now(const struct tim_state *t, unsigned f)
{
    return t->clock.done / sample_periods(t, f);
}

/* Samples that have been taken, and whether the output has changed with one. */
static bool take(struct tim_state *t, unsigned n, unsigned f)
{
    return filter_sample(&t->input[n], samples_now(t, f), filters[f].samples);
}

static ps_t due(const struct tim_state *t, unsigned n)
{
    unsigned f = setting(t, n);
    uint64_t sample = f ? filter_due(&t->input[n], filters[f].samples) : UINT64_MAX;

    return sample == UINT64_MAX || !t->clock.hz
               ? PS_NEVER
               : t->clock.t0 + chip_ticks_to_ps(sample * sample_periods(t, f), t->clock.hz);
}

static void announce(struct tim_state *t)
{
    t->filter_at = PS_NEVER;
    for (unsigned n = 0; n < TIM_INPUTS; n++) {
        ps_t when = t->input[n].level == t->input[n].out ? PS_NEVER : due(t, n);
        t->filter_at = when < t->filter_at ? when : t->filter_at;
    }
}

void tim_filter(struct chip *c, unsigned index, unsigned n, bool level)
{
    struct tim_state *t = &c->tim[index];
    struct filter *in = &t->input[n];
    unsigned f = setting(t, n);

    if (!f) {
        bool changed = in->out != level;
        filter_bypass(in, level);
        if (changed)
            tim_filtered(c, index, n, level);
        return;
    }
    take(t, n, f);
    in->level = level;
    in->length = (uint8_t)sample_periods(t, f);
    announce(t);
}

void tim_filters_changed(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];

    for (unsigned n = 0; n < TIM_INPUTS; n++) {
        struct filter *in = &t->input[n];
        if (in->level == in->out)
            continue;
        unsigned f = setting(t, n), length = sample_periods(t, f);
        if (!f) {
            tim_filter(c, index, n, in->level);
        } else if (in->length != length) {
            filter_restart(in, samples_now(t, f));
            in->length = (uint8_t)length;
        }
    }
    announce(t);
}

void tim_filters_run(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];

    for (unsigned n = 0; n < TIM_INPUTS; n++) {
        unsigned f = setting(t, n);
        if (f && t->input[n].level != t->input[n].out && take(t, n, f))
            tim_filtered(c, index, n, t->input[n].out);
    }
    announce(t);
}

void tim_filters_retimed(struct tim_state *t)
{
    for (unsigned n = 0; n < TIM_INPUTS; n++)
        t->input[n].seen = 0;
    announce(t);
}

ps_t tim_filter_passes(const struct tim_state *t, unsigned n, ps_t edge, ps_t stays)
{
    unsigned f = setting(t, n);

    if (!f)
        return edge;
    uint64_t period = sample_periods(t, f);
    uint64_t sample = edge <= t->clock.t0 ? 0 : chip_ps_to_ticks(edge - t->clock.t0, t->clock.hz) / period;
    ps_t when = t->clock.t0 + chip_ticks_to_ps((sample + filters[f].samples) * period, t->clock.hz);
    return when - edge <= stays ? when : PS_NEVER;
}
