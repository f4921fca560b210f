/* What the tests of timers share: registers, and timers that count microseconds. */
#ifndef TEST_TIM_REGS_H
#define TEST_TIM_REGS_H

#include "rig.h"

#define TIM1  0x40012C00u
#define TIM2  0x40000000u
#define TIM6  0x40001000u
#define TIM7  0x40001400u
#define TIM15 0x40014000u
#define TIM16 0x40014400u
enum {
    CR1 = 0x00,
    CR2 = 0x04,
    SMCR = 0x08,
    DIER = 0x0C,
    SR = 0x10,
    EGR = 0x14,
    CCMR1 = 0x18,
    CCMR2 = 0x1C,
    CCER = 0x20,
    CNT = 0x24,
    PSC = 0x28,
    ARR = 0x2C,
    RCR = 0x30,
    CCR1 = 0x34,
    CCR2 = 0x38,
    CCR3 = 0x3C,
    CCR4 = 0x40,
    BDTR = 0x44,
    DCR = 0x48,
    DMAR = 0x4C,
    OR1 = 0x50,
    CCMR3 = 0x54,
    CCR5 = 0x58,
    OR2 = 0x60
};
enum { CEN = 1, UDIS = 2, URS = 4, OPM = 8, DIR = 16, ARPE = 128 }; /* CR1 */
enum {
    MOE = 1 << 15,
    BKE = 1 << 12,
    BKP = 1 << 13,
    AOE = 1 << 14,
    OSSI = 1 << 10,
    OSSR = 1 << 11
}; /* BDTR */

static inline int microseconds(void **state)
{
    rig_on(state);
    clock_hsi16();
    clock_on(0x58, 0);
    clock_on(0x60, 11);
    clock_on(0x60, 16);
    clock_on(0x60, 17);
    for (unsigned i = 0; i < 4; i++) {
        static const uint32_t t[4] = {TIM1, TIM2, TIM15, TIM16};
        wr(t[i] + PSC, 15);
        wr(t[i] + EGR, 1);
        wr(t[i] + SR, 0);
    }
    return 0;
}

#endif
