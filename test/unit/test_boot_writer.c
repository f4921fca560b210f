/* The writer: its short cuts and when there are none, faults of flash at every place. */
#include "writer_bench.h"

enum { RECORD = 3 /* double words */ };

/* ---- short cuts -------------------------------------------------------------------------- */

static void same_image_again(void **state)
{
    (void)state;
    install();
    assert_int_equal(dfu_util(SLOT_ADDR, old, SIZE, 2048, 0), MESSAGE_READY);
    assert_int_equal(fake.operations, 0);
    assert_int_equal(fake.forgotten, 0); /* it is no other image */
    assert_int_equal(boot_verdict(), VERDICT_START);
}

/* ... but if it was counting its starts, they begin anew. */
static void same_image_again_after_starts(void **state)
{
    (void)state;
    install();
    struct ledger_append a;
    struct ledger l;
    ledger_find(&l);
    struct ledger_record r = l.newest;
    r.type = LEDGER_START;
    r.starts = 3;
    ledger_append(&a, &l, &r);
    assert_int_equal(ledger_append_next(&a, true), LEDGER_PROGRAM);
    assert_int_equal(port_flash_program_now(a.addr, a.data, a.size), PORT_FLASH_OK);
    assert_int_equal(ledger_append_next(&a, true), LEDGER_DONE);
    bench_boot(MESSAGE_UNCONFIRMED);
    count_anew();
    assert_int_equal(dfu_util(SLOT_ADDR, old, SIZE, 2048, 0), MESSAGE_READY);
    assert_int_equal(fake.operations, RECORD);
    ledger_find(&l);
    assert_int_equal(l.newest.type, LEDGER_SEALED);
}

static void one_page_changed(void **state)
{
    (void)state;
    install();
    old[2 * 2048 + 99] ^= 1;
    assert_int_equal(dfu_util(SLOT_ADDR, old, SIZE, 2048, 0), MESSAGE_READY);
    assert_int_equal(fake.erases, 1);
    assert_int_equal(fake.programs, 2 * RECORD + 256);
    assert_true(slot_holds(old, SIZE));
}

static void blank_pages_are_not_erased(void **state)
{
    (void)state;
    assert_int_equal(dfu_util(SLOT_ADDR, image, SIZE, 2048, 0), MESSAGE_READY);
    assert_int_equal(fake.erases, 0);
    assert_int_equal(fake.programs, 2 * RECORD + (SIZE + 7) / 8);
}

static void blank_double_words_are_not_programmed(void **state)
{
    (void)state;
    memset(image + 3000, 0xFF, 4000); /* from 3000 to 7000: 3000 and 7000 are multiples of 8 */
    assert_int_equal(dfu_util(SLOT_ADDR, image, SIZE, 2048, 0), MESSAGE_READY);
    assert_int_equal(fake.programs, 2 * RECORD + (SIZE + 7) / 8 - 500);
}

/* Without an erase command what differs is programmed where flash is blank. */
static void only_what_differs(void **state)
{
    (void)state;
    install();
    assert_true(
        dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR + SIZE + 4)); /* behind the image, in its last page */
    assert_int_equal(send_block(2, image + 64, 100), MESSAGE_READY);
    assert_int_equal(leave().state, DFU_MANIFEST);
    assert_int_equal(fake.erases, 0);
    assert_int_equal(fake.programs, 2 * RECORD + 13); /* 100 bytes from 4 on touch 13 double words */
    assert_memory_equal(fake.flash + slot + SIZE + 4, image + 64, 100);
    assert_true(slot_holds(old, SIZE));
    assert_int_equal(boot_verdict(), VERDICT_START);
}

/* After an interrupted download every page that is touched is erased, whatever it reads as. */
static void no_short_cuts_after_an_interruption(void **state)
{
    (void)state;
    install();
    dfu_util(SLOT_ADDR, image, SIZE, 2048, 16); /* killed after some pages */
    drain();
    memcpy(fake.flash + slot, image, SIZE); /* everything reads right ... */
    bench_boot(MESSAGE_UNFINISHED);
    count_anew();
    assert_int_equal(dfu_util(SLOT_ADDR, image, SIZE, 2048, 0), MESSAGE_READY);
    assert_int_equal(fake.erases, PAGES); /* ... and is erased all the same */
    assert_int_equal(fake.programs, RECORD + (SIZE + 7) / 8);
    count_anew();
    assert_int_equal(dfu_util(SLOT_ADDR, image, SIZE, 2048, 0), MESSAGE_READY); /* until it was sealed */
    assert_int_equal(fake.operations, 0);
}

