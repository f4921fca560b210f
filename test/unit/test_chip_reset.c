/* Every readable register of the chip has its reset value after power-on, and comes back to it by a system
 * reset. */
#include <string.h>

#include "chip_regs.h"
#include "reset_values.h"

static void enable_all(void)
{
    static const uint32_t enr[] = {0x48, 0x4C, 0x50, 0x58, 0x5C, 0x60};
    for (unsigned i = 0; i < sizeof enr / sizeof enr[0]; i++)
        wr(RCC(enr[i]), UINT32_MAX);
}

static bool is_enable(const struct reset_value *r)
{
    return r->block == B_RCC && r->addr >= RCC(0x48) && r->addr <= RCC(0x60);
}

/* `csr`: the reset flags expected beside the reset value of RCC_CSR. */
static void check(uint32_t csr)
{
    unsigned wrong = 0;
    for (size_t i = 0; i < reset_value_count; i++) {
        const struct reset_value *r = &reset_values[i];
        if (is_enable(r))
            continue;
        uint32_t want = r->value;
        if (r->block == B_RCC && r->addr == RCC(0x94))
            want = (want & 0x00FFFFFF) | csr;
        uint32_t v = rd(r->addr);
        if ((v & r->mask) != (want & r->mask)) {
            print_error("%s is 0x%08X, not 0x%08X\n", r->name, v, want);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    assert_true(reset_value_count > 600); /* the table is not empty by mistake */
}

static void test_power_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < reset_value_count; i++)
        if (is_enable(&reset_values[i]))
            assert_int_equal(rd(reset_values[i].addr), reset_values[i].value);
    enable_all();
    check(0x0C000000);
}

/* Something else in all that can be written, then a system reset, which leaves DBGMCU to the debugger. */
static void test_system_reset(void **state)
{
    (void)state;
    enable_all();
    for (size_t i = 0; i < reset_value_count; i++) {
        const struct reset_value *r = &reset_values[i];
        if (r->block != B_FLASH && r->block != B_RCC && r->block != B_DBGMCU)
            (void)chip_bus_write(rig, r->addr, 4, 0x5A5A5A5A);
    }
    wr(FLASH(0x00), 0x704);
    wr(RCC(0x88), 0xFFFFFFFF);
    wr(RCC(0x18), 0x3F);
    wr(RCC(0x00), 0x163);
    chip_request_reset(rig, RESET_SOFT);
    rig_settle();
    enable_all();
    check(0x1C000000);
}

/* Clock gates: registers read 0 and keep what they had. */
static void test_gates(void **state)
{
    (void)state;
    assert_int_equal(rd(GPIO(0)), 0);
    wr(GPIO(0), 0);
    set_bits(RCC(0x4C), 1);
    assert_int_equal(rd(GPIO(0)), 0xABFFFFFF);
    wr(GPIO(0) + 0x20, 0x12345678);
    clear_bits(RCC(0x4C), 1);
    assert_int_equal(rd(GPIO(0) + 0x20), 0);
    set_bits(RCC(0x4C), 1);
    assert_int_equal(rd(GPIO(0) + 0x20), 0x12345678);
    /* … until the block is reset by its bit in RSTR. */
    wr(RCC(0x2C), 1);
    assert_int_equal(rd(GPIO(0) + 0x20), 0);
    wr(GPIO(0) + 0x20, 0x12345678); /* in reset as long as the bit is set */
    wr(RCC(0x2C), 0);
    assert_int_equal(rd(GPIO(0) + 0x20), 0);
    wr(GPIO(0) + 0x20, 0x12345678);
    assert_int_equal(rd(GPIO(0) + 0x20), 0x12345678);
    wr(RCC(0x28), 1 << 8); /* FLASHRST: only in power-down */
    wr(0x40022000, 0x601);
    assert_int_equal(rd(0x40022000), 0x601);
}

static void test_bus(void **state)
{
    (void)state;
    static const uint32_t nothing[] = {0x08040000, 0x1000C000, 0x20010000, 0x40000C00, 0x40024400,
                                       0x50060000, 0x60000000, 0x1FFF8000, 0x48001400};
    uint32_t v;
    for (unsigned i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        assert_false(chip_bus_read(rig, nothing[i], 4, &v));
        assert_false(chip_bus_write(rig, nothing[i], 4, 0));
    }
    /* SRAM2 at both addresses; SRAM to its last byte. */
    wr(0x20000000 + 0xFFFC, 0xCAFEBABE);
    assert_int_equal(rd(0x10003FFC), 0xCAFEBABE);
    assert_true(chip_bus_read(rig, 0x2000FFFF, 1, &v));
    assert_int_equal(v, 0xCA);
    /* Reserved offsets of a block read 0. */
    assert_int_equal(rd(RCC(0xF0)), 0);
}

/* Snapshots restore everything, and the same seed gives the same machine. */
static void test_snapshot(void **state)
{
    (void)state;
    struct chip_snapshot *s = chip_save(rig);
    assert_non_null(s);
    ps_t then = chip_now(rig);
    uint32_t word = rd(0x20000400);
    wr(0x20000400, ~word);
    wr(RCC(0x60), 1);
    uint8_t byte = 0x12;
    chip_poke(rig, FLASH_BASE + 0x1234, &byte, 1);
    run_us(1000);
    chip_restore(rig, s);
    assert_true(chip_now(rig) == then);
    assert_int_equal(rd(0x20000400), word);
    assert_int_equal(rd(RCC(0x60)), 0);
    assert_int_equal(rd(FLASH_BASE + 0x1234), 0xFFFFFFFF);
    chip_snapshot_free(s);

    rig_off(state);
    rig_on_awake(state);
    assert_int_equal(rd(0x20000400), word);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_on_awake, rig_off)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_power_on), TEST(test_system_reset), TEST(test_gates), TEST(test_bus), TEST(test_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
