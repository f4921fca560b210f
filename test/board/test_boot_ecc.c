/* Flash that cannot be read: a double word with one or two wrong bits, in turn everywhere the bootloader
 * looks: vectors, information block, the image from end to end, all 512 double words of the ledger. Each
 * time the verdict is that of docs/how-it-boots.md and docs/ledger.md, in time, and no trace is left. Faults
 * in the boot path itself. */
#include "bench.h"
#include "board.h"
#include "board/crc32.h"
#include "chip/machine.h"
#include "cutoracle.h"
#include "fwflash.h"

enum { LARGE = 200 * 1024 - 3, SMALL = 1500, INFO_AT = 0x200, ECCR = 0x40022018 };
static uint8_t large[LARGE], packed[LARGE], small[SMALL], other[3000];
static unsigned stride = 1;

/* ---- a board, power off, that each case begins with -------------------------------------- */

struct scene {
    const char *name;
    struct bench *t;
    struct vboard_snapshot *off;
    unsigned records; /* in the ledger at the beginning */
    unsigned cases, refusals, reports;
    uint64_t slowest_start, slowest_refusal;
    uint64_t reset_at, start_at, attached_at; /* of the running case */
};

static void listen(void *arg, const struct vboard_event *e)
{
    struct scene *s = arg;
    if (e->kind == VE_RESET && s->t->resets == 0)
        s->reset_at = e->t;
    if (e->kind == VE_HANDOFF && s->t->handoffs == 0)
        s->start_at = e->t;
    if (e->kind == VE_USB && strcmp(e->name, "attached") == 0 && !s->attached_at)
        s->attached_at = e->t;
    flash_event(s->t, e);
}

static uint32_t crc_of(const uint8_t *bytes, size_t size)
{
    return ~crc32_more(CRC32_START, bytes, size);
}

static void record_at(struct scene *s, unsigned page, unsigned place, const struct co_record *r)
{
    uint8_t bytes[CO_RECORD];
    co_record_bytes(r, bytes);
    assert_true(
        vboard_load_bytes(s->t->board, CO_LEDGER + page * CO_PAGE + place * CO_RECORD, bytes, CO_RECORD));
}

/* `records` records in the ledger, of which a page holds 85: BEGUN and SEALED in turn, `newest` last. The
 * one before the newest SEALED is of another image. */
static struct scene *scene(const char *name, const uint8_t *image, uint32_t size, unsigned records,
                           enum co_type newest)
{
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->name = name;
    s->records = records;
    s->t = board_with(&(struct board_setup){.old = image, .old_size = size});
    vboard_power(s->t->board, false, false);
    vboard_on_event(s->t->board, listen, s);
    for (unsigned i = 0; i < records; i++) {
        unsigned from_end = records - 1 - i;
        bool begun = (from_end % 2 == 1) != (newest == CO_BEGUN);
        struct co_record r = {.type = begun ? CO_BEGUN : CO_SEALED, .sequence = 0xFFFFFFC0U + i};
        if (!begun) {
            r.length = size;
            r.crc = crc_of(image, size) + (from_end > 1);
        }
        record_at(s, i / CO_PLACES, i % CO_PLACES, &r);
    }
    s->off = vboard_save(s->t->board);
    assert_non_null(s->off);
    return s;
}

static void scene_end(struct scene *s)
{
    printf("# %s: %u cases, %u refusals, %u reports read; start within %.2f ms, pull-up within %.2f ms\n",
           s->name, s->cases, s->refusals, s->reports, (double)s->slowest_start / 1e6,
           (double)s->slowest_refusal / 1e6);
    vboard_snapshot_free(s->off);
    bench_end(s->t);
    free(s);
}

/* ---- a case ------------------------------------------------------------------------------ */

static bool decided(void *arg)
{
    const struct scene *s = arg;
    return s->t->handoffs > 0 || usbhost_state(s->t->host) == UH_ADDRESSED;
}

