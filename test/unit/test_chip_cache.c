/* Caches of the flash interface: hits, misses and what they cost, stale lines, flushing; and
 * flash that is powered down below them (RUN_PD). */
#include <string.h>

#include "one_chip.h"

#define PAGE 20
#define ADDR (FLASH_BASE + PAGE * FLASH_PAGE)

static void test_dcache(void **state)
{
    (void)state;
    flash_unlock(&t, false);
    poke64(&t, ADDR, 0x1111111122222222);
    assert_int_equal(rd(&t, ADDR), 0x22222222);
    flash_erase_page(&t, PAGE);
    assert_int_equal(rd(&t, ADDR), 0x22222222); /* stale */
    uint32_t v;
    assert_true(chip_bus_read(t.c, ADDR, 4, &v)); /* DMA has no cache */
    assert_int_equal(v, 0xFFFFFFFF);
    flash_write64(&t, ADDR, 0x3333333344444444); /* programming updates the line */
    assert_int_equal(rd(&t, ADDR), 0x44444444);
    assert_int_equal(rd(&t, ADDR + 4), 0x33333333);
    flash_erase_page(&t, PAGE);
    assert_int_equal(rd(&t, ADDR), 0x44444444);
    wr(&t, FLASH(0x00), 0x600 | 0x1000); /* not while the cache is on */
    assert_int_equal(rd(&t, FLASH(0x00)), 0x600);
    assert_int_equal(rd(&t, ADDR), 0x44444444);
    wr(&t, FLASH(0x00), 0x200);
    assert_int_equal(rd(&t, ADDR), 0xFFFFFFFF); /* off */
    wr(&t, FLASH(0x00), 0x600);
    assert_int_equal(rd(&t, ADDR), 0x44444444); /* on again, not reset: the old line */
    wr(&t, FLASH(0x00), 0x200);
    wr(&t, FLASH(0x00), 0x1200);
    wr(&t, FLASH(0x00), 0x200);
    wr(&t, FLASH(0x00), 0x600);
    assert_int_equal(rd(&t, ADDR), 0xFFFFFFFF);
}

/* Wait states: a miss costs LATENCY cycles, a hit none; with the caches off each read costs them. */
static uint64_t cost(uint32_t addr)
{
    uint64_t from = cpu_cycles(chip_cpu(t.c));
    (void)rd(&t, addr);
    return cpu_cycles(chip_cpu(t.c)) - from;
}

static uint64_t fetch_cost(uint32_t addr)
{
    uint64_t from = cpu_cycles(chip_cpu(t.c));
    assert_true(chip_cpu_env.fetch(t.c, addr));
    return cpu_cycles(chip_cpu(t.c)) - from;
}

static void test_latency(void **state)
{
    (void)state;
    assert_int_equal(cost(ADDR), 0); /* no wait states after reset */
    wr(&t, FLASH(0x00), 0x604);
    assert_int_equal(rd(&t, FLASH(0x00)), 0x604);
    assert_int_equal(cost(ADDR + 8), 4);
    assert_int_equal(cost(ADDR + 12), 0);
    for (uint32_t i = 0; i < 8; i++) /* eight lines, the oldest goes */
        assert_int_equal(cost(ADDR + 0x100 + 32 * i), 4);
    assert_int_equal(cost(ADDR + 8), 4);
    wr(&t, FLASH(0x00), 0x204);
    assert_int_equal(cost(ADDR + 8), 4);
    assert_int_equal(cost(ADDR + 8), 4);

    assert_int_equal(fetch_cost(ADDR), 4);
    assert_int_equal(fetch_cost(ADDR), 0);
    for (uint32_t i = 1; i <= 32; i++)
        assert_int_equal(fetch_cost(ADDR + 32 * i), 4);
    assert_int_equal(fetch_cost(ADDR), 4); /* thirty-two lines */
    wr(&t, FLASH(0x00), 0x104);            /* prefetch, no cache */
    (void)fetch_cost(ADDR);
    cpu_add_cycles(chip_cpu(t.c), 3);
    assert_int_equal(fetch_cost(ADDR + 8), 1);
    cpu_add_cycles(chip_cpu(t.c), 10);
    assert_int_equal(fetch_cost(ADDR + 16), 0);
    cpu_add_cycles(chip_cpu(t.c), 10);
    assert_int_equal(fetch_cost(ADDR + 256), 4);
}

