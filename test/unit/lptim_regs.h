/* What the tests of low-power timers share: registers, and timers that count LSE. */
#ifndef TEST_LPTIM_REGS_H
#define TEST_LPTIM_REGS_H

#include "rig.h"

#define LPTIM1 0x40007C00u
#define LPTIM2 0x40009400u
enum { ISR = 0, ICR = 4, IER = 8, CFGR = 12, CR = 16, CMP = 20, ARR = 24, CNT = 28, OR = 32 };
enum { CMPM = 1, ARRM = 2, EXTTRIG = 4, CMPOK = 8, ARROK = 16, UP = 32, DOWN = 64 };
#define PERIOD 30517578ull /* LSE, ps */

static inline int on(void **state)
{
    rig_on_awake(state);
    clock_hsi16();
    clock_lse();
    clock_on(0x58, 31);
    clock_on(0x5C, 5);
    set_bits(0x40021088, 3u << 18 | 3u << 20); /* LSE */
    return 0;
}

/* What is written takes three periods of the counter's clock, which PRESC divides. */
static inline void load(uint32_t t, unsigned prescaler, uint32_t arr, uint32_t cmp)
{
    ps_t least = 2 * prescaler * PERIOD, most = 4 * prescaler * PERIOD;

    wr(t + ICR, 0x7F);
    wr(t + ARR, arr);
    assert_in_range(run_until(t + ISR, ARROK, ARROK, PS_PER_MS), least, most);
    wr(t + CMP, cmp);
    assert_in_range(run_until(t + ISR, CMPOK, CMPOK, PS_PER_MS), least, most);
    wr(t + ICR, 0x7F);
}

#endif
