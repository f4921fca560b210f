/* PWR: voltage ranges and regulators, Sleep and Stop with what ends them and what they cost. */
#include <string.h>

#include "lowpower_rig.h"

static void test_sleep(void **state)
{
    (void)state;
    arm_pin();
    wfi();
    assert_int_equal(rig->mode, MODE_SLEEP);
    uint64_t cycles = cpu_cycles(chip_cpu(rig));
    run_us(1000);
    assert_int_equal(rig->mode, MODE_SLEEP);
    assert_false(awake());
    assert_true(cpu_cycles(chip_cpu(rig)) - cycles >= 3999); /* HCLK goes on */
    gpio_drive(rig, 0, 0, 1);
    run_us(1);
    assert_int_equal(rig->mode, MODE_RUN);
    run_us(5);
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
            rig_off(NULL);
            setup(NULL);
            deep(1);
        }
        wfi();
        assert_int_equal(rig->mode, mode);
        assert_int_equal(rig->time.next_wake, PS_NEVER);
        ps_t now = chip_now(rig);
        assert_int_equal(chip_step(rig), CHIP_TIME);
        assert_int_equal(chip_now(rig), now);
        chip_outside_wake(rig, OUTSIDE_TEST, now + PS_PER_MS, nothing, NULL);
        assert_int_equal(chip_step(rig), CHIP_TIME);
        assert_in_range(chip_now(rig), now + PS_PER_MS, now + PS_PER_MS + PS_PER_US);
    }
}

/* SMENR gates a block's clock in Sleep. */
static void test_sleep_gates(void **state)
{
    (void)state;
    arm_pin();
    set_bits(RCC(0x58), 1U << 26 | 1U << 24 | 1);
    clear_bits(RCC(0x78), 1U << 24 | 1);
    assert_true(chip_enabled(rig, B_TIM2));
    wfi();
    assert_false(chip_enabled(rig, B_TIM2));
    assert_false(chip_enabled(rig, B_CRS));
    assert_true(chip_enabled(rig, B_USB));
    assert_true(chip_enabled(rig, B_GPIOA));
    assert_false(chip_enabled(rig, B_USART1)); /* off anyway */
    gpio_drive(rig, 0, 0, 1);
    run_us(5);
    assert_true(chip_enabled(rig, B_TIM2));
}

