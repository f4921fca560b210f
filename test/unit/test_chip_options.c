/* Option bytes, read protection, boot selection and the empty check, engineering bytes. */
#include <string.h>

#include "chip_regs.h"

#define SR     FLASH(0x10)
#define CR     FLASH(0x14)
#define OPTR   FLASH(0x20)
#define MEMRMP SYSCFG(0x00)
#define PAGE   20
#define ADDR   (FLASH_BASE + PAGE * FLASH_PAGE)

static void launch(void)
{
    wr(CR, CR_OBL_LAUNCH);
    rig_settle();
}

static void test_options(void **state)
{
    (void)state;
    assert_int_equal(rd(OPTR), 0xFFEFF8AA);
    assert_int_equal(rd(0x1FFF7800), 0xFFEFF8AA);
    assert_int_equal(rd(0x1FFF7804), ~0xFFEFF8AAU);
    wr(OPTR, 0); /* locked */
    assert_int_equal(rd(OPTR), 0xFFEFF8AA);
    flash_unlock();
    wr(CR, CR_OPTSTRT); /* the option lock is another one */
    assert_int_equal(rd(CR), CR_OPTLOCK);
    wr(CR, CR_LOCK);
    options_unlock();
    wr(OPTR, 0xFFEFF8AA & ~(1U << 12));
    wr(FLASH(0x2C), 0x00050004);
    assert_int_equal(rd(OPTR), 0xFFEFE8AA);
    wr(FLASH(0x28), 1U << 31);
    wr(FLASH(0x28), 0); /* PCROP_RDP can only be set */
    assert_int_equal(rd(FLASH(0x28)) >> 31, 1);
    /* A reset before OPTSTRT: only the register was changed. */
    chip_request_reset(rig, RESET_SOFT);
    rig_settle();
    assert_int_equal(rd(OPTR), 0xFFEFF8AA);
    options_unlock();
    wr(OPTR, 0xFFFFE8AA); /* bit 20, reserved, is stored as any other */
    wr(FLASH(0x2C), 0x00050004);
    ps_t start = chip_now(rig);
    wr(CR, CR_OPTSTRT);
    assert_true(rd(SR) & SR_BSY);
    flash_idle();
    assert_true(chip_now(rig) - start > 22 * PS_PER_MS);
    assert_int_equal(told_count("option"), 1);
    assert_int_equal(told_last("option")->a, 0x1FFF7800);
    assert_int_equal(rd(CR) & CR_OPTSTRT, 0);
    assert_int_equal(rd(0x1FFF7800), 0xFFFFE8AA);
    assert_int_equal(flash_loaded_optr(rig), 0xFFEFF8AA); /* in force only after a load */
    wr(CR, CR_PER | 4 << 3 | CR_STRT);
    assert_true(rd(SR) & SR_BSY); /* page 4 is not protected yet */
    flash_idle();
    told.n = 0;
    launch();
    assert_int_equal(told_count("reset"), 1);
    assert_int_equal(told.events[0].a, RESET_OBL);
    assert_true(rd(RCC(0x94)) & 1U << 25);
    assert_int_equal(rd(OPTR), 0xFFFFE8AA);
    flash_unlock();
    wr(CR, CR_PER | 4 << 3 | CR_STRT);
    assert_int_equal(rd(SR) & (SR_BSY | SR_WRPERR), SR_WRPERR);
    /* And after the power was away. */
    chip_power_off(rig, false);
    rig_power();
    assert_int_equal(rd(OPTR), 0xFFFFE8AA);
}

static void test_optverr(void **state)
{
    (void)state;
    chip_power_off(rig, false);
    chip_nvm(rig)->option[1] ^= 4;
    rig_power();
    assert_int_equal(rd(SR) & SR_OPTVERR, SR_OPTVERR);
    assert_int_equal(rd(OPTR), 0xFFFFF8FF); /* RDP level 1, BOR 0 */
    assert_int_equal(flash_rdp(rd(OPTR)), 1);
    wr(SR, SR_OPTVERR);
    assert_int_equal(rd(SR) & SR_OPTVERR, 0);
}

