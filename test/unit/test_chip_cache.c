/* Caches of the flash interface: hits, misses and what they cost, stale lines, flushing; and
 * flash that is powered down below them (RUN_PD). */
#include <string.h>

#include "chip_regs.h"

#define PAGE 20
#define ADDR (FLASH_BASE + PAGE * FLASH_PAGE)

static void test_dcache(void **state)
{
    (void)state;
    flash_unlock();
    poke64(ADDR, 0x1111111122222222);
    assert_int_equal(rd(ADDR), 0x22222222);
    flash_erase_page(PAGE);
    assert_int_equal(rd(ADDR), 0x22222222); /* stale */
    uint32_t v;
    assert_true(chip_bus_read(rig, ADDR, 4, &v)); /* DMA has no cache */
    assert_int_equal(v, 0xFFFFFFFF);
    flash_write64(ADDR, 0x3333333344444444); /* programming updates the line */
    assert_int_equal(rd(ADDR), 0x44444444);
    assert_int_equal(rd(ADDR + 4), 0x33333333);
    flash_erase_page(PAGE);
    assert_int_equal(rd(ADDR), 0x44444444);
    wr(FLASH(0x00), 0x600 | 0x1000); /* not while the cache is on */
    assert_int_equal(rd(FLASH(0x00)), 0x600);
    assert_int_equal(rd(ADDR), 0x44444444);
    wr(FLASH(0x00), 0x200);
    assert_int_equal(rd(ADDR), 0xFFFFFFFF); /* off */
    wr(FLASH(0x00), 0x600);
    assert_int_equal(rd(ADDR), 0x44444444); /* on again, not reset: the old line */
    wr(FLASH(0x00), 0x200);
    wr(FLASH(0x00), 0x1200);
    wr(FLASH(0x00), 0x200);
    wr(FLASH(0x00), 0x600);
    assert_int_equal(rd(ADDR), 0xFFFFFFFF);
}

/* Wait states: a miss costs LATENCY cycles, a hit none; with the caches off each read costs them. */
static uint64_t cost(uint32_t addr)
{
    uint64_t from = cpu_cycles(chip_cpu(rig));
    (void)rd(addr);
    return cpu_cycles(chip_cpu(rig)) - from;
}

static uint64_t fetch_cost(uint32_t addr)
{
    uint64_t from = cpu_cycles(chip_cpu(rig));
    assert_true(chip_cpu_env.fetch(rig, addr));
    return cpu_cycles(chip_cpu(rig)) - from;
}

static void test_latency(void **state)
{
    (void)state;
    assert_int_equal(cost(ADDR), 0); /* no wait states after reset */
    wr(FLASH(0x00), 0x604);
    assert_int_equal(rd(FLASH(0x00)), 0x604);
    assert_int_equal(cost(ADDR + 8), 4);
    assert_int_equal(cost(ADDR + 12), 0);
    for (uint32_t i = 0; i < 8; i++) /* eight lines, the oldest goes */
        assert_int_equal(cost(ADDR + 0x100 + 32 * i), 4);
    assert_int_equal(cost(ADDR + 8), 4);
    wr(FLASH(0x00), 0x204);
    assert_int_equal(cost(ADDR + 8), 4);
    assert_int_equal(cost(ADDR + 8), 4);

    assert_int_equal(fetch_cost(ADDR), 4);
    assert_int_equal(fetch_cost(ADDR), 0);
    for (uint32_t i = 1; i <= 32; i++)
        assert_int_equal(fetch_cost(ADDR + 32 * i), 4);
    assert_int_equal(fetch_cost(ADDR), 4); /* thirty-two lines */
    wr(FLASH(0x00), 0x104);                /* prefetch, no cache */
    for (uint32_t i = 0; i <= 5; i++) { /* a read takes five cycles, that of the next double word as well */
        assert_int_equal(fetch_cost(ADDR + 64 * i), 4);
        cpu_add_cycles(chip_cpu(rig), i);
        assert_int_equal(fetch_cost(ADDR + 64 * i + 8), i == 0 ? 4 : 5 - i);
    }
    cpu_add_cycles(chip_cpu(rig), 10);
    assert_int_equal(fetch_cost(ADDR + 64 * 5 + 16), 0);
    cpu_add_cycles(chip_cpu(rig), 10);
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
    assert_true(chip_poke(rig, ADDR, code, 2 * (nops + 3)));
    cpu_set_reg(chip_cpu(rig), 7, 0);
    cpu_set_reg(chip_cpu(rig), 15, ADDR);
    while (cpu_reg(chip_cpu(rig), 7) < 2) /* the caches have what they can have */
        chip_step(rig);
    uint64_t from = cpu_cycles(chip_cpu(rig));
    while (cpu_reg(chip_cpu(rig), 7) < 2 + rounds)
        chip_step(rig);
    return cpu_cycles(chip_cpu(rig)) - from;
}

