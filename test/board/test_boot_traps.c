/* What users of such bootloaders have run into, one test a trap. Those that have a place of their own:
 *
 *   stack pointer at the end of SRAM, USB within 1 ms, tokens after brown-outs, the backup domain
 *     locked, IWDG however short, PEMPTY that stays, killed while erasing, the bootloader itself
 *     unreadable                                              test_boot_traps_reset
 *   NRST that bounces, a ROM that leaves with BOOT0 high      test_boot_traps_nrst
 *   lengths odd, mod 8 = 1 to 7, one byte, the slot and one more, WRP over part of the slot
 *                                                             test_boot_flash_faults
 *   WWDG, wake from Shutdown with the RTC running, foreign tokens
 *                                                             test_boot_handover
 *   PEMPTY after a download by the ROM                        test_rom_blank
 *   all 96 bits of the unique id in the serial number         test_fw_usb (equal halves: here)
 *   any request in any state, interrupted stages              test_boot_hostile
 *   a cut at each double word                                 the power-cut sweep
 *   HEX with a hole                                           the host tools
 */
#include "bench.h"
#include "fwflash.h"

enum { SIZE = 5000 };
static uint8_t image[SIZE], other[SIZE];

static int fill(void **state)
{
    (void)state;
    fill_image(image, SIZE, 1);
    fill_image(other, SIZE, 2);
    return 0;
}

static struct bench *blank(void)
{
    struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, NULL, 0, NULL});
    in_dfu(t);
    return t;
}

/* ---- applications ------------------------------------------------------------------------ */

static void fpu_msi_range_and_pll_from_the_first_instruction(void **state)
{
    (void)state;
    struct bench *t = bench_start(BOOT, "build/test/fw/unlike.elf", false);
    bench_run(t, 50 * MS);
    assert_int_equal(t->handoffs, 1);
    assert_int_equal(vboard_peek32(t->board, 0x20001000), 9);
    assert_int_equal(vboard_peek32(t->board, 0x20001004) >> 4 & 15, 11);
    assert_int_equal(vboard_peek32(t->board, 0x20001008) & 15, 15);
    assert_in_range(vboard_peek32(t->board, 0x2000100C), 100000, 4000000);
    bench_end(t);
}

static void usb_at_once(void **state)
{
    (void)state;
    struct bench *t = bench_start(BOOT, CDC, true);
    assert_int_equal(vboard_run_event(t->board, 50 * MS, VE_HANDOFF, NULL, NULL), VB_EVENT);
    uint64_t began = vboard_now(t->board);
    assert_int_equal(vboard_run_event(t->board, 50 * MS, VE_USB, "attached", NULL), VB_EVENT);
    assert_in_range(vboard_now(t->board) - began, 0, 2 * MS);
    assert_true(usbhost_wait_attached(t->host, 1000 * MS));
    bench_end(t);
}

/* A watchdog that is started by its option byte counts from the first instruction: it is fed in the boot
 * path, in DFU, and while flash is busy. */
static void watchdog_by_option_byte(uint32_t optr)
{
    static uint8_t large[200000];
    const uint32_t words[5] = {optr, 0xFFFFFFFF, 0x00FF0000, 0xFF00FFFF, 0xFF00FFFF};
    uint32_t options[10];
    for (unsigned i = 0; i < 5; i++) {
        options[2 * i] = words[i];
        options[2 * i + 1] = ~words[i];
    }
    struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, NULL, 0, (const uint8_t *)options});
    in_dfu(t);
    assert_true(vboard_watchdog(t->board));
    bench_run(t, 3000 * MS);
    const uint8_t mass = 0x41;
    assert_int_equal(dfu_block(t, 0, &mass, 1), MESSAGE_READY);
    assert_int_equal(dfu_end(t), MESSAGE_READY);
    assert_int_equal(t->resets, 1);
    fill_image(large, sizeof large, 1); /* the longer the content check */
    struct dfu_result r = dfu_send(t, SLOT, large, sizeof large, false);
    assert_true(r.ok);
    assert_int_equal(t->resets, 1);
    assert_int_equal(verdict_after_reset(t), MESSAGE_READY);
    assert_int_equal(t->resets, 2);
    bench_end(t);
}

static void iwdg_by_option_byte(void **state)
{
    (void)state;
    watchdog_by_option_byte(0xFFEEF8AA);
}

