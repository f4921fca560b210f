/* USB/IP server: isochronous transfers, what goes over the wire for them. */
#include "unit/usbip_double.h"

enum { PACKETS = 3, LENGTH = 300 };

struct descriptor {
    uint32_t offset, length, actual;
    int status;
};

static void put_descriptors(struct fixture *f, int fd, const struct descriptor *d, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t raw[ISO_PACKET_SIZE];
        usbip_put32(raw + ISO_OFFSET, d[i].offset);
        usbip_put32(raw + ISO_LENGTH, d[i].length);
        usbip_put32(raw + ISO_ACTUAL, d[i].actual); /* what a request has there means nothing */
        usbip_put32(raw + ISO_STATUS, (uint32_t)d[i].status);
        put(f, fd, raw, sizeof raw);
    }
}

static void expect_descriptors(struct fixture *f, int fd, const struct descriptor *d, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t raw[ISO_PACKET_SIZE];
        get(f, fd, raw, sizeof raw);
        assert_int_equal(usbip_get32(raw + ISO_OFFSET), d[i].offset);
        assert_int_equal(usbip_get32(raw + ISO_LENGTH), d[i].length);
        assert_int_equal(usbip_get32(raw + ISO_ACTUAL), d[i].actual);
        assert_int_equal((int)usbip_get32(raw + ISO_STATUS), d[i].status);
    }
}

static void expect_header(struct fixture *f, int fd, uint32_t sequence, int status, uint32_t actual,
                          uint32_t start, uint32_t errors)
{
    uint8_t h[URB_SIZE];
    get(f, fd, h, sizeof h);
    assert_int_equal(usbip_get32(h), RET_SUBMIT);
    assert_int_equal(usbip_get32(h + URB_SEQUENCE), sequence);
    assert_int_equal((int)usbip_get32(h + RET_STATUS), status);
    assert_int_equal(usbip_get32(h + RET_ACTUAL), actual);
    assert_int_equal(usbip_get32(h + RET_START_FRAME), start);
    assert_int_equal(usbip_get32(h + RET_PACKETS), PACKETS);
    assert_int_equal(usbip_get32(h + RET_ERRORS), errors);
}

static const struct descriptor asked[PACKETS] = {
    {0, 100, 77, -5}, {100, 100, 0, 0}, {200, 90, 0, 0}}; /* ten bytes are in no packet */

static void test_in(void **state)
{
    struct fixture *f = *state;
    static const struct descriptor became[PACKETS] = {
        {0, 100, 4, 0}, {100, 100, 0, UH_NO_ANSWER}, {200, 90, 90, 0}};
    uint8_t data[94];
    int fd = importer(f);
    put_submit(f, fd,
               &(struct submit){.sequence = 7, .in = 1, .endpoint = 2, .length = LENGTH, .packets = PACKETS});
    put_descriptors(f, fd, asked, PACKETS - 1);
    assert_int_equal(f->host.pending, 0);
    put_descriptors(f, fd, asked + PACKETS - 1, 1);
    assert_int_equal(f->host.pending, 1);
    struct usbhost_transfer *t = f->host.queue;
    assert_int_equal(t->endpoint, 0x82);
    assert_int_equal(t->length, LENGTH);
    assert_int_equal(t->packet_count, PACKETS);
    for (unsigned i = 0; i < PACKETS; i++) {
        assert_int_equal(t->packets[i].offset, asked[i].offset);
        assert_int_equal(t->packets[i].length, asked[i].length);
        t->packets[i].actual = became[i].actual;
        t->packets[i].status = became[i].status;
    }
    memset(t->data, 0x11, LENGTH);
    memset(t->data, 0xA1, 4);
    memset(t->data + 200, 0xB2, 90);
    t->actual = 94;
    t->start_frame = 1234;
    t->packet_errors = 1;
    finish(&f->host, t, UH_OK);
    expect_header(f, fd, 7, 0, 94, 1234, 1);
    get(f, fd, data, sizeof data); /* without the gaps */
    for (unsigned i = 0; i < sizeof data; i++)
        assert_int_equal(data[i], i < 4 ? 0xA1 : 0xB2);
    expect_descriptors(f, fd, became, PACKETS);
    assert_true(silent(fd));
    (void)close(fd);
}

