/* PWR: voltage ranges, regulators, supply monitor, and the low-power modes with what ends them and what
 * they cost. */
#include <string.h>

#include "lowpower_rig.h"

static void test_sleep(void **state)
{
    (void)state;
    arm_pin();
    wfi();
    assert_int_equal(t.c->mode, MODE_SLEEP);
    uint64_t cycles = cpu_cycles(chip_cpu(t.c));
    run_us(&t, 1000);
    assert_int_equal(t.c->mode, MODE_SLEEP);
    assert_false(awake());
    assert_true(cpu_cycles(chip_cpu(t.c)) - cycles >= 3999); /* HCLK goes on */
    gpio_drive(t.c, 0, 0, 1);
    run_us(&t, 1);
    assert_int_equal(t.c->mode, MODE_RUN);
    run_us(&t, 5);
    assert_true(awake());
}

static void nothing(void *unused)
{
    (void)unused;
}

/* A step passes time to what comes next; where nothing does, none. */
static void test_sleep_step(void **state)
{
    (void)state;
    for (enum chip_mode mode = MODE_SLEEP; mode <= MODE_STOP; mode++) {
        if (mode == MODE_STOP) {
            chip_off(NULL);
            setup(NULL);
            deep(1);
        }
        wfi();
        assert_int_equal(t.c->mode, mode);
        assert_int_equal(t.c->time.next_wake, PS_NEVER);
        ps_t now = chip_now(t.c);
        assert_int_equal(chip_step(t.c), CHIP_TIME);
        assert_int_equal(chip_now(t.c), now);
        chip_outside_wake(t.c, OUTSIDE_TEST, now + PS_PER_MS, nothing, NULL);
        assert_int_equal(chip_step(t.c), CHIP_TIME);
        assert_in_range(chip_now(t.c), now + PS_PER_MS, now + PS_PER_MS + PS_PER_US);
    }
}

/* SMENR gates a block's clock in Sleep. */
static void test_sleep_gates(void **state)
{
    (void)state;
    arm_pin();
    set(&t, RCC(0x58), 1U << 26 | 1U << 24 | 1);
    clear(&t, RCC(0x78), 1U << 24 | 1);
    assert_true(chip_enabled(t.c, B_TIM2));
    wfi();
    assert_false(chip_enabled(t.c, B_TIM2));
    assert_false(chip_enabled(t.c, B_CRS));
    assert_true(chip_enabled(t.c, B_USB));
    assert_true(chip_enabled(t.c, B_GPIOA));
    assert_false(chip_enabled(t.c, B_USART1)); /* off anyway */
    gpio_drive(t.c, 0, 0, 1);
    run_us(&t, 5);
    assert_true(chip_enabled(t.c, B_TIM2));
}

