/* Writing that fails: worn cells, protected pages, on the first, a middle and the last page, with and
 * without leave. The host must hear of it, and nothing of it may start. And what is unusual but right: odd
 * lengths, single bytes, unaligned addresses, blocks out of order or twice, a file up to the slot's end. */
#include "bench.h"
#include "fwflash.h"

enum { PAGES = 5, SIZE = PAGES * PAGE - 100 };
static uint8_t old[SIZE], image[SIZE];

static int fill(void **state)
{
    (void)state;
    fill_image(old, SIZE, 1);
    fill_image(image, SIZE, 2);
    old[0] = 1; /* no stack pointer: DFU is served */
    return 0;
}

static const struct {
    const char *where;
    uint32_t addr;
} places[] = {
    {"first page", SLOT + 0x48},
    {"middle page", SLOT + 2 * PAGE + 1024},
    {"last page", SLOT + (PAGES - 1) * PAGE + 1000},
};

/* What dfu-util would make of a download to such a chip. */
static void fails(const char *option, unsigned status, enum message message)
{
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned leave = 0; leave < 2; leave++) {
            char value[16];
            (void)snprintf(value, sizeof value, "0x%08x", places[i].addr);
            struct bench *t = board_with(&(struct board_setup){{option, value}, old, SIZE, NULL});
            struct dfu_result r = dfu_send(t, SLOT, image, SIZE, leave);
            if (r.ok || r.status != (int)status || strcmp(r.string, message_sentence(message)) != 0)
                fail_msg("%s, %s, leave %u: ok %d, status %d, '%s', not %u, '%s'", option, places[i].where,
                         leave, r.ok, r.status, r.string, status, message_sentence(message));
            assert_int_equal(t->handoffs, 0);
            assert_int_equal(verdict_after_reset(t), MESSAGE_UNFINISHED);
            bench_end(t);
        }
    }
}

static void programming_fails(void **state)
{
    (void)state;
    fails("weak-low", 6, MESSAGE_PROGRAM);
}

static void reading_back_fails(void **state)
{
    (void)state;
    fails("weak-high", 7, MESSAGE_VERIFY);
}

static void erasing_fails(void **state)
{
    (void)state;
    fails("weak-fails", 4, MESSAGE_ERASE);
}

/* On blank flash nothing has to be erased, until programming fails. */
static void blank_flash_fails(void **state)
{
    (void)state;
    static const struct {
        const char *option;
        unsigned status;
    } kinds[] = {{"weak-high", 7}, {"weak-fails", 4}};
    for (unsigned k = 0; k < 2; k++) {
        for (unsigned i = 0; i < 3; i++) {
            char value[16];
            (void)snprintf(value, sizeof value, "0x%08x", places[i].addr);
            struct bench *t = board_with(&(struct board_setup){{kinds[k].option, value}, NULL, 0, NULL});
            struct dfu_result r = dfu_send(t, SLOT, image, SIZE, i == 1);
            if (r.ok || r.status != (int)kinds[k].status)
                fail_msg("%s, %s: ok %d, status %d", kinds[k].option, places[i].where, r.ok, r.status);
            assert_int_equal(verdict_after_reset(t), MESSAGE_UNFINISHED);
            bench_end(t);
        }
    }
}

/* WRP1A over these pages of flash, WRP1B over none. */
static void protect(uint8_t options[40], unsigned first, unsigned last)
{
    const uint32_t words[5] = {0xFFEFF8AA, 0xFFFFFFFF, 0x00FF0000, 0xFF00FF00 | first | last << 16,
                               0xFF00FFFF};
    uint32_t all[10];
    for (unsigned i = 0; i < 5; i++) {
        uint32_t word = i == 3 ? 0xFF00FF00 | last << 16 | first : words[i];
        all[2 * i] = word;
        all[2 * i + 1] = ~word;
    }
    memcpy(options, all, 40);
}

/* Refused when the page is to be erased: before anything else has been touched. */
static void protected_pages(void **state)
{
    (void)state;
    uint8_t options[40];
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned leave = 0; leave < 2; leave++) {
            unsigned page = (places[i].addr - 0x08000000) / PAGE;
            protect(options, page, i == 2 ? 125 : page);
            struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, old, SIZE, options});
            struct dfu_result r = dfu_send(t, SLOT, image, SIZE, leave);
            if (r.ok || r.status != 3 || strcmp(r.string, message_sentence(MESSAGE_PROTECTED)) != 0)
                fail_msg("%s: ok %d, status %d, '%s'", places[i].where, r.ok, r.status, r.string);
            assert_int_equal(vboard_flash_ops(t->board), 0);
            expect_flash(t, SLOT, old, SIZE);
            bench_end(t);
        }
    }
}

