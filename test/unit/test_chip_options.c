/* Option bytes, read protection, boot selection and the empty check, engineering bytes. */
#include <string.h>

#include "one_chip.h"

#define SR     FLASH(0x10)
#define CR     FLASH(0x14)
#define OPTR   FLASH(0x20)
#define MEMRMP SYSCFG(0x00)
#define PAGE   20
#define ADDR   (FLASH_BASE + PAGE * FLASH_PAGE)

static void launch(void)
{
    wr(&t, CR, CR_OBL_LAUNCH);
    chiptest_settle(&t);
}

static void test_options(void **state)
{
    (void)state;
    assert_int_equal(rd(&t, OPTR), 0xFFEFF8AA);
    assert_int_equal(rd(&t, 0x1FFF7800), 0xFFEFF8AA);
    assert_int_equal(rd(&t, 0x1FFF7804), ~0xFFEFF8AAU);
    wr(&t, OPTR, 0); /* locked */
    assert_int_equal(rd(&t, OPTR), 0xFFEFF8AA);
    flash_unlock(&t, true);
    wr(&t, OPTR, 0xFFEFF8AA & ~(1U << 12));
    wr(&t, FLASH(0x2C), 0x00050004);
    assert_int_equal(rd(&t, OPTR), 0xFFEFE8AA);
    wr(&t, FLASH(0x28), 1U << 31);
    wr(&t, FLASH(0x28), 0); /* PCROP_RDP can only be set */
    assert_int_equal(rd(&t, FLASH(0x28)) >> 31, 1);
    /* A reset before OPTSTRT: only the register was changed. */
    chip_request_reset(t.c, RESET_SOFT);
    chiptest_settle(&t);
    assert_int_equal(rd(&t, OPTR), 0xFFEFF8AA);
    flash_unlock(&t, true);
    wr(&t, OPTR, 0xFFFFE8AA); /* bit 20, reserved, is stored as any other */
    wr(&t, FLASH(0x2C), 0x00050004);
    ps_t start = chip_now(t.c);
    wr(&t, CR, CR_OPTSTRT);
    assert_true(rd(&t, SR) & SR_BSY);
    flash_idle(&t);
    assert_true(chip_now(t.c) - start > 22 * PS_PER_MS);
    assert_int_equal(chiptest_count(&t, "option"), 1);
    assert_int_equal(rd(&t, CR) & CR_OPTSTRT, 0);
    assert_int_equal(rd(&t, 0x1FFF7800), 0xFFFFE8AA);
    assert_int_equal(flash_loaded_optr(t.c), 0xFFEFF8AA); /* in force only after a load */
    wr(&t, CR, CR_PER | 4 << 3 | CR_STRT);
    assert_true(rd(&t, SR) & SR_BSY); /* page 4 is not protected yet */
    flash_idle(&t);
    t.n = 0;
    launch();
    assert_int_equal(chiptest_count(&t, "reset"), 1);
    assert_int_equal(t.told[0].a, RESET_OBL);
    assert_true(rd(&t, RCC(0x94)) & 1U << 25);
    assert_int_equal(rd(&t, OPTR), 0xFFFFE8AA);
    flash_unlock(&t, false);
    wr(&t, CR, CR_PER | 4 << 3 | CR_STRT);
    assert_int_equal(rd(&t, SR) & (SR_BSY | SR_WRPERR), SR_WRPERR);
    /* And after the power was away. */
    chip_power_off(t.c, false);
    chiptest_power(&t);
    assert_int_equal(rd(&t, OPTR), 0xFFFFE8AA);
}

static void test_optverr(void **state)
{
    (void)state;
    chip_power_off(t.c, false);
    chip_nvm(t.c)->option[1] ^= 4;
    chiptest_power(&t);
    assert_int_equal(rd(&t, SR) & SR_OPTVERR, SR_OPTVERR);
    assert_int_equal(rd(&t, OPTR), 0xFFFFF8FF); /* RDP level 1, BOR 0 */
    assert_int_equal(flash_rdp(rd(&t, OPTR)), 1);
    wr(&t, SR, SR_OPTVERR);
    assert_int_equal(rd(&t, SR) & SR_OPTVERR, 0);
}

