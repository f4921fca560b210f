/* The in-process USB host and isochronous endpoints: frames, both buffers of the chip's block, packets that
 * are lost, bandwidth. The device's end of the endpoints is played here, as firmware would: by registers. */
#include "usbhost_rig.h"

#include "board.h"
#include "chip/chip.h"

enum { USB = 0x40006800, FNR = USB + 0x48, PMA = 0x40006C00 };
enum { ISO = 0x400, INTERRUPT = 0x600, STAT_TX = 0x30, STAT_RX = 0x3000, CTR_TX = 0x80, CTR_RX = 0x8000 };
enum { DTOG_TX = 0x40, DTOG_RX = 0x4000, TOGGLES = 0x7070, PLAIN = 0x70F, CTRS = CTR_RX | CTR_TX };
enum { SIZE = 96, PACKETS = 8, MANY = 64 };

/* clang-format off */
static const uint8_t config_descriptor[] = {
    9, 2, 85, 0, 1, 1, 0, 0xC0, 50,
    9, 4, 0, 0, 0, 0xFF, 0, 0, 0,  /* no bandwidth */
    9, 4, 0, 1, 4, 0xFF, 0, 0, 0,
    7, 5, 0x01, 1, SIZE, 0, 1,     /* isochronous OUT */
    7, 5, 0x82, 5, SIZE, 0, 1,     /* IN */
    7, 5, 0x83, 3, 8, 0, 1,        /* interrupt IN */
    7, 5, 0x84, 1, 32, 0, 3,       /* IN, every four frames */
    9, 4, 0, 2, 3, 0xFF, 0, 0, 0,
    7, 5, 0x01, 1, 0xFF, 3, 1,     /* OUT, 1023 bytes */
    7, 5, 0x82, 1, 0, 1, 1,        /* IN, 256 bytes */
    7, 5, 0x84, 2, 64, 0, 0,       /* bulk now */
};
/* clang-format on */
_Static_assert(sizeof config_descriptor == 85, "wTotalLength");

/* What the device did: frames in which packets came, and their bytes. */
static struct {
    unsigned received, sent, slow;
    unsigned frames[MANY], sizes[MANY];
    uint8_t bytes[MANY][SIZE];
    bool fill; /* prepares the next IN packet */
} device;

static unsigned rd(unsigned addr)
{
    uint32_t v = 0;
    assert_true(chip_bus_read(board_chip(b), addr, 2, &v));
    return v;
}

static void wr(unsigned addr, unsigned v)
{
    assert_true(chip_bus_write(board_chip(b), addr, 2, v));
}

static unsigned epr(unsigned n)
{
    return rd(USB + 4 * n);
}

static void set_epr(unsigned n, unsigned v)
{
    wr(USB + 4 * n, ((epr(n) ^ v) & TOGGLES) | (v & PLAIN) | CTRS);
}

/* Both buffers of endpoint n, `room` bytes each, a multiple of 32. */
static void open_endpoint(unsigned n, unsigned at, unsigned room, bool in)
{
    for (unsigned k = 0; k < 2; k++) {
        wr(PMA + 8 * n + 4 * k, at + room * k);
        wr(PMA + 8 * n + 4 * k + 2, in ? 0 : 0x8000 | (room / 32 - 1) << 10);
    }
    set_epr(n, ISO | n | (in ? STAT_TX : STAT_RX));
}

static int on_request(void *arg, const uint8_t setup[8], const uint8_t *out, unsigned size, uint8_t *in)
{
    (void)arg;
    (void)out;
    (void)size;
    *in = 0; /* no request here has an answer */
    if (setup[1] != 11)
        return -1;
    if (setup[2] == 1) {
        open_endpoint(1, 0x200, SIZE, false);
        open_endpoint(2, 0x2C0, SIZE, true);
        open_endpoint(4, 0x380, 32, true);
    }
    return 0;
}

static unsigned frame(void)
{
    return rd(FNR) & 0x7FF;
}

/* Size and bytes say which packet it is. */
static unsigned size_of(unsigned k)
{
    return k * 37 % (SIZE + 1);
}

static uint8_t byte_of(unsigned k, unsigned at)
{
    return (uint8_t)(k * 29 + at * 3 + 1);
}

/* The buffer that the hardware does not use now (RM0394, isochronous transfers): 0 while DTOG is set. */
static unsigned free_buffer(unsigned n, unsigned dtog)
{
    return epr(n) & dtog ? 0 : 4;
}

