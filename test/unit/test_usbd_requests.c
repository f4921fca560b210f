/* The standard requests of USB 2.0 chapter 9 in each device state, and what they do to endpoints. */
#include "usbd_fake.h"

// clang-format off
#define X STALLED
static const struct {
    const char *what;
    uint8_t type, request;
    uint16_t value, index, length;
    int expect[STATES]; /* default, address, configured */
} requests[] = {
    {"GET_STATUS device", 0x80, 0, 0, 0, 2, {X, 2, 2}},
    {"GET_STATUS device, wLength 1", 0x80, 0, 0, 0, 1, {X, 1, 1}},
    {"GET_STATUS device, wLength 300", 0x80, 0, 0, 0, 300, {X, 2, 2}},
    {"GET_STATUS device, wIndex 1", 0x80, 0, 0, 1, 2, {X, X, X}},
    {"GET_STATUS device, wValue 1", 0x80, 0, 1, 0, 2, {X, X, X}},
    {"GET_STATUS as OUT", 0x00, 0, 0, 0, 0, {X, X, X}},
    {"GET_STATUS interface 0", 0x81, 0, 0, 0, 2, {X, X, 2}},
    {"GET_STATUS interface 1", 0x81, 0, 0, 1, 2, {X, X, 2}},
    {"GET_STATUS interface 2", 0x81, 0, 0, 2, 2, {X, X, X}},
    {"GET_STATUS interface 0x100", 0x81, 0, 0, 0x100, 2, {X, X, X}},
    {"GET_STATUS endpoint 0", 0x82, 0, 0, 0, 2, {X, 2, 2}},
    {"GET_STATUS endpoint 0x80", 0x82, 0, 0, 0x80, 2, {X, 2, 2}},
    {"GET_STATUS endpoint 0x82", 0x82, 0, 0, 0x82, 2, {X, X, 2}},
    {"GET_STATUS endpoint 2, not there", 0x82, 0, 0, 2, 2, {X, X, X}},
    {"GET_STATUS endpoint 1, in the other alternate setting", 0x82, 0, 0, 1, 2, {X, X, X}},
    {"GET_STATUS endpoint 0x8A", 0x82, 0, 0, 0x8A, 2, {X, X, X}},
    {"GET_STATUS endpoint 0x182", 0x82, 0, 0, 0x182, 2, {X, X, X}},
    {"GET_STATUS other recipient", 0x83, 0, 0, 0, 2, {X, X, X}},
    {"CLEAR_FEATURE remote wake-up", 0x00, 1, 1, 0, 0, {X, 0, 0}},
    {"CLEAR_FEATURE test mode", 0x00, 1, 2, 0, 0, {X, X, X}},
    {"CLEAR_FEATURE halt of the device", 0x00, 1, 0, 0, 0, {X, X, X}},
    {"CLEAR_FEATURE halt of endpoint 0", 0x02, 1, 0, 0, 0, {X, 0, 0}},
    {"CLEAR_FEATURE halt of endpoint 0x82", 0x02, 1, 0, 0x82, 0, {X, X, 0}},
    {"CLEAR_FEATURE halt of endpoint 0x83", 0x02, 1, 0, 0x83, 0, {X, X, X}},
    {"CLEAR_FEATURE 1 of endpoint 0x82", 0x02, 1, 1, 0x82, 0, {X, X, X}},
    {"CLEAR_FEATURE of an interface", 0x01, 1, 0, 0, 0, {X, X, X}},
    {"CLEAR_FEATURE with data", 0x02, 1, 0, 0x82, 4, {X, X, X}},
    {"CLEAR_FEATURE as IN", 0x82, 1, 0, 0x82, 2, {X, X, X}},
    {"SET_FEATURE remote wake-up", 0x00, 3, 1, 0, 0, {X, 0, 0}},
    {"SET_FEATURE remote wake-up, wIndex 1", 0x00, 3, 1, 1, 0, {X, X, X}},
    {"SET_FEATURE test mode", 0x00, 3, 2, 0x100, 0, {X, X, X}},
    {"SET_FEATURE halt of endpoint 0", 0x02, 3, 0, 0, 0, {X, X, X}},
    {"SET_FEATURE halt of endpoint 0x82", 0x02, 3, 0, 0x82, 0, {X, X, 0}},
    {"SET_ADDRESS 7", 0x00, 5, 7, 0, 0, {0, 0, X}},
    {"SET_ADDRESS 0", 0x00, 5, 0, 0, 0, {0, 0, X}},
    {"SET_ADDRESS 128", 0x00, 5, 128, 0, 0, {X, X, X}},
    {"SET_ADDRESS, wIndex 1", 0x00, 5, 7, 1, 0, {X, X, X}},
    {"SET_ADDRESS, wLength 1", 0x00, 5, 7, 0, 1, {X, X, X}},
    {"SET_ADDRESS to an interface", 0x01, 5, 7, 0, 0, {X, X, X}},
    {"GET_DESCRIPTOR device", 0x80, 6, 0x0100, 0, 64, {18, 18, 18}},
    {"GET_DESCRIPTOR device, 8 bytes", 0x80, 6, 0x0100, 0, 8, {8, 8, 8}},
    {"GET_DESCRIPTOR device, index 1", 0x80, 6, 0x0101, 0, 18, {X, X, X}},
    {"GET_DESCRIPTOR configuration", 0x80, 6, 0x0200, 0, 255, {CONFIG_SIZE, CONFIG_SIZE, CONFIG_SIZE}},
    {"GET_DESCRIPTOR configuration, 9 bytes", 0x80, 6, 0x0200, 0, 9, {9, 9, 9}},
    {"GET_DESCRIPTOR configuration, 65535 bytes",
     0x80,
     6,
     0x0200,
     0,
     65535,
     {CONFIG_SIZE, CONFIG_SIZE, CONFIG_SIZE}},
    {"GET_DESCRIPTOR configuration 1", 0x80, 6, 0x0201, 0, 255, {X, X, X}},
    {"GET_DESCRIPTOR languages", 0x80, 6, 0x0300, 0, 255, {4, 4, 4}},
    {"GET_DESCRIPTOR string 5", 0x80, 6, 0x0305, 0x0409, 255, {12, 12, 12}},
    {"GET_DESCRIPTOR string 126", 0x80, 6, 0x037E, 0x0409, 255, {254, 254, 254}},
    {"GET_DESCRIPTOR string of 127, which a descriptor cannot hold",
     0x80,
     6,
     0x037F,
     0x0409,
     255,
     {254, 254, 254}},
    {"GET_DESCRIPTOR string 0xEE", 0x80, 6, 0x03EE, 0, 255, {X, X, X}},
    {"GET_DESCRIPTOR interface", 0x80, 6, 0x0400, 0, 9, {X, X, X}},
    {"GET_DESCRIPTOR endpoint", 0x80, 6, 0x0500, 0, 7, {X, X, X}},
    {"GET_DESCRIPTOR qualifier", 0x80, 6, 0x0600, 0, 10, {X, X, X}},
    {"GET_DESCRIPTOR other speed", 0x80, 6, 0x0700, 0, 10, {X, X, X}},
    {"GET_DESCRIPTOR BOS", 0x80, 6, 0x0F00, 0, 255, {29, 29, 29}},
    {"GET_DESCRIPTOR BOS header", 0x80, 6, 0x0F00, 0, 5, {5, 5, 5}},
    {"GET_DESCRIPTOR of a class, from an interface", 0x81, 6, 0x2100, 0, 64, {9, 9, 9}},
    {"GET_DESCRIPTOR unknown, from an interface", 0x81, 6, 0x2200, 0, 64, {X, X, X}},
    {"GET_DESCRIPTOR as OUT", 0x00, 6, 0x0100, 0, 0, {X, X, X}},
    {"SET_DESCRIPTOR", 0x00, 7, 0x0100, 0, 18, {X, X, X}},
    {"GET_CONFIGURATION", 0x80, 8, 0, 0, 1, {X, 1, 1}},
    {"GET_CONFIGURATION, wValue 1", 0x80, 8, 1, 0, 1, {X, X, X}},
    {"SET_CONFIGURATION 5", 0x00, 9, 5, 0, 0, {X, 0, 0}},
    {"SET_CONFIGURATION 0", 0x00, 9, 0, 0, 0, {X, 0, 0}},
    {"SET_CONFIGURATION 1, not there", 0x00, 9, 1, 0, 0, {X, X, X}},
    {"SET_CONFIGURATION 0x105", 0x00, 9, 0x105, 0, 0, {X, X, X}},
    {"SET_CONFIGURATION, wLength 2", 0x00, 9, 5, 0, 2, {X, X, X}},
    {"GET_INTERFACE 0", 0x81, 10, 0, 0, 1, {X, X, 1}},
    {"GET_INTERFACE 2", 0x81, 10, 0, 2, 1, {X, X, X}},
    {"GET_INTERFACE, wValue 1", 0x81, 10, 1, 0, 1, {X, X, X}},
    {"GET_INTERFACE of the device", 0x80, 10, 0, 0, 1, {X, X, X}},
    {"SET_INTERFACE 0 alternate 1", 0x01, 11, 1, 0, 0, {X, X, 0}},
    {"SET_INTERFACE 0 alternate 2", 0x01, 11, 2, 0, 0, {X, X, X}},
    {"SET_INTERFACE 1 alternate 1", 0x01, 11, 1, 1, 0, {X, X, X}},
    {"SET_INTERFACE 5", 0x01, 11, 0, 5, 0, {X, X, X}},
    {"SYNCH_FRAME", 0x82, 12, 0, 0x82, 2, {X, X, X}},
    {"reserved request 2", 0x80, 2, 0, 0, 2, {X, X, X}},
    {"reserved request 4", 0x00, 4, 0, 0, 0, {X, X, X}},
    {"request 200", 0x80, 200, 0, 0, 2, {X, X, X}},
    {"reserved type", 0xE0, 6, 0x0100, 0, 18, {X, X, X}},
};
// clang-format on

