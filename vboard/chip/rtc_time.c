/* Calendar, sub-seconds, alarms and wake-up timer of the RTC (RM0394 "RTC functional description"),
 * counted from the time of RTCCLK. Events are announced only for flags whose interrupt is enabled; other
 * flags are set when somebody looks. */
#include "chip/rtc.h"
#include "chip/state.h"

/* ---- calendar ---- */

static uint32_t prediv_a(const struct rtc_state *s)
{
    return bits(s->prer, 16, 7) + 1;
}

static uint32_t prediv_s(const struct rtc_state *s)
{
    return bits(s->prer, 0, 15);
}

/* Increments the BCD number in `count` bits of *reg from `low`; past `last` it becomes `first`, true. */
static bool bcd_next(uint32_t *reg, unsigned low, unsigned count, uint32_t last, uint32_t first)
{
    uint32_t v = bits(*reg, low, count), next = (v & 15) == 9 ? v + 7 : v + 1;
    bool wraps = v == last;

    if (wraps)
        next = first;
    *reg = (*reg & ~(((1u << count) - 1) << low)) | (next & ((1u << count) - 1)) << low;
    return wraps;
}

static uint32_t last_day(uint32_t dr)
{
    static const uint8_t days[0x13] = {0, 0x31, 0x28, 0x31, 0x30, 0x31, 0x30, 0x31, 0x31, 0x30,
                                       0, 0,    0,    0,    0,    0,    0x31, 0x30, 0x31};
    uint32_t month = bits(dr, 8, 5), year = bits(dr, 16, 8);
    uint32_t number = (year >> 4) * 10 + (year & 15);

    if (month == 2 && number % 4 == 0)
        return 0x29;
    return month < sizeof days && days[month] ? days[month] : 0x31;
}

static void next_day(struct rtc_state *s)
{
    uint32_t wday = bits(s->dr, 13, 3);

    s->dr = (s->dr & ~0xE000u) | (wday == 7 ? 1 : wday + 1) << 13;
    if (!bcd_next(&s->dr, 0, 6, last_day(s->dr), 1))
        return;
    if (bcd_next(&s->dr, 8, 5, 0x12, 1))
        bcd_next(&s->dr, 16, 8, 0x99, 0);
}

static void next_hour(struct rtc_state *s)
{
    const uint32_t pm = 1u << 22;

    if (!(s->cr & RTC_CR_FMT)) {
        if (bcd_next(&s->tr, 16, 6, 0x23, 0))
            next_day(s);
        return;
    }
    bcd_next(&s->tr, 16, 6, 0x12, 1);
    if (bits(s->tr, 16, 6) == 0x12) {
        s->tr ^= pm;
        if (!(s->tr & pm))
            next_day(s);
    }
}

/* ADD1H and SUB1H: the hour alone. SUB1H does nothing in hour 0, ADD1H goes there from 23. */
static void change_hour(struct rtc_state *s, int change)
{
    uint32_t dr = s->dr;

    if (change < 0 && !bits(s->tr, 16, 6))
        return;
    for (unsigned i = 0; i < (change > 0 ? 1u : 23u); i++)
        next_hour(s);
    s->dr = dr;
}

/* ADD1H and SUB1H "are effective in the next second" (RTC_CR, as remembered; a G0 does so: uliano/brio). */
void rtc_second(struct rtc_state *s)
{
    if (bcd_next(&s->tr, 0, 7, 0x59, 0) && bcd_next(&s->tr, 8, 7, 0x59, 0))
        next_hour(s);
    for (; s->hours; s->hours = (int8_t)(s->hours - (s->hours > 0 ? 1 : -1)))
        change_hour(s, s->hours);
}

/* ---- alarms ---- */

/* Which bits of TR and DR an alarm compares. */
static bool fields_match(const struct rtc_state *s, uint32_t alarm)
{
    uint32_t tr = s->tr ^ (alarm & 0x7F7F7F);
    uint32_t day =
        alarm >> 30 & 1 ? bits(s->dr, 13, 3) ^ bits(alarm, 24, 4) : bits(s->dr, 0, 6) ^ bits(alarm, 24, 6);

    return (alarm >> 7 & 1 || !(tr & 0x7F)) && (alarm >> 15 & 1 || !(tr & 0x7F00)) &&
           (alarm >> 23 & 1 || !(tr & 0x7F0000)) && (alarm >> 31 || !day);
}

static uint32_t ss_mask(const struct rtc_state *s, unsigned a)
{
    uint32_t n = bits(s->alarm_ss[a], 24, 4);

    return n == 15 ? 0x7FFF : (1u << n) - 1;
}

static bool enabled(const struct rtc_state *s, unsigned a)
{
    return s->cr & RTC_CR_ALRAE << a;
}

