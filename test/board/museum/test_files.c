/* Museum of mistakes: files that are not what goes into flash. The thread's bootloader takes them all. */
#include "board.h"
#include "board/image.h"
#include "chip/machine.h"
#include "museum.h"

/* "File downloaded successfully." What comes then, after its reset. */
static struct seen *taken(uint32_t habits, const void *bytes, uint32_t size)
{
    struct seen *s = thread(habits);
    struct dfu_result r = send_bytes(s, bytes, size, true);
    if (!r.ok)
        fail_msg("%s", r.error);
    s->bench.edges = 0;
    let_run(s, 1000);
    return s;
}

static void runs_behind_it(uint32_t habits, const void *bytes, uint32_t size)
{
    struct seen *s = taken(habits, bytes, size);
    assert_int_equal(s->bench.handoffs, 1);
    bench_expect_blink(&s->bench, 5, 100);
    seen_end(s);
}

/* It stays in DFU, and does not say why; sureboot does. */
static void sent_raw(const char *file, enum message why)
{
    uint32_t size;
    uint8_t *bytes = bench_file(file, &size);
    struct seen *s = taken(0, bytes, size);
    assert_int_equal(s->bench.handoffs, 0);
    bench_expect_blink(&s->bench, 5, 100); /* the bootloader's LED */
    seen_end(s);
    sureboot_refuses(bytes, size, why);
    free(bytes);
}

static void elf_hex_or_dfuse_sent_raw(void **state)
{
    (void)state;
    char dfu[256];
    text_copy(dfu, sizeof dfu, temp("exhibit.dfu"));
    static const char elf[] = FW("exhibit.elf");
    const char *const args[] = {"build/host/sureboot", "pack", elf, "-o", dfu, NULL};
    struct command_result r = command(args, NULL);
    assert_int_equal(r.status, 0);
    command_result_free(&r);
    sent_raw(elf, MESSAGE_ELF_FILE);
    sent_raw(FW("exhibit.hex"), MESSAGE_HEX_FILE);
    sent_raw(dfu, MESSAGE_DFU_FILE);
    inspect_says(elf, 0, 0); /* the application itself is all right */
    inspect_says(dfu, 0, 0);
}

/* The records of a HEX file one after another: what lies behind a gap comes too early. */
static void gap_closed(void **state)
{
    (void)state;
    struct sentence why;
    struct image image;
    uint32_t size;
    uint8_t *whole = bench_file(FW("holed.bin"), &size); /* packed: with its gap */
    if (!image_read(&image, FW("holed.elf"), IMAGE_NO_ADDR, &why))
        fail_msg("%s", why.text);
    assert_int_equal(image.count, 2);
    uint32_t first = image.parts[0].size, gap = image.parts[1].addr - SLOT - first;
    image_free(&image);
    uint8_t *closed = malloc(size);
    assert_non_null(closed);
    memcpy(closed, whole, first);
    memcpy(closed + first, whole + first + gap, size - first - gap);
    file_write(temp("closed.bin"), closed, size - gap);

    struct seen *s = taken(0, closed, size - gap);
    assert_false(s->stuck);
    expect_dark(s);
    runs_behind_it(0, whole, size);

    inspect_says(FW("holed.elf"), 0, FINDING_GAP);
    inspect_says(temp("closed.bin"), 1, MESSAGE_DAMAGED);
    s = seen_board(BOOT, true);
    vboard_power(s->bench.board, true, false);
    struct dfu_result r = send_bytes(s, closed, size - gap, true);
    expect_sentence(&r, MESSAGE_DAMAGED);
    let_run(s, 500);
    assert_int_equal(s->bench.handoffs, 0);
    seen_end(s);
    sureboot_runs(FW("holed.bin"), 100);
    free(closed);
    free(whole);
}