static void test_stop(void **state)
{
    (void)state;
    arm_pin();
    set(&t, CR1, 1U << 8);
    set(&t, RCC(0x90), 1);
    set(&t, RCC(0x94), 1);
    run_us(&t, 2100000);
    set(&t, RCC(0x98), 1);
    wr(&t, RCC(0x88), 3U << 10); /* LPUART1 on LSE */
    ps_t latency[3];
    for (uint32_t level = 0; level < 3; level++) {
        to_pll();
        deep(level);
        store(ICPR0, 1U << 6);
        wfi();
        assert_int_equal(t.c->mode, MODE_STOP);
        assert_int_equal(chip_clock(t.c, CLK_HCLK) + chip_clock(t.c, CLK_PLL_R) + chip_clock(t.c, CLK_MSI) +
                             chip_clock(t.c, CLK_HSI48) + chip_clock(t.c, CLK_PCLK1),
                         0);
        assert_int_equal(chip_clock(t.c, CLK_LSE), 32768);
        assert_int_equal(chip_clock(t.c, CLK_LSI), 32000);
        assert_int_equal(chip_clock(t.c, CLK_LPUART1), 32768);
        uint64_t cycles = cpu_cycles(chip_cpu(t.c));
        ps_t from = chip_now(t.c);
        run_us(&t, 100000);
        assert_true(cpu_cycles(chip_cpu(t.c)) == cycles);
        assert_true(chip_now(t.c) - from == 100 * PS_PER_MS);
        /* An interrupt that does not come through EXTI has no clock to wake the chip with. */
        chip_irq(t.c, 6, 31, true);
        run_us(&t, 100);
        assert_int_equal(t.c->mode, MODE_STOP);
        chip_irq(t.c, 6, 31, false);
        from = chip_now(t.c);
        gpio_drive(t.c, 0, 0, 1);
        while (t.c->mode == MODE_STOP)
            chip_run(t.c, chip_now(t.c) + PS_PER_US / 10);
        latency[level] = chip_now(t.c) - from;
        run_us(&t, 5);
        assert_true(awake());
        assert_int_equal(chip_clock(t.c, CLK_HCLK), 4000000); /* MSI: STOPWUCK = 0 */
        assert_int_equal(rd(&t, RCC(0x00)) & (3U << 24 | 3U), 3);
        assert_int_equal(rd(&t, RCC(0x08)) & 15, 0);
        assert_int_equal(rd(&t, RCC(0x98)) & 1, 0);
        set(&t, RCC(0x98), 1);
        wr(&t, EXTI(0x14), 1);
        gpio_drive(t.c, 0, 0, 0);
    }
    assert_true(latency[0] > 3 * PS_PER_US && latency[0] < latency[1] && latency[1] < latency[2] &&
                latency[2] < 12 * PS_PER_US);
    /* HSI16 on request. */
    wr(&t, RCC(0x08), 1U << 15);
    deep(1);
    store(ICPR0, 1U << 6);
    wfi();
    assert_int_equal(t.c->mode, MODE_STOP);
    gpio_drive(t.c, 0, 0, 1);
    run_us(&t, 20);
    assert_int_equal(chip_clock(t.c, CLK_HCLK), 16000000);
    assert_int_equal(rd(&t, RCC(0x08)) & 15, 5);
}

/* USART1 on HSI16 in Stop 1: whatever WUS does not select is received without waking anybody. */
static void test_stop_usart(void **state)
{
    static const struct {
        uint32_t wus, addm7;
        uint8_t sleeps, wakes;
    } cases[] = {
        {0, 1, 0xA8, 0xA9}, {0, 1, 0x29, 0xA9}, {0, 0, 0x82, 0xF9}, {3, 0, 0, 0x29}, {2, 0, 0, 0x29}};
    const uint32_t usart = 0x40013800;

    (void)state;
    set(&t, RCC(0x60), 1U << 14);
    wr(&t, RCC(0x88), 2);                                        /* HSI16 */
    wr(&t, GPIO(0), (rd(&t, GPIO(0)) & ~(3U << 20)) | 2U << 20); /* PA10 is RX */
    wr(&t, GPIO(0) + 0x24, 7U << 8);
    set(&t, EXTI(0x00), 1U << 26);
    store(ISER0 + 4, 1U << 5);
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        wr(&t, usart + 0x00, 0);
        wr(&t, usart + 0x20, ~0U);
        wr(&t, usart + 0x18, 1U << 3);
        wr(&t, usart + 0x0C, 1667);
        wr(&t, usart + 0x04, 0x29U << 24 | cases[n].addm7 << 4);
        wr(&t, usart + 0x08, 1U << 22 | cases[n].wus << 20);
        wr(&t, usart + 0x00, 1 | 1 << 1 | 1 << 2); /* neither MME nor WAKE */
        store(ICPR0 + 4, 1U << 5);
        deep(1);
        wfi();
        assert_int_equal(t.c->mode, MODE_STOP);
        if (cases[n].sleeps) {
            usart_receive(t.c, B_USART1, cases[n].sleeps);
            run_us(&t, 3000);
            assert_int_equal(t.c->mode, MODE_STOP);
        }
        usart_receive(t.c, B_USART1, cases[n].wakes);
        run_us(&t, 3000);
        assert_int_equal(t.c->mode, MODE_RUN);
        assert_true(awake());
        assert_int_equal(rd(&t, usart + 0x1C) & 1U << 20, 1U << 20);
    }
}