static void prepare(unsigned row, unsigned k)
{
    unsigned at = rd(PMA + row);
    for (unsigned i = 0; i < SIZE; i += 2)
        wr(PMA + at + i, byte_of(k, i) | (unsigned)byte_of(k, i + 1) << 8);
    wr(PMA + row + 2, size_of(k));
}

static void take(unsigned row)
{
    unsigned at = rd(PMA + row), k = device.received++;
    assert_true(k < MANY);
    device.frames[k] = frame();
    device.sizes[k] = rd(PMA + row + 2) & 0x3FF;
    for (unsigned i = 0; i < device.sizes[k]; i++)
        device.bytes[k][i] = (uint8_t)(rd(PMA + at + (i & ~1U)) >> (8 * (i & 1)));
}

/* Lets time pass in steps of 20 us, in each of which the device looks at its endpoints. */
static void serve_us(unsigned us)
{
    for (; us >= 20; us -= 20) {
        vboard_run(b, 20000, NULL, NULL);
        if (epr(1) & CTR_RX) {
            wr(USB + 4, (epr(1) & PLAIN) | CTR_TX);
            take(8 + free_buffer(1, DTOG_RX));
        }
        if (epr(2) & CTR_TX) {
            wr(USB + 8, (epr(2) & PLAIN) | CTR_RX);
            device.sent++;
            if (device.fill) /* what goes out behind the one that is ready */
                prepare(16 + free_buffer(2, DTOG_TX), device.sent + 1);
        }
        if (epr(4) & CTR_TX) {
            wr(USB + 16, (epr(4) & PLAIN) | CTR_RX);
            device.slow++;
        }
    }
}

static void serve_ms(unsigned ms)
{
    serve_us(1000 * ms);
}

static int open_with(unsigned per_frame)
{
    static const struct soft_class class = {
        .config = config_descriptor, .config_size = sizeof config_descriptor, .request = on_request};
    const struct usbhost_config config = {.enumerate = true, .per_frame = per_frame};
    memset(&device, 0, sizeof device);
    begin(64, &config);
    soft_device_class(d, &class);
    assert_true(usbhost_wait_attached(h, 2000 * (uint64_t)MS));
    assert_int_equal(usbhost_configure(h, 1), UH_OK);
    assert_int_equal(usbhost_control(h, 1, 11, 1, 0, NULL, 0, NULL), UH_OK);
    device.fill = true;
    prepare(16, 0);
    prepare(20, 1);
    return 0;
}

static int streaming(void **state)
{
    (void)state;
    return open_with(0);
}

/* ---- the host's side ---------------------------------------------------------------------- */

struct stream {
    struct usbhost_transfer t;
    struct usbhost_packet packets[PACKETS];
    uint8_t data[2048];
    unsigned done, again; /* again: how often it is submitted from its done */
};

static void stream_done(struct usbhost_transfer *t, void *arg)
{
    struct stream *s = arg;
    s->done++;
    if (s->again > 0) {
        s->again--;
        assert_true(usbhost_submit(h, t));
    }
}

/* Packets k and on, each `gap` bytes behind the one before; OUT: full of what they are. */
static void shape(struct stream *s, uint8_t endpoint, unsigned k, unsigned gap)
{
    memset(s, 0, sizeof *s);
    unsigned at = 0;
    for (unsigned i = 0; i < PACKETS; i++) {
        unsigned size = endpoint & 0x80 ? SIZE : size_of(k + i);
        s->packets[i] = (struct usbhost_packet){.offset = at, .length = size};
        for (unsigned j = 0; j < size && !(endpoint & 0x80); j++)
            s->data[at + j] = byte_of(k + i, j);
        at += size + gap;
    }
    s->t = (struct usbhost_transfer){.endpoint = endpoint,
                                     .data = s->data,
                                     .length = at,
                                     .packets = s->packets,
                                     .packet_count = PACKETS,
                                     .done = stream_done,
                                     .arg = s};
}

static void queue(struct stream *s, uint8_t endpoint, unsigned k, unsigned gap)
{
    shape(s, endpoint, k, gap);
    assert_true(usbhost_submit(h, &s->t));
}

static void assert_over(const struct stream *s, unsigned errors)
{
    unsigned actual = 0;
    assert_int_equal(s->done, 1);
    assert_int_equal(s->t.status, UH_OK);
    assert_int_equal(s->t.packet_errors, errors);
    for (unsigned i = 0; i < PACKETS; i++)
        actual += s->packets[i].actual;
    assert_int_equal(s->t.actual, actual);
}

