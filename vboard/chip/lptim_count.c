/* The counter of a low-power timer: computed from the kernel clock or counted by edges; compare and reload
 * matches, one-shot and continuous counting, PWM, one-pulse and set-once output. RM0394 "LPTIM". */
#include "chip/afpin.h"
#include "chip/lptim.h"
#include "chip/state.h"

bool lptim_by_edges(const struct lptim_state *t)
{
    return t->cfgr & (LPTIM_CFGR_CKSEL | LPTIM_CFGR_COUNTMODE | LPTIM_CFGR_ENC);
}

unsigned lptim_prescaler(const struct lptim_state *t)
{
    return bits(t->cfgr, 9, 3);
}

static void go(struct lptim_state *t)
{
    t->counting = true;
    t->cnt = t->phase = 0;
    t->match = false;
    t->out = t->set_once;
    t->live_arr = t->arr;
    t->live_cmp = t->cmp;
}

/* The multiplexer of triggers has the software's among its inputs (RM0394 "LPTIM block diagram"). */
bool lptim_trigger(struct lptim_state *t)
{
    if (!t->counting)
        go(t);
    else if (t->cfgr & LPTIM_CFGR_TIMOUT)
        t->cnt = t->phase = 0;
    else
        return false;
    return true;
}

static bool compares(const struct lptim_state *t)
{
    return t->cnt == t->live_cmp || (t->cnt > t->live_cmp && t->cnt != t->live_arr);
}

/* From the last value of a period to 0. */
static void wrap(struct lptim_state *t)
{
    t->cnt = 0;
    t->live_arr = t->arr;
    t->live_cmp = t->cmp;
    if (t->single) {
        t->counting = false;
        t->cr &= ~(uint32_t)LPTIM_CR_SNGSTRT;
    }
}

/* A clock of the counter: what was reached shows with the next value. docs/chip-model.md says who measured.
 */
static void leave(struct lptim_state *t)
{
    bool match = compares(t);

    if (match && !t->match) {
        t->isr |= LPTIM_CMPM;
        t->set_once = t->single && t->cfgr & LPTIM_CFGR_WAVE;
    }
    t->match = match;
    t->out = (match && t->cnt != t->live_arr) || t->set_once;
    if (t->cnt == t->live_arr)
        t->isr |= LPTIM_ARRM;
    if (t->cnt == t->live_arr || t->cnt == 0xFFFF)
        wrap(t);
    else
        t->cnt++;
}

/* Counts, at least 1, up to the end of the next value that matters. */
static uint32_t ahead(const struct lptim_state *t)
{
    uint32_t n = t->cnt <= t->live_arr ? t->live_arr - t->cnt + 1 : 0x10000 - t->cnt;

    if (compares(t) != t->match)
        return 1;
    if (t->live_cmp >= t->cnt && t->live_cmp - t->cnt + 1 < n)
        n = t->live_cmp - t->cnt + 1;
    return n;
}

/* Laps that bring nothing new are left out. A counter that is above ARR is in none yet. */
static uint64_t but_for_laps(const struct lptim_state *t, uint64_t n)
{
    uint64_t period = (uint64_t)t->live_arr + 1;
    bool same = t->cnt <= t->live_arr && t->live_arr == t->arr && t->live_cmp == t->cmp && !t->single;
    bool told = t->isr & LPTIM_ARRM && (t->isr & LPTIM_CMPM || t->live_cmp > t->live_arr);

    return n > 4 * period && same && told ? period + n % period : n;
}

static void count(struct lptim_state *t, uint64_t n)
{
    for (; n && t->counting; n = but_for_laps(t, n)) {
        uint32_t step = ahead(t);
        if (n < step) {
            t->cnt += (uint32_t)n;
            return;
        }
        n -= step;
        t->cnt += step - 1;
        leave(t);
    }
}

void lptim_count(struct chip *c, unsigned index, uint64_t clocks)
{
    struct lptim_state *t = &c->lptim[index];
    uint64_t all = t->phase + clocks;

    if (!t->counting)
        return;
    t->phase = (uint32_t)(all & ((1u << lptim_prescaler(t)) - 1));
    count(t, all >> lptim_prescaler(t));
}

/* What crosses the clock domains has arrived. */
static void arrivals(struct chip *c, struct lptim_state *t)
{
    ps_t now = chip_now(c);
    bool at_once = !(t->cfgr & LPTIM_CFGR_PRELOAD) || !t->counting;

    if (t->arr_ok <= now) {
        t->arr_ok = PS_NEVER;
        t->isr |= LPTIM_ARROK;
        if (at_once)
            t->live_arr = t->arr;
    }
    if (t->cmp_ok <= now) {
        t->cmp_ok = PS_NEVER;
        t->isr |= LPTIM_CMPOK;
        if (at_once)
            t->live_cmp = t->cmp;
    }
    if (t->starts_at <= now) {
        t->starts_at = PS_NEVER;
        if (!bits(t->cfgr, 17, 2)) /* else a trigger starts it */
            lptim_trigger(t);
    }
}

void lptim_settle(struct chip *c, unsigned index)
{
    struct lptim_state *t = &c->lptim[index];
    uint64_t n = lazy_take(&t->clock, chip_now(c));

    if (!lptim_by_edges(t))
        lptim_count(c, index, n);
    arrivals(c, t);
}

/* ---- what the outside is told ---- */

static bool output_on(const struct chip *c, unsigned index)
{
    return af_connected(c, index ? AF_LPTIM2_OUT : AF_LPTIM1_OUT);
}

static void tell_wave(struct chip *c, unsigned index)
{
    struct lptim_state *t = &c->lptim[index];
    double hz = 0, duty = 0;

    if (t->counting && !t->single && !lptim_by_edges(t) && t->clock.hz) {
        double period = (double)t->live_arr + 1;
        hz = (double)t->clock.hz / (1u << lptim_prescaler(t)) / period;
        duty = t->live_cmp > t->live_arr ? 0 : (period - t->live_cmp - 1) / period;
        if (t->cfgr & LPTIM_CFGR_WAVPOL)
            duty = 1 - duty;
    }
    af_tell_wave(c, index ? AF_LPTIM2_OUT : AF_LPTIM1_OUT, &t->told, hz, duty);
}

void lptim_pins_selected(struct chip *c)
{
    for (unsigned i = 0; i < LPTIM_COUNT; i++) {
        lptim_sources_selected(c, i);
        if (c->lptim[i].counting) {
            lptim_settle(c, i);
            lptim_schedule(c, i);
        }
    }
}

static bool matters(const struct chip *c, unsigned index)
{
    const struct lptim_state *t = &c->lptim[index];
    uint32_t wanted = t->ier & (LPTIM_CMPM | LPTIM_ARRM) & ~t->isr;

    return wanted || output_on(c, index);
}

void lptim_schedule(struct chip *c, unsigned index)
{
    const struct lptim_state *t = &c->lptim[index];
    ps_t when = t->arr_ok < t->cmp_ok ? t->arr_ok : t->cmp_ok;

    tell_wave(c, index);
    when = t->starts_at < when ? t->starts_at : when;
    when = t->filter_at < when ? t->filter_at : when;
    if (t->counting && !lptim_by_edges(t) && matters(c, index)) {
        ps_t next = lazy_when(&t->clock, ((uint64_t)ahead(t) << lptim_prescaler(t)) - t->phase);
        when = next < when ? next : when;
    }
    chip_wake_at(c, index ? B_LPTIM2 : B_LPTIM1, when >= PS_NEVER - 1 ? PS_NEVER : when);
}
