/* PLL and PLLSAI1: what they make of their input, their limits, and what never gets ready is told. */
#include "clock_regs.h"

/* ST's two recipes for 80 MHz, with every prescaler behind. */
static void test_pll(void **state)
{
    (void)state;
    wr(FLASH(0x00), 0x604);
    ps_t from = chip_now(rig);
    wr(PLLCFGR, 1U << 24 | 40U << 8 | 1);
    set_bits(CR, 1U << 24);
    assert_int_equal(rd(CR) & 1U << 25, 0);
    until(CR, 1U << 25);
    ps_t took = chip_now(rig) - from;
    assert_true(took >= 15 * PS_PER_US && took <= 40 * PS_PER_US);
    assert_int_equal(hz(CLK_PLL_R), 80000000);
    assert_int_equal(hz(CLK_PLL_Q), 0);
    assert_int_equal(hz(CLK_HCLK), 4000000);
    wr(CFGR, 3);
    assert_int_equal(rd(CFGR), 0xF);
    assert_int_equal(hz(CLK_HCLK), 80000000);
    /* What SYSCLK hangs on stays on, and its PLL cannot be changed. */
    clear_bits(CR, 1U << 24 | 1);
    assert_int_equal(rd(CR) & (1U << 24 | 1), 1U << 24 | 1);
    wr(PLLCFGR, 1);
    assert_int_equal(rd(PLLCFGR), 1U << 24 | 40U << 8 | 1);
    wr(PLLCFGR, 1U << 24 | 40U << 8 | 1 | 1U << 20); /* but for its other outputs */
    assert_int_equal(hz(CLK_PLL_Q), 80000000);
    const struct {
        uint32_t cfgr;
        uint32_t hclk, pclk1, tim1, pclk2, tim2;
    } rows[] = {
        {0x0003, 80000000, 80000000, 80000000, 80000000, 80000000},
        {0x0483, 40000000, 20000000, 40000000, 40000000, 40000000},
        {0x2D93, 20000000, 5000000, 10000000, 5000000, 10000000},
        {0x3FF3, 156250, 9765, 19530, 9765, 19530},
    };
    for (unsigned i = 0; i < 4; i++) {
        wr(CFGR, rows[i].cfgr);
        assert_int_equal(hz(CLK_HCLK), rows[i].hclk);
        assert_int_equal(hz(CLK_PCLK1), rows[i].pclk1);
        assert_int_equal(hz(CLK_TIM_APB1), rows[i].tim1);
        assert_int_equal(hz(CLK_PCLK2), rows[i].pclk2);
        assert_int_equal(hz(CLK_TIM_APB2), rows[i].tim2);
    }
    wr(CFGR, 0);
    assert_int_equal(rd(CFGR), 0);
    clear_bits(CR, 1U << 24);
    assert_int_equal(rd(CR) & 1U << 25, 0);
    set_bits(CR, 1U << 8);
    until(CR, 1U << 10);
    start_pll(1U << 24 | 10U << 8 | 2);
    assert_int_equal(hz(CLK_PLL_R), 80000000);
    /* P: /7, /17, PLLPDIV */
    clear_bits(CR, 1U << 24);
    const uint32_t p[][2] = {{0, 7}, {1U << 17, 17}, {5U << 27, 5}, {31U << 27 | 1U << 17, 31}};
    for (unsigned i = 0; i < 4; i++) {
        start_pll(1U << 16 | p[i][0] | 10U << 8 | 2);
        assert_int_equal(hz(CLK_PLL_P), 160000000 / p[i][1]);
        clear_bits(CR, 1U << 24);
    }
    /* 48 MHz from PLLSAI1. */
    wr(PLLCFGR, 2);
    wr(SAI1CFGR, 12U << 8 | 1U << 21 | 1U << 20 | 1U << 24 | 3U << 25);
    set_bits(CR, 1U << 26);
    until(CR, 1U << 27);
    wr(CCIPR, 1U << 26 | 1U << 28);
    assert_int_equal(hz(CLK_48), 48000000);
    assert_int_equal(hz(CLK_ADC), 24000000);
    clear_bits(SAI1CFGR, 1U << 24); /* PLLSAI1REN, PLLSAI1QEN */
    assert_int_equal(hz(CLK_48), 48000000);
    assert_int_equal(hz(CLK_ADC), 0);
    clear_bits(SAI1CFGR, 1U << 20);
    assert_int_equal(hz(CLK_48), 0);
    assert_int_equal(told_count("reset"), 0);
}

