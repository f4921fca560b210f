/* More of what users of bootloaders have run into, one test a trap: how the application is reached by resets,
 * losses of power and watchdogs, and what is not sureboot's to decide. test_boot_traps has the list.
 */
#include "trapbench.h"

#define BDCR  0x40021090u
#define BDRST (1u << 16)
#define TOKEN 0xDEADBEEFu
enum { OPTIONS = 4 /* test/board/fw/probe */ };

static void backup_open(struct bench *t, bool write)
{
    put(t, 0x40021058, vboard_peek32(t->board, 0x40021058) | 1u << 28 | 1u << 10); /* PWREN, RTCAPBEN */
    put(t, 0x40007000, (vboard_peek32(t->board, 0x40007000) & ~0x100u) | (write ? 0x100 : 0)); /* DBP */
}

/* ---- the start --------------------------------------------------------------------------- */

static void stack_pointer_at_the_end_of_sram(void **state)
{
    (void)state;
    static const struct {
        uint32_t sp;
        enum message message;
    } rows[] = {
        {0x20010000, MESSAGE_READY},     {0x20010004, MESSAGE_BAD_STACK}, {0x20010002, MESSAGE_BAD_STACK},
        {0x20000000, MESSAGE_BAD_STACK}, {0x20000004, MESSAGE_READY},     {0x10004000, MESSAGE_READY},
        {0x10004004, MESSAGE_BAD_STACK}, {0x10000000, MESSAGE_BAD_STACK},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, NULL, 0, NULL});
        in_dfu(t);
        memcpy(image, &rows[i].sp, 4);
        assert_int_equal(dfu_send(t, SLOT, image, SIZE, false).ok, rows[i].message == MESSAGE_READY);
        if (rows[i].message == MESSAGE_READY) {
            nrst(t);
            expect_start(t, "a stack pointer at an end of SRAM");
            assert_int_equal(vboard_reg(t->board, 13), rows[i].sp);
        } else {
            assert_int_equal(vboard_flash_ops(t->board), 0);
        }
        bench_end(t);
    }
    fill_image(image, SIZE, 1);
}

/* The bootloader has been off the bus long enough for the host to notice, however quick the application is.
 */
static void usb_within_a_millisecond(void **state)
{
    (void)state;
    struct bench *t = bench_start(BOOT, NULL, true);
    uint32_t size;
    uint8_t *bytes = bench_file("build/test/fw/usbnow.bin", &size);
    in_dfu(t);
    assert_true(dfu_send(t, SLOT, bytes, size, false).ok);
    free(bytes);
    unsigned seen = usbhost_attach_count(t->host);
    assert_int_equal(dfu_out(t, DFU_REQ_DNLOAD, 2, NULL, 0), UH_OK);
    assert_int_equal(dfu_get(t).state, DFU_MANIFEST);
    assert_int_equal(vboard_run_event(t->board, 1000 * MS, VE_USB, "detached", NULL), VB_EVENT);
    assert_int_equal(vboard_run_event(t->board, 1000 * MS, VE_HANDOFF, NULL, NULL), VB_EVENT);
    uint64_t began = vboard_now(t->board);
    assert_int_equal(vboard_run_event(t->board, 10 * MS, VE_USB, "attached", NULL), VB_EVENT);
    printf("# pull-up %.3f ms after the first instruction, %.1f ms after the bootloader's went\n",
           (double)(vboard_now(t->board) - began) / 1e6, (double)(vboard_now(t->board) - t->left_at) / 1e6);
    assert_in_range(vboard_now(t->board) - began, 0, MS);
    assert_in_range(vboard_now(t->board) - t->left_at, 20 * MS, 1000 * MS);
    assert_int_equal(usbhost_attach_count(t->host), seen + 1);
    bench_end(t);
}

/* ---- tokens and the backup domain -------------------------------------------------------- */

/* The application has left its token, and power fails before the reset comes: DFU once, if the backup domain
 * has lived, and then the application again; also by itself where nobody is at the bus. */
