/* USB 2.0 chapter 9 against the firmware through the packets of the bus: bootloader and CDC example,
 * each request in each state that a host can bring about, lengths, halts, suspend, bus resets. */
#include "bench.h"

enum { ADDRESSED, CONFIGURED, STATES };
#define X UH_STALL

/* expect: bytes of the data stage, or X. */
static const struct request {
    const char *what;
    uint8_t type, request;
    uint16_t value, index, length;
    int expect[STATES];
} common[] = {
    {"GET_STATUS device", 0x80, 0, 0, 0, 2, {2, 2}},
    {"GET_STATUS interface 0", 0x81, 0, 0, 0, 2, {X, 2}},
    {"GET_STATUS interface 9", 0x81, 0, 0, 9, 2, {X, X}},
    {"GET_STATUS endpoint 0", 0x82, 0, 0, 0, 2, {2, 2}},
    {"GET_STATUS endpoint 0x85", 0x82, 0, 0, 0x85, 2, {X, X}},
    {"SET_FEATURE test mode", 0x00, 3, 2, 0x100, 0, {X, X}},
    {"CLEAR_FEATURE halt of endpoint 0", 0x02, 1, 0, 0, 0, {0, 0}},
    {"GET_DESCRIPTOR device", 0x80, 6, 0x0100, 0, 18, {18, 18}},
    {"GET_DESCRIPTOR device, 255 bytes", 0x80, 6, 0x0100, 0, 255, {18, 18}},
    {"GET_DESCRIPTOR device, index 1", 0x80, 6, 0x0101, 0, 18, {X, X}},
    {"GET_DESCRIPTOR configuration 1", 0x80, 6, 0x0201, 0, 255, {X, X}},
    {"GET_DESCRIPTOR languages", 0x80, 6, 0x0300, 0, 255, {4, 4}},
    {"GET_DESCRIPTOR serial", 0x80, 6, 0x0303, 0x0409, 255, {50, 50}},
    {"GET_DESCRIPTOR string 0xEE", 0x80, 6, 0x03EE, 0, 18, {X, X}},
    {"GET_DESCRIPTOR qualifier", 0x80, 6, 0x0600, 0, 10, {X, X}},
    {"GET_DESCRIPTOR other speed", 0x80, 6, 0x0700, 0, 9, {X, X}},
    {"SET_DESCRIPTOR", 0x00, 7, 0x0100, 0, 18, {X, X}},
    {"GET_CONFIGURATION", 0x80, 8, 0, 0, 1, {1, 1}},
    {"SET_CONFIGURATION 2, not there", 0x00, 9, 2, 0, 0, {X, X}},
    {"GET_INTERFACE 0", 0x81, 10, 0, 0, 1, {X, 1}},
    {"SET_INTERFACE 0 alternate 0", 0x01, 11, 0, 0, 0, {X, 0}},
    {"SET_INTERFACE 0 alternate 1", 0x01, 11, 1, 0, 0, {X, X}},
    {"SYNCH_FRAME", 0x82, 12, 0, 0x81, 2, {X, X}},
    {"reserved request 2", 0x80, 2, 0, 0, 2, {X, X}},
    {"unknown class request", 0xA1, 0x77, 0, 0, 8, {X, X}},
    {"unknown vendor request IN", 0xC0, 0x77, 0, 0, 8, {X, X}},
    {"unknown vendor request OUT with data", 0x40, 0x77, 0, 0, 200, {X, X}},
    {"reserved type", 0xE0, 6, 0x0100, 0, 18, {X, X}},
};

static int request(struct bench *t, const struct request *r, uint8_t *data)
{
    uint32_t actual = 0;
    int status = usbhost_control(t->host, r->type, r->request, r->value, r->index, data, r->length, &actual);
    return status == UH_OK ? (int)actual : status;
}

static void ask_all(struct bench *t, unsigned state)
{
    static uint8_t data[1024];
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        int got = request(t, &common[i], data);
        int want = common[i].expect[state];
        if (common[i].length == 0 && want == 0 && got == 0)
            continue;
        if (got != want)
            fail_msg("%s in state %u: %d, not %d", common[i].what, state, got, want);
    }
}

static void chapter_9(const char *first, const char *second)
{
    struct bench *t = bench_start(first, second, true);
    assert_true(usbhost_wait_attached(t->host, 1000 * MS));
    ask_all(t, ADDRESSED);
    assert_int_equal(usbhost_configure(t->host, 1), UH_OK);
    ask_all(t, CONFIGURED);
    bool wakes = usbhost_config_descriptor(t->host)[7] & 0x20;
    assert_int_equal(usbhost_control(t->host, 0x00, 3, 1, 0, NULL, 0, NULL), wakes ? UH_OK : UH_STALL);
    assert_int_equal(usbhost_control(t->host, 0x00, 1, 1, 0, NULL, 0, NULL), wakes ? UH_OK : UH_STALL);
    assert_int_equal(usbhost_configure(t->host, 0), UH_OK);
    ask_all(t, ADDRESSED);
    usbhost_bus_reset(t->host);
    assert_true(usbhost_wait_attached(t->host, 1000 * MS));
    ask_all(t, ADDRESSED);
    bench_end(t);
}

