/* Museum of mistakes: what a bootloader leaves running around the processor. */
#include "museum.h"

static void interrupt_left_enabled(void **state)
{
    (void)state;
    struct seen *s = naive(TIMER_LEFT_ON, FW("exhibit.elf"));
    assert_true(s->stuck);
    expect_dark(s);
    sureboot_runs(FW("exhibit.bin"), 100);
}

static void clock_left_on(void **state)
{
    (void)state;
    struct seen *s = naive(CLOCK_LEFT_ON, FW("exhibit.elf"));
    bench_expect_blink(&s->bench, 5, 25); /* four times too fast */
    seen_end(s);
    sureboot_runs(FW("exhibit.bin"), 100);
}

/* A PLL that drives the core does not go off, and a PLL that is on takes no other factors. */
static void pll_left_on(void **state)
{
    (void)state;
    struct seen *s = naive(NONE, FW("ownclock.elf"));
    bench_expect_blink(&s->bench, 5, 100);
    seen_end(s);
    s = naive(PLL_LEFT_ON, FW("ownclock.elf"));
    assert_false(s->stuck);
    expect_dark(s);
    sureboot_runs(FW("ownclock.bin"), 100);
}

/* It runs, until the first byte comes in. */
static void dma_left_on(void **state)
{
    (void)state;
    struct seen *s = naive(DMA_LEFT_ON, FW("keeper.elf"));
    bench_expect_blink(&s->bench, 5, 100);
    assert_true(vboard_uart_send(s->bench.board, "VCP", "help\r\n", 6));
    let_run(s, 200);
    s->bench.edges = 0;
    let_run(s, 500);
    expect_dark(s);

    s = sureboot_with(FW("keeper.bin"));
    let_run(s, 300);
    assert_true(vboard_uart_send(s->bench.board, "VCP", "help\r\n", 6));
    s->bench.edges = 0;
    let_run(s, 1000);
    bench_expect_blink(&s->bench, 5, 100);
    seen_end(s);
}

/* An error flag of before makes the application's own write fail. */
static void flash_errors_left(void **state)
{
    (void)state;
    struct seen *s = naive(NONE, FW("settings.elf"));
    bench_expect_blink(&s->bench, 5, 100);
    assert_int_equal(vboard_peek32(s->bench.board, 0x0803E000), 0x5E771265);
    seen_end(s);
    s = naive(FLASH_ERRORS, FW("settings.elf"));
    assert_false(s->stuck);
    assert_int_equal(vboard_peek32(s->bench.board, 0x0803E000), 0xFFFFFFFF);
    expect_dark(s);
    sureboot_runs(FW("settings.bin"), 100);
}

static void restarts(enum mistake mistake, const char *cause)
{
    struct seen *s = naive_started(mistake, FW("exhibit.elf"), false);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(vboard_run_event(s->bench.board, 200 * MS, VE_RESET, cause, NULL), VB_EVENT);
    expect_dark(s);
    sureboot_runs(FW("exhibit.bin"), 100);
}

static void watchdog_left_on(void **state)
{
    (void)state;
    restarts(WATCHDOG_LEFT_ON, "iwdg");
}

static void window_watchdog_left_on(void **state)
{
    (void)state;
    restarts(WINDOW_WATCHDOG_LEFT_ON, "wwdg");
}

int main(void)
{
    const struct CMUnitTest blocks[] = {
        cmocka_unit_test(interrupt_left_enabled),
        cmocka_unit_test(clock_left_on),
        cmocka_unit_test(pll_left_on),
        cmocka_unit_test(dma_left_on),
        cmocka_unit_test(flash_errors_left),
        cmocka_unit_test(watchdog_left_on),
        cmocka_unit_test(window_watchdog_left_on),
    };
    return MUSEUM(blocks);
}