/* The first download was interrupted, and its BEGUN, the only record, cannot be read any more. */
static void begin_that_became_unreadable(void **state)
{
    (void)state;
    for (unsigned word = 0; word < RECORD; word++) {
        setup(NULL);
        dfu_util(SLOT_ADDR, image, SIZE, 2048, 16);
        drain();
        fake.unreadable[(LEDGER_ADDR - FLASH_ADDR) / 8 + word] = true;
        memcpy(fake.flash + slot, image, SIZE);
        assert_int_equal(boot_verdict(), MESSAGE_UNFINISHED);
        bench_boot(MESSAGE_UNFINISHED);
        count_anew();
        assert_int_equal(dfu_util(SLOT_ADDR, image, SIZE, 2048, 0), MESSAGE_READY);
        assert_int_equal(fake.erases, PAGES);
        assert_int_equal(fake.programs, 2 * RECORD + (SIZE + 7) / 8); /* BEGUN again as well */
        assert_int_equal(boot_verdict(), VERDICT_START);
    }
}

/* Also when a page comes in pieces: it is erased once. */
static void careful_page_in_pieces(void **state)
{
    (void)state;
    install();
    dfu_util(SLOT_ADDR, image, SIZE, 2048, 16);
    drain();
    bench_boot(MESSAGE_UNFINISHED);
    count_anew();
    assert_int_equal(plain(image, SIZE, 300).state, DFU_IDLE);
    assert_int_equal(fake.erases, PAGES);
    assert_true(slot_holds(image, SIZE));
}

/* A blank page is erased there too, and so is one that is only to be erased. */
static void careful_about_blank_pages(void **state)
{
    (void)state;
    install();
    dfu_util(SLOT_ADDR, image, SIZE, 2048, 16);
    drain();
    memset(fake.flash + slot, 0xFF, SLOT_SIZE);
    bench_boot(MESSAGE_UNFINISHED);
    count_anew();
    assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR + 8 * 2048));
    assert_int_equal(dfu_util(SLOT_ADDR, image, 2048, 2048, 0), MESSAGE_READY); /* another host */
    assert_int_equal(fake.erases, 2);
}

/* ---- the ledger -------------------------------------------------------------------------- */

/* No operation on the slot comes before BEGUN or after SEALED. */
static void begun_comes_first(void **state)
{
    (void)state;
    struct ledger l;
    for (unsigned op = 1;; op++) {
        install();
        fake.cut = FAKE_AFTER;
        fake.cut_at = op;
        dfu_util(SLOT_ADDR, image, SIZE, 2048, 0);
        if (!fake.off)
            break;
        fake_power_on();
        ledger_find(&l);
        if (!slot_holds(old, SIZE) && !slot_holds(image, SIZE))
            assert_int_equal(l.newest.type, LEDGER_BEGUN);
        if (!slot_holds(old, SIZE)) /* a packed one would start, with no seal */
            assert_true(fake.forgotten > 0);
        if (l.newest.type == LEDGER_SEALED && l.newest.crc == fake_crc(0, image, SIZE))
            assert_true(slot_holds(image, SIZE));
    }
}

static void ledger_is_protected(void **state)
{
    (void)state;
    install();
    fake.protected_page[126] = fake.protected_page[127] = true;
    assert_int_equal(dfu_util(SLOT_ADDR, image, SIZE, 2048, 0), MESSAGE_LEDGER);
    assert_true(slot_holds(old, SIZE)); /* nothing was touched */
    assert_int_equal(fake.forgotten, 0);
    assert_int_equal(boot_verdict(), VERDICT_START);
    assert_int_equal(writer_verdict(&dfu.session.writer), MESSAGE_READY);
}

/* So many downloads that its page is turned more than once; where that fails the host hears of it. */
static void ledger_is_turned(void **state)
{
    (void)state;
    install();
    for (unsigned n = 0; n < 90; n++)
        assert_int_equal(dfu_util(SLOT_ADDR, n % 2 ? old : image, 2048, 2048, 0), MESSAGE_READY);
    assert_int_equal(dfu.session.writer.ledger.newest.sequence, 2 * 91);
    fake.dead_page[126] = fake.dead_page[127] = true;
    enum message m = MESSAGE_READY;
    for (unsigned n = 0; n < 45 && m == MESSAGE_READY; n++)
        m = dfu_util(SLOT_ADDR, n % 2 ? old : image, 2048, 2048, 0);
    assert_int_equal(m, MESSAGE_LEDGER);
}

/* ---- faults ------------------------------------------------------------------------------ */