/* ---- tests -------------------------------------------------------------------------------- */

/* Three transfers, one packet a frame, without a gap, in both buffers in turn. */
static void test_out(void **state)
{
    (void)state;
    static struct stream s[3];
    unsigned first = frame() + 1;
    for (unsigned i = 0; i < 3; i++)
        queue(&s[i], 0x01, PACKETS * i, 5 * i);
    serve_ms(30);
    assert_int_equal(device.received, 3 * PACKETS);
    for (unsigned i = 0; i < 3; i++) {
        assert_over(&s[i], 0);
        assert_int_equal(s[i].t.start_frame, (first + PACKETS * i) & 0x7FF);
    }
    for (unsigned k = 0; k < 3 * PACKETS; k++) {
        assert_int_equal(device.frames[k], (first + k) & 0x7FF);
        assert_int_equal(device.sizes[k], size_of(k));
        for (unsigned i = 0; i < size_of(k); i++)
            assert_int_equal(device.bytes[k][i], byte_of(k, i));
    }
}

static void test_in(void **state)
{
    (void)state;
    static struct stream s[2];
    queue(&s[0], 0x82, 0, 3);
    queue(&s[1], 0x82, PACKETS, 0);
    serve_ms(2 * PACKETS + 3);
    for (unsigned k = 0; k < 2 * PACKETS; k++) {
        const struct stream *of = &s[k / PACKETS];
        const struct usbhost_packet *p = &of->packets[k % PACKETS];
        assert_int_equal(p->status, UH_OK);
        assert_int_equal(p->actual, size_of(k));
        for (unsigned i = 0; i < p->actual; i++)
            assert_int_equal(of->data[p->offset + i], byte_of(k, i));
    }
    assert_over(&s[0], 0);
    assert_over(&s[1], 0);
    assert_int_equal(s[1].t.start_frame, (s[0].t.start_frame + PACKETS) & 0x7FF);
    /* A device that prepares nothing sends what stands in the two buffers: it is not asked. */
    device.fill = false;
    queue(&s[0], 0x82, 0, 0);
    serve_ms(PACKETS + 2);
    assert_over(&s[0], 0);
    for (unsigned i = 2; i < PACKETS; i++)
        assert_int_equal(s[0].packets[i].actual, s[0].packets[i - 2].actual);
}

/* The packet is on the wire first thing in a frame: 8.3 us of overhead and 0.78 us a byte after the SOF, and
 * one behind the other. */
static void test_place_in_frame(void **state)
{
    (void)state;
    static struct stream out, in;
    queue(&out, 0x01, 0, 0);
    queue(&in, 0x82, 0, 0);
    out.packets[0].length = SIZE;
    unsigned was = frame();
    while (frame() == was)
        vboard_run(b, 500, NULL, NULL);
    uint64_t sof = vboard_now(b);
    while (!(epr(1) & CTR_RX))
        vboard_run(b, 500, NULL, NULL);
    assert_in_range(vboard_now(b) - sof, 83000, 86000);
    while (!(epr(2) & CTR_TX))
        vboard_run(b, 500, NULL, NULL);
    assert_in_range(vboard_now(b) - sof, 165000, 170000);
    assert_int_equal(frame(), was + 1);
    serve_ms(PACKETS + 2);
    assert_over(&out, 0);
}

static void test_interval(void **state)
{
    (void)state;
    static struct stream s;
    shape(&s, 0x84, 0, 0);
    for (unsigned i = 0; i < PACKETS; i++)
        s.packets[i].length = 8;
    assert_true(usbhost_submit(h, &s.t));
    serve_ms(2);
    assert_int_equal(device.slow, 1);
    serve_ms(4 * (PACKETS - 1) - 2);
    assert_int_equal(device.slow, PACKETS - 1);
    assert_int_equal(s.done, 0);
    serve_ms(2);
    assert_over(&s, 0);
    assert_int_equal(device.slow, PACKETS);
}

/* Submitted again from its done: the stream goes on. Found dry: it begins anew, and nothing is made up for.
 */