static void chapter_9_of_the_bootloader(void **state)
{
    (void)state;
    chapter_9(BOOT, NULL);
}

static void chapter_9_of_the_cdc_example(void **state)
{
    (void)state;
    chapter_9(BOOT, CDC);
}

/* Every length is served as a beginning of the whole, with an end that the host understands. */
static void descriptors_of_every_length(void **state)
{
    (void)state;
    static const uint16_t which[] = {0x0100, 0x0200, 0x0300, 0x0301, 0x0303, 0x0304};
    struct bench *t = bench_start(BOOT, NULL, true);
    assert_true(usbhost_wait_attached(t->host, 1000 * MS));
    for (size_t i = 0; i < sizeof which / sizeof *which; i++) {
        uint8_t whole[300], part[300];
        uint32_t size, n;
        assert_int_equal(usbhost_control(t->host, 0x80, 6, which[i], 0, whole, 300, &size), UH_OK);
        for (uint16_t length = 1; length < 300; length++) {
            assert_int_equal(usbhost_control(t->host, 0x80, 6, which[i], 0, part, length, &n), UH_OK);
            assert_int_equal(n, length < size ? length : size);
            assert_memory_equal(part, whole, n);
        }
    }
    bench_end(t);
}

static void serial_is_the_same_in_both_and_has_all_bits(void **state)
{
    (void)state;
    uint8_t boot[64], app[64];
    struct bench *t = bench_start(BOOT, NULL, true);
    assert_true(usbhost_wait_attached(t->host, 1000 * MS));
    assert_int_equal(usbhost_control(t->host, 0x80, 6, 0x0303, 0, boot, 64, NULL), UH_OK);
    char text[25] = "";
    for (unsigned i = 0; i < 24; i++)
        text[i] = (char)boot[2 + 2 * i];
    char want[25];
    (void)snprintf(want, sizeof want, "%08X%08X%08X", vboard_peek32(t->board, 0x1FFF7590),
                   vboard_peek32(t->board, 0x1FFF7594), vboard_peek32(t->board, 0x1FFF7598));
    assert_string_equal(text, want);
    bench_end(t);

    t = bench_start(BOOT, CDC, true);
    assert_true(usbhost_wait_attached(t->host, 1000 * MS));
    assert_int_equal(usbhost_control(t->host, 0x80, 6, 0x0303, 0, app, 64, NULL), UH_OK);
    assert_memory_equal(app, boot, 50);
    bench_end(t);
}

/* Control transfers that a host gives up in any stage leave no trace. */
static void abandoned_transfers(void **state)
{
    (void)state;
    static const uint8_t get_config[8] = {0x80, 6, 0, 2, 0, 0, 255, 0};
    static const uint8_t dnload[8] = {0x21, 1, 2, 0, 0, 0, 128, 0};
    uint8_t bytes[64] = {0}, whole[64];
    struct bench *t = bench_start(BOOT, NULL, true);
    assert_true(usbhost_wait_attached(t->host, 1000 * MS));
    assert_int_equal(usbhost_configure(t->host, 1), UH_OK);
    unsigned addr = 0;
    /* The host's own address for the device: the one that answers. */
    for (unsigned a = 1; a < 128 && !addr; a++)
        if (usbhost_token_setup(t->host, a, 0, get_config).answer != 0)
            addr = a;
    assert_int_not_equal(addr, 0);
    for (unsigned i = 0; i < 40; i++) {
        usbhost_token_setup(t->host, addr, 0, i % 2 ? get_config : dnload);
        bench_run(t, MS / 10);
        for (unsigned k = 0; k < i % 5; k++) {
            if (i % 2)
                usbhost_token_in(t->host, addr, 0, k % 2);
            else
                usbhost_token_out(t->host, addr, 0, (k + 1) % 2, bytes, 64, k == 3);
            bench_run(t, MS / 10);
        }
        assert_int_equal(usbhost_control(t->host, 0x80, 6, 0x0100, 0, whole, 18, NULL), UH_OK);
        assert_int_equal(whole[0], 18);
    }
    bench_end(t);
}

