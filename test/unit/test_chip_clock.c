/* The clock tree, start-up times, SYSCLK switching, reset flags, backup domain, and virtual time. */
#include "clock_regs.h"

static void test_reset_state(void **state)
{
    (void)state;
    assert_int_equal(hz(CLK_MSI), 4000000);
    assert_int_equal(hz(CLK_SYSCLK), 4000000);
    assert_int_equal(hz(CLK_HCLK), 4000000);
    assert_int_equal(hz(CLK_TIM_APB1), 4000000);
    assert_int_equal(hz(CLK_USART1), 4000000);
    assert_int_equal(hz(CLK_HSI16) + hz(CLK_HSE) + hz(CLK_LSI) + hz(CLK_LSE) + hz(CLK_HSI48) + hz(CLK_48) +
                         hz(CLK_PLL_R) + hz(CLK_RTC) + hz(CLK_ADC),
                     0);
}

static void test_start_up(void **state)
{
    (void)state;
    const struct {
        uint32_t reg, on, ready, irq;
        ps_t least, most;
    } rows[] = {
        {CR, 1U << 8, 1U << 10, 1U << 3, PS_PER_US, 6 * PS_PER_US},
        {CRRCR, 1, 2, 1U << 10, 2 * PS_PER_US, 6 * PS_PER_US},
        {CSR, 1, 2, 1U << 0, 80 * PS_PER_US, 130 * PS_PER_US},
        {BDCR, 1, 2, 1U << 1, PS_PER_S / 10, 2 * PS_PER_S},
    };
    unlock_backup();
    wr(CIER, 0x67F);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(rd(CIFR), 0);
        set_bits(rows[i].reg, rows[i].on);
        assert_false(rd(rows[i].reg) & rows[i].ready);
        ps_t took = until(rows[i].reg, rows[i].ready);
        assert_true(took >= rows[i].least && took <= rows[i].most + PS_PER_US);
        assert_int_equal(rd(CIFR), rows[i].irq);
        assert_true(rig->irq_sources[5] != 0);
        wr(CICR, rows[i].irq);
        assert_int_equal(rd(CIFR), 0);
        assert_true(rig->irq_sources[5] == 0);
    }
    assert_int_equal(hz(CLK_HSI16), 16000000);
    assert_int_equal(hz(CLK_HSI48), 48000000);
    assert_int_equal(hz(CLK_48), 48000000); /* CLK48SEL = 0 */
    assert_int_equal(hz(CLK_LSI), 32000);
    assert_int_equal(hz(CLK_LSE), 32768);
    clear_bits(CR, 1U << 8);
    assert_int_equal(rd(CR) & 1U << 10, 0);
    assert_int_equal(hz(CLK_HSI16), 0);
    /* Without its interrupt enabled no flag. */
    wr(CIER, 0);
    set_bits(CR, 1U << 8);
    until(CR, 1U << 10);
    assert_int_equal(rd(CIFR), 0);
    /* HSE: nothing is connected on the board. */
    set_bits(CR, 1U << 16);
    run_us(100000);
    assert_int_equal(rd(CR) & 1U << 17, 0);
}

static void test_msi(void **state)
{
    (void)state;
    const uint32_t ranges[12] = {100000,  200000,  400000,   800000,   1000000,  2000000,
                                 4000000, 8000000, 16000000, 24000000, 32000000, 48000000};
    wr(CR, 0x53); /* MSIRGSEL = 0: MSISRANGE counts, 4 MHz */
    assert_int_equal(hz(CLK_HCLK), 4000000);
    wr(CR, 0x6B);
    for (uint32_t r = 0; r < 12; r++) {
        wr(FLASH(0x00), 0x604);
        wr(CR, r << 4 | 0xB);
        assert_int_equal(hz(CLK_HCLK), ranges[r]);
        assert_true(rd(CR) & 2);
    }
    wr(CR, 0xCB); /* there is no range 12 */
    assert_int_equal(rd(CR), 0xBB);
    wr(CR, 0x62); /* neither MSION, which drives SYSCLK, nor MSIRGSEL can be cleared */
    assert_int_equal(rd(CR), 0x6B);
    /* The PLL mode wants LSE. */
    wr(CR, 0x6F);
    assert_int_equal(rd(CR), 0x6B);
    unlock_backup();
    set_bits(BDCR, 1);
    until(BDCR, 2);
    wr(CR, 0xBF);
    assert_int_equal(rd(CR), 0xBF);
    assert_int_equal(hz(CLK_MSI), 48005120);
    wr(CCIPR, 3U << 26);
    assert_int_equal(hz(CLK_48), 48005120);
    clear_bits(BDCR, 1);
    assert_int_equal(rd(CR), 0xBB);
    /* MSISRANGE: 4 to 7, and only with MSIRGSEL. */
    wr(CSR, 0x400);
    assert_int_equal(rd(CSR) & 0xF00, 0x400);
    wr(CSR, 0x800);
    assert_int_equal(rd(CSR) & 0xF00, 0x400);
    chip_request_reset(rig, RESET_SOFT);
    rig_settle();
    assert_int_equal(hz(CLK_HCLK), 4000000);
}

