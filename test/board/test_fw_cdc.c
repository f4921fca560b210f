/* The CDC example as a serial port: nothing is lost, whatever the sizes and whoever is slow. */
#include "bench.h"
#include "board.h"

static struct bench *start_with(unsigned per_frame)
{
    struct bench *t = bench_start_with(BOOT, CDC, per_frame);
    assert_true(usbhost_wait_attached(t->host, 1000 * MS));
    assert_int_equal(usbhost_configure(t->host, 1), UH_OK);
    return t;
}

static struct bench *start(void)
{
    return start_with(10);
}

static void echo(struct bench *t, const uint8_t *bytes, uint32_t size)
{
    static uint8_t back[8192];
    uint32_t got = 0, n;
    assert_true(size <= sizeof back);
    assert_int_equal(usbhost_bulk(t->host, 0x01, (uint8_t *)(uintptr_t)bytes, size, 1000 * MS, NULL), UH_OK);
    while (got < size) {
        int status = usbhost_bulk(t->host, 0x81, back + got, (uint32_t)sizeof back - got, 1000 * MS, &n);
        assert_int_equal(status, UH_OK);
        got += n;
    }
    assert_int_equal(got, size);
    assert_memory_equal(back, bytes, size);
}

static void every_size_comes_back(void **state)
{
    (void)state;
    static uint8_t bytes[1024];
    struct bench *t = start();
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 17 + 3);
    for (uint32_t size = 1; size <= 260; size++)
        echo(t, bytes, size);
    echo(t, bytes, sizeof bytes);
    assert_int_equal(t->resets, 1); /* power-on and no other */
    bench_end(t);
}

/* The transfers of both directions run at once, and the host reads late. */
static void stream(unsigned per_frame)
{
    enum { TOTAL = 64 * 1024 };
    static uint8_t out[TOTAL], in[TOTAL + 64];
    struct bench *t = start_with(per_frame);
    srand(7);
    for (unsigned i = 0; i < TOTAL; i++)
        out[i] = (uint8_t)rand();
    struct usbhost_transfer send = {.endpoint = 0x01, .data = out, .length = TOTAL};
    assert_true(usbhost_submit(t->host, &send));
    bench_run(t, 60 * MS); /* nobody reads: the device has to say NAK */
    assert_int_equal(send.status, UH_PENDING);
    assert_true(send.actual < 8192);
    uint64_t began = vboard_now(t->board);
    uint32_t got = 0, n;
    while (got < TOTAL) {
        assert_int_equal(usbhost_bulk(t->host, 0x81, in + got, TOTAL + 64 - got, 5000 * MS, &n), UH_OK);
        got += n;
    }
    assert_int_equal(send.status, UH_OK);
    assert_int_equal(got, TOTAL);
    assert_memory_equal(in, out, TOTAL);
    double seconds = (double)(vboard_now(t->board) - began) / 1e9;
    print_message("echo at %u transactions a frame: %.0f kB/s\n", per_frame, TOTAL / seconds / 1000);
    bench_end(t);
}

/* 19 of 64 bytes fill a frame; with one the directions take turns. */
static void a_stream_loses_nothing(void **state)
{
    (void)state;
    stream(10);
    stream(19);
    stream(1);
}

/* Short packets of odd sizes until the device has to say NAK: its buffers are then not full to the byte. */
static void odd_packets_lose_nothing(void **state)
{
    (void)state;
    static uint8_t out[4096], in[4096 + 64];
    struct bench *t = start();
    for (uint32_t size = 2; size < 64; size += 9) {
        uint32_t sent = 0, got = 0, n;
        for (size_t i = 0; i < sizeof out; i++)
            out[i] = (uint8_t)(i * size + i / 251);
        while (sent + size <= sizeof out &&
               usbhost_bulk(t->host, 0x01, out + sent, size, 10 * MS, NULL) == UH_OK)
            sent += size;
        assert_in_range(sent, 1000, sizeof out - 64); /* it did say NAK */
        while (got < sent) {
            assert_int_equal(usbhost_bulk(t->host, 0x81, in + got, (uint32_t)sizeof in - got, 100 * MS, &n),
                             UH_OK);
            got += n;
        }
        assert_int_equal(got, sent);
        assert_memory_equal(in, out, sent);
    }
    bench_end(t);
}