static void change_optr(uint32_t optr)
{
    options_unlock();
    wr(OPTR, optr);
    wr(CR, CR_OPTSTRT);
    flash_idle();
    wr(CR, CR_OBL_LAUNCH);
}

static void test_rdp(void **state)
{
    (void)state;
    poke64(ADDR, 42);
    change_optr(0xFFEFF8BB);
    rig_settle();
    assert_int_equal(rd(ADDR), 42); /* started from flash: no difference */
    /* Started from SRAM: nothing of the flash can be reached. */
    chip_poke(rig, 0x20000000, (const uint32_t[]){0x20001000, 0x20000009, 0xE7FEE7FE}, 12);
    change_optr(0xFBEFF8BB & ~(1U << 27 | 1U << 23));
    rig_settle();
    assert_int_equal(rig->boot_mode, 3);
    uint32_t v;
    assert_false(chip_cpu_env.read(rig, ADDR, 4, true, &v));
    assert_false(chip_bus_read(rig, ADDR, 4, &v));
    assert_false(chip_cpu_env.fetch(rig, ADDR));
    flash_unlock();
    wr(CR, CR_PER | PAGE << 3 | CR_STRT);
    assert_int_equal(rd(SR) & (SR_BSY | SR_WRPERR), SR_WRPERR);
    wr(SR, SR_WRPERR);
    wr(CR, CR_LOCK);
    /* Back to level 0 wipes everything. */
    change_optr(0xFFEFF8AA);
    while (rig->reset_pending || rig->mode == MODE_RESET)
        chip_run(rig, chip_now(rig) + PS_PER_US);
    uint64_t w;
    assert_true(chip_peek(rig, ADDR, &w, 8));
    assert_true(w == UINT64_MAX);
    assert_true(chip_peek(rig, FLASH_BASE, &w, 8));
    assert_true(w == UINT64_MAX);
}

/* An area that is protected from reading stays, if it asks to (RM0394 "PCROP_RDP"), and of the RTC all but
 * the backup registers. */
static void test_rdp_pcrop(void **state)
{
    const uint64_t secret = 42;

    (void)state;
    for (uint32_t pcrop_rdp = 0; pcrop_rdp < 2; pcrop_rdp++) {
        const uint32_t area = (ADDR - FLASH_BASE) / 8;
        const uint32_t o[3] = {0xFFEFF8BB, 0xFFFF0000 | area, pcrop_rdp << 31 | 0x7FFF0000 | (area + 3)};
        chip_power_off(rig, false);
        for (unsigned i = 0; i < 3; i++) {
            chip_nvm(rig)->option[2 * i] = o[i];
            chip_nvm(rig)->option[2 * i + 1] = ~o[i];
        }
        rig_power();
        for (unsigned page = 0; page < 2; page++)
            chip_poke(rig, ADDR + page * FLASH_PAGE, &secret, 8);
        set_bits(RCC(0x58), 1U << 28);
        set_bits(PWR(0x00), 1U << 8); /* DBP */
        wr(0x40002824, 0xCA);
        wr(0x40002824, 0x53);
        wr(0x4000281C, 0x12345678); /* RTC_ALRMAR */
        wr(0x40002850, 0x12345678); /* RTC_BKP0R */
        change_optr(0xFFEFF8AA);
        while (rig->reset_pending || rig->mode == MODE_RESET)
            chip_run(rig, chip_now(rig) + PS_PER_US);
        assert_int_equal(peek64(ADDR), pcrop_rdp ? UINT64_MAX : secret);
        assert_int_equal(peek64(ADDR + FLASH_PAGE), UINT64_MAX);
        assert_int_equal(rd(0x40002850), 0);
        assert_int_equal(rd(0x4000281C), 0x12345678);
    }
}

static void test_rdp2(void **state)
{
    (void)state;
    change_optr(0xFFEFF8CC &
                ~(1U << 26 | 1U << 27)); /* BOOT0 = 1 by option: ROM, if it were not for level 2 */
    rig_settle();
    assert_int_equal(rig->boot_mode, 0);
    options_unlock();
    wr(OPTR, 0xFFEFF8AA);
    wr(CR, CR_OPTSTRT);
    assert_int_equal(rd(SR) & (SR_BSY | SR_WRPERR), SR_WRPERR);
}