/* SW waits for its source; the message about wait states comes once. */
static void test_switch(void **state)
{
    (void)state;
    wr(CFGR, 1);
    assert_int_equal(rd(CFGR), 1);
    assert_int_equal(hz(CLK_HCLK), 4000000);
    set_bits(CR, 1U << 8);
    until(CR, 1U << 10);
    assert_int_equal(rd(CFGR), 5);
    assert_int_equal(hz(CLK_HCLK), 16000000);
    clear_bits(CR, 1U << 8);
    assert_true(rd(CR) & 1U << 10);
    clear_bits(CR, 1);
    assert_int_equal(rd(CR) & 3, 0);
    start_pll(1U << 24 | 10U << 8 | 2);
    told.n = 0;
    wr(CFGR, 3);
    assert_int_equal(told.n, 1);
    assert_non_null(strstr(told.events[0].text, "80000 kHz is too fast for 0 flash wait states"));
    wr(CFGR, 1);
    wr(CFGR, 3);
    assert_int_equal(told.n, 1);
}

static void test_kernel_clocks(void **state)
{
    (void)state;
    unlock_backup();
    set_bits(BDCR, 1);
    until(BDCR, 2);
    set_bits(CSR, 1);
    until(CSR, 2);
    set_bits(CR, 1U << 8);
    until(CR, 1U << 10);
    wr(CFGR, 0x0480); /* HCLK 2, PCLK1 1, PCLK2 2 MHz */
    const struct {
        unsigned shift;
        enum clock_id id;
        uint32_t hz[4];
    } rows[] = {
        {0, CLK_USART1, {2000000, 4000000, 16000000, 32768}},
        {2, CLK_USART2, {1000000, 4000000, 16000000, 32768}},
        {4, CLK_USART3, {1000000, 4000000, 16000000, 32768}},
        {10, CLK_LPUART1, {1000000, 4000000, 16000000, 32768}},
        {12, CLK_I2C1, {1000000, 4000000, 16000000, 0}},
        {14, CLK_I2C2, {1000000, 4000000, 16000000, 0}},
        {16, CLK_I2C3, {1000000, 4000000, 16000000, 0}},
        {18, CLK_LPTIM1, {1000000, 32000, 16000000, 32768}},
        {20, CLK_LPTIM2, {1000000, 32000, 16000000, 32768}},
        {28, CLK_ADC, {0, 0, 0, 4000000}},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (uint32_t sel = 0; sel < 4; sel++) {
            wr(CCIPR, sel << rows[i].shift);
            assert_int_equal(hz(rows[i].id), rows[i].hz[sel]);
        }
}

static void test_backup_domain(void **state)
{
    (void)state;
    wr(BDCR, 0x01008001); /* locked, LSCO as well */
    assert_int_equal(rd(BDCR), 0);
    unlock_backup();
    wr(BDCR, 1 | 2U << 8 | 1U << 15 | 2U << 3);
    until(BDCR, 2);
    assert_int_equal(rd(BDCR), 0x8213);
    assert_int_equal(hz(CLK_RTC), 0); /* LSI is off */
    set_bits(CSR, 1);
    until(CSR, 2);
    assert_int_equal(hz(CLK_RTC), 32000);
    wr(BDCR, 0x8113); /* RTCSEL once */
    assert_int_equal(rd(BDCR), 0x8213);
    /* System resets leave it, and lock it. */
    chip_request_reset(rig, RESET_SOFT);
    rig_settle();
    assert_int_equal(rd(BDCR), 0x8213);
    assert_int_equal(hz(CLK_LSE), 32768);
    assert_int_equal(hz(CLK_LSI), 0); /* LSION is reset */
    wr(BDCR, 0);
    assert_int_equal(rd(BDCR), 0x8213);
    unlock_backup();
    wr(BDCR, 3U << 24 | 1U << 16 | 1); /* BDRST leaves LSCO alone */
    assert_int_equal(rd(BDCR), 3U << 24 | 1U << 16);
    assert_int_equal(hz(CLK_LSE), 0);
    wr(BDCR, 0);
    wr(BDCR, 1 | 1U << 8 | 1U << 15);
    until(BDCR, 2);
    assert_int_equal(hz(CLK_RTC), 32768);
    /* VBAT carries it through a loss of VDD. */
    chip_power_off(rig, true);
    rig_power();
    assert_int_equal(rd(BDCR), 0x8103);
    chip_power_off(rig, false);
    rig_power();
    assert_int_equal(rd(BDCR), 0);
}

static void test_reset_flags(void **state)
{
    (void)state;
    const struct {
        enum chip_reset cause;
        uint32_t flags;
    } rows[] = {{RESET_SOFT, 0x14000000},    {RESET_IWDG, 0x24000000}, {RESET_WWDG, 0x44000000},
                {RESET_OBL, 0x06000000},     {RESET_PIN, 0x04000000},  {RESET_LOWPOWER, 0x84000000},
                {RESET_FIREWALL, 0x05000000}};
    assert_int_equal(rd(CSR) & 0xFF000000, 0x0C000000);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        set_bits(CSR, 1U << 23);
        assert_int_equal(rd(CSR) & 0xFF000000, 0);
        clear_bits(CSR, 1U << 23);
        told.n = 0;
        chip_request_reset(rig, rows[i].cause);
        rig_settle();
        assert_int_equal(rd(CSR) & 0xFF000000, rows[i].flags);
        set_bits(CSR, 1); /* LSION: other writes leave them alone */
        assert_int_equal(rd(CSR) & 0xFF000000, rows[i].flags);
        assert_int_equal(told.events[0].a, rows[i].cause);
    }
    chip_request_reset(rig, RESET_SOFT); /* flags add up */
    rig_settle();
    assert_int_equal(rd(CSR) & 0xFF000000, 0x15000000);
    chip_power_off(rig, true);
    rig_power();
    assert_int_equal(rd(CSR) & 0xFF000000, 0x0C000000);
}