/* A download of the browser that broke off, an unfinished copy: the first 4 KB of 11. */
static void file_cut_short(void **state)
{
    (void)state;
    uint32_t size;
    uint8_t *bytes = bench_file("build/firmware/workbench.bin", &size);
    struct seen *s = taken(0, bytes, 4096);
    assert_int_equal(s->bench.handoffs, 1);
    assert_true(s->stuck);
    seen_end(s);
    file_write(temp("cut.bin"), bytes, 4096);
    inspect_says(temp("cut.bin"), 1, MESSAGE_DAMAGED);
    s = seen_board(BOOT, true);
    vboard_power(s->bench.board, true, false);
    struct dfu_result r = send_bytes(s, bytes, 4096, true);
    expect_sentence(&r, MESSAGE_DAMAGED);
    let_run(s, 500);
    assert_int_equal(s->bench.handoffs, 0);
    seen_end(s);
    free(bytes);

    /* Nobody has packed this one, and the beginning of it looks right. */
    bytes = bench_file("build/firmware/blink.bin", &size);
    s = taken(0, bytes, 100);
    assert_int_equal(s->bench.handoffs, 1);
    assert_true(s->stuck);
    seen_end(s);
    s = seen_board(BOOT, true);
    vboard_power(s->bench.board, true, false);
    r = send_bytes(s, bytes, 100, true);
    expect_sentence(&r, MESSAGE_NOT_DONE);
    let_run(s, 500);
    assert_int_equal(s->bench.handoffs, 0);
    seen_end(s);
    free(bytes);
}

/* A board with this bootloader and an application, which has asked for DFU. Then a new one, to another
 * address. */
static struct dfu_result to_another_address(struct seen *s)
{
    static const uint32_t writes[][2] = {
        {0x40021058, 1u << 28 | 1u << 10}, {0x40007000, 0x300}, {BKP5R, DFU_FLAG}}; /* clocks, DBP */
    uint32_t size;
    uint8_t *bytes = bench_file("build/firmware/blink.bin", &size);
    vboard_power(s->bench.board, true, false);
    assert_true(send_file(s, FW("holed.bin"), true).ok);
    let_run(s, 100);
    s->writes = 0;
    assert_int_equal(s->bench.handoffs, 1);
    for (unsigned i = 0; i < 3; i++)
        assert_true(chip_debug_write(board_chip(s->bench.board), writes[i][0], 4, writes[i][1]));
    vboard_nrst(s->bench.board, MS);
    const struct dfu_element element = {SLOT + 0x4000, bytes, size};
    const struct dfu_job job = {
        .elements = &element, .element_count = 1, .leave = true, .limit_ns = 60000 * MS};
    struct dfu_result r;
    dfu_run(s->bench.host, &job, &r);
    free(bytes);
    return r;
}

static void sent_to_another_address(void **state)
{
    (void)state;
    struct seen *s = seen_board(THREAD, true);
    struct dfu_result r = to_another_address(s);
    if (!r.ok)
        fail_msg("%s", r.error);
    s->bench.edges = 0;
    let_run(s, 1000);
    assert_int_equal(s->bench.handoffs, 2);
    bench_expect_blink(&s->bench, 5, 100); /* still the old one */
    seen_end(s);
    s = seen_board(BOOT, true);
    r = to_another_address(s);
    expect_sentence(&r, MESSAGE_PART);
    assert_int_equal(s->writes, 0);
    seen_end(s);
}

/* 1025 bytes, written as 128 double words. */
static void odd_last_byte_dropped(void **state)
{
    (void)state;
    uint32_t size;
    uint8_t *bytes = bench_file(FW("trailer.bin"), &size);
    assert_in_range(size, 1, 1024);
    memset(bytes + size, 0xFF, 1024 - size);
    bytes[1024] = 0xA5;
    struct seen *s = taken(DROPS_REST, bytes, 1025);
    assert_false(s->stuck);
    expect_dark(s);
    runs_behind_it(0, bytes, 1025);
    file_write(temp("odd.bin"), bytes, 1025);
    sureboot_runs(temp("odd.bin"), 100);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest files[] = {
        cmocka_unit_test(elf_hex_or_dfuse_sent_raw),
        cmocka_unit_test(gap_closed),
        cmocka_unit_test(file_cut_short),
        cmocka_unit_test(sent_to_another_address),
        cmocka_unit_test(odd_last_byte_dropped),
    };
    return MUSEUM(files);
}