/* Cycles for `rounds` rounds of a loop of `nops` instructions in flash, counted in R7. */
static uint64_t loop_cycles(unsigned nops, unsigned rounds)
{
    static uint16_t code[1000];
    for (unsigned i = 0; i < nops; i++)
        code[i] = 0xBF00;
    code[nops] = 0x3701;                                         /* adds r7, #1 */
    uint32_t back = (uint32_t)(-(int32_t)(nops + 3) & 0xFFFFFF); /* b.w to the begin, T4 */
    code[nops + 1] = (uint16_t)(0xF000 | 1U << 10 | (back >> 11 & 0x3FF));
    code[nops + 2] = (uint16_t)(0xB800 | (back & 0x7FF));
    assert_true(chip_poke(t.c, ADDR, code, 2 * (nops + 3)));
    cpu_set_reg(chip_cpu(t.c), 7, 0);
    cpu_set_reg(chip_cpu(t.c), 15, ADDR);
    while (cpu_reg(chip_cpu(t.c), 7) < 2) /* the caches have what they can have */
        chip_step(t.c);
    uint64_t from = cpu_cycles(chip_cpu(t.c));
    while (cpu_reg(chip_cpu(t.c), 7) < 2 + rounds)
        chip_step(t.c);
    return cpu_cycles(chip_cpu(t.c)) - from;
}

static void test_icache_execution(void **state)
{
    (void)state;
    /* 700 bytes stay in the cache: wait states make no difference. */
    uint64_t none = loop_cycles(350, 10);
    wr(&t, FLASH(0x00), 0x604);
    assert_true(loop_cycles(350, 10) == none);
    assert_true(none >= 3520 && none <= 3560);
    /* 1600 bytes push themselves out: each of 200 lines is a miss of four cycles. */
    wr(&t, FLASH(0x00), 0x600);
    none = loop_cycles(797, 10);
    wr(&t, FLASH(0x00), 0x604);
    uint64_t missed = loop_cycles(797, 10) - none;
    assert_true(missed >= 7990 && missed <= 8010);
    /* Cache off: all lines cost, in a short loop too. */
    wr(&t, FLASH(0x00), 0x004);
    uint64_t off = loop_cycles(29, 10); /* 64 bytes, eight lines */
    wr(&t, FLASH(0x00), 0x000);
    assert_true(off - loop_cycles(29, 10) == 320);
    /* Switched on with code that ran before: the first round fills it. */
    wr(&t, FLASH(0x00), 0x204);
    uint64_t from = cpu_cycles(chip_cpu(t.c));
    cpu_set_reg(chip_cpu(t.c), 7, 0);
    cpu_set_reg(chip_cpu(t.c), 15, ADDR);
    while (cpu_reg(chip_cpu(t.c), 7) < 1)
        chip_step(t.c);
    assert_true(cpu_cycles(chip_cpu(t.c)) - from >= 30 + 32);
}

/* Code that was erased and written anew goes on as it was until the cache is flushed. */
static void test_icache_stale_execution(void **state)
{
    (void)state;
    flash_unlock(&t, false);
    const uint64_t add1 = 0xE7FE37013701, add2 = 0xE7FE37023702; /* adds r7 twice, loop */
    poke64(&t, ADDR, add1);
    for (unsigned i = 0; i < 3; i++) {
        if (i == 1) {
            flash_erase_page(&t, PAGE);
            flash_write64(&t, ADDR, add2);
        }
        if (i == 2) {
            wr(&t, FLASH(0x00), 0x400);
            wr(&t, FLASH(0x00), 0xC00);
            wr(&t, FLASH(0x00), 0x600);
        }
        cpu_set_reg(chip_cpu(t.c), 7, 0);
        cpu_set_reg(chip_cpu(t.c), 15, ADDR);
        run_us(&t, 10);
        assert_int_equal(cpu_reg(chip_cpu(t.c), 7), i < 2 ? 2 : 4);
        cpu_set_reg(chip_cpu(t.c), 15, 0x10000100);
    }
}