static void each_standard_request_in_each_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        for (unsigned s = 0; s < STATES; s++) {
            to_state(s);
            int n = control(requests[i].type, requests[i].request, requests[i].value, requests[i].index,
                            requests[i].length);
            if (n != requests[i].expect[s])
                fail_msg("%s in state %u: %d, not %d", requests[i].what, s, n, requests[i].expect[s]);
            if (requests[i].type == 0x80 && requests[i].request == 6 && n > 1)
                assert_int_equal(got[1], requests[i].value >> 8); /* bDescriptorType */
            /* The pipe works on after every answer. */
            assert_int_equal(control(0x80, 6, 0x0100, 0, 18), 18);
            assert_memory_equal(got, &device_descriptor, 18);
        }
    }
}

static void status_bits_tell_power_and_wake_up(void **state)
{
    (void)state;
    to_state(S_ADDRESS);
    assert_int_equal(control(0x80, 0, 0, 0, 2), 2);
    assert_int_equal(got[0], 1);
    assert_int_equal(control(0, USB_SET_FEATURE, 1, 0, 0), 0);
    assert_int_equal(control(0x80, 0, 0, 0, 2), 2);
    assert_int_equal(got[0], 3);
    assert_false(usbd_remote_wake(true)); /* not suspended */
    usbd_on_suspend(true);
    assert_true(usbd_remote_wake(true));
    assert_int_equal(control(0, USB_CLEAR_FEATURE, 1, 0, 0), 0);
    assert_false(usbd_remote_wake(true));
    usbd_on_reset();
    assert_false(usbd_suspended());
}