/* SSR has gone down from `high` to `low`, both included, within one second. `turned`: `high` began it. */
static void check_alarms(struct rtc_state *s, uint32_t high, uint32_t low, bool turned)
{
    for (unsigned a = 0; a < 2; a++) {
        uint32_t mask = ss_mask(s, a);
        if (!enabled(s, a) || !fields_match(s, s->alarm[a]))
            continue;
        bool hit =
            mask ? high - ((high - s->alarm_ss[a]) & mask) >= low && ((high - s->alarm_ss[a]) & mask) <= high
                 : turned;
        if (hit)
            s->isr |= (uint32_t)RTC_ISR_ALRAF << a;
    }
}

/* ---- wake-up timer ---- */

static bool wut_by_seconds(const struct rtc_state *s)
{
    return s->cr & 4;
}

static uint32_t wut_divider(const struct rtc_state *s)
{
    return 16u >> (s->cr & 3);
}

static uint32_t wut_reload(const struct rtc_state *s)
{
    return s->wutr | ((s->cr & RTC_CR_WUCKSEL) >= 6 ? 0x10000 : 0);
}

void rtc_start_wut(struct chip *c)
{
    c->rtc.wut = wut_reload(&c->rtc);
    c->rtc.wut_phase = 0;
}

static void count_wut(struct rtc_state *s, uint64_t n)
{
    if (n <= s->wut) {
        s->wut -= (uint32_t)n;
        return;
    }
    n -= s->wut + 1;
    s->isr |= RTC_ISR_WUTF;
    s->wut = wut_reload(s) - (uint32_t)(n % (wut_reload(s) + 1));
}

/* ---- the clock ---- */

/* Smooth calibration: pulses masked or inserted, evenly here (RM0394 "RTC smooth digital calibration"). */
static int64_t calibration(const struct rtc_state *s)
{
    return (s->calr >> 15 & 1 ? 512 : 0) - (int64_t)bits(s->calr, 0, 9);
}

static void advance_calendar(struct rtc_state *s, uint64_t periods)
{
    if (s->isr & RTC_ISR_INITF)
        return;
    uint64_t held = periods < s->hold ? periods : s->hold;
    s->hold -= (uint32_t)held;
    int64_t cal = (int64_t)(periods - held) * calibration(s) + s->masked;
    uint64_t all = s->apre + (periods - held) + (uint64_t)(cal >> 20);
    s->masked = cal & 0xFFFFF;
    uint64_t steps = all / prediv_a(s);
    s->apre = (uint32_t)(all % prediv_a(s));
    while (steps) {
        if (steps <= s->ssr) {
            check_alarms(s, s->ssr - 1, s->ssr - (uint32_t)steps, false);
            s->ssr -= (uint32_t)steps;
            return;
        }
        if (s->ssr)
            check_alarms(s, s->ssr - 1, 0, false);
        steps -= s->ssr + 1;
        s->ssr = prediv_s(s);
        rtc_second(s);
        check_alarms(s, s->ssr, s->ssr, true);
        if (s->cr & RTC_CR_WUTE && wut_by_seconds(s))
            count_wut(s, 1);
    }
}

/* ck_apre is high in the first half of its period: in the second the reload is an edge of it. */
void rtc_reload(struct rtc_state *s)
{
    if (s->apre >= prediv_a(s) / 2) {
        s->apre = prediv_a(s);
        advance_calendar(s, 0);
    }
    s->apre = 0;
}

/* What was pending happens when its time has come. */
static void finish(struct chip *c)
{
    static const struct {
        uint32_t set, clear;
    } effects[RTC_PENDING] = {
        [RTC_ENTERS_INIT] = {RTC_ISR_INITF, 0},
        [RTC_SYNCS] = {RTC_ISR_RSF, 0},
        [RTC_ALRA_FREE] = {RTC_ISR_ALRAWF, 0},
        [RTC_ALRB_FREE] = {RTC_ISR_ALRBWF, 0},
        [RTC_WUT_FREE] = {RTC_ISR_WUTWF, 0},
        [RTC_SHIFTS] = {0, RTC_ISR_SHPF},
        [RTC_RECALIBRATES] = {0, RTC_ISR_RECALPF},
        [RTC_STAMPS] = {RTC_ISR_TSF, 0},
        [RTC_STAMPS_INSIDE] = {RTC_ISR_TSF | RTC_ISR_ITSF, 0},
        [RTC_TAMPERS] = {RTC_ISR_TAMP1F, 0},
        [RTC_TAMPERS + 1] = {RTC_ISR_TAMP1F << 1, 0},
        [RTC_TAMPERS + 2] = {RTC_ISR_TAMP1F << 2, 0},
    };
    struct rtc_state *s = &c->rtc;

    for (unsigned p = 0; p < RTC_PENDING; p++) {
        if (s->pending[p] > chip_now(c) || (p == RTC_RECALIBRATES && s->isr & RTC_ISR_INITF))
            continue;
        s->pending[p] = PS_NEVER;
        s->isr = (s->isr | effects[p].set) & ~effects[p].clear;
    }
}