static void halt_of_a_bulk_endpoint(void **state)
{
    (void)state;
    uint8_t byte = 'x', back[64];
    uint32_t n;
    struct bench *t = bench_start(BOOT, CDC, true);
    assert_true(usbhost_wait_attached(t->host, 1000 * MS));
    assert_int_equal(usbhost_configure(t->host, 1), UH_OK);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(usbhost_control(t->host, 2, 3, 0, 0x01, NULL, 0, NULL), UH_OK);
        assert_int_equal(usbhost_bulk(t->host, 0x01, &byte, 1, 100 * MS, NULL), UH_STALL);
        assert_int_equal(usbhost_control(t->host, 0x82, 0, 0, 0x01, back, 2, NULL), UH_OK);
        assert_int_equal(back[0], 1);
        assert_int_equal(usbhost_control(t->host, 2, 1, 0, 0x01, NULL, 0, NULL), UH_OK);
        assert_int_equal(usbhost_bulk(t->host, 0x01, &byte, 1, 100 * MS, NULL), UH_OK);
        assert_int_equal(usbhost_bulk(t->host, 0x81, back, 64, 100 * MS, &n), UH_OK);
        assert_int_equal(n, 1);
        assert_int_equal(usbhost_control(t->host, 2, 3, 0, 0x81, NULL, 0, NULL), UH_OK);
        assert_int_equal(usbhost_bulk(t->host, 0x81, back, 64, 100 * MS, &n), UH_STALL);
        assert_int_equal(usbhost_control(t->host, 2, 1, 0, 0x81, NULL, 0, NULL), UH_OK);
    }
    bench_end(t);
}

static void suspend_and_resume(void **state)
{
    (void)state;
    uint8_t byte = 'x', back[64];
    uint32_t n;
    struct bench *t = bench_start(BOOT, CDC, true);
    assert_true(usbhost_wait_attached(t->host, 1000 * MS));
    assert_int_equal(usbhost_configure(t->host, 1), UH_OK);
    for (unsigned i = 0; i < 3; i++) {
        usbhost_suspend(t->host, true);
        bench_run(t, 50 * MS);
        usbhost_suspend(t->host, false);
        bench_run(t, 50 * MS);
        assert_int_equal(usbhost_bulk(t->host, 0x01, &byte, 1, 100 * MS, NULL), UH_OK);
        assert_int_equal(usbhost_bulk(t->host, 0x81, back, 64, 100 * MS, &n), UH_OK);
        assert_int_equal(n, 1);
    }
    bench_end(t);
}

/* The ST-LINK powers the board, and the cable is plugged in some time later: the idle bus has suspended the
 * device by then. */
static void cable_comes_later(void **state)
{
    (void)state;
    enum { USB_CNTR = 0x40006840, FSUSP = 1 << 3 };
    for (unsigned i = 0; i < 2; i++) {
        struct bench *t = bench_start(BOOT, i ? CDC : NULL, true);
        usbhost_plug(t->host, false);
        bench_run(t, 700 * MS);
        assert_true(vboard_peek32(t->board, USB_CNTR) & FSUSP);
        usbhost_plug(t->host, true);
        bench_run(t, 200 * MS);
        assert_int_equal(usbhost_configure(t->host, 1), UH_OK);
        assert_false(vboard_peek32(t->board, USB_CNTR) & FSUSP);
        bench_end(t);
    }
}

/* What tools look for, byte by byte (USB 2.0 9.6, USB DFU 1.1 4.2). */
static void descriptors_of_the_bootloader(void **state)
{
    (void)state;
    static const uint8_t device[] = {18, 1, 0x10, 2, 0, 0, 0, 64, 0x83, 4, 0x11, 0xDF, 0, 1, 1, 2, 3, 1};
    static const uint8_t configuration[] = {
        9, 2,    27,   0,   1, 1,    0, 0x80, 50, /* one interface, 100 mA */
        9, 4,    0,    0,   0, 0xFE, 1, 2,    4,  /* DFU mode */
        9, 0x21, 0x0B, 255, 0, 0,    8, 0x1A, 1}; /* DfuSe, 2048 bytes */
    uint8_t data[64];
    struct bench *t = bench_start(BOOT, NULL, true);
    assert_true(usbhost_wait_attached(t->host, 500 * MS));
    assert_int_equal(request(t, &(struct request){"", 0x80, 6, 0x0100, 0, 64, {0}}, data), sizeof device);
    assert_memory_equal(data, device, sizeof device);
    assert_int_equal(request(t, &(struct request){"", 0x80, 6, 0x0200, 0, 64, {0}}, data),
                     sizeof configuration);
    assert_memory_equal(data, configuration, sizeof configuration);
    bench_end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chapter_9_of_the_bootloader),
        cmocka_unit_test(chapter_9_of_the_cdc_example),
        cmocka_unit_test(descriptors_of_the_bootloader),
        cmocka_unit_test(descriptors_of_every_length),
        cmocka_unit_test(serial_is_the_same_in_both_and_has_all_bits),
        cmocka_unit_test(abandoned_transfers),
        cmocka_unit_test(halt_of_a_bulk_endpoint),
        cmocka_unit_test(suspend_and_resume),
        cmocka_unit_test(cable_comes_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
