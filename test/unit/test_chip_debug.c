/* DBGMCU_CR: what stays on in low-power modes for a debugger (lowpower.c), and that firmware notices. */
#include "lowpower_rig.h"

#define DBGMCU_CR 0xE0042004U
#define SYST(off) (0xE000E010U + (off))

/* DBG_STOP: FCLK and HCLK go on from MSI or HSI16, all else of the entry and of the exit is as without. */
static void test_debug_stop(void **state)
{
    (void)state;
    wr(DBGMCU_CR, 2);
    arm_pin();
    set_bits(RCC(0x58), 1U << 28 | 3); /* TIM2, TIM6 */
    clear_bits(RCC(0x78), 2);
    wr(RCC(0x00), rd(RCC(0x00)) | 1U << 8);
    set_bits(RCC(0x98), 1);
    to_pll();
    deep(2);
    store(ICPR0, 1U << 6);
    wfi();
    assert_int_equal(rig->mode, MODE_STOP);
    assert_int_equal(chip_clock(rig, CLK_HCLK), 4000000);
    assert_int_equal(chip_clock(rig, CLK_PLL_R) + chip_clock(rig, CLK_HSI16) + chip_clock(rig, CLK_HSI48), 0);
    assert_true(chip_enabled(rig, B_TIM2) && !chip_enabled(rig, B_TIM6));
    uint64_t cycles = cpu_cycles(chip_cpu(rig));
    run_us(1000);
    assert_int_equal(rig->mode, MODE_STOP);
    assert_in_range(cpu_cycles(chip_cpu(rig)) - cycles, 4000, 4001);
    gpio_drive(rig, 0, 0, 1);
    run_us(1); /* the oscillator runs: as fast as out of Sleep */
    assert_int_equal(rig->mode, MODE_RUN);
    run_us(5);
    assert_true(awake());
    assert_int_equal(chip_clock(rig, CLK_HCLK), 4000000);
    assert_int_equal(rd(RCC(0x08)) & 15, 0);
    assert_int_equal(rd(RCC(0x00)) & (1U << 24 | 1U << 8 | 3U), 3);
    /* STOPWUCK; a pending EXTI line refuses the entry as ever. */
    wr(RCC(0x08), 1U << 15);
    wfi();
    assert_int_equal(rig->mode, MODE_RUN);
    wr(EXTI(0x14), 1);
    store(ICPR0, 1U << 6);
    wfi();
    assert_int_equal(rig->mode, MODE_STOP);
    assert_int_equal(chip_clock(rig, CLK_HCLK), 16000000);
    /* Not for the other bits. */
    chip_request_reset(rig, RESET_SOFT);
    rig_settle();
    set_bits(RCC(0x58), 1U << 28);
    wr(DBGMCU_CR, 5);
    deep(1);
    wfi();
    assert_int_equal(rig->mode, MODE_STOP);
    assert_int_equal(chip_clock(rig, CLK_HCLK), 0);
}

/* SysTick's interrupt wakes the core out of such a Stop, and no interrupt of a peripheral needs EXTI. */
static void test_debug_stop_interrupts(void **state)
{
    (void)state;
    for (unsigned debug = 0; debug < 2; debug++) {
        wr(DBGMCU_CR, 2 * debug);
        deep(1);
        store(SYST(4), 3999);
        store(SYST(8), 0);
        store(SYST(0), 7);
        wfi();
        ps_t from = chip_now(rig);
        run_us(900);
        assert_int_equal(rig->mode, MODE_STOP);
        run_us(100);
        assert_int_equal(awake(), debug);
        if (debug)
            assert_true(chip_now(rig) - from < 1100 * PS_PER_US);
        store(SYST(0), 0);
        if (!debug) {
            chip_request_reset(rig, RESET_SOFT);
            rig_settle();
            set_bits(RCC(0x58), 1U << 28);
        }
    }
    store(0xE000ED04, 1U << 25); /* PENDSTCLR */
    store(ISER0, 1U << 28);
    wfi();
    assert_int_equal(rig->mode, MODE_STOP);
    chip_irq(rig, 28, 31, true);
    run_us(5);
    assert_true(awake());
}

/* The cycle counter goes on in Sleep, with or without DBG_SLEEP, and stands still in Stop without DBG_STOP.
 */
static void test_cycle_counter(void **state)
{
    (void)state;
    arm_pin();
    store(0xE000EDFC, 1U << 24); /* TRCENA */
    store(0xE0001000, 1);
    for (unsigned n = 0; n < 3; n++) {
        uint32_t from = 0, to = 0;
        wr(DBGMCU_CR, n == 1);
        if (n == 2)
            deep(1);
        wfi();
        assert_int_equal(rig->mode, n == 2 ? MODE_STOP : MODE_SLEEP);
        assert_true(cpu_ppb_peek(chip_cpu(rig), 0xE0001004, &from));
        run_us(1000);
        assert_true(cpu_ppb_peek(chip_cpu(rig), 0xE0001004, &to));
        assert_in_range(to - from, n == 2 ? 0 : 4000, n == 2 ? 0 : 4001);
        gpio_drive(rig, 0, 0, 1);
        run_us(10);
        assert_true(awake());
        gpio_drive(rig, 0, 0, 0);
        wr(EXTI(0x14), 1);
        store(ICPR0, 1U << 6);
    }
}

/* DBG_STANDBY: the digital part keeps its power, so SRAM survives; the exit is a reset all the same. */
static void test_debug_standby(void **state)
{
    (void)state;
    for (unsigned bit = 1; bit <= 4; bit *= 2) {
        wr(DBGMCU_CR, bit);
        wr(0x20000000, 0x11111111);
        wr(0x10002000, 0x22222222);
        gpio_drive(rig, 0, 0, 0);
        wr(CR3, 0x8001);
        wr(SCR, 0x11F);
        deep(3);
        told.n = 0;
        wfi();
        assert_int_equal(rig->mode, MODE_STANDBY);
        gpio_drive(rig, 0, 0, 1);
        run_us(1);
        rig_settle();
        assert_int_equal(told_count("reset"), 1);
        set_bits(RCC(0x58), 1U << 28);
        assert_int_equal(rd(SR1), SBF | 1);
        assert_int_equal(rd(0x20000000) == 0x11111111, bit == 4);
        assert_int_equal(rd(0x10002000) == 0x22222222, bit == 4);
        assert_int_equal(rd(DBGMCU_CR), bit & 4);
        gpio_drive(rig, 0, 0, 0);
    }
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, rig_off)
    const struct CMUnitTest tests[] = {
        TEST(test_debug_stop),
        TEST(test_debug_stop_interrupts),
        TEST(test_cycle_counter),
        TEST(test_debug_standby),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
