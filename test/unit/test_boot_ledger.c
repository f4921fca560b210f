/* The ledger: format, search, turning of pages, and what a power cut at any operation leaves. */
#include "cmocka_first.h"

#include "boot/core/ledger.h"
#include "fakeport.h"
#include <stdlib.h>
#include <string.h>

static struct ledger ledger;

static int setup(void **state)
{
    (void)state;
    fake_init();
    ledger_find(&ledger);
    return 0;
}

/* Appends and carries out what that takes. False: the ledger gave up, or power ended. */
static bool append(enum ledger_type type, uint32_t length, unsigned starts)
{
    struct ledger_append a;
    struct ledger_record r = {
        .type = (uint8_t)type, .starts = (uint8_t)starts, .length = length, .crc = ~length};
    ledger_append(&a, &ledger, &r);
    for (bool ok = true; !fake.off;) {
        switch (ledger_append_next(&a, ok)) {
        case LEDGER_DONE: return true;
        case LEDGER_FAILED: return false;
        case LEDGER_ERASE: port_flash_erase(a.addr); break;
        case LEDGER_PROGRAM: port_flash_program(a.addr, a.data, a.size); break;
        }
        ok = true;
        while (fake.busy && !fake.off) {
            unsigned before = fake.operations;
            fake_step();
            ok = fake.operations != before; /* the fake counts what succeeded */
        }
    }
    return false;
}

static bool same(const struct ledger_record *a, const struct ledger_record *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void blank_ledger_holds_nothing(void **state)
{
    (void)state;
    assert_int_equal(ledger.newest.type, LEDGER_NONE);
    assert_int_equal(ledger.next, 0);
    assert_false(ledger.torn);
}

/* Byte for byte as docs/ledger.md has it. */
static void format(void **state)
{
    (void)state;
    assert_true(append(LEDGER_SEALED, 0x11223344, 0));
    const uint8_t *p = fake.flash + (LEDGER_ADDR - FLASH_ADDR);
    const uint8_t expect[20] = {0x1E, 0x5B, 2,    0,    1,    0,    0, 0, 0x44, 0x33,
                                0x22, 0x11, 0xBB, 0xCC, 0xDD, 0xEE, 0, 0, 0,    0};
    assert_memory_equal(p, expect, sizeof expect);
    uint32_t check = fake_crc(0, p, 20);
    assert_memory_equal(p + 20, &check, 4);
}

static void newest_counts(void **state)
{
    (void)state;
    for (unsigned i = 1; i < 500; i++) {
        struct ledger now;
        assert_true(append(i % 2 ? LEDGER_BEGUN : LEDGER_SEALED, i, 0));
        fake.reads = 0;
        ledger_find(&now);
        /* Two searches over 85 places and a look or two backward: never more. */
        assert_in_range(fake.reads, 1, 2 * 7 + 4);
        assert_true(same(&now.newest, &ledger.newest));
        assert_int_equal(now.newest.length, i);
        assert_int_equal(now.newest.sequence, i);
        assert_int_equal(now.page, ledger.page);
        assert_int_equal(now.next, ledger.next);
    }
    assert_in_range(fake.erases, 5, 7); /* 85 places, less those kept free */
}

/* After a BEGUN there is room for all that may follow it without erasing: the boot path cannot. */
static void begun_leaves_room(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 300; n++) {
        assert_true(append(LEDGER_BEGUN, 0, 0));
        unsigned erases = fake.erases;
        assert_true(append(LEDGER_SEALED, 8, 0));
        for (unsigned i = 1; i <= BOOT_STARTS; i++)
            assert_true(append(LEDGER_START, 8, i));
        assert_true(append(LEDGER_CONFIRMED, 8, 0));
        assert_int_equal(fake.erases, erases);
    }
}

/* A sealed image that is sealed again, unchanged but for its starts, does the same. */
static void seal_leaves_room(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 300; n++) {
        assert_true(append(LEDGER_SEALED, 8, 0));
        unsigned erases = fake.erases;
        for (unsigned i = 1; i <= BOOT_STARTS; i++)
            assert_true(append(LEDGER_START, 8, i));
        assert_true(append(LEDGER_CONFIRMED, 8, 0));
        assert_int_equal(fake.erases, erases);
    }
}