/* On every page, with and without leave: the host hears of it before, or in the answer to, ABORT. */
static void faults_are_told(void **state)
{
    (void)state;
    for (unsigned page = 0; page < PAGES; page++) {
        for (unsigned kind = 0; kind < 5; kind++) {
            static const enum message expect[] = {MESSAGE_VERIFY, MESSAGE_ERASE, MESSAGE_PROTECTED,
                                                  MESSAGE_PROTECTED, MESSAGE_PROGRAM};
            install();
            unsigned word = slot / 8 + page * 256 + (page * 37) % 200;
            switch (kind) {
            case 0: fake.stuck[word] = true; break;
            case 1: fake.dead_page[slot / 2048 + page] = true; break;
            case 2: fake.protected_page[slot / 2048 + page] = true; break;
            case 3: fake.hide_protection = fake.protected_page[slot / 2048 + page] = true; break;
            default: fake.worn[word] = true; break;
            }
            enum message m = dfu_util(SLOT_ADDR, image, SIZE, 2048, 0);
            if (m != expect[kind])
                fail_msg("fault %u on page %u: message %d", kind, page, (int)m);
            assert_int_equal(get_status().status, message_status(m));
            drain();
            if (kind == 2)
                assert_true(slot_holds(old, SIZE)); /* known before anything is touched */
            assert_int_equal(boot_verdict(), kind == 2 ? VERDICT_START : (unsigned)MESSAGE_UNFINISHED);
            assert_int_equal(dfu.session.why, m);

            assert_true(simple(DFU_REQ_CLRSTATUS)); /* a leave alone does not start it */
            leave();
            drain();
            assert_int_equal(boot_verdict(), kind == 2 ? VERDICT_START : (unsigned)MESSAGE_UNFINISHED);
        }
    }
}

/* A page that reads as blank and cannot be programmed is erased after all. */
static void blank_and_is_not(void **state)
{
    (void)state;
    for (unsigned page = 0; page < PAGES; page++) {
        setup(NULL);
        fake.weak[slot / 8 + page * 256 + 100] = true;
        assert_int_equal(dfu_util(SLOT_ADDR, image, SIZE, 2048, 0), MESSAGE_READY);
        assert_int_equal(fake.erases, 1);
        assert_true(slot_holds(image, SIZE));
        assert_int_equal(boot_verdict(), VERDICT_START);
    }
}

/* One that takes a double word and does not keep it, too. */
static void programmed_and_is_not(void **state)
{
    (void)state;
    fake.stuck[slot / 8 + 300] = true;
    assert_int_equal(dfu_util(SLOT_ADDR, image, SIZE, 2048, 0), MESSAGE_VERIFY);
    assert_int_equal(fake.erases, 1); /* it was tried */
}

/* Words that ECC cannot correct are erased, in what is written and in what is kept. */
static void unreadable_words_are_erased(void **state)
{
    (void)state;
    for (unsigned word = 0; word < PAGES * 256; word += 13) {
        install();
        fake.unreadable[slot / 8 + word] = true;
        assert_int_equal(dfu_util(SLOT_ADDR, old, SIZE, 2048, 0), MESSAGE_READY);
        assert_int_equal(fake.erases, 1);
        assert_true(slot_holds(old, SIZE));
        assert_int_equal(boot_verdict(), VERDICT_START);
    }
    /* A patch beside it keeps what can be read. */
    install();
    fake.unreadable[slot / 8 + 300] = true;
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR + 2048));
    assert_int_equal(send_block(2, old + 2048, 100), MESSAGE_READY);
    simple(DFU_REQ_ABORT);
    get_status();
    assert_memory_equal(fake.flash + slot + 2048, old + 2048, 352);
    for (unsigned i = 2400; i < 2408; i++)
        assert_int_equal(fake.flash[slot + i], 0xFF);
    assert_memory_equal(fake.flash + slot + 2408, old + 2408, 2048 - 360);
}

/* An operation that reports an error once: the download succeeds or says so, never anything else. */
static void a_hiccup_anywhere(void **state)
{
    (void)state;
    unsigned recovered = 0;
    for (unsigned step = 0; step < 18; step++) {
        install();
        fake.error_at_step = fake.steps + step + 1;
        enum message m = dfu_util(SLOT_ADDR, image, SIZE, 2048, 0);
        drain();
        if (m == MESSAGE_READY) {
            assert_true(slot_holds(image, SIZE));
            assert_int_equal(boot_verdict(), VERDICT_START);
            recovered++;
        } else {
            assert_int_not_equal(boot_verdict(), VERDICT_START);
        }
    }
    assert_in_range(recovered, 1, 17);
}