static void test_stream_goes_on(void **state)
{
    (void)state;
    static struct stream s;
    shape(&s, 0x01, 0, 0);
    s.again = 3;
    assert_true(usbhost_submit(h, &s.t));
    serve_ms(4 * PACKETS + 2);
    assert_int_equal(s.done, 4);
    assert_int_equal(device.received, 4 * PACKETS);
    assert_int_equal((device.frames[4 * PACKETS - 1] - device.frames[0]) & 0x7FF, 4 * PACKETS - 1);
    unsigned first = frame() + 1;
    assert_true(usbhost_submit(h, &s.t));
    serve_ms(PACKETS + 2);
    assert_int_equal(s.t.start_frame, first & 0x7FF);
    assert_int_equal(device.received, 5 * PACKETS);
}

/* Lost packets cost their own frame and nobody else's. */
static void test_lost_packets(void **state)
{
    (void)state;
    static struct stream s;
    queue(&s, 0x82, 0, 0);
    s.packets[1].length = size_of(1) - 1; /* one byte too small */
    serve_us(2500);
    set_epr(2, epr(2) & PLAIN); /* disabled: no answer */
    serve_ms(3);
    set_epr(2, (epr(2) & (PLAIN | DTOG_TX)) | STAT_TX);
    serve_ms(5);
    assert_over(&s, 4);
    for (unsigned i = 0; i < PACKETS; i++) {
        int expected = i == 1 ? UH_OVERFLOW : i >= 2 && i <= 4 ? UH_NO_ANSWER : UH_OK;
        assert_int_equal(s.packets[i].status, expected);
        assert_true(s.packets[i].actual == 0 || expected == UH_OK);
    }
    /* Nobody acknowledges OUT packets: the host cannot know. */
    set_epr(1, epr(1) & PLAIN);
    queue(&s, 0x01, 0, 0);
    serve_ms(PACKETS + 2);
    assert_over(&s, 0);
    assert_int_equal(device.received, 0);
}

static void test_cancel(void **state)
{
    (void)state;
    static struct stream s[2];
    queue(&s[0], 0x01, 0, 0);
    queue(&s[1], 0x01, PACKETS, 0);
    serve_us(3500);
    usbhost_cancel(h, &s[0].t);
    assert_int_equal(s[0].t.status, UH_CANCELLED);
    for (unsigned i = 0; i < PACKETS; i++)
        assert_int_equal(s[0].packets[i].status, i < device.received ? UH_OK : UH_LATE);
    assert_in_range(device.received, 3, 4);
    serve_ms(PACKETS + 2);
    assert_over(&s[1], 0);
    usbhost_bus_reset(h);
    assert_false(usbhost_submit(h, &s[0].t)); /* not configured: there is no such endpoint */
    assert_int_equal(s[0].t.status, UH_INVALID);
}

static void refused(struct usbhost_transfer *t, int status)
{
    assert_false(usbhost_submit(h, t));
    assert_int_equal(t->status, status);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct usbhost_packet bad[] = {
        {.offset = 0, .length = SIZE + 1},           {.offset = 1000, .length = 1},
        {.offset = PACKETS * SIZE - 1, .length = 2}, {.offset = UINT32_MAX, .length = 1},
        {.offset = 1, .length = UINT32_MAX},
    };
    static struct stream s;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        shape(&s, 0x82, 0, 0);
        s.packets[3] = bad[i];
        refused(&s.t, UH_INVALID);
    }
    shape(&s, 0x82, 0, 0);
    s.t.packet_count = 0;
    refused(&s.t, UH_INVALID);
    s.t.packets = NULL; /* no packets on an isochronous endpoint */
    refused(&s.t, UH_INVALID);
    shape(&s, 0x83, 0, 0); /* packets on another */
    refused(&s.t, UH_INVALID);
    s.t.endpoint = 0;
    refused(&s.t, UH_INVALID);
    assert_int_equal(usbhost_bulk(h, 0x82, s.data, 64, 0, NULL), UH_INVALID);
    soft_detach(d);
    shape(&s, 0x82, 0, 0);
    refused(&s.t, UH_GONE);
    assert_int_equal(s.done, 0);
}

/* 1023 bytes a frame and 256 more are too much; one of them is not. */
static void test_bandwidth(void **state)
{
    (void)state;
    static struct stream out, in;
    assert_int_equal(usbhost_control(h, 1, 11, 2, 0, NULL, 0, NULL), UH_OK);
    queue(&out, 0x01, 0, 0);
    shape(&in, 0x82, 0, 0);
    refused(&in.t, UH_NO_ROOM);
    usbhost_cancel(h, &out.t);
    queue(&in, 0x82, 0, 0);
    shape(&out, 0x01, 0, 0);
    refused(&out.t, UH_NO_ROOM);
    serve_ms(PACKETS + 2);
    assert_over(&in, 0);
    queue(&out, 0x01, 0, 0);
}