/* With pages 126 and 127 protected no download can be recorded, so none is begun. */
static void protected_ledger(void **state)
{
    (void)state;
    uint8_t options[40];
    protect(options, 126, 127);
    struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, old, SIZE, options});
    struct dfu_result r = dfu_send(t, SLOT, image, SIZE, true);
    assert_false(r.ok);
    assert_string_equal(r.string, message_sentence(MESSAGE_LEDGER));
    expect_flash(t, SLOT, old, SIZE);
    bench_end(t);
}

/* PCROP over a page of a sealed image, the first one aside: its CRC can be taken no more, so it is another.
 */
static void unreadable_pages(void **state)
{
    (void)state;
    uint8_t options[40];
    for (unsigned i = 1; i < 3; i++) {
        const unsigned first = (places[i].addr - 0x08000000) / PAGE * (PAGE / 8), last = first + PAGE / 8 - 1;
        const uint32_t pcrop[4] = {0xFFFF0000 | first, 0xFFFF & ~first, 0x80FF0000 | last,
                                   0x7F00FFFF & ~last};
        struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, old, SIZE, NULL});
        assert_true(dfu_send(t, SLOT, image, SIZE, false).ok);
        assert_int_equal(verdict_after_reset(t), MESSAGE_READY);
        protect(options, 127, 0);
        memcpy(options + 8, pcrop, sizeof pcrop);
        vboard_power(t->board, false, true);
        assert_true(vboard_load_bytes(t->board, 0x1FFF7800, options, sizeof options));
        vboard_power(t->board, true, true);
        assert_int_equal(verdict_after_reset(t), MESSAGE_CHANGED);
        bench_end(t);
    }
}

/* A worn place in the ledger is given up for the next one. */
static void worn_ledger(void **state)
{
    (void)state;
    static const char *const kinds[] = {"weak-high", "weak-fails"};
    for (unsigned k = 0; k < 2; k++) {
        struct bench *t = board_with(&(struct board_setup){{kinds[k], "0x0803F008"}, old, SIZE, NULL});
        struct dfu_result r = dfu_send(t, SLOT, image, SIZE, false);
        if (!r.ok)
            fail_msg("%s: %s (%s)", kinds[k], r.error, r.string);
        assert_int_equal(verdict_after_reset(t), MESSAGE_READY);
        bench_end(t);
    }
}

/* ---- unusual, and right ------------------------------------------------------------------ */

static void lengths(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {66,   67,   68,   69,   70,   71,   72,   73,   74,   2047, 2048,
                                     2049, 4095, 4096, 4097, 6143, 6145, 2050, 2051, 2052, 2053, 2054};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        static uint8_t bytes[8192], past[8];
        fill_image(bytes, sizes[i], 3);
        struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, old, SIZE, NULL});
        struct dfu_result r = dfu_send(t, SLOT, bytes, sizes[i], false);
        if (!r.ok)
            fail_msg("%u bytes: %s", sizes[i], r.error);
        expect_flash(t, SLOT, bytes, sizes[i]);
        memset(past, 0xFF, sizeof past);
        expect_flash(t, SLOT + sizes[i], past, (8 - sizes[i] % 8) % 8);
        assert_int_equal(verdict_after_reset(t), MESSAGE_READY);
        bench_end(t);
    }
}

/* Too little to tell what it is: kept, and never started. */
static void one_byte(void **state)
{
    (void)state;
    static const uint8_t byte = 0x42;
    struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, old, SIZE, NULL});
    struct dfu_result r = dfu_send(t, SLOT, &byte, 1, false);
    assert_false(r.ok);
    assert_int_not_equal(verdict_after_reset(t), MESSAGE_READY);
    bench_end(t);
}

