/* Power cuts, loss of power and resets in the middle of flash operations. */
#include <string.h>

#include "chip_regs.h"

#define SR   FLASH(0x10)
#define CR   FLASH(0x14)
#define ECCR FLASH(0x18)
#define OPTR FLASH(0x20)
#define PAGE 20
#define ADDR (FLASH_BASE + PAGE * FLASH_PAGE)
#define ECCC (1U << 30)
#define ECCD (1U << 31)

static void cut_at_next(enum chip_cut how)
{
    rig_cut(rig->flash.ops + 1, how);
}

static void test_cut_program(void **state)
{
    (void)state;
    const uint64_t data = 0x0123456789ABCDEF;
    unsigned torn_bad = 0, torn = 0;
    for (unsigned i = 0; i < 60; i++) {
        flash_unlock();
        flash_erase_page(PAGE);
        told.n = 0;
        enum chip_cut how = (enum chip_cut[]){CHIP_CUT_BEFORE, CHIP_CUT_AFTER, CHIP_CUT_TORN}[i % 3];
        cut_at_next(how);
        flash_write64(ADDR, data);
        assert_int_equal(rig->mode, MODE_OFF);
        assert_int_equal(told_count("power lost"), 1);
        assert_int_equal(chip_run(rig, chip_now(rig) + PS_PER_MS), CHIP_TIME); /* time goes on */
        rig_cut(0, CHIP_CUT_NONE);
        rig_power();
        uint32_t low = rd(ADDR), eccr = rd(ECCR);
        uint64_t v = (uint64_t)rd(ADDR + 4) << 32 | low;
        if (how == CHIP_CUT_BEFORE)
            assert_true(v == UINT64_MAX && eccr == 0);
        if (how == CHIP_CUT_AFTER)
            assert_true(v == data && eccr == 0);
        if (how == CHIP_CUT_TORN) {
            torn++;
            torn_bad += (eccr & ECCD) != 0;
        }
    }
    assert_int_equal(torn, 20);
    assert_true(torn_bad > 5 && torn_bad < 20); /* mostly bad, not always noticed */
}

static void test_cut_erase(void **state)
{
    (void)state;
    unsigned blank = 0, old = 0, bad = 0, corrected = 0;
    for (unsigned i = 0; i < 24; i++) {
        for (uint32_t off = 0; off < FLASH_PAGE; off += 8)
            poke64(ADDR + off, 0x0F1E2D3C4B5A6978U * (off + 1));
        flash_unlock();
        cut_at_next(i % 2 ? CHIP_CUT_TORN : CHIP_CUT_HALF);
        ps_t start = chip_now(rig);
        flash_erase_page(PAGE);
        assert_int_equal(rig->mode, MODE_OFF);
        assert_true(chip_now(rig) - start < 22 * PS_PER_MS);
        rig_cut(0, CHIP_CUT_NONE);
        rig_power();
        wr(FLASH(0x00), 0);
        for (uint32_t off = 0; off < FLASH_PAGE; off += 8) {
            uint32_t low = rd(ADDR + off);
            uint64_t v = (uint64_t)rd(ADDR + off + 4) << 32 | low;
            blank += v == UINT64_MAX;
            old += v == 0x0F1E2D3C4B5A6978U * (off + 1);
            bad += (rd(ECCR) & ECCD) != 0;
            corrected += (rd(ECCR) & ECCC) != 0;
            wr(ECCR, ECCC | ECCD);
        }
        flash_unlock();
        flash_erase_page(PAGE); /* heals */
        for (uint32_t off = 0; off < FLASH_PAGE; off += 8)
            assert_true(flash_cells_blank(rig, ADDR - FLASH_BASE + off));
        wr(CR, CR_LOCK);
    }
    /* All ways in which an erase can end occur. */
    assert_true(blank > 100 && old > 100 && bad > 100 && corrected > 100);
}

static void test_cut_option(void **state)
{
    (void)state;
    unsigned mismatch = 0;
    for (unsigned i = 0; i < 12; i++) {
        chip_power_off(rig, false);
        flash_factory_options(rig);
        rig_power();
        options_unlock();
        wr(OPTR, 0xFFEFE8AA);
        cut_at_next(CHIP_CUT_TORN);
        wr(CR, CR_OPTSTRT);
        flash_idle();
        assert_int_equal(rig->mode, MODE_OFF);
        rig_cut(0, CHIP_CUT_NONE);
        rig_power();
        mismatch += (rd(SR) & SR_OPTVERR) != 0;
    }
    assert_true(mismatch > 4);
}

/* A reset or the loss of power in the middle of an operation does the same as a cut. */
static void test_interrupted(void **state)
{
    (void)state;
    const uint64_t data = 0x0123456789ABCDEF;
    unsigned whole = 0, blank = 0, between = 0;
    for (unsigned i = 0; i < 60; i++) {
        flash_unlock();
        flash_erase_page(PAGE);
        wr(CR, CR_PG);
        wr(ADDR, (uint32_t)data);
        wr(ADDR + 4, (uint32_t)(data >> 32));
        run_us(i * 3 / 2); /* of 82 */
        if (i % 2) {
            chip_request_reset(rig, RESET_PIN);
            rig_settle();
        } else {
            chip_power_off(rig, false);
            rig_power();
        }
        assert_int_equal(rd(SR) & SR_BSY, 0);
        uint64_t v = peek64(ADDR);
        whole += v == data;
        blank += v == UINT64_MAX;
        between += v != data && v != UINT64_MAX;
    }
    assert_true(blank >= 1 && whole >= 3 && between > 40);
    /* The first word of a pair is forgotten by a reset. */
    flash_unlock();
    flash_erase_page(PAGE);
    wr(CR, CR_PG);
    wr(ADDR, 0);
    chip_request_reset(rig, RESET_SOFT);
    rig_settle();
    flash_unlock();
    wr(CR, CR_PG);
    wr(ADDR + 4, 0);
    assert_int_equal(rd(SR), SR_PGAERR);
    assert_true(peek64(ADDR) == UINT64_MAX);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_on_awake, rig_off)
    const struct CMUnitTest tests[] = {
        TEST(test_cut_program),
        TEST(test_cut_erase),
        TEST(test_cut_option),
        TEST(test_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
