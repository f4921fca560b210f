/* PWR: Standby and Shutdown with what ends them and what they keep, pulls of pins, and what option bytes say
 * of low-power modes. */
#include "lowpower_rig.h"

static void options(uint32_t clear_bits)
{
    chip_power_off(rig, false);
    chip_nvm(rig)->option[0] = 0xFFEFF8AA & ~clear_bits;
    chip_nvm(rig)->option[1] = ~chip_nvm(rig)->option[0];
    rig_power();
    set_bits(RCC(0x58), 1U << 28);
}

static void test_forbidden(void **state)
{
    (void)state;
    const uint32_t rows[][2] = {{12, 0}, {12, 1}, {12, 2}, {13, 3}, {14, 4}};
    for (unsigned i = 0; i < 5; i++) {
        options(1U << rows[i][0]);
        told.n = 0;
        deep(rows[i][1]);
        wfi();
        rig_settle();
        assert_int_equal(told.events[0].a, RESET_LOWPOWER);
        assert_int_equal(rd(RCC(0x94)) >> 24, 0x8C);
    }
}

#define RTC(off) (0x40002800U + (off))

/* The RTC's wake-up timer on LSI: 101 * 16 cycles, 50.5 ms. */
static void start_rtc(void)
{
    set_bits(RCC(0x58), 1U << 28 | 1U << 10);
    set_bits(CR1, 1U << 8);
    set_bits(RCC(0x94), 1);
    run_us(100);
    wr(RCC(0x90), 2U << 8 | 1U << 15);
    wr(RTC(0x24), 0xCA);
    wr(RTC(0x24), 0x53);
    run_us(500);
    assert_true(rd(RTC(0x0C)) & 4); /* WUTWF */
    wr(RTC(0x14), 100);
    wr(RTC(0x08), 1U << 14 | 1U << 10);
}

static void test_standby(void **state)
{
    (void)state;
    wr(0x20000000, 0x11111111);
    wr(0x10002000, 0x22222222);
    wr(GPIO(1), 0xF7FFFFFF);
    wr(GPIO(1) + 0x18, 1U << 13);
    assert_true(gpio_pin_level(rig, 1, 13));
    set_bits(RCC(0x94), 1U << 23);
    clear_bits(RCC(0x94), 1U << 23);
    wr(RCC(0x00), 0x6B);
    wr(RCC(0x94), 0x700); /* 8 MHz after Standby */
    gpio_drive(rig, 0, 0, 0);
    wr(CR3, 0x8001 | SBF); /* WKUP1; RRS */
    deep(3);
    told.n = 0;
    wfi();
    assert_int_equal(rig->mode, MODE_STANDBY);
    assert_false(gpio_pin_level(rig, 1, 13));
    assert_int_equal(chip_clock(rig, CLK_HCLK), 0);
    run_us(1000000);
    assert_int_equal(rig->mode, MODE_STANDBY);
    gpio_drive(rig, 0, 0, 1);
    run_us(1);
    rig_settle();
    assert_int_equal(told_count("reset"), 1);
    assert_int_equal(chip_clock(rig, CLK_HCLK), 8000000);
    assert_int_equal(rd(RCC(0x94)) >> 24, 0);
    set_bits(RCC(0x58), 1U << 28);
    assert_int_equal(rd(SR1), SBF | 1);
    assert_int_equal(rd(CR3), 0x8001 | SBF);
    assert_int_not_equal(rd(0x20000000), 0x11111111);
    assert_int_equal(rd(0x10002000), 0x22222222);
    wr(SCR, 1);
    assert_int_equal(rd(SR1), SBF);
    chip_request_reset(rig, RESET_SOFT); /* SBF survives system resets */
    rig_settle();
    set_bits(RCC(0x58), 1U << 28);
    assert_int_equal(rd(SR1), SBF);
    assert_int_equal(rd(CR3), 0x8000);
    wr(SCR, SBF);
    assert_int_equal(rd(SR1), 0);
    /* Falling edge; without RRS SRAM2 is lost. */
    wr(0x10002000, 0x22222222);
    set_bits(CR4, 1);
    wr(CR3, 0x8001);
    assert_int_equal(rd(SR1), 0);
    deep(3);
    wfi();
    gpio_drive(rig, 0, 0, 0);
    run_us(1);
    rig_settle();
    assert_int_not_equal(rd(0x10002000), 0x22222222);
    /* By RTC, through the internal wake-up line. */
    set_bits(RCC(0x58), 1U << 28);
    wr(SCR, 0x11F);
    wr(CR3, 0x8000);
    start_rtc();
    deep(3);
    wfi();
    ps_t from = chip_now(rig);
    while (rig->mode == MODE_STANDBY)
        run_us(100);
    assert_true(chip_now(rig) - from > 45 * PS_PER_MS && chip_now(rig) - from < 51 * PS_PER_MS);
    rig_settle();
    set_bits(RCC(0x58), 1U << 28 | 1U << 10);
    assert_int_equal(rd(SR1), SBF | 1U << 15); /* WUFI as long as the RTC asks */
    set_bits(CR1, 1U << 8);
    wr(RTC(0x0C), ~(1U << 10));
    assert_int_equal(rd(SR1), SBF);
    wr(CR3, 0);
    /* By NRST. */
    wr(SCR, 0x11F);
    deep(3);
    wfi();
    assert_int_equal(rig->mode, MODE_STANDBY);
    chip_nrst(rig, true);
    run_us(100);
    chip_nrst(rig, false);
    rig_settle();
    assert_true(rd(RCC(0x94)) & 1U << 26);
    set_bits(RCC(0x58), 1U << 28);
    assert_int_equal(rd(SR1), SBF);
    /* A wake-up flag that is still set ends Standby at once; to enable a pin that is at its level sets it. */
    wr(SCR, 0x100);
    clear_bits(CR4, 1);
    wr(CR3, 0x8001);
    assert_int_equal(rd(SR1), 0);
    gpio_drive(rig, 0, 0, 1);
    assert_int_equal(rd(SR1), 1);
    wr(CR3, 0x8000);
    wr(SCR, 1);
    assert_int_equal(rd(SR1), 0);
    wr(CR3, 0x8001);
    assert_int_equal(rd(SR1), 1);
    told.n = 0;
    deep(3);
    wfi();
    rig_settle();
    assert_int_equal(told_count("reset"), 1);
}