static enum message why(struct scene *s)
{
    char text[128];
    dfu_product(s->t, text);
    for (unsigned m = 1; m < MESSAGE_COUNT; m++)
        if (strstr(text, few_words((enum message)m)))
            return (enum message)m;
    fail_msg("%s: '%s' tells no reason", s->name, text);
    return MESSAGE_COUNT;
}

/* The report names that address as unreadable. */
static void report_names(struct scene *s, uint32_t addr)
{
    char text[1025] = "", line[40];
    uint32_t n = 0;
    assert_int_equal(usbhost_configure(s->t->host, 1), UH_OK);
    assert_int_equal(dfu_command(s->t, 0x21, 0xF0000000), MESSAGE_READY);
    (void)dfu_end(s->t);
    assert_int_equal(usbhost_control(s->t->host, 0xA1, DFU_REQ_UPLOAD, 2, 0, text, 1024, &n), UH_OK);
    (void)snprintf(line, sizeof line, "unreadable: %08X\n", (unsigned)addr);
    if (!strstr(text, line))
        fail_msg("%s: 0x%08x is not in the report: %s", s->name, (unsigned)addr, text);
    s->reports++;
}

/* A download makes everything good again. */
static void heal(struct scene *s, uint32_t addr)
{
    struct dfu_result r = dfu_send(s->t, SLOT, other, sizeof other, false);
    if (!r.ok)
        fail_msg("%s, 0x%08x: then a download: %s (%s)", s->name, (unsigned)addr, r.error, r.string);
    s->t->handoffs = 0;
    if (verdict_after_reset(s->t) != MESSAGE_READY)
        fail_msg("%s, 0x%08x: does not start after a download", s->name, (unsigned)addr);
    expect_flash(s->t, SLOT, other, sizeof other);
}

/* Damages so many bits (0: none) of the double word at addr and powers up; what the board does is left. */
static enum message boot(struct scene *s, uint32_t addr, unsigned bits)
{
    struct bench *t = s->t;
    vboard_restore(t->board, s->off);
    assert_true(!bits || vboard_ecc_damage(t->board, addr, bits));
    t->resets = t->handoffs = 0;
    s->reset_at = s->start_at = s->attached_at = 0;
    vboard_power(t->board, true, false);
    if (vboard_run(t->board, 1000 * MS, decided, s) != VB_CONDITION)
        fail_msg("%s, %u bits at 0x%08x: neither an application nor DFU, pc 0x%08x", s->name, bits,
                 (unsigned)addr, vboard_reg(t->board, 15));
    assert_int_equal(t->resets, 1);
    s->cases++;
    uint64_t took = (t->handoffs ? s->start_at : s->attached_at) - s->reset_at;
    uint64_t limit = t->handoffs ? 8 * MS : 20 * MS;
    uint64_t *slowest = t->handoffs ? &s->slowest_start : &s->slowest_refusal;
    if (took > *slowest)
        *slowest = took;
    if (took > limit)
        fail_msg("%s, %u bits at 0x%08x: %s after %.2f ms", s->name, bits, (unsigned)addr,
                 t->handoffs ? "start" : "pull-up", (double)took / 1e6);
    if (t->handoffs) {
        /* Neither ECCD nor ECCC is left to the application, but for what its own start reads. */
        bool own = bits == 1 && (addr == SLOT || addr == SLOT + 64);
        if (vboard_peek32(t->board, ECCR) >> 24 && !own)
            fail_msg("%s, %u bits at 0x%08x: FLASH_ECCR is 0x%08x at the start", s->name, bits,
                     (unsigned)addr, vboard_peek32(t->board, ECCR));
        return MESSAGE_READY;
    }
    s->refusals++;
    return why(s);
}

static void expect(struct scene *s, uint32_t addr, unsigned bits, enum message expected)
{
    enum message is = boot(s, addr, bits);
    if (is != expected)
        fail_msg("%s, %u bits at 0x%08x: '%s', not '%s'", s->name, bits, (unsigned)addr, message_sentence(is),
                 message_sentence(expected));
    if (is == MESSAGE_UNREADABLE && s->refusals % 8 < 2)
        report_names(s, addr);
    if (is != MESSAGE_READY && s->refusals % (16 * stride) == 0)
        heal(s, addr);
}