static void token_left_by_a_brown_out(void **state)
{
    (void)state;
    for (unsigned host = 0; host < 2; host++) {
        struct bench *t = bench_start(BOOT, BLINK, host);
        bench_run(t, 10 * MS);
        for (unsigned backup = 0; backup < 2; backup++) {
            backup_open(t, true);
            put(t, BKP5R, TOKEN);
            assert_int_equal(vboard_peek32(t->board, BKP5R), TOKEN);
            brown_out(t, backup);
            if (!backup) {
                expect_start(t, "the backup domain was lost");
            } else if (host) {
                expect_dfu(t, "a token");
                assert_int_equal(vboard_peek32(t->board, BKP5R), 0);
                brown_out(t, true);
                expect_start(t, "a token that was used");
            } else {
                unsigned before = t->handoffs;
                bench_run(t, 29000 * MS);
                assert_int_equal(t->handoffs, before);
                bench_run(t, 2000 * MS);
                assert_int_equal(t->handoffs, before + 1);
            }
        }
        bench_end(t);
    }
}

/* DBP is 0: a token cannot be written, and one that is there is read and cleared all the same. */
static void backup_domain_locked(void **state)
{
    (void)state;
    struct bench *t = bench_start(BOOT, BLINK, true);
    bench_run(t, 10 * MS);
    backup_open(t, false);
    put(t, BKP5R, TOKEN);
    assert_int_equal(vboard_peek32(t->board, BKP5R), 0);
    nrst(t);
    expect_start(t, "no token could be written");
    bench_run(t, 10 * MS);
    backup_open(t, true);
    put(t, BKP5R, TOKEN);
    backup_open(t, false);
    nrst(t);
    expect_dfu(t, "a token behind the lock");
    assert_int_equal(vboard_peek32(t->board, BKP5R), 0);
    nrst(t);
    expect_start(t, "a token that was used");
    assert_int_equal(vboard_peek32(t->board, 0x40007000) & 0x100, 0); /* DBP as after reset */
    bench_end(t);
}

/* RCC_BDCR.BDRST holds the backup domain in reset, and a system reset does not end that: no token is kept,
 * not even that of a reset which follows a jump. Everything but DFU by token works, and BDRST stays. */
static void backup_domain_held_in_reset(void **state)
{
    (void)state;
    struct bench *t = bench_start(BOOT, PROBE, true);
    uint32_t jump = JUMP;
    bench_run(t, 10 * MS);
    backup_open(t, true);
    put(t, BDCR, BDRST);
    put(t, BKP5R, TOKEN);
    assert_int_equal(vboard_peek32(t->board, BKP5R), 0);
    nrst(t);
    expect_start(t, "the backup domain is in reset");
    assert_int_equal(vboard_peek32(t->board, BDCR) & BDRST, BDRST);
    bench_run(t, 10 * MS);
    unsigned resets = t->resets;
    assert_true(vboard_poke(t->board, bench_address(PROBE, "command"), &jump, 4));
    expect_start(t, "a jump to the bootloader while the backup domain is in reset");
    assert_int_equal(t->resets, resets + 1);
    bench_end(t);
}

/* ---- watchdogs --------------------------------------------------------------------------- */

/* IWDG on LSI / 4 with that many ticks of 0.125 ms, started by software. */
static void start_iwdg(struct bench *t, uint32_t ticks)
{
    put(t, 0x40003000, 0xCCCC);
    put(t, 0x40003000, 0x5555);
    put(t, 0x40003004, 0);
    put(t, 0x40003008, ticks);
    bench_run(t, MS / 2); /* to the watchdog's clock */
    put(t, 0x40003000, 0xAAAA);
    assert_true(vboard_watchdog(t->board));
    assert_int_equal(vboard_peek32(t->board, 0x40003008), ticks);
}

