/* Registers of the RTC, and how to get it to run, for the tests of it. */
#ifndef TEST_UNIT_RTC_RIG_H
#define TEST_UNIT_RTC_RIG_H

#include "rig.h"

#define RTC 0x40002800u
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
    OR = 0x4C,
    BKP0R = 0x50
};
enum {
    ALRAWF = 1,
    WUTWF = 4,
    SHPF = 8,
    INITS = 16,
    RSF = 32,
    INITF = 64,
    INIT = 128,
    ALRAF = 256,
    ALRBF = 512
};
enum {
    WUTF = 1 << 10,
    TSF = 1 << 11,
    TSOVF = 1 << 12,
    TAMP1F = 1 << 13,
    TAMP2F = 1 << 14,
    RECALPF = 1 << 16
};
enum {
    BYPSHAD = 32,
    FMT = 64,
    ALRAE = 256,
    ALRBE = 512,
    WUTE = 1 << 10,
    TSE = 1 << 11,
    ALRAIE = 1 << 12,
    WUTIE = 1 << 14
};
#define RTCCLK 30517578ull /* ps */

static inline void unlock(void)
{
    wr(RTC + WPR, 0xCA);
    wr(RTC + WPR, 0x53);
}

/* LSE, RTC enabled, unlocked. Set-up of each test. */
static inline int rtc_on(void **state)
{
    rig_on(state);
    clock_rtc();
    return 0;
}

static inline void init_mode(void)
{
    wr(RTC + ISR, 0xFFFFFFFF);
    assert_true(run_until(RTC + ISR, INITF, INITF, PS_PER_MS) != PS_NEVER);
}

static inline void set_time(uint32_t tr, uint32_t dr)
{
    init_mode();
    wr(RTC + TR, tr);
    wr(RTC + DR, dr);
    wr(RTC + ISR, ~(uint32_t)INIT);
    assert_true(run_until(RTC + ISR, RSF, RSF, PS_PER_MS) != PS_NEVER);
}

#endif
