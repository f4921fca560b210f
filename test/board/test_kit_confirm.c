/* Confirmation: what an image that wants it is allowed without, what the application writes to the ledger,
 * and what power cuts do to that. */
#include "board.h"
#include "chip/machine.h"
#include "kitbench.h"

#define BIN    "build/test/fw/kit.bin"
#define LEDGER 0x0803F000u

struct record {
    uint16_t magic;
    uint8_t type, starts;
    uint32_t sequence, length, crc, version, check;
};
enum { SEALED = 2, START = 3, CONFIRMED = 4 };

static uint32_t crc32(const void *data, size_t size)
{
    const uint8_t *at = data;
    uint32_t crc = 0xFFFFFFFF;
    while (size-- > 0) {
        crc ^= *at++;
        for (unsigned i = 0; i < 8; i++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return ~crc;
}

/* The newest whole record of both pages. */
static struct record newest(struct kit *k)
{
    struct record r, last = {0};
    for (uint32_t place = 0; place < 2 * 85; place++) {
        uint32_t at = LEDGER + place / 85 * 0x800 + place % 85 * 24;
        assert_true(vboard_peek(k->bench.board, at, &r, sizeof r));
        if (r.magic == 0x5B1E && r.sequence > last.sequence && r.check == crc32(&r, 20))
            last = r;
    }
    return last;
}

/* Downloaded, sealed, started for the first time. */
static struct kit *downloaded(void)
{
    struct kit *k = kit_start(BOOT, KIT, false, true);
    kit_expect_dfu(k, "blank");
    kit_download(k, BIN);
    bench_run(&k->bench, 20 * MS);
    assert_int_equal(k->bench.handoffs, 1);
    return k;
}

static void reset(struct kit *k)
{
    vboard_nrst(k->bench.board, MS);
    bench_run(&k->bench, 50 * MS);
}

static void expect_refused(struct kit *k, unsigned handoffs)
{
    reset(k);
    assert_int_equal(k->bench.handoffs, handoffs);
    kit_expect_dfu(k, "after three starts");
    const char *text = kit_dfu_report(k);
    if (!strstr(text, "verdict: Not confirmed: three starts"))
        fail_msg("report: %s", text);
}

static void three_starts_without(void **state)
{
    (void)state;
    struct kit *k = downloaded();
    for (unsigned n = 1; n <= 3; n++) {
        assert_int_equal(newest(k).type, START);
        assert_int_equal(newest(k).starts, n);
        assert_int_equal(vboard_peek32(k->bench.board, MAILBOX + 16), n); /* the application is told */
        if (n < 3)
            reset(k);
    }
    expect_refused(k, 3);
    /* A new download starts afresh. */
    kit_download(k, BIN);
    bench_run(&k->bench, 20 * MS);
    assert_int_equal(k->bench.handoffs, 4);
    kit_end(k);
}

/* From everywhere it can be said, and then it holds for ever. */
static void confirmed_from_everywhere(void **state)
{
    (void)state;
    for (uint32_t where = MAIN; where < WHERES; where++) {
        struct kit *k = downloaded();
        kit_order(k, CONFIRM, where);
        bench_run(&k->bench, 10 * MS);
        struct record r = newest(k);
        if (kit_variable(k, "done") != 1 || kit_variable(k, "result") != 1 || r.type != CONFIRMED ||
            k->faults)
            fail_msg("%s: %u done, result %u, record %u", wheres[where], kit_variable(k, "done"),
                     kit_variable(k, "result"), r.type);
        assert_int_equal(r.starts, 0);
        assert_int_equal(r.sequence, 4); /* BEGUN, SEALED, START, CONFIRMED */
        assert_int_equal(vboard_peek32(k->bench.board, 0x40022014), 0xC0000000); /* FLASH_CR is locked */
        uint32_t used = k->bench.handoffs;
        for (unsigned n = 1; n <= 5; n++) {
            reset(k);
            assert_int_equal(k->bench.handoffs, used + n);
        }
        assert_int_equal(newest(k).sequence, 4); /* starts cost nothing any more */
        kit_order(k, CONFIRM, MAIN);             /* nor does another confirmation */
        bench_run(&k->bench, 10 * MS);
        assert_int_equal(kit_variable(k, "result"), 1);
        assert_int_equal(newest(k).sequence, 4);
        kit_end(k);
    }
}

/* Not in voltage range 2, where flash cannot be programmed: but afterwards. */
static void not_in_range_2(void **state)
{
    (void)state;
    enum { RCC_APB1ENR1 = 0x40021058, PWR_CR1 = 0x40007000 };
    struct kit *k = downloaded();
    struct chip *c = board_chip(k->bench.board);
    uint32_t enabled = vboard_peek32(k->bench.board, RCC_APB1ENR1);
    assert_true(chip_debug_write(c, RCC_APB1ENR1, 4, enabled | 1U << 28));
    assert_true(chip_debug_write(c, PWR_CR1, 4, 2U << 9));
    kit_order(k, CONFIRM, MAIN);
    bench_run(&k->bench, 10 * MS);
    assert_int_equal(kit_variable(k, "result"), 0);
    assert_int_equal(newest(k).type, START);
    assert_true(chip_debug_write(c, PWR_CR1, 4, 1U << 9));
    kit_order(k, CONFIRM, MAIN);
    bench_run(&k->bench, 10 * MS);
    assert_int_equal(kit_variable(k, "result"), 1);
    assert_int_equal(newest(k).type, CONFIRMED);
    kit_end(k);
}

/* A debugger puts another packed image where one was that is confirmed, or was started once: its starts are
 * counted from one on, with its own length and CRC. */
static void replaced(bool confirmed)
{
    static uint8_t image[16384];
    struct kit *k = downloaded();
    struct vboard *b = k->bench.board;
    if (confirmed)
        kit_order(k, CONFIRM, MAIN);
    bench_run(&k->bench, 10 * MS);
    struct record old = newest(k);
    assert_int_equal(old.type, confirmed ? CONFIRMED : START);

    uint32_t info = vboard_peek32(b, SLOT + 4 * 7), length = old.length + 8;
    assert_in_range(length, 64, sizeof image);
    assert_true(vboard_poke(b, info + 16, &length, 4));
    assert_true(vboard_peek(b, SLOT, image, length));
    uint32_t hole = info + 20 - SLOT; /* its own four bytes are left out of the CRC */
    image[hole + 4] ^= 1;             /* the name */
    uint8_t name = image[hole + 4];
    memmove(image + hole, image + hole + 4, length - hole - 4);
    uint32_t crc = crc32(image, length - 4);
    assert_true(vboard_poke(b, info + 20, &crc, 4));
    assert_true(vboard_poke(b, info + 24, &name, 1));
    assert_true(vboard_peek(b, SLOT, image, length));

    unsigned handoffs = k->bench.handoffs;
    for (unsigned n = 1; n <= 3; n++) {
        reset(k);
        struct record r = newest(k);
        assert_int_equal(k->bench.handoffs, handoffs + n);
        assert_int_equal(r.type, START);
        assert_int_equal(r.starts, n);
        assert_int_equal(r.length, length);
        assert_int_equal(r.crc, crc32(image, length));
        assert_int_not_equal(r.crc, old.crc);
    }
    expect_refused(k, handoffs + 3);
    kit_end(k);
}

static void replaced_by_a_debugger(void **state)
{
    (void)state;
    replaced(false);
    replaced(true);
}

/* Power fails at each of its three double words, in each way: the chip starts, and counts or is confirmed. */
static void power_cuts(void **state)
{
    (void)state;
    static const enum vboard_cut models[] = {CUT_BEFORE, CUT_AFTER, CUT_TORN};
    unsigned confirmed = 0, cases = 0;
    struct kit *k = downloaded();
    struct vboard *b = k->bench.board;
    kit_order(k, CONFIRM, WAITING);
    struct vboard_snapshot *s = vboard_save(b);
    assert_non_null(s);
    for (unsigned word = 1; word <= 3; word++) {
        for (unsigned m = 0; m < 3; m++) {
            for (unsigned seed = 0; seed < (models[m] == CUT_TORN ? 8u : 1u); seed++) {
                vboard_restore(b, s);
                bench_run(&k->bench, seed * 7919 + 1); /* torn words differ by the time of the cut */
                vboard_cut(b, word, models[m]);
                kit_order(k, CONFIRM, MAIN);
                assert_int_equal(vboard_run(b, 20 * MS, NULL, NULL), VB_OFF);
                vboard_power(b, true, true);
                unsigned before = k->bench.handoffs;
                bench_run(&k->bench, 50 * MS);
                assert_int_equal(k->bench.handoffs, before + 1);
                struct record r = newest(k);
                cases++;
                if (r.type == CONFIRMED) {
                    confirmed++;
                    assert_true(word == 3 && models[m] != CUT_BEFORE);
                } else {
                    assert_int_equal(r.type, START);
                    assert_int_equal(r.starts, 2);
                    assert_false(word == 3 && models[m] == CUT_AFTER);
                }
                kit_order(k, CONFIRM, MAIN); /* again, now undisturbed */
                bench_run(&k->bench, 10 * MS);
                assert_int_equal(newest(k).type, CONFIRMED);
                reset(k);
                assert_int_equal(k->bench.handoffs, before + 2);
            }
        }
    }
    print_message("# %u cuts, %u of them after the record was whole\n", cases, confirmed);
    assert_true(confirmed > 0 && confirmed < cases);
    vboard_snapshot_free(s);
    kit_end(k);
}

/* Somebody has flash unlocked: hands off, and say so. */
static void not_while_flash_is_in_use(void **state)
{
    (void)state;
    struct kit *k = downloaded();
    kit_order(k, CONFIRM, FLASH_OPEN);
    bench_run(&k->bench, 10 * MS);
    assert_int_equal(kit_variable(k, "done"), 1);
    assert_int_equal(kit_variable(k, "result"), 0);
    assert_int_equal(newest(k).type, START);
    kit_end(k);
}

/* Power cuts have used up the ledger's page: the start is not counted, and cannot be confirmed. */
static void no_place_is_left(void **state)
{
    (void)state;
    static const uint8_t zeros[24];
    struct kit *k = downloaded();
    assert_int_equal(newest(k).type, START);
    for (uint32_t place = 3; place < 85; place++)
        assert_true(vboard_poke(k->bench.board, LEDGER + place * 24, zeros, sizeof zeros));
    reset(k);
    assert_int_equal(k->bench.handoffs, 2);
    uint64_t ops = vboard_flash_ops(k->bench.board);
    kit_order(k, CONFIRM, MAIN);
    bench_run(&k->bench, 10 * MS);
    assert_int_equal(kit_variable(k, "done"), 1);
    assert_int_equal(kit_variable(k, "result"), 0);
    assert_int_equal(vboard_flash_ops(k->bench.board), ops);
    kit_end(k);
}

/* A mailbox that does not tell the truth makes nobody write elsewhere. */
static void a_damaged_mailbox_writes_nothing(void **state)
{
    (void)state;
    struct kit *k = downloaded();
    uint32_t at = 0x08004000;
    assert_true(vboard_poke(k->bench.board, MAILBOX + 20, &at, 4));
    uint64_t ops = vboard_flash_ops(k->bench.board);
    kit_order(k, CONFIRM, MAIN);
    bench_run(&k->bench, 10 * MS);
    assert_int_equal(kit_variable(k, "done"), 1);
    assert_int_equal(vboard_flash_ops(k->bench.board), ops);
    kit_end(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_starts_without), cmocka_unit_test(confirmed_from_everywhere),
        cmocka_unit_test(not_in_range_2),       cmocka_unit_test(replaced_by_a_debugger),
        cmocka_unit_test(power_cuts),           cmocka_unit_test(not_while_flash_is_in_use),
        cmocka_unit_test(no_place_is_left),     cmocka_unit_test(a_damaged_mailbox_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