/* LPUART1 on LSE in Stop 2, as sensors sit there: a byte wakes by the interrupt of RXNE, with WUFIE off. */
static void test_stop_lpuart_rxne(void **state)
{
    const uint32_t lpuart = 0x40008000;

    (void)state;
    arm_pin();
    set(&t, CR1, 1U << 8);
    set(&t, RCC(0x90), 1);
    run_us(&t, 2100000);
    set(&t, RCC(0x5C), 1);
    wr(&t, RCC(0x88), 3U << 10);                               /* LSE */
    wr(&t, GPIO(0), (rd(&t, GPIO(0)) & ~(3U << 6)) | 2U << 6); /* PA3 is RX */
    wr(&t, GPIO(0) + 0x20, 8U << 12);
    store(ISER0 + 8, 1U << 6);
    for (unsigned rxneie = 0; rxneie < 2; rxneie++) {
        wr(&t, lpuart + 0x00, 0);
        wr(&t, lpuart + 0x0C, 874); /* 9600 */
        wr(&t, lpuart + 0x00, 1 | 1 << 1 | 1 << 2 | rxneie << 5);
        wr(&t, lpuart + 0x08, 1U << 23); /* UCESM, while UE is set */
        assert_int_equal(rd(&t, lpuart + 0x08), 1U << 23);
        wr(&t, EXTI(0x14), 1);
        store(ICPR0, 1U << 6);
        deep(2);
        wfi();
        assert_int_equal(t.c->mode, MODE_STOP);
        usart_receive(t.c, B_LPUART1, 0x41);
        run_us(&t, 3000);
        assert_int_equal(t.c->mode, rxneie ? MODE_RUN : MODE_STOP);
        gpio_drive(t.c, 0, 0, 1);
        run_us(&t, 20);
        gpio_drive(t.c, 0, 0, 0);
        assert_int_equal(rd(&t, lpuart + 0x24), 0x41);
    }
}

static void test_stop_event(void **state)
{
    (void)state;
    arm_pin();
    clear(&t, EXTI(0x00), 1);
    wr(&t, EXTI(0x04), 1); /* event only */
    deep(2);
    sleep_by(0xBF20); /* takes the event that may be registered */
    if (t.c->mode == MODE_RUN)
        sleep_by(0xBF20);
    assert_int_equal(t.c->mode, MODE_STOP);
    gpio_drive(t.c, 0, 0, 1);
    gpio_drive(t.c, 0, 0, 0);
    run_us(&t, 20);
    assert_int_equal(t.c->mode, MODE_RUN);
    assert_true(awake());
    assert_int_equal(rd(&t, EXTI(0x14)), 0); /* an event leaves nothing that keeps from the next Stop */
    sleep_by(0xBF20);
    assert_int_equal(t.c->mode, MODE_STOP);
    run_us(&t, 20);
    assert_int_equal(t.c->mode, MODE_STOP);
}

/* A line that is pending already: Stop is not entered, the program goes on. */
static void test_stop_refused(void **state)
{
    (void)state;
    wr(&t, EXTI(0x08), 1);
    set(&t, EXTI(0x00), 1); /* its interrupt is not enabled in the NVIC */
    wr(&t, EXTI(0x10), 1);
    deep(1);
    wfi();
    assert_int_equal(t.c->mode, MODE_RUN);
    assert_true(awake());
    wr(&t, EXTI(0x14), 1);
    wfi();
    assert_int_equal(t.c->mode, MODE_STOP);
    assert_false(awake());
}

static void options(uint32_t clear_bits)
{
    chip_power_off(t.c, false);
    chip_nvm(t.c)->option[0] = 0xFFEFF8AA & ~clear_bits;
    chip_nvm(t.c)->option[1] = ~chip_nvm(t.c)->option[0];
    chiptest_power(&t);
    set(&t, RCC(0x58), 1U << 28);
}

static void test_forbidden(void **state)
{
    (void)state;
    const uint32_t rows[][2] = {{12, 0}, {12, 1}, {12, 2}, {13, 3}, {14, 4}};
    for (unsigned i = 0; i < 5; i++) {
        options(1U << rows[i][0]);
        t.n = 0;
        deep(rows[i][1]);
        wfi();
        chiptest_settle(&t);
        assert_int_equal(t.told[0].a, RESET_LOWPOWER);
        assert_int_equal(rd(&t, RCC(0x94)) >> 24, 0x8C);
    }
}