/* A line has its four double words one by one: what was not fetched before is not stale. */
static void test_icache_stale_in_part(void **state)
{
    (void)state;
    const uint64_t add1 = 0x3701370137013701, add2 = 0x3702370237023702, stay = 0xE7FEE7FEE7FEE7FE;
    flash_unlock(&t, false);
    poke64(&t, ADDR, add1);
    poke64(&t, ADDR + 8, stay);
    cpu_set_reg(chip_cpu(t.c), 15, ADDR + 8);
    run_us(&t, 10);
    cpu_set_reg(chip_cpu(t.c), 15, 0x10000100);
    flash_erase_page(&t, PAGE);
    flash_write64(&t, ADDR, add2);
    cpu_set_reg(chip_cpu(t.c), 7, 0);
    cpu_set_reg(chip_cpu(t.c), 15, ADDR);
    run_us(&t, 10);
    assert_int_equal(cpu_reg(chip_cpu(t.c), 7), 8);         /* new */
    assert_int_equal(cpu_reg(chip_cpu(t.c), 15), ADDR + 8); /* and old */
}

static void test_icache_stale(void **state)
{
    (void)state;
    flash_unlock(&t, false);
    poke64(&t, ADDR, 0x1111111122222222);
    assert_int_equal(fetch_cost(ADDR), 0);
    flash_erase_page(&t, PAGE);
    /* What the processor would execute is the line as it was; data reads and the debugger see the truth. */
    uint64_t executed, seen;
    memcpy(&executed, &chip_nvm(t.c)->flash[ADDR - FLASH_BASE], 8);
    assert_true(executed == 0x1111111122222222);
    assert_true(chip_peek(t.c, ADDR, &seen, 8));
    assert_true(seen == UINT64_MAX);
    wr(&t, FLASH(0x00), 0x600 | 0x800); /* not while the cache is on */
    assert_int_equal(rd(&t, FLASH(0x00)), 0x600);
    wr(&t, FLASH(0x00), 0x400);
    wr(&t, FLASH(0x00), 0xC00);
    assert_int_equal(rd(&t, FLASH(0x00)), 0xC00);
    wr(&t, FLASH(0x00), 0x400);
    wr(&t, FLASH(0x00), 0x600);
    memcpy(&executed, &chip_nvm(t.c)->flash[ADDR - FLASH_BASE], 8);
    assert_true(executed == UINT64_MAX);
    /* A reset flushes as well, and so does use. */
    poke64(&t, ADDR, 0x1111111122222222);
    (void)fetch_cost(ADDR);
    flash_erase_page(&t, PAGE);
    for (uint32_t i = 1; i <= 32; i++)
        (void)fetch_cost(ADDR + 0x1000 + 32 * i);
    memcpy(&executed, &chip_nvm(t.c)->flash[ADDR - FLASH_BASE], 8);
    assert_true(executed == UINT64_MAX);
}

#define RUN_PD (1U << 13)

static void power_down(void)
{
    wr(&t, FLASH(0x04), 0x04152637);
    wr(&t, FLASH(0x04), 0xFAFBFCFD);
    set(&t, FLASH(0x00), RUN_PD);
    assert_true(rd(&t, FLASH(0x00)) & RUN_PD);
}

static void test_run_pd_keys(void **state)
{
    (void)state;
    set(&t, FLASH(0x00), RUN_PD);
    assert_int_equal(rd(&t, FLASH(0x00)) & RUN_PD, 0);
    power_down();
    wr(&t, FLASH(0x04), 0x04152637); /* as the HAL does before it clears the bit */
    set(&t, FLASH(0x00), 1U << 14);  /* locked: it stays */
    wr(&t, FLASH(0x00), 0x600);
    assert_int_equal(rd(&t, FLASH(0x00)), 0x600 | RUN_PD);
    wr(&t, FLASH(0x04), 0xFAFBFCFD);
    wr(&t, FLASH(0x00), 0x600);
    assert_int_equal(rd(&t, FLASH(0x00)), 0x600);
}

