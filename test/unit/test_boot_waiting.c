/* What meets the writer at work: how long it says it takes, requests that are held, given up or refused. */
#include "writer_bench.h"

/* While the writer is behind, GETSTATUS says for how long, and is not answered once more until it is done; in
 * dfuDNLOAD-IDLE it is always 0. */
static void poll_times(void **state)
{
    (void)state;
    uint8_t b[6];
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
            assert_int_equal(request_frozen(0xA1, DFU_REQ_GETSTATUS, 0, b, 6), -2); /* not yet */
        }
        s = get_status();
        if (i >= 2)
            fake_step(); /* the writer has made way for USB, and goes on */
        assert_int_equal(s.state, DFU_DNLOAD_IDLE);
        assert_int_equal(s.poll, 0);
    }
    /* the last block: until everything is written */
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR + 2048 * 5));
    assert_true(dnload(2, image + 2048 * 5, SIZE - 2048 * 5));
    assert_in_range(get_status().poll, 1, 4 * 44);
    assert_int_equal(get_status().state, DFU_DNLOAD_IDLE);
    assert_int_equal(fake.busy, false);
    assert_int_equal(writer_busy(&dfu.session.writer), false);
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

/* One page was sent and ended, and the main loop has not looked at it yet. */
static void seal_is_due(void)
{
    install();
    assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR));
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR));
    assert_int_equal(send_block(2, image, 2048), MESSAGE_READY);
    assert_true(simple(DFU_REQ_ABORT));
    assert_int_equal(dfu.session.writer.sealing, 2048);
}

/* A request that is refused takes nothing away from a seal that is due. */
static void refused_while_a_seal_is_due(void **state)
{
    (void)state;
    seal_is_due();
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
    seal_is_due();
    writer_work(&dfu.session.writer);
    assert_true(fake.busy);
    image[100] ^= 2; /* another one */
    assert_false(simple(DFU_REQ_CLRSTATUS));
    assert_true(simple(DFU_REQ_CLRSTATUS));
    assert_true(dnload(2, image, 1000)); /* in one page, and all of it */
    get_status();
    assert_int_equal(get_status().state, DFU_DNLOAD_IDLE);
    assert_int_equal(request(0x21, DFU_REQ_DNLOAD, 2, NULL, 0), 0);
    drain();
    assert_int_equal(writer_verdict(&dfu.session.writer), MESSAGE_READY);
    assert_int_equal(dfu.session.writer.ledger.newest.type, LEDGER_SEALED);
    assert_int_equal(dfu.session.writer.ledger.newest.length, 1000);
    assert_memory_equal(fake.flash + slot, image, 1000);
    assert_int_equal(boot_verdict(), VERDICT_START);
}

/* Unless a request is refused before that: its data are dropped, and what is there is not sealed as if it
 * were what was sent, whatever the next host begins. */