/* An application jumps to the bootloader with IWDG running, however short: the reset that follows ends it. */
static void iwdg_however_short(void **state)
{
    (void)state;
    for (uint32_t ticks = 8; ticks <= 800; ticks *= 10) {
        struct bench *t = bench_start(BOOT, PROBE, false);
        uint32_t jump = JUMP;
        bench_run(t, 10 * MS);
        start_iwdg(t, ticks);
        unsigned resets = t->resets;
        assert_true(vboard_poke(t->board, bench_address(PROBE, "command"), &jump, 4));
        expect_start(t, "a jump with IWDG running");
        assert_int_equal(t->resets, resets + 1);
        assert_false(vboard_watchdog(t->board));
        bench_end(t);
    }
}

/* Where BOOT0 would send that reset to the ROM, IWDG goes on in DFU, and is fed there: through the unpacking,
 * an erase of everything, and a download. */
static void iwdg_that_cannot_be_stopped(void **state)
{
    (void)state;
    static uint8_t large[100000];
    fill_image(large, sizeof large, 1);
    static const uint32_t ticks[] = {800, 80, 8};
    for (unsigned i = 0; i < sizeof ticks / sizeof *ticks; i++) {
        struct bench *t = bench_start(BOOT, PROBE, true);
        uint32_t jump = JUMP;
        bench_run(t, 10 * MS);
        backup_open(t, true);
        put(t, BKP5R, TOKEN);
        assert_true(vboard_drive(t->board, "PH3", 1));
        start_iwdg(t, ticks[i]);
        unsigned resets = t->resets;
        assert_true(vboard_poke(t->board, bench_address(PROBE, "command"), &jump, 4));
        bool ok = usbhost_wait_attached(t->host, 1000 * MS) && t->resets == resets;
        if (ok) {
            in_dfu(t);
            ok = dfu_send(t, SLOT, large, sizeof large, false).ok && t->resets == resets;
        }
        if (!ok)
            fail_msg("IWDG of %u ms has reset the chip", (unsigned)ticks[i] / 8);
        bench_end(t);
    }
}

/* ---- flash ------------------------------------------------------------------------------- */

/* PEMPTY that a reload of the option bytes has not cleared: no second reload, and no reset that would only
 * end in the ROM again. */
static void empty_check_that_stays(void **state)
{
    (void)state;
    struct bench *t = bench_start(BOOT, PROBE, false);
    uint32_t command = bench_address(PROBE, "command"), order = OPTIONS;
    bench_run(t, 10 * MS);
    assert_true(vboard_poke(t->board, command, &order, 4));
    expect_start(t, "after a reload of the option bytes");
    bench_run(t, 10 * MS);
    put(t, 0x40022010, 1u << 17); /* FLASH_SR: toggles */
    assert_true(vboard_peek32(t->board, 0x40022010) & 1u << 17);
    unsigned resets = t->resets;
    order = JUMP;
    assert_true(vboard_poke(t->board, command, &order, 4));
    bench_run(t, 20 * MS); /* the probe clears its variables when it starts */
    assert_int_equal(t->resets, resets);
    assert_int_equal(vboard_peek32(t->board, command), 0);
    assert_in_range(vboard_reg(t->board, 15), SLOT, SLOT_LAST);
    bench_end(t);
}

/* Erase commands for the whole image, and then the host is gone: they were lazy, and the old image starts,
 * unless the end of the session could be noticed; then they are carried out, and that is said. */
