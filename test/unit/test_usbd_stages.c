/* Stages of control transfers: lengths, zero-length packets, transfers given up, refusals, functions
 * that answer later (USB 2.0, 8.5.3). */
#include "usbd_fake.h"
#include <stdlib.h>

static void in_data_is_clipped_and_ended(void **state)
{
    (void)state;
    static const uint16_t sizes[] = {0, 1, 63, 64, 65, 127, 128, 129, 192, 300};
    to_state(S_CONFIGURED);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint16_t length = 1; length < 400; length++) {
            int want = sizes[i] < length ? sizes[i] : length;
            assert_int_equal(control(0xC0, 1, sizes[i], 0, length), want);
            assert_memory_equal(got, fn.bytes, (size_t)want);
        }
    /* Shorter than asked for and a multiple of 64: exactly one empty packet; else none. */
    uint8_t packet[64];
    send_setup(0xC0, 1, 128, 0, 129);
    assert_int_equal(take_in(packet), 64);
    assert_int_equal(take_in(packet), 64);
    assert_int_equal(take_in(packet), 0);
    assert_int_equal(take_in(packet), NAKED);
    send_setup(0xC0, 1, 128, 0, 128);
    assert_int_equal(take_in(packet), 64);
    assert_int_equal(take_in(packet), 64);
    assert_int_equal(take_in(packet), NAKED);
    assert_int_equal(give_out(NULL, 0), 0);
}

static void in_stage_may_end_early_and_refuses_data(void **state)
{
    (void)state;
    uint8_t packet[64] = {0};
    to_state(S_CONFIGURED);
    send_setup(0xC0, 1, 300, 0, 300);
    assert_int_equal(take_in(packet), 64);
    assert_int_equal(give_out(NULL, 0), 0);
    assert_int_equal(fn.done, 1);
    assert_int_equal(give_out(NULL, 0), NAKED);

    send_setup(0xC0, 1, 300, 0, 300);
    hw.status_only = false; /* hardware that does not check */
    assert_int_equal(give_out(packet, 8), 8);
    assert_int_equal(take_in(packet), STALLED);
    assert_int_equal(fn.done, 1);
}

static void out_data_arrives_whole(void **state)
{
    (void)state;
    to_state(S_CONFIGURED);
    for (uint16_t n = 1; n <= 200; n++) {
        memset(fn.taken, 0, sizeof fn.taken);
        unsigned before = fn.done;
        assert_int_equal(control(0x40, 2, 0, 0, n), n);
        assert_int_equal(fn.taken_size, n);
        for (unsigned i = 0; i < n; i++)
            assert_int_equal(fn.taken[i], (uint8_t)(i * 7));
        assert_int_equal(fn.taken[n], 0);
        assert_int_equal(fn.done, before + 1);
    }
    unsigned datas = fn.datas;
    assert_int_equal(control(0x40, 2, 0, 0, 201), STALLED); /* no room */
    assert_int_equal(control(0x40, 2, 0, 0, 65535), STALLED);
    assert_int_equal(fn.datas, datas);
    assert_int_equal(control(0x40, 2, 0, 0, 0), 0); /* no data stage: data() is not asked */
    assert_int_equal(fn.datas, datas);
    assert_int_equal(control(0x40, 5, 0, 0, 10), STALLED); /* refused after the data */
}

static void out_data_may_be_cut_short_or_too_long(void **state)
{
    (void)state;
    static const uint8_t bytes[64] = {1, 2, 3};
    uint8_t packet[64];

    to_state(S_CONFIGURED);
    send_setup(0x40, 2, 0, 0, 150);
    assert_int_equal(give_out(bytes, 64), 64);
    assert_int_equal(give_out(bytes, 10), 10); /* a short packet ends the stage */
    assert_int_equal(fn.taken_size, 74);
    assert_int_equal(take_in(packet), 0);

    send_setup(0x40, 2, 0, 0, 10);
    assert_int_equal(give_out(bytes, 64), 64); /* more than announced */
    assert_int_equal(take_in(packet), STALLED);
    assert_int_equal(fn.datas, 1);
    assert_int_equal(fn.taken[10], 0); /* and nothing beyond was written */

    send_setup(0x40, 2, 0, 0, 150); /* given up in the middle */
    assert_int_equal(give_out(bytes, 64), 64);
    assert_int_equal(control(0x80, 6, 0x0100, 0, 18), 18);
    assert_int_equal(fn.datas, 1);
}

