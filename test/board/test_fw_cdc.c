/* The CDC example as a serial port: nothing is lost, whatever the sizes and whoever is slow. */
#include "bench.h"

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
    assert_int_equal(usbhost_control(t->host, 0x21, 0x22, 3, 0, NULL, 0, NULL), UH_OK);
    bench_end(t);
}

static void only_the_single_byte_0xAA_means_dfu(void **state)
{
    (void)state;
    static const uint8_t two[2] = {0xAA, 0xAA}, other[1] = {0xAB};
    uint8_t full[64];
    memset(full, 0xAA, sizeof full);
    struct bench *t = start();
    echo(t, two, 2);
    echo(t, other, 1);
    echo(t, full, 64);
    assert_int_equal(t->resets, 1);
    uint8_t byte = 0xAA;
    assert_int_equal(usbhost_bulk(t->host, 0x01, &byte, 1, 100 * MS, NULL), UH_OK);
    assert_true(usbhost_wait_detached(t->host, 100 * MS));
    bench_run(t, 100 * MS);
    assert_int_equal(t->resets, 2);
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
        cmocka_unit_test(led_goes_on_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
