/* Worn flash: cells that do not follow an erase or a program, and operations that fail. */
#include "chip_regs.h"

#define ECCR FLASH(0x18)
#define SR   FLASH(0x10)
#define CR   FLASH(0x14)
#define PAGE 20
#define ADDR (FLASH_BASE + PAGE * FLASH_PAGE)
#define ECCD (1U << 31)

static int setup(void **state)
{
    rig_on_awake(state);
    flash_unlock();
    clear_bits(FLASH(0x00), 1U << 10); /* DCEN: every read is one of flash */
    return 0;
}

static uint32_t errors(void)
{
    uint32_t sr = rd(SR) & 0xC3FA;
    wr(SR, sr);
    return sr;
}

static void program(uint32_t addr, uint64_t data)
{
    wr(CR, CR_PG | CR_ERRIE);
    wr(addr, (uint32_t)data);
    wr(addr + 4, (uint32_t)(data >> 32));
    flash_idle();
    wr(CR, 0);
}

static void erase(uint32_t page)
{
    wr(CR, CR_PER | CR_ERRIE | page << 3);
    wr(CR, CR_PER | CR_ERRIE | page << 3 | CR_STRT);
    flash_idle();
    wr(CR, 0);
}

static void test_low(void **state)
{
    (void)state;
    chip_config(rig)->weak_low = ADDR + 16;
    erase(PAGE);
    assert_int_equal(errors(), 0);
    assert_int_equal(rd(ADDR + 16), UINT32_MAX); /* reads blank */
    program(ADDR + 8, 1);
    assert_int_equal(errors(), 0);
    program(ADDR + 16, 1);
    assert_true(errors() & SR_PROGERR);
    assert_true(peek64(ADDR + 16) == UINT64_MAX);
    program(ADDR + 16, 0); /* zeros go over anything */
    assert_int_equal(errors(), 0);
    assert_true(peek64(ADDR + 16) == 0);
}

static void test_high(void **state)
{
    (void)state;
    const uint64_t words[] = {0, 1, 0x00000000FFFFFFFF, 0x8000000000000001, 0x0123456789ABCDEF};
    chip_config(rig)->weak_high = ADDR + 24;
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        erase(PAGE);
        program(ADDR + 24, words[i]);
        assert_int_equal(errors(), 0); /* the chip does not notice */
        assert_int_equal(rd(ECCR) & ECCD, 0);
        (void)rd(ADDR + 24);
        assert_int_equal(rd(ECCR) & ECCD, ECCD);
        wr(ECCR, ECCD);
        program(ADDR + 32, words[i]);
        assert_true(peek64(ADDR + 32) == words[i]);
    }
}

static void test_fails(void **state)
{
    (void)state;
    erase(PAGE);
    program(ADDR, 5);
    chip_config(rig)->weak_fails = ADDR + 40;
    erase(PAGE);
    assert_int_equal(errors(), SR_OPERR);
    assert_true(peek64(ADDR) == 5);
    program(ADDR + 40, 6);
    assert_int_equal(errors(), SR_OPERR);
    assert_true(peek64(ADDR + 40) == UINT64_MAX);
    erase(PAGE + 1);
    program(ADDR + 48, 6);
    assert_int_equal(errors(), 0);
    assert_true(peek64(ADDR + 48) == 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_low, setup, rig_off),
        cmocka_unit_test_setup_teardown(test_high, setup, rig_off),
        cmocka_unit_test_setup_teardown(test_fails, setup, rig_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