/* ---- the slot ---------------------------------------------------------------------------- */

/* Vectors and information block double word by double word, first, middle and last of each page, the last
 * of the image and the one behind it: unreadable gives `inside` (in the vectors, information block: `head`),
 * correctable and behind the image `whole`. */
static void slot(struct scene *s, uint32_t size, enum message head, enum message inside, enum message whole)
{
    uint32_t end = SLOT + size;
    assert_int_equal(boot(s, 0, 0), whole);
    for (uint32_t at = SLOT; at < SLOT + 64; at += 8) {
        expect(s, at, 2, head);
        expect(s, at, 1, whole);
    }
    for (uint32_t at = SLOT + INFO_AT; at < SLOT + INFO_AT + 40; at += 8)
        expect(s, at, 2, inside);
    expect(s, SLOT + INFO_AT + 8, 1, whole);
    for (unsigned i = 1; i < SLOT_ROOM / PAGE; i += stride) {
        static const uint32_t where[] = {0, PAGE / 2, PAGE - 8};
        uint32_t at = SLOT + i * PAGE + where[i / stride % 3];
        for (unsigned k = 0; k < 3 && stride == 1; k++)
            expect(s, SLOT + i * PAGE + where[k], 2, SLOT + i * PAGE + where[k] < end ? inside : whole);
        expect(s, at, 2, at < end ? inside : whole);
        if (i % 4 == 1)
            expect(s, at, 1, whole);
    }
    uint32_t last = (end - 1) & ~7U;
    expect(s, last, 2, inside);
    expect(s, last, 1, whole);
    expect(s, last + 8, 2, whole);
    scene_end(s);
}

static void sealed_image(void **state)
{
    (void)state;
    slot(scene("sealed", large, LARGE, 10, CO_SEALED), LARGE, MESSAGE_UNREADABLE, MESSAGE_UNREADABLE,
         MESSAGE_READY);
}

static void packed_image_without_a_record(void **state)
{
    (void)state;
    slot(scene("packed", packed, LARGE, 0, CO_NONE), LARGE, MESSAGE_UNREADABLE, MESSAGE_UNREADABLE,
         MESSAGE_READY);
}

/* What nobody has sealed is not read as a whole. */
static void image_without_a_record(void **state)
{
    (void)state;
    slot(scene("no record", large, LARGE, 0, CO_NONE), LARGE, MESSAGE_UNREADABLE, MESSAGE_READY,
         MESSAGE_READY);
}

static void unfinished_download(void **state)
{
    (void)state;
    slot(scene("unfinished", large, LARGE, 11, CO_BEGUN), LARGE, MESSAGE_UNFINISHED, MESSAGE_UNFINISHED,
         MESSAGE_UNFINISHED);
}

/* ---- by DFU ------------------------------------------------------------------------------ */

/* In DFU, with the large image in the slot but for its first double word. */
static struct bench *not_started(void)
{
    struct bench *t = board_with(&(struct board_setup){.old = large, .old_size = LARGE});
    assert_true(vboard_ecc_damage(t->board, SLOT, 2));
    vboard_nrst(t->board, MS / 2);
    in_dfu(t);
    return t;
}

/* However often it is asked for, and by however little around it. */
static void uploads_of_unreadable_words(void **state)
{
    (void)state;
    struct bench *t = not_started();
    assert_true(vboard_ecc_damage(t->board, SLOT + 0x1010, 2));
    assert_int_equal(dfu_command(t, 0x21, SLOT + 0x1000), MESSAGE_READY);
    (void)dfu_end(t);
    for (unsigned i = 0; i < 3; i++) {
        uint8_t bytes[32];
        uint32_t n = 0;
        assert_int_equal(usbhost_control(t->host, 0xA1, DFU_REQ_UPLOAD, 2, 0, bytes, sizeof bytes, &n),
                         UH_STALL);
        assert_int_equal(dfu_get(t).message, MESSAGE_UNREADABLE);
        assert_int_equal(dfu_out(t, DFU_REQ_CLRSTATUS, 0, NULL, 0), UH_OK);
    }
    bench_end(t);
}

