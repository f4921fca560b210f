/* SysTick and the cycle counter, from the ARMv7-M manual (DDI 0403E B3.3, C1.8). */
#include "bare_cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define ST_CTRL   0xe000e010u
#define ST_LOAD   0xe000e014u
#define ST_VAL    0xe000e018u
#define DWT_CTRL  0xe0001000u
#define CYCCNT    0xe0001004u
#define COUNTFLAG (1u << 16)

static void run_to(uint64_t cycle)
{
    assert_int_equal(cpu_run(bare->cpu, cycle), CPU_RAN);
    assert_int_equal(cpu_cycles(bare->cpu), cycle);
}

static void nops(void)
{
    for (uint32_t at = BARE_FLASH + 0x200; at < BARE_FLASH + 0x800; at += 4)
        bare_word(bare, at, 0xbf00bf00);
    bare_word(bare, BARE_FLASH + 0x800, 0xe4fee4fe); /* b to 0x200 */
}

static void sys_tick_counts(void **state)
{
    (void)state;
    nops();
    bare_store(bare, ST_LOAD, 99);
    bare_store(bare, ST_VAL, 12345); /* any write clears it */
    assert_int_equal(bare_ppb(bare, ST_VAL), 0);
    bare_store(bare, ST_CTRL, 5);           /* counts HCLK, no interrupt */
    uint64_t t = cpu_cycles(bare->cpu) - 1; /* the store took effect a cycle ago */
    for (unsigned i = 1; i < 350; i++) {
        run_to(t + 1 + i);
        unsigned k = (i + 1) % 100; /* the first tick loads 99 */
        assert_int_equal(bare_ppb(bare, ST_VAL), k == 0 ? 0 : 100 - k);
    }
    assert_int_equal(bare_ppb(bare, ST_CTRL), 5 | COUNTFLAG);
    assert_int_equal(bare_ppb(bare, ST_CTRL), 5 | COUNTFLAG); /* looking does not clear it */
    assert_int_equal(bare_load(bare, ST_CTRL), 5 | COUNTFLAG);
    assert_int_equal(bare_load(bare, ST_CTRL), 5);
    assert_int_equal(bare_ppb(bare, ICSR), 0);
    /* a write to VAL clears COUNTFLAG too */
    run_to(cpu_cycles(bare->cpu) + 100);
    bare_store(bare, ST_VAL, 0);
    assert_int_equal(bare_ppb(bare, ST_CTRL), 5);
    /* reload 0 stops it at 0 */
    bare_store(bare, ST_LOAD, 0);
    run_to(cpu_cycles(bare->cpu) + 300);
    uint32_t flag = bare_load(bare, ST_CTRL);
    (void)flag;
    run_to(cpu_cycles(bare->cpu) + 300);
    assert_int_equal(bare_ppb(bare, ST_VAL), 0);
    assert_int_equal(bare_ppb(bare, ST_CTRL), 5);
    /* a new reload value counts from the next reload on; stopped it keeps its value */
    bare_store(bare, ST_LOAD, 999);
    run_to(cpu_cycles(bare->cpu) + 100);
    bare_store(bare, ST_CTRL, 4);
    uint32_t v = bare_ppb(bare, ST_VAL);
    assert_in_range(v, 880, 910);
    run_to(cpu_cycles(bare->cpu) + 100);
    assert_int_equal(bare_ppb(bare, ST_VAL), v);
}

static void sys_tick_divided(void **state)
{
    (void)state;
    nops();
    bare_store(bare, ST_LOAD, 9);
    bare_store(bare, ST_VAL, 0);
    bare_store(bare, ST_CTRL, 1); /* HCLK/8 */
    uint64_t t = cpu_cycles(bare->cpu);
    run_to(t + 8);
    uint32_t v = bare_ppb(bare, ST_VAL);
    for (unsigned i = 1; i < 50; i++) {
        run_to(t + 8 + i * 8);
        assert_int_equal(bare_ppb(bare, ST_VAL), (v + 50 - i) % 10);
    }
}

/* Interrupts come at exact intervals, however long the handler or whatever else was running. */
static void sys_tick_interrupts(void **state)
{
    (void)state;
    nops();
    bare->at = bare_handler(15);
    bare_code(bare, BX(14));
    bare_store(bare, ST_LOAD, 199);
    bare_store(bare, ST_VAL, 0);
    bare_store(bare, ST_CTRL, 7);
    uint64_t last = 0;
    for (unsigned i = 0; i < 20; i++) {
        bare_until(bare, bare_handler(15));
        uint64_t now = cpu_cycles(bare->cpu);
        if (i > 0)
            assert_int_equal(now - last, 200);
        last = now;
        bare_steps(bare, 1);
    }
    /* in one long run as well */
    cpu_break(bare->cpu, bare_handler(15), true);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(cpu_run(bare->cpu, UINT64_MAX), CPU_BREAK);
        last += 200;
        assert_int_equal(cpu_cycles(bare->cpu), last);
    }
}

static void cycle_counter(void **state)
{
    (void)state;
    nops();
    bare_store(bare, DWT_CTRL, 0x40000001);
    assert_int_equal(bare_load(bare, CYCCNT), 0); /* TRCENA is off */
    bare_store(bare, DEMCR, 1 << 24);
    uint64_t t = cpu_cycles(bare->cpu);
    uint32_t c = bare_ppb(bare, CYCCNT);
    run_to(t + 1000);
    assert_int_equal(bare_ppb(bare, CYCCNT), c + 1000);
    bare_store(bare, CYCCNT, 0xfffffff0);
    t = cpu_cycles(bare->cpu);
    run_to(t + 30);
    assert_in_range(bare_ppb(bare, CYCCNT), 30 - 16, 30 - 16 + 3); /* wraps */
    bare_store(bare, DWT_CTRL, 0x40000000);
    c = bare_ppb(bare, CYCCNT);
    run_to(cpu_cycles(bare->cpu) + 30);
    assert_int_equal(bare_ppb(bare, CYCCNT), c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(sys_tick_counts), TEST(sys_tick_divided),
                                       TEST(sys_tick_interrupts), TEST(cycle_counter)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