static void test_pll_limits(void **state)
{
    (void)state;
    const uint32_t wrong[] = {
        1U << 24 | 40U << 8 | 0,                                    /* no source */
        1U << 24 | 40U << 8 | 2,                                    /* HSI16 is off */
        1U << 24 | 7U << 8 | 1,                                     /* N */
        1U << 24 | 87U << 8 | 1, 1U << 24 | 40U << 8 | 1U << 4 | 1, /* input of 2 MHz */
        1U << 24 | 8U << 8 | 1,                                     /* VCO of 32 MHz */
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        wr(PLLCFGR, wrong[i]);
        set_bits(CR, 1U << 24);
        run_us(1000);
        assert_int_equal(rd(CR) & 1U << 25, 0);
        clear_bits(CR, 1U << 24);
    }
    /* 160 MHz are fine in voltage range 1 and too much in range 2, which is told; 128 MHz are not. */
    set_bits(APB1ENR, 1U << 28);
    for (unsigned i = 0; i < 3; i++) {
        told.n = 0;
        wr(PWR(0x00), i == 0 ? 1U << 9 : 2U << 9);
        wr(PLLCFGR, 1U << 24 | (i == 1 ? 32U : 40U) << 8 | 1);
        set_bits(CR, 1U << 24);
        run_us(1000);
        assert_true(rd(CR) & 1U << 25);
        assert_int_equal(told.n, i == 2);
        clear_bits(CR, 1U << 24);
    }
    assert_string_equal(told.events[0].text,
                        "the PLL locks outside its limits, a real one may fail: input 4000 kHz (4 to 16 "
                        "MHz), N 40 (8 to 86), VCO 160000 kHz (64 to 128 MHz in voltage range 2)");
    /* What range 1 does not allow does not lock in range 2 either. */
    wr(PLLCFGR, 1U << 24 | 87U << 8 | 1);
    set_bits(CR, 1U << 24);
    run_us(1000);
    assert_int_equal(rd(CR) & 1U << 25, 0);
}

/* Each limit is met by HSI16 at its nominal 16 MHz, and by 0.9 % more or less; not by 1.2 %. */
static void test_pll_tolerance(void **state)
{
    (void)state;
    static const struct {
        uint32_t m, n;
        int side;
        bool range2; /* outside it locks, and that is told */
    } limits[] = {
        {2, 8, -1, false}, {4, 86, 1, false}, {4, 40, -1, false}, {1, 8, 1, false}, {2, 16, 1, true}};
    set_bits(APB1ENR, 1U << 28);
    set_bits(CR, 1U << 8);
    until(CR, 1U << 10);
    uint32_t icscr = rd(RCC(0x04)) & ~0x1F000000U;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        for (int off = 0; off < 5; off++) {
            wr(PWR(0x00), limits[i].range2 ? 2U << 9 : 1U << 9);
            wr(RCC(0x04), icscr | (uint32_t)(16 + off * limits[i].side) << 24); /* 0.3 % a step */
            wr(PLLCFGR, 1U << 24 | limits[i].n << 8 | (limits[i].m - 1) << 4 | 2);
            rig->rcc.told_pll = false;
            told.n = 0;
            set_bits(CR, 1U << 24);
            run_us(1000);
            assert_int_equal(rd(CR) >> 25 & 1, off < 4 || limits[i].range2);
            if (limits[i].range2)
                assert_int_equal(told.n, off == 4);
            clear_bits(CR, 1U << 24);
        }
}

/* Firmware that waits for what will never get ready is told why, once. A PLL whose input is off may still get
 * one. */