static void wwdg_by_option_byte(void **state)
{
    (void)state;
    watchdog_by_option_byte(0xFFE7F8AA);
}

/* ---- files that are no application ------------------------------------------------------- */

static void refused_before_flash_is_touched(void **state)
{
    (void)state;
    static const struct {
        uint8_t head[16];
        enum message message;
    } files[] = {
        {{0, 0, 1, 0x20, 0x01, 0x02, 0x00, 0x08}, MESSAGE_NOT_HERE},
        {{0x7F, 'E', 'L', 'F', 1, 1, 1}, MESSAGE_ELF_FILE},
        {{'D', 'f', 'u', 'S', 'e', 1}, MESSAGE_DFU_FILE},
        {{':', '0', '2', '0', '0', '0', '0', '0', '4'}, MESSAGE_HEX_FILE},
        {{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, MESSAGE_BLANK_FILE},
        {{0, 0, 2, 0x20, 0x41, 0x40, 0x00, 0x08}, MESSAGE_BAD_STACK},
        {{4, 0, 1, 0x20, 0x41, 0x40, 0x00, 0x08}, MESSAGE_BAD_STACK}, /* just behind SRAM */
    };
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        uint8_t bytes[PAGE] = {0};
        memcpy(bytes, files[i].head, 16);
        struct bench *t = blank();
        assert_int_equal(dfu_command(t, 0x41, SLOT), MESSAGE_READY);
        assert_int_equal(dfu_command(t, 0x21, SLOT), MESSAGE_READY);
        assert_int_equal(dfu_block(t, 2, bytes, PAGE), files[i].message);
        bench_run(t, 100 * MS);
        assert_int_equal(vboard_flash_ops(t->board), 0);
        bench_end(t);
    }
}

/* ---- flash that cannot be read ----------------------------------------------------------- */

static enum message with_bad_word(uint32_t addr)
{
    struct bench *t = blank();
    struct dfu_result r = dfu_send(t, SLOT, image, SIZE, false);
    assert_true(r.ok);
    assert_true(vboard_ecc_damage(t->board, addr, 2));
    enum message m = verdict_after_reset(t);
    if (m != MESSAGE_READY) { /* and the way out of it */
        r = dfu_send(t, SLOT, other, SIZE, false);
        if (!r.ok)
            fail_msg("0x%08x: %s (%s)", addr, r.error, r.string);
        assert_int_equal(verdict_after_reset(t), MESSAGE_READY);
        expect_flash(t, SLOT, other, SIZE);
    }
    bench_end(t);
    return m;
}

static void unreadable_words(void **state)
{
    (void)state;
    assert_int_equal(with_bad_word(SLOT), MESSAGE_UNREADABLE);
    assert_int_equal(with_bad_word(SLOT + 8 * 301), MESSAGE_UNREADABLE);
    assert_int_equal(with_bad_word(SLOT + SIZE - 8), MESSAGE_UNREADABLE);
    assert_int_equal(with_bad_word(SLOT + 0x20000), MESSAGE_READY); /* behind the image */
    assert_int_equal(with_bad_word(0x0803F000), MESSAGE_READY);     /* BEGUN, before SEALED */
    /* With SEALED unreadable BEGUN is what counts. */
    for (uint32_t word = 0; word < 3; word++)
        assert_int_equal(with_bad_word(0x0803F018 + 8 * word), MESSAGE_UNFINISHED);
}

/* ---- resets and power -------------------------------------------------------------------- */

static void reset_pin_that_bounces(void **state)
{
    (void)state;
    struct bench *t = bench_start(BOOT, BLINK, false);
    for (unsigned gap = 1; gap < 10; gap++) {
        vboard_nrst(t->board, MS / 5);
        bench_run(t, gap * MS);
    }
    unsigned before = t->handoffs;
    vboard_nrst(t->board, MS);
    assert_int_equal(vboard_run_event(t->board, 50 * MS, VE_HANDOFF, NULL, NULL), VB_EVENT);
    assert_int_equal(t->handoffs, before + 1);
    bench_end(t);
}