/* NRST holds the chip for as long as it is low. */
static void test_nrst(void **state)
{
    (void)state;
    set_bits(RCC(0x60), 1);
    chip_nrst(rig, true);
    ps_t from = chip_now(rig);
    run_us(5000);
    assert_int_equal(rig->mode, MODE_RESET);
    chip_nrst(rig, true); /* pressed again, or by somebody else: no edge */
    assert_int_equal(rig->reset_pending, 0);
    chip_nrst(rig, false);
    run_us(10);
    assert_int_equal(rig->mode, MODE_RUN);
    assert_true(chip_now(rig) - from < 5100 * PS_PER_US);
    assert_int_equal(rd(RCC(0x60)), 0);
}

/* HAL_DeInit writes ones to all reset registers: the flash interface must not mind. */
static void test_rstr(void **state)
{
    (void)state;
    wr(FLASH(0x00), 0x604);
    set_bits(RCC(0x4C), 3);
    wr(GPIO(0) + 0x14, 0x1234);
    wr(RCC(0x28), 0xFFFFFFFF);
    wr(RCC(0x28), 0);
    assert_int_equal(rd(FLASH(0x00)), 0x604);
    wr(RCC(0x2C), 2);
    wr(RCC(0x2C), 0);
    assert_int_equal(rd(GPIO(0) + 0x14), 0x1234);
    wr(RCC(0x2C), 0xFFFFFFFF);
    assert_int_equal(rd(RCC(0x2C)), 0x4209F);
    wr(RCC(0x2C), 0);
    assert_int_equal(rd(GPIO(0) + 0x14), 0);
}