/* A download over a part of a page, which keeps the rest: what of that cannot be read becomes ones. */
static void parts_beside_unreadable_words(void **state)
{
    (void)state;
    struct bench *t = not_started();
    uint8_t page[PAGE];
    memcpy(page, large, PAGE);
    static const uint32_t at[] = {0x100, 0x178, 0x7F8};
    for (unsigned i = 0; i < 3; i++) {
        assert_true(vboard_ecc_damage(t->board, SLOT + at[i], 2));
        memset(page + at[i], 0xFF, 8);
    }
    memcpy(page, other, 0x100);
    assert_int_equal(dfu_command(t, 0x21, SLOT), MESSAGE_READY);
    assert_int_equal(dfu_block(t, 2, other, 0x100), MESSAGE_READY);
    assert_int_equal(dfu_end(t), MESSAGE_READY);
    expect_flash(t, SLOT, page, PAGE);
    bench_end(t);
}

/* ---- the ledger -------------------------------------------------------------------------- */

/* What the newest record that can be read asks for, if there was one; found by looking at every place. */
static enum message of_the_newest(struct scene *s)
{
    struct co_record r = co_newest(s->t->board, NULL, NULL);
    if (r.type == CO_NONE) /* where a BEGUN alone has been, and cannot be read, something was begun */
        return s->records ? MESSAGE_UNFINISHED : MESSAGE_READY;
    if (r.type == CO_BEGUN)
        return MESSAGE_UNFINISHED;
    return r.length == SMALL && r.crc == crc_of(small, SMALL) ? MESSAGE_READY : MESSAGE_CHANGED;
}

/* Each double word of both pages, at several fills. */
static void ledger(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned records;
        enum co_type newest;
    } fills[] = {
        {"ledger empty", 0, CO_NONE},        {"ledger of one", 1, CO_BEGUN},
        {"ledger half full", 42, CO_SEALED}, {"ledger unfinished", 47, CO_BEGUN},
        {"ledger page full", 85, CO_SEALED}, {"ledger turned", 86, CO_SEALED},
        {"ledger in page 1", 139, CO_BEGUN}, {"ledger all full", 170, CO_SEALED},
    };
    for (unsigned f = 0; f < sizeof fills / sizeof *fills; f++) {
        struct scene *s = scene(fills[f].name, small, SMALL, fills[f].records, fills[f].newest);
        enum message whole = boot(s, 0, 0);
        assert_int_equal(whole, of_the_newest(s));
        for (uint32_t i = f % stride; i < 2 * CO_PAGE / 8; i += stride) {
            uint32_t at = CO_LEDGER + 8 * i;
            vboard_restore(s->t->board, s->off);
            assert_true(vboard_ecc_damage(s->t->board, at, 2));
            /* Damage is drawn anew in boot(), but each two wrong bits are as good as any. */
            enum message expected = of_the_newest(s);
            expect(s, at, 2, expected);
            if (i % 16 == 0)
                expect(s, at, 1, whole);
        }
        scene_end(s);
    }
}

/* A page in which no double word can be read, as a half-done erase may leave it: the other one counts. */
static void ledger_of_noise(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned records, from, to; /* pages that are noise */
        enum co_type newest;
        enum message expected;
    } noises[] = {
        {"noise after a seal", 84, 1, 2, CO_SEALED, MESSAGE_READY},
        {"noise after a begin", 85, 1, 2, CO_BEGUN, MESSAGE_UNFINISHED},
        {"noise before a seal", 170, 0, 1, CO_SEALED, MESSAGE_READY},
        {"nothing but noise", 170, 0, 2, CO_SEALED, MESSAGE_UNFINISHED},
    };
    for (unsigned i = 0; i < sizeof noises / sizeof *noises; i++) {
        struct scene *s = scene(noises[i].name, large, LARGE, noises[i].records, noises[i].newest);
        for (uint32_t at = noises[i].from * CO_PAGE; at < noises[i].to * CO_PAGE; at += 8)
            assert_true(vboard_ecc_damage(s->t->board, CO_LEDGER + at, 2));
        vboard_snapshot_free(s->off);
        s->off = vboard_save(s->t->board);
        assert_non_null(s->off);
        expect(s, CO_LEDGER, 0, noises[i].expected);
        if (noises[i].expected != MESSAGE_READY)
            heal(s, CO_LEDGER);
        scene_end(s);
    }
}