static void change_optr(uint32_t optr)
{
    flash_unlock(&t, true);
    wr(&t, OPTR, optr);
    wr(&t, CR, CR_OPTSTRT);
    flash_idle(&t);
    wr(&t, CR, CR_OBL_LAUNCH);
}

static void test_rdp(void **state)
{
    (void)state;
    poke64(&t, ADDR, 42);
    change_optr(0xFFEFF8BB);
    chiptest_settle(&t);
    assert_int_equal(rd(&t, ADDR), 42); /* started from flash: no difference */
    /* Started from SRAM: nothing of the flash can be reached. */
    chip_poke(t.c, 0x20000000, (const uint32_t[]){0x20001000, 0x20000009, 0xE7FEE7FE}, 12);
    change_optr(0xFBEFF8BB & ~(1U << 27 | 1U << 23));
    chiptest_settle(&t);
    assert_int_equal(t.c->boot_mode, 3);
    uint32_t v;
    assert_false(chip_cpu_env.read(t.c, ADDR, 4, true, &v));
    assert_false(chip_bus_read(t.c, ADDR, 4, &v));
    assert_false(chip_cpu_env.fetch(t.c, ADDR));
    flash_unlock(&t, false);
    wr(&t, CR, CR_PER | PAGE << 3 | CR_STRT);
    assert_int_equal(rd(&t, SR) & (SR_BSY | SR_WRPERR), SR_WRPERR);
    wr(&t, SR, SR_WRPERR);
    wr(&t, CR, CR_LOCK);
    /* Back to level 0 wipes everything. */
    change_optr(0xFFEFF8AA);
    while (t.c->reset_pending || t.c->mode == MODE_RESET)
        chip_run(t.c, chip_now(t.c) + PS_PER_US);
    uint64_t w;
    assert_true(chip_peek(t.c, ADDR, &w, 8));
    assert_true(w == UINT64_MAX);
    assert_true(chip_peek(t.c, FLASH_BASE, &w, 8));
    assert_true(w == UINT64_MAX);
}

static void test_rdp2(void **state)
{
    (void)state;
    change_optr(0xFFEFF8CC &
                ~(1U << 26 | 1U << 27)); /* BOOT0 = 1 by option: ROM, if it were not for level 2 */
    chiptest_settle(&t);
    assert_int_equal(t.c->boot_mode, 0);
    flash_unlock(&t, true);
    wr(&t, OPTR, 0xFFEFF8AA);
    wr(&t, CR, CR_OPTSTRT);
    assert_int_equal(rd(&t, SR) & (SR_BSY | SR_WRPERR), SR_WRPERR);
}

/* ---- boot ---- */

static void put_options(uint32_t optr)
{
    chip_nvm(t.c)->option[0] = optr;
    chip_nvm(t.c)->option[1] = ~optr;
}

