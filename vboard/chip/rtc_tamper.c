/* Time stamp and tamper detection (RM0394 "RTC tamper and timestamp"). Pins of this package: RTC_TS and
 * TAMP1 on PC13, TAMP2 on PA0; TAMP3 (PE6) is not bonded. */
#include <string.h>

#include "chip/rtc.h"
#include "chip/state.h"

enum {
    TAMPERS = 3,
    TAMPTS = 1 << 7,
    TAMPPUDIS = 1 << 15,
    TRIGGERS = 3 /* TRIGSEL of the first at an LPTIM */
};

#define NO_PORT 0xFF

/* Where the bits of each tamper are in TAMPCR. */
static const struct tamper {
    uint8_t port, pin, enable, trigger, masked;
} tampers[TAMPERS] = {{2, 13, 0, 1, 18}, {0, 0, 3, 4, 21}, {NO_PORT, 0, 5, 6, 24}};

static bool bit(uint32_t reg, unsigned n)
{
    return reg >> n & 1;
}

static bool pending(const struct rtc_state *s, unsigned p)
{
    return s->pending[p] != PS_NEVER;
}

static void time_stamp(struct chip *c, enum rtc_pending how)
{
    struct rtc_state *s = &c->rtc;

    if (s->isr & RTC_ISR_TSF || pending(s, RTC_STAMPS) || pending(s, RTC_STAMPS_INSIDE)) {
        s->isr |= RTC_ISR_TSOVF; /* "there is no delay in the setting of TSOVF" */
        return;
    }
    rtc_pend(c, how);
    s->tstr = s->tr;
    s->tsdr = s->dr & 0xFF3F;
    s->tsssr = s->ssr;
}

/* Samples that have to agree, 0: edges are looked for. */
static unsigned samples(const struct rtc_state *s)
{
    static const uint8_t of_filter[4] = {0, 2, 4, 8};

    return of_filter[bits(s->tampcr, 11, 2)];
}

/* With a filter, the pins are pulled up before each sample, but for TAMPPUDIS (RM0394 "Level detection with
 * filtering on RTC_TAMPx inputs"): a pin that is open is high. Here the pull-up stays between samples. */
bool rtc_precharges(const struct chip *c, unsigned port, unsigned pin)
{
    const struct rtc_state *s = &c->rtc;

    if (!samples(s) || s->tampcr & TAMPPUDIS)
        return false;
    for (unsigned n = 0; n < TAMPERS; n++)
        if (tampers[n].port == port && tampers[n].pin == pin && bit(s->tampcr, tampers[n].enable))
            return true;
    return false;
}

void rtc_tamper_pulls(struct chip *c)
{
    for (unsigned n = 0; n < TAMPERS; n++)
        if (tampers[n].port != NO_PORT)
            gpio_resettle(c, tampers[n].port, tampers[n].pin);
}

/* A tamper that is not masked cannot be detected again before its flag is cleared; without filter and time
 * stamp the flag comes at once. One that is masked sets none, and each edge, with a filter each beginning of
 * its level, triggers LPTIMs (RM0367 "Trigger output generation on tamper event", of the same block). */
static void tampered(struct chip *c, unsigned n)
{
    struct rtc_state *s = &c->rtc;
    unsigned masked = tampers[n].masked; /* NOERASE is the bit below, IE two below */
    uint32_t flag = (uint32_t)RTC_ISR_TAMP1F << n;

    if (!bit(s->tampcr, masked)) {
        if (s->isr & flag || pending(s, RTC_TAMPERS + n))
            return;
        if (samples(s) || s->tampcr & TAMPTS)
            rtc_pend(c, (enum rtc_pending)(RTC_TAMPERS + n));
        else
            s->isr |= flag;
        if (!bit(s->tampcr, masked - 1u))
            memset(s->bkp, 0, sizeof s->bkp);
    } else {
        lptim_rtc(c, TRIGGERS + n);
    }
    if (s->tampcr & TAMPTS)
        time_stamp(c, RTC_STAMPS);
}

/* VDD is gone and VBAT supplies the domain: the internal event (RM0394 "Time-stamp function"). */
void rtc_on_vbat(struct chip *c)
{
    struct rtc_state *s = &c->rtc;

    rtc_settle(c);
    if (s->cr & RTC_CR_ITSE)
        time_stamp(c, RTC_STAMPS_INSIDE);
    rtc_schedule(c);
}

bool rtc_backup_held(const struct rtc_state *s)
{
    for (unsigned n = 0; n < TAMPERS; n++)
        if (s->isr & (uint32_t)RTC_ISR_TAMP1F << n && !bit(s->tampcr, tampers[n].masked - 1u))
            return true;
    return false;
}

/* The pin of an enabled tamper is at its active level: now the samples are counted. */
static void watch_level(struct chip *c, unsigned n, bool high)
{
    struct rtc_state *s = &c->rtc;
    uint64_t period = 32768u >> bits(s->tampcr, 8, 3);
    ps_t time = chip_ticks_to_ps(period * samples(s), s->clock.hz);

    if (high != bit(s->tampcr, tampers[n].trigger))
        s->tamper_at[n] = PS_NEVER;
    else if (s->tamper_at[n] == PS_NEVER && time != PS_NEVER)
        s->tamper_at[n] = chip_now(c) + time;
}

static bool level_of(const struct chip *c, unsigned n)
{
    return tampers[n].port != NO_PORT && gpio_pin_level(c, tampers[n].port, tampers[n].pin);
}

/* An input that is high when rising edges begin to be looked for counts as one. */
void rtc_tamper_enabled(struct chip *c, uint32_t before)
{
    struct rtc_state *s = &c->rtc;

    for (unsigned n = 0; n < TAMPERS; n++) {
        bool on = bit(s->tampcr, tampers[n].enable);
        if (!on)
            s->tamper_at[n] = PS_NEVER;
        else if (samples(s))
            watch_level(c, n, level_of(c, n));
        else if (!bit(before, tampers[n].enable) && !bit(s->tampcr, tampers[n].trigger) && level_of(c, n))
            tampered(c, n);
    }
}

void rtc_tamper_due(struct chip *c)
{
    struct rtc_state *s = &c->rtc;

    for (unsigned n = 0; n < TAMPERS; n++)
        if (s->tamper_at[n] <= chip_now(c)) {
            s->tamper_at[n] = PS_NEVER;
            tampered(c, n);
        }
}

ps_t rtc_tamper_next(const struct rtc_state *s)
{
    ps_t next = PS_NEVER;

    for (unsigned n = 0; n < TAMPERS; n++)
        next = s->tamper_at[n] < next ? s->tamper_at[n] : next;
    return next;
}

void rtc_pin(struct chip *c, unsigned port, unsigned pin, bool high)
{
    struct rtc_state *s = &c->rtc;
    bool stamp = s->cr & RTC_CR_TSE && port == 2 && pin == 13;

    if (!stamp && !(s->tampcr & 0x29))
        return;
    rtc_settle(c);
    if (stamp && high != !!(s->cr & RTC_CR_TSEDGE))
        time_stamp(c, RTC_STAMPS);
    for (unsigned n = 0; n < TAMPERS; n++) {
        if (tampers[n].port != port || tampers[n].pin != pin || !bit(s->tampcr, tampers[n].enable))
            continue;
        if (samples(s))
            watch_level(c, n, high);
        else if (high != bit(s->tampcr, tampers[n].trigger))
            tampered(c, n);
    }
    rtc_lines(c);
    rtc_schedule(c);
}
