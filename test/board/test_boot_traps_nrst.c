/* More of what users of bootloaders have run into: NRST and B1 pressed, and ROMs that leave by a jump where a
 * reset would lead back to them. */
#include "trapbench.h"

#define BUTTONS "build/firmware/boot-buttons.elf"

/* ---- NRST and B1 ------------------------------------------------------------------------- */

static struct bench *buttons(void)
{
    struct bench *t = bench_start(BUTTONS, BLINK, true);
    expect_start(t, "power-on");
    bench_run(t, 10 * MS);
    return t;
}

/* With BOOT_TWICE_MS. Contacts bounce for less than 10 ms, both when they close and when they open. */
static void bounces_are_not_two_presses(void **state)
{
    (void)state;
    for (unsigned gap = 1; gap < 10; gap++) {
        struct bench *t = buttons();
        for (unsigned i = 0; i < 6; i++) {
            vboard_nrst(t->board, MS / 5);
            bench_run(t, gap * MS);
        }
        unsigned before = t->handoffs;
        bench_run(t, 500 * MS);
        if (t->handoffs != before + 1)
            fail_msg("bounces %u ms apart: %u starts", gap, t->handoffs - before);
        bench_end(t);
    }
}

static void two_presses(void **state)
{
    (void)state;
    for (unsigned gap = 50; gap <= 650; gap += 100) {
        if (gap == 450) /* either way is right */
            continue;
        struct bench *t = buttons();
        nrst(t);
        bench_run(t, gap * MS);
        bool in_time = gap < 400;
        assert_int_equal(t->handoffs, in_time ? 1 : 2);
        nrst(t);
        if (in_time) {
            expect_dfu(t, "two presses");
            nrst(t);
        }
        bench_run(t, 500 * MS);
        assert_int_equal(t->handoffs, in_time ? 2 : 3); /* one press starts the application */
        bench_end(t);
    }
}

/* One press, and power fails while its mark is set: that was no press, and leaves none. */
static void a_brown_out_is_no_press(void **state)
{
    (void)state;
    struct bench *t = buttons();
    nrst(t);
    bench_run(t, 100 * MS);
    assert_int_not_equal(vboard_peek32(t->board, BKP5R), 0);
    brown_out(t, true);
    expect_start(t, "a brown-out after a press");
    assert_int_equal(vboard_peek32(t->board, BKP5R), 0);
    nrst(t);
    bench_run(t, 500 * MS);
    assert_int_equal(t->handoffs, 3);
    bench_end(t);
}

static void button_held(void **state)
{
    (void)state;
    struct bench *t = buttons();
    assert_true(vboard_button(t->board, true));
    brown_out(t, false);
    expect_dfu(t, "B1 held");
    assert_true(vboard_button(t->board, false));
    brown_out(t, false);
    expect_start(t, "B1 let go");
    bench_end(t);
}

/* ---- BOOT0 ------------------------------------------------------------------------------- */

/* The ROM is there, and is asked to leave to sureboot, which it does by a jump; a reset would lead back to
 * it. */
static void rom_leaves_now(struct bench *t, bool back)
{
    uint8_t command[5] = {0x21, 0, 0, 0, 8};
    assert_true(usbhost_wait_attached(t->host, 2000 * MS));
    assert_int_equal(usbhost_device_descriptor(t->host)[13], 0x22); /* bcdDevice */
    unsigned resets = t->resets;
    assert_int_equal(dfu_out(t, DFU_REQ_DNLOAD, 0, command, sizeof command), UH_OK);
    (void)dfu_get(t);
    assert_int_equal(dfu_get(t).state, DFU_DNLOAD_IDLE);
    assert_int_equal(dfu_out(t, DFU_REQ_DNLOAD, 2, NULL, 0), UH_OK);
    assert_int_equal(dfu_get(t).state, DFU_MANIFEST);
    unsigned before = t->handoffs;
    if (vboard_run_event(t->board, 1000 * MS, VE_HANDOFF, NULL, NULL) != VB_EVENT ||
        t->handoffs != before + 1)
        fail_msg("the ROM has left: the application does not start");
    assert_int_equal(vboard_peek32(t->board, 0xE000ED08), SLOT);
    assert_int_equal(t->resets - resets, back ? 0 : 1);
}

