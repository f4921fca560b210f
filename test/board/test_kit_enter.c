/* sureboot_enter_dfu() and sureboot_enter_rom() from every context in which an application can be, with
 * and without a bootloader in flash. */
#include "kitbench.h"

/* ---- DFU --------------------------------------------------------------------------------- */

static void dfu_from_everywhere(void **state)
{
    (void)state;
    for (uint32_t where = MAIN; where < WHERES; where++) {
        struct kit *k = kit_start(BOOT, KIT, true, true);
        assert_int_equal(k->bench.handoffs, 1);
        kit_order(k, DFU, where);
        kit_expect_dfu(k, wheres[where]);
        if (k->faults || k->bench.handoffs != 1 || k->bench.resets != 2)
            fail_msg("%s: %u faults, %u starts, %u resets", wheres[where], k->faults, k->bench.handoffs,
                     k->bench.resets);
        /* Nothing but the window watchdog is there for unprivileged code. */
        assert_string_equal(k->cause, where == UNPRIVILEGED ? "wwdg" : "soft");
        assert_int_equal(vboard_peek32(k->bench.board, BKP5R), 0);
        bench_run(&k->bench, 400 * MS); /* and no watchdog bites there */
        assert_int_equal(k->bench.resets, 2);
        vboard_nrst(k->bench.board, MS);
        bench_run(&k->bench, 50 * MS);
        assert_int_equal(k->bench.handoffs, 2);
        kit_end(k);
    }
}

/* ---- ROM --------------------------------------------------------------------------------- */

/* A stub in place of the ROM: vectors and an endless loop. */
static const uint8_t rom[] = {0x00, 0x10, 0x00, 0x20, 0x09, 0x00, 0xFF, 0x1F, 0xFE, 0xE7};

static bool in_rom(void *arg)
{
    return vboard_reg(((struct kit *)arg)->bench.board, 15) >> 16 == 0x1FFF;
}

/* The ROM has been entered, and on a chip as after reset. */
static void expect_rom(struct kit *k, const char *when)
{
    struct vboard *b = k->bench.board;
    static const struct {
        uint32_t addr, value;
    } as_reset[] = {
        {0x40021000, 0x63},  {0x40021008, 0}, {0x4002100C, 0x1000}, {0x40021048, 0x100},      {0x4002104C, 0},
        {0x40021058, 0x400}, {0x40021060, 0}, {0x40022000, 0x600},  {0x48000000, 0xABFFFFFF}, {0xE000E010, 0},
        {0xE000E100, 0},     {0xE000E104, 0}, {0xE000E108, 0},      {0xE000E200, 0},          {0xE000E204, 0},
        {0xE000E208, 0},     {0xE000ED88, 0}, {0x40020008, 0},      {0x40006858, 0},          {BKP5R, 0},
    };
    if (vboard_run(b, 500 * MS, in_rom, k) != VB_CONDITION)
        fail_msg("%s: did not come to the ROM, PC 0x%08x", when, vboard_reg(b, 15));
    for (size_t i = 0; i < sizeof as_reset / sizeof *as_reset; i++)
        if (vboard_peek32(b, as_reset[i].addr) != as_reset[i].value)
            fail_msg("%s: 0x%08x is 0x%08x, not 0x%08x", when, as_reset[i].addr,
                     vboard_peek32(b, as_reset[i].addr), as_reset[i].value);
    assert_int_equal(vboard_peek32(b, 0), 0x20001000); /* system memory is at 0 */
    assert_int_equal(vboard_reg(b, 17), 0x20001000);   /* MSP */
    assert_int_equal(vboard_reg(b, 19), 0);            /* PRIMASK */
    assert_int_equal(vboard_reg(b, 20), 0);            /* BASEPRI */
    assert_int_equal(vboard_reg(b, 21), 0);            /* FAULTMASK */
    assert_int_equal(vboard_reg(b, 22), 0);            /* CONTROL */
    assert_int_equal(vboard_reg(b, 16) & 0x1FF, 0);    /* no exception is active */
}

static void rom_from_everywhere(void **state)
{
    (void)state;
    for (uint32_t where = MAIN; where < WHERES; where++) {
        struct kit *k = kit_start(BOOT, KIT, true, false);
        assert_true(vboard_poke(k->bench.board, 0x1FFF0000, rom, sizeof rom));
        kit_order(k, ROM, where);
        expect_rom(k, wheres[where]);
        assert_int_equal(k->bench.resets, 2);
        kit_end(k);
    }
}

static void after_a_grace_time(void **state)
{
    (void)state;
    for (uint32_t where = MAIN; where <= INTERRUPT; where++) {
        for (unsigned to_rom = 0; to_rom < 2; to_rom++) {
            struct kit *k = kit_start(BOOT, KIT, true, !to_rom);
            if (to_rom)
                assert_true(vboard_poke(k->bench.board, 0x1FFF0000, rom, sizeof rom));
            kit_order(k, to_rom ? ROM_IN : DFU_IN, where);
            bench_run(&k->bench, 95 * MS);
            assert_int_equal(k->bench.resets, 1);
            assert_int_equal(kit_variable(k, "done"), 1); /* it came back at once */
            bench_run(&k->bench, 15 * MS);
            assert_int_equal(k->bench.resets, 2);
            if (to_rom)
                expect_rom(k, "grace time");
            else
                kit_expect_dfu(k, "grace time");
            kit_end(k);
        }
    }
}

/* The application has the flash to itself: either way leads to the ROM, by its own start-up code. */
static void without_a_bootloader(void **state)
{
    (void)state;
    for (uint32_t what = DFU; what <= ROM; what++) {
        for (uint32_t where = MAIN; where < WHERES; where++) {
            struct kit *k = kit_start(NULL, KITALONE, true, false);
            assert_true(vboard_poke(k->bench.board, 0x1FFF0000, rom, sizeof rom));
            assert_int_equal(kit_variable(k, "starts"), 1);
            kit_order(k, what, where);
            expect_rom(k, wheres[where]);
            assert_int_equal(k->bench.resets, 2);
            assert_int_equal(k->faults, 0);
            vboard_nrst(k->bench.board, MS); /* the token is used up */
            bench_run(&k->bench, 20 * MS);
            assert_false(in_rom(k));
            kit_end(k);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dfu_from_everywhere),
        cmocka_unit_test(rom_from_everywhere),
        cmocka_unit_test(after_a_grace_time),
        cmocka_unit_test(without_a_bootloader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