static void test_stop(void **state)
{
    (void)state;
    arm_pin();
    set_bits(CR1, 1U << 8);
    set_bits(RCC(0x90), 1);
    set_bits(RCC(0x94), 1);
    run_us(2100000);
    set_bits(RCC(0x98), 1);
    wr(RCC(0x88), 3U << 10); /* LPUART1 on LSE */
    ps_t latency[3];
    for (uint32_t level = 0; level < 3; level++) {
        to_pll();
        deep(level);
        store(ICPR0, 1U << 6);
        wfi();
        assert_int_equal(rig->mode, MODE_STOP);
        assert_int_equal(chip_clock(rig, CLK_HCLK) + chip_clock(rig, CLK_PLL_R) + chip_clock(rig, CLK_MSI) +
                             chip_clock(rig, CLK_HSI48) + chip_clock(rig, CLK_PCLK1),
                         0);
        assert_int_equal(chip_clock(rig, CLK_LSE), 32768);
        assert_int_equal(chip_clock(rig, CLK_LSI), 32000);
        assert_int_equal(chip_clock(rig, CLK_LPUART1), 32768);
        uint64_t cycles = cpu_cycles(chip_cpu(rig));
        ps_t from = chip_now(rig);
        run_us(100000);
        assert_true(cpu_cycles(chip_cpu(rig)) == cycles);
        assert_true(chip_now(rig) - from == 100 * PS_PER_MS);
        /* An interrupt that does not come through EXTI has no clock to wake the chip with. */
        chip_irq(rig, 6, 31, true);
        run_us(100);
        assert_int_equal(rig->mode, MODE_STOP);
        chip_irq(rig, 6, 31, false);
        from = chip_now(rig);
        gpio_drive(rig, 0, 0, 1);
        while (rig->mode == MODE_STOP)
            chip_run(rig, chip_now(rig) + PS_PER_US / 10);
        latency[level] = chip_now(rig) - from;
        run_us(5);
        assert_true(awake());
        assert_int_equal(chip_clock(rig, CLK_HCLK), 4000000); /* MSI: STOPWUCK = 0 */
        assert_int_equal(rd(RCC(0x00)) & (3U << 24 | 3U), 3);
        assert_int_equal(rd(RCC(0x08)) & 15, 0);
        assert_int_equal(rd(RCC(0x98)) & 1, 0);
        set_bits(RCC(0x98), 1);
        wr(EXTI(0x14), 1);
        gpio_drive(rig, 0, 0, 0);
    }
    assert_true(latency[0] > 3 * PS_PER_US && latency[0] < latency[1] && latency[1] < latency[2] &&
                latency[2] < 12 * PS_PER_US);
    /* HSI16 on request. */
    wr(RCC(0x08), 1U << 15);
    deep(1);
    store(ICPR0, 1U << 6);
    wfi();
    assert_int_equal(rig->mode, MODE_STOP);
    gpio_drive(rig, 0, 0, 1);
    run_us(20);
    assert_int_equal(chip_clock(rig, CLK_HCLK), 16000000);
    assert_int_equal(rd(RCC(0x08)) & 15, 5);
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
    set_bits(RCC(0x60), 1U << 14);
    wr(RCC(0x88), 2);                                    /* HSI16 */
    wr(GPIO(0), (rd(GPIO(0)) & ~(3U << 20)) | 2U << 20); /* PA10 is RX */
    wr(GPIO(0) + 0x24, 7U << 8);
    set_bits(EXTI(0x00), 1U << 26);
    store(ISER0 + 4, 1U << 5);
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        wr(usart + 0x00, 0);
        wr(usart + 0x20, ~0U);
        wr(usart + 0x18, 1U << 3);
        wr(usart + 0x0C, 1667);
        wr(usart + 0x04, 0x29U << 24 | cases[n].addm7 << 4);
        wr(usart + 0x08, 1U << 22 | cases[n].wus << 20);
        wr(usart + 0x00, 1 | 1 << 1 | 1 << 2); /* neither MME nor WAKE */
        store(ICPR0 + 4, 1U << 5);
        deep(1);
        wfi();
        assert_int_equal(rig->mode, MODE_STOP);
        if (cases[n].sleeps) {
            usart_receive(rig, B_USART1, cases[n].sleeps);
            run_us(3000);
            assert_int_equal(rig->mode, MODE_STOP);
        }
        usart_receive(rig, B_USART1, cases[n].wakes);
        run_us(3000);
        assert_int_equal(rig->mode, MODE_RUN);
        assert_true(awake());
        assert_int_equal(rd(usart + 0x1C) & 1U << 20, 1U << 20);
        wr(usart + 0x00, 1 | 1 << 2); /* WUF falls with UESM */
        assert_int_equal(rd(usart + 0x1C) & 1U << 20, 0);
    }
}

/* A start bit wakes by EXTI where the USART has no clock: at its pin, and at the same one as an input. */
static void test_stop_start_bit(void **state)
{
    unsigned port, pin;

    (void)state;
    wr(GPIO(0) + 0x24, 7U << 8);
    set_bits(EXTI(0x00), 1U << 10);
    wr(EXTI(0x0C), 1U << 10);
    store(ISER0 + 4, 1U << 8);
    for (unsigned mode = 0; mode < 4; mode += 2) {
        wr(GPIO(0), (rd(GPIO(0)) & ~(3U << 20)) | mode << 20);
        wr(EXTI(0x14), 1U << 10);
        store(ICPR0 + 4, 1U << 8);
        deep(1);
        wfi();
        assert_int_equal(rig->mode, MODE_STOP);
        usart_receive_pin(rig, B_USART1, &port, &pin);
        usart_unheard(rig, port, pin, 0xFF);
        run_us(30);
        assert_int_equal(rig->mode, MODE_RUN);
        assert_true(awake());
        run_us(100);
    }
}

/* LPUART1 on LSE in Stop 2, as sensors sit there: a byte wakes by the interrupt of RXNE, with WUFIE off. */
static void test_stop_lpuart_rxne(void **state)
{
    const uint32_t lpuart = 0x40008000;

    (void)state;
    arm_pin();
    set_bits(CR1, 1U << 8);
    set_bits(RCC(0x90), 1);
    run_us(2100000);
    set_bits(RCC(0x5C), 1);
    wr(RCC(0x88), 3U << 10);                           /* LSE */
    wr(GPIO(0), (rd(GPIO(0)) & ~(3U << 6)) | 2U << 6); /* PA3 is RX */
    wr(GPIO(0) + 0x20, 8U << 12);
    store(ISER0 + 8, 1U << 6);
    for (unsigned rxneie = 0; rxneie < 2; rxneie++) {
        wr(lpuart + 0x00, 0);
        wr(lpuart + 0x0C, 874); /* 9600 */
        wr(lpuart + 0x00, 1 | 1 << 1 | 1 << 2 | rxneie << 5);
        wr(lpuart + 0x08, 1U << 23); /* UCESM, while UE is set */
        assert_int_equal(rd(lpuart + 0x08), 1U << 23);
        wr(EXTI(0x14), 1);
        store(ICPR0, 1U << 6);
        deep(2);
        wfi();
        assert_int_equal(rig->mode, MODE_STOP);
        usart_receive(rig, B_LPUART1, 0x41);
        run_us(3000);
        assert_int_equal(rig->mode, rxneie ? MODE_RUN : MODE_STOP);
        gpio_drive(rig, 0, 0, 1);
        run_us(20);
        gpio_drive(rig, 0, 0, 0);
        assert_int_equal(rd(lpuart + 0x24), 0x41);
    }
}