static void killed_while_erasing(void **state)
{
    (void)state;
    enum { KILLED, POWER, BUS_RESET, UNPLUGGED, WAYS };
    for (unsigned way = 0; way < WAYS; way++) {
        struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, NULL, 0, NULL});
        in_dfu(t);
        assert_true(dfu_send(t, SLOT, image, SIZE, false).ok);
        uint64_t ops = vboard_flash_ops(t->board);
        for (uint32_t at = 0; at < SIZE; at += PAGE)
            assert_int_equal(dfu_command(t, 0x41, SLOT + at), MESSAGE_READY);
        assert_int_equal(vboard_flash_ops(t->board), ops);
        if (way == BUS_RESET)
            usbhost_bus_reset(t->host);
        if (way == UNPLUGGED) {
            usbhost_plug(t->host, false);
            bench_run(t, 300 * MS); /* the device is suspended; the end comes with the next bus reset */
            assert_int_equal(vboard_flash_ops(t->board), ops);
            usbhost_plug(t->host, true);
            assert_true(usbhost_wait_attached(t->host, 1000 * MS));
        }
        bench_run(t, 300 * MS);
        bool lazy = way == KILLED || way == POWER;
        assert_int_equal(vboard_flash_ops(t->board) == ops, lazy);
        if (way == POWER)
            vboard_power(t->board, false, false), vboard_power(t->board, true, false);
        assert_int_equal(verdict_after_reset(t), lazy ? MESSAGE_READY : MESSAGE_UNFINISHED);
        if (lazy)
            expect_flash(t, SLOT, image, SIZE);
        bench_end(t);
    }
}

/* Double words of the bootloader itself that cannot be read. Nobody can promise what a processor does with
 * such code; but what is packed for DFU does not touch the start of an application, and no case is known in
 * which something else than sureboot runs. The figures are in docs/how-it-boots.md. */
static void bootloader_unreadable(void **state)
{
    (void)state;
    uint32_t packed = bench_address(BOOT, "packed"), end = 0x08000000;
    uint32_t size;
    free(bench_file("build/firmware/boot.bin", &size));
    end += size;
    struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, NULL, 0, NULL});
    in_dfu(t);
    assert_true(dfu_send(t, SLOT, image, SIZE, false).ok);
    vboard_power(t->board, false, false);
    vboard_on_event(t->board, NULL, NULL); /* faults are wanted */
    struct vboard_snapshot *off = vboard_save(t->board);
    assert_non_null(off);
    enum { STARTED, DFU, RESETS, STUCK, ENDS };
    unsigned counts[2][ENDS] = {{0}};
    unsigned step = getenv("SUREBOOT_LONG") ? 8 : getenv("SUREBOOT_QUICK") ? 8 * 61 : 8 * 7;
    for (uint32_t at = 0x08000000; at < end; at += step) {
        vboard_restore(t->board, off);
        assert_true(vboard_ecc_damage(t->board, at, 2));
        vboard_power(t->board, true, false);
        unsigned ending = STUCK;
        if (vboard_run_event(t->board, 30 * MS, VE_HANDOFF, NULL, NULL) == VB_EVENT)
            ending = STARTED;
        else if (usbhost_wait_attached(t->host, 300 * MS))
            ending = DFU;
        else if (vboard_run_event(t->board, 300 * MS, VE_RESET, NULL, NULL) == VB_EVENT)
            ending = RESETS;
        counts[at >= packed][ending]++;
        if (at >= packed && ending != STARTED)
            fail_msg("0x%08x unreadable: the application does not start", (unsigned)at);
    }
    for (unsigned i = 0; i < 2; i++)
        printf("# unreadable in %s: %u times the application starts, %u DFU, %u resets over and over, %u "
               "stuck\n",
               i ? "the packed part" : "the boot path", counts[i][STARTED], counts[i][DFU], counts[i][RESETS],
               counts[i][STUCK]);
    assert_true(counts[1][STARTED] > 10 || getenv("SUREBOOT_QUICK"));
    vboard_snapshot_free(off);
    bench_end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stack_pointer_at_the_end_of_sram),
        cmocka_unit_test(usb_within_a_millisecond),
        cmocka_unit_test(token_left_by_a_brown_out),
        cmocka_unit_test(backup_domain_locked),
        cmocka_unit_test(backup_domain_held_in_reset),
        cmocka_unit_test(iwdg_however_short),
        cmocka_unit_test(iwdg_that_cannot_be_stopped),
        cmocka_unit_test(empty_check_that_stays),
        cmocka_unit_test(killed_while_erasing),
        cmocka_unit_test(bootloader_unreadable),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
