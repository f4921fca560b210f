/* The writer: its short cuts and when there are none, faults of flash at every place, waiting. */
#include "cmocka_first.h"

#include "boot/core/verdict.h"
#include "dfubench.h"
#include <string.h>

enum { SIZE = 6 * 2048 - 300, PAGES = 6 };
static uint8_t old[SIZE], image[SIZE];
static const unsigned slot = SLOT_ADDR - FLASH_ADDR;

static int setup(void **state)
{
    (void)state;
    fake_init();
    make_image(old, SIZE, 1);
    make_image(image, SIZE, 2);
    bench_boot(MESSAGE_EMPTY);
    return 0;
}

static void count_anew(void)
{
    fake.operations = fake.erases = fake.programs = 0;
}

static void install(void)
{
    setup(NULL);
    assert_int_equal(dfu_util(SLOT_ADDR, old, SIZE, 2048, 0), MESSAGE_READY);
    bench_boot(MESSAGE_READY);
    count_anew();
}

enum { RECORD = 3 /* double words */ };

/* ---- short cuts -------------------------------------------------------------------------- */

static void same_image_again(void **state)
{
    (void)state;
    install();
    assert_int_equal(dfu_util(SLOT_ADDR, old, SIZE, 2048, 0), MESSAGE_READY);
    assert_int_equal(fake.operations, 0);
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
    assert_int_equal(send_block(2, image, 100), MESSAGE_READY);
    assert_int_equal(leave().state, DFU_MANIFEST);
    assert_int_equal(fake.erases, 0);
    assert_int_equal(fake.programs, 2 * RECORD + 13); /* 100 bytes from 4 on touch 13 double words */
    assert_memory_equal(fake.flash + slot + SIZE + 4, image, 100);
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
    assert_int_equal(boot_verdict(), VERDICT_START);
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
            assert_int_equal(dfu.last, m);

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
    assert_int_equal(get_status().state, DFU_DNBUSY);
    drain();
    assert_int_equal(get_status().state, DFU_DNLOAD_IDLE);
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

/* ---- waiting ----------------------------------------------------------------------------- */

/* While the writer is behind, GETSTATUS says for how long; in dfuDNLOAD-IDLE it is always 0. */
static void poll_times(void **state)
{
    (void)state;
    install();
    for (unsigned i = 0; i < PAGES; i++)
        assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR + 2048 * i));
    for (unsigned i = 0; i < 5; i++) {
        assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR + 2048 * i));
        assert_true(dnload(2, image + 2048 * i, 2048));
        struct status s = get_status();
        assert_int_equal(s.state, DFU_DNBUSY);
        if (i < 2) {
            assert_int_equal(s.poll, 0); /* there is a buffer for the next one */
        } else {
            assert_in_range(s.poll, 20, 44); /* one page: erase and program */
            unsigned polls = 0;
            while (s = get_status(), s.state == DFU_DNBUSY) {
                assert_in_range(s.poll, 1, 44);
                fake_step();
                polls++;
            }
            assert_in_range(polls, 1, 10);
            fake_step(); /* the writer has made way for USB, and goes on */
        }
        if (i < 2)
            s = get_status();
        assert_int_equal(s.state, DFU_DNLOAD_IDLE);
        assert_int_equal(s.poll, 0);
    }
    /* the last block: until everything is written */
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR + 2048 * 5));
    assert_true(dnload(2, image + 2048 * 5, SIZE - 2048 * 5));
    uint32_t before = fake.ms, told = 0;
    for (struct status s = get_status(); s.state == DFU_DNBUSY; s = get_status()) {
        told += s.poll;
        assert_in_range(s.poll, 1, 4 * 44);
        for (uint32_t until = fake.ms + s.poll; fake.ms < until;) {
            if (fake.busy)
                fake_step();
            else
                fake.ms = until;
        }
    }
    assert_in_range(told, (fake.ms - before) / 2, fake.ms - before);
    assert_int_equal(fake.busy, false);
}

static void requests_are_held(void **state)
{
    (void)state;
    uint8_t b[64];
    install();
    assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR));
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR));
    assert_true(dnload(2, image, 2048));
    assert_int_equal(get_status().state, DFU_DNBUSY);
    drain();
    assert_int_equal(get_status().state, DFU_DNLOAD_IDLE);
    assert_true(simple(DFU_REQ_ABORT));
    writer_work(&dfu.session.writer); /* the seal is being written */
    assert_true(fake.busy);
    assert_int_equal(request_frozen(0xA1, DFU_REQ_GETSTATUS, 0, b, 6), -2);
    assert_int_equal(request_frozen(0xA1, DFU_REQ_UPLOAD, 2, b, 64), -2);
    assert_int_equal(request_frozen(0x21, DFU_REQ_DNLOAD, 2, b, 64), -2);
    assert_int_equal(request_frozen(0xA1, DFU_REQ_GETSTATE, 0, b, 1), 1); /* this one never */
    assert_int_equal(b[0], DFU_IDLE);
    assert_int_equal(get_status().state, DFU_IDLE);
    assert_int_equal(boot_verdict(), VERDICT_START);
}