/* What a SETUP of another length says is nothing, and least of all the rest of the one before. */
static void setup_packets_have_eight_bytes(void **state)
{
    (void)state;
    static const uint8_t bytes[64] = {0xC0, 1, 64, 0, 0, 0, 64};
    uint8_t packet[64];
    to_state(S_CONFIGURED);
    for (uint16_t size = 0; size <= 64; size++) {
        assert_int_equal(control(0xC0, 1, 64, 0, 64), 64);
        unsigned asked = fn.setups;
        send_setup_packet(bytes, size);
        assert_int_equal(fn.setups, asked + (size == 8));
        assert_int_equal(take_in(packet), size == 8 ? 64 : STALLED);
    }
    assert_int_equal(control(0x80, 6, 0x0100, 0, 18), 18);
}

static void functions_may_answer_later(void **state)
{
    (void)state;
    uint8_t packet[64];

    to_state(S_CONFIGURED);
    send_setup(0xC0, 3, 0, 0, 10); /* IN */
    assert_ptr_equal(usbd_control_waiting(), fn.pending);
    assert_int_equal(take_in(packet), NAKED);
    fn.pending->size = 6;
    usbd_control_reply(USBD_ACK);
    assert_int_equal(finish_transfer(0xC0, 10, NULL), 6);

    send_setup(0x40, 3, 0, 0, 10); /* OUT: NAK before the data */
    assert_int_equal(give_out(fn.bytes, 10), NAKED);
    usbd_control_reply(USBD_ACK);
    assert_int_equal(finish_transfer(0x40, 10, fn.bytes), 10);

    send_setup(0x40, 4, 0, 0, 10); /* OUT: NAK of the status stage */
    assert_int_equal(give_out(fn.bytes, 10), 10);
    assert_int_equal(take_in(packet), NAKED);
    usbd_control_reply(USBD_FAIL);
    assert_int_equal(take_in(packet), STALLED);

    send_setup(0xC0, 3, 0, 0, 10); /* given up: the late answer goes nowhere */
    send_setup(0x80, 6, 0x0100, 0, 18);
    assert_null(usbd_control_waiting());
    usbd_control_reply(USBD_FAIL);
    assert_int_equal(finish_transfer(0x80, 18, NULL), 18);

    send_setup(0xC0, 3, 0, 0, 10);
    usbd_on_reset();
    assert_null(usbd_control_waiting());
}

/* Any request, any stage cut short: never an assertion of the driver, and the pipe goes on working. */
static void random_requests_do_not_break_the_pipe(void **state)
{
    (void)state;
    static const struct usb_setup good[] = {
        {0x80, 0, 0, 0, 2},       {0x82, 0, 0, 0x82, 2},     {0x02, 1, 0, 0x82, 0},     {0x02, 3, 0, 0x82, 0},
        {0x80, 6, 0x0100, 0, 18}, {0x80, 6, 0x0200, 0, 255}, {0x80, 6, 0x0340, 0, 255}, {0x80, 8, 0, 0, 1},
        {0x00, 9, 5, 0, 0},       {0x81, 10, 0, 0, 1},       {0x01, 11, 1, 0, 0},       {0x00, 3, 1, 0, 0},
        {0xC0, 1, 300, 0, 300},   {0x40, 2, 0, 0, 150},      {0xC0, 3, 0, 0, 100},      {0x40, 4, 0, 0, 100},
    };
    unsigned accepted = 0;
    srand(1);
    to_state(S_CONFIGURED);
    for (unsigned i = 0; i < 300000; i++) {
        struct usb_setup r = good[(size_t)rand() % (sizeof good / sizeof *good)];
        uint8_t data[64];
        if (rand() % 2) /* half of them with one byte changed */
            ((uint8_t *)&r)[rand() % 8] = (uint8_t)rand();
        send_setup(r.bmRequestType, r.bRequest, r.wValue, r.wIndex, r.wLength);
        unsigned answered = 0;
        for (int n = 1 + rand() % 9; n > 0; n--) {
            int n_bytes = rand() % 2 ? take_in(data) : give_out(data, (uint16_t)(rand() % 65));
            answered += n_bytes >= 0;
        }
        accepted += answered > 0;
        if (usbd_control_waiting() && rand() % 2)
            usbd_control_reply((enum usbd_answer)(rand() % 2));
        if (rand() % 1000 == 0)
            usbd_on_reset();
        if (i % 16 == 0)
            assert_int_equal(control(0x80, 6, 0x0100, 0, 18), 18);
    }
    print_message("%u of 300000 requests answered\n", accepted);
    assert_true(accepted > 60000); /* enough of them got somewhere */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_data_is_clipped_and_ended),
        cmocka_unit_test(in_stage_may_end_early_and_refuses_data),
        cmocka_unit_test(out_data_arrives_whole),
        cmocka_unit_test(out_data_may_be_cut_short_or_too_long),
        cmocka_unit_test(setup_packets_have_eight_bytes),
        cmocka_unit_test(functions_may_answer_later),
        cmocka_unit_test(random_requests_do_not_break_the_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