/* ECCR can be wrong after a power cut: an NMI without ECCD while flash is read is one of its own. */
static void nmi_without_a_flag(void **state)
{
    (void)state;
    struct scene *s = scene("NMI without ECCD", large, LARGE, 2, CO_SEALED);
    struct bench *t = s->t;
    vboard_restore(t->board, s->off);
    vboard_power(t->board, true, false);
    bench_run(t, 3 * MS); /* it is at the content */
    assert_int_equal(t->handoffs, 0);
    assert_true(chip_debug_write(board_chip(t->board), 0xE000ED04, 4, 1U << 31)); /* ICSR.NMIPENDSET */
    assert_true(usbhost_wait_attached(t->host, 500 * MS));
    assert_int_equal(why(s), MESSAGE_UNREADABLE);
    scene_end(s);
}

/* ---- faults ------------------------------------------------------------------------------ */

/* Whatever breaks in the boot path, and be it the stack: DFU, and the report says so. A reset more is
 * what it costs, and the next one looks again. */
static void faults(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct scene *s = scene("fault", small, SMALL, 2, CO_SEALED);
        struct bench *t = s->t;
        vboard_restore(t->board, s->off);
        t->resets = t->handoffs = 0;
        vboard_on_event(t->board, NULL, NULL); /* the fault is wanted */
        vboard_power(t->board, true, false);
        for (unsigned n = 0; n < 500; n++)
            assert_int_equal(vboard_step(t->board), VB_TIME);
        assert_int_equal(t->handoffs, 0);
        vboard_set_reg(t->board, i ? 13 : 15, 0x60000000); /* nothing is there (RM0394 "Memory map") */
        assert_true(usbhost_wait_attached(t->host, 500 * MS));
        assert_int_equal(why(s), MESSAGE_FAULT);
        vboard_on_event(t->board, listen, s);
        heal(s, 0);
        scene_end(s);
    }
}

static int prepare(void **state)
{
    (void)state;
    if (getenv("SUREBOOT_QUICK"))
        stride = 8;
    fill_image(large, LARGE, 1);
    fill_image(packed, LARGE, 2);
    fill_image(small, SMALL, 3);
    fill_image(other, sizeof other, 4);
    /* boot/core/image.h: magic, size and flags, version, board, length, CRC without its own four bytes. */
    const uint32_t at = SLOT + INFO_AT;
    uint32_t info[10] = {0x31494253, 40, 0x01000000, 0, LARGE};
    memcpy(packed + 4 * 7, &at, 4);
    memcpy(packed + INFO_AT, info, sizeof info);
    uint32_t crc = crc32_more(CRC32_START, packed, INFO_AT + 20);
    info[5] = ~crc32_more(crc, packed + INFO_AT + 24, LARGE - INFO_AT - 24);
    memcpy(packed + INFO_AT, info, sizeof info);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_image),
        cmocka_unit_test(packed_image_without_a_record),
        cmocka_unit_test(image_without_a_record),
        cmocka_unit_test(unfinished_download),
        cmocka_unit_test(uploads_of_unreadable_words),
        cmocka_unit_test(parts_beside_unreadable_words),
        cmocka_unit_test(ledger),
        cmocka_unit_test(ledger_of_noise),
        cmocka_unit_test(nmi_without_a_flag),
        cmocka_unit_test(faults),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
