/* The serial port: its requests, its two rings, and what a bus reset, a new configuration, a halt or a
 * sleeping host make of them. */
#include "usb/cdc.h"
#include "usbd_fake.h"

enum { SET_CODING = 0x20, GET_CODING, SET_LINES, SEND_BREAK };
enum { TO_US = 0x21, FROM_US = 0xA1, RING = 1024, HALT = 0 };

/* ---- the device -------------------------------------------------------------------------- */

static const struct {
    struct usb_config_descriptor config;
    struct cdc_interfaces cdc;
} USB_PACKED port_configuration = {
    .config = {9, USB_DESC_CONFIGURATION, sizeof port_configuration, 2, 5, 0, USB_CONF_RESERVED, 50},
    .cdc = CDC_INTERFACES,
};
static const struct usbd_function *const port_functions[] = {&cdc_function, NULL};
static const struct usbd_device port = {.driver = &driver,
                                        .device = &device_descriptor,
                                        .configuration = &port_configuration.config,
                                        .functions = port_functions};

static struct {
    bool consumes;
    unsigned packets;
    uint8_t bytes[64];
    uint16_t size;
} seen;

bool cdc_on_packet(const uint8_t *packet, uint16_t size)
{
    seen.packets++;
    seen.size = size;
    memcpy(seen.bytes, packet, size);
    return seen.consumes;
}

static void configure(void)
{
    assert_int_equal(control(0, USB_SET_ADDRESS, 42, 0, 0), 0);
    assert_int_equal(control(0, USB_SET_CONFIGURATION, 5, 0, 0), 0);
}

static int fresh(void **state)
{
    (void)state;
    to_state(S_DEFAULT); /* ends what was */
    memset(&hw, 0, sizeof hw);
    memset(&seen, 0, sizeof seen);
    usbd_init(&port);
    usbd_connect(true);
    usbd_on_reset();
    configure();
    return 0;
}

/* There is no notification, whatever happened: Linux takes what cannot be notified for unchanged. */
static int quiet(void **state)
{
    (void)state;
    return hw.armed[1][CDC_EP_NOTIFY & 7];
}

/* ---- the host ---------------------------------------------------------------------------- */

/* One IN and one OUT transaction: bytes, STALLED or NAKED. */
static int take(uint8_t *to)
{
    if (hw.stall[1][1])
        return STALLED;
    if (!hw.armed[1][1])
        return NAKED;
    hw.armed[1][1] = false;
    memcpy(to, hw.packet[1], hw.packet_size[1]);
    int n = hw.packet_size[1];
    usbd_on_sent(CDC_EP_IN);
    return n;
}

static int give(const uint8_t *from, uint16_t size)
{
    if (hw.stall[0][1])
        return STALLED;
    if (!hw.armed[0][1])
        return NAKED;
    hw.armed[0][1] = false;
    if (size)
        memcpy(hw.out, from, size);
    hw.out_size = size;
    usbd_on_received(CDC_EP_OUT);
    return size;
}

/* Bytes of a stream that never repeats within a ring: what comes out must be what went in. */
static uint8_t at(unsigned n)
{
    return (uint8_t)(n * 7 + n / 256);
}

static const uint8_t *from(unsigned n)
{
    static uint8_t bytes[2 * RING];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = at(n + i);
    return bytes;
}

static void expect_read(unsigned n, size_t room, size_t want)
{
    static uint8_t bytes[2 * RING];
    assert_int_equal(cdc_read(bytes, room), want);
    assert_memory_equal(bytes, from(n), want);
}

static void expect_take(unsigned n, int want)
{
    uint8_t packet[64];
    assert_int_equal(take(packet), want);
    if (want > 0)
        assert_memory_equal(packet, from(n), (size_t)want);
}

/* ---- requests ---------------------------------------------------------------------------- */

static void expect_coding(uint32_t rate, uint8_t format, uint8_t parity, uint8_t bits)
{
    const struct cdc_line_coding want = {rate, format, parity, bits};
    assert_int_equal(control(FROM_US, GET_CODING, 0, 0, 7), 7);
    assert_memory_equal(got, &want, 7);
    assert_memory_equal(cdc_line_coding(), &want, 7);
}