static void test_flash_defers(void **state)
{
    (void)state;
    arm_pin();
    deep(1);
    wr(&t, FLASH(0x08), 0x45670123);
    wr(&t, FLASH(0x08), 0xCDEF89AB);
    wr(&t, FLASH(0x14), CR_PER | 9 << 3 | CR_STRT);
    wfi();
    assert_int_equal(t.c->mode, MODE_SLEEP);
    assert_true(flash_busy(t.c));
    run_us(&t, 23000);
    assert_false(flash_busy(t.c));
    assert_int_equal(t.c->mode, MODE_STOP);
}

#define RTC(off) (0x40002800U + (off))

/* The RTC's wake-up timer on LSI: 101 * 16 cycles, 50.5 ms. */
static void start_rtc(void)
{
    set(&t, RCC(0x58), 1U << 28 | 1U << 10);
    set(&t, CR1, 1U << 8);
    set(&t, RCC(0x94), 1);
    run_us(&t, 100);
    wr(&t, RCC(0x90), 2U << 8 | 1U << 15);
    wr(&t, RTC(0x24), 0xCA);
    wr(&t, RTC(0x24), 0x53);
    run_us(&t, 500);
    assert_true(rd(&t, RTC(0x0C)) & 4); /* WUTWF */
    wr(&t, RTC(0x14), 100);
    wr(&t, RTC(0x08), 1U << 14 | 1U << 10);
}

static void test_standby(void **state)
{
    (void)state;
    wr(&t, 0x20000000, 0x11111111);
    wr(&t, 0x10002000, 0x22222222);
    wr(&t, GPIO(1), 0xF7FFFFFF);
    wr(&t, GPIO(1) + 0x18, 1U << 13);
    assert_true(gpio_pin_level(t.c, 1, 13));
    set(&t, RCC(0x94), 1U << 23);
    clear(&t, RCC(0x94), 1U << 23);
    wr(&t, RCC(0x00), 0x6B);
    wr(&t, RCC(0x94), 0x700); /* 8 MHz after Standby */
    gpio_drive(t.c, 0, 0, 0);
    wr(&t, CR3, 0x8001 | SBF); /* WKUP1; RRS */
    deep(3);
    t.n = 0;
    wfi();
    assert_int_equal(t.c->mode, MODE_STANDBY);
    assert_false(gpio_pin_level(t.c, 1, 13));
    assert_int_equal(chip_clock(t.c, CLK_HCLK), 0);
    run_us(&t, 1000000);
    assert_int_equal(t.c->mode, MODE_STANDBY);
    gpio_drive(t.c, 0, 0, 1);
    run_us(&t, 1);
    chiptest_settle(&t);
    assert_int_equal(chiptest_count(&t, "reset"), 1);
    assert_int_equal(chip_clock(t.c, CLK_HCLK), 8000000);
    assert_int_equal(rd(&t, RCC(0x94)) >> 24, 0);
    set(&t, RCC(0x58), 1U << 28);
    assert_int_equal(rd(&t, SR1), SBF | 1);
    assert_int_equal(rd(&t, CR3), 0x8001 | SBF);
    assert_int_not_equal(rd(&t, 0x20000000), 0x11111111);
    assert_int_equal(rd(&t, 0x10002000), 0x22222222);
    wr(&t, SCR, 1);
    assert_int_equal(rd(&t, SR1), SBF);
    chip_request_reset(t.c, RESET_SOFT); /* SBF survives system resets */
    chiptest_settle(&t);
    set(&t, RCC(0x58), 1U << 28);
    assert_int_equal(rd(&t, SR1), SBF);
    assert_int_equal(rd(&t, CR3), 0x8000);
    wr(&t, SCR, SBF);
    assert_int_equal(rd(&t, SR1), 0);
    /* Falling edge; without RRS SRAM2 is lost. */
    wr(&t, 0x10002000, 0x22222222);
    set(&t, CR4, 1);
    wr(&t, CR3, 0x8001);
    assert_int_equal(rd(&t, SR1), 0);
    deep(3);
    wfi();
    gpio_drive(t.c, 0, 0, 0);
    run_us(&t, 1);
    chiptest_settle(&t);
    assert_int_not_equal(rd(&t, 0x10002000), 0x22222222);
    /* By RTC, through the internal wake-up line. */
    set(&t, RCC(0x58), 1U << 28);
    wr(&t, SCR, 0x11F);
    wr(&t, CR3, 0x8000);
    start_rtc();
    deep(3);
    wfi();
    ps_t from = chip_now(t.c);
    while (t.c->mode == MODE_STANDBY)
        run_us(&t, 100);
    assert_true(chip_now(t.c) - from > 45 * PS_PER_MS && chip_now(t.c) - from < 51 * PS_PER_MS);
    chiptest_settle(&t);
    set(&t, RCC(0x58), 1U << 28 | 1U << 10);
    assert_int_equal(rd(&t, SR1), SBF | 1U << 15); /* WUFI as long as the RTC asks */
    set(&t, CR1, 1U << 8);
    wr(&t, RTC(0x0C), ~(1U << 10));
    assert_int_equal(rd(&t, SR1), SBF);
    wr(&t, CR3, 0);
    /* By NRST. */
    wr(&t, SCR, 0x11F);
    deep(3);
    wfi();
    assert_int_equal(t.c->mode, MODE_STANDBY);
    chip_nrst(t.c, true);
    run_us(&t, 100);
    chip_nrst(t.c, false);
    chiptest_settle(&t);
    assert_true(rd(&t, RCC(0x94)) & 1U << 26);
    set(&t, RCC(0x58), 1U << 28);
    assert_int_equal(rd(&t, SR1), SBF);
    /* A wake-up flag that is still set ends Standby at once. */
    wr(&t, SCR, 0x100);
    clear(&t, CR4, 1);
    wr(&t, CR3, 0x8001);
    gpio_drive(t.c, 0, 0, 1);
    assert_int_equal(rd(&t, SR1), 1);
    t.n = 0;
    deep(3);
    wfi();
    chiptest_settle(&t);
    assert_int_equal(chiptest_count(&t, "reset"), 1);
}