/* A host that gives up in the middle and starts afresh gets nothing of before. */
static void a_new_configuration_starts_afresh(void **state)
{
    (void)state;
    static uint8_t bytes[600];
    struct bench *t = start();
    memset(bytes, 0x11, sizeof bytes);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(usbhost_bulk(t->host, 0x01, bytes, sizeof bytes, 1000 * MS, NULL), UH_OK);
        bench_run(t, 5 * MS); /* the first packets of the answer wait for the host */
        if (i % 2) {
            usbhost_bus_reset(t->host);
            assert_true(usbhost_wait_attached(t->host, 1000 * MS));
        }
        assert_int_equal(usbhost_configure(t->host, 1), UH_OK);
        static const uint8_t other[3] = {1, 2, 3};
        echo(t, other, sizeof other);
    }
    bench_end(t);
}

static void line_coding_is_kept(void **state)
{
    (void)state;
    uint8_t coding[7] = {0x00, 0xC2, 0x01, 0x00, 0, 0, 8}, back[7], longer[8] = {0};
    uint32_t n;
    struct bench *t = start();
    assert_int_equal(usbhost_control(t->host, 0xA1, 0x21, 0, 0, back, 7, &n), UH_OK);
    assert_int_equal(n, 7);
    assert_memory_equal(back, coding, 7);              /* 115200 8N1 */
    coding[0] = 0x80, coding[1] = 0x25, coding[2] = 0; /* 9600 */
    assert_int_equal(usbhost_control(t->host, 0x21, 0x20, 0, 0, coding, 7, NULL), UH_OK);
    assert_int_equal(usbhost_control(t->host, 0xA1, 0x21, 0, 0, back, 7, &n), UH_OK);
    assert_memory_equal(back, coding, 7);
    assert_int_equal(usbhost_control(t->host, 0x21, 0x20, 0, 0, longer, 8, NULL), UH_STALL);
    assert_int_equal(usbhost_control(t->host, 0x21, 0x20, 0, 1, coding, 7, NULL), UH_STALL);
    assert_int_equal(usbhost_control(t->host, 0x21, 0x23, 0, 0, coding, 7, NULL), UH_STALL); /* SEND_BREAK */
    assert_int_equal(usbhost_control(t->host, 0x21, 0x22, 3, 0, NULL, 0, NULL), UH_OK);
    bench_end(t);
}

static void only_the_single_byte_0xAA_means_dfu(void **state)
{
    (void)state;
    static const uint8_t two[2] = {0xAA, 0xAA}, other[1] = {0xAB};
    uint8_t byte = 0xAA, many[129];
    memset(many, 0xAA, sizeof many);
    struct bench *t = start();
    echo(t, two, 2);
    echo(t, other, 1);
    echo(t, many, 65); /* the last packet is a single byte, but not the transfer */
    echo(t, many, 129);
    echo(t, many, 64); /* Linux ends such a transfer with no short packet: what comes now may belong to it */
    echo(t, &byte, 1);
    bench_run(t, 150 * MS);
    assert_int_equal(t->resets, 1);
    echo(t, many, 64);
    bench_run(t, 150 * MS);
    assert_int_equal(usbhost_bulk(t->host, 0x01, &byte, 1, 100 * MS, NULL), UH_OK);
    assert_true(usbhost_wait_detached(t->host, 100 * MS));
    bench_run(t, 100 * MS);
    assert_int_equal(t->resets, 2);
    bench_end(t);
}

