/* What the RTC puts out at PC13 and PB2, alarm and calibration clock, and the reference clock that it takes
 * in at PB15. RM0394 "Calibration clock output", "Alarm output", "RTC reference clock detection". */
#include "chip/rtc.h"
#include "chip/state.h"

enum { POL = 1 << 20, COE = 1 << 23, COSEL = 1 << 19, PUSH_PULL = 1 << 0, REMAP = 1 << 1 };
enum what { NOTHING, CALIBRATION, ALARM };
enum { PINS = 2 };
static const struct {
    uint8_t port, pin;
} pins[PINS] = {{2, 13}, {1, 2}};

static enum what shown(const struct rtc_state *s, unsigned n)
{
    bool alarm = bits(s->cr, 21, 2), calibration = s->cr & COE, remap = s->option & REMAP;

    if (n == 0)
        return alarm && (!remap || calibration)  ? ALARM
               : calibration && !remap && !alarm ? CALIBRATION
                                                 : NOTHING;
    return !remap ? NOTHING : calibration ? CALIBRATION : alarm ? ALARM : NOTHING;
}

static bool flag(const struct rtc_state *s)
{
    static const uint32_t flags[4] = {0, RTC_ISR_ALRAF, RTC_ISR_ALRBF, RTC_ISR_WUTF};

    return !!(s->isr & flags[bits(s->cr, 21, 2)]) != !!(s->cr & POL);
}

/* The sixth stage of the asynchronous prescaler, which counts down, or the eighth of the synchronous one. */
static uint32_t stage(const struct rtc_state *s)
{
    return s->cr & COSEL ? s->ssr >> 7 & 1 : (bits(s->prer, 16, 7) - s->apre) >> 5 & 1;
}

static enum rtc_drive drives(const struct rtc_state *s, unsigned n)
{
    enum what what = shown(s, n);
    bool high = what == ALARM ? flag(s) : stage(s);

    if (what == NOTHING)
        return RTC_DRIVES_NOT;
    if (high && what == ALARM && n == 0 && !(s->option & PUSH_PULL))
        return RTC_OPEN;
    return high ? RTC_HIGH : RTC_LOW;
}

static void tell_clock(struct chip *c, unsigned n)
{
    struct rtc_state *s = &c->rtc;
    double divider = s->cr & COSEL ? (bits(s->prer, 16, 7) + 1u) * 256.0 : 64.0;
    double hz = shown(s, n) == CALIBRATION ? chip_clock(c, CLK_RTC) / divider : 0;

    if (hz == s->told_hz[n])
        return;
    s->told_hz[n] = hz;
    if (c->tell->pwm)
        c->tell->pwm(c->tell->owner, pins[n].port, pins[n].pin, hz, hz > 0 ? 0.5 : 0);
}

void rtc_outputs(struct chip *c)
{
    for (unsigned n = 0; n < PINS; n++) {
        enum rtc_drive now = drives(&c->rtc, n);
        if (now == c->rtc.drive[n])
            continue;
        bool begins = c->rtc.drive[n] == RTC_DRIVES_NOT || now == RTC_DRIVES_NOT;
        c->rtc.drive[n] = (uint8_t)now;
        if (begins)
            tell_clock(c, n);
        gpio_resettle(c, pins[n].port, pins[n].pin);
    }
}

enum rtc_drive rtc_drives(const struct chip *c, unsigned port, unsigned pin)
{
    for (unsigned n = 0; n < PINS; n++)
        if (pins[n].port == port && pins[n].pin == pin && (n == 0 || gpio_af(c, port, pin) == 0))
            return (enum rtc_drive)c->rtc.drive[n];
    return RTC_DRIVES_NOT;
}

bool rtc_shows(const struct rtc_state *s, unsigned flag_number)
{
    return bits(s->cr, 21, 2) == flag_number;
}

/* Steps of the synchronous prescaler until the output turns, or of the asynchronous one (*fine). */
uint64_t rtc_out_next(const struct rtc_state *s, bool *fine)
{
    uint32_t low = s->cr & COSEL ? 127 : 31;
    uint32_t left = s->cr & COSEL ? s->ssr : bits(s->prer, 16, 7) - s->apre;

    *fine = !(s->cr & COSEL);
    if (shown(s, 0) != CALIBRATION && shown(s, 1) != CALIBRATION)
        return UINT64_MAX;
    return (left & low) + 1; /* never beyond the reload */
}

/* ---- reference clock ---- */

/* An edge within 7 periods of ck_apre around a second, later within 3, reloads the asynchronous prescaler. */
void rtc_reference(struct chip *c, bool level)
{
    struct rtc_state *s = &c->rtc;
    uint32_t last = bits(s->prer, 0, 15);

    if (!level || !(s->cr & RTC_CR_REFCKON))
        return;
    rtc_settle(c);
    bool found = s->reference_at != 0 && chip_now(c) - s->reference_at < 3 * PS_PER_S / 2;
    uint32_t window = found ? 1 : 3;
    if (s->isr & RTC_ISR_INITF || (s->ssr > window && s->ssr < last - window))
        return;
    rtc_reload(s);
    s->reference_at = chip_now(c);
    rtc_lines(c);
    rtc_schedule(c);
}