/* Power ends at each operation in turn, also several times in a row, whatever it leaves: afterwards the
 * newest record is the last one that was finished or, if that was programmed to its end, the one after.
 * Then the ledger works on. */
static void power_cuts(void **state)
{
    (void)state;
    unsigned cases = 0;
    for (unsigned fill = 0; fill < 2 * LEDGER_PLACES; fill += fill < 70 ? 23 : 1) {
        setup(NULL);
        for (unsigned i = 1; i <= fill; i++)
            assert_true(append(LEDGER_SEALED, i, 0));
        struct fake full = fake;
        struct ledger then = ledger;
        for (unsigned op = 1; op <= 4; op++) {
            for (unsigned seed = 0; seed < 10; seed++) {
                fake = full;
                ledger = then;
                bool done = false;
                for (unsigned times = 0; times < 3 && !done; times++) { /* it fails again */
                    struct ledger_record before = ledger.newest;
                    fake.random = 77 * seed + op + 1;
                    fake.cut = seed == 0 ? FAKE_BEFORE : seed == 1 ? FAKE_AFTER : FAKE_TORN;
                    fake.cut_at = fake.operations + op;
                    done = append(LEDGER_BEGUN, 0, 0);
                    assert_true(done || fake.off);
                    fake_power_on();
                    ledger_find(&ledger);
                    if (done)
                        assert_int_equal(ledger.newest.type, LEDGER_BEGUN);
                    else if (!same(&ledger.newest, &before)) {
                        /* The first one of all, cut in its last double word, may have been whole. */
                        bool lost = before.sequence == 0 && op >= 3 && !ledger.newest.magic;
                        assert_int_equal(ledger.newest.type, LEDGER_BEGUN);
                        assert_true(lost || ledger.newest.sequence == before.sequence + 1);
                    }
                    cases++;
                }
                assert_true(append(LEDGER_SEALED, 4711, 0));
                struct ledger now;
                ledger_find(&now);
                assert_int_equal(now.newest.length, 4711);
                assert_true(same(&now.newest, &ledger.newest));
            }
        }
    }
    print_message("# %u power cuts in the ledger\n", cases);
    assert_in_range(cases, 3000, 100000);
}

/* A place that looks blank and cannot be programmed is given up, and does not hide what comes after. */
static void weak_places(void **state)
{
    (void)state;
    for (unsigned weak = 0; weak < 6; weak++) {
        setup(NULL);
        assert_true(append(LEDGER_SEALED, 1, 0));
        unsigned at = (LEDGER_ADDR - FLASH_ADDR) / 8 + 3; /* the second record */
        for (unsigned i = 0; i < 3; i++)
            fake.weak[at + i] = weak < 3 ? i == weak : i <= weak - 3;
        assert_true(append(LEDGER_BEGUN, 0, 0));
        assert_true(append(LEDGER_SEALED, 2, 0));
        struct ledger now;
        ledger_find(&now);
        assert_int_equal(now.newest.type, LEDGER_SEALED);
        assert_int_equal(now.newest.length, 2);
    }
}

/* Also at the end of a page: what comes after is in the other one. */
static void weak_places_at_the_end(void **state)
{
    (void)state;
    for (unsigned weak = 1; weak <= 3; weak++) {
        setup(NULL);
        while (LEDGER_PLACES - ledger.next > weak)
            assert_true(append(LEDGER_START, 1, 1));
        for (unsigned n = ledger.next; n < LEDGER_PLACES; n++)
            fake.weak[(LEDGER_ADDR - FLASH_ADDR) / 8 + 3 * n] = true;
        assert_true(append(LEDGER_CONFIRMED, 2, 0));
        struct ledger now;
        ledger_find(&now);
        assert_int_equal(now.page, LEDGER_ADDR + FLASH_PAGE_SIZE);
        assert_int_equal(now.next, 1);
        assert_int_equal(now.newest.type, LEDGER_CONFIRMED);
        assert_int_equal(now.newest.length, 2);
    }
}