/* ---- boot ---- */

static void put_options(uint32_t optr)
{
    chip_nvm(rig)->option[0] = optr;
    chip_nvm(rig)->option[1] = ~optr;
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
        chip_power_off(rig, false);
        put_options((0xFFEFF8AA & ~(1U << 26 | 1U << 27 | 1U << 23)) | (uint32_t)rows[i].nswboot0 << 26 |
                    (uint32_t)rows[i].nboot0 << 27 | (uint32_t)rows[i].nboot1 << 23);
        gpio_drive(rig, 7, 3, rows[i].pin ? 1 : -1);
        uint32_t sp = rows[i].empty ? 0xFFFFFFFF : 0x20001000;
        chip_poke(rig, FLASH_BASE, &sp, 4);
        rig_power();
        assert_int_equal(rig->boot_mode, rows[i].mode);
        set_bits(RCC(0x60), 1);
        bool diverted = rows[i].nswboot0 && !rows[i].pin && rows[i].empty;
        assert_int_equal(rd(MEMRMP), diverted ? 0 : rows[i].mode);
        if (rows[i].mode == 0)
            assert_int_equal(rd(0), sp);
        if (rows[i].mode == 1)
            assert_int_equal(rd(0), 0xFFFFFFFF);
    }
    /* The alias can be switched. */
    wr(0x20000000, 0x12345678);
    wr(MEMRMP, 3);
    assert_int_equal(rd(0), 0x12345678);
    wr(4, 0x9ABCDEF0);
    assert_int_equal(rd(0x20000004), 0x9ABCDEF0);
    wr(MEMRMP, 1);
    assert_int_equal(rd(0), 0xFFFFFFFF);
}

static void test_pempty(void **state)
{
    (void)state;
    uint64_t vectors;
    chip_peek(rig, FLASH_BASE, &vectors, 8);
    assert_int_equal(rd(SR) & SR_PEMPTY, 0);
    flash_unlock();
    flash_erase_page(0); /* in place: not looked at again by a plain reset */
    chip_request_reset(rig, RESET_SOFT);
    rig_settle();
    assert_int_equal(rd(SR) & SR_PEMPTY, 0);
    assert_int_equal(rig->boot_mode, 0);
    chip_power_off(rig, false);
    rig_power();
    assert_int_equal(rd(SR) & SR_PEMPTY, SR_PEMPTY);
    assert_int_equal(rig->boot_mode, 1);
    options_unlock();
    flash_write64(FLASH_BASE, vectors); /* programmed, and still "empty" until … */
    chip_request_reset(rig, RESET_PIN);
    rig_settle();
    assert_int_equal(rd(SR) & SR_PEMPTY, SR_PEMPTY);
    assert_int_equal(rig->boot_mode, 1);
    options_unlock();
    launch(); /* … the options are loaded */
    assert_int_equal(rd(SR) & SR_PEMPTY, 0);
    assert_int_equal(rig->boot_mode, 0);
    /* Software can toggle the bit: writing SR back to itself flips it. */
    wr(SR, SR_PEMPTY);
    assert_int_equal(rd(SR) & SR_PEMPTY, SR_PEMPTY);
    wr(SR, 0xC3FB);
    assert_int_equal(rd(SR) & SR_PEMPTY, SR_PEMPTY);
    wr(SR, rd(SR));
    assert_int_equal(rd(SR) & SR_PEMPTY, 0);
}

static void test_engineering(void **state)
{
    (void)state;
    assert_int_equal(rd(0x1FFF75E0) & 0xFFFF, 0x100);
    assert_int_equal(rd(0x1FFF7500) & 0x1F, 0);
    for (uint32_t addr = 0x1FFF7400; addr < 0x1FFF7800; addr += 4)
        (void)rd(addr);                           /* no bus error anywhere */
    assert_int_equal(rd(0x1FFF0000), 0xFFFFFFFF); /* no ROM loaded */
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_on_awake, rig_off)
    const struct CMUnitTest tests[] = {
        TEST(test_options), TEST(test_optverr),        TEST(test_rdp),    TEST(test_rdp_pcrop),
        TEST(test_rdp2),    TEST(test_boot_selection), TEST(test_pempty), TEST(test_engineering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