static void test_shutdown(void **state)
{
    (void)state;
    set(&t, CR1, 1U << 8);
    set(&t, RCC(0x90), 1);
    run_us(&t, 2100000);
    set(&t, RCC(0x94), 1);
    run_us(&t, 200);
    uint32_t words[64];
    for (unsigned i = 0; i < 64; i++)
        wr(&t, 0x10002000 + 4 * i, i);
    gpio_drive(t.c, 2, 13, 0);
    wr(&t, CR3, 0x8102); /* WKUP2 */
    deep(4);
    wfi();
    assert_int_equal(t.c->mode, MODE_SHUTDOWN);
    assert_int_equal(chip_clock(t.c, CLK_LSI), 0);
    assert_int_equal(chip_clock(t.c, CLK_LSE), 32768);
    gpio_drive(t.c, 2, 13, 1);
    run_us(&t, 1);
    chiptest_settle(&t);
    assert_int_equal(rd(&t, RCC(0x94)) >> 24, 0x0C);
    set(&t, RCC(0x58), 1U << 28);
    assert_int_equal(rd(&t, SR1), 0); /* nothing tells it from a power-on, but … */
    assert_int_equal(rd(&t, RCC(0x90)) & 3, 3);
    assert_true(chip_peek(t.c, 0x10002000, words, sizeof words));
    unsigned kept = 0;
    for (unsigned i = 0; i < 64; i++)
        kept += words[i] == i;
    assert_true(kept < 4);
}

static void test_ranges(void **state)
{
    (void)state;
    wr(&t, CR1, 0x400);
    assert_int_equal(rd(&t, SR2) & 1U << 10, 0); /* down: nothing to wait for */
    wr(&t, CR1, 0);
    assert_int_equal(rd(&t, CR1), 0x400); /* forbidden values change nothing */
    wr(&t, CR1, 0x600);
    assert_int_equal(rd(&t, CR1), 0x400);
    wr(&t, CR1, 0x200);
    assert_true(rd(&t, SR2) & 1U << 10);
    run_us(&t, 25);
    assert_int_equal(rd(&t, SR2) & 1U << 10, 0);
    set(&t, CR1, 1U << 14);
    assert_true(rd(&t, SR2) & 1U << 9);
    clear(&t, CR1, 1U << 14);
    assert_true(rd(&t, SR2) & 1U << 9);
    run_us(&t, 25);
    assert_int_equal(rd(&t, SR2) & 1U << 9, 0);
    run_us(&t, 200);
    assert_true(rd(&t, SR2) & 1U << 8);
    /* LPR and Stop 0: it is Stop 1 then. */
    arm_pin();
    set(&t, CR1, 1U << 14);
    deep(0);
    wfi();
    assert_int_equal(pwr_stop_level(t.c), 1);
}

