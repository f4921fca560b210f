/* What the outside is told of a timer's outputs: frequency and duty cycle of PWM, of its combinations, and of
 * outputs that toggle. RM0394 "PWM mode", "Combined PWM mode", "Output compare mode". */
#include "chip/afpin.h"
#include "chip/state.h"
#include "chip/tim.h"

/* The next count behind `cnt` at which a reference may change, `end` at the latest. */
static uint64_t next_change(const struct tim_state *t, uint64_t cnt, uint64_t end)
{
    for (unsigned ch = 0; ch < TIM_CHANNELS; ch++)
        for (uint64_t at = t->ccr[ch]; at <= (uint64_t)t->ccr[ch] + 1; at++)
            if (at > cnt && at < end)
                end = at;
    return end;
}

/* The share of a period in which what channels make together is active. */
static double combined_share(const struct tim_state *t, unsigned ch)
{
    struct tim_state s = *t;
    double high = 0, all = 0;

    for (unsigned slope = 0; slope < 2; slope++) {
        if (!tim_centered(t) && t->down != (slope == 1))
            continue;
        s.down = slope;
        uint64_t cnt = tim_centered(t) && slope ? 1 : 0,
                 end = (uint64_t)t->arr + (tim_centered(t) && !slope ? 0 : 1);
        while (cnt < end) {
            uint64_t next = next_change(t, cnt, end);
            s.cnt = (uint32_t)cnt;
            for (unsigned i = 0; i < TIM_CHANNELS; i++) {
                bool level = tim_mode(t, i) >= 6 ? tim_pwm_level(&s, i) : t->ref >> i & 1;
                s.ref = (uint8_t)(level ? s.ref | 1u << i : s.ref & ~(1u << i));
            }
            high += tim_combined(&s, ch) ? (double)(next - cnt) : 0;
            all += (double)(next - cnt);
            cnt = next;
        }
    }
    return all > 0 ? high / all : 0;
}

/* The share in which the reference is active. */
static double share(const struct tim_state *t, unsigned ch)
{
    unsigned mode = tim_mode(t, ch);
    double period = tim_centered(t) ? t->arr : (double)t->arr + 1;
    double active = (double)t->ccr[ch] + (!tim_centered(t) && t->down ? 1 : 0);

    if (mode >= 12 || (ch < 3 && t->r[TIM_CCR5] >> (29 + ch) & 1))
        return combined_share(t, ch);
    active = active >= period ? 1 : active / period;
    return mode & 1 ? 1 - active : active;
}

static double duty(const struct tim_state *t, unsigned ch, bool n, double active)
{
    bool inverted = t->ccer >> 4 * ch & (n ? 8 : 2);
    /* a complementary output alone carries the reference itself, with its partner the inverse */
    bool inverse = n && tim_ccxe(t, ch);

    return inverted != inverse ? 1 - active : active;
}

void tim_toggled(struct chip *c, unsigned index, unsigned ch)
{
    struct tim_state *t = &c->tim[index];
    struct tim_toggle *g = &t->toggle[ch];
    ps_t now = chip_now(c), width = now - g->since, *was = &g->width[t->ref >> ch & 1 ? 0 : 1];

    g->moved = g->edges && g->ccr != t->ccr[ch];
    if (g->edges && (width > *was + 2 || width + 2 < *was)) /* not by rounding */
        *was = width;
    if (g->edges < 3)
        g->edges++;
    g->ccr = t->ccr[ch];
    g->since = now;
}

void tim_tell(struct chip *c, unsigned index, unsigned ch, bool n)
{
    struct tim_state *t = &c->tim[index];
    const struct tim_kind *k = &tim_kinds[index];
    unsigned mode = tim_mode(t, ch), slot = ch + (n ? TIM_PINS : 0), signal = (n ? k->pin_n : k->pin) + ch;
    bool on = (n ? tim_ccxne(t, index, ch) : tim_ccxe(t, ch)) && tim_main_enabled(t, index) &&
              (mode == 3 || mode >= 6) && tim_counts_internal(t) && t->arr && t->clock.hz;
    struct af_wave *told = &t->told[slot];
    struct tim_toggle *g = &t->toggle[ch];

    if (!on) {
        if (told->hz > 0)
            *g = (struct tim_toggle){0};
        af_tell_wave(c, signal, told, 0, 0);
        return;
    }
    double counts = tim_centered(t) ? 2.0 * t->arr : (double)t->arr + 1;
    double hz = t->clock.hz / ((double)t->psc + 1) / counts, active = mode == 3 ? 0.5 : share(t, ch);
    if (mode == 3 && g->moved) { /* software moves the compare value from edge to edge */
        double period = (double)(g->width[0] + g->width[1]);
        if (g->edges < 3) { /* not yet known */
            hz = told->hz * 2;
            active = duty(t, ch, n, told->duty);
        } else {
            hz = 2 * (double)PS_PER_S / period;
            active = (double)g->width[1] / period;
        }
    }
    af_tell_wave(c, signal, told, mode == 3 ? hz / 2 : hz, duty(t, ch, n, active));
}
