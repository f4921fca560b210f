/* Registers of the RTC (RM0394 "RTC registers"): protection by DBP and the key register, initialization
 * mode, shadow registers, flags. */
#include "chip/rtc.h"
#include "chip/state.h"

enum {
    TR = 0x00,
    DR = 0x04,
    CR = 0x08,
    ISR = 0x0C,
    PRER = 0x10,
    WUTR = 0x14,
    ALRMAR = 0x1C,
    ALRMBR = 0x20,
    WPR = 0x24,
    SSR = 0x28,
    SHIFTR = 0x2C,
    TSTR = 0x30,
    TSDR = 0x34,
    TSSSR = 0x38,
    CALR = 0x3C,
    TAMPCR = 0x40,
    ALRMASSR = 0x44,
    ALRMBSSR = 0x48,
    OR = 0x4C,
    BKP0R = 0x50,
    END = 0xD0
};
#define TR_BITS     0x007F7F7Fu
#define DR_BITS     0x00FFFF3Fu
#define CR_BITS     0x01FCFF7Fu
#define FLAGS       0x0002FF00u /* of ISR, cleared by writing 0, without the key */
#define TAMPCR_BITS 0x01FFFFFFu

/* Alarms and tampers also start low-power timers. */
static void pulses(struct chip *c)
{
    static const uint8_t flag[5] = {8, 9, 13, 14, 15}; /* of ISR, in the order of TRIGSEL from 1 */
    struct rtc_state *s = &c->rtc;
    uint32_t risen = s->isr & ~s->seen;

    s->seen = s->isr;
    for (unsigned i = 0; i < 5; i++)
        if (risen >> flag[i] & 1)
            lptim_rtc(c, 1 + i);
}

void rtc_lines(struct chip *c)
{
    const struct rtc_state *s = &c->rtc;
    uint32_t tampers = 0;

    for (unsigned n = 0; n < 3; n++)
        if (s->tampcr & 4 || s->tampcr >> (16 + 3 * n) & 1)
            tampers |= (uint32_t)RTC_ISR_TAMP1F << n;
    exti_line(c, 18,
              (s->isr & RTC_ISR_ALRAF && s->cr & RTC_CR_ALRAIE) ||
                  (s->isr & RTC_ISR_ALRBF && s->cr & RTC_CR_ALRBIE));
    exti_line(c, 19, (s->isr & RTC_ISR_TSF && s->cr & RTC_CR_TSIE) || s->isr & tampers);
    bool wakeup = s->isr & RTC_ISR_WUTF && s->cr & RTC_CR_WUTIE;
    exti_line(c, 20, wakeup);
    tim_rtc_wakeup(c, wakeup);
    pulses(c);
    rtc_outputs(c);
}

void rtc_reset(struct chip *c, unsigned index)
{
    struct rtc_state *s = &c->rtc;

    (void)index;
    *s = (struct rtc_state){.isr = RTC_ISR_ALRAWF | RTC_ISR_ALRBWF | RTC_ISR_WUTWF,
                            .prer = 0x007F00FF,
                            .wutr = 0xFFFF,
                            .dr = 0x2101};
    for (unsigned p = 0; p < RTC_PENDING; p++)
        s->pending[p] = PS_NEVER;
    for (unsigned n = 0; n < 3; n++)
        s->tamper_at[n] = PS_NEVER;
    lazy_start(&s->clock, chip_now(c), chip_clock(c, CLK_RTC));
    rtc_tamper_pulls(c);
    rtc_system_reset(c);
}

/* The calendar goes on; the interface to it begins again. */
void rtc_system_reset(struct chip *c)
{
    struct rtc_state *s = &c->rtc;

    rtc_settle(c);
    s->isr &= ~(uint32_t)(RTC_ISR_INIT | RTC_ISR_INITF | RTC_ISR_RSF);
    s->pending[RTC_ENTERS_INIT] = PS_NEVER;
    s->shadow_tr = s->shadow_ssr = 0;
    s->shadow_dr = 0x2101;
    s->tr_locked = s->dr_locked = false;
    rtc_pend(c, RTC_SYNCS);
    rtc_lines(c);
    rtc_schedule(c);
}