/* The other internal lines that end Standby: an alarm, and what stands on EXTI 19, here the time stamp of
 * PC13. */
static void test_standby_by_rtc(void **state)
{
    static const struct {
        uint32_t cr, flag; /* RTC_CR: enable and interrupt; RTC_ISR */
    } rows[] = {
        {1U << 8 | 1U << 12, 1U << 8}, {1U << 9 | 1U << 13, 1U << 9}, {1U << 11 | 1U << 15, 1U << 11}};

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        set_bits(RCC(0x58), 1U << 28 | 1U << 10);
        gpio_drive(rig, 2, 13, 0);
        start_rtc();
        wr(RTC(0x08), 0);
        wr(RTC(0x1C), 0x80808080); /* each second */
        wr(RTC(0x20), 0x80808080);
        wr(RTC(0x08), rows[i].cr);
        wr(CR3, 0x8000);
        wr(SCR, 0x11F);
        deep(3);
        wfi();
        assert_int_equal(rig->mode, MODE_STANDBY);
        run_us(100);
        assert_int_equal(rig->mode, MODE_STANDBY);
        gpio_drive(rig, 2, 13, 1);
        run_us(1200000);
        rig_settle();
        assert_int_equal(rig->mode, MODE_RUN);
        set_bits(RCC(0x58), 1U << 28);
        assert_int_equal(rd(SR1), SBF | 1U << 15);
        assert_int_equal(rd(RTC(0x0C)) & rows[i].flag, rows[i].flag);
        set_bits(CR1, 1U << 8);
        set_bits(RCC(0x90), 1U << 16); /* the RTC begins anew */
        clear_bits(RCC(0x90), 1U << 16);
    }
}