static int set_coding(uint16_t interface, uint16_t length, const uint8_t *bytes)
{
    send_setup(TO_US, SET_CODING, 0, interface, length);
    return finish_transfer(TO_US, length, bytes);
}

static void line_coding(void **state)
{
    (void)state;
    static const uint8_t coding[64] = {0x80, 0x25, 0, 0, 2, 1, 7}, other[64] = {1, 2, 3, 4, 5, 6, 7};
    expect_coding(115200, 0, 0, 8); /* before anybody sets one */
    assert_int_equal(set_coding(0, 7, coding), 7);
    expect_coding(9600, 2, 1, 7);
    assert_int_equal(control(FROM_US, GET_CODING, 0, 0, 64), 7);
    assert_int_equal(control(FROM_US, GET_CODING, 0, 0, 2), 2);

    for (uint16_t length = 0; length <= 64; length++) /* of a wrong length: refused at once */
        if (length != 7)
            assert_int_equal(set_coding(0, length, other), STALLED);
    assert_int_equal(set_coding(1, 7, other), STALLED);
    send_setup(TO_US, SET_CODING, 0, 0, 7);
    assert_int_equal(give_out(other, 3), 3); /* less than announced */
    assert_int_equal(take_in(got), STALLED);
    send_setup(TO_US, SET_CODING, 0, 0, 7); /* given up */
    expect_coding(9600, 2, 1, 7);

    usbd_on_reset(); /* as a UART would: the next who opens the port sets it anyway */
    configure();
    expect_coding(9600, 2, 1, 7);
    static const uint8_t usual[] = {0, 0xC2, 1, 0, 0, 0, 8};
    assert_int_equal(set_coding(0, 7, usual), 7);
}

static void control_lines(void **state)
{
    (void)state;
    static const struct {
        uint16_t value;
        bool dtr;
    } table[] = {{1, true}, {0, false}, {3, true}, {2, false}, {0xFFFF, true}, {0xFFFE, false}, {1, true}};
    assert_false(cdc_dtr());
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(control(TO_US, SET_LINES, table[i].value, 0, 0), 0);
        assert_int_equal(cdc_dtr(), table[i].dtr);
    }
    assert_int_equal(control(TO_US, SET_LINES, 0, 0, 1), STALLED); /* it has no data */
    assert_int_equal(control(TO_US, SET_LINES, 0, 1, 0), STALLED);
    assert_true(cdc_dtr());
    usbd_on_reset();
    assert_false(cdc_dtr());
    configure();
    assert_int_equal(control(TO_US, SET_LINES, 1, 0, 0), 0);
    assert_int_equal(control(0, USB_SET_CONFIGURATION, 5, 0, 0), 0);
    assert_false(cdc_dtr());
}

/* Breaks cannot be sent (bmCapabilities), nor encapsulated commands. */
static void other_requests(void **state)
{
    (void)state;
    for (unsigned request = 0; request < 256; request++) {
        uint8_t number = (uint8_t)request;
        if (number != SET_LINES)
            assert_int_equal(control(TO_US, number, 0xFFFF, 0, 0), STALLED);
        if (number != SET_CODING)
            assert_int_equal(control(TO_US, number, 0, 0, 7), STALLED);
        if (number != GET_CODING)
            assert_int_equal(control(FROM_US, number, 0, 0, 7), STALLED);
        assert_int_equal(control(FROM_US, number, 0, 1, 7), STALLED); /* the other interface */
        assert_int_equal(control(0xA0, number, 0, 0, 7), STALLED);    /* the device, an endpoint, a vendor */
        assert_int_equal(control(0xA2, number, 0, 0, 7), STALLED);
        assert_int_equal(control(0xC1, number, 0, 0, 7), STALLED);
    }
    expect_coding(115200, 0, 0, 8);
    assert_false(cdc_dtr());
}

/* ---- from the host ----------------------------------------------------------------------- */