static void test_icache_execution(void **state)
{
    (void)state;
    /* 700 bytes stay in the cache: wait states make no difference. */
    uint64_t none = loop_cycles(350, 10);
    wr(FLASH(0x00), 0x604);
    assert_true(loop_cycles(350, 10) == none);
    assert_true(none >= 3520 && none <= 3560);
    /* 1600 bytes push themselves out: each of 200 lines is a miss of four cycles. */
    wr(FLASH(0x00), 0x600);
    none = loop_cycles(797, 10);
    wr(FLASH(0x00), 0x604);
    uint64_t missed = loop_cycles(797, 10) - none;
    assert_true(missed >= 7990 && missed <= 8010);
    /* Cache off: all lines cost, in a short loop too. */
    wr(FLASH(0x00), 0x004);
    uint64_t off = loop_cycles(29, 10); /* 64 bytes, eight lines */
    wr(FLASH(0x00), 0x000);
    assert_true(off - loop_cycles(29, 10) == 320);
    /* Switched on with code that ran before: the first round fills it. */
    wr(FLASH(0x00), 0x204);
    uint64_t from = cpu_cycles(chip_cpu(rig));
    cpu_set_reg(chip_cpu(rig), 7, 0);
    cpu_set_reg(chip_cpu(rig), 15, ADDR);
    while (cpu_reg(chip_cpu(rig), 7) < 1)
        chip_step(rig);
    assert_true(cpu_cycles(chip_cpu(rig)) - from >= 30 + 32);
}

/* Code that was erased and written anew goes on as it was until the cache is flushed. */
static void test_icache_stale_execution(void **state)
{
    (void)state;
    flash_unlock();
    const uint64_t add1 = 0xE7FE37013701, add2 = 0xE7FE37023702; /* adds r7 twice, loop */
    poke64(ADDR, add1);
    for (unsigned i = 0; i < 3; i++) {
        if (i == 1) {
            flash_erase_page(PAGE);
            flash_write64(ADDR, add2);
        }
        if (i == 2) {
            wr(FLASH(0x00), 0x400);
            wr(FLASH(0x00), 0xC00);
            wr(FLASH(0x00), 0x600);
        }
        cpu_set_reg(chip_cpu(rig), 7, 0);
        cpu_set_reg(chip_cpu(rig), 15, ADDR);
        run_us(10);
        assert_int_equal(cpu_reg(chip_cpu(rig), 7), i < 2 ? 2 : 4);
        cpu_set_reg(chip_cpu(rig), 15, 0x10000100);
    }
}

/* A line has its four double words one by one: what was not fetched before is not stale. */
static void test_icache_stale_in_part(void **state)
{
    (void)state;
    const uint64_t add1 = 0x3701370137013701, add2 = 0x3702370237023702, stay = 0xE7FEE7FEE7FEE7FE;
    flash_unlock();
    poke64(ADDR, add1);
    poke64(ADDR + 8, stay);
    cpu_set_reg(chip_cpu(rig), 15, ADDR + 8);
    run_us(10);
    cpu_set_reg(chip_cpu(rig), 15, 0x10000100);
    flash_erase_page(PAGE);
    flash_write64(ADDR, add2);
    cpu_set_reg(chip_cpu(rig), 7, 0);
    cpu_set_reg(chip_cpu(rig), 15, ADDR);
    run_us(10);
    assert_int_equal(cpu_reg(chip_cpu(rig), 7), 8);         /* new */
    assert_int_equal(cpu_reg(chip_cpu(rig), 15), ADDR + 8); /* and old */
}

static void test_icache_stale(void **state)
{
    (void)state;
    flash_unlock();
    poke64(ADDR, 0x1111111122222222);
    assert_int_equal(fetch_cost(ADDR), 0);
    flash_erase_page(PAGE);
    /* What the processor would execute is the line as it was; data reads and the debugger see the truth. */
    uint64_t executed, seen;
    memcpy(&executed, &chip_nvm(rig)->flash[ADDR - FLASH_BASE], 8);
    assert_true(executed == 0x1111111122222222);
    assert_true(chip_peek(rig, ADDR, &seen, 8));
    assert_true(seen == UINT64_MAX);
    wr(FLASH(0x00), 0x600 | 0x800); /* not while the cache is on */
    assert_int_equal(rd(FLASH(0x00)), 0x600);
    wr(FLASH(0x00), 0x400);
    wr(FLASH(0x00), 0xC00);
    assert_int_equal(rd(FLASH(0x00)), 0xC00);
    wr(FLASH(0x00), 0x400);
    wr(FLASH(0x00), 0x600);
    memcpy(&executed, &chip_nvm(rig)->flash[ADDR - FLASH_BASE], 8);
    assert_true(executed == UINT64_MAX);
    /* A reset flushes as well, and so does use. */
    poke64(ADDR, 0x1111111122222222);
    (void)fetch_cost(ADDR);
    flash_erase_page(PAGE);
    for (uint32_t i = 1; i <= 32; i++)
        (void)fetch_cost(ADDR + 0x1000 + 32 * i);
    memcpy(&executed, &chip_nvm(rig)->flash[ADDR - FLASH_BASE], 8);
    assert_true(executed == UINT64_MAX);
}

