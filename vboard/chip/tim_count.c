/* The counter of a timer: prescaler, counting up, down and both, update events with repetition and
 * preload, compare matches. A span of time is gone through from one interesting count to the next. */
#include "chip/state.h"
#include "chip/tim.h"

static uint32_t limit(unsigned index)
{
    return tim_kinds[index].wide ? UINT32_MAX : 0xFFFF;
}

bool tim_counts_internal(const struct tim_state *t)
{
    unsigned sms = tim_slave_mode(t);

    return (t->r[TIM_CR1] & TIM_CR1_CEN) && !(t->r[TIM_SMCR] & TIM_SMCR_ECE) && (sms == 0 || sms >= 4) &&
           sms != 7 && (sms != 5 || t->gate);
}

static unsigned compare_channels(unsigned index)
{
    return index == TIM1 ? 6 : tim_kinds[index].channels;
}

static uint32_t compare_flag(unsigned ch)
{
    return ch < 4 ? (uint32_t)TIM_SR_CC1IF << ch : (uint32_t)TIM_SR_CC5IF << (ch - 4);
}

/* ---- events of the counter ---- */

/* Update event: registers are taken over. */
static void tim_update(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];
    const struct tim_kind *k = &tim_kinds[index];

    t->cleared = t->fast = 0;
    t->psc = t->r[TIM_PSC];
    t->arr = t->r[TIM_ARR];
    t->repeat = t->rcr = t->r[TIM_RCR];
    for (unsigned ch = 0; ch < compare_channels(index); ch++)
        if (tim_is_output(t, ch))
            t->ccr[ch] = t->r[ch < 4 ? TIM_CCR1 + ch : TIM_CCR5 + ch - 4] & (ch < 4 ? UINT32_MAX : 0xFFFF);
    if (t->r[TIM_BDTR] & TIM_BDTR_AOE && !t->brk && !t->brk2)
        t->r[TIM_BDTR] |= TIM_BDTR_MOE;
    tim_request(c, index, k->dma_update, TIM_DIER_UDE);
    if (t->r[TIM_CR2] & TIM_CR2_CCDS)
        for (unsigned ch = 0; ch < k->channels; ch++)
            tim_request(c, index, k->dma_compare[ch], (uint32_t)TIM_DIER_CC1DE << ch);
}

/* Over- or underflow: an update event unless it is to be swallowed or disabled. */
static void overflow(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];

    if (t->repeat) {
        t->repeat--;
        return;
    }
    if (t->r[TIM_CR1] & TIM_CR1_UDIS) {
        t->repeat = t->rcr;
        return;
    }
    if (t->r[TIM_CR1] & TIM_CR1_OPM)
        t->r[TIM_CR1] &= ~(uint32_t)TIM_CR1_CEN;
    tim_update(c, index);
    tim_flag(c, index, TIM_SR_UIF);
    tim_trgo_pulse(c, index, 2);
}

void tim_restart(struct chip *c, unsigned index, bool flag)
{
    struct tim_state *t = &c->tim[index];

    t->prescale = 0;
    if (!(t->r[TIM_CR1] & TIM_CR1_UDIS)) {
        tim_update(c, index);
        if (flag)
            tim_flag(c, index, TIM_SR_UIF);
        tim_trgo_pulse(c, index, 2);
    }
    if (tim_centered(t))
        t->down = false;
    t->cnt = t->down ? t->arr : 0;
    tim_trgo_pulse(c, index, 0);
}