/* The application sees packets as they come, also those without bytes: it knows transfers. */
static void packets_are_shown(void **state)
{
    (void)state;
    static const uint16_t sizes[] = {1, 0, 64, 1, 63, 64, 0};
    unsigned sum = 0;
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(give(from(sum), sizes[i]), sizes[i]);
        assert_int_equal(seen.packets, i + 1);
        assert_int_equal(seen.size, sizes[i]);
        assert_memory_equal(seen.bytes, from(sum), sizes[i]);
        sum += sizes[i];
    }
    expect_read(0, 10, 10); /* the bytes have no bounds */
    expect_read(10, RING, sum - 10);
    expect_read(0, RING, 0);
    assert_int_equal(hw.accepts, 1 + sizeof sizes / sizeof *sizes); /* one for each, and the next */

    seen.consumes = true;
    assert_int_equal(give(from(5), 1), 1);
    expect_read(0, RING, 0);
    seen.consumes = false;
    assert_int_equal(give(from(9), 1), 1); /* and the port goes on */
    expect_read(9, RING, 1);

    cdc_function.event(USBD_RECEIVED, 0x03); /* of another function */
    assert_int_equal(seen.packets, sizeof sizes / sizeof *sizes + 2);
}

/* While no whole packet has room the host is told NAK, and nothing is lost. */
static void no_room(void **state)
{
    (void)state;
    static const uint16_t sizes[] = {64, 63, 1};
    for (unsigned k = 0; k < 3; k++) {
        unsigned in = 0, out = 0;
        (void)fresh(NULL);
        for (unsigned turn = 0; turn < 4; turn++) { /* around the ring */
            while (give(from(in), sizes[k]) != NAKED)
                in += sizes[k];
            assert_in_range(in - out, RING - 64 + 1, RING - 64 + sizes[k]);
            unsigned must_go = in - out - (RING - 64);
            for (unsigned n = 1; n < must_go; n++) {
                expect_read(out++, 1, 1);
                assert_int_equal(give(from(in), sizes[k]), NAKED);
            }
            expect_read(out++, 1, 1);
            assert_int_equal(give(from(in), sizes[k]), sizes[k]);
            in += sizes[k];
            expect_read(out, 500, 500);
            out += 500;
        }
        expect_read(out, RING, in - out);
    }
}

/* ---- to the host ------------------------------------------------------------------------- */

/* A full packet at the end is followed by one without bytes, or the host would wait for more. */
static void transfers_end(void **state)
{
    (void)state;
    for (unsigned size = 0; size <= 200; size++) {
        unsigned n = 0;
        assert_int_equal(cdc_write(from(0), size), size);
        for (; size - n >= 64; n += 64)
            expect_take(n, 64);
        if (size > 0)
            expect_take(n, (int)(size - n));
        expect_take(0, NAKED);
    }
    assert_int_equal(cdc_write(from(0), 64), 64);
    assert_int_equal(cdc_write(from(64), 10), 10); /* in time: it is the same transfer */
    expect_take(0, 64);
    expect_take(64, 10);
    expect_take(0, NAKED);
}

static void no_room_to_write(void **state)
{
    (void)state;
    unsigned in = 0, out = 0;
    for (unsigned turn = 0; turn < 4; turn++) {
        in += (unsigned)cdc_write(from(in), 2 * RING);
        in += (unsigned)cdc_write(from(in), 2 * RING); /* the first packet had gone */
        assert_int_equal(in - out, RING + 64);
        assert_int_equal(cdc_write(from(in), 1), 0);
        for (unsigned i = 0; i < 10; i++, out += 64)
            expect_take(out, 64);
        assert_int_equal(cdc_write(from(in), 2 * RING), 640);
        in += 640;
        for (; in > out; out += 64)
            expect_take(out, 64);
        expect_take(0, 0);
    }
}

/* ---- what happens on the bus ------------------------------------------------------------- */

static void fill_both(void)
{
    assert_int_equal(give(from(0), 64), 64);
    assert_int_equal(cdc_write(from(0), 200), 200);
    expect_take(0, 64);
}

static void expect_nothing_left(void)
{
    assert_int_equal(cdc_write(from(0), 0), 0); /* nor is the end of a transfer due */
    expect_read(0, RING, 0);
    expect_take(0, NAKED);
    assert_int_equal(give(from(3), 5), 5);
    expect_read(3, RING, 5);
    assert_int_equal(cdc_write(from(0), 3), 3);
    expect_take(0, 3);
    expect_take(0, NAKED);
}