static void the_whole_slot_and_one_more(void **state)
{
    (void)state;
    static uint8_t bytes[SLOT_ROOM + 1];
    fill_image(bytes, sizeof bytes, 4);
    struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, old, SIZE, NULL});
    struct dfu_result r = dfu_send(t, SLOT, bytes, SLOT_ROOM, false);
    if (!r.ok)
        fail_msg("%s", r.error);
    expect_flash(t, SLOT, bytes, SLOT_ROOM);
    assert_int_equal(verdict_after_reset(t), MESSAGE_READY);
    bench_end(t);

    t = board_with(&(struct board_setup){{NULL, NULL}, old, SIZE, NULL});
    r = dfu_send(t, SLOT, bytes, SLOT_ROOM + 1, true);
    assert_false(r.ok);
    assert_int_equal(t->handoffs, 0);
    assert_int_not_equal(verdict_after_reset(t), MESSAGE_READY);
    /* And block by block, by a host that does not look at the layout. */
    assert_int_equal(dfu_command(t, 0x21, SLOT_LAST - 2047), MESSAGE_READY);
    assert_int_equal(dfu_block(t, 2, bytes + 2048, 2048), MESSAGE_READY);
    assert_int_equal(dfu_block(t, 3, bytes + 2048, 1), MESSAGE_TOO_LARGE);
    assert_int_equal(dfu_out(t, DFU_REQ_CLRSTATUS, 0, NULL, 0), UH_OK);
    assert_int_equal(dfu_command(t, 0x21, SLOT_LAST), MESSAGE_READY);
    assert_int_equal(dfu_block(t, 2, bytes + 2048, 2), MESSAGE_TOO_LARGE);
    bench_end(t);
}

static struct bench *begin(uint32_t pages)
{
    struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, old, SIZE, NULL});
    in_dfu(t);
    for (uint32_t i = 0; i < pages; i++)
        assert_int_equal(dfu_command(t, 0x41, SLOT + i * PAGE), MESSAGE_READY);
    return t;
}

static void put(struct bench *t, uint32_t offset, uint32_t size)
{
    assert_int_equal(dfu_command(t, 0x21, SLOT + offset), MESSAGE_READY);
    assert_int_equal(dfu_block(t, 2, image + offset, (uint16_t)size), MESSAGE_READY);
}

static void expect_image(struct bench *t, uint32_t size)
{
    assert_int_equal(dfu_end(t), MESSAGE_READY);
    expect_flash(t, SLOT, image, size);
    assert_int_equal(verdict_after_reset(t), MESSAGE_READY);
    bench_end(t);
}

static void pieces_at_any_address(void **state)
{
    (void)state;
    struct bench *t = begin(2);
    uint32_t at = 0;
    for (unsigned i = 0; at < 3000; i++) {
        uint32_t size = 1 + (i * 37 + 7) % 113;
        size = size < 3000 - at ? size : 3000 - at;
        put(t, at, size);
        at += size;
    }
    expect_image(t, 3000);
}

static void single_bytes(void **state)
{
    (void)state;
    struct bench *t = begin(1);
    for (uint32_t i = 0; i < 80; i++)
        put(t, i, 1);
    expect_image(t, 80);
}

/* Double words of all ones are not programmed, so only the erase renews them, and that the data cache does
 * not notice (RM0394 "FLASH main features"). What was there was looked at just before. */
static void ones_over_what_is_cached(void **state)
{
    (void)state;
    static uint8_t ones[SIZE];
    memcpy(ones, image, SIZE);
    for (uint32_t page = 0; page < PAGES; page++)
        memset(ones + page * PAGE + 72, 0xFF, 40);
    struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, old, SIZE, NULL});
    struct dfu_result r = dfu_send(t, SLOT, ones, SIZE, false);
    if (!r.ok)
        fail_msg("%s (%s)", r.error, r.string);
    expect_flash(t, SLOT, ones, SIZE);
    /* An erase for each page, BEGUN and SEALED: nothing was done twice. */
    uint64_t programs = 0;
    for (uint32_t i = 0; i < SIZE; i += 8)
        programs += memcmp(ones + i, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", SIZE - i < 8 ? SIZE - i : 8) != 0;
    assert_int_equal(vboard_flash_ops(t->board), PAGES + programs + 6);
    bench_end(t);
}