static void test_boot_selection(void **state)
{
    (void)state;
    /* nSWBOOT0 26, nBOOT0 27, nBOOT1 23 */
    const struct {
        bool nswboot0, pin, nboot0, nboot1, empty;
        uint8_t mode;
    } rows[] = {
        {1, 0, 1, 1, 0, 0}, {1, 0, 0, 0, 0, 0}, {1, 0, 1, 1, 1, 1}, {1, 0, 1, 0, 1, 1}, {1, 1, 1, 1, 0, 1},
        {1, 1, 0, 1, 0, 1}, {1, 1, 1, 1, 1, 1}, {1, 1, 1, 0, 0, 3}, {0, 0, 1, 1, 0, 0}, {0, 1, 1, 0, 0, 0},
        {0, 0, 1, 1, 1, 0}, {0, 0, 0, 1, 0, 1}, {0, 1, 0, 1, 1, 1}, {0, 0, 0, 0, 0, 3}, {0, 1, 0, 0, 0, 3},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        chip_power_off(t.c, false);
        put_options((0xFFEFF8AA & ~(1U << 26 | 1U << 27 | 1U << 23)) | (uint32_t)rows[i].nswboot0 << 26 |
                    (uint32_t)rows[i].nboot0 << 27 | (uint32_t)rows[i].nboot1 << 23);
        gpio_drive(t.c, 7, 3, rows[i].pin ? 1 : -1);
        uint32_t sp = rows[i].empty ? 0xFFFFFFFF : 0x20001000;
        chip_poke(t.c, FLASH_BASE, &sp, 4);
        chiptest_power(&t);
        assert_int_equal(t.c->boot_mode, rows[i].mode);
        set(&t, RCC(0x60), 1);
        bool diverted = rows[i].nswboot0 && !rows[i].pin && rows[i].empty;
        assert_int_equal(rd(&t, MEMRMP), diverted ? 0 : rows[i].mode);
        if (rows[i].mode == 0)
            assert_int_equal(rd(&t, 0), sp);
        if (rows[i].mode == 1)
            assert_int_equal(rd(&t, 0), 0xFFFFFFFF);
    }
    /* The alias can be switched. */
    wr(&t, 0x20000000, 0x12345678);
    wr(&t, MEMRMP, 3);
    assert_int_equal(rd(&t, 0), 0x12345678);
    wr(&t, 4, 0x9ABCDEF0);
    assert_int_equal(rd(&t, 0x20000004), 0x9ABCDEF0);
    wr(&t, MEMRMP, 1);
    assert_int_equal(rd(&t, 0), 0xFFFFFFFF);
}

static void test_pempty(void **state)
{
    (void)state;
    uint64_t vectors;
    chip_peek(t.c, FLASH_BASE, &vectors, 8);
    assert_int_equal(rd(&t, SR) & SR_PEMPTY, 0);
    flash_unlock(&t, false);
    flash_erase_page(&t, 0); /* in place: not looked at again by a plain reset */
    chip_request_reset(t.c, RESET_SOFT);
    chiptest_settle(&t);
    assert_int_equal(rd(&t, SR) & SR_PEMPTY, 0);
    assert_int_equal(t.c->boot_mode, 0);
    chip_power_off(t.c, false);
    chiptest_power(&t);
    assert_int_equal(rd(&t, SR) & SR_PEMPTY, SR_PEMPTY);
    assert_int_equal(t.c->boot_mode, 1);
    flash_unlock(&t, true);
    flash_write64(&t, FLASH_BASE, vectors); /* programmed, and still "empty" until … */
    chip_request_reset(t.c, RESET_PIN);
    chiptest_settle(&t);
    assert_int_equal(rd(&t, SR) & SR_PEMPTY, SR_PEMPTY);
    assert_int_equal(t.c->boot_mode, 1);
    flash_unlock(&t, true);
    launch(); /* … the options are loaded */
    assert_int_equal(rd(&t, SR) & SR_PEMPTY, 0);
    assert_int_equal(t.c->boot_mode, 0);
    /* Software can toggle the bit: writing SR back to itself flips it. */
    wr(&t, SR, SR_PEMPTY);
    assert_int_equal(rd(&t, SR) & SR_PEMPTY, SR_PEMPTY);
    wr(&t, SR, 0xC3FB);
    assert_int_equal(rd(&t, SR) & SR_PEMPTY, SR_PEMPTY);
    wr(&t, SR, rd(&t, SR));
    assert_int_equal(rd(&t, SR) & SR_PEMPTY, 0);
}

static void test_engineering(void **state)
{
    (void)state;
    assert_int_equal(rd(&t, 0x1FFF75E0) & 0xFFFF, 0x100);
    assert_int_equal(rd(&t, 0x1FFF7500) & 0x1F, 0);
    for (uint32_t addr = 0x1FFF7400; addr < 0x1FFF7800; addr += 4)
        (void)rd(&t, addr);                           /* no bus error anywhere */
    assert_int_equal(rd(&t, 0x1FFF0000), 0xFFFFFFFF); /* no ROM loaded */
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, chip_on, chip_off)
    const struct CMUnitTest tests[] = {
        TEST(test_options),        TEST(test_optverr), TEST(test_rdp),         TEST(test_rdp2),
        TEST(test_boot_selection), TEST(test_pempty),  TEST(test_engineering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
