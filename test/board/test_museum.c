/* The museum of mistakes, docs/museum.md: a naive bootloader makes one, and the application fails as its
 * user sees it; behind sureboot the same file runs. And the page and the tests it names agree. */
#include "bench.h"
#include "board/fw/naive/mistakes.h"

#define NAIVE   "build/test/fw/naive.elf"
#define EXHIBIT "build/test/fw/exhibit.elf"
#define PAGE    "docs/museum.md"

struct seen {
    struct bench *bench;
    bool stuck; /* locked up, as Default_Handler does */
};

static void on_event(void *arg, const struct vboard_event *e)
{
    struct seen *s = arg;
    if (e->kind == VE_FAULT)
        s->stuck = true;
    else
        bench_event(s->bench, e);
}

static struct bench *naive(struct seen *s, enum mistake mistake)
{
    const uint32_t word = mistake;
    struct bench *t = bench_start(NAIVE, EXHIBIT, false);
    *s = (struct seen){.bench = t};
    vboard_on_event(t->board, on_event, s);
    assert_true(vboard_poke(t->board, MISTAKE_ADDR, &word, sizeof word));
    for (unsigned i = 0; i < 100; i++)
        (void)vboard_run(t->board, 10 * MS, NULL, NULL); /* a lock-up ends it early */
    return t;
}

static void sureboot_runs_it(void)
{
    struct bench *t = bench_start(BOOT, EXHIBIT, false);
    bench_run(t, 1000 * MS);
    bench_expect_blink(t, 5, 100);
    bench_end(t);
}

static void without_a_mistake(void **state)
{
    (void)state;
    struct seen s;
    struct bench *t = naive(&s, NONE);
    assert_false(s.stuck);
    bench_expect_blink(t, 5, 100);
    bench_end(t);
    sureboot_runs_it();
}

/* The LED stays dark, and nothing else tells why. */
static void dark(enum mistake mistake)
{
    struct seen s;
    struct bench *t = naive(&s, mistake);
    assert_false(s.stuck);
    assert_int_equal(t->edges, 0);
    assert_in_range(vboard_reg(t->board, 15), SLOT, 0x0803FFFF); /* and yet the application was started */
    bench_end(t);
    sureboot_runs_it();
}

static void interrupts_masked(void **state)
{
    (void)state;
    dark(PRIMASK_SET);
}

static void jump_from_an_interrupt(void **state)
{
    (void)state;
    dark(FROM_INTERRUPT);
}

/* Its interrupts go to the bootloader's handlers: SysTick counts there. */
static void vtor_not_set(void **state)
{
    (void)state;
    struct seen s;
    struct bench *t = naive(&s, NO_VTOR);
    assert_int_equal(t->edges, 0);
    assert_true(bench_variable(t, NAIVE, "ticks") >= 5);
    bench_end(t);
    sureboot_runs_it();
}

static void interrupt_left_enabled(void **state)
{
    (void)state;
    struct seen s;
    struct bench *t = naive(&s, TIMER_LEFT_ON);
    assert_true(s.stuck);
    assert_int_equal(t->edges, 0);
    bench_end(t);
    sureboot_runs_it();
}

static void clock_left_on(void **state)
{
    (void)state;
    struct seen s;
    struct bench *t = naive(&s, CLOCK_LEFT_ON);
    bench_expect_blink(t, 5, 25); /* four times too fast */
    bench_end(t);
    sureboot_runs_it();
}

static void watchdog_left_on(void **state)
{
    (void)state;
    struct seen s;
    struct bench *t = naive(&s, WATCHDOG_LEFT_ON);
    assert_true(t->resets >= 3);
    assert_int_equal(t->edges, 0);
    bench_end(t);
    sureboot_runs_it();
}

static void page_and_tests_agree(void **state);
static const struct CMUnitTest tests[] = {
    cmocka_unit_test(without_a_mistake),      cmocka_unit_test(interrupts_masked),
    cmocka_unit_test(jump_from_an_interrupt), cmocka_unit_test(vtor_not_set),
    cmocka_unit_test(interrupt_left_enabled), cmocka_unit_test(clock_left_on),
    cmocka_unit_test(watchdog_left_on),       cmocka_unit_test(page_and_tests_agree),
};

/* Each row of the page ends with `FILE.c: NAME`, a test there is; each exhibit here has a row. */
static void page_and_tests_agree(void **state)
{
    (void)state;
    uint32_t size, rows = 0;
    char *page = (char *)bench_file(PAGE, &size);
    assert_in_range(size, 1, (1u << 18) - 1);
    page[size] = '\0';
    for (unsigned i = 1; i + 1 < sizeof tests / sizeof *tests; i++) {
        char want[128];
        (void)snprintf(want, sizeof want, "`test_museum.c: %s` |", tests[i].name);
        if (!strstr(page, want))
            fail_msg("%s has no row for %s", PAGE, want);
    }
    for (const char *at = page; (at = strstr(at, "`test_")) != NULL; at++, rows++) {
        char file[64], name[64], path[96], want[96];
        if (sscanf(at, "`%63[a-z_.]: %63[a-z_]` |", file, name) != 2)
            fail_msg("%s: not a row: %.40s", PAGE, at);
        (void)snprintf(path, sizeof path, "test/board/%s", file);
        (void)snprintf(want, sizeof want, "static void %s(void **state)", name);
        uint32_t length;
        char *source = (char *)bench_file(path, &length);
        assert_in_range(length, 1, (1u << 18) - 1);
        source[length] = '\0';
        if (!strstr(source, want))
            fail_msg("%s names %s in %s, which is not there", PAGE, name, path);
        free(source);
    }
    assert_true(rows >= sizeof tests / sizeof *tests - 2);
    free(page);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