/* Where nothing but blank double words differs nothing is erased, and only they are programmed. */
static void only_what_is_missing(void **state)
{
    (void)state;
    static uint8_t before[SIZE];
    memcpy(before, image, SIZE);
    memset(before, 0xFF, 8);                          /* DFU is served */
    for (uint32_t page = 0; page < PAGES - 1; page++) /* the last one is the same */
        memset(before + page * PAGE + 1000, 0xFF, 8 * page);
    struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, before, SIZE, NULL});
    struct dfu_result r = dfu_send(t, SLOT, image, SIZE, false);
    if (!r.ok)
        fail_msg("%s (%s)", r.error, r.string);
    expect_flash(t, SLOT, image, SIZE);
    assert_int_equal(vboard_flash_ops(t->board), 1 + (1 + 2 + 3) + 6);
    bench_end(t);
}

static void out_of_order(void **state)
{
    (void)state;
    static const uint8_t order[] = {4, 1, 3, 0, 2};
    struct bench *t = begin(PAGES);
    for (unsigned i = 0; i < PAGES; i++)
        put(t, order[i] * PAGE, order[i] == 4 ? SIZE - 4 * PAGE : PAGE);
    expect_image(t, SIZE);
    /* Within a page, half by half. */
    t = begin(2);
    put(t, 1024, 1024);
    put(t, 3072, 1000);
    put(t, 0, 1024);
    put(t, 2048, 1024);
    expect_image(t, 4072);
}

/* The later data counts; across pages too. */
static void overlapping(void **state)
{
    (void)state;
    struct bench *t = begin(3);
    uint8_t other[2048];
    memset(other, 0x5A, sizeof other);
    put(t, 0, 2048);
    assert_int_equal(dfu_command(t, 0x21, SLOT + 1000), MESSAGE_READY);
    assert_int_equal(dfu_block(t, 2, other, 2048), MESSAGE_READY);
    put(t, 2048, 2048);
    put(t, 999, 1700);
    put(t, 4096, 77);
    expect_image(t, 4096 + 77);
}

/* USB is served while pages are completed and compared: every SETUP finds an answer within three transactions
 * of a tenth of a millisecond. The slowest page is one that is there but for its last, blank words. */
static void usb_is_served_meanwhile(void **state)
{
    (void)state;
    static uint8_t nearly[SIZE];
    uint8_t words[64], text[18];
    const uint32_t end = 3 * PAGE;
    memcpy(nearly, old, SIZE);
    memset(nearly + end - 64, 0xFF, 64);
    struct bench *t = board_with(&(struct board_setup){{NULL, NULL}, nearly, SIZE, NULL});
    in_dfu(t);
    memset(words, 0xFF, sizeof words);
    for (unsigned round = 0; round < 8; round++) {
        uint16_t size = (uint16_t)(64 - 8 * round);
        assert_int_equal(dfu_command(t, 0x21, SLOT + end - size), MESSAGE_READY);
        memset(words, 0x11, 8);
        assert_int_equal(dfu_out(t, DFU_REQ_DNLOAD, 2, words, size), UH_OK);
        for (unsigned i = 0; i < 20; i++) {
            int status = usbhost_control(t->host, 0x80, 6, 0x0100, 0, text, 18, NULL);
            if (status != UH_OK)
                fail_msg("round %u, request %u: %d", round, i, status);
        }
        struct dfu_is s = dfu_get(t);
        while (s.state == DFU_DNBUSY)
            s = dfu_get(t);
        assert_int_equal(s.state, DFU_DNLOAD_IDLE);
        bench_run(t, 30 * MS);
        expect_flash(t, SLOT + end - size, words, size);
    }
    expect_flash(t, SLOT, nearly, end - 64);
    bench_end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programming_fails),
        cmocka_unit_test(reading_back_fails),
        cmocka_unit_test(erasing_fails),
        cmocka_unit_test(blank_flash_fails),
        cmocka_unit_test(protected_pages),
        cmocka_unit_test(protected_ledger),
        cmocka_unit_test(unreadable_pages),
        cmocka_unit_test(worn_ledger),
        cmocka_unit_test(lengths),
        cmocka_unit_test(one_byte),
        cmocka_unit_test(the_whole_slot_and_one_more),
        cmocka_unit_test(pieces_at_any_address),
        cmocka_unit_test(single_bytes),
        cmocka_unit_test(ones_over_what_is_cached),
        cmocka_unit_test(only_what_is_missing),
        cmocka_unit_test(out_of_order),
        cmocka_unit_test(overlapping),
        cmocka_unit_test(usb_is_served_meanwhile),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