/* A program in SRAM may switch flash off. What is in the caches is still there, all else is not to be had. */
static void test_run_pd(void **state)
{
    (void)state;
    uint32_t v;
    poke64(&t, ADDR, 0x1111111122222222);
    poke64(&t, ADDR + 64, 0x3333333344444444);
    assert_int_equal(rd(&t, ADDR), 0x22222222);
    t.n = 0;
    power_down();
    assert_int_equal(rd(&t, ADDR + 4), 0x11111111);
    assert_int_equal(t.n, 0);
    assert_false(chip_cpu_env.read(t.c, ADDR + 64, 4, true, &v));
    assert_false(chip_cpu_env.read(t.c, OTP_BASE, 4, true, &v));
    assert_false(chip_bus_read(t.c, ADDR, 4, &v)); /* DMA has no cache */
    assert_int_equal(t.n, 1);
    assert_string_equal(t.told[0].what, "Flash is accessed while it is powered down (FLASH_ACR.RUN_PD)");
    flash_unlock(&t, false);
    wr(&t, FLASH(0x14), CR_PER | PAGE << 3 | CR_STRT);
    assert_false(flash_busy(t.c));
    assert_int_equal(rd(&t, FLASH(0x10)), SR_PGSERR);
    wr(&t, FLASH(0x10), SR_PGSERR);
    wr(&t, FLASH(0x14), CR_PG);
    assert_true(chip_cpu_env.write(t.c, ADDR + 128, 4, true, 1));
    assert_int_equal(rd(&t, FLASH(0x10)), SR_PGSERR);
    wr(&t, FLASH(0x00), 0x600);
    assert_int_equal(rd(&t, ADDR + 64), 0x44444444);
}

/* A jump into it: cached lines run on, with the cache off not one instruction does. */
static void test_run_pd_fetch(void **state)
{
    (void)state;
    static const uint64_t loop = 0xE7FEBF00BF00BF00U;
    for (unsigned cached = 0; cached < 2; cached++) {
        poke64(&t, ADDR, loop);
        wr(&t, FLASH(0x00), cached ? 0x600 : 0);
        for (unsigned down = 0; down < 2; down++) {
            t.n = 0;
            if (down)
                power_down();
            cpu_set_reg(chip_cpu(t.c), 15, ADDR);
            run_us(&t, 100);
            assert_int_equal(cpu_reg(chip_cpu(t.c), 15) == ADDR + 6, !down || cached);
            assert_int_equal(chiptest_count(&t, "HardFault"), down && !cached);
        }
        wr(&t, FLASH(0x00), 0);
        chip_request_reset(t.c, RESET_SOFT);
        chiptest_settle(&t);
    }
}

/* FLASHRST works in power-down only. */
static void test_run_pd_reset(void **state)
{
    (void)state;
    for (unsigned down = 0; down < 2; down++) {
        flash_unlock(&t, false);
        if (down)
            power_down();
        set(&t, RCC(0x28), 1U << 8);
        clear(&t, RCC(0x28), 1U << 8);
        assert_int_equal(rd(&t, FLASH(0x14)) >> 31, down);
        assert_int_equal(rd(&t, FLASH(0x00)), 0x600);
        wr(&t, FLASH(0x14), 1U << 31);
    }
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, chip_on, chip_off)
    const struct CMUnitTest tests[] = {
        TEST(test_dcache),
        TEST(test_latency),
        TEST(test_icache_execution),
        TEST(test_icache_stale_execution),
        TEST(test_icache_stale_in_part),
        TEST(test_icache_stale),
        TEST(test_run_pd_keys),
        TEST(test_run_pd),
        TEST(test_run_pd_fetch),
        TEST(test_run_pd_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