/* ---- reads ---- */

static uint32_t isr(const struct rtc_state *s)
{
    uint32_t hidden = s->cr & RTC_CR_BYPSHAD ? RTC_ISR_RSF : 0; /* there are no shadow registers */

    return (s->isr & ~hidden) | (bits(s->dr, 16, 8) ? RTC_ISR_INITS : 0);
}

static uint32_t plain(const struct rtc_state *s, uint32_t reg)
{
    switch (reg) {
    case CR: return s->cr;
    case ISR: return isr(s);
    case PRER: return s->prer;
    case WUTR: return s->wutr;
    case ALRMAR: return s->alarm[0];
    case ALRMBR: return s->alarm[1];
    case TSTR: return s->isr & RTC_ISR_TSF ? s->tstr : 0;
    case TSDR: return s->isr & RTC_ISR_TSF ? s->tsdr : 0;
    case TSSSR: return s->isr & RTC_ISR_TSF ? s->tsssr : 0;
    case CALR: return s->calr;
    case TAMPCR: return s->tampcr;
    case ALRMASSR: return s->alarm_ss[0];
    case ALRMBSSR: return s->alarm_ss[1];
    case OR: return s->option;
    default: return reg >= BKP0R && reg < END ? s->bkp[(reg - BKP0R) / 4] : 0;
    }
}

/* RM0394 "Reading the calendar": SSR and TR lock the higher-order registers until DR is read, so SSR the two
 * others, and TR, which does not lock itself, DR. */
static uint32_t calendar(struct rtc_state *s, uint32_t reg, bool look)
{
    bool direct = s->cr & RTC_CR_BYPSHAD;

    if (!direct && s->isr & RTC_ISR_RSF) {
        s->shadow_ssr = s->ssr;
        s->shadow_tr = s->tr_locked ? s->shadow_tr : s->tr;
        s->shadow_dr = s->dr_locked ? s->shadow_dr : s->dr;
    }
    if (!look) {
        bool unlock = direct || reg == DR;
        s->tr_locked = !unlock && (s->tr_locked || reg == SSR);
        s->dr_locked = !unlock;
    }
    if (reg == TR)
        return direct ? s->tr : s->shadow_tr;
    if (reg == DR)
        return direct ? s->dr : s->shadow_dr;
    return direct ? s->ssr : s->shadow_ssr;
}

static bool get(struct chip *c, uint32_t off, unsigned size, uint32_t *value, bool look)
{
    uint32_t reg = off & ~3u;

    rtc_settle(c);
    bool time = reg == TR || reg == DR || reg == SSR;
    *value = lanes_get(time ? calendar(&c->rtc, reg, look) : plain(&c->rtc, reg), off, size);
    return true;
}

bool rtc_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    (void)index;
    return get(c, off, size, value, false);
}

bool rtc_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value)
{
    (void)index;
    return get(c, off, size, value, true);
}

/* ---- writes ---- */

