/* What the tests of the clock tree share: registers, a chip, the PLL. */
#ifndef TEST_CLOCK_REGS_H
#define TEST_CLOCK_REGS_H

#include <string.h>

#include "chip_regs.h"

#define CR       RCC(0x00)
#define CFGR     RCC(0x08)
#define PLLCFGR  RCC(0x0C)
#define SAI1CFGR RCC(0x10)
#define CIER     RCC(0x18)
#define CIFR     RCC(0x1C)
#define CICR     RCC(0x20)
#define APB1ENR  RCC(0x58)
#define CCIPR    RCC(0x88)
#define BDCR     RCC(0x90)
#define CSR      RCC(0x94)
#define CRRCR    RCC(0x98)

/* ps until the bits are set. */
static inline ps_t until(uint32_t addr, uint32_t bits)
{
    ps_t from = chip_now(rig);
    while (!(rd(addr) & bits)) {
        assert_true(chip_now(rig) - from < 3 * PS_PER_S);
        chip_run(rig, chip_now(rig) + PS_PER_US / 4);
    }
    return chip_now(rig) - from;
}

static inline void unlock_backup(void)
{
    set_bits(APB1ENR, 1U << 28);
    set_bits(PWR(0x00), 1U << 8);
}

static inline uint32_t hz(enum clock_id id)
{
    return chip_clock(rig, id);
}

static inline void start_pll(uint32_t cfgr)
{
    wr(PLLCFGR, cfgr);
    set_bits(CR, 1U << 24);
    until(CR, 1U << 25);
}

#endif
