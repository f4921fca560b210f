/* SRAM2's parity check: what was never written has wrong parity, byte by byte, as chance has it. */
#include <string.h>

#include "chip_regs.h"

#define CFGR2 SYSCFG(0x1C)
#define SPF   (1U << 8)
#define FREE  0x10001000U /* away from the test's loop */

static void power(bool checked)
{
    chip_power_off(rig, false);
    chip_nvm(rig)->option[0] = 0xFFEFF8AA & ~(checked ? 1U << 24 : 0);
    chip_nvm(rig)->option[1] = ~chip_nvm(rig)->option[0];
    rig_power();
    set_bits(RCC(0x60), 1);
}

static int setup(void **state)
{
    rig_on_awake(state);
    power(true);
    return 0;
}

/* SPF after a read of `size` bytes, cleared again. */
static bool wrong(uint32_t addr, unsigned size)
{
    uint32_t v;
    assert_true(chip_cpu_env.read(rig, addr, size, true, &v));
    bool error = rd(CFGR2) & SPF;
    assert_int_equal(rig->nmi_sources >> NMI_SRAM2_PARITY & 1, error);
    wr(CFGR2, SPF);
    assert_int_equal(rd(CFGR2) & SPF, 0);
    assert_int_equal(rig->nmi_sources, 0);
    return error;
}

static void bytes(void **state)
{
    (void)state;
    unsigned errors = 0, words = 0;
    for (uint32_t a = FREE; a < FREE + 1024; a++)
        errors += wrong(a, 1);
    assert_in_range(errors, 400, 624);
    for (uint32_t a = FREE; a < FREE + 1024; a += 4)
        words += wrong(a, 4);
    assert_in_range(words, 220, 256);
    for (uint32_t a = FREE; a < FREE + 1024; a++) { /* each byte has its own */
        assert_true(chip_cpu_env.write(rig, a, 1, true, 0x5A));
        assert_false(wrong(a, 1));
        assert_false(wrong(SRAM2_ALIAS + (a - SRAM2_BASE), 1));
    }
    assert_int_equal(told_count("missing"), 0);
}

static void others_write_too(void **state)
{
    (void)state;
    for (uint32_t a = FREE; a < FREE + 64; a += 4) { /* DMA, or a debugger */
        if (a & 4)
            assert_true(chip_bus_write(rig, a, 4, 0));
        else
            assert_true(chip_poke(rig, a, "abcd", 4));
        assert_false(wrong(a, 4));
    }
    wr(SYSCFG(0x24), 0xCA);
    wr(SYSCFG(0x24), 0x53);
    wr(SYSCFG(0x18), 1); /* the erase of SRAM2 */
    for (uint32_t a = SRAM2_BASE; a < SRAM2_BASE + SRAM2_SIZE; a += 4)
        assert_false(wrong(a, 4));
}

/* A program that reads gets the NMI; one that has written all of it never does. */
static void a_program(void **state)
{
    (void)state;
    static const uint16_t reads[] = {0x6808 /* ldr r0, [r1] */, 0xE7FE};
    static const uint16_t fills[] = {0x600A /* str r2, [r1] */, 0x3104, 0x4299 /* cmp r1, r3 */,
                                     0xD1FB /* bne */, 0xE7FE};
    uint32_t bad = FREE;
    while (!(rig->parity.bad[(bad - SRAM2_BASE) / 8] & 15))
        bad += 8;
    told.n = 0;
    cpu_set_reg(chip_cpu(rig), 1, bad);
    rig_execute(reads, 2);
    run_us(10);
    assert_int_equal(told_count("NMI"), 1);
    assert_true(rd(CFGR2) & SPF);
    chip_request_reset(rig, RESET_SOFT); /* the content and its parity stay */
    rig_settle();
    set_bits(RCC(0x60), 1);
    assert_int_equal(rd(CFGR2) & SPF, 0);
    assert_true(rig->parity.bad[(bad - SRAM2_BASE) / 8] & 15);
    cpu_set_reg(chip_cpu(rig), 1, SRAM2_BASE + 0x200);
    cpu_set_reg(chip_cpu(rig), 3, SRAM2_BASE + SRAM2_SIZE);
    rig_execute(fills, 5);
    run_us(20000);
    for (uint32_t a = SRAM2_BASE; a < SRAM2_BASE + 0x200; a += 4)
        assert_true(chip_bus_write(rig, a, 4, 0xE7FEE7FE));
    told.n = 0;
    cpu_set_reg(chip_cpu(rig), 1, bad);
    rig_execute(reads, 2);
    run_us(10);
    assert_int_equal(told.n, 0);
    assert_int_equal(rd(CFGR2) & SPF, 0);
}

/* Without the option nothing is checked, and snapshots have it all. */
static void option_and_snapshot(void **state)
{
    (void)state;
    struct chip_snapshot *s = chip_save(rig);
    uint32_t bad = FREE;
    while (!wrong(bad, 4))
        bad += 4;
    assert_true(chip_bus_write(rig, bad, 4, 0));
    chip_restore(rig, s);
    chip_snapshot_free(s);
    assert_true(wrong(bad, 4));
    power(false);
    for (uint32_t a = FREE; a < FREE + 256; a += 4)
        assert_false(wrong(a, 4));
    power(true);
    unsigned errors = 0;
    for (uint32_t a = FREE; a < FREE + 256; a += 4)
        errors += wrong(a, 4);
    assert_true(errors > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes, setup, rig_off),
        cmocka_unit_test_setup_teardown(others_write_too, setup, rig_off),
        cmocka_unit_test_setup_teardown(a_program, setup, rig_off),
        cmocka_unit_test_setup_teardown(option_and_snapshot, setup, rig_off),
    };

    return cmocka_run_group_tests_name("SRAM2 parity", tests, NULL, NULL);
}