/* The counter has become equal to a channel's compare value. */
static void match(struct chip *c, unsigned index, unsigned ch)
{
    struct tim_state *t = &c->tim[index];
    unsigned mode = tim_mode(t, ch);
    uint8_t bit = (uint8_t)(1u << ch);
    unsigned cms = bits(t->r[TIM_CR1], 5, 2);

    if (mode == 1)
        t->ref |= bit;
    else if (mode == 2)
        t->ref &= (uint8_t)~bit;
    else if (mode == 3)
        t->ref ^= bit;
    if (mode == 3 && ch < TIM_PINS)
        tim_toggled(c, index, ch);
    if ((cms == 1 && !t->down) || (cms == 2 && t->down))
        return; /* flags on one slope only */
    tim_flag(c, index, compare_flag(ch));
    if (ch < 4 && !(t->r[TIM_CR2] & TIM_CR2_CCDS))
        tim_request(c, index, tim_kinds[index].dma_compare[ch], (uint32_t)TIM_DIER_CC1DE << ch);
    if (ch == 0)
        tim_trgo_pulse(c, index, 3);
}

/* The channels whose compare value the counter equals. */
unsigned tim_equal(const struct chip *c, unsigned index)
{
    const struct tim_state *t = &c->tim[index];
    unsigned equal = 0;

    for (unsigned ch = 0; ch < compare_channels(index); ch++)
        if (tim_is_output(t, ch) && t->cnt == t->ccr[ch])
            equal |= 1u << ch;
    return equal;
}

/* A register was written: what has become equal by that is a match, too. */
void tim_written(struct chip *c, unsigned index, unsigned equal_before)
{
    unsigned now = tim_equal(c, index) & ~equal_before;

    for (unsigned ch = 0; now >> ch; ch++)
        if (now >> ch & 1)
            match(c, index, ch);
}

/* One count. */
static void step(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];
    bool turned = false;

    if (tim_centered(t)) {
        t->cnt = (t->down ? t->cnt - 1 : t->cnt + 1) & limit(index);
        if (!t->down && t->cnt == t->arr)
            turned = t->down = true;
        else if (t->down && t->cnt == 0)
            turned = true, t->down = false;
    } else if (t->down) {
        turned = t->cnt == 0;
        t->cnt = turned ? t->arr : t->cnt - 1;
    } else {
        turned = t->cnt == t->arr;
        t->cnt = turned ? 0 : (t->cnt + 1) & limit(index);
    }
    uint32_t arr = t->arr;
    if (turned)
        overflow(c, index);
    if (turned && t->down && !tim_centered(t))
        t->cnt = t->arr;
    for (unsigned ch = 0; ch < compare_channels(index); ch++)
        if (tim_is_output(t, ch) && (t->cnt == t->ccr[ch] || (turned && t->ccr[ch] > arr)))
            match(c, index, ch);
}

/* ---- how far it is to what ---- */

/* Counts until the counter turns round. */
static uint64_t counts_to_turn(const struct tim_state *t, unsigned index)
{
    if (t->down)
        return tim_centered(t) ? (t->cnt ? t->cnt : (uint64_t)limit(index) + 1) : (uint64_t)t->cnt + 1;
    if (tim_centered(t))
        return t->cnt < t->arr ? t->arr - t->cnt : (uint64_t)limit(index) + 1 - t->cnt + t->arr;
    return t->cnt <= t->arr ? (uint64_t)t->arr - t->cnt + 1 : (uint64_t)limit(index) + 1 - t->cnt;
}

/* Counts until the counter equals `value` without turning; UINT64_MAX: it does not. */
static uint64_t counts_to(const struct tim_state *t, uint32_t value)
{
    if (t->down)
        return value < t->cnt ? t->cnt - value : UINT64_MAX;
    return value > t->cnt ? value - t->cnt : UINT64_MAX;
}

static bool pwm_mode(unsigned mode)
{
    return mode >= 6;
}

/* Does a match of the channel change anything that cannot be computed later? */
static bool match_matters(const struct chip *c, unsigned index, unsigned ch, bool visible)
{
    const struct tim_state *t = &c->tim[index];
    unsigned mode = tim_mode(t, ch);
    uint32_t dier = t->r[TIM_DIER], flag = compare_flag(ch);
    unsigned mms = bits(t->r[TIM_CR2], 4, 3), mms2 = bits(t->r[TIM_CR2], 20, 4);

    if (visible ? dier & flag & 0xFF && !(t->r[TIM_SR] & flag) : !(t->r[TIM_SR] & flag))
        return true;
    if (ch < 4 && dier & (uint32_t)TIM_DIER_CC1DE << ch)
        return true;
    if (visible ? (mode && tim_visible(c, index, ch))
                : (mode >= 1 && mode <= 3) || (pwm_mode(mode) && tim_visible(c, index, ch)))
        return true;
    return (mms >= 3 || mms2 >= 3 || index == TIM16) && tim_trgo_wanted(c, index);
}