static void test_pvd(void **state)
{
    (void)state;
    chip_power_off(t.c, false);
    chip_config(t.c)->vdd_mv = 2450;
    chiptest_power(&t);
    set(&t, RCC(0x58), 1U << 28);
    wr(&t, EXTI(0x08), 1U << 16);
    set(&t, EXTI(0x00), 1U << 16);
    wr(&t, CR2, 2U << 1 | 1); /* 2.4 V */
    assert_int_equal(rd(&t, SR2) & 1U << 11, 0);
    wr(&t, CR2, 3U << 1 | 1);
    assert_true(rd(&t, SR2) & 1U << 11);
    assert_int_equal(rd(&t, EXTI(0x14)), 1U << 16);
    wr(&t, CR2, 3U << 1);
    assert_int_equal(rd(&t, SR2) & 1U << 11, 0);
}

/* PLS 7: the voltage at PB7 against VREFINT, or the level that the pin has. */
static void test_pvd_in(void **state)
{
    (void)state;
    t.n = 0;
    wr(&t, EXTI(0x08), 1U << 16);
    set(&t, EXTI(0x00), 1U << 16);
    wr(&t, EXTI(0x0C), 1U << 16);
    assert_true(adc_voltage(t.c, 1, 7, 1300));
    wr(&t, CR2, 7U << 1);
    assert_true(adc_voltage(t.c, 1, 7, 1100));
    assert_int_equal(rd(&t, SR2) & 1U << 11, 0); /* off */
    assert_true(adc_voltage(t.c, 1, 7, 1300));
    wr(&t, CR2, 7U << 1 | 1);
    assert_int_equal(rd(&t, SR2) & 1U << 11, 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(adc_voltage(t.c, 1, 7, i % 2 ? 1213 : 1211));
        assert_int_equal(rd(&t, SR2) >> 11 & 1, i % 2 == 0);
        assert_int_equal(rd(&t, EXTI(0x14)), 1U << 16);
        wr(&t, EXTI(0x14), 1U << 16);
    }
    assert_int_equal(chiptest_count(&t, "missing"), 0);
}

static void test_pvd_in_level(void **state)
{
    (void)state;
    wr(&t, EXTI(0x08), 1U << 16);
    set(&t, EXTI(0x00), 1U << 16);
    gpio_drive(t.c, 1, 7, 1);
    wr(&t, CR2, 7U << 1 | 1);
    assert_int_equal(rd(&t, SR2) & 1U << 11, 0);
    gpio_drive(t.c, 1, 7, 0);
    assert_true(rd(&t, SR2) & 1U << 11);
    assert_int_equal(rd(&t, EXTI(0x14)), 1U << 16);
}

static void test_pulls(void **state)
{
    (void)state;
    wr(&t, PWR(0x28), 1U << 5);
    assert_false(gpio_pin_level(t.c, 1, 5));
    set(&t, CR3, 1U << 10);
    assert_true(gpio_pin_level(t.c, 1, 5));
    wr(&t, PWR(0x2C), 1U << 5); /* down wins */
    assert_false(gpio_pin_level(t.c, 1, 5));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, chip_off)
    const struct CMUnitTest tests[] = {
        TEST(test_sleep),        TEST(test_sleep_step),   TEST(test_sleep_gates),
        TEST(test_stop),         TEST(test_stop_usart),   TEST(test_stop_lpuart_rxne),
        TEST(test_stop_event),   TEST(test_stop_refused), TEST(test_forbidden),
        TEST(test_flash_defers), TEST(test_standby),      TEST(test_shutdown),
        TEST(test_ranges),       TEST(test_pvd),          TEST(test_pvd_in),
        TEST(test_pvd_in_level), TEST(test_pulls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