/* A page that takes nothing at all is turned away from; if the other one does not either, that is it. */
static void worn_pages(void **state)
{
    (void)state;
    assert_true(append(LEDGER_SEALED, 1, 0));
    unsigned first = (LEDGER_ADDR - FLASH_ADDR) / 8;
    for (unsigned i = 3; i < FLASH_PAGE_SIZE / 8; i++)
        fake.stuck[first + i] = true;
    assert_true(append(LEDGER_SEALED, 2, 0));
    assert_int_equal(ledger.page, LEDGER_ADDR + FLASH_PAGE_SIZE);
    struct ledger now;
    ledger_find(&now);
    assert_int_equal(now.newest.length, 2);

    for (unsigned i = 0; i < 2 * FLASH_PAGE_SIZE / 8; i++)
        fake.stuck[first + i] = true;
    assert_false(append(LEDGER_SEALED, 3, 0));
    ledger_find(&now);
    assert_int_equal(now.newest.length, 2); /* and what was there still is */
}

static void erase_fails(void **state)
{
    (void)state;
    while (LEDGER_PLACES - ledger.next >= 8)
        assert_true(append(LEDGER_BEGUN, 0, 0));
    fake.dead_page[FLASH_SIZE / FLASH_PAGE_SIZE - 1] = true;
    assert_false(append(LEDGER_BEGUN, 0, 0));
    assert_true(append(LEDGER_START, 8, 1)); /* what needs one place is still possible */
}

/* Each word of the ledger unreadable in turn: the record in it is not there, and nothing else changes. */
static void unreadable_words(void **state)
{
    (void)state;
    static struct fake full;
    for (unsigned fill = 1; fill < 200; fill += 13) {
        setup(NULL);
        for (unsigned i = 1; i <= fill; i++)
            assert_true(append(LEDGER_SEALED, i, 0));
        full = fake;
        unsigned first = (LEDGER_ADDR - FLASH_ADDR) / 8,
                 newest = first + (ledger.page - LEDGER_ADDR) / 8 + (ledger.next - 1u) * 3;
        for (unsigned i = 0; i < 2 * FLASH_PAGE_SIZE / 8; i++) {
            struct ledger now;
            fake = full;
            fake.unreadable[first + i] = true;
            ledger_find(&now);
            bool hit = first + i >= newest && first + i < newest + 3;
            /* Alone in its page, the newest has its predecessor in the other one. */
            assert_int_equal(now.newest.length, hit ? fill - 1 : fill);
            if (!hit)
                assert_int_equal(now.next >= ledger.next, true);
            if (hit && now.page == ledger.page && fill > 1)
                assert_true(now.torn);
        }
    }
}

/* The first record of all is BEGUN. Once it was whole the slot may have been changed: it is remembered even
 * if one of its words cannot be read any more. What power has cut off before it was whole, and what has never
 * been a BEGUN, is nothing. */
static void begin_that_became_unreadable(void **state)
{
    (void)state;
    unsigned first = (LEDGER_ADDR - FLASH_ADDR) / 8;
    static const struct {
        const char *what;
        uint8_t type, words; /* so many double words are programmed */
        uint8_t unreadable;  /* bit n: word n */
        uint8_t found;
    } cases[] = {
        {"the first word", LEDGER_BEGUN, 3, 1, LEDGER_BEGUN},
        {"the second word", LEDGER_BEGUN, 3, 2, LEDGER_BEGUN},
        {"the last word", LEDGER_BEGUN, 3, 4, LEDGER_BEGUN},
        {"all words", LEDGER_BEGUN, 3, 7, LEDGER_BEGUN},
        {"cut in the first word", LEDGER_BEGUN, 1, 1, LEDGER_NONE},
        {"cut after the first word", LEDGER_BEGUN, 1, 0, LEDGER_NONE},
        {"cut in the second word", LEDGER_BEGUN, 2, 2, LEDGER_NONE},
        {"cut after the second word", LEDGER_BEGUN, 2, 0, LEDGER_NONE},
        {"a start that was cut", LEDGER_START, 3, 4, LEDGER_NONE},
    };
    for (unsigned i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        unsigned c = i / 2, page = i % 2;
        struct ledger_record r = {.magic = LEDGER_MAGIC, .type = cases[c].type, .sequence = 1};
        r.check = fake_crc(0, &r, 20);
        setup(NULL);
        memcpy(fake.flash + (LEDGER_ADDR - FLASH_ADDR) + page * FLASH_PAGE_SIZE, &r, 8u * cases[c].words);
        for (unsigned w = 0; w < 3; w++)
            fake.unreadable[first + page * (FLASH_PAGE_SIZE / 8) + w] = cases[c].unreadable >> w & 1;
        struct ledger now;
        ledger_find(&now);
        if (now.newest.type != cases[c].found)
            fail_msg("%s, page %u: type %u", cases[c].what, page, now.newest.type);
        assert_int_equal(now.torn, cases[c].found == LEDGER_BEGUN);
        /* What comes next is a record like any other. */
        ledger = now;
        assert_true(append(LEDGER_BEGUN, 0, 0));
        ledger_find(&now);
        assert_int_equal(now.newest.sequence, 1);
    }
}