/* Entered by the pin BOOT0, which is low by then or still high. */
static void rom_leaves(struct bench *t, bool still_high)
{
    assert_true(vboard_drive(t->board, "PH3", 1));
    nrst(t);
    (void)usbhost_wait_detached(t->host, MS);
    assert_true(usbhost_wait_attached(t->host, 2000 * MS));
    assert_true(vboard_drive(t->board, "PH3", still_high));
    rom_leaves_now(t, still_high);
}

/* One press, BOOT0 with the next one: no two presses, and a jump as any other. */
static void a_press_and_the_rom(void **state)
{
    (void)state;
    struct bench *t = buttons();
    nrst(t);
    bench_run(t, 100 * MS);
    assert_int_not_equal(vboard_peek32(t->board, BKP5R), 0);
    rom_leaves(t, false);
    bench_end(t);
}

/* A reset would lead back into the ROM: the chip is put back by hand, flash stays at 0 meanwhile. */
static void rom_leaves_with_boot0_high(void **state)
{
    (void)state;
    struct bench *t = bench_start(BOOT, BLINK, true);
    expect_start(t, "power-on");
    rom_leaves(t, true);
    bench_end(t);
}

/* The same where BOOT0 is an option bit: nSWBOOT0 and nBOOT0 are 0. */
static void rom_leaves_with_boot0_by_option(void **state)
{
    (void)state;
    static const uint32_t words[5] = {0xF3EFF8AA, 0xFFFFFFFF, 0x00FF0000, 0xFF00FFFF, 0xFF00FFFF};
    uint8_t options[40];
    for (unsigned i = 0; i < 5; i++) {
        const uint32_t both[2] = {words[i], ~words[i]};
        memcpy(options + 8 * i, both, sizeof both);
    }
    struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, image, SIZE, options});
    rom_leaves_now(t, true);
    bench_end(t);
}

static unsigned messages;

static void listen(void *arg, const struct vboard_event *e)
{
    (void)arg;
    messages += e->kind == VE_MESSAGE;
}

/* MSI at 48 MHz, and a jump that has to be undone by hand: never too fast for flash. */
static void undo_of_a_fast_msi(void **state)
{
    (void)state;
    const uint32_t cr = 0x40021000, cfgr = 0x40021008, acr = 0x40022000;
    struct bench *t = bench_start(BOOT, PROBE, false);
    uint32_t jump = JUMP;
    expect_start(t, "power-on");
    bench_run(t, 10 * MS);
    put(t, acr, 0x604);
    put(t, cr, vboard_peek32(t->board, cr) | 1);
    bench_run(t, MS);
    put(t, cfgr, 0);
    put(t, cr, (vboard_peek32(t->board, cr) & ~0xF0u) | 11u << 4 | 1u << 3);
    bench_run(t, MS);
    put(t, acr, 0x602);
    bench_run(t, MS);
    messages = 0;
    vboard_on_event(t->board, listen, t);
    assert_true(vboard_drive(t->board, "PH3", 1));
    assert_true(vboard_poke(t->board, bench_address(PROBE, "command"), &jump, 4));
    assert_true(vboard_break(t->board, vboard_peek32(t->board, SLOT + 4) & ~1u, true));
    assert_int_equal(vboard_run(t->board, 100 * MS, NULL, NULL), VB_BREAK);
    assert_int_equal(messages, 0);
    assert_int_equal(vboard_peek32(t->board, cr) & 0xFF, 0x6B);
    bench_end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounces_are_not_two_presses),
        cmocka_unit_test(two_presses),
        cmocka_unit_test(a_brown_out_is_no_press),
        cmocka_unit_test(button_held),
        cmocka_unit_test(a_press_and_the_rom),
        cmocka_unit_test(rom_leaves_with_boot0_high),
        cmocka_unit_test(rom_leaves_with_boot0_by_option),
        cmocka_unit_test(undo_of_a_fast_msi),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
