/* Firmware with isochronous endpoints (test/board/fw/isochronous) through the in-process host: each packet in
 * its frame, in both directions, whatever else is on the bus. */
#include "bench.h"

enum { OUT_EP = 0x01, IN_EP = 0x82, SIZE = 128, HEAD = 8, PACKETS = 200 };

static uint8_t out_data[PACKETS * SIZE], in_data[PACKETS * SIZE];
static struct usbhost_packet out_packets[PACKETS], in_packets[PACKETS];

static unsigned size_of(unsigned k)
{
    return k * 37 % (SIZE - HEAD + 1);
}

static unsigned le16(const uint8_t *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

static struct usbhost_transfer transfer(uint8_t endpoint, uint8_t *data, struct usbhost_packet *packets)
{
    for (unsigned k = 0; k < PACKETS; k++) {
        unsigned size = endpoint == OUT_EP ? size_of(k) : SIZE;
        packets[k] = (struct usbhost_packet){.offset = SIZE * k, .length = size};
        for (unsigned i = 0; i < SIZE; i++)
            data[SIZE * k + i] = endpoint == OUT_EP ? (uint8_t)(k * 29 + i * 3) : 0;
    }
    return (struct usbhost_transfer){.endpoint = endpoint,
                                     .data = data,
                                     .length = SIZE * PACKETS,
                                     .packets = packets,
                                     .packet_count = PACKETS};
}

/* Packet k was made in frame k - 2, when that frame's OUT packet had come; the first two before the stream.
 */
static void check_packet(unsigned k, unsigned first_frame)
{
    const uint8_t *p = in_data + SIZE * k;
    unsigned before = k - 2;
    assert_int_equal(in_packets[k].status, UH_OK);
    assert_int_equal(in_packets[k].actual, k == 0 ? 0 : k == 1 ? HEAD : HEAD + size_of(before));
    if (k == 0)
        return;
    assert_int_equal(le16(p + 2), k - 1);
    assert_int_equal(le16(p + 4), k - 1);
    if (k == 1)
        return;
    assert_int_equal(le16(p), (first_frame + before) & 0x7FF);
    assert_memory_equal(p + HEAD, out_data + SIZE * before, size_of(before));
}

static void test_both_ways(void **state)
{
    static const unsigned per_frame[] = {1, 10, 19};
    (void)state;
    for (size_t i = 0; i < sizeof per_frame / sizeof *per_frame; i++) {
        struct bench *t = bench_start_with("build/test/fw/isochronous.elf", NULL, per_frame[i]);
        uint8_t descriptor[18];
        assert_true(usbhost_wait_attached(t->host, 2000 * MS));
        assert_int_equal(usbhost_configure(t->host, 1), UH_OK);
        assert_int_equal(usbhost_control(t->host, 1, 11, 1, 0, NULL, 0, NULL), UH_OK);
        struct usbhost_transfer out = transfer(OUT_EP, out_data, out_packets),
                                in = transfer(IN_EP, in_data, in_packets);
        assert_true(usbhost_submit(t->host, &out));
        assert_true(usbhost_submit(t->host, &in));
        while (in.status == UH_PENDING || out.status == UH_PENDING)
            assert_int_equal(usbhost_control(t->host, 0x80, 6, 0x100, 0, descriptor, 18, NULL), UH_OK);
        assert_int_equal(in.status, UH_OK);
        assert_int_equal(out.status, UH_OK);
        assert_int_equal(in.packet_errors + out.packet_errors, 0);
        assert_int_equal(in.start_frame, out.start_frame);
        for (unsigned k = 0; k < PACKETS; k++)
            check_packet(k, in.start_frame);
        bench_end(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_ways)};
    return cmocka_run_group_tests_name("fw_isochronous", tests, NULL, NULL);
}