/* The same as the first record of a page that was just turned to: the other page has a seal, and a wake-up
 * must not trust that without a look at the content. */
static void begin_that_became_unreadable_after_a_turn(void **state)
{
    (void)state;
    unsigned second = (LEDGER_ADDR - FLASH_ADDR + FLASH_PAGE_SIZE) / 8;
    while (ledger.page == LEDGER_ADDR)
        assert_true(append(LEDGER_SEALED, 1, 0));
    fake.unreadable[second] = true;
    struct ledger now;
    ledger_find(&now);
    assert_int_equal(now.page, LEDGER_ADDR);
    assert_int_equal(now.newest.type, LEDGER_SEALED);
    assert_true(now.torn);
}

static void rubbish_is_no_record(void **state)
{
    (void)state;
    struct ledger now;
    for (unsigned i = 0; i < 2 * FLASH_PAGE_SIZE; i++)
        fake.flash[LEDGER_ADDR - FLASH_ADDR + i] = (uint8_t)fake_random();
    ledger_find(&now);
    assert_int_equal(now.newest.type, LEDGER_NONE);
    ledger = now;
    assert_true(append(LEDGER_SEALED, 5, 0));
    ledger_find(&now);
    assert_int_equal(now.newest.length, 5);

    /* A record whose check is right and whose type is unknown is not one either. */
    struct ledger_record r = {.magic = LEDGER_MAGIC, .type = LEDGER_TYPES, .sequence = 9};
    r.check = fake_crc(0, &r, 20);
    setup(NULL);
    memcpy(fake.flash + (LEDGER_ADDR - FLASH_ADDR), &r, sizeof r);
    ledger_find(&now);
    assert_int_equal(now.newest.type, LEDGER_NONE);
    assert_int_equal(now.next, 1);
}

/* Sequence numbers are compared as they go round. */
static void sequence_wraps(void **state)
{
    (void)state;
    struct ledger_record a = {
        .magic = LEDGER_MAGIC, .type = LEDGER_SEALED, .sequence = UINT32_MAX, .length = 1};
    struct ledger_record b = {.magic = LEDGER_MAGIC, .type = LEDGER_SEALED, .sequence = 0, .length = 2};
    a.check = fake_crc(0, &a, 20);
    b.check = fake_crc(0, &b, 20);
    for (unsigned swap = 0; swap < 2; swap++) {
        struct ledger now;
        setup(NULL);
        memcpy(fake.flash + (LEDGER_ADDR - FLASH_ADDR), swap ? &b : &a, sizeof a);
        memcpy(fake.flash + (LEDGER_ADDR - FLASH_ADDR) + FLASH_PAGE_SIZE, swap ? &a : &b, sizeof a);
        ledger_find(&now);
        assert_int_equal(now.newest.length, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(blank_ledger_holds_nothing, setup),
        cmocka_unit_test_setup(format, setup),
        cmocka_unit_test_setup(newest_counts, setup),
        cmocka_unit_test_setup(begun_leaves_room, setup),
        cmocka_unit_test_setup(seal_leaves_room, setup),
        cmocka_unit_test(power_cuts),
        cmocka_unit_test_setup(weak_places, setup),
        cmocka_unit_test(weak_places_at_the_end),
        cmocka_unit_test_setup(worn_pages, setup),
        cmocka_unit_test_setup(erase_fails, setup),
        cmocka_unit_test_setup(unreadable_words, setup),
        cmocka_unit_test(begin_that_became_unreadable),
        cmocka_unit_test_setup(begin_that_became_unreadable_after_a_turn, setup),
        cmocka_unit_test_setup(rubbish_is_no_record, setup),
        cmocka_unit_test_setup(sequence_wraps, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