/* A port that is closed while it is set to 1200 bit/s; not one that is opened so, or closed otherwise. */
static void the_1200_baud_touch(void **state)
{
    (void)state;
    struct bench *t = start();
    struct {
        uint32_t rate;
        uint8_t stop, parity, bits;
    } __attribute__((packed)) coding = {1200, 0, 0, 8};
    for (unsigned slow = 0; slow < 2; slow++) {
        coding.rate = slow ? 1200 : 9600;
        assert_int_equal(usbhost_control(t->host, 0x21, 0x22, 1, 0, NULL, 0, NULL), UH_OK);
        assert_int_equal(usbhost_control(t->host, 0x21, 0x20, 0, 0, &coding, 7, NULL), UH_OK);
        bench_run(t, 100 * MS);
        assert_int_equal(t->resets, 1);
        assert_int_equal(usbhost_control(t->host, 0x21, 0x22, 0, 0, NULL, 0, NULL), UH_OK);
        bench_run(t, 100 * MS);
        assert_int_equal(t->resets, slow ? 2 : 1);
    }
    assert_true(usbhost_wait_attached(t->host, 500 * MS));
    assert_int_equal(usbhost_device_descriptor(t->host)[10], 0x11); /* DF11 */
    bench_end(t);
}

/* DETACH is acknowledged, then the device leaves by itself; the status tells so meanwhile. */
static void dfu_run_time_interface(void **state)
{
    (void)state;
    struct bench *t = start();
    uint8_t status[6], byte;
    assert_int_equal(usbhost_control(t->host, 0xA1, 3, 0, 2, status, 6, NULL), UH_OK);
    assert_int_equal(status[0], 0);
    assert_int_equal(status[4], 0); /* appIDLE */
    assert_int_equal(usbhost_control(t->host, 0xA1, 5, 0, 2, &byte, 1, NULL), UH_OK);
    assert_int_equal(byte, 0);
    assert_int_equal(usbhost_control(t->host, 0x21, 1, 0, 2, &byte, 1, NULL), UH_STALL); /* DNLOAD */
    assert_int_equal(usbhost_control(t->host, 0x21, 0, 1000, 2, NULL, 0, NULL), UH_OK);  /* DETACH */
    assert_int_equal(usbhost_control(t->host, 0xA1, 3, 0, 2, status, 6, NULL), UH_OK);
    assert_int_equal(status[4], 1); /* appDETACH */
    struct vboard_event left, back;
    assert_int_equal(vboard_run_event(t->board, 50 * MS, VE_USB, "detached", &left), VB_EVENT);
    assert_int_equal(vboard_run_event(t->board, 500 * MS, VE_USB, "attached", &back), VB_EVENT);
    assert_in_range(back.t - left.t, 20 * MS, 50 * MS); /* hubs have noticed */
    assert_true(usbhost_wait_attached(t->host, 500 * MS));
    assert_int_equal(usbhost_device_descriptor(t->host)[10], 0x11); /* DF11 */
    bench_end(t);
}

/* Windows: WinUSB for the run-time interface and for nothing else. */
static void microsoft_os_descriptors(void **state)
{
    (void)state;
    struct bench *t = start();
    uint8_t set[256];
    uint32_t n;
    assert_int_equal(usbhost_control(t->host, 0xC0, 0x53, 0, 7, set, sizeof set, &n), UH_OK);
    assert_int_equal(n, 178);
    assert_int_equal(set[8] | set[9] << 8, 178);
    assert_int_equal(set[10 + 6] | set[10 + 7] << 8, 168); /* configuration subset */
    assert_int_equal(set[18 + 4], 2);                      /* function subset: first interface */
    assert_int_equal(set[18 + 6] | set[18 + 7] << 8, 160);
    assert_memory_equal(set + 26 + 4, "WINUSB\0\0", 8);
    bench_end(t);
}

/* USB is driving resume signalling: CNTR.RESUME. */
static bool signals_resume(struct bench *t)
{
    uint16_t cntr = 0;
    assert_true(vboard_peek(t->board, 0x40006840, &cntr, sizeof cntr));
    return cntr >> 4 & 1;
}

/* B1 is held for so many ms. From when to when it signals resume, 0: never. */
struct signal {
    uint64_t from, to;
};
static struct signal press_for(struct bench *t, unsigned ms)
{
    struct signal s = {0};
    vboard_button(t->board, true);
    for (unsigned i = 0; i < 20 * ms; i++) {
        bench_run(t, MS / 20);
        if (signals_resume(t)) {
            s.to = vboard_now(t->board);
            s.from = s.from ? s.from : s.to;
        }
    }
    vboard_button(t->board, false);
    return s;
}