static void test_css(void **state)
{
    (void)state;
    chip_power_off(rig, false);
    chip_config(rig)->hse_hz = 8000000;
    rig_power();
    set_bits(CR, 1U << 16);
    ps_t took = until(CR, 1U << 17);
    assert_true(took >= 1900 * PS_PER_US && took < 2100 * PS_PER_US);
    start_pll(1U << 24 | 10U << 8 | 3);
    wr(FLASH(0x00), 0x604);
    wr(CFGR, 3);
    assert_int_equal(hz(CLK_HCLK), 40000000);
    set_bits(CR, 1U << 19);
    clear_bits(CR, 1U << 19 | 1U << 16 | 1);
    assert_int_equal(rd(CR) & (1U << 19 | 1U << 16 | 1), 1U << 19 | 1U << 16);
    gpio_drive(rig, GPIO_H, 0, 0);
    assert_int_equal(hz(CLK_HCLK), 4000000);
    assert_int_equal(rd(CR) & (1U << 16 | 1U << 24), 0);
    assert_int_equal(rd(CIFR), 1U << 8);
    assert_true(rig->nmi_sources & 1U << NMI_CSS);
    wr(CICR, 1U << 8);
    assert_int_equal(rig->nmi_sources, 0);
    chip_power_off(rig, false);
    chip_config(rig)->hse_hz = 8000000;
    rig_power();
    set_bits(CR, 1U << 18);
    set_bits(CR, 1U << 16);
    run_us(3000);
    assert_int_equal(rd(CR) & 1U << 17, 0); /* PH0 is still held */
    assert_non_null(strstr(told_last("message")->text, "while PH0 is held"));
    gpio_drive(rig, GPIO_H, 0, -1);
    assert_true(until(CR, 1U << 17) < 10 * PS_PER_US); /* bypass */
    gpio_drive(rig, GPIO_H, 0, 1);
    assert_int_equal(rd(CR) & (1U << 16 | 1U << 17), 1U << 16); /* nobody looks */
    assert_int_equal(rd(CIFR), 0);
    gpio_drive(rig, GPIO_H, 0, -1);
    assert_true(until(CR, 1U << 17) < 10 * PS_PER_US);
}

/* ---- time ---- */

static unsigned fired;
static ps_t fired_at[4];
static void fire(void *arg)
{
    (void)arg;
    if (fired < 4)
        fired_at[fired] = chip_now(rig);
    fired++;
}

static void test_time(void **state)
{
    (void)state;
    assert_true(chip_ticks_to_ps(3, 48000000) == 62500);
    assert_true(chip_ticks_to_ps(1, 48000000) == 20834); /* rounded up */
    assert_true(chip_ticks_to_ps(1, 0) == PS_NEVER);
    assert_true(chip_ps_to_ticks(62500, 48000000) == 3);
    assert_true(chip_ps_to_ticks(62499, 48000000) == 2);
    assert_true(chip_ticks_to_ps(80000000ULL * 3600 * 24, 80000000) == 86400 * PS_PER_S);
    assert_true(chip_ps_to_ticks(86400 * PS_PER_S, 80000000) == 80000000ULL * 3600 * 24);
    /* Cycles and time agree over a long run at a period that is no whole number of ps. */
    wr(FLASH(0x00), 0x604);
    wr(CR, 0xBB); /* 48 MHz */
    ps_t from = chip_now(rig);
    uint64_t cycles = cpu_cycles(chip_cpu(rig));
    for (unsigned i = 0; i < 1000; i++)
        run_us(997);
    uint64_t ran = cpu_cycles(chip_cpu(rig)) - cycles;
    ps_t passed = chip_now(rig) - from;
    ps_t exact = (ps_t)((double)ran * 1e12 / 48e6);
    assert_true(passed > exact - 3 && passed < exact + 3);
    /* An event happens at its own time, a past one at once, and time never runs backwards. */
    fired = 0;
    ps_t now = chip_now(rig);
    chip_outside_wake(rig, OUTSIDE_TEST, now + 12345, fire, NULL);
    run_us(1);
    assert_int_equal(fired, 1);
    assert_true(fired_at[0] == now + 12345);
    now = chip_now(rig);
    chip_outside_wake(rig, OUTSIDE_TEST, 1, fire, NULL);
    run_us(1);
    assert_int_equal(fired, 2);
    assert_true(fired_at[1] >= now && fired_at[1] < now + PS_PER_US);
    chip_outside_wake(rig, OUTSIDE_TEST, chip_now(rig) + PS_PER_US, fire, NULL);
    chip_outside_wake(rig, OUTSIDE_TEST, PS_NEVER, fire, NULL);
    run_us(3);
    assert_int_equal(fired, 2);
}
int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_on_awake, rig_off)
    const struct CMUnitTest tests[] = {
        TEST(test_reset_state),   TEST(test_start_up),      TEST(test_msi),         TEST(test_switch),
        TEST(test_kernel_clocks), TEST(test_backup_domain), TEST(test_reset_flags), TEST(test_nrst),
        TEST(test_rstr),          TEST(test_css),           TEST(test_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
