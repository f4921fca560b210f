/* Real-time clock, tamper detection and backup registers (RM0394 "RTC"): the backup domain, which goes
 * on through resets, Standby, Shutdown and, on VBAT, without VDD. rtc.c has the registers, rtc_time.c
 * calendar, alarms and wake-up timer, rtc_tamper.c time stamp and tamper pins, rtc_out.c outputs and
 * reference clock. */
#ifndef VBOARD_CHIP_RTC_H
#define VBOARD_CHIP_RTC_H

#include "chip/chip.h"
#include "chip/regs.h"

/* What the RTC does two of its clock's periods after it was told to. */
enum rtc_pending {
    RTC_ENTERS_INIT, /* INITF rises */
    RTC_SYNCS,       /* RSF rises, the shadow registers follow the calendar */
    RTC_ALRA_FREE,   /* ALRAWF rises */
    RTC_ALRB_FREE,
    RTC_WUT_FREE, /* WUTWF rises */
    RTC_SHIFTS,   /* SHPF falls */
    RTC_RECALIBRATES,
    RTC_STAMPS,        /* TSF rises, */
    RTC_STAMPS_INSIDE, /* with ITSF */
    RTC_TAMPERS,       /* TAMP1F, 2F, 3F rise */
    RTC_PENDING = RTC_TAMPERS + 3
};

/* How the RTC drives PC13, PB2. */
enum rtc_drive { RTC_DRIVES_NOT, RTC_LOW, RTC_HIGH, RTC_OPEN };

struct rtc_state {
    uint32_t cr, isr, prer, wutr, alarm[2], alarm_ss[2], tstr, tsdr, tsssr, calr, tampcr, option;
    uint32_t bkp[32];
    uint32_t seen; /* ISR as others were told of it */
    uint8_t key;   /* of RTC_WPR: 0 locked, 1 first key seen, 2 open */

    struct lazy clock;
    uint32_t tr, dr, ssr; /* the calendar itself */
    uint32_t apre;        /* RTCCLK periods since SSR changed last */
    uint32_t hold;        /* periods until the calendar restarts after initialization */
    int8_t hours;         /* ADD1H and SUB1H since the last second */
    int64_t masked;       /* smooth calibration: 1/2^20 of a period, carried */
    uint32_t shadow_tr, shadow_dr, shadow_ssr;
    bool tr_locked, dr_locked; /* a register before it was read, DR not yet */
    ps_t pending[RTC_PENDING];

    uint32_t wut;       /* counts down to the wake-up */
    uint32_t wut_phase; /* RTCCLK periods of its own prescaler */

    ps_t tamper_at[3]; /* level detection: when the samples are complete */

    uint8_t drive[2];  /* enum rtc_drive: PC13, PB2 */
    double told_hz[2]; /* of the calibration output */
    ps_t reference_at; /* the last edge of the reference clock that counted; 0: none */
};

void rtc_reset(struct chip *c, unsigned index); /* of the backup domain */
void rtc_system_reset(struct chip *c);          /* what any reset does */
bool rtc_read(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool rtc_peek(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t *value);
bool rtc_write(struct chip *c, unsigned index, uint32_t off, unsigned size, uint32_t value);
void rtc_event(struct chip *c, unsigned index);
void rtc_clock(struct chip *c, unsigned index, bool after);
void rtc_reference(struct chip *c, bool level); /* RTC_REFIN */
enum rtc_drive rtc_drives(const struct chip *c, unsigned port, unsigned pin);
bool rtc_precharges(const struct chip *c, unsigned port, unsigned pin); /* a tamper's pull-up */
void rtc_on_vbat(struct chip *c);
void rtc_pin(struct chip *c, unsigned port, unsigned pin, bool high); /* a pin's electrical level changed */

/* ---- between the files of RTC ---- */

enum {
    RTC_CR_WUCKSEL = 7,
    RTC_CR_TSEDGE = 1 << 3,
    RTC_CR_REFCKON = 1 << 4,
    RTC_CR_BYPSHAD = 1 << 5,
    RTC_CR_FMT = 1 << 6,
    RTC_CR_ALRAE = 1 << 8,
    RTC_CR_ALRBE = 1 << 9,
    RTC_CR_WUTE = 1 << 10,
    RTC_CR_TSE = 1 << 11,
    RTC_CR_ALRAIE = 1 << 12,
    RTC_CR_ALRBIE = 1 << 13,
    RTC_CR_WUTIE = 1 << 14,
    RTC_CR_TSIE = 1 << 15,
    RTC_CR_ADD1H = 1 << 16,
    RTC_CR_SUB1H = 1 << 17,
    RTC_CR_ITSE = 1 << 24,

    RTC_ISR_ALRAWF = 1 << 0,
    RTC_ISR_ALRBWF = 1 << 1,
    RTC_ISR_WUTWF = 1 << 2,
    RTC_ISR_SHPF = 1 << 3,
    RTC_ISR_INITS = 1 << 4,
    RTC_ISR_RSF = 1 << 5,
    RTC_ISR_INITF = 1 << 6,
    RTC_ISR_INIT = 1 << 7,
    RTC_ISR_ALRAF = 1 << 8,
    RTC_ISR_ALRBF = 1 << 9,
    RTC_ISR_WUTF = 1 << 10,
    RTC_ISR_TSF = 1 << 11,
    RTC_ISR_TSOVF = 1 << 12,
    RTC_ISR_TAMP1F = 1 << 13,
    RTC_ISR_RECALPF = 1 << 16,
    RTC_ISR_ITSF = 1 << 17
};

void rtc_settle(struct chip *c); /* everything is as it is now */
void rtc_schedule(struct chip *c);
void rtc_lines(struct chip *c);   /* EXTI 18-20 follow flags and enables */
void rtc_outputs(struct chip *c); /* the same for the pins */
bool rtc_shows(const struct rtc_state *s,
               unsigned flag_number); /* the alarm output does: A 1, B 2, wake-up 3 */
uint64_t rtc_out_next(const struct rtc_state *s, bool *fine);
void rtc_pend(struct chip *c, enum rtc_pending p);
void rtc_start_wut(struct chip *c);
void rtc_second(struct rtc_state *s); /* the calendar goes one second on */
void rtc_reload(struct rtc_state *s); /* the asynchronous prescaler begins again */
void rtc_tamper_enabled(struct chip *c, uint32_t before);
void rtc_tamper_pulls(struct chip *c); /* TAMPCR has changed */
void rtc_tamper_due(struct chip *c);
/* The flag of a tamper that erases keeps the backup registers in reset (RM0394 "RTC_BKPxR"). */
bool rtc_backup_held(const struct rtc_state *s);
ps_t rtc_tamper_next(const struct rtc_state *s);

#endif