static void test_shutdown(void **state)
{
    (void)state;
    set_bits(CR1, 1U << 8);
    set_bits(RCC(0x90), 1);
    run_us(2100000);
    set_bits(RCC(0x94), 1);
    run_us(200);
    uint32_t words[64];
    for (unsigned i = 0; i < 64; i++)
        wr(0x10002000 + 4 * i, i);
    gpio_drive(rig, 2, 13, 0);
    wr(CR3, 0x8102); /* WKUP2 */
    deep(4);
    wfi();
    assert_int_equal(rig->mode, MODE_SHUTDOWN);
    assert_int_equal(chip_clock(rig, CLK_LSI), 0);
    assert_int_equal(chip_clock(rig, CLK_LSE), 32768);
    gpio_drive(rig, 2, 13, 1);
    run_us(1);
    rig_settle();
    assert_int_equal(rd(RCC(0x94)) >> 24, 0x0C);
    set_bits(RCC(0x58), 1U << 28);
    assert_int_equal(rd(SR1), 0); /* nothing tells it from a power-on, but … */
    assert_int_equal(rd(RCC(0x90)) & 3, 3);
    assert_true(chip_peek(rig, 0x10002000, words, sizeof words));
    unsigned kept = 0;
    for (unsigned i = 0; i < 64; i++)
        kept += words[i] == i;
    assert_true(kept < 4);
}

static void test_pulls(void **state)
{
    (void)state;
    wr(PWR(0x28), 1U << 5);
    assert_false(gpio_pin_level(rig, 1, 5));
    set_bits(CR3, 1U << 10);
    assert_true(gpio_pin_level(rig, 1, 5));
    wr(PWR(0x2C), 1U << 5); /* down wins */
    assert_false(gpio_pin_level(rig, 1, 5));
}

/* PUCR and PDCR of all ports outlast Standby and PWRRST, no other reset. */
static void test_pulls_kept(void **state)
{
    static const uint8_t offs[] = {0x20, 0x24, 0x28, 0x2C, 0x30, 0x34, 0x38, 0x3C, 0x40, 0x44, 0x58, 0x5C};
    uint32_t before[sizeof offs];

    (void)state;
    for (unsigned i = 0; i < sizeof offs; i++) {
        wr(PWR(offs[i]), 0xFFFF);
        before[i] = rd(PWR(offs[i]));
        assert_int_not_equal(before[i], 0);
    }
    set_bits(RCC(0x38), 1U << 28);
    clear_bits(RCC(0x38), 1U << 28);
    for (unsigned i = 0; i < sizeof offs; i++)
        assert_int_equal(rd(PWR(offs[i])), before[i]);
    gpio_drive(rig, 0, 0, 0);
    wr(CR3, 0x8001);
    deep(3);
    wfi();
    assert_int_equal(rig->mode, MODE_STANDBY);
    gpio_drive(rig, 0, 0, 1);
    run_us(1);
    rig_settle();
    set_bits(RCC(0x58), 1U << 28);
    for (unsigned i = 0; i < sizeof offs; i++)
        assert_int_equal(rd(PWR(offs[i])), before[i]);
    chip_request_reset(rig, RESET_SOFT);
    rig_settle();
    set_bits(RCC(0x58), 1U << 28);
    for (unsigned i = 0; i < sizeof offs; i++)
        assert_int_equal(rd(PWR(offs[i])), 0);
}

/* The option bytes IWDG_STOP and IWDG_STDBY let the independent watchdog rest. */
static void test_watchdog(void **state)
{
    static const struct {
        uint32_t lpms, clear;
        bool rests;
    } rows[] = {{0, 0, false}, {0, 1U << 18, false}, {0, 1U << 17, true},
                {3, 0, false}, {3, 1U << 17, false}, {3, 1U << 18, true}};

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        options(rows[i].clear);
        wr(0x40003000, 0xCCCC); /* 4096 times four periods of LSI: half a second */
        deep(rows[i].lpms);
        wfi();
        assert_int_equal(rig->mode, rows[i].lpms ? MODE_STANDBY : MODE_STOP);
        told.n = 0;
        run_us(2000000);
        assert_int_equal(told_count("reset") != 0, !rows[i].rests);
        if (!rows[i].rests)
            assert_int_equal(told.events[0].a, RESET_IWDG);
    }
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, rig_off)
    const struct CMUnitTest tests[] = {
        TEST(test_forbidden), TEST(test_standby),    TEST(test_standby_by_rtc), TEST(test_shutdown),
        TEST(test_pulls),     TEST(test_pulls_kept), TEST(test_watchdog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