static void test_stop_event(void **state)
{
    (void)state;
    arm_pin();
    clear_bits(EXTI(0x00), 1);
    wr(EXTI(0x04), 1); /* event only */
    deep(2);
    sleep_by(0xBF20); /* takes the event that may be registered */
    if (rig->mode == MODE_RUN)
        sleep_by(0xBF20);
    assert_int_equal(rig->mode, MODE_STOP);
    gpio_drive(rig, 0, 0, 1);
    gpio_drive(rig, 0, 0, 0);
    run_us(20);
    assert_int_equal(rig->mode, MODE_RUN);
    assert_true(awake());
    assert_int_equal(rd(EXTI(0x14)), 0); /* an event leaves nothing that keeps from the next Stop */
    sleep_by(0xBF20);
    assert_int_equal(rig->mode, MODE_STOP);
    run_us(20);
    assert_int_equal(rig->mode, MODE_STOP);
}

/* A line that is pending already: Stop is not entered, the program goes on. */
static void test_stop_refused(void **state)
{
    (void)state;
    wr(EXTI(0x08), 1);
    set_bits(EXTI(0x00), 1); /* its interrupt is not enabled in the NVIC */
    wr(EXTI(0x10), 1);
    deep(1);
    wfi();
    assert_int_equal(rig->mode, MODE_RUN);
    assert_true(awake());
    wr(EXTI(0x14), 1);
    wfi();
    assert_int_equal(rig->mode, MODE_STOP);
    assert_false(awake());
}

static void test_flash_defers(void **state)
{
    (void)state;
    arm_pin();
    deep(1);
    wr(FLASH(0x08), 0x45670123);
    wr(FLASH(0x08), 0xCDEF89AB);
    wr(FLASH(0x14), CR_PER | 9 << 3 | CR_STRT);
    wfi();
    assert_int_equal(rig->mode, MODE_SLEEP);
    assert_true(flash_busy(rig));
    run_us(23000);
    assert_false(flash_busy(rig));
    assert_int_equal(rig->mode, MODE_STOP);
}

static void test_ranges(void **state)
{
    (void)state;
    wr(CR1, 0x400);
    assert_int_equal(rd(SR2) & 1U << 10, 0); /* down: nothing to wait for */
    wr(CR1, 0);
    assert_int_equal(rd(CR1), 0x400); /* forbidden values change nothing */
    wr(CR1, 0x600);
    assert_int_equal(rd(CR1), 0x400);
    wr(CR1, 0x200);
    assert_true(rd(SR2) & 1U << 10);
    run_us(25);
    assert_int_equal(rd(SR2) & 1U << 10, 0);
    set_bits(CR1, 1U << 14);
    assert_true(rd(SR2) & 1U << 9);
    clear_bits(CR1, 1U << 14);
    assert_true(rd(SR2) & 1U << 9);
    run_us(25);
    assert_int_equal(rd(SR2) & 1U << 9, 0);
    run_us(200);
    assert_true(rd(SR2) & 1U << 8);
    /* LPR and Stop 0 or 2: it is Stop 1 then. */
    arm_pin();
    set_bits(CR1, 1U << 14);
    for (uint32_t stop = 0; stop < 3; stop += 2) {
        deep(stop);
        wfi();
        assert_int_equal(pwr_stop_level(rig), 1);
        gpio_drive(rig, 0, 0, 1);
        run_us(20);
        assert_true(awake());
        gpio_drive(rig, 0, 0, 0);
        wr(EXTI(0x14), 1);
        store(ICPR0, 1U << 6);
    }
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, rig_off)
    const struct CMUnitTest tests[] = {
        TEST(test_sleep),      TEST(test_sleep_step),     TEST(test_sleep_gates),
        TEST(test_stop),       TEST(test_stop_usart),     TEST(test_stop_lpuart_rxne),
        TEST(test_stop_event), TEST(test_stop_start_bit), TEST(test_stop_refused),
        TEST(test_ranges),     TEST(test_flash_defers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
