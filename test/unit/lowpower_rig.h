/* What the tests of low-power modes share: a chip whose processor sleeps by WFI or WFE, and PA0 that wakes
 * it by EXTI 0. Included once a test program. */
#ifndef TEST_LOWPOWER_RIG_H
#define TEST_LOWPOWER_RIG_H

#include "chip_regs.h"

#define CR1     PWR(0x00)
#define CR2     PWR(0x04)
#define CR3     PWR(0x08)
#define CR4     PWR(0x0C)
#define SR1     PWR(0x10)
#define SR2     PWR(0x14)
#define SCR     PWR(0x18)
#define SCS_SCR 0xE000ED10U
#define ISER0   0xE000E100U
#define ICPR0   0xE000E280U
#define SBF     (1U << 8)

static inline int setup(void **state)
{
    rig_on_awake(state);
    set_bits(RCC(0x58), 1U << 28);
    set_bits(RCC(0x4C), 0x9F);
    set_bits(RCC(0x60), 1);
    return 0;
}

/* The processor stores a word (into its own space) and goes back to its loop. */
static inline void store(uint32_t addr, uint32_t value)
{
    static const uint16_t code[] = {0x6001 /* str r1, [r0] */, 0xE7FE};
    cpu_set_reg(chip_cpu(rig), 0, addr);
    cpu_set_reg(chip_cpu(rig), 1, value);
    rig_execute(code, 2);
    run_us(20);
}

/* Sleeps by WFI or WFE with interrupts masked; counts in R7 how often it woke. */
static inline void sleep_by(uint16_t instruction)
{
    const uint16_t code[] = {0xB672 /* cpsid i */, instruction, 0x3701 /* adds r7, #1 */, 0xE7FE};
    cpu_set_reg(chip_cpu(rig), 7, 0);
    rig_execute(code, 4);
    run_us(5);
}

static inline void wfi(void)
{
    sleep_by(0xBF30);
}

static inline bool awake(void)
{
    return cpu_reg(chip_cpu(rig), 7) == 1;
}

/* PA0 is EXTI 0, rising edge, with its interrupt enabled; it wakes. */
static inline void arm_pin(void)
{
    wr(GPIO(0), rd(GPIO(0)) & ~3U);
    gpio_drive(rig, 0, 0, 0);
    wr(EXTI(0x08), 1);
    set_bits(EXTI(0x00), 1);
    wr(EXTI(0x14), 1);
    store(ISER0, 1U << 6);
}

static inline void deep(uint32_t lpms)
{
    wr(CR1, (rd(CR1) & ~7U) | lpms);
    store(SCS_SCR, 4);
}

static inline void to_pll(void)
{
    wr(FLASH(0x00), 0x604);
    wr(RCC(0x0C), 1U << 24 | 40U << 8 | 1);
    set_bits(RCC(0x00), 1U << 24);
    run_us(50);
    wr(RCC(0x08), 3);
    assert_int_equal(chip_clock(rig, CLK_HCLK), 80000000);
}

#endif