static void write_isr(struct chip *c, uint32_t value, bool open)
{
    struct rtc_state *s = &c->rtc;

    s->isr &= value | ~FLAGS;
    if (!open)
        return;
    bool comes = !(s->isr & RTC_ISR_RSF) && s->pending[RTC_SYNCS] != PS_NEVER;
    if (!(value & RTC_ISR_RSF) && !(s->isr & RTC_ISR_INIT) && !comes) {
        s->isr &= ~(uint32_t)RTC_ISR_RSF;
        rtc_pend(c, RTC_SYNCS);
    }
    if (value & RTC_ISR_INIT && !(s->isr & RTC_ISR_INIT)) {
        s->isr = (s->isr | RTC_ISR_INIT) & ~(uint32_t)RTC_ISR_RSF;
        s->pending[RTC_SYNCS] = PS_NEVER;
        rtc_pend(c, RTC_ENTERS_INIT);
    } else if (!(value & RTC_ISR_INIT) && s->isr & RTC_ISR_INIT) {
        s->isr &= ~(uint32_t)(RTC_ISR_INIT | RTC_ISR_INITF);
        s->pending[RTC_ENTERS_INIT] = PS_NEVER;
        s->apre = 0;
        s->ssr = bits(s->prer, 0, 15);
        s->hours = 0;
        s->hold = 4; /* RM0394 "Calendar initialization and configuration" */
        rtc_pend(c, RTC_SYNCS);
        if (s->isr & RTC_ISR_RECALPF)
            rtc_pend(c, RTC_RECALIBRATES);
    }
}

static void write_cr(struct chip *c, uint32_t value)
{
    struct rtc_state *s = &c->rtc;
    uint32_t old = s->cr, mask = CR_BITS;

    if (!(s->isr & RTC_ISR_INITF))
        mask &= ~(uint32_t)(RTC_CR_FMT | RTC_CR_REFCKON);
    if (!(s->isr & (RTC_ISR_WUTWF | RTC_ISR_INITF)))
        mask &= ~(uint32_t)RTC_CR_WUCKSEL;
    s->cr = (old & ~mask) | (value & mask & ~(uint32_t)(RTC_CR_ADD1H | RTC_CR_SUB1H));
    if (!(s->isr & RTC_ISR_INIT) && value & RTC_CR_ADD1H)
        s->hours++;
    if (!(s->isr & RTC_ISR_INIT) && value & RTC_CR_SUB1H)
        s->hours--;
    uint32_t risen = s->cr & ~old, fallen = old & ~s->cr;
    if (risen & RTC_CR_WUTE) {
        s->isr &= ~(uint32_t)RTC_ISR_WUTWF;
        s->pending[RTC_WUT_FREE] = PS_NEVER;
        rtc_start_wut(c);
    }
    if (fallen & RTC_CR_WUTE)
        rtc_pend(c, RTC_WUT_FREE);
    for (unsigned a = 0; a < 2; a++) {
        if (risen & RTC_CR_ALRAE << a) {
            s->isr &= ~((uint32_t)RTC_ISR_ALRAWF << a);
            s->pending[RTC_ALRA_FREE + a] = PS_NEVER;
        }
        if (fallen & RTC_CR_ALRAE << a)
            rtc_pend(c, (enum rtc_pending)(RTC_ALRA_FREE + a));
    }
}

static void write_shift(struct chip *c, uint32_t value)
{
    struct rtc_state *s = &c->rtc;

    if (s->isr & RTC_ISR_SHPF || s->cr & RTC_CR_REFCKON)
        return;
    s->ssr += bits(value, 0, 15);
    if (value >> 31)
        rtc_second(s);
    s->isr = (s->isr | RTC_ISR_SHPF) & ~(uint32_t)RTC_ISR_RSF;
    rtc_pend(c, RTC_SHIFTS);
    rtc_pend(c, RTC_SYNCS);
}