/* A request that is refused takes nothing away from a seal that is due. */
static void refused_while_a_seal_is_due(void **state)
{
    (void)state;
    install();
    image[100] ^= 1;
    assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR));
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR));
    assert_int_equal(send_block(2, image, 2048), MESSAGE_READY);
    assert_true(simple(DFU_REQ_ABORT)); /* the main loop has not looked yet */
    assert_false(simple(DFU_REQ_CLRSTATUS));
    drain();
    assert_int_equal(dfu.session.writer.ledger.newest.type, LEDGER_SEALED);
    assert_int_equal(dfu.session.writer.ledger.newest.length, 2048);
    assert_int_equal(boot_verdict(), VERDICT_START);
}

/* A seal that is asked for while one is being written follows it. */
static void another_seal_while_one_is_written(void **state)
{
    (void)state;
    install();
    image[100] ^= 1;
    assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR));
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR));
    assert_int_equal(send_block(2, image, 2048), MESSAGE_READY);
    assert_true(simple(DFU_REQ_ABORT));
    writer_work(&dfu.session.writer);
    assert_true(fake.busy);
    image[100] ^= 2;
    assert_false(simple(DFU_REQ_CLRSTATUS));
    assert_true(simple(DFU_REQ_CLRSTATUS));
    assert_true(dnload(2, image, 1000)); /* in one page, and all of it */
    get_status();
    assert_int_equal(get_status().state, DFU_DNLOAD_IDLE);
    assert_int_equal(request(0x21, DFU_REQ_DNLOAD, 2, NULL, 0), 0);
    drain();
    assert_int_equal(get_status().string, DFU_STRING(MESSAGE_READY));
    assert_int_equal(dfu.session.writer.ledger.newest.type, LEDGER_SEALED);
    assert_int_equal(dfu.session.writer.ledger.newest.length, 1000);
    assert_memory_equal(fake.flash + slot, image, 1000);
    assert_int_equal(boot_verdict(), VERDICT_START);
}

/* Flash that never ends is told after three seconds. */
static void flash_hangs(void **state)
{
    (void)state;
    uint8_t b[6];
    const struct usb_setup setup_packet = {0xA1, DFU_REQ_GETSTATUS, 0, 0, 6};
    install();
    assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR));
    assert_true(simple(DFU_REQ_ABORT));
    assert_int_equal(request_frozen(0xA1, DFU_REQ_GETSTATUS, 0, b, 6), -2);
    fake.ms += 2990;
    assert_int_equal(dfu_again(&dfu, &setup_packet), DFU_HOLD);
    fake.ms += 20;
    assert_int_equal(dfu_again(&dfu, &setup_packet), DFU_ACK);
    assert_int_equal(dfu.data[4], DFU_ERROR);
    assert_int_equal(dfu.data[5], DFU_STRING(MESSAGE_TIMEOUT));
    fake.busy = false;
}

/* The time that counts is that of this request, not of one that was given up. */
static void a_request_that_was_given_up(void **state)
{
    (void)state;
    uint8_t b[6];
    install();
    assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR));
    assert_true(simple(DFU_REQ_ABORT));
    assert_int_equal(request_frozen(0xA1, DFU_REQ_GETSTATUS, 0, b, 6), -2);
    fake.ms += 5000;
    assert_int_equal(request_frozen(0xA1, DFU_REQ_GETSTATUS, 0, b, 6), -2);
    assert_int_equal(get_status().state, DFU_IDLE);
}

/* The host cannot overrun: a block waits in front of two full buffers. */
static void three_pages_ahead(void **state)
{
    (void)state;
    install();
    for (unsigned i = 0; i < 4; i++) {
        assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR + 2048 * i + 100)); /* each over two pages */
        assert_int_equal(send_block(2, image + 2048 * i + 100, 2048), MESSAGE_READY);
    }
    assert_true(simple(DFU_REQ_ABORT));
    get_status();
    assert_memory_equal(fake.flash + slot + 100, image + 100, 4 * 2048);
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
        cmocka_unit_test(faults_are_told),
        cmocka_unit_test(blank_and_is_not),
        cmocka_unit_test_setup(programmed_and_is_not, setup),
        cmocka_unit_test(unreadable_words_are_erased),
        cmocka_unit_test(a_hiccup_anywhere),
        cmocka_unit_test_setup(vectors_in_crumbs, setup),
        cmocka_unit_test(erased_and_nothing_sent),
        cmocka_unit_test(mass_erase),
        cmocka_unit_test(mass_erase_of_protected_pages),
        cmocka_unit_test(poll_times),
        cmocka_unit_test(requests_are_held),
        cmocka_unit_test(refused_while_a_seal_is_due),
        cmocka_unit_test(another_seal_while_one_is_written),
        cmocka_unit_test(flash_hangs),
        cmocka_unit_test(a_request_that_was_given_up),
        cmocka_unit_test(three_pages_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