/* USB 2.0 9.6.7: the one language, and text in UTF-16. */
static void strings_byte_for_byte(void **state)
{
    (void)state;
    to_state(S_ADDRESS);
    assert_int_equal(control(0x80, USB_GET_DESCRIPTOR, 0x0300, 0, 255), 4);
    assert_memory_equal(got, "\4\3\x09\4", 4);
    assert_int_equal(control(0x80, USB_GET_DESCRIPTOR, 0x0305, 0x0409, 255), 12);
    assert_memory_equal(got, "\x0C\3x\0x\0x\0x\0x", 12);
}

/* One with data is refused, and leaves everything as it was. */
static void requests_with_data_do_nothing(void **state)
{
    (void)state;
    to_state(S_ADDRESS);
    assert_int_equal(control(0, USB_SET_CONFIGURATION, 5, 0, 2), STALLED);
    assert_false(usbd_configured());
    assert_int_equal(control(0, USB_SET_FEATURE, USB_DEVICE_REMOTE_WAKEUP, 0, 2), STALLED);
    assert_int_equal(control(0x80, USB_GET_STATUS, 0, 0, 2), 2);
    assert_int_equal(got[0], 1);
}

static void address_counts_after_the_status_stage(void **state)
{
    (void)state;
    to_state(S_DEFAULT);
    send_setup(0, USB_SET_ADDRESS, 99, 0, 0);
    assert_int_equal(hw.address, 0);
    uint8_t packet[64];
    assert_int_equal(take_in(packet), 0);
    assert_int_equal(hw.address, 99);

    /* Given up before the status stage: no change. */
    send_setup(0, USB_SET_ADDRESS, 55, 0, 0);
    assert_int_equal(control(0x80, 6, 0x0100, 0, 18), 18);
    assert_int_equal(hw.address, 99);
}