#define RUN_PD (1U << 13)

static void power_down(void)
{
    wr(FLASH(0x04), 0x04152637);
    wr(FLASH(0x04), 0xFAFBFCFD);
    set_bits(FLASH(0x00), RUN_PD);
    assert_true(rd(FLASH(0x00)) & RUN_PD);
}

static void test_run_pd_keys(void **state)
{
    (void)state;
    set_bits(FLASH(0x00), RUN_PD);
    assert_int_equal(rd(FLASH(0x00)) & RUN_PD, 0);
    power_down();
    wr(FLASH(0x04), 0x04152637);     /* as the HAL does before it clears the bit */
    set_bits(FLASH(0x00), 1U << 14); /* locked: it stays */
    wr(FLASH(0x00), 0x600);
    assert_int_equal(rd(FLASH(0x00)), 0x600 | RUN_PD);
    wr(FLASH(0x04), 0xFAFBFCFD);
    wr(FLASH(0x00), 0x600);
    assert_int_equal(rd(FLASH(0x00)), 0x600);
}

/* A program in SRAM may switch flash off. What is in the caches is still there, all else is not to be had. */
static void test_run_pd(void **state)
{
    (void)state;
    uint32_t v;
    poke64(ADDR, 0x1111111122222222);
    poke64(ADDR + 64, 0x3333333344444444);
    assert_int_equal(rd(ADDR), 0x22222222);
    told.n = 0;
    power_down();
    assert_int_equal(rd(ADDR + 4), 0x11111111);
    assert_int_equal(told.n, 0);
    assert_false(chip_cpu_env.read(rig, ADDR + 64, 4, true, &v));
    assert_false(chip_cpu_env.read(rig, OTP_BASE, 4, true, &v));
    assert_false(chip_bus_read(rig, ADDR, 4, &v)); /* DMA has no cache */
    assert_int_equal(told.n, 1);
    assert_string_equal(told.events[0].text, "Flash is accessed while it is powered down (FLASH_ACR.RUN_PD)");
    flash_unlock();
    wr(FLASH(0x14), CR_PER | PAGE << 3 | CR_STRT);
    assert_false(flash_busy(rig));
    assert_int_equal(rd(FLASH(0x10)), SR_PGSERR);
    wr(FLASH(0x10), SR_PGSERR);
    wr(FLASH(0x14), CR_PG);
    assert_true(chip_cpu_env.write(rig, ADDR + 128, 4, true, 1));
    assert_int_equal(rd(FLASH(0x10)), SR_PGSERR);
    wr(FLASH(0x00), 0x600);
    assert_int_equal(rd(ADDR + 64), 0x44444444);
}

/* A jump into it: cached lines run on, with the cache off not one instruction does. */
static void test_run_pd_fetch(void **state)
{
    (void)state;
    static const uint64_t loop = 0xE7FEBF00BF00BF00U;
    for (unsigned cached = 0; cached < 2; cached++) {
        poke64(ADDR, loop);
        wr(FLASH(0x00), cached ? 0x600 : 0);
        for (unsigned down = 0; down < 2; down++) {
            told.n = 0;
            if (down)
                power_down();
            cpu_set_reg(chip_cpu(rig), 15, ADDR);
            run_us(100);
            assert_int_equal(cpu_reg(chip_cpu(rig), 15) == ADDR + 6, !down || cached);
            assert_int_equal(told_count("HardFault"), down && !cached);
        }
        wr(FLASH(0x00), 0);
        chip_request_reset(rig, RESET_SOFT);
        rig_settle();
    }
}

/* FLASHRST works in power-down only. */
static void test_run_pd_reset(void **state)
{
    (void)state;
    for (unsigned down = 0; down < 2; down++) {
        flash_unlock();
        if (down)
            power_down();
        set_bits(RCC(0x28), 1U << 8);
        clear_bits(RCC(0x28), 1U << 8);
        assert_int_equal(rd(FLASH(0x14)) >> 31, down);
        assert_int_equal(rd(FLASH(0x00)), 0x600);
        wr(FLASH(0x14), 1U << 31);
    }
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_on_awake, rig_off)
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