/* A token is good for one start, also if power failed meanwhile: DFU once, then the application. */
static void power_lost_in_dfu(void **state)
{
    (void)state;
    struct bench *t = blank();
    assert_true(dfu_send(t, SLOT, image, SIZE, false).ok);
    for (unsigned vbat = 0; vbat < 2; vbat++) {
        vboard_power(t->board, false, vbat);
        (void)vboard_run(t->board, 10 * MS, NULL, NULL);
        vboard_power(t->board, true, false);
        assert_int_equal(vboard_run_event(t->board, 50 * MS, VE_HANDOFF, NULL, NULL), VB_EVENT);
    }
    bench_end(t);
}

static void equal_halves_of_the_unique_id(void **state)
{
    (void)state;
    const struct vboard_config config = {.seed = 1, .uid = {1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4}};
    const struct usbhost_config usb = {.enumerate = true};
    uint8_t text[64];
    struct vboard *b = vboard_create(&config);
    assert_non_null(b);
    assert_true(vboard_load_file(b, BOOT, VBOARD_NO_ADDR));
    struct usbhost *h = usbhost_create(b, &usb);
    assert_non_null(h);
    vboard_power(b, true, false);
    assert_true(usbhost_wait_attached(h, 1000 * MS));
    assert_int_equal(usbhost_control(h, 0x80, 6, 0x0303, 0x0409, text, 64, NULL), UH_OK);
    for (unsigned i = 0; i < 24; i++)
        assert_int_equal(text[2 + 2 * i], "040302010807060504030201"[i]);
    usbhost_destroy(h);
    vboard_destroy(b);
}

/* ---- hosts ------------------------------------------------------------------------------- */

static void host_that_never_asks_after_leave(void **state)
{
    (void)state;
    struct bench *t = blank();
    assert_true(dfu_send(t, SLOT, image, SIZE, false).ok);
    assert_int_equal(dfu_out(t, DFU_REQ_DNLOAD, 0, NULL, 0), UH_OK);
    assert_int_equal(vboard_run_event(t->board, 2000 * MS, VE_HANDOFF, NULL, NULL), VB_EVENT);
    bench_end(t);
}

static void detach_in_dfu_mode(void **state)
{
    (void)state;
    struct bench *t = blank();
    assert_int_equal(dfu_out(t, DFU_REQ_DETACH, 1000, NULL, 0), UH_STALL);
    struct dfu_is s = dfu_get(t);
    assert_int_equal(s.state, DFU_ERROR);
    assert_int_equal(s.message, MESSAGE_REQUEST);
    assert_true(dfu_send(t, SLOT, image, SIZE, false).ok);
    bench_end(t);
}

/* USB is served while flash is busy; GETSTATUS waits until it is not, whatever the poll time said: some hosts
 * ask once more, and only once. */
static void getstatus_during_an_erase(void **state)
{
    (void)state;
    struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, other, SIZE, NULL});
    bench_run(t, 10 * MS); /* it starts: back by a broken word */
    assert_true(vboard_ecc_damage(t->board, SLOT, 2));
    assert_int_equal(verdict_after_reset(t), MESSAGE_UNREADABLE);
    const uint8_t mass = 0x41;
    assert_int_equal(dfu_out(t, DFU_REQ_DNLOAD, 0, &mass, 1), UH_OK);
    assert_int_equal(dfu_get(t).state, DFU_DNBUSY);
    uint64_t busy = vboard_now(t->board);
    for (unsigned i = 0; i < 5; i++) {
        uint64_t began = vboard_now(t->board);
        uint8_t now;
        assert_int_equal(usbhost_control(t->host, 0xA1, DFU_REQ_GETSTATE, 0, 0, &now, 1, NULL), UH_OK);
        assert_in_range(vboard_now(t->board) - began, 0, 2 * MS);
        assert_int_equal(now, DFU_DNBUSY);
        bench_run(t, 5 * MS);
    }
    assert_int_equal(dfu_get(t).state, DFU_DNLOAD_IDLE);
    assert_in_range(vboard_now(t->board) - busy, (SIZE + PAGE - 1) / PAGE * 20 * MS, 3000 * MS);
    bench_end(t);
}

/* At each block: a bus reset amid its data, or the cable pulled. What was begun does not start; the next
 * download does. */