static void a_reset_forgets(void **state)
{
    (void)state;
    fill_both();
    usbd_on_reset();
    expect_read(0, RING, 0);
    assert_int_equal(cdc_write(from(0), 20), 20); /* nobody is there to take it */
    configure();
    expect_nothing_left();

    fill_both();
    assert_int_equal(control(0, USB_SET_CONFIGURATION, 5, 0, 0), 0);
    expect_nothing_left();

    assert_int_equal(cdc_write(from(0), 64), 64); /* a packet without bytes has to follow */
    usbd_on_reset();
    configure();
    expect_nothing_left();

    assert_int_equal(control(0, USB_SET_CONFIGURATION, 0, 0, 0), 0);
    assert_false(hw.open[0][1] || hw.open[1][1]);
    assert_int_equal(cdc_write(from(0), 20), 20);
    assert_int_equal(control(0, USB_SET_CONFIGURATION, 5, 0, 0), 0);
    expect_nothing_left();
}

/* A setting that is selected anew has its endpoints at NAK: what was on its way is lost, what waits goes on.
 */
static void a_setting_goes_on(void **state)
{
    (void)state;
    fill_both();
    assert_int_equal(control(0x01, USB_SET_INTERFACE, 0, 1, 0), 0);
    expect_take(128, 64);
    expect_take(192, 8);
    expect_take(0, NAKED);
    assert_int_equal(give(from(64), 64), 64);
    expect_read(0, RING, 128);

    unsigned in = 0;
    while (give(from(in), 64) != NAKED)
        in += 64;
    assert_int_equal(control(0x01, USB_SET_INTERFACE, 0, 1, 0), 0);
    assert_int_equal(give(from(in), 64), NAKED); /* there is still no room */
    expect_read(0, 64, 64);
    assert_int_equal(give(from(in), 64), 64);
    expect_read(64, RING, in);
}

static void a_halt_goes_on(void **state)
{
    (void)state;
    enum { TO_ENDPOINT = 0x02 };
    fill_both();
    assert_int_equal(control(TO_ENDPOINT, USB_SET_FEATURE, HALT, CDC_EP_IN, 0), 0);
    expect_take(0, STALLED);
    assert_int_equal(cdc_write(from(200), 50), 50);
    assert_int_equal(give(from(64), 1), 1);
    assert_int_equal(control(TO_ENDPOINT, USB_CLEAR_FEATURE, HALT, CDC_EP_IN, 0), 0);
    expect_take(128, 64); /* 64 were on their way */
    expect_take(192, 58);
    expect_take(0, NAKED);
    expect_read(0, RING, 65);

    unsigned in = 0;
    while (give(from(in), 64) != NAKED)
        in += 64;
    assert_int_equal(control(TO_ENDPOINT, USB_SET_FEATURE, HALT, CDC_EP_OUT, 0), 0);
    expect_read(0, 64, 64); /* room now, but the endpoint may not take it */
    assert_int_equal(give(from(in), 64), STALLED);
    assert_int_equal(control(TO_ENDPOINT, USB_CLEAR_FEATURE, HALT, CDC_EP_OUT, 0), 0);
    assert_int_equal(give(from(in), 64), 64);
    expect_read(64, RING, in);
    assert_int_equal(control(TO_ENDPOINT, USB_SET_FEATURE, HALT, CDC_EP_OUT, 0), 0);
    assert_int_equal(control(TO_ENDPOINT, USB_CLEAR_FEATURE, HALT, CDC_EP_OUT, 0), 0);
    assert_int_equal(give(from(0), 64), 64); /* it had been listening */
    expect_read(0, RING, 64);
}

static void a_sleeping_host_loses_nothing(void **state)
{
    (void)state;
    fill_both();
    usbd_on_suspend(true);
    assert_int_equal(cdc_write(from(200), 100), 100);
    expect_read(0, RING, 64);
    usbd_on_suspend(false);
    for (unsigned out = 64; out < 300; out += 64)
        expect_take(out, out + 64 <= 300 ? 64 : (int)(300 - out));
    expect_take(0, NAKED);
    assert_int_equal(give(from(64), 64), 64);
    expect_read(64, RING, 64);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, fresh, quiet)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(line_coding),
        FRESH(control_lines),
        FRESH(other_requests),
        FRESH(packets_are_shown),
        FRESH(no_room),
        FRESH(transfers_end),
        FRESH(no_room_to_write),
        FRESH(a_reset_forgets),
        FRESH(a_setting_goes_on),
        FRESH(a_halt_goes_on),
        FRESH(a_sleeping_host_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
