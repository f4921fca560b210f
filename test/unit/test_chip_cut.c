/* Power cuts, loss of power and resets in the middle of flash operations. */
#include <string.h>

#include "one_chip.h"

#define SR   FLASH(0x10)
#define CR   FLASH(0x14)
#define ECCR FLASH(0x18)
#define OPTR FLASH(0x20)
#define PAGE 20
#define ADDR (FLASH_BASE + PAGE * FLASH_PAGE)
#define ECCC (1U << 30)
#define ECCD (1U << 31)

static void cut_at_next(int model)
{
    t.cut_at = t.c->flash.ops + 1;
    t.cut_model = model;
}

static void test_cut_program(void **state)
{
    (void)state;
    const uint64_t data = 0x0123456789ABCDEF;
    unsigned torn_bad = 0, torn = 0;
    for (unsigned i = 0; i < 60; i++) {
        flash_unlock(&t, false);
        flash_erase_page(&t, PAGE);
        t.n = 0;
        int model = (int[]){CHIP_CUT_BEFORE, CHIP_CUT_AFTER, CHIP_CUT_TORN}[i % 3];
        cut_at_next(model);
        flash_write64(&t, ADDR, data);
        assert_int_equal(t.c->mode, MODE_OFF);
        assert_int_equal(chiptest_count(&t, "power lost"), 1);
        assert_int_equal(chip_run(t.c, chip_now(t.c) + PS_PER_MS), CHIP_TIME); /* time goes on */
        t.cut_at = 0;
        chiptest_power(&t);
        uint32_t low = rd(&t, ADDR), eccr = rd(&t, ECCR);
        uint64_t v = (uint64_t)rd(&t, ADDR + 4) << 32 | low;
        if (model == CHIP_CUT_BEFORE)
            assert_true(v == UINT64_MAX && eccr == 0);
        if (model == CHIP_CUT_AFTER)
            assert_true(v == data && eccr == 0);
        if (model == CHIP_CUT_TORN) {
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
            poke64(&t, ADDR + off, 0x0F1E2D3C4B5A6978U * (off + 1));
        flash_unlock(&t, false);
        cut_at_next(i % 2 ? CHIP_CUT_TORN : CHIP_CUT_HALF);
        ps_t start = chip_now(t.c);
        flash_erase_page(&t, PAGE);
        assert_int_equal(t.c->mode, MODE_OFF);
        assert_true(chip_now(t.c) - start < 22 * PS_PER_MS);
        t.cut_at = 0;
        chiptest_power(&t);
        wr(&t, FLASH(0x00), 0);
        for (uint32_t off = 0; off < FLASH_PAGE; off += 8) {
            uint32_t low = rd(&t, ADDR + off);
            uint64_t v = (uint64_t)rd(&t, ADDR + off + 4) << 32 | low;
            blank += v == UINT64_MAX;
            old += v == 0x0F1E2D3C4B5A6978U * (off + 1);
            bad += (rd(&t, ECCR) & ECCD) != 0;
            corrected += (rd(&t, ECCR) & ECCC) != 0;
            wr(&t, ECCR, ECCC | ECCD);
        }
        flash_unlock(&t, false);
        flash_erase_page(&t, PAGE); /* heals */
        for (uint32_t off = 0; off < FLASH_PAGE; off += 8)
            assert_true(flash_cells_blank(t.c, ADDR - FLASH_BASE + off));
        wr(&t, CR, CR_LOCK);
    }
    /* All ways in which an erase can end occur. */
    assert_true(blank > 100 && old > 100 && bad > 100 && corrected > 100);
}

static void test_cut_option(void **state)
{
    (void)state;
    unsigned mismatch = 0;
    for (unsigned i = 0; i < 12; i++) {
        chip_power_off(t.c, false);
        flash_factory_options(t.c);
        chiptest_power(&t);
        flash_unlock(&t, true);
        wr(&t, OPTR, 0xFFEFE8AA);
        cut_at_next(CHIP_CUT_TORN);
        wr(&t, CR, CR_OPTSTRT);
        flash_idle(&t);
        assert_int_equal(t.c->mode, MODE_OFF);
        t.cut_at = 0;
        chiptest_power(&t);
        mismatch += (rd(&t, SR) & SR_OPTVERR) != 0;
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
        flash_unlock(&t, false);
        flash_erase_page(&t, PAGE);
        wr(&t, CR, CR_PG);
        wr(&t, ADDR, (uint32_t)data);
        wr(&t, ADDR + 4, (uint32_t)(data >> 32));
        run_us(&t, i * 3 / 2); /* of 82 */
        if (i % 2) {
            chip_request_reset(t.c, RESET_PIN);
            chiptest_settle(&t);
        } else {
            chip_power_off(t.c, false);
            chiptest_power(&t);
        }
        assert_int_equal(rd(&t, SR) & SR_BSY, 0);
        uint64_t v = peek64(&t, ADDR);
        whole += v == data;
        blank += v == UINT64_MAX;
        between += v != data && v != UINT64_MAX;
    }
    assert_true(blank >= 1 && whole >= 3 && between > 40);
    /* The first word of a pair is forgotten by a reset. */
    flash_unlock(&t, false);
    flash_erase_page(&t, PAGE);
    wr(&t, CR, CR_PG);
    wr(&t, ADDR, 0);
    chip_request_reset(t.c, RESET_SOFT);
    chiptest_settle(&t);
    flash_unlock(&t, false);
    wr(&t, CR, CR_PG);
    wr(&t, ADDR + 4, 0);
    assert_int_equal(rd(&t, SR), SR_PGAERR);
    assert_true(peek64(&t, ADDR) == UINT64_MAX);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, chip_on, chip_off)
    const struct CMUnitTest tests[] = {
        TEST(test_cut_program),
        TEST(test_cut_erase),
        TEST(test_cut_option),
        TEST(test_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