static void test_never_ready(void **state)
{
    (void)state;
    told.n = 0;
    wr(PLLCFGR, 1U << 24 | 40U << 8 | 2); /* HSI16 is off */
    set_bits(CR, 1U << 24);
    assert_int_equal(told.n, 0);
    set_bits(CR, 1U << 8); /* 16 MHz * 40 */
    until(CR, 1U << 10);
    run_us(1000);
    assert_int_equal(rd(CR) & 1U << 25, 0);
    assert_int_equal(told.n, 1);
    assert_string_equal(
        told.events[0].text,
        "the PLL is outside its limits and does not lock: input 16000 kHz (4 to 16 MHz), N 40 (8 "
        "to 86), VCO 640000 kHz (64 to 344 MHz in voltage range 1)");
    clear_bits(CR, 1U << 24);
    set_bits(APB1ENR, 1U << 28);
    wr(PWR(0x00), 2U << 9);
    wr(PLLCFGR, 1U << 24 | 30U << 8 | 2);
    set_bits(CR, 1U << 24);
    assert_int_equal(told.n, 1);
    chip_power_off(rig, false);
    rig_power();
    set_bits(APB1ENR, 1U << 28);
    wr(PWR(0x00), 2U << 9);
    told.n = 0;
    wr(PLLCFGR, 1U << 24 | 40U << 8 | 1);
    set_bits(CR, 1U << 24);
    assert_int_equal(told.n, 1);
    assert_non_null(strstr(told.events[0].text, "VCO 160000 kHz"));
    assert_non_null(strstr(told.events[0].text, "64 to 128 MHz in voltage range 2"));
    clear_bits(CR, 1U << 24);
    rig->rcc.told_pll = false;
    wr(0x40022000, 4); /* FLASH_ACR: latency */
    wr(PLLCFGR, 1U << 24 | 32U << 8 | 1);
    set_bits(CR, 1U << 24);
    until(CR, 1U << 25);
    wr(CR, (rd(CR) & ~0xF0U) | 1U << 3 | 7U << 4);
    assert_int_equal(told.n, 2);
    assert_non_null(strstr(told.events[1].text, "the PLL runs on outside its limits"));

    told.n = 0;
    set_bits(CR, 1U << 16);
    set_bits(CR, 1U << 16);
    run_us(10000);
    assert_int_equal(rd(CR) & 1U << 17, 0);
    assert_int_equal(told.n, 1);
    assert_non_null(strstr(told.events[0].text,
                           "no clock comes in at PH0: HSERDY stays 0 (--option hse=8000000 feeds it)"));
}

/* A PLL that has locked follows its input, out of its limits too: HAL_RCC_OscConfig changes MSI's range while
 * SYSCLK comes from it. That is told once; without an input the PLL stops. */
static void test_pll_follows(void **state)
{
    (void)state;
    wr(0x40022000, 4); /* FLASH_ACR: latency */
    wr(PLLCFGR, 1U << 24 | 40U << 8 | 1);
    set_bits(CR, 1U << 24);
    until(CR, 1U << 25);
    wr(CFGR, 3);
    assert_int_equal(hz(CLK_HCLK), 80000000);
    size_t before = told.n;
    wr(CR, (rd(CR) & ~0xF0U) | 1U << 3 | 5U << 4);
    assert_true(rd(CR) & 1U << 25);
    assert_int_equal(rd(CFGR) & 15, 15);
    assert_int_equal(hz(CLK_HCLK), 40000000);
    assert_int_equal(told.n, before + 1);
    wr(CR, (rd(CR) & ~0xF0U) | 6U << 4);
    assert_int_equal(hz(CLK_HCLK), 80000000);
    wr(CFGR, 0);
    clear_bits(CR, 1U << 24);
    assert_int_equal(rd(CR) & 1U << 25, 0);
    assert_int_equal(told.n, before + 1);
}

/* While PLLSAI1 is on its factors are fixed, and its outputs are switched. */
static void test_pllsai1_fixed(void **state)
{
    const uint32_t factors = 1U << 27 | 1U << 25 | 1U << 21 | 16U << 8,
                   outputs = 1U << 24 | 1U << 20 | 1U << 16;
    const uint32_t others = 2U << 27 | 2U << 25 | 2U << 21 | 1U << 17 | 20U << 8;

    (void)state;
    wr(PLLCFGR, 1);
    wr(SAI1CFGR, factors);
    set_bits(CR, 1U << 26);
    wr(SAI1CFGR, others | outputs);
    assert_int_equal(rd(SAI1CFGR), factors | outputs);
    clear_bits(CR, 1U << 26);
    wr(SAI1CFGR, others);
    assert_int_equal(rd(SAI1CFGR), others);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_on_awake, rig_off)
    const struct CMUnitTest tests[] = {
        TEST(test_pll),         TEST(test_pll_limits),    TEST(test_pll_tolerance),
        TEST(test_pll_follows), TEST(test_pllsai1_fixed), TEST(test_never_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