static void interrupted_at_each_block(bool unplug)
{
    for (unsigned at = 0; at < 3; at++) {
        struct bench *t = blank();
        assert_true(dfu_send(t, SLOT, other, SIZE, false).ok);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(dfu_command(t, 0x41, SLOT + i * PAGE), MESSAGE_READY);
        assert_int_equal(dfu_command(t, 0x21, SLOT), MESSAGE_READY);
        for (unsigned i = 0; i < at; i++)
            assert_int_equal(dfu_block(t, (uint16_t)(2 + i), image + i * PAGE, PAGE), MESSAGE_READY);
        struct usbhost_transfer part = {.setup = {0x21, 1, (uint8_t)(2 + at), 0, 0, 0, 0, 8},
                                        .data = image + at * PAGE,
                                        .length = at == 2 ? SIZE - 2 * PAGE : PAGE};
        part.setup[6] = (uint8_t)part.length;
        part.setup[7] = (uint8_t)(part.length >> 8);
        assert_true(usbhost_submit(t->host, &part));
        bench_run(t, MS / 2);
        assert_int_equal(part.status, UH_PENDING);
        if (unplug) {
            usbhost_plug(t->host, false);
            bench_run(t, 50 * MS);
            usbhost_plug(t->host, true);
            assert_true(usbhost_wait_attached(t->host, 1000 * MS));
        } else {
            usbhost_bus_reset(t->host);
        }
        assert_int_equal(dfu_get(t).state, DFU_IDLE);
        bench_run(t, 200 * MS);
        enum message m = verdict_after_reset(t);
        assert_true(m == MESSAGE_UNFINISHED);
        assert_true(dfu_send(t, SLOT, image, SIZE, false).ok);
        assert_int_equal(verdict_after_reset(t), MESSAGE_READY);
        expect_flash(t, SLOT, image, SIZE);
        bench_end(t);
    }
}

static void bus_reset_amid_a_block(void **state)
{
    (void)state;
    interrupted_at_each_block(false);
}

static void unplugged_at_each_block(void **state)
{
    (void)state;
    interrupted_at_each_block(true);
}

static void abort_and_a_second_download(void **state)
{
    (void)state;
    struct bench *t = blank();
    assert_int_equal(dfu_command(t, 0x41, SLOT), MESSAGE_READY);
    assert_int_equal(dfu_command(t, 0x41, SLOT + PAGE), MESSAGE_READY);
    assert_int_equal(dfu_command(t, 0x21, SLOT), MESSAGE_READY);
    assert_int_equal(dfu_block(t, 2, image, PAGE), MESSAGE_READY);
    (void)dfu_end(t);
    assert_int_not_equal(verdict_after_reset(t), MESSAGE_READY); /* a page is missing */
    assert_true(dfu_send(t, SLOT, other, SIZE, false).ok);
    assert_true(dfu_send(t, SLOT, image, SIZE, false).ok);
    assert_int_equal(verdict_after_reset(t), MESSAGE_READY);
    expect_flash(t, SLOT, image, SIZE);
    bench_end(t);
}

static void lengths_of_requests(void **state)
{
    (void)state;
    static uint8_t big[4096];
    uint8_t back[64];
    uint32_t n;
    struct bench *t = blank();
    assert_int_equal(dfu_command(t, 0x21, SLOT), MESSAGE_READY);
    assert_int_equal(dfu_block(t, 2, big, 2049), MESSAGE_BLOCK);
    assert_int_equal(dfu_out(t, DFU_REQ_CLRSTATUS, 0, NULL, 0), UH_OK);
    assert_int_equal(dfu_block(t, 2, big, 4096), MESSAGE_BLOCK);
    assert_int_equal(dfu_out(t, DFU_REQ_CLRSTATUS, 0, NULL, 0), UH_OK);
    assert_int_equal(usbhost_control(t->host, 0xA1, DFU_REQ_GETSTATUS, 0, 0, back, 64, &n), UH_OK);
    assert_int_equal(n, 6);
    assert_int_equal(usbhost_control(t->host, 0xA1, DFU_REQ_GETSTATUS, 0, 0, back, 3, &n), UH_OK);
    assert_int_equal(n, 3);
    assert_int_equal(usbhost_control(t->host, 0xA1, DFU_REQ_UPLOAD, 2, 0, back, 0, &n), UH_STALL);
    assert_int_equal(dfu_get(t).message, MESSAGE_BLOCK);
    bench_end(t);
}