static void allow_to_wake(struct bench *t)
{
    enum { WAKEUP = 1 };
    uint8_t status[2];
    assert_int_equal(usbhost_control(t->host, 0, 3, WAKEUP, 0, NULL, 0, NULL), UH_OK);
    assert_int_equal(usbhost_control(t->host, 0x80, 0, 0, 0, status, 2, NULL), UH_OK);
    assert_int_equal(status[0], 2);
}

/* B1 wakes a host that sleeps, if that wants to be woken (USB 2.0 9.4.5, 9.4.9), as 7.1.7.7 has it. */
static void b1_wakes_the_host(void **state)
{
    (void)state;
    static const uint8_t byte = 7;
    struct bench *t = start();
    assert_int_equal(usbhost_config_descriptor(t->host)[7], 0xA0);

    usbhost_suspend(t->host, true);
    bench_run(t, 100 * MS);
    assert_int_equal(press_for(t, 100).from, 0); /* it has not allowed that */
    assert_int_equal(usbhost_state(t->host), UH_SUSPENDED);
    usbhost_suspend(t->host, false);
    bench_run(t, 100 * MS);

    allow_to_wake(t);
    assert_int_equal(press_for(t, 20).from, 0); /* it is awake */
    for (unsigned early = 0; early < 2; early++) {
        uint64_t slept = vboard_now(t->board);
        usbhost_suspend(t->host, true);
        bench_run(t, early ? 0 : 500 * MS);
        struct signal s = press_for(t, 30); /* held down when it falls asleep, or later */
        assert_in_range(s.to - s.from, 1 * MS, 15 * MS);
        assert_in_range(s.from - slept, early ? 5 * MS : 500 * MS, early ? 9 * MS : 503 * MS);
        bench_run(t, 100 * MS);
        assert_int_equal(usbhost_state(t->host), UH_CONFIGURED);
        assert_false(signals_resume(t));
        echo(t, &byte, 1);
    }
    assert_int_equal(t->resets, 1);
    bench_end(t);
}

/* The host does not answer, but wakes by itself right behind: then it is awake, and not to be woken. */
static void b1_behind_a_host_that_is_deaf(void **state)
{
    (void)state;
    static const struct board_usb deaf = {.owner = NULL};
    struct bench *t = start();
    allow_to_wake(t);
    usbhost_suspend(t->host, true);
    bench_run(t, 100 * MS);
    board_set_usb(t->board, &deaf);
    assert_true(press_for(t, 3).from > 0);
    while (signals_resume(t))
        bench_run(t, MS / 20);
    uint64_t stopped = vboard_now(t->board);
    assert_in_range(press_for(t, 10).from - stopped, 5 * MS, 7 * MS); /* of idle bus before it tries again */
    bench_run(t, 10 * MS);
    usbhost_suspend(t->host, false);
    bench_run(t, 100 * MS);
    assert_int_equal(usbhost_state(t->host), UH_CONFIGURED);
    assert_int_equal(press_for(t, 20).from, 0);
    bench_end(t);
}

static void led_goes_on_under_load(void **state)
{
    (void)state;
    static uint8_t bytes[1024]; /* what the device can hold while nobody reads */
    struct bench *t = start();
    while (vboard_now(t->board) < 4500 * MS)
        echo(t, bytes, sizeof bytes);
    bench_expect_blink(t, 3, 1000);
    bench_end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_comes_back),    cmocka_unit_test(a_stream_loses_nothing),
        cmocka_unit_test(odd_packets_lose_nothing), cmocka_unit_test(a_new_configuration_starts_afresh),
        cmocka_unit_test(line_coding_is_kept),      cmocka_unit_test(only_the_single_byte_0xAA_means_dfu),
        cmocka_unit_test(the_1200_baud_touch),      cmocka_unit_test(dfu_run_time_interface),
        cmocka_unit_test(microsoft_os_descriptors), cmocka_unit_test(led_goes_on_under_load),
        cmocka_unit_test(b1_wakes_the_host),        cmocka_unit_test(b1_behind_a_host_that_is_deaf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