/* An alternate setting chosen under a transfer: one that no longer fits the endpoint is over, and packets for
 * which a frame has no room after all are late. */
static void test_other_setting(void **state)
{
    (void)state;
    static struct stream big, in, slow;
    shape(&slow, 0x84, 0, 0);
    for (unsigned i = 0; i < PACKETS; i++)
        slow.packets[i].length = 32;
    assert_true(usbhost_submit(h, &slow.t));
    assert_int_equal(usbhost_control(h, 1, 11, 2, 0, NULL, 0, NULL), UH_OK);
    assert_int_equal(slow.t.status, UH_CANCELLED); /* a bulk endpoint now */
    shape(&big, 0x01, 0, 0);
    for (unsigned i = 0; i < PACKETS; i++)
        big.packets[i] = (struct usbhost_packet){.length = 1023};
    big.t.length = 1023;
    assert_true(usbhost_submit(h, &big.t));
    assert_int_equal(usbhost_control(h, 1, 11, 1, 0, NULL, 0, NULL), UH_OK);
    shape(&slow, 0x84, 0, 0);
    for (unsigned i = 0; i < PACKETS; i++)
        slow.packets[i].length = 32;
    slow.t.packet_count = 1;
    assert_true(usbhost_submit(h, &slow.t));
    queue(&in, 0x82, 0, 0);
    serve_ms(PACKETS + 2);
    assert_over(&in, 0);
    assert_over(&slow, 1);
    assert_int_equal(slow.packets[0].status, UH_LATE);
    assert_int_equal(device.slow, 0);
}

/* Nine tenths of each frame are isochronous: control and interrupt transfers get what is left, however few
 * slots there are. */
static void test_others_beside(void **state)
{
    static const unsigned numbers[] = {1, 2, 10, 19};
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        static struct stream big;
        static struct bulk report;
        uint8_t descriptor[18];
        uint32_t n;
        open_with(numbers[i]);
        assert_int_equal(usbhost_control(h, 1, 11, 2, 0, NULL, 0, NULL), UH_OK);
        shape(&big, 0x01, 0, 0);
        for (unsigned k = 0; k < PACKETS; k++)
            big.packets[k] = (struct usbhost_packet){.length = 1023};
        big.t.length = 1023;
        big.again = 1000;
        assert_true(usbhost_submit(h, &big.t));
        set_epr(3, INTERRUPT | 3 | STAT_TX); /* its packet is empty */
        run_ms(2);
        start(&report, 0x83, 8);
        uint64_t before = vboard_now(b);
        assert_int_equal(usbhost_control(h, 0x80, 6, 0x100, 0, descriptor, 18, &n), UH_OK);
        assert_int_equal(n, 18);
        /* Three stages and a report: one a frame, of the 19 slots three. */
        assert_in_range(vboard_now(b) - before, (numbers[i] == 19 ? 1 : 2) * MS, 6 * MS);
        assert_int_equal(report.t.status, UH_OK);
        assert_int_equal(big.packets[0].status, UH_OK);
        assert_true(big.done > 0 || big.packets[1].status == UH_OK);
        big.again = 0;
        end(NULL);
    }
}

/* Taken in the middle of two streams: the device gets the same again. */
static void test_snapshot(void **state)
{
    (void)state;
    static struct stream out, was;
    queue(&out, 0x01, 0, 0);
    serve_us(3500);
    was = out;
    struct vboard_snapshot *s = vboard_save(b);
    assert_non_null(s);
    unsigned received = device.received;
    for (unsigned i = 0; i < 2; i++) {
        serve_ms(PACKETS);
        assert_over(&out, 0);
        assert_int_equal(device.received, PACKETS);
        for (unsigned k = 0; k < PACKETS; k++)
            assert_int_equal(device.sizes[k], size_of(k));
        usbhost_bus_reset_start(h); /* whatever happened since */
        vboard_restore(b, s);
        out = was;
        device.received = received;
    }
    vboard_snapshot_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with(streaming, test_out),
        with(streaming, test_in),
        with(streaming, test_place_in_frame),
        with(streaming, test_interval),
        with(streaming, test_stream_goes_on),
        with(streaming, test_lost_packets),
        with(streaming, test_cancel),
        with(streaming, test_refused),
        with(streaming, test_bandwidth),
        with(streaming, test_other_setting),
        cmocka_unit_test(test_others_beside),
        with(streaming, test_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