static void test_out(void **state)
{
    struct fixture *f = *state;
    uint8_t data[LENGTH];
    for (unsigned i = 0; i < LENGTH; i++)
        data[i] = (uint8_t)(i * 7);
    int fd = importer(f);
    put_submit(
        f, fd,
        &(struct submit){.sequence = 8, .endpoint = 1, .length = LENGTH, .packets = PACKETS, .data = data});
    put_descriptors(f, fd, asked, PACKETS);
    assert_int_equal(f->host.pending, 1);
    struct usbhost_transfer *t = f->host.queue;
    struct descriptor became[PACKETS];
    assert_memory_equal(t->data, data, LENGTH);
    for (unsigned i = 0; i < PACKETS; i++) {
        assert_int_equal(t->packets[i].offset, asked[i].offset);
        assert_int_equal(t->packets[i].length, asked[i].length);
        t->packets[i].actual = asked[i].length;
        t->packets[i].status = UH_OK;
        became[i] = (struct descriptor){asked[i].offset, asked[i].length, asked[i].length, 0};
    }
    t->actual = 290;
    finish(&f->host, t, UH_OK);
    expect_header(f, fd, 8, 0, 290, 0, 0);
    expect_descriptors(f, fd, became, PACKETS);
    assert_true(silent(fd));
    (void)close(fd);
}

/* However a transfer ends, its answer has all the descriptors: a client reads as many as it has sent. */
static void test_other_ends(void **state)
{
    struct fixture *f = *state;
    struct descriptor none[PACKETS];
    for (unsigned i = 0; i < PACKETS; i++)
        none[i] = (struct descriptor){asked[i].offset, asked[i].length, 0, UH_LATE};
    int fd = importer(f);
    static uint8_t data[REFUSED];
    put_submit(
        f, fd,
        &(struct submit){.sequence = 1, .endpoint = 1, .length = REFUSED, .packets = PACKETS, .data = data});
    put_descriptors(f, fd, asked, PACKETS);
    expect_header(f, fd, 1, UH_NO_ROOM, 0, 0, 0);
    expect_descriptors(f, fd, none, PACKETS);
    /* unlinked: no other answer */
    const struct submit in = {.sequence = 2, .in = 1, .endpoint = 2, .length = LENGTH, .packets = PACKETS};
    put_submit(f, fd, &in);
    put_descriptors(f, fd, asked, PACKETS);
    put_unlink(f, fd, 3, 2);
    expect(f, fd, RET_UNLINK, 3, UH_CANCELLED, 0);
    assert_true(silent(fd));
    /* the device leaves, and a request comes after that */
    put_submit(f, fd, &in);
    put_descriptors(f, fd, asked, PACKETS);
    f->host.state = UH_DETACHED;
    pump(f);
    expect_header(f, fd, 2, UH_GONE, 0, 0, 0);
    expect_descriptors(f, fd, none, PACKETS);
    put_submit(f, fd, &in);
    put_descriptors(f, fd, asked, PACKETS);
    expect_header(f, fd, 2, UH_GONE, 0, 0, 0);
    expect_descriptors(f, fd, none, PACKETS);
    (void)close(fd);
}

/* Packets that nobody can mean: no memory beyond their number is taken, and none is read or written. The
 * host refuses them (test_usbhost_iso); the answer repeats what was asked. */
static void test_absurd(void **state)
{
    struct fixture *f = *state;
    static const struct descriptor absurd[PACKETS] = {
        {UINT32_MAX, UINT32_MAX, UINT32_MAX, -1}, {0, UINT32_MAX, 9, 9}, {0x80000000, 1, 2, 3}};
    struct descriptor none[PACKETS];
    for (unsigned i = 0; i < PACKETS; i++)
        none[i] = (struct descriptor){absurd[i].offset, absurd[i].length, 0, UH_LATE};
    int fd = importer(f);
    put_submit(
        f, fd,
        &(struct submit){.sequence = 1, .in = 1, .endpoint = 2, .length = REFUSED, .packets = PACKETS});
    put_descriptors(f, fd, absurd, PACKETS);
    expect_header(f, fd, 1, UH_NO_ROOM, 0, 0, 0);
    expect_descriptors(f, fd, none, PACKETS);
    (void)close(fd);
    static const uint32_t counts[] = {1025, 0x10000000, 0x10000001, UINT32_MAX - 1};
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++) {
        fd = importer(f);
        put_submit(f, fd, &(struct submit){.sequence = 1, .in = 1, .endpoint = 2, .packets = counts[i]});
        assert_true(closed(f, fd));
        assert_non_null(strstr(f->message, "room for"));
        (void)close(fd);
    }
    fd = importer(f); /* the most that is taken, all empty */
    put_submit(f, fd, &(struct submit){.sequence = 1, .endpoint = 1, .packets = 1024});
    for (unsigned i = 0; i < 1024; i++)
        put_descriptors(f, fd, &(struct descriptor){0, 0, 0, 0}, 1);
    assert_int_equal(f->host.pending, 1);
    assert_int_equal(f->host.queue->packet_count, 1024);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_in), TEST(test_out), TEST(test_other_ends),
                                       TEST(test_absurd)};
    return cmocka_run_group_tests_name("usbip_iso", tests, NULL, NULL);
}