static void another_seal_that_was_refused(void **state)
{
    (void)state;
    uint8_t first[2048];
    seal_is_due();
    memcpy(first, image, sizeof first);
    writer_work(&dfu.session.writer);
    image[100] ^= 2;
    assert_false(simple(DFU_REQ_CLRSTATUS));
    assert_true(simple(DFU_REQ_CLRSTATUS));
    assert_true(dnload(2, image, 1000));
    assert_int_equal(get_status().state, DFU_DNBUSY);
    assert_int_equal(get_status().state, DFU_DNLOAD_IDLE);
    assert_true(simple(DFU_REQ_ABORT));
    assert_int_equal(dfu.session.writer.seal_length, 1000);
    assert_false(simple(DFU_REQ_CLRSTATUS));
    assert_true(simple(DFU_REQ_CLRSTATUS));
    drain();
    assert_true(dfuse_command(DFUSE_ERASE, SLOT_END - 2048));
    assert_true(simple(DFU_REQ_ABORT));
    drain();
    assert_memory_equal(fake.flash + slot, first, sizeof first);
    assert_int_equal(dfu.session.writer.ledger.newest.length, sizeof first);
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

/* A host that asks in dfuDNBUSY, whatever the poll time said, is answered when it is over; after three
 * seconds, which only flash that hangs takes, as it is. */
static void asked_while_busy(void **state)
{
    (void)state;
    uint8_t b[6];
    const struct usb_setup setup_packet = {0xA1, DFU_REQ_GETSTATUS, 0, 0, 6};
    install();
    assert_true(dnload(0, "\x41", 1)); /* all pages */
    assert_int_equal(get_status().state, DFU_DNBUSY);
    assert_int_equal(request_frozen(0xA1, DFU_REQ_GETSTATUS, 0, b, 6), -2);
    fake.ms += 2990;
    assert_int_equal(dfu_again(&dfu, &setup_packet), DFU_HOLD);
    fake.ms += 20;
    assert_int_equal(dfu_again(&dfu, &setup_packet), DFU_ACK);
    assert_int_equal(dfu.data[4], DFU_DNBUSY);
    assert_int_equal(dfu.data[0], DFU_STATUS_OK);
    assert_int_not_equal(dfu.data[1] | dfu.data[2] << 8, 0);
    assert_int_equal(get_status().state, DFU_DNLOAD_IDLE);
    assert_int_equal(fake.erases, PAGES);
    assert_false(fake.busy);
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

/* An error ends the download: a block that still waits, and a page that waits behind the one being written,
 * are not written any more. */
static void what_waits_is_dropped(void **state)
{
    (void)state;
    install();
    for (unsigned i = 0; i < 3; i++)
        assert_true(dfuse_command(DFUSE_ERASE, SLOT_ADDR + 2048 * i));
    assert_true(dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR));
    for (uint16_t i = 0; i < 3; i++) {
        assert_true(dnload(2 + i, image + 2048 * i, 2048));
        get_status();
        if (i < 2)
            assert_int_equal(get_status().state, DFU_DNLOAD_IDLE);
    }
    assert_int_equal(dfu.session.rx_left, 2048);
    assert_false(simple(DFU_REQ_CLRSTATUS));
    drain();
    assert_memory_equal(fake.flash + slot, image, 2048); /* it was on its way */
    assert_memory_equal(fake.flash + slot + 2048, old + 2048, 2 * 2048);
    assert_int_equal(boot_verdict(), MESSAGE_UNFINISHED);
}

/* What was sent to a page and is not on its way yet goes with the page, whichever of its addresses is
 * named. */
static void erased_again(void **state)
{
    (void)state;
    const uint32_t page = SLOT_ADDR + 2048;
    uint8_t ones[2048];
    memset(ones, 0xFF, sizeof ones);
    static const uint32_t named[] = {0, 1, 1000, 2047};
    for (unsigned i = 0; i < sizeof named / sizeof *named; i++) {
        install();
        assert_true(dfuse_command(DFUSE_ERASE, page));
        assert_true(dfuse_command(DFUSE_SET_ADDRESS, page));
        assert_int_equal(send_block(2, image + 64, 1000), MESSAGE_READY);
        assert_true(dfuse_command(DFUSE_ERASE, page + named[i]));
        assert_true(dfuse_command(DFUSE_SET_ADDRESS, page + 1000));
        assert_int_equal(send_block(2, image + 64, 1000), MESSAGE_READY);
        assert_true(simple(DFU_REQ_ABORT));
        get_status();
        assert_memory_equal(fake.flash + slot + 2048, ones, 1000);
        assert_memory_equal(fake.flash + slot + 3048, image + 64, 1000);
        assert_memory_equal(fake.flash + slot + 4048, ones, 48);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poll_times),
        cmocka_unit_test(requests_are_held),
        cmocka_unit_test(refused_while_a_seal_is_due),
        cmocka_unit_test(another_seal_while_one_is_written),
        cmocka_unit_test(another_seal_that_was_refused),
        cmocka_unit_test(asked_while_busy),
        cmocka_unit_test(flash_hangs),
        cmocka_unit_test(a_request_that_was_given_up),
        cmocka_unit_test(three_pages_ahead),
        cmocka_unit_test(what_waits_is_dropped),
        cmocka_unit_test(erased_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