static bool any_visible(const struct chip *c, unsigned index)
{
    for (unsigned ch = 0; ch < tim_kinds[index].channels; ch++)
        if (tim_visible(c, index, ch))
            return true;
    return false;
}

static bool turn_visible(const struct chip *c, unsigned index)
{
    const struct tim_state *t = &c->tim[index];
    uint32_t dier = t->r[TIM_DIER];

    uint32_t automatic = t->r[TIM_BDTR] & (TIM_BDTR_AOE | TIM_BDTR_MOE);
    bool told = bits(t->r[TIM_CR2], 4, 3) >= 2 || bits(t->r[TIM_CR2], 20, 4) >= 2 || index == TIM16;

    return (dier & TIM_SR_UIF && !(t->r[TIM_SR] & TIM_SR_UIF)) || dier & TIM_DIER_UDE ||
           (told && tim_trgo_wanted(c, index)) || (t->r[TIM_CR2] & TIM_CR2_CCDS && dier & 0x1E00) ||
           any_visible(c, index) || automatic == TIM_BDTR_AOE;
}

/* Counts, at least 1, to the next one that has to be looked at. `visible`: for the announcement of an
 * event, where a turn counts only if it shows; UINT64_MAX: nothing shows. */
static uint64_t counts_ahead(const struct chip *c, unsigned index, bool visible)
{
    const struct tim_state *t = &c->tim[index];
    uint64_t turn = counts_to_turn(t, index), n = turn;
    bool any = !visible || turn_visible(c, index);

    for (unsigned ch = 0; ch < compare_channels(index); ch++) {
        if (!tim_is_output(t, ch) || !match_matters(c, index, ch, visible))
            continue;
        any = true; /* if it is not on this slope the turn comes first */
        uint64_t to = counts_to(t, t->ccr[ch]);
        n = to < n ? to : n;
    }
    return any ? n : UINT64_MAX;
}

/* ---- time ---- */

/* `n` periods of CK_PSC, from one interesting count to the next. */
static void walk(struct chip *c, unsigned index, uint64_t n)
{
    struct tim_state *t = &c->tim[index];

    while (n && t->arr && t->r[TIM_CR1] & TIM_CR1_CEN) {
        uint64_t div = (uint64_t)t->psc + 1, ahead = counts_ahead(c, index, false);
        uint64_t all = (uint64_t)t->prescale + n, counts = all / div;
        if (counts < ahead) {
            t->cnt = (t->down ? t->cnt - (uint32_t)counts : t->cnt + (uint32_t)counts) & limit(index);
            t->prescale = (int32_t)(all % div);
            return;
        }
        n = all - ahead * div;
        t->prescale = 0;
        t->cnt = (t->down ? t->cnt - (uint32_t)(ahead - 1) : t->cnt + (uint32_t)(ahead - 1)) & limit(index);
        step(c, index);
    }
}

/* Periods of CK_PSC behind which a timer that goes round is where it was: an even number of rounds, since a
 * match may toggle, of each count of repetitions. */
static uint64_t lap(const struct tim_state *t)
{
    uint64_t counts = tim_centered(t) ? 2 * (uint64_t)t->arr : (uint64_t)t->arr + 1;

    return 2 * counts * ((uint64_t)t->psc + 1) * ((uint64_t)t->rcr + 1);
}