void rtc_pend(struct chip *c, enum rtc_pending p)
{
    /* Time stamps take 2 periods of ck_apre, tampers 3 (RM0360 "Tamper detection initialization"), and so
     * does a calibration, as remembered of "Re-calibration on-the-fly". ck_apre stands still in
     * initialization. */
    unsigned apre = p >= RTC_TAMPERS || p == RTC_RECALIBRATES ? 3 : p >= RTC_STAMPS ? 2 : 0;
    uint64_t periods = apre ? (uint64_t)prediv_a(&c->rtc) * apre : 2;
    ps_t delay = chip_ticks_to_ps(periods, c->rtc.clock.hz);

    c->rtc.pending[p] = delay == PS_NEVER ? PS_NEVER - 1 : chip_now(c) + delay;
}

void rtc_settle(struct chip *c)
{
    struct rtc_state *s = &c->rtc;
    uint64_t n = lazy_take(&s->clock, chip_now(c));

    if (s->cr & RTC_CR_WUTE && !wut_by_seconds(s)) {
        uint64_t all = s->wut_phase + n;
        s->wut_phase = (uint32_t)(all % wut_divider(s));
        count_wut(s, all / wut_divider(s));
    }
    advance_calendar(s, n);
    finish(c);
    rtc_tamper_due(c);
    rtc_lines(c);
}

/* RTCCLK periods after which the asynchronous prescaler has counted `need`. */
static uint64_t periods_until(const struct rtc_state *s, int64_t need)
{
    int64_t periods = ((need << 20) - s->masked) / ((1 << 20) + calibration(s));

    return (uint64_t)(periods > 0 ? periods : 1) + s->hold;
}

/* … and SSR has made `steps` steps. */
static uint64_t periods_for(const struct rtc_state *s, uint64_t steps)
{
    return periods_until(s, (int64_t)(steps * prediv_a(s)) - s->apre);
}

/* Steps of SSR after which something may happen to an alarm: a match of sub-seconds, or the next second. */
static uint64_t alarm_steps(const struct chip *c)
{
    const struct rtc_state *s = &c->rtc;
    uint64_t steps = UINT64_MAX;

    for (unsigned a = 0; a < 2; a++) {
        uint32_t mask = ss_mask(s, a), down = (s->ssr - s->alarm_ss[a]) & mask;
        bool wanted = s->cr & RTC_CR_ALRAIE << a || lptim_wants_rtc(c, 1 + a) || rtc_shows(s, 1 + a);
        if (!enabled(s, a) || !wanted || s->isr & RTC_ISR_ALRAF << a)
            continue;
        uint64_t next = s->ssr + 1u;
        if (mask && fields_match(s, s->alarm[a])) {
            down = down ? down : mask + 1; /* this value has been compared already */
            next = down <= s->ssr ? down : next;
        }
        steps = next < steps ? next : steps;
    }
    return steps;
}

void rtc_schedule(struct chip *c)
{
    const struct rtc_state *s = &c->rtc;
    uint64_t periods = UINT64_MAX;
    ps_t when = rtc_tamper_next(s);
    bool wakes = s->cr & RTC_CR_WUTE && !(s->isr & RTC_ISR_WUTF) && (s->cr & RTC_CR_WUTIE || rtc_shows(s, 3));

    for (unsigned p = RTC_STAMPS; p < RTC_PENDING; p++) /* interrupts, also in Stop: nobody need look */
        when = s->pending[p] < when ? s->pending[p] : when;
    if (!(s->isr & RTC_ISR_INITF)) {
        bool fine;
        uint64_t out = rtc_out_next(s, &fine);
        if (out != UINT64_MAX)
            periods = fine ? periods_until(s, (int64_t)out) : periods_for(s, out);
        uint64_t steps = alarm_steps(c);
        if (wakes) {
            uint64_t wut =
                wut_by_seconds(s) ? s->ssr + 1u + (uint64_t)s->wut * (prediv_s(s) + 1) : UINT64_MAX;
            steps = wut < steps ? wut : steps;
        }
        if (steps != UINT64_MAX && periods_for(s, steps) < periods)
            periods = periods_for(s, steps);
    }
    if (wakes && !wut_by_seconds(s)) {
        uint64_t wut = (uint64_t)(s->wut + 1) * wut_divider(s) - s->wut_phase;
        periods = wut < periods ? wut : periods;
    }
    if (periods != UINT64_MAX) {
        ps_t t = lazy_when(&s->clock, periods);
        when = t < when ? t : when;
    }
    chip_wake_at(c, B_RTC, when);
}

void rtc_event(struct chip *c, unsigned index)
{
    (void)index;
    rtc_settle(c);
    rtc_schedule(c);
}

void rtc_clock(struct chip *c, unsigned index, bool after)
{
    struct rtc_state *s = &c->rtc;

    (void)index;
    if (!after) {
        rtc_settle(c);
        return;
    }
    if (lazy_retime(&s->clock, chip_now(c), chip_clock(c, CLK_RTC)))
        for (unsigned p = 0; p < RTC_PENDING; p++)
            if (s->pending[p] != PS_NEVER)
                rtc_pend(c, (enum rtc_pending)p);
    rtc_schedule(c);
}
