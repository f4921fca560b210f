/* Museum of mistakes: power, watchdogs and the flash itself, while the thread's bootloader takes a download.
 */
#include "museum.h"

#define PROJECT "build/firmware/workbench.bin" /* 11 KB, 6 pages */

/* Power fails at the n-th flash operation of a download, and comes back. */
static void cut_at(struct seen *s, unsigned n, enum vboard_cut model)
{
    assert_true(usbhost_wait_attached(s->bench.host, 1000 * MS));
    vboard_cut(s->bench.board, n, model);
    assert_false(send_file(s, PROJECT, true).ok);
    assert_false(vboard_powered(s->bench.board));
    let_run(s, 50);
}

/* "Valid" by its first words: six pages erased, half of the image programmed. */
static void half_a_download(void **state)
{
    (void)state;
    struct seen *s = thread(0);
    cut_at(s, 6 + 700, CUT_BEFORE);
    thread_power(s, 0);
    let_run(s, 1000);
    assert_int_equal(s->bench.handoffs, 1);
    assert_true(s->stuck);
    seen_end(s);

    s = seen_board(BOOT, true);
    vboard_power(s->bench.board, true, false);
    cut_at(s, 6 + 700, CUT_BEFORE);
    vboard_power(s->bench.board, true, false);
    sureboot_stays(s, MESSAGE_UNFINISHED);
    assert_int_equal(s->bench.handoffs, 0);
    assert_true(send_file(s, PROJECT, true).ok);
    assert_int_equal(s->bench.handoffs, 1);
    seen_end(s);
}

/* The word that was being programmed cannot be read: NMI, and CubeMX's handler of it never ends. The board
 * does not even come up as a DFU device any more. */
static void torn_word(void **state)
{
    (void)state;
    struct seen *s = thread(0);
    cut_at(s, 6 + 1, CUT_TORN);
    thread_power(s, 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_false(usbhost_wait_attached(s->bench.host, 1000 * MS));
        uint32_t nmi = bench_address(THREAD, "NMI_Handler") & ~1u;
        assert_in_range(vboard_reg(s->bench.board, 15), nmi, nmi + 4);
        vboard_nrst(s->bench.board, MS);
    }
    assert_int_equal(s->bench.handoffs, 0);
    seen_end(s);

    /* Word after word of the beginning, the ledger's included. */
    for (unsigned n = 1; n < 8; n++) {
        s = seen_board(BOOT, true);
        vboard_power(s->bench.board, true, false);
        cut_at(s, n, CUT_TORN);
        vboard_power(s->bench.board, true, false);
        assert_true(usbhost_wait_attached(s->bench.host, 1000 * MS));
        assert_true(send_file(s, PROJECT, true).ok);
        assert_int_equal(s->bench.handoffs, 1);
        seen_end(s);
    }
}

/* Option bytes: OPTR, and WRP1A over one page (255: none), each with its complement (RM0394 3.4.1). */
static struct seen *with_options(const char *boot, uint32_t optr, uint32_t page)
{
    const uint32_t words[5] = {optr, 0xFFFFFFFF, 0x00FF0000,
                               page == 255 ? 0xFF00FFFF : 0xFF00FF00 | page | page << 16, 0xFF00FFFF};
    uint32_t bytes[10];
    for (unsigned i = 0; i < 5; i++) {
        bytes[2 * i] = words[i];
        bytes[2 * i + 1] = ~words[i];
    }
    struct seen *s = seen_board(boot, true);
    assert_true(vboard_load_bytes(s->bench.board, 0x1FFF7800, bytes, sizeof bytes));
    thread_power(s, 0);
    return s;
}

/* FLASH_SR is not looked at: "File downloaded successfully", and a page of it is not there. */
static void failed_write_reported_as_success(void **state)
{
    (void)state;
    struct seen *s = with_options(THREAD, 0xFFEFF8AA, 9);
    assert_true(send_file(s, PROJECT, true).ok);
    let_run(s, 1000);
    assert_int_equal(vboard_peek32(s->bench.board, SLOT + 0x800), 0xFFFFFFFF);
    assert_int_equal(s->bench.handoffs, 1);
    assert_true(s->stuck);
    seen_end(s);

    s = with_options(BOOT, 0xFFEFF8AA, 9);
    struct dfu_result r = send_file(s, PROJECT, true);
    expect_sentence(&r, MESSAGE_PROTECTED);
    let_run(s, 500);
    assert_int_equal(s->bench.handoffs, 0);
    seen_end(s);
}

/* IWDG by its option byte: 512 ms, and nobody feeds it. 32 pages take longer. */
static void watchdog_during_an_update(void **state)
{
    (void)state;
    static uint8_t large[65536];
    uint32_t size;
    uint8_t *bytes = bench_file(PROJECT, &size);
    memcpy(large, bytes, size);
    free(bytes);
    struct seen *s = with_options(THREAD, 0xFFEEF8AA, 255);
    assert_false(send_bytes(s, large, sizeof large, true).ok);
    unsigned resets = s->bench.resets;
    let_run(s, 3000);
    assert_in_range(s->bench.resets - resets, 4, 6);
    seen_end(s);

    s = with_options(BOOT, 0xFFEEF8AA, 255);
    let_run(s, 3000);
    assert_true(send_bytes(s, large, sizeof large, false).ok);
    let_run(s, 3000);
    assert_true(vboard_watchdog(s->bench.board));
    assert_int_equal(s->bench.resets, 1); /* power-on */
    seen_end(s);
}

int main(void)
{
    const struct CMUnitTest flash[] = {
        cmocka_unit_test(half_a_download),
        cmocka_unit_test(torn_word),
        cmocka_unit_test(failed_write_reported_as_success),
        cmocka_unit_test(watchdog_during_an_update),
    };
    return MUSEUM(flash);
}