/* Vectors that come in pieces too small to be looked at are looked at in the end. */
static void vectors_in_crumbs(void **state)
{
    (void)state;
    image[6] = 0; /* reset vector at 0x....0201 with a wrong third byte */
    image[7] = 0;
    assert_int_equal(dfu_util(SLOT_ADDR, image, 64, 4, 0), MESSAGE_NOT_HERE);
    assert_int_equal(boot_verdict(), MESSAGE_UNFINISHED);
    setup(NULL);
    memset(image, 0xFF, 64);
    assert_int_equal(dfu_util(SLOT_ADDR, image, 64, 4, 0), MESSAGE_BLANK_FILE);
}

/* ---- erasing without data ---------------------------------------------------------------- */

static void erased_and_nothing_sent(void **state)
{
    (void)state;
    static const enum dfu_event events[] = {DFU_BUS_RESET, DFU_CONFIGURED, DFU_INTERFACE_SET};
    for (unsigned end = 0; end < 5; end++) {
        install();
        assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR + 2048));
        assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR + 4096));
        assert_int_equal(fake.operations, 0); /* only marked */
        if (end < 3) {
            dfu_event(&dfu, events[end]);
            get_status();
        } else if (end == 3) {
            assert_true(simple(DFU_REQ_ABORT));
        } else {
            assert_int_equal(leave().state, DFU_MANIFEST);
        }
        drain();
        assert_int_equal(fake.erases, 2);
        for (unsigned i = 0; i < 4096; i++)
            assert_int_equal(fake.flash[slot + 2048 + i], 0xFF);
        assert_int_equal(boot_verdict(), MESSAGE_UNFINISHED);
    }
    install(); /* an error, though, and nothing is touched */
    assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR + 2048));
    assert_false(simple(DFU_REQ_DETACH));
    drain();
    assert_int_equal(fake.operations, 0);
    assert_int_equal(boot_verdict(), VERDICT_START);
}

static void mass_erase(void **state)
{
    (void)state;
    install();
    assert_true(dnload(0, "\x41", 1));
    struct status s = get_status();
    assert_int_equal(s.state, DFU_DNBUSY);
    assert_in_range(s.poll, 117 * 22, 119 * 24); /* what is really pending */
    assert_true(fake.busy);                      /* at once, not lazily */
    assert_int_equal(get_status().state, DFU_DNLOAD_IDLE);
    assert_false(fake.busy);
    assert_int_equal(fake.erases, PAGES); /* the rest was blank */
    for (unsigned i = 0; i < SLOT_SIZE; i++)
        assert_int_equal(fake.flash[slot + i], 0xFF);

    /* and then a download without erase commands, as dfu-util does it */
    for (uint32_t at = 0; at < SIZE; at += 2048) {
        assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR + at));
        assert_int_equal(send_block(2, image + at, SIZE - at < 2048 ? (uint16_t)(SIZE - at) : 2048),
                         MESSAGE_READY);
    }
    assert_true(simple(DFU_REQ_ABORT));
    assert_int_equal(get_status().state, DFU_IDLE);
    assert_int_equal(boot_verdict(), VERDICT_START);
    assert_true(slot_holds(image, SIZE));
}

static void mass_erase_of_protected_pages(void **state)
{
    (void)state;
    install();
    fake.protected_page[slot / 2048 + 117] = true;
    assert_int_equal(send_block(0, "\x41", 1), MESSAGE_PROTECTED);
    drain();
    assert_int_equal(fake.operations, 0);
    assert_int_equal(boot_verdict(), VERDICT_START);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_image_again),
        cmocka_unit_test(same_image_again_after_starts),
        cmocka_unit_test(one_page_changed),
        cmocka_unit_test_setup(blank_pages_are_not_erased, setup),
        cmocka_unit_test_setup(blank_double_words_are_not_programmed, setup),
        cmocka_unit_test(only_what_differs),
        cmocka_unit_test(no_short_cuts_after_an_interruption),
        cmocka_unit_test(begin_that_became_unreadable),
        cmocka_unit_test(careful_page_in_pieces),
        cmocka_unit_test(careful_about_blank_pages),
        cmocka_unit_test(begun_comes_first),
        cmocka_unit_test(ledger_is_protected),
        cmocka_unit_test(ledger_is_turned),
        cmocka_unit_test(faults_are_told),
        cmocka_unit_test(blank_and_is_not),
        cmocka_unit_test_setup(programmed_and_is_not, setup),
        cmocka_unit_test(unreadable_words_are_erased),
        cmocka_unit_test(a_hiccup_anywhere),
        cmocka_unit_test_setup(vectors_in_crumbs, setup),
        cmocka_unit_test(erased_and_nothing_sent),
        cmocka_unit_test(mass_erase),
        cmocka_unit_test(mass_erase_of_protected_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