/* It goes round: no update changes anything that it counts with. */
static bool goes_round(const struct tim_state *t, unsigned index)
{
    uint32_t cr1 = t->r[TIM_CR1];

    if (t->cnt > t->arr || t->repeat > t->rcr || (tim_centered(t) && t->cnt == (t->down ? 0 : t->arr)))
        return false;
    if (cr1 & TIM_CR1_UDIS)
        return true;
    if (cr1 & TIM_CR1_OPM || t->psc != t->r[TIM_PSC] || t->arr != t->r[TIM_ARR] || t->rcr != t->r[TIM_RCR])
        return false;
    for (unsigned ch = 0; ch < compare_channels(index); ch++)
        if (tim_is_output(t, ch) &&
            t->ccr[ch] != (t->r[ch < 4 ? TIM_CCR1 + ch : TIM_CCR5 + ch - 4] & limit(index)))
            return false;
    return true;
}

/* `n` periods of CK_PSC. What nobody sees may be long: of the laps of a timer that goes round, the first
 * leaves flags and references as all others do. */
static void advance(struct chip *c, unsigned index, uint64_t n)
{
    struct tim_state *t = &c->tim[index];

    while (t->arr && t->r[TIM_CR1] & TIM_CR1_CEN && n > 2 * lap(t) &&
           counts_ahead(c, index, true) == UINT64_MAX) {
        bool round = goes_round(t, index);
        uint64_t turn = counts_to_turn(t, index) * ((uint64_t)t->psc + 1) - (uint64_t)t->prescale;
        uint64_t first = round ? lap(t) : turn < n ? turn : n;
        uint64_t rest = round ? (n - first) % first : n - first;
        walk(c, index, first);
        n = rest;
    }
    walk(c, index, n);
}

void tim_settle(struct chip *c, unsigned index)
{
    struct tim_state *t = &c->tim[index];
    uint64_t n = lazy_take(&t->clock, chip_now(c));

    if (n && tim_counts_internal(t))
        advance(c, index, n);
}

void tim_count_edge(struct chip *c, unsigned index)
{
    advance(c, index, 1);
    tim_refs(c, index);
}

void tim_encoder_step(struct chip *c, unsigned index, bool up)
{
    struct tim_state *t = &c->tim[index];

    if (!(t->r[TIM_CR1] & TIM_CR1_CEN))
        return;
    t->down = !up;
    advance(c, index, 1);
    tim_refs(c, index);
}

static ps_t earlier(ps_t a, ps_t b)
{
    return a < b ? a : b;
}

void tim_schedule(struct chip *c, unsigned index)
{
    const struct tim_state *t = &c->tim[index];
    ps_t when = earlier(tim_dead_time_next(t), earlier(t->oscillator_at, t->filter_at));

    if (tim_counts_internal(t) && t->arr) {
        uint64_t ahead = counts_ahead(c, index, true);
        if (ahead != UINT64_MAX)
            when =
                earlier(when, lazy_when(&t->clock, ahead * ((uint64_t)t->psc + 1) - (uint64_t)t->prescale));
    }
    chip_wake_at(c, tim_kinds[index].block, when);
}

void tim_event(struct chip *c, unsigned index)
{
    tim_settle(c, index);
    if (c->tim[index].oscillator_at <= chip_now(c))
        tim_oscillator_edge(c, index);
    if (c->tim[index].filter_at <= chip_now(c))
        tim_filters_run(c, index);
    tim_refs(c, index);
    tim_schedule(c, index);
}

void tim_clock(struct chip *c, unsigned index, bool after)
{
    struct tim_state *t = &c->tim[index];
    const struct tim_kind *k = &tim_kinds[index];

    if (!after) {
        tim_settle(c, index);
        if (t->filter_at != PS_NEVER)
            tim_filters_run(c, index);
        return;
    }
    if (lazy_retime(&t->clock, chip_now(c), chip_enabled(c, k->block) ? chip_clock(c, k->clock) : 0))
        tim_filters_retimed(t);
    tim_oscillators(c, index);
    if (t->r[TIM_CR1] & TIM_CR1_CEN || t->filter_at != PS_NEVER) {
        tim_outputs(c, index);
        tim_schedule(c, index);
    }
}