static void halt_stops_an_endpoint_and_clears(void **state)
{
    (void)state;
    to_state(S_CONFIGURED);
    assert_true(usbd_write(0x82, "x", 1));
    assert_false(usbd_write(0x82, "x", 1)); /* one at a time */
    assert_int_equal(control(2, USB_SET_FEATURE, 0, 0x82, 0), 0);
    assert_true(hw.stall[1][2]);
    assert_int_equal(control(0x82, 0, 0, 0x82, 2), 2);
    assert_int_equal(got[0], 1);
    assert_false(usbd_write(0x82, "x", 1));
    assert_int_equal(control(2, USB_CLEAR_FEATURE, 0, 0x82, 0), 0);
    assert_false(hw.stall[1][2]);
    assert_int_equal(hw.toggles_reset, 1);
    assert_int_equal(fn.unstalled, 1);
    assert_int_equal(fn.last_arg, 0x82);
    assert_int_equal(control(0x82, 0, 0, 0x82, 2), 2);
    assert_int_equal(got[0], 0);
    assert_true(usbd_write(0x82, "x", 1)); /* the lost packet does not block it */
    usbd_on_sent(0x82);
    assert_int_equal(fn.sent, 1);
    /* Clearing a halt that is not there resets the toggle all the same (9.4.5). */
    assert_int_equal(control(2, USB_CLEAR_FEATURE, 0, 0x82, 0), 0);
    assert_int_equal(hw.toggles_reset, 2);
}

static void configurations_open_and_close_endpoints(void **state)
{
    (void)state;
    to_state(S_ADDRESS);
    assert_false(usbd_configured());
    assert_false(usbd_write(0x82, "x", 1));
    assert_false(usbd_accept(0x01));
    assert_int_equal(control(0, 9, 5, 0, 0), 0);
    assert_true(usbd_configured());
    assert_int_equal(fn.configured, 1);
    assert_true(hw.open[1][2]);
    assert_false(hw.open[0][1]);
    assert_int_equal(control(0x80, 8, 0, 0, 1), 1);
    assert_int_equal(got[0], 5);

    assert_int_equal(control(1, 11, 1, 0, 0), 0); /* alternate setting 1 has the bulk pair */
    assert_true(hw.open[0][1] && hw.open[1][1]);
    assert_int_equal(usbd_alternate(0), 1);
    assert_int_equal(control(0x81, 10, 0, 0, 1), 1);
    assert_int_equal(got[0], 1);
    assert_true(usbd_accept(0x01));
    usbd_on_received(0x01);
    assert_int_equal(fn.received, 1);
    assert_int_equal(control(1, 11, 0, 0, 0), 0);
    assert_false(hw.open[0][1] || hw.open[1][1]);
    usbd_on_received(0x01); /* too late */
    assert_int_equal(fn.received, 1);

    assert_int_equal(control(1, 11, 1, 0, 0), 0);
    unsigned opened = hw.opened;
    assert_int_equal(control(0, 9, 5, 0, 0), 0); /* again: back to alternate setting 0, toggles fresh */
    assert_int_equal(usbd_alternate(0), 0);
    assert_false(hw.open[0][1]);
    assert_int_equal(hw.opened, opened + 1);
    assert_int_equal(control(0, 9, 0, 0, 0), 0);
    assert_false(usbd_configured() || hw.open[1][2]);

    to_state(S_CONFIGURED);
    usbd_on_reset();
    assert_false(usbd_configured() || hw.open[1][2]);
    assert_int_equal(fn.resets, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_standard_request_in_each_state),
        cmocka_unit_test(status_bits_tell_power_and_wake_up),
        cmocka_unit_test(strings_byte_for_byte),
        cmocka_unit_test(requests_with_data_do_nothing),
        cmocka_unit_test(address_counts_after_the_status_stage),
        cmocka_unit_test(halt_stops_an_endpoint_and_clears),
        cmocka_unit_test(configurations_open_and_close_endpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