/* In plain DFU each number is the last plus one; in DfuSe it is an address. */
static void block_numbers_that_jump_or_repeat(void **state)
{
    (void)state;
    static const uint16_t wrong[] = {0, 2, 65535};
    for (unsigned i = 0; i < 3; i++) {
        struct bench *t = blank();
        assert_int_equal(dfu_block(t, 0, image, PAGE), MESSAGE_READY);
        assert_int_equal(dfu_block(t, wrong[i], image + PAGE, PAGE), MESSAGE_BLOCK);
        assert_int_not_equal(verdict_after_reset(t), MESSAGE_READY);
        bench_end(t);
    }
    struct bench *t = blank();
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(dfu_command(t, 0x41, SLOT + i * PAGE), MESSAGE_READY);
    assert_int_equal(dfu_command(t, 0x21, SLOT), MESSAGE_READY);
    assert_int_equal(dfu_block(t, 2, other, PAGE), MESSAGE_READY);
    assert_int_equal(dfu_block(t, 2, image, PAGE), MESSAGE_READY);
    assert_int_equal(dfu_block(t, 4, image + 2 * PAGE, SIZE - 2 * PAGE), MESSAGE_READY);
    assert_int_equal(dfu_block(t, 3, image + PAGE, PAGE), MESSAGE_READY);
    assert_int_equal(dfu_end(t), MESSAGE_READY);
    expect_flash(t, SLOT, image, SIZE);
    assert_int_equal(verdict_after_reset(t), MESSAGE_READY);
    bench_end(t);
}

static void upload_past_the_end(void **state)
{
    (void)state;
    static uint8_t back[PAGE];
    uint32_t n;
    struct bench *t = blank();
    assert_int_equal(dfu_command(t, 0x21, SLOT_LAST - 999), MESSAGE_READY);
    assert_int_equal(dfu_out(t, DFU_REQ_ABORT, 0, NULL, 0), UH_OK);
    assert_int_equal(usbhost_control(t->host, 0xA1, DFU_REQ_UPLOAD, 2, 0, back, PAGE, &n), UH_OK);
    assert_int_equal(n, 1000); /* a short block: the last one */
    assert_int_equal(dfu_get(t).state, DFU_IDLE);
    assert_int_equal(usbhost_control(t->host, 0xA1, DFU_REQ_UPLOAD, 3, 0, back, PAGE, &n), UH_STALL);
    assert_int_equal(dfu_get(t).message, MESSAGE_ADDRESS);
    bench_end(t);
}

static void set_interface_amid_a_download(void **state)
{
    (void)state;
    struct bench *t = blank();
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(dfu_command(t, 0x41, SLOT + i * PAGE), MESSAGE_READY);
    assert_int_equal(dfu_command(t, 0x21, SLOT), MESSAGE_READY);
    assert_int_equal(dfu_out(t, DFU_REQ_DNLOAD, 2, image, PAGE), UH_OK);
    assert_int_equal(usbhost_control(t->host, 1, 11, 0, 0, NULL, 0, NULL), UH_OK);
    assert_int_equal(dfu_get(t).state, DFU_IDLE);
    assert_int_not_equal(verdict_after_reset(t), MESSAGE_READY);
    bench_end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fpu_msi_range_and_pll_from_the_first_instruction),
        cmocka_unit_test(usb_at_once),
        cmocka_unit_test(iwdg_by_option_byte),
        cmocka_unit_test(wwdg_by_option_byte),
        cmocka_unit_test(refused_before_flash_is_touched),
        cmocka_unit_test(unreadable_words),
        cmocka_unit_test(reset_pin_that_bounces),
        cmocka_unit_test(power_lost_in_dfu),
        cmocka_unit_test(equal_halves_of_the_unique_id),
        cmocka_unit_test(host_that_never_asks_after_leave),
        cmocka_unit_test(detach_in_dfu_mode),
        cmocka_unit_test(getstatus_during_an_erase),
        cmocka_unit_test(bus_reset_amid_a_block),
        cmocka_unit_test(unplugged_at_each_block),
        cmocka_unit_test(abort_and_a_second_download),
        cmocka_unit_test(lengths_of_requests),
        cmocka_unit_test(block_numbers_that_jump_or_repeat),
        cmocka_unit_test(upload_past_the_end),
        cmocka_unit_test(set_interface_amid_a_download),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