/* Flags of ISR of which one has to be set for the register to be written. */
static bool open_now(struct chip *c, uint32_t reg)
{
    static const struct {
        uint8_t reg;
        uint32_t flags;
        const char *name, *closed;
    } gates[] = {{TR, RTC_ISR_INITF, "TR", "while INITF is clear"},
                 {DR, RTC_ISR_INITF, "DR", "while INITF is clear"},
                 {PRER, RTC_ISR_INITF, "PRER", "while INITF is clear"},
                 {WUTR, RTC_ISR_WUTWF | RTC_ISR_INITF, "WUTR", "while WUTWF is clear"},
                 {ALRMAR, RTC_ISR_ALRAWF | RTC_ISR_INITF, "ALRMAR", "while ALRAWF is clear"},
                 {ALRMBR, RTC_ISR_ALRBWF | RTC_ISR_INITF, "ALRMBR", "while ALRBWF is clear"},
                 {ALRMASSR, RTC_ISR_ALRAWF | RTC_ISR_INITF, "ALRMASSR", "while ALRAWF is clear"},
                 {ALRMBSSR, RTC_ISR_ALRBWF | RTC_ISR_INITF, "ALRMBSSR", "while ALRBWF is clear"}};

    for (unsigned i = 0; i < sizeof gates / sizeof *gates; i++)
        if (gates[i].reg == reg && !(c->rtc.isr & gates[i].flags)) {
            chip_ignored(c, B_RTC, gates[i].name, gates[i].closed);
            return false;
        }
    return true;
}

static void write_protected(struct chip *c, uint32_t reg, uint32_t value)
{
    struct rtc_state *s = &c->rtc;

    if (!open_now(c, reg))
        return;
    switch (reg) {
    case TR: s->tr = value & TR_BITS; break;
    case DR: s->dr = value & DR_BITS; break;
    case CR: write_cr(c, value); break;
    case PRER: s->prer = value & 0x007F7FFF; break;
    case WUTR: s->wutr = value & 0xFFFF; break;
    case ALRMAR: s->alarm[0] = value; break;
    case ALRMBR: s->alarm[1] = value; break;
    case ALRMASSR: s->alarm_ss[0] = value & 0x0F007FFF; break;
    case ALRMBSSR: s->alarm_ss[1] = value & 0x0F007FFF; break;
    case SHIFTR: write_shift(c, value); break;
    case CALR:
        if (s->isr & RTC_ISR_RECALPF)
            break;
        s->calr = value & 0xE1FF & ~(value & 1U << 14 ? 3U : value & 1U << 13 ? 1U : 0); /* CALW8, CALW16 */
        s->isr |= RTC_ISR_RECALPF;
        rtc_pend(c, RTC_RECALIBRATES);
        break;
    }
}

static void write_key(struct rtc_state *s, uint32_t key)
{
    if (key == 0x53 && s->key == 1)
        s->key = 2;
    else
        s->key = key == 0xCA ? 1 : 0;
}

bool rtc_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value)
{
    struct rtc_state *s = &c->rtc;
    uint32_t reg = off & ~3u;

    (void)index;
    value = lanes_apb(size, value);
    /* BDRST, while it is set, holds the backup domain in reset (RM0394 "RCC_BDCR"). */
    if (!pwr_backup_writable(c) || c->rcc.reg[RCC_BDCR / 4] & 1U << 16) {
        if (reg != WPR)
            chip_ignored(c, B_RTC, reg >= BKP0R ? "BKPxR" : "",
                         pwr_backup_writable(c) ? "while RCC_BDCR.BDRST is set"
                                                : "while PWR_CR1.DBP is clear");
        return true;
    }
    rtc_settle(c);
    if (reg >= BKP0R && reg < END) {
        if (!rtc_backup_held(s))
            s->bkp[(reg - BKP0R) / 4] = value;
        return true;
    }
    bool open = s->key == 2;
    switch (reg) {
    case WPR: write_key(s, value & 0xFF); break;
    case ISR: write_isr(c, value, open); break;
    case OR: s->option = value & 3; break;
    case TAMPCR: {
        uint32_t before = s->tampcr;
        s->tampcr = value & TAMPCR_BITS;
        rtc_tamper_pulls(c);
        rtc_tamper_enabled(c, before);
        break;
    }
    default:
        if (open)
            write_protected(c, reg, value);
        else
            chip_ignored(c, B_RTC, "", "without the keys in RTC_WPR");
        break;
    }
    rtc_lines(c);
    rtc_schedule(c);
    return true;
}
